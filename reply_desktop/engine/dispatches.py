"""Decides when the sender looks for mail that may leave: when the next may, so that an idle engine sleeps."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from reply_desktop.domain import events
from reply_desktop.domain.account import Account
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.domain.states import CAN_SEND
from reply_desktop.engine.sweeps import Repeating
from reply_desktop.engine.ticking import Ticking
from reply_desktop.services.ports import Clock

_JOB: Final = "dispatch"


class Dispatches(Ticking):
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
        super().__init__(tick, clock, scheduler, _JOB)
        self._wake = wake
        self._seen: dict[str, object] = {}

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


def _send_as(account: Account) -> tuple[bool, int]:
    """What of an account matters to sending."""
    return account.state in CAN_SEND, account.daily_limit
