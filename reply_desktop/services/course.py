"""The course of sequences that are on: they begin, stand still for a reason that is told, go on, finish."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from reply_desktop.domain import assignment, forecast, log_texts, preflight
from reply_desktop.domain import enrollment as enrollments
from reply_desktop.domain.account import Account
from reply_desktop.domain.enrollment import EnrollmentState
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence import SequenceMove, SequenceStatus, StrandedKind, moved
from reply_desktop.domain.sequence_rows import ProspectFilter
from reply_desktop.domain.states import CAN_SEND
from reply_desktop.services.dispatch import DAY
from reply_desktop.services.ports import Clock, MailProvider, Store, UnitOfWork
from reply_desktop.services.sequence_feed import News, SequenceFeed

COUNTED_ANEW: Final = timedelta(seconds=15)
"""How long a count of open prospects is believed."""
HANDFUL: Final = 5
"""Up to so many late mails are not worth a word."""
TOGETHER: Final = 1000
"""Most stranded prospects read at once."""
PLANNED_HOURS: Final = 7 * 24
"""How far ahead late mail is planned."""

_BEYOND: Final = timedelta(days=2)
"""By how much a due time may lie further ahead than a step's delay: tries of a message go on for so long."""

Find = Callable[[str], Account | None]
"""The account of this id as it is now."""


@dataclass
class _Known:
    """What is remembered of a sequence between two looks."""

    revision: int
    status: SequenceStatus
    open: int = 0
    counted_at: datetime | None = None
    stranded_at: datetime | None = None
    foreign: tuple[str, ...] = ()


