"""The app as a person runs it: real window, real engine, real channel, database and keyring; a token endpoint here.

Run: make bench ARGS=tests/benchmarks/bench_whole.py. How soon accounts are shown, how late the window is while
all accounts are checked, how soon a removed access is red and told, and what both processes cost when idle.
"""

import json
import os
import select
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from reply_desktop.channel.launch import ensure_engine, stop_running
from reply_desktop.channel.messages import CheckAccounts
from reply_desktop.config import Config
from reply_desktop.domain import grant
from reply_desktop.domain.account import Account
from reply_desktop.domain.grant import TokenSet
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import State
from reply_desktop.engine.build import build
from reply_desktop.services.ports import ProviderSettings
from reply_desktop.ui import icons, theme
from reply_desktop.ui.dbus_alerts import DBusAlerts
from reply_desktop.ui.life import Life
from reply_desktop.ui.main_window import MainWindow
from reply_desktop.ui.remembered import Remembered
from reply_desktop.ui.single_instance import SingleInstance
from tests.benchmarks.bench_check import token_server_process
from tests.benchmarks.bench_ui import Stall, spin, start

SIZES = [int(size) for size in os.environ.get("BENCH_SIZES", "100,1000,10000").split(",")]
IDLE_S = float(os.environ.get("BENCH_IDLE_S", "60"))
REPEATS = 5
SCOPES = ("openid", "email", "https://www.googleapis.com/auth/gmail.send")


@dataclass
class Rig:
    """A data folder with accounts, and the token endpoint they were granted by."""

    config: Config
    count: int
    server: "subprocess.Popen[str]"

    def toggle(self, number: int) -> None:
        """Remove this account's access at the provider, or give it back."""
        assert self.server.stdin is not None
        self.server.stdin.write(f"refresh-{number}\n")
        self.server.stdin.flush()

    def refused_at(self) -> float | None:
        """When the endpoint refused last, since it was asked the last time."""
        assert self.server.stdout is not None
        last = None
        while select.select([self.server.stdout], [], [], 0)[0]:
            last = float(self.server.stdout.readline())
        return last


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    count: int = request.param
    config = Config(tmp_path / "data")
    with token_server_process(tmp_path, 0.0) as (token_uri, ca_file, server):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
        fill(config, count, token_uri)
        yield Rig(config, count, server)
        stop_running(config)


def fill(config: Config, count: int, token_uri: str) -> None:
    config.data_dir.mkdir(mode=0o700)
    parts = build(config)
    try:
        parts.vault.open_now()
        parts.settings.put_provider(Provider.GOOGLE, ProviderSettings("id", "secret", token_uri=token_uri))
        now = parts.clock.now()
        with parts.store.begin() as unit:
            for number in range(count):
                account = Account(
                    f"{number:032x}", Provider.GOOGLE, f"person{number:05d}@company.example", now,
                    State.CONNECTED, proven_at=now, granted_at=now, generation=1, scopes=SCOPES,
                    next_check_at=now + timedelta(hours=1),
                )  # fmt: skip
                unit.accounts.add(account)
                tokens = TokenSet(f"refresh-{number}", "access", scopes=SCOPES, issued_at=now)
                unit.grants.put(account.id, 1, parts.vault.seal(account.id, grant.to_bytes(tokens)))
            unit.commit()
    finally:
        parts.close()


def await_calm(rig: Rig) -> None:
    """Until the checks that every start of the engine makes are over."""
    asked = "SELECT count(*) FROM accounts WHERE next_check_at < ?"
    deadline = time.monotonic() + 120
    with closing(sqlite3.connect(rig.config.database)) as database:
        while time.monotonic() < deadline:
            (left,) = database.execute(asked, ((time.time() + 60) * 1e6,)).fetchone()
            if not left:
                return
            time.sleep(0.2)
    raise TimeoutError


