"""The Google stand-in, as google-auth and google-auth-oauthlib find it."""

import base64
import hashlib
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from google.auth.exceptions import RefreshError, TransportError
from oauthlib.oauth2.rfc6749.errors import AccessDeniedError, OAuth2Error  # type: ignore[import-untyped]

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control, Door, SandboxControl
from reply_desktop.sandbox.person import Person, Seen
from reply_desktop.sandbox.process import Sandbox
from tests.sandbox.callers import (
    ANA,
    BEN,
    CLEO,
    EMAIL,
    GOOGLE_REDIRECT,
    GOOGLE_SCOPES,
    SEND,
    access_token,
    api,
    callback,
    google_client,
    google_consent,
    google_flow,
    google_link,
    google_refresh,
    mail,
    refresh_by_hand,
    send_gmail,
    web,
)


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def link(sandbox: Sandbox, **changes: str) -> str:
    fields = {
        "client_id": google_client(sandbox)["client_id"],
        "redirect_uri": GOOGLE_REDIRECT,
        "response_type": "code",
        "scope": " ".join(GOOGLE_SCOPES),
        "state": "state-1",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
        "login_hint": ANA,
    } | changes
    return f"{sandbox.google_auth_uri}?{urlencode(fields)}"


VERIFIER = "v" * 64


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def redeem(sandbox: Sandbox, seen: Seen, **changes: str) -> requests.Response:
    client = google_client(sandbox)
    fields = {
        "grant_type": "authorization_code",
        "code": callback(seen)["code"],
        "redirect_uri": GOOGLE_REDIRECT,
        "code_verifier": VERIFIER,
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
    } | changes
    with web(sandbox) as session:
        return session.post(sandbox.google_token_uri, data={k: v for k, v in fields.items() if v}, timeout=10)


def test_a_whole_sign_in_with_googles_own_libraries(sandbox: Sandbox, control: SandboxControl) -> None:
    credentials = google_consent(sandbox)
    assert set(credentials.granted_scopes) == set(GOOGLE_SCOPES)
    assert len(str(credentials.refresh_token)) <= 512 and len(access_token(credentials)) <= 2048
    first = credentials.token
    google_refresh(credentials)
    assert credentials.token != first
    identity = api(sandbox, "get", sandbox.google_userinfo_uri, access_token(credentials)).json()
    assert (identity["email"], identity["email_verified"]) == (ANA, True) and identity["sub"].isdigit()
    assert [each.grants > 0 for each in control.state().mailboxes if each.address == ANA] == [True]


def test_the_client_file_is_the_consoles(sandbox: Sandbox) -> None:
    client = google_client(sandbox)
    assert set(client) == {
        "client_id",
        "project_id",
        "auth_uri",
        "token_uri",
        "auth_provider_x509_cert_url",
        "client_secret",
        "redirect_uris",
    }
    assert client["auth_uri"] == sandbox.google_auth_uri and client["token_uri"] == sandbox.google_token_uri


def test_a_refresh_brings_no_refresh_token(sandbox: Sandbox) -> None:
    answer = refresh_by_hand(sandbox, google_consent(sandbox)).json()
    assert "refresh_token" not in answer
    assert answer["token_type"] == "Bearer" and set(answer["scope"].split()) == set(GOOGLE_SCOPES)


def test_a_second_sign_in_brings_a_refresh_token_only_when_consent_is_prompted(
    sandbox: Sandbox, control: SandboxControl
) -> None:
    control.apply(Control.REMOVE_ACCESS, BEN)
    assert google_consent(sandbox, BEN, prompt="select_account").refresh_token
    assert not google_consent(sandbox, BEN, prompt="select_account").refresh_token
    assert google_consent(sandbox, BEN, prompt="consent").refresh_token


def test_the_callback_repeats_state_and_names_the_scopes(sandbox: Sandbox) -> None:
    told = callback(Person().consent(link(sandbox), follow=False))
    assert told["state"] == "state-1" and set(told["scope"].split()) == set(GOOGLE_SCOPES)
    assert "iss" not in told


@pytest.mark.parametrize(("value", "own"), [("own", True), ("wrong", False)])
def test_the_callback_can_name_its_issuer(
    sandbox: Sandbox, control: SandboxControl, value: str, own: bool
) -> None:
    control.apply(Control.CALLBACK_ISS, Provider.GOOGLE, value=value)
    told = callback(Person().consent(link(sandbox), follow=False))
    assert (told["iss"] == sandbox.google_issuer) is own


