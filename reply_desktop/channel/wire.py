"""Bytes between two processes of one user: whole frames over a Unix socket or a Windows pipe.

The frames and the handshake are those of `multiprocessing.connection`; its sending, receiving and handshake
have no time-outs, and one client that stalls in the handshake stops its `Listener` for all others. Hence
sockets of our own with a deadline, and the handshake's functions run on them, one thread per newcomer.
"""

import os
import selectors
import socket
import stat
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

from reply_desktop.domain.errors import EngineUnavailable

MAX_FRAME: Final = 16 * 1024 * 1024
"""Longest frame either side sends or reads, in bytes."""
_HEADER: Final = struct.Struct("!i")
_CHUNK: Final = 65536


class Wire(Protocol):
    """One end of a connection. One thread receives, one at a time sends, any may abort.

    Receiving raises EOFError when the other end is gone, and OSError (TimeoutError past the deadline, or
    for a frame longer than allowed) when the wire is of no further use. Sending raises OSError.
    """

    def set_deadline(self, at: float | None) -> None:
        """Sending and receiving end by this `time.monotonic()`; None: they wait for ever."""

    def send_bytes(self, data: bytes) -> None:
        """Send a whole frame, waiting as long as the other end does not read."""

    def try_send(self, data: bytes) -> memoryview:
        """Send what goes without waiting; gives the rest, which `send_rest` must send before all else."""

    def send_rest(self, rest: memoryview) -> None:
        """Send the rest of a frame."""

    def recv_bytes(self, maxlength: int = MAX_FRAME) -> bytes | bytearray:
        """The next frame, of at most so many bytes."""

    def stop_receiving(self) -> None:
        """Let whoever receives see the end, while sending goes on where the system can do that."""

    def abort(self) -> None:
        """Let whoever sends or receives fail at once."""

    def close(self) -> None:
        """Give the connection back to the system; only when no thread uses it any more."""


class Listener(Protocol):
    """Waits for newcomers."""

    def accept(self) -> Wire | None:
        """The next newcomer; None once closed. Raises OSError when there is none just now."""

    def close(self) -> None:
        """Stop waiting and take the address away; safe from any thread."""


def authenticate_newcomer(wire: Wire, key: bytes) -> None:
    """Have the other end prove that it knows the key, and prove it too. Raises OSError or EOFError."""
    from multiprocessing.connection import answer_challenge, deliver_challenge

    _handshake(wire, key, deliver_challenge, answer_challenge)


def authenticate_self(wire: Wire, key: bytes) -> None:
    """The other side of `authenticate_newcomer`."""
    from multiprocessing.connection import answer_challenge, deliver_challenge

    _handshake(wire, key, answer_challenge, deliver_challenge)


def _handshake(wire: Wire, key: bytes, *steps: Any) -> None:
    from multiprocessing import AuthenticationError

    try:
        for step in steps:
            step(wire, key)
    except (AuthenticationError, AssertionError, ValueError):
        # AssertionError is how Python 3.11 says that the first bytes are not a challenge.
        raise PermissionError("the other end does not know the key") from None


class SocketWire:
    """A `Wire` over a stream socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._deadline: float | None = None
        self._buffer = bytearray()
        connected.settimeout(None)

    def set_deadline(self, at: float | None) -> None:
        self._deadline = at
        if at is None:
            self._socket.settimeout(None)

    def send_bytes(self, data: bytes) -> None:
        self.send_rest(self._sent((_HEADER.pack(len(data)), data), 0))

    def try_send(self, data: bytes) -> memoryview:
        try:
            return self._sent((_HEADER.pack(len(data)), data), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return memoryview(_HEADER.pack(len(data)) + data)

    def send_rest(self, rest: memoryview) -> None:
        while rest:
            self._limit()
            rest = rest[self._socket.send(rest) :]

    def recv_bytes(self, maxlength: int = MAX_FRAME) -> bytes | bytearray:
        self._fill(_HEADER.size)
        (length,) = _HEADER.unpack_from(self._buffer)
        if not 0 <= length <= maxlength:
            raise OSError(f"a frame of {length} bytes is not taken")
        del self._buffer[: _HEADER.size]
        if length > _CHUNK:
            return self._receive_long(length)
        self._fill(length)
        frame = bytes(memoryview(self._buffer)[:length])
        del self._buffer[:length]
        return frame

    def stop_receiving(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def abort(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()

    def _sent(self, parts: tuple[bytes, bytes], flags: int) -> memoryview:
        self._limit()
        count = self._socket.sendmsg(parts, (), flags)
        whole = sum(map(len, parts))
        return memoryview(b"") if count == whole else memoryview(b"".join(parts))[count:]

    def _receive_long(self, length: int) -> bytearray:
        frame = bytearray(length)
        have = min(length, len(self._buffer))
        frame[:have] = self._buffer[:have]
        del self._buffer[:have]
        view = memoryview(frame)
        while have < length:
            self._limit()
            count = self._socket.recv_into(view[have:])
            if not count:
                raise EOFError
            have += count
        return frame

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            self._limit()
            chunk = self._socket.recv(_CHUNK)
            if not chunk:
                raise EOFError
            self._buffer += chunk

    def _limit(self) -> None:
        """One deadline for all steps together: a byte now and then does not push it away."""
        if self._deadline is not None:
            self._socket.settimeout(_left(self._deadline))


class PipeWire:
    """A `Wire` over a connection of `multiprocessing` (a Windows pipe, whose messages come whole)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._deadline: float | None = None

    def set_deadline(self, at: float | None) -> None:
        self._deadline = at

    def send_bytes(self, data: bytes) -> None:
        with _as_os_error():
            self._connection.send_bytes(data)

    def try_send(self, data: bytes) -> memoryview:
        return memoryview(data)

    def send_rest(self, rest: memoryview) -> None:
        self.send_bytes(bytes(rest))

    def recv_bytes(self, maxlength: int = MAX_FRAME) -> bytes | bytearray:
        with _as_os_error():
            if self._deadline is not None and not self._connection.poll(_left(self._deadline)):
                raise TimeoutError
            data: bytes = self._connection.recv_bytes(maxlength)
            return data

    def stop_receiving(self) -> None:
        """A pipe has no half: the receiver ends when the wire is aborted."""

    def abort(self) -> None:
        with suppress(OSError, ValueError):
            self._connection.close()

    def close(self) -> None:
        self.abort()


