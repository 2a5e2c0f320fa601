"""The form of a password account: finds an address's servers, checks the login, keeps no password."""

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from reply_desktop.channel.messages import AddOther, EditOther, FindServers, FoundServers
from reply_desktop.domain.address import domain_of, parse_address
from reply_desktop.domain.errors import InvalidInput, ReplyDesktopError
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.notification import plain
from reply_desktop.domain.provider import PERSONAL_MICROSOFT, PROVIDER_NAMES, Provider
from reply_desktop.domain.rows import AccountRow
from reply_desktop.ui import theme
from reply_desktop.ui.bridge import Bridge, Pending
from reply_desktop.ui.controls import Note, button, column, line, name_box, wrapped
from reply_desktop.ui.side_pane import SidePane
from reply_desktop.ui.theme import Space, Type, label

FIND_AFTER_MS: Final = 700
"""Servers are looked for once the address has stood still this long."""

SMTP_PORTS: Final = {Security.TLS: 465, Security.STARTTLS: 587}
"""The usual ports of a server that takes mail from people (RFC 8314)."""
_IMAP_PORTS: Final = {Security.TLS: 993, Security.STARTTLS: 143}
_SECURITY: Final = ((Security.TLS, "TLS"), (Security.STARTTLS, "STARTTLS"))
_GOOGLE_DOMAINS: Final = frozenset({"gmail.com", "googlemail.com"})
_SINGLE_CLICK_HOSTS: Final = {
    "smtp.gmail.com": Provider.GOOGLE,
    "smtp-relay.gmail.com": Provider.GOOGLE,
    "smtp.office365.com": Provider.MICROSOFT,
    "smtp-mail.outlook.com": Provider.MICROSOFT,
}


def better_provider(address: str, servers: MailServers | None) -> Provider | None:
    """The single-click provider behind an address, where its domain or its mail server tells."""
    domain = domain_of(address)
    if domain in _GOOGLE_DOMAINS:
        return Provider.GOOGLE
    if domain in PERSONAL_MICROSOFT:
        return Provider.MICROSOFT
    return _SINGLE_CLICK_HOSTS.get(servers.smtp.host.lower()) if servers else None


class ServerFields(QWidget):
    """Host, port and security of one server; without a port, the usual one of its security."""

    def __init__(self, kind: str, ports: Mapping[Security, int]) -> None:
        super().__init__()
        self._ports = ports
        self.host, self.port, self.security = QLineEdit(), QLineEdit(), QComboBox()
        self.host.setPlaceholderText("Server")
        self.host.setAccessibleName(f"{kind} server")
        self.port.setAccessibleName(f"{kind} port")
        self.port.setValidator(QIntValidator(1, 65_535, self))
        self.port.setFixedWidth(theme.scaled(64))
        for value, name in _SECURITY:
            self.security.addItem(name, value)
        name_box(self.security, f"{kind} security")
        self.security.setFixedWidth(theme.scaled(108))
        self.security.currentIndexChanged.connect(self._show_usual_port)
        self._show_usual_port()
        row = line(self)
        row.addWidget(self.host, 1)
        row.addWidget(self.port)
        row.addWidget(self.security)

    def put(self, server: MailServer | None) -> None:
        """Show a server, or nothing."""
        self.host.setText(server.host if server else "")
        self.port.setText(str(server.port) if server else "")
        self.security.setCurrentIndex(self.security.findData(server.security) if server else 0)

    def _show_usual_port(self) -> None:
        self.port.setPlaceholderText(str(self._ports[self._chosen]))

    @property
    def _chosen(self) -> Security:
        return Security(self.security.currentData())

    def server(self) -> MailServer | None:
        """What was entered; None without a host. Raises InvalidInput."""
        host = self.host.text().strip()
        if not host:
            return None
        port = int(self.port.text() or self._ports[self._chosen])
        if " " in host or not 0 < port < 65_536:
            raise InvalidInput(f"“{host[:80]}” port {port} is not a server.", "Check for typing errors.")
        return MailServer(host, port, self._chosen)


