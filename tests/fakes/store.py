"""A store in memory: units of work see a copy, and only a commit changes the truth.

Sequences have no doubles here: services that are about them are tested on the real store.
"""

import copy
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from reply_desktop.adapters.store.sequence_reads import SqliteSequenceReads
from reply_desktop.adapters.store.sql import Runner
from reply_desktop.adapters.store.tables import metadata
from reply_desktop.adapters.store.unit_of_work import SqliteUnitOfWork
from reply_desktop.domain.account import Account
from reply_desktop.domain.address import same_mailbox
from reply_desktop.domain.announcement import (
    TELLING_STATES,
    Announced,
    Announcement,
    AnnouncementState,
)
from reply_desktop.domain.episode import Ending, Episode
from reply_desktop.domain.notification import Notification, NotificationKind
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import (
    AccountDetail,
    AccountFilter,
    AccountRow,
    AppFault,
    EpisodeRow,
    NotificationRow,
    Summary,
)
from reply_desktop.domain.states import NEEDS_PERSON, State, worst
from reply_desktop.services.alert_ports import ALL_KINDS
from reply_desktop.services.ports import SequenceReads
from reply_desktop.services.sequence_ports import (
    Enrollments,
    InboxMarks,
    Leftovers,
    Log,
    Paces,
    Prospects,
    Sequences,
    Suppressions,
    Touches,
    UnfinishedImports,
)


@dataclass
class Tables:
    accounts: dict[str, Account] = field(default_factory=dict)
    grants: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    episodes: dict[str, Episode] = field(default_factory=dict)
    faults: dict[str, AppFault] = field(default_factory=dict)
    notifications: dict[str, Notification] = field(default_factory=dict)
    announcements: dict[tuple[str, str, int], Announcement] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)


class _Accounts:
    def __init__(self, tables: Tables) -> None:
        self._t = tables.accounts
        self._all = tables

    def get(self, account_id: str) -> Account | None:
        return self._t.get(account_id)

    def find(self, address: str, provider: Provider | None = None) -> Account | None:
        for one in self._t.values():
            if same_mailbox(one.address, address) and provider in (None, one.provider):
                return one
        return None

    def add(self, account: Account) -> None:
        assert account.id not in self._t
        self._t[account.id] = account

    def save(self, account: Account) -> None:
        assert account.id in self._t
        self._t[account.id] = account

    def remove(self, account_id: str) -> None:
        del self._t[account_id]
        self._all.grants.pop(account_id, None)

    def ids(self, *, states: Sequence[State] = ()) -> list[str]:
        return [one.id for one in self._t.values() if not states or one.state in states]

    def due(self, now: datetime, limit: int) -> list[str]:
        found = [one for one in self._t.values() if one.next_check_at and one.next_check_at <= now]
        return [one.id for one in sorted(found, key=lambda one: one.next_check_at or now)][:limit]

    def next_due_at(self) -> datetime | None:
        return min((one.next_check_at for one in self._t.values() if one.next_check_at), default=None)

    def stale(self, proven_before: datetime, limit: int) -> list[str]:
        return [
            one.id
            for one in self._t.values()
            if one.state is State.CONNECTED and (one.proven_at is None or one.proven_at < proven_before)
        ][:limit]

    def make_due(self, now: datetime, *, states: Sequence[State], spread_s: float = 0.0) -> int:
        found = [one for one in self._t.values() if one.state in states]
        for one in found:
            self._t[one.id] = replace(one, next_check_at=now)
        return len(found)

    def count(self, provider: Provider | None = None) -> int:
        return sum(provider in (None, one.provider) for one in self._t.values())

    def is_used(self, account_id: str) -> bool:
        return False


class _Grants:
    def __init__(self, tables: Tables) -> None:
        self._t = tables.grants

    def get(self, account_id: str) -> tuple[int, bytes] | None:
        return self._t.get(account_id)

    def put(self, account_id: str, generation: int, sealed: bytes) -> None:
        self._t[account_id] = (generation, sealed)

    def any(self) -> bytes | None:
        return next((sealed for _, sealed in self._t.values()), None)