class Course:
    """Moves sequences along. Writes only when something changed, and tells it after commit.

    `check(account_id)` has an account's provider asked in the background.
    """

    def __init__(
        self,
        store: Store,
        providers: Mapping[Provider, MailProvider],
        feed: SequenceFeed,
        clock: Clock,
        check: Callable[[str], object],
    ) -> None:
        self._store = store
        self._providers = providers
        self._feed = feed
        self._clock = clock
        self._check = check
        self._known: dict[str, _Known] = {}

    def keep(self, sequences: Sequence[MailSequence], find: Find) -> tuple[list[MailSequence], set[str]]:
        """The sequences that send now, after what had to happen to them; and which were edited or new.

        `sequences`: those that are on.
        """
        now = self._clock.now()
        running: list[MailSequence] = []
        changed: set[str] = set()
        for gone in self._known.keys() - {sequence.id for sequence in sequences}:
            del self._known[gone]
        for sequence in sequences:
            known = self._known.get(sequence.id)
            if known is None or (known.revision, known.status) != (sequence.revision, sequence.status):
                changed.add(sequence.id)
                known = self._known[sequence.id] = _Known(sequence.revision, sequence.status)
                known.foreign = self._foreign(sequence)
            kept = self._look(sequence, known, find, now)
            if kept is not None:
                self._strand(kept, known, find, now)
                running.append(kept)
        return running, changed

    def forget(self) -> None:
        """Count anew at the next look: prospects came, or were let go on."""
        for known in self._known.values():
            known.counted_at = None
            known.stranded_at = None

    def ended(self, sequence_ids: Sequence[str]) -> bool:
        """So many prospects of these sequences ended; gives whether one of them may be done."""
        done = False
        for sequence_id in sequence_ids:
            known = self._known.get(sequence_id)
            if known is None:
                continue
            known.open -= 1
            if known.open <= 0:
                known.counted_at = None
                done = True
        return done

    def plan_late(self, sequence: MailSequence, account_ids: Sequence[str], account: str | None) -> None:
        """Tell when late mail of these accounts leaves, if it is more than a handful; `account`: address."""
        now, news = self._clock.now(), News()
        with self._store.read() as unit:
            late = unit.enrollments.late(sequence.id, account_ids, now)
            if late <= HANDFUL:
                return
            until = self._late_until(unit, sequence, account_ids, late, now)
        with self._store.begin() as unit:
            if unit.sequences.get(sequence.id) is None:
                return
            news.say(log_texts.repaced(sequence.id, late, until, account, now))
            news.write(unit)
            unit.commit()
        self._feed.publish(news)

    def mend(self, sequence: MailSequence) -> None:
        """Prospects due later than any step can make them were scheduled by a clock that was far ahead."""
        now = self._clock.now()
        latest = (
            now + timedelta(seconds=max((step.after_s for step in sequence.steps), default=0.0)) + _BEYOND
        )
        with self._store.read() as unit:
            due = [unit.enrollments.next_due_at(sequence.id, one) for one in (None, *sequence.accounts)]
        if not any(at is not None and at > latest for at in due):
            return
        open_ones = ProspectFilter(sequence.id, states=(EnrollmentState.WAITING, EnrollmentState.ACTIVE))
        ids = self._store.reads.sequences.prospect_ids(open_ones)
        for start in range(0, len(ids), TOGETHER):
            with self._store.begin() as unit:
                for enrollment_id in ids[start : start + TOGETHER]:
                    place = unit.enrollments.get(enrollment_id)
                    if place is not None and place.due_at is not None and place.due_at > latest:
                        step = sequence.step_after(place.done) if place.done else None
                        after = timedelta(seconds=step.after_s if step else 0.0)
                        unit.enrollments.save(replace(place, due_at=now + after))
                unit.commit()

    def _look(self, sequence: MailSequence, known: _Known, find: Find, now: datetime) -> MailSequence | None:
        """The sequence if it sends now. A scheduled one whose time has come begins."""
        scheduled = sequence.status is SequenceStatus.SCHEDULED
        if scheduled and sequence.start_at is not None and sequence.start_at > now:
            return None
        if known.counted_at is None or not timedelta(0) <= now - known.counted_at < COUNTED_ANEW:
            with self._store.read() as unit:
                known.open = unit.enrollments.open_count(sequence.id)
            known.counted_at = now
        able = [one for one in sequence.accounts if (found := find(one)) and found.state in CAN_SEND]
        problem = preflight.check(sequence, can_send=able, open_prospects=known.open)
        if not scheduled and known.open <= 0 and self._finish(sequence, known, now):
            return None
        if problem is sequence.problem and not (scheduled and problem is None):
            return sequence if problem is None else None
        return self._turn(sequence, known, problem, find, now)

    def _turn(
        self,
        before: MailSequence,
        known: _Known,
        problem: Problem | None,
        find: Find,
        now: datetime,
    ) -> MailSequence | None:
        """Write that the sequence begins, is kept from sending, or goes on."""
        news = News()
        accounts = [found for one in before.accounts if (found := find(one)) is not None]
        with self._store.begin() as unit:
            sequence = unit.sequences.get(before.id)
            if sequence is None or (sequence.revision, sequence.status) != (before.revision, before.status):
                return None
            begins = sequence.status is SequenceStatus.SCHEDULED and problem is None
            after = moved(sequence, SequenceMove.BEGIN, now) if begins else sequence
            after = replace(after, problem=problem)
            unit.sequences.save(after)
            for entry in _turned(sequence, problem, accounts, now):
                news.say(entry)
            if begins:
                news.say(log_texts.started(sequence.id, now))
                self._tell_out(unit, sequence, accounts, now, news)
                self._tell_blind(unit, sequence, accounts, now, news)
            news.sequences.add(sequence.id)
            news.write(unit)
            unit.commit()
        known.status = after.status
        self._feed.publish(news)
        if begins:
            for account in accounts:
                if account.state in CAN_SEND:
                    self._check(account.id)
            self.plan_late(after, [account.id for account in accounts], None)
        return after if problem is None else None

    def _finish(self, before: MailSequence, known: _Known, now: datetime) -> bool:
        news = News()
        with self._store.begin() as unit:
            sequence = unit.sequences.get(before.id)
            known.open = unit.enrollments.open_count(before.id)
            had = unit.enrollments.last_ordinal(before.id) > 0
            if sequence is None or sequence.status is not SequenceStatus.RUNNING or known.open or not had:
                return False
            unit.sequences.save(replace(moved(sequence, SequenceMove.FINISH, now), problem=None))
            news.say(log_texts.finished(sequence.id, now))
            news.write(unit)
            unit.commit()
        self._feed.publish(news)
        return True

    @staticmethod
    def _tell_out(
        unit: UnitOfWork, sequence: MailSequence, accounts: Sequence[Account], now: datetime, news: News
    ) -> None:
        """Accounts that are out already when the sequence begins are named in its log, like later ones."""
        able = [account.address for account in accounts if account.state in CAN_SEND]
        for account in accounts:
            if account.state in CAN_SEND:
                continue
            last = unit.log.last(sequence.id, _OUT_OR_BACK, account.address)
            if last is None or last.kind is LogKind.ACCOUNT_BACK:
                episode = unit.episodes.open_of(account.id)
                rest = log_texts.Rest(tuple(able[: log_texts.NAMED]), len(able))
                news.say(
                    log_texts.account_out(sequence.id, account, rest, episode.id if episode else None, now)
                )

    def _tell_blind(
        self,
        unit: UnitOfWork,
        sequence: MailSequence,
        accounts: Sequence[Account],
        now: datetime,
        news: News,
    ) -> None:
        blind = [
            account.address for account in accounts if not self._providers[account.provider].may_read(account)
        ]
        if not blind:
            return
        entry = log_texts.cannot_see_replies(sequence.id, blind, now)
        last = unit.log.last(sequence.id, (LogKind.CANNOT_SEE_REPLIES,))
        if last is None or last.text != entry.text:
            news.say(entry)

    def _foreign(self, sequence: MailSequence) -> tuple[str, ...]:
        """Accounts the sequence no longer sends from, to which prospects are pinned all the same.

        Only looked for when they could move: there may be ten thousand accounts.
        """
        if sequence.stranded.kind is StrandedKind.WAIT:
            return ()
        with self._store.read() as unit:
            others = set(unit.accounts.ids()) - set(sequence.accounts)
            return tuple(
                one for one in sorted(others) if unit.enrollments.next_due_at(sequence.id, one) is not None
            )

    def _strand(self, sequence: MailSequence, known: _Known, find: Find, now: datetime) -> None:
        """Let stranded prospects go on from other accounts where the sequence's policy says so."""
        if sequence.stranded.kind is StrandedKind.WAIT:
            return
        if known.stranded_at is not None and timedelta(0) <= now - known.stranded_at < COUNTED_ANEW:
            return
        known.stranded_at = now
        out = [
            found
            for one in (*sequence.accounts, *known.foreign)
            if (found := find(one)) and (found.state not in CAN_SEND or one in known.foreign)
        ]
        for account in out:
            self._move(sequence, account, now)

    def _move(self, sequence: MailSequence, account: Account, now: datetime) -> None:
        unstarted = sequence.stranded.kind is StrandedKind.MOVE_UNSTARTED
        with self._store.read() as unit:
            since, key = self._out_since(unit, sequence, account, now)
            first = unit.enrollments.stranded(sequence.id, account.id, unstarted=unstarted, limit=1)
        if not first or not assignment.leaves(sequence.stranded, first[0], since, now):
            return
        news, count = News(), 0
        with self._store.begin() as unit:
            while stranded := unit.enrollments.stranded(
                sequence.id, account.id, unstarted=unstarted, limit=TOGETHER
            ):
                for enrollment in stranded:
                    unit.enrollments.save(enrollments.moved_to(enrollment, None))
                count += len(stranded)
            news.many.add(sequence.id)
            news.say(log_texts.moved(sequence.id, account.address, count, key, now))
            news.write(unit)
            unit.commit()
        self._feed.publish(news)

    @staticmethod
    def _out_since(
        unit: UnitOfWork, sequence: MailSequence, account: Account, now: datetime
    ) -> tuple[datetime, str | None]:
        """Since when the account has been out for this sequence, and the episode's key."""
        kinds = _OUT_OR_BACK if account.id in sequence.accounts else (LogKind.EDITED,)
        about = account.address if account.id in sequence.accounts else None
        last = unit.log.last(sequence.id, kinds, about)
        if last is not None and last.kind is not LogKind.ACCOUNT_BACK:
            return last.at, last.key
        episode = unit.episodes.open_of(account.id)
        return (episode.started_at, episode.id) if episode else (sequence.started_at or now, None)

    @staticmethod
    def _late_until(
        unit: UnitOfWork,
        sequence: MailSequence,
        account_ids: Sequence[str],
        late: int,
        now: datetime,
    ) -> datetime:
        """When the last of the late mails has left, as far as can be told."""
        accounts = [account for one in account_ids if (account := unit.accounts.get(one)) is not None]
        senders = [
            forecast.SendingAccount(
                account.id,
                account.address,
                account.state in CAN_SEND,
                account.daily_limit,
                unit.paces.get(account.id),
                unit.touches.counted_times(account.id, now - DAY, account.daily_limit),
            )
            for account in accounts
        ]
        dues = [
            forecast.Due(
                sequence.id,
                account.id,
                now - timedelta(seconds=1),
                unit.enrollments.late(sequence.id, [account.id], now),
            )
            for account in accounts
        ]
        told = forecast.forecast(
            dues, [forecast.SendingSequence(sequence)], senders, now, hours=PLANNED_HOURS
        )
        return told.late_until or now + timedelta(hours=PLANNED_HOURS)


def _turned(
    sequence: MailSequence, problem: Problem | None, accounts: Sequence[Account], now: datetime
) -> list[LogEntry]:
    """What the log says when what keeps a sequence from sending has changed."""
    if problem is sequence.problem:
        return []
    if problem is None:
        text = "Nothing keeps the sequence from sending any more."
        return [LogEntry(now, sequence.id, LogKind.CAN_GO_ON, text)]
    told = preflight.words(problem, [account.address for account in accounts])
    return [LogEntry(now, sequence.id, LogKind.CANNOT_BEGIN, f"{told.what} {told.todo}")]


_OUT_OR_BACK: Final = (LogKind.ACCOUNT_OUT, LogKind.ACCOUNT_BACK)
