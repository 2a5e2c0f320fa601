"""The JSON of the commands keeps its shape."""

from datetime import UTC, datetime

import pytest

from reply_desktop.cli import shapes
from reply_desktop.domain.causes import Cause, words
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountRow, DoctorRow, ProviderRow
from reply_desktop.domain.states import State

AT = datetime(2026, 3, 1, 12, 30, 5, 999, tzinfo=UTC)


def row(state: State, cause: Cause | None = None, address: str = "ana@example.com") -> AccountRow:
    return AccountRow(
        "id1", Provider.GOOGLE, address, state, cause, "text", AT, AT, None, None, ("send",), ("Spring",), 3, 50,
        "g" * 30,
    )  # fmt: skip


def test_account_has_exactly_the_documented_fields() -> None:
    assert shapes.account(row(State.EXPIRED, Cause.GRANT_REVOKED)) == {
        "id": "id1",
        "address": "ana@example.com",
        "provider": "google",
        "state": "expired",
        "color": "red",
        "cause": "grant_revoked",
        "explanation": words(Cause.GRANT_REVOKED, "ana@example.com", "Google").explanation,
        "who_fixes": "you",
        "provider_error": "text",
        "proven_at": "2026-03-01T12:30:05Z",
        "next_check_at": None,
        "deadline_at": None,
        "granted_scopes": ["send"],
        "used_by": ["Spring"],
        "sent_today": 3,
        "daily_limit": 50,
    }


@pytest.mark.parametrize(
    ("states", "worst", "code"),
    [
        ([], None, 3),
        ([State.CONNECTED, State.CONNECTED], "connected", 0),
        ([State.CONNECTED, State.PAUSED], "connected", 0),
        ([State.CONNECTED, State.AT_RISK], "at_risk", 1),
        ([State.AT_RISK, State.EXPIRED], "expired", 2),
        ([State.BLOCKED], "blocked", 2),
        ([State.PAUSED, State.NEW], "new", 3),
        ([State.SIGNING_IN], "signing_in", 3),
    ],
)
def test_worst_and_exit_code(states: list[State], worst: str | None, code: int) -> None:
    rows = [row(state, Cause.UNREACHABLE if state is State.AT_RISK else None) for state in states]
    assert shapes.accounts(rows)["worst"] == worst
    assert shapes.check_exit(rows) == code


def test_provider_and_doctor() -> None:
    given = ProviderRow(Provider.GOOGLE, True, "id", None, None, True, 2)
    assert shapes.provider(given)["accounts"] == 2 and "secret" not in str(
        shapes.provider(given)["client_id"]
    )
    rows = [DoctorRow("a", True, "fine"), DoctorRow("b", False, "no", "do x", required=False)]
    assert shapes.doctor(rows)["ok"] is True
    assert shapes.doctor([DoctorRow("c", False, "no")])["ok"] is False
