"""One stretch of trouble of one account: when it began, why, when and how it was fixed."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.states import COLORS, Color, OutcomeKind, State


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
    open_episode: Episode | None, after: Account, now: datetime, new_id: str
) -> tuple[Episode | None, Episode | None]:
    """(closed, opened): what an account's change means for its open episode.

    Orange and red stretches are episodes; the same cause in the same colour goes on silently, whatever
    the provider's text says this time. A red episode ends only with a proof, another red cause, or the
    person's word: passing trouble right after a reconnect proves nothing. Nor does it put off the end that an
    orange one foresees, which is told once however often the network fails meanwhile.
    """
    color = COLORS[after.state]
    troubled = color in (Color.ORANGE, Color.RED) and after.cause is not None
    passing = after.cause is not None and CAUSES[after.cause].kind is OutcomeKind.TRANSIENT
    if after.cause is Cause.UNPROVEN:
        return None, None
    if open_episode is not None and troubled:
        if open_episode.cause is after.cause and open_episode.color is color:
            return None, None
        lasts = open_episode.is_red or CAUSES[open_episode.cause].kind is OutcomeKind.WARNING
        if lasts and after.state is State.AT_RISK and passing:
            return None, None
    closed = None
    if open_episode is not None:
        closed = replace(open_episode, ended_at=now, ending=_ending(open_episode, after, troubled))
    opened = None
    if troubled:
        assert after.cause is not None
        opened = Episode(new_id, after.id, after.cause, color, now, provider_error=after.provider_error)
    return closed, opened


def _ending(episode: Episode, after: Account, troubled: bool) -> Ending:
    if after.state is State.PAUSED:
        return Ending.PAUSED
    if troubled and (COLORS[after.state] is Color.RED or not episode.is_red):
        return Ending.CAUSE_CHANGED
    if after.granted_at is not None and after.granted_at > episode.started_at:
        return Ending.RECONNECTED
    return Ending.CHECK_SUCCEEDED
