"""Quiet hours by the wall clock, over midnight, weekends and changes of the clock."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.quiet_hours import QuietHours

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours(time(22), time(7))
NOON = QuietHours(time(12), time(13))


MORNING = QuietHours(time(1, 30), time(2, 30))


def berlin(day: int, hour: int, minute: int = 0, month: int = 3, fold: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN, fold=fold)


@pytest.mark.parametrize(
    ("quiet", "now", "end"),
    [
        (NIGHT, berlin(4, 21, 59), None),
        (NIGHT, berlin(4, 22), berlin(5, 7)),
        (NIGHT, berlin(5, 6, 59), berlin(5, 7)),
        (NIGHT, berlin(5, 7), None),
        (NOON, berlin(4, 11, 59), None),
        (NOON, berlin(4, 12), berlin(4, 13)),
        (NOON, berlin(4, 13), None),
        (QuietHours(time(9), time(9)), berlin(4, 9), None),
        # 7 March 2026 is a Saturday; Monday's night goes on till seven.
        (QuietHours(time(22), time(7), weekends=True), berlin(7, 12), berlin(9, 7)),
        (QuietHours(time(22), time(7), weekends=True), berlin(6, 23), berlin(9, 7)),
        (QuietHours(time(12), time(13), weekends=True), berlin(8, 12, 30), berlin(9, 0)),
        (QuietHours(time(0), time(0), weekends=True), berlin(8, 23, 59), berlin(9, 0)),
        # The clock goes forward at two on 29 March and back at three on 25 October.
        (NIGHT, berlin(28, 23), berlin(29, 7)),
        (NIGHT, berlin(24, 23, month=10), berlin(25, 7, month=10)),
        # From two to three it is shown twice, and the quiet of that hour comes twice.
        (MORNING, berlin(25, 1, 45, month=10), berlin(25, 2, 30, month=10)),
        (MORNING, berlin(25, 2, 15, month=10), berlin(25, 2, 30, month=10)),
        (MORNING, berlin(25, 2, 45, month=10), None),
        (MORNING, berlin(25, 2, 15, month=10, fold=1), berlin(25, 2, 30, month=10, fold=1)),
        (MORNING, berlin(25, 2, 45, month=10, fold=1), None),
        # Half past two is not shown at all.
        (MORNING, berlin(29, 1, 45), berlin(29, 3, 30)),
        (MORNING, berlin(29, 3, 15), None),
    ],
)
def test_when_it_ends(quiet: QuietHours, now: datetime, end: datetime | None) -> None:
    assert quiet.end(now.astimezone(UTC), BERLIN) == (end and end.astimezone(UTC))


@given(
    st.times(),
    st.times(),
    st.booleans(),
    st.integers(0, 2 * 365 * 24 * 60).map(
        lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]),
)
def test_it_always_ends_and_then_it_is_not_quiet(
    begins: time, ends: time, weekends: bool, now: datetime, zone: str
) -> None:
    quiet, local = QuietHours(begins, ends, weekends), ZoneInfo(zone)
    end = quiet.end(now, local)
    if end is not None:
        assert now < end <= now + timedelta(days=4)
        assert quiet.end(end, local) is None


CHANGES = (
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 4, 5, 3, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC)),
)
"""Zones and moments at which their clocks are changed, some of them at midnight."""


@given(
    st.sampled_from(CHANGES),
    st.integers(-200, 200),
    st.times().map(lambda at: at.replace(hour=at.hour % 5)),
    st.times(),
    st.integers(0, 99),
)
def test_it_is_quiet_by_the_clock_on_the_wall_while_that_is_changed(
    change: tuple[str, datetime], minutes: int, begins: time, ends: time, percent: int
) -> None:
    zone, at = ZoneInfo(change[0]), change[1] + timedelta(minutes=minutes)
    quiet, shown = QuietHours(begins, ends), at.astimezone(zone).time()
    is_quiet = begins <= shown < ends if begins <= ends else shown >= begins or shown < ends
    end = quiet.end(at, zone)
    assert (end is not None) is is_quiet
    if end is not None:
        assert at < end and quiet.end(end, zone) is None
        between = at + percent * (end - at) / 100
        jumped = between.astimezone(zone).utcoffset() != at.astimezone(zone).utcoffset()
        assert quiet.end(between, zone) == end or jumped
