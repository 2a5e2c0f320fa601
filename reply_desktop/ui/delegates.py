"""Painting of table cells from prepared texts: status, row button, provider mark, health strip."""

from typing import Final, Protocol

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from reply_desktop.domain.states import Color
from reply_desktop.ui import icons, theme
from reply_desktop.ui.columns import COLUMNS, Col, Prepared
from reply_desktop.ui.list_model import IndexModel
from reply_desktop.ui.strip import strip_pixmap, strip_width
from reply_desktop.ui.theme import Space

BUTTON: Final = 28
"""Side of the button in a row, in pixels."""

_Mode = Qt.TextElideMode
_VCENTER: Final = int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)
_LEADING: Final = _VCENTER | int(Qt.AlignmentFlag.AlignLeft)
_TRAILING: Final = _VCENTER | int(Qt.AlignmentFlag.AlignRight)


class Host(Protocol):
    """What the delegate asks of the table it paints for. Rows are -1 where there is none."""

    model_: IndexModel
    hover_row: int
    hover_button: int
    pressed_button: int
    last_column: Col

    def has_button_focus(self, row: int) -> bool:
        """Whether the keyboard is on this row's button."""
        ...

    def glow(self, account_id: str) -> float:
        """How much a row shines just now, 0 to 1."""
        ...

    def layoutDirection(self) -> Qt.LayoutDirection:
        """Where lines begin."""
        ...


class CellDelegate(QStyledItemDelegate):
    """Paints every cell of the accounts table."""

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

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(COLUMNS[index.column()].width, theme.scaled(theme.ROW_HEIGHT))

    def across(self, text: str) -> int:
        """Width of a text as the cells write it, in pixels."""
        return self._strong_metrics.horizontalAdvance(text)

    def button_rect(self, cell: QRect) -> QRect:
        """Where the button lies in its cell."""
        box = QRect(0, 0, BUTTON, BUTTON)
        box.moveCenter(cell.center())
        return box

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        table, cell = self._table, option.rect
        row, col = index.row(), index.column()
        prepared = table.model_.prepared(row)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        self._back(painter, cell, row, prepared, selected)
        if prepared is None:
            self._skeleton(painter, cell, col)
            return
        inner = cell.adjusted(Space.S, 0, -Space.S, 0)
        if col in (Col.STATUS, table.last_column):
            # The page's margin, on the side where the row ends.
            mirrored = table.layoutDirection() is Qt.LayoutDirection.RightToLeft
            on_left = (col == Col.STATUS) is not mirrored
            inner = inner.adjusted(Space.S * on_left, 0, -Space.S * (not on_left), 0)
        if col == Col.STATUS:
            self._status(painter, inner, prepared)
        elif col == Col.ACTION:
            self._button(painter, cell, row, prepared, selected)
        elif col == Col.PROVIDER:
            mark = icons.pixmap(icons.PROVIDER_ICONS[prepared.row.provider], self._colors.muted)
            self._marked(painter, inner, mark, prepared.texts[col], self._muted)
        elif col == Col.STRIP:
            self._paint_strip(painter, inner, prepared)
        elif col == Col.ADDRESS:
            painter.setFont(self._strong)
            self._write(painter, inner, prepared.texts[col], self._text, middle=True)
        elif col == Col.CAUSE:
            ink = self._inks[prepared.color] if prepared.color is not Color.GREEN else self._muted
            self._write(painter, inner, prepared.texts[col], ink)
        else:
            self._write(painter, inner, prepared.texts[col], self._muted, trailing=COLUMNS[col].right)

    def _back(
        self, painter: QPainter, cell: QRect, row: int, prepared: Prepared | None, selected: bool
    ) -> None:
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
        if col in (Col.ACTION, Col.STRIP):
            return
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
        if self._table.model_.stale:
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
        painter.setOpacity(0.45 if self._table.model_.stale else 1.0)
        painter.drawPixmap(QStyle.visualRect(direction, box, place).topLeft(), mark)
        painter.setOpacity(1.0)
        self._write(painter, QStyle.visualRect(direction, box, beside), text, ink)

    def _status(self, painter: QPainter, box: QRect, prepared: Prepared) -> None:
        state = prepared.row.state
        ink = QColor(self._colors.state_tone(state).ink)
        self._marked(painter, box, icons.state_pixmap(state), prepared.texts[Col.STATUS], ink)

    def _button(self, painter: QPainter, cell: QRect, row: int, prepared: Prepared, selected: bool) -> None:
        if prepared.action is None:
            return
        box = self.button_rect(cell)
        used, table = self._colors, self._table
        hovered = table.hover_button == row
        pressed = hovered and table.pressed_button == row
        off = table.model_.stale
        quiet = used.surface if selected else used.blue.soft
        back = quiet if not hovered else used.accent_pressed if pressed else used.accent
        tint = used.accent if not hovered else used.on_accent
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(used.hover if off else back))
        painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)
        if table.has_button_focus(row):
            painter.setPen(QPen(QColor(used.focus), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(box).adjusted(-2, -2, 2, 2), theme.RADIUS + 2, theme.RADIUS + 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        name = "reconnect" if prepared.row.can_reconnect else "key"
        corner = box.center() - QRect(0, 0, theme.ICON - 1, theme.ICON - 1).center()
        painter.drawPixmap(corner, icons.pixmap(name, used.disabled if off else tint))

    def _paint_strip(self, painter: QPainter, box: QRect, prepared: Prepared) -> None:
        height = 16
        place = QRect(box.left(), box.center().y() - height // 2, strip_width(prepared.row.strip), height)
        place = QStyle.visualRect(self._table.layoutDirection(), box, place)
        painter.setOpacity(0.45 if self._table.model_.stale else 1.0)
        painter.drawPixmap(place.topLeft(), strip_pixmap(prepared.row.strip, height))
        painter.setOpacity(1.0)
