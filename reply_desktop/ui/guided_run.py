"""Mends several accounts one after the other: browser, wait, next."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from reply_desktop.channel.messages import RowsChanged
from reply_desktop.domain.consent import ConsentEnd
from reply_desktop.domain.events import AccountRemoved
from reply_desktop.domain.rows import AccountRow
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.connect_dialog import ConnectPane

PAUSE_MS: Final = 1200
"""How long a success is shown before the next account."""


class GuidedRun(QObject):
    """One run over the accounts given. `finished` carries (mended, of how many)."""

    finished = Signal(int, int)

    def __init__(self, bridge: Bridge, pane: ConnectPane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pane = pane
        self._left: dict[str, AccountRow] = {}
        self._total = self._number = self._mended = 0
        self._next = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._next.timeout.connect(self._advance)
        bridge.rows_changed.connect(self._on_rows)
        bridge.account_removed.connect(self._on_removed)
        pane.ended.connect(self._on_ended)
        pane.skipped.connect(self._advance)
        pane.stopped.connect(self.stop)
        pane.closed.connect(self.stop)

    @property
    def is_running(self) -> bool:
        """Whether a run is under way."""
        return self._total > 0

    def start(self, rows: Sequence[AccountRow]) -> None:
        """Begin with the first of these accounts."""
        self._left = {row.id: row for row in rows}
        self._total, self._number, self._mended = len(rows), 0, 0
        self._advance()

    def stop(self) -> None:
        """End the run; what is mended stays mended."""
        if not self.is_running:
            return
        self._next.stop()
        total, self._total = self._total, 0
        self._left.clear()
        self._pane.leave()
        self.finished.emit(self._mended, total)

    def _advance(self) -> None:
        if not self.is_running:
            return
        self._next.stop()
        while self._left:
            self._number += 1
            row = self._left.pop(next(iter(self._left)))
            if row.offers_reconnect:
                self._pane.begin(row.provider, row, run=(self._number, self._total))
                return
        self.stop()

    def _on_ended(self, end: ConsentEnd, account_id: str | None) -> None:
        if self.is_running and end is ConsentEnd.CONNECTED:
            self._mended += 1
            self._next.start()

    def _on_rows(self, event: RowsChanged) -> None:
        # One of those still to come may be mended or paused meanwhile, and is then passed over.
        for row in event.rows:
            if row.id in self._left:
                self._left[row.id] = row

    def _on_removed(self, event: AccountRemoved) -> None:
        if self._left.pop(event.account_id, None) is not None:
            self._number += 1
