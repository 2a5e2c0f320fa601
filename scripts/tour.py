"""Plays the main job in the real window with a sandbox, step by step, and leaves a picture of each step.

    scripts/session .venv/bin/python scripts/tour.py FOLDER

To be run inside scripts/session (scripts/tour does that). Each step is told in one line with the name of its
picture. Ends 1, with a picture of the screen as it was, when something does not come about.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtGui import QImage

from reply_desktop.domain.provider import Provider
from tests.harness.accessibility import Accessibility
from tests.harness.app import App
from tests.harness.browser import Browser, Page
from tests.harness.notifications import Notifications
from tests.harness.tray import Tray
from tests.harness.waiting import wait_until

ANA, BEN, DANA, GINA = (
    "ana@harbor.example",
    "ben@harbor.example",
    "dana@fjord.example",
    "gina@lantern.example",
)
HUGO: Final = "hugo@lantern.example"
PLACE: Final = (0, 31, 1280, 769)
"""Where the window lies on the screen of 1280x800: all that the panel leaves."""
BROWSER_PLACE: Final = (10, 60, 850, 720)
"""Where the browser lies: beside what the window says about the sign-in."""
NOTHING: Final = (700, 680)
"""A place under the last row of the table; a click there chooses none."""
SETTLED: Final = 3
"""So many looks at the screen in a row must be the same before it counts as painted."""
TROUBLE: Final = "trouble"
"""Name of the picture of a step that did not come about."""


class Camera:
    """Pictures of the screen, taken when it has come to rest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._raw = folder / ".looking.png"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{TROUBLE}.png").unlink(missing_ok=True)

    def take(self, name: str) -> Path:
        """Wait until the screen rests, and keep it under this name."""
        alike, before = 0, QImage()
        deadline = time.monotonic() + 10
        while alike < SETTLED and time.monotonic() < deadline:
            now = self._look()
            alike = alike + 1 if now == before else 0
            before = now
            threading.Event().wait(0.04)
        picture = self._folder / f"{name}.png"
        # Quality 0 is the strongest compression of a format without loss.
        before.convertToFormat(QImage.Format.Format_RGB888).save(str(picture), quality=0)
        return picture

    def _look(self) -> QImage:
        subprocess.run(["scrot", "--overwrite", str(self._raw)], check=True, timeout=20)
        try:
            return QImage(str(self._raw))
        finally:
            self._raw.unlink()


