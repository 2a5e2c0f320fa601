"""The Other provider's IMAP server, as imaplib finds it."""

import contextlib
import imaplib
import socket
import ssl
from collections.abc import Callable

import pytest

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control, Door, SandboxControl
from reply_desktop.sandbox.imap import _within, _words
from reply_desktop.sandbox.process import Sandbox
from tests.sandbox.callers import GINA, mail


def trusting(sandbox: Sandbox) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=sandbox.ca_file)


def by_tls(sandbox: Sandbox) -> imaplib.IMAP4:
    return imaplib.IMAP4_SSL(
        sandbox.imap_host, sandbox.imap_tls_port, ssl_context=trusting(sandbox), timeout=10
    )


def by_starttls(sandbox: Sandbox) -> imaplib.IMAP4:
    server = imaplib.IMAP4(sandbox.imap_host, sandbox.imap_port, timeout=10)
    server.starttls(trusting(sandbox))
    return server


@pytest.mark.parametrize("connect", [by_tls, by_starttls])
def test_a_login_check(
    sandbox: Sandbox, control: SandboxControl, connect: Callable[[Sandbox], imaplib.IMAP4]
) -> None:
    with connect(sandbox) as server:
        assert server.login(GINA, control.password(GINA))[0] == "OK"
        assert server.select("INBOX")[0] == "OK"
        assert server.noop()[0] == "OK"


def test_authenticate_plain(sandbox: Sandbox, control: SandboxControl) -> None:
    with by_tls(sandbox) as server:
        answer = f"\0{GINA}\0{control.password(GINA)}".encode()
        assert server.authenticate("PLAIN", lambda _: answer)[0] == "OK"


def test_a_password_with_quotes(sandbox: Sandbox, control: SandboxControl) -> None:
    control.apply(Control.CHANGE_PASSWORD, GINA, password='a "quoted" \\ word')
    with by_tls(sandbox) as server:
        assert server.login(GINA, control.password(GINA))[0] == "OK"


def test_no_login_in_the_clear(sandbox: Sandbox, control: SandboxControl) -> None:
    with imaplib.IMAP4(sandbox.imap_host, sandbox.imap_port, timeout=10) as server:
        assert "LOGINDISABLED" in server.capabilities
        with pytest.raises(imaplib.IMAP4.error, match="STARTTLS"):
            server.login(GINA, control.password(GINA))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (None, "AUTHENTICATIONFAILED"),
        (Control.ACCOUNT_DISABLED, "CONTACTADMIN"),
        (Control.SERVER_TROUBLE, "UNAVAILABLE"),
        (Control.THROTTLE, "UNAVAILABLE"),
    ],
)
def test_what_a_login_meets(
    sandbox: Sandbox, control: SandboxControl, name: Control | None, says: str
) -> None:
    if name is not None:
        control.apply(name, GINA)
    with by_tls(sandbox) as server, pytest.raises(imaplib.IMAP4.error, match=says):
        server.login(GINA, control.password(GINA) if name else "wrong")


def literal(server: imaplib.IMAP4, number: int, part: str) -> bytes:
    (first, *_) = server.fetch(str(number), f"({part})")[1]
    assert isinstance(first, tuple)
    return first[1]


def test_a_sent_copy_is_found_again(sandbox: Sandbox, control: SandboxControl) -> None:
    raw = mail(GINA).replace(b"\n", b"\r\n")
    with by_tls(sandbox) as server:
        server.login(GINA, control.password(GINA))
        assert any(b"Sent" in line for line in server.list()[1] if isinstance(line, bytes))
        assert server.append("Sent", "\\Seen", None, raw)[0] == "OK"
        count = int(server.select("Sent", readonly=True)[1][0] or 0)
        assert server.search(None, "HEADER", "Message-ID", '"<own-id@reply.example>"')[1] == [
            " ".join(str(each) for each in range(1, count + 1)).encode()
        ]
        assert server.search(None, "HEADER", "Message-ID", '"<another@reply.example>"')[1] == [b""]
        assert literal(server, count, "BODY.PEEK[]") == raw
        assert literal(server, count, "BODY.PEEK[HEADER]") == raw[: raw.index(b"\r\n\r\n") + 4]
        assert server.uid("SEARCH", "ALL")[0] == "OK"
        assert server.status("Sent", "(MESSAGES)")[0] == "OK"
        assert server.close()[0] == "OK"


