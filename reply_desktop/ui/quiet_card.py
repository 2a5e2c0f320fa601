"""Quiet hours: when desktop and e-mail keep still, and whether they do so now."""

from datetime import UTC, datetime, time, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from PySide6.QtCore import QSignalBlocker, Qt, QTime, QTimer, QTimeZone
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QLabel, QTimeEdit, QWidget

from reply_desktop.domain.preferences import QUIET
from reply_desktop.domain.quiet_hours import QuietHours
from reply_desktop.ui import icons, theme
from reply_desktop.ui.controls import Flow, line, wrapped
from reply_desktop.ui.page import Card
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.theme import Space
from reply_desktop.ui.words import Clock, utc_now

LOOK_MS: Final = 20_000
"""Between looks at whether it is quiet now, while the card is shown, in milliseconds."""
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class QuietCard(Card):
    """The hours and their switch. `zone`: whose wall clock they go by, this computer's unless it is given."""

    def __init__(self, preferences: Preferences, clock: Clock = utc_now, zone: tzinfo | None = None) -> None:
        super().__init__("Quiet hours")
        self._preferences, self._clock = preferences, clock
        self._zone = zone or local_zone()
        self.on = QCheckBox("Keep still at certain hours")
        self.on.toggled.connect(lambda on: self._put(on=on))
        self.words, self.now = wrapped(muted=True), wrapped()
        self.begins, self.ends = _time("Quiet from"), _time("Quiet until")
        self.begins.timeChanged.connect(lambda at: self._put(**{"from": at.toString("HH:mm")}))
        self.ends.timeChanged.connect(lambda at: self._put(to=at.toString("HH:mm")))
        self.weekends = QCheckBox("Weekends too")
        self.weekends.setAccessibleDescription("Saturday and Sunday are quiet all day")
        self.weekends.setToolTip("Saturday and Sunday are quiet all day")
        self.weekends.toggled.connect(lambda on: self._put(weekends=on))
        self.hours = self._hours()
        self._now = QWidget()
        mark = QLabel()
        icons.put_icon(mark, "clock", "blue.ink")
        row = line(self._now)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.now, 1)
        theme.mark(self.now, "tone", "blue")
        for part in (self.on, self.hours, self.words, self._now):
            self.body.addWidget(part)
        self._looks = QTimer(self, interval=LOOK_MS)
        self._looks.timeout.connect(self._look)
        preferences.changed.connect(self._on_changed)
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Say what is so now."""
        super().showEvent(event)
        self._look()
        self._looks.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing ticks while nobody looks."""
        self._looks.stop()
        super().hideEvent(event)

    def _hours(self) -> QWidget:
        made = QWidget()
        flow = Flow(made, Space.L)
        times = QWidget()
        row = line(times)
        for word, field in (("From", self.begins), ("to", self.ends)):
            title = theme.label(word)
            title.setBuddy(field)
            row.addWidget(title)
            row.addWidget(field)
        flow.addWidget(times)
        flow.addWidget(self.weekends)
        return made

    def _put(self, **changed: object) -> None:
        self._preferences.put(QUIET, {**self._value, **changed}, self.refused)

    @property
    def _value(self) -> dict[str, Any]:
        value: dict[str, Any] = self._preferences.value(QUIET)
        return value

    def _on_changed(self, name: str) -> None:
        if name == QUIET:
            self.tell("")
            self._show()

    def _show(self) -> None:
        value = self._value
        for box, on in ((self.on, value["on"]), (self.weekends, value["weekends"])):
            with QSignalBlocker(box):
                box.setChecked(on)
        for field, text in ((self.begins, value["from"]), (self.ends, value["to"])):
            with QSignalBlocker(field):
                field.setTime(QTime.fromString(text, "HH:mm"))
        self.hours.setEnabled(value["on"])
        self.words.setText(quiet_words(value))
        self._look()

    def _look(self) -> None:
        value, now = self._value, self._clock()
        hours = QuietHours(
            time.fromisoformat(value["from"]), time.fromisoformat(value["to"]), value["weekends"]
        )
        until = hours.end(now, self._zone) if value["on"] else None
        self._now.setVisible(until is not None)
        if until is not None:
            self.now.setText(f"It is quiet now, until {self._moment(until, now)}.")

    def _moment(self, until: datetime, now: datetime) -> str:
        local = until.astimezone(self._zone)
        day = "" if local.date() == now.astimezone(self._zone).date() else f"{_DAYS[local.weekday()]} "
        return f"{day}{local:%H:%M}"


def quiet_words(value: dict[str, Any]) -> str:
    """What quiet hours with these values do, in a sentence or two."""
    begins, ends = value["from"], value["to"]
    if begins != ends:
        when = f"from {begins} to {ends}" + (", and all Saturday and Sunday" if value["weekends"] else "")
    elif value["weekends"]:
        when = "all Saturday and Sunday"
    else:
        return "From and to are the same, so it is never quiet. Give two times."
    meanwhile = "what happened meanwhile comes together when it ends"
    return f"Desktop and e-mail keep still {when}; {meanwhile}. Bell, log and team channels go on."


def local_zone() -> tzinfo:
    """This computer's time zone."""
    name = bytes(QTimeZone.systemTimeZoneId().data()).decode()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.now(UTC).astimezone().tzinfo or UTC


def _time(name: str) -> QTimeEdit:
    made = QTimeEdit()
    made.setDisplayFormat("HH:mm")
    made.setAccessibleName(name)
    made.setFixedWidth(theme.scaled(72))
    made.setAlignment(Qt.AlignmentFlag.AlignCenter)
    # Half-typed times are nobody's wish.
    made.setKeyboardTracking(False)
    return made
