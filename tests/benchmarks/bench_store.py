"""The store at 100 to 100,000 accounts, beside a naive ORM that loads and saves one account per session.

Run: make bench ARGS=tests/benchmarks/bench_store.py. Every figure is the best of several runs.
"""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.orm import DeclarativeBase, Session

from reply_desktop.adapters.store import tables
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.episode import Episode
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import SORTS, AccountFilter
from reply_desktop.domain.states import STORED, Color, State
from tests.fakes.clock import START, FakeClock

SIZES = (100, 1_000, 10_000, 100_000)
LIST_MS = {10_000: 15.0, 100_000: 60.0}
"""Targets for one list of ids, by number of accounts."""
SAVES = 2_000
THREADS = 16
LATER = START + timedelta(minutes=5)


class Base(DeclarativeBase):
    """The naive baseline's classes, on the very same tables."""


class NaiveAccount(Base):
    """An account as an ORM maps it without further thought."""

    __table__ = tables.accounts


def population(count: int) -> list[Account]:
    """Accounts as a large sender has them: most connected, a few in every other state."""
    chance = random.Random(count)
    states = chance.choices(STORED, [1, 80, 10, 5, 2, 1], k=count)
    return [
        Account(
            f"{chance.getrandbits(128):032x}",
            chance.choice(list(Provider)),
            f"{chance.getrandbits(40):010x}.person{number}@company{number % 1000}.example",
            START - timedelta(days=chance.randrange(60)),
            state,
            None if state is State.CONNECTED else chance.choice(list(Cause)),
            None if state is State.CONNECTED else "AADSTS50173: The provided grant has expired. " * 2,
            START - timedelta(seconds=chance.random() * 900),
            START - timedelta(seconds=chance.random() * 900),
            START + timedelta(seconds=chance.random() * 900),
            generation=1,
            subject=str(chance.getrandbits(60)),
            scopes=("openid", "https://www.googleapis.com/auth/userinfo.email", "gmail.send"),
            granted_at=START - timedelta(days=chance.randrange(60)),
        )
        for number, state in enumerate(states)
    ]


@pytest.fixture(scope="module", params=SIZES)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SqliteStore, list[Account]]]:
    """A store with that many accounts, one in ten with an episode."""
    store = SqliteStore(tmp_path_factory.mktemp("store") / "reply.db", FakeClock())
    everyone = population(request.param)
    started = time.perf_counter()
    with store.begin() as unit:
        for number, account in enumerate(everyone):
            unit.accounts.add(account)
            if number % 10 == 0:
                at = START - timedelta(days=number % 25)
                unit.episodes.add(Episode(account.id, account.id, Cause.OFFLINE, Color.ORANGE, at))
        unit.commit()
    per_s = len(everyone) / (time.perf_counter() - started)
    print(f"\n== {len(everyone):,} accounts; added in one unit of work, {per_s:,.0f}/s")
    yield store, everyone
    store.close()


