"""Painting of plain cells: chosen, under the pointer, on their way, old; cut so that both ends stay."""

from collections.abc import Callable

import pytest
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from reply_desktop.ui import theme
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.prospect_columns import ProspectCol
from reply_desktop.ui.prospects_table import ProspectModel, ProspectsTable
from tests.fakes.engine import NOW, FakeEngine, few_sequences, prospect_row

LONG = "n" * 200 + "@northwind.example"


@pytest.fixture
def table(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> ProspectsTable:
    engine = FakeEngine(sequences=few_sequences())
    engine.sequences.enroll("s2", [prospect_row(1), prospect_row(2, email=LONG)])
    bridge = open_bridge(engine)
    model = ProspectModel(bridge, lambda: NOW, bridge)
    made = ProspectsTable(model)
    qtbot.addWidget(made)
    made.resize(1000, 300)
    made.show()
    model.open("s2")
    qtbot.waitUntil(lambda: model.prepared(0) is not None)
    return made


def shot(table: ProspectsTable, row: int, col: int) -> QImage:
    return table.viewport().grab(table.visualRect(table.rows.index(row, col))).toImage()


def corner(image: QImage) -> str:
    return QColor(image.pixel(3, 6)).name()


def test_a_chosen_row_and_one_under_the_pointer(table: ProspectsTable) -> None:
    used = theme.colors()
    assert corner(shot(table, 0, ProspectCol.EMAIL)) == used.surface
    table.hover_row = 0
    assert corner(shot(table, 0, ProspectCol.EMAIL)) == used.hover
    table.select_ids({"e1"}, "e1")
    assert corner(shot(table, 0, ProspectCol.EMAIL)) == used.selected


def test_old_rows_are_paler(table: ProspectsTable) -> None:
    fresh = shot(table, 0, ProspectCol.EMAIL)
    table.rows.stale = True
    assert shot(table, 0, ProspectCol.EMAIL) != fresh


def test_a_row_on_its_way_is_a_grey_bar(table: ProspectsTable) -> None:
    table.rows._cache.clear()
    image = shot(table, 0, ProspectCol.EMAIL)
    shades = {QColor(image.pixel(x, image.height() // 2)).name() for x in range(0, image.width(), 3)}
    assert shades == {theme.colors().surface, theme.colors().hover}


def test_a_long_address_is_cut_in_its_middle(table: ProspectsTable) -> None:
    shot(table, 1, ProspectCol.EMAIL)
    cut = [
        shown
        for (text, _, middle), shown in table._delegate._elided.items()
        if text.startswith("nnn") and middle
    ]
    assert cut and cut[0].startswith("nnn") and cut[0].endswith("example") and "…" in cut[0]
