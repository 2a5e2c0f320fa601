"""A bounded pool of worker threads for checks and whatever else waits on the network."""

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Final

from reply_desktop.domain.errors import EngineUnavailable

_log = logging.getLogger(__name__)

BACKLOG: Final = 10_000
"""How many pieces of work may wait for a thread."""
CLOSE_S: Final = 10.0


class WorkerPool:
    """Threads made when needed, at most `workers`, that carry out what is submitted in its order.

    With `backlog` waiting, whoever submits carries its piece out itself: the pool is never overrun, nothing
    is lost, and a worker that submits more work than there is room for cannot wait for itself.
    """

    def __init__(self, workers: int, *, backlog: int = BACKLOG, name: str = "worker") -> None:
        self._workers = workers
        self._backlog = backlog
        self._name = name
        self._changed = threading.Condition(threading.Lock())
        self._waiting: deque[Callable[[], None]] = deque()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def submit(self, run: Callable[[], None]) -> None:
        """Carry this out soon; what it raises is logged. Raises EngineUnavailable once the pool is closed."""
        with self._changed:
            if self._closed:
                raise EngineUnavailable("The background service is ending.", "Try again when it runs.")
            full = len(self._waiting) >= self._backlog
            if not full:
                self._waiting.append(run)
                if self._idle >= len(self._waiting):
                    self._changed.notify()
                elif len(self._threads) < self._workers:
                    self._add_thread()
        if full:
            _carry_out(run)

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """End: what waits is dropped, what runs gets so long. Gives whether everything ended.

        A piece that runs on is named in the log; its thread ends with it. Safe from a worker itself, which
        is not waited for.
        """
        until = time.monotonic() + timeout_s
        with self._changed:
            self._closed = True
            dropped = len(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        if dropped:
            _log.info("%d pieces of work were not begun any more", dropped)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))
        late = [thread.name for thread in self._threads if thread.is_alive()]
        late = [name for name in late if name != threading.current_thread().name]
        if late:
            _log.warning("Still at work after %g s: %s", timeout_s, ", ".join(late))
        return not late

    def _add_thread(self) -> None:
        thread = threading.Thread(target=self._run, name=f"{self._name}-{len(self._threads) + 1}")
        thread.start()
        self._threads.append(thread)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                while not self._waiting and not self._closed:
                    self._changed.wait()
                self._idle -= 1
                if not self._waiting:
                    return
                run = self._waiting.popleft()
            _carry_out(run)
            del run


def _carry_out(run: Callable[[], None]) -> None:
    try:
        run()
    except Exception as error:
        # Without its text, which can quote what was worked on, and so a secret.
        where = "".join(traceback.format_tb(error.__traceback__))
        _log.error("A piece of work failed: %s\n%s", type(error).__name__, where)
