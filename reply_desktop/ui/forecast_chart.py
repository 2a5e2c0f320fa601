"""What the next 24 hours bring: mails expected per hour and account, drawn as bars and told as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetrics,
    QHelpEvent,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QToolTip,
    QWidget,
)

from reply_desktop.channel.messages import GetForecast
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.events import ProspectsChanged, SequencesChanged
from reply_desktop.domain.notification import plain
from reply_desktop.domain.sequence_rows import Forecast, SequenceDetail
from reply_desktop.ui import theme
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.controls import Disclosure, Flow, Note, column, line, tip_text, wrapped
from reply_desktop.ui.page import Tall, scrolled
from reply_desktop.ui.table_style import style_small
from reply_desktop.ui.theme import Space, Type, label
from reply_desktop.ui.words import Clock, count, few, moment, span

NAMED: Final = 6
"""Accounts drawn in a shade of their own; the rest are put together."""
HOURS: Final = 24
REFRESH_MS: Final = 60_000
SOON_MS: Final = 2_000
_TALL: Final = 220
_STEPS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
_OTHERS: Final = "Other accounts"
_LIGHT: Final = ("#2558d4", "#e08a00", "#1f9d55", "#8a4fd0", "#c2417c", "#0f8b9a", "#8590a0")
_DARK: Final = ("#6d9bff", "#f0a63a", "#45c07a", "#b48cf2", "#ef7fb0", "#4cc3d1", "#8d96a5")


@dataclass(frozen=True, slots=True)
class Bars:
    """A forecast made ready to draw: for each hour, how many mails of each of the `accounts`."""

    begins: tuple[datetime, ...]
    accounts: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def total(self, hour: int) -> int:
        """All mails of an hour."""
        return sum(self.counts[hour])

    @property
    def most(self) -> int:
        """The highest bar."""
        return max((self.total(hour) for hour in range(len(self.begins))), default=0)


def bars_of(forecast: Forecast) -> Bars:
    """The bars of a forecast. Accounts with most mail first; beyond `NAMED` they are put together."""
    sums: dict[str, int] = {}
    for cell in forecast.cells:
        sums[cell.account] = sums.get(cell.account, 0) + cell.count
    ordered = sorted(sums, key=lambda one: (-sums[one], one))
    named = ordered if len(ordered) <= NAMED + 1 else ordered[:NAMED]
    accounts = tuple(named) if len(named) == len(ordered) else (*named, _OTHERS)
    begins = tuple(forecast.begins_at + timedelta(hours=hour) for hour in range(forecast.hours))
    table = [[0] * len(accounts) for _ in begins]
    place = {account: at for at, account in enumerate(accounts)}
    for cell in forecast.cells:
        hour = int((cell.at - forecast.begins_at).total_seconds() // 3600)
        if 0 <= hour < len(begins):
            table[hour][place.get(cell.account, len(accounts) - 1)] += cell.count
    return Bars(begins, accounts, tuple(tuple(row) for row in table))


def forecast_words(forecast: Forecast, detail: SequenceDetail | None, now: datetime) -> list[str]:
    """What a person would want to know besides the bars: late, held and what does not fit, one line each."""
    whole = sum(cell.count for cell in forecast.cells)
    told = [f"{count(whole, 'mail')} expected in the next {forecast.hours} h."]
    if forecast.late:
        over = ""
        if forecast.late_until is not None:
            over = f" over the next {span(max(60.0, (forecast.late_until - now).total_seconds()))}"
        verb = "leaves" if forecast.late == 1 else "leave"
        told.append(f"{count(forecast.late, 'late mail')} {verb}{over}.")
    if forecast.held:
        out = [one.address for one in detail.senders if one.waiting] if detail else []
        verb = "waits" if forecast.held == 1 else "wait"
        told.append(
            f"{count(forecast.held, 'mail')} {verb} for {few(out) if out else 'an account that is out'}."
        )
    if forecast.beyond:
        verb = "is" if forecast.beyond == 1 else "are"
        told.append(
            f"{count(forecast.beyond, 'more mail')} {verb} due by then, but limits and the sending window "
            f"put {'it' if forecast.beyond == 1 else 'them'} off."
        )
    return told


def hour_words(bars: Bars, hour: int) -> str:
    """One hour in words: “14:00 to 15:00: 13 mails\\nana@…: 9”."""
    begins = bars.begins[hour].astimezone()
    told = [f"{begins:%H:%M} to {begins + timedelta(hours=1):%H:%M}: {count(bars.total(hour), 'mail')}"]
    told += [
        f"{plain(account, 60)}: {number:,}"
        for account, number in zip(bars.accounts, bars.counts[hour], strict=True)
        if number
    ]
    return "\n".join(told)


def _step(most: int) -> int:
    """The distance of grid lines, so that there are at most five."""
    return next((step for step in _STEPS if most <= step * 5), most)


class ForecastChart(QWidget):
    """The bars. Arrow keys go from hour to hour; what is under the pointer is told in a tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self._bars: Bars | None = None
        self._now: datetime | None = None
        self.hour = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Mails expected per hour")
        self.setMouseTracking(True)
        theme.theme().changed.connect(self.update)

    def put(self, bars: Bars, told: Sequence[str], now: datetime) -> None:
        """Show these bars; `told` is what a screen reader says of the whole."""
        self._bars, self._now = bars, now
        self.hour = min(self.hour, len(bars.begins) - 1)
        busiest = max(range(len(bars.begins)), key=bars.total, default=-1)
        peak = f" The most in one hour: {hour_words(bars, busiest)}." if bars.most else ""
        self.setAccessibleDescription(f"{' '.join(told)}{peak} The table below has every hour.")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(480, theme.scaled(_TALL))

    def shade(self, account: int) -> QColor:
        """The colour of an account's part of the bars."""
        shades = _DARK if theme.colors() is theme.DARK else _LIGHT
        return QColor(shades[account % len(shades)])

    def _frame(self) -> QRectF:
        metrics = QFontMetrics(theme.theme().font(Type.CAPTION))
        left = metrics.horizontalAdvance("0,000") + Space.S
        bottom = metrics.height() + Space.S
        return QRectF(left, Space.S, self.width() - left - Space.S, self.height() - bottom - Space.S)

    def hour_at(self, where: QPoint) -> int:
        """The hour whose column lies there, or -1."""
        frame = self._frame()
        if self._bars is None or not self._bars.begins or not frame.left() <= where.x() < frame.right():
            return -1
        return int((where.x() - frame.left()) / (frame.width() / len(self._bars.begins)))

    def paintEvent(self, event: QPaintEvent) -> None:
        bars, used, frame = self._bars, theme.colors(), self._frame()
        if bars is None or not bars.begins:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = theme.theme().font(Type.CAPTION)
        painter.setFont(font)
        step = _step(bars.most)
        top = max(step, -(-bars.most // step) * step)
        trailing = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value in range(0, top + 1, step):
            y = frame.bottom() - frame.height() * value / top
            painter.setPen(QPen(QColor(used.outline if value == 0 else used.border), 1))
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
            painter.setPen(QColor(used.muted))
            painter.drawText(QRectF(0, y - 10, frame.left() - Space.XS, 20), int(trailing), f"{value:,}")
        wide = frame.width() / len(bars.begins)
        for hour in range(len(bars.begins)):
            left = frame.left() + hour * wide
            if hour == self.hour:
                painter.fillRect(QRectF(left, frame.top(), wide, frame.height()), QColor(used.hover))
                if self.hasFocus():
                    painter.setPen(QPen(QColor(used.focus), 1.5))
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.drawRoundedRect(QRectF(left, frame.top(), wide, frame.height()), 3, 3)
            self._bar(painter, bars, hour, QRectF(left + wide * 0.15, 0, wide * 0.7, 0), frame, top)
        self._hours(painter, bars, frame, wide)

    def _bar(self, painter: QPainter, bars: Bars, hour: int, across: QRectF, frame: QRectF, top: int) -> None:
        base = frame.bottom()
        painter.setPen(Qt.PenStyle.NoPen)
        for account, number in enumerate(bars.counts[hour]):
            if number:
                tall = frame.height() * number / top
                painter.setBrush(self.shade(account))
                part = QRectF(across.left(), base - tall, across.width(), max(1.5, tall - 1))
                painter.drawRoundedRect(part, 2, 2)
                base -= tall

    def _hours(self, painter: QPainter, bars: Bars, frame: QRectF, wide: float) -> None:
        painter.setPen(QColor(theme.colors().muted))
        room = painter.fontMetrics().horizontalAdvance("00:00") + Space.M
        every = max(1, -(-room // max(1, int(wide))))
        for hour in range(0, len(bars.begins), every):
            middle = frame.left() + (hour + 0.5) * wide
            place = QRectF(middle - room / 2, frame.bottom() + Space.XS, room, painter.fontMetrics().height())
            painter.drawText(
                place, int(Qt.AlignmentFlag.AlignCenter), f"{bars.begins[hour].astimezone():%H:%M}"
            )

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            hour = self.hour_at(event.pos())
            told = hour_words(self._bars, hour) if self._bars is not None and hour >= 0 else ""
            QToolTip.showText(event.globalPos(), tip_text(told), self)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        by = steps.get(Qt.Key(event.key()))
        if by is None or self._bars is None or not self._bars.begins:
            super().keyPressEvent(event)
            return
        self.hour = (self.hour + by) % len(self._bars.begins)
        self.update()
        middle = self._frame().left() + (self.hour + 0.5) * self._frame().width() / len(self._bars.begins)
        QToolTip.showText(
            self.mapToGlobal(QPoint(int(middle), Space.S)), tip_text(hour_words(self._bars, self.hour)), self
        )

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self.hour < 0:
            self.hour = 0
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.hour = -1
        self.update()


class Legend(QWidget):
    """Which colour is which account."""

    def __init__(self, chart: ForecastChart) -> None:
        super().__init__()
        self._chart = chart
        self._accounts: tuple[str, ...] = ()
        self._row = Flow(self, Space.L)
        theme.theme().changed.connect(self._restyle)

    def _restyle(self) -> None:
        self.put(self._accounts)

    def put(self, accounts: tuple[str, ...]) -> None:
        """Name these accounts in the order of their shades."""
        self._accounts = accounts
        while (item := self._row.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for at, account in enumerate(accounts):
            entry = QWidget()
            words = line(entry, gap=Space.XS)
            mark = QLabel()
            mark.setFixedSize(10, 10)
            mark.setStyleSheet(f"background: {self._chart.shade(at).name()}; border-radius: 2px;")
            words.addWidget(mark)
            words.addWidget(label(plain(account, 60), Type.CAPTION, muted=True))
            self._row.addWidget(entry)


class ForecastTab(QWidget):
    """The forecast of one sequence, asked for anew while it is in view."""

    def __init__(self, bridge: Bridge, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._clock = bridge, clock
        self._detail: SequenceDetail | None = None
        self._build()
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self.ask)
        self._often = QTimer(self, interval=REFRESH_MS)
        self._often.timeout.connect(self.ask)
        bridge.sequences_changed.connect(self._on_sequences)
        bridge.prospects_changed.connect(self._on_prospects)
        bridge.engine_changed.connect(self._on_engine)

    def _build(self) -> None:
        inside = Tall()
        lines = column(inside, margin=Space.L, gap=Space.M)
        lines.addWidget(label("Next 24 hours", Type.SUBTITLE, strong=True))
        self.words = wrapped("")
        lines.addWidget(self.words)
        self.note = Note()
        self.note.hide()
        lines.addWidget(self.note)
        card = QFrame()
        card.setProperty("card", True)
        drawn = column(card, margin=Space.L, gap=Space.M)
        self.chart = ForecastChart()
        self.legend = Legend(self.chart)
        drawn.addWidget(self.chart)
        drawn.addWidget(self.legend)
        lines.addWidget(card)
        self.zone = label("", Type.CAPTION, muted=True)
        lines.addWidget(self.zone)
        self.table = QTableWidget(0, 0)
        self.table.setAccessibleName("Mails expected per hour and account")
        style_small(self.table)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.setMinimumHeight(theme.scaled(240))
        self.as_table = Disclosure("Every hour as a table", self.table)
        lines.addWidget(self.as_table)
        lines.addStretch(1)
        column(self, gap=0).addWidget(scrolled(inside, "Forecast"))

    def put(self, detail: SequenceDetail) -> None:
        """The sequence was read."""
        self._detail = detail
        self.ask()

    def open_sequence(self, sequence_id: str) -> None:
        """Another sequence is opened; "" before the first. What is known of the one before goes."""
        self._detail = None
        self._soon.stop()
        self.words.setText("")
        self.note.hide()
        self._show(Forecast(self._clock(), HOURS, (), 0, None, 0, 0))

    def ask(self) -> None:
        """Ask for the forecast, if it is in view."""
        self._soon.stop()
        running = self._bridge.engine is EngineState.RUNNING
        if self._detail is not None and running and self.isVisible():
            self._bridge.ask(
                GetForecast(self._detail.row.id, HOURS), self._on_forecast, self._on_failed, owner=self
            )

    def _on_sequences(self, event: SequencesChanged) -> None:
        if self._detail is not None and any(row.id == self._detail.row.id for row in event.rows):
            self._ask_soon()

    def _on_prospects(self, event: ProspectsChanged) -> None:
        if self._detail is not None and event.sequence_id == self._detail.row.id:
            self._ask_soon()

    def _on_engine(self, state: EngineState) -> None:
        self.ask()

    def _ask_soon(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _on_forecast(self, forecast: Forecast) -> None:
        self.note.hide()
        self.words.setText(" ".join(self._show(forecast)))

    def _show(self, forecast: Forecast) -> list[str]:
        now = self._clock()
        bars = bars_of(forecast)
        told = forecast_words(forecast, self._detail, now)
        self.chart.put(bars, told, now)
        self.legend.put(bars.accounts)
        zone = now.astimezone().tzname() or "local time"
        self.zone.setText(f"Hours in your time ({zone}). As of {moment(now, now)}.")
        self._fill(bars)
        return told

    def _fill(self, bars: Bars) -> None:
        self.table.setColumnCount(len(bars.accounts) + 2)
        self.table.setRowCount(len(bars.begins))
        self.table.setHorizontalHeaderLabels(["Hour", "All", *(plain(one, 60) for one in bars.accounts)])
        for hour, begins in enumerate(bars.begins):
            numbers = (bars.total(hour), *bars.counts[hour])
            for at, text in enumerate((f"{begins.astimezone():%H:%M}", *(f"{one:,}" for one in numbers))):
                self.table.setItem(hour, at, QTableWidgetItem(text))

    def _on_failed(self, error: ReplyDesktopError) -> None:
        self.note.put(plain(str(error)), "red")
        self.note.show()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._often.start()
        self.ask()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._often.stop()
