"""A step as one prospect would get it, while it is being written; and a test of it to one's own mailbox."""

from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QComboBox, QPlainTextEdit, QStackedWidget, QTextBrowser, QWidget

from reply_desktop.channel.messages import (
    GetProspects,
    ListProspects,
    PreviewStep,
    ProspectIndex,
    ProspectRows,
    TestSent,
    TestStep,
)
from reply_desktop.domain.causes import Cause, words
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.events import ProspectsChanged
from reply_desktop.domain.notification import plain, plain_sentence
from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.domain.sequence_rows import ProspectFilter, Rendered, SenderRow
from reply_desktop.ui import theme
from reply_desktop.ui.bridge import Bridge, EngineState, Pending
from reply_desktop.ui.controls import Elided, Note, button, column, icon_button, line, name_box, wrapped
from reply_desktop.ui.sequence_draft import Draft
from reply_desktop.ui.theme import Space, Type

TYPING_MS: Final = 200
"""The preview is asked for once the text has stood still this long."""
PROBLEMS: Final = 6
"""Problems shown at most."""


class MailView(QTextBrowser):
    """An HTML message on paper: nothing in it is loaded, and its links lead nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("The message as HTML")
        self.document().setDefaultStyleSheet(f"a {{ color: {theme.LIGHT.accent}; }}")
        self._nothing = QImage(1, 1, QImage.Format.Format_ARGB32)
        self._nothing.fill(Qt.GlobalColor.transparent)
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        # Messages are written for white paper, whatever the scheme in use.
        self.setStyleSheet(f"background: {theme.LIGHT.surface}; color: {theme.LIGHT.text};")
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Never anything from outside: a picture would tell its server that somebody looks."""
        return self._nothing


