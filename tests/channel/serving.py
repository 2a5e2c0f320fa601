"""A server in this process with answers a test gives, and ways to knock at it."""

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reply_desktop import __version__
from reply_desktop.channel import codec
from reply_desktop.channel import messages as m
from reply_desktop.channel.server import Server
from reply_desktop.channel.wire import SocketWire, authenticate_self
from reply_desktop.config import PROTOCOL_VERSION, Config
from reply_desktop.files import write_private

SOON_S = 10.0


def welcome(config: Config, version: str = __version__) -> m.Welcome:
    return m.Welcome(version, PROTOCOL_VERSION, 1, datetime.now(UTC), str(config.data_dir), False)


@dataclass
class Served:
    config: Config
    key: bytes
    server: Server

    def knock(self) -> socket.socket:
        """A bare connection that says nothing."""
        connected = socket.socket(socket.AF_UNIX)
        try:
            connected.connect(self.config.channel_address)
            connected.settimeout(SOON_S)
        except BaseException:
            connected.close()
            raise
        return connected

    def wire(self, key: bytes | None = None) -> SocketWire:
        """A connection that has proven the key."""
        wire = SocketWire(self.knock())
        wire.set_deadline(time.monotonic() + SOON_S)
        try:
            authenticate_self(wire, key or self.key)
        except BaseException:
            wire.close()
            raise
        return wire

    def front(self, *, events: bool = False, version: str = __version__) -> SocketWire:
        """A front by hand, past its Hello."""
        wire = self.wire()
        try:
            assert isinstance(exchange(wire, m.Hello(version, PROTOCOL_VERSION, events)), m.Welcome)
        except BaseException:
            wire.close()
            raise
        return wire


@contextmanager
def serving(
    folder: Path, handle: Callable[[Any], object] = lambda request: m.Done(), **options: Any
) -> Iterator[Served]:
    """A server with these answers, closed at the end, its address taken away."""
    config, key = Config(folder), secrets.token_bytes(32)
    write_private(config.key_file, key.hex())
    server = Server(
        config.channel_address, key, handle, welcome(config, options.pop("version", __version__)), **options
    )
    server.start()
    try:
        yield Served(config, key, server)
    finally:
        server.close()
        assert not Path(config.channel_address).exists()


def send(wire: SocketWire, request: object, number: int = 1) -> None:
    wire.send_bytes(codec.encode("request", request, number))


def exchange(wire: SocketWire, request: object, number: int = 1) -> Any:
    """The answer or Failure to a request."""
    send(wire, request, number)
    return receive(wire)


def receive(wire: SocketWire) -> Any:
    wire.set_deadline(time.monotonic() + SOON_S)
    return codec.decode(wire.recv_bytes()).message


def is_let_go(wire: "SocketWire | socket.socket", within_s: float = SOON_S) -> bool:
    """Whether the server ends this connection within the time, whatever it still sends before."""
    try:
        if isinstance(wire, SocketWire):
            wire.set_deadline(time.monotonic() + within_s)
            while True:
                wire.recv_bytes()
        wire.settimeout(within_s)
        while wire.recv(65536):
            continue
    except TimeoutError:
        return False
    except (OSError, EOFError):
        pass
    return True


class Gate:
    """A place a handler waits at until the test lets it go on."""

    def __init__(self) -> None:
        self.reached = threading.Semaphore(0)
        self._open = threading.Event()

    def __call__(self) -> None:
        self.reached.release()
        assert self._open.wait(SOON_S)

    def open(self) -> None:
        self._open.set()
