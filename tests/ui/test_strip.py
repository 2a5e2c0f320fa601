"""The 30-day strip."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from reply_desktop.ui.strip import DAY, StripView, strip_pixmap, strip_width

STRIP = "-" * 10 + "g" * 17 + "oor"


def test_bad_days_are_taller_so_colour_is_not_needed(qapp: QApplication) -> None:
    image = strip_pixmap(STRIP, 16).toImage()
    ratio = image.devicePixelRatio()

    def tall(day: int) -> int:
        across = int((day * (DAY + 1) + 1) * ratio)
        return sum(image.pixelColor(across, y).alpha() > 120 for y in range(image.height()))

    assert tall(0) < tall(15) < tall(27) < tall(29)


def test_the_same_strip_is_drawn_once(qapp: QApplication) -> None:
    assert strip_pixmap(STRIP, 16).cacheKey() == strip_pixmap(STRIP, 16).cacheKey()


def test_it_is_told_in_words_as_a_whole_and_by_day(qtbot: QtBot) -> None:
    view = StripView()
    qtbot.addWidget(view)
    view.put(STRIP)
    assert view.accessibleName() == "Last 30 days: 17 green, 2 orange, 1 red"
    assert view.width() == strip_width(STRIP)
    assert view.day_words(view.width() - 1) == "today: could not send"
    assert view.day_words(view.width() - DAY - 2) == "yesterday: was at risk"
    assert view.day_words(0) == "29 days ago: not checked"
    view.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert view.day_words(0) == "today: could not send"
    view.grab()
