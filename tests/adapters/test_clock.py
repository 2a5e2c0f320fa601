"""The system clock fits its port."""

from datetime import UTC, datetime, timedelta

from reply_desktop.adapters.clock import SystemClock
from reply_desktop.services.ports import Clock


def test_it_tells_utc_and_never_goes_back() -> None:
    clock: Clock = SystemClock()
    before = datetime.now(UTC)
    assert clock.now().utcoffset() == timedelta(0)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.monotonic() <= clock.monotonic()
