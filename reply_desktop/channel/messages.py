"""Every message that crosses the channel. Requests name their answer; events are those of `domain.events`.

Adding a message or a field with a default keeps the protocol; anything else raises `config.PROTOCOL_VERSION`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Generic, TypeVar

from reply_desktop.domain import events
from reply_desktop.domain.diagnosis import Diagnosis
from reply_desktop.domain.grant import MailServer, MailServers
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import (
    AccountDetail,
    AccountFilter,
    AccountRow,
    AlertMailRow,
    DoctorRow,
    NotificationRow,
    ProviderRow,
    Summary,
    TeamChannelRow,
)
from reply_desktop.domain.sequence import Sequence
from reply_desktop.domain.sequence_rows import (
    Forecast,
    ImportChoice,
    ImportPreview,
    LogFilter,
    LogPage,
    ProspectFilter,
    ProspectRow,
    Rendered,
    SequenceDetail,
    SequenceRow,
    SuppressionRow,
)

A = TypeVar("A")


class Request(Generic[A]):
    """Base of all requests; `Answer` is the class of the answer."""

    Answer: ClassVar[type]


class VaultStatus(StrEnum):
    """How the vault is doing."""

    OPEN = "open"
    LOCKED = "locked"
    NEEDS_PASSPHRASE = "needs_passphrase"  # noqa: S105 - a state's name
    NO_KEYRING = "no_keyring"
    KEY_MISSING = "key_missing"


@dataclass(frozen=True, slots=True)
class Done:
    """The request was carried out and there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The request could not be carried out; becomes the `domain.errors` class of that code again."""

    code: str
    what: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Welcome:
    """The engine's first word: who it is. `pid` of the engine process."""

    version: str
    protocol: int
    pid: int
    started_at: datetime
    data_dir: str
    sandbox: bool


@dataclass(frozen=True, slots=True)
class Hello(Request[Welcome]):
    """A front's first word. `events`: whether it wants events pushed."""

    Answer: ClassVar[type] = Welcome
    version: str
    protocol: int
    events: bool = False


