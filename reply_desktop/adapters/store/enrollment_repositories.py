"""Prospects and their places in sequences, and the addresses never written to, of one unit of work."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, bindparam, exists, func, literal_column, select
from sqlalchemy.dialects.sqlite import insert

from reply_desktop.adapters.store import sequence_records as records
from reply_desktop.adapters.store import sequence_tables as tables
from reply_desktop.adapters.store.repositories import is_among, listed
from reply_desktop.adapters.store.sql import Runner, Statement, known_time, storable, to_time, to_us
from reply_desktop.domain.address import mailbox_key
from reply_desktop.domain.enrollment import Enrollment, EnrollmentState, FinishReason
from reply_desktop.domain.errors import AlreadyExists, NotFound
from reply_desktop.domain.prospect import Prospect, Suppression
from reply_desktop.domain.touch import TouchState
from reply_desktop.services.sequence_ports import BegunImport

_MANY: Final = 10_000
"""How many addresses or ids go into one parameter."""

_prospects = tables.prospects.c
_enrollments = tables.enrollments.c
_touches = tables.touches.c
_suppressions = tables.suppressions.c
_imports = tables.imports.c
_new_fields = tables.import_fields.c

T = TypeVar("T")


def _in_parts(values: Collection[T]) -> Iterator[list[T]]:
    every = [*values]
    for start in range(0, len(every), _MANY):
        yield every[start : start + _MANY]


class _Prospect:
    get = Statement(select(*records.PROSPECT).where(_prospects.id == bindparam("id")))
    keys = Statement(select(_prospects.id, _prospects.email_key).where(is_among(_prospects.id, "ids")))
    known = Statement(
        select(_prospects.email_key, *records.PROSPECT).where(is_among(_prospects.email_key, "keys"))
    )
    _new = insert(tables.prospects)
    put = Statement(
        _new.on_conflict_do_update(index_elements=[_prospects.id], set_={"fields": _new.excluded.fields})
    )
    _field = func.json_each(_prospects.fields).table_valued("key").alias("field")
    note_fields = Statement(
        insert(tables.sequence_fields)
        .from_select(
            ["sequence_id", "name"],
            select(_enrollments.sequence_id, _field.c.key)
            .select_from(tables.enrollments, tables.prospects, _field)
            .where(is_among(_enrollments.prospect_id, "ids"), _prospects.id == _enrollments.prospect_id)
            .distinct(),
        )
        .on_conflict_do_nothing()
    )


class SqliteProspects:
    """Persons written to, one for each mail address."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def get(self, prospect_id: str) -> Prospect | None:
        """The prospect, or None."""
        rows = self._runner.rows(_Prospect.get, id=prospect_id)
        return records.prospect_of(rows[0]) if rows else None

    def find(self, email: str) -> Prospect | None:
        """The prospect of this mailbox (see `same_mailbox`)."""
        return self.known((email,)).get(mailbox_key(email))

    def known(self, emails: Collection[str]) -> Mapping[str, Prospect]:
        """Those of these addresses that are there, by `mailbox_key`."""
        return {
            row[0]: records.prospect_of(row[1:])
            for part in _in_parts(emails)
            for row in self._runner.rows(_Prospect.known, keys=listed(map(mailbox_key, part)))
        }

    def put_many(self, prospects: Sequence[Prospect]) -> None:
        """Keep these; one that is there (same id) gets the new fields.

        Raises AlreadyExists when another prospect has the address.
        """
        try:
            self._runner.change_many(_Prospect.put, map(records.prospect_values, prospects))
        except AlreadyExists:
            raise AlreadyExists("One of these addresses is another prospect's already.") from None
        note_fields(self._runner, [one.id for one in prospects])


def note_fields(runner: Runner, prospect_ids: Collection[str]) -> None:
    """Let the sequences these prospects are in know of their merge fields."""
    for part in _in_parts(prospect_ids):
        runner.change(_Prospect.note_fields, ids=listed(part))


