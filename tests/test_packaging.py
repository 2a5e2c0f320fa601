"""What surrounds the program: the lock, the package list, the desktop entry, the commands that are promised."""

import configparser
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reply_desktop import __version__
from reply_desktop.channel.launch import stop_running
from reply_desktop.config import Config
from reply_desktop.sandbox import process

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


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel, built from the sources as they are, was unpacked as an installation does it."""
    folder = tmp_path_factory.mktemp("wheel")
    building = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(building, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


def shipped(folder: Path) -> set[str]:
    """The files of a folder that belong to the app, relative to it."""
    found = (each.relative_to(folder) for each in folder.rglob("*") if each.is_file())
    return {str(each) for each in found if "__pycache__" not in each.parts and not each.name.startswith(".")}


def test_the_wheel_holds_the_whole_package_and_its_resources(installed: Path) -> None:
    assert shipped(installed / "reply_desktop" / "_resources") == shipped(ROOT / "resources")
    inside = {name for name in shipped(installed / "reply_desktop") if not name.startswith("_resources")}
    assert inside == shipped(ROOT / "reply_desktop")
    entries = configparser.ConfigParser()
    (described,) = installed.glob("*.dist-info")
    entries.read(described / "entry_points.txt")
    assert entries["console_scripts"]["reply-desktop"] == "reply_desktop.__main__:main"
    assert entries["gui_scripts"]["reply-desktop-window"] == "reply_desktop.__main__:main"


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose engine and sandbox end with the test."""
    folder = tmp_path / "data"
    yield folder
    config = Config(folder, sandbox=True)
    stop_running(config)
    process.stop(config.sandbox_dir)


@pytest.mark.slow
def test_the_wheel_runs_by_itself(installed: Path, data: Path, tmp_path: Path) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a passphrase of some length")
    passphrase.chmod(0o600)
    # It comes before the checkout, of which only the libraries are left.
    env = os.environ | {"PYTHONPATH": str(installed), "REPLY_DESKTOP_PASSPHRASE_FILE": str(passphrase)}

    def run(*words: str) -> str:
        command = [sys.executable, "-P", *words]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    app = ("-m", "reply_desktop")
    assert run(*app, "--version") == f"reply-desktop {__version__}\n"
    found = run("-c", "from reply_desktop.ui.resources import resource; print(resource('icons/app.svg'))")
    assert found.strip() == str(installed / "reply_desktop" / "_resources" / "icons" / "app.svg")
    # The stand-ins' pages, the database's steps and both other processes come from the wheel.
    listed = json.loads(run(*app, "--sandbox", "--data-dir", str(data), "accounts", "list", "--json"))
    assert [each["color"] for each in listed["accounts"]] == ["green"] * 5
