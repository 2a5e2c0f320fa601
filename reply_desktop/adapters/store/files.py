"""The database as a file: private, checked before use, copied whole, put back."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from reply_desktop.adapters.store.migrations import STEPS, Steps, revision_of
from reply_desktop.adapters.store.sql import full, told
from reply_desktop.domain.errors import AlreadyExists, NotFound, StoreDamaged, StoreTooNew
from reply_desktop.files import create_private, put_in_place

APPLICATION_ID: Final = 0x52504C59
"""Marks our databases: `RPLY`."""

KEPT: Final = 5
"""How many copies made before migrations are kept."""

_MAGIC: Final = b"SQLite format 3\0"


def make_private(path: Path) -> None:
    """The file and its folder exist and are this user's alone; SQLite gives -wal and -shm the file's mode.

    Raises StoreDamaged when that cannot be, StoreFull when the disk is full.
    """
    with _errors_of(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.chmod(0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        for one in (path, *_beside(path)):
            if one.exists():
                one.chmod(0o600)


def check(path: Path, steps: Steps = STEPS) -> str | None:
    """The schema's revision; None for an empty database. Leaves the file untouched.

    Raises StoreDamaged for anything but a sound database of ours, StoreTooNew for a newer version's.
    """
    with _errors_of(path), path.open("rb") as file:
        magic = file.read(len(_MAGIC))
    if not magic:
        return None
    if magic != _MAGIC:
        raise damaged(path, "is not a database")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            ((verdict,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
            if verdict != "ok":
                raise damaged(path, "is damaged")
            ((application_id,),) = connection.execute("PRAGMA application_id").fetchall()
            if application_id != APPLICATION_ID:
                if connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
                    return None
                raise damaged(path, "is not a database of Reply Desktop")
            revision = revision_of(connection)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise damaged(path, "is damaged") from error
        raise told(error, path) from error
    if revision is None:
        raise damaged(path, "is damaged")
    if steps.is_newer(revision):
        raise StoreTooNew(
            f"The data in {path.parent} was written by a newer version of Reply Desktop.",
            "Install the newest version; nothing was changed.",
        )
    return revision


def damaged(path: Path, how: str) -> StoreDamaged:
    """What is wrong with the file, and which backup there is."""
    newest = next(iter(backups(path)), None)
    if newest is None:
        todo = "There is no backup beside it: restore one of yours, or move the file away to start anew."
    else:
        todo = f"The newest backup is {newest}: restore it."
    return StoreDamaged(f"{path} {how}.", todo)


def backups(path: Path) -> list[Path]:
    """The copies made before migrations, the newest first."""
    return sorted(_backups_folder(path).glob(f"{path.stem}-*-v*{path.suffix}"), reverse=True)


def back_up(connection: sqlite3.Connection, path: Path, revision: str, now: datetime) -> Path:
    """Copy the database before it is migrated, and drop the oldest of such copies. Raises StoreFull."""
    folder = _backups_folder(path)
    with _errors_of(path):
        folder.mkdir(exist_ok=True, mode=0o700)
    target = folder / f"{path.stem}-{_stamp(now)}-v{revision}{path.suffix}"
    copy(connection, target)
    for old in backups(path)[KEPT:]:
        old.unlink(missing_ok=True)
    return target


def copy(connection: sqlite3.Connection, target: Path) -> None:
    """Write the database as the connection sees it now to one file of its own, 0600, whole or not at all.

    Raises StoreFull, and StoreDamaged when the copy turns out unsound or cannot be written.
    """
    fresh = target.with_name(target.name + ".new")
    try:
        with _errors_of(target):
            fresh.unlink(missing_ok=True)
            create_private(fresh)
            with closing(sqlite3.connect(fresh, isolation_level=None)) as into:
                connection.backup(into)
                # A single file: readable anywhere, also on a medium that cannot be written.
                into.execute("PRAGMA journal_mode = DELETE")
                ((verdict,),) = into.execute("PRAGMA quick_check(1)").fetchall()
            if verdict != "ok":
                raise StoreDamaged(f"The copy {target} would be damaged.", "Restore an older backup.")
            put_in_place(fresh, target)
    finally:
        for one in (fresh, *_beside(fresh)):
            one.unlink(missing_ok=True)


def refuse_other(target: Path, own: Path) -> None:
    """A backup never goes over the database itself or over a file that is no backup of ours.

    Raises AlreadyExists, and NotFound for a missing folder.
    """
    if not target.parent.is_dir():
        raise NotFound(f"There is no folder {target.parent}.", "Name a file in a folder that exists.")
    if target.is_dir() or (target.exists() and target.samefile(own)):
        raise AlreadyExists(f"{target} is not a place for a backup.", "Name another file.")
    if target.exists():
        try:
            check(target)
        except StoreDamaged:
            raise AlreadyExists(f"{target} is there already and no backup.", "Name another file.") from None
        except StoreTooNew:
            raise AlreadyExists(
                f"{target} is a newer version's backup and stays.", "Name another file."
            ) from None


def restore(path: Path, source: Path, now: datetime) -> Path | None:
    """Put a backup in the place of the database, which no engine may hold meanwhile.

    Gives where the database that was there is kept, if there was one. Raises NotFound, StoreDamaged or
    StoreTooNew for a source that cannot be used, and StoreFull; then nothing is changed.
    """
    if not source.is_file():
        raise NotFound(f"There is no file {source}.", "Name a backup.")
    try:
        revision = check(source)
    except StoreDamaged as error:
        raise StoreDamaged(error.what, "Name a sound backup; nothing was changed.") from None
    if revision is None:
        raise StoreDamaged(f"{source} is empty.", "Name a backup.")
    kept = None
    if path.exists():
        kept = _put_aside(path, now)
    fresh = path.with_name(path.name + ".restored")
    make_private(path)
    with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        copy(connection, fresh)
    # First the old journal, which must never meet the new file.
    for one in _beside(path):
        one.unlink(missing_ok=True)
    put_in_place(fresh, path)
    return kept


def _put_aside(path: Path, now: datetime) -> Path:
    folder = _backups_folder(path)
    kept = folder / f"{path.stem}-{_stamp(now)}-replaced{path.suffix}"
    with _errors_of(path):
        folder.mkdir(exist_ok=True, mode=0o700)
        # With its journal and before SQLite sees either: opening a damaged database can cost its journal.
        for one, beside in ((path, kept), (_journal(path), _journal(kept))):
            if one.exists():
                shutil.copyfile(one, beside)
                beside.chmod(0o600)
    try:
        check(kept)
        with closing(sqlite3.connect(kept, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except (sqlite3.Error, StoreDamaged, StoreTooNew):
        # Kept as it was, for somebody who can save more of it.
        _beside(kept)[1].unlink(missing_ok=True)
    return kept


def _backups_folder(path: Path) -> Path:
    return path.parent / "backups"


def _journal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _beside(path: Path) -> tuple[Path, Path]:
    return _journal(path), path.with_name(path.name + "-shm")


def _stamp(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise told(error, path) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full(path) from error
        raise StoreDamaged(
            f"{path} cannot be read or written: {error.strerror}.", "Check the disk and the folder."
        ) from error
