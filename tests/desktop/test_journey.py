"""The main job as a person does it: a real window, engine, tray, notification daemon and browser."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reply_desktop.channel.messages import GetAccount, ListAccounts
from reply_desktop.domain.rows import AccountFilter
from reply_desktop.domain.states import COLORS, Color
from reply_desktop.sandbox.control import Control, Door
from tests.harness.app import App, Heard, open_world
from tests.harness.browser import Browser
from tests.harness.fixtures import Desktop
from tests.harness.notifications import Closed, Notifications, Shown
from tests.harness.tray import GREEN, RED, Tray, wait_for_color
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.desktop, pytest.mark.slow]

ANA, BEN, DANA, EMIL, GINA = (
    "ana@harbor.example",
    "ben@harbor.example",
    "dana@fjord.example",
    "emil@outpost.example",
    "gina@lantern.example",
)
CHOSEN = "document.querySelector('input[name=sub]:checked')?.dataset.address"


@pytest.fixture(scope="module")
def world(desktop: Desktop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One data folder with its sandbox for all tests here; nothing runs yet."""
    with open_world(tmp_path_factory.mktemp("journey") / "data") as made:
        yield made


@pytest.fixture
def app(world: App) -> Iterator[App]:
    """The window, open, with the sandbox's five accounts proven and nothing unread."""
    try:
        world.start()
        world.wait_for_all("Connected")
        assert world.unread == 0
        yield world
        assert "Traceback" not in world.said, world.said
    finally:
        world.close_window()
        world.mend_all()


def lose(app: App, address: str, notifications: Notifications) -> Shown:
    """Take the access away in the sandbox panel, let the app check, and give the alert it raises."""
    app.press("Sandbox", "check box")
    app.press(f"Remove access: {address}")
    wait_until(lambda: not app.grants(address), "end of the access")
    app.press("Email accounts", "check box")
    app.press("Check all")
    app.wait_for_row(address, "Expired")
    return notifications.wait_for(lambda each: each.summary == f"{address} cannot send")


def result_page(browser: Browser) -> str:
    """What the app's own page says at the end of a sign-in."""
    return browser.wait_for_page(lambda page: page.title.endswith("– Reply Desktop")).text


def works_again(app: App, address: str, alert: Shown, notifications: Notifications, tray: Tray) -> None:
    """Green by a real check, the alert gone, and one good word about it, also after all has ended."""
    assert app.wait_for_row(address, "Connected").wrong == "Nothing is wrong"
    # A bubble whose button was pressed is put away by the daemon itself.
    pressed = bool(alert.pressed)
    assert notifications.wait_until_closed(alert) is (Closed.DISMISSED if pressed else Closed.WITHDRAWN)
    good = notifications.wait_for(lambda each: each.summary == f"{address} works again")
    assert good.hints["urgency"] == 1
    icon = tray.wait_for_icon()
    wait_until(lambda: icon.tooltip == "All 5 accounts connected", "calm tooltip")
    assert app.quit(icon) == 0
    said = [each.summary for each in notifications.shown if address in each.summary]
    assert said == [f"{address} cannot send", f"{address} works again"]


