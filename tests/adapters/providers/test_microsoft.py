"""Microsoft: the sign-in, the proof, the sending and reading; one test for each trap of msal."""

import base64
import hashlib
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import msal
import pytest

from reply_desktop.adapters.http import Transport, TransportFault
from reply_desktop.adapters.providers.microsoft import Microsoft
from reply_desktop.config import Endpoints
from reply_desktop.domain.answers import Fault
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import ConsentFailed, NotConfigured, VaultLocked
from reply_desktop.domain.grant import Password, TokenSet
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import OutcomeKind
from reply_desktop.services.ports import ConsentRequest, ProviderSettings, Redeemed, SentSearch
from tests.adapters.providers.parts import (
    CLIENT,
    RecordingTransport,
    account,
    id_token,
    ok,
    query,
    tokens,
)
from tests.fakes.clock import START, FakeClock
from tests.harness.web import Reply, Request, Serve, WebServer, free_port, hang_up, page, said

ANA = account(Provider.MICROSOFT)
READER = replace(ANA, scopes=("Mail.Send", "User.Read", "Mail.Read"))
MIME = b"From: ana@example.com\r\nTo: bo@example.com\r\nSubject: Hi\r\n\r\nHello"
REDIRECT = "http://localhost:4711/microsoft"
OID, TID = "5c5f3a1e-0000-4000-8000-000000000001", "9188040d-6c67-4c5b-b112-36a304b66dad"


def fresh_tokens(**more: object) -> dict[str, object]:
    return {
        "token_type": "Bearer",
        "scope": "Mail.Send User.Read profile openid email",
        "expires_in": 3599,
        "ext_expires_in": 3599,
        "access_token": "eyJ0-new-secret",
        "refresh_token": "0.AX-rotated-secret",
        "client_info": "e30",
        **more,
    }


def refused(error: str, *codes: int, status: int = 400, description: str = "No.", **more: object) -> Reply:
    text = "".join(f"AADSTS{code}: " for code in codes) + description
    return said({"error": error, "error_description": text, "error_codes": list(codes), **more}, status)


class World:
    """Entra and Graph on this computer, answering as the test says."""

    def __init__(self, serve: Serve, transport: Transport, clock: FakeClock, tls: ssl.SSLContext) -> None:
        self.discovery: Callable[[Request], Reply] = lambda _: said(self.addresses())
        self.token: Callable[[Request], Reply] = lambda _: said(fresh_tokens())
        self.me: Callable[[Request], Reply] = lambda _: said(
            {"id": OID, "mail": "ana@example.com", "userPrincipalName": "ana.k@example.com"}
        )
        self.send: Callable[[Request], Reply] = lambda _: Reply(202)
        self.mailbox: Callable[[Request], Reply] = lambda _: said({"value": []})
        self.server: WebServer = serve(self._answer, tls)
        self.server.clock = clock.now
        self.url = self.server.url
        self.endpoints = Endpoints(microsoft_authority=f"{self.url}/common", graph_url=self.url)
        self.settings = ProviderSettings(CLIENT)
        self.clock = clock
        self.transport = transport
        self.microsoft = self.adapter()

    def adapter(self) -> Microsoft:
        return Microsoft(self.transport, self.endpoints, lambda _: self.settings, self.clock)

    def addresses(self) -> dict[str, object]:
        return {
            "issuer": f"{self.url}/{{tenantid}}/v2.0",
            "authorization_endpoint": f"{self.url}/common/oauth2/v2.0/authorize",
            "token_endpoint": f"{self.url}/common/oauth2/v2.0/token",
        }

    def _answer(self, request: Request) -> Reply:
        path = urlsplit(request.path).path
        if path.endswith("/v2.0/.well-known/openid-configuration"):
            return self.discovery(request)
        doors = {
            "/common/oauth2/v2.0/token": self.token,
            "/v1.0/me": self.me,
            "/v1.0/me/sendMail": self.send,
        }
        if path not in doors and path.startswith("/v1.0/me/"):
            return self.mailbox(request)
        return doors[path](request) if path in doors else Reply(404)

    def asked(self, ending: str) -> list[Request]:
        return [request for request in self.server.requests if urlsplit(request.path).path.endswith(ending)]

    def probe(self, held: TokenSet | None = None, *, fresh: bool = False) -> Outcome:
        return self.microsoft.probe(ANA, held or tokens(), fresh=fresh).outcome

    def begin(self, claims: str | None = None) -> ConsentRequest:
        return self.microsoft.begin(REDIRECT, "ana@example.com", claims)

    def sign_in(self, body: dict[str, object] | None = None, **came: str) -> Redeemed:
        request = self.begin()
        nonce = query(request.url)["nonce"]
        owner = id_token(
            oid=OID, tid=TID, sub="pairwise", nonce=nonce, name="Ana", preferred_username="ana.k@example.com"
        )
        if body is not None:
            self.token = lambda _: said({"id_token": owner, **body})
        return self.microsoft.redeem(request, {"state": request.state, "code": "0.one-time-code", **came})


@pytest.fixture
def world(serve: Serve, transport: Transport, clock: FakeClock, tls: ssl.SSLContext) -> World:
    return World(serve, transport, clock, tls)


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    for secret in ("secret", "one-time-code", "eyJ0", "code_verifier"):
        assert secret not in caplog.text


