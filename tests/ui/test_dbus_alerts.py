"""Alerts over a bus of the test's own, with a service that answers well, badly, late or not at all."""

import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jeepney import HeaderFields, Message, MessageType, message_bus, new_error, new_method_return, new_signal
from jeepney.io.blocking import Proxy, open_dbus_connection
from jeepney.wrappers import DBusAddress
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from reply_desktop.ui.alert_surface import DEFAULT, Alert
from reply_desktop.ui.bubble_file import keep, kept
from reply_desktop.ui.dbus_alerts import MOST_LEFT, NAME, PATH, DBusAlerts, session_bus
from tests.harness.private_keyring import BUS

ALERT = Alert(
    "k1", "ana cannot send", "Press <b>Reconnect</b> & go", critical=True, actions=(("r", "Reconnect"),)
)


class Service:
    """Stands for the notification daemon on the bus. `refuse` makes it answer Notify with an error.

    `hangs_at`: a call that is taken, and answered only by `catch_up`.
    """

    def __init__(self, bus: str, capabilities: tuple[str, ...] = ("body", "body-markup", "actions")) -> None:
        self.notified: list[tuple[Any, ...]] = []
        self.closed: list[int] = []
        self.refuse = False
        self.hangs_at = ""
        self.on_notify: Callable[[], None] = lambda: None
        self._capabilities = list(capabilities)
        self._number = 0
        self._unsaid: list[Message] = []
        self._answering = threading.Lock()
        self._connection = open_dbus_connection(bus)
        assert Proxy(message_bus, self._connection).RequestName(NAME) == (1,)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                call = self._connection.receive()
            except OSError:
                return
            if call.header.message_type is not MessageType.method_call:
                continue
            member = call.header.fields[HeaderFields.member]
            match member:
                case "GetCapabilities":
                    reply = new_method_return(call, "as", (self._capabilities,))
                case "Notify" if self.refuse:
                    reply = new_error(
                        call, "org.freedesktop.Notifications.Error.ExcessNotificationGeneration"
                    )
                case "Notify":
                    self.on_notify()
                    self._number += 1
                    self.notified.append(call.body)
                    reply = new_method_return(call, "u", (call.body[1] or self._number,))
                case "CloseNotification":
                    self.closed.append(call.body[0])
                    reply = new_method_return(call)
                case "Stop":
                    self._connection.send(new_method_return(call))
                    return
            with self._answering:
                if member == self.hangs_at:
                    self._unsaid.append(reply)
                else:
                    self._connection.send(reply)

    def catch_up(self) -> None:
        """Answer at last, and hang no more."""
        with self._answering:
            self.hangs_at = ""
            for reply in self._unsaid:
                self._connection.send(reply)
            self._unsaid.clear()

    def signal(self, member: str, signature: str, body: tuple[Any, ...]) -> None:
        """What the service tells of an alert."""
        self._connection.send(new_signal(DBusAddress(PATH, interface=NAME), member, signature, body))

    def stop(self, bus: str) -> None:
        """The service leaves the bus."""
        asker = open_dbus_connection(bus)
        from jeepney import new_method_call

        asker.send_and_get_reply(new_method_call(DBusAddress(PATH, NAME, NAME), "Stop"), timeout=5)
        asker.close()
        self._thread.join(5)
        self._connection.close()


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    """A bus that starts no service by itself: the desktop's own daemon must not answer here."""
    with tempfile.TemporaryDirectory(prefix="bus-") as folder:
        config = tmp_path / "bus.conf"
        config.write_text(BUS.format(folder=folder))
        daemon = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert daemon.stdout
        yield daemon.stdout.readline().decode().strip()
        daemon.kill()
        daemon.wait()
        daemon.stdout.close()


