"""The entries of a log as a table: shape and word, time, whole explanation, the account as a link."""

from typing import Final

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from reply_desktop.domain.log_entry import LOG_WORDS, LogEntry
from reply_desktop.domain.notification import Severity
from reply_desktop.domain.states import Color, Shape
from reply_desktop.ui import icons, theme
from reply_desktop.ui.log_model import ACCOUNT, KIND, PROSPECT, TEXT, TIME, LogModel
from reply_desktop.ui.table_style import frame_current, style_header, style_rows
from reply_desktop.ui.theme import Space
from reply_desktop.ui.vector_model import Index

LOOKS: Final = {
    Severity.INFO: (Shape.DISC, Color.GREY),
    Severity.WARNING: (Shape.TRIANGLE, Color.ORANGE),
    Severity.CRITICAL: (Shape.CROSS, Color.RED),
}
"""How much an entry matters, told apart without colour."""

_ROW: Final = 40
_LINES: Final = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
_ONE: Final = int(Qt.TextFlag.TextSingleLine | Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
_WIDTHS: Final = {KIND: 176, TIME: 104, ACCOUNT: 190, PROSPECT: 200}
"""At 100 % text size; kind and time are given more where their words need it."""
_NARROW: Final = {PROSPECT: 900, ACCOUNT: 640}
"""Below this width of the table a column gives its room to the explanation."""


class LogDelegate(QStyledItemDelegate):
    """Paints an entry: shape and word, time, wrapped explanation, and the account as a link."""

    def __init__(self, table: "LogTable") -> None:
        super().__init__(table)
        self._table = table
        self.restyle()

    def restyle(self) -> None:
        """Take over fonts and colours of the scheme in use."""
        self._used = theme.colors()
        self._font = theme.theme().font()
        self._strong = QFont(self._font)
        self._strong.setWeight(QFont.Weight.Medium)
        self._metrics = QFontMetrics(self._font)

    def least(self, col: int) -> int:
        """How wide a column must be so that none of its words is cut; 0 where any width will do."""
        if col == KIND:
            strong = QFontMetrics(self._strong)
            words = max(strong.horizontalAdvance(word) for word in LOG_WORDS.values())
            return words + Space.L + 14 + 2 * Space.S
        return self._metrics.horizontalAdvance("30 Nov, 23:59") + 2 * Space.S if col == TIME else 0

    def height(self, text: str, width: int) -> int:
        """How high a row is whose explanation has so much room, in pixels."""
        room = QRect(0, 0, max(80, width - 2 * Space.S), 10_000)
        tall = self._metrics.boundingRect(room, _LINES, text).height()
        return max(theme.scaled(_ROW), tall + 2 * Space.S + 2)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(80, theme.scaled(_ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        used, cell, col = self._used, option.rect, index.column()
        table = self._table
        entry = table.log.entry(index.row())
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        lit = entry is not None and entry.id == table.highlighted
        if lit:
            painter.fillRect(cell, QColor(used.blue.soft))
        elif selected:
            painter.fillRect(cell, QColor(used.selected))
        elif index.row() == table.hover_row:
            painter.fillRect(cell, QColor(used.hover))
        painter.fillRect(cell.left(), cell.bottom(), cell.width(), 1, QColor(used.border))
        if lit and col == KIND:
            painter.fillRect(cell.left(), cell.top(), 4, cell.height() - 1, QColor(used.accent))
        inner = cell.adjusted(Space.L if col == KIND else Space.S, 0, -Space.S, 0)
        if entry is None:
            bar = QRect(inner.left(), inner.center().y() - 4, inner.width() // 2, 8)
            painter.fillRect(bar, QColor(used.hover))
            return
        text = table.log.text(entry, col)
        if col == KIND:
            self._kind(painter, inner, entry, text)
        elif col == TEXT:
            painter.setFont(self._font)
            painter.setPen(QColor(used.text))
            painter.drawText(inner, _LINES, text)
        else:
            link = col == ACCOUNT and bool(text) and index.row() == table.hover_row and table.on_account
            font = QFont(self._font)
            font.setUnderline(link)
            painter.setFont(font)
            painter.setPen(QColor(used.accent if col == ACCOUNT else used.muted))
            mode = Qt.TextElideMode.ElideRight if col == TIME else Qt.TextElideMode.ElideMiddle
            painter.drawText(inner, _ONE, self._metrics.elidedText(text, mode, inner.width()))

    def _kind(self, painter: QPainter, box: QRect, entry: LogEntry, text: str) -> None:
        shape, color = LOOKS[entry.severity]
        tone = self._used.tone(color)
        mark = icons.shape_pixmap(shape, tone.fill, 14)
        painter.drawPixmap(box.left(), box.center().y() - 6, mark)
        calm = entry.severity is Severity.INFO
        painter.setFont(self._strong)
        painter.setPen(QColor(self._used.text if calm else tone.ink))
        beside = box.adjusted(14 + Space.S, 0, 0, 0)
        fits = QFontMetrics(self._strong).elidedText(text, Qt.TextElideMode.ElideRight, beside.width())
        painter.drawText(beside, _ONE, fits)


class LogTable(QTableView):
    """The entries. `account_wanted` carries an address."""

    account_wanted = Signal(str)
    cleared = Signal()

    def __init__(self, model: LogModel) -> None:
        super().__init__()
        self.log = model
        self.highlighted: int | None = None
        self.hover_row = -1
        self.on_account = False
        self._tall: set[int] = set()
        self.setAccessibleName("Log")
        self._delegate = LogDelegate(self)
        self.setItemDelegate(self._delegate)
        self.setModel(model)
        self._style()
        self.verticalScrollBar().valueChanged.connect(self._tell_window)
        model.modelReset.connect(self._on_reset)
        model.dataChanged.connect(lambda: self._fit_rows())
        model.rowsAboutToBeInserted.connect(self._before_insert)
        model.rowsInserted.connect(self._after_insert)
        theme.theme().changed.connect(self._restyle)

    def _style(self) -> None:
        style_rows(self, _ROW)
        header = self.horizontalHeader()
        style_header(header)
        header.setSectionsClickable(False)
        self.setProperty("wide", True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def _restyle(self) -> None:
        self._delegate.restyle()
        self.viewport().update()

    # Rows

    def _tell_window(self) -> None:
        first = max(0, self.rowAt(0))
        last = self.rowAt(self.viewport().height() - 1)
        last = self.log.total - 1 if last < 0 else last
        self.log.show_window(first, last)
        self._fit_rows()

    def _fit_rows(self) -> None:
        """Make those rows higher that are in view and need it; the others keep the usual height."""
        usual, width = theme.scaled(_ROW), self.columnWidth(TEXT)
        row = max(0, self.rowAt(0))
        while row < self.log.total and self.rowViewportPosition(row) < self.viewport().height():
            entry = self.log.entry(row)
            if entry is not None:
                wanted = self._delegate.height(self.log.text(entry, TEXT), width)
                if wanted != self.rowHeight(row):
                    self.verticalHeader().resizeSection(row, wanted)
            elif self.rowHeight(row) != usual:
                self.verticalHeader().resizeSection(row, usual)
            row += 1

    def _on_reset(self) -> None:
        self.hover_row = -1
        QTimer.singleShot(0, self, self._tell_window)

    def _before_insert(self) -> None:
        self._kept = (self.verticalScrollBar().value(), self.verticalHeader().length())

    def _after_insert(self) -> None:
        """What one reads stays where it is; only at the very top the new entries are let in."""
        value, length = self._kept
        grown = self.verticalHeader().length() - length
        if value > 0 or self.highlighted is not None:
            self.updateGeometries()
            self.verticalScrollBar().setValue(value + grown)
        self._tell_window()

    def show_row(self, row: int) -> None:
        """Bring a row to the middle and choose it."""
        index = self.log.index(row, TEXT)
        self.setCurrentIndex(index)
        self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)
        self._tell_window()

    def lay_out(self) -> None:
        """Share out the room: the explanation takes what the others leave."""
        room = self.viewport().width()
        left = room
        for col, width in _WIDTHS.items():
            hidden = room < theme.scaled(_NARROW.get(col, 0))
            self.setColumnHidden(col, hidden)
            if not hidden:
                wide = max(theme.scaled(width), self._delegate.least(col) + 2)
                self.setColumnWidth(col, wide)
                left -= wide
        before = self.columnWidth(TEXT)
        self.setColumnWidth(TEXT, max(160, left))
        if before != self.columnWidth(TEXT):
            self._fit_rows()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.lay_out()
        self._tell_window()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.lay_out()
        self._tell_window()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        frame_current(self)

    # Hands

    def _account_at(self, where: QPoint) -> str | None:
        index = self.indexAt(where)
        entry = self.log.entry(index.row()) if index.column() == ACCOUNT else None
        return entry.account if entry else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        where = event.position().toPoint()
        before = (self.hover_row, self.on_account)
        self.hover_row, self.on_account = self.indexAt(where).row(), self._account_at(where) is not None
        if before != (self.hover_row, self.on_account):
            shape = Qt.CursorShape.PointingHandCursor if self.on_account else Qt.CursorShape.ArrowCursor
            self.viewport().setCursor(shape)
            self.viewport().update()
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        plain_click = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if event.button() is Qt.MouseButton.LeftButton and plain_click:
            account = self._account_at(event.position().toPoint())
            if account is not None:
                self.account_wanted.emit(account)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave and self.hover_row >= 0:
            self.hover_row, self.on_account = -1, False
            self.viewport().update()
        return super().viewportEvent(event)

    def chosen(self) -> list[LogEntry]:
        """The chosen entries that are at hand, from top to bottom."""
        rows = sorted({index.row() for index in self.selectionModel().selectedRows()})
        return [entry for row in rows if (entry := self.log.entry(row))]

    def copy(self) -> None:
        """Put the chosen entries into the clipboard, one a line."""
        told = [
            "\t".join(self.log.text(entry, col) for col in (TIME, KIND, TEXT, ACCOUNT, PROSPECT))
            for entry in self.chosen()
        ]
        QGuiApplication.clipboard().setText("\n".join(told))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        entry = self.log.entry(self.currentIndex().row())
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and entry and entry.account:
            self.account_wanted.emit(entry.account)
        elif event.key() == Qt.Key.Key_Escape and self.highlighted is not None:
            self.cleared.emit()
        else:
            super().keyPressEvent(event)
