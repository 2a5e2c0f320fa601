"""An account is lost: told and mended by keyboard and by screen reader, once, whatever dies or is missing."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reply_desktop.adapters.clock import SystemClock
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.vault import KeyringVault
from reply_desktop.channel.messages import PutSettings
from reply_desktop.domain import grant
from reply_desktop.domain.grant import TokenSet
from reply_desktop.domain.preferences import EMAIL_TO
from reply_desktop.sandbox.control import Control
from reply_desktop.sandbox.seed import ALERTS_TO
from reply_desktop.ui.bubble_file import kept
from tests.desktop.telling import (
    ANA,
    DANA,
    EMIL,
    SEQUENCE,
    alert_mails,
    bell_entry,
    lose,
    lost,
    newest_mail,
    open_settings,
    red,
    start,
    told,
)
from tests.harness.accessibility import Accessibility
from tests.harness.app import App, open_world
from tests.harness.browser import Browser
from tests.harness.fixtures import Desktop
from tests.harness.notifications import Closed, Notifications, Shown
from tests.harness.tray import RED, Panel, Tray, wait_for_color
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.desktop, pytest.mark.slow, pytest.mark.timeout(300)]

NO_TRAY = "This desktop shows no tray icons. Alerts, the bell and the banner tell you all the same."
Screenshot = Callable[[str], Path]


@pytest.fixture(scope="module")
def world(desktop: Desktop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One data folder with its sandbox for all tests here; nothing runs yet."""
    with open_world(tmp_path_factory.mktemp("told") / "data") as made:
        yield made


@pytest.fixture
def app(world: App) -> Iterator[App]:
    """The window, open, with the sandbox's five accounts proven, its sequences sending, nothing unread."""
    try:
        start(world)
        yield world
        assert "Traceback" not in world.said, world.said
    finally:
        world.close_window()
        world.mend_all()


def works_again(app: App, address: str, alert: Shown, notifications: Notifications, tray: Tray) -> None:
    """Green, the alert withdrawn, one good word, no banner, a calm icon; the bell keeps both entries."""
    open_settings(app, "Email accounts")
    app.wait_for_row(address, "Connected")
    assert notifications.wait_until_closed(alert) is Closed.WITHDRAWN
    notifications.wait_for(lambda each: each.summary == f"{address} works again")
    wait_until(lambda: not any(f"{address} cannot send" in said for said in app.words), "end of the banner")
    icon = tray.wait_for_icon()
    wait_until(lambda: icon.tooltip == "All 5 accounts connected", "calm tooltip")
    assert bell_entry(app, f"{address} works again")
    assert bell_entry(app, f"{address} cannot send").description.endswith("It is over.")
    assert told(notifications) == [f"{address} cannot send", f"{address} works again"]


def test_told_and_mended_by_keyboard_alone(
    app: App, browser: Browser, notifications: Notifications, tray: Tray, screenshot: Screenshot
) -> None:
    lose(app, ANA)
    alert = lost(notifications, ANA)
    wait_until(lambda: app.unread == 1, "count of the bell")
    app.tab_to("Notifications, 1 unread")
    app.keys("space")
    app.wait_for(f"Details: {ANA} cannot send")
    app.keys("Down")
    wait_until(lambda: app.with_keyboard(f"Details: {ANA} cannot send"), "keyboard on the entry")
    screenshot("told-bell")
    app.keys("Return")
    app.wait_for_log_entry("Account cannot send")
    app.keys("Return")
    app.wait_for_words("You can fix this.")
    app.tab_to("What happened, and how to mend it")
    app.keys("space")
    wait_until(lambda: app.with_keyboard("Back to the account"), "keyboard on the page")
    app.wait_for_words("How to mend it")
    assert ANA in app.tab_to("Reconnect").description, "it is the page's step"
    screenshot("told-diagnosis")
    app.keys("Return")
    app.allow_by_keyboard(browser)
    works_again(app, ANA, alert, notifications, tray)