def test_short_scope_names_come_back_long(sandbox: Sandbox) -> None:
    flow = google_flow(sandbox, ["email", SEND])
    seen = Person().consent(google_link(flow), follow=False)
    # oauthlib takes an alias for a change of scope and raises it as a Warning.
    with pytest.raises(Warning, match="Scope has changed"):
        flow.fetch_token(code=callback(seen)["code"])


def test_an_unticked_permission_is_not_granted(sandbox: Sandbox) -> None:
    seen = Person().consent(link(sandbox), untick=["gmail.send"], follow=False)
    answer = redeem(sandbox, seen).json()
    assert set(answer["scope"].split()) == {"openid", EMAIL}
    refused = send_gmail(sandbox, answer["access_token"], mail(ANA))
    assert refused.status_code == 403
    assert refused.json()["error"]["errors"][0]["reason"] == "insufficientPermissions"
    assert refused.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_denial_comes_back_with_state(sandbox: Sandbox) -> None:
    flow = google_flow(sandbox)
    seen = Person().consent(google_link(flow), ANA, allow=False, follow=False)
    assert seen.error == "access_denied" and callback(seen)["state"]
    with pytest.raises(AccessDeniedError):
        flow.fetch_token(authorization_response=seen.location)


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"code_verifier": "w" * 64}, "invalid_grant", "Invalid code verifier."),
        ({"code_verifier": ""}, "invalid_grant", "Missing code verifier."),
        ({"redirect_uri": "http://127.0.0.1:50124/google"}, "redirect_uri_mismatch", "Bad Request"),
        ({"code": "made-up"}, "invalid_grant", "Malformed auth code."),
        ({"client_secret": "GOCSPX-wrong"}, "invalid_client", "The provided client secret is invalid."),
        ({"client_secret": ""}, "invalid_request", "client_secret is missing."),
        ({"client_id": "nobody"}, "invalid_client", "The OAuth client was not found."),
        ({"grant_type": "password"}, "unsupported_grant_type", ""),
    ],
)
def test_a_code_is_redeemed_only_as_it_was_asked_for(
    sandbox: Sandbox, changes: dict[str, str], error: str, description: str
) -> None:
    seen = Person().consent(link(sandbox), follow=False)
    refused = redeem(sandbox, seen, **changes)
    assert refused.status_code == (401 if error == "invalid_client" else 400)
    assert refused.json()["error"] == error and description in refused.json()["error_description"]
    assert redeem(sandbox, seen).status_code == 200, "a refused attempt must not spend the code"


def test_a_code_is_redeemed_once(sandbox: Sandbox) -> None:
    seen = Person().consent(link(sandbox), follow=False)
    assert redeem(sandbox, seen).status_code == 200
    assert redeem(sandbox, seen).json() == {"error": "invalid_grant", "error_description": "Bad Request"}


def test_a_code_asked_without_challenge_takes_no_verifier(sandbox: Sandbox) -> None:
    seen = Person().consent(link(sandbox, code_challenge="", code_challenge_method=""), follow=False)
    assert redeem(sandbox, seen, code_verifier="").status_code == 200


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri_mismatch", 400),
        ({"client_id": "nobody"}, "invalid_client", 401),
        ({"response_type": "token"}, "invalid_request", 400),
        ({"scope": ""}, "invalid_request", 400),
    ],
)
def test_a_wrong_request_is_told_in_the_browser_only(
    sandbox: Sandbox, changes: dict[str, str], code: str, status: int
) -> None:
    seen = Person().consent(link(sandbox, **changes))
    assert (seen.redirected, seen.error, seen.status) == (False, code, status)


@pytest.mark.parametrize(
    ("control_name", "target", "code"),
    [
        (Control.ADMIN_BLOCK, ANA, "admin_policy_enforced"),
        (Control.ACCOUNT_DISABLED, ANA, "account_disabled"),
        (Control.NOT_TEST_USER, ANA, "access_denied"),
        (Control.ORG_INTERNAL, "google", "org_internal"),
        (Control.INVALID_CLIENT, "google", "invalid_client"),
        (Control.CLIENT_DELETED, "google", "deleted_client"),
    ],
)
def test_a_refusal_at_sign_in_is_told_in_the_browser_only(
    sandbox: Sandbox, control: SandboxControl, control_name: Control, target: str, code: str
) -> None:
    control.apply(control_name, target)
    seen = Person().consent(link(sandbox), ANA)
    assert (seen.redirected, seen.error) == (False, code)
    control.clear(control_name, target)
    assert Person().consent(link(sandbox), ANA, follow=False).redirected


