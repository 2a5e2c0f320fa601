"""An engine's parts that lose an account and tell of it, and die, as by kill -9, at a chosen moment.

python killed_teller.py DATA_DIR SANDBOX_DIR before|after STEP DEED…

The moment is before or after the commit in which the step is noted (`telling` or `told` on a channel, news of
a kind, `remind`, `withdraw`), or the publishing of the event that the step names.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reply_desktop.adapters.clock import SystemClock
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.store.unit_of_work import SqliteUnitOfWork
from reply_desktop.channel import messages as m
from reply_desktop.config import Config
from reply_desktop.domain import events
from reply_desktop.domain.account import Account
from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.notification import NotificationKind
from reply_desktop.domain.provider import Provider
from reply_desktop.engine.build import build
from reply_desktop.engine.requests import Desk
from reply_desktop.sandbox import process
from reply_desktop.sandbox.person import Person
from reply_desktop.sandbox.seed import ALERTS_TO
from tests.harness.waiting import wait_until

ANA = "ana@harbor.example"
MERGED_S = 61.0
"""Until what was told in the first moment may be mailed, in seconds."""
HOUR_S = 3600.0


class AheadClock(SystemClock):
    """This computer's clock, put forward by as many seconds as a file says; who comes later goes on there."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._ahead_s)

    def advance(self, seconds: float) -> None:
        """Time passes, for everybody who reads the file."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(self._ahead_s + seconds))
        fresh.replace(self._file)

    @property
    def _ahead_s(self) -> float:
        return float(self._file.read_text()) if self._file.exists() else 0.0


class Teller:
    """One engine on this folder, without channel and timers: it does what it is told, when it is told."""

    def __init__(
        self,
        folder: Path,
        stand_ins: process.Sandbox,
        make_store: type[SqliteStore] = SqliteStore,
        workers: int = 8,
    ) -> None:
        config = Config(folder, sandbox=True, endpoints=stand_ins.endpoints(), workers=workers)
        self.clock = AheadClock(folder / "ahead")
        self.parts = build(config, make_store=make_store, clock=self.clock)
        self.ask: Callable[[Any], Any] = Desk(self.parts, lambda hand_over: None, lambda what: None)
        self.parts.vault.open_now()

    def account(self, address: str) -> Account:
        """The account with this address."""
        return self.parts.accounts.find(address)

    def sign_in(self, address: str, *, reading: bool = False) -> None:
        """Let a person give this mailbox's consent, for a new account or for the one that is there."""
        over = threading.Event()
        self.parts.bus.listen(lambda event: over.set() if isinstance(event, events.ConsentEnded) else None)
        with self.parts.store.read() as unit:
            known = unit.accounts.find(address, Provider.GOOGLE)
        provider = None if known else Provider.GOOGLE
        opened = self.parts.connect.begin(provider, known, address, reading=reading)
        Person().consent(opened.url, address)
        assert over.wait(10), "the sign-in does not end"

    # What happens, in the order of a life

    def lose(self) -> None:
        """A check finds that Ana's access was removed."""
        self.parts.health.check_now(self.account(ANA).id)

    def push(self) -> None:
        """Windows hear of what is due on the desktop."""
        self.parts.alerts.tick()

    def claim(self) -> list[str]:
        """A window takes what it is to show; gives the ids."""
        rows = self.ask(m.ListAlerts()).rows
        return list(self.ask(m.ClaimAlerts(tuple(row.id for row in rows))).ids) if rows else []

    def carry(self) -> None:
        """The merge window is over: e-mail and team channel are told, or wait and say so."""
        self.clock.advance(MERGED_S)
        wait_until(self.is_carried, "end of what is to be carried")

    def remind(self) -> None:
        """The first reminder comes due."""
        self.clock.advance(HOUR_S)
        self.parts.alerts.tick()

    def mend(self) -> None:
        """Ana's owner signs in again."""
        self.sign_in(ANA)

    def address(self) -> None:
        """The person says where alert e-mail is to go."""
        self.ask(m.PutSettings({"notify.email_to": f'"{ALERTS_TO}"'}))

    def is_carried(self) -> bool:
        """Whether nothing is being handed over, and nothing is due that does not say why it waits."""
        self.parts.alerts.tick()
        now = self.clock.now()
        with self.parts.store.read() as unit:
            if unit.announcements.telling():
                return False
            waits = {one.key for one in unit.notifications.open([NotificationKind.ALERT_UNSENT])}
            for channel in unit.announcements.channels():
                due_at = unit.announcements.next_due_at(channel)
                says_why = channel == Channel.TRAY or f"{channel}:unsent" in waits
                if due_at is not None and due_at <= now and not says_why:
                    return False
        # What says why it waits may be looked at again just now, as a way has opened.
        return not self.parts.alerts.courier.busy


def die() -> None:
    """As with kill -9: nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


class _Noting:
    """Hands every call on, and notes it first."""

    def __init__(self, kept: object, note: Callable[[str, tuple[Any, ...]], None]) -> None:
        self._kept = kept
        self._note = note

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._kept, name)

        def call(*args: Any, **named: Any) -> Any:
            self._note(name, args)
            return method(*args, **named)

        return call


class DyingStore(SqliteStore):
    """Dies before or after the first commit of a unit of work that takes the step."""

    when = ""
    step = ""

    @contextmanager
    def begin(self, *, durable: bool = False) -> Iterator[SqliteUnitOfWork]:
        with super().begin(durable=durable) as unit:
            taken: set[str] = set()
            commit = unit.commit

            def of_notifications(name: str, args: tuple[Any, ...]) -> None:
                taken.add(args[0].kind.value if name == "add" else name)

            def of_announcements(name: str, args: tuple[Any, ...]) -> None:
                if name in ("add", "save"):
                    taken.add(f"{args[0].channel.partition(':')[0]} {args[0].state}")

            def commit_and_die() -> None:
                if self.step in taken and self.when == "before":
                    die()
                commit()
                if self.step in taken:
                    die()

            unit.notifications = _Noting(unit.notifications, of_notifications)
            unit.announcements = _Noting(unit.announcements, of_announcements)
            unit.commit = commit_and_die  # type: ignore[method-assign]
            yield unit


def main(folder: str, sandbox_dir: str, when: str, step: str, *deeds: str) -> None:
    stand_ins = process.running(Path(sandbox_dir))
    assert stand_ins is not None
    DyingStore.when, DyingStore.step = when, step
    # One after the other: a channel is never in the midst of telling because another one's telling dies.
    teller = Teller(Path(folder), stand_ins, DyingStore, workers=1)
    teller.parts.bus.listen(lambda event: die() if type(event).__name__ == step else None)
    try:
        for deed in deeds:
            getattr(teller, deed)()
    finally:
        teller.parts.close()
    raise SystemExit("still alive")


if __name__ == "__main__":
    main(*sys.argv[1:])
