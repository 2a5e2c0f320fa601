"""The health strip: one letter per day, from what went wrong and when. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from reply_desktop.domain.states import Color

DAYS: Final = 30
"""How many days the strip shows; the last one is today, in UTC."""

_LETTERS: Final = {Color.ORANGE: "o", Color.RED: "r"}
_WORSE: Final = "-gor"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of trouble of one colour. Times are aware UTC; `ended_at` None while it lasts."""

    color: Color
    started_at: datetime
    ended_at: datetime | None


def first_day(now: datetime) -> datetime:
    """Midnight at which the strip ending at `now` begins: trouble that ended earlier is not on it."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=DAYS - 1)


def strip(now: datetime, granted_at: datetime | None, spans: Iterable[Span]) -> str:
    """Thirty letters, oldest day first: the worst colour that touched each UTC day.

    `r` red, `o` orange, `g` no trouble, `-` before the account's first grant at `granted_at` (None: never).
    Trouble touches both the day it began and the day it ended; what lasts touches every day until today.
    """
    first = first_day(now)
    granted = DAYS if granted_at is None else min(max(_day(granted_at, first), 0), DAYS)
    letters = ["-"] * granted + ["g"] * (DAYS - granted)
    for span in spans:
        letter = _LETTERS.get(span.color)
        if letter is None:
            continue
        start = _day(span.started_at, first)
        end = DAYS - 1 if span.ended_at is None else max(_day(span.ended_at, first), start)
        for day in range(max(start, 0), min(end, DAYS - 1) + 1):
            letters[day] = max(letters[day], letter, key=_WORSE.index)
    return "".join(letters)


def _day(at: datetime, first: datetime) -> int:
    return (at - first) // timedelta(days=1)
