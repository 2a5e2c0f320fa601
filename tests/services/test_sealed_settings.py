"""Settings with a secret: sealed beside plain fields, kept and forgotten together."""

import pytest

from reply_desktop.domain.errors import VaultLocked
from reply_desktop.services.sealed_settings import SealedSettings
from tests.fakes.world import World

NAME = "notify.relay"
FIELDS = {"host": "smtp.example.com", "port": 465}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def sealed(world: World) -> SealedSettings:
    return SealedSettings(world.store, world.vault)


def test_nothing_is_there(sealed: SealedSettings) -> None:
    assert sealed.fields(NAME) is None and sealed.both(NAME) is None
    assert sealed.secret(NAME) == "" and not sealed.has_secret(NAME)
    assert sealed.any_sealed(("notify.",)) is None
    sealed.remove(NAME)


def test_fields_and_secret_come_back_and_the_secret_lies_sealed(world: World, sealed: SealedSettings) -> None:
    sealed.put(NAME, FIELDS, "pässword 1")
    assert sealed.fields(NAME) == FIELDS and sealed.has_secret(NAME)
    assert sealed.secret(NAME) == "pässword 1"
    assert sealed.both(NAME) == (FIELDS, "pässword 1")
    assert "ssword" not in world.store.tables.settings[NAME]
    assert world.store.commits == [True], "forced to disk"


@pytest.mark.parametrize("secret", ["", "new"])
def test_a_secret_is_forgotten_or_replaced(sealed: SealedSettings, secret: str) -> None:
    sealed.put(NAME, FIELDS, "old")
    sealed.put(NAME, {"host": "other"}, secret)
    assert sealed.both(NAME) == ({"host": "other"}, secret)
    assert sealed.has_secret(NAME) is bool(secret)


def test_a_setting_without_fields_is_there_all_the_same(sealed: SealedSettings) -> None:
    sealed.put(NAME, {})
    assert sealed.fields(NAME) == {}


def test_a_locked_vault_shuts_the_secret_and_nothing_else(world: World, sealed: SealedSettings) -> None:
    sealed.put(NAME, FIELDS, "secret")
    world.vault.locked = True
    assert sealed.fields(NAME) == FIELDS and sealed.has_secret(NAME)
    for ask in (sealed.secret, sealed.both):
        with pytest.raises(VaultLocked):
            ask(NAME)
    with pytest.raises(VaultLocked):
        sealed.put(NAME, {}, "new")
    world.vault.locked = False
    assert sealed.both(NAME) == (FIELDS, "secret"), "nothing was stored"


def test_what_was_sealed_under_a_lost_key_is_empty(world: World, sealed: SealedSettings) -> None:
    sealed.put("notify.other", FIELDS, "secret")
    with world.store.begin() as unit:
        unit.settings.put(NAME, world.store.tables.settings["notify.other"])
        unit.commit()
    assert sealed.secret(NAME) == "" and sealed.has_secret(NAME)


def test_any_sealed_looks_at_all_that_begin_so(world: World, sealed: SealedSettings) -> None:
    with world.store.begin() as unit:
        unit.settings.put("notify.email_to", '"me@example.com"')
        unit.settings.put("notify.quiet", '{"on": true}')
        unit.commit()
    sealed.put("notify.team.a", {}, "")
    assert sealed.any_sealed(("provider.", "notify.")) is None
    sealed.put("notify.team.b", {}, "url")
    found = sealed.any_sealed(("provider.", "notify."))
    assert found is not None and world.vault.open("notify.team.b", found) == b"url"
    assert sealed.any_sealed(("provider.",)) is None


def test_any_sealed_looks_into_lists(world: World, sealed: SealedSettings) -> None:
    with world.store.begin() as unit:
        unit.settings.put("notify.team", '[{"id": "a", "sealed": ""}, {"id": "b", "sealed": "YWJj"}]')
        unit.commit()
    assert sealed.any_sealed(("notify.",)) == b"abc"


def test_removing_forgets_both(sealed: SealedSettings) -> None:
    sealed.put(NAME, FIELDS, "secret")
    sealed.remove(NAME)
    assert sealed.both(NAME) is None
