"""The Log tab: what happened, newest first, fully explained; opened at the entry a notice is about."""

from dataclasses import replace
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QRect, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from reply_desktop.channel.messages import ExportedRows, ExportLog, FindLogEntry, LogPlace
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.log_entry import LOG_SEVERITY, LOG_WORDS, LogEntry, LogKind
from reply_desktop.domain.notification import Severity, plain
from reply_desktop.domain.sequence_rows import LogFilter, SequenceDetail
from reply_desktop.domain.states import Color, Shape
from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.controls import Flow, Note, button, column, line, wrapped
from reply_desktop.ui.file_dialogs import ask_where_to_save
from reply_desktop.ui.filter_bar import TYPING_MS, SearchField
from reply_desktop.ui.first_steps import NothingFound, NotYet, middle
from reply_desktop.ui.log_model import ACCOUNT, KIND, PROSPECT, TEXT, TIME, LogModel
from reply_desktop.ui.page import Tall, TallStack
from reply_desktop.ui.prospects_tab import NotStored
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.vector_model import Index
from reply_desktop.ui.words import Clock, count

LOOKS: Final = {
    Severity.INFO: (Shape.DISC, Color.GREY),
    Severity.WARNING: (Shape.TRIANGLE, Color.ORANGE),
    Severity.CRITICAL: (Shape.CROSS, Color.RED),
}
"""How much an entry matters, told apart without colour."""

