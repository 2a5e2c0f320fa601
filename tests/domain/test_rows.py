"""What a row offers follows from its state and cause."""

from datetime import UTC, datetime

import pytest

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountRow
from reply_desktop.domain.states import Color, State

AT = datetime(2026, 3, 1, tzinfo=UTC)


def row(state: State, cause: Cause | None = None, provider: Provider = Provider.GOOGLE) -> AccountRow:
    return AccountRow(
        "a", provider, "ana@example.com", state, cause, None, AT, AT, AT, None, (), (), 0, 50, "-" * 30
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "offers"),
    [
        (row(State.EXPIRED, Cause.GRANT_REVOKED), True),
        (row(State.EXPIRED, Cause.GRANT_REVOKED, Provider.MICROSOFT), True),
        (row(State.NEW), True),
        (row(State.EXPIRED, Cause.WRONG_PASSWORD, Provider.OTHER), False),
        (row(State.CONNECTED), False),
        (row(State.AT_RISK, Cause.UNREACHABLE), False),
        (row(State.PAUSED), False),
        (row(State.SIGNING_IN), False),
        (row(State.BLOCKED, Cause.ADMIN_POLICY), False),
        (row(State.BLOCKED, Cause.APP_REJECTED), False),
        (row(State.BLOCKED, Cause.ACCOUNT_NOT_FOUND), True),
        (row(State.AT_RISK, Cause.SIGN_IN_ENDS), True),
        (row(State.AT_RISK, Cause.TESTING_MODE_ENDS), True),
        (row(State.AT_RISK, Cause.IDLE_ENDS), False),
        (row(State.PAUSED, Cause.GRANT_REVOKED), False),
    ],
)
def test_reconnect_is_offered_only_where_it_helps(given: AccountRow, offers: bool) -> None:
    assert given.offers_reconnect is offers


def test_colour_and_need() -> None:
    assert row(State.BLOCKED, Cause.ADMIN_POLICY).color is Color.RED
    assert row(State.EXPIRED, Cause.GRANT_REVOKED).needs_person
    assert not row(State.AT_RISK, Cause.OFFLINE).needs_person
