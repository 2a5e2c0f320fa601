"""Settings are read from the engine, kept there, and fall back when it refuses."""

from collections.abc import Callable

from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import PutSettings
from reply_desktop.domain.errors import ReplyDesktopError, StoreFull
from reply_desktop.domain.preferences import DEFAULTS, RECOVERY, THEME, TRAY_ALERTS
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.preferences import Preferences
from tests.fakes.engine import FakeEngine

Open = Callable[[FakeEngine], Bridge]


def test_what_the_engine_knows_replaces_the_defaults(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    engine.settings = {THEME: '"dark"', TRAY_ALERTS: "false", "unknown": "1"}
    preferences = Preferences(open_bridge(engine))
    changed: list[str] = []
    preferences.changed.connect(changed.append)
    qtbot.waitUntil(lambda: preferences.value(THEME) == "dark")
    assert preferences.value(TRAY_ALERTS) is False
    assert preferences.value(RECOVERY) is DEFAULTS[RECOVERY]
    assert sorted(changed) == sorted([THEME, TRAY_ALERTS])


def test_values_that_cannot_be_used_are_left_out(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    engine.settings = {THEME: "{", TRAY_ALERTS: '"yes"', RECOVERY: "false"}
    preferences = Preferences(open_bridge(engine))
    qtbot.waitUntil(lambda: preferences.value(RECOVERY) is False)
    assert preferences.value(THEME) == "system"
    assert preferences.value(TRAY_ALERTS) is True


def test_a_change_holds_at_once_and_is_kept(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    preferences = Preferences(open_bridge(engine))
    with qtbot.waitSignal(preferences.changed) as changed:
        preferences.put(TRAY_ALERTS, False)
    assert changed.args == [TRAY_ALERTS]
    assert preferences.value(TRAY_ALERTS) is False
    qtbot.waitUntil(lambda: engine.of(PutSettings) == [PutSettings({TRAY_ALERTS: "false"})])


def test_a_change_the_engine_refuses_is_taken_back(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    engine.errors[PutSettings] = StoreFull("The disk is full.", "Make room.")
    preferences = Preferences(open_bridge(engine))
    told: list[ReplyDesktopError] = []
    preferences.put(TRAY_ALERTS, False, told.append)
    qtbot.waitUntil(lambda: bool(told))
    assert preferences.value(TRAY_ALERTS) is True
