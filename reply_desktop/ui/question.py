"""A question before something is taken away, asked in its card: nothing opens over the window."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QWidget

from reply_desktop.ui.controls import button, line, wrapped
from reply_desktop.ui.theme import Space


class Question(QFrame):
    """Hidden until `ask`. `sure` when the person says yes; Keep gives the focus back."""

    sure = Signal()

    def __init__(self, yes: str = "Remove") -> None:
        super().__init__()
        self.setProperty("note", "red")
        self._text = wrapped()
        # A short question stands beside its buttons, not above their middle.
        self._text.setAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        self._back: QWidget | None = None
        self.keep = button("Keep", self._on_keep)
        self.yes = button(yes, self._on_yes, kind="danger")
        row = line(self, margin=Space.M)
        row.addWidget(self._text, 1)
        row.addWidget(self.keep)
        row.addWidget(self.yes)
        self.hide()

    def ask(self, text: str, back: QWidget) -> None:
        """Ask this; `back` is what was pressed."""
        self._back = back
        self._text.setText(text)
        self.yes.setAccessibleDescription(text)
        self.show()
        self.keep.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_keep(self) -> None:
        self.hide()
        if self._back is not None:
            self._back.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_yes(self) -> None:
        self.hide()
        self.sure.emit()
