"""The control API as raw HTTP: who may ask, and what it says to nonsense."""

from pathlib import Path

import pytest
import requests

from reply_desktop.sandbox.process import Sandbox
from tests.sandbox.callers import ANA, GINA, web


def ask(
    sandbox: Sandbox, method: str, path: str, *, key: str | None = None, **options: object
) -> requests.Response:
    known = Path(sandbox.key_file).read_text()
    headers = {"Authorization": f"Bearer {known if key is None else key}"}
    with web(sandbox) as session:
        return session.request(method, sandbox.control_url + path, headers=headers, timeout=10, **options)  # type: ignore[arg-type]


def test_the_key_is_private(sandbox: Sandbox) -> None:
    assert Path(sandbox.key_file).stat().st_mode & 0o777 == 0o600
    assert ask(sandbox, "GET", "/state", key="").status_code == 401
    assert ask(sandbox, "GET", "/messages/1", key="x").status_code == 401
    assert ask(sandbox, "GET", "/state").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere", None, 404),
        ("PUT", "/state", None, 404),
        ("POST", "/controls", {"control": "no_such"}, 400),
        ("POST", "/controls", {}, 400),
        ("POST", "/controls", [1], 400),
        ("POST", "/mailboxes", {"provider": "google"}, 400),
        ("GET", "/visits?after=x", None, 400),
        ("GET", "/messages/abc", None, 404),
        ("POST", "/messages/999999/reply", {}, 404),
        ("POST", "/messages/1/no_such", {}, 400),
        ("POST", "/messages/x/reply", {}, 404),
    ],
)
def test_nonsense_is_told_in_words(
    sandbox: Sandbox, method: str, path: str, body: object, status: int
) -> None:
    answer = ask(sandbox, method, path, json=body)
    assert answer.status_code == status and answer.json()["error"]


def test_a_body_that_is_no_json(sandbox: Sandbox) -> None:
    assert ask(sandbox, "POST", "/controls", data=b"{").status_code == 400


def test_the_state_holds_no_secret(sandbox: Sandbox) -> None:
    told = ask(sandbox, "GET", "/state").text
    password = ask(sandbox, "GET", "/password", params={"address": GINA}).json()["password"]
    assert ANA in told and password not in told
