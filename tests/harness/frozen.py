"""The frozen app: built from the sources as they are, and its processes looked at from outside."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("build.spec", "pyproject.toml", "requirements.lock", "reply_desktop", "resources")
BAKED = {
    "google": {"client_id": "baked.apps.googleusercontent.com", "client_secret": "baked-secret"},
    "microsoft": {"client_id": "baked-microsoft"},
}
"""The client ids of a company that the build carries."""


def build(target: Path) -> Path:
    """Freeze the app with the client ids above, put a copy into `target` and give its program."""
    shutil.copytree(freeze(), target, symlinks=True)
    return target / "reply-desktop"


def freeze() -> Path:
    """Freeze the app with those ids in the folder `build`, where it serves again while the sources stay the same."""
    work = ROOT / "build" / "frozen"
    stamp, wanted = work / "sources", fingerprint()
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        baked = work / "baked.json"
        baked.write_text(json.dumps(BAKED))
        done = subprocess.run(
            [
                sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR",
                "--workpath", work / "work", "--distpath", work / "dist", ROOT / "build.spec",
            ],
            cwd=ROOT, env=os.environ | {"REPLY_DESKTOP_BAKED": str(baked)}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-4000:]
        # Also while it was built somebody may have changed them.
        stamp.write_text(wanted if fingerprint() == wanted else "")
    return work / "dist" / "reply-desktop"


def pack(frozen: Path, folder: Path) -> Path:
    """The Debian package of the frozen app in `frozen`, made in `folder` without the time compressing takes."""
    done = subprocess.run(
        [
            sys.executable, ROOT / "scripts" / "package.py",
            "--frozen", frozen, "--to", folder, "--compression", "none",
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def fingerprint() -> str:
    """What the sources are like now."""
    found = hashlib.sha256()
    for path in sorted(_files()):
        found.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _files() -> Iterator[Path]:
    for name in SOURCES:
        path = ROOT / name
        if path.is_file():
            yield path
        else:
            yield from (each for each in path.rglob("*") if each.is_file() and each.suffix != ".pyc")


@dataclass(frozen=True)
class Process:
    """A running process of the program."""

    id: int
    words: list[str]
    mapped: set[str] = field(repr=False)

    @property
    def is_window(self) -> bool:
        return not self.is_engine and not self.is_sandbox

    @property
    def is_engine(self) -> bool:
        return "worker" in self.words

    @property
    def is_sandbox(self) -> bool:
        return "sandbox-process" in self.words


def processes(program: Path, data: Path) -> list[Process]:
    """Every process that runs this program now on this data folder; `mapped` are the files in its memory."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "exe").readlink() != program:
                continue
            words = (folder / "cmdline").read_bytes().decode().split("\0")[1:-1]
            lines = (folder / "maps").read_text().splitlines()
        except OSError:
            continue
        if not any(word == str(data) or word.startswith(f"{data}/") for word in words):
            continue
        mapped = {fields[5] for fields in (line.split(maxsplit=5) for line in lines) if len(fields) == 6}
        found.append(Process(int(folder.name), words, {each for each in mapped if each.startswith("/")}))
    return found


if __name__ == "__main__":
    freeze()
