"""Quit ends the engine too, unless the person wants it to go on, and never waits long."""

from collections.abc import Callable

from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import Shutdown
from reply_desktop.domain.errors import EngineUnavailable
from reply_desktop.domain.preferences import KEEP_RUNNING
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.leaving import Leaving
from reply_desktop.ui.preferences import Preferences
from tests.fakes.engine import FakeEngine

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
