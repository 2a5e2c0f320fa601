"""Asks for a file to read or to write, without holding up the window."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QFileDialog, QWidget

CSV: Final = ("CSV files (*.csv *.tsv *.txt)", "All files (*)")
"""Name filters for tables as text."""
TEXT: Final = ("Text files (*.txt)", "All files (*)")
"""Name filters for plain text."""


def ask_where_to_save(
    parent: QWidget,
    title: str,
    name: str,
    chosen: Callable[[str], None],
    filters: Sequence[str] = CSV,
) -> QFileDialog:
    """Ask where to write a file, with `name` proposed in the person's home folder."""
    dialog = QFileDialog(parent, title, str(Path.home() / name))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.selectFile(name)
    return _open(dialog, chosen, filters)


def ask_which_to_open(parent: QWidget, title: str, chosen: Callable[[str], None]) -> QFileDialog:
    """Ask for a file to read."""
    dialog = QFileDialog(parent, title, str(Path.home()))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    return _open(dialog, chosen, CSV)


def _open(dialog: QFileDialog, chosen: Callable[[str], None], filters: Sequence[str]) -> QFileDialog:
    dialog.setNameFilters(filters)
    dialog.fileSelected.connect(chosen)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog
