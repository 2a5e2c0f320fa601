import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from reply_desktop.adapters.store import files
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.store.migrations import STEPS
from reply_desktop.domain.errors import AlreadyExists, NotFound, StoreDamaged, StoreTooNew
from tests.fakes.clock import START, FakeClock

TOMORROW = f"{int(STEPS.head) + 1:04}"
"""The revision of a schema that is yet to come."""


@pytest.fixture
def closed(path: Path, clock: FakeClock) -> Path:
    """A sound database that nobody has open, with some pages to spoil."""
    store = SqliteStore(path, clock)
    with store.begin() as unit:
        for n in range(50):
            unit.settings.put(f"{n}", "x" * 1000)
        unit.commit()
    store.close()
    return path


def spoil(path: Path) -> None:
    """A disk fault in the middle of the file."""
    with path.open("rb+") as file:
        file.seek(4096 * 3)
        file.write(b"\xa5" * 4096 * 8)


def alter(path: Path, *statements: str) -> bytes:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path.read_bytes()


def test_an_empty_file_is_a_new_database(path: Path, clock: FakeClock) -> None:
    files.make_private(path)
    assert path.read_bytes() == b""
    assert files.check(path) is None
    SqliteStore(path, clock).close()
    assert files.check(path) == STEPS.head


@pytest.mark.parametrize("content", [b"not a database, but somebody's notes", b"S", b"SQLite format 3\0cut"])
def test_what_is_no_database_is_refused_and_left_alone(path: Path, clock: FakeClock, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="There is no backup beside it"):
        SqliteStore(path, clock)
    assert path.read_bytes() == content


def test_a_damaged_database_names_its_newest_backup(closed: Path, clock: FakeClock) -> None:
    for days in range(2):
        with closing(sqlite3.connect(closed)) as connection:
            newest = files.back_up(connection, closed, STEPS.head, START + timedelta(days=days))
    spoil(closed)
    spoiled = closed.read_bytes()
    with pytest.raises(StoreDamaged, match="is damaged") as told:
        SqliteStore(closed, clock)
    assert str(newest) in told.value.todo
    assert closed.read_bytes() == spoiled
    kept = SqliteStore.restore(closed, newest, clock.now())
    assert kept is not None
    assert kept.read_bytes() == spoiled
    SqliteStore(closed, clock).close()


def test_another_programs_database_is_refused(closed: Path, clock: FakeClock) -> None:
    before = alter(closed, "PRAGMA application_id = 252006674")
    with pytest.raises(StoreDamaged, match="not a database of Reply Desktop"):
        SqliteStore(closed, clock)
    assert closed.read_bytes() == before


@pytest.mark.parametrize("revision", [TOMORROW, "9999", "ae1027a6acf"])
def test_a_newer_versions_database_is_refused_and_untouched(
    closed: Path, clock: FakeClock, revision: str
) -> None:
    before = alter(closed, f"UPDATE alembic_version SET version_num = '{revision}'")
    with pytest.raises(StoreTooNew, match="newer version") as told:
        SqliteStore(closed, clock)
    assert told.value.todo == "Install the newest version; nothing was changed."
    assert closed.read_bytes() == before
    assert not files.backups(closed)


def test_a_newer_database_with_a_journal_left_by_a_crash_is_untouched_too(
    closed: Path, clock: FakeClock
) -> None:
    crashed = sqlite3.connect(closed, isolation_level=None)
    crashed.execute(f"UPDATE alembic_version SET version_num = '{TOMORROW}'")
    before = closed.read_bytes()
    with pytest.raises(StoreTooNew):
        SqliteStore(closed, clock)
    assert closed.read_bytes() == before
    crashed.close()


def test_a_database_without_its_revision_is_damaged(closed: Path, clock: FakeClock) -> None:
    alter(closed, "DELETE FROM alembic_version")
    with pytest.raises(StoreDamaged):
        SqliteStore(closed, clock)


@pytest.mark.skipif(sys.platform != "linux", reason="these places are Linux's")
@pytest.mark.parametrize("place", ["/proc/self/reply.db", "/dev/null/data/reply.db"])
def test_a_place_that_cannot_be_written_is_told_in_words(clock: FakeClock, place: str) -> None:
    with pytest.raises(StoreDamaged, match="cannot be read or written"):
        SqliteStore(Path(place), clock)


