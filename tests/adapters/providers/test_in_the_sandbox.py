"""All providers end to end against the sandbox's stand-ins: sign in, prove, send, read, lose, come back."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reply_desktop.adapters.clock import SystemClock
from reply_desktop.adapters.http import Transport
from reply_desktop.adapters.providers.client_secret import parse_client_secret
from reply_desktop.adapters.providers.google import READ_SCOPE, Google
from reply_desktop.adapters.providers.microsoft import Microsoft
from reply_desktop.adapters.providers.other import Other
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.grant import MailServer, MailServers, Password, Security, TokenSet
from reply_desktop.domain.outcome import PROVEN
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import OutcomeKind
from reply_desktop.sandbox import process
from reply_desktop.sandbox.control import EVERYWHERE, Control, SandboxControl
from reply_desktop.sandbox.person import Person
from reply_desktop.sandbox.process import Sandbox
from reply_desktop.services.ports import InboxPage, ProviderSettings, Redeemed, SendResult, SentSearch

MAILBOX = {Provider.GOOGLE: "ana@harbor.example", Provider.MICROSOFT: "dana@fjord.example"}
OTHER_MAILBOX = {Provider.GOOGLE: "ben@harbor.example", Provider.MICROSOFT: "finn@fjord.example"}
PERSONAL = "emil@outpost.example"
MESSAGE = b"From: %s\r\nTo: bo@elsewhere.example\r\nSubject: Hi\r\nMessage-ID: <a@b>\r\n\r\nHello\r\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    yield process.start(folder)
    process.stop(folder)


@pytest.fixture
def control(running: Sandbox) -> Iterator[SandboxControl]:
    steering = running.control()
    yield steering
    steering.clear_all()


class Client:
    """One provider's adapter with the settings a person would give."""

    def __init__(self, provider: Provider, sandbox: Sandbox, transport: Transport) -> None:
        self.provider = provider
        self.mailbox = MAILBOX[provider]
        clock = SystemClock()
        google = parse_client_secret(Path(sandbox.google_client_file).read_text())
        settings = {
            Provider.GOOGLE: google,
            Provider.MICROSOFT: ProviderSettings(sandbox.microsoft_client_id),
        }
        kind = Google if provider is Provider.GOOGLE else Microsoft
        self.adapter = kind(transport, sandbox.endpoints(), lambda provider: settings[provider], clock)
        self.account = Account("a1", provider, self.mailbox, clock.now())

    def sign_in(
        self,
        mailbox: str | None = None,
        *,
        allow: bool = True,
        untick: tuple[str, ...] = (),
        reading: bool = False,
    ) -> Redeemed:
        redirect = f"http://{self.adapter.redirect_host}:50123{self.adapter.redirect_path}"
        request = self.adapter.begin(redirect, self.mailbox, reading=reading)
        seen = Person().consent(request.url, mailbox, allow=allow, untick=untick, follow=False)
        told = {name: values[0] for name, values in parse_qs(urlsplit(seen.location).query).items()}
        return self.adapter.redeem(request, told)

    def tokens(self) -> TokenSet:
        redeemed = self.sign_in()
        assert redeemed.outcome is PROVEN and redeemed.tokens is not None
        return redeemed.tokens


@pytest.fixture(params=[Provider.GOOGLE, Provider.MICROSOFT])
def client(
    request: pytest.FixtureRequest, running: Sandbox, direct: None, caplog: pytest.LogCaptureFixture
) -> Iterator[Client]:
    caplog.set_level(logging.DEBUG)
    transport = Transport(running.ca_file)
    yield Client(request.param, running, transport)
    transport.close()
    for secret in ("refresh_token", "code_verifier", "client_secret", "Bearer", "access_token"):
        assert secret not in caplog.text


