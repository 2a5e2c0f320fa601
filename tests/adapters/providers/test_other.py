"""Password mailboxes against real servers (aiosmtpd, Dovecot) and scripted ones that misbehave."""

import base64
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reply_desktop.adapters.mail import test_message as compose_test
from reply_desktop.adapters.providers.envelope import Envelope
from reply_desktop.adapters.providers.other import (
    Other,
    _hand_over,
    _InDoubt,
    _outcome_of,
    _SignIn,
)
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.grant import MailServer, MailServers, Password, Security, TokenSet
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import OutcomeKind
from reply_desktop.services.ports import SendResult
from tests.harness.mail_servers import (
    ANY,
    HOST,
    Authority,
    Dovecot,
    Mailbox,
    Script,
    dialogue,
    dovecot,
    free_port,
    scripted,
    smtp_server,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADDRESS = "anna@example.com"
PASSWORD = "correct horse 7"
TEST = compose_test(ADDRESS, "bob@example.org", NOW, "marker-1")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def other(authority: Authority) -> Other:
    return Other(authority.client_context(), timeout_s=10, deadline_s=20, idle_s=0)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox(ADDRESS, PASSWORD)


ODD = {
    "jürgen": "pässwörd-日本-🔑",
    "quote@example.com": 'quote" back\\slash {4} %n',
    "blank@example.com": " blank ",
    "long@example.com": "x" * 700,
}


@pytest.fixture(scope="module")
def imap(authority: Authority) -> Iterator[Dovecot]:
    with dovecot(authority, {ADDRESS: PASSWORD, **ODD}) as running:
        yield running


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "mail-deadline"]


def account(smtp: MailServer, imap: MailServer | None = None, user: str | None = None) -> Account:
    return Account("id", Provider.OTHER, ADDRESS, NOW, servers=MailServers(smtp, imap, user))


def probe(other: Other, of: Account, password: str = PASSWORD) -> Outcome:
    probed = other.probe(of, Password(password))
    assert probed.credentials is None
    assert password not in (probed.outcome.provider_error or "")
    return probed.outcome


def send(other: Other, of: Account, mime: bytes = TEST) -> SendResult:
    return other.send(of, Password(PASSWORD), mime)


def at(port: int, security: Security = Security.TLS) -> MailServer:
    return MailServer(HOST, port, security)


SECURITIES = pytest.mark.parametrize("security", list(Security))


@SECURITIES
def test_the_right_password_is_proof(
    other: Other, authority: Authority, mailbox: Mailbox, imap: Dovecot, security: Security
) -> None:
    inbound = imap.tls if security is Security.TLS else imap.starttls
    with smtp_server(authority, mailbox, security) as smtp:
        assert probe(other, account(smtp, inbound)) == PROVEN
        assert probe(other, account(smtp)) == PROVEN


@SECURITIES
def test_a_wrong_password_is_told_after_one_try(
    other: Other, authority: Authority, mailbox: Mailbox, security: Security
) -> None:
    """smtplib's own login would try every mechanism, and lock the mailbox three times as fast."""
    with smtp_server(authority, mailbox, security) as smtp:
        told = probe(other, account(smtp), "wrong password 1")
    assert told.cause is Cause.WRONG_PASSWORD
    assert told.provider_error == "535 5.7.8 Authentication credentials invalid"
    assert mailbox.tries == ["PLAIN"]


def test_imap_is_asked_too(other: Other, authority: Authority, mailbox: Mailbox, imap: Dovecot) -> None:
    mailbox.password = b"changed there only"
    with smtp_server(authority, mailbox, Security.TLS) as smtp:
        told = probe(other, account(smtp, imap.tls), "changed there only")
    assert told.cause is Cause.WRONG_PASSWORD
    assert told.provider_error == "NO [AUTHENTICATIONFAILED] Authentication failed."


def test_unavailable_is_not_a_wrong_password(other: Other, authority: Authority, mailbox: Mailbox) -> None:
    with (
        smtp_server(authority, mailbox, Security.TLS) as smtp,
        dovecot(authority, None) as imap,
    ):
        told = probe(other, account(smtp, imap.tls))
    assert told.cause is Cause.PROVIDER_TROUBLE
    assert "[UNAVAILABLE]" in (told.provider_error or "")


@pytest.mark.parametrize(("user", "password"), ODD.items(), ids=range(len(ODD)))
def test_any_user_name_and_password_can_be_sent(
    other: Other, authority: Authority, imap: Dovecot, user: str, password: str
) -> None:
    mailbox = Mailbox(user, password)
    with smtp_server(authority, mailbox, Security.STARTTLS) as smtp:
        assert probe(other, account(smtp, imap.starttls, user), password) == PROVEN
        assert probe(other, account(smtp, imap.tls, user), password + "x").cause is Cause.WRONG_PASSWORD
    with smtp_server(authority, mailbox, Security.TLS, auth_exclude_mechanism=["PLAIN"]) as smtp:
        assert probe(other, account(smtp, None, user), password) == PROVEN
        assert mailbox.tries[-1] == "LOGIN"


