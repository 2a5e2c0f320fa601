"""Credentials: opened when the vault lets us, never confused, never lost."""

import pytest

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.grant import Password, TokenSet
from reply_desktop.services.credentials import must_store
from tests.fakes.world import World


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
