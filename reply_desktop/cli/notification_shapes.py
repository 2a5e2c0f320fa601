"""The JSON of the commands on notifications: stable, documented in docs/commands.md; no secret in it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from reply_desktop.cli.shapes import iso
from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.rows import AlertMailRow, NotificationRow, TeamChannelRow

CHANNELS: Final = MappingProxyType({"desktop": Channel.TRAY, "email": Channel.EMAIL, "team": Channel.TEAM})
"""How the command line calls the channels."""


def notifications(rows: Sequence[NotificationRow]) -> dict[str, Any]:
    """The answer of `notifications list`."""
    return {
        "notifications": [
            {
                "id": row.id,
                "at": iso(row.at),
                "kind": row.kind.value,
                "severity": row.severity.value,
                "title": row.title,
                "text": row.text,
                "account_id": row.account_id,
                "sequence_id": row.sequence_id,
                "group": row.group or row.id,
                "read": row.read,
                "over": row.withdrawn,
                "reminded": row.reminded,
            }
            for row in rows
        ]
    }


def alert_mail(row: AlertMailRow) -> dict[str, Any]:
    """The answer of `notifications email`, `relay set` and `relay clear`."""
    relay = row.relay and {
        "host": row.relay.server.host,
        "port": row.relay.server.port,
        "security": row.relay.server.security.value,
        "user": row.relay.user or None,
        "sender": row.relay.sender,
        "has_password": row.relay.has_password,
    }
    return {
        "email": {
            "to": row.to or None,
            "through": row.through,
            "relay": relay,
            "waiting": row.waiting,
            "sent_24h": row.sent_today,
            "daily_cap": row.daily_cap,
            "trouble": row.trouble,
        }
    }


def channels(rows: Sequence[TeamChannelRow]) -> dict[str, Any]:
    """The answer of `notifications channel list`, `add`, `on`, `off` and `remove`."""
    return {
        "channels": [
            {
                "id": row.id,
                "name": row.name,
                "service": row.service,
                "address": row.address,
                "enabled": row.enabled,
                "trouble": row.trouble,
                "told_at": iso(row.told_at),
            }
            for row in rows
        ]
    }


def choices(told: Mapping[str, frozenset[Channel]], switches: Mapping[str, bool]) -> dict[str, Any]:
    """The answer of `notifications choices`: news → what tells it, and the switches that hold for all."""
    news = {
        name: [word for word, channel in CHANNELS.items() if channel in channels]
        for name, channels in told.items()
    }
    return {"choices": {"news": news, **switches}}


def quiet(hours: dict[str, Any]) -> dict[str, Any]:
    """The answer of `notifications quiet`; `hours` as the setting holds them."""
    return {"quiet": {name: hours[name] for name in ("on", "from", "to", "weekends")}}
