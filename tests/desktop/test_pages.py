"""Settings, sandbox panel and bell as a screen reader finds them: every control named, the work done through it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.accessibility import Accessibility, Node
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.desktop

PROGRAM = Path(__file__).with_name("pages_program.py")
ROOT = Path(__file__).resolve().parents[2]
CONTROLS = {
    "push button", "toggle button", "check box", "radio button", "text", "combo box", "table", "menu item", "link",
}  # fmt: skip

Start = Callable[[str, str], Node]


@pytest.fixture
def start(accessibility: Accessibility) -> Iterator[Start]:
    running: list[subprocess.Popen[bytes]] = []

    def started(page: str, scheme: str) -> Node:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), page, scheme],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        running.append(process)
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        return accessibility.wait_for_application("pages-program")

    yield started
    for process in running:
        try:
            process.communicate(b"end\n", timeout=15)
        finally:
            process.kill()
            process.wait()


def unnamed(top: Node) -> list[str]:
    return [
        each.role for each in top.walk(20) if each.role in CONTROLS and each.has("showing") and not each.name
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("page", "landmark"),
    [
        ("providers", "Save the Microsoft settings"),
        ("general", "Run the checks"),
        ("notifications", "Show a test alert"),
        ("channels", "Test On call"),
        ("sandbox", "Remove access: ana@harbor.example"),
    ],
)
def test_every_control_has_a_name(
    start: Start, screenshot: Callable[[str], Path], page: str, landmark: str, scheme: str
) -> None:
    top = start(page, scheme)
    top.wait_for(role="push button", name=landmark)
    assert unnamed(top) == []
    screenshot(f"page-{page}-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_bell_is_read_and_worked(start: Start, screenshot: Callable[[str], Path], scheme: str) -> None:
    top = start("bell", scheme)
    top.wait_for(role="push button", name="Notifications, 14 unread").press("Press")
    details = top.wait_for(role="push button", name="Details: ben@brightfield.example cannot send")
    assert unnamed(top) == []
    assert details.description.startswith("Unread. ben@brightfield.example cannot send.")
    screenshot(f"page-bell-{scheme}")
    top.wait_for(role="check box", name="Show all 12: 10 accounts cannot send").press("Toggle")
    top.wait_for(role="push button", name="Details: account05@lindholm.example cannot send")
    assert unnamed(top) == []
    screenshot(f"page-bell-unfolded-{scheme}")


def test_a_channel_is_chosen_through_the_screen_reader(start: Start) -> None:
    top = start("notifications", "light")
    box = top.wait_for(role="check box", name="E-mail: an account cannot send")
    assert box.has("checked")
    box.press("Toggle")
    wait_until(lambda: not box.has("checked"), "no check mark")


def test_a_choice_is_made_through_the_screen_reader(start: Start) -> None:
    top = start("notifications", "light")
    box = top.wait_for(role="check box", name="Tell me about Other accounts too")
    assert "password" in box.description
    assert not box.has("checked")
    box.press("Toggle")
    wait_until(lambda: box.has("checked"), "check mark")
