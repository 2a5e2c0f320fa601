"""What a person does to accounts besides signing in: password accounts, pause, limits, test mail, removal."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from reply_desktop.domain import account as accounts
from reply_desktop.domain.account import Account
from reply_desktop.domain.address import parse_address
from reply_desktop.domain.causes import Cause, words
from reply_desktop.domain.errors import AlreadyExists, InvalidInput, NotFound, ReplyDesktopError
from reply_desktop.domain.grant import Credentials, MailServers, Password
from reply_desktop.domain.notification import plain_sentence, provider_name
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountRow
from reply_desktop.domain.states import CAN_SEND, OutcomeKind, State
from reply_desktop.services.credentials import CredentialStore
from reply_desktop.services.health import Health
from reply_desktop.services.ledger import Ledger
from reply_desktop.services.ports import Clock, MailProvider, SendResult, Store
from reply_desktop.services.queries import Queries

_log = logging.getLogger(__name__)

MAX_DAILY_LIMIT = 10_000
"""No provider lets a mailbox send more in a day."""


class AccountDesk:
    """The person's commands on accounts. Accounts are named by id or by address."""

    def __init__(
        self,
        store: Store,
        credentials: CredentialStore,
        providers: Mapping[Provider, MailProvider],
        health: Health,
        ledger: Ledger,
        queries: Queries,
        clock: Clock,
        compose_test: Callable[[str, str], bytes],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._providers = providers
        self._health = health
        self._ledger = ledger
        self._queries = queries
        self._clock = clock
        self._compose_test = compose_test
        self._new_id = new_id

    def find(self, name: str) -> Account:
        """The account with this id or address. Raises NotFound."""
        with self._store.read() as unit:
            found = unit.accounts.get(name) or unit.accounts.find(name)
        if found is None:
            raise NotFound(f"There is no account {name[:254]}.", "See the list of accounts.")
        return found

    def ids(self, names: Sequence[str]) -> list[str]:
        """Ids of the named accounts, or of all that can be checked. Raises NotFound for an unknown name."""
        if names:
            return [self.find(name).id for name in names]
        with self._store.read() as unit:
            return unit.accounts.ids(states=_CHECKABLE)

    def add_other(self, address: str, servers: MailServers, password: str) -> AccountRow:
        """Add a password account once its servers let it in. Nothing is stored when they do not.

        Raises AlreadyExists, or InvalidInput with the server's reason.
        """
        address = parse_address(address)
        with self._store.read() as unit:
            if unit.accounts.find(address, Provider.OTHER) is not None:
                raise AlreadyExists(f"{address} is there already.", "Use Edit credentials to change it.")
        draft = Account(self._new_id(), Provider.OTHER, address, self._clock.now(), servers=servers)
        return self._keep_other(None, draft, _password(password))

    def edit_other(self, name: str, servers: MailServers, password: str | None) -> AccountRow:
        """Change a password account's servers or password (None keeps it), once they let it in."""
        before = self.find(name)
        if before.provider is not Provider.OTHER:
            raise InvalidInput(f"{before.address} has no password here.", "Use Reconnect.")
        credentials: Credentials
        if password is None:
            loaded = self._credentials.load(before.id)
            if loaded is None or loaded.credentials is None:
                raise InvalidInput(f"The password of {before.address} is not at hand.", "Enter it again.")
            credentials = loaded.credentials
        else:
            credentials = _password(password)
        return self._keep_other(before, replace(before, servers=servers), credentials)

    def pause(self, names: Sequence[str]) -> None:
        """Stop checking and sending from these accounts."""
        self._change(names, accounts.pause)

    def resume(self, names: Sequence[str]) -> None:
        """Let these accounts go on, and check them at once."""
        self._change(names, lambda account: accounts.resume(account, self._clock.now()))
        for name in names:
            self._health.submit(self.find(name).id)

    def set_daily_limit(self, names: Sequence[str], limit: int) -> None:
        """How many messages a day these accounts may send. Raises InvalidInput out of 1 to 10,000."""
        if not 1 <= limit <= MAX_DAILY_LIMIT:
            raise InvalidInput(f"A daily limit of {limit} makes no sense.", f"Use 1 to {MAX_DAILY_LIMIT}.")
        self._change(names, lambda account: replace(account, daily_limit=limit))

    def remove(self, names: Sequence[str], *, revoke: bool) -> None:
        """Forget these accounts; with `revoke` first end the grant at the provider, as far as it lets us."""
        for account in [self.find(name) for name in names]:
            if revoke:
                self._revoke(account)
            self._credentials.forget(account.id)
            self._ledger.remove(account)

    def send_test(self, name: str, to: str | None) -> SendResult:
        """Send a short test message, to itself or to `to`; raises as `send_own`."""
        return self.send_own(name, to, self._compose_test)

    def send_own(self, name: str, to: str | None, compose: Callable[[str, str], bytes]) -> SendResult:
        """Send the person a message, to the account itself or to `to`, with a grant proven just now.

        `compose(sender, to)` makes it. Raises InvalidInput for an account that is paused or not signed in.
        """
        account = self.find(name)
        if account.state in (State.NEW, State.PAUSED):
            raise InvalidInput(f"{account.address} is {account.state}, so it sends nothing.")
        target = parse_address(to) if to else account.address
        mime = compose(account.address, target)
        checked = self._health.check_now(account.id)
        if checked.state not in CAN_SEND:
            return SendResult(Outcome(checked.cause, checked.provider_error))
        loaded = self._credentials.load(account.id)
        if loaded is None or loaded.credentials is None:
            return SendResult(loaded.outcome if loaded and loaded.outcome else Outcome(Cause.GRANT_MISSING))
        result = self._providers[account.provider].send(checked, loaded.credentials, mime)
        if result.outcome.kind in (OutcomeKind.LOST, OutcomeKind.BLOCKED):
            self._health.report(account.id, result.outcome, loaded.generation)
        return result

    def _keep_other(self, before: Account | None, draft: Account, credentials: Credentials) -> AccountRow:
        probed = self._providers[Provider.OTHER].probe(draft, credentials, fresh=True)
        if not probed.outcome.proves:
            raise not_let_in(draft, probed.outcome)
        now = self._clock.now()
        with self._store.begin(durable=True) as unit:
            connected = accounts.connect(draft, subject=None, scopes=(), now=now)
            after = accounts.apply(
                connected, probed.outcome, connected.generation, now, used=False, chance=0.5
            )
            happened = self._ledger.record(unit, before, after, proven=True)
            self._credentials.keep(unit, after.id, after.generation, credentials)
            unit.commit()
        self._credentials.remember(after.id, after.generation, credentials)
        self._queries.forget(after.id)
        self._ledger.publish(before, after, happened)
        return self._queries.rows([after.id])[0]

    def _change(self, names: Sequence[str], alter: Callable[[Account], Account]) -> None:
        for account in [self.find(name) for name in names]:
            with self._store.begin() as unit:
                before = unit.accounts.get(account.id)
                if before is None:
                    continue
                after = alter(before)
                happened = self._ledger.record(unit, before, after)
                unit.commit()
            self._queries.forget(after.id)
            self._ledger.publish(before, after, happened)

    def _revoke(self, account: Account) -> None:
        loaded = self._credentials.load(account.id)
        if loaded is None or loaded.credentials is None:
            return
        try:
            self._providers[account.provider].revoke(account, loaded.credentials)
        except ReplyDesktopError as error:
            _log.warning("The grant of a removed account could not be ended at the provider: %s", error)


def not_let_in(draft: Account, outcome: Outcome, todo: str = "") -> InvalidInput:
    """What to tell of a login check that failed; `todo` unless the cause's own first step is to be told."""
    told = words(outcome.cause or Cause.UNKNOWN_ANSWER, draft.address, provider_name(draft))
    said = f" The server said: {plain_sentence(outcome.provider_error)}" if outcome.provider_error else ""
    return InvalidInput(f"{told.short}; nothing was stored.{said}", todo or told.steps[0])


_CHECKABLE = tuple(state for state in State if state not in (State.NEW, State.PAUSED, State.SIGNING_IN))


def _password(text: str) -> Password:
    if not text or "\x00" in text or "\n" in text or "\r" in text:
        raise InvalidInput("The password is empty or has a line break in it.", "Enter it again.")
    return Password(text)
