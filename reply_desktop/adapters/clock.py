"""The computer's clock, as the port `services.ports.Clock` wants it."""

import time
from datetime import UTC, datetime, tzinfo


class SystemClock:
    """Time as this computer tells it; both readings are cheap and safe from any thread."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an unspecified moment; never goes back."""
        return time.monotonic()


def local_zone() -> tzinfo:
    """The time zone this computer is set to right now: people travel.

    Where its settings contradict each other or name no known zone, the offset its clock goes by now.
    """
    import tzlocal

    try:
        return tzlocal.reload_localzone()
    except (LookupError, ValueError, OSError):
        return datetime.now(UTC).astimezone().tzinfo or UTC
