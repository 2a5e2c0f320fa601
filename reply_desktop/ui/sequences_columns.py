"""The columns of the sequences table, and a row made ready to paint: all its texts, once."""

from datetime import datetime
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.notification import plain
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.sequence import STATUS_WORDS, SequenceStatus
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.domain.states import Color
from reply_desktop.ui import words
from reply_desktop.ui.columns import Column
from reply_desktop.ui.sequence_toggle import NAME_LENGTH, is_on, toggle_words

TIP_ACCOUNTS: Final = 20
"""Accounts named in a tooltip."""


class SequenceCol(IntEnum):
    """A column's place."""

    TOGGLE = 0
    NAME = 1
    STATUS = 2
    PROGRESS = 3
    SENT = 4
    DOUBT = 5
    REPLIED = 6
    NEXT = 7
    ACCOUNTS = 8


_C = SequenceCol

SEQUENCE_COLUMNS: Final = (
    Column("toggle", "On", 80),
    Column("name", "Name", 190, stretch=4, sort="name", sample="Spring outreach 2026"),
    Column("status", "Status", 92, rank=4, sort="status", sample="Scheduled "),
    Column("progress", "Progress", 140, rank=3, stretch=1, sort="progress", descending=True),
    Column("sent", "Sent", 96, rank=5, sort="sent", descending=True, right=True, sample="1,200 in 24 h"),
    Column("doubt", "In doubt", 76, rank=1, sort="in_doubt", descending=True, right=True, sample="1,200"),
    Column("replied", "Replied", 76, rank=6, sort="replied", descending=True, right=True, sample="1,200"),
    Column("next", "Next send", 104, rank=2, sort="next_send_at", sample="in a moment"),
    Column("accounts", "Accounts", 150, rank=7, stretch=2, sample="first.last@company.com"),
)  # fmt: skip
"""In the order of `SequenceCol`."""

PROBLEM_WORDS: Final = MappingProxyType(
    {
        Problem.NO_ACCOUNTS: "No sending account chosen",
        Problem.NO_ACCOUNT_CAN_SEND: "No account can send",
        Problem.NO_PROSPECTS: "No prospects yet",
        Problem.NO_STEPS: "No steps yet",
        Problem.WINDOW_EMPTY: "No day or hour to send in",
    }
)
"""What keeps a sequence from sending, in a few words."""


def done_of(row: SequenceRow) -> float:
    """Which part of the prospects is finished, 0 to 1."""
    return row.finished / row.prospects if row.prospects else 0.0


def trouble_words(row: SequenceRow) -> tuple[str, Color] | None:
    """(what is wrong in one line, in which colour), or None when there is nothing to say.

    What keeps a sequence from sending is red while it should send, and orange before that.
    """
    if row.problem is not None:
        return PROBLEM_WORDS[row.problem], Color.RED if is_on(row) else Color.ORANGE
    if row.accounts_out:
        who = words.few(row.accounts_out, shown=1)
        return f"{who} cannot send", Color.RED if row.indicator is Color.RED else Color.ORANGE
    return None


def next_at(row: SequenceRow) -> datetime | None:
    """When the next mail leaves, or a scheduled sequence begins; None when nothing will."""
    if not is_on(row):
        return None
    return row.start_at if row.status is SequenceStatus.SCHEDULED else row.next_send_at


def next_words(row: SequenceRow, now: datetime) -> str:
    """When the next mail leaves, or a scheduled sequence begins: “in 4 min”; “–” when none will."""
    return words.until(next_at(row), now)


class PreparedSequence:
    """One sequence's row with every text it shows. `texts` in the order of `SequenceCol`."""

    __slots__ = ("row", "sent_24h", "texts", "trouble")

    def __init__(self, row: SequenceRow, now: datetime) -> None:
        self.row = row
        self.trouble = trouble_words(row)
        self.sent_24h = f"{row.sent_24h:,} in 24 h"
        self.texts: tuple[str, ...] = (
            "On" if is_on(row) else "Off",
            plain(row.name, NAME_LENGTH),
            STATUS_WORDS[row.status],
            f"{row.finished:,} of {row.prospects:,}" if row.prospects else "–",
            f"{row.sent:,}",
            f"{row.in_doubt:,}" if row.in_doubt else "",
            f"{row.replied:,}",
            next_words(row, now),
            words.few(row.accounts, shown=1) if row.accounts else "–",
        )

    def accessible(self, col: int) -> str:
        """What a screen reader says of one cell."""
        row, text = self.row, self.texts[col]
        if col == _C.TOGGLE:
            return toggle_words(row)
        if col == _C.NAME and self.trouble is not None:
            return f"{text}. {self.trouble[0]}"
        if col == _C.PROGRESS:
            return f"{text} done" if row.prospects else "No prospects"
        if col == _C.SENT:
            return f"{text} sent, {self.sent_24h}"
        if col == _C.DOUBT:
            return f"{row.in_doubt:,} in doubt"
        if col == _C.REPLIED:
            return f"{text} replied"
        if col == _C.ACCOUNTS:
            return text if row.accounts else "No accounts"
        return text

    def tip(self, col: int) -> str:
        """What hovering over one cell tells."""
        row = self.row
        if col == _C.PROGRESS:
            return (
                f"{words.count(row.prospects, 'prospect')}: {row.waiting:,} waiting, {row.active:,} active, "
                f"{row.in_doubt:,} in doubt, {row.finished:,} finished"
            )
        if col == _C.SENT:
            return f"{words.count(row.sent, 'mail')} sent, {row.sent_24h:,} of them in the last 24 hours"
        if col == _C.DOUBT:
            return "It is not known whether these mails went out; nothing more is sent to their prospects."
        if col == _C.REPLIED:
            return f"{row.replied:,} replied, {row.bounced:,} bounced"
        if col == _C.NEXT:
            begins = "Begins " if row.status is SequenceStatus.SCHEDULED else ""
            return f"{begins}{words.exact(next_at(row))}" or "Nothing is planned"
        if col == _C.ACCOUNTS:
            lines = [
                f"{address}: cannot send" if address in row.accounts_out else address
                for address in row.accounts[:TIP_ACCOUNTS]
            ]
            left = len(row.accounts) - len(lines)
            return "\n".join(lines + [f"and {left:,} more"] * (left > 0)) or "No sending account is chosen"
        name = self.texts[_C.NAME]
        return f"{name}\n{row.tooltip}" if col == _C.NAME else row.tooltip
