"""What every long table does: focus, choice, columns and look. Accounts and prospects test the rest."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.prospect_columns import ProspectCol
from reply_desktop.ui.prospects_table import ProspectModel, ProspectsTable
from reply_desktop.ui.row_table import RowTable
from tests.fakes.engine import NOW, FakeEngine, few_sequences, prospects


@pytest.fixture
def table(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> RowTable:
    engine = FakeEngine(sequences=few_sequences())
    engine.sequences.enroll("s2", prospects(60))
    bridge = open_bridge(engine)
    model = ProspectModel(bridge, lambda: NOW, bridge)
    made = ProspectsTable(model)
    qtbot.addWidget(made)
    made.resize(1100, 420)
    made.show()
    model.open("s2")
    qtbot.waitUntil(lambda: model.prepared(0) is not None)
    return made


def test_columns_make_room_and_the_main_one_stays(table: RowTable) -> None:
    assert not any(table.isColumnHidden(col) for col in ProspectCol)
    table.resize(420, 420)
    shown = [col for col in ProspectCol if not table.isColumnHidden(col)]
    assert ProspectCol.EMAIL in shown and ProspectCol.STATE in shown and len(shown) < len(ProspectCol)
    assert table.horizontalHeader().length() == table.viewport().width()


def test_the_look_is_kept(table: RowTable) -> None:
    table.horizontalHeader().resizeSection(ProspectCol.STEP, 120)
    table.want_column(ProspectCol.ACCOUNT, False)
    table.sort_by("due_at", True)
    look = table.look()
    table.usual_columns()
    assert not table.isColumnHidden(ProspectCol.ACCOUNT)
    table.take_look(look)
    assert table.look() == look and table.isColumnHidden(ProspectCol.ACCOUNT)


def test_enter_opens_the_current_row(qtbot: QtBot, table: RowTable) -> None:
    table.select_ids({"e3"}, "e3")
    with qtbot.waitSignal(table.opened) as opened:
        QTest.keyClick(table, Qt.Key.Key_Return)
    assert opened.args == ["e3"]


def test_hover_follows_the_pointer_and_goes(table: RowTable) -> None:
    QTest.mouseMove(table.viewport(), table.visualRect(table.rows.index(2, 1)).center())
    QApplication.processEvents()
    assert table.hover_row == 2
    table.leave_row()
    assert table.hover_row == -1


def test_a_row_that_is_not_shown_cannot_be_brought(table: RowTable) -> None:
    assert table.show_row("e60") and table.selected_ids() == ("e60",)
    assert not table.show_row("nobody")


def test_the_first_focus_takes_the_first_row(table: RowTable) -> None:
    # Whether a window without a window manager becomes active is not ours to say.
    QApplication.sendEvent(table, QFocusEvent(QEvent.Type.FocusIn))
    assert table.current_id() == "e1" and table.selected_ids() == ()
    table.grab()


def test_the_titles_room_is_where_the_cells_are(table: RowTable) -> None:
    header = table.horizontalHeader()
    for col in ProspectCol:
        assert header.sectionViewportPosition(col) == table.columnViewportPosition(col)
    QTest.mouseMove(header.viewport(), QPoint(4, 4))
    header.grab()
