"""Google: the sign-in, the proof, the sending and reading; one test for each trap of its libraries."""

import base64
import hashlib
import json
import logging
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from reply_desktop.adapters.http import Transport, TransportFault
from reply_desktop.adapters.providers.google import READ_SCOPE, SCOPES, SEND_SCOPE, Google
from reply_desktop.config import Endpoints
from reply_desktop.domain.answers import Fault
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput, NotConfigured, VaultLocked
from reply_desktop.domain.grant import Password, TokenSet
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import OutcomeKind
from reply_desktop.services.ports import ConsentRequest, ProviderSettings, Redeemed, SendResult, SentSearch
from tests.adapters.providers.parts import RecordingTransport, account, id_token, ok, query, tokens
from tests.fakes.clock import START, FakeClock
from tests.harness.web import Reply, Request, Serve, WebServer, free_port, hang_up, page, said

CLIENT = "881234567890-abc.apps.googleusercontent.com"
SECRET = "GOCSPX-very-secret"
ANA = account(Provider.GOOGLE)
READER = replace(ANA, scopes=(SEND_SCOPE, READ_SCOPE))
ISSUED = " ".join(("openid", "https://www.googleapis.com/auth/userinfo.email", SEND_SCOPE))
MIME = b"From: ana@example.com\r\nTo: bo@example.com\r\nSubject: Hi\r\n\r\nHello"


def fresh_tokens(**more: object) -> dict[str, object]:
    return {
        "access_token": "ya29.new-secret",
        "expires_in": 3599,
        "scope": ISSUED,
        "token_type": "Bearer",
        **more,
    }


class World:
    """Google on this computer, answering as the test says."""

    def __init__(self, serve: Serve, transport: Transport, clock: FakeClock, tls: ssl.SSLContext) -> None:
        self.token: Callable[[Request], Reply] = lambda _: said(fresh_tokens())
        self.send: Callable[[Request], Reply] = lambda _: said({"id": "18f", "threadId": "18f"})
        self.mailbox: Callable[[Request], Reply] = lambda _: said({})
        self.revoke: Callable[[Request], Reply] = lambda _: said({})
        self.userinfo: Callable[[Request], Reply] = lambda _: said(
            {"sub": "1077", "email": "ana@example.com"}
        )
        self.server: WebServer = serve(self._answer, tls)
        self.server.clock = clock.now
        url = self.server.url
        self.settings = ProviderSettings(CLIENT, SECRET, auth_uri=f"{url}/auth", token_uri=f"{url}/token")
        self.endpoints = Endpoints(
            google_revoke_uri=f"{url}/revoke", google_userinfo_uri=f"{url}/userinfo", gmail_url=url
        )
        self.clock = clock
        self.transport = transport
        self.google = self.adapter()

    def adapter(self, transport: Transport | None = None) -> Google:
        return Google(transport or self.transport, self.endpoints, lambda _: self.settings, self.clock)

    def _answer(self, request: Request) -> Reply:
        path = urlsplit(request.path).path
        doors = {
            "/token": self.token,
            "/revoke": self.revoke,
            "/userinfo": self.userinfo,
            "/gmail/v1/users/me/messages/send": self.send,
        }
        if path not in doors and path.startswith("/gmail/v1/users/me/"):
            return self.mailbox(request)
        return doors[path](request) if path in doors else Reply(404)

    def probe(self, held: TokenSet | None = None, *, fresh: bool = False) -> Outcome:
        return self.google.probe(ANA, held or tokens(), fresh=fresh).outcome

    def sign_in(self, **came: str) -> Redeemed:
        request = self.google.begin("http://127.0.0.1:4711/google", "ana@example.com")
        return self.google.redeem(request, {"state": request.state, "code": "4/one-time", **came})


@pytest.fixture
def world(serve: Serve, transport: Transport, clock: FakeClock, tls: ssl.SSLContext) -> World:
    return World(serve, transport, clock, tls)


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    for secret in ("secret", "4/one-time", "ya29", "code_verifier"):
        assert secret not in caplog.text


# The sign-in link
def test_the_link_asks_for_the_least_and_hints_the_account(world: World) -> None:
    request = world.google.begin("http://127.0.0.1:4711/google", "ana@example.com")
    asked = query(request.url)
    assert request.url.startswith(f"{world.server.url}/auth?")
    assert asked["client_id"] == CLIENT
    assert asked["response_type"] == "code"
    assert asked["scope"].split() == list(SCOPES)
    assert asked["redirect_uri"] == "http://127.0.0.1:4711/google" == request.redirect_uri
    assert asked["prompt"] == "consent" and asked["access_type"] == "offline"
    assert asked["login_hint"] == "ana@example.com"
    assert asked["state"] == request.state and len(request.state) >= 32
    assert "client_secret" not in asked and SECRET not in request.url
    assert not {"state", "flow", "url"} & set(repr(request).split("="))
    assert world.server.requests == []


def test_reading_is_asked_for_only_when_wanted(world: World) -> None:
    request = world.google.begin("http://127.0.0.1:4711/google", None, reading=True)
    assert query(request.url)["scope"].split() == [*SCOPES, READ_SCOPE]
    body = fresh_tokens(refresh_token="1//new-secret", id_token=id_token(sub="1", email="a@b.c", aud=CLIENT))
    del body["scope"]
    world.token = lambda _: said(body)
    redeemed = world.google.redeem(request, {"state": request.state, "code": "4/one-time"})
    assert redeemed.tokens is not None and set(redeemed.tokens.scopes) == {*SCOPES, READ_SCOPE}


