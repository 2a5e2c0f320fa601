"""Known ends of grants."""

from datetime import UTC, datetime, timedelta

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.deadline import known_end
from reply_desktop.domain.grant import TokenSet
from reply_desktop.domain.provider import Provider

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def end(days: float | None, provider: Provider = Provider.GOOGLE) -> Cause | None:
    at = None if days is None else NOW + timedelta(days=days)
    known = known_end(provider, TokenSet("r", issued_at=NOW, refresh_expires_at=at))
    assert known is None or known.at == at
    return known.cause if known else None


def test_testing_mode_is_told_from_time_limited_consent() -> None:
    assert end(7) is Cause.TESTING_MODE_ENDS
    assert end(30) is Cause.CONSENT_ENDS
    assert end(7, Provider.MICROSOFT) is Cause.CONSENT_ENDS
    assert end(None) is None
