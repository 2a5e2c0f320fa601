"""Settings → Notifications keeps what the person chose."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import PutSettings
from reply_desktop.domain.errors import StoreFull
from reply_desktop.domain.preferences import OTHER_ACCOUNTS, RECOVERY, TRAY_ALERTS
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.settings_notifications import NotificationsPage
from tests.fakes.engine import FakeEngine

Open = Callable[[FakeEngine], Bridge]


class Tray(QObject):
    available_changed = Signal(bool)
    available = True


def page_of(qtbot: QtBot, bridge: Bridge, tray: Tray | None = None) -> NotificationsPage:
    page = NotificationsPage(Preferences(bridge), tray)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.show()
    return page


def test_what_is_kept_is_shown(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    engine.settings = {TRAY_ALERTS: "false", OTHER_ACCOUNTS: "true"}
    page = page_of(qtbot, open_bridge(engine))
    qtbot.waitUntil(page.options[OTHER_ACCOUNTS].box.isChecked)
    assert not page.options[TRAY_ALERTS].box.isChecked()
    assert page.options[RECOVERY].box.isChecked()
    assert not page.test.isEnabled()
    assert engine.of(PutSettings) == []


@pytest.mark.parametrize(
    ("name", "kept"), [(TRAY_ALERTS, "false"), (RECOVERY, "false"), (OTHER_ACCOUNTS, "true")]
)
def test_a_choice_is_kept_at_once(qtbot: QtBot, open_bridge: Open, name: str, kept: str) -> None:
    engine = FakeEngine()
    page = page_of(qtbot, open_bridge(engine))
    page.options[name].box.click()
    qtbot.waitUntil(lambda: engine.of(PutSettings) == [PutSettings({name: kept})])


def test_a_choice_that_is_not_kept_is_taken_back_and_said(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    engine.errors[PutSettings] = StoreFull("The disk is full.", "Make room.")
    page = page_of(qtbot, open_bridge(engine))
    page.options[RECOVERY].box.click()
    qtbot.waitUntil(lambda: page.card.said == "The disk is full. Make room.")
    assert page.options[RECOVERY].box.isChecked()


def test_a_test_alert_is_asked_for(qtbot: QtBot, open_bridge: Open) -> None:
    page = page_of(qtbot, open_bridge(FakeEngine()))
    with qtbot.waitSignal(page.test_asked):
        page.test.click()


def test_a_desktop_without_tray_is_told(qtbot: QtBot, open_bridge: Open) -> None:
    tray = Tray()
    page = page_of(qtbot, open_bridge(FakeEngine()), tray)
    assert page.card.said == ""
    tray.available_changed.emit(False)
    assert "no tray icons" in page.card.said
    tray.available_changed.emit(True)
    assert page.card.said == ""
