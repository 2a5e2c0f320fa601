"""Every (state, outcome) and (state, move) pair, one by one: the product's promise lives here."""

from itertools import product

import pytest

from reply_desktop.domain import states
from reply_desktop.domain.states import COLORS, SEVERITY, SHAPES, STATE_WORDS, Color, Move, OutcomeKind, State

N, S, C, A, E, B, P = (
    State.NEW,
    State.SIGNING_IN,
    State.CONNECTED,
    State.AT_RISK,
    State.EXPIRED,
    State.BLOCKED,
    State.PAUSED,
)

EXPECTED = {
    # state: OK, WARNING, TRANSIENT, LOST, BLOCKED
    N: (C, A, N, E, B),
    S: (S, S, S, S, S),
    C: (C, A, A, E, B),
    A: (C, A, A, E, B),
    E: (C, A, E, E, B),
    B: (C, A, B, E, B),
    P: (P, P, P, P, P),
}

MOVED = {
    # state: CONNECT, PAUSE, RESUME
    N: (A, P, N),
    S: (A, P, S),
    C: (A, P, C),
    A: (A, P, A),
    E: (A, P, E),
    B: (A, P, B),
    P: (A, P, A),
}


@pytest.mark.parametrize(("state", "kind"), [*product(State, OutcomeKind)])
def test_every_outcome_of_every_state(state: State, kind: OutcomeKind) -> None:
    assert states.after_outcome(state, kind) is EXPECTED[state][list(OutcomeKind).index(kind)]


@pytest.mark.parametrize(("state", "move"), [*product(State, Move)])
def test_every_move_of_every_state(state: State, move: Move) -> None:
    assert states.after_move(state, move) is MOVED[state][list(Move).index(move)]


@pytest.mark.parametrize("state", sorted(states.NEEDS_PERSON))
def test_passing_trouble_never_hides_a_state_that_needs_a_person(state: State) -> None:
    assert states.after_outcome(state, OutcomeKind.TRANSIENT) is state


@pytest.mark.parametrize("state", State)
def test_passing_trouble_never_turns_a_row_red(state: State) -> None:
    if COLORS[state] is not Color.RED:
        assert COLORS[states.after_outcome(state, OutcomeKind.TRANSIENT)] is not Color.RED


@pytest.mark.parametrize(("state", "kind"), [*product(State, OutcomeKind)])
def test_green_only_after_proof(state: State, kind: OutcomeKind) -> None:
    if states.after_outcome(state, kind) is State.CONNECTED:
        assert kind is OutcomeKind.OK


def test_no_stored_state_is_a_trap_and_none_is_unreachable() -> None:
    def after(state: State) -> set[State]:
        return {states.after_outcome(state, kind) for kind in OutcomeKind} | {
            states.after_move(state, move) for move in Move
        }

    for start in states.STORED:
        seen: set[State] = {start}
        todo: list[State] = [start]
        while todo:
            for following in after(todo.pop()) - seen:
                seen.add(following)
                todo.append(following)
        assert State.CONNECTED in seen
    assert set().union(*map(after, states.STORED)) | {State.NEW} == set(states.STORED)


def test_signing_in_is_never_stored() -> None:
    for state, kind in product(states.STORED, OutcomeKind):
        assert states.after_outcome(state, kind) is not State.SIGNING_IN


@pytest.mark.parametrize("table", [COLORS, SHAPES, STATE_WORDS])
def test_every_state_has_colour_shape_and_word(table: dict[State, object]) -> None:
    assert set(table) == set(State)


def test_shapes_and_words_tell_states_apart_without_colour() -> None:
    assert len(set(SHAPES.values())) == len(State)
    assert len(set(STATE_WORDS.values())) == len(State)


def test_worst() -> None:
    assert sorted(SEVERITY) == sorted(State)
    assert states.worst([State.CONNECTED, State.EXPIRED, State.AT_RISK]) is State.EXPIRED
    assert states.worst([State.PAUSED, State.CONNECTED]) is State.CONNECTED
    assert states.worst([]) is None
