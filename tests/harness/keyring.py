"""The session's keyring: what is in it, and locking it as a screen lock or a logout would."""

import os
from typing import Any

from tests.harness.bus import Bus

SECRETS = "org.freedesktop.secrets"
SERVICE_PATH = "/org/freedesktop/secrets"
SERVICE = "org.freedesktop.Secret.Service"
COLLECTION = "org.freedesktop.Secret.Collection"
ITEM = "org.freedesktop.Secret.Item"


class SessionKeyring:
    """The default collection of the Secret Service; close it when done."""

    def __init__(self) -> None:
        self._bus = Bus()
        self.collection: str = self._bus.call(SECRETS, SERVICE_PATH, SERVICE, "ReadAlias", "s", ("default",))

    @property
    def locked(self) -> bool:
        """Whether reading a secret needs the person first."""
        return bool(self._bus.property(SECRETS, self.collection, COLLECTION, "Locked"))

    @property
    def items(self) -> list[dict[str, str]]:
        """The attributes of every secret that is stored (never the secrets)."""
        return [self._bus.property(SECRETS, path, ITEM, "Attributes") for path in self._paths()]

    def lock(self) -> None:
        """Locks it; with a display, reading a secret then waits for a person who answers the prompt."""
        self._bus.call(SECRETS, SERVICE_PATH, SERVICE, "Lock", "ao", ([self.collection],))
        assert self.locked

    def unlock(self) -> None:
        """Opens it with its password, as a login does."""
        _, session = self._bus.call(SECRETS, SERVICE_PATH, SERVICE, "OpenSession", "sv", ("plain", ("s", "")))
        password = os.environ["REPLY_DESKTOP_SESSION_KEYRING"].encode()
        self._bus.call(
            SECRETS,
            SERVICE_PATH,
            # The daemon's own name for what its login module uses.
            "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface",
            "UnlockWithMasterPassword",
            "o(oayays)",
            (self.collection, (session, b"", password, "text/plain")),
        )
        assert not self.locked

    def clear(self) -> None:
        """Opens it if need be, and deletes every secret."""
        if self.locked:
            # The daemon may die with a client that is killed while it answers; the next one begins locked.
            self.unlock()
        for path in self._paths():
            self._bus.call(SECRETS, path, ITEM, "Delete")

    def close(self) -> None:
        """Hangs up, leaving the keyring open and empty."""
        try:
            self.clear()
        finally:
            self._bus.close()

    def _paths(self) -> list[Any]:
        return list(self._bus.property(SECRETS, self.collection, COLLECTION, "Items"))
