"""What a person does to sequences, on a real store."""

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.enrollment import EnrollmentState, FinishReason
from reply_desktop.domain.errors import AlreadyExists, InvalidInput, NotFound
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.sequence import SequenceStatus, Step, Stranded, StrandedKind
from reply_desktop.domain.states import Color, State
from reply_desktop.domain.window import SendingWindow
from reply_desktop.services.delivery import is_paused
from tests.fakes.clock import START
from tests.fakes.sequence_rooms import STEPS, Rooms
from tests.fakes.world import READ


def test_new_sequence_is_a_draft_with_ids_of_its_own(rooms: Rooms) -> None:
    detail = rooms.desk.save(rooms.plan(" Spring ", status=SequenceStatus.RUNNING, start_at=START))
    made = detail.sequence
    assert (made.name, made.status, made.start_at, made.revision) == ("Spring", SequenceStatus.DRAFT, None, 1)
    assert [step.number for step in made.steps] == [1, 2, 3] and len({step.id for step in made.steps}) == 3
    assert detail.row.indicator is Color.GREY and [one.address for one in detail.senders] == [
        "ana@example.com"
    ]
    assert [row.name for row in rooms.desk.rows()] == ["Spring"]
    assert rooms.of(events.SequencesChanged)[-1].rows[0].name == "Spring"
    assert rooms.desk.find("SPRING") == rooms.desk.find(made.id) == made


