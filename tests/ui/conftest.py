"""What every test of the window shares: one look, and bridges that are always closed."""

from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge, EngineState
from tests.fakes.engine import FakeEngine


@pytest.fixture(scope="session")
def qapp(qapp):  # type: ignore[no-untyped-def]
    theme.install(qapp)
    icons.follow_theme()
    return qapp


@pytest.fixture
def open_bridge(qtbot: QtBot) -> Iterator[Callable[[FakeEngine], Bridge]]:
    bridges: list[Bridge] = []

    def opened(engine: FakeEngine) -> Bridge:
        bridge = Bridge(engine.connect, after_exit=lambda at: 0.01)
        bridges.append(bridge)
        bridge.start()
        qtbot.waitUntil(lambda: bridge.engine is EngineState.RUNNING, timeout=5000)
        return bridge

    yield opened
    for bridge in bridges:
        bridge.close()
