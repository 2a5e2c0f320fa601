"""The envelope of a message (RFC 5321 §2.3.1): who hands what to whom over SMTP, read from the message."""

import email
import email.policy
import email.utils
import re
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final, Self

from reply_desktop.adapters.mail import wire_address
from reply_desktop.adapters.providers.refused import Refused
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.outcome import Outcome

_HEADER_NAME: Final = re.compile(rb"(?m)^([^\s:]+)[ \t]*:")
_SIMPLE_TO: Final = re.compile(rb"(?m)^To: ([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[a-z0-9.-]+)\r\n(?![ \t])")
_SIMPLE_ID: Final = re.compile(rb"(?m)^Message-ID: (<[A-Za-z0-9._-]+@[a-z0-9.-]+>)\r\n(?![ \t])")


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who hands what to whom (RFC 5321 §2.3.1): the message as it goes out, line ends CRLF."""

    sender: str
    recipients: tuple[str, ...]
    message: bytes
    own_id: str

    @classmethod
    def of(cls, address: str, mime: bytes) -> Self:
        """The envelope for a message. Raises Refused when it names no recipient or a broken address."""
        message = mime if _is_crlf(mime) else re.sub(rb"\r\n|\r|\n", b"\r\n", mime)
        head, gap, body = message.partition(b"\r\n\r\n")
        simple = _simple_head(head)
        if simple is None:
            # Only the head: reading a long body costs more than all the rest.
            parsed = email.message_from_bytes(head + b"\r\n\r\n", policy=email.policy.SMTP)
            assert isinstance(parsed, EmailMessage)
            fields = [str(each) for name in ("To", "Cc", "Bcc") for each in parsed.get_all(name, [])]
            recipients = [each for _, each in email.utils.getaddresses(fields)]
            own_id = str(parsed["Message-ID"] or "").strip()
            if parsed["Bcc"] is not None:
                head = re.sub(rb"(?im)^bcc:.*(?:\r\n[ \t].*)*\r\n", b"", head + b"\r\n").removesuffix(b"\r\n")
                message = head + gap + body
        else:
            recipients, own_id = simple
        try:
            named = [wire_address(each) for each in recipients]
            sender = wire_address(address)
        except InvalidInput as error:
            raise Refused(Outcome(Cause.MESSAGE_REFUSED, error.what)) from None
        if not named:
            raise Refused(Outcome(Cause.MESSAGE_REFUSED, "The message names no recipient."))
        return cls(sender, tuple(dict.fromkeys(named)), message, own_id)

    @property
    def international(self) -> bool:
        """Whether an address needs SMTPUTF8 (RFC 6531)."""
        return not (self.sender + "".join(self.recipients)).isascii()


def _is_crlf(mime: bytes) -> bool:
    """Whether all its lines end as SMTP wants them to."""
    ends = mime.count(b"\r\n")
    return ends == mime.count(b"\n") == mime.count(b"\r")


def _simple_head(head: bytes) -> tuple[list[str], str] | None:
    """(recipients, Message-ID) of a head as `mail.compose` writes it; None when it takes a parser to tell."""
    names = [name.lower() for name in _HEADER_NAME.findall(head)]
    to, own_id = _SIMPLE_TO.search(head), _SIMPLE_ID.search(head)
    if to is None or own_id is None or names.count(b"to") != 1 or names.count(b"message-id") != 1:
        return None
    if b"cc" in names or b"bcc" in names:
        return None
    return [to[1].decode()], own_id[1].decode()