class StepPreview(QWidget):
    """The rendered step of a draft. Asks anew 200 ms after the last change."""

    def __init__(self, bridge: Bridge, draft: Draft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._draft = bridge, draft
        self._step_id: str | None = None
        self._sequence_id = ""
        self._ids: tuple[str, ...] = ()
        self._at = 0
        self._asked: Pending | None = None
        self._senders: tuple[SenderRow, ...] = ()
        self._build()
        self._wait = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._wait.timeout.connect(self.ask)
        self._ids_soon = QTimer(self, singleShot=True, interval=1000)
        self._ids_soon.timeout.connect(self._ask_ids)
        draft.changed.connect(self._wait.start)
        bridge.prospects_changed.connect(self._on_prospects)
        bridge.engine_changed.connect(self._on_engine)

    def _build(self) -> None:
        page = column(self, gap=Space.S)
        head = line(gap=Space.XS)
        head.addWidget(theme.label("Preview", Type.SUBTITLE, strong=True))
        head.addSpacing(Space.S)
        self.whom = Elided("", muted=True, mode=Qt.TextElideMode.ElideMiddle)
        self.whom.setAlignment(Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
        head.addWidget(self.whom, 1)
        self.before = icon_button("chevron-left", "Previous prospect", lambda: self._go(-1))
        self.next = icon_button("chevron-right", "Next prospect", lambda: self._go(1))
        head.addWidget(self.before)
        head.addWidget(self.next)
        page.addLayout(head)
        self.problems = Note("", "red")
        self.problems.hide()
        page.addWidget(self.problems)
        self.subject = wrapped("", strong=True)
        self.subject.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        page.addWidget(self.subject)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName("The message as text")
        self.html = MailView()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.text)
        self.stack.addWidget(self.html)
        self.stack.setMinimumHeight(theme.scaled(100))
        page.addWidget(self.stack, 1)
        row = line(gap=Space.S)
        self.account = QComboBox()
        name_box(self.account, "Account to send the test from")
        self.account.setMinimumContentsLength(10)
        self.account.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.test = button("Send test to myself", self._on_test, icon="send")
        row.addWidget(self.account, 1)
        row.addWidget(self.test)
        page.addLayout(row)
        self.result = Note()
        self.result.hide()
        page.addWidget(self.result)

    # What the tab says

    def show_step(self, step_id: str | None) -> None:
        """Preview this step of the draft."""
        if step_id != self._step_id:
            self._step_id = step_id
            self.result.hide()
        self._wait.start(0)

    def show_sequence(self, sequence_id: str) -> None:
        """Take the prospects to choose from out of this sequence."""
        if sequence_id != self._sequence_id:
            self._sequence_id, self._ids, self._at = sequence_id, (), 0
            self.result.hide()
        self._ask_ids()

    def put_senders(self, senders: Sequence[SenderRow]) -> None:
        """The accounts a test can be sent from."""
        chosen = self.account.currentData()
        self._senders = tuple(senders)
        self.account.clear()
        for one in senders:
            self.account.addItem(plain(one.address, 120), one.account_id)
        at = self.account.findData(chosen)
        able = [number for number, one in enumerate(senders) if not one.explanation]
        self.account.setCurrentIndex(at if at >= 0 else able[0] if able else 0 if senders else -1)
        self._tools()

    def _tools(self) -> None:
        running = self._bridge.engine is EngineState.RUNNING
        many = len(self._ids) > 1
        self.before.setEnabled(running and many)
        self.next.setEnabled(running and many)
        self.account.setEnabled(running and bool(self._senders))
        self.test.setEnabled(running and bool(self._senders))
        self.test.setToolTip("" if self._senders else "Choose a sending account under Settings first.")

    def _on_engine(self, state: EngineState) -> None:
        """Without the engine the last preview stays."""
        self._tools()
        if state is EngineState.RUNNING:
            self._ask_ids()
            self._wait.start(0)
        else:
            self.whom.setText("Waits for the background service")

    # Prospects

    def _on_prospects(self, event: ProspectsChanged) -> None:
        if event.sequence_id == self._sequence_id and not event.enrollment_ids:
            self._ids_soon.start()

    def _ask_ids(self) -> None:
        if self._sequence_id and self._bridge.engine is EngineState.RUNNING:
            wanted = ProspectFilter(self._sequence_id)
            self._bridge.ask(ListProspects(wanted), self._on_ids, lambda error: None, owner=self)
        elif not self._sequence_id:
            self._on_ids(ProspectIndex(()))

    def _on_ids(self, answer: ProspectIndex) -> None:
        chosen = self.enrollment
        self._ids = answer.ids
        self._at = self._ids.index(chosen) if chosen in self._ids else 0
        self._name()
        self._tools()
        if chosen != self.enrollment:
            self._wait.start(0)

    @property
    def enrollment(self) -> str | None:
        """The prospect looked at; None: an example."""
        return self._ids[self._at] if self._at < len(self._ids) else None

    def _go(self, by: int) -> None:
        if self._ids:
            self._at = (self._at + by) % len(self._ids)
            self._name()
            self.ask()

    def _name(self) -> None:
        enrollment = self.enrollment
        if enrollment is None:
            self.whom.setText("An example: there are no prospects yet")
            return
        self._bridge.ask(GetProspects((enrollment,)), self._on_named, lambda error: None, owner=self)

    def _on_named(self, answer: ProspectRows) -> None:
        if answer.rows and answer.rows[0].id == self.enrollment:
            place = f"{self._at + 1:,} of {len(self._ids):,}"
            self.whom.setText(f"{plain(answer.rows[0].email, 120)} ({place})")

    # Asking

    def _number(self) -> int | None:
        step = self._draft.now.step(self._step_id) if self._draft.is_open else None
        return step.number if step else None

    def ask(self) -> None:
        """Ask for the preview now; an older question is forgotten."""
        self._wait.stop()
        number = self._number()
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None
        if number is None or self._bridge.engine is not EngineState.RUNNING:
            return
        request = PreviewStep(self._draft.request(), number, self.enrollment)
        self._asked = self._bridge.ask(request, self._on_rendered, self._on_failed, owner=self)

    def _on_rendered(self, rendered: Rendered) -> None:
        self._asked = None
        self._tell(rendered.problems)
        self.subject.setText(plain(rendered.subject, 500) or "(no subject)")
        if rendered.html is None:
            self.text.setPlainText(rendered.text)
            self.stack.setCurrentWidget(self.text)
        else:
            self.html.setHtml(rendered.html)
            self.stack.setCurrentWidget(self.html)

    def _on_failed(self, error: ReplyDesktopError) -> None:
        self._asked = None
        self._tell((str(error),))

    def _tell(self, problems: Sequence[str]) -> None:
        shown = [plain(one) for one in problems[:PROBLEMS]]
        if len(problems) > PROBLEMS:
            shown.append(f"and {len(problems) - PROBLEMS} more.")
        self.problems.put("\n".join(shown), "red")
        self.problems.setVisible(bool(shown))

    # Testing

    def _on_test(self) -> None:
        number, account = self._number(), self.account.currentData()
        sender = next((one for one in self._senders if one.account_id == account), None)
        if number is None or sender is None:
            return
        self.test.setEnabled(False)
        self._say(f"Sending to {sender.address}…", "grey")
        request = TestStep(self._draft.request(), number, sender.account_id, None, self.enrollment)
        self._bridge.ask(
            request, lambda sent: self._on_tested(sender, sent), self._on_test_failed, owner=self
        )

    def _on_tested(self, sender: SenderRow, sent: TestSent) -> None:
        self._tools()
        look = f"Look into the mailbox of {sender.address}."
        if sent.in_doubt:
            self._say(f"It is not known whether the test went out. {look}", "orange")
        elif sent.cause is None:
            self._say(f"The test was accepted. {look}", "green")
        else:
            name = "the mail server" if sender.provider is Provider.OTHER else PROVIDER_NAMES[sender.provider]
            told = words(Cause(sent.cause), sender.address, name)
            said = f" The provider said: {plain_sentence(sent.provider_error)}" if sent.provider_error else ""
            self._say(f"The test was not sent. {told.short}.{said}", "red")

    def _on_test_failed(self, error: ReplyDesktopError) -> None:
        self._tools()
        self._say(plain(str(error), 600), "red")

    def _say(self, text: str, tone: str) -> None:
        self.result.put(text, tone)
        self.result.show()
