"""What both stand-ins share: redirects, the consent page, network trouble at every HTTP door."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
import requests
from google.auth.exceptions import RefreshError, TransportError

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import EVERYWHERE, Control, Door, SandboxControl
from reply_desktop.sandbox.oauth import loopback_redirect_fits
from reply_desktop.sandbox.person import Person
from reply_desktop.sandbox.process import Sandbox
from tests.sandbox.callers import (
    ANA,
    BEN,
    DANA,
    GOOGLE_REDIRECT,
    GOOGLE_SCOPES,
    google_client,
    google_consent,
    google_refresh,
    microsoft_consent,
    refresh_by_hand,
    web,
)

pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning")


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.mark.parametrize(
    ("uri", "fits"),
    [
        ("http://localhost:1234/app", True),
        ("http://localhost/app", True),
        ("http://localhost:1234/", False),
        ("http://localhost:1234/app/", False),
        ("http://localhost:1234/app?x=1", False),
        ("http://127.0.0.1:1234/app", False),
        ("https://localhost:1234/app", False),
        ("http://localhost.evil.example:1234/app", False),
        ("http://localhost:port/app", False),
        ("https://fixed.example/cb", True),
        ("https://fixed.example:444/cb", False),
        ("", False),
    ],
)
def test_only_a_loopback_port_is_free(uri: str, fits: bool) -> None:
    registered = ("http://localhost/app", "https://fixed.example/cb")
    assert loopback_redirect_fits(uri, registered, ("localhost",)) is fits


def link(sandbox: Sandbox, **changes: str) -> str:
    fields = {
        "client_id": google_client(sandbox)["client_id"],
        "redirect_uri": GOOGLE_REDIRECT,
        "response_type": "code",
        "scope": " ".join(GOOGLE_SCOPES),
        "state": "<b>state</b>",
        "login_hint": BEN,
    } | changes
    return f"{sandbox.google_auth_uri}?{urlencode(fields)}"


def test_the_page_says_what_it_is_and_keeps_to_itself(sandbox: Sandbox) -> None:
    with web(sandbox) as browser:
        page = browser.get(link(sandbox), timeout=10)
    assert "Sandbox for Google" in page.text and "No real account" in page.text.replace("no real", "No real")
    assert page.text.count('type="radio"') == 3 and page.text.count('type="checkbox"') == 1
    assert page.text.count("checked") >= 2 and "asked for" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer" and page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cache-Control"] == "no-store"
    assert "http://" not in page.text.replace("http://127.0.0.1", "") and "https://" not in page.text.replace(
        "https://www.googleapis.com/auth/", ""
    ), "the page fetches nothing from anywhere"


def test_what_the_app_sends_is_shown_as_text(sandbox: Sandbox) -> None:
    with web(sandbox) as browser:
        page = browser.get(
            link(sandbox, login_hint="<script>alert(1)</script>", scope="openid <i>x"), timeout=10
        )
    assert "<script>" not in page.text and "<i>" not in page.text and "&lt;i&gt;x" in page.text


def test_allow_without_a_mailbox_asks_again(sandbox: Sandbox) -> None:
    with web(sandbox) as browser:
        page = browser.post(link(sandbox), data={"action": "allow", "sub": "nobody"}, timeout=10)
    assert page.status_code == 400 and "Choose a mailbox first" in page.text


def test_the_page_shows_the_hinted_one_of_very_many(sandbox: Sandbox, control: SandboxControl) -> None:
    many = [f"user{number}@crowd.example" for number in range(120)]
    for each in many:
        control.add_mailbox(Provider.GOOGLE, each)
    with web(sandbox) as browser:
        page = browser.get(link(sandbox, login_hint=many[-1]), timeout=10)
    assert many[-1] in page.text and page.text.count('type="radio"') == 101
    assert Person().consent(link(sandbox, login_hint=many[-1]), follow=False).redirected


Refresh = Callable[[], requests.Response]


@pytest.fixture(params=[Provider.GOOGLE, Provider.MICROSOFT])
def refresh(request: pytest.FixtureRequest, sandbox: Sandbox) -> Refresh:
    """One refresh by raw HTTP at the provider named `refresh.provider`."""
    if request.param is Provider.GOOGLE:
        credentials = google_consent(sandbox, ANA)
        return lambda: refresh_by_hand(sandbox, credentials)
    caller = microsoft_consent(sandbox, DANA)
    fields = {
        "client_id": sandbox.microsoft_client_id,
        "grant_type": "refresh_token",
        "refresh_token": caller.tokens["refresh_token"],
        "scope": "Mail.Send",
    }

    def call() -> requests.Response:
        with web(sandbox) as session:
            return session.post(f"{sandbox.microsoft_authority}/oauth2/v2.0/token", data=fields, timeout=10)

    return call


@pytest.mark.parametrize("status", [500, 502, 503])
def test_server_trouble_is_html_and_passes(refresh: Refresh, control: SandboxControl, status: int) -> None:
    control.apply(Control.SERVER_TROUBLE, status=status, retry_after_s=4, times=2)
    for _ in range(2):
        answer = refresh()
        assert (answer.status_code, answer.headers["Retry-After"]) == (status, "4")
        assert answer.headers["Content-Type"].startswith("text/html")
    assert refresh().status_code == 200


def test_a_portal_answers_200_with_html(refresh: Refresh, control: SandboxControl) -> None:
    control.apply(Control.PORTAL)
    answer = refresh()
    assert answer.status_code == 200 and "guest network" in answer.text
    control.clear(Control.PORTAL)
    assert "access_token" in refresh().json()


def test_throttling_says_how_long(refresh: Refresh, control: SandboxControl) -> None:
    control.apply(Control.THROTTLE, retry_after_s=11)
    answer = refresh()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "11") and "error" in answer.json()


def test_any_answer_can_be_given(refresh: Refresh, control: SandboxControl) -> None:
    for provider in (Provider.GOOGLE, Provider.MICROSOFT):
        control.apply(Control.RAW_ANSWER, provider, status=418, body="[]", content_type="application/json")
    answer = refresh()
    assert (answer.status_code, answer.text) == (418, "[]")


def test_an_answer_can_be_lost(refresh: Refresh, control: SandboxControl) -> None:
    control.apply(Control.LOSE_ANSWER, times=1)
    with pytest.raises(requests.ConnectionError):
        refresh()
    assert control.visits(door=Door.TOKEN)[-1].status == 0
    assert refresh().status_code == 200


def test_answers_can_be_slow(refresh: Refresh, control: SandboxControl) -> None:
    control.apply(Control.LATENCY, ms=60, where=[Door.TOKEN])
    answer = refresh()
    assert answer.elapsed.total_seconds() >= 0.06


def test_only_the_mailbox_that_is_meant_meets_it(sandbox: Sandbox, control: SandboxControl) -> None:
    ana, ben = google_consent(sandbox, ANA), google_consent(sandbox, BEN)
    control.apply(Control.SERVER_TROUBLE, ANA, status=503)
    assert refresh_by_hand(sandbox, ana).status_code == 503
    assert refresh_by_hand(sandbox, ben).status_code == 200


def test_google_auth_sees_trouble_as_the_facts_say(sandbox: Sandbox, control: SandboxControl) -> None:
    credentials = google_consent(sandbox)
    control.apply(Control.PORTAL)
    with pytest.raises(TypeError):
        google_refresh(credentials)
    control.clear_all()
    control.apply(Control.SERVER_TROUBLE, status=502)
    with pytest.raises(RefreshError) as refused:
        google_refresh(credentials)
    assert not refused.value.retryable
    control.clear_all()
    control.apply(Control.OFFLINE)
    with pytest.raises(TransportError):
        google_refresh(credentials)
    control.clear_all()
    google_refresh(credentials)


def test_slow_one_does_not_hold_up_another(sandbox: Sandbox, control: SandboxControl) -> None:
    ana, ben = google_consent(sandbox, ANA), google_consent(sandbox, BEN)
    control.apply(Control.LATENCY, ANA, ms=60_000)
    client = google_client(sandbox)
    with web(sandbox) as session, pytest.raises(requests.ReadTimeout):
        fields = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
        fields |= {"grant_type": "refresh_token", "refresh_token": str(ana.refresh_token)}
        session.post(sandbox.google_token_uri, data=fields, timeout=0.2)
    assert refresh_by_hand(sandbox, ben).status_code == 200, "with a minute to wait it would have timed out"


def test_pages_stay_when_the_machines_have_trouble(sandbox: Sandbox, control: SandboxControl) -> None:
    control.apply(Control.SERVER_TROUBLE, EVERYWHERE)
    assert Person().consent(link(sandbox), follow=False).redirected
    control.apply(Control.SERVER_TROUBLE, EVERYWHERE, where=[Door.PAGE], status=502)
    assert Person().consent(link(sandbox), follow=False).status == 502
