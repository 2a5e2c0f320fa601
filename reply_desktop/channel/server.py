"""The engine's end of the channel: lets fronts in, hands on their requests, pushes events to them.

No front can make the engine or another front wait. Each has a thread that reads and an outbox that sends;
its handshake has a deadline and happens on its own thread; its requests run on shared threads, so many at
a time and no more; what it does not read piles up to a bound, then it is dropped.
"""

import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from reply_desktop.channel import codec
from reply_desktop.channel.messages import Failure, Hello, Request, RowsChanged, Shutdown, Welcome
from reply_desktop.channel.outbox import Outbox
from reply_desktop.channel.wire import Listener, Wire, authenticate_newcomer, listen
from reply_desktop.domain.errors import EngineDiffers, EngineUnavailable, InvalidInput, ReplyDesktopError
from reply_desktop.domain.events import CheckProgress, SummaryChanged
from reply_desktop.domain.rows import AccountRow

_log = logging.getLogger(__name__)

HANDSHAKE_S: Final = 5.0
"""How long a newcomer may take to prove the key and say Hello, in seconds."""
MOST_NEWCOMERS: Final = 64
MOST_FRONTS: Final = 64
MOST_REQUESTS: Final = 16
"""How many requests of one front run at once; more are not read until one is done."""
MOST_THREADS: Final = 64
FLUSH_S: Final = 1.0
"""How long fronts may take to read what waits for them when the engine ends, in seconds."""
ROWS_A_FRAME: Final = 500
_HELLO_BYTES: Final = 65536

OWN_FAULT: Final = Failure("error", "The engine met a fault of its own.", "Its log says more.")


