"""The JSON of the commands on notifications keeps its shape."""

from dataclasses import fields, replace
from typing import Any

from reply_desktop.cli import notification_shapes as shapes
from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.grant import MailServer, Security
from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.rows import AlertMailRow, NotificationRow, RelayRow, TeamChannelRow
from tests.cli.test_shapes import AT

RELAY = RelayRow(MailServer("smtp.example.com", 465, Security.TLS), "ana", "alerts@example.com", True)
MAIL = AlertMailRow("me@example.com", "ana@example.com", RELAY, 2, 3, 10, "It was refused.")
SALES = TeamChannelRow("c1", "Sales", "Slack", "slack://…", True, None, AT)


def notice(notification_id: str = "n1", **fields: Any) -> NotificationRow:
    known: dict[str, Any] = {
        "key": "e1", "kind": NotificationKind.ACCOUNT_LOST, "severity": Severity.CRITICAL,
        "title": "ana@example.com cannot send", "text": "Access was removed. Reconnect it.", "at": AT,
        "account_id": "a1", "read": False, "withdrawn": False, "sequence_id": "s1",
    }  # fmt: skip
    return NotificationRow(notification_id, **known | fields)


def test_notification_has_exactly_the_documented_fields() -> None:
    told = {
        "id": "n1",
        "at": "2026-03-01T12:30:05Z",
        "kind": "account_lost",
        "severity": "critical",
        "title": "ana@example.com cannot send",
        "text": "Access was removed. Reconnect it.",
        "account_id": "a1",
        "sequence_id": "s1",
        "group": "n1",
        "read": False,
        "over": False,
        "reminded": 0,
    }
    later = {"group": "n0", "read": True, "over": True, "reminded": 2}
    rows = [notice(), notice(read=True, withdrawn=True, group="n0", reminded=2)]
    assert shapes.notifications(rows) == {"notifications": [told, told | later]}


def test_alert_mail_has_exactly_the_documented_fields() -> None:
    assert shapes.alert_mail(MAIL) == {
        "email": {
            "to": "me@example.com",
            "through": "ana@example.com",
            "relay": {
                "host": "smtp.example.com",
                "port": 465,
                "security": "tls",
                "user": "ana",
                "sender": "alerts@example.com",
                "has_password": True,
            },
            "waiting": 2,
            "sent_24h": 3,
            "daily_cap": 10,
            "trouble": "It was refused.",
        }
    }
    bare = shapes.alert_mail(AlertMailRow("", None, None, 0, 0, 10))["email"]
    assert (bare["to"], bare["through"], bare["relay"], bare["trouble"]) == (None, None, None, None)
    open_relay = shapes.alert_mail(replace(MAIL, relay=replace(RELAY, user="")))["email"]["relay"]
    assert open_relay["user"] is None


def test_channels_have_exactly_the_documented_fields() -> None:
    (one,) = shapes.channels([SALES])["channels"]
    assert set(one) == {field.name for field in fields(SALES)}
    assert (one["id"], one["service"], one["enabled"], one["told_at"]) == (
        "c1", "Slack", True, "2026-03-01T12:30:05Z",
    )  # fmt: skip


def test_choices_have_exactly_the_documented_fields() -> None:
    switches = {"desktop": True, "reminders": True, "other_accounts": False}
    told = {
        "lost": frozenset(Channel),
        "deadline": frozenset({Channel.TRAY}),
        "recovered": frozenset[Channel](),
    }
    assert shapes.choices(told, switches) == {
        "choices": {
            "news": {"lost": ["desktop", "email", "team"], "deadline": ["desktop"], "recovered": []},
            "desktop": True,
            "reminders": True,
            "other_accounts": False,
        }
    }
    assert set(shapes.CHANNELS.values()) == set(Channel)


def test_quiet_hours_have_exactly_the_documented_fields() -> None:
    hours = {"on": True, "from": "22:00", "to": "07:00", "weekends": False}
    assert shapes.quiet(hours | {"later": 1}) == {"quiet": hours}
