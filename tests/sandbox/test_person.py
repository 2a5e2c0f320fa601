"""Somebody at the browser."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from reply_desktop.sandbox.control import Control, SandboxControl
from reply_desktop.sandbox.person import NotOnThePage, Person, main
from reply_desktop.sandbox.process import Sandbox
from tests.sandbox.callers import ANA, BEN, SEND, google_client


class App(HTTPServer):
    """The app's end of the redirect."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: list[dict[str, list[str]]] = []

    @property
    def redirect_uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/google"


class _Handler(BaseHTTPRequestHandler):
    server: App

    def do_GET(self) -> None:
        self.server.told.append(parse_qs(urlsplit(self.path).query))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<title>unseen</title><h1>You can close</h1><p>this page.</p>")

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def app() -> Iterator[App]:
    with App() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def link(sandbox: Sandbox, app: App, **changes: str) -> str:
    fields = {
        "client_id": google_client(sandbox)["client_id"],
        "redirect_uri": app.redirect_uri,
        "response_type": "code",
        "scope": f"openid {SEND}",
        "state": "s",
        "login_hint": ANA,
    } | changes
    return f"{sandbox.google_auth_uri}?{urlencode(fields)}"


def test_consent_ends_at_the_app(sandbox: Sandbox, app: App) -> None:
    seen = Person().consent(link(sandbox, app), BEN)
    assert (seen.redirected, seen.error, seen.status, seen.text) == (
        True,
        "",
        200,
        "You can close this page.",
    )
    (told,) = app.told
    assert told["code"] and told["state"] == ["s"]
    assert told["code"][0] not in repr(seen)


def test_the_preselected_mailbox_is_taken_when_none_is_named(
    sandbox: Sandbox, control: SandboxControl, app: App
) -> None:
    Person().consent(link(sandbox, app))
    assert control.visits()[-1].mailbox == ANA


def test_denial_and_unticking(sandbox: Sandbox, app: App) -> None:
    assert Person().consent(link(sandbox, app), allow=False).error == "access_denied"
    Person().consent(link(sandbox, app), untick=["gmail.send"])
    assert [told.get("scope") for told in app.told] == [None, ["openid"]]


def test_a_page_without_a_way_on(sandbox: Sandbox, control: SandboxControl, app: App) -> None:
    control.apply(Control.ADMIN_BLOCK, ANA)
    seen = Person().consent(link(sandbox, app))
    assert (seen.redirected, seen.error) == (
        False,
        "admin_policy_enforced",
    ) and "Ask your administrator" in seen.text
    assert app.told == []


def test_nobody_of_that_name(sandbox: Sandbox, app: App) -> None:
    with pytest.raises(NotOnThePage, match="nobody@harbor"):
        Person().consent(link(sandbox, app), "nobody@harbor.example")
    with pytest.raises(NotOnThePage, match="preselected"):
        Person().consent(link(sandbox, app, login_hint=""))


def test_as_a_browser_command(sandbox: Sandbox, app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--mailbox", BEN, link(sandbox, app)]) == 0
    assert capsys.readouterr().out == "You can close this page.\n"
    assert main(["--deny", link(sandbox, app)]) == 1
    assert main(["--untick", "gmail.send", link(sandbox, app)]) == 0
    assert app.told[-1]["scope"] == ["openid"]
