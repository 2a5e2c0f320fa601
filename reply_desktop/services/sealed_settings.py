"""Named settings with one secret each, which lies sealed beside their plain fields."""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from reply_desktop.domain.errors import InvalidInput
from reply_desktop.services.ports import Store, Vault

_SEALED: Final = "sealed"


class SealedSettings:
    """Reads and writes such settings; nothing opened is kept in memory."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def fields(self, name: str) -> dict[str, Any] | None:
        """The plain fields, None when there is no such setting. Never opens the vault."""
        found = self._read(name)
        return None if found is None else _plain(found)

    def has_secret(self, name: str) -> bool:
        """Whether a secret is kept with it. Never opens the vault."""
        return bool((self._read(name) or {}).get(_SEALED))

    def secret(self, name: str) -> str:
        """The secret, empty when there is none.

        Empty too when it was sealed under a key that is gone: whatever is asked with it refuses, and that
        leads the person to give it anew. Raises VaultLocked or VaultUnavailable.
        """
        return self._opened(name, self._read(name) or {})

    def both(self, name: str) -> tuple[dict[str, Any], str] | None:
        """Fields and secret, as they were put together, if there is such a setting; raises as `secret`."""
        found = self._read(name)
        return None if found is None else (_plain(found), self._opened(name, found))

    def put(self, name: str, fields: Mapping[str, Any], secret: str = "") -> None:
        """Keep fields (JSON values) and secret in the place of what was stored; empty: there is none.

        Raises VaultLocked or VaultUnavailable; then nothing was stored.
        """
        sealed = base64.b64encode(self._vault.seal(name, secret.encode())).decode() if secret else None
        with self._store.begin(durable=True) as unit:
            unit.settings.put(name, json.dumps({**fields, **({_SEALED: sealed} if sealed else {})}))
            unit.commit()

    def remove(self, name: str) -> None:
        """Forget the setting and its secret."""
        with self._store.begin(durable=True) as unit:
            unit.settings.remove(name)
            unit.commit()

    def any_sealed(self, prefixes: tuple[str, ...]) -> bytes | None:
        """A sealed secret of a setting whose name begins so, if there is one."""
        with self._store.read() as unit:
            texts = [text for prefix in prefixes for text in unit.settings.starting(prefix).values()]
        kept = [json.loads(text) for text in texts]
        # A setting may be a list of such, as that of the team channels is.
        every = [one for found in kept for one in (found if isinstance(found, list) else [found])]
        sealed = (one.get(_SEALED) for one in every if isinstance(one, dict))
        return next((base64.b64decode(one) for one in sealed if one), None)

    def _read(self, name: str) -> dict[str, Any] | None:
        with self._store.read() as unit:
            text = unit.settings.get(name)
        return None if text is None else json.loads(text)

    def _opened(self, name: str, found: Mapping[str, Any]) -> str:
        sealed = found.get(_SEALED)
        if not sealed:
            return ""
        try:
            return self._vault.open(name, base64.b64decode(sealed)).decode()
        except InvalidInput:
            return ""


def _plain(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != _SEALED}
