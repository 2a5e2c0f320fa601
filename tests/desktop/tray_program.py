"""The tray with its alerts and a fake engine, as a program of its own: orders on stdin, what happened on stdout.

Orders, one a line: `lose ID`, `mend ID`, `quit`. Each signal of tray and alerts is told as `name argument`.
"""

import os
import sys
from dataclasses import replace

from PySide6.QtCore import QSocketNotifier
from PySide6.QtWidgets import QApplication

from reply_desktop.domain import events
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.domain.states import State
from reply_desktop.ui import theme
from reply_desktop.ui.alerts import Alerts
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.dbus_alerts import DBusAlerts, session_bus
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.tray import Tray
from tests.fakes.engine import NOW, FakeEngine, row

app = QApplication(["tray-program"])
app.setApplicationDisplayName("Reply Desktop")
app.setQuitOnLastWindowClosed(False)
theme.install(app)
engine = FakeEngine(row(number, f"{name}@acme.example") for number, name in enumerate(("ana", "ben", "cy")))
bridge = Bridge(engine.connect)
bridge.start()
tray = Tray(bridge)
bus = session_bus()
assert bus
dbus = DBusAlerts(bus)
alerts = Alerts(bridge, Preferences(bridge), tray, dbus)


def tell(*words: object) -> None:
    print(*words, flush=True)


for owner, names in (
    (tray, ("open_asked", "accounts_asked", "account_asked", "reconnect_asked", "check_asked", "quit_asked")),
    (tray, ("available_changed",)),
    (alerts, ("account_asked", "reconnect_asked", "reconnect_all_asked", "accounts_asked")),
):
    for name in names:
        getattr(owner, name).connect(lambda *carried, name=name: tell(name, *carried))


def notice(account: str) -> NotificationRow:
    address = engine.rows[account].address
    return NotificationRow(
        f"n-{account}",
        f"e-{account}",
        NotificationKind.ACCOUNT_LOST,
        Severity.CRITICAL,
        f"{address} cannot send",
        f"Access was removed or has expired. Press Reconnect and choose {address} in the browser.",
        NOW,
        account,
        read=False,
        withdrawn=False,
    )


def on_orders() -> None:
    for line in os.read(sys.stdin.fileno(), 4096).decode().splitlines():
        obey(*line.partition(" ")[::2])


def obey(order: str, account: str) -> None:
    if order == "lose":
        engine.change(account, state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
        engine.push(events.NotificationRaised(notice(account)))
    elif order == "mend":
        engine.change(account, state=State.CONNECTED, cause=None)
        engine.push(events.NotificationWithdrawn(f"n-{account}", f"e-{account}"))
        recovery = replace(
            notice(account),
            id=f"m-{account}",
            kind=NotificationKind.ACCOUNT_RECOVERED,
            severity=Severity.INFO,
            title=f"{engine.rows[account].address} works again",
            text="Proven just now.",
        )
        engine.push(events.NotificationRaised(recovery))
    else:
        dbus.stop()
        tray.hide()
        bridge.close()
        app.quit()


notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
notifier.activated.connect(on_orders)
tray.show()


def on_engine(state: EngineState) -> None:
    if state is EngineState.RUNNING:
        tell("ready", tray.available)


bridge.engine_changed.connect(on_engine)
on_engine(bridge.engine)
sys.exit(app.exec())
