"""The bell's number, and the panel it opens and puts away."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import GetSummary
from reply_desktop.domain import events
from reply_desktop.ui.bell import Bell
from reply_desktop.ui.bridge import Bridge
from tests.fakes.engine import FakeEngine, few

Open = Callable[[FakeEngine], Bridge]


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    made.resize(900, 640)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(few())


@pytest.fixture
def bell(qtbot: QtBot, window: QWidget, open_bridge: Open, engine: FakeEngine) -> Bell:
    made = Bell(open_bridge(engine), window)
    made.move(840, 8)
    made.show()
    return made


def put_unread(engine: FakeEngine, unread: int) -> None:
    engine.answers[GetSummary] = summary = replace(engine.summary(), unread=unread)
    engine.push(events.SummaryChanged(summary))


@pytest.mark.parametrize(
    ("unread", "name"),
    [(0, "Notifications"), (2, "Notifications, 2 unread"), (1200, "Notifications, 1,200 unread")],
)
def test_the_number_is_said(qtbot: QtBot, bell: Bell, engine: FakeEngine, unread: int, name: str) -> None:
    put_unread(engine, unread)
    qtbot.waitUntil(lambda: bell.accessibleName() == name)
    assert bell.unread == unread


def shows(bell: Bell, unread: int) -> bool:
    return bell.unread == unread


def test_the_badge_is_drawn_only_for_unread(qtbot: QtBot, bell: Bell, engine: FakeEngine) -> None:
    pictures = [bell.grab().toImage()]
    for unread in (1, 12, 120):
        put_unread(engine, unread)
        qtbot.waitUntil(partial(shows, bell, unread))
        pictures.append(bell.grab().toImage())
    assert all(one != other for number, one in enumerate(pictures) for other in pictures[:number])


def test_pressing_opens_and_puts_away(qtbot: QtBot, bell: Bell) -> None:
    qtbot.mouseClick(bell, Qt.MouseButton.LeftButton)
    assert bell.panel is not None
    assert bell.panel.isVisible()
    qtbot.mouseClick(bell, Qt.MouseButton.LeftButton)
    assert not bell.panel.isVisible()
