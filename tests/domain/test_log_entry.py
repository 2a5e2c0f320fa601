"""Each kind of log entry has its words and its weight."""

from datetime import UTC, datetime

import pytest

from reply_desktop.domain.log_entry import LOG_SEVERITY, LOG_WORDS, LogEntry, LogKind
from reply_desktop.domain.notification import Severity


def test_every_kind_has_words_of_its_own_and_a_severity() -> None:
    assert set(LOG_WORDS) == set(LOG_SEVERITY) == set(LogKind)
    assert len(set(LOG_WORDS.values())) == len(LogKind)
    assert all(word[0].isupper() and "_" not in word for word in LOG_WORDS.values())


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        (LogKind.SENT, Severity.INFO),
        (LogKind.REPLIED, Severity.INFO),
        (LogKind.ACCOUNT_BACK, Severity.INFO),
        (LogKind.BOUNCED, Severity.WARNING),
        (LogKind.ACCOUNT_OUT, Severity.CRITICAL),
        (LogKind.CANNOT_BEGIN, Severity.CRITICAL),
        (LogKind.IN_DOUBT, Severity.CRITICAL),
    ],
)
def test_how_much_a_kind_matters(kind: LogKind, severity: Severity) -> None:
    assert LogEntry(datetime(2026, 3, 1, tzinfo=UTC), "s", kind, "text").severity is severity
