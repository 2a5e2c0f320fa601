"""Icons and the shapes of the states."""

from pathlib import Path

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QPushButton

from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import Shape, State
from reply_desktop.ui import icons, theme
from reply_desktop.ui.resources import resource

ICONS = sorted(resource("icons/app.svg").parent.glob("*.svg"))


@pytest.mark.parametrize("path", ICONS, ids=lambda path: path.stem)
def test_every_icon_is_a_picture_that_can_be_drawn(qapp: QApplication, path: Path) -> None:
    assert QSvgRenderer(str(path)).isValid()
    image = icons.pixmap(path.stem, "#123456", 24).toImage()
    assert any(QColor(image.pixelColor(x, y)).alpha() for x in range(24) for y in range(24))


def test_line_icons_take_the_tint(qapp: QApplication) -> None:
    image = icons.pixmap("dot", "#ff0000", 16).toImage()
    assert QColor(image.pixelColor(8, 8)) == QColor("#ff0000")


def drawn(shape: Shape) -> QImage:
    image = QImage(32, 32, QImage.Format.Format_Grayscale8)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    icons.paint_shape(painter, QRectF(0, 0, 32, 32), shape, QColor("#000000"))
    painter.end()
    return image


def test_shapes_are_told_apart_without_colour(qapp: QApplication) -> None:
    images = {shape: drawn(shape) for shape in Shape}
    for one in Shape:
        for other in Shape:
            if one is not other:
                differing = sum(
                    abs(images[one].pixelColor(x, y).red() - images[other].pixelColor(x, y).red()) > 100
                    for x in range(32)
                    for y in range(32)
                )
                assert differing > 60, (one, other, differing)


def test_every_state_and_provider_has_its_mark(qapp: QApplication) -> None:
    assert len({icons.state_pixmap(state).cacheKey() for state in State}) == len(State)
    assert set(icons.PROVIDER_ICONS) == set(Provider)


def test_a_button_with_text_leaves_room_beside_its_icon(qapp: QApplication) -> None:
    with_text, bare = QPushButton("Go"), QPushButton()
    for one in (with_text, bare):
        icons.put_icon(one, "bell")
    assert with_text.iconSize().width() > bare.iconSize().width() == theme.ICON
    assert not with_text.icon().pixmap(20, QIcon.Mode.Disabled).isNull()
    icons.put_state(with_text, State.EXPIRED)
    assert not with_text.icon().isNull()


def test_the_app_has_its_mark_in_all_sizes(qapp: QApplication) -> None:
    assert {size.width() for size in icons.app_icon().availableSizes()} >= {16, 32, 48, 256}


def test_an_unknown_icon_is_an_error(qapp: QApplication) -> None:
    with pytest.raises(FileNotFoundError):
        icons.pixmap("nothing")
