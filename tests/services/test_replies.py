"""Inboxes: each message is handled once, and does to its sequence what it means and nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.enrollment import EnrollmentState, FinishReason
from reply_desktop.domain.errors import StoreFull
from reply_desktop.domain.inbox import InboxMessage
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.prospect import SuppressionReason
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.states import State
from reply_desktop.services.ports import InboxPage, SendResult
from tests.fakes.sending import DAY_S, UNKNOWN, SendingWorld

P, Q = "p@there.example", "q@there.example"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SendingWorld]:
    world = SendingWorld(tmp_path)
    world.mailbox.readable = True
    world.account("a")
    yield world
    world.close()


def comes_in(world: SendingWorld, *messages: InboxMessage, cursor: str = "c1", more: bool = False) -> None:
    world.mailbox.pages.append(InboxPage(PROVEN, messages, cursor, more))
    world.replies.look()


def message(
    world: SendingWorld, sender: str = P, subject: str = "Re: Hello", **given: object
) -> InboxMessage:
    return InboxMessage(world.new_id(), world.clock.now(), sender, subject, **given)  # type: ignore[arg-type]


def sent(world: SendingWorld, prospects: tuple[str, ...] = (P, Q), **given: object) -> None:
    world.sequence(prospects=prospects, steps=2, **given)  # type: ignore[arg-type]
    world.tick()


def own_id(world: SendingWorld, number: int = 0) -> str:
    return world.places()[number].thread.message_ids[0]


HOW = {
    "references": lambda world: message(
        world, "assistant@there.example", references=("<x@y>", own_id(world))
    ),
    "sender": lambda world: message(world),
    "marker": lambda world: message(
        world, "assistant@there.example", markers=(own_id(world)[1:].partition("@")[0],)
    ),
    "thread": lambda world: message(world, "assistant@there.example", provider_thread="t-1"),
}


@pytest.mark.parametrize("how", HOW)
def test_a_reply_stops_the_sequence_for_who_wrote(world: SendingWorld, how: str) -> None:
    world.mailbox.answers.append(SendResult(PROVEN, thread_id="t-1"))
    sent(world)
    comes_in(world, HOW[how](world))
    first, second = world.places()
    assert (first.finish_reason, second.finish_reason) == (FinishReason.REPLIED, None)
    (entry,) = world.log(LogKind.REPLIED)
    assert (entry.prospect, entry.account) == (P, "a@own.example")
    world.run(2 * DAY_S, step_s=3600)
    assert [mail.to for mail in world.mails] == [P, Q, Q]
    assert world.stored().status is SequenceStatus.FINISHED


def test_a_sequence_may_go_on_after_a_reply(world: SendingWorld) -> None:
    sent(world, stop_on_reply=False)
    comes_in(world, message(world))
    assert world.places()[0].state is EnrollmentState.ACTIVE
    assert "goes on" in world.log(LogKind.REPLIED)[0].text


def test_an_automatic_reply_stops_nothing(world: SendingWorld) -> None:
    sent(world)
    comes_in(world, message(world, subject="Automatic reply: Hello", auto_submitted="auto-replied"))
    assert world.places()[0].state is EnrollmentState.ACTIVE
    assert len(world.log(LogKind.AUTO_REPLIED)) == 1


def test_a_hard_bounce_ends_it_and_suppresses_the_address(world: SendingWorld) -> None:
    sent(world)
    world.sequence("autumn", prospects=[P], gap_s=(60.0, 60.0))
    report = message(
        world, "mailer-daemon@there.example", "Undelivered", is_report=True, failed=((P, "5.1.1"),)
    )
    comes_in(world, report)
    assert world.places()[0].finish_reason is FinishReason.BOUNCED
    assert "5.1.1" in world.log(LogKind.BOUNCED)[0].text
    with world.store.read() as unit:
        assert unit.suppressions.has(P) and not unit.suppressions.has(Q)
    world.run(600)
    assert world.places("autumn")[0].finish_reason is FinishReason.SUPPRESSED


def test_a_soft_bounce_is_told_and_stops_nothing(world: SendingWorld) -> None:
    sent(world)
    report = message(world, "mailer-daemon@there.example", "Delayed", is_report=True, failed=((P, "4.4.1"),))
    comes_in(world, report)
    assert world.places()[0].state is EnrollmentState.ACTIVE
    assert "may pass" in world.log(LogKind.BOUNCED)[0].text


def test_unsubscribing_holds_everywhere(world: SendingWorld) -> None:
    sent(world)
    world.account("b")
    world.sequence("autumn", prospects=[P], accounts="b", window=world.stored().window, gap_s=(60.0, 60.0),
                   status=SequenceStatus.PAUSED)  # fmt: skip
    marker = own_id(world)[1:].partition("@")[0]
    comes_in(world, message(world, "elsewhere@there.example", f"unsubscribe {marker}"))
    assert world.places()[0].finish_reason is FinishReason.UNSUBSCRIBED
    assert world.places("autumn")[0].finish_reason is FinishReason.UNSUBSCRIBED
    rows, _ = world.store.reads.sequences.suppressions("", 10, 0)
    assert [(row.email, row.reason) for row in rows] == [(P, SuppressionReason.UNSUBSCRIBED)]
    assert (
        len(world.log(LogKind.UNSUBSCRIBED))
        == len(world.log(LogKind.UNSUBSCRIBED, sequence_id="autumn"))
        == 1
    )


def test_a_reply_after_the_last_step_is_told_all_the_same(world: SendingWorld) -> None:
    world.sequence(prospects=[P])
    world.tick()
    world.tick()
    assert world.stored().status is SequenceStatus.FINISHED
    world.clock.advance(5 * DAY_S)
    world.prove()
    comes_in(world, message(world))
    assert world.places()[0].finish_reason is FinishReason.REPLIED
    world.clock.advance(30 * DAY_S)
    world.prove()
    assert world.replies.look() == 0


def test_a_reply_proves_that_a_mail_in_doubt_arrived(world: SendingWorld) -> None:
    world.mailbox.answers.append(UNKNOWN)
    sent(world, stop_on_reply=False)
    (touch,) = _doubts(world)
    comes_in(world, message(world, references=(touch,)))
    first = world.places()[0]
    assert (first.state, first.done) == (EnrollmentState.ACTIVE, 1) and first.due_at is not None
    assert first.thread.message_ids == (touch,)


def _doubts(world: SendingWorld) -> list[str]:
    with world.store.read() as unit:
        return [touch.message_id or "" for touch in unit.touches.in_doubt()]


def test_what_is_not_about_us_is_left_alone(world: SendingWorld) -> None:
    sent(world)
    before = len(world.log())
    comes_in(
        world,
        message(world, "stranger@else.example", "Offer"),
        message(world, "a@own.example", "Note to self"),
        message(
            world, "mailer-daemon@else.example", "Undelivered", is_report=True, failed=(("x@y", "5.1.1"),)
        ),
    )
    assert len(world.log()) == before


def test_each_message_is_handled_once_even_when_the_disk_was_full(world: SendingWorld) -> None:
    sent(world)
    comes_in(world, cursor="c1")
    real, full = world.store.begin, [True]

    def begin(*, durable: bool = False):
        if full.pop() if full else False:
            raise StoreFull("The disk is full.")
        return real(durable=durable)

    world.store.begin = begin  # type: ignore[method-assign]
    page = message(world)
    with pytest.raises(StoreFull):
        world.mailbox.pages.append(InboxPage(PROVEN, (page,), "c2"))
        world.replies.read("a")
    comes_in(world, page, cursor="c2")
    world.replies.look()
    assert world.mailbox.cursors == [None, "c1", "c1", "c2"]
    assert len(world.log(LogKind.REPLIED)) == 1


def test_more_than_a_page_is_read_at_once(world: SendingWorld) -> None:
    sent(world)
    world.mailbox.pages.append(InboxPage(PROVEN, (message(world),), "c1", more=True))
    comes_in(world, message(world, Q), cursor="c2")
    assert {place.finish_reason for place in world.places()} == {FinishReason.REPLIED}


def test_a_mailbox_that_cannot_be_read_has_its_account_checked(world: SendingWorld) -> None:
    sent(world)
    world.mailbox.probes.clear()
    world.mailbox.pages.append(InboxPage(Outcome(Cause.WRONG_PASSWORD)))
    world.replies.look()
    assert world.mailbox.probes == ["a"] and world.state("a") is State.CONNECTED
    world.mailbox.pages.append(InboxPage(Outcome(Cause.OFFLINE)))
    world.replies.look()
    assert world.mailbox.probes == ["a"]


def test_only_what_may_be_read_and_is_used_is_read(world: SendingWorld) -> None:
    world.account("unused")
    world.account("out", State.EXPIRED)
    sent(world, accounts="a")
    world.sequence("draft", status=SequenceStatus.DRAFT, accounts=["unused"], prospects=0)
    world.sequence("on", accounts=["out"], prospects=0)
    assert world.replies.look() == 1
    world.mailbox.readable = False
    assert world.replies.look() == 0


@pytest.mark.parametrize("how", HOW)
def test_a_reply_to_an_account_taken_out_of_the_sequence_is_seen(world: SendingWorld, how: str) -> None:
    world.mailbox.answers.append(SendResult(PROVEN, thread_id="t-1"))
    sent(world)
    world.account("b", provider=Provider.GOOGLE)
    world.change(accounts=("b",))
    comes_in(world, HOW[how](world))
    assert [place.finish_reason for place in world.places()] == [FinishReason.REPLIED, None]


def test_an_account_taken_out_is_read_as_long_as_it_may_matter(world: SendingWorld) -> None:
    world.mailbox.answers.append(UNKNOWN)
    sent(world, (P,))
    world.change(accounts=())
    comes_in(world, message(world, references=tuple(_doubts(world))))
    assert world.places()[0].finish_reason is FinishReason.REPLIED
    assert world.replies.look() == 0


def test_what_is_in_doubt_is_looked_for_along_the_way(world: SendingWorld) -> None:
    world.mailbox.answers.append(UNKNOWN)
    sent(world)
    world.replies.look()
    assert len(world.mailbox.searched) == 1


def test_stopped_it_begins_no_inbox(world: SendingWorld) -> None:
    sent(world)
    world.replies.stop()
    world.replies.look()
    assert world.mailbox.cursors == []


def test_the_first_look_goes_back_to_the_beginning_of_the_sequence(world: SendingWorld) -> None:
    sent(world)
    seen = []
    real = world.mailbox.read_inbox

    def read(account, credentials, cursor, since, limit=200):
        seen.append(since)
        return real(account, credentials, cursor, since, limit)

    world.mailbox.read_inbox = read  # type: ignore[method-assign]
    begun = world.stored().started_at
    world.clock.advance(timedelta(hours=3))
    world.prove()
    world.replies.look()
    assert seen == [begun]


def test_the_first_look_at_an_account_taken_out_does_so_too(world: SendingWorld) -> None:
    sent(world)
    world.change(accounts=())
    world.clock.advance(timedelta(hours=3))
    world.prove()
    early = replace(message(world), at=world.clock.now() - timedelta(hours=2))
    since = []
    real = world.mailbox.read_inbox

    def read(account, credentials, cursor, since_at, limit=200):
        since.append(since_at)
        return real(account, credentials, cursor, since_at, limit)

    world.mailbox.read_inbox = read  # type: ignore[method-assign]
    comes_in(world, early)
    assert since == [world.stored().started_at]


@pytest.mark.parametrize("slept", [timedelta(days=3), -timedelta(hours=1)])
def test_who_answered_while_nobody_looked_gets_no_follow_up(world: SendingWorld, slept: timedelta) -> None:
    world.sender.catch_up = world.replies.catch_up
    sent(world)
    assert world.mailbox.cursors == [None]
    world.run(120, step_s=60)
    assert world.mailbox.cursors == [None], "nothing leaves, so nothing is read"
    world.mailbox.pages.append(InboxPage(PROVEN, (message(world),), "c1"))
    world.clock.set_wall(world.clock.now() + slept)
    world.prove()
    world.run(2 * DAY_S, step_s=3600)
    assert [(mail.to, mail.step) for mail in world.mails] == [(P, 1), (Q, 1), (Q, 2)]
    assert world.places()[0].finish_reason is FinishReason.REPLIED


def test_an_inbox_looked_into_just_now_is_not_read_again(world: SendingWorld) -> None:
    world.sender.catch_up = world.replies.catch_up
    world.sequence(prospects=20, gap_s=(60.0, 60.0))
    world.run(20 * 60)
    assert len(world.mails) == 20
    assert 3 <= len(world.mailbox.cursors) <= 5


def test_an_inbox_that_cannot_be_read_holds_up_nothing(world: SendingWorld) -> None:
    world.sender.catch_up = world.replies.catch_up
    world.mailbox.pages.append(InboxPage(Outcome(Cause.UNREACHABLE)))
    sent(world)
    assert [mail.to for mail in world.mails] == [P, Q]
