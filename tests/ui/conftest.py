"""What every test of the window shares: one look, and bridges that are always closed."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge, EngineState
from tests.fakes.engine import FakeEngine
from tests.harness.pages import OpenedPage
from tests.harness.settling import settle


@pytest.fixture(scope="session")
def qapp(qapp: QApplication) -> QApplication:
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
        # Here and now: left to the garbage collector it could go on another test's channel thread.
        bridge.deleteLater()


@pytest.fixture
def open_page(
    qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]
) -> Iterator[Callable[..., OpenedPage]]:
    """Shows a page of accounts over an engine, once all of its first questions are answered."""
    pages: list[OpenedPage] = []

    def opened(engine: FakeEngine, *, opens: bool = True, size: tuple[int, int] = (1240, 700)) -> OpenedPage:
        bridge = open_bridge(engine)
        page = OpenedPage(bridge, lambda: engine.now, opens=opens)
        qtbot.addWidget(page)
        page.resize(*size)
        page.show()
        qtbot.waitUntil(lambda: page.model.is_loaded)
        settle(qtbot, bridge)
        pages.append(page)
        return page

    yield opened
