"""When a sequence may send: days and hours on the wall clock of a time zone. Pure; DST is the zone's own."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

WEEKDAYS = (1, 2, 3, 4, 5)
"""Monday to Friday, as ISO 8601 counts days."""

_DAY: Final = timedelta(days=1)
_STRIDE: Final = timedelta(hours=12)
"""No zone has changed its offset twice within so short a time."""
_HORIZON: Final = timedelta(days=15)
"""A weekday comes within 7 days; within 14 when one is lost to a spring gap, or to the date line (Samoa)."""


@dataclass(frozen=True, slots=True)
class SendingWindow:
    """Days (ISO 8601: 1 Monday … 7 Sunday) and hours in which mail may leave.

    `opens` and `closes` are wall clock times of `timezone` (IANA), `opens` inclusive, `closes` exclusive;
    `closes` 00:00 means midnight at the day's end. A window does not go past midnight. An hour that the clock
    skips is not there; one that it repeats is open twice. All arguments and answers are aware UTC.
    """

    days: tuple[int, ...] = WEEKDAYS
    opens: time = time(9)
    closes: time = time(17)
    timezone: str = "UTC"

    def is_valid(self) -> bool:
        """Whether it ever opens: has a day and an hour in it, and a time zone this computer knows."""
        return (
            bool(self.days)
            and all(1 <= day <= 7 for day in self.days)
            and (self._ends_with_day or self.opens < self.closes)
            and _zone(self.timezone) is not None
        )

    def is_open(self, at: datetime) -> bool:
        """Whether mail may leave at that moment."""
        zone = _zone(self.timezone)
        if zone is None or not self.is_valid():
            return False
        there = at.astimezone(zone)
        return there.isoweekday() in self.days and self._has(there.time())

    def wall(self, at: datetime) -> str:
        """The moment by its wall clock, with the zone's name; in UTC when this computer has no such zone."""
        zone = _zone(self.timezone)
        return f"{at.astimezone(zone or UTC):%Y-%m-%d %H:%M} ({self.timezone if zone else 'UTC'})"

    def next_open(self, at: datetime) -> datetime | None:
        """The first moment from `at` on when it is open; None when it never opens."""
        return next((opens for opens, _ in self.stretches(at, at + _HORIZON)), None)

    def closes_at(self, at: datetime) -> datetime | None:
        """When the stretch open at `at` ends: `at` itself when it is not open, None when it never closes."""
        opens, closes = next(self.stretches(at, at + _HORIZON), (None, at))
        if opens != at:
            return at
        return closes if closes < at + _HORIZON else None

    def stretches(self, begins_at: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open stretches between two moments, in order and cut to them: (first moment, end).

        Two that touch, as at midnight of a window open all day, are one.
        """
        zone = _zone(self.timezone)
        if zone is None or not self.is_valid():
            return
        open_since = open_until = None
        for opens, closes in self._pieces(begins_at.astimezone(UTC), until.astimezone(UTC), zone):
            if open_since is not None and open_until is not None and opens != open_until:
                yield open_since, open_until
                open_since = None
            open_since, open_until = open_since or opens, closes
        if open_since is not None and open_until is not None:
            yield open_since, open_until

    def _pieces(self, at: datetime, until: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """Open stretches, broken at midnight and wherever the zone's offset changes."""
        while at < until:
            end, offset = _steady_until(at, min(at + _STRIDE, until), zone)
            first, last = at + offset, end + offset
            midnight = datetime.combine(first.date(), time(), UTC)
            while midnight < last:
                opens = max(first, _on(midnight, self.opens))
                closes = min(last, midnight + _DAY if self._ends_with_day else _on(midnight, self.closes))
                if opens < closes and midnight.isoweekday() in self.days:
                    yield opens - offset, closes - offset
                midnight += _DAY
            at = end

    @property
    def _ends_with_day(self) -> bool:
        return self.closes == time()

    def _has(self, wall: time) -> bool:
        return self.opens <= wall and (self._ends_with_day or wall < self.closes)


@functools.lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _on(midnight: datetime, wall: time) -> datetime:
    return datetime.combine(midnight.date(), wall, UTC)


def _steady_until(at: datetime, until: datetime, zone: ZoneInfo) -> tuple[datetime, timedelta]:
    """(the moment up to which the zone keeps the offset it has at `at`, that offset); to the second."""
    offset = _offset(at, zone)
    if _offset(until, zone) == offset:
        return until, offset
    before, after = 0, -int((at - until) // timedelta(seconds=1))
    start = at.replace(microsecond=0)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(start + timedelta(seconds=middle), zone) == offset:
            before = middle
        else:
            after = middle
    return min(start + timedelta(seconds=after), until), offset


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None, "a zone always has an offset"
    return offset
