"""One notification on one channel: whether it was told there yet."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from reply_desktop.domain.notification import Notification


class Channel(StrEnum):
    """Where news can go besides bell and log, which are written with the news itself."""

    TRAY = "tray"
    EMAIL = "email"
    TEAM = "team"


class AnnouncementState(StrEnum):
    """How far the telling got. Only waiting ones are ever handed over: nothing is told twice."""

    WAITING = "waiting"
    """To be told once `due_at` has come."""
    TELLING = "telling"
    """Being handed over; after a crash in between its outcome is not known."""
    TOLD = "told"
    """Taken by the channel."""
    IN_DOUBT = "in_doubt"
    """It may have arrived or not, and nobody can tell."""
    DROPPED = "dropped"
    """The trouble was over before it was told, or the person does not want to hear of it there."""


TELLING_STATES: Final = frozenset(
    {AnnouncementState.TELLING, AnnouncementState.TOLD, AnnouncementState.IN_DOUBT}
)
"""States in which the channel has, or may have, told it."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A notification on a channel. Times are aware UTC.

    `channel`: a `Channel`, for a team channel with its id behind a colon. `number`: 0 for the first telling,
    then the reminder's. `batch`: the message that carries it, shared by all told in one; `route`: the way it
    took (an account's id, the relay, a team channel's id). `told_at`: when it was handed over.
    """

    notification_id: str
    channel: str
    due_at: datetime
    number: int = 0
    state: AnnouncementState = AnnouncementState.WAITING
    tries: int = 0
    batch: str | None = None
    route: str | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Announced:
    """An announcement together with what it tells."""

    announcement: Announcement
    notification: Notification


def team_channel(channel_id: str) -> str:
    """The channel of this team channel's id."""
    return f"{Channel.TEAM}:{channel_id}"


def kind_of(channel: str) -> Channel:
    """Which kind of channel it is."""
    return Channel(channel.partition(":")[0])
