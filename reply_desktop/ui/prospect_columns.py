"""The columns of the prospects table, and a row made ready to paint: all its texts, once."""

from datetime import datetime
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.enrollment import EnrollmentState, FinishReason
from reply_desktop.domain.notification import plain
from reply_desktop.domain.sequence_rows import ProspectRow
from reply_desktop.domain.states import Color, Shape
from reply_desktop.ui import words
from reply_desktop.ui.columns import Column


class ProspectCol(IntEnum):
    """A column's place."""

    STATE = 0
    EMAIL = 1
    STEP = 2
    REASON = 3
    ACCOUNT = 4
    LAST = 5
    NEXT = 6


PROSPECT_COLUMNS: Final = (
    Column("state", "State", 112, sort="state", sample="Bounced back ", icon=True),
    Column("email", "E-mail", 200, stretch=3, sort="email", sample="first.last@company.com"),
    Column("step", "Step", 64, rank=2, sample="10 of 12"),
    Column("reason", "Why", 170, rank=1, stretch=4, sample="Waits for ana@company.com"),
    Column("account", "Account", 150, rank=5, stretch=2, sample="ana@company.com"),
    Column("last", "Last sent", 96, rank=4, sort="last_sent_at", descending=True, sample="30 min ago "),
    Column("next", "Next due", 90, rank=3, sort="due_at", sample="in a moment"),
)
"""In the order of `ProspectCol`."""

_S, _R = EnrollmentState, FinishReason

PROSPECT_WORDS: Final = MappingProxyType(
    {
        _S.WAITING: "Waiting",
        _S.ACTIVE: "Active",
        _S.IN_DOUBT: "In doubt",
        _S.FINISHED: "Finished",
    }
)
"""Each state in a word."""

_LOOKS: Final = MappingProxyType(
    {
        _S.WAITING: (Shape.RING, Color.GREY),
        _S.ACTIVE: (Shape.DOTS, Color.GREEN),
        _S.IN_DOUBT: (Shape.TRIANGLE, Color.ORANGE),
        _S.FINISHED: (Shape.DISC, Color.GREY),
    }
)
_ENDS: Final = MappingProxyType(
    {
        _R.COMPLETED: ("Finished", Shape.DISC, Color.GREY),
        _R.REPLIED: ("Replied", Shape.DISC, Color.GREEN),
        _R.BOUNCED: ("Bounced", Shape.CROSS, Color.RED),
        _R.UNSUBSCRIBED: ("Unsubscribed", Shape.BAR, Color.GREY),
        _R.SUPPRESSED: ("Suppressed", Shape.BAR, Color.GREY),
        _R.FAILED: ("Failed", Shape.CROSS, Color.RED),
        _R.STOPPED: ("Stopped", Shape.BARS, Color.GREY),
    }
)
"""How each end is called and drawn; told apart without colour."""


def state_words(row: ProspectRow) -> str:
    """Where the prospect is, in a word."""
    if row.finish_reason is not None:
        return _ENDS[row.finish_reason][0]
    return PROSPECT_WORDS[row.state]


def state_look(row: ProspectRow) -> tuple[Shape, Color]:
    """The shape and the colour of its state."""
    if row.finish_reason is not None:
        _, shape, color = _ENDS[row.finish_reason]
        return shape, color
    return _LOOKS[row.state]


class PreparedProspect:
    """One prospect's row with every text it shows. `texts` in the order of `ProspectCol`."""

    __slots__ = ("color", "row", "shape", "texts")

    def __init__(self, row: ProspectRow, now: datetime) -> None:
        self.row = row
        self.shape, self.color = state_look(row)
        self.texts: tuple[str, ...] = (
            state_words(row),
            plain(row.email),
            f"{row.done} of {row.steps}",
            plain(row.reason),
            plain(row.account) if row.account else "–",
            words.ago(row.last_sent_at, now) if row.last_sent_at else "–",
            words.until(row.due_at, now),
        )

    def accessible(self, col: int) -> str:
        """What a screen reader says of one cell."""
        if col == ProspectCol.REASON:
            return self.texts[col] or "Nothing to add"
        if col == ProspectCol.STEP:
            return f"Step {self.texts[col]}"
        return self.texts[col]

    def tip(self, col: int) -> str | None:
        """What hovering over one cell tells."""
        if col == ProspectCol.LAST:
            return words.exact(self.row.last_sent_at) or "Nothing was sent yet"
        if col == ProspectCol.NEXT:
            return words.exact(self.row.due_at) or "Nothing is planned"
        if col == ProspectCol.EMAIL:
            told = [f"{plain(name, 60)}: {plain(value, 120)}" for name, value in self.row.fields.items()]
            return "\n".join([self.texts[col], *told[:20]])
        return self.texts[col] or None
