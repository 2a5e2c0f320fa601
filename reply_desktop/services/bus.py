"""Carries past facts from services to listeners, in order: queued, never nested."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable

from reply_desktop.domain.events import Event

_log = logging.getLogger(__name__)

Listener = Callable[[Event], None]


class Bus:
    """Delivers each event to every listener before the next event, breadth-first.

    Whoever publishes while nobody delivers becomes the one who delivers; others only queue. So listeners
    run one at a time, on some publisher's thread, and must be quick. A listener's fault is logged and does
    not stop the others.
    """

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._queue: deque[Event] = deque()
        self._delivering = False
        self._lock = threading.Lock()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; the callable returned takes it away again."""
        self._listeners = [*self._listeners, listener]

        def leave() -> None:
            self._listeners = [one for one in self._listeners if one is not listener]

        return leave

    def publish(self, events: Iterable[Event]) -> None:
        """Deliver these events, after all that were published before."""
        with self._lock:
            self._queue.extend(events)
            if self._delivering:
                return
            self._delivering = True
        while True:
            with self._lock:
                if not self._queue:
                    self._delivering = False
                    return
                event = self._queue.popleft()
            for listener in self._listeners:
                try:
                    listener(event)
                except Exception:
                    _log.exception("A listener failed on %s", type(event).__name__)
