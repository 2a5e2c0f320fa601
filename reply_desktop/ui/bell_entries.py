"""What the bell's panel is made of: single notifications, and those raised together as one that unfolds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QLabel, QWidget

from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.domain.states import State
from reply_desktop.ui import icons, theme, words
from reply_desktop.ui.controls import button, column, hairline, line, wrapped
from reply_desktop.ui.theme import Space, Type

TOGETHER: Final = 3
"""So many raised together are shown as one."""
NAMED: Final = 3
"""Addresses such an entry names; the others are counted."""
UNFOLDED: Final = 10
"""Entries built at once when it is unfolded; the rest is a press away."""

_STATES: Final = {Severity.CRITICAL: State.EXPIRED, Severity.WARNING: State.AT_RISK}
_TITLES: Final = {
    NotificationKind.ACCOUNT_LOST: ("account", "cannot send", "could not send"),
    NotificationKind.ACCOUNT_RECOVERED: ("account", "work again", "work again"),
    NotificationKind.DEADLINE_NEAR: ("sign-in", "end soon", "were to end"),
}
_ELSE: Final = ("notification", "came together", "came together")


@dataclass(frozen=True, slots=True)
class Block:
    """One place in the panel: a single row, or rows raised together, those that are over last."""

    key: str
    rows: tuple[NotificationRow, ...]

    @property
    def unread(self) -> tuple[str, ...]:
        """Ids of those that are not read."""
        return tuple(row.id for row in self.rows if not row.read)

    @property
    def open(self) -> int:
        """How many are not over."""
        return sum(not is_over(row) for row in self.rows)

    @property
    def title(self) -> str:
        """“50 accounts cannot send”: those still open, or all when all are over."""
        noun, now, then = _TITLES.get(self.rows[0].kind, _ELSE)
        return f"{words.count(len(self._told), noun)} {now if self.open else then}"

    @property
    def names(self) -> str:
        """“ana@…, ben@…, eva@… and 47 more”: those the title counts."""
        return words.few([about(row) for row in self._told], shown=NAMED)

    @property
    def _told(self) -> list[NotificationRow]:
        """The rows that title and names count: an account that came and went twice is one account."""
        rows = [row for row in self.rows if not is_over(row)] or self.rows
        return list({about(row): row for row in rows}.values())


def ordered(rows: Iterable[NotificationRow]) -> list[NotificationRow]:
    """Unread first, then the newest first."""
    return sorted(rows, key=lambda row: (not row.read, row.at, row.id), reverse=True)


def blocks(rows: Iterable[NotificationRow]) -> list[Block]:
    """The rows as the panel shows them: blocks with unread ones first, then the newest first."""

    def together(row: NotificationRow) -> tuple[str, str]:
        return row.group or row.id, row.kind

    made: list[Block] = []
    for (group, kind), found in groupby(sorted(rows, key=together), together):
        members = tuple(sorted(ordered(found), key=is_over))
        if len(members) >= TOGETHER:
            made.append(Block(f"{group}/{kind}", members))
        else:
            made.extend(Block(row.id, (row,)) for row in members)
    return sorted(
        made,
        key=lambda one: (bool(one.unread), max(row.at for row in one.rows), one.rows[0].id),
        reverse=True,
    )


def is_over(row: NotificationRow) -> bool:
    """Whether the trouble it tells of is over; good news never is."""
    return row.withdrawn and row.severity is not Severity.INFO


def about(row: NotificationRow) -> str:
    """The address its title begins with; the whole title where there is none."""
    first = row.title.partition(" ")[0].rstrip(":")
    return first if "@" in first else row.title


class Entry(QFrame):
    """One notification. Only Details can be focused; its name says what it is about."""

    def __init__(self, on_details: Callable[[NotificationRow], None], *, inside: bool = False) -> None:
        super().__init__()
        self._row: NotificationRow | None = None
        self._asked = on_details
        self._sign, self._dot = QLabel(), QLabel()
        self._title, self._text = wrapped(strong=True), wrapped(muted=True)
        self._when = wrapped(size=Type.CAPTION, muted=True)
        self.details = button("Details", self._on_details, kind="link")
        self._when.setAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        foot = line()
        foot.addWidget(self._when, 1)
        foot.addWidget(self.details)
        body = column(gap=Space.XXS)
        body.addWidget(self._title)
        body.addWidget(self._text)
        body.addLayout(foot)
        row = _framed(self._dot, self._sign)
        if inside:
            row.setContentsMargins(Space.M + Space.XL, Space.S, Space.M, Space.XS)
        row.addLayout(body, 1)
        whole = column(self, gap=0)
        whole.addLayout(row)
        whole.addWidget(hairline())

    def buttons(self) -> list[QAbstractButton]:
        """What Up and Down stop at."""
        return [self.details]

    def stops(self) -> list[QAbstractButton]:
        """What Tab stops at, in order."""
        return [self.details]

    def show_block(self, block: Block, clock: words.Clock) -> None:
        """Show the block's only row as it is now."""
        self.show_row(block.rows[0], clock)

    def show_row(self, row: NotificationRow, clock: words.Clock) -> None:
        """Show the entry as it is now."""
        self._row = row
        when, over = words.ago(row.at, clock()), is_over(row)
        again = _again(row.reminded)
        self._title.setText(row.title)
        self._title.setFont(theme.theme().font(strong=not row.read))
        self._text.setText(row.text)
        self._when.setText(" · ".join(part for part in (when, again, "over" * over) if part))
        self._when.setToolTip(words.exact(row.at))
        self._sign.setPixmap(_sign(row, over))
        self._dot.setPixmap(QPixmap() if row.read else _dot())
        told = ("" if row.read else "Unread. ") + f"{row.title}. {row.text} {when}."
        told += f" {again[:1].upper()}{again[1:]}." * bool(again) + " It is over." * over
        self.setAccessibleName(told)
        self.details.setAccessibleName(f"Details: {row.title}")
        self.details.setAccessibleDescription(told)

    def _on_details(self) -> None:
        if self._row is not None:
            self._asked(self._row)