# The sign-in link
def test_the_link_asks_for_the_least_and_hints_the_account(world: World) -> None:
    request = world.begin()
    asked = query(request.url)
    assert request.url.startswith(f"{world.url}/common/oauth2/v2.0/authorize?")
    assert asked["client_id"] == CLIENT and asked["response_type"] == "code"
    assert set(asked["scope"].split()) == {
        "openid", "profile", "offline_access", f"{world.url}/Mail.Send", f"{world.url}/User.Read",
    }  # fmt: skip
    assert asked["redirect_uri"] == REDIRECT == request.redirect_uri
    assert asked["prompt"] == "select_account" and asked["login_hint"] == "ana@example.com"
    assert asked["response_mode"] == "query", "the listener takes GET"
    assert asked["state"] == request.state and len(request.state) >= 32
    assert "claims" not in asked and "client_secret" not in asked
    assert request.state not in repr(request)


def test_pkce_is_s256_and_fresh_for_each_attempt(world: World) -> None:
    challenges, states = [], []
    for _ in range(2):
        request = world.begin()
        asked = query(request.url)
        assert asked["code_challenge_method"] == "S256"
        challenges.append(asked["code_challenge"])
        states.append(request.state)
        world.microsoft.redeem(request, {"state": request.state, "code": "0.one-time-code"})
    assert len(set(challenges)) == len(set(states)) == 2
    for sent, challenge in zip(world.asked("/token"), challenges, strict=True):
        verifier = sent.form["code_verifier"]
        assert 43 <= len(verifier) <= 128
        digest = hashlib.sha256(verifier.encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == challenge


def test_a_claims_challenge_is_passed_on(world: World) -> None:
    challenge = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
    assert query(world.begin(challenge).url)["claims"] == challenge
    for odd in ("", "not json", "[1]"):
        assert "claims" not in query(world.begin(odd).url)


def test_without_a_client_id_there_is_no_link(world: World) -> None:
    microsoft = Microsoft(world.transport, world.endpoints, lambda _: None, world.clock)
    with pytest.raises(NotConfigured, match="no client ID for Microsoft"):
        microsoft.begin(REDIRECT, None)
    assert microsoft.probe(ANA, tokens()).outcome.cause is Cause.APP_NOT_CONFIGURED
    assert microsoft.send(ANA, tokens(), MIME).outcome.cause is Cause.APP_NOT_CONFIGURED
    assert microsoft.test_client().cause is Cause.APP_NOT_CONFIGURED


def test_a_locked_vault_passes_through(world: World) -> None:
    def locked(provider: Provider) -> ProviderSettings | None:
        raise VaultLocked("The keyring is locked.")

    with pytest.raises(VaultLocked):
        Microsoft(world.transport, world.endpoints, locked, world.clock).probe(ANA, tokens())


# msal's discovery
def test_nothing_is_asked_before_it_is_needed(world: World) -> None:
    """msal's constructor asks the authority for its addresses; ours does not call it."""
    world.adapter()
    assert world.server.requests == []


def test_one_app_serves_all_accounts_and_threads(world: World) -> None:
    threads = [threading.Thread(target=world.probe) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.asked("openid-configuration")) == 1
    assert len(world.asked("/token")) == 8


def test_another_client_or_authority_gets_another_app(world: World) -> None:
    world.probe()
    world.settings = replace(world.settings, client_id="22222222-2222-3333-4444-555555555555")
    world.probe()
    world.settings = replace(world.settings, authority=f"{world.url}/contoso.example")
    world.probe()
    assert [urlsplit(request.path).path.split("/")[1] for request in world.asked("configuration")] == [
        "common", "common", "contoso.example",
    ]  # fmt: skip


def test_an_authority_without_a_tenant_means_common(world: World) -> None:
    world.settings = replace(world.settings, authority=world.url)
    assert world.probe() is PROVEN


def test_discovery_has_a_timeout(
    ca_file: str, serve: Serve, tls: ssl.SSLContext, clock: FakeClock, direct: None
) -> None:
    """msal's own session waits for ever."""
    done = threading.Event()

    def silent(_: object) -> None:
        done.wait(20)

    server = serve(lambda _: Reply(raw=silent), tls)
    transport = Transport(ca_file, read_timeout_s=0.3)
    microsoft = Microsoft(
        transport,
        Endpoints(microsoft_authority=f"{server.url}/common"),
        lambda _: ProviderSettings(CLIENT),
        clock,
    )
    assert microsoft.probe(ANA, tokens()).outcome.cause is Cause.UNREACHABLE
    done.set()
    transport.close()


def test_discovery_is_tried_again_after_a_failure(world: World) -> None:
    world.discovery = lambda _: page(status=503)
    assert world.probe().cause is Cause.PROVIDER_TROUBLE
    with pytest.raises(ConsentFailed, match="HTTP status 503"):
        world.begin()
    world.discovery = lambda _: said(world.addresses())
    assert world.probe() is PROVEN


def test_those_who_wait_for_discovery_share_its_failure(world: World) -> None:
    """Else each of many workers would wait for a time-out of its own, one after the other."""
    arrived, go_on = threading.Event(), threading.Event()

    def slow(_: Request) -> Reply:
        arrived.set()
        go_on.wait(10)
        return page(status=503)

    world.discovery = slow
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lambda: outcomes.append(world.probe())) for _ in range(6)]
    threads[0].start()
    assert arrived.wait(10)
    for thread in threads[1:]:
        thread.start()
    (making,) = world.microsoft._apps.values()
    until = time.monotonic() + 10
    while len(making._condition._waiters) < 5 and time.monotonic() < until:  # type: ignore[attr-defined]
        time.sleep(0.005)
    go_on.set()
    for thread in threads:
        thread.join()
    assert [outcome.cause for outcome in outcomes] == [Cause.PROVIDER_TROUBLE] * 6
    assert len(world.asked("openid-configuration")) == 1


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (refused("invalid_tenant", 90002, description="Tenant 'x' not found."), Cause.APP_MISCONFIGURED),
        (page(), Cause.PORTAL),
        (page(status=404), Cause.UNKNOWN_ANSWER),
        (said({}), Cause.UNKNOWN_ANSWER),
        (said({"authorization_endpoint": 7, "token_endpoint": []}), Cause.UNKNOWN_ANSWER),
        (said({}, 429, Retry_After="9"), Cause.THROTTLED),
        (refused("invalid_grant", 50173), Cause.UNKNOWN_ANSWER),
        (Reply(raw=hang_up), Cause.UNREACHABLE),
    ],
)
def test_a_failed_discovery_is_never_a_lost_grant(world: World, reply: Reply, cause: Cause) -> None:
    world.discovery = lambda _: reply
    assert world.probe().cause is cause
    assert world.microsoft.test_client().cause is cause
    with pytest.raises(ConsentFailed):
        world.begin()
    assert world.asked("/token") == []


