"""Engines as real processes: found, started once, handed over, watched, stopped; and fronts that die."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from reply_desktop.channel import launch
from reply_desktop.channel import messages as m
from reply_desktop.channel.client import Client
from reply_desktop.channel.launch import (
    BACKOFF_S,
    Restarts,
    child_environment,
    engine_command,
    ensure_engine,
    stop_engine,
    stop_running,
)
from reply_desktop.channel.lock import is_held
from reply_desktop.config import Config
from reply_desktop.domain.errors import EngineBroken, EngineDiffers, EngineUnavailable
from tests.channel.serving import SOON_S
from tests.harness.waiting import wait_until

ENGINE = Path(__file__).with_name("engine_stub.py")
FRONT = Path(__file__).with_name("front_stub.py")


class Data:
    """A data folder, the engines that ever owned it, and the command that starts one."""

    def __init__(self, folder: Path) -> None:
        self.config = Config(folder)

    def command(self, *options: str) -> list[str]:
        return [sys.executable, str(ENGINE), "--data-dir", str(self.config.data_dir), *options]

    def ensure(self, *options: str, **more: Any) -> Client:
        return ensure_engine(self.config, command=self.command(*options), **more)

    def engines(self) -> list[int]:
        """The pids of all that ever held the lock."""
        try:
            lines = (self.config.data_dir / "engines.txt").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [int(line.split()[0]) for line in lines]

    def end(self) -> None:
        """Kill all there are, also those that lost a race and would take the place of one killed."""

        def killed() -> bool:
            there = self._processes()
            for pid in there:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not there

        wait_until(killed, "end of the engines")

    def _processes(self) -> list[int]:
        found = list[int]()
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal() and int(folder.name) != os.getpid():
                with suppress(OSError):
                    words = (folder / "cmdline").read_bytes().split(b"\0")
                    if os.fsencode(self.config.data_dir) in words and is_alive(int(folder.name)):
                        found.append(int(folder.name))
        return found


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Callable[[str], Data]]:
    """Makes data folders under these names; their engines end with the test."""
    made = list[Data]()

    def make(name: str) -> Data:
        made.append(Data(tmp_path / name))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.fixture
def data(folders: Callable[[str], Data]) -> Data:
    return folders("data")


def is_alive(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    launch._reap()
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def front(data: Data, what: str, *command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(FRONT), str(data.config.data_dir), what, *command],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


class TestEnsure:
    def test_it_starts_an_engine_and_then_finds_it(self, data: Data) -> None:
        first, second = data.ensure(), data.ensure()
        assert first.welcome.pid == second.welcome.pid == data.engines()[0]
        assert len(data.engines()) == 1
        first.close()
        second.close()

    @pytest.mark.slow
    def test_two_starters_race_20_times_and_there_is_one_engine_each_time(
        self, folders: Callable[[str], Data]
    ) -> None:
        with ThreadPoolExecutor(2) as pool:
            for number in range(20):
                data = folders(str(number))
                start = threading.Barrier(2)

                def ensure(data: Data = data, start: threading.Barrier = start) -> Client:
                    start.wait()
                    return data.ensure()

                clients = [each.result() for each in [pool.submit(ensure), pool.submit(ensure)]]
                assert len(data.engines()) == 1
                assert {client.welcome.pid for client in clients} == set(data.engines())
                for client in clients:
                    client.close()
                data.end()

    def test_two_front_processes_end_up_with_one_engine_that_outlives_them(self, data: Data) -> None:
        with front(data, "ensure", *data.command()) as one, front(data, "ensure", *data.command()) as other:
            pids = {int(heard(one)), int(heard(other))}
            assert one.wait(SOON_S) == other.wait(SOON_S) == 0
        assert pids == set(data.engines())
        assert len(pids) == 1
        assert is_alive(pids.pop())
        client = Client(data.config)
        assert client.ask(m.MarkRead()) == m.Done()
        client.close()

    def test_the_engine_has_nothing_of_ours(self, data: Data) -> None:
        client = data.ensure()
        pid = client.welcome.pid
        assert os.getsid(pid) == pid, "a session of its own: our terminal's end is not its end"
        opened = {int(link.name): str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
        assert opened[0] == opened[1] == "/dev/null"
        assert opened[2] == str(data.config.logs_dir / "engine.err")
        assert (data.config.logs_dir / "engine.err").stat().st_mode & 0o777 == 0o600
        assert not any(name.startswith("pipe:") for name in opened.values())
        assert Path(f"/proc/{pid}/cwd").readlink() == data.config.data_dir
        client.close()

    def test_a_failed_start_tells_its_reason_at_once(self, data: Data) -> None:
        with pytest.raises(EngineBroken, match=r"ended at once: The database cannot be read\."):
            data.ensure("--fail", "The database cannot be read.")
        with pytest.raises(EngineUnavailable, match=r"ended at once: The disk is full\."):
            data.ensure("--fail", "The disk is full.")
        with pytest.raises(EngineUnavailable, match=r"ended at once\. `reply-desktop doctor`"):
            ensure_engine(data.config, command=["false"])

    def test_a_program_that_is_not_there(self, data: Data) -> None:
        with pytest.raises(EngineUnavailable, match="cannot be started: No such file"):
            ensure_engine(data.config, command=["/nowhere/reply-desktop"])

    def test_one_that_runs_without_its_key_is_told_with_its_number(self, data: Data) -> None:
        client = data.ensure()
        kept = data.config.key_file.read_bytes()
        data.config.key_file.unlink()
        told = f"cannot be reached. End its process, number {client.welcome.pid}"
        with pytest.raises(EngineUnavailable, match=told):
            ensure_engine(data.config, timeout_s=0.2)
        with pytest.raises(EngineUnavailable, match=told):
            stop_running(data.config, 0.2)
        data.config.key_file.write_bytes(kept)
        client.close()

    def test_a_folder_that_cannot_be_written(self, data: Data) -> None:
        data.config.data_dir.mkdir()
        data.config.logs_dir.write_text("in the way")
        with pytest.raises(EngineUnavailable, match="cannot be written: File exists"):
            ensure_engine(data.config, command=["false"])

    def test_an_engine_that_never_answers(self, data: Data) -> None:
        with pytest.raises(EngineUnavailable, match="does not start"):
            ensure_engine(data.config, command=["sleep", "2"], timeout_s=0.3)

    def test_an_engine_that_ends_quietly_again_and_again(self, data: Data) -> None:
        with pytest.raises(EngineUnavailable, match="ended at once"):
            ensure_engine(data.config, command=["true"])

    def test_the_wait_can_be_cancelled(self, data: Data) -> None:
        cancelled = threading.Event()
        got = list[Exception]()

        def ensure() -> None:
            try:
                ensure_engine(data.config, command=["sleep", "2"], cancelled=cancelled)
            except EngineUnavailable as error:
                got.append(error)

        waiting = threading.Thread(target=ensure)
        waiting.start()
        cancelled.set()
        waiting.join(SOON_S)
        assert got

    def test_a_killed_engine_leaves_nothing_that_hinders_the_next(self, data: Data) -> None:
        for _ in range(3):
            client = data.ensure()
            os.kill(client.welcome.pid, signal.SIGKILL)
            assert client.wait_gone(SOON_S)
            assert Path(data.config.channel_address).exists()
            client.close()
        assert len(data.engines()) == 3

    def test_a_folder_too_deep_for_a_socket(self, folders: Callable[[str], Data]) -> None:
        data = folders(f"{'deep' * 20}/{'er' * 20}")
        assert not data.config.channel_address.startswith(str(data.config.data_dir))
        client = data.ensure()
        assert client.ask(m.MarkRead()) == m.Done()
        stop_engine(client, data.config)
        assert not Path(data.config.channel_address).exists()
        shutil.rmtree(Path(data.config.channel_address).parent)


class TestHandOver:
    def test_an_engine_of_another_version_makes_way(self, data: Data) -> None:
        ensure_older(data)
        client = data.ensure()
        older, newer = data.engines()
        assert client.welcome.pid == newer
        wait_until(lambda: not is_alive(older), "end of the older engine")
        client.close()

    @pytest.mark.slow
    def test_two_newer_fronts_at_once_make_one_newer_engine(self, folders: Callable[[str], Data]) -> None:
        with ThreadPoolExecutor(2) as pool:
            for number in range(5):
                data = folders(str(number))
                ensure_older(data)
                clients = [each.result() for each in [pool.submit(data.ensure), pool.submit(data.ensure)]]
                assert {client.welcome.pid for client in clients} == {data.engines()[1]}
                assert len(data.engines()) == 2
                for client in clients:
                    client.close()
                data.end()

    def test_unless_it_is_not_ours_to_take_over(self, data: Data) -> None:
        ensure_older(data)
        with pytest.raises(EngineDiffers, match=r"version 0\.0\.1"):
            data.ensure(take_over=False)
        assert is_alive(data.engines()[0])

    def test_an_engine_that_does_not_make_way(self, data: Data) -> None:
        ensure_older(data, "--deaf")
        with pytest.raises(EngineUnavailable, match="does not end"):
            data.ensure(timeout_s=0.5)
        assert len(data.engines()) == 1


def ensure_older(data: Data, *options: str) -> None:
    with pytest.raises(EngineDiffers):
        data.ensure("--version", "0.0.1", *options, take_over=False)


class TestStop:
    def test_the_engine_gives_up_the_folder_and_leaves_nothing(self, data: Data) -> None:
        client = data.ensure()
        stop_engine(client, data.config)
        assert not is_held(data.config.lock_file)
        wait_until(lambda: not is_alive(data.engines()[0]), "end of the process")
        left = {path.name for path in data.config.data_dir.iterdir()}
        assert left == {"engine.lock", "engine.key", "engines.txt", "logs"}

    def test_of_any_version_and_when_there_is_none(self, data: Data) -> None:
        assert not stop_running(data.config)
        data.ensure().close()
        assert stop_running(data.config)
        ensure_older(data)
        assert stop_running(data.config)
        assert not stop_running(data.config)
        wait_until(lambda: not any(map(is_alive, data.engines())), "end of the processes")

    def test_by_a_front_whose_connection_is_lost(self, data: Data) -> None:
        client = data.ensure()
        client._wire.abort()
        assert client.wait_gone(SOON_S)
        stop_engine(client, data.config)
        assert not is_held(data.config.lock_file)

    def test_one_that_does_not_end_is_told_of(self, data: Data) -> None:
        client = data.ensure("--deaf")
        with pytest.raises(EngineUnavailable, match="does not end"):
            stop_engine(client, data.config, timeout_s=0.3)
        with pytest.raises(EngineUnavailable, match="does not end"):
            stop_running(data.config, timeout_s=0.3)


class TestDeaths:
    def test_a_killed_engine_is_known_and_fails_what_was_asked(self, data: Data) -> None:
        lost = threading.Event()
        client = data.ensure(on_lost=lost.set)
        failed = threading.Event()
        client.ask_async(m.GetAccount("slow"), lambda _: None, lambda error: failed.set())
        os.kill(client.welcome.pid, signal.SIGKILL)
        assert lost.wait(SOON_S)
        assert failed.is_set()
        client.close()

    def test_a_front_killed_in_the_middle_of_a_frame_harms_nobody(self, data: Data) -> None:
        client = data.ensure()
        with front(data, "half") as half:
            assert heard(half) == "connected"
            half.send_signal(signal.SIGKILL)
            half.wait()
        assert client.ask(m.MarkRead()) == m.Done()
        client.close()

    def test_a_stopped_front_costs_the_others_nothing_and_the_engine_little(self, data: Data) -> None:
        latest: dict[str, int] = {}

        def on_event(event: Any) -> None:
            latest.update((row.id, row.sent_today) for row in event.rows)

        client = data.ensure(events=True, on_event=on_event)
        with front(data, "connect") as stopped:
            assert heard(stopped) == "connected"
            os.kill(stopped.pid, signal.SIGSTOP)
            client.ask(m.NetworkHint("rows 10000"))
            before = memory_kib(client)
            for _ in range(5):
                client.ask(m.NetworkHint("rows 10000"))
            wait_until(lambda: sorted(latest.values()) == list(range(9900, 10_000)), "every last row")
            assert memory_kib(client) - before < 8 * 1024
            os.kill(stopped.pid, signal.SIGCONT)
            while heard(stopped) != "rows 9999":
                continue
        client.close()


def memory_kib(client: Client) -> int:
    return int(client.ask(m.GetSettings()).values["kib"])


class TestRestarts:
    def test_the_waits_grow(self) -> None:
        restarts = Restarts()
        assert [restarts.after_exit(now) for now in (0, 100, 200, 290)] == list(BACKOFF_S[:4])

    def test_five_exits_in_five_minutes_are_enough(self) -> None:
        restarts = Restarts()
        waits = [restarts.after_exit(now) for now in (0.0, 1.0, 2.0, 3.0, 299.0)]
        assert waits == [0.5, 1.0, 2.0, 5.0, None]

    def test_exits_long_ago_do_not_count(self) -> None:
        restarts = Restarts()
        assert [restarts.after_exit(hours * 3600.0) for hours in range(20)] == [0.5] * 20

    def test_slow_crashes_wait_up_to_half_a_minute_and_go_on(self) -> None:
        restarts = Restarts()
        waits = [restarts.after_exit(number * 80.0) for number in range(10)]
        assert waits == [*BACKOFF_S, 30.0, 30.0, 30.0, 30.0]


class TestCommand:
    def test_from_source(self, tmp_path: Path) -> None:
        assert engine_command(Config(tmp_path), frozen=False) == [
            sys.executable, "-P", "-m", "reply_desktop", "worker", "--data-dir", str(tmp_path),
        ]  # fmt: skip

    def test_frozen_and_in_the_sandbox(self, tmp_path: Path) -> None:
        assert engine_command(Config(tmp_path, sandbox=True), frozen=True) == [
            sys.executable, "worker", "--data-dir", str(tmp_path), "--sandbox",
        ]  # fmt: skip

    def test_a_frozen_app_unpacks_for_itself(self) -> None:
        given = {"PATH": "/bin"}
        assert child_environment(given, frozen=True) == given | {"PYINSTALLER_RESET_ENVIRONMENT": "1"}
        assert child_environment(given, frozen=False) == given