@pytest.mark.parametrize("password", ["a\r\nQUIT", "a\nb", "a\0b"])
def test_commands_cannot_be_smuggled_in_a_password(other: Other, password: str) -> None:
    assert probe(other, account(at(free_port())), password).cause is Cause.WRONG_PASSWORD
    sent = other.send(account(at(free_port())), Password(password), TEST)
    assert sent.outcome.cause is Cause.WRONG_PASSWORD


@pytest.mark.parametrize(
    ("refusal", "cause"),
    [
        ("535 5.7.8 Username and Password not accepted.", Cause.WRONG_PASSWORD),
        ("534 5.7.9 Application-specific password required.", Cause.APP_PASSWORD_REQUIRED),
        ("535 5.7.139 SmtpClientAuthentication is disabled for the Mailbox.", Cause.SMTP_AUTH_OFF),
        ("454 4.7.0 Temporary authentication failure", Cause.PROVIDER_TROUBLE),
        ("421 4.7.0 Too many login attempts", Cause.THROTTLED),
    ],
)
def test_answers_mean_what_the_table_says(
    other: Other, authority: Authority, mailbox: Mailbox, refusal: str, cause: Cause
) -> None:
    mailbox.refusal = refusal
    with smtp_server(authority, mailbox, Security.TLS) as smtp:
        told = probe(other, account(smtp))
    assert told.cause is cause
    assert told.provider_error == refusal


def test_a_server_that_repeats_the_password_does_not_get_it_shown(
    other: Other, authority: Authority, mailbox: Mailbox
) -> None:
    blob = base64.b64encode(f"\0{ADDRESS}\0{PASSWORD}".encode()).decode()
    mailbox.refusal = f"535 5.7.8 No: {PASSWORD} / {blob}"
    with smtp_server(authority, mailbox, Security.TLS) as smtp:
        told = probe(other, account(smtp))
    assert told.provider_error == "535 5.7.8 No: [removed] / [removed]"


def test_no_part_of_the_password_is_left_at_the_cut(
    other: Other, authority: Authority, mailbox: Mailbox
) -> None:
    for before in range(270, 300):
        mailbox.refusal = f"535 5.7.8 {'.' * before}{PASSWORD}"
        with smtp_server(authority, mailbox, Security.TLS) as smtp:
            assert "corr" not in (probe(other, account(smtp)).provider_error or "")


def test_a_long_answer_is_cut(other: Other, authority: Authority, mailbox: Mailbox) -> None:
    mailbox.refusal = "535 5.7.8 " + "no " * 2000
    with smtp_server(authority, mailbox, Security.TLS) as smtp:
        assert len(probe(other, account(smtp)).provider_error or "") <= 300


# Encryption


class Spy:
    """Counts what a client says that it must not say without TLS."""

    def __init__(self, greeting: bytes, answers: dict[bytes, bytes]) -> None:
        self.greeting, self.answers = greeting, answers
        self.heard = b""

    def __call__(self, client: socket.socket) -> None:
        client.sendall(self.greeting)
        with client.makefile("rb") as lines:
            for line in lines:
                self.heard += line
                for start, answer in self.answers.items():
                    if start in line.upper():
                        client.sendall(answer.replace(b"{tag}", line.split()[0]))
                        break
                else:
                    client.sendall(b"500 5.5.2 What?\r\n")


def test_plain_smtp_is_refused_and_hears_no_password(other: Other) -> None:
    spy = Spy(b"220 hi\r\n", {b"EHLO": b"250-hi\r\n250 AUTH PLAIN LOGIN\r\n"})
    with scripted(spy) as port:
        told = probe(other, account(at(port, Security.STARTTLS)))
    assert told.cause is Cause.ENCRYPTION_MISSING
    assert told.kind is OutcomeKind.TRANSIENT
    assert b"AUTH" not in spy.heard


@pytest.mark.parametrize("greeting", [b"* OK hi\r\n", b"* PREAUTH come in\r\n"])
def test_plain_imap_is_refused_and_hears_no_password(
    other: Other, authority: Authority, mailbox: Mailbox, greeting: bytes
) -> None:
    capabilities = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK done\r\n"
    spy = Spy(greeting, {b"CAPABILITY": capabilities})
    with smtp_server(authority, mailbox, Security.TLS) as smtp, scripted(spy) as port:
        told = probe(other, account(smtp, at(port, Security.STARTTLS)))
    assert told.cause is Cause.ENCRYPTION_MISSING
    assert b"LOGIN" not in spy.heard
    assert b"AUTHENTICATE" not in spy.heard


def test_tls_asked_of_a_plain_port_is_told_as_that(other: Other) -> None:
    spy = Spy(b"220 hi\r\n", {})
    with scripted(spy) as port:
        told = probe(other, account(at(port, Security.TLS)))
    assert told.cause is Cause.ENCRYPTION_MISSING
    assert "STARTTLS may be meant" in (told.provider_error or "")


def test_a_refused_starttls_is_passing(other: Other) -> None:
    script = dialogue(
        [
            ("", "220 hi\r\n"),
            ("ehlo", "250-hi\r\n250 STARTTLS\r\n"),
            ("STARTTLS", "454 4.7.0 TLS not available due to temporary reason\r\n"),
        ]
    )
    with scripted(script) as port:
        assert probe(other, account(at(port, Security.STARTTLS))).cause is Cause.PROVIDER_TROUBLE


def test_what_was_said_before_tls_counts_no_more(other: Other, authority: Authority) -> None:
    """An attacker may add answers before TLS begins (CVE-2021-38371 and its kin)."""
    context = authority.server_context()

    def play(client: socket.socket) -> None:
        client.sendall(b"220 hi\r\n")
        with client.makefile("rb") as lines:
            lines.readline()
            client.sendall(b"250-hi\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n")
            lines.readline()
        client.sendall(b"220 go\r\n250-forged\r\n250 AUTH PLAIN\r\n235 2.7.0 come in\r\n221 bye\r\n")
        with context.wrap_socket(client, server_side=True) as secure, secure.makefile("rb") as lines:
            assert lines.readline().lower().startswith(b"ehlo")
            secure.sendall(b"250-hi\r\n250 AUTH PLAIN\r\n")
            lines.readline()
            secure.sendall(b"535 5.7.8 the true answer\r\n")

    with scripted(play) as port:
        told = probe(other, account(at(port, Security.STARTTLS)))
    assert not told.proves


@SECURITIES
def test_a_certificate_nobody_vouches_for_is_rejected(
    other: Other, mailbox: Mailbox, security: Security
) -> None:
    with smtp_server(Authority(), mailbox, security) as smtp:
        told = probe(other, account(smtp))
    assert told.cause is Cause.TLS_REJECTED
    assert mailbox.tries == []


def test_a_certificate_for_another_host_is_rejected(other: Other, authority: Authority) -> None:
    cert = authority.ca.issue_cert("mail.example.com")
    with scripted(dialogue([("", "220 hi\r\n")]), authority.server_context(cert)) as port:
        told = probe(other, account(at(port)))
    assert told.cause is Cause.TLS_REJECTED
    assert "ostname mismatch" in (told.provider_error or "")


@pytest.mark.parametrize(
    ("begins", "ends", "cause"),
    [
        (datetime(2099, 1, 1, tzinfo=UTC), datetime(2099, 2, 1, tzinfo=UTC), Cause.CLOCK_WRONG),
        (datetime(2001, 1, 1, tzinfo=UTC), datetime(2001, 2, 1, tzinfo=UTC), Cause.TLS_REJECTED),
    ],
)
def test_a_certificate_of_another_time_is_rejected(
    other: Other, authority: Authority, begins: datetime, ends: datetime, cause: Cause
) -> None:
    cert = authority.ca.issue_cert(HOST, not_before=begins, not_after=ends)
    with scripted(dialogue([("", "220 hi\r\n")]), authority.server_context(cert)) as port:
        assert probe(other, account(at(port))).cause is cause


@pytest.mark.parametrize("loosen", ["check_hostname", "verify_mode"])
def test_a_context_that_checks_nothing_is_not_taken(loosen: str) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    if loosen == "verify_mode":
        context.verify_mode = ssl.CERT_NONE
    with pytest.raises(ValueError, match="checked"):
        Other(context)


# The network


def test_nobody_listening_is_unreachable(other: Other) -> None:
    told = probe(other, account(at(free_port())))
    assert told.cause is Cause.UNREACHABLE
    assert "refused the connection" in (told.provider_error or "")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".example", "", "b..c"])
def test_a_host_that_is_not_there_is_unreachable_or_offline(other: Other, host: str) -> None:
    told = probe(other, account(MailServer(host, 465, Security.TLS)))
    assert told.cause in (Cause.UNREACHABLE, Cause.OFFLINE)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), Cause.OFFLINE),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Cause.UNREACHABLE),
        (OSError(101, "Network is unreachable"), Cause.OFFLINE),
        (TimeoutError("timed out"), Cause.UNREACHABLE),
        (ConnectionRefusedError(111, "refused"), Cause.UNREACHABLE),
        (ConnectionResetError(104, "reset"), Cause.UNREACHABLE),
        (OSError(5, "what"), Cause.UNREACHABLE),
        (ValueError("what"), Cause.UNKNOWN_ANSWER),
    ],
)
def test_network_faults_never_blame_the_password(error: Exception, cause: Cause) -> None:
    told = _outcome_of(error, at(465), _SignIn("a", "b"))
    assert told.cause is cause
    assert told.kind is OutcomeKind.TRANSIENT


@SECURITIES
def test_a_server_that_says_nothing_is_given_up(authority: Authority, security: Security) -> None:
    gone = threading.Event()
    impatient = Other(authority.client_context(), timeout_s=0.1, deadline_s=20)
    with scripted(lambda client: gone.wait(10)) as port:
        told = probe(impatient, account(at(port, security)))
        gone.set()
    assert told.cause is Cause.UNREACHABLE
    assert "did not answer in time" in (told.provider_error or "")


def drip(client: socket.socket) -> None:
    """A byte now and then, for ever."""
    pause = threading.Event()
    while True:
        client.sendall(b"2")
        pause.wait(0.02)


def test_a_server_that_drips_is_cut_off(authority: Authority) -> None:
    impatient = Other(authority.client_context(), timeout_s=10, deadline_s=0.3)
    for security in Security:
        context = authority.server_context() if security is Security.TLS else None
        with scripted(drip, context) as port:
            told = probe(impatient, account(at(port, security)))
        assert told.cause is Cause.UNREACHABLE
        assert "did not answer in time" in (told.provider_error or "")


