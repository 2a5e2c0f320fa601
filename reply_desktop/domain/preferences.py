"""What a person can set, and what holds until they do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from types import MappingProxyType
from typing import Any, Final

from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.notification_rules import CHOICES, default_choices
from reply_desktop.domain.quiet_hours import QuietHours

TRAY_ALERTS: Final = "notify.tray"
OTHER_ACCOUNTS: Final = "notify.other_accounts"
ALERT_CHOICES: Final = "notify.choices"
"""What → the channels that tell it: see `notification_rules.CHOICES`."""
REMINDERS: Final = "notify.reminders"
QUIET: Final = "notify.quiet"
"""`on`, `from` and `to` as HH:MM by the wall clock of this computer, `weekends`."""
EMAIL_TO: Final = "notify.email_to"
"""Where alert e-mail goes; empty: nobody gets any."""
EMAIL_CAP: Final = "notify.email_cap"
"""Most alert e-mails in any 24 hours."""
KEEP_RUNNING: Final = "general.keep_running"
THEME: Final = "general.theme"

MOST_EMAILS: Final = 100
"""Greatest value of EMAIL_CAP."""

DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        TRAY_ALERTS: True,
        OTHER_ACCOUNTS: False,
        ALERT_CHOICES: default_choices(),
        REMINDERS: True,
        QUIET: {"on": False, "from": "22:00", "to": "07:00", "weekends": False},
        EMAIL_TO: "",
        EMAIL_CAP: 10,
        KEEP_RUNNING: False,
        THEME: "system",
    }
)
"""Setting → what holds until the person chooses. Quit ends checking too, unless it is to keep running."""
OF_ALERTS: Final = tuple(name for name in DEFAULTS if name.startswith("notify."))
"""The settings of what the person hears of, and where."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the person wants to hear of, and where.

    `other_accounts`: password accounts too. `tray`: desktop alerts at all. `chosen`: choice → its channels.
    `team`: ids of the team channels that are switched on.
    """

    other_accounts: bool = False
    tray: bool = True
    chosen: Mapping[str, frozenset[Channel]] = field(default_factory=dict)
    reminders: bool = True
    quiet: QuietHours | None = None
    email_to: str = ""
    email_cap: int = 10
    team: tuple[str, ...] = ()


def preferences(values: Mapping[str, Any], team: tuple[str, ...] = ()) -> Preferences:
    """The preferences in these settings' values. Raises InvalidInput naming the setting that is no such."""
    return Preferences(
        values[OTHER_ACCOUNTS],
        values[TRAY_ALERTS],
        _chosen(values[ALERT_CHOICES]),
        values[REMINDERS],
        _quiet(values[QUIET]),
        values[EMAIL_TO],
        _cap(values[EMAIL_CAP]),
        team,
    )


def _chosen(value: Mapping[str, Any]) -> dict[str, frozenset[Channel]]:
    try:
        return {
            choice: frozenset(map(Channel, channels))
            for choice, channels in value.items()
            if choice in CHOICES
        }
    except (TypeError, ValueError):
        raise InvalidInput(
            f"The value of {ALERT_CHOICES} names no channels.", f"Known are: {', '.join(Channel)}."
        ) from None


def _quiet(value: Mapping[str, Any]) -> QuietHours | None:
    try:
        begins, ends = (time.fromisoformat(value[end]) for end in ("from", "to"))
        on, weekends = value["on"], value["weekends"]
    except (KeyError, TypeError, ValueError):
        begins = ends = time()
        on = weekends = None
    if not (isinstance(on, bool) and isinstance(weekends, bool)) or begins.tzinfo or ends.tzinfo:
        raise InvalidInput(f"The value of {QUIET} is no quiet time.", "Give from and to as HH:MM.")
    return QuietHours(begins, ends, weekends) if on else None


def _cap(value: int) -> int:
    if not 1 <= value <= MOST_EMAILS:
        raise InvalidInput(f"{value} alert e-mails a day make no sense.", f"Use 1 to {MOST_EMAILS}.")
    return value
