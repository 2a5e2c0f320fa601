"""What the tabs that list something of a sequence share: filter, note, table, and pages in its place."""

from collections.abc import Sequence as Many

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QPushButton, QTableView, QWidget

from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.notification import plain
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.controls import Flow, Note, button, column, line
from reply_desktop.ui.file_dialogs import ask_where_to_save
from reply_desktop.ui.filter_bar import TYPING_MS, SearchField
from reply_desktop.ui.first_steps import NothingFound, NotYet
from reply_desktop.ui.page import Tall, TallStack
from reply_desktop.ui.theme import Space
from reply_desktop.ui.words import Clock


class ListTab(Tall):
    """A search field, two choices, tools, and the list below them.

    A tab names its own parts, calls `_lay_out`, and says what the filter means (`_on_filter`), which page is
    in view (`_choose_page`), what the engine lets one do (`_tools`) and how to export (`export_to`).
    """

    def __init__(self, bridge: Bridge, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._clock = bridge, clock
        self._sequence_id, self._name = "", ""
        self.choice, self.account = QComboBox(), QComboBox()
        self.export_button = button("Export CSV…", self._on_export, icon="export")
        self.note = Note()
        self.note.hide()
        self.stack = TallStack()
        self.not_yet = NotYet()

    def _lay_out(
        self,
        text: SearchField,
        table: QTableView,
        tools: Many[QPushButton],
        lines: Many[QWidget | QHBoxLayout],
        found_none: NothingFound,
        none_yet: QWidget,
    ) -> None:
        """Put it together; `lines` come between the filter and the note."""
        self.text, self._list, self.nothing_found = text, table, found_none
        top = QWidget()
        rows = column(top, gap=Space.S)
        rows.setContentsMargins(Space.L, Space.M, Space.L, Space.S)
        filters = QWidget()
        flow = Flow(filters, Space.S)
        self.account.addItem("All accounts", None)
        for part in (text, self.choice, self.account):
            flow.addWidget(part)
        row = line(gap=Space.S)
        row.addWidget(filters, 1)
        beside = line(gap=Space.S)
        for tool in tools:
            beside.addWidget(tool)
        row.addLayout(beside)
        row.setAlignment(beside, Qt.AlignmentFlag.AlignTop)
        rows.addLayout(row)
        for one in lines:
            rows.addWidget(one) if isinstance(one, QWidget) else rows.addLayout(one)
        rows.addWidget(self.note)
        for page in (self.not_yet, table, none_yet, found_none):
            self.stack.addWidget(page)
        card = QFrame()
        card.setProperty("surface", True)
        column(card, gap=0).addWidget(self.stack)
        box = column(self, gap=0)
        box.addWidget(top)
        box.addWidget(card, 1)
        self._watch()

    def _watch(self) -> None:
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(self._on_filter)
        self.text.textChanged.connect(lambda: self._typing.start())
        self.text.left_down.connect(self._list.setFocus)
        self.choice.currentIndexChanged.connect(self._on_filter)
        self.account.currentIndexChanged.connect(self._on_filter)
        self.nothing_found.cleared.connect(self.show_all)
        self._bridge.engine_changed.connect(self._on_engine)

    # What each tab says itself

    def _on_filter(self) -> None:
        raise NotImplementedError

    def _tools(self) -> None:
        raise NotImplementedError

    def export_to(self, path: str) -> None:
        """Have the engine write what is listed there."""
        raise NotImplementedError

    # What they share

    @property
    def _running(self) -> bool:
        return self._bridge.engine is EngineState.RUNNING

    def _on_engine(self, state: EngineState) -> None:
        self._tools()

    def _put_accounts(self, accounts: Many[tuple[str, str]]) -> None:
        """Offer these accounts, (address, what stands for it); the choice stays if it is still there."""
        chosen = self.account.currentData()
        with QSignalBlocker(self.account):
            self.account.clear()
            self.account.addItem("All accounts", None)
            for address, stands_for in accounts:
                self.account.addItem(plain(address, 120), stands_for)
            self.account.setCurrentIndex(max(0, self.account.findData(chosen)))

    def _enable_filter(self) -> None:
        for field in (self.text, self.choice, self.account):
            field.setEnabled(bool(self._sequence_id))

    def _clear_filter(self) -> None:
        self._typing.stop()
        with QSignalBlocker(self.text), QSignalBlocker(self.choice), QSignalBlocker(self.account):
            self.text.clear()
            self.choice.setCurrentIndex(0)
            self.account.setCurrentIndex(0)

    def show_all(self) -> None:
        """Leave nothing out."""
        self._clear_filter()
        self._on_filter()

    def focus_search(self) -> None:
        """Put the keyboard into the search field."""
        self.text.setFocus()
        self.text.selectAll()

    def _export_name(self) -> tuple[str, str]:
        """(title of the dialog, name of the file without date) of an export."""
        raise NotImplementedError

    def _on_export(self) -> None:
        title, stem = self._export_name()
        name = f"{stem}-{self._clock():%Y-%m-%d}.csv".replace("/", "-")
        ask_where_to_save(self, title, name, self.export_to)

    def tell(self, text: str, tone: str = "grey") -> None:
        """Say something above the list."""
        self.note.put(text, tone)
        self.note.setVisible(bool(text))

    def refused(self, error: ReplyDesktopError) -> None:
        """Say what went wrong and what to do."""
        self.tell(plain(str(error), 600), "red")
