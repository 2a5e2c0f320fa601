"""Quit ends the engine too, unless the person wants it to go on, and never waits long."""

import threading
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import Shutdown
from reply_desktop.domain.errors import EngineUnavailable
from reply_desktop.domain.events import SendingPaused
from reply_desktop.domain.preferences import KEEP_RUNNING
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.leaving import Leaving
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.roster import Roster
from tests.fakes.engine import FakeEngine, few_sequences

Open = Callable[[FakeEngine], Bridge]


def leaving(bridge: Bridge, left: list[bool], *, keep: bool, wait_ms: int = 5000) -> Leaving:
    preferences = Preferences(bridge)
    preferences.put(KEEP_RUNNING, keep)
    return Leaving(bridge, preferences, lambda: left.append(True), wait_ms=wait_ms)


def test_quit_ends_the_engine_first(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    left: list[bool] = []
    going = leaving(open_bridge(engine), left, keep=False)
    going.quit()
    going.quit()
    qtbot.waitUntil(lambda: bool(left))
    assert engine.of(Shutdown) == [Shutdown()]
    assert left == [True]


def test_an_engine_that_was_ended_stays_so_while_the_window_goes(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    left: list[bool] = []
    bridge = open_bridge(engine)
    leaving(bridge, left, keep=False).quit()
    qtbot.waitUntil(lambda: bool(left))
    before = engine.connects
    engine.stop()
    engine.up = True
    qtbot.waitUntil(lambda: bridge.engine is EngineState.LOST)
    qtbot.waitUntil(lambda: "channel" not in {thread.name for thread in threading.enumerate()})
    assert engine.connects == before


def test_quit_leaves_the_engine_at_work_when_wanted(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    left: list[bool] = []
    leaving(open_bridge(engine), left, keep=True).quit()
    assert left == [True]
    assert engine.of(Shutdown) == []


def test_a_silent_engine_is_not_waited_for(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    left: list[bool] = []
    engine.mute.add(Shutdown)
    leaving(open_bridge(engine), left, keep=False, wait_ms=20).quit()
    qtbot.waitUntil(lambda: bool(left))
    engine.answer_held()
    qtbot.wait(1)
    assert left == [True]


def test_an_engine_that_refuses_or_is_gone_holds_nobody_back(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    left: list[bool] = []
    engine.errors[Shutdown] = EngineUnavailable("Gone.")
    leaving(bridge := open_bridge(engine), left, keep=False).quit()
    qtbot.waitUntil(lambda: left == [True])
    going = leaving(bridge, left, keep=False)
    engine.stop()
    qtbot.waitUntil(lambda: bridge.engine is EngineState.LOST)
    going.quit()
    assert left == [True, True]


@pytest.fixture
def busy(qtbot: QtBot, open_bridge: Open) -> Iterator[tuple[Leaving, FakeEngine, list[bool]]]:
    """Sequences are on, and the person did not say before what is to become of them."""
    engine = FakeEngine(sequences=few_sequences())
    bridge = open_bridge(engine)
    roster = Roster(bridge, bridge)
    qtbot.waitUntil(lambda: roster.sends)
    left: list[bool] = []
    going = Leaving(bridge, Preferences(bridge), lambda: left.append(True), roster=roster, wait_ms=5000)
    yield going, engine, left
    if going.asked is not None:
        going.asked.close()


def press(going: Leaving, text: str) -> None:
    assert going.asked is not None
    next(one for one in going.asked.buttons() if one.text() == text).click()


def test_quit_asks_while_sequences_are_on(qtbot: QtBot, busy: tuple[Leaving, FakeEngine, list[bool]]) -> None:
    going, engine, left = busy
    going.quit()
    box = going.asked
    assert box is not None and box.textFormat() is Qt.TextFormat.PlainText and box.isVisible()
    assert box.text().startswith("“Autumn renewals”, “Partners”, “Spring outreach” and 1 more are on.")
    going.quit()
    assert going.asked is box and left == []
    press(going, "Keep sending")
    assert left == [True] and going.keeps_engine and engine.of(Shutdown) == []


def test_quit_stops_the_sending_when_wanted(
    qtbot: QtBot, busy: tuple[Leaving, FakeEngine, list[bool]]
) -> None:
    going, engine, left = busy
    going.quit()
    press(going, "Stop sending")
    qtbot.waitUntil(lambda: left == [True])
    assert engine.of(Shutdown) == [Shutdown()] and not going.keeps_engine


def test_quit_can_be_taken_back_and_asked_again(
    qtbot: QtBot, busy: tuple[Leaving, FakeEngine, list[bool]]
) -> None:
    going, engine, left = busy
    going.quit()
    press(going, "Cancel")
    qtbot.waitUntil(lambda: going.asked is None)
    assert left == [] and engine.of(Shutdown) == []
    going.quit()
    assert going.asked is not None


def test_nothing_is_asked_while_all_sending_is_paused(
    qtbot: QtBot, busy: tuple[Leaving, FakeEngine, list[bool]]
) -> None:
    going, engine, left = busy
    engine.push(SendingPaused(True))
    qtbot.waitUntil(lambda: going._roster is not None and not going._roster.sends)
    going.quit()
    qtbot.waitUntil(lambda: left == [True])
    assert engine.of(Shutdown) == [Shutdown()]


def test_unsaved_changes_are_asked_about_before_all_else(
    qtbot: QtBot, busy: tuple[Leaving, FakeEngine, list[bool]]
) -> None:
    going, engine, left = busy
    going._unsaved = lambda: ("Spring <b>outreach</b>",)
    going.quit()
    assert going.asked is not None
    assert going.asked.text() == "“Spring <b>outreach</b>” has unsaved changes."
    default = going.asked.defaultButton()
    assert default is not None and default.text() == "Cancel"
    press(going, "Cancel")
    assert left == [] and engine.of(Shutdown) == []
    going.quit()
    press(going, "Quit without saving")
    assert going.asked is not None and "Keep sending" in going.asked.text()
    press(going, "Keep sending")
    assert left == [True]
