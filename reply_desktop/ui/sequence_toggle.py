"""The switch that turns a sequence on and off, its indicator in the knob, and the question when to start."""

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import QDateTime, QPointF, QRectF, QSize, Qt, QTimeZone, Signal
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QDateTimeEdit, QDialog, QMenu, QSizePolicy, QWidget

from reply_desktop.domain.notification import plain
from reply_desktop.domain.sequence import AUTO_START_S, ON, STATUS_WORDS, SequenceStatus
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.domain.states import Color, Shape
from reply_desktop.ui import icons, theme
from reply_desktop.ui.controls import Elided, button, column, line, tip_text
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.words import Clock, utc_now

NAME_LENGTH: Final = 200
"""Letters of a sequence's name that are shown or said at most; where there is less room it is cut further."""
SIZE: Final = QSize(40, 22)
"""The switch as drawn, in pixels."""

INDICATOR_SHAPES: Final = MappingProxyType(
    {
        Color.GREEN: Shape.DISC,
        Color.ORANGE: Shape.TRIANGLE,
        Color.RED: Shape.CROSS,
        Color.GREY: Shape.RING,
    }
)
"""A sequence's indicator told apart without its colour."""

_KNOB: Final = 16.0
_RING: Final = 4


def is_on(row: SequenceRow) -> bool:
    """Whether the switch stands at on."""
    return row.status in ON


def toggle_words(row: SequenceRow) -> str:
    """What a screen reader says of the switch: “Spring outreach: Active, orange: Sending goes on …”."""
    told = " ".join(row.tooltip.split())
    name = plain(row.name, NAME_LENGTH)
    return f"{name}: {STATUS_WORDS[row.status]}, {row.indicator}" + (f": {told}" if told else "")


