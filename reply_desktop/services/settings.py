"""What the person set: client ids of providers (secrets sealed) and small preferences."""

import base64
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from reply_desktop.domain import events, preferences
from reply_desktop.domain.address import parse_address
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.preferences import Preferences
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import ProviderRow
from reply_desktop.services.bus import Bus
from reply_desktop.services.ports import ProviderSettings, Store, Vault
from reply_desktop.services.sealed_settings import SealedSettings

NAMES: Final = {name: json.dumps(value) for name, value in preferences.DEFAULTS.items()}
"""Names a front may set, with the JSON text each has until then."""

_log = logging.getLogger(__name__)

_PROVIDER = "provider."
_ALERTS = "notify."
_MARK = "vault.mark"


@dataclass
class _Held:
    """What was read since the last change. A change puts another in its place.

    So whoever still reads what was before the change leaves it where nobody looks.
    """

    providers: dict[Provider, ProviderSettings | None] = field(default_factory=dict)
    wants: Preferences | None = None


class SettingsDesk:
    """Reads and writes settings; hands adapters the provider settings without a query."""

    def __init__(
        self, store: Store, vault: Vault, bus: Bus, baked: Mapping[Provider, ProviderSettings]
    ) -> None:
        self._store = store
        self._vault = vault
        self._sealed = SealedSettings(store, vault)
        self._bus = bus
        self._baked = baked
        self._held = _Held()
        self.team: Callable[[], tuple[str, ...]] = tuple
        """Gives the ids of the team channels that are switched on."""
        self.on_put: Callable[[frozenset[str]], None] = lambda names: None
        """Called with the names of settings that were put."""

    def provider(self, provider: Provider) -> ProviderSettings | None:
        """The person's settings for a provider, else those of the company's build, else None.

        Raises VaultLocked or VaultUnavailable while the client secret cannot be opened.
        """
        known = self._held.providers
        if provider not in known:
            kept = self._sealed.both(_PROVIDER + provider)
            known[provider] = (
                ProviderSettings(**kept[0], client_secret=kept[1]) if kept else self._baked.get(provider)
            )
        return known[provider]

    def put_provider(self, provider: Provider, settings: ProviderSettings) -> ProviderRow:
        """Keep a provider's client id; the secret is sealed first. Raises VaultLocked."""
        fields = asdict(settings)
        secret = fields.pop("client_secret")
        self._sealed.put(_PROVIDER + provider, fields, secret)
        self._held = _Held()
        self._bus.publish([events.ProviderChanged(provider)])
        return self.provider_row(provider)

    def clear_provider(self, provider: Provider) -> None:
        """Forget what the person gave for a provider."""
        self._sealed.remove(_PROVIDER + provider)
        self._held = _Held()
        self._bus.publish([events.ProviderChanged(provider)])

    def provider_row(self, provider: Provider) -> ProviderRow:
        """How a provider is set up, without opening the vault."""
        with self._store.read() as unit:
            used_by = unit.accounts.count(provider)
        baked = self._baked.get(provider)
        kept = self._sealed.fields(_PROVIDER + provider)
        fields = kept if kept is not None else (asdict(baked) if baked else {})
        return ProviderRow(
            provider,
            configured=bool(fields) or provider is Provider.OTHER,
            client_id=fields.get("client_id"),
            authority=fields.get("authority"),
            graph_url=fields.get("graph_url"),
            has_secret=self._sealed.has_secret(_PROVIDER + provider) or bool(fields.get("client_secret")),
            used_by=used_by,
        )

    def any_sealed(self) -> bytes | None:
        """A sealed value, if one is kept: a vault whose key is gone must not make a new one.

        The mark of the last start-over comes first: what was sealed before it belongs to a key given up.
        """
        with self._store.read() as unit:
            mark = unit.settings.get(_MARK)
        if mark is not None:
            return base64.b64decode(mark)
        return self._sealed.any_sealed((_PROVIDER, _ALERTS))

    def mark_start_over(self) -> None:
        """Remember, by something sealed with it, that the vault's present key is the one that counts."""
        mark = base64.b64encode(self._vault.seal(_MARK, b"start over")).decode()
        with self._store.begin(durable=True) as unit:
            unit.settings.put(_MARK, mark)
            unit.commit()
        self.forget_opened()

    def forget_opened(self) -> None:
        """Read provider settings anew next time: the vault was locked, or its key changed."""
        self._held = _Held()

    def get(self, names: tuple[str, ...]) -> dict[str, str]:
        """Settings by name as JSON texts; all when no name is given."""
        wanted = names or tuple(NAMES)
        _refuse_unknown(wanted)
        with self._store.read() as unit:
            return {name: unit.settings.get(name) or NAMES[name] for name in wanted}

    def put(self, values: Mapping[str, str]) -> None:
        """Keep settings. Raises InvalidInput for an unknown name or a value that is not JSON of its kind."""
        _refuse_unknown(tuple(values))
        for name, value in values.items():
            try:
                fits = isinstance(json.loads(value), type(json.loads(NAMES[name])))
            except ValueError:
                fits = False
            if not fits or len(value) > 65_536:
                raise InvalidInput(f"The value of {name} cannot be used.", "Give JSON of the same kind.")
        self._refuse_unusable(values)
        with self._store.begin() as unit:
            for name, value in values.items():
                unit.settings.put(name, value)
            unit.commit()
        self._held = _Held()
        self.on_put(frozenset(values))

    def preferences(self) -> Preferences:
        """What the person wants to hear of, and where. A value that cannot be used counts as not set."""
        held = self._held
        if held.wants is None:
            values = {name: json.loads(text) for name, text in self.get(preferences.OF_ALERTS).items()}
            team = self.team()
            try:
                held.wants = preferences.preferences(values, team)
            except InvalidInput as error:
                _log.error("Settings of notifications cannot be used, their defaults hold: %s", error)
                held.wants = preferences.preferences(preferences.DEFAULTS, team)
        return held.wants

    def team_changed(self) -> None:
        """Other team channels are switched on now."""
        self._held = _Held()

    def _refuse_unusable(self, values: Mapping[str, str]) -> None:
        """What the person gave for notifications makes sense as a whole. Raises InvalidInput."""
        given = {
            name: json.loads(text) for name, text in (self.get(preferences.OF_ALERTS) | dict(values)).items()
        }
        preferences.preferences(given)
        if given[preferences.EMAIL_TO]:
            parse_address(given[preferences.EMAIL_TO])


def _refuse_unknown(names: tuple[str, ...]) -> None:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise InvalidInput(f"There is no setting {unknown[0][:60]}.", f"Known are: {', '.join(NAMES)}.")
