"""The forecast: bars that add up, the same in words and as a table, and what is late, held or beyond."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.events import ProspectsChanged, SequencesChanged
from reply_desktop.domain.sequence_rows import Forecast, ForecastCell, SequenceDetail
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.forecast_chart import NAMED, ForecastTab, bars_of, forecast_words, hour_words
from tests.fakes.engine import NOW, FakeEngine, few_sequences, forecast, sequence
from tests.harness.settling import activate, settle


@pytest.fixture
def shown(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> tuple[ForecastTab, FakeEngine]:
    engine = FakeEngine(sequences=few_sequences())
    tab = ForecastTab(open_bridge(engine), lambda: NOW)
    qtbot.addWidget(tab)
    tab.resize(900, 700)
    tab.show()
    row = engine.sequences.rows["s2"]
    tab.put(SequenceDetail(row, sequence(2, row.name), engine.sequences.senders, ()))
    qtbot.waitUntil(lambda: tab.words.text() != "")
    return tab, engine


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 23), st.integers(0, 11), st.integers(1, 500)), max_size=60))
def test_bars_add_up_whatever_comes(told: list[tuple[int, int, int]]) -> None:
    cells = tuple(ForecastCell(NOW + timedelta(hours=hour), f"a{who}@x.example", n) for hour, who, n in told)
    bars = bars_of(Forecast(NOW, 24, cells, 0, None, 0, 0))
    assert sum(bars.total(hour) for hour in range(24)) == sum(cell.count for cell in cells)
    assert len(bars.accounts) <= NAMED + 1
    assert bars.most == max((bars.total(hour) for hour in range(24)), default=0)
    for hour in range(24):
        assert bars.total(hour) == sum(n for at, _, n in told if at == hour)


def test_what_lies_outside_the_span_is_left_out() -> None:
    cells = (ForecastCell(NOW - timedelta(hours=1), "a", 5), ForecastCell(NOW + timedelta(hours=30), "a", 5))
    assert bars_of(Forecast(NOW, 24, cells, 0, None, 0, 0)).most == 0


def test_late_held_and_beyond_are_told() -> None:
    row = few_sequences()[1]
    engine = FakeEngine(sequences=few_sequences())
    detail = SequenceDetail(row, sequence(2, row.name), engine.sequences.senders, ())
    assert forecast_words(forecast(), detail, NOW) == [
        "76 mails expected in the next 24 h.",
        "23 late mails leave over the next 4 h.",
        "23 mails wait for ben@brightfield.example.",
        "140 more mails are due by then, but limits and the sending window put them off.",
    ]
    one = Forecast(NOW, 24, (), 1, None, 1, 1)
    assert forecast_words(one, None, NOW)[1:] == [
        "1 late mail leaves.",
        "1 mail waits for an account that is out.",
        "1 more mail is due by then, but limits and the sending window put it off.",
    ]
    assert forecast_words(Forecast(NOW, 24, (), 0, None, 0, 0), None, NOW) == [
        "0 mails expected in the next 24 h."
    ]


def test_an_hour_in_words() -> None:
    told = hour_words(bars_of(forecast()), 0)
    assert told.splitlines()[1:] == ["ana@brightfield.example: 9", "carla.mendes@northwind.example: 4"]
    assert told.splitlines()[0].endswith(": 13 mails")


def test_chart_legend_and_table_say_the_same(shown: tuple[ForecastTab, FakeEngine]) -> None:
    tab, _ = shown
    assert "23 late mails leave" in tab.words.text()
    assert "The most in one hour" in tab.chart.accessibleDescription()
    assert tab.table.rowCount() == 24 and tab.table.columnCount() == 4
    cells = [tab.table.item(0, at) for at in range(4)]
    assert [one.text() for one in cells if one][1:] == ["13", "9", "4"]
    assert not tab.table.isVisible()
    tab.as_table.toggle.click()
    assert tab.table.isVisible()


def test_pointer_and_keys_reach_every_hour(qtbot: QtBot, shown: tuple[ForecastTab, FakeEngine]) -> None:
    tab, _ = shown
    chart = tab.chart
    assert chart.hour_at(QPoint(0, 50)) == -1
    assert chart.hour_at(QPoint(int(chart._frame().left()) + 2, 50)) == 0
    assert chart.hour_at(QPoint(int(chart._frame().right()) - 2, 50)) == 23
    activate(qtbot, tab)
    chart.setFocus()
    QTest.keyClick(chart, Qt.Key.Key_Right)
    assert chart.hour == 1
    QTest.keyClick(chart, Qt.Key.Key_Left)
    QTest.keyClick(chart, Qt.Key.Key_Left)
    assert chart.hour == 23
    before = chart.grab().toImage()
    chart.clearFocus()
    assert chart.hour == -1 and chart.grab().toImage() != before


def asked(engine: FakeEngine, number: int) -> bool:
    return len(engine.of(m.GetForecast)) == number


def test_it_is_asked_for_anew_when_something_changed(
    qtbot: QtBot, shown: tuple[ForecastTab, FakeEngine]
) -> None:
    tab, engine = shown
    tab._soon.setInterval(0)
    for event in (SequencesChanged((few_sequences()[1],)), ProspectsChanged("s2")):
        before = len(engine.of(m.GetForecast))
        engine.push(event)
        qtbot.waitUntil(partial(asked, engine, before + 1))
    before = len(engine.of(m.GetForecast))
    engine.push(ProspectsChanged("s1"))
    settle(qtbot, tab._bridge)
    assert len(engine.of(m.GetForecast)) == before


def test_out_of_sight_nothing_is_asked(qtbot: QtBot, shown: tuple[ForecastTab, FakeEngine]) -> None:
    tab, engine = shown
    tab.hide()
    before = len(engine.of(m.GetForecast))
    tab.ask()
    settle(qtbot, tab._bridge)
    assert len(engine.of(m.GetForecast)) == before and not tab._often.isActive()
    tab.show()
    qtbot.waitUntil(lambda: len(engine.of(m.GetForecast)) == before + 1)
    tab.open_sequence("")
    tab.ask()
    settle(qtbot, tab._bridge)
    assert len(engine.of(m.GetForecast)) == before + 1
    assert tab.words.text() == ""


def test_what_the_engine_refuses_is_said_and_goes(
    qtbot: QtBot, shown: tuple[ForecastTab, FakeEngine]
) -> None:
    tab, engine = shown
    engine.errors[m.GetForecast] = InvalidInput("No.", "Later.")
    tab.ask()
    qtbot.waitUntil(lambda: tab.note.isVisible() and tab.note.text() == "No. Later.")
    engine.errors.clear()
    engine.sequences.forecast = replace(forecast(), cells=())
    tab.ask()
    qtbot.waitUntil(lambda: not tab.note.isVisible())
    assert tab.words.text().startswith("0 mails expected")
    tab.grab()
