"""Team channels: places a team reads that are told too; off until there is one."""

from itertools import pairwise
from typing import Final

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLineEdit, QWidget

from reply_desktop.channel.messages import (
    AddTeamChannel,
    AlertTested,
    ListTeamChannels,
    RemoveTeamChannel,
    SwitchTeamChannel,
    TeamChannelList,
    TestTeamChannel,
)
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.events import TeamChannelsChanged
from reply_desktop.domain.notification import plain
from reply_desktop.domain.rows import TeamChannelRow
from reply_desktop.ui import theme
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.controls import (
    Disclosure,
    Elided,
    breakable,
    button,
    column,
    hairline,
    icon_button,
    line,
    wrapped,
)
from reply_desktop.ui.page import Card
from reply_desktop.ui.question import Question
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.words import Clock, moment, utc_now

EXAMPLES: Final = (
    ("Slack", "https://hooks.slack.com/services/T…/B…/…"),
    ("Teams", "https://….logic.azure.com/workflows/…"),
    ("Telegram", "tgram://bot-token/chat-id"),
    ("Discord", "https://discord.com/api/webhooks/…/…"),
    ("Webhook", "jsons://your-server.example/path"),
)
"""What the URLs of some services look like."""


class TeamChannelsCard(Card):
    """The channels with their switches, and a form for one more. `rows_shown` carries their rows."""

    rows_shown = Signal(object)

    def __init__(self, bridge: Bridge, clock: Clock = utc_now) -> None:
        super().__init__("Team channels", "Tell a Slack, Teams or Telegram channel, or a webhook, too.")
        self._bridge, self._clock = bridge, clock
        self._going: TeamChannelRow | None = None
        self.rows: dict[str, TeamRow] = {}
        self.empty = wrapped("Off until you add one.", muted=True)
        self._list = column(gap=Space.M)
        self.add = button("Add a channel…", self._on_add, icon="plus")
        self.form = AddForm()
        self.form.hide()
        self.form.wanted.connect(self._on_wanted)
        self.form.closed.connect(self._on_closed)
        self.question = Question()
        self.question.sure.connect(self._on_sure)
        row = line()
        row.addWidget(self.add)
        row.addStretch(1)
        self.body.addWidget(self.empty)
        self.body.addLayout(self._list)
        self.body.addWidget(self.question)
        self.body.addLayout(row)
        self.body.addWidget(self.form)
        self.tell("")
        bridge.team_channels_changed.connect(self._on_changed)
        bridge.engine_changed.connect(lambda _: self._ask())

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for the channels."""
        super().showEvent(event)
        self._ask()

    def take_focus(self) -> None:
        """Put the focus on the first channel, or where one is added."""
        first = next(iter(self.rows.values()), None)
        (first.box if first else self.add).setFocus(Qt.FocusReason.OtherFocusReason)

    def _ask(self) -> None:
        if self._bridge.engine is EngineState.RUNNING and self.isVisible():
            self._bridge.ask(ListTeamChannels(), self._on_list, self._on_failed)

    def _on_changed(self, event: TeamChannelsChanged) -> None:
        self.show_rows(event.rows)

    def _on_list(self, answer: TeamChannelList) -> None:
        self.show_rows(answer.rows)

    def show_rows(self, rows: tuple[TeamChannelRow, ...]) -> None:
        """Show these channels; those that stay keep their widgets, so that focus stays where it is."""
        for gone in self.rows.keys() - {row.id for row in rows}:
            widget = self.rows.pop(gone)
            is_asked = self._going is not None and self._going.id == gone
            if widget.isAncestorOf(self.focusWidget()) or (is_asked and self.question.isVisible()):
                self.add.setFocus(Qt.FocusReason.OtherFocusReason)
            self._list.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
            if is_asked:
                self.question.hide()
        for row in rows:
            if row.id not in self.rows:
                self.rows[row.id] = made = TeamRow(row)
                made.switched.connect(self._on_switched)
                made.test_asked.connect(self._on_test)
                made.remove_asked.connect(self._on_remove)
                self._list.addWidget(made)
                self._join_focus_chain(made)
            self.rows[row.id].show_row(row, self._clock)
        self.empty.setVisible(not rows)
        self.rows_shown.emit(rows)

    def _join_focus_chain(self, made: "TeamRow") -> None:
        """Have Tab come to a new row after those above it; Qt puts what is made later at the window's end."""
        before = self.question.keep.previousInFocusChain()
        while before is not None and before.focusPolicy() is Qt.FocusPolicy.NoFocus:
            before = before.previousInFocusChain()
        for one, following in pairwise((before, made.box, made.test, made.remove)):
            if one is not None and following is not None:
                QWidget.setTabOrder(one, following)

    def _on_failed(self, error: ReplyDesktopError) -> None:
        self.tell(plain(str(error), 600), "red")

    # What there is

    def _on_switched(self, row: TeamChannelRow, enabled: bool) -> None:
        def failed(error: ReplyDesktopError) -> None:
            self._on_failed(error)
            if (widget := self.rows.get(row.id)) is not None:
                widget.show_row(widget.row, self._clock)

        self.tell("")
        self._bridge.ask(SwitchTeamChannel(row.id, enabled), self._on_list, failed, owner=self)

    def _on_test(self, row: TeamChannelRow) -> None:
        name = plain(row.name, 80)
        self.tell(f"Telling {name}…")
        self.rows[row.id].test.setEnabled(False)

        def ended(text: str, tone: str) -> None:
            self.tell(plain(text, 600), tone)
            if (widget := self.rows.get(row.id)) is not None:
                widget.test.setEnabled(True)

        def tested(answer: AlertTested) -> None:
            ended(answer.text, "green")

        self._bridge.ask(TestTeamChannel(row.id), tested, lambda error: ended(str(error), "red"), owner=self)

    def _on_remove(self, row: TeamChannelRow) -> None:
        self._going = row
        self.question.ask(f"Remove {plain(row.name, 80)} and its URL?", self.rows[row.id].remove)

    def _on_sure(self) -> None:
        if self._going is not None:
            self.tell("")
            self._bridge.ask(RemoveTeamChannel(self._going.id), self._on_list, self._on_failed)
            self.add.setFocus(Qt.FocusReason.OtherFocusReason)

    # One more

    def _on_add(self) -> None:
        self.tell("")
        self.add.hide()
        self.form.begin()

    def _on_closed(self) -> None:
        self.form.hide()
        self.add.show()
        self.add.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_wanted(self, name: str, url: str) -> None:
        def added(answer: TeamChannelList) -> None:
            self.form.forget()
            self._on_closed()
            self.show_rows(answer.rows)
            self.tell(f"{plain(name, 80)} is told from now on. Press Test to see a message arrive.", "green")

        self.tell("")
        self._bridge.ask(AddTeamChannel(name, url), added, self.form.refused, owner=self)


