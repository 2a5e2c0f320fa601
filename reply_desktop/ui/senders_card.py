"""Which accounts a sequence is sent from: all to choose from, what is wrong with some, who can read."""

from dataclasses import replace
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QEvent, QModelIndex, QObject, QRect, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from reply_desktop.channel.messages import GetAccounts, ListAccounts, RowsChanged
from reply_desktop.domain.events import AccountRemoved
from reply_desktop.domain.notification import plain
from reply_desktop.domain.provider import PROVIDER_NAMES, SINGLE_CLICK
from reply_desktop.domain.rows import AccountFilter, AccountRow
from reply_desktop.domain.sequence_rows import SenderRow
from reply_desktop.domain.states import COLORS, STATE_WORDS, Color
from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.columns import Column
from reply_desktop.ui.controls import Note, button, clear, column, line, wrapped
from reply_desktop.ui.filter_bar import TYPING_MS, SearchField
from reply_desktop.ui.page import Card
from reply_desktop.ui.row_delegate import Index, RowDelegate
from reply_desktop.ui.row_table import RowTable
from reply_desktop.ui.sequence_draft import Draft
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.vector_model import VectorModel
from reply_desktop.ui.words import Clock, count, few, wrong_words

NAMED: Final = 3
"""Accounts told of one by one; the others are counted."""
_SHOWN: Final = 6
_BOX: Final = 16
_ORDER: Final = AccountFilter(sort="address", descending=False)
_READING: Final = (
    "With your permission to read, the app looks for answers and returned mail among what comes in. It keeps "
    "who wrote and when, never the text, and changes nothing in the mailbox."
)


class SenderCol(IntEnum):
    """A column's place."""

    USED = 0
    ADDRESS = 1
    STATE = 2
    REPLIES = 3
    WRONG = 4


SENDER_COLUMNS: Final = (
    Column("used", "Use", 52),
    Column("address", "Address", 200, stretch=3, sort="address", sample="first.last@company.com"),
    Column("state", "Status", 118, sample="Not signed in ", icon=True),
    Column("replies", "Replies", 96, rank=1, sample="Not seen "),
    Column("wrong", "What is wrong", 160, rank=2, stretch=3, sample="Access was removed"),
)
"""In the order of `SenderCol`."""


class PreparedSender:
    """One account ready to paint. `texts` in the order of `SenderCol`."""

    __slots__ = ("row", "sender", "texts", "used")

    def __init__(self, row: AccountRow, sender: SenderRow | None, used: bool) -> None:
        self.row, self.sender, self.used = row, sender, used
        replies = "" if sender is None or not used else "Seen" if sender.reads else "Not seen"
        wrong = sender.explanation if sender and sender.explanation else wrong_words(row)
        self.texts: tuple[str, ...] = ("", plain(row.address), STATE_WORDS[row.state], replies, plain(wrong))

    def accessible(self, col: int) -> str:
        """What a screen reader says of one cell."""
        if col == SenderCol.USED:
            return f"{'Used' if self.used else 'Not used'}: {self.row.address}"
        return self.texts[col] or {SenderCol.REPLIES: "Not known", SenderCol.WRONG: "Nothing"}[SenderCol(col)]

    def tip(self, col: int) -> str | None:
        """What hovering over one cell tells."""
        if col == SenderCol.WRONG and self.sender is not None and self.sender.todo:
            return f"{self.texts[col]} {self.sender.todo}"
        return self.texts[col] or None


class SenderModel(VectorModel[AccountFilter, PreparedSender]):
    """All accounts; those of the sequence come first, as they were when the list was asked for."""

    def __init__(self, bridge: Bridge, clock: Clock, draft: Draft, parent: QObject | None = None) -> None:
        super().__init__(bridge, clock, SENDER_COLUMNS, _ORDER, parent)
        self._draft = draft
        self.senders: dict[str, SenderRow] = {}
        bridge.rows_changed.connect(self._on_rows)
        bridge.account_removed.connect(self._on_removed)

    def index_request(self) -> ListAccounts:
        return ListAccounts(self.wanted)

    def rows_request(self, ids: tuple[str, ...]) -> GetAccounts:
        return GetAccounts(ids)

    def is_used(self, account_id: str) -> bool:
        """Whether the draft sends from this account."""
        return self._draft.is_open and account_id in self._draft.now.accounts

    def prepare(self, row: AccountRow) -> PreparedSender:
        return PreparedSender(row, self.senders.get(row.id), self.is_used(row.id))

    def arrange(self, ids: tuple[str, ...]) -> tuple[str, ...]:
        used = frozenset(self._draft.now.accounts) if self._draft.is_open else frozenset()
        return tuple(sorted(ids, key=lambda one: one not in used))

    def show_draft(self) -> None:
        """The draft changed what is used."""
        self.refresh_times()

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if role == int(Qt.ItemDataRole.CheckStateRole) and index.column() == SenderCol.USED:
            prepared = self.prepared(index.row())
            on = prepared is not None and self.is_used(prepared.row.id)
            return Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
        return super().data(index, role)

    def flags(self, index: Index) -> Qt.ItemFlag:
        base = super().flags(index)
        return base | Qt.ItemFlag.ItemIsUserCheckable if index.column() == SenderCol.USED else base

    def _on_rows(self, event: RowsChanged) -> None:
        seen = {row.id for row in event.rows} & self._cache.keys()
        for row in event.rows:
            if row.id in seen:
                self._cache[row.id] = self.prepare(row)
        self.repaint(seen)
        if len(seen) < len(event.rows):
            self.reload_soon()

    def _on_removed(self, event: AccountRemoved) -> None:
        self.reload_soon()