def test_access_removed_and_reconnected_by_the_button_in_the_row(
    app: App, browser: Browser, notifications: Notifications, tray: Tray
) -> None:
    shown = {row.address: row.provider for row in app.rows.values()}
    assert shown == {
        ANA: "Google", BEN: "Google", DANA: "Microsoft 365", EMIL: "Microsoft 365", GINA: "Other",
    }  # fmt: skip
    icon = tray.wait_for_icon()
    wait_until(lambda: icon.tooltip == "All 5 accounts connected", "calm tooltip")
    calm = icon.picture
    assert app.unread == 0

    alert = lose(app, ANA, notifications)
    row = app.rows[ANA]
    assert (row.wrong, row.action) == ("Access was removed or has expired", f"Reconnect {ANA}")
    assert next(iter(app.rows)) == ANA
    assert alert.body.startswith("Access was removed or has expired. Press Reconnect")
    assert alert.hints["urgency"] == 2
    wait_until(lambda: icon.tooltip.startswith(f"{ANA} needs you"), "tooltip that names the account")
    assert icon.picture != calm
    wait_until(lambda: app.unread == 1, "count of the bell")
    app.wait_for_words(f"{ANA} cannot send")

    app.click_row_button(ANA)
    page = browser.consent_page()
    assert page.evaluate(CHOSEN) == ANA
    app.wait_for_words("Finish in your browser")
    before = max((visit.id for visit in app.control.visits(mailbox=ANA)), default=0)
    page.click("button[value=allow]")
    assert f"{ANA} is signed in" in result_page(browser)
    app.wait_for_words("Connected")
    app.wait_for_row(ANA, "Connected")
    exchanged_and_proven = app.control.visits(after=before, mailbox=ANA, door=Door.TOKEN)
    statuses = [visit.status for visit in exchanged_and_proven]
    assert len(statuses) >= 2 and set(statuses) == {200}
    works_again(app, ANA, alert, notifications, tray)


def test_reconnected_by_the_button_of_the_alert(
    app: App, browser: Browser, notifications: Notifications, tray: Tray, screenshot: Callable[[str], Path]
) -> None:
    wait_for_color(screenshot, "journey-calm", GREEN)
    alert = lose(app, DANA, notifications)
    assert alert.actions == {"default": "", "reconnect": "Reconnect", "details": "Details"}
    wait_for_color(screenshot, "journey-lost", RED)
    # A click in the bubble: whoever sees the alert need not look for the window.
    notifications.press(alert, "reconnect", app.click)
    page = browser.consent_page()
    assert page.evaluate(CHOSEN) == DANA
    page.click("button[value=allow]")
    assert f"{DANA} is signed in" in result_page(browser)
    wait_until(lambda: not any(f"{DANA} cannot send" in said for said in app.words), "end of the banner")
    wait_for_color(screenshot, "journey-mended", GREEN)
    works_again(app, DANA, alert, notifications, tray)


def test_reconnected_by_keyboard_alone(
    app: App, browser: Browser, notifications: Notifications, tray: Tray
) -> None:
    app.control.apply(Control.REMOVE_ACCESS, EMIL)
    app.keys("F5")
    app.wait_for_row(EMIL, "Expired")
    alert = notifications.wait_for(lambda each: each.summary == f"{EMIL} cannot send")
    for _ in range(30):
        if app.table.has("focused"):
            break
        app.keys("Tab")
    app.keys("ctrl+Home", "Right", "space")
    assert browser.consent_page().evaluate(CHOSEN) == EMIL
    app.allow_by_keyboard(browser)
    wait_until(lambda: app.table.has("focused"), "keyboard back in the table")
    works_again(app, EMIL, alert, notifications, tray)


def test_another_account_or_no_consent_stores_nothing(
    app: App, browser: Browser, notifications: Notifications
) -> None:
    lose(app, BEN, notifications)
    client = app.client()
    (lost,) = client.ask(ListAccounts(AccountFilter(text=BEN))).ids
    before = client.ask(GetAccount(lost))

    app.click_row_button(BEN)
    page = browser.consent_page()
    page.click(f'input[data-address="{ANA}"]')
    page.click("button[value=allow]")
    told = result_page(browser)
    assert "That was another account" in told
    assert ANA in told and BEN in told
    app.wait_for_words("That was another account")
    app.wait_for_words(ANA, BEN, "Nothing was stored")
    assert app.rows[BEN].status == "Expired"

    browser.close_pages()
    app.press("Try again")
    browser.consent_page().click("button[value=deny]")
    assert "Access was refused" in result_page(browser)
    app.wait_for_words("Access was not given")
    assert app.rows[BEN].status == "Expired"

    after = client.ask(GetAccount(lost))
    assert after.granted_at == before.granted_at
    assert [each.cause for each in after.episodes] == [each.cause for each in before.episodes]
    assert len(client.ask(ListAccounts()).ids) == 5
    client.close()
    assert [each.summary for each in notifications.shown] == [f"{BEN} cannot send"]


