"""Many changes make one summary."""

from collections.abc import Callable
from dataclasses import replace

from reply_desktop.domain import events
from reply_desktop.domain.states import State
from reply_desktop.services.summary import GATHER_S, SummaryFeed
from tests.fakes.world import World


def test_gathered() -> None:
    world = World()
    for number in range(10):
        world.add(f"m{number}", state=State.AT_RISK)
    due: list[tuple[float, Callable[[], None]]] = []
    feed = SummaryFeed(world.queries, world.bus, lambda seconds, run: due.append((seconds, run)))
    world.health.sweep()
    assert [seconds for seconds, _ in due] == [GATHER_S]
    due.pop()[1]()
    (told,) = world.of(events.SummaryChanged)
    assert isinstance(told, events.SummaryChanged) and told.summary.counts[State.CONNECTED] == 10
    feed.touch()
    assert len(due) == 1


def test_a_check_that_changes_nothing_counted_is_silent() -> None:
    world = World()
    world.add()
    due: list[object] = []
    SummaryFeed(world.queries, world.bus, lambda seconds, run: due.append(run))
    ana = world.account()
    world.ledger.change(ana, replace(ana, proven_at=world.clock.now()))
    assert due == []


def test_closed_says_nothing_and_reads_nothing() -> None:
    world = World()
    due: list[Callable[[], None]] = []
    feed = SummaryFeed(world.queries, world.bus, lambda seconds, run: due.append(run))
    feed.touch()
    feed.close()
    world.store.reads.summary = None  # type: ignore[assignment,method-assign]
    due.pop()()
    assert world.of(events.SummaryChanged) == []
