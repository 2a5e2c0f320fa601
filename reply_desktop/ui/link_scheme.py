"""Makes `reply-desktop://` links open this app for this person, without taking them from another."""

import logging
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from reply_desktop.config import APP_ID, APP_NAME, Config, default_data_dir
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.ui.autostart import config_home, exec_line, launch_command, remove, write_whole

log = logging.getLogger(__name__)

SCHEME: Final = "reply-desktop"
MIME: Final = f"x-scheme-handler/{SCHEME}"
"""How desktops call the handler of a scheme (Shared MIME-info Specification 0.21, "URI scheme handlers")."""
ENTRY: Final = f"{APP_ID}-links.desktop"
"""Our own entry. It has not the name of an installed app's, which it would hide from the menu."""
INSTALLED: Final = f"{APP_ID}.desktop"
"""The entry an installer brings."""
KEY: Final = rf"Software\Classes\{SCHEME}"
_DATA: Final = "X-ReplyDesktop-Data"
_DATA_VALUE: Final = "DataDir"
_DEFAULTS: Final = b"[Default Applications]"


class LinkScheme(Protocol):
    """The place where a system keeps which app opens links of our scheme."""

    def register(self) -> bool:
        """See to it that links open this app, where that takes nothing from anybody; whether it had to.

        Where an installer has seen to it, what was registered here before is taken back. Raises InvalidInput
        when it cannot be written.
        """
        ...


def for_this_system(config: Config) -> LinkScheme | None:
    """The system's own way; None on macOS, where it stands in the app's Info.plist."""
    data_dir: Path | None = config.data_dir.absolute()
    if not config.sandbox and data_dir == default_data_dir():
        data_dir = None
    command = [*launch_command(), *_own_words(config, data_dir)]
    if sys.platform == "win32":
        import winreg

        return RegistryKey(command, winreg, data_dir)
    if sys.platform == "darwin":
        return None
    return MimeEntry(command, data_home(), config_home(), data_dirs(), data_dir)


def register_quietly(scheme: LinkScheme | None) -> None:
    """Register, and have at most a line in the log to say about it. Any thread."""
    if scheme is None:
        return
    try:
        if scheme.register():
            log.info("Links of %s:// open this app from now on.", SCHEME)
    except (InvalidInput, OSError) as error:
        log.info("Links of %s:// do not open this app: %s", SCHEME, error)


def _own_words(config: Config, data_dir: Path | None) -> list[str]:
    """What makes the launched app the one that registered."""
    if data_dir is None:
        return []
    words = ["--sandbox"] if config.sandbox else []
    if data_dir != default_data_dir(sandbox=config.sandbox):
        words += ["--data-dir", str(data_dir)]
    return words


def data_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Base folder of the person's own data (XDG Base Directory Specification)."""
    named = environment.get("XDG_DATA_HOME", "")
    return Path(named) if named.startswith("/") else Path.home() / ".local" / "share"


