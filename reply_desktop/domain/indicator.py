"""What a sequence's toggle shows: its colour, and the tooltip that says why. Derived, never stored. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from reply_desktop.domain import causes, preflight
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.sequence import ON, SequenceStatus
from reply_desktop.domain.states import CAN_SEND, Color, State

MOST_TOLD: Final = 5
"""Accounts that get a line of their own in a tooltip."""

_S, _T = SequenceStatus, State

OFF_WORDS: Final = MappingProxyType(
    {
        _S.DRAFT: "Draft: nothing is sent until you launch it.",
        _S.PAUSED: "Paused: nothing is sent until you switch it on again.",
        _S.FINISHED: "Finished: every prospect is done. Add prospects and launch it to go on.",
    }
)
"""Status → the tooltip of a sequence that is not on."""

OUT_WORDS: Final = MappingProxyType(
    {
        _T.NEW: "not signed in yet. Press Sign in.",
        _T.SIGNING_IN: "signing in. Finish that in the browser.",
        _T.PAUSED: "paused by you. Press Resume.",
        _T.EXPIRED: "cannot send. Press Reconnect.",
        _T.BLOCKED: "cannot send. See Email Accounts for who must act.",
    }
)
"""State → why an account that cannot send does not, where no cause says it better, and what to do."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A sending account as the toggle sees it. `provider_name` as in `causes.words`."""

    address: str
    state: State
    cause: Cause | None = None
    provider_name: str = ""

    @property
    def can_send(self) -> bool:
        """Whether mail leaves from it. While a sign-in is open, give its stored state to have that count."""
        return self.state in CAN_SEND


def indicator(status: SequenceStatus, senders: Sequence[Sender], problem: Problem | None = None) -> Color:
    """The toggle's colour: grey when off, red when nothing can be sent, orange when some accounts are out."""
    if status not in ON:
        return Color.GREY
    able = sum(sender.can_send for sender in senders)
    if problem is not None or able == 0:
        return Color.RED
    return Color.GREEN if able == len(senders) else Color.ORANGE


def tooltip(status: SequenceStatus, senders: Sequence[Sender], problem: Problem | None = None) -> str:
    """Why the toggle looks so: plain text, one thing to a line, each account that is out with what to do.

    Times are left out, for only a front knows the person's time zone: it adds the line of `timed`.
    """
    if status not in ON:
        return OFF_WORDS[status]
    able = [sender.address for sender in senders if sender.can_send]
    out = [sender for sender in senders if not sender.can_send]
    color = indicator(status, senders, problem)
    if color is Color.RED:
        found = problem or (Problem.NO_ACCOUNT_CAN_SEND if senders else Problem.NO_ACCOUNTS)
        if found is Problem.NO_ACCOUNT_CAN_SEND and out:
            return _lines("Processing cannot begin: no sending account can send.", *_told(out))
        words = preflight.words(found, [sender.address for sender in senders])
        return _lines(f"Processing cannot begin: {words.what}", words.todo, *_told(out))
    if color is Color.ORANGE:
        return _lines(
            f"Mail is sent only from the remaining active accounts: {preflight.named(able)}.", *_told(out)
        )
    doubtful = [sender for sender in senders if sender.state is State.AT_RISK]
    return _lines(f"Mail is sent from {preflight.named(able)}.", *_told(doubtful))


def timed(
    status: SequenceStatus, color: Color, *, starts: str | None = None, next_send: str | None = None
) -> str | None:
    """The tooltip's last line, on what happens when; None when there is nothing to say.

    `starts` and `next_send` are moments as the person reads them, ready-made: “today at 14:05”.
    """
    if color not in (Color.GREEN, Color.ORANGE):
        return None
    if status is SequenceStatus.SCHEDULED:
        return f"Starts by itself {starts}." if starts else None
    return f"The next mail leaves {next_send}." if next_send else None


def _told(senders: Sequence[Sender]) -> list[str]:
    rest = len(senders) - MOST_TOLD
    # One more account takes no more lines than “and 1 more”.
    if rest <= 1:
        return [_line(sender) for sender in senders]
    return [*(_line(sender) for sender in senders[:MOST_TOLD]), f"and {rest} more."]


def _line(sender: Sender) -> str:
    if sender.cause is None or sender.state not in (State.EXPIRED, State.BLOCKED, State.AT_RISK):
        return f"{sender.address}: {OUT_WORDS.get(sender.state, 'at risk. The app keeps trying.')}"
    words = causes.words(sender.cause, sender.address, sender.provider_name)
    return f"{sender.address}: {words.short}. {words.steps[0]}"


def _lines(*lines: str) -> str:
    return "\n".join(lines)
