"""The table of sequences: a switch in each row, its trouble under its name, progress as a bar."""

from typing import Any, Final

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QStyle, QWidget

from reply_desktop.domain.notification import plain
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.domain.states import Color
from reply_desktop.ui import theme
from reply_desktop.ui.row_delegate import Index, RowDelegate
from reply_desktop.ui.row_table import RowTable
from reply_desktop.ui.sequence_list_model import SequencesModel
from reply_desktop.ui.sequence_toggle import SIZE, paint_toggle
from reply_desktop.ui.sequences_columns import PreparedSequence, SequenceCol, done_of
from reply_desktop.ui.theme import Space, Type

ROW_HEIGHT: Final = 54
"""Height of a row with two lines, in pixels at 100 % text size."""

_BAR: Final = 5
_LINE: Final = int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)


class SequencesTable(RowTable):
    """Rows of sequences. `toggle_wanted` carries an id and where its switch lies on the screen (below)."""

    toggle_wanted = Signal(str, QPoint)

    def __init__(self, model: SequencesModel, parent: QWidget | None = None) -> None:
        self.model_ = model
        self.hover_toggle = self._pressed = -1
        super().__init__(model, SequenceCol.NAME, "Sequences", parent)
        self.verticalHeader().setDefaultSectionSize(theme.scaled(ROW_HEIGHT))
        self.verticalScrollBar().setSingleStep(theme.scaled(ROW_HEIGHT))
        model.loaded.connect(self._on_loaded)
        self._on_loaded()

    def make_delegate(self) -> "SequenceDelegate":
        self._cells = SequenceDelegate(self)
        return self._cells

    def _on_loaded(self) -> None:
        """Doubt has a column while there is any."""
        if (SequenceCol.DOUBT in self.wanted_columns) is not self.model_.has_doubt:
            self.want_column(SequenceCol.DOUBT, self.model_.has_doubt)

    def restyle(self) -> None:
        """Take over the scheme in use."""
        super().restyle()
        self.lay_out_columns()

    def focus_is_in_cell(self) -> bool:
        return self.currentIndex().column() == SequenceCol.TOGGLE

    def has_toggle_focus(self, row: int) -> bool:
        """Whether the keyboard is on this row's switch."""
        return self.hasFocus() and self.currentIndex().row() == row and self.focus_is_in_cell()

    def copied(self, row: SequenceRow) -> str:
        return row.name

    # Hands

    def ask_toggle(self, sequence_id: str) -> None:
        """Say that a sequence should be turned on or off."""
        rows = self.model_.rows_of({sequence_id})
        if not rows or self.model_.stale or sequence_id in self.model_.busy:
            return
        cell = self.visualRect(self.model_.index(rows[0], SequenceCol.TOGGLE))
        below = self._cells.toggle_rect(cell).bottomLeft() + QPoint(0, Space.XS)
        self.toggle_wanted.emit(sequence_id, self.viewport().mapToGlobal(below))

    def _toggle_at(self, where: QPoint) -> int:
        """The row whose switch lies there, or -1."""
        index = self.indexAt(where)
        if index.column() != SequenceCol.TOGGLE or self.model_.stale:
            return -1
        return index.row() if self._cells.toggle_rect(self.visualRect(index)).contains(where) else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        before, self.hover_toggle = self.hover_toggle, self._toggle_at(event.position().toPoint())
        if before != self.hover_toggle:
            hand = self.hover_toggle >= 0
            self.viewport().setCursor(
                Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor
            )
            self.update_rows(before, self.hover_toggle)
        if self._pressed < 0:
            super().mouseMoveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed = self._toggle_at(event.position().toPoint())
            if self._pressed >= 0:
                return
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, -1
        if pressed < 0:
            super().mouseReleaseEvent(event)
        elif self._toggle_at(event.position().toPoint()) == pressed:
            self.ask_toggle(self.id_at(pressed))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        # The second press of a double click on a switch must not open the sequence.
        if self._toggle_at(event.position().toPoint()) < 0:
            super().mouseDoubleClickEvent(event)

    def leave_row(self) -> None:
        """The pointer has gone."""
        self.hover_toggle = -1
        super().leave_row()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        current = self.current_id()
        if current is not None and event.key() == Qt.Key.Key_Space:
            self.ask_toggle(current)
        else:
            super().keyPressEvent(event)


