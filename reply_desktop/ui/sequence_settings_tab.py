"""The Settings tab: accounts, when and how fast mail leaves, stranded prospects, sender, suppression list."""

from dataclasses import replace
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from PySide6.QtCore import QSignalBlocker, QStringListModel, Qt, QTime, QTimer, QTimeZone, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QCompleter,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QSplitter,
    QTimeEdit,
    QWidget,
)

from reply_desktop.channel.messages import GetAccount
from reply_desktop.domain.consent import ConsentEnd
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.rows import AccountDetail
from reply_desktop.domain.sequence import Ramp, Sequence, Stranded, StrandedKind
from reply_desktop.domain.sequence_rows import SequenceDetail
from reply_desktop.ui import theme
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.browser import OpenPage
from reply_desktop.ui.connect_dialog import ConnectPane
from reply_desktop.ui.controls import Choice, Flow, button, column, line, wrapped
from reply_desktop.ui.page import WIDTH, Card, Option, Tall, scrolled
from reply_desktop.ui.senders_card import SendersCard
from reply_desktop.ui.sequence_draft import Draft, Typing
from reply_desktop.ui.step_words import length_words
from reply_desktop.ui.suppression_list import SuppressionCard
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.words import Clock

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""In the order of ISO 8601, whose days count from 1."""
_LONG: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY_LIMIT: Final = 50
_RAMP: Final = Ramp(10, 5)
_GRACE_S: Final = 86_400.0

STRANDED: Final = (
    (
        StrandedKind.WAIT,
        "They wait for their account. Nobody gets mail from a stranger in the middle of a conversation.",
    ),
    (
        StrandedKind.MOVE_AFTER,
        "They go on from another account once their own has been out for a while. The thread continues with "
        "another sender.",
    ),
    (
        StrandedKind.MOVE_UNSTARTED,
        "Only those whom nothing has reached yet go to another account; conversations wait.",
    ),
)
"""The three choices for prospects whose account cannot send, in plain words."""


def time_zones() -> list[str]:
    """All IANA time zones this computer knows, by name."""
    names = (bytes(one.data()).decode() for one in QTimeZone.availableTimeZoneIds())
    return sorted(name for name in names if "/" in name or name == "UTC")


def is_time_zone(name: str) -> bool:
    """Whether this computer knows a time zone of that name."""
    return QTimeZone.isTimeZoneIdAvailable(name.encode()) and ("/" in name or name == "UTC")


def window_words(sequence: Sequence, now: datetime) -> str:
    """The window in a line: how much time it leaves, and what the clock says there."""
    window = sequence.window
    if not window.days:
        return "No day is chosen, so nothing is ever sent."
    opens = window.opens.hour * 60 + window.opens.minute
    closes = window.closes.hour * 60 + window.closes.minute or 24 * 60
    if closes <= opens:
        return "It closes before it opens, so nothing is ever sent."
    whole = length_words((closes - opens) * 60.0 * len(window.days)) if len(window.days) == 1 else None
    told = whole or f"{(closes - opens) / 60 * len(window.days):g} hours"
    try:
        there = f" It is {now.astimezone(ZoneInfo(window.timezone)):%H:%M} there now."
    except (KeyError, ValueError, OSError):
        there = ""
    return f"Mail leaves in {told} a week.{there}"


class DraftCard(Card):
    """A card whose controls show a draft; what the person changes in one goes into the draft."""

    def __init__(self, draft: Draft, title: str, about: str = "") -> None:
        super().__init__(title, about)
        self._draft = draft
        draft.changed.connect(self.refresh)

    def refresh(self) -> None:
        """Show the draft as it is."""
        if self._draft.is_open:
            self.show_draft(self._draft.now)

    def show_draft(self, sequence: Sequence) -> None:
        """Show this sequence's values."""
        raise NotImplementedError

    def change(self, text: str, run: str = "", **fields: object) -> None:
        """Change fields of the sequence."""
        if self._draft.is_open:
            self._draft.change(replace(self._draft.now, **fields), text, run)  # type: ignore[arg-type]