@dataclass(frozen=True, slots=True)
class AccountIndex:
    """Ids of all accounts that pass the filter, in order."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListAccounts(Request[AccountIndex]):
    """Which accounts, in which order."""

    Answer: ClassVar[type] = AccountIndex
    wanted: AccountFilter = field(default_factory=AccountFilter)


@dataclass(frozen=True, slots=True)
class AccountRows:
    """Rows in the order asked for; accounts no longer there are left out."""

    rows: tuple[AccountRow, ...]


@dataclass(frozen=True, slots=True)
class GetAccounts(Request[AccountRows]):
    """The rows of these accounts (those in view)."""

    Answer: ClassVar[type] = AccountRows
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetAccount(Request[AccountDetail]):
    """All about one account, by id or address. NotFound when it is not there."""

    Answer: ClassVar[type] = AccountDetail
    account: str


@dataclass(frozen=True, slots=True)
class GetDiagnosis(Request[Diagnosis]):
    """What happened to an account (id or address), why, and how it is mended. NotFound without one."""

    Answer: ClassVar[type] = Diagnosis
    account: str


@dataclass(frozen=True, slots=True)
class GetSummary(Request[Summary]):
    """Counts, worst state, unread number."""

    Answer: ClassVar[type] = Summary


@dataclass(frozen=True, slots=True)
class CheckStarted:
    """A check of so many accounts began; `CheckProgress` events with this id follow until done = total."""

    check_id: str
    total: int


@dataclass(frozen=True, slots=True)
class CheckAccounts(Request[CheckStarted]):
    """Check these accounts now (ids or addresses; empty = all that are not paused). Answers at once."""

    Answer: ClassVar[type] = CheckStarted
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CancelCheck(Request[Done]):
    """Stop a check the person asked for; accounts already asked keep their answers."""

    Answer: ClassVar[type] = Done
    check_id: str


@dataclass(frozen=True, slots=True)
class ConsentStarted:
    """The browser may open `url`; a `ConsentEnded` event with this id follows. `expires_at` is UTC."""

    consent_id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class BeginConsent(Request[ConsentStarted]):
    """Begin a sign-in: for a new account of `provider`, or to reconnect `account` (id or address).

    `reading`: also ask for the permission to read mail, so that replies and bounces are seen.
    """

    Answer: ClassVar[type] = ConsentStarted
    provider: Provider | None = None
    account: str | None = None
    login_hint: str | None = None
    reading: bool = False


@dataclass(frozen=True, slots=True)
class CancelConsent(Request[Done]):
    """Give up a sign-in. `page_said`: a Cause code picked by the person from what the browser page showed."""

    Answer: ClassVar[type] = Done
    consent_id: str
    page_said: str | None = None


@dataclass(frozen=True, slots=True)
class FoundServers:
    """Mail servers found for an address, or none.

    `provider`: the mailbox is at Google or Microsoft, and better connected by consent.
    """

    servers: MailServers | None
    provider: Provider | None = None


@dataclass(frozen=True, slots=True)
class FindServers(Request[FoundServers]):
    """Look up the mail servers of an address (common providers, DNS SRV, autoconfig)."""

    Answer: ClassVar[type] = FoundServers
    address: str


@dataclass(frozen=True, slots=True)
class AddOther(Request[AccountRow]):
    """Add an Other account, after a successful login check. Nothing is stored when the login fails."""

    Answer: ClassVar[type] = AccountRow
    address: str
    servers: MailServers
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EditOther(Request[AccountRow]):
    """Change an Other account's servers or password (None = keep), after a successful login check."""

    Answer: ClassVar[type] = AccountRow
    account: str
    servers: MailServers
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PauseAccounts(Request[Done]):
    """Stop checking and sending from these accounts."""

    Answer: ClassVar[type] = Done
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResumeAccounts(Request[Done]):
    """Let paused accounts go on; they are checked at once."""

    Answer: ClassVar[type] = Done
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoveAccounts(Request[Done]):
    """Forget these accounts and their grants. `revoke`: also end the grant at the provider where it can be.

    At Google this ends every grant of the person for the project, on all devices.
    """

    Answer: ClassVar[type] = Done
    accounts: tuple[str, ...]
    revoke: bool = False


@dataclass(frozen=True, slots=True)
class SetDailyLimit(Request[Done]):
    """How many messages a day these accounts may send."""

    Answer: ClassVar[type] = Done
    accounts: tuple[str, ...]
    daily_limit: int


@dataclass(frozen=True, slots=True)
class TestSent:
    """What became of a test message: a cause code (None = accepted) and the provider's text."""

    cause: str | None
    provider_error: str | None
    in_doubt: bool


@dataclass(frozen=True, slots=True)
class SendTest(Request[TestSent]):
    """Send a short test message from an account to `to` (None = to itself)."""

    Answer: ClassVar[type] = TestSent
    account: str
    to: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderList:
    """All three providers."""

    rows: tuple[ProviderRow, ...]


@dataclass(frozen=True, slots=True)
class ListProviders(Request[ProviderList]):
    """How the providers are set up."""

    Answer: ClassVar[type] = ProviderList


@dataclass(frozen=True, slots=True)
class SetGoogle(Request[ProviderRow]):
    """Take a `client_secret.json` as the Google console gives it. InvalidInput tells what is wrong."""

    Answer: ClassVar[type] = ProviderRow
    client_secret_json: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetMicrosoft(Request[ProviderRow]):
    """Take a Microsoft client id; authority and Graph URL for national clouds, None = the default."""

    Answer: ClassVar[type] = ProviderRow
    client_id: str
    authority: str | None = None
    graph_url: str | None = None


@dataclass(frozen=True, slots=True)
class ClearProvider(Request[Done]):
    """Forget a provider's client id."""

    Answer: ClassVar[type] = Done
    provider: Provider


@dataclass(frozen=True, slots=True)
class ProviderTested:
    """Whether the provider knows the client id: a cause code (None = fine) and its own text."""

    cause: str | None
    provider_error: str | None
    text: str


