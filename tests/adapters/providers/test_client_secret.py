"""The client file is taken as the console gives it, and refused with a hint when it is another file."""

import json

import pytest

from reply_desktop.adapters.providers.client_secret import parse_client_secret
from reply_desktop.domain.errors import InvalidInput

SECRET = "GOCSPX-a1B2c3D4e5F6g7H8i9J0k1L2"
FROM_THE_CONSOLE = {
    "installed": {
        "client_id": "881234567890-abcdefghijklmnop0123456789abcdef.apps.googleusercontent.com",
        "project_id": "outreach-471208",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_secret": SECRET,
        "redirect_uris": ["http://localhost"],
    }
}


def changed(**fields: object) -> str:
    installed = {**FROM_THE_CONSOLE["installed"], **fields}
    return json.dumps({"installed": {name: value for name, value in installed.items() if value is not None}})


@pytest.mark.parametrize("before", ["", "\ufeff", "\n  "])
def test_the_consoles_own_file(before: str) -> None:
    settings = parse_client_secret(before + json.dumps(FROM_THE_CONSOLE))
    assert settings.client_id == FROM_THE_CONSOLE["installed"]["client_id"]
    assert settings.client_secret == SECRET
    assert settings.auth_uri == "https://accounts.google.com/o/oauth2/auth"
    assert settings.token_uri == "https://oauth2.googleapis.com/token"
    assert settings.project_id == "outreach-471208"
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("<html>", "not JSON"),
        ("[" * 50_000, "not JSON"),
        ("x" * 70_000, "too large"),
        ("[]", "no client file"),
        ("{}", "no “installed” part"),
        ('{"installed": "x"}', "no “installed” part"),
        (json.dumps({"web": FROM_THE_CONSOLE["installed"]}), "Web application"),
        (json.dumps({"type": "service_account", "private_key": SECRET}), "service account"),
        (json.dumps({"type": "authorized_user", "refresh_token": SECRET}), "somebody's sign-in"),
        (changed(client_id=None), "no client_id"),
        (changed(client_id=7), "no client_id"),
        (changed(client_secret=None), "no client_secret"),
        (changed(client_secret=" "), "no client_secret"),
        (changed(auth_uri=None), "no auth_uri"),
        (changed(token_uri=5), "no token_uri"),
        (changed(token_uri="http://oauth2.googleapis.com/token"), "token_uri in the client file is not an"),
        (changed(auth_uri="javascript:alert(1)"), "auth_uri in the client file is not an https"),
    ],
)
def test_other_files_are_refused_with_the_exact_reason(text: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_client_secret(text)
    assert hint in caught.value.what
    assert caught.value.todo
    assert SECRET not in str(caught.value)


def test_a_stand_in_on_this_computer_may_speak_plain_http() -> None:
    settings = parse_client_secret(
        changed(auth_uri="http://127.0.0.1:8123/auth", token_uri="http://127.0.0.1:8123/token")
    )
    assert settings.token_uri == "http://127.0.0.1:8123/token"
