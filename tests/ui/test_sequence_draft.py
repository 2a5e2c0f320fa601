"""A sequence being edited: every change can be undone, and steps keep who they are over saving."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtWidgets import QApplication

from reply_desktop.domain.sequence import Sequence, SequenceStatus, Stranded, StrandedKind
from reply_desktop.ui.sequence_draft import Draft, Typing, change_end
from tests.fakes.engine import sequence


@pytest.fixture
def draft(qapp: QApplication) -> Draft:
    made = Draft()
    made.begin(sequence(2, "Spring outreach"))
    return made


def typed(draft: Draft, step_id: str, text: str) -> None:
    """Type a text into a step's body, letter by letter."""
    typing = Typing()
    for end in range(1, len(text) + 1):
        before = draft.now.step(step_id)
        assert before is not None
        body = text[:end]
        run = typing.run(before.body, body)
        draft.change_step(step_id, "Change the text", f"{step_id} body {run}", body=body)


def ids(draft: Draft) -> list[str]:
    return [one.id for one in draft.now.steps]


def test_what_was_read_is_clean_and_a_change_is_not(draft: Draft) -> None:
    told: list[bool] = []
    draft.dirty_changed.connect(told.append)
    assert not draft.is_dirty
    draft.change(replace(draft.now, name="Summer"), "Change the name")
    assert draft.is_dirty
    draft.stack.undo()
    assert not draft.is_dirty and draft.now.name == "Spring outreach"
    assert told == [True, False]


def test_a_change_that_changes_nothing_is_none(draft: Draft) -> None:
    draft.change(draft.now, "Nothing")
    assert draft.stack.count() == 0


def test_words_are_undone_one_by_one(draft: Draft) -> None:
    draft.change_step("t1", "Change the text", body="")
    typed(draft, "t1", "good day to you")
    bodies = []
    while draft.stack.canUndo():
        step = draft.now.step("t1")
        assert step is not None
        bodies.append(step.body)
        draft.stack.undo()
    assert bodies == ["good day to you", "good day to ", "good day ", "good ", ""]


def test_moves_and_texts_share_one_history(draft: Draft) -> None:
    first, second, third = draft.now.steps
    draft.change(replace(draft.now, steps=(second, first, third)), "Move a step")
    draft.change_step("t1", "Change the subject", subject="Hello")
    assert [(one.id, one.number) for one in draft.now.steps] == [("t2", 1), ("t1", 2), ("t3", 3)]
    draft.stack.undo()
    draft.stack.undo()
    assert draft.now.steps == (first, second, third)
    draft.stack.redo()
    assert draft.now.step_after(0) is not None and draft.now.steps[0].id == "t2"


def test_new_steps_have_no_id_for_the_engine_and_one_here(draft: Draft) -> None:
    made = draft.new_step(after_s=60.0)
    draft.change(replace(draft.now, steps=(*draft.now.steps, made)), "Add a step")
    assert draft.now.step(made.id) is not None
    assert [one.id for one in draft.request().steps] == ["t1", "t2", "t3", ""]


def test_after_saving_undo_knows_the_steps_by_their_real_ids(draft: Draft) -> None:
    made = draft.new_step()
    draft.change(replace(draft.now, steps=(*draft.now.steps, made)), "Add a step")
    draft.change_step(made.id, "Change the text", body="Hi")
    asked = draft.now
    # Typed while the answer was on its way.
    draft.change(replace(draft.now, steps=draft.now.steps[1:]), "Remove a step")
    stored = replace(
        draft.request(), revision=4, steps=(*sequence(2, "x").steps, replace(made, id="t9", number=4))
    )
    draft.stored(replace(stored, name="Spring outreach"), asked)
    assert ids(draft) == ["t2", "t3", "t9"] and draft.revision == 4
    draft.stack.undo()
    assert ids(draft) == ["t1", "t2", "t3", "t9"]
    draft.stack.undo()
    step = draft.now.step("t9")
    assert step is not None and step.body == ""
    assert [one.id for one in draft.request().steps] == ["t1", "t2", "t3", "t9"]


