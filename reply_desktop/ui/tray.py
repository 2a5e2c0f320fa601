"""The tray icon: the worst state at a glance, one line of words, and a menu that leads to what is wrong."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import SLOT, QObject, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from reply_desktop.channel.messages import GetSummary, PauseSending
from reply_desktop.config import APP_NAME
from reply_desktop.domain.notification import plain
from reply_desktop.domain.rows import AccountRow, AppFault, Summary
from reply_desktop.domain.states import State
from reply_desktop.ui import icons, words
from reply_desktop.ui.banner import fault_words, own_red
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.dbus_alerts import session_bus
from reply_desktop.ui.roster import Roster
from reply_desktop.ui.tray_picture import Look, icon

if TYPE_CHECKING:
    from PySide6.QtDBus import QDBusServiceWatcher

MENU_LINES: Final = 10
"""How many lines of trouble the menu shows before “and N more…”."""
TOOLTIP_LENGTH: Final = 127
"""Windows cuts tooltips after this many characters (NOTIFYICONDATA.szTip)."""
WATCHER: Final = "org.kde.StatusNotifierWatcher"
WATCHER_PATH: Final = "/StatusNotifierWatcher"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of trouble in the menu: an account's or an app registration's."""

    text: str
    account: AccountRow | None = None
    fault: AppFault | None = None

    @property
    def said(self) -> tuple[str, str]:
        """What the line shows and leads to; a change of anything else is none to the menu."""
        return self.text, self.account.id if self.account else ""


def look(summary: Summary | None) -> Look:
    """What the picture shows. Without a word from the engine it claims nothing."""
    if summary is None or summary.worst is None:
        return Look()
    return Look(summary.worst, summary.needs_person)


def tooltip(summary: Summary | None) -> str:
    """One line: who needs the person, else how things stand."""
    if summary is None:
        return f"{APP_NAME}: the background service is not running"
    parts = [fault_words(fault) for fault in summary.app_faults]
    own, total = own_red(summary)
    if total == 1 and own:
        parts.append(f"{plain(own[0].address, 60)} needs you: {words.wrong_words(own[0])}")
    elif total:
        addresses = [row.address for row in own]
        parts.append(f"{total:,} accounts need you: {words.few(addresses, total)}")
    return plain(" ".join(parts) or _calm(summary), TOOLTIP_LENGTH)


def trouble(summary: Summary | None) -> tuple[list[Line], int]:
    """(lines to show, how many accounts are left out) of what is wrong, app registrations first."""
    if summary is None:
        return [], 0
    lines = [Line(fault_words(fault), fault=fault) for fault in summary.app_faults]
    own, total = own_red(summary)
    for row in own:
        name, wrong = plain(row.address, 60), plain(words.wrong_words(row), 60)
        mend = "Reconnect " if row.offers_reconnect else ""
        lines.append(Line(f"{mend}{name} – {wrong}" if wrong else f"{mend}{name}", account=row))
    return lines[:MENU_LINES], total - sum(line.account is not None for line in lines[:MENU_LINES])


def _literal(text: str) -> str:
    """A menu text in which `&` marks no key."""
    return text.replace("&", "&&")


def _calm(summary: Summary) -> str:
    counts = {state: number for state, number in summary.counts.items() if number}
    total, connected = sum(counts.values()), counts.get(State.CONNECTED, 0)
    if not total:
        return f"{APP_NAME}: no accounts yet"
    if connected == total:
        return f"All {total:,} accounts connected" if total > 1 else "Your account is connected"
    said = {
        State.AT_RISK: "at risk",
        State.NEW: "not signed in",
        State.PAUSED: "paused",
        State.CONNECTED: "connected",
    }
    return f"{APP_NAME}: " + ", ".join(
        f"{counts[state]:,} {word}" for state, word in said.items() if state in counts
    )


