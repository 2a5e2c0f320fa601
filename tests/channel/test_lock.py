"""One owner per data folder, whatever becomes of the owner."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reply_desktop.channel.lock import EngineLock, is_held
from reply_desktop.domain.errors import EngineUnavailable
from tests.harness.waiting import wait_until

HOLDER = """
import sys
from pathlib import Path
from reply_desktop.channel.lock import EngineLock
lock = EngineLock(Path(sys.argv[1]))
lock.hold()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process_holds(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "engine.lock"


def test_the_second_is_refused_by_the_first_ones_pid(path: Path) -> None:
    with EngineLock(path) as first, EngineLock(path) as second:
        first.hold()
        assert first.held
        with pytest.raises(EngineUnavailable, match=rf"running already \(process {os.getpid()}\)"):
            second.hold()
        assert not second.held
        first.release()
        second.hold()
        assert second.held


def test_another_process_is_refused_and_named(path: Path) -> None:
    with another_process_holds(path) as holder:
        assert is_held(path)
        with pytest.raises(EngineUnavailable, match=rf"\(process {holder.pid}\)"):
            EngineLock(path).hold()


def test_a_killed_owner_owns_nothing(path: Path) -> None:
    with another_process_holds(path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with EngineLock(path) as lock:
            lock.hold()
    assert not is_held(path)


def test_nobody_holds_what_is_not_there(path: Path) -> None:
    assert not is_held(path)
    assert not path.exists()


def test_is_held_while_held_and_not_after(path: Path) -> None:
    with EngineLock(path) as lock:
        assert not is_held(path)
        lock.hold()
        assert is_held(path)
        lock.hold()
    assert not is_held(path)
    assert path.exists(), "a removed file would let two engines lock one each"


def test_the_owner_may_read_the_file_without_losing_the_lock(path: Path) -> None:
    with EngineLock(path) as lock:
        lock.hold()
        assert path.read_text() == f"{os.getpid()}\n"
        with pytest.raises(EngineUnavailable):
            EngineLock(path).hold()


def test_whoever_only_asks_never_keeps_an_engine_from_starting(path: Path) -> None:
    path.touch()
    over = threading.Event()
    asking = [
        threading.Thread(target=lambda: [is_held(path) for _ in iter(over.is_set, True)]) for _ in (1, 2)
    ]
    for each in asking:
        each.start()
    try:
        for _ in range(200):
            with EngineLock(path) as lock:
                lock.hold()
    finally:
        over.set()
        for each in asking:
            each.join()


def test_those_who_only_ask_do_not_see_each_other(path: Path) -> None:
    path.touch()
    seen = list[bool]()
    asking = [
        threading.Thread(target=lambda: seen.extend(is_held(path) for _ in range(3000))) for _ in range(4)
    ]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert len(seen) == 12_000
    assert not any(seen)


def test_only_one_of_many_gets_it(path: Path) -> None:
    locks, held = [EngineLock(path) for _ in range(8)], list[EngineLock]()
    start = threading.Barrier(8)

    def race(lock: EngineLock) -> None:
        start.wait()
        try:
            lock.hold()
        except EngineUnavailable:
            return
        held.append(lock)

    threads = [threading.Thread(target=race, args=(lock,)) for lock in locks]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(held) == 1
    held[0].release()


def test_a_child_of_the_owner_does_not_keep_the_lock(path: Path) -> None:
    lock = EngineLock(path)
    lock.hold()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as child:
        lock.release()
        assert wait_until(lambda: not is_held(path), "release")
        child.communicate(b"\n")


def test_the_file_is_private(path: Path) -> None:
    with EngineLock(path) as lock:
        lock.hold()
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"engine\.lock cannot be opened: No such file or directory"):
        EngineLock(tmp_path / "gone" / "engine.lock").hold()
