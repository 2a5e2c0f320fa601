"""Rows for fronts: what is stored, plus what is going on right now (a sign-in, a check)."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from reply_desktop.domain.account import Account
from reply_desktop.domain.rows import AccountDetail, AccountFilter, AccountRow, NotificationRow, Summary
from reply_desktop.domain.states import State
from reply_desktop.services.ports import Store


class Queries:
    """Reads for fronts. Keeps the last row of each account, so that a check's event needs no query."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: dict[str, AccountRow] = {}
        self._signing_in: set[str] = set()
        self._checking: set[str] = set()
        self._lock = threading.Lock()

    def accounts(self, wanted: AccountFilter) -> list[str]:
        """Ids of the accounts that pass, in order."""
        return self._store.reads.account_ids(wanted)

    def rows(self, ids: Sequence[str]) -> list[AccountRow]:
        """These accounts' rows."""
        found = self._store.reads.account_rows(ids)
        with self._lock:
            self._rows.update((row.id, row) for row in found)
        return [self._live(row) for row in found]

    def detail(self, account_id: str) -> AccountDetail | None:
        """All about one account."""
        detail = self._store.reads.account_detail(account_id)
        return detail and replace(detail, row=self._live(detail.row))

    def summary(self) -> Summary:
        """Counts and worst state; an open sign-in does not hide what is stored."""
        return self._store.reads.summary()

    def notifications(self, limit: int, before: datetime | None = None) -> list[NotificationRow]:
        """The bell's entries, newest first."""
        return self._store.reads.notifications(limit, before)

    def row_of(self, before: Account | None, after: Account) -> AccountRow:
        """How an account looks after a change, read anew only when more than its times changed."""
        with self._lock:
            known = self._rows.get(after.id)
        same_look = (
            before is not None
            and known is not None
            and (before.state, before.cause, before.generation)
            == (after.state, after.cause, after.generation)
        )
        if known is None or not same_look:
            found = self._store.reads.account_rows([after.id])
            if found:
                known = found[0]
        if known is None:
            raise LookupError(after.id)
        row = replace(
            known,
            state=after.state,
            cause=after.cause,
            provider_error=after.provider_error,
            proven_at=after.proven_at,
            checked_at=after.checked_at,
            next_check_at=after.next_check_at,
        )
        with self._lock:
            self._rows[after.id] = row
        return self._live(row)

    def forget(self, account_id: str) -> None:
        """Drop what is kept of an account that was removed, or whose row must be read anew."""
        with self._lock:
            self._rows.pop(account_id, None)

    def mark(
        self, ids: Iterable[str], *, signing_in: bool | None = None, checking: bool | None = None
    ) -> None:
        """Note that a sign-in or a check of these accounts began or ended."""
        with self._lock:
            for which, on in ((self._signing_in, signing_in), (self._checking, checking)):
                if on is True:
                    which.update(ids)
                elif on is False:
                    which.difference_update(ids)

    def _live(self, row: AccountRow) -> AccountRow:
        state = State.SIGNING_IN if row.id in self._signing_in else row.state
        return replace(row, state=state, checking=row.id in self._checking)
