"""Reads the inboxes that may be read: replies and bounces stop a sequence for whom they are from or about."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reply_desktop.domain import enrollment as enrollments
from reply_desktop.domain import inbox, log_texts, timing
from reply_desktop.domain import touch as touches
from reply_desktop.domain.account import Account
from reply_desktop.domain.address import mailbox_key
from reply_desktop.domain.enrollment import Enrollment, EnrollmentState, FinishReason
from reply_desktop.domain.errors import EngineUnavailable, StoreFull
from reply_desktop.domain.inbox import InboxKind, InboxMessage
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.notification import plain
from reply_desktop.domain.prospect import Suppression, SuppressionReason
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.states import CAN_SEND, OutcomeKind
from reply_desktop.domain.touch import SendResultKind, Touch, TouchState
from reply_desktop.services.credentials import CredentialStore
from reply_desktop.services.delivery import continued
from reply_desktop.services.health import Health
from reply_desktop.services.ports import Clock, InboxPage, MailProvider, Store, Tasks, UnitOfWork
from reply_desktop.services.recovery import Recovery
from reply_desktop.services.sequence_feed import News, SequenceFeed

_log = logging.getLogger(__name__)

EVERY_S: Final = 180.0
"""Between two looks into the inboxes, in seconds."""
BELIEVED: Final = timedelta(seconds=2 * EVERY_S)
"""How long ago an inbox may have been looked into when mail leaves its account."""
MOST_AT_ONCE: Final = 16
"""Inboxes read at the same time: the workers have other work too."""
AFTERWARDS: Final = timedelta(days=30)
"""How long after a sequence has finished its replies are looked for."""
PAGES: Final = 50
"""Most pages of one inbox read in one go."""


@dataclass(frozen=True, slots=True)
class _Match:
    """Whom a message is about: places in sequences, and the very touch it answers or returns, if known."""

    email: str
    places: tuple[Enrollment, ...]
    touch: Touch | None = None


class Replies:
    """Looks into inboxes of accounts that sequences use, and into the sent mail for what is in doubt.

    What a message changed and how far the inbox was read are one commit: each message is handled once.
    """

    def __init__(
        self,
        store: Store,
        credentials: CredentialStore,
        providers: Mapping[Provider, MailProvider],
        health: Health,
        recovery: Recovery,
        feed: SequenceFeed,
        clock: Clock,
        tasks: Tasks,
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._providers = providers
        self._health = health
        self._recovery = recovery
        self._feed = feed
        self._clock = clock
        self._tasks = tasks
        self._waiting: deque[str] = deque()
        self._reading: set[str] = set()
        self._looked_at: dict[str, datetime] = {}
        self._stopping = False
        self._lock = threading.Lock()
        self._read_one = threading.Condition(self._lock)

    def look(self) -> int:
        """Begin to read every inbox that is worth it; gives how many. One being read is left alone."""
        with self._store.read() as unit:
            wanted = [account.id for account in self._worth_reading(unit)]
            doubts = bool(unit.touches.in_doubt())
        with self._lock:
            fresh = [one for one in wanted if one not in self._reading and one not in self._waiting]
            self._waiting.extend(fresh)
        for _ in range(min(len(fresh), MOST_AT_ONCE)):
            self._next()
        if doubts:
            self._submit(self._look_for_doubts)
        return len(fresh)

    def stop(self) -> None:
        """The engine is ending: no inbox is begun any more."""
        with self._lock:
            self._stopping = True
            self._waiting.clear()
            self._read_one.notify_all()

    def catch_up(self, account_id: str) -> None:
        """Read an inbox, unless that was done lately, before its account sends. Blocks for the network.

        Who answered while the app did not run or the computer slept gets no follow-up for it. An inbox that
        cannot be read keeps nothing from being sent. Raises StoreFull.
        """
        with self._lock:
            self._read_one.wait_for(lambda: self._stopping or account_id not in self._reading)
            now, looked_at = self._clock.now(), self._looked_at.get(account_id)
            if self._stopping or (looked_at is not None and abs(now - looked_at) < BELIEVED):
                return
            self._reading.add(account_id)
        try:
            with self._store.read() as unit:
                account = unit.accounts.get(account_id)
            if account is not None and self._may_read(account, now):
                self.read(account_id)
        finally:
            self._have_read(account_id)

    def read(self, account_id: str) -> None:
        """Read one inbox from where the last look ended. Blocks for the network."""
        for _ in range(PAGES):
            page = self._page(account_id)
            if page is None or not page.outcome.proves:
                if page is not None and page.outcome.kind in (OutcomeKind.LOST, OutcomeKind.BLOCKED):
                    # Whether the account is lost is for a check to say: it may be only the reading.
                    self._health.submit(account_id)
                return
            if self._stopping:
                return
            self._take(account_id, page)
            if not page.more:
                return

    def _next(self) -> None:
        with self._lock:
            if not self._waiting or self._stopping or len(self._reading) >= MOST_AT_ONCE:
                return
            account_id = self._waiting.popleft()
            while account_id in self._reading and self._waiting:
                account_id = self._waiting.popleft()
            if account_id in self._reading:
                return
            self._reading.add(account_id)

        def run() -> None:
            try:
                self.read(account_id)
            except StoreFull as error:
                _log.error("Replies could not be kept: %s", error)
            finally:
                self._have_read(account_id)
                self._next()

        self._submit(run)

    def _have_read(self, account_id: str) -> None:
        with self._lock:
            self._looked_at[account_id] = self._clock.now()
            self._reading.discard(account_id)
            self._read_one.notify_all()

    def _submit(self, run: Callable[[], None]) -> None:
        try:
            self._tasks.submit(run)
        except EngineUnavailable:
            self.stop()

    def _look_for_doubts(self) -> None:
        self._recovery.look()

    def _worth_reading(self, unit: UnitOfWork) -> list[Account]:
        now = self._clock.now()
        ids: dict[str, None] = {}
        for sequence in unit.sequences.all():
            if sequence.is_on or sequence.status is SequenceStatus.PAUSED or _lately(unit, sequence, now):
                ids.update(dict.fromkeys(sequence.accounts))
        # Who had mail from an account answers to it, also when it was taken out of the sequence meanwhile.
        others = [one for one in unit.accounts.ids(states=tuple(CAN_SEND)) if one not in ids]
        pinned = unit.enrollments.pinned_to(others) | {touch.account_id for touch in unit.touches.in_doubt()}
        ids.update(dict.fromkeys(one for one in others if one in pinned))
        found = [account for one in ids if (account := unit.accounts.get(one)) is not None]
        return [account for account in found if self._may_read(account, now)]

    def _may_read(self, account: Account, now: datetime) -> bool:
        return (
            account.state in CAN_SEND
            and timing.is_fresh(account.proven_at, now)
            and self._providers[account.provider].may_read(account)
        )

    def _page(self, account_id: str) -> InboxPage | None:
        loaded = self._credentials.load(account_id)
        if loaded is None or loaded.credentials is None:
            return None
        with self._store.read() as unit:
            mark = unit.inbox_marks.get(account_id)
            begun = _begun(unit, account_id) if mark is None else None
        now = self._clock.now()
        cursor, read_at = mark or (None, begun or now)
        since = max(read_at, now - AFTERWARDS)
        try:
            provider = self._providers[loaded.account.provider]
            return provider.read_inbox(loaded.account, loaded.credentials, cursor, since)
        except Exception:
            _log.exception("The provider adapter failed on %s", loaded.account.provider)
            return None

    def _take(self, account_id: str, page: InboxPage) -> None:
        """What a page says and how far it goes, in one commit."""
        now, news = self._clock.now(), News()
        with self._store.begin() as unit:
            account = unit.accounts.get(account_id)
            if account is None:
                return
            known = _Known(unit, account, page.messages)
            for message in page.messages:
                self._handle(unit, known, message, now, news)
            unit.inbox_marks.put(account_id, page.cursor, now)
            news.write(unit)
            unit.commit()
        self._feed.publish(news)

    def _handle(
        self, unit: UnitOfWork, known: "_Known", message: InboxMessage, now: datetime, news: News
    ) -> None:
        match = known.match(message)
        if match is None:
            return
        kind = inbox.classify(message, [match.email], known.own(message), ours=match.touch is not None)
        if kind is InboxKind.UNRELATED:
            return
        if match.touch is not None and match.touch.state is TouchState.IN_DOUBT:
            self._was_sent(unit, match.touch, message, now)
        if kind is InboxKind.BOUNCE_HARD:
            note = plain(_status_of(message, match.email) or message.subject)
            unit.suppressions.put(Suppression(match.email, SuppressionReason.BOUNCED, now, note))
        if kind is InboxKind.UNSUBSCRIBE:
            unit.suppressions.put(Suppression(match.email, SuppressionReason.UNSUBSCRIBED, now))
            here = {place.id for place in match.places}
            everywhere = [one for one in unit.enrollments.open_of(match.email) if one.id not in here]
            match = _Match(match.email, (*match.places, *everywhere), match.touch)
        for place in match.places:
            # As it is now: a message before this one may have changed it.
            current = unit.enrollments.get(place.id)
            sequence = unit.sequences.get(place.sequence_id)
            if current is None or sequence is None:
                continue
            reason = _ENDS.get(kind)
            if reason is FinishReason.REPLIED and not sequence.stop_on_reply:
                reason = None
            if reason is not None:
                after = enrollments.finish(current, reason, now)
                if after is not current:
                    unit.enrollments.save(after)
                    if current.state is not EnrollmentState.FINISHED:
                        news.finished.append(sequence.id)
            news.prospect(sequence.id, current.id)
            news.say(_entry(kind, sequence, known.account.address, match, message, now))

    @staticmethod
    def _was_sent(unit: UnitOfWork, touch: Touch, message: InboxMessage, now: datetime) -> None:
        """An answer proves that the message in doubt arrived: its prospect goes on from there."""
        unit.touches.save(touches.settle(touch, SendResultKind.SENT, now))
        place = unit.enrollments.get(touch.enrollment_id)
        sequence = unit.sequences.get(touch.sequence_id)
        step = None if sequence is None else sequence.step(touch.step_id)
        if place is None or sequence is None or step is None:
            return
        thread = continued(place.thread, message.subject, touch.message_id or "", message.provider_thread)
        unit.enrollments.save(enrollments.sent(place, sequence, step, touch.reserved_at, thread))


class _Known:
    """What one page of messages may be about, read from the store at once."""

    def __init__(self, unit: UnitOfWork, account: Account, messages: tuple[InboxMessage, ...]) -> None:
        self._unit = unit
        self.account = account
        markers = {one for message in messages for one in message.markers}
        markers |= {one for message in messages if (one := inbox.unsubscribe_marker(message.subject))}
        references = {one for message in messages for one in message.references}
        threads = {one for message in messages if (one := message.provider_thread)}
        self._by_marker = {one.id: one for one in unit.touches.by_markers(markers)} if markers else {}
        found = unit.touches.by_message_ids(references) if references else []
        self._by_reference = {one.message_id: one for one in found}
        self._by_thread: dict[str, Touch] = {}
        for touch in unit.touches.by_threads(account.id, threads) if threads else []:
            place = unit.enrollments.get(touch.enrollment_id)
            if place is not None and place.thread.provider_thread:
                self._by_thread[place.thread.provider_thread] = touch
        self._users = unit.sequences.all()

    def match(self, message: InboxMessage) -> _Match | None:
        """Whom this message is about: by our marker, by what it answers, by its thread, by its sender."""
        touch = self._touch(message)
        if touch is not None:
            place = self._unit.enrollments.get(touch.enrollment_id)
            prospect = None if place is None else self._unit.prospects.get(place.prospect_id)
            if place is not None and prospect is not None:
                return _Match(prospect.email, (place,), touch)
        named = [address for address, _ in message.failed] or [message.sender]
        for email in named:
            prospect = self._unit.prospects.find(email)
            if prospect is None:
                continue
            places = tuple(
                place
                for sequence in self._users
                if self.account.id in sequence.accounts
                and (place := self._unit.enrollments.find(sequence.id, prospect.id)) is not None
                and place.last_sent_at is not None
                and place.account_id in (self.account.id, None)
            )
            known = {place.id for place in places}
            pinned = tuple(
                place
                for place in self._unit.enrollments.open_of(email)
                if place.account_id == self.account.id and place.last_sent_at and place.id not in known
            )
            if places or pinned:
                return _Match(prospect.email, (*places, *pinned))
        return None

    def own(self, message: InboxMessage) -> tuple[str, ...]:
        """The sender's address if it is one of our accounts."""
        return (message.sender,) if self._unit.accounts.find(message.sender) is not None else ()

    def _touch(self, message: InboxMessage) -> Touch | None:
        asked = inbox.unsubscribe_marker(message.subject)
        marked = [self._by_marker.get(one) for one in (*message.markers, *([asked] if asked else []))]
        answered = [self._by_reference.get(one) for one in message.references]
        thread = self._by_thread.get(message.provider_thread or "")
        return next((one for one in (*marked, *reversed(answered), thread) if one is not None), None)