class Together(QFrame):
    """Several raised together. What it unfolds to is built when it is first unfolded; `built` tells of it."""

    built = Signal()

    def __init__(
        self,
        on_details: Callable[[NotificationRow], None],
        on_read: Callable[[tuple[str, ...]], None],
    ) -> None:
        super().__init__()
        self._asked, self._on_read = on_details, on_read
        self._block: Block | None = None
        self._clock: words.Clock = words.utc_now
        self._most = 0
        self.entries: dict[str, Entry] = {}
        self._sign, self._dot = QLabel(), QLabel()
        self._title, self._names = wrapped(strong=True), wrapped(muted=True)
        self._when = wrapped(size=Type.CAPTION, muted=True)
        self.toggle = button("", kind="link")
        self.toggle.setCheckable(True)
        self.toggle.toggled.connect(self._on_toggled)
        self.read = button("Mark read", self._on_mark, kind="link")
        self.more = button("", self._on_more, kind="quiet")
        foot = line(gap=Space.M)
        foot.addWidget(self.toggle)
        foot.addStretch(1)
        foot.addWidget(self.read)
        body = column(gap=Space.XXS)
        body.addWidget(self._title)
        body.addWidget(self._names)
        body.addWidget(self._when)
        body.addLayout(foot)
        row = _framed(self._dot, self._sign)
        row.addLayout(body, 1)
        self._folded = QWidget()
        inside = column(self._folded, gap=0)
        self._list = column(gap=0)
        inside.addLayout(self._list)
        inside.addWidget(self.more, 0, Qt.AlignmentFlag.AlignHCenter)
        self._folded.hide()
        whole = column(self, gap=0)
        whole.addLayout(row)
        whole.addWidget(hairline())
        whole.addWidget(self._folded)

    def buttons(self) -> list[QAbstractButton]:
        """What Up and Down stop at."""
        inside = [entry.details for entry in self.entries.values()] if self.toggle.isChecked() else []
        return [self.toggle, *inside]

    def stops(self) -> list[QAbstractButton]:
        """What Tab stops at, in order."""
        return [self.toggle, self.read, *(entry.details for entry in self.entries.values()), self.more]

    def show_block(self, block: Block, clock: words.Clock) -> None:
        """Show these rows as they are now."""
        self._block, self._clock = block, clock
        newest = max(row.at for row in block.rows)
        over = len(block.rows) - block.open if block.rows[0].severity is not Severity.INFO else 0
        when = words.ago(newest, clock())
        ends = "over" if over and not block.open else f"{over:,} over" if over else ""
        again = _again(max(row.reminded for row in block.rows))
        unread = bool(block.unread)
        self._title.setText(block.title)
        self._title.setFont(theme.theme().font(strong=unread))
        self._names.setText(block.names)
        self._when.setText(" · ".join(part for part in (when, again, ends) if part))
        self._when.setToolTip(words.exact(newest))
        self._sign.setPixmap(_sign(block.rows[0], bool(ends) and not block.open))
        self._dot.setPixmap(_dot() if unread else QPixmap())
        if not unread and self.read.hasFocus():
            self.toggle.setFocus(Qt.FocusReason.OtherFocusReason)
        self.read.setVisible(unread)
        told = f"{len(block.unread):,} unread. " * unread + f"{block.title}: {block.names}. {when}."
        told += f" {ends[:1].upper()}{ends[1:]}." * bool(ends)
        self.setAccessibleName(told)
        self.read.setAccessibleName(f"Mark read: {block.title}")
        self.toggle.setAccessibleDescription(told)
        self._show_fold()

    def _show_fold(self) -> None:
        if self._block is None:
            return
        shown, total = self.toggle.isChecked(), len(self._block.rows)
        self.toggle.setText("Fold" if shown else f"Show all {total:,}")
        self.toggle.setAccessibleName(f"{self.toggle.text()}: {self._block.title}")
        icons.put_icon(self.toggle, "chevron-down" if shown else "chevron-right", "accent", 12)
        if shown:
            self._build()
        self._folded.setVisible(shown)

    def _build(self) -> None:
        assert self._block is not None
        had = set(self.entries)
        rows = {row.id: row for row in self._block.rows}
        # Those that are there keep their place: what was just read must not jump away.
        order = [one for one in self.entries if one in rows]
        order += [one for one in rows if one not in self.entries][: max(0, self._most - len(order))]
        for gone in self.entries.keys() - rows.keys():
            self.entries.pop(gone).deleteLater()
        for one in order:
            if one not in self.entries:
                self.entries[one] = Entry(self._asked, inside=True)
                self._list.addWidget(self.entries[one])
            self.entries[one].show_row(rows[one], self._clock)
        left = len(rows) - len(order)
        self.more.setText(f"Show {min(left, UNFOLDED)} more")
        self.more.setAccessibleName(f"{self.more.text()}: {self._block.title}")
        self.more.setVisible(left > 0)
        if self.entries.keys() != had:
            self.built.emit()

    def _on_toggled(self, shown: bool) -> None:
        self._most = max(self._most, UNFOLDED)
        self._show_fold()

    def _on_more(self) -> None:
        shown = len(self.entries)
        self._most = shown + UNFOLDED
        self._build()
        fresh = list(self.entries.values())[shown:]
        if fresh:
            fresh[0].details.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_mark(self) -> None:
        if self._block is not None:
            self._on_read(self._block.unread)


def _framed(dot: QLabel, sign: QLabel) -> QHBoxLayout:
    """The beginning of an entry's line: the dot of what is unread, and the sign of what it is."""
    dot.setFixedWidth(Space.S)
    row = line()
    row.setContentsMargins(Space.M, Space.M, Space.M, Space.S)
    row.addWidget(dot, 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
    return row


def _again(reminded: int) -> str:
    if not reminded:
        return ""
    return "reminded once" if reminded == 1 else f"reminded {reminded:,} times"


def _sign(row: NotificationRow, over: bool) -> QPixmap:
    if over:
        return icons.pixmap("check", theme.colors().muted)
    if row.kind is NotificationKind.APP_FAULT:
        return icons.state_pixmap(State.BLOCKED)
    return icons.state_pixmap(_STATES.get(row.severity, State.CONNECTED))


def _dot() -> QPixmap:
    ratio = theme.device_pixel_ratio()
    made = QPixmap(round(Space.S * ratio), round(16 * ratio))
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.colors().accent))
    painter.drawEllipse(QRectF(0, 4.5, 7, 7))
    painter.end()
    return made
