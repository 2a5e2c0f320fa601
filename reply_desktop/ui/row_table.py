"""A table over a `VectorModel`: fixed rows, selection kept by ids, columns that make room, sorting header."""

from dataclasses import replace
from typing import Any

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QRect,
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
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from reply_desktop.ui import icons, theme
from reply_desktop.ui.columns import fit
from reply_desktop.ui.row_delegate import RowDelegate
from reply_desktop.ui.table_style import frame_current, style_header, style_rows
from reply_desktop.ui.theme import Space
from reply_desktop.ui.vector_model import VectorModel


class SortHeader(QHeaderView):
    """Column titles with the arrow of the sorted one; only those the engine can sort by react."""

    def __init__(self, table: "RowTable") -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self._table = table
        self.setSectionsClickable(True)
        style_header(self)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), theme.scaled(34))

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        used, column = theme.colors(), self._table.columns[section]
        wanted = self._table.rows.wanted
        is_sorted = column.sort is not None and column.sort == wanted.sort
        painter.fillRect(rect, QColor(used.surface))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, QColor(used.border))
        inset = Space.L if section == 0 else Space.S
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


class RowTable(QTableView):
    """Rows of a `VectorModel`. `main`: the column that takes spare room. `opened` carries a row's id."""

    opened = Signal(str)
    selection_changed = Signal()
    columns_changed = Signal()

    def __init__(
        self, model: VectorModel[Any, Any], main: int, name: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.rows = model
        self.columns, self.main = model.columns, main
        self.hover_row = -1
        self.wanted_columns: frozenset[int] = frozenset(range(len(self.columns)))
        self.last_column = len(self.columns) - 1
        self.own_widths: dict[int, int] = {}
        self._kept: tuple[set[str], str | None, int, int] | None = None
        self._laying_out = self._restoring = False
        self.setAccessibleName(name)
        self.setModel(model)
        self._delegate = self.make_delegate()
        self.setItemDelegate(self._delegate)
        self.setHorizontalHeader(SortHeader(self))
        style_rows(self, theme.ROW_HEIGHT)
        self._timers()
        self._connect_signals()

    def make_delegate(self) -> RowDelegate:
        """What paints the cells."""
        return RowDelegate(self, self)

    def _timers(self) -> None:
        self._relayout = QTimer(self, interval=120, singleShot=True)
        self._relayout.timeout.connect(self.lay_out_columns)

    def _connect_signals(self) -> None:
        model = self.rows
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

    # Which row

    def id_at(self, row: int) -> str:
        """What is in a row."""
        return self.rows.ids[row]

    def current_id(self) -> str | None:
        """What the keyboard is on."""
        row = self.currentIndex().row()
        return self.rows.ids[row] if 0 <= row < len(self.rows.ids) else None

    def selected_ids(self) -> tuple[str, ...]:
        """What is chosen, from top to bottom."""
        rows: set[int] = set()
        spans = self.selectionModel().selection()
        for span in (spans.at(at) for at in range(spans.count())):
            rows.update(range(span.top(), span.bottom() + 1))
        ids = self.rows.ids
        return tuple(ids[row] for row in sorted(rows) if row < len(ids))

    def select_ids(self, ids: set[str], current: str | None = None, *, column: int | None = None) -> None:
        """Choose these, as far as they are shown; `current` gets the keyboard (`column`, else the main)."""
        rows = self.rows.rows_of(ids)
        chosen, last = QItemSelection(), len(self.columns) - 1
        start = 0
        for at, row in enumerate(rows):
            if at + 1 == len(rows) or rows[at + 1] != row + 1:
                chosen.select(self.rows.index(rows[start], 0), self.rows.index(row, last))
                start = at + 1
        flags = QItemSelectionModel.SelectionFlag
        where = self.rows.rows_of({current}) if current else []
        index = self.rows.index(where[0], self.main if column is None else column) if where else QModelIndex()
        self.selectionModel().setCurrentIndex(index, flags.NoUpdate)
        self.selectionModel().select(chosen, flags.ClearAndSelect)

    def show_row(self, row_id: str) -> bool:
        """Choose one and bring it into view; False when it is not shown."""
        rows = self.rows.rows_of({row_id})
        if not rows:
            return False
        self.select_ids({row_id}, row_id)
        self.scrollTo(self.rows.index(rows[0], self.main), QAbstractItemView.ScrollHint.EnsureVisible)
        return True

    def _keep(self) -> None:
        current = self.currentIndex()
        column = current.column() if current.isValid() else self.main
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
        self.hover_row = -1
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
        self.rows.show_window(first, min(last, len(self.rows.ids) - 1))

    # Columns

    def lay_out_columns(self) -> None:
        """Show the columns that fit, and share out the room."""
        across = self._delegate.across
        widths = {col: self.own_widths.get(col, one.least(across)) for col, one in enumerate(self.columns)}
        # The last column ends where the page's margin does, and its cells reach the edge.
        room = self.viewport().width() - Space.S
        given = fit(self.columns, self.main, room, self.wanted_columns, widths, frozenset(self.own_widths))
        self.last_column = max(given)
        given[self.last_column] += Space.S
        header = self.horizontalHeader()
        self._laying_out = True
        for col in range(len(self.columns)):
            header.setSectionHidden(col, col not in given)
            if col in given:
                header.resizeSection(col, given[col])
        self._laying_out = False

    def want_column(self, col: int, on: bool) -> None:
        """Show a column, as far as there is room, or hide it."""
        self.wanted_columns = self.wanted_columns | {col} if on else self.wanted_columns - {col}
        self.lay_out_columns()
        self.columns_changed.emit()

    def usual_columns(self) -> None:
        """Forget the person's own columns and widths."""
        self.wanted_columns, self.own_widths = frozenset(range(len(self.columns))), {}
        self.lay_out_columns()
        self.columns_changed.emit()

    def _on_resized(self, section: int, old: int, new: int) -> None:
        if not self._laying_out and new > 0 and old > 0:
            self.own_widths[section] = new
            self._relayout.start()
            self.columns_changed.emit()

    def _on_title(self, section: int) -> None:
        column = self.columns[section]
        if column.sort is not None:
            wanted = self.rows.wanted
            again = wanted.sort == column.sort
            self.sort_by(column.sort, not wanted.descending if again else column.descending)

    def sort_by(self, sort: str, descending: bool) -> None:
        """Sort by a name of `Column.sort`, from the top."""
        self.rows.want(replace(self.rows.wanted, sort=sort, descending=descending))
        self.verticalScrollBar().setValue(0)
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        # Not drawn by Qt; kept for assistive technology.
        at = next(col for col, one in enumerate(self.columns) if one.sort == sort)
        self.horizontalHeader().setSortIndicator(at, order)
        self.horizontalHeader().viewport().update()
        self.columns_changed.emit()

    # Painting

    def focus_is_in_cell(self) -> bool:
        """Whether the current cell itself shows that it has the keyboard."""
        return False

    def glow(self, row_id: str) -> float:
        """How much a row shines just now, 0 to 1."""
        return 0.0

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.focus_is_in_cell():
            frame_current(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.lay_out_columns()
        self._tell_window()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._tell_window()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.currentIndex().isValid() and self.rows.ids:
            index = self.rows.index(0, self.main)
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    # Hands

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        before, self.hover_row = self.hover_row, self.indexAt(event.position().toPoint()).row()
        if before != self.hover_row:
            self.update_rows(before, self.hover_row)
        super().mouseMoveEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave and self.hover_row >= 0:
            self.leave_row()
        return super().viewportEvent(event)

    def leave_row(self) -> None:
        """The pointer has gone."""
        before, self.hover_row = self.hover_row, -1
        self.update_rows(before)

    def update_rows(self, *rows: int) -> None:
        """Paint these rows anew."""
        for row in rows:
            if row >= 0:
                top, height = self.rowViewportPosition(row), self.rowHeight(row)
                self.viewport().update(0, top, self.viewport().width(), height)

    def copied(self, row: Any) -> str:
        """What Copy takes of a row."""
        raise NotImplementedError

    def keyPressEvent(self, event: QKeyEvent) -> None:
        current, key = self.current_id(), event.key()
        if event.matches(QKeySequence.StandardKey.Copy):
            shown = [self.rows.seen(one) for one in self.selected_ids()]
            QGuiApplication.clipboard().setText("\n".join(self.copied(one.row) for one in shown if one))
        elif current is not None and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.select_ids({current}, current, column=self.currentIndex().column())
            self.opened.emit(current)
        else:
            super().keyPressEvent(event)

    # Remembering

    def look(self) -> dict[str, Any]:
        """Columns, widths and sort as plain values."""
        columns, wanted = self.columns, self.rows.wanted
        return {
            "widths": {columns[col].key: width for col, width in self.own_widths.items()},
            "hidden": sorted(one.key for col, one in enumerate(columns) if col not in self.wanted_columns),
            "sort": wanted.sort,
            "descending": wanted.descending,
        }

    def take_look(self, look: dict[str, Any]) -> None:
        """Go back to what `look` gave; what is unknown by now is passed over."""
        by_key = {one.key: col for col, one in enumerate(self.columns)}
        widths = look.get("widths", {})
        self.own_widths = {
            by_key[key]: width for key, width in widths.items() if key in by_key and 36 <= width <= 2000
        }
        hidden = {by_key[key] for key in look.get("hidden", ()) if key in by_key}
        self.wanted_columns = frozenset(range(len(self.columns))) - hidden
        sort = look.get("sort")
        if sort in {one.sort for one in self.columns if one.sort}:
            self.sort_by(sort, bool(look.get("descending")))
        self.lay_out_columns()
