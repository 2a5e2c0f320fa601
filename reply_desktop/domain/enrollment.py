"""One prospect inside one sequence: how far it is, from which account, and why it waits or ended. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.sequence import Sequence, Step


class EnrollmentState(StrEnum):
    """Where a prospect is in its sequence."""

    WAITING = "waiting"
    """Nothing has been sent to it yet."""
    ACTIVE = "active"
    """At least one step was sent; more follow."""
    IN_DOUBT = "in_doubt"
    """A mail may or may not have gone out; nothing more is sent until that is known."""
    FINISHED = "finished"
    """Nothing more is sent."""


class FinishReason(StrEnum):
    """Why nothing more is sent to a prospect."""

    COMPLETED = "completed"
    REPLIED = "replied"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    STOPPED = "stopped"


FINISH_WORDS: Final = MappingProxyType(
    {
        FinishReason.COMPLETED: "Every step was sent",
        FinishReason.REPLIED: "Replied",
        FinishReason.BOUNCED: "The mail came back",
        FinishReason.UNSUBSCRIBED: "Asked to get no more mail",
        FinishReason.SUPPRESSED: "On the suppression list",
        FinishReason.FAILED: "The message could not be sent",
        FinishReason.STOPPED: "Stopped by you",
    }
)

AFTERWARDS: Final = frozenset({FinishReason.REPLIED, FinishReason.BOUNCED, FinishReason.UNSUBSCRIBED})
"""What a prospect can still do once every step was sent; it is told in place of COMPLETED."""


@dataclass(frozen=True, slots=True)
class Thread:
    """What a follow-up needs to join the conversation: the first subject, the Message-IDs as delivered.

    `provider_thread`: Gmail's threadId. Message-IDs are oldest first, in angle brackets (RFC 5322 §3.6.4).
    """

    subject: str = ""
    message_ids: tuple[str, ...] = ()
    provider_thread: str | None = None


@dataclass(frozen=True, slots=True)
class Enrollment:
    """A prospect in a sequence. Times aware UTC.

    `ordinal`: the order in which prospects came. `account_id`: the sending account it is pinned to, from its
    first touch on. `done`: number of the last step sent, 0 for none. `due_at`: when the next touch may leave;
    None while one is in flight, in doubt, or when nothing more is sent. `note`: why it waits or ended, in
    words.
    """

    id: str
    sequence_id: str
    prospect_id: str
    ordinal: int
    state: EnrollmentState = EnrollmentState.WAITING
    account_id: str | None = None
    done: int = 0
    due_at: datetime | None = None
    last_sent_at: datetime | None = None
    finish_reason: FinishReason | None = None
    finished_at: datetime | None = None
    thread: Thread = field(default_factory=Thread)
    note: str = ""

    @property
    def is_begun(self) -> bool:
        """Whether anything has been sent to it, even a step that an edit has taken out since."""
        return self.done > 0 or self.last_sent_at is not None


def reserved(enrollment: Enrollment, account_id: str) -> Enrollment:
    """The prospect with a touch in flight from this account, to which it is pinned from now on.

    Raises ValueError when a touch of it is in flight or in doubt already, or nothing more is to be sent:
    there are never two touches in flight for one prospect.
    """
    if enrollment.state not in _OPEN or enrollment.due_at is None:
        raise ValueError(f"an enrollment that is {enrollment.state} and due at no time must not be sent to")
    return replace(enrollment, account_id=account_id, due_at=None, note="")


def sent(enrollment: Enrollment, sequence: Sequence, step: Step, at: datetime, thread: Thread) -> Enrollment:
    """The prospect after a step was sent: due for the following one, or done. Total.

    One that ended meanwhile stays ended, and keeps what was sent.
    """
    so_far = replace(enrollment, done=step.number, last_sent_at=at, thread=thread)
    if enrollment.state is EnrollmentState.FINISHED:
        return so_far
    following = sequence.step_after(step.number)
    if following is None:
        return finish(so_far, FinishReason.COMPLETED, at)
    return replace(
        so_far,
        state=EnrollmentState.ACTIVE,
        due_at=at + timedelta(seconds=following.after_s),
        note="",
    )


def deferred(enrollment: Enrollment, due_at: datetime, note: str) -> Enrollment:
    """The prospect whose touch certainly was not sent and is tried again at `due_at`. Ended stays ended."""
    if enrollment.state is EnrollmentState.FINISHED:
        return enrollment
    state = EnrollmentState.ACTIVE if enrollment.is_begun else EnrollmentState.WAITING
    return replace(enrollment, state=state, due_at=due_at, note=note)


def in_doubt(enrollment: Enrollment, note: str) -> Enrollment:
    """The prospect who may or may not have got a mail: nothing more until that is known; ended stays so."""
    if enrollment.state is EnrollmentState.FINISHED:
        return enrollment
    return replace(enrollment, state=EnrollmentState.IN_DOUBT, due_at=None, note=note)


def finish(enrollment: Enrollment, reason: FinishReason, at: datetime, note: str = "") -> Enrollment:
    """The prospect nothing more is sent to.

    The first reason stays, except that a reply, a bounce or an unsubscription after the last step is told
    in place of “every step was sent”.
    """
    if enrollment.state is EnrollmentState.FINISHED and not (
        enrollment.finish_reason is FinishReason.COMPLETED and reason in AFTERWARDS
    ):
        return enrollment
    return replace(
        enrollment,
        state=EnrollmentState.FINISHED,
        due_at=None,
        finish_reason=reason,
        finished_at=at,
        note=note,
    )


def moved_to(enrollment: Enrollment, account_id: str | None) -> Enrollment:
    """The prospect pinned to another account, or to none yet.

    Its thread goes on by Message-IDs; the provider's own name of it means nothing to another mailbox. One
    with a mail in flight or in doubt, or that has ended, stays where it is.
    """
    if account_id == enrollment.account_id or enrollment.state not in _OPEN or enrollment.due_at is None:
        return enrollment
    return replace(
        enrollment, account_id=account_id, thread=replace(enrollment.thread, provider_thread=None), note=""
    )


_OPEN: Final = frozenset({EnrollmentState.WAITING, EnrollmentState.ACTIVE})
