"""The store at 100 to 100,000 accounts and prospects.

Accounts stand beside a naive ORM that loads and saves one account per session, prospects beside the driver
alone: rows put into a bare table, its rows counted, one row added and changed per commit.

Run: make bench ARGS=tests/benchmarks/bench_store.py. Every figure is the best of several runs.
"""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
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
from reply_desktop.domain.enrollment import Enrollment, EnrollmentState
from reply_desktop.domain.episode import Episode
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import SORTS, AccountFilter
from reply_desktop.domain.sequence import Sequence, SequenceStatus, Step
from reply_desktop.domain.sequence_rows import PROSPECT_SORTS, LogFilter, ProspectFilter
from reply_desktop.domain.states import STORED, Color, State
from reply_desktop.domain.touch import Touch, TouchState
from tests.fakes.clock import START, FakeClock

SIZES = (100, 1_000, 10_000, 100_000)
LIST_MS = {10_000: 15.0, 100_000: 60.0}
"""Targets for one list of ids, by number of accounts."""
PROSPECTS_MS = {10_000: 15.0, 100_000: 60.0}
"""Targets for one list of a sequence's prospects, by their number; for half of them, sorted anew, half more."""
TOUCHES = 500
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


def crowd(count: int) -> tuple[list[Prospect], list[Enrollment]]:
    """Prospects as a file has them, enrolled in a sequence and due at once."""
    chance = random.Random(count)
    prospects = [
        Prospect(
            f"{chance.getrandbits(128):032x}",
            f"{chance.getrandbits(40):010x}.person{number}@company{number % 1000}.example",
            START,
            {"first_name": "Ann", "company": f"Company {number % 1000}", "city": "Bonn"},
        )
        for number in range(count)
    ]
    enrollments = [
        Enrollment(f"{chance.getrandbits(128):032x}", "s", one.id, ordinal, due_at=START)
        for ordinal, one in enumerate(prospects, start=1)
    ]
    return prospects, enrollments


@pytest.fixture(scope="module", params=SIZES)
def enrolled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SqliteStore, list[Enrollment]]]:
    """A store with a sequence of ten accounts and that many prospects; half of them have had a step."""
    folder = tmp_path_factory.mktemp("sequence")
    store = SqliteStore(folder / "reply.db", FakeClock())
    senders = population(10)
    prospects, enrollments = crowd(request.param)
    with store.begin() as unit:
        for account in senders:
            unit.accounts.add(account)
        steps = (Step("one", 1, 0.0, "Hello", "Hello {{first_name}}"), Step("two", 2, 86_400.0, "", "And?"))
        ids = tuple(account.id for account in senders)
        unit.sequences.add(Sequence("s", "Spring", START, SequenceStatus.RUNNING, ids, steps))
        unit.commit()

    def imported() -> None:
        with store.begin() as unit:
            known = unit.prospects.known([one.email for one in prospects])
            unit.suppressions.among([one.email for one in prospects])
            assert not known
            unit.prospects.put_many(prospects)
            unit.enrollments.add_many(enrollments)
            unit.commit()

    print(f"\n== {len(prospects):,} prospects")
    told_rate("import, all in one unit of work", best_ms(imported, 1), len(prospects))
    bare = best_ms(partial(bare_import, folder / "bare.db", prospects), 1)
    told_rate("driver alone: executemany, no index", bare, len(prospects))
    chance = random.Random(1)
    with store.begin() as unit:
        for number, one in enumerate(enrollments[::2]):
            at = START - timedelta(seconds=chance.random() * 864_000)
            unit.enrollments.save(stepped(one, ids[number % 10], at))
            unit.log.add([LogEntry(at, "s", LogKind.SENT, "Step 1 was sent.", ids[number % 10])])
        unit.commit()
    yield store, enrollments
    store.close()


def stepped(one: Enrollment, account_id: str, at: datetime) -> Enrollment:
    """The enrollment once its first step was sent."""
    due = at + timedelta(days=1)
    return replace(
        one, state=EnrollmentState.ACTIVE, account_id=account_id, done=1, last_sent_at=at, due_at=due
    )


def told_rate(name: str, took_ms: float, count: int) -> None:
    """Print what one of so many took."""
    print(f"{name:44} {count / took_ms * 1000:9,.0f}/s  {took_ms:10.1f} ms in all")