def test_an_imap_server_that_drips_is_cut_off(authority: Authority, mailbox: Mailbox) -> None:
    impatient = Other(authority.client_context(), timeout_s=10, deadline_s=0.5)
    with (
        smtp_server(authority, mailbox, Security.TLS) as smtp,
        scripted(drip, authority.server_context()) as port,
    ):
        told = probe(impatient, account(smtp, at(port)))
    assert told.cause is Cause.UNREACHABLE
    assert "did not answer in time" in (told.provider_error or "")


def test_close_ends_what_is_under_way(authority: Authority) -> None:
    ending = Other(authority.client_context(), timeout_s=30, deadline_s=60)
    begun, gone = threading.Event(), threading.Event()

    def stall(client: socket.socket) -> None:
        begun.set()
        gone.wait(30)

    with scripted(stall, authority.server_context()) as port, ThreadPoolExecutor(1) as pool:
        told = pool.submit(probe, ending, account(at(port)))
        assert begun.wait(10)
        while not told.done():
            ending.close()
        gone.set()
        assert told.result(10).kind is OutcomeKind.TRANSIENT
    assert probe(ending, account(at(free_port()))).provider_error == "The app is ending."


@pytest.mark.parametrize(
    "greeting",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"\xff\xfe\x00\r\n" * 20,
        b"220\r\n",
        b"220 hi\r\n999 what\r\n",
        b"a" * 20_000 + b"\r\n",
        b"* OK\r\n",
        b"* BYE no more\r\n",
        b"* CAPABILITY \xff\xfe\r\n",
        b"",
    ],
)
def test_what_is_no_mail_server_never_blames_the_password(
    other: Other, authority: Authority, mailbox: Mailbox, greeting: bytes
) -> None:
    context = authority.server_context()
    with scripted(lambda client: client.sendall(greeting), context) as port:
        assert probe(other, account(at(port))).kind is OutcomeKind.TRANSIENT
        with smtp_server(authority, mailbox, Security.TLS) as smtp:
            assert probe(other, account(smtp, at(port))).kind is OutcomeKind.TRANSIENT


LINES = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from(
            [
                b"220 hi",
                b"250-x",
                b"250 AUTH PLAIN",
                b"* OK [ALERT] x",
                b"* CAPABILITY IMAP4rev1",
                b"+ ",
                b"* BYE x",
            ]
        ),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(lines=LINES)
def test_no_bytes_whatever_raise(lines: list[bytes]) -> None:
    said = b"".join(line + b"\r\n" for line in lines)
    trusting = Other(FUZZ.client_context(), timeout_s=5, deadline_s=5)
    with scripted(lambda client: client.sendall(said), FUZZ.server_context()) as port:
        server = at(port)
        for told in (probe(trusting, account(server)), trusting._check_imap(server, _SignIn("a", "b"))):
            assert told.proves or told.kind is OutcomeKind.TRANSIENT or told.provider_error


FUZZ = Authority()


# IMAP's finer points


def imap_script(
    *turns: tuple[str, str], capabilities: str = "AUTH=PLAIN", greeting: str = "* OK hi"
) -> Script:
    return dialogue(
        [
            ("", f"{greeting}\r\n"),
            ("CAPABILITY", f"* CAPABILITY IMAP4rev1 {capabilities}\r\n{{tag}} OK done\r\n"),
            *turns,
        ]
    )


def ask_imap(other: Other, authority: Authority, script: Script, password: str = PASSWORD) -> Outcome:
    with scripted(script, authority.server_context()) as port:
        return other._check_imap(at(port), _SignIn(ADDRESS, password))


@pytest.mark.parametrize(
    ("answer", "cause", "text"),
    [
        ("{tag} NO [UNAVAILABLE] later", Cause.PROVIDER_TROUBLE, "NO [UNAVAILABLE] later"),
        ("{tag} NO [ALERT] Application-specific password required", Cause.APP_PASSWORD_REQUIRED, "[ALERT]"),
        ("{tag} NO LOGIN failed.", Cause.WRONG_PASSWORD, "NO LOGIN failed."),
        ("{tag} BAD what is this", Cause.UNKNOWN_ANSWER, "BAD what is this"),
        ("* BYE [ALERT] Too many simultaneous connections", Cause.THROTTLED, "BYE [ALERT]"),
        ("* BYE Autologout", Cause.PROVIDER_TROUBLE, "BYE Autologout"),
    ],
)
def test_imap_answers_mean_what_the_table_says(
    other: Other, authority: Authority, answer: str, cause: Cause, text: str
) -> None:
    told = ask_imap(other, authority, imap_script(("AUTHENTICATE", "+ \r\n"), (ANY, answer + "\r\n")))
    assert told.cause is cause
    assert text in (told.provider_error or "")


def test_an_alert_is_shown_though_all_is_well(other: Other, authority: Authority) -> None:
    script = imap_script(
        ("AUTHENTICATE", "+ \r\n"),
        (ANY, "* OK [ALERT] Your mailbox is nearly full.\r\n{tag} OK in\r\n"),
        ("NOOP", "{tag} OK done\r\n"),
        ("LOGOUT", "* BYE bye\r\n{tag} OK done\r\n"),
    )
    told = ask_imap(other, authority, script)
    assert told.proves
    assert told.provider_error == "Your mailbox is nearly full."


