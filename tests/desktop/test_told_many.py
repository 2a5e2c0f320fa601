"""Fifty accounts are lost at once: one alert, one entry in the bell, one e-mail."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reply_desktop.channel.messages import BeginConsent, PutSettings
from reply_desktop.domain.preferences import EMAIL_TO
from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.person import Person
from reply_desktop.sandbox.seed import ALERTS_TO
from tests.desktop.telling import ANA, DANA, EMIL, alert_mails, lose, newest_mail, red, start
from tests.harness.app import App, open_world
from tests.harness.fixtures import Desktop
from tests.harness.notifications import Notifications
from tests.harness.tray import RED, Tray, wait_for_color
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.desktop, pytest.mark.slow, pytest.mark.timeout(300)]

BEN = "ben@harbor.example"
TEAM = [f"team{number:02}@harbor.example" for number in range(46)]
FIFTY = [ANA, BEN, DANA, EMIL, *TEAM]
"""All accounts with a sign-in; Gina's, with a password, is left."""


@pytest.fixture
def app(desktop: Desktop, tmp_path: Path) -> Iterator[App]:
    """The window, open, with fifty-one accounts, of which nobody is told by e-mail yet."""
    with open_world(tmp_path / "data") as made:
        start(made)
        made.ask(PutSettings({EMAIL_TO: '""'}))
        for address in TEAM:
            made.control.add_mailbox(Provider.GOOGLE, address)
            asked = made.ask(BeginConsent(provider=Provider.GOOGLE, login_hint=address))
            Person().consent(asked.url, address)
        yield made
        assert "Traceback" not in made.said, made.said


def test_fifty_accounts_lost_in_one_minute(
    app: App, notifications: Notifications, tray: Tray, screenshot: Callable[[str], Path]
) -> None:
    icon = tray.wait_for_icon()
    wait_until(lambda: icon.tooltip == "All 51 accounts connected", "calm tooltip")
    lose(app, *FIFTY[:7])
    wait_until(lambda: len(red(app)) == 7, "end of the first seven")
    wait_until(lambda: icon.tooltip.startswith("7 accounts need you"), "tooltip about seven")
    seven = icon.picture
    lose(app, *FIFTY[7:])
    alert = notifications.wait_for(lambda each: each.summary == "50 accounts need you", 60)
    wait_until(lambda: icon.tooltip.startswith("50 accounts need you"), "tooltip about fifty")
    assert icon.picture != seven
    wait_for_color(screenshot, "told-fifty", RED)
    app.wait_for_words("50 accounts cannot send")
    wait_until(lambda: app.unread == 50, "count of the bell")

    app.bell.press("Press")
    fold = app.wait_for("Show all 50: 50 accounts cannot send", "check box")
    assert not [each.name for each in app.shown() if each.name.startswith("Details: ")]
    screenshot("told-fifty-bell")
    fold.press("Toggle")
    app.wait_for("Show 10 more: 50 accounts cannot send")
    assert len([each for each in app.shown() if each.name.startswith("Details: ")]) == 10
    unnamed = app.nameless
    screenshot("told-fifty-unfolded")

    after = newest_mail(app)
    app.ask(PutSettings({EMAIL_TO: json.dumps(ALERTS_TO)}))
    (mail,) = wait_until(lambda: alert_mails(app, after), "alert e-mail")
    assert mail["Subject"] == "50 accounts cannot send"

    app.press("Mark read: 50 accounts cannot send")
    wait_until(lambda: app.unread == 0, "nothing unread")
    bad = [each for each in notifications.shown if each.hints["urgency"] == 2]
    assert {each.id for each in bad} == {alert.id}
    assert all(each.replaces == alert.id for each in bad[1:])
    assert notifications.visible == [bad[-1]]
    assert bad[-1].summary == "50 accounts need you"
    assert unnamed == []
