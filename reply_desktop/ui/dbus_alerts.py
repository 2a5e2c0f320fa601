"""Alerts with buttons through the Linux desktop's notification service, on one thread of their own."""

import contextlib
import html
import logging
import os
import queue
import selectors
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from reply_desktop.config import APP_ID, APP_NAME
from reply_desktop.domain.notification import plain
from reply_desktop.ui.alert_surface import DEFAULT, TEXT_LENGTH, Alert
from reply_desktop.ui.bubble_file import Bubbles, keep, kept

log = logging.getLogger(__name__)

NAME: Final = "org.freedesktop.Notifications"
PATH: Final = "/org/freedesktop/Notifications"
REPLY_S: Final = 10.0
"""How long the service may take to answer, in seconds: the bus may have to start it first."""
END_S: Final = 3.0
"""How long the end waits for the service to take all away, in seconds: the next start does the rest."""
MOST_LEFT: Final = 100
"""Most alerts remembered that the service was told to take away and has not answered."""


def session_bus(environment: Mapping[str, str] = os.environ) -> str | None:
    """Address of the person's message bus, or None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    if address := environment.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        place = Path(runtime) / "bus"
        return f"unix:path={place}" if place.exists() else None
    return None


class DBusAlerts(QObject):
    """The `AlertSurface` of desktops that follow the Desktop Notifications Specification.

    The service goes on showing what a window showed that was killed, with buttons that do nothing. `file`
    tells of them, and they are taken away at once. `reply_s`: how long the service may take to answer,
    `end_s`: how long the end waits for it to take all away, in seconds.
    """

    activated = Signal(str, str, str)
    closed = Signal(object)
    refused = Signal(object)

    def __init__(
        self,
        bus: str,
        file: Path,
        parent: QObject | None = None,
        *,
        reply_s: float = REPLY_S,
        end_s: float = END_S,
    ) -> None:
        super().__init__(parent)
        self.reply_s, self.end_s = reply_s, end_s
        self._bus, self._file = bus, file
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._wake, self._woken = socket.socketpair()
        self._thread: threading.Thread | None = None
        self._stopped = False
        if file.exists():
            self._order(_ClearUp())

    def show(self, alert: Alert) -> None:
        """Show an alert, or change the one with its key. Returns at once."""
        self._order(_Show(alert, None if alert.picture is None else _pixels(alert.picture)))

    def withdraw(self, key: str) -> None:
        """Take an alert away; silent when it is gone already. Returns at once."""
        if self._thread is not None:
            self._order(_Withdraw(key))

    def stop(self) -> None:
        """Take every alert away, since its buttons would do nothing any more, and end the thread."""
        if self._stopped:
            return
        if self._thread is not None:
            self._order(None)
            self._thread.join(self.end_s)
        else:
            self._woken.close()
        self._stopped = True
        self._wake.close()

    def _order(self, order: "_Order") -> None:
        if self._stopped:
            return
        if self._thread is None:
            desk = _Desk(self, self._bus, self._file, self._orders, self._woken)
            self._thread = threading.Thread(target=desk.run, name="alerts", daemon=True)
            self._thread.start()
        self._orders.put(order)
        # Told to end, the thread may have ended before it is woken.
        with contextlib.suppress(BrokenPipeError):
            self._wake.send(b".")


@dataclass(frozen=True, slots=True)
class _Show:
    alert: Alert
    picture: tuple[int, int, int, bool, int, int, bytes] | None


@dataclass(frozen=True, slots=True)
class _Withdraw:
    key: str


@dataclass(frozen=True, slots=True)
class _ClearUp:
    """Take away what a window before this one left."""


_Order = _Show | _Withdraw | _ClearUp | None
"""None: take everything away and end."""


class _NotServedError(Exception):
    """The service is not there or answered with an error."""


@dataclass(slots=True)
class _Desk:
    """The thread's side: one bus connection, made anew when it is lost, and what the service shows.

    `bus_id`: the bus's own. `shown`: the service's number and the alert, by the alert's key. `heard`: what
    came from the bus and was not looked at. By the serial of our call that was not answered yet, `leaving`:
    service and number of what it is to take away; `given_up`: alerts that count as not shown.
    """

    front: DBusAlerts
    bus: str
    file: Path
    orders: "queue.SimpleQueue[_Order]"
    woken: socket.socket
    connection: Any = None
    bus_id: str = ""
    owner: str = ""
    capabilities: frozenset[str] = frozenset()
    shown: dict[str, tuple[int, Alert]] = field(default_factory=dict)
    leaving: dict[int, tuple[str, int]] = field(default_factory=dict)
    given_up: set[int] = field(default_factory=set)
    heard: deque[Any] = field(default_factory=deque)
    token: tuple[int, str] = (0, "")

    def run(self) -> None:
        """Serve orders and the service's signals until told to stop."""
        going_on = True
        while going_on:
            self.wait()
            self.take_in()
            while going_on and not self.orders.empty():
                going_on = self.obey(self.orders.get())
                # What came with the last answer lies in jeepney's buffer, where no selector sees it.
                self.take_in()
        self.woken.close()
        if self.connection is not None:
            self.connection.close()

    def wait(self) -> None:
        """Until there is an order or a message from the bus."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.woken, selectors.EVENT_READ)
            if self.connection is not None:
                selector.register(self.connection.sock, selectors.EVENT_READ)
            for key, _ in selector.select():
                if key.fileobj is self.woken:
                    self.woken.recv(4096)

    def take_in(self) -> None:
        """Look at what the bus has sent meanwhile."""
        while self.connection is not None:
            try:
                self.heard.append(self.connection.receive(timeout=0))
            except TimeoutError:
                break
            except (OSError, ValueError):
                log.info("The session bus hung up.")
                self.drop_connection()
        self.hear_all()

    def obey(self, order: _Order) -> bool:
        """Carry out one order; False when it was the last. Whatever fails, the thread lives on."""
        try:
            match order:
                case _Show():
                    self.show(order)
                case _Withdraw(key):
                    self.withdraw(key)
                case _ClearUp():
                    self.connect()
                case None:
                    self.end()
        except Exception as trouble:
            log.info("The notification service did not do its part: %r", trouble)
            if isinstance(order, _Show):
                self.front.refused.emit(order.alert)
        return order is not None

    def show(self, order: _Show) -> None:
        """Send the alert; one more try on a new connection when the old one turns out dead."""
        try:
            self.notify(order)
        except ConnectionError:
            self.drop_connection()
            self.notify(order)

    def notify(self, order: _Show) -> None:
        alert = order.alert
        if not self.owner:
            self.meet()
        title, text = alert.safe_title, alert.safe_text
        if "body" not in self.capabilities:
            title, text = plain(f"{title}. {text}", TEXT_LENGTH), ""
        if "body-markup" in self.capabilities:
            text = html.escape(text, quote=False)
        # Nameless and last, or xfce4-notifyd makes one more button of it.
        actions = [*alert.actions, (DEFAULT, "")] if "actions" in self.capabilities else []
        hints: dict[str, tuple[str, Any]] = {
            "urgency": ("y", 2 if alert.critical else 1),
            "desktop-entry": ("s", APP_ID),
            "category": ("s", "email"),
        }
        if alert.passing:
            hints["transient"] = ("b", True)
        if order.picture is not None:
            hints["image-data"] = ("(iiibiiay)", order.picture)
        serial = self.send(
            "Notify",
            "susssasa{sv}i",
            (
                APP_NAME,
                self.shown.get(alert.key, (0,))[0],
                "",
                title,
                text,
                [word for action in actions for word in action],
                hints,
                0 if alert.critical else -1,
            ),
        )
        try:
            (number,) = self.answer(serial)
        except TimeoutError:
            self.given_up.add(serial)
            raise
        self.shown[alert.key] = (number, alert)
        self.keep()

    def withdraw(self, key: str) -> None:
        if key in self.shown and self.connection is not None:
            number, _ = self.shown.pop(key)
            self.close(number, self.owner)

    def close(self, number: int, service: str) -> None:
        """Have the service take one away, without waiting: it is remembered until the service answers."""
        self.leaving[self.send("CloseNotification", "u", (number,), service)] = (service, number)
        if len(self.leaving) > MOST_LEFT:
            del self.leaving[min(self.leaving)]

    def end(self) -> None:
        """Take all away, and wait a little for the service's word."""
        for key in list(self.shown):
            self.withdraw(key)
        until = time.monotonic() + self.front.end_s
        while self.leaving:
            self.heard.append(self.connection.receive(timeout=max(0.0, until - time.monotonic())))
            self.hear_all()

    def keep(self) -> None:
        """Have the window after this one know what is shown, should this one be killed."""
        leaving = list(self.leaving.values())
        service = self.owner or next((service for service, _ in leaving), "")
        numbers = [number for left, number in leaving if left == service]
        numbers += [number for number, _ in self.shown.values()]
        keep(self.file, Bubbles(self.bus_id, service, tuple(numbers)))

    def meet(self) -> None:
        """Ask the service what it can do; this starts it where the bus knows how."""
        self.connect()
        (capabilities,) = self.call("GetCapabilities")
        self.capabilities = frozenset(capabilities)

    def connect(self) -> None:
        """Join the bus, if that is to be done, and take away what was left there."""
        from jeepney.io.blocking import open_dbus_connection

        if self.connection is not None:
            return
        self.connection = open_dbus_connection(self.bus, auth_timeout=REPLY_S)
        try:
            self.listen()
            self.clear_up()
        except Exception:
            self.drop_connection()
            raise

    def listen(self) -> None:
        """Have the bus hand on what the service tells, and tell when it goes."""
        from jeepney import MatchRule, message_bus
        from jeepney.io.blocking import Proxy

        bus = Proxy(message_bus, self.connection, timeout=self.front.reply_s)
        bus.AddMatch(MatchRule(type="signal", sender=NAME, interface=NAME, path=PATH))
        gone = MatchRule(
            type="signal",
            sender="org.freedesktop.DBus",
            interface="org.freedesktop.DBus",
            member="NameOwnerChanged",
        )
        gone.add_arg_condition(0, NAME)
        bus.AddMatch(gone)
        (self.bus_id,) = bus.GetId()

    def clear_up(self) -> None:
        """Take away what a window that was killed left, or a connection that was lost."""
        left = kept(self.file)
        if left.bus == self.bus_id:
            for number in left.numbers:
                self.close(number, left.service)
        self.keep()

    def call(self, method: str) -> tuple[Any, ...]:
        """Ask the service and wait for its answer; raises as `answer`."""
        return self.answer(self.send(method))

    def send(
        self, method: str, signature: str | None = None, body: tuple[Any, ...] = (), service: str = NAME
    ) -> int:
        """Call the service, without waiting; gives the serial of the call."""
        from jeepney import DBusAddress, new_method_call

        serial: int = next(self.connection.outgoing_serial)
        call = new_method_call(DBusAddress(PATH, service, NAME), method, signature, body)
        self.connection.send(call, serial=serial)
        return serial

    def answer(self, serial: int) -> tuple[Any, ...]:
        """The service's answer to that call. Raises _NotServedError for an error, and TimeoutError."""
        from jeepney import HeaderFields, MessageType

        until = time.monotonic() + self.front.reply_s
        while True:
            reply = self.connection.receive(timeout=max(0.0, until - time.monotonic()))
            fields = reply.header.fields
            if fields.get(HeaderFields.reply_serial) == serial:
                break
            self.heard.append(reply)
        # What was said before the answer is not about what the answer tells of.
        self.hear_all()
        if reply.header.message_type is MessageType.error:
            raise _NotServedError(fields.get(HeaderFields.error_name, "error"))
        self.owner = fields.get(HeaderFields.sender, "")
        return tuple(reply.body)

    def hear_all(self) -> None:
        """Take in what has come from the bus. What is not as the specification has it is passed over."""
        while self.heard:
            try:
                self.hear(self.heard.popleft())
            except Exception as odd:
                log.info("The notification service said something that is not understood: %r", odd)

    def hear(self, message: Any) -> None:
        """One message from the bus: only the service's own word counts."""
        from jeepney import HeaderFields, MessageType

        fields = message.header.fields
        if message.header.message_type is not MessageType.signal:
            self.hear_late(message, fields.get(HeaderFields.reply_serial, 0))
            return
        sender, member = fields.get(HeaderFields.sender), fields.get(HeaderFields.member)
        if sender == "org.freedesktop.DBus":
            if member == "NameOwnerChanged" and message.body[0] == NAME and message.body[1]:
                self.forget()
            return
        if sender != self.owner or fields.get(HeaderFields.interface) != NAME:
            return
        number = message.body[0]
        if member == "ActivationToken":
            self.token = (number, message.body[1])
            return
        alert = next((alert for known, alert in self.shown.values() if known == number), None)
        if alert is None:
            return
        if member == "ActionInvoked":
            token = self.token[1] if self.token[0] == number else ""
            self.front.activated.emit(alert.key, message.body[1], token)
        elif member == "NotificationClosed":
            del self.shown[alert.key]
            self.keep()
            self.front.closed.emit(alert)

    def hear_late(self, reply: Any, serial: int) -> None:
        """An answer nobody waits for. An error means that it is gone already, or the whole service."""
        from jeepney import HeaderFields, MessageType

        if self.leaving.pop(serial, None) is not None:
            self.keep()
        elif serial in self.given_up:
            self.given_up.remove(serial)
            if reply.header.message_type is MessageType.method_return:
                number = reply.body[0]
                if all(known != number for known, _ in self.shown.values()):
                    self.close(number, reply.header.fields[HeaderFields.sender])
                    self.keep()

    def forget(self) -> None:
        """The service ended: its numbers mean nothing to the next one, which may give them to other apps."""
        self.owner, gone = "", list(self.shown.values())
        self.shown.clear()
        for _, alert in gone:
            self.front.closed.emit(alert)

    def drop_connection(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        self.leaving.clear()
        self.given_up.clear()
        self.forget()


def _pixels(image: QImage) -> tuple[int, int, int, bool, int, int, bytes]:
    """A picture as the `image-data` hint wants it: width, height, stride, alpha, depth, channels, bytes."""
    rgba = image.convertToFormat(QImage.Format.Format_RGBA8888)
    return rgba.width(), rgba.height(), rgba.bytesPerLine(), True, 8, 4, bytes(rgba.constBits())
