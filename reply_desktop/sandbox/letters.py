"""The mail of the sandbox's mailboxes: what they sent (the sink) and what came in, with its threads."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reply_desktop.sandbox.control import SinkMessage
from reply_desktop.sandbox.sink import Envelope, Sink, header_of

INBOX_CHANNEL: Final = "inbox"
"""The channel of what came in."""

_ID: Final = re.compile(r"<[^<>\s]+>")


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as its mailbox has it. `sent`: it lies with the sent ones, not in the inbox."""

    mail: SinkMessage
    sent: bool


class Letters:
    """Sent and received mail of every mailbox. Belongs to one event loop, as the sinks do.

    A message belongs to the thread of the message it answers (In-Reply-To, References), else begins its own.
    """

    def __init__(self, sent: Sink, received: Sink) -> None:
        self._sinks = {True: sent, False: received}
        self._threads: dict[tuple[str, str], str] = {}
        self._known: set[tuple[str, str]] = set()
        for sink in self._sinks.values():
            for mail in sink.messages.after(0, lambda _: True):
                self._note(mail)

    @property
    def last_received(self) -> int:
        """The newest number of all that came in, to whatever mailbox."""
        return self._sinks[False].messages.last

    def send(
        self,
        account: str,
        channel: str,
        raw: bytes,
        envelope: Envelope | None = None,
        *,
        thread: str | None = None,
    ) -> Letter:
        """Take a message over from a mailbox: into the sink, and among its sent ones.

        `thread`: where the sender wants it; it goes there when it also answers a message of that thread.
        """
        answered = self._thread_of(account, raw)
        joined = answered if thread is None or thread == answered else None
        return self._keep(True, account, channel, raw, envelope, joined)

    def deliver(self, account: str, raw: bytes) -> Letter:
        """Put a message into a mailbox's inbox."""
        return self._keep(False, account, INBOX_CHANNEL, raw, None, self._thread_of(account, raw))

    def of(self, account: str, *, sent: bool, after: int = 0) -> Sequence[Letter]:
        """What a mailbox sent, or has received, above this number; oldest first."""
        found = self._sinks[sent].messages.after(after, lambda mail: mail.account == account)
        return [Letter(mail, sent) for mail in found]

    def find(self, account: str, number: int, *, sent: bool) -> Letter | None:
        """The mailbox's message of this number, if it is there."""
        mail = self._sinks[sent].messages.get(number)
        return Letter(mail, sent) if mail is not None and mail.account == account else None

    def raw(self, letter: Letter) -> bytes:
        """The message byte for byte; empty once it was forgotten."""
        return self._sinks[letter.sent].raw(letter.mail.id) or b""

    def knows_thread(self, account: str, thread: str) -> bool:
        """Whether the mailbox has a message in this thread."""
        return (account, thread) in self._known

    def _keep(
        self,
        sent: bool,
        account: str,
        channel: str,
        raw: bytes,
        envelope: Envelope | None,
        thread: str | None,
    ) -> Letter:
        mail = self._sinks[sent].accept(account, channel, raw, envelope, thread or secrets.token_hex(8))
        self._note(mail)
        return Letter(mail, sent)

    def _thread_of(self, account: str, raw: bytes) -> str | None:
        named = _ID.findall(f"{header_of(raw, 'References')} {header_of(raw, 'In-Reply-To')}")
        known = (self._threads.get((account, one)) for one in reversed(named))
        return next((thread for thread in known if thread), None)

    def _note(self, mail: SinkMessage) -> None:
        self._known.add((mail.account, mail.thread))
        if mail.message_id:
            self._threads.setdefault((mail.account, mail.message_id), mail.thread)
