"""SMTP connections kept for a moment after a message, so that the next one needs no new sign-in."""

import contextlib
import smtplib
import threading
import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

IDLE_S: Final = 30.0
"""How long a connection is kept without use, in seconds; servers end idle ones after five minutes or less."""
_GOODBYE_S: Final = 2.0
"""How long a server may take to say goodbye, in seconds."""

L = TypeVar("L", bound=smtplib.SMTP)


class SmtpPool(Generic[L]):
    """Signed-in connections without work, at most one for each key. Safe from any thread.

    `idle_s`: how long they are kept, in seconds; 0 keeps none. A key names the server and the sign-in the
    connection was made with, and is forgotten with it.
    One thread ends those that are not used again in time. It is there while a connection is kept; taken ones
    it notices when their time would have come, as waking it for each message costs more than that.
    """

    def __init__(self, idle_s: float = IDLE_S, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._idle_s = idle_s
        self._monotonic = monotonic
        self._kept: dict[Hashable, tuple[L, float]] = {}
        self._changed = threading.Condition()
        self._keeper: threading.Thread | None = None
        self._closed = False

    @property
    def keeps_any(self) -> bool:
        """Whether a connection is kept."""
        return bool(self._kept)

    def take(self, key: Hashable) -> L | None:
        """The connection kept for this key, if any; whether it still lives is for the caller to ask."""
        with self._changed:
            line, _ = self._kept.pop(key, (None, 0.0))
        return line

    def give(self, key: Hashable, line: L) -> None:
        """Keep a connection that has done its work, or end it when there is one already."""
        with self._changed:
            keep = self._idle_s > 0 and not self._closed and key not in self._kept
            if keep:
                self._kept[key] = (line, self._monotonic() + self._idle_s)
                if self._keeper is None:
                    self._keeper = threading.Thread(target=self._end_idle, name="mail-idle", daemon=True)
                    self._keeper.start()
        if not keep:
            say_goodbye(line)

    def close(self) -> None:
        """End all connections and keep no more. Safe from any thread, more than once."""
        with self._changed:
            self._closed = True
            lines = [line for line, _ in self._kept.values()]
            self._kept.clear()
            keeper = self._keeper
            self._changed.notify()
        for line in lines:
            line.close()
        if keeper is not None:
            keeper.join()

    def _end_idle(self) -> None:
        while True:
            with self._changed:
                if not self._kept:
                    self._keeper = None
                    return
                key, (line, until) = next(iter(self._kept.items()))
                wait_s = until - self._monotonic()
                if wait_s > 0:
                    self._changed.wait(wait_s)
                    continue
                del self._kept[key]
            say_goodbye(line)


def say_goodbye(line: smtplib.SMTP) -> None:
    """End a connection as a client should (RFC 5321 §4.1.1.10), without waiting long. Never raises."""
    with contextlib.suppress(OSError, smtplib.SMTPException, ValueError):
        if line.sock is not None:
            line.sock.settimeout(_GOODBYE_S)
            line.quit()
    with contextlib.suppress(OSError):
        line.close()
