"""An engine in memory: answers every request from canned rows, pushes the events it is told to."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reply_desktop.channel import messages as m
from reply_desktop.domain import events
from reply_desktop.domain.account import Account
from reply_desktop.domain.case import Record
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.diagnosis import Diagnosis, diagnose
from reply_desktop.domain.diagnosis_report import report
from reply_desktop.domain.errors import EngineUnavailable, NotConfigured, NotFound, ReplyDesktopError
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import (
    AccountDetail,
    AccountFilter,
    AccountRow,
    AlertMailRow,
    AppFault,
    EpisodeRow,
    NotificationRow,
    ProviderRow,
    RelayRow,
    Summary,
    TeamChannelRow,
)
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.domain.states import COLORS, NEEDS_PERSON, SEVERITY, Color, State, worst
from reply_desktop.logs import redact
from tests.fakes.sequences import FakeSequences
from tests.fakes.sequences import few_log as few_log
from tests.fakes.sequences import few_sequences as few_sequences
from tests.fakes.sequences import forecast as forecast
from tests.fakes.sequences import import_preview as import_preview
from tests.fakes.sequences import import_report as import_report
from tests.fakes.sequences import log_entry as log_entry
from tests.fakes.sequences import prospect_row as prospect_row
from tests.fakes.sequences import prospects as prospects
from tests.fakes.sequences import sender_row as sender_row
from tests.fakes.sequences import sequence as sequence
from tests.fakes.sequences import sequence_row as sequence_row

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
SERVERS = MailServers(
    MailServer("smtp.lindholm.example", 465, Security.TLS),
    MailServer("imap.lindholm.example", 993, Security.TLS),
)
GOOGLE_SCOPES = ("openid", "email", "https://www.googleapis.com/auth/gmail.send")
MICROSOFT_SCOPES = ("openid", "offline_access", "Mail.Send", "User.Read")


def row(
    number: int,
    address: str,
    *,
    provider: Provider = Provider.GOOGLE,
    state: State = State.CONNECTED,
    cause: Cause | None = None,
    now: datetime = NOW,
    **fields: Any,
) -> AccountRow:
    """One account's row; what is not named is as on an ordinary day."""
    red = state in NEEDS_PERSON
    scopes = {Provider.GOOGLE: GOOGLE_SCOPES, Provider.MICROSOFT: MICROSOFT_SCOPES, Provider.OTHER: ()}
    canned: dict[str, Any] = {
        "provider_error": None,
        "proven_at": None if state is State.NEW else now - timedelta(seconds=40 * (number % 7) + 60),
        "checked_at": now - timedelta(seconds=60),
        "next_check_at": None if state in (State.NEW, State.PAUSED) else now + timedelta(seconds=240),
        "deadline_at": None,
        "granted_scopes": scopes[provider],
        "used_by": (),
        "sent_today": number * 7 % 43,
        "daily_limit": 50,
        "strip": ("-" * (number % 5) + "g" * 30)[:29] + ("r" if red else "g"),
    }
    return AccountRow(f"a{number}", provider, address, state=state, cause=cause, **(canned | fields))


def few(now: datetime = NOW) -> list[AccountRow]:
    """Five accounts, one expired and one at risk."""
    ago = lambda **span: now - timedelta(**span)  # noqa: E731
    return [
        row(1, "ana@brightfield.example", now=now, used_by=("Spring outreach", "Partners"), sent_today=23),
        row(
            2,
            "ben@brightfield.example",
            now=now,
            state=State.EXPIRED,
            cause=Cause.GRANT_REVOKED,
            provider_error="invalid_grant: Token has been expired or revoked.",
            proven_at=ago(hours=2, minutes=11),
            next_check_at=now + timedelta(minutes=52),
            used_by=("Spring outreach",),
            strip="g" * 12 + "oo" + "g" * 15 + "r",
        ),
        row(3, "carla.mendes@northwind.example", now=now, provider=Provider.MICROSOFT, used_by=("Partners",)),
        row(
            4,
            "dmitri@northwind.example",
            now=now,
            provider=Provider.MICROSOFT,
            state=State.AT_RISK,
            cause=Cause.UNREACHABLE,
            provider_error="connect to login.microsoftonline.com:443 timed out",
            proven_at=ago(minutes=24),
            strip="g" * 28 + "go",
        ),
        row(5, "eva@lindholm.example", now=now, provider=Provider.OTHER, sent_today=0),
    ]


