"""An open store in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reply_desktop.adapters.store.database import SqliteStore
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
