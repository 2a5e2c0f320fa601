"""The field for how many mails an account may send in 24 hours."""

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSpinBox, QWidget

from reply_desktop.ui import theme
from reply_desktop.ui.controls import button, line
from reply_desktop.ui.theme import Space

MOST: Final = 100_000
"""The greatest limit that can be set; providers stop an account long before."""
_NONE: Final = 0


class DailyLimit(QWidget):
    """Shows a limit; once it was changed, Save offers to keep it. `wanted` carries the new one."""

    wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._kept: int | None = None
        self.field = QSpinBox()
        self.field.setRange(1, MOST)
        self.field.setGroupSeparatorShown(True)
        self.field.setFixedWidth(theme.scaled(96))
        # The spin box stands for the field inside it, also towards assistive technology.
        inner = self.field.lineEdit()
        inner.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        inner.setTextMargins(Space.S, 0, 0, 0)
        for one in (self.field, inner):
            one.setAccessibleName("Daily limit: most mails in 24 hours")
        self.save = button("Save", self._on_save)
        self.save.setAccessibleName("Save the daily limit")
        words = theme.label("Daily limit")
        words.setBuddy(self.field)
        row = line(self, gap=Space.S)
        row.addWidget(words)
        row.addWidget(self.field)
        row.addWidget(self.save)
        row.addStretch(1)
        self.field.valueChanged.connect(lambda value: self._show_save())
        self._show_save()

    def put(self, limit: int | None, *, anew: bool = False) -> None:
        """Show the limit in force; none where several differ (None). What was typed stays, but for `anew`."""
        anew = anew or self._kept is None or self.field.value() == self._kept
        self._kept = limit
        # Shown where the value is the least there can be.
        self.field.setSpecialValueText(" " if limit is None else "")
        self.field.setMinimum(_NONE if limit is None else 1)
        if anew:
            self.field.setValue(limit or _NONE)
        self._show_save()

    def _show_save(self) -> None:
        # Not hidden: the keyboard may be on it.
        self.save.setEnabled(self.field.value() not in (self._kept, _NONE))

    def _on_save(self) -> None:
        self.field.interpretText()
        self.wanted.emit(self.field.value())
