"""An engine's parts on a data folder of the test, without a channel."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reply_desktop.config import Config
from reply_desktop.engine.build import Parts, build


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    """Real adapters; nothing is asked of any network."""
    tmp_path.chmod(0o700)
    parts = build(Config(tmp_path))
    yield parts
    parts.close()
