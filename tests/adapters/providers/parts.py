"""What the tests of the providers share: accounts, tokens, and a transport that only writes down."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from reply_desktop.adapters.http import Response, Transport, TransportFault
from reply_desktop.domain.account import Account
from reply_desktop.domain.grant import TokenSet
from reply_desktop.domain.provider import Provider
from tests.fakes.clock import START

CLIENT = "11111111-2222-3333-4444-555555555555"


def account(provider: Provider, **more: object) -> Account:
    """An account that was connected a day ago."""
    return Account("a1", provider, "ana@example.com", START - timedelta(days=1), **more)  # type: ignore[arg-type]


def id_token(**claims: object) -> str:
    """An unsigned id token, as far as anybody reads it here."""

    def part(said: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part(claims)}.c2lnbmF0dXJl"


def query(url: str) -> dict[str, str]:
    """The fields of a link."""
    return dict(parse_qsl(urlsplit(url).query, strict_parsing=True))


class RecordingTransport(Transport):
    """Writes down where each request would go, and answers by a function."""

    def __init__(self, answer: Callable[[str, str], Response | TransportFault]) -> None:
        super().__init__()
        self._answer = answer
        self.urls: list[str] = []
        self.fresh: list[bool] = []

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        fresh: bool = False,
    ) -> Response:
        """Opens no connection."""
        self.urls.append(url)
        self.fresh.append(fresh)
        answer = self._answer(method, url)
        if isinstance(answer, TransportFault):
            raise answer
        return answer


def ok(body: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(status, {"content-type": "application/json"}, json.dumps(body).encode())


def tokens(**more: object) -> TokenSet:
    """A grant of yesterday with an access token that still lasts."""
    fields: dict[str, object] = {
        "refresh_token": "rt-old-secret",
        "access_token": "at-old-secret",
        "expires_at": START + timedelta(minutes=30),
        "issued_at": START - timedelta(days=1),
    }
    return TokenSet(**{**fields, **more})  # type: ignore[arg-type]
