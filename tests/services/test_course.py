"""The course of sequences: they begin by themselves, say once what keeps them, go on, finish; prospects move."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.sequence import SequenceStatus, Stranded, StrandedKind
from reply_desktop.domain.states import State
from reply_desktop.domain.window import SendingWindow
from tests.fakes.sending import DAY_S, LATER, SendingWorld, counts


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SendingWorld]:
    world = SendingWorld(tmp_path)
    yield world
    world.close()


def test_a_scheduled_sequence_begins_by_itself(world: SendingWorld) -> None:
    world.account("a")
    at = world.clock.now() + timedelta(minutes=15)
    world.sequence(status=SequenceStatus.SCHEDULED, start_at=at, started_at=None)
    assert world.tick() == at
    world.run(899, step_s=899)
    assert world.mails == []
    world.run(2, step_s=1)
    assert len(world.mails) == 3
    assert world.mailbox.probes == ["a"], "accounts are asked before a sequence starts"
    assert [entry.kind for entry in world.log(LogKind.STARTED, LogKind.CANNOT_BEGIN)] == [LogKind.STARTED]
    assert world.log(LogKind.STARTED)[0].at == world.stored().started_at


PROBLEMS = {
    Problem.NO_ACCOUNTS: {"accounts": ()},
    Problem.NO_ACCOUNT_CAN_SEND: {"accounts": ("out",)},
    Problem.NO_PROSPECTS: {"prospects": 0},
    Problem.NO_STEPS: {"steps": 0},
    Problem.WINDOW_EMPTY: {"window": SendingWindow(())},
}


@pytest.mark.parametrize("status", [SequenceStatus.SCHEDULED, SequenceStatus.RUNNING])
@pytest.mark.parametrize("problem", Problem)
def test_what_keeps_it_from_sending_is_told_once(
    world: SendingWorld, problem: Problem, status: SequenceStatus
) -> None:
    world.account("a")
    world.account("out", State.EXPIRED)
    world.sequence(status=status, start_at=world.clock.now(), **PROBLEMS[problem])  # type: ignore[arg-type]
    world.run(3600, step_s=300)
    assert world.mails == [] and world.stored().problem is problem
    (entry,) = world.log(LogKind.CANNOT_BEGIN)
    assert entry.text and world.log(LogKind.CAN_GO_ON) == []


def test_it_goes_on_when_the_problem_is_over(world: SendingWorld) -> None:
    world.account("a", State.EXPIRED)
    world.sequence(status=SequenceStatus.SCHEDULED, start_at=world.clock.now(), started_at=None)
    world.run(600)
    (entry,) = world.log(LogKind.CANNOT_BEGIN)
    assert "a@own.example" in entry.text
    world.set_state("a", State.CONNECTED)
    world.tick()
    assert len(world.mails) == 3
    kinds = [entry.kind for entry in world.log(LogKind.CANNOT_BEGIN, LogKind.CAN_GO_ON, LogKind.STARTED)]
    assert kinds == [LogKind.CANNOT_BEGIN, LogKind.CAN_GO_ON, LogKind.STARTED]


def test_another_problem_is_told_anew(world: SendingWorld) -> None:
    world.account("a", State.EXPIRED)
    world.sequence()
    world.run(60)
    world.change(accounts=())
    world.run(60)
    assert len(world.log(LogKind.CANNOT_BEGIN)) == 2


def test_it_finishes_when_everybody_is_done(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(steps=2)
    world.tick()
    assert world.stored().status is SequenceStatus.RUNNING
    world.run(DAY_S + 60, step_s=3600)
    assert world.stored().status is SequenceStatus.FINISHED
    assert len(world.log(LogKind.FINISHED)) == 1
    assert world.sender.tick() is None


def test_accounts_out_at_the_start_are_named_in_the_log(world: SendingWorld) -> None:
    world.account("a")
    world.account("b", State.EXPIRED)
    world.sequence(accounts="ab", status=SequenceStatus.SCHEDULED, start_at=world.clock.now())
    world.run(60)
    (entry,) = world.log(LogKind.ACCOUNT_OUT)
    assert entry.account == "b@own.example" and "a@own.example" in entry.text


def test_who_cannot_be_read_is_told_once(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(status=SequenceStatus.SCHEDULED, start_at=world.clock.now(), gap_s=(600.0, 600.0))
    world.run(60)
    (entry,) = world.log(LogKind.CANNOT_SEE_REPLIES)
    assert "a@own.example" in entry.text
    world.change(status=SequenceStatus.PAUSED)
    world.run(60)
    world.change(status=SequenceStatus.SCHEDULED, start_at=world.clock.now())
    world.run(60)
    assert len(world.log(LogKind.STARTED)) == 2 and len(world.log(LogKind.CANNOT_SEE_REPLIES)) == 1


def test_who_can_be_read_is_not_told(world: SendingWorld) -> None:
    world.account("a")
    world.mailbox.readable = True
    world.sequence(status=SequenceStatus.SCHEDULED, start_at=world.clock.now())
    world.run(60)
    assert world.log(LogKind.CANNOT_SEE_REPLIES) == []


@pytest.mark.parametrize(
    ("policy", "moves_after_s"),
    [
        (Stranded(), None),
        (Stranded(StrandedKind.MOVE_AFTER, 6 * 3600), 6 * 3600),
        (Stranded(StrandedKind.MOVE_UNSTARTED), None),
    ],
)
def test_follow_ups_of_an_account_that_is_out(
    world: SendingWorld, policy: Stranded, moves_after_s: float | None
) -> None:
    for name in "ab":
        world.account(name)
    world.sequence(accounts="ab", prospects=4, steps=2, gap_s=(2.0, 2.0), stranded=policy)
    world.run(10, step_s=1)
    world.clock.advance(DAY_S)
    world.prove()
    world.set_state("a", State.EXPIRED, Cause.WRONG_PASSWORD)
    world.run(6 * 3600 - 300, step_s=300)
    second = [mail for mail in world.mails if mail.step == 2]
    assert {mail.account for mail in second} == {"b"} and len(second) == 2
    world.run(1200, step_s=60)
    second = [mail for mail in world.mails if mail.step == 2]
    assert len(second) == (4 if moves_after_s else 2) and {mail.account for mail in second} == {"b"}
    assert max(counts(world.mails).values()) == 1
    told = world.log(LogKind.MOVED)
    assert len(told) == (1 if moves_after_s else 0)
    if told:
        assert "2 prospects of a@own.example" in told[0].text
        assert told[0].key == world.log(LogKind.ACCOUNT_OUT)[0].key


@pytest.mark.parametrize(
    ("policy", "moves"), [(Stranded(), False), (Stranded(StrandedKind.MOVE_UNSTARTED), True)]
)
def test_unstarted_prospects_whose_account_is_out(world: SendingWorld, policy: Stranded, moves: bool) -> None:
    """Nothing has reached them, but one try from the account was put off."""
    for name in "ab":
        world.account(name)
    world.mailbox.answers.append(LATER)
    world.sequence(accounts="ab", prospects=1, stranded=policy)
    world.tick()
    world.set_state("a", State.EXPIRED, Cause.WRONG_PASSWORD)
    world.run(3600, step_s=60)
    assert len(world.mails) == (1 if moves else 0)


def test_a_paused_account_strands_too_and_its_thread_loses_the_providers_name(world: SendingWorld) -> None:
    for name in "ab":
        world.account(name)
    world.sequence(accounts="ab", prospects=1, steps=2, stranded=Stranded(StrandedKind.MOVE_AFTER, 3600))
    world.tick()
    world.set_state("a", State.PAUSED)
    world.run(2 * 3600, step_s=600)
    (place,) = world.places()
    assert place.account_id is None and place.thread.message_ids and place.thread.provider_thread is None
    world.run(DAY_S, step_s=600)
    assert [mail.account for mail in world.mails] == ["a", "b"]


def test_an_account_taken_out_of_the_sequence_strands_too(world: SendingWorld) -> None:
    for name in "ab":
        world.account(name)
    world.sequence(accounts="ab", prospects=1, steps=2, stranded=Stranded(StrandedKind.MOVE_AFTER, 60))
    world.tick()
    world.change(accounts=("b",))
    world.run(DAY_S + 3600, step_s=600)
    assert [mail.account for mail in world.mails] == ["a", "b"]


def test_late_mail_is_told_when_a_paused_sequence_goes_on(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=8, steps=2, gap_s=(60.0, 60.0))
    world.run(600, step_s=30)
    world.change(status=SequenceStatus.PAUSED)
    world.clock.advance(2 * DAY_S)
    world.prove()
    world.change(status=SequenceStatus.SCHEDULED, start_at=world.clock.now())
    world.run(60)
    (entry,) = world.log(LogKind.REPACED)
    assert "8 late mails leave over the next 7 minutes" in entry.text or "8 minutes" in entry.text


def test_a_handful_of_late_mails_is_not_worth_a_word(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=3, steps=2, gap_s=(60.0, 60.0))
    world.run(600, step_s=30)
    world.set_state("a", State.EXPIRED, Cause.WRONG_PASSWORD)
    world.clock.advance(2 * DAY_S)
    world.set_state("a", State.CONNECTED)
    world.run(60)
    assert world.log(LogKind.REPACED) == []


def test_removed_meanwhile_nothing_is_written(world: SendingWorld) -> None:
    world.account("a")
    sequence = world.sequence()
    with world.store.begin() as unit:
        unit.sequences.remove("spring")
        unit.commit()
    running, _ = world.course.keep([sequence], lambda account_id: None)
    assert running == []
    world.course.plan_late(sequence, ["a"], None)
