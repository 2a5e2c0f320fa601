"""Reading a mailbox over IMAP: what came into INBOX, and a message of ours in the folder of sent mail.

Folders are opened by EXAMINE and headers fetched by BODY.PEEK, so nothing is ever marked as seen (RFC 3501
§6.3.2, §6.4.5). Junk is not read. The cursor is UIDVALIDITY:UID of the last message seen.
"""

import imaplib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from reply_desktop.adapters.mail import MARKER_HEADER
from reply_desktop.adapters.providers.headers import (
    HEADERS,
    REPORT_BYTES,
    inbox_message,
    is_report,
    pairs_of,
)
from reply_desktop.adapters.providers.refused import Refused
from reply_desktop.domain.inbox import InboxMessage
from reply_desktop.domain.mail_answers import imap_reading_outcome
from reply_desktop.domain.outcome import PROVEN
from reply_desktop.services.ports import InboxPage, SentSearch

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LISTED: Final = re.compile(rb'^\((?P<flags>[^)]*)\)\s+(?:"(?:[^"\\]|\\.)*"|NIL)\s+(?P<name>.+)$', re.S)
_SENT_NAMES: Final = (
    "sent",
    "sent items",
    "sent mail",
    "sent messages",
    "inbox.sent",
    "inbox/sent",
    "inbox.sent items",
    "inbox.sent messages",
)
"""What the folder is called where a server does not say which it is (RFC 6154)."""
_DAY: Final = timedelta(days=1)
_MOST_IN_ONE: Final = 50
"""Messages asked for in one command."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """What EXAMINE told of a folder."""

    validity: str
    next_uid: int | None


def read_new(imap: imaplib.IMAP4, cursor: str | None, since: datetime, limit: int) -> InboxPage:
    """What came into INBOX after the cursor, or since then: without one, or when UIDs have begun anew."""
    folder = _examine(imap, "INBOX")
    validity, _, last = (cursor or "").partition(":")
    if validity == folder.validity and last.isdecimal():
        uids = [uid for uid in _search(imap, "UID", f"{int(last) + 1}:*") if uid > int(last)]
        messages = _read(imap, uids[:limit])
        place = uids[:limit][-1] if uids else int(last)
        return InboxPage(PROVEN, tuple(messages), f"{validity}:{place}", more=len(uids) > limit)
    # Where the folder ends is asked before its messages, so that one that comes meanwhile is behind that end.
    next_uid = folder.next_uid
    end = max(_search(imap, "ALL"), default=0) if next_uid is None else next_uid - 1
    # Days are all that SEARCH knows, and in whose time zone is the server's own choice.
    uids = _search(imap, "SINCE", _day(since - _DAY))
    messages = [message for message in _read(imap, uids[:limit]) if message.at >= since]
    place = uids[:limit][-1] if uids else end
    return InboxPage(PROVEN, tuple(messages), f"{folder.validity}:{place}", more=len(uids) > limit)


def find_marked(imap: imaplib.IMAP4, marker: str, since: datetime) -> SentSearch:
    """Look for the marker in the folder of sent mail.

    Few servers put what goes out by SMTP there. Only where they do (some other mail of ours lies in it) does
    its absence mean anything; otherwise `found` stays None.
    """
    name = _sent_folder(imap)
    if name is None:
        return SentSearch(PROVEN)
    _examine(imap, name)
    hits = _search(imap, "SINCE", _day(since - _DAY), "HEADER", MARKER_HEADER, _quoted(marker))
    for uid, raw, _ in _fetch(
        imap, hits[-_MOST_IN_ONE:], f"BODY.PEEK[HEADER.FIELDS ({MARKER_HEADER} MESSAGE-ID)]"
    ):
        said = {name.casefold(): " ".join(value.split()) for name, value in pairs_of(raw)}
        if said.get(MARKER_HEADER.casefold()) == marker:
            return SentSearch(PROVEN, True, message_id=said.get("message-id") or None, provider_id=str(uid))
    keeps_ours = bool(_search(imap, "HEADER", MARKER_HEADER, '""'))
    return SentSearch(PROVEN, False if keeps_ours else None)


def _read(imap: imaplib.IMAP4, uids: Sequence[int]) -> list[InboxMessage]:
    wanted = f"INTERNALDATE BODY.PEEK[HEADER.FIELDS ({' '.join(HEADERS).upper()})]"
    messages = []
    for uid, raw, at in _fetch(imap, uids, wanted):
        pairs = pairs_of(raw)
        whole = _fetch(imap, [uid], f"BODY.PEEK[]<0.{REPORT_BYTES}>") if is_report(pairs) else iter(())
        report = next((content for _, content, _ in whole), None)
        messages.append(inbox_message(str(uid), at, pairs, report=report))
    return messages


def _fetch(imap: imaplib.IMAP4, uids: Sequence[int], items: str) -> Iterator[tuple[int, bytes, datetime]]:
    """(UID, the one literal asked for, INTERNALDATE) of each that is still there, in order of UIDs."""
    for start in range(0, len(uids), _MOST_IN_ONE):
        named = ",".join(map(str, uids[start : start + _MOST_IN_ONE]))
        data = _done(imap.uid("FETCH", named, f"(UID {items})"))
        found = {}
        for number, part in enumerate(data):
            if not isinstance(part, tuple):
                continue
            # What stands behind the literal comes as an element of its own.
            tail = data[number + 1] if number + 1 < len(data) else b""
            said = part[0] + b" " + (tail if isinstance(tail, bytes) else b"")
            if uid := re.search(rb"\bUID (\d+)", said):
                found[int(uid[1])] = (part[1], _internal_date(said))
        yield from ((uid, *found[uid]) for uid in sorted(found))


def _examine(imap: imaplib.IMAP4, name: str) -> _Folder:
    _done(imap.select(name, readonly=True))
    validity, next_uid = (_told(imap, code) for code in ("UIDVALIDITY", "UIDNEXT"))
    return _Folder(validity, int(next_uid) if next_uid.isdecimal() else None)


def _told(imap: imaplib.IMAP4, code: str) -> str:
    """The value of a response code of the last command, empty if there was none."""
    said: Any = imap.untagged_responses.get(code, [])
    return bytes(said[-1]).decode("ascii", "replace") if said and said[-1] is not None else ""


def _search(imap: imaplib.IMAP4, *criteria: str) -> list[int]:
    """UIDs that fit, lowest first."""
    data = _done(imap.uid("SEARCH", *criteria))
    return sorted({int(uid) for line in data if isinstance(line, bytes) for uid in line.split()})


def _sent_folder(imap: imaplib.IMAP4) -> str | None:
    """The folder of sent mail as it goes over the wire: the one marked as such, else by its usual names."""
    named: dict[str, str] = {}
    for line in _done(imap.list()):
        # A name that is no plain word may come as a literal.
        whole = line[0].rsplit(b"{", 1)[0] + _as_quoted(line[1]) if isinstance(line, tuple) else line
        found = _LISTED.match(whole or b"")
        if found is None:
            continue
        name = found["name"].strip().decode("utf-8", "replace")
        if rb"\sent" in found["flags"].lower().split():
            return name
        named.setdefault(name.strip('"').casefold(), name)
    return next((named[each] for each in _SENT_NAMES if each in named), None)


def _done(answer: tuple[str, Any]) -> list[Any]:
    """The data of a command that was carried out. Raises Refused with the server's words."""
    status, data = answer
    if status != "OK":
        words = b" ".join(each for each in data or () if isinstance(each, bytes)).decode("utf-8", "replace")
        raise Refused(imap_reading_outcome(f"{status} {words}"))
    return [each for each in data if each is not None]


def _internal_date(said: bytes) -> datetime:
    found = re.search(rb'INTERNALDATE "([^"]+)"', said)
    try:
        return parsedate_to_datetime(found[1].decode("ascii")).astimezone(UTC) if found else _BEGINNING
    except (ValueError, TypeError, OverflowError):
        return _BEGINNING


_BEGINNING: Final = datetime.fromtimestamp(0, UTC)


def _day(at: datetime) -> str:
    """A date as SEARCH takes it; not strftime, whose months are the computer's language's."""
    return f"{at.day}-{_MONTHS[at.month - 1]}-{at.year}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _as_quoted(text: bytes) -> bytes:
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
