"""Quitting: the window ends, and the engine with it unless the person wants it to go on."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QAbstractButton, QMessageBox, QPushButton, QWidget

from reply_desktop.channel.messages import Shutdown
from reply_desktop.config import APP_NAME
from reply_desktop.domain.preferences import KEEP_RUNNING
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.roster import Roster
from reply_desktop.ui.words import few, quoted

WAIT_MS: Final = 3000
"""How long an engine may take to say that it ends, in milliseconds."""


class Leaving(QObject):
    """`quit` may be called by every Quit there is; `leave` ends the window and is called exactly once.

    What would be lost is asked about first: changes to sequences that are not saved (`unsaved` names those
    sequences). While sequences are on, the person is asked whether they go on without the window.
    `keeps_engine`: whether the engine was left at work.
    """

    def __init__(
        self,
        bridge: Bridge,
        preferences: Preferences,
        leave: Callable[[], None],
        parent: QObject | None = None,
        *,
        roster: Roster | None = None,
        unsaved: Callable[[], Sequence[str]] = tuple,
        window: QWidget | None = None,
        wait_ms: int = WAIT_MS,
    ) -> None:
        super().__init__(parent)
        self._bridge, self._preferences, self._leave = bridge, preferences, leave
        self._roster, self._unsaved, self._window = roster, unsaved, window
        self._wait_ms = wait_ms
        self._leaving = False
        self.keeps_engine = False
        self.asked: QMessageBox | None = None

    def quit(self) -> None:
        """Leave, after asking the engine to end in order; a silent engine is not waited for long."""
        if self._leaving:
            return
        if self.asked is not None:
            self.asked.raise_()
            self.asked.activateWindow()
        elif names := self._unsaved():
            self._ask_unsaved(names)
        else:
            self._quit()

    def _quit(self) -> None:
        keeps: bool = self._preferences.value(KEEP_RUNNING)
        if keeps or self._bridge.engine is not EngineState.RUNNING:
            self._go(keeps)
        elif self._roster is not None and self._roster.sends:
            self._ask_sending(self._roster.on)
        else:
            self._stop()

    def _ask_unsaved(self, names: Sequence[str]) -> None:
        many = len(names) > 1
        self._ask(
            f"{few([quoted(name) for name in names], shown=3)} {'have' if many else 'has'} unsaved changes.",
            f"Quit now, and they are lost. Open {'them' if many else 'it'} and press Save to keep them.",
            {"Quit without saving": (QMessageBox.ButtonRole.DestructiveRole, self._quit)},
        )

    def _ask_sending(self, on: list[SequenceRow]) -> None:
        names = few([quoted(row.name) for row in on], shown=3)
        self._ask(
            f"{names} {'is' if len(on) == 1 else 'are'} on. Keep sending without the window?",
            "Stopped, nothing is sent until Reply Desktop is started again; then it goes on where it was.",
            {
                "Keep sending": (QMessageBox.ButtonRole.AcceptRole, partial(self._go, True)),
                "Stop sending": (QMessageBox.ButtonRole.DestructiveRole, self._stop),
            },
        )

    def _ask(
        self, text: str, more: str, ways: Mapping[str, tuple[QMessageBox.ButtonRole, Callable[[], None]]]
    ) -> None:
        """Ask, with Cancel beside these ways to go on; the first that accepts is the default, else Cancel."""
        shown = self._window is not None and self._window.isVisible()
        self.asked = box = QMessageBox(self._window if shown else None)
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle(APP_NAME)
        box.setText(text)
        box.setInformativeText(more)
        pressed: dict[QAbstractButton, Callable[[], None]] = {
            box.addButton(name, role): go_on for name, (role, go_on) in ways.items()
        }
        cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        accepting = [
            one
            for one in pressed
            if isinstance(one, QPushButton) and box.buttonRole(one) is QMessageBox.ButtonRole.AcceptRole
        ]
        box.setDefaultButton(next(iter(accepting), cancel))
        box.finished.connect(lambda code: self._on_answered(box, pressed.get(box.clickedButton())))
        box.open()

    def _on_answered(self, box: QMessageBox, go_on: Callable[[], None] | None) -> None:
        # Without a parent the box lives as long as it is held, and it is still busy closing.
        QTimer.singleShot(0, box, box.deleteLater)
        self.asked = None
        if go_on is not None:
            go_on()

    def _go(self, keeps_engine: bool) -> None:
        if not self._leaving:
            self._leaving, self.keeps_engine = True, keeps_engine
            self._leave()

    def _stop(self) -> None:
        if self._leaving:
            return
        self._leaving = True
        late = QTimer(self, singleShot=True, interval=self._wait_ms)
        told = False

        def over(_: object = None) -> None:
            nonlocal told
            if not told:
                told = True
                late.stop()
                # Leaving takes longer than a lost engine is waited for.
                self._bridge.let_go()
                self._leave()

        late.timeout.connect(over)
        late.start()
        self._bridge.ask(Shutdown(), over, over, owner=self)
