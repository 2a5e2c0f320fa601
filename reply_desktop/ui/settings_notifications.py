"""Settings → Notifications: what the person wants to be told, and a test of whether it arrives."""

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from reply_desktop.domain.preferences import OTHER_ACCOUNTS, RECOVERY, TRAY_ALERTS
from reply_desktop.ui.controls import button, line
from reply_desktop.ui.page import Card, Option, Page
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.tray import Tray

_OPTIONS: Final = (
    (
        TRAY_ALERTS,
        "Show alerts on the desktop",
        "At once when an account needs you, several together as one. The bell keeps everything either way.",
    ),
    (
        RECOVERY,
        "Say so when an account works again",
        "One short notice when trouble you were told of is over.",
    ),
    (
        OTHER_ACCOUNTS,
        "Tell me about Other accounts too",
        "Mailboxes with a password. Without this they only change their colour in the table.",
    ),
)
_NO_TRAY: Final = "This desktop shows no tray icons. Alerts, the bell and the banner tell you all the same."


class NotificationsPage(Page):
    """One card of choices. `test_asked` when the person wants to see an alert."""

    test_asked = Signal()

    def __init__(
        self, preferences: Preferences, tray: Tray | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__("Notifications", "How you hear that an account needs you.", parent)
        self._preferences = preferences
        self.card = Card("Tell me")
        self.options: dict[str, Option] = {}
        for name, title, about in _OPTIONS:
            self.options[name] = option = Option(title, about)
            option.put(preferences.value(name))
            option.box.toggled.connect(lambda checked, name=name: self._on_toggled(name, checked))
            self.card.body.addWidget(option)
        self.test = button("Show a test alert", self.test_asked.emit, icon="bell")
        row = line()
        row.addWidget(self.test)
        row.addStretch(1)
        self.card.body.addLayout(row)
        self.add(self.card)
        preferences.changed.connect(self._on_changed)
        if tray is not None:
            tray.available_changed.connect(self._on_tray)
            self._on_tray(tray.available)
        self._on_changed(TRAY_ALERTS)

    def _on_toggled(self, name: str, checked: bool) -> None:
        self._preferences.put(name, checked, self.card.refused)

    def _on_changed(self, name: str) -> None:
        if name in self.options:
            self.options[name].put(self._preferences.value(name))
        self.test.setEnabled(self._preferences.value(TRAY_ALERTS))

    def _on_tray(self, available: bool) -> None:
        self.card.tell("" if available else _NO_TRAY)