class _Episodes:
    def __init__(self, tables: Tables) -> None:
        self._t = tables.episodes

    def open_of(self, account_id: str) -> Episode | None:
        found = [one for one in self._t.values() if one.account_id == account_id and one.ended_at is None]
        assert len(found) <= 1
        return found[0] if found else None

    def of_grants(self, account_id: str, limit: int = 50) -> list[Episode]:
        mine = [one for one in self._t.values() if one.account_id == account_id]
        telling = [one for one in mine if one.is_red or one.ending is Ending.RECONNECTED]
        return sorted(telling, key=lambda one: one.started_at)[-limit:]

    def add(self, episode: Episode) -> None:
        self._t[episode.id] = episode

    close = add


class _Faults:
    def __init__(self, tables: Tables) -> None:
        self._t = tables.faults

    def open(self) -> list[AppFault]:
        return list(self._t.values())

    def put(self, fault: AppFault) -> None:
        self._t[fault.key] = fault

    def remove(self, key: str) -> None:
        del self._t[key]


class _Notifications:
    def __init__(self, tables: Tables) -> None:
        self._t = tables.notifications

    def add(self, notification: Notification) -> None:
        self._t[notification.id] = notification

    def of_key(self, key: str) -> Notification | None:
        return next((one for one in reversed(self._t.values()) if one.key == key), None)

    def get(self, notification_id: str) -> Notification | None:
        return self._t.get(notification_id)

    def newest_of(self, kind: NotificationKind) -> Notification | None:
        return next((one for one in reversed(self._t.values()) if one.kind is kind), None)

    def open(self, kinds: Collection[NotificationKind]) -> list[Notification]:
        return [one for one in self._t.values() if one.kind in kinds and one.withdrawn_at is None]

    def to_remind(self, until: datetime) -> list[Notification]:
        return [one for one in self._t.values() if one.remind_at is not None and one.remind_at <= until]

    def next_reminder_at(self) -> datetime | None:
        return min((one.remind_at for one in self._t.values() if one.remind_at is not None), default=None)

    def remind(self, notification_id: str, reminded: int, remind_at: datetime | None, unread: bool) -> None:
        one = replace(self._t[notification_id], reminded=reminded, remind_at=remind_at)
        self._t[notification_id] = replace(one, read_at=None) if unread else one

    def withdraw(self, notification_id: str, at: datetime) -> None:
        self._t[notification_id] = replace(self._t[notification_id], withdrawn_at=at, remind_at=None)

    def mark_read(self, ids: Sequence[str] | None, at: datetime) -> None:
        for key, one in self._t.items():
            if (ids is None or key in ids) and one.read_at is None:
                self._t[key] = replace(one, read_at=at)

    def unread(self) -> int:
        return sum(one.read_at is None for one in self._t.values())


