"""What the person set: client ids of providers (secrets sealed) and small preferences."""

import base64
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Final

from reply_desktop.domain import events, preferences
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.notification import Preferences
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import ProviderRow
from reply_desktop.services.bus import Bus
from reply_desktop.services.ports import ProviderSettings, Store, Vault

NAMES: Final = {name: json.dumps(value) for name, value in preferences.DEFAULTS.items()}
"""Names a front may set, with the JSON text each has until then."""

_PROVIDER = "provider."
_MARK = "vault.mark"


class SettingsDesk:
    """Reads and writes settings; hands adapters the provider settings without a query."""

    def __init__(
        self, store: Store, vault: Vault, bus: Bus, baked: Mapping[Provider, ProviderSettings]
    ) -> None:
        self._store = store
        self._vault = vault
        self._bus = bus
        self._baked = baked
        self._known: dict[Provider, ProviderSettings | None] = {}
        self._wants: Preferences | None = None
        self._lock = threading.Lock()

    def provider(self, provider: Provider) -> ProviderSettings | None:
        """The person's settings for a provider, else those of the company's build, else None.

        Raises VaultLocked or VaultUnavailable while the client secret cannot be opened.
        """
        with self._lock:
            if provider in self._known:
                return self._known[provider]
        with self._store.read() as unit:
            text = unit.settings.get(_PROVIDER + provider)
        found = self._baked.get(provider) if text is None else self._unseal(provider, text)
        with self._lock:
            self._known[provider] = found
        return found

    def put_provider(self, provider: Provider, settings: ProviderSettings) -> ProviderRow:
        """Keep a provider's client id; the secret is sealed first. Raises VaultLocked."""
        fields = asdict(replace(settings, client_secret=""))
        if settings.client_secret:
            sealed = self._vault.seal(_PROVIDER + provider, settings.client_secret.encode())
            fields["sealed"] = base64.b64encode(sealed).decode()
        with self._store.begin(durable=True) as unit:
            unit.settings.put(_PROVIDER + provider, json.dumps(fields))
            unit.commit()
        with self._lock:
            self._known[provider] = settings
        self._bus.publish([events.ProviderChanged(provider)])
        return self.provider_row(provider)

    def clear_provider(self, provider: Provider) -> None:
        """Forget what the person gave for a provider."""
        with self._store.begin() as unit:
            unit.settings.remove(_PROVIDER + provider)
            unit.commit()
        with self._lock:
            self._known.pop(provider, None)
        self._bus.publish([events.ProviderChanged(provider)])

    def provider_row(self, provider: Provider) -> ProviderRow:
        """How a provider is set up, without opening the vault."""
        with self._store.read() as unit:
            text = unit.settings.get(_PROVIDER + provider)
            used_by = unit.accounts.count(provider)
        baked = self._baked.get(provider)
        fields = json.loads(text) if text is not None else (asdict(baked) if baked else {})
        return ProviderRow(
            provider,
            configured=bool(fields) or provider is Provider.OTHER,
            client_id=fields.get("client_id"),
            authority=fields.get("authority"),
            graph_url=fields.get("graph_url"),
            has_secret=bool(fields.get("sealed") or fields.get("client_secret")),
            used_by=used_by,
        )

    def any_sealed(self) -> bytes | None:
        """A sealed value, if one is kept: a vault whose key is gone must not make a new one.

        The mark of the last start-over comes first: what was sealed before it belongs to a key given up.
        """
        with self._store.read() as unit:
            mark = unit.settings.get(_MARK)
            texts = [unit.settings.get(_PROVIDER + provider) for provider in Provider]
        if mark is not None:
            return base64.b64decode(mark)
        sealed = [json.loads(text).get("sealed") for text in texts if text is not None]
        return next((base64.b64decode(one) for one in sealed if one), None)

    def mark_start_over(self) -> None:
        """Remember, by something sealed with it, that the vault's present key is the one that counts."""
        mark = base64.b64encode(self._vault.seal(_MARK, b"start over")).decode()
        with self._store.begin(durable=True) as unit:
            unit.settings.put(_MARK, mark)
            unit.commit()
        self.forget_opened()

    def forget_opened(self) -> None:
        """Read provider settings anew next time: the vault was locked, or its key changed."""
        with self._lock:
            self._known.clear()

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
        with self._store.begin() as unit:
            for name, value in values.items():
                unit.settings.put(name, value)
            unit.commit()
        with self._lock:
            self._wants = None

    def preferences(self) -> Preferences:
        """What the person wants to hear of."""
        with self._lock:
            held = self._wants
        if held is None:
            values = self.get((preferences.OTHER_ACCOUNTS, preferences.RECOVERY))
            held = Preferences(
                other_accounts=json.loads(values[preferences.OTHER_ACCOUNTS]),
                recovery=json.loads(values[preferences.RECOVERY]),
            )
            with self._lock:
                self._wants = held
        return held

    def _unseal(self, provider: Provider, text: str) -> ProviderSettings:
        fields = json.loads(text)
        sealed = fields.pop("sealed", None)
        if sealed is not None:
            try:
                secret = self._vault.open(_PROVIDER + provider, base64.b64decode(sealed))
            except InvalidInput:
                # Sealed under a key that is gone: the provider's refusal leads the person to give it anew.
                secret = b""
            fields["client_secret"] = secret.decode()
        return ProviderSettings(**fields)


def _refuse_unknown(names: tuple[str, ...]) -> None:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise InvalidInput(f"There is no setting {unknown[0][:60]}.", f"Known are: {', '.join(NAMES)}.")
