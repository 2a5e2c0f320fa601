"""Checks: what the provider says becomes what the row shows; nothing else does."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reply_desktop.config import Config
from reply_desktop.domain import account as accounts
from reply_desktop.domain import events
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import NotFound, StoreFull
from reply_desktop.domain.grant import TokenSet
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import State
from reply_desktop.services.health import Health
from reply_desktop.services.ports import Probed
from reply_desktop.services.queries import Queries
from tests.fakes.store import MemoryUnit
from tests.fakes.world import World

LOST = Outcome(Cause.GRANT_REVOKED, "Token has been expired or revoked.")


@pytest.fixture
def world() -> World:
    return World()


def test_a_proof_is_green_and_due_again_later(world: World) -> None:
    world.add(state=State.AT_RISK, cause=Cause.UNPROVEN, proven_at=None)
    assert world.health.sweep() == 1
    ana = world.account()
    assert (ana.state, ana.cause, ana.proven_at) == (State.CONNECTED, None, world.clock.now())
    assert ana.next_check_at == world.clock.now() + timedelta(seconds=900)
    assert world.health.sweep() == 0


def test_a_sandbox_checks_more_often(tmp_path: Path) -> None:
    world = World(pace=Config(tmp_path, sandbox=True).pace)
    world.add()
    world.health.check_now("ana")
    assert world.account().next_check_at == world.clock.now() + timedelta(seconds=10)


def test_removed_access_is_red_at_the_next_check_and_told_once(world: World) -> None:
    world.add()
    world.google.answer(LOST)
    world.health.sweep()
    ana = world.account()
    assert (ana.state, ana.cause, ana.provider_error) == (
        State.EXPIRED,
        Cause.GRANT_REVOKED,
        LOST.provider_error,
    )
    assert [n.kind for n in world.store.tables.notifications.values()] == ["account_lost"]
    for _ in range(5):
        world.health.check_now("ana")
    assert len(world.of(events.NotificationRaised)) == 1


def test_one_refusal_is_confirmed_on_a_fresh_connection(world: World) -> None:
    world.add()
    world.google.answer(LOST, PROVEN)
    assert world.health.check_now("ana").state is State.CONNECTED
    assert [fresh for _, _, fresh in world.google.probes] == [False, True]


def test_refusal_then_silence_is_not_a_death(world: World) -> None:
    world.add()
    world.google.answer(LOST, Outcome(Cause.UNREACHABLE))
    ana = world.health.check_now("ana")
    assert (ana.state, ana.cause) == (State.AT_RISK, Cause.UNREACHABLE)


def test_a_wrong_password_is_asked_only_once(world: World) -> None:
    world.add(provider=Provider.OTHER)
    world.other.answer(Outcome(Cause.WRONG_PASSWORD))
    assert world.health.check_now("ana").state is State.EXPIRED
    assert len(world.other.probes) == 1
    assert world.account().next_check_at is None


def test_offline_is_orange_never_red_and_raises_nothing(world: World) -> None:
    for name in ("ana", "ben", "cem"):
        world.add(name)
    world.google.answer(Outcome(Cause.OFFLINE))
    for _ in range(6):
        world.health.sweep()
        world.clock.advance(400)
    assert {one.state for one in world.store.tables.accounts.values()} == {State.AT_RISK}
    assert world.store.tables.notifications == {}
    world.google.answer(PROVEN)
    world.health.sweep()
    assert {one.state for one in world.store.tables.accounts.values()} == {State.CONNECTED}
    assert world.store.tables.notifications == {}


def test_rotated_token_is_durable_before_use(world: World) -> None:
    world.add()
    rotated = TokenSet("refresh-2", "access-2", scopes=("send",))
    world.google.answer(Probed(PROVEN, rotated))
    world.store.commits.clear()
    world.health.check_now("ana")
    assert world.store.commits == [True]
    assert world.stored() == (1, rotated)
    world.health.check_now("ana")
    assert world.google.probes[-1][1] == rotated


def test_rotated_token_that_could_not_be_stored_is_not_used(world: World) -> None:
    world.add()
    world.google.answer(Probed(PROVEN, TokenSet("refresh-2", "access-2")), Probed(PROVEN))
    world.store.fail_next_commit = RuntimeError("killed here")
    world.google.probes.clear()
    with pytest.raises(NotFound):
        _quietly(world)
    loaded = world.credentials.load("ana")
    assert loaded is not None and loaded.credentials == TokenSet("refresh-1", "access-1")


def _quietly(world: World) -> None:
    import logging

    logger = logging.getLogger("reply_desktop.services.settling")
    logger.disabled = True
    try:
        world.health.check_now("ana")
    finally:
        logger.disabled = False


def test_a_new_access_token_alone_costs_no_durable_write(world: World) -> None:
    world.add()
    world.google.answer(Probed(PROVEN, TokenSet("refresh-1", "access-2")))
    world.store.commits.clear()
    world.health.check_now("ana")
    assert world.store.commits == [False]
    loaded = world.credentials.load("ana")
    assert loaded is not None and loaded.credentials == TokenSet("refresh-1", "access-2")


def test_late_answer_of_an_old_grant_is_dropped(world: World) -> None:
    world.add()
    world.google.answer(Probed(LOST, TokenSet("old-rotated", "x")))

    def reconnect_meanwhile() -> None:
        with world.store.begin() as unit:
            ana = unit.accounts.get("ana")
            assert ana is not None
            if ana.generation == 1:
                unit.accounts.save(accounts.connect(ana, subject=None, scopes=(), now=world.clock.now()))
                unit.grants.put("ana", 2, b"sealed-2")
                unit.commit()

    world.google.on_probe = reconnect_meanwhile
    ana = world.health.check_now("ana")
    assert (ana.generation, ana.state, ana.cause) == (2, State.AT_RISK, Cause.UNPROVEN)
    assert world.store.tables.grants["ana"] == (2, b"sealed-2")
    assert world.store.tables.notifications == {}


def test_single_flight(world: World) -> None:
    world.add()
    world.tasks.held = []
    first = world.health.submit("ana")
    assert world.health.submit("ana") is first
    assert world.health.sweep() == 0
    world.tasks.release()
    assert len(world.google.probes) == 1
    assert isinstance(first, Future) and first.result() is not None


def test_a_check_that_ends_while_the_sweep_looks_is_not_made_again(world: World) -> None:
    world.add()
    world.tasks.held = []
    world.health.submit("ana")
    read = world.store.read
    reads: list[int] = []

    @contextmanager
    def read_and_then_the_check_ends() -> Iterator[MemoryUnit]:
        with read() as unit:
            yield unit
        reads.append(1)
        if len(reads) == 2:
            world.tasks.release()

    world.store.read = read_and_then_the_check_ends  # type: ignore[method-assign]
    assert world.health.sweep() == 0
    assert len(world.google.probes) == 1


def test_locked_keyring_is_orange_and_asks_for_no_sign_in(world: World) -> None:
    world.add()
    world.vault.locked = True
    ana = world.health.check_now("ana")
    assert (ana.state, ana.cause) == (State.AT_RISK, Cause.VAULT_LOCKED)
    assert world.google.probes == []


def test_vault_locked_while_the_token_rotates_keeps_the_old_one(world: World) -> None:
    world.add()
    world.google.answer(Probed(PROVEN, TokenSet("refresh-2", "access-2")))
    world.google.on_probe = lambda: setattr(world.vault, "locked", True)
    ana = world.health.check_now("ana")
    assert (ana.state, ana.cause) == (State.AT_RISK, Cause.VAULT_LOCKED)
    world.vault.locked = False
    assert world.stored() == (1, TokenSet("refresh-1", "access-1"))


def test_stale_proof_turns_orange_by_time_alone(world: World) -> None:
    world.add(next_check_at=None)
    world.clock.advance(1801)
    world.health.age()
    ana = world.account()
    assert (ana.state, ana.cause) == (State.AT_RISK, Cause.PROOF_STALE)
    assert ana.next_check_at == world.clock.now()


def test_start_after_days_shows_no_old_green(world: World) -> None:
    world.add()
    world.clock.advance(3 * 86400)
    world.health.start()
    assert world.account().state is State.AT_RISK


def test_dead_app_registration_is_one_fault_and_one_notice(world: World) -> None:
    for number in range(20):
        world.add(f"m{number}")
    world.google.answer(Outcome(Cause.APP_REJECTED))
    world.health.sweep()
    assert {one.state for one in world.store.tables.accounts.values()} == {State.BLOCKED}
    assert len(world.of(events.AppFaultOpened)) == 1
    assert [n.kind for n in world.store.tables.notifications.values()] == ["app_fault"]
    world.google.answer(PROVEN)
    world.clock.advance(1000)
    world.health.sweep()
    assert world.store.tables.faults == {}
    assert [n.kind for n in world.store.tables.notifications.values()] == ["app_fault", "app_fault_over"]


def test_adapter_fault_is_unclear_not_red(world: World, expect_log: object) -> None:
    expect_log("adapter failed")  # type: ignore[operator]
    world.add()
    world.google.answer(RuntimeError("boom"))
    ana = world.health.check_now("ana")
    assert (ana.state, ana.cause) == (State.AT_RISK, Cause.UNKNOWN_ANSWER)


def test_disk_full_is_said_and_changes_nothing(world: World, expect_log: object) -> None:
    expect_log("could not be written")  # type: ignore[operator]
    world.add()
    before = world.account()
    world.store.fail_next_commit = StoreFull("The disk is full.")
    with pytest.raises(NotFound):
        world.health.check_now("ana")
    assert world.account() == before
    assert world.health.check_now("ana").state is State.CONNECTED


def test_progress_counts_every_answer_and_cancel_leaves_the_rest_unasked(world: World) -> None:
    ids = [world.add(f"m{number}") for number in range(5)]
    world.health.check(ids, "c1")
    told = [e.done for e in world.events if isinstance(e, events.CheckProgress)]
    assert told == [1, 2, 3, 4, 5]
    world.google.probes.clear()
    world.tasks.held = []
    world.health.check(ids, "c2")
    world.health.cancel("c2")
    world.tasks.release()
    assert world.google.probes == []
    last = world.of(events.CheckProgress)[-1]
    assert isinstance(last, events.CheckProgress) and (last.check_id, last.done) == ("c2", 5)


def test_check_of_nothing_ends_at_once(world: World) -> None:
    world.health.check([], "c1")
    assert world.of(events.CheckProgress) == [events.CheckProgress("c1", 0, 0)]


def test_paused_and_new_are_not_asked(world: World) -> None:
    world.add(state=State.PAUSED, next_check_at=None)
    world.add("ben", state=State.NEW, generation=0, next_check_at=None)
    world.health.check_now("ana")
    world.health.check_now("ben")
    assert world.google.probes == []


def test_removed_while_checked(world: World) -> None:
    world.add()

    def remove() -> None:
        with world.store.begin() as unit:
            unit.accounts.remove("ana")
            unit.commit()

    world.google.on_probe = remove
    with pytest.raises(NotFound):
        world.health.check_now("ana")


def test_connections_cut_by_our_own_end_turn_nothing_orange(world: World) -> None:
    world.add()
    before = world.account()
    world.google.answer(Outcome(Cause.UNREACHABLE))
    world.health.stop()
    with pytest.raises(NotFound):
        world.health.check_now("ana")
    assert world.account() == before and world.events == []


def test_whoever_waits_for_a_check_that_will_not_be_made_is_told(world: World) -> None:
    world.add()
    world.tasks.held = []
    future = world.health.submit("ana")
    world.health.abandon()
    assert future.result(0) is None and world.health.busy == 0


def test_recheck_makes_live_accounts_due_but_not_red_or_paused(world: World) -> None:
    later = world.clock.now() + timedelta(hours=1)
    world.add(next_check_at=later)
    world.add("ben", state=State.EXPIRED, cause=Cause.GRANT_REVOKED, next_check_at=later)
    world.add("cem", state=State.PAUSED, next_check_at=None)
    world.health.recheck()
    due = [one.id for one in world.store.tables.accounts.values() if one.next_check_at == world.clock.now()]
    assert due == ["ana"]


def test_order_row_first_then_what_follows(world: World) -> None:
    world.add()
    world.google.answer(LOST)
    world.health.check_now("ana")
    kinds = [type(event) for event in world.events]
    assert kinds == [
        events.AccountChanged,
        events.EpisodeOpened,
        events.NotificationRaised,
    ]
    first = world.events[0]
    assert isinstance(first, events.AccountChanged) and first.row.state is State.EXPIRED
    assert replace(first.after) == world.account()


def test_an_account_marked_as_a_check_of_it_ends_does_not_stay_marked(world: World) -> None:
    class Watched(Queries):
        def mark(self, ids: Iterable[str], **marks: bool | None) -> None:
            super().mark(ids, **marks)
            if marks.get("checking") is False and not again:
                again.append(True)
                health.check(["ana"], "again")

    again: list[bool] = []
    queries = Watched(world.store)
    health = Health(
        world.store, world.credentials, world.providers, world.ledger, queries, world.bus, world.clock,
        lambda: 0.5, world.tasks,
    )  # fmt: skip
    world.add(state=State.PAUSED)
    health.check(["ana"], "once")
    assert again and not queries.rows(["ana"])[0].checking
