"""How fast an account may send: limits in any 24 hours, gaps, warming up, a provider's wishes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.pace import Pace
from reply_desktop.domain.sequence import Ramp
from reply_desktop.domain.timing import MAX_RETRY_AFTER_S, jittered
from reply_desktop.domain.touch import LADDER_S

DAY_S: Final = 86400.0
"""Limits hold in any stretch of this length, as providers count them, and not from midnight to midnight."""
AHEAD_S: Final = DAY_S
"""No gap is longer; a time further ahead was kept before the computer's clock was set back. In seconds."""
HELD_AHEAD_S: Final = 2 * MAX_RETRY_AFTER_S
"""As `AHEAD_S`, of what a provider asked for."""

_DAY: Final = timedelta(seconds=DAY_S)


class Why(StrEnum):
    """What an account waits for."""

    GAP = "gap"
    """The pause after its last mail."""
    LIMIT = "limit"
    """The limit of 24 hours, or of its warming up."""
    HELD = "held"
    """The provider wants nothing from it for now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The account may not send before `until` (aware UTC); ask again then."""

    until: datetime
    why: Why


def gap(gap_s: tuple[float, float], chance: float) -> float:
    """Seconds between two mails, drawn evenly from least to most; `chance` is uniform in [0, 1)."""
    least, most = gap_s
    return least + (most - least) * chance


def allowance(limit: int, ramp: Ramp | None, first_sent_at: datetime | None, now: datetime) -> int:
    """How many mails may leave the account in the 24 hours up to `now`.

    `limit` is the least of the limits that hold for it. The ramp counts whole days of 24 hours since the
    account's first mail, so that neither midnight nor a clock change makes a step.
    """
    if ramp is None:
        return limit
    return min(limit, ramp.first + ramp.step * _days(first_sent_at, now))


def grows_at(limit: int, ramp: Ramp | None, first_sent_at: datetime | None, now: datetime) -> datetime | None:
    """When the allowance next grows by warming up; None when it does not by time alone."""
    if ramp is None or first_sent_at is None or allowance(limit, ramp, first_sent_at, now) >= limit:
        return None
    return first_sent_at + (_days(first_sent_at, now) + 1) * _DAY


def may_send(
    pace: Pace, counted: Sequence[datetime], limit: int, now: datetime, *, ramp: Ramp | None = None
) -> Wait | None:
    """None when the account may send now; else until when it must wait, and why.

    `counted`: when its touches of the last 24 hours were reserved, newest first; times to come, which a clock
    set back leaves, count too. `ramp`, when given, lowers the limit as `allowance` does. What is further
    ahead than `AHEAD_S` does not hold it up: see `mended`.
    """
    waits = []
    if pace.free_at is not None and now < pace.free_at <= now + timedelta(seconds=AHEAD_S):
        waits.append(Wait(pace.free_at, Why.GAP))
    if pace.held_until is not None and now < pace.held_until <= now + timedelta(seconds=HELD_AHEAD_S):
        waits.append(Wait(pace.held_until, Why.HELD))
    full_until = _full_until(pace, _counting(counted, now), limit, now, ramp)
    if full_until is not None:
        waits.append(Wait(full_until, Why.LIMIT))
    return max(waits, key=lambda wait: wait.until, default=None)


def _full_until(
    pace: Pace, counting: Sequence[datetime], limit: int, now: datetime, ramp: Ramp | None
) -> datetime | None:
    allowed = allowance(limit, ramp, pace.first_sent_at, now)
    if len(counting) < allowed:
        return None
    frees_at = counting[allowed - 1] + _DAY if allowed > 0 else now + _DAY
    more_at = grows_at(limit, ramp, pace.first_sent_at, now)
    return frees_at if more_at is None else min(frees_at, more_at)


def after_send(pace: Pace, sent_at: datetime, gap_s: float) -> Pace:
    """The pace once a mail has been reserved: its gap runs from then on, and so does its warming up."""
    return replace(
        pace,
        free_at=sent_at + timedelta(seconds=gap_s),
        first_sent_at=pace.first_sent_at or sent_at,
    )


def hold(pace: Pace, until: datetime, cause: Cause, text: str | None) -> Pace:
    """The pace of an account whose provider wants nothing from it for now; a longer hold stays."""
    if pace.held_until is not None and pace.held_until > until:
        return pace
    return replace(pace, held_until=until, held_cause=cause, held_text=text)


def release(pace: Pace) -> Pace:
    """The pace with no hold on it."""
    return replace(pace, held_until=None, held_cause=None, held_text=None)


def mended(pace: Pace, now: datetime) -> Pace:
    """The pace without the times that a clock set back by more than a day has left in the future.

    What was really sent in the last 24 hours can then not be told, so the account is held for a day: no limit
    is broken, and nothing is blocked for as long as the clock was wrong. The same object when all is well.
    """
    if not (
        _is_beyond(pace.free_at, now, AHEAD_S)
        or _is_beyond(pace.held_until, now, HELD_AHEAD_S)
        or _is_beyond(pace.first_sent_at, now, AHEAD_S)
    ):
        return pace
    first = pace.first_sent_at
    return replace(
        pace,
        free_at=None,
        held_until=now + _DAY,
        held_cause=Cause.CLOCK_WRONG,
        held_text="The computer's clock was set back by more than a day.",
        first_sent_at=first if first is None else min(first, now),
    )


def attempt_wait(attempts: int, chance: float, retry_after_s: float | None = None) -> float | None:
    """Seconds until a touch is tried again after `attempts` failed tries; None when that was the last.

    Retry-After is never undercut, and believed up to `MAX_RETRY_AFTER_S`. `chance` is uniform in [0, 1).
    """
    if attempts > len(LADDER_S):
        return None
    wait = jittered(LADDER_S[max(attempts, 1) - 1], chance)
    return wait if retry_after_s is None else max(wait, min(retry_after_s, MAX_RETRY_AFTER_S))


def _counting(counted: Sequence[datetime], now: datetime) -> list[datetime]:
    return [at for at in counted if now - _DAY < at <= now + timedelta(seconds=AHEAD_S)]


def _days(first_sent_at: datetime | None, now: datetime) -> int:
    return 0 if first_sent_at is None else max((now - first_sent_at) // _DAY, 0)


def _is_beyond(at: datetime | None, now: datetime, ahead_s: float) -> bool:
    return at is not None and at > now + timedelta(seconds=ahead_s)
