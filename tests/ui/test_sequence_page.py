"""The page of one sequence: header, tabs, saving, conflicts, launching, and the ways to and from it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QTableView, QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.events import SequenceRemoved
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.states import Color, State
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.log_model import TEXT
from reply_desktop.ui.sequence_page import TABS, SequencePage, counts_words, next_words
from tests.fakes.engine import (
    NOW,
    FakeEngine,
    few,
    few_log,
    few_sequences,
    log_entry,
    prospects,
    sequence,
    sequence_row,
)
from tests.harness.settling import activate, settle

Open = Callable[..., SequencePage]
INTERACTIVE = (QAbstractButton, QLineEdit, QComboBox)


def world() -> FakeEngine:
    engine = FakeEngine(few(), sequences=few_sequences())
    engine.sequences.enroll("s2", prospects(60))
    engine.sequences.log = few_log()
    return engine


@pytest.fixture
def open_page(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Open:
    def opened(engine: FakeEngine, sequence_id: str | None = "s2") -> SequencePage:
        page = SequencePage(open_bridge(engine), lambda: NOW, lambda url: True)
        qtbot.addWidget(page)
        page.resize(1120, 700)
        page.show()
        if sequence_id is not None:
            page.open_sequence(sequence_id)
            qtbot.waitUntil(lambda: page.detail is not None)
        settle(qtbot, page._bridge)
        return page

    return opened


def lit(page: SequencePage) -> str:
    log = page.log
    row = log.model.row_of(log.table.highlighted) if log.table.highlighted is not None else None
    return "" if row is None else str(log.model.index(row, TEXT).data())


# Header


def test_the_header_says_how_it_stands(open_page: Open) -> None:
    page = open_page(world())
    assert page.name.text() == "Spring outreach" and page.status.text() == "Active"
    assert page.toggle.isChecked() and "Sending goes on from 1 of 2" in page.toggle.toolTip()
    assert page.counts.text() == "1,200 prospects = 700 waiting + 298 active + 2 in doubt + 200 finished"
    assert page.sent.text() == "1,290 sent" and page.next.text() == "Next mail in 4 min"
    assert page.doubt_button.text() == "2 in doubt"
    assert page.pause_button.isVisible() and not page.launch_button.isVisible()


@pytest.mark.parametrize(
    "row", [*few_sequences(), sequence_row(9, "x", prospects=1, waiting=1, active=0, finished=0)]
)
def test_counts_add_up(row: object) -> None:
    told = counts_words(row)  # type: ignore[arg-type]
    if told != "No prospects yet":
        whole, _, parts = told.partition(" = ")
        numbers = [int(part.split()[0].replace(",", "")) for part in parts.split(" + ")]
        assert int(whole.split()[0].replace(",", "")) == sum(numbers)


def test_when_it_begins_and_when_mail_leaves() -> None:
    scheduled = few_sequences()[3]
    assert next_words(scheduled, NOW).startswith("Starts in 12 min (3 Mar")
    assert next_words(replace(scheduled, start_at=None), NOW) == "Next mail in 12 min"
    assert next_words(replace(scheduled, start_at=None, next_send_at=None), NOW) == ""


def test_events_change_the_header(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine)
    engine.change_sequence(
        "s2", indicator=Color.GREEN, in_doubt=0, waiting=702, sent=1_291, tooltip="All well."
    )
    qtbot.waitUntil(lambda: page.sent.text() == "1,291 sent")
    assert not page.doubt_button.isVisible() and "All well." in page.toggle.toolTip()
    page._again.setInterval(0)
    before = len(engine.of(m.GetSequence))
    engine.change("a2", state=State.CONNECTED, cause=None)
    qtbot.waitUntil(lambda: len(engine.of(m.GetSequence)) > before)


def test_those_in_doubt_are_one_click_away(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(world())
    page.doubt_button.click()
    assert page.tab == "prospects" and page.prospects.choice.currentText() == "In doubt"


# Saving


def test_a_change_is_saved(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine)
    assert not page.bar.isVisible() and not page.has_unsaved
    page.name.setFocus()
    page.name.selectAll()
    QTest.keyClicks(page.name, "Summer")
    assert page.bar.isVisible() and page.has_unsaved
    page.bar.save_button.click()
    qtbot.waitUntil(lambda: not page.bar.isVisible())
    (saved,) = engine.of(m.SaveSequence)
    assert saved.sequence.name == "Summer" and saved.sequence.revision == 3
    while page.draft.stack.canUndo():
        page.draft.stack.undo()
    assert page.name.text() == "Spring outreach" and page.bar.isVisible()
    page.save()
    qtbot.waitUntil(lambda: len(engine.of(m.SaveSequence)) == 2 and not page.bar.isVisible())
    assert engine.of(m.SaveSequence)[1].sequence.revision == 4


def test_keys_save_undo_and_redo_everywhere(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine)
    activate(qtbot, page)
    page.steps.editor.body.setFocus()
    qtbot.waitUntil(page.steps.editor.body.hasFocus)
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    QTest.keyClicks(page.steps.editor.body, "Hey ")
    QTest.keyClick(page.steps.editor.body, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert [one.id for one in page.draft.now.steps] == ["t2", "t1", "t3"]
    QTest.keyClick(page.steps.editor.body, Qt.Key.Key_Z, control)
    assert [one.id for one in page.draft.now.steps] == ["t1", "t2", "t3"]
    QTest.keyClick(page.steps.editor.body, Qt.Key.Key_Z, control)
    assert not page.has_unsaved
    QTest.keyClick(page.steps.editor.subject, Qt.Key.Key_Z, control | shift)
    assert page.draft.now.steps[0].body.startswith("Hey ")
    QTest.keyClick(page.steps.editor.body, Qt.Key.Key_S, control)
    qtbot.waitUntil(lambda: len(engine.of(m.SaveSequence)) == 1)


def test_discard_goes_back_to_what_is_stored(open_page: Open) -> None:
    page = open_page(world())
    page.steps.editor.subject.setText("Else")
    page.bar.discard_button.click()
    assert not page.bar.isVisible() and page.steps.editor.subject.text() == "A question about {{ company }}"


def test_a_refusal_keeps_what_was_written(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine)
    engine.errors[m.SaveSequence] = InvalidInput("Step 1: there is no “| shout”.", "Correct the field.")
    page.steps.editor.subject.setText("{{ name | shout }}")
    page.save()
    qtbot.waitUntil(lambda: page.note.text() == "Step 1: there is no “| shout”. Correct the field.")
    assert page.bar.isVisible() and page.bar.save_button.isEnabled()
    assert page.steps.editor.subject.text() == "{{ name | shout }}"


def test_two_windows_at_once_lose_nothing(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine)
    page.steps.editor.subject.setText("Mine")
    stored = engine.sequences.whole("s2")
    engine.sequences.wholes["s2"] = replace(stored, name="Theirs", revision=4)
    page.save()
    qtbot.waitUntil(page.bar.reload_button.isVisible)
    assert "changed elsewhere" in page.bar.words.text() and not page.bar.save_button.isEnabled()
    page.bar.reload_button.click()
    assert page.name.text() == "Theirs" and not page.bar.isVisible()
    page.draft.stack.undo()
    assert page.steps.editor.subject.text() == "Mine"
    page.save()
    qtbot.waitUntil(lambda: engine.sequences.wholes["s2"].steps[0].subject == "Mine")
    qtbot.waitUntil(lambda: not page.bar.isVisible())


def test_a_launch_meanwhile_is_no_conflict(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine)
    page.steps.editor.subject.setText("Mine")
    stored = engine.sequences.whole("s2")
    engine.sequences.wholes["s2"] = replace(stored, status=SequenceStatus.PAUSED, revision=9)
    page.save()
    qtbot.waitUntil(lambda: engine.sequences.wholes["s2"].steps[0].subject == "Mine")
    qtbot.waitUntil(lambda: not page.bar.isVisible())


def test_changes_elsewhere_are_taken_over_while_nothing_is_unsaved(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine)
    engine.sequences.wholes["s2"] = replace(engine.sequences.whole("s2"), name="Theirs", revision=4)
    page._again.setInterval(0)
    engine.change_sequence("s2", name="Theirs")
    qtbot.waitUntil(lambda: page.name.text() == "Theirs")


def test_what_is_unsaved_waits_for_its_sequence(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine)
    page.steps.editor.subject.setText("Unsaved")
    page.open_sequence("s1")
    qtbot.waitUntil(lambda: page.detail is not None and page.name.text() == "Autumn renewals")
    assert not page.has_unsaved
    page.open_sequence("s2")
    qtbot.waitUntil(lambda: page.steps.editor.subject.text() == "Unsaved")
    assert page.has_unsaved and "still here" in page.note.text()
    page.draft.stack.undo()
    assert not page.has_unsaved


def test_what_is_typed_while_it_is_saved_is_kept_too(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine)
    page.steps.add_button.click()
    page.steps.editor.body.setPlainText("Fourth")
    engine.mute = {m.SaveSequence}
    page.save()
    qtbot.waitUntil(lambda: bool(engine.held))
    page.steps.editor.body.setPlainText("Fourth and last")
    page.open_sequence("s1")
    qtbot.waitUntil(lambda: page.detail is not None)
    engine.answer_held()
    settle(qtbot, page._bridge)
    assert page.unsaved == ("Spring outreach",)
    page.open_sequence("s2")
    qtbot.waitUntil(lambda: page.has_unsaved)
    assert "Undo shows what is stored" in page.note.text()
    stored = engine.sequences.wholes["s2"]
    assert [one.id for one in page.draft.now.steps] == [one.id for one in stored.steps]
    assert page.draft.now.steps[-1].body == "Fourth and last" and stored.steps[-1].body == "Fourth"


def test_what_is_saved_after_one_left_is_not_unsaved_any_more(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine)
    page.steps.editor.subject.setText("Mine")
    engine.mute = {m.SaveSequence}
    page.save()
    qtbot.waitUntil(lambda: bool(engine.held))
    page.open_sequence("s1")
    assert page.unsaved == ("Spring outreach",)
    engine.answer_held()
    qtbot.waitUntil(lambda: page.unsaved == ())


# New


def test_a_new_sequence_is_written_and_saved(qtbot: QtBot, open_page: Open) -> None:
    """The list stores it empty, as its test shows; all else is written here."""
    engine = FakeEngine(few(), sequences=[sequence_row(7, "New sequence", status=SequenceStatus.DRAFT)])
    engine.sequences.wholes["s7"] = sequence(
        7, "New sequence", status=SequenceStatus.DRAFT, steps=(), accounts=()
    )
    page = open_page(engine, "s7")
    assert page.name.text() == "New sequence" and not page.bar.isVisible() and page.launch_button.isVisible()
    page.steps.add_button.click()
    page.steps.editor.subject.setText("Hello")
    page.steps.editor.body.setPlainText("Hello {{ first_name or 'there' }}")
    assert page.has_unsaved and page.bar.isVisible()
    page.save()
    qtbot.waitUntil(lambda: not page.bar.isVisible())
    (saved,) = engine.of(m.SaveSequence)
    assert (saved.sequence.id, saved.sequence.steps[0].id) == ("s7", "")
    assert not page.has_unsaved


# Launching


def test_launching_saves_first(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine, "s5")
    page.steps.editor.subject.setText("Ready")
    page.launch(None, True)
    qtbot.waitUntil(lambda: len(engine.of(m.LaunchSequence)) == 1)
    assert engine.of(m.SaveSequence)[0].sequence.steps[0].subject == "Ready"
    assert engine.of(m.LaunchSequence)[0] == m.LaunchSequence("s5", None, True)
    qtbot.waitUntil(page.pause_button.isVisible)
    assert page.status.text() == "Scheduled"


def test_what_cannot_be_saved_is_not_launched(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    engine.errors[m.SaveSequence] = InvalidInput("No.")
    page = open_page(engine, "s5")
    page.steps.editor.subject.setText("Ready")
    page.launch(None, False)
    qtbot.waitUntil(lambda: page.note.text() == "No.")
    engine.errors.clear()
    page.save()
    qtbot.waitUntil(lambda: not page.bar.isVisible())
    assert engine.of(m.LaunchSequence) == []


def test_the_switch_launches_and_pauses(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine)
    at = NOW + timedelta(hours=3)
    page.toggle.pause_wanted.emit()
    qtbot.waitUntil(lambda: page.status.text() == "Paused")
    page.toggle.launch_wanted.emit(at, False)
    qtbot.waitUntil(lambda: page.status.text() == "Scheduled")
    assert engine.of(m.LaunchSequence) == [m.LaunchSequence("s2", at, False)]
    engine.errors[m.PauseSequence] = InvalidInput("It cannot be paused.")
    page.pause_button.click()
    qtbot.waitUntil(lambda: page.note.text() == "It cannot be paused.")


# Ways


def test_it_opens_at_the_entry_a_notice_is_about(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(world(), None)
    page.open_sequence("s2", key="a2:grant_revoked")
    qtbot.waitUntil(lambda: lit(page).startswith("ben@brightfield.example cannot send"))
    assert page.tab == "log"
    page.tabs.setCurrentIndex(0)
    page.open_sequence("s2", tab="log", entry=6)
    qtbot.waitUntil(lambda: lit(page).startswith("A reply came"))
    assert page.tab == "log"


@pytest.mark.parametrize("tab", TABS)
def test_it_opens_at_each_tab(qtbot: QtBot, open_page: Open, tab: str) -> None:
    page = open_page(world(), None)
    page.open_sequence("s2", tab)
    qtbot.waitUntil(lambda: page.detail is not None)
    assert page.tab == tab and page.stack.currentWidget() is getattr(page, tab)


def test_from_the_log_to_the_account(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    engine.sequences.log.append(log_entry(8, LogKind.ACCOUNT_REMOVED, "Gone", account="gone@x.example"))
    page = open_page(engine)
    with qtbot.waitSignal(page.open_account) as wanted:
        page.log.account_wanted.emit("ben@brightfield.example")
    assert wanted.args == ["a2"]
    page.log.account_wanted.emit("gone@x.example")
    qtbot.waitUntil(lambda: "not there any more" in page.note.text())


def test_from_a_prospect_to_its_log(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(world())
    page.prospects.log_wanted.emit("p00004@company4.example")
    qtbot.waitUntil(lambda: page.log.model.rowCount() == 1)
    assert page.tab == "log"


def test_back_and_the_tabs_by_key(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(world())
    activate(qtbot, page)
    page.tabs.setFocus()
    alt = Qt.KeyboardModifier.AltModifier
    QTest.keyClick(page, Qt.Key.Key_3, alt)
    assert page.tab == "log"
    QTest.keyClick(page, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.log.text.hasFocus()
    with qtbot.waitSignal(page.back):
        QTest.keyClick(page, Qt.Key.Key_Left, alt)


# What the engine tells


def test_a_sequence_that_is_removed_is_told(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine)
    engine.push(SequenceRemoved("s1", "Another"))
    engine.push(SequenceRemoved("s2", "Spring outreach"))
    qtbot.waitUntil(lambda: page.note.text() == "“Spring outreach” was removed.")
    assert not page.toggle.isVisible() and not page.launch_button.isVisible()


def test_one_that_is_not_there_is_told(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(world(), None)
    with qtbot.waitSignal(page.gone):
        page.open_sequence("s99")


def test_without_the_engine_writing_goes_on(qtbot: QtBot, open_page: Open) -> None:
    engine = world()
    page = open_page(engine)
    engine.stop()
    qtbot.waitUntil(lambda: page._bridge.engine is EngineState.LOST)
    assert not page.toggle.isEnabled() and not page.pause_button.isEnabled()
    page.steps.editor.subject.setText("Offline")
    assert "once the background service is back" in page.bar.words.text()
    assert not page.bar.save_button.isEnabled()
    page.save()
    engine.up = True
    qtbot.waitUntil(page.bar.save_button.isEnabled)
    page.save()
    qtbot.waitUntil(lambda: not page.bar.isVisible())
    assert engine.of(m.SaveSequence)[-1].sequence.steps[0].subject == "Offline"


def test_the_page_does_not_hold_the_window_open(open_page: Open) -> None:
    page = open_page(world())
    page.tell("A long note. " * 30, "red")
    for at in range(len(TABS)):
        page.tabs.setCurrentIndex(at)
        assert page.minimumSizeHint().height() == 0 and page.minimumSizeHint().width() < 760


@pytest.mark.parametrize("tab", TABS)
def test_the_keyboard_reaches_every_control(qtbot: QtBot, open_page: Open, tab: str) -> None:
    page = open_page(world())
    page.resize(1300, 2000)
    page.tabs.setCurrentIndex(TABS.index(tab))
    settle(qtbot, page._bridge)
    activate(qtbot, page)
    page.tabs.setFocus()
    reached: set[QWidget] = set()
    for _ in range(120):
        widget = QApplication.focusWidget()
        assert widget is not None
        reached.add(widget)
        QTest.keyClick(widget, Qt.Key.Key_Tab)
        if QApplication.focusWidget() is page.tabs:
            break
    wanted = {
        one
        for kind in (*INTERACTIVE, QTableView)
        for one in page.findChildren(kind)
        if one.isVisible()
        and one.isEnabled()
        and one.focusPolicy() & Qt.FocusPolicy.TabFocus
        # Of radio buttons that belong together the chosen one is reached, the arrows go to the others.
        and not (isinstance(one, QAbstractButton) and one.autoExclusive())
        and not isinstance(one.parentWidget(), QTableView)
        and one.objectName() != "qt_spinbox_lineedit"
    }
    assert [(type(one).__name__, one.accessibleName()) for one in wanted - reached] == []


def test_nothing_is_left_connected_after_the_page_is_gone(
    qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]
) -> None:
    engine = world()
    bridge = open_bridge(engine)
    page = SequencePage(bridge, lambda: NOW, lambda url: True)
    page.show()
    page.open_sequence("s2")
    qtbot.waitUntil(lambda: page.detail is not None)
    page.steps.editor.subject.setText("x")
    page.close()
    page.deleteLater()
    QApplication.sendPostedEvents(None, 52)
    engine.change_sequence("s2", sent=9)
    engine.change("a2", state=State.CONNECTED, cause=None)
    with qtbot.waitSignal(bridge.engine_changed, check_params_cb=lambda state: state is EngineState.RUNNING):
        engine.stop()
        engine.up = True
    settle(qtbot, bridge)
