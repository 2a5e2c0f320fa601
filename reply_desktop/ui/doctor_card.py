"""The doctor in the window: what works, what does not, how to mend it, and a report to hand on."""

import platform
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QWidget

from reply_desktop import __version__
from reply_desktop.channel.messages import DoctorReport, RunDoctor
from reply_desktop.config import APP_NAME
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.notification import plain
from reply_desktop.domain.rows import DoctorRow
from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.controls import button, clear, column, line, wrapped
from reply_desktop.ui.page import Card
from reply_desktop.ui.theme import Space
from reply_desktop.ui.words import Clock, count, exact, utc_now


class DoctorCard(Card):
    """Runs the engine's doctor and adds what only the window sees (`own`)."""

    def __init__(
        self, bridge: Bridge, own: Callable[[], Sequence[DoctorRow]], clock: Clock = utc_now
    ) -> None:
        super().__init__("Doctor", "Looks at vault, network, clock, database, providers and this desktop.")
        self._bridge, self._own, self._clock = bridge, own, clock
        self.rows: tuple[DoctorRow, ...] = ()
        self.run = button("Run the checks", self._on_run, icon="shield")
        self.copy = button("Copy report", self._on_copy, icon="copy")
        self.copy.hide()
        row = line()
        row.addWidget(self.run)
        row.addWidget(self.copy)
        row.addStretch(1)
        self._found = QWidget()
        self._lines = column(self._found, gap=Space.S)
        self._found.hide()
        self.body.addLayout(row)
        self.tell("")
        self.body.addWidget(self._found)

    def _on_run(self) -> None:
        self.run.setEnabled(False)
        self.tell("Looking…")
        self._bridge.ask(RunDoctor(), self._on_report, self._on_failed)

    def _on_failed(self, error: ReplyDesktopError) -> None:
        self.show_rows(self._own())
        self.refused(error)

    def _on_report(self, report: DoctorReport) -> None:
        self.show_rows((*report.rows, *self._own()))

    def show_rows(self, rows: Sequence[DoctorRow]) -> None:
        """Show these findings, the bad ones first."""
        self.run.setEnabled(True)
        self.run.setText("Run again")
        self.rows = tuple(sorted(rows, key=lambda row: (row.ok, not row.required)))
        clear(self._lines)
        for row in self.rows:
            self._lines.addWidget(_finding(row))
        self._found.setVisible(bool(rows))
        self.copy.setVisible(bool(rows))
        bad = [row for row in rows if not row.ok]
        if not bad:
            self.tell("Everything works.", "green")
        else:
            self.tell(
                f"{count(len(bad), 'thing')} to look at.",
                "red" if any(row.required for row in bad) else "orange",
            )

    def report(self) -> str:
        """All findings as text, without any secret."""
        head = f"{APP_NAME} {__version__} on {platform.platform()}, Python {platform.python_version()}"
        lines = [head, exact(self._clock()), ""]
        for row in self.rows:
            mark = "ok  " if row.ok else "BAD " if row.required else "note"
            fix = f" Fix: {plain(row.fix)}" if row.fix and not row.ok else ""
            lines.append(f"[{mark}] {plain(row.name)}: {plain(row.finding)}{fix}")
        return "\n".join(lines) + "\n"

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report())
        self.copy.setText("Copied")


def _finding(row: DoctorRow) -> QWidget:
    made = QWidget()
    tone = "green" if row.ok else "red" if row.required else "orange"
    mark = QLabel()
    icons.put_icon(mark, "check" if row.ok else "warning", f"{tone}.ink")
    words = column(gap=0)
    title = theme.label(row.name[:1].upper() + row.name[1:], strong=True)
    words.addWidget(title)
    finding = plain(row.finding)
    words.addWidget(wrapped(finding[:1].upper() + finding[1:], muted=True))
    if row.fix and not row.ok:
        words.addWidget(wrapped(plain(row.fix)))
    cells = line(made, gap=Space.M)
    cells.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
    cells.addLayout(words, 1)
    works = "works" if row.ok else "does not work"
    made.setAccessibleName(f"{row.name} {works}: {plain(row.finding)}")
    return made