def test_offline_is_orange_and_mends_itself(app: App, notifications: Notifications, tray: Tray) -> None:
    heard = Heard(app)
    app.press("Sandbox", "check box")
    app.press("Go offline", "check box")
    wait_until(lambda: app.control.state().conditions, "offline")
    app.press("Email accounts", "check box")
    app.press("Check all")
    rows = app.wait_for_all("At risk")
    assert {row.provider: row.wrong for row in rows.values()} == {
        "Google": "Cannot reach Google",
        "Microsoft 365": "Cannot reach Microsoft 365",
        "Other": "Cannot reach the mail server",
    }
    icon = tray.wait_for_icon()
    wait_until(lambda: "5 at risk" in icon.tooltip, "tooltip that says so")
    app.press("Sandbox", "check box")
    app.press("Go offline", "check box")
    app.press("Email accounts", "check box")
    app.wait_for_all("Connected")
    wait_until(lambda: icon.tooltip == "All 5 accounts connected", "calm tooltip")
    heard.close()
    assert heard.rows
    assert not [row for row in heard.rows if COLORS[row.state] is Color.RED]
    assert heard.notifications == []
    assert notifications.shown == []
    assert app.unread == 0


def test_closing_hides_it_and_a_second_launch_brings_it_back(app: App, tray: Tray) -> None:
    icon = tray.wait_for_icon()
    app.keys("alt+F4")
    wait_until(lambda: not app.frame.has("showing"), "hidden window")
    assert app.launch_again() == 0
    wait_until(lambda: app.frame.has("showing"), "window again")
    assert len(tray.icons) == 1
    app.keys("alt+F4")
    wait_until(lambda: not app.frame.has("showing"), "hidden window")
    icon.activate()
    wait_until(lambda: app.frame.has("showing"), "window again")
    assert app.rows[ANA].status == "Connected"


def test_a_killed_engine_is_restarted_and_said(app: App) -> None:
    footer = app.wait_for("Background service running", "label")
    killed = app.kill_engine()
    wait_until(lambda: footer.name == "Background service restarting…", "word about the restart")
    wait_until(lambda: footer.name == "Background service running", "engine running again")
    assert app.engine_pid != killed
    app.control.apply(Control.REMOVE_ACCESS, ANA)
    app.press("Check all")
    app.wait_for_row(ANA, "Expired")
    assert app.wait_for_row(BEN, "Connected").proven == "just now"


def test_a_killed_window_stops_nothing_and_the_next_shows_the_truth(app: App) -> None:
    engine = app.engine_pid
    app.kill_window()
    os.kill(engine, 0)
    heard = Heard(app)
    app.control.apply(Control.REMOVE_ACCESS, DANA)
    heard.check()
    heard.wait_for(lambda row: row.address == DANA and COLORS[row.state] is Color.RED, "red row")
    heard.close()
    app.start()
    assert app.wait_for_row(DANA, "Expired").wrong == "Permission was withdrawn"
    assert app.wait_for_row(ANA, "Connected")
    assert app.engine_pid == engine
    wait_until(lambda: app.unread == 1, "count of the bell")


def test_everything_a_person_handles_has_a_name(app: App, notifications: Notifications) -> None:
    lose(app, ANA, notifications)
    unnamed = app.nameless
    app.click_row(ANA)
    app.wait_for_words("You can fix this.")
    unnamed += app.nameless
    for page, landmark in {
        "Notifications": "Show a test alert",
        "Providers": "Save the Microsoft settings",
        "General": "Run the checks",
        "Sandbox": f"Remove access: {ANA}",
    }.items():
        app.press(page, "check box")
        app.root.wait_for(role="push button", name=landmark)
        unnamed += app.nameless
    assert unnamed == []