_IS_ACTIVE: Final = tables.is_in(EnrollmentState.ACTIVE)
_OF_SEQUENCE: Final = _enrollments.sequence_id == bindparam("sequence_id")
_IS_DUE: Final = _enrollments.due_at <= bindparam("now")
_FIRST_HIDDEN: Final = select(_imports.first_ordinal).where(_imports.sequence_id == bindparam("sequence_id"))
# `tables.is_shown` of one sequence, as a bound that an index serves: there is none while nothing is hidden.
_IS_SHOWN: Final = _enrollments.ordinal < func.coalesce(
    _FIRST_HIDDEN.scalar_subquery(), literal_column(str(2**63 - 1))
)
_FIXED: Final = ("id", "sequence_id", "prospect_id", "ordinal")
_VALUES: Final[dict[str, ColumnElement[Any]]] = {
    column.name: bindparam("to_" + column.name) for column in records.ENROLLMENT
}


def _has_touch(*states: TouchState) -> ColumnElement[bool]:
    return exists().where(
        _touches.enrollment_id == _enrollments.id, _touches.state.in_(tables.literals(states))
    )


class _Enrollment:
    _number = func.json_each(bindparam("numbers")).table_valued("key", "value").alias("number")
    get = Statement(select(*records.ENROLLMENT).where(_enrollments.id == bindparam("id"), tables.is_held))
    find = Statement(
        select(*records.ENROLLMENT).where(_OF_SEQUENCE, _enrollments.prospect_id == bindparam("prospect_id"))
    )
    add = Statement(
        tables.enrollments.insert().values(
            _VALUES
            | {
                "email_key": func.coalesce(
                    select(_prospects.email_key)
                    .where(_prospects.id == bindparam("to_prospect_id"))
                    .scalar_subquery(),
                    "",
                )
            }
        )
    )
    save = Statement(
        tables.enrollments.update()
        .where(_enrollments.id == bindparam("to_id"))
        .values({name: value for name, value in _VALUES.items() if name not in _FIXED})
    )
    enrolled = Statement(
        select(_enrollments.prospect_id).where(is_among(_enrollments.prospect_id, "ids"), _OF_SEQUENCE)
    )
    last_ordinal = Statement(select(func.coalesce(func.max(_enrollments.ordinal), 0)).where(_OF_SEQUENCE))
    next_pinned = Statement(
        select(*records.ENROLLMENT)
        .where(_OF_SEQUENCE, _enrollments.account_id == bindparam("account_id"), _IS_DUE)
        .order_by(_enrollments.due_at, _enrollments.ordinal)
        .limit(1)
    )
    next_unpinned = Statement(
        select(*records.ENROLLMENT)
        .where(_OF_SEQUENCE, _IS_SHOWN, tables.unpinned, _IS_DUE)
        .order_by(_enrollments.ordinal)
        .limit(1),
        by=tables.by_unpinned,
    )
    pinned_due_at = Statement(
        select(_enrollments.due_at)
        .where(
            _OF_SEQUENCE,
            _enrollments.account_id == bindparam("account_id"),
            _enrollments.due_at.is_not(None),
        )
        .order_by(_enrollments.due_at)
        .limit(1)
    )
    unpinned_due_at = Statement(
        select(_enrollments.due_at)
        .where(_OF_SEQUENCE, tables.unpinned)
        .order_by(_enrollments.due_at)
        .limit(1),
        by=tables.by_unpinned_due_at,
    )
    # By the index that holds the ordinal too: what is hidden may be much, and due before the rest.
    shown_unpinned_due_at = Statement(
        select(_enrollments.due_at)
        .where(_OF_SEQUENCE, _IS_SHOWN, tables.unpinned)
        .order_by(_enrollments.due_at)
        .limit(1),
        by=tables.by_due_at,
    )
    late = Statement(
        select(func.count()).select_from(tables.enrollments).where(_OF_SEQUENCE, _IS_SHOWN, _IS_DUE)
    )
    late_of = Statement(
        select(func.count())
        .select_from(tables.enrollments)
        .where(_OF_SEQUENCE, is_among(_enrollments.account_id, "account_ids"), _IS_DUE)
    )
    _stranded = (
        select(*records.ENROLLMENT)
        .where(
            _OF_SEQUENCE,
            _enrollments.account_id == bindparam("account_id"),
            _enrollments.due_at.is_not(None),
        )
        .order_by(_enrollments.due_at, _enrollments.ordinal)
        .limit(bindparam("limit"))
    )
    stranded = Statement(_stranded)
    stranded_unstarted = Statement(
        _stranded.where(_enrollments.done == 0, _enrollments.last_sent_at.is_(None))
    )
    _account = func.json_each(bindparam("account_ids")).table_valued("value").alias("account")
    # Sequence by sequence, because in the index each has its finished ones before the others.
    pinned_to = Statement(
        select(_account.c.value).where(
            exists(tables.sequences.c.id)
            .where(
                tables.is_there,
                exists(_enrollments.due_at)
                .where(
                    _enrollments.account_id == _account.c.value,
                    _enrollments.sequence_id == tables.sequences.c.id,
                    _enrollments.due_at.is_not(None),
                )
                .correlate(_account, tables.sequences),
            )
            .correlate(_account)
        ),
        by=tables.by_pinned,
    )
    count = Statement(select(func.count()).select_from(tables.enrollments).where(_OF_SEQUENCE, _IS_SHOWN))
    count_finished = Statement(
        select(func.count())
        .select_from(tables.enrollments)
        .where(
            _OF_SEQUENCE,
            _IS_SHOWN,
            tables.is_in(EnrollmentState.FINISHED),
        ),
        by=tables.by_progress,
    )
    open_of = Statement(
        select(*records.ENROLLMENT)
        .join_from(tables.prospects, tables.enrollments, _enrollments.prospect_id == _prospects.id)
        .where(
            _prospects.email_key == bindparam("key"),
            _enrollments.state != EnrollmentState.FINISHED.value,
            tables.is_held,
            tables.is_shown,
        )
    )
    reschedule = Statement(
        tables.enrollments.update()
        .where(
            _enrollments.sequence_id == bindparam("the_sequence"),
            _IS_ACTIVE,
            _enrollments.done == bindparam("so_many"),
            _enrollments.last_sent_at.is_not(None),
            ~_has_touch(TouchState.SENDING, TouchState.IN_DOUBT, TouchState.DEFERRED),
        )
        .values(due_at=_enrollments.last_sent_at + bindparam("later"))
    )
    renumber = Statement(
        tables.enrollments.update()
        .where(
            _enrollments.sequence_id == bindparam("the_sequence"),
            _enrollments.done.in_(select(_number.c.key + 0)),
        )
        .values(done=select(_number.c.value).where(_number.c.key + 0 == _enrollments.done).scalar_subquery())
    )
    finish_done = Statement(
        tables.enrollments.update()
        .where(
            _enrollments.sequence_id == bindparam("the_sequence"),
            _IS_ACTIVE,
            _enrollments.done >= bindparam("so_many"),
            ~_has_touch(TouchState.SENDING),
        )
        .values(
            state=EnrollmentState.FINISHED.value,
            finish_reason=bindparam("why"),
            finished_at=bindparam("at"),
            due_at=None,
            note="",
        )
    )


