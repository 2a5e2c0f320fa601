"""The Settings tab: every control shows the draft and changes it; reading is allowed in the browser."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest
from PySide6.QtCore import QTime
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.sequence import Ramp, Stranded, StrandedKind
from reply_desktop.domain.sequence_rows import SequenceDetail
from reply_desktop.domain.window import SendingWindow
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.connect_dialog import Stage
from reply_desktop.ui.sequence_draft import Draft
from reply_desktop.ui.sequence_settings_tab import (
    STRANDED,
    SequenceSettingsTab,
    is_time_zone,
    time_zones,
    window_words,
)
from tests.fakes.engine import NOW, FakeEngine, few, few_sequences, sequence
from tests.harness.settling import settle

Shown = tuple[SequenceSettingsTab, Draft, FakeEngine, list[str]]


@pytest.fixture
def shown(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Shown:
    engine = FakeEngine(few(), sequences=few_sequences())
    bridge = open_bridge(engine)
    draft, links = Draft(bridge), list[str]()

    def note(url: str) -> bool:
        links.append(url)
        return True

    tab = SequenceSettingsTab(bridge, draft, lambda: NOW, note)
    qtbot.addWidget(tab)
    tab.resize(1100, 800)
    tab.show()
    whole = sequence(2, "Spring outreach")
    draft.begin(whole)
    tab.open_sequence("s2")
    tab.put(SequenceDetail(engine.sequences.rows["s2"], whole, engine.sequences.senders, ()))
    settle(qtbot, bridge)
    return tab, draft, engine, links


def test_it_shows_the_sequence(shown: Shown) -> None:
    tab, draft, _, _ = shown
    window = tab.window_card
    assert [day.isChecked() for day in window.days] == [True] * 5 + [False] * 2
    assert window.opens.time() == QTime(9, 0) and window.zone.text() == "Europe/Berlin"
    assert "It is 11:00 there now." in window.words.text()
    assert (tab.pace.least.value(), tab.pace.most.value()) == (120, 300)
    assert not tab.pace.limited.isChecked() and not tab.pace.limit.isEnabled()
    assert tab.stranded.choices[StrandedKind.WAIT].radio.isChecked()
    assert tab.answers.name.text() == "Ana Adler" and tab.answers.reply.box.isChecked()
    assert not draft.is_dirty and not draft.stack.canUndo()


def test_the_hours_can_be_read(shown: Shown) -> None:
    window = shown[0].window_card
    for field in (window.opens, window.closes):
        inner = field.lineEdit()
        assert inner.width() > inner.fontMetrics().horizontalAdvance("00:00")


def act(tab: SequenceSettingsTab, what: str) -> None:
    window, pace, stranded, answers = tab.window_card, tab.pace, tab.stranded, tab.answers
    if what == "days":
        window.days[5].click()
    elif what == "hours":
        window.closes.setTime(QTime(0, 0))
    elif what == "zone":
        window.zone.setText("Asia/Tokyo")
        window.zone.editingFinished.emit()
    elif what == "gap":
        pace.least.setValue(400)
    elif what == "gap down":
        pace.most.setValue(60)
    elif what == "limit":
        pace.limited.click()
        pace.limit.setValue(80)
    elif what == "ramp":
        pace.ramped.click()
        pace.step.setValue(7)
    elif what == "grace":
        stranded.choices[StrandedKind.MOVE_AFTER].radio.click()
        stranded.hours.setValue(6)
    elif what == "unstarted":
        stranded.choices[StrandedKind.MOVE_UNSTARTED].radio.click()
    elif what == "name":
        answers.name.clear()
        QTest.keyClicks(answers.name, "Eva")
    elif what == "reply":
        answers.reply.box.click()
    elif what == "unsubscribe":
        answers.unsubscribe.box.click()


BERLIN = SendingWindow((1, 2, 3, 4, 5), time(9), time(17), "Europe/Berlin")


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("days", {"window": replace(BERLIN, days=(1, 2, 3, 4, 5, 6))}),
        ("hours", {"window": replace(BERLIN, closes=time(0))}),
        ("zone", {"window": replace(BERLIN, timezone="Asia/Tokyo")}),
        ("gap", {"gap_s": (400.0, 400.0)}),
        ("gap down", {"gap_s": (60.0, 60.0)}),
        ("limit", {"daily_limit": 80}),
        ("ramp", {"ramp": Ramp(10, 7)}),
        ("grace", {"stranded": Stranded(StrandedKind.MOVE_AFTER, 6 * 3600.0)}),
        ("unstarted", {"stranded": Stranded(StrandedKind.MOVE_UNSTARTED)}),
        ("name", {"sender_name": "Eva"}),
        ("reply", {"stop_on_reply": False}),
        ("unsubscribe", {"unsubscribe": False}),
    ],
)
def test_each_control_changes_the_draft_and_undo_takes_it_back(
    shown: Shown, what: str, fields: dict[str, Any]
) -> None:
    tab, draft, _, _ = shown
    before = draft.now
    act(tab, what)
    assert draft.now == replace(before, **fields)
    while draft.stack.canUndo():
        draft.stack.undo()
    assert draft.now == before
    while draft.stack.canRedo():
        draft.stack.redo()
    assert draft.now == replace(before, **fields)


def test_an_unknown_time_zone_is_told_and_not_taken(shown: Shown) -> None:
    tab, draft, _, _ = shown
    tab.window_card.zone.setText("Moon/Base")
    tab.window_card.zone.editingFinished.emit()
    assert "“Moon/Base” is no time zone" in tab.window_card.said and not draft.is_dirty
    tab.window_card.zone.setText("America/Lima")
    tab.window_card.zone.editingFinished.emit()
    assert tab.window_card.said == "" and draft.now.window.timezone == "America/Lima"


def test_time_zones_are_completed(shown: Shown) -> None:
    tab, _, _, _ = shown
    completer = tab.window_card.zone.completer()
    assert completer is not None
    completer.setCompletionPrefix("berl")
    assert completer.completionCount() >= 1
    names = time_zones()
    assert {"Europe/Berlin", "America/New_York", "UTC"} <= set(names)
    assert all(is_time_zone(one) for one in names[:50]) and not is_time_zone("EST") and not is_time_zone("")


@pytest.mark.parametrize(
    ("window", "told"),
    [
        (BERLIN, "Mail leaves in 40 hours a week. It is 11:00 there now."),
        (replace(BERLIN, days=()), "No day is chosen, so nothing is ever sent."),
        (replace(BERLIN, opens=time(17), closes=time(9)), "It closes before it opens, so nothing is ever sent."),
        (replace(BERLIN, days=(1,), opens=time(22), closes=time(0)), "Mail leaves in 2 hours a week. It is 11:00 there now."),
        (replace(BERLIN, timezone="Moon/Base"), "Mail leaves in 40 hours a week."),
    ],
)  # fmt: skip
def test_the_window_in_words(window: SendingWindow, told: str) -> None:
    assert window_words(sequence(1, "x", window=window), NOW) == told


def test_the_clock_there_knows_of_summer_time() -> None:
    summer = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
    assert "It is 12:00 there now." in window_words(sequence(1, "x", window=BERLIN), summer)


def test_every_policy_is_offered_in_plain_words() -> None:
    assert [kind for kind, _ in STRANDED] == list(StrandedKind)


def test_reading_is_allowed_in_the_browser(qtbot: QtBot, shown: Shown) -> None:
    tab, _, engine, links = shown
    tab.senders.reading_wanted.emit("a2")
    qtbot.waitUntil(lambda: tab.consent.stage is Stage.WAITING)
    (asked,) = engine.of(m.BeginConsent)
    assert asked == m.BeginConsent(None, "a2", reading=True) and len(links) == 1
    assert tab.consent.isVisible() and tab.consent.title.text() == "Allow reading"
    with qtbot.waitSignal(tab.reading_allowed):
        engine.end_consent("connected", "Replies are seen from now on.", account_id="a2")
    tab.consent.closed.emit()
    assert not tab.consent.isVisible()


def test_leaving_for_another_sequence_gives_the_sign_in_up(qtbot: QtBot, shown: Shown) -> None:
    tab, _, engine, _ = shown
    tab.allow_reading("a2")
    qtbot.waitUntil(lambda: tab.consent.stage is Stage.WAITING)
    tab.open_sequence("s2")
    qtbot.waitUntil(lambda: len(engine.of(m.CancelConsent)) == 1)
    assert not tab.consent.isVisible()


def test_an_account_that_is_gone_is_told(qtbot: QtBot, shown: Shown) -> None:
    tab, _, _, _ = shown
    tab.allow_reading("a99")
    qtbot.waitUntil(lambda: "not there any more" in tab.senders.said)


def test_without_the_engine_the_controls_rest(qtbot: QtBot, shown: Shown) -> None:
    tab, _, engine, _ = shown
    engine.stop()
    qtbot.waitUntil(lambda: tab._bridge.engine is EngineState.LOST)
    assert not any(card.isEnabled() for card in tab.cards)
    engine.up = True
    qtbot.waitUntil(lambda: all(card.isEnabled() for card in tab.cards))
