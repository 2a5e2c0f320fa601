"""What a person does to accounts besides signing in."""

from datetime import timedelta

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import AlreadyExists, InvalidInput, NotFound, VaultLocked
from reply_desktop.domain.grant import MailServer, MailServers, Password, Security
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import State
from reply_desktop.services.ports import SendResult
from tests.fakes.world import World

SERVERS = MailServers(MailServer("smtp.example.com", 465, Security.TLS))


@pytest.fixture
def world() -> World:
    return World()


def test_other_is_added_green_after_a_real_login(world: World) -> None:
    row = world.accounts.add_other("Cem@Example.com", SERVERS, "pw")
    assert (row.address, row.state, row.can_reconnect) == ("cem@example.com", State.CONNECTED, False)
    assert world.stored(row.id) == (1, Password("pw"))
    assert world.account(row.id).servers == SERVERS


def test_other_that_is_refused_is_not_stored(world: World) -> None:
    world.other.answer(Outcome(Cause.WRONG_PASSWORD, "535 5.7.8 no"))
    with pytest.raises(InvalidInput, match=r"535 5\.7\.8 no"):
        world.accounts.add_other("cem@example.com", SERVERS, "pw")
    assert world.store.tables.accounts == {} and world.store.tables.grants == {}


def test_other_is_not_added_twice(world: World) -> None:
    world.accounts.add_other("cem@example.com", SERVERS, "pw")
    with pytest.raises(AlreadyExists, match="Edit credentials"):
        world.accounts.add_other("CEM@example.com", SERVERS, "pw")


@pytest.mark.parametrize("password", ["", "a\nb", "a\x00b"])
def test_impossible_passwords_never_reach_the_network(world: World, password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        world.accounts.add_other("cem@example.com", SERVERS, password)
    assert world.other.probes == []
    assert not password or password not in str(caught.value)


def test_locked_vault_stores_no_half_account(world: World) -> None:
    world.vault.locked = True
    with pytest.raises(VaultLocked):
        world.accounts.add_other("cem@example.com", SERVERS, "pw")
    assert world.store.tables.accounts == {}


def test_edit_credentials_mends_a_red_row(world: World) -> None:
    world.add(provider=Provider.OTHER, state=State.EXPIRED, cause=Cause.WRONG_PASSWORD)
    row = world.accounts.edit_other("ana@example.com", SERVERS, "new")
    assert row.state is State.CONNECTED and world.stored() == (2, Password("new"))
    world.accounts.edit_other("ana", SERVERS, None)
    assert world.stored() == (3, Password("new"))


def test_edit_of_a_single_click_account_points_to_reconnect(world: World) -> None:
    world.add()
    with pytest.raises(InvalidInput, match="Reconnect"):
        world.accounts.edit_other("ana", SERVERS, "x")


def test_pause_stops_checks_and_closes_the_episode(world: World) -> None:
    world.add()
    world.google.answer(Outcome(Cause.GRANT_REVOKED))
    world.health.check_now("ana")
    world.accounts.pause(["ana@example.com"])
    assert (world.account().state, world.account().next_check_at) == (State.PAUSED, None)
    assert [e.ending for e in world.store.tables.episodes.values()] == ["paused"]
    assert len(world.of(events.NotificationWithdrawn)) == 1
    world.google.answer(PROVEN)
    world.accounts.resume(["ana"])
    assert world.account().state is State.CONNECTED


def test_remove_forgets_everything_and_revokes_when_asked(world: World) -> None:
    world.add()
    world.add("ben")
    world.accounts.remove(["ana"], revoke=False)
    assert world.google.revoked == []
    world.accounts.remove(["ben@example.com"], revoke=True)
    assert world.google.revoked == ["ben"]
    assert world.store.tables.accounts == {} and world.store.tables.grants == {}
    assert len(world.of(events.AccountRemoved)) == 2
    with pytest.raises(NotFound):
        world.accounts.find("ana")


def test_removing_withdraws_the_alert(world: World) -> None:
    world.add()
    world.google.answer(Outcome(Cause.GRANT_REVOKED))
    world.health.check_now("ana")
    world.accounts.remove(["ana"], revoke=False)
    assert len(world.of(events.NotificationWithdrawn)) == 1


def test_ids_of_all_leaves_out_what_cannot_be_checked(world: World) -> None:
    world.add()
    world.add("ben", state=State.PAUSED)
    world.add("cem", state=State.NEW)
    world.add("dan", state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
    assert world.accounts.ids(()) == ["ana", "dan"]
    assert world.accounts.ids(["BEN@example.com"]) == ["ben"]
    with pytest.raises(NotFound, match="nobody@example"):
        world.accounts.ids(["nobody@example.com"])


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_daily_limit(world: World, limit: int) -> None:
    world.add()
    world.accounts.set_daily_limit(["ana"], 400)
    assert world.account().daily_limit == 400
    with pytest.raises(InvalidInput):
        world.accounts.set_daily_limit(["ana"], limit)


def test_test_mail_goes_to_itself_after_a_proof(world: World) -> None:
    world.add(next_check_at=world.clock.now() + timedelta(hours=1))
    result = world.accounts.send_test("ana", None)
    assert result.outcome.proves and len(world.google.probes) == 1
    assert world.google.sent == [b"From: ana@example.com\r\nTo: ana@example.com\r\n\r\nhi"]


def test_test_mail_from_a_dead_account_says_why_and_sends_nothing(world: World) -> None:
    world.add()
    world.google.answer(Outcome(Cause.GRANT_REVOKED))
    assert world.accounts.send_test("ana", None).outcome.cause is Cause.GRANT_REVOKED
    assert world.google.sent == []


def test_a_failed_send_turns_the_row_red_at_once(world: World) -> None:
    world.add()
    world.google.send_result = SendResult(Outcome(Cause.MAILBOX_DISABLED))
    world.accounts.send_test("ana", "me@example.org")
    assert (world.account().state, world.account().cause) == (State.BLOCKED, Cause.MAILBOX_DISABLED)


def test_paused_sends_nothing(world: World) -> None:
    world.add(state=State.PAUSED)
    with pytest.raises(InvalidInput, match="paused"):
        world.accounts.send_test("ana", None)
