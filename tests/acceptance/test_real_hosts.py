"""Without the sandbox: the default addresses, real host names, https only, proxy and certificates as told.

Two servers on the loopback play the internet: a CONNECT proxy, the only way out, and behind it one server
whose certificate bears the providers' names and is signed by an authority of the tests. An audit hook in
every process of the app (PEP 578) writes down each name looked up and each address connected to, so a
connection past the proxy would be seen.
"""

import base64
import hashlib
import json
import os
import re
import socket
import stat
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from reply_desktop.channel.launch import stop_running
from reply_desktop.channel.messages import NetworkHint, SendTest
from tests.acceptance.conftest import Shell
from tests.harness.waiting import wait_until
from tests.harness.web import Answering, ProxyServer, Reply, Request, WebServer, said, server_context

pytestmark = pytest.mark.slow

GOOGLE_HOSTS: Final = {"oauth2.googleapis.com", "openidconnect.googleapis.com", "gmail.googleapis.com"}
MICROSOFT_HOSTS: Final = {"login.microsoftonline.com", "graph.microsoft.com"}
OWN: Final = {"127.0.0.1", "::1", "localhost", "192.0.2.1", "2001:db8::1"}
"""This computer, and two addresses that stand for any (RFC 5737, RFC 3849): the system is asked which way it
would go there, by a datagram socket that sends nothing."""
ANA, DANA = "ana@harbor.example", "dana@fjord.example"

GOOGLE_CLIENT: Final = "1029384756-k3m9v7q2t5w8x1z4.apps.googleusercontent.com"
CONSOLES_FILE: Final = {
    "installed": {
        "client_id": GOOGLE_CLIENT,
        "project_id": "outreach-412907",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_secret": "GOCSPX-example-of-no-client-000",
        "redirect_uris": ["http://localhost"],
    }
}
"""Letter for letter what the Google console gives for a client of type "Desktop app"."""
MICROSOFT_CLIENT: Final = "6f1c2f5e-8d3b-4a57-9c1e-2b7d4f90a813"

BROWSER: Final = """#!{python}
import base64, json, sys, urllib.parse, urllib.request
url = sys.argv[1]
open({seen!r}, "a").write(url + "\\n")
asked = {{name: values[0] for name, values in urllib.parse.parse_qs(urllib.parse.urlsplit(url).query).items()}}
kept = {{name: asked.get(name, "") for name in ("code_challenge", "nonce", "redirect_uri", "login_hint")}}
code = base64.urlsafe_b64encode(json.dumps(kept).encode()).decode()
answer = urllib.parse.urlencode({{"state": asked["state"], "code": code}})
direct = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
direct.open(asked["redirect_uri"] + "?" + answer, timeout=20).read()
"""
"""Somebody who agrees at once: the code tells the token endpoint what was asked for."""

WATCH: Final = """
import os, sys
_file = os.open(os.environ["CONTACTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
_looked_up = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")

def _note(event, args):
    if event in _looked_up:
        host = args[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    if isinstance(host, (str, bytes)):
        host = host if isinstance(host, str) else host.decode()
        os.write(_file, f"{event} {host}\\n".encode())

sys.addaudithook(_note)
"""


