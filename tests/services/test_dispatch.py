"""Choosing: who is next, whose turn it is, and until when an account must wait."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest

from reply_desktop.domain.pace import Pace
from reply_desktop.domain.sequence import Ramp
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.window import SendingWindow
from reply_desktop.services.dispatch import Allowances, Pick, Turns, Wait
from tests.fakes.sending import DAY_S, SendingWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SendingWorld]:
    world = SendingWorld(tmp_path)
    world.account("a")
    world.account("b")
    yield world
    world.close()


def look(
    world: SendingWorld, account_id: str, *sequences: MailSequence, ready: Sequence[str] = "ab"
) -> Pick | Wait:
    with world.store.read() as unit:
        account = unit.accounts.get(account_id)
        assert account is not None
        turns = Turns(lambda one, sequence: one in ready)
        return world.dispatch.look(
            unit,
            account,
            sequences,
            world.clock.now(),
            lambda sequence, lasts: turns.first(sequence, lasts) == account_id,
        )


def test_nothing_to_do_waits_for_news(world: SendingWorld) -> None:
    assert look(world, "a", world.sequence(prospects=0)) == Wait()
    assert look(world, "a") == Wait()


def test_whose_turn_it_is(world: SendingWorld) -> None:
    sequence = world.sequence(accounts="ab")
    first = look(world, "a", sequence)
    assert isinstance(first, Pick) and first.enrollment.ordinal == 1
    assert look(world, "b", sequence) == Wait(turn=True)
    with world.store.begin() as unit:
        unit.sequences.assign("spring", "a", world.clock.now())
        unit.commit()
    world.dispatch.assigned("spring", "a", world.clock.now())
    assert look(world, "a", sequence) == Wait(turn=True)
    assert isinstance(look(world, "b", sequence), Pick)
    assert isinstance(look(world, "a", sequence, ready="a"), Pick)
    world.dispatch.forget("spring")
    assert look(world, "a", sequence) == Wait(turn=True)


def test_new_prospects_of_several_sequences_take_turns(world: SendingWorld) -> None:
    one, two = world.sequence("one"), world.sequence("two")
    assert isinstance(first := look(world, "a", one, two), Pick) and first.sequence is one
    world.dispatch.assigned("one", "a", world.clock.now())
    assert isinstance(second := look(world, "a", one, two), Pick) and second.sequence is two


def test_the_gap_and_the_window_say_when(world: SendingWorld) -> None:
    now = world.clock.now()
    closed = world.sequence(window=SendingWindow((1,), time(14), time(15)))
    assert look(world, "a", closed) == Wait(now.replace(hour=14))
    with world.store.begin() as unit:
        unit.paces.save(Pace("a", free_at=now + timedelta(seconds=90)))
        unit.commit()
    assert look(world, "a", closed) == Wait(now + timedelta(seconds=90))


def test_when_the_next_is_due(world: SendingWorld) -> None:
    world.sequence(prospects=1, steps=2)
    world.tick()
    assert look(world, "a", world.stored()) == Wait(world.clock.now() + timedelta(days=1))


def test_touches_are_counted_seldom_and_never_too_few(world: SendingWorld) -> None:
    sequence = world.sequence(daily_limit=3, prospects=0)
    allowances, now, counted = Allowances(), world.clock.now(), []
    with world.store.read() as unit:
        account = unit.accounts.get("a")
        assert account is not None
        real = unit.touches.counted_since
        unit.touches.counted_since = lambda *given: counted.append(given) or real(*given)  # type: ignore[method-assign,func-returns-value]
        for _ in range(2):
            assert allowances.full(unit, account, sequence, Pace("a"), now) is None
        assert len(counted) == 2
        for _ in range(3):
            allowances.take("a", "spring")
        assert allowances.full(unit, account, sequence, Pace("a"), now) is None
        assert len(counted) == 3, "what may be too few is counted anew"
        allowances.forget()
        allowances.full(unit, account, sequence, Pace("a"), now)
        assert len(counted) == 5


def test_a_full_account_is_known_to_be_so_by_others(world: SendingWorld) -> None:
    world.sequence(prospects=5, daily_limit=1, accounts="ab")
    world.tick()
    allowances, now = world.dispatch.allowances, world.clock.now()
    assert allowances.is_full("a", "spring", now) and allowances.is_full("b", "spring", now)
    assert not allowances.is_full("a", "spring", now + timedelta(seconds=DAY_S))
    assert not allowances.is_full("a", "autumn", now)
    found = look(world, "a", world.stored())
    assert isinstance(found, Wait) and [one.limit for one in found.full] == [1]
    assert found.until == now + timedelta(days=1)


def test_two_sequences_do_not_wait_for_each_others_turn(world: SendingWorld) -> None:
    """It is a's turn in one and b's in two, where each is at its limit: both sequences go on."""
    world.sequence("one", accounts="ab", prospects=6, daily_limit=2)
    world.sequence("two", accounts="ba", prospects=6, daily_limit=2)
    world.run(600, step_s=30)
    assert len(world.mails) == 8


def test_the_ramp_tells_when_it_grows(world: SendingWorld) -> None:
    now = world.clock.now()
    world.sequence(prospects=5, ramp=Ramp(1, 1))
    world.tick()
    found = look(world, "a", world.stored())
    assert isinstance(found, Wait) and found.until == now + timedelta(days=1)


def test_turns_pass_on_to_who_waits_the_longest(world: SendingWorld) -> None:
    sequence = replace(world.sequence(prospects=0), accounts=(*"abcde",))
    now = world.clock.now()
    lasts = {"a": now, "b": now - timedelta(hours=1), "c": now - timedelta(hours=2)}
    ready = {*"abce"}
    turns = Turns(lambda one, sequence: one in ready)
    assert turns.first(sequence, lasts) == "e", "who never had one comes first"
    turns.leave("e")
    assert turns.first(sequence, lasts) == "c"
    ready.discard("c")
    assert turns.first(sequence, lasts) == "b"
    turns.leave("b")
    turns.leave("a")
    assert turns.first(sequence, lasts) is None