class _Announcements:
    def __init__(self, tables: Tables) -> None:
        self._t = tables.announcements
        self._news = tables.notifications

    def add(self, announcement: Announcement) -> None:
        assert _place(announcement) not in self._t and announcement.notification_id in self._news
        self._t[_place(announcement)] = announcement

    def save(self, announcement: Announcement) -> None:
        assert _place(announcement) in self._t
        self._t[_place(announcement)] = announcement

    def of(self, notification_id: str) -> list[Announcement]:
        return [one for one in self._t.values() if one.notification_id == notification_id]

    def due(
        self, channel: str, now: datetime, limit: int, kinds: Collection[NotificationKind] = ALL_KINDS
    ) -> list[Announced]:
        found = [one for one in self._waiting() if one.channel == channel and one.due_at <= now]
        told = [Announced(one, self._news[one.notification_id]) for one in found]
        return [one for one in told if one.notification.kind in kinds][:limit]

    def waiting(self, channel: str) -> int:
        return sum(one.channel == channel for one in self._waiting())

    def channels(self) -> list[str]:
        return sorted({one.channel for one in self._waiting()})

    def next_due_at(self, channel: str) -> datetime | None:
        return min((one.due_at for one in self._waiting() if one.channel == channel), default=None)

    def telling(self) -> list[Announced]:
        found = [one for one in self._t.values() if one.state is AnnouncementState.TELLING]
        return [Announced(one, self._news[one.notification_id]) for one in found]

    def of_batch(self, channel: str, batch: str) -> list[Announced]:
        found = [one for one in self._t.values() if (one.channel, one.batch) == (channel, batch)]
        return [Announced(one, self._news[one.notification_id]) for one in found]

    def batches_since(self, channel: str, since: datetime) -> list[datetime]:
        told: dict[str | None, datetime] = {}
        for one in self._t.values():
            if one.channel == channel and one.state in TELLING_STATES and one.told_at and one.told_at > since:
                told.setdefault(one.batch, one.told_at)
        return sorted(told.values())

    def drop(self, notification_id: str) -> None:
        self._drop(lambda one: one.notification_id == notification_id)

    def drop_channel(self, channel: str) -> None:
        self._drop(lambda one: one.channel == channel)

    def _drop(self, which: Callable[[Announcement], bool]) -> None:
        for one in self._waiting():
            if which(one):
                self._t[_place(one)] = replace(one, state=AnnouncementState.DROPPED)

    def _waiting(self) -> list[Announcement]:
        return [one for one in self._t.values() if one.state is AnnouncementState.WAITING]


def _place(announcement: Announcement) -> tuple[str, str, int]:
    return announcement.notification_id, announcement.channel, announcement.number


class _Settings:
    def __init__(self, tables: Tables) -> None:
        self._t = tables.settings

    def get(self, name: str) -> str | None:
        return self._t.get(name)

    def starting(self, prefix: str) -> dict[str, str]:
        return {name: self._t[name] for name in sorted(self._t) if name.startswith(prefix)}

    def put(self, name: str, value: str) -> None:
        self._t[name] = value

    def remove(self, name: str) -> None:
        self._t.pop(name, None)