def test_registered_redirects_can_be_limited(sandbox: Sandbox, control: SandboxControl) -> None:
    control.apply(Control.REDIRECTS, Provider.GOOGLE, uris=["http://127.0.0.1/other"])
    assert Person().consent(link(sandbox)).error == "redirect_uri_mismatch"
    fits = link(sandbox, redirect_uri="http://127.0.0.1:50999/other")
    assert Person().consent(fits, follow=False).redirected


REVOKED = "Token has been expired or revoked."


@pytest.mark.parametrize(
    "deed", [Control.REMOVE_ACCESS, Control.CHANGE_PASSWORD, Control.END_TESTING, Control.END_UNUSED]
)
def test_a_grant_that_ended_stays_dead_and_consent_mends(
    sandbox: Sandbox, control: SandboxControl, deed: Control
) -> None:
    lost, kept = google_consent(sandbox, ANA), google_consent(sandbox, BEN)
    control.apply(deed, ANA)
    with pytest.raises(RefreshError) as refused:
        google_refresh(lost)
    assert refused.value.args[1] == {"error": "invalid_grant", "error_description": REVOKED}
    assert api(sandbox, "get", sandbox.google_userinfo_uri, str(lost.token)).status_code == 401
    google_refresh(kept)
    google_refresh(google_consent(sandbox, ANA))
    with pytest.raises(RefreshError):
        google_refresh(lost)


def test_a_password_change_spares_a_grant_without_gmail(sandbox: Sandbox, control: SandboxControl) -> None:
    identity_only = google_consent(sandbox, ANA, scopes=("openid", EMAIL))
    control.apply(Control.CHANGE_PASSWORD, ANA)
    google_refresh(identity_only)


@pytest.mark.parametrize(
    ("control_name", "target", "status", "body"),
    [
        (Control.ACCOUNT_DISABLED, ANA, 400, {"error": "invalid_grant"}),
        (Control.ADMIN_BLOCK, ANA, 400, {"error": "admin_policy_enforced"}),
        (Control.SESSION_CONTROL, ANA, 400, {"error": "invalid_grant", "error_subtype": "invalid_rapt"}),
        (Control.INVALID_CLIENT, "google", 401, {"error": "invalid_client"}),
        (Control.CLIENT_DELETED, "google", 401, {"error": "deleted_client"}),
    ],
)
def test_what_a_refresh_meets_and_that_clearing_heals_it(
    sandbox: Sandbox,
    control: SandboxControl,
    control_name: Control,
    target: str,
    status: int,
    body: dict[str, str],
) -> None:
    credentials = google_consent(sandbox, ANA)
    control.apply(control_name, target)
    refused = refresh_by_hand(sandbox, credentials)
    assert refused.status_code == status
    assert refused.json().items() >= body.items() and refused.json()["error_description"]
    control.clear(control_name, target)
    google_refresh(credentials)


def test_session_control_is_satisfied_by_a_new_sign_in(sandbox: Sandbox, control: SandboxControl) -> None:
    before = google_consent(sandbox, ANA)
    control.apply(Control.SESSION_CONTROL, ANA)
    with pytest.raises(RefreshError, match=r"[Rr]eauth"):
        google_refresh(before)
    google_refresh(google_consent(sandbox, ANA))


def test_testing_mode_announces_its_end(sandbox: Sandbox, control: SandboxControl) -> None:
    assert (
        "refresh_token_expires_in"
        not in redeem(sandbox, Person().consent(link(sandbox), follow=False)).json()
    )
    control.apply(Control.TESTING_MODE, Provider.GOOGLE)
    answer = redeem(sandbox, Person().consent(link(sandbox), follow=False)).json()
    assert 604_000 < answer["refresh_token_expires_in"] <= 604_800
    control.apply(Control.TESTING_MODE, Provider.GOOGLE, seconds=0)
    assert refresh_by_hand(sandbox, google_consent(sandbox)).json()["error_description"] == REVOKED
    # A token issued in Testing keeps its end after the app is published.
    control.apply(Control.TESTING_MODE, Provider.GOOGLE, seconds=0)
    ended = google_consent(sandbox)
    control.clear(Control.TESTING_MODE, Provider.GOOGLE)
    assert refresh_by_hand(sandbox, ended).status_code == 400


