"""Writes mail as RFC 5322 wants it, from the standard library's `email`."""

import re
from datetime import datetime
from email import policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from reply_desktop.config import APP_NAME
from reply_desktop.domain.address import domain_of, parse_address
from reply_desktop.domain.errors import InvalidInput

MARKER_HEADER: Final = "X-Reply-Marker"
"""Carries our own mark of a message: Gmail's API and Exchange replace the Message-ID."""

_MARKER: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def ascii_domain(domain: str) -> str:
    """The domain as it goes over the wire: international names in punycode (RFC 3490).

    Raises InvalidInput when it is no domain name.
    """
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise InvalidInput(f"“{domain[:80]}” is not a domain name.", "Check the part after the @.") from None


def wire_address(address: str) -> str:
    """The address with its domain in punycode; the part before the @ as it is.

    Raises InvalidInput when it is no mail address.
    """
    address = address.strip()
    parsed = parse_address(address)
    if not parsed.isprintable() or any(c.isspace() for c in parsed):
        raise InvalidInput(f"“{parsed[:80]}” has characters a mail address cannot have.")
    return f"{address.rpartition('@')[0]}@{ascii_domain(domain_of(parsed))}"


def compose(
    sender: str,
    recipient: str,
    subject: str,
    text: str,
    now: datetime,
    marker: str,
    *,
    sender_name: str = "",
) -> bytes:
    """A plain text message as bytes with CRLF line ends, ready for SMTP or for a provider's API.

    `now` is aware; `marker` is our own unique mark (letters, digits, dot, dash, underscore) and becomes
    Message-ID and X-Reply-Marker. The text goes as UTF-8, quoted-printable, so that every server takes it.
    Raises InvalidInput for a bad address or marker, and for a subject or name that spans lines.
    """
    if not _MARKER.fullmatch(marker):
        raise InvalidInput("The message's mark has characters it cannot have.")
    origin, goal = wire_address(sender), wire_address(recipient)
    international = not (origin.isascii() and goal.isascii())
    message = EmailMessage(policy.SMTPUTF8 if international else policy.SMTP)
    _set(message, "From", _one_line(sender_name, "sender's name"), origin)
    _set(message, "To", "", goal)
    _set(message, "Subject", _one_line(subject, "subject"))
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{marker}@{domain_of(origin)}>"
    message[MARKER_HEADER] = marker
    message.set_content(text, charset="utf-8", cte="quoted-printable")
    return message.as_bytes()


def test_message(sender: str, recipient: str, now: datetime, marker: str, *, sender_name: str = "") -> bytes:
    """The message of “Send test e-mail”. Arguments and errors as in `compose`."""
    text = (
        f"This is the test you asked {APP_NAME} to send from {sender}.\n\n"
        f"It arrived, so mail can be sent from this account. You can delete this message.\n"
    )
    return compose(sender, recipient, f"Test from {APP_NAME}", text, now, marker, sender_name=sender_name)


def _set(message: EmailMessage, name: str, words: str, address: str = "") -> None:
    """Set a header of free words and perhaps an address.

    Words beyond ASCII are encoded here: `email`'s own folding of a long name or subject loses spaces between
    encoded words (CPython 3.11). A raw value that is folded already is left as it is.
    """
    if words.isascii() and "=?" not in words:
        message[name] = Address(words, *_parts(address)) if address else words
        return
    value = Header(words, "utf-8", maxlinelen=72, header_name=name).encode()
    message.set_raw(name, f"{value}\n <{address}>" if address else value)


def _parts(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    return local, domain


def _one_line(text: str, what: str) -> str:
    """The text, if no reader of headers could take it for more than one line."""
    if len(text.splitlines()) > 1 or any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise InvalidInput(f"The {what} must be one line of plain text.", "Remove line breaks from it.")
    return text
