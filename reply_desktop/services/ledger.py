"""Writes an account's change with all that follows from it, in one commit, and tells the bus afterwards."""

from collections.abc import Callable
from datetime import UTC, datetime

from reply_desktop.domain import episode, events, log_texts, news
from reply_desktop.domain.account import Account, is_app_level
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.episode import Episode
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.log_texts import Rest
from reply_desktop.domain.preferences import Preferences
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AppFault
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence import StrandedKind
from reply_desktop.domain.states import CAN_SEND, OutcomeKind, State
from reply_desktop.services.announcer import Announcer
from reply_desktop.services.bus import Bus
from reply_desktop.services.ports import Clock, Store, UnitOfWork
from reply_desktop.services.queries import Queries

_VAULT = "vault"


class Ledger:
    """The one place where accounts change in the database, and where the sequences' logs tell of it.

    `record` writes inside the caller's unit of work and returns what happened; the caller commits and then
    hands it to `publish`. So episode, notification and state can never disagree, even after a crash.
    """

    def __init__(
        self,
        store: Store,
        queries: Queries,
        bus: Bus,
        clock: Clock,
        new_id: Callable[[], str],
        wants: Callable[[], Preferences],
        announcer: Announcer,
    ) -> None:
        self._store = store
        self._queries = queries
        self._bus = bus
        self._clock = clock
        self._new_id = new_id
        self._wants = wants
        self._announcer = announcer

    def record(
        self, unit: UnitOfWork, before: Account | None, after: Account, *, proven: bool = False
    ) -> list[events.Event]:
        """Save the account and what follows. `proven`: the provider answered this very check with proof."""
        now = self._clock.now()
        happened: list[events.Event] = []
        if before is None:
            unit.accounts.add(after)
        else:
            unit.accounts.save(after)
        closed, opened = episode.follow(unit.episodes.open_of(after.id), after, now, self._new_id())
        entries = self._entries(unit, before, after, opened, now)
        happened += self._episodes(unit, after, closed, opened, entries, now)
        happened += self._disuse(unit, before, after, now)
        happened += self._faults(unit, after, proven, now)
        if entries:
            happened.append(events.LogAdded(tuple(unit.log.add(entries))))
        return happened

    def change(self, before: Account | None, after: Account) -> None:
        """Record and publish one change by itself."""
        with self._store.begin() as unit:
            happened = self.record(unit, before, after)
            unit.commit()
        self.publish(before, after, happened)

    def publish(self, before: Account | None, after: Account, happened: list[events.Event]) -> None:
        """Tell the bus, after commit: the row first, then what follows from it."""
        row = self._queries.row_of(before, after)
        self._bus.publish([events.AccountChanged(row, before, after), *happened])

    def show(self, account: Account) -> None:
        """Tell the bus how an account looks, though nothing of it was changed in the database."""
        self._bus.publish([events.AccountChanged(self._queries.row_of(account, account), account, account)])

    def remove(self, account: Account) -> None:
        """Forget an account, its grant and its history, and withdraw what was said of it."""
        happened: list[events.Event] = []
        with self._store.begin() as unit:
            now = self._clock.now()
            open_episode = unit.episodes.open_of(account.id)
            if open_episode is not None:
                happened += self._announcer.withdraw(unit, open_episode.id, now)[1]
            happened += self._announcer.withdraw(unit, _disuse_key(account), now)[1]
            entries = [
                log_texts.account_removed(
                    sequence,
                    account,
                    _rest(unit, sequence, account.id),
                    sequence.stranded.kind is StrandedKind.MOVE_AFTER,
                    now,
                )
                for sequence in _using(unit, account.id)
            ]
            if entries:
                happened.append(events.LogAdded(tuple(unit.log.add(entries))))
            unit.accounts.remove(account.id)
            unit.commit()
        self._queries.forget(account.id)
        self._bus.publish([events.AccountRemoved(account.id, account.address), *happened])

    def vault_fault(self, cause: Cause | None) -> None:
        """Open or close the one fault that tells of the vault. None: the vault is open."""
        now = self._clock.now()
        happened: list[events.Event] = []
        with self._store.begin() as unit:
            for fault in unit.app_faults.open():
                if fault.key.startswith(_VAULT) and (cause is None or fault.cause is not cause):
                    happened += self._close_fault(unit, fault, now, over=cause is None)
            if cause is not None:
                happened += self._open_fault(unit, f"{_VAULT}:{cause}", cause, None, None, now)
            unit.commit()
        self._bus.publish(happened)

    @staticmethod
    def _entries(
        unit: UnitOfWork,
        before: Account | None,
        after: Account,
        opened: Episode | None,
        now: datetime,
    ) -> list[LogEntry]:
        """What the logs of the sequences that are on and send from it say of it.

        Once when it goes out, once when it is proven back.
        """
        if before is None or (before.state, before.cause) == (after.state, after.cause):
            return []
        entries = []
        for sequence in _using(unit, after.id):
            last = unit.log.last(sequence.id, _OUT_OR_BACK, after.address)
            if after.state not in CAN_SEND:
                if before.state in CAN_SEND or (opened is not None and opened.is_red):
                    rest = _rest(unit, sequence, after.id)
                    key = opened.id if opened else None
                    entries.append(log_texts.account_out(sequence.id, after, rest, key, now))
            elif _is_proven(after) and last is not None and last.kind is LogKind.ACCOUNT_OUT:
                entries.append(log_texts.account_back(sequence.id, after, last.key, now))
        return entries

    def _episodes(
        self,
        unit: UnitOfWork,
        after: Account,
        closed: Episode | None,
        opened: Episode | None,
        entries: list[LogEntry],
        now: datetime,
    ) -> list[events.Event]:
        happened: list[events.Event] = []
        told = None
        if closed is not None:
            unit.episodes.close(closed)
            happened.append(events.EpisodeClosed(closed, after))
            told, withdrawn = self._announcer.withdraw(unit, closed.id, now)
            happened += withdrawn
        if opened is not None:
            unit.episodes.add(opened)
            happened.append(events.EpisodeOpened(opened, after))
        for notice in news.about_episode(
            after,
            closed,
            opened,
            told is not None,
            now,
            self._new_id,
            other_accounts=self._wants().other_accounts,
            zone=self._announcer.zone() if opened is not None else UTC,
        ):
            # The newest of them is the one to which the bell leads later too.
            about = [entry.sequence_id for entry in entries if entry.key == notice.key]
            happened += self._announcer.tell(unit, notice, about[-1] if about else None, over=told)
        return happened

    def _disuse(
        self, unit: UnitOfWork, before: Account | None, after: Account, now: datetime
    ) -> list[events.Event]:
        """What is told of a grant that is about to end of disuse, which is in no episode of its own.

        The account is paused, or its trouble is what keeps it from being used.
        """
        was, ends = before is not None and _ends_unused(before), _ends_unused(after)
        if was == ends:
            return []
        key = _disuse_key(after)
        if not ends:
            return self._announcer.withdraw(unit, key, now)[1]
        return self._announcer.tell(
            unit, news.about_disuse(after, key, now, self._new_id, self._announcer.zone())
        )

    def _faults(self, unit: UnitOfWork, after: Account, proven: bool, now: datetime) -> list[events.Event]:
        happened: list[events.Event] = []
        if proven:
            for fault in unit.app_faults.open():
                if fault.provider is after.provider:
                    happened += self._close_fault(unit, fault, now, over=True)
        elif is_app_level(after) and after.state is State.BLOCKED:
            assert after.cause is not None
            key = f"{after.provider}:{after.cause}"
            happened += self._open_fault(unit, key, after.cause, after.provider, after.provider_error, now)
        return happened

    def _open_fault(
        self,
        unit: UnitOfWork,
        key: str,
        cause: Cause,
        provider: Provider | None,
        provider_error: str | None,
        now: datetime,
    ) -> list[events.Event]:
        if any(fault.key == key for fault in unit.app_faults.open()):
            return []
        hit = unit.accounts.count(provider)
        fault = AppFault(key, provider, cause, provider_error, now, hit)
        unit.app_faults.put(fault)
        notice = news.about_fault(key, cause, provider, now, self._new_id, over=False)
        return [events.AppFaultOpened(fault), *self._announcer.tell(unit, notice)]

    def _close_fault(
        self, unit: UnitOfWork, fault: AppFault, now: datetime, *, over: bool
    ) -> list[events.Event]:
        """The fault goes; `over`: because all is well again, and not because another is in its place."""
        unit.app_faults.remove(fault.key)
        told, withdrawn = self._announcer.withdraw(unit, fault.key, now)
        happened: list[events.Event] = [events.AppFaultClosed(fault), *withdrawn]
        if told is not None and over:
            notice = news.about_fault(fault.key, fault.cause, fault.provider, now, self._new_id, over=True)
            happened += self._announcer.tell(unit, notice, over=told)
        return happened