def many(count: int, now: datetime = NOW) -> list[AccountRow]:
    """So many accounts of all kinds."""
    kinds = (
        (State.CONNECTED, None),
        (State.CONNECTED, None),
        (State.CONNECTED, None),
        (State.CONNECTED, None),
        (State.CONNECTED, None),
        (State.CONNECTED, None),
        (State.AT_RISK, Cause.UNREACHABLE),
        (State.EXPIRED, Cause.GRANT_REVOKED),
        (State.PAUSED, None),
        (State.BLOCKED, Cause.ADMIN_POLICY),
        (State.NEW, None),
    )
    providers = tuple(Provider)
    first = ("ana", "ben", "carla", "dmitri", "eva", "femi", "grace", "hiro", "ines", "jonas")
    last = ("adler", "brandt", "costa", "dahl", "eriksen", "fontaine", "garcia", "haas")
    made = []
    for number in range(count):
        state, cause = kinds[number * 7 % len(kinds)]
        name = f"{first[number % 10]}.{last[number // 10 % 8]}{number // 80:03d}"
        domain = ("brightfield", "northwind", "lindholm")[number % 3]
        made.append(
            row(
                number,
                f"{name}@{domain}.example",
                provider=providers[number % 3],
                state=state,
                cause=cause,
                now=now,
            )
        )
    return made


