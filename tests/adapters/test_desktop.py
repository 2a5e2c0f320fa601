"""Sleep, clock changes and networks: what is noticed, how often it is told, and that nothing is left running."""

import contextlib
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.adapters import desktop
from reply_desktop.adapters.desktop import (
    SETTLE_S,
    TICK_S,
    Clocks,
    DesktopSignals,
    SleepBus,
    Sources,
    Watch,
    lost_default_route,
    open_route_news,
    read_clocks,
    read_sources,
)
from tests.harness.waiting import wait_until

NOW = Clocks(1_800_000_000.0, 1_000.0, 5_000.0)
HOME: Sources = ("192.168.1.5", None)
CAFE: Sources = ("10.0.0.7", "fd00::7")
NOWHERE: Sources = (None, None)
DEADLINE_S = 10.0


def later(clocks: Clocks, wall: float, monotonic: float | None = None, boot: float | None = None) -> Clocks:
    """The clocks after so many seconds of each; by default all went on alike."""
    passed = wall if monotonic is None else monotonic
    past = passed if boot is None else boot
    return Clocks(
        clocks.wall + wall,
        clocks.monotonic + passed,
        None if clocks.boot is None else clocks.boot + past,
    )


# Waking up and clocks


@pytest.mark.parametrize(
    ("wall", "monotonic", "boot", "woke"),
    [
        (37, 37, 37, False),
        (37.5, 37, 37, False),
        (3600, 10, 3600, True),
        (3600, 10, 10, True),
        (-3600, 37, 37, True),
        (50, 37, 37, True),
        (37, 20, 37, True),
    ],
    ids=["all well", "drift", "sleep", "clock put on", "clock put back", "clock set right", "short sleep"],
)
def test_sleep_and_clock_changes_are_seen(wall: float, monotonic: float, boot: float, woke: bool) -> None:
    assert Watch(NOW, HOME).woke(later(NOW, wall, monotonic, boot)) is woke


@pytest.mark.parametrize(
    ("wall", "monotonic", "woke"), [(37, 37, False), (3600, 20, True), (-60, 37, True), (3600, 3600, True)]
)
def test_computers_without_a_clock_that_counts_sleep(wall: float, monotonic: float, woke: bool) -> None:
    """macOS stops the monotonic clock; Windows runs it on, so that only the lateness tells."""
    before = replace(NOW, boot=None)
    assert Watch(before, HOME).woke(later(before, wall, monotonic)) is woke


def test_one_waking_up_is_told_once() -> None:
    watch = Watch(NOW, HOME)
    awake = later(NOW, 3600, 1, 3600)
    assert watch.woke(awake)
    told = later(awake, 2)
    assert not watch.woke(told, told=True)
    assert not watch.woke(later(told, 5))
    assert watch.woke(later(told, 60), told=True)


def test_the_systems_word_alone_is_enough() -> None:
    assert Watch(NOW, HOME).woke(later(NOW, 1), told=True)


@given(steps=st.lists(st.floats(0, TICK_S + 15), max_size=20), drift=st.floats(-0.05, 0.05))
def test_ordinary_time_never_looks_like_sleep(steps: list[float], drift: float) -> None:
    clocks, watch = NOW, Watch(NOW, HOME)
    for wanted in steps:
        step = min(wanted, watch.wait_s(clocks.monotonic) + desktop.LATE_S - 1)
        clocks = later(clocks, step * (1 + drift), step)
        assert not watch.woke(clocks)
        watch.is_tick_due(clocks.monotonic)


# The network


def test_a_network_that_comes_up_is_told_when_it_is_at_rest() -> None:
    watch = Watch(NOW, NOWHERE)
    at = NOW.monotonic
    for moment in (0.0, 1.0, 2.5):
        watch.touch(at + moment)
        assert not watch.is_settled(at + moment)
    assert watch.wait_s(at + 2.5) == SETTLE_S
    assert not watch.is_settled(at + 5.4)
    assert watch.is_settled(at + 5.5)
    assert watch.came_up(HOME)
    assert not watch.is_settled(at + 1e9)


