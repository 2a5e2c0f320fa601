"""SQL as the store speaks it: statements of Core run on the driver, times as integers, errors for people."""

import re
import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Index
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.sql.expression import ClauseElement

from reply_desktop.domain.errors import (
    AlreadyExists,
    NotFound,
    ReplyDesktopError,
    StoreDamaged,
    StoreFull,
)

_DIALECT: Final = dialect(paramstyle="qmark")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ALMOST_NOTHING: Final = 1 << 20


class Statement:
    """A Core statement, compiled on first use and from then on run on the driver's connection.

    Measured on one row by its key: 6 µs, where an execute through Core's own connection takes 22 µs; a check
    of an account runs about ten statements.
    """

    def __init__(self, core: ClauseElement, by: Index | None = None) -> None:
        """`by`: the index to read the table by, where SQLite, which has no statistics here, guesses wrong."""
        self._core = core
        self._by = by

    def __call__(self, connection: sqlite3.Connection, **values: object) -> sqlite3.Cursor:
        """Run it with these values for its bind parameters."""
        sql, names, fixed = self._compiled
        if fixed:
            values = {**fixed, **values}
        return connection.execute(sql, [values[name] for name in names])

    def many(self, connection: sqlite3.Connection, rows: Iterable[Mapping[str, object]]) -> sqlite3.Cursor:
        """Run it once for each of these values."""
        sql, names, fixed = self._compiled
        return connection.executemany(
            sql, ([row[name] if name in row else fixed[name] for name in names] for row in rows)
        )

    @property
    def text(self) -> str:
        """The SQL."""
        return self._compiled[0]

    @cached_property
    def _compiled(self) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        compiled: Any = self._core.compile(dialect=_DIALECT)
        names = tuple(compiled.positiontup or ())
        required = {bind.key for bind in compiled.binds.values() if bind.required}
        fixed = {name: value for name, value in compiled.params.items() if name not in required}
        return self._led(compiled.string), names, fixed

    def _led(self, sql: str) -> str:
        if self._by is None or self._by.table is None:
            return sql
        led, count = re.subn(
            rf"\bFROM {self._by.table.name}\b", rf"\g<0> INDEXED BY {self._by.name}", sql, count=1
        )
        assert count, f"{self._by.table.name} is not read here"
        return led


class Runner:
    """Runs statements in one transaction, with errors that people understand. Of no use once it is over."""

    def __init__(self, connection: sqlite3.Connection, path: Path, *, writes: bool) -> None:
        self._connection = connection
        self._path = path
        self._writes = writes
        self._over = False

    def rows(self, statement: Statement, **values: object) -> list[Any]:
        """All rows it gives, as tuples. Raises StoreDamaged and the like."""
        self._require(not self._over, "this unit of work is over")
        try:
            return statement(self._connection, **values).fetchall()
        except sqlite3.Error as error:
            raise told(error, self._path) from error

    def column(self, statement: Statement, **values: object) -> list[Any]:
        """The values of its only column. Row by row: holding all the tuples at once costs a fifth more."""
        self._require(not self._over, "this unit of work is over")
        try:
            return [value for (value,) in statement(self._connection, **values)]
        except sqlite3.Error as error:
            raise told(error, self._path) from error

    def change(self, statement: Statement, **values: object) -> int:
        """How many rows it changed. Raises StoreFull, AlreadyExists, NotFound and the like."""
        self._require(self._writes, "this unit of work is for reading only")
        self._require(not self._over, "this unit of work is over")
        try:
            return statement(self._connection, **values).rowcount
        except sqlite3.Error as error:
            raise told(error, self._path) from error

    def change_many(self, statement: Statement, rows: Iterable[Mapping[str, object]]) -> int:
        """Run it for each of these values; how many rows that changed. Raises as `change`."""
        self._require(self._writes, "this unit of work is for reading only")
        self._require(not self._over, "this unit of work is over")
        try:
            return statement.many(self._connection, rows).rowcount
        except sqlite3.Error as error:
            raise told(error, self._path) from error

    def add(self, statement: Statement, **values: object) -> int:
        """Add one row; the number the database gave it. Raises as `change`."""
        self._require(self._writes, "this unit of work is for reading only")
        self._require(not self._over, "this unit of work is over")
        try:
            number = statement(self._connection, **values).lastrowid
        except sqlite3.Error as error:
            raise told(error, self._path) from error
        assert number is not None
        return number

    def commit(self) -> None:
        """Keep what was changed. Raises StoreFull; then nothing of it is kept."""
        self._require(self._writes, "this unit of work is for reading only")
        self._require(not self._over, "this unit of work is over")
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise told(error, self._path) from error
        finally:
            self._over = True

    def end(self) -> None:
        """Drop what was not committed."""
        self._over = True
        if self._connection.in_transaction:
            self._connection.rollback()

    @staticmethod
    def _require(fits: bool, otherwise: str) -> None:
        if not fits:
            raise RuntimeError(otherwise)


def to_us(at: datetime | None) -> int | None:
    """A time as stored: whole microseconds since 1970 UTC, which sort and compare as numbers."""
    return None if at is None else (at - _EPOCH) // _MICROSECOND


def to_time(us: int | None) -> datetime | None:
    """A stored time as an aware UTC datetime."""
    return None if us is None else known_time(us)


def known_time(us: int) -> datetime:
    """A stored time that cannot be missing."""
    return _EPOCH + timedelta(microseconds=us)


def storable(text: str | None) -> str | None:
    """Text from outside with what UTF-8 cannot hold (half a surrogate pair, say) replaced."""
    return None if text is None else text.encode("utf-8", "replace").decode()


def told(error: sqlite3.Error, path: Path) -> Exception:
    """The error as people can act on it, or as it is when it is a fault of our own."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return full(path)
        case sqlite3.SQLITE_IOERR if shutil.disk_usage(path.parent).free < _ALMOST_NOTHING:
            return full(path)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreDamaged(f"The database {path} is damaged.", "Restore a backup of it.")
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN:
            return StoreDamaged(
                f"The database {path} cannot be read or written: {error}.", "Check the disk and the folder."
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreDamaged(
                f"The database {path} may not be written.", "Check who owns the file and its folder."
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return ReplyDesktopError(
                f"The database {path} is held by another program.", "Close it and try again."
            )
        case sqlite3.SQLITE_CONSTRAINT if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
            return NotFound("The account is not there any more.")
        case sqlite3.SQLITE_CONSTRAINT if code in _TWICE:
            return AlreadyExists("That is there already.")
    return error


def full(path: Path) -> StoreFull:
    """The disk of the database is full."""
    return StoreFull(
        f"The disk is full: nothing more can be kept in {path.parent}.", "Make room on the disk."
    )


_TWICE: Final = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
