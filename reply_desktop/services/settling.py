"""Writes what checks brought: answers that wait for one another are one commit, told after it."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from reply_desktop.domain import account as accounts
from reply_desktop.domain import events
from reply_desktop.domain.account import Account
from reply_desktop.domain.deadline import known_end
from reply_desktop.domain.errors import StoreFull, VaultUnavailable
from reply_desktop.domain.grant import Credentials, TokenSet
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.states import State
from reply_desktop.services.credentials import CredentialStore, must_store
from reply_desktop.services.ledger import Ledger
from reply_desktop.services.ports import Chance, Clock, Store, UnitOfWork
from reply_desktop.services.queries import Queries

_log = logging.getLogger(__name__)

TOGETHER: Final = 64
"""Most answers written in one commit: other writers wait for it."""

Result = Account | None
Done = Callable[[Result], None]


@dataclass(frozen=True, slots=True)
class Answered:
    """What was learned of an account by asking with the grant of this generation.

    `new` are the credentials the answer brought along, `old` those it was asked with. `keeps_alive`: it was
    asked of a paused account, only so that its grant is used.
    """

    account_id: str
    generation: int
    outcome: Outcome
    new: Credentials | None = field(default=None, repr=False)
    old: Credentials | None = field(default=None, repr=False)
    keeps_alive: bool = False

    @property
    def rotated(self) -> bool:
        """Whether it brought something that must be durable before it is used."""
        return self.new is not None and self.old is not None and must_store(self.old, self.new)


@dataclass(frozen=True, slots=True)
class _Written:
    """One answer's change, as it went into the unit of work."""

    answered: Answered
    before: Account
    after: Account
    happened: list[events.Event]
    use: Credentials | None = field(repr=False)


class Settling:
    """Turns answers into account changes. A new refresh token is durable before anybody may use it.

    Whoever brings an answer while nobody writes becomes the one who writes; others leave theirs and go on. So
    one answer alone is written at once, and many share a transaction. Should such a transaction fail, each of
    its answers is written by itself: what is wrong with one keeps none of the others.
    """

    def __init__(
        self,
        store: Store,
        credentials: CredentialStore,
        ledger: Ledger,
        queries: Queries,
        clock: Clock,
        chance: Chance,
        pace: float = 1.0,
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._ledger = ledger
        self._queries = queries
        self._clock = clock
        self._chance = chance
        self._pace = pace
        self._waiting: deque[tuple[Answered, Done]] = deque()
        self._writing = False
        self._lock = threading.Lock()

    def settle(self, answered: Answered) -> Result:
        """Write one answer now, and tell; gives the account, None when it is gone. Raises StoreFull."""
        for written in self._write([answered]):
            self._tell(written)
            return written.after
        return None

    def bring(self, answered: Answered, done: Done) -> None:
        """Have the answer written, on this thread or another; then `done` is called, with None on failure."""
        with self._lock:
            self._waiting.append((answered, done))
            if self._writing:
                return
            self._writing = True
        while brought := self._next():
            results = self._settle_all([answered for answered, _ in brought])
            for answered, done in brought:
                done(results.get(answered.account_id))

    def _next(self) -> list[tuple[Answered, Done]]:
        with self._lock:
            count = min(len(self._waiting), TOGETHER)
            self._writing = count > 0
            return [self._waiting.popleft() for _ in range(count)]

    def _settle_all(self, answers: Sequence[Answered]) -> dict[str, Account]:
        try:
            written = self._write(answers)
        except Exception as error:
            if len(answers) > 1:
                return {
                    account_id: account
                    for answered in answers
                    for account_id, account in self._settle_all([answered]).items()
                }
            if isinstance(error, StoreFull):
                _log.error("A check could not be written: %s", error)
            else:
                _log.exception("A check failed by a fault of the app's own")
            return {}
        for each in written:
            try:
                self._tell(each)
            except Exception:
                _log.exception("A check was written but could not be told")
        return {each.after.id: each.after for each in written}

    def _write(self, answers: Sequence[Answered]) -> list[_Written]:
        with self._store.begin(durable=any(answered.rotated for answered in answers)) as unit:
            found = [self._record(unit, answered) for answered in answers]
            written = [each for each in found if each is not None]
            if written:
                unit.commit()
        return written

    def _record(self, unit: UnitOfWork, answered: Answered) -> _Written | None:
        account_id, generation, outcome = answered.account_id, answered.generation, answered.outcome
        before = unit.accounts.get(account_id)
        if before is None:
            return None
        current = generation == before.generation
        new = answered.new if current else None
        if new is not None and answered.rotated:
            try:
                self._credentials.keep(unit, account_id, generation, new)
            except VaultUnavailable as error:
                # The vault was shut in between: the old refresh token is still stored, and the account
                # is asked again once the vault is open.
                outcome, new = Outcome(error.cause), None
        announced = before
        if isinstance(new, TokenSet):
            announced = accounts.foresee(before, known_end(before.provider, new))
        if answered.keeps_alive and before.state is State.PAUSED:
            after = accounts.kept_alive(announced, outcome, generation, self._clock.now())
        else:
            after = accounts.apply(
                announced,
                outcome,
                generation,
                self._clock.now(),
                used=unit.accounts.is_used(account_id),
                chance=self._chance(),
                pace=self._pace,
            )
        if isinstance(new, TokenSet) and new.scopes:
            after = replace(after, scopes=new.scopes)
        happened = self._ledger.record(unit, before, after, proven=outcome.proves and current)
        return _Written(replace(answered, outcome=outcome), before, after, happened, new)

    def _tell(self, written: _Written) -> None:
        answered, before, after = written.answered, written.before, written.after
        if written.use is not None:
            self._credentials.remember(answered.account_id, answered.generation, written.use)
        told = (before.state, before.cause) != (after.state, after.cause)
        _log.log(
            logging.INFO if told else logging.DEBUG,
            "%s at %s: %s → %s (%s)",
            after.address,
            after.provider,
            before.state,
            after.state,
            answered.outcome.cause or "proven",
        )
        self._queries.mark([after.id], checking=False)
        self._ledger.publish(before, after, written.happened)
