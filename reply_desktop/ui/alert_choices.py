"""What is told where, as a grid: a row for each kind of news, a column for each channel."""

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QWidget

from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.notification import NotificationKind
from reply_desktop.domain.notification_rules import CHOICE_WORDS, CHOICES, RULES, default_choices
from reply_desktop.domain.preferences import ALERT_CHOICES, OTHER_ACCOUNTS, REMINDERS, TRAY_ALERTS
from reply_desktop.ui import icons, theme
from reply_desktop.ui.controls import button, column, hairline, line, wrapped
from reply_desktop.ui.page import Card, Option
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.tray import Tray
from reply_desktop.ui.words import span

COLUMN: Final = 88
"""Width of a channel's column, in pixels at 100 % text size."""
CHANNELS: Final = {Channel.TRAY: "Desktop", Channel.EMAIL: "E-mail", Channel.TEAM: "Team channels"}
"""Channels in the order of their columns, and what heads them."""
MEANINGS: Final = {
    "lost": "At once. Several within a minute come as one.",
    "deadline": "With the date, before anything stops.",
    "recovered": "One short notice, if you had been told of the trouble.",
}
"""Choice → what it means."""
STILL: Final = "Still not fixed"
"""The row of the reminders."""

_ALWAYS: Final = "Bell"
_WHY_ALWAYS: Final = "The bell keeps everything, so that nothing is lost."
_WHY_STILL: Final = "The entry stays in the bell; each reminder marks it unread again."
_WHY_NOT: Final = {
    Channel.EMAIL: "One e-mail per problem is enough.",
    Channel.TEAM: "One message per problem is enough.",
}
_OPTIONS: Final = (
    (TRAY_ALERTS, "Show alerts on the desktop", "The bell keeps everything either way."),
    (
        OTHER_ACCOUNTS,
        "Tell me about Other accounts too",
        "Mailboxes with a password. Without this they only change their colour in the table.",
    ),
)
_NO_TRAY: Final = "This desktop shows no tray icons. Alerts, the bell and the banner tell you all the same."


