"""When the sender looks: when it wants to, when something happens, and at least every so often."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.account import Account
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.sequence_rows import ImportReport
from reply_desktop.domain.states import State
from reply_desktop.engine.dispatches import Dispatches
from reply_desktop.engine.ticking import IDLE_S, SOON_S
from tests.fakes.clock import FakeClock
from tests.fakes.sequences import sequence_row
from tests.fakes.store import row_of


@dataclass
class Looks:
    """A sender that wants to be asked at `at`, and the one job that asks it."""

    clock: FakeClock
    at: datetime | None = None
    ticks: int = 0
    wakes: int = 0
    waits: list[float] = field(default_factory=list)
    run: Callable[[], None] = lambda: None
    on_tick: Callable[[], None] = lambda: None

    def tick(self) -> datetime | None:
        self.ticks += 1
        self.on_tick()
        return self.at

    def wake(self) -> None:
        self.wakes += 1

    def every(self, seconds: float, run: Callable[[], None], name: str) -> None:
        self.waits.append(seconds)
        self.run = run


@pytest.fixture
def looks(clock: FakeClock) -> Looks:
    return Looks(clock)


@pytest.fixture
def dispatches(looks: Looks) -> Dispatches:
    made = Dispatches(looks.tick, looks.wake, looks.clock, looks)
    made.soon()
    return made


def test_it_sleeps_until_the_sender_wants_to_look(dispatches: Dispatches, looks: Looks) -> None:
    looks.at = looks.clock.now() + timedelta(seconds=7)
    looks.run()
    assert looks.waits == [SOON_S, 7.0]


@pytest.mark.parametrize("ahead", [None, timedelta(days=2)])
def test_it_looks_every_so_often_all_the_same(
    dispatches: Dispatches, looks: Looks, ahead: timedelta | None
) -> None:
    looks.at = None if ahead is None else looks.clock.now() + ahead
    looks.run()
    assert looks.waits[-1] == IDLE_S


def test_called_while_it_looks_it_looks_again(dispatches: Dispatches, looks: Looks) -> None:
    looks.on_tick = dispatches.soon
    looks.run()
    assert looks.waits == [SOON_S]


def test_a_look_that_fails_is_not_the_last(dispatches: Dispatches, looks: Looks) -> None:
    def fail() -> None:
        raise RuntimeError("boom")

    looks.on_tick = fail
    with pytest.raises(RuntimeError):
        looks.run()
    assert looks.waits[-1] == IDLE_S


ANA = Account(
    "a", Provider.OTHER, "ana@example.com", datetime.fromisoformat("2026-03-02T09:00Z"), State.EXPIRED
)


def account_changed(before: Account, after: Account) -> events.AccountChanged:
    return events.AccountChanged(row_of(after), before, after)


CALLS: dict[str, tuple[events.Event, bool, bool]] = {
    "an account is back": (account_changed(ANA, replace(ANA, state=State.AT_RISK)), True, False),
    "an account is out": (account_changed(replace(ANA, state=State.CONNECTED), ANA), True, False),
    "another daily limit": (account_changed(ANA, replace(ANA, daily_limit=7)), True, False),
    "only a check": (account_changed(ANA, replace(ANA, failures=3)), False, False),
    "an account is gone": (events.AccountRemoved("a", "ana@example.com"), True, True),
    "sending goes on": (events.SendingPaused(False), True, True),
    "an import goes on": (events.ImportProgress("i", 5, 10), False, False),
    "an import is over": (
        events.ImportProgress("i", 10, 10, ImportReport(10, 10, 0, 0, 0, 0, 0, ())), True, True,
    ),
    "a new sequence": (events.SequencesChanged((sequence_row(1, "One"),)), True, True),
    "an entry": (events.LogAdded(()), False, False),
}  # fmt: skip


@pytest.mark.parametrize("what", CALLS)
def test_what_calls_it(dispatches: Dispatches, looks: Looks, what: str) -> None:
    event, soon, wakes = CALLS[what]
    looks.run()
    dispatches.on_event(event)
    assert (looks.waits[-1] == SOON_S, looks.wakes == 1) == (soon, wakes)


def test_counts_that_change_while_it_sends_do_not_call_it(dispatches: Dispatches, looks: Looks) -> None:
    row = sequence_row(1, "One")
    dispatches.on_event(events.SequencesChanged((row,)))
    looks.run()
    dispatches.on_event(events.SequencesChanged((replace(row, sent=row.sent + 1),)))
    assert looks.waits[-1] == IDLE_S
    dispatches.on_event(events.SequencesChanged((replace(row, status=SequenceStatus.PAUSED),)))
    assert looks.waits[-1] == SOON_S