class Providers:
    """Google and Microsoft as far as a sign-in, a check and a message need them, told apart by host name."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.mails: list[tuple[str, bytes]] = []
        self.live: set[str] = set()

    def answer(self, request: Request) -> Reply:
        host, path = request.headers["host"], request.path.partition("?")[0]
        self.asked.append((host, path))
        match (host, path):
            case ("oauth2.googleapis.com", "/token"):
                return self._google_token(request)
            case ("oauth2.googleapis.com", "/revoke"):
                self.live.discard(request.form["token"])
                return said({})
            case ("openidconnect.googleapis.com", "/v1/userinfo"):
                return said({"sub": "1077", "email": ANA, "email_verified": True})
            case ("gmail.googleapis.com", "/gmail/v1/users/me/messages/send"):
                raw = json.loads(request.body)["raw"]
                self.mails.append((request.headers["authorization"], base64.urlsafe_b64decode(raw)))
                return said({"id": "18f2", "threadId": "18f2", "labelIds": ["SENT"]})
            case ("login.microsoftonline.com", "/common/v2.0/.well-known/openid-configuration"):
                base = "https://login.microsoftonline.com/common/oauth2/v2.0"
                return said(
                    {
                        "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
                        "authorization_endpoint": f"{base}/authorize",
                        "token_endpoint": f"{base}/token",
                    }
                )
            case ("login.microsoftonline.com", "/common/oauth2/v2.0/token"):
                return self._microsoft_token(request)
            case ("graph.microsoft.com", "/v1.0/me"):
                return said({"id": "oid-1", "mail": DANA, "userPrincipalName": DANA, "displayName": "Dana"})
            case ("graph.microsoft.com", "/v1.0/me/sendMail"):
                self.mails.append((request.headers["authorization"], base64.b64decode(request.body)))
                return Reply(202)
        return said({"error": "not_found"}, 404)

    def _google_token(self, request: Request) -> Reply:
        form = request.form
        tokens = {"access_token": f"ya29.{len(self.asked)}", "expires_in": 3599, "token_type": "Bearer"}
        tokens["scope"] = (
            "openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/gmail.send"
        )
        installed = CONSOLES_FILE["installed"]
        if (form["client_id"], form["client_secret"]) != (GOOGLE_CLIENT, installed["client_secret"]):
            return said({"error": "invalid_client"}, 401)
        if form["grant_type"] == "authorization_code" and is_own(form):
            self.live.add("1//03-google")
            return said({**tokens, "refresh_token": "1//03-google"})
        if form["grant_type"] == "refresh_token" and form["refresh_token"] in self.live:
            return said(tokens)
        return said({"error": "invalid_grant", "error_description": "Bad Request"}, 400)

    def _microsoft_token(self, request: Request) -> Reply:
        form = request.form
        tokens = {"access_token": f"eyJ0.{len(self.asked)}", "expires_in": 3599, "token_type": "Bearer"}
        tokens["scope"] = "https://graph.microsoft.com/Mail.Send https://graph.microsoft.com/User.Read"
        if form["client_id"] != MICROSOFT_CLIENT or "client_secret" in form:
            return said({"error": "unauthorized_client", "error_codes": [700016]}, 400)
        rotated = f"0.AX-{len(self.asked)}"
        if form["grant_type"] == "authorization_code" and is_own(form):
            self.live.add(rotated)
            claims = {"aud": MICROSOFT_CLIENT, "oid": "oid-1", "tid": "t-1", "preferred_username": DANA}
            claims |= {"nonce": asked_for(form)["nonce"], "iss": "https://login.microsoftonline.com/t-1/v2.0"}
            claims |= {"exp": "9999999999", "iat": "1700000000", "sub": "sub-1"}
            return said({**tokens, "refresh_token": rotated, "id_token": unsigned(claims)})
        if form["grant_type"] == "refresh_token" and form["refresh_token"] in self.live:
            self.live.add(rotated)
            return said({**tokens, "refresh_token": rotated})
        return said({"error": "invalid_grant", "error_codes": [9002313]}, 400)


def asked_for(form: dict[str, str]) -> dict[str, str]:
    """What the sign-in link held that this code came from."""
    kept: dict[str, str] = json.loads(base64.urlsafe_b64decode(form["code"]))
    return kept


def is_own(form: dict[str, str]) -> bool:
    """Whether code, verifier (RFC 7636) and redirect address belong to one sign-in."""
    kept = asked_for(form)
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return (kept["code_challenge"], kept["redirect_uri"]) == (challenge, form["redirect_uri"])


def unsigned(claims: dict[str, str]) -> str:
    """An id token nobody checks the signature of, since it comes over TLS from its issuer."""
    header, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "RS256"}, {**claims, "exp": int(claims["exp"]), "iat": int(claims["iat"])})
    )
    return f"{header}.{body}.c2ln"


class Internet:
    """What the app can reach, and what it tried to."""

    def __init__(self, folder: Path) -> None:
        self.providers = Providers()
        self._servers: list[WebServer] = []
        authority = trustme.CA()
        names = GOOGLE_HOSTS | MICROSOFT_HOSTS
        server = self._serve(self.providers.answer, server_context(authority.issue_cert(*sorted(names))))
        self.proxy = ProxyServer(self._serve, server)
        self.ca_file = folder / "company-ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.seen = folder / "seen"
        self.contacts = folder / "contacts"
        browser = folder / "browser"
        browser.write_text(BROWSER.format(python=sys.executable, seen=str(self.seen)))
        browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
        (folder / "watch").mkdir()
        (folder / "watch" / "sitecustomize.py").write_text(WATCH)
        given = {k: v for k, v in os.environ.items() if not re.search("proxy$|CA_BUNDLE$|SSL_CERT", k, re.I)}
        self.env = {
            **given,
            "HTTPS_PROXY": self.proxy.server.url,
            "REQUESTS_CA_BUNDLE": str(self.ca_file),
            "BROWSER": str(browser),
            "PYTHONPATH": str(folder / "watch"),
            "CONTACTS": str(self.contacts),
        }

    def _serve(self, answer: Answering, *more: object) -> WebServer:
        self._servers.append(WebServer(answer, *more))  # type: ignore[arg-type]
        return self._servers[-1]

    @property
    def hosts(self) -> set[str]:
        """Hosts asked for at the proxy, all of them by CONNECT to the https port."""
        assert {asked.method for asked in self.proxy.asked} <= {"CONNECT"}
        names, ports = zip(*(asked.path.rsplit(":", 1) for asked in self.proxy.asked), strict=True)
        assert set(ports) == {"443"}
        return set(names)

    @property
    def direct(self) -> set[str]:
        """Hosts that were looked up or connected to without the proxy."""
        return {line.split()[1] for line in self.contacts.read_text().splitlines()}

    def pages(self) -> list[tuple[str, str, str]]:
        """The sign-in pages opened in the browser: scheme, host, path."""
        parts = [urlsplit(line) for line in self.seen.read_text().splitlines()]
        return [(one.scheme, one.netloc, one.path) for one in parts]

    def close(self) -> None:
        for server in reversed(self._servers):
            server.close()


@pytest.fixture
def internet(tmp_path: Path) -> Iterator[Internet]:
    made = Internet(tmp_path)
    yield made
    made.close()


@pytest.fixture
def real(tmp_path: Path, internet: Internet) -> Iterator[Shell]:
    """The app as a person starts it, without the sandbox, behind that proxy."""
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a passphrase of some length")
    passphrase.chmod(0o600)
    env = {**internet.env, "REPLY_DESKTOP_PASSPHRASE_FILE": str(passphrase)}
    shell = Shell(tmp_path / "data", env, sandbox=False)
    yield shell
    stop_running(shell.config)


def done(shell: Shell, *argv: str, code: int = 0) -> str:
    result = shell(*argv, timeout_s=30)
    assert result.code == code, result.out + result.err
    return result.out


def is_closed(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def assert_the_least_is_asked_for(links: list[str]) -> None:
    google, microsoft = (parse_qs(urlsplit(link).query) for link in links)
    assert set(google["scope"][0].split()) == {
        "openid",
        "email",
        "https://www.googleapis.com/auth/gmail.send",
    }
    assert set(microsoft["scope"][0].split()) == {
        "openid",
        "profile",
        "offline_access",
        "https://graph.microsoft.com/Mail.Send",
        "https://graph.microsoft.com/User.Read",
    }
    for link in (google, microsoft):
        assert link["code_challenge_method"] == ["S256"] and link["response_type"] == ["code"]
        assert re.fullmatch(
            r"http://(127\.0\.0\.1|localhost):\d+/(google|microsoft)", link["redirect_uri"][0]
        )


def test_connect_check_and_send_over_the_providers_real_hosts_and_no_others(
    real: Shell, internet: Internet, tmp_path: Path
) -> None:
    client_file = tmp_path / "client_secret.json"
    client_file.write_text(json.dumps(CONSOLES_FILE))
    done(real, "providers", "set", "google", str(client_file))
    done(real, "providers", "set", "microsoft", "--client-id", MICROSOFT_CLIENT)
    done(real, "check", code=3)
    assert internet.proxy.asked == [], "nobody is contacted before there is a reason"
    done(real, "providers", "test", "google")
    done(real, "providers", "test", "microsoft")
    done(real, "accounts", "add", "google", "--login-hint", ANA)
    done(real, "accounts", "add", "microsoft", "--login-hint", DANA)
    checked = json.loads(done(real, "check", "--json"))
    assert {(one["address"], one["color"]) for one in checked["accounts"]} == {
        (ANA, "green"),
        (DANA, "green"),
    }

    client = real.client()
    for account in checked["accounts"]:
        assert client.ask(SendTest(account["id"])).cause is None
    client.close()
    (google_token, google_mail), (microsoft_token, microsoft_mail) = sorted(
        internet.providers.mails, key=lambda mail: "ya29" not in mail[0]
    )
    assert google_token.startswith("Bearer ya29.") and ANA.encode() in google_mail
    assert microsoft_token.startswith("Bearer eyJ0.") and DANA.encode() in microsoft_mail

    done(real, "accounts", "reconnect", ANA)
    real("doctor")
    done(real, "accounts", "remove", ANA, "--revoke")
    assert "1//03-google" not in internet.providers.live

    assert_the_least_is_asked_for(internet.seen.read_text().splitlines()[:2])
    for line in internet.seen.read_text().splitlines():
        redirect = urlsplit(parse_qs(urlsplit(line).query)["redirect_uri"][0])
        wait_until(partial(is_closed, redirect.port or 0), "the end of the listener")
    assert internet.pages() == [
        ("https", "accounts.google.com", "/o/oauth2/auth"),
        ("https", "login.microsoftonline.com", "/common/oauth2/v2.0/authorize"),
        ("https", "accounts.google.com", "/o/oauth2/auth"),
    ]
    assert internet.hosts == GOOGLE_HOSTS | MICROSOFT_HOSTS
    assert {host for host, _ in internet.providers.asked} == internet.hosts
    assert internet.direct <= OWN, "past the proxy"


def test_a_server_the_bundle_does_not_vouch_for_hears_nothing_and_nobody_is_asked_to_sign_in(
    real: Shell, internet: Internet
) -> None:
    done(real, "providers", "set", "microsoft", "--client-id", MICROSOFT_CLIENT)
    done(real, "accounts", "add", "microsoft", "--login-hint", DANA)
    stop_running(real.config)
    heard = len(internet.providers.asked)
    asked = len(internet.proxy.asked)
    trusted = real.env.pop("REQUESTS_CA_BUNDLE")
    (account,) = json.loads(done(real, "check", "--json", code=1))["accounts"]
    assert (account["color"], account["cause"]) == ("orange", "tls_rejected")
    assert len(internet.proxy.asked) > asked and len(internet.providers.asked) == heard
    stop_running(real.config)
    real.env["REQUESTS_CA_BUNDLE"] = trusted
    done(real, "check")
    assert internet.direct <= OWN


def test_resume_from_sleep_asks_anew_long_before_the_next_check(real: Shell, internet: Internet) -> None:
    done(real, "providers", "set", "microsoft", "--client-id", MICROSOFT_CLIENT)
    done(real, "accounts", "add", "microsoft", "--login-hint", DANA)
    done(real, "check")
    heard = len(internet.providers.asked)
    connections = len(internet.proxy.asked)
    client = real.client()
    client.ask(NetworkHint("resumed"))
    wait_until(lambda: len(internet.providers.asked) > heard, "a check after sleep")
    assert internet.providers.asked[-1] == ("login.microsoftonline.com", "/common/oauth2/v2.0/token")
    assert len(internet.proxy.asked) == connections + 1, "connections of before the sleep are not trusted"
    client.close()
    assert real.account(DANA)["color"] == "green"
