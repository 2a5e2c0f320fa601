"""The sender: what leaves when, from which account, and never twice; whatever happens to accounts and computer."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.enrollment import EnrollmentState, FinishReason
from reply_desktop.domain.errors import StoreFull
from reply_desktop.domain.grant import TokenSet
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Ramp, SequenceMove, SequenceStatus, Stranded, StrandedKind, moved
from reply_desktop.domain.states import Color, State
from reply_desktop.domain.touch import TouchState
from reply_desktop.domain.window import SendingWindow
from reply_desktop.services.ports import Probed, SendResult
from tests.fakes.clock import START
from tests.fakes.sending import (
    ALWAYS,
    DAY_S,
    LATER,
    LOST,
    NO_SUCH_USER,
    OFFLINE,
    REFUSED,
    SENT,
    THROTTLED,
    UNKNOWN,
    Mail,
    SendingWorld,
    counts,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SendingWorld]:
    world = SendingWorld(tmp_path)
    yield world
    world.close()


def by_account(mails: list[Mail]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for mail in mails:
        found[mail.account] += 1
    return dict(found)


def pause_sending(world: SendingWorld, value: str) -> None:
    with world.store.begin() as unit:
        unit.settings.put("sending.paused", value)
        unit.commit()


def test_new_prospects_go_round_and_threads_stay(world: SendingWorld) -> None:
    for name in "abc":
        world.account(name)
    world.sequence(accounts="abc", prospects=7, steps=2, gap_s=(2.0, 2.0))
    world.run(10, step_s=1)
    assert [mail.account for mail in world.mails] == [*"abcabca"]
    world.run(DAY_S + 60, step_s=600)
    world.run(20, step_s=1)
    assert len(world.mails) == 14
    sender = {mail.to: mail.account for mail in world.mails if mail.step == 1}
    assert {mail.to: mail.account for mail in world.mails if mail.step == 2} == sender


def test_a_gap_is_kept_between_two_mails_of_an_account(world: SendingWorld) -> None:
    world.account("a")
    world.sequence("one", prospects=4, gap_s=(120.0, 300.0))
    world.sequence("two", prospects=4, gap_s=(120.0, 300.0))
    world.run(3600, step_s=7)
    times = [mail.at for mail in world.mails]
    assert len(times) == 8
    assert all((b - a).total_seconds() >= 120 for a, b in pairwise(times))


def test_it_says_when_to_look_again(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=2, gap_s=(200.0, 200.0))
    assert world.tick() == world.clock.now() + timedelta(seconds=200)
    world.clock.advance(200)
    world.tick()
    assert len(world.mails) == 2
    assert world.tick() is None


def test_follow_ups_come_before_new_prospects(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=2, steps=2, gap_s=(1.0, 1.0))
    world.run(5, step_s=1)
    world.clock.advance(DAY_S)
    world.enroll("spring", 1)
    world.prove()
    world.run(5, step_s=1)
    assert [mail.step for mail in world.mails] == [1, 1, 2, 2, 1]


def test_limits_hold_in_any_24_hours(world: SendingWorld) -> None:
    world.account("a", daily_limit=5)
    world.sequence("one", prospects=10, daily_limit=2)
    world.sequence("two", prospects=10)
    world.tick()
    assert by_account(world.mails) == {"a": 5}
    assert len(world.log(LogKind.SENT, sequence_id="one")) == 2
    (entry,) = world.log(LogKind.LIMIT_REACHED, sequence_id="two")
    assert "a@own.example has sent its 5 mails of 24 hours" in entry.text
    world.run(DAY_S - 60, step_s=3600)
    assert len(world.mails) == 5
    world.run(120)
    assert len(world.mails) == 10
    assert len(world.log(LogKind.LIMIT_REACHED, sequence_id="two")) == 2


def test_a_limit_that_was_raised_counts_at_once(world: SendingWorld) -> None:
    world.account("a", daily_limit=2)
    world.sequence(prospects=4)
    world.tick()
    with world.store.read() as unit:
        before = unit.accounts.get("a")
    assert before is not None
    world.ledger.change(before, replace(before, daily_limit=3))
    world.tick()
    assert len(world.mails) == 3


def test_warming_up(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=30, ramp=Ramp(2, 3))
    sent = []
    for _ in range(4):
        world.tick()
        sent.append(len(world.mails))
        world.clock.advance(DAY_S)
        world.prove()
    assert sent == [2, 7, 15, 26]


def test_nothing_leaves_outside_the_window(world: SendingWorld) -> None:
    world.account("a")
    world.clock.set_wall(START.replace(hour=16, minute=50))
    window = SendingWindow((1, 2, 3, 4, 5), time(9), time(17))
    world.sequence(prospects=4, window=window, gap_s=(240.0, 240.0))
    world.run(86400, step_s=120)
    times = [mail.at for mail in world.mails]
    assert len(times) == 4
    assert all(9 <= at.hour < 17 for at in times)
    assert [at.day for at in times] == [2, 2, 3, 3]


def test_travel_changes_nothing_and_daylight_saving_moves_the_hour(
    world: SendingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The zone is the sequence's, not the computer's; on 2026-03-29 Berlin goes from UTC+1 to UTC+2."""
    world.account("a")
    window = SendingWindow((1, 2, 3, 4, 5, 6, 7), time(9), time(10), "Europe/Berlin")
    world.clock.set_wall(START.replace(day=28, hour=7))
    world.sequence(prospects=2, window=window, daily_limit=1)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    world.run(2 * DAY_S + 600, step_s=300)
    first, second = (mail.at for mail in world.mails)
    assert (first.day, first.hour) == (28, 8)
    assert (second.day, second.hour) == (30, 7)


