"""The thin line that tells how a check the person asked for goes on, and stops it."""

from typing import Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QProgressBar, QWidget

from reply_desktop.channel.messages import CancelCheck, CheckAccounts, CheckStarted
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.events import CheckProgress
from reply_desktop.domain.notification import plain
from reply_desktop.ui import theme
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.controls import Elided, button, line
from reply_desktop.ui.theme import Space
from reply_desktop.ui.words import count

LINGER_MS: Final = 4000
"""How long the result stays."""


class CheckLine(QWidget):
    """“Checking 3 of 10 …” with Cancel. `running_changed` carries whether a check goes on."""

    running_changed = Signal(bool)

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._check: CheckStarted | None = None
        self._early: dict[str, CheckProgress] = {}
        self._words = Elided("", theme.Type.CAPTION, muted=True)
        self._words.setMinimumWidth(theme.scaled(160))
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the check")
        self.cancel = button("Cancel", self._on_cancel, kind="link")
        row = line(self, gap=Space.M)
        row.addWidget(self._words, 1)
        row.addWidget(self._bar, 2)
        row.addWidget(self.cancel)
        self._linger = QTimer(self, singleShot=True, interval=LINGER_MS)
        self._linger.timeout.connect(self.hide)
        bridge.check_progress.connect(self._on_progress)
        bridge.engine_changed.connect(self._on_engine)
        self.hide()

    @property
    def is_running(self) -> bool:
        """Whether a check goes on."""
        return self._check is not None

    def text(self) -> str:
        """What it says."""
        return self._words.text()

    def start(self, ids: tuple[str, ...] = ()) -> None:
        """Check these accounts now; all when none are named."""
        if not self.is_running:
            self._early.clear()
            self._bridge.ask(CheckAccounts(ids), self._on_started, self._on_refused, owner=self)

    def _on_started(self, started: CheckStarted) -> None:
        self._linger.stop()
        self._check = started
        self._bar.setRange(0, max(1, started.total))
        self._bar.show()
        self.cancel.show()
        self.show()
        self.running_changed.emit(True)
        self._on_progress(
            self._early.pop(started.check_id, CheckProgress(started.check_id, 0, started.total))
        )

    def _on_progress(self, progress: CheckProgress) -> None:
        if self._check is None or progress.check_id != self._check.check_id:
            # Its first steps can overtake the answer that names it.
            self._early = {progress.check_id: progress}
            return
        if progress.done >= progress.total:
            self._end(f"Checked {count(progress.total, 'account')}.")
            return
        self._words.setText(f"Checking {progress.done + 1:,} of {progress.total:,} …")
        self._bar.setValue(progress.done)

    def _on_cancel(self) -> None:
        if self._check is not None:
            self._bridge.ask(CancelCheck(self._check.check_id), failed=lambda error: None)
            self._end(f"Stopped after {count(self._bar.value(), 'account')}.")

    def _on_refused(self, error: ReplyDesktopError) -> None:
        self.show()
        self._end(plain(str(error)))

    def _on_engine(self, state: EngineState) -> None:
        if state is not EngineState.RUNNING and self.is_running:
            self._end("The check ended with the background service.")

    def _end(self, text: str) -> None:
        self._check = None
        self._words.setText(text)
        self._bar.hide()
        self.cancel.hide()
        self._linger.start()
        self.running_changed.emit(False)
