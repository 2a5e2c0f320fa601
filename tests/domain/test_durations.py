"""Spans of time, as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.durations import parse_duration, write_duration
from reply_desktop.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0), ("3d 4h", 273600), ("90m", 5400), ("90min", 5400), ("1w", 604800), (" 45 s ", 45),
        ("1h30m", 5400), ("1.5h", 5400), ("2D", 172800),
    ],
)  # fmt: skip
def test_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "3", "3x", "d", "-3d", "3d4", "1e3s", "٣d", "3d, 4h", "1" * 40 + "d"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="3d 4h"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0"), (273600, "3d 4h"), (5400, "1h 30m"), (61.5, "1m 1.5s"), (0.000001, "0.000001s")]
)  # fmt: skip
def test_written_in_the_largest_units(seconds: float, text: str) -> None:
    assert write_duration(seconds) == text


@given(st.integers(0, 400 * 86_400 * 1000).map(lambda ms: ms / 1000))
def test_what_is_written_reads_the_same(seconds: float) -> None:
    assert parse_duration(write_duration(seconds)) == pytest.approx(seconds, abs=1e-6)
