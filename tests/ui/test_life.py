"""From the first frame to the end, with an engine that is not there."""

from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from reply_desktop.config import Config
from reply_desktop.domain.errors import EngineUnavailable
from reply_desktop.ui.bridge import EngineState
from reply_desktop.ui.life import EngineDoor, Life
from reply_desktop.ui.main_window import ACCOUNTS, MainWindow
from reply_desktop.ui.remembered import Remembered
from reply_desktop.ui.single_instance import Errand, Message, SingleInstance
from tests.fakes.engine import FakeEngine, few


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(tmp_path)


def begin(
    qtbot: QtBot, config: Config, engine: FakeEngine, errand: Message | None = None
) -> tuple[Life, MainWindow, SingleInstance]:
    window = MainWindow(Remembered(None))
    qtbot.addWidget(window, before_close_func=lambda one: setattr(one, "leaving", True))
    instance = SingleInstance(config.data_dir, window)
    assert instance.claim()
    life = Life(config, window, Remembered(None), instance, errand, engine.connect)
    window.installEventFilter(life)
    return life, window, instance


def test_nothing_is_loaded_before_the_first_frame(qtbot: QtBot, config: Config) -> None:
    engine = FakeEngine(few())
    life, window, _ = begin(qtbot, config, engine)
    QApplication.processEvents()
    assert life.front is None and engine.connects == 0
    window.show()
    qtbot.waitUntil(lambda: life.front is not None and life.front.accounts.model.is_loaded)
    assert window.current == ACCOUNTS
    life.close()
    assert life.front is not None


def test_an_errand_given_at_the_start_is_done(qtbot: QtBot, config: Config) -> None:
    engine = FakeEngine(few())
    life, window, _ = begin(qtbot, config, engine, Message(Errand.ACCOUNT, "a4"))
    window.show()
    qtbot.waitUntil(lambda: life.front is not None and life.front.accounts.table.selected_ids() == ("a4",))
    life.close()


def test_a_later_launch_opens_its_place_here(qtbot: QtBot, config: Config) -> None:
    life, window, instance = begin(qtbot, config, FakeEngine(few()))
    window.show()
    qtbot.waitUntil(lambda: life.front is not None and life.front.accounts.model.is_loaded)
    qtbot.waitUntil(lambda: life.around is not None)
    instance.asked.emit(Message(Errand.ACCOUNT, "a3"))
    assert life.front is not None and life.front.accounts.table.selected_ids() == ("a3",)
    life.close()


def test_the_end_lets_the_next_window_begin(qtbot: QtBot, config: Config) -> None:
    life, window, _ = begin(qtbot, config, FakeEngine(few()))
    window.show()
    qtbot.waitUntil(lambda: life.front is not None and life.front.bridge.engine is EngineState.RUNNING)
    life.close()
    parent = QObject()
    again = SingleInstance(config.data_dir, parent)
    assert again.claim()
    again.release()


def test_the_engine_door_says_why_no_engine_came(config: Config) -> None:
    import threading

    cancelled = threading.Event()
    cancelled.set()
    door = EngineDoor(config, command=("false",))
    with pytest.raises(EngineUnavailable):
        door(lambda event: None, lambda: None, cancelled)
