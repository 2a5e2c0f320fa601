"""The JSON of the commands: stable, documented in docs/commands.md, snake_case, times ISO 8601 UTC."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from reply_desktop.domain.causes import CAUSES, words
from reply_desktop.domain.provider import PROVIDER_NAMES
from reply_desktop.domain.rows import AccountRow, DoctorRow, ProviderRow
from reply_desktop.domain.states import COLORS, Color, State, worst

CHECK_EXIT = {Color.GREEN: 0, Color.ORANGE: 1, Color.RED: 2}
"""Exit codes of `check`, as monitoring plug-ins use them; 3 = unknown."""
UNKNOWN_EXIT = 3


def iso(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with a Z, to the second."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def account(row: AccountRow) -> dict[str, Any]:
    """One account, as `accounts list` and `check` give it."""
    told = words(row.cause, row.address, PROVIDER_NAMES[row.provider]) if row.cause else None
    return {
        "id": row.id,
        "address": row.address,
        "provider": row.provider.value,
        "state": row.state.value,
        "color": COLORS[row.state].value,
        "cause": row.cause.value if row.cause else None,
        "explanation": told.explanation if told else None,
        "who_fixes": CAUSES[row.cause].who.value if row.cause else None,
        "provider_error": row.provider_error,
        "proven_at": iso(row.proven_at),
        "next_check_at": iso(row.next_check_at),
        "deadline_at": iso(row.deadline_at),
        "granted_scopes": list(row.granted_scopes),
        "used_by": list(row.used_by),
        "sent_today": row.sent_today,
        "daily_limit": row.daily_limit,
    }


def worst_state(rows: Iterable[AccountRow]) -> State | None:
    """The worst state among these rows; paused and never signed-in ones count only when all are such."""
    return worst(row.state for row in rows)


def accounts(rows: Sequence[AccountRow]) -> dict[str, Any]:
    """The answer of `accounts list` and `check`."""
    state = worst_state(rows)
    return {"worst": state.value if state else None, "accounts": [account(row) for row in rows]}


def check_exit(rows: Sequence[AccountRow]) -> int:
    """0 all green, 1 orange, 2 red, 3 nothing that could be green."""
    state = worst_state(rows)
    return UNKNOWN_EXIT if state is None else CHECK_EXIT.get(COLORS[state], UNKNOWN_EXIT)


def provider(row: ProviderRow) -> dict[str, Any]:
    """One provider, as `providers list` gives it; no secret in it."""
    return {
        "provider": row.provider.value,
        "configured": row.configured,
        "client_id": row.client_id,
        "authority": row.authority,
        "graph_url": row.graph_url,
        "has_secret": row.has_secret,
        "accounts": row.used_by,
    }


def doctor(rows: Sequence[DoctorRow]) -> dict[str, Any]:
    """The answer of `doctor`."""
    return {
        "ok": all(row.ok for row in rows if row.required),
        "checks": [
            {"name": r.name, "ok": r.ok, "required": r.required, "finding": r.finding, "fix": r.fix or None}
            for r in rows
        ],
    }
