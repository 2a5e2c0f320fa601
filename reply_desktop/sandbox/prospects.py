"""What the people and servers on the other side write back to a message: answers, reports, requests.

Each is raw mail as it would arrive: replies as mail programs write them (RFC 5322 §3.6.4), automatic ones
(RFC 3834), delivery reports (RFC 3464) with the headers of the message they return, and a mail to the
List-Unsubscribe address (RFC 2369).
"""

import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final
from urllib.parse import parse_qs, unquote

from reply_desktop.sandbox.control import Answered, SinkMessage
from reply_desktop.sandbox.sink import head_of, header_of

REPLY_TEXT: Final = "Thank you, that sounds interesting. Tell me more?"
AWAY_TEXT: Final = "I am out of the office until Monday and will read your message then."
_UNSUBSCRIBE_TEXT: Final = "Please take me off your list."

_HARD: Final = ("failed", "5.1.1", "550 5.1.1 The email account that you tried to reach does not exist.")
_SOFT: Final = ("delayed", "4.2.2", "452 4.2.2 The recipient's mailbox is full. It is tried again later.")


def answer_of(kind: Answered, mail: SinkMessage, raw: bytes, now: datetime, text: str = "") -> bytes:
    """What comes back for a message that was sent; `text` replaces the usual words of a reply.

    Raises ValueError when the message has no recipient who could answer.
    """
    if not mail.recipients:
        raise ValueError("The message went to nobody.")
    return _WRITERS[kind](mail, raw, now, text)


def addressee(kind: Answered, mail: SinkMessage, raw: bytes) -> str:
    """The address the answer goes to."""
    return _unsubscribe_at(raw)[0] or mail.sender if kind is Answered.UNSUBSCRIBE else mail.sender


def _reply(mail: SinkMessage, raw: bytes, now: datetime, text: str) -> bytes:
    answer = _answer(mail, raw, now, f"Re: {_bare(mail.subject)}")
    answer.set_content(f"{text or REPLY_TEXT}\n\n> {mail.subject}\n")
    return answer.as_bytes()


def _auto_reply(mail: SinkMessage, raw: bytes, now: datetime, text: str) -> bytes:
    answer = _answer(mail, raw, now, f"Out of office: {_bare(mail.subject)}")
    answer["Auto-Submitted"] = "auto-replied"
    answer["X-Auto-Response-Suppress"] = "All"
    answer.set_content(f"{text or AWAY_TEXT}\n")
    return answer.as_bytes()


def _unsubscribe(mail: SinkMessage, raw: bytes, now: datetime, text: str) -> bytes:
    address, subject = _unsubscribe_at(raw)
    answer = _answer(mail, raw, now, subject or "unsubscribe")
    if address:
        # Mail programs write a new message to the address; it answers nothing.
        for name in ("To", "In-Reply-To", "References"):
            del answer[name]
        answer["To"] = address
    answer.set_content(f"{text or _UNSUBSCRIBE_TEXT}\n")
    return answer.as_bytes()


def _bounce_hard(mail: SinkMessage, raw: bytes, now: datetime, text: str) -> bytes:
    return _report(mail, raw, now, *_HARD)


def _bounce_soft(mail: SinkMessage, raw: bytes, now: datetime, text: str) -> bytes:
    return _report(mail, raw, now, *_SOFT)


_WRITERS: Final[Mapping[Answered, Callable[[SinkMessage, bytes, datetime, str], bytes]]] = {
    Answered.REPLY: _reply,
    Answered.AUTO_REPLY: _auto_reply,
    Answered.UNSUBSCRIBE: _unsubscribe,
    Answered.BOUNCE_HARD: _bounce_hard,
    Answered.BOUNCE_SOFT: _bounce_soft,
}


def _answer(mail: SinkMessage, raw: bytes, now: datetime, subject: str) -> EmailMessage:
    """A message from the recipient back to the sender, in the thread of the one it answers."""
    prospect = mail.recipients[0]
    international = not f"{prospect}{mail.sender}".isascii()
    answer = EmailMessage(policy.SMTPUTF8 if international else policy.SMTP)
    answer["From"], answer["To"], answer["Subject"] = prospect, mail.sender, subject
    answer["Date"] = format_datetime(now)
    answer["Message-ID"] = f"<{secrets.token_hex(12)}@{prospect.rpartition('@')[2]}>"
    if mail.message_id:
        answer["In-Reply-To"] = mail.message_id
        answer["References"] = " ".join([*header_of(raw, "References").split(), mail.message_id])
    return answer


def _report(mail: SinkMessage, raw: bytes, now: datetime, action: str, status: str, diagnostic: str) -> bytes:
    """A delivery report; one on an address beyond ASCII is an international one (RFC 6533)."""
    prospect, domain = mail.recipients[0], mail.sender.rpartition("@")[2]
    kind, address = ("", "rfc822") if prospect.isascii() else ("global-", "utf-8")
    boundary = secrets.token_hex(12)
    head = f"""\
From: Mail Delivery Subsystem <mailer-daemon@{domain}>
To: {mail.sender}
Subject: Delivery Status Notification ({"Failure" if action == "failed" else "Delay"})
Date: {format_datetime(now)}
Message-ID: <{secrets.token_hex(12)}@{domain}>
In-Reply-To: {mail.message_id}
References: {mail.message_id}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"

--{boundary}
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Your message to {prospect} met a problem:

{diagnostic}

--{boundary}
Content-Type: message/{kind}delivery-status

Reporting-MTA: dns; mx.{domain}
Arrival-Date: {format_datetime(mail.at)}

Final-Recipient: {address}; {prospect}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}

--{boundary}
Content-Type: text/rfc822-headers

"""
    returned = head_of(raw).replace(b"\r\n", b"\n")
    whole = head.encode() + returned + f"--{boundary}--\n".encode()
    return whole.replace(b"\n", b"\r\n")


def _unsubscribe_at(raw: bytes) -> tuple[str, str]:
    """Address and subject of the mailto: in List-Unsubscribe; empty when there is none."""
    found = re.search(r"<mailto:([^>?]+)(?:\?([^>]*))?>", header_of(raw, "List-Unsubscribe"), re.IGNORECASE)
    if found is None:
        return "", ""
    return unquote(found[1]), next(iter(parse_qs(found[2] or "").get("subject", [])), "")


def _bare(subject: str) -> str:
    return re.sub(r"^(?:re:\s*)+", "", subject, flags=re.IGNORECASE)
