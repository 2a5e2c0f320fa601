"""The sandbox's mail sink in the window: what would have been sent, as plain text."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QPlainTextEdit, QTableWidget, QTableWidgetItem

from reply_desktop.domain.notification import plain
from reply_desktop.sandbox.control import SandboxControl, SinkMessage
from reply_desktop.ui import theme
from reply_desktop.ui.controls import button
from reply_desktop.ui.errands import Errands
from reply_desktop.ui.page import Card
from reply_desktop.ui.words import moment, utc_now

BODY_LIMIT: Final = 100_000
"""Characters of a message shown."""
MESSAGES: Final = 200
"""Messages listed at most, the newest."""
_HEADERS: Final = ("From", "To", "Subject", "Date", "Message-ID")


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
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)
        self.table.setMinimumHeight(160)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        for number, width in enumerate((110, 170, 170)):
            self.table.setColumnWidth(number, width)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
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
        chosen = self.table.currentRow()
        kept = self.table.item(chosen, 0) if chosen >= 0 else None
        wanted = kept.data(Qt.ItemDataRole.UserRole) if kept else None
        self.table.blockSignals(True)
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

    def _on_selected(self) -> None:
        item = self.table.item(self.table.currentRow(), 0)
        if item is not None:
            number = item.data(Qt.ItemDataRole.UserRole)
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
