"""Log and prospects as CSV files."""

import csv
from pathlib import Path

import pytest

from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.sequence_rows import LogFilter, ProspectFilter
from tests.fakes.clock import START
from tests.fakes.sequence_rooms import Rooms


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_log_newest_first_and_safe(rooms: Rooms, tmp_path: Path) -> None:
    made = rooms.saved()
    with rooms.store.begin() as unit:
        unit.log.add(
            LogEntry(START, made.id, LogKind.SENT, text, "ana@example.com") for text in ("=1+1", "second")
        )
        unit.commit()
    path = tmp_path / "log.csv"
    assert rooms.exports.log(LogFilter(made.id), str(path)) == 2
    header, newest, oldest = read(path)
    assert header == ["at", "kind", "account", "prospect", "text"]
    assert newest == ["2026-03-02T09:00:00Z", "Sent", "ana@example.com", "", "second"]
    assert oldest[-1] == "'=1+1"


def test_a_long_log_is_whole_and_has_nothing_twice(rooms: Rooms, tmp_path: Path) -> None:
    made = rooms.saved()
    with rooms.store.begin() as unit:
        unit.log.add(LogEntry(START, made.id, LogKind.SENT, str(number)) for number in range(2500))
        unit.commit()
    path = tmp_path / "log.csv"
    assert rooms.exports.log(LogFilter(made.id), str(path)) == 2500
    assert [row[-1] for row in read(path)[1:]] == [str(number) for number in reversed(range(2500))]


def test_prospects_with_their_fields(rooms: Rooms, tmp_path: Path) -> None:
    made = rooms.running(rooms.saved())
    rooms.enroll(made, "one", 1, "ana")
    rooms.prospects.stop([rooms.enroll(made, "two").id])
    path = tmp_path / "prospects.csv"
    assert rooms.exports.prospects(ProspectFilter(made.id), str(path)) == 2
    header, one, two = read(path)
    assert header[-1] == "first_name" and one[-1] == "One"
    assert one[0] == "one@prospect.example" and one[1] == "active" and one[3] == "ana@example.com"
    assert two[1] == "finished" and "Stopped" in two[2]


@pytest.mark.parametrize("path", ["log.csv", "no/such/folder/log.csv"])
def test_where_nothing_can_be_written(rooms: Rooms, tmp_path: Path, path: str) -> None:
    made = rooms.saved()
    with pytest.raises(InvalidInput):
        rooms.exports.log(LogFilter(made.id), path if path == "log.csv" else str(tmp_path / path))
