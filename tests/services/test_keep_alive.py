"""Paused accounts are used once in a while and stay paused, whatever the provider says."""

from datetime import timedelta

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import StoreFull
from reply_desktop.domain.grant import TokenSet
from reply_desktop.domain.notification import NotificationKind
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import State
from reply_desktop.services.keep_alive import KeepAlive
from reply_desktop.services.ports import Probed
from tests.fakes.world import World

DAY = timedelta(days=1)
ROTATED = TokenSet("refresh-2", "access-2")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def keep_alive(world: World) -> KeepAlive:
    return KeepAlive(world.store, world.credentials, world.health.ask, world.health.settle, world.clock)


def paused(world: World, name: str = "ana", provider: Provider = Provider.MICROSOFT) -> str:
    world.add(name, provider)
    world.accounts.pause([name])
    return name


def test_an_unused_grant_is_used_and_its_new_token_is_durable(world: World, keep_alive: KeepAlive) -> None:
    paused(world)
    world.clock.advance(20 * DAY)
    world.microsoft.answer(Probed(PROVEN, ROTATED))
    world.store.commits.clear()
    keep_alive.look()
    ana = world.account()
    assert (ana.state, ana.cause, ana.proven_at) == (State.PAUSED, None, world.clock.now())
    assert ana.next_check_at is None
    assert world.stored() == (1, ROTATED)
    assert world.store.commits == [True]
    assert world.store.tables.notifications == {}


def test_it_is_used_again_only_after_another_while(world: World, keep_alive: KeepAlive) -> None:
    paused(world)
    for days, asked in ((13, 0), (3, 1), (1, 1), (13, 1), (3, 2)):
        world.clock.advance(days * DAY)
        keep_alive.look()
        keep_alive.look()
        assert len(world.microsoft.probes) == asked, days


def test_only_paused_accounts_with_a_grant_are_asked(world: World, keep_alive: KeepAlive) -> None:
    world.add("ben", Provider.GOOGLE)
    paused(world, "gina", Provider.OTHER)
    world.add("new", Provider.GOOGLE, State.PAUSED, generation=0, proven_at=None, granted_at=None)
    world.clock.advance(30 * DAY)
    keep_alive.look()
    assert not (world.google.probes or world.other.probes)


def test_a_refusal_alerts_nobody_and_shows_when_the_account_goes_on(
    world: World, keep_alive: KeepAlive
) -> None:
    paused(world)
    world.clock.advance(20 * DAY)
    world.microsoft.answer(Outcome(Cause.GRANT_REVOKED, "AADSTS70000"))
    keep_alive.look()
    ana = world.account()
    assert (ana.state, ana.cause, ana.provider_error) == (State.PAUSED, Cause.GRANT_REVOKED, "AADSTS70000")
    assert len(world.microsoft.probes) == 2, "asked again on a fresh connection"
    assert not world.store.tables.episodes and not world.store.tables.notifications
    world.clock.advance(2 * DAY)
    keep_alive.look()
    assert len(world.microsoft.probes) == 2
    world.accounts.resume(["ana"])
    assert world.account().state is State.EXPIRED
    assert [one.kind for one in world.store.tables.notifications.values()] == [NotificationKind.ACCOUNT_LOST]


def test_passing_trouble_is_tried_again_tomorrow_and_told_when_the_end_is_near(
    world: World, keep_alive: KeepAlive
) -> None:
    paused(world)
    world.microsoft.answer(Outcome(Cause.OFFLINE))
    end = world.clock.now() + 90 * DAY
    world.clock.advance(20 * DAY)
    keep_alive.look()
    assert (world.account().cause, world.account().deadline_at) == (None, None)
    world.clock.advance(timedelta(hours=20))
    keep_alive.look()
    assert len(world.microsoft.probes) == 1
    for _ in range(64):
        world.clock.advance(timedelta(hours=27))
        keep_alive.look()
    assert len(world.microsoft.probes) == 65
    ana = world.account()
    assert (ana.state, ana.deadline_at, ana.deadline_cause) == (State.PAUSED, end, Cause.IDLE_ENDS)
    (told,) = world.store.tables.notifications.values()
    assert told.kind is NotificationKind.DEADLINE_NEAR and told.withdrawn_at is None
    assert "ana@example.com" in told.title and "31 May" in told.title
    world.microsoft.answer(PROVEN)
    world.clock.advance(2 * DAY)
    keep_alive.look()
    assert world.account().deadline_at is None
    assert len(world.of(events.NotificationWithdrawn)) == 1
    assert len(world.store.tables.notifications) == 1


def test_what_was_told_goes_with_the_account(world: World, keep_alive: KeepAlive) -> None:
    paused(world)
    world.microsoft.answer(Outcome(Cause.OFFLINE))
    world.clock.advance(80 * DAY)
    keep_alive.look()
    assert len(world.store.tables.notifications) == 1
    world.accounts.remove(["ana"], revoke=False)
    assert len(world.of(events.NotificationWithdrawn)) == 1


def test_a_shut_vault_is_no_try(world: World, keep_alive: KeepAlive) -> None:
    paused(world)
    world.clock.advance(20 * DAY)
    world.vault.locked = True
    keep_alive.look()
    assert not world.microsoft.probes and world.account().checked_at is None
    world.vault.locked = False
    keep_alive.look()
    assert len(world.microsoft.probes) == 1


def test_an_account_resumed_meanwhile_is_judged_as_any_other(world: World, keep_alive: KeepAlive) -> None:
    paused(world)
    world.clock.advance(20 * DAY)

    def resumed() -> None:
        world.microsoft.on_probe = lambda: None
        world.tasks.held = []
        world.accounts.resume(["ana"])

    world.microsoft.on_probe = resumed
    world.microsoft.answer(Outcome(Cause.GRANT_REVOKED))
    keep_alive.look()
    assert world.account().state is State.EXPIRED


def test_a_connection_cut_by_our_own_end_is_no_answer(world: World, keep_alive: KeepAlive) -> None:
    for name in ("ana", "ben"):
        paused(world, name)
    world.clock.advance(20 * DAY)
    world.microsoft.answer(Outcome(Cause.OFFLINE))
    world.health.stop()
    keep_alive.look()
    assert len(world.microsoft.probes) == 1
    assert world.account().checked_at is None


def test_two_looks_at_a_time_are_one(world: World, keep_alive: KeepAlive) -> None:
    paused(world)
    world.clock.advance(20 * DAY)
    world.microsoft.on_probe = keep_alive.look
    keep_alive.look()
    assert len(world.microsoft.probes) == 1


def test_a_full_disk_is_said_and_the_next_look_goes_on(
    world: World, keep_alive: KeepAlive, expect_log: object
) -> None:
    paused(world)
    world.clock.advance(20 * DAY)
    world.store.fail_next_commit = StoreFull("The disk is full.")
    expect_log("could not be written")  # type: ignore[operator]
    keep_alive.look()
    assert world.account().checked_at is None
    keep_alive.look()
    assert world.account().checked_at == world.clock.now()