@pytest.mark.parametrize("url", ["http://login.example.com/common", "login.example.com/common", "ftp://x/y"])
def test_insecure_endpoint_is_refused(world: World, url: str) -> None:
    for settings in (ProviderSettings(CLIENT, authority=url), ProviderSettings(CLIENT, graph_url=url)):
        world.settings = settings
        assert world.probe().cause is Cause.APP_MISCONFIGURED
        assert world.microsoft.test_client().cause is Cause.APP_MISCONFIGURED
        with pytest.raises(ConsentFailed, match="not an https address"):
            world.begin()
    world.settings = ProviderSettings(CLIENT, graph_url=url)
    assert world.microsoft.send(ANA, tokens(), MIME).outcome.cause is Cause.APP_MISCONFIGURED
    assert world.server.requests == []


def test_a_plain_http_authority_on_this_computer_is_refused_by_msal_not_by_a_crash(world: World) -> None:
    world.settings = replace(world.settings, authority=f"http://127.0.0.1:{free_port()}/common")
    assert world.probe().kind is OutcomeKind.TRANSIENT
    with pytest.raises(ConsentFailed):
        world.begin()


@pytest.mark.parametrize("address", ["http://login.example.com/authorize", "javascript:alert(1)//"])
def test_a_link_that_is_not_https_is_not_opened(world: World, address: str) -> None:
    world.discovery = lambda _: said({**world.addresses(), "authorization_endpoint": address})
    with pytest.raises(ConsentFailed, match="cannot be used"):
        world.begin()


def test_a_token_endpoint_that_is_not_https_gets_no_token(world: World, serve: Serve) -> None:
    thief = serve(lambda _: said(fresh_tokens()))
    for address in (f"{thief.url}/token", "http://login.example.com/common/token"):
        world.discovery = lambda _, address=address: said(  # type: ignore[misc]
            {**world.addresses(), "token_endpoint": address}
        )
        world.microsoft = world.adapter()
        assert world.probe().kind is not OutcomeKind.OK
    assert thief.requests == []


# The code
def test_a_code_becomes_a_grant_with_its_owner(world: World) -> None:
    redeemed = world.sign_in(fresh_tokens())
    assert redeemed.outcome is PROVEN and redeemed.tokens and redeemed.identity
    assert redeemed.tokens.refresh_token == "0.AX-rotated-secret"
    assert redeemed.tokens.expires_at == START + timedelta(seconds=3599)
    assert redeemed.tokens.issued_at == START and redeemed.tokens.client_id == CLIENT
    assert "Mail.Send" in redeemed.tokens.scopes
    assert redeemed.identity.subject == OID and redeemed.identity.tenant == TID
    assert redeemed.identity.address == "ana@example.com", "the mailbox's, not the sign-in name"
    assert redeemed.identity.name == "Ana"
    sent = world.asked("/token")[0].form
    assert sent["grant_type"] == "authorization_code" and sent["redirect_uri"] == REDIRECT
    assert "client_secret" not in sent
    assert world.asked("/me")[0].headers["authorization"] == "Bearer eyJ0-new-secret"


@pytest.mark.parametrize(
    ("me", "address"),
    [
        (said({"mail": None, "userPrincipalName": "ana.k@example.com"}), "ana.k@example.com"),
        (said({"userPrincipalName": "ana_gmail.com#EXT#@contoso.example"}), "ana.k@example.com"),
        (said({}), "ana.k@example.com"),
        (said({"error": {"code": "ErrorAccessDenied"}}, 403), "ana.k@example.com"),
    ],
)
def test_the_address_when_graph_does_not_tell_the_mailbox(world: World, me: Reply, address: str) -> None:
    world.me = lambda _: me
    identity = world.sign_in(fresh_tokens()).identity
    assert identity is not None and identity.address == address


