"""Repositories: the nouns of one unit of work, loaded and saved by statements that are built once."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, bindparam, case, cast, func, select
from sqlalchemy.dialects.sqlite import insert

from reply_desktop.adapters.store import records, sequence_tables, tables
from reply_desktop.adapters.store.sql import Runner, Statement, known_time, to_us
from reply_desktop.domain.account import Account
from reply_desktop.domain.address import mailbox_key
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.episode import Ending, Episode
from reply_desktop.domain.errors import AlreadyExists, NotFound
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AppFault
from reply_desktop.domain.states import Color, State

_accounts = tables.accounts.c
_senders = sequence_tables.sequence_accounts.c
_grants = tables.grants.c
_episodes = tables.episodes.c
_faults = tables.app_faults.c
_settings = tables.settings.c


def is_among(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Whether the column's value is in a JSON list given as one parameter: one statement for any length."""
    return column.in_(select(func.json_each(bindparam(parameter)).table_valued("value").c.value))


def listed(values: Iterable[str] | Iterable[int]) -> str:
    """The parameter for `is_among`."""
    return json.dumps([*values])


SHARE: Final = "share_of"
"""SQL function of the connection: a text's own share of an interval, in [0, 1), the same at every call."""

_NEW_DUE: ColumnElement[int] = bindparam("now") + cast(
    func.share_of(_accounts.id) * bindparam("spread"), Integer
)


class _Account:
    get = Statement(select(*records.ACCOUNT).where(_accounts.id == bindparam("id")))
    find = Statement(
        select(*records.ACCOUNT)
        .where(
            _accounts.address_key == bindparam("key"),
            _accounts.provider == func.coalesce(bindparam("provider"), _accounts.provider),
        )
        .order_by(_accounts.created_at)
        .limit(1)
    )
    add = Statement(tables.accounts.insert())
    remove = Statement(tables.accounts.delete().where(_accounts.id == bindparam("id")))
    ids = Statement(select(_accounts.id).order_by(_accounts.address_key))
    ids_in = Statement(
        select(_accounts.id).where(is_among(_accounts.state, "states")).order_by(_accounts.address_key)
    )
    due = Statement(
        select(_accounts.id)
        .where(_accounts.next_check_at <= bindparam("now"))
        .order_by(_accounts.next_check_at)
        .limit(bindparam("limit"))
    )
    next_due = Statement(
        select(func.min(_accounts.next_check_at)).where(_accounts.next_check_at.is_not(None))
    )
    stale = Statement(
        select(_accounts.id)
        .where(
            _accounts.state == State.CONNECTED.value,
            (_accounts.proven_at < bindparam("before")) | _accounts.proven_at.is_(None),
        )
        .limit(bindparam("limit"))
    )
    make_due = Statement(
        tables.accounts.update()
        .where(
            _accounts.next_check_at.is_not(None),
            is_among(_accounts.state, "states"),
            # A provider that asked to wait is let wait.
            func.coalesce(_accounts.cause, "") != Cause.THROTTLED.value,
        )
        .values(
            next_check_at=case(
                (
                    _accounts.next_check_at > bindparam("now"),
                    func.min(_accounts.next_check_at, _NEW_DUE),
                ),
                else_=_NEW_DUE,
            )
        )
    )
    count = Statement(select(func.count()).select_from(tables.accounts))
    count_of = Statement(
        select(func.count()).select_from(tables.accounts).where(_accounts.provider == bindparam("provider"))
    )
    used = Statement(
        select(_senders.account_id)
        .join_from(
            sequence_tables.sequence_accounts,
            sequence_tables.sequences,
            sequence_tables.sequences.c.id == _senders.sequence_id,
        )
        .where(_senders.account_id == bindparam("account_id"), sequence_tables.is_on)
        .limit(1)
    )


@cache
def _update(fields: tuple[str, ...]) -> Statement:
    """Writes these columns only, so that indices of the others are left alone: less than half the time."""
    values: dict[str, ColumnElement[object]] = {name: bindparam("to_" + name) for name in fields}
    if "address" in fields:
        values["address_key"] = bindparam("to_address_key")
    if "granted_at" in fields:
        values["first_granted_at"] = func.coalesce(_accounts.first_granted_at, bindparam("to_granted_at"))
    return Statement(tables.accounts.update().where(_accounts.id == bindparam("to_id")).values(values))


