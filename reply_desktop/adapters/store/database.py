"""The SQLite database of one data folder: opening it, units of work for many threads, backup and restore."""

import sqlite3
import threading
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from reply_desktop.adapters.store import files
from reply_desktop.adapters.store.migrations import STEPS, Steps
from reply_desktop.adapters.store.read_models import SqliteReads
from reply_desktop.adapters.store.repositories import SHARE
from reply_desktop.adapters.store.sql import Runner, told
from reply_desktop.adapters.store.unit_of_work import SqliteUnitOfWork
from reply_desktop.services.ports import Clock, Reads

_BUSY_S: Final = 10.0
_JOURNAL_BYTES: Final = 64 << 20
_CACHE_KIB: Final = 32 << 10
"""An import of 100,000 prospects takes two thirds of the time it takes with SQLite's own 2 MB."""


class SqliteStore:
    """The database, safe to use from many threads. It belongs to the engine, one per data folder.

    Writers follow one another, each in a transaction that is a write transaction from its start; readers see
    the last commit and wait for nobody (write-ahead log).
    """

    reads: Reads

    def __init__(
        self, path: Path, clock: Clock, *, max_pages: int | None = None, steps: Steps = STEPS
    ) -> None:
        """Open the database, make it where there is none, migrate an older one after copying it.

        `max_pages` limits the file's size in pages of 4,096 bytes; `steps` are the migrations. Raises
        StoreDamaged naming the newest backup, StoreTooNew leaving the file untouched, and StoreFull.
        """
        self._path = path
        self._clock = clock
        files.make_private(path)
        revision = files.check(path, steps)
        try:
            self._writer = self._open(max_pages, revision, steps)
        except sqlite3.Error as error:
            raise told(error, path) from error
        self._writing = threading.Lock()
        self._writing_thread: int | None = None
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False
        self.reads = SqliteReads(self._reading, clock.now)

    @contextmanager
    def begin(self, *, durable: bool = False) -> Iterator[SqliteUnitOfWork]:
        """A unit of work; `durable` forces it to the disk before `commit` returns.

        Raises StoreFull when the disk is full. One thread has one at a time.
        """
        me = threading.get_ident()
        if self._writing_thread == me:
            raise RuntimeError("a unit of work is open in this thread already")
        with self._writing:
            self._require_open()
            self._writing_thread = me
            runner = Runner(self._writer, self._path, writes=True)
            try:
                self._start_writing(durable)
                yield SqliteUnitOfWork(runner, self._clock.now())
            finally:
                runner.end()
                if durable:
                    self._writer.execute("PRAGMA synchronous = NORMAL")
                self._writing_thread = None

    @contextmanager
    def read(self) -> Iterator[SqliteUnitOfWork]:
        """A unit of work for reading only: sees one moment, never waits for writers, cannot commit."""
        with self._reading() as runner:
            yield SqliteUnitOfWork(runner, self._clock.now())

    def backup(self, path: Path | str) -> None:
        """Write a consistent copy of the whole database, 0600, while it is in use. Grants stay sealed.

        An older backup of that name is replaced; another file is not (AlreadyExists). Raises StoreFull, and
        NotFound for a missing folder.
        """
        target = Path(path)
        files.refuse_other(target, self._path)
        self._require_open()
        with closing(self._connect()) as connection:
            files.copy(connection, target)

    @staticmethod
    def restore(path: Path, source: Path, now: datetime) -> Path | None:
        """Put a backup in the place of the database at `path`, while no engine holds it.

        Gives where the database that was there is kept. See `files.restore` for what it raises.
        """
        return files.restore(path, source, now)

    def close(self) -> None:
        """Wait for the unit of work under way and close the database; may be called more than once."""
        with self._writing:
            self._closed = True
            self._drop_idle()
            self._writer.close()

    def _open(self, max_pages: int | None, revision: str | None, steps: Steps) -> sqlite3.Connection:
        connection = self._connect()
        try:
            if max_pages is not None:
                connection.execute(f"PRAGMA max_page_count = {max_pages}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA fullfsync = ON")
            connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            connection.create_function(SHARE, 1, _share_of, deterministic=True)
            if revision != steps.head:
                if revision is not None:
                    files.back_up(connection, self._path, revision, self._clock.now())
                steps.apply(connection, files.APPLICATION_ID)
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self) -> sqlite3.Connection:
        # No memory map: it gains nothing here, and a disk fault would end the process instead of raising.
        return sqlite3.connect(
            self._path,
            timeout=_BUSY_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )

    def _start_writing(self, durable: bool) -> None:
        try:
            if durable:
                self._writer.execute("PRAGMA synchronous = FULL")
            self._writer.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise told(error, self._path) from error

    @contextmanager
    def _reading(self) -> Iterator[Runner]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect_to_read()
        runner = Runner(connection, self._path, writes=False)
        try:
            connection.execute("BEGIN")
            yield runner
        finally:
            runner.end()
            self._idle.append(connection)
            if self._closed:
                self._drop_idle()

    def _connect_to_read(self) -> sqlite3.Connection:
        self._require_open()
        try:
            return self._connect()
        except sqlite3.Error as error:
            raise told(error, self._path) from error

    def _drop_idle(self) -> None:
        while True:
            try:
                self._idle.pop().close()
            except IndexError:
                return

    def _require_open(self) -> None:
        if self._closed:
            raise RuntimeError("the database is closed")


def _share_of(text: str) -> float:
    return zlib.crc32(text.encode()) / 2**32