class TeamRow(QWidget):
    """One channel: its switch, what it is, its trouble. Signals carry its row."""

    switched = Signal(object, bool)
    test_asked = Signal(object)
    remove_asked = Signal(object)

    def __init__(self, row: TeamChannelRow) -> None:
        super().__init__()
        self.row = row
        self.box = QCheckBox()
        self.box.setProperty("bare", True)
        self.name = Elided(strong=True)
        self.about = Elided(muted=True, size=Type.CAPTION)
        self.trouble = wrapped("", Type.CAPTION)
        theme.mark(self.trouble, "tone", "red")
        self.test = button("Test", lambda: self.test_asked.emit(self.row))
        self.remove = icon_button("trash", "", lambda: self.remove_asked.emit(self.row))
        self.box.toggled.connect(lambda on: self.switched.emit(self.row, on))
        words = column(gap=0)
        for part in (self.name, self.about, self.trouble):
            words.addWidget(part)
        cells = line(gap=Space.M)
        cells.addWidget(self.box, 0, Qt.AlignmentFlag.AlignTop)
        cells.addLayout(words, 1)
        cells.addWidget(self.test, 0, Qt.AlignmentFlag.AlignTop)
        cells.addWidget(self.remove, 0, Qt.AlignmentFlag.AlignTop)
        whole = column(self, gap=Space.M)
        whole.addLayout(cells)
        whole.addWidget(hairline())

    def show_row(self, row: TeamChannelRow, clock: Clock) -> None:
        """Show the channel as it is now."""
        self.row = row
        name = plain(row.name, 80)
        with QSignalBlocker(self.box):
            self.box.setChecked(row.enabled)
        self.box.setAccessibleName(f"Tell {name}")
        told = f"last told {moment(row.told_at, clock())}" if row.told_at else "not told yet"
        about = f"{plain(row.service, 40)} · {plain(row.address, 120)} · {told if row.enabled else 'off'}"
        self.name.setText(name)
        self.about.setText(about)
        self.trouble.setText(breakable(plain(row.trouble or "")))
        self.trouble.setVisible(bool(row.trouble))
        self.box.setAccessibleDescription(f"{about}. {plain(row.trouble or '')}".strip())
        self.test.setAccessibleName(f"Test {name}")
        self.remove.setAccessibleName(f"Remove {name}")
        self.remove.setToolTip(f"Remove {name}")