@dataclass(frozen=True, slots=True)
class TestProvider(Request[ProviderTested]):
    """Ask the provider, without signing anybody in, whether the client id is good."""

    Answer: ClassVar[type] = ProviderTested
    provider: Provider


@dataclass(frozen=True, slots=True)
class NotificationList:
    """The bell's entries, newest first."""

    rows: tuple[NotificationRow, ...]


@dataclass(frozen=True, slots=True)
class ListNotifications(Request[NotificationList]):
    """The bell's entries older than `before` (UTC): `limit`, and the rest of the last one's moment."""

    Answer: ClassVar[type] = NotificationList
    limit: int = 100
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class MarkRead(Request[Done]):
    """Mark entries read; empty = all."""

    Answer: ClassVar[type] = Done
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertList:
    """Notifications to be shown on the desktop now, oldest first."""

    rows: tuple[NotificationRow, ...]


@dataclass(frozen=True, slots=True)
class ListAlerts(Request[AlertList]):
    """What is to be shown on the desktop and was claimed by nobody yet; later ones come by `AlertsDue`."""

    Answer: ClassVar[type] = AlertList


@dataclass(frozen=True, slots=True)
class ClaimedAlerts:
    """Ids of the notifications this front is to show: each is given to one front, once for each telling."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimAlerts(Request[ClaimedAlerts]):
    """Take these notifications to show them now. What was withdrawn or claimed meanwhile is not given."""

    Answer: ClassVar[type] = ClaimedAlerts
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetAlertMail(Request[AlertMailRow]):
    """How alert e-mail stands."""

    Answer: ClassVar[type] = AlertMailRow


@dataclass(frozen=True, slots=True)
class PutRelay(Request[AlertMailRow]):
    """Let alert e-mail go through this server when no account can send, after a successful login check.

    `password` None keeps the one that is stored. InvalidInput tells why the server was not taken.
    """

    Answer: ClassVar[type] = AlertMailRow
    server: MailServer
    sender: str
    user: str = ""
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ClearRelay(Request[AlertMailRow]):
    """Forget the relay and its password."""

    Answer: ClassVar[type] = AlertMailRow


@dataclass(frozen=True, slots=True)
class AlertTested:
    """A test message was handed over: one line that says through what and to whom."""

    text: str


@dataclass(frozen=True, slots=True)
class TestAlertMail(Request[AlertTested]):
    """Send a test alert e-mail now. InvalidInput tells why it did not go out."""

    Answer: ClassVar[type] = AlertTested


@dataclass(frozen=True, slots=True)
class TeamChannelList:
    """All team channels, in the order they were added."""

    rows: tuple[TeamChannelRow, ...]


@dataclass(frozen=True, slots=True)
class ListTeamChannels(Request[TeamChannelList]):
    """The team channels."""

    Answer: ClassVar[type] = TeamChannelList


@dataclass(frozen=True, slots=True)
class AddTeamChannel(Request[TeamChannelList]):
    """Add a team channel, switched on. `url` as Apprise takes it or as the service's page gives it.

    It is a secret and goes into the vault. InvalidInput tells what is wrong with it.
    """

    Answer: ClassVar[type] = TeamChannelList
    name: str
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SwitchTeamChannel(Request[TeamChannelList]):
    """Let a team channel hear of news, or no more."""

    Answer: ClassVar[type] = TeamChannelList
    channel: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class RemoveTeamChannel(Request[TeamChannelList]):
    """Forget a team channel (id or name) and its secret."""

    Answer: ClassVar[type] = TeamChannelList
    channel: str


@dataclass(frozen=True, slots=True)
class TestTeamChannel(Request[AlertTested]):
    """Send a test message to a team channel (id or name) now. InvalidInput tells why it did not arrive."""

    Answer: ClassVar[type] = AlertTested
    channel: str


@dataclass(frozen=True, slots=True)
class VaultState:
    """How the vault is doing, where its key lies, one line for the person, and what a backup opens with."""

    status: VaultStatus
    backend: str
    text: str
    opens_with: str = "this computer's keyring"


@dataclass(frozen=True, slots=True)
class GetVault(Request[VaultState]):
    """How the vault is doing."""

    Answer: ClassVar[type] = VaultState


@dataclass(frozen=True, slots=True)
class UnlockVault(Request[VaultState]):
    """Try the keyring again, or open (or first make) the passphrase file. VaultLocked when it fails."""

    Answer: ClassVar[type] = VaultState
    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StartOverVault(Request[VaultState]):
    """Make a new key because the old one is gone for good; every account must be reconnected then.

    In the keyring, or under `passphrase`. InvalidInput while the vault is open.
    """

    Answer: ClassVar[type] = VaultState
    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SettingValues:
    """Named settings as JSON texts."""

    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class GetSettings(Request[SettingValues]):
    """The person's settings with these names; empty = all. Provider secrets are never among them."""

    Answer: ClassVar[type] = SettingValues
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PutSettings(Request[Done]):
    """Keep these settings (names must be known: `services.settings.NAMES`)."""

    Answer: ClassVar[type] = Done
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """What works and how to fix the rest."""

    rows: tuple[DoctorRow, ...]


