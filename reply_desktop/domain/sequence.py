"""A sequence: what is sent, from where, when and how fast, and how the person starts and stops it. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.window import SendingWindow


class SequenceStatus(StrEnum):
    """What the person, or the end of the work, has decided for a sequence."""

    DRAFT = "draft"
    """Never launched: nothing is sent."""
    SCHEDULED = "scheduled"
    """Launched; sending begins by itself at `start_at`."""
    RUNNING = "running"
    """Active: mail leaves as window, pace and accounts allow."""
    PAUSED = "paused"
    """Stopped by the person; goes on where it was."""
    FINISHED = "finished"
    """Every prospect is done; new prospects need a new launch."""


class SequenceMove(StrEnum):
    """What can happen to a sequence's status."""

    LAUNCH = "launch"
    BEGIN = "begin"
    PAUSE = "pause"
    FINISH = "finish"


_S, _M = SequenceStatus, SequenceMove

SEQUENCE_MOVES: Final = MappingProxyType(
    {
        _S.DRAFT: {_M.LAUNCH: _S.SCHEDULED},
        _S.SCHEDULED: {_M.LAUNCH: _S.SCHEDULED, _M.BEGIN: _S.RUNNING, _M.PAUSE: _S.PAUSED},
        _S.RUNNING: {_M.PAUSE: _S.PAUSED, _M.FINISH: _S.FINISHED},
        _S.PAUSED: {_M.LAUNCH: _S.SCHEDULED},
        _S.FINISHED: {_M.LAUNCH: _S.SCHEDULED},
    }
)
"""(status, move) → status; what is not there cannot be done."""

STATUS_WORDS: Final = MappingProxyType(
    {
        _S.DRAFT: "Draft",
        _S.SCHEDULED: "Scheduled",
        _S.RUNNING: "Active",
        _S.PAUSED: "Paused",
        _S.FINISHED: "Finished",
    }
)

ON: Final = frozenset({_S.SCHEDULED, _S.RUNNING})
"""The toggle is on."""

AUTO_START_S: Final = 900.0
"""How long after launch a sequence starts by itself unless the person chose a time, in seconds."""


class StrandedKind(StrEnum):
    """What becomes of a prospect whose account cannot send."""

    WAIT = "wait"
    """Waits for its account."""
    MOVE_AFTER = "move_after"
    """Goes on from another account once its own has been out for so long."""
    MOVE_UNSTARTED = "move_unstarted"
    """Goes to another account only when nothing has reached it yet."""


@dataclass(frozen=True, slots=True)
class Stranded:
    """The policy for stranded prospects; `after_s` is the grace of MOVE_AFTER, in seconds."""

    kind: StrandedKind = StrandedKind.WAIT
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Ramp:
    """Warming up: `first` mails on an account's first day of sending, `step` more on each day after."""

    first: int
    step: int


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a sequence. `number` counts from 1; `after_s`: how long after the step before, seconds.

    New prospects get the first step when their turn comes, whatever its `after_s`; it holds for those who had
    a step before it that was removed.

    An empty subject means: a reply in the thread of the step before. `html`: the body is HTML.
    """

    id: str
    number: int
    after_s: float
    subject: str
    body: str
    html: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """A plan of messages to many prospects from several accounts. Times are aware UTC.

    `accounts` are ids, in the person's order. `gap_s`: least and most seconds between two mails of one
    account, drawn anew each time. `daily_limit`: most mails of one account for this sequence in any 24
    hours; the account's own limit holds besides. `problem`: what pre-flight found last.
    """

    id: str
    name: str
    created_at: datetime
    status: SequenceStatus = SequenceStatus.DRAFT
    accounts: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    window: SendingWindow = field(default_factory=SendingWindow)
    gap_s: tuple[float, float] = (120.0, 300.0)
    daily_limit: int | None = None
    ramp: Ramp | None = None
    stranded: Stranded = field(default_factory=Stranded)
    sender_name: str = ""
    unsubscribe: bool = True
    stop_on_reply: bool = True
    start_at: datetime | None = None
    started_at: datetime | None = None
    problem: Problem | None = None
    revision: int = 0

    @property
    def is_on(self) -> bool:
        """Whether the toggle is on."""
        return self.status in ON

    def step(self, step_id: str | None) -> Step | None:
        """The step of this id, if it is (still) there."""
        return next((one for one in self.steps if one.id == step_id), None)

    def step_after(self, number: int) -> Step | None:
        """The first step whose number is above; 0 gives the first of all."""
        return next((one for one in self.steps if one.number > number), None)


def moved(
    sequence: Sequence, move: SequenceMove, now: datetime, start_at: datetime | None = None
) -> Sequence:
    """The sequence after a move; `start_at` is when a launch begins to send.

    Raises InvalidInput when its status does not allow the move.
    """
    status = SEQUENCE_MOVES[sequence.status].get(move)
    if status is None:
        raise InvalidInput(f"“{sequence.name}” is {STATUS_WORDS[sequence.status].lower()}; it cannot {move}.")
    if move is SequenceMove.LAUNCH:
        return replace(sequence, status=status, start_at=start_at or now)
    if move is SequenceMove.BEGIN:
        return replace(sequence, status=status, started_at=sequence.started_at or now)
    return replace(sequence, status=status, start_at=None)
