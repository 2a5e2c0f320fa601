"""How a connection is reached: every address gets its share of the time, and the most telling failure counts."""

import errno
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from reply_desktop.adapters.connection import ConnectFailed, PlainConnection, make_connection
from reply_desktop.domain.answers import Fault
from tests.harness.web import free_port


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def full() -> Iterator[int]:
    """A port whose queue is full: whoever connects gets no answer at all."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(address)
        yield address[1]
        for sock in waiting:
            sock.close()


def look_up(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    found: list[tuple[Any, ...]] = [
        (socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))
        for host, port in addresses
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def plain(timeout_s: float = 1.0, *, ended: bool = False) -> PlainConnection:
    made = make_connection("mail.example.test", 1, context=None, timeout_s=timeout_s, ended=lambda: ended)
    assert isinstance(made, PlainConnection)
    return made


def failure(connection: PlainConnection) -> Fault:
    with pytest.raises(ConnectFailed) as caught:
        connection.connect()
    connection.close()
    return caught.value.fault


def test_the_next_address_is_tried_when_one_refuses(monkeypatch: pytest.MonkeyPatch, listening: int) -> None:
    look_up(monkeypatch, ("127.0.0.1", free_port()), ("127.0.0.1", listening))
    connection = plain()
    connection.connect()
    assert connection.is_connected
    connection.close()
    assert connection.is_closed


def test_a_silent_address_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch, full: int, listening: int
) -> None:
    look_up(monkeypatch, ("127.0.0.1", full), ("127.0.0.1", listening))
    connection = plain(1.0)
    started = time.monotonic()
    connection.connect()
    connection.close()
    assert time.monotonic() - started > 0.3, "the first had its share"


def test_silence_ends_in_time(monkeypatch: pytest.MonkeyPatch, full: int) -> None:
    look_up(monkeypatch, ("127.0.0.1", full))
    assert failure(plain(0.3)) is Fault.TIMEOUT


def test_a_silent_connection_is_given_up_when_the_app_ends(
    monkeypatch: pytest.MonkeyPatch, full: int
) -> None:
    look_up(monkeypatch, ("127.0.0.1", full))
    assert failure(plain(20, ended=True)) is Fault.CLOSED


def test_the_most_telling_failure_counts(monkeypatch: pytest.MonkeyPatch, full: int) -> None:
    look_up(monkeypatch, ("127.0.0.1", free_port()), ("127.0.0.1", full))
    assert failure(plain(0.3)) is Fault.REFUSED


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (errno.ENETUNREACH, Fault.ROUTE),
        (errno.EHOSTUNREACH, Fault.ROUTE),
        (errno.ENETDOWN, Fault.ROUTE),
        (errno.EADDRNOTAVAIL, Fault.ROUTE),
        (errno.ECONNREFUSED, Fault.REFUSED),
        (errno.ETIMEDOUT, Fault.TIMEOUT),
        (errno.ECONNRESET, Fault.RESET),
        (errno.EACCES, Fault.RESET),
    ],
)
def test_system_errors_have_names(monkeypatch: pytest.MonkeyPatch, code: int, fault: Fault) -> None:
    look_up(monkeypatch, ("127.0.0.1", 1))
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_: code)
    assert failure(plain()) is fault


def test_a_name_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up(monkeypatch)
    assert failure(plain()) is Fault.DNS


def test_a_family_this_computer_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(9999, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert failure(plain()) is Fault.ROUTE


def test_a_connection_can_be_ended_from_outside_at_any_time(listening: int) -> None:
    connection = make_connection("127.0.0.1", listening, context=None, timeout_s=5, ended=lambda: False)
    connection.end()
    connection.connect()
    assert connection.handle is None, "one file handle each is enough"
    connection.end()
    assert connection.sock is not None and connection.sock.recv(1) == b""
    connection.end()
    connection.close()
    connection.end()


def test_a_handshake_can_be_ended_from_outside(listening: int) -> None:
    connection = make_connection(
        "127.0.0.1", listening, context=ssl.create_default_context(), timeout_s=20, ended=lambda: False
    )
    failed: list[Fault] = []

    def connect() -> None:
        try:
            connection.connect()
        except ConnectFailed as failure:
            failed.append(failure.fault)

    thread = threading.Thread(target=connect)
    thread.start()
    until = time.monotonic() + 10
    while thread.is_alive() and time.monotonic() < until:
        connection.end()
        thread.join(0.01)
    assert failed == [Fault.RESET] and connection.handle is None
    connection.close()
