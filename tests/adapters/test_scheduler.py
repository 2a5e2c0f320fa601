"""The scheduler: each test is named after the trap of APScheduler that it keeps shut."""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reply_desktop.adapters.scheduler import LOOK_S, BackgroundScheduler
from tests.harness.waiting import wait_until

SOON_S = 10.0
HOUR_S = 3600.0


@pytest.fixture
def scheduler() -> Iterator[BackgroundScheduler]:
    made = BackgroundScheduler()
    yield made
    made.close()
    assert [each.name for each in threading.enumerate() if each.name in ("scheduler", "APScheduler")] == []


class Runs:
    """Counts runs and waits for the next."""

    def __init__(self) -> None:
        self.count = 0
        self._more = threading.Semaphore(0)

    def __call__(self) -> None:
        self.count += 1
        self._more.release()

    def wait(self, timeout_s: float = SOON_S) -> bool:
        return self._more.acquire(timeout=timeout_s)


def vendor_job(scheduler: BackgroundScheduler, name: str) -> Any:
    return scheduler._scheduler.get_job(name)


def move(scheduler: BackgroundScheduler, name: str, by: timedelta) -> None:
    """Leave the job due at another time, as a sleep or a new clock does: the scheduler does not notice."""
    assert_soon(lambda: not scheduler._scheduler._event.is_set())
    job = vendor_job(scheduler, name)
    store = scheduler._scheduler._lookup_jobstore("default")
    with scheduler._scheduler._jobstores_lock:
        job._modify(next_run_time=datetime.now(UTC) + by)
        store.update_job(job)


def test_a_job_runs_again_and_again(scheduler: BackgroundScheduler) -> None:
    runs = Runs()
    scheduler.every(0.01, runs, "sweep")
    assert all(runs.wait() for _ in range(5))


def test_misfire_1s_does_not_drop_a_late_run(scheduler: BackgroundScheduler) -> None:
    runs = Runs()
    scheduler.every(HOUR_S, runs, "sweep")
    assert vendor_job(scheduler, "sweep").misfire_grace_time is None
    move(scheduler, "sweep", timedelta(minutes=-50))
    scheduler.wake()
    assert runs.wait()


def test_resume_from_sleep_runs_at_once(scheduler: BackgroundScheduler) -> None:
    runs = Runs()
    scheduler.every(HOUR_S, runs, "sweep")
    move(scheduler, "sweep", timedelta(seconds=-1))
    scheduler.wake()
    assert runs.wait()
    with scheduler._scheduler._jobstores_lock:
        next_run = vendor_job(scheduler, "sweep").next_run_time - datetime.now(UTC)
    assert timedelta(minutes=59) < next_run <= timedelta(hours=1)


def test_a_day_of_missed_runs_is_one_run(scheduler: BackgroundScheduler) -> None:
    runs = Runs()
    scheduler.every(1, runs, "sweep")
    job = vendor_job(scheduler, "sweep")
    late = datetime.now(UTC) + timedelta(days=1)
    assert len(job._get_run_times(late)) == 1
    assert job.trigger.get_next_fire_time(job.next_run_time, late) == late + timedelta(seconds=1)
    move(scheduler, "sweep", timedelta(days=-1))
    scheduler.wake()
    assert runs.wait()
    assert runs.count == 1


def test_runs_keep_their_beat_when_the_scheduler_is_late_by_less_than_one(
    scheduler: BackgroundScheduler,
) -> None:
    scheduler.every(60, lambda: None, "sweep")
    job = vendor_job(scheduler, "sweep")
    due = job.next_run_time
    assert job.trigger.get_next_fire_time(due, due + timedelta(seconds=20)) == due + timedelta(seconds=60)


def test_clock_put_back_does_not_stop_the_jobs(scheduler: BackgroundScheduler) -> None:
    runs = Runs()
    scheduler.every(HOUR_S, runs, "sweep")
    move(scheduler, "sweep", timedelta(hours=7))
    scheduler.wake()
    assert runs.wait()


def test_clock_put_back_is_noticed_without_being_told(scheduler: BackgroundScheduler) -> None:
    beat, runs = Runs(), Runs()
    scheduler.every(HOUR_S, runs, "rare")
    move(scheduler, "rare", timedelta(hours=7))
    scheduler.every(0.01, beat, "sweep")
    assert beat.wait()
    assert runs.wait()


