"""Clears what removed sequences left behind: in the background, part by part, so that others can write.

Who is in no sequence is seen by nobody, so nothing of them is kept. Whatever cuts this off, the engine's next
start goes on with it.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final

from reply_desktop.domain import events
from reply_desktop.domain.errors import EngineUnavailable, ReplyDesktopError
from reply_desktop.services.ports import Store, Tasks
from reply_desktop.services.sequence_ports import Leftovers

_log = logging.getLogger(__name__)

PART: Final = 250
"""How many are cleared in one commit: 20 ms of work."""
REST_S: Final = 0.02
"""How long the store is left to others between two parts, in seconds."""


class Removals:
    """Clears at the engine's start, and after each removal."""

    def __init__(self, store: Store, tasks: Tasks) -> None:
        self._store = store
        self._tasks = tasks
        self._lock = threading.Lock()
        self._clearing = self._again = False
        self._ending = threading.Event()

    def on_event(self, event: events.Event) -> None:
        """Listens to the bus for removals."""
        if isinstance(event, events.SequenceRemoved):
            self.clear()

    def clear(self) -> None:
        """Clear what is there, in the background."""
        with self._lock:
            if self._clearing:
                self._again = True
                return
            self._clearing = True
        try:
            self._tasks.submit(self._run)
        except EngineUnavailable:
            self._clearing = False

    def stop(self) -> None:
        """The engine is ending: its next start goes on."""
        self._ending.set()

    def _run(self) -> None:
        try:
            self._clear()
        except ReplyDesktopError as error:
            _log.warning("What removed sequences left is cleared at the next start: %s", error)
        finally:
            with self._lock:
                again, self._again, self._clearing = self._again, False, False
            if again:
                self.clear()

    def _clear(self) -> None:
        more = True
        while more and not self._ending.is_set():
            with self._store.begin() as unit:
                more = unit.leftovers.clear(PART)
                unit.commit()
            self._ending.wait(REST_S)
        self._sweep(
            lambda left, after: left.unseen_prospects(after, PART),
            lambda left, ids: left.forget_prospects(ids),
        )
        self._sweep(
            lambda left, after: left.spent_touches(after, PART),
            lambda left, ids: left.forget_touches(ids),
        )

    def _sweep(
        self,
        find: Callable[[Leftovers, str], list[str]],
        forget: Callable[[Leftovers, list[str]], None],
    ) -> None:
        after = ""
        while not self._ending.is_set():
            # Looked for by a reader, because that may take a while; the few that are found go at once.
            with self._store.read() as unit:
                found = find(unit.leftovers, after)
            if not found:
                return
            with self._store.begin() as unit:
                forget(unit.leftovers, found)
                unit.commit()
            after = found[-1]
            self._ending.wait(REST_S)
