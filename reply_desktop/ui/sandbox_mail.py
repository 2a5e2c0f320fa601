"""The sandbox's mail sink in the window: what would have been sent, as plain text, and how it is answered."""

from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QPlainTextEdit, QPushButton, QTableWidget, QTableWidgetItem

from reply_desktop.domain.notification import plain
from reply_desktop.sandbox.control import ControlRefused, SandboxControl, SinkMessage
from reply_desktop.ui import theme
from reply_desktop.ui.controls import Flow, button
from reply_desktop.ui.errands import Errands
from reply_desktop.ui.page import Card
from reply_desktop.ui.table_style import style_small
from reply_desktop.ui.words import moment, utc_now

BODY_LIMIT: Final = 100_000
"""Characters of a message shown."""
MESSAGES: Final = 200
"""Messages listed at most, the newest."""
_HEADERS: Final = ("From", "To", "Subject", "Date", "Message-ID")

ANSWERS: Final[tuple[tuple[str, str, Callable[[SandboxControl, int], None]], ...]] = (
    ("Reply", "{who} replies to this message.", lambda at, number: at.reply(number)),
    (
        "Out of office",
        "{who}'s mailbox answers that nobody is there.",
        lambda at, number: at.auto_reply(number),
    ),
    (
        "Bounce",
        "The address of {who} does not exist: the mail comes back.",
        lambda at, number: at.bounce(number),
    ),
    ("Unsubscribe", "{who} asks to get no more mail.", lambda at, number: at.unsubscribe(number)),
)
"""What a recipient can do about a mail: the button, what it says it does, and how it is done."""


class MailCard(Card):
    """What the stand-ins accepted instead of sending it."""

    def __init__(self, errands: Errands, control: SandboxControl) -> None:
        super().__init__("Mail", "What would have been sent. Nothing leaves this computer.")
        self._errands, self._control = errands, control
        self._last = 0
        self.messages: list[SinkMessage] = []
        self.empty = theme.label("No mail yet. Send a test e-mail from an account.", muted=True)
        self.table = QTableWidget(0, 4)
        self.table.setAccessibleName("Mail that was sent")
        self.table.setHorizontalHeaderLabels(["Time", "From", "To", "Subject"])
        style_small(self.table)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self.table.setMinimumHeight(160)
        for number, width in enumerate((110, 170, 170)):
            self.table.setColumnWidth(number, width)
        self.table.horizontalHeader().setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        self.view = QPlainTextEdit()
        self.view.setReadOnly(True)
        self.view.setAccessibleName("The message")
        self.view.setMinimumHeight(200)
        self.view.setTabChangesFocus(True)
        self.forget = button("Empty", self._on_forget, kind="quiet", icon="trash")
        self.forget.setAccessibleName("Empty the mail list")
        self.head.addWidget(self.forget)
        for part in (self.empty, self.table, self.view):
            self.body.addWidget(part)
        self.answers: dict[str, QPushButton] = {}
        flow = Flow()
        for name, about, act in ANSWERS:
            made = button(name, partial(self._on_answer, name, act))
            made.setAccessibleName(f"{name}: as the recipient of the message")
            made.setToolTip(about.format(who="The recipient"))
            self.answers[name] = made
            flow.addWidget(made)
        self.body.addLayout(flow)
        self.table.itemSelectionChanged.connect(self._on_selected)
        self._show()

    def look(self) -> None:
        """Ask for what came since the last look."""
        self._errands.run(lambda: self._control.messages(after=self._last), self._on_messages, _silent)

    def _on_messages(self, messages: tuple[SinkMessage, ...]) -> None:
        # A second look may have set out before the first came back.
        fresh = [message for message in messages if message.id > self._last]
        if fresh:
            self._last = fresh[-1].id
            self.messages = [*reversed(fresh), *self.messages][:MESSAGES]
            self._show()

    def _show(self) -> None:
        self.empty.setVisible(not self.messages)
        self.table.setVisible(bool(self.messages))
        self.view.setVisible(bool(self.messages))
        self.forget.setEnabled(bool(self.messages))
        for made in self.answers.values():
            made.setVisible(bool(self.messages))
        wanted = self._chosen()
        self.table.blockSignals(True)
        self.table.clearSelection()
        self.table.setRowCount(len(self.messages))
        for place, message in enumerate(self.messages):
            cells = (
                moment(message.at, utc_now()),
                message.account,
                ", ".join(message.recipients),
                message.subject,
            )
            for number, text in enumerate(cells):
                item = QTableWidgetItem(plain(text, 200))
                item.setData(Qt.ItemDataRole.UserRole, message.id)
                self.table.setItem(place, number, item)
            if message.id == wanted:
                self.table.selectRow(place)
        self.table.blockSignals(False)
        self._offer()

    def _offer(self) -> None:
        for made in self.answers.values():
            made.setEnabled(self._chosen() is not None)

    def _chosen(self) -> int | None:
        """The id of the mail that is selected."""
        # With the keyboard alone a row becomes the current one before it is selected.
        rows = self.table.selectionModel().selectedRows()
        item = self.table.item(rows[0].row(), 0) if rows else None
        return None if item is None else int(item.data(Qt.ItemDataRole.UserRole))

    def _on_answer(self, name: str, act: Callable[[SandboxControl, int], None]) -> None:
        number = self._chosen()
        if number is not None:
            self._errands.run(
                lambda: act(self._control, number),
                lambda _: self.tell(f"{name}: it is on its way to the sender's inbox.", "green"),
                self._on_refused,
            )

    def _on_refused(self, error: Exception) -> None:
        self.tell(str(error) if isinstance(error, ControlRefused) else "The sandbox is gone.", "red")

    def _on_selected(self) -> None:
        self._offer()
        self.tell("")
        number = self._chosen()
        if number is not None:
            self._errands.run(
                lambda: readable(self._control.raw_message(number)), self.view.setPlainText, _silent
            )

    def _on_forget(self) -> None:
        self._errands.run(self._control.forget_messages, lambda _: self._on_forgotten(), _silent)

    def _on_forgotten(self) -> None:
        self.messages = []
        self.view.clear()
        self._show()


def readable(raw: bytes) -> str:
    """A message as plain text: a few headers and its text, cut where it is endless."""
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    head = [f"{name}: {plain(str(message[name]), 500)}" for name in _HEADERS if message[name]]
    try:
        part = message.get_body(("plain", "html"))
        text = part.get_content() if part is not None else ""
    except (KeyError, LookupError, ValueError):
        text = raw.decode("utf-8", "replace")
    return "\n".join([*head, "", text])[:BODY_LIMIT]


def _silent(error: Exception) -> None:
    """The look at the world that runs beside says already that the sandbox is gone."""
