"""The Prospects tab: who is written to, how far each one is and why, and what the person can do about it."""

from dataclasses import replace
from enum import Enum, auto
from typing import Final

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QWidget

from reply_desktop.channel.messages import (
    ExportedRows,
    ExportProspects,
    ListProspects,
    ProspectIndex,
    SettleDoubt,
    StopProspects,
)
from reply_desktop.domain.enrollment import EnrollmentState, FinishReason
from reply_desktop.domain.sequence_rows import ProspectFilter, SequenceDetail
from reply_desktop.ui import icons
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.controls import button, column, line, name_box, wrapped
from reply_desktop.ui.filter_bar import SearchField
from reply_desktop.ui.first_steps import NothingFound, middle
from reply_desktop.ui.import_dialog import ImportDialog, dropped_file
from reply_desktop.ui.list_tab import ListTab
from reply_desktop.ui.prospects_table import ProspectModel, ProspectsTable
from reply_desktop.ui.theme import Space, Type, label
from reply_desktop.ui.words import Clock, count

_S, _R = EnrollmentState, FinishReason

FILTERS: Final[tuple[tuple[str, tuple[EnrollmentState, ...], tuple[FinishReason, ...]], ...]] = (
    ("All states", (), ()),
    ("Waiting", (_S.WAITING,), ()),
    ("Active", (_S.ACTIVE,), ()),
    ("In doubt", (_S.IN_DOUBT,), ()),
    ("Finished", (_S.FINISHED,), ()),
    ("Finished: every step sent", (), (_R.COMPLETED,)),
    ("Finished: replied", (), (_R.REPLIED,)),
    ("Finished: bounced", (), (_R.BOUNCED,)),
    ("Finished: unsubscribed", (), (_R.UNSUBSCRIBED, _R.SUPPRESSED)),
    ("Finished: failed", (), (_R.FAILED,)),
    ("Finished: stopped", (), (_R.STOPPED,)),
)
"""What the state filter offers: (words, states, reasons)."""

_DOUBT: Final = (
    "The app or the connection ended while the mail was on its way, so it may or may not have gone out. Look "
    "into the account's Sent folder, then say here what you found."
)
_TIMES_MS: Final = 20_000


class Asked(Enum):
    """What the person is asked about the chosen prospects."""

    NOTHING = auto()
    STOP = auto()


class NobodyYet(QWidget):
    """Shown while a sequence has no prospects."""

    import_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        page = middle(self)
        mark = QLabel()
        icons.put_icon(mark, "import", "muted", 28)
        page.addWidget(mark)
        page.addWidget(wrapped("Nobody to write to yet", Type.TITLE, strong=True))
        page.addWidget(
            wrapped(
                "Import a CSV file: one line for each prospect, one column with the e-mail address. The "
                "other columns become merge fields for your messages. You can also drop the file here.",
                muted=True,
            )
        )
        self.import_button = button("Import CSV…", self.import_wanted.emit, kind="primary", icon="import")
        page.addWidget(self.import_button, 0, Qt.AlignmentFlag.AlignLeading)


