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

from reply_desktop.channel.messages import MarkRead, PauseSending
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
BOTH, ONE = "Spring outreach", "Partner follow-up"
"""The sequence of two accounts, Ana's among them, and the one of Ana's alone."""
PEOPLE: Final = """E-Mail;Vorname;Nachname;Firma
zoe@quay.example;Zoë;Ortega;Quay & Daughters
ziga@mill.example;Žiga;Kovač;Mill Lane
oyvind@fjell.example;Øyvind;Berg;Fjell AS
"""
PLACE: Final = (0, 31, 1280, 769)
"""Where the window lies on the screen of 1280x800: all that the panel leaves."""
BROWSER_PLACE: Final = (10, 60, 850, 720)
"""Where the browser lies: beside what the window says about the sign-in."""
NOTHING: Final = (700, 680)
"""A place under the last row of the table; a click there chooses none."""
BESIDE: Final = (1100, 400)
"""A place on the page of the settings beside its cards."""
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
            self.connected, self.sequences, self.steps, self.sequence_settings, self.forecast,
            self.import_people, self.mail, self.one_out, self.log, self.prospects, self.sends_again,
            self.access_removed, self.told, self.detail, self.bell, self.another_account, self.recovered,
            self.offline, self.add_other, self.settings, self.dark, self.first_steps,
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

    def sequences(self) -> None:
        """The two sequences of the sandbox, at work."""
        app = self.app
        app.press("Sequences", "check box")
        for name in (BOTH, ONE):
            app.wait_for_toggle(name, "Active, green")
        self._mailed(6)
        self.tell("Two sequences send by themselves; both switches are green.", "sequences")

    def steps(self) -> None:
        """What one of them says, and to whom."""
        self._open_sequence(BOTH)
        self.app.wait_for("Insert field", "button menu")
        self.app.wait_for_words("A question about Northwind Bakery")
        self.tell("Its steps, with the mail as one prospect gets it.", "steps")

    def sequence_settings(self) -> None:
        """What it sends from, and when."""
        self._tab("Settings", "Limit the mails a day", "check box")
        self.tell("Its accounts, its hours, its pace.", "sequence-settings")

    def forecast(self) -> None:
        """What the next hours bring."""
        self._tab("Forecast", "Every hour as a table", "check box")
        self.tell("What leaves in the next 24 hours, by hour and account.", "forecast")

    def import_people(self) -> None:
        """A file from a spreadsheet, of another country."""
        app, people = self.app, self._data / "people.csv"
        people.write_text(PEOPLE, encoding="utf-8")
        self._tab("Prospects", "Prospects", "table")
        app.press("Import CSV…")
        app.press("Choose a file…")
        app.choose_file("Import prospects from", people)
        app.wait_for_words("How the file is read")
        app.wait_for("Merge field for Vorname", "text").type("first_name")
        app.wait_for("Merge field for Firma", "text").type("company")
        self.tell("A CSV file: how it is read is shown before anything is imported.", "import")
        app.press("Cancel")
        app.wait_until_gone("Cancel")

    def mail(self) -> None:
        """What was sent lies in the sandbox."""
        app = self.app
        self._sandbox()
        sheet = app.sheet("Mail that was sent")
        sheet.press("SetFocus")
        wait_until(lambda: sheet.has("focused"), "keyboard in the list of mail")
        app.keys("ctrl+Home", "space")
        read = app.wait_for("The message", "text")
        wait_until(lambda: read.text.startswith("From: "), "words of a mail")
        last = app.wait_for("Unsubscribe: as the recipient of the message")
        for _ in range(20):
            # What has the keyboard comes into view.
            if last.has("focused"):
                break
            app.keys("Tab")
        self.tell(
            "Nothing leaves the sandbox: its mail is read there, and answered as the recipient.", "mail"
        )

    def one_out(self) -> None:
        """The access of the account that both use is taken away."""
        app = self.app
        self._sandbox()
        self._remove_access(ANA)
        app.press("Sequences", "check box")
        app.wait_for_toggle(ONE, "Active, red")
        app.wait_for_toggle(BOTH, "Active, orange")
        self._notifications.wait_for(lambda each: each.summary == f"{ANA} cannot send")
        self._notifications.clear()
        wait_until(lambda: app.unread == 1, "count of the bell")
        for name, picture, words in (
            (BOTH, "toggle-orange", "The next mail finds out: orange goes on from the account that works;"),
            (ONE, "toggle-red", "red has none left. The tip over the switch says why, and what to do."),
        ):
            x, y, _, height = app.toggle(name).extents
            app.hover(x + 36, y + height // 2)
            self.tell(words, picture)

    def log(self) -> None:
        """The bell leads to the very entry."""
        app = self.app
        app.press("Notifications, 1 unread")
        app.press(f"Details: {ANA} cannot send")
        app.wait_for("Clear highlight")
        self.tell("The bell's Details opens the sequence's log at the entry.", "log")

    def prospects(self) -> None:
        """Where each person stands."""
        app = self.app
        app.press("Back to all sequences")
        self._open_sequence(BOTH)
        self._tab("Prospects", "Prospects", "table")
        self.tell("Its prospects: each with step, account, and when the next mail is due.", "prospects")

    def sends_again(self) -> None:
        """One click on the banner, and all goes on; then sending rests, for what follows is of accounts."""
        app = self.app
        app.press("Reconnect")
        self._allow()
        app.press("Done", deadline_s=30)
        app.press("Close account")
        app.click_at(*NOTHING)
        app.press("Sequences", "check box")
        for name in (BOTH, ONE):
            app.wait_for_toggle(name, "Active, green")
        self._notifications.wait_for(lambda each: each.summary == f"{ANA} works again")
        self._notifications.clear()
        client = app.client()
        client.ask(PauseSending(True))
        client.ask(MarkRead())
        client.close()
        app.press("Settings", "check box")

    def access_removed(self) -> None:
        """The person takes the access away at two providers."""
        self._page("Sandbox", f"Remove access: {ANA}")
        self.app.scroll_up(*BESIDE)
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
        self.tell("The bell keeps every notification; Details opens the log of the sequence it hit.", "bell")
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

    def _open_sequence(self, name: str) -> None:
        """Open a sequence from the list, by a double click on its name."""
        app = self.app
        x, y, width, height = app.toggle(name).extents
        app.double_click_at(x + width + 40, y + height // 2)
        wait_until(lambda: app.wait_for("Name of the sequence", "text").text == name, f"page of {name}")

    def _tab(self, name: str, landmark: str, role: str) -> None:
        """Open a tab of a sequence, and wait for what is on it."""
        self.app.press(name, "page tab")
        self.app.wait_for(landmark, role)

    def _sandbox(self) -> None:
        self.app.press("Settings", "check box")
        self._page("Sandbox", f"Remove access: {ANA}")

    def _mailed(self, number: int) -> None:
        """Wait until so many mails have left."""
        wait_until(lambda: len(self.app.control.messages()) >= number, f"{number} mails", 60)

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
    except (AssertionError, TimeoutError) as late:
        sys.stderr.write(f"The tour stopped here: {late}\nThe screen: {tour.trouble()}\n")
        return 1
    finally:
        tour.close()
    sys.stdout.write(f"The tour took {time.monotonic() - began:.0f} s; its pictures are in {pictures}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
