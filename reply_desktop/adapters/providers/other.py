"""Password mailboxes: the login check over SMTP and IMAP, sending over SMTP, reading over IMAP."""

import base64
import contextlib
import errno
import imaplib
import logging
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from reply_desktop.adapters.mail import ascii_domain, wire_address
from reply_desktop.adapters.providers import imap_inbox
from reply_desktop.adapters.providers.deadlines import Deadline, Deadlines
from reply_desktop.adapters.providers.envelope import Envelope
from reply_desktop.adapters.providers.refused import Refused as _Refused
from reply_desktop.adapters.providers.smtp_pool import IDLE_S, SmtpPool, say_goodbye
from reply_desktop.domain.account import Account
from reply_desktop.domain.answers import FAULT_WORDS, FAULTS, Fault
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.grant import Credentials, MailServer, MailServers, Password, Security
from reply_desktop.domain.mail_answers import enhanced_code, imap_outcome, smtp_message_outcome, smtp_outcome
from reply_desktop.domain.notification import plain
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.services.ports import InboxPage, Probed, SendResult, SentSearch

_log = logging.getLogger(__name__)

TIMEOUT_S: Final = 30.0
"""For connecting, and for each answer of a server, in seconds."""
DEADLINE_S: Final = 60.0
"""For a whole login check at one server, however slowly it drips, in seconds."""
TAKEOVER_S: Final = 600.0
"""For a server to say that it took a message over, in seconds (RFC 5321 §4.5.3.2.6): giving up earlier
would leave messages in doubt that were sent."""
READING_S: Final = 300.0
"""For one look into a mailbox, in seconds."""
_ALIVE_S: Final = 5.0
"""How long a kept connection may take to show that it still lives, in seconds."""
_MOST_IN_A_ROW: Final = 50
"""Messages over one connection: servers end it after a hundred or so, at times in the middle of one."""

_HELLO: Final = "[127.0.0.1]"
"""What we call ourselves: an address literal, as a desktop has no name; it tells nothing of the network."""
_INITIAL_MAX: Final = 480
"""Longest AUTH command with its first answer in it: RFC 5321 allows 512 characters a command line."""
_NOT_TLS: Final = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_NO_WAY: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
_BROKEN: Final = (
    ConnectionResetError,
    ConnectionAbortedError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    ssl.SSLSyscallError,
)
_NO_SUCH_NAME: Final = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
_IMAPLIB_OWN: Final = ("no CAPABILITY", "server not IMAP4", "got more than", "command ", "Couldn't establish")
_DELIVERED_ID: Final = re.compile(r"<[^<>@\s]{1,200}@[^<>@\s]{1,200}>")


@dataclass(frozen=True, slots=True)
class _SignIn:
    """User name and password as given; the password stays out of `repr`."""

    user: str
    password: str = field(repr=False)

    @classmethod
    def of(cls, account: Account, servers: MailServers, credentials: Password) -> Self:
        """That of this account; anonymous when it has neither user name nor password."""
        if servers.user == credentials.password == "":
            return cls("", "")
        return cls(servers.user or account.address, credentials.password)

    @property
    def is_anonymous(self) -> bool:
        """Whether the server is to take mail without a sign-in."""
        return not (self.user or self.password)

    def plain(self) -> bytes:
        """The message of SASL PLAIN (RFC 4616): UTF-8, so passwords of any script can be sent."""
        return f"\0{self.user}\0{self.password}".encode()

    def sendable(self) -> bool:
        """Whether it can be sent: a control character would end a field or a line of the protocols."""
        return not any(ord(c) < 32 or ord(c) == 127 for c in self.user + self.password)

    def hide_in(self, said: object) -> str:
        """What a server said, as text, without the password should it repeat that."""
        text = _decoded(said)
        if not self.password:
            return text
        for secret in (_base64(self.plain()), _base64(self.password.encode()), self.password):
            if len(secret) >= 4:
                text = text.replace(secret, "[removed]")
        return text


