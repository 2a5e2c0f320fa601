"""A command's connection against a real engine without accounts."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.channel.launch import stop_running
from reply_desktop.cli.front import Front
from reply_desktop.config import Config
from reply_desktop.domain.errors import EngineUnavailable, NotFound
from reply_desktop.domain.events import ImportProgress
from reply_desktop.domain.sequence import Sequence


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


def test_import_end_is_waited_for_to_its_report(front: Front, tmp_path: Path) -> None:
    sequence = Sequence("", "Spring", datetime(2026, 3, 2, tzinfo=UTC))
    made = front.ask(m.SaveSequence(sequence)).row
    (tmp_path / "p.csv").write_text("email,name\none@prospect.example,One\nnonsense,Two\n")
    told: list[ImportProgress] = []
    started = front.ask(m.ImportProspects(made.id, str(tmp_path / "p.csv")))
    ended = front.import_end(started.import_id, told.append)
    assert ended.error is None and ended.report is not None
    assert (ended.report.enrolled, ended.report.invalid) == (1, 1) and told[-1] == ended


def test_import_end_tells_what_went_wrong(front: Front, tmp_path: Path) -> None:
    made = front.ask(m.SaveSequence(Sequence("", "Spring", datetime(2026, 3, 2, tzinfo=UTC)))).row
    started = front.ask(m.ImportProspects(made.id, str(tmp_path / "none.csv")))
    ended = front.import_end(started.import_id, lambda event: None)
    assert ended.report is None and "none.csv" in str(ended.error)


def test_an_engine_that_goes_while_we_wait_is_said(front: Front) -> None:
    front.ask(m.Shutdown())
    with pytest.raises(EngineUnavailable):
        front.consent_end("never")
