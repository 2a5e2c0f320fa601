"""What lies around the window: settings pages, tray, desktop alerts, links and later launches, quitting."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from reply_desktop.config import APP_NAME, Config
from reply_desktop.domain.preferences import THEME
from reply_desktop.sandbox import process
from reply_desktop.ui import theme
from reply_desktop.ui.alert_surface import AlertSurface
from reply_desktop.ui.alerts import Alerts
from reply_desktop.ui.dbus_alerts import DBusAlerts, session_bus
from reply_desktop.ui.front import Front
from reply_desktop.ui.leaving import Leaving
from reply_desktop.ui.main_window import GENERAL, NOTIFICATIONS, PROVIDERS, SANDBOX
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.remembered import Remembered
from reply_desktop.ui.single_instance import Errand, Message
from reply_desktop.ui.tray import Tray

LINKS_MS: Final = 3000
"""After the start, in milliseconds: once everything the person waits for is done."""


def alert_surface(bubbles: Path, parent: QObject) -> AlertSurface | None:
    """The desktop's own way of showing alerts with buttons; None where there is none.

    `bubbles`: the file that tells the next window what this one showed, where the desktop needs that.
    """
    if sys.platform in ("win32", "darwin"):
        from reply_desktop.ui.native_alerts import NativeAlerts

        return NativeAlerts(parent)
    bus = session_bus()
    return DBusAlerts(bus, bubbles, parent) if bus else None


class Surroundings(QObject):
    """Wires the window to its desktop. `close` ends what has threads or icons."""

    def __init__(
        self, config: Config, front: Front, remembered: Remembered, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._config, self._front, self._remembered = config, front, remembered
        self._ends: list[Callable[[], None]] = []
        self.preferences = Preferences(front.bridge, self)
        self.preferences.changed.connect(self._on_preference)
        self.tray = Tray(front.bridge, self, roster=front.roster)
        self.surface = alert_surface(config.data_dir / "bubbles.json", self)
        self.alerts = Alerts(front.bridge, self.preferences, self.tray, self.surface, self)
        self.leaving = Leaving(
            front.bridge,
            self.preferences,
            self._leave,
            self,
            roster=front.roster,
            unsaved=front.unsaved,
            window=front.window,
        )
        self._add_pages()
        self._connect_tray()
        self._connect_alerts()
        front.quit_wanted.connect(self.leaving.quit)
        window = front.window
        window.has_tray = lambda: self.tray.available
        window.about_to_hide.connect(self._on_hide)
        self.tray.show()
        QTimer.singleShot(LINKS_MS, self, self._register_links)

    def _add_pages(self) -> None:
        window = self._front.window
        window.add_page(NOTIFICATIONS, self._notifications)
        window.add_page(PROVIDERS, self._providers)
        window.add_page(GENERAL, self._general)
        window.add_page(SANDBOX, self._sandbox)

    def _notifications(self) -> QWidget:
        from reply_desktop.ui.settings_notifications import NotificationsPage

        page = NotificationsPage(self._front.bridge, self.preferences, self.tray)
        page.test_asked.connect(self.alerts.show_test)
        return page

    def _providers(self) -> QWidget:
        from reply_desktop.ui.settings_providers import ProvidersPage

        return ProvidersPage(self._front.bridge)

    def _general(self) -> QWidget:
        from reply_desktop.ui.settings_general import GeneralPage

        return GeneralPage(self._front.bridge, self.preferences, self._config, self.tray)

    def _sandbox(self) -> QWidget:
        from reply_desktop.ui.sandbox_page import SandboxPage

        page = SandboxPage(self._config.sandbox_dir)
        self._ends.append(page.close_down)
        return page

    def _connect_tray(self) -> None:
        tray, front = self.tray, self._front
        tray.open_asked.connect(front.window.bring)
        tray.accounts_asked.connect(front.open_accounts)
        tray.account_asked.connect(front.open_account)
        tray.reconnect_asked.connect(front.reconnect)
        tray.fault_asked.connect(front.open_fault)
        tray.check_asked.connect(front.check_all)
        tray.quit_asked.connect(self.leaving.quit)

    def _connect_alerts(self) -> None:
        alerts, front = self.alerts, self._front
        alerts.account_asked.connect(front.open_account)
        alerts.reconnect_asked.connect(front.reconnect)
        alerts.reconnect_all_asked.connect(front.reconnect)
        alerts.accounts_asked.connect(front.open_accounts)
        alerts.fault_asked.connect(front.open_fault)

    def on_errand(self, message: Message) -> None:
        """Do what a later launch wants."""
        if message.token:
            # Lets the compositor bring us to the front (XDG activation protocol).
            os.environ["XDG_ACTIVATION_TOKEN"] = message.token
        if message.errand is Errand.ACCOUNT:
            self._front.open_account(message.account)
        elif message.errand is Errand.RECONNECT:
            self._front.reconnect(message.account)
        elif message.errand is Errand.PROVIDERS:
            self._front.open_providers()
        elif message.errand is Errand.NOTIFICATIONS:
            self._front.open_page(NOTIFICATIONS)
        elif message.errand is Errand.DIAGNOSIS:
            self._front.open_diagnosis(message.account)
        elif message.errand is Errand.SEQUENCES:
            self._front.open_sequences()
        elif message.errand is Errand.SEQUENCE:
            self._front.open_sequence(message.account, message.tab, message.entry)
        else:
            self._front.window.bring()

    def _register_links(self) -> None:
        """Beside the window, since it reads and writes files of the person's desktop."""
        from reply_desktop.ui import link_scheme

        scheme = link_scheme.for_this_system(self._config)
        worker = threading.Thread(
            target=link_scheme.register_quietly, args=(scheme,), name="links", daemon=True
        )
        worker.start()

    def _on_preference(self, name: str) -> None:
        if name == THEME:
            wanted = self.preferences.value(THEME)
            self._remembered.put("theme", wanted)
            theme.theme().force(theme.scheme_named(wanted))

    def _on_hide(self) -> None:
        if not self._remembered.get("told/tray"):
            self._remembered.put("told/tray", True)
            text = "The window is closed; checks go on. Open it again from the tray."
            self.tray.show_message(APP_NAME, text)

    def _leave(self) -> None:
        self._front.window.leaving = True
        QApplication.quit()

    def close(self) -> None:
        """Leave the tray and the notification service; a sandbox ends with its engine."""
        for end in self._ends:
            end()
        self.tray.hide()
        if self.surface is not None:
            self.surface.stop()
        if self._config.sandbox and not self.leaving.keeps_engine:
            with contextlib.suppress(process.SandboxFailed):
                process.stop(self._config.sandbox_dir)
