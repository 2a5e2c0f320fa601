"""Sends: finds the accounts that may send now, and carries each one's mails out one after the other."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Final

from reply_desktop.domain import assignment, events, log_texts, pacing
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import EngineUnavailable, StoreFull
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.states import CAN_SEND
from reply_desktop.domain.touch import NOT_TRIED, SendResultKind
from reply_desktop.services.course import Course
from reply_desktop.services.credentials import CredentialStore, Loaded
from reply_desktop.services.delivery import Delivery, HandedOver, Reserved, is_paused
from reply_desktop.services.dispatch import DAY, Dispatch, Full, IsTurn, Pick, Turns, Wait
from reply_desktop.services.health import Health
from reply_desktop.services.ports import Clock, Store, Tasks, UnitOfWork
from reply_desktop.services.recovery import Recovery
from reply_desktop.services.sequence_feed import News, SequenceFeed

_log = logging.getLogger(__name__)

AGAIN_S: Final = 15.0
"""Until the next try after trouble of our own or an account that could not be proven, in seconds."""
LOOKED_AT_S: Final = 300.0
"""Longest time an account without anything to send is left alone, in seconds."""
JUMP_S: Final = 600.0
"""From how much on a clock that moved is told, in seconds."""
MOST_LOOKED_AT: Final = 500
"""Most accounts looked at in one tick."""

PASSES: Final = 5
"""Most passes over accounts that wait for one another's turn, in one tick."""

_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_FULL_TEXT: Final = "The disk is full: nothing is sent until there is room again."


