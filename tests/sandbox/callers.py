"""The vendors' own libraries as callers of the stand-ins, with a person at the browser."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import google.auth.transport.requests
import google.oauth2.credentials
import msal
import requests
from google_auth_oauthlib.flow import Flow

from reply_desktop.sandbox.person import Person, Seen
from reply_desktop.sandbox.process import Sandbox

ANA, BEN, CLEO = "ana@harbor.example", "ben@harbor.example", "cleo@harbor.example"
DANA, EMIL, FINN = "dana@fjord.example", "emil@outpost.example", "finn@fjord.example"
GINA = "gina@lantern.example"

SEND = "https://www.googleapis.com/auth/gmail.send"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
GOOGLE_SCOPES = ("openid", EMAIL, SEND)
GOOGLE_REDIRECT = "http://127.0.0.1:50123/google"
GRAPH_SCOPES = ("Mail.Send", "User.Read")
MICROSOFT_REDIRECT = "http://localhost:50123/microsoft"


def callback(seen: Seen) -> dict[str, str]:
    """What the redirect told the app."""
    return {key: values[0] for key, values in parse_qs(urlsplit(seen.location).query).items()}


def web(sandbox: Sandbox) -> requests.Session:
    """A browser-less caller that trusts the sandbox's authority and nothing of this machine's settings."""
    session = requests.Session()
    session.trust_env = False
    session.verify = sandbox.ca_file
    return session


def google_client(sandbox: Sandbox) -> dict[str, str]:
    """The client of the generated client_secret.json."""
    client: dict[str, str] = json.loads(Path(sandbox.google_client_file).read_text())["installed"]
    return client


def google_flow(sandbox: Sandbox, scopes: Sequence[str] = GOOGLE_SCOPES) -> Flow:
    return Flow.from_client_secrets_file(
        sandbox.google_client_file, scopes=scopes, redirect_uri=GOOGLE_REDIRECT
    )


def google_link(flow: Flow, mailbox: str = ANA, **more: str) -> str:
    options = {"access_type": "offline", "prompt": "consent", "login_hint": mailbox} | more
    return str(flow.authorization_url(**options)[0])


def google_consent(
    sandbox: Sandbox, mailbox: str = ANA, *, scopes: Sequence[str] = GOOGLE_SCOPES, **more: str
) -> google.oauth2.credentials.Credentials:
    """A sign-in by google-auth-oauthlib, from the link to the credentials."""
    flow = google_flow(sandbox, scopes)
    seen = Person().consent(google_link(flow, mailbox, **more), mailbox, follow=False)
    flow.fetch_token(code=callback(seen)["code"])
    credentials: google.oauth2.credentials.Credentials = flow.credentials
    return credentials


def access_token(credentials: google.oauth2.credentials.Credentials) -> str:
    """What calls of the API are made with."""
    assert isinstance(credentials.token, str)
    return credentials.token


def google_refresh(credentials: google.oauth2.credentials.Credentials) -> None:
    """A forced refresh by google-auth."""
    session = requests.Session()
    session.trust_env = False
    credentials.refresh(google.auth.transport.requests.Request(session))


def refresh_by_hand(
    sandbox: Sandbox, credentials: google.oauth2.credentials.Credentials, **more: str
) -> requests.Response:
    """The same grant as raw HTTP."""
    client = google_client(sandbox)
    fields = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    fields |= {"grant_type": "refresh_token", "refresh_token": str(credentials.refresh_token)} | more
    with web(sandbox) as session:
        return session.post(sandbox.google_token_uri, data=fields, timeout=10)


class Transport:
    """The transport of ours that msal is given."""

    def __init__(self, session: requests.Session) -> None:
        self._session = session

    def get(self, url: str, **options: Any) -> requests.Response:
        return self._session.get(url, timeout=10, **options)

    def post(self, url: str, **options: Any) -> requests.Response:
        return self._session.post(url, timeout=10, **options)

    def close(self) -> None:
        """The session belongs to the test."""


@dataclass
class MicrosoftCaller:
    """A mailbox signed in through msal. A new app per call: msal answers a repeated 400 from memory."""

    sandbox: Sandbox
    tokens: dict[str, Any]

    def refresh(self, scopes: Sequence[str] = GRAPH_SCOPES, token: str | None = None) -> dict[str, Any]:
        with web(self.sandbox) as session:
            app = microsoft_app(self.sandbox, session)
            wanted = token or self.tokens["refresh_token"]
            answer: dict[str, Any] = app.acquire_token_by_refresh_token(wanted, scopes=list(scopes))
        return answer


def microsoft_app(
    sandbox: Sandbox, session: requests.Session, authority: str | None = None
) -> msal.PublicClientApplication:
    return msal.PublicClientApplication(
        sandbox.microsoft_client_id,
        authority=authority or sandbox.microsoft_authority,
        instance_discovery=False,
        http_client=Transport(session),
    )


def microsoft_flow(app: msal.PublicClientApplication, mailbox: str, **more: Any) -> dict[str, Any]:
    flow: dict[str, Any] = app.initiate_auth_code_flow(
        list(GRAPH_SCOPES),
        redirect_uri=MICROSOFT_REDIRECT,
        **{"login_hint": mailbox, "prompt": "select_account", **more},
    )
    return flow


def microsoft_consent(sandbox: Sandbox, mailbox: str = DANA) -> MicrosoftCaller:
    """A sign-in by msal, from the link to the tokens."""
    with web(sandbox) as session:
        app = microsoft_app(sandbox, session)
        flow = microsoft_flow(app, mailbox)
        seen = Person().consent(flow["auth_uri"], mailbox, follow=False)
        answer = app.acquire_token_by_auth_code_flow(flow, callback(seen))
    assert "access_token" in answer, answer
    return MicrosoftCaller(sandbox, answer)


def mail(sender: str, subject: str = "Hello", to: str = "prospect@elsewhere.example") -> bytes:
    """A small message."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = "<own-id@reply.example>"
    message["X-Reply-Marker"] = "marker-1"
    message.set_content("Grüße aus dem Sandkasten.\n")
    return message.as_bytes()


def send_gmail(sandbox: Sandbox, token: str, raw: bytes) -> requests.Response:
    body = {"raw": base64.urlsafe_b64encode(raw).decode()}
    return api(sandbox, "post", f"{sandbox.gmail_url}/gmail/v1/users/me/messages/send", token, json=body)


def send_graph(sandbox: Sandbox, token: str, raw: bytes) -> requests.Response:
    options = {"data": base64.b64encode(raw), "headers": {"Content-Type": "text/plain"}}
    return api(sandbox, "post", f"{sandbox.graph_url}/v1.0/me/sendMail", token, **options)


def api(sandbox: Sandbox, method: str, url: str, token: str, **options: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
    with web(sandbox) as session:
        call: Callable[..., requests.Response] = getattr(session, method)
        return call(url, headers=headers, timeout=10, **options)
