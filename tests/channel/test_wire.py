"""Frames over sockets and pipes: whole, in time, private, and ended from any thread."""

import multiprocessing
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client as VendorClient
from multiprocessing.connection import Connection, deliver_challenge
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reply_desktop.channel import wire as wires
from reply_desktop.channel.wire import PipeWire, SocketListener, SocketWire, Wire, dial
from reply_desktop.domain.errors import EngineUnavailable

SOON_S = 10.0
KEY = b"k" * 32


def soon() -> float:
    return time.monotonic() + SOON_S


def at_once() -> float:
    return time.monotonic() + 0.05


@pytest.fixture(params=["socket", "pipe"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Wire, Wire]]:
    """Both kinds of wire; the pipe stands for the Windows one, which has the same class around it."""
    if request.param == "socket":
        one, other = map(SocketWire, socket.socketpair())
        yield one, other
        one.close()
        other.close()
    else:
        ours, theirs = multiprocessing.Pipe()
        yield PipeWire(ours), PipeWire(theirs)
        ours.close()
        theirs.close()


@pytest.fixture
def raw() -> Iterator[tuple[SocketWire, socket.socket]]:
    """A wire and the bare other end of it."""
    one, other = socket.socketpair()
    wire = SocketWire(one)
    yield wire, other
    wire.close()
    other.close()


def in_thread(run: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """What it gave or raised, once the thread has ended."""
    got: list[Any] = []

    def take() -> None:
        try:
            got.append(run())
        except BaseException as error:
            got.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    return thread, got


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=300), max_size=8))
def test_frames_arrive_whole_and_in_order(pair: tuple[Wire, Wire], frames: list[bytes]) -> None:
    one, other = pair
    for frame in frames:
        one.send_bytes(frame)
    assert [bytes(other.recv_bytes()) for _ in frames] == frames


@pytest.mark.parametrize("length", [0, 1, 65536, 65537, 3_000_000])
def test_long_frames_among_short_ones(pair: tuple[Wire, Wire], length: int) -> None:
    one, other = pair
    frames = [b"a", os.urandom(length), b"b", os.urandom(length), b""]

    def send() -> None:
        for frame in frames:
            one.send_bytes(frame)

    thread, _ = in_thread(send)
    assert [bytes(other.recv_bytes()) for _ in frames] == frames
    thread.join()


def test_the_frames_are_those_of_multiprocessing() -> None:
    one, other = socket.socketpair()
    wire, connection = SocketWire(one), Connection(other.detach())
    wire.send_bytes(b"there")
    assert connection.recv_bytes() == b"there"
    connection.send_bytes(b"and back" * 10_000)
    assert wire.recv_bytes() == b"and back" * 10_000
    connection.close()
    wire.close()


def test_both_ends_prove_the_key(pair: tuple[Wire, Wire]) -> None:
    engine, front = pair
    thread, got = in_thread(lambda: wires.authenticate_newcomer(engine, KEY))
    wires.authenticate_self(front, KEY)
    thread.join()
    assert got == [None]


@pytest.mark.parametrize("who", ["front", "engine"])
def test_a_wrong_key_is_refused_by_either_end(pair: tuple[Wire, Wire], who: str) -> None:
    engine, front = pair
    theirs = KEY if who == "front" else b"x" * 32
    thread, got = in_thread(lambda: wires.authenticate_newcomer(engine, theirs))
    with pytest.raises((PermissionError, EOFError)):
        wires.authenticate_self(front, b"x" * 32 if who == "front" else KEY)
    front.abort()
    thread.join()
    assert isinstance(got[0], (PermissionError, EOFError))


def test_an_engine_that_does_not_know_the_key_cannot_pass_by_answering_only(
    pair: tuple[Wire, Wire],
) -> None:
    """Who took the address but not the key file accepts any answer, and is found out by the second half."""
    engine, front = pair
    impostor, _ = in_thread(lambda: _accept_any_answer(engine))
    with pytest.raises((PermissionError, EOFError)):
        wires.authenticate_self(front, KEY)
    impostor.join()


def _accept_any_answer(wire: Wire) -> None:
    class Gullible:
        def send_bytes(self, data: bytes) -> None:
            wire.send_bytes(b"#WELCOME#" if data == b"#FAILURE#" else data)

        def recv_bytes(self, length: int) -> bytes:
            return bytes(wire.recv_bytes(length))

    try:
        deliver_challenge(Gullible(), b"guessed")  # type: ignore[arg-type]
    except multiprocessing.AuthenticationError:
        wire.recv_bytes()
        wire.send_bytes(b"0" * 16)


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1", b"#CHALLENGE#", b"x" * 256])
def test_an_end_that_talks_otherwise_is_refused(pair: tuple[Wire, Wire], first: bytes) -> None:
    engine, front = pair
    engine.send_bytes(first)
    thread, got = in_thread(lambda: wires.authenticate_self(front, KEY))
    engine.recv_bytes() if first == b"#CHALLENGE#" else None
    engine.send_bytes(b"no")
    thread.join(SOON_S)
    assert isinstance(got[0], PermissionError)


