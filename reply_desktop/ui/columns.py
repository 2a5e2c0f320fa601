"""The columns of the accounts table, and a row made ready to paint: all its texts, once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from reply_desktop.domain.provider import PROVIDER_NAMES
from reply_desktop.domain.rows import AccountRow
from reply_desktop.domain.states import COLORS, Color
from reply_desktop.ui import words


class Col(IntEnum):
    """A column's place."""

    STATUS = 0
    ACTION = 1
    ADDRESS = 2
    PROVIDER = 3
    CAUSE = 4
    PROVEN = 5
    NEXT = 6
    USED_BY = 7
    SENT = 8
    STRIP = 9


@dataclass(frozen=True, slots=True)
class Column:
    """How one column is laid out. `width`: the least, in pixels; more where the font needs it for `sample`.

    `rank`: when room is short the highest rank goes first; 0 always stays. `stretch`: share of spare room.
    `sort`: its name in `AccountFilter.sort`, None when the table cannot be sorted by it.
    `descending`: the direction of the first click.
    """

    key: str
    title: str
    width: int
    rank: int = 0
    stretch: int = 0
    sort: str | None = None
    descending: bool = False
    right: bool = False
    sample: str = ""
    icon: bool = False

    def least(self, across: Callable[[str], int]) -> int:
        """The width that shows the sample whole; `across` measures a text in pixels."""
        beside = 24 if self.icon else 0
        return max(self.width, across(self.sample) + beside + 18)


COLUMNS: Final = (
    Column("status", "Status", 118, sort="severity", descending=True, sample="Not signed in ", icon=True),
    Column("action", "", 40),
    Column("address", "Address", 200, stretch=3, sort="address", sample="first.last@company.com"),
    Column("provider", "Provider", 110, rank=3, sort="provider", sample="Microsoft 365", icon=True),
    Column(
        "cause",
        "What is wrong",
        190,
        rank=1,
        stretch=4,
        sort="cause",
        descending=True,
        sample="Access was removed or has expired",
    ),
    Column("proven", "Last proven", 96, rank=2, sort="proven_at", sample="30 min ago "),
    Column("next", "Next check", 90, rank=7, sort="next_check_at", sample="in a moment"),
    Column("used_by", "Used by", 116, rank=6, stretch=1, sample="Spring outreach"),
    Column(
        "sent",
        "Sent / 24 h",
        90,
        rank=4,
        sort="sent_today",
        descending=True,
        right=True,
        sample="100 / 2,000",
    ),
    Column("strip", "30 days", 142, rank=5),
)
"""In the order of `Col`."""


def fitting(
    width: int,
    wanted: frozenset[Col],
    widths: dict[Col, int],
    fixed: frozenset[Col] = frozenset(),
) -> dict[Col, int]:
    """`fit` for the accounts table: what is left over goes to the address."""
    needed = {int(col): across for col, across in widths.items()}
    given = fit(COLUMNS, Col.ADDRESS, width, wanted, needed, fixed)
    return {Col(col): across for col, across in given.items()}


def fit(
    columns: Sequence[Column],
    main: int,
    width: int,
    wanted: Collection[int],
    widths: Mapping[int, int],
    fixed: Collection[int] = (),
) -> dict[int, int]:
    """Which of the wanted columns fit into a width, and how wide each becomes.

    `widths`: what each needs; `fixed`: those the person gave a width. Columns of the highest rank go first;
    spare room goes to the stretching ones, and what is left over to `main`.
    """
    shown = [col for col in range(len(columns)) if col in wanted or columns[col].rank == 0]
    while sum(widths[col] for col in shown) > width:
        least = max(shown, key=lambda col: columns[col].rank)
        if columns[least].rank == 0:
            break
        shown.remove(least)
    given = {col: widths[col] for col in shown}
    spare = width - sum(given.values())
    elastic = [col for col in shown if columns[col].stretch and col not in fixed]
    shares = sum(columns[col].stretch for col in elastic)
    if spare > 0:
        for col in elastic:
            given[col] += spare * columns[col].stretch // shares
        given[main] += width - sum(given.values())
    return given


class Prepared:
    """One account's row with every text it shows. `texts` in the order of `Col`."""

    __slots__ = ("action", "color", "row", "shown_at", "texts")

    def __init__(self, row: AccountRow, now: datetime) -> None:
        self.row = row
        self.color: Color = COLORS[row.state]
        self.action = words.mend_words(row)
        self.shown_at = now
        used = row.used_by
        self.texts: tuple[str, ...] = (
            words.state_words(row),
            self.action or "",
            row.address,
            PROVIDER_NAMES[row.provider],
            words.wrong_words(row, now),
            words.ago(row.proven_at, now),
            "checking…" if row.checking else words.until(row.next_check_at, now),
            "–" if not used else used[0] if len(used) == 1 else f"{used[0]} +{len(used) - 1}",
            f"{row.sent_today:,} / {row.daily_limit:,}",
            words.strip_words(row.strip),
        )

    def accessible(self, col: int) -> str:
        """What a screen reader says of one cell."""
        if col == Col.ACTION:
            return f"{self.action} {self.row.address}" if self.action else "Nothing to do"
        if col == Col.CAUSE:
            return self.texts[col] or "Nothing is wrong"
        return self.texts[col]

    def tip(self, col: int) -> str | None:
        """What hovering over one cell tells."""
        row = self.row
        if col == Col.ACTION:
            return f"{self.action}: {row.address}" if self.action else None
        if col == Col.PROVEN:
            return words.exact(row.proven_at) or "Never proven"
        if col == Col.NEXT:
            return words.exact(row.next_check_at) or "No check is planned"
        if col == Col.USED_BY:
            return ", ".join(row.used_by) or "No sequence uses this account"
        if col == Col.CAUSE:
            told = words.cause_words(row)
            ends = words.end_words(row, self.shown_at)
            ending = f"{ends} ({words.exact(row.deadline_at)})" if ends else None
            return "\n".join(filter(None, (told.explanation if told else None, ending))) or None
        if col == Col.SENT:
            return f"{row.sent_today:,} of at most {row.daily_limit:,} sent in the last 24 hours"
        return self.texts[col]
