"""What surrounds the program: the lock, the package list, the desktop entry, the commands that are promised."""

import configparser
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROMISED = ("run", "test", "check", "screenshots", "build", "bench", "lock")


def normal(name: str) -> str:
    """The name as indexes compare it (PEP 503), without version, extras and markers."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", name, maxsplit=1)[0]).lower()


@pytest.mark.parametrize("lock", ["requirements.lock", "scripts/tools.lock"])
def test_every_pin_of_the_lock_has_a_hash(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pins = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert pins
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_the_lock_names_every_dependency_and_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text()
    pinned = {normal(line) for line in text.splitlines() if re.match(r"[a-z0-9]", line)}
    declared = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    assert {normal(each) for each in declared} - pinned == set(), "make lock"
    assert "://" not in text


def test_the_package_list_is_understood() -> None:
    rows = [
        line.split()
        for line in (ROOT / "scripts" / "packages.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert {len(row) for row in rows} == {2}
    assert {row[0] for row in rows} == {"run", "test", "build"}
    names = [row[1] for row in rows]
    assert len(names) == len(set(names))


def test_every_promised_command_is_there() -> None:
    help_text = (ROOT / "Makefile").read_text()
    listed = re.findall(r"^([a-z]+):.*?## \S", help_text, re.MULTILINE)
    assert set(PROMISED) <= set(listed)
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_desktop_entry_opens_links_and_the_window_alike() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment, method-assign]
    entry.read(ROOT / "resources" / "reply-desktop.desktop")
    main = entry["Desktop Entry"]
    assert main["MimeType"] == "x-scheme-handler/reply-desktop;"
    # Started from a menu there is no link, and the option stays with an empty value.
    assert main["Exec"] == "reply-desktop --open=%u"


@pytest.mark.desktop
def test_the_desktop_entry_is_valid() -> None:
    subprocess.run(["desktop-file-validate", ROOT / "resources" / "reply-desktop.desktop"], check=True)
