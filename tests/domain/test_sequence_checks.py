"""What a sequence must keep to."""

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest

from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.sequence import Ramp, Sequence, Step, Stranded, StrandedKind
from reply_desktop.domain.sequence_checks import check_sequence, timezone_hint
from reply_desktop.domain.window import SendingWindow

STEP = Step("s1", 1, 0.0, "Hello", "Text")
GOOD = Sequence("1", "Spring", datetime(2026, 3, 2, tzinfo=UTC), steps=(STEP,))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"steps": ()},
        {"steps": (STEP, replace(STEP, id="s2", number=2, subject=""))},
        {"window": SendingWindow((7,), time(0), time(0), "Asia/Kathmandu")},
        {"window": SendingWindow(opens=time(22), closes=time(0))},
        {"gap_s": (0.0, 0.0)},
        {"daily_limit": 10_000, "ramp": Ramp(1, 1)},
        {"stranded": Stranded(StrandedKind.MOVE_AFTER, 0.0)},
    ],
)
def test_fine(change: dict[str, Any]) -> None:
    check_sequence(replace(GOOD, **change))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "a\nb"}, "name"),
        ({"sender_name": "Eve\r\nBcc: x@y.zz"}, "sender's name"),
        ({"sender_name": "x" * 101}, "sender's name"),
        ({"gap_s": (0.0, 86_401.0)}, "gap"),
        ({"gap_s": (-1.0, 5.0)}, "gap"),
        ({"daily_limit": 10_001}, "10,000"),
        ({"ramp": Ramp(0, 5)}, "Warming up"),
        ({"stranded": Stranded(StrandedKind.MOVE_AFTER, float("inf"))}, "out of range"),
        ({"window": SendingWindow(days=(0,))}, "no day"),
        ({"window": SendingWindow(days=(2, 1))}, "in order"),
        ({"window": SendingWindow(opens=time(9), closes=time(9))}, "ends at 09:00"),
        ({"window": SendingWindow(timezone="../etc/passwd")}, "not a time zone"),
        ({"steps": (replace(STEP, after_s=float("nan")),)}, "Step 1 waits"),
        ({"steps": (replace(STEP, subject="a\r\nBcc: x@y.zz"),)}, "subject of step 1"),
        ({"steps": (replace(STEP, body=" \n"),)}, "Step 1 has no text"),
        ({"steps": (replace(STEP, body="x" * 200_001),)}, "too long"),
    ],
)
def test_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        check_sequence(replace(GOOD, **change))
    assert caught.value.todo


def test_a_hint_for_a_mistyped_zone() -> None:
    assert timezone_hint("Europe/Berln") == "Did you mean Europe/Berlin?"
    assert "Europe/Berlin" in timezone_hint("nonsense")