class ChoicesCard(Card):
    """The grid, the switches that hold for all of it, and a test. `test_asked`: show an alert."""

    test_asked = Signal()

    def __init__(self, preferences: Preferences, tray: Tray | None = None) -> None:
        super().__init__("What you hear, and where")
        self._preferences = preferences
        self._no_tray = ""
        self.boxes: dict[tuple[str, Channel], QCheckBox] = {}
        self.states: dict[str, QLabel] = {}
        self.options: dict[str, Option] = {}
        self.grid = QWidget()
        self._cells = QGridLayout(self.grid)
        self._cells.setContentsMargins(0, 0, 0, 0)
        self._cells.setHorizontalSpacing(Space.XS)
        self._cells.setVerticalSpacing(Space.S)
        self._cells.setColumnStretch(0, 1)
        self._build()
        for name, title, about in _OPTIONS:
            self.options[name] = option = Option(title, about)
            option.box.toggled.connect(lambda checked, name=name: self._put(name, checked))
            self.body.addWidget(option)
        self.test = button("Show a test alert", self.test_asked.emit, icon="bell")
        row = line()
        row.addWidget(self.test)
        row.addStretch(1)
        self.body.addLayout(row)
        preferences.changed.connect(lambda _: self._show())
        if tray is not None:
            tray.available_changed.connect(self._on_tray)
            self._on_tray(tray.available)
        self._show()

    def say(self, channel: Channel, state: str) -> None:
        """Say under a column's heading how its channel stands, in a word or two."""
        self.states[CHANNELS[channel]].setText(state)

    # Building

    def _build(self) -> None:
        self._head(_ALWAYS, 1, "always")
        for place, title in enumerate(CHANNELS.values(), start=2):
            self._head(title, place, "")
        for choice, kinds in CHOICES.items():
            title = CHOICE_WORDS[choice]
            self._row(title, MEANINGS[choice], _WHY_ALWAYS)
            for place, channel in enumerate(CHANNELS, start=2):
                self._cell(choice, title, place, channel, offered=channel in RULES[kinds[0]].offered)
        self._row(STILL, _reminders(), _WHY_STILL)
        for place, channel in enumerate(CHANNELS, start=2):
            self._cell(REMINDERS, STILL, place, channel, offered=channel is Channel.TRAY)
        self.body.addWidget(self.grid)
        self.body.addWidget(hairline())

    def _head(self, title: str, place: int, state: str) -> None:
        box = column(gap=0)
        top = wrapped(title, Type.CAPTION, strong=True)
        self.states[title] = below = wrapped(state, Type.CAPTION, muted=True)
        for part in (top, below):
            part.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom)
        box.addStretch(1)
        box.addWidget(top)
        box.addWidget(below)
        self._cells.addLayout(box, 0, place)
        self._cells.setColumnMinimumWidth(place, theme.scaled(COLUMN))

    def _row(self, title: str, about: str, why_always: str) -> None:
        number = self._cells.rowCount()
        self._cells.addWidget(hairline(), number, 0, 1, 2 + len(CHANNELS))
        words = column(gap=0)
        words.addWidget(wrapped(title))
        words.addWidget(wrapped(about, Type.CAPTION, muted=True))
        self._cells.addLayout(words, number + 1, 0)
        always = QLabel()
        icons.put_icon(always, "check", "muted")
        self._place(always, 1, f"{_ALWAYS}: {_lower(title)}, always", why_always)

    def _cell(self, choice: str, title: str, place: int, channel: Channel, *, offered: bool) -> None:
        name = f"{CHANNELS[channel]}: {_lower(title)}"
        if not offered:
            self._place(theme.label("–", muted=True), place, f"{name}, not offered", _WHY_NOT[channel])
            return
        self.boxes[choice, channel] = box = QCheckBox()
        box.setProperty("bare", True)
        box.toggled.connect(lambda checked: self._on_cell(choice, channel, checked))
        self._place(box, place, name, "")

    def _place(self, cell: QWidget, place: int, name: str, why: str) -> None:
        cell.setAccessibleName(name)
        cell.setAccessibleDescription(why)
        cell.setToolTip(why)
        self._cells.addWidget(cell, self._cells.rowCount() - 1, place, Qt.AlignmentFlag.AlignCenter)

    # Choosing

    def _on_cell(self, choice: str, channel: Channel, checked: bool) -> None:
        if choice == REMINDERS:
            self._put(REMINDERS, checked)
            return
        chosen = self._chosen(choice) - {channel} | ({channel} if checked else set())
        kept = self._preferences.value(ALERT_CHOICES)
        self._put(ALERT_CHOICES, {**kept, choice: sorted(chosen)})

    def _chosen(self, choice: str) -> set[str]:
        return set(self._preferences.value(ALERT_CHOICES).get(choice, default_choices()[choice]))

    def _put(self, name: str, value: object) -> None:
        self._preferences.put(name, value, self.refused)

    # Showing

    def _show(self) -> None:
        desktop = self._preferences.value(TRAY_ALERTS)
        for (choice, channel), box in self.boxes.items():
            box.blockSignals(True)
            told = (
                self._preferences.value(REMINDERS) if choice == REMINDERS else channel in self._chosen(choice)
            )
            box.setChecked(told)
            box.blockSignals(False)
            box.setEnabled(desktop or channel is not Channel.TRAY)
        for name, option in self.options.items():
            option.put(self._preferences.value(name))
        self.say(Channel.TRAY, "on" if desktop else "switched off")
        self.test.setEnabled(desktop)
        self.tell(self._no_tray)

    def _on_tray(self, available: bool) -> None:
        self._no_tray = "" if available else _NO_TRAY
        self.tell(self._no_tray)


def _reminders() -> str:
    rule = RULES[NotificationKind.ACCOUNT_LOST]
    return f"Reminders after {', '.join(map(span, rule.reminders_s))}, then every day."


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]