def test_exchange_tells_only_at_the_next_command(other: Other, authority: Authority) -> None:
    script = imap_script(
        ("AUTHENTICATE", "+ \r\n"),
        (ANY, "{tag} OK AUTHENTICATE completed.\r\n"),
        ("NOOP", "{tag} BAD User is authenticated but not connected.\r\n"),
    )
    assert ask_imap(other, authority, script).cause is Cause.MAIL_ACCESS_OFF


def test_login_is_used_where_sasl_is_not_spoken(other: Other, authority: Authority) -> None:
    script = imap_script(
        (f'LOGIN {ADDRESS} "', "{tag} OK in\r\n"), ("NOOP", "{tag} OK done\r\n"), capabilities="IDLE"
    )
    assert ask_imap(other, authority, script) == PROVEN
    assert ask_imap(other, authority, script, "ü").cause is Cause.WRONG_PASSWORD


def test_a_server_without_passwords_is_not_tried(other: Other, authority: Authority) -> None:
    script = imap_script(capabilities="LOGINDISABLED AUTH=XOAUTH2")
    assert ask_imap(other, authority, script).cause is Cause.MAIL_ACCESS_OFF


def test_smtp_without_passwords_is_told(other: Other, authority: Authority) -> None:
    for offered in ("250 AUTH XOAUTH2", "250 SIZE 1000"):
        script = dialogue([("", "220 hi\r\n"), ("ehlo", f"250-hi\r\n{offered}\r\n")])
        with scripted(script, authority.server_context()) as port:
            assert probe(other, account(at(port))).cause is Cause.SMTP_AUTH_OFF


@pytest.mark.parametrize(
    ("greeting", "cause"),
    [
        ("421 4.3.2 Too many connections", Cause.THROTTLED),
        ("554 5.7.1 No service for you", Cause.UNKNOWN_ANSWER),
    ],
)
def test_a_refusing_greeting(other: Other, authority: Authority, greeting: str, cause: Cause) -> None:
    with scripted(dialogue([("", f"{greeting}\r\n")]), authority.server_context()) as port:
        assert probe(other, account(at(port))).cause is cause


# Sending


@SECURITIES
def test_a_message_is_sent_as_it_is(
    other: Other, authority: Authority, mailbox: Mailbox, security: Security
) -> None:
    mime = TEST + b".leading dot\r\n..two\r\nno line end"
    with smtp_server(authority, mailbox, security) as smtp:
        assert send(other, account(smtp), mime) == SendResult(PROVEN)
    (received,) = mailbox.received
    assert received.mail_from == ADDRESS
    assert received.rcpt_tos == ["bob@example.org"]
    assert received.content == mime + b"\r\n"


def test_bcc_goes_to_the_server_but_not_along(other: Other, authority: Authority, mailbox: Mailbox) -> None:
    mime = b"Bcc: Eve <eve@example.net>,\r\n\tmallory@example.net\r\nCc: Carl <carl@example.net>\r\n" + TEST
    with smtp_server(authority, mailbox, Security.TLS) as smtp:
        assert send(other, account(smtp), mime).outcome.proves
    (received,) = mailbox.received
    assert received.rcpt_tos == [
        "bob@example.org",
        "carl@example.net",
        "eve@example.net",
        "mallory@example.net",
    ]
    assert isinstance(received.content, bytes)
    assert b"eve" not in received.content
    assert b"mallory" not in received.content
    assert received.content.endswith(TEST)


def test_international_addresses(other: Other, authority: Authority, mailbox: Mailbox) -> None:
    for to, wire in (("li@例え.example", "li@xn--r8jz45g.example"), ("jürgen@a.example", "jürgen@a.example")):
        with smtp_server(authority, mailbox, Security.TLS) as smtp:
            assert send(other, account(smtp), compose_test(ADDRESS, to, NOW, "m")).outcome.proves
        assert mailbox.received[-1].rcpt_tos == [wire]
    with smtp_server(authority, mailbox, Security.TLS, enable_SMTPUTF8=False) as smtp:
        told = send(other, account(smtp), compose_test(ADDRESS, "jürgen@a.example", NOW, "m"))
    assert told.outcome.cause is Cause.MESSAGE_REFUSED


@pytest.mark.parametrize("mime", [b"Subject: x\r\n\r\nx", b"To: nobody at all\r\n\r\nx", b""])
def test_a_message_to_nobody_is_refused_before_anybody_is_asked(other: Other, mime: bytes) -> None:
    sent = send(other, account(at(free_port())), mime)
    assert sent.outcome.cause is Cause.MESSAGE_REFUSED
    assert not sent.in_doubt


def session(*turns: tuple[str, str], then: Script | None = None) -> Script:
    return dialogue(
        [
            ("", "220 hi\r\n"),
            ("ehlo", "250-hi\r\n250 AUTH PLAIN\r\n"),
            ("AUTH", "235 2.7.0 in\r\n"),
            *turns,
        ],
        then,
    )


def send_by(other: Other, authority: Authority, script: Script) -> SendResult:
    with scripted(script, authority.server_context()) as port:
        return send(other, account(at(port)))


ACCEPTED = (("mail FROM", "250 ok\r\n"), ("rcpt TO", "250 ok\r\n"), ("DATA", "354 go\r\n"))


