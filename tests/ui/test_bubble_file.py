"""What is kept of the bubbles that are shown, and what is made of a file that is not as it was written."""

from pathlib import Path

import pytest

from reply_desktop.ui.bubble_file import Bubbles, keep, kept

SHOWN = Bubbles("a bus", ":1.5", (3, 4))


def test_what_is_kept_is_found_and_nothing_leaves_no_file(tmp_path: Path) -> None:
    file = tmp_path / "bubbles.json"
    assert kept(file) == Bubbles()
    keep(file, SHOWN)
    assert kept(file) == SHOWN
    keep(file, Bubbles("a bus", ":1.5"))
    keep(file, Bubbles("a bus", ":1.5"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"bus": "b", "service": ":1.5", "numbers": 3}',
        b'{"bus": "b", "service": ":1.5", "numbers": ["x"]}',
    ],
)
def test_a_broken_file_is_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bubbles.json"
    file.write_bytes(content)
    assert kept(file) == Bubbles()


def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    keep(tmp_path / "taken" / "bubbles.json", SHOWN)
    keep(tmp_path / "taken" / "bubbles.json", Bubbles())
    assert kept(tmp_path / "taken" / "bubbles.json") == Bubbles()
