"""The ledger: faults told once and closed once, and what sequences' logs say of their accounts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.notification import NotificationKind
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.states import State
from tests.fakes.sending import SendingWorld
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
    assert kinds(world) == ["app_fault", "app_fault"]
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


def account_entries(world: SendingWorld, sequence_id: str = "spring") -> list[LogEntry]:
    kinds = (LogKind.ACCOUNT_OUT, LogKind.ACCOUNT_BACK, LogKind.ACCOUNT_REMOVED)
    return world.log(*kinds, sequence_id=sequence_id)


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[SendingWorld]:
    """Sequences: spring sends from a and b, lone from a alone; off is not on."""
    world = SendingWorld(tmp_path)
    for name in "ab":
        world.account(name)
    world.sequence(accounts="ab")
    world.sequence("lone", accounts="a")
    world.sequence("off", accounts="a", status=SequenceStatus.PAUSED)
    yield world
    world.close()


def test_an_account_that_goes_out_is_told_in_the_logs_it_matters_to(sending: SendingWorld) -> None:
    sending.set_state("a", State.EXPIRED, Cause.WRONG_PASSWORD)
    with sending.store.read() as unit:
        episode = unit.episodes.open_of("a")
    assert episode is not None
    (spring,), (lone,) = account_entries(sending), account_entries(sending, "lone")
    assert account_entries(sending, "off") == []
    assert (spring.kind, spring.account, spring.key) == (LogKind.ACCOUNT_OUT, "a@own.example", episode.id)
    assert "Sending goes on from b@own.example" in spring.text
    assert "stands still" in lone.text
    told = [event for event in sending.events if isinstance(event, events.LogAdded)]
    assert [entry.sequence_id for entry in told[0].entries] == ["lone", "spring"]


def test_it_is_told_once_and_back_only_with_a_proof(sending: SendingWorld) -> None:
    sending.set_state("a", State.EXPIRED, Cause.WRONG_PASSWORD)
    sending.set_state("a", State.EXPIRED, Cause.WRONG_PASSWORD)
    sending.set_state("a", State.AT_RISK, Cause.UNPROVEN)
    sending.set_state("a", State.AT_RISK, Cause.UNREACHABLE)
    assert [entry.kind for entry in account_entries(sending)] == [LogKind.ACCOUNT_OUT]
    sending.set_state("a", State.CONNECTED)
    sending.set_state("a", State.AT_RISK, Cause.UNREACHABLE)
    sending.set_state("a", State.CONNECTED)
    out, back = account_entries(sending)
    assert back.kind is LogKind.ACCOUNT_BACK and back.key == out.key


def test_another_cause_is_told_anew(sending: SendingWorld) -> None:
    sending.set_state("a", State.EXPIRED, Cause.WRONG_PASSWORD)
    sending.set_state("a", State.BLOCKED, Cause.ACCOUNT_DISABLED)
    first, second = account_entries(sending)
    assert first.key != second.key and second.kind is LogKind.ACCOUNT_OUT


def test_passing_trouble_is_no_news_for_a_sequence(sending: SendingWorld) -> None:
    sending.set_state("a", State.AT_RISK, Cause.UNREACHABLE)
    sending.set_state("a", State.CONNECTED)
    assert account_entries(sending) == []


def test_paused_and_resumed(sending: SendingWorld) -> None:
    sending.set_state("a", State.PAUSED)
    sending.set_state("a", State.AT_RISK, Cause.UNPROVEN)
    sending.set_state("a", State.CONNECTED)
    out, back = account_entries(sending)
    assert "you paused it" in out.text and back.kind is LogKind.ACCOUNT_BACK


def test_the_notice_leads_to_a_log(sending: SendingWorld) -> None:
    sending.account("g", provider=Provider.GOOGLE)
    sending.change(accounts=("a", "b", "g"))
    sending.set_state("g", State.EXPIRED, Cause.GRANT_REVOKED)
    (raised,) = [event for event in sending.events if isinstance(event, events.NotificationRaised)]
    assert raised.notification.sequence_id == "spring"
    assert raised.notification.key == account_entries(sending)[0].key


def test_a_removed_account_is_told(sending: SendingWorld) -> None:
    with sending.store.read() as unit:
        account = unit.accounts.get("a")
    assert account is not None
    sending.ledger.remove(account)
    (spring,), (lone,) = account_entries(sending), account_entries(sending, "lone")
    assert (spring.kind, spring.account) == (LogKind.ACCOUNT_REMOVED, "a@own.example")
    assert "b@own.example" in spring.text and "stands still" in lone.text


def test_a_crash_before_the_commit_leaves_no_entry(sending: SendingWorld) -> None:
    with sending.store.begin() as unit:
        before = unit.accounts.get("a")
        assert before is not None
        sending.ledger.record(unit, before, replace(before, state=State.PAUSED))
    assert account_entries(sending) == []


def test_what_no_log_tells_of_leads_to_none(sending: SendingWorld) -> None:
    sending.account("g", provider=Provider.GOOGLE)
    sending.change(accounts=("a", "b", "g"))
    sending.set_state("g", State.AT_RISK, Cause.TESTING_MODE_ENDS)
    (raised,) = [event for event in sending.events if isinstance(event, events.NotificationRaised)]
    assert raised.notification.kind is NotificationKind.DEADLINE_NEAR
    assert raised.notification.sequence_id is None and account_entries(sending) == []
