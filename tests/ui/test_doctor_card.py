"""The doctor's findings in the window, and its report."""

from collections.abc import Callable

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import DoctorReport, RunDoctor
from reply_desktop.domain.errors import EngineUnavailable
from reply_desktop.domain.rows import DoctorRow
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.doctor_card import DoctorCard
from tests.fakes.engine import NOW, FakeEngine

Open = Callable[[FakeEngine], Bridge]

GOOD = DoctorRow("clock", True, "0.4 s off")
BAD = DoctorRow("network", False, "no answer\n<b>", "Check the firewall.")
MINOR = DoctorRow("tray icon", False, "none", "Install one.", required=False)


def card_of(qtbot: QtBot, bridge: Bridge, *own: DoctorRow) -> DoctorCard:
    card = DoctorCard(bridge, lambda: own, lambda: NOW)
    qtbot.addWidget(card)
    card.show()
    return card


def test_findings_of_both_sides_the_bad_ones_first(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    engine.answers[RunDoctor] = DoctorReport((GOOD, BAD))
    card = card_of(qtbot, open_bridge(engine), MINOR)
    assert not card.copy.isVisible()
    card.run.click()
    assert not card.run.isEnabled()
    qtbot.waitUntil(lambda: card.rows == (BAD, MINOR, GOOD))
    assert card.run.isEnabled()
    assert card.said == "2 things to look at."
    texts = [label.text() for label in card._found.findChildren(QLabel)]
    assert "Check the firewall." in texts
    assert "No answer <b>" in texts


def test_all_well(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    engine.answers[RunDoctor] = DoctorReport((GOOD,))
    card = card_of(qtbot, open_bridge(engine))
    card.run.click()
    qtbot.waitUntil(lambda: card.said == "Everything works.")


def test_the_report_is_copied(qtbot: QtBot, open_bridge: Open) -> None:
    card = card_of(qtbot, open_bridge(FakeEngine()))
    card.show_rows((GOOD, BAD, MINOR))
    card.copy.click()
    report = QGuiApplication.clipboard().text()
    assert report.startswith("Reply Desktop ")
    assert "3 Mar 2026" in report
    assert "[BAD ] network: no answer <b> Fix: Check the firewall." in report
    assert "[note] tray icon: none Fix: Install one." in report
    assert "[ok  ] clock: 0.4 s off" in report
    assert card.copy.text() == "Copied"


def test_a_silent_engine_leaves_what_the_window_sees(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine()
    engine.errors[RunDoctor] = EngineUnavailable("The background service is not running.")
    card = card_of(qtbot, open_bridge(engine), MINOR)
    card.run.click()
    qtbot.waitUntil(lambda: card.rows == (MINOR,))
    assert card.said == "The background service is not running."
    assert card.run.isEnabled()
