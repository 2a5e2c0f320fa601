"""Repeated jobs on APScheduler with its traps closed: late runs are not dropped, and clocks may jump."""

import logging
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

_log = logging.getLogger(__name__)

JUMP_S: Final = 1.0
"""By how much a job may seem too far off before the clock counts as put back, in seconds."""
LOOK_S: Final = 60.0
"""Longest wait before looking at the clock again, in seconds: nobody may tell of a sleep or a new time."""
CLOSE_S: Final = 10.0


class BackgroundScheduler:
    """Runs jobs every so often, one after the other, on a thread of its own: they hand long work on.

    APScheduler only tells when. Its executors would skip a job whose last run goes on; here such a job runs
    once more right after. After sleep or a clock change, jobs whose time has passed or has moved out of
    sight run at once when `wake` is called, and within LOOK_S by themselves.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scheduler: Any = None
        self._runner = _Runner()
        self._closed = False

    def every(self, seconds: float, run: Callable[[], None], name: str) -> None:
        """Run this every so many seconds, first after that time; the same name again replaces the job."""
        with self._lock:
            if self._closed:
                return
            if self._scheduler is None:
                self._scheduler = _make()
                self._scheduler.start()
            self._scheduler.add_job(
                self._runner.due,
                _every(seconds),
                args=(name, run),
                id=name,
                name=name,
                replace_existing=True,
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
            )

    def wake(self) -> None:
        """Look at the clock now: the computer slept, or its clock was changed."""
        with self._lock:
            if self._scheduler is not None and not self._closed:
                self._scheduler.wakeup()

    def close(self) -> None:
        """End in order: no job begins any more, and one that runs gets CLOSE_S. Safe from a job itself."""
        with self._lock:
            scheduler = None if self._closed else self._scheduler
            self._closed = True
        if scheduler is not None:
            scheduler.shutdown(wait=False)
        self._runner.close()


def _make() -> Any:
    from apscheduler.executors.debug import DebugExecutor
    from apscheduler.schedulers import background

    class Scheduler(background.BackgroundScheduler):  # type: ignore[misc]
        """APScheduler's, which neither notices that the clock was put back nor looks up from a long wait."""

        def _process_jobs(self) -> float | None:
            now = datetime.now(UTC)
            for job in self.get_jobs():
                if job.next_run_time - now > job.trigger.interval + timedelta(seconds=JUMP_S):
                    self._lookup_jobstore(job._jobstore_alias).update_job(_moved(job, now))
            wait_s = super()._process_jobs()
            return None if wait_s is None else min(wait_s, LOOK_S)

    # It tells of every start and run; what goes wrong we tell ourselves.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    # The job itself only puts work into our own queue, so it runs where the time is kept.
    return Scheduler(timezone=UTC, executors={"default": DebugExecutor()})


def _moved(job: Any, at: datetime) -> Any:
    job._modify(next_run_time=at)
    return job


def _every(seconds: float) -> Any:
    from apscheduler.triggers.interval import IntervalTrigger

    class Trigger(IntervalTrigger):  # type: ignore[misc]
        """APScheduler's lists missed runs one by one: 86,400 after a day of a job a second."""

        def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
            at: datetime = super().get_next_fire_time(previous, now)
            return at if at > now else now + self.interval

    return Trigger(seconds=seconds, timezone=UTC)


class _Runner:
    """Runs what is due, one after the other; a job waits at most once, even while it runs."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._due: dict[str, Callable[[], None]] = {}
        self._closed = False
        self._thread: threading.Thread | None = None

    def due(self, name: str, run: Callable[[], None]) -> None:
        with self._changed:
            if self._closed:
                return
            self._due[name] = run
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="scheduler")
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._due.clear()
            self._changed.notify()
        if self._thread is None or self._thread is threading.current_thread():
            return
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            _log.warning("A repeated job is still at work after %g s", CLOSE_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (self._due or self._closed):
                    self._changed.wait()
                if self._closed:
                    return
                name = next(iter(self._due))
                run = self._due.pop(name)
            try:
                run()
            except Exception as error:
                # Without its text, which can quote what was worked on, and so a secret.
                where = "".join(traceback.format_tb(error.__traceback__))
                _log.error("The job %s failed: %s\n%s", name, type(error).__name__, where)
