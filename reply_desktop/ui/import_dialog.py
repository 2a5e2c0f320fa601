"""The import of a CSV file: choose or drop it, see how it is read, map its columns, learn what came of it."""

import csv
import io
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Final

from PySide6.QtCore import QMimeData, QSignalBlocker, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QRadioButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from reply_desktop.channel.messages import CancelImport, ImportProspects, ImportStarted, PreviewImport
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.events import ImportProgress
from reply_desktop.domain.merge_field import field_name
from reply_desktop.domain.notification import plain
from reply_desktop.domain.sequence_rows import ImportChoice, ImportPreview, ImportReport, Skipped
from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge, EngineState, Pending
from reply_desktop.ui.controls import Elided, Note, button, column, hairline, line, name_box, wrapped
from reply_desktop.ui.file_dialogs import ask_where_to_save, ask_which_to_open
from reply_desktop.ui.page import Tall, TallStack, scrolled
from reply_desktop.ui.table_style import style_small
from reply_desktop.ui.theme import Space, Type, label
from reply_desktop.ui.words import count

ENCODINGS: Final = (
    ("utf-8", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("windows-1252", "Windows-1252 (Western)"),
    ("iso-8859-2", "ISO 8859-2 (Central European)"),
    ("windows-1251", "Windows-1251 (Cyrillic)"),
    ("mac-roman", "Mac Roman"),
)
DELIMITERS: Final = ((",", "Comma ,"), (";", "Semicolon ;"), ("\t", "Tab"), ("|", "Bar |"))
_BAR: Final = 1000
"""Steps of the progress bar."""
_SAME: Final = {"utf-8-sig": "utf-8", "utf8": "utf-8", "cp1252": "windows-1252"}


class Stage(IntEnum):
    """What the dialog shows."""

    CHOOSE = 0
    MAP = 1
    WORK = 2
    REPORT = 3


def dropped_file(data: QMimeData) -> str | None:
    """The path of the one local file in what is dragged, else None."""
    urls = data.urls() if data.hasUrls() else []
    return urls[0].toLocalFile() if len(urls) == 1 and urls[0].isLocalFile() else None


class FileDrop(QFrame):
    """A place to drop a file on. `dropped` carries its path."""

    dropped = Signal(str)

    def __init__(self, inside: Sequence[QWidget]) -> None:
        super().__init__()
        self._over = False
        self.setAcceptDrops(True)
        self.setMinimumHeight(theme.scaled(180))
        box = column(self, margin=Space.XL, gap=Space.M)
        box.addStretch(1)
        for one in inside:
            box.addWidget(one, 0, Qt.AlignmentFlag.AlignHCenter)
        box.addStretch(1)
        theme.theme().changed.connect(self.update)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Only one file is taken."""
        if dropped_file(event.mimeData()):
            self._over = True
            self.update()
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: object) -> None:
        """Nothing was dropped."""
        self._over = False
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        """A file was dropped."""
        self._over = False
        self.update()
        if path := dropped_file(event.mimeData()):
            event.acceptProposedAction()
            self.dropped.emit(path)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A dashed frame, filled while something hovers over it."""
        used = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(used.selected if self._over else used.window))
        pen = QPen(QColor(used.accent if self._over else used.outline), 1.5)
        pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), 10, 10)