class _Sequences:
    """Everything of sequences, by the real repositories on a database in memory without foreign keys.

    It is made when somebody first asks: most tests of accounts never do, and find it empty.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()

    @cached_property
    def connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        metadata.create_all(create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool))
        return connection

    @contextmanager
    def reading(self) -> Iterator[Runner]:
        with self.lock:
            yield Runner(self.connection, Path("memory"), writes=False)

    def end(self, *, keep: bool) -> None:
        """Keep or drop what a unit changed, if any asked at all."""
        if "connection" in vars(self) and self.connection.in_transaction:
            self.connection.execute("COMMIT" if keep else "ROLLBACK")


class MemoryUnit:
    """One unit of work over a copy of the tables."""

    def __init__(self, tables: Tables, sequences: _Sequences, *, writes: bool) -> None:
        self.tables = tables
        self._of_sequences = sequences
        self._writes = writes
        self.accounts = _Accounts(tables)
        self.grants = _Grants(tables)
        self.episodes = _Episodes(tables)
        self.app_faults = _Faults(tables)
        self.notifications = _Notifications(tables)
        self.announcements = _Announcements(tables)
        self.settings = _Settings(tables)
        self.committed = False

    @cached_property
    def _real(self) -> SqliteUnitOfWork:
        connection = self._of_sequences.connection
        if self._writes:
            connection.execute("BEGIN")
        return SqliteUnitOfWork(Runner(connection, Path("memory"), writes=self._writes), datetime.now(UTC))

    @property
    def sequences(self) -> Sequences:
        return self._real.sequences

    @property
    def prospects(self) -> Prospects:
        return self._real.prospects

    @property
    def enrollments(self) -> Enrollments:
        return self._real.enrollments

    @property
    def imports(self) -> UnfinishedImports:
        return self._real.imports

    @property
    def leftovers(self) -> Leftovers:
        return self._real.leftovers

    @property
    def touches(self) -> Touches:
        return self._real.touches

    @property
    def suppressions(self) -> Suppressions:
        return self._real.suppressions

    @property
    def log(self) -> Log:
        return self._real.log

    @property
    def paces(self) -> Paces:
        return self._real.paces

    @property
    def inbox_marks(self) -> InboxMarks:
        return self._real.inbox_marks

    def commit(self) -> None:
        self.committed = True


class MemoryReads:
    """Rows straight from the tables."""

    def __init__(self, store: "MemoryStore") -> None:
        self._store = store
        self.sequences: SequenceReads = SqliteSequenceReads(
            store.of_sequences.reading, lambda: datetime.now(UTC)
        )

    def account_ids(self, wanted: AccountFilter) -> list[str]:
        rows = [one for one in self._store.tables.accounts.values() if wanted.text in one.address]
        return [one.id for one in sorted(rows, key=lambda one: one.address)]

    def account_rows(self, ids: Sequence[str]) -> list[AccountRow]:
        return [row_of(self._store.tables.accounts[one]) for one in ids if one in self._store.tables.accounts]

    def account_detail(self, account_id: str) -> AccountDetail | None:
        account = self._store.tables.accounts.get(account_id)
        if account is None:
            return None
        episodes = tuple(
            EpisodeRow(e.cause, e.color, e.started_at, e.ended_at, e.ending, e.provider_error)
            for e in reversed(self._store.tables.episodes.values())
            if e.account_id == account_id
        )
        return AccountDetail(
            row_of(account), episodes, account.created_at, account.granted_at, account.servers
        )

    def summary(self) -> Summary:
        states = [one.state for one in self._store.tables.accounts.values()]
        red = tuple(row_of(one) for one in self._store.tables.accounts.values() if one.needs_person)
        return Summary(
            {state: states.count(state) for state in State},
            worst(states),
            sum(state in NEEDS_PERSON for state in states),
            red,
            _Notifications(self._store.tables).unread(),
            tuple(self._store.tables.faults.values()),
        )

    def notifications(self, limit: int, before: datetime | None = None) -> list[NotificationRow]:
        return [NotificationRow.of(one) for one in reversed(self._store.tables.notifications.values())][
            :limit
        ]

    def notification_rows(self, ids: Sequence[str]) -> list[NotificationRow]:
        return [NotificationRow.of(one) for one in self._store.tables.notifications.values() if one.id in ids]


def row_of(account: Account) -> AccountRow:
    """The row of an account without history."""
    return AccountRow(
        account.id, account.provider, account.address, account.state, account.cause, account.provider_error,
        account.proven_at, account.checked_at, account.next_check_at, account.deadline_at, account.scopes,
        (), 0, account.daily_limit, "-" * 30, deadline_cause=account.deadline_cause,
    )  # fmt: skip


class MemoryStore:
    """ports.Store in memory. `commits` tells, in order, whether each commit was durable."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.commits: list[bool] = []
        self.fail_next_commit: BaseException | None = None
        self.of_sequences = _Sequences()
        self.reads = MemoryReads(self)
        self._lock = self.of_sequences.lock

    @contextmanager
    def read(self) -> Iterator[MemoryUnit]:
        unit = MemoryUnit(copy.deepcopy(self.tables), self.of_sequences, writes=False)
        yield unit
        assert not unit.committed

    @contextmanager
    def begin(self, *, durable: bool = False) -> Iterator[MemoryUnit]:
        with self._lock:
            unit = MemoryUnit(copy.deepcopy(self.tables), self.of_sequences, writes=True)
            kept = False
            try:
                yield unit
                if unit.committed:
                    if self.fail_next_commit is not None:
                        error, self.fail_next_commit = self.fail_next_commit, None
                        raise error
                    self.tables = unit.tables
                    self.commits.append(durable)
                    kept = True
            finally:
                self.of_sequences.end(keep=kept)