def test_at_the_daylight_saving_change_the_window_opens_an_hour_earlier_in_utc(world: SendingWorld) -> None:
    world.account("a")
    window = SendingWindow((1, 2, 3, 4, 5, 6, 7), time(9), time(10), "Europe/Berlin")
    world.clock.set_wall(START.replace(day=29, hour=0))
    world.sequence(prospects=1, window=window)
    world.run(12 * 3600, step_s=300)
    assert [mail.at.hour for mail in world.mails] == [7]


def test_a_paused_app_sends_nothing(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=2)
    pause_sending(world, "true")
    assert world.tick() is None
    world.run(3600, step_s=600)
    assert world.mails == []
    pause_sending(world, "false")
    world.sender.wake()
    world.tick()
    assert len(world.mails) == 2


def test_two_accounts_one_lost(world: SendingWorld) -> None:
    """The article's promise: the rest goes on, its own prospects wait, and come back paced."""
    world.account("a", provider=Provider.GOOGLE)
    world.account("b")
    world.sequence(accounts="ab", prospects=20, steps=2, gap_s=(60.0, 60.0))
    world.run(180)
    sent_by_a = [mail for mail in world.mails if mail.account == "a"]
    world.google.answers.append(LOST)
    world.google.probed = Probed(LOST.outcome)
    world.prove()
    world.run(2 * DAY_S, step_s=300)
    assert world.state("a") is State.EXPIRED
    later = world.mails[len(sent_by_a) + 1 :]
    assert {mail.to for mail in world.mails if mail.step == 1 and mail.account == "b"} >= {
        mail.to for mail in later if mail.account == "b"
    }
    waiting = [place for place in world.places() if place.account_id == "a"]
    assert len(waiting) == len(sent_by_a)
    assert all(place.done == 1 and place.due_at for place in waiting)
    (entry,) = world.log(LogKind.ACCOUNT_OUT)
    assert "Sending goes on from b@own.example" in entry.text
    world.google.probed = Probed(Outcome())
    world.set_state("a", State.CONNECTED)
    assert len(world.log(LogKind.ACCOUNT_BACK)) == 1
    before = len(world.mails)
    world.run(3600, step_s=30)
    held = [mail for mail in world.mails[before:] if mail.account == "a"]
    assert len(held) == len(waiting) and {mail.to for mail in held} == {mail.to for mail in sent_by_a}
    assert max(counts(world.mails).values()) == 1
    assert world.stored().status is SequenceStatus.FINISHED


@pytest.mark.parametrize("lost", [True, False])
def test_an_access_token_that_is_not_taken_has_the_account_asked_at_once(
    world: SendingWorld, lost: bool
) -> None:
    world.account("a", provider=Provider.GOOGLE)
    world.account("b")
    world.sequence(accounts="ab", prospects=30, gap_s=(1.0, 1.0))
    world.google.answers.append(SendResult(Outcome(Cause.PROOF_STALE, "401 Invalid Credentials")))
    world.google.probed = Probed(LOST.outcome if lost else Outcome())
    world.run(60, step_s=1)
    assert world.google.probes and world.state("a") is (State.EXPIRED if lost else State.CONNECTED)
    assert len(world.mails) == 30 and max(counts(world.mails).values()) == 1
    assert not lost or {mail.account for mail in world.mails} == {"b"}
    assert len(world.log(LogKind.ACCOUNT_OUT)) == lost


