"""Requests on sequences reach their service, and each answer is of the class its request promises."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.domain import events
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput, NotFound
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Sequence, SequenceStatus, Step
from reply_desktop.domain.sequence_rows import LogFilter, ProspectFilter
from reply_desktop.domain.states import State
from reply_desktop.engine.build import Parts
from reply_desktop.engine.requests import Desk
from reply_desktop.engine.sequence_requests import test_sent as told_test
from reply_desktop.services.ports import SendResult
from tests.harness.waiting import wait_until

DRAFT = Sequence(
    "", "Spring", datetime(2026, 3, 2, tzinfo=UTC), accounts=("a1",), steps=(Step("", 1, 0.0, "Hi {{ name }}", "Text"),)
)  # fmt: skip


class Asked:
    """A desk that checks the class of every answer; one paused account, one sequence."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.desk = Desk(parts, lambda hand_over: None, lambda what: None)
        with parts.store.begin() as unit:
            now = parts.clock.now()
            unit.accounts.add(Account("a1", Provider.OTHER, "ana@example.com", now, State.PAUSED))
            unit.commit()
        self.sequence = self(m.SaveSequence(DRAFT)).sequence  # type: ignore[attr-defined]

    def __call__(self, request: object) -> object:
        answer = self.desk(request)
        assert isinstance(answer, type(request).Answer)  # type: ignore[attr-defined]
        return answer


@pytest.fixture
def ask(parts: Parts) -> Asked:
    return Asked(parts)


def test_each_reaches_its_service(ask: Asked, tmp_path: Path) -> None:
    sequence = ask.sequence
    log, people = LogFilter(sequence.id), ProspectFilter(sequence.id)
    for request in (
        m.ListSequences(),
        m.GetSequence("spring"),
        m.SaveSequence(replace(sequence, daily_limit=5)),
        m.LaunchSequence(sequence.id, ask.parts.clock.now() + timedelta(hours=1)),
        m.PauseSequence("Spring"),
        m.PauseSending(True),
        m.ListProspects(people),
        m.GetProspects(("gone",)),
        m.StopProspects(("gone",)),
        m.SettleDoubt(("gone",), was_sent=True),
        m.CancelImport("gone"),
        m.ListLog(log),
        m.FindLogEntry(log, entry_id=1),
        m.ExportLog(log, str(tmp_path / "log.csv")),
        m.ExportProspects(people, str(tmp_path / "people.csv")),
        m.PreviewStep(sequence, 1),
        m.GetForecast(sequence.id),
        m.ListSuppressions(),
        m.AddSuppressions(("one@prospect.example",)),
        m.RemoveSuppressions(("one@prospect.example",)),
        m.RemoveSequences((sequence.id,)),
    ):
        ask(request)


def test_launch_is_at_once_only_when_asked(ask: Asked) -> None:
    row = ask(m.LaunchSequence("Spring"))
    assert row.status is SequenceStatus.SCHEDULED  # type: ignore[attr-defined]
    assert row.start_at > ask.parts.clock.now() + timedelta(minutes=9)  # type: ignore[attr-defined]
    row = ask(m.LaunchSequence("Spring", now=True))
    assert row.start_at <= ask.parts.clock.now()  # type: ignore[attr-defined]


def test_sending_stays_paused(ask: Asked) -> None:
    ask(m.PauseSending(True))
    assert ask(m.ListSequences()).sending_paused  # type: ignore[attr-defined]


def test_import_is_answered_at_once_and_told_to_the_end(ask: Asked, tmp_path: Path) -> None:
    told: list[events.ImportProgress] = []
    ask.parts.bus.listen(lambda e: told.append(e) if isinstance(e, events.ImportProgress) else None)
    file = tmp_path / "people.csv"
    file.write_text("email,name\none@prospect.example,One\n")
    assert ask(m.PreviewImport(str(file))).rows == 1  # type: ignore[attr-defined]
    started = ask(m.ImportProspects("Spring", str(file)))
    wait_until(lambda: told and told[-1].report, "the import's report")
    assert told[-1].import_id == started.import_id  # type: ignore[attr-defined]
    ids = ask(m.ListProspects(ProspectFilter(ask.sequence.id))).ids  # type: ignore[attr-defined]
    (row,) = ask(m.GetProspects(ids)).rows  # type: ignore[attr-defined]
    assert ask(m.PreviewStep(ask.sequence, 1, row.id)).subject == "Hi One"  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        ask(m.ImportProspects("Summer", str(file)))


def test_a_test_step_is_refused_like_a_test_message(ask: Asked) -> None:
    with pytest.raises(InvalidInput, match=r"ana@example\.com is paused"):
        ask(m.TestStep(ask.sequence, 1, "a1"))


def test_what_a_test_came_to() -> None:
    assert told_test(SendResult(Outcome())) == m.TestSent(None, None, False)
    refused = SendResult(Outcome(Cause.MESSAGE_REFUSED, "550 no"), in_doubt=True)
    assert told_test(refused) == m.TestSent("message_refused", "550 no", True)


def test_changes_wake_the_sender(ask: Asked) -> None:
    woken: list[int] = []
    ask.parts.sequences.on_change = lambda: woken.append(1)
    ask(m.LaunchSequence("Spring"))
    assert woken