@pytest.mark.parametrize(
    ("me", "cause"),
    [(said({}, 503), Cause.PROVIDER_TROUBLE), (Reply(raw=hang_up), Cause.UNREACHABLE)],
)
def test_an_owner_that_cannot_be_asked_for_now_stores_nothing(world: World, me: Reply, cause: Cause) -> None:
    world.me = lambda _: me
    redeemed = world.sign_in(fresh_tokens())
    assert redeemed.tokens is None and redeemed.outcome.cause is cause


def test_an_owner_nobody_names_stores_nothing(world: World) -> None:
    world.me = lambda _: said({"mail": "ana@example.com"})
    request = world.begin()
    owner = id_token(nonce=query(request.url)["nonce"])
    world.token = lambda _: said(fresh_tokens(id_token=owner))
    redeemed = world.microsoft.redeem(request, {"state": request.state, "code": "0.one-time-code"})
    assert redeemed.tokens is None and redeemed.outcome.cause is Cause.UNKNOWN_ANSWER


def test_an_unticked_permission_stores_nothing(world: World) -> None:
    assert world.sign_in(fresh_tokens(scope="User.Read openid")) == Redeemed(Outcome(Cause.SCOPE_MISSING))
    assert world.sign_in(fresh_tokens(scope=f"{world.url}/Mail.Send")).outcome is PROVEN
    assert world.sign_in(fresh_tokens(scope="Mail.Send.Shared")).outcome.cause is Cause.SCOPE_MISSING


@pytest.mark.parametrize(
    "body",
    [{}, {"access_token": "eyJ0-x"}, {"refresh_token": "0.x"}, {"access_token": 1, "refresh_token": 2}],
)
def test_no_refresh_token_in_the_answer_stores_nothing(world: World, body: dict[str, object]) -> None:
    redeemed = world.sign_in(body)
    assert redeemed.tokens is None and redeemed.outcome.cause is Cause.UNKNOWN_ANSWER


@pytest.mark.parametrize("state", ["", "wrong", "ü"])
def test_state_mismatch_is_never_shown(world: World, state: str) -> None:
    """msal raises a ValueError that quotes both states."""
    redeemed = world.sign_in(fresh_tokens(), state=state)
    assert redeemed == Redeemed(Outcome(Cause.UNKNOWN_ANSWER, "The answer belongs to another sign-in."))
    assert world.asked("/token") == []


def test_nonce_mismatch_is_never_shown(world: World) -> None:
    """msal raises a RuntimeError that quotes both nonces."""
    request = world.begin()
    world.token = lambda _: said(fresh_tokens(id_token=id_token(oid=OID, nonce="another")))
    redeemed = world.microsoft.redeem(request, {"state": request.state, "code": "0.one-time-code"})
    assert redeemed.tokens is None
    assert redeemed.outcome == Outcome(Cause.UNKNOWN_ANSWER, "Microsoft's answer could not be read.")


@pytest.mark.parametrize("token", ["x", "a.b.c", "a.WzFd.c", 7])
def test_an_id_token_that_cannot_be_read_is_no_crash(world: World, token: object) -> None:
    redeemed = world.sign_in(fresh_tokens(id_token=token))
    assert redeemed.tokens is None and redeemed.outcome.cause is Cause.UNKNOWN_ANSWER


def test_a_flow_of_another_provider_is_not_redeemed(world: World) -> None:
    strange = ConsentRequest("https://x", REDIRECT, "state", {"state": "state"})
    assert world.microsoft.redeem(strange, {"state": "state", "code": "x"}).tokens is None


@pytest.mark.parametrize(
    ("issuer", "taken"),
    [("{url}/9188040d/v2.0", True), ("https://evil.example/9188040d/v2.0", False), ("", False), ("[", False)],
)
def test_an_issuer_that_comes_is_compared(world: World, issuer: str, taken: bool) -> None:
    redeemed = world.sign_in(fresh_tokens(), iss=issuer.replace("{url}", world.url))
    assert (redeemed.tokens is not None) is taken
    assert bool(world.asked("/token")) is taken


@pytest.mark.parametrize(
    ("error", "text", "cause"),
    [
        ("access_denied", "AADSTS65004: User declined to consent.", Cause.CONSENT_MISSING),
        ("access_denied", "AADSTS90094: The grant requires admin permission.", Cause.ADMIN_CONSENT),
        ("consent_required", "AADSTS65001: no consent", Cause.CONSENT_MISSING),
        ("unauthorized_client", "AADSTS700016: not found in the directory", Cause.APP_REJECTED),
        ("server_error", "", Cause.PROVIDER_TROUBLE),
    ],
)
def test_a_denial_is_a_denial(world: World, error: str, text: str, cause: Cause) -> None:
    redeemed = world.sign_in(fresh_tokens(), error=error, error_description=text, code="")
    assert redeemed.tokens is None and redeemed.outcome.cause is cause
    assert world.asked("/token") == []


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (refused("invalid_grant", 70008, description="The code 0.one-time-code has expired."),
         Cause.GRANT_EXPIRED),
        (refused("invalid_grant", 54005), Cause.SIGN_IN_REQUIRED),
        (refused("invalid_grant"), Cause.SIGN_IN_REQUIRED),
        (refused("invalid_client", 7000218, status=401), Cause.APP_NOT_PUBLIC),
        (page(), Cause.PORTAL),
        (page(status=502), Cause.PROVIDER_TROUBLE),
        (Reply(raw=hang_up), Cause.UNREACHABLE),
    ],
)  # fmt: skip
def test_a_code_that_is_not_redeemed(world: World, reply: Reply, cause: Cause) -> None:
    request = world.begin()
    world.token = lambda _: reply
    redeemed = world.microsoft.redeem(request, {"state": request.state, "code": "0.one-time-code"})
    assert redeemed.tokens is None and redeemed.outcome.cause is cause
    assert "one-time-code" not in str(redeemed.outcome.provider_error)
    assert len(world.asked("/token")) == 1


