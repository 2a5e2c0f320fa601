"""The Prospects tab: filter, stop, settle doubts, import and export, and what stands in place of the table."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.enrollment import EnrollmentState, FinishReason
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.sequence_rows import SequenceDetail
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.import_dialog import dropped_file
from reply_desktop.ui.prospects_tab import FILTERS, ProspectsTab
from tests.fakes.engine import NOW, FakeEngine, few_sequences, prospects, sequence
from tests.harness.settling import settle

Show = Callable[..., ProspectsTab]


@pytest.fixture
def show(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Show:
    def shown(engine: FakeEngine) -> ProspectsTab:
        bridge = open_bridge(engine)
        made = ProspectsTab(bridge, lambda: NOW)
        qtbot.addWidget(made)
        made.resize(1100, 600)
        made.show()
        row = engine.sequences.rows["s2"]
        made.put(SequenceDetail(row, sequence(2, row.name), engine.sequences.senders, ("company",)))
        qtbot.waitUntil(lambda: made.model.is_loaded)
        settle(qtbot, bridge)
        return made

    return shown


def filled(number: int = 40) -> FakeEngine:
    engine = FakeEngine(sequences=few_sequences())
    engine.sequences.enroll("s2", prospects(number))
    return engine


def test_without_prospects_it_says_what_to_do(qtbot: QtBot, show: Show) -> None:
    tab = show(filled(0))
    assert tab.stack.currentWidget() is tab.nobody
    tab.nobody.import_button.click()
    assert tab.dialog is not None and tab.dialog.isVisible()
    tab.dialog.reject()
    assert tab.dialog is None


def test_before_a_sequence_is_opened_nothing_can_be_done(show: Show) -> None:
    tab = show(filled())
    tab.open_sequence("")
    assert tab.stack.currentWidget() is tab.not_yet
    assert not tab.import_button.isEnabled() and not tab.text.isEnabled()


def test_text_state_and_account_are_asked_of_the_engine(qtbot: QtBot, show: Show) -> None:
    engine = filled()
    tab = show(engine)
    QTest.keyClicks(tab.text, "company7.")
    qtbot.waitUntil(lambda: len(tab.model.ids) == 1)
    tab.show_all()
    qtbot.waitUntil(lambda: len(tab.model.ids) == 40)
    tab.account.setCurrentIndex(2)
    qtbot.waitUntil(lambda: len(tab.model.ids) < 40)
    assert engine.of(m.ListProspects)[-1].wanted.account == "a2"


@pytest.mark.parametrize("at", range(len(FILTERS)))
def test_every_state_can_be_shown_alone(qtbot: QtBot, show: Show, at: int) -> None:
    engine = filled()
    tab = show(engine)
    tab.choice.setCurrentIndex(at)
    settle(qtbot, tab._bridge)
    wanted = engine.of(m.ListProspects)[-1].wanted
    assert (wanted.states, wanted.reasons) == FILTERS[at][1:]
    rows = [engine.sequences.people["s2"][one] for one in tab.model.ids]
    assert all(not wanted.states or row.state in wanted.states for row in rows)
    assert all(not wanted.reasons or row.finish_reason in wanted.reasons for row in rows)
    assert tab.stack.currentWidget() is (tab.table if rows else tab.nothing_found)


def test_every_reason_to_end_can_be_found() -> None:
    assert {why for _, _, reasons in FILTERS for why in reasons} == set(FinishReason)
    assert {state for _, states, _ in FILTERS for state in states} == set(EnrollmentState)


def test_stopping_asks_first_and_says_what_it_did(qtbot: QtBot, show: Show) -> None:
    engine = filled()
    tab = show(engine)
    assert not tab.stop_button.isVisible()
    tab.table.select_ids({"e1", "e3"}, "e1")
    tab.stop_button.click()
    assert engine.of(m.StopProspects) == [] and "2 prospects" in tab.chosen.text()
    tab.keep_button.click()
    assert tab.stop_button.isVisible() and not tab.sure_button.isVisible()
    tab.stop_button.click()
    tab.sure_button.click()
    qtbot.waitUntil(lambda: tab.note.isVisible())
    assert engine.of(m.StopProspects) == [m.StopProspects(("e1", "e3"))]
    assert tab.note.text() == "Nothing more is sent to 2 prospects."
    qtbot.waitUntil(lambda: tab.model.index(0, 0).data() == "Stopped")


def test_finished_prospects_cannot_be_stopped(show: Show) -> None:
    tab = show(filled())
    tab.table.select_ids({"e2"}, "e2")
    assert tab.stop_button.isVisible() and not tab.stop_button.isEnabled()


@pytest.mark.parametrize(("was_sent", "told"), [(True, "next step follows"), (False, "as soon as window")])
def test_a_doubt_is_explained_and_settled(qtbot: QtBot, show: Show, was_sent: bool, told: str) -> None:
    engine = filled()
    tab = show(engine)
    tab.table.select_ids({"e1"}, "e1")
    assert not tab.doubt.isVisible()
    tab.table.select_ids({"e1", "e5", "e13"}, "e1")
    assert tab.doubt.isVisible() and "Sent folder" in tab.doubt_words.text()
    (tab.was_sent if was_sent else tab.not_sent).click()
    qtbot.waitUntil(lambda: told in tab.note.text())
    assert engine.of(m.SettleDoubt) == [m.SettleDoubt(("e5", "e13"), was_sent)]
    qtbot.waitUntil(lambda: not tab.doubt.isVisible())


def test_those_in_doubt_are_a_click_away(qtbot: QtBot, show: Show) -> None:
    tab = show(filled())
    tab.show_in_doubt()
    qtbot.waitUntil(lambda: len(tab.model.ids) == 5)
    assert tab.choice.currentText() == "In doubt"


def test_what_the_engine_refuses_is_said(qtbot: QtBot, show: Show) -> None:
    engine = filled()
    engine.errors[m.StopProspects] = InvalidInput("The disk is full.", "Make room.")
    tab = show(engine)
    tab.table.select_ids({"e1"}, "e1")
    tab.stop_button.click()
    tab.sure_button.click()
    qtbot.waitUntil(lambda: tab.note.text() == "The disk is full. Make room.")


def test_opening_a_row_leads_to_its_log(qtbot: QtBot, show: Show) -> None:
    tab = show(filled())
    with qtbot.waitSignal(tab.log_wanted) as wanted:
        tab.table.opened.emit("e1")
    assert wanted.args == ["p00001@company1.example"]


def test_the_menu_offers_what_fits(show: Show) -> None:
    tab = show(filled())

    def texts(*ids: str) -> list[str]:
        tab.table.select_ids(set(ids), ids[0])
        return [one.text() for one in tab.context_menu().actions() if one.text()]

    assert texts("e1") == ["Show in the log", "Copy address", "Stop…"]
    assert texts("e1", "e5") == ["Copy addresses", "It was sent", "It was not sent: send it", "Stop…"]


def test_what_is_shown_is_exported(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    engine = filled()
    tab = show(engine)
    tab.show_in_doubt()
    settle(qtbot, tab._bridge)
    path = str(tmp_path / "out.csv")
    tab.export_to(path)
    qtbot.waitUntil(lambda: tab.note.text() == f"5 prospects exported to {path}.")
    assert engine.of(m.ExportProspects)[0].wanted == tab.model.wanted


def test_a_dropped_file_opens_the_import(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    engine = filled()
    tab = show(engine)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "people.csv"))])
    path = dropped_file(data)
    assert path == str(tmp_path / "people.csv")
    tab.open_import(path)
    qtbot.waitUntil(lambda: engine.of(m.PreviewImport) == [m.PreviewImport(path)])
    assert tab.dialog is not None
    tab.dialog.reject()


def test_without_the_engine_nothing_can_be_asked(qtbot: QtBot, show: Show) -> None:
    engine = filled()
    tab = show(engine)
    tab.table.select_ids({"e1", "e5"}, "e1")
    engine.stop()
    qtbot.waitUntil(lambda: tab._bridge.engine is EngineState.LOST)
    for part in (tab.import_button, tab.export_button, tab.was_sent, tab.not_sent, tab.stop_button):
        assert not part.isEnabled()
    engine.up = True
    qtbot.waitUntil(tab.import_button.isEnabled)
