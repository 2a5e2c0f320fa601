"""The Log tab: what happened, newest first, fully explained; opened at the entry a notice is about."""

from dataclasses import replace
from typing import Final

from PySide6.QtCore import QPoint, QTimer, Signal
from PySide6.QtWidgets import QMenu, QWidget

from reply_desktop.channel.messages import ExportedRows, ExportLog, FindLogEntry, LogPlace
from reply_desktop.domain.log_entry import LOG_SEVERITY, LOG_WORDS, LogEntry, LogKind
from reply_desktop.domain.notification import Severity
from reply_desktop.domain.sequence_rows import LogFilter, SequenceDetail
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.controls import button, name_box, wrapped
from reply_desktop.ui.filter_bar import SearchField
from reply_desktop.ui.first_steps import NothingFound, middle
from reply_desktop.ui.list_tab import ListTab
from reply_desktop.ui.log_model import LogModel
from reply_desktop.ui.log_table import LogTable
from reply_desktop.ui.theme import Type
from reply_desktop.ui.words import Clock, count

_TIMES_MS: Final = 60_000

GROUPS: Final[tuple[tuple[str, tuple[LogKind, ...]], ...]] = (
    ("Everything", ()),
    ("Needs you", tuple(kind for kind in LogKind if LOG_SEVERITY[kind] is Severity.CRITICAL)),
    ("Warnings", tuple(kind for kind in LogKind if LOG_SEVERITY[kind] is Severity.WARNING)),
    ("All but mail sent", tuple(kind for kind in LogKind if kind is not LogKind.SENT)),
)
"""What the filter offers besides each kind by itself."""


class NothingYet(QWidget):
    """Shown while nothing has happened."""

    def __init__(self) -> None:
        super().__init__()
        page = middle(self)
        page.addWidget(wrapped("Nothing has happened yet", Type.TITLE, strong=True))
        page.addWidget(
            wrapped(
                "Once the sequence is launched, everything it does is written here: mail sent, replies, and "
                "what keeps it from sending.",
                muted=True,
            )
        )