def bare_import(path: Path, prospects: list[Prospect]) -> None:
    """The baseline: the same texts in a table without index, key or check."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE prospects (id, email, created_at, fields)")
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO prospects VALUES (?, ?, ?, ?)", ((one.id, one.email, 0, "{}") for one in prospects)
    )
    connection.execute("COMMIT")
    connection.close()


def test_prospect_lists(enrolled: tuple[SqliteStore, list[Enrollment]], tmp_path: Path) -> None:
    store, everyone = enrolled
    reads = store.reads.sequences
    some = {
        "text": ProspectFilter("s", text="company77"),
        "state": ProspectFilter("s", states=(EnrollmentState.ACTIVE,)),
    }
    wanted = {
        f"{sort} {'down' if descending else 'up'}": ProspectFilter("s", sort=sort, descending=descending)
        for sort in PROSPECT_SORTS
        for descending in (True, False)
    } | {f"{sort}, {name}": replace(one, sort=sort) for name, one in some.items() for sort in PROSPECT_SORTS}
    slow = []
    for name, one in wanted.items():
        limit = PROSPECTS_MS.get(len(everyone))
        if limit is not None and one.states and one.sort != "state":
            limit *= 1.5
        took = best_ms(partial(reads.prospect_ids, one), 7, time.process_time)
        over = limit is not None and took > limit
        target = f"  (target {limit:.0f})" if limit else ""
        print(f"prospects by {name:22} {took:8.2f} ms{target}{'  OVER' if over else ''}")
        if over:
            slow.append(name)
    path = store._path

    def counted() -> None:
        connection = sqlite3.connect(path)
        connection.execute("SELECT count(*) FROM enrollments WHERE sequence_id = 's'").fetchone()
        connection.close()

    ids = reads.prospect_ids(ProspectFilter("s"))
    until = START + timedelta(days=2)
    others: dict[str, Callable[[], object]] = {
        "50 rows": lambda: reads.prospect_rows(ids[:50]),
        "row of the sequence, with counts": reads.rows,
        "due by the minute": lambda: reads.due_counts("s", until),
        "log, a page of 200": lambda: reads.log(LogFilter("s"), 200, 0),
        "log, a search": lambda: reads.log(LogFilter("s", text="nothing"), 200, 0),
        "driver alone: count of all rows": counted,
    }
    for name, run in others.items():
        print(f"{name:35} {best_ms(run, 5, time.process_time):8.2f} ms")
    assert not slow, f"over the target: {', '.join(slow)}"


def test_touches(enrolled: tuple[SqliteStore, list[Enrollment]], tmp_path: Path) -> None:
    store, everyone = enrolled
    count = min(TOUCHES, len(everyone) // 2)

    def sent() -> None:
        for number in range(count):
            with store.begin(durable=True) as unit:
                one = unit.enrollments.next_unpinned("s", START)
                assert one is not None
                account = unit.accounts.ids()[number % 10]
                unit.touches.counted_since(account, START - timedelta(days=1))
                touch = Touch(f"t{number}", one.id, "s", "one", account, TouchState.SENDING, START)
                unit.touches.add(touch)
                reserved = replace(one, account_id=account, due_at=None)
                unit.enrollments.save(reserved)
                unit.commit()
            with store.begin() as unit:
                unit.touches.save(replace(touch, state=TouchState.SENT, settled_at=START, attempts=1))
                unit.enrollments.save(stepped(reserved, account, START))
                unit.log.add([LogEntry(START, "s", LogKind.SENT, "Step 1 was sent.", account)])
                unit.commit()

    ours = best_ms(sent, 1)
    bare = best_ms(partial(bare_touches, tmp_path / "bare.db", count), 1)
    for name, took in (
        ("reserve, forced to the disk, and settle", ours),
        ("driver alone: two commits", bare),
    ):
        print(f"{name:44} {took / count * 1000:9.1f} µs for each of {count:,}")


def bare_touches(path: Path, count: int) -> None:
    """The baseline: one row added and forced to the disk, then changed, each in a transaction of its own."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE touches (id TEXT PRIMARY KEY, state TEXT)")
    for number in range(count):
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("INSERT INTO touches VALUES (?, 'sending')", (f"{number}",))
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("UPDATE touches SET state = 'sent' WHERE id = ?", (f"{number}",))
    connection.close()
