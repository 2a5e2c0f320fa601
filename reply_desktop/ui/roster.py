"""All sequences as the engine told them last, for whoever asks about them: list, tray, banner, Quit."""

from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from reply_desktop.channel.messages import ListSequences, SequenceList
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.events import SendingPaused, SequenceRemoved, SequencesChanged
from reply_desktop.domain.sequence import ON
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.ui.bridge import Bridge, EngineState, Pending

FRAME_MS: Final = 16
"""Changes are gathered this long and then told at once."""


class Roster(QObject):
    """The rows by id. `changed` carries the ids whose rows came, changed or went.

    `stale` while the engine is not there; `trouble` is why the last question failed, None when it did not.
    """

    changed = Signal(object)
    paused_changed = Signal(bool)
    state_changed = Signal()

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.rows: dict[str, SequenceRow] = {}
        self.paused = self.is_loaded = self.stale = False
        self.trouble: ReplyDesktopError | None = None
        self._news: dict[str, SequenceRow | None] = {}
        self._pending: Pending | None = None
        self._frame = QTimer(self, singleShot=True, interval=FRAME_MS)
        self._frame.timeout.connect(self._on_frame)
        bridge.sequences_changed.connect(self._on_changed)
        bridge.sequence_removed.connect(self._on_removed)
        bridge.sending_paused.connect(self._on_paused)
        bridge.engine_changed.connect(self._on_engine)
        if bridge.engine is EngineState.RUNNING:
            self.reload()

    @property
    def on(self) -> list[SequenceRow]:
        """Those whose toggle is on, by name."""
        rows = (row for row in self.rows.values() if row.status in ON)
        return sorted(rows, key=lambda row: row.name.casefold())

    @property
    def sends(self) -> bool:
        """Whether mail leaves, or will, without the person doing anything."""
        return bool(self.on) and not self.paused

    def reload(self) -> None:
        """Ask for all of them; an older question still open is forgotten."""
        if self._pending is not None:
            self._pending.cancel()
        self._pending = self._bridge.ask(ListSequences(), self._on_list, self._on_trouble, owner=self)

    def take(self, row: SequenceRow) -> None:
        """Take over a row that an answer brought; told with the next changes."""
        self._news[row.id] = row
        self._later()

    def _on_list(self, answer: SequenceList) -> None:
        self._pending = None
        before, self.rows = self.rows, {row.id: row for row in answer.rows}
        self.is_loaded, self.trouble = True, None
        self._on_paused(SendingPaused(answer.sending_paused))
        both = before.keys() | self.rows.keys()
        self.changed.emit(frozenset(key for key in both if before.get(key) != self.rows.get(key)))
        self.state_changed.emit()

    def _on_trouble(self, error: ReplyDesktopError) -> None:
        self._pending = None
        self.trouble = error
        self.state_changed.emit()

    def _on_changed(self, event: SequencesChanged) -> None:
        self._news.update((row.id, row) for row in event.rows)
        self._later()

    def _on_removed(self, event: SequenceRemoved) -> None:
        self._news[event.sequence_id] = None
        self._later()

    def _later(self) -> None:
        if not self._frame.isActive():
            self._frame.start()

    def _on_frame(self) -> None:
        news, self._news = self._news, {}
        for key, row in news.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row
        self.changed.emit(frozenset(news))

    def _on_paused(self, event: SendingPaused) -> None:
        if event.paused is not self.paused:
            self.paused = event.paused
            self.paused_changed.emit(event.paused)

    def _on_engine(self, state: EngineState) -> None:
        self.stale = state is not EngineState.RUNNING
        if not self.stale:
            self.reload()
        self.state_changed.emit()
