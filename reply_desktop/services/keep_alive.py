"""Keeps the sign-ins of paused accounts from ending of disuse, by using each once in a while."""

import logging
import threading
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from reply_desktop.domain import account as accounts
from reply_desktop.domain.account import Account
from reply_desktop.domain.errors import StoreFull
from reply_desktop.domain.states import State
from reply_desktop.services.credentials import CredentialStore, Loaded
from reply_desktop.services.ports import Clock, Store
from reply_desktop.services.settling import Answered

_log = logging.getLogger(__name__)

EVERY_S: Final = 600.0
"""Between looks for accounts that are due, in seconds: short, as some computers run for minutes only."""


class KeepAlive:
    """Refreshes the grants of paused accounts, one after the other.

    `ask` asks the provider, `settle` writes the answer: a rotated refresh token is durable before it is used.
    The accounts stay paused, and nobody is alerted: a refusal stands beside them until they are resumed.
    Where the vault is shut there is nothing to ask with, and the next look tries again.
    """

    def __init__(
        self,
        store: Store,
        credentials: CredentialStore,
        ask: Callable[[Loaded], Answered | None],
        settle: Callable[[Answered], Account | None],
        clock: Clock,
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._ask = ask
        self._settle = settle
        self._clock = clock
        self._looking = threading.Lock()

    def look(self) -> None:
        """Use each grant that is due now. A look that is still on is let finish instead."""
        if not self._looking.acquire(blocking=False):
            return
        try:
            for account_id in self._due():
                loaded = self._credentials.load(account_id)
                if loaded is None or loaded.credentials is None or loaded.account.state is not State.PAUSED:
                    continue
                answer = self._ask(loaded)
                if answer is None:
                    break
                self._settle(replace(answer, keeps_alive=True))
        except StoreFull as error:
            _log.error("A sign-in was kept alive, but that could not be written: %s", error)
        finally:
            self._looking.release()

    def _due(self) -> list[str]:
        now = self._clock.now()
        with self._store.read() as unit:
            paused = [
                unit.accounts.get(account_id) for account_id in unit.accounts.ids(states=(State.PAUSED,))
            ]
        return [
            account.id
            for account in paused
            if account is not None and accounts.is_due_alive(account, _share(account.id), now)
        ]


def _share(account_id: str) -> float:
    """The account's own place in [0, 1), the same at every look."""
    return zlib.crc32(account_id.encode()) / 2**32
