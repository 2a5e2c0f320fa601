"""Where prospects are after an edit, and how the edit is told."""

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.sequence import Ramp, Sequence, Step, Stranded, StrandedKind
from reply_desktop.domain.sequence_edits import carry_over, told_edit
from reply_desktop.domain.window import SendingWindow


def plan(ids: str, **waits: float) -> Sequence:
    """A sequence whose steps have these letters as ids."""
    steps = tuple(Step(one, n, waits.get(one, 60.0), one, one) for n, one in enumerate(ids, 1))
    return Sequence("1", "Spring", datetime(2026, 3, 2, tzinfo=UTC), accounts=("ana",), steps=steps)


@pytest.mark.parametrize(
    ("before", "after", "numbers", "waits"),
    [
        ("abc", "abc", {}, {}),
        ("abc", "ab", {3: 2}, {}),
        ("abc", "abcd", {}, {3: 60.0}),
        ("abc", "axbc", {2: 3, 3: 4}, {1: 60.0}),
        ("abc", "bc", {1: 0, 2: 1, 3: 2}, {}),
        ("abc", "c", {1: 0, 2: 0, 3: 1}, {0: 60.0}),
        ("abc", "xabc", {1: 2, 2: 3, 3: 4}, {}),
        ("abc", "ac", {2: 1, 3: 2}, {1: 60.0}),
        ("ab", "ba", {1: 2}, {}),
        ("ab", "", {1: 0, 2: 0}, {}),
    ],
)
def test_carried(before: str, after: str, numbers: dict[int, int], waits: dict[int, float]) -> None:
    carried = carry_over(plan(before), plan(after))
    assert (dict(carried.numbers), dict(carried.waits)) == (numbers, waits)
    assert carried.finished_from == (len(after) or None)


def test_a_changed_delay_concerns_who_waits_for_that_step() -> None:
    assert dict(carry_over(plan("abc"), plan("abc", b=90.0)).waits) == {1: 90.0}
    assert dict(carry_over(plan("abc"), plan("abc", a=90.0)).waits) == {}


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdefgh"), unique=True))
def test_nobody_gets_a_step_again(before: list[str], after: list[str]) -> None:
    old, new = plan("".join(before)), plan("".join(after))
    numbers = carry_over(old, new).numbers
    for far in range(len(before) + 1):
        to_come = after[numbers.get(far, far) :]
        assert not set(before[:far]) & set(to_come)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "Summer"}, "“Summer”"),
        ({"window": SendingWindow((1, 7), time(8), time(12), "UTC")}, "Mon, Sun 08:00 to 12:00 UTC"),
        ({"gap_s": (60.0, 90.0)}, "60 to 90 seconds"),
        ({"daily_limit": 7}, "daily limit of 7"),
        ({"ramp": Ramp(5, 2)}, "5 mails and 2 more"),
        ({"stranded": Stranded(StrandedKind.MOVE_AFTER, 7200.0)}, "move after 2h"),
        ({"sender_name": "Ana"}, "“Ana”"),
        ({"unsubscribe": False}, "without a way to unsubscribe"),
        ({"stop_on_reply": False}, "goes on after a reply"),
        ({"accounts": ("ben",)}, "also sends from ben@x; it no longer sends from ana@x"),
    ],
)
def test_told(change: dict[str, Any], says: str) -> None:
    before = plan("ab")
    told = told_edit(before, replace(before, **change), lambda one: f"{one}@x")
    assert told.startswith("You changed the sequence: ") and says in told


def test_told_steps() -> None:
    told = told_edit(plan("abc"), plan("cbx", c=5.0), str)
    for part in ("step 1 was removed", "step 3 is new", "step 1 comes after 5s", "order of its steps"):
        assert part in told
    assert told_edit(plan("ab"), plan("ab"), str) == ""
    both = replace(plan("a"), accounts=("ana", "ben"))
    assert "order of its accounts" in told_edit(both, replace(both, accounts=("ben", "ana")), str)