def test_a_sign_in_without_the_permission_to_read_is_one_all_the_same(world: World) -> None:
    request = world.google.begin("http://127.0.0.1:4711/google", None, reading=True)
    owner = id_token(sub="1", email="a@b.c", aud=CLIENT)
    world.token = lambda _: said(fresh_tokens(refresh_token="1//new-secret", id_token=owner))
    redeemed = world.google.redeem(request, {"state": request.state, "code": "4/one-time"})
    assert redeemed.outcome is PROVEN and redeemed.tokens is not None
    assert not world.google.may_read(replace(ANA, scopes=redeemed.tokens.scopes))


@pytest.mark.parametrize(
    ("scope", "reads"),
    [
        (READ_SCOPE, True),
        ("https://www.googleapis.com/auth/gmail.modify", True),
        ("https://mail.google.com/", True),
        ("https://www.googleapis.com/auth/gmail.metadata", False),
        (SEND_SCOPE, False),
    ],
)
def test_which_permissions_let_us_read(world: World, scope: str, reads: bool) -> None:
    assert world.google.may_read(replace(ANA, scopes=(scope, "openid"))) is reads


def test_pkce_is_s256_and_fresh_for_each_attempt(world: World) -> None:
    owner = id_token(sub="1", email="a@b.c", aud=CLIENT)
    world.token = lambda _: said(fresh_tokens(refresh_token="1//new-secret", id_token=owner))
    challenges, states = [], []
    for _ in range(2):
        request = world.google.begin("http://127.0.0.1:4711/google", None)
        asked = query(request.url)
        assert asked["code_challenge_method"] == "S256" and "login_hint" not in asked
        world.google.redeem(request, {"state": request.state, "code": "4/one-time"})
        challenges.append(asked["code_challenge"])
        states.append(request.state)
    assert len(set(challenges)) == len(set(states)) == 2
    for sent, challenge in zip(world.server.requests, challenges, strict=True):
        verifier = sent.form["code_verifier"]
        assert 43 <= len(verifier) <= 128
        digest = hashlib.sha256(verifier.encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == challenge


def test_the_link_is_neither_printed_nor_logged(
    world: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """google-auth-oauthlib's own flow does both."""
    request = world.google.begin("http://127.0.0.1:4711/google", "ana@example.com")
    world.google.redeem(request, {"state": request.state, "code": "4/one-time"})
    said = caplog.text + "".join(capfd.readouterr())
    assert request.state not in said and "code_challenge" not in said


def test_without_a_client_id_there_is_no_link(world: World) -> None:
    google = Google(world.transport, world.endpoints, lambda _: None, world.clock)
    with pytest.raises(NotConfigured, match="no client ID for Google"):
        google.begin("http://127.0.0.1:1/google", None)
    assert google.probe(ANA, tokens()).outcome.cause is Cause.APP_NOT_CONFIGURED
    assert google.test_client().cause is Cause.APP_NOT_CONFIGURED


def test_a_locked_vault_passes_through(world: World) -> None:
    def locked(provider: Provider) -> ProviderSettings | None:
        raise VaultLocked("The keyring is locked.")

    google = Google(world.transport, world.endpoints, locked, world.clock)
    with pytest.raises(VaultLocked):
        google.probe(ANA, tokens())
    with pytest.raises(VaultLocked):
        google.begin("http://127.0.0.1:1/google", None)


def test_a_plain_http_stand_in_needs_no_process_wide_variable(
    serve: Serve, world: World, transport: Transport, clock: FakeClock
) -> None:
    server = serve(lambda _: said(fresh_tokens(refresh_token="1//new-secret", id_token=id_token(
        sub="1", email="ana@example.com", aud=CLIENT))))  # fmt: skip
    settings = replace(world.settings, auth_uri=f"{server.url}/auth", token_uri=f"{server.url}/token")
    google = Google(transport, world.endpoints, lambda _: settings, clock)
    request = google.begin("http://127.0.0.1:4711/google", None)
    assert request.url.startswith(f"{server.url}/auth?")
    redeemed = google.redeem(request, {"state": request.state, "code": "4/one-time"})
    assert redeemed.outcome is PROVEN
    assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ
    assert "OAUTHLIB_RELAX_TOKEN_SCOPE" not in os.environ


def test_insecure_endpoint_is_refused(world: World) -> None:
    world.settings = replace(
        world.settings, auth_uri="http://accounts.example.com/auth", token_uri="http://example.com/token"
    )
    with pytest.raises(InvalidInput, match="not https"):
        world.google.begin("http://127.0.0.1:1/google", None)
    assert world.probe().cause is Cause.APP_MISCONFIGURED
    assert world.google.test_client().cause is Cause.APP_MISCONFIGURED


# The code
def test_a_code_becomes_a_grant_with_its_owner(world: World) -> None:
    world.token = lambda _: said(
        fresh_tokens(
            refresh_token="1//new-secret",
            id_token=id_token(sub="1077", email="Ana@Example.com", aud=CLIENT, hd="example.com", name="Ana"),
        )
    )
    redeemed = world.sign_in()
    assert redeemed.outcome is PROVEN and redeemed.tokens and redeemed.identity
    assert redeemed.tokens.refresh_token == "1//new-secret"
    assert redeemed.tokens.access_token == "ya29.new-secret"
    assert redeemed.tokens.expires_at == START + timedelta(seconds=3599)
    assert redeemed.tokens.issued_at == START
    assert redeemed.tokens.refresh_expires_at is None
    assert redeemed.tokens.client_id == CLIENT
    assert SEND_SCOPE in redeemed.tokens.scopes
    assert (redeemed.identity.subject, redeemed.identity.address) == ("1077", "Ana@Example.com")
    assert (redeemed.identity.tenant, redeemed.identity.name) == ("example.com", "Ana")
    sent = world.server.requests[0].form
    assert sent["grant_type"] == "authorization_code" and sent["code"] == "4/one-time"
    assert sent["redirect_uri"] == "http://127.0.0.1:4711/google"
    assert sent["client_id"] == CLIENT and sent["client_secret"] == SECRET
    assert len(world.server.requests) == 1
    assert "secret" not in repr(redeemed)


def test_scope_warning_does_not_lose_the_tokens(world: World) -> None:
    """oauthlib raises a Warning, with the tokens in it, when the scopes differ from those asked for."""
    world.token = lambda _: said(
        fresh_tokens(
            refresh_token="1//new-secret",
            scope=f"{ISSUED} https://www.googleapis.com/auth/userinfo.profile",
            id_token=id_token(sub="1", email="ana@example.com", aud=CLIENT),
        )
    )
    redeemed = world.sign_in()
    assert redeemed.tokens is not None and redeemed.tokens.refresh_token == "1//new-secret"


def test_client_secret_missing_is_no_key_error(world: World) -> None:
    """google-auth-oauthlib fails with a KeyError at the exchange."""
    world.settings = replace(world.settings, client_secret="")
    world.token = lambda _: said(fresh_tokens(refresh_token="1//new-secret"))
    assert world.sign_in().outcome is PROVEN
    assert "client_secret" not in world.server.requests[0].form


def test_client_and_secret_go_in_the_body_not_in_a_basic_header(world: World) -> None:
    """requests-oauthlib sends them as HTTP Basic."""
    world.sign_in()
    assert "authorization" not in world.server.requests[0].headers
    assert world.server.requests[0].form["client_secret"] == SECRET


def test_the_exchange_has_a_timeout(world: World, ca_file: str) -> None:
    """fetch_token waits for ever by default."""
    done = threading.Event()

    def silent(_: object) -> None:
        done.wait(20)

    world.token = lambda _: Reply(raw=silent)
    world.transport = Transport(ca_file, read_timeout_s=0.3)
    world.google = world.adapter()
    assert world.sign_in().outcome.cause is Cause.UNREACHABLE
    done.set()
    world.transport.close()


def test_an_unticked_permission_stores_nothing(world: World) -> None:
    world.token = lambda _: said(fresh_tokens(refresh_token="1//new-secret", scope="openid email"))
    assert world.sign_in() == Redeemed(Outcome(Cause.SCOPE_MISSING))
    assert len(world.server.requests) == 1, "and nothing is revoked: that would end other grants too"


def test_a_scope_left_out_means_what_was_asked_for(world: World) -> None:
    def answer(_: Request) -> Reply:
        body = fresh_tokens(
            refresh_token="1//new-secret", id_token=id_token(sub="1", email="a@b.c", aud=CLIENT)
        )
        del body["scope"]
        return said(body)

    world.token = answer
    redeemed = world.sign_in()
    assert redeemed.tokens is not None and set(redeemed.tokens.scopes) == set(SCOPES)


@pytest.mark.parametrize(
    "body",
    [{}, {"access_token": "ya29.new-secret", "scope": ISSUED}, {"refresh_token": "1//x", "scope": ISSUED},
     {"access_token": 7, "refresh_token": ["1//x"], "scope": ISSUED}],
)  # fmt: skip
def test_no_refresh_token_in_the_answer_stores_nothing(world: World, body: dict[str, object]) -> None:
    world.token = lambda _: said(body)
    redeemed = world.sign_in()
    assert redeemed.tokens is None and redeemed.outcome.cause is Cause.UNKNOWN_ANSWER


def test_the_announced_end_is_kept(world: World) -> None:
    world.token = lambda _: said(
        fresh_tokens(
            refresh_token="1//new-secret",
            refresh_token_expires_in=604_799,
            id_token=id_token(sub="1", email="a@b.c", aud=CLIENT),
        )
    )
    redeemed = world.sign_in()
    assert redeemed.tokens is not None
    assert redeemed.tokens.refresh_expires_at == START + timedelta(seconds=604_799)


@pytest.mark.parametrize(
    "token",
    [None, "", "a.b", "no token", id_token(sub="1", email="a@b.c", aud="another-client"),
     id_token(sub="1077", aud=CLIENT), id_token(email="a@b.c", aud=CLIENT)],
)  # fmt: skip
def test_who_signed_in_is_asked_when_the_id_token_does_not_tell(world: World, token: str | None) -> None:
    world.token = lambda _: said(fresh_tokens(refresh_token="1//new-secret", id_token=token))
    redeemed = world.sign_in()
    assert redeemed.identity is not None
    assert (redeemed.identity.subject, redeemed.identity.address) == ("1077", "ana@example.com")
    assert world.server.requests[-1].headers["authorization"] == "Bearer ya29.new-secret"


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (said({"sub": "1077"}), Cause.UNKNOWN_ANSWER),
        (page(), Cause.UNKNOWN_ANSWER),
        (said({}, 503), Cause.PROVIDER_TROUBLE),
        (said({}, 401), Cause.PROOF_STALE),
        (Reply(raw=hang_up), Cause.UNREACHABLE),
    ],
)
def test_an_owner_nobody_names_stores_nothing(world: World, reply: Reply, cause: Cause) -> None:
    world.token = lambda _: said(fresh_tokens(refresh_token="1//new-secret"))
    world.userinfo = lambda _: reply
    redeemed = world.sign_in()
    assert redeemed.tokens is None and redeemed.outcome.cause is cause


