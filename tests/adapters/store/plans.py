"""How SQLite goes about a statement."""

import sqlite3
from contextlib import closing
from pathlib import Path

from reply_desktop.adapters.store.sql import Statement


def plan(path: Path, statement: Statement) -> str:
    """What EXPLAIN QUERY PLAN tells, in one line."""
    with closing(sqlite3.connect(path)) as connection:
        connection.create_function("share_of", 1, len)
        values = [None] * statement.text.count("?")
        told = connection.execute("EXPLAIN QUERY PLAN " + statement.text, values).fetchall()
    return "; ".join(row[3] for row in told)
