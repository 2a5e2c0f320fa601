"""One sending account: its state, and how outcomes and the person's moves change it. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from reply_desktop.domain import states, timing
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.grant import MailServers
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.provider import SINGLE_CLICK, Provider
from reply_desktop.domain.states import Move, OutcomeKind, State


@dataclass(frozen=True, slots=True)
class Account:
    """A mailbox we send from. Times are aware UTC; `None` means never or not known.

    `generation` counts the grants this account has had: an outcome of an older grant is dropped.
    `failures` counts passing failures in a row. `deadline_at`/`deadline_cause`: the grant's known end.
    `claims`: a claims challenge for the next sign-in. `subject`: the provider's stable id of the person.
    """

    id: str
    provider: Provider
    address: str
    created_at: datetime
    state: State = State.NEW
    cause: Cause | None = None
    provider_error: str | None = None
    proven_at: datetime | None = None
    checked_at: datetime | None = None
    next_check_at: datetime | None = None
    failures: int = 0
    generation: int = 0
    subject: str | None = None
    scopes: tuple[str, ...] = ()
    granted_at: datetime | None = None
    deadline_at: datetime | None = None
    deadline_cause: Cause | None = None
    claims: str | None = None
    servers: MailServers | None = None
    daily_limit: int = 50

    @property
    def can_reconnect(self) -> bool:
        """Whether this account is mended by consent in the browser."""
        return self.provider in SINGLE_CLICK

    @property
    def needs_person(self) -> bool:
        """Whether the row is red."""
        return self.state in states.NEEDS_PERSON


def apply(
    account: Account,
    outcome: Outcome,
    generation: int,
    now: datetime,
    *,
    used: bool,
    chance: float,
    pace: float = 1.0,
) -> Account:
    """The account after a check of its grant number `generation`.

    A late outcome of an older grant changes nothing: the same object is returned.
    """
    if generation != account.generation or account.state is State.PAUSED:
        return account
    if outcome.proves and timing.deadline_near(account.deadline_at, now):
        outcome = replace(outcome, cause=account.deadline_cause or Cause.CONSENT_ENDS)
    kind = outcome.kind
    state = states.after_outcome(account.state, kind)
    hidden = kind is OutcomeKind.TRANSIENT and state is not State.AT_RISK
    failures = account.failures + 1 if kind is OutcomeKind.TRANSIENT else 0
    return replace(
        account,
        state=state,
        cause=account.cause if hidden else outcome.cause,
        provider_error=account.provider_error if hidden else outcome.provider_error,
        claims=outcome.claims if kind is not OutcomeKind.TRANSIENT else account.claims,
        proven_at=now if outcome.proves else account.proven_at,
        checked_at=now,
        failures=failures,
        next_check_at=timing.next_check_at(
            state,
            now,
            used=used,
            failures=_rung(state, failures),
            retry_after_s=outcome.retry_after_s,
            self_heals=account.can_reconnect and outcome.cause is not Cause.ACCOUNT_LOCKED,
            chance=chance,
            pace=pace,
        ),
    )


def _rung(state: State, failures: int) -> int:
    """A red account that cannot be reached is not worth quick tries: it goes straight to the last rung."""
    return failures if state is State.AT_RISK or not failures else len(timing.LADDER_S)


def connect(
    account: Account,
    *,
    subject: str | None,
    scopes: tuple[str, ...],
    now: datetime,
    deadline_at: datetime | None = None,
    deadline_cause: Cause | None = None,
) -> Account:
    """The account with a new grant: unproven, due at once, one generation on."""
    return replace(
        account,
        state=states.after_move(account.state, Move.CONNECT),
        cause=Cause.UNPROVEN,
        provider_error=None,
        claims=None,
        proven_at=None,
        next_check_at=now,
        failures=0,
        generation=account.generation + 1,
        subject=subject or account.subject,
        scopes=scopes,
        granted_at=now,
        deadline_at=deadline_at,
        deadline_cause=deadline_cause,
    )


def pause(account: Account) -> Account:
    """The account stopped by the person."""
    return replace(
        account,
        state=states.after_move(account.state, Move.PAUSE),
        cause=None,
        provider_error=None,
        next_check_at=None,
        failures=0,
    )


def resume(account: Account, now: datetime) -> Account:
    """The account let go again: unproven and due at once; never signed in stays new."""
    if account.state is not State.PAUSED:
        return account
    if account.generation == 0:
        return replace(account, state=State.NEW, cause=None, next_check_at=None)
    return replace(
        account, state=states.after_move(account.state, Move.RESUME), cause=Cause.UNPROVEN, next_check_at=now
    )


def age(account: Account, now: datetime) -> Account:
    """The account as the passing of time alone leaves it: a stale proof is never green."""
    if account.state is State.CONNECTED and not timing.is_fresh(account.proven_at, now):
        return replace(account, state=State.AT_RISK, cause=Cause.PROOF_STALE, next_check_at=now)
    return account


def is_app_level(account: Account) -> bool:
    """Whether the account's trouble is the app registration's or the vault's, told once for all."""
    return account.cause is not None and CAUSES[account.cause].app_level
