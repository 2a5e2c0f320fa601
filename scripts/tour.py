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

from PySide6.QtCore import QRect
from PySide6.QtGui import QImage

from reply_desktop.channel.messages import (
    BeginConsent,
    GetAccounts,
    ListAccounts,
    MarkRead,
    PauseSending,
)
from reply_desktop.config import APP_ID
from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control
from reply_desktop.sandbox.person import Person
from reply_desktop.sandbox.seed import ALERTS_TO
from tests.harness.accessibility import Accessibility, Node
from tests.harness.app import App
from tests.harness.browser import Browser, Page
from tests.harness.notifications import Notifications, Shown
from tests.harness.tray import Tray
from tests.harness.waiting import wait_until

ANA, BEN, DANA, EMIL, GINA = (
    "ana@harbor.example",
    "ben@harbor.example",
    "dana@fjord.example",
    "emil@outpost.example",
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
DESK: Final = QRect(0, 0, 452, 200)
"""The corner of the screen with the tray, below which alerts are shown on request."""
PAGE_WIDTH: Final = 768
"""How much of a page is its cards and their margins."""
LIFE_S: Final = 60
"""How long a sign-in lives whose end is to be foreseen: the last quarter is orange."""
MAILED_S: Final = 90.0
"""How long an alert e-mail may take: it waits a minute for its companions."""
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

    def take(self, name: str, part: QRect | None = None) -> Path:
        """Wait until the screen rests, and keep it, or this part of it, under this name."""
        return self._keep(name, self._rested(part))

    def take_page(self, name: str, part: QRect, on: Callable[[], None]) -> Path:
        """Keep the whole of a page which this part of the screen shows; `on` turns it a little further."""
        lines = last = _lines(self._rested(part))
        while True:
            on()
            now = _lines(self._rested(part))
            turned = next(by for by in range(len(now) + 1) if now[: len(now) - by] == last[by:])
            assert turned < len(now), f"the page of {name} was turned too far"
            if not turned:
                break
            lines, last = lines + now[-turned:], now
        image = QImage(
            b"".join(lines), part.width(), len(lines), 4 * part.width(), QImage.Format.Format_RGB32
        )
        return self._keep(name, image)

    def _keep(self, name: str, image: QImage) -> Path:
        picture = self._folder / f"{name}.png"
        # Quality 0 is the strongest compression of a format without loss.
        image.convertToFormat(QImage.Format.Format_RGB888).save(str(picture), quality=0)
        return picture

    def _rested(self, part: QRect | None = None) -> QImage:
        alike, before = 0, QImage()
        deadline = time.monotonic() + 10
        while alike < SETTLED and time.monotonic() < deadline:
            now = self._look()
            alike = alike + 1 if now == before else 0
            before = now
            threading.Event().wait(0.04)
        return before if part is None else before.copy(part)

    def _look(self) -> QImage:
        subprocess.run(["scrot", "--overwrite", str(self._raw)], check=True, timeout=20)
        try:
            return QImage(str(self._raw))
        finally:
            self._raw.unlink()


def _lines(image: QImage) -> list[bytes]:
    """Every line of a picture, top down, four bytes for each dot."""
    rows = image.convertToFormat(QImage.Format.Format_RGB32)
    content, length = bytes(rows.constBits()), rows.bytesPerLine()
    return [content[at : at + length] for at in range(0, len(content), length)]


class Tour:
    """The steps, in order; each tells one line. `close` ends everything that was started."""

    def __init__(self, pictures: Path) -> None:
        self._camera = Camera(pictures)
        self._number = 0
        self._mails_before = 0
        self._data = _data_folder()
        self._accessibility, self._browser = Accessibility(), Browser()
        self._notifications, self._tray = Notifications(), Tray()
        self.app = App(self._data / "data", self._accessibility)

    def play(self) -> None:
        """All steps. Raises AssertionError when something does not come about."""
        for step in (
            self.connected, self.sequences, self.steps, self.sequence_settings, self.forecast,
            self.import_people, self.mail, self.alert, self.one_out, self.log, self.prospects,
            self.sends_again, self.access_removed, self.told, self.detail, self.bell, self.another_account,
            self.recovered, self.offline, self.add_other, self.settings, self.deadline, self.diagnosis,
            self.dark, self.together, self.alert_mail, self.first_steps,
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

    def tell(self, words: str, name: str, part: QRect | None = None) -> None:
        """One step is there: say so, and keep what it looks like."""
        self._say(words, self._camera.take(name, part))

    def tell_page(self, words: str, name: str, title: str) -> None:
        """As `tell`, with the whole of the page of this title, also what is out of view."""
        # The page and what scrolls in it have one name.
        *_, inside = (each for each in self.app.root.walk(shown=True) if _is_page(each, title))
        x, y, _, height = inside.extents
        self.app.scroll_up(*BESIDE)
        picture = self._camera.take_page(
            name, QRect(x, y, PAGE_WIDTH, height), lambda: self.app.scroll_down(*BESIDE)
        )
        self._say(words, picture)
        self.app.scroll_up(*BESIDE)

    def _say(self, words: str, picture: Path) -> None:
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
        self._sandbox()
        self._read_newest_mail("From: ")
        self.tell(
            "Nothing leaves the sandbox: its mail is read there, and answered as the recipient.", "mail"
        )

    def alert(self) -> None:
        """The access of the account that both use is taken away, while the window is out of sight."""
        app = self.app
        self._sandbox()
        self._remove_access(ANA)
        _bubbles_below_the_tray(True)
        _put_away_window()
        shown = self._alerted(f"{ANA} cannot send", 30)
        icon = self._tray.wait_for_icon()
        wait_until(lambda: icon.tooltip.startswith(f"{ANA} needs you"), "tray icon with its count")
        self.tell("The next mail finds out, and the desktop says so with the window away.", "alert", DESK)
        self._notifications.press(shown, "details")
        app.wait_for("Close account")
        _bubbles_below_the_tray(False)
        app.press("Close account")

    def one_out(self) -> None:
        """What becomes of the sequences that use it."""
        app = self.app
        app.press("Sequences", "check box")
        app.wait_for_toggle(ONE, "Active, red")
        app.wait_for_toggle(BOTH, "Active, orange")
        self._notifications.clear()
        wait_until(lambda: app.unread == 1, "count of the bell")
        for name, picture, words in (
            (BOTH, "toggle-orange", "Orange goes on from the account that works;"),
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
        self._alerted(f"{ANA} works again")
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
        self._alerted("2 accounts need you")
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
        self._alerted(f"{ANA} works again")
        self._notifications.clear()
        app.press("Done")
        app.click_row_button(DANA)
        self._allow()
        app.wait_for_all("Connected")
        app.wait_for("Done")
        self._alerted(f"{DANA} works again")
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
        """The pages of the settings, while a sign-in comes near its end."""
        self._sign_in_for(BEN, LIFE_S)
        self._page("Notifications", "Show a test alert")
        self.tell_page(
            "Settings → Notifications: what you hear, and where.", "notifications", "Notifications"
        )
        self._page("Providers", "Save the Microsoft settings")
        self.tell("Settings → Providers: your own client IDs, tested in place.", "providers")
        self._page("General", "Run the checks")
        self.tell("Settings → General.", "general")

    def deadline(self) -> None:
        """What is about to end is said before it breaks anything."""
        app = self.app
        self._page("Email accounts", "Search accounts by address", "text")
        app.wait_for_row(BEN, "At risk", LIFE_S)
        app.click_row(BEN)
        app.wait_for("What happened, and how to mend it")
        self._alerted(f"{BEN}: ")
        self._notifications.clear()
        self.tell("A sign-in about to end is orange with its date, before anything stops.", "deadline")
        self._sign_in_for(BEN)
        app.wait_for_row(BEN, "Connected")
        app.press("Close account")
        self._client_says_read()

    def diagnosis(self) -> None:
        """All that is known of one account's trouble."""
        app = self.app
        app.control.apply(Control.REMOVE_ACCESS, ANA)
        self._check()
        app.wait_for_row(ANA, "Expired")
        self._alerted(f"{ANA} cannot send")
        self._notifications.clear()
        app.click_row(ANA)
        app.press("What happened, and how to mend it")
        app.wait_for_words("Likely reasons")
        self.tell_page("Its diagnosis: what happened, why, and how to mend it.", "diagnosis", "Diagnosis")

    def dark(self) -> None:
        """The same in the dark."""
        app = self.app
        self._page("General", "Run the checks")
        app.press("Dark", "radio button")
        self._page("Notifications", "Show a test alert")
        self.tell_page("Dark, as the system wishes or as chosen.", "notifications-dark", "Notifications")
        self._page("Email accounts", "Search accounts by address", "text")
        app.click_row(ANA)
        app.wait_for_words("You can fix this.")
        self.tell("The accounts in the dark,", "dark")
        app.press("What happened, and how to mend it")
        app.wait_for_words("Likely reasons")
        self.tell_page("and the diagnosis.", "diagnosis-dark", "Diagnosis")
        self._page("General", "Run the checks")
        app.press("Light", "radio button")

    def together(self) -> None:
        """Several lost at once are one alert, one e-mail and one place in the bell."""
        app = self.app
        self._mails_before = self._alert_mails()
        self._client_says_read()
        for address in (BEN, DANA, EMIL):
            app.control.apply(Control.REMOVE_ACCESS, address)
        self._check()
        self._alerted("3 accounts need you")
        self._notifications.clear()
        self._page("Email accounts", "Search accounts by address", "text")
        app.press("Close account")
        wait_until(lambda: app.unread == 3, "count of the bell")
        app.press("Notifications, 3 unread")
        app.press(wait_until(self._lost_together, "place of those lost together"), "check box")
        app.wait_for(f"Details: {DANA} cannot send")
        self.tell("Three lost at once are one place in the bell, which unfolds.", "bell-together")
        app.keys("Escape")

    def _lost_together(self) -> str | None:
        """What unfolds them; on a quick computer the one lost before is among them."""
        boxes = (each.name for each in self.app.shown(role="check box"))
        return next((name for name in boxes if name.endswith("accounts cannot send")), None)

    def alert_mail(self) -> None:
        """The e-mail about it, as it came."""
        app = self.app
        self._page("Sandbox", f"Remove access: {ANA}")
        wait_until(lambda: self._alert_mails() > self._mails_before, "alert e-mail", MAILED_S)
        sheet = app.sheet("Mail that was sent")
        wait_until(lambda: sheet.cell(0, 2).name == ALERTS_TO, "alert e-mail in the list")
        self._read_newest_mail(ALERTS_TO)
        self.tell("One e-mail tells of them, sent through an account that still can.", "alert-mail")

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

    def _read_newest_mail(self, says: str) -> None:
        """Choose the first mail in the sandbox's list, and bring it into view."""
        app = self.app
        sheet = app.sheet("Mail that was sent")
        sheet.press("SetFocus")
        wait_until(lambda: sheet.has("focused"), "keyboard in the list of mail")
        app.keys("ctrl+Home", "space")
        read = app.wait_for("The message", "text")
        wait_until(lambda: says in read.text, f"mail with {says!r}")
        last = app.wait_for("Unsubscribe: as the recipient of the message")
        for _ in range(20):
            # What has the keyboard comes into view.
            if last.has("focused"):
                break
            app.keys("Tab")

    def _alerted(self, begins: str, deadline_s: float = 10.0) -> Shown:
        """The alert on the screen that begins so, once it is there."""
        return wait_until(
            lambda: next(
                (each for each in self._notifications.visible if each.summary.startswith(begins)), None
            ),
            f"alert {begins!r}",
            deadline_s,
        )

    def _alert_mails(self) -> int:
        """How many alert e-mails have arrived."""
        return sum(ALERTS_TO in mail.recipients for mail in self.app.control.messages())

    def _client_says_read(self) -> None:
        """Read everything, as another front may do."""
        client = self.app.client()
        client.ask(MarkRead())
        client.close()

    def _sign_in_for(self, address: str, seconds: int | None = None) -> None:
        """Sign an account in anew, for so long when that is given."""
        app = self.app
        if seconds is not None:
            app.control.apply(Control.TESTING_MODE, Provider.GOOGLE, seconds=seconds)
        client = app.client()
        rows = client.ask(GetAccounts(client.ask(ListAccounts()).ids)).rows
        account_id = next(row.id for row in rows if row.address == address)
        Person().consent(client.ask(BeginConsent(account=account_id)).url, address)
        client.close()
        app.control.clear(Control.TESTING_MODE, Provider.GOOGLE)

    def _consent_page(self) -> Page:
        return self._browser.wait_for_page(lambda page: page.title.startswith("Give Reply Desktop access"))

    def _allow(self) -> None:
        """Allow in the browser, and put it away."""
        self._consent_page().click("button[value=allow]")
        self._browser.wait_for_page(lambda page: "is signed in" in page.title)
        self._browser.close_pages()


def _is_page(node: Node, title: str) -> bool:
    return node.role == "filler" and node.name == title


def _bubbles_below_the_tray(below: bool) -> None:
    """Where the desktop shows its alerts from now on: below the tray, or at the lower end as usual."""
    corner = "0" if below else "3"
    words = ["xfconf-query", "--channel", "xfce4-notifyd", "--property", "/notify-location", "--set", corner]
    subprocess.run(words, check=True, timeout=20)


def _put_away_window() -> None:
    words = ["xdotool", "search", "--onlyvisible", "--class", APP_ID, "windowminimize"]
    subprocess.run(words, check=True, timeout=20, capture_output=True)


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