_ROW: Final = 40
_LINES: Final = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
_ONE: Final = int(Qt.TextFlag.TextSingleLine | Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
_TIMES_MS: Final = 60_000
_WIDTHS: Final = {KIND: 176, TIME: 104, ACCOUNT: 190, PROSPECT: 200}
"""At 100 % text size; kind and time are given more where their words need it."""
_NARROW: Final = {PROSPECT: 900, ACCOUNT: 640}
"""Below this width of the table a column gives its room to the explanation."""

GROUPS: Final[tuple[tuple[str, tuple[LogKind, ...]], ...]] = (
    ("Everything", ()),
    ("Needs you", tuple(kind for kind in LogKind if LOG_SEVERITY[kind] is Severity.CRITICAL)),
    ("Warnings", tuple(kind for kind in LogKind if LOG_SEVERITY[kind] is Severity.WARNING)),
    ("All but mail sent", tuple(kind for kind in LogKind if kind is not LogKind.SENT)),
)
"""What the filter offers besides each kind by itself."""


class LogDelegate(QStyledItemDelegate):
    """Paints an entry: shape and word, time, wrapped explanation, and the account as a link."""

    def __init__(self, table: "LogTable") -> None:
        super().__init__(table)
        self._table = table
        self.restyle()

    def restyle(self) -> None:
        """Take over fonts and colours of the scheme in use."""
        self._used = theme.colors()
        self._font = theme.theme().font()
        self._strong = QFont(self._font)
        self._strong.setWeight(QFont.Weight.Medium)
        self._metrics = QFontMetrics(self._font)

    def least(self, col: int) -> int:
        """How wide a column must be so that none of its words is cut; 0 where any width will do."""
        if col == KIND:
            strong = QFontMetrics(self._strong)
            words = max(strong.horizontalAdvance(word) for word in LOG_WORDS.values())
            return words + Space.L + 14 + 2 * Space.S
        return self._metrics.horizontalAdvance("30 Nov, 23:59") + 2 * Space.S if col == TIME else 0

    def height(self, text: str, width: int) -> int:
        """How high a row is whose explanation has so much room, in pixels."""
        room = QRect(0, 0, max(80, width - 2 * Space.S), 10_000)
        tall = self._metrics.boundingRect(room, _LINES, text).height()
        return max(theme.scaled(_ROW), tall + 2 * Space.S + 2)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(80, theme.scaled(_ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        used, cell, col = self._used, option.rect, index.column()
        table = self._table
        entry = table.log.entry(index.row())
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        lit = entry is not None and entry.id == table.highlighted
        if lit:
            painter.fillRect(cell, QColor(used.blue.soft))
        elif selected:
            painter.fillRect(cell, QColor(used.selected))
        elif index.row() == table.hover_row:
            painter.fillRect(cell, QColor(used.hover))
        painter.fillRect(cell.left(), cell.bottom(), cell.width(), 1, QColor(used.border))
        if lit and col == KIND:
            painter.fillRect(cell.left(), cell.top(), 4, cell.height() - 1, QColor(used.accent))
        inner = cell.adjusted(Space.L if col == KIND else Space.S, 0, -Space.S, 0)
        if entry is None:
            bar = QRect(inner.left(), inner.center().y() - 4, inner.width() // 2, 8)
            painter.fillRect(bar, QColor(used.hover))
            return
        text = table.log.text(entry, col)
        if col == KIND:
            self._kind(painter, inner, entry, text)
        elif col == TEXT:
            painter.setFont(self._font)
            painter.setPen(QColor(used.text))
            painter.drawText(inner, _LINES, text)
        else:
            link = col == ACCOUNT and bool(text) and index.row() == table.hover_row and table.on_account
            font = QFont(self._font)
            font.setUnderline(link)
            painter.setFont(font)
            painter.setPen(QColor(used.accent if col == ACCOUNT else used.muted))
            mode = Qt.TextElideMode.ElideRight if col == TIME else Qt.TextElideMode.ElideMiddle
            painter.drawText(inner, _ONE, self._metrics.elidedText(text, mode, inner.width()))

    def _kind(self, painter: QPainter, box: QRect, entry: LogEntry, text: str) -> None:
        shape, color = LOOKS[entry.severity]
        tone = self._used.tone(color)
        mark = icons.shape_pixmap(shape, tone.fill, 14)
        painter.drawPixmap(box.left(), box.center().y() - 6, mark)
        calm = entry.severity is Severity.INFO
        painter.setFont(self._strong)
        painter.setPen(QColor(self._used.text if calm else tone.ink))
        beside = box.adjusted(14 + Space.S, 0, 0, 0)
        fits = QFontMetrics(self._strong).elidedText(text, Qt.TextElideMode.ElideRight, beside.width())
        painter.drawText(beside, _ONE, fits)


class LogTable(QTableView):
    """The entries. `account_wanted` carries an address."""

    account_wanted = Signal(str)
    cleared = Signal()

    def __init__(self, model: LogModel) -> None:
        super().__init__()
        self.log = model
        self.highlighted: int | None = None
        self.hover_row = -1
        self.on_account = False
        self._tall: set[int] = set()
        self.setAccessibleName("Log")
        self._delegate = LogDelegate(self)
        self.setItemDelegate(self._delegate)
        self.setModel(model)
        self._style()
        self.verticalScrollBar().valueChanged.connect(self._tell_window)
        model.modelReset.connect(self._on_reset)
        model.dataChanged.connect(lambda: self._fit_rows())
        model.rowsAboutToBeInserted.connect(self._before_insert)
        model.rowsInserted.connect(self._after_insert)
        theme.theme().changed.connect(self._restyle)

    def _style(self) -> None:
        mode = QAbstractItemView.ScrollMode.ScrollPerPixel
        self.setVerticalScrollMode(mode)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setShowGrid(False)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(1)
        rows.setDefaultSectionSize(theme.scaled(_ROW))
        self.verticalScrollBar().setSingleStep(theme.scaled(_ROW))
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        header.setMinimumSectionSize(36)
        header.setAccessibleName("Column titles")
        header.setFont(theme.theme().font(Type.CAPTION))
        self.setProperty("wide", True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def _restyle(self) -> None:
        self._delegate.restyle()
        self.viewport().update()

    # Rows

    def _tell_window(self) -> None:
        first = max(0, self.rowAt(0))
        last = self.rowAt(self.viewport().height() - 1)
        last = self.log.total - 1 if last < 0 else last
        self.log.show_window(first, last)
        self._fit_rows()

    def _fit_rows(self) -> None:
        """Make those rows higher that are in view and need it; the others keep the usual height."""
        usual, width = theme.scaled(_ROW), self.columnWidth(TEXT)
        row = max(0, self.rowAt(0))
        while row < self.log.total and self.rowViewportPosition(row) < self.viewport().height():
            entry = self.log.entry(row)
            if entry is not None:
                wanted = self._delegate.height(self.log.text(entry, TEXT), width)
                if wanted != self.rowHeight(row):
                    self.verticalHeader().resizeSection(row, wanted)
            elif self.rowHeight(row) != usual:
                self.verticalHeader().resizeSection(row, usual)
            row += 1

    def _on_reset(self) -> None:
        self.hover_row = -1
        QTimer.singleShot(0, self, self._tell_window)

    def _before_insert(self) -> None:
        self._kept = (self.verticalScrollBar().value(), self.verticalHeader().length())

    def _after_insert(self) -> None:
        """What one reads stays where it is; only at the very top the new entries are let in."""
        value, _ = self._kept
        header = self.verticalHeader()
        grown = header.length() - self._kept[1]
        if value > 0 or self.highlighted is not None:
            self.updateGeometries()
            self.verticalScrollBar().setValue(value + grown)
        self._tell_window()

    def show_row(self, row: int) -> None:
        """Bring a row to the middle and choose it."""
        index = self.log.index(row, TEXT)
        self.setCurrentIndex(index)
        self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)
        self._tell_window()

    def lay_out(self) -> None:
        """Share out the room: the explanation takes what the others leave."""
        room = self.viewport().width()
        left = room
        for col, width in _WIDTHS.items():
            hidden = room < theme.scaled(_NARROW.get(col, 0))
            self.setColumnHidden(col, hidden)
            if not hidden:
                wide = max(theme.scaled(width), self._delegate.least(col) + 2)
                self.setColumnWidth(col, wide)
                left -= wide
        before = self.columnWidth(TEXT)
        self.setColumnWidth(TEXT, max(160, left))
        if before != self.columnWidth(TEXT):
            self._fit_rows()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.lay_out()
        self._tell_window()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.lay_out()
        self._tell_window()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        current = self.currentIndex()
        if self.hasFocus() and current.isValid():
            top = self.rowViewportPosition(current.row())
            across = self.horizontalHeader().length()
            painter = QPainter(self.viewport())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme.colors().focus), 1.5))
            painter.drawRoundedRect(1, top + 1, across - 3, self.rowHeight(current.row()) - 3, 4, 4)

    # Hands

    def _account_at(self, where: QPoint) -> str | None:
        index = self.indexAt(where)
        entry = self.log.entry(index.row()) if index.column() == ACCOUNT else None
        return entry.account if entry else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        where = event.position().toPoint()
        before = (self.hover_row, self.on_account)
        self.hover_row, self.on_account = self.indexAt(where).row(), self._account_at(where) is not None
        if before != (self.hover_row, self.on_account):
            shape = Qt.CursorShape.PointingHandCursor if self.on_account else Qt.CursorShape.ArrowCursor
            self.viewport().setCursor(shape)
            self.viewport().update()
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        plain_click = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if event.button() is Qt.MouseButton.LeftButton and plain_click:
            account = self._account_at(event.position().toPoint())
            if account is not None:
                self.account_wanted.emit(account)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave and self.hover_row >= 0:
            self.hover_row, self.on_account = -1, False
            self.viewport().update()
        return super().viewportEvent(event)

    def chosen(self) -> list[LogEntry]:
        """The chosen entries that are at hand, from top to bottom."""
        rows = sorted({index.row() for index in self.selectionModel().selectedRows()})
        return [entry for row in rows if (entry := self.log.entry(row))]

    def copy(self) -> None:
        """Put the chosen entries into the clipboard, one a line."""
        told = [
            "\t".join(self.log.text(entry, col) for col in (TIME, KIND, TEXT, ACCOUNT, PROSPECT))
            for entry in self.chosen()
        ]
        QGuiApplication.clipboard().setText("\n".join(told))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        entry = self.log.entry(self.currentIndex().row())
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and entry and entry.account:
            self.account_wanted.emit(entry.account)
        elif event.key() == Qt.Key.Key_Escape and self.highlighted is not None:
            self.cleared.emit()
        else:
            super().keyPressEvent(event)


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


class LogTab(Tall):
    """The log of the open sequence. `account_wanted` carries the address of an entry's account."""

    account_wanted = Signal(str)

    def __init__(self, bridge: Bridge, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._clock = bridge, clock
        self._sequence_id, self._name = "", ""
        self._to_show: tuple[int | None, str | None] | None = None
        self._place: int | None = None
        self._unseen = 0
        self.model = LogModel(bridge, clock, self)
        self.table = LogTable(self.model)
        self._build()
        self._connect_parts()
        self._tools()

    def _build(self) -> None:
        top = QWidget()
        rows = column(top, gap=Space.S)
        rows.setContentsMargins(Space.L, Space.M, Space.L, Space.S)
        tools = line(gap=Space.S)
        filters = QWidget()
        flow = Flow(filters, Space.S)
        self.text = SearchField("Search the log", "Search the log")
        self.kind = QComboBox()
        self.kind.setAccessibleName("Show entries of kind")
        for words, kinds in GROUPS:
            self.kind.addItem(words, kinds)
        self.kind.insertSeparator(self.kind.count())
        for kind in LogKind:
            self.kind.addItem(LOG_WORDS[kind], (kind,))
        self.account = QComboBox()
        self.account.setAccessibleName("Show entries of account")
        self.account.addItem("All accounts", None)
        for part in (self.text, self.kind, self.account):
            flow.addWidget(part)
        tools.addWidget(filters, 1)
        self.clear_button = button("Clear highlight", self.clear_highlight, icon="close")
        self.news_button = button("", self._to_top, kind="chip", icon="arrow-up")
        self.export_button = button("Export CSV…", self._on_export, icon="export")
        for one in (self.news_button, self.clear_button, self.export_button):
            tools.addWidget(one, 0, Qt.AlignmentFlag.AlignTop)
        self.clear_button.hide()
        self.news_button.hide()
        rows.addLayout(tools)
        self.note = Note()
        self.note.hide()
        rows.addWidget(self.note)
        self.stack = TallStack()
        self.not_yet, self.nothing_yet = NotYet(), NothingYet()
        self.nothing_found = NothingFound("entry", "entries")
        self.not_stored = NotStored("Then everything that happens to it is written here.")
        for page in (self.not_yet, self.table, self.nothing_yet, self.nothing_found, self.not_stored):
            self.stack.addWidget(page)
        card = QFrame()
        card.setProperty("surface", True)
        column(card, gap=0).addWidget(self.stack)
        box = column(self, gap=0)
        box.addWidget(top)
        box.addWidget(card, 1)

    def _connect_parts(self) -> None:
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(self._on_filter)
        self.text.textChanged.connect(lambda: self._typing.start())
        self.text.left_down.connect(self.table.setFocus)
        self.kind.currentIndexChanged.connect(self._on_filter)
        self.account.currentIndexChanged.connect(self._on_filter)
        self.model.loaded.connect(self._on_loaded)
        self.model.grown.connect(self._on_grown)
        self.model.dataChanged.connect(lambda: self._light())
        self.table.account_wanted.connect(self.account_wanted)
        self.table.cleared.connect(self.clear_highlight)
        self.table.customContextMenuRequested.connect(self._on_menu)
        self.table.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.nothing_found.cleared.connect(self.show_all)
        self._bridge.engine_changed.connect(self._on_engine)
        self._times = QTimer(self, interval=_TIMES_MS)
        self._times.timeout.connect(self.model.refresh_times)
        self._times.start()

    # What the page says

    def put(self, detail: SequenceDetail) -> None:
        """The sequence was read."""
        self._name = detail.row.name
        self._put_accounts(sorted({one.address for one in detail.senders} | set(detail.row.accounts)))
        if detail.row.id != self._sequence_id:
            self.open_sequence(detail.row.id)

    def _put_accounts(self, addresses: list[str]) -> None:
        chosen = self.account.currentData()
        with QSignalBlocker(self.account):
            self.account.clear()
            self.account.addItem("All accounts", None)
            for one in addresses:
                self.account.addItem(plain(one, 120), one)
            self.account.setCurrentIndex(max(0, self.account.findData(chosen)))

    def open_sequence(self, sequence_id: str) -> None:
        """Show the log of this sequence; "" while it is not stored."""
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

    def show_all(self) -> None:
        """Leave nothing out."""
        self._clear_filter()
        self._on_filter()

    def focus_search(self) -> None:
        """Put the keyboard into the search field."""
        self.text.setFocus()
        self.text.selectAll()

    # Filter

    def _clear_filter(self) -> None:
        self._typing.stop()
        with QSignalBlocker(self.text), QSignalBlocker(self.kind), QSignalBlocker(self.account):
            self.text.clear()
            self.kind.setCurrentIndex(0)
            self.account.setCurrentIndex(0)

    def _on_filter(self) -> None:
        self._typing.stop()
        self.model.want(
            replace(
                self.model.wanted,
                kinds=self.kind.currentData() or (),
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
        if not self._sequence_id:
            shown: QWidget = self.not_stored
        elif not self.model.is_loaded:
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

    def _on_export(self) -> None:
        name = f"{self._name or 'sequence'}-log-{self._clock():%Y-%m-%d}.csv".replace("/", "-")
        ask_where_to_save(self, "Export the log to", name, self.export_to)

    def export_to(self, path: str) -> None:
        """Have the engine write the entries shown there."""
        self.tell("Exporting…")

        def done(answer: ExportedRows) -> None:
            self.tell(f"{count(answer.rows, 'entry', 'entries')} exported to {path}.", "green")

        self._bridge.ask(ExportLog(self.model.wanted, path), done, self.refused, owner=self)

    def _on_engine(self, state: EngineState) -> None:
        self._tools()

    def _tools(self) -> None:
        on = self._bridge.engine is EngineState.RUNNING and bool(self._sequence_id)
        self.export_button.setEnabled(on)
        for field in (self.text, self.kind, self.account):
            field.setEnabled(bool(self._sequence_id))

    # Saying

    def tell(self, text: str, tone: str = "grey") -> None:
        """Say something above the table."""
        self.note.put(text, tone)
        self.note.setVisible(bool(text))

    def refused(self, error: ReplyDesktopError) -> None:
        """Say what went wrong and what to do."""
        self.tell(plain(str(error), 600), "red")
