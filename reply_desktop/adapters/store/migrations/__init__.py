"""Steps from each older schema to the newest; applied by Alembic, in one transaction, from this folder.

A new step: change `tables.py`, add `versions/v000N_….py` with the next number as its revision and the last
as its `down_revision`, and raise the head below. A test compares what the steps build with `tables.py`.
Rebuilding a table (a batch) does not carry along an index on an expression (`ix_accounts_severity`,
`ix_enrollments_progress`): drop it before and make it again after. A file of every released schema is kept
in the tests' `fixtures`.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Steps:
    """A folder that Alembic can run, and the revision of its last step. Revisions are numbers."""

    folder: Path
    head: str

    def is_newer(self, revision: str) -> bool:
        """Whether a schema of this revision is none that these steps know."""
        return not revision.isdecimal() or int(revision) > int(self.head)

    def apply(self, connection: sqlite3.Connection, application_id: int) -> None:
        """Bring the schema to the head and mark the file with the id, in one transaction.

        Whatever a step raises passes through; then the database is as it was.
        """
        from alembic import command
        from alembic.config import Config
        from sqlalchemy import create_engine
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.pool import StaticPool

        config = Config()
        config.set_main_option("script_location", str(self.folder).replace("%", "%%"))
        engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
        # Rebuilding a table drops the old one, which must not cascade; the check below makes up for it.
        connection.execute("PRAGMA foreign_keys = OFF")
        try:
            with engine.connect() as joined, joined.begin():
                # Not before here: the engine rolls back when it first connects.
                connection.execute("BEGIN IMMEDIATE")
                config.attributes["connection"] = joined
                command.upgrade(config, "head")
                if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                    raise sqlite3.IntegrityError("a row refers to one that is not there")
                connection.execute(f"PRAGMA application_id = {application_id}")
        except DBAPIError as error:
            raise error.orig or error from error


STEPS: Final = Steps(Path(__file__).parent, "0004")
"""Ours. Alembic reads them as files, also in a frozen app."""


def revision_of(connection: sqlite3.Connection) -> str | None:
    """The schema's revision, or None where there is none (an empty file, or not a database of ours)."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    return None if row is None else str(row[0])
