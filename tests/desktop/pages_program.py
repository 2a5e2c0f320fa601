"""One page of the window with a fake engine, as a program of its own: `pages_program.py PAGE light|dark`."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

from PySide6.QtCore import QSocketNotifier, Qt, QTimer
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from reply_desktop.channel import messages as m
from reply_desktop.config import Config
from reply_desktop.domain.grant import MailServer, Security
from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.preferences import EMAIL_TO, QUIET
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import (
    AlertMailRow,
    NotificationRow,
    ProviderRow,
    RelayRow,
    TeamChannelRow,
)
from reply_desktop.ui import icons, theme
from reply_desktop.ui.autostart import DesktopEntry
from reply_desktop.ui.bell import Bell
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.sandbox_panel import SandboxPanel
from reply_desktop.ui.settings_general import GeneralPage
from reply_desktop.ui.settings_notifications import NotificationsPage
from reply_desktop.ui.settings_providers import ProvidersPage
from tests.fakes.engine import NOW, FakeEngine, few
from tests.ui.sandbox_world import FakeSandbox

app = QApplication(["pages-program"])
scheme = Qt.ColorScheme.Dark if sys.argv[2] == "dark" else Qt.ColorScheme.Light
theme.install(app, scheme)
icons.follow_theme()
engine = FakeEngine(few())
guid = "7c1e1a52-9d3f-4f0e-8a86-2b0d5a1f6c33"
engine.answers[m.ListProviders] = m.ProviderList(
    (
        ProviderRow(
            Provider.GOOGLE,
            True,
            "482190337715-2d21998ccae0c14639be093c5325e2a3.apps.googleusercontent.com",
            None,
            None,
            True,
            2,
        ),
        ProviderRow(Provider.MICROSOFT, True, guid, None, None, False, 2),
    )
)
engine.notifications = [
    NotificationRow(
        f"n{number}", f"k{number}", NotificationKind.ACCOUNT_LOST, Severity.CRITICAL,
        f"{name}@brightfield.example cannot send", "Access was removed or has expired. Press Reconnect.",
        NOW - timedelta(minutes=7 * number), "a2", read=number > 2, withdrawn=number > 2,
    )
    for number, name in enumerate(("ben", "eva", "carla", "dmitri"), start=1)
]  # fmt: skip
engine.notifications += [
    replace(
        engine.notifications[0], id=f"g{number}", group="g0", title=f"account{number:02}@lindholm.example cannot send",
        withdrawn=number < 2, at=NOW - timedelta(minutes=3), reminded=1,
    )
    for number in range(12)
]  # fmt: skip
bridge = Bridge(engine.connect)
bridge.start()
preferences = Preferences(bridge)
sandbox = FakeSandbox()
sandbox.deliver("Spring offer", b"From: ana@harbor.example\r\nSubject: Spring offer\r\n\r\nHello Bob,\r\n")


def bell() -> QWidget:
    made = QWidget()
    row = QHBoxLayout()
    row.addStretch(1)
    row.addWidget(Bell(bridge, clock=lambda: NOW))
    lines = QVBoxLayout(made)
    lines.addLayout(row)
    lines.addStretch(1)
    return made


def channels() -> QWidget:
    engine.settings |= {
        EMAIL_TO: json.dumps("ana@brightfield.example"),
        QUIET: json.dumps({"on": True, "from": "09:00", "to": "12:00", "weekends": True}),
    }
    relay = RelayRow(MailServer("smtp.relay.example", 587, Security.STARTTLS), "ana", "a@relay.example", True)
    engine.alert_mail = AlertMailRow("ana@brightfield.example", None, relay, 3, 2, 10, "The relay is full.")
    engine.team = (
        TeamChannelRow("t1", "Sales", "Slack", "hooks.slack.com", True, None, NOW),
        TeamChannelRow("t2", "On call", "Teams", "x.logic.azure.com", False, "It answered 410: gone."),
    )
    page = NotificationsPage(bridge, Preferences(bridge), clock=lambda: NOW, zone=UTC)
    page.mail.more.toggle.setChecked(True)
    page.team.add.click()
    QTimer.singleShot(200, page, lambda: page.show_part("email"))
    return page


folder = Path.home() / "data"
PAGES: dict[str, Callable[[], QWidget]] = {
    "providers": lambda: ProvidersPage(bridge, open_in_browser=lambda url: True),
    "general": lambda: GeneralPage(
        bridge, preferences, Config(folder), None, DesktopEntry(["x"], folder), clock=lambda: NOW
    ),
    "notifications": lambda: NotificationsPage(bridge, preferences, clock=lambda: NOW, zone=UTC),
    "channels": channels,
    "sandbox": lambda: SandboxPanel(sandbox),  # type: ignore[arg-type]
    "bell": bell,
}
window = PAGES[sys.argv[1]]()
window.setWindowTitle(f"page {sys.argv[1]}")
window.resize(1000, 720)
window.show()


def on_end() -> None:
    os.read(sys.stdin.fileno(), 100)
    if isinstance(window, SandboxPanel):
        window.close_down()
    bridge.close()
    app.quit()


notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
notifier.activated.connect(on_end)
print("ready", flush=True)
sys.exit(app.exec())
