"""The Steps tab: add, duplicate, remove and move steps, all of it with undo, by mouse and by keyboard."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.sequence_draft import Draft
from reply_desktop.ui.steps_tab import NEXT_STEP_S, StepsTab
from tests.fakes.engine import FakeEngine, few_sequences, sequence


@pytest.fixture
def tab(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> StepsTab:
    bridge = open_bridge(FakeEngine(sequences=few_sequences()))
    draft = Draft(bridge)
    made = StepsTab(bridge, draft)
    qtbot.addWidget(made)
    made.resize(1200, 600)
    made.show()
    draft.begin(sequence(2, "Spring outreach"))
    return made


def ids(tab: StepsTab) -> list[str]:
    return [one.id for one in tab._draft.now.steps]


def rows(tab: StepsTab) -> list[str]:
    role = Qt.ItemDataRole.AccessibleTextRole
    return [tab.list.item(at).data(role) for at in range(tab.list.count())]


def test_steps_are_told_with_delay_and_subject(tab: StepsTab) -> None:
    assert rows(tab) == [
        "Step 1, First: A question about {{ company }}",
        "Step 2, 3 days later: Reply in the thread",
        "Step 3, 7 days later: Reply in the thread",
    ]
    assert tab.step is not None and tab.step.id == tab.editor.shown == "t1"
    tab.grab()


def test_a_new_step_comes_last_three_days_later(tab: StepsTab) -> None:
    tab.add_button.click()
    made = tab._draft.now.steps[3]
    assert made.after_s == NEXT_STEP_S and tab.step == made and tab.editor.shown == made.id
    tab.undo_button.click()
    assert ids(tab) == ["t1", "t2", "t3"] and tab.step is not None and tab.step.id == "t3"
    tab.redo_button.click()
    assert len(ids(tab)) == 4 and tab.list.currentRow() == 3


def test_the_first_step_of_all_goes_at_once(tab: StepsTab) -> None:
    tab._draft.begin(replace(sequence(2, "x"), steps=()))
    assert tab.list.count() == 0 and not tab.editor.isEnabled() and not tab.remove_button.isEnabled()
    tab.add_step()
    assert tab._draft.now.steps[0].after_s == 0 and tab.editor.isEnabled()


def test_duplicate_comes_below_and_is_chosen(tab: StepsTab) -> None:
    tab.choose("t2")
    tab.copy_button.click()
    assert ids(tab)[:2] == ["t1", "t2"] and ids(tab)[3] == "t3"
    copied = tab._draft.now.steps[2]
    assert copied.id not in ("t1", "t2", "t3") and copied.body == tab._draft.now.steps[1].body
    assert tab.step == copied
    tab.choose("t1")
    tab.duplicate()
    assert tab._draft.now.steps[1].after_s == NEXT_STEP_S


def test_moving_keeps_the_delays_at_their_places(tab: StepsTab) -> None:
    delays = [one.after_s for one in tab._draft.now.steps]
    tab.choose("t1")
    assert not tab.up_button.isEnabled()
    tab.down_button.click()
    assert ids(tab) == ["t2", "t1", "t3"] and [one.after_s for one in tab._draft.now.steps] == delays
    assert tab.list.currentRow() == 1 and tab.up_button.isEnabled()
    QTest.keyClick(tab.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert ids(tab) == ["t1", "t2", "t3"]
    tab.move_step(-1)
    assert ids(tab) == ["t1", "t2", "t3"]


def test_removing_chooses_the_neighbour_and_can_be_undone(tab: StepsTab) -> None:
    tab.choose("t2")
    tab.list.setFocus()
    QTest.keyClick(tab.list, Qt.Key.Key_Delete)
    assert ids(tab) == ["t1", "t3"] and tab.editor.shown == "t3"
    tab._draft.stack.undo()
    assert ids(tab) == ["t1", "t2", "t3"]


def test_the_tools_say_what_they_undo(tab: StepsTab) -> None:
    assert not tab.undo_button.isEnabled()
    tab.choose("t2")
    tab.remove()
    assert tab.undo_button.accessibleName() == "Undo: remove a step (Ctrl+Z)"
    tab.undo_button.click()
    assert tab.redo_button.toolTip() == "Redo: remove a step (Ctrl+Shift+Z)"


def test_choosing_in_the_list_opens_the_step(tab: StepsTab) -> None:
    tab.list.setCurrentRow(2)
    assert tab.editor.shown == "t3" and tab.editor.format.currentText() == "HTML"
    tab.editor.subject.setText("New")
    assert rows(tab)[2] == "Step 3, 7 days later: New"


def test_with_little_room_the_preview_goes_below(tab: StepsTab) -> None:
    assert tab.panes.orientation() is Qt.Orientation.Horizontal
    tab.resize(760, 600)
    assert tab.panes.orientation() is Qt.Orientation.Vertical


def test_closed_there_is_nothing_to_edit(tab: StepsTab) -> None:
    tab._draft.close()
    assert tab.list.count() == 0 and not tab.isEnabled()
