"""Waiting for something to become true, with a deadline, where nothing announces it."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
WAIT_S = 30.0
"""How long tests wait for what must come: far longer than it takes on a busy machine, as only a failure waits it out."""
PAUSE_S = 0.02


def wait_until(look: Callable[[], T | None], what: str, deadline_s: float = WAIT_S) -> T:
    """The first true thing that `look` gives; an AssertionError naming `what` when the deadline passes."""
    deadline = time.monotonic() + deadline_s
    never = threading.Event()
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"within {deadline_s:.0f} s there was no {what}")
        never.wait(PAUSE_S)
    return seen
