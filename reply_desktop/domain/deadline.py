"""Ends of grants that can be known beforehand, when to warn of them, and when a warning was wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.grant import TokenSet
from reply_desktop.domain.provider import Provider

TESTING_DAYS: Final = 7
"""Life of a Google grant in a project in Testing status, in days (Google Cloud help 15549945)."""

IDLE_LIFE: Final = MappingProxyType(
    {Provider.GOOGLE: timedelta(days=180), Provider.MICROSOFT: timedelta(days=90)}
)
"""How long a grant lives without being used.

Sources: Google's OAuth 2.0 overview, refresh token expiration (six months); entra-docs refresh-tokens.md
(90 days). A personal Microsoft account's is documented nowhere; the shorter one is taken.
"""

WARNED_BEFORE: Final = timedelta(days=2)
"""How long before its end a grant is warned of at most; a short-lived one in the last quarter of its life."""
IDLE_WARNED_BEFORE: Final = timedelta(days=14)
"""How long before it ends of disuse an account is warned of: whoever paused it may look rarely."""
QUARTER: Final = 4

ROUGH: Final = frozenset({Cause.SIGN_IN_ENDS, Cause.IDLE_ENDS})
"""Ends that nobody announced to the minute: they are told with “about”."""

KEPT_ALIVE_AFTER: Final = timedelta(days=14)
"""How old the last proof of a paused account gets before its grant is used once, to keep it alive."""
KEPT_ALIVE_EVERY: Final = timedelta(days=1)
"""Between two such tries for one account, at least."""
KEPT_ALIVE_SPREAD: Final = 0.1
"""By which share accounts of the same age are spread, so that they are not all due at once."""


@dataclass(frozen=True, slots=True)
class KnownEnd:
    """When a grant ends (UTC), and why."""

    at: datetime
    cause: Cause


def known_end(provider: Provider, tokens: TokenSet) -> KnownEnd | None:
    """The end the provider announced with this grant, if any.

    Google announces an end only for time-limited consent; one of at most seven days is Testing mode's.
    """
    at = tokens.refresh_expires_at
    if at is None:
        return None
    short = tokens.issued_at is not None and at - tokens.issued_at <= timedelta(days=TESTING_DAYS, hours=1)
    if provider is Provider.GOOGLE and short:
        return KnownEnd(at, Cause.TESTING_MODE_ENDS)
    return KnownEnd(at, Cause.CONSENT_ENDS)


def idle_end(provider: Provider, used_at: datetime | None) -> KnownEnd | None:
    """The end of a grant that was last used then and is not used again; None for passwords."""
    life = IDLE_LIFE.get(provider)
    return None if life is None or used_at is None else KnownEnd(used_at + life, Cause.IDLE_ENDS)


def earliest(*ends: KnownEnd | None) -> KnownEnd | None:
    """The one that comes first; of two at the same moment the one named first."""
    return min((end for end in ends if end is not None), key=lambda end: end.at, default=None)


def is_near(end: KnownEnd | None, granted_at: datetime | None, now: datetime) -> bool:
    """Whether the end is so near that the person should hear of it.

    The warning takes at most a quarter of the grant's life: a daily sign-in must not look like trouble all
    day.
    """
    if end is None:
        return False
    if end.cause is Cause.IDLE_ENDS:
        return end.at - now <= IDLE_WARNED_BEFORE
    life = _life(end, granted_at)
    return end.at - now <= (WARNED_BEFORE if life is None else min(WARNED_BEFORE, life / QUARTER))


def is_outlived(end: KnownEnd, granted_at: datetime | None, proven_at: datetime) -> bool:
    """Whether this proof shows that the end does not hold, be it announced or learnt.

    Use ends idleness. Any other end may come somewhat late: what was measured of the last one, and clocks,
    are off by a little.
    """
    if end.cause is Cause.IDLE_ENDS:
        return True
    return proven_at - end.at > grace(_life(end, granted_at) or timedelta())


def grace(life: timedelta) -> timedelta:
    """By how much a grant may live longer than it is said to before that is no longer believed."""
    return max(life * 0.05, min(timedelta(hours=2), life / QUARTER))


def is_due_alive(used_at: datetime | None, tried_at: datetime | None, share: float, now: datetime) -> bool:
    """Whether a grant that nothing else uses is to be used now, lest it ends of disuse.

    `used_at`: its last proof, or its sign-in; `tried_at`: the last try, proven or not. `share`: the
    account's own place in the spread, in [0, 1).
    """
    late = 1 + KEPT_ALIVE_SPREAD * share
    if used_at is None or now - used_at < KEPT_ALIVE_AFTER * late:
        return False
    # A try in the future is a clock that was put back: it keeps nobody from trying.
    return tried_at is None or not timedelta() <= now - tried_at < KEPT_ALIVE_EVERY * late


def _life(end: KnownEnd, granted_at: datetime | None) -> timedelta | None:
    """How long the grant will have lived then, when its beginning is known."""
    return None if granted_at is None else max(end.at - granted_at, timedelta())
