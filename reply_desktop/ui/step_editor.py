"""The editor of one step: when it is sent, its subject, its text, and the merge fields that go into it."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontDatabase,
    QKeyEvent,
    QKeySequence,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QMenu, QPlainTextEdit, QSpinBox, QWidget

from reply_desktop.domain.merge_field import ALWAYS_THERE
from reply_desktop.domain.notification import plain
from reply_desktop.domain.sequence import Step
from reply_desktop.ui import theme
from reply_desktop.ui.controls import button, column, line, name_box, wrapped
from reply_desktop.ui.sequence_draft import Draft, Typing, change_end
from reply_desktop.ui.step_words import FALLBACK, as_html, field_tag
from reply_desktop.ui.theme import Space, Type

LONGEST_DELAY_DAYS: Final = 365
"""Days between two steps at most."""

_FIELD: Final = re.compile(r"\{\{-?\s*(\w+)[^{}]*\}\}|\{%[^{}]*%\}")


def _leaves_undo(event: QEvent) -> bool:
    """Whether a text field should leave a key to the page, whose history holds more than this field's."""
    return (
        event.type() in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)
        and isinstance(event, QKeyEvent)
        and (event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo))
    )


class SubjectField(QLineEdit):
    """One line of text without a history of its own. `entered` and `left` tell about the keyboard."""

    entered = Signal()
    left = Signal()

    def event(self, event: QEvent) -> bool:
        if _leaves_undo(event):
            event.ignore()
            return False
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.entered.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


class BodyField(QPlainTextEdit):
    """Many lines of text without a history of its own. `entered` and `left` tell about the keyboard."""

    entered = Signal()
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)

    def event(self, event: QEvent) -> bool:
        if _leaves_undo(event):
            event.ignore()
            return False
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.entered.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