def test_withheld_scopes(sandbox: Sandbox, control: SandboxControl) -> None:
    control.apply(Control.WITHHOLD_SCOPE, ANA, times=1)
    answer = redeem(sandbox, Person().consent(link(sandbox), follow=False)).json()
    assert SEND not in answer["scope"]


def test_an_unknown_refresh_token(sandbox: Sandbox) -> None:
    refused = refresh_by_hand(sandbox, google_consent(sandbox), refresh_token="1//0not-ours")
    assert refused.json() == {"error": "invalid_grant", "error_description": "Bad Request"}


def test_a_scope_that_was_not_granted_cannot_be_refreshed(sandbox: Sandbox) -> None:
    refused = refresh_by_hand(sandbox, google_consent(sandbox), scope="https://mail.google.com/")
    assert refused.json()["error"] == "invalid_scope"


def test_revocation_ends_every_grant_of_the_account_and_is_told_apart_when_gone(sandbox: Sandbox) -> None:
    first, second = google_consent(sandbox, CLEO), google_consent(sandbox, CLEO)
    with web(sandbox) as session:
        done = session.post(sandbox.google_revoke_uri, data={"token": second.refresh_token}, timeout=10)
        again = session.post(sandbox.google_revoke_uri, data={"token": second.refresh_token}, timeout=10)
    assert done.status_code == 200
    assert again.status_code == 400 and again.json()["error"] == "invalid_token"
    assert refresh_by_hand(sandbox, first).json()["error_description"] == REVOKED


def test_an_access_token_revokes_its_grant_too(sandbox: Sandbox) -> None:
    credentials = google_consent(sandbox, CLEO)
    with web(sandbox) as session:
        session.post(sandbox.google_revoke_uri, data={"token": credentials.token}, timeout=10)
    assert refresh_by_hand(sandbox, credentials).status_code == 400


def test_tokeninfo_tells_the_granted_scopes(sandbox: Sandbox) -> None:
    credentials = google_consent(sandbox)
    with web(sandbox) as session:
        told = session.get(
            sandbox.google_tokeninfo_uri, params={"access_token": credentials.token}, timeout=10
        )
        of_refresh = session.get(
            sandbox.google_tokeninfo_uri, params={"access_token": credentials.refresh_token}, timeout=10
        )
    assert set(told.json()["scope"].split()) == set(GOOGLE_SCOPES) and told.json()["email"] == ANA
    assert of_refresh.status_code == 400, "refresh tokens are none of its business"


def test_short_lived_access_tokens(sandbox: Sandbox, control: SandboxControl) -> None:
    control.apply(Control.SHORT_TOKENS, Provider.GOOGLE, seconds=0)
    token = redeem(sandbox, Person().consent(link(sandbox), follow=False)).json()["access_token"]
    assert api(sandbox, "get", sandbox.google_userinfo_uri, token).status_code == 401


def test_gmail_takes_mail_and_rewrites_its_id(sandbox: Sandbox, control: SandboxControl) -> None:
    after = max((each.id for each in control.messages()), default=0)
    sent = send_gmail(
        sandbox, access_token(google_consent(sandbox)), mail("Somebody <else@harbor.example>", "Grüezi")
    )
    assert sent.status_code == 200 and sent.json()["labelIds"] == ["SENT"]
    (kept,) = control.messages(after=after, account=ANA)
    assert (kept.channel, kept.subject, kept.sender) == ("gmail", "Grüezi", ANA)
    assert kept.recipients == ("prospect@elsewhere.example",) and kept.message_id.endswith("@mail.gmail.com>")
    raw = control.raw_message(kept.id)
    assert b"own-id@reply.example" in raw and b"X-Reply-Marker: marker-1" in raw and len(raw) == kept.size


@pytest.mark.parametrize(
    ("control_name", "target", "status", "reason"),
    [
        (Control.API_OFF, "google", 403, "accessNotConfigured"),
        (Control.RATE_LIMIT, ANA, 403, "rateLimitExceeded"),
        (Control.MAIL_OFF, ANA, 400, "failedPrecondition"),
    ],
)
def test_what_gmail_refuses(
    sandbox: Sandbox, control: SandboxControl, control_name: Control, target: str, status: int, reason: str
) -> None:
    token = access_token(google_consent(sandbox))
    control.apply(control_name, target)
    refused = send_gmail(sandbox, token, mail(ANA))
    assert refused.status_code == status
    assert refused.json()["error"]["errors"][0]["reason"] == reason


