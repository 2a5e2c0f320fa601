"""Accounts in trouble, with a record to be read."""

from datetime import UTC, datetime, timedelta
from typing import Any

from reply_desktop.domain.account import Account
from reply_desktop.domain.case import Case, Peer, Record
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import EpisodeRow
from reply_desktop.domain.states import Color, OutcomeKind, State

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
STATES = {
    OutcomeKind.TRANSIENT: State.AT_RISK,
    OutcomeKind.WARNING: State.AT_RISK,
    OutcomeKind.LOST: State.EXPIRED,
    OutcomeKind.BLOCKED: State.BLOCKED,
}


def ago(**span: float) -> datetime:
    """A time before now."""
    return NOW - timedelta(**span)


def account(cause: Cause | None = Cause.GRANT_REVOKED, **fields: Any) -> Account:
    """An account in this trouble since two hours, proven three minutes before it."""
    known: dict[str, Any] = {
        "provider": Provider.GOOGLE,
        "address": "ana@brightfield.example",
        "created_at": ago(days=60),
        "state": STATES[CAUSES[cause].kind] if cause else State.CONNECTED,
        "proven_at": ago(hours=2, minutes=3),
        "checked_at": ago(minutes=5),
        "next_check_at": NOW + timedelta(minutes=5),
        "granted_at": ago(days=40),
        "generation": 1,
        "scopes": ("openid", "https://www.googleapis.com/auth/gmail.send"),
    }
    return Account("a1", cause=cause, **(known | fields))


def episode(
    began_at: datetime, ended_at: datetime | None = None, cause: Cause = Cause.GRANT_REVOKED
) -> EpisodeRow:
    """A stretch of trouble that a sign-in ended."""
    red = CAUSES[cause].kind in (OutcomeKind.LOST, OutcomeKind.BLOCKED)
    ending = None if ended_at is None else "reconnected"
    return EpisodeRow(cause, Color.RED if red else Color.ORANGE, began_at, ended_at, ending, None)


def record(of: Account | None = None, *episodes: EpisodeRow, peers: tuple[Peer, ...] = ()) -> Record:
    """The record of an account whose trouble began two hours ago."""
    whose = of or account()
    lasting = (episode(ago(hours=2), cause=whose.cause),) if whose.cause else ()
    return Record(
        whose,
        (*lasting, *episodes),
        peers=peers,
        client_id="c1d2e3f4-0000-4000-8000-000000000000",
    )


def case(of: Account | None = None, *episodes: EpisodeRow, peers: tuple[Peer, ...] = ()) -> Case:
    """The same, read now."""
    return Case(record(of, *episodes, peers=peers), NOW)