def data_dirs(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Base folders of data for all persons, best first (same specification)."""
    named = environment.get("XDG_DATA_DIRS", "") or "/usr/local/share:/usr/share"
    return tuple(Path(one) for one in named.split(":") if one.startswith("/"))


@dataclass(frozen=True)
class MimeEntry:
    """Linux: a desktop entry, named as the default in the person's `mimeapps.list`.

    Desktop Entry Specification 1.5; Association between MIME types and applications 1.0.1. `own_data`: the
    data folder of a sandbox or of a window with a folder of its own, which makes way for an ordinary one.
    """

    command: Sequence[str]
    data: Path
    config: Path
    systems: tuple[Path, ...] = ()
    own_data: Path | None = None

    @property
    def file(self) -> Path:
        """The entry."""
        return self.data / "applications" / ENTRY

    @property
    def defaults(self) -> Path:
        """The person's list of default apps."""
        return self.config / "mimeapps.list"

    def register(self) -> bool:
        chosen, mine = default_app(_read(self.defaults)), _entry(self.file)
        if chosen not in ("", ENTRY, INSTALLED) and self._find(chosen):
            # Some other app's, as the person wants it.
            return False
        if mine and self.own_data is not None and not self._makes_way(mine):
            return False
        installed = self._find(INSTALLED)
        handles = MIME in installed.get("MimeType", "").split(";")
        if handles and (self.own_data is not None or self._is_same(installed)):
            return self._withdraw()
        changed = self._write_entry()
        return self._write_default() or changed

    def _find(self, name: str) -> dict[str, str]:
        """The entry of this name that counts for the person; empty when there is none."""
        places = (folder / "applications" / name for folder in (self.data, *self.systems))
        return next(filter(None, map(_entry, places)), {})

    def _is_same(self, installed: Mapping[str, str]) -> bool:
        """Whether an installed entry starts the very program that would be registered."""
        try:
            words = shlex.split(installed.get("Exec", ""))
        except ValueError:
            return False
        if not words or not self.command:
            return False
        return _program(words[0]) == _program(self.command[0])

    def _makes_way(self, mine: Mapping[str, str]) -> bool:
        """Whether what is registered is of a window with its own data that is gone, or is our own."""
        registered = mine.get(_DATA, "")
        return bool(registered) and (registered == str(self.own_data) or not Path(registered).is_dir())

    def _withdraw(self) -> bool:
        """Leave links to the installed entry."""
        before = _read(self.defaults)
        after = without_default(before)
        if after != before:
            write_whole(self.defaults.resolve(), after)
        there = self.file.exists()
        remove(self.file)
        return there or after != before

    def _write_entry(self) -> bool:
        lines = [
            "[Desktop Entry]",
            "Type=Application",
            f"Name={APP_NAME}",
            "Comment=Keeps every sending mailbox connected",
            # The address is one word with its option, so that it can never be taken for an option itself.
            f"Exec={exec_line(self.command)} --open=%u",
            f"Icon={APP_ID}",
            "Terminal=false",
            "NoDisplay=true",
            f"MimeType={MIME};",
            f"StartupWMClass={APP_ID}",
        ]
        if self.own_data is not None:
            lines.append(f"{_DATA}={_one_line(str(self.own_data))}")
        wanted = ("\n".join(lines) + "\n").encode()
        if _read(self.file) == wanted:
            return False
        write_whole(self.file, wanted)
        return True

    def _write_default(self) -> bool:
        # People keep such files elsewhere and link to them; the link stays.
        file = self.defaults.resolve()
        before = _read(file)
        if default_app(before) == ENTRY:
            return False
        write_whole(file, with_default(before))
        return True


@dataclass(frozen=True)
class RegistryKey:
    """Windows: a class in the person's part of the registry. `registry` is the standard library's `winreg`.

    Source: Microsoft, "Registering an Application to a URI Scheme". `own_data` as in `MimeEntry`.
    """

    command: Sequence[str]
    registry: Any
    own_data: Path | None = None

    def register(self) -> bool:
        wanted = f'{subprocess.list2cmdline(self.command)} "--open=%1"'
        command_key = rf"{KEY}\shell\open\command"
        mine = self._value(self.registry.HKEY_CURRENT_USER, command_key, "")
        for_all = self._value(self.registry.HKEY_LOCAL_MACHINE, command_key, "")
        data = self._value(self.registry.HKEY_CURRENT_USER, KEY, _DATA_VALUE)
        if not mine and for_all and (self.own_data is not None or for_all.casefold() == wanted.casefold()):
            return False
        if mine and self.own_data is not None and not self._makes_way(data):
            return False
        own = "" if self.own_data is None else str(self.own_data)
        if (mine, data) == (wanted, own):
            return False
        values = ((KEY, "", f"URL:{APP_NAME}"), (KEY, "URL Protocol", ""), (KEY, _DATA_VALUE, own))
        try:
            for place, name, value in (*values, (command_key, "", wanted)):
                with self.registry.CreateKey(self.registry.HKEY_CURRENT_USER, place) as key:
                    self.registry.SetValueEx(key, name, 0, self.registry.REG_SZ, value)
        except OSError as error:
            raise InvalidInput(
                f"The registry key {KEY} cannot be written: {error.strerror or error}.",
                "Ask your administrator.",
            ) from None
        return True

    def _makes_way(self, registered: str) -> bool:
        return bool(registered) and (registered == str(self.own_data) or not Path(registered).is_dir())

    def _value(self, root: Any, place: str, name: str) -> str:
        try:
            with self.registry.OpenKey(root, place) as key:
                return str(self.registry.QueryValueEx(key, name)[0])
        except OSError:
            return ""


def default_app(content: bytes) -> str:
    """The app a `mimeapps.list` names first for our links; empty for none."""
    found = _default_line(content.splitlines())
    if found is None:
        return ""
    _, value = found
    return value.split(b";")[0].strip().decode(errors="replace")


def with_default(content: bytes) -> bytes:
    """A `mimeapps.list` with our entry first for our links. Everything else stays as it is, byte for byte."""
    end = b"\r\n" if b"\r\n" in content else b"\n"
    lines = content.splitlines(keepends=True)
    if lines and not lines[-1].endswith((b"\n", b"\r")):
        lines[-1] += end
    found = _default_line(lines)
    ours = f"{MIME}={ENTRY};".encode()
    if found is not None:
        number, value = found
        lines[number] = ours + _others(value) + end
        return b"".join(lines)
    group = next((n for n, line in enumerate(lines) if line.strip() == _DEFAULTS), None)
    if group is None:
        return b"".join([*lines, *([end] if lines else []), _DEFAULTS + end, ours + end])
    return b"".join([*lines[: group + 1], ours + end, *lines[group + 1 :]])


def without_default(content: bytes) -> bytes:
    """A `mimeapps.list` whose defaults do not name our entry. Everything else stays, byte for byte."""
    lines = content.splitlines(keepends=True)
    found = _default_line(lines)
    if found is None or ENTRY.encode() not in (one.strip() for one in found[1].split(b";")):
        return content
    number, value = found
    others = _others(value)
    end = b"\r\n" if lines[number].endswith(b"\r\n") else b"\n"
    lines[number] = f"{MIME}=".encode() + others + end if others else b""
    return b"".join(lines)


def _others(value: bytes) -> bytes:
    """The apps beside ours that a line of defaults names."""
    names = (one.strip() for one in value.split(b";"))
    return b"".join(one + b";" for one in names if one not in (b"", ENTRY.encode()))


def _default_line(lines: Iterable[bytes]) -> tuple[int, bytes] | None:
    """(number of the line, value) of what stands for our links among the defaults."""
    inside = False
    for number, line in enumerate(lines):
        text = line.strip()
        if text.startswith(b"["):
            inside = text == _DEFAULTS
        elif inside:
            name, equals, value = text.partition(b"=")
            if equals and name.strip() == MIME.encode():
                return number, value
    return None


def _entry(file: Path) -> dict[str, str]:
    """The keys of a desktop entry's main group; empty when it is none."""
    found: dict[str, str] = {}
    inside = False
    for line in _read(file).decode(errors="replace").splitlines():
        if line.startswith("["):
            inside = line.strip() == "[Desktop Entry]"
        elif inside and not line.startswith("#"):
            name, equals, value = line.partition("=")
            if equals:
                found[name.strip()] = value.strip()
    return found


def _read(file: Path) -> bytes:
    """The file's bytes; none when it does not exist. Raises InvalidInput when it cannot be read."""
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        # Written anew it would lose what stands in it.
        raise InvalidInput(
            f"{file} cannot be read: {error.strerror}.", "Check who may read that file."
        ) from None


def _program(word: str) -> tuple[Path, str]:
    """(folder, name) of a program; the one with a console and the one without are the same to a link."""
    path = Path(shutil.which(word) or word).resolve()
    return path.parent, path.stem.removesuffix("-window")


def _one_line(value: str) -> str:
    if any(ord(character) < 32 for character in value):
        raise InvalidInput("The path of the data folder has control characters.", "Use another folder.")
    return value
