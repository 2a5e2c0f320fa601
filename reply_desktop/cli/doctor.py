"""The front's half of the doctor: what this desktop offers (tray, notifications, browser), alert e-mail."""

import os
import shutil
import sys

from reply_desktop.domain.notification import plain
from reply_desktop.domain.rows import AlertMailRow, DoctorRow

_BUS_NAMES = (
    (
        "notifications",
        "org.freedesktop.Notifications",
        "Start your desktop's notification service; the bell and the banner tell everything all the same.",
    ),
    (
        "tray",
        "org.kde.StatusNotifierWatcher",
        "On GNOME install the AppIndicator extension; without a tray the window stays reachable by a "
        "second launch.",
    ),
)


def examine_desktop() -> list[DoctorRow]:
    """What was found of tray, notifications and browser. Asks the desktop, opens nothing."""
    return [*_desktop_services(), _display(), _browser()]


def examine_alert_mail(mail: AlertMailRow) -> DoctorRow:
    """Whether an alert would reach the person by e-mail: required once they gave an address."""
    name = "alert e-mail"
    if not mail.to:
        return DoctorRow(
            name,
            False,
            "no address given",
            "Give one: Settings → Notifications, or reply-desktop notifications email ADDRESS.",
            required=False,
        )
    if mail.through is None:
        return DoctorRow(
            name,
            False,
            f"nothing can send to {mail.to} now"
            + (f"; {mail.waiting} waiting to be told" if mail.waiting else ""),
            "Reconnect an account, or give a relay: reply-desktop notifications relay set --help.",
        )
    if mail.sent_today >= mail.daily_cap:
        return DoctorRow(
            name,
            False,
            f"{mail.sent_today} sent in the last 24 hours, the most you allow; more wait",
            "Allow more: reply-desktop notifications email --cap N.",
        )
    if mail.trouble:
        return DoctorRow(name, False, plain(mail.trouble), "Try it: reply-desktop notifications test-email.")
    return DoctorRow(name, True, f"to {mail.to}, through {mail.through}")


def _desktop_services() -> list[DoctorRow]:
    if not sys.platform.startswith("linux"):
        return [
            DoctorRow(name, True, "part of this operating system", required=False)
            for name, _, _ in _BUS_NAMES
        ]
    names = _session_bus_names()
    if names is None:
        return [
            DoctorRow(name, False, "no D-Bus session", "Log in to a desktop session.", required=False)
            for name, _, _ in _BUS_NAMES
        ]
    return [
        DoctorRow(name, True, "there", required=False)
        if bus_name in names
        else DoctorRow(name, False, "not there", fix, required=False)
        for name, bus_name, fix in _BUS_NAMES
    ]


def _session_bus_names() -> set[str] | None:
    from jeepney import DBusAddress, new_method_call
    from jeepney.io.blocking import open_dbus_connection

    bus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    try:
        with open_dbus_connection(bus="SESSION") as connection:
            running = connection.send_and_get_reply(new_method_call(bus, "ListNames"), timeout=3)
            startable = connection.send_and_get_reply(new_method_call(bus, "ListActivatableNames"), timeout=3)
    except (OSError, KeyError, ValueError, RuntimeError):
        return None
    return {*running.body[0], *startable.body[0]}


def _display() -> DoctorRow:
    if sys.platform in ("win32", "darwin"):
        return DoctorRow("display", True, "there", required=False)
    found = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if found:
        return DoctorRow("display", True, f"there ({found})", required=False)
    return DoctorRow(
        "display",
        False,
        "none",
        "The window needs a desktop session; the commands work without.",
        required=False,
    )


def _browser() -> DoctorRow:
    wanted = os.environ.get("BROWSER")
    if wanted:
        return DoctorRow("browser", True, f"BROWSER={wanted}")
    if sys.platform in ("win32", "darwin"):
        return DoctorRow("browser", True, "the system's default")
    if shutil.which("xdg-open"):
        return DoctorRow("browser", True, "the desktop's default, through xdg-open")
    return DoctorRow(
        "browser",
        False,
        "no way to open one",
        "Install xdg-utils and a browser, or set BROWSER.",
        required=False,
    )
