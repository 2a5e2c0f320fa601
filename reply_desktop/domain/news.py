"""What there is to tell about an account's or an app registration's trouble: short, once, plain text."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Final

from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import CAUSES, Cause, words
from reply_desktop.domain.deadline import ROUGH
from reply_desktop.domain.episode import Ending, Episode
from reply_desktop.domain.notification import Notification, NotificationKind, plain, provider_name
from reply_desktop.domain.notification_rules import RULES
from reply_desktop.domain.provider import PROVIDER_NAMES, SINGLE_CLICK, Provider
from reply_desktop.domain.states import OutcomeKind

_RECOVERED: Final = frozenset({Ending.RECONNECTED, Ending.CHECK_SUCCEEDED})
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def about_episode(
    account: Account,
    closed: Episode | None,
    opened: Episode | None,
    told: bool,
    now: datetime,
    new_id: Callable[[], str],
    *,
    other_accounts: bool,
    zone: tzinfo = UTC,
) -> list[Notification]:
    """What to tell about an account's change. `told`: whether the closed episode had been told.

    Red episodes speak, and those that only foresee an end; app-level trouble speaks elsewhere and once.
    Recovery is told once, and only to somebody who had heard of the trouble. `other_accounts`: whether the
    person wants to hear of password accounts too. `zone`: whose wall clock times are told by.
    """
    if opened is not None and (kind := _kind(opened)) is not None:
        if CAUSES[opened.cause].app_level or (account.provider not in SINGLE_CLICK and not other_accounts):
            return []
        told_words = words(opened.cause, account.address, provider_name(account))
        title = f"{account.address} cannot send"
        what = f"{told_words.short}."
        if kind is NotificationKind.DEADLINE_NEAR:
            what = told_words.explanation
            title = f"{account.address}: {_lower(told_words.short)}{_by(account, zone)}"
        text = plain(f"{what} {told_words.steps[0]}")
        return [_notice(kind, opened.id, plain(title), text, now, new_id, account.id)]
    if closed is not None and told and closed.is_red and closed.ending in _RECOVERED:
        return [
            _notice(
                NotificationKind.ACCOUNT_RECOVERED,
                closed.id,
                plain(f"{account.address} works again"),
                "The provider proved the connection just now.",
                now,
                new_id,
                account.id,
            )
        ]
    return []


def about_disuse(
    account: Account, key: str, now: datetime, new_id: Callable[[], str], zone: tzinfo = UTC
) -> Notification:
    """What to tell about a grant that is about to end because nothing could use it; `zone` as above."""
    told = words(Cause.IDLE_ENDS, account.address, provider_name(account))
    title = f"{account.address}: {_lower(told.short)}{_by(account, zone)}"
    text = plain(f"{told.explanation} {told.steps[0]}")
    return _notice(NotificationKind.DEADLINE_NEAR, key, plain(title), text, now, new_id, account.id)


def about_fault(
    key: str, cause: Cause, provider: Provider | None, now: datetime, new_id: Callable[[], str], *, over: bool
) -> Notification:
    """What to tell about an app registration or the vault, once for all its accounts."""
    name = PROVIDER_NAMES[provider] if provider else "The keyring"
    told = words(cause, "every account", name)
    kind = NotificationKind.APP_FAULT_OVER if over else NotificationKind.APP_FAULT
    title = f"{name}: works again" if over else f"{name}: {told.short}"
    text = "Checks go on as usual." if over else plain(f"{told.explanation} {told.steps[0]}")
    return _notice(kind, key, title, text, now, new_id)


def about_unsent(key: str, title: str, text: str, now: datetime, new_id: Callable[[], str]) -> Notification:
    """What to tell about alerts that could not be handed to a channel; the bell keeps them all the same."""
    return _notice(NotificationKind.ALERT_UNSENT, key, plain(title), plain(text), now, new_id)


def _notice(
    kind: NotificationKind,
    key: str,
    title: str,
    text: str,
    now: datetime,
    new_id: Callable[[], str],
    account_id: str | None = None,
) -> Notification:
    return Notification(new_id(), key, kind, RULES[kind].severity, title, text, now, account_id)


def _kind(opened: Episode) -> NotificationKind | None:
    if opened.is_red:
        return NotificationKind.ACCOUNT_LOST
    foreseen = CAUSES[opened.cause].kind is OutcomeKind.WARNING
    return NotificationKind.DEADLINE_NEAR if foreseen else None


def _lower(short: str) -> str:
    return short[:1].lower() + short[1:]


def _by(account: Account, zone: tzinfo) -> str:
    if account.deadline_at is None:
        return ""
    at = account.deadline_at.astimezone(zone)
    word = "about" if account.deadline_cause in ROUGH else "by"
    return f", {word} {at.day} {_MONTHS[at.month - 1]}, {at:%H:%M}"
