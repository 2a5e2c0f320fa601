"""When to check an account next, and how old a proof may be. Pure: clock and chance are arguments."""

from datetime import datetime, timedelta
from typing import Final

from reply_desktop.domain.states import State

USED_EVERY_S: Final = 300.0
"""Between checks of an account that a running sequence uses, in seconds."""
IDLE_EVERY_S: Final = 900.0
"""Between checks of any other account, in seconds."""
LOST_EVERY_S: Final = 3600.0
"""Between checks of an expired account: a provider that erred is believed again without a click."""
JITTER: Final = 0.1
"""Share of an interval by which checks are spread, either way."""
FRESH_S: Final = 1800.0
"""How old a proof may be to be shown green, in seconds: two missed idle checks."""
LADDER_S: Final = (3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Waits after the first, second, … failed try in a row, in seconds."""
MAX_RETRY_AFTER_S: Final = 24 * 3600.0
"""A provider's Retry-After is believed up to this, in seconds."""


def jittered(seconds: float, chance: float) -> float:
    """The interval spread by ±10 %; `chance` is uniform in [0, 1)."""
    return seconds * (1 + JITTER * (2 * chance - 1))


def ladder_s(failures: int, chance: float) -> float:
    """Wait after `failures` failed tries in a row (1 = the first), with jitter, in seconds."""
    return jittered(LADDER_S[min(max(failures, 1), len(LADDER_S)) - 1], chance)


def next_check_at(
    state: State,
    now: datetime,
    *,
    used: bool,
    failures: int,
    retry_after_s: float | None,
    self_heals: bool,
    chance: float,
    pace: float = 1.0,
) -> datetime | None:
    """When the account is due again, or None when only a person can make a check useful.

    `used`: a running sequence sends from it. `failures`: transient failures in a row. `retry_after_s`: what
    the provider asked for; never undercut. `self_heals`: whether checking a dead grant again can do no harm
    (an Other account's wrong password must not be tried again, or the provider locks it). `pace` stretches
    the intervals between regular checks, not the ladder: the sandbox checks more often, to be watched.
    """
    if state in (State.NEW, State.PAUSED, State.SIGNING_IN):
        return None
    if state is State.EXPIRED:
        if not self_heals:
            return None
        wait = jittered(LOST_EVERY_S * pace, chance)
    elif failures:
        wait = ladder_s(failures, chance)
    else:
        wait = jittered((USED_EVERY_S if used else IDLE_EVERY_S) * pace, chance)
    if retry_after_s is not None:
        wait = max(wait, min(retry_after_s, MAX_RETRY_AFTER_S))
    return now + timedelta(seconds=wait)


def is_fresh(proven_at: datetime | None, now: datetime) -> bool:
    """Whether a proof of that time may still be shown green. A proof from the future is not believed."""
    if proven_at is None:
        return False
    age = (now - proven_at).total_seconds()
    return -60.0 <= age <= FRESH_S
