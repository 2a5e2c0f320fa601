"""Who opens `reply-desktop://` links: registered once, politely, with every other line left alone."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.config import Config, default_data_dir
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.ui.link_scheme import (
    ENTRY,
    INSTALLED,
    KEY,
    MIME,
    MimeEntry,
    RegistryKey,
    data_dirs,
    data_home,
    default_app,
    for_this_system,
    register_quietly,
    with_default,
    without_default,
)

COMMAND = ("/opt/Reply Desktop/reply-desktop",)
COMMAND_KEY = rf"{KEY}\shell\open\command"


class Person:
    """One person's folders, and a system beside them."""

    def __init__(self, folder: Path) -> None:
        self.data, self.config, self.system = folder / "data", folder / "config", folder / "usr"

    def entry(self, *command: str, own: Path | None = None) -> MimeEntry:
        words = list(command or COMMAND)
        if own is not None:
            words += ["--data-dir", str(own)]
        return MimeEntry(words, self.data, self.config, (self.system,), own)

    def install(self, program: str, *, name: str = INSTALLED, mime: str = f"{MIME};") -> Path:
        file = self.system / "applications" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            f"[Desktop Entry]\nType=Application\nName=X\nExec={program} --open=%u\nMimeType={mime}\n"
        )
        return file

    def prefer(self, content: str) -> None:
        self.config.mkdir(exist_ok=True)
        (self.config / "mimeapps.list").write_text(content)

    @property
    def files(self) -> dict[Path, bytes]:
        places = [*self.data.rglob("*"), *self.config.rglob("*")]
        return {place: place.read_bytes() for place in places if place.is_file()}

    @property
    def executed(self) -> str:
        lines = (self.data / "applications" / ENTRY).read_text().splitlines()
        return next(line for line in lines if line.startswith("Exec=")).removeprefix("Exec=")


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


# Linux


def test_an_entry_and_a_default_are_written_once(person: Person) -> None:
    entry = person.entry()
    assert entry.register() is True
    assert entry.file.read_text() == (
        "[Desktop Entry]\nType=Application\nName=Reply Desktop\n"
        "Comment=Keeps every sending mailbox connected\n"
        'Exec="/opt/Reply Desktop/reply-desktop" --open=%u\nIcon=reply-desktop\nTerminal=false\n'
        f"NoDisplay=true\nMimeType={MIME};\nStartupWMClass=reply-desktop\n"
    )
    assert entry.defaults.read_text() == f"[Default Applications]\n{MIME}={ENTRY};\n"
    before = {file: file.stat().st_mtime_ns for file in person.files}
    assert entry.register() is False
    assert {file: file.stat().st_mtime_ns for file in person.files} == before


def test_an_app_that_moved_is_registered_anew(person: Person) -> None:
    person.entry().register()
    assert person.entry("/home/ana/reply-desktop").register() is True
    assert person.executed == "/home/ana/reply-desktop --open=%u"


@pytest.mark.parametrize("named", ["", f"{MIME}={INSTALLED}\n"])
def test_the_installed_app_itself_is_left_alone(person: Person, tmp_path: Path, named: str) -> None:
    program = tmp_path / "bin" / "reply-desktop"
    program.parent.mkdir()
    program.touch(mode=0o755)
    link = tmp_path / "link"
    link.symlink_to(program)
    person.install(str(link))
    person.prefer(f"[Default Applications]\n{named}")
    before = person.files
    assert person.entry(str(program)).register() is False
    assert person.entry(str(program.with_name("reply-desktop-window"))).register() is False
    assert person.files == before
    assert person.entry("/elsewhere/reply-desktop").register() is True


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(
    ("listed", "left"),
    [
        ("[Default Applications]\na/b=c.desktop\n", "[Default Applications]\na/b=c.desktop\n"),
        (f"[Default Applications]\n{MIME}=gone.desktop", f"[Default Applications]\n{MIME}=gone.desktop;\n"),
    ],
)
def test_what_the_app_registered_itself_is_taken_back_once_it_is_installed(
    person: Person, tmp_path: Path, own: bool, listed: str, left: str
) -> None:
    entry = person.entry(own=tmp_path if own else None)
    person.prefer(listed)
    assert entry.register() is True
    person.install(f'"{COMMAND[0]}"')
    assert entry.register() is True
    assert person.files == {entry.defaults: left.encode()}
    assert entry.register() is False


def test_a_window_whose_own_data_is_there_keeps_its_links_beside_an_installed_app(
    person: Person, tmp_path: Path
) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    first.mkdir()
    person.entry(own=first).register()
    person.install(f'"{COMMAND[0]}"')
    before = person.files
    assert person.entry(own=second).register() is False
    assert person.files == before


