"""The sandbox as a process: quick to start, one per folder, ends cleanly, comes back the same."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox import process
from reply_desktop.sandbox.control import Control
from reply_desktop.sandbox.folder import LOCK_FILE, FolderLock, FolderTaken
from reply_desktop.sandbox.process import Sandbox, SandboxFailed
from tests.harness.waiting import wait_until
from tests.sandbox.callers import (
    ANA,
    DANA,
    access_token,
    google_client,
    google_consent,
    mail,
    microsoft_consent,
    refresh_by_hand,
    send_gmail,
)

pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose sandbox is ended after the test."""
    yield tmp_path / "sandbox"
    process.stop(tmp_path / "sandbox")


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def free(folder: Path) -> bool:
    lock = FolderLock(folder / LOCK_FILE)
    try:
        lock.hold()
    except FolderTaken:
        return False
    lock.free()
    return True


def test_a_restart_keeps_tokens_ports_authority_and_mail(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    first = process.start(folder)
    credentials, caller = google_consent(first, ANA), microsoft_consent(first, DANA)
    rotated = caller.refresh()["refresh_token"]
    send_gmail(first, access_token(credentials), mail(ANA))
    password = first.control().password("gina@lantern.example")
    first.control().apply(Control.THROTTLE, DANA, retry_after_s=3)
    client = google_client(first)
    authority = Path(first.ca_file).read_bytes()
    os.kill(first.pid, signal.SIGKILL)
    wait_until(lambda: free(folder), "free folder")

    second = process.start(folder)
    assert second.pid != first.pid
    assert [getattr(second, name) for name in Sandbox.__slots__ if name != "pid"] == [
        getattr(first, name) for name in Sandbox.__slots__ if name != "pid"
    ]
    assert google_client(second) == client and Path(second.ca_file).read_bytes() == authority
    control = second.control()
    assert [each.control for each in control.state().conditions] == [Control.THROTTLE]
    control.clear_all()
    assert refresh_by_hand(second, credentials).status_code == 200
    assert send_gmail(second, access_token(credentials), mail(ANA)).status_code == 200
    assert "access_token" in caller.refresh(token=rotated)
    assert len(control.messages(count=2)) == 2 and control.password("gina@lantern.example") == password


def test_what_it_says_of_itself(folder: Path) -> None:
    started = process.start(folder)
    assert process.read(folder) == process.running(folder) == started
    assert process.start(folder) == started, "a second start finds the first"
    told = folder / "sandbox.json"
    assert told.stat().st_mode & 0o777 == 0o600 and folder.stat().st_mode & 0o777 == 0o700
    endpoints = started.endpoints()
    assert (
        endpoints.google_token_uri
        == json.loads(Path(started.google_client_file).read_text())["installed"]["token_uri"]
    )
    assert endpoints.ca_file == started.ca_file and endpoints.graph_url.startswith("https://localhost:")
    assert process.stop(folder)
    wait_until(lambda: gone(started.pid), "end of the process", 1.0)
    assert not told.exists() and process.running(folder) is None
    assert not process.stop(folder)


def test_one_that_cannot_be_told_to_end_is_not_taken_for_gone(folder: Path) -> None:
    process.start(folder)
    said = folder / "sandbox.json"
    true_words = said.read_text()
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    said.write_text(json.dumps({**json.loads(true_words), "control_url": f"http://127.0.0.1:{port}"}))
    with pytest.raises(SandboxFailed, match="does not end"):
        process.stop(folder, timeout_s=0.1)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(process.stop, folder)
        said.write_text(true_words)
        assert ended.result(20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(folder: Path, number: signal.Signals) -> None:
    started = process.start(folder)
    os.kill(started.pid, number)
    wait_until(lambda: gone(started.pid), "end of the process")
    assert free(folder) and not (folder / "sandbox.json").exists()
    assert (folder / "sandbox.log").read_text() == ""


def test_it_ends_while_somebody_waits(folder: Path) -> None:
    started = process.start(folder)
    started.control().apply(Control.LATENCY, Provider.GOOGLE, ms=60_000)
    host, port = "127.0.0.1", urlsplit(started.control_url).port
    key = Path(started.key_file).read_text()
    with (
        socket.create_connection((host, port), timeout=10) as waiting,
        socket.create_connection((host, urlsplit(started.gmail_url).port), timeout=10) as slowed,
    ):
        ask = f"GET /messages?after=0&wait_s=60 HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\n\r\n"
        waiting.sendall(ask.encode())
        slowed.sendall(f"GET /v1/userinfo HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        assert started.control().visits(wait_s=10), "the slowed one is inside"
        assert process.stop(folder)
        for each in (waiting, slowed):
            with contextlib.suppress(ConnectionResetError):
                assert each.recv(1) == b""
    assert (folder / "sandbox.log").read_text() == ""


def test_many_starters_get_one_sandbox(folder: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda _: process.start(folder), range(4)))
    assert len({each.pid for each in started}) == 1


def test_a_second_one_in_the_same_folder_says_so(folder: Path) -> None:
    process.start(folder)
    done = subprocess.run(
        [sys.executable, "-m", "reply_desktop.sandbox", "--data-dir", str(folder)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == process.TAKEN and str(folder) in done.stderr


def test_it_ends_with_its_parent(folder: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        started = process.start(folder, parent_pid=parent.pid)
    finally:
        parent.communicate(timeout=10)
    wait_until(lambda: gone(started.pid), "end of the process")
    assert free(folder)


def test_a_start_that_fails_says_where_to_look(tmp_path: Path) -> None:
    broken = [sys.executable, "-c", "raise SystemExit('no luck')"]
    with pytest.raises(SandboxFailed, match=r"sandbox\.log says why"):
        process.start(tmp_path, command=broken, timeout_s=10)
    assert "no luck" in (tmp_path / "sandbox.log").read_text()


def test_a_start_that_hangs_is_given_up(tmp_path: Path) -> None:
    hangs = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    with pytest.raises(SandboxFailed):
        process.start(tmp_path, command=hangs, timeout_s=0.5)


def test_it_idles_without_waking(folder: Path) -> None:
    started = process.start(folder)
    started.control().ping()

    def switches() -> int:
        lines = Path(f"/proc/{started.pid}/status").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)

    quiet = threading.Event()
    wait_until(lambda: switches() == (quiet.wait(0.2), switches())[1], "rest")
    before = switches()
    quiet.wait(1.0)
    assert switches() - before <= 1, "nothing may tick in an idle sandbox"


def test_no_secret_reaches_its_log_or_its_description(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    started = process.start(folder)
    credentials = google_consent(started, ANA)
    told = (folder / "sandbox.json").read_text() + (folder / "sandbox.log").read_text() + repr(started)
    kept = (folder / "world.json").read_text()
    for secret in (str(credentials.refresh_token), access_token(credentials)):
        assert secret not in told + kept
    assert google_client(started)["client_secret"] not in told
