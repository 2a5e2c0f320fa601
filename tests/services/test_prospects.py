"""Stopping prospects, and settling mails in doubt, on a real store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.enrollment import Enrollment, EnrollmentState, FinishReason
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.sequence import Sequence
from reply_desktop.domain.touch import Touch, TouchState
from reply_desktop.services.prospects import NAMED
from tests.fakes.clock import START
from tests.fakes.sequence_rooms import Rooms


def in_doubt(rooms: Rooms, sequence: Sequence, message_id: str | None = "<1@x>") -> Enrollment:
    """A prospect whose first mail may have gone out ten minutes ago."""
    one = rooms.enroll(
        sequence, "one", 0, "ana", state=EnrollmentState.IN_DOUBT, due_at=None, note="Unknown."
    )
    with rooms.store.begin() as unit:
        unit.touches.add(
            Touch(
                "t1",
                one.id,
                sequence.id,
                sequence.steps[0].id,
                "ana",
                TouchState.IN_DOUBT,
                START - timedelta(minutes=10),
                attempts=1,
                message_id=message_id,
            )
        )
        unit.commit()
    return one


def touch(rooms: Rooms) -> Touch:
    with rooms.store.read() as unit:
        found = unit.touches.get("t1")
    assert found is not None
    return found


def test_stopped_prospects_get_nothing_more(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved())
    one, two = rooms.enroll(made, "one", 1, "ana"), rooms.enroll(made, "two")
    rooms.prospects.stop([one.id, two.id, "gone", one.id])
    for each in (one, two):
        stored = rooms.enrolled(each.id)
        assert (stored.finish_reason, stored.due_at) == (FinishReason.STOPPED, None)
    told = rooms.log(made, LogKind.STOPPED)
    assert [entry.prospect for entry in told] == ["one@prospect.example", "two@prospect.example"]
    changed = {one for event in rooms.of(events.ProspectsChanged) for one in event.enrollment_ids}
    assert changed >= {one.id, two.id}


def test_who_has_ended_stays_as_it_ended(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved())
    one = rooms.enroll(
        made, "one", 3, "ana", state=EnrollmentState.FINISHED, finish_reason=FinishReason.REPLIED, due_at=None
    )
    rooms.prospects.stop([one.id])
    assert rooms.enrolled(one.id).finish_reason is FinishReason.REPLIED
    assert rooms.log(made, LogKind.STOPPED) == []


def test_many_at_once_make_one_entry(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved())
    rooms.prospects.stop([rooms.enroll(made, f"p{n}").id for n in range(NAMED + 1)])
    (entry,) = rooms.log(made, LogKind.STOPPED)
    assert entry.text == "You stopped 51 prospects: nothing more is sent to them."


def test_a_doubt_that_was_sent_goes_on_from_when_it_was(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved())
    one = in_doubt(rooms, made)
    rooms.prospects.settle_doubt([one.id, "gone"], was_sent=True)
    stored = rooms.enrolled(one.id)
    assert (stored.state, stored.done) == (EnrollmentState.ACTIVE, 1)
    assert stored.due_at == START - timedelta(minutes=10) + timedelta(days=1)
    assert (stored.thread.subject, stored.thread.message_ids) == ("Hello One", ("<1@x>",))
    assert (touch(rooms).state, touch(rooms).settled_at) == (TouchState.SENT, START)
    (entry,) = rooms.log(made, LogKind.DOUBT_SETTLED)
    assert entry.text == "Step 1 to one@prospect.example was sent, you said." and entry.key == "t1"
    assert rooms.wakes > 0


def test_a_follow_up_joins_a_mail_whose_id_was_never_heard(rooms: Rooms) -> None:
    one = in_doubt(rooms, rooms.running(rooms.saved()), message_id=None)
    rooms.prospects.settle_doubt([one.id], was_sent=True)
    (message_id,) = rooms.enrolled(one.id).thread.message_ids
    assert "t1" in message_id


def test_a_doubt_that_was_not_sent_is_due_now(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved())
    one = in_doubt(rooms, made)
    rooms.prospects.settle_doubt([one.id], was_sent=False)
    stored = rooms.enrolled(one.id)
    assert (stored.state, stored.due_at, stored.done) == (EnrollmentState.WAITING, START, 0)
    assert touch(rooms).state is TouchState.DEFERRED
    assert "was not sent" in rooms.log(made, LogKind.DOUBT_SETTLED)[0].text


def test_settling_twice_changes_nothing(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved())
    one = in_doubt(rooms, made)
    rooms.prospects.settle_doubt([one.id], was_sent=True)
    rooms.prospects.settle_doubt([one.id], was_sent=False)
    assert touch(rooms).state is TouchState.SENT and len(rooms.log(made, LogKind.DOUBT_SETTLED)) == 1


@pytest.mark.parametrize("was_sent", [True, False])
def test_a_doubt_about_a_step_that_was_edited_away(rooms: Rooms, was_sent: bool) -> None:
    made = rooms.running(rooms.saved())
    one = in_doubt(rooms, made)
    steps = (replace(made.steps[1], subject="Now first"),)
    rooms.desk.save(replace(made, steps=steps))
    rooms.prospects.settle_doubt([one.id], was_sent=was_sent)
    stored = rooms.enrolled(one.id)
    assert (stored.state, stored.due_at, stored.done) == (EnrollmentState.WAITING, START, 0)
    assert "A removed step" in rooms.log(made, LogKind.DOUBT_SETTLED)[0].text
