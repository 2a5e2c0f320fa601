"""What is shown on the desktop, and what a way of showing it must be able to do."""

from dataclasses import dataclass
from typing import Final, Protocol

from PySide6.QtCore import SignalInstance
from PySide6.QtGui import QImage

from reply_desktop.domain.notification import plain

TITLE_LENGTH: Final = 100
TEXT_LENGTH: Final = 300
DEFAULT: Final = "default"
"""Action code of a click on the alert's body (Desktop Notifications Specification 1.2)."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert on the desktop. A later one with the same `key` takes its place.

    `actions`: (code, label) of its buttons. All texts are plain. `passing`: of no use once read. `fresh`:
    tells something new; otherwise it only changes what is shown already.
    """

    key: str
    title: str
    text: str
    critical: bool = False
    passing: bool = False
    actions: tuple[tuple[str, str], ...] = ()
    picture: QImage | None = None
    fresh: bool = True

    @property
    def safe_title(self) -> str:
        """The title as one short line, whatever came from outside."""
        return plain(self.title, TITLE_LENGTH)

    @property
    def safe_text(self) -> str:
        """The text as one line that a bubble can hold."""
        return plain(self.text, TEXT_LENGTH)


class AlertSurface(Protocol):
    """Shows and withdraws alerts. Signals come on the GUI thread.

    `activated(key, action, token)`: a button or the body (`DEFAULT`) was pressed; `token` lets a window come
    to the front on Wayland, or is empty. `closed(alert)`: it is gone, by the person or not; not every desktop
    tells. `refused(alert)`: it could not be shown. Both carry the very object that `show` was given last.
    """

    @property
    def activated(self) -> SignalInstance: ...
    @property
    def closed(self) -> SignalInstance: ...
    @property
    def refused(self) -> SignalInstance: ...

    def show(self, alert: Alert) -> None:
        """Show an alert, or change the one with its key. Returns at once."""
        ...

    def withdraw(self, key: str) -> None:
        """Take an alert away; silent when it is gone already. Returns at once."""
        ...

    def stop(self) -> None:
        """Take every alert away, since its buttons would do nothing any more; nothing is shown after it."""
        ...