def test_late_mail_of_an_account_that_is_back_is_paced_and_told(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=12, steps=2, gap_s=(600.0, 600.0))
    world.run(2 * 3600, step_s=300)
    world.set_state("a", State.EXPIRED, Cause.WRONG_PASSWORD)
    world.clock.advance(3 * DAY_S)
    world.set_state("a", State.CONNECTED)
    before = len(world.mails)
    world.run(600, step_s=10)
    assert len(world.mails) - before <= 2
    (entry,) = world.log(LogKind.REPACED)
    assert "12 late mails leave over the next 2 hours" in entry.text
    world.run(2 * 3600, step_s=60)
    assert len(world.mails) == 24


def test_a_laptop_asleep_for_three_days(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=12, steps=2, gap_s=(600.0, 600.0))
    world.run(2 * 3600, step_s=300)
    world.clock.sleep_of_computer(timedelta(days=3))
    before = len(world.mails)
    world.run(1200, step_s=10)
    assert len(world.mails) - before <= 3
    (moved_entry,) = world.log(LogKind.CLOCK_MOVED)
    assert "3 days" in moved_entry.text
    (entry,) = world.log(LogKind.REPACED)
    assert "12 late mails" in entry.text
    world.run(3 * 3600, step_s=60)
    assert len(world.mails) == 24


def test_after_sleep_no_old_proof_is_believed(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=2, gap_s=(600.0, 600.0))
    world.tick()
    world.clock.sleep_of_computer(timedelta(days=3))
    world.mailbox.probed = Probed(Outcome(Cause.WRONG_PASSWORD))
    world.tick()
    assert len(world.mails) == 1 and world.state("a") is State.EXPIRED


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=400)])
def test_a_clock_set_back_neither_bursts_nor_blocks(world: SendingWorld, back: timedelta) -> None:
    world.account("a", daily_limit=1000)
    world.sequence(prospects=50, steps=2, gap_s=(600.0, 600.0))
    world.run(3600, step_s=300)
    before = len(world.mails)
    world.clock.set_wall(world.clock.now() - back)
    world.prove()
    world.tick()
    assert len(world.mails) - before <= 1
    (entry,) = world.log(LogKind.CLOCK_MOVED)
    assert "set back" in entry.text
    for _ in range(60):
        world.prove()
        world.run(3600, step_s=300)
    assert len(world.mails) == 100
    assert max(counts(world.mails).values()) == 1


def test_a_token_near_its_end_is_renewed_once_before_it_is_used(world: SendingWorld) -> None:
    world.account("a", provider=Provider.GOOGLE)
    soon = world.clock.now() + timedelta(seconds=30)
    world.credentials.remember("a", 1, TokenSet("refresh-1", "old", expires_at=soon))
    lasting = TokenSet("refresh-1", "new", expires_at=world.clock.now() + timedelta(hours=1))
    world.google.probed = Probed(Outcome(), lasting)
    world.sequence(prospects=5)
    world.tick()
    assert len(world.mails) == 5 and world.google.probes == ["a"]


def test_an_account_that_cannot_be_proven_is_not_asked_over_and_over(world: SendingWorld) -> None:
    world.account("a", provider=Provider.GOOGLE, proven_at=None)
    world.google.probed = Probed(Outcome(Cause.OFFLINE))
    world.sequence(prospects=1)
    world.run(60, step_s=1)
    assert world.mails == [] and len(world.google.probes) <= 5


def test_a_removed_accounts_prospects_wait_visibly_or_move(world: SendingWorld) -> None:
    for name in "ab":
        world.account(name)
    world.sequence(accounts="ab", prospects=4, steps=2, gap_s=(2.0, 2.0))
    world.run(10, step_s=1)
    with world.store.read() as unit:
        account = unit.accounts.get("a")
    assert account is not None
    world.ledger.remove(account)
    (entry,) = world.log(LogKind.ACCOUNT_REMOVED)
    assert "a@own.example was removed" in entry.text and "b@own.example" in entry.text
    world.run(DAY_S + 60, step_s=600)
    world.run(20, step_s=1)
    left = [place for place in world.places() if place.state is EnrollmentState.ACTIVE]
    assert len(left) == 2
    assert all("removed" in place.note and place.due_at is None for place in left)
    assert world.stored().status is SequenceStatus.RUNNING


