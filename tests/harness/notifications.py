"""Sees what is said to and by the desktop's notification daemon, as a person would see the bubbles."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeVar

from jeepney import DBusAddress, HeaderFields, Message, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection

from tests.harness.accessibility import Accessibility, Node
from tests.harness.bus import Bus, BusError
from tests.harness.waiting import WAIT_S, wait_until

T = TypeVar("T")
SERVICE = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"


class Closed(IntEnum):
    """Why a notification went away (Desktop Notifications Specification, NotificationClosed)."""

    EXPIRED = 1
    DISMISSED = 2
    WITHDRAWN = 3
    UNDEFINED = 4


@dataclass
class Shown:
    """One Notify call and what became of it."""

    app: str
    replaces: int
    icon: str
    summary: str
    body: str
    actions: dict[str, str]
    """Key of the action → what its button says."""
    hints: dict[str, Any]
    expire_ms: int
    id: int = 0
    """The daemon's number; 0 until it has answered."""
    pressed: list[str] = field(default_factory=list)
    """Keys of the actions that were invoked."""
    closed: Closed | None = None
    close_requested: bool = False


class Notifications:
    """Records from the moment it is made; `close` ends it and takes away what is still shown."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._shown: list[Shown] = []
        self._asked: dict[tuple[str, int], Shown] = {}
        self._monitor = open_dbus_connection("SESSION")
        become = new_method_call(
            DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus.Monitoring"),
            "BecomeMonitor",
            "asu",
            ([f"interface='{SERVICE}'", f"type='method_return',sender='{SERVICE}'"], 0),
        )
        reply = self._monitor.send_and_get_reply(become, timeout=10)
        assert reply.header.message_type is MessageType.method_return, reply.body
        self._listener = threading.Thread(target=self._listen, name="notifications", daemon=True)
        self._listener.start()

    @property
    def shown(self) -> list[Shown]:
        """Every notification so far, also those that replaced or closed; oldest first."""
        with self._changed:
            return list(self._shown)

    @property
    def visible(self) -> list[Shown]:
        """Those not closed and not replaced by a later one."""
        latest = {each.id: each for each in self.shown if each.id}
        return [each for each in latest.values() if each.closed is None]

    def wait_for(self, predicate: Callable[[Shown], bool], deadline_s: float = WAIT_S) -> Shown:
        """The first notification, past or to come, that the daemon accepted and the predicate holds for."""
        return self._wait(
            lambda: next((each for each in self._shown if each.id and predicate(each)), None),
            "such notification",
            deadline_s,
        )

    def wait_until_closed(self, shown: Shown, deadline_s: float = WAIT_S) -> Closed:
        """Why it went away, once it has."""
        return self._wait(lambda: shown.closed, f"end of the notification {shown.summary!r}", deadline_s)

    def press(
        self,
        shown: Shown,
        key: str,
        press: Callable[[Node], object] = Node.press,
        deadline_s: float = WAIT_S,
    ) -> None:
        """Presses the button of an action in the bubble itself, as an assistive technology does, or by `press`."""
        label = shown.actions[key]
        accessibility = Accessibility()

        def button() -> Node | None:
            daemon = accessibility.application("xfce4-notifyd")
            for window in daemon.children if daemon else []:
                texts = {each.name for each in window.walk() if each.role == "label"}
                if shown.summary in texts:
                    return window.find(role="push button", name=label)
            return None

        try:
            press(wait_until(button, f"button {label!r} in the bubble {shown.summary!r}", deadline_s))
        finally:
            accessibility.close()
        self._wait(lambda: key in shown.pressed, f"action {key!r}", deadline_s)

    def clear(self) -> None:
        """Takes away the bubbles that are left."""
        bus = Bus()
        try:
            for each in self.visible:
                bus.call(SERVICE, PATH, SERVICE, "CloseNotification", "u", (each.id,))
        finally:
            bus.close()

    def clear_all(self) -> None:
        """Takes away every bubble there is, also those that others left behind: they lie over the window."""
        bus = Bus()
        try:
            asked: tuple[Any, ...] = ("Reply Desktop tests", 0, "", "Clearing", "", [], {}, -1)
            newest = int(bus.call(SERVICE, PATH, SERVICE, "Notify", "susssasa{sv}i", asked))
            for number in range(1, newest + 1):
                # One that is gone already may be refused.
                with suppress(BusError):
                    bus.call(SERVICE, PATH, SERVICE, "CloseNotification", "u", (number,))
        finally:
            bus.close()

    def close(self) -> None:
        """Takes away the bubbles that are left, so that the next test starts with none."""
        self.clear()
        self._monitor.sock.shutdown(socket.SHUT_RDWR)
        self._listener.join(timeout=5)
        self._monitor.close()

    def _wait(self, look: Callable[[], T | None], what: str, deadline_s: float) -> T:
        deadline = time.monotonic() + deadline_s
        with self._changed:
            while not (seen := look()):
                if not self._changed.wait(deadline - time.monotonic()):
                    said = "; ".join(f"{each.summary!r}: {each.body!r}" for each in self._shown)
                    raise AssertionError(f"within {deadline_s:.0f} s there was no {what}; shown: {said}")
            return seen

    def _listen(self) -> None:
        while True:
            try:
                message = self._monitor.receive()
            except (OSError, ValueError):
                return
            with self._changed:
                self._take(message)
                self._changed.notify_all()

    def _take(self, message: Message) -> None:
        fields = message.header.fields
        if message.header.message_type is MessageType.method_return:
            key = (fields.get(HeaderFields.destination, ""), fields.get(HeaderFields.reply_serial, 0))
            if accepted := self._asked.pop(key, None):
                accepted.id = message.body[0]
            return
        match fields.get(HeaderFields.member):
            case "Notify":
                app, replaces, icon, summary, body, actions, hints, expire_ms = message.body
                shown = Shown(
                    app, replaces, icon, summary, body,
                    actions=dict(zip(actions[::2], actions[1::2], strict=True)),
                    hints={name: value for name, (_, value) in hints.items()},
                    expire_ms=expire_ms,
                )  # fmt: skip
                self._shown.append(shown)
                self._asked[fields[HeaderFields.sender], message.header.serial] = shown
            case "CloseNotification":
                for each in self._of(message.body[0]):
                    each.close_requested = True
            case "ActionInvoked":
                for each in self._of(message.body[0]):
                    each.pressed.append(message.body[1])
            case "NotificationClosed":
                for each in self._of(message.body[0]):
                    each.closed = Closed(message.body[1])

    def _of(self, number: int) -> list[Shown]:
        return [each for each in self._shown if each.id == number and each.closed is None]
