"""The mail sink: every message a stand-in accepted, kept as a file with a line about it."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import getaddresses, parseaddr
from pathlib import Path

from reply_desktop.files import write_private
from reply_desktop.sandbox.control import SinkMessage
from reply_desktop.sandbox.folder import make_private
from reply_desktop.sandbox.numbered import Numbered

_KEEP = 20_000


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sent a message to whom, where the headers do not decide it (SMTP)."""

    sender: str
    recipients: tuple[str, ...]


class Sink:
    """Keeps mail under `folder`: `NNNNNN.eml` as delivered, and an index of one JSON line each."""

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._index = folder / "index.jsonl"
        self._now = now
        make_private(folder)
        self.messages: Numbered[SinkMessage] = Numbered(_KEEP, self._read_index())

    def accept(
        self, account: str, channel: str, raw: bytes, envelope: Envelope | None = None, thread: str = ""
    ) -> SinkMessage:
        """Keep one message; it is on disk when this returns."""
        headers = message_from_bytes(head_of(raw))
        if envelope is None:
            to = [value for name in ("To", "Cc", "Bcc") for value in headers.get_all(name, [])]
            people = tuple(address for _, address in getaddresses([str(each) for each in to]) if address)
            envelope = Envelope(parseaddr(str(headers.get("From", "")))[1], people)

        def make(number: int) -> SinkMessage:
            return SinkMessage(
                id=number,
                at=self._now(),
                account=account,
                channel=channel,
                sender=envelope.sender,
                recipients=envelope.recipients,
                subject=_readable(str(headers.get("Subject", ""))),
                message_id=str(headers.get("Message-ID", "")).strip(),
                size=len(raw),
                thread=thread,
            )

        # The file first: an entry without its file would be a lie, a file without entry is only rubbish.
        write_private(self._file(self.messages.last + 1), raw)
        entry = self.messages.add(make)
        with self._index.open("a", encoding="utf-8") as index:
            index.write(json.dumps(asdict(entry), default=datetime.isoformat) + "\n")
        return entry

    def raw(self, message_id: int) -> bytes | None:
        """The message as delivered, if it is there."""
        try:
            return self._file(message_id).read_bytes()
        except FileNotFoundError:
            return None

    def clear(self) -> None:
        """Forget all mail."""
        self.messages.clear()
        self._index.unlink(missing_ok=True)
        for file in self._folder.glob("*.eml"):
            file.unlink(missing_ok=True)

    def _file(self, message_id: int) -> Path:
        return self._folder / f"{message_id:06}.eml"

    def _read_index(self) -> Sequence[SinkMessage]:
        if not self._index.exists():
            return ()
        entries = []
        for line in self._index.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue  # a line cut short when the process was killed
            row["at"], row["recipients"] = datetime.fromisoformat(row["at"]), tuple(row["recipients"])
            entries.append(SinkMessage(**row))
        return entries


def head_of(raw: bytes) -> bytes:
    """The header block of a message, with its empty line."""
    found = re.search(rb"\r?\n\r?\n", raw)
    return raw[: found.end()] if found else raw


def header_of(raw: bytes, name: str) -> str:
    """One header's value, unfolded; empty when it is not there."""
    return " ".join(str(message_from_bytes(head_of(raw)).get(name, "")).split())


def with_header(raw: bytes, name: str, value: str) -> bytes:
    """The message with this header set: replaced where it stands, else added on top."""
    head = head_of(raw)
    line = f"{name}: {value}".encode()
    pattern = re.compile(rb"^" + re.escape(name.encode()) + rb":[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.I | re.M)
    changed, count = pattern.subn(lambda _: line, head, count=1)
    return (changed if count else line + b"\r\n" + head) + raw[len(head) :]


def _readable(text: str) -> str:
    try:
        return str(make_header(decode_header(text)))
    except (ValueError, LookupError):
        return text
