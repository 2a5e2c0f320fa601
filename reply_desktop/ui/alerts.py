"""Alerts on the desktop: raised at once, merged when several come together, withdrawn when it is over."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from reply_desktop.channel.messages import AlertList, ClaimAlerts, ClaimedAlerts, GetAccounts, ListAlerts
from reply_desktop.domain.errors import EngineUnavailable, ReplyDesktopError
from reply_desktop.domain.events import AlertsDue, NotificationWithdrawn
from reply_desktop.domain.notification import Severity
from reply_desktop.domain.preferences import TRAY_ALERTS
from reply_desktop.domain.rows import AccountRow, NotificationRow
from reply_desktop.domain.states import State
from reply_desktop.ui.alert_surface import DEFAULT, Alert, AlertSurface
from reply_desktop.ui.alert_words import worded
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.tray import Tray
from reply_desktop.ui.tray_picture import Look, picture

log = logging.getLogger(__name__)

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
MANY: Final = 200
"""After so many at once the engine is asked whether there are more."""

_TEST: Final = "test"


@dataclass(slots=True)
class _Group:
    """The news that one alert tells of, by notification id.

    `waiting`: heard of, not claimed. `claiming`: being claimed. `news`: given to us to tell. `fresh`: ids of
    those among them that were not told yet, or are to be told again. `shown`: how it was shown last.
    """

    key: str
    good: bool
    waiting: dict[str, NotificationRow] = field(default_factory=dict)
    claiming: dict[str, NotificationRow] = field(default_factory=dict)
    news: dict[str, NotificationRow] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    shown: Alert | None = None

    @property
    def all(self) -> dict[str, NotificationRow]:
        return self.news | self.claiming | self.waiting

    @property
    def accounts(self) -> list[str]:
        return list(dict.fromkeys(row.account_id for row in self.news.values() if row.account_id))

    def drop(self, notification_id: str) -> bool:
        """Forget one; whether it was there."""
        self.fresh.discard(notification_id)
        known = notification_id in self.all
        for place in (self.waiting, self.claiming, self.news):
            place.pop(notification_id, None)
        return known


class Alerts(QObject):
    """Turns what the engine wants told into desktop alerts, and what the person does with them into signals.

    Each telling is claimed from the engine right before it is shown, so that nothing is shown twice, by
    whichever window. `account_asked` and `reconnect_asked` carry an account's id, `reconnect_all_asked` a
    tuple of them, `fault_asked` the key of what is no account's trouble.
    """

    account_asked = Signal(str)
    reconnect_asked = Signal(str)
    reconnect_all_asked = Signal(object)
    accounts_asked = Signal()
    fault_asked = Signal(str)

    def __init__(
        self,
        bridge: Bridge,
        preferences: Preferences,
        tray: Tray,
        surface: AlertSurface | None = None,
        parent: QObject | None = None,
        *,
        first_ms: int = FIRST_MS,
        merge_ms: int = MERGE_MS,
        together_ms: int = TOGETHER_MS,
    ) -> None:
        super().__init__(parent)
        self._bridge, self._preferences = bridge, preferences
        self._tray, self._surface = tray, surface
        self._first_ms, self._merge_ms, self._together_ms = first_ms, merge_ms, together_ms
        self._groups: dict[str, _Group] = {}
        self._joinable: dict[bool, _Group] = {}
        self._timers: dict[str, QTimer] = {}
        self._bubble = ""
        self._number = 0
        bridge.engine_changed.connect(self._on_engine)
        bridge.alerts_due.connect(self._on_alerts_due)
        bridge.notification_withdrawn.connect(self._on_withdrawn)
        preferences.changed.connect(self._on_preference)
        tray.message_clicked.connect(self._on_bubble_clicked)
        if surface is not None:
            surface.activated.connect(self._on_activated)
            surface.closed.connect(self._on_closed)
            surface.refused.connect(self._on_refused)
        self._on_engine(bridge.engine)

    def show_test(self) -> None:
        """Show an alert that means nothing, so that the person sees whether alerts arrive."""
        look = Look(State.CONNECTED)
        alert = Alert(_TEST, "Alerts arrive", "This is a test.", passing=True, picture=picture(look, 64))
        if self._surface is not None:
            self._surface.show(alert)
        else:
            self._show_bubble(alert)

    # News

    def _on_engine(self, state: EngineState) -> None:
        if state is EngineState.RUNNING:
            self._ask()

    def _ask(self) -> None:
        """What was not shown yet, because it happened while no window was there to hear of it."""
        if self._bridge.engine is EngineState.RUNNING and self._preferences.value(TRAY_ALERTS):
            self._bridge.ask(ListAlerts(), self._on_list, self._on_not_listed, owner=self)

    def _on_list(self, answer: AlertList) -> None:
        known = tuple(row.id for row in answer.rows if row.read)
        if known:
            # Read in the bell or at the command line meanwhile: it need not be said any more.
            self._bridge.ask(ClaimAlerts(known), None, lambda error: None, owner=self)
        for row in answer.rows:
            if not row.read:
                self._hear(row)

    def _on_not_listed(self, error: ReplyDesktopError) -> None:
        if not isinstance(error, EngineUnavailable):
            log.info("What is to be shown on the desktop is not known: %s", error)
            self._ask_later()

    def _ask_later(self) -> None:
        QTimer.singleShot(self._together_ms, self, self._ask)

    def _on_alerts_due(self, event: AlertsDue) -> None:
        for row in event.rows:
            self._hear(row)

    def _hear(self, row: NotificationRow) -> None:
        if not self._preferences.value(TRAY_ALERTS):
            return
        # What is told again changes its alert, if that is on the screen still.
        mine = next((group for group in self._groups.values() if row.id in group.all), None)
        good = row.severity is Severity.INFO
        group = mine or self._joinable.get(good) or self._open(good)
        group.waiting[row.id] = row
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
            told = event.notification_id in group.news
            if not group.drop(event.notification_id):
                continue
            if not group.all:
                self._take_away(group.key)
            elif told:
                self._show_soon(group)

    def _on_preference(self, name: str) -> None:
        if name != TRAY_ALERTS:
            return
        if self._preferences.value(TRAY_ALERTS):
            self._ask()
        else:
            for key in list(self._groups):
                self._take_away(key)

    def _take_away(self, key: str) -> None:
        self._forget(key)
        if self._surface is not None:
            self._surface.withdraw(key)

    def _forget(self, key: str) -> None:
        if (timer := self._timers.pop(key, None)) is not None:
            timer.stop()
            timer.deleteLater()
        group = self._groups.pop(key, None)
        if group is not None and self._joinable.get(group.good) is group:
            del self._joinable[group.good]

    # Showing: look up the accounts, claim, show

    def _show_soon(self, group: _Group) -> None:
        if group.key in self._timers:
            return
        timer = QTimer(self, singleShot=True)
        timer.timeout.connect(lambda: self._on_due(group))
        timer.start(self._merge_ms if group.shown or group.good else self._first_ms)
        self._timers[group.key] = timer

    def _on_due(self, group: _Group) -> None:
        self._timers.pop(group.key).deleteLater()
        ids = [row.account_id for row in group.all.values() if row.account_id]
        asked = tuple(dict.fromkeys(ids))[:NAMED]
        if not asked:
            self._claim(group, ())
            return
        self._bridge.ask(
            GetAccounts(asked),
            lambda answer: self._claim(group, answer.rows),
            lambda _: self._claim(group, ()),
            owner=self,
        )

    def _claim(self, group: _Group, accounts: Sequence[AccountRow]) -> None:
        """Last before it is shown: what we claim and then do not show is told by nobody."""
        if self._groups.get(group.key) is not group:
            return
        if not group.waiting:
            self._show(group, accounts)
            return
        asked = dict(group.waiting)
        group.claiming |= asked
        group.waiting.clear()
        self._bridge.ask(
            ClaimAlerts(tuple(asked)),
            partial(self._on_claimed, group, accounts, asked),
            partial(self._on_not_claimed, group, accounts, asked),
            owner=self,
        )

    def _on_claimed(
        self,
        group: _Group,
        accounts: Sequence[AccountRow],
        asked: dict[str, NotificationRow],
        answer: ClaimedAlerts,
    ) -> None:
        given = {one for one in answer.ids if group.claiming.get(one) is asked.get(one)}
        rows = {one: row for one, row in asked.items() if one in given}
        self._end_claim(group, asked)
        if rows and self._groups.get(group.key) is not group:
            if not self._preferences.value(TRAY_ALERTS):
                return
            # The person put the alert away meanwhile, and these were not in it.
            group = self._joinable.get(group.good) or self._open(group.good)
        group.news |= rows
        group.fresh |= rows.keys()
        self._show(group, accounts)
        if len(asked) >= MANY:
            self._ask()

    def _on_not_claimed(
        self,
        group: _Group,
        accounts: Sequence[AccountRow],
        asked: dict[str, NotificationRow],
        error: ReplyDesktopError,
    ) -> None:
        """It is not ours to show, and comes again with the next list."""
        self._end_claim(group, asked)
        if not isinstance(error, EngineUnavailable):
            log.info("Alerts could not be claimed: %s", error)
            self._ask_later()
        self._show(group, accounts)

    def _end_claim(self, group: _Group, asked: dict[str, NotificationRow]) -> None:
        for one, row in asked.items():
            if group.claiming.get(one) is row:
                del group.claiming[one]

    def _show(self, group: _Group, accounts: Sequence[AccountRow]) -> None:
        if self._groups.get(group.key) is not group:
            return
        if not group.news:
            if not group.all:
                self._forget(group.key)
            return
        alert, before = _alert(group, accounts), group.shown
        if (
            before is not None
            and not alert.fresh
            and (alert.title, alert.text) == (before.title, before.text)
        ):
            return
        group.shown = alert
        group.fresh.clear()
        if self._surface is not None:
            self._surface.show(alert)
        elif alert.fresh:
            self._show_bubble(alert)

    def _show_bubble(self, alert: Alert) -> None:
        if (last := self._groups.get(self._bubble)) is not None and last.good:
            # Nobody tells that a bubble of Qt's is gone; good news has no other end.
            self._forget(last.key)
        self._bubble = alert.key
        self._tray.show_message(_unmarked(alert.safe_title), _unmarked(alert.safe_text))

    # What comes back

    def _on_refused(self, alert: Alert) -> None:
        if (group := self._groups.get(alert.key)) is not None and group.shown is not None:
            if alert.fresh:
                self._show_bubble(group.shown)
        elif alert.key == _TEST:
            self._show_bubble(Alert(_TEST, "Alerts arrive", "This is a test, shown by the tray itself."))

    def _on_closed(self, alert: Alert) -> None:
        group = self._groups.get(alert.key)
        # What was shown in its place meanwhile is there still.
        if group is None or group.shown is not alert:
            return
        self._forget(alert.key)
        for row in list(group.waiting.values()):
            self._hear(row)

    def _on_bubble_clicked(self) -> None:
        self._on_activated(self._bubble, DEFAULT, "")

    def _on_activated(self, key: str, action: str, token: str) -> None:
        group = self._groups.get(key)
        if group is None or not group.news:
            return
        if token:
            # Qt hands it to the compositor with the next window that asks to come to the front.
            os.environ["XDG_ACTIVATION_TOKEN"] = token
        accounts = group.accounts
        if action == RECONNECT and len(accounts) == 1:
            self.reconnect_asked.emit(accounts[0])
        elif action == RECONNECT:
            self.reconnect_all_asked.emit(tuple(accounts))
        elif len(group.news) > 1:
            self.accounts_asked.emit()
        elif accounts:
            self.account_asked.emit(accounts[0])
        else:
            self.fault_asked.emit(next(iter(group.news.values())).key)


def _alert(group: _Group, accounts: Sequence[AccountRow]) -> Alert:
    news = list(group.news.values())
    first_told = any(not group.news[one].reminded for one in group.fresh)
    still = not first_told and any(row.reminded for row in news)
    title, text = worded(news, {row.id: row.address for row in accounts}, still=still)
    critical = any(row.severity is Severity.CRITICAL for row in news)
    look = Look(State.EXPIRED, len(news)) if critical else Look(State.AT_RISK)
    reconnects = not group.good and any(row.offers_reconnect for row in accounts)
    actions = [(RECONNECT, "Reconnect")] if reconnects else []
    return Alert(
        group.key,
        title,
        text,
        critical=critical,
        passing=group.good,
        actions=(*actions, (DETAILS, "Details")),
        picture=picture(Look(State.CONNECTED) if group.good else look, 64),
        fresh=bool(group.fresh),
    )


def _unmarked(text: str) -> str:
    """Text in which no daemon finds markup: Qt hands its messages over unescaped."""
    return text.replace("<", "‹").replace(">", "›")
