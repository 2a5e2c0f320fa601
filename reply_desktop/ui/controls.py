"""The small parts screens are made of: buttons, cut and wrapped labels, notes, disclosures, flowing rows."""

import html
import textwrap
from collections.abc import Callable
from typing import Any, Final, TypeVar

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLayoutItem,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QSizePolicy,
    QStyle,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from reply_desktop.domain.states import STATE_WORDS, State
from reply_desktop.ui import icons, theme
from reply_desktop.ui.theme import Space, Type

B = TypeVar("B", bound=QBoxLayout)

TIP_LETTERS: Final = 80
"""Letters in one line of a tooltip."""


def button(
    text: str, on_click: Callable[[], Any] | None = None, *, kind: str | None = None, icon: str | None = None
) -> QPushButton:
    """A push button; `kind` as in the style sheet: primary, danger, quiet, link, chip, choice, nav."""
    made = QPushButton(text.replace("&", "&&"))
    if kind:
        made.setProperty("kind", kind)
    if icon:
        tint = {"primary": "on_accent", "danger": "on_danger", "link": "accent"}.get(kind or "", "text")
        icons.put_icon(made, icon, tint)
    made.setAutoDefault(False)
    if on_click:
        made.clicked.connect(lambda: on_click())
    return made


def icon_button(icon: str, name: str, on_click: Callable[[], Any] | None = None) -> QToolButton:
    """A button that shows only an icon; `name` is its tooltip and what a screen reader says."""
    made = QToolButton()
    made.setProperty("kind", "icon")
    made.setToolTip(name)
    made.setAccessibleName(name)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    icons.put_icon(made, icon, "muted")
    if on_click:
        made.clicked.connect(lambda: on_click())
    return made


def name_box(box: QComboBox, name: str) -> None:
    """Say what is chosen in a box that has no visible label: as name, and as description as well.

    On Linux its name is what is chosen (AT-SPI), so only the description tells what that is.
    """
    box.setAccessibleName(name)
    box.setAccessibleDescription(name)


def wrapped(text: str = "", size: Type = Type.BODY, *, strong: bool = False, muted: bool = False) -> QLabel:
    """A plain-text label of several lines."""
    made = theme.label(text, size, strong=strong, muted=muted)
    made.setWordWrap(True)
    # Words longer than the line (addresses) must not push the page wider.
    made.setMinimumWidth(40)
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.MinimumExpanding)
    policy.setHeightForWidth(True)
    made.setSizePolicy(policy)
    made.setAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignTop)
    return made


def breakable(text: str) -> str:
    """The text with places where a long address may be broken at the end of a line."""
    return text.replace("@", "@\u200b").replace(".", ".\u200b")


def tip_text(text: str) -> str:
    """The text for a tooltip: plain whatever is in it, and broken into lines, which Qt does not do for us."""
    lines = [piece for line in text.splitlines() for piece in textwrap.wrap(line, TIP_LETTERS) or [""]]
    whole = "\n".join(lines)
    if not set("<&") & set(whole):
        return whole
    return f"<p>{html.escape(whole)}</p>".replace("\n", "<br>")


def hairline() -> QFrame:
    """A thin line between parts."""
    made = QFrame()
    made.setProperty("line", True)
    made.setFixedHeight(1)
    return made


def column(parent: QWidget | None = None, *, margin: int = 0, gap: int = Space.S) -> QVBoxLayout:
    """Things below each other."""
    return _box(QVBoxLayout(parent) if parent else QVBoxLayout(), margin, gap)


def line(parent: QWidget | None = None, *, margin: int = 0, gap: int = Space.S) -> QHBoxLayout:
    """Things beside each other."""
    return _box(QHBoxLayout(parent) if parent else QHBoxLayout(), margin, gap)


def _box(made: B, margin: int, gap: int) -> B:
    made.setContentsMargins(margin, margin, margin, margin)
    made.setSpacing(gap)
    return made


def clear(layout: QLayout) -> None:
    """Take everything out of a layout, and let it go."""
    while (item := layout.takeAt(0)) is not None:
        inner, widget = item.layout(), item.widget()
        if inner is not None:
            clear(inner)
            inner.deleteLater()
        elif widget is not None:
            widget.hide()
            widget.deleteLater()