def test_gmail_refuses_a_foreign_or_dead_token_and_a_bad_body(
    sandbox: Sandbox, control: SandboxControl
) -> None:
    token = access_token(google_consent(sandbox))
    bad = api(sandbox, "post", f"{sandbox.gmail_url}/gmail/v1/users/me/messages/send", token, json={"raw": 5})
    assert bad.status_code == 400
    control.apply(Control.REMOVE_ACCESS, ANA)
    for each in (token, "made-up"):
        refused = send_gmail(sandbox, each, mail(ANA))
        assert refused.status_code == 401
        assert refused.json()["error"]["errors"][0]["reason"] == "authError"


def test_a_lost_answer_leaves_a_live_grant(sandbox: Sandbox, control: SandboxControl) -> None:
    credentials = google_consent(sandbox)
    control.apply(Control.LOSE_ANSWER, ANA, times=1)
    with pytest.raises(TransportError):
        google_refresh(credentials)
    google_refresh(credentials)


def test_a_code_whose_answer_was_lost_is_spent(sandbox: Sandbox, control: SandboxControl) -> None:
    control.apply(Control.LOSE_ANSWER, ANA, times=1)
    seen = Person().consent(link(sandbox), follow=False)
    with pytest.raises(requests.ConnectionError):
        redeem(sandbox, seen)
    assert redeem(sandbox, seen).json()["error"] == "invalid_grant"


def test_a_lost_answer_of_a_send_has_sent(sandbox: Sandbox, control: SandboxControl) -> None:
    token = access_token(google_consent(sandbox))
    control.forget_messages()
    control.apply(Control.LOSE_ANSWER, ANA, times=1, where=[Door.API])
    with pytest.raises(requests.ConnectionError):
        send_gmail(sandbox, token, mail(ANA))
    assert len(control.messages(account=ANA)) == 1


def test_the_flow_of_another_state_is_refused_by_the_library(sandbox: Sandbox) -> None:
    flow, other = google_flow(sandbox), google_flow(sandbox)
    google_link(flow)
    seen = Person().consent(google_link(other), ANA, follow=False)
    with pytest.raises(OAuth2Error, match="state"):
        flow.fetch_token(authorization_response=seen.location)


def test_the_connected_apps_page_removes_access(sandbox: Sandbox) -> None:
    credentials = google_consent(sandbox)
    with web(sandbox) as session:
        page = session.get(sandbox.google_connections_url, params={"authuser": ANA}, timeout=10)
        assert "Remove access" in page.text and BEN not in page.text
        page = session.post(sandbox.google_connections_url, data={"authuser": ANA}, timeout=10)
    assert "No app has access" in page.text
    assert refresh_by_hand(sandbox, credentials).json()["error_description"] == REVOKED


def test_only_the_providers_addresses_are_there(sandbox: Sandbox) -> None:
    with web(sandbox) as session:
        for path in ("/", "/oauth2/token", "/oauth2/authorize", "/users/x", "/oidc/login", "/jwks"):
            assert session.get(sandbox.gmail_url + path, timeout=10).status_code in (404, 405), path
        assert session.put(f"{sandbox.gmail_url}/users/x", json={}, timeout=10).status_code == 404


def test_the_id_token_names_the_person_and_is_signed_with_the_published_key(sandbox: Sandbox) -> None:
    from joserfc import jwt
    from joserfc.jwk import KeySet

    credentials = google_consent(sandbox)
    google_refresh(credentials)
    with web(sandbox) as session:
        keys = KeySet.import_key_set(session.get(f"{sandbox.gmail_url}/oauth2/v3/certs", timeout=10).json())
    claims = jwt.decode(credentials.id_token, keys).claims
    assert claims["email"] == ANA and claims["iss"] == sandbox.google_issuer
    assert claims["aud"] == google_client(sandbox)["client_id"]


def test_the_hint_may_be_the_subject(sandbox: Sandbox) -> None:
    identity = api(
        sandbox, "get", sandbox.google_userinfo_uri, access_token(google_consent(sandbox, BEN))
    ).json()
    seen = Person().consent(link(sandbox, login_hint=identity["sub"]), follow=False)
    token = redeem(sandbox, seen).json()["access_token"]
    assert api(sandbox, "get", sandbox.google_userinfo_uri, token).json()["email"] == BEN


