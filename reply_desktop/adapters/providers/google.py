"""Google mailboxes: sign-in, forced refresh as proof, sending and reading by the Gmail API.

The one place of Google's libraries.

The sign-in link is google-auth-oauthlib's and the refresh google-auth's, both over our transport. The code is
redeemed by a request of our own: oauthlib refuses a stand-in on this computer unless a process-wide variable
is set, raises a Warning that holds the tokens when a scope differs, and has no time-out.
"""

import hmac
import json
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from google.auth.exceptions import GoogleAuthError
from google.oauth2.credentials import Credentials as GoogleCredentials

from reply_desktop.adapters.http import (
    Response,
    Transport,
    TransportFault,
    clock_off_s,
    fault_answer,
    is_own_computer,
    is_safe_url,
    retry_after_s,
)
from reply_desktop.adapters.providers import gmail_inbox
from reply_desktop.adapters.providers.refused import Refused
from reply_desktop.config import Endpoints
from reply_desktop.domain.account import Account
from reply_desktop.domain.answers import (
    API_REASONS,
    Answer,
    Where,
    authorize_answer,
    classify,
    token_answer,
)
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput, NotConfigured
from reply_desktop.domain.grant import Credentials, Identity, TokenSet
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.logs import quiet_vendor_logs
from reply_desktop.services.ports import (
    Clock,
    ConsentRequest,
    InboxPage,
    Probed,
    ProviderSettings,
    ProviderSettingsSource,
    Redeemed,
    SendResult,
    SentSearch,
)

SEND_SCOPE: Final = "https://www.googleapis.com/auth/gmail.send"
SCOPES: Final = ("openid", "email", SEND_SCOPE)
"""The least that identifies and sends."""
READ_SCOPE: Final = "https://www.googleapis.com/auth/gmail.readonly"
"""Lets replies and bounces be seen. Restricted, so a consent of its own: never asked for unless wanted. The
narrower gmail.metadata cannot search, and hides the reports inside bounces."""
_SENDING: Final = frozenset(
    {
        SEND_SCOPE,
        "https://www.googleapis.com/auth/gmail.compose",
        "https://www.googleapis.com/auth/gmail.modify",
        "https://mail.google.com/",
    }
)
"""Scopes that let a client send. Source: Gmail API reference, messages.send."""
_READING: Final = frozenset(
    {READ_SCOPE, "https://www.googleapis.com/auth/gmail.modify", "https://mail.google.com/"}
)
"""Scopes that let a client search and read. Source: Gmail API reference, messages.list."""

_ISSUERS: Final = {"accounts.google.com": "https://accounts.google.com"}
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_MAYBE_SENT: Final = frozenset({500, 502, 504})
"""Statuses after which the message may have gone out all the same."""
_SAME_END: Final = timedelta(minutes=5)
"""Announced ends nearer than this are the same: each answer counts from its own moment."""
_EARLY: Final = timedelta(seconds=30)
"""An access token is not used in its last moments."""


class _Refused(Exception):
    """The token endpoint said anything but yes; ends google-auth's own retries and guesses."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"HTTP status {response.status}")
        self.response = response


class _Exchange:
    """google-auth's `transport.Request` over our transport, for one refresh."""

    def __init__(self, transport: Transport, *, fresh: bool) -> None:
        self._transport = transport
        self._fresh = fresh
        self.said: dict[str, Any] = {}

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> Response:
        response = self._transport.request(method, url, headers=headers, body=body, fresh=self._fresh)
        said = response.json() if response.status == 200 else None
        if said is None:
            raise _Refused(response)
        self.said = said
        return response


@dataclass(frozen=True, slots=True)
class _SignIn:
    """What the answer to one sign-in link is redeemed with."""

    settings: ProviderSettings
    scopes: tuple[str, ...]
    verifier: str = field(repr=False)


