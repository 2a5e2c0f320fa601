"""A sequence being edited: what is stored, what it is now, and every change between, to undo and to redo."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from reply_desktop.domain.sequence import Sequence, SequenceStatus, Step

_LOCAL: Final = "local-"
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class _Change(QUndoCommand):
    """One change, kept as the whole sequence before and after it; changes of one `run` become one."""

    def __init__(self, draft: "Draft", before: Sequence, after: Sequence, text: str, run: str) -> None:
        super().__init__(text)
        self._draft, self._before, self.after, self.run = draft, before, after, run

    def id(self) -> int:
        return 1 if self.run else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Change) or other.run != self.run:
            return False
        self.after = other.after
        return True

    def redo(self) -> None:
        self._draft.show(self.after)

    def undo(self) -> None:
        self._draft.show(self._before)


class Draft(QObject):
    """The sequence as the person has it before them.

    `changed` fires after each change, undo and redo; `dirty_changed` carries whether anything is unsaved.
    Steps that are not stored yet have an id of their own here, which `request` takes away again.
    """

    changed = Signal()
    dirty_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stack = QUndoStack(self)
        self._stored: Sequence | None = None
        self._now: Sequence | None = None
        self._real: dict[str, str] = {}
        self._was_dirty = False

    @property
    def now(self) -> Sequence:
        """The sequence as it is now; there must be one."""
        assert self._now is not None, "nothing is being edited"
        return self._now

    @property
    def is_open(self) -> bool:
        """Whether there is a sequence at all."""
        return self._now is not None

    @property
    def is_dirty(self) -> bool:
        """Whether something is not stored."""
        if self._now is None or self._stored is None:
            return False
        return _content(self._now) != _content(self._stored)

    def begin(self, sequence: Sequence) -> None:
        """Edit this stored one from here on; what was there before is forgotten."""
        self._real.clear()
        self.stack.clear()
        self._now = self._stored = replace(sequence, steps=_numbered(sequence.steps))
        self._tell()

    def close(self) -> None:
        """Edit nothing; what was there before is forgotten."""
        self._real.clear()
        self.stack.clear()
        self._now = self._stored = None
        self._tell()

    def change(self, after: Sequence, text: str, run: str = "") -> None:
        """Make a change. `text` says it in a word or two; changes with the same `run` are undone as one."""
        after = replace(after, steps=_numbered(after.steps))
        if after != self._now:
            self.stack.push(_Change(self, self.now, after, text, run))

    def change_step(self, step_id: str, text: str, run: str = "", **fields: object) -> None:
        """Change fields of one step."""
        steps = tuple(
            replace(one, **fields) if one.id == step_id else one  # type: ignore[arg-type]
            for one in self.now.steps
        )
        self.change(replace(self.now, steps=steps), text, run)

    def new_step(self, like: Step | None = None, after_s: float = 0.0) -> Step:
        """A step with an id of its own, empty or like another one; it is not put in yet."""
        made = f"{_LOCAL}{uuid4().hex}"
        return replace(like, id=made) if like else Step(made, 0, after_s, "", "")

    def request(self) -> Sequence:
        """The sequence as the engine takes it: new steps without id, the revision that was read."""
        steps = tuple(replace(one, id="") if one.id.startswith(_LOCAL) else one for one in self.now.steps)
        return replace(self.now, steps=steps, revision=self.revision)

    @property
    def revision(self) -> int:
        """The revision that was read or stored last; 0 while there is no sequence."""
        return self._stored.revision if self._stored else 0

    def stored(self, sequence: Sequence, asked: Sequence) -> None:
        """It was stored so; `asked`: as it was here when that was asked for.

        What was typed meanwhile stays, and undo still reaches back before it.
        """
        self._real.update(real_ids(asked, sequence))
        self._stored = sequence
        self.show(self.now)

    def refreshed(self, sequence: Sequence) -> bool:
        """It was read again; False when somebody else changed it and unsaved changes are in the way."""
        if self._stored is None or sequence.id != self._stored.id:
            return False
        if _content(sequence) == _content(self._stored):
            # A launch, a pause: nothing of what the person edits.
            self._stored = replace(self._stored, revision=sequence.revision)
            return True
        if self.is_dirty:
            return False
        self.begin(sequence)
        return True

    def discard(self) -> None:
        """Go back to what is stored; that can be undone too."""
        if self._stored is not None:
            self.change(replace(self._stored, revision=self.now.revision), "Discard changes")

    def rebase(self, sequence: Sequence) -> None:
        """Take what another front stored, as a change: the person's own version is one undo away."""
        self._stored = sequence
        self.change(sequence, "Reload")

    def show(self, sequence: Sequence) -> None:
        """Take a sequence of the history over."""
        self._now = with_ids(sequence, self._real)
        self._tell()

    def _tell(self) -> None:
        self.changed.emit()
        if self.is_dirty is not self._was_dirty:
            self._was_dirty = not self._was_dirty
            self.dirty_changed.emit(self._was_dirty)


def real_ids(asked: Sequence, stored: Sequence) -> dict[str, str]:
    """What the steps that were new when `asked` for are called now that they are stored."""
    pairs = zip(asked.steps, stored.steps, strict=False)
    return {mine.id: theirs.id for mine, theirs in pairs if mine.id.startswith(_LOCAL)}


def with_ids(sequence: Sequence, real: Mapping[str, str]) -> Sequence:
    """The sequence with its steps called as they are stored."""
    return replace(sequence, steps=tuple(replace(one, id=real.get(one.id, one.id)) for one in sequence.steps))


class Typing:
    """Tells which keystrokes belong together: one word written, or one stretch deleted."""

    def __init__(self) -> None:
        self._run = 0
        self._last: tuple[int, bool, bool] | None = None

    def stop(self) -> None:
        """What comes next is something else."""
        self._last = None

    def run(self, before: str, after: str) -> int:
        """The number of the run that this change belongs to."""
        at = _common(before, after)
        grows = len(after) == len(before) + 1
        space = grows and after[at : at + 1].isspace()
        single = grows or len(after) == len(before) - 1
        here = at + 1 if grows else at
        last, self._last = self._last, (here, grows, space) if single else None
        follows = last is not None and single and last[1] == grows and abs(here - last[0]) <= 1
        if not follows or (last is not None and last[2] and not space):
            self._run += 1
        return self._run


def _common(one: str, other: str) -> int:
    """How many letters both begin with."""
    at = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        at += 1
    return at


def change_end(before: str, after: str) -> int:
    """Where in `after` the part ends that differs from `before`; the cursor belongs there."""
    start = _common(before, after)
    tail = _common(before[start:][::-1], after[start:][::-1])
    return len(after) - tail


def _numbered(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(replace(one, number=number) for number, one in enumerate(steps, 1))


def _content(sequence: Sequence) -> Sequence:
    """What the person edits: all but what the engine decides."""
    return replace(
        sequence,
        created_at=_NEVER,
        status=SequenceStatus.DRAFT,
        start_at=None,
        started_at=None,
        problem=None,
        revision=0,
    )