class WindowCard(DraftCard):
    """Days, hours and time zone."""

    def __init__(self, draft: Draft, clock: Clock) -> None:
        super().__init__(draft, "Sending window", "Mail leaves only on these days and between these hours.")
        self._clock = clock
        days = QWidget()
        chips = Flow(days, Space.XS)
        self.days: list[QPushButton] = []
        for short, name in zip(DAYS, _LONG, strict=True):
            day = button(short, kind="chip")
            day.setCheckable(True)
            day.setAccessibleName(name)
            day.toggled.connect(self._on_days)
            self.days.append(day)
            chips.addWidget(day)
        self.body.addWidget(days)
        self.opens, self.closes = QTimeEdit(), QTimeEdit()
        row = line(gap=Space.S)
        for words, field, name in (("From", self.opens, "Opens at"), ("to", self.closes, "Closes at")):
            field.setDisplayFormat("HH:mm")
            field.setAccessibleName(name)
            field.setFixedWidth(theme.scaled(72))
            field.setAlignment(Qt.AlignmentFlag.AlignCenter)
            field.timeChanged.connect(self._on_hours)
            row.addWidget(theme.label(words, muted=True))
            row.addWidget(field)
        row.addSpacing(Space.M)
        row.addWidget(theme.label("Time zone", muted=True))
        self.zone = QLineEdit()
        self.zone.setAccessibleName("Time zone")
        self.zone.setPlaceholderText("Europe/Berlin")
        self.zone.setFixedWidth(theme.scaled(240))
        self.zone.editingFinished.connect(self._on_zone)
        row.addWidget(self.zone)
        row.addStretch(1)
        self.body.addLayout(row)
        self.words = wrapped("", Type.CAPTION, muted=True)
        self.body.addWidget(self.words)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.zone.completer() is None:
            completer = QCompleter(self)
            completer.setModel(QStringListModel(time_zones(), completer))
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
            completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            completer.activated.connect(lambda _: QTimer.singleShot(0, self, self._on_zone))
            self.zone.setCompleter(completer)

    def show_draft(self, sequence: Sequence) -> None:
        window = sequence.window
        for number, day in enumerate(self.days, 1):
            with QSignalBlocker(day):
                day.setChecked(number in window.days)
        for field, value in ((self.opens, window.opens), (self.closes, window.closes)):
            with QSignalBlocker(field):
                field.setTime(QTime(value.hour, value.minute))
        if self.zone.text() != window.timezone and not self.zone.hasFocus():
            self.zone.setText(window.timezone)
        self._judge_zone(self.zone.text().strip())
        self.words.setText(window_words(sequence, self._clock()))

    def _on_days(self) -> None:
        days = tuple(number for number, day in enumerate(self.days, 1) if day.isChecked())
        self.change("Change the days", window=replace(self._draft.now.window, days=days))

    def _on_hours(self) -> None:
        opens, closes = (time(one.time().hour(), one.time().minute()) for one in (self.opens, self.closes))
        window = replace(self._draft.now.window, opens=opens, closes=closes)
        self.change("Change the hours", "window hours", window=window)

    def _on_zone(self) -> None:
        name = self.zone.text().strip()
        if is_time_zone(name):
            self.change("Change the time zone", window=replace(self._draft.now.window, timezone=name))
        self._judge_zone(name)

    def _judge_zone(self, name: str) -> None:
        good = is_time_zone(name)
        theme.mark(self.zone, "wrong", not good)
        self.tell(
            "" if good else f"“{name}” is no time zone known here. Type a city, as Europe/Berlin.", "red"
        )


