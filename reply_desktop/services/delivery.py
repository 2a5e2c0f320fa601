"""One touch end to end: reserved before any byte goes out, handed over, and settled by what came back."""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from reply_desktop.domain import enrollment as enrollments
from reply_desktop.domain import log_texts, pacing
from reply_desktop.domain import touch as touches
from reply_desktop.domain.account import Account
from reply_desktop.domain.address import domain_of
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.enrollment import Enrollment, EnrollmentState, FinishReason, Thread
from reply_desktop.domain.errors import InvalidInput, VaultUnavailable
from reply_desktop.domain.grant import Credentials
from reply_desktop.domain.notification import plain
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.pace import Pace
from reply_desktop.domain.prospect import Prospect, Suppression, SuppressionReason
from reply_desktop.domain.provider import SINGLE_CLICK, Provider
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence import SequenceStatus, Step, StrandedKind
from reply_desktop.domain.states import CAN_SEND
from reply_desktop.domain.touch import SendResultKind, Touch, TouchState
from reply_desktop.services.dispatch import Dispatch, IsTurn, Wait
from reply_desktop.services.ports import Chance, Clock, MailProvider, SendResult, UnitOfWork
from reply_desktop.services.sequence_feed import News
from reply_desktop.services.sequence_ports import Composer, Stamp

_log = logging.getLogger(__name__)

PAUSED: Final = "sending.paused"
"""Setting: whether the person stopped all sending; JSON true or false, false while it is not there."""

LOOKS: Final = 50
"""Most prospects passed over in one unit of work before others may write."""

CLOCKS_APART: Final = timedelta(minutes=15)
"""By how much a provider's clock may differ from ours."""

_UNKNOWN_RECIPIENT: Final = re.compile(r"\b5\.1\.(?:[1236]|10)\b")
"""Enhanced codes that say the recipient's address is wrong (RFC 3463 §3.2, RFC 7505)."""

GONE_NOTE: Final = "Its account was removed: let the sequence move it to another, or stop it."


