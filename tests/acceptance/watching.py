"""Somebody who follows sequences: hears what the engine tells, and reads what reached the recipients."""

import itertools
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self, TypeVar

from reply_desktop.channel import messages as m
from reply_desktop.channel.launch import ensure_engine
from reply_desktop.config import Config
from reply_desktop.domain.enrollment import EnrollmentState
from reply_desktop.domain.events import LogAdded, ProspectsChanged, SequencesChanged
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.sequence_rows import LogFilter, ProspectFilter, ProspectRow, SequenceRow
from reply_desktop.sandbox.control import SandboxControl, SinkMessage
from tests.acceptance.conftest import Shell

T = TypeVar("T")

DEADLINE_S = 30.0
FILE = """
name: {name}
accounts: [{accounts}]
window: {{days: mon-sun, from: 0:00, to: 24:00}}
gap_s: [{least}, {most}]
steps:
  - subject: {name} for {{{{ first_name }}}}
    body: "This is step 1, {{{{ first_name }}}}."
  - after: {after}
    body: "This is step 2, {{{{ first_name }}}}."
"""
"""A sequence that sends at any hour: two steps, the second in the thread of the first."""


def done(shell: Shell, *argv: str, chooses: str = "") -> str:
    """What a command that must succeed has printed."""
    result = shell(*argv, chooses=chooses)
    assert result.code == 0, result.out + result.err
    return result.out


def make_sequence(
    shell: Shell,
    name: str,
    accounts: list[str],
    people: int,
    *,
    gap_s: tuple[float, float] = (0.2, 0.4),
    after: str = "3s",
) -> list[str]:
    """A sequence of two steps by file and CSV, not started; gives its prospects."""
    file = shell.folder.parent / f"{name}.yaml"
    least, most = gap_s
    text = FILE.format(name=name, accounts=", ".join(accounts), least=least, most=most, after=after)
    file.write_text(text, encoding="utf-8")
    done(shell, "sequences", "create", str(file))
    return add_prospects(shell, name, people)


