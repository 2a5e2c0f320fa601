"""When the next check is due."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain import timing
from reply_desktop.domain.states import State

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
chances = st.floats(0, 1, exclude_max=True)


def wait(state: State, **given: object) -> float | None:
    fields: dict[str, object] = {
        "used": False, "failures": 0, "retry_after_s": None, "self_heals": True, "chance": 0.5, **given,
    }  # fmt: skip
    at = timing.next_check_at(state, NOW, **fields)  # type: ignore[arg-type]
    return None if at is None else (at - NOW).total_seconds()


@pytest.mark.parametrize(
    ("state", "given_", "expected"),
    [
        (State.CONNECTED, {}, 900),
        (State.CONNECTED, {"used": True}, 300),
        (State.AT_RISK, {"failures": 1}, 3),
        (State.AT_RISK, {"failures": 4}, 20),
        (State.AT_RISK, {"failures": 99}, 300),
        (State.AT_RISK, {"failures": 1, "retry_after_s": 40.0}, 40),
        (State.AT_RISK, {"failures": 1, "retry_after_s": 1e9}, timing.MAX_RETRY_AFTER_S),
        (State.BLOCKED, {}, 900),
        (State.EXPIRED, {}, 3600),
        (State.CONNECTED, {"pace": 0.1}, 90),
        (State.EXPIRED, {"pace": 0.1}, 360),
        (State.AT_RISK, {"failures": 4, "pace": 0.1}, 20),
        (State.EXPIRED, {"self_heals": False}, None),
        (State.NEW, {}, None),
        (State.PAUSED, {"failures": 3}, None),
        (State.SIGNING_IN, {}, None),
    ],
)
def test_wait(state: State, given_: dict[str, object], expected: float | None) -> None:
    assert wait(state, **given_) == expected


@given(
    state=st.sampled_from(State),
    used=st.booleans(),
    failures=st.integers(0, 50),
    retry=st.none() | st.floats(0, 1e7),
    heals=st.booleans(),
    chance=chances,
)
def test_the_next_check_is_never_now_and_never_before_retry_after(
    state: State, used: bool, failures: int, retry: float | None, heals: bool, chance: float
) -> None:
    seconds = wait(state, used=used, failures=failures, retry_after_s=retry, self_heals=heals, chance=chance)
    if seconds is None:
        return
    assert 2.6 < seconds <= timing.MAX_RETRY_AFTER_S
    if retry is not None:
        assert seconds >= min(retry, timing.MAX_RETRY_AFTER_S) - 1e-6


@given(st.floats(1, 1e5), chances)
def test_jitter_stays_within_ten_percent(seconds: float, chance: float) -> None:
    assert 0.899 * seconds <= timing.jittered(seconds, chance) <= 1.101 * seconds


@pytest.mark.parametrize(
    ("age_s", "fresh"), [(0, True), (1800, True), (1801, False), (-30, True), (-3600, False)]
)
def test_fresh(age_s: float, fresh: bool) -> None:
    assert timing.is_fresh(NOW - timedelta(seconds=age_s), NOW) is fresh


def test_never_proven_is_not_fresh() -> None:
    assert not timing.is_fresh(None, NOW)


def test_a_missed_idle_check_or_two_do_not_make_a_proof_stale() -> None:
    assert timing.FRESH_S >= 1.8 * timing.IDLE_EVERY_S * (1 - timing.JITTER)
    assert list(timing.LADDER_S) == [3, 5, 10, 20, 30, 60, 120, 300]
