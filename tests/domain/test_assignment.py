"""Fair turns for new prospects, and stranded ones leave exactly as the policy says."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.assignment import leaves, moves_at, next_sender
from reply_desktop.domain.enrollment import Enrollment, EnrollmentState
from reply_desktop.domain.sequence import Stranded, StrandedKind

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
names = st.lists(st.sampled_from("abcdefgh"), unique=True)


def test_nobody_ready_nobody_chosen() -> None:
    assert next_sender((), {"a": NOW}) is None


def test_who_never_had_one_comes_first_in_the_persons_order() -> None:
    assert next_sender(("c", "b", "a"), {"c": NOW}) == "b"


def test_then_who_waits_the_longest() -> None:
    assert next_sender(("a", "b", "c"), {"a": NOW, "b": NOW - DAY, "c": NOW - DAY / 2}) == "b"


def test_ties_fall_to_the_persons_order() -> None:
    assert next_sender(("b", "a"), {"a": NOW, "b": NOW}) == "b"


def turns(ready: list[str], last: dict[str, datetime], count: int) -> Counter[str]:
    got: Counter[str] = Counter()
    now = max(last.values(), default=NOW)
    for index in range(1, count + 1):
        chosen = next_sender(ready, last)
        assert chosen in ready
        last[chosen] = now + timedelta(seconds=index)
        got[chosen] += 1
    return got


@given(
    names.filter(bool), st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 99)), st.integers(0, 60)
)
def test_turns_are_fair_whatever_was_before(ready: list[str], before: dict[str, int], count: int) -> None:
    got = turns(ready, {one: NOW - timedelta(hours=ago) for one, ago in before.items()}, count)
    counts = [got[one] for one in ready]
    assert max(counts) - min(counts) <= 1


@given(st.permutations("abcd"), st.integers(1, 20))
def test_who_was_out_and_is_back_makes_up_for_one_turn_only(ready: list[str], count: int) -> None:
    last: dict[str, datetime] = {}
    turns(ready, last, len(ready))
    turns(ready[1:], last, count)
    got = turns(ready, last, len(ready))
    assert set(got.values()) == {1}


def enrollment(
    state: EnrollmentState = EnrollmentState.WAITING,
    done: int = 0,
    due_at: datetime | None = NOW,
    account_id: str | None = "a",
) -> Enrollment:
    return Enrollment("e", "s", "p", 1, state, account_id, done, due_at)


W, A = EnrollmentState.WAITING, EnrollmentState.ACTIVE
WAIT = Stranded()
AFTER = Stranded(StrandedKind.MOVE_AFTER, 3600.0)
UNSTARTED = Stranded(StrandedKind.MOVE_UNSTARTED)


@pytest.mark.parametrize(
    ("policy", "given_", "expected"),
    [
        (WAIT, enrollment(W), None),
        (WAIT, enrollment(A, 1), None),
        (AFTER, enrollment(W), NOW - DAY + timedelta(hours=1)),
        (AFTER, enrollment(A, 2), NOW - DAY + timedelta(hours=1)),
        (UNSTARTED, enrollment(W), NOW - DAY),
        (UNSTARTED, enrollment(A, 1), None),
        (UNSTARTED, replace(enrollment(A), last_sent_at=NOW - 2 * DAY), None),
    ],
)
def test_when_it_moves(policy: Stranded, given_: Enrollment, expected: datetime | None) -> None:
    assert moves_at(policy, given_, NOW - DAY) == expected
    assert leaves(policy, given_, NOW - DAY, NOW) is (expected is not None)


@pytest.mark.parametrize(
    ("policy", "given_"),
    [
        *product(
            (WAIT, AFTER, UNSTARTED),
            (
                enrollment(EnrollmentState.IN_DOUBT, 0, None),
                enrollment(EnrollmentState.FINISHED, 0, None),
                enrollment(W, due_at=None),
                enrollment(A, 1, due_at=None),
                enrollment(W, account_id=None),
            ),
        )
    ],
)
def test_in_flight_in_doubt_ended_or_unpinned_never_moves(policy: Stranded, given_: Enrollment) -> None:
    assert not leaves(policy, given_, NOW - 365 * DAY, NOW)


@pytest.mark.parametrize("policy", [WAIT, AFTER, UNSTARTED])
def test_nobody_leaves_an_account_that_works(policy: Stranded) -> None:
    assert not leaves(policy, enrollment(), None, NOW)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_grace_is_kept_to_the_second(after_s: float, out_s: float) -> None:
    policy = Stranded(StrandedKind.MOVE_AFTER, after_s)
    out_since = NOW - timedelta(seconds=out_s)
    assert leaves(policy, enrollment(), out_since, NOW) is (out_since + timedelta(seconds=after_s) <= NOW)
