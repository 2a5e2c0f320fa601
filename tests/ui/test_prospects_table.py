"""The table of prospects: what it asks, what events change, and a hundred thousand rows."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.enrollment import EnrollmentState
from reply_desktop.domain.events import ProspectsChanged
from reply_desktop.domain.sequence_rows import ProspectFilter
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.prospect_columns import PROSPECT_COLUMNS, ProspectCol
from reply_desktop.ui.prospects_table import ProspectModel, ProspectsTable
from tests.fakes.engine import NOW, FakeEngine, few_sequences, prospect_row, prospects
from tests.harness.work import most_work_to_scroll

Show = Callable[[FakeEngine], ProspectsTable]


@pytest.fixture
def show(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Show:
    def shown(engine: FakeEngine) -> ProspectsTable:
        bridge = open_bridge(engine)
        model = ProspectModel(bridge, lambda: NOW, bridge)
        table = ProspectsTable(model)
        qtbot.addWidget(table)
        table.resize(1100, 420)
        table.show()
        model.open("s2")
        qtbot.waitUntil(lambda: model.is_loaded and (not model.ids or model.prepared(0) is not None))
        return table

    return shown


def filled(number: int) -> FakeEngine:
    engine = FakeEngine(sequences=few_sequences())
    engine.sequences.enroll("s2", prospects(number))
    return engine


def email(table: ProspectsTable, row: int) -> str:
    return str(table.rows.index(row, ProspectCol.EMAIL).data())


def asked_more(engine: FakeEngine, before: int) -> bool:
    return len(engine.of(m.ListProspects)) > before


def test_titles_sort_by_the_engine(qtbot: QtBot, show: Show) -> None:
    engine = filled(300)
    table = show(engine)
    header = table.horizontalHeader()
    for col in ProspectCol:
        sort = PROSPECT_COLUMNS[col].sort
        before = len(engine.of(m.ListProspects))
        place = QPoint(header.sectionViewportPosition(col) + 12, 10)
        QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
        if sort is not None:
            qtbot.waitUntil(partial(asked_more, engine, before))
            assert engine.of(m.ListProspects)[-1].wanted.sort == sort
        else:
            assert table.rows.wanted.sort == engine.of(m.ListProspects)[-1].wanted.sort
    table.sort_by("email", True)
    qtbot.waitUntil(lambda: email(table, 0) == "p00300@company9.example")


def test_a_changed_prospect_is_asked_for_again_and_no_other(qtbot: QtBot, show: Show) -> None:
    engine = filled(300)
    table = show(engine)
    people = engine.sequences.people["s2"]
    people["e3"] = replace(people["e3"], done=2, state=EnrollmentState.ACTIVE)
    asked, lists = len(engine.of(m.GetProspects)), len(engine.of(m.ListProspects))
    engine.push(ProspectsChanged("s1", ("e3",)))
    engine.push(ProspectsChanged("s2", ("e3", "e299")))
    qtbot.waitUntil(lambda: table.rows.index(2, ProspectCol.STEP).data() == "2 of 3")
    assert [one.ids for one in engine.of(m.GetProspects)[asked:]] == [("e3",)]
    assert len(engine.of(m.ListProspects)) == lists


def test_a_change_may_move_a_row_when_order_or_filter_look_at_it(qtbot: QtBot, show: Show) -> None:
    engine = filled(40)
    table = show(engine)
    table.rows.want(ProspectFilter("s2", states=(EnrollmentState.IN_DOUBT,)))
    qtbot.waitUntil(lambda: len(table.rows.ids) == 5)
    people = engine.sequences.people["s2"]
    people["e5"] = replace(people["e5"], state=EnrollmentState.ACTIVE)
    engine.push(ProspectsChanged("s2", ("e5",)))
    qtbot.waitUntil(lambda: len(table.rows.ids) == 4)


def test_an_import_brings_new_rows_and_keeps_the_chosen(qtbot: QtBot, show: Show) -> None:
    engine = filled(40)
    table = show(engine)
    table.select_ids({"e2", "e4"}, "e4")
    engine.sequences.enroll("s2", [prospect_row(number) for number in range(41, 61)])
    engine.push(ProspectsChanged("s2"))
    qtbot.waitUntil(lambda: len(table.rows.ids) == 60)
    assert table.selected_ids() == ("e2", "e4") and table.current_id() == "e4"


def test_another_sequence_shows_nobody_of_the_first(qtbot: QtBot, show: Show) -> None:
    engine = filled(40)
    table = show(engine)
    model = table.rows
    assert isinstance(model, ProspectModel)
    model.open("s1")
    assert model.ids == () and not model.is_loaded
    qtbot.waitUntil(lambda: model.is_loaded)
    assert model.ids == ()
    model.open("")
    assert not model.is_loaded and model.index_request() is None


def test_a_hundred_thousand_rows_scroll_with_no_more_work_than_two_hundred(qtbot: QtBot, show: Show) -> None:
    few = most_work_to_scroll(show(filled(200)))
    table = show(filled(100_000))
    assert table.rows.rowCount() == 100_000
    assert most_work_to_scroll(table) < 2 * few
    qtbot.waitUntil(lambda: table.rows.prepared(99_999) is not None)
    table.selectAll()
    assert len(table.selected_ids()) == 100_000


def test_copy_takes_the_addresses(show: Show) -> None:
    table = show(filled(10))
    table.select_ids({"e1", "e2"}, "e1")
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "p00001@company1.example\np00002@company2.example"


def test_the_state_is_painted_as_shape_and_word(show: Show) -> None:
    table = show(filled(10))
    pictures = {
        table.viewport().grab(table.visualRect(table.rows.index(row, ProspectCol.STATE))).toImage().cacheKey()
        for row in range(6)
    }
    assert len(pictures) == 6
