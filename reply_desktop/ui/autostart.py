"""Start at login, hidden in the tray: one entry in the place each system looks at, the person's own only."""

import contextlib
import os
import plistlib
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from reply_desktop.config import APP_ID, APP_NAME
from reply_desktop.domain.errors import InvalidInput

LABEL: Final = "com.reply-desktop.window"
"""Name of the macOS launch agent."""
RUN_KEY: Final = r"Software\Microsoft\Windows\CurrentVersion\Run"
_RESERVED: Final = frozenset(" \t\n\"'\\><~|&;$*?#()`")


class Autostart(Protocol):
    """Whether the app starts at login."""

    @property
    def enabled(self) -> bool:
        """Whether it does now."""
        ...

    def enable(self) -> None:
        """Have it start from the next login on. Raises InvalidInput when the entry cannot be written."""
        ...

    def disable(self) -> None:
        """Have it start no more; silent when it does not."""
        ...


def for_this_system(data_dir: Path | None = None) -> Autostart:
    """The system's own way. `data_dir`: the data folder to start with, None = the usual one."""
    command = [*launch_command(), "--hidden", *(["--data-dir", str(data_dir)] if data_dir else [])]
    if sys.platform == "win32":
        import winreg

        return RunKey(command, winreg)
    if sys.platform == "darwin":
        return LaunchAgent(command, Path.home() / "Library" / "LaunchAgents")
    return DesktopEntry(command, config_home())


def launch_command(
    executable: str = sys.executable,
    *,
    frozen: bool | None = None,
    exists: Callable[[Path], bool] = Path.exists,
) -> list[str]:
    """What starts this app again: the frozen app, the installed script beside Python, or Python with us."""
    if getattr(sys, "frozen", False) if frozen is None else frozen:
        # An AppImage is mounted anew each time; only the file itself stays where it is.
        return [os.environ.get("APPIMAGE", executable)]
    suffix = ".exe" if sys.platform == "win32" else ""
    script = Path(executable).with_name(f"reply-desktop-window{suffix}")
    if exists(script):
        return [str(script)]
    return [executable, "-m", "reply_desktop"]


def config_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Base folder of settings (XDG Base Directory Specification); relative values are not valid there."""
    named = environment.get("XDG_CONFIG_HOME", "")
    return Path(named) if named.startswith("/") else Path.home() / ".config"


@dataclass(frozen=True)
class DesktopEntry:
    """XDG autostart: a desktop entry in `autostart` (Desktop Application Autostart Specification 0.5)."""

    command: Sequence[str]
    config: Path

    @property
    def file(self) -> Path:
        """The entry."""
        return self.config / "autostart" / f"{APP_ID}.desktop"

    @property
    def enabled(self) -> bool:
        try:
            lines = self.file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return False
        # Desktops switch entries off this way instead of removing them.
        off = {"Hidden=true", "X-GNOME-Autostart-enabled=false"}
        return not off.intersection(line.replace(" ", "") for line in lines)

    def enable(self) -> None:
        entry = "\n".join(
            (
                "[Desktop Entry]",
                "Type=Application",
                f"Name={APP_NAME}",
                "Comment=Keeps every sending mailbox connected",
                f"Exec={exec_line(self.command)}",
                f"Icon={APP_ID}",
                "Terminal=false",
                "X-GNOME-Autostart-enabled=true",
                "",
            )
        )
        write_whole(self.file, entry.encode())

    def disable(self) -> None:
        remove(self.file)


@dataclass(frozen=True)
class LaunchAgent:
    """macOS: a property list in the person's LaunchAgents (launchd.plist(5))."""

    command: Sequence[str]
    folder: Path

    @property
    def file(self) -> Path:
        """The property list."""
        return self.folder / f"{LABEL}.plist"

    @property
    def enabled(self) -> bool:
        try:
            agent = plistlib.loads(self.file.read_bytes())
        except (OSError, ValueError, plistlib.InvalidFileException):
            return False
        return isinstance(agent, dict) and agent.get("RunAtLoad") is True and not agent.get("Disabled")

    def enable(self) -> None:
        agent = {
            "Label": LABEL,
            "ProgramArguments": list(self.command),
            "RunAtLoad": True,
            "ProcessType": "Interactive",
        }
        write_whole(self.file, plistlib.dumps(agent))

    def disable(self) -> None:
        remove(self.file)


@dataclass(frozen=True)
class RunKey:
    """Windows: a value in the person's Run key. `registry` is the standard library's `winreg`."""

    command: Sequence[str]
    registry: Any

    @property
    def enabled(self) -> bool:
        try:
            with self.registry.OpenKey(self.registry.HKEY_CURRENT_USER, RUN_KEY) as key:
                return bool(self.registry.QueryValueEx(key, APP_NAME)[0])
        except OSError:
            return False

    def enable(self) -> None:
        import subprocess

        line = subprocess.list2cmdline(self.command)
        # Longer values are cut by the Run key (Microsoft, "Run and RunOnce Registry Keys").
        if len(line) > 260:
            raise InvalidInput(
                "The path of the app is too long for Windows to start it.", "Move it nearer to C:."
            )
        try:
            with self.registry.CreateKey(self.registry.HKEY_CURRENT_USER, RUN_KEY) as key:
                self.registry.SetValueEx(key, APP_NAME, 0, self.registry.REG_SZ, line)
        except OSError as error:
            raise InvalidInput(
                f"Start at login could not be set: {error.strerror or error}.", "Ask your administrator."
            ) from None

    def disable(self) -> None:
        try:
            with self.registry.CreateKey(self.registry.HKEY_CURRENT_USER, RUN_KEY) as key:
                self.registry.DeleteValue(key, APP_NAME)
        except FileNotFoundError:
            return
        except OSError as error:
            raise InvalidInput(
                f"Start at login could not be switched off: {error.strerror or error}.",
                "Ask your administrator.",
            ) from None


def exec_line(command: Sequence[str]) -> str:
    """A command as the value of `Exec` (Desktop Entry Specification 1.5, "The Exec key").

    Each part is quoted where it must be, `%` is doubled, and the whole is escaped as a string value.
    """
    return " ".join(_quoted(part) for part in command)


def _quoted(part: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in part):
        raise InvalidInput("The path of the app has control characters.", "Move the app to another folder.")
    doubled = part.replace("%", "%%")
    if part and not _RESERVED.intersection(part):
        return doubled
    for character in '\\"`$':
        doubled = doubled.replace(character, f"\\{character}")
    return f'"{doubled}"'.replace("\\", "\\\\")


def write_whole(file: Path, content: bytes) -> None:
    """Write the whole file or nothing; who may read it stays as it was. Raises InvalidInput."""
    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        if file.exists():
            part.chmod(stat.S_IMODE(file.stat().st_mode))
        part.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise InvalidInput(
            f"{file} cannot be written: {error.strerror}.", "Check who may write to that folder."
        ) from None


def remove(file: Path) -> None:
    """Remove the file; silent when there is none. Raises InvalidInput."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be removed: {error.strerror}.", "Check who may write to that folder."
        ) from None
