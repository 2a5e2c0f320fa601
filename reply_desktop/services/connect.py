"""Sign-in by consent in the browser: a new account, or the same row mended. Nothing half-done is stored."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reply_desktop.domain import account as accounts
from reply_desktop.domain import events
from reply_desktop.domain.account import Account
from reply_desktop.domain.address import parse_address, same_mailbox
from reply_desktop.domain.causes import CAUSES, Cause, words
from reply_desktop.domain.consent import CONSENT_TIMEOUT_S, ConsentEnd
from reply_desktop.domain.deadline import earliest, known_end
from reply_desktop.domain.errors import InvalidInput, NotFound, ReplyDesktopError
from reply_desktop.domain.grant import Identity, TokenSet
from reply_desktop.domain.learnt_end import learnt_end
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.domain.states import OutcomeKind, State
from reply_desktop.services.bus import Bus
from reply_desktop.services.credentials import CredentialStore
from reply_desktop.services.health import Health
from reply_desktop.services.ledger import Ledger
from reply_desktop.services.ports import (
    Clock,
    ConsentListener,
    ConsentProvider,
    ConsentRequest,
    Listen,
    Redeemed,
    Store,
)
from reply_desktop.services.queries import Queries

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """A sign-in that waits for the browser. `expires_at` is UTC."""

    consent_id: str
    url: str = field(repr=False)
    expires_at: datetime


@dataclass(slots=True)
class _Consent:
    id: str
    provider: Provider
    account: Account | None
    login_hint: str | None
    request: ConsentRequest
    listener: ConsentListener
    reading: bool = False
    cancelled: bool = False
    page_said: Cause | None = None

    @property
    def expected(self) -> str | None:
        return self.account.address if self.account else self.login_hint


@dataclass(frozen=True, slots=True)
class _End:
    end: ConsentEnd
    text: str
    account_id: str | None = None
    expected: str | None = None
    got: str | None = None


class Connect:
    """Begins, guards and ends sign-ins. One is open per account, and one per provider for new accounts."""

    def __init__(
        self,
        store: Store,
        credentials: CredentialStore,
        providers: Mapping[Provider, ConsentProvider],
        health: Health,
        ledger: Ledger,
        queries: Queries,
        bus: Bus,
        clock: Clock,
        listen: Listen,
        new_id: Callable[[], str],
        *,
        timeout_s: float = CONSENT_TIMEOUT_S,
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._providers = providers
        self._health = health
        self._ledger = ledger
        self._queries = queries
        self._bus = bus
        self._clock = clock
        self._listen = listen
        self._new_id = new_id
        self._timeout_s = timeout_s
        self._open: dict[str, _Consent] = {}
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()

    def begin(
        self,
        provider: Provider | None,
        account: Account | None,
        login_hint: str | None,
        *,
        reading: bool = False,
    ) -> Opened:
        """Open a sign-in and give the link for the browser.

        For `account` the person must come back as that mailbox; for a new one `login_hint`, when given, binds
        likewise. An older sign-in for the same row is cancelled. `reading`: also ask for the permission to
        read mail; an account that has it is asked for it again, as a new grant would lose it otherwise.

        Raises InvalidInput for an account without sign-in, NotConfigured without a client id, ConsentFailed
        when the provider cannot be reached.
        """
        kind = account.provider if account else provider
        if kind is None or kind not in self._providers:
            raise InvalidInput(
                f"{account.address if account else 'This provider'} is not connected through a browser.",
                "Use Edit credentials." if account else "Choose google or microsoft.",
            )
        hint = account.address if account else (parse_address(login_hint) if login_hint else None)
        adapter = self._providers[kind]
        known = account or self._known(hint, kind)
        reading = reading or (known is not None and adapter.may_read(known))
        self._give_up_on(account, kind)
        listener = self._listen(adapter.redirect_host, adapter.redirect_path)
        try:
            request = adapter.begin(
                listener.redirect_uri, hint, account.claims if account else None, reading=reading
            )
        except BaseException:
            listener.close()
            raise
        consent = _Consent(self._new_id(), kind, account, hint, request, listener, reading)
        thread = threading.Thread(target=self._run, args=(consent,), name=f"consent-{consent.id[:6]}")
        with self._lock:
            self._open[consent.id] = consent
            self._threads.add(thread)
        self._show(account, signing_in=True)
        thread.start()
        return Opened(consent.id, request.url, self._clock.now() + timedelta(seconds=self._timeout_s))

    def cancel(self, consent_id: str, page_said: str | None = None) -> None:
        """Give up a sign-in. Raises NotFound when it ended already.

        `page_said`: the cause the person read on the provider's page, which never comes back to us; it is
        written to the account when only somebody else can fix it.
        """
        with self._lock:
            consent = self._open.get(consent_id)
        if consent is None:
            raise NotFound("That sign-in has already ended.")
        if page_said is not None:
            if page_said not in CAUSES:
                raise InvalidInput(f"“{page_said[:40]}” is not a known cause.")
            consent.page_said = Cause(page_said)
        consent.cancelled = True
        consent.listener.close()

    def close(self) -> None:
        """Cancel all open sign-ins and wait for their threads."""
        with self._lock:
            consents, threads = list(self._open.values()), list(self._threads)
        for consent in consents:
            consent.cancelled = True
            consent.listener.close()
        for thread in threads:
            thread.join()

    def _known(self, address: str | None, provider: Provider) -> Account | None:
        """The account that a sign-in for a new one would mend instead."""
        if address is None:
            return None
        with self._store.read() as unit:
            return unit.accounts.find(address, provider)

    def _give_up_on(self, account: Account | None, provider: Provider) -> None:
        with self._lock:
            rivals = [
                consent
                for consent in self._open.values()
                if consent.provider is provider
                and (consent.account and consent.account.id) == (account and account.id)
            ]
        for consent in rivals:
            consent.cancelled = True
            consent.listener.close()

    def _run(self, consent: _Consent) -> None:
        try:
            try:
                end = self._conclude(consent)
            except ReplyDesktopError as error:
                end = _End(ConsentEnd.FAILED, str(error))
            except Exception:
                _log.exception("A sign-in failed by a fault of the app's own")
                end = _End(ConsentEnd.FAILED, "The app met a fault of its own; nothing was stored.")
            if end.end is not ConsentEnd.CONNECTED:
                consent.listener.show(_PAGE_TITLES[end.end], end.text, good=False)
        finally:
            consent.listener.close()
            with self._lock:
                self._open.pop(consent.id, None)
                self._threads.discard(threading.current_thread())
        self._show(consent.account, signing_in=self._is_open(consent.account))
        self._bus.publish(
            [
                events.ConsentEnded(
                    consent.id,
                    end.end.value,
                    end.account_id or (consent.account.id if consent.account else None),
                    end.text,
                    end.expected,
                    end.got,
                )
            ]
        )

    def _conclude(self, consent: _Consent) -> _End:
        answer = consent.listener.wait(consent.request.state, self._timeout_s)
        name = PROVIDER_NAMES[consent.provider]
        whose = f" for {consent.expected}" if consent.expected else ""
        if answer is None and consent.cancelled:
            self._note(consent)
            return _End(ConsentEnd.CANCELLED, f"The sign-in{whose} was cancelled; nothing was changed.")
        if answer is None:
            return _End(ConsentEnd.TIMED_OUT, f"The sign-in{whose} was not finished within 10 minutes.")
        issuer = answer.get("iss")
        if issuer is not None and consent.request.issuer is not None and issuer != consent.request.issuer:
            return _End(ConsentEnd.FAILED, f"The answer did not come from {name}; nothing was stored.")
        redeemed = self._providers[consent.provider].redeem(consent.request, answer)
        if redeemed.tokens is None or redeemed.identity is None or not redeemed.outcome.proves:
            return self._refused(consent, answer, redeemed)
        return self._accept(consent, redeemed.tokens, redeemed.identity)

    def _refused(self, consent: _Consent, answer: Mapping[str, str], redeemed: Redeemed) -> _End:
        outcome = redeemed.outcome
        name = PROVIDER_NAMES[consent.provider]
        who = consent.expected or "the account you chose"
        if outcome.cause is Cause.SCOPE_MISSING:
            text = (
                f"The permission to send mail was not ticked for {who}. Try again and leave every box ticked."
            )
            return _End(ConsentEnd.SCOPE_MISSING, text)
        if answer.get("error") == "access_denied" and outcome.kind is not OutcomeKind.BLOCKED:
            text = (
                f"{name} says access was refused for {who}. If you did not press Cancel, the address "
                "may not be on the project's list of test users."
                if consent.provider is Provider.GOOGLE
                else f"{name} says access was refused for {who}."
            )
            return _End(ConsentEnd.DENIED, text)
        if outcome.cause is None:
            return _End(ConsentEnd.FAILED, f"{name} sent an incomplete answer; nothing was stored.")
        told = words(outcome.cause, who, name)
        return _End(ConsentEnd.FAILED, f"{told.short}. {told.explanation} {told.steps[0]}")

    def _accept(self, consent: _Consent, tokens: TokenSet, identity: Identity) -> _End:
        expected = consent.expected
        if expected is not None and not self._is_same(consent, identity):
            return _End(
                ConsentEnd.WRONG_ACCOUNT,
                f"You signed in as {identity.address}, but {expected} was expected. Nothing was stored.",
                None,
                expected,
                identity.address,
            )
        try:
            account = self._keep(consent, tokens, identity)
        except NotFound:
            return _End(ConsentEnd.FAILED, f"{expected} was removed meanwhile; nothing was stored.")
        consent.listener.show(
            f"{account.address} is signed in",
            "You can close this page and go back to Reply Desktop, which is checking the account now.",
            good=True,
        )
        checked = self._health.check_now(account.id)
        if checked.state in (State.EXPIRED, State.BLOCKED):
            told = words(
                checked.cause or Cause.UNKNOWN_ANSWER, account.address, PROVIDER_NAMES[account.provider]
            )
            return _End(
                ConsentEnd.FAILED,
                f"{account.address} was signed in, but cannot send: {told.short}.",
                account.id,
            )
        proven = checked.proven_at is not None
        text = (
            f"{account.address} is connected."
            if proven
            else f"{account.address} is signed in; not yet proven."
        )
        if consent.reading and not self._providers[consent.provider].may_read(account):
            text += " The permission to read mail was not given, so replies will not be seen."
        return _End(ConsentEnd.CONNECTED, text, account.id, expected, identity.address)

    def _is_same(self, consent: _Consent, identity: Identity) -> bool:
        known = consent.account.subject if consent.account else None
        if known is not None and known == identity.subject:
            return True
        return consent.expected is not None and same_mailbox(consent.expected, identity.address)

    def _keep(self, consent: _Consent, tokens: TokenSet, identity: Identity) -> Account:
        """One durable commit: the new grant replaces the old one whole, or nothing changes."""
        now = self._clock.now()
        with self._store.begin(durable=True) as unit:
            if consent.account is not None:
                before = unit.accounts.get(consent.account.id)
                if before is None:
                    raise NotFound("The account is not there any more.")
            else:
                before = unit.accounts.find(identity.address, consent.provider)
            learnt = learnt_end(before, unit.episodes.of_grants(before.id), now) if before else None
            end = earliest(known_end(consent.provider, tokens), learnt)
            base = before or Account(self._new_id(), consent.provider, parse_address(identity.address), now)
            after = accounts.connect(
                base,
                subject=identity.subject,
                scopes=tokens.scopes,
                now=now,
                deadline_at=end.at if end else None,
                deadline_cause=end.cause if end else None,
            )
            happened = self._ledger.record(unit, before, after)
            self._credentials.keep(unit, after.id, after.generation, tokens)
            unit.commit()
        self._credentials.remember(after.id, after.generation, tokens)
        self._queries.forget(after.id)
        self._ledger.publish(before, after, happened)
        return after

    def _note(self, consent: _Consent) -> None:
        if consent.page_said is None or consent.account is None:
            return
        if CAUSES[consent.page_said].kind is OutcomeKind.BLOCKED:
            self._health.report(consent.account.id, Outcome(consent.page_said), consent.account.generation)

    def _is_open(self, account: Account | None) -> bool:
        with self._lock:
            return account is not None and any(
                consent.account is not None and consent.account.id == account.id
                for consent in self._open.values()
            )

    def _show(self, account: Account | None, *, signing_in: bool) -> None:
        if account is None:
            return
        self._queries.mark([account.id], signing_in=signing_in)
        with self._store.read() as unit:
            stored = unit.accounts.get(account.id)
        if stored is not None:
            self._ledger.show(stored)


_PAGE_TITLES = {
    ConsentEnd.CANCELLED: "Sign-in cancelled",
    ConsentEnd.DENIED: "Access was refused",
    ConsentEnd.WRONG_ACCOUNT: "That was another account",
    ConsentEnd.TIMED_OUT: "Sign-in took too long",
    ConsentEnd.SCOPE_MISSING: "A permission is missing",
    ConsentEnd.FAILED: "Sign-in did not work",
}