@dataclass(frozen=True, slots=True)
class RunDoctor(Request[DoctorReport]):
    """Look at keyring, network, clock, database and providers from the engine's side."""

    Answer: ClassVar[type] = DoctorReport


@dataclass(frozen=True, slots=True)
class Exported:
    """The export as JSON text, without any secret."""

    json: str


@dataclass(frozen=True, slots=True)
class Export(Request[Exported]):
    """Accounts, episodes, notifications and settings, without any secret."""

    Answer: ClassVar[type] = Exported


@dataclass(frozen=True, slots=True)
class Backup(Request[Done]):
    """Write a whole, consistent copy of the database (grants stay sealed) to `path`."""

    Answer: ClassVar[type] = Done
    path: str


@dataclass(frozen=True, slots=True)
class SequenceList:
    """All sequences, by name."""

    rows: tuple[SequenceRow, ...]
    sending_paused: bool = False


@dataclass(frozen=True, slots=True)
class ListSequences(Request[SequenceList]):
    """All sequences with indicator and counts."""

    Answer: ClassVar[type] = SequenceList


@dataclass(frozen=True, slots=True)
class GetSequence(Request[SequenceDetail]):
    """All about one sequence, by id or name. NotFound when it is not there."""

    Answer: ClassVar[type] = SequenceDetail
    sequence: str


@dataclass(frozen=True, slots=True)
class SaveSequence(Request[SequenceDetail]):
    """Make a sequence (`id` empty) or change one; status, times and problem in it are not taken over.

    Steps without id are new. `revision` must be the one that was read, else InvalidInput: another front
    changed it meanwhile.
    """

    Answer: ClassVar[type] = SequenceDetail
    sequence: Sequence


@dataclass(frozen=True, slots=True)
class RemoveSequences(Request[Done]):
    """Forget these sequences with their prospects' places and their logs; nothing more is sent."""

    Answer: ClassVar[type] = Done
    sequences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaunchSequence(Request[SequenceRow]):
    """Let a sequence send: at `start_at` (UTC), or by itself in about a quarter of an hour; `now` at once."""

    Answer: ClassVar[type] = SequenceRow
    sequence: str
    start_at: datetime | None = None
    now: bool = False


@dataclass(frozen=True, slots=True)
class PauseSequence(Request[SequenceRow]):
    """Stop a sequence; it goes on where it was when it is launched again."""

    Answer: ClassVar[type] = SequenceRow
    sequence: str


@dataclass(frozen=True, slots=True)
class PauseSending(Request[Done]):
    """Stop all sending of all sequences, or let it go on; kept over restarts."""

    Answer: ClassVar[type] = Done
    paused: bool


