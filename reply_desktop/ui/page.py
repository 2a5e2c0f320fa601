"""The frame of a settings page: cards below each other, as wide as reads well, that scroll."""

from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QCheckBox, QFrame, QLabel, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.ui import theme
from reply_desktop.ui.controls import Note, column, line, wrapped
from reply_desktop.ui.theme import Space, Type

WIDTH: Final = 720
"""Greatest width of a card, in device-independent pixels."""


class Tall(QWidget):
    """What scrolls: as high as its width makes it; wrapped labels would ask for more."""

    def minimumSizeHint(self) -> QSize:
        """Any height will do: the rest is reached by scrolling."""
        return QSize(super().minimumSizeHint().width(), 0)


class TallStack(QStackedWidget):
    """Pages in one place that do not hold the window open: the highest of them may be cut."""

    def minimumSizeHint(self) -> QSize:
        """Any height will do."""
        return QSize(super().minimumSizeHint().width(), 0)


def scrolled(inside: QWidget, name: str) -> QScrollArea:
    """A frameless area that scrolls up and down only."""
    area = QScrollArea()
    area.setWidget(inside)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setAccessibleName(name)
    return area


class Page(QWidget):
    """A page with a title and one line under it; `add` puts cards below each other."""

    def __init__(self, title: str, about: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        inside = Tall()
        self._cards = column(gap=Space.L)
        head = column(gap=Space.XS)
        head.addWidget(theme.label(title, Type.TITLE, strong=True))
        head.addWidget(wrapped(about, muted=True))
        self._cards.addLayout(head)
        body = QWidget()
        body.setMaximumWidth(WIDTH)
        lines = column(body)
        lines.addLayout(self._cards)
        lines.addStretch(1)
        row = line(inside, margin=Space.XL)
        row.addWidget(body, 100)
        row.addStretch(1)
        self.area = scrolled(inside, title)
        column(self, gap=0).addWidget(self.area)

    def add(self, card: QWidget) -> None:
        """One more card at the end."""
        self._cards.addWidget(card)


class Option(QWidget):
    """A check box with a line below it that says what it means."""

    def __init__(self, title: str, about: str) -> None:
        super().__init__()
        self.box = QCheckBox(title)
        self.box.setAccessibleDescription(about)
        lines = column(self, gap=0)
        lines.addWidget(self.box, 0, Qt.AlignmentFlag.AlignLeading)
        below = wrapped(about, muted=True)
        below.setContentsMargins(theme.ICON + Space.M + Space.XXS, 0, 0, 0)
        lines.addWidget(below)

    def put(self, checked: bool) -> None:
        """Show a value without saying that the person chose it."""
        self.box.blockSignals(True)
        self.box.setChecked(checked)
        self.box.blockSignals(False)


class Card(QFrame):
    """A titled part of a page; `body` takes what it holds."""

    def __init__(self, title: str, about: str = "", mark: QLabel | None = None) -> None:
        super().__init__()
        self.setProperty("card", True)
        self.setAccessibleName(title)
        self.body: QVBoxLayout = column(self, margin=Space.L, gap=Space.M)
        self.head = line()
        if mark is not None:
            self.head.addWidget(mark)
        self._title = theme.label(title, Type.SUBTITLE, strong=True)
        self.head.addWidget(self._title, 1)
        self.body.addLayout(self.head)
        if about:
            self.body.addWidget(wrapped(about, muted=True))
        self._note: Note | None = None

    def retitle(self, title: str) -> None:
        """Call the card something else."""
        self._title.setText(title)
        self.setAccessibleName(title)

    def tell(self, text: str, tone: str = "grey") -> None:
        """Say something at the card's end; an empty text takes the last words away."""
        if self._note is None:
            self._note = Note()
            self.body.addWidget(self._note)
        self._note.put(text, tone)
        self._note.setVisible(bool(text))

    @property
    def said(self) -> str:
        """What the card says at its end now."""
        return self._note.text() if self._note is not None else ""

    def refused(self, error: ReplyDesktopError) -> None:
        """Say what went wrong and what to do."""
        self.tell(str(error), "red")
