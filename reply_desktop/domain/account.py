"""One sending account: its state, and how outcomes and the person's moves change it. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from reply_desktop.domain import deadline, states, timing
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.deadline import KnownEnd
from reply_desktop.domain.grant import MailServers
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.provider import SINGLE_CLICK, Provider
from reply_desktop.domain.states import Move, OutcomeKind, State


@dataclass(frozen=True, slots=True)
class Account:
    """A mailbox we send from. Times are aware UTC; `None` means never or not known.

    `generation` counts the grants this account has had: an outcome of an older grant is dropped.
    `failures` counts passing failures in a row. `deadline_at`/`deadline_cause`: the grant's end, announced or
    learnt, or near because nothing uses it.
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

    @property
    def known_end(self) -> KnownEnd | None:
        """The grant's end as far as it is known."""
        if self.deadline_at is None:
            return None
        return KnownEnd(self.deadline_at, self.deadline_cause or Cause.CONSENT_ENDS)

    @property
    def used_at(self) -> datetime | None:
        """When the grant was last used, as far as we know: proven, or given."""
        return max((at for at in (self.proven_at, self.granted_at) if at is not None), default=None)


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
    if outcome.proves:
        account = _without_outlived(account, now)
        end = account.known_end
        if end is not None and deadline.is_near(end, account.granted_at, now):
            outcome = replace(outcome, cause=end.cause)
    kind = outcome.kind
    if kind is OutcomeKind.TRANSIENT:
        account = _with_idle_end(account, now)
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


def foresee(account: Account, announced: KnownEnd | None) -> Account:
    """The account with the end that a refresh of its grant announced; an earlier one that is known stays."""
    known = account.known_end
    if known is not None and known.cause in _ANNOUNCED:
        known = announced
    return _ending(account, deadline.earliest(announced, known))


def kept_alive(account: Account, outcome: Outcome, generation: int, now: datetime) -> Account:
    """The paused account after its grant was used to keep it alive.

    It stays paused whatever the answer. A refusal is noted in its words, where the person finds it; passing
    trouble leaves them alone. Anything late, or about an account that goes on, changes nothing.
    """
    if generation != account.generation or account.state is not State.PAUSED:
        return account
    account = replace(account, checked_at=now)
    if outcome.kind is OutcomeKind.TRANSIENT:
        return _with_idle_end(account, now)
    if outcome.proves:
        account = replace(_without_outlived(account, now), proven_at=now)
    refused = not outcome.proves
    return replace(
        account,
        cause=outcome.cause if refused else None,
        provider_error=outcome.provider_error if refused else None,
        claims=outcome.claims,
    )


def is_due_alive(account: Account, share: float, now: datetime) -> bool:
    """Whether this paused account's grant is to be used now, lest it ends of disuse.

    One that was found dead is let rest. `share`: the account's own place in the spread, in [0, 1).
    """
    if account.state is not State.PAUSED or not account.can_reconnect or account.generation == 0:
        return False
    if account.cause is not None and CAUSES[account.cause].kind is OutcomeKind.LOST:
        return False
    return deadline.is_due_alive(account.used_at, account.checked_at, share, now)


def _without_outlived(account: Account, now: datetime) -> Account:
    """The account without an end that this proof has shown not to hold."""
    end = account.known_end
    outlived = end is not None and deadline.is_outlived(end, account.granted_at, now)
    return _ending(account, None) if outlived else account


def _with_idle_end(account: Account, now: datetime) -> Account:
    """The account with the end that comes of its not being used, once that is near."""
    end = deadline.idle_end(account.provider, account.used_at)
    if not deadline.is_near(end, account.granted_at, now):
        return account
    return _ending(account, deadline.earliest(account.known_end, end))


def _ending(account: Account, end: KnownEnd | None) -> Account:
    if end == account.known_end:
        return account
    return replace(account, deadline_at=end.at if end else None, deadline_cause=end.cause if end else None)


_ANNOUNCED = (Cause.TESTING_MODE_ENDS, Cause.CONSENT_ENDS)


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
