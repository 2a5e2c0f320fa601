"""Who came to which door: the newest requests, without any secret, for tests and the sandbox panel."""

from collections.abc import Callable
from datetime import datetime

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Door, Visit
from reply_desktop.sandbox.numbered import Numbered

_KEEP = 5_000


class Visits:
    """Counts every request at the stand-ins."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.list: Numbered[Visit] = Numbered(_KEEP)

    def note(self, provider: Provider, door: Door, mailbox: str | None, status: int, what: str) -> None:
        """Remember one request. `what` is a short name of ours, never anything the caller sent."""
        self.list.add(lambda number: Visit(number, self._now(), provider, door, mailbox, status, what))
