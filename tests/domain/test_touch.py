"""Every (state, result) of a touch: what was sent is never forgotten, what may have been is never re-sent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from reply_desktop.domain import touch as touches
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.states import OutcomeKind
from reply_desktop.domain.touch import (
    COUNTS_AS_SENT,
    LADDER_S,
    NOT_TRIED,
    TOUCH_AFTER,
    TOUCH_MOVES,
    SendResultKind,
    Touch,
    TouchState,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=1)

G, T, D, F, U = (
    TouchState.SENDING,
    TouchState.SENT,
    TouchState.DEFERRED,
    TouchState.FAILED,
    TouchState.IN_DOUBT,
)

EXPECTED = {
    # state: SENT, TRY_LATER, SENDER_OUT, REFUSED, UNKNOWN
    G: (T, D, D, F, U),
    U: (T, D, D, F, U),
    D: (T, D, D, D, D),
    F: (T, F, F, F, F),
    T: (T, T, T, T, T),
}


def touch(state: TouchState, **given: object) -> Touch:
    return replace(Touch("t", "e", "s", "st", "a", state, BEFORE, attempts=1), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "kind"), [*product(TouchState, SendResultKind)])
def test_every_result_of_every_state(state: TouchState, kind: SendResultKind) -> None:
    given = touch(state)
    settled = touches.settle(given, kind, NOW, message_id="<m@x>", provider_id="p", error="said")
    assert settled.state is EXPECTED[state][list(SendResultKind).index(kind)]
    assert TOUCH_MOVES[state][kind] is settled.state
    if settled.state is state and state is not U:
        assert settled is given
        return
    assert (settled.message_id, settled.provider_id, settled.error) == ("<m@x>", "p", "said")
    assert settled.settled_at == (None if settled.state is U else NOW)
    assert replace(
        settled, state=state, settled_at=None, message_id=None, provider_id=None, error=None, attempts=1
    ) == given, "nothing else changes"  # fmt: skip


@pytest.mark.parametrize("kind", SendResultKind)
def test_a_touch_in_doubt_keeps_its_tries(kind: SendResultKind) -> None:
    assert touches.settle(touch(U), kind, NOW).attempts == 1


@pytest.mark.parametrize(("kind", "cause"), [*product(SendResultKind, [None, *Cause])])
def test_only_what_says_something_of_the_message_is_a_try(kind: SendResultKind, cause: Cause | None) -> None:
    free = kind is SendResultKind.SENDER_OUT or (kind is SendResultKind.TRY_LATER and cause in NOT_TRIED)
    assert touches.settle(touch(G), kind, NOW, cause=cause).attempts == (1 if free else 2)


def test_what_uses_up_no_try_is_passing_trouble() -> None:
    assert {CAUSES[cause].kind for cause in NOT_TRIED} == {OutcomeKind.TRANSIENT}
    assert not NOT_TRIED & {Cause.PROVIDER_TROUBLE, Cause.UNKNOWN_ANSWER, Cause.MESSAGE_REFUSED}


def test_what_is_known_of_a_message_stays_known() -> None:
    doubtful = touch(U, message_id="<m@x>", provider_id="p", cause=Cause.UNREACHABLE, error="reset")
    settled = touches.settle(doubtful, SendResultKind.SENT, NOW)
    assert (settled.message_id, settled.provider_id) == ("<m@x>", "p")
    assert (settled.cause, settled.error) == (None, None)
    assert touches.settle(doubtful, SendResultKind.UNKNOWN, NOW) == doubtful


def test_every_result_is_in_every_table() -> None:
    assert set(TOUCH_AFTER) == set(SendResultKind)
    assert set(TOUCH_MOVES) == set(TouchState)
    assert all(set(row) == set(SendResultKind) for row in TOUCH_MOVES.values())


def test_what_may_have_gone_out_counts() -> None:
    assert set(TouchState) - COUNTS_AS_SENT == {D, F}


@pytest.mark.parametrize("cause", [None, *Cause])
def test_what_an_answer_means_for_the_message(cause: Cause | None) -> None:
    outcome = PROVEN if cause is None else Outcome(cause)
    kind = touches.kind_of(outcome, in_doubt=False)
    if outcome.proves:
        assert kind is SendResultKind.SENT
    elif cause is Cause.MESSAGE_REFUSED:
        assert kind is SendResultKind.REFUSED
    elif outcome.kind is OutcomeKind.TRANSIENT:
        assert kind is SendResultKind.TRY_LATER
    else:
        assert kind is SendResultKind.SENDER_OUT
    assert touches.kind_of(outcome, in_doubt=True) is SendResultKind.UNKNOWN


def test_a_retry_keeps_the_marker_and_the_tries() -> None:
    given = touch(
        D, attempts=3, settled_at=BEFORE, message_id="<m@x>", cause=Cause.THROTTLED, error="slow down"
    )
    assert touches.retry(given, "b", NOW) == Touch("t", "e", "s", "st", "b", G, NOW, attempts=3)


@pytest.mark.parametrize("state", sorted(set(TouchState) - {D}))
def test_what_may_have_gone_out_is_never_sent_again(state: TouchState) -> None:
    with pytest.raises(ValueError, match=state.value):
        touches.retry(touch(state), "a", NOW)


@pytest.mark.parametrize("state", TouchState)
def test_what_a_crash_cut_off_is_in_doubt(state: TouchState) -> None:
    found = touches.cut_off(touch(state), NOW)
    if state is G:
        assert (found.state, found.settled_at, found.attempts) == (U, None, 2)
    else:
        assert found == touch(state)


def test_the_ladder_gets_longer_and_lasts_half_a_day() -> None:
    assert list(LADDER_S) == sorted(set(LADDER_S))
    assert sum(LADDER_S) > 12 * 3600
