"""A front's end of the channel: asks the engine and hears its events. Knows no Qt."""

import itertools
import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from reply_desktop import __version__
from reply_desktop.channel import codec
from reply_desktop.channel.messages import Failure, Hello, Request, Shutdown, Welcome
from reply_desktop.channel.outbox import Outbox
from reply_desktop.channel.wire import Wire, authenticate_self, dial
from reply_desktop.config import PROTOCOL_VERSION, Config
from reply_desktop.domain.errors import ERRORS, EngineDiffers, EngineUnavailable, ReplyDesktopError

_log = logging.getLogger(__name__)

A = TypeVar("A")

CONNECT_S: Final = 5.0
ANSWER_S: Final = 60.0
KEY_BYTES: Final = 32


class NotRunning(EngineUnavailable):
    """Nobody is there to be asked."""


class Client:
    """A connection to the running engine, usable from many threads; it has one thread of its own.

    That thread calls `on_event(event)` for each event of `messages.EVENTS` (when `events` are wanted, from
    before the constructor returns), the callbacks of `ask_async`, and `on_lost()` once when the engine is
    gone, after all open requests have failed; not after `close`. Callbacks must be quick and must not `ask`.

    Raises EngineUnavailable when no engine answers in time, EngineDiffers when it is of another version.
    """

    def __init__(
        self,
        config: Config,
        *,
        events: bool = False,
        on_event: Callable[[Any], None] | None = None,
        on_lost: Callable[[], None] | None = None,
        timeout_s: float = CONNECT_S,
    ) -> None:
        self._wire = _connect(config, time.monotonic() + timeout_s)
        try:
            self._welcome = _exchange(self._wire, 0, Hello(__version__, PROTOCOL_VERSION, events))
        except BaseException:
            self._wire.close()
            raise
        self._wire.set_deadline(None)
        self._on_event = on_event
        self._on_lost = on_lost
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._open: dict[int, _Asked] = {}
        self._gone = threading.Event()
        self._closed = False
        self._outbox = Outbox(self._wire, "channel-send", most_frames=sys.maxsize)
        self._thread = threading.Thread(target=self._run, name="channel-receive", daemon=True)
        self._thread.start()

    @property
    def welcome(self) -> Welcome:
        """What the engine said of itself."""
        return self._welcome

    def ask(self, request: Request[A], timeout_s: float = ANSWER_S) -> A:
        """The engine's answer. Raises the error it failed with; EngineUnavailable when it is gone or late."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a callback of the channel must not wait for an answer")
        # A bare lock wakes its waiter in a third of the time an Event takes.
        unanswered = threading.Lock()
        unanswered.acquire()
        got: list[Any] = []

        def take(value: Any) -> None:
            got.append(value)
            unanswered.release()

        number = self._send(request, take, take)
        if not unanswered.acquire(timeout=timeout_s):
            with self._lock:
                self._open.pop(number, None)
            raise EngineUnavailable(
                f"The engine did not answer within {timeout_s:g} s.",
                "Try again; if it lasts, restart the app.",
            )
        if isinstance(got[0], ReplyDesktopError):
            raise got[0]
        return cast(A, got[0])

    def ask_async(
        self,
        request: Request[A],
        done: Callable[[A], None],
        failed: Callable[[ReplyDesktopError], None],
    ) -> None:
        """Ask without waiting; exactly one of the two is called, however it ends. Never raises.

        On the client's thread; at once on the caller's when the request cannot even be sent.
        """
        self._send(request, done, failed)

    def wait_gone(self, timeout_s: float) -> bool:
        """Whether the engine was gone, or the client closed, within that time."""
        return self._gone.wait(timeout_s)

    def close(self) -> None:
        """End the connection; what is still open fails with EngineUnavailable."""
        self._closed = True
        self._outbox.close(flush_s=0.5)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _send(self, request: Request[Any], done: Callable[[Any], None], failed: Callable[[Any], None]) -> int:
        number = next(self._ids)
        try:
            frame = codec.encode("request", request, number)
        except ReplyDesktopError as error:
            _call(failed, error)
            return number
        with self._lock:
            there = not self._gone.is_set()
            if there:
                self._open[number] = _Asked(request.Answer, done, failed)
        if there:
            self._outbox.reply(frame)
        else:
            _call(failed, _is_gone())
        return number

    def _run(self) -> None:
        try:
            while True:
                self._take(self._wire.recv_bytes())
        except (OSError, EOFError):
            pass
        except ReplyDesktopError as error:
            _log.error("The engine cannot be understood: %s", error)
        finally:
            with self._lock:
                self._gone.set()
                left, self._open = list(self._open.values()), {}
            for asked in left:
                _call(asked.failed, _is_gone())
            self._outbox.close()
            self._wire.close()
            if not self._closed and self._on_lost is not None:
                on_lost = self._on_lost
                _call(lambda _: on_lost(), None)

    def _take(self, data: bytes | bytearray) -> None:
        try:
            frame = codec.decode(data)
        except codec.Unreadable as error:
            if error.id is not None:
                self._settle(error.id, error)
            elif error.code != codec.UNKNOWN_REQUEST:
                raise
            return
        if frame.kind == "event":
            if self._on_event is not None:
                _call(self._on_event, frame.message)
        elif frame.id is not None:
            self._settle(frame.id, _error_of(frame.message) if frame.kind == "failure" else frame.message)

    def _settle(self, number: int, value: Any) -> None:
        with self._lock:
            asked = self._open.pop(number, None)
        if asked is None:
            return
        if isinstance(value, ReplyDesktopError):
            _call(asked.failed, value)
        elif type(value) is asked.answer:
            _call(asked.done, value)
        else:
            _call(asked.failed, EngineUnavailable("The engine answered something else than was asked."))


def hand_over(config: Config, timeout_s: float = CONNECT_S, *, own_too: bool = False) -> None:
    """Ask the running engine to end, if it is of another version (`own_too`: of any).

    Returns when it has let the connection go, or at once when it is one of ours: then another front was
    faster. Raises EngineUnavailable when it does not end, or cannot be asked.
    """
    wire = _connect(config, time.monotonic() + timeout_s)
    try:
        try:
            _exchange(wire, 0, Hello(__version__, PROTOCOL_VERSION))
            if not own_too:
                return
        except EngineDiffers:
            pass
        wire.send_bytes(codec.encode("request", Shutdown(hand_over=True), 1))
        while True:
            frame = codec.decode(wire.recv_bytes())
            if isinstance(frame.message, Failure):
                raise _error_of(frame.message)
    except TimeoutError:
        raise EngineUnavailable(
            "The running engine does not end.", "Quit Reply Desktop everywhere and open it again."
        ) from None
    except codec.Unreadable as error:
        raise _not_understood(error) from None
    except (OSError, EOFError):
        return
    finally:
        wire.close()


def read_key(path: Path) -> bytes:
    """The running engine's key. Raises EngineUnavailable when there is none."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        raise _not_running() from None
    except (OSError, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise EngineUnavailable("The engine's key cannot be read.", "Check who owns the data folder.")
    return key


@dataclass(frozen=True, slots=True)
class _Asked:
    answer: type
    done: Callable[[Any], None]
    failed: Callable[[Any], None]


def _connect(config: Config, deadline: float) -> Wire:
    key = read_key(config.key_file)
    try:
        wire = dial(config.channel_address, deadline)
    except TimeoutError:
        raise _silent() from None
    except OSError:
        raise _not_running() from None
    wire.set_deadline(deadline)
    try:
        authenticate_self(wire, key)
    except TimeoutError:
        wire.close()
        raise _silent() from None
    except PermissionError:
        wire.close()
        raise EngineUnavailable(
            "The engine's key is not ours.", "Quit Reply Desktop and open it again."
        ) from None
    except (OSError, EOFError):
        wire.close()
        raise _not_running() from None
    return wire


def _exchange(wire: Wire, number: int, request: Request[A]) -> A:
    """One request and its answer, before the client has its thread."""
    try:
        wire.send_bytes(codec.encode("request", request, number))
        while True:
            frame = codec.decode(wire.recv_bytes())
            if frame.id == number:
                break
    except TimeoutError:
        raise _silent() from None
    except (OSError, EOFError):
        raise _not_running() from None
    except codec.Unreadable as error:
        raise _not_understood(error) from None
    if isinstance(frame.message, Failure):
        raise _error_of(frame.message)
    if type(frame.message) is not request.Answer:
        raise EngineUnavailable("The engine answered something else than was asked.")
    return cast(A, frame.message)


def _error_of(failure: Failure) -> ReplyDesktopError:
    error = ERRORS.get(failure.code, ReplyDesktopError)(failure.what, failure.todo)
    error.code = failure.code
    return error


def _call(callback: Callable[[Any], None], value: Any) -> None:
    """A callback's fault is its own: the channel goes on."""
    try:
        callback(value)
    except Exception:
        _log.exception("A callback of the channel failed")


def _is_gone() -> EngineUnavailable:
    return EngineUnavailable("The background service is not running.", "It is being restarted.")


def _not_running() -> NotRunning:
    return NotRunning("The background service is not running.", "Open Reply Desktop to start it.")


def _not_understood(error: codec.Unreadable) -> EngineUnavailable:
    return EngineUnavailable(
        f"The background service cannot be understood. {error.what}",
        "Quit Reply Desktop everywhere and open it again.",
    )


def _silent() -> EngineUnavailable:
    return EngineUnavailable(
        "The background service does not answer.", "Quit Reply Desktop and open it again."
    )
