"""The rooms of sequences, with two accounts that can send."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.sequence_rooms import Rooms


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    """On a store of its own, with ana and ben."""
    made = Rooms(tmp_path)
    made.account("ana")
    made.account("ben")
    yield made
    made.store.close()
