"""The house rules of every test: a home of its own, no unexpected log line, a clock that stands still."""

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.fakes.clock import FakeClock
from tests.harness.log_guard import LogGuard

pytest_plugins = ["tests.harness.fixtures"]

hypothesis.settings.register_profile(
    "house", deadline=None, derandomize=os.environ.get("CI") == "true", print_blob=True
)
hypothesis.settings.load_profile("house")


def _leave_the_desktop() -> None:
    """Points home, buses and screen at nothing of the person who runs the tests."""
    home = Path(tempfile.mkdtemp(prefix="reply-tests-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "BROWSER"):
        os.environ.pop(name, None)
    os.environ |= {"QT_QPA_PLATFORM": "offscreen", "HOME": str(home), "USERPROFILE": str(home)}
    for name in ("CONFIG_HOME", "DATA_HOME", "CACHE_HOME", "STATE_HOME", "RUNTIME_DIR"):
        folder = home / name.lower()
        folder.mkdir(mode=0o700)
        os.environ[f"XDG_{name}"] = str(folder)
    for name in ("APPDATA", "LOCALAPPDATA"):
        os.environ[name] = str(home)


if "REPLY_DESKTOP_SESSION" not in os.environ:
    _leave_the_desktop()


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marks of this file."""
    config.addinivalue_line(
        "markers",
        "expect_log(pattern): the test must log a line of level WARNING or above that matches the pattern",
    )


@pytest.fixture(autouse=True)
def log_guard(request: pytest.FixtureRequest) -> Iterator[LogGuard]:
    """Any warning or error that is logged fails the test, unless `expect_log` names it."""
    guard = LogGuard()
    for mark in request.node.iter_markers("expect_log"):
        for pattern in mark.args:
            guard.expect(pattern)
    root = logging.getLogger()
    root.addHandler(guard)
    yield guard
    root.removeHandler(guard)
    guard.judge()


@pytest.fixture
def expect_log(log_guard: LogGuard) -> Callable[[str], None]:
    """Names, by a regular expression, a log line that the rest of the test will and must write."""
    return log_guard.expect


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still until the test moves it."""
    return FakeClock()
