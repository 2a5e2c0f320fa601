"""What the person is told: short, once per episode, plain text."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How much it matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class NotificationKind(StrEnum):
    """What kind of news it is."""

    ACCOUNT_LOST = "account_lost"
    ACCOUNT_RECOVERED = "account_recovered"
    APP_FAULT = "app_fault"
    APP_FAULT_OVER = "app_fault_over"


@dataclass(frozen=True, slots=True)
class Notification:
    """One entry of the bell. `key` names the episode (or app-level fault) it is about; times aware UTC.

    `withdrawn_at` is set when the trouble is over: the entry stays in the history, the tray alert goes.
    """

    id: str
    key: str
    kind: NotificationKind
    severity: Severity
    title: str
    text: str
    at: datetime
    account_id: str | None = None
    read_at: datetime | None = None
    withdrawn_at: datetime | None = None


def plain(text: str, limit: int = 300) -> str:
    """Text from outside made safe to show: one line, no control or direction marks, cut with an ellipsis."""
    bidi = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"
    line = " ".join(
        "".join(c if c.isprintable() or c.isspace() else " " for c in text if c not in bidi).split()
    )
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
