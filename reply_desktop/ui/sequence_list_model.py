"""The sequences table's model: all rows at hand, filtered and sorted here; changes touch only their rows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from PySide6.QtCore import QObject, Qt

from reply_desktop.channel.messages import Request
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.controls import tip_text
from reply_desktop.ui.roster import Roster
from reply_desktop.ui.sequence_toggle import is_on
from reply_desktop.ui.sequences_columns import (
    SEQUENCE_COLUMNS,
    PreparedSequence,
    SequenceCol,
    done_of,
    next_at,
)
from reply_desktop.ui.vector_model import Index, VectorModel
from reply_desktop.ui.words import Clock

_DISPLAY: Final = int(Qt.ItemDataRole.DisplayRole)
_TIP: Final = int(Qt.ItemDataRole.ToolTipRole)
_CHECK: Final = int(Qt.ItemDataRole.CheckStateRole)
_FAR: Final = datetime.max.replace(tzinfo=UTC)
_ORDER: Final = (
    SequenceStatus.RUNNING,
    SequenceStatus.SCHEDULED,
    SequenceStatus.PAUSED,
    SequenceStatus.DRAFT,
    SequenceStatus.FINISHED,
)

SORTS: Final[dict[str, Callable[[SequenceRow], Any]]] = {
    "name": lambda row: row.name.casefold(),
    "status": lambda row: _ORDER.index(row.status),
    "progress": done_of,
    "sent": lambda row: row.sent,
    "in_doubt": lambda row: row.in_doubt,
    "replied": lambda row: row.replied,
    "next_send_at": lambda row: next_at(row) or _FAR,
}
"""Name of an order → its key; ties fall to the name."""


@dataclass(frozen=True, slots=True)
class SequenceFilter:
    """Which sequences, in which order. `text` is looked for in names and account addresses."""

    text: str = ""
    sort: str = "name"
    descending: bool = False


class SequencesModel(VectorModel[SequenceFilter, PreparedSequence]):
    """The roster's rows. `busy`: those told to start or stop that have not answered yet."""

    def __init__(self, bridge: Bridge, roster: Roster, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(bridge, clock, SEQUENCE_COLUMNS, SequenceFilter(), parent)
        self._roster = roster
        self.busy: frozenset[str] = frozenset()
        roster.changed.connect(self._on_changed)
        if roster.is_loaded:
            self._on_changed(frozenset(roster.rows))

    # Everything is at hand

    def index_request(self) -> Request[Any] | None:
        """The roster has asked already."""
        return None

    def _fetch(self) -> None:
        """There is nothing that would have to be asked for."""

    def prepare(self, row: SequenceRow) -> PreparedSequence:
        """A row made ready to paint."""
        return PreparedSequence(row, self._clock())

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        if role not in (_TIP, _CHECK):
            return super().data(index, role)
        prepared = self.prepared(index.row()) if index.isValid() else None
        if prepared is None or (role == _CHECK and index.column() != SequenceCol.TOGGLE):
            return None
        if role == _TIP:
            return tip_text(prepared.tip(index.column()))
        return Qt.CheckState.Checked if is_on(prepared.row) else Qt.CheckState.Unchecked

    @property
    def total(self) -> int:
        """How many there are, whatever the filter."""
        return len(self._cache)

    @property
    def has_doubt(self) -> bool:
        """Whether any sequence has mail in doubt."""
        return any(one.row.in_doubt for one in self._cache.values())

    def sequence(self, sequence_id: str) -> SequenceRow | None:
        """A row as last told, or None when it is not there (any more)."""
        found = self._cache.get(sequence_id)
        return found.row if found else None

    def want(self, wanted: SequenceFilter) -> None:
        """Show these sequences in this order."""
        if wanted != self.wanted:
            self.wanted = wanted
            self._order()
            self.loaded.emit()

    def mark_busy(self, ids: frozenset[str], busy: bool) -> None:
        """Note that the engine was asked to start or stop these, or that it has answered."""
        self.busy = self.busy | ids if busy else self.busy - ids
        self.repaint(set(ids))

    # What the roster tells

    def _on_changed(self, ids: frozenset[str]) -> None:
        rows = self._roster.rows
        for key in ids:
            if (row := rows.get(key)) is not None:
                self._cache[key] = self.prepare(row)
            else:
                self._cache.pop(key, None)
        self.is_loaded = True
        self._order()
        self.repaint(set(ids))
        self.loaded.emit()

    def _order(self) -> None:
        wanted, text = self.wanted, self.wanted.text.casefold().strip()
        rows = [one.row for one in self._cache.values()]
        if text:
            rows = [row for row in rows if any(text in one.casefold() for one in (row.name, *row.accounts))]
        rows.sort(key=SORTS["name"])
        rows.sort(key=SORTS[wanted.sort], reverse=wanted.descending)
        self._put(tuple(row.id for row in rows))
