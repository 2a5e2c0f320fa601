"""The table of a log: rows as high as their words need, links, keys, and no stall however many there are."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.sequence_rows import LogFilter
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.log_model import ACCOUNT, KIND, PROSPECT, TEXT, LogModel
from reply_desktop.ui.log_table import LogTable
from tests.fakes.engine import NOW, FakeEngine, few_log, few_sequences, log_entry
from tests.harness.settling import activate, settle
from tests.harness.work import most_work_to_scroll

Show = Callable[[list[LogEntry]], LogTable]
BEN = "ben@brightfield.example"


@pytest.fixture
def show(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Show:
    def shown(log: list[LogEntry]) -> LogTable:
        engine = FakeEngine(sequences=few_sequences())
        engine.sequences.log = log
        bridge = open_bridge(engine)
        table = LogTable(LogModel(bridge, lambda: NOW))
        table.log.setParent(table)
        qtbot.addWidget(table)
        table.resize(1100, 500)
        table.show()
        table.log.want(LogFilter("s2"))
        qtbot.waitUntil(lambda: table.log.is_loaded)
        settle(qtbot, bridge)
        return table

    return shown


def test_an_explanation_is_shown_whole(show: Show) -> None:
    long = "Access was removed. " * 40
    table = show([log_entry(1, LogKind.ACCOUNT_OUT, long), log_entry(2, LogKind.SENT, "short")])
    table._fit_rows()
    short, tall = table.rowHeight(0), table.rowHeight(1)
    assert tall > 3 * short
    wide = table.columnWidth(TEXT)
    assert tall == table._delegate.height(" ".join(long.split()), wide)


def test_one_click_leads_to_the_account(qtbot: QtBot, show: Show) -> None:
    table = show(few_log())
    where = table.visualRect(table.log.index(2, ACCOUNT)).center()
    QTest.mouseMove(table.viewport(), where)
    assert table.viewport().cursor().shape() is Qt.CursorShape.PointingHandCursor
    with qtbot.waitSignal(table.account_wanted) as wanted:
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert wanted.args == [BEN]
    table.setCurrentIndex(table.log.index(2, TEXT))
    with qtbot.waitSignal(table.account_wanted):
        QTest.keyClick(table, Qt.Key.Key_Return)
    with qtbot.assertNotEmitted(table.account_wanted):
        table.setCurrentIndex(table.log.index(6, TEXT))
        QTest.keyClick(table, Qt.Key.Key_Return)


def test_with_little_room_the_explanation_stays(show: Show) -> None:
    table = show(few_log())
    table.resize(560, 400)
    assert table.isColumnHidden(ACCOUNT) and not table.isColumnHidden(TEXT)
    assert table.columnWidth(TEXT) >= 160


def test_twenty_thousand_entries_scroll_with_no_more_work_than_two_hundred(qtbot: QtBot, show: Show) -> None:
    def work(entries: int) -> int:
        table = show([log_entry(at, LogKind.SENT, f"Entry {at}") for at in range(1, entries + 1)])
        most = most_work_to_scroll(table)
        qtbot.waitUntil(lambda: table.log.entry(entries - 1) is not None)
        return most

    assert work(20_000) < 2 * work(200)


def test_copy_takes_the_chosen_entries(show: Show) -> None:
    table = show(few_log())
    table.selectRow(1)
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    (line,) = QGuiApplication.clipboard().text().splitlines()
    assert "\tReplied\tA reply came; nothing more is sent.\t" in line
    table.selectAll()
    table.copy()
    assert len(QGuiApplication.clipboard().text().splitlines()) == 7


def test_escape_lets_the_highlight_go_only_when_there_is_one(qtbot: QtBot, show: Show) -> None:
    table = show(few_log())
    with qtbot.assertNotEmitted(table.cleared):
        QTest.keyClick(table, Qt.Key.Key_Escape)
    table.highlighted = 1
    with qtbot.waitSignal(table.cleared):
        QTest.keyClick(table, Qt.Key.Key_Escape)


def test_the_highlighted_entry_stands_out(qtbot: QtBot, show: Show) -> None:
    table = show(few_log())
    where = table.visualRect(table.log.index(0, KIND))
    before = table.viewport().grab(where).toImage()
    entry = table.log.entry(0)
    assert entry is not None
    table.highlighted = entry.id
    assert table.viewport().grab(where).toImage() != before


def test_the_pointer_leaves_no_trace(qtbot: QtBot, show: Show) -> None:
    table = show(few_log())
    activate(qtbot, table)
    where = table.visualRect(table.log.index(2, PROSPECT))
    QTest.mouseMove(table.viewport(), where.center())
    assert table.hover_row == 2 and not table.on_account
    QGuiApplication.sendEvent(table.viewport(), QEvent(QEvent.Type.Leave))
    assert table.hover_row == -1
