"""Pages of the window with nobody's browser behind them."""

from collections.abc import Callable
from datetime import datetime

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
