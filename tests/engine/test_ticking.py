"""It ticks when something wants it to, at least every so often, and loses no call."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from reply_desktop.engine.ticking import IDLE_S, SOON_S, Ticking
from tests.fakes.clock import FakeClock


class Job:
    """What is ticked, and the scheduler that does it: `run` is the one job."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.at: datetime | None = None
        self.waits: list[float] = []
        self.run: Callable[[], None] = lambda: None
        self.on_tick: Callable[[], None] = lambda: None

    def tick(self) -> datetime | None:
        self.on_tick()
        return self.at

    def every(self, seconds: float, run: Callable[[], None], name: str) -> None:
        assert name == "job"
        self.waits.append(seconds)
        self.run = run


@pytest.fixture
def job(clock: FakeClock) -> Job:
    return Job(clock)


@pytest.fixture
def ticking(job: Job) -> Ticking:
    made = Ticking(job.tick, job.clock, job, "job")
    made.soon()
    return made


@pytest.mark.parametrize(
    ("in_s", "waits"), [(None, IDLE_S), (3600.0, IDLE_S), (7.0, 7.0), (0.0, SOON_S), (-9.0, SOON_S)]
)
def test_it_waits_as_long_as_there_is_nothing_to_do(
    ticking: Ticking, job: Job, in_s: float | None, waits: float
) -> None:
    job.at = None if in_s is None else job.clock.now() + timedelta(seconds=in_s)
    job.run()
    assert job.waits == ([SOON_S] if waits == SOON_S else [SOON_S, waits])


def test_a_call_while_it_ticks_is_not_lost(ticking: Ticking, job: Job) -> None:
    job.on_tick = ticking.soon
    job.run()
    assert job.waits == [SOON_S]


def test_a_tick_that_fails_is_followed_by_another(ticking: Ticking, job: Job) -> None:
    def fail() -> None:
        raise RuntimeError

    job.on_tick = fail
    with pytest.raises(RuntimeError):
        job.run()
    assert job.waits == [SOON_S, IDLE_S]