@pytest.mark.parametrize("rig", SIZES, indirect=True)
def test_accounts_shown(rig: Rig) -> None:
    runs: dict[str, list[list[float]]] = {"bare": [], "running": [], "started": []}
    start("app", rig.config.data_dir)
    for _ in range(REPEATS):
        runs["bare"].append(start("bare", rig.config.data_dir))
        stop_running(rig.config)
        runs["started"].append(start("app", rig.config.data_dir))
        await_calm(rig)
        runs["running"].append(start("app", rig.config.data_dir))
    bare, running, started = (
        [statistics.median(column) for column in zip(*runs[kind], strict=True)]
        for kind in ("bare", "running", "started")
    )
    print(
        f"\n{rig.count:,} accounts, load {os.getloadavg()[0]:.1f}: bare window painted {bare[0]:.0f} ms; "
        f"app painted {running[0]:.0f} ms (× {running[0] / bare[0]:.2f}; ≤ 250, × 1.5); "
        f"accounts shown {running[1]:.0f} ms (≤ 400), with the engine to be started {started[1]:.0f} ms (≤ 900)"
    )


@contextmanager
def window(rig: Rig, qtbot: QtBot, qapp: QApplication) -> Iterator[Life]:
    """The whole window, as `app.run` makes it, with its accounts shown."""
    remembered = Remembered(rig.config.data_dir / "window.ini")
    instance = SingleInstance(rig.config.data_dir, qapp)
    assert instance.claim()
    theme.install(qapp)
    icons.follow_theme()
    made = MainWindow(remembered)
    life = Life(rig.config, made, remembered, instance)
    made.installEventFilter(life)
    made.show()
    qtbot.waitUntil(
        lambda: (
            life.around is not None
            and life.front is not None
            and life.front.accounts.model.prepared(0) is not None
        ),
        timeout=30_000,
    )
    # Until what is loaded late is loaded and the collector is quiet.
    spin(3)
    yield life
    life.close()
    made.close()
    made.deleteLater()


@pytest.mark.parametrize("rig", SIZES, indirect=True)
def test_lateness_while_all_are_checked(rig: Rig, qtbot: QtBot, qapp: QApplication) -> None:
    ensure_engine(rig.config).close()
    await_calm(rig)
    with window(rig, qtbot, qapp) as life:
        assert life.front is not None
        rates, found, idle = [], [], []
        for _ in range(3):
            stall, seen = Stall(), set[str]()

            def on_rows(event: object, seen: set[str] = seen) -> None:
                seen.update(row.id for row in event.rows if not row.checking)  # type: ignore[attr-defined]

            life.front.bridge.rows_changed.connect(on_rows)
            with stall:
                began = time.perf_counter()
                life.front.bridge.ask(CheckAccounts())
                qtbot.waitUntil(lambda: len(seen) == rig.count, timeout=120_000)  # noqa: B023
                took = time.perf_counter() - began
            life.front.bridge.rows_changed.disconnect(on_rows)
            rates.append(rig.count / took)
            found.append((stall.p99, stall.worst, stall.busiest))
            with stall:
                spin(min(took, 5.0))
            idle.append((stall.p99, stall.worst))
    p99, worst, busiest = (statistics.median(column) for column in zip(*found, strict=True))
    calm_p99, calm_worst = (statistics.median(column) for column in zip(*idle, strict=True))
    print(
        f"\n{rig.count:,} accounts checked at {statistics.median(rates):,.0f}/s, load {os.getloadavg()[0]:.1f}: "
        f"window late p99 {p99:.1f} ms (≤ 8), max {worst:.1f} ms (≤ 16), its thread busy at most {busiest:.1f} ms; "
        f"the same timer with nothing going on: p99 {calm_p99:.1f}, max {calm_worst:.1f} ms"
    )


