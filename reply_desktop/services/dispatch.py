"""Chooses what an account sends next, from what is stored; changes nothing."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from reply_desktop.domain import pacing
from reply_desktop.domain.account import Account
from reply_desktop.domain.enrollment import Enrollment
from reply_desktop.domain.pace import Pace
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.services.ports import UnitOfWork

DAY: Final = timedelta(seconds=pacing.DAY_S)

IsTurn = Callable[[MailSequence, Mapping[str, datetime]], bool]
"""Whether it is the account's turn to get a new prospect; the times are when accounts last got one."""


@dataclass(frozen=True, slots=True)
class Pick:
    """The prospect an account writes to next. `pace` is the account's as it was when this was chosen."""

    sequence: MailSequence
    enrollment: Enrollment
    pace: Pace


@dataclass(frozen=True, slots=True)
class Full:
    """A limit of 24 hours, of the account or of it in one sequence, holds until then."""

    sequence: MailSequence
    limit: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing for this account now. `until`: look again then; None: not before something changes.

    `turn`: there is a new prospect, and it is another account's turn.
    """

    until: datetime | None = None
    turn: bool = False
    full: tuple[Full, ...] = ()


class Allowances:
    """How many mails may still leave each account, so that touches are not counted for each of them.

    What is kept is at most what there is: time only ever gives more room, and each touch reserved takes one.
    """

    def __init__(self) -> None:
        self._left: dict[tuple[str, str | None], tuple[int, int]] = {}
        self._full: dict[tuple[str, str], datetime] = {}

    def full(
        self, unit: UnitOfWork, account: Account, sequence: MailSequence, pace: Pace, now: datetime
    ) -> Full | None:
        """The limit that keeps the account from sending for this sequence now, if any."""
        found = self._over(unit, account.id, None, account.daily_limit, sequence, pace, now)
        if found is None and sequence.daily_limit is not None:
            found = self._over(unit, account.id, sequence.id, sequence.daily_limit, sequence, pace, now)
        if found is None:
            self._full.pop((account.id, sequence.id), None)
        else:
            self._full[account.id, sequence.id] = found.until
        return found

    def is_full(self, account_id: str, sequence_id: str, now: datetime) -> bool:
        """Whether such a limit was seen to hold; asks nobody."""
        until = self._full.get((account_id, sequence_id))
        return until is not None and now < until

    def take(self, account_id: str, sequence_id: str) -> None:
        """A touch was reserved."""
        for key in ((account_id, None), (account_id, sequence_id)):
            known = self._left.get(key)
            if known is not None:
                self._left[key] = (known[0], known[1] - 1)

    def forget(self) -> None:
        """Count anew: the clock was changed."""
        self._left.clear()
        self._full.clear()

    def _over(
        self,
        unit: UnitOfWork,
        account_id: str,
        only: str | None,
        limit: int,
        sequence: MailSequence,
        pace: Pace,
        now: datetime,
    ) -> Full | None:
        ramp = sequence.ramp if only is None else None
        allowed = pacing.allowance(limit, ramp, pace.first_sent_at, now)
        known, left = self._left.get((account_id, only), (None, 0))
        if known == allowed and left > 0:
            return None
        left = allowed - unit.touches.counted_since(account_id, now - DAY, only)
        self._left[account_id, only] = (allowed, left)
        if left > 0:
            return None
        times = unit.touches.counted_times(account_id, now - DAY, max(allowed, 1), only)
        wait = pacing.may_send(
            Pace(account_id, first_sent_at=pace.first_sent_at), times, limit, now, ramp=ramp
        )
        return None if wait is None else Full(sequence, allowed, wait.until)


class Turns:
    """Whose turn it is in each sequence while many accounts are looked at, one after the other.

    `is_ready(account_id, sequence)`: whether that account could send for the sequence at once.
    """

    def __init__(self, is_ready: Callable[[str, MailSequence], bool]) -> None:
        self._is_ready = is_ready
        self._queues: dict[str, deque[str]] = {}
        self._gone: set[str] = set()

    def leave(self, account_id: str) -> None:
        """The account has got something to do, or has nothing to do."""
        self._gone.add(account_id)

    def first(self, sequence: MailSequence, lasts: Mapping[str, datetime]) -> str | None:
        """Who gets the next new prospect of the sequence: who never got one, or waits the longest."""
        queue = self._queues.get(sequence.id)
        if queue is None:
            ready = [one for one in sequence.accounts if self._is_ready(one, sequence)]
            ready.sort(key=lambda one: lasts.get(one, _LONG_AGO))
            queue = self._queues[sequence.id] = deque(ready)
        while queue and (queue[0] in self._gone or not self._is_ready(queue[0], sequence)):
            queue.popleft()
        return queue[0] if queue else None


class Dispatch:
    """Whose turn it is, and for whom: follow-ups before new prospects, those due longest first.

    It remembers when accounts last got new prospects, because a sequence can have thousands of them.
    """

    def __init__(self) -> None:
        self.allowances = Allowances()
        self._last: dict[str, dict[str, datetime]] = {}

    def assigned(self, sequence_id: str, account_id: str, at: datetime) -> None:
        """The account got a new prospect of the sequence."""
        if sequence_id in self._last:
            self._last[sequence_id][account_id] = at

    def waits_since(self, account_id: str, sequences: Sequence[MailSequence]) -> datetime:
        """Since when the account got no new prospect of any of these, as far as is remembered."""
        known = [self._last[one.id].get(account_id, _LONG_AGO) for one in sequences if one.id in self._last]
        return min(known, default=_LONG_AGO)

    def forget(self, sequence_id: str) -> None:
        """The sequence was changed: read anew what is remembered of it."""
        self._last.pop(sequence_id, None)

    def look(
        self,
        unit: UnitOfWork,
        account: Account,
        sequences: Sequence[MailSequence],
        now: datetime,
        is_turn: IsTurn,
    ) -> Pick | Wait:
        """What this account, which can send, writes next for one of these running sequences."""
        pace = unit.paces.get(account.id)
        wait = pacing.may_send(pace, (), 1, now)
        if wait is not None:
            return Wait(wait.until)
        soonest: list[datetime] = []
        full: list[Full] = []
        may: list[MailSequence] = []
        for sequence in sequences:
            opens = sequence.window.next_open(now) if not sequence.window.is_open(now) else now
            if opens is None:
                continue
            if opens > now:
                soonest.append(opens)
                continue
            over = self.allowances.full(unit, account, sequence, pace, now)
            if over is not None:
                full.append(over)
                soonest.append(over.until)
                continue
            may.append(sequence)
        pick = self._follow_up(unit, account.id, may, pace, now)
        if pick is not None:
            return pick
        fresh = [
            (sequence, enrollment)
            for sequence in may
            if (enrollment := unit.enrollments.next_unpinned(sequence.id, now)) is not None
        ]
        turn = bool(fresh)
        for sequence, enrollment in sorted(fresh, key=lambda one: self._got_at(unit, one[0], account.id)):
            if is_turn(sequence, self.lasts(unit, sequence)):
                return Pick(sequence, enrollment, pace)
        for sequence in may:
            for pinned_to in (account.id, None):
                due_at = unit.enrollments.next_due_at(sequence.id, pinned_to)
                if due_at is not None and due_at > now:
                    soonest.append(due_at)
        return Wait(min(soonest, default=None), turn, tuple(full))

    @staticmethod
    def _follow_up(
        unit: UnitOfWork, account_id: str, sequences: Sequence[MailSequence], pace: Pace, now: datetime
    ) -> Pick | None:
        best: Pick | None = None
        for sequence in sequences:
            due = unit.enrollments.next_pinned(sequence.id, account_id, now)
            if due is None:
                continue
            assert due.due_at is not None
            if best is None or best.enrollment.due_at is None or due.due_at < best.enrollment.due_at:
                best = Pick(sequence, due, pace)
        return best

    def _got_at(self, unit: UnitOfWork, sequence: MailSequence, account_id: str) -> datetime:
        """When the account last got a new prospect of the sequence; long ago if it never did."""
        return self.lasts(unit, sequence).get(account_id, _LONG_AGO)

    def lasts(self, unit: UnitOfWork, sequence: MailSequence) -> Mapping[str, datetime]:
        """When each account last got a new prospect of the sequence."""
        known = self._last.get(sequence.id)
        if known is None:
            known = self._last[sequence.id] = dict(unit.sequences.last_assigned(sequence.id))
        return known


_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
