"""What the services need of the outside world, as Protocols. Adapters carry them out; tests give fakes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from reply_desktop.domain.account import Account
from reply_desktop.domain.episode import Episode
from reply_desktop.domain.grant import Credentials, Identity, MailServers, TokenSet
from reply_desktop.domain.inbox import InboxMessage
from reply_desktop.domain.notification import Notification, NotificationKind
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import (
    AccountDetail,
    AccountFilter,
    AccountRow,
    AppFault,
    NotificationRow,
    Summary,
)
from reply_desktop.domain.sequence_rows import (
    LogFilter,
    LogPage,
    ProspectFilter,
    ProspectRow,
    SequenceRow,
    SuppressionRow,
)
from reply_desktop.domain.states import State
from reply_desktop.services.alert_ports import Announcements
from reply_desktop.services.sequence_ports import (
    Enrollments,
    InboxMarks,
    Leftovers,
    Log,
    Paces,
    Prospects,
    Sequences,
    Suppressions,
    Touches,
    UnfinishedImports,
)


class Clock(Protocol):
    """Time. `now` is aware UTC; `monotonic` and its differences are seconds."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...


class Chance(Protocol):
    """Randomness: uniform in [0, 1)."""

    def __call__(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Probed:
    """What one check brought: the outcome, and the credentials to store when they changed.

    `credentials` is None when nothing is to be stored. A rotated refresh token is in here and must be
    durable before its access token is used.
    """

    outcome: Outcome
    credentials: Credentials | None = None


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """One sign-in about to begin: the link for the browser and what its answer must repeat.

    `flow` is the adapter's own; it holds the verifier and is kept out of `repr`. `issuer` is what `iss`
    must equal when the answer carries it (RFC 9207).
    """

    url: str = field(repr=False)
    redirect_uri: str
    state: str = field(repr=False)
    flow: object = field(repr=False)
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What the code brought: a grant with its identity, or only the outcome that refused it."""

    outcome: Outcome
    tokens: TokenSet | None = None
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of one message. `message_id` as delivered, if the provider told.

    `provider_id` and `thread_id`: the provider's own names of the message and its thread (Gmail). `in_doubt`:
    it may have gone out all the same.
    """

    outcome: Outcome
    message_id: str | None = None
    in_doubt: bool = False
    provider_id: str | None = None
    thread_id: str | None = None


@dataclass(frozen=True, slots=True)
class InboxPage:
    """What came in since the last look, oldest first. `cursor`: where the next look begins.

    `more`: there is more than fitted; look again at once.
    """

    outcome: Outcome
    messages: tuple[InboxMessage, ...] = ()
    cursor: str | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class SentSearch:
    """What looking for a message of ours among the sent ones brought.

    `found` None: the provider gives us no way to look, or did not answer. False proves little: a provider
    that takes mail over before it sends it may show it later.
    """

    outcome: Outcome
    found: bool | None = None
    message_id: str | None = None
    provider_id: str | None = None
    thread_id: str | None = None


class MailProvider(Protocol):
    """One kind of mailbox, checked and sent from over the network. Never raises for the provider's answers.

    VaultUnavailable passes through when the client secret cannot be opened.

    Methods block, may be called from many threads, and honour their own time-outs (30 s connect and read).
    """

    @property
    def provider(self) -> Provider: ...

    def probe(self, account: Account, credentials: Credentials, *, fresh: bool = False) -> Probed:
        """Ask the provider for proof (a forced refresh grant; Other: SMTP and IMAP login).

        `fresh`: on a new connection and past any cache, to confirm a refusal.
        """

    def send(
        self, account: Account, credentials: Credentials, mime: bytes, *, thread_id: str | None = None
    ) -> SendResult:
        """Hand one RFC 5322 message to the provider; `thread_id`: the thread it continues, where it has such.

        `in_doubt` in the result: it may have gone out all the same.
        """

    def may_read(self, account: Account) -> bool:
        """Whether the grant lets us read the mailbox, by what is stored of it; asks nobody."""

    def read_inbox(
        self,
        account: Account,
        credentials: Credentials,
        cursor: str | None,
        since: datetime,
        limit: int = 200,
    ) -> InboxPage:
        """What came in after `cursor`, or since that time where there is none. Only headers are kept."""

    def find_sent(
        self, account: Account, credentials: Credentials, marker: str, message_id: str, since: datetime
    ) -> SentSearch:
        """Look for a message of ours, by its marker or Message-ID, among those sent since then."""

    def revoke(self, account: Account, credentials: Credentials) -> bool:
        """End the grant at the provider; False when the provider has no way or did not answer."""


class ConsentProvider(MailProvider, Protocol):
    """A single-click provider: sign-in by consent in the browser."""

    @property
    def redirect_host(self) -> str:
        """`127.0.0.1` (Google) or `localhost` (Microsoft), as registered with the provider."""

    @property
    def redirect_path(self) -> str:
        """Differs by provider, so that answers cannot be mixed up (RFC 9700 §4.4)."""

    def begin(
        self,
        redirect_uri: str,
        login_hint: str | None,
        claims: str | None = None,
        *,
        reading: bool = False,
    ) -> ConsentRequest:
        """Prepare a sign-in: fresh state, PKCE S256. May ask the provider for its addresses.

        `reading`: also ask for the permission to read mail. Without it a grant that had it loses it.

        Raises NotConfigured without a client id, and ConsentFailed when the provider cannot be reached.
        """

    def redeem(self, request: ConsentRequest, answer: Mapping[str, str]) -> Redeemed:
        """Exchange the browser's answer for a grant and learn who signed in. Checks state and scopes."""


class ConsentListener(Protocol):
    """The loopback listener of one sign-in. Open from construction until `close`."""

    @property
    def redirect_uri(self) -> str: ...

    def wait(self, expected_state: str, timeout_s: float) -> Mapping[str, str] | None:
        """The answer's parameters once one with the right state came; None after cancel or time-out.

        Favicon, stray and wrong-state requests are answered and ignored.
        """

    def show(self, title: str, text: str, *, good: bool) -> None:
        """Tell the browser, which is still waiting, how it really ended."""

    def close(self) -> None:
        """Stop listening and let `wait` return; safe from any thread, more than once."""


class Listen(Protocol):
    """Opens a consent listener on a free loopback port."""

    def __call__(self, host: str, path: str) -> ConsentListener: ...


class Vault(Protocol):
    """Seals credentials with one key from the OS keyring. Methods may block on first use, never later."""

    def seal(self, account_id: str, plain: bytes) -> bytes:
        """Sealed bytes bound to the account id. Raises VaultLocked or VaultUnavailable."""

    def open(self, account_id: str, sealed: bytes) -> bytes:
        """What was sealed for this account. Raises as `seal`, and InvalidInput if damaged."""


class Accounts(Protocol):
    """Stored accounts."""

    def get(self, account_id: str) -> Account | None: ...
    def find(self, address: str, provider: Provider | None = None) -> Account | None: ...
    def add(self, account: Account) -> None: ...
    def save(self, account: Account) -> None: ...
    def remove(self, account_id: str) -> None: ...
    def ids(self, *, states: Sequence[State] = ()) -> list[str]:
        """Ids of the accounts in these states; empty means all."""

    def due(self, now: datetime, limit: int) -> list[str]:
        """Ids of accounts whose next check is due, the longest waiting first; by an index."""

    def next_due_at(self) -> datetime | None:
        """When the next account is due, if any."""

    def stale(self, proven_before: datetime, limit: int) -> list[str]:
        """Ids of connected accounts whose proof is older than that."""

    def make_due(self, now: datetime, *, states: Sequence[State], spread_s: float = 0.0) -> int:
        """Make all accounts in these states due within `spread_s`; for start, network up and resume."""

    def count(self, provider: Provider | None = None) -> int: ...
    def is_used(self, account_id: str) -> bool:
        """Whether a running sequence sends from this account."""


class Grants(Protocol):
    """Sealed credentials by account. Opaque here: only the vault can read them."""

    def get(self, account_id: str) -> tuple[int, bytes] | None:
        """(generation, sealed) or None."""

    def put(self, account_id: str, generation: int, sealed: bytes) -> None: ...
    def any(self) -> bytes | None:
        """One sealed value, to tell whether the vault's key fits."""


class Episodes(Protocol):
    """Stretches of trouble."""

    def open_of(self, account_id: str) -> Episode | None: ...
    def of_grants(self, account_id: str, limit: int = 50) -> list[Episode]:
        """What tells of its grants' lives: the newest red ones and those a sign-in ended, oldest first."""

    def add(self, episode: Episode) -> None: ...
    def close(self, episode: Episode) -> None: ...


class AppFaults(Protocol):
    """Open troubles of app registrations and the vault, by key (for instance `google:app_rejected`)."""

    def open(self) -> list[AppFault]: ...
    def put(self, fault: AppFault) -> None: ...
    def remove(self, key: str) -> None: ...


class Notifications(Protocol):
    """The bell's history."""

    def add(self, notification: Notification) -> None: ...
    def of_key(self, key: str) -> Notification | None:
        """The newest one about this episode or fault."""

    def get(self, notification_id: str) -> Notification | None: ...
    def newest_of(self, kind: NotificationKind) -> Notification | None:
        """The newest of this kind."""

    def open(self, kinds: Collection[NotificationKind]) -> list[Notification]:
        """Those of these kinds that are not withdrawn, oldest first."""

    def to_remind(self, until: datetime) -> list[Notification]:
        """Those not withdrawn whose next reminder is due by then, oldest first."""

    def next_reminder_at(self) -> datetime | None:
        """When the next reminder is due, if any."""

    def remind(self, notification_id: str, reminded: int, remind_at: datetime | None, unread: bool) -> None:
        """Keep how often it was told again and when next; `unread`: it counts as not read again."""

    def withdraw(self, notification_id: str, at: datetime) -> None:
        """Note that the trouble is over; it is not told again."""

    def mark_read(self, ids: Sequence[str] | None, at: datetime) -> None: ...
    def unread(self) -> int: ...


class Settings(Protocol):
    """Small named values (JSON text)."""

    def get(self, name: str) -> str | None: ...
    def starting(self, prefix: str) -> dict[str, str]:
        """All whose names begin so, by name."""

    def put(self, name: str, value: str) -> None: ...
    def remove(self, name: str) -> None: ...


class UnitOfWork(Protocol):
    """One transaction and the repositories in it. Nothing is kept unless `commit` is called."""

    @property
    def accounts(self) -> Accounts: ...
    @property
    def grants(self) -> Grants: ...
    @property
    def episodes(self) -> Episodes: ...
    @property
    def app_faults(self) -> AppFaults: ...
    @property
    def notifications(self) -> Notifications: ...
    @property
    def announcements(self) -> Announcements: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def sequences(self) -> Sequences: ...
    @property
    def prospects(self) -> Prospects: ...
    @property
    def enrollments(self) -> Enrollments: ...
    @property
    def imports(self) -> UnfinishedImports: ...
    @property
    def leftovers(self) -> Leftovers: ...
    @property
    def touches(self) -> Touches: ...
    @property
    def suppressions(self) -> Suppressions: ...
    @property
    def log(self) -> Log: ...
    @property
    def paces(self) -> Paces: ...
    @property
    def inbox_marks(self) -> InboxMarks: ...
    def commit(self) -> None: ...


class Reads(Protocol):
    """Read models: rows for fronts, straight from SQL."""

    def account_ids(self, wanted: AccountFilter) -> list[str]: ...
    def account_rows(self, ids: Sequence[str]) -> list[AccountRow]: ...
    def account_detail(self, account_id: str) -> AccountDetail | None: ...
    def summary(self) -> Summary: ...
    def notifications(self, limit: int, before: datetime | None = None) -> list[NotificationRow]: ...
    def notification_rows(self, ids: Sequence[str]) -> list[NotificationRow]:
        """These entries of the bell, oldest first."""

    @property
    def sequences(self) -> "SequenceReads": ...


class SequenceReads(Protocol):
    """Read models of sequences: what lists and pages show, straight from SQL."""

    def rows(self, ids: Sequence[str] | None = None) -> list[SequenceRow]:
        """These sequences' rows, or all by name."""

    def fields(self, sequence_id: str) -> list[str]:
        """Names of the merge fields its prospects have, by name."""

    def prospect_ids(self, wanted: ProspectFilter) -> list[str]: ...
    def prospect_rows(self, ids: Sequence[str]) -> list[ProspectRow]: ...
    def log(self, wanted: LogFilter, limit: int, offset: int) -> LogPage: ...
    def log_offset(self, wanted: LogFilter, entry_id: int | None, key: str | None) -> int | None:
        """Where an entry, or the newest of a key, stands among those that pass; None when it does not."""

    def due_counts(self, sequence_id: str | None, until: datetime) -> list["DueCount"]:
        """How much is due when, for the forecast."""

    def suppressions(self, text: str, limit: int, offset: int) -> tuple[list[SuppressionRow], int]: ...


@dataclass(frozen=True, slots=True)
class DueCount:
    """So many touches of a sequence are due at `at` (a minute, UTC) from an account; None: not pinned yet."""

    sequence_id: str
    account_id: str | None
    at: datetime
    count: int


class Store(Protocol):
    """The database."""

    @property
    def reads(self) -> Reads: ...

    def read(self) -> AbstractContextManager[UnitOfWork]:
        """A unit of work for reading only: never waits for writers, `commit` is an error."""

    def begin(self, *, durable: bool = False) -> AbstractContextManager[UnitOfWork]:
        """A unit of work; `durable` forces it to disk before `commit` returns (rotated tokens).

        Raises StoreFull when the disk is full. A write transaction from its start: no lost updates.
        """


class Scheduler(Protocol):
    """Runs callables now and then in the background; late runs are never dropped."""

    def every(self, seconds: float, run: Callable[[], None], name: str) -> None: ...
    def wake(self) -> None:
        """Recompute all waits: the computer slept or its clock was changed."""


class Tasks(Protocol):
    """A bounded pool of worker threads."""

    def submit(self, run: Callable[[], None]) -> None: ...


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What the person gave in Settings → Providers. `client_secret` is kept out of `repr`.

    For desktop clients Google does not treat it as a secret, we do all the same.
    """

    client_id: str
    client_secret: str = field(default="", repr=False)
    auth_uri: str | None = None
    token_uri: str | None = None
    authority: str | None = None
    graph_url: str | None = None
    project_id: str | None = None


class ProviderSettingsSource(Protocol):
    """Hands adapters the current settings; None when the provider is not configured.

    Raises VaultLocked or VaultUnavailable while the client secret cannot be opened: adapters let it pass.
    """

    def __call__(self, provider: Provider) -> ProviderSettings | None: ...


class Autoconfig(Protocol):
    """Finds the mail servers of an address: common providers, DNS SRV, autoconfig documents."""

    def __call__(self, address: str) -> MailServers | None: ...
