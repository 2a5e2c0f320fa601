"""Sequences of one unit of work: their plans, their accounts, and the log that tells of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Text, bindparam, literal_column, select
from sqlalchemy.dialects.sqlite import insert

from reply_desktop.adapters.store import sequence_records as records
from reply_desktop.adapters.store import sequence_tables as tables
from reply_desktop.adapters.store.repositories import is_among, listed
from reply_desktop.adapters.store.sql import Runner, Statement, known_time, to_us
from reply_desktop.domain.errors import AlreadyExists, NotFound
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence import SequenceStatus, Step
from reply_desktop.services.sequence_ports import Stamp

_sequences = tables.sequences.c
_steps = tables.steps.c
_senders = tables.sequence_accounts.c
_log = tables.log.c


class _Sequence:
    get = Statement(select(*records.SEQUENCE).where(_sequences.id == bindparam("id"), tables.is_there))
    stamp = Statement(
        select(_sequences.status, _sequences.revision, _sequences.problem).where(
            _sequences.id == bindparam("id"), tables.is_there
        )
    )
    find = Statement(select(*records.SEQUENCE).where(_sequences.name_key == bindparam("key")))
    all = Statement(select(*records.SEQUENCE).where(tables.is_there).order_by(_sequences.name_key))
    on = Statement(select(*records.SEQUENCE).where(tables.is_on).order_by(_sequences.name_key))
    add = Statement(tables.sequences.insert())
    save = Statement(
        tables.sequences.update()
        .where(_sequences.id == bindparam("to_id"), tables.is_there)
        .values({column.name: bindparam("to_" + column.name) for column in _sequences if column.name != "id"})
    )
    remove = Statement(
        tables.sequences.update()
        .where(_sequences.id == bindparam("the_id"))
        .values(
            status=tables.REMOVED,
            name="",
            sender_name="",
            problem=None,
            # Nobody's name: none begins with a control character.
            name_key=literal_column("char(1)", Text) + _sequences.id,
        )
    )
    remove_parts = tuple(
        Statement(table.delete().where(table.c.sequence_id == bindparam("id")))
        for table in (tables.steps, tables.sequence_accounts, tables.sequence_fields, tables.imports)
    )
    steps = Statement(
        select(*records.STEP).where(is_among(_steps.sequence_id, "ids")).order_by(_steps.number)
    )
    add_step = Statement(tables.steps.insert())
    remove_steps = Statement(tables.steps.delete().where(_steps.sequence_id == bindparam("id")))
    accounts = Statement(
        select(_senders.sequence_id, _senders.account_id)
        .where(is_among(_senders.sequence_id, "ids"))
        .order_by(_senders.position)
    )
    _sender = insert(tables.sequence_accounts)
    put_account = Statement(
        _sender.on_conflict_do_update(
            index_elements=[_senders.sequence_id, _senders.account_id],
            set_={"position": _sender.excluded.position},
        )
    )
    remove_accounts = Statement(
        tables.sequence_accounts.delete().where(
            _senders.sequence_id == bindparam("id"), ~is_among(_senders.account_id, "kept")
        )
    )
    using = Statement(
        select(_senders.sequence_id)
        .join_from(tables.sequence_accounts, tables.sequences, _sequences.id == _senders.sequence_id)
        .where(_senders.account_id == bindparam("account_id"), tables.is_on)
        .order_by(_sequences.name_key)
    )
    last_assigned = Statement(
        select(_senders.account_id, _senders.last_assigned_at).where(
            _senders.sequence_id == bindparam("id"), _senders.last_assigned_at.is_not(None)
        )
    )
    assign = Statement(
        tables.sequence_accounts.update()
        .where(_senders.sequence_id == bindparam("the_id"), _senders.account_id == bindparam("the_account"))
        .values(last_assigned_at=bindparam("at"))
    )


class SqliteSequences:
    """Sequences with their steps and the ids of their accounts."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._loaded: dict[str, MailSequence] = {}

    def get(self, sequence_id: str) -> MailSequence | None:
        """The sequence, or None."""
        return next(iter(self._whole(self._runner.rows(_Sequence.get, id=sequence_id))), None)

    def stamp(self, sequence_id: str) -> Stamp | None:
        """What tells whether it was changed since it was read, without reading its steps and accounts."""
        rows = self._runner.rows(_Sequence.stamp, id=sequence_id)
        if not rows:
            return None
        status, revision, problem = rows[0]
        return SequenceStatus(status), revision, records.problem_of(problem)

    def find(self, name: str) -> MailSequence | None:
        """By name, without regard to case."""
        rows = self._runner.rows(_Sequence.find, key=records.name_key(name))
        return next(iter(self._whole(rows)), None)

    def all(self) -> list[MailSequence]:
        """All of them, by name."""
        return self._whole(self._runner.rows(_Sequence.all))

    def on(self) -> list[MailSequence]:
        """Those scheduled or running, by name."""
        return self._whole(self._runner.rows(_Sequence.on))

    def add(self, sequence: MailSequence) -> None:
        """Keep a new one. Raises AlreadyExists for a name that is taken, NotFound for a missing account."""
        try:
            self._runner.change(_Sequence.add, **records.sequence_values(sequence))
        except AlreadyExists:
            raise _taken(sequence) from None
        self._put_steps(sequence)
        self._put_accounts(sequence)
        self._loaded[sequence.id] = sequence

    def save(self, sequence: MailSequence) -> None:
        """Keep settings, accounts and steps as given. A step that is missing is gone; its touches stay.

        Raises NotFound when the sequence or an account of it is gone, AlreadyExists for a name that is taken.
        """
        values = {"to_" + name: value for name, value in records.sequence_values(sequence).items()}
        try:
            changed = self._runner.change(_Sequence.save, **values)
        except AlreadyExists:
            raise _taken(sequence) from None
        if not changed:
            raise NotFound(f"The sequence “{sequence.name}” is not there any more.")
        before = self._loaded.get(sequence.id)
        if before is None or before.steps != sequence.steps:
            self._runner.change(_Sequence.remove_steps, id=sequence.id)
            self._put_steps(sequence)
        if before is None or before.accounts != sequence.accounts:
            self._runner.change(_Sequence.remove_accounts, id=sequence.id, kept=listed(sequence.accounts))
            self._put_accounts(sequence)
        self._loaded[sequence.id] = sequence

    def remove(self, sequence_id: str) -> None:
        """Forget it; one that is not there is forgotten already.

        From then on nobody sees its enrollments, touches and log either; `SqliteLeftovers` clears them.
        """
        self._runner.change(_Sequence.remove, the_id=sequence_id)
        for statement in _Sequence.remove_parts:
            self._runner.change(statement, id=sequence_id)
        self._loaded.pop(sequence_id, None)

    def using(self, account_id: str) -> list[str]:
        """Ids of the sequences that are on and send from this account, by name."""
        return self._runner.column(_Sequence.using, account_id=account_id)

    def last_assigned(self, sequence_id: str) -> Mapping[str, datetime]:
        """Account id → when it last got a new prospect of this sequence."""
        rows = self._runner.rows(_Sequence.last_assigned, id=sequence_id)
        return {account_id: known_time(at) for account_id, at in rows}

    def assign(self, sequence_id: str, account_id: str, at: datetime) -> None:
        """Note that the account got a new prospect of this sequence."""
        self._runner.change(_Sequence.assign, the_id=sequence_id, the_account=account_id, at=to_us(at))

    def _put_steps(self, sequence: MailSequence) -> None:
        self._runner.change_many(
            _Sequence.add_step, [records.step_values(sequence.id, step) for step in sequence.steps]
        )

    def _put_accounts(self, sequence: MailSequence) -> None:
        self._runner.change_many(
            _Sequence.put_account,
            [
                {
                    "sequence_id": sequence.id,
                    "account_id": account_id,
                    "position": position,
                    "last_assigned_at": None,
                }
                for position, account_id in enumerate(sequence.accounts)
            ],
        )

    def _whole(self, rows: Sequence[Sequence[Any]]) -> list[MailSequence]:
        if not rows:
            return []
        ids = listed(row[0] for row in rows)
        accounts: dict[str, list[str]] = defaultdict(list)
        for sequence_id, account_id in self._runner.rows(_Sequence.accounts, ids=ids):
            accounts[sequence_id].append(account_id)
        steps: dict[str, list[Step]] = defaultdict(list)
        for row in self._runner.rows(_Sequence.steps, ids=ids):
            steps[row[0]].append(records.step_of(row))
        found = [records.sequence_of(row, accounts[row[0]], steps[row[0]]) for row in rows]
        self._loaded |= {one.id: one for one in found}
        return found


