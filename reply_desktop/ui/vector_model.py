"""The model of a long table: a vector of ids in the engine's order, and the rows in view. No sort proxy."""

import time
from collections.abc import Iterable
from typing import Any, Final, Generic, Protocol, TypeVar

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)

from reply_desktop.channel.messages import Request
from reply_desktop.ui.bridge import Bridge, EngineState, Pending
from reply_desktop.ui.columns import Column
from reply_desktop.ui.words import Clock

REINDEX_MS: Final = 250
"""Least time between two questions for the order that changes themselves bring about."""
PREFETCH: Final = 40
"""Rows fetched ahead above and below those in view."""
CACHE: Final = 3_000
"""Rows kept at most; the farthest from view go first."""

Index = QModelIndex | QPersistentModelIndex

_DISPLAY: Final = int(Qt.ItemDataRole.DisplayRole)
_TIP: Final = int(Qt.ItemDataRole.ToolTipRole)
_ACCESSIBLE: Final = int(Qt.ItemDataRole.AccessibleTextRole)
NO_INDEX: Final = QModelIndex()


class Ready(Protocol):
    """A row ready to paint. `texts` in the order of the columns."""

    row: Any
    texts: tuple[str, ...]

    def accessible(self, col: int) -> str:
        """What a screen reader says of one cell."""
        ...

    def tip(self, col: int) -> str | None:
        """What hovering over one cell tells."""
        ...


class Sorted(Protocol):
    """What a table can be asked to show. `sort`: name of the column it is ordered by."""

    @property
    def sort(self) -> str: ...

    @property
    def descending(self) -> bool: ...


P = TypeVar("P", bound=Ready)
W = TypeVar("W", bound=Sorted)


