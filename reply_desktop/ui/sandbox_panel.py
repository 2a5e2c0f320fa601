"""The sandbox's levers: break a mailbox, a provider or the network, and mend all."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QSignalBlocker, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QMenu, QPushButton, QWidget

from reply_desktop.domain.notification import plain
from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.sandbox.control import (
    CONTROLS,
    EVERYWHERE,
    Condition,
    Control,
    ControlRefused,
    Level,
    MailboxState,
    SandboxControl,
    WorldState,
)
from reply_desktop.ui import icons, theme
from reply_desktop.ui.controls import Elided, Flow, Note, button, column, line
from reply_desktop.ui.errands import Errands
from reply_desktop.ui.page import Card, Page
from reply_desktop.ui.sandbox_mail import MailCard
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.words import count

POLL_MS: Final = 1500
"""Between looks at the sandbox while the panel is in view, in milliseconds."""

WORLD: Final = (Control.OFFLINE, Control.THROTTLE, Control.SERVER_TROUBLE, Control.LATENCY, Control.PORTAL)
"""What can happen to everything at once."""
APPS: Final = (Control.CLIENT_DELETED, Control.INVALID_CLIENT, Control.NOT_PUBLIC, Control.API_OFF)
"""What can happen to an app registration."""
FIRST: Final = (Control.REMOVE_ACCESS, Control.CHANGE_PASSWORD)
"""What stands on a mailbox's row; the rest is in its menu."""

FAULTS: Final = (OSError, ControlRefused, ValueError, KeyError, TypeError)
"""How a call of the sandbox may end: it is gone, it refuses, or its answer is none of ours."""

REASSURANCE: Final = "Sandbox: nothing here touches a real mailbox."


