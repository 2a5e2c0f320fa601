"""The frame of what opens beside the table: a title, a close button, and content that scrolls."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from reply_desktop.ui.controls import Elided, column, icon_button, line
from reply_desktop.ui.page import Tall
from reply_desktop.ui.theme import Space, Type


class SidePane(QFrame):
    """A pane with a title. `closed` fires when the person closes it (×, Esc)."""

    closed = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("bar", "pane")
        self.setAccessibleName(name)
        self.title = Elided(name, Type.SUBTITLE, strong=True, mode=Qt.TextElideMode.ElideMiddle)
        self.close_button = icon_button("close", f"Close {name.lower()}", self.closed.emit)
        head = line(gap=Space.S)
        head.setContentsMargins(Space.L, Space.S, Space.L - 6, Space.S)
        head.addWidget(self.title, 1)
        head.addWidget(self.close_button)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = Tall()
        self.content: QVBoxLayout = column(inside, gap=Space.M)
        self.content.setContentsMargins(Space.L, Space.XS, Space.L, Space.XL)
        self.area.setWidget(inside)
        box = column(self, gap=0)
        box.addLayout(head)
        box.addWidget(self.area, 1)
        self.setMinimumWidth(340)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)


def section(title: str) -> Elided:
    """The heading of a part of a pane."""
    made = Elided(title, Type.CAPTION, strong=True, muted=True)
    made.setContentsMargins(0, Space.S, 0, 0)
    return made