class _InDoubt(Exception):
    """The connection was lost after the end of the message was on its way."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome.cause))
        self.outcome = outcome


Dial = Callable[[], socket.socket]

_UNSENDABLE: Final = Outcome(
    Cause.WRONG_PASSWORD, "The user name or password holds a control character, which cannot be sent."
)


class _Smtp(smtplib.SMTP):
    """An SMTP connection over a line that was dialled for it, with TLS from the start or not yet."""

    def __init__(self, host: str, port: int, dial: Dial, deadline: Deadline, sign_in: _SignIn) -> None:
        self._dial = dial
        self._sign_in = sign_in
        self.handed_over = 0
        self.sock: socket.socket | None = None
        self.watched_by(deadline)
        super().__init__(host, port, local_hostname=_HELLO)

    def watched_by(self, deadline: Deadline) -> None:
        """From now on this deadline may cut the connection."""
        deadline.watch(lambda: self.sock)

    def is_alive(self, timeout_s: float) -> bool:
        """Whether the server still takes messages over it; `timeout_s` is for what follows."""
        try:
            if self.sock is None:
                return False
            self.sock.settimeout(_ALIVE_S)
            alive = self.rset()[0] == 250
            self.sock.settimeout(timeout_s)
        except (OSError, smtplib.SMTPException, ValueError, AttributeError):
            return False
        return alive

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._dial()

    def getreply(self) -> tuple[int, bytes]:
        """The server's next reply, without the password in it."""
        code, said = super().getreply()
        return code, self._sign_in.hide_in(said).encode()


class _Imap(imaplib.IMAP4):
    """An IMAP connection, likewise. `alert`: what the server wants people to see after the sign-in."""

    def __init__(self, host: str, port: int, dial: Dial, deadline: Deadline) -> None:
        self.alert = ""
        self._dial = dial
        deadline.watch(lambda: getattr(self, "sock", None))
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        return self._dial()


