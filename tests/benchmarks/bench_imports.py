"""Importing a file of prospects, beside the driver's bare insert of the same rows, and who waits meanwhile.

Another thread commits one small change after the other, as checks and sending do; its longest wait is given.

Run: make bench ARGS=tests/benchmarks/bench_imports.py (BENCH_PROSPECTS=100000)
"""

import csv
import os
import sqlite3
import statistics
import threading
import time
from pathlib import Path

from reply_desktop.adapters import csv_file
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.domain import events
from reply_desktop.domain.sequence import Sequence, SequenceStatus
from reply_desktop.engine.build import new_id
from reply_desktop.services.bus import Bus
from reply_desktop.services.imports import Imports
from tests.fakes.clock import FakeClock

PROSPECTS = int(os.environ.get("BENCH_PROSPECTS", "100000"))
PREVIEWS = 5
FIELDS = ("Email", "First name", "Last name", "Company", "City")


class _Feed:
    """Nobody listens."""

    def changed(self, *args: object, **named: object) -> None:
        """Nothing is told."""


class _Threads:
    def submit(self, run: object) -> None:
        threading.Thread(target=run).start()  # type: ignore[arg-type]


class _Committing:
    """Commits durably, again and again, and notes how long each commit takes."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._over = threading.Event()
        self.waits_ms: list[float] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.005):
            began = time.perf_counter()
            with self._store.begin(durable=True) as unit:
                unit.settings.put("bench", str(began))
                unit.commit()
            self.waits_ms.append((time.perf_counter() - began) * 1000)


def _people() -> list[tuple[str, ...]]:
    return [
        (f"person{n}@company{n % 977}.example", f"First{n % 100}", f"Last{n}", f"Company {n % 977}", "Lisbon")
        for n in range(PROSPECTS)
    ]


def _bare_s(people: list[tuple[str, ...]], folder: Path) -> float:
    began = time.perf_counter()
    with sqlite3.connect(folder / "bare.db") as connection:
        connection.execute("create table people (email, first, last, company, city)")
        connection.executemany("insert into people values (?, ?, ?, ?, ?)", people)
    connection.close()
    return time.perf_counter() - began


def test_imports(tmp_path: Path) -> None:
    people = _people()
    file = tmp_path / "people.csv"
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([FIELDS, *people])
    began = time.perf_counter()
    assert sum(1 for _ in csv_file.rows(str(file))) > PROSPECTS - 1
    reading_s = time.perf_counter() - began

    clock = FakeClock()
    store = SqliteStore(tmp_path / "reply.db", clock)
    with store.begin() as unit:
        unit.sequences.add(Sequence("s", "Spring", clock.now(), SequenceStatus.DRAFT))
        unit.commit()
    bus, over = Bus(), threading.Event()
    ends: list[events.ImportProgress] = []

    def heard(event: events.Event) -> None:
        if isinstance(event, events.ImportProgress) and (event.report or event.error):
            ends.append(event)
            over.set()

    bus.listen(heard)
    imports = Imports(store, csv_file, _Feed(), bus, clock, _Threads(), new_id, lambda: None)
    alone = _Committing(store)
    threading.Event().wait(3)
    alone.stop()
    looking = _Committing(store)
    began = time.perf_counter()
    for _ in range(PREVIEWS):
        imports.preview(str(file))
    preview_s = (time.perf_counter() - began) / PREVIEWS
    looking.stop()
    meanwhile = _Committing(store)
    began, cpu = time.perf_counter(), time.process_time()
    imports.start("s", str(file), None, "one")
    assert over.wait(600)
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    meanwhile.stop()
    (end,) = ends
    assert end.report is not None and end.report.enrolled == PROSPECTS, end
    bare_s = _bare_s(people, tmp_path)
    print(
        f"\n{PROSPECTS:,} prospects: {took_s:.1f} s, {cpu_s:.1f} CPU s (with the other thread's); reading the "
        f"file {reading_s:.2f} s; its preview {preview_s:.2f} s; the driver's bare insert {bare_s:.2f} s → × {took_s / bare_s:.0f}"
    )
    for name, waits in (
        ("alone", alone.waits_ms),
        ("during previews", looking.waits_ms),
        ("during the import", meanwhile.waits_ms),
    ):
        waits.sort()
        print(
            f"a durable commit {name}: median {statistics.median(waits):.1f} ms, "
            f"p99 {waits[int(len(waits) * 0.99)]:.0f} ms, longest {waits[-1]:.0f} ms ({len(waits):,} of them)"
        )
    store.close()
