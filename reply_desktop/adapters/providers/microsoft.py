"""Microsoft mailboxes, work and personal: sign-in, refresh as proof, sending and reading by Graph.

The one place of msal.

msal runs over our transport and remembers nothing: neither tokens, which are the vault's, nor answers, which
it would give again for 60 s after a refusal.
"""

import hmac
import json
import secrets
import threading
import warnings
from base64 import b64encode
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msal

from reply_desktop.adapters.http import (
    Response,
    Transport,
    TransportFault,
    clock_off_s,
    fault_answer,
    is_safe_url,
    retry_after_s,
)
from reply_desktop.adapters.providers import graph_inbox
from reply_desktop.adapters.providers.refused import Refused
from reply_desktop.config import Endpoints
from reply_desktop.domain.account import Account
from reply_desktop.domain.answers import Answer, Fault, Where, authorize_answer, classify, token_answer
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import ConsentFailed, NotConfigured
from reply_desktop.domain.grant import Credentials, Identity, TokenSet
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import OutcomeKind
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

SEND: Final = "Mail.Send"
IDENTIFY: Final = "User.Read"
"""Graph permissions: the least that sends and identifies (msal adds openid, profile, offline_access)."""
READ: Final = "Mail.Read"
"""Lets replies and bounces be seen: a consent of its own, never asked for unless wanted. Mail.ReadBasic would
hide the reports inside bounces."""
_READING: Final = frozenset({READ.casefold(), "mail.readwrite"})

_MAYBE_SENT: Final = frozenset({500, 502, 504})
"""Statuses after which the message may have gone out all the same."""
_ABOUT_THE_TOKEN: Final = frozenset({90023, 9002313})
"""Codes that say "malformed" of a token, and nothing of the client that showed it."""
_EARLY: Final = timedelta(seconds=30)
"""An access token is not used in its last moments."""


_UNREADABLE: Final = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
"""How msal fails on a yes in a form it did not expect."""


class _Refused(Exception):
    """The provider said anything but a readable yes; ends msal's own guesses about it."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"HTTP status {response.status}")
        self.response = response


class _HttpClient:
    """msal's `http_client` over our transport. Only a readable yes gets back to msal."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        fresh: bool = False,
        **_: object,
    ) -> Response:
        body = (data if isinstance(data, str) else urlencode(data or {})).encode()
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._read(
            self._transport.request("POST", _with(url, params), headers=sent, body=body, fresh=fresh)
        )

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Response:
        return self._read(self._transport.request("GET", _with(url, params), headers=headers))

    def close(self) -> None:
        """The transport is shared and outlives msal's apps."""

    def _read(self, response: Response) -> Response:
        if response.status != 200 or response.json() is None:
            raise _Refused(response)
        return response


class _Forgetful(dict[str, Any]):
    """msal's cache of answers, which keeps none: each probe asks the provider anew."""

    def __setitem__(self, key: str, value: Any) -> None:
        """Keeps nothing."""


class _NoTokenCache(msal.TokenCache):  # type: ignore[misc]
    """msal's token cache, which keeps no token: they are the vault's."""

    def add(self, event: Mapping[str, Any], now: float | None = None) -> None:
        """Keeps nothing."""


@dataclass(frozen=True, slots=True)
class _SignIn:
    """What the answer to one sign-in link is redeemed with."""

    settings: ProviderSettings
    permissions: tuple[str, ...]
    flow: dict[str, Any] = field(repr=False)


