"""After a crash or a fault: what was being sent is in doubt, told, and looked for where we may."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reply_desktop.domain import enrollment as enrollments
from reply_desktop.domain import log_texts, timing
from reply_desktop.domain import touch as touches
from reply_desktop.domain.account import Account
from reply_desktop.domain.enrollment import Enrollment
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence import Step
from reply_desktop.domain.sequence_rows import Rendered
from reply_desktop.domain.states import CAN_SEND
from reply_desktop.domain.touch import SendResultKind, Touch
from reply_desktop.services.credentials import CredentialStore
from reply_desktop.services.delivery import CLOCKS_APART, continued
from reply_desktop.services.ports import Clock, MailProvider, SentSearch, Store, UnitOfWork
from reply_desktop.services.sequence_feed import News, SequenceFeed
from reply_desktop.services.sequence_ports import Composer

_log = logging.getLogger(__name__)

LOOKED_FOR: Final = timedelta(days=3)
"""How long a message in doubt is looked for again and again."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A touch in doubt with all that is needed to settle it."""

    touch: Touch
    enrollment: Enrollment
    sequence: MailSequence
    step: Step
    prospect: Prospect
    account: Account


class Recovery:
    """Finds out what it can of touches in doubt. It never sends anything.

    Found among the sent mail: it was sent. Not found proves nothing, so it stays for the person to decide.
    """

    def __init__(
        self,
        store: Store,
        credentials: CredentialStore,
        providers: Mapping[Provider, MailProvider],
        composer: Composer,
        feed: SequenceFeed,
        clock: Clock,
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._providers = providers
        self._composer = composer
        self._feed = feed
        self._clock = clock

    def start(self) -> int:
        """Before anything is sent: what a crash cut off is in doubt, in one commit; gives how many."""
        with self._store.read() as unit:
            cut = unit.touches.being_sent()
        if cut:
            self._cut_off(cut, log_texts.APP_ENDED)
            _log.info("%d messages are in doubt since the app ended while they were being sent", len(cut))
        return len(cut)

    def lose_sight(self, touch_id: str) -> None:
        """What became of a message being sent could not be written: it is in doubt from now on, and told.

        Raises StoreFull.
        """
        with self._store.read() as unit:
            touch = unit.touches.get(touch_id)
        if touch is not None and touch.state is touches.TouchState.SENDING:
            self._cut_off([touch], log_texts.OWN_FAULT)

    def look(self) -> int:
        """Look for messages in doubt in the mailboxes that may be read; gives how many were found.

        Asks providers: call it from a worker.
        """
        found = 0
        with self._store.read() as unit:
            waiting = [self._doubt(unit, touch) for touch in unit.touches.in_doubt()]
        for doubt in waiting:
            if doubt is None or not self._may_look(doubt):
                continue
            search = self._search(doubt)
            if search is not None and search.found:
                found += self._settle(doubt, search)
        return found

    def _cut_off(self, cut: Sequence[Touch], why: str) -> None:
        now, news = self._clock.now(), News()
        with self._store.begin(durable=True) as unit:
            for touch in cut:
                unit.touches.save(touches.cut_off(touch, now))
                self._park(unit, touch, why, now, news)
            news.write(unit)
            unit.commit()
        self._feed.publish(news)

    @staticmethod
    def _park(unit: UnitOfWork, touch: Touch, why: str, now: datetime, news: News) -> None:
        enrollment = unit.enrollments.get(touch.enrollment_id)
        sequence = unit.sequences.get(touch.sequence_id)
        if enrollment is None or sequence is None:
            return
        prospect = unit.prospects.get(enrollment.prospect_id)
        account = unit.accounts.get(touch.account_id)
        step = sequence.step(touch.step_id)
        entry = log_texts.in_doubt(
            sequence.id,
            step.number if step else enrollment.done + 1,
            account.address if account else "the account, which was removed",
            prospect.email if prospect else "the prospect",
            touch.id,
            now,
            why,
        )
        unit.enrollments.save(enrollments.in_doubt(enrollment, entry.text))
        news.prospect(sequence.id, enrollment.id)
        news.say(entry)

    @staticmethod
    def _doubt(unit: UnitOfWork, touch: Touch) -> _Doubt | None:
        enrollment = unit.enrollments.get(touch.enrollment_id)
        sequence = unit.sequences.get(touch.sequence_id)
        account = unit.accounts.get(touch.account_id)
        prospect = enrollment and unit.prospects.get(enrollment.prospect_id)
        step = sequence and sequence.step(touch.step_id)
        if not (enrollment and sequence and account and prospect and step):
            return None
        return _Doubt(touch, enrollment, sequence, step, prospect, account)

    def _may_look(self, doubt: _Doubt) -> bool:
        now, account = self._clock.now(), doubt.account
        return (
            now - doubt.touch.reserved_at < LOOKED_FOR
            and account.state in CAN_SEND
            and timing.is_fresh(account.proven_at, now)
            and self._providers[account.provider].may_read(account)
        )

    def _search(self, doubt: _Doubt) -> SentSearch | None:
        loaded = self._credentials.load(doubt.account.id)
        if loaded is None or loaded.credentials is None:
            return None
        try:
            return self._providers[doubt.account.provider].find_sent(
                loaded.account,
                loaded.credentials,
                doubt.touch.id,
                self._message_id(doubt),
                doubt.touch.reserved_at - CLOCKS_APART,
            )
        except Exception:
            _log.exception("The provider adapter failed on %s", doubt.account.provider)
            return None

    def _message_id(self, doubt: _Doubt) -> str:
        """The Message-ID we gave it: the same message written anew has the same."""
        try:
            rendered = self._rendered(doubt)
            return self._composer.compose(
                rendered,
                sender=doubt.account.address,
                sender_name=doubt.sequence.sender_name,
                recipient=doubt.prospect.email,
                now=doubt.touch.reserved_at,
                marker=doubt.touch.id,
                thread=doubt.enrollment.thread,
                unsubscribe=doubt.sequence.unsubscribe,
            ).message_id
        except InvalidInput:
            # The step was changed since, or a field is gone: its marker still finds it.
            return ""

    def _rendered(self, doubt: _Doubt) -> Rendered:
        return self._composer.render(
            doubt.step,
            doubt.prospect,
            sender=doubt.account.address,
            sender_name=doubt.sequence.sender_name,
            thread=doubt.enrollment.thread,
        )

    def _settle(self, doubt: _Doubt, search: SentSearch) -> bool:
        now, news = self._clock.now(), News()
        subject = self._rendered(doubt).subject
        with self._store.begin() as unit:
            touch = unit.touches.get(doubt.touch.id)
            enrollment = unit.enrollments.get(doubt.enrollment.id)
            sequence = unit.sequences.get(doubt.sequence.id)
            if touch is None or enrollment is None or sequence is None:
                return False
            if touch.state is not touches.TouchState.IN_DOUBT:
                return False
            unit.touches.save(
                touches.settle(
                    touch,
                    SendResultKind.SENT,
                    now,
                    message_id=search.message_id,
                    provider_id=search.provider_id,
                )
            )
            message_id = search.message_id or touch.message_id or self._message_id(doubt)
            thread = continued(enrollment.thread, subject, message_id, search.thread_id)
            step = sequence.step(doubt.step.id) or doubt.step
            after = enrollments.sent(enrollment, sequence, step, touch.reserved_at, thread)
            unit.enrollments.save(after)
            news.prospect(sequence.id, enrollment.id)
            news.accounts.add(doubt.account.id)
            news.say(
                log_texts.doubt_settled(
                    sequence.id, step.number, doubt.account.address, doubt.prospect.email, touch.id, now
                )
            )
            news.write(unit)
            unit.commit()
        self._feed.publish(news)
        return True