def test_an_installed_entry_that_does_not_open_links_counts_for_nothing(person: Person) -> None:
    person.install(COMMAND[0].replace(" ", r"\ "), mime="text/html;")
    assert person.entry().register() is True


def test_another_app_the_person_chose_is_left_alone(person: Person) -> None:
    person.install("other", name="other.desktop")
    person.prefer(f"[Default Applications]\n{MIME}=other.desktop\n")
    before = person.files
    assert person.entry().register() is False
    assert person.files == before


def test_one_that_is_not_there_any_more_is_replaced_and_kept_for_its_return(person: Person) -> None:
    person.prefer(f"[Default Applications]\n{MIME}=gone.desktop\n")
    assert person.entry().register() is True
    assert person.entry().defaults.read_text() == f"[Default Applications]\n{MIME}={ENTRY};gone.desktop;\n"


def test_a_window_with_its_own_data_makes_way(person: Person, tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    first.mkdir()
    second.mkdir()
    assert person.entry(own=first).register() is True
    assert f"X-ReplyDesktop-Data={first}\n" in person.entry().file.read_text()
    assert person.entry(own=second).register() is False
    assert person.entry("/new/place", own=first).register() is True
    first.rmdir()
    assert person.entry(own=second).register() is True
    assert person.executed.endswith(f"--data-dir {second} --open=%u")
    assert person.entry().register() is True
    assert person.executed == '"/opt/Reply Desktop/reply-desktop" --open=%u'
    assert person.entry(own=second).register() is False


def test_a_window_with_its_own_data_takes_nothing_from_an_installed_app(
    person: Person, tmp_path: Path
) -> None:
    person.install("/usr/bin/reply-desktop")
    assert person.entry(own=tmp_path).register() is False
    assert person.files == {}


def test_the_list_may_be_a_link_and_keeps_its_mode(person: Person, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles"
    kept.write_text("[Added Associations]\ntext/html=x.desktop;\n")
    kept.chmod(0o640)
    person.config.mkdir()
    (person.config / "mimeapps.list").symlink_to(kept)
    assert person.entry().register() is True
    assert (person.config / "mimeapps.list").is_symlink()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert kept.read_text() == (
        f"[Added Associations]\ntext/html=x.desktop;\n\n[Default Applications]\n{MIME}={ENTRY};\n"
    )


def test_what_cannot_be_read_or_written_is_only_told_to_the_log(
    person: Person, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    (person.config / "mimeapps.list").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="cannot be read"):
        person.entry().register()
    register_quietly(person.entry())
    assert "do not open this app" in caplog.text
    assert not person.data.exists()
    (tmp_path / "file").touch()
    register_quietly(MimeEntry(COMMAND, tmp_path / "file", tmp_path / "c"))
    register_quietly(MimeEntry(["/bad\nplace"], tmp_path / "d", tmp_path / "c"))
    register_quietly(None)
    assert not (tmp_path / "d").exists()
    caplog.clear()
    register_quietly(MimeEntry(COMMAND, tmp_path / "d", tmp_path / "c"))
    assert "open this app from now on" in caplog.text


LISTS = st.lists(
    st.sampled_from(
        [
            "[Default Applications]",
            "[Added Associations]",
            "# x-scheme-handler/reply-desktop=no.desktop",
            "x-scheme-handler/reply-desktop=other.desktop;third.desktop",
            "x-scheme-handler/reply-desktop =",
            "text/html=\udcff.desktop;",
            "",
            "nonsense",
        ]
    ),
    max_size=8,
)


@given(LISTS, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_whatever_the_list_holds_only_our_line_changes(lines: list[str], end: str, closed: bool) -> None:
    before = (end.join(lines) + (end if closed else "")).encode(errors="surrogateescape")
    after = with_default(before)
    assert default_app(after) == ENTRY
    assert with_default(after) == after
    withdrawn = without_default(after)
    assert ENTRY.encode() not in withdrawn
    assert without_default(before) == before
    ours = f"{MIME}=".encode()
    kept = [line for line in before.splitlines() if line.strip() and not line.startswith(MIME.encode())]
    left, last = (
        [line for line in each.splitlines() if line.strip() and not line.startswith(MIME.encode())]
        for each in (after, withdrawn)
    )
    assert last == left
    assert left in (kept, [*kept, b"[Default Applications]"])
    named = [
        name
        for line in before.splitlines()
        if line.startswith(ours)
        for name in (b"other", b"third")
        if name in line
    ]
    assert all(name in after and name in withdrawn for name in named)


@pytest.mark.parametrize(
    ("environment", "home", "dirs"),
    [
        ({"XDG_DATA_HOME": "/x", "XDG_DATA_DIRS": "/a:b:/c"}, Path("/x"), (Path("/a"), Path("/c"))),
        (
            {"XDG_DATA_HOME": "relative"},
            Path.home() / ".local" / "share",
            (Path("/usr/local/share"), Path("/usr/share")),
        ),
    ],
)
def test_where_entries_lie(environment: dict[str, str], home: Path, dirs: tuple[Path, ...]) -> None:
    assert (data_home(environment), data_dirs(environment)) == (home, dirs)


@pytest.mark.skipif(os.name != "posix", reason="the Linux way")
def test_each_window_registers_what_starts_it_again(tmp_path: Path) -> None:
    ordinary = for_this_system(Config(default_data_dir()))
    assert isinstance(ordinary, MimeEntry)
    assert ordinary.own_data is None
    assert not any(word.startswith("--") for word in ordinary.command)
    folder = tmp_path / "d"
    for config, words in (
        (Config(folder), ["--data-dir", str(folder)]),
        (Config(folder, sandbox=True), ["--sandbox", "--data-dir", str(folder)]),
        (Config(default_data_dir(sandbox=True), sandbox=True), ["--sandbox"]),
    ):
        made = for_this_system(config)
        assert isinstance(made, MimeEntry)
        assert made.own_data == config.data_dir
        assert list(made.command)[len(ordinary.command) :] == words


# Windows


class Registry:
    """Stands for `winreg`."""

    HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, REG_SZ = "user", "machine", 1

    def __init__(self) -> None:
        self.values: dict[tuple[str, str, str], str] = {}
        self.locked = False

    @contextmanager
    def OpenKey(self, root: str, place: str) -> Iterator[Any]:
        if not any(key[:2] == (root, place) for key in self.values):
            raise FileNotFoundError
        yield SimpleNamespace(root=root, place=place)

    @contextmanager
    def CreateKey(self, root: str, place: str) -> Iterator[Any]:
        if self.locked:
            raise PermissionError(13, "Access is denied")
        yield SimpleNamespace(root=root, place=place)

    def QueryValueEx(self, key: Any, name: str) -> tuple[str, int]:
        try:
            return self.values[key.root, key.place, name], 1
        except KeyError:
            raise FileNotFoundError from None

    def SetValueEx(self, key: Any, name: str, reserved: int, kind: int, value: str) -> None:
        self.values[key.root, key.place, name] = value


WINDOWS = (r"C:\Apps\Reply Desktop\reply-desktop-window.exe",)
OPENED = r'"C:\Apps\Reply Desktop\reply-desktop-window.exe" "--open=%1"'


def test_windows_is_told_in_the_persons_own_part() -> None:
    registry = Registry()
    assert RegistryKey(WINDOWS, registry).register() is True
    assert registry.values == {
        ("user", KEY, ""): "URL:Reply Desktop",
        ("user", KEY, "URL Protocol"): "",
        ("user", KEY, "DataDir"): "",
        ("user", COMMAND_KEY, ""): OPENED,
    }
    assert RegistryKey(WINDOWS, registry).register() is False
    assert RegistryKey([r"D:\reply-desktop.exe"], registry).register() is True


def test_an_app_installed_for_all_is_left_alone(tmp_path: Path) -> None:
    registry = Registry()
    registry.values["machine", COMMAND_KEY, ""] = OPENED.lower()
    assert RegistryKey(WINDOWS, registry).register() is False
    assert RegistryKey([r"D:\sandbox.exe"], registry, tmp_path).register() is False
    assert RegistryKey([r"D:\other.exe"], registry).register() is True


def test_a_window_with_its_own_data_makes_way_on_windows(tmp_path: Path) -> None:
    registry, folder = Registry(), tmp_path / "one"
    folder.mkdir()
    assert RegistryKey([*WINDOWS, "--sandbox"], registry, folder).register() is True
    assert RegistryKey(WINDOWS, registry, tmp_path).register() is False
    folder.rmdir()
    assert RegistryKey(WINDOWS, registry, tmp_path).register() is True
    assert RegistryKey(WINDOWS, registry).register() is True
    assert registry.values["user", KEY, "DataDir"] == ""
    assert RegistryKey(WINDOWS, registry, tmp_path).register() is False


def test_a_locked_registry_is_named() -> None:
    registry = Registry()
    registry.locked = True
    with pytest.raises(InvalidInput, match="Access is denied"):
        RegistryKey(WINDOWS, registry).register()
