"""Events arrive in order, children after their parents, whatever a listener does."""

import threading
from collections.abc import Callable

from reply_desktop.domain import events
from reply_desktop.domain.provider import Provider
from reply_desktop.services.bus import Bus


def progress(number: int) -> events.CheckProgress:
    return events.CheckProgress("c", number, 100)


def test_breadth_first() -> None:
    bus = Bus()
    seen: list[tuple[str, events.Event]] = []

    def parent(event: events.Event) -> None:
        seen.append(("first", event))
        if event == progress(1):
            bus.publish([progress(2)])

    bus.listen(parent)
    bus.listen(lambda event: seen.append(("second", event)))
    bus.publish([progress(1)])
    assert [(who, e.done) for who, e in seen if isinstance(e, events.CheckProgress)] == [
        ("first", 1), ("second", 1), ("first", 2), ("second", 2),
    ]  # fmt: skip


def test_a_failing_listener_does_not_stop_the_others(expect_log: Callable[[str], None]) -> None:
    expect_log("listener failed")
    bus = Bus()
    seen: list[events.Event] = []

    def fail(event: events.Event) -> None:
        raise RuntimeError

    bus.listen(fail)
    bus.listen(seen.append)
    bus.publish([events.ProviderChanged(Provider.GOOGLE)])
    assert len(seen) == 1


def test_leaving() -> None:
    bus = Bus()
    seen: list[events.Event] = []
    leave = bus.listen(seen.append)
    leave()
    bus.publish([progress(1)])
    assert seen == []


def test_many_publishers_lose_and_mix_nothing() -> None:
    bus = Bus()
    seen: list[events.Event] = []
    running: list[int] = []
    overlaps: list[int] = []

    def listen(event: events.Event) -> None:
        running.append(1)
        overlaps.append(len(running))
        seen.append(event)
        running.pop()

    bus.listen(listen)

    def publish(k: int) -> None:
        for n in range(200):
            bus.publish([progress(k * 1000 + n)])

    threads = [threading.Thread(target=publish, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 1600 and set(overlaps) == {1}
    for k in range(8):
        mine = [e.done for e in seen if isinstance(e, events.CheckProgress) and e.done // 1000 == k]
        assert mine == sorted(mine)