class Google:
    """Carries out `ports.ConsentProvider` for Google; thread-safe, holds no state of any account."""

    provider = Provider.GOOGLE
    redirect_host = "127.0.0.1"
    redirect_path = "/google"

    def __init__(
        self, transport: Transport, endpoints: Endpoints, settings: ProviderSettingsSource, clock: Clock
    ) -> None:
        quiet_vendor_logs()
        self._transport = transport
        self._endpoints = endpoints
        self._settings = settings
        self._clock = clock

    def begin(
        self,
        redirect_uri: str,
        login_hint: str | None,
        claims: str | None = None,
        *,
        reading: bool = False,
    ) -> ConsentRequest:
        """See ports. Google knows no claims challenge; `claims` is not used.

        Raises InvalidInput for a sign-in address that is not https.
        """
        settings = self._settings(self.provider)
        if settings is None:
            raise NotConfigured(
                "There is no client ID for Google yet.", "Give client_secret.json in Settings → Providers."
            )
        from google_auth_oauthlib.flow import Flow

        auth_uri = settings.auth_uri or self._endpoints.google_auth_uri
        if not is_safe_url(auth_uri):
            raise InvalidInput("Google's sign-in address is not https.", "Give client_secret.json again.")
        scopes = (*SCOPES, READ_SCOPE) if reading else SCOPES
        parts = urlsplit(auth_uri)
        plain = parts.scheme == "http" and is_own_computer(parts.hostname or "")
        flow = Flow.from_client_config(
            {
                "installed": {
                    "client_id": settings.client_id,
                    "auth_uri": parts._replace(scheme="https").geturl() if plain else auth_uri,
                    "token_uri": self._token_uri(settings),
                }
            },
            scopes=list(scopes),
            redirect_uri=redirect_uri,
        )
        hint = {"login_hint": login_hint} if login_hint else {}
        state = secrets.token_urlsafe(32)
        url, _ = flow.authorization_url(access_type="offline", prompt="consent", state=state, **hint)
        return ConsentRequest(
            url=urlsplit(url)._replace(scheme="http").geturl() if plain else url,
            redirect_uri=redirect_uri,
            state=state,
            flow=_SignIn(settings, scopes, flow.code_verifier),
            issuer=_ISSUERS.get(parts.hostname or ""),
        )

    def redeem(self, request: ConsentRequest, answer: Mapping[str, str]) -> Redeemed:
        """See ports. Without the permission to send, or a refresh token, there is nothing to store."""
        sign_in = request.flow
        code = answer.get("code", "")
        known = hmac.compare_digest(answer.get("state", "").encode(), request.state.encode())
        if not isinstance(sign_in, _SignIn) or not known:
            return Redeemed(Outcome(Cause.UNKNOWN_ANSWER, "The answer belongs to another sign-in."))
        if "error" in answer or not code:
            return Redeemed(classify(authorize_answer(self.provider, answer)))
        settings = sign_in.settings
        hidden = (code, sign_in.verifier, settings.client_secret, request.state)
        try:
            response = self._post(
                self._token_uri(settings),
                {
                    "grant_type": "authorization_code",
                    "code": code,
                    "redirect_uri": request.redirect_uri,
                    "client_id": settings.client_id,
                    "client_secret": settings.client_secret,
                    "code_verifier": sign_in.verifier,
                },
                fresh=True,
            )
            said = response.json() if response.status == 200 else None
            if said is None or "error" in said:
                return Redeemed(self._refusal(response, hidden=hidden, exchange=True))
            tokens = self._tokens({"scope": " ".join(sign_in.scopes), **said}, settings)
            if not tokens.access_token or not tokens.refresh_token:
                return Redeemed(Outcome(Cause.UNKNOWN_ANSWER, "Google gave no lasting sign-in."))
            if not _may_send(tokens.scopes):
                return Redeemed(Outcome(Cause.SCOPE_MISSING))
            identity = _identity(_claims(said.get("id_token"), settings.client_id))
            return self._ask_who(tokens) if identity is None else Redeemed(PROVEN, tokens, identity)
        except TransportFault as fault:
            return Redeemed(classify(fault_answer(self.provider, fault)))

    def probe(self, account: Account, credentials: Credentials, *, fresh: bool = False) -> Probed:
        """See ports: a refresh grant, whatever the age of the access token."""
        settings = self._settings(self.provider)
        if settings is None:
            return Probed(Outcome(Cause.APP_NOT_CONFIGURED))
        if not isinstance(credentials, TokenSet) or not credentials.refresh_token:
            return Probed(Outcome(Cause.GRANT_MISSING))
        if credentials.client_id and credentials.client_id != settings.client_id:
            return Probed(Outcome(Cause.CONSENT_MISSING, "The sign-in was given to another client ID."))
        exchange = _Exchange(self._transport, fresh=fresh)
        held = GoogleCredentials(  # type: ignore[no-untyped-call]
            None,
            refresh_token=credentials.refresh_token,
            token_uri=self._token_uri(settings),
            client_id=settings.client_id,
            client_secret=settings.client_secret,
        )
        hidden = (credentials.refresh_token, credentials.access_token, settings.client_secret)
        try:
            held.refresh(exchange)  # type: ignore[no-untyped-call]
        except _Refused as refused:
            return Probed(self._refusal(refused.response, hidden=hidden, tokens=credentials))
        except TransportFault as fault:
            return Probed(classify(fault_answer(self.provider, fault)))
        except (GoogleAuthError, AttributeError, KeyError, OverflowError, TypeError, ValueError):
            # A yes that google-auth cannot read proves nothing, and what it says of it may quote the tokens.
            return Probed(Outcome(Cause.UNKNOWN_ANSWER, "Google's answer could not be read."))
        newer = self._tokens({**exchange.said, "refresh_token": held.refresh_token}, settings)
        if not newer.access_token:
            return Probed(Outcome(Cause.UNKNOWN_ANSWER, "Google's answer could not be read."))
        after = _same_end(credentials, credentials.refreshed(newer))
        outcome = Outcome(Cause.SCOPE_MISSING) if after.scopes and not _may_send(after.scopes) else PROVEN
        return Probed(outcome, after)

    def send(
        self, account: Account, credentials: Credentials, mime: bytes, *, thread_id: str | None = None
    ) -> SendResult:
        """See ports; Gmail API messages.send. Gmail sets another Message-ID, which only a reader can learn.

        The access token must be of a probe just made: one that has ended is not used.
        """
        if (living := self._living(credentials)) is None:
            return SendResult(Outcome(Cause.PROOF_STALE))
        headers = {**_api_headers(living), "Content-Type": "application/json"}
        thread = f',"threadId":{json.dumps(thread_id)}'.encode() if thread_id else b""
        body = b'{"raw":"' + urlsafe_b64encode(mime) + b'"' + thread + b"}"
        url = f"{self._mailbox()}/messages/send"
        try:
            response = self._transport.request("POST", url, headers=headers, body=body, fresh=True)
        except TransportFault as fault:
            return SendResult(classify(fault_answer(self.provider, fault)), in_doubt=fault.sent)
        said = response.json()
        if 200 <= response.status < 300 and said is not None and said.get("id"):
            sent_id, thread_id = _text(said["id"]) or None, _text(said.get("threadId")) or None
            message_id = self._delivered_id(living, sent_id) if sent_id and self.may_read(account) else None
            return SendResult(PROVEN, message_id, provider_id=sent_id, thread_id=thread_id)
        doubt = response.status in _MAYBE_SENT or 200 <= response.status < 300
        return SendResult(self._api_refusal(response, living), in_doubt=doubt)

    def may_read(self, account: Account) -> bool:
        """See ports."""
        return not _READING.isdisjoint(account.scopes)

    def read_inbox(
        self,
        account: Account,
        credentials: Credentials,
        cursor: str | None,
        since: datetime,
        limit: int = 200,
    ) -> InboxPage:
        """See ports; by the mailbox's history. The access token must be of a probe just made."""
        if not self.may_read(account):
            return InboxPage(Outcome(Cause.SCOPE_MISSING), cursor=cursor)
        if (living := self._living(credentials)) is None:
            return InboxPage(Outcome(Cause.PROOF_STALE), cursor=cursor)
        try:
            return gmail_inbox.read_new(self._reader(living), cursor, since, limit)
        except Refused as refused:
            return InboxPage(refused.outcome, cursor=cursor)
        except TransportFault as fault:
            return InboxPage(classify(fault_answer(self.provider, fault)), cursor=cursor)

    def find_sent(
        self, account: Account, credentials: Credentials, marker: str, message_id: str, since: datetime
    ) -> SentSearch:
        """See ports. By the marker only: Gmail has replaced the Message-ID."""
        if not self.may_read(account):
            return SentSearch(PROVEN)
        if (living := self._living(credentials)) is None:
            return SentSearch(Outcome(Cause.PROOF_STALE))
        try:
            return gmail_inbox.find_marked(self._reader(living), marker, since)
        except Refused as refused:
            return SentSearch(refused.outcome)
        except TransportFault as fault:
            return SentSearch(classify(fault_answer(self.provider, fault)))

    def revoke(self, account: Account, credentials: Credentials) -> bool:
        """See ports. It ends everything the person granted to this project, on other computers too."""
        if not isinstance(credentials, TokenSet) or not credentials.refresh_token:
            return False
        try:
            response = self._post(
                self._endpoints.google_revoke_uri, {"token": credentials.refresh_token}, fresh=True
            )
        except TransportFault:
            return False
        # RFC 7009 §2.2 wants 200 for a token already gone; Google answers 400.
        return response.status == 200 or (response.status == 400 and response.json() is not None)

    def test_client(self) -> Outcome:
        """Whether Google knows the client: a token that cannot exist must be refused for itself only."""
        settings = self._settings(self.provider)
        if settings is None:
            return Outcome(Cause.APP_NOT_CONFIGURED)
        try:
            response = self._post(
                self._token_uri(settings),
                {
                    "grant_type": "refresh_token",
                    "refresh_token": "1//no-such-token",
                    "client_id": settings.client_id,
                    "client_secret": settings.client_secret,
                },
                fresh=True,
            )
        except TransportFault as fault:
            return classify(fault_answer(self.provider, fault))
        said = response.json()
        if response.status == 400 and said is not None and said.get("error") == "invalid_grant":
            return PROVEN
        return self._refusal(response, hidden=(settings.client_secret,))

    def _living(self, credentials: Credentials) -> TokenSet | None:
        """The tokens, if their access token still lasts."""
        if not isinstance(credentials, TokenSet) or not credentials.access_token:
            return None
        ends_at = credentials.expires_at
        return None if ends_at is not None and self._clock.now() >= ends_at - _EARLY else credentials

    def _mailbox(self) -> str:
        return f"{self._endpoints.gmail_url.rstrip('/')}/gmail/v1/users/me"

    def _reader(self, tokens: TokenSet) -> gmail_inbox.Get:
        def get(path: str, fields: gmail_inbox.Fields) -> dict[str, Any] | None:
            url = f"{self._mailbox()}/{path}" + (f"?{urlencode(fields)}" if fields else "")
            response = self._transport.request("GET", url, headers=_api_headers(tokens))
            said = response.json()
            if response.status == 404 and said is not None:
                return None
            if response.status != 200 or said is None:
                raise Refused(self._api_refusal(response, tokens))
            return said

        return get

    def _delivered_id(self, tokens: TokenSet, sent_id: str) -> str | None:
        """The Message-ID of a message just sent; that it is not told changes nothing about the sending."""
        try:
            return gmail_inbox.delivered_id(self._reader(tokens), sent_id)
        except (Refused, TransportFault):
            return None

    def _token_uri(self, settings: ProviderSettings) -> str:
        return settings.token_uri or self._endpoints.google_token_uri

    def _post(self, url: str, form: Mapping[str, str], *, fresh: bool) -> Response:
        body = urlencode({name: value for name, value in form.items() if value}).encode()
        return self._transport.request("POST", url, headers=_FORM, body=body, fresh=fresh)

    def _tokens(self, said: Mapping[str, Any], settings: ProviderSettings) -> TokenSet:
        now = self._clock.now()
        return TokenSet(
            refresh_token=_text(said.get("refresh_token")),
            access_token=_text(said.get("access_token")),
            expires_at=_after(now, said.get("expires_in")),
            scopes=tuple(sorted(set(_text(said.get("scope")).split()))),
            issued_at=now,
            refresh_expires_at=_after(now, said.get("refresh_token_expires_in")),
            client_id=settings.client_id,
        )

    def _ask_who(self, tokens: TokenSet) -> Redeemed:
        response = self._transport.request(
            "GET",
            self._endpoints.google_userinfo_uri,
            headers={"Authorization": f"Bearer {tokens.access_token}", "Accept": "application/json"},
            fresh=True,
        )
        identity = _identity(response.json() or {}) if response.status == 200 else None
        if identity is not None:
            return Redeemed(PROVEN, tokens, identity)
        if response.status == 200:
            return Redeemed(Outcome(Cause.UNKNOWN_ANSWER, "Google did not say who signed in."))
        return Redeemed(self._api_refusal(response, tokens))

    def _refusal(
        self,
        response: Response,
        *,
        hidden: tuple[str, ...],
        tokens: TokenSet | None = None,
        exchange: bool = False,
    ) -> Outcome:
        now = self._clock.now()
        issued_at = tokens.issued_at if tokens else None
        ends_at = tokens.refresh_expires_at if tokens else None
        return classify(
            replace(
                token_answer(self.provider, response.status, response.json()),
                retry_after_s=retry_after_s(response.headers, now),
                clock_off_s=clock_off_s(response.headers, now),
                exchange=exchange,
                grant_age_s=(now - issued_at).total_seconds() if issued_at else None,
                announced_life_s=(ends_at - issued_at).total_seconds() if ends_at and issued_at else None,
                secrets=tuple(filter(None, hidden)),
            )
        )

    def _api_refusal(self, response: Response, tokens: TokenSet) -> Outcome:
        now = self._clock.now()
        said = response.json()
        error = said.get("error") if said is not None else None
        error = error if isinstance(error, dict) else {}
        message = _text(error.get("message")) or None
        return classify(
            Answer(
                self.provider,
                Where.API,
                http_status=response.status,
                reason=_reason(error),
                description=message,
                is_json=said is not None,
                retry_after_s=retry_after_s(response.headers, now) or _wait_in(message, now),
                clock_off_s=clock_off_s(response.headers, now),
                secrets=(tokens.access_token, tokens.refresh_token),
            )
        )


