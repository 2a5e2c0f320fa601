"""Files of this user alone, written whole or not at all."""

import os
from pathlib import Path


def create_private(path: Path) -> None:
    """Make the empty file, 0600 from its first moment. Raises FileExistsError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def write_private(path: Path, content: str | bytes) -> None:
    """Write the file (text as UTF-8), 0600; after a power cut it holds either what it held or all of this.

    Raises OSError.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        create_private(fresh)
        fresh.write_bytes(content.encode() if isinstance(content, str) else content)
        put_in_place(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def put_in_place(fresh: Path, target: Path) -> None:
    """Replace the target by the fresh file; even a power cut leaves one of them whole."""
    with fresh.open("rb+") as file:
        os.fsync(file.fileno())
    fresh.replace(target)
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
