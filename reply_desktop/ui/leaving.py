"""Quitting: the window ends, and the engine with it unless the person wants the checks to go on."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer

from reply_desktop.channel.messages import Shutdown
from reply_desktop.domain.preferences import KEEP_RUNNING
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.preferences import Preferences

WAIT_MS: Final = 3000
"""How long an engine may take to say that it ends, in milliseconds."""


class Leaving(QObject):
    """`quit` may be called by every Quit there is; `leave` ends the window and is called exactly once."""

    def __init__(
        self,
        bridge: Bridge,
        preferences: Preferences,
        leave: Callable[[], None],
        parent: QObject | None = None,
        *,
        wait_ms: int = WAIT_MS,
    ) -> None:
        super().__init__(parent)
        self._bridge, self._preferences, self._leave = bridge, preferences, leave
        self._wait_ms = wait_ms
        self._leaving = False

    def quit(self) -> None:
        """Leave, after asking the engine to end in order; a silent engine is not waited for long."""
        if self._leaving:
            return
        self._leaving = True
        if self._preferences.value(KEEP_RUNNING) or self._bridge.engine is not EngineState.RUNNING:
            self._leave()
            return
        late = QTimer(self, singleShot=True, interval=self._wait_ms)
        told = False

        def over(_: object = None) -> None:
            nonlocal told
            if not told:
                told = True
                late.stop()
                self._leave()

        late.timeout.connect(over)
        late.start()
        self._bridge.ask(Shutdown(), over, over, owner=self)