@pytest.fixture
def serve(bus: str) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def start(**kinds: Any) -> Service:
        started.append(Service(bus, **kinds))
        return started[-1]

    yield start
    for each in started:
        if each._thread.is_alive():
            each.stop(bus)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where it is kept what is shown."""
    return tmp_path / "bubbles.json"


@pytest.fixture
def alerts(bus: str, file: Path, qtbot: QtBot) -> Iterator[DBusAlerts]:
    made = DBusAlerts(bus, file)
    yield made
    made.stop()


def shown(qtbot: QtBot, alerts: DBusAlerts, serve: Callable[..., Service]) -> Service:
    """A service that shows ALERT."""
    service = serve()
    alerts.show(ALERT)
    qtbot.waitUntil(lambda: bool(service.notified))
    return service


def test_everything_the_service_needs_is_sent(
    qtbot: QtBot, alerts: DBusAlerts, serve: Callable[..., Service]
) -> None:
    service = serve()
    picture = QImage(2, 1, QImage.Format.Format_RGB32)
    picture.fill(QColor(1, 2, 3))
    alerts.show(Alert("k", "T", "B <&>", critical=True, actions=(("r", "Reconnect"),), picture=picture))
    qtbot.waitUntil(lambda: bool(service.notified))
    app, replaces, icon, title, text, actions, hints, expire_ms = service.notified[0]
    assert (app, replaces, icon, title, text) == ("Reply Desktop", 0, "", "T", "B &lt;&amp;&gt;")
    assert actions == ["r", "Reconnect", DEFAULT, ""]
    assert expire_ms == 0
    assert hints["urgency"] == ("y", 2)
    assert hints["desktop-entry"] == ("s", "reply-desktop")
    assert hints["image-data"][1][:2] == (2, 1)
    assert bytes(hints["image-data"][1][6][:4]) == b"\x01\x02\x03\xff"
    assert "transient" not in hints


def test_good_news_passes(qtbot: QtBot, alerts: DBusAlerts, serve: Callable[..., Service]) -> None:
    service = serve()
    alerts.show(Alert("k", "T", "B", passing=True))
    qtbot.waitUntil(lambda: bool(service.notified))
    *_, hints, expire_ms = service.notified[0]
    assert (hints["urgency"], hints["transient"], expire_ms) == (("y", 1), ("b", True), -1)


def test_a_service_that_shows_text_as_it_is_gets_it_as_it_is(
    qtbot: QtBot, alerts: DBusAlerts, serve: Callable[..., Service]
) -> None:
    service = serve(capabilities=("body",))
    alerts.show(ALERT)
    qtbot.waitUntil(lambda: bool(service.notified))
    assert service.notified[0][4] == "Press <b>Reconnect</b> & go"
    assert service.notified[0][5] == []


def test_a_service_without_bodies_gets_one_line(
    qtbot: QtBot, alerts: DBusAlerts, serve: Callable[..., Service]
) -> None:
    service = serve(capabilities=())
    alerts.show(ALERT)
    qtbot.waitUntil(lambda: bool(service.notified))
    assert service.notified[0][3:5] == ("ana cannot send. Press <b>Reconnect</b> & go", "")


def test_without_a_service_it_is_refused_and_tried_anew_later(
    qtbot: QtBot, alerts: DBusAlerts, serve: Callable[..., Service]
) -> None:
    with qtbot.waitSignal(alerts.refused) as refused:
        alerts.show(ALERT)
    assert refused.args == [ALERT]
    shown(qtbot, alerts, serve)


def test_an_error_reply_is_a_refusal(qtbot: QtBot, alerts: DBusAlerts, serve: Callable[..., Service]) -> None:
    service = serve()
    service.refuse = True
    with qtbot.waitSignal(alerts.refused) as refused:
        alerts.show(ALERT)
    assert refused.args == [ALERT]
    alerts.withdraw("k1")
    service.refuse = False
    alerts.show(ALERT)
    qtbot.waitUntil(lambda: bool(service.notified))
    assert service.closed == []


def test_without_a_bus_it_is_refused(qtbot: QtBot, file: Path) -> None:
    alerts = DBusAlerts(f"unix:path={file.parent}/nobody", file)
    with qtbot.waitSignal(alerts.refused):
        alerts.show(ALERT)
    alerts.stop()


def test_pressed_and_dismissed_come_back_with_the_token(
    qtbot: QtBot, alerts: DBusAlerts, serve: Callable[..., Service]
) -> None:
    service = shown(qtbot, alerts, serve)
    with qtbot.waitSignal(alerts.activated) as pressed:
        service.signal("ActivationToken", "us", (1, "token-7"))
        service.signal("ActionInvoked", "us", (99, "r"))
        service.signal("ActionInvoked", "us", (1, "r"))
    assert pressed.args == ["k1", "r", "token-7"]
    with qtbot.waitSignal(alerts.closed) as closed:
        service.signal("NotificationClosed", "uu", (1, 2))
    assert closed.args == [ALERT]


def test_only_the_services_own_word_counts(
    qtbot: QtBot, alerts: DBusAlerts, serve: Callable[..., Service], bus: str
) -> None:
    service = shown(qtbot, alerts, serve)
    heard: list[str] = []
    alerts.activated.connect(lambda key, action, token: heard.append(action))
    liar = open_dbus_connection(bus)
    names = Proxy(message_bus, liar).ListNames()[0]
    for name in names:
        lie = new_signal(DBusAddress(PATH, interface=NAME), "ActionInvoked", "us", (1, "evil"))
        lie.header.fields[HeaderFields.destination] = name
        liar.send(lie)
    Proxy(message_bus, liar).GetId()
    with qtbot.waitSignal(alerts.activated):
        service.signal("ActionInvoked", "us", (1, "r"))
    assert heard == ["r"]
    liar.close()


def test_a_service_that_says_half_of_it_is_heard_on(
    qtbot: QtBot, alerts: DBusAlerts, serve: Callable[..., Service]
) -> None:
    service = shown(qtbot, alerts, serve)
    with qtbot.waitSignal(alerts.activated) as pressed:
        service.signal("ActionInvoked", "u", (1,))
        service.signal("ActionInvoked", "us", (1, "r"))
    assert pressed.args == ["k1", "r", ""]


def test_a_service_that_left_takes_its_numbers_along(
    qtbot: QtBot, alerts: DBusAlerts, serve: Callable[..., Service], bus: str
) -> None:
    first = serve()
    alerts.show(ALERT)
    qtbot.waitUntil(lambda: bool(first.notified))
    with qtbot.waitSignal(alerts.closed) as closed:
        first.stop(bus)
    assert closed.args == [ALERT]
    second = serve()
    alerts.withdraw("k1")
    alerts.show(ALERT)
    qtbot.waitUntil(lambda: bool(second.notified))
    assert second.notified[0][1] == 0
    assert second.closed == []


def test_stopping_takes_everything_away_and_ends_the_thread(
    qtbot: QtBot, bus: str, file: Path, serve: Callable[..., Service]
) -> None:
    service, alerts = serve(), DBusAlerts(bus, file)
    alerts.show(ALERT)
    alerts.show(Alert("k2", "T", ""))
    alerts.stop()
    alerts.stop()
    assert service.closed == [1, 2]
    assert not any(thread.name == "alerts" for thread in threading.enumerate())
    alerts.show(ALERT)
    alerts.withdraw("k1")
    assert len(service.notified) == 2
    assert not file.exists()


def test_one_put_away_as_it_is_changed_is_the_old_one(
    qtbot: QtBot, alerts: DBusAlerts, serve: Callable[..., Service]
) -> None:
    service = shown(qtbot, alerts, serve)
    service.on_notify = lambda: service.signal("NotificationClosed", "uu", (1, 2))
    changed = replace(ALERT, title="2 accounts need you")
    with qtbot.waitSignal(alerts.closed) as closed:
        alerts.show(changed)
    assert closed.args[0] is ALERT
    with qtbot.waitSignal(alerts.activated):
        service.signal("ActionInvoked", "us", (1, "r"))
    alerts.withdraw(ALERT.key)
    qtbot.waitUntil(lambda: service.closed == [1])


def wait_until_kept(qtbot: QtBot, file: Path, *numbers: int) -> None:
    qtbot.waitUntil(lambda: kept(file).numbers == numbers)


def test_what_a_killed_window_left_is_taken_away(
    qtbot: QtBot, bus: str, file: Path, alerts: DBusAlerts, serve: Callable[..., Service]
) -> None:
    service = serve()
    alerts.show(ALERT)
    alerts.show(Alert("k2", "T", ""))
    wait_until_kept(qtbot, file, 1, 2)
    next_one = DBusAlerts(bus, file)
    qtbot.waitUntil(lambda: service.closed == [1, 2])
    next_one.show(ALERT)
    wait_until_kept(qtbot, file, 3)
    next_one.stop()
    assert service.closed == [1, 2, 3]


def test_what_is_gone_is_not_kept(
    qtbot: QtBot, file: Path, alerts: DBusAlerts, serve: Callable[..., Service]
) -> None:
    service = serve()
    for key in ("k1", "k2", "k3"):
        alerts.show(replace(ALERT, key=key))
    wait_until_kept(qtbot, file, 1, 2, 3)
    alerts.withdraw("k1")
    wait_until_kept(qtbot, file, 2, 3)
    service.signal("NotificationClosed", "uu", (3, 2))
    wait_until_kept(qtbot, file, 2)


def test_what_is_left_is_known_until_the_service_has_taken_it_away(
    qtbot: QtBot, bus: str, file: Path, alerts: DBusAlerts, serve: Callable[..., Service]
) -> None:
    service = shown(qtbot, alerts, serve)
    wait_until_kept(qtbot, file, 1)
    service.hangs_at = "CloseNotification"
    killed = DBusAlerts(bus, file, end_s=0.0)
    qtbot.waitUntil(lambda: service.closed == [1])
    assert kept(file).numbers == (1,)
    killed.stop()
    assert killed._thread is not None
    killed._thread.join()
    service.catch_up()
    next_one = DBusAlerts(bus, file)
    qtbot.waitUntil(lambda: service.closed == [1, 1])
    qtbot.waitUntil(lambda: not file.exists())
    next_one.stop()


def test_a_service_that_takes_nothing_away_holds_up_no_alert(
    qtbot: QtBot, bus: str, file: Path, alerts: DBusAlerts, serve: Callable[..., Service]
) -> None:
    service = serve()
    alerts.show(ALERT)
    alerts.show(replace(ALERT, key="k2"))
    wait_until_kept(qtbot, file, 1, 2)
    service.hangs_at = "CloseNotification"
    next_one = DBusAlerts(bus, file, reply_s=3600.0)
    for number in (3, 4):
        next_one.show(replace(ALERT, title=f"alert {number}"))
        next_one.withdraw(ALERT.key)
    qtbot.waitUntil(lambda: len(service.notified) == 4)
    wait_until_kept(qtbot, file, 1, 2, 3, 4)
    service.catch_up()
    qtbot.waitUntil(lambda: not file.exists())
    assert service.closed == [1, 2, 3, 4]
    next_one.stop()


def test_the_end_does_not_wait_for_a_service_that_hangs(
    qtbot: QtBot, bus: str, file: Path, serve: Callable[..., Service]
) -> None:
    service, alerts = serve(), DBusAlerts(bus, file, reply_s=3600.0, end_s=0.0)
    alerts.show(ALERT)
    alerts.show(replace(ALERT, key="k2"))
    wait_until_kept(qtbot, file, 1, 2)
    service.hangs_at = "CloseNotification"
    alerts.stop()
    assert alerts._thread is not None
    alerts._thread.join()
    qtbot.waitUntil(lambda: service.closed == [1, 2])
    assert kept(file).numbers == (1, 2), "for the next start"


def test_a_service_that_never_answers_fills_no_file(
    qtbot: QtBot, file: Path, alerts: DBusAlerts, serve: Callable[..., Service]
) -> None:
    service = serve()
    service.hangs_at = "CloseNotification"
    for number in range(MOST_LEFT + 20):
        alerts.show(replace(ALERT, key=str(number)))
        alerts.withdraw(str(number))
    alerts.show(replace(ALERT, key="last"))
    qtbot.waitUntil(lambda: len(service.notified) == MOST_LEFT + 21)
    wait_until_kept(qtbot, file, *range(21, MOST_LEFT + 22))
    service.catch_up()
    wait_until_kept(qtbot, file, MOST_LEFT + 21)


def test_one_shown_after_it_was_given_up_is_taken_away(
    qtbot: QtBot, alerts: DBusAlerts, serve: Callable[..., Service]
) -> None:
    service = shown(qtbot, alerts, serve)
    service.hangs_at, alerts.reply_s = "Notify", 0.0
    for late in (replace(ALERT, title="changed"), replace(ALERT, key="k2")):
        with qtbot.waitSignal(alerts.refused):
            alerts.show(late)
    alerts.reply_s = 3600.0
    service.catch_up()
    qtbot.waitUntil(lambda: service.closed == [3])
    with qtbot.waitSignal(alerts.activated):
        service.signal("ActionInvoked", "us", (1, "r"))


@pytest.mark.parametrize("other", ["bus", "service"])
def test_what_another_service_shows_is_left_alone(
    qtbot: QtBot, bus: str, file: Path, alerts: DBusAlerts, serve: Callable[..., Service], other: str
) -> None:
    service = serve()
    alerts.show(ALERT)
    wait_until_kept(qtbot, file, 1)
    left = kept(file)
    alerts.stop()
    if other == "service":
        service.stop(bus)
        service = serve()
    service.closed.clear()
    service.notified.clear()
    keep(file, replace(left, bus="another") if other == "bus" else left)
    next_one = DBusAlerts(bus, file)
    next_one.show(ALERT)
    qtbot.waitUntil(lambda: bool(service.notified))
    assert service.closed == []
    next_one.stop()


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"}, "unix:path=/x"),
        ({"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": "{tmp}"}, "unix:path={tmp}/bus"),
        ({"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": "/nonexistent"}, None),
        ({}, None),
    ],
)
def test_where_the_bus_is(environment: dict[str, str], address: str | None, tmp_path: Path) -> None:
    (tmp_path / "bus").touch()
    given = {name: value.replace("{tmp}", str(tmp_path)) for name, value in environment.items()}
    wanted = address and address.replace("{tmp}", str(tmp_path))
    assert session_bus(given) == wanted