class Sender:
    """The one that sends. One message in flight per account; what is sent is durable before it leaves.

    `tick` is quick and called by one thread; mails leave on the workers. `soon`, set by the engine, is called
    with the time at which a tick is wanted next when that was not known at the last one. `catch_up`, set
    likewise, reads an account's inbox before mail leaves it, unless that was done lately.
    """

    def __init__(
        self,
        store: Store,
        credentials: CredentialStore,
        health: Health,
        course: Course,
        dispatch: Dispatch,
        delivery: Delivery,
        recovery: Recovery,
        feed: SequenceFeed,
        clock: Clock,
        tasks: Tasks,
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._health = health
        self._course = course
        self._dispatch = dispatch
        self._delivery = delivery
        self._recovery = recovery
        self._feed = feed
        self._clock = clock
        self._tasks = tasks
        self.soon: Callable[[], None] = lambda: None
        self.catch_up: Callable[[str], None] = lambda account_id: None
        self._accounts: dict[str, Account | None] = {}
        self._running: dict[str, MailSequence] = {}
        self._used_by: dict[str, list[MailSequence]] = {}
        self._busy: set[str] = set()
        self._starting: set[str] = set()
        self._look_at: dict[str, datetime] = {}
        self._doubted: dict[str, datetime] = {}
        self._unsettled: dict[str, HandedOver] = {}
        self._full_since: datetime | None = None
        self._back: list[tuple[str, str]] = []
        self._times: tuple[datetime, float] | None = None
        self._stopping = False
        self._started = 0
        self._first = 0
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)

    def start(self) -> None:
        """Before the first tick: what a crash cut off is in doubt, what a wrong clock left is mended."""
        self._recovery.start()
        self._mend()

    def on_event(self, event: events.Event) -> None:
        """Listens to the bus: accounts as they are, and those that came back."""
        match event:
            case events.AccountChanged(after=after):
                with self._lock:
                    known = self._accounts.get(after.id)
                    self._accounts[after.id] = after
                    if known is None or (known.state, known.daily_limit) != (after.state, after.daily_limit):
                        self._look_at.pop(after.id, None)
            case events.AccountRemoved(account_id=account_id):
                with self._lock:
                    self._accounts[account_id] = None
            case events.LogAdded(entries=entries):
                back = [
                    (entry.sequence_id, entry.account)
                    for entry in entries
                    if entry.kind is LogKind.ACCOUNT_BACK and entry.account
                ]
                with self._lock:
                    self._back += back
            case _:
                pass

    def wake(self) -> None:
        """Something changed from outside that decides on what can be sent: look at everything anew."""
        with self._lock:
            self._look_at.clear()
        self._course.forget()

    def tick(self) -> datetime | None:
        """Let everything leave that may now; gives when to look again, None when only news can tell."""
        if self._stopping:
            return None
        now = self._clock.now()
        self._settle_late(now)
        self._notice_clock(now)
        with self._store.read() as unit:
            if is_paused(unit):
                return None
            sequences = unit.sequences.on()
        try:
            running, changed = self._course.keep(sequences, self._find)
            self._tell_back(running)
            self._take_in(running, changed)
            more = self._let_leave(now)
        except StoreFull as error:
            self._disk_is_full(error, now)
            return now + timedelta(seconds=AGAIN_S)
        if more:
            return now
        return min([*self._begin_at(sequences, now), *self._waits()], default=None)

    def stop(self) -> None:
        """The engine is ending: nothing more is reserved; what is in flight is settled as it comes back."""
        with self._lock:
            self._stopping = True

    def finish(self) -> None:
        """After the workers have gone: once more try to write what could not be written."""
        self._settle_late(self._clock.now())

    def drain(self, timeout_s: float = 600.0) -> None:
        """Send all that may leave now and wait for it; for an engine that ends afterwards."""
        started = -1
        while started != self._started:
            started = self._started
            at = self.tick()
            if not self.wait_idle(timeout_s):
                return
            if at is not None and at <= self._clock.now():
                started = -1

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is in flight; gives whether that came in time."""
        with self._lock:
            return self._idle.wait_for(lambda: not self._busy - self._unsettled.keys(), timeout_s)

    @property
    def busy(self) -> int:
        """How many accounts have a message in flight."""
        with self._lock:
            return len(self._busy)

    # What a tick does.

    def _take_in(self, running: Sequence[MailSequence], changed: set[str]) -> None:
        used_by: dict[str, list[MailSequence]] = {}
        for sequence in running:
            for account_id in sequence.accounts:
                used_by.setdefault(account_id, []).append(sequence)
        with self._lock:
            fresh = {one.id: one for one in running}
            anew = {one.id for one in running if self._running.get(one.id) != one} | changed
            self._running, self._used_by = fresh, used_by
            for sequence in running:
                if sequence.id in anew:
                    self._dispatch.forget(sequence.id)
                    for account_id in sequence.accounts:
                        self._look_at.pop(account_id, None)

    def _let_leave(self, now: datetime) -> bool:
        """Start every account that may send; gives whether there is more to look at."""
        waiting = self._ready_now(now)
        waiting.sort(key=lambda one: self._dispatch.waits_since(one, self._used_by.get(one, [])))
        more = len(waiting) > MOST_LOOKED_AT
        if more:
            first = self._first % len(waiting)
            waiting = [*waiting[first:], *waiting[:first]][:MOST_LOOKED_AT]
        for _ in range(PASSES):
            if not waiting:
                return more
            picked, turn = self._look_at_all(waiting, now)
            for account_id in picked:
                self._submit(account_id)
            if len(turn) == len(waiting):
                # They all wait for the turn of one further down.
                self._first += MOST_LOOKED_AT
                return True
            self._first = 0
            waiting = [account_id for account_id in turn if self._is_ready(account_id, now)]
        return True

    def _look_at_all(self, waiting: Sequence[str], now: datetime) -> tuple[list[str], list[str]]:
        """Which of these accounts have something to send, and which wait for another account's turn."""
        picked: list[str] = []
        turn: list[str] = []
        waits: list[tuple[str, Wait]] = []
        turns = Turns(lambda one, sequence: self._could_send(one, sequence, now))
        with self._store.read() as unit:
            for account_id in waiting:
                account = self._find(account_id)
                if account is None:
                    continue
                found = self._dispatch.look(
                    unit,
                    account,
                    self._used_by.get(account_id, []),
                    now,
                    lambda sequence, lasts, one=account_id: turns.first(sequence, lasts) == one,  # type: ignore[misc]
                )
                if isinstance(found, Wait) and found.turn:
                    turn.append(account_id)
                    continue
                turns.leave(account_id)
                if isinstance(found, Pick):
                    picked.append(account_id)
                    self._start(account_id)
                else:
                    waits.append((account_id, found))
        for account_id, wait in waits:
            self._wait(account_id, wait)
        return picked, turn

    def _ready_now(self, now: datetime) -> list[str]:
        with self._lock:
            return [account_id for account_id in self._used_by if self._is_ready(account_id, now)]

    def _is_ready(self, account_id: str, now: datetime) -> bool:
        at = self._look_at.get(account_id)
        if account_id in self._busy or (at is not None and at > now):
            return False
        account = self._find(account_id)
        return account is not None and account.state in CAN_SEND

    def _could_send(self, account_id: str, sequence: MailSequence, now: datetime) -> bool:
        return self._is_ready(account_id, now) and not self._dispatch.allowances.is_full(
            account_id, sequence.id, now
        )

    def _goes_on(self, account_id: str) -> IsTurn:
        """Whether an account that has just sent is next again: nobody else is ready, or waits as long."""
        now = self._clock.now()

        def is_turn(sequence: MailSequence, lasts: Mapping[str, datetime]) -> bool:
            with self._lock:
                ready = [
                    one
                    for one in sequence.accounts
                    if one in self._starting or one == account_id or self._could_send(one, sequence, now)
                ]
            return assignment.next_sender(ready, lasts) == account_id

        return is_turn

    def _begin_at(self, sequences: Sequence[MailSequence], now: datetime) -> list[datetime]:
        return [one.start_at for one in sequences if one.start_at is not None and one.start_at > now]

    def _waits(self) -> list[datetime]:
        with self._lock:
            return [
                at
                for account_id, at in self._look_at.items()
                if account_id in self._used_by and account_id not in self._busy and at < _NEVER
            ]

    def _find(self, account_id: str) -> Account | None:
        with self._lock:
            if account_id in self._accounts:
                return self._accounts[account_id]
        with self._store.read() as unit:
            found = unit.accounts.get(account_id)
        with self._lock:
            return self._accounts.setdefault(account_id, found)

    def _tell_back(self, running: Sequence[MailSequence]) -> None:
        with self._lock:
            back, self._back = self._back, []
        for sequence_id, address in back:
            for sequence in running:
                if sequence.id != sequence_id:
                    continue
                for account_id in sequence.accounts:
                    account = self._find(account_id)
                    if account is not None and account.address == address:
                        self._course.plan_late(sequence, [account_id], address)

    # One account's mails.

    def _start(self, account_id: str) -> None:
        with self._lock:
            self._busy.add(account_id)
            self._starting.add(account_id)
            self._started += 1

    def _end(self, account_id: str) -> None:
        with self._lock:
            self._busy.discard(account_id)
            self._starting.discard(account_id)
            self._idle.notify_all()
        self.soon()

    def _wait(self, account_id: str, wait: Wait) -> None:
        latest = self._clock.now() + timedelta(seconds=LOOKED_AT_S)
        with self._lock:
            self._look_at[account_id] = min(wait.until or latest, latest)
        if wait.full:
            self._tell_full(account_id, wait.full)

    def _submit(self, account_id: str) -> None:
        try:
            self._tasks.submit(lambda: self._run(account_id))
        except EngineUnavailable:
            self._end(account_id)

    def _run(self, account_id: str) -> None:
        """Send from this account until it must wait. Runs on a worker; the account is marked busy."""
        proving = False
        try:
            loaded = self._proven(account_id)
            if loaded is None:
                proving = self._prove(account_id)
                return
            self.catch_up(account_id)
            reserved = self._reserve(account_id)
            while reserved is not None and loaded is not None:
                assert loaded.credentials is not None
                handed = self._delivery.hand_over(reserved, loaded.credentials)
                reserved, loaded = self._settle(handed, loaded.generation)
        except StoreFull as error:
            self._disk_is_full(error, self._clock.now())
            self._wait(account_id, Wait(self._clock.now() + timedelta(seconds=AGAIN_S)))
        except Exception:
            _log.exception("Sending failed by a fault of the app's own")
            self._wait(account_id, Wait(self._clock.now() + timedelta(seconds=AGAIN_S)))
        finally:
            if not proving and account_id not in self._unsettled:
                self._end(account_id)

    def _proven(self, account_id: str) -> Loaded | None:
        """The credentials, if the account was proven lately and they last for a while; asks nobody."""
        loaded = self._credentials.load(account_id)
        if loaded is None or not loaded.is_proven(self._clock.now()):
            return None
        proven_at, doubted_at = loaded.account.proven_at, self._doubted.get(account_id)
        if doubted_at is not None and proven_at is not None and proven_at <= doubted_at:
            return None
        self._doubted.pop(account_id, None)
        return loaded

    def _prove(self, account_id: str) -> bool:
        """Have the account checked, and look at it again afterwards; False when it cannot be."""

        def proven(future: "Future[Account | None]") -> None:
            account = future.result()
            now = self._clock.now()
            if account is not None and self._proven(account_id) is None:
                at = now + timedelta(seconds=AGAIN_S)
                self._wait(account_id, Wait(max(at, account.next_check_at or at)))
            self._end(account_id)

        with self._lock:
            self._starting.discard(account_id)
        future = self._health.submit(account_id)
        future.add_done_callback(proven)
        return True

    def _reserve(self, account_id: str) -> Reserved | None:
        news = News()
        with self._store.begin(durable=True) as unit:
            # The tick gave it a turn.
            found = self._reserve_in(unit, account_id, lambda sequence, lasts: True, news)
            news.write(unit)
            unit.commit()
        return self._taken(account_id, found, news)

    def _reserve_in(self, unit: UnitOfWork, account_id: str, is_turn: IsTurn, news: News) -> Reserved | Wait:
        if self._stopping:
            return Wait()
        sequences = self._used_by.get(account_id, [])
        return self._delivery.reserve(unit, account_id, sequences, is_turn, news)

    def _taken(self, account_id: str, found: Reserved | Wait, news: News) -> Reserved | None:
        with self._lock:
            self._starting.discard(account_id)
        self._feed.publish(news)
        if self._course.ended(news.finished):
            self.soon()
        if isinstance(found, Reserved):
            return found
        if not found.turn:
            self._wait(account_id, found)
        return None

    def _settle(self, handed: HandedOver, generation: int) -> tuple[Reserved | None, Loaded | None]:
        """Write what became of it, together with the account's next reservation where there is one.

        Gives that reservation and the credentials to send it with.
        """
        account_id, kind = handed.reserved.account.id, handed.kind
        cause = handed.result.outcome.cause
        unreached = kind is SendResultKind.TRY_LATER and cause in NOT_TRIED and cause is not Cause.THROTTLED
        out = kind is SendResultKind.SENDER_OUT
        try:
            found, loaded, news = self._write(handed, goes_on=not (unreached or out))
        except StoreFull as error:
            with self._lock:
                self._unsettled[account_id] = handed
            self._disk_is_full(error, self._clock.now())
            return None, None
        if unreached:
            self._doubted[account_id] = self._clock.now()
        reserved = self._taken(account_id, found, news)
        if out or unreached:
            self._report(account_id, handed, generation)
        return reserved, loaded

    def _write(self, handed: HandedOver, *, goes_on: bool) -> tuple[Reserved | Wait, Loaded | None, News]:
        """What became of it in one commit with the next reservation, if the account goes on and is proven.

        Gives its credentials too. Should that fail by a fault of our own, it is written by itself. Raises
        StoreFull.
        """
        account_id, news = handed.reserved.account.id, News()
        found: Reserved | Wait = Wait(self._clock.now())
        try:
            loaded = self._proven(account_id) if goes_on else None
            with self._store.begin(durable=loaded is not None) as unit:
                self._delivery.settle(unit, handed, news)
                if loaded is not None:
                    found = self._reserve_in(unit, account_id, self._goes_on(account_id), news)
                news.write(unit)
                unit.commit()
        except StoreFull:
            raise
        except Exception:
            _log.exception("What became of a mail could not be written; it is tried once more")
            return Wait(self._clock.now() + timedelta(seconds=AGAIN_S)), None, self._write_alone(handed)
        return found, loaded, news

    def _write_alone(self, handed: HandedOver) -> News:
        """What became of it; if even that fails by a fault of our own, it is in doubt and told so at once.

        Raises StoreFull.
        """
        news = News()
        try:
            with self._store.begin(durable=True) as unit:
                self._delivery.settle(unit, handed, news)
                news.write(unit)
                unit.commit()
        except StoreFull:
            raise
        except Exception:
            _log.exception("What became of a mail could not be written; it is in doubt")
            self._recovery.lose_sight(handed.reserved.touch.id)
            return News()
        return news

    def _report(self, account_id: str, handed: HandedOver, generation: int) -> None:
        """What a send told of its account is taken like a check's answer."""
        try:
            self._health.report(account_id, handed.result.outcome, generation)
        except StoreFull as error:
            self._disk_is_full(error, self._clock.now())

    # Troubles of the computer's own.

    def _settle_late(self, now: datetime) -> None:
        """Write what could not be written for want of room, before anything else is sent."""
        with self._lock:
            waiting = dict(self._unsettled)
        for account_id, handed in waiting.items():
            try:
                news = self._write_alone(handed)
            except StoreFull:
                return
            with self._lock:
                self._unsettled.pop(account_id, None)
            self._feed.publish(news)
            self._course.ended(news.finished)
            self._end(account_id)
        since = self._full_since
        if since is not None:
            self._tell_room(since, now)

    def _tell_room(self, since: datetime, now: datetime) -> None:
        news = News()
        try:
            with self._store.begin() as unit:
                for sequence in unit.sequences.on():
                    news.say(log_texts.disk_full(sequence, since, now))
                news.write(unit)
                unit.commit()
        except StoreFull:
            return
        self._full_since = None
        self._feed.trouble(None)
        self._feed.publish(news)

    def _disk_is_full(self, error: StoreFull, now: datetime) -> None:
        if self._full_since is None:
            _log.error("Sending stands still: %s", error)
            self._full_since = now
        self._feed.trouble(_FULL_TEXT)

    def _notice_clock(self, now: datetime) -> None:
        """Tell a clock that did not go on as time did, and let no time of before hold anything up."""
        monotonic = self._clock.monotonic()
        known, self._times = self._times, (now, monotonic)
        if known is None:
            return
        by_s = (now - known[0]).total_seconds() - (monotonic - known[1])
        if abs(by_s) < 1.0:
            return
        self._dispatch.allowances.forget()
        self.wake()
        if abs(by_s) < JUMP_S:
            return
        news, running = News(), list(self._running.values())
        try:
            if by_s < 0:
                self._mend()
            with self._store.begin() as unit:
                for sequence in running:
                    if unit.sequences.get(sequence.id) is not None:
                        news.say(log_texts.clock_moved(sequence.id, timedelta(seconds=by_s), now))
                news.write(unit)
                unit.commit()
            self._feed.publish(news)
            if by_s > 0:
                for sequence in running:
                    self._course.plan_late(sequence, sequence.accounts, None)
        except StoreFull as error:
            self._disk_is_full(error, now)

    def _mend(self) -> None:
        """Undo what a clock that was far ahead has left: paces and prospects due when it was."""
        now = self._clock.now()
        with self._store.read() as unit:
            sequences = unit.sequences.on()
            used = {one for sequence in sequences for one in sequence.accounts}
            wrong = [
                mended
                for pace in map(unit.paces.get, used)
                if (mended := pacing.mended(pace, now)) is not pace
            ]
        if wrong:
            with self._store.begin() as unit:
                for pace in wrong:
                    if unit.accounts.get(pace.account_id) is not None:
                        unit.paces.save(pace)
                unit.commit()
        for sequence in sequences:
            self._course.mend(sequence)

    def _tell_full(self, account_id: str, full: Sequence[Full]) -> None:
        """Say once that an account has sent as much in 24 hours as it may."""
        now = self._clock.now()
        account = self._find(account_id)
        if account is None:
            return
        with self._store.read() as unit:
            untold = [
                one
                for one in full
                if (last := unit.log.last(one.sequence.id, (LogKind.LIMIT_REACHED,), account.address)) is None
                # Mails that stop counting one by one make room one by one: one story, told once a day.
                or last.at + DAY < one.until
            ]
            untold = [one for one in untold if unit.enrollments.late(one.sequence.id, None, now)]
        if not untold:
            return
        news = News()
        with self._store.begin() as unit:
            for one in untold:
                if unit.sequences.get(one.sequence.id) is not None:
                    news.say(
                        log_texts.limit_reached(one.sequence, account.address, one.limit, one.until, now)
                    )
            news.write(unit)
            unit.commit()
        self._feed.publish(news)
