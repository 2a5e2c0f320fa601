import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from sqlalchemy import bindparam, literal, select

from reply_desktop.adapters.store import tables
from reply_desktop.adapters.store.sql import (
    Runner,
    Statement,
    full,
    known_time,
    storable,
    to_time,
    to_us,
    told,
)
from reply_desktop.domain.errors import AlreadyExists, StoreDamaged, StoreFull
from tests.adapters.store.nouns import times


@given(times, times)
def test_times_are_stored_to_the_microsecond_and_sort_as_numbers(one: datetime, other: datetime) -> None:
    assert to_time(to_us(one)) == one
    assert (one < other) == (to_us(one) < to_us(other))  # type: ignore[operator]


def test_a_missing_time_stays_missing() -> None:
    assert to_us(None) is None
    assert to_time(None) is None
    assert known_time(0) == datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    assert to_us(known_time(0) + timedelta(microseconds=1)) == 1


def test_half_a_surrogate_pair_from_outside_does_not_stop_a_save() -> None:
    assert storable("broken \ud83d smile") == "broken ? smile"
    assert storable("whole 😀 ü") == "whole 😀 ü"
    assert storable(None) is None


def test_a_statement_takes_its_values_by_name_and_keeps_its_constants() -> None:
    connection = sqlite3.connect(":memory:")
    statement = Statement(select(bindparam("b"), literal(7), bindparam("a")))
    assert statement(connection, a=1, b=2, unused=3).fetchall() == [(2, 7, 1)]
    with pytest.raises(KeyError):
        statement(connection, a=1)
    connection.close()


def test_a_statement_of_the_tables_is_plain_sql() -> None:
    statement = Statement(select(tables.settings.c.value).where(tables.settings.c.name == bindparam("name")))
    assert " ".join(statement.text.split()) == "SELECT settings.value FROM settings WHERE settings.name = ?"


def raised(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("said by sqlite")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "kind", "word"),
    [
        (sqlite3.SQLITE_FULL, StoreFull, "full"),
        (sqlite3.SQLITE_CORRUPT, StoreDamaged, "damaged"),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreDamaged, "damaged"),
        (sqlite3.SQLITE_NOTADB, StoreDamaged, "damaged"),
        (sqlite3.SQLITE_IOERR_READ, StoreDamaged, "read or written"),
        (sqlite3.SQLITE_CANTOPEN, StoreDamaged, "read or written"),
        (sqlite3.SQLITE_READONLY, StoreDamaged, "may not be written"),
    ],
)
def test_what_sqlite_says_becomes_words_for_people(
    code: int, kind: type[Exception], word: str, tmp_path: Path
) -> None:
    error = told(raised(code), tmp_path / "reply.db")
    assert isinstance(error, kind)
    assert word in str(error)
    assert str(tmp_path) in str(error)


def test_a_fault_of_our_own_stays_what_it_is(tmp_path: Path) -> None:
    error = raised(sqlite3.SQLITE_ERROR)
    assert told(error, tmp_path / "reply.db") is error
    bare = sqlite3.ProgrammingError("no code at all")
    assert told(bare, tmp_path / "reply.db") is bare


def test_a_statement_is_led_to_its_index() -> None:
    asked = select(tables.accounts.c.id).where(tables.accounts.c.cause == bindparam("cause"))
    (by,) = [one for one in tables.accounts.indexes if one.name == "ix_accounts_cause"]
    assert "FROM accounts INDEXED BY ix_accounts_cause" in Statement(asked, by=by).text
    with pytest.raises(AssertionError, match="accounts is not read here"):
        _ = Statement(select(literal(1)), by=by).text


def test_many_rows_and_numbers_the_database_gives(tmp_path: Path) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT)")
    connection.execute("BEGIN")
    runner = Runner(connection, tmp_path / "reply.db", writes=True)
    add = Statement(tables.settings.insert().values(name=bindparam("a"), value=literal("kept")))
    assert runner.change_many(add, ({"a": f"{number}"} for number in range(1000))) == 1000
    assert runner.add(add, a="last") == 1001
    every = Statement(select(tables.settings.c.name, tables.settings.c.value))
    assert runner.rows(every)[-2:] == [("999", "kept"), ("last", "kept")]
    with pytest.raises(AlreadyExists):
        runner.change_many(add, [{"a": "new"}, {"a": "1"}])
    with pytest.raises(AlreadyExists):
        runner.add(add, a="1")
    runner.end()
    reading = Runner(connection, tmp_path / "reply.db", writes=False)
    for use in (lambda: reading.change_many(add, []), lambda: reading.add(add, a="1")):
        with pytest.raises(RuntimeError, match="reading only"):
            use()
    connection.close()


def test_full_tells_the_one_thing_to_do(tmp_path: Path) -> None:
    assert full(tmp_path / "reply.db").todo == "Make room on the disk."


def test_a_runner_is_of_no_use_once_it_is_over(tmp_path: Path) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("BEGIN")
    runner = Runner(connection, tmp_path / "reply.db", writes=True)
    one = Statement(select(literal(1)))
    assert runner.rows(one) == [(1,)]
    assert runner.column(one) == [1]
    runner.end()
    assert not connection.in_transaction
    for use in (
        lambda: runner.rows(one),
        lambda: runner.column(one),
        lambda: runner.change(one),
        lambda: runner.change_many(one, []),
        lambda: runner.add(one),
        runner.commit,
    ):
        with pytest.raises(RuntimeError, match="over"):
            use()
    connection.close()
