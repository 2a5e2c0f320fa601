"""Hours in which desktop and e-mail keep still; bell and log never do."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo


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
        end = None
        while (until := self._until((end or now).astimezone(zone))) is not None:
            end = until.astimezone(UTC)
        return end

    def _until(self, local: datetime) -> datetime | None:
        """The end of the one stretch of quiet `local` lies in, if any."""
        clock = local.time()
        if self.weekends and local.weekday() >= _SATURDAY:
            return _at(local, 7 - local.weekday(), time(0))
        over_night = self.begins > self.ends
        if over_night and clock >= self.begins:
            return _at(local, 1, self.ends)
        if (over_night or clock >= self.begins) and clock < self.ends:
            return _at(local, 0, self.ends)
        return None


_SATURDAY = 5


def _at(local: datetime, days: int, clock: time) -> datetime:
    """That wall clock time so many days after `local`'s.

    One that a change to summer time skips is the moment it would have been; of one that comes twice in a
    night it is the one that belongs to `local`, so that it is never over already.
    """
    return datetime.combine(local.date() + timedelta(days), clock.replace(fold=local.fold), local.tzinfo)