def secrets_of(app: App, address: str) -> set[str]:
    """What the vault keeps of an account, which the session's keyring opens."""
    mine = app.account_id(address)
    with closing(SqliteStore(app.config.database, SystemClock())) as store, store.read() as unit:
        stored = unit.grants.get(mine)
    assert stored is not None
    entry = str(app.config.data_dir.resolve())
    with closing(KeyringVault(app.config.vault_file, entry=entry, any_sealed=lambda: stored[1])) as vault:
        vault.open_now()
        kept = grant.from_bytes(vault.open(mine, stored[1]))
    assert isinstance(kept, TokenSet)
    return {kept.refresh_token, kept.access_token} - {""}


def test_told_and_mended_through_a_screen_reader_alone(
    app: App,
    browser: Browser,
    accessibility: Accessibility,
    notifications: Notifications,
    tray: Tray,
    screenshot: Screenshot,
) -> None:
    known = secrets_of(app, EMIL)
    lose(app, EMIL)
    alert = lost(notifications, EMIL)
    app.wait_for_words(f"{EMIL} cannot send")
    wait_until(lambda: app.unread == 1, "count of the bell")
    details = bell_entry(app, f"{EMIL} cannot send")
    assert details.description.startswith(f"Unread. {EMIL} cannot send.")
    unnamed = app.nameless
    details.press("Press")
    app.press("What happened, and how to mend it")
    app.wait_for("Copy the report")
    unnamed += app.nameless
    report = app.wait_for("Report for your administrator", "text").text
    assert EMIL in report
    app.press("Copy the report")
    app.wait_for_words("The report is in the clipboard.")
    copied = app.clipboard
    assert copied.strip() == report.strip()
    assert known and not [secret for secret in known if secret in copied]
    steps = [each for each in app.shown("Reconnect") if EMIL in each.description]
    steps[0].press("Press")
    browser.consent_page()
    accessibility.wait_for_application("Chromium").wait_for(role="push button", name="Allow").press()
    browser.wait_for_page(lambda page: "is signed in" in page.title)
    app.press("Done")
    works_again(app, EMIL, alert, notifications, tray)
    assert unnamed == []


def test_a_window_that_dies_tells_nothing_twice_and_leaves_nothing_untold(
    app: App, notifications: Notifications, tray: Tray, screenshot: Screenshot
) -> None:
    lose(app, ANA)
    dead = lost(notifications, ANA)
    shown = app.config.data_dir / "bubbles.json"
    wait_until(lambda: kept(shown).numbers == (dead.id,), "number of the bubble in the window's file")
    app.kill_window()
    lose(app, DANA)
    wait_until(lambda: red(app) == {ANA, DANA}, "end of the second account")
    app.start()
    alive = lost(notifications, DANA)
    assert notifications.wait_until_closed(dead) is Closed.WITHDRAWN, "its buttons did nothing any more"
    assert notifications.visible == [alive]
    app.wait_for_words("2 accounts cannot send", ANA, DANA)
    wait_until(lambda: tray.wait_for_icon().tooltip.startswith("2 accounts need you"), "tooltip")
    wait_until(lambda: app.unread == 2, "count of the bell")
    screenshot("told-after-a-crash")
    app.kill_window()
    app.start()
    app.wait_for_words("2 accounts cannot send", ANA, DANA)
    # Whatever the third window had to tell of the two would come before this.
    lose(app, EMIL)
    lost(notifications, EMIL)
    assert told(notifications) == [f"{each} cannot send" for each in (ANA, DANA, EMIL)]


