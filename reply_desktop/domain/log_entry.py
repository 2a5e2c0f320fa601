"""What a sequence's Log tab says: one entry for each thing a person would want explained. Plain text."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.notification import Severity


class LogKind(StrEnum):
    """What kind of thing happened; the value is the stable code used in JSON and exports."""

    LAUNCHED = "launched"
    STARTED = "started"
    PAUSED = "paused"
    FINISHED = "finished"
    EDITED = "edited"
    IMPORTED = "imported"
    CANNOT_BEGIN = "cannot_begin"
    """Pre-flight found what keeps the sequence from sending."""
    CAN_GO_ON = "can_go_on"
    ACCOUNT_OUT = "account_out"
    ACCOUNT_BACK = "account_back"
    ACCOUNT_REMOVED = "account_removed"
    LIMIT_REACHED = "limit_reached"
    PROVIDER_LIMIT = "provider_limit"
    REPACED = "repaced"
    """Late mail was spread over the hours to come."""
    MOVED = "moved"
    """Stranded prospects go on from another account."""
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    DOUBT_SETTLED = "doubt_settled"
    REPLIED = "replied"
    AUTO_REPLIED = "auto_replied"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    STOPPED = "stopped"
    CANNOT_SEE_REPLIES = "cannot_see_replies"
    CLOCK_MOVED = "clock_moved"
    DISK_FULL = "disk_full"


_I, _W, _C = Severity.INFO, Severity.WARNING, Severity.CRITICAL

LOG_SEVERITY: Final = MappingProxyType(
    dict.fromkeys(LogKind, _I)
    | dict.fromkeys(
        (
            LogKind.DEFERRED,
            LogKind.PROVIDER_LIMIT,
            LogKind.FAILED,
            LogKind.BOUNCED,
            LogKind.CLOCK_MOVED,
            LogKind.ACCOUNT_REMOVED,
        ),
        _W,
    )
    | dict.fromkeys((LogKind.CANNOT_BEGIN, LogKind.ACCOUNT_OUT, LogKind.IN_DOUBT, LogKind.DISK_FULL), _C)
)
"""How much each kind matters."""

LOG_WORDS: Final = MappingProxyType(
    {kind: kind.value.replace("_", " ").capitalize() for kind in LogKind}
    | {
        LogKind.CANNOT_BEGIN: "Cannot send",
        LogKind.CAN_GO_ON: "Goes on",
        LogKind.ACCOUNT_OUT: "Account cannot send",
        LogKind.ACCOUNT_BACK: "Account works again",
        LogKind.REPACED: "Late mail spread out",
        LogKind.IN_DOUBT: "Outcome unknown",
        LogKind.DOUBT_SETTLED: "Outcome known",
        LogKind.AUTO_REPLIED: "Automatic reply",
    }
)
"""Each kind as the Log tab shows it."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a Log tab. `id` grows with each entry, 0 before it is stored. `at` aware UTC.

    `account` and `prospect` are addresses as they were then. `key`: the episode or touch it belongs to.
    """

    at: datetime
    sequence_id: str
    kind: LogKind
    text: str
    account: str | None = None
    prospect: str | None = None
    key: str | None = None
    id: int = 0

    @property
    def severity(self) -> Severity:
        """How much it matters, which follows from the kind."""
        return LOG_SEVERITY[self.kind]
