"""One planned message to one prospect, and what became of it. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.causes import VAULT_CAUSES, Cause
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.states import OutcomeKind


class TouchState(StrEnum):
    """What is known of a touch. Written before any byte goes out, so that a crash leaves a visible doubt."""

    SENDING = "sending"
    """Reserved: it is being handed over, or the app died while it was."""
    SENT = "sent"
    """The provider took it."""
    DEFERRED = "deferred"
    """Certainly not sent; it is tried again."""
    FAILED = "failed"
    """Certainly not sent, and never will be."""
    IN_DOUBT = "in_doubt"
    """It may have been sent. Looked up where the provider lets us, else the person decides."""


class SendResultKind(StrEnum):
    """What handing a message over came to."""

    SENT = "sent"
    TRY_LATER = "try_later"
    """Passing trouble, certainly not sent."""
    SENDER_OUT = "sender_out"
    """The account cannot send: the account stops, the message is as if never tried."""
    REFUSED = "refused"
    """The message or its recipient was refused for good."""
    UNKNOWN = "unknown"
    """It may have gone out."""


_T, _R = TouchState, SendResultKind

TOUCH_AFTER: Final = MappingProxyType(
    {
        _R.SENT: _T.SENT,
        _R.TRY_LATER: _T.DEFERRED,
        _R.SENDER_OUT: _T.DEFERRED,
        _R.REFUSED: _T.FAILED,
        _R.UNKNOWN: _T.IN_DOUBT,
    }
)
"""What handing over came to → what is then known, of a touch being sent or in doubt."""

TOUCH_MOVES: Final = MappingProxyType(
    {
        _T.SENDING: dict(TOUCH_AFTER),
        _T.IN_DOUBT: dict(TOUCH_AFTER),
        _T.DEFERRED: dict.fromkeys(_R, _T.DEFERRED) | {_R.SENT: _T.SENT},
        _T.FAILED: dict.fromkeys(_R, _T.FAILED) | {_R.SENT: _T.SENT},
        _T.SENT: dict.fromkeys(_R, _T.SENT),
    }
)
"""(state, result) → state. Total: proof that it went out is always taken, and nothing undoes it."""

NOT_TRIED: Final = frozenset(
    {
        # An access token that is not taken: whether the account is lost, a check finds out at once.
        Cause.PROOF_STALE,
        Cause.OFFLINE,
        Cause.UNREACHABLE,
        Cause.TLS_REJECTED,
        Cause.PORTAL,
        Cause.CLOCK_WRONG,
        *VAULT_CAUSES,
        Cause.ENCRYPTION_MISSING,
        Cause.THROTTLED,
    }
)
"""Passing troubles that say nothing about the message: they use up none of its tries."""

_KINDS: Final = MappingProxyType(
    {
        OutcomeKind.OK: _R.SENT,
        OutcomeKind.WARNING: _R.SENT,
        OutcomeKind.TRANSIENT: _R.TRY_LATER,
        OutcomeKind.LOST: _R.SENDER_OUT,
        OutcomeKind.BLOCKED: _R.SENDER_OUT,
    }
)

COUNTS_AS_SENT: Final = frozenset({_T.SENDING, _T.SENT, _T.IN_DOUBT})
"""What counts towards the limits: what went out, and what may have."""

LADDER_S: Final = (60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0)
"""Waits after the first, second, … passing failure of one touch, in seconds; then it has failed."""


@dataclass(frozen=True, slots=True)
class Touch:
    """One message of a step to a prospect; there is at most one for each (enrollment, step).

    `id` is also the marker in the message (`X-Reply-Marker`) by which it is found again. `attempts` counts
    tries that reached the provider and say something of the message. `message_id`: the Message-ID as
    delivered, when known. Times aware UTC; `reserved_at` is when the last try began, `settled_at` when it was
    known what became of it.
    """

    id: str
    enrollment_id: str
    sequence_id: str
    step_id: str
    account_id: str
    state: TouchState
    reserved_at: datetime
    settled_at: datetime | None = None
    attempts: int = 0
    message_id: str | None = None
    provider_id: str | None = None
    cause: Cause | None = None
    error: str | None = None


def kind_of(outcome: Outcome, in_doubt: bool) -> SendResultKind:
    """What a provider's answer to a message means for it. Total.

    `in_doubt`: the message may have gone out whatever the answer.
    """
    if in_doubt:
        return SendResultKind.UNKNOWN
    if outcome.cause is Cause.MESSAGE_REFUSED:
        return SendResultKind.REFUSED
    return _KINDS[outcome.kind]


def settle(
    touch: Touch,
    kind: SendResultKind,
    now: datetime,
    *,
    message_id: str | None = None,
    provider_id: str | None = None,
    cause: Cause | None = None,
    error: str | None = None,
) -> Touch:
    """The touch once something more is known of it, after handing over, a look-up or the person's word.

    Total: a result that tells nothing new (see `TOUCH_MOVES`) leaves the same object. What is known of the
    message, and why it is in doubt, stays known where the result does not name it.
    """
    state = TOUCH_MOVES[touch.state][kind]
    if state is touch.state and state is not TouchState.IN_DOUBT:
        return touch
    tried = (
        touch.state is TouchState.SENDING
        and kind is not SendResultKind.SENDER_OUT
        and not (kind is SendResultKind.TRY_LATER and cause in NOT_TRIED)
    )
    return replace(
        touch,
        state=state,
        settled_at=None if state is TouchState.IN_DOUBT else now,
        attempts=touch.attempts + tried,
        message_id=message_id or touch.message_id,
        provider_id=provider_id or touch.provider_id,
        cause=cause if state is not TouchState.IN_DOUBT else cause or touch.cause,
        error=error if state is not TouchState.IN_DOUBT else error or touch.error,
    )


def retry(touch: Touch, account_id: str, now: datetime) -> Touch:
    """The touch as it is handed over once more, under the same marker; `account_id` is who sends it now.

    Raises ValueError unless it is DEFERRED: nothing else is certain not to have been sent.
    """
    if touch.state is not TouchState.DEFERRED:
        raise ValueError(f"a touch that is {touch.state} must not be sent again")
    return replace(
        touch,
        account_id=account_id,
        state=TouchState.SENDING,
        reserved_at=now,
        settled_at=None,
        message_id=None,
        provider_id=None,
        cause=None,
        error=None,
    )


def cut_off(touch: Touch, now: datetime) -> Touch:
    """The touch as the engine's start finds it: one being sent when the app ended is in doubt since `now`.

    Any other is left as it is.
    """
    return settle(touch, SendResultKind.UNKNOWN, now) if touch.state is TouchState.SENDING else touch
