"""Told everywhere, once: bell, log, desktop, e-mail and team channel, by a real engine in the sandbox."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import TypeVar

import pytest

from reply_desktop.adapters.clock import local_zone
from reply_desktop.channel import messages as m
from reply_desktop.domain.events import (
    AlertMailChanged,
    AlertsDue,
    NotificationRaised,
    NotificationWithdrawn,
)
from reply_desktop.domain.grant import MailServer, Security
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.notification import NotificationKind
from reply_desktop.domain.preferences import QUIET
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import CAN_SEND
from reply_desktop.sandbox.control import Control, SandboxControl, SinkMessage
from reply_desktop.sandbox.seed import ALERTS_TO
from tests.acceptance.conftest import Shell
from tests.acceptance.killed_teller import MERGED_S
from tests.acceptance.town import Front, Town, alert_mails
from tests.acceptance.watching import done
from tests.harness.mail_servers import Authority, Mailbox, smtp_server
from tests.harness.waiting import wait_until
from tests.harness.web import WebServer, said

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

T = TypeVar("T")

ANA, BEN, DANA = "ana@harbor.example", "ben@harbor.example", "dana@fjord.example"
SPRING, PARTNER = "Spring outreach", "Partner follow-up"
MANY = 50
DEADLINE_S = 30.0
K = NotificationKind


@pytest.fixture
def relay(authority: Authority) -> Iterator[tuple[MailServer, Mailbox]]:
    """A real mail server, up longer than the engine that holds a connection to it."""
    mailbox = Mailbox("alerts", "secret 1")
    with smtp_server(authority, mailbox, Security.STARTTLS) as server:
        yield server, mailbox


@pytest.fixture
def webhook() -> Iterator[WebServer]:
    server = WebServer(lambda request: said({}))
    yield server
    server.close()


def team_url(webhook: WebServer) -> str:
    return f"json://127.0.0.1:{webhook.port}/ops"


def titles(webhook: WebServer) -> list[str]:
    return [json.loads(request.body)["title"] for request in webhook.requests]


def parts_of(control: SandboxControl, mail: SinkMessage) -> tuple[EmailMessage, str, str]:
    """The message, its text and its HTML."""
    letter = message_from_bytes(control.raw_message(mail.id), policy=policy.default)
    assert isinstance(letter, EmailMessage)
    plain, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None and html is not None
    return letter, plain.get_content(), html.get_content()


class _Tags(HTMLParser):
    """Every tag and every address on a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "background")]


def test_a_lost_account_is_told_everywhere_once_and_withdrawn_when_mended(
    shell: Shell, webhook: WebServer
) -> None:
    done(shell, "accounts", "list")
    control = shell.control
    with Front(shell.config) as front, Front(shell.config) as other:
        front.ask(m.AddTeamChannel("#ops", team_url(webhook)))
        front.lose(control, ANA)
        (lost,) = wait_until(lambda: front.alerts(K.ACCOUNT_LOST), "alert for the desktop", DEADLINE_S)
        told_at = datetime.now(UTC)
        assert lost.title == f"{ANA} cannot send"
        wait_until(lambda: other.alerts(K.ACCOUNT_LOST), "alert at the other front")
        assert front.ask(m.ListAlerts()).rows == (lost,) == other.ask(m.ListAlerts()).rows
        assert [other.claim(lost.id), front.claim(lost.id)] == [(lost.id,), ()]
        assert front.ask(m.ListAlerts()).rows == ()
        assert [(row.id, row.withdrawn) for row in front.bell(K.ACCOUNT_LOST)] == [(lost.id, False)]
        entries = {name: front.log(name, LogKind.ACCOUNT_OUT) for name in (SPRING, PARTNER)}
        assert all([one.account for one in found] == [ANA] for found in entries.values())
        assert alert_mails(control) == [] and webhook.requests == []
        assert front.ask(m.GetAlertMail()).waiting == 1

        # The one wait for a real minute: what comes meanwhile would have gone with it.
        mails = wait_until(lambda: alert_mails(control), "e-mail", 90)
        (mail,) = mails
        assert mail.at - told_at > timedelta(seconds=50)
        assert mail.account != ANA and mail.subject == f"{ANA} cannot send"
        letter, text, html = parts_of(control, mail)
        assert letter["Auto-Submitted"] == "auto-generated" and letter["To"] == ALERTS_TO
        assert letter["X-Auto-Response-Suppress"] == "All" and letter["List-Unsubscribe"] is None
        account_id = front.account_id(ANA)
        wanted = {
            f"reply-desktop://reconnect/{account_id}",
            f"reply-desktop://account/{account_id}",
            *(
                f"reply-desktop://sequence/{entry.sequence_id}/log/{entry.id}"
                for found in entries.values()
                for entry in found
            ),
        }
        page = _Tags(html)
        assert set(page.links) == wanted == set(re.findall(r"reply-desktop://\S+", text))
        assert page.tags.isdisjoint({"img", "script", "link", "iframe", "form", "object", "video"})
        assert not re.search(r"https?:|url\(|@import", html)
        for words in (ANA, SPRING, PARTNER):
            assert words in text and words in html
        wait_until(lambda: webhook.requests, "post to the team")
        assert titles(webhook) == [f"{ANA} cannot send"]

        done(shell, "accounts", "reconnect", ANA, chooses=ANA)
        (over,) = wait_until(lambda: front.all(NotificationWithdrawn), "withdrawal")
        (back,) = wait_until(lambda: front.alerts(K.ACCOUNT_RECOVERED), "notice of the recovery")
        assert (over.notification_id, back.title) == (lost.id, f"{ANA} works again")
        assert len(front.bell(K.ACCOUNT_RECOVERED)) == 1 and front.claim(back.id) == (back.id,)
        assert [row.withdrawn for row in front.bell(K.ACCOUNT_LOST)] == [True]
        stands = front.ask(m.GetAlertMail())
        assert (stands.waiting, stands.sent_today) == (0, 1), "the recovery is to be mailed too"

        for name in (SPRING, PARTNER):
            done(shell, "sequences", "pause", name)
        outreach = wait_until(lambda: counted(front, control), "end of what was being sent")
        assert outreach and alert_mails(control) == mails and titles(webhook) == [lost.title]