def test_a_copy_gets_other_step_ids(rooms: Rooms) -> None:
    first = rooms.saved()
    copy = rooms.desk.save(replace(first, id="", name="Copy")).sequence
    assert not {step.id for step in first.steps} & {step.id for step in copy.steps}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "  "}, "needs a name"),
        ({"name": "x" * 101}, "needs a name"),
        ({"steps": STEPS * 7}, "21 steps"),
        ({"gap_s": (9.0, 3.0)}, "gap of 9 to 3"),
        ({"gap_s": (float("nan"), 3.0)}, "gap of nan"),
        ({"daily_limit": 0}, "limit of 0"),
        ({"window": SendingWindow(opens=time(17), closes=time(9))}, "ends at 09:00"),
        ({"window": SendingWindow(timezone="Europe/Berln")}, "Europe/Berlin"),
        ({"window": SendingWindow(days=())}, "no day"),
        ({"steps": (Step("", 1, 0.0, " ", "Hi"),)}, "Step 1 has no subject"),
        ({"steps": (Step("", 1, 0.0, "S", "Dear {{ first_name"),)}, "tep 1"),
        ({"steps": (*STEPS, Step("", 4, -1.0, "", "x"))}, "Step 4 waits"),
        ({"accounts": ("ana", "ana")}, "twice"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(rooms: Rooms, change: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        rooms.desk.save(replace(rooms.plan(), **change))
    assert rooms.desk.rows() == []


def test_a_template_error_names_step_and_line(rooms: Rooms) -> None:
    steps = (STEPS[0], Step("", 2, 60.0, "", "Fine\n{{ oh no }}"))
    with pytest.raises(InvalidInput, match=r"(?s)tep 2.*line 2"):
        rooms.desk.save(rooms.plan(steps=steps))


def test_names_accounts_and_sequences_must_be_there(rooms: Rooms) -> None:
    made = rooms.saved()
    with pytest.raises(AlreadyExists, match="Spring"):
        rooms.saved("SPRING")
    with pytest.raises(NotFound, match="account"):
        rooms.saved("Other", ["gone"])
    with pytest.raises(NotFound, match="not there"):
        rooms.desk.save(replace(made, id="gone"))
    with pytest.raises(NotFound, match="no sequence “none”"):
        rooms.desk.detail("none")


def test_two_fronts_do_not_overwrite_each_other(rooms: Rooms) -> None:
    made = rooms.saved()
    rooms.desk.save(replace(made, daily_limit=10))
    with pytest.raises(InvalidInput, match=r"changed meanwhile\. Open it again"):
        rooms.desk.save(replace(made, daily_limit=20))
    assert rooms.stored(made.id).daily_limit == 10


def test_saving_the_same_changes_nothing(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved())
    assert rooms.desk.save(made).sequence == made
    assert rooms.log(made) == []


def test_an_edit_of_a_running_sequence_is_logged_in_words(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved())
    changed = replace(
        made, accounts=("ana", "ben"), daily_limit=7,
        steps=(made.steps[0], replace(made.steps[1], body="New"), Step("", 0, 60.0, "", "More")),
    )  # fmt: skip
    saved = rooms.desk.save(changed).sequence
    (entry,) = rooms.log(made, LogKind.EDITED)
    for part in (
        "from ben@example.com",
        "limit of 7",
        "step 2 has another text",
        "step 3 was removed",
        "step 3 is new",
    ):
        assert part in entry.text
    assert saved.status is SequenceStatus.RUNNING and saved.revision == made.revision + 1
    assert rooms.of(events.LogAdded)[-1].entries[-1].kind is LogKind.EDITED
    assert rooms.wakes > 1


def test_who_was_left_by_a_removed_account_goes_on_once_the_policy_lets_it(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved())
    left = rooms.enroll(made, "one", 1, None, due_at=None)
    kept = rooms.desk.save(replace(made, stranded=Stranded(StrandedKind.MOVE_UNSTARTED))).sequence
    assert rooms.enrolled(left.id).due_at is None
    rooms.desk.save(replace(kept, stranded=Stranded(StrandedKind.MOVE_AFTER, 60.0)))
    assert left.last_sent_at is not None
    assert rooms.enrolled(left.id).due_at == left.last_sent_at + timedelta(seconds=made.steps[1].after_s)


def test_a_changed_delay_moves_waiting_follow_ups(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved())
    first, second = rooms.enroll(made, "one", 1, "ana"), rooms.enroll(made, "two", 2, "ana")
    steps = (made.steps[0], replace(made.steps[1], after_s=3600.0 * 5), made.steps[2])
    rooms.desk.save(replace(made, steps=steps))
    assert rooms.enrolled(first.id).due_at == START + timedelta(hours=4)
    assert rooms.enrolled(second.id).due_at == second.due_at


def test_removed_steps_are_skipped_and_nobody_gets_one_twice(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved())
    new, one, two = (
        rooms.enroll(made, name, done, "ana") for name, done in (("new", 0), ("one", 1), ("two", 2))
    )
    rooms.desk.save(replace(made, steps=made.steps[:2]))
    assert rooms.enrolled(two.id).finish_reason is FinishReason.COMPLETED
    assert rooms.enrolled(one.id).done == 1 and rooms.enrolled(one.id).state is EnrollmentState.ACTIVE
    stored = rooms.stored(made.id)
    rooms.desk.save(replace(stored, steps=(replace(stored.steps[1], subject="Now first"),)))
    assert rooms.enrolled(one.id).done == 0 and rooms.enrolled(one.id).due_at == START + timedelta(hours=23)
    assert rooms.enrolled(new.id).due_at == new.due_at


def test_an_inserted_and_an_appended_step(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved())
    one, two = rooms.enroll(made, "one", 1, "ana"), rooms.enroll(made, "two", 2, "ana")
    wedge, last = Step("", 0, 7200.0, "", "Wedge"), Step("", 0, 60.0, "", "Last")
    saved = rooms.desk.save(replace(made, steps=(made.steps[0], wedge, *made.steps[1:], last))).sequence
    assert [step.number for step in saved.steps] == [1, 2, 3, 4, 5]
    # Who had step 1 gets the wedge; who had the step behind it does not.
    assert (rooms.enrolled(one.id).done, rooms.enrolled(one.id).due_at) == (1, START + timedelta(hours=1))
    assert (rooms.enrolled(two.id).done, rooms.enrolled(two.id).due_at) == (3, two.due_at)


def test_an_account_taken_out_says_who_is_stranded(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved(accounts=("ana", "ben")))
    rooms.enroll(made, "one", 1, "ben")
    rooms.desk.save(replace(made, accounts=("ana",)))
    (entry,) = rooms.log(made, LogKind.EDITED)
    assert "no longer sends from ben@example.com" in entry.text and "1 of them" in entry.text


@pytest.mark.parametrize(("chance", "minutes"), [(0.0, 10), (0.5, 15), (0.999999, 20)])
def test_launch_begins_by_itself_in_10_to_20_minutes(rooms: Rooms, chance: float, minutes: int) -> None:
    rooms.chance = chance
    made = rooms.saved()
    rooms.enroll(made, "one")
    row = rooms.desk.launch("spring")
    assert row.start_at is not None
    assert abs(row.start_at - START - timedelta(minutes=minutes)) < timedelta(seconds=1)
    assert (row.status, row.problem, row.indicator) == (SequenceStatus.SCHEDULED, None, Color.GREEN)
    (entry,) = rooms.log(made)
    assert entry.kind is LogKind.LAUNCHED and "by itself at 2026-03-02 09:" in entry.text
    assert rooms.checked == ["ana"]


def test_launch_at_a_time_or_now(rooms: Rooms) -> None:
    made = rooms.saved()
    later = START + timedelta(days=1)
    assert rooms.desk.launch(made.id, later).start_at == later
    assert rooms.desk.launch(made.id, START - timedelta(seconds=30)).start_at == START
    assert rooms.desk.launch(made.id, at_once=True).start_at == START
    with pytest.raises(InvalidInput, match="is over"):
        rooms.desk.launch(made.id, START - timedelta(minutes=2))


def test_launch_tells_what_keeps_it_from_sending(rooms: Rooms) -> None:
    rooms.account("cem", State.EXPIRED, cause=Cause.GRANT_REVOKED)
    made = rooms.saved(accounts=("cem",))
    row = rooms.desk.launch(made.id)
    assert (row.problem, row.indicator) == (Problem.NO_ACCOUNT_CAN_SEND, Color.RED)
    assert "cem@example.com" in rooms.log(made, LogKind.CANNOT_BEGIN)[0].text
    assert rooms.desk.launch(made.id).problem is Problem.NO_ACCOUNT_CAN_SEND


def test_pause_and_go_on(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved())
    assert rooms.desk.pause(made.id).status is SequenceStatus.PAUSED
    with pytest.raises(InvalidInput, match="is paused"):
        rooms.desk.pause(made.id)
    assert rooms.desk.launch(made.id, at_once=True).status is SequenceStatus.SCHEDULED
    assert [one.kind for one in rooms.log(made)][:2] == [LogKind.PAUSED, LogKind.LAUNCHED]


def test_remove_is_all_or_nothing(rooms: Rooms) -> None:
    one, two = rooms.saved("One"), rooms.saved("Two")
    with pytest.raises(NotFound):
        rooms.desk.remove([one.id, "gone"])
    assert len(rooms.desk.rows()) == 2
    rooms.desk.remove([one.id, "two"])
    assert rooms.desk.rows() == []
    assert [(e.sequence_id, e.name) for e in rooms.of(events.SequenceRemoved)] == [
        (one.id, "One"),
        (two.id, "Two"),
    ]


def test_all_sending_can_be_paused_and_stays_so(rooms: Rooms) -> None:
    assert not rooms.desk.sending_paused
    rooms.desk.pause_sending(True)
    rooms.desk.pause_sending(True)
    with rooms.store.read() as unit:
        assert is_paused(unit) and rooms.desk.sending_paused
    rooms.desk.pause_sending(False)
    assert [event.paused for event in rooms.of(events.SendingPaused)] == [True, False]


def test_detail_tells_each_sender(rooms: Rooms) -> None:
    rooms.account("cem", State.EXPIRED, cause=Cause.GRANT_REVOKED, scopes=(READ,))
    rooms.account("dan", State.PAUSED)
    made = rooms.running(rooms.saved(accounts=("ana", "cem", "dan")))
    rooms.enroll(made, "one", 1, "cem", due_at=START)
    rooms.enroll(made, "two", 1, "cem")
    ana, cem, dan = rooms.desk.detail(made.id).senders
    assert (ana.explanation, ana.todo, ana.reads, ana.waiting) == ("", "", False, 0)
    assert "removed" in cem.explanation and "Reconnect" in cem.todo and cem.reads and cem.waiting == 1
    assert dan.explanation == "You paused it." and dan.waiting == 0
    assert rooms.desk.detail(made.id).fields == ("first_name",)
