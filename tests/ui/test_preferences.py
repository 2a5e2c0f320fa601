"""Settings are read from the engine, kept there, and fall back when it refuses."""

import json
from collections.abc import Callable
from functools import partial

import pytest
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import GetSettings, PutSettings
from reply_desktop.domain.errors import ReplyDesktopError, StoreFull
from reply_desktop.domain.preferences import (
    ALERT_CHOICES,
    DEFAULTS,
    EMAIL_CAP,
    EMAIL_TO,
    QUIET,
    REMINDERS,
    THEME,
    TRAY_ALERTS,
)
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
    assert preferences.value(REMINDERS) is DEFAULTS[REMINDERS]
    assert sorted(changed) == sorted([THEME, TRAY_ALERTS])


def test_values_that_cannot_be_used_are_left_out(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    engine.settings = {THEME: "{", TRAY_ALERTS: '"yes"', REMINDERS: "false"}
    preferences = Preferences(open_bridge(engine))
    qtbot.waitUntil(lambda: preferences.value(REMINDERS) is False)
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


def test_an_older_refusal_does_not_undo_a_newer_choice(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    engine.mute = {PutSettings}
    preferences = Preferences(open_bridge(engine))
    told: list[ReplyDesktopError] = []
    preferences.put(EMAIL_TO, "ana@a.example", told.append)
    preferences.put(EMAIL_TO, "ben@b.example", told.append)
    qtbot.waitUntil(lambda: len(engine.held) == 1)
    engine.errors[PutSettings] = StoreFull("The disk is full.", "Make room.")
    engine.held.pop(0)()
    qtbot.waitUntil(lambda: len(told) == 1)
    assert preferences.value(EMAIL_TO) == "ben@b.example"
    qtbot.waitUntil(lambda: len(engine.held) == 1)
    engine.answer_held()
    qtbot.waitUntil(lambda: len(told) == 2)
    assert preferences.value(EMAIL_TO) == ""


def test_changes_of_one_setting_reach_the_engine_one_after_the_other(qtbot: QtBot, open_bridge: Open) -> None:
    """The engine carries out many requests at a time; asked for together, the older one could win."""
    engine = FakeEngine()
    engine.mute = {PutSettings}
    preferences = Preferences(open_bridge(engine))
    kept: list[int] = []
    for most in (5, 6, 7):
        preferences.put(EMAIL_CAP, most, kept=partial(kept.append, most))
    preferences.put(REMINDERS, False)
    waiting = [PutSettings({EMAIL_CAP: "5"}), PutSettings({REMINDERS: "false"})]
    qtbot.waitUntil(lambda: engine.of(PutSettings) == waiting)
    assert preferences.value(EMAIL_CAP) == 7 and kept == []
    for _ in range(3):
        qtbot.waitUntil(lambda: bool(engine.held))
        engine.answer_held()
    qtbot.waitUntil(lambda: kept == [5, 6, 7])
    assert engine.settings[EMAIL_CAP] == "7"


def test_what_a_command_changes_is_taken_over(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    preferences = Preferences(open_bridge(engine))
    qtbot.waitUntil(lambda: bool(engine.of(GetSettings)))
    engine.settings = {EMAIL_TO: '"you@harbor.example"'}
    engine.change_mail()
    qtbot.waitUntil(lambda: preferences.value(EMAIL_TO) == "you@harbor.example")


def test_what_is_read_does_not_undo_what_is_chosen_meanwhile(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    preferences = Preferences(open_bridge(engine))
    qtbot.waitUntil(lambda: bool(engine.of(GetSettings)))
    engine.mute = {PutSettings, GetSettings}
    engine.settings = {THEME: '"dark"', REMINDERS: "true", TRAY_ALERTS: "true"}
    preferences.put(REMINDERS, False)
    preferences.read()
    preferences.put(TRAY_ALERTS, False)
    qtbot.waitUntil(lambda: len(engine.held) == 3)
    put, read, last = engine.held
    read()
    qtbot.waitUntil(lambda: preferences.value(THEME) == "dark")
    put()
    last()
    assert preferences.value(REMINDERS) is False
    assert preferences.value(TRAY_ALERTS) is False


def test_values_with_parts_are_kept_whole(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    engine.settings = {ALERT_CHOICES: '{"lost": ["tray"]}'}
    preferences = Preferences(open_bridge(engine))
    qtbot.waitUntil(lambda: preferences.value(ALERT_CHOICES) == {"lost": ["tray"]})
    quiet = {**preferences.value(QUIET), "on": True}
    preferences.put(QUIET, quiet)
    qtbot.waitUntil(lambda: json.loads(engine.settings.get(QUIET, "null")) == quiet)
    assert DEFAULTS[QUIET]["on"] is False


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (QUIET, '{"on": true, "from": "25:00", "to": "07:00", "weekends": false}'),
        (QUIET, '{"on": true}'),
        (ALERT_CHOICES, '{"lost": ["carrier pigeon"]}'),
        (ALERT_CHOICES, '{"lost": 3}'),
        (EMAIL_CAP, "0"),
    ],
)
def test_values_whose_parts_make_no_sense_are_left_out(
    qtbot: QtBot, open_bridge: Open, name: str, kept: str
) -> None:
    engine = FakeEngine()
    engine.settings = {name: kept, REMINDERS: "false"}
    preferences = Preferences(open_bridge(engine))
    qtbot.waitUntil(lambda: preferences.value(REMINDERS) is False)
    assert preferences.value(name) == DEFAULTS[name]
