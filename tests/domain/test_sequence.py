"""Every move of every status of a sequence, and its steps."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.sequence import (
    AUTO_START_S,
    ON,
    SEQUENCE_MOVES,
    STATUS_WORDS,
    Sequence,
    SequenceMove,
    SequenceStatus,
    Step,
    moved,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)

D, C, R, P, F = (
    SequenceStatus.DRAFT,
    SequenceStatus.SCHEDULED,
    SequenceStatus.RUNNING,
    SequenceStatus.PAUSED,
    SequenceStatus.FINISHED,
)

EXPECTED = {
    # status: LAUNCH, BEGIN, PAUSE, FINISH
    D: (C, None, None, None),
    C: (C, R, P, None),
    R: (None, None, P, F),
    P: (C, None, None, None),
    F: (C, None, None, None),
}


@pytest.mark.parametrize(("status", "move"), [*product(SequenceStatus, SequenceMove)])
def test_every_move_of_every_status(status: SequenceStatus, move: SequenceMove) -> None:
    given = Sequence("s", "Spring", NOW, status, start_at=NOW, started_at=None)
    expected = EXPECTED[status][list(SequenceMove).index(move)]
    if expected is None:
        with pytest.raises(InvalidInput, match="“Spring”"):
            moved(given, move, LATER)
        return
    after = moved(given, move, LATER)
    assert after.status is expected
    assert replace(after, status=status, start_at=NOW, started_at=None) == given


def test_a_launch_sets_when_it_starts() -> None:
    given = Sequence("s", "Spring", NOW)
    assert moved(given, SequenceMove.LAUNCH, NOW, LATER).start_at == LATER
    assert moved(given, SequenceMove.LAUNCH, NOW).start_at == NOW


def test_the_first_beginning_is_remembered() -> None:
    given = Sequence("s", "Spring", NOW, C, start_at=NOW)
    begun = moved(given, SequenceMove.BEGIN, NOW)
    assert begun.started_at == NOW
    again = moved(
        moved(moved(begun, SequenceMove.PAUSE, LATER), SequenceMove.LAUNCH, LATER), SequenceMove.BEGIN, LATER
    )
    assert (again.started_at, again.status) == (NOW, R)


@pytest.mark.parametrize("move", [SequenceMove.PAUSE, SequenceMove.FINISH])
def test_what_has_stopped_starts_at_no_time(move: SequenceMove) -> None:
    assert moved(Sequence("s", "Spring", NOW, R, start_at=NOW), move, LATER).start_at is None


def test_every_status_has_moves_and_a_word() -> None:
    assert set(SEQUENCE_MOVES) == set(STATUS_WORDS) == set(SequenceStatus)
    assert len(set(STATUS_WORDS.values())) == len(SequenceStatus)
    reached = {status for row in SEQUENCE_MOVES.values() for status in row.values()}
    assert reached | {D} == set(SequenceStatus)


@pytest.mark.parametrize("status", SequenceStatus)
def test_the_toggle_is_on_when_it_can_be_paused(status: SequenceStatus) -> None:
    assert Sequence("s", "Spring", NOW, status).is_on is (SequenceMove.PAUSE in SEQUENCE_MOVES[status])
    assert (status in ON) is (SequenceMove.PAUSE in SEQUENCE_MOVES[status])


def test_it_starts_by_itself_in_ten_to_twenty_minutes() -> None:
    assert 600 <= AUTO_START_S <= 1200


STEPS = tuple(Step(f"st{number}", number, 0.0, "", "Hi") for number in (1, 3, 4))


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "st1"), (1, "st3"), (2, "st3"), (3, "st4"), (4, None), (9, None)]
)
def test_the_step_after(number: int, expected: str | None) -> None:
    following = Sequence("s", "Spring", NOW, steps=STEPS).step_after(number)
    assert (following.id if following else None) == expected


@pytest.mark.parametrize(("step_id", "there"), [("st3", True), ("st2", False), (None, False)])
def test_a_step_by_its_id(step_id: str | None, there: bool) -> None:
    found = Sequence("s", "Spring", NOW, steps=STEPS).step(step_id)
    assert (found in STEPS) is there
