"""What removed sequences leave is cleared in parts, in the background, whatever cuts that off."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.enrollment import Enrollment
from reply_desktop.domain.errors import EngineUnavailable, StoreFull
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.sequence import Sequence
from reply_desktop.domain.touch import Touch, TouchState
from reply_desktop.services.removals import PART, Removals
from tests.fakes.clock import FakeClock
from tests.fakes.watched_store import WatchedStore

MANY = 2 * PART + 10
OTHERS = 7
"""How many of them are in another sequence too."""
REMOVED = events.SequenceRemoved("s", "Spring")


class World:
    """A real store, and tasks that are done at once or kept for later."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.store = WatchedStore(folder / "reply.db", clock)
        self.clock = clock
        self.tasks: list[Callable[[], None]] = []
        self.removals = Removals(self.store, self)

    def submit(self, run: Callable[[], None]) -> None:
        self.tasks.append(run)

    def work(self) -> None:
        while self.tasks:
            self.tasks.pop(0)()

    def fill(self, sequence_id: str, ids: range) -> None:
        now = self.clock.now()
        with self.store.begin() as unit:
            unit.sequences.add(Sequence(sequence_id, sequence_id, now))
            unit.prospects.put_many([Prospect(f"p{n:05}", f"p{n}@x.example", now) for n in ids])
            unit.enrollments.add_many(
                [Enrollment(f"{sequence_id}{n}", sequence_id, f"p{n:05}", n + 1, due_at=now) for n in ids]
            )
            unit.commit()

    def remove(self, sequence_id: str) -> None:
        with self.store.begin() as unit:
            unit.sequences.remove(sequence_id)
            unit.commit()

    def people(self) -> int:
        with self.store.read() as unit:
            return len(unit.prospects.known([f"p{n}@x.example" for n in range(MANY)]))


@pytest.fixture
def world(tmp_path: Path, clock: FakeClock) -> Iterator[World]:
    made = World(tmp_path, clock)
    made.fill("s", range(MANY))
    made.fill("t", range(OTHERS))
    yield made
    made.store.close()


def test_after_a_removal_only_those_of_other_sequences_stay(world: World) -> None:
    world.removals.on_event(events.SendingPaused(True))
    assert world.tasks == []
    world.remove("s")
    world.removals.on_event(REMOVED)
    writes: list[int] = []
    world.store.before_write = lambda: writes.append(world.people())
    world.work()
    assert world.people() == OTHERS
    # Others can write between the parts.
    assert writes[:3] == [MANY, MANY - PART + OTHERS, MANY - 2 * PART + OTHERS]
    with world.store.read() as unit:
        assert unit.enrollments.open_count("t") == OTHERS


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_what_a_crash_cut_off_goes_on_at_the_next_start(
    world: World, clock: FakeClock, tmp_path: Path, number: int
) -> None:
    world.remove("s")
    (tmp_path / "after").mkdir()
    numbers = count(1)
    world.store.before_write = lambda: (
        world.store.backup(tmp_path / "after" / "reply.db") if next(numbers) == number else None
    )
    world.removals.on_event(REMOVED)
    world.work()
    after = World(tmp_path / "after", clock)
    after.removals.clear()
    after.work()
    assert after.people() == OTHERS
    after.store.close()


def test_what_earlier_removals_left_is_cleared_at_the_start(world: World) -> None:
    now = world.clock.now()
    with world.store.begin() as unit:
        unit.prospects.put_many([Prospect(f"q{n:05}", f"q{n}@x.example", now) for n in range(PART + 1)])
        unit.touches.add(Touch("t1", "gone1", "gone", "step", "a", TouchState.FAILED, now))
        unit.touches.add(Touch("t2", "gone2", "gone", "step", "a", TouchState.SENT, now))
        unit.commit()
    world.removals.clear()
    world.work()
    with world.store.read() as unit:
        assert unit.prospects.find("q0@x.example") is unit.prospects.find(f"q{PART}@x.example") is None
        assert unit.touches.get("t1") is None
        assert unit.touches.get("t2") is not None, "it counts towards the limits of its account"
    assert world.people() == MANY


def test_a_removal_meanwhile_is_cleared_too(world: World) -> None:
    def remove_both() -> None:
        world.store.before_write = lambda: None
        world.remove("s")
        world.removals.on_event(REMOVED)

    world.fill("u", range(MANY, MANY + 1))
    world.remove("u")
    world.removals.on_event(REMOVED)
    world.store.before_write = remove_both
    world.work()
    assert world.people() == OTHERS


def full() -> None:
    raise StoreFull("The disk is full.", "Make room on the disk.")


@pytest.mark.expect_log("cleared at the next start: The disk is full")
def test_a_full_disk_leaves_it_for_later(world: World) -> None:
    world.remove("s")
    world.store.before_write = full
    world.removals.clear()
    world.work()
    world.store.before_write = lambda: None
    assert world.people() == MANY
    world.removals.clear()
    world.work()
    assert world.people() == OTHERS


def test_an_ending_engine_stops_between_two_parts(world: World) -> None:
    world.remove("s")
    world.store.before_write = world.removals.stop
    world.removals.clear()
    world.work()
    assert world.people() == MANY - PART + OTHERS


def test_an_engine_that_takes_no_work_leaves_it_to_the_next(world: World) -> None:
    class Ending:
        def submit(self, run: Callable[[], None]) -> None:
            raise EngineUnavailable("The background service is ending.")

    world.remove("s")
    removals = Removals(world.store, Ending())
    removals.clear()
    removals.clear()
    assert world.people() == MANY
