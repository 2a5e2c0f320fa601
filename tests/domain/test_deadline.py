"""Known ends of grants: which there are, when they are near, and when they did not hold."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain import deadline
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.deadline import KnownEnd, earliest, idle_end, is_due_alive, is_near, known_end
from reply_desktop.domain.grant import TokenSet
from reply_desktop.domain.provider import SINGLE_CLICK, Provider
from reply_desktop.domain.states import OutcomeKind

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WARNINGS = [cause for cause in Cause if CAUSES[cause].kind is OutcomeKind.WARNING]
spans = st.timedeltas(timedelta(days=-1000), timedelta(days=1000))


def end(days: float | None, provider: Provider = Provider.GOOGLE) -> Cause | None:
    at = None if days is None else NOW + timedelta(days=days)
    known = known_end(provider, TokenSet("r", issued_at=NOW, refresh_expires_at=at))
    assert known is None or known.at == at
    return known.cause if known else None


def test_testing_mode_is_told_from_time_limited_consent() -> None:
    assert end(7) is Cause.TESTING_MODE_ENDS
    assert end(30) is Cause.CONSENT_ENDS
    assert end(7, Provider.MICROSOFT) is Cause.CONSENT_ENDS
    assert end(None) is None


def test_a_grant_ends_of_disuse_only_where_there_is_a_grant() -> None:
    assert idle_end(Provider.GOOGLE, NOW) == KnownEnd(NOW + 180 * DAY, Cause.IDLE_ENDS)
    assert idle_end(Provider.MICROSOFT, NOW) == KnownEnd(NOW + 90 * DAY, Cause.IDLE_ENDS)
    assert idle_end(Provider.OTHER, NOW) is None
    assert idle_end(Provider.GOOGLE, None) is None
    assert deadline.IDLE_LIFE.keys() == SINGLE_CLICK


def test_the_earliest_end_counts() -> None:
    soon, late = KnownEnd(NOW, Cause.CONSENT_ENDS), KnownEnd(NOW + DAY, Cause.SIGN_IN_ENDS)
    assert earliest(late, None, soon) is soon
    assert earliest(soon, KnownEnd(NOW, Cause.SIGN_IN_ENDS)) is soon
    assert earliest(None, None) is None


@pytest.mark.parametrize(
    ("life", "warned_before"),
    [
        (30 * DAY, 2 * DAY),
        (7 * DAY, 42 * HOUR),
        (DAY, 6 * HOUR),
        (10 * timedelta(minutes=1), 150 * timedelta(seconds=1)),
    ],
)
def test_a_warning_takes_two_days_or_a_quarter_of_the_grants_life(
    life: timedelta, warned_before: timedelta
) -> None:
    second = timedelta(seconds=1)
    known = KnownEnd(NOW, Cause.SIGN_IN_ENDS)
    assert is_near(known, NOW - life, NOW - warned_before)
    assert not is_near(known, NOW - life, NOW - warned_before - second)
    assert is_near(known, NOW - life, NOW + DAY)


def test_an_end_of_unknown_beginning_and_one_of_disuse() -> None:
    assert is_near(KnownEnd(NOW + 2 * DAY, Cause.CONSENT_ENDS), None, NOW)
    assert not is_near(KnownEnd(NOW + 3 * DAY, Cause.CONSENT_ENDS), None, NOW)
    assert is_near(KnownEnd(NOW + 14 * DAY, Cause.IDLE_ENDS), NOW, NOW)
    assert not is_near(KnownEnd(NOW + 15 * DAY, Cause.IDLE_ENDS), NOW, NOW)
    assert not is_near(None, NOW, NOW)


@given(spans, st.none() | spans, st.sampled_from(WARNINGS))
def test_no_grant_is_warned_of_for_most_of_its_life(
    left: timedelta, age: timedelta | None, cause: Cause
) -> None:
    granted_at = None if age is None else NOW - age
    known = KnownEnd(NOW + left, cause)
    if granted_at is None or cause is Cause.IDLE_ENDS or known.at <= granted_at:
        return
    life = known.at - granted_at
    assert not is_near(known, granted_at, granted_at + life * 0.74)
    assert is_near(known, granted_at, known.at)


@given(spans, st.none() | spans, st.sampled_from(WARNINGS), spans)
def test_once_near_always_near_and_no_end_is_outlived_before_it_has_come(
    left: timedelta, age: timedelta | None, cause: Cause, later: timedelta
) -> None:
    granted_at = None if age is None else NOW - age
    known = KnownEnd(NOW + left, cause)
    if is_near(known, granted_at, NOW):
        assert is_near(known, granted_at, NOW + abs(later))
    if cause is not Cause.IDLE_ENDS and deadline.is_outlived(known, granted_at, NOW):
        assert known.at < NOW


@given(st.integers(-12, 12), spans, spans)
def test_time_zones_are_irrelevant(hours: int, left: timedelta, age: timedelta) -> None:
    zone = timezone(timedelta(hours=hours))
    here, there = (
        KnownEnd(NOW + left, Cause.SIGN_IN_ENDS),
        KnownEnd((NOW + left).astimezone(zone), Cause.SIGN_IN_ENDS),
    )
    assert is_near(here, NOW - age, NOW) is is_near(there, (NOW - age).astimezone(zone), NOW)
    assert deadline.is_outlived(here, NOW - age, NOW) is deadline.is_outlived(
        there, NOW - age, NOW.astimezone(zone)
    )


@pytest.mark.parametrize(
    ("used", "tried", "share", "due"),
    [
        (15 * DAY, None, 0.0, True),
        (13 * DAY, None, 0.0, False),
        (15 * DAY, None, 0.99, False),
        (16 * DAY, None, 0.99, True),
        (15 * DAY, 20 * HOUR, 0.0, False),
        (15 * DAY, 25 * HOUR, 0.0, True),
        (16 * DAY, 25 * HOUR, 0.99, False),
        (15 * DAY, -DAY, 0.0, True),
        (None, None, 0.0, False),
    ],
)
def test_when_a_grant_is_used_to_keep_it_alive(
    used: timedelta | None, tried: timedelta | None, share: float, due: bool
) -> None:
    used_at, tried_at = (None if age is None else NOW - age for age in (used, tried))
    assert is_due_alive(used_at, tried_at, share, NOW) is due


@given(spans, st.none() | spans, st.floats(0, 1, exclude_max=True))
def test_a_grant_is_used_once_a_day_at_most_and_long_before_it_ends(
    used: timedelta, tried: timedelta | None, share: float
) -> None:
    tried_at = None if tried is None else NOW - tried
    due = is_due_alive(NOW - used, tried_at, share, NOW)
    if tried is not None and timedelta() <= tried < DAY:
        assert not due
    if tried_at is None and used > 16 * DAY:
        assert due