@pytest.mark.parametrize("rig", SIZES, indirect=True)
def test_removed_access_is_told(
    rig: Rig, qtbot: QtBot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts: list[float] = []
    show = DBusAlerts.show

    def noted(self: DBusAlerts, alert: object) -> None:
        show(self, alert)  # type: ignore[arg-type]
        alerts.append(now())

    monkeypatch.setattr(DBusAlerts, "show", noted)
    ensure_engine(rig.config).close()
    await_calm(rig)
    red, told = [], []
    with window(rig, qtbot, qapp) as life:
        assert life.front is not None
        bridge, table, model = life.front.bridge, life.front.accounts.table, life.front.accounts.model

        def shown(account_id: str) -> State | None:
            prepared = model.prepared(model.ids.index(account_id))
            return None if prepared is None else prepared.row.state

        def await_state(account_id: str, state: State) -> float:
            deadline = now() + 20
            while shown(account_id) is not state:
                assert now() < deadline, (shown(account_id), alerts, rig.refused_at())
                spin(0.0005)
            table.viewport().repaint()
            return now()

        for number in range(REPEATS):
            account_id = f"{number:032x}"
            alerts.clear()
            rig.toggle(number)
            bridge.ask(CheckAccounts((account_id,)))
            red_at = await_state(account_id, State.EXPIRED)
            qtbot.waitUntil(lambda: bool(alerts), timeout=20_000)
            refused_at = rig.refused_at()
            assert refused_at is not None
            red.append((red_at - refused_at) * 1000)
            told.append((alerts[0] - refused_at) * 1000)
            rig.toggle(number)
            bridge.ask(CheckAccounts((account_id,)))
            await_state(account_id, State.CONNECTED)
            spin(0.5)
    print(
        f"\n{rig.count:,} accounts, load {os.getloadavg()[0]:.1f}, after the provider's answer: row red "
        f"{statistics.median(red):.0f} ms (worst {max(red):.0f}), alert sent {statistics.median(told):.0f} ms "
        f"(worst {max(told):.0f}; ≤ 100)"
    )


def now() -> float:
    return time.clock_gettime(time.CLOCK_MONOTONIC)


@dataclass
class Cost:
    """What a process has used: CPU seconds, times each thread was woken; and its resident MiB."""

    cpu_s: float
    wakes: dict[str, int]
    rss: float

    @classmethod
    def of(cls, pid: int) -> "Cost":
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        wakes = {}
        for task in Path(f"/proc/{pid}/task").iterdir():
            said = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
            wakes[task.name] = int(said["voluntary_ctxt_switches"])
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        ticks = os.sysconf("SC_CLK_TCK")
        return cls((int(fields[11]) + int(fields[12])) / ticks, wakes, pages * 4096 / 2**20)


@pytest.mark.parametrize(("rig", "every_s"), [(5, None), (10_000, 300.0)], indirect=["rig"])
def test_idle(rig: Rig, every_s: float | None) -> None:
    """`every_s`: between checks of each account; None: none is due meanwhile."""
    app = subprocess.Popen([sys.executable, "-m", "reply_desktop", "--data-dir", str(rig.config.data_dir)])
    try:
        deadline = time.monotonic() + 30
        while not rig.config.engine_file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(3)
        await_calm(rig)
        if every_s is not None:
            with closing(sqlite3.connect(rig.config.database)) as database:
                spread = "UPDATE accounts SET next_check_at = ? + abs(random()) % ?"
                database.execute(spread, (int(time.time() * 1e6), int(every_s * 1e6)))
                database.commit()
        time.sleep(20)
        pids = {"window": app.pid, "engine": json.loads(rig.config.engine_file.read_text())["pid"]}
        before = {name: Cost.of(pid) for name, pid in pids.items()}
        time.sleep(IDLE_S)
        after = {name: Cost.of(pid) for name, pid in pids.items()}
    finally:
        app.terminate()
        app.wait(10)
    what = "idle" if every_s is None else f"each proven every {every_s:.0f} s"
    print(f"\n{rig.count:,} accounts, {what}, {IDLE_S:.0f} s, load {os.getloadavg()[0]:.1f}:")
    for name, was in before.items():
        used = after[name]
        woken = sum(wakes - was.wakes.get(thread, 0) for thread, wakes in used.wakes.items())
        print(
            f"  {name}: {(used.cpu_s - was.cpu_s) / IDLE_S * 100:.2f} % of a core, "
            f"{woken / IDLE_S:.1f} wake-ups/s, {used.rss:.0f} MiB"
        )