def test_what_came_in_is_searched_and_fetched_in_parts(sandbox: Sandbox, control: SandboxControl) -> None:
    with by_tls(sandbox) as server:
        server.login(GINA, control.password(GINA))
        first = int((server.response("UIDNEXT")[1] if server.select("INBOX")[0] == "OK" else [b"0"])[0] or 0)
        for name in ("one", "two"):
            raw = (
                b"Subject: "
                + name.encode()
                + b"\r\nX-Odd: a\r\n b\r\nFrom: x@y.z\r\n\r\nbody "
                + name.encode()
            )
            assert server.append("INBOX", None, None, raw)[0] == "OK"
        server.select("INBOX", readonly=True)

        def search(*criteria: str) -> list[int]:
            return [int(uid) for uid in (server.uid("SEARCH", *criteria)[1][0] or b"").split()]

        assert search("UID", f"{first}:*") == [first, first + 1]
        assert search("UID", f"{first}:*", "HEADER", "Subject", '"two"') == [first + 1]
        assert search("SINCE", "1-Jan-2001", "HEADER", "X-Odd", '""')[-2:] == [first, first + 1]
        assert search("SINCE", "1-Jan-2999") == []
        items = "(UID INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT X-ODD)])"
        ((said, fields), *_) = server.uid("FETCH", str(first), items)[1]
        assert fields == b"Subject: one\r\nX-Odd: a\r\n b\r\n\r\n"
        assert b"INTERNALDATE" in said and f"UID {first}".encode() in said
        ((_, part), *_) = server.uid("FETCH", str(first), "(BODY.PEEK[]<9.8>)")[1]
        assert part == b"one\r\nX-O"
        with pytest.raises(imaplib.IMAP4.error, match="are searched"):
            search("LARGER", "7")


def test_what_is_not_there(sandbox: Sandbox, control: SandboxControl) -> None:
    with by_tls(sandbox) as server:
        with pytest.raises(imaplib.IMAP4.error, match="Unknown command"):
            server.xatom("XNONSENSE")
        server.login(GINA, control.password(GINA))
        assert server.select("Nowhere")[0] == "NO"
        assert server.append("Nowhere", None, None, b"x")[0] == "NO"


def test_commands_need_a_login(sandbox: Sandbox) -> None:
    with by_tls(sandbox) as server, pytest.raises(imaplib.IMAP4.error, match="illegal in state"):
        server.select("INBOX")
    raw = socket.create_connection((sandbox.imap_host, sandbox.imap_tls_port), timeout=10)
    with trusting(sandbox).wrap_socket(raw, server_hostname="localhost") as secured:
        lines = secured.makefile("rwb")
        lines.readline()
        lines.write(b"a SELECT INBOX\r\n")
        lines.flush()
        assert lines.readline() == b"a BAD Log in first.\r\n"
        lines.close()


def test_rubbish_ends_the_conversation_quietly(sandbox: Sandbox) -> None:
    with socket.create_connection((sandbox.imap_host, sandbox.imap_port), timeout=10) as rude:
        rude.recv(1024)
        rude.sendall(b"a APPEND Sent {99999999999}\r\n")
        assert rude.recv(1024) == b""


def test_an_endless_line_ends_the_conversation_quietly(sandbox: Sandbox) -> None:
    with socket.create_connection((sandbox.imap_host, sandbox.imap_port), timeout=10) as rude:
        rude.recv(1024)
        # Closed while much is unread: the system may reset instead.
        with contextlib.suppress(ConnectionError):
            rude.sendall(b"x" * 200_000)
            assert rude.recv(1024) == b""


def test_slow_answers(sandbox: Sandbox, control: SandboxControl) -> None:
    control.apply(Control.LATENCY, Provider.OTHER, ms=60_000, where=[Door.IMAP])
    with pytest.raises(TimeoutError):
        imaplib.IMAP4(sandbox.imap_host, sandbox.imap_port, timeout=0.3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ('user "pass word"', ["user", "pass word"]),
        ('"a \\"b\\" \\\\ c" ""', ['a "b" \\ c', ""]),
        ("1:* (UID BODY.PEEK[])", ["1:*", "UID", "BODY.PEEK[]"]),
    ],
)
def test_words(arguments: str, words: list[str]) -> None:
    assert _words(arguments) == words


@pytest.mark.parametrize(
    ("numbers", "number", "within"),
    [
        ("3", 3, True),
        ("1:2", 3, False),
        ("2:*", 5, True),
        ("*", 5, True),
        ("1,5", 5, True),
        ("1,4", 5, False),
    ],
)
def test_number_sets(numbers: str, number: int, within: bool) -> None:
    assert _within(numbers, number, 5) is within
