"""What sequences need of the store: repositories of one unit of work, as Protocols."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from reply_desktop.domain.enrollment import Enrollment, FinishReason, Thread
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.pace import Pace
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.prospect import Prospect, Suppression
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence import SequenceStatus, Step
from reply_desktop.domain.sequence_rows import Rendered
from reply_desktop.domain.touch import Touch

Stamp = tuple[SequenceStatus, int, Problem | None]
"""Status, revision and problem of a sequence: whatever of it changes, one of them does."""


class Sequences(Protocol):
    """Sequences with their steps and the ids of their accounts."""

    def get(self, sequence_id: str) -> MailSequence | None: ...
    def stamp(self, sequence_id: str) -> Stamp | None:
        """What tells whether it was changed since it was read, without reading its steps and accounts."""

    def find(self, name: str) -> MailSequence | None:
        """By name, without regard to case."""

    def all(self) -> list[MailSequence]: ...
    def on(self) -> list[MailSequence]:
        """Those scheduled or running."""

    def add(self, sequence: MailSequence) -> None:
        """Raises AlreadyExists for a name that is taken."""

    def save(self, sequence: MailSequence) -> None:
        """Keep settings, accounts and steps as given. A step that is missing is gone; its touches stay."""

    def remove(self, sequence_id: str) -> None:
        """Forget it; nobody sees its enrollments, touches and log any more, which `Leftovers` clears.

        What it sent goes on counting towards the limits: its touches are seen by `get`, `of`, `save` and the
        counts only, those of the last 24 hours after they were cleared as well.
        """

    def using(self, account_id: str) -> list[str]:
        """Ids of the sequences that are on and send from this account."""

    def last_assigned(self, sequence_id: str) -> Mapping[str, datetime]:
        """Account id → when it last got a new prospect of this sequence."""

    def assign(self, sequence_id: str, account_id: str, at: datetime) -> None:
        """Note that the account got a new prospect of this sequence."""


@dataclass(frozen=True, slots=True)
class BegunImport:
    """An import that is not finished. `entry`: what the log will say, once that is certain to come."""

    sequence_id: str
    at: datetime
    entry: str | None


class Prospects(Protocol):
    """Persons written to, one for each mail address."""

    def get(self, prospect_id: str) -> Prospect | None: ...
    def find(self, email: str) -> Prospect | None: ...
    def known(self, emails: Collection[str]) -> Mapping[str, Prospect]:
        """Those of these addresses that are there, by `mailbox_key`."""

    def put_many(self, prospects: Sequence[Prospect]) -> None:
        """Keep these; one that is there (same id) gets the new fields."""


class Enrollments(Protocol):
    """Prospects' places in sequences."""

    def get(self, enrollment_id: str) -> Enrollment | None: ...
    def find(self, sequence_id: str, prospect_id: str) -> Enrollment | None: ...
    def save(self, enrollment: Enrollment) -> None: ...
    def add_many(self, enrollments: Sequence[Enrollment]) -> None: ...
    def enrolled(self, sequence_id: str, prospect_ids: Collection[str]) -> set[str]:
        """Which of these prospects the sequence has already."""

    def last_ordinal(self, sequence_id: str) -> int:
        """The highest ordinal so far, 0 for none."""

    def next_pinned(self, sequence_id: str, account_id: str, now: datetime) -> Enrollment | None:
        """The one due the longest among those pinned to this account; ties fall to the ordinal."""

    def next_unpinned(self, sequence_id: str, now: datetime) -> Enrollment | None:
        """The first by ordinal among those due that have no account yet."""

    def next_due_at(self, sequence_id: str, account_id: str | None) -> datetime | None:
        """When the next one is due that is pinned to this account (None: to none)."""

    def late(self, sequence_id: str, account_ids: Collection[str] | None, now: datetime) -> int:
        """How many are due already, pinned to one of these accounts (None: any or none)."""

    def stranded(self, sequence_id: str, account_id: str, *, unstarted: bool, limit: int) -> list[Enrollment]:
        """Open ones pinned to this account, none in flight or in doubt; `unstarted`: nothing sent yet."""

    def pinned_to(self, account_ids: Collection[str]) -> set[str]:
        """Which of these accounts have somebody pinned to them to whom more is to be sent."""

    def open_count(self, sequence_id: str) -> int:
        """How many of the sequence are not finished."""

    def open_of(self, email: str) -> list[Enrollment]:
        """All open ones of this address, in whatever sequence."""

    def reschedule(self, sequence_id: str, done: int, last_sent_to_due_s: float | None) -> int:
        """After an edit: active ones with `done` steps are due so long after their last; None: not at all.

        It also wakes those that had nothing more to come, when a step was appended. One whose next message is
        being sent, in doubt, or waits to be tried again keeps its time. Gives how many were changed.
        """

    def renumber(self, sequence_id: str, numbers: Mapping[int, int]) -> int:
        """After an edit of the steps: how far prospects were → how far they are now, all at once."""

    def finish_done(self, sequence_id: str, done: int, reason: FinishReason, at: datetime) -> int:
        """Finish the active ones that have had `done` or more steps; gives how many.

        One that is being sent to is left to what comes of that.
        """