class VectorModel(QAbstractTableModel, Generic[W, P]):
    """Ids in order and prepared rows for those in view; order and filter are the engine's work.

    `loaded` fires when an order arrived; `about_to_reorder` and `reordered` surround a change of order, so
    that the view can keep its selection by ids. A subclass says what is asked and how a row is prepared.
    """

    loaded = Signal()
    about_to_reorder = Signal()
    reordered = Signal()

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock,
        columns: tuple[Column, ...],
        wanted: W,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge, self._clock = bridge, clock
        self.columns = columns
        self.ids: tuple[str, ...] = ()
        self.wanted = wanted
        self.is_loaded = False
        self.stale = False
        self._cache: dict[str, P] = {}
        self._old: set[str] = set()
        self._fetching: set[str] = set()
        self._gone: set[str] = set()
        self._first, self._last = 0, 30
        self._pending: Pending | None = None
        self._asked_at = 0.0
        self._reindex = self._timer(REINDEX_MS, self.reload)
        bridge.engine_changed.connect(self._on_engine)

    def _timer(self, interval_ms: int, slot: Any) -> QTimer:
        timer = QTimer(self, singleShot=True, interval=interval_ms)
        timer.timeout.connect(slot)
        return timer

    # What a subclass says

    def index_request(self) -> Request[Any] | None:
        """What to ask for the order wanted, its answer has `ids`; None while there is nothing to ask."""
        raise NotImplementedError

    def rows_request(self, ids: tuple[str, ...]) -> Request[Any]:
        """What to ask for these rows; its answer has `rows`, each with an `id`."""
        raise NotImplementedError

    def prepare(self, row: Any) -> P:
        """A row made ready to paint."""
        raise NotImplementedError

    def arrange(self, ids: tuple[str, ...]) -> tuple[str, ...]:
        """The engine's order, changed where the table has an order of its own."""
        return ids

    def take_rows(self, rows: tuple[Any, ...]) -> None:
        """Rows arrived; called before they are shown."""

    # What the view asks

    def rowCount(self, parent: Index = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.ids)

    def columnCount(self, parent: Index = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        if role not in (_DISPLAY, _TIP, _ACCESSIBLE) or not index.isValid():
            return None
        prepared = self.prepared(index.row())
        if prepared is None:
            return None if role == _TIP else ""
        if role == _DISPLAY:
            return prepared.texts[index.column()]
        if role == _TIP:
            return prepared.tip(index.column())
        return prepared.accessible(index.column())

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == _DISPLAY:
            return self.columns[section].title
        if role == _ACCESSIBLE:
            return self.columns[section].title or "Action"
        return None

    def prepared(self, row: int) -> P | None:
        """The row ready to paint, or None while it is on its way."""
        return self._cache.get(self.ids[row]) if 0 <= row < len(self.ids) else None

    def seen(self, row_id: str) -> P | None:
        """A row as last seen, ready to paint, or None when it is not at hand."""
        return self._cache.get(row_id)

    def rows_of(self, ids: Iterable[str]) -> list[int]:
        """Where these stand now; those not shown are left out."""
        wanted = set(ids)
        return [row for row, row_id in enumerate(self.ids) if row_id in wanted] if wanted else []

    def show_window(self, first: int, last: int) -> None:
        """Tell which rows are in view; missing ones are fetched, with some ahead."""
        self._first, self._last = max(0, first), max(first, last)
        self._fetch()

    # Order and filter

    def want(self, wanted: W) -> None:
        """Show these rows in this order."""
        if wanted != self.wanted:
            self.wanted = wanted
            self.reload()

    def reload(self) -> None:
        """Ask for the order now; an older question still open is forgotten."""
        request = self.index_request()
        if request is None or self._bridge.engine is not EngineState.RUNNING:
            return
        self._reindex.stop()
        if self._pending is not None:
            self._pending.cancel()
        self._asked_at = time.monotonic()
        self._pending = self._bridge.ask(request, self._on_index, owner=self)

    def reload_soon(self) -> None:
        """Ask for the order anew, though not more often than every `REINDEX_MS`."""
        if self._reindex.isActive():
            return
        since_ms = (time.monotonic() - self._asked_at) * 1000
        self._reindex.start(max(0, int(REINDEX_MS - since_ms)))

    def _on_index(self, answer: Any) -> None:
        self._pending = None
        self._gone.clear()
        self._put(self.arrange(answer.ids))
        self.is_loaded = True
        self.loaded.emit()
        self._fetch()

    def _put(self, ids: tuple[str, ...]) -> None:
        """Take a new order. Rows come and go at the end and then change places, so nothing is reset."""
        old = self.ids
        if ids == old:
            return
        self.about_to_reorder.emit()
        if len(ids) > len(old):
            self.beginInsertRows(NO_INDEX, len(old), len(ids) - 1)
            self.ids = old + ids[len(old) :]
            self.endInsertRows()
        elif len(ids) < len(old):
            self.beginRemoveRows(NO_INDEX, len(ids), len(old) - 1)
            self.ids = old[: len(ids)]
            self.endRemoveRows()
        self.layoutAboutToBeChanged.emit()
        self.ids = ids
        kept = self.persistentIndexList()
        if kept:
            self.changePersistentIndexList(kept, kept)
        self.layoutChanged.emit()
        self.reordered.emit()

    # Rows

    def _fetch(self) -> None:
        if not self.ids or self._bridge.engine is not EngineState.RUNNING:
            return
        near = self.ids[max(0, self._first - PREFETCH) : self._last + 1 + PREFETCH]
        cache, old, fetching = self._cache, self._old, self._fetching
        missing = [
            one
            for one in near
            if (one not in cache or one in old) and one not in fetching and one not in self._gone
        ]
        # Rows ahead alone can wait until a good part of them is missing.
        in_view = self.ids[self._first : self._last + 1]
        if missing and (
            len(missing) > PREFETCH // 2 or any(one not in cache or one in old for one in in_view)
        ):
            fetching.update(missing)
            asked = tuple(missing)
            self._bridge.ask(
                self.rows_request(asked),
                lambda answer: self._on_fetched(asked, answer.rows),
                lambda error: fetching.difference_update(asked),
                owner=self,
            )

    def _on_fetched(self, asked: tuple[str, ...], rows: tuple[Any, ...]) -> None:
        self._fetching.difference_update(asked)
        self._old.difference_update(asked)
        self.take_rows(rows)
        for row in rows:
            self._cache[row.id] = self.prepare(row)
        self._gone.update(set(asked) - {row.id for row in rows})
        if len(self._cache) > CACHE:
            self._trim()
        self.repaint({row.id for row in rows})
        self._fetch()

    def age(self, ids: Iterable[str] | None = None) -> None:
        """These rows (None = all) look different by now: ask for those in view again, the rest when seen."""
        self._old |= set(self._cache) if ids is None else self._cache.keys() & set(ids)
        self._fetch()

    def _trim(self) -> None:
        near = set(self.ids[max(0, self._first - CACHE // 4) : self._last + CACHE // 4])
        self._cache = {key: value for key, value in self._cache.items() if key in near}
        self._old &= self._cache.keys()

    def repaint(self, ids: set[str]) -> None:
        """Tell the view about those of these rows that it shows."""
        shown = [
            row for row, one in enumerate(self.ids[self._first : self._last + 1], self._first) if one in ids
        ]
        if shown:
            last = len(self.columns) - 1
            self.dataChanged.emit(self.index(shown[0], 0), self.index(shown[-1], last))

    def refresh_times(self) -> None:
        """Say “3 min ago” anew for the rows in view."""
        shown = [one for one in self.ids[self._first : self._last + 1] if one in self._cache]
        for one in shown:
            self._cache[one] = self.prepare(self._cache[one].row)
        self.repaint(set(shown))

    def _on_engine(self, state: EngineState) -> None:
        running = state is EngineState.RUNNING
        if self.stale == running and self.is_loaded:
            self.stale = not running
            self.repaint(set(self.ids[self._first : self._last + 1]))
        if running:
            self._fetching.clear()
            self._old = set(self._cache)
            self.reload()