def test_sign_in_prove_send(client: Client, control: SandboxControl) -> None:
    redeemed = client.sign_in()
    assert redeemed.outcome is PROVEN and redeemed.tokens and redeemed.identity
    assert redeemed.identity.address == client.mailbox
    probed = client.adapter.probe(client.account, redeemed.tokens)
    assert probed.outcome is PROVEN and isinstance(probed.credentials, TokenSet)
    again = client.adapter.probe(client.account, probed.credentials, fresh=True)
    assert again.outcome is PROVEN and isinstance(again.credentials, TokenSet)
    control.forget_messages()
    result = client.adapter.send(client.account, again.credentials, MESSAGE % client.mailbox.encode())
    assert result.outcome is PROVEN and not result.in_doubt
    (message,) = control.messages()
    assert (message.account, message.subject) == (client.mailbox, "Hi")


def test_the_identity_stays_the_same_and_another_mailbox_is_another(client: Client) -> None:
    one, two = client.sign_in().identity, client.sign_in().identity
    other = client.sign_in(OTHER_MAILBOX[client.provider]).identity
    assert one is not None and two is not None and other is not None
    assert one == two
    assert other.subject != one.subject and other.address == OTHER_MAILBOX[client.provider]


def test_a_personal_microsoft_account(running: Sandbox, direct: None) -> None:
    transport = Transport(running.ca_file)
    client = Client(Provider.MICROSOFT, running, transport)
    redeemed = client.sign_in(PERSONAL)
    assert redeemed.identity is not None and redeemed.identity.address == PERSONAL
    assert redeemed.tokens is not None
    assert client.adapter.probe(client.account, redeemed.tokens).outcome is PROVEN
    transport.close()


def test_denied_is_denied(client: Client) -> None:
    redeemed = client.sign_in(allow=False)
    assert redeemed.tokens is None and redeemed.outcome.cause is Cause.CONSENT_MISSING


def test_an_unticked_permission_stores_nothing(client: Client, control: SandboxControl) -> None:
    control.apply(Control.WITHHOLD_SCOPE, client.mailbox)
    redeemed = client.sign_in()
    assert redeemed.tokens is None and redeemed.outcome.cause is Cause.SCOPE_MISSING


def test_removed_access_is_seen_and_mended(client: Client, control: SandboxControl) -> None:
    held = client.tokens()
    control.apply(Control.REMOVE_ACCESS, client.mailbox)
    for fresh in (False, True):
        outcome = client.adapter.probe(client.account, held, fresh=fresh).outcome
        assert outcome.kind is OutcomeKind.LOST and outcome.provider_error
    assert client.adapter.probe(client.account, client.tokens()).outcome is PROVEN


CAUSES = [
    (Provider.GOOGLE, Control.ACCOUNT_DISABLED, Cause.ACCOUNT_DISABLED),
    (Provider.GOOGLE, Control.ADMIN_BLOCK, Cause.ADMIN_POLICY),
    (Provider.GOOGLE, Control.SESSION_CONTROL, Cause.SIGN_IN_FREQUENCY),
    (Provider.GOOGLE, Control.CHANGE_PASSWORD, Cause.GRANT_REVOKED),
    (Provider.GOOGLE, Control.END_UNUSED, Cause.GRANT_REVOKED),
    (Provider.MICROSOFT, Control.ACCOUNT_DISABLED, Cause.ACCOUNT_DISABLED),
    (Provider.MICROSOFT, Control.ADMIN_BLOCK, Cause.ADMIN_POLICY),
    (Provider.MICROSOFT, Control.ADMIN_CONSENT, Cause.ADMIN_CONSENT),
    (Provider.MICROSOFT, Control.NOT_ASSIGNED, Cause.NOT_ASSIGNED),
    (Provider.MICROSOFT, Control.MFA_REQUIRED, Cause.MFA_REQUIRED),
    (Provider.MICROSOFT, Control.SIGN_IN_FREQUENCY, Cause.SIGN_IN_FREQUENCY),
    (Provider.MICROSOFT, Control.CHANGE_PASSWORD, Cause.PASSWORD_CHANGED),
    (Provider.MICROSOFT, Control.END_UNUSED, Cause.GRANT_EXPIRED),
]


