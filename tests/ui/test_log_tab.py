"""The Log tab: opened at an entry, highlighted, filtered, exported; an entry leads to its account."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.events import LogAdded
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.sequence_rows import LogFilter, SequenceDetail
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.log_model import TEXT
from reply_desktop.ui.log_tab import LogTab
from tests.fakes.engine import NOW, FakeEngine, few_log, few_sequences, log_entry, sequence
from tests.harness.settling import settle

Show = Callable[..., LogTab]
BEN = "ben@brightfield.example"


def many(number: int) -> list[LogEntry]:
    return [
        log_entry(at, LogKind.SENT, f"Entry {at}", minutes_ago=number - at, account=BEN, key=f"k{at // 10}")
        for at in range(1, number + 1)
    ]


@pytest.fixture
def show(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Show:
    def shown(log: list[LogEntry]) -> LogTab:
        engine = FakeEngine(sequences=few_sequences())
        engine.sequences.log = log
        bridge = open_bridge(engine)
        made = LogTab(bridge, lambda: NOW)
        qtbot.addWidget(made)
        made.resize(1100, 500)
        made.show()
        row = engine.sequences.rows["s2"]
        made.put(SequenceDetail(row, sequence(2, row.name), engine.sequences.senders, ()))
        qtbot.waitUntil(lambda: made.model.is_loaded)
        settle(qtbot, bridge)
        return made

    return shown


def engine_of(tab: LogTab) -> FakeEngine:
    link = tab._bridge._connect.__self__  # type: ignore[attr-defined]
    assert isinstance(link, FakeEngine)
    return link


def lit(tab: LogTab) -> str | None:
    row = tab.model.row_of(tab.table.highlighted) if tab.table.highlighted is not None else None
    return None if row is None else str(tab.model.index(row, TEXT).data())


def in_view(tab: LogTab, row: int) -> bool:
    return tab.table.viewport().rect().intersects(tab.table.visualRect(tab.model.index(row, TEXT)))


def test_it_opens_at_the_entry_a_notice_is_about(qtbot: QtBot, show: Show) -> None:
    tab = show(many(2_000))
    tab.show_entry(700, None)
    qtbot.waitUntil(lambda: lit(tab) == "Entry 700")
    assert in_view(tab, 1_300) and tab.clear_button.isVisible()
    tab.clear_button.click()
    assert lit(tab) is None and not tab.clear_button.isVisible()


def test_by_its_key_the_newest_is_found(qtbot: QtBot, show: Show) -> None:
    tab = show(many(500))
    tab.show_entry(None, "k12")
    qtbot.waitUntil(lambda: lit(tab) == "Entry 129")


def test_a_filter_does_not_hide_the_entry_looked_for(qtbot: QtBot, show: Show) -> None:
    tab = show(few_log())
    tab.text.setText("reply")
    qtbot.waitUntil(lambda: tab.model.rowCount() == 1)
    tab.show_entry(5, None)
    qtbot.waitUntil(lambda: (lit(tab) or "").startswith(BEN))
    assert tab.text.text() == "" and tab.model.rowCount() == 7
    QTest.keyClick(tab.table, Qt.Key.Key_Escape)
    assert lit(tab) is None


def test_asked_before_the_log_is_there_it_is_shown_afterwards(
    qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]
) -> None:
    engine = FakeEngine(sequences=few_sequences())
    engine.sequences.log = few_log()
    tab = LogTab(open_bridge(engine), lambda: NOW)
    qtbot.addWidget(tab)
    tab.resize(900, 400)
    tab.show()
    tab.open_sequence("s2")
    tab.show_entry(5, None)
    qtbot.waitUntil(lambda: (lit(tab) or "").startswith(BEN))


def test_an_entry_that_is_gone_is_told(qtbot: QtBot, show: Show) -> None:
    tab = show(few_log())
    tab.show_entry(99, None)
    qtbot.waitUntil(lambda: "not in this log any more" in tab.note.text())


def test_news_do_not_move_what_one_reads(qtbot: QtBot, show: Show) -> None:
    tab = show(many(400))
    engine = engine_of(tab)
    bar = tab.table.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    settle(qtbot, tab._bridge)
    row = tab.table.rowAt(60)
    entry = tab.model.entry(row)
    assert entry is not None
    before = tab.table.rowViewportPosition(row)
    news = [log_entry(at, LogKind.REPLIED, "A reply. " * 60) for at in range(401, 404)]
    engine.sequences.log += news
    engine.push(LogAdded(tuple(news)))
    qtbot.waitUntil(lambda: tab.model.rowCount() == 403)
    now = tab.model.row_of(entry.id)
    assert now == row + 3 and tab.table.rowViewportPosition(now) == before
    assert tab.news_button.text() == "3 new entries" and tab.news_button.isVisible()
    tab.news_button.click()
    assert bar.value() == 0 and not tab.news_button.isVisible()


def test_at_the_top_news_are_seen_at_once(qtbot: QtBot, show: Show) -> None:
    tab = show(many(400))
    engine_of(tab).push(LogAdded((log_entry(401, LogKind.SENT, "Newest"),)))
    qtbot.waitUntil(lambda: tab.model.rowCount() == 401)
    assert in_view(tab, 0) and not tab.news_button.isVisible()


@pytest.mark.parametrize(
    ("words", "number"), [("Needs you", 2), ("Warnings", 0), ("All but mail sent", 5), ("Replied", 1)]
)
def test_kinds_can_be_shown_alone(qtbot: QtBot, show: Show, words: str, number: int) -> None:
    tab = show(few_log())
    tab.choice.setCurrentText(words)
    qtbot.waitUntil(lambda: tab.model.rowCount() == number)
    assert tab.stack.currentWidget() is (tab.table if number else tab.nothing_found)


def test_account_and_prospect_can_be_shown_alone(qtbot: QtBot, show: Show) -> None:
    tab = show(few_log())
    tab.account.setCurrentText(BEN)
    qtbot.waitUntil(lambda: tab.model.rowCount() == 2)
    tab.show_prospect("p00004@company4.example")
    qtbot.waitUntil(lambda: tab.model.rowCount() == 1)
    assert tab.model.wanted == LogFilter("s2", text="p00004@company4.example")
    tab.nothing_found.cleared.emit()
    qtbot.waitUntil(lambda: tab.model.rowCount() == 7)


def test_what_is_shown_is_exported(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    tab = show(few_log())
    tab.choice.setCurrentText("Sent")
    qtbot.waitUntil(lambda: tab.model.rowCount() == 2)
    tab.export_to(str(tmp_path / "log.csv"))
    qtbot.waitUntil(lambda: tab.note.text().startswith("2 entries exported"))
    assert engine_of(tab).of(m.ExportLog)[0].wanted.kinds == (LogKind.SENT,)


def test_the_menu_and_copy(show: Show) -> None:
    tab = show(few_log())
    entry = tab.model.entry(1)
    assert entry is not None
    texts = [one.text() for one in tab.context_menu(entry).actions()]
    assert texts == ["Open the account", "Only this prospect", "Copy"]
    tab.table.selectRow(1)
    QTest.keyClick(tab.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert "\tReplied\tA reply came; nothing more is sent.\t" in QGuiApplication.clipboard().text()


def test_in_place_of_the_table(show: Show) -> None:
    tab = show([])
    assert tab.stack.currentWidget() is tab.nothing_yet
    tab.open_sequence("")
    assert tab.stack.currentWidget() is tab.not_yet and not tab.export_button.isEnabled()


def test_the_engine_that_goes_takes_the_export_along(qtbot: QtBot, show: Show) -> None:
    tab = show(few_log())
    engine_of(tab).stop()
    qtbot.waitUntil(lambda: tab._bridge.engine is EngineState.LOST)
    assert not tab.export_button.isEnabled() and tab.model.rowCount() == 7


def test_tools_of_different_heights_stand_on_one_line(show: Show) -> None:
    tab = show(few_log())
    for tool in (tab.news_button, tab.clear_button):
        tool.show()
    tab.grab()
    middles = {
        tool.geometry().center().y() for tool in (tab.news_button, tab.clear_button, tab.export_button)
    }
    assert len(middles) == 1 or max(middles) - min(middles) == 1
