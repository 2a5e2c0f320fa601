"""One stretch of trouble of one account: when it began, why, when and how it was fixed."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.states import COLORS, Color, State


class Ending(StrEnum):
    """How an episode ended."""

    RECONNECTED = "reconnected"
    CHECK_SUCCEEDED = "check_succeeded"
    CAUSE_CHANGED = "cause_changed"
    PAUSED = "paused"
    REMOVED = "removed"


ENDING_WORDS = {
    Ending.RECONNECTED: "fixed by reconnecting",
    Ending.CHECK_SUCCEEDED: "worked again by itself",
    Ending.CAUSE_CHANGED: "the cause changed",
    Ending.PAUSED: "the account was paused",
    Ending.REMOVED: "the account was removed",
}


@dataclass(frozen=True, slots=True)
class Episode:
    """Trouble of one account from one cause. Times are aware UTC; `ended_at` None while it lasts."""

    id: str
    account_id: str
    cause: Cause
    color: Color
    started_at: datetime
    ended_at: datetime | None = None
    ending: Ending | None = None
    provider_error: str | None = None

    @property
    def is_red(self) -> bool:
        """Whether somebody must act: only these raise alerts."""
        return self.color is Color.RED


def follow(
    open_episode: Episode | None, before: Account, after: Account, now: datetime, new_id: str
) -> tuple[Episode | None, Episode | None]:
    """(closed, opened): what an account's change means for its open episode.

    Orange and red stretches are episodes; the same cause in the same colour goes on silently, whatever
    the provider's text says this time. A fresh grant waiting for its first check keeps the episode open, so
    that its end is told only after a real proof.
    """
    color = COLORS[after.state]
    troubled = color in (Color.ORANGE, Color.RED) and after.cause is not None
    if after.cause is Cause.UNPROVEN:
        return None, None
    if open_episode is not None and troubled:
        if open_episode.cause is after.cause and open_episode.color is color:
            return None, None
        ending = Ending.CAUSE_CHANGED
    elif after.state is State.PAUSED:
        ending = Ending.PAUSED
    elif open_episode is not None and after.granted_at and after.granted_at > open_episode.started_at:
        ending = Ending.RECONNECTED
    else:
        ending = Ending.CHECK_SUCCEEDED
    closed = None if open_episode is None else replace(open_episode, ended_at=now, ending=ending)
    opened = None
    if troubled:
        assert after.cause is not None
        opened = Episode(new_id, after.id, after.cause, color, now, provider_error=after.provider_error)
    return closed, opened