class SenderDelegate(RowDelegate):
    """Paints a check box and a state's shape."""

    def paint_cell(
        self,
        painter: QPainter,
        cell: QRect,
        inner: QRect,
        index: Index,
        prepared: PreparedSender,
        selected: bool,
    ) -> None:
        col = index.column()
        if col == SenderCol.USED:
            self._box(painter, cell, prepared.used)
        elif col == SenderCol.STATE:
            ink = QColor(self._colors.state_tone(prepared.row.state).ink)
            mark = icons.state_pixmap(prepared.row.state)
            self._marked(painter, inner, mark, prepared.texts[col], ink)
        elif col == SenderCol.WRONG:
            color = COLORS[prepared.row.state]
            self._write(painter, inner, prepared.texts[col], self._inks[color])
        else:
            super().paint_cell(painter, cell, inner, index, prepared, selected)

    def _box(self, painter: QPainter, cell: QRect, on: bool) -> None:
        used = self._colors
        box = QRect(0, 0, _BOX, _BOX)
        box.moveCenter(cell.center())
        box.translate(Space.XS, 0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(used.accent if on else used.outline), 1))
        painter.setBrush(QColor(used.accent if on else used.surface))
        painter.drawRoundedRect(box, 4, 4)
        painter.restore()
        if on:
            painter.drawPixmap(box.left() + 2, box.top() + 2, icons.pixmap("check", used.on_accent, 12))

    def editorEvent(self, *args: Any) -> bool:
        """The table itself turns accounts on and off."""
        return False