@pytest.mark.parametrize(
    ("turns", "cause"),
    [
        ([("mail FROM", "550 5.4.5 Daily user sending limit exceeded\r\n")], Cause.THROTTLED),
        ([*ACCEPTED, (".\r\n", "421 4.7.28 Unusual rate of mail\r\n")], Cause.THROTTLED),
        ([("mail FROM", "530 5.7.57 Client not authenticated\r\n")], Cause.SMTP_AUTH_OFF),
        ([ACCEPTED[0], ("rcpt TO", "550 5.1.1 No such user\r\n")], Cause.MESSAGE_REFUSED),
        ([ACCEPTED[0], ("rcpt TO", "450 4.7.1 Greylisted\r\n")], Cause.PROVIDER_TROUBLE),
        ([*ACCEPTED[:2], ("DATA", "554 5.5.1 no\r\n")], Cause.MESSAGE_REFUSED),
        ([*ACCEPTED[:2], ("DATA", "250 ok?\r\n")], Cause.UNKNOWN_ANSWER),
        ([*ACCEPTED, (".\r\n", "552 5.3.4 too big\r\n")], Cause.MESSAGE_REFUSED),
        ([*ACCEPTED, (".\r\n", "451 4.3.0 later\r\n")], Cause.PROVIDER_TROUBLE),
        ([*ACCEPTED, (".\r\n", "503 5.5.1 sequence\r\n")], Cause.PROVIDER_TROUBLE),
    ],
)
def test_a_clear_refusal_is_never_in_doubt(
    other: Other, authority: Authority, turns: list[tuple[str, str]], cause: Cause
) -> None:
    sent = send_by(other, authority, session(*turns))
    assert sent.outcome.cause is cause
    assert not sent.in_doubt
    assert sent.message_id is None


def test_one_refused_recipient_stops_the_message(other: Other, authority: Authority) -> None:
    script = session(*ACCEPTED[:2], ("rcpt TO", "550 5.1.1 no\r\n"), ("DATA", "354 go\r\n"))
    with scripted(script, authority.server_context()) as port:
        sent = send(other, account(at(port)), b"Cc: carl@example.net\r\n" + TEST)
    assert sent.outcome.cause is Cause.MESSAGE_REFUSED


def test_lost_before_the_end_of_the_message_is_not_in_doubt(other: Other, authority: Authority) -> None:
    for turns in (ACCEPTED[:1], ACCEPTED[:2], ACCEPTED):
        big = TEST + b"x" * 10_000_000
        with scripted(session(*turns), authority.server_context()) as port:
            sent = send(other, account(at(port)), big)
        assert sent.outcome.kind is OutcomeKind.TRANSIENT
        assert not sent.in_doubt


def test_lost_after_the_end_dot_is_in_doubt(other: Other, authority: Authority) -> None:
    sent = send_by(other, authority, session(*ACCEPTED, (".\r\n", "")))
    assert sent.in_doubt
    assert sent.outcome.cause is Cause.UNREACHABLE
    assert "may have been sent" in (sent.outcome.provider_error or "")


def test_an_answer_nobody_understands_is_in_doubt(other: Other, authority: Authority) -> None:
    for answer in ("what?\r\n", "354 more\r\n", "199 hm\r\n"):
        assert send_by(other, authority, session(*ACCEPTED, (".\r\n", answer))).in_doubt


class Faulty:
    """A line that takes all of a message, until something breaks once its end is on its way."""

    command_encoding = "ascii"

    def __init__(self, fault: Exception, at_end: bool) -> None:
        self._fault, self._at_end = fault, at_end
        self.sock = socket.socket()

    def has_extn(self, name: str) -> bool:
        return False

    def mail(self, *_: object) -> tuple[int, bytes]:
        return 250, b"ok"

    rcpt = mail

    def docmd(self, *_: object) -> tuple[int, bytes]:
        return 354, b"go"

    def send(self, octets: bytes) -> None:
        if octets == b".\r\n" and self._at_end:
            raise self._fault

    def getreply(self) -> tuple[int, bytes]:
        raise self._fault


@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize(
    "fault", [OSError(), ConnectionResetError(), ssl.SSLEOFError(), ValueError("closed file")]
)
def test_whatever_breaks_after_the_end_dot_is_in_doubt(fault: Exception, at_end: bool) -> None:
    line = Faulty(fault, at_end)
    with line.sock, pytest.raises(_InDoubt):
        _hand_over(line, Envelope.of(ADDRESS, TEST), 1.0)  # type: ignore[arg-type]


def test_silence_after_the_end_dot_is_in_doubt(authority: Authority) -> None:
    impatient = Other(authority.client_context(), timeout_s=10, deadline_s=10, takeover_s=0.1)
    gone = threading.Event()
    script = session(*ACCEPTED, (".\r\n", ""), then=lambda _: gone.wait(10))
    with scripted(script, authority.server_context()) as port:
        sent = send(impatient, account(at(port)))
        gone.set()
    assert sent.in_doubt