def test_receiving_ends_at_its_deadline(pair: tuple[Wire, Wire]) -> None:
    wire, _ = pair
    wire.set_deadline(at_once())
    with pytest.raises(TimeoutError):
        wire.recv_bytes()


def test_a_byte_now_and_then_does_not_push_the_deadline_away(raw: tuple[SocketWire, socket.socket]) -> None:
    wire, other = raw
    over = threading.Event()

    def drip() -> None:
        other.sendall(struct.pack("!i", 1000))
        while not over.wait(0.01):
            other.sendall(b"x")

    thread, _ = in_thread(drip)
    started = time.monotonic()
    wire.set_deadline(started + 0.2)
    with pytest.raises(TimeoutError):
        wire.recv_bytes()
    assert time.monotonic() - started > 0.15
    over.set()
    thread.join()


def test_sending_ends_at_its_deadline(raw: tuple[SocketWire, socket.socket]) -> None:
    wire, _ = raw
    wire.set_deadline(at_once())
    with pytest.raises(TimeoutError):
        wire.send_bytes(b"x" * 10_000_000)


def test_without_a_deadline_it_waits_again(pair: tuple[Wire, Wire]) -> None:
    one, other = pair
    one.set_deadline(at_once())
    with pytest.raises(TimeoutError):
        one.recv_bytes()
    one.set_deadline(None)
    thread, got = in_thread(one.recv_bytes)
    assert got == []
    other.send_bytes(b"late")
    thread.join(SOON_S)
    assert got == [b"late"]


@pytest.mark.parametrize("length", [-1, -(2**31), 16 * 1024 * 1024 + 1, 2**31 - 1])
def test_an_impossible_length_is_refused_before_anything_is_read(
    raw: tuple[SocketWire, socket.socket], length: int
) -> None:
    wire, other = raw
    other.sendall(struct.pack("!i", length))
    with pytest.raises(OSError, match="is not taken"):
        wire.recv_bytes()


def test_a_frame_longer_than_the_moment_allows_is_refused(pair: tuple[Wire, Wire]) -> None:
    one, other = pair
    one.send_bytes(b"x" * 257)
    with pytest.raises(OSError):
        other.recv_bytes(256)


@pytest.mark.parametrize(
    "part", [b"", b"\0\0", struct.pack("!i", 5) + b"abc", struct.pack("!i", 10**6) + b"abc"]
)
def test_an_end_that_dies_in_the_middle_is_an_end(raw: tuple[SocketWire, socket.socket], part: bytes) -> None:
    wire, other = raw
    other.sendall(part)
    other.close()
    with pytest.raises(EOFError):
        wire.recv_bytes()


@pytest.mark.parametrize("ending", ["abort", "stop_receiving"])
def test_a_receiver_is_woken_by_another_thread(ending: str) -> None:
    one, other = map(SocketWire, socket.socketpair())
    thread, got = in_thread(one.recv_bytes)
    getattr(one, ending)()
    thread.join(SOON_S)
    assert isinstance(got[0], EOFError)
    if ending == "stop_receiving":
        one.send_bytes(b"still sends")
        assert other.recv_bytes() == b"still sends"
    one.close()
    other.close()


def test_a_sender_is_woken_by_another_thread() -> None:
    one, other = map(SocketWire, socket.socketpair())
    rest = one.try_send(b"x" * 10_000_000)
    thread, got = in_thread(lambda: one.send_rest(rest))
    one.abort()
    thread.join(SOON_S)
    assert isinstance(got[0], OSError)
    one.close()
    other.close()


def test_what_does_not_go_at_once_is_handed_back(pair: tuple[Wire, Wire]) -> None:
    one, other = pair
    frame = os.urandom(5_000_000)
    rest = one.try_send(frame)
    assert rest, "nobody reads, so it cannot all have gone"
    thread, _ = in_thread(lambda: one.send_rest(rest))
    assert other.recv_bytes() == frame
    thread.join()
    one.send_rest(one.try_send(b"next")) if isinstance(one, SocketWire) else one.send_bytes(b"next")
    assert other.recv_bytes() == b"next"


def test_a_short_frame_goes_at_once(raw: tuple[SocketWire, socket.socket]) -> None:
    wire, other = raw
    assert not wire.try_send(b"short")
    assert other.recv(100) == struct.pack("!i", 5) + b"short"


