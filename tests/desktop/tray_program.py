"""The tray with its alerts and a fake engine, as a program of its own: orders on stdin, what happened on stdout.

    tray_program.py [dbus | native | plain] [NUMBER OF ACCOUNTS]

Orders, one a line: `lose ID`, `mend ID`, `risk ID`, `remind ID`, `rename {"account": …, "address": …, "text": …}`,
`quit`. Each signal of tray and alerts is told as `name argument`.
"""

import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QSocketNotifier
from PySide6.QtWidgets import QApplication

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.domain.states import State
from reply_desktop.ui import theme
from reply_desktop.ui.alert_surface import AlertSurface
from reply_desktop.ui.alerts import Alerts
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.dbus_alerts import DBusAlerts, session_bus
from reply_desktop.ui.native_alerts import NativeAlerts
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.tray import Tray
from tests.fakes.engine import NOW, FakeEngine, row

app = QApplication(["tray-program"])
app.setApplicationDisplayName("Reply Desktop")
app.setQuitOnLastWindowClosed(False)
theme.install(app)
way, number = [*sys.argv[1:], *("dbus", "3")[len(sys.argv) - 1 :]]
names = [*("ana", "ben", "cy"), *(f"u{extra}" for extra in range(3, int(number)))]
engine = FakeEngine(row(place, f"{name}@acme.example") for place, name in enumerate(names))
bridge = Bridge(engine.connect)
bridge.start()
tray = Tray(bridge)
folder = tempfile.TemporaryDirectory()
bus = session_bus()
assert bus
surface: AlertSurface | None = None
if way != "plain":
    surface = NativeAlerts() if way == "native" else DBusAlerts(bus, Path(folder.name) / "bubbles.json")
alerts = Alerts(bridge, Preferences(bridge), tray, surface)
texts: dict[str, str] = {}
held = b""


def tell(*words: object) -> None:
    print(*words, flush=True)


owners: tuple[tuple[QObject, tuple[str, ...]], ...] = (
    (tray, ("open_asked", "accounts_asked", "account_asked", "reconnect_asked", "check_asked", "quit_asked")),
    (tray, ("available_changed",)),
    (alerts, ("account_asked", "reconnect_asked", "reconnect_all_asked", "accounts_asked")),
)
for owner, signals in owners:
    for name in signals:
        getattr(owner, name).connect(lambda *carried, name=name: tell(name, *carried))


def notice(account: str) -> NotificationRow:
    address = engine.rows[account].address
    return NotificationRow(
        f"n-{account}",
        f"e-{account}",
        NotificationKind.ACCOUNT_LOST,
        Severity.CRITICAL,
        f"{address} cannot send",
        texts.get(
            account,
            f"Access was removed or has expired. Press Reconnect and choose {address} in the browser.",
        ),
        NOW,
        account,
        read=False,
        withdrawn=False,
    )


def on_orders() -> None:
    global held
    *lines, held = (held + os.read(sys.stdin.fileno(), 65536)).split(b"\n")
    for line in lines:
        obey(*line.decode().partition(" ")[::2])


def obey(order: str, account: str) -> None:
    if order == "lose":
        engine.change(account, state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
        engine.alert(notice(account))
    elif order == "remind":
        engine.alert(replace(notice(account), reminded=1))
    elif order == "risk":
        engine.change(account, state=State.AT_RISK, cause=Cause.UNREACHABLE)
    elif order == "rename":
        wanted = json.loads(account)
        texts[wanted["account"]] = wanted["text"]
        engine.change(wanted["account"], address=wanted["address"])
    elif order == "mend":
        engine.change(account, state=State.CONNECTED, cause=None)
        engine.withdraw(notice(account))
        recovery = replace(
            notice(account),
            id=f"m-{account}",
            kind=NotificationKind.ACCOUNT_RECOVERED,
            severity=Severity.INFO,
            title=f"{engine.rows[account].address} works again",
            text="Proven just now.",
        )
        engine.alert(recovery)
    else:
        if surface is not None:
            surface.stop()
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
