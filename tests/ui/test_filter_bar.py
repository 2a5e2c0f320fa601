"""The row above the table: what it wants, and the menu of columns and order."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountFilter
from reply_desktop.domain.states import State
from reply_desktop.ui.accounts_table import AccountsTable
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.columns import Col
from reply_desktop.ui.filter_bar import FilterBar
from reply_desktop.ui.list_model import IndexModel
from tests.fakes.engine import NOW, FakeEngine, few

Made = tuple[FilterBar, AccountsTable]


@pytest.fixture
def made(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Made:
    bridge = open_bridge(FakeEngine(few()))
    table = AccountsTable(IndexModel(bridge, lambda: NOW, bridge))
    bar = FilterBar(table)
    bar.changed.connect(table.model_.want)
    for one in (table, bar):
        qtbot.addWidget(one)
        one.resize(1300, 300)
        one.show()
    qtbot.waitUntil(lambda: table.model_.is_loaded)
    return bar, table


def action(bar: FilterBar, text: str) -> QAction:
    menu = bar.view.menu()
    menu.aboutToShow.emit()
    return next(one for one in menu.actions() if one.text() == text)


def test_all_parts_make_one_filter(qtbot: QtBot, made: Made) -> None:
    bar, _ = made
    assert not bar.is_narrowed
    bar.show_counts({State.EXPIRED: 1, State.CONNECTED: 3})
    bar.chips[State.EXPIRED].setChecked(True)
    bar.provider.setCurrentIndex(1)
    bar.text.setText("  ben ")
    assert bar.wanted() == AccountFilter("ben", (State.EXPIRED,), (Provider.GOOGLE,))
    assert bar.is_narrowed
    with qtbot.waitSignal(bar.changed) as changed:
        bar.reset()
    assert changed.args == [AccountFilter()]


def test_chips_say_their_number_to_screen_readers_too(made: Made) -> None:
    bar, _ = made
    bar.show_counts({State.EXPIRED: 1_200})
    assert bar.chips[State.EXPIRED].accessibleName() == "Show Expired: 1,200"
    assert not bar.chips[State.PAUSED].isVisible()


def test_escape_clears_the_search(qtbot: QtBot, made: Made) -> None:
    bar, table = made
    QTest.keyClicks(bar.text, "ben")
    qtbot.waitUntil(lambda: table.model_.rowCount() == 1)
    QTest.keyClick(bar.text, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: table.model_.rowCount() == 5)


def test_order_is_chosen_without_a_mouse(qtbot: QtBot, made: Made) -> None:
    bar, table = made
    assert action(bar, "Status").isChecked()
    action(bar, "Address").trigger()
    qtbot.waitUntil(lambda: table.model_.ids[0] == "a1")
    action(bar, "Reverse order").trigger()
    qtbot.waitUntil(lambda: table.model_.ids[0] == "a5")
    assert action(bar, "Reverse order").isChecked()


def test_columns_are_chosen(made: Made) -> None:
    bar, table = made
    assert action(bar, "30 days").isChecked()
    action(bar, "30 days").trigger()
    assert table.isColumnHidden(Col.STRIP)
    action(bar, "Usual columns").trigger()
    assert not table.isColumnHidden(Col.STRIP)
