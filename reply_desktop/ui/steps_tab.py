"""The Steps tab: the steps in order, the editor of the chosen one, and how a prospect would get it."""

from dataclasses import replace
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QColor, QKeySequence, QPainter, QPen, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QWidget,
)

from reply_desktop.domain.notification import plain
from reply_desktop.domain.sequence import Step
from reply_desktop.domain.sequence_rows import SequenceDetail
from reply_desktop.ui import theme
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.controls import button, column, hairline, icon_button, line
from reply_desktop.ui.page import Tall, scrolled
from reply_desktop.ui.sequence_draft import Draft
from reply_desktop.ui.step_editor import StepEditor
from reply_desktop.ui.step_preview import StepPreview
from reply_desktop.ui.step_words import delay_words, subject_words
from reply_desktop.ui.theme import Space, Type

NEXT_STEP_S: Final = 3 * 86_400.0
"""How long after the step before a new one is sent, in seconds, until the person says otherwise."""
_ROW: Final = 52
_NARROW: Final = 900
_LEAST: Final = 330
_ID: Final = int(Qt.ItemDataRole.UserRole)
_DELAY: Final = _ID + 1
_SUBJECT: Final = _ID + 2


class StepDelegate(QStyledItemDelegate):
    """Two lines: number and delay, and the subject below."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, theme.scaled(_ROW))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        used = theme.colors()
        box = option.rect.adjusted(Space.XS, 1, -Space.XS, -1)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if selected or hovered:
            painter.setBrush(QColor(used.selected if selected else used.hover))
            painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)
        if selected and option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(used.focus), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)
        inner = box.adjusted(Space.S, Space.XS, -Space.S, -Space.XS)
        half = inner.height() // 2
        top = QRect(inner.left(), inner.top(), inner.width(), half)
        below = QRect(inner.left(), inner.top() + half, inner.width(), half)
        flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading)
        for place, text, font, ink in (
            (top, index.data(_DELAY), theme.theme().font(strong=True), used.text),
            (below, index.data(_SUBJECT), theme.theme().font(Type.CAPTION), used.muted),
        ):
            painter.setFont(font)
            painter.setPen(QColor(ink))
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, place.width())
            painter.drawText(place, flags, shown)
        painter.restore()


class StepsTab(Tall):
    """Edits the steps of a draft."""

    def __init__(self, bridge: Bridge, draft: Draft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._chosen: str | None = None
        self.editor = StepEditor(draft)
        self.preview = StepPreview(bridge, draft)
        self._build()
        self._shortcuts()
        draft.changed.connect(self._fill)

    def _build(self) -> None:
        self.list = QListWidget()
        self.list.setAccessibleName("Steps")
        self.list.setItemDelegate(StepDelegate(self.list))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setMouseTracking(True)
        self.list.setUniformItemSizes(True)
        self.list.currentItemChanged.connect(self._on_current)
        self.add_button = button("Add step", self.add_step, icon="plus")
        self.copy_button = icon_button("copy", "Duplicate this step", self.duplicate)
        self.up_button = icon_button("arrow-up", "Move up (Alt+Up)", lambda: self.move_step(-1))
        self.down_button = icon_button("arrow-down", "Move down (Alt+Down)", lambda: self.move_step(1))
        self.remove_button = icon_button("trash", "Remove this step", self.remove)
        self.undo_button = icon_button("undo", "Undo", self._draft.stack.undo)
        self.redo_button = icon_button("redo", "Redo", self._draft.stack.redo)
        stack = self._draft.stack
        for one, able in (
            (self.undo_button, stack.canUndoChanged),
            (self.redo_button, stack.canRedoChanged),
        ):
            one.setEnabled(False)
            able.connect(one.setEnabled)
        stack.undoTextChanged.connect(self._on_undo_text)
        stack.redoTextChanged.connect(self._on_redo_text)
        side = QFrame()
        side.setProperty("surface", True)
        rows = column(side, gap=Space.S)
        rows.setContentsMargins(Space.S, Space.M, Space.S, Space.S)
        rows.addWidget(self.list, 1)
        tools = line(gap=0)
        for tool in self.tools:
            tools.addWidget(tool)
        tools.addStretch(1)
        rows.addWidget(hairline())
        rows.addLayout(tools)
        rows.addWidget(self.add_button)
        side.setMinimumWidth(theme.scaled(190))
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.panes = QSplitter(Qt.Orientation.Horizontal)
        for splitter in (self.splitter, self.panes):
            splitter.setHandleWidth(1)
            splitter.setChildrenCollapsible(False)
        for part, name in ((self.editor, "Editor of the step"), (self.preview, "Preview of the step")):
            framed = Tall()
            inner = column(framed)
            inner.setContentsMargins(Space.L, Space.M, Space.L, Space.M)
            inner.addWidget(part)
            framed.setMinimumHeight(theme.scaled(_LEAST))
            area = scrolled(framed, name)
            area.setMinimumWidth(theme.scaled(260))
            area.setMinimumHeight(theme.scaled(120))
            self.panes.addWidget(area)
        self.splitter.addWidget(side)
        self.splitter.addWidget(self.panes)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([theme.scaled(220), 10_000])
        self.panes.setSizes([600, 500])
        column(self, gap=0).addWidget(self.splitter)

    @property
    def tools(self) -> tuple[QToolButton, ...]:
        """The small buttons below the list, in order."""
        return (
            self.up_button,
            self.down_button,
            self.copy_button,
            self.remove_button,
            self.undo_button,
            self.redo_button,
        )

    def _shortcuts(self) -> None:
        inside = Qt.ShortcutContext.WidgetWithChildrenShortcut
        for keys, slot, where in (
            ("Alt+Up", lambda: self.move_step(-1), self),
            ("Alt+Down", lambda: self.move_step(1), self),
            (QKeySequence(QKeySequence.StandardKey.Delete), self.remove, self.list),
        ):
            shortcut = QShortcut(QKeySequence(keys), where)
            shortcut.setContext(inside)
            shortcut.activated.connect(slot)

    # What the page says

    def put(self, detail: SequenceDetail) -> None:
        """The sequence was read: its fields, accounts and prospects."""
        self.editor.put_fields(detail.fields)
        self.preview.put_senders(detail.senders)
        self.preview.show_sequence(detail.row.id)

    def open_sequence(self, sequence_id: str) -> None:
        """Nothing is known yet of who it goes to and what from; of a new one nothing will be."""
        self.editor.put_fields(())
        self.preview.put_senders(())
        self.preview.show_sequence("")
        self._fill()

    # The list

    @property
    def _steps(self) -> tuple[Step, ...]:
        return self._draft.now.steps if self._draft.is_open else ()

    @property
    def step(self) -> Step | None:
        """The chosen step."""
        return self._draft.now.step(self._chosen) if self._draft.is_open else None

    def choose(self, step_id: str | None) -> None:
        """Edit this step."""
        self._chosen = step_id
        self._fill()

    def _fill(self) -> None:
        """Show the draft's steps; where the chosen one is gone its neighbour is chosen."""
        steps = self._steps
        self.setEnabled(self._draft.is_open)
        known = [self.list.item(row).data(_ID) for row in range(self.list.count())]
        place = self._place(steps, known)
        with QSignalBlocker(self.list):
            while self.list.count() > len(steps):
                self.list.takeItem(self.list.count() - 1)
            while self.list.count() < len(steps):
                self.list.addItem(QListWidgetItem())
            for row, step in enumerate(steps):
                self._put(self.list.item(row), step)
            self.list.setCurrentRow(place)
        chosen = steps[place].id if steps else None
        moved = chosen != self.editor.shown
        self._chosen = chosen
        if moved:
            self.editor.show_step(chosen)
            self.preview.show_step(chosen)
        self._enable()

    def _place(self, steps: tuple[Step, ...], known: list[str]) -> int:
        ids = [step.id for step in steps]
        came = [row for row, one in enumerate(ids) if one not in known]
        if came and known and len(ids) > len(known):
            return came[0]
        if self._chosen in ids:
            return ids.index(self._chosen)
        row = known.index(self._chosen) if self._chosen in known else 0
        return max(0, min(row, len(ids) - 1))

    def _put(self, item: QListWidgetItem, step: Step) -> None:
        delay = f"{step.number} · {delay_words(step)}"
        subject = plain(subject_words(step), 200)
        for role, value in ((_ID, step.id), (_DELAY, delay), (_SUBJECT, subject)):
            if item.data(role) != value:
                item.setData(role, value)
        told = f"Step {step.number}, {delay_words(step)}: {subject}"
        item.setData(Qt.ItemDataRole.AccessibleTextRole, told)
        item.setToolTip("")

    def _enable(self) -> None:
        steps, row = self._steps, self.list.currentRow()
        self.up_button.setEnabled(row > 0)
        self.down_button.setEnabled(0 <= row < len(steps) - 1)
        self.copy_button.setEnabled(bool(steps))
        self.remove_button.setEnabled(bool(steps))

    def _on_current(self, item: QListWidgetItem | None) -> None:
        self._chosen = item.data(_ID) if item else None
        self.editor.show_step(self._chosen)
        self.preview.show_step(self._chosen)
        self._enable()

    def _on_undo_text(self, text: str) -> None:
        _tell(self.undo_button, "Undo", "Ctrl+Z", text)

    def _on_redo_text(self, text: str) -> None:
        _tell(self.redo_button, "Redo", "Ctrl+Shift+Z", text)

    # Changing

    def add_step(self) -> None:
        """One more step at the end."""
        steps = self._draft.now.steps
        made = self._draft.new_step(after_s=NEXT_STEP_S if steps else 0.0)
        self._change((*steps, made), "Add a step", made.id)
        self.editor.body.setFocus() if steps else self.editor.subject.setFocus()

    def duplicate(self) -> None:
        """The chosen step once more, below it."""
        if step := self.step:
            made = self._draft.new_step(like=step)
            if step.number == 1:
                made = replace(made, after_s=NEXT_STEP_S)
            steps = self._draft.now.steps
            self._change((*steps[: step.number], made, *steps[step.number :]), "Duplicate a step", made.id)

    def move_step(self, by: int) -> None:
        """Move the chosen step up or down; the delays stay at their places."""
        step = self.step
        if step is None or not 0 <= step.number - 1 + by < len(self._draft.now.steps):
            return
        delays = [one.after_s for one in self._draft.now.steps]
        steps = [one for one in self._draft.now.steps if one.id != step.id]
        steps.insert(step.number - 1 + by, step)
        moved = tuple(replace(one, after_s=delay) for one, delay in zip(steps, delays, strict=True))
        self._change(moved, "Move a step", step.id)

    def remove(self) -> None:
        """Take the chosen step out; undo brings it back."""
        if step := self.step:
            self._change(tuple(one for one in self._draft.now.steps if one.id != step.id), "Remove a step")

    def _change(self, steps: tuple[Step, ...], text: str, choose: str | None = None) -> None:
        if choose is not None:
            self._chosen = choose
        self._draft.change(replace(self._draft.now, steps=steps), text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """With little room the preview goes below the editor."""
        super().resizeEvent(event)
        narrow = self.width() < theme.scaled(_NARROW)
        wanted = Qt.Orientation.Vertical if narrow else Qt.Orientation.Horizontal
        if self.panes.orientation() is not wanted:
            self.panes.setOrientation(wanted)


def _tell(tool: QToolButton, verb: str, keys: str, text: str) -> None:
    """Say on a button what it would undo or redo."""
    name = f"{verb}: {text[:1].lower()}{text[1:]} ({keys})" if text else verb
    tool.setToolTip(name)
    tool.setAccessibleName(name)
