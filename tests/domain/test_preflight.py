"""The first thing that is missing is told, with the one thing to do."""

from dataclasses import replace
from datetime import UTC, datetime, time
from itertools import product

import pytest

from reply_desktop.domain import preflight
from reply_desktop.domain.preflight import PROBLEM_WORDS
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.sequence import Sequence, Step
from reply_desktop.domain.window import SendingWindow

FINE = Sequence(
    "s", "Spring", datetime(2026, 3, 1, tzinfo=UTC), accounts=("a", "b"), steps=(Step("st", 1, 0.0, "Hi", "Hi"),)
)  # fmt: skip


@pytest.mark.parametrize("can_send", [{"a"}, {"b"}, {"a", "b", "c"}])
def test_nothing_is_missing(can_send: set[str]) -> None:
    assert preflight.check(FINE, can_send=can_send, open_prospects=1) is None


@pytest.mark.parametrize("missing", [*product((False, True), repeat=5)])
def test_of_several_the_first_is_told(missing: tuple[bool, ...]) -> None:
    no_accounts, none_can, no_prospects, no_steps, window_empty = missing
    given = replace(
        FINE,
        accounts=() if no_accounts else FINE.accounts,
        steps=() if no_steps else FINE.steps,
        window=SendingWindow(opens=time(9), closes=time(8)) if window_empty else FINE.window,
    )
    found = preflight.check(
        given, can_send={"c"} if none_can else {"b", "c"}, open_prospects=0 if no_prospects else 9
    )
    expected = [problem for problem, is_missing in zip(Problem, missing, strict=True) if is_missing]
    assert found is (expected[0] if expected else None)


@pytest.mark.parametrize("problem", Problem)
def test_every_problem_says_what_and_what_to_do(problem: Problem) -> None:
    words = preflight.words(problem, ["a@x.example"])
    assert words.what.endswith(".") and words.todo.endswith(".")
    assert "{" not in words.what + words.todo
    assert set(PROBLEM_WORDS) == set(Problem)


def test_accounts_are_named_where_it_helps() -> None:
    words = preflight.words(Problem.NO_ACCOUNT_CAN_SEND, ["a@x.example", "b@x.example"])
    assert words.what == "No sending account can send: a@x.example and b@x.example."


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d"], "a, b, c and d"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
    ],
)
def test_names_in_a_row(addresses: list[str], expected: str) -> None:
    assert preflight.named(addresses) == expected