@dataclass(frozen=True, slots=True)
class ProspectIndex:
    """Enrollment ids of all prospects that pass the filter, in order."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListProspects(Request[ProspectIndex]):
    """Which prospects of a sequence, in which order."""

    Answer: ClassVar[type] = ProspectIndex
    wanted: ProspectFilter


@dataclass(frozen=True, slots=True)
class ProspectRows:
    """Rows in the order asked for; those no longer there are left out."""

    rows: tuple[ProspectRow, ...]


@dataclass(frozen=True, slots=True)
class GetProspects(Request[ProspectRows]):
    """The rows of these enrollments (those in view)."""

    Answer: ClassVar[type] = ProspectRows
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StopProspects(Request[Done]):
    """Send nothing more to these prospects of a sequence (enrollment ids)."""

    Answer: ClassVar[type] = Done
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettleDoubt(Request[Done]):
    """The person found out: the mail in doubt of these enrollments was sent, or was not (then it is sent)."""

    Answer: ClassVar[type] = Done
    ids: tuple[str, ...]
    was_sent: bool


@dataclass(frozen=True, slots=True)
class PreviewImport(Request[ImportPreview]):
    """How a CSV file would be read. InvalidInput tells what is wrong with it."""

    Answer: ClassVar[type] = ImportPreview
    path: str
    encoding: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True, slots=True)
class ImportStarted:
    """An import began; `ImportProgress` events with this id follow, the last with a report or an error."""

    import_id: str


@dataclass(frozen=True, slots=True)
class ImportProspects(Request[ImportStarted]):
    """Enroll the prospects of a CSV file in a sequence, all or (cancelled, failed) none. Answers at once.

    Without a `choice` the columns are taken as `PreviewImport` understands them.
    """

    Answer: ClassVar[type] = ImportStarted
    sequence: str
    path: str
    choice: ImportChoice | None = None


@dataclass(frozen=True, slots=True)
class CancelImport(Request[Done]):
    """Stop an import; nothing of it is kept."""

    Answer: ClassVar[type] = Done
    import_id: str


@dataclass(frozen=True, slots=True)
class ListLog(Request[LogPage]):
    """Log entries of a sequence, newest first: `limit` of them from `offset` on."""

    Answer: ClassVar[type] = LogPage
    wanted: LogFilter
    limit: int = 200
    offset: int = 0


@dataclass(frozen=True, slots=True)
class LogPlace:
    """At which offset an entry stands under a filter; None when it is not among them."""

    offset: int | None


@dataclass(frozen=True, slots=True)
class FindLogEntry(Request[LogPlace]):
    """Where the entry with this id, or the newest one with this key, stands."""

    Answer: ClassVar[type] = LogPlace
    wanted: LogFilter
    entry_id: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ExportedRows:
    """How many rows were written."""

    rows: int


@dataclass(frozen=True, slots=True)
class ExportLog(Request[ExportedRows]):
    """Write a sequence's log as CSV to `path`, safe to open in a spreadsheet."""

    Answer: ClassVar[type] = ExportedRows
    wanted: LogFilter
    path: str


@dataclass(frozen=True, slots=True)
class ExportProspects(Request[ExportedRows]):
    """Write a sequence's prospects with state and fields as CSV to `path`, safe for spreadsheets."""

    Answer: ClassVar[type] = ExportedRows
    wanted: ProspectFilter
    path: str


@dataclass(frozen=True, slots=True)
class PreviewStep(Request[Rendered]):
    """A step, perhaps not saved yet, as a prospect (enrollment id, None = an example) would get it."""

    Answer: ClassVar[type] = Rendered
    sequence: Sequence
    number: int
    enrollment: str | None = None


@dataclass(frozen=True, slots=True)
class TestStep(Request[TestSent]):
    """Send a step, as a prospect would get it, from `account` to `to` (None = to itself)."""

    Answer: ClassVar[type] = TestSent
    sequence: Sequence
    number: int
    account: str
    to: str | None = None
    enrollment: str | None = None


