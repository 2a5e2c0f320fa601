"""The page of sequences: toolbar, filter, table; starting, stopping, making and deleting them."""

from collections.abc import Sequence as Several
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QPoint, Qt, QTimer, QTimeZone, Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QMenu, QStackedWidget, QVBoxLayout, QWidget

from reply_desktop.channel.messages import (
    GetSummary,
    LaunchSequence,
    PauseSending,
    PauseSequence,
    RemoveSequences,
    SaveSequence,
)
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.events import SummaryChanged
from reply_desktop.domain.notification import plain
from reply_desktop.domain.rows import Summary
from reply_desktop.domain.sequence import Sequence
from reply_desktop.domain.sequence_rows import SequenceDetail, SequenceRow
from reply_desktop.domain.window import SendingWindow
from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.controls import Elided, Note, button, column, icon_button, line, wrapped
from reply_desktop.ui.filter_bar import SearchField
from reply_desktop.ui.first_steps import NothingFound, NotYet, middle
from reply_desktop.ui.remembered import Remembered
from reply_desktop.ui.roster import Roster
from reply_desktop.ui.sequence_list_model import SequenceFilter, SequencesModel
from reply_desktop.ui.sequence_toggle import LaunchMenu, is_on
from reply_desktop.ui.sequences_table import SequencesTable
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.words import Clock, count, few, quoted, utc_now

TIMES_MS: Final = 20_000
"""How often “in 4 min” is said anew while the page is in view."""
NEW_NAME: Final = "New sequence"

_ABOUT: Final = (
    "A sequence sends a series of e-mails to a list of people, from one or several of your accounts, and "
    "stops for whoever replies."
)


def removal_words(rows: Several[SequenceRow]) -> str:
    """The question before a removal, with what goes."""
    prospects, open_ = sum(row.prospects for row in rows), sum(row.prospects - row.finished for row in rows)
    sent, doubt = sum(row.sent for row in rows), sum(row.in_doubt for row in rows)
    names = few([quoted(row.name) for row in rows], shown=3)
    parts = [f"Delete {names}?"]
    if prospects:
        left = f", {open_:,} of them not finished" if open_ else ""
        goes = f"{'goes' if prospects == 1 else 'go'} with it{left}; those in other sequences stay there."
        parts.append(f"{count(prospects, 'prospect')} {goes}")
    if doubt:
        parts.append(f"{count(doubt, 'mail')} in doubt will not be cleared up.")
    if sent:
        parts.append(f"{count(sent, 'mail')} already sent {'stays' if sent == 1 else 'stay'} sent.")
    parts.append("Nothing more is sent. The log goes too; the suppression list stays.")
    return " ".join(parts)


def unused_name(taken: Several[str]) -> str:
    """“New sequence”, or the first “New sequence 2”, “… 3” that is free."""
    used = {name.casefold() for name in taken}
    number = 1
    while (name := NEW_NAME if number == 1 else f"{NEW_NAME} {number}").casefold() in used:
        number += 1
    return name


class Question(QFrame):
    """A question in its place above the table. `go` does what `ask` was given."""

    def __init__(self) -> None:
        super().__init__()
        self._note = Note("", "red")
        self._act: Any = None
        self.go = button("Delete", self._on_go, kind="danger")
        self.keep = button("Keep", self.hide)
        row = line(gap=Space.S)
        row.addStretch(1)
        row.addWidget(self.keep)
        row.addWidget(self.go)
        page = column(self, gap=Space.S)
        page.addWidget(self._note)
        page.addLayout(row)
        self.hide()

    def text(self) -> str:
        """What is asked."""
        return self._note.text()

    def ask(self, text: str, act: Any) -> None:
        """Ask; `act` is called when the person says yes."""
        self._note.put(text, "red")
        self._act = act
        self.show()
        self.keep.setFocus()

    def _on_go(self) -> None:
        act, self._act = self._act, None
        self.hide()
        if act is not None:
            act()


