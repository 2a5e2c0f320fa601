"""The accounts table's model: a vector of ids in the engine's order, and the rows in view. No sort proxy."""

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)

from reply_desktop.channel.messages import AccountIndex, AccountRows, GetAccounts, ListAccounts, RowsChanged
from reply_desktop.domain.events import AccountRemoved, SummaryChanged
from reply_desktop.domain.rows import AccountFilter, AccountRow
from reply_desktop.domain.states import SEVERITY, State
from reply_desktop.ui.bridge import Bridge, EngineState, Pending
from reply_desktop.ui.columns import COLUMNS, Col, Prepared
from reply_desktop.ui.words import Clock

FRAME_MS: Final = 16
"""Changes are gathered this long and then shown at once."""
REINDEX_MS: Final = 250
"""Least time between two questions for the order that changes themselves bring about."""
PREFETCH: Final = 40
"""Rows fetched ahead above and below those in view."""
CACHE: Final = 3_000
"""Rows kept at most; the farthest from view go first."""

Index = QModelIndex | QPersistentModelIndex

_RESTLESS: Final = ("proven_at", "next_check_at", "sent_today")
"""Orders that every check or message alters."""
_DISPLAY: Final = int(Qt.ItemDataRole.DisplayRole)
_TIP: Final = int(Qt.ItemDataRole.ToolTipRole)
_ACCESSIBLE: Final = int(Qt.ItemDataRole.AccessibleTextRole)
_NO_INDEX: Final = QModelIndex()


