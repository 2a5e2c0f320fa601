"""Touches of one unit of work, how fast accounts may send, and how far their mailboxes have been read."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.dialects.sqlite import insert

from reply_desktop.adapters.store import sequence_records as records
from reply_desktop.adapters.store import sequence_tables as tables
from reply_desktop.adapters.store.repositories import is_among, listed
from reply_desktop.adapters.store.sql import Runner, Statement, known_time, to_us
from reply_desktop.domain.errors import AlreadyExists, NotFound
from reply_desktop.domain.pace import Pace
from reply_desktop.domain.touch import Touch, TouchState

_touches = tables.touches.c
_enrollments = tables.enrollments.c
_paces = tables.paces.c
_marks = tables.inbox_marks.c

_IS_HELD: Final = exists().where(_enrollments.id == _touches.enrollment_id, tables.is_held)
"""Its prospect is still in the sequence: touches of removed sequences only count, nothing else sees them."""

_COUNTED: Final = (
    _touches.account_id == bindparam("account_id"),
    tables.counted,
    _touches.reserved_at > bindparam("since"),
)
_OF_SEQUENCE: Final = _touches.sequence_id == bindparam("sequence_id")
_FIXED: Final = ("id", "enrollment_id", "sequence_id", "step_id")


class _Touch:
    get = Statement(select(*records.TOUCH).where(_touches.id == bindparam("id")))
    of = Statement(
        select(*records.TOUCH).where(
            _touches.enrollment_id == bindparam("enrollment_id"), _touches.step_id == bindparam("step_id")
        )
    )
    add = Statement(tables.touches.insert())
    save = Statement(
        tables.touches.update()
        .where(_touches.id == bindparam("to_id"))
        .values(
            {
                column.name: bindparam("to_" + column.name)
                for column in records.TOUCH
                if column.name not in _FIXED
            }
        )
    )
    _open = (
        select(*records.TOUCH)
        .where(tables.open_touch, _touches.state == bindparam("state"), _IS_HELD)
        .order_by(_touches.reserved_at)
    )
    open = Statement(_open)
    in_doubt_of = Statement(
        select(*records.TOUCH).where(
            _touches.enrollment_id == bindparam("enrollment_id"),
            _touches.state == TouchState.IN_DOUBT.value,
            _IS_HELD,
        )
    )
    counted = Statement(select(func.count()).select_from(tables.touches).where(*_COUNTED))
    counted_of = Statement(select(func.count()).select_from(tables.touches).where(*_COUNTED, _OF_SEQUENCE))
    _times = (
        select(_touches.reserved_at)
        .where(*_COUNTED)
        .order_by(_touches.reserved_at.desc())
        .limit(bindparam("limit"))
    )
    times = Statement(_times)
    times_of = Statement(_times.where(_OF_SEQUENCE))
    by_message_ids = Statement(
        select(*records.TOUCH).where(is_among(_touches.message_id, "message_ids"), _IS_HELD)
    )
    by_ids = Statement(select(*records.TOUCH).where(is_among(_touches.id, "ids"), _IS_HELD))
    by_threads = Statement(
        select(*records.TOUCH)
        .join_from(tables.enrollments, tables.touches, _touches.enrollment_id == _enrollments.id)
        .where(
            _enrollments.account_id == bindparam("account_id"),
            is_among(_enrollments.provider_thread, "thread_ids"),
            tables.is_held,
        )
        .order_by(_touches.reserved_at)
    )


class SqliteTouches:
    """Planned messages and what became of them."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def get(self, touch_id: str) -> Touch | None:
        """The touch, or None."""
        return self._first(_Touch.get, id=touch_id)

    def of(self, enrollment_id: str, step_id: str) -> Touch | None:
        """The enrollment's touch of this step, or None."""
        return self._first(_Touch.of, enrollment_id=enrollment_id, step_id=step_id)

    def add(self, touch: Touch) -> None:
        """Keep a new one. Raises AlreadyExists when the enrollment's step has one."""
        try:
            self._runner.change(_Touch.add, **records.touch_values(touch))
        except AlreadyExists:
            raise AlreadyExists("This prospect has a message of this step already.") from None

    def save(self, touch: Touch) -> None:
        """Keep what became of it. Raises NotFound when it is gone."""
        values = {"to_" + name: value for name, value in records.touch_values(touch).items()}
        if not self._runner.change(_Touch.save, **values):
            raise NotFound("That message is not known any more: its sequence was removed.")

    def being_sent(self) -> list[Touch]:
        """All in state SENDING, the oldest first: at the engine's start, those that a crash cut off."""
        return self._all(_Touch.open, state=TouchState.SENDING.value)

    def in_doubt(self, enrollment_id: str | None = None) -> list[Touch]:
        """Those of which nobody knows whether they went out, the oldest first; of one enrollment, or all."""
        if enrollment_id is None:
            return self._all(_Touch.open, state=TouchState.IN_DOUBT.value)
        return self._all(_Touch.in_doubt_of, enrollment_id=enrollment_id)

    def counted_since(self, account_id: str, since: datetime, sequence_id: str | None = None) -> int:
        """How many of the account's touches that count as sent were reserved after `since`."""
        statement = _Touch.counted if sequence_id is None else _Touch.counted_of
        ((count,),) = self._runner.rows(
            statement, account_id=account_id, since=to_us(since), sequence_id=sequence_id
        )
        return int(count)

    def counted_times(
        self, account_id: str, since: datetime, limit: int, sequence_id: str | None = None
    ) -> list[datetime]:
        """When those were reserved, newest first."""
        statement = _Touch.times if sequence_id is None else _Touch.times_of
        found = self._runner.column(
            statement, account_id=account_id, since=to_us(since), limit=limit, sequence_id=sequence_id
        )
        return [known_time(at) for at in found]

    def by_message_ids(self, message_ids: Collection[str]) -> list[Touch]:
        """Touches whose Message-ID as delivered is one of these."""
        return self._all(_Touch.by_message_ids, message_ids=listed(message_ids))

    def by_markers(self, markers: Collection[str]) -> list[Touch]:
        """Touches whose marker is one of these."""
        return self._all(_Touch.by_ids, ids=listed(markers))

    def by_threads(self, account_id: str, thread_ids: Collection[str]) -> list[Touch]:
        """Touches of enrollments pinned to this account with one of these provider threads, oldest first."""
        return self._all(_Touch.by_threads, account_id=account_id, thread_ids=listed(thread_ids))

    def _first(self, statement: Statement, **values: object) -> Touch | None:
        return next(iter(self._all(statement, **values)), None)

    def _all(self, statement: Statement, **values: object) -> list[Touch]:
        return [records.touch_of(row) for row in self._runner.rows(statement, **values)]