class Tour:
    """The steps, in order; each tells one line. `close` ends everything that was started."""

    def __init__(self, pictures: Path) -> None:
        self._camera = Camera(pictures)
        self._number = 0
        self._data = _data_folder()
        self._accessibility, self._browser = Accessibility(), Browser()
        self._notifications, self._tray = Notifications(), Tray()
        self.app = App(self._data / "data", self._accessibility)

    def play(self) -> None:
        """All steps. Raises AssertionError when something does not come about."""
        for step in (
            self.connected, self.access_removed, self.told, self.detail, self.bell, self.another_account,
            self.recovered, self.offline, self.add_other, self.settings, self.dark, self.first_steps,
        ):  # fmt: skip
            step()

    def close(self) -> None:
        """End app, browser and listeners."""
        closing: tuple[Callable[[], None], ...] = (
            self._browser.close_pages, self.app.close, self._tray.close, self._notifications.close,
            self._accessibility.close,
        )  # fmt: skip
        for close in closing:
            close()
        _remove(self._data)

    def tell(self, words: str, name: str) -> None:
        """One step is there: say so, and keep what it looks like."""
        picture = self._camera.take(name)
        self._number += 1
        sys.stdout.write(f"{self._number:2}  {words}  [{picture.name}]\n")
        sys.stdout.flush()

    def trouble(self) -> Path:
        """The screen as it is when a step did not come about."""
        return self._camera.take(TROUBLE)

    # The steps

    def connected(self) -> None:
        """The window opens on five accounts."""
        app = self.app
        app.start()
        app.place(*PLACE)
        app.wait_for_all("Connected")
        icon = self._tray.wait_for_icon()
        wait_until(lambda: icon.tooltip == "All 5 accounts connected", "calm tray icon")
        self.tell("Five mailboxes, each proven by its provider a moment ago.", "connected")

    def access_removed(self) -> None:
        """The person takes the access away at two providers."""
        self._page("Sandbox", f"Remove access: {ANA}")
        self._remove_access(ANA)
        self._remove_access(DANA)
        self.tell("In the sandbox, access to two of them is removed at the providers.", "sandbox")

    def told(self) -> None:
        """The next check finds out, and says so everywhere."""
        app = self.app
        self._check()
        self._notifications.wait_for(lambda each: each.summary == "2 accounts need you")
        self._page("Email accounts", "Search accounts by address", "text")
        app.wait_for_row(ANA, "Expired")
        app.wait_for_row(DANA, "Expired")
        wait_until(lambda: app.unread == 2, "count of the bell")
        self.tell("The next check turns both red: cause, banner, tray, alert and bell.", "accounts")
        self._notifications.clear()

    def detail(self) -> None:
        """What is wrong with one of them."""
        self.app.click_row(ANA)
        self.app.wait_for_words("You can fix this.")
        self.tell("Its detail: what happened, who can fix it, and how.", "detail")
        self.app.press("Close account")

    def bell(self) -> None:
        """The bell's panel."""
        self.app.press("Notifications, 2 unread")
        self.tell("The bell keeps every notification; Details opens the account.", "bell")
        self.app.keys("Escape")

    def another_account(self) -> None:
        """Reconnect; first with the wrong mailbox chosen in the browser."""
        app = self.app
        app.click_row_button(ANA)
        app.wait_for_words("Finish in your browser")
        page = self._consent_page()
        self._browser.place(page, *BROWSER_PLACE)
        page.evaluate("document.body.style.zoom = 0.84")
        self.tell("Reconnect opens the browser with the right mailbox chosen.", "consent")
        page.click(f'input[data-address="{BEN}"]')
        page.click("button[value=allow]")
        app.wait_for_words(ANA, BEN, "Nothing was stored")
        self._browser.wait_for_page(lambda page: page.title.startswith("That was another account"))
        self.tell("Another mailbox chosen by mistake: nothing is stored, both are named.", "another-account")
        self._browser.close_pages()

    def recovered(self) -> None:
        """Reconnect both, as they should be."""
        app = self.app
        app.press("Try again")
        self._allow()
        app.wait_for_row(ANA, "Connected")
        self._notifications.wait_for(lambda each: each.summary == f"{ANA} works again")
        self._notifications.clear()
        app.press("Done")
        app.click_row_button(DANA)
        self._allow()
        app.wait_for_all("Connected")
        app.wait_for("Done")
        self._notifications.wait_for(lambda each: each.summary == f"{DANA} works again")
        self.tell("Allowed and checked: green again, told once.", "recovered")
        self._notifications.clear()
        app.press("Done")
        app.press("Close account")

    def offline(self) -> None:
        """The network goes; nobody is asked to sign in."""
        app = self.app
        app.click_at(*NOTHING)
        self._page("Sandbox", f"Remove access: {ANA}")
        app.press("Go offline", "check box")
        wait_until(lambda: app.control.state().conditions, "end of the network")
        self._check()
        self._page("Email accounts", "Search accounts by address", "text")
        app.wait_for_all("At risk")
        self.tell("Offline is not broken: orange, no alert, and it mends itself.", "offline")
        app.control.clear_all()
        app.wait_for_all("Connected")

    def add_other(self) -> None:
        """A password mailbox; its servers are found."""
        app = self.app
        app.control.add_mailbox(Provider.OTHER, HUGO, name="Hugo Brandt")
        app.wait_for("Add account", "button menu").press("SetFocus")
        app.keys("space", "Down", "Down", "Down", "Return")
        wait_until(lambda: app.wait_for("Mail address", "text").has("focused"), "keyboard in the form")
        app.text(HUGO)
        app.wait_for_words("Servers found")
        app.wait_for("Password", "text").press("SetFocus")
        app.text(app.control.password(HUGO))
        self.tell("Add account → Other: the servers are found by the address.", "add-other")
        app.press("Check and add")
        app.wait_for_row(HUGO, "Connected")
        app.press("Close account")

    def settings(self) -> None:
        """The pages of the settings."""
        self._page("Notifications", "Show a test alert")
        self.tell("Settings → Notifications.", "notifications")
        self._page("Providers", "Save the Microsoft settings")
        self.tell("Settings → Providers: your own client IDs, tested in place.", "providers")
        self._page("General", "Run the checks")
        self.tell("Settings → General.", "general")

    def dark(self) -> None:
        """The same in the dark."""
        app = self.app
        app.press("Dark", "radio button")
        self._page("Sandbox", f"Remove access: {ANA}")
        self._remove_access(ANA)
        self._check()
        self._page("Email accounts", "Search accounts by address", "text")
        app.wait_for_row(ANA, "Expired")
        app.click_row(ANA)
        app.wait_for_words("You can fix this.")
        wait_until(lambda: self._notifications.visible, "alert")
        self._notifications.clear()
        self.tell("Dark, as the system wishes or as chosen.", "dark")
        self._page("General", "Run the checks")
        app.press("Light", "radio button")

    def first_steps(self) -> None:
        """What a newcomer meets."""
        app = self.app
        self._page("Email accounts", "Search accounts by address", "text")
        app.click_row(GINA)
        app.keys("ctrl+a", "Delete")
        app.press("Remove")
        app.wait_for_words("Connect your first mailbox")
        self.tell("Without accounts: the first steps.", "first-steps")

    # What they have in common

    def _page(self, name: str, landmark: str, role: str = "push button") -> None:
        """Open a page by the navigation, and wait for what is on it."""
        self.app.press(name, "check box")
        self.app.wait_for(landmark, role)

    def _check(self) -> None:
        """Have every account checked, from the tray."""
        self._tray.wait_for_icon().choose("Check now")

    def _remove_access(self, address: str) -> None:
        self.app.press(f"Remove access: {address}")
        wait_until(lambda: not self.app.grants(address), f"end of the access of {address}")

    def _consent_page(self) -> Page:
        return self._browser.wait_for_page(lambda page: page.title.startswith("Give Reply Desktop access"))

    def _allow(self) -> None:
        """Allow in the browser, and put it away."""
        self._consent_page().click("button[value=allow]")
        self._browser.wait_for_page(lambda page: "is signed in" in page.title)
        self._browser.close_pages()


def _data_folder() -> Path:
    """A private folder; of one name wherever it can be, for it is shown in the settings."""
    usual = Path(tempfile.gettempdir()) / "reply-desktop-tour"
    try:
        usual.mkdir(mode=0o700)
    except FileExistsError:
        return Path(tempfile.mkdtemp(prefix=f"{usual.name}-"))
    return usual


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """Play the tour into the folder given."""
    if len(arguments) != 1 or "REPLY_DESKTOP_SESSION" not in os.environ:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    pictures = Path(arguments[0])
    began = time.monotonic()
    tour = Tour(pictures)
    try:
        tour.play()
    except AssertionError as late:
        sys.stderr.write(f"The tour stopped here: {late}\nThe screen: {tour.trouble()}\n")
        return 1
    finally:
        tour.close()
    sys.stdout.write(f"The tour took {time.monotonic() - began:.0f} s; its pictures are in {pictures}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