class ColumnsGrid(QWidget):
    """One line for each column of the file: header, samples, whether it is the e-mail, and its merge field.

    `changed` fires when the person chose something.
    """

    changed = Signal()

    def __init__(self, preview: ImportPreview) -> None:
        super().__init__()
        self.names: list[QLineEdit] = []
        self._emails = QButtonGroup(self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(Space.L)
        grid.setVerticalSpacing(Space.S)
        for at, title in enumerate(("Column", "Examples", "E-mail", "Merge field")):
            grid.addWidget(label(title, Type.CAPTION, strong=True, muted=True), 0, at)
        for at, one in enumerate(preview.columns):
            header = plain(one.header, 120) or f"Column {at + 1}"
            grid.addWidget(Elided(header, strong=True), at + 1, 0)
            samples = " · ".join(plain(sample, 60) for sample in one.samples if sample.strip())
            grid.addWidget(Elided(samples or "(empty)", muted=True), at + 1, 1)
            mail = QRadioButton()
            mail.setProperty("bare", True)
            mail.setAccessibleName(f"{header} is the e-mail address")
            mail.setChecked(at == preview.email_column)
            self._emails.addButton(mail, at)
            grid.addWidget(mail, at + 1, 2, Qt.AlignmentFlag.AlignHCenter)
            name = QLineEdit(one.field)
            name.setPlaceholderText("left out")
            name.setAccessibleName(f"Merge field for {header}")
            name.setMaxLength(60)
            name.textChanged.connect(lambda _: self.changed.emit())
            name.editingFinished.connect(lambda name=name: name.setText(field_name(name.text())))
            self.names.append(name)
            grid.addWidget(name, at + 1, 3)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 5)
        grid.setColumnStretch(3, 4)
        self._emails.idToggled.connect(lambda at, on: self._on_email())
        self._on_email()

    def _on_email(self) -> None:
        for at, name in enumerate(self.names):
            name.setEnabled(at != self.email_column)
        self.changed.emit()

    @property
    def email_column(self) -> int | None:
        """Which column holds the addresses."""
        at = self._emails.checkedId()
        return at if at >= 0 else None

    def fields(self) -> dict[int, str]:
        """Column → merge field, without those left out."""
        return {
            at: field_name(name.text())
            for at, name in enumerate(self.names)
            if at != self.email_column and field_name(name.text())
        }

    def trouble(self) -> str:
        """What keeps these columns from being imported; empty when nothing does."""
        if self.email_column is None:
            return "Choose which column holds the e-mail addresses."
        taken = list(self.fields().values())
        twice = next((one for one in taken if taken.count(one) > 1), None)
        return f"Two columns would become {{{{ {twice} }}}}. Rename one, or empty its name." if twice else ""


