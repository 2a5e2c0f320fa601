"""One running sandbox for all of its tests; what a test changed in the world is cleared after it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reply_desktop.sandbox import process
from reply_desktop.sandbox.control import SandboxControl
from reply_desktop.sandbox.process import Sandbox


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox of this test session (or of this worker of it)."""
    folder: Path = tmp_path_factory.mktemp("sandbox")
    yield process.start(folder)
    process.stop(folder)
    log = (folder / "sandbox.log").read_text()
    assert log == "", f"the sandbox complained:\n{log}"


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The running sandbox with no condition in force."""
    yield running_sandbox
    running_sandbox.control().clear_all()


@pytest.fixture
def control(sandbox: Sandbox) -> SandboxControl:
    """Its control API."""
    return sandbox.control()
