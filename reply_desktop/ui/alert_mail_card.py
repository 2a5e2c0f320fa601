"""Alert e-mail: to whom, how often at most, by which way, and a test of whether it arrives."""

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QSpinBox, QWidget

from reply_desktop.channel.messages import (
    AccountIndex,
    AccountRows,
    AlertTested,
    GetAccounts,
    GetAlertMail,
    ListAccounts,
    TestAlertMail,
)
from reply_desktop.domain.address import parse_address
from reply_desktop.domain.errors import InvalidInput, ReplyDesktopError
from reply_desktop.domain.events import AlertMailChanged
from reply_desktop.domain.notification import plain
from reply_desktop.domain.preferences import EMAIL_CAP, EMAIL_TO, MOST_EMAILS
from reply_desktop.domain.rows import AccountFilter, AlertMailRow
from reply_desktop.domain.states import State
from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.controls import Disclosure, breakable, button, clear, column, hairline, line, wrapped
from reply_desktop.ui.page import Card
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.relay_form import RelayForm
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.words import count

_ICONS = {"red": "warning", "orange": "warning", "green": "check", "muted": "mail"}
_CONNECTED = AccountFilter(states=(State.CONNECTED,), sort="address", descending=False)


class AlertMailCard(Card):
    """Address, daily cap, how it stands, test and relay; each is kept at once, the relay after its check."""

    def __init__(self, bridge: Bridge, preferences: Preferences) -> None:
        super().__init__(
            "E-mail", "Goes out through another account of yours that can send. One e-mail for each problem."
        )
        self._bridge, self._preferences = bridge, preferences
        self._offered = ""
        self._is_testing = False
        self.to, self.cap = QLineEdit(), QSpinBox()
        self.wrong = wrapped("", Type.CAPTION)
        self.offer = button("", self._on_offer, kind="link")
        self.test = button("Send a test e-mail", self._on_test, icon="send")
        self._status = QWidget()
        self._lines = column(self._status, gap=Space.XS)
        self.relay = RelayForm(bridge)
        self._build()
        self.to.editingFinished.connect(self._keep_address)
        self.to.textEdited.connect(lambda _: self._say_wrong(""))
        self.cap.valueChanged.connect(lambda most: preferences.put(EMAIL_CAP, most, self.refused))
        self.relay.changed.connect(self.show_mail)
        preferences.changed.connect(self._on_preference)
        bridge.alert_mail_changed.connect(self._on_mail)
        bridge.engine_changed.connect(lambda _: self._ask())
        self._show_settings()

    def _build(self) -> None:
        self.to.setPlaceholderText("you@example.com; empty for no e-mail")
        self.to.setMaxLength(300)
        theme.mark(self.wrong, "tone", "red")
        self.wrong.hide()
        self.offer.hide()
        self.cap.setRange(1, MOST_EMAILS)
        self.cap.setKeyboardTracking(False)
        self.cap.setFixedWidth(theme.scaled(64))
        self.cap.setAlignment(Qt.AlignmentFlag.AlignCenter)
        # The spin box stands for the field inside it, also towards assistive technology.
        inner = self.cap.lineEdit()
        inner.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        for one in (self.cap, inner):
            one.setAccessibleName("Most alert e-mails in 24 hours")
        title = theme.label("Send to")
        title.setBuddy(self.to)
        self.to.setAccessibleName("Send alert e-mail to")
        address = line(gap=Space.M)
        address.addWidget(title)
        address.addWidget(self.to, 1)
        below = column(gap=Space.XS)
        below.addLayout(address)
        below.addWidget(self.wrong)
        below.addWidget(self.offer, 0, Qt.AlignmentFlag.AlignLeading)
        most = line()
        for part in (theme.label("At most"), self.cap, theme.label("e-mails in 24 hours")):
            most.addWidget(part)
        most.addStretch(1)
        tested = line()
        tested.addWidget(self.test)
        tested.addStretch(1)
        self.body.addLayout(below)
        self.body.addLayout(most)
        self.body.addWidget(self._status)
        self.body.addLayout(tested)
        self.tell("")
        self.body.addWidget(hairline())
        self.more = Disclosure("Relay settings", self.relay)
        self.body.addWidget(self.more)

    def showEvent(self, event: QShowEvent) -> None:
        """Ask how it stands."""
        super().showEvent(event)
        self._ask()

    def take_focus(self) -> None:
        """Put the focus where the address is given."""
        self.to.setFocus(Qt.FocusReason.OtherFocusReason)

    # How it stands

    def _ask(self) -> None:
        if self._bridge.engine is EngineState.RUNNING and self.isVisible():
            self._bridge.ask(GetAlertMail(), self.show_mail, self.refused)
            self._bridge.ask(ListAccounts(_CONNECTED), self._on_index, _quietly)

    def _on_mail(self, event: AlertMailChanged) -> None:
        self.show_mail(event.mail)

    def show_mail(self, mail: AlertMailRow) -> None:
        """Show how alert e-mail stands."""
        clear(self._lines)
        for tone, text in mail_words(mail):
            self._lines.addWidget(_line(tone, text))
        self.relay.show_relay(mail.relay)

    def _on_index(self, index: AccountIndex) -> None:
        if index.ids:
            self._bridge.ask(GetAccounts(index.ids[:1]), self._on_rows, _quietly)
        else:
            self._on_rows(AccountRows(()))

    def _on_rows(self, answer: AccountRows) -> None:
        self._offered = answer.rows[0].address if answer.rows else ""
        self.offer.setText(f"Use {plain(self._offered, 80)}".replace("&", "&&"))
        self._show_offer()

    def _show_offer(self) -> None:
        self.offer.setVisible(bool(self._offered) and not self.to.text().strip())

    # The address

    def _on_offer(self) -> None:
        self.to.setText(self._offered)
        self._keep_address()
        self.to.setFocus(Qt.FocusReason.OtherFocusReason)

    def _keep_address(self) -> None:
        address = self._address()
        if address is not None and address != self._preferences.value(EMAIL_TO):
            self._preferences.put(EMAIL_TO, address, self.refused)

    def _address(self) -> str | None:
        """What is in the field; None when it is no address, which is said then."""
        text = self.to.text().strip()
        try:
            address = parse_address(text) if text else ""
        except InvalidInput as error:
            self._say_wrong(str(error))
            return None
        self.to.setText(address)
        self._say_wrong("")
        return address

    def _say_wrong(self, text: str) -> None:
        self.wrong.setText(text)
        self.wrong.setVisible(bool(text))
        theme.mark(self.to, "wrong", bool(text))
        self.to.setAccessibleDescription(text)
        self._show_offer()

    def _on_preference(self, name: str) -> None:
        if name in (EMAIL_TO, EMAIL_CAP):
            if not self._is_testing:
                self.tell("")
            self._show_settings()

    def _show_settings(self) -> None:
        with QSignalBlocker(self.cap):
            self.cap.setValue(self._preferences.value(EMAIL_CAP))
        if not (self.to.hasFocus() and self.to.isModified()):
            self.to.setText(self._preferences.value(EMAIL_TO))
        self._show_test()
        self._show_offer()

    # Testing

    def _on_test(self) -> None:
        address = self._address()
        if address:
            self._is_testing = True
            self._show_test()
            self.tell("Sending…")
            # Asked once the address is kept, be it the same: it may still be on its way.
            self._preferences.put(EMAIL_TO, address, self._on_test_failed, self._ask_test)

    def _ask_test(self) -> None:
        self._bridge.ask(TestAlertMail(), self._on_tested, self._on_test_failed)

    def _on_tested(self, answer: AlertTested) -> None:
        self._on_test_end(plain(answer.text), "green")

    def _on_test_failed(self, error: ReplyDesktopError) -> None:
        self._on_test_end(plain(str(error), 600), "red")

    def _on_test_end(self, text: str, tone: str) -> None:
        self._is_testing = False
        self._show_test()
        self.tell(text, tone)

    def _show_test(self) -> None:
        self.test.setEnabled(bool(self._preferences.value(EMAIL_TO)) and not self._is_testing)