class SqliteEnrollments:
    """Prospects' places in sequences. Nothing is due where `due_at` is None."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def get(self, enrollment_id: str) -> Enrollment | None:
        """The enrollment, or None."""
        return self._first(_Enrollment.get, id=enrollment_id)

    def find(self, sequence_id: str, prospect_id: str) -> Enrollment | None:
        """The prospect's place in this sequence, or None."""
        return self._first(_Enrollment.find, sequence_id=sequence_id, prospect_id=prospect_id)

    def save(self, enrollment: Enrollment) -> None:
        """Keep a change of it; sequence, prospect and ordinal stay. Raises NotFound when it is gone."""
        if not self._runner.change(_Enrollment.save, **_named(enrollment)):
            raise NotFound("That prospect is not in the sequence any more.")

    def add_many(self, enrollments: Sequence[Enrollment]) -> None:
        """Keep new ones. Raises AlreadyExists for a prospect that is in the sequence already.

        Raises NotFound when the sequence, a prospect or an account is gone.
        """
        try:
            self._runner.change_many(_Enrollment.add, map(_named, enrollments))
        except AlreadyExists:
            raise AlreadyExists("One of these prospects is in the sequence already.") from None
        except NotFound:
            raise NotFound("The sequence, a prospect or its account is not there any more.") from None
        note_fields(self._runner, [one.prospect_id for one in enrollments])

    def enrolled(self, sequence_id: str, prospect_ids: Collection[str]) -> set[str]:
        """Which of these prospects the sequence has already."""
        return {
            prospect_id
            for part in _in_parts(prospect_ids)
            for prospect_id in self._runner.column(
                _Enrollment.enrolled, sequence_id=sequence_id, ids=listed(part)
            )
        }

    def last_ordinal(self, sequence_id: str) -> int:
        """The highest ordinal so far, 0 for none."""
        return self._number(_Enrollment.last_ordinal, sequence_id=sequence_id)

    def next_pinned(self, sequence_id: str, account_id: str, now: datetime) -> Enrollment | None:
        """The one due the longest among those pinned to this account; ties fall to the ordinal."""
        return self._first(
            _Enrollment.next_pinned, sequence_id=sequence_id, account_id=account_id, now=to_us(now)
        )

    def next_unpinned(self, sequence_id: str, now: datetime) -> Enrollment | None:
        """The first by ordinal among those due that have no account yet."""
        due_at = self.next_due_at(sequence_id, None)
        if due_at is None or due_at > now:
            # Told by one look: to find none by the ordinal, all would be looked at.
            return None
        return self._first(_Enrollment.next_unpinned, sequence_id=sequence_id, now=to_us(now))

    def next_due_at(self, sequence_id: str, account_id: str | None) -> datetime | None:
        """When the next one is due that is pinned to this account (None: to none)."""
        if account_id is not None:
            statement = _Enrollment.pinned_due_at
        elif self._runner.rows(_Import.first, sequence_id=sequence_id):
            statement = _Enrollment.shown_unpinned_due_at
        else:
            statement = _Enrollment.unpinned_due_at
        rows = self._runner.rows(statement, sequence_id=sequence_id, account_id=account_id)
        return to_time(rows[0][0]) if rows else None

    def late(self, sequence_id: str, account_ids: Collection[str] | None, now: datetime) -> int:
        """How many are due already, pinned to one of these accounts (None: any or none)."""
        if account_ids is None:
            return self._number(_Enrollment.late, sequence_id=sequence_id, now=to_us(now))
        return self._number(
            _Enrollment.late_of, sequence_id=sequence_id, now=to_us(now), account_ids=listed(account_ids)
        )

    def stranded(self, sequence_id: str, account_id: str, *, unstarted: bool, limit: int) -> list[Enrollment]:
        """Open ones pinned to this account, none in flight or in doubt, the longest due first.

        `unstarted`: only those to whom nothing has been sent yet.
        """
        statement = _Enrollment.stranded_unstarted if unstarted else _Enrollment.stranded
        rows = self._runner.rows(statement, sequence_id=sequence_id, account_id=account_id, limit=limit)
        return [records.enrollment_of(row) for row in rows]

    def pinned_to(self, account_ids: Collection[str]) -> set[str]:
        """Which of these accounts have somebody pinned to them to whom more is to be sent."""
        return {
            account_id
            for part in _in_parts(account_ids)
            for account_id in self._runner.column(_Enrollment.pinned_to, account_ids=listed(part))
        }

    def open_count(self, sequence_id: str) -> int:
        """How many of the sequence are not finished."""
        every = self._number(_Enrollment.count, sequence_id=sequence_id)
        return every - self._number(_Enrollment.count_finished, sequence_id=sequence_id)

    def open_of(self, email: str) -> list[Enrollment]:
        """All open ones of this address, in whatever sequence."""
        return [
            records.enrollment_of(row)
            for row in self._runner.rows(_Enrollment.open_of, key=mailbox_key(email))
        ]

    def reschedule(self, sequence_id: str, done: int, last_sent_to_due_s: float | None) -> int:
        """After an edit: active ones with `done` steps are due so long after their last; None: not at all.

        It also wakes those that had nothing more to come, when a step was appended. One whose next message is
        being sent, in doubt, or waits to be tried again keeps its time. Gives how many were changed.
        """
        later = None if last_sent_to_due_s is None else round(last_sent_to_due_s * 1_000_000)
        return self._runner.change(
            _Enrollment.reschedule, the_sequence=sequence_id, so_many=done, later=later
        )

    def renumber(self, sequence_id: str, numbers: Mapping[int, int]) -> int:
        """After an edit of the steps: how far prospects were → how far they are now, all at once."""
        text = json.dumps({str(before): after for before, after in numbers.items()})
        return self._runner.change(_Enrollment.renumber, the_sequence=sequence_id, numbers=text)

    def finish_done(self, sequence_id: str, done: int, reason: FinishReason, at: datetime) -> int:
        """Finish the active ones that have had `done` or more steps; gives how many.

        One that is being sent to is left to what comes of that.
        """
        return self._runner.change(
            _Enrollment.finish_done, the_sequence=sequence_id, so_many=done, why=reason.value, at=to_us(at)
        )

    def _first(self, statement: Statement, **values: object) -> Enrollment | None:
        rows = self._runner.rows(statement, **values)
        return records.enrollment_of(rows[0]) if rows else None

    def _number(self, statement: Statement, **values: object) -> int:
        ((number,),) = self._runner.rows(statement, **values)
        return int(number)