@pytest.mark.parametrize("state", ["", "wrong", "ü"])
def test_a_wrong_state_is_not_redeemed(world: World, state: str) -> None:
    request = world.google.begin("http://127.0.0.1:4711/google", None)
    redeemed = world.google.redeem(request, {"state": state, "code": "4/one-time"})
    assert redeemed.tokens is None and redeemed.outcome.cause is Cause.UNKNOWN_ANSWER
    assert world.server.requests == []


def test_a_flow_of_another_provider_is_not_redeemed(world: World) -> None:
    strange = ConsentRequest("https://x", "http://127.0.0.1:1/google", "state", {"state": "state"})
    assert world.google.redeem(strange, {"state": "state", "code": "x"}).tokens is None


@pytest.mark.parametrize(
    ("error", "cause"),
    [("access_denied", Cause.CONSENT_MISSING), ("admin_policy_enforced", Cause.ADMIN_POLICY),
     ("org_internal", Cause.APP_MISCONFIGURED), ("server_error", Cause.PROVIDER_TROUBLE)],
)  # fmt: skip
def test_a_denial_is_a_denial(world: World, error: str, cause: Cause) -> None:
    redeemed = world.sign_in(error=error, code="")
    assert redeemed.tokens is None and redeemed.outcome.cause is cause
    assert world.server.requests == []


