"""The engine as a process: one per folder, ends in order, runs once, hands its data to a restore."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.channel.launch import ensure_engine, stop_running
from reply_desktop.config import Config
from reply_desktop.domain.errors import EngineUnavailable, StoreDamaged
from reply_desktop.engine import life
from tests.harness.waiting import wait_until


def worker(folder: Path, *argv: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "reply_desktop", "--data-dir", str(folder), "worker", *argv],
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    yield folder
    stop_running(Config(folder))


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    _, text = process.communicate(timeout=30)
    return process.returncode, text


def test_serves_until_told_and_leaves_no_trace_of_running(folder: Path) -> None:
    config = Config(folder)
    client = ensure_engine(config)
    assert client.welcome.data_dir == str(folder)
    assert client.ask(m.GetSummary()).needs_person == 0
    assert (folder.stat().st_mode & 0o777, config.database.stat().st_mode & 0o777) == (0o700, 0o600)
    assert config.engine_file.exists()
    client.close()
    assert stop_running(config)
    assert not config.engine_file.exists() and not Path(config.channel_address).exists()
    assert not stop_running(config)


def test_a_second_engine_bows_out(folder: Path) -> None:
    ensure_engine(Config(folder)).close()
    assert ended(worker(folder)) == (0, "")
    code, text = ended(worker(folder, "--once"))
    assert code == 2 and "running already" in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_in_order(folder: Path, number: signal.Signals) -> None:
    config = Config(folder)
    process = worker(folder)
    wait_until(config.engine_file.exists, "the engine", 30)
    process.send_signal(number)
    assert ended(process) == (0, "")
    assert not config.engine_file.exists()


def test_once_ends_by_itself(folder: Path) -> None:
    assert ended(worker(folder, "--once")) == (0, "")


def test_killed_and_back(folder: Path) -> None:
    config = Config(folder)
    process = worker(folder)
    wait_until(config.engine_file.exists, "the engine", 30)
    process.kill()
    ended(process)
    client = ensure_engine(config)
    assert client.welcome.pid != process.pid
    client.close()


def test_damaged_database_is_said_and_nothing_is_touched(folder: Path) -> None:
    folder.mkdir()
    Config(folder).database.write_bytes(b"this is no database" * 100)
    with pytest.raises(EngineUnavailable, match="database"):
        ensure_engine(Config(folder))
    assert Config(folder).database.read_bytes().startswith(b"this is no database")


def test_restore(folder: Path, tmp_path: Path) -> None:
    config = Config(folder)
    client = ensure_engine(config)
    client.ask(m.SetMicrosoft("26b58c67-f05f-45f9-867c-8f0dcf2e587a"))
    backup = tmp_path / "backup.db"
    client.ask(m.Backup(str(backup)))
    client.ask(m.SetMicrosoft("00000000-0000-0000-0000-000000000001"))
    client.close()
    with pytest.raises(EngineUnavailable):
        life.restore(config, backup)
    stop_running(config)
    kept = life.restore(config, backup)
    assert kept is not None and kept.exists()
    client = ensure_engine(config)
    client_ids = {row.client_id for row in client.ask(m.ListProviders()).rows}
    assert "26b58c67-f05f-45f9-867c-8f0dcf2e587a" in client_ids
    client.close()
    stop_running(config)
    (tmp_path / "no.db").write_bytes(b"nothing")
    with pytest.raises(StoreDamaged):
        life.restore(config, tmp_path / "no.db")


def test_two_windows_at_once_hear_the_same(folder: Path) -> None:
    config = Config(folder)
    heard: list[list[object]] = [[], []]
    first = ensure_engine(config, events=True, on_event=heard[0].append)
    second = ensure_engine(config, events=True, on_event=heard[1].append)
    second.ask(m.SetMicrosoft("26b58c67-f05f-45f9-867c-8f0dcf2e587a"))
    wait_until(lambda: heard[0] and heard[1], "the event on both", 10)
    assert [type(event) for event in heard[0]] == [type(event) for event in heard[1]]
    for client in (first, second):
        client.close()
