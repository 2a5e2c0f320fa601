"""Connection states of a sending account and every way from one to another, as data."""

from collections.abc import Iterable
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Color(StrEnum):
    """The four indicator colours; a shape and a word always stand beside them."""

    GREEN = "green"
    ORANGE = "orange"
    RED = "red"
    GREY = "grey"


class Shape(StrEnum):
    """The indicator's outline, so that status never rests on colour alone."""

    RING = "ring"
    DOTS = "dots"
    DISC = "disc"
    TRIANGLE = "triangle"
    CROSS = "cross"
    BAR = "bar"
    BARS = "bars"


class State(StrEnum):
    """What a person sees of one sending account's connection."""

    NEW = "new"
    """Never signed in: nothing to check, nothing is sent."""
    SIGNING_IN = "signing_in"
    """The browser is open; shown while the consent lasts, never stored. Sending goes on as before."""
    CONNECTED = "connected"
    """Proven by the provider within the freshness window: mail is sent."""
    AT_RISK = "at_risk"
    """Still usable or not proven: the app keeps trying and defers mail on passing trouble."""
    EXPIRED = "expired"
    """The grant or password is dead: nothing is sent until the person reconnects."""
    BLOCKED = "blocked"
    """Somebody else must act (admin, app owner): nothing is sent, the app keeps checking."""
    PAUSED = "paused"
    """Stopped by the person: no checks, nothing is sent, no alerts."""


STORED: Final = tuple(state for state in State if state is not State.SIGNING_IN)
"""The states an account may have in the database."""


class OutcomeKind(StrEnum):
    """What one check of an account means for its state."""

    OK = "ok"
    """The provider proved the grant."""
    WARNING = "warning"
    """The provider proved the grant, and its known end is near."""
    TRANSIENT = "transient"
    """Passing trouble; says nothing about the grant."""
    LOST = "lost"
    """The grant or password is dead; the person must sign in again."""
    BLOCKED = "blocked"
    """Someone else than the account's owner must act."""


class Move(StrEnum):
    """What the person can do to a state."""

    CONNECT = "connect"
    PAUSE = "pause"
    RESUME = "resume"


_S, _K = State, OutcomeKind

_PROOF: Final = {_K.OK: _S.CONNECTED, _K.WARNING: _S.AT_RISK, _K.LOST: _S.EXPIRED, _K.BLOCKED: _S.BLOCKED}

TRANSITIONS: Final = MappingProxyType(
    {
        _S.NEW: {**_PROOF, _K.TRANSIENT: _S.NEW},
        _S.SIGNING_IN: dict.fromkeys(_K, _S.SIGNING_IN),
        _S.CONNECTED: {**_PROOF, _K.TRANSIENT: _S.AT_RISK},
        _S.AT_RISK: {**_PROOF, _K.TRANSIENT: _S.AT_RISK},
        _S.EXPIRED: {**_PROOF, _K.TRANSIENT: _S.EXPIRED},
        _S.BLOCKED: {**_PROOF, _K.TRANSIENT: _S.BLOCKED},
        _S.PAUSED: dict.fromkeys(_K, _S.PAUSED),
    }
)
"""(state, outcome) → state. Passing trouble never hides a state that needs a person."""

MOVES: Final = MappingProxyType(
    {
        state: {
            Move.CONNECT: _S.AT_RISK,
            Move.PAUSE: _S.PAUSED,
            Move.RESUME: _S.AT_RISK if state is _S.PAUSED else state,
        }
        for state in State
    }
)
"""(state, person's move) → state. A new or resumed grant is unproven until a check says otherwise."""

COLORS: Final = MappingProxyType(
    {
        _S.NEW: Color.GREY,
        _S.SIGNING_IN: Color.GREY,
        _S.CONNECTED: Color.GREEN,
        _S.AT_RISK: Color.ORANGE,
        _S.EXPIRED: Color.RED,
        _S.BLOCKED: Color.RED,
        _S.PAUSED: Color.GREY,
    }
)

SHAPES: Final = MappingProxyType(
    {
        _S.NEW: Shape.RING,
        _S.SIGNING_IN: Shape.DOTS,
        _S.CONNECTED: Shape.DISC,
        _S.AT_RISK: Shape.TRIANGLE,
        _S.EXPIRED: Shape.CROSS,
        _S.BLOCKED: Shape.BAR,
        _S.PAUSED: Shape.BARS,
    }
)

STATE_WORDS: Final = MappingProxyType(
    {
        _S.NEW: "Not signed in",
        _S.SIGNING_IN: "Signing in…",
        _S.CONNECTED: "Connected",
        _S.AT_RISK: "At risk",
        _S.EXPIRED: "Expired",
        _S.BLOCKED: "Blocked",
        _S.PAUSED: "Paused",
    }
)

SEVERITY: Final = (_S.PAUSED, _S.NEW, _S.SIGNING_IN, _S.CONNECTED, _S.AT_RISK, _S.BLOCKED, _S.EXPIRED)
"""All states from the calmest to the worst; sorts the table and chooses the tray icon."""

NEEDS_PERSON: Final = frozenset({_S.EXPIRED, _S.BLOCKED})
"""Red: somebody must act before mail is sent again."""

CAN_SEND: Final = frozenset({_S.CONNECTED, _S.AT_RISK})
"""Sending is tried from accounts in these states."""


def after_outcome(state: State, kind: OutcomeKind) -> State:
    """State after a check with an outcome of this kind. Total over both enums."""
    return TRANSITIONS[state][kind]


def after_move(state: State, move: Move) -> State:
    """State after the person's move. Total over both enums."""
    return MOVES[state][move]


def worst(states: Iterable[State]) -> State | None:
    """The worst of several states, or None when there are none."""
    return max(states, key=SEVERITY.index, default=None)
