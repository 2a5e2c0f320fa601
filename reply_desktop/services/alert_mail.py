"""Alert e-mail: through an account that can still send, else through the relay the person set up."""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from typing import Final, Protocol

from reply_desktop.domain import alert_words, events
from reply_desktop.domain.account import Account
from reply_desktop.domain.alert_words import AlertText, News
from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.causes import Cause, words
from reply_desktop.domain.errors import InvalidInput, NotFound, ReplyDesktopError, VaultUnavailable
from reply_desktop.domain.grant import Credentials, MailServer
from reply_desktop.domain.notification import Notification, plain, plain_sentence, provider_name
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.preferences import Preferences
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AlertMailRow
from reply_desktop.domain.states import CAN_SEND, STATE_WORDS, OutcomeKind, State
from reply_desktop.services.alert_ports import Handed, HandedState, NotNow
from reply_desktop.services.bus import Bus
from reply_desktop.services.credentials import CredentialStore, Loaded
from reply_desktop.services.delivery import CLOCKS_APART
from reply_desktop.services.health import Health
from reply_desktop.services.ports import Clock, MailProvider, SendResult, Store, UnitOfWork
from reply_desktop.services.relay import RELAY, Relay

_log = logging.getLogger(__name__)

ROUTES: Final = 5
"""Most accounts tried for one message."""
LOOKED_AT: Final = 500
"""Most accounts of a state among which those with the freshest proof are looked for."""

_DAY: Final = timedelta(days=1)
_NO_WAY: Final = "No account can send, and no relay is set up."
_BEST_FIRST: Final = (State.CONNECTED, State.AT_RISK)
_STATES: Final = HandedState


class AlertComposer(Protocol):
    """Writes alert messages (RFC 5322). Raises InvalidInput for an address that cannot be written to."""

    def alert(
        self, sender: str, to: str, subject: str, text: str, html: str, now: datetime, marker: str
    ) -> bytes: ...
    def message_id(self, sender: str, marker: str) -> str: ...


@dataclass(frozen=True, slots=True)
class _Way:
    """Something a message can be handed to now. `generation` of the account's grant; None: the relay."""

    account: Account
    credentials: Credentials
    generation: int | None = None

    @property
    def name(self) -> str:
        """As the person knows it."""
        if self.generation is not None:
            return self.account.address
        return f"The relay {provider_name(self.account)}"


