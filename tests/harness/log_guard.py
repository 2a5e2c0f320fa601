"""Fails a test for what it logs without having said so."""

import logging
import re

import pytest


class LogGuard(logging.Handler):
    """Gathers what is logged at WARNING or above, and judges it when the test is over."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: list[str] = []
        self._expected: list[re.Pattern[str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the line, which may come from any thread."""
        self._lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")

    def expect(self, pattern: str) -> None:
        """A line that matches must come, any number of times."""
        self._expected.append(re.compile(pattern))

    def judge(self) -> None:
        """Fails the test for a line that nobody expected and for an expected line that did not come."""
        lines = list(self._lines)
        unexpected = [line for line in lines if not any(each.search(line) for each in self._expected)]
        missing = [each.pattern for each in self._expected if not any(map(each.search, lines))]
        if unexpected or missing:
            told = [f"unexpected log line: {line}" for line in unexpected]
            told += [f"no log line matched: {pattern}" for pattern in missing]
            pytest.fail("\n".join(told), pytrace=False)
