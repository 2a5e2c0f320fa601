from collections.abc import Callable
from datetime import timedelta

import pytest

from reply_desktop.domain.states import State
from reply_desktop.engine.sweeps import BUSY_S, IDLE_S, SOON_S, Sweeps
from tests.fakes.world import World


class Job:
    """The one job of Sweeps, run when the test says so. `waits` are the intervals it was given."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.run: Callable[[], None] = lambda: None

    def every(self, seconds: float, run: Callable[[], None], name: str) -> None:
        self.waits.append(seconds)
        self.run = run


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def job() -> Job:
    return Job()


@pytest.fixture
def sweeps(world: World, job: Job) -> Sweeps:
    sweeps = Sweeps(world.health.sweep, world.store, world.clock, job)
    world.bus.listen(sweeps.on_event)
    sweeps.soon()
    return sweeps


def test_without_accounts_it_looks_seldom(sweeps: Sweeps, job: Job) -> None:
    job.run()
    job.run()
    assert job.waits == [SOON_S, IDLE_S]


def test_while_something_is_due_it_looks_often(world: World, sweeps: Sweeps, job: Job) -> None:
    world.add()
    job.run()
    assert job.waits == [SOON_S]
    job.run()
    assert job.waits == [SOON_S, IDLE_S]


def test_it_sleeps_until_the_next_is_due(world: World, sweeps: Sweeps, job: Job) -> None:
    world.add(next_check_at=world.clock.now() + timedelta(seconds=7.5))
    job.run()
    assert job.waits[-1] == 7.5
    world.clock.advance(7.5)
    job.run()
    assert len(world.google.probes) == 1


def test_an_account_that_is_being_asked_does_not_make_it_spin(world: World, sweeps: Sweeps, job: Job) -> None:
    world.add()
    world.tasks.held = []
    job.run()
    job.run()
    assert job.waits[-1] == BUSY_S


def test_a_change_that_is_due_earlier_wakes_it(world: World, sweeps: Sweeps, job: Job) -> None:
    world.add(state=State.PAUSED, next_check_at=None)
    job.run()
    assert job.waits[-1] == IDLE_S
    world.accounts.resume(["ana"])
    assert job.waits[-1] == SOON_S


def test_a_change_that_is_due_later_does_not(world: World, sweeps: Sweeps, job: Job) -> None:
    world.add()
    job.run()
    job.run()
    told = len(job.waits)
    world.health.check_now("ana")
    assert len(job.waits) == told


def test_called_while_it_looks_it_looks_again(world: World, job: Job) -> None:
    def sweep() -> int:
        woken.soon()
        return 0

    woken = Sweeps(sweep, world.store, world.clock, job)
    woken.soon()
    job.run()
    assert job.waits == [SOON_S]
