"""What the computer does that matters to the engine: it woke up, its clock was changed, it is online again.

Advice only: it makes checks due sooner. What can be reached is found out by asking.
"""

import contextlib
import errno
import logging
import selectors
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jeepney.io.blocking import DBusConnection

_log = logging.getLogger(__name__)

TICK_S: Final = 37.0
"""Between two looks at clocks and routes, in seconds: what no signal tells is noticed that late."""
SETTLE_S: Final = 3.0
"""How long the network must have been left alone to count as up: addresses and routes come one by one."""
PATIENCE_S: Final = 15.0
"""After this a network that never comes to rest is looked at all the same."""
JUMP_S: Final = 5.0
"""Clocks that drift apart by more than this within a tick: the computer slept, or its clock was changed."""
LATE_S: Final = 20.0
"""A tick that comes later than this: the computer slept, where all its clocks go on meanwhile (Windows)."""
SAME_RESUME_S: Final = 10.0
"""Signs of waking up within this time are about the same waking up."""
BUS_EVERY_S: Final = 600.0
"""Between tries to reach the system bus while it cannot be reached."""

_RTM_NEWROUTE: Final = 24
_RTM_DELROUTE: Final = 25
_GROUPS: Final = 0x10 | 0x40 | 0x100 | 0x400
"""Addresses and routes, IPv4 and IPv6 (rtnetlink(7))."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """All the computer's clocks at one moment, in seconds. `boot` goes on in sleep, `monotonic` may not."""

    wall: float
    monotonic: float
    boot: float | None


Sources = tuple[str | None, str | None]
"""The local IPv4 and IPv6 addresses from which the internet would be spoken to; None without a route."""


def read_clocks() -> Clocks:
    """The clocks now."""
    boot = time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else None
    return Clocks(time.time(), time.monotonic(), boot)


def read_sources() -> Sources:
    """From which addresses the internet would be spoken to now. Sends nothing: only the routes are asked.

    The goals are addresses reserved for documentation (RFC 5737, RFC 3849), which only a default route fits.
    """
    return _source(socket.AF_INET, "192.0.2.1"), _source(socket.AF_INET6, "2001:db8::1")


