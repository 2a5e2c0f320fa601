"""How a sign-in in the browser can end, and the words and exit code of each ending."""

from enum import StrEnum
from typing import Final

CONSENT_TIMEOUT_S: Final = 600.0
"""How long a sign-in stays open, in seconds."""


class ConsentEnd(StrEnum):
    """The ending of one sign-in."""

    CONNECTED = "connected"
    CANCELLED = "cancelled"
    DENIED = "denied"
    WRONG_ACCOUNT = "wrong_account"
    TIMED_OUT = "timed_out"
    SCOPE_MISSING = "scope_missing"
    FAILED = "failed"


EXIT_CODES: Final = {
    ConsentEnd.CONNECTED: 0,
    ConsentEnd.CANCELLED: 4,
    ConsentEnd.DENIED: 4,
    ConsentEnd.WRONG_ACCOUNT: 5,
    ConsentEnd.TIMED_OUT: 6,
    ConsentEnd.SCOPE_MISSING: 2,
    ConsentEnd.FAILED: 2,
}
"""Exit codes of commands that open a sign-in (design: doors)."""
