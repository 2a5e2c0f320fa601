"""One page of the window with a fake engine, as a program of its own: `pages_program.py PAGE light|dark`."""

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from PySide6.QtCore import QSocketNotifier, Qt
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from reply_desktop.channel import messages as m
from reply_desktop.config import Config
from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import NotificationRow, ProviderRow
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


folder = Path.home() / "data"
PAGES: dict[str, Callable[[], QWidget]] = {
    "providers": lambda: ProvidersPage(bridge, open_in_browser=lambda url: True),
    "general": lambda: GeneralPage(
        bridge, preferences, Config(folder), None, DesktopEntry(["x"], folder), clock=lambda: NOW
    ),
    "notifications": lambda: NotificationsPage(preferences),
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
