"""The bell's panel: every notification, unread first, then the newest; read on page by page."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QHideEvent, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from reply_desktop.channel.messages import ListNotifications, MarkRead, NotificationList
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.events import NotificationRaised, NotificationWithdrawn
from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.domain.states import State
from reply_desktop.ui import icons, theme, words
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.controls import button, column, hairline, line, wrapped
from reply_desktop.ui.overlay import Overlay
from reply_desktop.ui.page import Tall, scrolled
from reply_desktop.ui.theme import Space, Type

PAGE: Final = 50
"""Entries asked for at once."""
PAGES_FOR_UNREAD: Final = 5
"""Pages read without being asked, so that old unread entries come to the top."""
SIZE: Final = QSize(420, 520)
"""Size of the panel, in device-independent pixels."""
REFRESH_MS: Final = 30_000
"""Between refreshes of “3 min ago” while the panel is open, in milliseconds."""

_STATES: Final = {Severity.CRITICAL: State.EXPIRED, Severity.WARNING: State.AT_RISK}


class BellPanel(Overlay):
    """The entries: unread first, then by time. Up and Down walk through them, Escape closes.

    Details leads to the log of a sequence that tells of the same (`log_asked`: its id, the entry's key), else
    to the account or the app registration.
    """

    account_asked = Signal(str)
    fault_asked = Signal(str)
    log_asked = Signal(str, str)

    def __init__(
        self,
        bridge: Bridge,
        bell: QWidget,
        unread: Callable[[], int],
        *,
        clock: words.Clock = words.utc_now,
    ) -> None:
        super().__init__(bell, SIZE)
        self._bridge, self._unread, self._clock = bridge, unread, clock
        self._rows: dict[str, NotificationRow] = {}
        self._entries: dict[str, _Entry] = {}
        self._pages = 0
        self._more_to_read = False
        self.setAccessibleName("Notifications")
        self._title = theme.label("Notifications", Type.SUBTITLE, strong=True)
        self._mark_all = button("Mark all read", self._on_mark_all, kind="link")
        self._older = button("Show older", self._read_page, kind="quiet")
        self._trouble = wrapped(muted=True)
        self._empty = _empty()
        self._empty.hide()
        self._mark_all.setEnabled(False)
        self._list = column(gap=0)
        self._build()
        self._refresh = QTimer(self, interval=REFRESH_MS)
        self._refresh.timeout.connect(self._refresh_times)
        bridge.notification_raised.connect(self._on_raised)
        bridge.notification_withdrawn.connect(self._on_withdrawn)

    def open(self) -> None:
        """Show the panel with what is new."""
        self._rows.clear()
        self._pages = 0
        self._read_page()
        super().open()
        self._refresh.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing ticks while nobody looks."""
        self._refresh.stop()
        super().hideEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and Down go from entry to entry, where buttons would go to whatever comes next."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() is QEvent.Type.KeyPress
            and watched in self._focusable()
        ):
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
            if (step := steps.get(Qt.Key(event.key()))) is not None:
                self._walk(step)
                return True
        return super().eventFilter(watched, event)

    def _focusable(self) -> list[QObject]:
        return [self, self._mark_all, self._older, *(entry.details for entry in self._entries.values())]

    # Reading

    def _read_page(self) -> None:
        oldest = min((row.at for row in self._rows.values()), default=None)
        self._older.setEnabled(False)
        self._bridge.ask(ListNotifications(PAGE, oldest), self._on_page, self._on_trouble)

    def _on_page(self, page: NotificationList) -> None:
        fresh = [row for row in page.rows if row.id not in self._rows]
        self._rows.update((row.id, row) for row in fresh)
        self._pages += 1
        self._more_to_read = bool(fresh) and len(page.rows) >= PAGE
        self._trouble.hide()
        unread = sum(not row.read for row in self._rows.values())
        self._show_rows()
        if self._more_to_read and self._unread() > unread and self._pages < PAGES_FOR_UNREAD:
            self._read_page()

    def _on_trouble(self, error: ReplyDesktopError) -> None:
        self._trouble.setText(f"{error.what} {error.todo}".strip())
        self._trouble.show()
        self._older.setEnabled(True)

    # Changing

    def _on_raised(self, event: NotificationRaised) -> None:
        if self.isVisible():
            self._rows[event.notification.id] = event.notification
            self._show_rows()

    def _on_withdrawn(self, event: NotificationWithdrawn) -> None:
        if (row := self._rows.get(event.notification_id)) is not None:
            self._put(replace(row, withdrawn=True))

    def _on_mark_all(self) -> None:
        self._bridge.ask(MarkRead(), self._on_marked, self._on_trouble)

    def _on_marked(self, _: object) -> None:
        for key in list(self._rows):
            self._mark_read(key)
        self._mark_all.setEnabled(False)

    def _on_details(self, row: NotificationRow) -> None:
        if not row.read:
            self._bridge.ask(MarkRead((row.id,)), lambda _: self._mark_read(row.id), owner=self)
        self.hide()
        if row.sequence_id is not None:
            self.log_asked.emit(row.sequence_id, row.key)
        elif row.account_id is not None:
            self.account_asked.emit(row.account_id)
        else:
            self.fault_asked.emit(row.key)

    def _put(self, changed: NotificationRow) -> None:
        self._rows[changed.id] = changed
        if (entry := self._entries.get(changed.id)) is not None:
            entry.show_row(changed, self._clock)

    def _mark_read(self, key: str) -> None:
        if (row := self._rows.get(key)) is not None:
            self._put(replace(row, read=True))

    # Showing

    def _build(self) -> None:
        head = line()
        head.setContentsMargins(Space.L, Space.M, Space.S, Space.S)
        head.addWidget(self._title, 1)
        head.addWidget(self._mark_all)
        inside = Tall()
        entries = column(inside, gap=0)
        entries.setContentsMargins(0, 0, 0, Space.S)
        entries.addLayout(self._list)
        entries.addWidget(self._empty, 1)
        entries.addWidget(self._older, 0, Qt.AlignmentFlag.AlignHCenter)
        entries.addStretch(1)
        self._trouble.setContentsMargins(Space.L, 0, Space.L, Space.S)
        self._trouble.hide()
        whole = column(self, margin=1, gap=0)
        whole.addLayout(head)
        whole.addWidget(hairline())
        whole.addWidget(self._trouble)
        whole.addWidget(scrolled(inside, "All notifications"), 1)

    def _show_rows(self) -> None:
        """Lay the entries out; those that stay keep their widgets, so that focus stays where it is."""
        rows = ordered(self._rows.values())
        for gone in self._entries.keys() - self._rows.keys():
            entry = self._entries.pop(gone)
            self._list.removeWidget(entry)
            entry.deleteLater()
        for place, row in enumerate(rows):
            if row.id not in self._entries:
                self._entries[row.id] = _Entry(self._on_details)
            entry = self._entries[row.id]
            if self._list.indexOf(entry) != place:
                self._list.insertWidget(place, entry)
            entry.show_row(row, self._clock)
        self._empty.setVisible(not rows)
        self._older.setVisible(self._more_to_read)
        self._older.setEnabled(True)
        self._mark_all.setEnabled(any(not row.read for row in rows))

    def _refresh_times(self) -> None:
        for key, row in self._rows.items():
            if key in self._entries:
                self._entries[key].show_row(row, self._clock)

    def _walk(self, step: int) -> None:
        buttons = [self._entries[row.id].details for row in ordered(self._rows.values())]
        focused = self.focusWidget()
        at = buttons.index(focused) if focused in buttons else -1
        if buttons:
            buttons[max(0, min(at + step, len(buttons) - 1))].setFocus(Qt.FocusReason.TabFocusReason)


