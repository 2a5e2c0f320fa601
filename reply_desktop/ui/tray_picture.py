"""The tray's picture: the app's mark with a badge whose shape, colour and number tell the worst state."""

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QIcon,
    QImage,
    QLinearGradient,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPolygonF,
)

from reply_desktop.domain.states import SHAPES, Shape, State
from reply_desktop.ui.theme import LIGHT

SIDES: Final = (16, 18, 20, 22, 24, 28, 32, 36, 40, 44, 48, 56, 64)
"""Sides in real pixels that panels ask for, from 16 at 100 % to 32 at 200 %."""
_EDGE: Final = QColor("#ffffff")
_INK: Final = QColor("#ffffff")
_DARK_INK: Final = QColor("#2b1a00")


@dataclass(frozen=True, slots=True)
class Look:
    """What the picture tells. `state` None: nothing known or no accounts; `count` stands in red badges."""

    state: State | None = None
    count: int = 0


def icon(look: Look) -> QIcon:
    """The picture in every size a panel may ask for, each drawn for itself so that none is blurred."""
    made = QIcon()
    for side in SIDES:
        made.addPixmap(QPixmap.fromImage(picture(look, side)))
    return made


def picture(look: Look, side: int) -> QImage:
    """The picture, `side` pixels high and wide, on nothing: light and dark panels both show it."""
    image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    idle = look.state in (None, State.NEW, State.PAUSED)
    _mark(painter, side, idle=idle, badged=look.state is not None)
    if look.state is not None:
        _badge(painter, side, look.state, look.count)
    painter.end()
    return image


def _mark(painter: QPainter, side: int, *, idle: bool, badged: bool) -> None:
    """The reply arrow on its tile, moved out of the badge's way."""
    unit = side / 32
    edge = max(1.0, 1.5 * unit)
    tile = QRectF(edge / 2, edge / 2, side - edge, side - edge)
    shade = QLinearGradient(tile.topLeft(), tile.bottomLeft())
    for stop, color in enumerate(("#9aa4b2", "#6d7887") if idle else ("#4a7df5", "#1f4fc4")):
        shade.setColorAt(stop, QColor(color))
    painter.setBrush(shade)
    # The thin edge keeps the tile apart from a panel of its own colour.
    painter.setPen(QPen(QColor(255, 255, 255, 150), edge))
    painter.drawRoundedRect(tile, 7 * unit, 7 * unit)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_INK)
    arrow = QPainterPath(QPointF(13.5, 7.5))
    arrow.lineTo(5.5, 15)
    arrow.lineTo(13.5, 22.5)
    arrow.lineTo(13.5, 18)
    arrow.cubicTo(19, 18, 23, 20, 26.5, 25)
    arrow.cubicTo(25.5, 17, 21, 12.3, 13.5, 11.8)
    arrow.closeSubpath()
    painter.save()
    painter.scale(unit, unit)
    if badged:
        painter.translate(-2.2, -3.2)
    painter.drawPath(arrow)
    painter.restore()


def _badge(painter: QPainter, side: int, state: State, count: int) -> None:
    """The state's own outline in the lower corner, with its number or sign inside."""
    share = 0.68 if side <= 24 else 0.6
    # A triangle fills half of its box, so it gets a larger one.
    width = round(side * (share + 0.12 if SHAPES[state] is Shape.TRIANGLE else share))
    box = QRectF(side - width, side - width, width, width)
    edge = max(1.0, side / 20)
    outline = _outline(SHAPES[state], box.adjusted(edge / 2, edge / 2, -edge / 2, -edge / 2))
    painter.setBrush(QColor(LIGHT.state_tone(state).fill))
    painter.setPen(QPen(_EDGE, edge, j=Qt.PenJoinStyle.RoundJoin))
    painter.drawPath(outline)
    if count and state in (State.EXPIRED, State.BLOCKED):
        _number(painter, box, count)
    else:
        _sign(painter, box, SHAPES[state])


def _outline(shape: Shape, box: QRectF) -> QPainterPath:
    path = QPainterPath()
    if shape is Shape.TRIANGLE:
        path.addPolygon(
            QPolygonF([QPointF(box.center().x(), box.top()), box.bottomRight(), box.bottomLeft()])
        )
    elif shape is Shape.CROSS:
        cut = box.width() * 0.29
        octagon = (
            (cut, 0), (box.width() - cut, 0), (box.width(), cut), (box.width(), box.height() - cut),
            (box.width() - cut, box.height()), (cut, box.height()), (0, box.height() - cut), (0, cut),
        )  # fmt: skip
        path.addPolygon(QPolygonF([box.topLeft() + QPointF(x, y) for x, y in octagon]))
    elif shape is Shape.BAR:
        path.addRoundedRect(box, box.width() * 0.14, box.width() * 0.14)
    else:
        path.addEllipse(box)
    path.closeSubpath()
    return path


def _number(painter: QPainter, box: QRectF, count: int) -> None:
    text = str(count) if count < 10 else "9+"
    font = QFont(painter.font())
    font.setBold(True)
    font.setPixelSize(max(6, round(box.width() * (0.72 if len(text) == 1 else 0.5))))
    painter.setFont(font)
    painter.setPen(_INK)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def _sign(painter: QPainter, box: QRectF, shape: Shape) -> None:
    unit, middle = box.width() / 16, box.center()

    def at(x: float, y: float) -> QPointF:
        return middle + QPointF(x * unit, y * unit)

    ink = _DARK_INK if shape is Shape.TRIANGLE else _INK
    pen = QPen(ink, 2.2 * unit, c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if shape is Shape.DISC:
        painter.drawPolyline([at(-3.4, 0.2), at(-0.9, 2.7), at(3.6, -2.6)])
    elif shape is Shape.TRIANGLE:
        painter.drawLine(at(0, -1.6), at(0, 2.0))
        painter.drawPoint(at(0, 5.0))
    elif shape is Shape.CROSS:
        painter.drawLine(at(-3, -3), at(3, 3))
        painter.drawLine(at(-3, 3), at(3, -3))
    elif shape is Shape.BAR:
        painter.drawLine(at(-3.6, 0), at(3.6, 0))
    elif shape is Shape.BARS:
        painter.drawLine(at(-2.2, -3), at(-2.2, 3))
        painter.drawLine(at(2.2, -3), at(2.2, 3))
    elif shape is Shape.RING:
        painter.drawEllipse(middle, 3.2 * unit, 3.2 * unit)
    else:
        for step in (-3.6, 0.0, 3.6):
            painter.drawPoint(at(step, 0))
