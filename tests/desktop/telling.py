"""What tests of alerts do in the app's world, and what they find told."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from reply_desktop.channel.messages import CheckAccounts, GetAccounts, ListAccounts, ListSequences
from reply_desktop.domain.rows import AccountFilter
from reply_desktop.domain.sequence import ON
from reply_desktop.domain.states import State
from reply_desktop.sandbox.control import Control
from reply_desktop.sandbox.seed import ALERTS_TO
from tests.harness.accessibility import Node
from tests.harness.app import App
from tests.harness.notifications import Notifications, Shown
from tests.harness.waiting import wait_until

ANA, DANA, EMIL = "ana@harbor.example", "dana@fjord.example", "emil@outpost.example"
SEQUENCE = "Partner follow-up"
"""The sequence of Ana's account alone."""


def start(app: App) -> None:
    """Open the window with the sandbox's accounts proven, its sequences sending, and nothing unread."""
    app.start()
    app.wait_for_all("Connected")
    wait_until(
        lambda: [row.status in ON for row in app.ask(ListSequences()).rows] == [True, True], "sequences"
    )
    assert app.unread == 0


def lose(app: App, *addresses: str) -> None:
    """Take the access away at the provider, and have the engine find out."""
    for address in addresses:
        app.control.apply(Control.REMOVE_ACCESS, address)
    app.ask(CheckAccounts(addresses))


def lost(notifications: Notifications, address: str) -> Shown:
    """The alert about this account."""
    return notifications.wait_for(lambda each: each.summary == f"{address} cannot send")


def red(app: App) -> set[str]:
    """The addresses of the accounts that cannot send, as the engine has them."""
    ids = app.ask(ListAccounts(AccountFilter(states=(State.EXPIRED,)))).ids
    return {row.address for row in app.ask(GetAccounts(ids)).rows}


def told(notifications: Notifications) -> list[str]:
    """What the desktop was told of accounts, in order."""
    return [each.summary for each in notifications.shown if "@" in each.summary]


def open_settings(app: App, page: str) -> None:
    """A page of the settings, by the screen reader."""
    app.press("Settings", "check box")
    app.press(page, "check box")


def bell_entry(app: App, title: str) -> Node:
    """Details of the newest entry of this title in the bell's panel, which is opened, and unfolded where it hides it."""
    if app.find("Mark all read") is None:
        app.bell.press("Press")
    address = title.partition(" ")[0]

    def found() -> Node | None:
        if (entry := app.find(f"Details: {title}")) is not None:
            return entry
        for fold in app.shown(role="check box"):
            if fold.name.startswith("Show all") and address in fold.description:
                fold.press("Toggle")
        return None

    return wait_until(found, f"entry {title!r} in the bell")


def newest_mail(app: App) -> int:
    """The number of the last mail in the sandbox's sink."""
    return max((mail.id for mail in app.control.messages()), default=0)


def alert_mails(app: App, after: int) -> list[EmailMessage]:
    """The alerts that were mailed since then."""
    mine = [mail for mail in app.control.messages(after=after) if mail.recipients == (ALERTS_TO,)]
    raw = [app.control.raw_message(mail.id) for mail in mine]
    return [message_from_bytes(each, policy=policy.default) for each in raw]
