"""What telling the person needs from outside: ways to hand a message over, and where it is noted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from reply_desktop.domain.alert_words import News
from reply_desktop.domain.announcement import Announced, Announcement
from reply_desktop.domain.notification import Notification, NotificationKind

ALL_KINDS: Final = frozenset(NotificationKind)


class HandedState(StrEnum):
    """What became of a message that was handed over."""

    TOLD = "told"
    """The other side took it."""
    REFUSED = "refused"
    """It surely did not go out; another way, or later, may work."""
    IN_DOUBT = "in_doubt"
    """It may have gone out: the line broke before the answer."""


@dataclass(frozen=True, slots=True)
class Handed:
    """The end of one handing over; `said` tells the person why it failed, in one line of plain text."""

    state: HandedState
    said: str = ""


class NotNow(Exception):
    """It can be told whether a message went out, but not at present."""


class Messenger(Protocol):
    """Hands messages to one kind of channel. Methods block on the network and never raise for its answers."""

    def routes(self, channel: str, news: Sequence[Notification]) -> Sequence[str]:
        """Ways that could carry this now, the best first; none when there is no way."""

    def hand(self, channel: str, route: str, batch: str, news: Sequence[News]) -> Handed:
        """Hand one message with all these news over. `batch` is its mark, by which it can be found again."""

    def find(self, channel: str, route: str, batch: str, since: datetime) -> bool | None:
        """Whether the message with this mark went out by that way; None when nobody can tell.

        Raises NotNow while the vault is shut, or whoever knows it is away.
        """


class TeamSender(Protocol):
    """Posts to the services teams read. `url` is a secret: it never appears in what is raised or given."""

    def examine(self, url: str) -> tuple[str, str, str]:
        """(the URL to store, the service's name, its address without secrets). Raises InvalidInput."""

    def post(self, url: str, title: str, text: str) -> Handed:
        """Post plain text."""


class Announcements(Protocol):
    """What is told on which channel."""

    def add(self, announcement: Announcement) -> None: ...
    def save(self, announcement: Announcement) -> None:
        """Keep state, times, tries, batch and route. Raises NotFound when it is not there."""

    def of(self, notification_id: str) -> list[Announcement]:
        """All of one notification, by channel and number."""

    def due(
        self, channel: str, now: datetime, limit: int, kinds: Collection[NotificationKind] = ALL_KINDS
    ) -> list[Announced]:
        """Waiting ones about news of these kinds whose time has come, the oldest news first."""

    def waiting(self, channel: str) -> int:
        """How many wait, due or not."""

    def channels(self) -> list[str]:
        """Channels on which something waits or is being told."""

    def next_due_at(self, channel: str) -> datetime | None:
        """When the next waiting one is due, if any waits."""

    def telling(self) -> list[Announced]:
        """Those whose outcome is not known since the engine ended in between."""

    def of_batch(self, channel: str, batch: str) -> list[Announced]:
        """Those that one message told, the oldest news first."""

    def batches_since(self, channel: str, since: datetime) -> list[datetime]:
        """When messages went to a channel since then, the oldest first."""

    def drop(self, notification_id: str) -> None:
        """Let whatever of it still waits go untold."""

    def drop_channel(self, channel: str) -> None:
        """Let whatever still waits for this channel go untold."""