def _api_headers(tokens: TokenSet) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.access_token}", "Accept": "application/json"}


def _may_send(scopes: Iterable[str]) -> bool:
    return not _SENDING.isdisjoint(scopes)


def _same_end(before: TokenSet, after: TokenSet) -> TokenSet:
    """The set with the end known before, when the new one is the same but for seconds: nothing to store."""
    old, new = before.refresh_expires_at, after.refresh_expires_at
    if old is not None and new is not None and abs(new - old) < _SAME_END:
        return replace(after, refresh_expires_at=old)
    return after


def _reason(error: Mapping[str, Any]) -> str | None:
    """Gmail's reason: the first one known, be it in the old place (`errors`) or the new (`details`)."""
    rows = [row for name in ("errors", "details") for row in _rows(error.get(name))]
    reasons = [_text(row.get("reason")) for row in rows]
    known = (reason for reason in reasons if reason in API_REASONS[Provider.GOOGLE])
    return next(known, next(filter(None, reasons), None)) or _text(error.get("status")) or None


def _rows(value: object) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _wait_in(message: str | None, now: datetime) -> float | None:
    """The wait that Gmail's words ask for: "Retry after 2026-03-02T09:10:00.000Z"."""
    found = re.search(r"(?i)retry after (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)Z", message or "")
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return max((at - now).total_seconds(), 0.0)


def _claims(id_token: object, client_id: str) -> dict[str, Any]:
    """What an id token from the token endpoint says. TLS vouches for it (OpenID Connect Core §3.1.3.7)."""
    try:
        part = _text(id_token).split(".")[1]
        said = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    audience = said.get("aud")
    meant = client_id in audience if isinstance(audience, list) else client_id == audience
    return said if meant else {}


def _identity(said: Mapping[str, Any]) -> Identity | None:
    subject, address = _text(said.get("sub")), _text(said.get("email"))
    if not subject or "@" not in address:
        return None
    return Identity(subject, address, tenant=_text(said.get("hd")), name=_text(said.get("name")))


def _after(now: datetime, seconds: object) -> datetime | None:
    """The moment so many seconds from now; None when it is no number of seconds."""
    try:
        return now + timedelta(seconds=int(seconds))  # type: ignore[call-overload,no-any-return]
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