def _named(enrollment: Enrollment) -> dict[str, object]:
    return {"to_" + name: value for name, value in records.enrollment_values(enrollment).items()}


class _Import:
    first = Statement(_FIRST_HIDDEN)
    there = Statement(
        select(tables.sequences.c.id).where(tables.sequences.c.id == bindparam("id"), tables.is_there)
    )
    begun = Statement(select(_imports.sequence_id, _imports.at, _imports.entry))
    begin = Statement(tables.imports.insert())
    decide = Statement(
        tables.imports.update()
        .where(_imports.sequence_id == bindparam("the_sequence"))
        .values(entry=bindparam("says"))
    )
    end = Statement(tables.imports.delete().where(_imports.sequence_id == bindparam("sequence_id")))
    add = Statement(tables.prospects.insert())
    enroll = Statement(tables.enrollments.insert())
    note = Statement(insert(tables.sequence_fields).on_conflict_do_nothing())
    keep_fields = Statement(tables.import_fields.insert())
    next_fields = Statement(select(_new_fields.prospect_id).limit(bindparam("most")))
    apply = Statement(
        tables.prospects.update()
        .where(is_among(_prospects.id, "ids"))
        .values(
            fields=select(_new_fields.fields)
            .where(_new_fields.prospect_id == _prospects.id)
            .scalar_subquery()
        )
    )
    drop_fields = Statement(tables.import_fields.delete().where(is_among(_new_fields.prospect_id, "ids")))
    drop_all_fields = Statement(tables.import_fields.delete())
    taken = Statement(
        select(_enrollments.id, _enrollments.prospect_id)
        .where(_OF_SEQUENCE, _enrollments.ordinal >= bindparam("first"))
        .order_by(_enrollments.ordinal)
        .limit(bindparam("most"))
    )
    give_up = Statement(tables.enrollments.delete().where(is_among(_enrollments.id, "ids")))
    forget = Statement(
        tables.prospects.delete().where(
            is_among(_prospects.id, "ids"),
            _prospects.created_at == select(_imports.at).scalar_subquery(),
            ~exists().where(_enrollments.prospect_id == _prospects.id),
        )
    )