class Other:
    """SMTP and IMAP mailboxes with a password. Plain connections are not spoken.

    `ssl_context` must check certificates and host names (ValueError otherwise). A connection over which a
    message went is kept for the next one, `idle_s` seconds long; checks always make their own, so `fresh`
    makes no difference. All methods may be called from many threads.
    """

    provider = Provider.OTHER

    def __init__(
        self,
        ssl_context: ssl.SSLContext,
        *,
        timeout_s: float = TIMEOUT_S,
        deadline_s: float = DEADLINE_S,
        takeover_s: float = TAKEOVER_S,
        idle_s: float = IDLE_S,
    ) -> None:
        if not ssl_context.check_hostname or ssl_context.verify_mode is not ssl.CERT_REQUIRED:
            raise ValueError("mail servers are spoken to only over connections that are checked")
        self._ssl = ssl_context
        self._timeout_s = timeout_s
        self._deadline_s = deadline_s
        self._takeover_s = takeover_s
        self._pool: SmtpPool[_Smtp] = SmtpPool(idle_s)
        self._conversations = Deadlines(lambda: self._pool.keeps_any)

    def probe(self, account: Account, credentials: Credentials, *, fresh: bool = False) -> Probed:
        """Sign in at the SMTP server and, where there is one, at the IMAP server; one try each.

        An alert the IMAP server sends along (RFC 3501 §7.1) is given as the outcome's text.
        """
        servers = account.servers
        if servers is None or not isinstance(credentials, Password):
            return Probed(Outcome(Cause.GRANT_MISSING))
        sign_in = _SignIn.of(account, servers, credentials)
        if not sign_in.sendable():
            return Probed(_UNSENDABLE)
        outcome = self._check_smtp(servers.smtp, sign_in, account.address)
        if outcome.proves and servers.imap is not None:
            outcome = self._check_imap(servers.imap, sign_in)
        return Probed(outcome)

    def send(
        self, account: Account, credentials: Credentials, mime: bytes, *, thread_id: str | None = None
    ) -> SendResult:
        """Hand one message to the SMTP server: to all its recipients or to none. Bcc is not sent along.

        Threads are made of headers alone, so `thread_id` is not used.
        """
        servers = account.servers
        if servers is None or not isinstance(credentials, Password):
            return SendResult(Outcome(Cause.GRANT_MISSING))
        sign_in = _SignIn.of(account, servers, credentials)
        if not sign_in.sendable():
            return SendResult(_UNSENDABLE)
        try:
            envelope = Envelope.of(account.address, mime)
            return SendResult(PROVEN, message_id=self._send(servers.smtp, sign_in, envelope))
        except _Refused as refused:
            return SendResult(refused.outcome)
        except _InDoubt as doubt:
            return SendResult(doubt.outcome, in_doubt=True)

    def may_read(self, account: Account) -> bool:
        """See ports: whoever may sign in at the IMAP server may read."""
        return account.servers is not None and account.servers.imap is not None

    def read_inbox(
        self,
        account: Account,
        credentials: Credentials,
        cursor: str | None,
        since: datetime,
        limit: int = 200,
    ) -> InboxPage:
        """See ports; over IMAP, without marking anything as seen."""
        servers = account.servers
        if servers is None or servers.imap is None or not isinstance(credentials, Password):
            return InboxPage(Outcome(Cause.GRANT_MISSING), cursor=cursor)
        try:
            with self._imap(servers.imap, _SignIn.of(account, servers, credentials)) as imap:
                return imap_inbox.read_new(imap, cursor, since, limit)
        except _Refused as refused:
            return InboxPage(refused.outcome, cursor=cursor)

    def find_sent(
        self, account: Account, credentials: Credentials, marker: str, message_id: str, since: datetime
    ) -> SentSearch:
        """See ports; in the folder of sent mail, where the server keeps what goes out by SMTP."""
        servers = account.servers
        if servers is None or servers.imap is None or not isinstance(credentials, Password):
            return SentSearch(PROVEN)
        try:
            with self._imap(servers.imap, _SignIn.of(account, servers, credentials)) as imap:
                return imap_inbox.find_marked(imap, marker, since)
        except _Refused as refused:
            return SentSearch(refused.outcome)

    def revoke(self, account: Account, credentials: Credentials) -> bool:
        """False: a password cannot be given back."""
        return False

    def close(self) -> None:
        """End all conversations at once and begin no more: the app is ending."""
        self._conversations.close()
        self._pool.close()

    def _check_smtp(self, server: MailServer, sign_in: _SignIn, address: str) -> Outcome:
        try:
            with self._conversation(server, sign_in, self._deadline_s) as deadline:
                smtp = self._signed_in(server, sign_in, deadline)
                try:
                    if sign_in.is_anonymous:
                        # Nothing was proven yet: a server that wants a password says so only here.
                        smtp.command_encoding = "utf-8"
                        _expect(smtp.mail(wire_address(address)), smtp_message_outcome)
                    with contextlib.suppress(OSError, smtplib.SMTPException):
                        smtp.quit()
                finally:
                    smtp.close()
                return PROVEN
        except _Refused as refused:
            return refused.outcome

    def _send(self, server: MailServer, sign_in: _SignIn, envelope: Envelope) -> str | None:
        """Over the kept connection if it still lives, else over a new one; gives the server's Message-ID.

        A dead one is found out before the message is begun, so it costs no doubt.
        """
        key = (server, sign_in)
        with self._conversation(server, sign_in, self._deadline_s + self._takeover_s) as deadline:
            smtp = self._pool.take(key)
            if smtp is not None:
                smtp.watched_by(deadline)
                if not smtp.is_alive(self._timeout_s):
                    smtp.close()
                    smtp = None
            if smtp is None:
                smtp = self._signed_in(server, sign_in, deadline)
            try:
                told = _hand_over(smtp, envelope, self._takeover_s)
            except BaseException:
                smtp.close()
                raise
            smtp.handed_over += 1
            if smtp.handed_over < _MOST_IN_A_ROW:
                self._pool.give(key, smtp)
            else:
                say_goodbye(smtp)
        return told

    def _check_imap(self, server: MailServer, sign_in: _SignIn) -> Outcome:
        try:
            with self._imap(server, sign_in, self._deadline_s) as imap:
                return Outcome(provider_error=imap.alert) if imap.alert else PROVEN
        except _Refused as refused:
            return refused.outcome

    @contextlib.contextmanager
    def _imap(self, server: MailServer, sign_in: _SignIn, deadline_s: float = READING_S) -> Iterator[_Imap]:
        """A signed-in connection; raises _Refused with what the server or the network answered."""
        if not sign_in.sendable():
            raise _Refused(_UNSENDABLE)
        with self._conversation(server, sign_in, deadline_s) as deadline:
            imap = _Imap(*self._line_to(server), deadline)
            try:
                self._sign_in_imap(imap, server, sign_in)
                yield imap
                with contextlib.suppress(OSError, imaplib.IMAP4.error):
                    imap.logout()
            except imaplib.IMAP4.abort:
                # imaplib reads on after a goodbye and tells only of the connection's end.
                if "BYE" in imap.untagged_responses:
                    said = sign_in.hide_in(imap.untagged_responses["BYE"])
                    raise _Refused(imap_outcome(f"BYE {said}")) from None
                raise
            finally:
                with contextlib.suppress(OSError, imaplib.IMAP4.error, ValueError):
                    imap.shutdown()

    def _sign_in_imap(self, imap: _Imap, server: MailServer, sign_in: _SignIn) -> None:
        if server.security is Security.STARTTLS:
            # A server that lets us in before TLS leaves no way to ask for TLS: somebody may sit in between.
            if "STARTTLS" not in imap.capabilities or imap.state != "NONAUTH":
                raise _Refused(_no_encryption(server, "It offers no STARTTLS."))
            imap.starttls(self._ssl)
        if imap.state != "NONAUTH":
            raise _Refused(
                Outcome(Cause.UNKNOWN_ANSWER, f"{server.host} lets anybody in without a password.")
            )
        if "AUTH=PLAIN" in imap.capabilities:
            imap.authenticate("PLAIN", lambda _: sign_in.plain())
        elif "LOGINDISABLED" in imap.capabilities:
            raise _Refused(Outcome(Cause.MAIL_ACCESS_OFF, f"{server.host} takes no passwords over IMAP."))
        elif not (sign_in.user + sign_in.password).isascii():
            # RFC 3501 has no way to say it in LOGIN.
            raise _Refused(
                Outcome(Cause.WRONG_PASSWORD, f"{server.host} takes only passwords of ASCII characters.")
            )
        else:
            imap.login(sign_in.user, sign_in.password)
        imap.alert = plain(sign_in.hide_in(_alert(imap)))
        # Exchange answers the sign-in with OK and only the next command with what is wrong.
        status, data = imap.noop()
        if status != "OK":
            raise _Refused(imap_outcome(f"{status} {sign_in.hide_in(data)}"))

    def _signed_in(self, server: MailServer, sign_in: _SignIn, deadline: Deadline) -> _Smtp:
        """A signed-in connection, likewise one that needs no sign-in.

        Raises _Refused with what the server answered, and the network's errors.
        """
        smtp = _Smtp(*self._line_to(server), deadline, sign_in)
        try:
            self._secure(smtp, server)
            if not sign_in.is_anonymous:
                _sign_in_smtp(smtp, server, sign_in)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _secure(self, smtp: _Smtp, server: MailServer) -> None:
        """Greet, and where it is due turn on TLS and greet again, as all that came before may be forged."""
        _expect(smtp.ehlo())
        if server.security is Security.TLS:
            return
        if not smtp.has_extn("starttls"):
            raise _Refused(_no_encryption(server, "It offers no STARTTLS."))
        smtp.starttls(context=self._ssl)
        _expect(smtp.ehlo())

    def _line_to(self, server: MailServer) -> tuple[str, int, Dial]:
        """Host and port as they go over the wire, and how to get there."""
        try:
            host = ascii_domain(server.host)
        except InvalidInput as error:
            raise _Refused(Outcome(Cause.UNREACHABLE, error.what)) from None

        def dial() -> socket.socket:
            line = socket.create_connection((host, server.port), timeout=self._timeout_s)
            # The end of a message is a second small write: without this it waits for an acknowledgement.
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if server.security is Security.STARTTLS:
                return line
            try:
                return self._ssl.wrap_socket(line, server_hostname=host)
            except BaseException:
                line.close()
                raise

        return host, server.port, dial

    @contextlib.contextmanager
    def _conversation(self, server: MailServer, sign_in: _SignIn, deadline_s: float) -> Iterator[Deadline]:
        """One conversation with a deadline; turns all that the libraries raise into _Refused."""
        deadline = self._conversations.begin(deadline_s)
        if deadline is None:
            raise _Refused(_fault(server, Fault.CLOSED))
        try:
            yield deadline
        except (OSError, smtplib.SMTPException, imaplib.IMAP4.error, ValueError) as error:
            fault = deadline.fault
            outcome = _fault(server, fault) if fault else _outcome_of(error, server, sign_in)
            _log.debug("%s: %s (%s)", server.host, outcome.cause, type(error).__name__)
            raise _Refused(outcome) from None
        finally:
            self._conversations.end(deadline)


