"""The suppression list, on a real store."""

import pytest

from reply_desktop.domain.enrollment import FinishReason
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.prospect import SuppressionReason
from reply_desktop.services.suppressions import MOST
from tests.fakes.sequence_rooms import Rooms


def test_adding_ends_what_is_open_everywhere(rooms: Rooms) -> None:
    spring, summer = rooms.running(rooms.saved()), rooms.saved("Summer")
    ended = [rooms.enroll(spring, "one", 1, "ana"), rooms.enroll(summer, "one")]
    other = rooms.enroll(spring, "two")
    rooms.suppressions.add(["ONE@prospect.example", "one@prospect.example"], "asked\nby phone")
    assert {rooms.enrolled(one.id).finish_reason for one in ended} == {FinishReason.SUPPRESSED}
    assert rooms.enrolled(other.id).finish_reason is None
    for sequence in (spring, summer):
        (entry,) = rooms.log(sequence, LogKind.SUPPRESSED)
        assert entry.prospect == "one@prospect.example"
    rows, total = rooms.suppressions.list("", 10, 0)
    (row,) = rows
    assert (row.email, row.reason, row.note, total) == (
        "one@prospect.example",
        SuppressionReason.ADDED,
        "asked by phone",
        1,
    )


def test_removing_lets_new_mail_but_nothing_starts_again(rooms: Rooms) -> None:
    one = rooms.enroll(rooms.saved(), "one")
    rooms.suppressions.add(["one@prospect.example"])
    rooms.suppressions.remove(["One@Prospect.example"])
    assert rooms.suppressions.list("", 10, 0)[1] == 0
    assert rooms.enrolled(one.id).finish_reason is FinishReason.SUPPRESSED


def test_one_bad_address_and_none_is_taken(rooms: Rooms) -> None:
    with pytest.raises(InvalidInput, match="nonsense"):
        rooms.suppressions.add(["fine@prospect.example", "nonsense"])
    with pytest.raises(InvalidInput, match="0 addresses"):
        rooms.suppressions.add([])
    with pytest.raises(InvalidInput, match="10,001"):
        rooms.suppressions.add(f"p{n}@prospect.example" for n in range(MOST + 1))
    assert rooms.suppressions.list("", 10, 0)[1] == 0


def test_the_list_is_searched(rooms: Rooms) -> None:
    rooms.suppressions.add(["one@prospect.example", "two@prospect.example"])
    rows, total = rooms.suppressions.list("TWO", 10, 0)
    assert ([row.email for row in rows], total) == (["two@prospect.example"], 1)
