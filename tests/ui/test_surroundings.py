"""The window in its desktop: tray, alerts, later launches, settings pages, quitting."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.config import Config
from reply_desktop.domain.preferences import THEME
from reply_desktop.ui import link_scheme, theme
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.connect_dialog import Stage
from reply_desktop.ui.front import Front
from reply_desktop.ui.main_window import (
    ACCOUNTS,
    GENERAL,
    NOTIFICATIONS,
    PROVIDERS,
    SANDBOX,
    SEQUENCE,
    SEQUENCES,
    MainWindow,
)
from reply_desktop.ui.remembered import Remembered
from reply_desktop.ui.single_instance import Errand, Message
from reply_desktop.ui.surroundings import Surroundings
from tests.fakes.engine import FakeEngine, few
from tests.harness.pages import OneSequence
from tests.harness.settling import settle


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(few())


@pytest.fixture
def around(
    qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge], engine: FakeEngine, tmp_path: Path
) -> Iterator[Surroundings]:
    bridge = open_bridge(engine)
    window = MainWindow(Remembered(None), sandbox=True)
    qtbot.addWidget(window, before_close_func=lambda one: setattr(one, "leaving", True))
    remembered = Remembered(None)
    front = Front(window, bridge, remembered, clock=lambda: engine.now, open_in_browser=lambda url: True)
    window.open_page(ACCOUNTS)
    made = Surroundings(Config(tmp_path, sandbox=True), front, remembered, window)
    window.show()
    qtbot.waitUntil(lambda: front.accounts.model.is_loaded)
    settle(qtbot, bridge)
    yield made
    made.close()
    theme.theme().force(None)


@pytest.mark.parametrize("name", [NOTIFICATIONS, PROVIDERS, GENERAL, SANDBOX])
def test_every_page_opens(qtbot: QtBot, around: Surroundings, name: str) -> None:
    page = around._front.open_page(name)
    settle(qtbot, around._front.bridge)
    assert page is not None and around._front.window.current == name


def test_the_tray_leads_into_the_window(qtbot: QtBot, around: Surroundings) -> None:
    front = around._front
    front.window.hide()
    around.tray.account_asked.emit("a4")
    assert front.window.isVisible() and front.accounts.table.selected_ids() == ("a4",)
    around.tray.reconnect_asked.emit("a2")
    qtbot.waitUntil(lambda: front.accounts.connect_pane.stage is Stage.WAITING)
    around.tray.fault_asked.emit("google")
    assert front.window.current == PROVIDERS
    around.tray.accounts_asked.emit()
    assert front.window.current == ACCOUNTS


def test_alerts_lead_into_the_window(around: Surroundings) -> None:
    front = around._front
    around.alerts.fault_asked.emit("google")
    assert front.window.current == PROVIDERS
    around.alerts.account_asked.emit("a1")
    assert front.accounts.table.selected_ids() == ("a1",)


def test_later_launches_do_their_errand_here(qtbot: QtBot, around: Surroundings) -> None:
    front = around._front
    one = OneSequence()
    front.window.add_page(SEQUENCE, lambda: one)
    front.window.hide()
    around.on_errand(Message())
    assert front.window.isVisible()
    around.on_errand(Message(Errand.PROVIDERS))
    assert front.window.current == PROVIDERS
    around.on_errand(Message(Errand.NOTIFICATIONS))
    assert front.window.current == NOTIFICATIONS
    around.on_errand(Message(Errand.ACCOUNT, "a3"))
    assert front.accounts.table.selected_ids() == ("a3",)
    around.on_errand(Message(Errand.SEQUENCES))
    assert front.window.current == SEQUENCES
    around.on_errand(Message(Errand.SEQUENCE, "s2", tab="log", entry=17))
    assert front.window.current == SEQUENCE and one.opened == [("s2", "log", 17, None)]
    around.on_errand(Message(Errand.RECONNECT, "a2"))
    qtbot.waitUntil(lambda: front.accounts.connect_pane.stage is Stage.WAITING)


def test_an_alert_of_several_mends_those_accounts(qtbot: QtBot, around: Surroundings) -> None:
    front = around._front
    around.alerts.reconnect_all_asked.emit(("a1", "a2"))
    qtbot.waitUntil(lambda: front.accounts.connect_pane.stage is Stage.WAITING)


def test_a_while_after_the_start_links_open_this_app(qtbot: QtBot, around: Surroundings) -> None:
    entry = link_scheme.for_this_system(around._config)
    assert isinstance(entry, link_scheme.MimeEntry)
    entry.file.unlink(missing_ok=True)
    around._register_links()
    qtbot.waitUntil(lambda: entry.file.exists() and str(around._config.data_dir) in entry.file.read_text())


def test_the_chosen_colours_hold_at_once_and_at_the_next_start(around: Surroundings) -> None:
    around.preferences.put(THEME, "dark")
    assert theme.theme().is_dark and around._remembered.get("theme") == "dark"
    around.preferences.put(THEME, "light")
    assert not theme.theme().is_dark
    assert theme.scheme_named(around._remembered.get("theme")) is Qt.ColorScheme.Light


def test_closing_without_a_tray_is_known(around: Surroundings) -> None:
    assert around._front.window.has_tray() is around.tray.available is False


def test_quitting_tells_the_engine_only_when_it_is_to_end(
    qtbot: QtBot, around: Surroundings, engine: FakeEngine
) -> None:
    left: list[bool] = []
    around.leaving._leave = lambda: left.append(True)
    around.preferences.put("general.keep_running", False)
    around._front.quit_wanted.emit()
    qtbot.waitUntil(lambda: left == [True])
    assert engine.of(m.Shutdown) == [m.Shutdown()]
