"""Never over a limit in any 24 hours, whatever the clock does, and never slower than need be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reply_desktop.domain import pacing
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.pace import Pace
from reply_desktop.domain.pacing import Wait, Why
from reply_desktop.domain.sequence import Ramp
from reply_desktop.domain.timing import JITTER, MAX_RETRY_AFTER_S
from reply_desktop.domain.touch import LADDER_S

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PACE = Pace("a")
chances = st.floats(0, 1, exclude_max=True)
ramps = st.none() | st.builds(Ramp, st.integers(1, 4), st.integers(1, 4))


def ago(*hours: float) -> list[datetime]:
    return [NOW - timedelta(hours=one) for one in hours]


@given(st.floats(0, 1e4), st.floats(0, 1e4), chances)
def test_a_gap_lies_between_least_and_most(one: float, other: float, chance: float) -> None:
    least, most = sorted((one, other))
    assert least - 1e-6 <= pacing.gap((least, most), chance) <= most + 1e-6


def test_a_gap_is_drawn_evenly() -> None:
    assert [pacing.gap((120.0, 300.0), chance) for chance in (0.0, 0.5, 0.75)] == [120.0, 210.0, 255.0]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(None, 5), (-3, 5), (0, 5), (23.9, 5), (24, 8), (47.9, 8), (48, 11), (24 * 10, 35), (24 * 1000, 50)],
)
def test_warming_up_counts_whole_days_since_the_first_mail(hours: float | None, expected: int) -> None:
    first = None if hours is None else NOW - timedelta(hours=hours)
    assert pacing.allowance(50, Ramp(5, 3), first, NOW) == expected


def test_without_a_ramp_the_limit_is_the_limit() -> None:
    assert pacing.allowance(50, None, None, NOW) == 50
    assert pacing.grows_at(50, None, NOW, NOW) is None


@given(st.integers(1, 40), st.builds(Ramp, st.integers(1, 9), st.integers(1, 9)), st.floats(0, 400))
def test_the_allowance_grows_exactly_when_it_is_said_to(limit: int, ramp: Ramp, hours: float) -> None:
    first = NOW - timedelta(hours=hours)
    allowed = pacing.allowance(limit, ramp, first, NOW)
    grows_at = pacing.grows_at(limit, ramp, first, NOW)
    if grows_at is None:
        assert allowed == limit
        return
    assert grows_at > NOW
    assert pacing.allowance(limit, ramp, first, grows_at - timedelta(microseconds=1)) == allowed
    assert pacing.allowance(limit, ramp, first, grows_at) > allowed


@pytest.mark.parametrize(
    ("pace", "counted", "limit", "expected"),
    [
        (PACE, [], 1, None),
        (PACE, ago(1), 1, Wait(NOW + 23 * HOUR, Why.LIMIT)),
        (PACE, ago(1, 2, 23), 3, Wait(NOW + HOUR, Why.LIMIT)),
        (PACE, ago(1, 2, 23), 2, Wait(NOW + 22 * HOUR, Why.LIMIT)),
        (PACE, ago(1, 2, 23), 4, None),
        (PACE, ago(1, 24), 2, None),
        (PACE, ago(-1, -0.5), 2, Wait(NOW + 24.5 * HOUR, Why.LIMIT)),
        (PACE, [], 0, Wait(NOW + DAY, Why.LIMIT)),
        (Pace("a", free_at=NOW), [], 1, None),
        (Pace("a", free_at=NOW + HOUR), [], 1, Wait(NOW + HOUR, Why.GAP)),
        (Pace("a", free_at=NOW + HOUR), ago(1), 1, Wait(NOW + 23 * HOUR, Why.LIMIT)),
        (Pace("a", held_until=NOW + HOUR), [], 1, Wait(NOW + HOUR, Why.HELD)),
        (Pace("a", held_until=NOW - HOUR), [], 1, None),
        (Pace("a", held_until=NOW + 25 * HOUR), [], 1, Wait(NOW + 25 * HOUR, Why.HELD)),
        (Pace("a", free_at=NOW + 2 * HOUR, held_until=NOW + HOUR), [], 1, Wait(NOW + 2 * HOUR, Why.GAP)),
        (Pace("a", free_at=NOW + 400 * DAY, held_until=NOW + 400 * DAY), [NOW + 400 * DAY], 1, None),
    ],
)
def test_until_when_it_must_wait(
    pace: Pace, counted: list[datetime], limit: int, expected: Wait | None
) -> None:
    assert pacing.may_send(pace, sorted(counted, reverse=True), limit, NOW) == expected


def test_warming_up_lets_go_sooner_than_the_oldest_mail_does() -> None:
    pace = Pace("a", first_sent_at=NOW - 47 * HOUR)
    assert pacing.may_send(pace, ago(1, 2), 50, NOW, ramp=Ramp(1, 1)) == Wait(NOW + HOUR, Why.LIMIT)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 6), ramps, st.tuples(st.floats(0, 7200), st.floats(0, 7200)))
def test_no_24_hours_ever_hold_more_than_is_allowed(
    data: st.DataObject, limit: int, ramp: Ramp | None, gaps: tuple[float, float]
) -> None:
    """The sender's life in short: send when one may, else wait as told, or come late after a sleep."""
    pace, now, sent = PACE, NOW, list[datetime]()
    for _ in range(60):
        wait = pacing.may_send(pace, sent[::-1], limit, now, ramp=ramp)
        if wait is None:
            sent.append(now)
            allowed = pacing.allowance(limit, ramp, pace.first_sent_at, now)
            assert sum(now - DAY < at <= now for at in sent) <= allowed
            pace = pacing.after_send(pace, now, pacing.gap((min(gaps), max(gaps)), data.draw(chances)))
        else:
            assert wait.until > now
            now = wait.until + timedelta(hours=data.draw(st.sampled_from([0, 0, 0, 1, 30, 72])))
    assert sent