@pytest.mark.parametrize(("provider", "what", "cause"), CAUSES)
def test_what_happened_to_a_mailbox_is_named(
    running: Sandbox, direct: None, control: SandboxControl, provider: Provider, what: Control, cause: Cause
) -> None:
    transport = Transport(running.ca_file)
    client = Client(provider, running, transport)
    held = client.tokens()
    control.apply(what, client.mailbox)
    assert client.adapter.probe(client.account, held).outcome.cause is cause
    transport.close()


APP_CAUSES = [
    (Provider.GOOGLE, Control.INVALID_CLIENT, Cause.APP_REJECTED),
    (Provider.GOOGLE, Control.CLIENT_DELETED, Cause.APP_DELETED),
    (Provider.MICROSOFT, Control.INVALID_CLIENT, Cause.APP_REJECTED),
    (Provider.MICROSOFT, Control.CLIENT_DELETED, Cause.APP_REJECTED),
    (Provider.MICROSOFT, Control.NOT_PUBLIC, Cause.APP_NOT_PUBLIC),
]


@pytest.mark.parametrize(("provider", "what", "cause"), APP_CAUSES)
def test_what_happened_to_the_app_is_named(
    running: Sandbox, direct: None, control: SandboxControl, provider: Provider, what: Control, cause: Cause
) -> None:
    transport = Transport(running.ca_file)
    client = Client(provider, running, transport)
    held = client.tokens()
    assert client.adapter.test_client() is PROVEN
    control.apply(what, provider)
    assert client.adapter.probe(client.account, held).outcome.cause is cause
    assert client.adapter.test_client().cause is cause
    transport.close()


@pytest.mark.parametrize(
    ("what", "params", "causes"),
    [
        (Control.THROTTLE, {}, {Cause.THROTTLED}),
        (Control.SERVER_TROUBLE, {}, {Cause.PROVIDER_TROUBLE}),
        (Control.PORTAL, {}, {Cause.PORTAL}),
        (Control.LOSE_ANSWER, {}, {Cause.UNREACHABLE}),
        (Control.RAW_ANSWER, {}, {Cause.UNKNOWN_ANSWER}),
        (Control.OFFLINE, {"mode": "refused"}, {Cause.UNREACHABLE}),
        (Control.OFFLINE, {"mode": "reset"}, {Cause.UNREACHABLE}),
    ],
)
def test_passing_trouble_costs_no_grant_and_passes(
    client: Client, control: SandboxControl, what: Control, params: dict[str, Any], causes: set[Cause]
) -> None:
    held = client.tokens()
    target = client.provider if what is Control.RAW_ANSWER else EVERYWHERE
    control.apply(what, target, **params)
    outcome = client.adapter.probe(client.account, held).outcome
    assert outcome.cause in causes and outcome.kind is OutcomeKind.TRANSIENT
    control.clear_all()
    assert client.adapter.probe(client.account, held).outcome is PROVEN


def test_an_untrusted_certificate_gets_no_token(
    running: Sandbox, direct: None, control: SandboxControl
) -> None:
    transport = Transport(running.ca_file)
    client = Client(Provider.MICROSOFT, running, transport)
    held = client.tokens()
    control.apply(Control.BAD_CERTIFICATE, Provider.MICROSOFT)
    transport.renew()
    assert client.adapter.probe(client.account, held).outcome.cause is Cause.TLS_REJECTED
    transport.close()


def test_a_shifted_clock_is_named_before_a_sign_in_is_asked_for(
    client: Client, control: SandboxControl
) -> None:
    held = client.tokens()
    control.apply(Control.REMOVE_ACCESS, client.mailbox)
    control.apply(Control.CLOCK_SKEW, EVERYWHERE)
    assert client.adapter.probe(client.account, held).outcome.cause is Cause.CLOCK_WRONG


