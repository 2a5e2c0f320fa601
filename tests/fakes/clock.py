"""A clock that stands still until it is told to move; it fits the port `services.ports.Clock`."""

import threading
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday morning."""


class FakeClock:
    """Time for tests; safe to read and to move from several threads."""

    def __init__(self, now: datetime = START) -> None:
        assert now.tzinfo is not None, "a time without zone is no time"
        self._lock = threading.Lock()
        self._now = now.astimezone(UTC)
        self._monotonic = 1_000.0

    def now(self) -> datetime:
        """Aware UTC."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Seconds since some moment before the test."""
        with self._lock:
            return self._monotonic

    def advance(self, by: timedelta | float) -> None:
        """Time passes, by a timedelta or by seconds; never backwards."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        assert step >= timedelta(0), "time passes forwards; use set_wall for a clock that was put back"
        with self._lock:
            self._now += step
            self._monotonic += step.total_seconds()

    def set_wall(self, now: datetime) -> None:
        """Somebody changes the computer's clock: the wall time jumps, the monotonic time does not."""
        assert now.tzinfo is not None, "a time without zone is no time"
        with self._lock:
            self._now = now.astimezone(UTC)

    def sleep_of_computer(self, by: timedelta) -> None:
        """The lid was closed: the wall time went on, the monotonic time of Linux stood still."""
        with self._lock:
            self._now += by
