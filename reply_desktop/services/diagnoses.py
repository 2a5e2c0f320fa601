"""Gathers what is stored of an account for its diagnosis; its report is cleaned as the log is. No network."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from reply_desktop import __version__
from reply_desktop.config import APP_NAME
from reply_desktop.domain.case import Peer, Record
from reply_desktop.domain.diagnosis import Diagnosis, diagnose
from reply_desktop.domain.diagnosis_report import report
from reply_desktop.domain.errors import NotFound
from reply_desktop.domain.provider import SINGLE_CLICK, Provider
from reply_desktop.domain.rows import AccountFilter, AccountRow, ProviderRow
from reply_desktop.domain.states import State
from reply_desktop.logs import redact
from reply_desktop.services.ports import Clock, Store
from reply_desktop.services.queries import Queries

PEERS: Final = 200
"""Other accounts in trouble that are looked at most, the worst first."""

_TROUBLED: Final = AccountFilter(states=(State.EXPIRED, State.BLOCKED, State.AT_RISK))


class Diagnoses:
    """Makes diagnoses. `setup`: how a provider is set up, without its secret."""

    def __init__(
        self, store: Store, queries: Queries, setup: Callable[[Provider], ProviderRow], clock: Clock
    ) -> None:
        self._store = store
        self._queries = queries
        self._setup = setup
        self._clock = clock

    def of(self, account_id: str) -> Diagnosis:
        """The diagnosis of this account, with its report. Raises NotFound when it is not there."""
        record = self._record(account_id)
        made = diagnose(record, self._clock.now())
        return replace(made, report=report(made, record, f"{APP_NAME} {__version__}", redact))

    def _record(self, account_id: str) -> Record:
        detail = self._queries.detail(account_id)
        with self._store.read() as unit:
            account = unit.accounts.get(account_id)
        if detail is None or account is None:
            raise NotFound("That account is not there any more.", "Close the page.")
        setup = self._setup(account.provider) if account.provider in SINGLE_CLICK else None
        return Record(
            # A sign-in that is open is shown, and is not stored.
            replace(account, state=detail.row.state),
            detail.episodes,
            sequences=tuple(
                row for row in self._store.reads.sequences.rows() if account.address in row.accounts
            ),
            peers=self._peers(detail.row),
            client_id=setup.client_id if setup else None,
            authority=setup.authority if setup else None,
            graph_url=setup.graph_url if setup else None,
        )

    def _peers(self, mine: AccountRow) -> tuple[Peer, ...]:
        if mine.cause is None:
            return ()
        ids = self._queries.accounts(_TROUBLED)[: PEERS + 1]
        rows = [row for row in self._queries.rows(ids) if row.id != mine.id and row.cause is not None]
        peers = []
        with self._store.read() as unit:
            for row in rows:
                episode = unit.episodes.open_of(row.id)
                if episode is not None:
                    peers.append(Peer(row.address, row.provider, episode.cause, episode.started_at))
        return tuple(peers)
