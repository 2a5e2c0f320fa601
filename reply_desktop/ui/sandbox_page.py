"""The sandbox's page in the window: waits for the stand-ins, then shows their levers."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from reply_desktop.sandbox.process import Sandbox, read
from reply_desktop.ui.controls import wrapped
from reply_desktop.ui.page import Card, Page
from reply_desktop.ui.sandbox_panel import SandboxPanel

LOOK_MS: Final = 700
"""Between looks for a sandbox that has started, or started anew."""


class SandboxPage(QStackedWidget):
    """The panel of the sandbox that runs now. `close_down` ends the panel's thread."""

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._found: Sandbox | None = None
        self.panel: SandboxPanel | None = None
        waiting = Page("Sandbox", "Break something and watch what the app makes of it.")
        card = Card("One moment")
        card.body.addWidget(wrapped("The stand-ins for the providers are starting…", muted=True))
        waiting.add(card)
        self.addWidget(waiting)
        self._look = QTimer(self, interval=LOOK_MS)
        self._look.timeout.connect(self._on_look)

    def _on_look(self) -> None:
        found = read(self._folder)
        if found is None or found == self._found:
            return
        try:
            control = found.control()
        except OSError:
            return
        self._found = found
        self.close_down()
        self.panel = SandboxPanel(control)
        self.addWidget(self.panel)
        self.setCurrentWidget(self.panel)

    def close_down(self) -> None:
        """Let the panel go."""
        gone, self.panel = self.panel, None
        if gone is not None:
            gone.close_down()
            self.removeWidget(gone)
            gone.deleteLater()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._on_look()
        self._look.start()

    def hideEvent(self, event: QHideEvent) -> None:
        self._look.stop()
        super().hideEvent(event)
