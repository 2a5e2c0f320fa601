"""Looks at the tray as the panel does: which icons are there, what they say, what their menus offer."""

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtGui import QColor, QImage

from reply_desktop.ui.theme import LIGHT
from tests.harness.bus import Bus
from tests.harness.waiting import WAIT_S, wait_until

WATCHER = "org.kde.StatusNotifierWatcher"
WATCHER_PATH = "/StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
GREEN, ORANGE, RED = (QColor(tone.fill) for tone in (LIGHT.green, LIGHT.orange, LIGHT.red))


@dataclass(frozen=True)
class MenuEntry:
    """A line of a tray menu."""

    id: int
    label: str
    enabled: bool
    checked: bool


class TrayIcon:
    """One icon in the tray."""

    def __init__(self, bus: Bus, reference: str) -> None:
        service, slash, path = reference.partition("/")
        self._bus = bus
        self._item = (service, slash + path if slash else "/StatusNotifierItem")

    def _property(self, name: str) -> Any:
        return self._bus.property(*self._item, ITEM, name)

    @property
    def title(self) -> str:
        """Name of the application."""
        return str(self._property("Title"))

    @property
    def tooltip(self) -> str:
        """What hovering shows: the title line."""
        return str(self._property("ToolTip")[2])

    @property
    def picture(self) -> bytes:
        """The icon's largest pixmap, ARGB32 in network order; two icons look alike when these are equal."""
        pixmaps = self._property("IconPixmap")
        return bytes(max(pixmaps, key=lambda each: each[0])[2]) if pixmaps else b""

    @property
    def attention(self) -> str:
        """Name of another picture that the panel shows for a while in the icon's place; empty for none."""
        return str(self._property("AttentionIconName"))

    @property
    def pictures(self) -> list[tuple[int, int, bytes]]:
        """All pixmaps of the icon: width, height and pixels as in `picture`."""
        return [(width, height, bytes(pixels)) for width, height, pixels in self._property("IconPixmap")]

    @property
    def menu(self) -> list[MenuEntry]:
        """The lines of the menu, without separators, top level only."""
        _, (_, _, children) = self._layout()
        entries = [(number, properties) for _, (number, properties, _) in children]
        return [
            MenuEntry(
                number,
                label=str(said["label"][1]).replace("_", ""),
                enabled=bool(said.get("enabled", ("b", True))[1]),
                checked=said.get("toggle-state", ("i", 0))[1] == 1,
            )
            for number, said in entries
            if "label" in said and said.get("visible", ("b", True))[1]
        ]

    def choose(self, label: str) -> None:
        """Clicks the line of the menu that says this."""
        entry = next(each for each in self.menu if each.label == label)
        self._bus.call(
            self._item[0],
            self._property("Menu"),
            MENU,
            "Event",
            "isvu",
            (entry.id, "clicked", ("i", 0), 0),
        )

    def activate(self) -> None:
        """A left click."""
        self._bus.call(*self._item, ITEM, "Activate", "ii", (0, 0))

    def _layout(self) -> Any:
        path = self._property("Menu")
        self._bus.call(self._item[0], path, MENU, "AboutToShow", "i", (0,))
        return self._bus.call(self._item[0], path, MENU, "GetLayout", "iias", (0, 1, []))


class Tray:
    """The tray host of the session; close it when done."""

    def __init__(self) -> None:
        self._bus = Bus()

    @property
    def hosted(self) -> bool:
        """Whether somebody draws the icons."""
        return bool(self._bus.property(WATCHER, WATCHER_PATH, WATCHER, "IsStatusNotifierHostRegistered"))

    @property
    def icons(self) -> list[TrayIcon]:
        """Every icon that is registered now."""
        registered = self._bus.property(WATCHER, WATCHER_PATH, WATCHER, "RegisteredStatusNotifierItems")
        return [TrayIcon(self._bus, each) for each in registered]

    def wait_for_icon(self, deadline_s: float = WAIT_S) -> TrayIcon:
        """The first icon, once there is one."""
        return wait_until(lambda: next(iter(self.icons), None), "tray icon", deadline_s)

    def close(self) -> None:
        """Hangs up."""
        self._bus.close()


class Panel:
    """The panel that hosts the tray; it may be ended and started again."""

    def __init__(self) -> None:
        self._bus = Bus()
        self.dressed = False

    def stop(self) -> None:
        subprocess.run(["xfce4-panel", "--quit"], check=True, capture_output=True)
        wait_until(lambda: not self._bus.owned("org.xfce.Panel"), "end of the panel")
        wait_until(lambda: not self._bus.owned(WATCHER), "end of the panel")

    def kill(self) -> None:
        """End it without a word, as a crash does."""
        bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
        os.kill(self._bus.call(*bus, "GetConnectionUnixProcessID", "s", ("org.xfce.Panel",)), signal.SIGKILL)
        wait_until(lambda: not self._bus.owned(WATCHER), "end of the panel")
        wait_until(lambda: not self._bus.owned("org.xfce.Panel"), "end of the panel")

    def start(self, theme: str = "") -> None:
        """Start it, if it does not run; `theme` as GTK names it."""
        if not self._bus.owned(WATCHER):
            self.dressed = bool(theme)
            chosen = f"GTK_THEME={theme} " if theme else ""
            subprocess.run(
                ["sh", "-c", f"{chosen}xfce4-panel --disable-wm-check >/dev/null 2>&1 &"], check=True
            )
            wait_until(lambda: self._bus.owned(WATCHER), "panel")

    def close(self) -> None:
        self._bus.close()


def wait_for_color(screenshot: Callable[[str], Path], name: str, color: QColor) -> None:
    """Waits until the panel at the top of the screen shows this colour of a badge; keeps the picture."""

    def seen() -> bool:
        panel = QImage(str(screenshot(name))).copy(0, 0, 1280, 32)
        pixels = (panel.pixelColor(x, y) for x in range(200) for y in range(panel.height()))
        return sum(pixel == color for pixel in pixels) > 10

    wait_until(seen, f"{color.name()} in the panel")
