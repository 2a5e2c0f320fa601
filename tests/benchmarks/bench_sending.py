"""Sending with all its bookkeeping, beside a bare smtplib loop on one connection to the same server.

Run: make bench ARGS=tests/benchmarks/bench_sending.py
"""

import os
import smtplib
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from datetime import time as clock_time
from pathlib import Path

import trustme

from reply_desktop.adapters.clock import SystemClock
from reply_desktop.adapters.content import Content
from reply_desktop.adapters.providers.other import Other
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.tasks import WorkerPool
from reply_desktop.domain import grant
from reply_desktop.domain.account import Account
from reply_desktop.domain.enrollment import Enrollment, Thread
from reply_desktop.domain.grant import MailServer, MailServers, Password, Security
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Sequence, SequenceStatus, Step
from reply_desktop.domain.states import State
from reply_desktop.domain.window import SendingWindow
from reply_desktop.engine.build import new_id
from reply_desktop.engine.sending_parts import build_sending
from reply_desktop.services.announcer import Announcer
from reply_desktop.services.bus import Bus
from reply_desktop.services.credentials import CredentialStore
from reply_desktop.services.health import Health
from reply_desktop.services.ledger import Ledger
from reply_desktop.services.queries import Queries
from reply_desktop.services.sequence_feed import SequenceFeed
from reply_desktop.services.settings import SettingsDesk
from tests.fakes.world import FakeVault

MAILS = int(os.environ.get("BENCH_MAILS", "2000"))
TARGET = 0.5
"""Share of the bare loop's rate."""
BODY = "Dear {{ first_name }},\n\n" + "a few words about what we do and why that may matter to you.\n" * 8
ALWAYS = SendingWindow((1, 2, 3, 4, 5, 6, 7), clock_time(0), clock_time(0))


@contextmanager
def sink(folder: Path) -> Iterator[tuple[MailServer, ssl.SSLContext, "subprocess.Popen[str]"]]:
    """A running sink, and a context that trusts it."""
    authority = trustme.CA()
    certificate = folder / "server.pem"
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(certificate)
    )
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("smtp_sink.py")), str(certificate)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        port = int(process.stdout.readline())
        yield MailServer("localhost", port, Security.TLS), context, process
        process.stdin.close()
        process.wait()


def bare(server: MailServer, context: ssl.SSLContext) -> float:
    """Messages a second of smtplib on one connection, the message written once."""
    content = Content()
    step, prospect = (
        Step("s", 1, 0, "Hello", BODY),
        Prospect("p", "p@there.example", SystemClock().now(), {"first_name": "P"}),
    )
    rendered = content.render(step, prospect, sender="a@own.example", sender_name="", thread=Thread())
    mime = content.compose(
        rendered,
        sender="a@own.example",
        sender_name="",
        recipient="p@there.example",
        now=SystemClock().now(),
        marker="marker-0001",
        thread=Thread(),
        unsubscribe=True,
    ).mime
    with smtplib.SMTP_SSL(server.host, server.port, context=context) as smtp:
        smtp.login("a@own.example", "pw")
        began = time.perf_counter()
        for _ in range(MAILS):
            smtp.sendmail("a@own.example", ["p@there.example"], mime)
        return MAILS / (time.perf_counter() - began)


class Rig:
    """All that sends, on `accounts` accounts with MAILS prospects to share."""

    def __init__(self, folder: Path, server: MailServer, context: ssl.SSLContext, accounts: int) -> None:
        self.clock = SystemClock()
        self.store = SqliteStore(folder / "bench.db", self.clock)
        vault, bus, queries = FakeVault(), Bus(), Queries(self.store)
        settings = SettingsDesk(self.store, vault, bus, {})
        ledger = Ledger(
            self.store,
            queries,
            bus,
            self.clock,
            new_id,
            settings.preferences,
            Announcer(settings.preferences, lambda: UTC),
        )
        self.tasks = WorkerPool(64)
        credentials = CredentialStore(self.store, vault)
        self.other = Other(context)
        providers = {Provider.OTHER: self.other}
        health = Health(
            self.store, credentials, providers, ledger, queries, bus, self.clock, lambda: 0.5, self.tasks
        )
        feed = SequenceFeed(self.store, queries, ledger, bus, self.clock, _later)
        self.feed = feed
        self.sending = build_sending(
            self.store, credentials, providers, Content(), health, feed, self.clock, lambda: 0.5, self.tasks,
            new_id,
        )  # fmt: skip
        bus.listen(self.sending.sender.on_event)
        self._fill(vault, MailServers(server), accounts)

    def _fill(self, vault: FakeVault, servers: MailServers, accounts: int) -> None:
        now = self.clock.now()
        names = [f"a{number}" for number in range(accounts)]
        with self.store.begin() as unit:
            for name in names:
                unit.accounts.add(
                    Account(
                        name, Provider.OTHER, f"{name}@own.example", now, State.CONNECTED, proven_at=now,
                        granted_at=now, generation=1, servers=servers, daily_limit=10_000,
                    )
                )  # fmt: skip
                unit.grants.put(name, 1, vault.seal(name, grant.to_bytes(Password("pw"))))
            unit.sequences.add(
                Sequence(
                    "s", "Bench", now, SequenceStatus.RUNNING, tuple(names), (Step("s1", 1, 0, "Hello", BODY),),
                    ALWAYS, (0.0, 0.0), started_at=now,
                )
            )  # fmt: skip
            prospects = [
                Prospect(f"p{number}", f"p{number}@there.example", now, {"first_name": f"P{number}"})
                for number in range(MAILS)
            ]
            unit.prospects.put_many(prospects)
            unit.enrollments.add_many(
                [
                    Enrollment(f"e{number}", "s", one.id, number, due_at=now)
                    for number, one in enumerate(prospects)
                ]
            )
            unit.commit()

    def run(self) -> tuple[float, float]:
        """(messages a second, CPU seconds per thousand)."""
        sender = self.sending.sender
        began, cpu = time.perf_counter(), time.process_time()
        again = threading.Event()
        sender.soon = again.set
        while True:
            again.clear()
            sender.tick()
            with self.store.read() as unit:
                if unit.sequences.get("s").status is SequenceStatus.FINISHED:  # type: ignore[union-attr]
                    break
            again.wait(1)
        took = time.perf_counter() - began
        cpu = time.process_time() - cpu
        self.other.close()
        self.tasks.close()
        self.feed.close()
        self.store.close()
        return MAILS / took, cpu / MAILS * 1000


def _later(seconds: float, run: object) -> None:
    timer = threading.Timer(seconds, run)  # type: ignore[arg-type]
    timer.daemon = True
    timer.start()


def test_sending(tmp_path: Path) -> None:
    with sink(tmp_path) as (server, context, _):
        loop = bare(server, context)
        print(f"\nbare smtplib, one connection: {loop:,.0f}/s")
        best = 0.0
        for accounts in (1, 4, 16):
            folder = tmp_path / str(accounts)
            folder.mkdir()
            rate, cpu = Rig(folder, server, context, accounts).run()
            best = max(best, rate)
            print(
                f"{accounts} accounts, durable protocol: {rate:,.0f}/s, {rate / loop:.0%} of it; "
                f"{cpu:.2f} CPU s per 1,000 (target {TARGET:.0%})"
            )
