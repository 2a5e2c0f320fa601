"""What is stored of an account is gathered whole, without asking anybody."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.episode import Episode
from reply_desktop.domain.errors import NotFound
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import ProviderRow
from reply_desktop.domain.states import Color, State
from reply_desktop.domain.suspects import Reason, Weight
from reply_desktop.services.diagnoses import Diagnoses
from reply_desktop.services.queries import Queries
from tests.fakes.sequence_rooms import Rooms


def setup(provider: Provider) -> ProviderRow:
    return ProviderRow(provider, True, "gid-1", "https://login.example/t", None, True, 2)


@pytest.fixture
def queries(rooms: Rooms) -> Queries:
    return Queries(rooms.store)


@pytest.fixture
def diagnoses(rooms: Rooms, queries: Queries) -> Diagnoses:
    return Diagnoses(rooms.store, queries, setup, rooms.clock)


def lose(rooms: Rooms, account_id: str) -> None:
    began_at = rooms.clock.now() - timedelta(minutes=20)
    with rooms.store.begin() as unit:
        account = unit.accounts.get(account_id)
        assert account is not None
        unit.accounts.save(
            replace(
                account,
                state=State.EXPIRED,
                cause=Cause.GRANT_REVOKED,
                provider_error="invalid_grant: token=abcdef123456 gone",
                checked_at=rooms.clock.now(),
            )
        )
        unit.episodes.add(Episode(f"e-{account_id}", account_id, Cause.GRANT_REVOKED, Color.RED, began_at))
        unit.commit()


def test_a_lost_account_is_diagnosed_with_its_record(rooms: Rooms, diagnoses: Diagnoses) -> None:
    sequence = rooms.saved("Spring", ("ana", "ben"))
    lose(rooms, "ana")
    made = diagnoses.of("ana")
    assert (made.state, made.cause) == (State.EXPIRED, Cause.GRANT_REVOKED)
    assert made.noticed_at == rooms.clock.now() - timedelta(minutes=20)
    assert [one.sequence_id for one in made.meanwhile] == [sequence.id]
    assert "gid-1" in made.report and "https://login.example/t" not in made.report
    assert "abcdef123456" not in made.report and "Reply Desktop" in made.report


def test_accounts_lost_together_count_as_evidence(rooms: Rooms, diagnoses: Diagnoses) -> None:
    lose(rooms, "ana")
    alone = {one.reason: one.weight for one in diagnoses.of("ana").candidates}
    lose(rooms, "ben")
    together = {one.reason: one.weight for one in diagnoses.of("ana").candidates}
    assert alone[Reason.ADMIN_ENDED] is Weight.POSSIBLE and together[Reason.ADMIN_ENDED] is Weight.LIKELY


def test_an_open_sign_in_is_shown(rooms: Rooms, queries: Queries, diagnoses: Diagnoses) -> None:
    queries.mark(["ana"], signing_in=True)
    assert diagnoses.of("ana").state is State.SIGNING_IN


def test_an_account_that_is_not_there(diagnoses: Diagnoses) -> None:
    with pytest.raises(NotFound):
        diagnoses.of("nobody")
