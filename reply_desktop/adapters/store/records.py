"""How the nouns of the domain lie in rows, and how they are read back."""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from reply_desktop.adapters.store import tables
from reply_desktop.adapters.store.sql import known_time, storable, to_time, to_us
from reply_desktop.domain.account import Account
from reply_desktop.domain.address import mailbox_key
from reply_desktop.domain.announcement import Announcement, AnnouncementState
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.episode import Ending, Episode
from reply_desktop.domain.grant import MailServers
from reply_desktop.domain.notification import Notification, NotificationKind, Severity
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AppFault
from reply_desktop.domain.states import STORED, Color, State

_encode: Final = msgspec.json.Encoder().encode
_scopes: Final = msgspec.json.Decoder(tuple[str, ...]).decode
_servers: Final = msgspec.json.Decoder(MailServers).decode


def _same(value: Any) -> Any:
    return value


def _code(value: StrEnum | None) -> str | None:
    return None if value is None else value.value


def _json(value: object) -> str | None:
    return None if value is None else _encode(value).decode()


def _state(state: State) -> str:
    assert state in STORED, f"{state} is shown, never stored"
    return state.value


_STORE: Final[dict[str, Callable[[Any], object]]] = {
    "id": _same,
    "provider": _code,
    "address": _same,
    "created_at": to_us,
    "state": _state,
    "cause": _code,
    "provider_error": storable,
    "proven_at": to_us,
    "checked_at": to_us,
    "next_check_at": to_us,
    "failures": _same,
    "generation": _same,
    "subject": storable,
    "scopes": _json,
    "granted_at": to_us,
    "deadline_at": to_us,
    "deadline_cause": _code,
    "claims": storable,
    "servers": _json,
    "daily_limit": _same,
}

ACCOUNT_FIELDS: Final = tuple(_STORE)
"""Fields of Account, in its order and in that of the table."""

ACCOUNT: Final = tuple(tables.accounts.c[name] for name in ACCOUNT_FIELDS)
"""What to select for `account_of`."""


def account_values(account: Account, fields: Iterable[str] = ACCOUNT_FIELDS) -> dict[str, object]:
    """These fields as stored. The address brings its key along."""
    values = {name: _STORE[name](getattr(account, name)) for name in fields}
    if "address" in values:
        values["address_key"] = mailbox_key(account.address)
    return values


def changed_fields(before: Account, after: Account) -> tuple[str, ...]:
    """Names of the fields that differ."""
    return tuple(name for name in ACCOUNT_FIELDS if getattr(before, name) != getattr(after, name))


def account_of(row: Sequence[Any]) -> Account:
    """The account in a row of ACCOUNT."""
    (
        account_id,
        provider,
        address,
        created_at,
        state,
        cause,
        provider_error,
        proven_at,
        checked_at,
        next_check_at,
        failures,
        generation,
        subject,
        scopes,
        granted_at,
        deadline_at,
        deadline_cause,
        claims,
        servers,
        daily_limit,
    ) = row
    return Account(
        account_id,
        Provider(provider),
        address,
        known_time(created_at),
        State(state),
        cause_of(cause),
        provider_error,
        to_time(proven_at),
        to_time(checked_at),
        to_time(next_check_at),
        failures,
        generation,
        subject,
        scopes_of(scopes),
        to_time(granted_at),
        to_time(deadline_at),
        cause_of(deadline_cause),
        claims,
        servers_of(servers),
        daily_limit,
    )


def cause_of(code: str | None) -> Cause | None:
    """The cause of this code."""
    return None if code is None else Cause(code)


def scopes_of(stored: str) -> tuple[str, ...]:
    """The scopes of this JSON."""
    return _scopes(stored)


def servers_of(stored: str | None) -> MailServers | None:
    """The servers of this JSON."""
    return None if stored is None else _servers(stored)


EPISODE: Final = tuple(tables.episodes.c)
"""What to select for `episode_of`."""


def episode_values(episode: Episode) -> dict[str, object]:
    """The episode as stored."""
    return {
        "id": episode.id,
        "account_id": episode.account_id,
        "cause": episode.cause.value,
        "color": episode.color.value,
        "started_at": to_us(episode.started_at),
        "ended_at": to_us(episode.ended_at),
        "ending": _code(episode.ending),
        "provider_error": storable(episode.provider_error),
    }


def episode_of(row: Sequence[Any]) -> Episode:
    """The episode in a row of EPISODE."""
    episode_id, account_id, cause, color, started_at, ended_at, ending, provider_error = row
    return Episode(
        episode_id,
        account_id,
        Cause(cause),
        Color(color),
        known_time(started_at),
        to_time(ended_at),
        None if ending is None else Ending(ending),
        provider_error,
    )


FAULT: Final = tuple(tables.app_faults.c)
"""What to select for `fault_of`."""


def fault_values(fault: AppFault) -> dict[str, object]:
    """The fault as stored."""
    return {
        "key": fault.key,
        "provider": _code(fault.provider),
        "cause": fault.cause.value,
        "provider_error": storable(fault.provider_error),
        "since": to_us(fault.since),
        "accounts": fault.accounts,
    }


def fault_of(row: Sequence[Any]) -> AppFault:
    """The fault in a row of FAULT."""
    key, provider, cause, provider_error, since, hit = row
    return AppFault(
        key,
        None if provider is None else Provider(provider),
        Cause(cause),
        provider_error,
        known_time(since),
        hit,
    )


NOTIFICATION: Final = tuple(tables.notifications.c)
"""What to select for `notification_of`."""


def notification_values(notification: Notification) -> dict[str, object]:
    """The notification as stored."""
    return {
        "id": notification.id,
        "key": notification.key,
        "kind": notification.kind.value,
        "severity": notification.severity.value,
        "title": storable(notification.title),
        "text": storable(notification.text),
        "at": to_us(notification.at),
        "account_id": notification.account_id,
        "read_at": to_us(notification.read_at),
        "withdrawn_at": to_us(notification.withdrawn_at),
        "group_id": notification.group or notification.id,
        "reminded": notification.reminded,
        "remind_at": to_us(notification.remind_at),
    }


def notification_of(row: Sequence[Any]) -> Notification:
    """The notification in a row of NOTIFICATION."""
    (
        notification_id,
        key,
        kind,
        severity,
        title,
        text,
        at,
        account_id,
        read_at,
        withdrawn_at,
        group,
        reminded,
        remind_at,
    ) = row
    return Notification(
        notification_id,
        key,
        NotificationKind(kind),
        Severity(severity),
        title,
        text,
        known_time(at),
        account_id,
        to_time(read_at),
        to_time(withdrawn_at),
        group,
        reminded,
        to_time(remind_at),
    )


ANNOUNCEMENT: Final = tuple(tables.announcements.c)
"""What to select for `announcement_of`."""


def announcement_values(announcement: Announcement) -> dict[str, object]:
    """The announcement as stored."""
    return {
        "notification_id": announcement.notification_id,
        "channel": announcement.channel,
        "number": announcement.number,
        "state": announcement.state.value,
        "due_at": to_us(announcement.due_at),
        "tries": announcement.tries,
        "batch": announcement.batch,
        "route": announcement.route,
        "told_at": to_us(announcement.told_at),
    }


def announcement_of(row: Sequence[Any]) -> Announcement:
    """The announcement in a row of ANNOUNCEMENT."""
    notification_id, channel, number, state, due_at, tries, batch, route, told_at = row
    return Announcement(
        notification_id,
        channel,
        known_time(due_at),
        number,
        AnnouncementState(state),
        tries,
        batch,
        route,
        to_time(told_at),
    )
