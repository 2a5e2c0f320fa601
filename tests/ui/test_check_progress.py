"""The line that tells how a check goes on."""

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import CancelCheck, CheckAccounts
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.events import CheckProgress
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.check_progress import CheckLine
from tests.fakes.engine import FakeEngine, few

Made = tuple[CheckLine, FakeEngine]


@pytest.fixture
def made(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Made:
    engine = FakeEngine(few())
    shown = CheckLine(open_bridge(engine))
    qtbot.addWidget(shown)
    return shown, engine


def test_progress_is_told_to_the_end(qtbot: QtBot, made: Made) -> None:
    shown, engine = made
    shown.start(("a1", "a2", "a3"))
    qtbot.waitUntil(lambda: shown.is_running)
    assert engine.of(CheckAccounts) == [CheckAccounts(("a1", "a2", "a3"))]
    assert shown.text() == "Checking 1 of 3 …" and not shown.isHidden()
    engine.push(CheckProgress("k1", 2, 3))
    qtbot.waitUntil(lambda: shown.text() == "Checking 3 of 3 …")
    engine.push(CheckProgress("k1", 3, 3))
    qtbot.waitUntil(lambda: not shown.is_running)
    assert shown.text() == "Checked 3 accounts." and shown.cancel.isHidden()


def test_progress_that_overtakes_the_answer_is_not_lost(qtbot: QtBot, made: Made) -> None:
    shown, engine = made
    engine.mute = {CheckAccounts}
    shown.start()
    qtbot.waitUntil(lambda: bool(engine.held))
    engine.push(CheckProgress("k1", 5, 5))
    qtbot.wait(10)
    engine.answer_held()
    qtbot.waitUntil(lambda: shown.text() == "Checked 5 accounts.")


def test_cancel_stops_it(qtbot: QtBot, made: Made) -> None:
    shown, engine = made
    shown.start()
    qtbot.waitUntil(lambda: shown.is_running)
    engine.push(CheckProgress("k1", 2, 5))
    qtbot.waitUntil(lambda: shown.text() == "Checking 3 of 5 …")
    shown.cancel.click()
    qtbot.waitUntil(lambda: engine.of(CancelCheck) == [CancelCheck("k1")])
    assert shown.text() == "Stopped after 2 accounts." and not shown.is_running


def test_a_refusal_is_told(qtbot: QtBot, made: Made) -> None:
    shown, engine = made
    engine.errors[CheckAccounts] = InvalidInput("That cannot be checked.")
    shown.start()
    qtbot.waitUntil(lambda: shown.text() == "That cannot be checked.")
    assert not shown.is_running


def test_a_lost_engine_ends_it(qtbot: QtBot, made: Made) -> None:
    shown, engine = made
    shown.start()
    qtbot.waitUntil(lambda: shown.is_running)
    engine.stop()
    qtbot.waitUntil(lambda: not shown.is_running)
