"""What the next hours bring, out of a real store."""

from datetime import time, timedelta

import pytest

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput, NotFound
from reply_desktop.domain.states import State
from reply_desktop.domain.window import SendingWindow
from tests.fakes.clock import START
from tests.fakes.sequence_rooms import Rooms

ALWAYS = SendingWindow((1, 2, 3, 4, 5, 6, 7), time(0), time(0))


def test_cells_add_up_to_what_is_due(rooms: Rooms) -> None:
    rooms.account("cem", State.EXPIRED, cause=Cause.GRANT_REVOKED)
    made = rooms.running(rooms.saved(accounts=("ana", "ben", "cem"), window=ALWAYS))
    for number in range(6):
        rooms.enroll(made, f"new{number}", due_at=START)
    rooms.enroll(made, "held", 1, "cem", due_at=START)
    rooms.enroll(made, "later", 1, "ben", due_at=START + timedelta(hours=30))
    found = rooms.forecasts(made.id)
    assert sum(cell.count for cell in found.cells) == 6 and found.held == 1 and found.beyond == 0
    assert {cell.account for cell in found.cells} == {"ana@example.com", "ben@example.com"}
    assert sum(cell.count for cell in rooms.forecasts(hours=48).cells) == 7


def test_what_was_sent_counts_towards_limits(rooms: Rooms) -> None:
    made = rooms.running(rooms.saved(accounts=("ana",), window=ALWAYS, daily_limit=2))
    rooms.enroll(made, "had", 1, "ana")
    for number in range(3):
        rooms.enroll(made, f"new{number}", due_at=START)
    found = rooms.forecasts(made.id, 12)
    assert (sum(cell.count for cell in found.cells), found.beyond) == (1, 2)


def test_drafts_are_no_part_of_all(rooms: Rooms) -> None:
    rooms.enroll(rooms.saved(window=ALWAYS), "one", due_at=START)
    assert rooms.forecasts().cells == ()


def test_what_cannot_be_told(rooms: Rooms) -> None:
    with pytest.raises(NotFound):
        rooms.forecasts("gone")
    for hours in (0, 337):
        with pytest.raises(InvalidInput, match="336"):
            rooms.forecasts(None, hours)
