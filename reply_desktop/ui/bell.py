"""The bell: how many notifications are unread; pressing it opens the panel with all of them."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolButton, QWidget

from reply_desktop.channel.messages import GetSummary
from reply_desktop.domain.events import SummaryChanged
from reply_desktop.domain.rows import Summary
from reply_desktop.ui import icons, theme, words
from reply_desktop.ui.bell_panel import BellPanel
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.theme import Space, Type


class Bell(QToolButton):
    """The button with its badge. `account_asked` carries an account's id, `fault_asked` a fault's key.

    `log_asked`: a sequence's id, and the key of the entry in its log. `notifications_asked`: to where e-mail
    is set up.
    """

    account_asked = Signal(str)
    log_asked = Signal(str, str)
    fault_asked = Signal(str)
    notifications_asked = Signal()

    def __init__(
        self, bridge: Bridge, parent: QWidget | None = None, *, clock: words.Clock = words.utc_now
    ) -> None:
        super().__init__(parent)
        self._bridge, self._clock = bridge, clock
        self.unread = 0
        self.panel: BellPanel | None = None
        theme.mark(self, "kind", "icon")
        icons.put_icon(self, "bell", side=20)
        self.setMinimumSize(QSize(theme.CONTROL_HEIGHT + Space.S, theme.CONTROL_HEIGHT))
        self.clicked.connect(self.open_panel)
        bridge.summary_changed.connect(self._on_summary_changed)
        bridge.engine_changed.connect(self._on_engine)
        self._put_unread(0)
        self._on_engine(bridge.engine)

    def open_panel(self) -> None:
        """Show the panel under the bell, or put it away."""
        if self.panel is None:
            self.panel = BellPanel(self._bridge, self, lambda: self.unread, clock=self._clock)
            self.panel.account_asked.connect(self.account_asked)
            self.panel.fault_asked.connect(self.fault_asked)
            self.panel.log_asked.connect(self.log_asked)
            self.panel.notifications_asked.connect(self.notifications_asked)
        if self.panel.isVisible():
            self.panel.dismiss()
        else:
            self.panel.open()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bell, and the badge over its corner."""
        super().paintEvent(event)
        if not self.unread:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = str(self.unread) if self.unread < 100 else "99+"
        font = QFont(theme.theme().font(Type.CAPTION, strong=True))
        font.setPixelSize(10)
        painter.setFont(font)
        width = max(16, painter.fontMetrics().horizontalAdvance(text) + 8)
        left = min(self.width() / 2 + 1, self.width() - width - 1)
        badge = QRectF(left, self.height() / 2 - 14, width, 16)
        painter.setBrush(QColor(theme.LIGHT.red.fill))
        painter.setPen(QPen(QColor(theme.colors().surface), 1.5))
        painter.drawRoundedRect(badge, 8, 8)
        painter.setPen(QColor("#ffffff"))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)

    def _on_engine(self, state: EngineState) -> None:
        if state is EngineState.RUNNING:
            self._bridge.ask(GetSummary(), self._on_summary)

    def _on_summary_changed(self, event: SummaryChanged) -> None:
        self._on_summary(event.summary)

    def _on_summary(self, summary: Summary) -> None:
        self._put_unread(summary.unread)

    def _put_unread(self, unread: int) -> None:
        self.unread = unread
        said = f"Notifications, {unread:,} unread" if unread else "Notifications"
        self.setAccessibleName(said)
        self.setToolTip(said)
        self.update()
