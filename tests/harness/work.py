"""How much work a call is, counted instead of timed: the same on a busy machine and on an idle one."""

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QAbstractItemView


def calls_of(run: Callable[[], object]) -> int:
    """How many functions, of Python and of C, `run` calls on this thread."""
    count = 0

    def counted(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


def most_work_to_scroll(table: "QAbstractItemView") -> int:
    """The most calls that one long scroll and its painting make, over several parts of the table."""
    bar = table.verticalScrollBar()

    def scroll(part: float) -> None:
        bar.setValue(int(bar.maximum() * part))
        table.viewport().repaint()

    return max(calls_of(partial(scroll, part)) for part in (0.2, 0.5, 0.75, 1.0))