def test_without_a_tray_everything_else_tells(
    app: App, panel: Panel, tray: Tray, notifications: Notifications, screenshot: Screenshot
) -> None:
    app.close_window()
    panel.stop()
    app.start()
    open_settings(app, "Notifications")
    app.wait_for_words(NO_TRAY)
    screenshot("told-no-tray")
    lose(app, ANA)
    lost(notifications, ANA)
    app.wait_for_words(f"{ANA} cannot send", SEQUENCE)
    wait_until(lambda: app.unread == 1, "count of the bell")
    assert bell_entry(app, f"{ANA} cannot send")

    panel.start()
    wait_until(lambda: tray.wait_for_icon().tooltip.startswith(f"{ANA} needs you"), "tooltip")
    wait_until(lambda: NO_TRAY not in app.words, "end of the word about the tray")
    wait_for_color(screenshot, "told-late-tray", RED)
    assert told(notifications) == [f"{ANA} cannot send"]


EVIL = "<b>\u202eevil</b>\x07 " + "x" * 500
SAFE = "<b>evil</b> xxx"
"""What may be shown of it: the markup as text, nothing that turns the direction, and cut."""
HARM = frozenset("\u202e\u0000\x07")


def rename(app: App, before: str, after: str) -> None:
    """Give a sequence another name past every door, as a file from elsewhere may hold it."""
    with closing(sqlite3.connect(app.config.database, timeout=10)) as connection, connection:
        done = connection.execute("UPDATE sequences SET name = ? WHERE name = ?", (after, before))
    assert done.rowcount == 1


@pytest.fixture
def evil(app: App) -> Iterator[None]:
    """The sequence of Ana's account has this name, and nobody has given an address for alert e-mail."""
    rename(app, SEQUENCE, EVIL)
    app.ask(PutSettings({EMAIL_TO: '""'}))
    yield
    rename(app, EVIL, SEQUENCE)
    app.ask(PutSettings({EMAIL_TO: json.dumps(ALERTS_TO)}))


def test_hostile_texts_stay_texts_wherever_they_are_told(
    app: App, evil: None, notifications: Notifications, screenshot: Screenshot
) -> None:
    said = f"<img src=x>\u202edetfel\u0000 {'y' * 500}"
    answer = json.dumps({"error": "invalid_grant", "error_description": said})
    app.control.apply(Control.RAW_ANSWER, ANA, status=400, body=answer)
    lose(app, ANA)
    alert = lost(notifications, ANA)
    banner = app.wait_for_words(f"{ANA} cannot send", f"“{SAFE}", "…” sends nothing.")
    assert banner.count("x") < 80
    app.press("Sequences", "check box")
    names = wait_until(lambda: [name for name in app.toggles if SAFE in name], "its line in the list")
    screenshot("told-hostile")
    x, y, _, height = app.toggle(names[0]).extents
    tip = app.hover(x + 36, y + height // 2)
    assert ANA in tip and len(tip) < 1200

    bell_entry(app, f"{ANA} cannot send").press("Press")
    entry = [cell.name for cell in app.wait_for_log_entry("Account cannot send")]
    app.keys("Return")
    app.press("What happened, and how to mend it")
    app.wait_for("Copy the report")
    (link,) = [each.name for each in app.shown() if SAFE in each.name]
    assert len(link) <= 80 and link.endswith("…")
    quote = app.wait_for("The provider's own text", "text").text
    assert "<img src=x>" in quote and quote.count("y") < 500
    shown = [*names, tip, *entry, *app.words, link, quote, alert.summary, alert.body]
    assert not [text for text in shown if HARM & set(text)]

    after = newest_mail(app)
    app.ask(PutSettings({EMAIL_TO: json.dumps(ALERTS_TO)}))
    (mail,) = wait_until(lambda: alert_mails(app, after), "alert e-mail")
    assert mail["Subject"] == f"{ANA} cannot send"
    bodies = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
    assert SAFE in bodies["text/plain"]
    assert "&lt;b&gt;evil&lt;/b&gt; xxx" in bodies["text/html"]
    assert "<b>evil" not in bodies["text/html"] and "<img" not in bodies["text/html"]
    assert not [body for body in bodies.values() if HARM & set(body) or body.count("x" * 100)]
