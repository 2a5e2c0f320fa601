"""The entries of one Log tab: pages are asked for as they come into view, new ones come in at the top."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QObject, Qt, QTimer, Signal

from reply_desktop.channel.messages import ListLog
from reply_desktop.domain.events import LogAdded
from reply_desktop.domain.log_entry import LOG_WORDS, LogEntry
from reply_desktop.domain.notification import plain
from reply_desktop.domain.sequence_rows import LogFilter, LogPage
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.vector_model import NO_INDEX, Index
from reply_desktop.ui.words import Clock, exact, moment

PAGE: Final = 100
"""Entries asked for at once."""
KEPT: Final = 5_000
"""Entries kept at most; the farthest from view go first."""
LONGEST: Final = 2_000
"""Letters of an explanation that are shown at most."""
FRAME_MS: Final = 100
"""New entries are gathered this long."""

KIND, TIME, TEXT, ACCOUNT, PROSPECT = range(5)
TITLES: Final = ("What", "When", "Explanation", "Account", "Prospect")

_DISPLAY: Final = int(Qt.ItemDataRole.DisplayRole)
_TIP: Final = int(Qt.ItemDataRole.ToolTipRole)
_ACCESSIBLE: Final = int(Qt.ItemDataRole.AccessibleTextRole)


def entry_matches(wanted: LogFilter, entry: LogEntry) -> bool:
    """Whether an entry is among those wanted; what an event brings is judged without asking."""
    text = wanted.text.casefold()
    return (
        entry.sequence_id == wanted.sequence_id
        and (not wanted.kinds or entry.kind in wanted.kinds)
        and (wanted.account is None or entry.account == wanted.account)
        and (not text or any(text in (one or "").casefold() for one in _searched(entry)))
    )


def _searched(entry: LogEntry) -> tuple[str | None, ...]:
    return entry.text, entry.account, entry.prospect


class LogModel(QAbstractTableModel):
    """Newest first. An entry's place is counted from the oldest, so that new ones move nothing.

    `loaded` fires when the answer to a new question arrived; `grown` carries how many came in at the top.
    """

    loaded = Signal()
    grown = Signal(int)

    def __init__(self, bridge: Bridge, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._clock = bridge, clock
        self.wanted = LogFilter("")
        self.total = 0
        self.is_loaded = False
        self._known: dict[int, LogEntry] = {}
        self._asked: set[int] = set()
        self._turn = self._newest = 0
        self._news: list[LogEntry] = []
        self._first, self._last = 0, PAGE - 1
        self._frame = QTimer(self, singleShot=True, interval=FRAME_MS)
        self._frame.timeout.connect(self._on_frame)
        bridge.log_added.connect(self._on_added)
        bridge.engine_changed.connect(self._on_engine)

    # What the view asks

    def rowCount(self, parent: Index = NO_INDEX) -> int:
        return 0 if parent.isValid() else self.total

    def columnCount(self, parent: Index = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(TITLES)

    def entry(self, row: int) -> LogEntry | None:
        """The entry in a row, or None while it is on its way."""
        return self._known.get(self.total - 1 - row)

    def row_of(self, entry_id: int) -> int | None:
        """Where an entry stands, if it is at hand."""
        return next(
            (self.total - 1 - place for place, one in self._known.items() if one.id == entry_id), None
        )

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        if role not in (_DISPLAY, _TIP, _ACCESSIBLE) or not index.isValid():
            return None
        entry, col = self.entry(index.row()), index.column()
        if entry is None:
            return None if role == _TIP else ""
        if role == _TIP and col == TIME:
            return exact(entry.at)
        if role == _ACCESSIBLE and col == KIND:
            return f"{LOG_WORDS[entry.kind]}, {entry.severity}"
        return self.text(entry, col) or (None if role == _TIP else "–" if role == _ACCESSIBLE else "")

    def text(self, entry: LogEntry, col: int) -> str:
        """What a cell says."""
        if col == KIND:
            return LOG_WORDS[entry.kind]
        if col == TIME:
            return moment(entry.at, self._clock())
        if col == TEXT:
            return plain(entry.text, LONGEST)
        return plain((entry.account if col == ACCOUNT else entry.prospect) or "")

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        if orientation is Qt.Orientation.Horizontal and role in (_DISPLAY, _ACCESSIBLE):
            return TITLES[section]
        return None

    def show_window(self, first: int, last: int) -> None:
        """Tell which rows are in view; pages that are missing there are asked for."""
        self._first, self._last = max(0, first), max(first, last)
        self._fetch()

    # Asking

    def want(self, wanted: LogFilter) -> None:
        """Show these entries."""
        if wanted != self.wanted:
            if wanted.sequence_id != self.wanted.sequence_id:
                self.is_loaded = False
                self._forget()
            self.wanted = wanted
            self.reload()

    def reload(self) -> None:
        """Ask for the first page anew; what was asked before is forgotten."""
        self._turn += 1
        self._asked.clear()
        self._news.clear()
        if self.wanted.sequence_id and self._bridge.engine is EngineState.RUNNING:
            self._ask(0, self._on_first, lambda: None)

    def _ask(self, offset: int, done: Callable[[LogPage], None], failed: Callable[[], None]) -> None:
        turn = self._turn

        def on_page(page: LogPage) -> None:
            if turn == self._turn:
                done(page)

        self._bridge.ask(ListLog(self.wanted, PAGE, offset), on_page, lambda error: failed(), owner=self)

    def _forget(self) -> None:
        self.beginResetModel()
        self._known.clear()
        self.total = 0
        self.endResetModel()

    def _on_first(self, page: LogPage) -> None:
        self.beginResetModel()
        self.total = page.total
        self._newest = page.entries[0].id if page.entries else 0
        self._known = {page.total - 1 - at: entry for at, entry in enumerate(page.entries)}
        self.endResetModel()
        self.is_loaded = True
        self.loaded.emit()
        self._fetch()

    def _fetch(self) -> None:
        """Ask for the pages that hold rows in view and are not at hand."""
        if not self.total or self._bridge.engine is not EngineState.RUNNING:
            return
        first = max(0, self._first - PAGE // 2)
        last = min(self.total - 1, self._last + PAGE // 2)
        for row in range(first, last + 1):
            place = self.total - 1 - row
            if place not in self._known and not any(top - PAGE < place <= top for top in self._asked):
                self._asked.add(place)
                self._ask(row, partial(self._on_page, place, row), partial(self._asked.discard, place))

    def _on_page(self, asked: int, offset: int, page: LogPage) -> None:
        """Entries from an offset on. New ones shift offsets, not places; fewer than we know of: ask anew."""
        self._asked.discard(asked)
        if page.total < self.total:
            self.reload()
            return
        for at, entry in enumerate(page.entries):
            self._known[page.total - 1 - offset - at] = entry
        if len(self._known) > KEPT:
            self._trim()
        last = min(self.total - 1, self._last)
        self.dataChanged.emit(self.index(min(self._first, last), 0), self.index(last, len(TITLES) - 1))
        self._fetch()

    def _trim(self) -> None:
        top, low = self.total - 1 - self._first + KEPT // 4, self.total - 1 - self._last - KEPT // 4
        self._known = {place: one for place, one in self._known.items() if low <= place <= top}

    # What the engine tells

    def _on_added(self, event: LogAdded) -> None:
        if not self.is_loaded:
            return
        self._news += [one for one in event.entries if entry_matches(self.wanted, one)]
        if self._news and not self._frame.isActive():
            self._frame.start()

    def _on_frame(self) -> None:
        news = [one for one in self._news if one.id > self._newest]
        self._news.clear()
        if news:
            self.beginInsertRows(NO_INDEX, 0, len(news) - 1)
            for entry in sorted(news, key=lambda one: one.id):
                self._known[self.total] = entry
                self.total += 1
                self._newest = entry.id
            self.endInsertRows()
            self.grown.emit(len(news))

    def _on_engine(self, state: EngineState) -> None:
        if state is EngineState.RUNNING:
            self.reload()

    def refresh_times(self) -> None:
        """A new day changes what the times say."""
        if self.total:
            last = min(self.total - 1, self._last)
            self.dataChanged.emit(self.index(self._first, TIME), self.index(last, TIME))