class SenderTable(RowTable):
    """The accounts to choose from. `toggled` carries an account id."""

    toggled = Signal(str)

    def __init__(self, model: SenderModel) -> None:
        super().__init__(model, SenderCol.ADDRESS, "Sending accounts")
        self.clicked.connect(self._on_clicked)
        self.opened.connect(self.toggled)

    def make_delegate(self) -> RowDelegate:
        return SenderDelegate(self, self)

    def copied(self, row: AccountRow) -> str:
        return row.address

    def _on_clicked(self, index: QModelIndex) -> None:
        if index.column() == SenderCol.USED:
            self.toggled.emit(self.id_at(index.row()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        current = self.current_id()
        if event.key() == Qt.Key.Key_Space and current is not None:
            self.toggled.emit(current)
        else:
            super().keyPressEvent(event)


class SendersCard(Card):
    """Chooses the sending accounts of a draft.

    `account_wanted` carries an account id, `reading_wanted` that of one whose mail should be read.
    """

    account_wanted = Signal(str)
    reading_wanted = Signal(str)

    def __init__(self, bridge: Bridge, clock: Clock, draft: Draft) -> None:
        super().__init__(
            "Sending accounts",
            "New prospects go to these accounts in turn; each prospect keeps the account it began with.",
        )
        self._bridge, self._draft = bridge, draft
        self._senders: tuple[SenderRow, ...] = ()
        self._used: tuple[str, ...] = ()
        self._told: object = None
        self.model = SenderModel(bridge, clock, draft, self)
        self.table = SenderTable(self.model)
        self.text = SearchField("Search address", "Search sending accounts")
        self.chosen = theme.label("", muted=True)
        head = line(gap=Space.M)
        head.addWidget(self.text)
        head.addWidget(self.chosen)
        head.addStretch(1)
        self.body.addLayout(head)
        self.body.addWidget(self.table)
        self.none = wrapped("There are no accounts yet. Add one under Settings → Email accounts.", muted=True)
        self.body.addWidget(self.none)
        self._notes = QWidget()
        self._lines: QVBoxLayout = column(self._notes, gap=Space.S)
        self.body.addWidget(self._notes)
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(self._on_text)
        self.text.textChanged.connect(lambda: self._typing.start())
        self.text.left_down.connect(self.table.setFocus)
        self.table.toggled.connect(self.toggle)
        self.model.loaded.connect(self._fit)
        draft.changed.connect(self._on_draft)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange:
            self._tell()

    # What the tab says

    def open(self) -> None:
        """Another sequence was opened: ask for the accounts anew."""
        with QSignalBlocker(self.text):
            self.text.clear()
        self.model.wanted = _ORDER
        self.model.reload()

    def put(self, senders: tuple[SenderRow, ...]) -> None:
        """How the sequence's accounts are."""
        self._senders = senders
        self.model.senders = {one.account_id: one for one in senders}
        self.model.show_draft()
        self._tell()

    def _on_text(self) -> None:
        self.model.want(replace(_ORDER, text=self.text.text().strip()))

    def _fit(self) -> None:
        rows = min(_SHOWN, max(2, len(self.model.ids)))
        height = theme.scaled(theme.ROW_HEIGHT) * rows + self.table.horizontalHeader().sizeHint().height() + 2
        self.table.setFixedHeight(height)
        empty = self.model.is_loaded and not self.model.ids
        self.none.setVisible(empty and not self.model.wanted.text)
        self.table.setVisible(not empty or bool(self.model.wanted.text))

    # Choosing

    def toggle(self, account_id: str) -> None:
        """Use this account, or no longer."""
        accounts = self._draft.now.accounts
        if account_id in accounts:
            after, text = tuple(one for one in accounts if one != account_id), "Leave an account out"
        else:
            after, text = (*accounts, account_id), "Use an account"
        self._draft.change(replace(self._draft.now, accounts=after), text)

    def _on_draft(self) -> None:
        used = self._draft.now.accounts if self._draft.is_open else ()
        if used != self._used:
            self._used = used
            self.model.show_draft()
            self._tell()

    # What there is to know

    def _tell(self) -> None:
        used = self._draft.now.accounts if self._draft.is_open else ()
        mine = [one for one in self._senders if one.account_id in used]
        told = (used, tuple(mine), self._bridge.engine)
        if told == self._told:
            # With every mail the sequence is read anew; a button that is being pressed must not go.
            return
        self._told = told
        self.chosen.setText(f"{count(len(used), 'account')} chosen")
        clear(self._lines)
        out = [one for one in mine if one.explanation]
        for one in out[:NAMED]:
            self._lines.addWidget(self._out_note(one))
        if len(out) > NAMED:
            self._lines.addWidget(
                wrapped(f"{count(len(out) - NAMED, 'more account')} cannot send.", muted=True)
            )
        blind = [one for one in mine if not one.reads]
        if blind:
            self._lines.addWidget(self._blind_note(blind))
        self._notes.setVisible(bool(out or blind))

    def _out_note(self, one: SenderRow) -> QWidget:
        tone = "red" if COLORS[one.state] is Color.RED else "orange"
        waits = f" {count(one.waiting, 'prospect')} wait for it." if one.waiting else ""
        text = f"{one.address}: {plain(one.explanation)} {plain(one.todo)}{waits}"
        made = Note(" ".join(text.split()), tone)
        row = made.layout()
        assert row is not None
        go = button("Open the account", lambda: self.account_wanted.emit(one.account_id))
        go.setAccessibleName(f"Open the account {one.address}")
        row.addWidget(go)
        return made

    def _blind_note(self, blind: list[SenderRow]) -> QWidget:
        made = QWidget()
        lines = column(made, gap=Space.S)
        who = few([one.address for one in blind], shown=NAMED)
        told = f"Cannot see replies to {who}: answers there do not stop the sequence, and returned mail goes "
        lines.addWidget(Note(f"{told}unnoticed.", "orange"))
        lines.addWidget(wrapped(_READING, Type.CAPTION, muted=True))
        for one in blind[:NAMED]:
            if one.provider in SINGLE_CLICK:
                text, slot = f"Allow reading for {one.address}", self.reading_wanted
                able = self._bridge.engine is EngineState.RUNNING
            else:
                text, slot = f"Add the IMAP server of {one.address}", self.account_wanted
                able = True
            go = button(plain(text, 90), icon="mail")
            go.clicked.connect(lambda _=False, slot=slot, one=one: slot.emit(one.account_id))
            go.setEnabled(able)
            go.setAccessibleDescription(f"{PROVIDER_NAMES[one.provider]}. {_READING}")
            lines.addWidget(go, 0, Qt.AlignmentFlag.AlignLeading)
        return made
