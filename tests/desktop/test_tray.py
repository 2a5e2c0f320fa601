"""The tray icon in the real panel, and the alert's whole way: raised, pressed, withdrawn."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.accessibility import Accessibility
from tests.harness.notifications import Notifications
from tests.harness.tray import GREEN, ORANGE, RED, Panel, Tray, TrayIcon, wait_for_color
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.desktop

PROGRAM = Path(__file__).with_name("tray_program.py")
ROOT = Path(__file__).resolve().parents[2]


class Program:
    """The program under test; `said` waits for a line of its output."""

    def __init__(self, *words: str, **env: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
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

    def wait_until_ready(self) -> None:
        assert [self.said(), self.said()] == ["available_changed True", "ready True"]

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


@pytest.fixture
def program(desktop: object) -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def start(*words: str, **env: str) -> Program:
        started.append(Program(*words, **env))
        return started[-1]

    yield start
    for each in started:
        each.end()


def test_the_panel_shows_it_and_its_menu_works(
    program: Callable[..., Program], tray: Tray, screenshot: Callable[[str], Path]
) -> None:
    running = program()
    running.wait_until_ready()
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
    program: Callable[..., Program],
    notifications: Notifications,
    accessibility: Accessibility,
    screenshot: Callable[[str], Path],
) -> None:
    running = program()
    running.wait_until_ready()
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
    panel: Panel, program: Callable[..., Program], tray: Tray, screenshot: Callable[[str], Path]
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
    panel: Panel, program: Callable[..., Program], tray: Tray
) -> None:
    running = program()
    running.wait_until_ready()
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


def wait_for_reds(icon: TrayIcon, words: str) -> str:
    """The tooltip, once it says so."""
    return wait_until(lambda: icon.tooltip if words in icon.tooltip else None, f"tooltip with {words!r}")


def test_the_number_in_the_badge(
    program: Callable[..., Program], tray: Tray, screenshot: Callable[[str], Path]
) -> None:
    running = program("dbus", "12")
    running.wait_until_ready()
    icon = tray.wait_for_icon()
    pictures = [icon.picture]
    for first, last, words, name in (
        (0, 0, "ana@acme.example needs you", "tray-count-1"),
        (1, 8, "9 accounts need you", "tray-count-9"),
        (9, 9, "10 accounts need you", "tray-count-many"),
    ):
        for number in range(first, last + 1):
            running.order(f"lose a{number}")
        wait_for_reds(icon, words)
        wait_until(lambda: icon.picture not in pictures, "another picture")
        pictures.append(icon.picture)
        wait_for_color(screenshot, name, RED)
    running.order("lose a10")
    wait_for_reds(icon, "11 accounts need you")
    assert icon.picture == pictures[-1]
    assert len(icon.menu) == 11 + len(("Check now", "Open", "Quit"))
    assert icon.menu[10].label == "and 1 more…"


def test_orange_looks_and_says_other_than_red(
    program: Callable[..., Program], tray: Tray, screenshot: Callable[[str], Path]
) -> None:
    running = program()
    running.wait_until_ready()
    icon = tray.wait_for_icon()
    running.order("risk a0")
    wait_until(lambda: icon.tooltip == "Reply Desktop: 1 at risk, 2 connected", "tooltip of what is at risk")
    orange = icon.picture
    wait_for_color(screenshot, "tray-at-risk", ORANGE)
    assert icon.menu[0].label == "Reply Desktop: 1 at risk, 2 connected"
    running.order("lose a1")
    wait_for_reds(icon, "ben@acme.example needs you")
    wait_until(lambda: icon.picture != orange, "red picture")


@pytest.mark.parametrize("factor", ["1.5", "2"])
def test_it_is_sharp_on_fine_screens(
    program: Callable[..., Program], tray: Tray, screenshot: Callable[[str], Path], factor: str
) -> None:
    running = program("dbus", "12", QT_SCALE_FACTOR=factor)
    running.wait_until_ready()
    icon = tray.wait_for_icon()
    for number in range(3):
        running.order(f"lose a{number}")
    wait_for_reds(icon, "3 accounts need you")
    wait_for_color(screenshot, f"tray-scale-{factor}", RED)
    sides = {width for width, _, _ in icon.pictures}
    assert {16, 22, 32, 44, 64} <= sides
    # Drawn for itself, not blown up: the badge's flat red is there in every size.
    red = bytes((255, RED.red(), RED.green(), RED.blue()))
    assert all(red in pixels for _, _, pixels in icon.pictures)


def test_a_plain_message_leaves_the_icon_as_it_is(
    program: Callable[..., Program],
    tray: Tray,
    notifications: Notifications,
    screenshot: Callable[[str], Path],
) -> None:
    running = program("plain")
    running.wait_until_ready()
    icon = tray.wait_for_icon()
    running.order("lose a0")
    notifications.wait_for(lambda each: each.summary == "ana@acme.example cannot send")
    wait_for_color(screenshot, "tray-plain-message", RED)
    assert icon.attention == ""


def test_both_themes_of_the_panel_show_it(
    panel: Panel, program: Callable[..., Program], tray: Tray, screenshot: Callable[[str], Path]
) -> None:
    panel.stop()
    panel.start("Adwaita:dark")
    running = program()
    running.wait_until_ready()
    tray.wait_for_icon()
    wait_for_color(screenshot, "tray-dark-connected", GREEN)
    running.order("lose a0")
    wait_for_color(screenshot, "tray-dark-expired", RED)
    running.order("mend a0")
    running.order("risk a1")
    wait_for_color(screenshot, "tray-dark-at-risk", ORANGE)


def test_a_panel_that_crashes_while_it_is_red_shows_the_same_again(
    panel: Panel, program: Callable[..., Program], tray: Tray, screenshot: Callable[[str], Path]
) -> None:
    running = program()
    running.wait_until_ready()
    icon = tray.wait_for_icon()
    running.order("lose a0")
    running.order("lose a1")
    words = wait_for_reds(icon, "2 accounts need you: ana@acme.example")
    wait_for_color(screenshot, "tray-before-crash", RED)
    before = icon.picture
    panel.kill()
    assert running.said() == "available_changed False"
    panel.start()
    assert running.said() == "available_changed True"
    again = tray.wait_for_icon()
    wait_until(lambda: again.tooltip == words and again.picture == before, "the same look after the crash")
    wait_for_color(screenshot, "tray-after-crash", RED)
    assert [entry.label for entry in again.menu][:2] == [
        "Reconnect ana@acme.example – Access was removed or has expired",
        "Reconnect ben@acme.example – Access was removed or has expired",
    ]
    again.choose("Reconnect ben@acme.example – Access was removed or has expired")
    assert running.said() == "reconnect_asked a1"


def test_without_any_tray_what_happens_meanwhile_is_there_when_one_comes(
    panel: Panel, program: Callable[..., Program], tray: Tray, notifications: Notifications
) -> None:
    panel.kill()
    running = program()
    assert running.said() == "ready False"
    running.order("lose a0")
    # Alerts do not need the tray.
    notifications.wait_for(lambda each: each.summary == "ana@acme.example cannot send")
    panel.start()
    assert running.said() == "available_changed True"
    wait_for_reds(tray.wait_for_icon(), "ana@acme.example needs you")


def test_a_reminder_changes_the_bubble_that_is_still_there(
    program: Callable[..., Program], notifications: Notifications
) -> None:
    running = program()
    running.wait_until_ready()
    running.order("lose a0")
    first = notifications.wait_for(lambda each: each.summary == "ana@acme.example cannot send")
    running.order("remind a0")
    again = notifications.wait_for(lambda each: each.summary == "ana@acme.example still cannot send")
    assert again.replaces == again.id == first.id
    notifications.press(again, "reconnect")
    notifications.wait_until_closed(again)
    assert running.said() == "reconnect_asked a0"
    running.order("remind a0")
    notifications.wait_for(lambda each: each.summary == again.summary and each.replaces == 0)


# Texts from outside

LONG = "x" * 500
HOSTILE = {
    "a0": (
        "<b>ana</b>&amp;\u202e@acme.example",
        "<a href='https://evil.example'>A &amp; B</a> <b>bold\nnew \x1b[31mred",
    ),
    "a1": (f"{LONG}@acme.example", f"\u2066שלום\u2069\x00 {LONG}"),
}


@pytest.mark.parametrize("way", ["dbus", "native", "plain"])
def test_hostile_texts_stay_texts_and_are_cut_sensibly(
    program: Callable[..., Program],
    notifications: Notifications,
    accessibility: Accessibility,
    screenshot: Callable[[str], Path],
    way: str,
) -> None:
    running = program(way)
    running.wait_until_ready()
    for account, (address, text) in HOSTILE.items():
        running.order("rename " + json.dumps({"account": account, "address": address, "text": text}))
    running.order("lose a0")
    name = "‹b›ana‹/b›&amp;@acme.example" if way == "plain" else "<b>ana</b>&amp;@acme.example"
    first = notifications.wait_for(lambda each: each.summary == f"{name} cannot send")
    assert (
        first.body
        == {
            "dbus": "&lt;a href='https://evil.example'&gt;A &amp;amp; B&lt;/a&gt; &lt;b&gt;bold new [31mred",
            "native": "<a href='https://evil.example'>A &amp; B</a> <b>bold new [31mred",
            "plain": "‹a href='https://evil.example'›A &amp; B‹/a› ‹b›bold new [31mred",
        }[way]
    )
    daemon = accessibility.wait_for_application("xfce4-notifyd")
    wait_until(lambda: daemon.find(role="label", name=first.summary), "bubble with the markup as text")
    screenshot(f"alert-hostile-{way}")
    running.order("mend a0")
    if way != "plain":
        notifications.wait_until_closed(first)
    running.order("lose a1")
    second = notifications.wait_for(lambda each: each.summary.startswith("xxx") and "cannot" in each.summary)
    assert second.summary == "x" * 71 + "… cannot send"
    assert second.body.startswith("שלום xxx") and second.body.endswith("…")
    assert len(second.body) == 300
    running.order("lose a0")
    if way != "plain":
        both = notifications.wait_for(lambda each: each.summary == "2 accounts need you")
        shown = (
            name.replace("<", "&lt;").replace(">", "&gt;").replace("&amp;@", "&amp;amp;@")
            if way == "dbus"
            else name
        )
        assert both.body == f"{'x' * 59}… and {shown} cannot send."


def test_the_native_way_shows_presses_and_withdraws(
    program: Callable[..., Program], notifications: Notifications, screenshot: Callable[[str], Path]
) -> None:
    running = program("native")
    running.wait_until_ready()
    running.order("lose a0")
    first = notifications.wait_for(lambda each: each.summary == "ana@acme.example cannot send")
    assert first.actions == {"reconnect": "Reconnect", "details": "Details"}
    assert first.hints["urgency"] == 2
    assert Path(first.icon.removeprefix("file://")).is_file()
    running.order("lose a1")
    both = notifications.wait_for(lambda each: each.summary == "2 accounts need you")
    notifications.wait_until_closed(first)
    screenshot("alert-native")
    notifications.press(both, "reconnect")
    assert running.said() == "reconnect_all_asked ('a0', 'a1')"
    running.order("lose a2")
    third = notifications.wait_for(lambda each: each.summary == "cy@acme.example cannot send")
    running.order("mend a2")
    notifications.wait_until_closed(third)
    notifications.wait_for(lambda each: each.summary == "cy@acme.example works again")
