"""The window's frame: header with its two sections, banners, the settings' navigation, pages, footer."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QFontMetrics,
    QGuiApplication,
    QHideEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from reply_desktop.config import APP_NAME
from reply_desktop.ui import icons, theme
from reply_desktop.ui.controls import Elided, button, column, line
from reply_desktop.ui.remembered import Remembered
from reply_desktop.ui.theme import Space, Type

SEQUENCES: Final = "sequences"
SEQUENCE: Final = "sequence"
ACCOUNTS: Final = "accounts"
NOTIFICATIONS: Final = "notifications"
PROVIDERS: Final = "providers"
GENERAL: Final = "general"
SANDBOX: Final = "sandbox"
DIAGNOSIS: Final = "diagnosis"
_PAGES: Final = (
    (ACCOUNTS, "Email accounts", "mail"),
    (NOTIFICATIONS, "Notifications", "bell"),
    (PROVIDERS, "Providers", "plug"),
    (GENERAL, "General", "sliders"),
)
_UNDER: Final = {DIAGNOSIS: ACCOUNTS}
"""Pages without an entry of their own, and the one they lie under."""
_SECTIONS: Final = (("Sequences", "send", "Ctrl+1"), ("Settings", "sliders", "Ctrl+2"))
_SIZE: Final = QSize(1280, 800)
_LEAST: Final = QSize(760, 480)
_FOLD: Final = 1000
_NATIVE: Final = QKeySequence.SequenceFormat.NativeText


class MainWindow(QWidget):
    """Frame of all pages. Closing it hides it. `seen` carries whether it is shown now.

    Light on purpose: it is painted before anything heavy is loaded. Pages, banners and header buttons are
    put in later.
    """

    quit_wanted = Signal()
    about_to_hide = Signal()
    seen = Signal(bool)

    def __init__(self, remembered: Remembered, *, sandbox: bool = False) -> None:
        super().__init__()
        self._remembered = remembered
        self._makers: dict[str, Callable[[], QWidget]] = {}
        self._pages: dict[str, QWidget] = {}
        self._entries: dict[str, QPushButton] = {}
        self._sections: dict[str, QPushButton] = {}
        self._last_settings = ACCOUNTS
        self.has_tray: Callable[[], bool] = lambda: False
        self.leaving = False
        self._folded = False
        # Qt puts the app's name behind it.
        self.setWindowTitle("Sandbox" if sandbox else APP_NAME)
        self.setMinimumSize(_LEAST)
        self._outer = column(self, gap=0)
        self._outer.addWidget(self._header(sandbox))
        body = line(gap=0)
        body.addWidget(self._navigation(sandbox))
        self.stack = QStackedWidget()
        body.addWidget(self.stack, 1)
        self._outer.addLayout(body, 1)
        self._outer.addWidget(self._footer())
        self._place()
        # Otherwise the first button of the header would begin with the keyboard.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()
        quit_keys = QShortcut(QKeySequence("Ctrl+Q"), self)
        quit_keys.activated.connect(self.quit_wanted)

    # Building

    def _header(self, sandbox: bool) -> QFrame:
        bar = QFrame()
        bar.setProperty("bar", "top")
        row = line(bar, gap=Space.S)
        row.setContentsMargins(Space.L, Space.XS, Space.M, Space.XS)
        mark = QLabel()
        mark.setPixmap(icons.pixmap("app", side=24))
        row.addWidget(mark)
        row.addWidget(theme.label(APP_NAME, Type.SUBTITLE, strong=True))
        if sandbox:
            chip = theme.label("Sandbox", Type.CAPTION, strong=True)
            chip.setToolTip("Local stand-ins for the providers; no real mailbox is touched.")
            chip.setProperty("badge", "blue")
            row.addWidget(chip, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addSpacing(Space.M)
        for entry in self._section_entries():
            row.addWidget(entry)
        row.addStretch(1)
        self.header_slots: QHBoxLayout = line(gap=Space.XS)
        row.addLayout(self.header_slots)
        bar.setMinimumHeight(theme.scaled(48))
        return bar

    def _section_entries(self) -> Iterator[QPushButton]:
        for (words, icon, keys), go in zip(
            _SECTIONS, (self.open_sequences, self.open_last_settings), strict=True
        ):
            entry = button(words, kind="nav", icon=icon)
            entry.setCheckable(True)
            entry.setAccessibleName(words)
            entry.setToolTip(f"{words} ({QKeySequence(keys).toString(_NATIVE)})")
            entry.setChecked(words == "Settings")
            # In view its words are stronger, and must not be cut then.
            strong = QFontMetrics(theme.theme().font(strong=True)).horizontalAdvance(words)
            entry.setMinimumWidth(strong + theme.ICON + 2 * Space.L + Space.S)
            # Assistive technology toggles such a button and does not click it, also the one in view, which
            # leads back to the list from one sequence: Qt would not let a group's button be toggled off.
            entry.toggled.connect(partial(self._on_section, go))
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.activated.connect(go)
            self._sections[words] = entry
            yield entry

    def _navigation(self, sandbox: bool) -> QFrame:
        bar = QFrame()
        bar.setProperty("bar", "side")
        bar.setAccessibleName("Settings")
        self._bar = bar
        bar.setFixedWidth(theme.scaled(184))
        self._nav: QVBoxLayout = column(bar, gap=Space.XXS)
        self._nav.setContentsMargins(Space.S, Space.L, Space.S, Space.M)
        title = theme.label("Settings", Type.CAPTION, strong=True, muted=True)
        title.setContentsMargins(Space.M, 0, 0, Space.XS)
        self._nav_title = title
        self._nav.addWidget(title)
        pages = (*_PAGES, (SANDBOX, "Sandbox", "flask")) if sandbox else _PAGES
        for name, words, icon in pages:
            entry = button(words, kind="nav", icon=icon)
            entry.setCheckable(True)
            entry.setAccessibleName(words)
            entry.setChecked(name == ACCOUNTS)
            # As with the sections; from a page that lies under it, it leads back.
            entry.toggled.connect(partial(self._on_entry, name))
            self._nav.addWidget(entry)
            self._entries[name] = entry
        self._nav.addStretch(1)
        return bar

    def _footer(self) -> QFrame:
        bar = QFrame()
        bar.setProperty("bar", "bottom")
        row = line(bar, gap=Space.S)
        row.setContentsMargins(Space.L, Space.XS, Space.L, Space.XS)
        self._engine_dot = QLabel()
        self._engine_words = theme.label("", Type.CAPTION, muted=True)
        self._last_words = Elided("", Type.CAPTION, muted=True)
        self._last_words.setAlignment(Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._engine_dot)
        row.addWidget(self._engine_words)
        row.addWidget(self._last_words, 1)
        self.footer_slots: QHBoxLayout = line(gap=Space.S)
        row.addLayout(self.footer_slots)
        bar.setMinimumHeight(theme.scaled(28))
        return bar

    def _place(self) -> None:
        if not self.restoreGeometry(self._remembered.get_bytes("window/place")):
            screen = QGuiApplication.primaryScreen()
            room = screen.availableSize() if screen else _SIZE
            self.resize(_SIZE.boundedTo(room * 0.94))

    # Filling

    def add_page(self, name: str, make: Callable[[], QWidget]) -> None:
        """Tell how a page is made, which happens when it is first opened."""
        self._makers[name] = make

    def add_banners(self, banners: QWidget) -> None:
        """Put the banners between header and pages."""
        self._outer.insertWidget(1, banners)

    def add_to_header(self, widget: QWidget) -> None:
        """Put a button to the right in the header."""
        self.header_slots.addWidget(widget)

    def open_page(self, name: str) -> QWidget | None:
        """Open a page by its name; the page, or None when there is no such page."""
        page = self._pages.get(name)
        if page is None and name in self._makers:
            page = self._pages[name] = self._makers[name]()
            self.stack.addWidget(page)
        if page is not None:
            entry = _UNDER.get(name, name)
            in_settings = entry in self._entries
            self.stack.setCurrentWidget(page)
            if in_settings:
                self._last_settings = entry
                _check(self._entries, entry)
            self._bar.setVisible(in_settings)
            _check(self._sections, "Settings" if in_settings else "Sequences")
        return page

    def open_sequences(self) -> None:
        """Open the list of sequences."""
        self.open_page(SEQUENCES)

    def open_last_settings(self) -> None:
        """Open the settings where they were left."""
        self.open_page(self._last_settings)

    def _on_section(self, go: Callable[[], object], chosen: bool) -> None:
        go()
        _check(self._sections, "Settings" if self._bar.isVisibleTo(self) else "Sequences")

    def _on_entry(self, name: str, chosen: bool) -> None:
        self.open_page(name)
        _check(self._entries, self._last_settings)

    @property
    def current(self) -> str:
        """Name of the page in view."""
        shown = self.stack.currentWidget()
        return next((name for name, page in self._pages.items() if page is shown), "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        folded = self.width() < theme.scaled(_FOLD)
        if folded != self._folded:
            self._fold(folded)

    def _fold(self, folded: bool) -> None:
        """With little room the navigation shows its icons only."""
        self._folded = folded
        self._nav_title.setVisible(not folded)
        self._bar.setFixedWidth(theme.scaled(56 if folded else 184))
        for entry in self._entries.values():
            title = entry.accessibleName()
            entry.setText("" if folded else title)
            entry.setToolTip(title if folded else "")
            icons.put_icon(entry, entry.property("iconName"))

    def show_engine(self, words: str, tone: str, last: str = "", tip: str = "") -> None:
        """Say in the footer how the background service is doing, and when it last checked."""
        self._last_words.tip = tip
        self._last_words.setText(last)
        if words != self._engine_words.text():
            self._engine_words.setText(words)
            icons.put_icon(self._engine_dot, "dot", f"{tone}.fill", 10)

    # Coming and going

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.seen.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.seen.emit(False)

    def bring(self) -> None:
        """Come to the front."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

    def remember(self) -> None:
        """Keep where the window lies, and which of its sections is in view."""
        in_settings = _UNDER.get(self.current, self.current) in self._entries
        self._remembered.put("window/section", "" if in_settings else SEQUENCES)
        self._remembered.put_bytes("window/place", self.saveGeometry())
        self._remembered.save()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.remember()
        app = QGuiApplication.instance()
        if self.leaving or (isinstance(app, QGuiApplication) and app.isSavingSession()):
            event.accept()
            return
        event.ignore()
        if self.has_tray():
            self.about_to_hide.emit()
            self.hide()
        elif self._remembered.get("told/no_tray"):
            self.showMinimized()
        else:
            self._tell_no_tray()

    def _tell_no_tray(self) -> None:
        self._remembered.put("told/no_tray", True)
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Information)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle(APP_NAME)
        box.setText("This desktop shows no tray icons.")
        box.setInformativeText(
            "The window is minimised and goes on telling you about trouble. Start Reply Desktop again to "
            "bring it back, or quit it now."
        )
        box.addButton("Minimise", QMessageBox.ButtonRole.AcceptRole).clicked.connect(self.showMinimized)
        box.addButton("Quit", QMessageBox.ButtonRole.DestructiveRole).clicked.connect(self.quit_wanted)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()


def _check(entries: Mapping[str, QPushButton], name: str) -> None:
    """Let the button of what is in view be the one that is checked."""
    for one, entry in entries.items():
        with QSignalBlocker(entry):
            entry.setChecked(one == name)
