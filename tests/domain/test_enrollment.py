"""Every step a prospect can take in a sequence, from every state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain import enrollment as enrollments
from reply_desktop.domain.enrollment import (
    AFTERWARDS,
    FINISH_WORDS,
    Enrollment,
    EnrollmentState,
    FinishReason,
    Thread,
)
from reply_desktop.domain.sequence import Sequence, Step

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
THREAD = Thread("Hello", ("<1@x>", "<2@x>"), "gmail-thread")
STEPS = tuple(Step(f"st{number}", number, 3600.0 * number, "", "Hi") for number in (1, 2, 3))
SEQUENCE = Sequence("s", "Spring", NOW, steps=STEPS)

W, A, D, F = (
    EnrollmentState.WAITING,
    EnrollmentState.ACTIVE,
    EnrollmentState.IN_DOUBT,
    EnrollmentState.FINISHED,
)

new = Enrollment("e", "s", "p", 1, due_at=NOW)
begun = replace(new, state=A, account_id="a", done=1, last_sent_at=NOW, thread=THREAD)
flying = replace(new, account_id="a", due_at=None)
flying_again = replace(begun, due_at=None)
doubtful = replace(flying, state=D, note="cut off")
doubtful_again = replace(flying_again, state=D, note="cut off")
replied = replace(
    flying_again, state=F, finish_reason=FinishReason.REPLIED, finished_at=NOW, note="“Yes please”"
)
completed = replace(replied, finish_reason=FinishReason.COMPLETED, note="")

ALL = {
    "new": new,
    "begun": begun,
    "flying": flying,
    "flying_again": flying_again,
    "doubtful": doubtful,
    "doubtful_again": doubtful_again,
    "replied": replied,
    "completed": completed,
}
every = pytest.mark.parametrize("given_", ALL.values(), ids=ALL.keys())


@every
def test_reserving_is_for_those_who_are_due_only(given_: Enrollment) -> None:
    if given_ not in (new, begun):
        with pytest.raises(ValueError, match=given_.state.value):
            enrollments.reserved(given_, "b")
        return
    expected = replace(given_, account_id="b", due_at=None, note="")
    assert enrollments.reserved(replace(given_, note="limit reached"), "b") == expected


@every
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_sent(given_: Enrollment, step: Step) -> None:
    after = enrollments.sent(given_, SEQUENCE, step, LATER, THREAD)
    assert (after.done, after.last_sent_at, after.thread) == (step.number, LATER, THREAD)
    if given_.state is F:
        assert (after.state, after.finish_reason, after.due_at) == (F, given_.finish_reason, None)
        assert (after.finished_at, after.note) == (given_.finished_at, given_.note)
    elif step.number == 3:
        assert (after.state, after.finish_reason) == (F, FinishReason.COMPLETED)
        assert (after.due_at, after.finished_at, after.note) == (None, LATER, "")
    else:
        assert (after.state, after.finish_reason, after.note) == (A, None, "")
        assert after.due_at == LATER + timedelta(hours=step.number + 1)


def test_the_last_step_is_what_the_sequence_says_by_then() -> None:
    shorter = replace(SEQUENCE, steps=STEPS[:1])
    after = enrollments.sent(flying, shorter, STEPS[1], LATER, THREAD)
    assert (after.state, after.finish_reason, after.done) == (F, FinishReason.COMPLETED, 2)


@every
def test_deferred(given_: Enrollment) -> None:
    after = enrollments.deferred(given_, LATER, "slow down")
    if given_.state is F:
        assert after is given_
        return
    assert after == replace(given_, state=A if given_.done else W, due_at=LATER, note="slow down")


@every
def test_in_doubt(given_: Enrollment) -> None:
    after = enrollments.in_doubt(given_, "connection lost")
    if given_.state is F:
        assert after is given_
        return
    assert after == replace(given_, state=D, due_at=None, note="connection lost")


@every
@pytest.mark.parametrize("reason", FinishReason)
def test_finish(given_: Enrollment, reason: FinishReason) -> None:
    after = enrollments.finish(given_, reason, LATER, "why")
    if given_ == replied or (given_ == completed and reason not in AFTERWARDS):
        assert after is given_
        return
    assert after == replace(given_, state=F, due_at=None, finish_reason=reason, finished_at=LATER, note="why")


@every
@pytest.mark.parametrize("account_id", ["b", None])
def test_moved(given_: Enrollment, account_id: str | None) -> None:
    after = enrollments.moved_to(given_, account_id)
    if given_ not in (new, begun) or account_id == given_.account_id:
        assert after is given_
        return
    assert after.account_id == account_id
    assert after.thread == replace(given_.thread, provider_thread=None)
    assert replace(after, account_id=given_.account_id, thread=given_.thread) == given_


def test_who_got_a_step_that_is_gone_by_now_is_not_new() -> None:
    assert not new.is_begun and begun.is_begun
    assert enrollments.deferred(replace(flying_again, done=0), LATER, "").state is A


def test_every_reason_has_words() -> None:
    assert set(FINISH_WORDS) == set(FinishReason)


MOVES = st.lists(
    st.sampled_from(["reserved", "sent", "deferred", "in_doubt", "finish", "moved_to"]), max_size=30
)


@given(MOVES)
def test_whatever_happens_each_step_is_taken_once_and_in_order(moves: list[str]) -> None:
    """An engine that sends only what it reserved: no step twice, none left out, never two in flight."""
    one, in_flight, sent_numbers = new, False, list[int]()
    for move in moves:
        step = SEQUENCE.step_after(one.done)
        match move:
            case "reserved" if one.due_at is not None:
                assert not in_flight and step is not None and one.state in (W, A)
                one, in_flight = enrollments.reserved(one, one.account_id or "a"), True
            case "sent" if in_flight and step is not None:
                one, in_flight = enrollments.sent(one, SEQUENCE, step, LATER, THREAD), False
                sent_numbers.append(step.number)
            case "deferred" if in_flight:
                one, in_flight = enrollments.deferred(one, LATER, ""), False
            case "in_doubt" if in_flight:
                one = enrollments.in_doubt(one, "")
            case "finish":
                one = enrollments.finish(one, FinishReason.STOPPED, LATER)
            case "moved_to":
                one = enrollments.moved_to(one, "b")
        assert (one.due_at is None) is (in_flight or one.state in (D, F))
        assert (one.finish_reason is None) is (one.finished_at is None) is (one.state is not F)
        assert one.state is not W or one.done == 0
    assert sent_numbers == [1, 2, 3][: len(sent_numbers)]
