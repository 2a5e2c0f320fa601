"""Tables of rows: whole rows, nothing edited in place, a frame where the keyboard is."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent, QStandardItem, QStandardItemModel
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QTableView, QTableWidget, QTableWidgetItem
from pytestqt.qtbot import QtBot

from reply_desktop.ui import theme
from reply_desktop.ui.table_style import frame_current, style_header, style_rows, style_small
from tests.harness.settling import activate


class Framed(QTableView):
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        frame_current(self)


@pytest.fixture
def table(qtbot: QtBot) -> QTableView:
    table = Framed()
    model = QStandardItemModel(5, 3, table)
    for row in range(5):
        model.setItem(row, 0, QStandardItem(f"row {row}"))
    table.setModel(model)
    style_rows(table, 40)
    style_header(table.horizontalHeader())
    qtbot.addWidget(table)
    table.resize(500, 400)
    table.show()
    activate(qtbot, table)
    return table


def test_a_click_chooses_the_whole_row_and_edits_nothing(table: QTableView) -> None:
    where = table.visualRect(table.model().index(2, 1)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert {(one.row(), one.column()) for one in table.selectedIndexes()} == {(2, 0), (2, 1), (2, 2)}
    assert table.state() is not QAbstractItemView.State.EditingState


def test_rows_are_as_high_as_asked_and_titles_have_a_name(table: QTableView) -> None:
    assert [table.rowHeight(row) for row in range(5)] == [theme.scaled(40)] * 5
    assert table.horizontalHeader().accessibleName() == "Column titles"
    assert not table.verticalHeader().isVisible()


def test_the_frame_is_where_the_keyboard_is_and_nowhere_without_it(qtbot: QtBot, table: QTableView) -> None:
    table.setFocus()
    table.setCurrentIndex(table.model().index(1, 0))
    table.clearSelection()
    with_keyboard = table.viewport().grab().toImage()
    edge = table.rowViewportPosition(1) + 1
    ink = with_keyboard.pixelColor(60, edge)
    table.clearFocus()
    qtbot.waitUntil(lambda: not table.hasFocus())
    assert table.viewport().grab().toImage().pixelColor(60, edge) != ink


def test_a_small_table_is_read_and_left_by_tab(qtbot: QtBot) -> None:
    table = QTableWidget(1, 2)
    qtbot.addWidget(table)
    table.setItem(0, 0, QTableWidgetItem("row"))
    style_small(table)
    table.show()
    activate(qtbot, table)
    table.setCurrentCell(0, 0)
    QTest.keyClick(table, Qt.Key.Key_F2)
    QTest.keyClick(table, Qt.Key.Key_Tab)
    assert table.state() is not QAbstractItemView.State.EditingState and table.currentColumn() == 0
    assert table.horizontalHeader().accessibleName() == "Column titles"
    assert not table.verticalHeader().isVisible() and not table.showGrid()
