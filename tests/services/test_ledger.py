"""The ledger: app-level faults and the vault's, told once and closed once."""

from dataclasses import replace

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.states import State
from tests.fakes.world import World


@pytest.fixture
def world() -> World:
    return World()


def kinds(world: World) -> list[str]:
    return [n.kind.value for n in world.store.tables.notifications.values()]


def test_vault_fault_is_told_once_and_over_once(world: World) -> None:
    for _ in range(3):
        world.ledger.vault_fault(Cause.VAULT_LOCKED)
    assert kinds(world) == ["app_fault"] and len(world.of(events.AppFaultOpened)) == 1
    world.ledger.vault_fault(Cause.VAULT_KEY_MISSING)
    assert [fault.cause for fault in world.store.tables.faults.values()] == [Cause.VAULT_KEY_MISSING]
    for _ in range(3):
        world.ledger.vault_fault(None)
    assert world.store.tables.faults == {} and kinds(world)[-1] == "app_fault_over"
    assert all(n.withdrawn_at for n in world.store.tables.notifications.values())


def test_change_is_one_commit(world: World) -> None:
    world.add()
    world.store.commits.clear()
    ana = world.account()
    world.ledger.change(ana, replace(ana, state=State.EXPIRED, cause=Cause.GRANT_REVOKED))
    assert len(world.store.commits) == 1
    assert kinds(world) == ["account_lost"] and len(world.store.tables.episodes) == 1


def test_a_crash_before_the_commit_tells_nothing(world: World) -> None:
    world.add()
    ana = world.account()
    world.store.fail_next_commit = RuntimeError("killed here")
    with pytest.raises(RuntimeError):
        world.ledger.change(ana, replace(ana, state=State.EXPIRED, cause=Cause.GRANT_REVOKED))
    assert world.events == [] and world.account() == ana and kinds(world) == []


def test_show_changes_nothing(world: World) -> None:
    world.add()
    world.store.commits.clear()
    world.ledger.show(world.account())
    assert world.store.commits == [] and len(world.of(events.AccountChanged)) == 1
