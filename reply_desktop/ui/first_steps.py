"""What the accounts page shows in place of the table: the first steps, nothing found, not there yet."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.ui import icons, theme
from reply_desktop.ui.controls import button, column, line, wrapped
from reply_desktop.ui.theme import Space, Type, label, mark

_READY = {
    Provider.GOOGLE: "Gmail and Google Workspace, by sign-in in your browser",
    Provider.MICROSOFT: "Outlook and Exchange Online, by sign-in in your browser",
    Provider.OTHER: "Any mailbox with SMTP, by its password",
}
_NOT_READY = "Needs a client ID first: opens Settings → Providers"


class ProviderChoice(QPushButton):
    """A big button for one provider."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self.setProperty("kind", "choice")
        self.provider = provider
        self._mark, self._what = QLabel(), label("", Type.CAPTION, muted=True)
        icons.put_icon(self._mark, icons.PROVIDER_ICONS[provider], "muted", 28)
        words = column(gap=Space.XS)
        words.addStretch(1)
        words.addWidget(label(PROVIDER_NAMES[provider], Type.SUBTITLE, strong=True))
        words.addWidget(self._what)
        words.addStretch(1)
        self._go = QLabel()
        icons.put_icon(self._go, "chevron-right", "muted")
        row = line(self, gap=Space.L)
        row.setContentsMargins(Space.L, Space.M, Space.L, Space.M)
        row.addWidget(self._mark)
        row.addLayout(words, 1)
        row.addWidget(self._go)
        for part in self.findChildren(QLabel):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.put(True)

    def put(self, configured: bool) -> None:
        """Say what a click does: sign in, or first the provider's client id."""
        what = _READY[self.provider] if configured else _NOT_READY
        self._what.setText(what)
        mark(self._what, "tone", "muted" if configured else "orange")
        self.setAccessibleName(f"Connect {PROVIDER_NAMES[self.provider]}")
        self.setAccessibleDescription(what)


class FirstSteps(QWidget):
    """Shown while there is no account. `chosen` carries a Provider."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        page = middle(self)
        hello = QLabel()
        hello.setPixmap(icons.pixmap("app", side=56))
        page.addWidget(hello)
        page.addWidget(wrapped("Connect your first mailbox", Type.DISPLAY, strong=True))
        why = "Every few minutes the app proves that your mailboxes can send, and tells you at once when not."
        page.addWidget(wrapped(why, muted=True))
        page.addSpacing(Space.S)
        self.choices = {provider: ProviderChoice(provider) for provider in Provider}
        for provider, choice in self.choices.items():
            choice.clicked.connect(lambda _=False, p=provider: self.chosen.emit(p))
            page.addWidget(choice)

    def show_configured(self, configured: dict[Provider, bool]) -> None:
        """Which providers have a client id."""
        for provider, choice in self.choices.items():
            choice.put(configured.get(provider, True))


class NothingFound(QWidget):
    """Shown when nothing passes the filter; the words are those for accounts unless others are given."""

    cleared = Signal()

    def __init__(self, noun: str = "account", nouns: str | None = None) -> None:
        super().__init__()
        page = middle(self)
        mark_ = QLabel()
        icons.put_icon(mark_, "search", "muted", 28)
        page.addWidget(mark_)
        page.addWidget(wrapped(f"No {noun} matches", Type.TITLE, strong=True))
        page.addWidget(wrapped(f"Try another search, or show all {nouns or noun + 's'} again.", muted=True))
        self.clear_button = button(f"Show all {nouns or noun + 's'}", self.cleared.emit)
        page.addWidget(self.clear_button, 0, Qt.AlignmentFlag.AlignLeading)


class NotYet(QWidget):
    """Shown until the engine has answered; says so only when that takes a while."""

    def __init__(self) -> None:
        super().__init__()
        page = middle(self)
        self._words = wrapped("Starting the background service…", muted=True)
        self._words.hide()
        page.addWidget(self._words)
        self._late = QTimer(self, singleShot=True, interval=600)
        self._late.timeout.connect(self._words.show)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._late.start()


def middle(parent: QWidget) -> QVBoxLayout:
    """A column in the middle, as wide as a line is good to read."""
    outer: QHBoxLayout = line(parent, margin=Space.XL)
    inner = QWidget()
    inner.setMaximumWidth(theme.scaled(520))
    page = column(inner, gap=Space.M)
    outer.addStretch(1)
    middle = column()
    middle.addStretch(2)
    middle.addWidget(inner)
    middle.addStretch(3)
    outer.addLayout(middle, 100)
    outer.addStretch(1)
    return page
