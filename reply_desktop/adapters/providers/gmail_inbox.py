"""Reading a Gmail mailbox: what came in, and a message of ours among those sent. Headers only.

A first look lists the inbox, and every later one reads the mailbox's history from where the last look ended
(Gmail API guides, "Synchronize clients with Gmail"); Gmail keeps it for a week or more.
"""

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from reply_desktop.adapters.http import TransportFault
from reply_desktop.adapters.mail import MARKER_HEADER
from reply_desktop.adapters.providers.headers import HEADERS, Pairs, inbox_message, is_report
from reply_desktop.domain.answers import Fault
from reply_desktop.domain.inbox import InboxMessage
from reply_desktop.domain.outcome import PROVEN
from reply_desktop.services.ports import InboxPage, SentSearch

Fields = Sequence[tuple[str, str]]
Get = Callable[[str, Fields], dict[str, Any] | None]
"""Asks for a resource of the mailbox; None when it is not there. Raises Refused and TransportFault."""

_PAGE: Final = ("maxResults", "500")
_MOST_PAGES: Final = 200
_MOST_SENT: Final = 500
"""Sent messages looked through for one of ours."""
_MARGIN: Final = timedelta(minutes=10)
"""How far Gmail's clock may be from ours."""


def read_new(get: Get, cursor: str | None, since: datetime, limit: int) -> InboxPage:
    """What came in after the cursor, or since then where there is none or Gmail has forgotten it."""
    kind, *rest = (cursor or "").split(":")
    if kind == "h" and len(rest) == 1:
        page = _by_history(get, rest[0], limit)
        if page is not None:
            return page
    if kind == "l" and len(rest) == 3 and rest[1].isdecimal():
        return _by_list(get, int(rest[1]) - 1, limit, history=rest[0], after=rest[2])
    profile = get("profile", ()) or {}
    return _by_list(get, int(since.timestamp()), limit, history=_text(profile.get("historyId")))


def find_marked(get: Get, marker: str, since: datetime) -> SentSearch:
    """Look for the marker in what was sent since then. Gmail cannot search for it, so each is asked for."""
    ids = _listed(get, "sent", int((since - _MARGIN).timestamp()))
    for message_id in ids[:_MOST_SENT]:
        row = _metadata(get, message_id, (MARKER_HEADER, "Message-ID"))
        if row is not None and _header(_pairs(row), MARKER_HEADER) == marker:
            return SentSearch(
                PROVEN,
                True,
                message_id=_header(_pairs(row), "Message-ID") or None,
                provider_id=message_id,
                thread_id=_text(row.get("threadId")) or None,
            )
    return SentSearch(PROVEN, False if len(ids) <= _MOST_SENT else None)


def delivered_id(get: Get, message_id: str) -> str | None:
    """The Message-ID that Gmail gave a message of ours."""
    row = _metadata(get, message_id, ("Message-ID",))
    return (_header(_pairs(row), "Message-ID") or None) if row is not None else None


def _by_history(get: Get, start: str, limit: int) -> InboxPage | None:
    """The inbox's additions since then; None when Gmail does not know that far back any more."""
    fields = [("startHistoryId", start), ("historyTypes", "messageAdded"), ("labelId", "INBOX"), _PAGE]
    ids: dict[str, None] = {}
    place = start
    for page in _pages(get, "history", fields):
        if page is None:
            return None
        for record in _rows(page.get("history")):
            if len(ids) >= limit:
                return InboxPage(PROVEN, _read(get, ids), f"h:{place}", more=True)
            added = (row.get("message") for row in _rows(record.get("messagesAdded")))
            ids.update(dict.fromkeys(_text(row.get("id")) for row in added if isinstance(row, dict)))
            place = _text(record.get("id")) or place
        newest = _text(page.get("historyId"))
    return InboxPage(PROVEN, _read(get, ids), f"h:{newest or place}")


def _by_list(get: Get, since_s: int, limit: int, *, history: str, after: str = "") -> InboxPage:
    """What the inbox holds from then on; `after`: the message with which the last look ended."""
    ids = _listed(get, "inbox", since_s)
    if after in ids:
        ids = ids[ids.index(after) + 1 :]
    messages = _read(get, ids[:limit])
    if len(ids) <= limit:
        return InboxPage(PROVEN, messages, f"h:{history}" if history else None)
    last_s = int(messages[-1].at.timestamp()) if messages else since_s
    return InboxPage(PROVEN, messages, f"l:{history}:{last_s}:{ids[limit - 1]}", more=True)


def _listed(get: Get, place: str, since_s: int) -> list[str]:
    """Ids of what a place holds from then on, oldest first."""
    fields = [("q", f"in:{place} after:{since_s}"), _PAGE]
    rows = [row for page in _pages(get, "messages", fields) for row in _rows((page or {}).get("messages"))]
    return [message_id for row in reversed(rows) if (message_id := _text(row.get("id")))]


def _pages(get: Get, path: str, fields: Fields) -> Iterator[dict[str, Any] | None]:
    token = ""
    for _ in range(_MOST_PAGES):
        page = get(path, [*fields, ("pageToken", token)] if token else fields)
        yield page
        token = _text((page or {}).get("nextPageToken"))
        if not token:
            return


def _read(get: Get, ids: Iterator[str] | Sequence[str] | dict[str, None]) -> tuple[InboxMessage, ...]:
    read = (_message(get, message_id) for message_id in ids if message_id)
    return tuple(message for message in read if message is not None)


def _message(get: Get, message_id: str) -> InboxMessage | None:
    """One message's headers; None when it is gone meanwhile, or no mail that came in."""
    row = _metadata(get, message_id, HEADERS)
    if row is None or "DRAFT" in (row.get("labelIds") or ()):
        return None
    pairs = _pairs(row)
    return inbox_message(
        message_id,
        _at(row.get("internalDate")),
        pairs,
        thread=_text(row.get("threadId")) or None,
        report=_whole(get, message_id) if is_report(pairs) else None,
    )


def _metadata(get: Get, message_id: str, names: Sequence[str]) -> dict[str, Any] | None:
    wanted = [("metadataHeaders", name) for name in names]
    return get(_path(message_id), [("format", "metadata"), *wanted])


def _whole(get: Get, message_id: str) -> bytes | None:
    """The raw message; None when it is too large to be taken in, or gone."""
    try:
        raw = _text((get(_path(message_id), [("format", "raw")]) or {}).get("raw"))
        return urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
    except TransportFault as fault:
        if fault.fault is not Fault.TOO_LARGE:
            raise
    except (ValueError, binascii.Error):
        return None
    return None


def _path(message_id: str) -> str:
    return f"messages/{re.sub(r'[^A-Za-z0-9_-]', '', message_id)}"


def _pairs(row: dict[str, Any]) -> Pairs:
    payload = row.get("payload")
    rows = _rows(payload.get("headers")) if isinstance(payload, dict) else []
    return [(_text(each.get("name")), _text(each.get("value"))) for each in rows]


def _header(pairs: Pairs, name: str) -> str:
    return next((value.strip() for each, value in pairs if each.casefold() == name.casefold()), "")


def _at(milliseconds: object) -> datetime:
    """Gmail's internalDate: when it was received."""
    try:
        return datetime.fromtimestamp(int(str(milliseconds)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _rows(value: object) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