def test_the_five_newest_backups_are_kept(closed: Path) -> None:
    made = []
    with closing(sqlite3.connect(closed)) as connection:
        for hours in range(7):
            made.append(files.back_up(connection, closed, STEPS.head, START + timedelta(hours=hours)))
    assert files.backups(closed) == made[:1:-1]
    assert made[6].name == f"reply-20260302T150000.000000Z-v{STEPS.head}.db"
    assert made[6].stat().st_mode & 0o777 == 0o600
    assert made[6].parent.stat().st_mode & 0o777 == 0o700
    assert files.check(made[6]) == STEPS.head


def test_a_copy_is_whole_or_not_there(closed: Path, tmp_path: Path) -> None:
    spoil(closed)
    with closing(sqlite3.connect(closed)) as connection, pytest.raises(StoreDamaged):
        files.copy(connection, tmp_path / "copy.db")
    assert [one.name for one in tmp_path.iterdir()] == ["data"]


def test_a_backup_takes_the_place_of_an_older_one_only(
    closed: Path, clock: FakeClock, tmp_path: Path
) -> None:
    store = SqliteStore(closed, clock)
    target = tmp_path / "mine.db"
    store.backup(target)
    store.backup(target)
    notes = tmp_path / "thesis.txt"
    notes.write_text("years of work")
    for wrong in (notes, closed, tmp_path):
        with pytest.raises(AlreadyExists):
            store.backup(wrong)
    assert notes.read_text() == "years of work"
    alter(target, f"UPDATE alembic_version SET version_num = '{TOMORROW}'")
    with pytest.raises(AlreadyExists, match="newer"):
        store.backup(target)
    with pytest.raises(NotFound):
        store.backup(tmp_path / "no folder" / "mine.db")
    store.close()


@pytest.mark.parametrize("what", ["missing", "notes", "empty", "damaged", "newer"])
def test_what_is_no_backup_is_not_restored(closed: Path, clock: FakeClock, tmp_path: Path, what: str) -> None:
    source = tmp_path / "source.db"
    if what == "notes":
        source.write_text("notes")
    elif what == "empty":
        source.touch()
    elif what in ("damaged", "newer"):
        with closing(sqlite3.connect(closed)) as connection:
            files.copy(connection, source)
        if what == "damaged":
            spoil(source)
        else:
            alter(source, f"UPDATE alembic_version SET version_num = '{TOMORROW}'")
    before = closed.read_bytes()
    with pytest.raises((NotFound, StoreDamaged, StoreTooNew)) as refused:
        files.restore(closed, source, clock.now())
    assert "move the file away" not in str(refused.value)
    assert closed.read_bytes() == before
    assert [one.name for one in closed.parent.iterdir()] == ["reply.db"]


def test_restoring_where_there_is_nothing_yet(closed: Path, clock: FakeClock, tmp_path: Path) -> None:
    fresh = tmp_path / "other" / "reply.db"
    assert files.restore(fresh, closed, clock.now()) is None
    store = SqliteStore(fresh, clock)
    with store.read() as unit:
        assert unit.settings.get("7") == "x" * 1000
    store.close()


@pytest.mark.parametrize("readable", [True, False])
def test_the_journal_of_the_old_database_never_meets_the_restored_one(
    closed: Path, clock: FakeClock, tmp_path: Path, readable: bool
) -> None:
    backup, crashed = tmp_path / "mine.db", tmp_path / "crashed" / "reply.db"
    crashed.parent.mkdir()
    with closing(sqlite3.connect(closed, isolation_level=None)) as connection:
        files.copy(connection, backup)
        connection.execute("UPDATE settings SET value = 'of the journal'")
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{closed}{suffix}", f"{crashed}{suffix}")
    if not readable:
        spoil(crashed)
    before, journal = crashed.read_bytes(), Path(f"{crashed}-wal").read_bytes()
    kept = files.restore(crashed, backup, clock.now())
    assert kept is not None
    with closing(sqlite3.connect(crashed)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT DISTINCT value FROM settings").fetchall() == [("x" * 1000,)]
    beside = sorted(one.name.removeprefix(kept.name) for one in kept.parent.iterdir())
    if readable:
        assert beside == [""]
        with closing(sqlite3.connect(kept)) as connection:
            found = connection.execute("SELECT DISTINCT value FROM settings").fetchall()
        assert found == [("of the journal",)]
    else:
        assert beside == ["", "-wal"]
        assert kept.read_bytes() == before
        assert Path(f"{kept}-wal").read_bytes() == journal
