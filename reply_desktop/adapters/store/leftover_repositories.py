"""What removed sequences left behind, cleared part by part."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, exists, select

from reply_desktop.adapters.store import sequence_tables as tables
from reply_desktop.adapters.store.repositories import is_among, listed
from reply_desktop.adapters.store.sql import Runner, Statement, to_us

_COUNTED_FOR: Final = timedelta(hours=24)
"""How far back the longest limit looks."""

_sequences = tables.sequences.c
_enrollments = tables.enrollments.c
_prospects = tables.prospects.c
_touches = tables.touches.c
_log = tables.log.c

_IS_UNSEEN: Final = ~exists().where(_enrollments.prospect_id == _prospects.id)
_IS_SPENT: Final = ~tables.counted | (_touches.reserved_at <= bindparam("since"))


class _Leftover:
    removed = Statement(select(_sequences.id).where(~tables.is_there).limit(1))
    enrolled = Statement(
        select(_enrollments.id, _enrollments.prospect_id)
        .where(_enrollments.sequence_id == bindparam("sequence_id"))
        .order_by(_enrollments.ordinal)
        .limit(bindparam("most"))
    )
    give_up = Statement(tables.enrollments.delete().where(is_among(_enrollments.id, "ids")))
    forget_touches_of = Statement(
        tables.touches.delete().where(is_among(_touches.enrollment_id, "ids"), _IS_SPENT)
    )
    forget_log = Statement(
        tables.log.delete().where(
            _log.id.in_(
                select(_log.id)
                .where(_log.sequence_id == bindparam("sequence_id"))
                .limit(bindparam("most"))
                .scalar_subquery()
            )
        )
    )
    forget_sequence = Statement(tables.sequences.delete().where(_sequences.id == bindparam("sequence_id")))
    unseen_prospects = Statement(
        select(_prospects.id)
        .where(_prospects.id > bindparam("after"), _IS_UNSEEN)
        .order_by(_prospects.id)
        .limit(bindparam("most"))
    )
    spent_touches = Statement(
        select(_touches.id)
        .where(
            _touches.id > bindparam("after"),
            ~exists().where(_sequences.id == _touches.sequence_id),
            _IS_SPENT,
        )
        .order_by(_touches.id)
        .limit(bindparam("most"))
    )
    forget_prospects = Statement(tables.prospects.delete().where(is_among(_prospects.id, "ids"), _IS_UNSEEN))
    forget_touches = Statement(tables.touches.delete().where(is_among(_touches.id, "ids")))


class SqliteLeftovers:
    """What removed sequences left behind; see `services.sequence_ports.Leftovers`."""

    def __init__(self, runner: Runner, now: datetime) -> None:
        self._runner = runner
        self._since = to_us(now - _COUNTED_FOR)

    def clear(self, most: int) -> bool:
        """Forget at most so many enrollments, with their prospects and touches, or log entries.

        Gives whether there may be more. Touches of the last 24 hours that went out, or may have, stay.
        """
        for sequence_id in self._runner.column(_Leftover.removed):
            enrolled = self._runner.rows(_Leftover.enrolled, sequence_id=sequence_id, most=most)
            ids = listed(one for one, _ in enrolled)
            self._runner.change(_Leftover.give_up, ids=ids)
            self._runner.change(_Leftover.forget_touches_of, ids=ids, since=self._since)
            self.forget_prospects([one for _, one in enrolled])
            if not enrolled and not self._runner.change(
                _Leftover.forget_log, sequence_id=sequence_id, most=most
            ):
                self._runner.change(_Leftover.forget_sequence, sequence_id=sequence_id)
            return True
        return False

    def unseen_prospects(self, after: str, most: int) -> list[str]:
        """Ids beyond `after`, in order, of prospects who are in no sequence."""
        return self._runner.column(_Leftover.unseen_prospects, after=after, most=most)

    def spent_touches(self, after: str, most: int) -> list[str]:
        """Likewise of touches of removed sequences that count towards no limit any more."""
        return self._runner.column(_Leftover.spent_touches, after=after, most=most, since=self._since)

    def forget_prospects(self, ids: Collection[str]) -> None:
        """Forget those of them who are in no sequence."""
        self._runner.change(_Leftover.forget_prospects, ids=listed(ids))

    def forget_touches(self, ids: Collection[str]) -> None:
        """Forget these."""
        self._runner.change(_Leftover.forget_touches, ids=listed(ids))
