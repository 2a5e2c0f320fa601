"""The page about one account: what happened, why probably, who mends it and how, and what mail does."""

from collections.abc import Callable, Hashable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from reply_desktop.channel.messages import CheckAccounts, GetDiagnosis, ResumeAccounts, RowsChanged
from reply_desktop.domain.diagnosis import Diagnosis, Meanwhile
from reply_desktop.domain.errors import NotFound, ReplyDesktopError
from reply_desktop.domain.events import AccountRemoved
from reply_desktop.domain.mending import Action, DiagnosisStep
from reply_desktop.domain.notification import plain
from reply_desktop.domain.states import Color, State
from reply_desktop.domain.suspects import WEIGHT_WORDS, Candidate, Weight
from reply_desktop.files import write_private
from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge, EngineState, Pending
from reply_desktop.ui.browser import OpenPage, open_page
from reply_desktop.ui.controls import (
    Elided,
    Flow,
    Note,
    Quote,
    StateMark,
    button,
    clear,
    column,
    icon_button,
    line,
    wrapped,
)
from reply_desktop.ui.file_dialogs import TEXT, ask_where_to_save
from reply_desktop.ui.page import WIDTH, Card, Tall, scrolled
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.words import Clock, ago, exact, moment, until, utc_now

TIMES_MS: Final = 20_000
"""How often “3 min ago” is said anew while the page is in view."""

_SHAPES: Final = {Weight.LIKELY: "●●●", Weight.POSSIBLE: "●●○", Weight.UNLIKELY: "●○○"}
_REPORT_LINES: Final = 14


