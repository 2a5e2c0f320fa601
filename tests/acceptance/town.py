"""A sandbox and a real engine whose clock a test can put forward, and a window that only listens."""

import json
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from reply_desktop.channel import messages as m
from reply_desktop.channel.launch import ensure_engine, stop_engine
from reply_desktop.config import Config
from reply_desktop.domain.consent import ConsentEnd
from reply_desktop.domain.events import AlertsDue, ConsentEnded
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.notification import NotificationKind
from reply_desktop.domain.preferences import EMAIL_TO
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence import SequenceStatus, Step
from reply_desktop.domain.sequence_rows import LogFilter
from reply_desktop.domain.window import SendingWindow
from reply_desktop.sandbox import process
from reply_desktop.sandbox.control import Control, SandboxControl, SinkMessage
from reply_desktop.sandbox.person import Person
from reply_desktop.sandbox.seed import ALERTS_TO
from tests.acceptance.killed_teller import MERGED_S, AheadClock
from tests.harness.waiting import wait_until

T = TypeVar("T")


class Front:
    """A window without a window: hears every event, and asks."""

    def __init__(self, config: Config, command: list[str] | None = None) -> None:
        self._config = config
        self.heard: list[Any] = []
        self.client = ensure_engine(config, events=True, on_event=self.heard.append, command=command)
        self.ask: Callable[[Any], Any] = self.client.ask

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.client.close()

    def all(self, kind: type[T]) -> list[T]:
        """The events of this kind, as they came."""
        return [event for event in list(self.heard) if isinstance(event, kind)]

    def alerts(self, kind: NotificationKind) -> list[NotificationRow]:
        """What windows were told to show of this kind, each entry once."""
        rows = {row.id: row for event in self.all(AlertsDue) for row in event.rows if row.kind is kind}
        return list(rows.values())

    def claim(self, *ids: str) -> tuple[str, ...]:
        """Take these to show them; gives those that are ours."""
        claimed: tuple[str, ...] = self.ask(m.ClaimAlerts(ids)).ids
        return claimed

    def bell(self, kind: NotificationKind) -> list[NotificationRow]:
        """The bell's entries of this kind, oldest first."""
        rows = self.ask(m.ListNotifications(1000)).rows
        return [row for row in reversed(rows) if row.kind is kind]

    def log(self, name: str, kind: LogKind) -> list[LogEntry]:
        """A sequence's entries of this kind, oldest first."""
        wanted = LogFilter(self.ask(m.GetSequence(name)).row.id, (kind,))
        return list(reversed(self.ask(m.ListLog(wanted, limit=1000)).entries))

    def account_id(self, address: str) -> str:
        found: str = self.ask(m.GetAccount(address)).row.id
        return found

    def lose(self, control: SandboxControl, *addresses: str) -> None:
        """The owners remove the app at their provider, and the next check finds it."""
        for address in addresses:
            control.apply(Control.REMOVE_ACCESS, address)
        self.ask(m.CheckAccounts(addresses))


class Town:
    """A sandbox and a real engine by a clock that can be put forward; nobody is connected yet."""

    def __init__(self, folder: Path) -> None:
        self.config = Config(folder, sandbox=True)
        self.clock = AheadClock(folder / "ahead")
        program = Path(__file__).with_name("movable_engine.py")
        self.front = Front(self.config, [sys.executable, str(program), str(folder)])
        self.ask = self.front.ask
        found = process.running(self.config.sandbox_dir)
        assert found is not None
        self.stand_ins = found
        self.control = found.control()
        self.ask(m.SetGoogle(Path(found.google_client_file).read_text()))
        self.ask(m.SetMicrosoft(found.microsoft_client_id))
        self.put(EMAIL_TO, ALERTS_TO)

    def put(self, name: str, value: object) -> None:
        self.ask(m.PutSettings({name: json.dumps(value)}))

    def sign_in(self, *addresses: str, provider: Provider = Provider.GOOGLE) -> None:
        """Connect these mailboxes, or connect them anew."""
        for address in addresses:
            opened = self.ask(m.BeginConsent(provider=provider, login_hint=address))
            Person().consent(opened.url, address)
            ended = wait_until(lambda: self._end(opened.consent_id), f"end of the sign-in of {address}")  # noqa: B023
            assert ended.end == ConsentEnd.CONNECTED, ended.text

    def sequence(self, name: str, accounts: Iterable[str]) -> str:
        """A running sequence whose one prospect is far from its end; gives its id."""
        ids = tuple(map(self.front.account_id, accounts))
        always = SendingWindow(days=(1, 2, 3, 4, 5, 6, 7))
        steps = (Step("", 1, 0.0, name, "Hello"), Step("", 2, 86_400.0, "", "Hello again"))
        made = self.ask(
            m.SaveSequence(
                MailSequence("", name, datetime.now(UTC), accounts=ids, steps=steps, window=always)
            )
        ).row
        people = self.config.data_dir / f"{name}.csv"
        people.write_text(f"email\np@{name.lower()}.example\n")
        self.ask(m.ImportProspects(made.id, str(people)))
        wait_until(lambda: self.ask(m.GetSequence(made.id)).row.prospects, "imported prospects")
        self.ask(m.LaunchSequence(made.id, now=True))
        running = SequenceStatus.RUNNING
        wait_until(lambda: self.ask(m.GetSequence(made.id)).row.status is running, f"start of {name}")
        return str(made.id)

    def pass_time(self, seconds: float = MERGED_S) -> None:
        """It is later by so much, and the engine looks at its clock."""
        self.clock.advance(seconds)
        self.ask(m.NetworkHint("up"))

    def alert_mails(self) -> list[SinkMessage]:
        return alert_mails(self.control)

    def restart(self) -> None:
        """Another engine on the same folder."""
        stop_engine(self.front.client, self.config)
        program = Path(__file__).with_name("movable_engine.py")
        self.front = Front(self.config, [sys.executable, str(program), str(self.config.data_dir)])
        self.ask = self.front.ask

    def close(self) -> None:
        stop_engine(self.front.client, self.config)
        process.stop(self.config.sandbox_dir)

    def _end(self, consent_id: str) -> ConsentEnded | None:
        return next((one for one in self.front.all(ConsentEnded) if one.consent_id == consent_id), None)


def alert_mails(control: SandboxControl) -> list[SinkMessage]:
    return [mail for mail in control.messages() if mail.recipients == (ALERTS_TO,)]
