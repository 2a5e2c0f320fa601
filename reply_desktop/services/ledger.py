"""Writes an account's change with all that follows from it, in one commit, and tells the bus afterwards."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from reply_desktop.domain import episode, events, notification
from reply_desktop.domain.account import Account, is_app_level
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.notification import Notification, NotificationKind, Preferences
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AppFault, NotificationRow
from reply_desktop.domain.states import State
from reply_desktop.services.bus import Bus
from reply_desktop.services.ports import Clock, Store, UnitOfWork
from reply_desktop.services.queries import Queries

_VAULT = "vault"


class Ledger:
    """The one place where accounts change in the database.

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
    ) -> None:
        self._store = store
        self._queries = queries
        self._bus = bus
        self._clock = clock
        self._new_id = new_id
        self._wants = wants

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
        happened += self._episodes(unit, after, now)
        happened += self._faults(unit, after, proven, now)
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
            open_episode = unit.episodes.open_of(account.id)
            if open_episode is not None:
                happened += self._withdraw(unit, open_episode.id, self._clock.now())
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
                    happened += self._close_fault(unit, fault, now)
            if cause is not None:
                happened += self._open_fault(unit, f"{_VAULT}:{cause}", cause, None, None, now)
            unit.commit()
        self._bus.publish(happened)

    def _episodes(self, unit: UnitOfWork, after: Account, now: datetime) -> list[events.Event]:
        open_episode = unit.episodes.open_of(after.id)
        closed, opened = episode.follow(open_episode, after, now, self._new_id())
        happened: list[events.Event] = []
        told = False
        if closed is not None:
            unit.episodes.close(closed)
            happened.append(events.EpisodeClosed(closed, after))
            withdrawn = self._withdraw(unit, closed.id, now)
            told = bool(withdrawn)
            happened += withdrawn
        if opened is not None:
            unit.episodes.add(opened)
            happened.append(events.EpisodeOpened(opened, after))
        for notice in notification.about_episode(
            after, closed, opened, told, self._wants(), now, self._new_id
        ):
            happened.append(self._tell(unit, notice))
        return happened

    def _faults(self, unit: UnitOfWork, after: Account, proven: bool, now: datetime) -> list[events.Event]:
        happened: list[events.Event] = []
        if proven:
            for fault in unit.app_faults.open():
                if fault.provider is after.provider:
                    happened += self._close_fault(unit, fault, now)
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
        notice = notification.about_fault(key, cause, provider, now, self._new_id, over=False)
        return [events.AppFaultOpened(fault), self._tell(unit, notice)]

    def _close_fault(self, unit: UnitOfWork, fault: AppFault, now: datetime) -> list[events.Event]:
        unit.app_faults.remove(fault.key)
        told = self._withdraw(unit, fault.key, now)
        happened: list[events.Event] = [events.AppFaultClosed(fault), *told]
        if told and self._wants().recovery:
            notice = notification.about_fault(
                fault.key, fault.cause, fault.provider, now, self._new_id, over=True
            )
            happened.append(self._tell(unit, notice))
        return happened

    def _withdraw(self, unit: UnitOfWork, key: str, now: datetime) -> list[events.Event]:
        told = unit.notifications.of_key(key)
        if told is None or told.withdrawn_at is not None or told.kind not in _TROUBLE:
            return []
        unit.notifications.withdraw(told.id, now)
        return [events.NotificationWithdrawn(told.id, key)]

    @staticmethod
    def _tell(unit: UnitOfWork, notice: Notification) -> events.NotificationRaised:
        if notice.kind not in _TROUBLE:
            notice = replace(notice, withdrawn_at=notice.at)
        unit.notifications.add(notice)
        return events.NotificationRaised(
            NotificationRow(
                notice.id,
                notice.key,
                notice.kind,
                notice.severity,
                notice.title,
                notice.text,
                notice.at,
                notice.account_id,
                read=False,
                withdrawn=notice.withdrawn_at is not None,
            )
        )


_TROUBLE = frozenset({NotificationKind.ACCOUNT_LOST, NotificationKind.APP_FAULT})
