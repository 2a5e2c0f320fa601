"""The door: each word leads to the right room, and trouble is one clear line."""

import subprocess
import sys
from pathlib import Path

import pytest

from reply_desktop import __version__
from reply_desktop.__main__ import leave_the_bundle


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
