"""What there is to tell about an account's or an app registration's trouble: short, once, plain text."""

import re
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
_TEXT: Final = 300
"""Characters of a text, the one thing to do with it."""
_ADDRESS: Final = 100
"""Characters of an address that are told: what is wrong must have room beside it."""
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
        if kind is NotificationKind.DEADLINE_NEAR:
            return [_about_end(account, opened.cause, opened.id, now, new_id, zone)]
        address = plain(account.address, _ADDRESS)
        told_words = words(opened.cause, address, provider_name(account))
        text = _with_step(f"{told_words.short}.", told_words.steps[0])
        return [_notice(kind, opened.id, f"{address} cannot send", text, now, new_id, account.id)]
    if closed is not None and told and closed.is_red and closed.ending in _RECOVERED:
        return [
            _notice(
                NotificationKind.ACCOUNT_RECOVERED,
                closed.id,
                f"{plain(account.address, _ADDRESS)} works again",
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
    return _about_end(account, Cause.IDLE_ENDS, key, now, new_id, zone)


def about_fault(
    key: str, cause: Cause, provider: Provider | None, now: datetime, new_id: Callable[[], str], *, over: bool
) -> Notification:
    """What to tell about an app registration or the vault, once for all its accounts."""
    name = PROVIDER_NAMES[provider] if provider else ""
    if over:
        title = f"{name} works again" if name else "Your sign-ins can be opened again"
        return _notice(NotificationKind.APP_FAULT_OVER, key, title, "Checks go on as usual.", now, new_id)
    told = words(cause, "every account", name)
    title = f"{name}: {told.short}" if name else told.short
    text = _with_step(told.explanation, told.steps[0])
    return _notice(NotificationKind.APP_FAULT, key, title, text, now, new_id)


def about_unsent(key: str, title: str, text: str, now: datetime, new_id: Callable[[], str]) -> Notification:
    """What to tell about alerts that could not be handed to a channel; the bell keeps them all the same."""
    return _notice(NotificationKind.ALERT_UNSENT, key, plain(title), plain(text), now, new_id)


def _about_end(
    account: Account, cause: Cause, key: str, now: datetime, new_id: Callable[[], str], zone: tzinfo
) -> Notification:
    address = plain(account.address, _ADDRESS)
    told = words(cause, address, provider_name(account))
    title = f"{address}: {_lower(told.short)}{_by(account, zone)}"
    text = _with_step(told.explanation, told.steps[0])
    return _notice(NotificationKind.DEADLINE_NEAR, key, title, text, now, new_id, account.id)


def _with_step(what: str, step: str) -> str:
    """What is wrong and the one thing to do: where both are too long, the last sentences about it go."""
    sentences = re.split(r"(?<=\.) ", what)
    while sentences and len(" ".join((*sentences, step))) > _TEXT:
        sentences.pop()
    return plain(" ".join((*sentences, step)), _TEXT)


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
