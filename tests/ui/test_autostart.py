"""Start at login on each system: the entry is valid, starts the right thing, and goes without a trace."""

import plistlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reply_desktop.domain.errors import InvalidInput
from reply_desktop.ui.autostart import (
    DesktopEntry,
    LaunchAgent,
    RunKey,
    config_home,
    exec_line,
    for_this_system,
    launch_command,
)
from tests.harness.waiting import wait_until

COMMAND = ["/opt/reply-desktop/reply-desktop", "--hidden"]
WEIRD = 'we"ird $HOME 100% `x` back\\slash é'


@pytest.fixture
def entry(tmp_path: Path) -> DesktopEntry:
    return DesktopEntry(COMMAND, tmp_path / "config")


def test_on_and_off_leave_no_trace(entry: DesktopEntry) -> None:
    assert entry.enabled is False
    entry.enable()
    entry.enable()
    assert entry.enabled is True
    assert [each.name for each in entry.file.parent.iterdir()] == ["reply-desktop.desktop"]
    entry.disable()
    entry.disable()
    assert entry.enabled is False
    assert list(entry.file.parent.iterdir()) == []


@pytest.mark.skipif(not shutil.which("desktop-file-validate"), reason="desktop-file-utils is not installed")
@pytest.mark.parametrize("command", [COMMAND, [f"/opt/{WEIRD}/app", "--hidden", "--data-dir", "/a b"]])
def test_the_entry_is_valid(tmp_path: Path, command: list[str]) -> None:
    entry = DesktopEntry(command, tmp_path)
    entry.enable()
    checked = subprocess.run(
        ["desktop-file-validate", entry.file], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.skipif(not shutil.which("gio"), reason="GLib's tools are not installed")
def test_the_desktop_starts_just_this(tmp_path: Path) -> None:
    # GLib looks for the program before it turns %% into %, so its own path must do without.
    program = tmp_path / WEIRD.replace("%", "")
    program.write_text(f'#!/bin/sh\nprintf "%s|" "$@" > {tmp_path}/seen\n')
    program.chmod(0o755)
    entry = DesktopEntry([str(program), "--hidden", "--data-dir", WEIRD, ""], tmp_path)
    entry.enable()
    subprocess.run(["gio", "launch", entry.file], check=True, capture_output=True, timeout=20)
    seen = tmp_path / "seen"
    assert wait_until(lambda: seen.exists() and seen.read_text(), "start") == f"--hidden|--data-dir|{WEIRD}||"


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false", "Hidden = true"])
def test_an_entry_the_desktop_switched_off_is_off(entry: DesktopEntry, line: str) -> None:
    entry.enable()
    text = entry.file.read_text().replace("X-GNOME-Autostart-enabled=true", line)
    entry.file.write_text(text)
    assert entry.enabled is False
    entry.enable()
    assert entry.enabled is True


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "autostart").write_text("a file where a folder should be")
    with pytest.raises(InvalidInput, match="autostart"):
        DesktopEntry(COMMAND, tmp_path).enable()


def test_control_characters_are_refused() -> None:
    with pytest.raises(InvalidInput):
        exec_line(["/opt/a\nExec=evil"])


def test_plain_parts_stay_plain() -> None:
    assert exec_line(COMMAND) == "/opt/reply-desktop/reply-desktop --hidden"


@pytest.mark.parametrize(
    ("environment", "place"),
    [({"XDG_CONFIG_HOME": "/x/y"}, Path("/x/y")), ({"XDG_CONFIG_HOME": "rel"}, None), ({}, None)],
)
def test_where_settings_lie(environment: dict[str, str], place: Path | None) -> None:
    assert config_home(environment) == (place or Path.home() / ".config")


def test_the_launch_agent(tmp_path: Path) -> None:
    agent = LaunchAgent(COMMAND, tmp_path / "LaunchAgents")
    assert agent.enabled is False
    agent.enable()
    assert plistlib.loads(agent.file.read_bytes())["ProgramArguments"] == COMMAND
    assert agent.enabled is True
    agent.file.write_bytes(plistlib.dumps({"RunAtLoad": True, "Disabled": True}))
    assert agent.enabled is False
    agent.file.write_text("no property list")
    assert agent.enabled is False
    agent.disable()
    agent.disable()
    assert list(agent.folder.iterdir()) == []


class Registry:
    """The part of `winreg` that is used, on a dict."""

    HKEY_CURRENT_USER = "HKCU"
    REG_SZ = 1

    def __init__(self, *, locked: bool = False) -> None:
        self.values: dict[str, str] = {}
        self.locked = locked

    def OpenKey(self, root: str, path: str) -> "Registry":
        assert (root, path) == ("HKCU", r"Software\Microsoft\Windows\CurrentVersion\Run")
        return self

    CreateKey = OpenKey

    def __enter__(self) -> "Registry":
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def QueryValueEx(self, _: Any, name: str) -> tuple[str, int]:
        if name not in self.values:
            raise FileNotFoundError(2, "not found")
        return self.values[name], 1

    def SetValueEx(self, _: Any, name: str, __: int, kind: int, value: str) -> None:
        if self.locked:
            raise PermissionError(5, "Access is denied")
        self.values[name] = value

    def DeleteValue(self, _: Any, name: str) -> None:
        if name not in self.values:
            raise FileNotFoundError(2, "not found")
        del self.values[name]


def test_the_run_key() -> None:
    registry = Registry()
    key = RunKey([r"C:\Program Files\Reply Desktop\reply-desktop.exe", "--hidden"], registry)
    assert key.enabled is False
    key.enable()
    assert registry.values == {
        "Reply Desktop": r'"C:\Program Files\Reply Desktop\reply-desktop.exe" --hidden'
    }
    assert key.enabled is True
    key.disable()
    key.disable()
    assert key.enabled is False


def test_the_run_key_says_what_is_in_the_way() -> None:
    with pytest.raises(InvalidInput, match="Access is denied"):
        RunKey(COMMAND, Registry(locked=True)).enable()
    with pytest.raises(InvalidInput, match="too long"):
        RunKey(["C:\\" + "x" * 300], Registry()).enable()


def test_what_is_started_again(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    assert launch_command(str(python), frozen=False) == [str(python), "-m", "reply_desktop"]
    suffix = ".exe" if sys.platform == "win32" else ""
    script = python.with_name(f"reply-desktop-window{suffix}")
    assert launch_command(str(python), frozen=False, exists=lambda path: path == script) == [str(script)]
    assert launch_command("/opt/app", frozen=True) == ["/opt/app"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names the Linux way")
def test_this_system_starts_hidden_with_its_folder(tmp_path: Path) -> None:
    here = for_this_system(tmp_path)
    assert isinstance(here, DesktopEntry)
    assert list(here.command)[-3:] == ["--hidden", "--data-dir", str(tmp_path)]