class PaceCard(DraftCard):
    """Gap, daily limit and ramp-up."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(
            draft, "Pace", "For each account by itself. The account's own daily limit holds besides."
        )
        self.least, self.most = (
            _spin("Least seconds between two mails", 86_400),
            _spin("Most seconds between two mails", 86_400),
        )
        self.gap_words = theme.label("", Type.CAPTION, muted=True)
        self.body.addLayout(_row("Between two mails", self.least, "to", self.most, "seconds", self.gap_words))
        self.limited = QCheckBox("At most")
        self.limited.setAccessibleName("Limit the mails a day")
        self.limit = _spin("Mails a day from each account", 100_000, least=1)
        self.body.addLayout(_row(self.limited, self.limit, "mails a day from each account"))
        self.ramped = QCheckBox("Warm up:")
        self.ramped.setAccessibleName("Warm up")
        self.first = _spin("Mails on the first day", 100_000, least=1)
        self.step = _spin("More mails on each day after", 10_000)
        self.body.addLayout(
            _row(
                self.ramped,
                self.first,
                "mails on an account's first day,",
                self.step,
                "more on each day after",
            )
        )
        for spin in (self.least, self.most):
            spin.valueChanged.connect(self._on_gap)
        self.limited.toggled.connect(self._on_limit)
        self.limit.valueChanged.connect(self._on_limit)
        self.ramped.toggled.connect(self._on_ramp)
        for spin in (self.first, self.step):
            spin.valueChanged.connect(self._on_ramp)

    def show_draft(self, sequence: Sequence) -> None:
        ramp = sequence.ramp or _RAMP
        for spin, value in (
            (self.least, sequence.gap_s[0]),
            (self.most, sequence.gap_s[1]),
            (self.limit, sequence.daily_limit or _DAY_LIMIT),
            (self.first, ramp.first),
            (self.step, ramp.step),
        ):
            with QSignalBlocker(spin):
                spin.setValue(int(value))
        for box, on, parts in (
            (self.limited, sequence.daily_limit is not None, (self.limit,)),
            (self.ramped, sequence.ramp is not None, (self.first, self.step)),
        ):
            with QSignalBlocker(box):
                box.setChecked(on)
            for part in parts:
                part.setEnabled(on)
        middle = sum(sequence.gap_s) / 2
        self.gap_words.setText(f"about {3600 / middle:,.0f} an hour" if middle else "as fast as it goes")

    def _on_gap(self) -> None:
        least, most = float(self.least.value()), float(self.most.value())
        if least > most:
            least, most = (least, least) if self.sender() is self.least else (most, most)
        self.change("Change the gap", "gap", gap_s=(least, most))

    def _on_limit(self) -> None:
        limit = self.limit.value() if self.limited.isChecked() else None
        self.change("Change the daily limit", f"limit {limit is None}", daily_limit=limit)

    def _on_ramp(self) -> None:
        ramp = Ramp(self.first.value(), self.step.value()) if self.ramped.isChecked() else None
        self.change("Change the warm-up", f"ramp {ramp is None}", ramp=ramp)


class StrandedCard(DraftCard):
    """What becomes of prospects whose account cannot send."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft, "When a prospect's account cannot send")
        self._group = QButtonGroup(self)
        self.choices: dict[StrandedKind, Choice] = {}
        for number, (kind, words) in enumerate(STRANDED):
            self.choices[kind] = choice = Choice(words, self._group, number)
            self.body.addWidget(choice)
            if kind is StrandedKind.MOVE_AFTER:
                self.hours = _spin("Hours until they move", 24 * 60, least=1)
                self.hours.setValue(round(_GRACE_S / 3600))
                row = _row("after", self.hours, "hours")
                row.setContentsMargins(theme.ICON + Space.L, 0, 0, 0)
                self.body.addLayout(row)
        self._group.idToggled.connect(lambda at, on: self._on_kind(on))
        self.hours.valueChanged.connect(self._on_hours)

    def show_draft(self, sequence: Sequence) -> None:
        stranded = sequence.stranded
        with QSignalBlocker(self._group):
            self.choices[stranded.kind].radio.setChecked(True)
        moves = stranded.kind is StrandedKind.MOVE_AFTER
        self.hours.setEnabled(moves)
        if moves:
            with QSignalBlocker(self.hours):
                self.hours.setValue(max(1, round(stranded.after_s / 3600)))

    def _wanted(self) -> Stranded:
        kind = STRANDED[self._group.checkedId()][0]
        after_s = self.hours.value() * 3600.0 if kind is StrandedKind.MOVE_AFTER else 0.0
        return Stranded(kind, after_s)

    def _on_kind(self, on: bool) -> None:
        if on:
            if self._draft.now.stranded.kind is not StrandedKind.MOVE_AFTER:
                with QSignalBlocker(self.hours):
                    self.hours.setValue(round(_GRACE_S / 3600))
            self.change("Change what stranded prospects do", stranded=self._wanted())

    def _on_hours(self) -> None:
        self.change("Change the grace period", "grace", stranded=self._wanted())