class Microsoft:
    """Carries out `ports.ConsentProvider` for Microsoft; thread-safe, holds no state of any account.

    One msal app per client ID and authority, made when first needed: making it asks the authority for its
    addresses.
    """

    provider = Provider.MICROSOFT
    redirect_host = "localhost"
    redirect_path = "/microsoft"

    def __init__(
        self, transport: Transport, endpoints: Endpoints, settings: ProviderSettingsSource, clock: Clock
    ) -> None:
        quiet_vendor_logs()
        self._transport = transport
        self._endpoints = endpoints
        self._settings = settings
        self._clock = clock
        self._client = _HttpClient(transport)
        self._apps: dict[tuple[str, str], Future[Any]] = {}
        self._lock = threading.Lock()

    def begin(
        self,
        redirect_uri: str,
        login_hint: str | None,
        claims: str | None = None,
        *,
        reading: bool = False,
    ) -> ConsentRequest:
        """See ports."""
        settings = self._settings(self.provider)
        if settings is None:
            raise NotConfigured(
                "There is no client ID for Microsoft yet.", "Give one in Settings → Providers."
            )
        app, outcome = self._app_or_outcome(settings)
        if outcome is not None:
            raise ConsentFailed(
                f"Microsoft's sign-in cannot be opened: {outcome.provider_error or 'no answer'}",
                "Check the connection, and the authority in Settings → Providers.",
            )
        # A loopback listener on a desktop takes GET; msal would rather have a form posted.
        warnings.filterwarnings("ignore", message="response_mode='form_post' is recommended")
        permissions = _permissions(reading=reading)
        flow = app.initiate_auth_code_flow(
            self._scopes(settings, permissions),
            redirect_uri=redirect_uri,
            state=secrets.token_urlsafe(32),
            prompt="select_account",
            login_hint=login_hint,
            claims_challenge=_object(claims),
            response_mode="query",
        )
        if not is_safe_url(flow["auth_uri"]):
            raise ConsentFailed(
                "The authority gave addresses that cannot be used.", "Check it in Settings → Providers."
            )
        return ConsentRequest(
            url=flow["auth_uri"],
            redirect_uri=redirect_uri,
            state=flow["state"],
            flow=_SignIn(settings, permissions, flow),
        )

    def redeem(self, request: ConsentRequest, answer: Mapping[str, str]) -> Redeemed:
        """See ports. Without the permission to send, or a refresh token, there is nothing to store."""
        sign_in = request.flow
        known = hmac.compare_digest(answer.get("state", "").encode(), request.state.encode())
        if not isinstance(sign_in, _SignIn) or not known:
            return Redeemed(Outcome(Cause.UNKNOWN_ANSWER, "The answer belongs to another sign-in."))
        code = answer.get("code", "")
        if "error" in answer or not code:
            return Redeemed(classify(authorize_answer(self.provider, answer)))
        settings = sign_in.settings
        hidden = (code, request.state, sign_in.flow["code_verifier"], sign_in.flow["nonce"])
        try:
            app = self._app(settings)
            if not _is_issuer(answer.get("iss"), app.authority):
                return Redeemed(Outcome(Cause.UNKNOWN_ANSWER, "The answer did not come from Microsoft."))
            said = app.acquire_token_by_auth_code_flow(
                dict(sign_in.flow), {"code": code, "state": answer["state"]}, fresh=True
            )
            tokens = self._tokens({"scope": " ".join(sign_in.permissions), **said}, settings)
            if "error" in said or not tokens.access_token or not tokens.refresh_token:
                return Redeemed(Outcome(Cause.UNKNOWN_ANSWER, "Microsoft gave no lasting sign-in."))
            if not _may_send(tokens.scopes):
                return Redeemed(Outcome(Cause.SCOPE_MISSING))
            claims = said.get("id_token_claims")
            return self._with_address(settings, tokens, claims if isinstance(claims, dict) else {})
        except _Refused as refused:
            return Redeemed(classify(self._token_answer(refused.response, hidden=hidden, exchange=True)))
        except TransportFault as fault:
            return Redeemed(classify(fault_answer(self.provider, fault)))
        except _UNREADABLE:
            # msal's texts quote state, nonce or token.
            return Redeemed(Outcome(Cause.UNKNOWN_ANSWER, "Microsoft's answer could not be read."))

    def probe(self, account: Account, credentials: Credentials, *, fresh: bool = False) -> Probed:
        """See ports: a refresh grant, whatever the age of the access token."""
        settings = self._settings(self.provider)
        if settings is None:
            return Probed(Outcome(Cause.APP_NOT_CONFIGURED))
        if not isinstance(credentials, TokenSet) or not credentials.refresh_token:
            return Probed(Outcome(Cause.GRANT_MISSING))
        if credentials.client_id and credentials.client_id != settings.client_id:
            return Probed(Outcome(Cause.CONSENT_MISSING, "The sign-in was given to another client ID."))
        said, outcome = self._refresh(settings, credentials, fresh=fresh)
        if outcome is not None:
            return Probed(outcome)
        newer = self._tokens(said, settings)
        if not newer.access_token:
            return Probed(Outcome(Cause.UNKNOWN_ANSWER, "Microsoft's answer could not be read."))
        after = credentials.refreshed(newer)
        refused = bool(after.scopes) and not _may_send(after.scopes)
        return Probed(Outcome(Cause.SCOPE_MISSING) if refused else PROVEN, after)

    def send(
        self, account: Account, credentials: Credentials, mime: bytes, *, thread_id: str | None = None
    ) -> SendResult:
        """See ports; Graph sendMail with the message as MIME. 202 means accepted, not delivered.

        Graph tells nothing of the message it took; `find_sent` may, once it lies in Sent Items. Threads are
        made of headers alone, so `thread_id` is not used. The access token must be of a probe just made: one
        that has ended is not used.
        """
        settings = self._settings(self.provider)
        if settings is None:
            return SendResult(Outcome(Cause.APP_NOT_CONFIGURED))
        if (living := self._living(credentials)) is None:
            return SendResult(Outcome(Cause.PROOF_STALE))
        headers = {**_api_headers(living), "Content-Type": "text/plain"}
        url = f"{self._graph(settings)}/v1.0/me/sendMail"
        try:
            response = self._transport.request("POST", url, headers=headers, body=b64encode(mime), fresh=True)
        except TransportFault as fault:
            return SendResult(classify(fault_answer(self.provider, fault)), in_doubt=fault.sent)
        if response.status == 202:
            return SendResult(PROVEN)
        doubt = response.status in _MAYBE_SENT or 200 <= response.status < 300
        return SendResult(self._api_refusal(response, living), in_doubt=doubt)

    def may_read(self, account: Account) -> bool:
        """See ports."""
        return _may_read(account.scopes)

    def read_inbox(
        self,
        account: Account,
        credentials: Credentials,
        cursor: str | None,
        since: datetime,
        limit: int = 200,
    ) -> InboxPage:
        """See ports; by the time of receipt. The access token must be of a probe just made."""
        settings = self._settings(self.provider)
        if settings is None:
            return InboxPage(Outcome(Cause.APP_NOT_CONFIGURED), cursor=cursor)
        if not self.may_read(account):
            return InboxPage(Outcome(Cause.SCOPE_MISSING), cursor=cursor)
        if (living := self._living(credentials)) is None:
            return InboxPage(Outcome(Cause.PROOF_STALE), cursor=cursor)
        reader = _Reader(self, settings, living)
        try:
            return graph_inbox.read_new(reader.get, reader.get_raw, cursor, since, limit)
        except Refused as refused:
            return InboxPage(refused.outcome, cursor=cursor)
        except TransportFault as fault:
            return InboxPage(classify(fault_answer(self.provider, fault)), cursor=cursor)

    def find_sent(
        self, account: Account, credentials: Credentials, marker: str, message_id: str, since: datetime
    ) -> SentSearch:
        """See ports. Exchange puts a message into Sent Items some time after it took it over."""
        settings = self._settings(self.provider)
        if settings is None:
            return SentSearch(Outcome(Cause.APP_NOT_CONFIGURED))
        if not self.may_read(account):
            return SentSearch(PROVEN)
        if (living := self._living(credentials)) is None:
            return SentSearch(Outcome(Cause.PROOF_STALE))
        try:
            return graph_inbox.find_marked(_Reader(self, settings, living).get, marker, message_id)
        except Refused as refused:
            return SentSearch(refused.outcome)
        except TransportFault as fault:
            return SentSearch(classify(fault_answer(self.provider, fault)))

    def revoke(self, account: Account, credentials: Credentials) -> bool:
        """False: Microsoft has no way to end one app's grant; the person does it on the apps page."""
        return False

    def test_client(self) -> Outcome:
        """Whether Microsoft knows the client: a token that cannot exist must be refused for itself only.

        Entra looks at the client before the token, and says invalid_grant of a known client's.
        """
        settings = self._settings(self.provider)
        if settings is None:
            return Outcome(Cause.APP_NOT_CONFIGURED)
        app, outcome = self._app_or_outcome(settings)
        if outcome is not None:
            return outcome
        try:
            app.acquire_token_by_refresh_token(
                "no-such-token", self._scopes(settings, _permissions()), fresh=True
            )
        except _Refused as refused:
            answer = self._token_answer(refused.response)
            outcome = classify(answer)
            about_token = answer.error == "invalid_request" and _ABOUT_THE_TOKEN & set(answer.error_codes)
            return PROVEN if about_token or outcome.kind is OutcomeKind.LOST else outcome
        except TransportFault as fault:
            return classify(fault_answer(self.provider, fault))
        except _UNREADABLE:
            return Outcome(Cause.UNKNOWN_ANSWER, "Microsoft's answer could not be read.")
        return Outcome(Cause.UNKNOWN_ANSWER, "Microsoft accepted a token that cannot exist.")

    def _refresh(
        self, settings: ProviderSettings, held: TokenSet, *, fresh: bool
    ) -> tuple[dict[str, Any], Outcome | None]:
        """What a refresh grant brought, or the outcome that refused it."""
        app, outcome = self._app_or_outcome(settings)
        if outcome is not None:
            return {}, outcome
        try:
            # What is not asked for is not in the new access token, and its scopes would be taken for all.
            wanted = self._scopes(settings, _permissions(reading=_may_read(held.scopes)))
            said = app.acquire_token_by_refresh_token(held.refresh_token, wanted, fresh=fresh)
        except _Refused as refused:
            hidden = (held.refresh_token, held.access_token)
            return {}, classify(self._token_answer(refused.response, hidden=hidden))
        except TransportFault as fault:
            return {}, classify(fault_answer(self.provider, fault))
        except _UNREADABLE:
            # A yes that msal cannot read proves nothing, and msal's text may quote it.
            said = None
        if not isinstance(said, dict) or "error" in said:
            return {}, Outcome(Cause.UNKNOWN_ANSWER, "Microsoft's answer could not be read.")
        return said, None

    def _app_or_outcome(self, settings: ProviderSettings) -> tuple[Any, Outcome | None]:
        """The msal app, or why there is none. Finding the authority's addresses proves nothing of a grant."""
        if not (is_safe_url(self._authority(settings)) and is_safe_url(self._graph(settings))):
            return None, Outcome(
                Cause.APP_MISCONFIGURED, "The authority or Graph URL is not an https address."
            )
        try:
            return self._app(settings), None
        except _Refused as refused:
            outcome = classify(self._token_answer(refused.response))
            if outcome.kind is OutcomeKind.LOST:
                outcome = Outcome(Cause.UNKNOWN_ANSWER, outcome.provider_error)
            return None, outcome
        except TransportFault as fault:
            return None, classify(fault_answer(self.provider, fault))
        except _UNREADABLE:
            return None, Outcome(Cause.UNKNOWN_ANSWER, "The authority gave addresses that cannot be used.")

    def _app(self, settings: ProviderSettings) -> Any:
        """The msal app. Whoever comes while it is being made waits for the same try and shares its failure.

        Raises TransportFault, _Refused, or what msal makes of addresses it does not like.
        """
        key = (settings.client_id, self._authority(settings))
        with self._lock:
            made = self._apps.get(key)
            mine = made is None
            if made is None:
                made = self._apps[key] = Future()
        if mine:
            try:
                made.set_result(self._new_app(*key))
            except BaseException as error:
                with self._lock:
                    del self._apps[key]
                made.set_exception(error)
        return made.result()

    def _new_app(self, client_id: str, authority: str) -> Any:
        return msal.PublicClientApplication(
            client_id,
            authority=authority,
            http_client=self._client,
            http_cache=_Forgetful(),
            token_cache=_NoTokenCache(),
            # The authority is the person's own word or ours; nobody else is asked about it.
            instance_discovery=False,
        )

    def _authority(self, settings: ProviderSettings) -> str:
        said = (settings.authority or self._endpoints.microsoft_authority).rstrip("/")
        return said if urlsplit(said).path else f"{said}/common"

    def _graph(self, settings: ProviderSettings) -> str:
        return (settings.graph_url or self._endpoints.graph_url).rstrip("/")

    def _scopes(self, settings: ProviderSettings, permissions: Iterable[str]) -> list[str]:
        return [f"{self._graph(settings)}/{name}" for name in permissions]

    def _living(self, credentials: Credentials) -> TokenSet | None:
        """The tokens, if their access token still lasts."""
        if not isinstance(credentials, TokenSet) or not credentials.access_token:
            return None
        ends_at = credentials.expires_at
        return None if ends_at is not None and self._clock.now() >= ends_at - _EARLY else credentials

    def _tokens(self, said: Mapping[str, Any], settings: ProviderSettings) -> TokenSet:
        now = self._clock.now()
        return TokenSet(
            refresh_token=_text(said.get("refresh_token")),
            access_token=_text(said.get("access_token")),
            expires_at=_after(now, said.get("expires_in")),
            scopes=tuple(sorted(set(_text(said.get("scope")).split()))),
            issued_at=now,
            client_id=settings.client_id,
        )

    def _with_address(
        self, settings: ProviderSettings, tokens: TokenSet, claims: Mapping[str, Any]
    ) -> Redeemed:
        """The grant with its owner: the stable id from the id token, the mailbox's address from Graph."""
        subject = _text(claims.get("oid")) or _text(claims.get("sub"))
        tenant, name = _text(claims.get("tid")), _text(claims.get("name"))
        signed_in = _text(claims.get("preferred_username")) or _text(claims.get("email"))
        response = self._transport.request(
            "GET",
            f"{self._graph(settings)}/v1.0/me?$select=id,mail,userPrincipalName,displayName",
            headers={"Authorization": f"Bearer {tokens.access_token}", "Accept": "application/json"},
            fresh=True,
        )
        if response.status not in (200, 401, 403, 404):
            return Redeemed(self._api_refusal(response, tokens))
        # Without leave to ask Graph the sign-in name has to do.
        me = (response.json() or {}) if response.status == 200 else {}
        subject = subject or _text(me.get("id"))
        addresses = (_text(me.get("mail")), _text(me.get("userPrincipalName")), signed_in)
        address = next((one for one in addresses if "@" in one and "#" not in one), "")
        if subject and address:
            return Redeemed(
                PROVEN, tokens, Identity(subject, address, tenant, name or _text(me.get("displayName")))
            )
        return Redeemed(Outcome(Cause.UNKNOWN_ANSWER, "Microsoft did not say who signed in."))

    def _token_answer(
        self, response: Response, *, hidden: tuple[str, ...] = (), exchange: bool = False
    ) -> Answer:
        now = self._clock.now()
        return replace(
            token_answer(self.provider, response.status, response.json()),
            retry_after_s=retry_after_s(response.headers, now),
            clock_off_s=clock_off_s(response.headers, now),
            exchange=exchange,
            secrets=tuple(filter(None, hidden)),
        )

    def _api_refusal(self, response: Response, tokens: TokenSet) -> Outcome:
        now = self._clock.now()
        said = response.json()
        error = said.get("error") if said is not None else None
        error = error if isinstance(error, dict) else {}
        return classify(
            Answer(
                self.provider,
                Where.API,
                http_status=response.status,
                reason=_text(error.get("code")) or None,
                description=_text(error.get("message")) or None,
                is_json=said is not None,
                retry_after_s=retry_after_s(response.headers, now),
                clock_off_s=clock_off_s(response.headers, now),
                secrets=(tokens.access_token, tokens.refresh_token),
            )
        )