def counted(front: Front, control: SandboxControl) -> int:
    """How many messages the sequences and the accounts count, once that is all but the alert."""
    sent = [mail.account for mail in control.messages() if mail.recipients != (ALERTS_TO,)]
    rows = front.ask(m.ListSequences()).rows
    accounts = front.ask(m.GetAccounts(front.ask(m.ListAccounts()).ids)).rows
    by_account = {row.address: row.sent_today for row in accounts if row.sent_today}
    return len(sent) if sum(row.sent for row in rows) == len(sent) and by_account == Counter(sent) else 0


def test_fifty_accounts_lost_in_one_minute_are_one_alert_and_one_mail(town: Town, webhook: WebServer) -> None:
    lost = [f"team{number:02}@harbor.example" for number in range(MANY)]
    for address in lost:
        town.control.add_mailbox(Provider.GOOGLE, address)
    town.sign_in(*lost)
    town.sign_in(DANA, provider=Provider.MICROSOFT)
    town.sequence("Everybody", [*lost, DANA])
    town.sequence("Some", lost[:10])
    town.ask(m.AddTeamChannel("#ops", team_url(webhook)))
    front = town.front

    front.lose(town.control, *lost)
    wait_until(lambda: len(front.alerts(K.ACCOUNT_LOST)) == MANY, "all alerts", DEADLINE_S)
    rows = front.bell(K.ACCOUNT_LOST)
    assert len(rows) == MANY and len({row.account_id for row in rows}) == MANY
    assert {row.group for row in rows} == {rows[0].id}
    assert {row.group for row in front.alerts(K.ACCOUNT_LOST)} == {rows[0].id}
    assert set(front.claim(*(row.id for row in rows))) == {row.id for row in rows}
    for name, accounts in (("Everybody", lost), ("Some", lost[:10])):
        assert Counter(one.account for one in front.log(name, LogKind.ACCOUNT_OUT)) == Counter(accounts)

    town.pass_time()
    (mail,) = wait_until(town.alert_mails, "e-mail")
    assert (mail.subject, mail.account) == (f"{MANY} accounts cannot send", DANA)
    _, text, html = parts_of(town.control, mail)
    assert "and 30 more" in text and "and 30 more" in html
    assert sum(f"{address} cannot send" in text for address in lost) == 20
    wait_until(lambda: webhook.requests, "post to the team")
    town.pass_time(10 * MERGED_S)
    assert town.ask(m.GetAlertMail()).waiting == 0
    assert town.ask(m.TestAlertMail()).text.startswith("Sent to")
    assert [one.subject for one in town.alert_mails()][:-1] == [mail.subject]
    assert titles(webhook) == [mail.subject]


def test_the_only_account_is_dead_so_the_mail_waits_for_a_relay(
    relay: tuple[MailServer, Mailbox], town: Town
) -> None:
    server, mailbox = relay
    town.sign_in(ANA)
    town.front.lose(town.control, ANA)
    wait_until(lambda: town.front.alerts(K.ACCOUNT_LOST), "alert")
    town.pass_time()
    (unsent,) = wait_until(lambda: town.front.alerts(K.ALERT_UNSENT), "word that the e-mail waits")
    assert unsent.title == "Alert e-mail cannot be sent: 1 waiting" and "relay" in unsent.text
    stands = town.ask(m.GetAlertMail())
    assert (stands.waiting, stands.through, stands.sent_today) == (1, None, 0) and stands.trouble
    wait_until(lambda: town.front.all(AlertMailChanged)[-1].mail == stands, "word of it in the settings")

    put = town.ask(m.PutRelay(server, "alerts@relay.example", "alerts", "secret 1"))
    assert put.through == "localhost"
    wait_until(lambda: town.front.bell(K.ALERT_UNSENT)[0].withdrawn, "end of the waiting")
    assert [row.id for row in town.front.bell(K.ALERT_UNSENT)] == [unsent.id]
    assert town.ask(m.GetAlertMail()).waiting == 0
    assert subjects(mailbox) == [f"{ANA} cannot send"]

    town.restart()
    town.pass_time(10 * MERGED_S)
    assert town.ask(m.TestAlertMail()).text == f"Sent to {ALERTS_TO} through localhost."
    assert subjects(mailbox) == [f"{ANA} cannot send", "Test alert from Reply Desktop"]
    assert {tuple(one.rcpt_tos) for one in mailbox.received} == {(ALERTS_TO,)}
    assert town.control.messages() == (), "something went another way"