class SenderCard(DraftCard):
    """Who the mail is from, and what answers do."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft, "Sender and answers")
        self._typing = Typing()
        self.name = QLineEdit()
        self.name.setAccessibleName("Sender name")
        self.name.setPlaceholderText("As recipients see it beside the address")
        self.name.setMaxLength(200)
        self.name.textEdited.connect(self._on_name)
        row = line(gap=Space.M)
        row.addWidget(theme.label("Sender name", muted=True))
        row.addWidget(self.name, 1)
        self.body.addLayout(row)
        self.reply = Option(
            "Stop writing to a prospect who replies",
            "Where the account lets the app read. Automatic answers, as out of office, do not count.",
        )
        self.unsubscribe = Option(
            "Offer to unsubscribe",
            "Mail programs show an Unsubscribe button (List-Unsubscribe). Who presses it comes on the list "
            "below.",
        )
        self.reply.box.toggled.connect(lambda on: self.change("Change what a reply does", stop_on_reply=on))
        self.unsubscribe.box.toggled.connect(
            lambda on: self.change("Change the unsubscribe offer", unsubscribe=on)
        )
        self.body.addWidget(self.reply)
        self.body.addWidget(self.unsubscribe)

    def show_draft(self, sequence: Sequence) -> None:
        if self.name.text() != sequence.sender_name:
            self.name.setText(sequence.sender_name)
        self.reply.put(sequence.stop_on_reply)
        self.unsubscribe.put(sequence.unsubscribe)

    def _on_name(self, text: str) -> None:
        run = self._typing.run(self._draft.now.sender_name, text)
        self.change("Change the sender name", f"sender {run}", sender_name=text)


class SequenceSettingsTab(QWidget):
    """All cards of one sequence. `account_wanted` carries an account id; `reading_allowed`: one reads now."""

    account_wanted = Signal(str)
    reading_allowed = Signal()

    def __init__(
        self,
        bridge: Bridge,
        draft: Draft,
        clock: Clock,
        open_in_browser: OpenPage,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.senders = SendersCard(bridge, clock, draft)
        self.window_card = WindowCard(draft, clock)
        self.pace = PaceCard(draft)
        self.stranded = StrandedCard(draft)
        self.answers = SenderCard(draft)
        self.suppressions = SuppressionCard(bridge, clock)
        inside = Tall()
        body = QWidget()
        body.setMaximumWidth(WIDTH)
        lines = column(body, gap=Space.L)
        for card in self.cards:
            lines.addWidget(card)
        lines.addStretch(1)
        row = line(inside, margin=Space.L)
        row.addWidget(body, 100)
        row.addStretch(1)
        self.area = scrolled(inside, "Settings of the sequence")
        self.consent = ConnectPane(bridge, clock, open_in_browser)
        self.consent.hide()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.area)
        self.splitter.addWidget(self.consent)
        self.splitter.setStretchFactor(0, 1)
        column(self, gap=0).addWidget(self.splitter)
        self.senders.account_wanted.connect(self.account_wanted)
        self.senders.reading_wanted.connect(self.allow_reading)
        self.consent.closed.connect(self._on_consent_closed)
        self.consent.ended.connect(self._on_consent_ended)
        bridge.engine_changed.connect(self._on_engine)
        self._on_engine(bridge.engine)

    @property
    def cards(self) -> tuple[Card, ...]:
        """The cards, in order."""
        return (self.senders, self.window_card, self.pace, self.stranded, self.answers, self.suppressions)

    def open_sequence(self, sequence_id: str) -> None:
        """Another sequence was opened; "" before the first."""
        self._on_consent_closed()
        self.senders.put(())
        self.senders.open()
        for card in self.cards:
            if isinstance(card, DraftCard):
                card.refresh()
        self.area.verticalScrollBar().setValue(0)

    def put(self, detail: SequenceDetail) -> None:
        """The sequence was read."""
        self.senders.put(detail.senders)

    # Reading

    def allow_reading(self, account_id: str) -> None:
        """Ask the account's provider for the permission to read, in the browser."""
        self._bridge.ask(GetAccount(account_id), self._on_account, self._on_refused, owner=self)

    def _on_account(self, detail: AccountDetail) -> None:
        self.consent.show()
        self.consent.begin(detail.row.provider, detail.row, reading=True)

    def _on_refused(self, error: ReplyDesktopError) -> None:
        self.senders.refused(error)

    def _on_consent_ended(self, end: ConsentEnd, account_id: str | None) -> None:
        if end is ConsentEnd.CONNECTED:
            self.reading_allowed.emit()

    def _on_consent_closed(self) -> None:
        self.consent.leave()
        self.consent.hide()

    def _on_engine(self, state: EngineState) -> None:
        running = state is EngineState.RUNNING
        for card in self.cards:
            card.setEnabled(running)


def _spin(name: str, most: int, *, least: int = 0) -> QSpinBox:
    made = QSpinBox()
    made.setRange(least, most)
    made.setAccessibleName(name)
    made.setAlignment(Qt.AlignmentFlag.AlignCenter)
    made.setFixedWidth(theme.scaled(76))
    return made


def _row(*parts: QWidget | str) -> QHBoxLayout:
    """Controls with the words between them."""
    row = line(gap=Space.S)
    for part in parts:
        row.addWidget(theme.label(part) if isinstance(part, str) else part)
    row.addStretch(1)
    return row
