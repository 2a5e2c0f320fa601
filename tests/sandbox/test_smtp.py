"""The Other provider's SMTP server, as smtplib finds it."""

import smtplib
import ssl
from collections.abc import Callable

import pytest

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import EVERYWHERE, Control, Door, SandboxControl
from reply_desktop.sandbox.process import Sandbox
from tests.sandbox.callers import ANA, GINA, mail

TO = "prospect@elsewhere.example"


def trusting(sandbox: Sandbox) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=sandbox.ca_file)


def by_starttls(sandbox: Sandbox) -> smtplib.SMTP:
    server = smtplib.SMTP(sandbox.smtp_host, sandbox.smtp_port, timeout=10)
    server.starttls(context=trusting(sandbox))
    return server


def by_tls(sandbox: Sandbox) -> smtplib.SMTP:
    return smtplib.SMTP_SSL(sandbox.smtp_host, sandbox.smtp_tls_port, timeout=10, context=trusting(sandbox))


@pytest.mark.parametrize("connect", [by_starttls, by_tls])
def test_mail_is_taken_after_a_login(
    sandbox: Sandbox, control: SandboxControl, connect: Callable[[Sandbox], smtplib.SMTP]
) -> None:
    after = max((each.id for each in control.messages()), default=0)
    with connect(sandbox) as server:
        server.login(GINA, control.password(GINA))
        server.sendmail(GINA, [TO, "second@elsewhere.example"], mail(GINA))
    (kept,) = control.messages(after=after, account=GINA)
    assert (kept.channel, kept.sender) == ("smtp", GINA)
    assert kept.recipients == (TO, "second@elsewhere.example")
    assert b"Hello" in control.raw_message(kept.id)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_both_mechanisms(sandbox: Sandbox, control: SandboxControl, mechanism: str) -> None:
    with by_tls(sandbox) as server:
        server.ehlo()
        server.user, server.password = GINA, control.password(GINA)
        answer = getattr(server, f"auth_{mechanism.lower()}")
        assert server.auth(mechanism, answer)[0] == 235


def test_nothing_is_said_in_the_clear(sandbox: Sandbox, control: SandboxControl) -> None:
    with smtplib.SMTP(sandbox.smtp_host, sandbox.smtp_port, timeout=10) as server:
        server.ehlo()
        assert not server.has_extn("auth") and server.has_extn("starttls")
        with pytest.raises(smtplib.SMTPNotSupportedError):
            server.login(GINA, control.password(GINA))


@pytest.mark.parametrize("connect", [by_starttls, by_tls])
def test_no_mail_without_a_login(sandbox: Sandbox, connect: Callable[[Sandbox], smtplib.SMTP]) -> None:
    with connect(sandbox) as server, pytest.raises(smtplib.SMTPSenderRefused) as refused:
        server.sendmail(GINA, [TO], mail(GINA))
    assert refused.value.smtp_code == 530


@pytest.mark.parametrize("user", [GINA, ANA, "nobody@lantern.example"])
def test_a_wrong_password_or_user(sandbox: Sandbox, user: str) -> None:
    with by_tls(sandbox) as server, pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        server.login(user, "wrong")
    assert (refused.value.smtp_code, refused.value.smtp_error[:5]) == (535, b"5.7.8")


def test_a_changed_password(sandbox: Sandbox, control: SandboxControl) -> None:
    old = control.password(GINA)
    control.apply(Control.CHANGE_PASSWORD, GINA, password="next-one")
    assert control.password(GINA) == "next-one"
    with by_tls(sandbox) as server, pytest.raises(smtplib.SMTPAuthenticationError):
        server.login(GINA, old)
    with by_tls(sandbox) as server:
        server.login(GINA, "next-one")


@pytest.mark.parametrize(
    ("name", "target", "code", "begins"),
    [
        (Control.SMTP_AUTH_OFF, GINA, 535, b"5.7.139 "),
        (Control.ACCOUNT_DISABLED, GINA, 535, b"5.7.8 Account disabled"),
        (Control.SERVER_TROUBLE, GINA, 454, b"4.7.0 "),
        (Control.THROTTLE, Provider.OTHER, 454, b"4.7.0 "),
        (Control.SERVER_TROUBLE, EVERYWHERE, 454, b"4.7.0 "),
    ],
)
def test_what_a_login_meets(
    sandbox: Sandbox, control: SandboxControl, name: Control, target: str, code: int, begins: bytes
) -> None:
    control.apply(name, target)
    with by_tls(sandbox) as server, pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        server.login(GINA, control.password(GINA))
    assert refused.value.smtp_code == code
    said = refused.value.smtp_error
    assert isinstance(said, bytes) and said.startswith(begins)
    control.clear(name, target)
    with by_tls(sandbox) as server:
        server.login(GINA, control.password(GINA))


@pytest.mark.parametrize(("name", "code"), [(Control.SERVER_TROUBLE, 451), (Control.THROTTLE, 450)])
def test_a_passing_refusal_of_mail(
    sandbox: Sandbox, control: SandboxControl, name: Control, code: int
) -> None:
    with by_tls(sandbox) as server:
        server.login(GINA, control.password(GINA))
        control.apply(name, GINA, times=1)
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            server.sendmail(GINA, [TO], mail(GINA))
        assert refused.value.smtp_code == code
        server.sendmail(GINA, [TO], mail(GINA))


def test_the_sending_limit(sandbox: Sandbox, control: SandboxControl) -> None:
    control.apply(Control.SENDING_LIMIT, GINA)
    with by_tls(sandbox) as server:
        server.login(GINA, control.password(GINA))
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            server.sendmail(GINA, [TO], mail(GINA))
        assert refused.value.smtp_code == 550 and refused.value.smtp_error.startswith(b"5.4.5 ")
        control.clear(Control.SENDING_LIMIT, GINA)
        server.sendmail(GINA, [TO], mail(GINA))


def test_an_answer_lost_after_the_mail_was_taken(sandbox: Sandbox, control: SandboxControl) -> None:
    control.forget_messages()
    control.apply(Control.LOSE_ANSWER, GINA, times=1, where=[Door.SMTP])
    server = by_tls(sandbox)
    server.login(GINA, control.password(GINA))
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        server.sendmail(GINA, [TO], mail(GINA))
    server.close()
    assert len(control.messages(account=GINA)) == 1


def test_slow_answers(sandbox: Sandbox, control: SandboxControl) -> None:
    control.apply(Control.LATENCY, Provider.OTHER, ms=60_000, where=[Door.SMTP])
    with (
        pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"),
        smtplib.SMTP(sandbox.smtp_host, sandbox.smtp_port, timeout=0.3) as server,
    ):
        server.ehlo()


def test_an_untrusted_certificate(sandbox: Sandbox, control: SandboxControl) -> None:
    control.apply(Control.BAD_CERTIFICATE, Provider.OTHER)
    for connect in (by_tls, by_starttls):
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(sandbox)
    control.clear(Control.BAD_CERTIFICATE, Provider.OTHER)
    by_tls(sandbox).quit()


def test_logins_are_seen(sandbox: Sandbox, control: SandboxControl) -> None:
    after = control.state().visits
    with by_tls(sandbox) as server:
        server.login(GINA, control.password(GINA))
    (seen,) = control.visits(after=after, door=Door.SMTP)
    assert (seen.mailbox, seen.status, seen.what) == (GINA, 235, "smtp auth")
