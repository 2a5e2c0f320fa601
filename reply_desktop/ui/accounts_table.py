"""The table of accounts: rows with a button that mends, and the shine of a row that was mended."""

import time
from typing import Final

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from reply_desktop.domain.rows import AccountRow
from reply_desktop.ui.columns import Col
from reply_desktop.ui.delegates import CellDelegate
from reply_desktop.ui.list_model import IndexModel
from reply_desktop.ui.row_table import RowTable

GLOW_S: Final = 1.6
"""How long a row shines after it was mended, in seconds."""


class AccountsTable(RowTable):
    """Rows of accounts. `action_wanted` and `opened` carry an account id."""

    action_wanted = Signal(str)

    def __init__(self, model: IndexModel, parent: QWidget | None = None) -> None:
        super().__init__(model, Col.ADDRESS, "Email accounts", parent)
        self.model_ = model
        self.hover_button = self.pressed_button = -1
        self._glowing: dict[str, float] = {}
        self._shine = QTimer(self, interval=32)
        self._shine.timeout.connect(self._on_shine)
        model.reordered.connect(self._on_reordered)

    def make_delegate(self) -> CellDelegate:
        self._cells = CellDelegate(self, self)
        return self._cells

    def show_account(self, account_id: str) -> bool:
        """Choose an account and bring it into view; False when it is not shown."""
        return self.show_row(account_id)

    def copied(self, row: AccountRow) -> str:
        return row.address

    # Painting

    def has_button_focus(self, row: int) -> bool:
        """Whether the keyboard is on this row's button."""
        index = self.currentIndex()
        return self.hasFocus() and index.row() == row and index.column() == Col.ACTION

    def focus_is_in_cell(self) -> bool:
        return self.has_button_focus(self.currentIndex().row())

    def glow(self, row_id: str) -> float:
        until = self._glowing.get(row_id)
        return 0.0 if until is None else max(0.0, min(1.0, (until - time.monotonic()) / GLOW_S))

    def flash(self, account_id: str) -> None:
        """Let a row shine green for a moment: it was mended."""
        self._glowing[account_id] = time.monotonic() + GLOW_S
        self._shine.start()

    def _on_shine(self) -> None:
        now = time.monotonic()
        self._glowing = {one: until for one, until in self._glowing.items() if until > now}
        if not self._glowing:
            self._shine.stop()
        self.viewport().update()

    # Hands

    def _on_reordered(self) -> None:
        self.hover_button = -1

    def _button_at(self, where: QPoint) -> int:
        """The row whose button lies there, or -1."""
        index = self.indexAt(where)
        if index.column() != Col.ACTION or self.model_.stale:
            return -1
        prepared = self.model_.prepared(index.row())
        if prepared is None or prepared.action is None:
            return -1
        return index.row() if self._cells.button_rect(self.visualRect(index)).contains(where) else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        before, self.hover_button = self.hover_button, self._button_at(event.position().toPoint())
        if before != self.hover_button:
            hand = self.hover_button >= 0
            self.viewport().setCursor(
                Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor
            )
            self.update_rows(before, self.hover_button)
        if self.pressed_button < 0:
            super().mouseMoveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.pressed_button = self._button_at(event.position().toPoint())
            if self.pressed_button >= 0:
                self.update_rows(self.pressed_button)
                return
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self.pressed_button = self.pressed_button, -1
        if pressed < 0:
            super().mouseReleaseEvent(event)
            return
        self.update_rows(pressed)
        if self._button_at(event.position().toPoint()) == pressed:
            self.action_wanted.emit(self.id_at(pressed))

    def leave_row(self) -> None:
        self.hover_button = -1
        super().leave_row()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        current, key = self.current_id(), event.key()
        if (
            current is not None
            and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
            and self._on_button()
        ):
            self.action_wanted.emit(current)
        else:
            super().keyPressEvent(event)

    def _on_button(self) -> bool:
        prepared = self.model_.prepared(self.currentIndex().row())
        return (
            self.currentIndex().column() == Col.ACTION
            and prepared is not None
            and prepared.action is not None
            and not self.model_.stale
        )
