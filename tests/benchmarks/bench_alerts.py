"""Being told: what it adds to the commit of a lost account, the bell with many entries, the words of an e-mail.

The commit stands beside the same one for a person who wants no channel, the bell beside one with five entries,
the e-mail beside one about a single account and beside what `email` alone needs to write it down.

Run: make bench ARGS=tests/benchmarks/bench_alerts.py
"""

import os
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.adapters import mail
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.channel.messages import ListNotifications, NotificationList
from reply_desktop.domain import alert_words
from reply_desktop.domain.account import Account
from reply_desktop.domain.alert_words import News
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.notification import Notification, NotificationKind, Severity
from reply_desktop.domain.preferences import Preferences
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.domain.states import State
from reply_desktop.services.announcer import Announcer
from reply_desktop.services.bus import Bus
from reply_desktop.services.ledger import Ledger
from reply_desktop.services.queries import Queries
from reply_desktop.ui.bell import Bell
from reply_desktop.ui.bell_panel import SHOWN
from reply_desktop.ui.bridge import Bridge, EngineState
from tests.benchmarks.bench_ui import Stall
from tests.fakes.clock import START, FakeClock
from tests.fakes.engine import NOW, FakeEngine, few

LOSSES = 300
"""Accounts lost one after the other."""
TOGETHER, ROUNDS = 50, 9
"""Accounts lost in one commit, and how often that is done."""
ENTRIES = 500
MAILED = 1_000
WANTED = Preferences(email_to="me@company.example", team=("ops",))
UNWANTED = Preferences(tray=False)


class Books:
    """A database of connected accounts, and the ledger that writes their loss for a person who wants this."""

    def __init__(self, folder: Path, wants: Preferences, accounts: int) -> None:
        self.clock = FakeClock()
        self.store = SqliteStore(folder / "bench.db", self.clock)
        self.ledger = Ledger(
            self.store,
            Queries(self.store),
            Bus(),
            self.clock,
            lambda: uuid.uuid4().hex,
            lambda: wants,
            Announcer(lambda: wants, lambda: UTC),
        )
        self._left = [lost_soon(number) for number in range(accounts)]
        with self.store.begin() as unit:
            for account in self._left:
                unit.accounts.add(account)
            unit.commit()

    def lose(self, number: int) -> float:
        """Lose so many in one durable commit; milliseconds it took."""
        before = [self._left.pop() for _ in range(number)]
        self.clock.advance(1)
        began = time.perf_counter()
        with self.store.begin(durable=True) as unit:
            for account in before:
                after = replace(account, state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
                self.ledger.record(unit, account, after)
            unit.commit()
        return (time.perf_counter() - began) * 1000


def lost_soon(number: int) -> Account:
    return Account(
        f"{number:032x}",
        Provider.GOOGLE,
        f"person{number}@company.example",
        START,
        State.CONNECTED,
        proven_at=START,
        granted_at=START,
        generation=1,
    )


@pytest.mark.parametrize(("number", "times"), [(1, LOSSES), (TOGETHER, ROUNDS)])
def test_the_commit_of_a_loss(tmp_path: Path, number: int, times: int) -> None:
    books = []
    for name, wants in (("told", WANTED), ("untold", UNWANTED)):
        folder = tmp_path / name
        folder.mkdir()
        books.append(Books(folder, wants, number * (times + 1)))
    told, untold = books
    for each in books:
        each.lose(number)
    pairs = [(told.lose(number), untold.lose(number)) for _ in range(times)]
    with told.store.read() as unit:
        announced = sum(unit.announcements.waiting(channel) for channel in unit.announcements.channels())
    for each in books:
        each.store.close()
    assert announced == 3 * number * (times + 1)
    with_alerts, without = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"\n{number} lost in one durable commit, {times} times, load {os.getloadavg()[0]:.1f}: "
        f"{with_alerts:.2f} ms with three announcements each, {without:.2f} ms with none "
        f"→ × {with_alerts / without:.2f}"
    )


def entry(number: int, *, read: bool, group: str) -> NotificationRow:
    return NotificationRow(
        f"n{number}",
        f"k{number}",
        NotificationKind.ACCOUNT_LOST,
        Severity.CRITICAL,
        f"person{number}@company.example cannot send",
        "Access was removed or has expired. Press Reconnect.",
        NOW - timedelta(seconds=number),
        "a2",
        read=read,
        withdrawn=False,
        group=group,
    )


