"""Decides when the sender looks for mail that may leave: when the next may, so that an idle engine sleeps."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

from reply_desktop.domain import events
from reply_desktop.domain.account import Account
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.domain.states import CAN_SEND
from reply_desktop.engine.sweeps import Repeating
from reply_desktop.services.ports import Clock

SOON_S: Final = 0.1
"""Until the next look when something may leave, in seconds."""
IDLE_S: Final = 15.0
"""Longest wait, in seconds: clocks are changed and computers sleep without a word."""

_JOB: Final = "dispatch"


class Dispatches:
    """Ticks the sender when there is reason to. `tick` gives when it wants to look again, if it knows.

    `wake` forgets what the sender believes about when to look: something changed from outside.
    """

    def __init__(
        self,
        tick: Callable[[], datetime | None],
        wake: Callable[[], None],
        clock: Clock,
        scheduler: Repeating,
    ) -> None:
        self._tick = tick
        self._wake = wake
        self._clock = clock
        self._scheduler = scheduler
        self._wait_s = 0.0
        self._called = False
        self._seen: dict[str, object] = {}
        self._lock = threading.Lock()

    def soon(self) -> None:
        """Mail may be able to leave."""
        with self._lock:
            self._called = True
            self._wait(SOON_S)

    def changed(self) -> None:
        """Something the sender does not know of may have changed when mail can leave."""
        self._wake()
        self.soon()

    def on_event(self, event: events.Event) -> None:
        """Listens to the bus for what lets mail leave: accounts, launches, imports, sending let go on."""
        match event:
            case events.AccountChanged(before=before, after=after):
                if before is None or _send_as(before) != _send_as(after):
                    self.soon()
            case events.AccountRemoved() | events.SendingPaused():
                self.changed()
            case events.ImportProgress(report=report) if report is not None:
                self.changed()
            case events.SequencesChanged(rows=rows):
                news = [row for row in rows if self._is_news(row)]
                if news:
                    self.changed()

    def _is_news(self, row: SequenceRow) -> bool:
        look = (row.status, row.start_at, row.accounts, row.prospects)
        known, self._seen[row.id] = self._seen.get(row.id), look
        return look != known

    def _run(self) -> None:
        with self._lock:
            self._called = False
        at = None
        try:
            at = self._tick()
        finally:
            with self._lock:
                # Called meanwhile: what the sender saw may be of before.
                self._wait(SOON_S if self._called else self._until(at))

    def _until(self, at: datetime | None) -> float:
        left_s = IDLE_S if at is None else (at - self._clock.now()).total_seconds()
        return min(max(left_s, SOON_S), IDLE_S)

    def _wait(self, seconds: float) -> None:
        if seconds != self._wait_s:
            self._wait_s = seconds
            self._scheduler.every(seconds, self._run, _JOB)


def _send_as(account: Account) -> tuple[bool, int]:
    """What of an account matters to sending."""
    return account.state in CAN_SEND, account.daily_limit
