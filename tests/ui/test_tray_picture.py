"""The tray's picture: every state looks different in shape, not only in colour, at every size."""

from itertools import combinations

import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from reply_desktop.domain.states import State
from reply_desktop.ui.theme import LIGHT
from reply_desktop.ui.tray_picture import SIDES, Look, icon, picture

LOOKS = [
    Look(),
    Look(State.NEW),
    Look(State.PAUSED),
    Look(State.CONNECTED),
    Look(State.AT_RISK),
    Look(State.EXPIRED, 1),
    Look(State.EXPIRED, 2),
    Look(State.EXPIRED, 12),
    Look(State.BLOCKED, 1),
]


def grey(image: QImage) -> bytes:
    return bytes(image.convertToFormat(QImage.Format.Format_Grayscale8).constBits())


@pytest.mark.parametrize("side", SIDES)
def test_every_look_differs_without_colour(qtbot: QtBot, side: int) -> None:
    pictures = [grey(picture(look, side)) for look in LOOKS]
    for (one, first), (other, second) in combinations(zip(LOOKS, pictures, strict=True), 2):
        apart = sum(abs(a - b) > 24 for a, b in zip(first, second, strict=True))
        assert apart >= side // 8, f"{one} and {other} look alike at {side}"


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("panel", ["#f6f5f4", "#23272b", "#000000", "#ffffff", LIGHT.red.fill, "#2558d4"])
def test_the_badge_stands_out_on_any_panel(qtbot: QtBot, side: int, panel: str) -> None:
    shown = QImage(side, side, QImage.Format.Format_RGB32)
    shown.fill(QColor(panel))
    painter = QPainter(shown)
    painter.drawImage(0, 0, picture(Look(State.EXPIRED, 3), side))
    painter.end()
    colors = {shown.pixelColor(x, y).name() for x in range(side) for y in range(side)}
    assert LIGHT.red.fill in colors
    white = sum(
        shown.pixelColor(x, y).lightness() > 220
        for x in range(side // 3, side)
        for y in range(side // 3, side)
    )
    assert white >= 4


def test_the_icon_holds_every_size_drawn_for_itself(qtbot: QtBot) -> None:
    made = icon(Look(State.CONNECTED))
    assert sorted(size.width() for size in made.availableSizes()) == sorted(SIDES)