class SandboxPanel(Page):
    """The panel. A thread of its own waits for the sandbox; `close_down` ends it."""

    def __init__(
        self, control: SandboxControl, parent: QWidget | None = None, *, poll_ms: int = POLL_MS
    ) -> None:
        super().__init__("Sandbox", "Break something and watch what the app makes of it.", parent)
        self._control = control
        self._errands = Errands("sandbox", FAULTS, self)
        self._world: WorldState | None = None
        self._looking = False
        self.note = Note(REASSURANCE, "blue")
        self.refusal = Note("", "red")
        self.refusal.hide()
        self.add(self.note)
        self.add(self.refusal)
        self.everything = Card("Everything", "The network and the providers' servers.")
        self.restore = button("Restore everything", self._on_restore, icon="refresh")
        self.everything.head.addWidget(self.restore)
        self.switches: dict[tuple[Control, str], QPushButton] = {}
        self.everything.body.addWidget(self._switches(WORLD, EVERYWHERE))
        self.apps = Card("App registrations", "The client ID itself, whoever signs in with it.")
        for provider in (Provider.GOOGLE, Provider.MICROSOFT):
            fitting = [one for one in APPS if provider in CONTROLS[one].providers]
            self.apps.body.addWidget(
                theme.label(PROVIDER_NAMES[provider], Type.CAPTION, strong=True, muted=True)
            )
            self.apps.body.addWidget(self._switches(fitting, provider.value))
        self.mailboxes = Card("Mailboxes", "Each as the person or the administrator would do it.")
        self.rows: dict[str, MailboxRow] = {}
        self.mail = MailCard(self._errands, control)
        for card in (self.mailboxes, self.everything, self.apps, self.mail):
            self.add(card)
        self._poll = QTimer(self, interval=poll_ms)
        self._poll.timeout.connect(self.look)

    def close_down(self) -> None:
        """End the thread; an answer still under way is not waited for."""
        self._poll.stop()
        self._errands.stop()

    def showEvent(self, event: QShowEvent) -> None:
        """Look while somebody looks."""
        super().showEvent(event)
        self.look()
        self._poll.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Rest."""
        self._poll.stop()
        super().hideEvent(event)

    def look(self) -> None:
        """Ask how the world stands, unless that is being asked already."""
        if not self._looking:
            self._looking = True
            self._errands.run(self._control.state, self._on_world, self._on_lost)
            self.mail.look()

    def apply(self, control: Control, target: str, *, on: bool = True) -> None:
        """Do something to the world, or end it."""
        self.refusal.hide()
        act = self._control.apply if on else self._control.clear
        self._errands.run(lambda: act(control, target), lambda _: self._looked_anew(), self._on_refused)

    def _on_restore(self) -> None:
        self._errands.run(self._control.clear_all, lambda _: self._looked_anew(), self._on_refused)

    def _looked_anew(self) -> None:
        self._looking = False
        self.look()

    def _on_world(self, world: WorldState) -> None:
        self._looking = False
        if self.note.text() != REASSURANCE:
            self.note.put(REASSURANCE, "blue")
        if world == self._world:
            return
        self._world = world
        force = {(each.control, each.target) for each in world.conditions}
        for key, switch in self.switches.items():
            with QSignalBlocker(switch):
                switch.setChecked(key in force)
        self.restore.setEnabled(bool(world.conditions))
        self._show_mailboxes(world)

    def _show_mailboxes(self, world: WorldState) -> None:
        wanted = {each.address for each in world.mailboxes}
        for gone in self.rows.keys() - wanted:
            self.rows.pop(gone).deleteLater()
        for state in world.mailboxes:
            row = self.rows.get(state.address)
            if row is None:
                row = self.rows[state.address] = MailboxRow(state, self)
                self.mailboxes.body.addWidget(row)
            row.show_state(state, [each for each in world.conditions if each.target == state.address])

    def _on_lost(self, error: Exception) -> None:
        self._looking = False
        self.note.put("The sandbox does not answer. Quit and start again with --sandbox.", "red")

    def _on_refused(self, error: Exception) -> None:
        self._world = None
        self._looked_anew()
        self.refusal.put(plain(str(error)) or "The sandbox did not do it.", "red")
        self.refusal.show()

    def copy_password(self, address: str) -> None:
        """Put the present password of an Other mailbox into the clipboard."""
        self._errands.run(
            lambda: self._control.password(address), QGuiApplication.clipboard().setText, self._on_refused
        )

    def _switches(self, controls: Sequence[Control], target: str) -> QWidget:
        made = QWidget()
        flow = Flow(made)
        for control in controls:
            row = CONTROLS[control]
            switch = button(row.label, kind="chip")
            switch.setCheckable(True)
            switch.setToolTip(row.explanation)
            where = "" if target == EVERYWHERE else f": {PROVIDER_NAMES[Provider(target)]}"
            switch.setAccessibleName(f"{row.label}{where}")
            switch.setAccessibleDescription(row.explanation)
            # Assistive technology toggles such a button and does not click it.
            switch.toggled.connect(lambda on, control=control: self.apply(control, target, on=on))
            self.switches[control, target] = switch
            flow.addWidget(switch)
        return made


class MailboxRow(QWidget):
    """One mailbox: how many sign-ins are alive, what is in force, what can be done to it."""

    def __init__(self, state: MailboxState, panel: SandboxPanel) -> None:
        super().__init__()
        self._panel, self.address, self.provider = panel, state.address, state.provider
        mark = QLabel()
        icons.put_icon(mark, icons.PROVIDER_ICONS[state.provider])
        self._state = Elided("", Type.CAPTION, muted=True)
        self.actions_by: dict[Control, QAction] = {}
        words = QWidget()
        box = column(words, gap=0)
        box.addWidget(theme.label(plain(state.address, 80)))
        box.addWidget(self._state)
        row = line(self, gap=Space.S)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(mark)
        row.addWidget(words, 1)
        self.buttons: dict[Control, QPushButton] = {}
        for control in FIRST:
            if state.provider in CONTROLS[control].providers:
                self.buttons[control] = self._button(control)
                row.addWidget(self.buttons[control])
        self.more = button("More")
        self.more.setProperty("menuButton", True)
        self.more.setAccessibleName(f"More: {state.address}")
        self.more.setMenu(self._menu())
        row.addWidget(self.more)

    def _button(self, control: Control) -> QPushButton:
        made = button(CONTROLS[control].label, lambda: self._do(control))
        made.setAccessibleName(f"{CONTROLS[control].label}: {self.address}")
        made.setToolTip(CONTROLS[control].explanation)
        return made

    def show_state(self, state: MailboxState, force: list[Condition]) -> None:
        """Show how the mailbox stands."""
        said = [CONTROLS[each.control].label.lower() for each in force]
        grants = f"{count(state.grants, 'sign-in')} alive" if state.grants else "no sign-in"
        alive = "signs in with a password" if state.provider is Provider.OTHER else grants
        self._state.setText(" · ".join([alive, *said]))
        theme.mark(self._state, "tone", "orange" if force else "muted")
        controls = {each.control for each in force}
        for control, action in self.actions_by.items():
            action.setChecked(control in controls)

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for control, row in CONTROLS.items():
            if control in FIRST or Level.MAILBOX not in row.levels or self.provider not in row.providers:
                continue
            action = menu.addAction(row.label)
            action.setToolTip(row.explanation)
            action.setCheckable(row.lasting)
            action.triggered.connect(lambda on, control=control: self._do(control, on=on))
            if row.lasting:
                self.actions_by[control] = action
        if self.provider is Provider.OTHER:
            menu.addSeparator()
            menu.addAction("Copy the password", lambda: self._panel.copy_password(self.address))
        return menu

    def _do(self, control: Control, *, on: bool = True) -> None:
        self._panel.apply(control, self.address, on=on or not CONTROLS[control].lasting)