# The proof
def test_a_refresh_is_proof_and_the_rotated_token_is_given_back(world: World) -> None:
    probed = world.microsoft.probe(ANA, tokens())
    assert probed.outcome is PROVEN and isinstance(probed.credentials, TokenSet)
    assert probed.credentials.refresh_token == "0.AX-rotated-secret"
    assert probed.credentials.access_token == "eyJ0-new-secret"
    assert probed.credentials.issued_at == START
    sent = world.asked("/token")[0].form
    assert sent["grant_type"] == "refresh_token" and sent["refresh_token"] == "rt-old-secret"
    assert sent["client_id"] == CLIENT and "client_secret" not in sent


def test_scope_is_always_sent_on_refresh(world: World) -> None:
    """Without it Entra takes the app itself for the audience (AADSTS90009)."""
    world.probe()
    assert set(world.asked("/token")[0].form["scope"].split()) == {
        "openid", "profile", "offline_access", f"{world.url}/Mail.Send", f"{world.url}/User.Read",
    }  # fmt: skip


def test_msal_60s_error_cache_is_bypassed(world: World) -> None:
    """msal answers an identical request that got 400 from memory for 60 s, force_refresh or not."""
    world.token = lambda _: refused("invalid_grant", 50173)
    assert world.probe().cause is Cause.PASSWORD_CHANGED
    world.token = lambda _: said(fresh_tokens())
    assert world.probe() is PROVEN
    assert len(world.asked("/token")) == 2


def test_a_repeated_refusal_is_asked_again_on_a_new_connection(world: World) -> None:
    world.token = lambda _: refused("invalid_grant", 50173)
    assert world.probe().kind is OutcomeKind.LOST
    before = world.server.connections
    assert world.probe(fresh=True).kind is OutcomeKind.LOST
    assert world.server.connections == before + 1
    assert len(world.asked("/token")) == 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_msal_throttle_memory_is_bypassed(world: World, status: int) -> None:
    """msal answers from memory for Retry-After, or 60 s without one, after a 429 or 5xx."""
    world.token = lambda _: said({}, status, Retry_After="3600")
    outcome = world.probe()
    assert outcome.kind is OutcomeKind.TRANSIENT and outcome.retry_after_s == 3600.0
    world.token = lambda _: said(fresh_tokens())
    assert world.probe() is PROVEN


def test_msal_keeps_no_tokens(world: World) -> None:
    """Its cache is plain text and grows with every account; tokens are the vault's."""
    world.probe()
    world.sign_in(fresh_tokens())
    apps = [future.result() for future in world.microsoft._apps.values()]
    assert len(apps) == 1 and isinstance(apps[0], msal.PublicClientApplication)
    assert apps[0].token_cache._cache == {} and apps[0].get_accounts() == []
    assert not apps[0].http_client._expiring_mapping._mapping


def test_msal_tells_no_old_failures_to_the_provider(world: World) -> None:
    world.token = lambda _: refused("invalid_grant", 50173)
    for _ in range(3):
        world.probe()
    headers = world.asked("/token")[-1].headers
    assert headers["x-client-last-telemetry"].startswith("4|0|||")


@pytest.mark.parametrize("said_token", [None, "", 7])
def test_no_refresh_token_keeps_old(world: World, said_token: object) -> None:
    world.token = lambda _: said(fresh_tokens(refresh_token=said_token))
    probed = world.microsoft.probe(ANA, tokens())
    assert isinstance(probed.credentials, TokenSet)
    assert probed.credentials.refresh_token == "rt-old-secret"
    assert probed.credentials.issued_at == START - timedelta(days=1)


def test_lost_scope_on_refresh_is_seen(world: World) -> None:
    world.token = lambda _: said(fresh_tokens(scope="User.Read openid"))
    probed = world.microsoft.probe(ANA, tokens(scopes=("Mail.Send",)))
    assert probed.outcome.cause is Cause.SCOPE_MISSING
    assert isinstance(probed.credentials, TokenSet)
    assert probed.credentials.refresh_token == "0.AX-rotated-secret"


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (refused("invalid_grant", 700082), Cause.GRANT_EXPIRED),
        (refused("invalid_grant", 50173), Cause.PASSWORD_CHANGED),
        (refused("invalid_grant", 70000), Cause.GRANT_REVOKED),
        (refused("interaction_required", 50076), Cause.MFA_REQUIRED),
        (refused("interaction_required", 53003), Cause.ADMIN_POLICY),
        (refused("invalid_grant", 65001), Cause.CONSENT_MISSING),
        (refused("invalid_grant", 50057), Cause.ACCOUNT_DISABLED),
        (refused("invalid_client", 7000218, status=401), Cause.APP_NOT_PUBLIC),
        (refused("unauthorized_client", 700016), Cause.APP_REJECTED),
        (refused("temporarily_unavailable", 90033, status=400), Cause.PROVIDER_TROUBLE),
    ],
)
def test_refusals_have_their_cause(world: World, reply: Reply, cause: Cause) -> None:
    world.token = lambda _: reply
    assert world.probe().cause is cause


