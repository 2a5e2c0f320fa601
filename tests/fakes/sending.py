"""Sending on the real store and a clock that stands still: providers that do with each mail what they are told."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from itertools import count
from pathlib import Path

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.domain import events, grant
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.enrollment import Enrollment, Thread
from reply_desktop.domain.grant import Credentials, Password, TokenSet
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Sequence, SequenceStatus, Step
from reply_desktop.domain.sequence_rows import LogFilter, Rendered
from reply_desktop.domain.states import State
from reply_desktop.domain.touch import Touch
from reply_desktop.domain.window import SendingWindow
from reply_desktop.services.announcer import Announcer
from reply_desktop.services.bus import Bus
from reply_desktop.services.course import Course
from reply_desktop.services.credentials import CredentialStore
from reply_desktop.services.delivery import Delivery
from reply_desktop.services.dispatch import Dispatch
from reply_desktop.services.health import Health
from reply_desktop.services.ledger import Ledger
from reply_desktop.services.ports import InboxPage, Probed, SendResult, SentSearch
from reply_desktop.services.queries import Queries
from reply_desktop.services.recovery import Recovery
from reply_desktop.services.replies import Replies
from reply_desktop.services.sender import Sender
from reply_desktop.services.sequence_feed import SequenceFeed
from reply_desktop.services.sequence_ports import Composed
from reply_desktop.services.settings import SettingsDesk
from tests.fakes.clock import FakeClock
from tests.fakes.world import AtOnce, FakeVault

ALWAYS = SendingWindow((1, 2, 3, 4, 5, 6, 7), time(0), time(0))
DAY_S = 86400.0

SENT = SendResult(PROVEN)
LATER = SendResult(Outcome(Cause.PROVIDER_TROUBLE, "451 4.3.0 try again"))
THROTTLED = SendResult(Outcome(Cause.THROTTLED, "450 4.7.1 slow down"))
OFFLINE = SendResult(Outcome(Cause.OFFLINE))
LOST = SendResult(Outcome(Cause.GRANT_REVOKED, "invalid_grant"))
REFUSED = SendResult(Outcome(Cause.MESSAGE_REFUSED, "554 5.7.1 no"))
NO_SUCH_USER = SendResult(Outcome(Cause.MESSAGE_REFUSED, "550 5.1.1 no such user"))
UNKNOWN = SendResult(Outcome(Cause.UNREACHABLE), in_doubt=True)


@dataclass(frozen=True)
class Mail:
    """One message a provider was given. `delivered`: it went out, whatever was answered."""

    at: datetime
    account: str
    to: str
    step: int
    marker: str
    thread_id: str | None
    delivered: bool


class FakeComposer:
    """Messages whose bytes say who gets which step under which marker; `{{ gone }}` is never there."""

    def fields_of(self, step: Step) -> tuple[str, ...]:
        return ()

    def render(
        self, step: Step, prospect: Prospect, *, sender: str, sender_name: str, thread: Thread
    ) -> Rendered:
        problems = ("The field “gone” is missing.",) if "{{ gone }}" in step.body else ()
        return Rendered(step.subject or f"Re: {thread.subject}", f"{step.number}", None, problems)

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
        return Composed(f"{recipient} {rendered.text} {marker}".encode(), f"<{marker}@own>")


class FakeMailbox:
    """A provider. `answers` are given to the next mails, then `usual` for ever; `on_send` runs meanwhile."""

    def __init__(self, provider: Provider, clock: FakeClock) -> None:
        self.provider = provider
        self._clock = clock
        self.answers: deque[SendResult | Exception] = deque()
        self.usual: SendResult = SENT
        self.doubtful_arrive = True
        self.mails: list[Mail] = []
        self.tried: list[Mail] = []
        self.probed = Probed(PROVEN)
        self.probes: list[str] = []
        self.readable = False
        self.pages: deque[InboxPage] = deque()
        self.cursors: list[str | None] = []
        self.search = SentSearch(PROVEN)
        self.searched: list[str] = []
        self.on_send: Callable[[Mail], None] = lambda mail: None

    def probe(self, account: Account, credentials: Credentials, *, fresh: bool = False) -> Probed:
        self.probes.append(account.id)
        return self.probed

    def send(
        self, account: Account, credentials: Credentials, mime: bytes, *, thread_id: str | None = None
    ) -> SendResult:
        to, step, marker = mime.decode().split()
        answer = self.answers.popleft() if self.answers else self.usual
        delivered = isinstance(answer, SendResult) and (
            (answer.outcome.proves and not answer.in_doubt) or (answer.in_doubt and self.doubtful_arrive)
        )
        mail = Mail(self._clock.now(), account.id, to, int(step), marker, thread_id, delivered)
        self.tried.append(mail)
        if delivered:
            self.mails.append(mail)
        self.on_send(mail)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def may_read(self, account: Account) -> bool:
        return self.readable

    def read_inbox(
        self,
        account: Account,
        credentials: Credentials,
        cursor: str | None,
        since: datetime,
        limit: int = 200,
    ) -> InboxPage:
        self.cursors.append(cursor)
        return self.pages.popleft() if self.pages else InboxPage(PROVEN, cursor=cursor)

    def find_sent(
        self, account: Account, credentials: Credentials, marker: str, message_id: str, since: datetime
    ) -> SentSearch:
        self.searched.append(marker)
        return self.search

    def revoke(self, account: Account, credentials: Credentials) -> bool:
        return True


@dataclass
class Later:
    """Callables for later, run when the test says so."""

    waiting: list[Callable[[], None]] = field(default_factory=list)

    def __call__(self, seconds: float, run: Callable[[], None]) -> None:
        self.waiting.append(run)

    def run(self) -> None:
        waiting, self.waiting = self.waiting, []
        for run in waiting:
            run()


class SendingWorld:
    """All that sends, on a database in `folder`."""

    def __init__(self, folder: Path, *, chance: Callable[[], float] = lambda: 0.5) -> None:
        self.clock = FakeClock()
        self.folder = folder
        self.chance = chance
        self.vault = FakeVault()
        self.mailbox = FakeMailbox(Provider.OTHER, self.clock)
        self.google = FakeMailbox(Provider.GOOGLE, self.clock)
        self.microsoft = FakeMailbox(Provider.MICROSOFT, self.clock)
        self.providers = {one.provider: one for one in (self.mailbox, self.google, self.microsoft)}
        self.numbers = count(1)
        self.events: list[events.Event] = []
        self.open()

    def open(self) -> None:
        """A new engine on the folder, as after a start."""
        self.store = SqliteStore(self.folder / "reply.db", self.clock)
        self.bus = Bus()
        self.bus.listen(self.events.append)
        self.queries = Queries(self.store)
        self.settings = SettingsDesk(self.store, self.vault, self.bus, {})
        self.ledger = Ledger(
            self.store, self.queries, self.bus, self.clock, self.new_id, self.settings.preferences,
            Announcer(self.settings.preferences, lambda: UTC),
        )  # fmt: skip
        self.credentials = CredentialStore(self.store, self.vault)
        self.tasks = AtOnce()
        self.health = Health(
            self.store, self.credentials, self.providers, self.ledger, self.queries, self.bus, self.clock,
            lambda: 0.5, self.tasks,
        )  # fmt: skip
        self.later = Later()
        self.feed = SequenceFeed(self.store, self.queries, self.ledger, self.bus, self.clock, self.later)
        self.composer = FakeComposer()
        self.dispatch = Dispatch()
        self.recovery = Recovery(
            self.store, self.credentials, self.providers, self.composer, self.feed, self.clock
        )
        self.course = Course(self.store, self.providers, self.feed, self.clock, self.health.submit)
        self.sender = Sender(
            self.store, self.credentials, self.health, self.course, self.dispatch,
            Delivery(self.providers, self.composer, self.dispatch, self.clock, self.chance, self.new_id),
            self.recovery, self.feed, self.clock, self.tasks,
        )  # fmt: skip
        self.bus.listen(self.sender.on_event)
        self.called = False
        self.sender.soon = lambda: setattr(self, "called", True)
        self.replies = Replies(
            self.store, self.credentials, self.providers, self.health, self.recovery, self.feed, self.clock,
            self.tasks,
        )  # fmt: skip

    def close(self) -> None:
        self.store.close()

    def new_id(self) -> str:
        return f"n{next(self.numbers):08}"

    def account(
        self,
        name: str,
        state: State = State.CONNECTED,
        provider: Provider = Provider.OTHER,
        **given: object,
    ) -> str:
        """A stored account, proven just now."""
        now = self.clock.now()
        fields: dict[str, object] = {
            "proven_at": now, "granted_at": now, "generation": 1, "daily_limit": 10_000, **given,
        }  # fmt: skip
        account = Account(name, provider, f"{name}@own.example", now, state, None, **fields)  # type: ignore[arg-type]
        secret: Credentials = (
            Password("pw") if provider is Provider.OTHER else TokenSet("refresh-1", "access-1")
        )
        with self.store.begin() as unit:
            unit.accounts.add(account)
            unit.grants.put(name, 1, self.vault.seal(name, grant.to_bytes(secret)))
            unit.commit()
        return name

    def sequence(
        self,
        name: str = "spring",
        accounts: Iterable[str] = ("a",),
        prospects: Iterable[str] | int = 3,
        steps: int = 1,
        **given: object,
    ) -> Sequence:
        """A stored, running sequence; `steps` follow each other a day apart, as replies."""
        fields: dict[str, object] = {
            "status": SequenceStatus.RUNNING, "window": ALWAYS, "gap_s": (0.0, 0.0),
            "started_at": self.clock.now(), **given,
        }  # fmt: skip
        made = Sequence(
            name,
            name,
            self.clock.now(),
            accounts=tuple(accounts),
            steps=tuple(
                Step(
                    f"{name}-{number}",
                    number,
                    DAY_S if number > 1 else 0.0,
                    "Hello" if number == 1 else "",
                    "text",
                )
                for number in range(1, steps + 1)
            ),
            **fields,  # type: ignore[arg-type]
        )
        with self.store.begin() as unit:
            unit.sequences.add(made)
            unit.commit()
        self.enroll(name, prospects)
        return self.stored(name)

    def enroll(self, sequence_id: str, prospects: Iterable[str] | int) -> None:
        """Prospects by address, or so many new ones."""
        if isinstance(prospects, int):
            prospects = [f"p{next(self.numbers)}@there.example" for _ in range(prospects)]
        now = self.clock.now()
        with self.store.begin() as unit:
            first = unit.enrollments.last_ordinal(sequence_id)
            for ordinal, email in enumerate(prospects, first + 1):
                prospect = unit.prospects.find(email) or Prospect(email, email, now)
                unit.prospects.put_many([prospect])
                place = Enrollment(f"{sequence_id}/{email}", sequence_id, prospect.id, ordinal, due_at=now)
                unit.enrollments.add_many([place])
            unit.commit()
        self.sender.wake()

    def stored(self, sequence_id: str = "spring") -> Sequence:
        with self.store.read() as unit:
            found = unit.sequences.get(sequence_id)
        assert found is not None
        return found

    def change(self, sequence_id: str = "spring", **given: object) -> None:
        """An edit: what is given, and one revision more."""
        with self.store.begin() as unit:
            before = unit.sequences.get(sequence_id)
            assert before is not None
            unit.sequences.save(replace(before, revision=before.revision + 1, **given))  # type: ignore[arg-type]
            unit.commit()

    def places(self, sequence_id: str = "spring") -> list[Enrollment]:
        """Enrollments in order."""
        from reply_desktop.domain.sequence_rows import ProspectFilter

        ids = self.store.reads.sequences.prospect_ids(ProspectFilter(sequence_id))
        with self.store.read() as unit:
            return [place for one in ids if (place := unit.enrollments.get(one)) is not None]

    def touch(self, enrollment_id: str, step_id: str) -> Touch | None:
        with self.store.read() as unit:
            return unit.touches.of(enrollment_id, step_id)

    def log(self, *kinds: LogKind, sequence_id: str = "spring") -> list[LogEntry]:
        """Entries, oldest first."""
        page = self.store.reads.sequences.log(LogFilter(sequence_id, kinds), 100_000, 0)
        return [*reversed(page.entries)]

    def state(self, account_id: str) -> State:
        with self.store.read() as unit:
            found = unit.accounts.get(account_id)
        assert found is not None
        return found.state

    def set_state(self, account_id: str, state: State, cause: Cause | None = None) -> None:
        """An account's change, with all that follows from it."""
        with self.store.read() as unit:
            before = unit.accounts.get(account_id)
        assert before is not None
        proven_at = self.clock.now() if state is State.CONNECTED else before.proven_at
        self.ledger.change(before, replace(before, state=state, cause=cause, proven_at=proven_at))

    def prove(self) -> None:
        """Every account that can send was checked just now."""
        with self.store.begin() as unit:
            for account_id in unit.accounts.ids(states=(State.CONNECTED, State.AT_RISK)):
                account = unit.accounts.get(account_id)
                assert account is not None
                unit.accounts.save(
                    replace(account, state=State.CONNECTED, cause=None, proven_at=self.clock.now())
                )
            unit.commit()

    def run(self, seconds: float, step_s: float = 60.0) -> None:
        """Time passes, with a tick every so often."""
        left = seconds
        while left > 0:
            self.clock.advance(min(step_s, left))
            left -= step_s
            self.tick()

    def tick(self) -> datetime | None:
        """Ticks until nothing more leaves at this moment."""
        for _ in range(1000):
            self.called = False
            at = self.sender.tick()
            if not self.called and (at is None or at > self.clock.now()):
                return at
        raise AssertionError("it looks again and again")

    @property
    def mails(self) -> list[Mail]:
        """What went out, over all providers, in order."""
        return sorted((mail for one in self.providers.values() for mail in one.mails), key=lambda one: one.at)


def counts(mails: Iterable[Mail]) -> Mapping[tuple[str, int], int]:
    """(recipient, step) → how often it went out."""
    found: dict[tuple[str, int], int] = {}
    for mail in mails:
        found[mail.to, mail.step] = found.get((mail.to, mail.step), 0) + 1
    return found
