"""What stands in place of the table."""

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from reply_desktop.domain.provider import Provider
from reply_desktop.ui.first_steps import FirstSteps, NothingFound, NotYet


def test_three_big_buttons_one_per_provider(qtbot: QtBot) -> None:
    steps = FirstSteps()
    qtbot.addWidget(steps)
    steps.show()
    for provider, choice in steps.choices.items():
        with qtbot.waitSignal(steps.chosen) as chosen:
            choice.click()
        assert chosen.args == [provider]
        assert choice.accessibleName().startswith("Connect ") and choice.height() >= 60
    steps.show_configured({Provider.GOOGLE: False})
    google, microsoft = steps.choices[Provider.GOOGLE], steps.choices[Provider.MICROSOFT]
    assert "Settings → Providers" in google.accessibleDescription()
    assert "sign-in in your browser" in microsoft.accessibleDescription()


def test_nothing_found_leads_back(qtbot: QtBot) -> None:
    page = NothingFound()
    qtbot.addWidget(page)
    with qtbot.waitSignal(page.cleared):
        page.clear_button.click()


def test_waiting_is_told_only_when_it_lasts(qtbot: QtBot) -> None:
    page = NotYet()
    qtbot.addWidget(page)
    page._late.setInterval(10)
    page.show()
    (words,) = page.findChildren(QLabel)
    assert not words.isVisible()
    qtbot.waitUntil(words.isVisible)
    QTest.qWait(1)