def test_a_full_wire_takes_nothing_and_does_not_wait(raw: tuple[SocketWire, socket.socket]) -> None:
    wire, other = raw
    rest = wire.try_send(b"x" * 10_000_000)
    assert len(wire.try_send(b"more")) == 8
    other.close()
    with pytest.raises(OSError):
        wire.send_rest(rest)


def test_a_wire_that_is_closed_raises_os_errors_only(pair: tuple[Wire, Wire]) -> None:
    one, other = pair
    one.abort()
    other.abort()
    for use in (one.recv_bytes, lambda: one.send_bytes(b"x"), other.recv_bytes):
        with pytest.raises((OSError, EOFError)):
            use()


class TestListener:
    def test_the_socket_and_its_folder_are_private(self, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        folder.mkdir(mode=0o755)
        listener = SocketListener(str(folder / "engine.sock"))
        assert (folder / "engine.sock").stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700
        self.end(listener)
        assert list(folder.iterdir()) == []

    def test_it_makes_its_folder(self, tmp_path: Path) -> None:
        listener = SocketListener(str(tmp_path / "a" / "engine.sock"))
        assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
        self.end(listener)

    def test_a_killed_engines_socket_is_replaced(self, tmp_path: Path) -> None:
        address = str(tmp_path / "engine.sock")
        left = socket.socket(socket.AF_UNIX)
        left.bind(address)
        left.close()
        with pytest.raises(OSError):
            dial(address, soon())
        listener = SocketListener(address)
        front = dial(address, soon())
        engine = listener.accept()
        assert engine is not None
        front.send_bytes(b"hello")
        assert engine.recv_bytes() == b"hello"
        for each in (front, engine):
            each.close()
        self.end(listener)

    def test_a_file_that_is_no_socket_is_left_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "engine.sock"
        file.write_text("letters")
        with pytest.raises(OSError):
            SocketListener(str(file))
        assert file.read_text() == "letters"

    def test_the_next_engines_socket_is_not_taken_away(self, tmp_path: Path) -> None:
        address = tmp_path / "engine.sock"
        old = SocketListener(str(address))
        new = SocketListener(str(address))
        self.end(old)
        dial(str(address), soon()).close()
        self.end(new)
        assert not address.exists()

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can make another's folder")
    def test_a_folder_of_somebody_else_is_refused(self, tmp_path: Path) -> None:
        folder = tmp_path / "taken"
        folder.mkdir()
        os.chown(folder, 12345, 12345)
        with pytest.raises(EngineUnavailable, match="belongs to somebody else"):
            SocketListener(str(folder / "engine.sock"))
        link = tmp_path / "link"
        link.symlink_to(tmp_path)
        os.chown(link, 12345, 12345, follow_symlinks=False)
        with pytest.raises(EngineUnavailable, match="belongs to somebody else"):
            SocketListener(str(link / "engine.sock"))

    def test_accept_is_woken_by_close(self, tmp_path: Path) -> None:
        listener = SocketListener(str(tmp_path / "engine.sock"))
        thread, got = in_thread(listener.accept)
        listener.close()
        thread.join(SOON_S)
        assert got == [None]

    def test_multiprocessings_own_client_gets_in(self, tmp_path: Path) -> None:
        address = str(tmp_path / "engine.sock")
        listener = SocketListener(address)
        thread, got = in_thread(lambda: VendorClient(address, authkey=KEY))
        engine = listener.accept()
        assert engine is not None
        wires.authenticate_newcomer(engine, KEY)
        thread.join()
        got[0].send_bytes(b"hello")
        assert engine.recv_bytes() == b"hello"
        got[0].close()
        engine.close()
        self.end(listener)

    def test_nobody_there_is_an_os_error(self, tmp_path: Path) -> None:
        with pytest.raises(OSError):
            dial(str(tmp_path / "engine.sock"), soon())

    def test_a_full_waiting_room_is_waited_for_and_no_longer_than_asked(self, tmp_path: Path) -> None:
        address = str(tmp_path / "engine.sock")
        full = socket.socket(socket.AF_UNIX)
        full.bind(address)
        full.listen(0)
        first = dial(address, soon())
        started = time.monotonic()
        with pytest.raises(OSError):
            dial(address, started + 0.2)
        assert time.monotonic() - started > 0.15
        thread, got = in_thread(lambda: dial(address, soon()))
        taken = full.accept()[0]
        thread.join(SOON_S)
        assert isinstance(got[0], SocketWire)
        for each in (first, taken, got[0], full):
            each.close()

    @staticmethod
    def end(listener: SocketListener) -> None:
        listener.close()
        assert listener.accept() is None
