"""The prospects of one sequence as a table of any length, and its model."""

from typing import Any, Final

from PySide6.QtCore import QObject, QRect
from PySide6.QtGui import QColor, QPainter

from reply_desktop.channel.messages import GetProspects, ListProspects
from reply_desktop.domain.events import ProspectsChanged
from reply_desktop.domain.sequence_rows import ProspectFilter, ProspectRow
from reply_desktop.ui import icons
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.prospect_columns import PROSPECT_COLUMNS, PreparedProspect, ProspectCol
from reply_desktop.ui.row_delegate import Index, RowDelegate
from reply_desktop.ui.row_table import RowTable
from reply_desktop.ui.vector_model import VectorModel
from reply_desktop.ui.words import Clock

FRAME_MS: Final = 100
"""Changes of prospects are gathered this long: while a sequence sends, they come one by one."""


class ProspectModel(VectorModel[ProspectFilter, PreparedProspect]):
    """The prospects of the sequence that `wanted` names; none while it names no sequence."""

    def __init__(self, bridge: Bridge, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(bridge, clock, PROSPECT_COLUMNS, ProspectFilter(""), parent)
        self._changed: set[str] = set()
        self._everything = False
        self._frame = self._timer(FRAME_MS, self._on_frame)
        bridge.prospects_changed.connect(self._on_changed)

    def index_request(self) -> ListProspects | None:
        return ListProspects(self.wanted) if self.wanted.sequence_id else None

    def rows_request(self, ids: tuple[str, ...]) -> GetProspects:
        return GetProspects(ids)

    def prepare(self, row: ProspectRow) -> PreparedProspect:
        return PreparedProspect(row, self._clock())

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is left out."""
        wanted = self.wanted
        return bool(wanted.text or wanted.states or wanted.reasons or wanted.account)

    def open(self, sequence_id: str) -> None:
        """Show all prospects of this sequence in their usual order; "" shows none."""
        self.is_loaded = False
        self._put(())
        self._cache.clear()
        self.wanted = ProspectFilter(sequence_id)
        self.reload()

    def _on_changed(self, event: ProspectsChanged) -> None:
        if event.sequence_id != self.wanted.sequence_id:
            return
        self._changed.update(event.enrollment_ids)
        self._everything = self._everything or not event.enrollment_ids
        if not self._frame.isActive():
            self._frame.start()

    def _on_frame(self) -> None:
        changed, self._changed = self._changed, set()
        everything, self._everything = self._everything, False
        self.age(None if everything else changed)
        if everything or self.is_narrowed or self.wanted.sort not in ("ordinal", "email"):
            self.reload_soon()


class ProspectDelegate(RowDelegate):
    """Paints a prospect's state as shape and word."""

    def paint_cell(
        self,
        painter: QPainter,
        cell: QRect,
        inner: QRect,
        index: Index,
        prepared: PreparedProspect,
        selected: bool,
    ) -> None:
        if index.column() == ProspectCol.STATE:
            mark = icons.shape_pixmap(prepared.shape, self._colors.tone(prepared.color).fill)
            ink = QColor(self._colors.tone(prepared.color).ink)
            self._marked(painter, inner, mark, prepared.texts[ProspectCol.STATE], ink)
        else:
            super().paint_cell(painter, cell, inner, index, prepared, selected)


class ProspectsTable(RowTable):
    """Rows of prospects. `opened` carries an enrollment id."""

    def __init__(self, model: ProspectModel) -> None:
        super().__init__(model, ProspectCol.EMAIL, "Prospects")

    def make_delegate(self) -> RowDelegate:
        return ProspectDelegate(self, self)

    def copied(self, row: Any) -> str:
        return str(row.email)
