"""Alerts as the real daemon receives them: text as text, buttons that work, nothing left behind."""

import os
import queue
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, SignalInstance
from PySide6.QtGui import QColor, QImage

from reply_desktop.ui.alert_surface import DEFAULT, Alert
from reply_desktop.ui.bubble_file import kept
from reply_desktop.ui.dbus_alerts import DBusAlerts, session_bus
from tests.harness.accessibility import Accessibility
from tests.harness.bus import Bus
from tests.harness.notifications import SERVICE, Closed, Notifications
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.desktop

LOST = Alert(
    "episode-1",
    "ana@acme.example cannot send",
    "Access was removed or has expired. Press Reconnect and choose ana@acme.example in the browser.",
    critical=True,
    actions=(("reconnect", "Reconnect"), ("details", "Details")),
)


SHOWING = """
import signal, sys
from pathlib import Path
from reply_desktop.ui.dbus_alerts import DBusAlerts, session_bus
from tests.desktop.test_alerts_dbus import LOST
alerts = DBusAlerts(session_bus(), Path(sys.argv[1]))
alerts.show(LOST)
signal.pause()
"""
"""A program that shows an alert until it is killed."""


class Heard:
    """A signal's values as they come, on whatever thread: this process has no application.

    One would register with the accessibility bus, and every look at the screen would wait for its answer.
    """

    def __init__(self, signal: SignalInstance) -> None:
        self._values: queue.SimpleQueue[tuple[object, ...]] = queue.SimpleQueue()
        signal.connect(lambda *values: self._values.put(values), Qt.ConnectionType.DirectConnection)

    def next(self) -> tuple[object, ...]:
        return self._values.get(timeout=10)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where it is kept what is shown."""
    return tmp_path / "bubbles.json"


@pytest.fixture
def alerts(desktop: object, file: Path) -> Iterator[DBusAlerts]:
    bus = session_bus()
    assert bus
    made = DBusAlerts(bus, file)
    yield made
    made.stop()


def test_the_daemon_shows_it_with_its_buttons(
    alerts: DBusAlerts,
    notifications: Notifications,
    accessibility: Accessibility,
    screenshot: Callable[[str], Path],
) -> None:
    picture = QImage(64, 64, QImage.Format.Format_ARGB32)
    picture.fill(QColor("#d93636"))
    alerts.show(Alert(LOST.key, LOST.title, LOST.text, critical=True, actions=LOST.actions, picture=picture))
    shown = notifications.wait_for(lambda each: each.summary == LOST.title)
    assert shown.app == "Reply Desktop"
    assert shown.actions == {"reconnect": "Reconnect", "details": "Details", DEFAULT: ""}
    assert (shown.hints["urgency"], shown.expire_ms) == (2, 0)
    width, height, stride, alpha, depth, channels, pixels = shown.hints["image-data"]
    assert (width, height, stride, alpha, depth, channels) == (64, 64, 256, True, 8, 4)
    assert bytes(pixels[:4]) == b"\xd9\x36\x36\xff"
    wait_for_bubble(accessibility, LOST.title)
    screenshot("alert-lost")


def test_a_pressed_button_comes_back(alerts: DBusAlerts, notifications: Notifications) -> None:
    alerts.show(LOST)
    shown = notifications.wait_for(lambda each: each.summary == LOST.title)
    pressed = Heard(alerts.activated)
    notifications.press(shown, "reconnect")
    assert pressed.next() == (LOST.key, "reconnect", "")


def test_the_same_key_takes_the_place_and_withdrawing_closes_it(
    alerts: DBusAlerts, notifications: Notifications
) -> None:
    alerts.show(LOST)
    first = notifications.wait_for(lambda each: each.summary == LOST.title)
    alerts.show(Alert(LOST.key, "3 accounts need you", "ana@…, ben@…", critical=True))
    second = notifications.wait_for(lambda each: each.summary == "3 accounts need you")
    assert second.replaces == second.id == first.id
    alerts.withdraw(LOST.key)
    assert notifications.wait_until_closed(second).value == 3
    assert notifications.visible == []


def test_texts_from_outside_stay_texts(
    alerts: DBusAlerts,
    notifications: Notifications,
    accessibility: Accessibility,
    screenshot: Callable[[str], Path],
) -> None:
    long = "x" * 500
    alerts.show(
        Alert("1", f"<b>{long}</b>", "<a href='https://evil.example'>A &amp; B</a> <b>bold", critical=True)
    )
    alerts.show(Alert("2", "\u202eevil\u202c\nשלום\x00", "\x1b[31mred\x07 \u202e\u2066abc\u2069 " + long))
    first = notifications.wait_for(lambda each: each.summary.startswith("<b>"))
    assert len(first.summary) == 100
    assert first.summary.endswith("…")
    assert first.body == "&lt;a href='https://evil.example'&gt;A &amp;amp; B&lt;/a&gt; &lt;b&gt;bold"
    second = notifications.wait_for(lambda each: each.summary.startswith("evil"))
    assert second.summary == "evil שלום"
    assert second.body.startswith("[31mred abc xxx")
    assert len(second.body) == 300
    wait_for_bubble(accessibility, second.summary)
    screenshot("alert-hostile-text")


def test_stopping_leaves_no_alert_and_no_thread(alerts: DBusAlerts, notifications: Notifications) -> None:
    alerts.show(LOST)
    shown = notifications.wait_for(lambda each: each.summary == LOST.title)
    thread = alerts._thread
    alerts.stop()
    alerts.show(LOST)
    assert notifications.wait_until_closed(shown).value == 3
    assert thread is not None
    assert not thread.is_alive()


def test_a_daemon_that_ends_takes_its_numbers_along(alerts: DBusAlerts, notifications: Notifications) -> None:
    alerts.show(LOST)
    notifications.wait_for(lambda each: each.summary == LOST.title)
    closed = Heard(alerts.closed)
    restart_daemon()
    assert closed.next() == (LOST,)
    alerts.show(Alert(LOST.key, "after the restart", "", critical=True))
    again = notifications.wait_for(lambda each: each.summary == "after the restart")
    assert again.replaces == 0


def test_a_bubble_whose_window_was_killed_goes_with_the_next_start(
    file: Path, notifications: Notifications
) -> None:
    program = subprocess.Popen([sys.executable, "-c", SHOWING, str(file)], cwd=Path(__file__).parents[2])
    try:
        left = notifications.wait_for(lambda each: each.summary == LOST.title)
        wait_until(lambda: kept(file).numbers == (left.id,), "number of the bubble in the file")
    finally:
        program.kill()
        program.wait()
    assert notifications.visible == [left]
    bus = session_bus()
    assert bus
    alerts = DBusAlerts(bus, file)
    try:
        assert notifications.wait_until_closed(left) is Closed.WITHDRAWN
        wait_until(lambda: not file.exists(), "empty memory")
        assert len(notifications.shown) == 1
    finally:
        alerts.stop()


def wait_for_bubble(accessibility: Accessibility, title: str) -> None:
    daemon = accessibility.wait_for_application("xfce4-notifyd")
    wait_until(lambda: daemon.find(role="label", name=title), f"bubble {title!r}")


def restart_daemon() -> None:
    bus = Bus()
    try:
        dbus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
        owner = bus.call(*dbus, "GetNameOwner", "s", (SERVICE,))
        pid = bus.call(*dbus, "GetConnectionUnixProcessID", "s", (owner,))
        command = (Path("/proc") / str(pid) / "exe").readlink()
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not bus.owned(SERVICE), "end of the daemon")
        # Left to the session, which outlives this test.
        subprocess.run(["sh", "-c", f"{command} >/dev/null 2>&1 &"], check=True)
        wait_until(lambda: bus.owned(SERVICE), "new daemon")
    finally:
        bus.close()
