"""What a person does to prospects of sequences: stop them, and say what became of a mail in doubt."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from reply_desktop.domain import enrollment as enrollments
from reply_desktop.domain.enrollment import Enrollment, FinishReason, Thread
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence import Step
from reply_desktop.domain.sequence_rows import Rendered
from reply_desktop.domain.touch import SendResultKind, Touch, settle
from reply_desktop.services.delivery import continued
from reply_desktop.services.ports import Clock, Store, UnitOfWork
from reply_desktop.services.sequence_feed import SequenceFeed
from reply_desktop.services.sequence_ports import Composer

NAMED: Final = 50
"""Most prospects stopped at once that get a log entry each; beyond it one entry counts them."""


class ProspectDesk:
    """The person's commands on prospects, by enrollment id. `wake()`: when mail may leave has changed."""

    def __init__(
        self, store: Store, feed: SequenceFeed, composer: Composer, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self._store = store
        self._feed = feed
        self._composer = composer
        self._clock = clock
        self._wake = wake

    def stop(self, ids: Sequence[str]) -> None:
        """Send nothing more to these; those that ended, or are gone, are left as they are.

        A mail that is being handed over, or in doubt, may have gone out all the same.
        """
        now = self._clock.now()
        stopped: dict[str, list[tuple[str, str]]] = defaultdict(list)
        entries: dict[str, list[LogEntry]] = {}
        with self._store.begin() as unit:
            for one in _there(unit, ids):
                after = enrollments.finish(one, FinishReason.STOPPED, now)
                if after is not one:
                    unit.enrollments.save(after)
                    stopped[one.sequence_id].append((one.id, _email(unit, one)))
            for sequence_id, gone in stopped.items():
                entries[sequence_id] = unit.log.add(
                    _told_stop(sequence_id, [email for _, email in gone], now)
                )
            unit.commit()
        for sequence_id, gone in stopped.items():
            self._feed.changed(
                sequence_id, entries=entries[sequence_id], enrollments=[one for one, _ in gone]
            )

    def settle_doubt(self, ids: Sequence[str], *, was_sent: bool) -> None:
        """The person found out what became of the mail in doubt of these; those without one are left alone.

        Sent: the sequence goes on as if that had been known. Not sent: it is sent as soon as it may.
        """
        now = self._clock.now()
        settled: dict[str, list[str]] = defaultdict(list)
        entries: dict[str, list[LogEntry]] = defaultdict(list)
        with self._store.begin(durable=True) as unit:
            for one in _there(unit, ids):
                for touch in unit.touches.in_doubt(one.id):
                    kind = SendResultKind.SENT if was_sent else SendResultKind.TRY_LATER
                    unit.touches.save(settle(touch, kind, now, message_id=touch.message_id))
                    entries[one.sequence_id].append(self._settled(unit, one, touch, was_sent))
                    settled[one.sequence_id].append(one.id)
            kept = {sequence_id: unit.log.add(told) for sequence_id, told in entries.items()}
            unit.commit()
        self._wake()
        for sequence_id, known in settled.items():
            self._feed.changed(sequence_id, entries=kept[sequence_id], enrollments=known)

    def _settled(self, unit: UnitOfWork, one: Enrollment, touch: Touch, was_sent: bool) -> LogEntry:
        now = self._clock.now()
        sequence, prospect = unit.sequences.get(one.sequence_id), unit.prospects.get(one.prospect_id)
        assert sequence is not None and prospect is not None, "the store keeps what an enrollment points to"
        step = sequence.step(touch.step_id)
        account = unit.accounts.get(touch.account_id)
        address = account.address if account else None
        if not was_sent:
            after = enrollments.deferred(one, now, "You said that it was not sent: it is sent again.")
        elif step is None:
            # Edited away meanwhile: what was sent counts, and the next step there is follows now.
            after = enrollments.deferred(one, now, "")
        else:
            thread = self._thread(sequence, step, one, prospect, touch, address or "")
            after = enrollments.sent(one, sequence, step, touch.reserved_at, thread)
        unit.enrollments.save(after)
        which = f"Step {step.number}" if step else "A removed step"
        text = f"{which} to {prospect.email} {'was sent' if was_sent else 'was not sent'}, you said."
        return LogEntry(now, sequence.id, LogKind.DOUBT_SETTLED, text, address, prospect.email, touch.id)

    def _thread(
        self,
        sequence: MailSequence,
        step: Step,
        one: Enrollment,
        prospect: Prospect,
        touch: Touch,
        sender: str,
    ) -> Thread:
        """What follow-ups join. The subject is what the step gives now: what was sent is not kept."""
        rendered = self._composer.render(
            step, prospect, sender=sender, sender_name=sequence.sender_name, thread=one.thread
        )
        message_id = touch.message_id or self._given_id(sequence, rendered, one, prospect, touch, sender)
        return continued(one.thread, rendered.subject, message_id, None) if message_id else one.thread

    def _given_id(
        self,
        sequence: MailSequence,
        rendered: Rendered,
        one: Enrollment,
        prospect: Prospect,
        touch: Touch,
        sender: str,
    ) -> str | None:
        """The Message-ID we gave it: it follows from the marker. None when the step cannot be written now."""
        try:
            return self._composer.compose(
                rendered,
                sender=sender,
                sender_name=sequence.sender_name,
                recipient=prospect.email,
                now=touch.reserved_at,
                marker=touch.id,
                thread=one.thread,
                unsubscribe=False,
            ).message_id
        except InvalidInput:
            return None


def _there(unit: UnitOfWork, ids: Sequence[str]) -> list[Enrollment]:
    return [one for one in map(unit.enrollments.get, dict.fromkeys(ids)) if one is not None]


def _email(unit: UnitOfWork, one: Enrollment) -> str:
    prospect = unit.prospects.get(one.prospect_id)
    return "" if prospect is None else prospect.email


def _told_stop(sequence_id: str, emails: Sequence[str], now: datetime) -> list[LogEntry]:
    if len(emails) > NAMED:
        text = f"You stopped {len(emails):,} prospects: nothing more is sent to them."
        return [LogEntry(now, sequence_id, LogKind.STOPPED, text)]
    return [
        LogEntry(
            now,
            sequence_id,
            LogKind.STOPPED,
            f"You stopped {email}: nothing more is sent to it.",
            prospect=email,
        )
        for email in emails
    ]
