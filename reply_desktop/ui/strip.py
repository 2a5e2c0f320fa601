"""The 30-day health strip: one bar a day, taller when worse, so that it can be read without colour."""

from functools import lru_cache
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QToolTip, QWidget

from reply_desktop.ui import theme
from reply_desktop.ui.words import strip_words

DAY: Final = 3
"""Width of one day, in pixels; one more lies between days."""
_HEIGHTS: Final = {"g": 0.45, "o": 0.7, "r": 1.0}


@lru_cache(maxsize=512)
def _strip(strip: str, shades: tuple[str, str, str, str], height: int, ratio: float) -> QPixmap:
    made = QPixmap(round(strip_width(strip) * ratio), round(height * ratio))
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    green, orange, red, none = (QColor(shade) for shade in shades)
    fills = {"g": green, "o": orange, "r": red}
    for day, letter in enumerate(strip):
        tall = max(2.0, height * _HEIGHTS.get(letter, 0.0))
        painter.setBrush(fills.get(letter, none))
        painter.drawRoundedRect(QRectF(day * (DAY + 1), height - tall, DAY, tall), 1, 1)
    painter.end()
    return made


def strip_pixmap(strip: str, height: int) -> QPixmap:
    """The health strip: one bar a day, oldest first; the taller the worse, so colour is not needed."""
    used = theme.colors()
    shades = (used.green.fill, used.orange.fill, used.red.fill, used.outline)
    return _strip(strip, shades, height, theme.device_pixel_ratio())


def strip_width(strip: str) -> int:
    """Width of the strip, in pixels."""
    return max(1, len(strip) * (DAY + 1) - 1)


class StripView(QWidget):
    """The 30-day health strip, told in words to screen readers and by day in its tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self._strip = ""
        self.setFixedHeight(18)
        theme.theme().changed.connect(self.update)

    def put(self, strip: str) -> None:
        """Show these days, oldest first."""
        self._strip = strip
        self.setAccessibleName(strip_words(strip))
        self.setFixedWidth(strip_width(strip))
        self.update()

    def day_words(self, across: int) -> str:
        """What the day at that place was like."""
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            across = self.width() - across
        day = max(0, min(len(self._strip) - 1, across // (DAY + 1)))
        back = len(self._strip) - 1 - day
        when = "today" if back == 0 else "yesterday" if back == 1 else f"{back} days ago"
        told = {"g": "worked all day", "o": "was at risk", "r": "could not send"}
        return f"{when}: {told.get(self._strip[day], 'not checked')}"

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._strip:
            QPainter(self).drawPixmap(QPoint(0, 0), strip_pixmap(self._strip, self.height()))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self._strip:
            QToolTip.showText(event.globalPos(), self.day_words(event.pos().x()), self)
            return True
        return super().event(event)
