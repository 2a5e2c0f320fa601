"""Alerts on the desktop: raised at once, merged when several come together, withdrawn when it is over."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from reply_desktop.channel.messages import GetAccounts
from reply_desktop.domain.events import NotificationRaised, NotificationWithdrawn
from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.preferences import RECOVERY, TRAY_ALERTS
from reply_desktop.domain.rows import AccountRow, NotificationRow
from reply_desktop.domain.states import State
from reply_desktop.ui import words
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.dbus_alerts import DEFAULT, Alert, DBusAlerts
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.tray import Tray
from reply_desktop.ui.tray_picture import Look, picture

FIRST_MS: Final = 50
"""How long the first bad news waits for its companions, in milliseconds: the person must hear at once."""
MERGE_MS: Final = 1500
"""How long an alert that is already shown waits before it is changed, in milliseconds."""
TOGETHER_MS: Final = 60_000
"""Bad news within this of each other shares one alert, in milliseconds."""

RECONNECT: Final = "reconnect"
DETAILS: Final = "details"
NAMED: Final = 50
"""How many accounts of one alert are looked up."""

_TEST: Final = "test"
_RECOVERIES: Final = frozenset({NotificationKind.ACCOUNT_RECOVERED, NotificationKind.APP_FAULT_OVER})


@dataclass(slots=True)
class _Group:
    """The news that one alert tells of, by notification id. `told`: what it has told already."""

    key: str
    good: bool
    news: dict[str, NotificationRow] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    reconnects: bool = False

    @property
    def accounts(self) -> list[str]:
        return [row.account_id for row in self.news.values() if row.account_id]


class Alerts(QObject):
    """Turns the engine's notifications into desktop alerts, and what the person does with them into signals.

    `account_asked` and `reconnect_asked` carry an account's id, `fault_asked` the key of an app-level fault.
    """

    account_asked = Signal(str)
    reconnect_asked = Signal(str)
    reconnect_all_asked = Signal()
    accounts_asked = Signal()
    fault_asked = Signal(str)

    def __init__(
        self,
        bridge: Bridge,
        preferences: Preferences,
        tray: Tray,
        dbus: DBusAlerts | None = None,
        parent: QObject | None = None,
        *,
        first_ms: int = FIRST_MS,
        merge_ms: int = MERGE_MS,
        together_ms: int = TOGETHER_MS,
    ) -> None:
        super().__init__(parent)
        self._bridge, self._preferences = bridge, preferences
        self._tray, self._dbus = tray, dbus
        self._first_ms, self._merge_ms, self._together_ms = first_ms, merge_ms, together_ms
        self._groups: dict[str, _Group] = {}
        self._joinable: dict[bool, _Group] = {}
        self._waiting: dict[str, QTimer] = {}
        self._bubble = ""
        self._number = 0
        bridge.notification_raised.connect(self._on_raised)
        bridge.notification_withdrawn.connect(self._on_withdrawn)
        preferences.changed.connect(self._on_preference)
        tray.message_clicked.connect(self._on_bubble_clicked)
        if dbus is not None:
            dbus.activated.connect(self._on_activated)
            dbus.closed.connect(self._on_closed)
            dbus.refused.connect(self._on_refused)

    def show_test(self) -> None:
        """Show an alert that means nothing, so that the person sees whether alerts arrive."""
        look = Look(State.CONNECTED)
        alert = Alert(_TEST, "Alerts arrive", "This is a test.", passing=True, picture=picture(look, 64))
        if self._dbus is not None:
            self._dbus.show(alert)
        else:
            self._show_bubble(alert)

    # News

    def _on_raised(self, event: NotificationRaised) -> None:
        row = event.notification
        unwanted = row.kind in _RECOVERIES and not self._preferences.value(RECOVERY)
        if not unwanted and self._preferences.value(TRAY_ALERTS):
            self._join(row)

    def _join(self, row: NotificationRow) -> None:
        good = row.severity is Severity.INFO
        group = self._joinable.get(good) or self._open(good)
        group.news[row.id] = row
        self._show_soon(group)

    def _open(self, good: bool) -> _Group:
        self._number += 1
        group = _Group(f"{'good' if good else 'bad'}-{self._number}", good)
        self._groups[group.key] = self._joinable[good] = group

        def close_doors() -> None:
            if self._joinable.get(good) is group:
                del self._joinable[good]

        QTimer.singleShot(self._merge_ms if good else self._together_ms, self, close_doors)
        return group

    def _on_withdrawn(self, event: NotificationWithdrawn) -> None:
        for group in list(self._groups.values()):
            if group.news.pop(event.notification_id, None) is None:
                continue
            if group.news:
                self._show_soon(group)
            else:
                self._forget(group.key)
                if self._dbus is not None:
                    self._dbus.withdraw(group.key)

    def _on_preference(self, name: str) -> None:
        if name == TRAY_ALERTS and not self._preferences.value(TRAY_ALERTS):
            for key in list(self._groups):
                self._forget(key)
                if self._dbus is not None:
                    self._dbus.withdraw(key)

    def _forget(self, key: str) -> None:
        if (timer := self._waiting.pop(key, None)) is not None:
            timer.stop()
        group = self._groups.pop(key, None)
        if group is not None and self._joinable.get(group.good) is group:
            del self._joinable[group.good]

    # Showing

    def _show_soon(self, group: _Group) -> None:
        if group.key in self._waiting:
            return
        timer = QTimer(self, singleShot=True)
        timer.timeout.connect(lambda: self._on_due(group))
        timer.start(self._merge_ms if group.told or group.good else self._first_ms)
        self._waiting[group.key] = timer

    def _on_due(self, group: _Group) -> None:
        self._waiting.pop(group.key).deleteLater()
        asked = tuple(group.accounts[:NAMED])
        if not asked:
            self._show(group, ())
            return
        self._bridge.ask(
            GetAccounts(asked),
            lambda answer: self._show(group, answer.rows),
            lambda _: self._show(group, ()),
            owner=self,
        )

    def _show(self, group: _Group, accounts: Sequence[AccountRow]) -> None:
        if self._groups.get(group.key) is not group:
            return
        group.reconnects = any(row.offers_reconnect for row in accounts) and not group.good
        fresh = group.news.keys() - group.told
        group.told |= fresh
        if self._dbus is not None:
            self._dbus.show(_alert(group, accounts))
        elif fresh:
            self._show_bubble(_alert(group, accounts))

    def _show_bubble(self, alert: Alert) -> None:
        if (last := self._groups.get(self._bubble)) is not None and last.good:
            # Nobody tells that a bubble of Qt's is gone; good news has no other end.
            self._forget(last.key)
        self._bubble = alert.key
        self._tray.show_message(_unmarked(alert.title), _unmarked(alert.text), critical=alert.critical)

    # What comes back

    def _on_refused(self, key: str) -> None:
        if (group := self._groups.get(key)) is not None:
            self._show_bubble(_alert(group, ()))
        elif key == _TEST:
            self._show_bubble(Alert(_TEST, "Alerts arrive", "This is a test, shown by the tray itself."))

    def _on_closed(self, key: str, dismissed: bool) -> None:
        group = self._groups.get(key)
        self._forget(key)
        if group is None:
            return
        # What joined the alert after it was last shown has not been told yet.
        for number, row in group.news.items():
            if number not in group.told:
                self._join(row)

    def _on_bubble_clicked(self) -> None:
        self._on_activated(self._bubble, DEFAULT, "")

    def _on_activated(self, key: str, action: str, token: str) -> None:
        group = self._groups.get(key)
        if group is None:
            return
        if token:
            # Qt hands it to the compositor with the next window that asks to come to the front.
            os.environ["XDG_ACTIVATION_TOKEN"] = token
        accounts = group.accounts
        if action == RECONNECT and len(group.news) == 1 and accounts:
            self.reconnect_asked.emit(accounts[0])
        elif action == RECONNECT:
            self.reconnect_all_asked.emit()
        elif len(group.news) > 1:
            self.accounts_asked.emit()
        elif accounts:
            self.account_asked.emit(accounts[0])
        else:
            self.fault_asked.emit(next(iter(group.news.values())).key)


def _alert(group: _Group, accounts: Sequence[AccountRow]) -> Alert:
    news = list(group.news.values())
    actions = [(RECONNECT, "Reconnect")] if group.reconnects else []
    title, text = (news[0].title, news[0].text) if len(news) == 1 else _together(group, news, accounts)
    look = Look(State.CONNECTED) if group.good else Look(State.EXPIRED, len(news))
    return Alert(
        group.key,
        title,
        text,
        critical=any(row.severity is Severity.CRITICAL for row in news),
        passing=group.good,
        actions=(*actions, (DETAILS, "Details")),
        picture=picture(look, 64),
    )


def _together(
    group: _Group, news: Sequence[NotificationRow], accounts: Sequence[AccountRow]
) -> tuple[str, str]:
    """Title and text of one alert for several news."""
    number = len(group.accounts)
    if number < len(news) or len(accounts) < min(number, 1):
        titles = [row.title for row in news]
        title = "Working again" if group.good else f"{len(news):,} problems need you"
        return title, "; ".join(titles[:3]) + (f" and {len(news) - 3:,} more" if len(news) > 3 else "")
    named = words.few([row.address for row in accounts], number, shown=3)
    if group.good:
        return f"{number:,} accounts work again", f"{named}."
    return f"{number:,} accounts need you", f"{named} cannot send."


def _unmarked(text: str) -> str:
    """Text in which no daemon finds markup: Qt hands its messages over unescaped."""
    return text.replace("<", "‹").replace(">", "›")
