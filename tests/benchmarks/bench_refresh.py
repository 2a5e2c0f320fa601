"""Refresh grants per second, ours beside the vendor libraries used naively, against a TLS server here.

The server is a process of its own with fixed answers; CPU is this process's only. Rounds are interleaved and
the medians shown. Run: make bench ARGS=tests/benchmarks/bench_refresh.py
"""

import asyncio
import json
import os
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import certifi
import pytest
import trustme

from reply_desktop.adapters.http import Transport

COUNT = int(os.environ.get("BENCH_COUNT", "4000"))
NAIVE = 200
"""Naive refreshes measured; each costs some 25 ms of CPU."""
THREADS = int(os.environ.get("BENCH_WORKERS", "32"))
ROUNDS = 3
TARGET_CPU_S = 0.6
OUR_GOOGLE, OUR_MICROSOFT = "Google probe", "Microsoft probe"

CLIENT = "11111111-2222-3333-4444-555555555555"
TOKENS = {
    "token_type": "Bearer",
    "scope": "openid https://www.googleapis.com/auth/gmail.send Mail.Send User.Read",
    "expires_in": 3599,
    "access_token": "a" * 200,
    "refresh_token": "r" * 400,
}


class Answering(asyncio.Protocol):
    """Fixed answers over kept connections."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self._answers = answers
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._held) < end + 4 + size:
                return
            path = self._held.split(b" ", 2)[1]
            self._held = self._held[end + 4 + size :]
            assert isinstance(self._transport, asyncio.Transport)
            self._transport.write(self._answers[path])


async def serve(folder: str) -> None:
    """Serve until killed; tells the port on standard output."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/server.pem")
    answers: dict[bytes, bytes] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(answers), "127.0.0.1", 0, ssl=context, backlog=512)
    port = server.sockets[0].getsockname()[1]
    base = f"https://127.0.0.1:{port}/common"
    addresses = {
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
    }
    for path, said in (
        ("/token", TOKENS),
        ("/common/oauth2/v2.0/token", TOKENS),
        ("/common/v2.0/.well-known/openid-configuration", addresses),
    ):
        body = json.dumps(said).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        answers[path.encode()] = head.encode() + body
    print(port, flush=True)
    await server.serve_forever()


class SystemTime:
    """The real clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def contenders(url: str, ca_file: str, transport: Transport) -> dict[str, tuple[Callable[[], object], int]]:
    """Name → (one refresh, how many of them)."""
    import google.auth.transport.requests
    import google.oauth2.credentials
    import msal

    from reply_desktop.adapters.providers.google import Google
    from reply_desktop.adapters.providers.microsoft import Microsoft
    from reply_desktop.config import Endpoints
    from reply_desktop.domain.account import Account
    from reply_desktop.domain.grant import TokenSet
    from reply_desktop.services.ports import ProviderSettings

    clock = SystemTime()
    endpoints = Endpoints(microsoft_authority=f"{url}/common", graph_url=url)
    settings = ProviderSettings(CLIENT, "secret", token_uri=f"{url}/token")
    ours_google = Google(transport, endpoints, lambda provider: settings, clock)
    ours_microsoft = Microsoft(transport, endpoints, lambda provider: settings, clock)
    held = TokenSet("r" * 400)

    def probe(adapter: Google | Microsoft) -> Callable[[], object]:
        account = Account("a", adapter.provider, "ana@example.com", clock.now())

        def run() -> object:
            probed = adapter.probe(account, held)
            assert probed.outcome.proves, probed.outcome
            return probed

        return run

    def naive_google() -> object:
        credentials = google.oauth2.credentials.Credentials(
            None,
            refresh_token=held.refresh_token,
            token_uri=f"{url}/token",
            client_id=CLIENT,
            client_secret="secret",
        )
        credentials.refresh(google.auth.transport.requests.Request())
        return credentials.token

    def naive_msal() -> object:
        app = msal.PublicClientApplication(
            CLIENT, authority=f"{url}/common", instance_discovery=False, verify=ca_file
        )
        said = app.acquire_token_by_refresh_token(held.refresh_token, [f"{url}/Mail.Send"])
        app.http_client.close()
        assert "access_token" in said
        return said

    return {
        OUR_GOOGLE: (probe(ours_google), COUNT),
        OUR_MICROSOFT: (probe(ours_microsoft), COUNT),
        "naive google-auth (a new Request each)": (naive_google, NAIVE),
        "naive msal (a new app each)": (naive_msal, NAIVE),
    }


def measure(run: Callable[[], object], count: int) -> tuple[float, float]:
    """(refreshes per second, CPU seconds per 1,000)."""
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(run) for _ in range(THREADS)]:
            done.result()
        wall, cpu = time.perf_counter(), time.process_time()
        for done in [pool.submit(run) for _ in range(count)]:
            done.result()
        return count / (time.perf_counter() - wall), (time.process_time() - cpu) / count * 1000


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_refreshes_cost_far_less_than_naive_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    bundle = tmp_path / "bundle.pem"
    # What every client loads in real life, and the test authority.
    bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(tmp_path / "server.pem")
    )
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    server = subprocess.Popen([sys.executable, __file__, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    found: dict[str, list[tuple[float, float]]] = {}
    transport = Transport()
    try:
        assert server.stdout is not None
        with server.stdout:
            url = f"https://127.0.0.1:{int(server.stdout.readline())}"
        each = contenders(url, str(bundle), transport)
        for _ in range(ROUNDS):
            for name, (run, count) in each.items():
                found.setdefault(name, []).append(measure(run, count))
    finally:
        transport.close()
        server.kill()
        server.wait()
    medians = {
        name: tuple(statistics.median(column) for column in zip(*rows, strict=True))
        for name, rows in found.items()
    }
    print(f"\n{THREADS} threads, TLS, loopback, median of {ROUNDS} rounds")
    print(f"{'':42}{'refreshes/s':>12}{'CPU s per 1,000':>18}")
    for name, (rate, cpu_s) in medians.items():
        print(f"{name:42}{rate:12,.0f}{cpu_s:18.2f}")
    for name in (OUR_GOOGLE, OUR_MICROSOFT):
        assert medians[name][1] <= TARGET_CPU_S, name


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
