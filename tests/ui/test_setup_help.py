"""Steps with links and values to copy."""

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QLabel
from pytestqt.qtbot import QtBot

from reply_desktop.domain.provider import Provider
from reply_desktop.domain.provider_setup import SETUP_STEPS
from reply_desktop.ui.setup_help import Facts, copyable, steps_list


def test_every_step_is_told_and_its_page_opens(qtbot: QtBot) -> None:
    opened: list[str] = []
    steps = SETUP_STEPS[Provider.GOOGLE]

    def open_in_browser(url: str) -> bool:
        opened.append(url)
        return True

    made = steps_list(steps, open_in_browser)
    qtbot.addWidget(made)
    texts = {label.text() for label in made.findChildren(QLabel)}
    assert {step.text for step in steps} <= texts
    for button in made.findChildren(QAbstractButton):
        if button.accessibleName().startswith("Open the page"):
            button.click()
    assert opened == [step.page for step in steps if step.page]


def test_a_value_is_copied(qtbot: QtBot) -> None:
    made = copyable("Client ID", "abc-123")
    qtbot.addWidget(made)
    button = made.findChild(QAbstractButton)
    assert isinstance(button, QAbstractButton)
    assert button.accessibleName() == "Copy: Client ID"
    button.click()
    assert QGuiApplication.clipboard().text() == "abc-123"


def test_facts_leave_out_what_is_not_known(qtbot: QtBot) -> None:
    facts = Facts()
    qtbot.addWidget(facts)
    facts.put(("One", "1", False), ("Two", "", True))
    facts.put(("One", "1", False), ("Two", "", True), ("Three", "3", True))
    assert [label.text() for label in facts.findChildren(QLabel)] == ["One", "1", "Three", "3"]
