"""The small things a person can set, and what holds until they do."""

from types import MappingProxyType
from typing import Final

TRAY_ALERTS: Final = "notify.tray"
OTHER_ACCOUNTS: Final = "notify.other_accounts"
RECOVERY: Final = "notify.recovery"
KEEP_RUNNING: Final = "general.keep_running"
THEME: Final = "general.theme"

DEFAULTS: Final = MappingProxyType(
    {TRAY_ALERTS: True, OTHER_ACCOUNTS: False, RECOVERY: True, KEEP_RUNNING: False, THEME: "system"}
)
"""Setting → what holds until the person chooses. Quit ends checking too, unless it is to keep running."""
