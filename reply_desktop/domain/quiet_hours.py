"""Hours in which desktop and e-mail keep still; bell and log never do."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `begins` to `ends` by the wall clock, past midnight when `ends` is not later; equal: never.

    `weekends`: Saturdays and Sundays are quiet as a whole.
    """

    begins: time
    ends: time
    weekends: bool = False

    def end(self, now: datetime, zone: tzinfo) -> datetime | None:
        """When the quiet that holds at `now` (aware) is over, in UTC; None when it is not quiet."""
        at = now.astimezone(zone)
        while (until := self._until(at)) is not None:
            at = until.astimezone(UTC).astimezone(zone)
        return None if at == now else at.astimezone(UTC)

    def _until(self, local: datetime) -> datetime | None:
        """The end of the one stretch of quiet `local` lies in, if any."""
        day, clock, zone = local.date(), local.time(), local.tzinfo
        if self.weekends and day.weekday() >= _SATURDAY:
            return _at(day + timedelta(days=7 - day.weekday()), time(0), zone)
        over_night = self.begins > self.ends
        if over_night and clock >= self.begins:
            return _at(day + timedelta(days=1), self.ends, zone)
        if (over_night or clock >= self.begins) and clock < self.ends:
            return _at(day, self.ends, zone)
        return None


_SATURDAY = 5


def _at(day: date, clock: time, zone: tzinfo | None) -> datetime:
    """That wall clock time; one that a change to summer time skips is the moment it would have been."""
    return datetime.combine(day, clock, zone)