class FakeEngine:
    """The engine's side of a `Link`. `connect` is what the bridge is given; `asked` records the requests.

    `mute` names request classes that are recorded and left unanswered until `answer_held`. `sequences` answers
    whatever is about sequences, from the rows it was given.
    """

    def __init__(
        self,
        rows: Iterable[AccountRow] = (),
        *,
        sequences: Iterable[SequenceRow] = (),
        now: datetime = NOW,
        configured: bool = True,
    ) -> None:
        self.rows = {one.id: one for one in rows}
        self.sequences = FakeSequences(sequences, now=now)
        self.now = now
        self.configured = {Provider.GOOGLE: configured, Provider.MICROSOFT: configured, Provider.OTHER: True}
        self.asked: list[m.Request[Any]] = []
        self.errors: dict[type, ReplyDesktopError] = {}
        self.answers: dict[type, Any] = {}
        self.mute: set[type] = set()
        self.held: list[Callable[[], None]] = []
        self.faults: tuple[AppFault, ...] = ()
        self.settings: dict[str, str] = {}
        self.notifications: list[NotificationRow] = []
        self.alert_mail = AlertMailRow("", "ana@brightfield.example", None, 0, 0, 10)
        self.team: tuple[TeamChannelRow, ...] = ()
        self.alerts: dict[str, NotificationRow] = {}
        self.vault = m.VaultState(m.VaultStatus.OPEN, "Secret Service", "The key lies in the keyring.")
        self.episodes: dict[str, tuple[EpisodeRow, ...]] = {}
        self.granted: dict[str, datetime] = {}
        self.up = True
        self.connects = 0
        self._consents = 0
        self._on_event: Callable[[Any], None] = lambda event: None
        self._on_lost: Callable[[], None] = lambda: None

    # The link

    def connect(
        self, on_event: Callable[[Any], None], on_lost: Callable[[], None], cancelled: threading.Event
    ) -> "FakeEngine":
        self.connects += 1
        if not self.up:
            raise EngineUnavailable("The background service does not answer.", "It is being restarted.")
        self._on_event, self._on_lost = on_event, on_lost
        return self

    @property
    def welcome(self) -> m.Welcome:
        return m.Welcome("0.1.0", 1, 4242, self.now, "/data", False)

    def close(self) -> None:
        self._on_event = lambda event: None

    def ask_async(
        self, request: Any, done: Callable[[Any], None], failed: Callable[[ReplyDesktopError], None]
    ) -> None:
        self.asked.append(request)

        def reply() -> None:
            if error := self.errors.get(type(request)):
                failed(error)
                return
            try:
                answer = self._answer(request)
            except ReplyDesktopError as error:
                failed(error)
                return
            done(answer)

        if type(request) in self.mute:
            self.held.append(reply)
        else:
            reply()

    # What tests do to it

    def stop(self) -> None:
        """The engine dies and does not come back until `up` is set again."""
        self.up = False
        self._on_lost()

    def push(self, event: Any) -> None:
        """Push an event as the engine would."""
        self._on_event(event)

    def alert(self, *rows: NotificationRow) -> None:
        """Have these shown on the desktop: due until a front claims them."""
        self.alerts |= {one.id: one for one in rows}
        self.push(events.AlertsDue(rows))

    def withdraw(self, row: NotificationRow) -> None:
        """What this tells of is over."""
        self.alerts.pop(row.id, None)
        self.push(events.NotificationWithdrawn(row.id, row.key))

    def change(self, account_id: str, **fields: Any) -> AccountRow:
        """Change a row and push it together with the new summary."""
        self.rows[account_id] = changed = replace(self.rows[account_id], **fields)
        self.push(m.RowsChanged((changed,)))
        self.push(events.SummaryChanged(self.summary()))
        return changed

    def change_sequence(self, sequence_id: str, **fields: Any) -> SequenceRow:
        """Change a sequence's row and push it."""
        self.sequences.rows[sequence_id] = changed = replace(self.sequences.rows[sequence_id], **fields)
        self.push(events.SequencesChanged((changed,)))
        return changed

    def change_mail(self, **fields: Any) -> AlertMailRow:
        """Change how alert e-mail stands and push it."""
        self.alert_mail = replace(self.alert_mail, **fields)
        self.push(events.AlertMailChanged(self.alert_mail))
        return self.alert_mail

    def change_team(self, rows: tuple[TeamChannelRow, ...]) -> m.TeamChannelList:
        """Change the team channels and push them."""
        self.team = rows
        self.push(events.TeamChannelsChanged(rows))
        return m.TeamChannelList(rows)

    def push_removed(self, account_id: str) -> None:
        """Remove an account and push that it is gone."""
        gone = self.rows.pop(account_id)
        self.push(events.AccountRemoved(account_id, gone.address))
        self.push(events.SummaryChanged(self.summary()))

    def answer_held(self) -> None:
        """Answer what was left unanswered."""
        held, self.held = self.held, []
        for reply in held:
            reply()

    def of(self, kind: type) -> list[Any]:
        """The requests of one class, in order."""
        return [request for request in self.asked if type(request) is kind]

    def end_consent(self, end: str, text: str, *, account_id: str | None = None, **named: str | None) -> None:
        """End the sign-in begun last."""
        self.push(events.ConsentEnded(f"c{self._consents}", end, account_id, text, **named))

    # Answers

    def summary(self) -> Summary:
        counts = dict.fromkeys(State, 0)
        for one in self.rows.values():
            counts[one.state] += 1
        red = sorted((r for r in self.rows.values() if r.needs_person), key=lambda r: r.address)
        unread = sum(1 for n in self.notifications if not n.read)
        worst_state = worst(r.state for r in self.rows.values())
        return Summary(
            {k: v for k, v in counts.items() if v},
            worst_state,
            len(red),
            tuple(red[:50]),
            unread,
            self.faults,
        )

    def index(self, wanted: AccountFilter) -> tuple[str, ...]:
        keys: dict[str, Callable[[AccountRow], Any]] = {
            "severity": lambda r: SEVERITY.index(r.state),
            "address": lambda r: r.address,
            "provider": lambda r: r.provider,
            "cause": lambda r: r.cause or "",
            "proven_at": lambda r: r.proven_at or datetime.min.replace(tzinfo=UTC),
            "next_check_at": lambda r: r.next_check_at or datetime.max.replace(tzinfo=UTC),
            "sent_today": lambda r: r.sent_today,
        }
        found = [
            one
            for one in self.rows.values()
            if wanted.text.casefold() in one.address
            and (not wanted.states or one.state in wanted.states)
            and (not wanted.providers or one.provider in wanted.providers)
        ]
        found.sort(key=lambda r: r.address)
        found.sort(key=keys[wanted.sort], reverse=wanted.descending)
        return tuple(one.id for one in found)

    def _account(self, key: str) -> AccountRow:
        found = self.rows.get(key) or next((r for r in self.rows.values() if r.address == key), None)
        if found is None:
            raise NotFound("That account is not there any more.")
        return found

    def _answer(self, request: Any) -> Any:
        if (canned := self.answers.get(type(request))) is not None:
            return canned(request) if callable(canned) else canned
        if (about_sequences := self.sequences.answer(request)) is not None:
            answer, told = about_sequences
            for event in told:
                self.push(event)
            return answer
        match request:
            case m.ListAccounts(wanted):
                return m.AccountIndex(self.index(wanted))
            case m.GetAccounts(ids):
                return m.AccountRows(tuple(self.rows[i] for i in ids if i in self.rows))
            case m.GetAccount(account):
                return self._detail(self._account(account))
            case m.GetDiagnosis(account):
                return self.diagnosis(self._account(account))
            case m.GetSummary():
                return self.summary()
            case m.CheckAccounts(accounts):
                return m.CheckStarted("k1", len(accounts) or len(self.rows))
            case m.BeginConsent(provider, account, _):
                whose = provider or self._account(account or "").provider
                if not self.configured[whose]:
                    raise NotConfigured("No client ID for this provider yet.", "Open Settings → Providers.")
                self._consents += 1
                url = f"https://login.example/authorize?n={self._consents}"
                return m.ConsentStarted(f"c{self._consents}", url, self.now + timedelta(seconds=600))
            case m.FindServers():
                return m.FoundServers(SERVERS)
            case m.AddOther(address):
                made = row(len(self.rows) + 1, address, provider=Provider.OTHER, now=self.now)
                self.rows[made.id] = made
                return made
            case m.EditOther(account):
                return self._account(account)
            case m.RemoveAccounts(accounts):
                for one in accounts:
                    self.push_removed(one)
                return m.Done()
            case m.SetDailyLimit(accounts, daily_limit):
                for one in accounts:
                    self.change(self._account(one).id, daily_limit=daily_limit)
                return m.Done()
            case m.SendTest():
                return m.TestSent(None, None, False)
            case m.ListProviders():
                return m.ProviderList(
                    tuple(
                        ProviderRow(
                            p, self.configured[p], "id" if self.configured[p] else None, None, None, False, 0
                        )
                        for p in Provider
                    )
                )
            case m.ListNotifications():
                return m.NotificationList(tuple(self.notifications))
            case m.ListAlerts():
                return m.AlertList(tuple(self.alerts.values()))
            case m.ClaimAlerts(ids):
                return m.ClaimedAlerts(tuple(one for one in ids if self.alerts.pop(one, None)))
            case m.GetAlertMail():
                return self.alert_mail
            case m.PutRelay(server, sender, user, password):
                return self.change_mail(relay=RelayRow(server, user, sender, password is not None))
            case m.ClearRelay():
                return self.change_mail(relay=None)
            case m.TestAlertMail():
                return m.AlertTested(f"Sent to {self.alert_mail.to} through {self.alert_mail.through}.")
            case m.ListTeamChannels():
                return m.TeamChannelList(self.team)
            case m.AddTeamChannel(name):
                made_channel = TeamChannelRow(
                    f"t{len(self.team) + 1}", name, "Slack", "hooks.slack.com", True
                )
                return self.change_team((*self.team, made_channel))
            case m.SwitchTeamChannel(channel, enabled):
                return self.change_team(
                    tuple(replace(one, enabled=enabled) if one.id == channel else one for one in self.team)
                )
            case m.RemoveTeamChannel(channel):
                return self.change_team(tuple(one for one in self.team if one.id != channel))
            case m.TestTeamChannel():
                return m.AlertTested("The channel took the message.")
            case m.StartOverVault():
                self.vault = m.VaultState(m.VaultStatus.OPEN, self.vault.backend, "A new key was made.")
                return self.vault
            case m.GetVault() | m.UnlockVault():
                return self.vault
            case m.GetSettings(names):
                wanted_names = names or tuple(self.settings)
                return m.SettingValues({n: self.settings[n] for n in wanted_names if n in self.settings})
            case m.PutSettings(values):
                self.settings.update(values)
                return m.Done()
            case m.RunDoctor():
                return m.DoctorReport(())
            case m.Export():
                return m.Exported("{}")
        return m.Done()

    def diagnosis(self, one: AccountRow) -> Diagnosis:
        """What the engine would say of a row, from what is set of it here."""
        detail = self._detail(one)
        names = [field.name for field in fields(AccountRow) if field.name in Account.__dataclass_fields__]
        known = {name: getattr(one, name) for name in names}
        account = Account(
            **known,
            created_at=detail.created_at,
            scopes=one.granted_scopes,
            granted_at=self.granted.get(one.id, detail.granted_at),
            generation=1,
            servers=detail.servers,
        )
        used = tuple(row for row in self.sequences.rows.values() if one.address in row.accounts)
        record = Record(account, detail.episodes, used, client_id="c1d2e3f4-0000-4000-8000-000000000000")
        made = diagnose(record, self.now)
        return replace(made, report=report(made, record, "Reply Desktop 0", redact))

    def _detail(self, one: AccountRow) -> AccountDetail:
        timeline = self.episodes.get(one.id)
        if timeline is None:
            timeline = (
                EpisodeRow(
                    Cause.UNREACHABLE,
                    Color.ORANGE,
                    self.now - timedelta(days=17, hours=3),
                    self.now - timedelta(days=17, hours=2),
                    "check_succeeded",
                    "connect timed out",
                ),
            )
            if one.cause is not None and COLORS[one.state] in (Color.RED, Color.ORANGE):
                started_at = self.now - timedelta(hours=2)
                timeline = (
                    EpisodeRow(one.cause, COLORS[one.state], started_at, None, None, one.provider_error),
                    *timeline,
                )
        servers = SERVERS if one.provider is Provider.OTHER else None
        made_at = self.now - timedelta(days=60)
        return AccountDetail(one, timeline, made_at, made_at, servers)


def wait_until(met: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Wait, without Qt, for something another thread does."""
    end = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.001)
