"""Open exactly when the clock on the wall there says so, in every zone and on every odd day."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reply_desktop.domain.window import WEEKDAYS, SendingWindow

MINUTE = timedelta(minutes=1)
DAYS = (1, 2, 3, 4, 5, 6, 7)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ODD_DAYS = [
    ("America/New_York", at("2026-03-07T20:00")),
    ("America/New_York", at("2026-10-31T20:00")),
    ("Europe/Berlin", at("2026-03-28T16:00")),
    ("Europe/Berlin", at("2026-10-24T16:00")),
    ("Australia/Lord_Howe", at("2026-04-04T06:00")),
    ("Australia/Lord_Howe", at("2026-10-03T06:00")),
    ("Asia/Kathmandu", at("2026-06-01T00:00")),
    ("America/Havana", at("2026-03-07T20:00")),
    ("Pacific/Apia", at("2011-12-29T12:00")),
    ("Africa/Casablanca", at("2026-02-14T12:00")),
    ("UTC", at("2026-02-27T12:00")),
]
"""Zone and a moment shortly before its clock does something; Havana skips midnight, Apia a whole Friday."""


def on_the_wall(window: SendingWindow, moment: datetime) -> bool:
    there = moment.astimezone(ZoneInfo(window.timezone))
    minute = there.hour * 60 + there.minute
    closes = window.closes.hour * 60 + window.closes.minute or 24 * 60
    return (
        there.isoweekday() in window.days and window.opens.hour * 60 + window.opens.minute <= minute < closes
    )


@st.composite
def windows(draw: st.DrawFn, zone: str) -> SendingWindow:
    opens = draw(st.integers(0, 24 * 60 - 1))
    closes = draw(st.integers(opens + 1, 24 * 60)) % (24 * 60)
    days = draw(st.sets(st.sampled_from(DAYS), min_size=1))
    return SendingWindow(tuple(sorted(days)), time(*divmod(opens, 60)), time(*divmod(closes, 60)), zone)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(ODD_DAYS), st.integers(0, 24 * 60))
def test_stretches_are_the_minutes_the_wall_clock_allows(
    data: st.DataObject, place: tuple[str, datetime], later: int
) -> None:
    zone, moment = place
    window = data.draw(windows(zone))
    begins = moment + later * MINUTE
    minutes = [begins + index * MINUTE for index in range(30 * 60)]
    stretches = list(window.stretches(begins, minutes[-1] + MINUTE))
    for opens, closes in stretches:
        assert begins <= opens < closes <= minutes[-1] + MINUTE
    assert all(one[1] < other[0] for one, other in pairwise(stretches)), "two that touch are one"
    inside = {minute for minute in minutes if any(opens <= minute < closes for opens, closes in stretches)}
    assert inside == {minute for minute in minutes if on_the_wall(window, minute)}


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(ODD_DAYS), st.integers(0, 48 * 3600))
def test_the_next_opening_is_open_and_nothing_before_it_is(
    data: st.DataObject, place: tuple[str, datetime], later_s: int
) -> None:
    zone, moment = place
    window = data.draw(windows(zone))
    begins = moment + timedelta(seconds=later_s)
    opens = window.next_open(begins)
    assert opens is not None and begins <= opens and window.is_open(opens)
    assert window.is_open(begins) is on_the_wall(window, begins) is (opens == begins)
    assert opens == begins or not window.is_open(opens - timedelta(microseconds=1))
    for step in range(200):
        between = begins + (opens - begins) * step / 200
        assert between == opens or not window.is_open(between)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(ODD_DAYS), st.integers(0, 48 * 3600))
def test_a_stretch_is_open_to_its_end(data: st.DataObject, place: tuple[str, datetime], later_s: int) -> None:
    zone, moment = place
    window = data.draw(windows(zone))
    begins = moment + timedelta(seconds=later_s)
    closes = window.closes_at(begins)
    if closes is None:
        assert window == SendingWindow(DAYS, time(), time(), zone)
        return
    assert not window.is_open(closes)
    assert window.is_open(begins) is (closes > begins)
    for step in range(200):
        assert closes == begins or window.is_open(begins + (closes - begins) * step / 200)


NEW_YORK_SUNDAY = SendingWindow((7,), time(2), time(3), "America/New_York")


def test_an_hour_that_is_skipped_is_not_there() -> None:
    assert NEW_YORK_SUNDAY.next_open(at("2026-03-07T12:00")) == at("2026-03-15T06:00")
    assert NEW_YORK_SUNDAY.next_open(at("2026-03-01T08:00")) == at("2026-03-15T06:00")


def test_a_window_that_begins_in_the_gap_opens_after_it() -> None:
    window = SendingWindow(DAYS, time(2, 30), time(4), "America/New_York")
    assert window.next_open(at("2026-03-08T06:00")) == at("2026-03-08T07:00")
    assert window.closes_at(at("2026-03-08T07:00")) == at("2026-03-08T08:00")


def test_an_hour_that_is_repeated_is_open_twice() -> None:
    window = SendingWindow((7,), time(1), time(2), "America/New_York")
    assert list(window.stretches(at("2026-11-01T00:00"), at("2026-11-02T00:00"))) == [
        (at("2026-11-01T05:00"), at("2026-11-01T07:00"))
    ]


def test_half_of_a_repeated_hour_is_two_stretches() -> None:
    window = SendingWindow((7,), time(1), time(1, 30), "America/New_York")
    assert list(window.stretches(at("2026-11-01T00:00"), at("2026-11-02T00:00"))) == [
        (at("2026-11-01T05:00"), at("2026-11-01T05:30")),
        (at("2026-11-01T06:00"), at("2026-11-01T06:30")),
    ]


def test_lord_howe_moves_its_clock_by_half_an_hour() -> None:
    window = SendingWindow(DAYS, time(1, 45), time(3), "Australia/Lord_Howe")
    assert list(window.stretches(at("2026-04-04T12:00"), at("2026-04-05T00:00"))) == [
        (at("2026-04-04T14:45"), at("2026-04-04T15:00")),
        (at("2026-04-04T15:15"), at("2026-04-04T16:30")),
    ]


def test_a_friday_that_never_was() -> None:
    window = SendingWindow((5,), time(9), time(17), "Pacific/Apia")
    assert window.next_open(at("2011-12-24T10:00")) == at("2012-01-05T19:00")


def test_days_are_those_of_the_zone() -> None:
    window = SendingWindow((1,), time(0), time(6), "Asia/Tokyo")
    assert window.next_open(at("2026-03-01T00:00")) == at("2026-03-01T15:00"), "Monday there, Sunday here"
    assert window.closes_at(at("2026-03-01T15:00")) == at("2026-03-01T21:00")


def test_open_all_day_is_open_over_midnight() -> None:
    window = SendingWindow((5, 6), time(), time(), "Asia/Kathmandu")
    assert window.closes_at(at("2026-03-06T12:00")) == at("2026-03-07T18:15")


def test_always_open_never_closes() -> None:
    window = SendingWindow(DAYS, time(), time(), "Europe/Berlin")
    assert window.is_valid()
    assert window.closes_at(at("2026-03-28T16:00")) is None
    assert window.next_open(at("2026-03-28T16:00")) == at("2026-03-28T16:00")


def test_closed_closes_at_once() -> None:
    assert SendingWindow().closes_at(at("2026-03-01T12:00")) == at("2026-03-01T12:00")


def test_seconds_and_smaller_parts_count() -> None:
    window = SendingWindow()
    end = at("2026-03-02T17:00")
    assert window.is_open(end - timedelta(microseconds=1)) and not window.is_open(end)
    moment = end - timedelta(microseconds=1)
    assert window.next_open(moment) == moment and window.closes_at(moment) == end


@pytest.mark.parametrize(
    "window",
    [
        SendingWindow(days=()),
        SendingWindow(days=(0, 1)),
        SendingWindow(days=(8,)),
        SendingWindow(opens=time(9), closes=time(9)),
        SendingWindow(opens=time(17), closes=time(9)),
        SendingWindow(timezone="Mars/Olympus"),
        SendingWindow(timezone=""),
        SendingWindow(timezone="../../etc/passwd"),
        SendingWindow(timezone="/etc/localtime"),
        SendingWindow(timezone="America"),
        SendingWindow(timezone="Europe/\x00Berlin"),
        SendingWindow(timezone="Zürich"),
    ],
)
def test_what_never_opens(window: SendingWindow) -> None:
    moment = at("2026-03-02T12:00")
    assert not window.is_valid() and not window.is_open(moment)
    assert window.next_open(moment) is None and window.closes_at(moment) == moment
    assert list(window.stretches(moment, moment + timedelta(days=9))) == []


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Europe/Berlin", "2026-07-02 00:30 (Europe/Berlin)"),
        ("America/New_York", "2026-07-01 18:30 (America/New_York)"),
        ("UTC", "2026-07-01 22:30 (UTC)"),
        ("Mars/Olympus_Mons", "2026-07-01 22:30 (UTC)"),
    ],
)
def test_a_moment_is_said_by_the_clock_on_the_wall(zone: str, said: str) -> None:
    assert SendingWindow(timezone=zone).wall(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)) == said


def test_the_usual_window_is_office_hours() -> None:
    window = SendingWindow()
    assert window.is_valid() and window.days == WEEKDAYS
    assert window.next_open(at("2026-02-27T17:00")) == at("2026-03-02T09:00"), "Friday's end to Monday"
