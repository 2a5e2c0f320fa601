"""Conversations that last too long are cut off, all of them when the app ends, by one thread for all."""

import socket
import threading
from collections.abc import Iterator

import pytest

from reply_desktop.adapters.providers.deadlines import Deadline, Deadlines
from reply_desktop.domain.answers import Fault
from tests.harness.waiting import wait_until


@pytest.fixture
def line() -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    with ours, theirs:
        yield ours


def begun(deadlines: Deadlines, seconds: float, line: socket.socket | None = None) -> Deadline:
    deadline = deadlines.begin(seconds)
    assert deadline is not None
    deadline.watch(lambda: line)
    return deadline


def watching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mail-deadline"]


def test_what_lasts_too_long_is_cut_off_though_others_may_last_longer(line: socket.socket) -> None:
    deadlines = Deadlines(lambda: False)
    long = begun(deadlines, 600)
    short = begun(deadlines, 0.02, line)
    assert line.recv(1) == b"", "the line was cut"
    assert (short.fault, long.fault) == (Fault.TIMEOUT, None)
    assert len(watching()) == 1
    deadlines.end(short)
    deadlines.end(long)
    assert watching() == []


def test_what_ended_in_time_is_never_cut_off(line: socket.socket) -> None:
    deadlines = Deadlines(lambda: False)
    other = begun(deadlines, 600)
    deadlines.end(begun(deadlines, 0.05, line))
    later = begun(deadlines, 0.1)
    wait_until(lambda: later.fault is Fault.TIMEOUT, "end of the later one")
    line.send(b"x")
    deadlines.end(later)
    deadlines.end(other)


def test_a_line_that_is_not_there_yet_or_is_closed_takes_no_harm(line: socket.socket) -> None:
    deadlines = Deadlines(lambda: False)
    unmade, closed = begun(deadlines, 600), begun(deadlines, 600, line)
    line.close()
    deadlines.close()
    assert unmade.fault is closed.fault is Fault.CLOSED


def test_the_first_reason_stays() -> None:
    deadline = Deadline(600)
    deadline.cut(Fault.TIMEOUT)
    deadline.cut(Fault.CLOSED)
    assert deadline.fault is Fault.TIMEOUT


def test_closing_cuts_all_off_and_lets_none_begin(line: socket.socket) -> None:
    deadlines = Deadlines(lambda: True)
    under_way = begun(deadlines, 600, line)
    deadlines.close()
    assert line.recv(1) == b""
    assert under_way.fault is Fault.CLOSED
    assert deadlines.begin(600) is None
    deadlines.end(under_way)
    assert watching() == []


def test_the_thread_stays_while_more_is_to_come() -> None:
    coming = True
    deadlines = Deadlines(lambda: coming)
    deadlines.end(begun(deadlines, 600))
    (first,) = watching()
    again = begun(deadlines, 600)
    assert watching() == [first]
    coming = False
    deadlines.end(again)
    assert watching() == []