def test_a_code_without_use_asks_to_sign_in_again(world: World) -> None:
    refusal = {"error": "invalid_grant", "error_description": "No use for correcthorse."}
    world.token = lambda _: said(refusal, 400)
    outcome = world.sign_in(code="correcthorse").outcome
    assert outcome.cause is Cause.SIGN_IN_REQUIRED
    assert outcome.provider_error == "invalid_grant: No use for [removed]."


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (page(), Cause.PORTAL),
        (page(status=503), Cause.PROVIDER_TROUBLE),
        (said({"error": "invalid_client"}, 401), Cause.APP_REJECTED),
        (said({"error": "invalid_grant"}, 200), Cause.UNKNOWN_ANSWER),
        (Reply(raw=hang_up), Cause.UNREACHABLE),
    ],
)
def test_a_code_that_cannot_be_redeemed_now(world: World, reply: Reply, cause: Cause) -> None:
    world.token = lambda _: reply
    redeemed = world.sign_in()
    assert redeemed.tokens is None and redeemed.outcome.cause is cause


def test_a_code_is_never_sent_twice(world: World) -> None:
    assert world.probe() is PROVEN, "leaves a kept connection behind"
    before = len(world.server.requests)
    world.token = lambda _: Reply(raw=hang_up)
    world.sign_in()
    assert len(world.server.requests) == before + 1


# The proof
def test_a_refresh_is_proof(world: World) -> None:
    probed = world.google.probe(ANA, tokens())
    assert probed.outcome is PROVEN and isinstance(probed.credentials, TokenSet)
    assert probed.credentials.access_token == "ya29.new-secret"
    assert probed.credentials.expires_at == START + timedelta(seconds=3599)
    sent = world.server.requests[0]
    assert sent.form == {
        "grant_type": "refresh_token",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "refresh_token": "rt-old-secret",
    }


def test_expiry_is_aware_utc_and_by_our_clock(world: World) -> None:
    """google-auth's is naive, by a clock of its own."""
    probed = world.google.probe(ANA, tokens())
    assert isinstance(probed.credentials, TokenSet) and probed.credentials.expires_at is not None
    assert probed.credentials.expires_at.utcoffset() == timedelta(0)
    assert probed.credentials.expires_at - world.clock.now() == timedelta(seconds=3599)


def test_refresh_sends_no_scope(world: World) -> None:
    world.probe(tokens(scopes=(SEND_SCOPE, "openid")))
    assert "scope" not in world.server.requests[0].form


def test_a_valid_access_token_is_no_proof(world: World) -> None:
    world.token = lambda _: said({"error": "invalid_grant"}, 400)
    assert world.probe(tokens(expires_at=START + timedelta(hours=1))).cause is Cause.GRANT_REVOKED


