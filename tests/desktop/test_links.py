"""Links of the desktop open their place in the window that is there, or start it."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reply_desktop.channel.messages import GetAccounts, ListAccounts
from reply_desktop.config import APP_ID
from reply_desktop.ui.link_scheme import ENTRY, INSTALLED, MIME, data_home
from tests.harness.accessibility import Accessibility
from tests.harness.app import START_S, App
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.desktop, pytest.mark.slow]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    # Should the app be installed on this computer: not for the person who sits here.
    installed = data_home() / "applications" / INSTALLED
    installed.parent.mkdir(parents=True, exist_ok=True)
    installed.write_text("[Desktop Entry]\nHidden=true\n")
    reader = Accessibility()
    made = App(tmp_path_factory.mktemp("links") / "data", reader)
    yield made
    made.close()
    reader.close()
    installed.unlink()


@pytest.fixture
def app(world: App) -> Iterator[App]:
    """The window, open, once links lead to it."""
    entry = data_home() / "applications" / ENTRY
    entry.unlink(missing_ok=True)
    world.start()
    world.wait_for_all("Connected")
    wait_until(lambda: entry.exists() and str(world.config.data_dir) in entry.read_text(), "entry for links")
    try:
        yield world
        assert "Traceback" not in world.said, world.said
    finally:
        world.close_window()


def follow(link: str) -> None:
    """Open a link as any program of the desktop does."""
    # What it starts lives on, with whatever it was given to write to.
    nothing = subprocess.DEVNULL
    subprocess.run(["xdg-open", link], check=True, timeout=60, stdin=nothing, stdout=nothing, stderr=nothing)


def account(app: App, number: int) -> tuple[str, str]:
    """(id, address) of an account."""
    client = app.client()
    try:
        rows = client.ask(GetAccounts(client.ask(ListAccounts()).ids)).rows
    finally:
        client.close()
    return rows[number].id, rows[number].address


def test_a_link_opens_its_account_in_the_window_that_is_there(
    app: App, screenshot: Callable[[str], Path]
) -> None:
    known = subprocess.run(
        ["gio", "mime", MIME], check=True, capture_output=True, text=True, timeout=20
    ).stdout
    assert ENTRY in known.splitlines()[0]
    account_id, address = account(app, 1)
    app.keys("alt+F4")
    wait_until(lambda: not app.frame.has("showing"), "hidden window")
    follow(f"reply-desktop://account/{account_id}")
    wait_until(lambda: app.frame.has("showing"), "window again")
    app.wait_for_words(address)
    screenshot("link-account")
    follow("reply-desktop://notifications")
    page = app.wait_for("Notifications", "check box")
    wait_until(lambda: page.has("checked"), "Notifications page")


def test_a_link_starts_the_app(app: App, accessibility: Accessibility) -> None:
    account_id, address = account(app, 2)
    app.close_window()
    wait_until(lambda: accessibility.application(APP_ID) is None, "end of the window")
    follow(f"reply-desktop://account/{account_id}")
    try:
        root = wait_until(lambda: accessibility.application(APP_ID), "window of the app", START_S)
        root.wait_for(role="label", name=address, shown=True, deadline_s=START_S)
    finally:
        os.kill(int((app.config.data_dir / "window.lock").read_text().splitlines()[0]), signal.SIGTERM)
        wait_until(lambda: accessibility.application(APP_ID) is None, "end of the window")
