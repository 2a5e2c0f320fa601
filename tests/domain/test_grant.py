"""Tokens keep what a refresh leaves out, travel through the vault whole, and hide in repr."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain import grant
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.grant import Password, TokenSet

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
times = st.none() | st.datetimes(timezones=st.just(UTC))


@given(
    st.builds(TokenSet, st.text(), st.text(), times, st.lists(st.text(), max_size=3).map(tuple), times, times)
    | st.builds(Password, st.text())
)
def test_round_trip(credentials: grant.Credentials) -> None:
    assert grant.from_bytes(grant.to_bytes(credentials)) == credentials


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"kind":"password"}',
        b'{"kind":"tokens"}',
        b'{"kind":"tokens","x":1}',
        b"\xff",
    ],
)
def test_garbage_is_refused_without_quoting_it(garbage: bytes) -> None:
    with pytest.raises(InvalidInput):
        grant.from_bytes(garbage)


def test_no_refresh_token_in_the_answer_keeps_the_old_one() -> None:
    old = TokenSet("r1", "a1", NOW, ("send",), NOW, NOW)
    new = old.refreshed(TokenSet("", "a2"))
    assert (new.refresh_token, new.access_token, new.scopes, new.issued_at) == ("r1", "a2", ("send",), NOW)


def test_rotated_refresh_token_is_adopted() -> None:
    later = NOW.replace(hour=13)
    new = TokenSet("r1", "a1", issued_at=NOW).refreshed(TokenSet("r2", "a2", issued_at=later))
    assert (new.refresh_token, new.issued_at) == ("r2", later)


def test_repr_holds_no_secret() -> None:
    assert "hush" not in repr(TokenSet("hush-r", "hush-a")) + repr(Password("hush-p"))
