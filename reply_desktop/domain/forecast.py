"""What the next hours bring: the pacing of all accounts played forward, by slots and not by mail. Pure."""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from reply_desktop.domain import pacing
from reply_desktop.domain.pace import Pace
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.sequence_rows import Forecast, ForecastCell

SLOTS_S: Final = (60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
"""How finely time is cut, in seconds: as finely as `MOST_SLOTS` allows. Each divides the hour."""
MOST_SLOTS: Final = 12_000
"""Slots of all sequences and their accounts together, which bounds the work."""

_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Due:
    """So many touches of a sequence are due at `at` from an account; None: any of the sequence's accounts."""

    sequence_id: str
    account_id: str | None
    at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class SendingAccount:
    """What the forecast needs of an account. `limit` and `counted` are over all sequences.

    `counted`: when its touches of the last 24 hours were reserved, newest first.
    """

    id: str
    address: str
    can_send: bool
    limit: int
    pace: Pace
    counted: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class SendingSequence:
    """A sequence that is on. `counted`: as in `SendingAccount`, of this sequence, by account id."""

    sequence: MailSequence
    counted: Mapping[str, Sequence[datetime]] = field(default_factory=dict)


def forecast(
    dues: Iterable[Due],
    sequences: Iterable[SendingSequence],
    accounts: Iterable[SendingAccount],
    now: datetime,
    hours: int = 24,
) -> Forecast:
    """When the mail that is due within so many hours leaves, by account and hour.

    The hours are full hours UTC, the first the one `now` is in. Gaps are taken at their mean. What becomes
    due only because of these mails, and moves by the stranded policy, are left out, as are sequences that
    are not given or not on. Late are follow-ups that were due before `now` and are not held. Counts add up:
    cells, `held` and `beyond` are all that is due by the end. `late_until` is None when no late mail leaves,
    or some only after the end.
    """
    begins_at = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    ends_at = begins_at + timedelta(hours=hours)
    lanes = {one.id: _Lane(one, now) for one in accounts}
    plans = {one.sequence.id: _Plan(one, lanes, now, ends_at) for one in sequences if one.sequence.is_on}
    held = 0
    for due in sorted(dues, key=lambda one: one.at):
        plan = plans.get(due.sequence_id)
        if plan is None or due.at >= ends_at:
            continue
        if not plan.take_in(due, now):
            held += due.count
    late = sum(plan.late for plan in plans.values())
    play = _Play(begins_at.timestamp())
    busy = [plan for plan in plans.values() if plan.left]
    for start, end in pairwise(_marks(busy, now.timestamp(), ends_at.timestamp())):
        # Who sent longest ago comes first, so that no sequence keeps an account from another.
        busy = sorted((plan for plan in busy if plan.left), key=lambda plan: plan.sent_s)
        if not busy:
            break
        for plan in busy:
            if plan.is_open(start):
                plan.send(start, end, play)
    all_left = all(plan.late == 0 for plan in plans.values())
    return Forecast(
        begins_at,
        hours,
        play.told(begins_at, lanes),
        late,
        datetime.fromtimestamp(play.late_until, UTC) if late and all_left else None,
        held,
        sum(plan.left for plan in plans.values()),
    )


class _Play:
    """What has left so far: by (hour, account), and when the last late mail did."""

    def __init__(self, begins_s: float) -> None:
        self._begins_s = begins_s
        self._cells: dict[tuple[int, str], int] = {}
        self.late_until = 0.0

    def note(self, account_id: str, at: float, count: int, late_until: float | None) -> None:
        """`count` mails left within the hour of `at`; the last late one among them at `late_until`."""
        cell = (int((at - self._begins_s) // _HOUR_S), account_id)
        self._cells[cell] = self._cells.get(cell, 0) + count
        self.late_until = max(self.late_until, late_until or 0.0)

    def told(self, begins_at: datetime, lanes: "Mapping[str, _Lane]") -> tuple[ForecastCell, ...]:
        """The cells, by hour, then in the order of the accounts."""
        return tuple(
            ForecastCell(begins_at + timedelta(hours=hour), lanes[account_id].account.address, count)
            for hour in sorted({hour for hour, _ in self._cells})
            for account_id in lanes
            if (count := self._cells.get((hour, account_id)))
        )


class _Queue:
    """Mail of one sequence for one account, or for any, in the order in which it is due."""

    def __init__(self) -> None:
        self._coming: deque[tuple[float, int]] = deque()
        self._ready = 0
        self.left = 0
        self.late = 0

    def add(self, at: float, count: int, *, is_late: bool) -> None:
        self._coming.append((at, count))
        self.left += count
        self.late += count if is_late else 0

    def ready(self, at: float) -> int:
        """How many are due at that time and have not left."""
        while self._coming and self._coming[0][0] <= at:
            self._ready += self._coming.popleft()[1]
        return self._ready

    def take(self, count: int) -> int:
        """Let the first so many leave; gives how many of them were late."""
        late = min(count, self.late)
        self._ready -= count
        self.left -= count
        self.late -= late
        return late


class _Lane:
    """One account played forward: when it is free, and what it has sent in the last 24 hours."""

    def __init__(self, account: SendingAccount, now: datetime) -> None:
        self.account = account
        wait = pacing.may_send(account.pace, (), 1, now)
        self.free_s = (wait.until if wait else now).timestamp()
        self._first_sent_at = account.pace.first_sent_at
        self.sent = _Sent(account.counted, now)

    def fits(self, plan: "_Plan", start: float, end: float) -> int:
        """How many mails of this sequence may leave it from `start` to `end`."""
        free = max(self.free_s, start)
        if free >= end:
            return 0
        ramp, limit = plan.sequence.ramp, self.account.limit
        if ramp is not None:
            limit = pacing.allowance(limit, ramp, self._first_sent_at, datetime.fromtimestamp(start, UTC))
        room, sent = limit - self.sent.count(start), self.sent
        if room > 0 and plan.sequence.daily_limit is not None:
            sent = plan.sent_of(self.account.id)
            room = min(room, plan.sequence.daily_limit - sent.count(start))
        if room <= 0:
            # There is none before the oldest mail stops counting, save that warming up goes on.
            plan.full_until[self.account.id] = 0.0 if ramp else sent.oldest_s + pacing.DAY_S
            return 0
        return room if plan.gap_s <= 0 else min(room, -int(-(end - free) // plan.gap_s))

    def send(self, plan: "_Plan", queue: _Queue, count: int, start: float, play: _Play) -> None:
        """Let so many mails leave, a gap apart, from `start` on or when it is free."""
        first = max(self.free_s, start)
        late = queue.take(count)
        times = [first + index * plan.gap_s for index in range(count)]
        self.free_s = first + count * plan.gap_s
        self._first_sent_at = self._first_sent_at or datetime.fromtimestamp(first, UTC)
        self.sent.add(times)
        if plan.sequence.daily_limit is not None:
            plan.sent_of(self.account.id).add(times)
        play.note(self.account.id, start, count, times[late - 1] if late else None)


class _Sent:
    """When mails left, oldest first, as far as they still count towards a limit."""

    def __init__(self, counted: Sequence[datetime], now: datetime) -> None:
        latest = now + timedelta(seconds=pacing.AHEAD_S)
        self._times = deque(at.timestamp() for at in reversed(counted) if at <= latest)

    @property
    def oldest_s(self) -> float:
        return self._times[0] if self._times else math.inf

    def add(self, times: Iterable[float]) -> None:
        self._times.extend(times)

    def count(self, at: float) -> int:
        while self._times and self._times[0] <= at - pacing.DAY_S:
            self._times.popleft()
        return len(self._times)


class _Plan:
    """One sequence played forward: what is due, to which accounts, and when its window is open."""

    def __init__(
        self, given: SendingSequence, lanes: Mapping[str, _Lane], now: datetime, ends_at: datetime
    ) -> None:
        self.sequence = sequence = given.sequence
        self.gap_s = sum(sequence.gap_s) / 2
        self._now = now
        self._counted = given.counted
        self._lanes = {one: lanes[one] for one in lanes if lanes[one].account.can_send}
        self._sharing = [self._lanes[one] for one in sequence.accounts if one in self._lanes]
        self._pinned: dict[str, _Queue] = {}
        self._shared = _Queue()
        self.left = 0
        self.sent_s = 0.0
        self.full_until: dict[str, float] = {}
        self._sent: dict[str, _Sent] = {}
        waits = sequence.status is SequenceStatus.SCHEDULED and sequence.start_at is not None
        begins_at = max(now, sequence.start_at or now) if waits else now
        self.stretches = [
            (opens.timestamp(), closes.timestamp())
            for opens, closes in sequence.window.stretches(begins_at, ends_at)
        ]

    def take_in(self, due: Due, now: datetime) -> bool:
        """Stand this mail in its queue; False when no account can send it."""
        if due.account_id is None:
            if not self._sharing:
                return False
            queue = self._shared
        elif due.account_id in self._lanes:
            queue = self._pinned.setdefault(due.account_id, _Queue())
        else:
            return False
        # A new prospect whose turn has not come is not late.
        is_late = due.at < now and due.account_id is not None
        queue.add(due.at.timestamp(), due.count, is_late=is_late)
        self.left += due.count
        return True

    @property
    def late(self) -> int:
        """How much overdue mail has not left."""
        return self._shared.late + sum(queue.late for queue in self._pinned.values())

    def lane_ids(self) -> set[str]:
        """Accounts that mail stands for."""
        sharing = {lane.account.id for lane in self._sharing} if self._shared.left else set()
        return sharing | self._pinned.keys()

    def sent_of(self, account_id: str) -> _Sent:
        """What this sequence has sent from the account."""
        sent = self._sent.get(account_id)
        if sent is None:
            sent = self._sent[account_id] = _Sent(self._counted.get(account_id, ()), self._now)
        return sent

    def is_open(self, at: float) -> bool:
        return any(opens <= at < closes for opens, closes in self.stretches)

    def send(self, start: float, end: float, play: _Play) -> None:
        """Let leave what may from `start` to `end`: follow-ups first, then new prospects in fair shares."""
        for account_id, queue in self._pinned.items():
            lane = self._lanes[account_id]
            if start < self.full_until.get(account_id, 0.0):
                continue
            if queue.left and (ready := queue.ready(start)) and (fits := lane.fits(self, start, end)):
                self._let_go(lane, queue, min(ready, fits), start, play)
        ready = self._shared.ready(start)
        if not ready:
            return
        fitting = {
            lane.account.id: lane.fits(self, start, end)
            for lane in self._sharing
            if lane.free_s < end and start >= self.full_until.get(lane.account.id, 0.0)
        }
        for account_id, count in _shares(ready, fitting).items():
            self._let_go(self._lanes[account_id], self._shared, count, start, play)

    def _let_go(self, lane: _Lane, queue: _Queue, count: int, start: float, play: _Play) -> None:
        lane.send(self, queue, count, start, play)
        self.left -= count
        self.sent_s = start


def _shares(count: int, fitting: Mapping[str, int]) -> dict[str, int]:
    """`count` dealt out in turns, to none more than fits; only those who get some."""
    shares: dict[str, int] = {}
    waiting = sorted((fits, account_id) for account_id, fits in fitting.items() if fits > 0)
    for index, (fits, account_id) in enumerate(waiting):
        share = min(fits, -(-count // (len(waiting) - index)))
        if share:
            shares[account_id] = share
        count -= share
    return shares


def _marks(plans: Sequence[_Plan], begins_s: float, ends_s: float) -> list[float]:
    """Where time is cut: at even slots, and wherever a window opens or closes."""
    lanes = sum(len(plan.lane_ids()) for plan in plans)
    most = max(lanes, 1) * (ends_s - begins_s)
    slot = next((one for one in SLOTS_S if most / one <= MOST_SLOTS), SLOTS_S[-1])
    first = int(begins_s // slot) + 1
    even = [index * slot for index in range(first, int(ends_s // slot))]
    edges = [at for plan in plans for stretch in plan.stretches for at in stretch]
    return sorted({begins_s, ends_s, *even, *(at for at in edges if begins_s < at < ends_s)})
