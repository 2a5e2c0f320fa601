"""Settings: kept, checked, and the client secret sealed."""

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.errors import InvalidInput, VaultLocked
from reply_desktop.domain.provider import Provider
from reply_desktop.services.bus import Bus
from reply_desktop.services.ports import ProviderSettings
from reply_desktop.services.sealed_settings import SealedSettings
from reply_desktop.services.settings import NAMES, SettingsDesk
from tests.fakes.world import FakeVault, World

GOOGLE = ProviderSettings("id.apps.example", "hush-hush", auth_uri="https://a", token_uri="https://t")


@pytest.fixture
def world() -> World:
    return World()


def test_provider_round_trip_with_the_secret_sealed(world: World) -> None:
    row = world.settings.put_provider(Provider.GOOGLE, GOOGLE)
    assert (row.configured, row.client_id, row.has_secret) == (True, "id.apps.example", True)
    assert "hush-hush" not in "".join(world.store.tables.settings.values())
    again = SettingsDesk(world.store, world.vault, Bus(), {})
    assert again.provider(Provider.GOOGLE) == GOOGLE
    assert "hush-hush" not in repr(GOOGLE)
    assert world.of(events.ProviderChanged) == [events.ProviderChanged(Provider.GOOGLE)]


def test_locked_vault_is_said_and_not_taken_for_unconfigured(world: World) -> None:
    world.settings.put_provider(Provider.GOOGLE, GOOGLE)
    again = SettingsDesk(world.store, world.vault, Bus(), {})
    world.vault.locked = True
    with pytest.raises(VaultLocked):
        again.provider(Provider.GOOGLE)
    assert again.provider_row(Provider.GOOGLE).configured
    world.vault.locked = False
    assert again.provider(Provider.GOOGLE) == GOOGLE


def test_baked_settings_serve_until_the_person_gives_others(world: World) -> None:
    baked = ProviderSettings("baked-id")
    desk = SettingsDesk(world.store, world.vault, Bus(), {Provider.MICROSOFT: baked})
    assert desk.provider(Provider.MICROSOFT) == baked
    assert desk.provider_row(Provider.MICROSOFT).client_id == "baked-id"
    desk.put_provider(Provider.MICROSOFT, ProviderSettings("own-id"))
    assert desk.provider_row(Provider.MICROSOFT).client_id == "own-id"
    desk.clear_provider(Provider.MICROSOFT)
    assert desk.provider(Provider.MICROSOFT) == baked


def test_unconfigured(world: World) -> None:
    assert world.settings.provider(Provider.GOOGLE) is None
    assert not world.settings.provider_row(Provider.GOOGLE).configured
    assert world.settings.provider_row(Provider.OTHER).configured


def test_small_settings(world: World) -> None:
    assert world.settings.get(()) == NAMES
    assert not world.settings.preferences().other_accounts
    world.settings.put({"notify.other_accounts": "true"})
    assert world.settings.preferences().other_accounts
    assert world.settings.get(("notify.other_accounts",)) == {"notify.other_accounts": "true"}


@pytest.mark.parametrize(
    "values",
    [
        {"provider.google": "{}"},
        {"nonsense": "1"},
        {"notify.tray": "maybe"},
        {"notify.tray": '"yes"'},
        {"general.theme": '"' + "y" * 70_000 + '"'},
    ],
)
def test_bad_settings_are_refused_whole(world: World, values: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        world.settings.put({"notify.reminders": "false", **values})
    assert world.store.tables.settings == {}


def test_provider_secrets_cannot_be_read_as_settings(world: World) -> None:
    world.settings.put_provider(Provider.GOOGLE, GOOGLE)
    with pytest.raises(InvalidInput):
        world.settings.get(("provider.google",))


def test_a_secret_sealed_under_a_lost_key_is_empty_not_a_crash(world: World) -> None:
    assert world.settings.any_sealed() is None
    world.settings.put_provider(Provider.GOOGLE, GOOGLE)
    assert world.settings.any_sealed() is not None
    text = world.store.tables.settings["provider.google"]
    with world.store.begin() as unit:
        unit.settings.put("provider.microsoft", text)
        unit.commit()
    world.settings.forget_opened()
    found = world.settings.provider(Provider.MICROSOFT)
    assert found is not None and (found.client_id, found.client_secret) == ("id.apps.example", "")


@pytest.mark.parametrize("name", ["notify.relay", "notify.team.1"])
def test_secrets_of_alerts_hold_the_vaults_key_too(world: World, name: str) -> None:
    SealedSettings(world.store, world.vault).put(name, {}, "secret")
    found = world.settings.any_sealed()
    assert found is not None and world.vault.open(name, found) == b"secret"


def test_after_a_start_over_the_new_key_counts(world: World) -> None:
    world.settings.put_provider(Provider.GOOGLE, GOOGLE)
    before = world.settings.any_sealed()
    world.settings.mark_start_over()
    after = world.settings.any_sealed()
    assert after is not None and after != before
    assert world.vault.open("vault.mark", after) == b"start over"


def test_what_is_put_while_preferences_are_read_is_not_forgotten(world: World) -> None:
    def put_meanwhile() -> tuple[str, ...]:
        world.settings.team = tuple
        world.settings.put({"notify.tray": "false"})
        return ()

    world.settings.team = put_meanwhile
    assert world.settings.preferences().tray
    assert not world.settings.preferences().tray


def test_what_is_put_while_a_provider_is_read_is_not_forgotten(world: World) -> None:
    class Slow(FakeVault):
        def open(self, account_id: str, sealed: bytes) -> bytes:
            if not meanwhile:
                meanwhile.append(True)
                desk.put_provider(Provider.GOOGLE, ProviderSettings("new-id", "new-secret"))
            return super().open(account_id, sealed)

    meanwhile: list[bool] = []
    world.settings.put_provider(Provider.GOOGLE, GOOGLE)
    desk = SettingsDesk(world.store, Slow(), Bus(), {})
    assert desk.provider(Provider.GOOGLE) == GOOGLE
    assert desk.provider(Provider.GOOGLE) == ProviderSettings("new-id", "new-secret")
