"""The stand-in for Google: sign-in, tokens, identity and Gmail, over plain http on 127.0.0.1.

Addresses (the real host in brackets; sources: developers.google.com, "OAuth 2.0 for mobile & desktop apps",
"OpenID Connect", Gmail API reference):
  /o/oauth2/v2/auth [accounts.google.com]                     the consent page, with tick boxes
  /token, /revoke, /tokeninfo [oauth2.googleapis.com]
  /v1/userinfo [openidconnect.googleapis.com]
  /oauth2/v3/certs [www.googleapis.com]                       the ID token's key
  /gmail/v1/users/{userId}/messages/send [gmail.googleapis.com]
  /gmail/v1/users/{userId}/profile, /history, /messages, /messages/{id}       for reading
  /connections [myaccount.google.com]                         apps with access, and Remove access
Behaviour kept: a refresh answers without a refresh token; a code brings one on the first consent or with
prompt=consent; `scope` comes back under Google's own names (email → …/auth/userinfo.email) and short of
what was unticked; the client shows itself by HTTP Basic or in the body; a dead refresh token says
"Token has been expired or revoked.", an unknown one "Bad Request"; revoking answers 400 for a token that
is gone and ends every grant of the account for the project; access tokens die with their grant; Gmail
replaces the Message-ID and a From that is not the account's; a threadId must exist, and the message goes
there only when its References fit. Searches know `in:`, `after:` (seconds) and `rfc822msgid:`.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from email import message_from_bytes
from email.utils import parseaddr
from typing import Any, ClassVar

import flask
from werkzeug.wrappers import Response

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control, Door
from reply_desktop.sandbox.letters import Letter
from reply_desktop.sandbox.oauth import (
    Code,
    PageRefusal,
    Permission,
    Refresh,
    Refusal,
    StandIn,
    loopback_redirect_fits,
)
from reply_desktop.sandbox.sink import head_of, header_of, with_header
from reply_desktop.sandbox.world import GOOGLE_SIGN_IN_SCOPES, Grant, Mailbox, end_of_testing

_SEND = "https://www.googleapis.com/auth/gmail.send"
_MAY_SEND = frozenset(
    {
        _SEND,
        "https://mail.google.com/",
        "https://www.googleapis.com/auth/gmail.compose",
        "https://www.googleapis.com/auth/gmail.modify",
    }
)
_MAY_READ = frozenset(
    {
        "https://mail.google.com/",
        "https://www.googleapis.com/auth/gmail.readonly",
        "https://www.googleapis.com/auth/gmail.modify",
    }
)
_FULL_NAMES = {
    "email": "https://www.googleapis.com/auth/userinfo.email",
    "profile": "https://www.googleapis.com/auth/userinfo.profile",
}
_WORDS = {
    "openid": "Know who you are",
    _FULL_NAMES["email"]: "See your e-mail address",
    _FULL_NAMES["profile"]: "See your name and picture",
    _SEND: "Send e-mail on your behalf",
    "https://mail.google.com/": "Read, write, send and delete all your e-mail",
    "https://www.googleapis.com/auth/gmail.readonly": "Read your e-mail",
    "https://www.googleapis.com/auth/gmail.metadata": "See the headers of your e-mail",
    "https://www.googleapis.com/auth/gmail.modify": "Read, write and send your e-mail",
    "https://www.googleapis.com/auth/gmail.compose": "Write drafts and send e-mail",
}
_ACCESS, _REFRESH = "ya29.a0", "1//0"
_FIRST_HISTORY = 10_000
_MOST_LISTED = 500


class Google(StandIn):
    """Google's servers."""

    provider: ClassVar = Provider.GOOGLE
    display_name: ClassVar = "Google"
    can_untick: ClassVar = True
    base = ""

    def mount(self) -> None:
        rule = self.app.add_url_rule
        rule("/o/oauth2/v2/auth", "authorize", self.authorize, methods=["GET", "POST"])
        rule("/token", "token", self.token, methods=["POST"])
        rule("/revoke", "revoke", self.revoke, methods=["POST"])
        rule("/tokeninfo", "tokeninfo", self.tokeninfo, methods=["GET", "POST"])
        rule("/v1/userinfo", "userinfo", self.userinfo, methods=["GET", "POST"])
        rule("/oauth2/v3/certs", "certs", self.certs)
        box = "/gmail/v1/users/<user>"
        rule(f"{box}/messages/send", "send", self.send, methods=["POST"])
        rule(f"{box}/profile", "profile", self.profile)
        rule(f"{box}/messages", "messages", self.messages)
        rule(f"{box}/messages/<message>", "message", self.message)
        rule(f"{box}/history", "history", self.history)

    def issuer(self) -> str:
        return self.base

    def fits_redirect(self, uri: str) -> bool:
        hosts = ("127.0.0.1", "localhost", "::1")
        if only := self.world.find(Control.REDIRECTS, self.provider):
            return loopback_redirect_fits(uri, only.params["uris"], hosts)
        # A desktop client registers nothing: any loopback address with any port and path will do.
        return uri.startswith(("http://127.0.0.1:", "http://[::1]:", "http://localhost:"))

    def auth_methods(self) -> Sequence[str]:
        return ("client_secret_basic", "client_secret_post")

    def page_refusal(self) -> PageRefusal | None:
        asked = flask.request.args
        client_id = self.world.clients[self.provider].client_id
        if self.world.find(Control.CLIENT_DELETED, self.provider):
            return PageRefusal("deleted_client", 401, "Access blocked", "The OAuth client was deleted.")
        if asked.get("client_id") != client_id or self.world.find(Control.INVALID_CLIENT, self.provider):
            return PageRefusal("invalid_client", 401, "Access blocked", "The OAuth client was not found.")
        if not self.fits_redirect(asked.get("redirect_uri", "")):
            return PageRefusal(
                "redirect_uri_mismatch",
                400,
                "Access blocked: this app's request is invalid",
                "The redirect address in the request is not registered for the app.",
            )
        if self.world.find(Control.ORG_INTERNAL, self.provider):
            return PageRefusal(
                "org_internal",
                403,
                "Access blocked: the app can only be used within its organisation",
                "Only accounts of the organisation that owns the app may sign in.",
            )
        if asked.get("response_type") != "code" or not asked.get("scope"):
            return PageRefusal(
                "invalid_request",
                400,
                "Access blocked: authorisation error",
                "Required parameter is missing: "
                + ("scope" if asked.get("response_type") else "response_type"),
            )
        return None

    def mailbox_refusal(self, mailbox: Mailbox) -> PageRefusal | None:
        if self.world.find(Control.ACCOUNT_DISABLED, self.provider, mailbox):
            return PageRefusal(
                "account_disabled",
                403,
                "Account disabled",
                f"The account {mailbox.address} has been disabled.",
            )
        if self.world.find(Control.ADMIN_BLOCK, self.provider, mailbox):
            return PageRefusal(
                "admin_policy_enforced",
                400,
                "Access blocked: your organisation's policy",
                "Access to your account data is restricted by policies within your organisation. "
                "Ask your administrator.",
            )
        if self.world.find(Control.NOT_TEST_USER, self.provider, mailbox):
            return PageRefusal(
                "access_denied",
                403,
                "Access blocked: the app is being tested",
                "The app has not been verified, and only testers approved by its developer may use it.",
            )
        return None

    def permissions(self) -> list[Permission]:
        return [
            Permission(scope, _WORDS.get(scope, scope), scope in GOOGLE_SIGN_IN_SCOPES)
            for scope in self._asked()
        ]

    def serves(self, mailbox: Mailbox) -> bool:
        return mailbox.provider is self.provider

    def granted(self, mailbox: Mailbox) -> tuple[str, ...]:
        ticked = set(flask.request.form.getlist("granted")) | GOOGLE_SIGN_IN_SCOPES
        if less := self.world.find(Control.WITHHOLD_SCOPE, self.provider, mailbox):
            ticked -= set(less.params["scopes"]) or _MAY_SEND
        return tuple(scope for scope in self._asked() if scope in ticked)

    def denied(self) -> dict[str, str]:
        return {"error": "access_denied"}

    def extra_redirect(self, mailbox: Mailbox) -> dict[str, str]:
        scopes = " ".join(self.granted(mailbox))
        return {"scope": scopes, "authuser": "0", "prompt": flask.request.args.get("prompt") or "consent"}

    def redeem(self, code: Code) -> dict[str, Any]:
        mailbox = self.world.mailbox(code.address)
        assert mailbox is not None
        self._check_mailbox(mailbox)
        first = not self.world.live_grants(mailbox.address, code.client_id)
        refreshable = first or "consent" in code.prompt.split()
        testing = self.world.find(Control.TESTING_MODE, self.provider)
        ends_at = testing and end_of_testing(self.world.now(), float(testing.params["seconds"]), code.scopes)
        grant = self.world.add_grant(
            mailbox, code.client_id, code.scopes, refreshable=refreshable, ends_at=ends_at or None
        )
        answer = self._tokens(grant)
        if refreshable:
            answer["refresh_token"] = self.shared.seal.write(_REFRESH, {"g": grant.id}, 104)
        return answer

    def open_refresh(self, token: str) -> Refresh:
        grant = self._grant_in(_REFRESH, token)
        mailbox = self.world.mailbox(grant.address) if grant else None
        if grant is None or mailbox is None:
            raise _refusal("invalid_grant", "Bad Request")
        if grant.end or (grant.ends_at and grant.ends_at <= self.world.now()):
            raise _refusal("invalid_grant", "Token has been expired or revoked.")
        self._check_mailbox(mailbox)
        policy = self.world.find(Control.SESSION_CONTROL, self.provider, mailbox, strike=False)
        if policy and grant.consented_at < policy.since:
            raise _refusal(
                "invalid_grant",
                "reauth related error (invalid_rapt)",
                error_uri="https://support.google.com/a/answer/9368756",
                error_subtype="invalid_rapt",
            )
        return Refresh(
            token=token,
            user_id=mailbox.subject,
            scope=" ".join(grant.scopes),
            expires_at=self.world.now(),
            client_id=grant.client_id,
            access_token="",
            grant=grant,
            mailbox=mailbox,
        )

    def refresh(self, token: Refresh, scope: str) -> dict[str, Any]:
        wanted = {_FULL_NAMES.get(each, each) for each in scope.split()}
        if not wanted <= set(token.grant.scopes):
            raise _refusal("invalid_scope", "Some requested scopes were not granted.")
        return self._tokens(token.grant)

    def bad_code(self, *, spent: bool) -> Refusal:
        return _refusal("invalid_grant", "Bad Request" if spent else "Malformed auth code.")

    def token_error(self, error: Any) -> Refusal:
        text = str(error.description or "")
        match error.error:
            case "invalid_client" if "not exist" in text:
                return _refusal("invalid_client", "The OAuth client was not found.", status=401)
            case "invalid_client" if not self._shows_secret():
                return _refusal("invalid_request", "client_secret is missing.")
            case "invalid_client":
                return _refusal("invalid_client", "The provided client secret is invalid.", status=401)
            case "invalid_grant" if "redirect_uri" in text:
                return _refusal("redirect_uri_mismatch", "Bad Request")
            case "invalid_grant" if "challenge" in text:
                return _refusal("invalid_grant", "Invalid code verifier.")
            case "invalid_request" if "code_verifier" in text:
                return _refusal("invalid_grant", "Missing code verifier.")
            case "invalid_grant":
                return _refusal("unauthorized_client", "Unauthorized")
            case "unsupported_grant_type":
                return _refusal("unsupported_grant_type", "Invalid grant_type: see the reference.")
        return _refusal(str(error.error), text or "Bad Request")

    def client_refusal(self) -> Refusal | None:
        if self.world.find(Control.CLIENT_DELETED, self.provider):
            return _refusal("deleted_client", "The OAuth client was deleted.", status=401)
        if self.world.find(Control.INVALID_CLIENT, self.provider):
            return _refusal("invalid_client", "The provided client secret is invalid.", status=401)
        return None

    def mailbox_of_refresh(self, token: str) -> Mailbox | None:
        grant = self._grant_in(_REFRESH, token)
        return self.world.mailbox(grant.address) if grant else None

    def claims(self, mailbox: Mailbox, scopes: Sequence[str]) -> dict[str, Any]:
        return {"iss": self.base, **_identity(mailbox, scopes), "hd": mailbox.domain}

    def throttled(self, door: Door) -> Refusal:
        if door is Door.API:
            return _api_refusal(
                429, "RESOURCE_EXHAUSTED", "rateLimitExceeded", "Too many concurrent requests."
            )
        return _refusal("rate_limit_exceeded", "Rate Limit Exceeded", status=429)

    def revoke(self) -> Response:
        """POST /revoke: ends every grant of the token's account for the project."""
        token = flask.request.values.get("token", "")
        grant = self._grant_in(_REFRESH, token) or self._access(token)[0]
        mailbox = self.world.mailbox(grant.address) if grant else None

        def work() -> Response:
            if grant is None or mailbox is None or grant.end:
                raise _refusal("invalid_token", "Token expired or revoked")
            self.world.apply(Control.REMOVE_ACCESS, mailbox.address)
            return flask.jsonify({})

        return self.through(Door.TOKEN, mailbox, "revoke", work)

    def tokeninfo(self) -> Response:
        """GET /tokeninfo?access_token=: the scopes really granted, and how long it still lives."""
        grant, expires = self._access(flask.request.values.get("access_token", ""))
        mailbox = self.world.mailbox(grant.address) if grant else None

        def work() -> Response:
            if grant is None or mailbox is None or grant.end:
                raise _refusal("invalid_token", "Invalid Value")
            left = int(expires - self.world.now().timestamp())
            body = {"azp": grant.client_id, "aud": grant.client_id, "sub": mailbox.subject}
            body |= {"scope": " ".join(grant.scopes), "exp": str(int(expires)), "expires_in": str(left)}
            if _FULL_NAMES["email"] in grant.scopes:
                body |= {"email": mailbox.address, "email_verified": "true"}
            return flask.jsonify(body | {"access_type": "offline"})

        return self.through(Door.TOKEN, mailbox, "tokeninfo", work)

    def userinfo(self) -> Response:
        """GET /v1/userinfo: who it is."""
        grant, _ = self._access(self.bearer())
        mailbox = self.world.mailbox(grant.address) if grant else None

        def work() -> Response:
            if grant is None or mailbox is None or grant.end:
                raise Refusal(
                    401,
                    {"error": "invalid_request", "error_description": "Invalid Credentials"},
                    {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'},
                )
            return flask.jsonify(_identity(mailbox, grant.scopes))

        return self.through(Door.API, mailbox, "userinfo", work)

    def certs(self) -> Response:
        """GET /oauth2/v3/certs: the public half of the ID token's key."""
        key = self.shared.signing_key
        return flask.jsonify(
            {"keys": [{**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig"}]}
        )

    def send(self, user: str) -> Response:
        """POST messages.send with `raw` (base64url): 200 with the ids; Message-ID is rewritten."""
        return self._gmail("gmail send", user, _MAY_SEND, self._send)

    def profile(self, user: str) -> Response:
        """GET getProfile: the address, and where the mailbox's history ends."""
        return self._gmail(
            "gmail profile",
            user,
            _MAY_READ,
            lambda mailbox: flask.jsonify({"emailAddress": mailbox.address, "historyId": self._history_id()}),
        )

    def messages(self, user: str) -> Response:
        """GET messages.list with `q`: ids and threads, newest first."""
        return self._gmail("gmail list", user, _MAY_READ, self._list)

    def message(self, user: str, message: str) -> Response:
        """GET messages.get with format=metadata or raw."""
        return self._gmail("gmail get", user, _MAY_READ, lambda mailbox: self._get(mailbox, message))

    def history(self, user: str) -> Response:
        """GET history.list: what came into the inbox after `startHistoryId`."""
        return self._gmail("gmail history", user, _MAY_READ, self._history)

    def _gmail(
        self, what: str, user: str, needed: frozenset[str], work: Callable[[Mailbox], Response]
    ) -> Response:
        grant, _ = self._access(self.bearer())
        mailbox = self.world.mailbox(grant.address) if grant else None

        def checked() -> Response:
            return work(self._entered(user, grant, mailbox, needed))

        return self.through(Door.API, mailbox, what, checked)

    def _entered(
        self, user: str, grant: Grant | None, mailbox: Mailbox | None, needed: frozenset[str]
    ) -> Mailbox:
        """The mailbox, for somebody who may do this. Raises Refusal for all others."""
        if grant is None or mailbox is None or grant.end:
            raise _api_refusal(
                401,
                "UNAUTHENTICATED",
                "authError",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie "
                "or other valid authentication credential.",
            )
        if self.world.find(Control.API_OFF, self.provider):
            raise _api_refusal(
                403,
                "PERMISSION_DENIED",
                "accessNotConfigured",
                "Gmail API has not been used in this project before or it is disabled.",
                "SERVICE_DISABLED",
            )
        if not needed & set(grant.scopes):
            raise _api_refusal(
                403,
                "PERMISSION_DENIED",
                "insufficientPermissions",
                "Request had insufficient authentication scopes.",
                "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            )
        if user not in ("me", mailbox.address):
            raise _api_refusal(
                403, "PERMISSION_DENIED", "forbidden", f"Delegation denied for {mailbox.address}"
            )
        if self.world.find(Control.RATE_LIMIT, self.provider, mailbox, Door.API):
            raise _api_refusal(403, "PERMISSION_DENIED", "rateLimitExceeded", "Rate Limit Exceeded")
        if self.world.find(Control.MAIL_OFF, self.provider, mailbox) or self.world.find(
            Control.ACCOUNT_DISABLED, self.provider, mailbox
        ):
            raise _api_refusal(400, "FAILED_PRECONDITION", "failedPrecondition", "Mail service not enabled")
        return mailbox

    def _send(self, mailbox: Mailbox) -> Response:
        if limit := self.world.find(Control.SENDING_LIMIT, self.provider, mailbox):
            free_at = self.world.now() + timedelta(seconds=float(limit.params["retry_after_s"]))
            raise _api_refusal(
                429,
                "RESOURCE_EXHAUSTED",
                "rateLimitExceeded",
                f"User-rate limit exceeded.  Retry after {free_at:%Y-%m-%dT%H:%M:%S}.000Z",
            )
        asked = flask.request.get_json(silent=True)
        raw = _raw_of(asked)
        if raw is None or not header_of(raw, "To"):
            raise _api_refusal(400, "INVALID_ARGUMENT", "invalidArgument", "Recipient address required")
        wanted = asked.get("threadId") if isinstance(asked, dict) else None
        if wanted is not None and not self.shared.letters.knows_thread(mailbox.address, str(wanted)):
            raise _not_found()
        delivered = _as_gmail_delivers(raw, mailbox)
        letter = self.shared.letters.send(mailbox.address, "gmail", delivered, thread=wanted)
        return flask.jsonify({**_named(letter), "labelIds": ["SENT"]})

    def _list(self, mailbox: Mailbox) -> Response:
        asked = flask.request.args
        found = self._found(mailbox, asked.get("q", ""))
        start = _number(asked.get("pageToken"), 0)
        end = start + max(1, min(_number(asked.get("maxResults"), 100), _MOST_LISTED))
        body: dict[str, Any] = {"resultSizeEstimate": len(found)}
        if page := [_named(letter) for letter in found[start:end]]:
            body["messages"] = page
        if end < len(found):
            body["nextPageToken"] = str(end)
        return flask.jsonify(body)

    def _found(self, mailbox: Mailbox, query: str) -> list[Letter]:
        """What fits a search, newest first."""
        letters = self.shared.letters
        found = [letter for sent in (True, False) for letter in letters.of(mailbox.address, sent=sent)]
        for term in query.split():
            name, _, value = term.partition(":")
            match name:
                case "in" if value in ("inbox", "sent"):
                    found = [letter for letter in found if letter.sent is (value == "sent")]
                case "after" if value.isdecimal():
                    found = [letter for letter in found if letter.mail.at.timestamp() > int(value)]
                case "rfc822msgid":
                    found = [letter for letter in found if letter.mail.message_id.strip("<>") == value]
                case _:
                    raise _api_refusal(
                        400, "INVALID_ARGUMENT", "invalidArgument", f"The sandbox cannot search for {term}"
                    )
        return sorted(found, key=lambda letter: (letter.mail.at, letter.mail.id), reverse=True)

    def _get(self, mailbox: Mailbox, message: str) -> Response:
        letter = self._letter(mailbox, message)
        raw = self.shared.letters.raw(letter)
        label = "SENT" if letter.sent else "INBOX"
        body = {**_named(letter), "labelIds": [label], "sizeEstimate": len(raw)}
        body["internalDate"] = str(int(letter.mail.at.timestamp() * 1000))
        body["historyId"] = str(_FIRST_HISTORY + letter.mail.id)
        match flask.request.args.get("format"):
            case "raw":
                body["raw"] = base64.urlsafe_b64encode(raw).decode().rstrip("=")
            case "metadata":
                wanted = {name.lower() for name in flask.request.args.getlist("metadataHeaders")}
                pairs = message_from_bytes(head_of(raw)).items()
                told = [
                    {"name": name, "value": str(value)} for name, value in pairs if name.lower() in wanted
                ]
                body["payload"] = {"headers": told}
            case _:
                raise _api_refusal(
                    400, "INVALID_ARGUMENT", "invalidArgument", "The sandbox knows only metadata and raw"
                )
        return flask.jsonify(body)

    def _history(self, mailbox: Mailbox) -> Response:
        asked = flask.request.args
        start = _number(asked.get("startHistoryId"), -1)
        if not _FIRST_HISTORY <= start <= int(self._history_id()):
            raise _not_found()
        came = self.shared.letters.of(mailbox.address, sent=False, after=start - _FIRST_HISTORY)
        page, size = _number(asked.get("pageToken"), 0), _number(asked.get("maxResults"), 100)
        body: dict[str, Any] = {"historyId": self._history_id()}
        if records := [_record(letter) for letter in came[page : page + size]]:
            body["history"] = records
        if page + size < len(came):
            body["nextPageToken"] = str(page + size)
        return flask.jsonify(body)

    def _history_id(self) -> str:
        return str(_FIRST_HISTORY + self.shared.letters.last_received)

    def _letter(self, mailbox: Mailbox, message: str) -> Letter:
        found = re.fullmatch(r"([12])([0-9a-f]{15})", message)
        letter = found and self.shared.letters.find(
            mailbox.address, int(found[2], 16), sent=found[1] == _SENT_ID
        )
        if letter is None:
            raise _not_found()
        return letter

    def _asked(self) -> list[str]:
        scopes = flask.request.args.get("scope", "").split()
        return list(dict.fromkeys(_FULL_NAMES.get(each, each) for each in scopes))

    def _check_mailbox(self, mailbox: Mailbox) -> None:
        if self.world.find(Control.ACCOUNT_DISABLED, self.provider, mailbox):
            raise _refusal("invalid_grant", "The account has been disabled.")
        if self.world.find(Control.ADMIN_BLOCK, self.provider, mailbox):
            raise _refusal(
                "admin_policy_enforced",
                "Access to your account data is restricted by policies within your organization. "
                "Please contact the administrator of your organization for more information.",
            )

    def _tokens(self, grant: Grant) -> dict[str, Any]:
        life = self.token_life_s()
        expires = self.world.now().timestamp() + life
        answer: dict[str, Any] = {
            "access_token": self.shared.seal.write(_ACCESS, {"g": grant.id, "x": expires}, 218),
            "expires_in": life,
            "scope": " ".join(grant.scopes),
            "token_type": "Bearer",
        }
        if grant.ends_at:
            left = (grant.ends_at - self.world.now()).total_seconds()
            answer["refresh_token_expires_in"] = max(0, int(left))
        return answer

    def _grant_in(self, prefix: str, token: str) -> Grant | None:
        note = self.shared.seal.read(prefix, token)
        return self.world.grant(note["g"]) if note else None

    def _access(self, token: str) -> tuple[Grant | None, float]:
        note = self.shared.seal.read(_ACCESS, token)
        if note is None or note["x"] <= self.world.now().timestamp():
            return None, 0.0
        return self.world.grant(note["g"]), float(note["x"])

    def _shows_secret(self) -> bool:
        return "Authorization" in flask.request.headers or "client_secret" in flask.request.form


def _refusal(error: str, description: str, *, status: int = 400, **more: str) -> Refusal:
    return Refusal(status, {"error": error, "error_description": description, **more})


def _api_refusal(status: int, state: str, reason: str, message: str, info: str = "") -> Refusal:
    """A Google API error in its present shape (cloud.google.com/apis/design/errors)."""
    domain = "usageLimits" if "ateLimit" in reason or reason == "accessNotConfigured" else "global"
    error: dict[str, Any] = {
        "code": status,
        "message": message,
        "errors": [{"message": message, "domain": domain, "reason": reason}],
        "status": state,
    }
    if info:
        error["details"] = [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": info,
                "domain": "googleapis.com",
                "metadata": {"service": "gmail.googleapis.com"},
            }
        ]
    headers = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'} if status == 401 else None
    return Refusal(status, {"error": error}, headers)


def _identity(mailbox: Mailbox, scopes: Sequence[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"sub": mailbox.subject}
    if _FULL_NAMES["profile"] in scopes:
        told |= {"name": mailbox.name, "given_name": mailbox.name.split()[0]}
    if _FULL_NAMES["email"] in scopes:
        told |= {"email": mailbox.address, "email_verified": True}
    return told


_SENT_ID, _INBOX_ID = "1", "2"


def _named(letter: Letter) -> dict[str, Any]:
    """Gmail's names of a message and its thread: 16 hexadecimal digits each."""
    kind = _SENT_ID if letter.sent else _INBOX_ID
    return {"id": f"{kind}{letter.mail.id:015x}", "threadId": letter.mail.thread}


def _record(letter: Letter) -> dict[str, Any]:
    named = {**_named(letter), "labelIds": ["INBOX", "UNREAD"]}
    added = [{"message": named}]
    return {"id": str(_FIRST_HISTORY + letter.mail.id), "messages": [_named(letter)], "messagesAdded": added}


def _not_found() -> Refusal:
    return _api_refusal(404, "NOT_FOUND", "notFound", "Requested entity was not found.")


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() else otherwise


def _raw_of(body: Any) -> bytes | None:
    raw = body.get("raw") if isinstance(body, dict) else None
    if not isinstance(raw, str):
        return None
    try:
        return base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
    except (ValueError, binascii.Error):
        return None


def _as_gmail_delivers(raw: bytes, mailbox: Mailbox) -> bytes:
    own = header_of(raw, "Message-ID")
    raw = with_header(raw, "Message-ID", f"<CA+{secrets.token_urlsafe(30)}@mail.gmail.com>")
    if own:
        raw = with_header(raw, "X-Gmail-Original-Message-ID", own)
    sender = header_of(raw, "From")
    if parseaddr(sender)[1].lower() != mailbox.address:
        raw = with_header(raw, "From", f"{mailbox.name} <{mailbox.address}>")
        raw = with_header(raw, "X-Google-Original-From", sender) if sender else raw
    return raw
