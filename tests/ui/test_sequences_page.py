"""The page of sequences: starting, stopping, making, deleting, and what stands there when there is nothing."""

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.errors import InvalidInput, StoreDamaged
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.states import Color
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.remembered import Remembered
from reply_desktop.ui.roster import Roster
from reply_desktop.ui.sequence_toggle import LaunchMenu
from reply_desktop.ui.sequences_page import SequencesPage, removal_words, unused_name
from tests.fakes.engine import NOW, FakeEngine, few, few_sequences, sequence_row
from tests.harness.names import unnamed
from tests.harness.settling import activate, settle

Show = Callable[..., SequencesPage]


@pytest.fixture
def show(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Show:
    def shown(
        engine: FakeEngine, *, loaded: bool = True, remembered: Remembered | None = None
    ) -> SequencesPage:
        bridge = open_bridge(engine)
        page = SequencesPage(bridge, Roster(bridge, bridge), lambda: engine.now, remembered)
        qtbot.addWidget(page)
        page.resize(1200, 600)
        page.show()
        settle(qtbot, bridge)
        if loaded:
            qtbot.waitUntil(lambda: page.model.is_loaded)
        return page

    return shown


def world() -> FakeEngine:
    return FakeEngine(few(), sequences=few_sequences())


def launch_menu(page: SequencesPage) -> LaunchMenu:
    return next(one for one in page.findChildren(QMenu) if isinstance(one, LaunchMenu))


def texts(menu: QMenu) -> list[str]:
    return [one.text() for one in menu.actions() if not one.isSeparator()]


def test_turning_off_pauses_at_once(qtbot: QtBot, show: Show) -> None:
    engine = world()
    page = show(engine)
    page.table.ask_toggle("s2")
    qtbot.waitUntil(lambda: page.model.sequence("s2").status is SequenceStatus.PAUSED)  # type: ignore[union-attr]
    assert engine.of(m.PauseSequence) == [m.PauseSequence("s2")] and page.model.busy == frozenset()


@pytest.mark.parametrize(
    ("chosen", "asked"),
    [
        ("soon", m.LaunchSequence("s5")),
        ("now", m.LaunchSequence("s5", now=True)),
    ],
)
def test_turning_on_asks_when(qtbot: QtBot, show: Show, chosen: str, asked: m.LaunchSequence) -> None:
    engine = world()
    page = show(engine)
    page.table.ask_toggle("s5")
    assert engine.of(m.LaunchSequence) == []
    getattr(launch_menu(page), chosen).trigger()
    qtbot.waitUntil(lambda: page.model.sequence("s5").status is SequenceStatus.SCHEDULED)  # type: ignore[union-attr]
    assert engine.of(m.LaunchSequence) == [asked]


def test_a_chosen_time_is_sent_as_it_is(qtbot: QtBot, show: Show) -> None:
    engine = world()
    page = show(engine)
    at = NOW + timedelta(days=1)
    page.launch("s5", at, False)
    qtbot.waitUntil(lambda: engine.of(m.LaunchSequence) == [m.LaunchSequence("s5", at)])


def test_while_it_is_asked_the_switch_waits_and_a_refusal_is_said(qtbot: QtBot, show: Show) -> None:
    engine = world()
    engine.mute.add(m.PauseSequence)
    engine.errors[m.PauseSequence] = InvalidInput("That cannot be paused.", "Wait a moment.")
    page = show(engine)
    page.table.ask_toggle("s2")
    qtbot.waitUntil(lambda: bool(engine.held))
    assert page.model.busy == {"s2"}
    page.table.ask_toggle("s2")
    engine.answer_held()
    qtbot.waitUntil(lambda: page.trouble.isVisible())
    assert page.trouble.text() == "That cannot be paused. Wait a moment." and page.model.busy == frozenset()
    assert len(engine.of(m.PauseSequence)) == 1
    engine.errors.clear()
    page.table.ask_toggle("s2")
    assert not page.trouble.isVisible()


def test_a_new_sequence_is_stored_named_and_opened(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(few(), sequences=[*few_sequences(), sequence_row(6, "New sequence")])
    page = show(engine)
    with qtbot.waitSignal(page.opened) as opened:
        page.new.click()
    assert opened.args == ["s7", "steps"] and page.new.isEnabled()
    (asked,) = engine.of(m.SaveSequence)
    assert asked.sequence.name == "New sequence 2" and asked.sequence.id == ""
    assert ZoneInfo(asked.sequence.window.timezone)


def test_a_sequence_that_cannot_be_made_says_why(qtbot: QtBot, show: Show) -> None:
    engine = world()
    engine.errors[m.SaveSequence] = StoreDamaged("The database is damaged.")
    page = show(engine)
    page.new.click()
    qtbot.waitUntil(lambda: page.trouble.isVisible())
    assert "damaged" in page.trouble.text() and page.new.isEnabled()


def test_names_that_are_taken_are_counted_on() -> None:
    assert unused_name([]) == "New sequence"
    assert unused_name(["NEW SEQUENCE", "New sequence 2"]) == "New sequence 3"


def test_deleting_asks_with_the_counts_and_can_be_left(qtbot: QtBot, show: Show) -> None:
    engine = world()
    page = show(engine)
    page.ask_to_remove()
    assert not page.question.isVisible() and not page.delete.isEnabled()
    page.table.select_ids({"s2"}, "s2")
    assert page.delete.isEnabled()
    page.delete.click()
    assert page.question.text() == (
        "Delete “Spring outreach”? 1,200 prospects go with it, 1,000 of them not finished; those in other "
        "sequences stay there. 2 mails in doubt will not be cleared up. 1,290 mails already sent stay sent. "
        "Nothing more is sent. The log goes too; the suppression list stays."
    )
    page.question.keep.click()
    assert not page.question.isVisible() and engine.of(m.RemoveSequences) == []
    page.ask_to_remove()
    page.question.go.click()
    qtbot.waitUntil(lambda: page.model.sequence("s2") is None)
    assert engine.of(m.RemoveSequences) == [m.RemoveSequences(("s2",))]


def test_the_question_names_what_there_is() -> None:
    rows = few_sequences()
    assert removal_words([rows[4]]) == (
        "Delete “Win back”? Nothing more is sent. The log goes too; the suppression list stays."
    )
    assert removal_words(rows).startswith(
        "Delete “Autumn renewals”, “Spring outreach”, “Partners” and 2 more?"
    )
    one = sequence_row(1, "A", prospects=1, waiting=0, active=0, finished=1, sent=1)
    told = removal_words([one])
    assert "1 prospect goes with it; those in other sequences stay there. 1 mail already sent stays" in told


def test_all_sending_is_paused_and_resumed(qtbot: QtBot, show: Show) -> None:
    engine = world()
    page = show(engine)
    page.pause_all.click()
    qtbot.waitUntil(lambda: page.paused.isVisible())
    assert "All sending is paused" in page.paused.text()
    assert page.pause_all.accessibleName() == "Resume all sending"
    page.pause_all.click()
    qtbot.waitUntil(lambda: not page.paused.isVisible())
    assert engine.of(m.PauseSending) == [m.PauseSending(True), m.PauseSending(False)]


def test_a_newcomer_reads_what_a_sequence_is_and_the_one_thing_to_do(qtbot: QtBot, show: Show) -> None:
    page = show(FakeEngine())
    assert page.stack.currentWidget() is page.none and not page.new.isVisible()
    assert page.none.add_account.isVisible() and not page.none.new.isVisible()
    with qtbot.waitSignal(page.account_wanted):
        page.none.add_account.click()


def test_with_an_account_the_one_thing_is_a_new_sequence(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(few())
    page = show(engine)
    qtbot.waitUntil(lambda: page.none.new.isVisible())
    with qtbot.waitSignal(page.opened):
        page.none.new.click()
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.table)


def test_a_search_without_a_hit_offers_the_way_back(show: Show) -> None:
    page = show(world())
    page.text.setText("nobody")
    assert page.stack.currentWidget() is page.nothing_found and page.text.isVisible()
    page.nothing_found.clear_button.click()
    assert page.stack.currentWidget() is page.table and page.text.text() == ""


def test_without_the_engine_nothing_can_be_asked(qtbot: QtBot, show: Show) -> None:
    engine = world()
    page = show(engine)
    page.table.select_ids({"s2"}, "s2")
    page.ask_to_remove()
    engine.stop()
    qtbot.waitUntil(lambda: not page.new.isEnabled())
    assert not page.pause_all.isEnabled() and not page.delete.isEnabled() and not page.question.isVisible()
    rows = [page.model.sequence("s1")]
    assert not any(one.isEnabled() for one in page.context_menu(rows).actions())  # type: ignore[arg-type]
    page.make()
    assert engine.of(m.SaveSequence) == []


def test_a_list_that_cannot_be_read_says_why(qtbot: QtBot, show: Show) -> None:
    engine = world()
    engine.errors[m.ListSequences] = StoreDamaged("The database is damaged.")
    page = show(engine, loaded=False)
    qtbot.waitUntil(lambda: page.trouble.isVisible())
    assert page.stack.currentWidget() is page.not_yet


def test_the_menu_fits_what_is_chosen(qtbot: QtBot, show: Show) -> None:
    engine = world()
    page = show(engine)
    on, off = page.model.sequence("s2"), page.model.sequence("s5")
    assert on is not None and off is not None
    assert texts(page.context_menu([on])) == [
        "Open", "Prospects", "Log", "Settings", "Pause", "Delete…"
    ]  # fmt: skip
    assert "Start now" in texts(page.context_menu([off])) and "Pause" not in texts(page.context_menu([off]))
    menu = page.context_menu([on, off])
    assert texts(menu) == ["Pause", "Delete…"]
    menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: engine.of(m.PauseSequence) == [m.PauseSequence("s2")])
    with qtbot.waitSignal(page.opened) as opened:
        next(one for one in page.context_menu([on]).actions() if one.text() == "Log").trigger()
    assert opened.args == ["s2", "log"]


def test_keys_make_search_and_delete(qtbot: QtBot, show: Show) -> None:
    page = show(world())
    activate(qtbot, page)
    page.table.setFocus()
    page.table.select_ids({"s3"}, "s3")
    QTest.keyClick(page.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: page.question.isVisible())
    QTest.keyClick(page, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: page.focusWidget() is page.text)
    QTest.keyClick(page.text, Qt.Key.Key_Down)
    assert page.focusWidget() is page.table
    with qtbot.waitSignal(page.opened):
        QTest.keyClick(page, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)


def test_a_lost_account_shows_at_once(qtbot: QtBot, show: Show) -> None:
    engine = world()
    page = show(engine)
    out = ("ana@brightfield.example",)
    engine.change_sequence(
        "s1", indicator=Color.ORANGE, accounts_out=out, tooltip="Sending goes on from 1 of 2."
    )
    qtbot.waitUntil(lambda: page.model.sequence("s1").indicator is Color.ORANGE)  # type: ignore[union-attr]


def test_the_order_is_remembered(qtbot: QtBot, show: Show) -> None:
    remembered = Remembered(None)
    page = show(world(), remembered=remembered)
    page.table.sort_by("sent", True)
    again = show(world(), remembered=remembered)
    assert (again.model.wanted.sort, again.model.wanted.descending) == ("sent", True)


def test_with_little_room_every_control_keeps_its_name(show: Show) -> None:
    page = show(world())
    page.resize(600, 480)
    QApplication.processEvents()
    assert page.pause_all.text() == "" and page.pause_all.accessibleName() == "Pause all sending"
    assert unnamed(page) == []


def test_nothing_ticks_while_nobody_looks(show: Show) -> None:
    page = show(world())
    assert page._times.isActive()
    page.hide()
    assert not page._times.isActive()