def _hand_over(smtp: _Smtp, envelope: Envelope, takeover_s: float) -> str | None:
    """One message through a signed-in connection; gives the Message-ID if the server told another one."""
    options = []
    if envelope.international:
        if not smtp.has_extn("smtputf8"):
            raise _Refused(
                Outcome(
                    Cause.MESSAGE_REFUSED,
                    "The mail server does not take addresses with letters beyond ASCII before the @.",
                )
            )
        options.append("SMTPUTF8")
    smtp.command_encoding = "utf-8" if envelope.international else "ascii"
    if smtp.has_extn("8bitmime") and not envelope.message.isascii():
        options.append("BODY=8BITMIME")
    _expect(smtp.mail(envelope.sender, options), smtp_message_outcome)
    for recipient in envelope.recipients:
        _expect(smtp.rcpt(recipient), smtp_message_outcome)
    _expect(smtp.docmd("DATA"), smtp_message_outcome, (354,))
    lines = re.sub(rb"(?m)^\.", b"..", envelope.message)
    smtp.send(lines if lines.endswith(b"\r\n") else lines + b"\r\n")
    # Up to here the server must not deliver; from here on only its answer tells (RFC 5321 §4.2.5).
    try:
        smtp.send(b".\r\n")
        assert smtp.sock is not None
        smtp.sock.settimeout(takeover_s)
        code, said = smtp.getreply()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise _InDoubt(_unsure(f"the connection was lost: {type(_cause_of(error)).__name__}")) from None
    if not (200 <= code < 300 or 400 <= code < 600):
        raise _InDoubt(_unsure(f"the server answered {code} {_decoded(said)}"))
    _expect((code, said), smtp_message_outcome)
    found = _DELIVERED_ID.search(_decoded(said))
    return found[0] if found and found[0] != envelope.own_id else None


