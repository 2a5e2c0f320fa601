"""Rows of sequences for fronts, straight from SQL: lists, prospects, logs, and counts that add up."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, literal_column, select

from reply_desktop.adapters.store import records as account_records
from reply_desktop.adapters.store import sequence_records as records
from reply_desktop.adapters.store import sequence_tables as tables
from reply_desktop.adapters.store.repositories import is_among, listed
from reply_desktop.adapters.store.sequence_repositories import SqliteSequences
from reply_desktop.adapters.store.sql import Runner, Statement, known_time, to_time, to_us
from reply_desktop.adapters.store.tables import accounts
from reply_desktop.domain import preflight
from reply_desktop.domain.address import mailbox_key
from reply_desktop.domain.enrollment import FINISH_WORDS, EnrollmentState, FinishReason
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.indicator import Sender, indicator, tooltip
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.sequence_rows import (
    PROSPECT_SORTS,
    LogFilter,
    LogPage,
    ProspectFilter,
    ProspectRow,
    SequenceRow,
    SuppressionRow,
)
from reply_desktop.domain.states import State
from reply_desktop.services.ports import DueCount

_DAY: Final = timedelta(hours=24)
_MINUTE_US: Final = 60_000_000
_CHUNK: Final = 500

_sequences = tables.sequences.c
_senders = tables.sequence_accounts.c
_fields = tables.sequence_fields.c
_prospects = tables.prospects.c
_enrollments = tables.enrollments.c
_touches = tables.touches.c
_suppressions = tables.suppressions.c
_log = tables.log.c

_importing = Statement(select(literal_column("1")).select_from(tables.imports).limit(literal_column("1")))


class _Hiding:
    """A statement on enrollments, as it is and for the time an import is under way."""

    def __init__(self, core: Select[Any]) -> None:
        self.whole, self.part = Statement(core), Statement(core.where(tables.is_shown))

    def __call__(self, runner: Runner) -> Statement:
        return self.part if runner.rows(_importing) else self.whole


_counts = _Hiding(
    select(_enrollments.sequence_id, tables.progress, _enrollments.finish_reason, func.count())
    .where(is_among(_enrollments.sequence_id, "ids"))
    .group_by(_enrollments.sequence_id, tables.progress, _enrollments.finish_reason)
)
_of_sent = (
    select(_touches.sequence_id, func.count())
    .where(is_among(_touches.sequence_id, "ids"), tables.sent)
    .group_by(_touches.sequence_id)
)
_sent = Statement(_of_sent)
_sent_since = Statement(_of_sent.where(_touches.reserved_at > bindparam("since")))
_first_due = _Hiding(
    select(_enrollments.due_at)
    .where(_enrollments.sequence_id == bindparam("id"), _enrollments.due_at.is_not(None))
    .order_by(_enrollments.due_at)
    .limit(1)
)
_linked = Statement(
    select(
        _senders.sequence_id,
        accounts.c.id,
        accounts.c.address,
        accounts.c.state,
        accounts.c.cause,
        accounts.c.provider,
        accounts.c.servers,
    )
    .join_from(tables.sequence_accounts, accounts, accounts.c.id == _senders.account_id)
    .where(is_among(_senders.sequence_id, "ids"))
    .order_by(_senders.position)
)
_field_names = Statement(
    select(_fields.name).where(_fields.sequence_id == bindparam("id")).order_by(_fields.name)
)

_ORDERS: Final[dict[str, tuple[ColumnElement[Any], ...]]] = {
    "ordinal": (_enrollments.ordinal,),
    "email": (_enrollments.email_key,),
    "state": (tables.progress, _enrollments.finish_reason, _enrollments.ordinal),
    "due_at": (_enrollments.due_at, _enrollments.ordinal),
    "last_sent_at": (_enrollments.last_sent_at, _enrollments.ordinal),
}
_MAY_LACK: Final = frozenset({"due_at", "last_sent_at"})


@cache
def _list(
    sort: str, descending: bool, *, text: bool, states: bool, reasons: bool, account: bool, importing: bool
) -> Statement:
    narrowed: list[ColumnElement[bool]] = []
    if text:
        narrowed.append(func.instr(_enrollments.email_key, bindparam("text")) > 0)
    if states:
        narrowed.append(is_among(_enrollments.state, "states"))
    if reasons:
        narrowed.append(is_among(_enrollments.finish_reason, "reasons"))
    if account:
        narrowed.append(_enrollments.account_id == bindparam("account"))
    if importing:
        narrowed.append(tables.is_shown)
    order = [column.desc() if descending else column.asc() for column in _ORDERS[sort]]
    if sort in _MAY_LACK:
        # An empty cell says nothing, so it comes last both ways.
        order[0] = order[0].nulls_last()
    # All are listed by the index of their order, some by the one that holds all they are chosen by.
    by = tables.by_email_key if len(narrowed) == text and sort == "email" else tables.by_progress
    return Statement(
        select(_enrollments.id)
        .where(_enrollments.sequence_id == bindparam("sequence_id"), *narrowed)
        .order_by(*order),
        by=by if narrowed else None,
    )


_wanted = func.json_each(bindparam("ids")).table_valued("key", "value").alias("wanted")
_steps_of = (
    select(func.count())
    .select_from(tables.steps)
    .where(tables.steps.c.sequence_id == _enrollments.sequence_id)
    .scalar_subquery()
)
_doubtful = (
    select(_touches.id)
    .where(_touches.enrollment_id == _enrollments.id, _touches.state == literal_column("'in_doubt'"))
    .limit(literal_column("1"))
    .scalar_subquery()
)
_prospect_rows = Statement(
    select(
        _enrollments.id,
        _prospects.email,
        _prospects.fields,
        _enrollments.state,
        _enrollments.finish_reason,
        _enrollments.note,
        accounts.c.address,
        _enrollments.done,
        _steps_of,
        _enrollments.last_sent_at,
        _enrollments.due_at,
        _doubtful,
    )
    .select_from(
        _wanted.join(tables.enrollments, _enrollments.id == _wanted.c.value)
        .join(tables.prospects, _prospects.id == _enrollments.prospect_id)
        .outerjoin(accounts, accounts.c.id == _enrollments.account_id)
    )
    .where(tables.is_held)
    .order_by(_wanted.c.key)
)


@cache
def _passing(kinds: bool, text: bool, account: bool) -> tuple[ColumnElement[bool], ...]:
    passing: list[ColumnElement[bool]] = [_log.sequence_id == bindparam("sequence_id")]
    if kinds:
        passing.append(is_among(_log.kind, "kinds"))
    if text:
        passing.append(func.instr(_log.sought, bindparam("text")) > 0)
    if account:
        passing.append(_log.account == bindparam("account"))
    return tuple(passing)


@cache
def _log_statements(kinds: bool, text: bool, account: bool) -> tuple[Statement, Statement, Statement]:
    """(ids of a page, how many there are, how many are newer than an entry)."""
    passing = _passing(kinds, text, account)
    by = tables.by_kind if kinds else None
    count = select(func.count()).select_from(tables.log).where(*passing)
    page = (
        select(_log.id)
        .where(*passing)
        .order_by(_log.id.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )
    return (
        Statement(page, by=by),
        Statement(count, by=by),
        Statement(count.where(_log.id > bindparam("id")), by=by),
    )


_log_entries = Statement(select(*records.LOG).where(is_among(_log.id, "ids")).order_by(_log.id.desc()))


@cache
def _log_entry(kinds: bool, text: bool, account: bool, by_key: bool) -> Statement:
    """The id of the entry, or of the newest one of a key, that passes."""
    of = _log.key == bindparam("key") if by_key else _log.id == bindparam("id")
    return Statement(
        select(func.max(_log.id)).where(of, *_passing(kinds, text, account)),
        by=tables.by_key if by_key else None,
    )


_minute = _enrollments.due_at // literal_column(str(_MINUTE_US), Integer)
# Of one sequence each: grouping by it too takes a third longer.
_due = _Hiding(
    select(_enrollments.account_id, _minute, func.count())
    .where(_enrollments.sequence_id == bindparam("id"), _enrollments.due_at <= bindparam("until"))
    .group_by(_minute, _enrollments.account_id)
)
_ids = Statement(select(_sequences.id).where(tables.is_there).order_by(_sequences.id))
_there = Statement(
    select(literal_column("1")).where(_sequences.id == bindparam("sequence_id"), tables.is_there)
)


@cache
def _suppressed(text: bool) -> tuple[Statement, Statement]:
    """(a page, how many there are)."""
    passing = [func.instr(_suppressions.email_key, bindparam("text")) > 0] if text else []
    page = (
        select(*records.SUPPRESSION)
        .where(*passing)
        .order_by(_suppressions.at.desc(), _suppressions.email_key.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )
    return Statement(page), Statement(select(func.count()).select_from(tables.suppressions).where(*passing))


class SqliteSequenceReads:
    """Read models of sequences. Each call sees one moment of the database and waits for no writer.

    `reading` opens a transaction on a connection for reading; `now` is the time, aware UTC.
    """

    def __init__(
        self, reading: Callable[[], AbstractContextManager[Runner]], now: Callable[[], datetime]
    ) -> None:
        self._reading = reading
        self._now = now

    def rows(self, ids: Sequence[str] | None = None) -> list[SequenceRow]:
        """These sequences' rows in the order asked for, or all by name; those that are gone are left out."""
        now = self._now()
        with self._reading() as runner:
            plans = SqliteSequences(runner)
            found = plans.all() if ids is None else [one for one in map(plans.get, ids) if one is not None]
            facts = _Facts(runner, [one.id for one in found], now)
            return [facts.row(one) for one in found]

    def fields(self, sequence_id: str) -> list[str]:
        """Names of the merge fields its prospects have or had, by name."""
        with self._reading() as runner:
            return runner.column(_field_names, id=sequence_id)

    def prospect_ids(self, wanted: ProspectFilter) -> list[str]:
        """Enrollment ids of those that pass, in order. Raises InvalidInput for a sort none of PROSPECT_SORTS.

        What lacks a time comes last. Ties fall to the ordinal, which goes the same way as the sort.
        """
        if wanted.sort not in PROSPECT_SORTS:
            raise InvalidInput(
                f"Prospects cannot be sorted by {wanted.sort[:60]}.", f"Use {', '.join(PROSPECT_SORTS)}."
            )
        text = mailbox_key(wanted.text)
        with self._reading() as runner:
            if not runner.rows(_there, sequence_id=wanted.sequence_id):
                return []
            statement = _list(
                wanted.sort,
                wanted.descending,
                text=bool(text),
                states=bool(wanted.states),
                reasons=bool(wanted.reasons),
                account=wanted.account is not None,
                importing=bool(runner.rows(_importing)),
            )
            return runner.column(
                statement,
                sequence_id=wanted.sequence_id,
                text=text,
                states=listed(wanted.states),
                reasons=listed(wanted.reasons),
                account=wanted.account,
            )

    def prospect_rows(self, ids: Sequence[str]) -> list[ProspectRow]:
        """The rows of these enrollments, in the order asked for; those no longer there are left out."""
        with self._reading() as runner:
            return [
                _prospect_row(row)
                for start in range(0, len(ids), _CHUNK)
                for row in runner.rows(_prospect_rows, ids=listed(ids[start : start + _CHUNK]))
            ]

    def log(self, wanted: LogFilter, limit: int, offset: int) -> LogPage:
        """Entries that pass, newest first: so many of them from `offset` on."""
        page, count, _ = _log_statements(*_given(wanted))
        values = _log_values(wanted)
        with self._reading() as runner:
            if not runner.rows(_there, sequence_id=wanted.sequence_id):
                return LogPage((), 0)
            ids = runner.column(page, limit=limit, offset=offset, **values)
            rows = runner.rows(_log_entries, ids=listed(ids))
            ((total,),) = runner.rows(count, **values)
        return LogPage(tuple(map(records.entry_of, rows)), total)

    def log_offset(self, wanted: LogFilter, entry_id: int | None, key: str | None) -> int | None:
        """Where an entry, or the newest of a key, stands among those that pass; None when it does not."""
        given, values = _given(wanted), _log_values(wanted)
        _, _, newer = _log_statements(*given)
        with self._reading() as runner:
            ((found,),) = runner.rows(
                _log_entry(*given, by_key=entry_id is None), id=entry_id, key=key, **values
            )
            if found is None:
                return None
            ((offset,),) = runner.rows(newer, id=found, **values)
        return int(offset)

    def due_counts(self, sequence_id: str | None, until: datetime) -> list[DueCount]:
        """How much of this sequence, or of all, is due when up to that time, by sequence and minute."""
        with self._reading() as runner:
            return [
                DueCount(one, account_id, known_time(minute * _MINUTE_US), count)
                for one in (runner.column(_ids) if sequence_id is None else [sequence_id])
                for account_id, minute, count in runner.rows(_due(runner), id=one, until=to_us(until))
            ]

    def suppressions(self, text: str, limit: int, offset: int) -> tuple[list[SuppressionRow], int]:
        """A page of the suppression list, newest first, and how many pass; `text` is looked for in them."""
        sought = mailbox_key(text)
        page, count = _suppressed(bool(sought))
        with self._reading() as runner:
            rows = runner.rows(page, text=sought, limit=limit, offset=offset)
            ((total,),) = runner.rows(count, text=sought)
        found = map(records.suppression_of, rows)
        return [SuppressionRow(one.email, one.reason, one.at, one.note) for one in found], total


