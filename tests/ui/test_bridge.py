"""The bridge between GUI thread and channel."""

import threading
from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import EVENTS, CheckAccounts, GetSummary, ListAccounts, RowsChanged
from reply_desktop.domain.errors import EngineDiffers, EngineUnavailable, NotFound, ReplyDesktopError
from reply_desktop.domain.rows import Summary
from reply_desktop.ui.bridge import Bridge, EngineState
from tests.fakes.engine import FakeEngine, few

Open = Callable[[FakeEngine], Bridge]


class Asker(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.got: list[object] = []
        self.threads: list[QThread] = []

    def on_answer(self, answer: object) -> None:
        self.got.append(answer)
        self.threads.append(QThread.currentThread())


def test_answers_arrive_on_the_gui_thread(qtbot: QtBot, open_bridge: Open) -> None:
    bridge, asker = open_bridge(FakeEngine(few())), Asker()
    bridge.ask(GetSummary(), asker.on_answer)
    qtbot.waitUntil(lambda: bool(asker.got))
    assert isinstance(asker.got[0], Summary)
    assert asker.threads == [QCoreApplication.instance().thread()]  # type: ignore[union-attr]


def test_events_become_signals_in_order(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine(few())
    bridge = open_bridge(engine)
    seen: list[str] = []
    bridge.rows_changed.connect(lambda event: seen.extend(row.address for row in event.rows))
    for row in engine.rows.values():
        engine.push(RowsChanged((row,)))
    qtbot.waitUntil(lambda: len(seen) == 5)
    assert seen == [row.address for row in engine.rows.values()]


def test_every_event_the_engine_pushes_has_its_signal(open_bridge: Open) -> None:
    assert set(open_bridge(FakeEngine())._signals) == set(EVENTS.values())


def test_an_error_reaches_the_asker_or_else_the_signal(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    engine.errors[CheckAccounts] = NotFound("No such account.")
    bridge = open_bridge(engine)
    own: list[ReplyDesktopError] = []
    bridge.ask(CheckAccounts(), None, own.append)
    qtbot.waitUntil(lambda: bool(own))
    assert isinstance(own[0], NotFound)
    with qtbot.waitSignal(bridge.failed) as blocker:
        bridge.ask(CheckAccounts())
    assert isinstance(blocker.args[0], NotFound)


def test_a_destroyed_asker_is_never_called(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine(few())
    engine.mute = {GetSummary}
    bridge, asker, other = open_bridge(engine), Asker(), Asker()
    bridge.ask(GetSummary(), asker.on_answer)
    bridge.ask(GetSummary(), lambda answer: asker.on_answer(answer), owner=asker)
    bridge.ask(GetSummary(), other.on_answer)
    qtbot.waitUntil(lambda: len(engine.held) == 3)
    asker.deleteLater()
    QCoreApplication.sendPostedEvents(asker, QEvent.Type.DeferredDelete.value)
    engine.answer_held()
    qtbot.waitUntil(lambda: bool(other.got))
    assert asker.got == []


def test_a_cancelled_request_is_forgotten(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine(few())
    engine.mute = {GetSummary}
    bridge, asker = open_bridge(engine), Asker()
    pending = bridge.ask(GetSummary(), asker.on_answer)
    bridge.ask(ListAccounts(), asker.on_answer)
    pending.cancel()
    qtbot.waitUntil(lambda: bool(engine.held) and len(asker.got) == 1)
    engine.answer_held()
    bridge.ask(ListAccounts(), asker.on_answer)
    qtbot.waitUntil(lambda: len(asker.got) == 2)
    assert not any(isinstance(answer, Summary) for answer in asker.got)


def test_one_failing_callback_does_not_swallow_the_next(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine(few())
    bridge, asker = open_bridge(engine), Asker()
    engine.mute = {GetSummary, ListAccounts}

    def broken(answer: object) -> None:
        raise RuntimeError("on purpose")

    bridge.ask(GetSummary(), broken)
    bridge.ask(ListAccounts(), asker.on_answer)
    qtbot.waitUntil(lambda: len(engine.held) == 2)
    with qtbot.captureExceptions() as raised:
        engine.answer_held()
        qtbot.waitUntil(lambda: bool(asker.got))
    assert [str(value) for _, value, _ in raised] == ["on purpose"]


def test_a_lost_engine_is_told_and_reached_again(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine(few())
    bridge = open_bridge(engine)
    engine.stop()
    qtbot.waitUntil(lambda: bridge.engine is EngineState.LOST)
    failed: list[ReplyDesktopError] = []
    bridge.ask(GetSummary(), None, failed.append)
    qtbot.waitUntil(lambda: bool(failed))
    assert isinstance(failed[0], EngineUnavailable)
    engine.up = True
    qtbot.waitUntil(lambda: bridge.engine is EngineState.RUNNING)
    asker = Asker()
    bridge.ask(GetSummary(), asker.on_answer)
    qtbot.waitUntil(lambda: bool(asker.got))


class WatchedBridge(Bridge):
    """Says when its channel has turned away what was asked."""

    def __init__(self, engine: FakeEngine) -> None:
        super().__init__(engine.connect, after_exit=lambda at: None)
        self.turned_away = threading.Event()

    def _turn_away(self) -> None:
        super()._turn_away()
        self.turned_away.set()


def test_what_is_asked_before_the_loss_was_heard_is_turned_away_too(qtbot: QtBot) -> None:
    engine = FakeEngine(few())
    bridge = WatchedBridge(engine)
    bridge.start()
    qtbot.waitUntil(lambda: bridge.engine is EngineState.RUNNING)
    heard: list[EngineState] = []
    bridge.engine_changed.connect(heard.append)
    engine.stop()
    assert bridge.turned_away.wait(5)
    assert heard == []
    failed: list[ReplyDesktopError] = []
    bridge.ask(GetSummary(), None, failed.append)
    qtbot.waitUntil(lambda: bool(failed))
    assert heard == [EngineState.GONE]
    bridge.close()


def test_an_engine_lost_too_often_is_left_until_the_person_says(qtbot: QtBot) -> None:
    engine = FakeEngine(few())
    engine.up = False
    bridge = Bridge(engine.connect, after_exit=lambda at: None)
    bridge.start()
    qtbot.waitUntil(lambda: bridge.engine is EngineState.GONE)
    assert isinstance(bridge.trouble, EngineUnavailable) and engine.connects == 1
    engine.up = True
    bridge.retry_now()
    qtbot.waitUntil(lambda: bridge.engine is EngineState.RUNNING)
    bridge.close()


def test_an_engine_that_ended_too_often_is_not_said_to_be_restarted(qtbot: QtBot) -> None:
    engine = FakeEngine(few())
    bridge = Bridge(engine.connect, after_exit=lambda at: None)
    bridge.start()
    qtbot.waitUntil(lambda: bridge.engine is EngineState.RUNNING)
    engine.stop()
    qtbot.waitUntil(lambda: bridge.engine is EngineState.GONE)
    assert "again and again" in str(bridge.trouble) and "Try now" in str(bridge.trouble)
    bridge.close()


def test_an_engine_of_another_version_is_not_fought(qtbot: QtBot) -> None:
    def connect(*_: object) -> FakeEngine:
        raise EngineDiffers("Another version runs.")

    bridge = Bridge(connect, after_exit=lambda at: 0.01)
    bridge.start()
    qtbot.waitUntil(lambda: bridge.engine is EngineState.GONE)
    assert isinstance(bridge.trouble, EngineDiffers)
    bridge.close()


def test_an_engine_that_was_let_go_is_not_started_again(qtbot: QtBot) -> None:
    engine = FakeEngine(few())
    before = set(threading.enumerate())
    bridge = Bridge(engine.connect, after_exit=lambda at: 0.0)
    bridge.start()
    qtbot.waitUntil(lambda: bridge.engine is EngineState.RUNNING)
    bridge.let_go()
    answered = Asker()
    bridge.ask(GetSummary(), answered.on_answer)
    qtbot.waitUntil(lambda: bool(answered.got))
    engine.stop()
    engine.up = True
    qtbot.waitUntil(lambda: bridge.engine is EngineState.LOST)
    qtbot.waitUntil(lambda: set(threading.enumerate()) <= before)
    assert engine.connects == 1
    bridge.close()


def test_close_leaves_no_thread(qtbot: QtBot) -> None:
    engine = FakeEngine(few())
    before = set(threading.enumerate())
    bridge = Bridge(engine.connect)
    bridge.start()
    qtbot.waitUntil(lambda: bridge.engine is EngineState.RUNNING)
    bridge.close()
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("burst", [10_000])
def test_a_burst_of_events_loses_none(qtbot: QtBot, open_bridge: Open, burst: int) -> None:
    engine = FakeEngine(few())
    bridge = open_bridge(engine)
    count = 0

    def on_rows(event: RowsChanged) -> None:
        nonlocal count
        count += 1

    bridge.rows_changed.connect(on_rows)
    row = engine.rows["a1"]

    def push() -> None:
        for _ in range(burst // 4):
            engine.push(RowsChanged((row,)))

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    qtbot.waitUntil(lambda: count == burst, timeout=10_000)
    for thread in threads:
        thread.join()