class _as_os_error:  # noqa: N801 - reads as a word of the with statement
    """A connection closed by another thread shows as any of these, by version and moment."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (ValueError, RuntimeError, AssertionError, TypeError)):
            raise ConnectionAbortedError("the pipe was closed") from error


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class SocketListener:
    """Listens on a Unix socket, 0600 in a 0700 folder of this user. The caller holds the engine's lock."""

    def __init__(self, address: str) -> None:
        self._path = Path(address)
        _make_private(self._path.parent)
        # What a killed engine left behind; nobody listens there, since we hold the lock.
        if self._path.is_socket():
            self._path.unlink()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(address)
            self._path.chmod(0o600)
            self._inode = self._path.stat().st_ino
            self._socket.listen(128)
        except BaseException:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self._waker, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for each in (self._socket, self._woken):
            self._selector.register(each, selectors.EVENT_READ)

    def accept(self) -> Wire | None:
        """As `Listener`; with None the sockets are given back."""
        if any(key.fileobj is self._woken for key, _ in self._selector.select()):
            self._selector.close()
            for each in (self._socket, self._waker, self._woken):
                each.close()
            return None
        return SocketWire(self._socket.accept()[0])

    def close(self) -> None:
        with suppress(OSError):
            self._waker.send(b"x")
        with suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()


class PipeListener:
    """Listens on a Windows pipe."""

    def __init__(self, address: str) -> None:
        from multiprocessing import connection

        self._address = address
        self._listener = connection.Listener(address)
        self._closed = False

    def accept(self) -> Wire | None:
        """As `Listener`; with None the pipe is given back."""
        connected = self._listener.accept()
        if self._closed:
            connected.close()
            self._listener.close()
            return None
        return PipeWire(connected)

    def close(self) -> None:
        """Accepting waits without end, so it is given somebody to accept."""
        self._closed = True
        with suppress(OSError):
            dial(self._address, time.monotonic() + 1).close()


def listen(address: str) -> Listener:
    """Begin to listen. Raises OSError, and EngineUnavailable when the folder is somebody else's."""
    return PipeListener(address) if sys.platform == "win32" else SocketListener(address)


def dial(address: str, deadline: float) -> Wire:
    """Connect to whoever listens there. Raises OSError when nobody does, or too many wait there already."""
    if sys.platform == "win32":
        from multiprocessing import connection

        return PipeWire(connection.Client(address))
    connecting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # With a time-out of Python's a full backlog fails at once; the system's own waits for its turn.
        left = _left(deadline)
        limit = struct.pack("ll", int(left), int(left % 1 * 1e6))
        connecting.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        connecting.connect(address)
        connecting.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 0))
    except BaseException:
        connecting.close()
        raise
    return SocketWire(connecting)


def _make_private(folder: Path) -> None:
    """A folder in a shared place, made before us by somebody else, would let him read along."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for found in (folder.lstat(), folder.stat()):
        if found.st_uid != os.getuid():
            raise EngineUnavailable(
                f"The folder {folder} belongs to somebody else.", "Have it removed, then start again."
            )
    if folder.stat().st_mode & 0o077:
        folder.chmod(stat.S_IRWXU)