def _unsure(why: str) -> Outcome:
    return Outcome(
        Cause.UNREACHABLE,
        plain(f"The message may have been sent. While the server took it over, {why}"),
    )


def _sign_in_smtp(smtp: _Smtp, server: MailServer, sign_in: _SignIn) -> None:
    """One try with the best mechanism offered; more tries would count towards the provider's lock.

    Not smtplib's own login, which tries several and knows ASCII only.
    """
    offered = smtp.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        token = _base64(sign_in.plain())
        if len(token) <= _INITIAL_MAX:
            reply = smtp.docmd("AUTH", f"PLAIN {token}")
        else:
            reply = smtp.docmd("AUTH", "PLAIN")
            if reply[0] == 334:
                reply = smtp.docmd(token)
    elif "LOGIN" in offered:
        reply = smtp.docmd("AUTH", "LOGIN")
        for each in (sign_in.user, sign_in.password):
            if reply[0] == 334:
                reply = smtp.docmd(_base64(each.encode()))
    else:
        listed = f"only {', '.join(offered)}" if offered else "no sign-in at all on this port"
        raise _Refused(
            Outcome(Cause.SMTP_AUTH_OFF, f"{server.host} offers {listed}, and no sign-in by password.")
        )
    _expect(reply, good=(235,))


def _expect(
    reply: tuple[int, bytes],
    meaning: Callable[[int, str | None, str], Outcome] = smtp_outcome,
    good: Container[int] = range(200, 300),
) -> None:
    """Raises _Refused unless the reply is a good one."""
    code, said = reply
    if code in good:
        return
    text = _decoded(said)
    outcome = meaning(code, enhanced_code(text), text)
    raise _Refused(Outcome(Cause.UNKNOWN_ANSWER, plain(f"{code} {text}")) if outcome.proves else outcome)