def best_ms(
    run: Callable[[], object], times: int = 5, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The quickest of several runs, in milliseconds."""
    best = float("inf")
    for _ in range(times):
        started = clock()
        run()
        best = min(best, clock() - started)
    return best * 1000


def test_lists(filled: tuple[SqliteStore, list[Account]]) -> None:
    store, everyone = filled
    wanted = {
        f"{sort} {'down' if descending else 'up'}": AccountFilter(sort=sort, descending=descending)
        for sort in SORTS
        for descending in (True, False)
    } | {
        "text, few found": AccountFilter(text="company77"),
        "text, all found": AccountFilter(text="PERSON"),
        "states": AccountFilter(states=(State.EXPIRED, State.BLOCKED)),
        "provider and text": AccountFilter(text="company77", providers=(Provider.GOOGLE,), sort="address"),
    }
    slow = []
    for name, one in wanted.items():
        # Processor time, which is what a quiet computer takes: a list waits for nothing.
        took = best_ms(partial(store.reads.account_ids, one), 7, time.process_time)
        limit = LIST_MS.get(len(everyone))
        over = limit is not None and took > limit
        print(
            f"ids by {name:18} {took:8.2f} ms"
            + (f"  (target {limit:.0f})" if limit else "")
            + ("  OVER" if over else "")
        )
        if over:
            slow.append(name)
    ids = store.reads.account_ids(AccountFilter())
    print(f"50 rows               {best_ms(lambda: store.reads.account_rows(ids[:50])):10.2f} ms")
    print(f"all rows              {best_ms(lambda: store.reads.account_rows(ids), 2):10.2f} ms")
    print(f"one row               {best_ms(lambda: store.reads.account_rows(ids[:1])):10.2f} ms")
    print(f"summary               {best_ms(store.reads.summary):10.2f} ms")
    with store.read() as unit:
        print(f"due, 256 of them      {best_ms(lambda: unit.accounts.due(LATER, 256)):10.2f} ms")
        print(f"stale                 {best_ms(lambda: unit.accounts.stale(START, 256)):10.2f} ms")

    def all_due() -> None:
        with store.begin() as unit:
            unit.accounts.make_due(START, states=(State.CONNECTED, State.AT_RISK), spread_s=60.0)
            unit.commit()

    print(f"make_due              {best_ms(all_due, 2):10.2f} ms")
    assert not slow, f"over the target: {', '.join(slow)}"


def test_saves(filled: tuple[SqliteStore, list[Account]], tmp_path: Path) -> None:
    store, everyone = filled
    chosen = random.Random(7).choices(everyone, k=SAVES)

    def checked(account: Account, number: int) -> Account:
        at = START + timedelta(seconds=number)
        return replace(account, proven_at=at, checked_at=at, next_check_at=at + timedelta(seconds=900))

    def one_by_one(durable: bool) -> Callable[[], None]:
        turn = iter(range(10))

        def run() -> None:
            offset = next(turn) * SAVES
            for number, account in enumerate(chosen):
                with store.begin(durable=durable) as unit:
                    before = unit.accounts.get(account.id)
                    assert before is not None
                    unit.accounts.save(checked(before, offset + number))
                    unit.commit()

        return run

    def batch() -> None:
        with store.begin() as unit:
            for number, account in enumerate(chosen):
                before = unit.accounts.get(account.id)
                assert before is not None
                unit.accounts.save(checked(before, number * 3))
            unit.commit()

    def rates(name: str, took_ms: float) -> float:
        rate = SAVES / took_ms * 1000
        print(f"{name:44} {rate:9,.0f}/s  {took_ms / SAVES * 1000:7.1f} µs each")
        return rate

    def load_all() -> None:
        for account in chosen:
            with store.read() as unit:
                unit.accounts.get(account.id)

    rates("load one, each in a reading unit", best_ms(load_all, 3))
    normal = rates("load and save, a unit of work each", best_ms(one_by_one(False), 3))
    rates("load and save, a durable unit of work each", best_ms(one_by_one(True), 3))
    with ThreadPoolExecutor(THREADS) as pool:
        rates(
            f"the same durable, from {THREADS} threads",
            best_ms(many_threads(store, chosen, checked, pool), 3),
        )
    rates("load and save, all in one unit of work", best_ms(batch, 3))
    naive = rates("naive ORM: session, get, commit each", best_ms(naive_saves(tmp_path, everyone, chosen), 2))
    assert normal > naive


def many_threads(
    store: SqliteStore,
    chosen: list[Account],
    checked: Callable[[Account, int], Account],
    pool: ThreadPoolExecutor,
) -> Callable[[], None]:
    """The same work as the engine's pool does it."""
    turn = iter(range(100, 110))

    def run() -> None:
        offset = next(turn) * SAVES

        def one(number: int) -> None:
            with store.begin(durable=True) as unit:
                before = unit.accounts.get(chosen[number].id)
                assert before is not None
                unit.accounts.save(checked(before, offset + number))
                unit.commit()

        list(pool.map(one, range(SAVES)))

    return run


def naive_saves(tmp_path: Path, everyone: list[Account], chosen: list[Account]) -> Callable[[], None]:
    """The baseline: SQLAlchemy's ORM as its tutorial shows it, in the same journal mode."""
    engine = create_engine(f"sqlite:///{tmp_path / 'naive.db'}")

    @event.listens_for(engine, "connect")
    def fast(connection: object, _: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[attr-defined]
        connection.execute("PRAGMA synchronous = NORMAL")  # type: ignore[attr-defined]

    tables.metadata.create_all(engine)
    from reply_desktop.adapters.store.records import account_values

    with engine.begin() as connection:
        connection.execute(tables.accounts.insert(), [account_values(account) for account in everyone])
    turn = iter(range(10))

    def run() -> None:
        offset = next(turn) * SAVES
        for number, account in enumerate(chosen):
            with Session(engine) as session:
                found: Any = session.get(NaiveAccount, account.id)
                assert found is not None
                at = 1_800_000_000_000_000 + (offset + number) * 1_000_000
                found.proven_at = found.checked_at = at
                found.next_check_at = at + 900_000_000
                session.commit()

    return run
