"""What a front shows of a noun: plain frozen rows that travel in answers and events."""

from dataclasses import dataclass
from datetime import datetime

from reply_desktop.domain.causes import CAUSES, Cause, Who
from reply_desktop.domain.grant import MailServer, MailServers
from reply_desktop.domain.notification import Notification, NotificationKind, Severity
from reply_desktop.domain.provider import SINGLE_CLICK, Provider
from reply_desktop.domain.states import COLORS, NEEDS_PERSON, Color, OutcomeKind, State


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One row of the accounts table. `strip`: 30 letters, oldest day first, g/o/r or '-' for no data.

    Words (short text, explanation, steps) follow from `cause` by `domain.causes.words`.
    """

    id: str
    provider: Provider
    address: str
    state: State
    cause: Cause | None
    provider_error: str | None
    proven_at: datetime | None
    checked_at: datetime | None
    next_check_at: datetime | None
    deadline_at: datetime | None
    granted_scopes: tuple[str, ...]
    used_by: tuple[str, ...]
    sent_today: int
    daily_limit: int
    strip: str
    checking: bool = False
    deadline_cause: Cause | None = None

    @property
    def color(self) -> Color:
        """The indicator's colour."""
        return COLORS[self.state]

    @property
    def needs_person(self) -> bool:
        """Whether the row is red."""
        return self.state in NEEDS_PERSON

    @property
    def can_reconnect(self) -> bool:
        """Whether the row can have a Reconnect button at all (single-click providers)."""
        return self.provider in SINGLE_CLICK

    @property
    def offers_reconnect(self) -> bool:
        """Whether the Reconnect button is shown: the person signing in again would help."""
        if not self.can_reconnect or self.state in (State.SIGNING_IN, State.PAUSED):
            return False
        if self.state is State.NEW or self.state is State.EXPIRED:
            return True
        row = CAUSES[self.cause] if self.cause else None
        if row is None or row.app_level:
            return False
        if row.kind is OutcomeKind.WARNING:
            return self.state is State.AT_RISK and self.cause is not Cause.IDLE_ENDS
        return self.state is State.BLOCKED and row.who is Who.YOU


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """One line of an account's timeline."""

    cause: Cause
    color: Color
    started_at: datetime
    ended_at: datetime | None
    ending: str | None
    provider_error: str | None


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """What the accounts table shows and in which order. Empty tuples mean all.

    `sort` is one of SORTS; ties fall to the address.
    """

    text: str = ""
    states: tuple[State, ...] = ()
    providers: tuple[Provider, ...] = ()
    sort: str = "severity"
    descending: bool = True


SORTS = ("severity", "address", "provider", "cause", "proven_at", "next_check_at", "sent_today")
"""Columns the accounts table can be sorted by."""


@dataclass(frozen=True, slots=True)
class AccountDetail:
    """All the detail pane shows: the row, its timeline (newest first) and an Other account's servers."""

    row: AccountRow
    episodes: tuple[EpisodeRow, ...]
    created_at: datetime
    granted_at: datetime | None
    servers: MailServers | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts for banner, tray and header. `red` lists the accounts that need a person, worst first (≤ 50)."""

    counts: dict[State, int]
    worst: State | None
    needs_person: int
    red: tuple[AccountRow, ...]
    unread: int
    app_faults: tuple["AppFault", ...] = ()


@dataclass(frozen=True, slots=True)
class AppFault:
    """One trouble of an app registration or the vault, whatever the number of accounts it hits."""

    key: str
    provider: Provider | None
    cause: Cause
    provider_error: str | None
    since: datetime
    accounts: int


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """One entry of the bell. `sequence_id`: a sequence whose log tells of the same trouble, if any.

    `group`: shared by entries raised together. `reminded`: how often the trouble was told again.
    """

    id: str
    key: str
    kind: NotificationKind
    severity: Severity
    title: str
    text: str
    at: datetime
    account_id: str | None
    read: bool
    withdrawn: bool
    sequence_id: str | None = None
    group: str = ""
    reminded: int = 0

    @classmethod
    def of(cls, notice: Notification, sequence_id: str | None = None) -> "NotificationRow":
        """The notification as fronts show it."""
        return cls(
            notice.id,
            notice.key,
            notice.kind,
            notice.severity,
            notice.title,
            notice.text,
            notice.at,
            notice.account_id,
            read=notice.read_at is not None,
            withdrawn=notice.withdrawn_at is not None,
            sequence_id=sequence_id,
            group=notice.group,
            reminded=notice.reminded,
        )


@dataclass(frozen=True, slots=True)
class RelayRow:
    """The mail server that alert e-mail may go through when no account can send. `user` empty: no sign-in."""

    server: MailServer
    user: str
    sender: str
    has_password: bool


@dataclass(frozen=True, slots=True)
class AlertMailRow:
    """How alert e-mail stands. `to` empty: nobody gets any.

    `through`: the account or relay the next one would leave by, None when there is no way. `waiting`: how
    many notifications wait to be mailed. `sent_today`: e-mails in the last 24 hours, of `daily_cap`.
    """

    to: str
    through: str | None
    relay: RelayRow | None
    waiting: int
    sent_today: int
    daily_cap: int
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class TeamChannelRow:
    """One place a team reads: Slack, Teams, a webhook. `address` has no secret in it.

    `trouble`: why the last message did not arrive, None when it did or there was none.
    """

    id: str
    name: str
    service: str
    address: str
    enabled: bool
    trouble: str | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """How one provider is set up; `client_id` is no secret. `used_by`: number of accounts."""

    provider: Provider
    configured: bool
    client_id: str | None
    authority: str | None
    graph_url: str | None
    has_secret: bool
    used_by: int


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """One finding of the doctor: what was tried, whether it works, and how to fix it if not."""

    name: str
    ok: bool
    finding: str
    fix: str = ""
    required: bool = True
