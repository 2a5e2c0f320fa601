"""The door: each word leads to the right room, and trouble is one clear line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reply_desktop import __version__
from reply_desktop.__main__ import leave_the_bundle
from reply_desktop.channel.lock import EngineLock
from reply_desktop.config import Config


def run(*argv: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "reply_desktop", *argv], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def test_version_and_help_load_nothing_heavy() -> None:
    assert run("--version") == (0, f"reply-desktop {__version__}\n", "")
    code, out, _ = run("--help")
    assert code == 0 and "accounts" in out and "check" in out
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "reply_desktop", "--version"],
        capture_output=True,
        text=True,
    )
    for heavy in ("PySide6", "sqlalchemy", "msal", "google.auth", "requests", "msgspec"):
        assert f" {heavy}\n" not in done.stderr


def test_stop_without_an_engine(tmp_path: Path) -> None:
    assert run("--data-dir", str(tmp_path), "stop") == (0, "", "No engine was running.\n")


def test_restore_of_garbage_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"garbage")
    code, out, err = run("--data-dir", str(tmp_path / "data"), "restore", str(tmp_path / "x"))
    assert (code, out) == (2, "") and err.count("\n") == 1 and "Traceback" not in err


def test_a_data_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run("--data-dir", str(tmp_path / "file" / "data"), "accounts", "list")
    assert code == 2 and "Traceback" not in err and str(tmp_path / "file") in err


def test_no_look_at_the_accounts_is_unknown_and_not_red(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert run("--data-dir", str(tmp_path / "file" / "data"), "check")[0] == 3


def test_an_argument_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "reply_desktop",
        "--data-dir",
        str(tmp_path),
        "accounts",
        "pause",
        os.fsdecode(b"\xff"),
    ]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, b"? is not text in UTF-8. Give it in plain characters.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of Unix")
def test_output_that_nobody_takes_is_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "reply_desktop", "--data-dir", str(tmp_path), "providers", "list"]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr) == (141, b"")
    try:
        if Path("/dev/full").exists():
            with Path("/dev/full").open("wb") as full:
                done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60)
            assert done.returncode == 2
            assert done.stderr == b"The answer cannot be written: No space left on device.\n"
    finally:
        run("--data-dir", str(tmp_path), "stop")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix")
def test_a_closed_output_is_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "reply_desktop", "--data-dir", str(tmp_path), "providers", "list"]
    try:
        done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *command], stderr=subprocess.PIPE, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
        done = subprocess.run(["sh", "-c", '"$@" 2>&-', "sh", *command[:-2], "accounts", "list"], timeout=60)
        assert done.returncode == 0
    finally:
        run("--data-dir", str(tmp_path), "stop")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to one process is Unix's")
def test_ctrl_c_while_starting_is_one_line(tmp_path: Path) -> None:
    config = Config(tmp_path)
    os.mkfifo(config.key_file)
    with EngineLock(config.lock_file) as lock:
        lock.hold()
        command = [sys.executable, "-m", "reply_desktop", "--data-dir", str(tmp_path), "stop"]
        # Where tests run in the background, the shell has Ctrl-C ignored, and whoever is started inherits that.
        ours = signal.signal(signal.SIGINT, signal.default_int_handler)
        stopping = subprocess.Popen(command, stderr=subprocess.PIPE)
        signal.signal(signal.SIGINT, ours)
        # Opens as soon as the command reads the key, and not before; closed at once, as a signal that comes
        # right before a read is seen only when that read ends.
        with config.key_file.open("wb"):
            stopping.send_signal(signal.SIGINT)
        _, said = stopping.communicate(timeout=60)
    assert (stopping.returncode, said) == (130, b"Cancelled.\n")


def test_the_sandbox_process_is_reached_by_its_own_word() -> None:
    code, out, _ = run("sandbox-process", "--help")
    assert code == 0 and "--data-dir" in out


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({"LD_LIBRARY_PATH": "/app"}, {}),
        ({"LD_LIBRARY_PATH": "/app", "LD_LIBRARY_PATH_ORIG": "/mine"}, {"LD_LIBRARY_PATH": "/mine"}),
        ({"PATH": "/bin", "DYLD_LIBRARY_PATH": "/app"}, {"PATH": "/bin"}),
    ],
)
def test_a_frozen_apps_library_path_is_not_handed_on(given: dict[str, str], left: dict[str, str]) -> None:
    leave_the_bundle(given)
    assert given == left
