"""What lies over the window: where it hangs, and everything that closes it."""

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.ui.overlay import Overlay
from reply_desktop.ui.theme import Space


class Scene:
    """A window with the overlay's button, another button, and the overlay with one of its own."""

    def __init__(self, qtbot: QtBot) -> None:
        self.window = QWidget()
        self.window.resize(800, 600)
        self.button = QPushButton("Open", self.window)
        self.button.setGeometry(740, 10, 50, 30)
        self.other = QPushButton("Other", self.window)
        self.other.setGeometry(10, 10, 50, 30)
        self.clicks: list[bool] = []
        self.other.clicked.connect(lambda: self.clicks.append(True))
        self.overlay = Overlay(self.button, QSize(300, 400))
        self.inner = QPushButton("Inner", self.overlay)
        qtbot.addWidget(self.window)
        self.window.show()
        QTest.qWaitForWindowActive(self.window)


@pytest.fixture
def scene(qtbot: QtBot) -> Scene:
    made = Scene(qtbot)
    made.overlay.open()
    return made


def test_it_hangs_below_its_button_inside_the_window(scene: Scene) -> None:
    place = scene.overlay.geometry()
    button = scene.button.geometry()
    assert (place.right(), place.top()) == (button.right(), button.bottom() + 1 + Space.XS)
    assert (place.width(), place.height()) == (300, 400)
    scene.window.resize(320, 300)
    scene.button.move(200, 10)
    scene.window.resize(319, 300)
    assert scene.window.rect().contains(scene.overlay.geometry())


def test_escape_closes_and_gives_the_focus_back(scene: Scene) -> None:
    scene.inner.setFocus()
    QTest.keyClick(scene.inner, Qt.Key.Key_Escape)
    assert not scene.overlay.isVisible()
    assert scene.window.focusWidget() is scene.button


def test_a_click_elsewhere_closes_and_does_its_work(qtbot: QtBot, scene: Scene) -> None:
    qtbot.mouseClick(scene.other, Qt.MouseButton.LeftButton)
    assert not scene.overlay.isVisible()
    assert scene.clicks == [True]


def test_a_click_inside_leaves_it_open(qtbot: QtBot, scene: Scene) -> None:
    qtbot.mouseClick(scene.inner, Qt.MouseButton.LeftButton)
    assert scene.overlay.isVisible()


def test_focus_that_moves_on_closes_it(scene: Scene) -> None:
    scene.inner.setFocus()
    assert scene.overlay.isVisible()
    scene.other.setFocus()
    assert not scene.overlay.isVisible()
    scene.overlay.open()
    assert scene.overlay.isVisible()


def test_assistive_technologies_find_it(scene: Scene) -> None:
    top = QAccessible.queryAccessibleInterface(scene.window)
    assert top is not None
    children = [top.child(number).object() for number in range(top.childCount())]
    assert scene.overlay in children
