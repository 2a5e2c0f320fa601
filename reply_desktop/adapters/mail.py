"""Writes mail as RFC 5322 wants it, byte for byte as the standard library's `email` does, only faster."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from email import policy, quoprimime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from functools import lru_cache
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
_HALF: Final = re.compile("[\ud800-\udfff]")
_LINE: Final = 78
"""Characters of a line, but for what cannot be broken (RFC 5322 §2.1.1)."""
_SIMPLE: Final = re.compile(r"[!-~]+(?: [!-~]+)*", re.ASCII)
"""A value that goes into a header as it is, if there is room for it."""
_SIMPLE_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII
)
_SIMPLE_NAME: Final = re.compile(r"(?:[A-Za-z0-9]+(?: [A-Za-z0-9]+)*)?", re.ASCII)
_ASCII: Final = policy.SMTP
_UTF8: Final = policy.SMTPUTF8
_BREAK: Final = "\n "
_MIME: Final = "MIME-Version: 1.0\r\n"
_TEXT: Final = 'Content-Type: text/{}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n'


@lru_cache(4096)
def ascii_domain(domain: str) -> str:
    """The domain as it goes over the wire: international names in punycode (RFC 3490).

    Raises InvalidInput when it is no domain name.
    """
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise InvalidInput(f"“{domain[:80]}” is not a domain name.", "Check the part after the @.") from None


@lru_cache(4096)
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
    rules = _ASCII if origin.isascii() and goal.isascii() else _UTF8
    head = [
        _address_line(rules, "From", _one_line(sender_name, "sender's name"), origin),
        _address_line(rules, "To", "", goal),
        _words_line(rules, "Subject", _one_line(subject, "subject")),
        f"Date: {format_datetime(now)}\r\n",
        _whole_line("Message-ID", [own_id]),
    ]
    references = [one for one in answers if _MESSAGE_ID.fullmatch(one)]
    if references:
        head.append(_whole_line("In-Reply-To", references[-1:]))
        head.append(_whole_line("References", references))
    if unsubscribe:
        head.append(_whole_line("List-Unsubscribe", [f"<{_unsubscribe_link(origin, marker)}>"]))
    if automatic:
        head.append("Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n")
    head.append(_words_line(rules, MARKER_HEADER, marker))
    if html is None:
        return "".join((*head, _TEXT.format("plain"), _MIME, "\r\n", _encoded(text))).encode()
    # Quoted-printable never holds “=_”, so no text can end its part early.
    boundary = f"=_{marker}"
    head += _MIME, _line(rules, "Content-Type", f'multipart/alternative; boundary="{boundary}"')
    parts = (
        f"\r\n--{boundary}\r\n{_TEXT.format('plain')}\r\n{_encoded(text)}",
        f"\r\n--{boundary}\r\n{_TEXT.format('html')}{_MIME}\r\n{_encoded(html)}",
        f"\r\n--{boundary}--\r\n",
    )
    return "".join((*head, *parts)).encode()


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


def _words_line(rules: "EmailPolicy[EmailMessage]", name: str, words: str) -> str:
    """A header of free words, folded.

    Words beyond ASCII are encoded here: `email`'s own folding of a long name or subject loses spaces between
    encoded words (CPython 3.11).
    """
    if words.isascii() and "=?" not in words:
        return _line(rules, name, words)
    return _whole_line(name, [Header(words, "utf-8", maxlinelen=72, header_name=name).encode()])


def _address_line(rules: "EmailPolicy[EmailMessage]", name: str, words: str, address: str) -> str:
    """A header of one address with its owner's name, or without."""
    if words.isascii() and "=?" not in words:
        if _SIMPLE_ADDRESS.fullmatch(address) and _SIMPLE_NAME.fullmatch(words):
            return _line(rules, name, f"{words} <{address}>" if words else address)
        return _folded(rules, name, Address(words, *_parts(address)))
    value = Header(words, "utf-8", maxlinelen=72, header_name=name).encode()
    return _whole_line(name, [value, f"<{address}>"])


def _line(rules: "EmailPolicy[EmailMessage]", name: str, value: str) -> str:
    """A header that `email` folds where it must: its parsing costs a hundred times what short ones need."""
    if len(name) + 2 + len(value) <= _LINE and _SIMPLE.fullmatch(value):
        return f"{name}: {value}\r\n"
    return _folded(rules, name, value)


def _folded(rules: "EmailPolicy[EmailMessage]", name: str, value: str | Address) -> str:
    return str(rules.header_factory(name, value).fold(policy=rules))


def _whole_line(name: str, words: list[str]) -> str:
    """A header of words that must not be broken, each on a line of its own."""
    return "\r\n".join((*f"{name}: {_BREAK.join(words)}".splitlines(), ""))


def _encoded(text: str) -> str:
    """The text in quoted-printable. Raises InvalidInput for a lone surrogate, half a character."""
    octets = b"\n".join(_sendable(text).encode().splitlines()) + b"\n"
    return quoprimime.body_encode(octets.decode("latin-1"), _LINE, "\r\n")


def _bare(subject: str) -> str:
    """The subject without any “Re:” before it."""
    found = _RE.match(subject)
    return subject[found.end() if found else 0 :]


def _unsubscribe_link(sender: str, marker: str) -> str:
    """Opens a mail to the sender that says whom it is about (RFC 6068)."""
    local, domain = _parts(sender)
    return f"mailto:{quote(local, safe='')}@{domain}?subject=unsubscribe%20{marker}"


def _sendable(text: str) -> str:
    if _HALF.search(text):
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
