"""All there is to say of one account: what happened, why probably, who mends it and how, and the mail."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.answers import codes_in
from reply_desktop.domain.case import HISTORY, Case, Record, many, sentence, span
from reply_desktop.domain.causes import CAUSES, Cause, Who, words
from reply_desktop.domain.deadline import IDLE_LIFE, TESTING_DAYS
from reply_desktop.domain.episode import Ending
from reply_desktop.domain.help_links import error_lookup_page
from reply_desktop.domain.mending import DiagnosisStep, steps, who_fixes
from reply_desktop.domain.notification import plain
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import ON
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.domain.states import Color, OutcomeKind, State
from reply_desktop.domain.suspects import Candidate, candidates


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """How a sequence that sends from the account goes on: its colour, and one sentence."""

    sequence_id: str
    name: str
    color: Color
    text: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One account's trouble, or its well-being, told whole. Plain text; times aware UTC, None: not known.

    `noticed_at`: when the trouble was first seen. `made_at`: when all this was read. `happened`: sentences.
    `candidates`: likely reasons where the cause leaves room, the likeliest first. `provider_code`: the code
    in the provider's text (AADSTS65001, invalid_grant, 535 5.7.139); `code_url`: the page that explains it.
    `history`: the last 30 days in a line. `outlook`: what is known of its end, or empty. `report`: for an
    administrator, without any secret.
    """

    account_id: str
    address: str
    provider: Provider
    provider_name: str
    state: State
    cause: Cause | None
    headline: str
    happened: tuple[str, ...]
    noticed_at: datetime | None
    proven_at: datetime | None
    next_check_at: datetime | None
    deadline_at: datetime | None
    made_at: datetime
    candidates: tuple[Candidate, ...]
    who: Who | None
    who_fixes: str
    steps: tuple[DiagnosisStep, ...]
    provider_text: str | None
    provider_code: str | None
    code_url: str | None
    meanwhile: tuple[Meanwhile, ...]
    history: str
    outlook: str
    report: str = ""

    @property
    def is_fine(self) -> bool:
        """Whether nothing is wrong: proven, and nothing near."""
        return self.state is State.CONNECTED and self.cause is None


def diagnose(record: Record, now: datetime) -> Diagnosis:
    """The diagnosis of the account, from its record alone."""
    case = Case(record, now)
    account = case.account
    found = candidates(case)
    code = code_of(account.provider_error)
    aadsts = account.provider is Provider.MICROSOFT and codes_in(account.provider_error)
    return Diagnosis(
        account_id=account.id,
        address=account.address,
        provider=account.provider,
        provider_name=case.name,
        state=account.state,
        cause=account.cause,
        headline=_headline(case),
        happened=_happened(case, bool(found)),
        noticed_at=case.began_at,
        proven_at=account.proven_at,
        next_check_at=account.next_check_at,
        deadline_at=account.deadline_at,
        made_at=now,
        candidates=found,
        who=CAUSES[account.cause].who if account.cause else None,
        who_fixes=who_fixes(case, found),
        steps=steps(case, found),
        provider_text=account.provider_error,
        provider_code=code,
        code_url=error_lookup_page(account.provider_error) if aadsts else None,
        meanwhile=tuple(_meanwhile(row) for row in record.sequences),
        history=history(record, now),
        outlook=_outlook(case),
    )


_CODES: Final = (
    r"AADSTS\d{4,9}\b",
    r"\b[45]\d\d[ -][45]\.\d{1,3}\.\d{1,3}\b",
    r"^(?:invalid|unauthorized|deleted|access|admin|org|interaction|login|consent|disabled)_[a-z_]+(?=:|$)",
    r"\b[45]\d\d\b",
)
"""What codes look like, the most telling first: Microsoft's, SMTP's enhanced ones (RFC 3463), OAuth's
`error` (RFC 6749 §5.2), a bare status."""


def code_of(text: str | None) -> str | None:
    """The code in a provider's text, by which others look it up; None where there is none."""
    found = (re.search(pattern, text or "", re.ASCII) for pattern in _CODES)
    return next((one[0] for one in found if one), None)


def history(record: Record, now: datetime) -> str:
    """The last 30 days in a line: “3 problems in 30 days, 2 mended by reconnecting, the longest 4 hours”."""
    recent = [one for one in record.episodes if (one.ended_at or now) >= now - HISTORY]
    days = HISTORY.days
    if not recent:
        return f"No problem in the last {days} days"
    mended = sum(one.ending == Ending.RECONNECTED for one in recent)
    longest = max((one.ended_at or now) - one.started_at for one in recent)
    parts = [f"{many(len(recent), 'problem')} in {days} days"]
    if mended:
        parts.append(f"{mended} mended by reconnecting")
    parts.append(f"{'the longest' if len(recent) > 1 else 'lasting'} {span(longest.total_seconds())}")
    return ", ".join(parts)