def paint_toggle(
    painter: QPainter,
    box: QRectF,
    row: SequenceRow,
    *,
    enabled: bool = True,
    hovered: bool = False,
    focused: bool = False,
    mirrored: bool = False,
) -> None:
    """Draw a sequence's switch into a box of `SIZE`: the knob's side tells on or off, its shape the rest."""
    used, on = theme.colors(), is_on(row)
    tone = used.tone(row.indicator)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setOpacity(1.0 if enabled else 0.45)
    track = box.adjusted(0.75, 0.75, -0.75, -0.75)
    painter.setPen(QPen(QColor(tone.fill if on else used.text if hovered else used.outline), 1.5))
    painter.setBrush(QColor(tone.fill if on else used.pressed if hovered else used.grey.soft))
    painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
    inset = box.height() / 2
    at_right = on is not mirrored
    middle = QPointF(box.right() - inset if at_right else box.left() + inset, box.center().y())
    knob = QRectF(0, 0, _KNOB, _KNOB)
    knob.moveCenter(middle)
    painter.setPen(Qt.PenStyle.NoPen if on else QPen(QColor(used.outline), 1))
    painter.setBrush(QColor(used.surface))
    painter.drawEllipse(knob)
    icons.paint_shape(
        painter, knob.adjusted(2, 2, -2, -2), INDICATOR_SHAPES[row.indicator], QColor(tone.fill)
    )
    if focused:
        painter.setPen(QPen(QColor(used.focus), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box.adjusted(-2.5, -2.5, 2.5, 2.5), inset + 2.5, inset + 2.5)
    painter.restore()


class SequenceToggle(QAbstractButton):
    """The switch as a button of its own. It moves only when the engine says so, and shows what it was `put`.

    `launch_wanted` carries when sending should begin as (aware UTC or None, at once).
    """

    launch_wanted = Signal(object, bool)
    pause_wanted = Signal()

    def __init__(self, clock: Clock = utc_now, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self.row: SequenceRow | None = None
        self._hovered = False
        self.setCheckable(True)
        self.setEnabled(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(lambda: self._ask())
        # Assistive technology toggles such a button and does not click it.
        self.toggled.connect(self._on_toggled)
        theme.theme().changed.connect(self.update)

    def put(self, row: SequenceRow) -> None:
        """Show this sequence's state."""
        self.row = row
        self.setEnabled(True)
        self._show()
        self.setToolTip(tip_text(row.tooltip))
        self.setAccessibleName(toggle_words(row))
        self.update()

    def sizeHint(self) -> QSize:
        return SIZE + QSize(2 * _RING, 2 * _RING)

    def nextCheckState(self) -> None:
        """Nothing moves before the engine has answered."""

    def _show(self) -> None:
        on = self.row is not None and is_on(self.row)
        if self.isChecked() is not on:
            self.setChecked(on)

    def _on_toggled(self, checked: bool) -> None:
        if self.row is not None and checked is not is_on(self.row):
            self._show()
            self._ask()

    def _ask(self) -> None:
        if self.row is None:
            return
        if is_on(self.row):
            self.pause_wanted.emit()
            return
        menu = LaunchMenu(self.row, self._clock, self)
        menu.chosen.connect(self.launch_wanted)
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hovered = True
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: object) -> None:
        self._hovered = False
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.row is None:
            return
        box = QRectF(0, 0, SIZE.width(), SIZE.height())
        box.moveCenter(QRectF(self.rect()).center())
        paint_toggle(
            QPainter(self),
            box,
            self.row,
            enabled=self.isEnabled(),
            hovered=self._hovered,
            focused=self.hasFocus(),
            mirrored=self.layoutDirection() is Qt.LayoutDirection.RightToLeft,
        )


class LaunchMenu(QMenu):
    """Asks when a sequence should begin. `chosen`: (aware UTC or None, at once). Gone once closed."""

    chosen = Signal(object, bool)

    def __init__(self, row: SequenceRow, clock: Clock, parent: QWidget) -> None:
        super().__init__(parent)
        self._row, self._clock, self._host = row, clock, parent
        self.setAccessibleName(f"Start {plain(row.name, NAME_LENGTH)}")
        again = row.status is SequenceStatus.PAUSED
        verb = "Go on" if again else "Start"
        self.soon = self.addAction(f"{verb} in about {round(AUTO_START_S / 60)} minutes")
        self.now = self.addAction(f"{verb} now")
        self.at = self.addAction("At a time…")
        self.soon.triggered.connect(lambda: self.chosen.emit(None, False))
        self.now.triggered.connect(lambda: self.chosen.emit(None, True))
        self.at.triggered.connect(self._on_at)
        self.aboutToHide.connect(self.deleteLater)

    def _on_at(self) -> None:
        asked = StartAt(self._row.name, self._clock, self._host.window())
        # The menu is gone by the time the dialog ends, its listeners are not.
        chosen = self.chosen
        asked.chosen.connect(lambda at: chosen.emit(at, False))
        self.aboutToHide.disconnect(self.deleteLater)
        asked.finished.connect(lambda code: self.deleteLater())
        asked.open()


class StartAt(QDialog):
    """Asks for the moment a sequence should begin, in the person's own time. `chosen` carries it in UTC."""

    chosen = Signal(object)

    def __init__(self, name: str, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Start at a time")
        self.setMinimumWidth(theme.scaled(380))
        page = column(self, margin=Space.L, gap=Space.M)
        page.addWidget(Elided(f"Start “{plain(name)}” at", Type.SUBTITLE, strong=True))
        zone = bytes(QTimeZone.systemTimeZoneId().data()).decode()
        begins = (clock() + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
        self.moment = QDateTimeEdit(QDateTime.fromSecsSinceEpoch(round(begins.timestamp())))
        self.moment.setAccessibleName("Start at")
        self.moment.setCalendarPopup(True)
        self.moment.setDisplayFormat("ddd d MMM yyyy  HH:mm")
        self.moment.setMinimumDateTime(QDateTime.fromSecsSinceEpoch(round(clock().timestamp())))
        page.addWidget(self.moment)
        page.addWidget(theme.label(f"Your time, {zone}.", muted=True))
        page.addWidget(theme.label("Mail leaves only inside the sequence's sending window.", muted=True))
        page.addSpacing(Space.S)
        self.go = button("Start then", self._on_go, kind="primary")
        self.go.setDefault(True)
        keep = button("Cancel", self.reject)
        row = line()
        row.addStretch(1)
        row.addWidget(keep)
        row.addWidget(self.go)
        page.addLayout(row)

    def _on_go(self) -> None:
        at = datetime.fromtimestamp(self.moment.dateTime().toSecsSinceEpoch(), UTC)
        self.chosen.emit(max(at, self._clock()))
        self.accept()
