"""What the person is told: short, once per episode, plain text."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reply_desktop.domain.account import Account
from reply_desktop.domain.provider import PROVIDER_NAMES, Provider


class Severity(StrEnum):
    """How much it matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class NotificationKind(StrEnum):
    """What kind of news it is."""

    ACCOUNT_LOST = "account_lost"
    ACCOUNT_RECOVERED = "account_recovered"
    DEADLINE_NEAR = "deadline_near"
    APP_FAULT = "app_fault"
    APP_FAULT_OVER = "app_fault_over"
    ALERT_UNSENT = "alert_unsent"


@dataclass(frozen=True, slots=True)
class Notification:
    """One entry of the bell. `key` names the episode (or app-level fault) it is about; times aware UTC.

    `withdrawn_at` is set when the trouble is over: the entry stays in the history, the tray alert goes.
    `group`: id of the first of those raised together, its own for the first. `reminded`: how often it was
    told again; `remind_at`: when next, None for never.
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
    group: str = ""
    reminded: int = 0
    remind_at: datetime | None = None


def plain(text: str, limit: int = 300) -> str:
    """Text from outside made safe to show: one line, no control or direction marks, cut with an ellipsis."""
    bidi = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"
    line = " ".join(
        "".join(c if c.isprintable() or c.isspace() else " " for c in text if c not in bidi).split()
    )
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def plain_sentence(text: str, limit: int = 300) -> str:
    """`plain` for the end of what is told: with a full stop where the text has no end of its own."""
    line = plain(text, limit - 1).rstrip(",;: ")
    return line if not line or line.rstrip("”’\"')").endswith((".", "!", "?", "…")) else f"{line}."


def provider_name(account: Account) -> str:
    """How the account's provider is called in texts: an Other account is called after its mail server."""
    if account.provider is Provider.OTHER and account.servers is not None:
        return account.servers.smtp.host
    return PROVIDER_NAMES[account.provider]