class Tray(QObject):
    """The icon and its menu. `available` tells whether there is a tray that shows it; trays come and go.

    `fault_asked` carries an app fault's key, `account_asked` and `reconnect_asked` an account's id.
    """

    open_asked = Signal()
    accounts_asked = Signal()
    account_asked = Signal(str)
    reconnect_asked = Signal(str)
    fault_asked = Signal(str)
    check_asked = Signal()
    quit_asked = Signal()
    message_clicked = Signal()
    available_changed = Signal(bool)

    def __init__(
        self, bridge: Bridge, parent: QObject | None = None, *, roster: Roster | None = None
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._roster = roster or Roster(bridge, self)
        self._summary: Summary | None = None
        self._look: Look | None = None
        self._icon: QSystemTrayIcon | None = None
        self._told_available = False
        self._hosted = False
        self._watcher: QDBusServiceWatcher | None = None
        self._menu = QMenu()
        self._menu.setAccessibleName(APP_NAME)
        self._lines: list[QAction] = []
        self._said: list[tuple[str, str] | int] = []
        self._end_of_lines = self._menu.addSeparator()
        self._check = self._menu.addAction("Check now", self.check_asked.emit)
        self._open = self._menu.addAction("Open", self.open_asked.emit)
        self._pause = QAction(self._menu)
        self._pause.triggered.connect(self._on_pause)
        self._menu.addSeparator()
        self._menu.addAction("Quit", self.quit_asked.emit)
        bridge.summary_changed.connect(lambda event: self._on_summary(event.summary))
        bridge.engine_changed.connect(self._on_engine)
        for signal in (self._roster.changed, self._roster.paused_changed, self._roster.state_changed):
            signal.connect(lambda *_: self._show_pause())
        self._on_engine(bridge.engine)
        self._show_pause()

    @property
    def available(self) -> bool:
        """Whether some panel shows the icon right now."""
        return self._icon is not None and QSystemTrayIcon.isSystemTrayAvailable()

    def show(self) -> None:
        """Put the icon into the tray, now or as soon as there is one."""
        if self._icon is not None:
            return
        if sys.platform.startswith("linux") and session_bus():
            self._watch()
        self._put()

    def hide(self) -> None:
        """Take the icon out of the tray for good."""
        if self._icon is not None:
            self._icon.hide()
            self._icon.deleteLater()
            self._icon = None

    def show_message(self, title: str, text: str) -> None:
        """A plain tray message; `message_clicked` when it is clicked, where the desktop tells."""
        if self._icon is not None:
            # With one of Qt's own pictures, panels would show that one in our icon's place for a while.
            self._icon.showMessage(title, text, self._icon.icon())

    def _watch(self) -> None:
        """Learn of tray hosts that start after us, or come back (StatusNotifierItem specification)."""
        from PySide6.QtDBus import QDBusConnection, QDBusServiceWatcher

        # The stubs want the slot as bytes, which the call itself refuses.
        bus: Any = QDBusConnection.sessionBus()
        self._watcher = QDBusServiceWatcher(
            WATCHER, bus, QDBusServiceWatcher.WatchModeFlag.WatchForOwnerChange, self
        )
        self._watcher.serviceOwnerChanged.connect(self._on_host)
        bus.connect(WATCHER, WATCHER_PATH, WATCHER, "StatusNotifierHostRegistered", self, SLOT("_on_host()"))

    @Slot()
    def _on_host(self, *_: object) -> None:
        # An icon made when nobody hosted it stays with the older protocol, which hosts may not speak.
        if self._icon is not None and not self._hosted and QSystemTrayIcon.isSystemTrayAvailable():
            self.hide()
            self._put()
        self._tell_available()

    def _put(self) -> None:
        made = QSystemTrayIcon(self)
        made.setContextMenu(self._menu)
        made.activated.connect(self._on_activated)
        made.messageClicked.connect(self.message_clicked)
        self._icon = made
        self._hosted = QSystemTrayIcon.isSystemTrayAvailable()
        self._look = None
        self._draw()
        made.show()
        self._tell_available()

    def _tell_available(self) -> None:
        if self.available is not self._told_available:
            self._told_available = not self._told_available
            self.available_changed.emit(self._told_available)

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        kind = QSystemTrayIcon.ActivationReason
        if reason in (kind.Trigger, kind.DoubleClick) and sys.platform != "darwin":
            self.open_asked.emit()

    def _on_engine(self, state: EngineState) -> None:
        if state is EngineState.RUNNING:
            self._bridge.ask(GetSummary(), self._on_summary)
        else:
            self._on_summary(None)

    def _on_summary(self, summary: Summary | None) -> None:
        self._summary = summary
        self._draw()

    def _draw(self) -> None:
        self._check.setEnabled(self._summary is not None)
        self._fill_menu()
        if self._icon is None:
            return
        # Every icon sent to the panel crosses the bus in all its sizes, so only a new look is sent.
        if (wanted := look(self._summary)) != self._look:
            self._look = wanted
            self._icon.setIcon(icon(wanted))
        if (text := tooltip(self._summary)) != self._icon.toolTip():
            self._icon.setToolTip(text)

    def _show_pause(self) -> None:
        """Sending can be paused where a sequence is on, and resumed once it was paused."""
        roster = self._roster
        self._pause.setText("Resume sending" if roster.paused else "Pause sending")
        self._pause.setEnabled(not roster.stale)
        wanted, there = roster.paused or bool(roster.on), self._pause in self._menu.actions()
        # Some panels show actions that are not visible.
        if wanted and not there:
            self._menu.insertAction(self._open, self._pause)
        elif there and not wanted:
            self._menu.removeAction(self._pause)

    def _on_pause(self) -> None:
        self._bridge.ask(PauseSending(not self._roster.paused))

    def _fill_menu(self) -> None:
        lines, left = trouble(self._summary)
        said: list[tuple[str, str] | int] = [*(line.said for line in lines), left]
        if self._lines and said == self._said and lines:
            return
        self._said = said
        for action in self._lines:
            self._menu.removeAction(action)
            action.deleteLater()
        self._lines = [self._line_action(line) for line in lines]
        if left > 0:
            self._lines.append(QAction(f"and {left:,} more…", self._menu))
            self._lines[-1].triggered.connect(self.accounts_asked.emit)
        if not self._lines:
            self._lines = [QAction(_literal(tooltip(self._summary)), self._menu)]
            self._lines[0].setEnabled(False)
        self._menu.insertActions(self._end_of_lines, self._lines)

    def _line_action(self, line: Line) -> QAction:
        action = QAction(_literal(line.text), self._menu)
        action.setIcon(icons.state_pixmap(line.account.state if line.account else State.BLOCKED))
        action.triggered.connect(self._opener(line))
        return action

    def _opener(self, line: Line) -> Callable[[], None]:
        def opened() -> None:
            if line.fault is not None:
                self.fault_asked.emit(line.fault.key)
            elif line.account is not None and line.account.offers_reconnect:
                self.reconnect_asked.emit(line.account.id)
            elif line.account is not None:
                self.account_asked.emit(line.account.id)

        return opened
