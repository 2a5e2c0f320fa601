"""Help for setting a provider up: numbered steps with links, and values that are copied instead of typed."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFormLayout, QFrame, QLabel, QSizePolicy, QWidget

from reply_desktop.domain.provider_setup import SetupStep
from reply_desktop.ui import theme
from reply_desktop.ui.browser import OpenPage
from reply_desktop.ui.controls import Elided, button, column, icon_button, line, wrapped
from reply_desktop.ui.theme import Space

ROW: Final = 28
"""Height of a fact, in pixels at 100 % text size."""


class Facts(QWidget):
    """Names and values below each other; values can be selected, some copied."""

    def __init__(self) -> None:
        super().__init__()
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(Space.L)
        self._form.setVerticalSpacing(0)

    def put(self, *facts: tuple[str, str, bool]) -> None:
        """Show (name, value, whether it can be copied); empty values are left out."""
        while self._form.rowCount():
            self._form.removeRow(0)
        for name, value, copies in facts:
            if value:
                title = theme.label(name, muted=True)
                title.setMinimumHeight(theme.scaled(ROW))
                shown = copyable(name, value) if copies else selectable(value)
                shown.setMinimumHeight(theme.scaled(ROW))
                self._form.addRow(title, shown)


def selectable(value: str) -> QLabel:
    """A value that can be marked with the mouse or the keyboard."""
    made = theme.label(value)
    made.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return made


def copyable(name: str, value: str) -> QWidget:
    """A value with a button that copies it; a long one is cut in its middle."""
    made = QWidget()
    row = line(made, gap=Space.XS)
    shown = Elided(value, mode=Qt.TextElideMode.ElideMiddle)
    shown.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
    row.addWidget(shown)
    row.addWidget(icon_button("copy", f"Copy: {name}", lambda: QGuiApplication.clipboard().setText(value)))
    row.addStretch(1)
    return made


def steps_list(steps: Sequence[SetupStep], open_in_browser: OpenPage) -> QWidget:
    """The steps below each other; each page opens in the person's browser, each value can be copied."""
    made = QWidget()
    rows = column(made, gap=Space.M)
    rows.setContentsMargins(0, Space.S, 0, 0)
    for number, step in enumerate(steps, start=1):
        row = line(gap=Space.M)
        row.addWidget(theme.label(f"{number}.", muted=True), 0, Qt.AlignmentFlag.AlignTop)
        body = column(gap=Space.XS)
        body.addWidget(wrapped(step.text))
        for value in step.values:
            box = QFrame()
            box.setProperty("note", "grey")
            inside = line(box)
            inside.setContentsMargins(Space.M, 0, Space.XS, 0)
            inside.addWidget(copyable(value, value))
            body.addWidget(box, 0, Qt.AlignmentFlag.AlignLeading)
        if step.page is not None:
            body.addWidget(_page_link(number, step.page, open_in_browser), 0, Qt.AlignmentFlag.AlignLeading)
        row.addLayout(body, 1)
        rows.addLayout(row)
    return made


def _page_link(number: int, page: str, open_in_browser: OpenPage) -> QWidget:
    made = button("Open the page", lambda: open_in_browser(page), kind="link", icon="external")
    made.setToolTip(page)
    made.setAccessibleName(f"Open the page of step {number}")
    return made
