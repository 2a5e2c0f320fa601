"""One start of a window, timed from outside: `bare` (a main window with an empty table) or `app`.

Run as: python -m tests.benchmarks.first_paint KIND STARTED DATA_DIR, where STARTED is the clock before the
process began. Writes milliseconds: the first paint, and for the app when the accounts were painted.
"""

import os
import sys
import time
from pathlib import Path


def since(started: float) -> float:
    return (time.clock_gettime(time.CLOCK_MONOTONIC) - started) * 1000


def bare(started: float) -> None:
    from PySide6.QtCore import QEvent, QObject, QTimer
    from PySide6.QtWidgets import QApplication, QMainWindow, QTableWidget

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                QTimer.singleShot(0, lambda: done(since(started), rss()))
            return False

    app = QApplication([])
    window, watch = QMainWindow(), Watch()
    window.setCentralWidget(QTableWidget(0, 10))
    window.resize(1280, 800)
    window.installEventFilter(watch)
    window.show()
    app.exec()


def app(started: float, data_dir: Path) -> None:
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from reply_desktop import app as door
    from reply_desktop.config import Config
    from reply_desktop.ui.life import Life

    painted: list[float] = []
    load = Life.load

    def loading(life: Life) -> None:
        # `load` is called right after the first paint.
        painted.append(since(started))
        load(life)
        look.start()

    def looking() -> None:
        front = next((one.front for one in windows() if one.front is not None), None)
        if front is None or front.accounts.model.prepared(0) is None:
            return
        front.accounts.table.viewport().repaint()
        look.stop()
        shown = since(started)
        # What comes after counts for memory.
        QTimer.singleShot(1500, lambda: done(painted[0], shown, rss()))

    def windows() -> list[Life]:
        found = QApplication.instance()
        assert isinstance(found, QApplication)
        return [life for window in found.topLevelWidgets() for life in window.findChildren(Life)]

    Life.load = loading  # type: ignore[method-assign, assignment]
    door.application()
    look = QTimer(interval=2)
    look.timeout.connect(looking)
    door.run(Config(data_dir))


def rss() -> float:
    """Resident memory in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def done(*figures: float) -> None:
    print(*(f"{figure:.1f}" for figure in figures), flush=True)
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1] == "bare":
        bare(float(sys.argv[2]))
    else:
        app(float(sys.argv[2]), Path(sys.argv[3]))
