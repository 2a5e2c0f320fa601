"""Runs something when it wants to be run, so that an idle engine sleeps."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

from reply_desktop.engine.sweeps import Repeating
from reply_desktop.services.ports import Clock

SOON_S: Final = 0.1
"""Until the next tick when there may be something to do, in seconds."""
IDLE_S: Final = 15.0
"""Longest wait, in seconds: clocks are changed and computers sleep without a word."""


class Ticking:
    """Ticks when there is reason to. `tick` gives when it wants to tick again, if it knows."""

    def __init__(
        self, tick: Callable[[], datetime | None], clock: Clock, scheduler: Repeating, job: str
    ) -> None:
        self._tick = tick
        self._clock = clock
        self._scheduler = scheduler
        self._job = job
        self._wait_s = 0.0
        self._called = False
        self._lock = threading.Lock()

    def soon(self) -> None:
        """There may be something to do."""
        with self._lock:
            self._called = True
            self._wait(SOON_S)

    def _run(self) -> None:
        with self._lock:
            self._called = False
        at = None
        try:
            at = self._tick()
        finally:
            with self._lock:
                # Called meanwhile: what the tick saw may be of before.
                self._wait(SOON_S if self._called else self._until(at))

    def _until(self, at: datetime | None) -> float:
        left_s = IDLE_S if at is None else (at - self._clock.now()).total_seconds()
        return min(max(left_s, SOON_S), IDLE_S)

    def _wait(self, seconds: float) -> None:
        if seconds != self._wait_s:
            self._wait_s = seconds
            self._scheduler.every(seconds, self._run, self._job)