class ImportDialog(QDialog):
    """Imports one file into a sequence. It belongs to the window and blocks nothing else of the computer."""

    def __init__(self, bridge: Bridge, sequence_id: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._sequence_id = bridge, sequence_id
        self.preview: ImportPreview | None = None
        self.report: ImportReport | None = None
        self._import: str | None = None
        self._given_up = False
        self._early: dict[str, ImportProgress] = {}
        self._asked: Pending | None = None
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Import prospects into “{plain(name, 80)}”")
        self.resize(theme.scaled(760), theme.scaled(560))
        self._build()
        bridge.import_progress.connect(self._on_progress)
        bridge.engine_changed.connect(self._on_engine)

    # Building

    def _build(self) -> None:
        page = column(self, margin=Space.XL, gap=Space.M)
        # Wrapped words would ask for more height than they need.
        page.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)
        self.setMinimumSize(theme.scaled(560), theme.scaled(420))
        self.title = wrapped("", Type.TITLE, strong=True)
        page.addWidget(self.title)
        self.note = Note()
        self.note.hide()
        page.addWidget(self.note)
        self.stack = TallStack()
        for made in (self._choose_page(), self._map_page(), self._work_page(), self._report_page()):
            self.stack.addWidget(made)
        page.addWidget(self.stack, 1)
        page.addWidget(hairline())
        row = line(gap=Space.S)
        self.other_button = button("Another file…", self._on_choose)
        self.cancel_button = button("Cancel", self._on_cancel)
        self.go_button = button("Import", self._on_go, kind="primary", icon="import")
        row.addWidget(self.other_button)
        row.addStretch(1)
        row.addWidget(self.cancel_button)
        row.addWidget(self.go_button)
        page.addLayout(row)
        self._show(Stage.CHOOSE)

    def _choose_page(self) -> QWidget:
        mark = QLabel()
        icons.put_icon(mark, "import", "muted", 28)
        self.choose_button = button("Choose a file…", self._on_choose, kind="primary")
        self.drop = FileDrop((mark, label("Drop a CSV file here"), self.choose_button))
        self.drop.dropped.connect(self.take)
        made = QWidget()
        lines = column(made, gap=Space.M)
        lines.addWidget(
            wrapped(
                "One line for each prospect. Any delimiter and the usual encodings are understood. Nothing "
                "is imported before you have seen how the file is read.",
                muted=True,
            )
        )
        lines.addWidget(self.drop, 1)
        return made

    def _map_page(self) -> QWidget:
        made = QWidget()
        lines = column(made, gap=Space.M)
        self.file = Elided("", strong=True, mode=Qt.TextElideMode.ElideMiddle)
        lines.addWidget(self.file)
        row = line(gap=Space.S)
        self.encoding, self.delimiter = QComboBox(), QComboBox()
        for combo, name, items in (
            (self.encoding, "Encoding", ENCODINGS),
            (self.delimiter, "Delimiter", DELIMITERS),
        ):
            name_box(combo, name)
            for value, words in items:
                combo.addItem(words, value)
            combo.activated.connect(self._on_reading)
            row.addWidget(label(name, muted=True))
            row.addWidget(combo)
        row.addStretch(1)
        self.rows = label("", muted=True)
        row.addWidget(self.rows)
        lines.addLayout(row)
        lines.addWidget(
            wrapped(
                "Each column becomes a merge field under the name given here. Empty the name to leave a "
                "column out.",
                Type.CAPTION,
                muted=True,
            )
        )
        self._inside = Tall()
        self._grid_box: QVBoxLayout = column(self._inside)
        self._grid_box.setContentsMargins(0, 0, Space.M, 0)
        lines.addWidget(scrolled(self._inside, "Columns of the file"), 1)
        self.grid: ColumnsGrid | None = None
        return made

    def _work_page(self) -> QWidget:
        made = QWidget()
        lines = column(made, gap=Space.M)
        lines.addStretch(1)
        self.progress_words = wrapped("")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the import")
        lines.addWidget(self.progress_words)
        lines.addWidget(self.bar)
        lines.addWidget(
            wrapped(
                "All lines are taken over together at the end: until then cancelling leaves nothing behind.",
                Type.CAPTION,
                muted=True,
            )
        )
        lines.addStretch(2)
        return made

    def _report_page(self) -> QWidget:
        made = QWidget()
        lines = column(made, gap=Space.M)
        self.counts = wrapped("")
        lines.addWidget(self.counts)
        self.skipped_title = label("", strong=True)
        lines.addWidget(self.skipped_title)
        self.skipped = QTableWidget(0, 3)
        self.skipped.setAccessibleName("Lines that were skipped, and why")
        self.skipped.setHorizontalHeaderLabels(["Line", "Value", "Why"])
        style_small(self.skipped)
        self.skipped.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.skipped.horizontalHeader().setStretchLastSection(True)
        self.skipped.setColumnWidth(0, theme.scaled(64))
        self.skipped.setColumnWidth(1, theme.scaled(240))
        lines.addWidget(self.skipped, 1)
        row = line()
        self.copy_button = button("Copy the list", self._on_copy, icon="copy")
        self.save_button = button("Save the list…", self._on_save, icon="export")
        row.addWidget(self.copy_button)
        row.addWidget(self.save_button)
        row.addStretch(1)
        lines.addLayout(row)
        lines.addStretch(0)
        return made

    # Stages

    @property
    def stage(self) -> Stage:
        """What is shown."""
        return Stage(self.stack.currentIndex())

    def _show(self, stage: Stage) -> None:
        self.stack.setCurrentIndex(stage)
        titles = {
            Stage.CHOOSE: "Which file?",
            Stage.MAP: "How the file is read",
            Stage.WORK: "Importing…",
            Stage.REPORT: "Imported",
        }
        self.title.setText(titles[stage])
        self.other_button.setVisible(stage is Stage.MAP)
        self.go_button.setVisible(stage is Stage.MAP)
        self.cancel_button.setEnabled(True)
        self.cancel_button.setText("Close" if stage is Stage.REPORT else "Cancel")
        first = {
            Stage.CHOOSE: self.choose_button,
            Stage.MAP: self.go_button,
            Stage.WORK: self.cancel_button,
            Stage.REPORT: self.cancel_button,
        }[stage]
        first.setFocus()

    def _on_choose(self) -> None:
        ask_which_to_open(self, "Import prospects from", self.take)

    def take(self, path: str) -> None:
        """Look how this file would be read."""
        self._ask_preview(PreviewImport(path))

    def _on_reading(self) -> None:
        if self.preview is not None:
            self._ask_preview(
                PreviewImport(self.preview.path, self.encoding.currentData(), self.delimiter.currentData())
            )

    def _ask_preview(self, request: PreviewImport) -> None:
        if self._asked is not None:
            self._asked.cancel()
        self.tell("Reading…")
        self._asked = self._bridge.ask(request, self._on_preview, self.refused, owner=self)

    def _on_preview(self, preview: ImportPreview) -> None:
        self._asked = None
        self.preview = preview
        self.tell("")
        self.file.setText(preview.path)
        rows = count(preview.rows, "line")
        self.rows.setText(rows if preview.rows_exact else f"about {rows}")
        _choose(self.encoding, _SAME.get(preview.encoding.lower(), preview.encoding))
        _choose(self.delimiter, preview.delimiter)
        if self.grid is not None:
            self.grid.deleteLater()
        self.grid = ColumnsGrid(preview)
        self.grid.changed.connect(self._check)
        while self._grid_box.count():
            self._grid_box.takeAt(0)
        self._grid_box.addWidget(self.grid)
        self._grid_box.addStretch(1)
        self._show(Stage.MAP)
        self._check()

    def _check(self) -> None:
        trouble = self.grid.trouble() if self.grid else ""
        empty = self.preview is not None and self.preview.rows == 0
        self.tell(trouble or ("There is no line to import in this file." if empty else ""), "orange")
        running = self._bridge.engine is EngineState.RUNNING
        self.go_button.setEnabled(not trouble and not empty and running)

    def _on_go(self) -> None:
        if self.preview is None or self.grid is None or self.grid.email_column is None:
            return
        choice = ImportChoice(
            self.grid.email_column,
            self.grid.fields(),
            self.encoding.currentData(),
            self.delimiter.currentData(),
        )
        self.tell("")
        self._early.clear()
        self._given_up = False
        self.bar.setRange(0, 0)
        self.progress_words.setText("Starting…")
        self._show(Stage.WORK)
        request = ImportProspects(self._sequence_id, self.preview.path, choice)
        self._bridge.ask(request, self._on_started, self._on_failed, owner=self)

    def _on_started(self, started: ImportStarted) -> None:
        self._import = started.import_id
        if self._given_up:
            self._on_cancel()
        if early := self._early.pop(started.import_id, None):
            self._on_progress(early)

    def _on_progress(self, event: ImportProgress) -> None:
        if self.stage is not Stage.WORK:
            return
        if self._import is None:
            # The first steps can overtake the answer that names the import.
            self._early = {event.import_id: event}
        elif event.import_id == self._import:
            if event.error is not None:
                self._import = None
                self._show(Stage.MAP)
                self.tell(plain(event.error, 600), "red")
            elif event.report is not None:
                self._import = None
                self._show_report(event.report)
            elif not self._given_up:
                self.bar.setRange(0, _BAR)
                self.bar.setValue(round(event.share * _BAR))
                self.progress_words.setText(event.words)

    def _on_failed(self, error: ReplyDesktopError) -> None:
        self._import = None
        self._show(Stage.MAP)
        self.refused(error)

    def _on_cancel(self) -> None:
        if self.stage is Stage.WORK:
            self._given_up = True
            self.cancel_button.setEnabled(False)
            self.progress_words.setText("Cancelling…")
            if self._import is not None:
                self._bridge.ask(CancelImport(self._import), failed=lambda error: None)
        else:
            self.accept() if self.stage is Stage.REPORT else self.reject()

    def reject(self) -> None:
        """Escape cancels what runs, and closes otherwise."""
        if self.stage is Stage.WORK:
            self._on_cancel()
        else:
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.stage is Stage.WORK:
            self._on_cancel()
            event.ignore()
        else:
            super().closeEvent(event)

    def _on_engine(self, state: EngineState) -> None:
        if state is EngineState.RUNNING:
            if self.stage is Stage.MAP:
                self._check()
        elif self.stage is Stage.WORK:
            self._import = None
            self._show(Stage.MAP)
            self.tell(
                "The background service stopped during the import. It takes over all lines or none: look at "
                "the list before you try again.",
                "red",
            )
            self.go_button.setEnabled(False)
        else:
            self.go_button.setEnabled(False)

    # Report

    def _show_report(self, report: ImportReport) -> None:
        self.report = report
        self._show(Stage.REPORT)
        if report.cancelled:
            self.title.setText("Cancelled")
            self.counts.setText("Nothing was imported.")
        else:
            self.title.setText(f"{count(report.enrolled, 'prospect')} imported")
            self.counts.setText("\n".join(report_words(report)))
        left_out = report.already + report.repeated + report.invalid + report.suppressed
        more = left_out > len(report.skipped)
        title = (
            f"Skipped lines (the first {len(report.skipped):,} of {left_out:,})" if more else "Skipped lines"
        )
        self.skipped_title.setText(title)
        for part in (self.skipped_title, self.skipped, self.copy_button, self.save_button):
            part.setVisible(bool(report.skipped))
        self.skipped.setRowCount(len(report.skipped))
        for row, one in enumerate(report.skipped):
            for at, text in enumerate((f"{one.line:,}", plain(one.value, 200), plain(one.why))):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.skipped.setItem(row, at, item)

    def _on_copy(self) -> None:
        if self.report is not None:
            QGuiApplication.clipboard().setText(skipped_table(self.report.skipped, "\t"))
            self.tell("The list was copied.", "green")

    def _on_save(self) -> None:
        ask_where_to_save(self, "Save the skipped lines to", "skipped.csv", self.save_to)

    def save_to(self, path: str) -> None:
        """Write the list of skipped lines there."""
        if self.report is None:
            return
        try:
            Path(path).write_text(skipped_table(self.report.skipped, ","), encoding="utf-8-sig", newline="")
        except OSError as error:
            self.tell(f"{path} cannot be written: {error.strerror}. Choose another place.", "red")
        else:
            self.tell(f"The list was saved to {path}.", "green")

    # Saying

    def tell(self, text: str, tone: str = "grey") -> None:
        """Say something below the title."""
        self.note.put(text, tone)
        self.note.setVisible(bool(text))

    def refused(self, error: ReplyDesktopError) -> None:
        """Say what is wrong with the file and what to do."""
        self.tell(plain(str(error), 600), "red")