def test_a_connection_lost_at_goodbye_is_a_success(other: Other, authority: Authority) -> None:
    assert send_by(other, authority, session(*ACCEPTED, (".\r\n", "250 ok\r\n"))) == SendResult(PROVEN)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("250 2.0.0 OK <new-id@prod.example> [Hostname=x]", "<new-id@prod.example>"),
        ("250 2.0.0 OK <marker-1@example.com>", None),
        ("250 2.0.0 OK 1234 - gsmtp", None),
    ],
)
def test_a_message_id_of_the_servers_own_is_kept(
    other: Other, authority: Authority, answer: str, told: str | None
) -> None:
    sent = send_by(other, authority, session(*ACCEPTED, (".\r\n", answer + "\r\n")))
    assert sent == SendResult(PROVEN, message_id=told)


def test_sending_with_a_wrong_password(other: Other, authority: Authority, mailbox: Mailbox) -> None:
    mailbox.password = b"another"
    with smtp_server(authority, mailbox, Security.TLS) as smtp:
        sent = send(other, account(smtp))
    assert sent.outcome.cause is Cause.WRONG_PASSWORD
    assert mailbox.received == []


# Connections kept for the next message


@pytest.fixture
def keeping(authority: Authority) -> Iterator[Other]:
    made = Other(authority.client_context(), timeout_s=10, deadline_s=20, idle_s=30)
    yield made
    made.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "mail-idle"]


AGAIN = ("rset", "250 2.0.0 reset\r\n")
ONE = (*ACCEPTED, (".\r\n", "250 2.0.0 ok\r\n"))


