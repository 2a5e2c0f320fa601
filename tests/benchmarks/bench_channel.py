"""The channel between two processes, beside pickle over a multiprocessing pipe, the naive way."""

import multiprocessing
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.channel.launch import ensure_engine, stop_engine
from reply_desktop.config import Config
from tests.fakes.engine import row

STUB = Path(__file__).parents[1] / "channel" / "engine_stub.py"
ASKS = 5000


def median_and_p99(run: Callable[[], Any], times: int) -> str:
    took = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        took.append((time.perf_counter() - start) * 1e6)
    took.sort()
    return f"median {statistics.median(took):7.0f} µs, p99 {took[int(times * 0.99)]:7.0f} µs"


def millis(run: Callable[[], Any]) -> float:
    took = []
    for _ in range(7):
        start = time.perf_counter()
        run()
        took.append((time.perf_counter() - start) * 1e3)
    return statistics.median(took)


def naive(pipe: Connection, ids: int) -> None:
    """The other end of a pipe: each message pickled, each row an event of its own."""
    index = m.AccountIndex(tuple(f"{number:032x}" for number in range(ids)))
    rows = [row(number, f"a{number}@x.example") for number in range(100)]
    while True:
        match pipe.recv():
            case m.MarkRead():
                pipe.send(m.Done())
            case m.ListAccounts():
                pipe.send(index)
            case m.NetworkHint(what=what):
                for number in range(int(what)):
                    pipe.send(replace(rows[number % 100], sent_today=number))
            case _:
                return


@pytest.fixture
def pipe(request: pytest.FixtureRequest) -> Iterator[Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=naive, args=(theirs, request.param))
    child.start()
    yield ours
    ours.send(m.Shutdown())
    child.join()
    ours.close()


def command(config: Config, ids: int = 10) -> list[str]:
    return [sys.executable, str(STUB), "--data-dir", str(config.data_dir), "--ids", str(ids)]


@pytest.mark.parametrize("pipe", [10], indirect=True)
def test_round_trip(tmp_path: Path, pipe: Connection) -> None:
    config = Config(tmp_path)
    client = ensure_engine(config, command=command(config))

    def naively() -> None:
        pipe.send(m.MarkRead())
        pipe.recv()

    for _ in range(3):
        print(f"\nask, one after the other: channel {median_and_p99(lambda: client.ask(m.MarkRead()), ASKS)}")
        print(f"                    naive pickle {median_and_p99(naively, ASKS)}")
    left = threading.Semaphore(0)
    start = time.perf_counter()
    for _ in range(ASKS):
        client.ask_async(m.MarkRead(), lambda _: left.release(), lambda error: left.release())
    for _ in range(ASKS):
        left.acquire()
    print(f"asks without waiting for each other: {ASKS / (time.perf_counter() - start):,.0f}/s")
    stop_engine(client, config)


@pytest.mark.parametrize(("ids", "pipe"), [(10_000, 10_000), (100_000, 100_000)], indirect=["pipe"])
def test_account_index(tmp_path: Path, pipe: Connection, ids: int) -> None:
    config = Config(tmp_path)
    client = ensure_engine(config, command=command(config, ids))

    def naively() -> None:
        pipe.send(m.ListAccounts())
        assert len(pipe.recv().ids) == ids

    def ours() -> None:
        assert len(client.ask(m.ListAccounts()).ids) == ids

    print(f"\nAccountIndex of {ids:,}: channel {millis(ours):.1f} ms, naive pickle {millis(naively):.1f} ms")
    stop_engine(client, config)


@pytest.mark.parametrize("pipe", [10], indirect=True)
@pytest.mark.parametrize(("accounts", "rows"), [(10_000, 10_000), (100, 100_000)])
def test_row_events(tmp_path: Path, pipe: Connection, accounts: int, rows: int) -> None:
    config = Config(tmp_path)
    last, seen, frames, delivered = threading.Event(), dict[str, int](), 0, 0

    def on_event(event: Any) -> None:
        nonlocal frames, delivered
        frames += 1
        delivered += len(event.rows)
        seen.update((each.id, each.sent_today) for each in event.rows)
        if len(seen) == accounts and min(seen.values()) >= rows - accounts:
            last.set()

    client = ensure_engine(config, events=True, on_event=on_event, command=command(config, accounts))
    start, busy = time.perf_counter(), time.process_time()
    client.ask(m.NetworkHint(f"rows {rows}"))
    assert last.wait(60)
    took, busy = time.perf_counter() - start, time.process_time() - busy
    print(
        f"\n{rows:,} row events of {accounts:,} accounts: channel {rows / took:,.0f}/s "
        f"(all at the front after {took * 1e3:.0f} ms), front busy {busy:.2f} s, {frames} frames, "
        f"{delivered:,} rows delivered"
    )
    start, busy = time.perf_counter(), time.process_time()
    pipe.send(m.NetworkHint(str(rows)))
    for _ in range(rows):
        pipe.recv()
    took, busy = time.perf_counter() - start, time.process_time() - busy
    print(f"    naive pickle, one message each: {rows / took:,.0f}/s, front busy {busy:.2f} s")
    stop_engine(client, config)