def _begun(unit: UnitOfWork, account_id: str) -> datetime | None:
    """When the first of the sequences began that the account sends for, or has prospects of."""
    times = [
        one.started_at
        for one in unit.sequences.all()
        if one.started_at is not None
        and (account_id in one.accounts or unit.enrollments.next_due_at(one.id, account_id) is not None)
    ]
    return min(times, default=None)


def _lately(unit: UnitOfWork, sequence: MailSequence, now: datetime) -> bool:
    """Whether the sequence finished not so long ago that nobody answers any more."""
    if sequence.status is not SequenceStatus.FINISHED:
        return False
    last = unit.log.last(sequence.id, (LogKind.FINISHED,))
    return last is not None and now - last.at < AFTERWARDS


def _status_of(message: InboxMessage, email: str) -> str:
    return next((status for one, status in message.failed if mailbox_key(one) == mailbox_key(email)), "")


def _entry(
    kind: InboxKind,
    sequence: MailSequence,
    account: str,
    match: _Match,
    message: InboxMessage,
    now: datetime,
) -> LogEntry:
    key = match.touch.id if match.touch else None
    match kind:
        case InboxKind.REPLY:
            return log_texts.replied(sequence.id, account, match.email, sequence.stop_on_reply, key, now)
        case InboxKind.AUTO_REPLY:
            return log_texts.auto_replied(sequence.id, account, match.email, key, now)
        case InboxKind.UNSUBSCRIBE:
            return log_texts.unsubscribed(sequence.id, account, match.email, now)
        case _:
            said = _status_of(message, match.email)
            hard = kind is InboxKind.BOUNCE_HARD
            return log_texts.bounced(sequence.id, account, match.email, said, key, now, hard=hard)


_ENDS: Final = {
    InboxKind.REPLY: FinishReason.REPLIED,
    InboxKind.BOUNCE_HARD: FinishReason.BOUNCED,
    InboxKind.UNSUBSCRIBE: FinishReason.UNSUBSCRIBED,
}
"""Kind of message → why nothing more is sent to the prospect."""
