"""How tables of rows look and behave: whole rows are chosen, and the current one has a frame."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QTableWidget

from reply_desktop.ui import theme


def style_rows(table: QTableView, height: int) -> None:
    """Rows of this height at 100 % text size, chosen as a whole, scrolled by pixels, not edited."""
    mode = QAbstractItemView.ScrollMode.ScrollPerPixel
    table.setVerticalScrollMode(mode)
    table.setHorizontalScrollMode(mode)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setCornerButtonEnabled(False)
    table.setTabKeyNavigation(False)
    table.setMouseTracking(True)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    rows = table.verticalHeader()
    rows.hide()
    rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    rows.setMinimumSectionSize(1)
    rows.setDefaultSectionSize(theme.scaled(height))
    table.verticalScrollBar().setSingleStep(theme.scaled(height))


def style_header(header: QHeaderView) -> None:
    """Small titles at the columns' leading side, with a name for assistive technology."""
    small = theme.theme().font(theme.Type.CAPTION)
    header.setFont(small)
    # Titles are painted with the viewport's own font, which does not follow.
    header.viewport().setFont(small)
    header.setHighlightSections(False)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
    header.setMinimumSectionSize(36)
    header.setAccessibleName("Column titles")


def style_small(table: QTableWidget) -> None:
    """A table to be read, inside a page: no grid, nothing to type, and Tab leaves it."""
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    style_header(table.horizontalHeader())


def frame_current(table: QTableView) -> None:
    """Draw a frame around the row that has the keyboard; call it after the table has painted itself."""
    current = table.currentIndex()
    if not (table.hasFocus() and current.isValid()):
        return
    top = table.rowViewportPosition(current.row())
    across = table.horizontalHeader().length()
    painter = QPainter(table.viewport())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.colors().focus), 1.5))
    painter.drawRoundedRect(QRectF(1, top + 1, across - 2, table.rowHeight(current.row()) - 3), 4, 4)
