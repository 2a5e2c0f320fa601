"""Reads the `client_secret.json` that Google's console gives; kept apart from Google's libraries."""

import json
from typing import Any

from reply_desktop.adapters.http import is_safe_url
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.services.ports import ProviderSettings

MAX_SIZE = 65_536
"""Characters of the largest file taken for a client file; real ones have some 500."""

_ANEW = "In the console make an OAuth client ID of type “Desktop app” and download its JSON."


def parse_client_secret(text: str) -> ProviderSettings:
    """The client in a `client_secret.json` of type Desktop app.

    Raises InvalidInput that says what is wrong with the file, without quoting it.
    """
    installed = _installed(text)
    client_id, client_secret = (_word(installed, name) for name in ("client_id", "client_secret"))
    if not client_id:
        raise InvalidInput("The client file has no client_id.", _ANEW)
    if not client_secret:
        raise InvalidInput(
            "The client file has no client_secret.",
            "In the console add a client secret to this client and download the JSON again.",
        )
    for name in ("auth_uri", "token_uri"):
        address = installed.get(name)
        if not isinstance(address, str) or not address:
            raise InvalidInput(f"The client file has no {name}.", _ANEW)
        if not is_safe_url(address):
            raise InvalidInput(f"The {name} in the client file is not an https address.", _ANEW)
    return ProviderSettings(
        client_id,
        client_secret,
        auth_uri=installed["auth_uri"],
        token_uri=installed["token_uri"],
        project_id=_word(installed, "project_id") or None,
    )


def _installed(text: str) -> dict[str, Any]:
    if len(text) > MAX_SIZE:
        raise InvalidInput("The file is too large to be a client file.", "Choose client_secret….json.")
    try:
        said = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        raise InvalidInput(
            "The file is not JSON.", "Choose the client_secret….json as the console gave it."
        ) from None
    if not isinstance(said, dict):
        raise InvalidInput("The file is no client file.", _ANEW)
    if said.get("type") == "service_account" or "private_key" in said:
        raise InvalidInput("This is a service account's key, which no mailbox owner can sign in with.", _ANEW)
    if said.get("type") == "authorized_user" or "refresh_token" in said:
        raise InvalidInput("This is somebody's sign-in, not a client file.", _ANEW)
    installed = said.get("installed")
    if isinstance(installed, dict):
        return installed
    if "web" in said:
        raise InvalidInput("This client is of type “Web application”, which no desktop app can use.", _ANEW)
    raise InvalidInput("The file is no client file: it has no “installed” part.", _ANEW)


def _word(installed: dict[str, Any], name: str) -> str:
    value = installed.get(name)
    return value.strip() if isinstance(value, str) else ""
