"""Ends of grants that nobody announces, learnt from how long earlier grants of the account lived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.deadline import TESTING_DAYS, KnownEnd, grace
from reply_desktop.domain.episode import Ending, Episode
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import OutcomeKind
from reply_desktop.domain.timing import FRESH_S

TEACHES: Final = MappingProxyType(
    {
        Cause.SIGN_IN_FREQUENCY: 1,
        Cause.GRANT_REVOKED: 2,
        Cause.GRANT_EXPIRED: 2,
        Cause.MFA_REQUIRED: 2,
        Cause.SIGN_IN_REQUIRED: 2,
        Cause.PASSWORD_EXPIRED: 2,
    }
)
"""How many lives alike, one after the other, it takes to expect the next to end so too; others never teach.

A sign-in frequency repeats by nature (entra-docs reference-error-codes.md, AADSTS70043; Google help 9368756
on session length). A changed password, a withdrawn permission and the like are single deeds.
"""

ALIKE: Final = 0.05
"""By which share of the longer one two lives may differ and still be alike."""
SHORTEST: Final = timedelta(hours=6)
"""Shorter lives may be alike by chance, or by somebody's trying things out."""
TESTING_LIFE: Final = timedelta(days=TESTING_DAYS)
TESTING_OFF: Final = timedelta(hours=3)
"""How far from seven days a Google grant may end and still look like Testing mode's end: Google names no
reason (googleapis/google-api-nodejs-client#2553), and we see an end only at the next check."""

LEARNT: Final = frozenset({Cause.SIGN_IN_ENDS, Cause.TESTING_MODE_LIKELY})
"""Causes of ends that were learnt, not announced."""

_NEVER: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Life:
    """How long a grant lived that was found dead.

    `found`: from its beginning until then; `proven`: until the last proof before, as far as is known: it
    ended somewhere in between.
    """

    cause: Cause
    found: timedelta
    proven: timedelta

    @property
    def is_exact(self) -> bool:
        """Whether somebody was looking when it ended; after weeks switched off there is nothing to learn."""
        return self.found - self.proven <= max(self.found * ALIKE, timedelta(seconds=FRESH_S))


@dataclass(frozen=True, slots=True)
class Learnt:
    """How long the account's grants live, and the cause that warns of their end."""

    life: timedelta
    cause: Cause


def learnt_end(account: Account, history: Sequence[Episode], granted_at: datetime) -> KnownEnd | None:
    """The end to expect of a grant given at `granted_at` to this account, which has the one before it still.

    `history`: the account's red episodes and those that a sign-in ended, oldest first, with the open one.
    What its last death teaches counts; else what was learnt before, unless the last grant outlived it.
    """
    lives = _lives(account, history)
    learnt = learnt_life(account.provider, lives) or _known_before(account)
    return None if learnt is None else KnownEnd(granted_at + learnt.life, learnt.cause)


def learnt_life(provider: Provider, lives: Sequence[Life]) -> Learnt | None:
    """What these lives, one after the other and the last one just over, say of the next."""
    if not lives:
        return None
    last = lives[-1]
    if not last.is_exact or last.proven <= timedelta():
        return None
    needed = TEACHES.get(last.cause, _NEVER)
    if needed == 1:
        return Learnt(last.proven, Cause.SIGN_IN_ENDS)
    testing = provider is Provider.GOOGLE and abs(last.found - TESTING_LIFE) <= TESTING_OFF
    if testing and last.cause is Cause.GRANT_REVOKED:
        return Learnt(TESTING_LIFE, Cause.TESTING_MODE_LIKELY)
    same = lives[-needed:]
    if len(same) < needed or not _alike(same):
        return None
    return Learnt(min(last.proven, *(life.found for life in same)), Cause.SIGN_IN_ENDS)


def _alike(lives: Sequence[Life]) -> bool:
    shortest, longest = (pick(life.found for life in lives) for pick in (min, max))
    taught = all(life.cause in TEACHES for life in lives)
    return taught and shortest >= SHORTEST and longest - shortest <= longest * ALIKE


def _known_before(account: Account) -> Learnt | None:
    """What was learnt for the grant that the account still has; it goes on for the next."""
    if account.deadline_cause not in LEARNT or account.deadline_at is None or account.granted_at is None:
        return None
    life = account.deadline_at - account.granted_at
    lived = (account.proven_at or account.granted_at) - account.granted_at
    if life <= timedelta() or lived > life + grace(life):
        return None
    return Learnt(life, account.deadline_cause)


def _lives(account: Account, history: Sequence[Episode]) -> list[Life]:
    """Lives of grants that died, one after the other; the last is the present one's, if that is dead.

    Where one was replaced that nobody had found dead, its successors' beginnings are known from then on; one
    that was replaced alive and had lived longer than those before it makes them worthless.
    """
    lives: list[Life] = []
    began: datetime | None = account.created_at
    died: Episode | None = None
    for episode in history:
        if episode.is_red:
            died = died or episode
        match episode.ending:
            case Ending.RECONNECTED:
                lives = _and_then(lives, died, began, episode)
                began, died = episode.ended_at, None
            case Ending.CHECK_SUCCEEDED:
                died = None
            case Ending.PAUSED | Ending.REMOVED:
                # What became of the grant afterwards is in no episode.
                began, died = None, None
    if died is None or not _is_death(died) or account.granted_at is None:
        return []
    found = died.started_at - account.granted_at
    proven = (account.proven_at or account.granted_at) - account.granted_at
    if found <= timedelta():
        return []
    return [*lives, Life(died.cause, found, min(max(proven, timedelta()), found))]


def _and_then(lives: list[Life], died: Episode | None, began: datetime | None, ended: Episode) -> list[Life]:
    """The lives, with that of the grant that this sign-in replaced."""
    if began is None:
        return []
    if died is None:
        lived = (ended.ended_at or ended.started_at) - began
        return [] if any(lived > life.found + grace(life.found) for life in lives) else lives
    found = died.started_at - began
    if not _is_death(died) or found <= timedelta():
        return []
    return [*lives, Life(died.cause, found, found)]


def _is_death(episode: Episode) -> bool:
    return CAUSES[episode.cause].kind is OutcomeKind.LOST