class _Facts:
    """What the rows of some sequences are made of, each kind read by one statement for all of them."""

    def __init__(self, runner: Runner, ids: Sequence[str], now: datetime) -> None:
        self._now = now
        every = listed(ids)
        self._states: dict[str, Counter[EnrollmentState]] = defaultdict(Counter)
        self._reasons: dict[str, Counter[FinishReason | None]] = defaultdict(Counter)
        for one, rank, reason, count in runner.rows(_counts(runner), ids=every):
            self._states[one][_STATES[rank]] += count
            self._reasons[one][records.reason_of(reason)] += count
        self._sent = dict(runner.rows(_sent, ids=every))
        self._sent_since = dict(runner.rows(_sent_since, ids=every, since=to_us(now - _DAY)))
        self._senders: dict[str, list[tuple[str, Sender]]] = defaultdict(list)
        for one, account_id, *account in runner.rows(_linked, ids=every):
            self._senders[one].append((account_id, _sender(account)))
        first_due = _first_due(runner)
        self._due = {one: runner.column(first_due, id=one) for one in ids}

    def row(self, sequence: MailSequence) -> SequenceRow:
        """The row of one of them."""
        states, reasons = self._states[sequence.id], self._reasons[sequence.id]
        linked = self._senders[sequence.id]
        senders = [sender for _, sender in linked]
        prospects = states.total()
        # Found anew, so that the toggle tells of an account at once and not only after the next try to send.
        problem = (
            None
            if sequence.status is SequenceStatus.FINISHED
            else preflight.check(
                sequence,
                can_send={account_id for account_id, sender in linked if sender.can_send},
                open_prospects=prospects - states[EnrollmentState.FINISHED],
            )
        )
        return SequenceRow(
            sequence.id,
            sequence.name,
            sequence.status,
            indicator(sequence.status, senders, problem),
            tooltip(sequence.status, senders, problem),
            problem,
            tuple(sender.address for sender in senders),
            tuple(sender.address for sender in senders if not sender.can_send),
            prospects,
            states[EnrollmentState.WAITING],
            states[EnrollmentState.ACTIVE],
            states[EnrollmentState.IN_DOUBT],
            states[EnrollmentState.FINISHED],
            reasons[FinishReason.REPLIED],
            reasons[FinishReason.BOUNCED],
            self._sent.get(sequence.id, 0),
            self._sent_since.get(sequence.id, 0),
            self._next_send_at(sequence, problem),
            sequence.start_at,
        )

    def _next_send_at(self, sequence: MailSequence, problem: Problem | None) -> datetime | None:
        due = self._due[sequence.id]
        if not due or problem is not None or not sequence.is_on:
            return None
        at = max(self._now, known_time(due[0]))
        if sequence.status is SequenceStatus.SCHEDULED and sequence.start_at is not None:
            at = max(at, sequence.start_at)
        return sequence.window.next_open(at)


