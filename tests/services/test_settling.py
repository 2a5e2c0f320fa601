import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import StoreFull
from reply_desktop.domain.grant import Credentials, TokenSet
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.states import State
from reply_desktop.services.settling import Answered, Settling
from tests.fakes.store import MemoryUnit
from tests.fakes.world import World

OLD = TokenSet("refresh-1", "access-1")
ROTATED = TokenSet("refresh-2", "access-2")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def settling(world: World) -> Settling:
    return Settling(world.store, world.credentials, world.ledger, world.queries, world.clock, lambda: 0.5)


def while_the_first_commits(world: World, act: Callable[[], None]) -> None:
    """Runs `act` when the first unit of work is open."""
    begin = world.store.begin
    opened: list[int] = []

    @contextmanager
    def watched(*, durable: bool = False) -> Iterator[MemoryUnit]:
        opened.append(1)
        with begin(durable=durable) as unit:
            if len(opened) == 1:
                act()
            yield unit

    world.store.begin = watched  # type: ignore[method-assign]


def bring_together(
    world: World, settling: Settling, *answers: Answered
) -> dict[str, tuple[Account | None, threading.Thread]]:
    """The answers reach a settling that is busy with another one; gives what became of each, and on whom."""
    world.add("busy")
    world.store.commits.clear()
    ended: dict[str, tuple[Account | None, threading.Thread]] = {}

    def bring(answered: Answered) -> None:
        settling.bring(
            answered,
            lambda result: ended.update({answered.account_id: (result, threading.current_thread())}),
        )

    def others() -> None:
        threads = [threading.Thread(target=bring, args=(answered,)) for answered in answers]
        for thread in threads:
            thread.start()
            # Comes back though nothing is written yet: whoever brings does not wait.
            thread.join(10)
            assert not thread.is_alive()
        assert ended == {}

    while_the_first_commits(world, others)
    bring(Answered("busy", 1, PROVEN))
    return ended


def test_answers_that_wait_are_one_commit(world: World, settling: Settling) -> None:
    for name in ("ana", "ben", "cleo"):
        world.add(name)
    ended = bring_together(
        world, settling, *(Answered(name, 1, Outcome(Cause.OFFLINE)) for name in ("ana", "ben", "cleo"))
    )
    assert world.store.commits == [False, False]
    assert {name for name, (account, _) in ended.items() if account} == {"busy", "ana", "ben", "cleo"}
    assert {thread for _, thread in ended.values()} == {threading.current_thread()}
    assert world.account("cleo").state is State.AT_RISK
    told = [event.row.id for event in world.events if isinstance(event, events.AccountChanged)]
    assert told == ["busy", "ana", "ben", "cleo"]


def test_one_rotated_token_makes_its_commit_durable_and_is_used_only_after(
    world: World, settling: Settling
) -> None:
    for name in ("ana", "ben"):
        world.add(name)
    world.credentials.load("ben")
    durable_when_used: list[bool] = []
    remember = world.credentials.remember

    def noted(account_id: str, generation: int, credentials: Credentials) -> None:
        durable_when_used.append(credentials != ROTATED or world.stored("ben") == (1, ROTATED))
        remember(account_id, generation, credentials)

    world.credentials.remember = noted  # type: ignore[method-assign]
    bring_together(
        world, settling, Answered("ana", 1, PROVEN, OLD, OLD), Answered("ben", 1, PROVEN, ROTATED, OLD)
    )
    assert world.store.commits == [False, True]
    assert durable_when_used == [True, True]
    assert world.stored("ben") == (1, ROTATED)
    assert world.stored("ana") == (1, OLD)
    loaded = world.credentials.load("ben")
    assert loaded is not None and loaded.credentials == ROTATED


@pytest.mark.expect_log("a fault of the app's own")
def test_a_shared_commit_that_fails_is_made_up_one_by_one(world: World, settling: Settling) -> None:
    for name in ("ana", "ben"):
        world.add(name)
    begin = world.store.begin

    @contextmanager
    def full_for_ben(*, durable: bool = False) -> Iterator[MemoryUnit]:
        with begin(durable=durable) as unit:
            save = unit.accounts.save

            def refuse(account: Account) -> None:
                if account.id == "ben":
                    raise RuntimeError("ben cannot be written")
                save(account)

            unit.accounts.save = refuse  # type: ignore[method-assign]
            yield unit

    world.store.begin = full_for_ben  # type: ignore[method-assign]
    ended = bring_together(
        world, settling, Answered("ana", 1, PROVEN, ROTATED, OLD), Answered("ben", 1, PROVEN, ROTATED, OLD)
    )
    assert ended["ana"][0] is not None and ended["ben"][0] is None
    assert world.stored("ana") == (1, ROTATED)
    assert world.stored("ben") == (1, OLD)
    loaded = world.credentials.load("ben")
    assert loaded is not None and loaded.credentials == OLD


def test_an_account_removed_meanwhile_is_nobody_and_keeps_none(world: World, settling: Settling) -> None:
    world.add("ana")
    ended = bring_together(world, settling, Answered("gone", 1, PROVEN), Answered("ana", 1, PROVEN))
    assert ended["gone"][0] is None and ended["ana"][0] is not None


def test_settling_goes_on_after_a_full_disk(
    world: World, settling: Settling, expect_log: Callable[[str], None]
) -> None:
    expect_log("could not be written")
    world.add("ana")
    ended: list[Account | None] = []
    world.store.fail_next_commit = StoreFull("The disk is full.")
    settling.bring(Answered("ana", 1, PROVEN), ended.append)
    settling.bring(Answered("ana", 1, PROVEN), ended.append)
    assert ended[0] is None and ended[1] is not None


def test_one_answer_settled_by_itself_says_what_went_wrong(world: World, settling: Settling) -> None:
    world.add("ana")
    world.store.fail_next_commit = StoreFull("The disk is full.")
    with pytest.raises(StoreFull):
        settling.settle(Answered("ana", 1, PROVEN))


def test_an_end_that_a_refresh_announces_is_known_at_once(world: World, settling: Settling) -> None:
    world.add(granted_at=world.clock.now() - timedelta(days=6))
    ends_at = world.clock.now() + timedelta(hours=5)
    told = replace(OLD, refresh_expires_at=ends_at)
    ana = settling.settle(Answered("ana", 1, PROVEN, told, OLD))
    assert ana is not None
    assert (ana.state, ana.cause, ana.deadline_at) == (State.AT_RISK, Cause.CONSENT_ENDS, ends_at)
    late = settling.settle(Answered("ana", 0, PROVEN, replace(told, refresh_expires_at=None), OLD))
    assert late == ana


def test_an_answer_keeps_its_tokens_out_of_its_repr() -> None:
    shown = repr(Answered("ana", 1, PROVEN, ROTATED, OLD))
    assert "refresh-" not in shown and "access-" not in shown
