"""Sequences from password mailboxes over real servers: out by SMTP with TLS, read back by IMAP from Dovecot."""

import imaplib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from reply_desktop.channel import messages as m
from reply_desktop.channel.launch import stop_running
from reply_desktop.domain.enrollment import EnrollmentState, FinishReason
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.states import Color, State
from tests.acceptance.conftest import Shell
from tests.acceptance.watching import (
    DEADLINE_S,
    Touched,
    Watch,
    add_prospects,
    assert_exactly_once,
    assert_threaded,
    done,
    make_sequence,
    set_delay,
    start_together,
    touched,
)
from tests.harness.mail_servers import HOST, Authority, Dovecot, Mailbox, dovecot, smtp_server
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ANA, BEN, EVERYBODY = "ana@own.example", "ben@own.example", "everybody@there.example"
PASSWORDS = {ANA: "anas first password", BEN: "bens password", EVERYBODY: "theirs"}


class PostOffice(Mailbox):
    """The SMTP side: takes mail from who may send, and delivers all of it into one Maildir of Dovecot."""

    def __init__(self, imap: Dovecot) -> None:
        super().__init__("", "")
        self._imap = imap
        self.passwords = dict(PASSWORDS)
        self.blocked: dict[str, str] = {}
        self.sent: list[tuple[str, str, bytes]] = []
        self.strike: Callable[[], None] | None = None

    def let_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        user = data.login.decode()
        if user in self.blocked:
            return AuthResult(success=False, handled=False, message=self.blocked[user])
        good = data.password.decode() == self.passwords.get(user)
        return AuthResult(success=good, handled=False, auth_data=(user, self.passwords.get(user)))

    async def handle_RSET(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        # A server that throws out who is signed in when that is no longer allowed.
        user, password = cast(tuple[str, str], session.auth_data)
        if user in self.blocked or self.passwords[user] != password:
            return "421 4.7.0 Sign in again"
        return "250 2.0.0 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        (recipient,) = envelope.rcpt_tos
        self.sent.append((str(envelope.mail_from), recipient, envelope.content))
        traced = f"Return-Path: <{envelope.mail_from}>\r\nDelivered-To: {recipient}\r\n".encode()
        self._imap.deliver(EVERYBODY, traced + envelope.content)
        if self.strike is not None and self._has_begun():
            self.strike()
            self.strike = None
        return self.answer

    def _has_begun(self) -> bool:
        """Whether Ana has sent a few of each sequence."""
        to = Counter(recipient.partition("@")[2] for sender, recipient, _ in self.sent if sender == ANA)
        return len(to) == 2 and min(to.values()) >= 2


class Town:
    """A shell without a sandbox, and the servers its accounts are at."""

    def __init__(self, shell: Shell, authority: Authority, imap: Dovecot, post: PostOffice) -> None:
        self.shell, self.authority, self.imap, self.post = shell, authority, imap, post
        self.servers: dict[str, MailServers] = {}

    def mailbox(self, user: str) -> imaplib.IMAP4_SSL:
        """A connection to Dovecot of this user, over TLS."""
        found = imaplib.IMAP4_SSL(
            HOST, self.imap.tls.port, ssl_context=self.authority.client_context(), timeout=DEADLINE_S
        )
        found.login(user, PASSWORDS[user])
        return found

    def read_back(self) -> list[tuple[dict[str, str], bytes]]:
        """Every message that was delivered: the trace the servers put on top, and the rest byte for byte."""
        with self.mailbox(EVERYBODY) as box:
            box.select("INBOX", readonly=True)
            _, found = box.fetch("1:*", "(BODY.PEEK[])")
        read = []
        for one in found:
            if isinstance(one, tuple):
                path, to, raw = one[1].split(b"\r\n", 2)
                read.append(({"from": _within(path), "to": to.decode().removeprefix("Delivered-To: ")}, raw))
        return read

    def got(self) -> list[Touched]:
        """The sequences' messages as their recipients read them, in the order they came."""
        letters = [
            touched(raw, number, datetime.now(UTC), trace["from"], trace["to"])
            for number, (trace, raw) in enumerate(self.read_back(), 1)
        ]
        return [one for one in letters if one is not None]

    def answer(self, letter: Touched, **more: str) -> None:
        """The recipient of a message answers it: it lies in the sender's inbox, put there over IMAP."""
        head = {
            "From": letter.recipient,
            "To": letter.account,
            "Subject": f"Re: {letter.subject}",
            "Message-ID": f"<answer-{letter.id}@there.example>",
            "In-Reply-To": letter.message_id,
            "References": letter.message_id,
            **more,
        }
        raw = "".join(f"{name}: {value}\r\n" for name, value in head.items()) + "\r\nYes, please.\r\n"
        with self.mailbox(letter.account) as box:
            now = imaplib.Time2Internaldate(time.time())
            assert box.append("INBOX", "", now, raw.encode())[0] == "OK"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Ana sends with TLS from the start and Ben with STARTTLS; both can be read over IMAP, likewise."""
    authority = Authority()
    ca_file = tmp_path / "ca.pem"
    authority.ca.cert_pem.write_to_path(str(ca_file))
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a passphrase of some length")
    passphrase.chmod(0o600)
    env = {
        **os.environ,
        "REQUESTS_CA_BUNDLE": str(ca_file),
        "REPLY_DESKTOP_PASSPHRASE_FILE": str(passphrase),
    }
    with ExitStack() as stack:
        imap = stack.enter_context(dovecot(authority, PASSWORDS))
        town = Town(Shell(tmp_path / "data", env, sandbox=False), authority, imap, PostOffice(imap))
        for user, security in ((ANA, Security.TLS), (BEN, Security.STARTTLS)):
            smtp = stack.enter_context(smtp_server(authority, town.post, security))
            reads = imap.tls if security is Security.TLS else imap.starttls
            town.servers[user] = MailServers(smtp, reads)
        # Before the servers end: it keeps connections to them.
        stack.callback(stop_running, town.shell.config)
        for user, servers in town.servers.items():
            assert servers.imap is not None
            add_account(town, user, servers.smtp, servers.imap)
        yield town


def add_account(town: Town, user: str, smtp: MailServer, imap: MailServer) -> None:
    words = ["--address", user, "--password-stdin"]
    for kind, one in (("smtp", smtp), ("imap", imap)):
        words += [f"--{kind}-host", one.host, f"--{kind}-port", str(one.port)]
        words += [f"--{kind}-security", one.security.value]
    added = town.shell("accounts", "add", "other", *words, stdin=PASSWORDS[user])
    assert added.code == 0, added.err


def change_password(town: Town) -> None:
    town.post.passwords[ANA] = "anas second, longer password"
    town.imap.let_in({**PASSWORDS, ANA: town.post.passwords[ANA]})


def edit_password(town: Town, watch: Watch) -> None:
    watch.client.ask(m.EditOther(ANA, town.servers[ANA], town.post.passwords[ANA]))


def block(town: Town) -> None:
    town.post.blocked[ANA] = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled"


def unblock(town: Town, watch: Watch) -> None:
    town.post.blocked.clear()
    assert town.shell("check", ANA).code == 0


TROUBLES = {
    "wrong password": (change_password, edit_password, State.EXPIRED),
    "blocked": (block, unblock, State.BLOCKED),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_rest_goes_on_and_what_was_held_leaves_once_and_in_its_thread(town: Town, trouble: str) -> None:
    strike, mend, state = TROUBLES[trouble]
    people = make_sequence(town.shell, "Both", [ANA, BEN], 16, gap_s=(0.3, 0.4), after="5s")
    alone = make_sequence(town.shell, "Alone", [ANA], 4, gap_s=(0.3, 0.4), after="5s")
    with Watch(town.shell.config) as watch:
        town.post.strike = partial(strike, town)
        start_together(town.shell, "Both", "Alone")
        # Nobody asks for a check, and the next one is minutes away: the next mail tells.
        watch.wait(
            lambda: (watch.row("Both").indicator, watch.row("Alone").indicator) == (Color.ORANGE, Color.RED),
            "orange and red",
        )
        assert town.shell.account(ANA)["state"] == state
        for name in ("Both", "Alone"):
            assert ANA in watch.row(name).tooltip
            (entry,) = watch.log(name, LogKind.ACCOUNT_OUT)
            assert entry.account == ANA
        assert BEN in watch.row("Both").tooltip
        before = len(town.post.sent)
        people += add_prospects(town.shell, "Both", 2, first=len(people))

        def is_held() -> bool:
            left = watch.prospects("Both", EnrollmentState.WAITING, EnrollmentState.ACTIVE)
            return {one.account for one in left} == {ANA}

        watch.wait(is_held, "end of all that can be sent")
        assert {sender for sender, _, _ in town.post.sent[before:]} == {BEN}

        mend(town, watch)
        watch.wait(
            lambda: {watch.row("Both").indicator, watch.row("Alone").indicator} <= {Color.GREEN, Color.GREY},
            "green",
        )
        for name in ("Both", "Alone"):
            watch.wait(lambda: watch.row(name).status is SequenceStatus.FINISHED, f"end of {name}", 60)  # noqa: B023
            assert watch.row(name).in_doubt == 0
            assert [one.account for one in watch.log(name, LogKind.ACCOUNT_BACK)] == [ANA]

    handed = sorted(raw for _, _, raw in town.post.sent)
    assert sorted(raw for _, raw in town.read_back()) == handed, "not what was sent"
    got = town.got()
    assert_exactly_once(got, [*people, *alone])
    assert_threaded(got)
    assert {one.account for one in got if one.recipient in alone} == {ANA}


def test_a_reply_in_the_mailbox_stops_its_sequence(town: Town) -> None:
    people = make_sequence(town.shell, "Replies", [ANA, BEN], 6, gap_s=(0.05, 0.1), after="1d")
    with Watch(town.shell.config) as watch:
        done(town.shell, "sequences", "start", "Replies", "--now")
        wait_until(lambda: len(town.post.sent) == len(people), "first step to all", DEADLINE_S)
        done(town.shell, "sequences", "pause", "Replies")
        before = town.got()
        first = {account: next(one for one in before if one.account == account) for account in (ANA, BEN)}
        away = next(one for one in before if one not in first.values())
        for letter in first.values():
            town.answer(letter)
        town.answer(away, **{"Auto-Submitted": "auto-replied"})

    set_delay(town.shell, "Replies", "1s")
    # The app was not running when they came: it reads before it sends.
    stop_running(town.shell.config)
    done(town.shell, "sequences", "start", "Replies", "--now")
    with Watch(town.shell.config) as watch:
        watch.wait(lambda: watch.row("Replies").status is SequenceStatus.FINISHED, "the end")
        over = {one.recipient for one in first.values()}
        reasons = {one.email: one.finish_reason for one in watch.prospects("Replies")}
        assert {email for email, reason in reasons.items() if reason is FinishReason.REPLIED} == over
        assert [one.prospect for one in watch.log("Replies", LogKind.AUTO_REPLIED)] == [away.recipient]
    got = town.got()
    assert {one.recipient for one in got if one.step == 2} == set(people) - over
    assert_exactly_once([one for one in got if one.recipient not in over], set(people) - over)
    assert_threaded(got)


def _within(header: bytes) -> str:
    return header.decode().partition("<")[2].partition(">")[0]
