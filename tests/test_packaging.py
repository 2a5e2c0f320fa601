"""What surrounds the program: the lock, the package list, the desktop entry, the commands that are promised."""

import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtGui import QImage

from reply_desktop import __version__
from reply_desktop.channel.launch import stop_running
from reply_desktop.config import Config
from reply_desktop.sandbox import process
from scripts.package import OPENED

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROMISED = ("run", "test", "check", "screenshots", "build", "package", "bench", "lock")


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


# The package for Debian and Ubuntu. What the frozen app itself does in it is in tests/desktop/test_frozen.py.

PACKER = shutil.which("dpkg-deb")
on_debian = pytest.mark.skipif(
    not (PACKER and shutil.which("objdump")), reason="a .deb is made on Debian or Ubuntu"
)


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stands for the frozen app: a program that needs libraries of the system, and carries one of them."""
    folder = tmp_path_factory.mktemp("frozen") / "reply-desktop"
    (folder / "_internal").mkdir(parents=True)
    assert PACKER
    shutil.copy(PACKER, folder / "reply-desktop")
    needed = subprocess.run(["ldd", PACKER], check=True, capture_output=True, text=True).stdout
    for name, place in re.findall(r"(libz\.\S+) => (\S+)", needed):
        shutil.copy(place, folder / "_internal" / name)
    (folder / "_internal" / "other.txt").write_text("x" * 1025)
    (folder / "_internal" / "link.txt").symlink_to("other.txt")
    return folder


def packed(frozen: Path, folder: Path, umask: int = 0o022) -> Path:
    """The package made from a frozen app; what its files weigh and bear comes from nowhere else."""
    done = subprocess.run(
        [
            sys.executable, ROOT / "scripts" / "package.py",
            "--frozen", frozen, "--to", folder, "--compression", "none",
        ],
        env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}, umask=umask, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [each.name for each in folder.iterdir()] == [Path(done.stdout.strip()).name]
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def package(frozen: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(frozen, tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def unpacked(package: Path) -> Path:
    """Its files, and in `DEBIAN` what dpkg is told of it."""
    folder = package.parent / "unpacked"
    subprocess.run(["dpkg-deb", "--raw-extract", package, folder], check=True)
    return folder


@on_debian
def test_the_package_says_what_it_is_and_needs(package: Path, unpacked: Path) -> None:
    told = dict(
        line.split(": ", 1)
        for line in (unpacked / "DEBIAN" / "control").read_text().splitlines()
        if not line.startswith(" ")
    )
    asked = ["dpkg", "--print-architecture"]
    architecture = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    assert package.name == f"reply-desktop_{__version__}_{architecture}.deb"
    assert (told["Package"], told["Version"], told["Architecture"]) == (
        "reply-desktop",
        __version__,
        architecture,
    )
    assert f"{told['Description']}." == PROJECT["project"]["description"]
    needed = told["Depends"].split(", ")
    assert set(OPENED) <= set(needed)
    # The program's own libraries, without the one that is carried.
    assert {"liblzma5", "libbz2-1.0"} <= set(needed)
    assert "zlib1g" not in needed
    assert [name for name in needed if re.fullmatch(r"libc6 \(>= 2\.\d+\)", name)] != []
    assert (unpacked / "usr/lib/reply-desktop/_internal/licences/zlib1g/copyright").exists()
    entries = [each for each in unpacked.rglob("*") if "DEBIAN" not in each.parts]
    sizes = [each.stat().st_size if each.is_file() and not each.is_symlink() else 1 for each in entries]
    assert int(told["Installed-Size"]) == sum(-(-size // 1024) for size in sizes)


def test_every_package_that_a_run_needs_was_thought_of_for_the_package() -> None:
    rows = (line.split() for line in (ROOT / "scripts" / "packages.txt").read_text().splitlines())
    by_name = {row[1] for row in rows if row and row[0] == "run" and not row[1].startswith("lib")}
    # The time zones are carried; that there is a font is seen to by fontconfig-config.
    assert by_name - set(OPENED) == {"tzdata", "fonts-dejavu-core"}


@on_debian
def test_the_package_brings_the_entry_the_command_and_the_icons(unpacked: Path) -> None:
    share = unpacked / "usr/share"
    resources = ROOT / "resources"
    entry = "reply-desktop.desktop"
    assert (share / "applications" / entry).read_bytes() == (resources / entry).read_bytes()
    program = (unpacked / "usr/bin/reply-desktop").resolve()
    assert program == unpacked / "usr/lib/reply-desktop/reply-desktop"
    assert os.access(program, os.X_OK)
    icons = share / "icons/hicolor"
    drawn = {each.relative_to(icons).parts[0]: QImage(str(each)) for each in icons.rglob("reply-desktop.png")}
    assert drawn.keys() >= {f"{side}x{side}" for side in (16, 24, 32, 48, 64, 128, 256)}
    assert {name: f"{image.width()}x{image.height()}" for name, image in drawn.items()} == {
        name: name for name in drawn
    }
    assert all(image.pixelColor(image.rect().center()).alpha() == 255 for image in drawn.values())
    drawing = icons / "scalable/apps/reply-desktop.svg"
    assert drawing.read_bytes() == (resources / "icons" / "app.svg").read_bytes()


@on_debian
def test_the_package_is_told_to_software_centres_as_the_menu_tells_it(unpacked: Path) -> None:
    (file,) = (unpacked / "usr/share/metainfo").iterdir()
    told = ElementTree.parse(file).getroot()
    assert file.name == f"{told.findtext('id')}.metainfo.xml"
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(unpacked / "usr/share/applications" / (told.findtext("launchable") or ""))
    shown = entry["Desktop Entry"]
    assert (told.findtext("name"), told.findtext("summary")) == (shown["Name"], shown["Comment"])
    assert f"{told.findtext('provides/mediatype')};" == shown["MimeType"]
    assert told.findtext("developer_name") == PROJECT["project"]["authors"][0]["name"]
    assert told.findtext("project_license") == PROJECT["project"]["license"]
    assert [each.attrib for each in told.iter("release")] == [{"version": __version__, "date": "2023-11-14"}]


@on_debian
@pytest.mark.desktop
def test_the_package_is_valid_for_software_centres(unpacked: Path) -> None:
    done = subprocess.run(
        ["appstreamcli", "validate-tree", "--no-net", unpacked], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@on_debian
def test_the_package_is_the_same_bytes_wherever_it_is_made(
    frozen: Path, package: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "elsewhere"
    # Without the dates of the files.
    shutil.copytree(frozen, copied, symlinks=True, copy_function=shutil.copy)
    (tmp_path / "to").mkdir()
    assert packed(copied, tmp_path / "to", umask=0o077).read_bytes() == package.read_bytes()


@on_debian
def test_the_files_of_the_package_are_the_systems_and_can_be_verified(package: Path, unpacked: Path) -> None:
    listed = subprocess.run(["dpkg-deb", "--contents", package], check=True, capture_output=True, text=True)
    assert {tuple(line.split()[:2]) for line in listed.stdout.splitlines()} == {
        ("drwxr-xr-x", "root/root"),
        ("-rwxr-xr-x", "root/root"),
        ("-rw-r--r--", "root/root"),
        ("lrwxrwxrwx", "root/root"),
    }
    assert set((unpacked / "DEBIAN" / "md5sums").read_text().splitlines()) == {
        f"{hashlib.md5(each.read_bytes()).hexdigest()}  {each.relative_to(unpacked)}"
        for each in unpacked.rglob("*")
        if each.is_file() and not each.is_symlink() and "DEBIAN" not in each.parts
    }


@on_debian
def test_what_the_system_does_not_have_is_named(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    assert PACKER
    program = tmp_path / "app" / "reply-desktop"
    # One byte of a library's name is another.
    program.write_bytes(Path(PACKER).read_bytes().replace(b"\0libbz2.so", b"\0libbz0.so"))
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "package.py", "--frozen", program.parent, "--to", tmp_path / "to"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "The app needs libbz0.so" in done.stderr
    assert list((tmp_path / "to").iterdir()) == []


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
