"""The SMTP server of the "Other" provider: aiosmtpd with the world's passwords and troubles.

Two ports: submission with STARTTLS (RFC 6409) and implicit TLS (RFC 8314), AUTH PLAIN and LOGIN only once
the line is secured. Answers: 535 5.7.8 wrong password, 535 5.7.139 sign-in switched off, 454 4.7.0 for
passing refusals at sign-in, 451 4.3.0 and 450 4.7.1 after it, 550 5.4.5 at the sending limit, 530 5.7.0
without sign-in.
"""

import asyncio
import logging
import ssl
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control, Door
from reply_desktop.sandbox.letters import Letters
from reply_desktop.sandbox.serve import drop
from reply_desktop.sandbox.sink import Envelope as Addressed
from reply_desktop.sandbox.sink import Sink
from reply_desktop.sandbox.visits import Visits
from reply_desktop.sandbox.world import Mailbox, World

# It logs every client that hangs up, and its own deprecated inside.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

_AUTH_OFF = (
    "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. "
    "Visit https://aka.ms/smtp_auth_disabled for more information."
)
_LIMIT = (
    "550 5.4.5 Daily user sending limit exceeded. For more information on sending limits go to your "
    "provider's help pages."
)
_SIZE = 25 * 1024 * 1024


class SmtpServer:
    """Makes SMTP connections; also the hooks aiosmtpd calls for each of them.

    `copies`: the IMAP folders of sent mail.
    """

    def __init__(
        self, world: World, letters: Letters, copies: Sink, visits: Visits, tls: ssl.SSLContext
    ) -> None:
        self._world = world
        self._letters = letters
        self._copies = copies
        self._visits = visits
        self._tls = tls

    def starttls(self) -> asyncio.BaseProtocol:
        """A connection that begins in the clear and must be secured before AUTH."""
        return self._connection(tls_context=self._tls, require_starttls=True)

    def implicit(self) -> asyncio.BaseProtocol:
        """A connection that is inside TLS already, which aiosmtpd cannot know."""
        return self._connection(auth_require_tls=False)

    def _connection(self, **options: Any) -> SMTP:
        return SMTP(
            self,
            hostname="localhost",
            ident="Sandbox for mail",
            data_size_limit=_SIZE,
            enable_SMTPUTF8=True,
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
            **options,
        )

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Waits, when the world is slow."""
        await self._wait(None)
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Only who has signed in may send."""
        mailbox = self._signed_in(session)
        if mailbox is None:
            return "530 5.7.0 Authentication required"
        await self._wait(mailbox)
        if self._met(Control.THROTTLE, mailbox):
            return self._told(mailbox, 450, "mail", "450 4.7.1 Too many messages, slow down")
        if self._met(Control.SERVER_TROUBLE, mailbox):
            return self._told(
                mailbox, 451, "mail", "451 4.3.0 Temporary server error, please try again later"
            )
        if self._met(Control.SENDING_LIMIT, mailbox):
            return self._told(mailbox, 550, "mail", _LIMIT)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keeps the message."""
        mailbox = self._signed_in(session)
        assert mailbox is not None
        assert isinstance(envelope.content, bytes)
        to = tuple(str(each) for each in envelope.rcpt_tos)
        kept = self._letters.send(
            mailbox.address, "smtp", envelope.content, Addressed(envelope.mail_from or "", to)
        )
        if self._met(Control.KEEP_SENT, mailbox):
            self._copies.accept(mailbox.address, "sent", envelope.content)
        if self._met(Control.LOSE_ANSWER, mailbox):
            self._told(mailbox, 0, "data", "")
            drop(server.transport)
            return "421 4.3.2 Closing"
        return self._told(mailbox, 250, "data", f"250 2.0.0 OK queued as {kept.mail.id}")

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        mailbox = self._world.mailbox(given.login.decode(errors="replace"), Provider.OTHER)
        refusal = self._refusal(mailbox, given.password.decode(errors="replace"))
        if refusal:
            self._told(mailbox, int(refusal[:3]), "auth", refusal)
            return AuthResult(success=False, handled=False, message=refusal)
        self._told(mailbox, 235, "auth", "")
        return AuthResult(success=True, auth_data=given)

    def _refusal(self, mailbox: Mailbox | None, password: str) -> str:
        if self._met(Control.SERVER_TROUBLE, mailbox):
            return "454 4.7.0 Temporary authentication failure"
        if self._met(Control.THROTTLE, mailbox):
            return "454 4.7.0 Too many login attempts, try again later"
        if mailbox is None or password != mailbox.password:
            return "535 5.7.8 Authentication credentials invalid"
        if self._met(Control.ACCOUNT_DISABLED, mailbox):
            return "535 5.7.8 Account disabled"
        if self._met(Control.SMTP_AUTH_OFF, mailbox):
            return _AUTH_OFF
        return ""

    def _signed_in(self, session: Session) -> Mailbox | None:
        given = session.auth_data if session.authenticated else None
        if not isinstance(given, LoginPassword):
            return None
        return self._world.mailbox(given.login.decode(errors="replace"), Provider.OTHER)

    def _met(self, control: Control, mailbox: Mailbox | None) -> bool:
        return self._world.find(control, Provider.OTHER, mailbox, Door.SMTP) is not None

    async def _wait(self, mailbox: Mailbox | None) -> None:
        if slow := self._world.find(Control.LATENCY, Provider.OTHER, mailbox, Door.SMTP):
            await asyncio.sleep(float(slow.params["ms"]) / 1000)

    def _told(self, mailbox: Mailbox | None, status: int, what: str, answer: str) -> str:
        address = mailbox.address if mailbox else None
        self._visits.note(Provider.OTHER, Door.SMTP, address, status, f"smtp {what}")
        return answer