class SequenceDelegate(RowDelegate):
    """Paints every cell of the sequences table."""

    def __init__(self, table: SequencesTable) -> None:
        self._host = table
        super().__init__(table, table)

    def restyle(self) -> None:
        """Take over fonts and colours of the scheme in use."""
        super().restyle()
        self._small = QFont(theme.theme().font(Type.CAPTION))
        self._small_metrics = QFontMetrics(self._small)

    def toggle_rect(self, cell: QRect) -> QRect:
        """Where the switch lies in its cell."""
        box = QRect(QPoint(0, 0), SIZE)
        box.moveCenter(cell.center())
        box.moveLeft(cell.left() + Space.L)
        return QStyle.visualRect(self._host.layoutDirection(), cell, box)

    def paint_cell(
        self,
        painter: QPainter,
        cell: QRect,
        inner: QRect,
        index: Index,
        prepared: PreparedSequence,
        selected: bool,
    ) -> None:
        col = index.column()
        if col == SequenceCol.TOGGLE:
            self._toggle(painter, cell, index.row(), prepared)
        elif col == SequenceCol.NAME:
            self._name(painter, inner, prepared)
        elif col == SequenceCol.STATUS:
            self._write(painter, inner, prepared.texts[col], self._inks[prepared.row.indicator])
        elif col == SequenceCol.PROGRESS:
            self._progress(painter, inner, prepared)
        elif col == SequenceCol.SENT:
            upper, lower = _halves(inner)
            self._write(painter, upper, prepared.texts[col], self._text, trailing=True)
            self._write_small(painter, lower, prepared.sent_24h, self._muted, trailing=True)
        elif col == SequenceCol.DOUBT:
            self._write(painter, inner, prepared.texts[col], self._inks[Color.ORANGE], trailing=True)
        elif col == SequenceCol.ACCOUNTS and len(prepared.row.accounts) > 1:
            self._accounts(painter, inner, prepared)
        else:
            super().paint_cell(painter, cell, inner, index, prepared, selected)

    def _toggle(self, painter: QPainter, cell: QRect, row: int, prepared: PreparedSequence) -> None:
        table = self._host
        paint_toggle(
            painter,
            QRectF(self.toggle_rect(cell)),
            prepared.row,
            enabled=not (table.model_.stale or prepared.row.id in table.model_.busy),
            hovered=table.hover_toggle == row,
            focused=table.has_toggle_focus(row),
            mirrored=table.layoutDirection() is Qt.LayoutDirection.RightToLeft,
        )

    def _name(self, painter: QPainter, box: QRect, prepared: PreparedSequence) -> None:
        upper, lower = _halves(box) if prepared.trouble else (box, box)
        shown = self._strong_metrics.elidedText(
            prepared.texts[SequenceCol.NAME], Qt.TextElideMode.ElideRight, box.width()
        )
        painter.setFont(self._strong)
        painter.setPen(self._muted if self._host.model_.stale else self._text)
        painter.drawText(upper, self._leading(), shown)
        painter.setFont(self._font)
        if prepared.trouble is not None:
            text, color = prepared.trouble
            self._write_small(painter, lower, text, self._inks[color])

    def _progress(self, painter: QPainter, box: QRect, prepared: PreparedSequence) -> None:
        text = prepared.texts[SequenceCol.PROGRESS]
        if not prepared.row.prospects:
            self._write(painter, box, text, self._muted)
            return
        upper, lower = _halves(box)
        self._write_small(painter, upper, text, self._muted)
        track = QRectF(lower.left(), lower.center().y() - _BAR / 2, lower.width(), _BAR)
        done = QRectF(track)
        done.setWidth(track.width() * done_of(prepared.row))
        if self._host.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            done.moveRight(track.right())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for bar, shade in ((track, self._colors.pressed), (done, self._colors.accent)):
            painter.setOpacity(0.45 if self._host.model_.stale else 1.0)
            painter.setBrush(QColor(shade))
            painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)
        painter.restore()

    def _accounts(self, painter: QPainter, box: QRect, prepared: PreparedSequence) -> None:
        """The first address gives way, the number of the others stays."""
        accounts = prepared.row.accounts
        rest = f" and {len(accounts) - 1:,} more"
        room = box.width() - self._metrics.horizontalAdvance(rest)
        address = self._metrics.elidedText(plain(accounts[0], 60), Qt.TextElideMode.ElideMiddle, room)
        self._write(painter, box, f"{address}{rest}", self._muted)

    def _write_small(
        self, painter: QPainter, box: QRect, text: str, ink: QColor, *, trailing: bool = False
    ) -> None:
        painter.setFont(self._small)
        painter.setPen(self._muted if self._host.model_.stale else ink)
        shown = self._small_metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        flags = _LINE | int(Qt.AlignmentFlag.AlignRight) if trailing else self._leading()
        painter.drawText(box, flags, shown)
        painter.setFont(self._font)

    def _leading(self) -> int:
        """Where a line begins is the table's matter, whatever the letters in it."""
        mirrored = self._host.layoutDirection() is Qt.LayoutDirection.RightToLeft
        side = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        return _LINE | int(side | Qt.AlignmentFlag.AlignAbsolute)

    def sizeHint(self, option: Any, index: Index) -> QSize:
        return QSize(super().sizeHint(option, index).width(), theme.scaled(ROW_HEIGHT))


def _halves(box: QRect) -> tuple[QRect, QRect]:
    """Two lines in the middle of a cell."""
    high = min(box.height() // 2, theme.scaled(20))
    middle = box.center().y() + 1
    return (
        QRect(box.left(), middle - high, box.width(), high),
        QRect(box.left(), middle, box.width(), high),
    )
