"""Settings → General: each choice reaches the system or the engine, each refusal is said in its card."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QFileDialog
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.config import Config, default_data_dir
from reply_desktop.domain import events
from reply_desktop.domain.errors import InvalidInput, StoreFull
from reply_desktop.domain.preferences import KEEP_RUNNING, THEME
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.settings_general import GeneralPage, keyring_words, own_autostart, window_findings
from tests.fakes.engine import NOW, FakeEngine

Open = Callable[[FakeEngine], Bridge]


class Autostart:
    """Remembers; `refuse` makes it fail."""

    def __init__(self) -> None:
        self.enabled = False
        self.refuse = False

    def enable(self) -> None:
        if self.refuse:
            raise InvalidInput("autostart cannot be written.", "Check who may write there.")
        self.enabled = True

    def disable(self) -> None:
        self.enabled = False


@pytest.fixture
def open_page(qtbot: QtBot, open_bridge: Open, tmp_path: Path) -> Callable[..., GeneralPage]:
    held: list[GeneralPage] = []

    def opened(engine: FakeEngine, autostart: Autostart | None = None) -> GeneralPage:
        bridge = open_bridge(engine)
        config = Config(tmp_path, sandbox=autostart is None)
        page = GeneralPage(bridge, Preferences(bridge), config, None, autostart, clock=lambda: NOW)
        held.append(page)
        qtbot.addWidget(page)
        page.resize(900, 700)
        page.show()
        return page

    return opened


Page = Callable[..., GeneralPage]


def test_start_at_login(open_page: Page) -> None:
    autostart = Autostart()
    card = open_page(FakeEngine(), autostart).start
    card.login.box.click()
    assert autostart.enabled
    card.login.box.click()
    assert not autostart.enabled
    autostart.refuse = True
    card.login.box.click()
    assert not card.login.box.isChecked()
    assert card.said == "autostart cannot be written. Check who may write there."
    autostart.refuse = False
    card.login.box.click()
    assert card.said == ""


def test_the_sandbox_does_not_start_at_login(open_page: Page) -> None:
    card = open_page(FakeEngine()).start
    assert not card.login.isEnabled()
    assert not card.login.box.isChecked()


def test_outside_the_sandbox_the_systems_own_way_is_used(tmp_path: Path) -> None:
    assert own_autostart(Config(tmp_path, sandbox=True)) is None
    own = own_autostart(Config(tmp_path))
    usual = own_autostart(Config(default_data_dir()))
    assert own is not None
    assert str(tmp_path) in str(own)
    assert "--data-dir" not in str(usual)


def test_going_on_in_the_background_is_kept(qtbot: QtBot, open_page: Page) -> None:
    engine = FakeEngine()
    engine.settings = {KEEP_RUNNING: "false"}
    card = open_page(engine).start
    qtbot.waitUntil(lambda: not card.keep.box.isChecked())
    card.keep.box.click()
    qtbot.waitUntil(lambda: engine.settings[KEEP_RUNNING] == "true")


@pytest.mark.parametrize("value", ["light", "dark", "system"])
def test_colours_are_kept(qtbot: QtBot, open_page: Page, value: str) -> None:
    engine = FakeEngine()
    engine.settings = {THEME: json.dumps("light" if value != "light" else "dark")}
    card = open_page(engine).look
    qtbot.waitUntil(lambda: not card.choices["system"].isChecked())
    card.choices[value].click()
    qtbot.waitUntil(lambda: engine.settings[THEME] == json.dumps(value))
    assert card.choices[value].isChecked()


def test_a_colour_that_is_not_kept_is_taken_back(qtbot: QtBot, open_page: Page) -> None:
    engine = FakeEngine()
    engine.errors[m.PutSettings] = StoreFull("The disk is full.", "Make room.")
    card = open_page(engine).look
    card.choices["dark"].click()
    qtbot.waitUntil(lambda: card.said == "The disk is full. Make room.")
    assert card.choices["system"].isChecked()


def test_the_vault_follows_its_changes(qtbot: QtBot, open_page: Page) -> None:
    engine = FakeEngine()
    card = open_page(engine).vault
    qtbot.waitUntil(lambda: "Open" in texts(card))
    assert card.said == ""
    engine.vault = m.VaultState(m.VaultStatus.LOCKED, "Secret Service", "Unlock the keyring.")
    engine.push(events.VaultChanged("locked"))
    qtbot.waitUntil(lambda: "Locked" in texts(card))
    assert card.said == "Unlock the keyring."


def test_a_lost_key_can_be_given_up_after_a_second_press(qtbot: QtBot, open_page: Page) -> None:
    engine = FakeEngine()
    engine.vault = m.VaultState(m.VaultStatus.KEY_MISSING, "Secret Service", "The key is gone.")
    card = open_page(engine).vault
    qtbot.waitUntil(lambda: card.start_over.isVisibleTo(card))
    card.start_over.click()
    assert engine.of(m.StartOverVault) == [] and "reconnected" in card.said
    card.start_over.click()
    qtbot.waitUntil(lambda: not card.start_over.isVisibleTo(card))
    assert engine.of(m.StartOverVault) == [m.StartOverVault()] and card.said == ""


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("keyring.backends.SecretService.Keyring", "Secret Service (the desktop's keyring)"),
        ("keyring.backends.Windows.WinVaultKeyring", "Windows Credential Manager"),
        ("keyring.backends.macOS.Keyring", "macOS Keychain"),
        ("passphrase file", "passphrase file"),
    ],
)
def test_the_keyring_is_called_what_people_call_it(backend: str, words: str) -> None:
    assert keyring_words(backend) == words


def texts(widget: object) -> list[str]:
    from PySide6.QtWidgets import QLabel, QWidget

    assert isinstance(widget, QWidget)
    return [label.text() for label in widget.findChildren(QLabel)]


def test_backup_goes_through_the_engine(qtbot: QtBot, open_page: Page, tmp_path: Path) -> None:
    engine = FakeEngine()
    card = open_page(engine).data
    engine.vault = replace(engine.vault, opens_with="your passphrase")
    card.back_up_to(str(tmp_path / "copy.db"))
    qtbot.waitUntil(lambda: card.said.startswith(f"Backed up to {tmp_path / 'copy.db'}."))
    assert card.said.endswith(" open only with your passphrase.")
    assert engine.of(m.Backup) == [m.Backup(str(tmp_path / "copy.db"))]
    engine.errors[m.Backup] = StoreFull("The disk is full.", "Make room.")
    card.back_up_to(str(tmp_path / "copy.db"))
    qtbot.waitUntil(lambda: card.said == "The disk is full. Make room.")


def test_export_is_written_where_asked(qtbot: QtBot, open_page: Page, tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.answers[m.Export] = m.Exported('{"accounts": ["ä"]}')
    card = open_page(engine).data
    card.export_to(str(tmp_path / "out.json"))
    qtbot.waitUntil(lambda: card.said.startswith("Exported to"))
    assert (tmp_path / "out.json").read_text(encoding="utf-8") == '{"accounts": ["ä"]}'
    card.export_to(str(tmp_path / "none" / "out.json"))
    qtbot.waitUntil(lambda: "cannot be written: No such file or directory." in card.said)


def test_the_file_dialog_proposes_a_name(qtbot: QtBot, open_page: Page) -> None:
    card = open_page(FakeEngine()).data
    card.backup.click()
    dialog = card.findChild(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    assert Path(dialog.selectedFiles()[0]).name == "reply-desktop-2026-03-03.db"
    dialog.reject()


def test_the_folder_is_shown(open_page: Page, tmp_path: Path) -> None:
    assert str(tmp_path) in texts(open_page(FakeEngine()).data)


def test_without_the_engine_only_what_works_can_be_pressed(qtbot: QtBot, open_page: Page) -> None:
    engine = FakeEngine()
    page = open_page(engine, Autostart())
    engine.stop()
    qtbot.waitUntil(lambda: not page.look.isEnabled())
    assert page.start.login.isEnabled()
    assert page.doctor.run.isEnabled()


def test_the_window_knows_of_a_missing_tray() -> None:
    (row, *_) = window_findings(None)
    assert (row.name, row.ok, row.required) == ("tray icon", False, False)
    assert row.fix


def test_every_control_has_a_name(open_page: Page) -> None:
    for control in open_page(FakeEngine(), Autostart()).findChildren(QAbstractButton):
        assert control.text() or control.accessibleName()