def test_a_removed_accounts_prospects_move_where_the_policy_says_so(world: SendingWorld) -> None:
    for name in "ab":
        world.account(name)
    policy = Stranded(StrandedKind.MOVE_AFTER, 3600)
    world.sequence(accounts="ab", prospects=4, steps=2, stranded=policy, gap_s=(2.0, 2.0))
    world.run(10, step_s=1)
    with world.store.read() as unit:
        account = unit.accounts.get("a")
    assert account is not None
    world.ledger.remove(account)
    world.run(DAY_S + 60, step_s=600)
    world.run(20, step_s=1)
    assert by_account([mail for mail in world.mails if mail.step == 2]) == {"b": 4}


class FullDisk:
    """Lets the world's units of work fail to commit while `full`."""

    def __init__(self, world: SendingWorld) -> None:
        self.full = False
        world.store.begin = self._begin  # type: ignore[method-assign]
        self._real = type(world.store).begin.__get__(world.store)

    def _begin(self, *, durable: bool = False):
        if self.full:
            raise StoreFull("The disk is full.", "Make room.")
        return self._real(durable=durable)


@pytest.mark.expect_log("Sending stands still")
def test_a_full_disk_sends_nothing_and_is_told(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=2)
    disk = FullDisk(world)
    disk.full = True
    world.sender.tick()
    assert world.mailbox.tried == []
    assert [row.indicator for row in world.feed.rows()] == [Color.RED]
    assert "disk is full" in world.feed.rows()[0].tooltip
    disk.full = False
    world.run(60)
    assert len(world.mails) == 2
    assert len(world.log(LogKind.DISK_FULL)) == 1
    assert world.feed.rows()[0].indicator is not Color.RED


@pytest.mark.expect_log("Sending stands still")
def test_what_left_before_the_disk_was_full_is_settled_later_and_not_sent_again(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=2)
    disk = FullDisk(world)
    world.mailbox.on_send = lambda mail: setattr(disk, "full", True)
    world.sender.tick()
    for _ in range(3):
        world.clock.advance(60)
        world.sender.tick()
    assert len(world.mails) == 1
    disk.full = False
    world.mailbox.on_send = lambda mail: None
    world.run(60)
    assert counts(world.mails) == {(place.prospect_id, 1): 1 for place in world.places()}
    assert {place.finish_reason for place in world.places()} == {FinishReason.COMPLETED}


@pytest.mark.expect_log("Sending stands still")
def test_a_disk_that_stays_full_leaves_a_doubt_at_the_next_start(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=2)
    disk = FullDisk(world)
    world.mailbox.on_send = lambda mail: setattr(disk, "full", True)
    world.sender.tick()
    world.sender.stop()
    world.sender.finish()
    world.close()
    world.open()
    world.sender.start()
    world.tick()
    assert [place.state for place in world.places()] == [EnrollmentState.IN_DOUBT, EnrollmentState.FINISHED]


class Faults:
    """Lets the next `left` units of work of the world fail by a fault of our own."""

    def __init__(self, world: SendingWorld) -> None:
        self.left = 0
        world.store.begin = self._begin  # type: ignore[method-assign]
        self._real = type(world.store).begin.__get__(world.store)

    def _begin(self, *, durable: bool = False):
        if self.left > 0:
            self.left -= 1
            raise RuntimeError("a fault of our own")
        return self._real(durable=durable)


def fault_after_sending(world: SendingWorld, times: int, answer: SendResult = SENT) -> None:
    """One mail is handed over and answered so; then so many units of work fail."""
    world.account("a")
    world.sequence(prospects=["one@there.example"], steps=2)
    faults = Faults(world)
    world.mailbox.answers.append(answer)
    world.mailbox.on_send = lambda mail: setattr(faults, "left", times)
    world.tick()
    world.mailbox.on_send = lambda mail: None