class _Entry(QFrame):
    """One notification. Only Details can be focused; its name says what it is about."""

    def __init__(self, on_details: Callable[[NotificationRow], None]) -> None:
        super().__init__()
        self._row: NotificationRow | None = None
        self._asked = on_details
        self._sign, self._dot = QLabel(), QLabel()
        self._dot.setFixedWidth(Space.S)
        self._title, self._text = wrapped(strong=True), wrapped(muted=True)
        self._when = theme.label(size=Type.CAPTION, muted=True)
        self.details = button("Details", self._on_details, kind="link")
        foot = line()
        foot.addWidget(self._when, 1)
        foot.addWidget(self.details)
        body = column(gap=Space.XXS)
        body.addWidget(self._title)
        body.addWidget(self._text)
        body.addLayout(foot)
        row = line()
        row.setContentsMargins(Space.M, Space.M, Space.M, Space.S)
        top = Qt.AlignmentFlag.AlignTop
        row.addWidget(self._dot, 0, top)
        row.addWidget(self._sign, 0, top)
        row.addLayout(body, 1)
        whole = column(self, gap=0)
        whole.addLayout(row)
        whole.addWidget(hairline())

    def _on_details(self) -> None:
        if self._row is not None:
            self._asked(self._row)

    def show_row(self, row: NotificationRow, clock: words.Clock) -> None:
        """Show the entry as it is now."""
        self._row = row
        when = words.ago(row.at, clock())
        over = row.withdrawn and row.severity is not Severity.INFO
        self._title.setText(row.title)
        self._title.setFont(theme.theme().font(strong=not row.read))
        self._text.setText(row.text)
        self._when.setText(f"{when} · over" if over else when)
        self._when.setToolTip(words.exact(row.at))
        self._sign.setPixmap(_sign(row, over))
        self._dot.setPixmap(QPixmap() if row.read else _dot())
        told = ("" if row.read else "Unread. ") + f"{row.title}. {row.text} {when}." + (" It is over." * over)
        self.setAccessibleName(told)
        self.details.setAccessibleName(f"Details: {row.title}")
        self.details.setAccessibleDescription(told)


def ordered(rows: Iterable[NotificationRow]) -> list[NotificationRow]:
    """Unread first, then the newest first."""
    return sorted(rows, key=lambda row: (not row.read, row.at, row.id), reverse=True)


def _sign(row: NotificationRow, over: bool) -> QPixmap:
    if over:
        return icons.pixmap("check", theme.colors().muted)
    if row.kind is NotificationKind.APP_FAULT:
        return icons.state_pixmap(State.BLOCKED)
    return icons.state_pixmap(_STATES.get(row.severity, State.CONNECTED))


def _dot() -> QPixmap:
    ratio = theme.device_pixel_ratio()
    made = QPixmap(round(Space.S * ratio), round(16 * ratio))
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.colors().accent))
    painter.drawEllipse(QRectF(0, 4.5, 7, 7))
    painter.end()
    return made


def _empty() -> QWidget:
    made = QWidget()
    lines = column(made)
    lines.setContentsMargins(Space.XXL, Space.XXL * 2, Space.XXL, Space.XXL)
    picture = QLabel()
    icons.put_icon(picture, "bell", "muted", 32)
    middle = Qt.AlignmentFlag.AlignHCenter
    lines.addWidget(picture, 0, middle)
    lines.addWidget(theme.label("Nothing to tell", strong=True), 0, middle)
    text = wrapped("When an account needs you, you read it here.", muted=True)
    text.setAlignment(middle)
    lines.addWidget(text)
    return made