class AddForm(QWidget):
    """Name and URL of a new channel. `wanted` carries both; the URL is a secret and is forgotten then."""

    wanted = Signal(str, str)
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name, self.url = QLineEdit(), QLineEdit()
        self.name.setPlaceholderText("Sales team")
        self.name.setMaxLength(80)
        self.url.setPlaceholderText("Paste it as the service gives it")
        # Nobody looking over the shoulder reads it, and Qt copies nothing out of such a field.
        self.url.setEchoMode(QLineEdit.EchoMode.Password)
        self.url.setMaxLength(2000)
        self.said = wrapped("", Type.CAPTION)
        theme.mark(self.said, "tone", "red")
        self.said.hide()
        self.add = button("Add", self._on_add, kind="primary")
        self.add.setAccessibleName("Add the team channel")
        self.cancel = button("Cancel", self._on_cancel, kind="quiet")
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setHorizontalSpacing(Space.L)
        form.setVerticalSpacing(Space.M)
        for title, field in (("Name", self.name), ("URL", self.url)):
            words = theme.label(title)
            words.setBuddy(field)
            words.setMinimumHeight(theme.scaled(theme.CONTROL_HEIGHT))
            field.setAccessibleName(f"{title} of the team channel")
            field.returnPressed.connect(self._on_add)
            field.textEdited.connect(lambda _, field=field: self._wrong(None))
            form.addRow(words, field)
        buttons = line()
        buttons.addWidget(self.add)
        buttons.addWidget(self.cancel)
        buttons.addStretch(1)
        lines = column(self, gap=Space.M)
        lines.addLayout(form)
        lines.addWidget(wrapped("The URL is a secret; it goes into the vault.", Type.CAPTION, muted=True))
        lines.addWidget(self.said)
        lines.addLayout(buttons)
        lines.addWidget(Disclosure("Examples", _examples()))

    def begin(self) -> None:
        """Show the form, empty."""
        self.forget()
        self.name.clear()
        self.show()
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def refused(self, error: ReplyDesktopError) -> None:
        """Say why the channel was not taken; what was typed stays."""
        self._busy(False)
        self._wrong(self.url, plain(str(error), 600))

    def forget(self) -> None:
        """Let go of what was typed, the secret first."""
        self.url.clear()
        self._wrong(None)
        self._busy(False)

    def _on_cancel(self) -> None:
        self.forget()
        self.closed.emit()

    def _on_add(self) -> None:
        name, url = self.name.text().strip(), self.url.text().strip()
        if not name:
            self._wrong(self.name, "The name is missing. Call it what your team calls it.")
        elif not url:
            self._wrong(self.url, "The URL is missing. Paste it as the service gives it.")
        elif self.add.isEnabled():
            self._busy(True)
            self.wanted.emit(name, url)

    def _busy(self, on: bool) -> None:
        for part in (self.name, self.url, self.add):
            part.setEnabled(not on)
        self.add.setText("Adding…" if on else "Add")

    def _wrong(self, field: QLineEdit | None, text: str = "") -> None:
        for one in (self.name, self.url):
            theme.mark(one, "wrong", one is field)
            one.setAccessibleDescription(text if one is field else "")
        self.said.setText(breakable(text))
        self.said.setVisible(bool(text))
        if field is not None:
            field.setFocus(Qt.FocusReason.OtherFocusReason)


def _examples() -> QWidget:
    made = QWidget()
    form = QFormLayout(made)
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(Space.L)
    form.setVerticalSpacing(Space.XS)
    for service, url in EXAMPLES:
        form.addRow(theme.label(service, Type.CAPTION, muted=True), Elided(url, Type.CAPTION))
    return made
