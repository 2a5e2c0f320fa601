"""What both OAuth stand-ins share: the kept library `oidc-provider-mock`, extended where it is too simple.

The library (built on Flask and Authlib) brings the authorize and token endpoints, the grants and the ID
token. It knows neither PKCE nor refresh rules nor scopes of our kind, keeps everything in memory, and
shows a bare form. So it is extended through its own seams: its grants are subclassed (PKCE by Authlib's
`CodeChallenge`, RFC 7636), its storage and authorization server, which it looks up in `flask.g`, are ours,
and its page template is overridden by `pages/authorization_form.html`. Its own addresses are shut; the
subclasses mount its views where the provider has them.

Common to both: authorization code with PKCE, code life 10 minutes and single use, the redirect address
repeated exactly, loopback redirects with any port (RFC 8252 §7.3), `state` echoed, `login_hint` preselected
on a consent page that names itself a sandbox, refusals that the real provider shows in the browser only.
"""

import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

# Authlib switches its own warnings on when this is imported, so it comes before they are silenced.
import authlib.deprecate  # noqa: F401
import flask
from joserfc.jwk import RSAKey
from werkzeug.wrappers import Response

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control, Door
from reply_desktop.sandbox.letters import Letters
from reply_desktop.sandbox.seal import Seal
from reply_desktop.sandbox.serve import Fate
from reply_desktop.sandbox.visits import Visits
from reply_desktop.sandbox.world import Grant, Mailbox, World

with warnings.catch_warnings():
    # The library imports parts of Authlib that Authlib wants to retire.
    warnings.simplefilter("ignore")
    import oidc_provider_mock
    from authlib.integrations.flask_oauth2 import AuthorizationServer
    from authlib.oauth2.base import OAuth2Error
    from authlib.oauth2.rfc7636 import CodeChallenge

    # The extension seams have no public name; the version is held below 0.4 in pyproject.toml.
    from oidc_provider_mock import _app as library
    from oidc_provider_mock import _storage as types

logging.getLogger("oidc_provider_mock").setLevel(logging.ERROR)

CODE_LIFE = timedelta(minutes=10)
"""Life of an authorization code at both providers."""

_MOST_SHOWN = 100

APP_NAME = "Reply Desktop"
"""The app's name on the consent pages."""

_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    # No form-action: browsers apply it to the redirect that follows, which leads to another port.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


@dataclass(frozen=True, slots=True)
class Shared:
    """What every stand-in works with."""

    world: World
    letters: Letters
    visits: Visits
    seal: Seal
    signing_key: RSAKey


class Refusal(OAuth2Error):  # type: ignore[misc]
    """An answer that ends the request: exactly this status, body and headers."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(status_code=status)
        self.status = status
        self.body = body
        self.headers = headers or {}

    def response(self) -> Response:
        """The refusal as JSON."""
        answer = flask.jsonify(self.body)
        answer.status_code = self.status
        answer.headers.update({"Cache-Control": "no-store", **self.headers})
        return answer


@dataclass(frozen=True, slots=True)
class PageRefusal:
    """A refusal the provider shows in the browser and nowhere else: the app hears nothing."""

    code: str
    status: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Permission:
    """One line of the consent page; `fixed` ones cannot be unticked."""

    scope: str
    words: str
    fixed: bool


@dataclass(frozen=True, kw_only=True)
class Code(types.AuthorizationCode):  # type: ignore[misc]
    """A code with what the library does not keep. Its challenge names are Authlib's."""

    address: str
    scopes: tuple[str, ...]
    prompt: str
    issued_at: datetime
    code_challenge: str | None = field(repr=False)
    code_challenge_method: str | None

    def get_acr(self) -> None:
        """No authentication class is told."""

    def get_amr(self) -> None:
        """No authentication method is told."""


@dataclass(frozen=True, kw_only=True)
class Refresh(types.RefreshToken):  # type: ignore[misc]
    """A refresh token with the grant it stands for."""

    grant: Grant
    mailbox: Mailbox