def test_a_long_wait_looks_up_now_and_then(scheduler: BackgroundScheduler) -> None:
    scheduler.every(HOUR_S, lambda: None, "sweep")
    assert scheduler._scheduler._process_jobs() == LOOK_S


def test_a_run_that_lasts_does_not_cost_the_next_one(scheduler: BackgroundScheduler) -> None:
    begun, go, count = threading.Semaphore(0), threading.Event(), list[int]()

    def slow() -> None:
        count.append(1)
        begun.release()
        assert go.wait(SOON_S)

    scheduler.every(HOUR_S, slow, "sweep")
    move(scheduler, "sweep", timedelta(0))
    scheduler.wake()
    assert begun.acquire(timeout=SOON_S)
    for _ in range(3):
        move(scheduler, "sweep", timedelta(0))
        scheduler.wake()
        assert_soon(lambda: vendor_job(scheduler, "sweep").next_run_time > datetime.now(UTC))
    assert len(count) == 1, "never two at once"
    go.set()
    assert begun.acquire(timeout=SOON_S)
    scheduler.close()
    assert len(count) == 2, "three runs that came due meanwhile are one"


def test_a_job_that_lasts_does_not_hold_up_wake_and_every(scheduler: BackgroundScheduler) -> None:
    begun, go, other = threading.Event(), threading.Event(), Runs()

    def slow() -> None:
        begun.set()
        assert go.wait(SOON_S)

    scheduler.every(0.01, slow, "slow")
    assert begun.wait(SOON_S)
    scheduler.every(0.01, other, "other")
    scheduler.wake()
    go.set()
    assert other.wait()


def test_shutdown_from_a_job_does_not_deadlock() -> None:
    scheduler, closed = BackgroundScheduler(), threading.Event()

    def end() -> None:
        scheduler.close()
        closed.set()

    scheduler.every(0.01, end, "end")
    assert closed.wait(SOON_S)
    assert_soon(lambda: not [each for each in threading.enumerate() if each.name == "scheduler"])


def test_close_waits_for_the_run_under_way_and_begins_none() -> None:
    scheduler, begun, go, ended = BackgroundScheduler(), threading.Event(), threading.Event(), list[int]()

    def slow() -> None:
        begun.set()
        assert go.wait(SOON_S)
        ended.append(1)

    scheduler.every(0.01, slow, "slow")
    assert begun.wait(SOON_S)
    closer = threading.Thread(target=scheduler.close)
    closer.start()
    # Before the close is under way another run may rightly begin.
    assert_soon(lambda: scheduler._runner._closed)
    go.set()
    closer.join(SOON_S)
    assert ended == [1]
    scheduler.every(0.01, slow, "slow")
    scheduler.wake()
    scheduler.close()
    assert ended == [1]


def test_close_without_any_job() -> None:
    BackgroundScheduler().close()


def test_the_same_name_again_replaces_the_job(scheduler: BackgroundScheduler) -> None:
    old, new = Runs(), Runs()
    scheduler.every(HOUR_S, old, "sweep")
    scheduler.every(0.01, new, "sweep")
    assert new.wait()
    assert old.count == 0


@pytest.mark.expect_log("The job sweep failed: ValueError")
def test_a_fault_is_logged_without_its_text_and_the_job_goes_on(
    scheduler: BackgroundScheduler, caplog: pytest.LogCaptureFixture
) -> None:
    runs, password = Runs(), "hunter2"[::-1]

    def fail() -> None:
        runs()
        raise ValueError(password)

    scheduler.every(0.01, fail, "sweep")
    assert all(runs.wait() for _ in range(2))
    scheduler.close()
    assert password not in caplog.text


def test_vendor_logs_are_quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scheduler, runs = BackgroundScheduler(), Runs()
    scheduler.every(0.01, runs, "sweep")
    assert runs.wait()
    scheduler.close()
    assert [each for each in caplog.records if each.name.startswith("apscheduler")] == []


def test_the_library_is_loaded_with_the_first_job_only() -> None:
    code = (
        "import sys; from reply_desktop.adapters.scheduler import BackgroundScheduler as S; s = S(); s.wake();"
        "s.close(); assert 'apscheduler' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def assert_soon(look: Callable[[], bool]) -> None:
    wait_until(look, "change")