def report_words(report: ImportReport) -> list[str]:
    """What an import came to, one line for each count that is not zero; they add up to the lines read."""
    told = [f"{count(report.rows, 'line')} read, {report.enrolled:,} enrolled."]
    for number, what in (
        (report.updated, "known before: their fields were brought up to date"),
        (report.already, "in this sequence already"),
        (report.repeated, "more than once in the file"),
        (report.invalid, "without a usable address"),
        (report.suppressed, "on the suppression list"),
    ):
        if number:
            told.append(f"{number:,} {what}.")
    return told


def skipped_table(skipped: Sequence[Skipped], delimiter: str) -> str:
    """The skipped lines as a table that is safe to open in a spreadsheet."""
    made = io.StringIO()
    writer = csv.writer(made, delimiter=delimiter)
    writer.writerow(("Line", "Value", "Why"))
    for one in skipped:
        # A spreadsheet would take such a cell for a formula.
        value = f"'{one.value}" if one.value[:1] in "=+-@\t\r" and one.value else one.value
        writer.writerow((one.line, value, one.why))
    return made.getvalue()


def _choose(combo: QComboBox, value: str) -> None:
    """Show this value; one that is not offered is put in."""
    with QSignalBlocker(combo):
        at = combo.findData(value)
        if at < 0:
            combo.addItem(value, value)
            at = combo.count() - 1
        combo.setCurrentIndex(at)
