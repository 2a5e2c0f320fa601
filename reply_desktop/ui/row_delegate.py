"""Painting of plain table cells: backgrounds, cut texts, and a picture with a text beside it."""

from typing import Any, Final, Protocol

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from reply_desktop.domain.states import Color
from reply_desktop.ui import theme
from reply_desktop.ui.columns import Column
from reply_desktop.ui.theme import Space
from reply_desktop.ui.vector_model import VectorModel

Index = QModelIndex | QPersistentModelIndex

_Mode = Qt.TextElideMode
_VCENTER: Final = int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)
_LEADING: Final = _VCENTER | int(Qt.AlignmentFlag.AlignLeft)
_TRAILING: Final = _VCENTER | int(Qt.AlignmentFlag.AlignRight)


class Host(Protocol):
    """What the delegate asks of the table it paints for. Rows are -1 where there is none."""

    rows: VectorModel[Any, Any]
    columns: tuple[Column, ...]
    main: int
    hover_row: int
    last_column: int

    def glow(self, row_id: str) -> float:
        """How much a row shines just now, 0 to 1."""
        ...

    def layoutDirection(self) -> Qt.LayoutDirection:
        """Where lines begin."""
        ...


class RowDelegate(QStyledItemDelegate):
    """Paints the cells of a `RowTable`; `paint_cell` says how one of them looks."""

    def __init__(self, table: Host, parent: QObject) -> None:
        super().__init__(parent)
        self._table = table
        self._elided: dict[tuple[str, int, bool], str] = {}
        self.restyle()

    def restyle(self) -> None:
        """Take over fonts and colours of the scheme in use."""
        self._colors = theme.colors()
        self._font = theme.theme().font()
        self._metrics = QFontMetrics(self._font)
        self._strong = QFont(self._font)
        self._strong.setWeight(QFont.Weight.Medium)
        self._strong_metrics = QFontMetrics(self._strong)
        self._text = QColor(self._colors.text)
        self._muted = QColor(self._colors.muted)
        self._line = QColor(self._colors.border)
        self._inks = {color: QColor(self._colors.tone(color).ink) for color in Color}
        self._elided.clear()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(self._table.columns[index.column()].width, theme.scaled(theme.ROW_HEIGHT))

    def across(self, text: str) -> int:
        """Width of a text as the cells write it, in pixels."""
        return self._strong_metrics.horizontalAdvance(text)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        table, cell = self._table, option.rect
        row, col = index.row(), index.column()
        prepared = table.rows.prepared(row)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        self._back(painter, cell, row, prepared, selected)
        if prepared is None:
            self._skeleton(painter, cell, col)
            return
        inner = cell.adjusted(Space.S, 0, -Space.S, 0)
        if col in (0, table.last_column):
            # The page's margin, on the side where the row ends.
            mirrored = table.layoutDirection() is Qt.LayoutDirection.RightToLeft
            on_left = (col == 0) is not mirrored
            inner = inner.adjusted(Space.S * on_left, 0, -Space.S * (not on_left), 0)
        self.paint_cell(painter, cell, inner, index, prepared, selected)

    def paint_cell(
        self, painter: QPainter, cell: QRect, inner: QRect, index: Index, prepared: Any, selected: bool
    ) -> None:
        """Paint what is in a cell; `inner` is the part of it for texts."""
        col = index.column()
        if col == self._table.main:
            painter.setFont(self._strong)
            self._write(painter, inner, prepared.texts[col], self._text, middle=True)
        else:
            right = self._table.columns[col].right
            self._write(painter, inner, prepared.texts[col], self._muted, trailing=right)

    def _back(self, painter: QPainter, cell: QRect, row: int, prepared: Any, selected: bool) -> None:
        if selected:
            painter.fillRect(cell, QColor(self._colors.selected))
        elif row == self._table.hover_row:
            painter.fillRect(cell, QColor(self._colors.hover))
        if prepared is not None and (glow := self._table.glow(prepared.row.id)):
            shade = QColor(self._colors.green.fill)
            shade.setAlphaF(0.28 * glow)
            painter.fillRect(cell, shade)
        painter.fillRect(cell.left(), cell.bottom(), cell.width(), 1, self._line)

    def _skeleton(self, painter: QPainter, cell: QRect, col: int) -> None:
        bar = QRect(cell.left() + Space.S, cell.center().y() - 4, max(0, cell.width() // 2), 8)
        painter.fillRect(bar, QColor(self._colors.hover))

    def _write(
        self,
        painter: QPainter,
        box: QRect,
        text: str,
        ink: QColor,
        *,
        middle: bool = False,
        trailing: bool = False,
    ) -> None:
        if self._table.rows.stale:
            ink = self._muted
        key = (text, box.width(), middle)
        shown = self._elided.get(key)
        if shown is None:
            if len(self._elided) > 4096:
                self._elided.clear()
            # An address cut in the middle keeps both its name and its domain.
            mode = _Mode.ElideMiddle if middle else _Mode.ElideRight
            metrics = self._strong_metrics if middle else self._metrics
            shown = self._elided[key] = metrics.elidedText(text, mode, box.width())
        painter.setPen(ink)
        painter.drawText(box, _TRAILING if trailing else _LEADING, shown)
        if middle:
            painter.setFont(self._font)

    def _marked(self, painter: QPainter, box: QRect, mark: QPixmap, text: str, ink: QColor) -> None:
        place = QRect(box.left(), box.center().y() - theme.ICON // 2 + 1, theme.ICON, theme.ICON)
        beside = box.adjusted(theme.ICON + Space.S, 0, 0, 0)
        direction = self._table.layoutDirection()
        painter.setOpacity(0.45 if self._table.rows.stale else 1.0)
        painter.drawPixmap(QStyle.visualRect(direction, box, place).topLeft(), mark)
        painter.setOpacity(1.0)
        self._write(painter, QStyle.visualRect(direction, box, beside), text, ink)