class _Reader:
    """Asks Graph for what lies in one mailbox."""

    def __init__(self, microsoft: Microsoft, settings: ProviderSettings, tokens: TokenSet) -> None:
        self._microsoft = microsoft
        self._graph = microsoft._graph(settings)
        self._tokens = tokens

    def get(self, path: str) -> dict[str, Any] | None:
        """See `graph_inbox.Get`."""
        url = path if "://" in path else f"{self._graph}/v1.0/me/{path}"
        if not url.startswith(f"{self._graph}/"):
            raise Refused(Outcome(Cause.UNKNOWN_ANSWER, "Graph named a next page on another host."))
        response = self._ask(url)
        said = response.json()
        if response.status == 404 and _code(said) == _NOT_THERE:
            return None
        if response.status != 200 or said is None:
            raise Refused(self._microsoft._api_refusal(response, self._tokens))
        return said

    def get_raw(self, path: str) -> bytes | None:
        """See `graph_inbox.GetRaw`."""
        try:
            response = self._ask(f"{self._graph}/v1.0/me/{path}")
        except TransportFault as fault:
            if fault.fault is Fault.TOO_LARGE:
                return None
            raise
        if response.status == 404 and _code(response.json()) == _NOT_THERE:
            return None
        if response.status != 200:
            raise Refused(self._microsoft._api_refusal(response, self._tokens))
        return response.data

    def _ask(self, url: str) -> Response:
        # Without the preference an id changes when its message is moved.
        headers = {**_api_headers(self._tokens), "Prefer": 'IdType="ImmutableId"'}
        return self._microsoft._transport.request("GET", url, headers=headers)


