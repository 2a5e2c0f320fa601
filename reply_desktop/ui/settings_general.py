"""Settings → General: start at login, background, colours, where the data lies, the vault, the doctor."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QButtonGroup, QFileDialog, QRadioButton, QWidget

from reply_desktop.channel.messages import (
    Backup,
    Done,
    Export,
    Exported,
    GetVault,
    StartOverVault,
    VaultState,
    VaultStatus,
)
from reply_desktop.config import APP_ID, Config, default_data_dir
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.notification import plain
from reply_desktop.domain.preferences import KEEP_RUNNING, THEME
from reply_desktop.domain.rows import DoctorRow
from reply_desktop.ui.autostart import Autostart, for_this_system
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.controls import button, line
from reply_desktop.ui.dbus_alerts import session_bus
from reply_desktop.ui.doctor_card import DoctorCard
from reply_desktop.ui.page import Card, Option, Page
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.setup_help import Facts
from reply_desktop.ui.tray import Tray
from reply_desktop.ui.words import Clock, utc_now

_START_OVER: Final = "Start over…"

THEMES: Final = (("system", "Follow the system"), ("light", "Light"), ("dark", "Dark"))

_VAULT_WORDS: Final = {
    VaultStatus.OPEN: ("Open", "green"),
    VaultStatus.LOCKED: ("Locked", "orange"),
    VaultStatus.NEEDS_PASSPHRASE: ("Needs its passphrase", "orange"),
    VaultStatus.NO_KEYRING: ("No fit keyring", "red"),
    VaultStatus.KEY_MISSING: ("Key is missing", "red"),
}


_KEYRINGS: Final = (
    ("SecretService", "Secret Service (the desktop's keyring)"),
    ("libsecret", "Secret Service (the desktop's keyring)"),
    ("kwallet", "KDE Wallet"),
    ("Windows", "Windows Credential Manager"),
    ("macOS", "macOS Keychain"),
)


def keyring_words(backend: str) -> str:
    """What people call the keyring behind a class name; what is not known stays as it is."""
    return next((words for part, words in _KEYRINGS if part in backend), plain(backend, 80))


class GeneralPage(Page):
    """All cards. `autostart` None: this system's own way, and none at all for the sandbox."""

    def __init__(
        self,
        bridge: Bridge,
        preferences: Preferences,
        config: Config,
        tray: Tray | None = None,
        autostart: Autostart | None = None,
        parent: QWidget | None = None,
        *,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__("General", "How Reply Desktop runs on this computer.", parent)
        self._bridge = bridge
        self.start = StartCard(preferences, autostart or own_autostart(config))
        self.look = LookCard(preferences)
        self.vault = VaultCard(bridge)
        self.data = DataCard(bridge, config, clock)
        self.doctor = DoctorCard(bridge, lambda: window_findings(tray), clock)
        for card in (self.start, self.look, self.vault, self.data, self.doctor):
            self.add(card)
        bridge.engine_changed.connect(self._on_engine)
        self._on_engine(bridge.engine)

    def show_vault(self) -> None:
        """Scroll to the vault's card."""
        self.area.ensureWidgetVisible(self.vault, 0, 0)

    def _on_engine(self, state: EngineState) -> None:
        running = state is EngineState.RUNNING
        for part in (self.start.keep, self.look, self.vault, self.data.buttons):
            part.setEnabled(running)
        if running:
            self.vault.refresh()


class StartCard(Card):
    """When the app runs."""

    def __init__(self, preferences: Preferences, autostart: Autostart | None) -> None:
        super().__init__("Start and background")
        self._preferences, self._autostart = preferences, autostart
        self.login = Option(
            "Start Reply Desktop when I log in",
            "It starts hidden in the tray." if autostart else "Not for the sandbox.",
        )
        self.login.setEnabled(autostart is not None)
        self.login.put(autostart.enabled if autostart else False)
        self.login.box.toggled.connect(self._on_login)
        self.keep = Option(
            "Keep checking in the background after I quit",
            "Quit then closes only the window; the background service goes on checking and sending.",
        )
        self.keep.put(preferences.value(KEEP_RUNNING))
        self.keep.box.toggled.connect(lambda on: preferences.put(KEEP_RUNNING, on, self.refused))
        self.body.addWidget(self.login)
        self.body.addWidget(self.keep)
        preferences.changed.connect(self._on_changed)

    def _on_login(self, wanted: bool) -> None:
        if self._autostart is None:
            return
        try:
            if wanted:
                self._autostart.enable()
            else:
                self._autostart.disable()
            self.tell("")
        except ReplyDesktopError as error:
            self.refused(error)
        self.login.put(self._autostart.enabled)

    def _on_changed(self, name: str) -> None:
        if name == KEEP_RUNNING:
            self.keep.put(self._preferences.value(KEEP_RUNNING))


class LookCard(Card):
    """Light or dark."""

    def __init__(self, preferences: Preferences) -> None:
        super().__init__("Colours")
        self._preferences = preferences
        self._group = QButtonGroup(self)
        self.choices: dict[str, QRadioButton] = {}
        row = line(gap=24)
        for number, (value, title) in enumerate(THEMES):
            self.choices[value] = choice = QRadioButton(title)
            self._group.addButton(choice, number)
            row.addWidget(choice)
        row.addStretch(1)
        self.body.addLayout(row)
        self._show(preferences.value(THEME))
        # Assistive technology toggles such a button and does not click it.
        self._group.idToggled.connect(self._on_chosen)
        preferences.changed.connect(self._on_changed)

    def _on_chosen(self, number: int, chosen: bool) -> None:
        value = THEMES[number][0]
        if chosen and value != self._preferences.value(THEME):
            self._preferences.put(THEME, value, self.refused)

    def _on_changed(self, name: str) -> None:
        if name == THEME:
            self._show(self._preferences.value(THEME))

    def _show(self, value: str) -> None:
        self.choices.get(value, self.choices["system"]).setChecked(True)


class VaultCard(Card):
    """Where the key of the stored sign-ins lies."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__("Vault", "Your sign-ins are stored encrypted, and open only with their key.")
        self._bridge = bridge
        self.facts = Facts()
        self.body.addWidget(self.facts)
        self.start_over = button(_START_OVER, self._on_start_over)
        self.start_over.setAccessibleDescription("Makes a new key; every account must be reconnected then")
        self.start_over.hide()
        self.body.addWidget(self.start_over)
        self._sure = False
        bridge.vault_changed.connect(lambda _: self.refresh())

    def refresh(self) -> None:
        """Ask how the vault is doing."""
        self._bridge.ask(GetVault(), self._on_vault, self.refused)

    def _on_vault(self, vault: VaultState) -> None:
        words, tone = _VAULT_WORDS[vault.status]
        self.facts.put(("Key kept in", keyring_words(vault.backend), False), ("State", words, False))
        self.tell("" if vault.status is VaultStatus.OPEN else vault.text, tone)
        self._sure = False
        self.start_over.setText(_START_OVER)
        self.start_over.setVisible(vault.status is VaultStatus.KEY_MISSING)

    def _on_start_over(self) -> None:
        if not self._sure:
            self._sure = True
            self.start_over.setText("Yes, make a new key")
            self.tell(
                "The sign-ins stored so far cannot be opened any more after this. Every account must be "
                "reconnected, and the Google client file given again under Providers.",
                "red",
            )
            return
        self._bridge.ask(StartOverVault(), self._on_vault, self.refused)


class DataCard(Card):
    """The data folder, and copies of what is in it."""

    def __init__(self, bridge: Bridge, config: Config, clock: Clock) -> None:
        super().__init__("Data", "Everything lies in one folder, readable by you alone.")
        self._bridge, self._folder, self._clock = bridge, config.data_dir, clock
        facts = Facts()
        facts.put(("Folder", str(config.data_dir), True))
        self.open = button("Open folder", self._on_open, icon="external")
        self.backup = button("Back up now…", self._on_backup)
        self.export = button("Export…", self._on_export)
        self.open.setAccessibleDescription("Opens the data folder in the file manager")
        self.backup.setAccessibleDescription("A whole copy; the key to the sign-ins is no part of it")
        self.export.setAccessibleDescription("Accounts, history and settings as JSON, without any secret")
        self.buttons = QWidget()
        row = line(self.buttons)
        for part in (self.open, self.backup, self.export):
            row.addWidget(part)
        row.addStretch(1)
        self.body.addWidget(facts)
        self.body.addWidget(self.buttons)

    def _on_open(self) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder))):
            self.tell(f"No file manager could be opened. The folder is {self._folder}.", "orange")

    def _on_backup(self) -> None:
        self._ask_where("Back up to", f"{APP_ID}-{self._clock():%Y-%m-%d}.db", self.back_up_to)

    def _on_export(self) -> None:
        self._ask_where("Export to", f"{APP_ID}-{self._clock():%Y-%m-%d}.json", self.export_to)

    def _ask_where(self, title: str, name: str, chosen: Callable[[str], None]) -> None:
        dialog = QFileDialog(self, title, str(Path.home() / name))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(name)
        dialog.fileSelected.connect(chosen)
        dialog.open()

    def back_up_to(self, path: str) -> None:
        """Have the engine write a whole copy of the database there."""
        self.tell("Backing up…")

        def say(vault: VaultState) -> None:
            self.tell(f"Backed up to {path}. The sign-ins in it open only with {vault.opens_with}.", "green")

        def done(_: Done) -> None:
            self._bridge.ask(GetVault(), say, self.refused, owner=self)

        self._bridge.ask(Backup(path), done, self.refused, owner=self)

    def export_to(self, path: str) -> None:
        """Write the engine's export there."""
        self.tell("Exporting…")

        def write(answer: Exported) -> None:
            try:
                Path(path).write_text(answer.json, encoding="utf-8")
            except OSError as error:
                self.tell(f"{path} cannot be written: {error.strerror}. Choose another place.", "red")
            else:
                self.tell(f"Exported to {path}. It holds no secrets.", "green")

        self._bridge.ask(Export(), write, self.refused, owner=self)


def own_autostart(config: Config) -> Autostart | None:
    """This system's start at login for the data folder in use; the sandbox has none."""
    if config.sandbox:
        return None
    return for_this_system(None if config.data_dir == default_data_dir() else config.data_dir)


def window_findings(tray: Tray | None) -> Sequence[DoctorRow]:
    """What only the window sees of this desktop."""
    has_tray = tray is not None and tray.available
    fix = "On GNOME install the AppIndicator extension. Without a tray the window stays open or minimised."
    rows = [
        DoctorRow(
            "tray icon", has_tray, "shown" if has_tray else "no tray on this desktop", fix, required=False
        )
    ]
    if session_bus() is not None:
        rows.append(DoctorRow("alerts", True, "sent to the desktop's notification service", required=False))
    return rows
