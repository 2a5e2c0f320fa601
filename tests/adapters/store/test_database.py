import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.domain.errors import StoreFull
from reply_desktop.domain.rows import AccountFilter
from reply_desktop.services.ports import Store
from tests.adapters.store.nouns import an_account
from tests.fakes.clock import FakeClock

ROOT = Path(__file__).parents[3]


def put(store: Store, name: str, value: str) -> None:
    with store.begin() as unit:
        unit.settings.put(name, value)
        unit.commit()


def got(store: Store, name: str) -> str | None:
    with store.read() as unit:
        return unit.settings.get(name)


def pragma(path: Path, name: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def together(*jobs: Callable[[], None]) -> None:
    """Runs each in a thread of its own; the first error of any fails the test."""
    errors: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


# The file


def test_the_database_and_what_lies_beside_it_are_this_users_alone(store: SqliteStore, path: Path) -> None:
    put(store, "a", "1")
    got(store, "a")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    modes = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
    assert modes == {"reply.db": 0o600, "reply.db-wal": 0o600, "reply.db-shm": 0o600}


def test_a_file_that_others_could_read_is_closed_to_them(path: Path, clock: FakeClock) -> None:
    SqliteStore(path, clock).close()
    path.chmod(0o644)
    path.parent.chmod(0o755)
    store = SqliteStore(path, clock)
    put(store, "a", "1")
    assert {one.stat().st_mode & 0o777 for one in path.parent.iterdir()} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    store.close()


def test_the_file_is_marked_as_ours_and_keeps_a_write_ahead_log(store: SqliteStore, path: Path) -> None:
    assert pragma(path, "application_id") == 0x52504C59
    assert pragma(path, "journal_mode") == "wal"


def test_closing_leaves_one_file(path: Path, clock: FakeClock) -> None:
    store = SqliteStore(path, clock)
    put(store, "a", "1")
    got(store, "a")
    store.close()
    store.close()
    assert [one.name for one in path.parent.iterdir()] == ["reply.db"]


def test_the_path_may_hold_what_a_url_may_not(tmp_path: Path, clock: FakeClock) -> None:
    odd = tmp_path / "100 % ?mode=ro#ü & ✓" / "reply.db"
    for value in ("1", "2"):
        store = SqliteStore(odd, clock)
        put(store, "a", value)
        store.backup(odd.with_name("100 %? #.db"))
        store.close()
    assert SqliteStore.restore(odd, odd.with_name("100 %? #.db"), clock.now()) is not None


def test_a_closed_store_is_of_no_use(path: Path, clock: FakeClock) -> None:
    store = SqliteStore(path, clock)
    got(store, "a")
    store.close()
    for use in (
        lambda: put(store, "a", "1"),
        lambda: got(store, "a"),
        lambda: store.reads.summary(),
        lambda: store.backup(path.with_name("copy.db")),
    ):
        with pytest.raises(RuntimeError, match="closed"):
            use()


# Units of work


def test_nothing_is_kept_without_commit(store: SqliteStore) -> None:
    with store.begin() as unit:
        unit.settings.put("a", "1")
    assert got(store, "a") is None


def test_nothing_is_kept_of_a_unit_that_failed(store: SqliteStore) -> None:
    with pytest.raises(ZeroDivisionError), store.begin() as unit:
        unit.settings.put("a", "1")
        1 / 0  # noqa: B018
    assert got(store, "a") is None
    put(store, "a", "2")
    assert got(store, "a") == "2"


def test_a_unit_is_over_after_its_commit(store: SqliteStore) -> None:
    with store.begin() as unit:
        unit.commit()
        with pytest.raises(RuntimeError, match="over"):
            unit.settings.put("a", "1")
    assert got(store, "a") is None


def test_a_unit_for_reading_cannot_write_or_commit(store: SqliteStore) -> None:
    with store.read() as unit:
        with pytest.raises(RuntimeError, match="reading only"):
            unit.settings.put("a", "1")
        with pytest.raises(RuntimeError, match="reading only"):
            unit.commit()


def test_a_unit_inside_a_unit_is_an_error_and_not_a_deadlock(store: SqliteStore) -> None:
    with store.begin():
        with pytest.raises(RuntimeError, match="open in this thread"), store.begin():
            pass
        assert got(store, "a") is None
    put(store, "a", "1")


@pytest.mark.parametrize(("durable", "level"), [(False, 1), (True, 2)])
def test_only_a_durable_unit_waits_for_the_disk(store: SqliteStore, durable: bool, level: int) -> None:
    def synchronous() -> int:
        return int(store._writer.execute("PRAGMA synchronous").fetchone()[0])

    with store.begin(durable=durable):
        assert synchronous() == level
    assert synchronous() == 1


def test_a_reading_unit_sees_one_moment_and_no_writer_keeps_it_waiting(store: SqliteStore) -> None:
    put(store, "a", "old")
    with store.begin() as writing:
        writing.settings.put("a", "new")
        with store.read() as unit:
            assert unit.settings.get("a") == "old"
            writing.commit()
            assert unit.settings.get("a") == "old"
    assert got(store, "a") == "new"


# Many threads


def test_no_update_is_lost_between_threads(store: SqliteStore) -> None:
    put(store, "n", "0")

    def count() -> None:
        for turn in range(50):
            with store.begin(durable=turn % 10 == 0) as unit:
                unit.settings.put("n", str(int(unit.settings.get("n") or 0) + 1))
                unit.commit()

    together(*[count] * 6)
    assert got(store, "n") == "300"


def test_no_update_is_lost_between_two_programs(store: SqliteStore, path: Path, clock: FakeClock) -> None:
    other = SqliteStore(path, clock)
    put(store, "n", "0")
    counted = threading.Event()

    def count() -> None:
        with other.begin() as unit:
            unit.settings.put("n", str(int(unit.settings.get("n") or 0) + 1))
            unit.commit()
        counted.set()

    with store.begin() as unit:
        n = int(unit.settings.get("n") or 0)
        rival = threading.Thread(target=count)
        rival.start()
        # The rival must wait although nothing is written yet.
        assert not counted.wait(0.2)
        unit.settings.put("n", str(n + 1))
        unit.commit()
    rival.join(30)
    assert got(store, "n") == got(other, "n") == "2"
    other.close()


def test_readers_see_whole_commits_while_writers_write(store: SqliteStore) -> None:
    with store.begin() as unit:
        for name in ("a", "b"):
            unit.accounts.add(an_account(name, daily_limit=50))
        unit.commit()
    over = threading.Event()

    def move() -> None:
        try:
            for n in range(150):
                with store.begin() as unit:
                    one, other = unit.accounts.get("a"), unit.accounts.get("b")
                    assert one is not None
                    assert other is not None
                    unit.accounts.save(replace(one, daily_limit=one.daily_limit - n))
                    unit.accounts.save(replace(other, daily_limit=other.daily_limit + n))
                    unit.commit()
        finally:
            over.set()

    seen = []

    def look() -> None:
        while not over.is_set():
            rows = store.reads.account_rows(store.reads.account_ids(AccountFilter()))
            seen.append(sum(row.daily_limit for row in rows))
            with store.read() as unit:
                pair = [unit.accounts.get(name) for name in ("a", "b")]
            seen.append(sum(one.daily_limit for one in pair if one))

    together(move, look, look, look)
    assert set(seen) == {100}
    assert len(seen) > 10


def test_closing_waits_for_the_unit_under_way(path: Path, clock: FakeClock) -> None:
    store = SqliteStore(path, clock)
    inside, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with store.begin() as unit:
            inside.set()
            assert go_on.wait(30)
            unit.settings.put("a", "1")
            unit.commit()

    def close() -> None:
        assert inside.wait(30)
        threading.Timer(0.05, go_on.set).start()
        store.close()

    together(write, close)
    again = SqliteStore(path, clock)
    assert got(again, "a") == "1"
    again.close()


# A full disk


def test_on_a_full_disk_nothing_is_half_written(path: Path, clock: FakeClock) -> None:
    SqliteStore(path, clock).close()
    pages = path.stat().st_size // 4096
    store = SqliteStore(path, clock, max_pages=pages + 20)
    kept = 0
    with pytest.raises(StoreFull, match="disk is full") as told:
        while True:
            with store.begin(durable=True) as unit:
                for part in range(5):
                    unit.settings.put(f"{kept}.{part}", "x" * 3000)
                unit.commit()
            kept += 1
    assert told.value.todo == "Make room on the disk."
    assert kept > 0
    with store.read() as unit:
        assert [unit.settings.get(f"{kept}.{part}") for part in range(5)] == [None] * 5
        assert unit.settings.get(f"{kept - 1}.4") == "x" * 3000
    put(store, "0.0", "smaller")
    store.close()
    again = SqliteStore(path, clock)
    assert got(again, "0.0") == "smaller"
    again.close()


def test_on_a_full_disk_a_new_database_is_not_half_made(path: Path, clock: FakeClock) -> None:
    with pytest.raises(StoreFull):
        SqliteStore(path, clock, max_pages=10)
    store = SqliteStore(path, clock)
    put(store, "a", "1")
    store.close()


# Killed in the middle

KILLED = """
import sys
from pathlib import Path
from reply_desktop.adapters.store.database import SqliteStore
from tests.adapters.store.nouns import an_account
from tests.fakes.clock import FakeClock

store = SqliteStore(Path(sys.argv[1]), FakeClock())
with store.begin(durable=True) as unit:
    unit.accounts.add(an_account())
    unit.grants.put("a", 1, b"rotated and stored")
    unit.commit()
with store.begin(durable=True) as unit:
    unit.grants.put("a", 2, b"received and not stored")
    unit.settings.put("half", "done")
    print("now", flush=True)
    sys.stdin.read()
"""


def test_kill_9_keeps_what_was_committed_and_nothing_else(path: Path, clock: FakeClock) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin, child.stdout:
        assert child.stdout.readline() == "now\n"
        child.kill()
        child.wait(30)
    assert path.with_name("reply.db-wal").stat().st_size > 0
    store = SqliteStore(path, clock)
    with store.read() as unit:
        assert unit.grants.get("a") == (1, b"rotated and stored")
        assert unit.settings.get("half") is None
    store.close()


# Backups by the person


def test_a_backup_is_one_private_file_with_what_was_committed(
    store: SqliteStore, path: Path, clock: FakeClock, tmp_path: Path
) -> None:
    put(store, "a", "1")
    target = tmp_path / "mine.db"
    with store.begin() as unit:
        unit.settings.put("a", "not committed")
        store.backup(str(target))
    assert target.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()].count("mine.db") == 1
    assert not list(tmp_path.glob("mine.db?*"))
    assert pragma(target, "journal_mode") == "delete"
    copied = SqliteStore(target, clock)
    assert got(copied, "a") == "1"
    copied.close()


