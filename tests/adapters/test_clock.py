"""The system clock fits its port, and there is always a time zone."""

from datetime import UTC, datetime, timedelta

import pytest

from reply_desktop.adapters.clock import SystemClock, local_zone
from reply_desktop.services.ports import Clock


def test_it_tells_utc_and_never_goes_back() -> None:
    clock: Clock = SystemClock()
    before = datetime.now(UTC)
    assert clock.now().utcoffset() == timedelta(0)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.monotonic() <= clock.monotonic()


@pytest.mark.parametrize(
    ("setting", "offset"), [("Asia/Tokyo", timedelta(hours=9)), ("Nowhere/Land", timedelta(0))]
)
def test_settings_nobody_can_read_keep_no_news_back(
    monkeypatch: pytest.MonkeyPatch, setting: str, offset: timedelta
) -> None:
    monkeypatch.setenv("TZ", setting)
    assert datetime.now(local_zone()).utcoffset() == offset
