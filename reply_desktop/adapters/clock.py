"""The computer's clock, as the port `services.ports.Clock` wants it."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Time as this computer tells it; both readings are cheap and safe from any thread."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an unspecified moment; never goes back."""
        return time.monotonic()
