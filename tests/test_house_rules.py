"""The house rules of conftest.py can fail a test, and the fakes it hands out keep their word."""

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.fakes.clock import START, FakeClock
from tests.harness.log_guard import LogGuard


def record(level: int, text: str) -> logging.LogRecord:
    return logging.LogRecord("reply_desktop.probe", level, __file__, 1, text, (), None)


def test_an_unexpected_warning_fails() -> None:
    guard = LogGuard()
    guard.handle(record(logging.WARNING, "disk nearly full"))
    with pytest.raises(pytest.fail.Exception, match=r"unexpected log line: WARNING .* disk nearly full"):
        guard.judge()


def test_an_expected_line_that_does_not_come_fails() -> None:
    guard = LogGuard()
    guard.expect("disk")
    with pytest.raises(pytest.fail.Exception, match="no log line matched: disk"):
        guard.judge()


def test_an_expected_line_passes_and_covers_only_itself() -> None:
    guard = LogGuard()
    guard.expect("disk")
    guard.handle(record(logging.WARNING, "disk nearly full"))
    guard.judge()
    guard.handle(record(logging.ERROR, "engine gone"))
    with pytest.raises(pytest.fail.Exception, match="engine gone"):
        guard.judge()


@pytest.mark.expect_log("by mark")
def test_lines_are_expected_by_mark_and_by_fixture(expect_log: Callable[[str], None]) -> None:
    expect_log("by fixture")
    logging.getLogger("probe").warning("by mark")
    logging.getLogger("probe").error("by fixture")
    logging.getLogger("probe").info("nobody minds")


def test_home_is_not_the_persons_own() -> None:
    assert Path.home().is_relative_to(Path(os.environ.get("REPLY_DESKTOP_SESSION", os.environ["HOME"])))
    assert Path.home().parent != Path("/home")


def test_the_clock_stands_until_it_is_moved(clock: FakeClock) -> None:
    assert clock.now() == clock.now() == START
    before = clock.monotonic()
    clock.advance(90)
    clock.advance(timedelta(minutes=1))
    assert clock.now() - START == timedelta(seconds=150)
    assert clock.monotonic() - before == 150


def test_the_clock_can_be_put_back_and_the_computer_can_sleep(clock: FakeClock) -> None:
    before = clock.monotonic()
    clock.set_wall(datetime(2026, 3, 2, 9, 0, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now() == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    clock.sleep_of_computer(timedelta(hours=8))
    assert clock.now() == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
    assert clock.monotonic() == before
