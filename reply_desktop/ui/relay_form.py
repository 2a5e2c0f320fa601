"""The relay: a mail server that alert e-mail leaves by when no account can send."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFormLayout, QLineEdit, QWidget

from reply_desktop.channel.messages import ClearRelay, PutRelay
from reply_desktop.domain.address import parse_address
from reply_desktop.domain.errors import InvalidInput, ReplyDesktopError
from reply_desktop.domain.notification import plain
from reply_desktop.domain.rows import AlertMailRow, RelayRow
from reply_desktop.ui import theme
from reply_desktop.ui.add_other_dialog import SMTP_PORTS, ServerFields
from reply_desktop.ui.bridge import Bridge, Pending
from reply_desktop.ui.controls import Note, button, column, line, wrapped
from reply_desktop.ui.question import Question
from reply_desktop.ui.theme import Space, Type

_SAVE, _CHECKING = "Check and save", "Checking the login…"


class RelayForm(QWidget):
    """Server, login and sender. `changed` carries the AlertMailRow after the relay was kept or removed.

    A password that is kept is never shown again; left empty, it stays.
    """

    changed = Signal(object)

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge
        self._relay: RelayRow | None = None
        self._saving: Pending | None = None
        self.server = ServerFields("Relay", SMTP_PORTS)
        self.user, self.password, self.address = QLineEdit(), QLineEdit(), QLineEdit()
        self.user.setPlaceholderText("Empty when it wants no login")
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.address.setPlaceholderText("alerts@example.com")
        self.save = button(_SAVE, self._on_save, kind="primary")
        self.save.setAccessibleName("Check and save the relay")
        self.remove = button("Remove…", self._on_remove, kind="quiet", icon="trash")
        self.remove.setAccessibleName("Remove the relay")
        self.question = Question()
        self.question.sure.connect(self._on_sure)
        self.note = Note()
        self.note.hide()
        self._build()
        self.show_relay(None)

    def _build(self) -> None:
        lines = column(self, gap=Space.M)
        lines.setContentsMargins(0, Space.S, 0, 0)
        about = "A mail server for alerts while no account can send. Saving checks whether it lets you in."
        lines.addWidget(wrapped(about, Type.CAPTION, muted=True))
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setHorizontalSpacing(Space.L)
        form.setVerticalSpacing(Space.M)
        form.setContentsMargins(0, 0, 0, 0)
        self._fields = (self.server.host, self.user, self.password, self.address)
        for name, field in (
            ("Server", self.server),
            ("User name", self.user),
            ("Password", self.password),
            ("Sender address", self.address),
        ):
            title = theme.label(name)
            title.setBuddy(self.server.host if field is self.server else field)
            title.setMinimumHeight(theme.scaled(theme.CONTROL_HEIGHT))
            form.addRow(title, field)
            if isinstance(field, QLineEdit):
                field.setAccessibleName(f"Relay {name[:1].lower()}{name[1:]}")
        for one in self._fields:
            one.setMaxLength(1000)
            one.returnPressed.connect(self._on_save)
            one.textEdited.connect(lambda _, one=one: _mark(one, wrong=False))
        lines.addLayout(form)
        buttons = line()
        buttons.addWidget(self.save)
        buttons.addStretch(1)
        buttons.addWidget(self.remove)
        lines.addLayout(buttons)
        lines.addWidget(self.question)
        lines.addWidget(self.note)

    def show_relay(self, relay: RelayRow | None) -> None:
        """Show the relay that is kept; what is being typed stays as long as the same one is kept."""
        if relay is None or relay != self._relay:
            self.password.setPlaceholderText("Stored; empty keeps it" if relay and relay.has_password else "")
            self.remove.setVisible(relay is not None)
        if relay != self._relay:
            self._relay = relay
            self.server.put(relay.server if relay else None)
            self.user.setText(relay.user if relay else "")
            self.address.setText(relay.sender if relay else "")
            self.password.clear()

    def _say(self, text: str, tone: str) -> None:
        self.note.put(plain(text, 600), tone)
        self.note.setVisible(bool(text))

    # Keeping

    def _on_save(self) -> None:
        if self._saving is not None:
            return
        for one in self._fields:
            _mark(one, wrong=False)
        at: QLineEdit = self.server.host
        try:
            server = self.server.server()
            if server is None:
                raise InvalidInput("The relay's server is missing.", "Enter it as its provider gives it.")
            at = self.address
            sender = parse_address(self.address.text())
        except InvalidInput as error:
            _mark(at, wrong=True)
            at.setFocus(Qt.FocusReason.OtherFocusReason)
            self._say(str(error), "red")
            return
        self._busy(True)
        self._say(f"Asking {server.host}…", "grey")
        request = PutRelay(server, sender, self.user.text().strip(), self.password.text() or None)
        self._saving = self._bridge.ask(request, self._on_saved, self._on_refused)

    def _on_saved(self, mail: AlertMailRow) -> None:
        self._busy(False)
        self.password.clear()
        self._say("The relay let us in and is kept. Send a test e-mail to see one arrive.", "green")
        self.changed.emit(mail)
        self.save.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_refused(self, error: ReplyDesktopError) -> None:
        self._busy(False)
        self._say(str(error), "red")
        self.save.setFocus(Qt.FocusReason.OtherFocusReason)

    def _busy(self, on: bool) -> None:
        if not on:
            self._saving = None
        for part in (self.server, self.user, self.password, self.address, self.save, self.remove):
            part.setEnabled(not on)
        self.save.setText(_CHECKING if on else _SAVE)

    # Removing

    def _on_remove(self) -> None:
        text = "Remove the relay and its password? Alerts wait then while no account can send."
        self.question.ask(text, self.remove)

    def _on_sure(self) -> None:
        self._bridge.ask(ClearRelay(), self._on_removed, self._on_refused)

    def _on_removed(self, mail: AlertMailRow) -> None:
        self._say("The relay is removed.", "grey")
        self.changed.emit(mail)
        self.server.host.setFocus(Qt.FocusReason.OtherFocusReason)


def _mark(field: QLineEdit, *, wrong: bool) -> None:
    theme.mark(field, "wrong", wrong)
    field.setAccessibleDescription("Not right yet" if wrong else "")
