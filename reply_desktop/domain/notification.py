"""What the person is told: short, once per episode, plain text."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import CAUSES, Cause, words
from reply_desktop.domain.episode import Ending, Episode
from reply_desktop.domain.provider import PROVIDER_NAMES, SINGLE_CLICK, Provider


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


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the person wants to hear of. `other_accounts`: password accounts too (off by default)."""

    other_accounts: bool = False
    recovery: bool = True


def about_episode(
    account: Account,
    closed: Episode | None,
    opened: Episode | None,
    told: bool,
    wants: Preferences,
    now: datetime,
    new_id: Callable[[], str],
) -> list[Notification]:
    """What to tell about an account's change. `told`: whether the closed episode had been told.

    Only red episodes speak, app-level trouble speaks elsewhere and once; recovery is told once, and only
    to somebody who had heard of the trouble.
    """
    if opened is not None and opened.is_red:
        if CAUSES[opened.cause].app_level or (
            account.provider not in SINGLE_CLICK and not wants.other_accounts
        ):
            return []
        told_words = words(opened.cause, account.address, provider_name(account))
        return [
            Notification(
                new_id(),
                opened.id,
                NotificationKind.ACCOUNT_LOST,
                Severity.CRITICAL,
                plain(f"{account.address} cannot send"),
                plain(f"{told_words.short}. {told_words.steps[0]}"),
                now,
                account.id,
            )
        ]
    if closed is not None and told and wants.recovery and closed.ending in _RECOVERED:
        return [
            Notification(
                new_id(),
                closed.id,
                NotificationKind.ACCOUNT_RECOVERED,
                Severity.INFO,
                plain(f"{account.address} works again"),
                "The provider proved the connection just now.",
                now,
                account.id,
            )
        ]
    return []


_RECOVERED = frozenset({Ending.RECONNECTED, Ending.CHECK_SUCCEEDED})


def about_fault(
    key: str, cause: Cause, provider: Provider | None, now: datetime, new_id: Callable[[], str], *, over: bool
) -> Notification:
    """What to tell about an app registration or the vault, once for all its accounts."""
    name = PROVIDER_NAMES[provider] if provider else "The keyring"
    told = words(cause, "every account", name)
    return Notification(
        new_id(),
        key,
        NotificationKind.APP_FAULT_OVER if over else NotificationKind.APP_FAULT,
        Severity.INFO if over else Severity.CRITICAL,
        f"{name}: works again" if over else f"{name}: {told.short}",
        "Checks go on as usual." if over else plain(f"{told.explanation} {told.steps[0]}"),
        now,
    )


def provider_name(account: Account) -> str:
    """How the account's provider is called in texts: an Other account is called after its mail server."""
    if account.provider is Provider.OTHER and account.servers is not None:
        return account.servers.smtp.host
    return PROVIDER_NAMES[account.provider]
