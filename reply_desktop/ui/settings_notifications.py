"""Settings → Notifications: what the person is told, where, and when not."""

from datetime import tzinfo
from typing import Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.preferences import EMAIL_TO
from reply_desktop.domain.rows import TeamChannelRow
from reply_desktop.ui.alert_choices import ChoicesCard
from reply_desktop.ui.alert_mail_card import AlertMailCard
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.page import Page
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.quiet_card import QuietCard
from reply_desktop.ui.team_channels_card import TeamChannelsCard
from reply_desktop.ui.tray import Tray
from reply_desktop.ui.words import Clock, utc_now

SEEK_MS: Final = 800
"""How long a page that was opened at one of its parts keeps to it while it fills, in milliseconds."""
_ABOUT: Final = "How you hear that an account needs you."


class NotificationsPage(Page):
    """All cards. `test_asked` when the person wants to see an alert; `show_part` brings a channel into view.

    `zone`: whose wall clock quiet hours go by, this computer's unless it is given.
    """

    test_asked = Signal()

    def __init__(
        self,
        bridge: Bridge,
        preferences: Preferences,
        tray: Tray | None = None,
        parent: QWidget | None = None,
        *,
        clock: Clock = utc_now,
        zone: tzinfo | None = None,
    ) -> None:
        super().__init__("Notifications", _ABOUT, parent)
        self._preferences = preferences
        # The cards get their heights when the page was laid out and the engine has answered.
        self._seeking = QTimer(self, singleShot=True, interval=SEEK_MS)
        self.area.verticalScrollBar().rangeChanged.connect(lambda *_: self._seek())
        self.choices = ChoicesCard(preferences, tray)
        self.quiet = QuietCard(preferences, clock, zone)
        self.mail = AlertMailCard(bridge, preferences)
        self.team = TeamChannelsCard(bridge, clock)
        self._sought: AlertMailCard | TeamChannelsCard = self.mail
        for card in (self.choices, self.quiet, self.mail, self.team):
            self.add(card)
        self.choices.test_asked.connect(self.test_asked)
        self.team.rows_shown.connect(self._on_team)
        preferences.changed.connect(lambda _: self._say_mail())
        bridge.engine_changed.connect(self._on_engine)
        self._say_mail()
        self._on_team(())
        self._on_engine(bridge.engine)

    def showEvent(self, event: QShowEvent) -> None:
        """A command may have changed something meanwhile."""
        super().showEvent(event)
        self._preferences.read()

    def show_part(self, channel: str) -> None:
        """Scroll to what is set for `email` or `team`, and put the focus there."""
        self._sought = self.mail if channel == Channel.EMAIL else self.team
        self._sought.take_focus()
        self._seeking.start()
        self._seek()

    def _seek(self) -> None:
        if self._seeking.isActive():
            self.area.verticalScrollBar().setValue(self._sought.y())

    def _on_engine(self, state: EngineState) -> None:
        for part in (self.choices.grid, *self.choices.options.values(), self.quiet, self.mail, self.team):
            part.setEnabled(state is EngineState.RUNNING)

    def _say_mail(self) -> None:
        self.choices.say(Channel.EMAIL, "on" if self._preferences.value(EMAIL_TO) else "no address")

    def _on_team(self, rows: tuple[TeamChannelRow, ...]) -> None:
        on = sum(row.enabled for row in rows)
        self.choices.say(Channel.TEAM, f"{on:,} on" if on else "all off" if rows else "none yet")