def test_testing_mode_announces_its_end(running: Sandbox, direct: None, control: SandboxControl) -> None:
    transport = Transport(running.ca_file)
    client = Client(Provider.GOOGLE, running, transport)
    control.apply(Control.TESTING_MODE, Provider.GOOGLE)
    held = client.tokens()
    assert held.refresh_expires_at is not None and held.issued_at is not None
    assert 604_000 < (held.refresh_expires_at - held.issued_at).total_seconds() <= 604_800
    transport.close()


def test_mail_that_cannot_go_says_why(running: Sandbox, direct: None, control: SandboxControl) -> None:
    transport = Transport(running.ca_file)
    for provider, what, target, cause in (
        (Provider.GOOGLE, Control.API_OFF, Provider.GOOGLE, Cause.API_OFF),
        (Provider.GOOGLE, Control.RATE_LIMIT, EVERYWHERE, Cause.THROTTLED),
        (Provider.GOOGLE, Control.MAIL_OFF, MAILBOX[Provider.GOOGLE], Cause.MAILBOX_DISABLED),
        (Provider.MICROSOFT, Control.MAIL_OFF, MAILBOX[Provider.MICROSOFT], Cause.MAILBOX_DISABLED),
    ):
        client = Client(provider, running, transport)
        held = client.tokens()
        control.apply(what, target)
        result = client.adapter.send(client.account, held, MESSAGE % client.mailbox.encode())
        assert result.outcome.cause is cause, what
        assert not result.in_doubt
        control.clear_all()
    transport.close()


def test_a_lost_answer_to_a_message_is_in_doubt(client: Client, control: SandboxControl) -> None:
    held = client.tokens()
    control.forget_messages()
    control.apply(Control.LOSE_ANSWER, EVERYWHERE, where=["api"])
    result = client.adapter.send(client.account, held, MESSAGE % client.mailbox.encode())
    assert result.in_doubt and result.outcome.cause is Cause.UNREACHABLE
    assert len(control.messages()) == 1, "it went out all the same, and once"


def test_revoking_at_the_end(client: Client) -> None:
    held = client.tokens()
    done = client.adapter.revoke(client.account, held)
    assert done is (client.provider is Provider.GOOGLE)
    outcome = client.adapter.probe(client.account, held).outcome
    assert outcome.kind is (OutcomeKind.LOST if done else OutcomeKind.OK)
    assert client.adapter.revoke(client.account, held) is done


# Reading
OTHER_BOX = "gina@lantern.example"
PROSPECT = "bo@elsewhere.example"


