"""The toggle's colour follows from the accounts alone, and the tooltip names who is out and what to do."""

from itertools import combinations_with_replacement, product

import pytest

from reply_desktop.domain.causes import CAUSES, Cause, words
from reply_desktop.domain.indicator import (
    MOST_TOLD,
    OFF_WORDS,
    OUT_WORDS,
    Sender,
    indicator,
    timed,
    tooltip,
)
from reply_desktop.domain.preflight import PROBLEM_WORDS
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.sequence import ON, SequenceStatus
from reply_desktop.domain.states import CAN_SEND, Color, OutcomeKind, State

RUNNING = SequenceStatus.RUNNING
ANA = Sender("ana@x.example", State.CONNECTED, None, "Google")
BEN = Sender("ben@x.example", State.EXPIRED, Cause.GRANT_REVOKED, "Google")
CLEO = Sender("cleo@x.example", State.BLOCKED, Cause.ADMIN_POLICY, "Microsoft 365")

ALL_PAIRS = [*combinations_with_replacement(State, 1), *combinations_with_replacement(State, 2)]


@pytest.mark.parametrize(("status", "states"), [*product(SequenceStatus, [(), *ALL_PAIRS])])
def test_every_status_with_every_pair_of_accounts(status: SequenceStatus, states: tuple[State, ...]) -> None:
    senders = [Sender(f"{index}@x.example", state) for index, state in enumerate(states)]
    able = [state in CAN_SEND for state in states]
    if status not in ON:
        expected = Color.GREY
    elif not any(able):
        expected = Color.RED
    else:
        expected = Color.GREEN if all(able) else Color.ORANGE
    assert indicator(status, senders) is expected
    said = tooltip(status, senders)
    if expected in (Color.RED, Color.ORANGE):
        assert all(sender.address in said for sender in senders)
    assert said.strip() == said and "\n\n" not in said


@pytest.mark.parametrize(("status", "problem"), [*product(SequenceStatus, Problem)])
def test_any_problem_is_red_while_it_is_on(status: SequenceStatus, problem: Problem) -> None:
    expected = Color.RED if status in ON else Color.GREY
    assert indicator(status, [ANA], problem) is expected
    if status in ON:
        lines = tooltip(status, [ANA], problem).splitlines()
        assert lines[0].startswith("Processing cannot begin: ")
        assert PROBLEM_WORDS[problem].todo in lines


def test_red_names_each_account_with_cause_and_remedy() -> None:
    assert tooltip(RUNNING, [BEN, CLEO]).splitlines() == [
        "Processing cannot begin: no sending account can send.",
        "ben@x.example: Access was removed or has expired. "
        "Press Reconnect and choose ben@x.example in the browser.",
        "cleo@x.example: Blocked by your organisation. "
        "Send the provider's text (Details) to your administrator.",
    ]


def test_orange_says_who_goes_on_and_who_does_not() -> None:
    assert tooltip(RUNNING, [ANA, BEN]).splitlines() == [
        "Mail is sent only from the remaining active accounts: ana@x.example.",
        "ben@x.example: Access was removed or has expired. "
        "Press Reconnect and choose ben@x.example in the browser.",
    ]


def test_green_says_where_mail_leaves_from() -> None:
    assert tooltip(RUNNING, [ANA]) == "Mail is sent from ana@x.example."


def test_green_hides_no_passing_trouble() -> None:
    doubtful = Sender("dan@x.example", State.AT_RISK, Cause.OFFLINE, "Google")
    assert indicator(RUNNING, [ANA, doubtful]) is Color.GREEN
    assert tooltip(RUNNING, [ANA, doubtful]).splitlines()[1:] == [
        "dan@x.example: No connection: cannot reach Google. Check this computer's internet connection."
    ]


@pytest.mark.parametrize("count", [1, MOST_TOLD, MOST_TOLD + 1, MOST_TOLD + 2, 60])
def test_many_accounts_are_cut_sensibly(count: int) -> None:
    out = [Sender(f"{index}@x.example", State.EXPIRED, Cause.GRANT_REVOKED) for index in range(count)]
    lines = tooltip(RUNNING, [ANA, *out]).splitlines()[1:]
    assert len(lines) <= MOST_TOLD + 1
    if count <= MOST_TOLD + 1:
        assert len(lines) == count
    else:
        assert lines[-1] == f"and {count - MOST_TOLD} more."


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_told_in_its_own_words(cause: Cause) -> None:
    state = {OutcomeKind.LOST: State.EXPIRED, OutcomeKind.BLOCKED: State.BLOCKED}.get(
        CAUSES[cause].kind, State.AT_RISK
    )
    told = words(cause, "eva@x.example", "Google")
    said = tooltip(RUNNING, [Sender("eva@x.example", state, cause, "Google")])
    assert f"eva@x.example: {told.short}. {told.steps[0]}" in said


@pytest.mark.parametrize("state", sorted(set(State) - CAN_SEND))
def test_every_account_that_is_out_says_why_even_without_a_cause(state: State) -> None:
    assert f"eva@x.example: {OUT_WORDS[state]}" in tooltip(RUNNING, [Sender("eva@x.example", state)])


def test_a_paused_account_does_not_tell_of_old_trouble() -> None:
    said = tooltip(RUNNING, [Sender("eva@x.example", State.PAUSED, Cause.GRANT_REVOKED)])
    assert OUT_WORDS[State.PAUSED] in said and "removed" not in said


def test_words_for_every_status_that_is_off() -> None:
    assert set(OFF_WORDS) == set(SequenceStatus) - ON
    assert tooltip(SequenceStatus.DRAFT, [BEN]) == OFF_WORDS[SequenceStatus.DRAFT]


@pytest.mark.parametrize(
    ("status", "color", "starts", "next_send", "expected"),
    [
        (SequenceStatus.SCHEDULED, Color.GREEN, "today at 14:05", None, "Starts by itself today at 14:05."),
        (SequenceStatus.SCHEDULED, Color.ORANGE, "at 9:00", "at 9:01", "Starts by itself at 9:00."),
        (SequenceStatus.SCHEDULED, Color.RED, "at 9:00", None, None),
        (SequenceStatus.SCHEDULED, Color.GREEN, None, None, None),
        (RUNNING, Color.GREEN, None, "at 9:01", "The next mail leaves at 9:01."),
        (RUNNING, Color.ORANGE, "at 9:00", "at 9:01", "The next mail leaves at 9:01."),
        (RUNNING, Color.GREEN, None, None, None),
        (RUNNING, Color.RED, None, "at 9:01", None),
        (SequenceStatus.PAUSED, Color.GREY, "at 9:00", "at 9:01", None),
    ],
)
def test_the_line_about_times(
    status: SequenceStatus, color: Color, starts: str | None, next_send: str | None, expected: str | None
) -> None:
    assert timed(status, color, starts=starts, next_send=next_send) == expected