def _taken(sequence: MailSequence) -> AlreadyExists:
    return AlreadyExists(f"There is a sequence “{sequence.name}” already.", "Choose another name.")


class _Log:
    add = Statement(tables.log.insert())
    _of_kind = (
        select(*records.LOG)
        .where(_log.sequence_id == bindparam("sequence_id"), _log.kind == bindparam("kind"), tables.is_told)
        .order_by(_log.id.desc())
        .limit(1)
    )
    last = Statement(_of_kind)
    last_of_account = Statement(_of_kind.where(_log.account == bindparam("account")))
    of_key = Statement(
        select(*records.LOG).where(_log.key == bindparam("key"), tables.is_told).order_by(_log.id)
    )


class SqliteLog:
    """What Log tabs say."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def add(self, entries: Iterable[LogEntry]) -> list[LogEntry]:
        """Keep entries; gives them with their ids. Raises NotFound when the sequence is gone."""
        try:
            return [
                replace(entry, id=self._runner.add(_Log.add, id=None, **records.entry_values(entry)))
                for entry in entries
            ]
        except NotFound:
            raise NotFound("The sequence is not there any more.") from None

    def last(
        self, sequence_id: str, kinds: Collection[LogKind], account: str | None = None
    ) -> LogEntry | None:
        """The newest of these kinds (and this account's address)."""
        statement = _Log.last if account is None else _Log.last_of_account
        found = [
            records.entry_of(row)
            for kind in kinds
            for row in self._runner.rows(statement, sequence_id=sequence_id, kind=kind.value, account=account)
        ]
        return max(found, key=lambda entry: entry.id, default=None)

    def of_key(self, key: str) -> list[LogEntry]:
        """The newest entry of each sequence with this key, oldest first."""
        newest = {
            entry.sequence_id: entry
            for entry in map(records.entry_of, self._runner.rows(_Log.of_key, key=key))
        }
        return sorted(newest.values(), key=lambda entry: entry.id)