@pytest.mark.parametrize("said_token", [None, "", 7])
def test_no_refresh_token_keeps_old(world: World, said_token: object) -> None:
    world.token = lambda _: said(fresh_tokens(refresh_token=said_token))
    probed = world.google.probe(ANA, tokens())
    assert isinstance(probed.credentials, TokenSet)
    assert probed.credentials.refresh_token == "rt-old-secret"
    assert probed.credentials.issued_at == START - timedelta(days=1)


def test_rotated_refresh_token_is_adopted(world: World) -> None:
    world.token = lambda _: said(fresh_tokens(refresh_token="1//rotated-secret"))
    probed = world.google.probe(ANA, tokens())
    assert isinstance(probed.credentials, TokenSet)
    assert probed.credentials.refresh_token == "1//rotated-secret"
    assert probed.credentials.issued_at == START


def test_lost_scope_on_refresh_is_seen(world: World) -> None:
    world.token = lambda _: said(fresh_tokens(scope="openid email"))
    probed = world.google.probe(ANA, tokens(scopes=(SEND_SCOPE,)))
    assert probed.outcome.cause is Cause.SCOPE_MISSING
    assert isinstance(probed.credentials, TokenSet) and SEND_SCOPE not in probed.credentials.scopes


def test_scopes_that_are_not_told_are_those_of_before(world: World) -> None:
    world.token = lambda _: said({"access_token": "ya29.new-secret", "expires_in": "3599"})
    probed = world.google.probe(ANA, tokens(scopes=(SEND_SCOPE,)))
    assert probed.outcome is PROVEN
    assert isinstance(probed.credentials, TokenSet) and probed.credentials.scopes == (SEND_SCOPE,)
    assert world.probe(tokens()) is PROVEN


def test_a_wider_permission_may_send_too(world: World) -> None:
    world.token = lambda _: said(fresh_tokens(scope="openid https://mail.google.com/"))
    assert world.probe() is PROVEN


def test_the_announced_end_does_not_wobble(world: World) -> None:
    """Each answer counts the seconds from its own moment; that alone must not cost a durable write."""
    end = START + timedelta(days=6)
    world.token = lambda _: said(fresh_tokens(refresh_token_expires_in=6 * 86_400 - 3))
    probed = world.google.probe(ANA, tokens(refresh_expires_at=end))
    assert isinstance(probed.credentials, TokenSet) and probed.credentials.refresh_expires_at == end
    world.token = lambda _: said(fresh_tokens(refresh_token_expires_in=86_400))
    probed = world.google.probe(ANA, tokens(refresh_expires_at=end))
    assert isinstance(probed.credentials, TokenSet)
    assert probed.credentials.refresh_expires_at == START + timedelta(days=1)