def _using(unit: UnitOfWork, account_id: str) -> list[MailSequence]:
    found = [unit.sequences.get(sequence_id) for sequence_id in unit.sequences.using(account_id)]
    return [sequence for sequence in found if sequence is not None]


def _rest(unit: UnitOfWork, sequence: MailSequence, out: str) -> Rest:
    """The sequence's other accounts that can send."""
    able = set(unit.accounts.ids(states=tuple(CAN_SEND)))
    others = [account_id for account_id in sequence.accounts if account_id != out and account_id in able]
    found = [unit.accounts.get(account_id) for account_id in others[: log_texts.NAMED]]
    return Rest(tuple(account.address for account in found if account is not None), len(others))


def _ends_unused(account: Account) -> bool:
    return account.deadline_cause is Cause.IDLE_ENDS and not account.needs_person


def _disuse_key(account: Account) -> str:
    """The key of the news that the account's grant is about to end of disuse."""
    return f"{Cause.IDLE_ENDS}:{account.id}"


def _is_proven(account: Account) -> bool:
    """Whether the provider said so: passing trouble, or a grant not tried yet, prove nothing."""
    return account.cause is None or CAUSES[account.cause].kind in (OutcomeKind.OK, OutcomeKind.WARNING)


_OUT_OR_BACK = (LogKind.ACCOUNT_OUT, LogKind.ACCOUNT_BACK)
