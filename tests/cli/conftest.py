"""A shell for commands."""

import pytest

from tests.fakes.shell import Shell


@pytest.fixture
def shell() -> Shell:
    """Runs commands as a shell would, against a front that answers from a script."""
    return Shell()