def test_a_backup_while_others_write_is_sound(store: SqliteStore, tmp_path: Path) -> None:
    target = tmp_path / "busy.db"

    def write() -> None:
        for n in range(100):
            with store.begin() as unit:
                unit.settings.put("one", str(n))
                unit.settings.put("two", str(n))
                unit.commit()

    def copy() -> None:
        for _ in range(5):
            store.backup(target)

    together(write, write, copy)
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        values = dict(connection.execute("SELECT name, value FROM settings"))
    assert values.get("one") == values.get("two")


def test_restoring_brings_the_backup_back_and_keeps_what_was_there(
    path: Path, clock: FakeClock, tmp_path: Path
) -> None:
    store = SqliteStore(path, clock)
    put(store, "a", "then")
    store.backup(tmp_path / "mine.db")
    put(store, "a", "now")
    store.close()
    clock.advance(timedelta(hours=1))
    kept = SqliteStore.restore(path, tmp_path / "mine.db", clock.now())
    assert kept is not None
    for file, value in ((path, "then"), (kept, "now")):
        found = SqliteStore(file, clock)
        assert got(found, "a") == value
        found.close()
    assert kept.stat().st_mode & 0o777 == path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name != "posix", reason="counts file descriptors")
def test_no_file_stays_open(path: Path, clock: FakeClock, tmp_path: Path) -> None:
    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = opened()
    store = SqliteStore(path, clock)

    def read() -> None:
        store.reads.summary()

    together(*[read] * 8)
    store.backup(tmp_path / "mine.db")
    store.close()
    assert opened() == before