@pytest.mark.expect_log("What became of a mail")
def test_after_a_fault_of_our_own_what_was_sent_is_written_once_more(world: SendingWorld) -> None:
    fault_after_sending(world, 1)
    (place,) = world.places()
    assert (place.state, place.done) == (EnrollmentState.ACTIVE, 1)
    assert [entry.kind for entry in world.log(LogKind.SENT, LogKind.IN_DOUBT)] == [LogKind.SENT]
    world.run(DAY_S + 60, step_s=600)
    assert [mail.step for mail in world.mails] == [1, 2]


@pytest.mark.expect_log("What became of a mail")
def test_a_fault_while_the_next_mail_is_looked_at_leaves_what_was_sent_written(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=2, gap_s=(1.0, 1.0))
    reads: list[bool] = []
    real = world.store.read

    def read():
        if reads.pop() if reads else False:
            raise RuntimeError("a fault of our own")
        return real()

    world.store.read = read  # type: ignore[method-assign]
    world.mailbox.on_send = lambda mail: reads.append(True)
    world.tick()
    world.mailbox.on_send = lambda mail: None
    assert [entry.kind for entry in world.log(LogKind.SENT, LogKind.IN_DOUBT)] == [LogKind.SENT]
    world.run(60, step_s=5)
    assert len({mail.to for mail in world.mails}) == len(world.mails) == 2


@pytest.mark.expect_log("What became of a mail")
@pytest.mark.parametrize("answer", [SENT, LATER])
def test_what_cannot_be_written_is_in_doubt_and_seen_at_once(world: SendingWorld, answer: SendResult) -> None:
    fault_after_sending(world, 2, answer)
    (place,) = world.places()
    touch = world.touch(place.id, "spring-1")
    assert touch is not None and touch.state is TouchState.IN_DOUBT
    assert place.state is EnrollmentState.IN_DOUBT
    (entry,) = world.log(LogKind.IN_DOUBT)
    assert entry.key == touch.id and "fault of the app's own" in entry.text
    assert [row.in_doubt for row in world.feed.rows()] == [1]
    world.run(2 * DAY_S, step_s=600)
    assert len(world.mailbox.tried) == 1 and world.sender.wait_idle(0)


@pytest.mark.expect_log("What became of a mail")
@pytest.mark.expect_log("Sending failed by a fault")
def test_a_store_that_fails_altogether_leaves_the_doubt_to_the_next_start(world: SendingWorld) -> None:
    fault_after_sending(world, 3)
    assert world.sender.wait_idle(0) and world.log(LogKind.IN_DOUBT) == []
    world.close()
    world.open()
    world.sender.start()
    world.run(DAY_S, step_s=600)
    assert len(world.mails) == 1 and len(world.log(LogKind.IN_DOUBT)) == 1


@pytest.mark.expect_log("What became of a mail")
@pytest.mark.expect_log("Sending stands still")
def test_a_fault_while_late_mail_is_settled_keeps_nothing_else_from_leaving(world: SendingWorld) -> None:
    for name in "ab":
        world.account(name)
    world.sequence(accounts="a", prospects=1)
    disk = FullDisk(world)
    world.mailbox.on_send = lambda mail: setattr(disk, "full", True)
    world.sender.tick()
    world.mailbox.on_send = lambda mail: None
    disk.full = False
    world.sequence("other", accounts="b", prospects=1)
    Faults(world).left = 1
    world.tick()
    assert [mail.account for mail in world.mails] == ["a", "b"]
    assert [place.state for place in world.places()] == [EnrollmentState.IN_DOUBT]


def test_a_second_start_at_once_sends_nothing_twice(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=3)
    world.tick()
    world.close()
    world.open()
    world.sender.start()
    world.tick()
    assert len(world.mails) == 3


def test_stopped_it_settles_what_is_in_flight_and_reserves_nothing_more(world: SendingWorld) -> None:
    world.account("a")
    world.sequence(prospects=3)
    world.mailbox.on_send = lambda mail: world.sender.stop()
    world.tick()
    world.tick()
    assert len(world.mails) == 1 and world.sender.wait_idle(0)
    assert world.places()[0].finish_reason is FinishReason.COMPLETED


def test_an_edit_takes_effect_with_the_next_mail(world: SendingWorld) -> None:
    world.account("a")
    world.account("b")
    world.sequence(prospects=6, gap_s=(60.0, 60.0))
    world.tick()
    world.change(accounts=("b",))
    world.run(600)
    assert [mail.account for mail in world.mails] == [*"abbbbb"]


