"""Credentials: opened when the vault lets us, never confused, never lost."""

from datetime import timedelta

import pytest

from reply_desktop.adapters.vault import PassphraseNeeded, VaultKeyMissing
from reply_desktop.domain import timing
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import VaultLocked, VaultUnavailable
from reply_desktop.domain.grant import Password, TokenSet
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import State
from reply_desktop.services.credentials import TOKEN_LEFT_S, CredentialStore, must_store
from tests.fakes.clock import START
from tests.fakes.world import FakeVault, World


class ShutVault(FakeVault):
    """Opens nothing, for one reason."""

    def __init__(self, reason: VaultUnavailable) -> None:
        super().__init__()
        self.reason = reason

    def open(self, account_id: str, sealed: bytes) -> bytes:
        raise self.reason


@pytest.fixture
def world() -> World:
    world = World()
    world.add()
    return world


def test_load(world: World) -> None:
    loaded = world.credentials.load("ana")
    assert loaded is not None and loaded.credentials == TokenSet("refresh-1", "access-1")
    assert world.credentials.load("nobody") is None


@pytest.mark.parametrize(
    ("sealed", "cause"), [(b"ben|garbage", Cause.GRANT_MISSING), (b"ana|garbage", Cause.GRANT_MISSING)]
)
def test_damaged_grants_ask_for_a_reconnect(world: World, sealed: bytes, cause: Cause) -> None:
    with world.store.begin() as unit:
        unit.grants.put("ana", 1, sealed)
        unit.commit()
    loaded = world.credentials.load("ana")
    assert loaded is not None and loaded.outcome is not None and loaded.outcome.cause is cause


def test_locked_is_not_missing(world: World) -> None:
    world.vault.locked = True
    loaded = world.credentials.load("ana")
    assert loaded is not None and loaded.outcome is not None and loaded.outcome.cause is Cause.VAULT_LOCKED


@pytest.mark.parametrize("kind", [VaultUnavailable, VaultLocked, VaultKeyMissing, PassphraseNeeded])
def test_a_shut_vault_is_told_by_its_kind(world: World, kind: type[VaultUnavailable]) -> None:
    loaded = CredentialStore(world.store, ShutVault(kind("It is shut."))).load("ana")
    assert loaded is not None and loaded.outcome == Outcome(kind.cause)


def test_no_grant(world: World) -> None:
    with world.store.begin() as unit:
        unit.grants.put("ana", 1, b"")
        del unit.tables.grants["ana"]
        unit.commit()
    loaded = world.credentials.load("ana")
    assert loaded is not None and loaded.outcome is not None and loaded.outcome.cause is Cause.GRANT_MISSING


def test_memory_serves_only_its_own_generation(world: World) -> None:
    world.credentials.remember("ana", 1, TokenSet("refresh-1", "newer"))
    loaded = world.credentials.load("ana")
    assert loaded is not None and loaded.credentials == TokenSet("refresh-1", "newer")
    with world.store.begin() as unit:
        generation, sealed = unit.tables.grants["ana"]
        unit.grants.put("ana", generation + 1, sealed)
        unit.commit()
    loaded = world.credentials.load("ana")
    assert loaded is not None and loaded.credentials == TokenSet("refresh-1", "access-1")
    world.credentials.forget("ana")
    world.credentials.forget_all()
    assert world.credentials.load("ana") is not None


@pytest.mark.parametrize(
    ("old", "new", "must"),
    [
        (TokenSet("r", "a"), TokenSet("r", "b"), False),
        (TokenSet("r"), TokenSet("s"), True),
        (TokenSet("r", scopes=("x",)), TokenSet("r"), True),
        (Password("p"), Password("p"), False),
        (Password("p"), Password("q"), True),
    ],
)
def test_must_store(old: object, new: object, must: bool) -> None:
    assert must_store(old, new) is must  # type: ignore[arg-type]


FRESH = timedelta(seconds=timing.FRESH_S)
LEFT = timedelta(seconds=TOKEN_LEFT_S)


@pytest.mark.parametrize(
    ("tokens", "age", "proven"),
    [
        (TokenSet("r", "a"), timedelta(0), True),
        (TokenSet("r", "a"), FRESH, True),
        (TokenSet("r", "a"), FRESH + timedelta(seconds=1), False),
        (TokenSet("r", "a", expires_at=START + LEFT), timedelta(0), True),
        (TokenSet("r", "a", expires_at=START + LEFT), timedelta(seconds=1), False),
        (TokenSet("r", ""), timedelta(0), False),
    ],
)
def test_mail_may_leave_with_a_fresh_proof_and_a_token_that_lasts(
    world: World, tokens: TokenSet, age: timedelta, proven: bool
) -> None:
    world.credentials.remember("ana", 1, tokens)
    loaded = world.credentials.load("ana")
    assert loaded is not None and loaded.is_proven(START + age) is proven


@pytest.mark.parametrize("state", list(State))
def test_mail_leaves_only_from_accounts_that_can_send(world: World, state: State) -> None:
    world.add("gina", Provider.OTHER, state)
    loaded = world.credentials.load("gina")
    assert loaded is not None
    assert loaded.is_proven(START) is (state in (State.CONNECTED, State.AT_RISK))


def test_nothing_leaves_while_the_vault_is_locked(world: World) -> None:
    world.vault.locked = True
    loaded = world.credentials.load("ana")
    assert loaded is not None and not loaded.is_proven(START)
