"""Fixtures for tests that need the private desktop session which `make test` starts (scripts/session)."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.harness.accessibility import Accessibility
    from tests.harness.browser import Browser
    from tests.harness.keyring import SessionKeyring
    from tests.harness.notifications import Notifications
    from tests.harness.tray import Panel, Tray

PICTURES = Path(__file__).resolve().parents[2] / "build" / "screenshots"
ABSENT = "needs the private desktop session; run it by: make test ARGS="


@dataclass(frozen=True)
class Desktop:
    """The private desktop session: a screen, a bus and a home of its own."""

    folder: Path

    @property
    def home(self) -> Path:
        """The home folder of the person who sits here."""
        return self.folder / "home"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked `desktop` never runs elsewhere; where the build is judged, its absence is an error."""
    if not item.get_closest_marker("desktop") or "REPLY_DESKTOP_SESSION" in os.environ:
        return
    reason = f'{ABSENT}"{item.nodeid}"'
    if os.environ.get("CI") == "true" and sys.platform == "linux":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def desktop() -> Desktop:
    """The session itself. Tests that use it, or any fixture below, carry the mark `desktop`."""
    if "REPLY_DESKTOP_SESSION" not in os.environ:
        pytest.fail("a test that uses the desktop session must carry the mark `desktop`", pytrace=False)
    return Desktop(Path(os.environ["REPLY_DESKTOP_SESSION"]))


@pytest.fixture
def notifications(desktop: Desktop) -> Iterator["Notifications"]:
    """What the notification daemon is asked to show, and what becomes of it."""
    from tests.harness.notifications import Notifications

    recorder = Notifications()
    yield recorder
    recorder.close()


@pytest.fixture
def tray(desktop: Desktop) -> Iterator["Tray"]:
    """The tray of the panel."""
    from tests.harness.tray import Tray

    host = Tray()
    yield host
    host.close()


@pytest.fixture
def panel(desktop: Desktop) -> Iterator["Panel"]:
    """The panel that hosts the tray; it runs again afterwards, as it was."""
    from tests.harness.tray import Panel

    made = Panel()
    yield made
    if made.dressed:
        made.stop()
    made.start()
    made.close()


@pytest.fixture
def keyring(desktop: Desktop) -> Iterator["SessionKeyring"]:
    """The session's keyring, open and empty at the start and the end."""
    from tests.harness.keyring import SessionKeyring

    secrets = SessionKeyring()
    secrets.clear()
    yield secrets
    secrets.close()


@pytest.fixture
def browser(desktop: Desktop) -> Iterator["Browser"]:
    """The default browser, which is not running at the start and is ended afterwards."""
    from tests.harness.browser import Browser

    if not os.environ["REPLY_DESKTOP_SESSION_BROWSER"]:
        pytest.fail("no Chromium is installed for the session's default browser", pytrace=False)
    default = Browser()
    yield default
    default.close_pages()


@pytest.fixture
def accessibility(desktop: Desktop) -> Iterator["Accessibility"]:
    """The screen as an assistive technology reads it."""
    from tests.harness.accessibility import Accessibility

    reader = Accessibility()
    yield reader
    reader.close()


@pytest.fixture
def screenshot(desktop: Desktop) -> Callable[[str], Path]:
    """Takes a picture of the whole screen into build/screenshots under the name given, without suffix."""

    def take(name: str) -> Path:
        PICTURES.mkdir(parents=True, exist_ok=True)
        picture = PICTURES / f"{name}.png"
        subprocess.run(["scrot", "--overwrite", str(picture)], check=True, timeout=20)
        return picture

    return take