def test_claims_are_kept_for_the_next_sign_in(world: World) -> None:
    challenge = '{"access_token":{"polids":{"essential":true}}}'
    world.token = lambda _: refused("interaction_required", 50076, claims=challenge)
    assert world.probe().claims == challenge


def test_html_200_is_not_a_revocation(world: World) -> None:
    """msal raises ValueError and logs the whole body."""
    world.token = lambda _: page("<html>secret guests</html>")
    assert world.probe().cause is Cause.PORTAL


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_503_html(world: World, status: int) -> None:
    world.token = lambda _: page(status=status)
    assert world.probe().cause is Cause.PROVIDER_TROUBLE


@pytest.mark.parametrize(
    "body",
    [{}, {"error": "invalid_grant"}, {"access_token": None}, {"access_token": ["x"]},
     {"access_token": "x", "id_token": "broken"}, {"access_token": "x", "refresh_in": "soon"},
     {"access_token": "x", "scope": 7}],
)  # fmt: skip
def test_a_yes_that_cannot_be_read_is_not_a_revocation(world: World, body: dict[str, object]) -> None:
    world.token = lambda _: said(body)
    probed = world.microsoft.probe(ANA, tokens())
    assert probed.outcome.kind is OutcomeKind.TRANSIENT and probed.credentials is None


@pytest.mark.parametrize("body", ["[]", '"text"', "null", "17"])
def test_json_of_another_shape_is_not_a_revocation(world: World, body: str) -> None:
    world.token = lambda _: Reply(200, body.encode(), {"Content-Type": "application/json"})
    assert world.probe().kind is OutcomeKind.TRANSIENT


def test_a_refusal_under_a_wrong_clock_is_not_believed(world: World) -> None:
    world.server.clock = lambda: START + timedelta(hours=3)
    world.token = lambda _: refused("invalid_grant", 50173)
    assert world.probe().cause is Cause.CLOCK_WRONG


@pytest.mark.parametrize("held", [Password("p"), TokenSet(""), TokenSet("", access_token="eyJ0-good")])
def test_a_missing_refresh_token_is_told_without_asking(world: World, held: TokenSet | Password) -> None:
    assert world.microsoft.probe(ANA, held).outcome.cause is Cause.GRANT_MISSING
    assert world.server.requests == []


def test_a_grant_of_another_client_is_told_without_asking(world: World) -> None:
    assert world.probe(tokens(client_id="an-older-client")).cause is Cause.CONSENT_MISSING
    assert world.server.requests == []


def test_no_network_is_not_a_revocation(world: World) -> None:
    assert world.probe() is PROVEN
    world.token = lambda _: Reply(raw=hang_up)
    assert world.probe().cause is Cause.UNREACHABLE


# Reading
def test_reading_is_asked_for_only_when_wanted_and_kept_on_refresh(world: World) -> None:
    request = world.microsoft.begin(REDIRECT, None, reading=True)
    assert f"{world.url}/Mail.Read" in query(request.url)["scope"].split()
    nonce = query(request.url)["nonce"]
    owner = id_token(oid=OID, tid=TID, sub="p", nonce=nonce, preferred_username="ana@example.com")
    body = fresh_tokens(id_token=owner)
    del body["scope"]
    world.token = lambda _: said(body)
    redeemed = world.microsoft.redeem(request, {"state": request.state, "code": "0.one-time-code"})
    assert redeemed.tokens is not None and "Mail.Read" in redeemed.tokens.scopes
    assert world.microsoft.may_read(replace(ANA, scopes=redeemed.tokens.scopes))
    for scopes, kept in ((redeemed.tokens.scopes, True), (("Mail.Send",), False), ((), False)):
        world.probe(tokens(scopes=scopes))
        assert (f"{world.url}/Mail.Read" in world.asked("/token")[-1].form["scope"].split()) is kept


@pytest.mark.parametrize(
    ("scope", "reads"),
    [
        ("Mail.Read", True),
        ("https://graph.microsoft.com/mail.readwrite", True),
        ("Mail.ReadBasic", False),
        ("Mail.Read.Shared", False),
        ("Mail.Send", False),
    ],
)
def test_which_permissions_let_us_read(world: World, scope: str, reads: bool) -> None:
    assert world.microsoft.may_read(replace(ANA, scopes=(scope, "User.Read"))) is reads


def graph_error(status: int, code: str, **headers: str) -> Reply:
    return said({"error": {"code": code, "message": "No."}}, status, **headers)


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (graph_error(401, "InvalidAuthenticationToken"), Cause.PROOF_STALE),
        (graph_error(403, "ErrorAccessDenied"), Cause.SCOPE_MISSING),
        (graph_error(429, "ApplicationThrottled"), Cause.THROTTLED),
        (graph_error(404, "MailboxNotEnabledForRESTAPI"), Cause.MAILBOX_DISABLED),
        (page(), Cause.PORTAL),
        (page(status=404), Cause.UNKNOWN_ANSWER),
        (page(status=503), Cause.PROVIDER_TROUBLE),
        (Reply(raw=hang_up), Cause.UNREACHABLE),
    ],
)
def test_what_a_look_meets(world: World, reply: Reply, cause: Cause) -> None:
    world.mailbox = lambda _: reply
    looked = world.microsoft.read_inbox(READER, tokens(), "place", START)
    assert (looked.outcome.cause, looked.cursor, looked.messages) == (cause, "place", ())
    search = world.microsoft.find_sent(READER, tokens(), "m", "<m@x>", START)
    assert (search.outcome.cause, search.found) == (cause, None)


