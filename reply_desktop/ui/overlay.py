"""A surface over the window, hung from a button: gone by Escape, a click elsewhere, or focus that moves on.

No popup window: Qt hides those from assistive technologies, and Wayland places them where it likes.
"""

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtGui import QColor, QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QFrame, QWidget

from reply_desktop.ui import theme
from reply_desktop.ui.theme import Space


class Overlay(QFrame):
    """Fill it, then `open_under` its button. It takes the size wanted as far as the window has room."""

    def __init__(self, button: QWidget, wanted: QSize) -> None:
        super().__init__(button.window())
        self._button, self._wanted = button, wanted
        self._watching = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hide()

    def open(self) -> None:
        """Show it below the button and take the focus."""
        if self.parent() is not self._button.window():
            self.setParent(self._button.window())
        self._place()
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def dismiss(self) -> None:
        """Go away; the focus returns to the button if it was in here."""
        inside = self._holds(QApplication.focusWidget())
        self.hide()
        if inside:
            self._button.setFocus(Qt.FocusReason.PopupFocusReason)

    def showEvent(self, event: QShowEvent) -> None:
        """Watch for what closes it."""
        super().showEvent(event)
        self._watch(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Watch no more."""
        super().hideEvent(event)
        self._watch(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A click elsewhere closes it and still does what it was meant for; a resized window moves it."""
        kind = event.type()
        if kind is QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            if isinstance(watched, QWidget) and not self._holds(watched) and watched is not self._button:
                self.hide()
        elif kind is QEvent.Type.Resize and watched is self.parent():
            self._place()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A raised surface with a thin edge."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(theme.colors().raised))
        painter.setPen(QColor(theme.colors().outline))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _watch(self, wanted: bool) -> None:
        app = QApplication.instance()
        if self._watching is wanted or not isinstance(app, QApplication):
            return
        self._watching = wanted
        if wanted:
            app.installEventFilter(self)
            app.focusChanged.connect(self._on_focus)
        else:
            app.removeEventFilter(self)
            app.focusChanged.disconnect(self._on_focus)

    def _place(self) -> None:
        window = self._button.window()
        room = window.rect().adjusted(Space.S, Space.S, -Space.S, -Space.S)
        below = self._button.mapTo(window, QPoint(self._button.width(), self._button.height() + Space.XS))
        width = min(self._wanted.width(), room.width())
        height = min(self._wanted.height(), room.bottom() - below.y())
        left = max(room.left(), min(below.x() - width, room.right() - width))
        self.setGeometry(left, below.y(), width, max(height, 120))

    def _on_focus(self, before: QWidget | None, now: QWidget | None) -> None:
        if now is not None and not self._holds(now) and now is not self._button:
            self.hide()

    def _holds(self, widget: QWidget | None) -> bool:
        return widget is not None and (widget is self or self.isAncestorOf(widget))
