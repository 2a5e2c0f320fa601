"""Where alerts go is set through a screen reader alone: choices, quiet hours, e-mail, relay, team channels."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from reply_desktop.channel.messages import (
    GetAlertMail,
    GetSettings,
    ListAccounts,
    ListTeamChannels,
    PauseAccounts,
    PutSettings,
    ResumeAccounts,
)
from reply_desktop.domain.grant import MailServer, Security
from reply_desktop.domain.preferences import ALERT_CHOICES, EMAIL_CAP, EMAIL_TO, OTHER_ACCOUNTS, QUIET
from reply_desktop.sandbox.seed import ALERTS_TO
from tests.desktop.telling import ANA, bell_entry, lose, lost, newest_mail, open_settings, start
from tests.harness.accessibility import Node
from tests.harness.app import App, open_world
from tests.harness.fixtures import Desktop
from tests.harness.mail_servers import Authority, Mailbox, smtp_server
from tests.harness.notifications import Notifications
from tests.harness.waiting import wait_until
from tests.harness.web import WebServer, said

pytestmark = [pytest.mark.desktop, pytest.mark.slow, pytest.mark.timeout(300)]

RELAY_PASSWORD = "a relay's own password"
LEA = "lea@harbor.example"
Screenshot = Callable[[str], Path]


@dataclass(frozen=True)
class RelayServer:
    """A real mail server that alerts may leave by, and what it has taken in."""

    server: MailServer
    box: Mailbox


@pytest.fixture(scope="module")
def authority(desktop: Desktop) -> Authority:
    """Who vouches for the relay, beside the sandbox's own."""
    return Authority()


@pytest.fixture(scope="module")
def relay(authority: Authority) -> Iterator[RelayServer]:
    """It ends after the engine, which keeps its line to it for a while."""
    box = Mailbox("alerts", RELAY_PASSWORD)
    with smtp_server(authority, box, Security.TLS) as server:
        yield RelayServer(server, box)


