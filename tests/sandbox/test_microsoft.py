"""The Microsoft stand-in, as msal finds it."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control, Door, SandboxControl
from reply_desktop.sandbox.entra import ENTRA
from reply_desktop.sandbox.person import NotOnThePage, Person, Seen
from reply_desktop.sandbox.process import Sandbox
from reply_desktop.sandbox.world import PERSONAL_TENANT
from tests.sandbox.callers import (
    DANA,
    EMIL,
    FINN,
    GRAPH_SCOPES,
    MICROSOFT_REDIRECT,
    MicrosoftCaller,
    api,
    callback,
    mail,
    microsoft_app,
    microsoft_consent,
    microsoft_flow,
    send_graph,
    web,
)

pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning")

VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def pages(sandbox: Sandbox, tenant: str = "common") -> str:
    return sandbox.microsoft_connections_url.replace("/connections", f"/{tenant}/oauth2/v2.0/authorize")


def link(sandbox: Sandbox, tenant: str = "common", **changes: str) -> str:
    fields = {
        "client_id": sandbox.microsoft_client_id,
        "redirect_uri": MICROSOFT_REDIRECT,
        "response_type": "code",
        "scope": "openid profile offline_access Mail.Send User.Read",
        "state": "state-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "login_hint": DANA,
    } | changes
    return f"{pages(sandbox, tenant)}?{urlencode(fields)}"


def token(sandbox: Sandbox, **fields: str) -> requests.Response:
    body = {"client_id": sandbox.microsoft_client_id} | fields
    with web(sandbox) as session:
        return session.post(f"{sandbox.microsoft_authority}/oauth2/v2.0/token", data=body, timeout=10)


def redeem(sandbox: Sandbox, seen: Seen, **changes: str) -> requests.Response:
    fields = {
        "grant_type": "authorization_code",
        "code": callback(seen)["code"],
        "redirect_uri": MICROSOFT_REDIRECT,
        "code_verifier": VERIFIER,
    } | changes
    return token(sandbox, **{name: value for name, value in fields.items() if value})


def refresh(sandbox: Sandbox, refresh_token: str, scope: str = "Mail.Send User.Read") -> requests.Response:
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token, "scope": scope}
    return token(sandbox, **{name: value for name, value in fields.items() if value})


def claims_of(answer: dict[str, Any]) -> dict[str, Any]:
    claims: dict[str, Any] = answer["id_token_claims"]
    return claims


_signed_in: dict[int, MicrosoftCaller] = {}


def signed_in(sandbox: Sandbox) -> MicrosoftCaller:
    """One sign-in of Dana for the many tests that do not end it."""
    if sandbox.pid not in _signed_in:
        _signed_in[sandbox.pid] = microsoft_consent(sandbox)
    return _signed_in[sandbox.pid]


def test_a_whole_sign_in_with_msal(sandbox: Sandbox) -> None:
    caller = microsoft_consent(sandbox, DANA)
    claims = claims_of(caller.tokens)
    assert claims["preferred_username"] == DANA and claims["iss"].endswith(f"/{claims['tid']}/v2.0")
    known = json.loads(base64.urlsafe_b64decode(caller.tokens["client_info"] + "=="))
    assert known == {"uid": claims["oid"], "utid": claims["tid"]}
    me = api(sandbox, "get", f"{sandbox.graph_url}/v1.0/me", caller.tokens["access_token"]).json()
    assert (me["mail"], me["userPrincipalName"], me["id"]) == (DANA, DANA, claims["oid"])


def test_a_personal_account_lives_in_the_consumers_tenant(sandbox: Sandbox) -> None:
    claims = claims_of(microsoft_consent(sandbox, EMIL).tokens)
    assert claims["tid"] == PERSONAL_TENANT and claims["oid"].startswith("00000000-0000-0000-")


def test_msal_refreshes_an_account_of_its_cache(sandbox: Sandbox) -> None:
    with web(sandbox) as session:
        app = microsoft_app(sandbox, session)
        flow = microsoft_flow(app, DANA)
        seen = Person().consent(flow["auth_uri"], DANA, follow=False)
        first = app.acquire_token_by_auth_code_flow(flow, callback(seen))
        (account,) = app.get_accounts()
        answer = app.acquire_token_silent_with_error(list(GRAPH_SCOPES), account, force_refresh=True)
    assert account["username"] == DANA
    assert answer["access_token"] != first["access_token"]


def test_every_refresh_rotates_and_the_old_token_stays_good(sandbox: Sandbox) -> None:
    caller = microsoft_consent(sandbox)
    first = caller.tokens["refresh_token"]
    second = caller.refresh()["refresh_token"]
    third = caller.refresh(token=second)["refresh_token"]
    assert len({first, second, third}) == 3
    assert "access_token" in caller.refresh(token=first)


@pytest.mark.parametrize("scopes", [("Mail.Send",), ("https://graph.microsoft.com/Mail.Send",)])
def test_scopes_come_back_as_they_were_asked_and_without_offline_access(
    sandbox: Sandbox, scopes: tuple[str, ...]
) -> None:
    scope = microsoft_consent(sandbox).refresh(scopes)["scope"].split()
    assert set(scope) == {*scopes, "openid", "profile"}


def test_the_sandboxes_own_graph_address_names_the_same_scopes(sandbox: Sandbox) -> None:
    caller = microsoft_consent(sandbox)
    answer = caller.refresh([f"{sandbox.graph_url}/Mail.Send"])
    assert send_graph(sandbox, answer["access_token"], mail(DANA)).status_code == 202


@pytest.mark.parametrize(
    ("tenant", "offered"),
    [
        ("common", {DANA, EMIL, FINN}),
        ("organizations", {DANA, FINN}),
        ("consumers", {EMIL}),
        ("fjord.example", {DANA, FINN}),
    ],
)
def test_a_tenant_offers_its_own_mailboxes(sandbox: Sandbox, tenant: str, offered: set[str]) -> None:
    authority = sandbox.microsoft_authority.replace("common", tenant)
    with web(sandbox) as session:
        app = microsoft_app(sandbox, session, authority)
        flow = microsoft_flow(app, sorted(offered)[0])
        page = session.get(flow["auth_uri"], timeout=10).text
        assert {each for each in (DANA, EMIL, FINN) if each in page} == offered
        seen = Person().consent(flow["auth_uri"], sorted(offered)[0], follow=False)
        assert "access_token" in app.acquire_token_by_auth_code_flow(flow, callback(seen))


def test_a_tenant_by_id(sandbox: Sandbox) -> None:
    tenant = claims_of(microsoft_consent(sandbox, DANA).tokens)["tid"]
    with web(sandbox) as session:
        app = microsoft_app(sandbox, session, sandbox.microsoft_authority.replace("common", tenant))
        assert app.authority.tenant == tenant


def test_oidc_authority_is_accepted_too(sandbox: Sandbox) -> None:
    import msal

    from tests.sandbox.callers import Transport

    with web(sandbox) as session:
        msal.PublicClientApplication(
            sandbox.microsoft_client_id,
            oidc_authority=f"{sandbox.microsoft_authority}/v2.0",
            instance_discovery=False,
            http_client=Transport(session),
        )


def test_an_unknown_tenant(sandbox: Sandbox) -> None:
    authority = sandbox.microsoft_authority.replace("common", "nowhere.example")
    with web(sandbox) as session, pytest.raises(ValueError, match="nowhere"):
        microsoft_app(sandbox, session, authority)
    assert Person().consent(link(sandbox, "nowhere.example")).error == "AADSTS90002"


def test_a_mailbox_of_another_tenant_cannot_refresh_there(sandbox: Sandbox) -> None:
    caller = microsoft_consent(sandbox, DANA)
    with web(sandbox) as session:
        app = microsoft_app(sandbox, session, sandbox.microsoft_authority.replace("common", "consumers"))
        answer = app.acquire_token_by_refresh_token(caller.tokens["refresh_token"], scopes=list(GRAPH_SCOPES))
    assert answer["error_codes"] == [50020]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uri": "http://localhost:50123/elsewhere"}, "AADSTS50011"),
        ({"redirect_uri": "http://127.0.0.1:50123/microsoft"}, "AADSTS50011"),
        ({"redirect_uri": "http://localhost:50123/microsoft?x=1"}, "AADSTS50011"),
        ({"client_id": "11111111-2222-3333-4444-555555555555"}, "AADSTS700016"),
        ({"scope": ""}, "AADSTS900144"),
    ],
)
def test_a_wrong_request_is_told_in_the_browser_only(
    sandbox: Sandbox, changes: dict[str, str], code: str
) -> None:
    seen = Person().consent(link(sandbox, **changes))
    assert (seen.redirected, seen.error, seen.status) == (False, code, 400)


def test_the_redirects_port_does_not_count(sandbox: Sandbox) -> None:
    for port in (1025, 50999):
        uri = f"http://localhost:{port}/microsoft"
        assert Person().consent(link(sandbox, redirect_uri=uri), follow=False).redirected


def test_other_redirects_can_be_registered(sandbox: Sandbox, control: SandboxControl) -> None:
    control.apply(Control.REDIRECTS, Provider.MICROSOFT, uris=["http://localhost"])
    assert Person().consent(link(sandbox)).error == "AADSTS50011"
    assert Person().consent(link(sandbox, redirect_uri="http://localhost:50123"), follow=False).redirected


@pytest.mark.parametrize(
    ("control_name", "target", "code"),
    [
        (Control.ACCOUNT_DISABLED, DANA, 50057),
        (Control.ADMIN_BLOCK, DANA, 53003),
        (Control.NOT_ASSIGNED, DANA, 50105),
        (Control.ADMIN_CONSENT, DANA, 90094),
        (Control.CLIENT_DELETED, "microsoft", 700016),
    ],
)
def test_a_bar_is_told_at_sign_in_and_at_refresh(
    sandbox: Sandbox, control: SandboxControl, control_name: Control, target: str, code: int
) -> None:
    caller = microsoft_consent(sandbox, DANA)
    control.apply(control_name, target)
    assert Person().consent(link(sandbox), DANA).error == f"AADSTS{code}"
    refused = caller.refresh()
    assert refused["error_codes"] == [code] and refused["error_description"].startswith(f"AADSTS{code}: ")
    control.clear(control_name, target)
    assert "access_token" in caller.refresh()


@pytest.mark.parametrize(
    ("mailbox", "deed", "code", "suberror"),
    [
        (DANA, Control.REMOVE_ACCESS, 65001, "consent_required"),
        (EMIL, Control.REMOVE_ACCESS, 70000, None),
        (DANA, Control.CHANGE_PASSWORD, 50173, "bad_token"),
        (EMIL, Control.END_UNUSED, 700082, "token_expired"),
    ],
)
def test_a_grant_that_ended_stays_dead_and_consent_mends(
    sandbox: Sandbox, control: SandboxControl, mailbox: str, deed: Control, code: int, suberror: str | None
) -> None:
    lost = microsoft_consent(sandbox, mailbox)
    control.apply(deed, mailbox)
    body = refresh(sandbox, lost.tokens["refresh_token"]).json()
    assert (body["error"], body["error_codes"], body.get("suberror")) == ("invalid_grant", [code], suberror)
    assert lost.refresh()["error"] == "invalid_grant"
    assert "access_token" in microsoft_consent(sandbox, mailbox).refresh()
    assert lost.refresh()["error"] == "invalid_grant"


def test_an_access_token_outlives_its_grant(sandbox: Sandbox, control: SandboxControl) -> None:
    caller = microsoft_consent(sandbox)
    control.apply(Control.REMOVE_ACCESS, DANA)
    assert (
        api(sandbox, "get", f"{sandbox.graph_url}/v1.0/me", caller.tokens["access_token"]).status_code == 200
    )


@pytest.mark.parametrize(
    ("policy", "code"), [(Control.MFA_REQUIRED, 50076), (Control.SIGN_IN_FREQUENCY, 70043)]
)
def test_a_policy_is_satisfied_by_a_new_sign_in(
    sandbox: Sandbox, control: SandboxControl, policy: Control, code: int
) -> None:
    before = microsoft_consent(sandbox)
    control.apply(policy, DANA)
    refused = before.refresh()
    assert refused["error_codes"] == [code]
    assert bool(refused.get("claims")) is (code == 50076)
    assert "access_token" in microsoft_consent(sandbox).refresh()
    control.clear(policy, DANA)
    assert "access_token" in before.refresh()


def test_a_sign_in_frequency_ends_each_grant_so_long_after_its_sign_in(
    sandbox: Sandbox, control: SandboxControl
) -> None:
    control.apply(Control.SIGN_IN_FREQUENCY, DANA, every_s=3600)
    caller = microsoft_consent(sandbox)
    assert "access_token" in caller.refresh()
    control.apply(Control.SIGN_IN_FREQUENCY, DANA, every_s=0.001)
    assert caller.refresh()["error_codes"] == [70043]
    control.clear(Control.SIGN_IN_FREQUENCY, DANA)
    assert "access_token" in caller.refresh()


@pytest.mark.parametrize("code", sorted(ENTRA))
def test_any_entra_code_can_be_answered(sandbox: Sandbox, control: SandboxControl, code: int) -> None:
    caller = signed_in(sandbox)
    control.apply(Control.ENTRA_ERROR, DANA, code=code)
    refused = refresh(sandbox, caller.tokens["refresh_token"])
    body = refused.json()
    assert (refused.status_code, body["error"]) == (ENTRA[code].status, ENTRA[code].error)
    assert body["error_codes"] == [code] and body["error_description"].startswith(f"AADSTS{code}: ")
    assert body["trace_id"] in body["error_description"] and body["timestamp"].endswith("Z")


def test_a_code_of_ones_own_choice(sandbox: Sandbox, control: SandboxControl) -> None:
    caller = signed_in(sandbox)
    control.apply(
        Control.ENTRA_ERROR,
        DANA,
        code=99999,
        error="interaction_required",
        suberror="message_only",
        claims="{}",
    )
    body = refresh(sandbox, caller.tokens["refresh_token"]).json()
    assert (body["error"], body["suberror"], body["claims"]) == ("interaction_required", "message_only", "{}")


@pytest.mark.parametrize(
    ("control_name", "error", "code", "status"),
    [
        (Control.NOT_PUBLIC, "invalid_client", 7000218, 401),
        (Control.INVALID_CLIENT, "invalid_client", 7000215, 401),
        (Control.CLIENT_DELETED, "unauthorized_client", 700016, 400),
    ],
)
def test_a_registration_out_of_order_refuses_everybody(
    sandbox: Sandbox, control: SandboxControl, control_name: Control, error: str, code: int, status: int
) -> None:
    callers = [microsoft_consent(sandbox, each) for each in (DANA, EMIL)]
    control.apply(control_name, Provider.MICROSOFT)
    for caller in callers:
        refused = refresh(sandbox, caller.tokens["refresh_token"])
        assert (refused.status_code, refused.json()["error"]) == (status, error)
        assert refused.json()["error_codes"] == [code]


def test_the_correlation_id_is_the_callers(sandbox: Sandbox, control: SandboxControl) -> None:
    caller = microsoft_consent(sandbox)
    control.apply(Control.ADMIN_BLOCK, DANA)
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": caller.tokens["refresh_token"],
        "scope": "User.Read",
    }
    with web(sandbox) as session:
        refused = session.post(
            f"{sandbox.microsoft_authority}/oauth2/v2.0/token",
            data={"client_id": sandbox.microsoft_client_id, **fields},
            headers={"client-request-id": "my-own-id"},
            timeout=10,
        )
    assert refused.json()["correlation_id"] == "my-own-id"


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"code_verifier": "w" * 64}, "invalid_grant", 501481),
        ({"code_verifier": ""}, "invalid_request", 900144),
        ({"redirect_uri": "http://localhost:50124/microsoft"}, "invalid_grant", 500112),
        ({"code": "made-up"}, "invalid_grant", 70008),
        ({"client_secret": "x"}, "invalid_client", 700025),
        ({"client_id": "11111111-2222-3333-4444-555555555555"}, "unauthorized_client", 700016),
        ({"grant_type": "password"}, "invalid_request", 9002313),
    ],
)
def test_a_code_is_redeemed_only_as_it_was_asked_for(
    sandbox: Sandbox, changes: dict[str, str], error: str, code: int
) -> None:
    seen = Person().consent(link(sandbox), follow=False)
    body = redeem(sandbox, seen, **changes).json()
    assert (body["error"], body["error_codes"]) == (error, [code])
    assert redeem(sandbox, seen).status_code == 200, "a refused attempt must not spend the code"


def test_a_code_is_redeemed_once(sandbox: Sandbox) -> None:
    seen = Person().consent(link(sandbox), follow=False)
    assert redeem(sandbox, seen).status_code == 200
    assert redeem(sandbox, seen).json()["error_codes"] == [54005]


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ("", 90009),
        ("Mail.Send https://outlook.office.com/SMTP.Send", 28000),
        ("https://outlook.office.com/SMTP.Send", 65001),
        ("https://unheard.example/x", 70011),
    ],
)
def test_scopes_a_refresh_cannot_have(sandbox: Sandbox, scope: str, code: int) -> None:
    refused = refresh(sandbox, signed_in(sandbox).tokens["refresh_token"], scope)
    assert refused.json()["error_codes"] == [code]


def test_a_refresh_token_made_up(sandbox: Sandbox) -> None:
    body = refresh(sandbox, "1.AXmade-up").json()
    assert body["error"] == "invalid_grant"


def test_without_offline_access_there_is_no_refresh_token(sandbox: Sandbox) -> None:
    seen = Person().consent(link(sandbox, scope="openid Mail.Send"), follow=False)
    assert "refresh_token" not in redeem(sandbox, seen).json()


def test_withheld_permissions(sandbox: Sandbox, control: SandboxControl) -> None:
    control.apply(Control.WITHHOLD_SCOPE, DANA, times=1)
    answer = redeem(sandbox, Person().consent(link(sandbox), follow=False)).json()
    assert set(answer["scope"].split()) == {"User.Read", "openid", "profile"}
    refused = send_graph(sandbox, answer["access_token"], mail(DANA))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "ErrorAccessDenied")


def test_denial_comes_back_with_state(sandbox: Sandbox) -> None:
    seen = Person().consent(link(sandbox), allow=False, follow=False)
    told = callback(seen)
    assert (told["error"], told["state"]) == ("access_denied", "state-1")
    assert told["error_description"].startswith("AADSTS65004: ")


def test_an_unknown_hint_is_told_on_the_page(sandbox: Sandbox) -> None:
    with web(sandbox) as session:
        page = session.get(link(sandbox, login_hint="zoe@fjord.example"), timeout=10).text
    assert "zoe@fjord.example, which is not a mailbox here" in page
    with pytest.raises(NotOnThePage):
        Person().consent(link(sandbox, login_hint="zoe@fjord.example"))


def test_tokens_and_graph_are_not_served_in_the_clear(sandbox: Sandbox) -> None:
    clear = sandbox.microsoft_connections_url.removesuffix("/connections")
    with web(sandbox) as session:
        for path in ("/common/v2.0/.well-known/openid-configuration", "/v1.0/me"):
            assert session.get(clear + path, timeout=10).status_code == 404
        assert session.post(f"{clear}/common/oauth2/v2.0/token", timeout=10).status_code == 404


def test_graph_takes_mime_as_it_is(sandbox: Sandbox, control: SandboxControl) -> None:
    after = max((each.id for each in control.messages()), default=0)
    caller = microsoft_consent(sandbox)
    sent = send_graph(
        sandbox, caller.tokens["access_token"], mail(f"Dana <{DANA}>", "Terminvorschlag für März")
    )
    assert (sent.status_code, sent.content) == (202, b"")
    (kept,) = control.messages(after=after, account=DANA)
    assert (kept.channel, kept.subject) == ("graph", "Terminvorschlag für März")
    assert kept.message_id == "<own-id@reply.example>"
    assert control.raw_message(kept.id) == mail(f"Dana <{DANA}>", "Terminvorschlag für März")


def test_what_graph_refuses(sandbox: Sandbox, control: SandboxControl) -> None:
    good = microsoft_consent(sandbox).tokens["access_token"]
    url = f"{sandbox.graph_url}/v1.0/me/sendMail"
    text = {"Content-Type": "text/plain"}
    broken = api(sandbox, "post", url, good, data=b"%%%", headers=text)
    assert (broken.status_code, broken.json()["error"]["code"]) == (
        400,
        "ErrorMimeContentInvalidBase64String",
    )
    foreign = send_graph(sandbox, good, mail("boss@fjord.example"))
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (403, "ErrorSendAsDenied")
    assert api(sandbox, "post", url, good, json={"message": {}}).status_code == 400
    assert api(sandbox, "get", f"{sandbox.graph_url}/v1.0/me", "made-up").json()["error"]["code"] == (
        "InvalidAuthenticationToken"
    )
    control.apply(Control.MAIL_OFF, DANA)
    off = send_graph(sandbox, good, mail(DANA))
    assert (off.status_code, off.json()["error"]["code"]) == (404, "MailboxNotEnabledForRESTAPI")


def test_a_token_for_another_resource_is_no_good_at_graph(sandbox: Sandbox) -> None:
    scope = "openid offline_access https://outlook.office.com/SMTP.Send"
    answer = redeem(sandbox, Person().consent(link(sandbox, scope=scope), follow=False)).json()
    refused = api(sandbox, "get", f"{sandbox.graph_url}/v1.0/me", answer["access_token"])
    assert refused.status_code == 401 and "audience" in refused.json()["error"]["message"]


def test_an_old_access_token_is_told_apart(sandbox: Sandbox, control: SandboxControl) -> None:
    control.apply(Control.SHORT_TOKENS, Provider.MICROSOFT, seconds=0)
    answer = redeem(sandbox, Person().consent(link(sandbox), follow=False)).json()
    refused = api(sandbox, "get", f"{sandbox.graph_url}/v1.0/me", answer["access_token"])
    assert refused.status_code == 401 and "expired" in refused.json()["error"]["message"]


def test_a_lost_rotation_leaves_the_old_token_good(sandbox: Sandbox, control: SandboxControl) -> None:
    caller = microsoft_consent(sandbox)
    control.apply(Control.LOSE_ANSWER, DANA, times=1)
    with pytest.raises(requests.ConnectionError):
        caller.refresh()
    assert "access_token" in caller.refresh()


def test_throttled_graph_says_when_to_come_back(sandbox: Sandbox, control: SandboxControl) -> None:
    good = signed_in(sandbox).tokens["access_token"]
    control.apply(Control.THROTTLE, DANA, retry_after_s=17, where=[Door.API])
    refused = send_graph(sandbox, good, mail(DANA))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "17")
    assert refused.json()["error"]["code"] == "ApplicationThrottled"
    assert "access_token" in signed_in(sandbox).refresh()


def test_an_untrusted_certificate(sandbox: Sandbox, control: SandboxControl) -> None:
    with web(sandbox) as session:
        discovery = f"{sandbox.microsoft_authority}/v2.0/.well-known/openid-configuration"
        assert session.get(discovery, timeout=10).status_code == 200
        control.apply(Control.BAD_CERTIFICATE, Provider.MICROSOFT)
        with pytest.raises(requests.exceptions.SSLError):
            session.get(discovery, timeout=10)
        control.clear(Control.BAD_CERTIFICATE, Provider.MICROSOFT)
        assert session.get(discovery, timeout=10).status_code == 200


def test_the_id_token_repeats_the_nonce_and_is_signed_with_the_published_key(sandbox: Sandbox) -> None:
    from joserfc import jwt
    from joserfc.jwk import KeySet

    answer = redeem(sandbox, Person().consent(link(sandbox, nonce="n-1"), follow=False)).json()
    with web(sandbox) as session:
        keys = session.get(f"{sandbox.microsoft_authority}/discovery/v2.0/keys", timeout=10).json()
    claims = jwt.decode(answer["id_token"], KeySet.import_key_set(keys)).claims
    assert claims["nonce"] == "n-1" and claims["aud"] == sandbox.microsoft_client_id


def test_the_connected_apps_page_removes_access(sandbox: Sandbox) -> None:
    caller = microsoft_consent(sandbox)
    with web(sandbox) as session:
        page = session.post(sandbox.microsoft_connections_url, data={"authuser": DANA}, timeout=10)
    assert "No app has access" in page.text
    assert caller.refresh()["error_codes"] == [65001]


def graph(sandbox: Sandbox, token: str, path: str, **fields: str) -> requests.Response:
    return api(sandbox, "get", f"{sandbox.graph_url}/v1.0/me/{path}", token, params=fields)


@pytest.fixture
def reading(sandbox: Sandbox) -> dict[str, str]:
    """Access tokens that may send and read, of a work and a personal mailbox."""
    told = {}
    scopes = ["Mail.Send", "Mail.Read", "User.Read"]
    for mailbox in (DANA, EMIL):
        with web(sandbox) as session:
            app = microsoft_app(sandbox, session)
            flow = app.initiate_auth_code_flow(scopes, redirect_uri=MICROSOFT_REDIRECT, login_hint=mailbox)
            seen = Person().consent(flow["auth_uri"], mailbox, follow=False)
            told[mailbox] = app.acquire_token_by_auth_code_flow(flow, callback(seen))["access_token"]
    return told


@pytest.mark.parametrize(("mailbox", "keeps_the_id"), [(DANA, True), (EMIL, False)])
def test_sent_and_received_mail_is_listed(
    sandbox: Sandbox, control: SandboxControl, reading: dict[str, str], mailbox: str, keeps_the_id: bool
) -> None:
    control.forget_messages()
    token = reading[mailbox]
    assert send_graph(sandbox, token, mail(mailbox)).status_code == 202
    (out,) = control.messages(account=mailbox)
    assert (out.message_id == "<own-id@reply.example>") is keeps_the_id
    by_id = {"$filter": f"internetMessageId eq '{out.message_id}'"}
    by_header = {
        "$filter": "singleValueExtendedProperties/any(ep: ep/id eq "
        "'String {00020386-0000-0000-C000-000000000046} Name X-Reply-Marker' and ep/value eq 'marker-1')"
    }
    for fields in (by_id, by_header):
        (row,) = graph(sandbox, token, "mailFolders/SentItems/messages", **fields).json()["value"]
        assert row["internetMessageId"] == out.message_id and "internetMessageHeaders" not in row
    control.reply(out.id, "Yes")
    since = {"$filter": "receivedDateTime ge 2001-01-01T00:00:00Z", "$select": "id,internetMessageHeaders"}
    came = graph(sandbox, token, "mailFolders/inbox/messages", **since, **{"$top": "1"}).json()["value"][0]
    names = [each["name"] for each in came["internetMessageHeaders"]]
    assert "In-Reply-To" in names and "subject" not in came
    assert b"In-Reply-To" in graph(sandbox, token, f"messages/{came['id']}/$value").content


@pytest.mark.parametrize(
    ("path", "fields", "status", "code"),
    [
        ("mailFolders/junkemail/messages", {}, 404, "ErrorItemNotFound"),
        ("messages/AAMkI999999=/$value", {}, 404, "ErrorItemNotFound"),
        ("mailFolders/inbox/messages", {"$filter": "subject eq 'x'"}, 400, "ErrorInvalidUrlQueryFilter"),
    ],
)
def test_what_cannot_be_read(
    sandbox: Sandbox,
    control: SandboxControl,
    reading: dict[str, str],
    path: str,
    fields: dict[str, str],
    status: int,
    code: str,
) -> None:
    send_graph(sandbox, reading[DANA], mail(DANA))
    control.reply(control.messages(account=DANA)[-1].id)
    answer = graph(sandbox, reading[DANA], path, **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_reading_needs_its_own_permission(sandbox: Sandbox) -> None:
    answer = graph(sandbox, microsoft_consent(sandbox).tokens["access_token"], "mailFolders/inbox/messages")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ErrorAccessDenied")


def test_the_sending_limit(sandbox: Sandbox, control: SandboxControl, reading: dict[str, str]) -> None:
    control.apply(Control.SENDING_LIMIT, DANA, retry_after_s=60)
    answer = send_graph(sandbox, reading[DANA], mail(DANA))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert answer.json()["error"]["code"] == "ErrorExceededMessageLimit"