class SqliteAccounts:
    """Stored accounts. Remembers what it loaded, to write only what has changed."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._loaded: dict[str, Account] = {}

    def get(self, account_id: str) -> Account | None:
        """The account, or None."""
        return self._first(self._runner.rows(_Account.get, id=account_id))

    def find(self, address: str, provider: Provider | None = None) -> Account | None:
        """The account of this mailbox (see `same_mailbox`); the oldest where several providers have it."""
        return self._first(self._runner.rows(_Account.find, key=mailbox_key(address), provider=provider))

    def add(self, account: Account) -> None:
        """Keep a new account. Raises AlreadyExists when the provider's mailbox has one."""
        values = records.account_values(account)
        try:
            self._runner.change(_Account.add, **values, first_granted_at=values["granted_at"])
        except AlreadyExists:
            raise AlreadyExists(f"{account.address} is there already.") from None
        self._loaded[account.id] = account

    def save(self, account: Account) -> None:
        """Keep an account's change. Raises NotFound when it is gone, AlreadyExists for a taken address."""
        before = self._loaded.get(account.id)
        if before is account:
            return
        fields = records.ACCOUNT_FIELDS if before is None else records.changed_fields(before, account)
        if fields:
            values = {"to_" + name: value for name, value in records.account_values(account, fields).items()}
            values["to_id"] = account.id
            try:
                changed = self._runner.change(_update(fields), **values)
            except AlreadyExists:
                raise AlreadyExists(f"{account.address} is there already.") from None
            if not changed:
                raise NotFound(f"{account.address} is not there any more.")
        self._loaded[account.id] = account

    def remove(self, account_id: str) -> None:
        """Forget the account with its grant and episodes; one that is not there is forgotten already."""
        self._runner.change(_Account.remove, id=account_id)
        self._loaded.pop(account_id, None)

    def ids(self, *, states: Sequence[State] = ()) -> list[str]:
        """Ids of the accounts in these states, by address; empty means all."""
        if not states:
            return self._runner.column(_Account.ids)
        return self._runner.column(_Account.ids_in, states=listed(states))

    def due(self, now: datetime, limit: int) -> list[str]:
        """Ids of accounts whose next check is due, the longest waiting first."""
        return self._runner.column(_Account.due, now=to_us(now), limit=limit)

    def next_due_at(self) -> datetime | None:
        """When the next account is due, if any."""
        ((us,),) = self._runner.rows(_Account.next_due)
        return None if us is None else known_time(us)

    def stale(self, proven_before: datetime, limit: int) -> list[str]:
        """Ids of connected accounts whose proof is older than that."""
        return self._runner.column(_Account.stale, before=to_us(proven_before), limit=limit)

    def make_due(self, now: datetime, *, states: Sequence[State], spread_s: float = 0.0) -> int:
        """Make all accounts in these states due within `spread_s`, each at its own share of it.

        Nobody's check is put off, but overdue ones are spread too. An account without a next check is left
        alone (only a person can make its check useful, `domain.timing`), and so is one whose provider asked
        to wait. Gives how many are due.
        """
        self._loaded.clear()
        return self._runner.change(
            _Account.make_due, now=to_us(now), spread=round(spread_s * 1_000_000), states=listed(states)
        )

    def count(self, provider: Provider | None = None) -> int:
        """How many accounts there are, of this provider or in all."""
        ((count,),) = (
            self._runner.rows(_Account.count)
            if provider is None
            else self._runner.rows(_Account.count_of, provider=provider)
        )
        return int(count)

    def is_used(self, account_id: str) -> bool:
        """Whether a sequence that is on sends from this account."""
        return bool(self._runner.rows(_Account.used, account_id=account_id))

    def _first(self, rows: Sequence[Sequence[object]]) -> Account | None:
        if not rows:
            return None
        account = records.account_of(rows[0])
        self._loaded[account.id] = account
        return account


class _Grant:
    get = Statement(
        select(_grants.generation, _grants.sealed).where(_grants.account_id == bindparam("account_id"))
    )
    _new = insert(tables.grants)
    put = Statement(
        _new.on_conflict_do_update(
            index_elements=[_grants.account_id],
            set_={"generation": _new.excluded.generation, "put_at": _new.excluded.put_at}
            | {"sealed": _new.excluded.sealed},
            where=_new.excluded.generation >= _grants.generation,
        )
    )
    any = Statement(select(_grants.sealed).order_by(_grants.put_at.desc()).limit(1))


