"""What waits for one front: in order, latest wins, bounded, and never in its publisher's way."""

import threading
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from reply_desktop.channel.outbox import GATHER_S, Outbox
from tests.harness.waiting import wait_until

SOON_S = 10.0


class Valve:
    """A wire whose other end reads only while it is open."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.sent: list[bytes] = []
        self.at: list[float] = []
        self.aborted = False
        self._changed = threading.Condition()
        self._open = is_open

    def open(self) -> None:
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def send_bytes(self, data: bytes) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._open or self.aborted)
            if self.aborted:
                raise OSError("aborted")
            self.sent.append(bytes(data))
            self.at.append(time.monotonic())
            self._changed.notify_all()

    def try_send(self, data: bytes) -> memoryview:
        if self.aborted:
            raise OSError("aborted")
        if not self._open:
            return memoryview(data)
        self.send_bytes(data)
        return memoryview(b"")

    def send_rest(self, rest: memoryview) -> None:
        self.send_bytes(bytes(rest))

    def abort(self) -> None:
        with self._changed:
            self.aborted = True
            self._changed.notify_all()

    def wait_sent(self, count: int) -> list[bytes]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.sent) >= count, SOON_S), self.sent
        return self.sent


def write(items: Iterable[object]) -> Iterator[bytes]:
    yield b"+".join(str(item).encode() for item in items)


class Made:
    def __init__(self) -> None:
        self.boxes: list[Outbox] = []
        self.overflown = 0

    def __call__(self, valve: Valve, **options: Any) -> Outbox:
        def overflow() -> None:
            self.overflown += 1

        box = Outbox(valve, "channel-send-test", write=write, overflow=overflow, **options)  # type: ignore[arg-type]
        self.boxes.append(box)
        return box


@pytest.fixture
def made() -> Iterator[Made]:
    made = Made()
    yield made
    for box in made.boxes:
        box.close()


def test_what_goes_at_once_needs_no_thread(made: Made) -> None:
    valve = Valve()
    box = made(valve)
    for number in range(100):
        box.event(b"%d" % number)
    assert valve.sent == [b"%d" % number for number in range(100)]
    assert not [each for each in threading.enumerate() if each.name == "channel-send-test"]


def test_what_waits_keeps_its_order(made: Made) -> None:
    valve = Valve(is_open=False)
    box = made(valve)
    for number in range(100):
        box.event(b"%d" % number)
    assert valve.sent == []
    valve.open()
    assert valve.wait_sent(100) == [b"%d" % number for number in range(100)]


def test_replies_go_before_events_that_wait(made: Made) -> None:
    valve = Valve(is_open=False)
    box = made(valve)
    for frame in (b"first", b"event"):
        box.event(frame)
    box.gather("a", "row")
    box.reply(b"reply")
    valve.open()
    assert valve.wait_sent(4) == [b"first", b"reply", b"event", b"row"]


def test_of_one_key_only_the_latest_is_sent(made: Made) -> None:
    valve = Valve(is_open=False)
    box = made(valve)
    box.event(b"busy")
    for number in range(1000):
        box.gather(number % 3, number)
    valve.open()
    assert valve.wait_sent(2) == [b"busy", b"997+998+999"]


def test_a_late_comer_does_not_displace_a_better_one(made: Made) -> None:
    valve = Valve(is_open=False)
    box = made(valve)
    box.event(b"busy")
    for number in (1, 3, 2):
        box.gather("progress", number, better=lambda new, waiting: new > waiting)  # type: ignore[operator]
    valve.open()
    assert valve.wait_sent(2) == [b"busy", b"3"]


def test_an_event_is_sent_after_the_rows_put_before_it(made: Made) -> None:
    valve = Valve(is_open=False)
    box = made(valve)
    box.event(b"busy")
    box.gather("a", "a1")
    box.gather("b", "b1")
    box.event(b"removed")
    box.gather("a", "a2")
    box.event(b"end")
    box.gather("c", "c1")
    valve.open()
    assert valve.wait_sent(6) == [b"busy", b"b1", b"removed", b"a2", b"end", b"c1"]


def test_the_first_row_goes_at_once_and_the_next_are_gathered(made: Made) -> None:
    valve = Valve()
    box = made(valve)
    box.gather("a", "a1")
    assert valve.wait_sent(1) == [b"a1"]
    for number in range(100):
        box.gather(number % 2, number)
    assert valve.wait_sent(2)[1] == b"98+99"
    assert valve.at[1] - valve.at[0] >= GATHER_S * 0.9


def test_rows_flush_at_most_once_a_frame(made: Made) -> None:
    valve = Valve()
    box = made(valve)
    number = 0
    while len(valve.sent) < 10:
        number += 1
        box.gather(number % 50, number)
    wait_until(lambda: str(number).encode() in b"+".join(valve.sent), "the last row")
    assert all(later - earlier >= GATHER_S * 0.9 for earlier, later in pairwise(valve.at))


def test_an_event_does_not_wait_for_the_frame(made: Made) -> None:
    valve = Valve()
    box = made(valve)
    box.gather("a", "a1")
    valve.wait_sent(1)
    box.gather("a", "a2")
    box.event(b"alert")
    assert valve.wait_sent(3) == [b"a1", b"a2", b"alert"]


def test_rows_for_a_front_that_does_not_read_are_bounded_by_key(made: Made) -> None:
    valve = Valve(is_open=False)
    box = made(valve, most_frames=10, most_bytes=1000)
    box.event(b"busy")
    for number in range(100_000):
        box.gather(number % 7, number)
    assert made.overflown == 0
    valve.open()
    assert valve.wait_sent(2)[1].count(b"+") == 6


@pytest.mark.parametrize(
    ("options", "frame"), [({"most_frames": 10}, b"x"), ({"most_bytes": 1000}, b"x" * 100)]
)
def test_other_frames_pile_up_to_a_bound_then_it_is_let_go(
    made: Made, options: dict[str, int], frame: bytes
) -> None:
    valve = Valve(is_open=False)
    box = made(valve, **options)
    for _ in range(11):
        box.event(frame)
    assert (made.overflown, valve.aborted) == (0, False)
    for _ in range(11):
        box.event(frame)
    assert (made.overflown, valve.aborted) == (1, True)
    box.gather("a", 1)
    assert valve.sent == []


def test_a_dead_wire_is_no_error_of_the_publisher(made: Made) -> None:
    valve = Valve()
    valve.abort()
    box = made(valve)
    for _ in range(3):
        box.event(b"x")
        box.reply(b"x")
        box.gather("a", 1)
    assert valve.sent == []


def test_close_sends_what_waits_within_its_time() -> None:
    valve = Valve(is_open=False)
    box = Outbox(valve, "channel-send-test", write=write)  # type: ignore[arg-type]
    box.reply(b"first")
    box.reply(b"last words")
    box.gather("a", "row")
    closer = threading.Thread(target=box.close, args=(SOON_S,))
    closer.start()
    valve.open()
    closer.join(SOON_S)
    assert valve.sent == [b"first", b"last words", b"row"]
    assert valve.aborted


def test_close_does_not_wait_longer_for_an_end_that_does_not_read() -> None:
    valve = Valve(is_open=False)
    box = Outbox(valve, "channel-send-test", write=write)  # type: ignore[arg-type]
    box.event(b"never")
    box.close(0.1)
    assert valve.sent == []
    box.event(b"x")
    box.close()


@pytest.mark.expect_log("Events could not be written")
def test_events_that_cannot_be_written_stop_nothing_else() -> None:
    def broken(items: Iterable[object]) -> Iterator[bytes]:
        raise ValueError("no")

    valve = Valve()
    box = Outbox(valve, "channel-send-test", write=broken)  # type: ignore[arg-type]
    box.gather("a", 1)
    wait_until(lambda: box._is_empty(), "failed batch")
    box.event(b"next")
    assert valve.wait_sent(1) == [b"next"]
    box.close()