class App(types.Client):  # type: ignore[misc]
    """The app registration, as Authlib asks about it."""

    def __init__(
        self, client_id: str, secret: str, methods: Sequence[str], fits: Callable[[str], bool]
    ) -> None:
        super().__init__(
            id=client_id,
            secret=secret,
            redirect_uris=(),
            allowed_scopes=(),
            token_endpoint_auth_method="none",  # noqa: S106 - a method's name
        )
        object.__setattr__(self, "_methods", methods)
        object.__setattr__(self, "_fits", fits)

    def get_allowed_scope(self, scope: str | None) -> str:
        """Whatever is asked; what is granted is decided on the page."""
        return scope or ""

    def get_default_redirect_uri(self) -> None:
        """Neither provider has one."""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether the address is registered."""
        return bool(self._fits(redirect_uri))

    def check_endpoint_auth_method(self, method: str, endpoint: object) -> bool:
        """Whether the client may show who it is in this way."""
        return method in self._methods


class CodeGrant(library.AuthorizationCodeGrant):  # type: ignore[misc]
    """The library's code grant, with PKCE, sealed tokens, and the scopes ticked on the page."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["client_secret_basic", "client_secret_post", "none"]

    def save_authorization_code(self, code: str, request: Any) -> None:
        stand_in: StandIn = self.server.stand_in
        asked = request.payload.data
        mailbox = stand_in.chosen()
        assert mailbox is not None
        stand_in.codes[code] = Code(
            code=code,
            client_id=request.client.get_client_id(),
            redirect_uri=request.payload.redirect_uri,
            user_id=request.user.sub,
            scope=request.scope,
            nonce=asked.get("nonce"),
            address=mailbox.address,
            scopes=stand_in.granted(mailbox),
            prompt=asked.get("prompt", ""),
            issued_at=stand_in.world.now(),
            code_challenge=asked.get("code_challenge"),
            code_challenge_method=asked.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: Any) -> Code:
        return cast("StandIn", self.server.stand_in).open_code(code, client.get_client_id())

    def delete_authorization_code(self, authorization_code: Any) -> None:
        stand_in: StandIn = self.server.stand_in
        stand_in.codes.pop(authorization_code.code, None)
        stand_in.spent_codes.add(authorization_code.code)

    def generate_token(self, *_: Any, **__: Any) -> dict[str, Any]:
        return cast("StandIn", self.server.stand_in).redeem(self.request.authorization_code)


class RefreshGrant(library.RefreshTokenGrant):  # type: ignore[misc]
    """The library's refresh grant, with the provider's rules. Neither provider ends the old token by use."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = CodeGrant.TOKEN_ENDPOINT_AUTH_METHODS

    def authenticate_refresh_token(self, refresh_token: str) -> Refresh:
        return cast("StandIn", self.server.stand_in).open_refresh(refresh_token)

    def _validate_token_scope(self, token: Any) -> None:
        """Left to `refresh`, which knows the provider's names for scopes."""

    def issue_token(self, user: Any, refresh_token: Refresh) -> dict[str, Any]:
        return cast("StandIn", self.server.stand_in).refresh(refresh_token, self.request.payload.scope or "")

    def revoke_old_credential(self, refresh_token: Any) -> None:
        """The old one stays valid."""


class IdToken(library.OpenIDCode):  # type: ignore[misc]
    """The library's ID token, with the provider's issuer and claims and a key that survives a restart."""

    def __init__(self, stand_in: "StandIn", *, on_refresh: bool) -> None:
        super().__init__(require_nonce=False, token_max_age=timedelta(hours=1))
        self._stand_in = stand_in
        self._on_refresh = on_refresh

    def __call__(self, grant: Any) -> None:
        if self._on_refresh:
            grant.register_hook("after_create_token_response", self.process_token)
        else:
            super().__call__(grant)

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return False

    def resolve_client_private_key(self, client: Any) -> RSAKey:
        return self._stand_in.shared.signing_key

    def get_client_algorithm(self, client: Any) -> str:
        return "RS256"

    def get_encode_header(self, client: Any) -> dict[str, str]:
        return {"alg": "RS256", "typ": "JWT", "kid": self._stand_in.shared.signing_key.thumbprint()}

    def get_client_claims(self, client: Any) -> dict[str, Any]:
        return {"aud": client.get_client_id(), "azp": client.get_client_id()}

    def generate_user_info(self, user: Any, scope: str) -> dict[str, Any]:
        return self._stand_in.claims(self._stand_in.mailbox_of(user.sub), scope.split())