def test_a_network_that_never_rests_is_looked_at_all_the_same() -> None:
    watch = Watch(NOW, NOWHERE)
    moments = [NOW.monotonic + number for number in range(20)]
    settled = []
    for moment in moments:
        watch.touch(moment)
        settled.append(watch.is_settled(moment))
    assert settled.index(True) == desktop.PATIENCE_S


@pytest.mark.parametrize(
    ("before", "after", "rerouted", "up"),
    [
        (NOWHERE, HOME, False, True),
        (HOME, CAFE, False, True),
        (HOME, HOME, False, False),
        (HOME, HOME, True, True),
        (HOME, NOWHERE, False, False),
        (HOME, NOWHERE, True, False),
        (NOWHERE, NOWHERE, True, False),
        (HOME, ("192.168.1.5", "fd00::5"), False, True),
    ],
    ids=[
        "up",
        "moved",
        "a container began",
        "other network, same address",
        "down",
        "gone",
        "still down",
        "IPv6 too",
    ],
)
def test_only_a_network_up_in_another_way_is_told(
    before: Sources, after: Sources, rerouted: bool, up: bool
) -> None:
    watch = Watch(NOW, before)
    watch.touch(NOW.monotonic, rerouted=rerouted)
    assert watch.came_up(after) is up
    watch.touch(NOW.monotonic)
    assert watch.came_up(after) is False


def test_down_and_up_again_is_told_once() -> None:
    watch = Watch(NOW, HOME)
    watch.touch(NOW.monotonic)
    assert not watch.came_up(NOWHERE)
    watch.touch(NOW.monotonic + 10)
    assert watch.came_up(HOME)


def test_without_news_the_tick_finds_changes() -> None:
    watch = Watch(NOW, HOME)
    now = NOW.monotonic
    assert watch.wait_s(now) == TICK_S <= 37
    assert not watch.is_tick_due(now + TICK_S - 1)
    now += TICK_S
    assert watch.is_tick_due(now)
    watch.look(HOME, now)
    assert not watch.is_settled(now + 100)
    watch.look(CAFE, now)
    assert watch.is_settled(now + SETTLE_S)


