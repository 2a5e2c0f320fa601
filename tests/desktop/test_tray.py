"""The tray icon in the real panel, and the alert's whole way: raised, pressed, withdrawn."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from reply_desktop.ui.theme import LIGHT
from tests.harness.accessibility import Accessibility
from tests.harness.bus import Bus
from tests.harness.notifications import Notifications
from tests.harness.tray import WATCHER, Tray
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.desktop

GREEN, RED = QColor(LIGHT.green.fill), QColor(LIGHT.red.fill)
PROGRAM = Path(__file__).with_name("tray_program.py")
ROOT = Path(__file__).resolve().parents[2]


class Program:
    """The program under test; `said` waits for a line of its output."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line.strip())

    def said(self, deadline_s: float = 15.0) -> str:
        return self._lines.get(timeout=deadline_s)

    def order(self, text: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def end(self) -> None:
        assert self._process.stdin and self._process.stdout
        self.order("quit")
        try:
            assert self._process.wait(15) == 0
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join(5)
            self._process.stdin.close()
            self._process.stdout.close()


def wait_for_color(screenshot: Callable[[str], Path], name: str, color: QColor) -> None:
    """Waits until the panel at the top of the screen shows this colour of a badge; keeps the picture."""

    def seen() -> bool:
        panel = QImage(str(screenshot(name))).copy(0, 0, 1280, 32)
        pixels = (panel.pixelColor(x, y) for x in range(200) for y in range(panel.height()))
        return sum(pixel == color for pixel in pixels) > 10

    wait_until(seen, f"{color.name()} in the panel")


@pytest.fixture
def panel(desktop: object) -> Iterator["Panel"]:
    made = Panel()
    yield made
    made.start()
    made.close()


class Panel:
    """The panel that hosts the tray; it may be ended and started again."""

    def __init__(self) -> None:
        self._bus = Bus()

    def stop(self) -> None:
        subprocess.run(["xfce4-panel", "--quit"], check=True, capture_output=True)
        wait_until(lambda: not self._bus.owned("org.xfce.Panel"), "end of the panel")
        wait_until(lambda: not self._bus.owned(WATCHER), "end of the panel")

    def start(self) -> None:
        if not self._bus.owned(WATCHER):
            subprocess.run(["sh", "-c", "xfce4-panel --disable-wm-check >/dev/null 2>&1 &"], check=True)
            wait_until(lambda: self._bus.owned(WATCHER), "panel")

    def close(self) -> None:
        self._bus.close()


@pytest.fixture
def program(desktop: object) -> Iterator[Callable[[], Program]]:
    started: list[Program] = []

    def start() -> Program:
        started.append(Program())
        return started[-1]

    yield start
    for each in started:
        each.end()


def test_the_panel_shows_it_and_its_menu_works(
    program: Callable[[], Program], tray: Tray, screenshot: Callable[[str], Path]
) -> None:
    running = program()
    assert [running.said(), running.said()] == ["available_changed True", "ready True"]
    icon = tray.wait_for_icon()
    wait_until(lambda: icon.tooltip == "All 3 accounts connected", "calm tooltip")
    calm = icon.picture
    wait_for_color(screenshot, "tray-connected", GREEN)
    assert [entry.label for entry in icon.menu] == ["All 3 accounts connected", "Check now", "Open", "Quit"]

    running.order("lose a1")
    wait_until(
        lambda: icon.tooltip.startswith("ben@acme.example needs you"), "tooltip that names the account"
    )
    assert icon.picture != calm
    line = "Reconnect ben@acme.example – Access was removed or has expired"
    wait_until(lambda: icon.menu[0].label == line, "line of the lost account")
    wait_for_color(screenshot, "tray-expired", RED)
    for label, told in (
        (line, "reconnect_asked a1"),
        ("Check now", "check_asked"),
        ("Open", "open_asked"),
        ("Quit", "quit_asked"),
    ):
        icon.choose(label)
        assert running.said() == told
    icon.activate()
    assert running.said() == "open_asked"

    running.order("mend a1")
    wait_until(lambda: icon.picture == calm, "calm picture again")


def test_an_alert_is_raised_pressed_and_withdrawn(
    program: Callable[[], Program],
    notifications: Notifications,
    accessibility: Accessibility,
    screenshot: Callable[[str], Path],
) -> None:
    running = program()
    assert [running.said(), running.said()] == ["available_changed True", "ready True"]
    running.order("lose a0")
    shown = notifications.wait_for(lambda each: each.summary == "ana@acme.example cannot send")
    daemon = accessibility.wait_for_application("xfce4-notifyd")
    wait_until(lambda: daemon.find(role="push button", name="Reconnect"), "button in the bubble")
    screenshot("alert-reconnect")
    notifications.press(shown, "reconnect")
    assert running.said() == "reconnect_asked a0"
    notifications.wait_until_closed(shown)

    running.order("lose a1")
    running.order("lose a2")
    merged = notifications.wait_for(lambda each: each.summary == "2 accounts need you")
    assert merged.body == "ben@acme.example and cy@acme.example cannot send."
    wait_until(lambda: daemon.find(role="label", name=merged.summary), "merged bubble")
    screenshot("alert-merged")
    running.order("mend a1")
    running.order("mend a2")
    notifications.wait_until_closed(merged)
    recovery = notifications.wait_for(lambda each: each.summary == "2 accounts work again")
    assert (recovery.hints["urgency"], recovery.hints["transient"]) == (1, True)
    wait_until(
        lambda: [each.summary for each in notifications.visible] == [recovery.summary], "only good news"
    )


def test_a_panel_that_starts_after_the_app_shows_the_icon(
    panel: Panel, program: Callable[[], Program], tray: Tray, screenshot: Callable[[str], Path]
) -> None:
    panel.stop()
    running = program()
    assert running.said() == "ready False"
    panel.start()
    assert running.said() == "available_changed True"
    icon = tray.wait_for_icon()
    wait_until(lambda: icon.tooltip == "All 3 accounts connected", "tooltip in the late panel")
    wait_for_color(screenshot, "tray-late-panel", GREEN)


def test_a_panel_that_dies_and_returns_shows_the_icon_again(
    panel: Panel, program: Callable[[], Program], tray: Tray
) -> None:
    running = program()
    assert [running.said(), running.said()] == ["available_changed True", "ready True"]
    tray.wait_for_icon()
    panel.stop()
    assert running.said() == "available_changed False"
    panel.start()
    assert running.said() == "available_changed True"
    icon = tray.wait_for_icon()
    wait_until(lambda: icon.tooltip == "All 3 accounts connected", "tooltip after the restart")
    assert len(tray.icons) == 1
    icon.choose("Check now")
    assert running.said() == "check_asked"
