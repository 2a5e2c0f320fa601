"""The table of accounts: fixed rows, a button in the row, columns that make room, a header that sorts."""

import time
from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from reply_desktop.ui import icons, theme
from reply_desktop.ui.columns import COLUMNS, Col, fitting
from reply_desktop.ui.delegates import CellDelegate
from reply_desktop.ui.list_model import IndexModel, column_of
from reply_desktop.ui.theme import Space

GLOW_S: Final = 1.6
"""How long a row shines after it was mended, in seconds."""


class SortHeader(QHeaderView):
    """Column titles with the arrow of the sorted one; only those the engine can sort by react."""

    def __init__(self, table: "AccountsTable") -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self._table = table
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setDefaultAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        self.setMinimumSectionSize(36)
        self.setAccessibleName("Column titles")

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), theme.scaled(34))

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        used, column = theme.colors(), COLUMNS[section]
        wanted = self._table.model_.wanted
        is_sorted = column.sort is not None and column.sort == wanted.sort
        painter.fillRect(rect, QColor(used.surface))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, QColor(used.border))
        inset = Space.L if section == Col.STATUS else Space.S
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        if section == self._table.last_column:
            rect = rect.adjusted(Space.S, 0, 0, 0) if mirrored else rect.adjusted(0, 0, -Space.S, 0)
        box = rect.adjusted(Space.S, 0, -inset, 0) if mirrored else rect.adjusted(inset, 0, -Space.S, 0)
        painter.setPen(QColor(used.text if is_sorted else used.muted))
        painter.setFont(theme.theme().font(theme.Type.CAPTION, strong=is_sorted))
        metrics = painter.fontMetrics()
        room = box.width() - (14 if is_sorted else 0)
        title = metrics.elidedText(column.title, Qt.TextElideMode.ElideRight, room)
        flags = Qt.AlignmentFlag.AlignVCenter | (
            Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
        )
        if not is_sorted:
            painter.drawText(box, int(flags), title)
            return
        across = metrics.horizontalAdvance(title)
        start = box.right() - across - 14 if column.right else box.left()
        if mirrored:
            start = box.right() - across
        painter.drawText(QRect(start, box.top(), across + 2, box.height()), int(flags), title)
        arrow = icons.pixmap("arrow-down" if wanted.descending else "arrow-up", used.text, 12)
        beside = (
            start - 14 if self.layoutDirection() is Qt.LayoutDirection.RightToLeft else start + across + 3
        )
        painter.drawPixmap(QPoint(beside, box.center().y() - 5), arrow)