def _outcome_of(error: Exception, server: MailServer, sign_in: _SignIn) -> Outcome:
    """What an exception of the mail or socket libraries means."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = _decoded(error.smtp_error)
        return smtp_outcome(error.smtp_code, enhanced_code(text), text)
    if isinstance(error, imaplib.IMAP4.error):
        return _outcome_of_imap(error, server, sign_in)
    cause = _cause_of(error)
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, _BROKEN):
        return _outcome_of_tls(cause, server)
    if isinstance(cause, socket.gaierror):
        # A name that does not exist may be typed wrong; a resolver that cannot tell means no network.
        if cause.errno in _NO_SUCH_NAME:
            return Outcome(Cause.UNREACHABLE, f"The name {server.host} was not found.")
        return _fault(server, Fault.DNS)
    if isinstance(cause, TimeoutError):
        return _fault(server, Fault.TIMEOUT)
    if isinstance(cause, ConnectionRefusedError):
        return _fault(server, Fault.REFUSED)
    if isinstance(cause, (*_BROKEN, smtplib.SMTPServerDisconnected)):
        return _fault(server, Fault.RESET)
    if isinstance(cause, OSError):
        return _fault(server, Fault.ROUTE if cause.errno in _NO_WAY else Fault.RESET)
    return _no_mail_server(server)


def _outcome_of_imap(error: imaplib.IMAP4.error, server: MailServer, sign_in: _SignIn) -> Outcome:
    """imaplib's texts, which mix the server's words with its own, read back into IMAP's form."""
    text = sign_in.hide_in(error.args[0] if error.args else "")
    if text.startswith("* "):
        return imap_outcome(text[2:])
    if isinstance(error, imaplib.IMAP4.abort):
        said = re.sub(r"^command: \w+ => ", "", text)
        if said.startswith(("socket error: unterminated", "unexpected ")):
            return _no_mail_server(server)
        return _fault(server, Fault.RESET) if said.startswith("socket error") else imap_outcome(f"BYE {said}")
    if text.startswith(_IMAPLIB_OWN):
        return _no_mail_server(server)
    bad = re.search(r"command error: (BAD) \[b?(['\"])(.*)\2\]$", text, re.DOTALL)
    return imap_outcome(f"BAD {bad[3]}" if bad else f"NO {text}")


def _outcome_of_tls(error: ssl.SSLError, server: MailServer) -> Outcome:
    reason = error.reason or ""
    if any(each in reason for each in _NOT_TLS):
        return _no_encryption(server, "It does not speak TLS on this port; STARTTLS may be meant.")
    fault = Fault.TLS_CLOCK if "not yet valid" in str(error) else Fault.TLS
    why = getattr(error, "verify_message", "") or reason.replace("_", " ").lower()
    told = _fault(server, fault)
    return Outcome(told.cause, plain(f"{told.provider_error} ({why})" if why else told.provider_error or ""))


def _cause_of(error: BaseException) -> BaseException:
    """What really happened: smtplib hides time-outs and resets behind a lost connection of its own."""
    while isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, OSError):
        error = error.__context__
    return error


def _fault(server: MailServer, fault: Fault) -> Outcome:
    text = FAULT_WORDS[fault].replace("{host}", f"{server.host}:{server.port}")
    if fault is Fault.TIMEOUT and server.security is Security.STARTTLS and server.port in (465, 993):
        text += f" Port {server.port} is for TLS from the start, not STARTTLS."
    return Outcome(FAULTS[fault], text)


def _no_encryption(server: MailServer, why: str) -> Outcome:
    return Outcome(Cause.ENCRYPTION_MISSING, f"{server.host}:{server.port}: {why}")


def _no_mail_server(server: MailServer) -> Outcome:
    text = f"{server.host}:{server.port} does not answer as a mail server does."
    return Outcome(Cause.UNKNOWN_ANSWER, text)


def _alert(imap: imaplib.IMAP4) -> str:
    """The alert the server wants people to see, if any (RFC 3501 §7.1)."""
    said = [imap.welcome, *imap.untagged_responses.get("OK", []), *imap.untagged_responses.get("NO", [])]
    texts = (_decoded(each) for each in said)
    return " ".join(text.partition("[ALERT]")[2].strip() for text in texts if "[ALERT]" in text)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _decoded(said: Any) -> str:
    """Text of a server, whatever its form: the libraries give bytes, str, lists and None."""
    if isinstance(said, (list, tuple)):
        return " ".join(_decoded(each) for each in said if each is not None)
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said or "")
