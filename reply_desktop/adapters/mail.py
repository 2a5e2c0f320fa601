"""Writes mail as RFC 5322 wants it, from the standard library's `email`."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from email import policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final
from urllib.parse import quote

from reply_desktop.config import APP_NAME
from reply_desktop.domain.address import domain_of, parse_address
from reply_desktop.domain.errors import InvalidInput

MARKER_HEADER: Final = "X-Reply-Marker"
"""Carries our own mark of a message: Gmail's API and Exchange replace the Message-ID."""

_MARKER: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_LONGEST_LOCAL: Final = 64
"""Octets that may stand before the @ (RFC 5321 §4.5.3.1.1)."""
_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]{1,900}>", re.ASCII)
_RE: Final = re.compile(r"\s*(?:re\s*:\s*)*", re.IGNORECASE)


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
    local = address.rpartition("@")[0]
    if len(local.encode("utf-8", "surrogatepass")) > _LONGEST_LOCAL:
        raise InvalidInput(f"“{parsed[:80]}” is too long before the @.", "Check for typing errors.")
    return f"{local}@{ascii_domain(domain_of(parsed))}"


def message_id(sender: str, marker: str) -> str:
    """The Message-ID of a message with this mark, in angle brackets. Raises InvalidInput for a bad mark."""
    if not _MARKER.fullmatch(marker):
        raise InvalidInput("The message's mark has characters it cannot have.")
    return f"<{marker}@{domain_of(wire_address(sender))}>"


def same_thread(subject: str, thread_subject: str) -> bool:
    """Whether two subjects differ in nothing but “Re:”, as Gmail wants it within one thread."""
    return " ".join(_bare(subject).split()) == " ".join(_bare(thread_subject).split())


def reply_subject(thread_subject: str) -> str:
    """The subject of a reply; one “Re:” is enough, however often it is replied to (RFC 5322 §3.6.5)."""
    bare = _bare(thread_subject)
    return f"Re: {bare}" if bare else ""


def compose(
    sender: str,
    recipient: str,
    subject: str,
    text: str,
    now: datetime,
    marker: str,
    *,
    sender_name: str = "",
    html: str | None = None,
    answers: Iterable[str] = (),
    unsubscribe: bool = False,
    automatic: bool = False,
) -> bytes:
    """A message as bytes with CRLF line ends, ready for SMTP or for a provider's API.

    `now` is aware; `marker` is our own unique mark (letters, digits, dot, dash, underscore) and becomes
    Message-ID and X-Reply-Marker. The text goes as UTF-8, quoted-printable, so that every server takes it;
    with `html` both are there for the reader to choose from. `answers`: Message-IDs of the thread, oldest
    first (RFC 5322 §3.6.4); one that is none is left out, as it came from outside and the mail is good
    without. `unsubscribe`: List-Unsubscribe by mail (RFC 2369); one click would need https (RFC 8058).
    `automatic`: no person wrote it, and no machine is to answer it (RFC 3834 §5, and Exchange's own header).
    Raises InvalidInput for a bad address or marker, and for a subject or name that spans lines.
    """
    own_id = message_id(sender, marker)
    origin, goal = wire_address(sender), wire_address(recipient)
    international = not (origin.isascii() and goal.isascii())
    # Raw headers are folded already; a second folding would break Message-IDs of more than 77 characters.
    rules = (policy.SMTPUTF8 if international else policy.SMTP).clone(refold_source="none")
    message = EmailMessage(rules)
    _set(message, "From", _one_line(sender_name, "sender's name"), origin)
    _set(message, "To", "", goal)
    _set(message, "Subject", _one_line(subject, "subject"))
    message["Date"] = format_datetime(now)
    _set_whole(message, "Message-ID", [own_id])
    references = [one for one in answers if _MESSAGE_ID.fullmatch(one)]
    if references:
        _set_whole(message, "In-Reply-To", references[-1:])
        _set_whole(message, "References", references)
    if unsubscribe:
        _set_whole(message, "List-Unsubscribe", [f"<{_unsubscribe_link(origin, marker)}>"])
    if automatic:
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
    message[MARKER_HEADER] = marker
    message.set_content(_sendable(text), charset="utf-8", cte="quoted-printable")
    if html is not None:
        message.add_alternative(_sendable(html), subtype="html", charset="utf-8", cte="quoted-printable")
        # Quoted-printable never holds “=_”, so no text can end its part early.
        message.set_boundary(f"=_{marker}")
    return message.as_bytes()


def test_message(sender: str, recipient: str, now: datetime, marker: str, *, sender_name: str = "") -> bytes:
    """The message of “Send test e-mail”. Arguments and errors as in `compose`."""
    text = (
        f"This is the test you asked {APP_NAME} to send from {sender}.\n\n"
        f"It arrived, so mail can be sent from this account. You can delete this message.\n"
    )
    return compose(sender, recipient, f"Test from {APP_NAME}", text, now, marker, sender_name=sender_name)


def alert(sender: str, to: str, subject: str, text: str, html: str, now: datetime, marker: str) -> bytes:
    """An alert to the person from the app itself. Arguments and errors as in `compose`."""
    return compose(sender, to, subject, text, now, marker, sender_name=APP_NAME, html=html, automatic=True)


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


def _set_whole(message: EmailMessage, name: str, words: list[str]) -> None:
    """Set a header of words that must not be broken, each on a line of its own."""
    message.set_raw(name, "\n ".join(words))


def _bare(subject: str) -> str:
    """The subject without any “Re:” before it."""
    found = _RE.match(subject)
    return subject[found.end() if found else 0 :]


def _unsubscribe_link(sender: str, marker: str) -> str:
    """Opens a mail to the sender that says whom it is about (RFC 6068)."""
    local, domain = _parts(sender)
    return f"mailto:{quote(local, safe='')}@{domain}?subject=unsubscribe%20{marker}"


def _sendable(text: str) -> str:
    """The text, if it can be written as UTF-8. Raises InvalidInput for a lone surrogate, half a character."""
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise InvalidInput("The message has characters that cannot be sent.", "Take them out of its text.")
    return text


def _parts(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    return local, domain


def _one_line(text: str, what: str) -> str:
    """The text, if no reader of headers could take it for more than one line."""
    if len(f"{text}.".splitlines()) > 1 or any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise InvalidInput(f"The {what} must be one line of plain text.", "Remove line breaks from it.")
    return text
