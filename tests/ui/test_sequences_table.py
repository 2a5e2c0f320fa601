"""The sequences table's hands and eyes: the switch in a row, keys, names that open, columns that make room."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QGuiApplication, QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.roster import Roster
from reply_desktop.ui.sequence_list_model import SequencesModel
from reply_desktop.ui.sequences_columns import SequenceCol
from reply_desktop.ui.sequences_table import SequencesTable
from tests.fakes.engine import NOW, FakeEngine, few_sequences, sequence_row
from tests.harness.settling import activate

Show = Callable[..., SequencesTable]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def show(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Show:
    def shown(engine: FakeEngine, width: int = 1280) -> SequencesTable:
        bridge = open_bridge(engine)
        model = SequencesModel(bridge, Roster(bridge, bridge), lambda: NOW, bridge)
        table = SequencesTable(model)
        qtbot.addWidget(table)
        table.resize(width, 420)
        table.show()
        qtbot.waitUntil(lambda: bool(model.ids))
        return table

    return shown


def switch(table: SequencesTable, row: int) -> QPoint:
    cell = table.visualRect(table.model_.index(row, SequenceCol.TOGGLE))
    return table._cells.toggle_rect(cell).center()


def shown_columns(table: SequencesTable) -> set[SequenceCol]:
    return {col for col in SequenceCol if not table.isColumnHidden(col)}


def test_a_click_on_the_switch_asks_and_selects_nothing(qtbot: QtBot, show: Show) -> None:
    table = show(FakeEngine(sequences=few_sequences()))
    with qtbot.waitSignal(table.toggle_wanted) as wanted:
        QTest.mouseClick(table.viewport(), LEFT, pos=switch(table, 2))
    assert wanted.args is not None and wanted.args[0] == "s2"
    assert table.selected_ids() == ()
    assert wanted.args[1].y() > table.viewport().mapToGlobal(switch(table, 2)).y()


def test_a_press_that_leaves_the_switch_does_nothing(qtbot: QtBot, show: Show) -> None:
    table = show(FakeEngine(sequences=few_sequences()))
    with qtbot.assertNotEmitted(table.toggle_wanted):
        QTest.mousePress(table.viewport(), LEFT, pos=switch(table, 0))
        QTest.mouseRelease(table.viewport(), LEFT, pos=switch(table, 3))


def test_a_double_click_on_the_switch_opens_nothing(qtbot: QtBot, show: Show) -> None:
    table = show(FakeEngine(sequences=few_sequences()))
    name = table.visualRect(table.model_.index(0, SequenceCol.NAME)).center()
    with qtbot.assertNotEmitted(table.opened):
        QTest.mouseClick(table.viewport(), LEFT, pos=switch(table, 0))
        QTest.mouseDClick(table.viewport(), LEFT, pos=switch(table, 0))
    with qtbot.waitSignal(table.opened) as opened:
        # The second half alone is no double click to the table.
        QTest.mouseClick(table.viewport(), LEFT, pos=name)
        QTest.mouseDClick(table.viewport(), LEFT, pos=name)
    assert opened.args == ["s1"]


def test_space_switches_and_enter_opens(qtbot: QtBot, show: Show) -> None:
    table = show(FakeEngine(sequences=few_sequences()))
    activate(qtbot, table)
    table.setFocus()
    qtbot.waitUntil(table.hasFocus)
    # The keyboard may have come to it before there were rows.
    table.setCurrentIndex(table.model_.index(0, table.main))
    QTest.keyClick(table, Qt.Key.Key_Down)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Left):
        with qtbot.waitSignal(table.toggle_wanted) as wanted:
            QTest.keyClick(table, Qt.Key.Key_Space)
        assert wanted.args is not None and wanted.args[0] == "s3"
        QTest.keyClick(table, key)
    assert table.currentIndex().column() == SequenceCol.TOGGLE
    assert table.has_toggle_focus(1) and not table.has_toggle_focus(0)
    with qtbot.waitSignal(table.opened) as opened:
        QTest.keyClick(table, Qt.Key.Key_Return)
    assert opened.args == ["s3"]


def test_a_stale_or_busy_switch_does_not_ask(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(sequences=few_sequences())
    table = show(engine)
    table.model_.mark_busy(frozenset({"s1"}), True)
    with qtbot.assertNotEmitted(table.toggle_wanted):
        table.ask_toggle("s1")
        table.ask_toggle("unknown")
    engine.stop()
    qtbot.waitUntil(lambda: table.model_.stale)
    with qtbot.assertNotEmitted(table.toggle_wanted):
        QTest.mouseClick(table.viewport(), LEFT, pos=switch(table, 0))
        table.ask_toggle("s3")


def test_hovering_shows_the_hand_and_another_look(show: Show) -> None:
    table = show(FakeEngine(sequences=few_sequences()))
    before = table.grab().toImage()
    QTest.mouseMove(table.viewport(), switch(table, 4))
    QApplication.processEvents()
    assert table.viewport().cursor().shape() is Qt.CursorShape.PointingHandCursor
    assert table.grab().toImage() != before
    QApplication.sendEvent(table.viewport(), QEvent(QEvent.Type.Leave))
    assert table.hover_row == table.hover_toggle == -1


def test_hovering_the_switch_tells_why(qtbot: QtBot, show: Show) -> None:
    table = show(FakeEngine(sequences=few_sequences()))
    where = switch(table, 1)
    help_ = QHelpEvent(QEvent.Type.ToolTip, where, table.viewport().mapToGlobal(where))
    QApplication.sendEvent(table.viewport(), help_)
    qtbot.waitUntil(lambda: QToolTip.text().startswith("Nothing is sent: no account can send."))
    QToolTip.hideText()


def test_columns_make_room_and_name_and_switch_stay(show: Show) -> None:
    table = show(FakeEngine(sequences=few_sequences()))
    assert shown_columns(table) == set(SequenceCol)
    kept: set[SequenceCol] = set(SequenceCol)
    for width in (1000, 900, 800, 744, 600, 450, 300):
        table.resize(width, 420)
        QApplication.processEvents()
        assert shown_columns(table) <= kept
        kept = shown_columns(table)
    assert kept == {SequenceCol.TOGGLE, SequenceCol.NAME}


def test_doubt_has_a_column_only_while_there_is_any(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(sequences=few_sequences())
    table = show(engine)
    engine.change_sequence("s2", in_doubt=0)
    qtbot.waitUntil(lambda: SequenceCol.DOUBT not in shown_columns(table))
    engine.change_sequence("s1", in_doubt=7)
    qtbot.waitUntil(lambda: SequenceCol.DOUBT in shown_columns(table))


def test_names_of_all_kinds_are_painted_in_both_directions(qtbot: QtBot, show: Show) -> None:
    rows = [
        *few_sequences(),
        sequence_row(6, "<b>Bold</b>"),
        sequence_row(7, "שלום עולם"),
        sequence_row(8, "x" * 500, accounts=()),
    ]
    table = show(FakeEngine(sequences=rows))
    straight = table.grab().toImage()
    table.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    table.viewport().setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert table.grab().toImage() != straight


def test_copy_takes_the_names(show: Show) -> None:
    table = show(FakeEngine(sequences=few_sequences()))
    table.select_ids({"s1", "s2"}, "s1")
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "Autumn renewals\nSpring outreach"
