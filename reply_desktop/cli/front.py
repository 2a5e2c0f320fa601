"""A command's way to the engine: asks, and waits for the events that end a check or a sign-in."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from reply_desktop.channel import messages as m
from reply_desktop.channel.client import Client
from reply_desktop.channel.launch import ensure_engine
from reply_desktop.config import Config
from reply_desktop.domain.errors import EngineUnavailable
from reply_desktop.domain.events import CheckProgress, ConsentEnded, ImportProgress, VaultChanged
from reply_desktop.domain.rows import AccountFilter, AccountRow

T = TypeVar("T")


class Front:
    """One command's connection to the engine, which is started when it is not there."""

    def __init__(self, config: Config) -> None:
        self._events: list[Any] = []
        self._more = threading.Condition()
        self._lost = False
        self._client: Client = ensure_engine(
            config, events=True, on_event=self._on_event, on_lost=self._on_lost
        )

    def ask(self, request: m.Request[T], timeout_s: float = 120.0) -> T:
        """The engine's answer. Raises the error it failed with."""
        return self._client.ask(request, timeout_s=timeout_s)

    def check(self, accounts: tuple[str, ...], on_progress: Callable[[int, int], None]) -> list[AccountRow]:
        """Check these accounts (empty = all) and give their rows after the answers."""
        started = self.ask(m.CheckAccounts(accounts))

        def done(event: object) -> bool:
            if not isinstance(event, CheckProgress) or event.check_id != started.check_id:
                return False
            on_progress(event.done, event.total)
            return event.done >= event.total

        self._wait(done, 600.0)
        ids = (
            tuple(self.ask(m.GetAccount(name)).row.id for name in accounts)
            if accounts
            else self.ask(m.ListAccounts(AccountFilter(sort="address", descending=False))).ids
        )
        return list(self.ask(m.GetAccounts(ids)).rows)

    def consent_end(self, consent_id: str) -> ConsentEnded:
        """Waits for the ending of a sign-in, at most its own ten minutes and some."""
        found = self._wait(
            lambda event: isinstance(event, ConsentEnded) and event.consent_id == consent_id, 660.0
        )
        assert isinstance(found, ConsentEnded)
        return found

    def import_end(self, import_id: str, on_progress: Callable[[ImportProgress], None]) -> ImportProgress:
        """Waits, as long as it takes, for the last word of an import: its report or its error."""

        def over(event: object) -> bool:
            if not isinstance(event, ImportProgress) or event.import_id != import_id:
                return False
            on_progress(event)
            return event.report is not None or event.error is not None

        found = self._wait(over, None)
        assert isinstance(found, ImportProgress)
        return found

    def vault_opened(self) -> None:
        """Waits, as long as it takes, until the vault is open."""
        self._wait(lambda event: isinstance(event, VaultChanged) and event.status == m.VaultStatus.OPEN, None)

    def close(self) -> None:
        """Leave; the engine goes on."""
        self._client.close()

    def _wait(self, wanted: Callable[[object], bool], timeout_s: float | None) -> object:
        seen = 0
        found: list[object] = []

        def look() -> bool:
            nonlocal seen
            while seen < len(self._events) and not found:
                event = self._events[seen]
                seen += 1
                if wanted(event):
                    found.append(event)
            return bool(found) or self._lost

        with self._more:
            ended = self._more.wait_for(look, timeout_s)
        if found:
            return found[0]
        raise EngineUnavailable(
            "The background service stopped." if ended else "The background service did not answer in time.",
            "Try again; `reply-desktop doctor` tells more.",
        )

    def _on_event(self, event: object) -> None:
        if isinstance(event, (CheckProgress, ConsentEnded, ImportProgress, VaultChanged)):
            with self._more:
                self._events.append(event)
                self._more.notify_all()

    def _on_lost(self, *_: object) -> None:
        with self._more:
            self._lost = True
            self._more.notify_all()