def subjects(mailbox: Mailbox) -> list[str]:
    """Of what the relay has taken."""
    contents = [one.content for one in mailbox.received]
    return [str(message_from_bytes(c, policy=policy.default)["Subject"]) for c in contents if c]  # type: ignore[arg-type]


def test_quiet_hours_keep_desktop_and_mail_still_but_never_bell_and_log(
    town: Town, webhook: WebServer
) -> None:
    town.sign_in(ANA, BEN)
    town.sequence("Quiet", [ANA, BEN])
    town.ask(m.AddTeamChannel("#ops", team_url(webhook)))
    here = datetime.now(local_zone())
    begins, ends = here - timedelta(hours=1), here + timedelta(hours=2)
    town.put(QUIET, {"on": True, "from": f"{begins:%H:%M}", "to": f"{ends:%H:%M}", "weekends": False})
    front = town.front
    front.lose(town.control, ANA)
    (raised,) = wait_until(lambda: front.all(NotificationRaised), "entry of the bell")
    assert [row.id for row in front.bell(K.ACCOUNT_LOST)] == [raised.notification.id]
    assert [one.account for one in front.log("Quiet", LogKind.ACCOUNT_OUT)] == [ANA]
    town.pass_time()
    # Teams have hours of their own: their post shows that the engine has looked.
    wait_until(lambda: webhook.requests, "post to the team")
    assert front.all(AlertsDue) == [] and front.ask(m.ListAlerts()).rows == ()
    assert town.alert_mails() == [] and town.ask(m.GetAlertMail()).waiting == 1

    town.pass_time(2 * 3600)
    wait_until(lambda: front.alerts(K.ACCOUNT_LOST), "alert once the quiet is over", DEADLINE_S)
    assert front.claim(raised.notification.id) == (raised.notification.id,)
    (mail,) = wait_until(town.alert_mails, "e-mail once the quiet is over", DEADLINE_S)
    assert mail.account == BEN and titles(webhook) == [mail.subject]
    assert front.ask(m.ListAlerts()).rows == (), "a reminder on top of the first telling"


def test_an_app_registration_that_is_gone_is_told_once_for_all_its_accounts(
    town: Town, webhook: WebServer
) -> None:
    town.sign_in(ANA, BEN)
    town.sign_in(DANA, provider=Provider.MICROSOFT)
    town.sequence("Both", [ANA, BEN])
    town.ask(m.AddTeamChannel("#ops", team_url(webhook)))
    front = town.front
    town.control.apply(Control.CLIENT_DELETED, Provider.GOOGLE)
    town.control.apply(Control.SHORT_TOKENS, Provider.GOOGLE)
    town.ask(m.CheckAccounts((ANA, BEN)))
    able = wait_until(lambda: able_of(front) == {DANA}, "end of both accounts", DEADLINE_S)
    assert able
    (fault,) = wait_until(lambda: front.alerts(K.APP_FAULT), "alert")
    assert front.claim(fault.id) == (fault.id,)
    logged = [one.account for one in front.log("Both", LogKind.ACCOUNT_OUT)]
    assert Counter(logged) == Counter([ANA, BEN])
    town.pass_time()
    (mail,) = wait_until(town.alert_mails, "e-mail")
    assert (mail.subject, mail.account) == (fault.title, DANA)
    wait_until(lambda: webhook.requests, "post to the team")

    town.control.clear_all()
    town.ask(m.CheckAccounts((ANA, BEN)))
    wait_until(lambda: able_of(front) == {ANA, BEN, DANA}, "end of the trouble", DEADLINE_S)
    (over,) = wait_until(lambda: front.alerts(K.APP_FAULT_OVER), "word of the end")
    assert front.claim(over.id) == (over.id,)
    town.pass_time()
    wait_until(lambda: len(webhook.requests) == 2, "word of the end to the team")
    assert titles(webhook) == [fault.title, over.title] and len(town.alert_mails()) == 1
    assert [row.withdrawn for row in front.bell(K.APP_FAULT)] == [True]
    assert front.bell(K.ACCOUNT_LOST) == front.bell(K.ACCOUNT_RECOVERED) == []


def able_of(front: Front) -> set[str]:
    """Addresses of the accounts that can send."""
    rows = front.ask(m.GetAccounts(front.ask(m.ListAccounts()).ids)).rows
    return {row.address for row in rows if row.state in CAN_SEND}
