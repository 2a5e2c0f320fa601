"""The whole check path at 10,000 accounts: due → refresh → classify → seal → commit → event.

Beside naive google-auth and naive msal in the same run. Run: make bench ARGS=tests/benchmarks/bench_check.py
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, timedelta
from pathlib import Path

import certifi
import pytest
import trustme

from reply_desktop.adapters.clock import SystemClock
from reply_desktop.adapters.http import Transport
from reply_desktop.adapters.providers.google import Google
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.tasks import WorkerPool
from reply_desktop.config import Endpoints
from reply_desktop.domain import events, grant
from reply_desktop.domain.account import Account
from reply_desktop.domain.grant import TokenSet
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import State
from reply_desktop.services.announcer import Announcer
from reply_desktop.services.bus import Bus
from reply_desktop.services.credentials import CredentialStore
from reply_desktop.services.health import Health
from reply_desktop.services.ledger import Ledger
from reply_desktop.services.ports import ProviderSettings
from reply_desktop.services.queries import Queries
from reply_desktop.services.settings import SettingsDesk

ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "10000"))
NAIVE = 200
"""Naive refreshes measured; each costs some 20 ms of CPU."""
WORKERS = int(os.environ.get("BENCH_WORKERS", "128"))
TARGET_RATE = 2_000.0
TARGET_CPU_S = 0.6


class Sealer:
    """The vault's work without a keyring: AES-256-GCM under a key in memory."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(AESGCM.generate_key(256))

    def seal(self, account_id: str, plain: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, plain, account_id.encode())

    def open(self, account_id: str, sealed: bytes) -> bytes:
        return self._cipher.decrypt(sealed[:12], sealed[12:], account_id.encode())


@contextmanager
def token_server(folder: Path, delay_s: float) -> Iterator[tuple[str, str]]:
    """(token uri, CA file) of a running token endpoint."""
    with token_server_process(folder, delay_s) as (token_uri, ca_file, _):
        yield token_uri, ca_file


