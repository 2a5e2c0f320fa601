"""Calls on a thread of their own: in order, back on the GUI thread, and never after the end."""

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QThread
from pytestqt.exceptions import capture_exceptions
from pytestqt.qtbot import QtBot

from reply_desktop.ui.errands import Errands


@pytest.fixture
def errands(qtbot: QtBot) -> Iterator[Errands]:
    made = Errands("errands-test", (OSError,))
    yield made
    made.stop()


def test_ends_come_back_in_order_on_the_gui_thread(qtbot: QtBot, errands: Errands) -> None:
    got: list[object] = []
    threads: list[object] = []

    def done(answer: object) -> None:
        got.append(answer)
        threads.append(QThread.currentThread())

    def broken() -> str:
        raise OSError("gone")

    for call in (lambda: "first", broken, threading.current_thread):
        errands.run(call, done, lambda error: done(str(error)))
    qtbot.waitUntil(lambda: len(got) == 3)
    assert got[:2] == ["first", "gone"]
    assert got[2].name == "errands-test"  # type: ignore[attr-defined]
    app = QCoreApplication.instance()
    assert app
    assert threads == [app.thread()] * 3


def test_after_stop_nothing_is_called(qtbot: QtBot, errands: Errands) -> None:
    entered, leave = threading.Event(), threading.Event()
    got: list[object] = []

    def slow() -> str:
        entered.set()
        leave.wait(5)
        return "late"

    errands.run(slow, got.append, got.append)
    errands.run(lambda: "never", got.append, got.append)
    assert entered.wait(5)
    leave.set()
    errands.stop()
    errands.run(lambda: "after", got.append, got.append)
    with capture_exceptions() as raised:
        QCoreApplication.processEvents()
    assert (got, raised) == ([], [])
    assert not any(thread.name == "errands-test" for thread in threading.enumerate())