class DiagnosisPage(QWidget):
    """One account's diagnosis, which follows what happens. `back`, `mend_wanted`: an account id.

    `providers_wanted` carries a Provider, `sequence_wanted` the id of a sequence.
    """

    back = Signal(str)
    mend_wanted = Signal(str)
    providers_wanted = Signal(object)
    sequence_wanted = Signal(str)

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock = utc_now,
        open_in_browser: OpenPage = open_page,
    ) -> None:
        super().__init__()
        self._bridge, self._clock, self._open = bridge, clock, open_in_browser
        self.account_id = ""
        self.made: Diagnosis | None = None
        self._asked: Pending | None = None
        self._is_stale = self._is_checking = False
        self._shown: dict[QVBoxLayout, Hashable] = {}
        self.setAccessibleName("Diagnosis")
        self._build()
        self._times = QTimer(self, interval=TIMES_MS)
        self._times.timeout.connect(self.refresh_times)
        bridge.rows_changed.connect(self._on_rows)
        bridge.account_removed.connect(self._on_removed)
        bridge.engine_changed.connect(self._on_engine)

    # Building

    def _build(self) -> None:
        head = QFrame()
        head.setProperty("bar", "top")
        top = line(head, gap=Space.S)
        top.setContentsMargins(Space.L, Space.M, Space.L, Space.M)
        self.back_button = icon_button(
            "chevron-left", "Back to the account", lambda: self.back.emit(self.account_id)
        )
        self.title = Elided("", Type.TITLE, strong=True, mode=Qt.TextElideMode.ElideMiddle)
        self.check_button = button("Check now", self._on_check, icon="refresh")
        top.addWidget(self.back_button)
        top.addWidget(self.title, 1)
        top.addWidget(self.check_button)
        self.note = Note()
        self.note.hide()
        self.state = StateMark(Type.SUBTITLE, side=20)
        self.headline = wrapped("", Type.TITLE, strong=True)
        self.what = Card("What happened")
        self._happened = self._part(self.what)
        self._noticed, self._next = wrapped("", muted=True), wrapped("", muted=True)
        self._history = wrapped("", muted=True)
        self._outlook = wrapped("", muted=True)
        facts = column(gap=0)
        for fact in (self._noticed, self._next, self._outlook, self._history):
            facts.addWidget(fact)
        self.what.body.addLayout(facts)
        self.why = Card("Likely reasons", "The provider does not tell why. This is what our own record says.")
        self._reasons = self._part(self.why)
        self.how = Card("How to mend it")
        self._who = wrapped("", strong=True)
        self.how.body.addWidget(self._who)
        self._steps = self._part(self.how)
        self._build_said()
        self.mail = Card("Meanwhile", "What the sequences that send from this account do.")
        self._sequences = self._part(self.mail)
        self._build_report()
        inside = Tall()
        body = QWidget()
        body.setMaximumWidth(theme.scaled(WIDTH))
        self._body = body
        cards = column(body, gap=Space.L)
        cards.addWidget(self.note)
        first = column(gap=Space.XS)
        first.addWidget(self.state)
        first.addWidget(self.headline)
        cards.addLayout(first)
        self.cards = (self.what, self.why, self.how, self.said, self.mail, self.admin)
        for card in self.cards:
            cards.addWidget(card)
        cards.addStretch(1)
        row = line(inside, margin=Space.XL)
        row.addWidget(body, 100)
        row.addStretch(1)
        page = column(self, gap=0)
        page.addWidget(head)
        self.area = scrolled(inside, "Diagnosis")
        page.addWidget(self.area, 1)

    def _build_said(self) -> None:
        self.said = Card("What the provider said")
        self.quote = Quote("The provider's own text")
        self.said.body.addWidget(self.quote)
        self.lookup = button("Look up", self._on_lookup, kind="link", icon="external")
        self.said.body.addWidget(self.lookup, 0, Qt.AlignmentFlag.AlignLeading)

    def _build_report(self) -> None:
        self.admin = Card(
            "For your administrator",
            "A report to send. No password, token or code is in it; the address of the account is.",
        )
        self.report = QPlainTextEdit()
        self.report.setReadOnly(True)
        self.report.setTabChangesFocus(True)
        self.report.setAccessibleName("Report for your administrator")
        self.report.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.report.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.report.setFixedHeight(self.report.fontMetrics().lineSpacing() * _REPORT_LINES + 24)
        self.copy_button = button("Copy", self.copy_report, icon="copy")
        self.copy_button.setAccessibleName("Copy the report")
        self.save_button = button("Save as…", self._on_save, icon="export")
        self.save_button.setAccessibleName("Save the report as a file")
        row = line()
        row.addWidget(self.copy_button)
        row.addWidget(self.save_button)
        row.addStretch(1)
        self.admin.body.addWidget(self.report)
        self.admin.body.addLayout(row)

    @staticmethod
    def _part(card: Card) -> QVBoxLayout:
        """Room in a card for what is made anew when it changes."""
        made = column(gap=Space.M)
        card.body.addLayout(made)
        return made

    # Showing

    def open_account(self, account_id: str) -> None:
        """Show this account's diagnosis."""
        if account_id != self.account_id:
            self.account_id, self.made = account_id, None
            self._is_checking = False
            self.title.setText("")
            self._body.setVisible(True)
            self._hide_cards()
            self._show_check()
            self.area.verticalScrollBar().setValue(0)
        self.tell("")
        self._ask()
        self.back_button.setFocus()

    def tell(self, text: str, tone: str = "grey") -> None:
        """Say something above everything; an empty text takes it away."""
        self.note.put(text, tone)
        self.note.setVisible(bool(text))

    def _hide_cards(self) -> None:
        for part in (*self.cards, self.state, self.headline):
            part.hide()

    def _ask(self) -> None:
        if not self.account_id:
            return
        if self._bridge.engine is not EngineState.RUNNING:
            self._on_engine(self._bridge.engine)
            return
        if self._asked is not None:
            self._asked.cancel()
        if self.made is None:
            self.tell("Looking at what is known of this account…")
        self._is_stale = False
        self._asked = self._bridge.ask(
            GetDiagnosis(self.account_id), self._on_made, self._on_failed, owner=self
        )

    def _on_made(self, made: Diagnosis) -> None:
        before, self.made = self.made, made
        if before is None:
            self.tell("")
        elif made.is_fine and not before.is_fine:
            self.tell("It works again. There is nothing left to do.", "green")
        elif before.is_fine and not made.is_fine:
            self.tell("")
        self._fill(made)

    def _on_failed(self, error: ReplyDesktopError) -> None:
        if isinstance(error, NotFound):
            self._gone()
        elif self._bridge.engine is EngineState.RUNNING:
            self.tell(plain(str(error), 400), "red")

    def _gone(self) -> None:
        self.made = None
        self._hide_cards()
        self._show_check()
        self.tell("This account was removed.")

    def _fill(self, made: Diagnosis) -> None:
        focused = QApplication.focusWidget()
        self.title.setText(made.address)
        self.state.put(made.state)
        self.headline.setText(made.headline)
        self.state.show()
        self.headline.show()
        self._show_check()
        ill = made.cause is not None
        self.what.retitle("What happened" if ill else "How it stands")
        self.what.show()
        self._put(self._happened, made.happened, lambda: [wrapped(text) for text in made.happened])
        self._history.setText(f"{made.history}.")
        self._outlook.setText(made.outlook)
        self._outlook.setVisible(bool(made.outlook))
        self.refresh_times()
        self._put(self._reasons, made.candidates, lambda: [_Reason(one) for one in made.candidates])
        self.why.setVisible(bool(made.candidates))
        self._who.setText(made.who_fixes)
        self._who.setVisible(bool(made.who_fixes))
        self._put(self._steps, made.steps, lambda: self._step_widgets(made.steps))
        self.how.setVisible(bool(made.steps))
        self.how.retitle("How to mend it" if ill else "What to do")
        if made.provider_text and self.quote.toPlainText() != made.provider_text:
            self.quote.put(made.provider_text)
        self.said.setVisible(bool(made.provider_text))
        self.lookup.setText(f"Look up {made.provider_code}" if made.code_url else "")
        self.lookup.setVisible(made.code_url is not None)
        self._put(self._sequences, made.meanwhile, lambda: [self._sequence(one) for one in made.meanwhile])
        self.mail.retitle("Meanwhile" if ill else "Sequences")
        self.mail.setVisible(bool(made.meanwhile))
        self._fill_report(made.report)
        self.admin.show()
        if focused is not None and QApplication.focusWidget() is None and self.isVisible():
            self.back_button.setFocus()

    def _show_check(self) -> None:
        can = self.made is not None and self.made.state not in (State.NEW, State.PAUSED)
        running = self._bridge.engine is EngineState.RUNNING
        self.check_button.setEnabled(can and running and not self._is_checking)
        self.check_button.setText("Checking…" if self._is_checking else "Check now")

    def _fill_report(self, report: str) -> None:
        if report == self.report.toPlainText() or self.report.textCursor().hasSelection():
            return
        place = self.report.verticalScrollBar().value()
        self.report.setPlainText(report)
        self.report.verticalScrollBar().setValue(place)

    def _put(self, part: QVBoxLayout, content: Hashable, make: Callable[[], list[QWidget]]) -> None:
        """Fill a part anew, unless it shows just that: nothing moves under the person's hands."""
        if self._shown.get(part) == content:
            return
        self._shown[part] = content
        clear(part)
        for widget in make():
            part.addWidget(widget)

    def refresh_times(self) -> None:
        """Say “3 min ago” anew."""
        made, now = self.made, self._clock()
        if made is None:
            return
        proven = "Never proven." if made.proven_at is None else _when("Last proven", made.proven_at, now)
        noticed = _when("First noticed", made.noticed_at, now) if made.noticed_at else ""
        self._noticed.setText("\n".join(filter(None, (noticed, proven))))
        self._noticed.setToolTip("\n".join(filter(None, (exact(made.noticed_at), exact(made.proven_at)))))
        parts = []
        if made.next_check_at is not None:
            parts.append(f"The next check is {until(made.next_check_at, now)}.")
        if made.deadline_at is not None:
            parts.append(f"The sign-in ends {moment(made.deadline_at, now)}.")
        self._next.setText(" ".join(parts))
        self._next.setVisible(bool(parts))

    def _step_widgets(self, steps: tuple[DiagnosisStep, ...]) -> list[QWidget]:
        made: list[QWidget] = []
        for number, step in enumerate(steps, 1):
            widget = QWidget()
            row = line(widget, gap=Space.S)
            row.addWidget(theme.label(f"{number}.", muted=True), 0, Qt.AlignmentFlag.AlignTop)
            box = column(gap=Space.XS)
            box.addWidget(wrapped(step.text))
            buttons = self._step_buttons(step, first=number == 1)
            if buttons:
                holder = QWidget()
                flow = Flow(holder)
                for one in buttons:
                    flow.addWidget(one)
                box.addWidget(holder)
            row.addLayout(box, 1)
            made.append(widget)
        return made

    def _step_buttons(self, step: DiagnosisStep, *, first: bool) -> list[QPushButton]:
        found = []
        if step.label is not None:
            primary = first and step.action in (Action.RECONNECT, Action.EDIT_CREDENTIALS)
            icon = _ICONS[step.action] if step.action else "external"
            made = button(step.label, partial(self._do, step), kind="primary" if primary else None, icon=icon)
            made.setAccessibleDescription(step.text)
            found.append(made)
        if step.url is not None and step.hand_on:
            copy = button("Copy the link", partial(self._copy_link, step.url), icon="copy")
            copy.setAccessibleName(f"Copy the link: {step.label}")
            found.append(copy)
        return found

    def _sequence(self, one: Meanwhile) -> QWidget:
        widget = QWidget()
        box = column(widget, gap=0)
        mark = QLabel()
        icons.put_icon(mark, _MARKS[one.color], f"{one.color}.fill")
        name = button(plain(one.name, 80), lambda: self.sequence_wanted.emit(one.sequence_id), kind="link")
        name.setAccessibleDescription("Opens the log of the sequence")
        row = line(gap=Space.XS)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(name)
        row.addStretch(1)
        box.addLayout(row)
        text = wrapped(one.text)
        text.setContentsMargins(theme.ICON + Space.S, 0, 0, 0)
        box.addWidget(text)
        return widget

    # Doing

    def _do(self, step: DiagnosisStep) -> None:
        if step.url is not None:
            self._open_page(step.url)
        elif step.action is not None:
            _DOINGS[step.action](self)

    def _open_page(self, url: str) -> None:
        if not self._open(url):
            self.tell(f"The browser did not open. The page is {url}", "orange")

    def _copy_link(self, url: str) -> None:
        QGuiApplication.clipboard().setText(url)
        self.tell("The link is in the clipboard.", "green")

    def _on_lookup(self) -> None:
        if self.made is not None and self.made.code_url is not None:
            self._open_page(self.made.code_url)

    def _on_mend(self) -> None:
        self.mend_wanted.emit(self.account_id)

    def _on_providers(self) -> None:
        if self.made is not None:
            self.providers_wanted.emit(self.made.provider)

    def _on_check(self) -> None:
        self._bridge.ask(CheckAccounts((self.account_id,)), failed=self._on_failed, owner=self)

    def _on_resume(self) -> None:
        self._bridge.ask(
            ResumeAccounts((self.account_id,)), lambda done: self._ask(), self._on_failed, owner=self
        )

    def copy_report(self) -> None:
        """Put the report, and nothing else, into the clipboard."""
        if self.made is not None:
            QGuiApplication.clipboard().setText(self.made.report)
            self.copy_button.setText("Copied")
            self.admin.tell("The report is in the clipboard. Paste it into a mail or a chat.", "green")

    def _on_save(self) -> None:
        if self.made is not None:
            name = f"{self.made.address.replace('@', '-at-')}-report.txt"
            ask_where_to_save(self, "Save the report as", name, self.save_to, TEXT)

    def save_to(self, path: str) -> None:
        """Write the report to this file."""
        if self.made is None:
            return
        try:
            write_private(Path(path), self.made.report)
        except OSError as error:
            self.admin.tell(f"{path} cannot be written: {error.strerror}.", "red")
        else:
            self.admin.tell(f"Saved as {path}.", "green")

    # Following

    def _on_rows(self, event: RowsChanged) -> None:
        mine = [row for row in event.rows if row.id == self.account_id]
        if not mine:
            return
        self._is_checking = mine[-1].checking
        self._show_check()
        if self.isVisible():
            self._ask()
        else:
            self._is_stale = True

    def _on_removed(self, event: AccountRemoved) -> None:
        if event.account_id == self.account_id:
            self._gone()

    def _on_engine(self, state: EngineState) -> None:
        if state is EngineState.RUNNING:
            self.tell("")
            self._ask()
        elif self.account_id:
            self._is_checking = False
            self._show_check()
            known = "What is shown here may be out of date." if self.made else "It is not known yet."
            self.tell(f"The background service is not running at the moment. {known}", "orange")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._times.start()
        self.refresh_times()
        if self._is_stale:
            self._ask()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._times.stop()
        self.copy_button.setText("Copy")
        self.admin.tell("")