def test_drain_sends_all_that_may_leave_now(world: SendingWorld) -> None:
    for name in "ab":
        world.account(name)
    world.sequence(accounts="ab", prospects=7)
    world.sequence("slow", prospects=3, gap_s=(60.0, 60.0), accounts="b")
    world.sender.drain()
    assert len(world.log(LogKind.SENT)) == 7
    assert len(world.log(LogKind.SENT, sequence_id="slow")) == 1


ANSWERS = st.sampled_from(
    [SENT, SENT, SENT, SENT, LATER, THROTTLED, OFFLINE, REFUSED, NO_SUCH_USER, UNKNOWN, LOST]
)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_happens_the_promises_hold(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Random answers, accounts lost and back, crashes, edits: the rules of sending are never broken."""
    world = SendingWorld(tmp_path_factory.mktemp("world"))
    flight: list[str] = []
    world.mailbox.on_send = lambda mail: flight.append(mail.to)
    window = SendingWindow((1, 2, 3, 4, 5), time(8), time(18))
    for name in "abc":
        world.account(name, daily_limit=6)
    policy = data.draw(
        st.sampled_from(
            [
                Stranded(),
                Stranded(StrandedKind.MOVE_AFTER, 7200),
                Stranded(StrandedKind.MOVE_UNSTARTED),
            ]
        )
    )
    world.sequence(accounts="abc", prospects=8, steps=3, window=window, gap_s=(60.0, 300.0), stranded=policy)
    world.sequence(
        "autumn", accounts="bc", prospects=5, steps=2, window=ALWAYS, gap_s=(0.0, 30.0), daily_limit=4
    )
    deeds = st.sampled_from(["run", "run", "run", "lose", "mend", "crash", "pause", "day", "back"])
    for _ in range(14):
        world.mailbox.answers.extend(data.draw(st.lists(ANSWERS, max_size=4)))
        _do(world, data.draw(deeds), data)
        _check(world, window)
    world.close()


def _do(world: SendingWorld, deed: str, data: st.DataObject) -> None:
    who = data.draw(st.sampled_from("abc"))
    if deed == "lose" and world.state(who) is State.CONNECTED:
        world.set_state(who, State.EXPIRED, Cause.WRONG_PASSWORD)
    elif deed == "mend":
        world.set_state(who, State.CONNECTED)
    elif deed == "crash":
        world.close()
        world.open()
        world.sender.start()
    elif deed == "pause":
        sequence = world.stored("autumn")
        running = sequence.status is SequenceStatus.RUNNING
        change = SequenceMove.PAUSE if running else SequenceMove.LAUNCH
        if sequence.status is not SequenceStatus.FINISHED:
            world.change("autumn", status=moved(sequence, change, world.clock.now()).status)
    elif deed == "day":
        world.clock.advance(DAY_S * 0.7)
    elif deed == "back":
        world.clock.set_wall(world.clock.now() - timedelta(minutes=20))
    world.run(data.draw(st.sampled_from([120, 1800, 7200])), step_s=300)


def _check(world: SendingWorld, window: SendingWindow) -> None:
    mails = world.mails
    assert max(counts(mails).values(), default=1) == 1
    by_marker: dict[str, int] = defaultdict(int)
    for mail in mails:
        by_marker[mail.marker] += 1
    assert max(by_marker.values(), default=1) == 1
    for name in ("spring", "autumn"):
        for place in world.places(name):
            steps = [mail.step for mail in mails if mail.to == place.prospect_id]
            assert steps == sorted(steps) and steps == [*range(1, len(steps) + 1)]
            with world.store.read() as unit:
                open_touches = [
                    touch
                    for step in world.stored(name).steps
                    if (touch := unit.touches.of(place.id, step.id)) is not None and touch.state == "sending"
                ]
            assert open_touches == []
    spring = {place.prospect_id for place in world.places("spring")}
    assert all(window.is_open(mail.at) for mail in mails if mail.to in spring)
    for name in "abc":
        times = sorted(mail.at for mail in mails if mail.account == name)
        for first, seventh in zip(times, times[6:], strict=False):
            assert seventh - first >= timedelta(days=1)
    for row in world.store.reads.sequences.rows():
        assert row.prospects == row.waiting + row.active + row.in_doubt + row.finished
