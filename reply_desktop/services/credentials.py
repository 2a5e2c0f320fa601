"""Opens and keeps the sealed credentials of accounts."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reply_desktop.domain import grant, timing
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput, VaultUnavailable
from reply_desktop.domain.grant import Credentials, TokenSet
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.states import CAN_SEND
from reply_desktop.services.ports import Store, UnitOfWork, Vault

TOKEN_LEFT_S: Final = 120.0
"""An access token that ends sooner is renewed before it is used, in seconds."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """An account with its credentials, or the outcome that keeps them shut."""

    account: Account
    generation: int
    credentials: Credentials | None
    outcome: Outcome | None = None

    def is_proven(self, now: datetime) -> bool:
        """Whether mail may leave with these at once: proven lately, and a token that lasts for a while."""
        if self.credentials is None or self.account.state not in CAN_SEND:
            return False
        if not timing.is_fresh(self.account.proven_at, now):
            return False
        if not isinstance(self.credentials, TokenSet):
            return True
        ends_at = self.credentials.expires_at
        lasts = ends_at is None or ends_at - now >= timedelta(seconds=TOKEN_LEFT_S)
        return bool(self.credentials.access_token) and lasts


class CredentialStore:
    """Between vault and database. The newest tokens of each grant stay in memory for the next use."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._fresh: dict[str, tuple[int, Credentials]] = {}
        self._lock = threading.Lock()

    def load(self, account_id: str) -> Loaded | None:
        """The account and its credentials; None when there is no such account."""
        with self._store.read() as unit:
            account = unit.accounts.get(account_id)
            stored = unit.grants.get(account_id)
        if account is None:
            return None
        with self._lock:
            held = self._fresh.get(account_id)
        if held is not None and stored is not None and held[0] == stored[0]:
            return Loaded(account, held[0], held[1])
        if stored is None:
            return Loaded(account, account.generation, None, Outcome(Cause.GRANT_MISSING))
        generation, sealed = stored
        try:
            credentials = grant.from_bytes(self._vault.open(account_id, sealed))
        except VaultUnavailable as error:
            return Loaded(account, generation, None, Outcome(error.cause))
        except InvalidInput:
            return Loaded(account, generation, None, Outcome(Cause.GRANT_MISSING))
        self._hold(account_id, generation, credentials)
        return Loaded(account, generation, credentials)

    def keep(self, unit: UnitOfWork, account_id: str, generation: int, credentials: Credentials) -> None:
        """Seal and store in the caller's unit of work. Raises VaultLocked; then nothing was stored."""
        unit.grants.put(account_id, generation, self._vault.seal(account_id, grant.to_bytes(credentials)))

    def remember(self, account_id: str, generation: int, credentials: Credentials) -> None:
        """Use these from now on; call only after what must be durable is durable."""
        self._hold(account_id, generation, credentials)

    def forget(self, account_id: str) -> None:
        """Drop what memory holds of this account."""
        with self._lock:
            self._fresh.pop(account_id, None)

    def forget_all(self) -> None:
        """Drop what memory holds: the vault was locked or its key changed."""
        with self._lock:
            self._fresh.clear()

    def _hold(self, account_id: str, generation: int, credentials: Credentials) -> None:
        with self._lock:
            self._fresh[account_id] = (generation, credentials)


def must_store(old: Credentials, new: Credentials) -> bool:
    """Whether a refresh brought something that a restart must not lose.

    A new access token alone is not worth a write: the next start refreshes anyway.
    """
    if isinstance(old, TokenSet) and isinstance(new, TokenSet):
        return (old.refresh_token, old.scopes, old.refresh_expires_at) != (
            new.refresh_token,
            new.scopes,
            new.refresh_expires_at,
        )
    return old != new