def _when(what: str, at: datetime, now: datetime) -> str:
    return f"{what} {moment(at, now)} ({ago(at, now)})."


_ICONS: Final = {
    Action.RECONNECT: "reconnect",
    Action.CHECK: "refresh",
    Action.EDIT_CREDENTIALS: "key",
    Action.PROVIDERS_SETTINGS: "plug",
    Action.RESUME: "play",
    Action.COPY_REPORT: "copy",
}
_DOINGS: Final[dict[Action, Callable[[DiagnosisPage], None]]] = {
    Action.RECONNECT: DiagnosisPage._on_mend,
    Action.CHECK: DiagnosisPage._on_check,
    Action.EDIT_CREDENTIALS: DiagnosisPage._on_mend,
    Action.PROVIDERS_SETTINGS: DiagnosisPage._on_providers,
    Action.RESUME: DiagnosisPage._on_resume,
    Action.COPY_REPORT: DiagnosisPage.copy_report,
}
_MARKS: Final = {
    Color.GREEN: "check",
    Color.ORANGE: "warning",
    Color.RED: "close",
    Color.GREY: "pause",
}


class _Reason(QWidget):
    """One reason: how likely as shape and word, what it is, and what our record says to it."""

    def __init__(self, one: Candidate) -> None:
        super().__init__()
        word = WEIGHT_WORDS[one.weight]
        self.setAccessibleName(f"{word}: {one.text}")
        shape = theme.label(_SHAPES[one.weight], muted=one.weight is Weight.UNLIKELY)
        shape.setAccessibleName(word)
        name = theme.label(word, strong=one.weight is Weight.LIKELY, muted=one.weight is Weight.UNLIKELY)
        mark = QWidget()
        mark.setFixedWidth(theme.scaled(112))
        beside = line(mark, gap=Space.S)
        beside.addWidget(shape)
        beside.addWidget(name, 1)
        words = column(gap=Space.XXS)
        words.addWidget(wrapped(one.text, strong=one.weight is Weight.LIKELY))
        words.addWidget(wrapped(one.why, Type.CAPTION, muted=True))
        row = line(self, gap=Space.S)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
