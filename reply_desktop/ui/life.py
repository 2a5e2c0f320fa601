"""From the first painted frame to the last: loads what is heavy after it, and ends all in order."""

import gc
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QEvent, QObject, QTimer

from reply_desktop.config import Config
from reply_desktop.ui import icons
from reply_desktop.ui.main_window import MainWindow
from reply_desktop.ui.remembered import Remembered
from reply_desktop.ui.single_instance import Message, SingleInstance

if TYPE_CHECKING:
    from reply_desktop.channel.client import Client
    from reply_desktop.ui.bridge import Connect
    from reply_desktop.ui.front import Front
    from reply_desktop.ui.surroundings import Surroundings


SETTLED_MS: Final = 1500
"""After the last part was loaded, in milliseconds."""


def quiet_collector() -> None:
    """What is loaded now lives as long as the window: the collector need not walk it again and again.

    Its walk over all objects stops the GUI thread for 10 to 30 ms each time.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


class EngineDoor:
    """Finds or starts the engine, on the channel thread; what a `Bridge` connects with.

    `command` starts another program than our own, in tests.
    """

    def __init__(self, config: Config, command: Sequence[str] | None = None) -> None:
        self._config, self._command, self._first = config, command, True

    def __call__(
        self, on_event: Callable[[Any], None], on_lost: Callable[[], None], cancelled: threading.Event
    ) -> "Client":
        from reply_desktop.channel.launch import ensure_engine

        # Whoever started an engine of another version meanwhile is not to be driven out by us.
        client = ensure_engine(
            self._config,
            events=True,
            on_event=on_event,
            on_lost=on_lost,
            take_over=self._first,
            cancelled=cancelled,
            command=self._command,
        )
        self._first = False
        return client


class Life(QObject):
    """One window's life. Install it on the window as an event filter: the first paint begins it."""

    def __init__(
        self,
        config: Config,
        window: MainWindow,
        remembered: Remembered,
        instance: SingleInstance,
        errand: Message | None = None,
        connect: "Connect | None" = None,
    ) -> None:
        super().__init__(window)
        self._connect = connect or EngineDoor(config)
        self._config, self._window, self._remembered = config, window, remembered
        self._instance, self._errand = instance, errand
        self._ends: list[Callable[[], None]] = []
        self.front: Front | None = None
        self.around: Surroundings | None = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Wait for the first paint."""
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self.load)
        return False

    def load(self) -> None:
        """Reach for the engine, and meanwhile build the pages."""
        from reply_desktop.ui.bridge import Bridge

        self._window.setWindowIcon(icons.app_icon())
        self._bridge = Bridge(self._connect, self)
        self._bridge.start()
        self._ends.append(self._bridge.close)
        QTimer.singleShot(0, self._build)

    def _build(self) -> None:
        from reply_desktop.ui.front import Front

        self.front = Front(self._window, self._bridge, self._remembered)
        self.front.open_first()
        QTimer.singleShot(0, self._surround)

    def _surround(self) -> None:
        """What may come a moment later: the other pages, tray, alerts, later launches."""
        from reply_desktop import logs
        from reply_desktop.ui.surroundings import Surroundings

        logs.set_up(self._config.logs_dir, "window")
        assert self.front is not None
        self.around = around = Surroundings(self._config, self.front, self._remembered, self)
        self._ends.insert(0, around.close)
        if self._errand is not None:
            around.on_errand(self._errand)
        self._instance.serve(around.on_errand)
        QTimer.singleShot(SETTLED_MS, self, quiet_collector)

    def close(self) -> None:
        """End everything the window began; the engine goes on unless it was told otherwise."""
        self._window.remember()
        for end in self._ends:
            end()
        self._instance.release()
