"""The bell's panel: every notification, unread first, then the newest; read on page by page."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QLabel, QWidget

from reply_desktop.channel.messages import (
    GetSettings,
    ListNotifications,
    MarkRead,
    NotificationList,
    SettingValues,
)
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.events import NotificationRaised, NotificationWithdrawn
from reply_desktop.domain.preferences import EMAIL_TO
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.ui import icons, theme, words
from reply_desktop.ui.bell_entries import Block, Entry, Together, blocks
from reply_desktop.ui.bridge import Bridge, Pending
from reply_desktop.ui.controls import button, column, hairline, line, wrapped
from reply_desktop.ui.overlay import Overlay
from reply_desktop.ui.page import Tall, scrolled
from reply_desktop.ui.theme import Space, Type

PAGE: Final = 50
"""Entries asked for at once."""
PAGES_UNASKED: Final = 5
"""Pages read without being asked, so that old unread entries come to the top and groups are whole."""
SHOWN: Final = 30
"""Places laid out at once: each costs about ten milliseconds, and five are in view."""
SIZE: Final = QSize(420, 520)
"""Size of the panel, in device-independent pixels."""
REFRESH_MS: Final = 30_000
"""Between refreshes of “3 min ago” while the panel is open, in milliseconds."""


class BellPanel(Overlay):
    """The entries: unread first, then by time. Up and Down walk through them, Escape closes.

    Details leads to the log of a sequence that tells of the same (`log_asked`: its id, the entry's key), else
    to the account or to what has this key (`fault_asked`). `notifications_asked`: to where e-mail is set up.
    """

    account_asked = Signal(str)
    fault_asked = Signal(str)
    log_asked = Signal(str, str)
    notifications_asked = Signal()

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
        self._entries: dict[str, Entry | Together] = {}
        self._reading: Pending | None = None
        self._pages = 0
        self._most = SHOWN
        self._more_to_read = False
        self.setAccessibleName("Notifications")
        self._title = theme.label("Notifications", Type.SUBTITLE, strong=True)
        self._mark_all = button("Mark all read", self._on_mark_all, kind="link")
        self._older = button("Show older", self._on_older, kind="quiet")
        self.mail = button("Also by e-mail? Give your address", self._on_mail, kind="link", icon="mail")
        self._trouble = wrapped(muted=True)
        self._empty = _empty()
        self._empty.hide()
        self._mark_all.setEnabled(False)
        self._list = column(gap=0)
        self._build()
        self._refresh = QTimer(self, interval=REFRESH_MS)
        self._refresh.timeout.connect(self._show_again)
        bridge.notification_raised.connect(self._on_raised)
        bridge.notification_withdrawn.connect(self._on_withdrawn)

    def open(self) -> None:
        """Show the panel with what is new."""
        self._rows.clear()
        self._pages, self._most = 0, SHOWN
        self._read_page()
        self._bridge.ask(GetSettings((EMAIL_TO,)), self._on_settings, self._on_trouble)
        super().open()
        self._refresh.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing ticks while nobody looks."""
        self._refresh.stop()
        super().hideEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and Down go from entry to entry, where buttons would go to whatever comes next."""
        # The application sends all its events here while the panel is open, and most are of no interest.
        if (
            event.type() is QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and watched in self._focusable()
        ):
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
            if (step := steps.get(Qt.Key(event.key()))) is not None:
                self._walk(step)
                return True
        return super().eventFilter(watched, event)

    def _focusable(self) -> list[QObject]:
        inside = [one for entry in self._entries.values() for one in entry.buttons()]
        return [self, self._mark_all, self._older, self.mail, *inside]

    # Reading

    def _read_page(self) -> None:
        oldest = min((row.at for row in self._rows.values()), default=None)
        self._older.setEnabled(False)
        if self._reading is not None:
            self._reading.cancel()
        self._reading = self._bridge.ask(ListNotifications(PAGE, oldest), self._on_page, self._on_trouble)

    def _on_page(self, page: NotificationList) -> None:
        fresh = [row for row in page.rows if row.id not in self._rows]
        self._rows.update((row.id, row) for row in fresh)
        self._pages += 1
        self._more_to_read = bool(fresh) and len(page.rows) >= PAGE
        self._trouble.hide()
        unread = sum(not row.read for row in self._rows.values())
        if (
            self._more_to_read
            and self._pages < PAGES_UNASKED
            and (self._unread() > unread or self._is_cut(page))
        ):
            self._read_page()
            if self._pages > 1:
                # Laid out once, when all is there.
                return
        self._show_rows()

    def _on_older(self) -> None:
        self._most += SHOWN
        if self._more_to_read and len(blocks(self._rows.values())) < self._most:
            self._read_page()
        else:
            self._show_rows()

    def _is_cut(self, page: NotificationList) -> bool:
        """Whether the page ends within those raised together."""
        last = page.rows[-1].group
        return bool(last) and sum(row.group == last for row in self._rows.values()) > 1

    def _on_settings(self, answer: SettingValues) -> None:
        self._foot.setVisible(not json.loads(answer.values.get(EMAIL_TO, '""')))

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
            self._rows[row.id] = replace(row, withdrawn=True)
            self._show_again()

    def _on_mark_all(self) -> None:
        self._bridge.ask(MarkRead(), self._on_marked, self._on_trouble)

    def _on_marked(self, _: object) -> None:
        self._mark_read(tuple(self._rows))
        self._mark_all.setEnabled(False)

    def _on_details(self, row: NotificationRow) -> None:
        if not row.read:
            self._on_read((row.id,))
        self.hide()
        if row.sequence_id is not None:
            self.log_asked.emit(row.sequence_id, row.key)
        elif row.account_id is not None:
            self.account_asked.emit(row.account_id)
        else:
            self.fault_asked.emit(row.key)

    def _on_read(self, ids: tuple[str, ...]) -> None:
        self._bridge.ask(MarkRead(ids), lambda _: self._mark_read(ids), self._on_trouble, owner=self)

    def _mark_read(self, ids: tuple[str, ...]) -> None:
        self._rows |= {one: replace(self._rows[one], read=True) for one in ids if one in self._rows}
        self._show_again()

    def _on_mail(self) -> None:
        self.hide()
        self.notifications_asked.emit()

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
        self._area = scrolled(inside, "All notifications")
        whole.addWidget(self._area, 1)
        self._foot = QWidget()
        foot = column(self._foot, gap=0)
        foot.addWidget(hairline())
        ask = line()
        ask.setContentsMargins(Space.L, Space.XS, Space.L, Space.XS)
        ask.addWidget(self.mail)
        ask.addStretch(1)
        foot.addLayout(ask)
        self._foot.hide()
        whole.addWidget(self._foot)

    def _show_rows(self) -> None:
        """Lay the entries out; those that stay keep their widgets, so that focus stays where it is."""
        all_of_them = blocks(self._rows.values())
        shown = {block.key: block for block in all_of_them[: self._most]}
        for gone in self._entries.keys() - shown.keys():
            entry = self._entries.pop(gone)
            if entry.isAncestorOf(self.focusWidget()):
                # Left to Qt the focus could go out of the panel, which would close it.
                self.setFocus(Qt.FocusReason.OtherFocusReason)
            self._list.removeWidget(entry)
            entry.hide()
            entry.deleteLater()
        for place, block in enumerate(shown.values()):
            if block.key not in self._entries:
                self._entries[block.key] = self._made(block)
            entry = self._entries[block.key]
            if self._list.indexOf(entry) != place:
                self._list.insertWidget(place, entry)
            entry.show_block(block, self._clock)
        self._order_focus()
        self._empty.setVisible(not shown)
        self._older.setVisible(self._more_to_read or len(all_of_them) > self._most)
        self._older.setEnabled(True)
        self._mark_all.setEnabled(any(not row.read for row in self._rows.values()))

    def _made(self, block: Block) -> Entry | Together:
        if len(block.rows) == 1:
            return Entry(self._on_details)
        made = Together(self._on_details, self._on_read)
        made.built.connect(self._order_focus)
        return made

    def _order_focus(self) -> None:
        """Have Tab go as the eye does; Qt goes in the order in which things were made."""
        inside = [one for entry in self._shown() for one in entry.stops()]
        for before, after in pairwise((self._mark_all, *inside, self._older, self.mail)):
            QWidget.setTabOrder(before, after)

    def _shown(self) -> list[Entry | Together]:
        items = (self._list.itemAt(number) for number in range(self._list.count()))
        widgets = [item.widget() for item in items if item is not None]
        return [one for one in widgets if isinstance(one, (Entry, Together))]

    def _show_again(self) -> None:
        """Show what changed without moving anything: what was just read must not jump away."""
        for block in blocks(self._rows.values()):
            if (entry := self._entries.get(block.key)) is not None:
                entry.show_block(block, self._clock)

    def _walk(self, step: int) -> None:
        buttons = [one for entry in self._shown() for one in entry.buttons()]
        focused = self.focusWidget()
        at = next((number for number, one in enumerate(buttons) if one is focused), -1)
        if buttons:
            wanted = buttons[max(0, min(at + step, len(buttons) - 1))]
            wanted.setFocus(Qt.FocusReason.TabFocusReason)
            self._area.ensureWidgetVisible(wanted, 0, Space.XXL)


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
