"""Tells fronts the counts after changes, gathered: many changes in a moment make one summary."""

import threading
from collections.abc import Callable

from reply_desktop.domain import events
from reply_desktop.services.bus import Bus
from reply_desktop.services.queries import Queries

GATHER_S = 0.05
"""How long changes are gathered before the counts are read once, in seconds."""

_COUNTED = (
    events.AccountChanged,
    events.AccountRemoved,
    events.AppFaultOpened,
    events.AppFaultClosed,
    events.NotificationRaised,
    events.NotificationWithdrawn,
)


class SummaryFeed:
    """Publishes SummaryChanged at most once every GATHER_S.

    `later(seconds, run)` runs a callable once, after that time, on another thread.
    """

    def __init__(
        self, queries: Queries, bus: Bus, later: Callable[[float, Callable[[], None]], None]
    ) -> None:
        self._queries = queries
        self._bus = bus
        self._later = later
        self._pending = False
        self._closed = False
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        bus.listen(self._on_event)

    def touch(self) -> None:
        """Something counted has changed."""
        with self._lock:
            if self._pending:
                return
            self._pending = True
        self._later(GATHER_S, self._tell)

    def close(self) -> None:
        """Say nothing more; waits for a summary being read."""
        with self._telling:
            self._closed = True

    def _on_event(self, event: events.Event) -> None:
        if isinstance(event, events.AccountChanged) and event.before is not None:
            before, after = event.before, event.after
            if (before.state, before.cause) == (after.state, after.cause):
                return
        if isinstance(event, _COUNTED):
            self.touch()

    def _tell(self) -> None:
        with self._lock:
            self._pending = False
        with self._telling:
            summary = None if self._closed else self._queries.summary()
        if summary is not None:
            self._bus.publish([events.SummaryChanged(summary)])
