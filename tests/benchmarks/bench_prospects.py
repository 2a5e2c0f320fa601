"""The prospects of one sequence in the window: how long a hundred thousand of them keep the person waiting.

Run: make bench ARGS=tests/benchmarks/bench_prospects.py. The rows come from the real engine and its database.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from reply_desktop.adapters.clock import SystemClock
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.channel.launch import stop_running
from reply_desktop.config import Config
from reply_desktop.domain.sequence import Sequence, SequenceStatus, Step
from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.life import EngineDoor, quiet_collector
from reply_desktop.ui.sequence_page import SequencePage
from reply_desktop.ui.words import utc_now
from tests.benchmarks.bench_store import crowd
from tests.benchmarks.bench_ui import STALL_MS, Stall, spin

SIZES = (100, 1_000, 10_000, 100_000)
COLUMNS = ("email", "state", "due_at", "last_sent_at")


def fill(config: Config, count: int) -> None:
    """A paused sequence with that many prospects."""
    store = SqliteStore(config.database, SystemClock())
    prospects, enrollments = crowd(count)
    step = Step("one", 1, 0.0, "Hello", "Hello {{ first_name }}")
    with store.begin() as unit:
        unit.sequences.add(
            Sequence("s", "Spring", SystemClock().now(), SequenceStatus.PAUSED, steps=(step,), revision=1)
        )
        unit.prospects.put_many(prospects)
        unit.enrollments.add_many(enrollments)
        unit.commit()
    store.close()


@pytest.mark.parametrize("count", SIZES)
def test_prospects(qtbot: QtBot, qapp: QApplication, tmp_path: Path, count: int) -> None:
    theme.install(qapp)
    icons.follow_theme()
    config = Config(tmp_path / "data")
    fill(config, count)
    bridge = Bridge(EngineDoor(config))
    bridge.start()
    qtbot.waitUntil(lambda: bridge.engine is EngineState.RUNNING, timeout=20_000)
    stall, figures = Stall(), dict[str, tuple[float, float]]()
    page = SequencePage(bridge, utc_now, lambda url: True)
    qtbot.addWidget(page)
    page.resize(1100, 700)
    page.show()
    with stall:
        began = time.perf_counter()
        page.open_sequence("s", "prospects")
        tab = page.prospects
        qtbot.waitUntil(lambda: tab.model.prepared(0) is not None, timeout=20_000)
        tab.table.viewport().repaint()
        shown = (time.perf_counter() - began) * 1000
        spin(0.3)
    figures["open"] = stall.worst, stall.busiest
    quiet_collector()
    assert len(tab.model.ids) == count

    def measure(name: str, act: Callable[[], None]) -> None:
        spin(0.15)
        with stall:
            act()
        worst, busiest = figures.get(name, (0.0, 0.0))
        figures[name] = max(worst, stall.worst), max(busiest, stall.busiest)

    def sort(by: str) -> None:
        tab.table.sort_by(by, not tab.model.wanted.descending)
        qtbot.waitUntil(lambda: tab.model.wanted.sort == by and tab.model.prepared(0) is not None)
        spin(0.3)

    for by in COLUMNS:
        measure("sort", partial(sort, by))

    def keystroke(letter: str) -> None:
        QTest.keyClicks(tab.text, letter)
        spin(0.3)

    for letter in "person7":
        measure("filter keystroke", partial(keystroke, letter))
    tab.show_all()
    spin(0.4)

    def wheel() -> None:
        view = tab.table.viewport()
        middle = QPointF(view.rect().center())
        for _ in range(60):
            event = QWheelEvent(
                middle,
                view.mapToGlobal(middle),
                QPoint(0, 0),
                QPoint(0, -240),
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            QApplication.sendEvent(view, event)
            spin(0.016)

    measure("scroll by wheel", wheel)

    def drag() -> None:
        bar = tab.table.verticalScrollBar()
        for step in range(60):
            bar.setValue(bar.maximum() * (step * 7 % 60) // 60)
            spin(0.016)

    measure("scroll by dragging", drag)
    print(
        f"\n{count:,} prospects: shown in {shown:.0f} ms. Lateness of a 5 ms timer (target: {STALL_MS:.0f} ms)"
    )
    print("and how long this thread itself was busy at most, ms:")
    for name, (worst, busiest) in figures.items():
        print(f"  {name:28} {worst:7.1f} {busiest:7.1f}")
    bridge.close()
    stop_running(config)