def mail_words(mail: AlertMailRow) -> list[tuple[str, str]]:
    """(tone, sentence) for each thing there is to know of how alert e-mail stands."""
    if not mail.to:
        return [("muted", "Nobody is told by e-mail until there is an address.")]
    told = []
    waits = "waits" if mail.waiting == 1 else "wait"
    waiting = f" {count(mail.waiting, 'alert')} {waits}." if mail.waiting else ""
    trouble = plain(mail.trouble) if mail.trouble else ""
    if mail.through is None:
        relay, todo = (
            ("the relay cannot be used", "check its settings")
            if mail.relay
            else ("no relay is set up", "add a relay")
        )
        no_way = f"No account can send, and {relay}. Reconnect an account, or {todo} below."
        told.append(("orange", no_way + waiting))
    else:
        way = breakable(plain(mail.through, 120))
        is_relay = mail.relay is not None and mail.through == mail.relay.server.host
        told.append(("green", f"Goes out through {'the relay ' * is_relay}{way}.{waiting}"))
    full = mail.sent_today >= mail.daily_cap
    sent = f"{mail.sent_today:,} of {count(mail.daily_cap, 'e-mail')} sent in the last 24 hours"
    told.append(("orange", f"{sent}; more wait.") if full else ("muted", f"{sent}."))
    if trouble and mail.through is not None:
        told.append(("red", breakable(trouble)))
    return told


def _line(tone: str, text: str) -> QWidget:
    made = QWidget()
    mark, words = QLabel(), wrapped(text)
    icons.put_icon(mark, _ICONS[tone], tone if tone == "muted" else f"{tone}.ink")
    theme.mark(words, "tone", tone)
    row = line(made)
    row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(words, 1)
    return made


def _quietly(error: ReplyDesktopError) -> None:
    """Without a suggestion the field is simply empty."""
