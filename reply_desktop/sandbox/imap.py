"""The IMAP server of the "Other" provider: enough of IMAP4rev1 (RFC 3501) for a login check and a Sent copy.

Made here because nothing kept fits: pymap calls itself alpha, had its last release in April 2024, and needs
a whole back end of its own classes to ask the world for a password; Twisted's server wants its own event
loop. Commands: CAPABILITY, NOOP, LOGOUT, STARTTLS, LOGIN, AUTHENTICATE PLAIN (with SASL-IR), LIST, SELECT,
EXAMINE, STATUS, APPEND, SEARCH (ALL, HEADER), FETCH, CLOSE, and the UID forms. Folders are INBOX and Sent;
what is appended lives as long as the process.
"""

import asyncio
import base64
import binascii
import re
import ssl
from collections.abc import Callable, Iterator
from email import message_from_bytes
from itertools import count

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control, Door
from reply_desktop.sandbox.sink import head_of
from reply_desktop.sandbox.visits import Visits
from reply_desktop.sandbox.world import Mailbox, World

_LITERAL = re.compile(rb"\{(\d+)\+?\}$")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s()]+)')
_MOST = 25 * 1024 * 1024

Folder = list[tuple[int, bytes]]


class _Goodbye(Exception):
    """The conversation is over."""


class ImapServer:
    """Makes IMAP connections, and keeps what was appended."""

    def __init__(self, world: World, visits: Visits, tls: ssl.SSLContext) -> None:
        self.world = world
        self.visits = visits
        self.tls = tls
        self._folders: dict[tuple[str, str], Folder] = {}
        self.uids: Iterator[int] = count(1)

    def starttls(self) -> asyncio.BaseProtocol:
        """A connection that begins in the clear and must be secured before a login."""
        return _Connection(self, secure=False)

    def implicit(self) -> asyncio.BaseProtocol:
        """A connection inside TLS."""
        return _Connection(self, secure=True)

    def folder(self, mailbox: Mailbox, name: str) -> Folder | None:
        """The folder of a mailbox; None for one that does not exist."""
        known = {"inbox": "INBOX", "sent": "Sent"}.get(name.lower())
        return self._folders.setdefault((mailbox.address, known), []) if known else None

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
            "FETCH": lambda words, _: self._fetch(words, uid=False),
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
        name = name.upper()
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
        self._send(f"* {len(folder)} EXISTS")
        self._send("* 0 RECENT")
        self._send("* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)")
        self._send("* OK [UIDVALIDITY 1] UIDs valid.")
        return f"OK [READ-{'ONLY' if read_only else 'WRITE'}] Selected."

    def _status(self, words: list[str], literal: bytes) -> str:
        folder = self._folder(words)
        if folder is None:
            return "NO [NONEXISTENT] No such mailbox."
        self._send(f"* STATUS {words[0]} (MESSAGES {len(folder)} RECENT 0 UNSEEN 0 UIDVALIDITY 1)")
        return "OK Done."

    def _append(self, words: list[str], literal: bytes) -> str:
        folder = self._folder(words)
        if folder is None:
            return "NO [TRYCREATE] No such mailbox."
        uid = next(self._server.uids)
        folder.append((uid, literal))
        return f"OK [APPENDUID 1 {uid}] Appended."

    def _uid(self, words: list[str], literal: bytes) -> str:
        match [word.upper() for word in words[:1]]:
            case ["SEARCH"]:
                return self._search(words[1:], uid=True)
            case ["FETCH"]:
                return self._fetch(words[1:], uid=True)
        return "BAD Unknown command."

    def _close(self, words: list[str], literal: bytes) -> str:
        self._selected = None
        return "OK Closed."

    def _search(self, words: list[str], *, uid: bool) -> str:
        if self._selected is None:
            return "BAD Select a mailbox first."
        words = words[2:] if words[:1] == ["CHARSET"] else words
        match [word.upper() for word in words[:1]]:
            case ["HEADER"] if len(words) == 3:
                name, wanted = words[1], words[2].lower()
                heads = [message_from_bytes(head_of(raw)) for _, raw in self._selected]
                fits = [wanted in str(head.get(name, "")).lower() for head in heads]
            case ["ALL"] | ["UNSEEN"] | ["UID"]:
                fits = [True] * len(self._selected)
            case _:
                return "BAD Only ALL and HEADER are searched."
        numbers = [own if uid else number for number, (own, _) in enumerate(self._selected, 1)]
        hits = [str(number) for number, fit in zip(numbers, fits, strict=True) if fit]
        self._send(" ".join(["* SEARCH", *hits]))
        return "OK Done."

    def _fetch(self, words: list[str], *, uid: bool) -> str:
        if self._selected is None or len(words) < 2:
            return "BAD Select a mailbox first."
        wanted = {part.upper() for part in words[1:]} | ({"UID"} if uid else set())
        for number, (own, raw) in enumerate(self._selected, 1):
            if not _within(words[0], own if uid else number, len(self._selected)):
                continue
            told = [f"UID {own}".encode()] if "UID" in wanted else []
            if "FLAGS" in wanted:
                told.append(b"FLAGS (\\Seen)")
            if "RFC822.SIZE" in wanted:
                told.append(f"RFC822.SIZE {len(raw)}".encode())
            for part in wanted:
                content = _section(part, raw)
                if content is not None:
                    name = part.replace(".PEEK", "")
                    told.append(f"{name} {{{len(content)}}}\r\n".encode() + content)
            self._writer.write(f"* {number} FETCH (".encode() + b" ".join(told) + b")\r\n")
        return "OK Done."


def _words(arguments: str) -> list[str]:
    found = _WORD.finditer(arguments)
    return [re.sub(r"\\(.)", r"\1", each[1]) if each[1] is not None else each[2] for each in found]


def _section(part: str, raw: bytes) -> bytes | None:
    if part in ("BODY[]", "BODY.PEEK[]", "RFC822"):
        return raw
    if part in ("BODY[HEADER]", "BODY.PEEK[HEADER]", "RFC822.HEADER"):
        return head_of(raw)
    return None


def _within(numbers: str, number: int, last: int) -> bool:
    for part in numbers.split(","):
        low, _, high = (last if each == "*" else each for each in part.partition(":"))
        if int(low) <= number <= int(high or low):
            return True
    return False
