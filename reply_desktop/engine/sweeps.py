"""Decides when to look for due accounts: when the next one is due, so that an idle engine sleeps."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

from reply_desktop.domain import events
from reply_desktop.services.ports import Clock, Store

SOON_S: Final = 0.1
"""Until the next look when something was or became due, in seconds: there may be more than fitted."""
BUSY_S: Final = 1.0
"""Shortest wait otherwise, in seconds: an account being asked stays due until it has answered."""
IDLE_S: Final = 15.0
"""Longest wait, in seconds: a proof grows stale by time alone, which no index tells."""

_JOB: Final = "sweep"


class Repeating(Protocol):
    """Runs a job every so often; the same name again replaces it."""

    def every(self, seconds: float, run: Callable[[], None], name: str) -> None: ...


class Sweeps:
    """Sweeps as often as there is reason to. `sweep` asks what is due and gives how many that were."""

    def __init__(self, sweep: Callable[[], int], store: Store, clock: Clock, scheduler: Repeating) -> None:
        self._sweep = sweep
        self._store = store
        self._clock = clock
        self._scheduler = scheduler
        self._wait_s = 0.0
        self._look_at: datetime | None = None
        self._called = False
        self._lock = threading.Lock()

    def soon(self) -> None:
        """Something became due."""
        with self._lock:
            self._called = True
            self._wait(SOON_S)

    def on_event(self, event: events.Event) -> None:
        """Listens to the bus for accounts that are due before the next look."""
        if isinstance(event, events.AccountChanged):
            due_at, look_at = event.after.next_check_at, self._look_at
            if due_at is not None and look_at is not None and due_at < look_at:
                self.soon()

    def _run(self) -> None:
        with self._lock:
            self._called = False
        asked = self._sweep()
        with self._store.read() as unit:
            due_at = unit.accounts.next_due_at()
        with self._lock:
            # Called meanwhile: what was read of the next one may be of before.
            self._wait(SOON_S if asked or self._called else self._until(due_at))

    def _until(self, due_at: datetime | None) -> float:
        left_s = IDLE_S if due_at is None else (due_at - self._clock.now()).total_seconds()
        return min(max(left_s, BUSY_S), IDLE_S)

    def _wait(self, seconds: float) -> None:
        self._look_at = self._clock.now() + timedelta(seconds=seconds)
        if seconds != self._wait_s:
            self._wait_s = seconds
            self._scheduler.every(seconds, self._run, _JOB)
