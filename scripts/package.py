"""Packs the frozen app as dist/reply-desktop_VERSION_ARCHITECTURE.deb, by Debian's dpkg-deb: `make package`.

    .venv/bin/python scripts/package.py [--frozen FOLDER] [--to FOLDER] [--compression xz|none]

The same frozen app gives the same bytes. Files bear the date of SOURCE_DATE_EPOCH, else of the last commit.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME, VERSION = PROJECT["name"], PROJECT["version"]
COMPONENT = "org.reply_desktop.ReplyDesktop"
PROGRAM = f"usr/lib/{NAME}"
SHARED = f"usr/share/doc/{NAME}"

# What the frozen app opens by its name, so that no library tells of it.
OPENED = (
    "ca-certificates",
    # Makes the entry known as what opens links, and forgets it when it is removed.
    "desktop-file-utils",
    # Asks for a font, too.
    "fontconfig-config",
    "libx11-data",
    "xdg-utils",
)
CONTROL = """Package: {name}
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: {depends}
Section: mail
Priority: optional
Description: {description}
 It shows a table of your email accounts whose colours are proven by the
 provider itself, alerts you when one is lost, and mends it with one click.
 Your sequences go on from the accounts that still work.
"""


def run(*command: str | Path) -> str:
    """What a command prints; the end of this one when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} could not do its part, as told above.")
    return done.stdout