@contextmanager
def token_server_process(folder: Path, delay_s: float) -> Iterator[tuple[str, str, "subprocess.Popen[str]"]]:
    """(token uri, CA file, process) of a running token endpoint; see token_server.py."""
    authority = trustme.CA()
    certificate = folder / "server.pem"
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    ca_file = folder / "ca.pem"
    # With the public authorities beside ours, as on any computer: loading them is what naive clients pay for.
    ca_file.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("token_server.py")), str(certificate), str(delay_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        port = int(process.stdout.readline())
        yield f"https://localhost:{port}/token", str(ca_file), process
        process.stdin.close()
        process.wait()


class Rig:
    """An engine's check path with `count` accounts, all due."""

    def __init__(self, folder: Path, token_uri: str, ca_file: str, count: int) -> None:
        self.clock = SystemClock()
        self.store = SqliteStore(folder / "bench.db", self.clock)
        vault = Sealer()
        bus = Bus()
        self.rows = 0
        bus.listen(self._on_event)
        queries = Queries(self.store)
        settings = SettingsDesk(self.store, vault, bus, {})
        settings.put_provider(Provider.GOOGLE, ProviderSettings("id", "secret", token_uri=token_uri))
        self.transport = Transport(ca_file)
        google = Google(self.transport, Endpoints(), settings.provider, self.clock)
        ledger = Ledger(
            self.store,
            queries,
            bus,
            self.clock,
            lambda: uuid.uuid4().hex,
            settings.preferences,
            Announcer(settings.preferences, lambda: UTC),
        )
        self.tasks = WorkerPool(WORKERS)
        self.health = Health(
            self.store,
            CredentialStore(self.store, vault),
            {Provider.GOOGLE: google},
            ledger,
            queries,
            bus,
            self.clock,
            random.random,
            self.tasks,
        )
        now = self.clock.now()
        scopes = ("openid", "email", "https://www.googleapis.com/auth/gmail.send")
        with self.store.begin() as unit:
            for number in range(count):
                account = Account(
                    f"{number:032x}",
                    Provider.GOOGLE,
                    f"person{number}@company.example",
                    now,
                    State.CONNECTED,
                    proven_at=now,
                    granted_at=now,
                    generation=1,
                    scopes=scopes,
                    next_check_at=now - timedelta(seconds=1),
                )
                unit.accounts.add(account)
                tokens = TokenSet(f"1//refresh-{number}", "ya29.0", scopes=scopes, issued_at=now)
                unit.grants.put(account.id, 1, vault.seal(account.id, grant.to_bytes(tokens)))
            unit.commit()

    def _on_event(self, event: events.Event) -> None:
        self.rows += isinstance(event, events.AccountChanged)

    def sweep_all(self) -> None:
        """Sweep until nothing is due."""
        due = threading.Event()
        while self.health.sweep() or self.health.busy:
            due.wait(0.002)

    def make_due(self) -> None:
        with self.store.begin() as unit:
            unit.accounts.make_due(self.clock.now() - timedelta(seconds=1), states=tuple(State))
            unit.commit()

    def close(self) -> None:
        self.tasks.close()
        self.transport.close()
        self.store.close()


def measured(run: Callable[[], None], count: int) -> tuple[float, float]:
    """(per second, CPU seconds per 1,000) of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return count / wall, cpu / count * 1000


def naive_google(token_uri: str, ca_file: str) -> None:
    import google.auth.transport.requests
    import requests
    from google.oauth2.credentials import Credentials

    def one(number: int) -> None:
        session = requests.Session()
        session.verify, session.trust_env = ca_file, False
        credentials = Credentials(
            None, refresh_token=f"r{number}", token_uri=token_uri, client_id="id", client_secret="s"
        )
        credentials.refresh(google.auth.transport.requests.Request(session))

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(one, range(NAIVE)))


def naive_msal(token_uri: str, ca_file: str) -> None:
    import msal

    class Discovered:
        """Answers discovery from memory, so that only the refresh is measured; a session each, as by default."""

        def __init__(self) -> None:
            import requests

            self._session = requests.Session()
            self._session.verify, self._session.trust_env = ca_file, False

        def get(self, url: str, **_: object) -> object:
            base = token_uri.removesuffix("/token")
            document = {
                "authorization_endpoint": base + "/authorize",
                "token_endpoint": token_uri,
                "issuer": base + "/tenant",
            }

            class Answer:
                status_code = 200
                text = json.dumps(document)
                headers: dict[str, str] = {}  # noqa: RUF012

            return Answer()

        def post(self, url: str, **given: object) -> object:
            return self._session.post(url, **given)  # type: ignore[arg-type]

        def close(self) -> None:
            self._session.close()

    def one(number: int) -> None:
        base = token_uri.removesuffix("/token")
        app = msal.PublicClientApplication(
            "id", authority=base + "/tenant", http_client=Discovered(), instance_discovery=False
        )
        said = app.acquire_token_by_refresh_token(f"r{number}", scopes=["https://graph/Mail.Send"])
        assert "access_token" in said, said

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(one, range(NAIVE)))


@pytest.mark.parametrize("delay_ms", [0, 150])
def test_whole_check_path(tmp_path: Path, delay_ms: int) -> None:
    with token_server(tmp_path, delay_ms / 1000) as (token_uri, ca_file):
        rig = Rig(tmp_path, token_uri, ca_file, ACCOUNTS)
        try:
            runs, google_runs, msal_runs = [], [], []
            for _ in range(3):
                rig.make_due()
                rig.rows = 0
                runs.append(measured(rig.sweep_all, ACCOUNTS))
                assert rig.rows == ACCOUNTS
                google_runs.append(measured(lambda: naive_google(token_uri, ca_file), NAIVE))
                msal_runs.append(measured(lambda: naive_msal(token_uri, ca_file), NAIVE))
        finally:
            rig.close()
        rate, cpu = sorted(runs)[1]
        google_rate, google_cpu = sorted(google_runs)[1]
        msal_rate, msal_cpu = sorted(msal_runs)[1]
    print(
        f"\nwhole check, {ACCOUNTS} accounts, TLS, {delay_ms} ms, load {os.getloadavg()[0]:.1f}: {rate:,.0f}/s, {cpu:.2f} CPU s per 1,000 "
        f"(target {TARGET_RATE:,.0f}/s, {TARGET_CPU_S})"
        f"\n  naive google-auth {google_rate:,.0f}/s, {google_cpu:.1f} CPU s per 1,000 → {rate / google_rate:.1f} ×"
        f"\n  naive msal        {msal_rate:,.0f}/s, {msal_cpu:.1f} CPU s per 1,000 → {rate / msal_rate:.1f} ×"
    )