class SqliteGrants:
    """Sealed credentials by account."""

    def __init__(self, runner: Runner, now: datetime) -> None:
        self._runner = runner
        self._now = now

    def get(self, account_id: str) -> tuple[int, bytes] | None:
        """(generation, sealed) or None."""
        rows = self._runner.rows(_Grant.get, account_id=account_id)
        return rows[0] if rows else None

    def put(self, account_id: str, generation: int, sealed: bytes) -> None:
        """Keep a grant in the place of the last. One of an older generation than the stored is dropped.

        Raises NotFound when the account is gone.
        """
        self._runner.change(
            _Grant.put, account_id=account_id, generation=generation, sealed=sealed, put_at=to_us(self._now)
        )

    def any(self) -> bytes | None:
        """The sealed value that was put last: after a new key was made, the first to tell of it."""
        rows = self._runner.rows(_Grant.any)
        return rows[0][0] if rows else None


class _Episode:
    open_of = Statement(
        select(*records.EPISODE).where(
            _episodes.account_id == bindparam("account_id"), _episodes.ended_at.is_(None)
        )
    )
    of_grants = Statement(
        select(*records.EPISODE)
        .where(
            _episodes.account_id == bindparam("account_id"),
            (_episodes.color == Color.RED.value) | (_episodes.ending == Ending.RECONNECTED.value),
        )
        .order_by(_episodes.started_at.desc())
        .limit(bindparam("limit"))
    )
    add = Statement(tables.episodes.insert())
    close = Statement(
        tables.episodes.update()
        .where(_episodes.id == bindparam("the_id"))
        .values(ended_at=bindparam("at"), ending=bindparam("how"))
    )


class SqliteEpisodes:
    """Stretches of trouble; at most one open for each account."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def open_of(self, account_id: str) -> Episode | None:
        """The account's open episode, if any."""
        rows = self._runner.rows(_Episode.open_of, account_id=account_id)
        return records.episode_of(rows[0]) if rows else None

    def of_grants(self, account_id: str, limit: int = 50) -> list[Episode]:
        """The account's newest red episodes and those a sign-in ended, oldest first."""
        rows = self._runner.rows(_Episode.of_grants, account_id=account_id, limit=limit)
        return [records.episode_of(row) for row in reversed(rows)]

    def add(self, episode: Episode) -> None:
        """Keep a new episode. Raises AlreadyExists while another of the account is open."""
        self._runner.change(_Episode.add, **records.episode_values(episode))

    def close(self, episode: Episode) -> None:
        """Keep the episode's end. Raises NotFound when it is not there."""
        values = records.episode_values(episode)
        if not self._runner.change(
            _Episode.close, the_id=episode.id, at=values["ended_at"], how=values["ending"]
        ):
            raise NotFound("That episode is not there any more.")


class _Fault:
    all = Statement(select(*records.FAULT).order_by(_faults.since, _faults.key))
    _new = insert(tables.app_faults)
    put = Statement(
        _new.on_conflict_do_update(
            index_elements=[_faults.key],
            set_={column.name: column for column in _new.excluded if column.name != "key"},
        )
    )
    remove = Statement(tables.app_faults.delete().where(_faults.key == bindparam("key")))


class SqliteAppFaults:
    """Open troubles of app registrations and the vault, by key."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def open(self) -> list[AppFault]:
        """All of them, the oldest first."""
        return [records.fault_of(row) for row in self._runner.rows(_Fault.all)]

    def put(self, fault: AppFault) -> None:
        """Keep a fault, in the place of the one with its key."""
        self._runner.change(_Fault.put, **records.fault_values(fault))

    def remove(self, key: str) -> None:
        """Forget a fault."""
        self._runner.change(_Fault.remove, key=key)


class _Setting:
    get = Statement(select(_settings.value).where(_settings.name == bindparam("name")))
    starting = Statement(
        select(_settings.name, _settings.value)
        .where(_settings.name >= bindparam("first"), _settings.name < bindparam("beyond"))
        .order_by(_settings.name)
    )
    _new = insert(tables.settings)
    put = Statement(
        _new.on_conflict_do_update(index_elements=[_settings.name], set_={"value": _new.excluded.value})
    )
    remove = Statement(tables.settings.delete().where(_settings.name == bindparam("name")))


class SqliteSettings:
    """Small named values (JSON text)."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def get(self, name: str) -> str | None:
        """The value, or None."""
        rows = self._runner.rows(_Setting.get, name=name)
        return rows[0][0] if rows else None

    def starting(self, prefix: str) -> dict[str, str]:
        """All whose names begin so, by name."""
        rows = self._runner.rows(_Setting.starting, first=prefix, beyond=f"{prefix}\U0010ffff")
        return dict(rows)

    def put(self, name: str, value: str) -> None:
        """Keep a value."""
        self._runner.change(_Setting.put, name=name, value=value)

    def remove(self, name: str) -> None:
        """Forget a value."""
        self._runner.change(_Setting.remove, name=name)