class LogTab(ListTab):
    """The log of the open sequence. `account_wanted` carries the address of an entry's account."""

    account_wanted = Signal(str)

    def __init__(self, bridge: Bridge, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(bridge, clock, parent)
        self._to_show: tuple[int | None, str | None] | None = None
        self._place: int | None = None
        self._unseen = 0
        self.model = LogModel(bridge, clock, self)
        self.table = LogTable(self.model)
        self._build()
        self._connect_parts()
        self._tools()

    def _build(self) -> None:
        name_box(self.choice, "Show entries of kind")
        for words, kinds in GROUPS:
            self.choice.addItem(words, kinds)
        self.choice.insertSeparator(self.choice.count())
        for kind in LogKind:
            self.choice.addItem(LOG_WORDS[kind], (kind,))
        name_box(self.account, "Show entries of account")
        self.clear_button = button("Clear highlight", self.clear_highlight, icon="close")
        self.news_button = button("New entries", self._to_top, kind="chip", icon="arrow-up")
        self.clear_button.hide()
        self.news_button.hide()
        self.nothing_yet = NothingYet()
        self._lay_out(
            SearchField("Search the log", "Search the log"),
            self.table,
            (self.news_button, self.clear_button, self.export_button),
            (),
            NothingFound("entry", "entries"),
            self.nothing_yet,
        )

    def _connect_parts(self) -> None:
        self.model.loaded.connect(self._on_loaded)
        self.model.grown.connect(self._on_grown)
        self.model.dataChanged.connect(lambda: self._light())
        self.table.account_wanted.connect(self.account_wanted)
        self.table.cleared.connect(self.clear_highlight)
        self.table.customContextMenuRequested.connect(self._on_menu)
        self.table.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self._times = QTimer(self, interval=_TIMES_MS)
        self._times.timeout.connect(self.model.refresh_times)
        self._times.start()

    # What the page says

    def put(self, detail: SequenceDetail) -> None:
        """The sequence was read."""
        self._name = detail.row.name
        addresses = {one.address for one in detail.senders} | set(detail.row.accounts)
        self._put_accounts([(one, one) for one in sorted(addresses)])
        if detail.row.id != self._sequence_id:
            self.open_sequence(detail.row.id)

    def open_sequence(self, sequence_id: str) -> None:
        """Show the log of this sequence; "" before the first."""
        self._sequence_id = sequence_id
        self._clear_filter()
        self.clear_highlight()
        self.note.hide()
        self.model.want(LogFilter(sequence_id))
        self._choose_page()
        self._tools()

    def show_entry(self, entry: int | None, key: str | None) -> None:
        """Scroll to the entry with this id, or the newest one with this key, and highlight it."""
        if not self._sequence_id or (entry is None and key is None):
            return
        self._to_show = (entry, key)
        self._clear_filter()
        whole = LogFilter(self._sequence_id)
        if self.model.wanted != whole:
            self.model.want(whole)
        elif self.model.is_loaded:
            self._find()

    def show_prospect(self, email: str) -> None:
        """Show what is said of this prospect."""
        self._clear_filter()
        self.text.setText(email)
        self._on_filter()

    # Filter

    def _on_filter(self) -> None:
        self._typing.stop()
        self.model.want(
            replace(
                self.model.wanted,
                kinds=self.choice.currentData() or (),
                text=self.text.text().strip(),
                account=self.account.currentData(),
            )
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is left out."""
        wanted = self.model.wanted
        return bool(wanted.kinds or wanted.text or wanted.account)

    def _choose_page(self) -> None:
        shown: QWidget
        if not self._sequence_id or not self.model.is_loaded:
            shown = self.not_yet
        elif self.model.total:
            shown = self.table
        else:
            shown = self.nothing_found if self.is_narrowed else self.nothing_yet
        self.stack.setCurrentWidget(shown)

    def _on_loaded(self) -> None:
        self._choose_page()
        self._put_news(0)
        if self._to_show is not None:
            self._find()

    # The highlighted entry

    def _find(self) -> None:
        entry, key = self._to_show or (None, None)
        request = FindLogEntry(self.model.wanted, entry, key)
        self._bridge.ask(request, self._on_found, self.refused, owner=self)

    def _on_found(self, place: LogPlace) -> None:
        if self._to_show is None:
            return
        if place.offset is None:
            self._to_show = None
            self.tell("That entry is not in this log any more. These are the newest ones.")
            return
        self._place = place.offset
        self.table.show_row(min(place.offset, max(0, self.model.total - 1)))
        self._light()

    def _light(self) -> None:
        """Highlight the entry looked for once its page is there."""
        if self._to_show is None or self._place is None:
            return
        entry, key = self._to_show
        for row in range(self._place, min(self._place + 50, self.model.total)):
            found = self.model.entry(row)
            if found is not None and (found.id == entry if entry is not None else found.key == key):
                self._to_show = self._place = None
                self.table.highlighted = found.id
                self.clear_button.show()
                self.table.show_row(row)
                self.table.selectionModel().clearSelection()
                self.table.setFocus()
                self.table.viewport().update()
                return

    def clear_highlight(self) -> None:
        """Nothing is highlighted any more."""
        self._to_show = self._place = None
        self.table.highlighted = None
        had_keyboard = self.clear_button.hasFocus()
        self.clear_button.hide()
        self.table.viewport().update()
        if had_keyboard:
            self.table.setFocus()

    # News

    def _on_grown(self, number: int) -> None:
        self._choose_page()
        if self.table.verticalScrollBar().value() > 0:
            self._put_news(self._unseen + number)

    def _put_news(self, number: int) -> None:
        self._unseen = number
        self.news_button.setText(count(number, "new entry", "new entries"))
        self.news_button.setVisible(number > 0)

    def _on_scrolled(self, value: int) -> None:
        if value == 0 and self._unseen:
            self._put_news(0)

    def _to_top(self) -> None:
        self.table.verticalScrollBar().setValue(0)
        self._put_news(0)
        self.table.setFocus()

    # What the person does

    def _on_menu(self, where: QPoint) -> None:
        entry = self.model.entry(self.table.indexAt(where).row())
        if entry is not None:
            menu = self.context_menu(entry)
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(self.table.viewport().mapToGlobal(where))

    def context_menu(self, entry: LogEntry) -> QMenu:
        """What can be done with an entry."""
        menu = QMenu(self)
        if entry.account is not None:
            account = entry.account
            menu.addAction("Open the account", lambda: self.account_wanted.emit(account))
        if entry.prospect is not None:
            prospect = entry.prospect
            menu.addAction("Only this prospect", lambda: self.show_prospect(prospect))
        menu.addAction("Copy", self.table.copy)
        return menu

    def _export_name(self) -> tuple[str, str]:
        return "Export the log to", f"{self._name or 'sequence'}-log"

    def export_to(self, path: str) -> None:
        """Have the engine write the entries shown there."""
        self.tell("Exporting…")

        def done(answer: ExportedRows) -> None:
            self.tell(f"{count(answer.rows, 'entry', 'entries')} exported to {path}.", "green")

        self._bridge.ask(ExportLog(self.model.wanted, path), done, self.refused, owner=self)

    def _tools(self) -> None:
        self.export_button.setEnabled(self._running and bool(self._sequence_id))
        self._enable_filter()