class Reader:
    """One account of each kind that may send and read, with fresh credentials for every call."""

    def __init__(self, provider: Provider, sandbox: Sandbox, control: SandboxControl) -> None:
        self.provider = provider
        self._transport = Transport(sandbox.ca_file)
        self._held: TokenSet | Password
        self.adapter: Google | Microsoft | Other
        if provider is Provider.OTHER:
            self.mailbox = OTHER_BOX
            self.adapter = Other(self._transport.ssl_context)
            self._held = Password(control.password(OTHER_BOX))
            servers = MailServers(
                MailServer(sandbox.smtp_host, sandbox.smtp_port, Security.STARTTLS),
                MailServer(sandbox.imap_host, sandbox.imap_tls_port, Security.TLS),
            )
            self.account = Account("a1", provider, OTHER_BOX, SystemClock().now(), servers=servers)
        else:
            client = Client(provider, sandbox, self._transport)
            self.mailbox, self.adapter = client.mailbox, client.adapter
            redeemed = client.sign_in(reading=True)
            assert redeemed.tokens is not None
            self._held = redeemed.tokens
            self.account = replace(client.account, scopes=redeemed.tokens.scopes)
        self.began = SystemClock().now() - timedelta(seconds=2)

    def close(self) -> None:
        if isinstance(self.adapter, Other):
            self.adapter.close()
        self._transport.close()

    def credentials(self) -> TokenSet | Password:
        if isinstance(self._held, TokenSet):
            probed = self.adapter.probe(self.account, self._held)
            assert probed.outcome is PROVEN and isinstance(probed.credentials, TokenSet)
            self._held = probed.credentials
        return self._held

    def send(self, marker: str, *, subject: str = "Hi", thread: str | None = None, **more: str) -> SendResult:
        headers = {
            "From": self.mailbox,
            "To": PROSPECT,
            "Subject": subject,
            "Message-ID": f"<{marker}@{self.mailbox.partition('@')[2]}>",
            "X-Reply-Marker": marker,
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        mime = "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\nHello\r\n"
        return self.adapter.send(self.account, self.credentials(), mime.encode(), thread_id=thread)

    def read(self, cursor: str | None = None, limit: int = 200) -> InboxPage:
        return self.adapter.read_inbox(self.account, self.credentials(), cursor, self.began, limit)

    def find(self, marker: str, message_id: str = "") -> SentSearch:
        return self.adapter.find_sent(
            self.account, self.credentials(), marker, message_id or f"<{marker}@x.example>", self.began
        )


@pytest.fixture(params=list(Provider))
def reader(
    request: pytest.FixtureRequest, running: Sandbox, direct: None, control: SandboxControl
) -> Iterator[Reader]:
    control.forget_messages()
    reading = Reader(request.param, running, control)
    yield reading
    reading.close()


def test_what_comes_back_is_read(reader: Reader, control: SandboxControl) -> None:
    assert reader.adapter.may_read(reader.account)
    start = reader.read()
    assert start.outcome is PROVEN
    sent = reader.send(
        "touch-1", List_Unsubscribe="<mailto:stop@nowhere.example?subject=unsubscribe%20touch-1>"
    )
    assert sent.outcome is PROVEN
    (out,) = control.messages()
    assert (out.account, out.recipients) == (reader.mailbox, (PROSPECT,))
    control.reply(out.id, "Yes, please.")
    control.auto_reply(out.id)
    control.bounce(out.id)
    control.bounce(out.id, hard=False)
    control.unsubscribe(out.id)
    page = reader.read(start.cursor)
    assert page.outcome is PROVEN and not page.more
    reply, away, hard, soft, stop = page.messages
    assert (reply.sender, reply.subject) == (PROSPECT, "Re: Hi")
    assert reply.references == (out.message_id,) and reply.auto_submitted == ""
    assert reply.at.tzinfo is not None and reply.at >= reader.began
    assert away.auto_submitted == "auto-replied" and away.references == (out.message_id,)
    for report, status in ((hard, "5.1.1"), (soft, "4.2.2")):
        assert report.is_report and report.failed == ((PROSPECT, status),)
        assert report.markers == ("touch-1",) and out.message_id in report.references
    assert (stop.sender, stop.subject, stop.references) == (PROSPECT, "unsubscribe touch-1", ())
    if reader.provider is not Provider.OTHER:
        assert reply.provider_thread is not None
        assert reply.provider_thread == away.provider_thread == hard.provider_thread != stop.provider_thread
    assert reader.read(page.cursor).messages == (), "nothing is read twice"


def test_reading_in_small_pages_loses_and_repeats_nothing(reader: Reader, control: SandboxControl) -> None:
    first = reader.read()
    reader.send("pages")
    (out,) = control.messages()
    for number in range(5):
        control.reply(out.id, f"Number {number}")
    for cursor in (None, first.cursor):
        seen: list[str] = []
        more = True
        while more:
            page = reader.read(cursor, 2)
            assert page.outcome is PROVEN and len(page.messages) <= 2
            seen += [message.id for message in page.messages]
            cursor, more = page.cursor, page.more
        assert len(seen) == len(set(seen)) and seen[-5:] == sorted(seen[-5:], key=lambda one: (len(one), one))
        assert len(seen) >= 5


def test_a_message_of_ours_is_found_among_the_sent(reader: Reader, control: SandboxControl) -> None:
    if reader.provider is Provider.OTHER:
        assert reader.send("not-kept").outcome is PROVEN
        assert reader.find("not-kept") == SentSearch(PROVEN), "the server keeps nothing, so nothing is known"
        control.apply(Control.KEEP_SENT, reader.mailbox)
    control.apply(Control.LOSE_ANSWER, reader.mailbox, times=1, where=["api", "smtp"])
    held = reader.send("in-doubt")
    assert held.in_doubt and held.message_id is None
    out = control.messages()[-1]
    for message_id in (out.message_id, "<replaced@x.example>"):
        found = reader.find("in-doubt", message_id)
        assert found.outcome is PROVEN and found.found and found.message_id == out.message_id
    missing = reader.find("never-sent")
    assert missing.outcome is PROVEN and missing.found is False


def test_a_follow_up_stays_in_its_thread(reader: Reader, control: SandboxControl) -> None:
    first = reader.send("one")
    (out,) = control.messages()
    headers = {"In_Reply_To": out.message_id, "References": out.message_id}
    second = reader.send("two", subject="Re: Hi", thread=first.thread_id, **headers)
    assert second.outcome is PROVEN
    assert [each.thread for each in control.messages()] == [out.thread] * 2
    if reader.provider is Provider.GOOGLE:
        assert first.message_id == out.message_id != "<one@harbor.example>", "Gmail's own"
        assert first.thread_id == second.thread_id == out.thread and first.provider_id != second.provider_id


def test_the_sending_limit_rests_the_account(reader: Reader, control: SandboxControl) -> None:
    control.apply(Control.SENDING_LIMIT, reader.mailbox)
    result = reader.send("too-many")
    assert result.outcome.cause is Cause.THROTTLED and not result.in_doubt
    assert result.outcome.retry_after_s is not None and 3_500 < result.outcome.retry_after_s <= 3_600
    assert control.messages() == ()
    control.clear_all()
    assert reader.send("again").outcome is PROVEN


def test_trouble_while_reading_keeps_the_place(reader: Reader, control: SandboxControl) -> None:
    place = reader.read().cursor
    held = reader.credentials()
    control.apply(Control.SERVER_TROUBLE, EVERYWHERE)
    page = reader.adapter.read_inbox(reader.account, held, place, reader.began)
    assert page.outcome.cause is Cause.PROVIDER_TROUBLE and page.cursor == place and page.messages == ()
    search = reader.adapter.find_sent(reader.account, held, "m", "<m@x.example>", reader.began)
    assert search.outcome.cause is Cause.PROVIDER_TROUBLE and search.found is None


def test_without_the_permission_nothing_is_read(client: Client, control: SandboxControl) -> None:
    held = client.tokens()
    account = replace(client.account, scopes=held.scopes)
    began = SystemClock().now()
    assert not client.adapter.may_read(account)
    assert client.adapter.read_inbox(account, held, None, began).outcome.cause is Cause.SCOPE_MISSING
    assert client.adapter.find_sent(account, held, "m", "<m@x.example>", began).found is None
    # Also when the provider, and not our own note of the grant, says no.
    account = replace(account, scopes=("https://mail.google.com/", "Mail.Read"))
    assert client.adapter.read_inbox(account, held, None, began).outcome.cause is Cause.SCOPE_MISSING


def test_reading_not_allowed_still_sends(running: Sandbox, direct: None, control: SandboxControl) -> None:
    transport = Transport(running.ca_file)
    client = Client(Provider.GOOGLE, running, transport)
    redeemed = client.sign_in(reading=True, untick=(READ_SCOPE,))
    assert redeemed.outcome is PROVEN and redeemed.tokens is not None
    assert not client.adapter.may_read(replace(client.account, scopes=redeemed.tokens.scopes))
    transport.close()
