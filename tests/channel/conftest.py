"""Every test of the channel leaves no thread and no open connection behind."""

import threading
from collections.abc import Iterator

import pytest

from tests.harness.waiting import wait_until

OURS = ("channel-", "engine-watch")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Fails a test after which a thread of the channel lives on."""
    yield
    try:
        wait_until(lambda: not _left(), "end of the channel's threads", 5.0)
    except AssertionError:
        pytest.fail(f"threads live on: {', '.join(_left())}", pytrace=False)


def _left() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith(OURS)]
