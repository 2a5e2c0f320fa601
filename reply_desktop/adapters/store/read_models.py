"""Rows for fronts, straight from SQL: lists as ids in order, rows for what is in view, counts."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, func, literal_column, or_, select, union_all

from reply_desktop.adapters.store import records, sequence_tables, tables
from reply_desktop.adapters.store.repositories import is_among, listed
from reply_desktop.adapters.store.sequence_reads import SqliteSequenceReads
from reply_desktop.adapters.store.sql import Runner, Statement, known_time, to_time, to_us
from reply_desktop.domain.address import mailbox_key
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import (
    SORTS,
    AccountDetail,
    AccountFilter,
    AccountRow,
    EpisodeRow,
    NotificationRow,
    Summary,
)
from reply_desktop.domain.states import NEEDS_PERSON, SEVERITY, Color, State, worst
from reply_desktop.domain.strip import Span, first_day, strip
from reply_desktop.services.ports import SequenceReads

_DAY: Final = timedelta(hours=24)
_RED_SHOWN: Final = 50
_TIMELINE: Final = 1000
_CHUNK: Final = 500

_accounts = tables.accounts.c
_episodes = tables.episodes.c
_notifications = tables.notifications.c

_ROW: Final = (
    _accounts.id,
    _accounts.provider,
    _accounts.address,
    _accounts.state,
    _accounts.cause,
    _accounts.provider_error,
    _accounts.proven_at,
    _accounts.checked_at,
    _accounts.next_check_at,
    _accounts.deadline_at,
    _accounts.scopes,
    _accounts.daily_limit,
    _accounts.first_granted_at,
    _accounts.deadline_cause,
)

_SORTED_BY: Final[dict[str, ColumnElement[Any] | None]] = {
    "severity": tables.severity,
    "address": _accounts.address_key,
    "provider": _accounts.provider,
    "cause": _accounts.cause,
    "proven_at": _accounts.proven_at,
    "next_check_at": _accounts.next_check_at,
    # By the address, and then moved to their places: few have sent anything, and counting all is slow.
    "sent_today": None,
}
_MAY_LACK: Final = frozenset({"cause", "proven_at", "next_check_at"})


@cache
def _list(sort: str, descending: bool, text: bool, states: bool, providers: bool) -> Statement:
    wanted = []
    if text:
        needle: ColumnElement[str] = bindparam("text")
        wanted.append(
            or_(func.instr(_accounts.address_key, needle) > 0, func.instr(_accounts.cause, needle) > 0)
        )
    if states:
        wanted.append(is_among(_accounts.state, "states"))
    if providers:
        wanted.append(is_among(_accounts.provider, "providers"))
    column = _SORTED_BY[sort]
    order: list[ColumnElement[Any]] = []
    if column is not None:
        way = column.desc() if descending else column.asc()
        # An empty cell says nothing, so it comes last both ways.
        order.append(way.nulls_last() if sort in _MAY_LACK else way)
    if sort != "address":
        order.append(_accounts.address_key)
    return Statement(select(_accounts.id).where(*wanted).order_by(*order))


_senders = sequence_tables.sequence_accounts.c
_sequences = sequence_tables.sequences.c
_touches = sequence_tables.touches.c
_log = sequence_tables.log.c
_counted = (sequence_tables.counted, _touches.reserved_at > bindparam("since"))
_sent_by_all = Statement(
    select(_touches.account_id, func.count()).where(*_counted).group_by(_touches.account_id),
    by=sequence_tables.by_reserved_at,
)
_sent_by = Statement(
    select(_touches.account_id, func.count())
    .where(is_among(_touches.account_id, "ids"), *_counted)
    .group_by(_touches.account_id)
)
_used = Statement(
    select(_senders.account_id, _sequences.name)
    .join_from(
        sequence_tables.sequence_accounts, sequence_tables.sequences, _sequences.id == _senders.sequence_id
    )
    .where(is_among(_senders.account_id, "ids"), sequence_tables.is_on)
    .order_by(_sequences.name_key)
)
_wanted = func.json_each(bindparam("ids")).table_valued("key", "value").alias("wanted")
_rows = Statement(
    select(*_ROW)
    .select_from(_wanted.join(tables.accounts, _accounts.id == _wanted.c.value))
    .order_by(_wanted.c.key)
)
_mine: ColumnElement[bool] = is_among(_episodes.account_id, "ids")
_span = (_episodes.account_id, _episodes.color, _episodes.started_at, _episodes.ended_at)
# Two arms, each with an index of its own, so that old episodes are not read.
_spans = Statement(
    union_all(
        select(*_span).where(_mine, _episodes.ended_at >= bindparam("since")),
        select(*_span).where(_mine, _episodes.ended_at.is_(None)),
    )
)
_detail = Statement(
    select(_accounts.created_at, _accounts.granted_at, _accounts.servers).where(
        _accounts.id == bindparam("id")
    )
)
_timeline = Statement(
    select(
        _episodes.cause,
        _episodes.color,
        _episodes.started_at,
        _episodes.ended_at,
        _episodes.ending,
        _episodes.provider_error,
    )
    .where(_episodes.account_id == bindparam("id"))
    .order_by(_episodes.started_at.desc(), literal_column("episodes.rowid").desc())
    .limit(_TIMELINE)
)
_counts = Statement(select(tables.severity, func.count()).group_by(tables.severity))
_red = Statement(
    select(_accounts.id)
    .where(tables.severity.in_([literal_column(str(SEVERITY.index(state))) for state in NEEDS_PERSON]))
    .order_by(tables.severity.desc(), _accounts.address_key)
    .limit(_RED_SHOWN)
)
_unread = Statement(
    select(func.count()).select_from(tables.notifications).where(_notifications.read_at.is_(None))
)
_faults = Statement(select(*records.FAULT).order_by(tables.app_faults.c.since, tables.app_faults.c.key))
_entries = select(
    *records.NOTIFICATION,
    select(_log.sequence_id)
    .where(_log.key == _notifications.key, sequence_tables.is_told)
    .order_by(_log.id.desc())
    .limit(literal_column("1"))
    .scalar_subquery(),
)
_newest = _entries.order_by(_notifications.at.desc(), tables.as_added.desc()).limit(bindparam("limit"))
_named_entries = Statement(
    _entries.where(is_among(_notifications.id, "ids")).order_by(_notifications.at, tables.as_added)
)
_MOST: Final = 2**63 - 1
"""The greatest number that the database knows: every time is before it, and no list is as long."""
_bell = Statement(_newest.where(_notifications.at < bindparam("before")))
_bell_of = Statement(_newest.where(_notifications.at == bindparam("at")))


class SqliteReads:
    """Read models. Each call sees one moment of the database and waits for no writer.

    `reading` opens a transaction on a connection for reading; `now` is the time, aware UTC.
    """

    def __init__(
        self, reading: Callable[[], AbstractContextManager[Runner]], now: Callable[[], datetime]
    ) -> None:
        self._reading = reading
        self._now = now
        self.sequences: SequenceReads = SqliteSequenceReads(reading, now)

    def account_ids(self, wanted: AccountFilter) -> list[str]:
        """Ids of the accounts that pass, in order. Raises InvalidInput for a sort that is none of SORTS.

        The text is looked for in address and cause code. What lacks a value comes last; ties fall to the
        address, A to Z.
        """
        if wanted.sort not in SORTS:
            raise InvalidInput(
                f"Accounts cannot be sorted by {wanted.sort[:60]}.", f"Use {', '.join(SORTS)}."
            )
        text = mailbox_key(wanted.text)
        statement = _list(
            wanted.sort, wanted.descending, bool(text), bool(wanted.states), bool(wanted.providers)
        )
        with self._reading() as runner:
            ids = runner.column(
                statement, text=text, states=listed(wanted.states), providers=listed(wanted.providers)
            )
            if wanted.sort == "sent_today":
                sent = dict(runner.rows(_sent_by_all, since=to_us(self._now() - _DAY)))
                return _by_sent(ids, sent, descending=wanted.descending)
            return ids

    def account_rows(self, ids: Sequence[str]) -> list[AccountRow]:
        """The rows of these accounts, in the order asked for; accounts no longer there are left out."""
        with self._reading() as runner:
            return [row for chunk in _chunks(ids) for row in self._rows(runner, chunk)]

    def account_detail(self, account_id: str) -> AccountDetail | None:
        """All about one account, its newest thousand episodes first; None when it is not there."""
        with self._reading() as runner:
            rows = self._rows(runner, [account_id])
            if not rows:
                return None
            ((created_at, granted_at, servers),) = runner.rows(_detail, id=account_id)
            episodes = runner.rows(_timeline, id=account_id)
        return AccountDetail(
            rows[0],
            tuple(map(_episode_row, episodes)),
            known_time(created_at),
            to_time(granted_at),
            records.servers_of(servers),
        )

    def summary(self) -> Summary:
        """Counts of every state, the worst of all that is not paused, and what needs a person."""
        with self._reading() as runner:
            counts = dict.fromkeys(SEVERITY, 0)
            counts |= {SEVERITY[rank]: count for rank, count in runner.rows(_counts)}
            red = self._rows(runner, runner.column(_red))
            ((unread,),) = runner.rows(_unread)
            faults = tuple(map(records.fault_of, runner.rows(_faults)))
        return Summary(
            counts,
            worst(state for state, count in counts.items() if count and state is not State.PAUSED),
            sum(counts[state] for state in NEEDS_PERSON),
            tuple(red),
            unread,
            faults,
        )

    def notifications(self, limit: int, before: datetime | None = None) -> list[NotificationRow]:
        """The newest entries of the bell, older than `before`; past `limit` those of the last's moment."""
        with self._reading() as runner:
            rows = runner.rows(_bell, limit=limit, before=to_us(before) if before else _MOST)
            found = [_notification_row(row) for row in rows]
            if len(found) == limit > 0:
                at = found[-1].at
                rows = runner.rows(_bell_of, limit=_MOST, at=to_us(at))
                found = [row for row in found if row.at != at] + [_notification_row(row) for row in rows]
        return found

    def notification_rows(self, ids: Sequence[str]) -> list[NotificationRow]:
        """These entries of the bell, oldest first; those no longer there are left out."""
        with self._reading() as runner:
            return [_notification_row(row) for row in runner.rows(_named_entries, ids=listed(ids))]

    def _rows(self, runner: Runner, ids: Sequence[str]) -> list[AccountRow]:
        now = self._now()
        wanted = listed(ids)
        spans: dict[str, list[Span]] = defaultdict(list)
        for account_id, color, started_at, ended_at in runner.rows(
            _spans, ids=wanted, since=to_us(first_day(now))
        ):
            spans[account_id].append(Span(Color(color), known_time(started_at), to_time(ended_at)))
        used: dict[str, list[str]] = defaultdict(list)
        for account_id, name in runner.rows(_used, ids=wanted):
            used[account_id].append(name)
        sent = dict(runner.rows(_sent_by, ids=wanted, since=to_us(now - _DAY)))
        return [
            _account_row(row, now, spans.get(row[0], ()), used.get(row[0], ()), sent.get(row[0], 0))
            for row in runner.rows(_rows, ids=wanted)
        ]


