"""A command's connection against a real engine without accounts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.channel.launch import stop_running
from reply_desktop.cli.front import Front
from reply_desktop.config import Config
from reply_desktop.domain.errors import EngineUnavailable, NotFound


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    config = Config(tmp_path / "data")
    front = Front(config)
    yield front
    front.close()
    stop_running(config)


def test_check_of_nothing_ends(front: Front) -> None:
    told: list[tuple[int, int]] = []
    assert front.check((), lambda done, total: told.append((done, total))) == []
    assert told == [(0, 0)]


def test_errors_come_as_what_they_are(front: Front) -> None:
    with pytest.raises(NotFound, match="nobody@example"):
        front.check(("nobody@example.com",), lambda done, total: None)


def test_an_engine_that_goes_while_we_wait_is_said(front: Front) -> None:
    front.ask(m.Shutdown())
    with pytest.raises(EngineUnavailable):
        front.consent_end("never")
