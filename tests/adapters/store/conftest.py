"""An open store in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reply_desktop.adapters.store.database import SqliteStore
from tests.adapters.store.nouns import a_prospect, a_sequence, an_account
from tests.fakes.clock import FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is, in a folder the store makes."""
    return tmp_path / "data" / "reply.db"


@pytest.fixture
def store(path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    """An open, empty store."""
    opened = SqliteStore(path, clock)
    yield opened
    opened.close()


@pytest.fixture
def peopled(store: SqliteStore) -> SqliteStore:
    """Accounts a, b, c; the running sequence s that sends from a and b; prospects p1 to p9, in none yet."""
    with store.begin() as unit:
        for name in "abc":
            unit.accounts.add(an_account(name))
        unit.sequences.add(a_sequence(accounts=("a", "b")))
        unit.prospects.put_many([a_prospect(f"p{number}") for number in range(1, 10)])
        unit.commit()
    return store


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """One store for drawn examples, with accounts a, b, c: nothing more is committed."""
    opened = SqliteStore(tmp_path_factory.mktemp("shared") / "reply.db", FakeClock())
    with opened.begin() as unit:
        for name in "abc":
            unit.accounts.add(an_account(name))
        unit.commit()
    yield opened
    opened.close()