def _by_sent(ids: Sequence[str], sent: Mapping[str, int], *, descending: bool) -> list[str]:
    """These ids by what was sent from each; ties stay in the order they are in."""
    have = sorted((one for one in ids if one in sent), key=sent.__getitem__, reverse=descending)
    rest = [one for one in ids if one not in sent]
    return have + rest if descending else rest + have


def _account_row(
    row: Sequence[Any], now: datetime, spans: Iterable[Span], used_by: Iterable[str], sent: int
) -> AccountRow:
    (
        account_id,
        provider,
        address,
        state,
        cause,
        provider_error,
        proven_at,
        checked_at,
        next_check_at,
        deadline_at,
        scopes,
        daily_limit,
        first_granted_at,
        deadline_cause,
    ) = row
    return AccountRow(
        account_id,
        Provider(provider),
        address,
        State(state),
        records.cause_of(cause),
        provider_error,
        to_time(proven_at),
        to_time(checked_at),
        to_time(next_check_at),
        to_time(deadline_at),
        records.scopes_of(scopes),
        used_by=tuple(used_by),
        sent_today=sent,
        daily_limit=daily_limit,
        strip=strip(now, to_time(first_granted_at), spans),
        deadline_cause=records.cause_of(deadline_cause),
    )


def _episode_row(row: Sequence[Any]) -> EpisodeRow:
    cause, color, started_at, ended_at, ending, provider_error = row
    found = records.cause_of(cause)
    assert found is not None
    return EpisodeRow(found, Color(color), known_time(started_at), to_time(ended_at), ending, provider_error)


def _notification_row(row: Sequence[Any]) -> NotificationRow:
    *values, sequence_id = row
    return NotificationRow.of(records.notification_of(values), sequence_id)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]