class SqliteImports:
    """The import that takes many units of work; see `services.sequence_ports.UnfinishedImports`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def begin(self, sequence_id: str, at: datetime) -> int:
        """One begins; gives the ordinal before its first. Raises NotFound when the sequence is gone."""
        last = SqliteEnrollments(self._runner).last_ordinal(sequence_id)
        # Those of an import into a sequence that was removed meanwhile.
        self._runner.change(_Import.drop_all_fields)
        if not self._runner.rows(_Import.there, id=sequence_id):
            raise _gone()
        self._runner.change(
            _Import.begin, sequence_id=sequence_id, first_ordinal=last + 1, at=to_us(at), entry=None
        )
        return last

    def take(
        self, prospects: Sequence[Prospect], enrollments: Sequence[Enrollment], changed: Sequence[Prospect]
    ) -> None:
        """Keep a part: new prospects, enrollments, and known prospects with the fields they are to have.

        Raises AlreadyExists as `put_many` and `add_many`, and NotFound when the sequence is gone.
        """
        if not self._runner.rows(_Import.begun):
            raise _gone()
        rows = list(map(records.prospect_values, prospects))
        self._runner.change_many(_Import.add, rows)
        keys = {row["id"]: row["email_key"] for row in rows}
        known = [one.prospect_id for one in enrollments if one.prospect_id not in keys]
        for part in _in_parts(known):
            keys |= dict(self._runner.rows(_Prospect.keys, ids=listed(part)))
        self._runner.change_many(
            _Import.enroll,
            (
                records.enrollment_values(one) | {"email_key": keys.get(one.prospect_id, "")}
                for one in enrollments
            ),
        )
        self._runner.change_many(
            _Import.keep_fields,
            (
                {"prospect_id": row["id"], "fields": row["fields"]}
                for row in map(records.prospect_values, changed)
            ),
        )

    def decide(self, sequence_id: str, fields: Collection[str], entry: str) -> None:
        """All is taken: from now on it comes to its end. `fields`: the merge fields of those enrolled.

        `entry`: what the log will say. Raises NotFound when the sequence is gone.
        """
        if not self._runner.change(_Import.decide, the_sequence=sequence_id, says=storable(entry)):
            raise _gone()
        self._runner.change_many(
            _Import.note, [{"sequence_id": sequence_id, "name": storable(name)} for name in fields]
        )

    def apply(self, most: int) -> bool:
        """Give at most so many of the known prospects their fields; gives whether there may be more."""
        ids = self._runner.column(_Import.next_fields, most=most)
        self._runner.change(_Import.apply, ids=listed(ids))
        note_fields(self._runner, ids)
        self._runner.change(_Import.drop_fields, ids=listed(ids))
        return len(ids) == most

    def finish(self, sequence_id: str) -> None:
        """Let all be seen. Raises NotFound when the sequence is gone."""
        if not self._runner.change(_Import.end, sequence_id=sequence_id):
            raise _gone()

    def begun(self) -> BegunImport | None:
        """The one that is neither finished nor undone."""
        rows = self._runner.rows(_Import.begun)
        return BegunImport(rows[0][0], known_time(rows[0][1]), rows[0][2]) if rows else None

    def undo(self, sequence_id: str, most: int) -> bool:
        """Take back at most so many of what it enrolled; gives whether there may be more.

        The prospects it made go too.
        """
        first = next(iter(self._runner.column(_Import.first, sequence_id=sequence_id)), None)
        if first is None:
            return False
        self._runner.change(_Import.drop_all_fields)
        taken = self._runner.rows(_Import.taken, sequence_id=sequence_id, first=first, most=most)
        self._runner.change(_Import.give_up, ids=listed(one for one, _ in taken))
        self._runner.change(_Import.forget, ids=listed(one for _, one in taken))
        if len(taken) < most:
            self._runner.change(_Import.end, sequence_id=sequence_id)
        return len(taken) == most


def _gone() -> NotFound:
    return NotFound("That sequence is not there any more.", "See the list of sequences.")


class _Suppression:
    has = Statement(select(_suppressions.at).where(_suppressions.email_key == bindparam("key")))
    among = Statement(select(_suppressions.email_key).where(is_among(_suppressions.email_key, "keys")))
    put = Statement(insert(tables.suppressions).on_conflict_do_nothing())
    remove = Statement(tables.suppressions.delete().where(_suppressions.email_key == bindparam("key")))


class SqliteSuppressions:
    """Addresses that must never be written to."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def has(self, email: str) -> bool:
        """Whether the address is on the list."""
        return bool(self._runner.rows(_Suppression.has, key=mailbox_key(email)))

    def among(self, emails: Collection[str]) -> set[str]:
        """Which of these are on the list, by `mailbox_key`."""
        return {
            key
            for part in _in_parts(emails)
            for key in self._runner.column(_Suppression.among, keys=listed(map(mailbox_key, part)))
        }

    def put(self, suppression: Suppression) -> bool:
        """Keep it; False when the address was there already, whose entry stays."""
        return bool(self._runner.change(_Suppression.put, **records.suppression_values(suppression)))

    def remove(self, email: str) -> None:
        """Take the address off the list."""
        self._runner.change(_Suppression.remove, key=mailbox_key(email))
