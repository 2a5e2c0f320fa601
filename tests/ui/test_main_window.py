"""The window's frame: pages on demand, closing, remembering."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleActionInterface
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.ui.main_window import (
    ACCOUNTS,
    DIAGNOSIS,
    GENERAL,
    PROVIDERS,
    SANDBOX,
    SEQUENCE,
    SEQUENCES,
    MainWindow,
)
from reply_desktop.ui.remembered import Remembered
from tests.harness.settling import activate

Make = Callable[..., MainWindow]


@pytest.fixture
def make(qtbot: QtBot) -> Make:
    def made(remembered: Remembered | None = None, *, sandbox: bool = False) -> MainWindow:
        window = MainWindow(remembered or Remembered(None), sandbox=sandbox)
        qtbot.addWidget(window, before_close_func=lambda one: setattr(one, "leaving", True))
        window.show()
        return window

    return made


def entry(window: MainWindow, title: str) -> QAbstractButton:
    return next(one for one in window.findChildren(QAbstractButton) if one.accessibleName() == title)


def test_pages_are_made_when_first_opened(make: Make) -> None:
    window = make()
    made: list[str] = []

    def page(name: str) -> QWidget:
        made.append(name)
        return QLabel(name)

    for name in (ACCOUNTS, PROVIDERS):
        window.add_page(name, lambda name=name: page(name))  # type: ignore[misc]
    assert made == [] and window.open_page("nothing") is None
    first = window.open_page(ACCOUNTS)
    entry(window, "Providers").click()
    assert window.current == PROVIDERS and entry(window, "Providers").isChecked()
    assert window.open_page(ACCOUNTS) is first and made == [ACCOUNTS, PROVIDERS]


def test_a_page_that_is_still_to_come_opens_nothing(make: Make) -> None:
    window = make()
    entry(window, "General").click()
    assert window.current == "" and window.open_page(GENERAL) is None


@pytest.fixture
def whole(make: Make) -> MainWindow:
    window = make()
    for name in (ACCOUNTS, PROVIDERS, SEQUENCES, SEQUENCE):
        window.add_page(name, lambda name=name: QLabel(name))  # type: ignore[misc]
    window.open_page(ACCOUNTS)
    return window


def test_the_two_sections_and_where_the_settings_were_left(whole: MainWindow) -> None:
    sequences, settings = entry(whole, "Sequences"), entry(whole, "Settings")
    assert settings.isChecked() and entry(whole, "Providers").isVisible()
    entry(whole, "Providers").click()
    sequences.click()
    assert whole.current == SEQUENCES and sequences.isChecked()
    assert not entry(whole, "Providers").isVisible()
    settings.click()
    assert whole.current == PROVIDERS and settings.isChecked() and entry(whole, "Providers").isVisible()


def test_assistive_technology_toggles_a_section(whole: MainWindow) -> None:
    entry(whole, "Sequences").setChecked(True)
    assert whole.current == SEQUENCES
    entry(whole, "Settings").setChecked(True)
    assert whole.current == ACCOUNTS


def act(window: MainWindow, title: str, action: str) -> None:
    """What a screen reader does with a button."""
    found = QAccessible.queryAccessibleInterface(entry(window, title))
    assert found is not None
    actions = found.actionInterface()
    assert action in actions.actionNames()
    actions.doAction(action)


def test_a_screen_reader_goes_to_a_section_and_back_to_the_list_from_one_sequence(whole: MainWindow) -> None:
    toggle = QAccessibleActionInterface.toggleAction()
    for title, page in (("Sequences", SEQUENCES), ("Settings", ACCOUNTS), ("Settings", ACCOUNTS)):
        act(whole, title, toggle)
        assert whole.current == page
        assert [name for name in ("Sequences", "Settings") if entry(whole, name).isChecked()] == [title]
    act(whole, "Providers", toggle)
    act(whole, "Providers", toggle)
    assert whole.current == PROVIDERS and entry(whole, "Providers").isChecked()
    assert not entry(whole, "Email accounts").isChecked()
    whole.open_page(SEQUENCE)
    act(whole, "Sequences", toggle)
    assert whole.current == SEQUENCES and entry(whole, "Sequences").isChecked()


def test_one_sequence_belongs_to_its_section_and_leads_back(whole: MainWindow) -> None:
    whole.open_page(SEQUENCE)
    assert whole.current == SEQUENCE and entry(whole, "Sequences").isChecked()
    entry(whole, "Sequences").click()
    assert whole.current == SEQUENCES


def test_a_diagnosis_lies_under_the_accounts_and_leads_back(whole: MainWindow) -> None:
    whole.add_page(DIAGNOSIS, lambda: QLabel(DIAGNOSIS))
    whole.open_page(GENERAL)
    whole.open_page(DIAGNOSIS)
    assert entry(whole, "Settings").isChecked() and entry(whole, "Email accounts").isChecked()
    entry(whole, "Email accounts").click()
    assert whole.current == ACCOUNTS
    whole.open_page(DIAGNOSIS)
    whole.open_sequences()
    whole.open_last_settings()
    assert whole.current == ACCOUNTS


def test_keys_lead_to_the_sections(qtbot: QtBot, whole: MainWindow) -> None:
    activate(qtbot, whole)
    for key, page in ((Qt.Key.Key_1, SEQUENCES), (Qt.Key.Key_2, ACCOUNTS)):
        QTest.keyClick(whole, key, Qt.KeyboardModifier.ControlModifier)
        assert whole.current == page


def test_a_list_that_is_still_to_come_opens_nothing(make: Make) -> None:
    window = make()
    entry(window, "Sequences").click()
    assert window.current == "" and entry(window, "Settings").isChecked()
    assert not entry(window, "Sequences").isChecked()


def test_the_section_in_view_is_remembered(whole: MainWindow) -> None:
    whole.open_page(SEQUENCE)
    whole.remember()
    assert whole._remembered.get("window/section") == SEQUENCES
    whole.open_page(PROVIDERS)
    whole.remember()
    assert whole._remembered.get("window/section") == ""


def test_the_sandbox_is_marked_and_has_its_page(make: Make) -> None:
    plain, sandbox = make(), make(sandbox=True)
    texts = [one.text() for one in sandbox.findChildren(QLabel)]
    assert "Sandbox" in texts and "Sandbox" not in [one.text() for one in plain.findChildren(QLabel)]
    sandbox.add_page(SANDBOX, QWidget)
    entry(sandbox, "Sandbox").click()
    assert sandbox.current == SANDBOX


def test_with_little_room_the_navigation_keeps_its_names(make: Make) -> None:
    window = make()
    window.resize(800, 500)
    QTest.qWait(5)
    assert entry(window, "Providers").text() == "" and entry(window, "Providers").toolTip() == "Providers"
    window.resize(1300, 700)
    QTest.qWait(5)
    assert entry(window, "Providers").text() == "Providers"


def test_closing_hides_to_the_tray(qtbot: QtBot, make: Make) -> None:
    window = make()
    window.has_tray = lambda: True
    with qtbot.waitSignal(window.about_to_hide):
        window.close()
    assert not window.isVisible()
    window.bring()
    assert window.isVisible()


def test_without_a_tray_it_says_so_once_and_stays_in_reach(qtbot: QtBot, make: Make) -> None:
    window = make()
    window.close()
    (box,) = window.findChildren(QMessageBox)
    assert "no tray icons" in box.text() and window.isVisible()
    assert box.textFormat() is Qt.TextFormat.PlainText
    next(one for one in box.buttons() if one.text() == "Minimise").click()
    assert window.isMinimized()
    window.bring()
    assert not window.isMinimized()
    window.close()
    assert window.isMinimized() and not any(one.isVisible() for one in window.findChildren(QMessageBox))


def test_without_a_tray_one_may_quit_instead(qtbot: QtBot, make: Make) -> None:
    window = make()
    window.close()
    (box,) = window.findChildren(QMessageBox)
    with qtbot.waitSignal(window.quit_wanted):
        next(one for one in box.buttons() if one.text() == "Quit").click()


def test_leaving_closes_for_good(make: Make) -> None:
    window = make()
    window.leaving = True
    assert window.close() and not window.isVisible()


def test_ctrl_q_quits(qtbot: QtBot, make: Make) -> None:
    window = make()
    activate(qtbot, window)
    with qtbot.waitSignal(window.quit_wanted):
        QTest.keyClick(window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)


def test_its_place_is_remembered(make: Make, tmp_path: Path) -> None:
    file = tmp_path / "window.ini"
    window = make(Remembered(file))
    window.resize(780, 520)
    window.remember()
    again = make(Remembered(file))
    assert (again.width(), again.height()) == (780, 520)


def test_the_footer_says_how_the_service_is(make: Make) -> None:
    window = make()
    window.show_engine("Background service running", "green", "5 accounts", "3 Mar 2026")
    texts = [one.text() for one in window.findChildren(QLabel)]
    assert "Background service running" in texts and "5 accounts" in texts


def test_every_control_has_a_name(make: Make) -> None:
    window = make(sandbox=True)
    window.resize(800, 500)
    QTest.qWait(5)
    unnamed = [
        one for one in window.findChildren(QAbstractButton) if not (one.accessibleName() or one.text())
    ]
    assert unnamed == []