@dataclass(frozen=True, slots=True)
class GetForecast(Request[Forecast]):
    """What the next hours bring, for one sequence (id) or all."""

    Answer: ClassVar[type] = Forecast
    sequence: str | None = None
    hours: int = 24


@dataclass(frozen=True, slots=True)
class SuppressionList:
    """Addresses that are never written to, newest first, and how many there are in all."""

    rows: tuple[SuppressionRow, ...]
    total: int


@dataclass(frozen=True, slots=True)
class ListSuppressions(Request[SuppressionList]):
    """The suppression list; `text` is looked for in the addresses."""

    Answer: ClassVar[type] = SuppressionList
    text: str = ""
    limit: int = 500
    offset: int = 0


@dataclass(frozen=True, slots=True)
class AddSuppressions(Request[Done]):
    """Never write to these addresses again; their running enrollments end."""

    Answer: ClassVar[type] = Done
    emails: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class RemoveSuppressions(Request[Done]):
    """Let these addresses be written to again; what has ended stays ended."""

    Answer: ClassVar[type] = Done
    emails: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NetworkHint(Request[Done]):
    """The front noticed: `up`, `down` or `resumed` from sleep. The engine rechecks what it must."""

    Answer: ClassVar[type] = Done
    what: str


@dataclass(frozen=True, slots=True)
class Shutdown(Request[Done]):
    """End the engine in order. `hand_over`: a front of another version takes over."""

    Answer: ClassVar[type] = Done
    hand_over: bool = False


REQUESTS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Hello,
        ListAccounts,
        GetAccounts,
        GetAccount,
        GetDiagnosis,
        GetSummary,
        CheckAccounts,
        CancelCheck,
        BeginConsent,
        CancelConsent,
        FindServers,
        AddOther,
        EditOther,
        PauseAccounts,
        ResumeAccounts,
        RemoveAccounts,
        SetDailyLimit,
        SendTest,
        ListProviders,
        SetGoogle,
        SetMicrosoft,
        ClearProvider,
        TestProvider,
        ListNotifications,
        MarkRead,
        ListAlerts,
        ClaimAlerts,
        GetAlertMail,
        PutRelay,
        ClearRelay,
        TestAlertMail,
        ListTeamChannels,
        AddTeamChannel,
        SwitchTeamChannel,
        RemoveTeamChannel,
        TestTeamChannel,
        GetVault,
        UnlockVault,
        StartOverVault,
        GetSettings,
        PutSettings,
        RunDoctor,
        Export,
        Backup,
        ListSequences,
        GetSequence,
        SaveSequence,
        RemoveSequences,
        LaunchSequence,
        PauseSequence,
        PauseSending,
        ListProspects,
        GetProspects,
        StopProspects,
        SettleDoubt,
        PreviewImport,
        ImportProspects,
        CancelImport,
        ListLog,
        FindLogEntry,
        ExportLog,
        ExportProspects,
        PreviewStep,
        TestStep,
        GetForecast,
        ListSuppressions,
        AddSuppressions,
        RemoveSuppressions,
        NetworkHint,
        Shutdown,
    )
}
"""Name → class of every request a front may make."""

EVENTS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        events.AccountRemoved,
        events.AppFaultOpened,
        events.AppFaultClosed,
        events.NotificationRaised,
        events.NotificationWithdrawn,
        events.AlertsDue,
        events.AlertMailChanged,
        events.TeamChannelsChanged,
        events.SummaryChanged,
        events.ConsentEnded,
        events.CheckProgress,
        events.ProviderChanged,
        events.VaultChanged,
        events.SequencesChanged,
        events.SequenceRemoved,
        events.LogAdded,
        events.ProspectsChanged,
        events.ImportProgress,
        events.SendingPaused,
    )
}


@dataclass(frozen=True, slots=True)
class RowsChanged:
    """Rows as they look now: `AccountChanged` events, gathered (at most one frame's worth, ~16 ms)."""

    rows: tuple[AccountRow, ...]


EVENTS[RowsChanged.__name__] = RowsChanged
"""Name → class of every event the engine pushes. Rows are gathered; engine-only events stay home."""
