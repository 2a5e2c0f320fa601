"""Painting of the accounts table's cells: status, row button, provider mark, health strip."""

from typing import Final, Protocol

from PySide6.QtCore import QObject, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QStyle

from reply_desktop.domain.states import Color
from reply_desktop.ui import icons, row_delegate, theme
from reply_desktop.ui.columns import Col, Prepared
from reply_desktop.ui.row_delegate import Index, RowDelegate
from reply_desktop.ui.strip import strip_pixmap, strip_width

BUTTON: Final = 28
"""Side of the button in a row, in pixels."""


class Host(row_delegate.Host, Protocol):
    """What the delegate asks of the table of accounts besides."""

    hover_button: int
    pressed_button: int

    def has_button_focus(self, row: int) -> bool:
        """Whether the keyboard is on this row's button."""
        ...


class CellDelegate(RowDelegate):
    """Paints every cell of the accounts table."""

    def __init__(self, table: Host, parent: QObject) -> None:
        self._buttons = table
        super().__init__(table, parent)

    def button_rect(self, cell: QRect) -> QRect:
        """Where the button lies in its cell."""
        box = QRect(0, 0, BUTTON, BUTTON)
        box.moveCenter(cell.center())
        return box

    def paint_cell(
        self, painter: QPainter, cell: QRect, inner: QRect, index: Index, prepared: Prepared, selected: bool
    ) -> None:
        col = index.column()
        if col == Col.STATUS:
            self._status(painter, inner, prepared)
        elif col == Col.ACTION:
            self._button(painter, cell, index.row(), prepared, selected)
        elif col == Col.PROVIDER:
            mark = icons.pixmap(icons.PROVIDER_ICONS[prepared.row.provider], self._colors.muted)
            self._marked(painter, inner, mark, prepared.texts[col], self._muted)
        elif col == Col.STRIP:
            self._paint_strip(painter, inner, prepared)
        elif col == Col.CAUSE:
            ink = self._inks[prepared.color] if prepared.color is not Color.GREEN else self._muted
            self._write(painter, inner, prepared.texts[col], ink)
        else:
            super().paint_cell(painter, cell, inner, index, prepared, selected)

    def _skeleton(self, painter: QPainter, cell: QRect, col: int) -> None:
        if col not in (Col.ACTION, Col.STRIP):
            super()._skeleton(painter, cell, col)

    def _status(self, painter: QPainter, box: QRect, prepared: Prepared) -> None:
        state = prepared.row.state
        ink = QColor(self._colors.state_tone(state).ink)
        self._marked(painter, box, icons.state_pixmap(state), prepared.texts[Col.STATUS], ink)

    def _button(self, painter: QPainter, cell: QRect, row: int, prepared: Prepared, selected: bool) -> None:
        if prepared.action is None:
            return
        box = self.button_rect(cell)
        used, table = self._colors, self._buttons
        hovered = table.hover_button == row
        pressed = hovered and table.pressed_button == row
        off = table.rows.stale
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
        painter.setOpacity(0.45 if self._table.rows.stale else 1.0)
        painter.drawPixmap(place.topLeft(), strip_pixmap(prepared.row.strip, height))
        painter.setOpacity(1.0)