def set_delay(shell: Shell, name: str, after: str) -> None:
    """The sequence's second step so long after the first, by its file."""
    file = shell.folder.parent / f"{name}.yaml"
    text = re.sub(r"after: \w+", f"after: {after}", file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")
    done(shell, "sequences", "edit", name, str(file))


def start_together(shell: Shell, *names: str) -> None:
    """Let these sequences begin to send at the same moment."""
    done(shell, "sending", "pause")
    for name in names:
        done(shell, "sequences", "start", name, "--now")
    done(shell, "sending", "resume")


def add_prospects(shell: Shell, name: str, people: int, first: int = 0) -> list[str]:
    """Prospects imported into a sequence, from this number on."""
    word = name.lower().replace(" ", "-")
    emails = [f"p{number}@{word}.example" for number in range(first, first + people)]
    csv = shell.folder.parent / f"{name}-{first}.csv"
    rows = [f"{email},Person {number}" for number, email in enumerate(emails)]
    csv.write_text("\n".join(["email,First name", *rows]), encoding="utf-8")
    done(shell, "sequences", "import-prospects", name, str(csv))
    return emails


class Watch:
    """A front that hears every event and looks again whenever something has changed."""

    def __init__(self, config: Config) -> None:
        self._news = threading.Condition()
        self._heard = 0
        self._lost = False
        self.client = ensure_engine(config, events=True, on_event=self._on_event, on_lost=self._on_lost)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    @property
    def engine_pid(self) -> int:
        """The engine's process."""
        return self.client.welcome.pid

    def wait(self, look: Callable[[], T | None], what: str, deadline_s: float = DEADLINE_S) -> T:
        """The first true thing `look` gives, which is asked anew after each event."""
        deadline = time.monotonic() + deadline_s
        while True:
            heard = self._heard
            if seen := look():
                return seen
            with self._news:
                while self._heard == heard and not self._lost:
                    if not self._news.wait(max(0.0, deadline - time.monotonic())):
                        raise AssertionError(f"within {deadline_s:.0f} s there was no {what}")
            assert not self._lost, "the engine ended"

    def wait_lost(self) -> None:
        """Wait for the engine to be gone."""
        assert self.client.wait_gone(DEADLINE_S)

    def row(self, name: str) -> SequenceRow:
        """A sequence as the list shows it."""
        return self.client.ask(m.GetSequence(name)).row

    def prospects(self, name: str, *states: EnrollmentState) -> list[ProspectRow]:
        """Prospects of a sequence, those in these states or all, as they came."""
        wanted = ProspectFilter(self.row(name).id, states=states)
        ids = self.client.ask(m.ListProspects(wanted)).ids
        return list(self.client.ask(m.GetProspects(ids)).rows)

    def log(self, name: str, *kinds: LogKind) -> list[LogEntry]:
        """A sequence's log, oldest first."""
        page = self.client.ask(m.ListLog(LogFilter(self.row(name).id, kinds), limit=10_000))
        return list(reversed(page.entries))

    def _on_event(self, event: Any) -> None:
        if isinstance(event, (SequencesChanged, LogAdded, ProspectsChanged, m.RowsChanged)):
            with self._news:
                self._heard += 1
                self._news.notify_all()

    def _on_lost(self) -> None:
        with self._news:
            self._lost = True
            self._news.notify_all()


@dataclass(frozen=True)
class Touched:
    """One message of a sequence, as its recipient has it."""

    id: int
    at: datetime
    account: str
    recipient: str
    step: int
    marker: str
    message_id: str
    answers: str
    references: tuple[str, ...]
    thread: str
    subject: str


def touched(
    raw: bytes, number: int, at: datetime, account: str, recipient: str, thread: str = ""
) -> Touched | None:
    """What a message is to a sequence made of `FILE`; None when it is another one's."""
    letter = message_from_bytes(raw, policy=policy.default)
    assert isinstance(letter, EmailMessage)
    found = re.search(r"This is step (\d+),", letter.get_content())
    if found is None:
        return None
    return Touched(
        number,
        at,
        account,
        recipient,
        int(found[1]),
        str(letter["X-Reply-Marker"]),
        str(letter["Message-ID"]),
        str(letter["In-Reply-To"] or ""),
        tuple(str(letter["References"] or "").split()),
        thread,
        str(letter["Subject"]),
    )


class Recipients:
    """Reads the sink for the messages to some people."""

    def __init__(self, control: SandboxControl, people: Iterable[str]) -> None:
        self._control = control
        self._people = frozenset(people)
        self._read: dict[int, Touched | None] = {}

    def all(self) -> list[Touched]:
        """What they have got so far, oldest first."""
        for mail in self._control.messages(after=max(self._read, default=0)):
            mine = self._people.issuperset(mail.recipients)
            self._read[mail.id] = self._touched(mail) if mine else None
        return [one for one in self._read.values() if one is not None]

    def _touched(self, mail: SinkMessage) -> Touched | None:
        (recipient,) = mail.recipients
        raw = self._control.raw_message(mail.id)
        return touched(raw, mail.id, mail.at, mail.account, recipient, mail.thread)

    def after(self, number: int) -> list[Touched]:
        """Those with a higher number."""
        return [one for one in self.all() if one.id > number]

    @property
    def last(self) -> int:
        """The number of the newest message of anybody."""
        self.all()
        return max(self._read, default=0)


def assert_exactly_once(got: Sequence[Touched], people: Iterable[str], steps: int = 2) -> None:
    """Each of them has each step, once; and no message went by two names or one name by two messages."""
    counted = Counter((one.recipient, one.step) for one in got)
    assert counted == Counter((email, step) for email in people for step in range(1, steps + 1))
    assert len({one.marker for one in got}) == len(got)


def threads(got: Iterable[Touched]) -> dict[str, list[Touched]]:
    """The messages of each recipient, in order."""
    found: dict[str, list[Touched]] = defaultdict(list)
    for one in got:
        found[one.recipient].append(one)
    return found


def assert_threaded(got: Sequence[Touched]) -> None:
    """Each recipient's messages are one conversation from one account, in order."""
    for letters in threads(got).values():
        assert [one.step for one in letters] == list(range(1, len(letters) + 1))
        assert len({one.account for one in letters}) == 1
        assert len({one.thread for one in letters}) == 1, letters
        for before, one in itertools.pairwise(letters):
            assert one.answers == before.message_id
            assert one.references == (*before.references, before.message_id)
            assert one.subject == f"Re: {letters[0].subject}"
