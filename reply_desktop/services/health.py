"""Checks accounts: asks the provider, and writes what the answer means. The proof behind every green."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta

from reply_desktop.domain import account as accounts
from reply_desktop.domain import events, timing
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import EngineUnavailable, NotFound, VaultUnavailable
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import OutcomeKind, State
from reply_desktop.services.bus import Bus
from reply_desktop.services.credentials import CredentialStore, Loaded
from reply_desktop.services.ledger import Ledger
from reply_desktop.services.ports import Chance, Clock, MailProvider, Probed, Store, Tasks
from reply_desktop.services.queries import Queries
from reply_desktop.services.settling import Answered, Result, Settling

_log = logging.getLogger(__name__)

_LIVE = (State.CONNECTED, State.AT_RISK, State.BLOCKED)

_AGED_AT_ONCE = 500


class Health:
    """Sweeps over due accounts, checks on demand, one check in flight per account.

    The network is asked outside any transaction. A rotated refresh token is durable before anybody uses the
    access token that came with it. An answer about an older grant changes nothing.
    """

    def __init__(
        self,
        store: Store,
        credentials: CredentialStore,
        providers: Mapping[Provider, MailProvider],
        ledger: Ledger,
        queries: Queries,
        bus: Bus,
        clock: Clock,
        chance: Chance,
        tasks: Tasks,
        *,
        sweep_limit: int = 256,
        pace: float = 1.0,
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._providers = providers
        self._ledger = ledger
        self._queries = queries
        self._bus = bus
        self._clock = clock
        self._tasks = tasks
        self._settling = Settling(store, credentials, ledger, queries, clock, chance, pace)
        self._sweep_limit = sweep_limit
        self._in_flight: dict[str, Future[Result]] = {}
        self._cancelled: set[str] = set()
        self._stopping = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """On start: no proof that aged while the engine was off is shown green, and all are due."""
        self.age()
        self.recheck(spread=True)

    def sweep(self) -> int:
        """Submit every due account not already in flight; gives how many."""
        self.age()
        # Before the look: a check that ends in between leaves its account due in the list, not in truth.
        with self._lock:
            busy = set(self._in_flight)
        room = self._sweep_limit - len(busy)
        if room <= 0:
            return 0
        with self._store.read() as unit:
            due = unit.accounts.due(self._clock.now(), self._sweep_limit)
        wanted = [account_id for account_id in due if account_id not in busy][:room]
        for account_id in wanted:
            self.submit(account_id)
        return len(wanted)

    def age(self) -> None:
        """Turn accounts orange whose proof is too old, and make them due."""
        now = self._clock.now()
        before_s = now - timedelta(seconds=timing.FRESH_S)
        while True:
            with self._store.read() as unit:
                stale = unit.accounts.stale(before_s, _AGED_AT_ONCE)
            if not stale:
                return
            changes = []
            with self._store.begin() as unit:
                for account_id in stale:
                    before = unit.accounts.get(account_id)
                    if before is None:
                        continue
                    after = accounts.age(before, now)
                    if after is not before:
                        changes.append((before, after, self._ledger.record(unit, before, after)))
                unit.commit()
            for before, after, happened in changes:
                self._ledger.publish(before, after, happened)
            if len(stale) < _AGED_AT_ONCE or not changes:
                return

    def recheck(self, *, spread: bool = False) -> None:
        """Make all live accounts due: at start, when the network is back, after sleep, vault opened."""
        with self._store.begin() as unit:
            spread_s = unit.accounts.count() / 500 if spread else 0.0
            unit.accounts.make_due(self._clock.now(), states=_LIVE, spread_s=spread_s)
            unit.commit()

    def check(self, ids: Sequence[str], check_id: str) -> None:
        """Check these accounts, telling progress under `check_id` until all have answered."""
        total = len(ids)
        progress = _Progress(
            total, lambda done: self._bus.publish([events.CheckProgress(check_id, done, total)])
        )
        if not ids:
            progress.tell()
            return
        self._queries.mark(ids, checking=True)
        for account_id in ids:
            future = self.submit(account_id, unless=lambda: check_id in self._cancelled)
            future.add_done_callback(lambda _: progress.step())

    def cancel(self, check_id: str) -> None:
        """Let accounts of this check that were not asked yet go unasked."""
        self._cancelled.add(check_id)

    def submit(self, account_id: str, *, unless: Callable[[], bool] | None = None) -> Future[Result]:
        """Check one account in the background; joins the check already in flight."""
        with self._lock:
            running = self._in_flight.get(account_id)
            if running is not None:
                return running
            future: Future[Result] = Future()
            self._in_flight[account_id] = future

        def run() -> None:
            answered: Answered | Result = None
            try:
                if unless is None or not unless():
                    answered = self._ask(account_id)
            except Exception:
                _log.exception("A check failed by a fault of the app's own")
            if isinstance(answered, Answered):
                self._settling.bring(answered, end)
            else:
                end(answered)

        def end(result: Result) -> None:
            # In this order: whoever marks it and then joins this check finds it unmarked afterwards.
            with self._lock:
                self._in_flight.pop(account_id, None)
            self._queries.mark([account_id], checking=False)
            future.set_result(result)

        try:
            self._tasks.submit(run)
        except EngineUnavailable:
            # The engine is ending: nobody is asked any more.
            with self._lock:
                self._in_flight.pop(account_id, None)
            future.set_result(None)
        return future

    def stop(self) -> None:
        """The engine is ending: connections are cut, and what that looks like is no news of any account."""
        self._stopping = True

    def abandon(self) -> None:
        """After the workers have gone: whoever still waits for a check hears that there is none."""
        with self._lock:
            waiting = list(self._in_flight.values())
            self._in_flight.clear()
        for future in waiting:
            future.set_result(None)

    def check_now(self, account_id: str, timeout_s: float = 120.0) -> Account:
        """Check one account and wait for it. Raises NotFound when it is gone."""
        result = self.submit(account_id).result(timeout_s)
        if result is None:
            raise NotFound("The account is not there any more.")
        return result

    def report(self, account_id: str, outcome: Outcome, generation: int) -> None:
        """Take an outcome that came by another way than a check: a failed send, what a page said."""
        answered = Answered(account_id, generation, outcome)
        if not self._is_our_end(answered):
            self._settling.settle(answered)

    @property
    def busy(self) -> int:
        """How many checks are in flight."""
        with self._lock:
            return len(self._in_flight)

    def _ask(self, account_id: str) -> Answered | Result:
        """What asking brought; the account as it is when there is nothing to ask."""
        loaded = self._credentials.load(account_id)
        if loaded is None:
            return None
        if loaded.account.state in (State.NEW, State.PAUSED):
            return loaded.account
        if loaded.credentials is None:
            assert loaded.outcome is not None
            answered = Answered(account_id, loaded.generation, loaded.outcome)
            return None if self._is_our_end(answered) else answered
        return self.ask(loaded)

    def ask(self, loaded: Loaded) -> Answered | None:
        """What the provider says of these credentials, whatever the account's state; not written anywhere.

        None when the engine is ending, and the answer may be of that.
        """
        old = loaded.credentials
        probed = self._probe(loaded)
        if probed.outcome.kind is OutcomeKind.LOST and loaded.account.can_reconnect:
            # One refusal can be a stale connection or cache; two in a row on a fresh one are proof.
            probed = self._probe(replace(loaded, credentials=probed.credentials or old), fresh=True)
        answered = Answered(loaded.account.id, loaded.generation, probed.outcome, probed.credentials, old)
        return None if self._is_our_end(answered) else answered

    def settle(self, answered: Answered) -> Result:
        """Write one answer now; gives the account, None when it is gone. Raises StoreFull."""
        return self._settling.settle(answered)

    def _is_our_end(self, answered: Answered) -> bool:
        return self._stopping and answered.outcome.kind is OutcomeKind.TRANSIENT

    def _probe(self, loaded: Loaded, *, fresh: bool = False) -> Probed:
        assert loaded.credentials is not None
        provider = self._providers[loaded.account.provider]
        try:
            return provider.probe(loaded.account, loaded.credentials, fresh=fresh)
        except VaultUnavailable as error:
            return Probed(Outcome(error.cause))
        except Exception:
            _log.exception("The provider adapter failed on %s", loaded.account.provider)
            return Probed(Outcome(Cause.UNKNOWN_ANSWER))


class _Progress:
    """Counts answers and tells each step."""

    def __init__(self, total: int, tell: Callable[[int], None]) -> None:
        self._done = 0
        self._total = total
        self._told = tell
        self._lock = threading.Lock()

    def tell(self) -> None:
        self._told(self._done)

    def step(self) -> None:
        with self._lock:
            self._done += 1
            done = self._done
        self._told(done)