class Counting:
    """Plays one script after the other, a new one to each client."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.clients = 0

    def __call__(self, client: socket.socket) -> object:
        self.clients += 1
        return self._scripts.pop(0)(client)


@SECURITIES
def test_one_sign_in_serves_several_messages(
    keeping: Other, authority: Authority, mailbox: Mailbox, security: Security
) -> None:
    with smtp_server(authority, mailbox, security) as smtp:
        for _ in range(3):
            assert send(keeping, account(smtp)) == SendResult(PROVEN)
        assert mailbox.tries == ["PLAIN"]
        assert probe(keeping, account(smtp)) == PROVEN
        assert mailbox.tries == ["PLAIN"] * 2, "a check signs in anew"
        keeping.close()
    assert [each.content for each in mailbox.received] == [TEST] * 3


def test_a_new_password_makes_a_new_connection(
    keeping: Other, authority: Authority, mailbox: Mailbox
) -> None:
    with smtp_server(authority, mailbox, Security.TLS) as smtp:
        assert send(keeping, account(smtp)).outcome.proves
        wrong = keeping.send(account(smtp), Password("another 1"), TEST)
        assert wrong.outcome.cause is Cause.WRONG_PASSWORD, "it does not borrow the old sign-in"
        keeping.close()
    assert len(mailbox.received) == 1


@pytest.mark.parametrize(
    "after_the_first",
    [
        (),
        (("rset", ""),),
        (("rset", "421 4.4.2 idle for too long\r\n"),),
        (("rset", "451 4.3.0 not now\r\n"),),
        (("rset", "what?\r\n"),),
    ],
    ids=["closed", "closed at once", "goodbye", "refused", "rubbish"],
)
def test_one_that_died_meanwhile_is_replaced(
    keeping: Other, authority: Authority, after_the_first: tuple[tuple[str, str], ...]
) -> None:
    server = Counting(session(*ONE, *after_the_first), session(*ONE))
    with scripted(server, authority.server_context()) as port:
        for _ in range(2):
            assert send(keeping, account(at(port))) == SendResult(PROVEN)
        keeping.close()
    assert server.clients == 2


def test_one_that_dies_in_a_message_is_as_any_other(keeping: Other, authority: Authority) -> None:
    """Before the end dot nothing went out, after it nobody can know; neither is sent again by itself."""
    whole, cut = TEST, TEST + b"x" * 10_000_000
    for turns, mime, in_doubt in ((ACCEPTED, cut, False), ((*ACCEPTED, (".\r\n", "")), whole, True)):
        server = Counting(session(*ONE, AGAIN, *turns))
        with scripted(server, authority.server_context()) as port:
            assert send(keeping, account(at(port))).outcome.proves
            lost = send(keeping, account(at(port)), mime)
        assert lost.in_doubt is in_doubt and lost.outcome.kind is OutcomeKind.TRANSIENT
        assert server.clients == 1


def test_after_a_refusal_the_connection_ends(keeping: Other, authority: Authority) -> None:
    refused = (ACCEPTED[0], ("rcpt TO", "550 5.1.1 no such user\r\n"))
    server = Counting(session(*refused), session(*ONE))
    with scripted(server, authority.server_context()) as port:
        told = send(keeping, account(at(port)))
        assert told.outcome.cause is Cause.MESSAGE_REFUSED and not told.in_doubt
        assert told.outcome.provider_error == "550 5.1.1 no such user"
        assert send(keeping, account(at(port))).outcome.proves
        keeping.close()
    assert server.clients == 2


def test_a_connection_carries_only_so_many(keeping: Other, authority: Authority, mailbox: Mailbox) -> None:
    with smtp_server(authority, mailbox, Security.TLS) as smtp:
        for _ in range(51):
            assert send(keeping, account(smtp)).outcome.proves
        keeping.close()
    assert mailbox.tries == ["PLAIN"] * 2 and len(mailbox.received) == 51


def test_an_international_address_after_a_plain_one(
    keeping: Other, authority: Authority, mailbox: Mailbox
) -> None:
    with smtp_server(authority, mailbox, Security.TLS) as smtp:
        for to in ("bob@a.example", "jürgen@a.example", "bob@a.example"):
            assert send(keeping, account(smtp), compose_test(ADDRESS, to, NOW, "m")).outcome.proves
        keeping.close()
    assert mailbox.tries == ["PLAIN"]


def test_a_closed_app_keeps_nothing(keeping: Other, authority: Authority, mailbox: Mailbox) -> None:
    with smtp_server(authority, mailbox, Security.TLS) as smtp:
        assert send(keeping, account(smtp)).outcome.proves
        keeping.close()
        assert send(keeping, account(smtp)).outcome.provider_error == "The app is ending."


# A relay that needs no sign-in


def anonymous(smtp: MailServer) -> Account:
    return account(smtp, user="")


OPEN = {"auth_required": False, "authenticator": None}


@SECURITIES
def test_without_user_and_password_nobody_signs_in_but_the_line_is_secured(
    other: Other, authority: Authority, mailbox: Mailbox, security: Security
) -> None:
    with smtp_server(authority, mailbox, security, **OPEN) as smtp:
        assert other.probe(anonymous(smtp), Password("")).outcome == PROVEN
        assert mailbox.received == [], "the check hands nothing over"
        assert other.send(anonymous(smtp), Password(""), TEST) == SendResult(PROVEN)
    assert mailbox.tries == []
    assert [envelope.mail_from for envelope in mailbox.received] == [ADDRESS]


def test_a_server_that_wants_a_password_says_so_in_the_check(
    other: Other, authority: Authority, mailbox: Mailbox
) -> None:
    with smtp_server(authority, mailbox, Security.STARTTLS) as smtp:
        told = other.probe(anonymous(smtp), Password("")).outcome
        sent = other.send(anonymous(smtp), Password(""), TEST)
    assert not told.proves and told.provider_error == "530 5.7.0 Authentication required"
    assert not sent.outcome.proves and mailbox.received == []


def test_plain_smtp_is_refused_to_those_too(other: Other) -> None:
    script = dialogue([("", "220 hi\r\n"), ("ehlo", "250 hi\r\n")])
    with scripted(script) as port:
        told = other.probe(anonymous(at(port, Security.STARTTLS)), Password("")).outcome
    assert told.cause is Cause.ENCRYPTION_MISSING


@pytest.mark.parametrize(("user", "password"), [("", "secret 1"), (None, "")])
def test_half_a_sign_in_is_still_one(user: str | None, password: str) -> None:
    servers = MailServers(at(1), user=user)
    made = _SignIn.of(Account("id", Provider.OTHER, ADDRESS, NOW), servers, Password(password))
    assert made == _SignIn(ADDRESS, password) and not made.is_anonymous


def test_what_a_server_says_to_nobody_is_shown_as_it_is() -> None:
    assert _SignIn("", "").hide_in(b"AAA= is no secret") == "AAA= is no secret"


# The rest


def test_an_account_without_servers_or_password(other: Other) -> None:
    bare = Account("id", Provider.OTHER, ADDRESS, NOW)
    tokens = TokenSet("refresh")
    for of, credentials in ((bare, Password("x")), (account(at(1)), tokens)):
        assert other.probe(of, credentials).outcome.cause is Cause.GRANT_MISSING
        assert other.send(of, credentials, TEST).outcome.cause is Cause.GRANT_MISSING
    assert other.revoke(bare, tokens) is False


def test_nothing_secret_is_logged_or_shown(
    other: Other, authority: Authority, mailbox: Mailbox, imap: Dovecot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with smtp_server(authority, mailbox, Security.TLS) as smtp:
        probe(other, account(smtp, imap.tls))
        probe(other, account(smtp, imap.tls), "wrong password 2")
        send(other, account(smtp))
    probe(other, account(at(free_port())))
    ours = "\n".join(each.getMessage() for each in caplog.records if each.name.startswith("reply_desktop"))
    assert "UNREACHABLE" in ours or "unreachable" in ours
    for secret in (PASSWORD, "wrong password 2"):
        assert secret not in ours
        assert secret not in repr(_SignIn(ADDRESS, secret))


def test_many_at_once(other: Other, authority: Authority, mailbox: Mailbox, imap: Dovecot) -> None:
    with smtp_server(authority, mailbox, Security.TLS) as smtp, ThreadPoolExecutor(8) as pool:
        good, bad = account(smtp, imap.tls), account(smtp)
        told = list(pool.map(lambda n: probe(other, good if n % 2 else bad, PASSWORD), range(16)))
    assert told == [PROVEN] * 16


def test_one_thread_watches_over_many_messages_and_ends_with_them(
    keeping: Other, authority: Authority, mailbox: Mailbox
) -> None:
    watching = set()
    with smtp_server(authority, mailbox, Security.TLS) as smtp:
        for _ in range(3):
            assert send(keeping, account(smtp)).outcome is PROVEN
            watching |= {one for one in threading.enumerate() if one.name == "mail-deadline"}
        keeping.close()
    assert len(watching) == 1
    assert not any(one.is_alive() for one in watching)