def test_a_sequence_just_made_is_clean_and_takes_its_first_step(qapp: QApplication) -> None:
    draft = Draft()
    assert not draft.is_open and not draft.is_dirty and draft.revision == 0
    draft.begin(sequence(7, "New", steps=()))
    assert draft.is_open and not draft.is_dirty
    draft.change(replace(draft.now, steps=(draft.new_step(),)), "Add step")
    assert draft.is_dirty
    stored = sequence(7, "New", steps=(replace(draft.now.steps[0], id="t1"),))
    draft.stored(stored, draft.now)
    assert ids(draft) == ["t1"] and not draft.is_dirty


def test_a_launch_elsewhere_is_no_conflict(draft: Draft) -> None:
    draft.change(replace(draft.now, name="Summer"), "Change the name")
    launched = replace(sequence(2, "Spring outreach"), status=SequenceStatus.PAUSED, revision=9)
    assert draft.refreshed(launched)
    assert draft.now.name == "Summer" and draft.request().revision == 9


def test_changes_elsewhere_are_taken_over_or_told(draft: Draft) -> None:
    other = replace(sequence(2, "Renamed elsewhere"), revision=4)
    assert draft.refreshed(other) and draft.now.name == "Renamed elsewhere"
    draft.change(replace(draft.now, sender_name="Eva"), "Change the sender name")
    again = replace(sequence(2, "And again"), revision=5)
    assert not draft.refreshed(again)
    assert draft.now.sender_name == "Eva" and draft.revision == 4


def test_reload_keeps_the_persons_text_one_undo_away(draft: Draft) -> None:
    draft.change_step("t1", "Change the text", body="What I wrote")
    draft.rebase(replace(sequence(2, "Elsewhere"), revision=8))
    assert draft.now.name == "Elsewhere" and not draft.is_dirty
    draft.stack.undo()
    step = draft.now.step("t1")
    assert step is not None and step.body == "What I wrote"
    assert draft.is_dirty and draft.request().revision == 8


def test_discard_can_be_undone(draft: Draft) -> None:
    draft.change(replace(draft.now, stranded=Stranded(StrandedKind.MOVE_UNSTARTED)), "Change")
    draft.discard()
    assert not draft.is_dirty
    draft.stack.undo()
    assert draft.now.stranded.kind is StrandedKind.MOVE_UNSTARTED


def test_closed_nothing_is_edited(draft: Draft) -> None:
    draft.change(replace(draft.now, name="Summer"), "Change the name")
    draft.close()
    assert not draft.is_open and not draft.is_dirty and not draft.stack.canUndo()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("arcmx"), st.integers(0, 5)), max_size=12))
def test_undoing_everything_gives_back_what_was_read(changes: list[tuple[str, int]]) -> None:
    draft = Draft()
    begun: Sequence = sequence(2, "Spring outreach")
    draft.begin(begun)
    for kind, at in changes:
        steps = list(draft.now.steps)
        if kind == "a":
            steps.insert(at, draft.new_step())
        elif kind == "r" and steps:
            steps.pop(at % len(steps))
        elif kind == "c" and steps:
            steps.append(draft.new_step(like=steps[at % len(steps)]))
        elif kind == "m" and steps:
            steps.insert(0, steps.pop(at % len(steps)))
        elif kind == "x" and steps:
            steps[at % len(steps)] = replace(steps[at % len(steps)], body=f"text {at}")
        draft.change(replace(draft.now, steps=tuple(steps)), "Change")
        assert [one.number for one in draft.now.steps] == list(range(1, len(draft.now.steps) + 1))
        assert len(set(ids(draft))) == len(ids(draft))
    end = draft.now
    while draft.stack.canUndo():
        draft.stack.undo()
    assert draft.now == begun
    while draft.stack.canRedo():
        draft.stack.redo()
    assert draft.now == end


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_the_cursor_goes_where_the_change_ends(head: str, old: str, new: str, tail: str) -> None:
    before, after = head + old + tail, head + new + tail
    end = change_end(before, after)
    assert 0 <= end <= len(after)
    assert before.endswith(after[end:])


def test_deleting_and_jumping_begin_a_new_run() -> None:
    typing = Typing()
    runs = [
        typing.run("ab", "abc"),
        typing.run("abc", "abcd"),
        typing.run("abcd", "abc"),
        typing.run("abc", "ab"),
    ]
    assert runs == [1, 1, 2, 2]
    assert typing.run("ab", "xab") == 3
    assert typing.run("xab", "xab pasted") == 4
    typing.stop()
    assert typing.run("xab pasted", "xab pasted!") == 5