_STATES: Final = tuple(EnrollmentState)


def _sender(account: Sequence[Any]) -> Sender:
    address, state, cause, code, stored = account
    provider, servers = Provider(code), account_records.servers_of(stored)
    other = provider is Provider.OTHER and servers is not None
    return Sender(
        address,
        State(state),
        account_records.cause_of(cause),
        servers.smtp.host if other and servers else PROVIDER_NAMES[provider],
    )


def _prospect_row(row: Sequence[Any]) -> ProspectRow:
    (
        enrollment_id,
        email,
        fields,
        state,
        finish_reason,
        note,
        account,
        done,
        steps,
        last_sent_at,
        due_at,
        touch_in_doubt,
    ) = row
    reason = records.reason_of(finish_reason)
    return ProspectRow(
        enrollment_id,
        email,
        records.fields_of(fields),
        EnrollmentState(state),
        reason,
        note or (FINISH_WORDS[reason] if reason else ""),
        account,
        done,
        steps,
        to_time(last_sent_at),
        to_time(due_at),
        touch_in_doubt,
    )


def _given(wanted: LogFilter) -> tuple[bool, bool, bool]:
    return bool(wanted.kinds), bool(wanted.text.strip()), wanted.account is not None


def _log_values(wanted: LogFilter) -> dict[str, object]:
    return {
        "sequence_id": wanted.sequence_id,
        "kinds": listed(wanted.kinds),
        "text": wanted.text.strip().casefold(),
        "account": wanted.account,
    }
