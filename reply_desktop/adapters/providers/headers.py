"""Raw headers and delivery reports turned into what sequences read of them; of bodies nothing is kept."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, HeaderParser
from email.utils import getaddresses, parseaddr
from itertools import islice
from typing import Any, Final

from reply_desktop.adapters.mail import MARKER_HEADER
from reply_desktop.domain import inbox
from reply_desktop.domain.inbox import InboxMessage
from reply_desktop.domain.notification import plain

Pairs = Sequence[tuple[str, str]]
"""Header names and raw values, in order."""

HEADERS: Final = (
    "From",
    "Subject",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "Precedence",
    "Content-Type",
    "X-Failed-Recipients",
    *inbox.AUTO_HEADERS,
)
"""The headers that matter; nothing else is asked for."""

REPORT_BYTES: Final = 256 * 1024
"""How much of a delivery report is read: the returned headers stand before the returned body."""

_ID: Final = re.compile(r"<[^<>\s]{1,900}>")
_STATUS: Final = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b", re.ASCII)
_MARKER: Final = re.compile(
    rb"(?im)^[> \t]*" + MARKER_HEADER.encode() + rb":[ \t]*([A-Za-z0-9._-]{1,64})[ \t]*\r?$"
)
_OWN_ID: Final = re.compile(rb"(?im)^[> \t]*Message-ID:\s*(<[^<>\s]{1,900}>)")
_STATUS_PARTS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_NO_BOUNCE: Final = frozenset({"disposition-notification", "feedback-report"})
"""Reports about something else than delivery: read receipts (RFC 8098), complaints (RFC 5965)."""
_FAILURES: Final = frozenset({"failed", "delayed"})
_SOME_REFERENCES: Final = 100
_SOME_PARTS: Final = 50
_SOME_RECIPIENTS: Final = 100


def pairs_of(raw: bytes) -> Pairs:
    """The headers at the top of a raw message, however odd its bytes."""
    return [(name, str(value)) for name, value in BytesHeaderParser().parsebytes(raw).items()]


def is_report(pairs: Pairs) -> bool:
    """Whether it reports on a delivery (RFC 3464), so that its parts are worth reading."""
    return _report_type(pairs) not in (None, *_NO_BOUNCE) or bool(_first(pairs, "X-Failed-Recipients"))


def inbox_message(
    message_id: str, at: datetime, pairs: Pairs, *, thread: str | None = None, report: bytes | None = None
) -> InboxMessage:
    """What the headers say. `message_id`: the provider's name of it; `at`: when it was received, aware UTC.

    `report`: the whole of a delivery report, or as much of it as was read. The Message-ID of the message it
    returns is counted among the references.
    """
    delivery = is_report(pairs)
    failed, markers, ids = _returned(report) if report and delivery else ({}, [], [])
    if delivery and not failed:
        failed = _failed_by_header(pairs)
    references = [*_ids(_first(pairs, "In-Reply-To")), *_ids(_first(pairs, "References")), *ids]
    return InboxMessage(
        id=message_id,
        at=at,
        sender=parseaddr(_first(pairs, "From"))[1],
        subject=plain(_decoded(_first(pairs, "Subject"))),
        message_id=next(iter(_ids(_first(pairs, "Message-ID"))), ""),
        references=tuple(dict.fromkeys(references))[:_SOME_REFERENCES],
        provider_thread=thread,
        auto_submitted=_auto_submitted(pairs),
        precedence=_word(_first(pairs, "Precedence")),
        is_report=delivery,
        markers=tuple(dict.fromkeys(markers)),
        failed=tuple(failed.items()),
    )


def _auto_submitted(pairs: Pairs) -> str:
    """RFC 3834's value, or the same thing said by other means; read receipts have no other sign."""
    # The first of two headers of one name counts, as for the others.
    first = {name.lower(): value for name, value in reversed(pairs)}
    said = inbox.auto_submitted({**first, "auto-submitted": _word(first.get("auto-submitted", ""))})
    if said in ("", "no") and _report_type(pairs) in _NO_BOUNCE:
        return "auto-replied"
    return said


