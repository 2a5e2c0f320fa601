"""Local servers, certificates and a transport for everything that talks to the outside world."""

import ssl
from collections.abc import Iterator

import pytest
import trustme

from reply_desktop.adapters.http import Transport
from tests.harness.web import Answering, Serve, WebServer, server_context

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no certificates of the person who runs the tests."""
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that only these tests trust."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its certificate."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="session")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """What a trusted server on this computer shows."""
    return server_context(authority.issue_cert("127.0.0.1", "localhost", "login.example.test"))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers, and stops them after the test."""
    servers: list[WebServer] = []

    def start(answer: Answering, tls: ssl.SSLContext | None = None) -> WebServer:
        servers.append(WebServer(answer, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def transport(ca_file: str, direct: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Transport]:
    """A transport that trusts the tests' authority only, which also saves reading the system's store."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
    made = Transport()
    yield made
    made.close()
