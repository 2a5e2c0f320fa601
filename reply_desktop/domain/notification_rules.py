"""Who is told of what, where, how often: one table for all notifications."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.notification import NotificationKind, Severity

_HOUR_S: Final = 3600.0
_DAY_S: Final = 24 * _HOUR_S


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of news is told; bell and log always tell it.

    `channels`: those that tell it unless the person chose otherwise; `offered`: those the person may choose.
    `merge_s`: what comes within this of the first shares its desktop alert, e-mail and bell group, in
    seconds. `reminders_s`: after the first telling, in seconds; after the last of them every `again_s`.
    Reminders go to the desktop alone, so that nobody gets two e-mails about one trouble.
    """

    severity: Severity
    channels: frozenset[Channel] = frozenset()
    offered: frozenset[Channel] = frozenset()
    merge_s: float = 60.0
    reminders_s: tuple[float, ...] = ()
    again_s: float | None = None


_ALL: Final = frozenset(Channel)
_LIVE: Final = frozenset({Channel.TRAY, Channel.TEAM})
_TRAY: Final = frozenset({Channel.TRAY})

RULES: Final = MappingProxyType(
    {
        NotificationKind.ACCOUNT_LOST: Rule(
            Severity.CRITICAL, _ALL, _ALL, reminders_s=(_HOUR_S, 8 * _HOUR_S), again_s=_DAY_S
        ),
        NotificationKind.APP_FAULT: Rule(
            Severity.CRITICAL, _ALL, _ALL, reminders_s=(_HOUR_S, 8 * _HOUR_S), again_s=_DAY_S
        ),
        NotificationKind.DEADLINE_NEAR: Rule(
            Severity.WARNING, _ALL, _ALL, reminders_s=(_DAY_S,), again_s=_DAY_S
        ),
        NotificationKind.ACCOUNT_RECOVERED: Rule(Severity.INFO, _LIVE, _LIVE),
        NotificationKind.APP_FAULT_OVER: Rule(Severity.INFO, _LIVE, _LIVE),
        NotificationKind.ALERT_UNSENT: Rule(Severity.WARNING, _TRAY, _TRAY),
    }
)
"""Every kind has exactly one row; a test walks both ways."""

TROUBLE: Final = frozenset(
    {
        NotificationKind.ACCOUNT_LOST,
        NotificationKind.APP_FAULT,
        NotificationKind.DEADLINE_NEAR,
        NotificationKind.ALERT_UNSENT,
    }
)
"""Kinds that last until they are withdrawn; the others only say that something is over."""

CHOICES: Final = MappingProxyType(
    {
        "lost": (NotificationKind.ACCOUNT_LOST, NotificationKind.APP_FAULT),
        "deadline": (NotificationKind.DEADLINE_NEAR,),
        "recovered": (NotificationKind.ACCOUNT_RECOVERED, NotificationKind.APP_FAULT_OVER),
    }
)
"""What the person chooses channels for, and the kinds it stands for. Kinds not named follow their rule."""
CHOICE_WORDS: Final = MappingProxyType(
    {"lost": "An account cannot send", "deadline": "A sign-in ends soon", "recovered": "It works again"}
)
"""What each choice is called."""


def default_choices() -> dict[str, list[str]]:
    """The channels of each choice as long as the person has not chosen."""
    return {
        choice: sorted(channel.value for channel in RULES[kinds[0]].channels)
        for choice, kinds in CHOICES.items()
    }


def wanted_channels(kind: NotificationKind, chosen: Mapping[str, frozenset[Channel]]) -> frozenset[Channel]:
    """The channels that are to tell news of this kind; never one that the rule does not offer."""
    rule = RULES[kind]
    for choice, kinds in CHOICES.items():
        if kind in kinds and choice in chosen:
            return chosen[choice] & rule.offered
    return rule.channels


def remind_at(kind: NotificationKind, told_at: datetime, reminded: int) -> datetime | None:
    """When the trouble is to be told again after so many reminders; None when it never is.

    Counted from the first telling, so that a computer that slept does not put reminders off.
    """
    rule = RULES[kind]
    if reminded < len(rule.reminders_s):
        return told_at + timedelta(seconds=rule.reminders_s[reminded])
    if rule.again_s is None or not rule.reminders_s:
        return None
    later = reminded - len(rule.reminders_s) + 1
    return told_at + timedelta(seconds=rule.reminders_s[-1] + later * rule.again_s)
