"""A place to drop, choose or paste a client file; it reads the file and judges only whether it can be one."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QFrame

from reply_desktop.ui import theme

FILE_LIMIT: Final = 65_536
"""Bytes of the largest file taken for a client file; real ones have some 500."""


class DropZone(QFrame):
    """Takes a file dropped or pasted on it. `given` carries the text, `refused` why it was not taken."""

    given = Signal(str)
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._over = False
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Drop client_secret.json here, or paste its text with Ctrl+V")
        self.setMinimumHeight(theme.scaled(128))
        theme.theme().changed.connect(self.update)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Only what could be a client file is taken."""
        if event.mimeData().hasUrls() or event.mimeData().hasText():
            self._over = True
            self.update()
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Nothing was dropped."""
        self._over = False
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        """Something was dropped."""
        self._over = False
        self.update()
        event.acceptProposedAction()
        self.take(event.mimeData())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+V pastes."""
        if event.matches(QKeySequence.StandardKey.Paste):
            self.paste()
        else:
            super().keyPressEvent(event)

    def paste(self) -> None:
        """Take what lies in the clipboard."""
        self.take(QGuiApplication.clipboard().mimeData())

    def take(self, data: QMimeData | None) -> None:
        """Take a file or a text."""
        if data is not None and data.hasUrls():
            urls = data.urls()
            if len(urls) != 1 or not urls[0].isLocalFile():
                self.refused.emit(
                    "That is not one file on this computer. Drop the client_secret….json file alone."
                )
                return
            self.take_file(Path(urls[0].toLocalFile()))
        elif data is not None and data.text().strip():
            self.given.emit(data.text())
        else:
            self.refused.emit("The clipboard is empty. Copy the text of client_secret….json first.")

    def take_file(self, path: Path) -> None:
        """Take a file, unless it cannot be one."""
        try:
            with path.open("rb") as file:
                content = file.read(FILE_LIMIT + 1)
            text = content.decode("utf-8-sig")
        except OSError as error:
            self.refused.emit(f"{path.name} cannot be read: {error.strerror}.")
        except UnicodeDecodeError:
            self.refused.emit(f"{path.name} is not a text file. Choose client_secret….json.")
        else:
            if len(content) > FILE_LIMIT:
                self.refused.emit(
                    f"{path.name} is too large to be a client file. Choose client_secret….json."
                )
            else:
                self.given.emit(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A dashed frame, filled while something hovers over it."""
        colors = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lit = self._over or self.hasFocus()
        painter.setBrush(QColor(colors.selected if self._over else colors.window))
        pen = QPen(QColor(colors.accent if lit else colors.outline), 2 if lit else 1.5)
        pen.setStyle(Qt.PenStyle.SolidLine if self.hasFocus() and not self._over else Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), 10, 10)