def date() -> int:
    """Seconds since 1970 that every file of the package bears."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    if (ROOT / ".git").exists():
        return int(run("git", "-C", ROOT, "log", "-1", "--format=%ct"))
    return int((ROOT / "pyproject.toml").stat().st_mtime)


def owners(paths: Iterable[Path]) -> dict[str, str]:
    """Name of a file → the installed Debian package that it is from; none for those that belong to none."""
    # Since /lib is a link to /usr/lib, a file may be known under either name.
    asked = [each for path in paths for each in (str(path), str(path).removeprefix("/usr"))]
    found = subprocess.run(["dpkg-query", "-S", *asked], capture_output=True, text=True, check=False).stdout
    owned = re.findall(r"^([a-z0-9+.-]+)\S*(?:, \S+)*: (/.*)$", found, re.MULTILINE)
    return {Path(place).name: package for package, place in owned}


def libraries(frozen: Path) -> tuple[list[str], set[Path]]:
    """(packages that have what the frozen app asks of the system, the system's libraries that it carries)."""
    files = [path for path in frozen.rglob("*") if path.is_file()]
    programs = [path for path in files if path.open("rb").read(4) == b"\x7fELF"]
    told = run("objdump", "-p", *programs) if programs else ""
    listed = re.findall(r"^\s*(\S+) .*=> (\S+)$", run("/sbin/ldconfig", "-p"), re.MULTILINE)
    # Those of this architecture come first.
    known = {name: Path(place) for name, place in reversed(listed)}
    carried = {path.name for path in files}
    asked = set(re.findall(r"^ +NEEDED +(\S+)$", told, re.MULTILINE)) - carried
    owned = owners(known[name].resolve() for name in asked & known.keys())
    missing = sorted(name for name in asked if name not in known or known[name].resolve().name not in owned)
    if missing:
        raise SystemExit(
            f"The app needs {', '.join(missing)}, which no package installed here has. Install that package,"
            " and name it in scripts/packages.txt."
        )
    packages = dict.fromkeys(owned.values(), "")
    versions = [tuple(map(int, each.split("."))) for each in re.findall(r"\bGLIBC_([\d.]+)", told)]
    if versions:
        packages["libc6"] = f" (>= {'.'.join(map(str, max(versions)))})"
    depends = [name + least for name, least in packages.items()]
    return depends, {known[each] for each in carried & known.keys()}


def write(file: Path, content: str | bytes) -> None:
    """A file of the package, in the folders it needs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def icons(folder: Path) -> None:
    """The app's own mark, in the sizes it has itself, and to any."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtGui import QGuiApplication

    from reply_desktop.ui.icons import app_icon

    application = QGuiApplication([])
    icon = app_icon()
    for size in icon.availableSizes():
        file = folder / f"{size.width()}x{size.height()}" / "apps" / f"{NAME}.png"
        file.parent.mkdir(parents=True)
        icon.pixmap(size).save(str(file))
    application.shutdown()
    drawing = (ROOT / "resources" / "icons" / "app.svg").read_bytes()
    write(folder / "scalable" / "apps" / f"{NAME}.svg", drawing)


def copyright_file() -> str:
    """Whose it is (Debian's machine-readable format 1.0)."""
    title, _, text = (ROOT / "LICENSE").read_text(encoding="utf-8").partition("\n\n")
    holder, _, terms = text.partition("\n\n")
    lines = "".join(f" {line or '.'}\n" for line in terms.strip().splitlines())
    return Template((ROOT / "packaging" / "copyright").read_text(encoding="utf-8")).substitute(
        holder=holder.removeprefix("Copyright (c) "), terms=lines, licence=title
    )


def furnish(stage: Path, frozen: Path, day: int) -> list[str]:
    """Put every file where it will be installed; the packages that they need."""
    shutil.copytree(frozen, stage / PROGRAM, symlinks=True)
    (stage / "usr/bin").mkdir()
    (stage / "usr/bin" / NAME).symlink_to(f"../lib/{NAME}/{NAME}")
    share = stage / "usr/share"
    write(share / "applications" / f"{NAME}.desktop", (ROOT / "resources" / f"{NAME}.desktop").read_bytes())
    icons(share / "icons/hicolor")
    told = Template((ROOT / "packaging" / "metainfo.xml").read_text(encoding="utf-8"))
    when = datetime.fromtimestamp(day, UTC).date().isoformat()
    write(share / f"metainfo/{COMPONENT}.metainfo.xml", told.substitute(version=VERSION, date=when))
    write(stage / SHARED / "copyright", copyright_file())
    changes = (ROOT / "CHANGELOG.md").read_bytes()
    write(stage / SHARED / "changelog.gz", gzip.compress(changes, mtime=0))
    needed, carried = libraries(frozen)
    for package in sorted(set(owners(place.resolve() for place in carried).values())):
        licence = Path("/usr/share/doc", package, "copyright")
        if licence.exists():
            write(stage / PROGRAM / "_internal/licences" / package / "copyright", licence.read_bytes())
    return [*needed, *OPENED]


def describe(stage: Path, depends: Iterable[str]) -> None:
    """Write what dpkg goes by: the control file, and the sums that `dpkg --verify` compares."""
    inside = sorted(stage.rglob("*"))
    files = [path for path in inside if path.is_file() and not path.is_symlink()]
    # As dpkg-gencontrol counts: kibibytes begun, and one for whatever is no file (deb-substvars(5)).
    size = sum(-(-path.stat().st_size // 1024) for path in files) + len(inside) - len(files)
    sums = "".join(
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(stage)}\n"
        for path in files
    )
    control = CONTROL.format(
        name=NAME,
        version=VERSION,
        architecture=run("dpkg", "--print-architecture").strip(),
        maintainer=PROJECT["authors"][0]["name"],
        size=size,
        depends=", ".join(sorted(set(depends))),
        description=PROJECT["description"].rstrip("."),
    )
    write(stage / "DEBIAN/control", control)
    write(stage / "DEBIAN/md5sums", sums)


def smooth(stage: Path, day: int) -> None:
    """Give every file the rights and the date it has wherever it is made."""
    for path in (stage, *stage.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    for path in (*stage.rglob("*"), stage):
        os.utime(path, (day, day), follow_symlinks=False)


def main() -> None:
    """Make the package and print where it is."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--frozen", type=Path, default=ROOT / "dist" / NAME)
    options.add_argument("--to", type=Path, default=ROOT / "dist")
    options.add_argument("--compression", choices=("xz", "none"), default="xz")
    chosen = options.parse_args()
    if not shutil.which("dpkg-deb"):
        raise SystemExit("There is no dpkg-deb here: a .deb is made on Debian or Ubuntu.")
    if not (chosen.frozen / NAME).exists():
        raise SystemExit(f"{chosen.frozen} is not the frozen app, which make build makes.")
    sys.path.insert(0, str(ROOT))
    day = date()
    os.environ["SOURCE_DATE_EPOCH"] = str(day)
    chosen.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=chosen.to, prefix=".package-") as folder:
        stage = Path(folder) / "stage"
        depends = furnish(stage, chosen.frozen, day)
        describe(stage, depends)
        smooth(stage, day)
        building = ("dpkg-deb", "--root-owner-group", f"-Z{chosen.compression}", "--build", stage)
        made = run(*building, chosen.to).rsplit("'", 2)[-2]
    print(made)


if __name__ == "__main__":
    main()