def test_invalid_grant_is_a_lost_grant(world: World) -> None:
    world.token = lambda _: said(
        {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, 400
    )
    outcome = world.probe()
    assert outcome.cause is Cause.GRANT_REVOKED
    assert outcome.provider_error == "invalid_grant: Token has been expired or revoked."
    assert world.google.probe(ANA, tokens()).credentials is None


def test_testing_mode_is_named_when_its_seven_days_are_over(world: World) -> None:
    world.token = lambda _: said({"error": "invalid_grant", "error_description": "Bad Request"}, 400)
    issued = START - timedelta(days=7, minutes=3)
    held = tokens(issued_at=issued, refresh_expires_at=issued + timedelta(seconds=604_799))
    assert world.probe(held).cause is Cause.TESTING_MODE_ENDED
    assert world.probe(tokens(issued_at=issued)).cause is Cause.GRANT_REVOKED


@pytest.mark.parametrize("subtype", ["invalid_rapt", "rapt_required"])
def test_rapt_text_is_not_shown(world: World, subtype: str) -> None:
    world.token = lambda _: said(
        {"error": "invalid_grant", "error_subtype": subtype, "error_description": "reauth related error"}, 400
    )
    outcome = world.probe()
    assert outcome.cause is Cause.SIGN_IN_FREQUENCY
    assert outcome.provider_error is not None and "gcloud" not in outcome.provider_error


@pytest.mark.parametrize(
    ("error", "status", "cause"),
    [("invalid_client", 401, Cause.APP_REJECTED), ("deleted_client", 401, Cause.APP_DELETED),
     ("unauthorized_client", 401, Cause.APP_REJECTED), ("admin_policy_enforced", 400, Cause.ADMIN_POLICY)],
)  # fmt: skip
def test_a_dead_client_is_not_the_persons_fault(world: World, error: str, status: int, cause: Cause) -> None:
    world.token = lambda _: said({"error": error}, status)
    assert world.probe().cause is cause


def test_html_200_is_not_a_revocation(world: World) -> None:
    """google-auth fails with a bare TypeError on a captive portal's page."""
    world.token = lambda _: page()
    assert world.probe().cause is Cause.PORTAL


@pytest.mark.parametrize("body", ["[]", '"text"', "null", "17"])
def test_json_of_another_shape_is_not_a_revocation(world: World, body: str) -> None:
    world.token = lambda _: Reply(200, body.encode(), {"Content-Type": "application/json"})
    assert world.probe().kind is OutcomeKind.TRANSIENT


@pytest.mark.parametrize(
    "body",
    [{}, {"access_token": None}, {"access_token": ["x"]}, {"access_token": "x", "expires_in": "soon"},
     {"access_token": "x", "expires_in": [1]}, {"access_token": "x", "expires_in": 1e30},
     {"access_token": {"a": 1}, "scope": 7}, {"error": "invalid_grant"}],
)  # fmt: skip
def test_a_yes_that_cannot_be_read_is_not_a_revocation(world: World, body: dict[str, object]) -> None:
    world.token = lambda _: said(body)
    probed = world.google.probe(ANA, tokens())
    assert probed.outcome.kind is OutcomeKind.TRANSIENT
    assert probed.credentials is None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("reply", [page, lambda status: said({"error": "internal_failure"}, status)])
def test_503_html(world: World, status: int, reply: Callable[..., Reply]) -> None:
    world.token = lambda _: page(status=status) if reply is page else reply(status)
    assert world.probe().cause is Cause.PROVIDER_TROUBLE


@pytest.mark.parametrize("status", [408, 429, 500, 503, 504])
def test_google_auths_own_retries_do_not_block(world: World, status: int) -> None:
    """google-auth tries three times with pauses of 1 and 2 s; the ladder is ours."""
    world.token = lambda _: said({"error": "temporarily_unavailable"}, status)
    assert world.probe().kind is OutcomeKind.TRANSIENT
    assert len(world.server.requests) == 1


def test_429_waits_as_long_as_google_asks(world: World) -> None:
    world.token = lambda _: said({"error": "rate_limit_exceeded"}, 429, Retry_After="77")
    outcome = world.probe()
    assert (outcome.cause, outcome.retry_after_s) == (Cause.THROTTLED, 77.0)


@pytest.mark.parametrize("off", [timedelta(hours=-2), timedelta(days=400)])
def test_a_refusal_under_a_wrong_clock_is_not_believed(world: World, off: timedelta) -> None:
    world.server.clock = lambda: START + off
    world.token = lambda _: said({"error": "invalid_grant"}, 400)
    assert world.probe().cause is Cause.CLOCK_WRONG
    world.token = lambda _: said(fresh_tokens())
    assert world.probe() is PROVEN


@pytest.mark.parametrize(
    "held",
    [Password("p"), TokenSet(""), TokenSet("", access_token="ya29.still-good")],
)
def test_missing_refresh_token_is_not_a_revocation(world: World, held: TokenSet | Password) -> None:
    """google-auth raises a RefreshError without asking anybody."""
    assert world.google.probe(ANA, held).outcome.cause is Cause.GRANT_MISSING
    assert world.server.requests == []


def test_a_missing_client_secret_is_not_a_revocation(world: World) -> None:
    world.settings = replace(world.settings, client_secret="")
    world.token = lambda _: said(
        {"error": "invalid_request", "error_description": "client_secret is missing."}, 400
    )
    assert world.probe().cause is Cause.APP_REJECTED


def test_a_grant_of_another_client_is_told_without_asking(world: World) -> None:
    assert world.probe(tokens(client_id="an-older-client")).cause is Cause.CONSENT_MISSING
    assert world.server.requests == []
    assert world.probe(tokens(client_id=CLIENT)) is PROVEN


def test_no_network_is_not_a_revocation(world: World) -> None:
    world.settings = replace(world.settings, token_uri=f"https://127.0.0.1:{free_port()}/token")
    assert world.probe().cause is Cause.UNREACHABLE
    world.settings = replace(world.settings, token_uri="https://no-such-host.invalid/token")
    assert world.probe().cause in (Cause.OFFLINE, Cause.UNREACHABLE)


def test_fresh_asks_on_a_new_connection(world: World) -> None:
    for fresh in (False, False, True, False):
        world.probe(fresh=fresh)
    assert world.server.connections == 2


def test_a_redirect_is_not_followed_with_the_token(world: World, serve: Serve) -> None:
    thief = serve(lambda _: said(fresh_tokens()))
    world.token = lambda _: Reply(307, headers={"Location": f"{thief.url}/token"})
    assert world.probe().cause is Cause.PORTAL
    assert thief.requests == []


# Sending
def test_a_message_goes_out_whole(world: World) -> None:
    result = world.google.send(ANA, tokens(), MIME)
    assert result.outcome is PROVEN and not result.in_doubt
    sent = world.server.requests[0]
    assert sent.headers["authorization"] == "Bearer at-old-secret"
    raw = sent.body.removeprefix(b'{"raw":"').removesuffix(b'"}')
    assert base64.urlsafe_b64decode(raw) == MIME


@pytest.mark.parametrize(
    "held",
    [Password("p"), tokens(access_token=""), tokens(expires_at=START + timedelta(seconds=10))],
)
def test_without_a_living_access_token_nothing_goes_out(world: World, held: TokenSet | Password) -> None:
    result = world.google.send(ANA, held, MIME)
    assert result.outcome.cause is Cause.PROOF_STALE and not result.in_doubt
    assert world.server.requests == []


def test_a_follow_up_names_its_thread_and_learns_its_names(world: World) -> None:
    result = world.google.send(ANA, tokens(), MIME, thread_id='18"f')
    assert json.loads(world.server.requests[0].body)["threadId"] == '18"f'
    assert result == SendResult(PROVEN, provider_id="18f", thread_id="18f")
    assert len(world.server.requests) == 1, "without the permission to read nothing more is asked"


def test_a_reader_learns_the_message_id_that_gmail_gave(world: World) -> None:
    given = {"payload": {"headers": [{"name": "Message-Id", "value": "<given@mail.gmail.com>"}]}}
    world.mailbox = lambda _: said(given)
    assert world.google.send(READER, tokens(), MIME).message_id == "<given@mail.gmail.com>"
    asked = world.server.requests[1]
    assert asked.path == "/gmail/v1/users/me/messages/18f?format=metadata&metadataHeaders=Message-ID"


@pytest.mark.parametrize("reply", [said({}, 503), said({}, 404), page(), said({}), Reply(raw=hang_up)])
def test_that_the_message_id_is_not_told_changes_nothing(world: World, reply: Reply) -> None:
    world.mailbox = lambda _: reply
    result = world.google.send(READER, tokens(), MIME)
    assert result == SendResult(PROVEN, provider_id="18f", thread_id="18f") and not result.in_doubt


def error(status: int, reason: str, message: str = "No", detail: str | None = None, **headers: str) -> Reply:
    body: dict[str, object] = {"code": status, "message": message, "errors": [{"reason": reason}]}
    if detail:
        body["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail}]
    return said({"error": body}, status, **headers)


@pytest.mark.parametrize(
    ("reply", "cause", "in_doubt"),
    [
        (error(401, "authError"), Cause.PROOF_STALE, False),
        (error(403, "insufficientPermissions"), Cause.SCOPE_MISSING, False),
        (error(403, "forbidden", detail="ACCESS_TOKEN_SCOPE_INSUFFICIENT"), Cause.SCOPE_MISSING, False),
        (error(403, "rateLimitExceeded"), Cause.THROTTLED, False),
        (error(429, "userRateLimitExceeded"), Cause.THROTTLED, False),
        (error(403, "accessNotConfigured"), Cause.API_OFF, False),
        (error(400, "failedPrecondition", "Mail service not enabled"), Cause.MAILBOX_DISABLED, False),
        (error(400, "invalidArgument", "Recipient address required"), Cause.MESSAGE_REFUSED, False),
        (error(403, "somethingNew"), Cause.UNKNOWN_ANSWER, False),
        (error(500, "backendError"), Cause.PROVIDER_TROUBLE, True),
        (error(503, "backendError"), Cause.PROVIDER_TROUBLE, False),
        (page(status=502), Cause.PROVIDER_TROUBLE, True),
        (page(), Cause.PORTAL, True),
        (said({}), Cause.UNKNOWN_ANSWER, True),
        (said({"error": "text"}, 400), Cause.UNKNOWN_ANSWER, False),
        (said({"error": {"errors": ["odd"], "details": 7}}, 403), Cause.UNKNOWN_ANSWER, False),
        (Reply(raw=hang_up), Cause.UNREACHABLE, True),
    ],
)
def test_what_becomes_of_a_message(world: World, reply: Reply, cause: Cause, in_doubt: bool) -> None:
    world.send = lambda _: reply
    result = world.google.send(ANA, tokens(), MIME)
    assert (result.outcome.cause, result.in_doubt) == (cause, in_doubt)
    assert len(world.server.requests) == 1, "a message is never sent twice by itself"


def test_a_message_that_never_left_is_not_in_doubt(world: World) -> None:
    world.endpoints = replace(world.endpoints, gmail_url=f"https://127.0.0.1:{free_port()}")
    result = world.adapter().send(ANA, tokens(), MIME)
    assert result.outcome.cause is Cause.UNREACHABLE and not result.in_doubt


def test_the_wait_in_gmails_words_is_taken(world: World) -> None:
    words = "User-rate limit exceeded.  Retry after 2026-03-02T09:10:00.000Z"
    world.send = lambda _: error(429, "userRateLimitExceeded", words)
    assert world.google.send(ANA, tokens(), MIME).outcome.retry_after_s == 600.0
    world.send = lambda _: error(429, "userRateLimitExceeded", "Retry after 2026-99-02T09:10:00Z")
    assert world.google.send(ANA, tokens(), MIME).outcome.retry_after_s is None
    world.send = lambda _: error(429, "userRateLimitExceeded", words, Retry_After="5")
    assert world.google.send(ANA, tokens(), MIME).outcome.retry_after_s == 5.0


# Reading
@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (error(401, "authError"), Cause.PROOF_STALE),
        (error(403, "insufficientPermissions"), Cause.SCOPE_MISSING),
        (error(429, "rateLimitExceeded"), Cause.THROTTLED),
        (error(403, "accessNotConfigured"), Cause.API_OFF),
        (error(400, "failedPrecondition", "Mail service not enabled"), Cause.MAILBOX_DISABLED),
        (page(), Cause.PORTAL),
        (page(status=404), Cause.UNKNOWN_ANSWER),
        (page(status=503), Cause.PROVIDER_TROUBLE),
        (Reply(raw=hang_up), Cause.UNREACHABLE),
    ],
)
def test_what_a_look_meets(world: World, reply: Reply, cause: Cause) -> None:
    world.mailbox = lambda _: reply
    looked = world.google.read_inbox(READER, tokens(), "h:100", START)
    assert (looked.outcome.cause, looked.cursor, looked.messages) == (cause, "h:100", ())
    search = world.google.find_sent(READER, tokens(), "m", "<m@x>", START)
    assert (search.outcome.cause, search.found) == (cause, None)