def numbered(number: int, text: str) -> QWidget:
    """One step of a list."""
    made = QWidget()
    row = line(made)
    row.addWidget(theme.label(f"{number}.", muted=True), 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(wrapped(text), 1)
    return made


class Elided(QLabel):
    """One line of plain text, cut with an ellipsis. Tooltip: `tip`, else the whole text while it is cut."""

    def __init__(
        self,
        text: str = "",
        size: Type = Type.BODY,
        *,
        strong: bool = False,
        muted: bool = False,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(theme.theme().font(size, strong=strong))
        if muted:
            theme.mark(self, "tone", "muted")
        self._mode = mode
        self.tip = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def shown(self) -> str:
        """The text as it fits just now."""
        return self.fontMetrics().elidedText(self.text(), self._mode, self.width())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        style = QStyle.visualAlignment(self.layoutDirection(), self.alignment())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(style), self.shown())

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            whole = self.text() if self.shown() != self.text() else ""
            QToolTip.showText(event.globalPos(), tip_text(self.tip or whole), self)
            return True
        return super().event(event)


class StateMark(QWidget):
    """A state's shape with its word beside it."""

    def __init__(self, size: Type = Type.BODY, *, side: int = theme.ICON) -> None:
        super().__init__()
        self._side, self._state = side, State.NEW
        self._shape, self._word = QLabel(), theme.label("", size, strong=size is not Type.BODY)
        row = line(self)
        row.addWidget(self._shape)
        row.addWidget(self._word, 1)
        theme.theme().changed.connect(self._restyle)

    def put(self, state: State, word: str | None = None) -> None:
        """Show this state."""
        self._state = state
        self._word.setText(word or STATE_WORDS[state])
        self._restyle()

    def text(self) -> str:
        """The word shown."""
        return self._word.text()

    def _restyle(self) -> None:
        self._shape.setPixmap(icons.state_pixmap(self._state, self._side))
        tones = {State.CONNECTED: "green", State.AT_RISK: "orange", State.SIGNING_IN: "blue"}
        red = State.EXPIRED, State.BLOCKED
        theme.mark(self._word, "tone", "red" if self._state in red else tones.get(self._state, "grey"))


class Note(QFrame):
    """A soft box with an icon and a few words: `tone` red, orange, green, blue or grey."""

    _ICONS: Final = {"red": "warning", "orange": "warning", "green": "check", "blue": "info", "grey": "info"}

    def __init__(self, text: str = "", tone: str = "grey") -> None:
        super().__init__()
        self._icon, self._text = QLabel(), wrapped(text)
        row = line(self, margin=Space.M, gap=Space.S)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)
        self.put(text, tone)

    def put(self, text: str, tone: str) -> None:
        """Say something else."""
        self._text.setText(text)
        icons.put_icon(self._icon, self._ICONS[tone], f"{tone}.ink")
        theme.mark(self, "note", tone)

    def text(self) -> str:
        """What it says."""
        return self._text.text()


class Disclosure(QWidget):
    """A title that shows and hides what is below it."""

    def __init__(self, title: str, body: QWidget) -> None:
        super().__init__()
        self.body = body
        self.toggle = button(title, kind="link")
        self.toggle.setCheckable(True)
        self.toggle.toggled.connect(self._on_toggled)
        box = column(self, gap=Space.XS)
        box.addWidget(self.toggle, 0, Qt.AlignmentFlag.AlignLeading)
        box.addWidget(body)
        self._on_toggled(False)

    def _on_toggled(self, shown: bool) -> None:
        self.body.setVisible(shown)
        icons.put_icon(self.toggle, "chevron-down" if shown else "chevron-right", "accent", 12)
        title = self.toggle.text()
        self.toggle.setAccessibleDescription(f"{title} are {'shown' if shown else 'hidden'}")


class Quote(QPlainTextEdit):
    """Text from outside: plain, selectable, as high as its lines up to a limit."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setAccessibleName(name)
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)

    def put(self, text: str) -> None:
        """Show this text."""
        self.setPlainText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        lines = max(1, round(self.document().size().height()))
        height = QFontMetrics(self.font()).lineSpacing() * min(lines, 8) + 24
        if height != self.height():
            self.setFixedHeight(height)


class Choice(QWidget):
    """A radio button whose words may take several lines; clicking the words chooses it."""

    def __init__(self, text: str, group: QButtonGroup, number: int) -> None:
        super().__init__()
        self.radio = QRadioButton()
        self.radio.setAccessibleName(text)
        self.radio.setProperty("bare", True)
        group.addButton(self.radio, number)
        row = line(self, gap=Space.S)
        row.addWidget(self.radio, 0, Qt.AlignmentFlag.AlignTop)
        words = wrapped(text)
        words.setContentsMargins(0, 3, 0, 3)
        row.addWidget(words, 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.radio.setChecked(True)
        self.radio.setFocus()


class Flow(QLayout):
    """Things beside each other that go on in the next line when there is no more room."""

    def __init__(self, parent: QWidget | None = None, gap: int = Space.S) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._gap = gap
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), dry=True)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._place(rect, dry=False)

    def sizeHint(self) -> QSize:
        sizes = [item.sizeHint() for item in self._items if not item.isEmpty()]
        wide = sum(size.width() for size in sizes) + self._gap * max(0, len(sizes) - 1)
        return QSize(wide, max((size.height() for size in sizes), default=0))

    def minimumSize(self) -> QSize:
        sizes = [item.minimumSize() for item in self._items if not item.isEmpty()]
        return QSize(
            max((size.width() for size in sizes), default=0),
            max((size.height() for size in sizes), default=0),
        )

    def _place(self, rect: QRect, *, dry: bool) -> int:
        rows: list[list[tuple[QLayoutItem, QSize]]] = [[]]
        left = 0
        for item in self._items:
            if item.isEmpty():
                continue
            size = self._size(item, rect.width())
            if rows[-1] and left + size.width() > rect.width():
                rows.append([])
                left = 0
            rows[-1].append((item, size))
            left += size.width() + self._gap
        top = rect.top()
        for row in rows:
            tall = max((size.height() for _, size in row), default=0)
            if not dry:
                self._set_row(rect, top, tall, row)
            top += tall + self._gap
        return top - self._gap - rect.top()

    def _size(self, item: QLayoutItem, width: int) -> QSize:
        size = item.sizeHint()
        if size.width() <= width:
            return size
        return QSize(width, item.heightForWidth(width) if item.hasHeightForWidth() else size.height())

    def _set_row(self, rect: QRect, top: int, tall: int, row: list[tuple[QLayoutItem, QSize]]) -> None:
        parent = self.parentWidget()
        direction = parent.layoutDirection() if parent else Qt.LayoutDirection.LeftToRight
        left = rect.left()
        for item, size in row:
            place = QRect(QPoint(left, top + (tall - size.height()) // 2), size)
            item.setGeometry(QStyle.visualRect(direction, rect, place))
            left += size.width() + self._gap
