"""Sequences as a person sees them go wrong and right: switch, tip, banner, bell, log, browser, mail, keyboard."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from reply_desktop.channel.messages import ListSequences, PauseSending
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.sandbox.control import SinkMessage
from tests.harness.app import App, open_world
from tests.harness.browser import Browser
from tests.harness.fixtures import Desktop
from tests.harness.notifications import Notifications
from tests.harness.tray import Tray
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.desktop, pytest.mark.slow, pytest.mark.timeout(300)]

ANA, DANA = "ana@harbor.example", "dana@fjord.example"
BOTH, ONE = "Spring outreach", "Partner follow-up"
"""The sequence of two accounts, Ana's among them, and the one of Ana's alone."""
TABS = {
    "Steps": ("Insert field", "button menu"),
    "Prospects": ("Prospects", "table"),
    "Log": ("Log", "table"),
    "Forecast": ("Every hour as a table", "check box"),
    "Settings": ("Limit the mails a day", "check box"),
}
"""The tabs of a sequence, and what each is known by."""
MAIL_S = 45.0
"""How long a mail may be on its way: the gap between two, and all that a loaded machine adds."""
INBOX_S = 60.0
"""How long a reply may lie in the inbox: looks come every 5 s in a sandbox."""
WHAT, _, TOLD, ACCOUNT, PROSPECT = range(5)
"""Columns of the log."""
REPLIED = 6
"""Column of the list."""


@pytest.fixture(scope="module")
def world(desktop: Desktop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One data folder with its sandbox for all tests here; nothing runs yet."""
    with open_world(tmp_path_factory.mktemp("sequences") / "data") as made:
        yield made


@pytest.fixture
def app(world: App) -> Iterator[App]:
    """The window, open at the list, with every account proven and both sequences sending."""
    try:
        world.start()
        world.press("Sequences", "check box")
        for name in (BOTH, ONE):
            world.wait_for_toggle(name, "Active, green")
        yield world
        assert "Traceback" not in world.said, world.said
    finally:
        world.close_window()
        world.mend_all()


def sequences(app: App) -> dict[str, SequenceRow]:
    """Every sequence as the engine has it, by name."""
    client = app.client()
    try:
        return {row.name: row for row in client.ask(ListSequences()).rows}
    finally:
        client.close()


def open_sandbox(app: App) -> None:
    """The panel of the sandbox."""
    app.press("Settings", "check box")
    app.press("Sandbox", "check box")


def remove_access(app: App, address: str) -> None:
    """Take the access away in the panel, and go back to the list; nobody asks for a check."""
    open_sandbox(app)
    app.press(f"Remove access: {address}")
    wait_until(lambda: not app.grants(address), "end of the access")
    app.press("Sequences", "check box")


def mails(app: App, after: int = 0) -> Sequence[SinkMessage]:
    """What the sink took in since then."""
    return app.control.messages(after=after)


def mail_from(app: App, address: str, after: int) -> SinkMessage:
    """The next mail of an account, once there is one."""
    found = app.control.messages(after=after, account=address, wait_s=MAIL_S)
    assert found, f"no mail from {address}"
    return found[0]


