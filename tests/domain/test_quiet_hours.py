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


def berlin(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


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
    ],
)
def test_when_it_ends(quiet: QuietHours, now: datetime, end: datetime | None) -> None:
    assert quiet.end(now.astimezone(UTC), BERLIN) == end


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