class Server:
    """Serves fronts at an address from `start` until `close`. Whoever makes it holds the engine's lock.

    `handle(request)` gives the answer, on any of many threads; a ReplyDesktopError it raises reaches the
    front as the same error, anything else as a fault without detail. `Hello` never reaches it.
    """

    def __init__(
        self,
        address: str,
        key: bytes,
        handle: Callable[[object], object],
        welcome: Welcome,
        *,
        handshake_s: float = HANDSHAKE_S,
        most_newcomers: int = MOST_NEWCOMERS,
        most_fronts: int = MOST_FRONTS,
    ) -> None:
        self._address = address
        self._key = key
        self._handle = handle
        self._welcome = welcome
        self._handshake_s = handshake_s
        self._most_newcomers = most_newcomers
        self._most_fronts = most_fronts
        self._lock = threading.Lock()
        self._newcomers: dict[_Front, None] = {}
        self._fronts: set[_Front] = set()
        self._listeners: tuple[_Front, ...] = ()
        self._hands = _Hands(MOST_THREADS)
        self._closing = threading.Event()
        self._listener: Listener | None = None
        self._acceptor = threading.Thread(target=self._accept, name="channel-accept", daemon=True)
        self._numbers = 0

    def start(self) -> None:
        """Begin to listen. Raises EngineUnavailable or OSError when the address cannot be had."""
        self._listener = listen(self._address)
        self._acceptor.start()

    def publish_row(self, row: AccountRow) -> None:
        """Push a row to the fronts that want events: gathered, the latest of an account wins."""
        for front in self._who_listens():
            front.outbox.gather(row.id, row)

    def publish(self, event: object) -> None:
        """Push an event of `messages.EVENTS`, after all rows and events published before. Never waits."""
        listeners = self._who_listens()
        if not listeners:
            return
        if isinstance(event, SummaryChanged):
            for front in listeners:
                front.outbox.gather(SummaryChanged, event)
        elif isinstance(event, CheckProgress):
            # Threads that count may overtake each other on the way here.
            for front in listeners:
                front.outbox.gather((CheckProgress, event.check_id), event, better=_is_further)
        else:
            frame = codec.encode("event", event)
            for front in listeners:
                front.outbox.event(frame)

    def close(self, timeout_s: float = 5.0) -> None:
        """Take the address away, let requests under way end within the time, send their replies, and end.

        Not to be called by `handle`. Afterwards no thread of the server is left, except one whose request
        did not end in time; that one is named in the log and keeps no process alive.
        """
        until = time.monotonic() + timeout_s
        if self._listener is None or self._closing.is_set():
            return
        with self._lock:
            self._closing.set()
            fronts = tuple(self._fronts)
            self._listeners = ()
        self._listener.close()
        self._acceptor.join()
        with self._lock:
            newcomers = tuple(self._newcomers)
        for front in newcomers:
            front.wire.abort()
        for front in fronts:
            front.wire.stop_receiving()
        self._hands.close(until)
        # They all send at once, so one second is a second for each.
        flushed = time.monotonic() + FLUSH_S
        for front in fronts:
            front.outbox.close(max(0.0, flushed - time.monotonic()))
            front.drained.set()
        for front in (*newcomers, *fronts):
            front.thread.join()

    def _who_listens(self) -> "tuple[_Front, ...]":
        """Under the lock: whoever has read its Welcome misses nothing, and none hears of an event before."""
        with self._lock:
            return self._listeners

    def _accept(self) -> None:
        assert self._listener is not None
        while True:
            try:
                wire = self._listener.accept()
            except OSError as error:
                # Out of file descriptors, or a newcomer who left again: neither is a reason to end.
                _log.info("A front could not be let in: %s", error)
                self._closing.wait(0.05)
                continue
            if wire is None:
                return
            self._admit(wire)

    def _admit(self, wire: Wire) -> None:
        with self._lock:
            self._numbers += 1
            front = _Front(wire, self._numbers, self._serve)
            oldest = None
            if len(self._newcomers) >= self._most_newcomers:
                oldest = next(iter(self._newcomers))
                del self._newcomers[oldest]
            self._newcomers[front] = None
        if oldest is not None:
            oldest.wire.abort()
        try:
            front.thread.start()
        except RuntimeError:
            self._leave(front)
            wire.close()

    def _serve(self, front: "_Front") -> None:
        """A front's thread, from its first byte to its last."""
        try:
            self._receive(front)
        except EOFError:
            pass
        except (OSError, ReplyDesktopError) as error:
            _log.info("Front %d is let go: %s", front.number, error or type(error).__name__)
        finally:
            if self._leave(front):
                front.drained.wait()
            else:
                front.outbox.close()
            front.wire.close()

    def _receive(self, front: "_Front") -> None:
        wire = front.wire
        wire.set_deadline(time.monotonic() + self._handshake_s)
        authenticate_newcomer(wire, self._key)
        if not self._greet(front):
            front.outbox.close(flush_s=1.0)
            return
        while True:
            try:
                frame = codec.decode(wire.recv_bytes())
            except codec.Unreadable as error:
                if error.id is None:
                    raise
                front.fail(error.id, error)
                continue
            if frame.kind != "request" or frame.id is None:
                raise InvalidInput(f"A front may not send a {frame.kind} without being asked.")
            if isinstance(frame.message, Hello):
                raise InvalidInput("A front may say Hello only once.")
            front.slots.acquire()
            if self._closing.is_set():
                return
            self._hands.do(_Job(front, frame.id, frame.message, self._answer))

    def _greet(self, front: "_Front") -> bool:
        """Whether the front said Hello as one of our own version; another may only ask to hand over."""
        hello = codec.decode(front.wire.recv_bytes(_HELLO_BYTES))
        if not isinstance(hello.message, Hello) or hello.id is None:
            raise InvalidInput("A front must say Hello first.")
        ours, theirs = self._welcome, hello.message
        if (theirs.version, theirs.protocol) != (ours.version, ours.protocol):
            self._turn_away(front, hello.id)
            return False
        front.wire.set_deadline(None)
        with self._lock:
            if front not in self._newcomers:
                return False
            if self._closing.is_set() or len(self._fronts) >= self._most_fronts:
                front.fail(hello.id, EngineUnavailable("The engine takes no more windows and commands."))
                return False
            del self._newcomers[front]
            self._fronts.add(front)
            front.outbox.reply(codec.encode("reply", ours, hello.id))
            if theirs.events:
                self._listeners = (*self._listeners, front)
        return True

    def _turn_away(self, front: "_Front", hello_id: int) -> None:
        """Tell a front of another version so; it may still ask to hand over, and nothing else."""
        differs = EngineDiffers(
            f"The running engine is version {self._welcome.version} (protocol {self._welcome.protocol}).",
            "Quit Reply Desktop everywhere and open it again.",
        )
        front.fail(hello_id, differs)
        frame = codec.decode(front.wire.recv_bytes(_HELLO_BYTES))
        if frame.id is None:
            return
        if not (isinstance(frame.message, Shutdown) and frame.message.hand_over):
            front.fail(frame.id, differs)
            return
        self._answer(front, frame.id, frame.message)
        # The connection's end tells it of ours.
        front.wire.set_deadline(None)
        front.wire.recv_bytes(_HELLO_BYTES)

    def _answer(self, front: "_Front", frame_id: int, request: object) -> None:
        try:
            answer = self._handle(request)
            assert isinstance(request, Request)
            if type(answer) is not request.Answer:
                raise TypeError(f"{type(answer).__name__} is no answer")
            front.outbox.reply(codec.encode("reply", answer, frame_id))
        except ReplyDesktopError as error:
            front.fail(frame_id, error)
        except Exception as error:
            # Without its text, which can quote the request, and so a password.
            where = "".join(traceback.format_tb(error.__traceback__))
            _log.error("%s failed: %s\n%s", type(request).__name__, type(error).__name__, where)
            front.outbox.reply(codec.encode("failure", OWN_FAULT, frame_id))

    def _leave(self, front: "_Front") -> bool:
        """Strike the front from the lists; whether `close` has yet to send what waits for it."""
        with self._lock:
            self._newcomers.pop(front, None)
            known = front in self._fronts
            self._fronts.discard(front)
            self._listeners = tuple(one for one in self._listeners if one is not front)
            return known and self._closing.is_set()