def listing(rows: list[dict[str, object]], content: Reply, **more: str) -> Callable[[Request], Reply]:
    """A folder of these rows, each with this content."""
    return lambda request: content if request.path.endswith("$value") else said({"value": rows, **more})


def test_a_bounce_that_vanished_or_is_too_large_is_still_one(world: World) -> None:
    headers = [{"name": "Content-Type", "value": "multipart/report; report-type=delivery-status"}]
    row: dict[str, object] = {
        "id": "a/b",
        "receivedDateTime": "2026-03-02T09:00:00Z",
        "internetMessageHeaders": headers,
    }
    for content in (graph_error(404, "ErrorItemNotFound"), Reply(200, b"x" * 5_000_000)):
        world.mailbox = listing([row], content)
        (message,) = world.microsoft.read_inbox(READER, tokens(), None, START).messages
        assert message.is_report and message.id == "a/b"
    assert world.asked("/messages/a%2Fb/$value")[0].headers["prefer"] == 'IdType="ImmutableId"'
    world.mailbox = listing([row], page(status=502))
    looked = world.microsoft.read_inbox(READER, tokens(), None, START)
    assert looked.outcome.cause is Cause.PROVIDER_TROUBLE


def test_a_next_page_elsewhere_is_not_asked_with_the_token(world: World, serve: Serve) -> None:
    thief = serve(lambda _: said({"value": []}))
    for link in (f"{thief.url}/v1.0/me/messages", f"{world.url}.evil.example/x"):
        world.mailbox = listing([], page(), **{"@odata.nextLink": link})
        looked = world.microsoft.read_inbox(READER, tokens(), None, START)
        assert looked.outcome.cause is Cause.UNKNOWN_ANSWER
    assert thief.requests == []


def test_reading_needs_the_permission_and_a_living_token(world: World) -> None:
    ended = tokens(expires_at=START + timedelta(seconds=10))
    assert world.microsoft.read_inbox(ANA, tokens(), None, START).outcome.cause is Cause.SCOPE_MISSING
    assert world.microsoft.find_sent(ANA, tokens(), "m", "<m@x>", START) == SentSearch(PROVEN)
    for held in (ended, Password("p")):
        assert world.microsoft.read_inbox(READER, held, "x", START).outcome.cause is Cause.PROOF_STALE
        assert world.microsoft.find_sent(READER, held, "m", "<m>", START).outcome.cause is Cause.PROOF_STALE
    bare = Microsoft(world.transport, world.endpoints, lambda _: None, world.clock)
    assert bare.read_inbox(READER, tokens(), None, START).outcome.cause is Cause.APP_NOT_CONFIGURED
    assert bare.find_sent(READER, tokens(), "m", "<m>", START).outcome.cause is Cause.APP_NOT_CONFIGURED
    assert world.server.requests == []


# Sending
def test_a_message_goes_out_whole(world: World) -> None:
    result = world.microsoft.send(ANA, tokens(), MIME)
    assert result.outcome is PROVEN and not result.in_doubt
    sent = world.asked("/sendMail")[0]
    assert sent.headers["content-type"] == "text/plain"
    assert sent.headers["authorization"] == "Bearer at-old-secret"
    assert base64.b64decode(sent.body, validate=True) == MIME
    assert world.asked("openid-configuration") == [], "no discovery for it"


@pytest.mark.parametrize(
    "held",
    [Password("p"), tokens(access_token=""), tokens(expires_at=START + timedelta(seconds=10))],
)
def test_without_a_living_access_token_nothing_goes_out(world: World, held: TokenSet | Password) -> None:
    result = world.microsoft.send(ANA, held, MIME)
    assert result.outcome.cause is Cause.PROOF_STALE and not result.in_doubt
    assert world.server.requests == []


def graph(status: int, code: str, **headers: str) -> Reply:
    return said({"error": {"code": code, "message": "No."}}, status, **headers)


@pytest.mark.parametrize(
    ("reply", "cause", "in_doubt"),
    [
        (graph(401, "InvalidAuthenticationToken"), Cause.PROOF_STALE, False),
        (graph(403, "ErrorAccessDenied"), Cause.SCOPE_MISSING, False),
        (graph(429, "ApplicationThrottled"), Cause.THROTTLED, False),
        (graph(404, "MailboxNotEnabledForRESTAPI"), Cause.MAILBOX_DISABLED, False),
        (graph(400, "ErrorMimeContentInvalidBase64String"), Cause.MESSAGE_REFUSED, False),
        (graph(403, "ErrorSendAsDenied"), Cause.MESSAGE_REFUSED, False),
        (graph(403, "SomethingNew"), Cause.UNKNOWN_ANSWER, False),
        (graph(500, "generalException"), Cause.PROVIDER_TROUBLE, True),
        (graph(503, "serviceNotAvailable"), Cause.PROVIDER_TROUBLE, False),
        (page(status=504), Cause.PROVIDER_TROUBLE, True),
        (page(), Cause.PORTAL, True),
        (said({"error": "text"}, 400), Cause.UNKNOWN_ANSWER, False),
        (Reply(raw=hang_up), Cause.UNREACHABLE, True),
    ],
)
def test_what_becomes_of_a_message(world: World, reply: Reply, cause: Cause, in_doubt: bool) -> None:
    world.send = lambda _: reply
    result = world.microsoft.send(ANA, tokens(), MIME)
    assert (result.outcome.cause, result.in_doubt) == (cause, in_doubt)
    assert len(world.asked("/sendMail")) == 1, "a message is never sent twice by itself"


