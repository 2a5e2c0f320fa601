"""The editor of a step: what is typed, inserted and undone goes into the draft, and comes back from it."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCharFormat
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reply_desktop.domain.sequence import Step
from reply_desktop.ui.sequence_draft import Draft
from reply_desktop.ui.step_editor import StepEditor
from tests.fakes.engine import sequence
from tests.harness.settling import activate


@pytest.fixture
def editor(qtbot: QtBot) -> StepEditor:
    draft = Draft()
    made = StepEditor(draft)
    draft.setParent(made)
    draft.begin(sequence(2, "Spring outreach"))
    qtbot.addWidget(made)
    made.resize(600, 500)
    made.show()
    made.put_fields(("company", "first_name"))
    made.show_step("t1")
    return made


def step(editor: StepEditor) -> Step:
    found = editor.step
    assert found is not None
    return found


def test_it_shows_the_step(editor: StepEditor) -> None:
    editor.show_step("t2")
    assert editor.heading.text() == "Step 2" and editor.after.text() == "after step 1"
    assert (editor.days.value(), editor.hours.value(), editor.minutes.value()) == (3, 0, 0)
    assert editor.days.isVisible()
    assert editor.subject.text() == "" and editor.thread_hint.isVisible()
    editor.show_step("t3")
    assert editor.format.currentText() == "HTML"
    editor.show_step("t1")
    assert not editor.days.isVisible()
    assert editor.after.text() == "Sent when the prospect's turn comes"
    editor.show_step("gone")
    assert not editor.isEnabled()


def test_typing_goes_into_the_draft_and_undo_brings_it_back(editor: StepEditor) -> None:
    editor.subject.setFocus()
    editor.subject.selectAll()
    QTest.keyClicks(editor.subject, "Two words")
    assert step(editor).subject == "Two words"
    stack = editor._draft.stack
    stack.undo()
    assert editor.subject.text() == step(editor).subject == "Two "
    stack.redo()
    assert editor.subject.text() == "Two words"
    while stack.canUndo():
        stack.undo()
    assert editor.subject.text() == "A question about {{ company }}"


def test_the_cursor_stays_where_the_change_was(editor: StepEditor) -> None:
    cursor = editor.body.textCursor()
    cursor.setPosition(5)
    editor.body.setTextCursor(cursor)
    editor.body.insertPlainText(", dear")
    editor._draft.stack.undo()
    assert editor.body.toPlainText().startswith("Hello {{")
    assert editor.body.textCursor().position() == 5


@pytest.mark.parametrize("into", ["subject", "body"])
def test_a_field_goes_where_the_keyboard_was(qtbot: QtBot, editor: StepEditor, into: str) -> None:
    field = getattr(editor, into)
    activate(qtbot, editor)
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    action = next(one for one in editor.fields_menu.actions() if one.text() == "first_name")
    action.trigger()
    assert "{{ first_name }}" in getattr(step(editor), into)
    editor._draft.stack.undo()
    assert step(editor) == sequence(2, "x").steps[0]


def test_the_menu_names_what_is_always_there_too(editor: StepEditor) -> None:
    names = [one.text() for one in editor.fields_menu.actions() if not one.isSeparator()]
    assert names == ["company", "first_name", "email", "sender", "sender_name"]


def test_the_delay_is_one_change(editor: StepEditor) -> None:
    editor.show_step("t2")
    editor.days.setValue(1)
    editor.hours.setValue(2)
    editor.minutes.setValue(30)
    assert step(editor).after_s == 86_400 + 7_200 + 1_800
    assert editor._draft.stack.count() == 1
    editor._draft.stack.undo()
    assert editor.days.value() == 3


def choose_format(editor: StepEditor, at: int) -> None:
    editor.format.setCurrentIndex(at)
    editor.format.activated.emit(at)


def test_plain_text_becomes_html_and_undo_takes_it_back(editor: StepEditor) -> None:
    before = step(editor)
    choose_format(editor, 1)
    assert step(editor).html and step(editor).body.startswith(
        "<p>Hello {{ first_name | default('there') }},</p>"
    )
    assert "monospace" in editor.body.font().family().lower() or editor.body.font() != editor.subject.font()
    editor._draft.stack.undo()
    assert step(editor) == before and editor.format.currentIndex() == 0


def test_html_that_is_there_already_is_left_alone(editor: StepEditor) -> None:
    editor.show_step("t3")
    choose_format(editor, 0)
    assert step(editor).body == "<p>Shall I close your file?</p>" and not step(editor).html
    choose_format(editor, 1)
    assert step(editor).body == "<p>Shall I close your file?</p>"


def waves(editor: StepEditor) -> list[bool]:
    """For each merge field of the first line, whether it is underlined."""
    block = editor.body.document().firstBlock()
    wave = QTextCharFormat.UnderlineStyle.WaveUnderline
    made = []
    for one in block.layout().formats():
        look = one.format
        made.append(look.underlineStyle() is wave)
    return made


def test_unknown_fields_are_underlined(editor: StepEditor) -> None:
    editor.body.setPlainText("{{ company }} {{ nowhere }}")
    assert waves(editor) == [False, True]
    editor.put_fields(())
    assert waves(editor) == [False, False]


@pytest.mark.parametrize("name", ["subject", "body"])
def test_undo_keys_are_left_to_the_page(qtbot: QtBot, editor: StepEditor, name: str) -> None:
    field = getattr(editor, name)
    activate(qtbot, editor)
    field.setFocus()
    QTest.keyClicks(field, "abc")
    before = getattr(step(editor), name)
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    # Without a page around it nobody takes the key, and the field keeps its text.
    assert getattr(step(editor), name) == before
