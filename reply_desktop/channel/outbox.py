"""What waits to be sent over one wire: never makes its caller wait, and never grows without bound."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Final

from reply_desktop.channel.wire import Wire

_log = logging.getLogger(__name__)

GATHER_S: Final = 0.016
"""Least time between two sendings of gathered items, in seconds: one frame of a screen."""
MOST_BYTES: Final = 64 * 1024 * 1024
MOST_FRAMES: Final = 1000

_Batch = dict[Hashable, object]


class Outbox:
    """Sends frames in order, at once where the other end reads, else from a thread of its own.

    Replies go ahead of events. Gathered items are kept by key, the latest wins, and take their turn among
    the events: whatever is put after an item is sent after it. An end that does not read lets items pile up
    by key only; once other frames pile up past a limit, `overflow` is called and the wire aborted.
    """

    def __init__(
        self,
        wire: Wire,
        name: str,
        *,
        write: Callable[[Iterable[object]], Iterable[bytes]] = lambda items: (),
        overflow: Callable[[], None] = lambda: None,
        most_bytes: int = MOST_BYTES,
        most_frames: int = MOST_FRAMES,
    ) -> None:
        self._wire = wire
        self._name = name
        self._write = write
        self._overflow = overflow
        self._most_bytes = most_bytes
        self._most_frames = most_frames
        self._changed = threading.Condition(threading.Lock())
        self._rest = memoryview(b"")
        self._replies: deque[bytes] = deque()
        self._events: deque[bytes | _Batch] = deque()
        self._where: dict[Hashable, _Batch] = {}
        self._bytes = 0
        self._frames = 0
        self._sending = False
        self._closing = False
        self._dead = False
        self._gathered_at = -GATHER_S
        self._thread: threading.Thread | None = None

    def reply(self, frame: bytes) -> None:
        """Send this before any event that waits."""
        self._put(frame, self._replies)

    def event(self, frame: bytes) -> None:
        """Send this after all events and items put before."""
        self._put(frame, self._events)

    def gather(
        self, key: Hashable, item: object, *, better: Callable[[object, object], bool] | None = None
    ) -> None:
        """Send this item, with others, within GATHER_S; only the latest of a key is sent.

        `better(item, waiting)` False keeps the waiting one.
        """
        with self._changed:
            if self._closing or self._dead:
                return
            batch = self._where.get(key)
            if batch is not None:
                if better is not None and not better(item, batch[key]):
                    return
                del batch[key]
            last = self._events[-1] if self._events else None
            if not isinstance(last, dict):
                last = {}
                self._events.append(last)
            last[key] = item
            self._where[key] = last
            self._wake()

    def close(self, flush_s: float = 0.0) -> None:
        """Send what waits, for at most so long, then abort the wire and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._dead or self._is_empty(), flush_s)
            self._die()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _put(self, frame: bytes, queue: "deque[bytes] | deque[bytes | _Batch]") -> None:
        with self._changed:
            if self._closing or self._dead:
                return
            if self._is_empty():
                try:
                    self._rest = self._wire.try_send(frame)
                except OSError:
                    self._die()
                if self._rest:
                    self._wake()
                return
            queue.append(frame)
            self._frames += 1
            self._bytes += len(frame)
            if self._bytes <= self._most_bytes and self._frames <= self._most_frames:
                self._wake()
                return
            self._die()
        self._overflow()

    def _is_empty(self) -> bool:
        return not (self._sending or self._rest or self._replies or self._events)

    def _die(self) -> None:
        self._dead = True
        self._rest = memoryview(b"")
        self._replies.clear()
        self._events.clear()
        self._where.clear()
        self._wire.abort()
        self._changed.notify_all()

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._sending = False
                if self._is_empty():
                    self._changed.notify_all()
                taken = self._take()
                if taken is None:
                    return
                self._sending = True
            try:
                if isinstance(taken, memoryview):
                    self._wire.send_rest(taken)
                elif isinstance(taken, dict):
                    for frame in self._write(taken.values()):
                        self._wire.send_bytes(frame)
                else:
                    self._wire.send_bytes(taken)
            except OSError:
                with self._changed:
                    self._die()
            except Exception:
                _log.exception("Events could not be written")

    def _take(self) -> memoryview | bytes | _Batch | None:
        """The next to send, waited for; None when it is all over."""
        while not self._dead:
            if self._rest:
                rest, self._rest = self._rest, memoryview(b"")
                return rest
            if self._replies:
                return self._popped(self._replies.popleft())
            if not self._events:
                self._changed.wait()
                continue
            first = self._events[0]
            if not isinstance(first, dict):
                self._events.popleft()
                return self._popped(first)
            now = time.monotonic()
            ripe_at = self._gathered_at + GATHER_S
            if len(self._events) == 1 and now < ripe_at and not self._closing:
                self._changed.wait(ripe_at - now)
                continue
            self._gathered_at = now
            self._events.popleft()
            for key in first:
                del self._where[key]
            return first
        return None

    def _popped(self, frame: bytes) -> bytes:
        self._frames -= 1
        self._bytes -= len(frame)
        return frame