def test_a_message_that_never_left_is_not_in_doubt(world: World) -> None:
    world.settings = replace(world.settings, graph_url=f"https://127.0.0.1:{free_port()}")
    result = world.microsoft.send(ANA, tokens(), MIME)
    assert result.outcome.cause is Cause.UNREACHABLE and not result.in_doubt


def test_there_is_no_way_to_revoke(world: World) -> None:
    assert world.microsoft.revoke(ANA, tokens()) is False
    assert world.server.requests == []


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (refused("invalid_grant", 9002313), None),
        (refused("invalid_grant", 70000), None),
        (refused("invalid_request", 9002313), None),
        (refused("invalid_request", 90023), None),
        (refused("invalid_request", 900144), Cause.APP_MISCONFIGURED),
        (refused("unauthorized_client", 700016), Cause.APP_REJECTED),
        (refused("invalid_client", 7000218, status=401), Cause.APP_NOT_PUBLIC),
        (refused("invalid_grant", 70000, status=503), Cause.PROVIDER_TROUBLE),
        (said(fresh_tokens()), Cause.UNKNOWN_ANSWER),
        (page(), Cause.PORTAL),
        (said({"access_token": "x", "id_token": "broken"}), Cause.UNKNOWN_ANSWER),
        (Reply(raw=hang_up), Cause.UNREACHABLE),
    ],
)
def test_the_client_is_tested_without_a_sign_in(world: World, reply: Reply, cause: Cause | None) -> None:
    world.token = lambda _: reply
    assert world.microsoft.test_client().cause is cause


# Where everything goes
@pytest.mark.parametrize(
    ("settings", "login", "graph_host"),
    [
        (ProviderSettings(CLIENT), "login.microsoftonline.com", "graph.microsoft.com"),
        (
            ProviderSettings(
                CLIENT,
                authority="https://login.microsoftonline.us/common",
                graph_url="https://graph.microsoft.us/",
            ),
            "login.microsoftonline.us",
            "graph.microsoft.us",
        ),
        (
            ProviderSettings(
                CLIENT,
                authority="https://login.partner.microsoftonline.cn/organizations",
                graph_url="https://microsoftgraph.chinacloudapi.cn",
            ),
            "login.partner.microsoftonline.cn",
            "microsoftgraph.chinacloudapi.cn",
        ),
    ],
)
def test_only_microsofts_own_hosts_are_contacted_over_https(
    clock: FakeClock, settings: ProviderSettings, login: str, graph_host: str
) -> None:
    tenant = urlsplit(settings.authority or Endpoints().microsoft_authority).path

    def answer(_: str, url: str) -> object:
        if "openid-configuration" in url:
            base = f"https://{login}{tenant}/oauth2/v2.0"
            return ok(
                {
                    "issuer": f"https://{login}/{{tenantid}}/v2.0",
                    "authorization_endpoint": f"{base}/authorize",
                    "token_endpoint": f"{base}/token",
                }
            )
        if "/me?" in url:
            return ok({"id": OID, "mail": "ana@example.com"})
        return ok({}, 202) if "sendMail" in url else ok(fresh_tokens())

    transport = RecordingTransport(answer)  # type: ignore[arg-type]
    microsoft = Microsoft(transport, Endpoints(), lambda _: settings, clock)
    request = microsoft.begin(REDIRECT, "ana@example.com")
    assert request.url.startswith(f"https://{login}{tenant}/oauth2/v2.0/authorize?")
    assert f"https://{graph_host}/Mail.Send" in query(request.url)["scope"].split()
    redeemed = microsoft.redeem(request, {"state": request.state, "code": "x"})
    assert redeemed.tokens is not None
    microsoft.probe(ANA, tokens(), fresh=True)
    microsoft.send(ANA, tokens(), MIME)
    microsoft.revoke(ANA, tokens())
    microsoft.test_client()
    assert set(transport.urls) == {
        f"https://{login}{tenant}/v2.0/.well-known/openid-configuration",
        f"https://{login}{tenant}/oauth2/v2.0/token",
        f"https://{graph_host}/v1.0/me?$select=id,mail,userPrincipalName,displayName",
        f"https://{graph_host}/v1.0/me/sendMail",
    }


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.INSECURE])
@pytest.mark.parametrize("sent", [False, True])
def test_no_fault_of_the_network_costs_a_grant(clock: FakeClock, fault: Fault, sent: bool) -> None:
    transport = RecordingTransport(lambda *_: TransportFault(fault, "login.microsoftonline.com", sent=sent))
    microsoft = Microsoft(transport, Endpoints(), lambda _: ProviderSettings(CLIENT), clock)
    assert microsoft.probe(ANA, tokens()).outcome.kind is OutcomeKind.TRANSIENT
    result = microsoft.send(ANA, tokens(), MIME)
    assert result.outcome.kind is OutcomeKind.TRANSIENT and result.in_doubt is sent