@settings(max_examples=25, deadline=None)
@given(st.data(), st.integers(1, 5))
def test_a_clock_set_back_breaks_no_limit_and_blocks_for_no_longer_than_it_was_wrong(
    data: st.DataObject, limit: int
) -> None:
    """`true` is time as it passes; `shift` what the computer's clock is off by, less and less."""
    pace, true, shift = PACE, NOW, 12 * HOUR
    sent, kept = list[datetime](), list[datetime]()
    for _ in range(50):
        now = true + shift
        wait = pacing.may_send(pace, sorted(kept, reverse=True), limit, now)
        if wait is None:
            sent.append(true)
            kept.append(now)
            assert sum(true - DAY < at <= true for at in sent) <= limit
            pace = pacing.after_send(pace, now, 60.0)
        else:
            assert wait.until - now <= DAY + 12 * HOUR
            true += wait.until - now
        shift -= data.draw(st.sampled_from([timedelta(), timedelta(), HOUR]))
    assert len(sent) > limit


@given(st.lists(st.floats(-3, 23.9), max_size=8), st.integers(1, 8))
def test_a_limit_lets_go_at_the_first_moment_it_can(hours: list[float], limit: int) -> None:
    counted = sorted(ago(*hours), reverse=True)
    wait = pacing.may_send(PACE, counted, limit, NOW)
    if wait is None:
        assert len(counted) < limit
        return
    tick = timedelta(microseconds=1)
    assert pacing.may_send(PACE, counted, limit, wait.until - tick) is not None
    assert pacing.may_send(PACE, counted, limit, wait.until) is None


def test_after_a_mail_the_gap_runs_and_warming_up_began_with_the_first() -> None:
    once = pacing.after_send(PACE, NOW, 90.0)
    assert once == Pace("a", free_at=NOW + timedelta(seconds=90), first_sent_at=NOW)
    again = pacing.after_send(once, NOW + DAY, 30.0)
    assert again == replace(once, free_at=NOW + DAY + timedelta(seconds=30))


def test_a_hold_is_never_cut_short_and_ends_when_it_is_released() -> None:
    held = pacing.hold(PACE, NOW + HOUR, Cause.THROTTLED, "421 slow down")
    assert held == Pace("a", held_until=NOW + HOUR, held_cause=Cause.THROTTLED, held_text="421 slow down")
    assert pacing.hold(held, NOW + HOUR / 2, Cause.PROVIDER_TROUBLE, None) == held
    longer = pacing.hold(held, NOW + 2 * HOUR, Cause.PROVIDER_TROUBLE, None)
    assert longer == Pace("a", held_until=NOW + 2 * HOUR, held_cause=Cause.PROVIDER_TROUBLE)
    assert pacing.release(longer) == PACE


@pytest.mark.parametrize(
    "pace",
    [
        PACE,
        Pace("a", free_at=NOW + DAY, held_until=NOW + 2 * DAY, first_sent_at=NOW + HOUR),
        Pace("a", free_at=NOW - DAY, held_until=NOW - DAY, first_sent_at=NOW - DAY),
    ],
)
def test_times_that_can_be_stay(pace: Pace) -> None:
    assert pacing.mended(pace, NOW) is pace


@pytest.mark.parametrize("name", ["free_at", "held_until", "first_sent_at"])
def test_a_clock_that_was_far_ahead_costs_a_day_and_no_more(name: str) -> None:
    times = {"first_sent_at": NOW - DAY, name: NOW + 400 * DAY}
    far = replace(PACE, **times)  # type: ignore[arg-type]
    mended = pacing.mended(far, NOW)
    assert mended.first_sent_at == (NOW if name == "first_sent_at" else NOW - DAY)
    assert mended.held_cause is Cause.CLOCK_WRONG and mended.held_text
    assert pacing.may_send(mended, [], 1, NOW) == Wait(NOW + DAY, Why.HELD)
    assert pacing.may_send(mended, [], 1, NOW + DAY) is None
    assert pacing.mended(mended, NOW + HOUR) is mended, "one day, not one more at each look"


@given(st.integers(-1, 15), chances, st.none() | st.floats(0, 1e7) | st.just(float("inf")))
def test_tries_go_down_the_ladder_and_heed_retry_after(
    attempts: int, chance: float, retry_after_s: float | None
) -> None:
    wait = pacing.attempt_wait(attempts, chance, retry_after_s)
    if attempts > len(LADDER_S):
        assert wait is None
        return
    assert wait is not None
    rung = LADDER_S[max(attempts, 1) - 1]
    assert (1 - JITTER) * rung - 1e-6 <= wait <= max((1 + JITTER) * rung + 1e-6, MAX_RETRY_AFTER_S)
    if retry_after_s is None:
        assert wait <= (1 + JITTER) * rung + 1e-6
    else:
        assert wait >= min(retry_after_s, MAX_RETRY_AFTER_S)


def test_retry_after_that_is_no_number_changes_nothing() -> None:
    assert pacing.attempt_wait(2, 0.5, float("nan")) == pacing.attempt_wait(2, 0.5) == 120.0