def _source(family: socket.AddressFamily, goal: str) -> str | None:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((goal, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None


class Watch:
    """Decides from clocks, routes and hints what happened. No waiting and no input or output of its own."""

    def __init__(
        self, clocks: Clocks, sources: Sources, *, tick_s: float = TICK_S, settle_s: float = SETTLE_S
    ) -> None:
        self._clocks = clocks
        self._sources = sources
        self._tick_s = tick_s
        self._settle_s = settle_s
        self._tick_at = clocks.monotonic + tick_s
        self._resumed_at: float | None = None
        self._touched_at: float | None = None
        self._restless_since: float | None = None
        self._rerouted = False

    def wait_s(self, now: float) -> float:
        """How long nothing needs doing, in seconds from the monotonic time `now`."""
        return max(min(self._tick_at, self._settled_at()) - now, 0.0)

    def woke(self, clocks: Clocks, *, told: bool = False) -> bool:
        """Whether the computer woke from sleep, or its clock was changed, since the last call.

        `told`: the system said so. The same waking up is reported once.
        """
        before, self._clocks = self._clocks, clocks
        passed = clocks.monotonic - before.monotonic
        wall = clocks.wall - before.wall
        boot = passed
        if clocks.boot is not None and before.boot is not None:
            boot = clocks.boot - before.boot
        late = clocks.monotonic - self._tick_at > LATE_S
        if not (told or late or abs(wall - boot) > JUMP_S or boot - passed > JUMP_S):
            return False
        last, self._resumed_at = self._resumed_at, clocks.monotonic
        return last is None or clocks.monotonic - last > SAME_RESUME_S

    def is_tick_due(self, now: float) -> bool:
        """Whether it is time for a look at the routes; sets the next time."""
        if now < self._tick_at:
            return False
        self._tick_at = now + self._tick_s
        return True

    def look(self, sources: Sources, now: float) -> None:
        """The routes as they were found at a tick."""
        if sources != self._sources:
            self.touch(now)

    def touch(self, now: float, *, rerouted: bool = False) -> None:
        """Something about addresses or routes changed. `rerouted`: the default route went away."""
        if self._restless_since is None:
            self._restless_since = now
        self._touched_at = now
        self._rerouted = self._rerouted or rerouted

    def is_settled(self, now: float) -> bool:
        """Whether there were changes, and the network has come to rest after them."""
        return now >= self._settled_at()

    def came_up(self, sources: Sources) -> bool:
        """Whether the network, now that it is at rest, is up in another way than before."""
        changed = self._rerouted or sources != self._sources
        self._sources = sources
        self._touched_at = self._restless_since = None
        self._rerouted = False
        return changed and any(sources)

    def _settled_at(self) -> float:
        if self._touched_at is None or self._restless_since is None:
            return float("inf")
        return min(self._touched_at + self._settle_s, self._restless_since + PATIENCE_S)


class SleepBus:
    """logind's word on sleep, over the system bus (org.freedesktop.login1(5)); Linux only.

    Raises OSError, RuntimeError or ValueError when the bus cannot be reached.
    """

    def __init__(self, address: str = "SYSTEM") -> None:
        from jeepney import MatchRule, MessageType, message_bus
        from jeepney.io.blocking import open_dbus_connection

        self._signal = MessageType.signal
        rule = MatchRule(
            type="signal",
            sender="org.freedesktop.login1",
            interface="org.freedesktop.login1.Manager",
            member="PrepareForSleep",
            path="/org/freedesktop/login1",
        )
        self._bus: DBusConnection = open_dbus_connection(address)
        try:
            reply = self._bus.send_and_get_reply(message_bus.AddMatch(rule), timeout=2.0)
            if reply.header.message_type is MessageType.error:
                raise RuntimeError("the bus refuses to tell of sleep")
        except BaseException:
            self._bus.close()
            raise

    @property
    def line(self) -> socket.socket:
        """What becomes readable when there is something to hear."""
        line: socket.socket = self._bus.sock
        return line

    def heard_resume(self) -> bool:
        """Whether, in all that came in, the end of a sleep was told. Raises OSError once the bus is gone."""
        from jeepney import HeaderFields

        resumed = False
        while True:
            try:
                message = self._bus.receive(timeout=0)
            except TimeoutError:
                return resumed
            named = message.header.fields.get(HeaderFields.member) == "PrepareForSleep"
            if message.header.message_type is self._signal and named and message.body == (False,):
                resumed = True

    def close(self) -> None:
        """Hang up."""
        self._bus.close()


def open_route_news() -> socket.socket | None:
    """A socket that becomes readable when addresses or routes change; None where there is no such thing."""
    if sys.platform != "linux":
        return None
    try:
        news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    except OSError:
        return None
    try:
        news.bind((0, _GROUPS))
        news.setblocking(False)
    except OSError:
        news.close()
        return None
    return news


def lost_default_route(news: bytes) -> bool:
    """Whether rtnetlink messages tell that a default route went away (struct rtmsg, rtnetlink(7))."""
    while len(news) >= 16:
        length, kind = struct.unpack_from("=IH", news)
        if length < 16:
            return False
        if kind == _RTM_DELROUTE and len(news) >= 18 and news[17] == 0:
            return True
        news = news[(length + 3) & ~3 :]
    return False


def _open_sleep_bus() -> SleepBus | None:
    if sys.platform != "linux":
        return None
    try:
        return SleepBus()
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        _log.debug("The system bus does not tell of sleep: %s", type(error).__name__)
        return None


class DesktopSignals:
    """Tells of waking up and of the network coming up, from one thread that sleeps nearly always.

    `on_resume` follows sleep and changes of the clock, `on_network` a network that came up, or came up in
    another way, once it is at rest. Both are called in the signals' own thread and should be quick.
    """

    def __init__(
        self,
        *,
        on_resume: Callable[[], None],
        on_network: Callable[[], None],
        tick_s: float = TICK_S,
        settle_s: float = SETTLE_S,
        clocks: Callable[[], Clocks] = read_clocks,
        sources: Callable[[], Sources] = read_sources,
        open_news: Callable[[], socket.socket | None] = open_route_news,
        open_bus: Callable[[], SleepBus | None] = _open_sleep_bus,
    ) -> None:
        self._on_resume = on_resume
        self._on_network = on_network
        self._tick_s = tick_s
        self._settle_s = settle_s
        self._clocks = clocks
        self._sources = sources
        self._open_news = open_news
        self._open_bus = open_bus
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._bus: SleepBus | None = None
        self._bus_at = float("-inf")
        self._news: socket.socket | None = None

    def start(self) -> None:
        """Begin; once. What happens from now on is told."""
        assert self._thread is None, "signals are started once"
        self._news = self._open_news()
        clocks = self._clocks()
        watch = Watch(clocks, self._sources(), tick_s=self._tick_s, settle_s=self._settle_s)
        self._thread = threading.Thread(
            target=self._run, args=[watch, clocks], name="desktop-signals", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End, and wait until no call-back is running any more; more than once does no harm."""
        if self._ended.is_set():
            return
        self._ended.set()
        with contextlib.suppress(OSError):
            self._wake.send(b"x")
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._wake.close()
        if self._thread is None:
            self._woken.close()

    def _run(self, watch: Watch, clocks: Clocks) -> None:
        with selectors.DefaultSelector() as selector, self._woken:
            selector.register(self._woken, selectors.EVENT_READ)
            if self._news is not None:
                selector.register(self._news, selectors.EVENT_READ)
            try:
                while not self._ended.is_set():
                    self._keep_bus(selector, clocks.monotonic)
                    ready = {key.fileobj for key, _ in selector.select(watch.wait_s(clocks.monotonic))}
                    clocks = self._clocks()
                    if not self._ended.is_set():
                        self._turn(watch, clocks, ready, selector)
            finally:
                self._hang_up(selector)
                if self._news is not None:
                    self._news.close()

    def _turn(
        self, watch: Watch, clocks: Clocks, ready: Collection[object], selector: selectors.BaseSelector
    ) -> None:
        """One look at everything."""
        now = clocks.monotonic
        told = self._bus is not None and self._bus.line in ready and self._hear(selector)
        if self._news is not None and self._news in ready:
            self._read_news(watch, now)
        if watch.woke(clocks, told=told):
            self._tell(self._on_resume)
            watch.touch(now)
        if watch.is_tick_due(now):
            watch.look(self._sources(), now)
        if watch.is_settled(now) and watch.came_up(self._sources()):
            self._tell(self._on_network)

    def _read_news(self, watch: Watch, now: float) -> None:
        assert self._news is not None
        while True:
            try:
                news = self._news.recv(65536)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                # More news than the kernel could keep: some of it is lost, so anything may have changed.
                watch.touch(now, rerouted=True)
                return
            watch.touch(now, rerouted=lost_default_route(news))

    def _keep_bus(self, selector: selectors.BaseSelector, now: float) -> None:
        if self._bus is None and now - self._bus_at >= BUS_EVERY_S:
            self._bus_at = now
            self._bus = self._open_bus()
            if self._bus is not None:
                selector.register(self._bus.line, selectors.EVENT_READ)

    def _hear(self, selector: selectors.BaseSelector) -> bool:
        assert self._bus is not None
        try:
            return self._bus.heard_resume()
        except Exception as error:
            # A bus that breaks off or sends what nobody can parse costs its news, not the other signals.
            _log.debug("The system bus is lost: %s", type(error).__name__)
            self._hang_up(selector)
            return False

    def _hang_up(self, selector: selectors.BaseSelector) -> None:
        if self._bus is not None:
            selector.unregister(self._bus.line)
            self._bus.close()
            self._bus = None

    def _tell(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            _log.exception("A signal of the desktop was not taken well")
