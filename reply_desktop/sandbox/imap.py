"""The IMAP server of the "Other" provider: enough of IMAP4rev1 (RFC 3501) to sign in and read.

Made here because nothing kept fits: pymap calls itself alpha, had its last release in April 2024, and needs
a whole back end of its own classes to ask the world for a password; Twisted's server wants its own event
loop. Commands: CAPABILITY, NOOP, LOGOUT, STARTTLS, LOGIN, AUTHENTICATE PLAIN (with SASL-IR), LIST, SELECT,
EXAMINE, STATUS, APPEND, SEARCH (ALL, UNSEEN, UID, SINCE, HEADER), FETCH (UID, FLAGS, INTERNALDATE,
RFC822.SIZE, BODY with header fields and parts of the whole), CLOSE, and the UID forms. Folders are INBOX,
with what came in, and Sent, with what was appended or copied there; UIDs only rise, over restarts too.
"""

import asyncio
import base64
import binascii
import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email import message_from_bytes

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control, Door, SinkMessage
from reply_desktop.sandbox.sink import Sink, head_of
from reply_desktop.sandbox.visits import Visits
from reply_desktop.sandbox.world import Mailbox, World

_LITERAL = re.compile(rb"\{(\d+)\+?\}$")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s()]+)')
_ITEM = re.compile(
    r"(?P<body>BODY(?:\.PEEK)?)\[(?P<section>[^\]]*)\](?:<(?P<start>\d+)\.(?P<size>\d+)>)?|(?P<name>[A-Z0-9.]+)",
    re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MOST = 25 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of a mailbox, as it was when it was opened."""

    sink: Sink
    address: str
    messages: Sequence[SinkMessage]

    def raw(self, message: SinkMessage) -> bytes:
        """The message byte for byte."""
        return self.sink.raw(message.id) or b""

    def add(self, raw: bytes) -> int:
        """Append a message and give its UID."""
        return self.sink.accept(self.address, "imap", raw).id


class _Goodbye(Exception):
    """The conversation is over."""


class ImapServer:
    """Makes IMAP connections to the folders kept in two sinks."""

    def __init__(
        self, world: World, received: Sink, copies: Sink, visits: Visits, tls: ssl.SSLContext
    ) -> None:
        self.world = world
        self.visits = visits
        self.tls = tls
        self._sinks = {"inbox": received, "sent": copies}

    def starttls(self) -> asyncio.BaseProtocol:
        """A connection that begins in the clear and must be secured before a login."""
        return _Connection(self, secure=False)

    def implicit(self) -> asyncio.BaseProtocol:
        """A connection inside TLS."""
        return _Connection(self, secure=True)

    def folder(self, mailbox: Mailbox, name: str) -> Folder | None:
        """The folder of a mailbox; None for one that does not exist."""
        sink = self._sinks.get(name.lower())
        if sink is None:
            return None
        address = mailbox.address
        return Folder(sink, address, sink.messages.after(0, lambda each: each.account == address))

    def login(self, user: str, password: str) -> tuple[Mailbox | None, str]:
        """The mailbox that opened, or the refusal."""
        mailbox = self.world.mailbox(user, Provider.OTHER)
        refusal = self._refusal(mailbox, password)
        address = mailbox.address if mailbox else None
        self.visits.note(Provider.OTHER, Door.IMAP, address, 0 if refusal else 200, "imap login")
        return (None, refusal) if refusal else (mailbox, "")

    def _refusal(self, mailbox: Mailbox | None, password: str) -> str:
        def met(control: Control) -> bool:
            return self.world.find(control, Provider.OTHER, mailbox, Door.IMAP) is not None

        if met(Control.SERVER_TROUBLE) or met(Control.THROTTLE):
            return "NO [UNAVAILABLE] Temporary authentication failure."
        if mailbox is None or password != mailbox.password:
            return "NO [AUTHENTICATIONFAILED] Authentication failed."
        return "NO [CONTACTADMIN] Account is disabled." if met(Control.ACCOUNT_DISABLED) else ""


class _Connection(asyncio.StreamReaderProtocol):
    """One conversation."""

    def __init__(self, server: ImapServer, *, secure: bool) -> None:
        super().__init__(asyncio.StreamReader(limit=64 * 1024), self._begin)
        self.transport: asyncio.BaseTransport | None = None
        self._server = server
        self._secure = secure
        self._mailbox: Mailbox | None = None
        self._selected: Folder | None = None
        self._read_only = False
        self._asked = ""
        self._commands: dict[str, Callable[[list[str], bytes], str]] = {
            "CAPABILITY": self._capability,
            "NOOP": lambda *_: "OK Done.",
            "CHECK": lambda *_: "OK Done.",
            "LOGIN": self._login,
            "LIST": self._list,
            "SELECT": lambda words, _: self._select(words, read_only=False),
            "EXAMINE": lambda words, _: self._select(words, read_only=True),
            "STATUS": self._status,
            "APPEND": self._append,
            "SEARCH": lambda words, _: self._search(words, uid=False),
            "FETCH": lambda words, _: self._fetch(words, self._asked, uid=False),
            "UID": self._uid,
            "CLOSE": self._close,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        super().connection_made(transport)

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        try:
            await self._wait()
            self._send(f"* OK [CAPABILITY {self._abilities()}] Sandbox for mail ready.")
            while True:
                await writer.drain()
                await self._one()
        except asyncio.CancelledError:
            pass  # only the sandbox's end cancels, and asyncio would complain about the rest
        except (_Goodbye, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.close()

    async def _one(self) -> None:
        line, literal = await self._line()
        tag, _, rest = line.partition(" ")
        name, _, arguments = rest.partition(" ")
        name, self._asked = name.upper(), arguments
        await self._wait()
        if name == "LOGOUT":
            self._send("* BYE Logging out.")
            self._send(f"{tag} OK Logged out.")
            await self._writer.drain()
            raise _Goodbye
        if name == "STARTTLS" and not self._secure:
            self._send(f"{tag} OK Begin TLS.")
            await self._writer.drain()
            await self._writer.start_tls(self._server.tls)
            self.transport, self._secure = self._writer.transport, True
            return
        if name == "AUTHENTICATE":
            self._send(f"{tag} {await self._authenticate(arguments.split())}")
            return
        command = self._commands.get(name)
        if command is None:
            self._send(f"{tag} BAD Unknown command.")
        elif name not in ("CAPABILITY", "NOOP", "LOGIN") and self._mailbox is None:
            self._send(f"{tag} BAD Log in first.")
        else:
            self._send(f"{tag} {command(_words(arguments), literal)}")

    async def _line(self) -> tuple[str, bytes]:
        """One command with its literals put in place; an APPEND's last literal is given apart."""
        text, literal = "", b""
        while True:
            part = (await self._reader.readuntil(b"\n")).rstrip(b"\r\n")
            found = _LITERAL.search(part)
            if not found:
                return text + part.decode(errors="replace"), literal
            size = int(found[1])
            if size > _MOST:
                raise _Goodbye
            if not part.endswith(b"+}"):
                self._send("+ Ready.")
            literal = await self._reader.readexactly(size)
            text += part[: found.start()].decode(errors="replace")
            if size < 1024:
                inline = literal.decode(errors="replace").replace("\\", "\\\\").replace('"', '\\"')
                text += f'"{inline}"'

    def _send(self, line: str) -> None:
        self._writer.write(line.encode() + b"\r\n")

    async def _wait(self) -> None:
        world = self._server.world
        if slow := world.find(Control.LATENCY, Provider.OTHER, self._mailbox, Door.IMAP):
            await asyncio.sleep(float(slow.params["ms"]) / 1000)

    def _abilities(self) -> str:
        return "IMAP4rev1 SASL-IR " + ("AUTH=PLAIN" if self._secure else "STARTTLS LOGINDISABLED")

    def _capability(self, words: list[str], literal: bytes) -> str:
        self._send(f"* CAPABILITY {self._abilities()}")
        return "OK Done."

    def _login(self, words: list[str], literal: bytes) -> str:
        if not self._secure:
            return "NO [PRIVACYREQUIRED] Use STARTTLS first."
        if len(words) != 2:
            return "BAD LOGIN needs a user and a password."
        return self._open(*words)

    async def _authenticate(self, words: list[str]) -> str:
        if not self._secure:
            return "NO [PRIVACYREQUIRED] Use STARTTLS first."
        if not words or words[0].upper() != "PLAIN":
            return "NO Unsupported mechanism."
        if len(words) == 1:
            self._send("+ ")
            answer = (await self._reader.readuntil(b"\n")).strip()
        else:
            answer = words[1].encode()
        try:
            _, user, password = base64.b64decode(answer, validate=True).decode().split("\0")
        except (ValueError, binascii.Error):
            return "BAD Not a PLAIN answer."
        return self._open(user, password)

    def _open(self, user: str, password: str) -> str:
        self._mailbox, refusal = self._server.login(user, password)
        return refusal or f"OK [CAPABILITY {self._abilities()}] Logged in."

    def _folder(self, words: list[str]) -> Folder | None:
        assert self._mailbox is not None
        return self._server.folder(self._mailbox, words[0]) if words else None

    def _list(self, words: list[str], literal: bytes) -> str:
        self._send('* LIST (\\HasNoChildren) "/" INBOX')
        self._send('* LIST (\\HasNoChildren \\Sent) "/" Sent')
        return "OK Done."

    def _select(self, words: list[str], *, read_only: bool) -> str:
        folder = self._folder(words)
        if folder is None:
            return "NO [NONEXISTENT] No such mailbox."
        self._selected, self._read_only = folder, read_only
        self._send(f"* {len(folder.messages)} EXISTS")
        self._send("* 0 RECENT")
        self._send("* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)")
        self._send("* OK [UIDVALIDITY 1] UIDs valid.")
        self._send(f"* OK [UIDNEXT {folder.sink.messages.last + 1}] Predicted.")
        return f"OK [READ-{'ONLY' if read_only else 'WRITE'}] Selected."

    def _status(self, words: list[str], literal: bytes) -> str:
        folder = self._folder(words)
        if folder is None:
            return "NO [NONEXISTENT] No such mailbox."
        self._send(f"* STATUS {words[0]} (MESSAGES {len(folder.messages)} RECENT 0 UNSEEN 0 UIDVALIDITY 1)")
        return "OK Done."

    def _append(self, words: list[str], literal: bytes) -> str:
        folder = self._folder(words)
        if folder is None:
            return "NO [TRYCREATE] No such mailbox."
        return f"OK [APPENDUID 1 {folder.add(literal)}] Appended."

    def _uid(self, words: list[str], literal: bytes) -> str:
        match [word.upper() for word in words[:1]]:
            case ["SEARCH"]:
                return self._search(words[1:], uid=True)
            case ["FETCH"]:
                return self._fetch(words[1:], self._asked.partition(" ")[2], uid=True)
        return "BAD Unknown command."

    def _close(self, words: list[str], literal: bytes) -> str:
        self._selected = None
        return "OK Closed."

    def _search(self, words: list[str], *, uid: bool) -> str:
        if self._selected is None:
            return "BAD Select a mailbox first."
        words = words[2:] if words[:1] == ["CHARSET"] else words
        folder = self._selected
        fits = [True] * len(folder.messages)
        while words:
            match [word.upper() for word in words[:1]], len(words) - 1:
                case ["HEADER"], more if more >= 2:
                    test, words = _has_header(words[1], words[2]), words[3:]
                    fits = [fit and test(folder.raw(m)) for fit, m in zip(fits, folder.messages, strict=True)]
                case ["SINCE"], more if more >= 1 and (day := _date(words[1])) is not None:
                    words = words[2:]
                    fits = [fit and m.at.date() >= day for fit, m in zip(fits, folder.messages, strict=True)]
                case ["UID"], more if more >= 1:
                    last = folder.messages[-1].id if folder.messages else 0
                    wanted, words = words[1], words[2:]
                    fits = [
                        fit and _within(wanted, m.id, last)
                        for fit, m in zip(fits, folder.messages, strict=True)
                    ]
                case ["ALL" | "UNSEEN"], _:
                    words = words[1:]
                case _:
                    return "BAD Only ALL, UNSEEN, UID, SINCE and HEADER are searched."
        numbers = [m.id if uid else number for number, m in enumerate(folder.messages, 1)]
        hits = [str(number) for number, fit in zip(numbers, fits, strict=True) if fit]
        self._send(" ".join(["* SEARCH", *hits]))
        return "OK Done."

    def _fetch(self, words: list[str], asked: str, *, uid: bool) -> str:
        if self._selected is None or len(words) < 2:
            return "BAD Select a mailbox first."
        folder = self._selected
        items = list(_ITEM.finditer(asked.partition(" ")[2]))
        names = {item["name"].upper() for item in items if item["name"]} | ({"UID"} if uid else set())
        count = len(folder.messages)
        last = folder.messages[-1].id if uid and folder.messages else count
        for number, message in enumerate(folder.messages, 1):
            if not _within(words[0], message.id if uid else number, last):
                continue
            raw = folder.raw(message)
            told = [f"UID {message.id}".encode()] if "UID" in names else []
            if "FLAGS" in names:
                told.append(b"FLAGS ()")
            if "INTERNALDATE" in names:
                told.append(f'INTERNALDATE "{_internal_date(message.at)}"'.encode())
            if "RFC822.SIZE" in names:
                told.append(f"RFC822.SIZE {len(raw)}".encode())
            for item in items:
                part = _section(item, raw)
                if part is not None:
                    name, content = part
                    told.append(f"{name} {{{len(content)}}}\r\n".encode() + content)
            self._writer.write(f"* {number} FETCH (".encode() + b" ".join(told) + b")\r\n")
        return "OK Done."


def _words(arguments: str) -> list[str]:
    found = _WORD.finditer(arguments)
    return [re.sub(r"\\(.)", r"\1", each[1]) if each[1] is not None else each[2] for each in found]


def _section(item: re.Match[str], raw: bytes) -> tuple[str, bytes] | None:
    """The name as it is answered, and the content, of one item that asks for a part of the message."""
    if item["body"] is None:
        content = {"RFC822": raw, "RFC822.HEADER": head_of(raw)}.get(item["name"].upper())
        return None if content is None else (item["name"].upper(), content)
    section = item["section"].upper()
    if section == "":
        content = raw
    elif section == "HEADER":
        content = head_of(raw)
    elif section.startswith("HEADER.FIELDS ("):
        content = _only(section[len("HEADER.FIELDS (") : -1].split(), raw)
    else:
        return None
    start = int(item["start"] or 0)
    place = f"<{start}>" if item["start"] else ""
    return f"BODY[{section}]{place}", content[start : start + int(item["size"] or len(content))]


def _only(names: Sequence[str], raw: bytes) -> bytes:
    """The header fields of these names (upper case), whole as they stand, and an empty line."""
    fields = re.findall(rb"^[^:\s]+:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n", head_of(raw), re.M)
    wanted = [field for field in fields if field.partition(b":")[0].decode("latin-1").upper() in names]
    return b"".join(wanted) + b"\r\n"


def _has_header(name: str, wanted: str) -> Callable[[bytes], bool]:
    def test(raw: bytes) -> bool:
        value = message_from_bytes(head_of(raw)).get(name)
        return value is not None and wanted.lower() in str(value).lower()

    return test


def _date(text: str) -> date | None:
    found = re.fullmatch(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})", text)
    if found is None or found[2].lower() not in _MONTHS:
        return None
    return date(int(found[3]), _MONTHS.index(found[2].lower()) + 1, int(found[1]))


def _internal_date(at: datetime) -> str:
    month = _MONTHS[at.month - 1].title()
    return f"{at.astimezone(UTC):%d}-{month}-{at.astimezone(UTC):%Y %H:%M:%S} +0000"


def _within(numbers: str, number: int, last: int) -> bool:
    """Whether a set of numbers holds this one; a range's ends may stand in either order (RFC 3501 §9)."""
    for part in numbers.split(","):
        low, _, high = (last if each == "*" else each for each in part.partition(":"))
        ends = sorted((int(low), int(high or low)))
        if ends[0] <= number <= ends[1]:
            return True
    return False