class Server(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server with the stand-in's registration, grants and errors."""

    def __init__(self, stand_in: "StandIn", app: flask.Flask) -> None:
        super().__init__()
        self.stand_in = stand_in
        self.init_app(app, query_client=stand_in.registration, save_token=lambda *_: None)
        challenge = CodeChallenge(required=True)
        self.register_grant(CodeGrant, [challenge, IdToken(stand_in, on_refresh=False)])
        self.register_grant(RefreshGrant, [IdToken(stand_in, on_refresh=True)])

    def handle_error_response(self, request: Any, error: OAuth2Error) -> Response:
        if isinstance(error, Refusal):
            return error.response()
        if error.redirect_uri:
            return cast("Response", super().handle_error_response(request, error))
        return self.stand_in.token_error(error).response()


class _Storage:
    """What the library's views look up, answered from the world."""

    def __init__(self, stand_in: "StandIn") -> None:
        self._stand_in = stand_in

    def get_user(self, sub: str) -> Any:
        return types.User(sub=sub, claims={})

    def get_recent_subjects(self) -> Sequence[str]:
        return ()

    def record_subject(self, sub: str) -> None:
        """Nothing is remembered."""


class StandIn(ABC):
    """One provider's servers. `base` is its http address, known once the ports are taken."""

    provider: ClassVar[Provider]
    display_name: ClassVar[str]
    can_untick: ClassVar[bool]

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.world = shared.world
        self.codes: dict[str, Code] = {}
        self.spent_codes: set[str] = set()
        self.app = flask.Flask(__name__, template_folder="pages", static_folder=None)
        wsgi_app = self.app.wsgi_app
        oidc_provider_mock.init_app(self.app)
        # The library switches Werkzeug's debugger on.
        self.app.debug = False
        self.app.wsgi_app = wsgi_app  # type: ignore[method-assign]
        self.server = Server(self, self.app)
        self._storage = _Storage(self)
        self._library_authorize = self.app.view_functions["oidc-provider-mock.authorize"]
        self._library_token = self.app.view_functions["oidc-provider-mock.issue_token"]
        self.app.before_request(self._enter)
        self.app.register_error_handler(404, self._not_found)
        self.app.context_processor(self._words)
        self.app.add_url_rule("/connections", "connections", self.connections, methods=["GET", "POST"])
        self.mount()

    @abstractmethod
    def mount(self) -> None:
        """Put the provider's addresses on the app."""

    @abstractmethod
    def issuer(self) -> str:
        """The issuer as the redirect may name it (RFC 9207)."""

    @abstractmethod
    def fits_redirect(self, uri: str) -> bool:
        """Whether the registration knows this redirect address."""

    @abstractmethod
    def auth_methods(self) -> Sequence[str]:
        """How the client may show who it is at the token endpoint."""

    @abstractmethod
    def page_refusal(self) -> PageRefusal | None:
        """What the provider would show in the browser for this request, whoever signs in."""

    @abstractmethod
    def mailbox_refusal(self, mailbox: Mailbox) -> PageRefusal | None:
        """What the provider would show in the browser when this mailbox is chosen."""

    @abstractmethod
    def permissions(self) -> list[Permission]:
        """What the request asks for, in words."""

    @abstractmethod
    def serves(self, mailbox: Mailbox) -> bool:
        """Whether this mailbox may sign in at the address that was asked."""

    @abstractmethod
    def granted(self, mailbox: Mailbox) -> tuple[str, ...]:
        """The scopes this consent gives, in the provider's own names."""

    @abstractmethod
    def denied(self) -> dict[str, str]:
        """What the redirect says when the person denies."""

    @abstractmethod
    def redeem(self, code: Code) -> dict[str, Any]:
        """The token answer for a code. Raises Refusal."""

    @abstractmethod
    def open_refresh(self, token: str) -> Refresh:
        """The refresh token, alive. Raises Refusal."""

    @abstractmethod
    def refresh(self, token: Refresh, scope: str) -> dict[str, Any]:
        """The token answer for a refresh token. Raises Refusal."""

    @abstractmethod
    def bad_code(self, *, spent: bool) -> Refusal:
        """The refusal of a code that is unknown, too old, somebody else's, or spent."""

    @abstractmethod
    def token_error(self, error: OAuth2Error) -> Refusal:
        """An error of Authlib in the provider's words."""

    @abstractmethod
    def client_refusal(self) -> Refusal | None:
        """What the token endpoint says when the app registration is not in order."""

    @abstractmethod
    def mailbox_of_refresh(self, token: str) -> Mailbox | None:
        """Whose refresh token this is, if it is one."""

    @abstractmethod
    def claims(self, mailbox: Mailbox, scopes: Sequence[str]) -> dict[str, Any]:
        """The ID token's claims about the person, with `iss`."""

    def extra_redirect(self, mailbox: Mailbox) -> dict[str, str]:
        """What else the redirect carries beside code and state."""
        return {}

    def registration(self, client_id: str) -> App | None:
        """The app registration with this id, if it is the one."""
        client = self.world.clients[self.provider]
        if client_id != client.client_id:
            return None
        return App(client.client_id, client.secret, self.auth_methods(), self.fits_redirect)

    def mailbox_of(self, subject: str) -> Mailbox:
        """The mailbox with this subject, which must exist."""
        mailbox = self.world.mailbox_of(subject, self.provider)
        assert mailbox is not None
        return mailbox

    def chosen(self) -> Mailbox | None:
        """The mailbox ticked on the page, if this is its answer and it may sign in here."""
        return self._served(self.world.mailbox_of(flask.request.form.get("sub", ""), self.provider))

    def hinted(self) -> Mailbox | None:
        """The mailbox the app asked for by `login_hint` (address or subject), if there is one."""
        hint = flask.request.args.get("login_hint", "").strip()
        found = self.world.mailbox(hint, self.provider) or self.world.mailbox_of(hint, self.provider)
        return self._served(found)

    def offered(self) -> list[Mailbox]:
        """The mailboxes the page shows: the one asked for among them, and not too many."""
        served = [each for each in self.world.mailboxes(self.provider) if self.serves(each)]
        hinted, first = self.hinted(), served[:_MOST_SHOWN]
        return first if hinted is None or hinted in first else [hinted, *first]

    def _served(self, mailbox: Mailbox | None) -> Mailbox | None:
        return mailbox if mailbox and self.serves(mailbox) else None

    def open_code(self, code: str, client_id: str) -> Code:
        """The code, if it is good for this client. Raises Refusal."""
        found = self.codes.get(code)
        late = found is not None and found.issued_at + CODE_LIFE <= self.world.now()
        if found is None or late or found.client_id != client_id:
            raise self.bad_code(spent=code in self.spent_codes)
        return found

    def token_life_s(self) -> int:
        """How long a new access token lives, in seconds."""
        short = self.world.find(Control.SHORT_TOKENS, self.provider)
        return int(short.params["seconds"]) if short else 3599

    def authorize(self, **_: str) -> Response:
        """The authorize endpoint: the consent page, and its answer."""
        return self.through(Door.PAGE, self.chosen() or self.hinted(), "authorize", self._authorize)

    def token(self, **_: str) -> Response:
        """The token endpoint."""
        form = flask.request.form
        what = form.get("grant_type", "")
        if what == "refresh_token":
            mailbox = self.mailbox_of_refresh(form.get("refresh_token", ""))
        else:
            found = self.codes.get(form.get("code", ""))
            mailbox = self.world.mailbox(found.address) if found else None
        known = what in ("authorization_code", "refresh_token")
        return self.through(Door.TOKEN, mailbox, what if known else "token", self._token)

    def connections(self) -> Response:
        """The page where people see which apps have access, and remove it."""
        address = flask.request.values.get("authuser", "")
        if flask.request.method == "POST" and self.world.mailbox(address, self.provider):
            self.world.apply(Control.REMOVE_ACCESS, address)
        shown = [
            (each, self.world.live_grants(each.address))
            for each in self.world.mailboxes(self.provider)
            if not address or each.address == address.lower()
        ]
        return self.page("connections.html", shown=shown, address=address)

    def through(
        self, door: Door, mailbox: Mailbox | None, what: str, work: Callable[[], Response]
    ) -> Response:
        """Let a request in: first what the network and the servers do to it, then its own work."""
        fate: Fate = flask.request.environ["sandbox.fate"]
        answer = self._trouble(door, mailbox)
        if answer is None:
            try:
                answer = work()
            except Refusal as refusal:
                answer = refusal.response()
            if answer.status_code < 400 and self._met(Control.LOSE_ANSWER, door, mailbox):
                fate.drop = True
        if latency := self._met(Control.LATENCY, door, mailbox):
            fate.delay_s = float(latency["ms"]) / 1000
        status = 0 if fate.drop else answer.status_code
        self.shared.visits.note(self.provider, door, mailbox.address if mailbox else None, status, what)
        return answer

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page for a person."""
        answer = flask.make_response(flask.render_template(template, **values), status)
        answer.headers.update(_PAGE_HEADERS)
        return answer

    def refused_page(self, refusal: PageRefusal) -> Response:
        """The page of a refusal the app hears nothing of."""
        return self.page("refused.html", refusal.status, refusal=refusal)

    def bearer(self) -> str:
        """The token of the Authorization header, or empty."""
        kind, _, token = flask.request.headers.get("Authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" else ""

    def _words(self) -> dict[str, Any]:
        return {"app_name": APP_NAME, "provider_name": self.display_name, **flask.g.get("consent", {})}

    def _enter(self) -> None:
        if (flask.request.endpoint or "").startswith(("oidc-provider-mock.", "oidc-client.")):
            flask.abort(404)
        flask.g.oidc_provider_mock_storage = self._storage
        flask.g._authlib_authorization_server = self.server

    def _authorize(self) -> Response:
        if refusal := self.page_refusal():
            return self.refused_page(refusal)
        form, mailbox = flask.request.form, self.chosen()
        if flask.request.method == "POST":
            if form.get("action") == "deny":
                return self._back(self.denied())
            if mailbox and (refusal := self.mailbox_refusal(mailbox)):
                return self.refused_page(refusal)
        flask.g.consent = {
            "mailboxes": self.offered(),
            "hinted": self.hinted(),
            "hint": flask.request.args.get("login_hint", ""),
            "permissions": self.permissions(),
            "can_untick": self.can_untick,
            "missing": flask.request.method == "POST" and mailbox is None,
        }
        if flask.request.method == "POST" and mailbox is None:
            return self.page("authorization_form.html", 400)
        answer = flask.make_response(self._library_authorize())
        answer.headers.update(_PAGE_HEADERS)
        if mailbox and answer.status_code == 302:
            extra = self._issuer_shown() | self.extra_redirect(mailbox)
            answer.location = _with_query(answer.location or "", extra)
        return answer

    def _token(self) -> Response:
        if refusal := self.client_refusal():
            return refusal.response()
        answer = flask.make_response(self._library_token())
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _back(self, fields: dict[str, str]) -> Response:
        state = flask.request.args.get("state")
        said = fields | ({"state": state} if state else {}) | self._issuer_shown()
        answer = flask.redirect(_with_query(flask.request.args["redirect_uri"], said))
        answer.headers.update(_PAGE_HEADERS)
        return answer

    def _issuer_shown(self) -> dict[str, str]:
        shown = self.world.find(Control.CALLBACK_ISS, self.provider)
        if shown is None:
            return {}
        return {"iss": self.issuer() if shown.params["value"] == "own" else "https://issuer.invalid"}

    def _met(self, control: Control, door: Door, mailbox: Mailbox | None) -> dict[str, Any] | None:
        found = self.world.find(control, self.provider, mailbox, door)
        return dict(found.params) if found else None

    def _trouble(self, door: Door, mailbox: Mailbox | None) -> Response | None:
        if self._met(Control.PORTAL, door, mailbox):
            return flask.make_response(flask.render_template("portal.html"))
        if trouble := self._met(Control.SERVER_TROUBLE, door, mailbox):
            status = int(trouble["status"])
            answer = flask.make_response(flask.render_template("trouble.html", status=status), status)
            if trouble["retry_after_s"]:
                answer.headers["Retry-After"] = str(trouble["retry_after_s"])
            return answer
        if throttle := self._met(Control.THROTTLE, door, mailbox):
            told = self.throttled(door).response()
            told.headers["Retry-After"] = str(throttle["retry_after_s"])
            return told
        if raw := self._met(Control.RAW_ANSWER, door, mailbox):
            return Response(str(raw["body"]), int(raw["status"]), content_type=str(raw["content_type"]))
        return None

    @abstractmethod
    def throttled(self, door: Door) -> Refusal:
        """The 429 of this door."""

    def _not_found(self, _: Exception) -> Response:
        return Response("Not found", 404, content_type="text/plain")


def loopback_redirect_fits(uri: str, registered: Sequence[str], hosts: Sequence[str]) -> bool:
    """Whether a redirect address is one of those registered, the port of a loopback address left aside."""
    try:
        asked = urlsplit(uri)
        port_free = asked.scheme == "http" and asked.hostname in hosts and asked.port is not None
    except ValueError:
        return False
    for each in map(urlsplit, registered):
        if asked == each:
            return True
        same = (asked.hostname, asked.path, asked.query) == (each.hostname, each.path, each.query)
        if port_free and each.scheme == "http" and same:
            return True
    return False


def _with_query(uri: str, fields: dict[str, str]) -> str:
    parts = urlsplit(uri)
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *fields.items()]
    return urlunsplit(parts._replace(query=urlencode(pairs)))