@pytest.fixture(scope="module")
def world(
    authority: Authority, relay: RelayServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """One data folder with its sandbox for all tests here; nothing runs yet."""
    folder = tmp_path_factory.mktemp("settings")
    trusted = folder / "trusted.pem"
    authority.ca.cert_pem.write_to_path(trusted)
    with open_world(folder / "data", env={**os.environ, "REQUESTS_CA_BUNDLE": str(trusted)}) as made:
        yield made


@pytest.fixture
def app(world: App) -> Iterator[App]:
    """The window, open, with all accounts proven and nothing unread; the settings are put back afterwards."""
    names = (ALERT_CHOICES, EMAIL_CAP, EMAIL_TO, OTHER_ACCOUNTS, QUIET)
    try:
        start(world)
        before = dict(world.ask(GetSettings(names)).values)
        yield world
        assert "Traceback" not in world.said, world.said
        world.ask(PutSettings(before))
    finally:
        world.close_window()
        world.mend_all()


def fill(app: App, name: str, text: str, role: str = "text") -> None:
    """Type into the field of this name."""
    field = app.wait_for(name, role)
    field.press("SetFocus")
    field.type(text)


def toggle(app: App, name: str, *, on: bool) -> None:
    """Toggle what is named so, until it is so."""
    box = app.wait_for(name, "check box")
    wait_until(lambda: box.has("enabled"), f"{name} that can be toggled")
    assert box.has("checked") is not on
    box.press("Toggle")
    wait_until(lambda: box.has("checked") is on, f"{name} toggled")


def kept(app: App, name: str, value: object) -> None:
    """Wait until the engine keeps this setting so."""
    wait_until(lambda: app.setting(name) == value, f"{name} kept as {value}")


def test_what_is_told_and_when(app: App, notifications: Notifications, screenshot: Screenshot) -> None:
    open_settings(app, "Notifications")
    app.wait_for("Show a test alert")
    unnamed = app.nameless
    toggle(app, "Team channels: a sign-in ends soon", on=False)
    toggle(app, "Tell me about Other accounts too", on=True)
    kept(app, OTHER_ACCOUNTS, True)
    assert app.setting(ALERT_CHOICES)["deadline"] == ["email", "tray"]
    app.press("Show a test alert")
    notifications.wait_for(lambda each: each.summary == "Alerts arrive")

    toggle(app, "Keep still at certain hours", on=True)
    fill(app, "Quiet from", "21:15", "spin box")
    fill(app, "Quiet until", "06:45", "spin box")
    toggle(app, "Weekends too", on=True)
    app.wait_for_words("keep still from 21:15 to 06:45, and all Saturday and Sunday")
    kept(app, QUIET, {"on": True, "from": "21:15", "to": "06:45", "weekends": True})
    unnamed += app.nameless
    screenshot("told-settings-quiet")
    assert unnamed == []


def test_by_e_mail_as_a_test_shows(app: App, screenshot: Screenshot) -> None:
    open_settings(app, "Notifications")
    field = app.wait_for("Send alert e-mail to", "text")
    wait_until(lambda: field.text == ALERTS_TO, "the sandbox's address")
    fill(app, "Send alert e-mail to", "nobody")
    # Leaving a field keeps what is in it, or says what is wrong with it.
    app.wait_for("Show a test alert").press("SetFocus")
    app.wait_for_words("nobody", "address")
    fill(app, "Send alert e-mail to", LEA)
    fill(app, "Most alert e-mails in 24 hours", "25", "spin box")
    app.wait_for("Send a test e-mail").press("SetFocus")
    kept(app, EMAIL_CAP, 25)
    kept(app, EMAIL_TO, LEA)
    after = newest_mail(app)
    app.press("Send a test e-mail")
    told = app.wait_for_words(f"Sent to {LEA} through")
    (mail,) = [each for each in app.control.messages(after=after, wait_s=10) if each.recipients == (LEA,)]
    assert told == f"Sent to {LEA} through {mail.account}."
    screenshot("told-settings-e-mail")


@pytest.fixture
def webhook() -> Iterator[WebServer]:
    """A team's own server, which takes everything."""
    server = WebServer(lambda request: said({}))
    yield server
    server.close()


def test_a_team_channel_is_added_tested_and_removed(
    app: App, webhook: WebServer, screenshot: Screenshot
) -> None:
    open_settings(app, "Notifications")
    app.press("Add a channel…")
    app.wait_for("Add the team channel")
    unnamed = app.nameless
    fill(app, "Name of the team channel", "On call")
    fill(app, "URL of the team channel", f"json://127.0.0.1:{webhook.port}/a-secret-path")
    app.press("Add the team channel")
    app.press("Test On call")
    app.wait_for_words("Sent to “On call” (")
    assert [json.loads(request.body)["title"] for request in webhook.requests] == [
        "Reply Desktop: test message"
    ]
    unnamed += app.nameless
    app.press("Remove On call")
    app.wait_for_words("Remove On call and its URL?")
    assert not [said for said in app.words if "a-secret-path" in said]
    screenshot("told-settings-team")
    app.press("Remove")
    app.wait_until_gone("Test On call")
    assert app.ask(ListTeamChannels()).rows == ()
    assert unnamed == []


@pytest.fixture
def alone(app: App) -> Iterator[None]:
    """Ana's is the only account that sends, and nobody has given an address for alert e-mail."""
    others = tuple(one for one in app.ask(ListAccounts()).ids if one != app.account_id(ANA))
    app.ask(PauseAccounts(others))
    app.ask(PutSettings({EMAIL_TO: '""'}))
    yield
    app.ask(ResumeAccounts(others))


def test_the_dead_mailbox_is_the_only_one(
    app: App, alone: None, relay: RelayServer, notifications: Notifications, screenshot: Screenshot
) -> None:
    lose(app, ANA)
    lost(notifications, ANA)
    wait_until(lambda: app.unread == 1, "count of the bell")
    app.bell.press("Press")
    app.press("Also by e-mail? Give your address")
    app.wait_for_words("Nobody is told by e-mail until there is an address.")
    fill(app, "Send alert e-mail to", ALERTS_TO)
    app.wait_for("Relay settings", "check box").press("SetFocus")
    app.wait_for_words("No account can send", "1 alert waits")

    wait_until(lambda: app.unread == 2, "word of the bell about the e-mail")
    open_settings(app, "General")
    waits = "Alert e-mail cannot be sent: 1 waiting"
    entry = bell_entry(app, waits)
    assert "no relay is set up" in entry.description
    screenshot("told-e-mail-waits")
    entry.press("Press")
    field = app.wait_for("Send alert e-mail to", "text")
    wait_until(lambda: field.has("focused"), "keyboard on the address")
    wait_until(lambda: in_view(app, field), "the e-mail card in view")

    toggle(app, "Relay settings", on=True)
    unnamed = app.nameless
    fill(app, "Relay server", relay.server.host)
    fill(app, "Relay port", str(relay.server.port))
    fill(app, "Relay user name", "alerts")
    fill(app, "Relay password", RELAY_PASSWORD)
    fill(app, "Relay sender address", "alerts@harbor.example")
    app.press("Check and save the relay")
    app.wait_for_words("The relay let us in and is kept.")
    wait_until(lambda: relay.box.received, "alert at the relay")
    app.wait_for_words("Goes out through the relay")
    screenshot("told-relay")
    (mail,) = relay.box.received
    assert (mail.mail_from, mail.rcpt_tos) == ("alerts@harbor.example", [ALERTS_TO])
    assert isinstance(mail.content, bytes)
    assert message_from_bytes(mail.content, policy=policy.default)["Subject"] == f"{ANA} cannot send"
    wait_until(lambda: bell_entry(app, waits).description.endswith("It is over."), "end of the waiting")

    app.press("Remove the relay")
    app.press("Remove")
    app.wait_for_words("The relay is removed.")
    assert app.ask(GetAlertMail()).relay is None
    assert len(relay.box.received) == 1
    assert unnamed == []


def in_view(app: App, node: Node) -> bool:
    """Whether it lies within the window's inside."""
    _, top, _, height = node.extents
    _, y, _, room = app.frame.extents
    return y < top and top + height < y + room
