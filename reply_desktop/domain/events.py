"""Past facts, published after commit, carrying what listeners show: nothing is queried again."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reply_desktop.domain.account import Account
from reply_desktop.domain.episode import Episode
from reply_desktop.domain.log_entry import LogEntry
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import (
    AccountRow,
    AlertMailRow,
    AppFault,
    NotificationRow,
    Summary,
    TeamChannelRow,
)
from reply_desktop.domain.sequence_rows import ImportReport, SequenceRow


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """An account was added, checked, reconnected, paused or resumed; `row` is how it looks now."""

    row: AccountRow
    before: Account | None
    after: Account


@dataclass(frozen=True, slots=True)
class AccountRemoved:
    """An account and its grant are gone."""

    account_id: str
    address: str


@dataclass(frozen=True, slots=True)
class EpisodeOpened:
    """Trouble began."""

    episode: Episode
    account: Account


@dataclass(frozen=True, slots=True)
class EpisodeClosed:
    """Trouble is over (or its cause changed; see `episode.ending`)."""

    episode: Episode
    account: Account


@dataclass(frozen=True, slots=True)
class AppFaultOpened:
    """An app registration or the vault is in trouble."""

    fault: AppFault


@dataclass(frozen=True, slots=True)
class AppFaultClosed:
    """An app registration or the vault works again."""

    fault: AppFault


@dataclass(frozen=True, slots=True)
class NotificationRaised:
    """There is something to tell the person."""

    notification: NotificationRow


@dataclass(frozen=True, slots=True)
class NotificationWithdrawn:
    """The trouble a notification told of is over; its tray alert goes."""

    notification_id: str
    key: str


@dataclass(frozen=True, slots=True)
class AlertsDue:
    """These notifications are to be shown on the desktop now; a front claims them before it shows them."""

    rows: tuple[NotificationRow, ...]


@dataclass(frozen=True, slots=True)
class AlertMailChanged:
    """How alert e-mail stands, after something of it changed."""

    mail: AlertMailRow


@dataclass(frozen=True, slots=True)
class TeamChannelsChanged:
    """The team channels as they are now."""

    rows: tuple[TeamChannelRow, ...]


@dataclass(frozen=True, slots=True)
class SummaryChanged:
    """Counts, worst state or unread number changed."""

    summary: Summary


@dataclass(frozen=True, slots=True)
class ConsentEnded:
    """A sign-in in the browser ended; `end` is a `ConsentEnd`, `text` one line for the person."""

    consent_id: str
    end: str
    account_id: str | None
    text: str
    expected: str | None = None
    got: str | None = None


@dataclass(frozen=True, slots=True)
class CheckProgress:
    """A check the person asked for goes on: `done` of `total` accounts have answered."""

    check_id: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class ProviderChanged:
    """A provider's client id or endpoints were changed."""

    provider: Provider


@dataclass(frozen=True, slots=True)
class VaultChanged:
    """The vault was locked, unlocked or became unusable; `status` is a `VaultStatus` value."""

    status: str


@dataclass(frozen=True, slots=True)
class SequencesChanged:
    """Sequences as they look now: new, edited, started, stopped, or with other counts and colours."""

    rows: tuple[SequenceRow, ...]


@dataclass(frozen=True, slots=True)
class SequenceRemoved:
    """A sequence and its log are gone."""

    sequence_id: str
    name: str


@dataclass(frozen=True, slots=True)
class LogAdded:
    """New entries in Log tabs, oldest first."""

    entries: tuple[LogEntry, ...]


@dataclass(frozen=True, slots=True)
class ProspectsChanged:
    """Prospects of a sequence look different; `enrollment_ids` empty: many, ask for the list anew."""

    sequence_id: str
    enrollment_ids: tuple[str, ...] = ()


class ImportPhase(StrEnum):
    """What an import is at; the phases follow one another."""

    READING = "reading"
    ENROLLING = "enrolling"
    UPDATING = "updating"


_SHARES: Final = {
    ImportPhase.READING: (0.0, 0.1),
    ImportPhase.ENROLLING: (0.1, 0.9),
    ImportPhase.UPDATING: (0.9, 1.0),
}
"""Phase → where it begins and ends in the whole, by the time it takes."""


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """An import goes on: `report` once it is over, `error` when it failed.

    `done` of `total` are lines of the file while it is read, about so many in all, and prospects afterwards:
    those enrolled, then known ones that get their new fields.
    """

    import_id: str
    done: int
    total: int
    report: ImportReport | None = None
    error: str | None = None
    phase: ImportPhase = ImportPhase.READING

    @property
    def share(self) -> float:
        """How far the whole import is, 0 to 1: it only grows."""
        begins, ends = _SHARES[self.phase]
        return begins + (ends - begins) * min(self.done / max(self.total, 1), 1.0)

    @property
    def words(self) -> str:
        """What the import is at, for people."""
        match self.phase:
            case ImportPhase.READING:
                return f"Reading line {self.done:,} of about {self.total:,}"
            case ImportPhase.ENROLLING:
                return f"Enrolling {self.done:,} of {self.total:,}"
            case ImportPhase.UPDATING:
                return f"Updating {self.done:,} of {self.total:,} known before" if self.total else "Finishing"


@dataclass(frozen=True, slots=True)
class SendingPaused:
    """The person stopped, or let go on, all sending at once (tray: Pause sending)."""

    paused: bool


Event = (
    AccountChanged
    | AccountRemoved
    | EpisodeOpened
    | EpisodeClosed
    | AppFaultOpened
    | AppFaultClosed
    | NotificationRaised
    | NotificationWithdrawn
    | AlertsDue
    | AlertMailChanged
    | TeamChannelsChanged
    | SummaryChanged
    | ConsentEnded
    | CheckProgress
    | ProviderChanged
    | VaultChanged
    | SequencesChanged
    | SequenceRemoved
    | LogAdded
    | ProspectsChanged
    | ImportProgress
    | SendingPaused
)
