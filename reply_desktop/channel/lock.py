"""One engine per data folder: an operating system lock, held for the engine's life. No time-outs, no guesses.

The lock ends with the process that holds it, however it ends. The file stays: removing it would let two
engines each hold a lock on a file of that name. Its text is the owner's pid, for people to read.
"""

import os
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from reply_desktop.domain.errors import EngineUnavailable

_TRIES: Final = 25
_PAUSE_S: Final = 0.01
_LOCKED_BYTE: Final = 1 << 30  # far behind the text: a Windows lock keeps others from reading its bytes


class EngineLock:
    """The right to be the engine of a data folder. Not held until `hold` is called; not for many threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._file is not None

    def hold(self) -> None:
        """Take the lock and keep it until `release` or the end of the process.

        Raises EngineUnavailable naming the owner when another process (or object) holds it, or when the
        folder cannot be locked at all.
        """
        if self._file is not None:
            return
        try:
            file = _open(self._path)
        except OSError as error:
            raise EngineUnavailable(
                f"{self._path} cannot be opened: {error.strerror}.", "Check who owns the data folder."
            ) from error
        try:
            if not _take_patiently(file):
                raise EngineUnavailable(
                    f"The engine of {self._path.parent} is running already (process {owner(self._path)}).",
                    "Use that one, or quit it first.",
                )
            os.ftruncate(file, 0)
            os.write(file, f"{os.getpid()}\n".encode())
        except BaseException:
            os.close(file)
            raise
        self._file = file

    def release(self) -> None:
        """Give the lock up; the next engine may start."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """Whether some engine holds the lock just now. False when the file is not there or cannot be opened."""
    try:
        file = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return False
    try:
        return not _take(file, shared=True)
    finally:
        os.close(file)


def owner(path: Path) -> str:
    """The pid of the engine that last took the lock, as text; "unknown" when nobody says."""
    try:
        return path.read_text(encoding="ascii").strip() or "unknown"
    except (OSError, ValueError):
        return "unknown"


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)


def _take_patiently(file: int) -> bool:
    """Whoever asks `is_held` has a lock of its own for some microseconds; that is no other engine."""
    never = threading.Event()
    for _ in range(_TRIES):
        if _take(file):
            return True
        never.wait(_PAUSE_S)
    return _take(file)


if sys.platform == "win32":
    import msvcrt

    def _take(file: int, *, shared: bool = False) -> bool:
        os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _take(file: int, *, shared: bool = False) -> bool:
        """`flock` and not `lockf`: a POSIX lock is lost when anybody in the process closes the same file."""
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise EngineUnavailable(
                f"The data folder cannot be locked: {error.strerror}.",
                "Keep it on a disk of this computer.",
            ) from error
        return True