@dataclass(frozen=True, slots=True)
class Reserved:
    """A touch that may be handed over now: durable as being sent, and nobody else's.

    `enrollment` as it was before, `pace` likewise: what goes back should the message never leave.
    """

    touch: Touch
    account: Account
    sequence: MailSequence
    step: Step
    enrollment: Enrollment
    prospect: Prospect
    pace: Pace


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What handing over a touch came to. `problem`: why the message could not even be written.

    `thread`: the conversation as it is once the message is in it.
    """

    reserved: Reserved
    result: SendResult
    thread: Thread
    problem: str | None = None

    @property
    def kind(self) -> SendResultKind:
        """What it means for the touch."""
        if self.problem is not None:
            return SendResultKind.REFUSED
        return touches.kind_of(self.result.outcome, self.result.in_doubt)


class Delivery:
    """Reserves, hands over and settles touches; keeps no touch itself. All methods are for many threads.

    Between mails it remembers only how often in a row a provider asked an account to wait, and of which
    accounts the logs tell already that they are in passing trouble.
    """

    def __init__(
        self,
        providers: Mapping[Provider, MailProvider],
        composer: Composer,
        dispatch: Dispatch,
        clock: Clock,
        chance: Chance,
        new_id: Callable[[], str],
    ) -> None:
        self._providers = providers
        self._composer = composer
        self._dispatch = dispatch
        self._clock = clock
        self._chance = chance
        self._new_id = new_id
        self._throttled: dict[str, int] = {}
        self._troubled: set[str] = set()

    def reserve(
        self,
        unit: UnitOfWork,
        account_id: str,
        sequences: Sequence[MailSequence],
        is_turn: IsTurn,
        news: News,
    ) -> Reserved | Wait:
        """Take the account's next touch in this unit of work, which must be durable before it is handed over.

        `sequences`: the running ones it sends for, as last seen. Whoever cannot be written to is passed over
        and settled on the way, so commit whatever is given.
        """
        now = self._clock.now()
        account = unit.accounts.get(account_id)
        if account is None or account.state not in CAN_SEND or is_paused(unit):
            return Wait()
        for _ in range(LOOKS):
            found = self._dispatch.look(unit, account, sequences, now, is_turn)
            if isinstance(found, Wait):
                return found
            sequence, enrollment = found.sequence, found.enrollment
            if unit.sequences.stamp(sequence.id) != _running(sequence):
                # Changed since it was looked at: look again at what it is now.
                return Wait(now)
            following = self._following(unit, sequence, enrollment, now, news)
            if following is None:
                continue
            step, known = following
            prospect = unit.prospects.get(enrollment.prospect_id)
            assert prospect is not None
            if unit.suppressions.has(prospect.email):
                self._end(unit, enrollment, FinishReason.SUPPRESSED, now, news)
                news.say(log_texts.suppressed(sequence.id, prospect.email, now))
                continue
            fresh = enrollment.account_id is None
            if fresh and enrollment.done and sequence.stranded.kind is not StrandedKind.MOVE_AFTER:
                self._save(unit, replace(enrollment, due_at=None, note=GONE_NOTE), news)
                continue
            touch = self._reserved_touch(unit, known, enrollment, step, account_id, now)
            self._save(unit, enrollments.reserved(enrollment, account_id), news)
            gap_s = pacing.gap(sequence.gap_s, self._chance())
            unit.paces.save(pacing.after_send(found.pace, now, gap_s))
            if fresh:
                unit.sequences.assign(sequence.id, account_id, now)
                self._dispatch.assigned(sequence.id, account_id, now)
            self._dispatch.allowances.take(account_id, sequence.id)
            return Reserved(touch, account, sequence, step, enrollment, prospect, found.pace)
        return Wait(now)

    def hand_over(self, reserved: Reserved, credentials: Credentials) -> HandedOver:
        """Write the message and give it to the provider. Never raises; blocks for the network."""
        sequence, account, thread = reserved.sequence, reserved.account, reserved.enrollment.thread
        try:
            rendered = self._composer.render(
                reserved.step,
                reserved.prospect,
                sender=account.address,
                sender_name=sequence.sender_name,
                thread=thread,
            )
            if rendered.problems:
                return _unwritten(reserved, " ".join(rendered.problems))
            joins = joins_thread(rendered.subject, thread)
            if joins:
                thread = self._as_delivered(reserved, credentials)
            composed = self._composer.compose(
                rendered,
                sender=account.address,
                sender_name=sequence.sender_name,
                recipient=reserved.prospect.email,
                now=self._clock.now(),
                marker=reserved.touch.id,
                thread=thread,
                unsubscribe=sequence.unsubscribe,
            )
        except InvalidInput as error:
            return _unwritten(reserved, str(error))
        result = self._give(reserved, credentials, composed.mime, thread.provider_thread if joins else None)
        message_id = result.message_id or composed.message_id
        return HandedOver(
            reserved,
            replace(result, message_id=message_id),
            continued(thread, rendered.subject, message_id, result.thread_id),
        )

    def _as_delivered(self, reserved: Reserved, credentials: Credentials) -> Thread:
        """The conversation, its last message under the Message-ID it was delivered with.

        Exchange may have replaced ours, and tells only who looks among the sent ones: by now it lies there.
        """
        account, place = reserved.account, reserved.enrollment
        thread, provider = place.thread, self._providers[account.provider]
        marker, _, domain = thread.message_ids[-1][1:-1].partition("@")
        is_own = domain == domain_of(account.address)
        if not is_own or account.provider not in SINGLE_CLICK or not provider.may_read(account):
            return thread
        since = (place.last_sent_at or reserved.touch.reserved_at) - CLOCKS_APART
        try:
            found = provider.find_sent(account, credentials, marker, thread.message_ids[-1], since)
        except Exception:
            _log.exception("The provider adapter failed on %s", account.provider)
            return thread
        if not found.message_id:
            return thread
        return replace(thread, message_ids=(*thread.message_ids[:-1], found.message_id))

    def settle(self, unit: UnitOfWork, handed: HandedOver, news: News) -> None:
        """Write what became of a touch. The sequence, the prospect or the account may be gone meanwhile."""
        now = self._clock.now()
        reserved, result, kind = handed.reserved, handed.result, handed.kind
        account_id = reserved.account.id
        touch = unit.touches.get(reserved.touch.id)
        if touch is None:
            return
        cause, error = result.outcome.cause, result.outcome.provider_error
        again_s: float | None = 0.0
        if kind is SendResultKind.TRY_LATER and cause not in touches.NOT_TRIED:
            again_s = pacing.attempt_wait(touch.attempts + 1, self._chance(), result.outcome.retry_after_s)
            if again_s is None:
                kind = SendResultKind.REFUSED
        news.accounts.add(account_id)
        settled = touches.settle(
            touch,
            kind,
            now,
            message_id=result.message_id,
            provider_id=result.provider_id,
            cause=None if kind is SendResultKind.SENT else cause,
            error=handed.problem or error,
        )
        unit.touches.save(settled)
        if kind in (SendResultKind.SENT, SendResultKind.UNKNOWN):
            self._throttled.pop(account_id, None)
            self._troubled.discard(account_id)
        else:
            self._give_back(unit, handed, kind)
        enrollment = unit.enrollments.get(touch.enrollment_id)
        sequence = self._as_it_is(unit, reserved.sequence)
        if enrollment is None or sequence is None:
            return
        match kind:
            case SendResultKind.SENT:
                self._sent(unit, handed, sequence, enrollment, now, news)
            case SendResultKind.UNKNOWN:
                step, who = reserved.step.number, reserved.prospect.email
                entry = log_texts.in_doubt(sequence.id, step, reserved.account.address, who, touch.id, now)
                self._save(unit, enrollments.in_doubt(enrollment, entry.text), news)
                news.say(entry)
            case SendResultKind.REFUSED:
                self._refused(unit, handed, settled, enrollment, now, news)
            case _:
                self._put_off(unit, handed, settled, enrollment, again_s or 0.0, now, news)

    @staticmethod
    def _as_it_is(unit: UnitOfWork, known: MailSequence) -> MailSequence | None:
        """The sequence with the steps it has now, read anew only when it was edited."""
        stamp = unit.sequences.stamp(known.id)
        if stamp is None:
            return None
        return known if stamp[1] == known.revision else unit.sequences.get(known.id)

    def _following(
        self, unit: UnitOfWork, sequence: MailSequence, enrollment: Enrollment, now: datetime, news: News
    ) -> tuple[Step, Touch | None] | None:
        """The step that is next for the prospect, and its touch if it was tried before.

        None when nothing is to be sent to it now, which is settled here.
        """
        step = sequence.step_after(enrollment.done)
        if step is None:
            self._end(unit, enrollment, FinishReason.COMPLETED, now, news)
            return None
        touch = unit.touches.of(enrollment.id, step.id)
        if touch is None or touch.state is TouchState.DEFERRED:
            return step, touch
        if touch.state is TouchState.SENT:
            # Steps were put in another order: it had this one already.
            at = enrollment.last_sent_at or touch.reserved_at
            self._save(unit, enrollments.sent(enrollment, sequence, step, at, enrollment.thread), news)
        elif touch.state is TouchState.FAILED:
            self._end(unit, enrollment, FinishReason.FAILED, now, news, touch.error or "")
        else:
            self._save(unit, enrollments.in_doubt(enrollment, enrollment.note), news)
        return None

    def _reserved_touch(
        self,
        unit: UnitOfWork,
        known: Touch | None,
        enrollment: Enrollment,
        step: Step,
        account_id: str,
        now: datetime,
    ) -> Touch:
        if known is not None:
            touch = touches.retry(known, account_id, now)
            unit.touches.save(touch)
            return touch
        touch = Touch(
            self._new_id(),
            enrollment.id,
            enrollment.sequence_id,
            step.id,
            account_id,
            TouchState.SENDING,
            now,
        )
        unit.touches.add(touch)
        return touch

    def _give(
        self, reserved: Reserved, credentials: Credentials, mime: bytes, thread_id: str | None
    ) -> SendResult:
        provider = self._providers[reserved.account.provider]
        try:
            return provider.send(reserved.account, credentials, mime, thread_id=thread_id)
        except VaultUnavailable as error:
            return SendResult(Outcome(error.cause))
        except Exception:
            # It may have failed after the message was on its way.
            _log.exception("The provider adapter failed on %s", reserved.account.provider)
            return SendResult(Outcome(Cause.UNKNOWN_ANSWER), in_doubt=True)

    def _sent(
        self,
        unit: UnitOfWork,
        handed: HandedOver,
        sequence: MailSequence,
        enrollment: Enrollment,
        now: datetime,
        news: News,
    ) -> None:
        reserved = handed.reserved
        step = sequence.step(reserved.step.id) or reserved.step
        self._save(unit, enrollments.sent(enrollment, sequence, step, now, handed.thread), news)
        news.say(
            log_texts.sent(
                sequence.id,
                step.number,
                reserved.account.address,
                reserved.prospect.email,
                reserved.touch.id,
                now,
            )
        )

    def _refused(
        self,
        unit: UnitOfWork,
        handed: HandedOver,
        settled: Touch,
        enrollment: Enrollment,
        now: datetime,
        news: News,
    ) -> None:
        reserved = handed.reserved
        account, who, error = reserved.account.address, reserved.prospect.email, settled.error or ""
        if handed.problem is None and _UNKNOWN_RECIPIENT.search(error):
            unit.suppressions.put(Suppression(who, SuppressionReason.BOUNCED, now, plain(error)))
            self._end(unit, enrollment, FinishReason.BOUNCED, now, news, plain(error))
            news.say(log_texts.bounced(enrollment.sequence_id, account, who, error, settled.id, now))
            return
        why = error or "the provider refused it."
        if settled.attempts > len(touches.LADDER_S):
            why = f"it was tried {settled.attempts} times. {why}"
        self._end(unit, enrollment, FinishReason.FAILED, now, news, plain(why))
        number = reserved.step.number
        news.say(log_texts.failed(enrollment.sequence_id, number, account, who, why, settled.id, now))

    def _put_off(
        self,
        unit: UnitOfWork,
        handed: HandedOver,
        settled: Touch,
        enrollment: Enrollment,
        again_s: float,
        now: datetime,
        news: News,
    ) -> None:
        """Certainly not sent: the touch waits on its ladder, or is as if it had never been tried."""
        reserved, account = handed.reserved, handed.reserved.account
        counted = settled.attempts > reserved.touch.attempts
        due_at = now + timedelta(seconds=again_s) if counted else (reserved.enrollment.due_at or now)
        waiting = enrollments.deferred(enrollment, due_at, "")
        if not counted and enrollment.done == 0:
            # Nothing has reached it: any account may write to it first.
            waiting = enrollments.moved_to(waiting, None)
        self._save(unit, waiting, news)
        if handed.kind is SendResultKind.SENDER_OUT:
            return
        cause, error = handed.result.outcome.cause, handed.result.outcome.provider_error
        if cause is Cause.THROTTLED:
            self._hold(unit, handed, now, news)
            return
        if not counted and account.id in self._troubled:
            return
        if not counted:
            self._troubled.add(account.id)
        news.say(
            log_texts.deferred(
                reserved.sequence,
                reserved.step.number,
                account,
                reserved.prospect.email,
                cause,
                error,
                due_at if counted else None,
                settled.id,
                now,
            )
        )

    def _hold(self, unit: UnitOfWork, handed: HandedOver, now: datetime, news: News) -> None:
        """The provider wants nothing from the account for a while: told once, however often it says so."""
        account, outcome = handed.reserved.account, handed.result.outcome
        times = self._throttled[account.id] = self._throttled.get(account.id, 0) + 1
        wait_s = pacing.attempt_wait(min(times, len(touches.LADDER_S)), self._chance(), outcome.retry_after_s)
        assert wait_s is not None
        until = now + timedelta(seconds=wait_s)
        pace = unit.paces.get(account.id)
        if unit.accounts.get(account.id) is not None:
            unit.paces.save(pacing.hold(pace, until, Cause.THROTTLED, outcome.provider_error))
        if times == 1:
            for sequence in filter(None, map(unit.sequences.get, unit.sequences.using(account.id))):
                news.say(log_texts.provider_limit(sequence, account, outcome.provider_error, until, now))

    def _give_back(self, unit: UnitOfWork, handed: HandedOver, kind: SendResultKind) -> None:
        """What certainly did not go out leaves no gap behind, unless the provider had it in its hands."""
        reserved = handed.reserved
        tried = kind is SendResultKind.TRY_LATER and handed.result.outcome.cause not in touches.NOT_TRIED
        refused = kind is SendResultKind.REFUSED and handed.problem is None
        if tried or refused or unit.accounts.get(reserved.account.id) is None:
            return
        pace = unit.paces.get(reserved.account.id)
        unit.paces.save(
            replace(pace, free_at=reserved.pace.free_at, first_sent_at=reserved.pace.first_sent_at)
        )

    def _end(
        self,
        unit: UnitOfWork,
        enrollment: Enrollment,
        reason: FinishReason,
        now: datetime,
        news: News,
        note: str = "",
    ) -> None:
        self._save(unit, enrollments.finish(enrollment, reason, now, note), news)

    @staticmethod
    def _save(unit: UnitOfWork, enrollment: Enrollment, news: News) -> None:
        unit.enrollments.save(enrollment)
        news.prospect(enrollment.sequence_id, enrollment.id)
        if enrollment.state is EnrollmentState.FINISHED:
            news.finished.append(enrollment.sequence_id)


def is_paused(unit: UnitOfWork) -> bool:
    """Whether the person stopped all sending."""
    stored = unit.settings.get(PAUSED)
    return stored is not None and json.loads(stored) is True


def _running(sequence: MailSequence) -> Stamp:
    """The stamp of a sequence that sends and is as it was read."""
    return SequenceStatus.RUNNING, sequence.revision, None


def joins_thread(subject: str, thread: Thread) -> bool:
    """Whether a message of this subject goes on with the conversation."""
    return bool(thread.message_ids) and _topic(subject) == _topic(thread.subject)


def continued(thread: Thread, subject: str, message_id: str, provider_thread: str | None) -> Thread:
    """The conversation once a message of this subject is in it; another subject begins another one."""
    named = (message_id,) if message_id else ()
    if joins_thread(subject, thread):
        return replace(
            thread,
            message_ids=(*thread.message_ids, *named),
            provider_thread=provider_thread or thread.provider_thread,
        )
    return Thread(subject, named, provider_thread)


def _topic(subject: str) -> str:
    topic = subject.strip().casefold()
    while topic.startswith("re:"):
        topic = topic.removeprefix("re:").strip()
    return topic


def _unwritten(reserved: Reserved, problem: str) -> HandedOver:
    outcome = Outcome(Cause.MESSAGE_REFUSED)
    return HandedOver(reserved, SendResult(outcome), reserved.enrollment.thread, problem)
