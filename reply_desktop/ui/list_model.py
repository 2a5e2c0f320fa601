"""The accounts table's model: which rows it asks for, and what the engine's events change in it."""

from datetime import datetime
from typing import Final

from PySide6.QtCore import QObject

from reply_desktop.channel.messages import GetAccounts, ListAccounts, RowsChanged
from reply_desktop.domain.events import AccountRemoved, SummaryChanged
from reply_desktop.domain.rows import AccountFilter, AccountRow
from reply_desktop.domain.states import SEVERITY, State
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.columns import COLUMNS, Col, Prepared
from reply_desktop.ui.vector_model import CACHE as CACHE
from reply_desktop.ui.vector_model import PREFETCH as PREFETCH
from reply_desktop.ui.vector_model import VectorModel
from reply_desktop.ui.words import Clock

FRAME_MS: Final = 16
"""Changes are gathered this long and then shown at once."""

_RESTLESS: Final = ("proven_at", "next_check_at", "sent_today")
"""Orders that every check or message alters."""


class IndexModel(VectorModel[AccountFilter, Prepared]):
    """Accounts in the engine's order. `last_check_at`: newest check of the rows seen so far, UTC."""

    def __init__(self, bridge: Bridge, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(bridge, clock, COLUMNS, AccountFilter(), parent)
        self.last_check_at: datetime | None = None
        self._changed: dict[str, AccountRow] = {}
        self._removed: set[str] = set()
        self._moved = False
        self._counts: dict[State, int] | None = None
        self._frame = self._timer(FRAME_MS, self._on_frame)
        bridge.rows_changed.connect(self._on_rows)
        bridge.account_removed.connect(self._on_removed)
        bridge.summary_changed.connect(self._on_summary)
        if bridge.engine is EngineState.RUNNING:
            self.reload()

    def index_request(self) -> ListAccounts:
        return ListAccounts(self.wanted)

    def rows_request(self, ids: tuple[str, ...]) -> GetAccounts:
        return GetAccounts(ids)

    def prepare(self, row: AccountRow) -> Prepared:
        return Prepared(row, self._clock())

    def take_rows(self, rows: tuple[AccountRow, ...]) -> None:
        for row in rows:
            at = row.checked_at
            if at is not None and (self.last_check_at is None or at > self.last_check_at):
                self.last_check_at = at

    def account(self, account_id: str) -> AccountRow | None:
        """A row as last seen, or None when it is not at hand."""
        found = self._cache.get(account_id)
        return found.row if found else None

    # What the engine tells

    def _on_rows(self, event: RowsChanged) -> None:
        self.take_rows(event.rows)
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
            self.reload_soon()

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
            self.repaint(set(changed))
        if moved:
            self.reload_soon()

    def _narrowed(self) -> bool:
        return bool(self.wanted.text or self.wanted.states or self.wanted.providers)

    def _moves(self, before: AccountRow, after: AccountRow) -> bool:
        """Whether a change may alter the order, or who is shown at all."""
        if before.state is not after.state and (self.wanted.states or self.wanted.sort == "severity"):
            return True
        return _sort_key(self.wanted.sort, before) != _sort_key(self.wanted.sort, after)


def _sort_key(sort: str, row: AccountRow) -> str | int | datetime | None:
    return SEVERITY.index(row.state) if sort == "severity" else getattr(row, sort)


def column_of(sort: str) -> Col:
    """The column whose name in `AccountFilter.sort` this is."""
    return next(col for col in Col if COLUMNS[col].sort == sort)
