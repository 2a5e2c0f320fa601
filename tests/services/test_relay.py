"""The relay: kept only once it let us in, its password sealed, by a real server over TLS."""

from collections.abc import Iterator

import pytest

from reply_desktop.adapters.providers.other import Other
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput, NotFound, VaultLocked
from reply_desktop.domain.grant import MailServer, MailServers, Password, Security
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import RelayRow
from reply_desktop.services.relay import SETTING, Relay
from reply_desktop.services.sealed_settings import SealedSettings
from tests.fakes.world import World
from tests.harness.mail_servers import Authority, Mailbox, smtp_server

SERVER = MailServer("smtp.example.com", 587, Security.STARTTLS)
SENDER = "alerts@example.com"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def relay(world: World) -> Relay:
    return Relay(SealedSettings(world.store, world.vault), world.providers, world.clock)


def test_none_is_set(relay: Relay) -> None:
    assert relay.row() is None
    with pytest.raises(NotFound):
        relay.opened()
    relay.clear()


def test_what_was_put_comes_back_with_the_password_sealed(world: World, relay: Relay) -> None:
    relay.put(SERVER, " Alerts@Example.com ", " robot ", "secret 1")
    assert relay.row() == RelayRow(SERVER, "robot", SENDER, True)
    assert "secret 1" not in world.store.tables.settings[SETTING]
    account, password = relay.opened()
    assert (account.address, account.servers) == (SENDER, MailServers(SERVER, user="robot"))
    assert password == Password("secret 1")
    assert world.other.probes == [("relay", Password("secret 1"), True)]
    assert world.store.tables.accounts == {}, "it is no account"


@pytest.mark.parametrize(("password", "kept"), [(None, "secret 1"), ("secret 2", "secret 2")])
def test_the_password_is_kept_or_replaced(relay: Relay, password: str | None, kept: str) -> None:
    relay.put(SERVER, SENDER, "robot", "secret 1")
    relay.put(SERVER, "other@example.com", "robot", password)
    account, opened = relay.opened()
    assert (account.address, opened.password) == ("other@example.com", kept)


def test_without_a_user_no_password_is_kept(relay: Relay) -> None:
    relay.put(SERVER, SENDER, "robot", "secret 1")
    relay.put(SERVER, SENDER)
    assert relay.row() == RelayRow(SERVER, "", SENDER, False)
    assert relay.opened()[1] == Password("")


@pytest.mark.parametrize(
    ("sender", "user", "password", "said"),
    [
        ("nobody", "", None, "not a mail address"),
        (SENDER, "robot", None, "password is missing"),
        (SENDER, "robot", "", "password is missing"),
        (SENDER, "", "secret 1", "no user name"),
    ],
)
def test_what_makes_no_sense_is_not_tried(
    world: World, relay: Relay, sender: str, user: str, password: str | None, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        relay.put(SERVER, sender, user, password)
    assert world.other.probes == [] and relay.row() is None


def test_a_refusal_stores_nothing_and_is_told(world: World, relay: Relay) -> None:
    world.other.answer(Outcome(Cause.WRONG_PASSWORD, "535 5.7.8 no"))
    with pytest.raises(
        InvalidInput, match=r"nothing was stored\. The server said: 535 5\.7\.8 no\. Check "
    ) as told:
        relay.put(SERVER, SENDER, "robot", "secret 1")
    assert told.value.todo == "Check server, port, security, user name and password."
    assert relay.row() is None


def test_a_locked_vault_stores_nothing(world: World, relay: Relay) -> None:
    relay.put(SERVER, SENDER, "robot", "secret 1")
    world.vault.locked = True
    assert relay.row() == RelayRow(SERVER, "robot", SENDER, True)
    with pytest.raises(VaultLocked):
        relay.opened()
    with pytest.raises(VaultLocked):
        relay.put(SERVER, "other@example.com", "robot", "secret 2")
    world.vault.locked = False
    assert relay.opened()[0].address == SENDER


def test_a_password_whose_key_is_gone_is_asked_for(world: World, relay: Relay) -> None:
    relay.put(SERVER, SENDER, "robot", "secret 1")
    sealed = SealedSettings(world.store, world.vault)
    sealed.put("notify.elsewhere", sealed.fields(SETTING) or {}, "secret 1")
    with world.store.begin() as unit:
        unit.settings.put(SETTING, world.store.tables.settings["notify.elsewhere"])
        unit.commit()
    with pytest.raises(InvalidInput, match="Enter it again"):
        relay.opened()


def test_clearing_forgets_it(world: World, relay: Relay) -> None:
    relay.put(SERVER, SENDER, "robot", "secret 1")
    relay.clear()
    assert relay.row() is None and world.store.tables.settings == {}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def other(authority: Authority) -> Iterator[Other]:
    made = Other(authority.client_context(), timeout_s=10, deadline_s=20, idle_s=0)
    yield made
    made.close()


@pytest.mark.parametrize("security", list(Security))
@pytest.mark.parametrize("signs_in", [True, False])
def test_a_real_server(
    world: World, authority: Authority, other: Other, security: Security, signs_in: bool
) -> None:
    mailbox = Mailbox("robot", "secret 1")
    relay = Relay(SealedSettings(world.store, world.vault), {Provider.OTHER: other}, world.clock)
    user, password = ("robot", "secret 1") if signs_in else ("", None)
    options = {} if signs_in else {"auth_required": False, "authenticator": None}
    with smtp_server(authority, mailbox, security, **options) as server:
        if signs_in:
            with pytest.raises(InvalidInput, match="535"):
                relay.put(server, SENDER, user, "wrong one 1")
        relay.put(server, SENDER, user, password)
        account, secret = relay.opened()
        mime = f"From: {SENDER}\r\nTo: me@example.org\r\n\r\nx\r\n".encode()
        assert other.send(account, secret, mime).outcome.proves
    assert [(one.mail_from, one.rcpt_tos) for one in mailbox.received] == [(SENDER, ["me@example.org"])]
    assert bool(mailbox.tries) is signs_in


def test_a_real_server_that_wants_a_password(world: World, authority: Authority, other: Other) -> None:
    relay = Relay(SealedSettings(world.store, world.vault), {Provider.OTHER: other}, world.clock)
    with (
        smtp_server(authority, Mailbox("robot", "secret 1"), Security.STARTTLS) as server,
        pytest.raises(InvalidInput, match=r"530 5\.7\.0 Authentication required"),
    ):
        relay.put(server, SENDER)
    assert relay.row() is None
