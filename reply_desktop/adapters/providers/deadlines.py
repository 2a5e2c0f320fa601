"""Cuts conversations with mail servers off that last too long, or when the app ends."""

import contextlib
import math
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from reply_desktop.domain.answers import Fault

_LOOK_S: Final = 30.0
"""Longest time between two looks at what is under way, in seconds."""


class Deadline:
    """Cuts a conversation off when it lasts too long: socket time-outs start afresh with every byte."""

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds
        self.fault: Fault | None = None
        self._line: Callable[[], socket.socket | None] = lambda: None
        self._lock = threading.Lock()

    def watch(self, line: Callable[[], socket.socket | None]) -> None:
        """Cut this line when the time comes; `line` gives its present socket."""
        self._line = line

    def cut(self, fault: Fault) -> None:
        """End the conversation now, and say why."""
        with self._lock:
            self.fault = self.fault or fault
            line = self._line()
            if line is not None:
                # Not SSLSocket's own shutdown, which takes its state away under the reading thread.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(line, socket.SHUT_RDWR)


class Deadlines:
    """The conversations under way, and one thread that cuts those off that last too long.

    The thread ends with the last of them, unless `stays()`: more are about to come. Starting one for each
    costs more than writing a message.
    """

    def __init__(self, stays: Callable[[], bool]) -> None:
        self._stays = stays
        self._under_way: set[Deadline] = set()
        self._changed = threading.Condition()
        self._next_look = math.inf
        self._watch: threading.Thread | None = None
        self._closed = False

    def begin(self, seconds: float) -> Deadline | None:
        """A conversation that may last so long; None when no more may begin."""
        deadline = Deadline(seconds)
        with self._changed:
            if self._closed:
                return None
            self._under_way.add(deadline)
            if self._watch is None:
                self._next_look = math.inf
                self._watch = threading.Thread(target=self._run, name="mail-deadline", daemon=True)
                self._watch.start()
            elif deadline.at < self._next_look:
                self._changed.notify_all()
        return deadline

    def end(self, deadline: Deadline) -> None:
        """It is over; once this returns, it is not cut off any more."""
        with self._changed:
            self._under_way.discard(deadline)
            if self._under_way or self._stays():
                return
            watch = self._dismiss()
        if watch is not None:
            watch.join()

    def close(self) -> None:
        """Cut all of them off now, and let no more begin."""
        with self._changed:
            self._closed = True
            for each in self._under_way:
                each.cut(Fault.CLOSED)
            watch = self._dismiss()
        if watch is not None:
            watch.join()

    def _dismiss(self) -> threading.Thread | None:
        watch, self._watch = self._watch, None
        self._changed.notify_all()
        return watch

    def _run(self) -> None:
        with self._changed:
            while self._watch is threading.current_thread():
                now = time.monotonic()
                for each in self._under_way:
                    if each.at <= now:
                        each.cut(Fault.TIMEOUT)
                to_come = [each.at for each in self._under_way if each.at > now]
                self._next_look = min(to_come, default=now + _LOOK_S)
                self._changed.wait(self._next_look - now)
                if not self._under_way and not self._stays():
                    self._watch = None
