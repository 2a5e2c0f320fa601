"""Calls that wait for something, made on one thread; their ends come back to the GUI thread."""

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal
from shiboken6 import isValid

T = TypeVar("T")


class Errands(QObject):
    """Runs calls one after the other. `expected`: the errors a call may end with; others are faults."""

    _over = Signal(object, object)

    def __init__(
        self, name: str, expected: tuple[type[Exception], ...], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._name, self._expected = name, expected
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._over.connect(self._hand_back, Qt.ConnectionType.QueuedConnection)

    def run(
        self, call: Callable[[], T], done: Callable[[T], Any], failed: Callable[[Exception], Any]
    ) -> None:
        """Call something on the thread; exactly one of the two is called later, here."""
        if self._stopped:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

        def carry_out() -> None:
            try:
                answer = call()
            except self._expected as error:
                self._report(failed, error)
            else:
                self._report(done, answer)

        self._waiting.put(carry_out)

    def stop(self) -> None:
        """End the thread after the call under way."""
        self._stopped = True
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(5)

    def _work(self) -> None:
        while (order := self._waiting.get()) is not None:
            if not self._stopped:
                order()

    def _report(self, callback: Callable[[Any], Any], value: object) -> None:
        if not self._stopped and isValid(self):
            self._over.emit(callback, value)

    def _hand_back(self, callback: Callable[[Any], Any], value: object) -> None:
        if not self._stopped:
            callback(value)