def test_another_account_can_be_chosen_than_the_hinted_one(sandbox: Sandbox) -> None:
    seen = Person().consent(link(sandbox, login_hint=ANA), CLEO, follow=False)
    token = redeem(sandbox, seen).json()["access_token"]
    assert api(sandbox, "get", sandbox.google_userinfo_uri, token).json()["email"] == CLEO


def test_the_link_repeats_what_the_library_made(sandbox: Sandbox) -> None:
    asked = parse_qs(urlsplit(google_link(google_flow(sandbox))).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["login_hint"] == [ANA]


READ = "https://www.googleapis.com/auth/gmail.readonly"


def gmail(sandbox: Sandbox, token: str, path: str, **fields: str) -> requests.Response:
    return api(sandbox, "get", f"{sandbox.gmail_url}/gmail/v1/users/me/{path}", token, params=fields)


@pytest.fixture
def reading(sandbox: Sandbox) -> str:
    """An access token that may send and read."""
    return access_token(google_consent(sandbox, BEN, scopes=(*GOOGLE_SCOPES, READ)))


def test_a_mailbox_is_read_by_search_and_history(
    sandbox: Sandbox, control: SandboxControl, reading: str
) -> None:
    start = gmail(sandbox, reading, "profile").json()
    assert start["emailAddress"] == BEN
    sent = send_gmail(sandbox, reading, mail(BEN)).json()
    (out,) = control.messages(account=BEN)[-1:]
    control.reply(out.id, "Yes")
    (record,) = gmail(sandbox, reading, "history", startHistoryId=start["historyId"]).json()["history"]
    came = record["messagesAdded"][0]["message"]
    assert came["threadId"] == sent["threadId"] and came["id"] != sent["id"]
    found = gmail(sandbox, reading, "messages", q=f"in:sent rfc822msgid:{out.message_id.strip('<>')}").json()
    assert [row["id"] for row in found["messages"]] == [sent["id"]]
    assert gmail(sandbox, reading, "messages", q="in:inbox after:99999999999").json() == {
        "resultSizeEstimate": 0
    }
    whole = gmail(sandbox, reading, f"messages/{sent['id']}", format="raw").json()
    assert whole["labelIds"] == ["SENT"] and whole["raw"]
    some = gmail(sandbox, reading, f"messages/{came['id']}", format="metadata", metadataHeaders="In-Reply-To")
    assert some.json()["payload"]["headers"] == [{"name": "In-Reply-To", "value": out.message_id}]


@pytest.mark.parametrize(
    ("path", "fields", "status", "reason"),
    [
        ("history", {"startHistoryId": "7"}, 404, "notFound"),
        ("history", {"startHistoryId": "99999999"}, 404, "notFound"),
        ("messages/1000000000ffffff", {"format": "raw"}, 404, "notFound"),
        ("messages/rubbish", {"format": "raw"}, 404, "notFound"),
        ("messages", {"q": "from:somebody"}, 400, "invalidArgument"),
    ],
)
def test_what_cannot_be_read(
    sandbox: Sandbox, reading: str, path: str, fields: dict[str, str], status: int, reason: str
) -> None:
    answer = gmail(sandbox, reading, path, **fields)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (status, reason)


def test_reading_needs_its_own_permission(sandbox: Sandbox) -> None:
    answer = gmail(sandbox, access_token(google_consent(sandbox)), "messages")
    assert answer.status_code == 403 and "insufficientPermissions" in answer.text


def test_a_thread_that_is_not_there(sandbox: Sandbox, reading: str) -> None:
    body = {"raw": base64.urlsafe_b64encode(mail(BEN)).decode(), "threadId": "0123456789abcdef"}
    url = f"{sandbox.gmail_url}/gmail/v1/users/me/messages/send"
    assert api(sandbox, "post", url, reading, json=body).status_code == 404


def test_the_sending_limit_names_its_end(sandbox: Sandbox, control: SandboxControl, reading: str) -> None:
    control.apply(Control.SENDING_LIMIT, BEN, retry_after_s=60)
    answer = send_gmail(sandbox, reading, mail(BEN))
    assert answer.status_code == 429 and "Retry after 2" in answer.json()["error"]["message"]
    assert gmail(sandbox, reading, "profile").status_code == 200, "reading goes on"
