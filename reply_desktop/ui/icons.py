"""Pictures: line icons tinted for the scheme in use, provider marks, and the drawn shapes of the states."""

from functools import lru_cache
from typing import Final

from PySide6.QtCore import QByteArray, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPushButton

from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import SHAPES, Shape, State
from reply_desktop.ui import theme
from reply_desktop.ui.resources import resource

PROVIDER_ICONS: Final = {
    Provider.GOOGLE: "provider-google",
    Provider.MICROSOFT: "provider-microsoft",
    Provider.OTHER: "provider-other",
}
"""Provider → name of its mark."""

_ICON, _TINT, _SIDE = "iconName", "iconTint", "iconSide"
_GAP: Final = 5


@lru_cache(maxsize=512)
def _drawn(name: str, tint: str, side: int, ratio: float) -> QPixmap:
    svg = resource(f"icons/{name}.svg").read_bytes().replace(b"currentColor", tint.encode())
    pixels = round(side * ratio)
    pixmap = QPixmap(pixels, pixels)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg)).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def pixmap(name: str, tint: str | None = None, side: int = theme.ICON) -> QPixmap:
    """One icon in a colour (`#rrggbb`; None = the text colour), sharp on the finest screen."""
    return _drawn(name, tint or theme.colors().text, side, theme.device_pixel_ratio())


def icon(name: str, tint: str | None = None, side: int = theme.ICON) -> QIcon:
    """The same as a QIcon with its disabled look; it does not follow a change of scheme (see `put_icon`)."""
    made = QIcon(pixmap(name, tint, side))
    made.addPixmap(pixmap(name, theme.colors().disabled, side), QIcon.Mode.Disabled)
    return made


def put_icon(
    target: QAbstractButton | QAction | QLabel, name: str, tint: str = "text", side: int = theme.ICON
) -> None:
    """Show an icon on a button, action or label, tinted with a colour of the scheme and following it.

    `tint`: a field of `Colors`, or `red.ink` for a tone's.
    """
    target.setProperty(_ICON, name)
    target.setProperty(_TINT, tint)
    target.setProperty(_SIDE, side)
    _tint(target)


def follow_theme() -> None:
    """Tint every icon anew whenever the scheme changes; once, by the door."""
    theme.theme().changed.connect(_tint_all)


def _tint_all() -> None:
    for widget in QApplication.allWidgets():
        if isinstance(widget, (QAbstractButton, QLabel)) and widget.property(_ICON):
            _tint(widget)
        for action in widget.findChildren(QAction, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if action.property(_ICON):
                _tint(action)


def _tint(target: QObject) -> None:
    name, tint, side = (target.property(key) for key in (_ICON, _TINT, _SIDE))
    field, _, part = tint.partition(".")
    shade = getattr(theme.colors(), field)
    shade = getattr(shade, part) if part else shade
    if isinstance(target, QLabel):
        target.setPixmap(pixmap(name, shade, side))
    elif isinstance(target, QAction):
        target.setIcon(icon(name, shade, side))
    elif isinstance(target, QAbstractButton):
        made = QIcon()
        for ink, mode in ((shade, QIcon.Mode.Normal), (theme.colors().disabled, QIcon.Mode.Disabled)):
            drawn = _spaced(pixmap(name, ink, side), target)
            made.addPixmap(drawn, mode)
        target.setIcon(made)
        target.setIconSize(drawn.deviceIndependentSize().toSize())


def _spaced(bare: QPixmap, target: QAbstractButton) -> QPixmap:
    """An icon with room towards the text, which the style sheet's buttons leave too little of."""
    if not (isinstance(target, QPushButton) and target.text()):
        return bare
    ratio = bare.devicePixelRatio()
    wide = QPixmap(bare.width() + round(_GAP * ratio), bare.height())
    wide.setDevicePixelRatio(ratio)
    wide.fill(Qt.GlobalColor.transparent)
    painter = QPainter(wide)
    mirrored = target.layoutDirection() is Qt.LayoutDirection.RightToLeft
    painter.drawPixmap(QPointF(_GAP if mirrored else 0, 0), bare)
    painter.end()
    return wide


def put_state(target: QAbstractButton, state: State, side: int = 14) -> None:
    """Show a state's shape on a button."""
    made = _spaced(state_pixmap(state, side), target)
    target.setIcon(QIcon(made))
    target.setIconSize(made.deviceIndependentSize().toSize())


def app_icon() -> QIcon:
    """The app's own mark in the usual sizes."""
    made = QIcon()
    for side in (16, 24, 32, 48, 64, 128, 256):
        made.addPixmap(_drawn("app", "#000000", side, 1.0))
    return made


def paint_shape(painter: QPainter, box: QRectF, shape: Shape, fill: QColor) -> None:
    """Draw a state's shape into a square box. Told apart without colour: ring, dots, disc, triangle, …"""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    unit = box.width() / 16
    middle = box.center()
    if shape is Shape.DISC:
        painter.drawEllipse(middle, 5.5 * unit, 5.5 * unit)
    elif shape is Shape.RING:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(fill, 2 * unit))
        painter.drawEllipse(middle, 4.75 * unit, 4.75 * unit)
    elif shape is Shape.DOTS:
        for step in (-4.75, 0.0, 4.75):
            painter.drawEllipse(middle + QPointF(step * unit, 0), 1.75 * unit, 1.75 * unit)
    elif shape is Shape.TRIANGLE:
        painter.setPen(QPen(fill, 1.5 * unit, j=Qt.PenJoinStyle.RoundJoin))
        corners = ((0, -5.2), (5.8, 4.8), (-5.8, 4.8))
        painter.drawPolygon(QPolygonF([middle + QPointF(x * unit, y * unit) for x, y in corners]))
    elif shape is Shape.CROSS:
        painter.setPen(QPen(fill, 3 * unit, c=Qt.PenCapStyle.RoundCap))
        for slope in (1, -1):
            reach = QPointF(4.25 * unit, slope * 4.25 * unit)
            painter.drawLine(middle - reach, middle + reach)
    elif shape is Shape.BAR:
        bar = QRectF(0, 0, 12 * unit, 4 * unit)
        bar.moveCenter(middle)
        painter.drawRoundedRect(bar, unit, unit)
    elif shape is Shape.BARS:
        for step in (-3.0, 3.0):
            bar = QRectF(0, 0, 3.25 * unit, 11 * unit)
            bar.moveCenter(middle + QPointF(step * unit, 0))
            painter.drawRoundedRect(bar, unit, unit)
    painter.restore()


@lru_cache(maxsize=64)
def _shape(shape: Shape, fill: str, side: int, ratio: float) -> QPixmap:
    pixels = round(side * ratio)
    made = QPixmap(pixels, pixels)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    paint_shape(painter, QRectF(0, 0, pixels, pixels), shape, QColor(fill))
    painter.end()
    made.setDevicePixelRatio(ratio)
    return made


def shape_pixmap(shape: Shape, fill: str, side: int = theme.ICON) -> QPixmap:
    """A shape in a colour (`#rrggbb`)."""
    return _shape(shape, fill, side, theme.device_pixel_ratio())


def state_pixmap(state: State, side: int = theme.ICON) -> QPixmap:
    """A state's shape in its colour."""
    fill = theme.colors().state_tone(state).fill
    return _shape(SHAPES[state], fill, side, theme.device_pixel_ratio())
