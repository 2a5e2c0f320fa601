"""The worker pool: bounded, in order, never overrun, and ended within a bounded time."""

import threading
from collections.abc import Iterator

import pytest

from reply_desktop.adapters.tasks import WorkerPool
from reply_desktop.domain.errors import EngineUnavailable

SOON_S = 10.0


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    made = WorkerPool(3, backlog=5, name="pool-under-test")
    yield made
    made.close()


def threads_of_pool() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith("pool-under-test")]


class Gate:
    """Work that tells when it begins and goes on until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()

    def __call__(self) -> None:
        self.begun.release()
        assert self.go.wait(SOON_S)


def test_at_most_so_many_run_at_once(pool: WorkerPool) -> None:
    gate = Gate()
    for _ in range(5):
        pool.submit(gate)
    for _ in range(3):
        assert gate.begun.acquire(timeout=SOON_S)
    assert not gate.begun.acquire(blocking=False)
    assert len(threads_of_pool()) == 3
    gate.go.set()
    for _ in range(2):
        assert gate.begun.acquire(timeout=SOON_S)


def test_no_thread_before_there_is_work_and_no_second_for_work_one_can_do(pool: WorkerPool) -> None:
    assert threads_of_pool() == []
    for _ in range(20):
        done = threading.Event()
        pool.submit(done.set)
        assert done.wait(SOON_S)
    assert 1 <= len(threads_of_pool()) <= 2


def test_everything_runs_in_its_order() -> None:
    pool, ran, done = WorkerPool(1, backlog=1000), list[int](), threading.Event()
    for number in range(500):
        pool.submit(lambda number=number: ran.append(number))  # type: ignore[misc]
    pool.submit(done.set)
    assert done.wait(SOON_S)
    assert pool.close()
    assert ran == list(range(500))


def test_a_full_backlog_slows_the_submitter_and_loses_nothing(pool: WorkerPool) -> None:
    gate, ran = Gate(), list[str]()
    for _ in range(3):
        pool.submit(gate)
        assert gate.begun.acquire(timeout=SOON_S)
    for _ in range(5):
        pool.submit(lambda: ran.append(threading.current_thread().name))
    assert ran == []
    pool.submit(lambda: ran.append(threading.current_thread().name))
    assert ran == [threading.current_thread().name]
    done = threading.Event()
    gate.go.set()
    pool.submit(done.set)
    assert done.wait(SOON_S)


def test_a_worker_that_submits_more_than_there_is_room_for_does_not_wait_for_itself() -> None:
    pool, count, done = WorkerPool(1, backlog=2), list[int](), threading.Event()

    def sweep() -> None:
        for number in range(50):
            pool.submit(lambda number=number: count.append(number))  # type: ignore[misc]
        done.set()

    pool.submit(sweep)
    assert done.wait(SOON_S)
    assert pool.close() or count
    assert len(count) >= 48


@pytest.mark.expect_log("A piece of work failed: ValueError")
def test_a_fault_is_logged_without_its_text_and_the_thread_goes_on(
    pool: WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    password = "hunter2"[::-1]

    def fail() -> None:
        raise ValueError(password)

    done = threading.Event()
    pool.submit(fail)
    pool.submit(done.set)
    assert done.wait(SOON_S)
    assert pool.close()
    assert password not in caplog.text
    assert "in fail" in caplog.text


def test_close_leaves_no_thread_and_takes_no_more_work(pool: WorkerPool) -> None:
    for _ in range(3):
        pool.submit(lambda: None)
    assert pool.close()
    assert threads_of_pool() == []
    with pytest.raises(EngineUnavailable, match="is ending"):
        pool.submit(lambda: None)
    assert pool.close()


def test_close_drops_what_waits_and_gives_what_runs_its_time() -> None:
    pool, gate, ran, result = WorkerPool(1), Gate(), list[int](), list[bool]()
    pool.submit(gate)
    assert gate.begun.acquire(timeout=SOON_S)
    pool.submit(lambda: ran.append(1))
    closer = threading.Thread(target=lambda: result.append(pool.close(SOON_S)))
    closer.start()
    gate.go.set()
    closer.join(SOON_S)
    assert result == [True]
    assert ran == []


@pytest.mark.expect_log("Still at work after 0.05 s: worker-1")
def test_close_does_not_wait_for_ever() -> None:
    pool, gate = WorkerPool(1), Gate()
    pool.submit(gate)
    assert gate.begun.acquire(timeout=SOON_S)
    assert not pool.close(0.05)
    gate.go.set()
    assert pool.close()


def test_close_from_a_worker_does_not_wait_for_itself() -> None:
    pool, result, done = WorkerPool(2), list[bool](), threading.Event()

    def close() -> None:
        result.append(pool.close())
        done.set()

    pool.submit(close)
    assert done.wait(SOON_S)
    assert result == [True]
    assert pool.close()