class _Pace:
    get = Statement(select(*records.PACE).where(_paces.account_id == bindparam("account_id")))
    _new = insert(tables.paces)
    save = Statement(
        _new.on_conflict_do_update(
            index_elements=[_paces.account_id],
            set_={column.name: column for column in _new.excluded if column.name != "account_id"},
        )
    )


class SqlitePaces:
    """How fast each account may send."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def get(self, account_id: str) -> Pace:
        """The account's pace; a fresh one when nothing was kept yet."""
        rows = self._runner.rows(_Pace.get, account_id=account_id)
        return records.pace_of(rows[0]) if rows else Pace(account_id)

    def save(self, pace: Pace) -> None:
        """Keep an account's pace. Raises NotFound when the account is gone."""
        self._runner.change(_Pace.save, **records.pace_values(pace))


class _Mark:
    get = Statement(select(_marks.cursor, _marks.at).where(_marks.account_id == bindparam("account_id")))
    _new = insert(tables.inbox_marks)
    put = Statement(
        _new.on_conflict_do_update(
            index_elements=[_marks.account_id],
            set_={"cursor": _new.excluded.cursor, "at": _new.excluded.at},
        )
    )


class SqliteInboxMarks:
    """How far each mailbox has been read."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def get(self, account_id: str) -> tuple[str | None, datetime] | None:
        """(cursor, when it was read last), or None when never."""
        rows = self._runner.rows(_Mark.get, account_id=account_id)
        return (rows[0][0], known_time(rows[0][1])) if rows else None

    def put(self, account_id: str, cursor: str | None, at: datetime) -> None:
        """Keep how far it was read. Raises NotFound when the account is gone."""
        self._runner.change(_Mark.put, account_id=account_id, cursor=cursor, at=to_us(at))
