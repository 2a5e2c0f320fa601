"""One touch: what each answer of a provider means for the message, the prospect, the account and the log."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.enrollment import EnrollmentState, FinishReason, Thread
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.prospect import Suppression, SuppressionReason
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Step
from reply_desktop.domain.states import State
from reply_desktop.domain.touch import LADDER_S, TouchState
from reply_desktop.services.delivery import continued, joins_thread
from reply_desktop.services.ports import SendResult, SentSearch
from tests.fakes.sending import (
    DAY_S,
    LATER,
    LOST,
    NO_SUCH_USER,
    OFFLINE,
    REFUSED,
    THROTTLED,
    UNKNOWN,
    SendingWorld,
    counts,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SendingWorld]:
    world = SendingWorld(tmp_path)
    yield world
    world.close()


def test_sent_is_written_everywhere(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=["p@there.example"], steps=2)
    world.tick()
    (place,) = world.places()
    touch = world.touch(place.id, "spring-1")
    assert touch is not None
    assert (touch.state, touch.attempts, touch.message_id) == (TouchState.SENT, 1, f"<{touch.id}@own>")
    assert (place.state, place.account_id, place.done) == (EnrollmentState.ACTIVE, "a", 1)
    assert place.due_at == world.clock.now() + timedelta(days=1)
    assert place.thread == Thread("Hello", (f"<{touch.id}@own>",))
    (entry,) = world.log(LogKind.SENT)
    assert (entry.account, entry.prospect, entry.key) == ("a@own.example", "p@there.example", touch.id)


@pytest.mark.parametrize(
    ("given", "may_read", "search", "answered"),
    [
        (
            "<m1@own.example>",
            True,
            SentSearch(PROVEN, True, "<EE18@PROD.OUTLOOK.COM>"),
            "<EE18@PROD.OUTLOOK.COM>",
        ),
        ("<m1@own.example>", True, SentSearch(PROVEN, False), "<m1@own.example>"),
        ("<m1@own.example>", True, SentSearch(Outcome(Cause.UNREACHABLE)), "<m1@own.example>"),
        ("<m1@own.example>", False, None, "<m1@own.example>"),
        ("<told@PROD.OUTLOOK.COM>", True, None, "<told@PROD.OUTLOOK.COM>"),
    ],
)
def test_a_replaced_message_id_is_looked_up_before_it_is_answered(
    world: SendingWorld, given: str, may_read: bool, search: SentSearch | None, answered: str
) -> None:
    world.account("a", provider=Provider.MICROSOFT)
    world.microsoft.readable = may_read
    world.microsoft.answers.append(SendResult(PROVEN, given))
    world.microsoft.search = search or SentSearch(PROVEN, True, "<another@x>")
    world.sequence(prospects=1, steps=2)
    world.tick()
    world.prove()
    world.clock.advance(DAY_S)
    world.prove()
    world.tick()
    (place,) = world.places()
    assert place.done == 2 and place.thread.message_ids[0] == answered
    assert world.microsoft.searched == (["m1"] if search else [])


def test_follow_ups_join_the_thread_as_it_was_delivered(world: SendingWorld) -> None:
    world.account("a", provider=Provider.GOOGLE)
    world.google.answers.append(SendResult(PROVEN, "<rewritten@mail.gmail.com>", thread_id="t-7"))
    world.sequence(prospects=1, steps=2)
    world.tick()
    world.run(DAY_S + 60, step_s=1200)
    assert [mail.thread_id for mail in world.google.mails] == [None, "t-7"]
    (place,) = world.places()
    assert place.thread.message_ids[0] == "<rewritten@mail.gmail.com>" and len(place.thread.message_ids) == 2
    assert place.thread.provider_thread == "t-7"


def test_another_subject_begins_another_thread() -> None:
    thread = Thread("Hello", ("<1@x>",), "t-7")
    assert joins_thread("RE: re: hello", thread) and not joins_thread("News", thread)
    assert continued(thread, "News", "<2@x>", None) == Thread("News", ("<2@x>",), None)
    assert not joins_thread("Hello", Thread())


def test_passing_trouble_climbs_the_ladder_and_fails_at_its_end(world: SendingWorld) -> None:
    world.account("a")
    world.mailbox.usual = LATER
    world.sequence(prospects=1)
    world.tick()
    (place,) = world.places()
    assert place.due_at is not None
    assert place.due_at - world.clock.now() == timedelta(seconds=60)
    for _ in LADDER_S:
        (place,) = world.places()
        assert place.due_at is not None
        world.clock.advance(place.due_at - world.clock.now())
        world.prove()
        world.tick()
    (place,) = world.places()
    assert (place.state, place.finish_reason) == (EnrollmentState.FINISHED, FinishReason.FAILED)
    assert len(world.mailbox.tried) == len(LADDER_S) + 1 and world.mails == []
    assert len(world.log(LogKind.DEFERRED)) == len(LADDER_S) and len(world.log(LogKind.FAILED)) == 1


def test_retry_after_is_honoured(world: SendingWorld) -> None:
    world.account("a")
    world.mailbox.answers.append(SendResult(Outcome(Cause.PROVIDER_TROUBLE, retry_after_s=7200)))
    world.sequence(prospects=1)
    world.tick()
    world.run(7100, step_s=100)
    assert world.mails == []
    world.prove()
    world.run(200, step_s=100)
    assert len(world.mails) == 1


def test_a_provider_limit_holds_the_account_and_costs_the_message_nothing(world: SendingWorld) -> None:
    world.account("a")
    world.mailbox.answers.extend([THROTTLED, THROTTLED])
    world.sequence(prospects=3)
    world.tick()
    assert len(world.mailbox.tried) == 1
    (place, *_) = world.places()
    assert (place.state, place.account_id, place.due_at) == (EnrollmentState.WAITING, None, world.clock.now())
    world.run(59, step_s=59)
    assert len(world.mailbox.tried) == 1
    world.run(400, step_s=20)
    assert len(world.mails) == 3
    touch = world.touch(place.id, "spring-1")
    assert touch is not None and touch.attempts == 1
    (entry,) = world.log(LogKind.PROVIDER_LIMIT)
    assert "a@own.example" in entry.text and "slow down" in entry.text
    assert "(UTC)" in entry.text


def test_a_dead_grant_stops_the_account_and_leaves_the_message_as_it_was(world: SendingWorld) -> None:
    world.account("a", provider=Provider.GOOGLE)
    world.google.answers.append(LOST)
    world.sequence(prospects=3)
    world.tick()
    assert world.state("a") is State.EXPIRED
    assert len(world.google.tried) == 1
    (place, *_) = world.places()
    assert (place.state, place.account_id) == (EnrollmentState.WAITING, None)
    touch = world.touch(place.id, "spring-1")
    assert touch is not None and (touch.state, touch.attempts) == (TouchState.DEFERRED, 0)
    (entry,) = world.log(LogKind.ACCOUNT_OUT)
    assert "a@own.example cannot send" in entry.text and "stands still" in entry.text
    assert world.log(LogKind.DEFERRED) == []


def test_a_follow_up_stays_with_its_account_when_that_dies(world: SendingWorld) -> None:
    world.account("a", provider=Provider.GOOGLE)
    world.account("b")
    world.sequence(accounts=["a", "b"], prospects=2, steps=2)
    world.tick()
    world.clock.advance(DAY_S)
    world.prove()
    world.google.answers.append(LOST)
    world.tick()
    pinned = {place.account_id: place for place in world.places()}
    assert pinned["a"].done == 1 and pinned["a"].due_at == world.clock.now()
    assert pinned["b"].done == 2


def test_offline_uses_up_no_try_and_waits_for_a_proof(world: SendingWorld) -> None:
    world.account("a")
    world.mailbox.answers.append(OFFLINE)
    world.mailbox.probed = replace(world.mailbox.probed, outcome=Outcome(Cause.OFFLINE))
    world.sequence(prospects=2)
    world.tick()
    assert world.state("a") is State.AT_RISK
    for _ in range(3):
        world.run(3 * 86400, step_s=3600)
    assert len(world.mailbox.tried) == 1
    assert len(world.log(LogKind.DEFERRED)) == 1
    world.mailbox.probed = replace(world.mailbox.probed, outcome=PROVEN)
    world.run(600)
    assert len(world.mails) == 2
    place = world.places()[0]
    touch = world.touch(place.id, "spring-1")
    assert touch is not None and touch.attempts == 1


def test_a_refused_message_has_failed(world: SendingWorld) -> None:
    world.account("a")
    world.mailbox.answers.append(REFUSED)
    world.sequence(prospects=2)
    world.tick()
    first, second = world.places()
    assert first.finish_reason is FinishReason.FAILED and second.finish_reason is FinishReason.COMPLETED
    (entry,) = world.log(LogKind.FAILED)
    assert "554 5.7.1 no" in entry.text


def test_a_refused_recipient_bounced_and_is_never_written_to_again(world: SendingWorld) -> None:
    world.account("a")
    world.mailbox.answers.append(NO_SUCH_USER)
    world.sequence(prospects=["p@there.example"])
    world.tick()
    (place,) = world.places()
    assert place.finish_reason is FinishReason.BOUNCED
    with world.store.read() as unit:
        assert unit.suppressions.has("P@there.example")
    world.sequence("autumn", prospects=["p@there.example"])
    world.tick()
    (place,) = world.places("autumn")
    assert place.finish_reason is FinishReason.SUPPRESSED
    assert len(world.mailbox.tried) == 1


def test_the_suppressed_are_passed_over(world: SendingWorld) -> None:
    world.account("a")
    with world.store.begin() as unit:
        unit.suppressions.put(Suppression("no@there.example", SuppressionReason.ADDED, world.clock.now()))
        unit.commit()
    world.sequence(prospects=["no@there.example", "yes@there.example"])
    world.tick()
    assert [mail.to for mail in world.mails] == ["yes@there.example"]
    assert [entry.prospect for entry in world.log(LogKind.SUPPRESSED)] == ["no@there.example"]


def test_unknown_is_in_doubt_and_stays_so(world: SendingWorld) -> None:
    world.account("a")
    world.mailbox.answers.append(UNKNOWN)
    world.sequence(prospects=["p@there.example", "q@there.example"], steps=2)
    world.tick()
    first, second = world.places()
    assert (first.state, first.due_at) == (EnrollmentState.IN_DOUBT, None)
    assert second.done == 1
    (entry,) = world.log(LogKind.IN_DOUBT)
    assert "a@own.example" in entry.text and "p@there.example" in entry.text and "Sent folder" in entry.text
    world.run(3 * DAY_S, step_s=3600)
    assert counts(world.mails) == {
        ("p@there.example", 1): 1,
        ("q@there.example", 1): 1,
        ("q@there.example", 2): 1,
    }


def test_an_adapter_that_fails_leaves_a_doubt(world: SendingWorld, expect_log: object) -> None:
    expect_log("adapter failed")  # type: ignore[operator]
    world.account("a")
    world.mailbox.answers.append(RuntimeError("boom"))
    world.sequence(prospects=1)
    world.tick()
    assert world.places()[0].state is EnrollmentState.IN_DOUBT


def test_nothing_half_filled_leaves(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=["p@there.example"])
    world.change(steps=(Step("spring-1", 1, 0.0, "Hello", "Dear {{ gone }}"),))
    world.tick()
    assert world.mailbox.tried == []
    (place,) = world.places()
    assert place.finish_reason is FinishReason.FAILED
    (entry,) = world.log(LogKind.FAILED)
    assert "gone" in entry.text and "p@there.example" in entry.text


def test_a_message_that_cannot_be_written_costs_the_next_no_gap(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=3, gap_s=(300.0, 300.0))
    world.change(steps=(Step("spring-1", 1, 0.0, "Hello", "{{ gone }}"),))
    world.tick()
    assert {place.finish_reason for place in world.places()} == {FinishReason.FAILED}


def test_a_step_sent_before_its_number_changed_is_not_sent_again(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=1, steps=2)
    world.tick()
    one, two = world.stored().steps
    world.change(steps=(replace(two, number=1), replace(one, number=2, after_s=DAY_S)))
    world.run(3 * DAY_S, step_s=3600)
    assert len(world.mails) == 1
    assert world.places()[0].finish_reason is FinishReason.COMPLETED


@pytest.mark.parametrize("what", ["sequence", "account", "prospect", "step", "paused", "account paused"])
def test_gone_while_in_flight(world: SendingWorld, what: str) -> None:
    """What is removed, stopped or paused while a mail is in flight: that mail is counted, no other leaves."""
    world.account("a")
    world.account("b", State.PAUSED)
    world.sequence(accounts=["a", "b"], prospects=3, steps=2, gap_s=(1.0, 1.0))
    world.mailbox.on_send = lambda mail: _take_away(world, what)
    world.tick()
    world.mailbox.on_send = lambda mail: None
    world.run(30, step_s=1)
    sent = 1 if what in ("sequence", "account", "paused", "account paused") else 3
    assert len(world.mails) == sent and max(counts(world.mails).values()) == 1
    with world.store.read() as unit:
        counted = unit.touches.counted_since("a", world.clock.now() - timedelta(hours=1))
        assert counted == sent and unit.touches.being_sent() == []
    if what != "sequence":
        first = world.places()[0]
        assert first.done == 1 and world.touch(first.id, "spring-1").state is TouchState.SENT  # type: ignore[union-attr]


def _take_away(world: SendingWorld, what: str) -> None:
    from reply_desktop.domain import enrollment as enrollments
    from reply_desktop.domain.sequence import SequenceMove, moved

    if what == "account":
        with world.store.read() as unit:
            account = unit.accounts.get("a")
        assert account is not None
        world.ledger.remove(account)
        return
    if what == "account paused":
        world.set_state("a", State.PAUSED)
        return
    now = world.clock.now()
    with world.store.begin() as unit:
        sequence = unit.sequences.get("spring")
        assert sequence is not None
        if what == "sequence":
            unit.sequences.remove("spring")
        elif what == "prospect":
            place = unit.enrollments.get(world.mailbox.tried[0].to.join(["spring/", ""]))
            assert place is not None
            unit.enrollments.save(enrollments.finish(place, FinishReason.STOPPED, now))
        elif what == "step":
            later = replace(sequence.steps[1], number=1)
            unit.sequences.save(replace(sequence, steps=(later,), revision=1))
        else:
            unit.sequences.save(moved(sequence, SequenceMove.PAUSE, now))
        unit.commit()