class FieldHighlighter(QSyntaxHighlighter):
    """Shows merge fields in a message; those that no prospect has are underlined."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self.known: frozenset[str] = frozenset()

    def highlightBlock(self, text: str) -> None:
        used = theme.colors()
        for found in _FIELD.finditer(text):
            look = QTextCharFormat()
            look.setForeground(QColor(used.blue.ink))
            look.setFontWeight(QFont.Weight.DemiBold)
            if found[1] and self.known and found[1] not in self.known:
                look.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
                look.setUnderlineColor(QColor(used.red.fill))
            self.setFormat(found.start(), found.end() - found.start(), look)


class StepEditor(QWidget):
    """Edits one step of a draft; what is typed goes into the draft at once."""

    def __init__(self, draft: Draft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._step_id: str | None = None
        self._typing = Typing()
        self._build()
        self._into: QLineEdit | QPlainTextEdit = self.body
        draft.changed.connect(self._show)
        theme.theme().changed.connect(self.highlighter.rehighlight)

    # Building

    def _build(self) -> None:
        page = column(self, gap=Space.S)
        page.addLayout(self._delay_row())
        self.subject = SubjectField()
        self.subject.setAccessibleName("Subject line")
        self.subject.setPlaceholderText("Subject line")
        self.subject.setMaxLength(500)
        self.subject.textChanged.connect(self._on_subject)
        page.addWidget(self.subject)
        self.thread_hint = wrapped(
            "Without a subject it goes out as a reply in the same conversation.", Type.CAPTION, muted=True
        )
        page.addWidget(self.thread_hint)
        self.body = BodyField()
        self.body.setAccessibleName("Text of the message")
        self.body.setPlaceholderText("Write your message…")
        self.body.setMinimumHeight(theme.scaled(120))
        self.body.textChanged.connect(self._on_body)
        self.highlighter = FieldHighlighter(self.body.document())
        page.addLayout(self._text_tools())
        page.addWidget(self.body, 1)
        page.addWidget(
            wrapped(
                f"{FALLBACK} writes “there” where the field is empty. Without a fallback such a prospect is "
                "not written to.",
                Type.CAPTION,
                muted=True,
            )
        )
        for field in (self.subject, self.body):
            field.entered.connect(self._on_entered)
            field.left.connect(self._typing.stop)

    def _delay_row(self) -> QHBoxLayout:
        row = line(gap=Space.S)
        self.heading = theme.label("Step", Type.SUBTITLE, strong=True)
        row.addWidget(self.heading)
        row.addStretch(1)
        self.sent = theme.label("Sent", muted=True)
        row.addWidget(self.sent)
        self.delay: list[QWidget] = []
        self.days = self._spin("days", LONGEST_DELAY_DAYS)
        self.hours = self._spin("hours", 23)
        self.minutes = self._spin("minutes", 59)
        for spin, unit in ((self.days, "days"), (self.hours, "h"), (self.minutes, "min")):
            self.delay += [spin, theme.label(unit, muted=True)]
        for part in self.delay:
            row.addWidget(part)
        # The first step has no delay, and its row stays as high.
        self.heading.setMinimumHeight(self.days.sizeHint().height())
        self.after = theme.label("", muted=True)
        row.addWidget(self.after)
        return row

    def _spin(self, unit: str, most: int) -> QSpinBox:
        made = QSpinBox()
        made.setRange(0, most)
        made.setAccessibleName(f"Delay in {unit}")
        made.setAlignment(Qt.AlignmentFlag.AlignCenter)
        made.setFixedWidth(theme.scaled(52))
        made.valueChanged.connect(self._on_delay)
        return made

    def _text_tools(self) -> QHBoxLayout:
        row = line(gap=Space.S)
        self.format = QComboBox()
        name_box(self.format, "Kind of text")
        self.format.addItem("Plain text", False)
        self.format.addItem("HTML", True)
        self.format.activated.connect(self._on_format)
        self.insert = button("Insert field", icon="braces")
        self.insert.setProperty("menuButton", True)
        self.fields_menu = QMenu(self.insert)
        self.insert.setMenu(self.fields_menu)
        row.addWidget(self.format)
        row.addWidget(self.insert)
        row.addStretch(1)
        self.put_fields(())
        return row

    # What the tab says

    def put_fields(self, fields: Sequence[str]) -> None:
        """The merge fields known of the prospects."""
        self.fields_menu.clear()
        if fields:
            self.fields_menu.addSection("From your prospects")
        for name in fields:
            self.fields_menu.addAction(plain(name, 60), partial(self.insert_field, name))
        self.fields_menu.addSection("Always there")
        for name in ALWAYS_THERE:
            self.fields_menu.addAction(name, partial(self.insert_field, name))
        self.highlighter.known = frozenset(fields) | frozenset(ALWAYS_THERE) if fields else frozenset()
        self.highlighter.rehighlight()

    def show_step(self, step_id: str | None) -> None:
        """Edit this step of the draft."""
        self._step_id = step_id
        self._typing.stop()
        self._show(fresh=True)

    def insert_field(self, name: str) -> None:
        """Put a merge field where the cursor is, in the subject or the text, whichever had it last."""
        self._typing.stop()
        if isinstance(self._into, QLineEdit):
            self._into.insert(field_tag(name))
        else:
            self._into.insertPlainText(field_tag(name))
        self._typing.stop()
        self._into.setFocus()

    # Showing

    @property
    def shown(self) -> str | None:
        """The id of the step being edited."""
        return self._step_id

    @property
    def step(self) -> Step | None:
        """The step being edited, if it is still there."""
        return self._draft.now.step(self._step_id) if self._draft.is_open else None

    def _show(self, *, fresh: bool = False) -> None:
        step = self.step
        self.setEnabled(step is not None)
        if step is None:
            return
        first = step.number == 1
        self.heading.setText(f"Step {step.number}")
        for part in (self.sent, *self.delay):
            part.setVisible(not first)
        self.after.setText(
            "Sent when the prospect's turn comes" if first else f"after step {step.number - 1}"
        )
        days, rest = divmod(int(step.after_s), 86_400)
        for spin, value in ((self.days, days), (self.hours, rest // 3600), (self.minutes, rest % 3600 // 60)):
            with QSignalBlocker(spin):
                spin.setValue(value)
        self.thread_hint.setVisible(not first and not step.subject.strip())
        self.format.setCurrentIndex(int(step.html))
        family = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
        font = theme.theme().font()
        if step.html:
            font.setFamilies([family])
        if self.body.font() != font:
            self.body.setFont(font)
        self._put_subject(step.subject)
        self._put_body(step.body, fresh)

    def _put_subject(self, text: str) -> None:
        before = self.subject.text()
        if before != text:
            with QSignalBlocker(self.subject):
                self.subject.setText(text)
                self.subject.setCursorPosition(change_end(before, text))

    def _put_body(self, text: str, fresh: bool) -> None:
        before = self.body.toPlainText()
        if before != text:
            with QSignalBlocker(self.body):
                self.body.setPlainText(text)
            cursor = self.body.textCursor()
            cursor.setPosition(0 if fresh else min(change_end(before, text), len(text)))
            self.body.setTextCursor(cursor)
        elif fresh:
            self.body.moveCursor(QTextCursor.MoveOperation.Start)

    # What the person does

    def _on_entered(self) -> None:
        sender = self.sender()
        if isinstance(sender, (QLineEdit, QPlainTextEdit)):
            self._into = sender

    def _on_subject(self, text: str) -> None:
        self._typed("subject", "Change the subject", text)

    def _on_body(self) -> None:
        self._typed("body", "Change the text", self.body.toPlainText())

    def _typed(self, field: str, text: str, value: str) -> None:
        step = self.step
        before = getattr(step, field) if step else value
        if step is not None and value != before:
            run = f"{step.id} {field} {self._typing.run(before, value)}"
            self._draft.change_step(step.id, text, run, **{field: value})

    def _on_delay(self) -> None:
        if step := self.step:
            after_s = float(
                self.days.value() * 86_400 + self.hours.value() * 3600 + self.minutes.value() * 60
            )
            self._draft.change_step(step.id, "Change the delay", f"{step.id} delay", after_s=after_s)

    def _on_format(self) -> None:
        step, html = self.step, bool(self.format.currentData())
        if step is not None and step.html is not html:
            body = as_html(step.body) if html and "<" not in step.body else step.body
            self._draft.change_step(step.id, "Change the kind of text", html=html, body=body)
