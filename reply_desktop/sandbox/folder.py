"""The sandbox's folder: private files written whole or not at all, and the lock of its one owner."""

import os
import sys
from pathlib import Path
from typing import Final

LOCK_FILE: Final = "sandbox.lock"
"""The name of the lock in the sandbox's folder."""


def make_private(folder: Path) -> None:
    """Make the folder, readable by this user alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


class FolderTaken(Exception):
    """Another sandbox runs in this folder."""


class FolderLock:
    """Held by the one sandbox of a folder for its whole life; the system frees it when the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def hold(self) -> None:
        """Take the lock. Raises FolderTaken when another process has it."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            _lock(handle)
        except OSError:
            os.close(handle)
            raise FolderTaken(f"A sandbox already runs in {self._path.parent}") from None
        self._handle = handle

    def free(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