class IndexModel(QAbstractTableModel):
    """Ids in order and prepared rows for those in view; order and filter are the engine's work.

    `loaded` fires when an order arrived; `about_to_reorder` and `reordered` surround a change of order, so
    that the view can keep its selection by ids. `last_check_at`: newest check of the rows seen so far, UTC.
    """

    loaded = Signal()
    about_to_reorder = Signal()
    reordered = Signal()

    def __init__(self, bridge: Bridge, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._clock = bridge, clock
        self.ids: tuple[str, ...] = ()
        self.wanted = AccountFilter()
        self.is_loaded = False
        self.stale = False
        self.last_check_at: datetime | None = None
        self._cache: dict[str, Prepared] = {}
        self._old: set[str] = set()
        self._fetching: set[str] = set()
        self._gone: set[str] = set()
        self._first, self._last = 0, 30
        self._changed: dict[str, AccountRow] = {}
        self._removed: set[str] = set()
        self._moved = False
        self._counts: dict[State, int] | None = None
        self._pending: Pending | None = None
        self._asked_at = 0.0
        self._frame = self._timer(FRAME_MS, self._on_frame)
        self._reindex = self._timer(REINDEX_MS, self.reload)
        bridge.rows_changed.connect(self._on_rows)
        bridge.account_removed.connect(self._on_removed)
        bridge.summary_changed.connect(self._on_summary)
        bridge.engine_changed.connect(self._on_engine)
        if bridge.engine is EngineState.RUNNING:
            self.reload()

    def _timer(self, interval_ms: int, slot: Any) -> QTimer:
        timer = QTimer(self, singleShot=True, interval=interval_ms)
        timer.timeout.connect(slot)
        return timer

    # What the view asks

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.ids)

    def columnCount(self, parent: Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

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
            return COLUMNS[section].title
        if role == _ACCESSIBLE:
            return COLUMNS[section].title or "Action"
        return None

    def prepared(self, row: int) -> Prepared | None:
        """The row ready to paint, or None while it is on its way."""
        return self._cache.get(self.ids[row]) if 0 <= row < len(self.ids) else None

    def account(self, account_id: str) -> AccountRow | None:
        """A row as last seen, or None when it is not at hand."""
        found = self._cache.get(account_id)
        return found.row if found else None

    def rows_of(self, ids: Iterable[str]) -> list[int]:
        """Where these accounts stand now; those not shown are left out."""
        wanted = set(ids)
        return [row for row, account_id in enumerate(self.ids) if account_id in wanted] if wanted else []

    def show_window(self, first: int, last: int) -> None:
        """Tell which rows are in view; missing ones are fetched, with some ahead."""
        self._first, self._last = max(0, first), max(first, last)
        self._fetch()

    # Order and filter

    def want(self, wanted: AccountFilter) -> None:
        """Show these accounts in this order."""
        if wanted != self.wanted:
            self.wanted = wanted
            self.reload()

    def reload(self) -> None:
        """Ask for the order now; an older question still open is forgotten."""
        if self._bridge.engine is not EngineState.RUNNING:
            return
        self._reindex.stop()
        if self._pending is not None:
            self._pending.cancel()
        self._asked_at = time.monotonic()
        self._pending = self._bridge.ask(ListAccounts(self.wanted), self._on_index, owner=self)

    def _reload_soon(self) -> None:
        if self._reindex.isActive():
            return
        since_ms = (time.monotonic() - self._asked_at) * 1000
        self._reindex.start(max(0, int(REINDEX_MS - since_ms)))

    def _on_index(self, answer: AccountIndex) -> None:
        self._pending = None
        self._gone.clear()
        self._put(answer.ids)
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
            self.beginInsertRows(_NO_INDEX, len(old), len(ids) - 1)
            self.ids = old + ids[len(old) :]
            self.endInsertRows()
        elif len(ids) < len(old):
            self.beginRemoveRows(_NO_INDEX, len(ids), len(old) - 1)
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
                GetAccounts(asked),
                lambda answer: self._on_fetched(asked, answer),
                lambda error: fetching.difference_update(asked),
                owner=self,
            )

    def _on_fetched(self, asked: tuple[str, ...], answer: AccountRows) -> None:
        self._fetching.difference_update(asked)
        self._old.difference_update(asked)
        now = self._clock()
        self._note_checks(answer.rows)
        for row in answer.rows:
            self._cache[row.id] = Prepared(row, now)
        self._gone.update(set(asked) - {row.id for row in answer.rows})
        if len(self._cache) > CACHE:
            self._trim()
        self._repaint({row.id for row in answer.rows})
        self._fetch()

    def _note_checks(self, rows: tuple[AccountRow, ...]) -> None:
        for row in rows:
            at = row.checked_at
            if at is not None and (self.last_check_at is None or at > self.last_check_at):
                self.last_check_at = at

    def _trim(self) -> None:
        near = set(self.ids[max(0, self._first - CACHE // 4) : self._last + CACHE // 4])
        self._cache = {key: value for key, value in self._cache.items() if key in near}
        self._old &= self._cache.keys()

    def _repaint(self, ids: set[str]) -> None:
        """Tell the view about those of these rows that it shows."""
        shown = [
            row for row, one in enumerate(self.ids[self._first : self._last + 1], self._first) if one in ids
        ]
        if shown:
            self.dataChanged.emit(self.index(shown[0], 0), self.index(shown[-1], len(COLUMNS) - 1))

    def refresh_times(self) -> None:
        """Say “3 min ago” anew for the rows in view."""
        now = self._clock()
        shown = [one for one in self.ids[self._first : self._last + 1] if one in self._cache]
        for one in shown:
            self._cache[one] = Prepared(self._cache[one].row, now)
        self._repaint(set(shown))

    # What the engine tells

    def _on_rows(self, event: RowsChanged) -> None:
        self._note_checks(event.rows)
        cache, changed = self._cache, self._changed
        for row in event.rows:
            if row.id in cache:
                changed[row.id] = row
            else:
                # Only the new look of a row out of sight is known; a changed state also changes the counts.
                self._moved = self._moved or self.wanted.sort in _RESTLESS
        if not self._frame.isActive():
            self._frame.start()

    def _on_removed(self, event: AccountRemoved) -> None:
        self._removed.add(event.account_id)
        if not self._frame.isActive():
            self._frame.start()

    def _on_summary(self, event: SummaryChanged) -> None:
        before, now = self._counts, event.summary.counts
        self._counts = now
        if before == now:
            return
        # The first counts cannot be compared, so anything may have changed.
        came_or_went = before is None or sum(before.values()) != sum(now.values())
        if came_or_went or self._narrowed() or self.wanted.sort in ("severity", "cause"):
            self._reload_soon()

    def _on_frame(self) -> None:
        changed, self._changed = self._changed, {}
        removed, self._removed = self._removed, set()
        if removed:
            self._put(tuple(one for one in self.ids if one not in removed))
            for one in removed:
                self._cache.pop(one, None)
        now = self._clock()
        moved, self._moved = self._moved, False
        for row in changed.values():
            before = self._cache.get(row.id)
            if before is not None:
                moved = moved or self._moves(before.row, row)
                self._cache[row.id] = Prepared(row, now)
                self._old.discard(row.id)
        if changed:
            self._repaint(set(changed))
        if moved:
            self._reload_soon()

    def _narrowed(self) -> bool:
        return bool(self.wanted.text or self.wanted.states or self.wanted.providers)

    def _moves(self, before: AccountRow, after: AccountRow) -> bool:
        """Whether a change may alter the order, or who is shown at all."""
        if before.state is not after.state and (self.wanted.states or self.wanted.sort == "severity"):
            return True
        return _sort_key(self.wanted.sort, before) != _sort_key(self.wanted.sort, after)

    def _on_engine(self, state: EngineState) -> None:
        running = state is EngineState.RUNNING
        if self.stale == running and self.is_loaded:
            self.stale = not running
            self._repaint(set(self.ids[self._first : self._last + 1]))
        if running:
            self._fetching.clear()
            self._old = set(self._cache)
            self.reload()


def _sort_key(sort: str, row: AccountRow) -> str | int | datetime | None:
    return SEVERITY.index(row.state) if sort == "severity" else getattr(row, sort)


def column_of(sort: str) -> Col:
    """The column whose name in `AccountFilter.sort` this is."""
    return next(col for col in Col if COLUMNS[col].sort == sort)