class ProspectsTab(ListTab):
    """Prospects of the open sequence. `log_wanted` carries an address whose log entries are asked for."""

    log_wanted = Signal(str)

    def __init__(self, bridge: Bridge, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(bridge, clock, parent)
        self._asked = Asked.NOTHING
        self._in_doubt = 0
        self.dialog: ImportDialog | None = None
        self.model = ProspectModel(bridge, clock, self)
        self.table = ProspectsTable(self.model)
        self._build()
        self._connect_parts()
        self.setAcceptDrops(True)
        self._tools()

    # Building

    def _build(self) -> None:
        name_box(self.choice, "Show prospects in state")
        for words, _, _ in FILTERS:
            self.choice.addItem(words)
        name_box(self.account, "Show prospects of account")
        self.import_button = button("Import CSV…", self.open_import, icon="import")
        chosen = self._chosen_row()
        self.doubt = self._doubt_box()
        self.nobody = NobodyYet()
        self._lay_out(
            SearchField("Search e-mail", "Search prospects by e-mail"),
            self.table,
            (self.import_button, self.export_button),
            (chosen, self.doubt),
            NothingFound("prospect"),
            self.nobody,
        )

    def _chosen_row(self) -> QHBoxLayout:
        row = line(gap=Space.S)
        self.chosen = label("", Type.CAPTION, muted=True)
        self.stop_button = button("Stop…", self._on_stop, icon="stop")
        self.stop_button.setAccessibleDescription("Nothing more is sent to the chosen prospects")
        self.sure_button = button("Yes, stop", self._on_sure, kind="danger")
        self.keep_button = button("Keep writing", self._ask_nothing)
        row.addWidget(self.chosen)
        for part in (self.stop_button, self.sure_button, self.keep_button):
            row.addWidget(part)
        row.addStretch(1)
        return row

    def _doubt_box(self) -> QFrame:
        box = QFrame()
        box.setProperty("note", "orange")
        lines = column(box, margin=Space.M, gap=Space.S)
        self.doubt_words = wrapped(_DOUBT)
        lines.addWidget(self.doubt_words)
        self.was_sent = button("It was sent", lambda: self._settle(True), icon="check")
        self.was_sent.setAccessibleDescription("The next step follows as planned")
        self.not_sent = button("It was not sent: send it", lambda: self._settle(False), icon="send")
        self.not_sent.setAccessibleDescription("The same message is sent, as window and pace allow")
        row = line()
        row.addWidget(self.was_sent)
        row.addWidget(self.not_sent)
        row.addStretch(1)
        lines.addLayout(row)
        box.hide()
        return box

    def _connect_parts(self) -> None:
        self.model.loaded.connect(self._choose_page)
        self.model.dataChanged.connect(lambda: self._on_rows())
        self.table.selection_changed.connect(self._on_selection)
        self.table.opened.connect(self._on_opened)
        self.table.customContextMenuRequested.connect(self._on_menu)
        self.nobody.import_wanted.connect(self.open_import)
        self._times = QTimer(self, interval=_TIMES_MS)
        self._times.timeout.connect(self.model.refresh_times)
        self._times.start()
        stop = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.table)
        stop.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        stop.activated.connect(self._on_stop)

    # What the page says

    def put(self, detail: SequenceDetail) -> None:
        """The sequence was read."""
        self._name = detail.row.name
        self._put_accounts([(one.address, one.account_id) for one in detail.senders])
        if detail.row.id != self._sequence_id:
            self.open_sequence(detail.row.id)

    def open_sequence(self, sequence_id: str) -> None:
        """Show the prospects of this sequence; "" before the first."""
        self._sequence_id = sequence_id
        self._clear_filter()
        self.note.hide()
        self._ask_nothing()
        self.model.open(sequence_id)
        self._choose_page()
        self._tools()

    def show_in_doubt(self) -> None:
        """Show those in doubt."""
        self.choice.setCurrentIndex(next(at for at, one in enumerate(FILTERS) if one[1] == (_S.IN_DOUBT,)))

    # Filter

    def _on_filter(self) -> None:
        self._typing.stop()
        _, states, reasons = FILTERS[self.choice.currentIndex()]
        self.model.want(
            replace(
                self.model.wanted,
                text=self.text.text().strip(),
                states=states,
                reasons=reasons,
                account=self.account.currentData(),
            )
        )

    def _choose_page(self) -> None:
        shown: QWidget
        if not self._sequence_id or not self.model.is_loaded:
            shown = self.not_yet
        elif self.model.ids:
            shown = self.table
        elif self.model.is_narrowed:
            shown = self.nothing_found
        else:
            shown = self.nobody
        self.stack.setCurrentWidget(shown)
        self._on_selection()

    # The chosen ones

    def _on_rows(self) -> None:
        if self.table.selected_ids():
            self._on_selection()

    def _on_selection(self) -> None:
        ids = self.table.selected_ids()
        seen = [found.row for one in ids[:2000] if (found := self.model.seen(one))]
        self._in_doubt = sum(row.state is _S.IN_DOUBT for row in seen)
        going = not seen or any(row.state is not _S.FINISHED for row in seen)
        if not ids:
            self._asked = Asked.NOTHING
        asking = self._asked is Asked.STOP
        total = len(self.model.ids)
        if asking:
            words = f"Send nothing more to {count(len(ids), 'prospect')}? This cannot be undone."
        elif ids:
            words = f"{count(len(ids), 'prospect')} of {total:,} chosen"
        else:
            words = count(total, "prospect") if self.model.is_loaded else ""
        self.chosen.setText(words)
        self.stop_button.setVisible(bool(ids) and not asking)
        self.stop_button.setEnabled(going and self._running)
        self.sure_button.setVisible(asking)
        self.keep_button.setVisible(asking)
        self.doubt.setVisible(self._in_doubt > 0 and not asking)
        who = count(self._in_doubt, "chosen prospect is", "chosen prospects are")
        self.doubt_words.setText(f"{who} in doubt. {_DOUBT}")

    def _tools(self) -> None:
        on = self._running and bool(self._sequence_id)
        for part in (self.import_button, self.export_button, self.nobody.import_button):
            part.setEnabled(on)
        for part in (self.sure_button, self.was_sent, self.not_sent):
            part.setEnabled(on)
        self._enable_filter()
        self._on_selection()

    def _on_stop(self) -> None:
        if self.table.selected_ids() and self._running:
            self._asked = Asked.STOP
            self._on_selection()
            self.keep_button.setFocus()

    def _ask_nothing(self) -> None:
        self._asked = Asked.NOTHING
        self._on_selection()

    def _on_sure(self) -> None:
        ids = self.table.selected_ids()
        self._ask_nothing()
        self.table.setFocus()
        if ids:
            done = f"Nothing more is sent to {count(len(ids), 'prospect')}."
            self._bridge.ask(StopProspects(ids), lambda _: self.tell(done, "green"), self.refused, owner=self)

    def _settle(self, was_sent: bool) -> None:
        """Only what is really in doubt is told, also of rows that were chosen unseen."""
        chosen = frozenset(self.table.selected_ids())
        wanted = ProspectFilter(self._sequence_id, states=(_S.IN_DOUBT,))

        def on_index(answer: ProspectIndex) -> None:
            ids = tuple(one for one in answer.ids if one in chosen)
            if ids:
                self._bridge.ask(
                    SettleDoubt(ids, was_sent), lambda _: self._on_settled(len(ids), was_sent), self.refused,
                    owner=self,
                )  # fmt: skip

        self._bridge.ask(ListProspects(wanted), on_index, self.refused, owner=self)

    def _on_settled(self, number: int, was_sent: bool) -> None:
        who = count(number, "prospect")
        if was_sent:
            self.tell(f"Noted for {who}: the mail was sent. The next step follows as planned.", "green")
        else:
            self.tell(f"The mail to {who} is sent as soon as window and pace allow.", "green")

    def _on_opened(self, enrollment_id: str) -> None:
        if found := self.model.seen(enrollment_id):
            self.log_wanted.emit(found.row.email)

    def _on_menu(self, where: QPoint) -> None:
        if self.table.selected_ids():
            menu = self.context_menu()
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(self.table.viewport().mapToGlobal(where))

    def context_menu(self) -> QMenu:
        """What can be done with the chosen prospects."""
        menu = QMenu(self)
        rows = [found.row for one in self.table.selected_ids()[:2000] if (found := self.model.seen(one))]
        if len(rows) == 1:
            menu.addAction("Show in the log", lambda: self.log_wanted.emit(rows[0].email))
        addresses = "\n".join(row.email for row in rows)
        copy = "Copy address" if len(rows) == 1 else "Copy addresses"
        menu.addAction(copy, lambda: QGuiApplication.clipboard().setText(addresses))
        if self._in_doubt:
            menu.addSeparator()
            menu.addAction("It was sent", lambda: self._settle(True))
            menu.addAction("It was not sent: send it", lambda: self._settle(False))
        menu.addSeparator()
        menu.addAction("Stop…", self._on_stop)
        return menu

    # Files

    def open_import(self, path: str | None = None) -> None:
        """Open the import, with this file if one is given."""
        if self._sequence_id and self._running and self.dialog is None:
            self.dialog = made = ImportDialog(self._bridge, self._sequence_id, self._name, self)
            made.finished.connect(self._on_import_closed)
            made.open()
            if path:
                made.take(path)

    def _on_import_closed(self) -> None:
        self.dialog = None

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A file can be dropped anywhere on the tab."""
        if self._sequence_id and dropped_file(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """A file was dropped."""
        if path := dropped_file(event.mimeData()):
            event.acceptProposedAction()
            self.open_import(path)

    def _export_name(self) -> tuple[str, str]:
        return "Export prospects to", self._name or "prospects"

    def export_to(self, path: str) -> None:
        """Have the engine write the prospects shown there."""
        self.tell("Exporting…")

        def done(answer: ExportedRows) -> None:
            self.tell(f"{count(answer.rows, 'prospect')} exported to {path}.", "green")

        self._bridge.ask(ExportProspects(self.model.wanted, path), done, self.refused, owner=self)