class PagedEngine(FakeEngine):
    """Gives the bell's entries page by page, as the engine does."""

    def __init__(self, entries: list[NotificationRow]) -> None:
        super().__init__(few())
        self.notifications = entries
        self.answers = {ListNotifications: self._page}

    def _page(self, asked: ListNotifications) -> NotificationList:
        older = [row for row in self.notifications if asked.before is None or row.at < asked.before]
        return NotificationList(tuple(older[: asked.limit]))


@pytest.fixture
def open_bell(qtbot: QtBot) -> Iterator[Callable[[list[NotificationRow]], Bell]]:
    bridges: list[Bridge] = []
    windows: list[QWidget] = []

    def opened(entries: list[NotificationRow]) -> Bell:
        bridge = Bridge(PagedEngine(entries).connect)
        bridges.append(bridge)
        bridge.start()
        qtbot.waitUntil(lambda: bridge.engine is EngineState.RUNNING)
        window = QWidget()
        windows.append(window)
        qtbot.addWidget(window)
        window.resize(900, 640)
        bell = Bell(bridge, window, clock=lambda: NOW)
        bell.move(840, 8)
        window.show()
        return bell

    yield opened
    for bridge in bridges:
        bridge.close()


@pytest.mark.parametrize(
    ("what", "number", "read", "together", "fetched"),
    [
        ("5, none read", 5, False, False, 5),
        (f"{ENTRIES}, all read", ENTRIES, True, False, 50),
        (f"{ENTRIES}, none read", ENTRIES, False, False, 250),
        (f"{ENTRIES} raised together", ENTRIES, False, True, 250),
    ],
)
def test_opening_the_bell(
    qtbot: QtBot,
    open_bell: Callable[[list[NotificationRow]], Bell],
    what: str,
    number: int,
    read: bool,
    together: bool,
    fetched: int,
) -> None:
    rows = [entry(one, read=read, group="n0" if together else "") for one in range(number)]
    bell = open_bell(rows)
    qtbot.waitUntil(lambda: together or read or bell.accessibleName().startswith("Notifications,"))
    times, busy = [], 0.0
    for _ in range(5):
        with Stall() as stall:
            began = time.perf_counter()
            bell.click()
            qtbot.waitUntil(
                lambda: is_filled(bell, fetched, 1 if together else min(fetched, SHOWN)), timeout=20_000
            )
            panel = bell.panel
            assert panel is not None
            panel.grab()
            times.append((time.perf_counter() - began) * 1000)
            qtbot.wait(50)
        busy = max(busy, stall.busiest)
        panel.hide()
    first, *again = times
    print(
        f"\nbell opened, {what}: {first:.0f} ms the first time, {statistics.median(again):.0f} ms again, "
        f"thread busy {busy:.0f} ms at most, load {os.getloadavg()[0]:.1f}"
    )


def is_filled(bell: Bell, rows: int, entries: int) -> bool:
    """Whether the panel has fetched so many rows, and shows them as so many entries."""
    panel = bell.panel
    return panel is not None and (len(panel._rows), len(panel._entries)) == (rows, entries)


def test_the_words_of_an_e_mail() -> None:
    def news(number: int) -> list[News]:
        return [told_of(one) for one in range(number)]

    many, one = news(MAILED), news(1)
    text = alert_words.email_text(many, UTC)

    def written(words: alert_words.AlertText) -> bytes:
        return mail.alert(
            "me@company.example", "me@company.example", words.subject, words.text, words.html, START, "m"
        )

    runs: dict[str, Callable[[], object]] = {
        f"words about {MAILED:,} accounts": lambda: alert_words.email_text(many, UTC),
        "words about one": lambda: alert_words.email_text(one, UTC),
        f"the message about {MAILED:,} written down": lambda: written(text),
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(30):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - began) * 1000)
    assert f"{MAILED:,}".replace(",", "") in text.subject.replace(",", "")
    said = ", ".join(f"{name} {statistics.median(took):.2f} ms" for name, took in times.items())
    print(f"\n{said}; {len(written(text)) / 1024:.0f} KiB, load {os.getloadavg()[0]:.1f}")


def told_of(number: int) -> News:
    address = f"person{number}@company.example"
    notice = Notification(
        f"n{number}",
        f"k{number}",
        NotificationKind.ACCOUNT_LOST,
        Severity.CRITICAL,
        f"{address} cannot send",
        f"Access was removed or has expired. Press Reconnect and choose {address} in the browser.",
        START,
        f"{number:032x}",
    )
    log = (("s1", "Spring outreach", number), ("s2", "Partner follow-up", number))
    return News(notice, address, Provider.GOOGLE, START, log, frozenset({"s2"}), Cause.GRANT_REVOKED)