def test_what_is_not_there_is_no_trouble(world: World) -> None:
    world.mailbox = lambda request: (
        said({"error": {"code": 404}}, 404) if "history" in request.path else said({})
    )
    looked = world.google.read_inbox(READER, tokens(), "h:100", START)
    assert looked.outcome is PROVEN and [request.path.partition("?")[0][-9:] for request in
        world.server.requests] == ["e/history", "e/profile", "/messages"]  # fmt: skip


def test_reading_needs_the_permission_and_a_living_token(world: World) -> None:
    ended = tokens(expires_at=START + timedelta(seconds=10))
    assert world.google.read_inbox(ANA, tokens(), None, START).outcome.cause is Cause.SCOPE_MISSING
    assert world.google.find_sent(ANA, tokens(), "m", "<m@x>", START) == SentSearch(PROVEN)
    for held in (ended, Password("p")):
        assert world.google.read_inbox(READER, held, "h:1", START).outcome.cause is Cause.PROOF_STALE
        assert world.google.find_sent(READER, held, "m", "<m@x>", START).outcome.cause is Cause.PROOF_STALE
    assert world.server.requests == []


# The end of a grant, and the client itself
@pytest.mark.parametrize(
    ("reply", "done"),
    [
        (said({}), True),
        (said({"error": "invalid_token"}, 400), True),
        (page(status=400), False),
        (said({}, 503), False),
        (page(status=302), False),
        (Reply(raw=hang_up), False),
    ],
)
def test_revoking(world: World, reply: Reply, done: bool) -> None:
    world.revoke = lambda _: reply
    assert world.google.revoke(ANA, tokens()) is done
    assert world.server.requests[0].form == {"token": "rt-old-secret"}
    assert "rt-old-secret" not in world.server.requests[0].path