class _Front:
    """One connection: its wire, its outbox, and how many of its requests may still begin."""

    def __init__(self, wire: Wire, number: int, serve: "Callable[[_Front], None]") -> None:
        self.wire = wire
        self.number = number
        self.slots = threading.Semaphore(MOST_REQUESTS)
        self.drained = threading.Event()
        self.outbox = Outbox(wire, f"channel-send-{number}", write=_write_events, overflow=self._on_overflow)
        self.thread = threading.Thread(
            target=serve, args=(self,), name=f"channel-front-{number}", daemon=True
        )

    def fail(self, frame_id: int, error: ReplyDesktopError) -> None:
        """Answer a request with this error, whose text may quote a file's name that is no text."""
        what, todo = (text.encode(errors="replace").decode()[:10_000] for text in (error.what, error.todo))
        self.outbox.reply(codec.encode("failure", Failure(error.code, what, todo), frame_id))

    def _on_overflow(self) -> None:
        _log.warning("Front %d does not read what it is sent and is let go", self.number)


class _Job:
    """One request to be carried out."""

    def __init__(
        self, front: _Front, frame_id: int, request: object, answer: Callable[[_Front, int, object], None]
    ) -> None:
        self._front = front
        self._id = frame_id
        self._request = request
        self._answer = answer

    def __call__(self) -> None:
        try:
            self._answer(self._front, self._id, self._request)
        finally:
            self._front.slots.release()

    def __str__(self) -> str:
        return type(self._request).__name__


class _Hands:
    """Threads that carry out requests; made when needed, kept, and never in the way of the process's end."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []
        self._busy: dict[int, _Job] = {}
        self._closed = False
        self._lock = threading.Lock()

    def do(self, job: _Job) -> None:
        """Carry out the job soon; after `close`, not any more."""
        with self._lock:
            if self._closed:
                return
            self._jobs.put(job)
            if self._idle.acquire(blocking=False) or len(self._threads) >= self._most:
                return
            name = f"channel-request-{len(self._threads) + 1}"
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self, until: float) -> None:
        """End when all is done, or at that time (`time.monotonic`)."""
        with self._lock:
            self._closed = True
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        for job in tuple(self._busy.values()):
            _log.warning("%s did not end in time", job)

    def _run(self) -> None:
        me = threading.get_ident()
        while (job := self._jobs.get()) is not None:
            self._busy[me] = job
            try:
                job()
            finally:
                del self._busy[me]
                self._idle.release()


def _is_further(new: object, waiting: object) -> bool:
    assert isinstance(new, CheckProgress)
    assert isinstance(waiting, CheckProgress)
    return new.done >= waiting.done


def _write_events(items: Iterable[object]) -> Iterator[bytes]:
    """Gathered items as frames: rows first, so many to a frame, then the others."""
    items = list(items)
    rows = [item for item in items if isinstance(item, AccountRow)]
    for start in range(0, len(rows), ROWS_A_FRAME):
        yield codec.encode("event", RowsChanged(tuple(rows[start : start + ROWS_A_FRAME])))
    for item in items:
        if not isinstance(item, AccountRow):
            yield codec.encode("event", item)
