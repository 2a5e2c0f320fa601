"""After a crash: a mail that was being sent is in doubt, looked for where that is possible, never sent again."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reply_desktop.domain.enrollment import EnrollmentState, Thread
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.outcome import PROVEN
from reply_desktop.domain.states import State
from reply_desktop.domain.touch import TouchState
from reply_desktop.services.ports import SentSearch
from tests.fakes.sending import DAY_S, Mail, SendingWorld


class Killed(BaseException):
    """kill -9, as far as one process can do that to itself."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SendingWorld]:
    world = SendingWorld(tmp_path)
    world.account("a")
    yield world
    world.close()


def die(mail: Mail) -> None:
    raise Killed


def crash(world: SendingWorld) -> None:
    """The engine dies with its first mail under way, and is started again."""
    world.mailbox.on_send = die
    with pytest.raises(Killed):
        world.sender.tick()
    world.mailbox.on_send = lambda mail: None
    world.close()
    world.open()
    world.sender.start()


def test_what_was_being_sent_is_in_doubt_and_says_what_to_do(world: SendingWorld) -> None:
    world.sequence(prospects=["p@there.example", "q@there.example"], steps=2)
    crash(world)
    first, second = world.places()
    touch = world.touch(first.id, "spring-1")
    assert touch is not None and touch.state is TouchState.IN_DOUBT
    assert (first.state, first.due_at, first.account_id) == (EnrollmentState.IN_DOUBT, None, "a")
    (entry,) = world.log(LogKind.IN_DOUBT)
    assert (entry.account, entry.prospect, entry.key) == ("a@own.example", "p@there.example", touch.id)
    assert "the app ended" in entry.text and "Sent folder" in entry.text
    world.run(3 * DAY_S, step_s=3600)
    assert [mail.to for mail in world.mails] == ["p@there.example", "q@there.example", "q@there.example"]
    assert second.state is EnrollmentState.WAITING
    assert len(world.log(LogKind.IN_DOUBT)) == 1


def test_a_reservation_that_never_left_is_in_doubt_too(world: SendingWorld) -> None:
    world.sequence(prospects=1)
    world.mailbox.doubtful_arrive = False
    crash(world)
    assert world.places()[0].state is EnrollmentState.IN_DOUBT


def test_a_crash_keeps_the_gap(world: SendingWorld) -> None:
    world.sequence(prospects=2, gap_s=(300.0, 300.0))
    crash(world)
    world.run(299, step_s=299)
    assert len(world.mails) == 1
    world.run(10, step_s=1)
    assert len(world.mails) == 2


def test_what_is_found_was_sent_and_goes_on(world: SendingWorld) -> None:
    world.sequence(prospects=1, steps=2)
    crash(world)
    world.mailbox.readable = True
    world.mailbox.search = SentSearch(PROVEN, True, "<found@there>", "id-1", "thread-1")
    assert world.recovery.look() == 1
    (place,) = world.places()
    touch = world.touch(place.id, "spring-1")
    assert touch is not None and world.mailbox.searched == [touch.id]
    assert (touch.state, touch.message_id) == (TouchState.SENT, "<found@there>")
    assert place.thread == Thread("Hello", ("<found@there>",), "thread-1")
    assert place.due_at == touch.reserved_at + timedelta(days=1)
    assert len(world.log(LogKind.DOUBT_SETTLED)) == 1
    world.run(DAY_S + 60, step_s=3600)
    assert [mail.step for mail in world.mails] == [1, 2]


@pytest.mark.parametrize("found", [False, None])
def test_what_is_not_found_stays_in_doubt(world: SendingWorld, found: bool | None) -> None:
    world.sequence(prospects=1)
    crash(world)
    world.mailbox.readable = True
    world.mailbox.search = SentSearch(PROVEN, found)
    assert world.recovery.look() == 0
    assert world.places()[0].state is EnrollmentState.IN_DOUBT


def test_it_is_not_looked_for_where_that_makes_no_sense(world: SendingWorld) -> None:
    world.sequence(prospects=1)
    crash(world)
    assert world.recovery.look() == 0
    world.mailbox.readable = True
    world.set_state("a", State.PAUSED)
    world.recovery.look()
    world.set_state("a", State.CONNECTED)
    world.clock.advance(4 * DAY_S)
    world.prove()
    world.recovery.look()
    assert world.mailbox.searched == []


def test_doubts_of_a_sequence_that_is_gone_are_gone_with_it(world: SendingWorld) -> None:
    world.sequence(prospects=1)
    world.mailbox.on_send = die
    with pytest.raises(Killed):
        world.sender.tick()
    with world.store.begin() as unit:
        unit.sequences.remove("spring")
        unit.commit()
    assert world.recovery.start() == 0 and world.recovery.look() == 0


def test_what_was_settled_is_not_lost_sight_of(world: SendingWorld) -> None:
    world.sequence(prospects=1)
    world.tick()
    (place,) = world.places()
    before = world.touch(place.id, "spring-1")
    assert before is not None
    world.recovery.lose_sight(before.id)
    world.recovery.lose_sight("gone")
    assert world.touch(place.id, "spring-1") == before and world.log(LogKind.IN_DOUBT) == []