def test_nothing_to_revoke(world: World) -> None:
    assert not world.google.revoke(ANA, Password("p"))
    assert not world.google.revoke(ANA, TokenSet(""))
    assert world.server.requests == []


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (said({"error": "invalid_grant", "error_description": "Bad Request"}, 400), None),
        (said({"error": "invalid_client"}, 401), Cause.APP_REJECTED),
        (said({"error": "deleted_client"}, 401), Cause.APP_DELETED),
        (said({"error": "invalid_grant"}, 503), Cause.PROVIDER_TROUBLE),
        (said({}), Cause.UNKNOWN_ANSWER),
        (page(), Cause.PORTAL),
        (Reply(raw=hang_up), Cause.UNREACHABLE),
    ],
)
def test_the_client_is_tested_without_a_sign_in(world: World, reply: Reply, cause: Cause | None) -> None:
    world.token = lambda _: reply
    assert world.google.test_client().cause is cause
    assert world.server.requests[0].form["client_id"] == CLIENT


# Where everything goes
def test_only_googles_own_hosts_are_contacted_over_https(clock: FakeClock) -> None:
    def answer(_: str, url: str) -> object:
        if "userinfo" in url:
            return ok({"sub": "1077", "email": "ana@example.com"})
        return ok(fresh_tokens(refresh_token="1//new-secret", id="18f"))

    transport = RecordingTransport(answer)  # type: ignore[arg-type]
    settings = ProviderSettings(
        CLIENT,
        SECRET,
        auth_uri="https://accounts.google.com/o/oauth2/auth",
        token_uri="https://oauth2.googleapis.com/token",
    )
    for given in (settings, ProviderSettings(CLIENT, SECRET)):
        google = Google(transport, Endpoints(), lambda _, given=given: given, clock)
        request = google.begin("http://127.0.0.1:4711/google", "ana@example.com")
        parts = urlsplit(request.url)
        assert (parts.scheme, parts.hostname) == ("https", "accounts.google.com")
        assert request.issuer == "https://accounts.google.com"
        assert google.redeem(request, {"state": request.state, "code": "x"}).tokens is not None
        google.probe(ANA, tokens(), fresh=True)
        google.send(ANA, tokens(), MIME)
        google.revoke(ANA, tokens())
        google.test_client()
    assert set(transport.urls) == {
        "https://oauth2.googleapis.com/token",
        "https://openidconnect.googleapis.com/v1/userinfo",
        "https://gmail.googleapis.com/gmail/v1/users/me/messages/send",
        "https://oauth2.googleapis.com/revoke",
    }


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.INSECURE])
@pytest.mark.parametrize("sent", [False, True])
def test_no_fault_of_the_network_costs_a_grant(clock: FakeClock, fault: Fault, sent: bool) -> None:
    transport = RecordingTransport(lambda *_: TransportFault(fault, "oauth2.googleapis.com", sent=sent))
    google = Google(transport, Endpoints(), lambda _: ProviderSettings(CLIENT, SECRET), clock)
    assert google.probe(ANA, tokens()).outcome.kind is OutcomeKind.TRANSIENT
    result = google.send(ANA, tokens(), MIME)
    assert result.outcome.kind is OutcomeKind.TRANSIENT and result.in_doubt is sent
