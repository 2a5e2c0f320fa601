"""What must be in place before a sequence can send; the first that is missing is told. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.problem import Problem
from reply_desktop.domain.sequence import Sequence as MailSequence

NAMED: Final = 3
"""Accounts named in one line; the rest is counted."""


@dataclass(frozen=True, slots=True)
class ProblemWords:
    """A problem in words: what is the matter, and the one thing to do. Plain text, whole sentences."""

    what: str
    todo: str


PROBLEM_WORDS: Final = MappingProxyType(
    {
        Problem.NO_ACCOUNTS: ProblemWords(
            "The sequence has no sending account.", "Choose at least one under Settings of the sequence."
        ),
        Problem.NO_ACCOUNT_CAN_SEND: ProblemWords(
            "No sending account can send: {accounts}.", "Open Email Accounts and mend at least one of them."
        ),
        Problem.NO_PROSPECTS: ProblemWords(
            "There is nobody left to write to.", "Import prospects on the sequence's Prospects tab."
        ),
        Problem.NO_STEPS: ProblemWords(
            "The sequence has no step, so there is nothing to send.", "Write one on the sequence's Steps tab."
        ),
        Problem.WINDOW_EMPTY: ProblemWords(
            "The sending window has no day or hour in it, or a time zone this computer does not know.",
            "Choose days, hours and time zone under Settings of the sequence.",
        ),
    }
)
"""Each problem's words; `{accounts}` is filled in by `words`."""


def check(sequence: MailSequence, *, can_send: Collection[str], open_prospects: int) -> Problem | None:
    """The first thing that keeps the sequence from sending, or None.

    `can_send`: ids of accounts that can; `open_prospects`: how many of its prospects are not finished.
    """
    missing = {
        Problem.NO_ACCOUNTS: not sequence.accounts,
        Problem.NO_ACCOUNT_CAN_SEND: not any(account in can_send for account in sequence.accounts),
        Problem.NO_PROSPECTS: open_prospects <= 0,
        Problem.NO_STEPS: not sequence.steps,
        Problem.WINDOW_EMPTY: not sequence.window.is_valid(),
    }
    return next((problem for problem in Problem if missing[problem]), None)


def words(problem: Problem, addresses: Sequence[str] = ()) -> ProblemWords:
    """The problem's words for a sequence with sending accounts of these addresses."""
    row = PROBLEM_WORDS[problem]
    return ProblemWords(row.what.replace("{accounts}", named(addresses) or "none is left"), row.todo)


def named(addresses: Sequence[str], most: int = NAMED) -> str:
    """Addresses in a row, the first few by name: “a@x.example, b@x.example and 7 more”."""
    rest = len(addresses) - most
    # One more name is no longer than “and 1 more”.
    if rest <= 1:
        return " and ".join(filter(None, (", ".join(addresses[:-1]), *addresses[-1:])))
    return f"{', '.join(addresses[:most])} and {rest} more"
