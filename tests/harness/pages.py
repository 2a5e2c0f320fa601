"""Pages of the window with nobody's browser behind them."""

from collections.abc import Callable
from datetime import datetime

from PySide6.QtWidgets import QWidget

from reply_desktop.ui.accounts_page import AccountsPage
from reply_desktop.ui.bridge import Bridge


class OpenedPage(AccountsPage):
    """A page of accounts that notes in `links` what it would have opened. `opens`: whether a browser came."""

    def __init__(self, bridge: Bridge, clock: Callable[[], datetime], *, opens: bool = True) -> None:
        links: list[str] = []

        def note(url: str) -> bool:
            links.append(url)
            return opens

        super().__init__(bridge, clock, note)
        self.links = links


class OneSequence(QWidget):
    """Stands for the page of one sequence; `opened` notes what it was asked to open."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[tuple[object, ...]] = []

    def open_sequence(self, *asked: object) -> None:
        self.opened.append(asked)