class AlertMail:
    """Messenger of `Channel.EMAIL`, and what the person sets and asks about it.

    `wants` gives the person's preferences, `zone` the time zone of this computer. `on_change`, set by the
    engine, is called when a way may have opened.
    """

    def __init__(
        self,
        store: Store,
        credentials: CredentialStore,
        providers: Mapping[Provider, MailProvider],
        health: Health,
        relay: Relay,
        wants: Callable[[], Preferences],
        bus: Bus,
        clock: Clock,
        composer: AlertComposer,
        zone: Callable[[], tzinfo],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._providers = providers
        self._health = health
        self._relay = relay
        self._wants = wants
        self._bus = bus
        self._clock = clock
        self._composer = composer
        self._zone = zone
        self._new_id = new_id
        self._trouble: str | None = None
        self._telling = threading.RLock()
        self.on_change: Callable[[], None] = lambda: None

    # As messenger

    def routes(self, channel: str, news: Sequence[Notification]) -> Sequence[str]:
        """Ids of accounts that can send and that the news is not about, then the relay."""
        if not self._wants().email_to:
            return ()
        return self._routes({notice.account_id for notice in news if notice.account_id})

    def hand(self, channel: str, route: str, batch: str, news: Sequence[News]) -> Handed:
        """See alert_ports. An account without a fresh proof is checked first."""
        to = self._wants().email_to
        if not to:
            return Handed(_STATES.REFUSED, "No address is set for alert e-mail.")
        return self._deliver(route, to, batch, alert_words.email_text(news, self._zone()))

    def find(self, channel: str, route: str, batch: str, since: datetime) -> bool | None:
        """See alert_ports. Only mailboxes that may be read tell.

        That an SMTP mailbox has no copy proves nothing: many servers keep none of what went out by SMTP.
        """
        if route == RELAY or not self._may_read(route):
            return None
        way = self._account_way(route)
        if not isinstance(way, _Way):
            # While the account is not lost, what keeps it from being asked is passing.
            if self._may_read(route):
                raise NotNow
            return None
        account = way.account
        try:
            own_id = self._composer.message_id(account.address, batch)
            found = self._providers[account.provider].find_sent(
                account, way.credentials, batch, own_id, since - CLOCKS_APART
            )
        except InvalidInput:
            return None
        except VaultUnavailable:
            raise NotNow from None
        except Exception:
            _log.exception("The provider adapter failed on %s", account.provider)
            return None
        if found.found is None and found.outcome.kind is OutcomeKind.TRANSIENT:
            raise NotNow
        if found.found is False and account.provider is Provider.OTHER:
            return None
        if found.found:
            self._trouble = None
        return found.found

    # As the person sees it

    def row(self) -> AlertMailRow:
        """How alert e-mail stands."""
        wants, now = self._wants(), self._clock.now()
        through = next(map(self._label, self._routes(())), None)
        with self._store.read() as unit:
            waiting = unit.announcements.waiting(Channel.EMAIL)
            sent = len(unit.announcements.batches_since(Channel.EMAIL, now - _DAY))
        trouble = self._trouble if through else _NO_WAY
        return AlertMailRow(
            wants.email_to,
            through,
            self._relay.row(),
            waiting,
            sent,
            wants.email_cap,
            trouble if wants.email_to else None,
        )

    def put_relay(
        self, server: MailServer, sender: str, user: str = "", password: str | None = None
    ) -> AlertMailRow:
        """Keep the relay once it lets us in; raises as `Relay.put`."""
        self._relay.put(server, sender, user, password)
        return self.changed()

    def clear_relay(self) -> AlertMailRow:
        """Forget the relay and its password."""
        self._relay.clear()
        return self.changed()

    def test(self) -> str:
        """Send a test alert now; one line that says to whom and through what. Raises InvalidInput."""
        to = self._wants().email_to
        if not to:
            raise InvalidInput(
                "No address is set for alert e-mail.", "Enter yours in Settings → Notifications."
            )
        refused = []
        try:
            for route in self._routes(()):
                handed = self._deliver(route, to, self._new_id(), alert_words.trial_text())
                if handed.state is _STATES.TOLD:
                    return f"Sent to {to} through {self._label(route)}."
                if handed.state is _STATES.IN_DOUBT:
                    raise InvalidInput(handed.said, "Look into your inbox before you try again.")
                refused.append(handed.said)
        finally:
            self.tell()
        if not refused:
            raise InvalidInput(_NO_WAY, "Connect an account, or set up a relay in Settings → Notifications.")
        raise InvalidInput(f"The test was not sent. {refused[0]}")

    def changed(self) -> AlertMailRow:
        """Something was set that decides whether and how alerts can be mailed: tell it, and look again."""
        row = self.tell()
        self.on_change()
        return row

    def tell(self) -> AlertMailRow:
        """Let fronts know how alert e-mail stands now."""
        # Together, so that the last row told is the newest.
        with self._telling:
            row = self.row()
            self._bus.publish([events.AlertMailChanged(row)])
        return row

    # Ways

    def _routes(self, about: Collection[str]) -> list[str]:
        with self._store.read() as unit:
            routes = list(islice(_able(unit, about), ROUTES))
        return routes if self._relay.row() is None else [*routes, RELAY]

    def _may_read(self, account_id: str) -> bool:
        """Whether there is this account, and its mailbox can be looked into as long as it can send."""
        with self._store.read() as unit:
            account = unit.accounts.get(account_id)
        return (
            account is not None
            and account.state in CAN_SEND
            and self._providers[account.provider].may_read(account)
        )

    def _deliver(self, route: str, to: str, mark: str, text: AlertText) -> Handed:
        handed = self._hand_over(route, to, mark, text)
        self._trouble = handed.said or None
        return handed

    def _hand_over(self, route: str, to: str, mark: str, text: AlertText) -> Handed:
        way = self._relay_way() if route == RELAY else self._account_way(route)
        if isinstance(way, Handed):
            return way
        try:
            mime = self._composer.alert(
                way.account.address, to, text.subject, text.text, text.html, self._clock.now(), mark
            )
        except InvalidInput as error:
            return _refused(way.name, str(error))
        result = self._give(way, mime)
        outcome = result.outcome
        if way.generation is not None and outcome.kind in (OutcomeKind.LOST, OutcomeKind.BLOCKED):
            self._health.report(way.account.id, outcome, way.generation)
        if result.in_doubt:
            why = f"It may have been sent. {_why(way.account, outcome)}"
            return Handed(_STATES.IN_DOUBT, _said(way.name, why))
        if outcome.proves:
            return Handed(_STATES.TOLD)
        return _refused(way.name, _why(way.account, outcome))

    def _give(self, way: _Way, mime: bytes) -> SendResult:
        try:
            return self._providers[way.account.provider].send(way.account, way.credentials, mime)
        except VaultUnavailable as error:
            return SendResult(Outcome(error.cause))
        except Exception:
            # It may have failed after the message was on its way.
            _log.exception("The provider adapter failed on %s", way.account.provider)
            return SendResult(Outcome(Cause.UNKNOWN_ANSWER), in_doubt=True)

    def _account_way(self, account_id: str) -> _Way | Handed:
        """The account, proven lately; else why it cannot be used."""
        loaded = self._credentials.load(account_id)
        if loaded is None:
            return _refused("The account", "It was removed.")
        if loaded.account.state in CAN_SEND and loaded.credentials is not None:
            if not loaded.is_proven(self._clock.now()):
                loaded = self._checked(loaded)
            if loaded.credentials is not None and loaded.is_proven(self._clock.now()):
                return _Way(loaded.account, loaded.credentials, loaded.generation)
        account = loaded.account
        if account.cause is None and loaded.outcome is None:
            return _refused(account.address, f"{STATE_WORDS[account.state]}.")
        outcome = loaded.outcome or Outcome(account.cause, account.provider_error)
        return _refused(account.address, _why(account, outcome))

    def _checked(self, loaded: Loaded) -> Loaded:
        try:
            self._health.check_now(loaded.account.id)
        except (NotFound, TimeoutError):
            return loaded
        return self._credentials.load(loaded.account.id) or loaded

    def _relay_way(self) -> _Way | Handed:
        try:
            return _Way(*self._relay.opened())
        except ReplyDesktopError as error:
            return _refused("The relay", str(error))

    def _label(self, route: str) -> str | None:
        """The account's address or the relay's host; None when it is gone."""
        if route == RELAY:
            row = self._relay.row()
            return row.server.host if row else None
        with self._store.read() as unit:
            account = unit.accounts.get(route)
        return account.address if account else None


def _able(unit: UnitOfWork, about: Collection[str]) -> Iterator[str]:
    """Ids of accounts that can send and hold a grant, the best first."""
    for state in _BEST_FIRST:
        ids = (account_id for account_id in unit.accounts.ids(states=(state,)) if account_id not in about)
        found = [unit.accounts.get(account_id) for account_id in islice(ids, LOOKED_AT)]
        proven = sorted(
            ((account.proven_at or account.created_at, account.id) for account in found if account),
            reverse=True,
        )
        yield from (account_id for _, account_id in proven if unit.grants.get(account_id) is not None)


def _refused(name: str, why: str) -> Handed:
    return Handed(_STATES.REFUSED, _said(name, why))


def _said(name: str, why: str) -> str:
    return plain(f"{name}: {why}")


def _why(account: Account, outcome: Outcome) -> str:
    """The cause in short, with the provider's own words if it had any."""
    told = words(outcome.cause or Cause.UNKNOWN_ANSWER, account.address, provider_name(account))
    said = (
        f" The server said: {plain_sentence(outcome.provider_error, 150)}" if outcome.provider_error else ""
    )
    return f"{told.short}.{said}"