class UnfinishedImports(Protocol):
    """The import that takes many units of work: `begin`, `take`…, then `decide`, `apply`…, `finish`.

    What it takes is not to be seen before; until it is decided, `undo` takes it back. One at a time, and
    nobody else enrolls anybody meanwhile.
    """

    def begin(self, sequence_id: str, at: datetime) -> int:
        """One begins; gives the ordinal before its first. Raises NotFound when the sequence is gone."""

    def take(
        self, prospects: Sequence[Prospect], enrollments: Sequence[Enrollment], changed: Sequence[Prospect]
    ) -> None:
        """Keep a part: new prospects, enrollments, and known prospects with the fields they are to have.

        Raises AlreadyExists and NotFound as `put_many` and `add_many`.
        """

    def decide(self, sequence_id: str, fields: Collection[str], entry: str) -> None:
        """All is taken: from now on it comes to its end. `fields`: the merge fields of those enrolled.

        `entry`: what the log will say. Raises NotFound when the sequence is gone.
        """

    def apply(self, most: int) -> bool:
        """Give at most so many of the known prospects their fields; gives whether there may be more."""

    def finish(self, sequence_id: str) -> None:
        """Let all be seen. Raises NotFound when the sequence is gone."""

    def begun(self) -> BegunImport | None:
        """The one that is neither finished nor undone."""

    def undo(self, sequence_id: str, most: int) -> bool:
        """Take back at most so many of what it enrolled; gives whether there may be more."""


class Leftovers(Protocol):
    """What removed sequences left behind. A prospect who is in another sequence is none of it."""

    def clear(self, most: int) -> bool:
        """Forget at most so many enrollments, with their prospects and touches, or log entries.

        Gives whether there may be more.
        """

    def unseen_prospects(self, after: str, most: int) -> list[str]:
        """Ids beyond `after`, in order, of prospects who are in no sequence."""

    def spent_touches(self, after: str, most: int) -> list[str]:
        """Likewise of touches of removed sequences that count towards no limit any more."""

    def forget_prospects(self, ids: Collection[str]) -> None:
        """Forget those of them who are in no sequence."""

    def forget_touches(self, ids: Collection[str]) -> None:
        """Forget these."""


class Touches(Protocol):
    """Planned messages and what became of them."""

    def get(self, touch_id: str) -> Touch | None: ...
    def of(self, enrollment_id: str, step_id: str) -> Touch | None: ...
    def add(self, touch: Touch) -> None:
        """Raises AlreadyExists when the enrollment's step has one."""

    def save(self, touch: Touch) -> None: ...
    def being_sent(self) -> list[Touch]:
        """All in state SENDING: at the engine's start, those that a crash cut off."""

    def in_doubt(self, enrollment_id: str | None = None) -> list[Touch]: ...
    def counted_since(self, account_id: str, since: datetime, sequence_id: str | None = None) -> int:
        """How many of the account's touches that count as sent were reserved after `since`."""

    def counted_times(
        self, account_id: str, since: datetime, limit: int, sequence_id: str | None = None
    ) -> list[datetime]:
        """When those were reserved, newest first."""

    def by_message_ids(self, message_ids: Collection[str]) -> list[Touch]: ...
    def by_markers(self, markers: Collection[str]) -> list[Touch]: ...
    def by_threads(self, account_id: str, thread_ids: Collection[str]) -> list[Touch]:
        """Touches whose enrollment's provider thread is one of these."""


class Suppressions(Protocol):
    """Addresses that must never be written to."""

    def has(self, email: str) -> bool: ...
    def among(self, emails: Collection[str]) -> set[str]:
        """Which of these are on the list, by `mailbox_key`."""

    def put(self, suppression: Suppression) -> bool:
        """Keep it; False when the address was there already, whose entry stays."""

    def remove(self, email: str) -> None: ...


class Log(Protocol):
    """What Log tabs say."""

    def add(self, entries: Iterable[LogEntry]) -> list[LogEntry]:
        """Keep entries; gives them with their ids."""

    def last(
        self, sequence_id: str, kinds: Collection[LogKind], account: str | None = None
    ) -> LogEntry | None:
        """The newest of these kinds (and this account's address)."""

    def of_key(self, key: str) -> list[LogEntry]:
        """The newest entry of each sequence with this key."""


class Paces(Protocol):
    """How fast each account may send."""

    def get(self, account_id: str) -> Pace:
        """The account's pace; a fresh one when nothing was kept yet."""

    def save(self, pace: Pace) -> None: ...


class InboxMarks(Protocol):
    """How far each mailbox has been read."""

    def get(self, account_id: str) -> tuple[str | None, datetime] | None:
        """(cursor, when it was read last), or None when never."""

    def put(self, account_id: str, cursor: str | None, at: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Composed:
    """A message ready to be handed over, and the Message-ID we gave it (providers may replace it)."""

    mime: bytes = field(repr=False)
    message_id: str


class Composer(Protocol):
    """Turns steps into messages: merge fields, then MIME. Needs no network."""

    def fields_of(self, step: Step) -> tuple[str, ...]:
        """Merge fields a step names. Raises InvalidInput saying where its template is wrong."""

    def render(
        self, step: Step, prospect: Prospect, *, sender: str, sender_name: str, thread: Thread
    ) -> Rendered:
        """The step for this prospect. What is missing or wrong is in `problems`; nothing raises for it."""

    def compose(
        self,
        rendered: Rendered,
        *,
        sender: str,
        sender_name: str,
        recipient: str,
        now: datetime,
        marker: str,
        thread: Thread,
        unsubscribe: bool,
    ) -> Composed:
        """The message, CRLF line ends. Raises InvalidInput for addresses or headers that cannot be."""