def message(kind: int, body: bytes) -> bytes:
    padded = body + bytes(-len(body) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + padded


def test_a_lost_default_route_is_read_from_the_kernels_words() -> None:
    default, other = bytes([socket.AF_INET, 0, 0, 0]) + bytes(8), bytes([socket.AF_INET, 24, 0, 0]) + bytes(9)
    assert lost_default_route(message(25, default))
    assert not lost_default_route(message(25, other))
    assert not lost_default_route(message(24, default))
    assert not lost_default_route(message(20, default))
    assert lost_default_route(message(20, other) + message(25, other) + message(25, default))
    assert not lost_default_route(b"")


@given(st.binary(max_size=80))
def test_any_bytes_from_the_kernel_are_survived(news: bytes) -> None:
    lost_default_route(news)


# The thread


class Heard:
    """What was told, and a computer to change at will."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.clocks = read_clocks()
        self.shift = Clocks(0.0, 0.0, 0.0)
        self.sources: Sources = HOME
        self.news, self.kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.news.setblocking(False)

    def read_clocks(self) -> Clocks:
        real, shift = read_clocks(), self.shift
        boot = None if real.boot is None or shift.boot is None else real.boot + shift.boot
        return Clocks(real.wall + shift.wall, real.monotonic + shift.monotonic, boot)

    def on_resume(self) -> None:
        self.told.append("resume")

    def on_network(self) -> None:
        self.told.append("network")

    def wait_for(self, *told: str) -> None:
        wait_until(lambda: self.told == list(told), f"{told} in {self.told}")


@pytest.fixture
def heard() -> Iterator[Heard]:
    made = Heard()
    yield made
    made.kernel.close()
    with contextlib.suppress(OSError):
        made.news.close()


Started = Callable[..., DesktopSignals]


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "desktop-signals"]


@pytest.fixture
def started(heard: Heard) -> Iterator[Started]:
    begun: list[DesktopSignals] = []

    def start(**more: object) -> DesktopSignals:
        settings: dict[str, object] = {
            "tick_s": 0.02,
            "settle_s": 0.01,
            "clocks": heard.read_clocks,
            "sources": lambda: heard.sources,
            "open_news": lambda: heard.news,
            "open_bus": lambda: None,
            **more,
        }
        signals = DesktopSignals(on_resume=heard.on_resume, on_network=heard.on_network, **settings)  # type: ignore[arg-type]
        signals.start()
        begun.append(signals)
        return signals

    yield start
    for each in begun:
        each.close()
    assert not running()


def test_sleep_is_told_without_any_bus(heard: Heard, started: Started) -> None:
    started()
    heard.shift = Clocks(3600, 0, 3600)
    heard.wait_for("resume")


def test_a_changed_clock_is_told(heard: Heard, started: Started) -> None:
    started()
    heard.shift = Clocks(-7200, 0, 0)
    heard.wait_for("resume")


def test_a_new_network_is_told_without_any_news(heard: Heard, started: Started) -> None:
    started(open_news=lambda: None)
    heard.sources = CAFE
    heard.wait_for("network")


def test_news_are_told_long_before_the_tick(heard: Heard, started: Started) -> None:
    started(tick_s=3600.0)
    heard.sources = CAFE
    heard.kernel.send(message(20, bytes(8)))
    heard.wait_for("network")


def test_another_network_with_the_same_address_is_told(heard: Heard, started: Started) -> None:
    started(tick_s=3600.0)
    heard.kernel.send(message(25, bytes([socket.AF_INET, 0, 0, 0]) + bytes(8)))
    heard.wait_for("network")


def test_a_callback_that_fails_does_not_end_the_signals(
    heard: Heard, started: Started, expect_log: Callable[[str], None]
) -> None:
    expect_log("not taken well")

    def fail() -> None:
        heard.told.append("failed")
        raise RuntimeError("what")

    signals = DesktopSignals(
        on_resume=fail,
        on_network=heard.on_network,
        tick_s=0.02,
        settle_s=0.01,
        clocks=heard.read_clocks,
        sources=lambda: heard.sources,
        open_news=lambda: None,
        open_bus=lambda: None,
    )
    signals.start()
    heard.shift = Clocks(3600, 0, 3600)
    heard.wait_for("failed")
    heard.sources = CAFE
    heard.wait_for("failed", "network")
    signals.close()


def test_close_leaves_no_thread_and_may_be_called_often(started: Started) -> None:
    signals = started(tick_s=3600.0)
    for _ in range(3):
        signals.close()
    assert not running()


def test_close_without_start() -> None:
    DesktopSignals(on_resume=lambda: None, on_network=lambda: None).close()


def test_close_from_a_callback(heard: Heard) -> None:
    def end() -> None:
        signals.close()
        heard.told.append("closed")

    signals = DesktopSignals(
        on_resume=end,
        on_network=heard.on_network,
        tick_s=0.02,
        clocks=heard.read_clocks,
        sources=lambda: HOME,
        open_news=lambda: None,
        open_bus=lambda: None,
    )
    signals.start()
    heard.shift = Clocks(3600, 0, 3600)
    heard.wait_for("closed")
    wait_until(lambda: not running(), "end of the thread")


def test_idle_costs_next_to_nothing(heard: Heard, started: Started) -> None:
    """No turn of the loop between two ticks."""
    looks = threading.Semaphore(0)

    def clocks() -> Clocks:
        looks.release()
        return read_clocks()

    started(tick_s=3600.0, clocks=clocks)
    assert looks.acquire(timeout=DEADLINE_S)
    assert not looks.acquire(timeout=0.3)


# The real computer


def test_real_clocks_and_routes_can_be_read() -> None:
    before = time.time()
    one, other = read_clocks(), read_clocks()
    assert before <= one.wall <= time.time()
    assert other.monotonic >= one.monotonic
    assert all(each is None or socket.getaddrinfo(each, 9) for each in read_sources())


needs_dbus = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="no dbus-daemon here")


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    """A private message bus in the system bus's stead; gives its address."""
    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address", f"--address=unix:path={tmp_path}/bus"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert daemon.stdout is not None
    try:
        yield daemon.stdout.readline().strip()
    finally:
        daemon.terminate()
        daemon.wait(DEADLINE_S)
        daemon.stdout.close()


class Logind:
    """Says what logind says, under its name."""

    def __init__(self, address: str) -> None:
        from jeepney import DBusAddress, message_bus
        from jeepney.io.blocking import open_dbus_connection

        self._bus = open_dbus_connection(address)
        self._bus.send_and_get_reply(message_bus.RequestName("org.freedesktop.login1"), timeout=DEADLINE_S)
        self._from = DBusAddress("/org/freedesktop/login1", None, "org.freedesktop.login1.Manager")

    def say(self, name: str, *arguments: bool) -> None:
        from jeepney import new_signal

        self._bus.send(new_signal(self._from, name, "b" * len(arguments), arguments))

    def close(self) -> None:
        self._bus.close()


@needs_dbus
def test_logind_tells_of_waking_up(bus: str, heard: Heard, started: Started) -> None:
    opened = threading.Event()

    def open_bus() -> SleepBus:
        made = SleepBus(bus)
        opened.set()
        return made

    logind = Logind(bus)
    try:
        started(tick_s=3600.0, open_bus=open_bus)
        assert opened.wait(DEADLINE_S)
        logind.say("PrepareForShutdown", False)
        logind.say("PrepareForSleep", True)
        logind.say("PrepareForSleep", False)
        heard.wait_for("resume")
    finally:
        logind.close()


@needs_dbus
def test_falling_asleep_is_not_waking_up(bus: str) -> None:
    logind, ears = Logind(bus), SleepBus(bus)
    try:
        for asleep in (True, False):
            logind.say("PrepareForSleep", asleep)
            assert select.select([ears.line], [], [], DEADLINE_S)[0]
            assert ears.heard_resume() is not asleep
    finally:
        ears.close()
        logind.close()


@needs_dbus
def test_a_bus_that_goes_away_costs_only_its_news(
    bus: str, heard: Heard, started: Started, tmp_path: Path
) -> None:
    opened = threading.Event()
    cut: list[socket.socket] = []

    def open_bus() -> SleepBus:
        made = SleepBus(bus)
        cut.append(made.line)
        opened.set()
        return made

    started(open_bus=open_bus)
    assert opened.wait(DEADLINE_S)
    cut[0].shutdown(socket.SHUT_RDWR)
    heard.sources = CAFE
    heard.wait_for("network")


def test_no_bus_is_no_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No such file|not found|Connection refused"):
        SleepBus(f"unix:path={tmp_path}/none")


IN_ITS_OWN_NETWORK = f"""
import subprocess, sys, threading
sys.path.insert(0, {os.fspath(Path(desktop.__file__).parents[2])!r})
from reply_desktop.adapters.desktop import DesktopSignals, read_sources
assert read_sources() == (None, None), read_sources()
up = threading.Event()
signals = DesktopSignals(
    on_resume=lambda: None, on_network=up.set, tick_s=3600.0, settle_s=0.05, open_bus=lambda: None
)
signals.start()
for words in ("link set lo up", "addr add 10.1.2.3/24 dev lo"):
    subprocess.run(["ip", *words.split()], check=True)
assert not up.wait(0.3), "no route, and yet up"
subprocess.run(["ip", *"route add default dev lo src 10.1.2.3".split()], check=True)
assert up.wait(10), "not told of the route"
assert read_sources()[0] == "10.1.2.3", read_sources()
up.clear()
subprocess.run(["ip", *"route del default".split()], check=True)
assert not up.wait(0.3), "the route went, and yet up"
subprocess.run(["ip", *"route add default dev lo src 10.1.2.3".split()], check=True)
assert up.wait(10), "not told of the route's return"
signals.close()
print("done", threading.active_count())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux network spaces")
def test_the_real_kernel_tells_of_routes() -> None:
    enter = ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if (
        shutil.which("ip") is None
        or subprocess.run([*enter, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no network space of our own to be had")
    ended = subprocess.run(
        [*enter, sys.executable, "-c", IN_ITS_OWN_NETWORK],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stdout == "done 1\n", ended.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="rtnetlink is Linux's")
def test_the_kernels_news_can_be_had() -> None:
    news = open_route_news()
    assert news is not None
    with news, pytest.raises(BlockingIOError):
        news.recv(1)