class NoSequences(QWidget):
    """Shown while there is no sequence: what one is, and the one thing to do."""

    new_wanted = Signal()
    account_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        page = middle(self)
        picture = QLabel()
        icons.put_icon(picture, "send", "muted", 32)
        page.addWidget(picture)
        page.addWidget(wrapped("Your first sequence", Type.DISPLAY, strong=True))
        page.addWidget(wrapped(_ABOUT, muted=True))
        page.addSpacing(Space.S)
        self.new = button(NEW_NAME, self.new_wanted.emit, kind="primary", icon="plus")
        self.add_account = button("Add account", self.account_wanted.emit, kind="primary", icon="plus")
        self.why = wrapped("It needs an account to send from; connect one first.", muted=True)
        page.addWidget(self.why)
        for one in (self.new, self.add_account):
            page.addWidget(one, 0, Qt.AlignmentFlag.AlignLeading)
        self.put(accounts=True)

    def put(self, *, accounts: bool) -> None:
        """Say whether there is an account already."""
        self.new.setVisible(accounts)
        self.why.setVisible(not accounts)
        self.add_account.setVisible(not accounts)


class SequencesPage(QWidget):
    """Everything about the list. `opened` carries a sequence's id and the tab to open."""

    opened = Signal(str, str)
    account_wanted = Signal()

    def __init__(
        self,
        bridge: Bridge,
        roster: Roster,
        clock: Clock = utc_now,
        remembered: Remembered | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge, self._roster, self._clock = bridge, roster, clock
        self._remembered = remembered or Remembered(None)
        self._accounts = 1
        self._is_narrow = False
        self.model = SequencesModel(bridge, roster, clock, self)
        self.table = SequencesTable(self.model)
        self.not_yet, self.none, self.nothing_found = NotYet(), NoSequences(), NothingFound("sequence")
        self.trouble, self.paused = Note(), Note("", "orange")
        self.question = Question()
        self.setAccessibleName("Sequences")
        self._build()
        self._connect_parts()
        self._times = QTimer(self, interval=TIMES_MS)
        self._times.timeout.connect(self.model.refresh_times)
        self.table.take_look(self._remembered.get("sequences/table") or {})
        self.table.columns_changed.connect(self._keep_look)
        if bridge.engine is EngineState.RUNNING:
            self._on_engine(bridge.engine)
        self._on_paused(roster.paused)
        self._show()

    # Building

    def _build(self) -> None:
        self.text = SearchField("Search sequences", "Search sequences by name or account")
        self.pause_all = button("Pause all sending", self._on_pause_all, icon="pause")
        self.delete = icon_button("trash", "Delete the chosen sequences", self.ask_to_remove)
        self.new = button(NEW_NAME, self.make, kind="primary", icon="plus")
        head = line()
        head.addWidget(Elided("Sequences", Type.TITLE, strong=True), 1)
        for one in (self.text, self.delete, self.pause_all, self.new):
            head.addWidget(one)
        top = QWidget()
        rows: QVBoxLayout = column(top, gap=Space.M)
        rows.setContentsMargins(Space.L, Space.L, Space.L, Space.M)
        rows.addLayout(head)
        for part in (self.trouble, self.paused, self.question):
            part.hide()
            rows.addWidget(part)
        self.stack = QStackedWidget()
        for page in (self.not_yet, self.table, self.none, self.nothing_found):
            self.stack.addWidget(page)
        card = QFrame()
        card.setProperty("surface", True)
        column(card, gap=0).addWidget(self.stack)
        box = column(self, gap=0)
        box.addWidget(top)
        box.addWidget(card, 1)

    def _connect_parts(self) -> None:
        bridge, table = self._bridge, self.table
        bridge.engine_changed.connect(self._on_engine)
        bridge.summary_changed.connect(self._on_summary_event)
        self._roster.state_changed.connect(self._show)
        self._roster.paused_changed.connect(self._on_paused)
        self.model.loaded.connect(self._show)
        self.text.textChanged.connect(self._on_text)
        self.text.left_down.connect(table.setFocus)
        self.none.new_wanted.connect(self.make)
        self.none.account_wanted.connect(self.account_wanted)
        self.nothing_found.cleared.connect(self.text.clear)
        table.opened.connect(lambda sequence_id: self.opened.emit(sequence_id, "steps"))
        table.toggle_wanted.connect(self._on_toggle)
        table.selection_changed.connect(self._tools)
        table.customContextMenuRequested.connect(self._on_menu)
        everywhere, inside = Qt.ShortcutContext.WindowShortcut, Qt.ShortcutContext.WidgetWithChildrenShortcut
        for keys, slot, where, context in (
            (QKeySequence.StandardKey.Find, self.focus_search, self, everywhere),
            (QKeySequence.StandardKey.New, self.make, self, everywhere),
            (QKeySequence.StandardKey.Delete, self.ask_to_remove, table, inside),
        ):
            shortcut = QShortcut(QKeySequence(keys), where)
            shortcut.setContext(context)
            shortcut.activated.connect(slot)

    # What others may ask

    def focus_search(self) -> None:
        """Put the keyboard into the search field."""
        self.text.setFocus()
        self.text.selectAll()

    def make(self) -> None:
        """Make a draft, and open it once it is stored."""
        if not self.new.isEnabled():
            return
        self._quiet()
        self.new.setEnabled(False)
        zone = bytes(QTimeZone.systemTimeZoneId().data()).decode() or "UTC"
        name = unused_name([row.name for row in self._roster.rows.values()])
        draft = Sequence("", name, self._clock(), window=SendingWindow(timezone=zone))
        self._bridge.ask(SaveSequence(draft), self._on_made, self._on_not_made)

    def launch(self, sequence_id: str, start_at: object, now: bool) -> None:
        """Let a sequence send: at a time, at once, or by itself in a while."""
        self._ask_change(LaunchSequence(sequence_id, start_at, now), sequence_id)  # type: ignore[arg-type]

    def pause(self, ids: tuple[str, ...]) -> None:
        """Stop sequences."""
        for one in ids:
            self._ask_change(PauseSequence(one), one)

    def ask_to_remove(self) -> None:
        """Ask whether the chosen sequences should be deleted."""
        rows = self._chosen()
        if rows and self._bridge.engine is EngineState.RUNNING:
            ids = tuple(row.id for row in rows)
            self.question.ask(removal_words(rows), partial(self._remove, ids))

    # Doing

    def _chosen(self) -> list[SequenceRow]:
        found = (self.model.sequence(one) for one in self.table.selected_ids())
        return [row for row in found if row is not None]

    def _on_toggle(self, sequence_id: str, where: QPoint) -> None:
        row = self.model.sequence(sequence_id)
        if row is None:
            return
        if is_on(row):
            self.pause((sequence_id,))
            return
        self._launch_menu(row).popup(where)

    def _launch_menu(self, row: SequenceRow) -> LaunchMenu:
        menu = LaunchMenu(row, self._clock, self)
        menu.chosen.connect(partial(self.launch, row.id))
        return menu

    def _ask_change(self, request: LaunchSequence | PauseSequence, sequence_id: str) -> None:
        self._quiet()
        self.model.mark_busy(frozenset({sequence_id}), True)

        def over() -> None:
            self.model.mark_busy(frozenset({sequence_id}), False)

        def done(row: SequenceRow) -> None:
            over()
            self._roster.take(row)

        def failed(error: ReplyDesktopError) -> None:
            over()
            self._say(error)

        self._bridge.ask(request, done, failed, owner=self)

    def _on_made(self, detail: SequenceDetail) -> None:
        self._roster.take(detail.row)
        self._tools()
        self.opened.emit(detail.row.id, "steps")

    def _on_not_made(self, error: ReplyDesktopError) -> None:
        self._tools()
        self._say(error)

    def _remove(self, ids: tuple[str, ...]) -> None:
        self._quiet()
        self._bridge.ask(RemoveSequences(ids), lambda done: None, self._say, owner=self)

    def _on_pause_all(self) -> None:
        self._quiet()
        self._bridge.ask(PauseSending(not self._roster.paused), lambda done: None, self._say, owner=self)

    def _say(self, error: ReplyDesktopError) -> None:
        self.trouble.put(plain(str(error), 400), "red")
        self.trouble.show()

    def _quiet(self) -> None:
        self.trouble.hide()

    def _on_menu(self, where: QPoint) -> None:
        rows = self._chosen()
        if rows:
            menu = self.context_menu(rows)
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(self.table.viewport().mapToGlobal(where))

    def context_menu(self, rows: Several[SequenceRow]) -> QMenu:
        """What can be done with these sequences."""
        menu = QMenu(self)
        if len(rows) == 1:
            row = rows[0]
            for words, tab in (
                ("Open", "steps"),
                ("Prospects", "prospects"),
                ("Log", "log"),
                ("Settings", "settings"),
            ):
                menu.addAction(words, partial(self.opened.emit, row.id, tab))
            menu.addSeparator()
            if not is_on(row):
                for words, now in (("Start in about 15 minutes", False), ("Start now", True)):
                    menu.addAction(words, partial(self.launch, row.id, None, now))
        on = tuple(row.id for row in rows if is_on(row))
        if on:
            menu.addAction("Pause", partial(self.pause, on))
        menu.addSeparator()
        menu.addAction("Delete…", self.ask_to_remove)
        for action in menu.actions():
            action.setEnabled(self._bridge.engine is EngineState.RUNNING)
        return menu

    def _on_text(self, text: str) -> None:
        wanted = self.model.wanted
        self.model.want(SequenceFilter(text, wanted.sort, wanted.descending))

    def _keep_look(self) -> None:
        self._remembered.put("sequences/table", self.table.look())

    # What the engine tells

    def _on_engine(self, state: EngineState) -> None:
        if state is EngineState.RUNNING:
            self._bridge.ask(GetSummary(), self._on_summary, lambda error: None, owner=self)
        else:
            self.question.hide()
        self._tools()

    def _on_summary_event(self, event: SummaryChanged) -> None:
        self._on_summary(event.summary)

    def _on_summary(self, summary: Summary) -> None:
        self._accounts = sum(summary.counts.values())
        self.none.put(accounts=self._accounts > 0)

    def _on_paused(self, paused: bool) -> None:
        self.paused.put("All sending is paused: no sequence sends until you resume it.", "orange")
        self.paused.setVisible(paused)
        self._tools()

    def _show(self) -> None:
        trouble = self._roster.trouble
        if trouble is not None and not self.model.is_loaded:
            self._say(trouble)
        if not self._roster.is_loaded:
            shown: QWidget = self.not_yet
        elif self.model.ids:
            shown = self.table
        else:
            shown = self.nothing_found if self.model.total else self.none
        self.stack.setCurrentWidget(shown)
        for one in (self.text, self.pause_all, self.delete, self.new):
            one.setVisible(shown is not self.none)
        self._tools()

    def _tools(self) -> None:
        on = self._bridge.engine is EngineState.RUNNING
        paused = self._roster.paused
        words, icon = ("Resume all sending", "play") if paused else ("Pause all sending", "pause")
        shown = "" if self._is_narrow else words
        if (self.pause_all.text(), self.pause_all.accessibleName()) != (shown, words):
            self.pause_all.setText(shown)
            self.pause_all.setAccessibleName(words)
            self.pause_all.setToolTip(words)
            icons.put_icon(self.pause_all, icon)
        for one in (self.new, self.none.new, self.pause_all):
            one.setEnabled(on)
        self.delete.setEnabled(on and bool(self.table.selected_ids()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < theme.scaled(700)
        if narrow != self._is_narrow:
            self._is_narrow = narrow
            self._tools()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.model.refresh_times()
        self._times.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._times.stop()