def told_of(app: App, sequence: str) -> str:
    """What the tip over a sequence's switch says."""
    x, y, _, height = app.toggle(sequence).extents
    return app.hover(x + 36, y + height // 2)


@contextmanager
def nothing_sent(app: App) -> Iterator[None]:
    """No mail leaves meanwhile: each brings a new entry, and a cell is known by its place only."""
    with closing(app.client()) as client:
        client.ask(PauseSending(True))
        try:
            wait_until(lambda: not being_sent(app), "end of what is being sent")
            yield
        finally:
            client.ask(PauseSending(False))


def being_sent(app: App) -> int:
    """How many mails are on their way, of which no front is told."""
    with closing(sqlite3.connect(f"{app.config.database.as_uri()}?mode=ro", uri=True)) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM touches WHERE state = 'sending'").fetchall()
    return int(count)


def log_of(app: App, sequence: str) -> list[dict[str, str]]:
    """The log as the command tells it, newest first."""
    done = app.run("sequences", "log", sequence, "--json")
    assert done.returncode == 0, done.stderr
    entries: list[dict[str, str]] = json.loads(done.stdout)["entries"]
    return entries


def test_one_account_lost_and_mended_from_the_log(
    app: App, browser: Browser, notifications: Notifications, tray: Tray, screenshot: Callable[[str], Path]
) -> None:
    assert told_of(app, BOTH).splitlines()[0] == f"Mail is sent from {ANA} and {DANA}."

    remove_access(app, ANA)
    # The next mail finds out; nobody asked for a check.
    red = app.wait_for_toggle(ONE, "Active, red: Processing cannot begin")
    orange = app.wait_for_toggle(
        BOTH, f"Active, orange: Mail is sent only from the remaining active accounts: {DANA}."
    )
    assert ANA in red and ANA in orange
    for sequence in (ONE, BOTH):
        tip = told_of(app, sequence)
        assert f"{ANA}: Access was removed or has expired. Press Reconnect" in tip
        assert tip.startswith("Processing cannot begin" if sequence == ONE else "Mail is sent only from")
    screenshot("sequences-orange-and-red")
    app.wait_for_words(f"{ANA} cannot send", f"“{ONE}” sends nothing.", f"“{BOTH}” goes on without it.")
    wait_until(lambda: tray.wait_for_icon().tooltip.startswith(f"{ANA} needs you"), "tooltip of the tray")
    alert = notifications.wait_for(lambda each: each.summary == f"{ANA} cannot send")
    last = max(mail.id for mail in mails(app))
    mail_from(app, DANA, last)

    wait_until(lambda: app.unread == 1, "count of the bell")
    app.press("Notifications, 1 unread")
    app.press(f"Details: {ANA} cannot send")
    with nothing_sent(app):
        entry = app.wait_for_log_entry("Account cannot send")
        assert entry[ACCOUNT].name == ANA
        assert ANA in entry[TOLD].name
        assert app.wait_for("Log", "page tab").has("selected")
        notifications.clear_all()
        screenshot("sequences-log-at-the-entry")
        # The entry has the keyboard; a pointer's click could meet a bubble or a row that has moved.
        app.keys("Return")
        app.wait_for_words("You can fix this.")
    lost_at = max(mail.id for mail in mails(app))
    app.press("Reconnect")
    page = browser.consent_page()
    assert {mail.account for mail in mails(app, last)} == {DANA}
    page.click("button[value=allow]")
    browser.wait_for_page(lambda page: "is signed in" in page.title)
    browser.close_pages()

    app.press("Sequences", "check box")
    for sequence in (ONE, BOTH):
        app.wait_for_toggle(sequence, "Active, green")
        kinds = [entry["kind"] for entry in log_of(app, sequence) if entry["account"] == ANA]
        assert kinds.count("account_out") == kinds.count("account_back") == 1
        assert kinds.index("account_back") < kinds.index("account_out")
    assert notifications.wait_until_closed(alert)
    mail_from(app, ANA, lost_at)
    notifications.wait_for(lambda each: each.summary == f"{ANA} works again")
    shown = [each.summary for each in notifications.shown if ANA in each.summary]
    assert shown == [f"{ANA} cannot send", f"{ANA} works again"]


def open_tab(app: App, sequence: str, tab: str) -> None:
    """A tab of a sequence, by the list."""
    app.press("Sequences", "check box")
    cell = app.toggle(sequence)
    x, y, width, height = cell.extents
    app.double_click_at(x + width + 40, y + height // 2)
    wait_until(lambda: app.wait_for("Name of the sequence", "text").text == sequence, f"page of {sequence}")
    app.press(tab, "page tab")
    app.wait_for(*TABS[tab])


def test_a_mail_is_read_and_answered_as_its_recipient(
    app: App, browser: Browser, screenshot: Callable[[str], Path]
) -> None:
    open_tab(app, ONE, "Settings")
    app.press(f"Allow reading for {ANA}")
    browser.consent_page().click("button[value=allow]")
    browser.wait_for_page(lambda page: "is signed in" in page.title)
    browser.close_pages()
    app.wait_until_gone(f"Allow reading for {ANA}")

    mail_from(app, ANA, mails(app)[-1].id)
    open_sandbox(app)
    sheet = app.sheet("Mail that was sent")
    sheet.press("SetFocus")
    wait_until(lambda: sheet.has("focused"), "keyboard in the list of mail")
    app.keys("ctrl+Home", "space")
    read = app.wait_for("The message", "text")
    for _ in range(20):
        wait_until(lambda: read.text.startswith("From: "), "a mail in the panel")
        if f"From: {ANA}" in read.text:
            break
        app.keys("Down")
    words = dict(line.split(": ", 1) for line in read.text.splitlines()[:4])
    recipient = words["To"]
    assert recipient in {mail.recipients[0] for mail in mails(app) if mail.account == ANA}
    app.press("Reply: as the recipient of the message")
    app.wait_for_words("Reply: it is on its way to the sender's inbox.")
    screenshot("sequences-answered")

    app.press("Sequences", "check box")

    def replied() -> bool:
        return sum(row.replied for row in sequences(app).values()) == 1

    wait_until(replied, "reply that was seen", INBOX_S)
    (name,) = [name for name, row in sequences(app).items() if row.replied]
    told = app.sheet("Sequences")
    row = list(app.toggles).index(name)
    wait_until(lambda: told.cell(row, REPLIED).name == "1 replied", "reply in the list")
    (entry,) = [each for each in log_of(app, name) if each["kind"] == "replied"]
    assert entry["prospect"] == recipient


def test_switched_off_and_on_by_keyboard_alone(app: App) -> None:
    app.press("Settings", "check box")
    app.keys("ctrl+1")
    sheet = app.sheet("Sequences")
    for _ in range(30):
        if sheet.has("focused"):
            break
        app.keys("Tab")
    app.keys("ctrl+Home")
    first = next(iter(app.toggles))
    app.keys("space")
    app.wait_for_toggle(first, "Paused, grey: Paused: nothing is sent")
    app.keys("space", "Down", "Down", "Return")
    app.wait_for_toggle(first, "Active, green")
    kinds = [entry["kind"] for entry in log_of(app, first)]
    assert kinds[:1] != ["paused"]
    assert kinds.count("paused") == 1 and kinds.count("launched") == 2


def test_everything_a_person_handles_has_a_name(app: App, screenshot: Callable[[str], Path]) -> None:
    unnamed = app.nameless
    open_tab(app, BOTH, "Steps")
    for tab, landmark in TABS.items():
        app.press(tab, "page tab")
        app.wait_for(*landmark)
        unnamed += [f"{tab}: {each}" for each in app.nameless]
        screenshot(f"sequence-{tab.lower()}")
    app.press("Prospects", "page tab")
    app.press("Import CSV…")
    app.wait_for("Choose a file…")
    unnamed += app.nameless
    app.keys("Escape")
    assert unnamed == []


def test_a_link_opens_the_log_in_the_window_that_is_there(app: App) -> None:
    row = sequences(app)[ONE]
    app.keys("alt+F4")
    wait_until(lambda: not app.frame.has("showing"), "hidden window")
    assert app.launch_again("--open", f"reply-desktop://sequence/{row.id}/log") == 0
    wait_until(lambda: app.frame.has("showing"), "window again")
    app.sheet("Log")
    assert app.wait_for("Name of the sequence", "text").text == ONE
    assert app.wait_for("Log", "page tab").has("selected")


def test_people_are_imported_from_a_file(app: App, tmp_path: Path, screenshot: Callable[[str], Path]) -> None:
    people = tmp_path / "people.csv"
    people.write_text(
        "Vorname;Kontakt;Firma\nZoë;zoe@quay.example;Quay & Co\nNobody;;Nowhere\nŽiga;ziga@quay.example;Quay\n",
        encoding="utf-8",
    )
    open_tab(app, ONE, "Prospects")
    before = sequences(app)[ONE].prospects
    app.press("Import CSV…")
    app.press("Choose a file…")
    app.choose_file("Import prospects from", people)
    app.wait_for_words("How the file is read")
    app.wait_for_words("3 lines")
    assert app.wait_for("Kontakt is the e-mail address", "radio button").has("checked")
    first_name = app.wait_for("Merge field for Vorname", "text")
    assert first_name.text == "vorname"
    first_name.type("first name")
    app.wait_for("Merge field for Firma", "text").type("company")
    screenshot("sequences-import")
    app.press("Import")
    app.wait_for_words("2 prospects imported")
    app.wait_for_words("1 without a usable address")
    app.press("Close")
    sheet = app.sheet("Prospects")
    wait_until(lambda: sheet.size[0] == before + 2, "people in the table")
    app.wait_for("Search prospects by e-mail", "text").type("quay.example")
    wait_until(lambda: sheet.size[0] == 2, "people found")
    wait_until(
        lambda: [sheet.cell(row, 1).name for row in range(2)] == ["zoe@quay.example", "ziga@quay.example"],
        "addresses",
    )
    assert sequences(app)[ONE].prospects == before + 2


def test_quit_asks_what_becomes_of_the_sequences(app: App, tray: Tray) -> None:
    icon = tray.wait_for_icon()
    icon.choose("Quit")
    app.wait_for_words(f"“{ONE}” and “{BOTH}” are on. Keep sending without the window?")
    app.press("Cancel")
    app.wait_until_gone("Cancel")
    assert app.wait_for_toggle(BOTH, "Active, green")
    engine = app.engine_pid
    assert app.quit(icon, "Keep sending") == 0
    mail_from(app, DANA, mails(app)[-1].id)
    app.start()
    assert app.engine_pid == engine
    assert app.quit(tray.wait_for_icon(), "Stop sending") == 0
    wait_until(lambda: not Path(f"/proc/{engine}").exists(), "end of the engine")