_NOT_THERE: Final = "ErrorItemNotFound"


def _code(said: Mapping[str, Any] | None) -> str:
    error = said.get("error") if said is not None else None
    return _text(error.get("code")) if isinstance(error, dict) else ""


def _api_headers(tokens: TokenSet) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.access_token}", "Accept": "application/json"}


def _permissions(*, reading: bool = False) -> tuple[str, ...]:
    return (SEND, IDENTIFY, READ) if reading else (SEND, IDENTIFY)


def _may_read(scopes: Iterable[str]) -> bool:
    return any(scope.rpartition("/")[2].casefold() in _READING for scope in scopes)


def _may_send(scopes: Iterable[str]) -> bool:
    """Whether Mail.Send is among the granted; Graph's own are told with or without Graph's address."""
    return any(scope.rpartition("/")[2].casefold() == SEND.casefold() for scope in scopes)


def _is_issuer(issuer: str | None, authority: Any) -> bool:
    """Whether `iss`, when it came (RFC 9207), is of the authority's host: a common one names no tenant."""
    if issuer is None:
        return True
    own = (authority.authorization_endpoint, getattr(authority, "_issuer", None))
    hosts = {urlsplit(_text(one)).hostname for one in own}
    return urlsplit(issuer).hostname in hosts - {None}


def _object(claims: str | None) -> str | None:
    """A claims challenge if it is a JSON object, the only form msal can pass on."""
    try:
        return claims if claims and isinstance(json.loads(claims), dict) else None
    except ValueError:
        return None


def _with(url: str, params: Mapping[str, str] | None) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params)}" if params else url


def _after(now: datetime, seconds: object) -> datetime | None:
    """The moment so many seconds from now; None when it is no number of seconds."""
    try:
        return now + timedelta(seconds=int(seconds))  # type: ignore[call-overload,no-any-return]
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
