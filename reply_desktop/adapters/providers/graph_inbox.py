"""Reading a Microsoft mailbox by Graph: what came in, and a message of ours among those sent. Headers only.

Graph tells new mail by the time it was received. Exchange may show a message a moment after a later one, so
each look begins a little before the end of the last, and passes over what that one has seen.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2s
from typing import Any, Final
from urllib.parse import quote, urlencode

from reply_desktop.adapters.mail import MARKER_HEADER
from reply_desktop.adapters.providers.headers import inbox_message, is_report
from reply_desktop.domain.inbox import InboxMessage
from reply_desktop.domain.outcome import PROVEN
from reply_desktop.services.ports import InboxPage, SentSearch

Get = Callable[[str], dict[str, Any] | None]
"""Asks for a path below `/v1.0/me/`, or for the whole address of a next page; None when it is not there."""
GetRaw = Callable[[str], bytes | None]
"""The MIME content at a path; None when it is gone, or larger than is taken in."""

OVERLAP: Final = timedelta(minutes=2)
"""How far each look goes back behind the end of the last."""

_SELECT: Final = "id,receivedDateTime,subject,from,internetMessageId,conversationId,internetMessageHeaders"
_SENT_SELECT: Final = "id,internetMessageId,conversationId"
_MARKER_PROPERTY: Final = f"String {{00020386-0000-0000-C000-000000000046}} Name {MARKER_HEADER}"
"""Where Exchange keeps a header it does not know (MS-OXCMSG, PS_INTERNET_HEADERS)."""
_MOST_PAGES: Final = 40


def read_new(get: Get, get_raw: GetRaw, cursor: str | None, since: datetime, limit: int) -> InboxPage:
    """What came into the inbox after the cursor, or since then where there is none."""
    end, seen = _place(cursor)
    start = end - OVERLAP if end is not None else since
    taken: list[dict[str, Any]] = []
    more = False
    for row in _listed(get, f"receivedDateTime ge {_written(start)}"):
        if _mark(row) in seen:
            continue
        if len(taken) >= limit:
            more = True
            break
        taken.append(row)
    end = max([end or since, *map(_received, taken)])
    seen |= {_mark(row): _received(row).timestamp() for row in taken}
    oldest = (end - OVERLAP).timestamp()
    kept = {mark: at for mark, at in seen.items() if at >= oldest}
    place = json.dumps({"at": end.timestamp(), "seen": kept}, separators=(",", ":"))
    return InboxPage(PROVEN, tuple(_message(get_raw, row) for row in taken), place, more)


def find_marked(get: Get, marker: str, message_id: str) -> SentSearch:
    """Look in Sent Items: by Message-ID, which Exchange may have replaced, then by our own header."""
    conditions = (
        f"internetMessageId eq '{_quoted(message_id)}'",
        f"singleValueExtendedProperties/any(ep: ep/id eq '{_MARKER_PROPERTY}' "
        f"and ep/value eq '{_quoted(marker)}')",
    )
    for condition in conditions:
        fields = {"$filter": condition, "$select": _SENT_SELECT, "$top": "1"}
        rows = _rows(get(f"mailFolders/sentitems/messages?{urlencode(fields, quote_via=quote)}"))
        if rows:
            return SentSearch(
                PROVEN,
                True,
                message_id=_text(rows[0].get("internetMessageId")) or None,
                provider_id=_text(rows[0].get("id")) or None,
                thread_id=_text(rows[0].get("conversationId")) or None,
            )
    return SentSearch(PROVEN, False)


def _listed(get: Get, condition: str) -> Iterator[dict[str, Any]]:
    fields = {"$filter": condition, "$orderby": "receivedDateTime", "$select": _SELECT, "$top": "100"}
    url = f"mailFolders/inbox/messages?{urlencode(fields, quote_via=quote)}"
    for _ in range(_MOST_PAGES):
        page = get(url)
        yield from _rows(page)
        url = _text((page or {}).get("@odata.nextLink"))
        if not url:
            return


def _message(get_raw: GetRaw, row: Mapping[str, Any]) -> InboxMessage:
    pairs = [*_headers(row), ("Subject", _text(row.get("subject"))), ("From", _sender(row))]
    pairs.append(("Message-ID", _text(row.get("internetMessageId"))))
    message_id = _text(row.get("id"))
    report = get_raw(f"messages/{quote(message_id, safe='')}/$value") if is_report(pairs) else None
    thread = _text(row.get("conversationId")) or None
    return inbox_message(message_id, _received(row), pairs, thread=thread, report=report)


def _headers(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    said = row.get("internetMessageHeaders")
    rows = [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []
    return [(_text(each.get("name")), _text(each.get("value"))) for each in rows]


def _sender(row: Mapping[str, Any]) -> str:
    said = row.get("from")
    address = said.get("emailAddress") if isinstance(said, dict) else None
    return _text(address.get("address")) if isinstance(address, dict) else ""


def _place(cursor: str | None) -> tuple[datetime | None, dict[str, float]]:
    """Where the last look ended, and what it had seen just before; nothing for a cursor nobody can read."""
    try:
        said = json.loads(cursor or "null")
        seen = {str(mark): float(at) for mark, at in said["seen"].items()}
        return datetime.fromtimestamp(float(said["at"]), UTC), seen
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError):
        return None, {}


def _mark(row: Mapping[str, Any]) -> str:
    """A short stand-in for Graph's long id."""
    return blake2s(_text(row.get("id")).encode(), digest_size=8).hexdigest()


def _received(row: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(_text(row.get("receivedDateTime")).replace("Z", "+00:00"))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _quoted(text: str) -> str:
    """Text inside an OData string literal."""
    return text.replace("'", "''")


def _rows(page: Mapping[str, Any] | None) -> Sequence[dict[str, Any]]:
    said = (page or {}).get("value")
    return [row for row in said if isinstance(row, dict)] if isinstance(said, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
