"""Rows show what is stored plus what is going on."""

from dataclasses import replace

import pytest

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.rows import AccountFilter
from reply_desktop.domain.states import State
from tests.fakes.world import World


@pytest.fixture
def world() -> World:
    world = World()
    world.add()
    return world


def test_live_marks(world: World) -> None:
    world.queries.mark(["ana"], signing_in=True, checking=True)
    (row,) = world.queries.rows(["ana"])
    assert (row.state, row.checking) == (State.SIGNING_IN, True)
    detail = world.queries.detail("ana")
    assert detail is not None and detail.row.state is State.SIGNING_IN
    world.queries.mark(["ana"], signing_in=False, checking=False)
    (row,) = world.queries.rows(["ana"])
    assert (row.state, row.checking) == (State.CONNECTED, False)


def test_a_check_that_changes_only_times_needs_no_query(world: World) -> None:
    world.queries.rows(["ana"])
    before = world.account()
    world.store.reads.account_rows = None  # type: ignore[assignment,method-assign]
    after = replace(before, proven_at=world.clock.now())
    assert world.queries.row_of(before, after).proven_at == world.clock.now()


def test_a_change_of_state_is_read_anew(world: World) -> None:
    world.queries.rows(["ana"])
    before = world.account()
    after = replace(before, state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
    with world.store.begin() as unit:
        unit.accounts.save(replace(after, daily_limit=77))
        unit.commit()
    row = world.queries.row_of(before, after)
    assert (row.state, row.daily_limit) == (State.EXPIRED, 77)


def test_forgotten_and_gone(world: World) -> None:
    ana = world.account()
    with world.store.begin() as unit:
        unit.accounts.remove("ana")
        unit.commit()
    world.queries.forget("ana")
    with pytest.raises(LookupError):
        world.queries.row_of(ana, ana)
    assert world.queries.rows(["ana"]) == [] and world.queries.detail("ana") is None
    assert world.queries.accounts(AccountFilter()) == []
    assert world.queries.notifications(10) == [] and world.queries.summary().needs_person == 0