class OtherPane(SidePane):
    """Adds a password account, or changes one. `saved` carries its AccountRow; `better_wanted` a Provider."""

    saved = Signal(object)
    better_wanted = Signal(object)

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("Add another account", parent)
        self._bridge = bridge
        self._account: AccountRow | None = None
        self._finding: Pending | None = None
        self._saving: Pending | None = None
        self._found_for = ""
        self._better = Provider.GOOGLE
        self._find_soon = QTimer(self, singleShot=True, interval=FIND_AFTER_MS)
        self._find_soon.timeout.connect(self._find)
        self._build()

    def _build(self) -> None:
        page = self.content
        self._lead = wrapped("For mailboxes with a password: any provider with SMTP.", muted=True)
        page.addWidget(self._lead)
        self.address = self._field(page, "Mail address", "name@example.com")
        self.address.textEdited.connect(self._on_address)
        self._progress = wrapped("", Type.CAPTION, muted=True)
        self._stop = button("Cancel", self._stop_finding, kind="link")
        row = line()
        row.addWidget(self._progress, 1)
        row.addWidget(self._stop)
        page.addLayout(row)
        self._offer = Note("", "blue")
        self._take_offer = button("", lambda: self.better_wanted.emit(self._better))
        page.addWidget(self._offer)
        page.addWidget(self._take_offer)
        hint = "With two-step verification, use an app password made at the provider."
        self.password = self._field(page, "Password", "", hint)
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.smtp, self.imap = ServerFields("SMTP", SMTP_PORTS), ServerFields("IMAP", _IMAP_PORTS)
        for title, fields in (
            ("Outgoing mail (SMTP)", self.smtp),
            ("Incoming mail (IMAP), if any", self.imap),
        ):
            box = column(gap=Space.XS)
            box.addWidget(label(title, Type.CAPTION, strong=True, muted=True))
            box.addWidget(fields)
            page.addLayout(box)
        self.user = self._field(page, "User name", "Same as the address")
        self.note = Note("", "red")
        page.addWidget(self.note)
        self.save_button = button("Check and add", self.save, kind="primary")
        cancel = button("Cancel", self.closed.emit)
        buttons = line()
        buttons.addWidget(self.save_button, 1)
        buttons.addWidget(cancel, 1)
        page.addSpacing(Space.XS)
        page.addLayout(buttons)
        page.addStretch(1)
        for field in (self.address, self.password, self.user, self.smtp.host, self.imap.host):
            field.returnPressed.connect(self.save)

    def _field(self, page: QVBoxLayout, name: str, placeholder: str, hint: str = "") -> QLineEdit:
        made = QLineEdit()
        made.setPlaceholderText(placeholder)
        made.setAccessibleName(name)
        made.setMaxLength(1000)
        title = label(name, Type.CAPTION, strong=True, muted=True)
        title.setBuddy(made)
        box = column(gap=Space.XS)
        box.addWidget(title)
        box.addWidget(made)
        if hint:
            box.addWidget(wrapped(hint, Type.CAPTION, muted=True))
            made.setAccessibleDescription(hint)
        page.addLayout(box)
        return made

    # Beginning

    def begin(self, account: AccountRow | None = None, servers: MailServers | None = None) -> None:
        """Show the form: empty for a new account, else filled with this account's servers."""
        self.leave()
        self._account = account
        self._found_for = account.address if account else ""
        self.title.setText("Edit credentials" if account else "Add another account")
        self._lead.setVisible(account is None)
        self.address.setText(account.address if account else "")
        self.address.setEnabled(account is None)
        self.password.setPlaceholderText("Unchanged" if account else "")
        self.smtp.put(servers.smtp if servers else None)
        self.imap.put(servers.imap if servers else None)
        self.user.setText(servers.user or "" if servers else "")
        self.save_button.setText("Check and save" if account else "Check and add")
        self._progress.setText("")
        self._stop.hide()
        self._offer.hide()
        self._take_offer.hide()
        (self.password if account else self.address).setFocus()

    def leave(self) -> None:
        """Forget what was typed, the password first."""
        self.password.clear()
        self._stop_finding()
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
        self._busy(False)
        self.note.hide()

    # Finding servers

    def _on_address(self, text: str) -> None:
        self.note.hide()
        self._offer.hide()
        self._take_offer.hide()
        self._find_soon.start()

    def _find(self) -> None:
        try:
            address = parse_address(self.address.text())
        except InvalidInput:
            return
        if address == self._found_for or self._account is not None:
            return
        self._stop_finding()
        self._found_for = address
        if better := better_provider(address, None):
            self._offer_better(better)
        self._progress.setText(f"Looking for the mail servers of {plain(domain_of(address), 60)}…")
        self._stop.show()
        self._finding = self._bridge.ask(FindServers(address), self._on_found, self._on_not_found, owner=self)

    def _on_found(self, found: FoundServers) -> None:
        self._finding = None
        self._stop.hide()
        if found.servers is None:
            self._progress.setText("No servers found. Enter them as your provider gives them.")
            return
        self._progress.setText("Servers found. Change them if your provider says otherwise.")
        if not self.smtp.host.isModified():
            self.smtp.put(found.servers.smtp)
        if not self.imap.host.isModified():
            self.imap.put(found.servers.imap)
        if not self.user.isModified():
            self.user.setText(found.servers.user or "")
        if better := better_provider(self._found_for, found.servers):
            self._offer_better(better)

    def _on_not_found(self, error: ReplyDesktopError) -> None:
        self._finding = None
        self._stop.hide()
        self._progress.setText(f"{error.what} Enter the servers as your provider gives them.")

    def _stop_finding(self) -> None:
        self._find_soon.stop()
        if self._finding is not None:
            self._finding.cancel()
            self._finding = None
            self._progress.setText("Enter the servers as your provider gives them.")
        self._stop.hide()

    def _offer_better(self, provider: Provider) -> None:
        self._better = provider
        name = PROVIDER_NAMES[provider]
        self._offer.put(
            f"This looks like a {name} mailbox. Connected with one click it needs no password here, and "
            "Reconnect mends it.",
            "blue",
        )
        self._take_offer.setText(f"Connect with {name} instead")
        self._offer.show()
        self._take_offer.show()

    # Saving

    def save(self) -> None:
        """Have the engine check the login and keep it; nothing is stored when it fails."""
        if self._saving is not None:
            return
        password = self.password.text()
        try:
            address = parse_address(self.address.text())
            smtp = self.smtp.server()
            if smtp is None:
                raise InvalidInput("The SMTP server is missing.", "Enter it as your provider gives it.")
            if not password and self._account is None:
                raise InvalidInput("The password is missing.", "Enter it.")
            servers = MailServers(smtp, self.imap.server(), self.user.text().strip() or None)
        except InvalidInput as error:
            self._say(error)
            return
        self._stop_finding()
        self._busy(True)
        self.note.hide()
        if self._account is None:
            add = AddOther(address, servers, password)
            self._saving = self._bridge.ask(add, self._on_saved, self._on_refused, owner=self)
        else:
            edit = EditOther(self._account.id, servers, password or None)
            self._saving = self._bridge.ask(edit, self._on_saved, self._on_refused, owner=self)

    def _on_saved(self, row: AccountRow) -> None:
        self._saving = None
        self.leave()
        self.saved.emit(row)

    def _on_refused(self, error: ReplyDesktopError) -> None:
        self._saving = None
        self._busy(False)
        self._say(error)

    def _say(self, error: ReplyDesktopError) -> None:
        self.note.put(plain(str(error), 600), "red")
        self.note.show()
        self.area.ensureWidgetVisible(self.note)

    def _busy(self, on: bool) -> None:
        fields: tuple[QWidget, ...] = (self.password, self.smtp, self.imap, self.user)
        for field in fields:
            field.setEnabled(not on)
        self.address.setEnabled(not on and self._account is None)
        self.save_button.setEnabled(not on)
        if on:
            self.save_button.setText("Checking the login…")
        else:
            self.save_button.setText("Check and save" if self._account else "Check and add")