def _report_type(pairs: Pairs) -> str | None:
    """What kind of multipart/report it is (RFC 6522 §3), empty if it does not say; None for all else."""
    part: Message = Message()
    part["Content-Type"] = " ".join(_first(pairs, "Content-Type").split()) or "text/plain"
    if part.get_content_type() != "multipart/report":
        return None
    said = part.get_param("report-type")
    return said.casefold() if isinstance(said, str) else ""


def _returned(raw: bytes) -> tuple[dict[str, str], list[str], list[str]]:
    """Failed addresses with their status, our markers and the Message-IDs of what a report returns."""
    report = message_from_bytes(raw)
    failed: dict[str, str] = {}
    markers: list[str] = []
    ids: list[str] = []
    for part in islice(report.walk(), _SOME_PARTS):
        if part.get_content_type() in _STATUS_PARTS:
            failed.update(islice(_statuses(part), _SOME_RECIPIENTS))
        elif part.get_content_maintype() == "text":
            text = part.get_payload(decode=True)
            head = b"" if part is report else _head(part)
            text = head + (text if isinstance(text, bytes) else b"")
            markers += [found.decode("ascii") for found in _MARKER.findall(text)]
            ids += [found.decode("utf-8", "replace") for found in _OWN_ID.findall(text)]
        elif part is not report:
            markers += [found.decode("ascii") for found in _MARKER.findall(_head(part))]
            ids += [found.decode("utf-8", "replace") for found in _OWN_ID.findall(_head(part))]
    return failed, markers, ids


def _head(part: Message) -> bytes:
    lines = (f"{name}: {' '.join(str(value).split())}\n" for name, value in part.items())
    return "".join(lines).encode("utf-8", "replace")


def _statuses(part: Message) -> Iterator[tuple[str, str]]:
    """(address, status) of each recipient that mail did not reach (RFC 3464 §2.3)."""
    payload: Any = part.get_payload()
    raw = (each.as_bytes() for each in payload) if isinstance(payload, list) else [_bytes_of(payload)]
    text = b"\n\n".join(raw).decode("utf-8", "replace").replace("\r\n", "\n")
    for block in re.split(r"\n[ \t]*\n", text):
        said = HeaderParser().parsestr(block.strip("\n"))
        action = _word(str(said.get("Action", "")))
        found = _STATUS.search(str(said.get("Status", "")))
        status = found[1] if found else {"failed": "5.0.0", "delayed": "4.0.0"}.get(action, "")
        if status[:1] not in ("4", "5") or (action and action not in _FAILURES):
            continue
        if action == "delayed":
            status = f"4{status[1:]}"
        for name in ("Final-Recipient", "Original-Recipient"):
            # "rfc822;someone@example.org": the kind of address goes before it.
            address = str(said.get(name, "")).rpartition(";")[2].strip(" \t\r\n<>").casefold()
            if "@" in address:
                yield address, status


def _bytes_of(payload: object) -> bytes:
    return str(payload).encode("utf-8", "surrogateescape")


def _failed_by_header(pairs: Pairs) -> dict[str, str]:
    """The recipients in Exim's and Gmail's header; a report on a delay says so in its subject."""
    status = "4.0.0" if "delay" in _decoded(_first(pairs, "Subject")).casefold() else "5.0.0"
    named = getaddresses([_first(pairs, "X-Failed-Recipients")])
    return {address.casefold(): status for _, address in named[:_SOME_RECIPIENTS] if "@" in address}


def _first(pairs: Pairs, name: str) -> str:
    wanted = name.casefold()
    return next((value for each, value in pairs if each.casefold() == wanted), "")


def _ids(value: str) -> Iterable[str]:
    return _ID.findall(value)


def _word(value: str) -> str:
    """The first word of a header's value, lower case, without parameters and comments."""
    return re.split(r"[;\s(]", value.strip(), maxsplit=1)[0].casefold()


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError, HeaderParseError):
        return value
