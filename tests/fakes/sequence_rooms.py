"""The rooms of sequences on a real store, real content and fake providers; nothing runs by itself."""

from collections.abc import Sequence as Many
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from reply_desktop.adapters import csv_file
from reply_desktop.adapters.content import Content
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.domain import events
from reply_desktop.domain.account import Account
from reply_desktop.domain.enrollment import Enrollment, EnrollmentState
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Sequence, SequenceStatus, Step
from reply_desktop.domain.sequence_rows import LogFilter
from reply_desktop.domain.states import State
from reply_desktop.domain.touch import Touch, TouchState
from reply_desktop.services.announcer import Announcer
from reply_desktop.services.bus import Bus
from reply_desktop.services.forecasts import Forecasts
from reply_desktop.services.ledger import Ledger
from reply_desktop.services.ports import SendResult
from reply_desktop.services.prospects import ProspectDesk
from reply_desktop.services.queries import Queries
from reply_desktop.services.sequence_exports import SequenceExports
from reply_desktop.services.sequence_feed import SequenceFeed
from reply_desktop.services.sequences import SequenceDesk
from reply_desktop.services.settings import SettingsDesk
from reply_desktop.services.step_desk import StepDesk
from reply_desktop.services.suppressions import SuppressionDesk
from tests.fakes.clock import FakeClock
from tests.fakes.world import FakeProvider, FakeVault

STEPS = (
    Step("", 1, 0.0, "Hello {{ first_name }}", "Dear {{ first_name }},\n\nwelcome."),
    Step("", 2, 86400.0, "", "Did you see this?"),
    Step("", 3, 172800.0, "", "Last words."),
)


class Rooms:
    """Everything a person can do with sequences, and what a test wants to see of it."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.store = SqliteStore(folder / "reply.db", self.clock)
        self.bus = Bus()
        self.events: list[events.Event] = []
        self.bus.listen(self.events.append)
        queries = Queries(self.store)
        settings = SettingsDesk(self.store, FakeVault(), self.bus, {})
        self._numbers = 0
        ledger = Ledger(
            self.store,
            queries,
            self.bus,
            self.clock,
            self.new_id,
            settings.preferences,
            Announcer(settings.preferences, lambda: UTC),
        )
        self.feed = SequenceFeed(
            self.store, queries, ledger, self.bus, self.clock, lambda seconds, run: run()
        )
        self.providers = {one: FakeProvider(one) for one in Provider}
        self.chance = 0.5
        self.checked: list[str] = []
        self.wakes = 0
        self.sent: list[tuple[str, str | None, bytes]] = []
        content = Content()
        self.desk = SequenceDesk(
            self.store, self.feed, content, self.providers, self.bus, self.clock, lambda: self.chance,
            self.new_id, self.checked.append, self._wake,
        )  # fmt: skip
        self.prospects = ProspectDesk(self.store, self.feed, content, self.clock, self._wake)
        self.suppressions = SuppressionDesk(self.store, self.feed, self.clock)
        self.steps = StepDesk(self.store, content, self._send, self.clock, self.new_id)
        self.forecasts = Forecasts(self.store, self.clock)
        self.exports = SequenceExports(self.store, csv_file.write_rows)

    def new_id(self) -> str:
        self._numbers += 1
        return f"id{self._numbers}"

    def account(self, name: str = "ana", state: State = State.CONNECTED, **fields: Any) -> Account:
        """A stored account, `<name>@example.com`, with that id."""
        made = Account(
            name, Provider.GOOGLE, f"{name}@example.com", self.clock.now(), state, generation=1, **fields
        )
        with self.store.begin() as unit:
            unit.accounts.add(made)
            unit.commit()
        return made

    def plan(self, name: str = "Spring", accounts: Many[str] = ("ana",), **fields: Any) -> Sequence:
        """What a front would hand in for a new sequence."""
        known: dict[str, Any] = {"steps": STEPS}
        return Sequence("", name, self.clock.now(), accounts=tuple(accounts), **known | fields)

    def saved(self, name: str = "Spring", accounts: Many[str] = ("ana",), **fields: Any) -> Sequence:
        """A stored sequence."""
        return self.desk.save(self.plan(name, accounts, **fields)).sequence

    def running(self, sequence: Sequence) -> Sequence:
        """The same, active."""
        with self.store.begin() as unit:
            stored = unit.sequences.get(sequence.id)
            assert stored is not None
            unit.sequences.save(replace(stored, status=SequenceStatus.RUNNING, started_at=self.clock.now()))
            unit.commit()
        return self.stored(sequence.id)

    def enroll(
        self, sequence: Sequence, name: str, done: int = 0, account: str | None = None, **fields: Any
    ) -> Enrollment:
        """A prospect `<name>@prospect.example` that has had so many steps, the last one an hour ago."""
        now = self.clock.now()
        hour_ago = now - timedelta(hours=1)
        known: dict[str, Any] = {
            "state": EnrollmentState.ACTIVE if done else EnrollmentState.WAITING,
            "due_at": now + timedelta(hours=23) if done else now,
            "last_sent_at": hour_ago if done else None,
        }
        with self.store.begin() as unit:
            email = f"{name}@prospect.example"
            prospect = unit.prospects.find(email) or Prospect(
                self.new_id(), email, now, {"first_name": name.capitalize()}
            )
            unit.prospects.put_many([prospect])
            ordinal = unit.enrollments.last_ordinal(sequence.id) + 1
            made = Enrollment(
                self.new_id(), sequence.id, prospect.id, ordinal, account_id=account, done=done,
                **known | fields,
            )  # fmt: skip
            unit.enrollments.add_many([made])
            for step in sequence.steps[:done]:
                unit.touches.add(
                    Touch(
                        self.new_id(),
                        made.id,
                        sequence.id,
                        step.id,
                        account or "ana",
                        TouchState.SENT,
                        hour_ago,
                        hour_ago,
                        1,
                    )
                )
            unit.commit()
        return made

    def stored(self, sequence_id: str) -> Sequence:
        """The sequence as it is now."""
        with self.store.read() as unit:
            found = unit.sequences.get(sequence_id)
        assert found is not None
        return found

    def enrolled(self, enrollment_id: str) -> Enrollment:
        """The enrollment as it is now."""
        with self.store.read() as unit:
            found = unit.enrollments.get(enrollment_id)
        assert found is not None
        return found

    def log(self, sequence: Sequence, *kinds: LogKind) -> list[LogEntry]:
        """Its log, oldest first."""
        page = self.store.reads.sequences.log(LogFilter(sequence.id, kinds), 1000, 0)
        return list(reversed(page.entries))

    def of(self, kind: type) -> list[Any]:
        """The events of this kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def _wake(self) -> None:
        self.wakes += 1

    def _send(self, account: str, to: str | None, compose: Any) -> SendResult:
        mime = compose("ana@example.com", to or "ana@example.com")
        self.sent.append((account, to, mime))
        return self.providers[Provider.GOOGLE].send_result