_STATE_HEADLINES: Final = MappingProxyType(
    {
        State.NEW: "Not signed in yet",
        State.SIGNING_IN: "A sign-in is under way",
        State.PAUSED: "Paused by you",
    }
)
_STATE_HAPPENED: Final[MappingProxyType[State, str]] = MappingProxyType(
    {
        State.NEW: "{address} was added and never signed in, so there is nothing to check.",
        State.SIGNING_IN: "The browser is open for {address}. Until that ends, everything stays as it was.",
        State.PAUSED: "You stopped {address}: it is not checked and nothing is sent from it.",
        State.CONNECTED: "{provider} proved at the last check that {address} may send.",
    }
)
_CAUSE_HAPPENED: Final = MappingProxyType(
    {
        Cause.GRANT_REVOKED: "{provider} no longer accepts the sign-in of {address} and does not say why. "
        "What is known here speaks for and against these reasons.",
    }
)
"""What happened, where the words of `CAUSES` would list the reasons that are weighed here."""


def _headline(case: Case) -> str:
    account = case.account
    if account.state in _STATE_HEADLINES:
        return _STATE_HEADLINES[account.state]
    if account.cause is None:
        return "Nothing is wrong"
    return sentence(words(account.cause, account.address, case.name).short)


def _happened(case: Case, weighed: bool) -> tuple[str, ...]:
    account = case.account
    told = []
    stands = _STATE_HAPPENED.get(account.state)
    if stands and (account.cause is None or account.state in _STATE_HEADLINES):
        told.append(case.fill(stands))
    if account.cause is not None:
        own = _CAUSE_HAPPENED.get(account.cause)
        explanation = words(account.cause, account.address, case.name).explanation
        told.append(case.fill(own) if own else sentence(explanation))
        row = CAUSES[account.cause]
        if case.refused_again:
            told.append("Signing in anew did not help: it was refused again.")
        elif account.provider_error and not weighed and row.kind in (OutcomeKind.LOST, OutcomeKind.BLOCKED):
            told.append(f"{sentence(case.name)} named the reason itself.")
        if row.app_level:
            told.append("It is not this account's fault: all accounts that use the same are hit.")
    return tuple(told)


_GOES_ON: Final[Mapping[Color, Callable[[SequenceRow], str]]] = {
    Color.GREEN: lambda row: "It goes on.",
    Color.ORANGE: lambda row: (
        f"It goes on from {many(max(0, len(row.accounts) - len(row.accounts_out)), 'account')}. Prospects "
        "whom an account that is out has written to wait for it."
    ),
    Color.RED: lambda row: f"It stands still. {plain(next(iter(row.tooltip.splitlines()), ''))}".strip(),
    Color.GREY: lambda row: "It is not running, so nothing is missed.",
}


def _meanwhile(row: SequenceRow) -> Meanwhile:
    color = row.indicator if row.status in ON else Color.GREY
    return Meanwhile(row.id, row.name, color, _GOES_ON[color](row))


_ENDS: Final = MappingProxyType(
    {
        Cause.TESTING_MODE_ENDS: f"In Testing mode every sign-in ends after {TESTING_DAYS} days.",
        Cause.TESTING_MODE_LIKELY: "The last sign-in ended after 7 days, so this one may too.",
        Cause.CONSENT_ENDS: "{provider} announced when this sign-in ends.",
        Cause.SIGN_IN_ENDS: "Earlier sign-ins ended after about the same time, so this one may too.",
        Cause.IDLE_ENDS: "It has not been used for long; any check that succeeds counts as use.",
    }
)


def _outlook(case: Case) -> str:
    """What is known of when the sign-in ends; empty when there is none, or it has ended."""
    account = case.account
    refused = account.cause and CAUSES[account.cause].kind in (OutcomeKind.LOST, OutcomeKind.BLOCKED)
    if refused or account.granted_at is None:
        return ""
    if account.deadline_at is not None:
        return case.fill(_ENDS.get(account.deadline_cause or Cause.CONSENT_ENDS, _ENDS[Cause.CONSENT_ENDS]))
    life = IDLE_LIFE.get(case.provider)
    if life is None:
        return "A password works until it is changed at the provider."
    return f"{case.name} announced no end. Unused it ends after {life.days} days; every check counts as use."