class AccountsTable(QTableView):
    """Rows of accounts. `action_wanted` and `opened` carry an account id."""

    action_wanted = Signal(str)
    opened = Signal(str)
    selection_changed = Signal()
    columns_changed = Signal()

    def __init__(self, model: IndexModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model_ = model
        self.hover_row = self.hover_button = self.pressed_button = -1
        self.wanted_columns = frozenset(Col)
        self.last_column = Col.STRIP
        self.own_widths: dict[Col, int] = {}
        self._glowing: dict[str, float] = {}
        self._kept: tuple[set[str], str | None, int, int] | None = None
        self._laying_out = self._restoring = False
        self.setAccessibleName("Email accounts")
        self.setModel(model)
        self._delegate = CellDelegate(self, self)
        self.setItemDelegate(self._delegate)
        self.setHorizontalHeader(SortHeader(self))
        self._style_rows()
        self._timers()
        self._connect_signals()

    def _style_rows(self) -> None:
        mode = QAbstractItemView.ScrollMode.ScrollPerPixel
        self.setVerticalScrollMode(mode)
        self.setHorizontalScrollMode(mode)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(1)
        rows.setDefaultSectionSize(theme.scaled(theme.ROW_HEIGHT))
        self.verticalScrollBar().setSingleStep(theme.scaled(theme.ROW_HEIGHT))

    def _timers(self) -> None:
        self._shine = QTimer(self, interval=32)
        self._shine.timeout.connect(self._on_shine)
        self._relayout = QTimer(self, interval=120, singleShot=True)
        self._relayout.timeout.connect(self.lay_out_columns)

    def _connect_signals(self) -> None:
        model = self.model_
        model.about_to_reorder.connect(self._keep)
        model.reordered.connect(self._restore)
        model.loaded.connect(self._tell_window)
        self.verticalScrollBar().valueChanged.connect(self._tell_window)
        self.horizontalHeader().sectionClicked.connect(self._on_title)
        self.horizontalHeader().sectionResized.connect(self._on_resized)
        self.doubleClicked.connect(lambda index: self.opened.emit(self.id_at(index.row())))
        theme.theme().changed.connect(self.restyle)

    def restyle(self) -> None:
        """Take over the scheme in use."""
        self._delegate.restyle()
        self.viewport().update()
        self.horizontalHeader().viewport().update()

    # Which account

    def id_at(self, row: int) -> str:
        """The account in a row."""
        return self.model_.ids[row]

    def current_id(self) -> str | None:
        """The account the keyboard is on."""
        row = self.currentIndex().row()
        return self.model_.ids[row] if 0 <= row < len(self.model_.ids) else None

    def selected_ids(self) -> tuple[str, ...]:
        """The chosen accounts, from top to bottom."""
        rows: set[int] = set()
        spans = self.selectionModel().selection()
        for span in (spans.at(at) for at in range(spans.count())):
            rows.update(range(span.top(), span.bottom() + 1))
        ids = self.model_.ids
        return tuple(ids[row] for row in sorted(rows) if row < len(ids))

    def select_ids(self, ids: set[str], current: str | None = None, *, column: int = Col.ADDRESS) -> None:
        """Choose these accounts, as far as they are shown; `current` gets the keyboard."""
        rows = self.model_.rows_of(ids)
        chosen, last = QItemSelection(), len(COLUMNS) - 1
        start = 0
        for at, row in enumerate(rows):
            if at + 1 == len(rows) or rows[at + 1] != row + 1:
                chosen.select(self.model_.index(rows[start], 0), self.model_.index(row, last))
                start = at + 1
        flags = QItemSelectionModel.SelectionFlag
        where = self.model_.rows_of({current}) if current else []
        index = self.model_.index(where[0], column) if where else QModelIndex()
        self.selectionModel().setCurrentIndex(index, flags.NoUpdate)
        self.selectionModel().select(chosen, flags.ClearAndSelect)

    def show_account(self, account_id: str) -> bool:
        """Choose an account and bring it into view; False when it is not shown."""
        rows = self.model_.rows_of({account_id})
        if not rows:
            return False
        self.select_ids({account_id}, account_id)
        self.scrollTo(self.model_.index(rows[0], Col.ADDRESS), QAbstractItemView.ScrollHint.EnsureVisible)
        return True

    def _keep(self) -> None:
        current = self.currentIndex()
        column = current.column() if current.isValid() else int(Col.ADDRESS)
        self._kept = (set(self.selected_ids()), self.current_id(), column, self.verticalScrollBar().value())
        self._restoring = True
        self.selectionModel().reset()

    def _restore(self) -> None:
        if self._kept is None:
            return
        chosen, current, column, scroll = self._kept
        self._kept = None
        auto = self.hasAutoScroll()
        self.setAutoScroll(False)
        self.select_ids(chosen, current, column=column)
        self.setAutoScroll(auto)
        self._restoring = False
        self.updateGeometries()
        self.verticalScrollBar().setValue(scroll)
        self.hover_row = self.hover_button = -1
        self._tell_window()
        if set(self.selected_ids()) != chosen:
            self.selection_changed.emit()

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        if not self._restoring:
            self.selection_changed.emit()

    def _tell_window(self) -> None:
        height = self.verticalHeader().defaultSectionSize()
        first = self.verticalScrollBar().value() // height
        last = first + self.viewport().height() // height + 1
        self.model_.show_window(first, min(last, len(self.model_.ids) - 1))

    # Columns

    def lay_out_columns(self) -> None:
        """Show the columns that fit, and share out the room."""
        across = self._delegate.across
        widths = {col: self.own_widths.get(col, COLUMNS[col].least(across)) for col in Col}
        # The last column ends where the page's margin does, and its cells reach the edge.
        room = self.viewport().width() - Space.S
        given = fitting(room, self.wanted_columns, widths, frozenset(self.own_widths))
        self.last_column = max(given)
        given[self.last_column] += Space.S
        header = self.horizontalHeader()
        self._laying_out = True
        for col in Col:
            header.setSectionHidden(col, col not in given)
            if col in given:
                header.resizeSection(col, given[col])
        self._laying_out = False

    def want_column(self, col: Col, on: bool) -> None:
        """Show a column, as far as there is room, or hide it."""
        self.wanted_columns = self.wanted_columns | {col} if on else self.wanted_columns - {col}
        self.lay_out_columns()
        self.columns_changed.emit()

    def usual_columns(self) -> None:
        """Forget the person's own columns and widths."""
        self.wanted_columns, self.own_widths = frozenset(Col), {}
        self.lay_out_columns()
        self.columns_changed.emit()

    def _on_resized(self, section: int, old: int, new: int) -> None:
        if not self._laying_out and new > 0 and old > 0:
            self.own_widths[Col(section)] = new
            self._relayout.start()
            self.columns_changed.emit()

    def _on_title(self, section: int) -> None:
        column = COLUMNS[section]
        if column.sort is not None:
            wanted = self.model_.wanted
            again = wanted.sort == column.sort
            self.sort_by(column.sort, not wanted.descending if again else column.descending)

    def sort_by(self, sort: str, descending: bool) -> None:
        """Sort by a name of `AccountFilter.sort`, from the top."""
        self.model_.want(replace(self.model_.wanted, sort=sort, descending=descending))
        self.verticalScrollBar().setValue(0)
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        # Not drawn by Qt; kept for assistive technology.
        self.horizontalHeader().setSortIndicator(column_of(sort), order)
        self.horizontalHeader().viewport().update()
        self.columns_changed.emit()

    # Painting

    def has_button_focus(self, row: int) -> bool:
        """Whether the keyboard is on this row's button."""
        index = self.currentIndex()
        return self.hasFocus() and index.row() == row and index.column() == Col.ACTION

    def glow(self, account_id: str) -> float:
        """How much a row shines just now, 0 to 1."""
        until = self._glowing.get(account_id)
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

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        current = self.currentIndex()
        if not (self.hasFocus() and current.isValid()) or self.has_button_focus(current.row()):
            return
        top = self.rowViewportPosition(current.row())
        across = self.horizontalHeader().length()
        box = QRectF(1, top + 1, across - 2, self.rowHeight(current.row()) - 3)
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.colors().focus), 1.5))
        painter.drawRoundedRect(box, 4, 4)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.lay_out_columns()
        self._tell_window()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._tell_window()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.currentIndex().isValid() and self.model_.ids:
            index = self.model_.index(0, Col.ADDRESS)
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    # Hands

    def _button_at(self, where: QPoint) -> int:
        """The row whose button lies there, or -1."""
        index = self.indexAt(where)
        if index.column() != Col.ACTION or self.model_.stale:
            return -1
        prepared = self.model_.prepared(index.row())
        if prepared is None or prepared.action is None:
            return -1
        return index.row() if self._delegate.button_rect(self.visualRect(index)).contains(where) else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        where = event.position().toPoint()
        before = (self.hover_row, self.hover_button)
        self.hover_row, self.hover_button = self.indexAt(where).row(), self._button_at(where)
        if before != (self.hover_row, self.hover_button):
            hand = self.hover_button >= 0
            self.viewport().setCursor(
                Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor
            )
            self._update_rows(before[0], self.hover_row)
        if self.pressed_button < 0:
            super().mouseMoveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.pressed_button = self._button_at(event.position().toPoint())
            if self.pressed_button >= 0:
                self._update_rows(self.pressed_button)
                return
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self.pressed_button = self.pressed_button, -1
        if pressed < 0:
            super().mouseReleaseEvent(event)
            return
        self._update_rows(pressed)
        if self._button_at(event.position().toPoint()) == pressed:
            self.action_wanted.emit(self.id_at(pressed))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave and self.hover_row >= 0:
            before, self.hover_row, self.hover_button = self.hover_row, -1, -1
            self._update_rows(before)
        return super().viewportEvent(event)

    def _update_rows(self, *rows: int) -> None:
        for row in rows:
            if row >= 0:
                top, height = self.rowViewportPosition(row), self.rowHeight(row)
                self.viewport().update(0, top, self.viewport().width(), height)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        current, key = self.current_id(), event.key()
        enter = key in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.matches(QKeySequence.StandardKey.Copy):
            shown = [self.model_.account(one) for one in self.selected_ids()]
            QGuiApplication.clipboard().setText("\n".join(row.address for row in shown if row))
        elif current is not None and (enter or key == Qt.Key.Key_Space) and self._on_button():
            self.action_wanted.emit(current)
        elif current is not None and enter:
            self.select_ids({current}, current, column=self.currentIndex().column())
            self.opened.emit(current)
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

    # Remembering

    def look(self) -> dict[str, Any]:
        """Columns, widths and sort as plain values."""
        return {
            "widths": {COLUMNS[col].key: width for col, width in self.own_widths.items()},
            "hidden": sorted(COLUMNS[col].key for col in Col if col not in self.wanted_columns),
            "sort": self.model_.wanted.sort,
            "descending": self.model_.wanted.descending,
        }

    def take_look(self, look: dict[str, Any]) -> None:
        """Go back to what `look` gave; what is unknown by now is passed over."""
        by_key = {COLUMNS[col].key: col for col in Col}
        widths = look.get("widths", {})
        self.own_widths = {
            by_key[key]: width for key, width in widths.items() if key in by_key and 36 <= width <= 2000
        }
        self.wanted_columns = frozenset(Col) - {
            by_key[key] for key in look.get("hidden", ()) if key in by_key
        }
        sort = look.get("sort")
        if sort in {column.sort for column in COLUMNS if column.sort}:
            self.sort_by(sort, bool(look.get("descending")))
        self.lay_out_columns()
