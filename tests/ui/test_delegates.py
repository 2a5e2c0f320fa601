"""Painting of cells."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from reply_desktop.ui import theme
from reply_desktop.ui.accounts_table import AccountsTable
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.columns import Col
from reply_desktop.ui.delegates import BUTTON, CellDelegate
from reply_desktop.ui.list_model import IndexModel
from tests.fakes.engine import NOW, FakeEngine, few, many


@pytest.fixture
def table(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> AccountsTable:
    bridge = open_bridge(FakeEngine(few()))
    made = AccountsTable(IndexModel(bridge, lambda: NOW, bridge))
    qtbot.addWidget(made)
    made.resize(1240, 300)
    made.show()
    qtbot.waitUntil(lambda: made.model_.prepared(0) is not None)
    return made


def shot(table: AccountsTable, row: int, col: Col) -> QImage:
    return table.viewport().grab(table.visualRect(table.model_.index(row, col))).toImage()


def has(image: QImage, shade: str) -> bool:
    wanted = QColor(shade)
    return any(
        abs(image.pixelColor(x, y).red() - wanted.red()) < 12
        and abs(image.pixelColor(x, y).green() - wanted.green()) < 12
        and abs(image.pixelColor(x, y).blue() - wanted.blue()) < 12
        for x in range(image.width())
        for y in range(image.height())
    )


def test_each_state_shows_its_colour_and_the_button_only_where_it_helps(table: AccountsTable) -> None:
    used = theme.colors()
    assert has(shot(table, 0, Col.STATUS), used.red.fill)
    assert has(shot(table, 1, Col.STATUS), used.orange.fill)
    assert has(shot(table, 2, Col.STATUS), used.green.fill)
    assert has(shot(table, 0, Col.ACTION), used.blue.soft)
    assert not has(shot(table, 2, Col.ACTION), used.blue.soft)


def test_the_chosen_row_stands_out_and_its_button_too(table: AccountsTable) -> None:
    table.select_ids({"a2"}, "a2")
    used = theme.colors()
    image = shot(table, 0, Col.ACTION)
    assert has(image, used.selected) and has(image, used.surface)


def test_the_row_button_fits_its_cell(table: AccountsTable) -> None:
    cell = QRect(100, 40, 40, 40)
    delegate = table._delegate
    assert isinstance(delegate, CellDelegate)
    box = delegate.button_rect(cell)
    assert cell.contains(box) and box.width() == BUTTON


def test_without_the_engine_all_is_paler(qtbot: QtBot, table: AccountsTable) -> None:
    table.model_.stale = True
    table.viewport().update()
    assert not has(shot(table, 0, Col.STATUS), theme.colors().red.fill)


def test_dark_paints_in_dark_colours(table: AccountsTable) -> None:
    look = theme.theme()
    try:
        look.force(Qt.ColorScheme.Dark)
        QApplication.processEvents()
        assert has(shot(table, 2, Col.ADDRESS), theme.DARK.surface)
        assert has(shot(table, 0, Col.STATUS), theme.DARK.red.fill)
    finally:
        look.force(None)


def test_rows_on_their_way_show_a_placeholder(
    qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]
) -> None:
    from reply_desktop.channel.messages import GetAccounts

    engine = FakeEngine(many(100))
    engine.mute = {GetAccounts}
    bridge = open_bridge(engine)
    made = AccountsTable(IndexModel(bridge, lambda: NOW, bridge))
    qtbot.addWidget(made)
    made.resize(1240, 300)
    made.show()
    qtbot.waitUntil(lambda: made.model_.is_loaded)
    assert has(shot(made, 0, Col.ADDRESS), theme.colors().hover)


def test_what_was_cut_once_is_not_cut_again(table: AccountsTable) -> None:
    table.grab()
    before = dict(table._delegate._elided)
    table.grab()
    assert table._delegate._elided == before
