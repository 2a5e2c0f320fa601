"""Quiet hours: kept as they are given, said in one sentence, and whether they hold now."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from PySide6.QtCore import QTime
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import PutSettings
from reply_desktop.domain.errors import StoreFull
from reply_desktop.domain.preferences import QUIET
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.quiet_card import QuietCard, local_zone, quiet_words
from tests.fakes.clock import FakeClock
from tests.fakes.engine import FakeEngine

Open = Callable[[FakeEngine], Bridge]
BERLIN = ZoneInfo("Europe/Berlin")
EVENING = datetime(2026, 3, 3, 22, 30, tzinfo=UTC)
"""Half past eleven on a Tuesday in Berlin."""


def kept(**changed: object) -> dict[str, object]:
    return {"on": False, "from": "22:00", "to": "07:00", "weekends": False, **changed}


@pytest.fixture
def open_card(qtbot: QtBot, open_bridge: Open) -> Callable[..., QuietCard]:
    def opened(engine: FakeEngine, now: Callable[[], datetime] = lambda: EVENING) -> QuietCard:
        card = QuietCard(Preferences(open_bridge(engine)), now, BERLIN)
        qtbot.addWidget(card)
        card.show()
        return card

    return opened


Card = Callable[..., QuietCard]


def test_they_are_off_at_first_and_say_what_they_would_do(open_card: Card) -> None:
    card = open_card(FakeEngine())
    assert not card.on.isChecked()
    assert not card.hours.isEnabled()
    assert (card.begins.text(), card.ends.text()) == ("22:00", "07:00")
    assert card.words.text() == (
        "Desktop and e-mail keep still from 22:00 to 07:00; what happened meanwhile comes together when it "
        "ends. Bell, log and team channels go on."
    )
    assert not card.now.isVisible()


def test_the_whole_time_can_be_read(open_card: Card) -> None:
    card = open_card(FakeEngine())
    for field in (card.begins, card.ends):
        inner = field.lineEdit()
        assert inner.width() > inner.fontMetrics().horizontalAdvance("00:00")


def test_each_part_is_kept(qtbot: QtBot, open_card: Card) -> None:
    engine = FakeEngine()
    card = open_card(engine)
    card.on.click()
    assert card.hours.isEnabled()
    card.begins.setTime(QTime(21, 15))
    card.ends.setTime(QTime(6, 45))
    card.weekends.click()
    wanted = kept(on=True, to="06:45", weekends=True) | {"from": "21:15"}
    qtbot.waitUntil(lambda: json.loads(engine.settings.get(QUIET, "0")) == wanted)
    assert card.words.text().startswith(
        "Desktop and e-mail keep still from 21:15 to 06:45, and all Saturday and Sunday;"
    )


def test_what_is_kept_is_shown(qtbot: QtBot, open_card: Card) -> None:
    engine = FakeEngine()
    engine.settings = {QUIET: json.dumps(kept(on=True, to="08:30", weekends=True))}
    card = open_card(engine)
    qtbot.waitUntil(card.on.isChecked)
    assert card.ends.text() == "08:30"
    assert card.weekends.isChecked()
    assert engine.of(PutSettings) == []


def test_it_says_until_when_it_is_quiet(qtbot: QtBot, open_card: Card) -> None:
    clock = FakeClock(EVENING)
    card = open_card(FakeEngine(), clock.now)
    card.on.click()
    assert card.now.isVisible()
    assert card.now.text() == "It is quiet now, until Wednesday 07:00."
    clock.advance(timedelta(hours=2).total_seconds())
    card._looks.timeout.emit()
    assert card.now.text() == "It is quiet now, until 07:00."
    clock.advance(timedelta(hours=8).total_seconds())
    card._looks.timeout.emit()
    assert not card.now.isVisible()


def test_nothing_ticks_while_nobody_looks(open_card: Card) -> None:
    card = open_card(FakeEngine())
    assert card._looks.isActive()
    card.hide()
    assert not card._looks.isActive()


def test_what_is_not_kept_is_taken_back(qtbot: QtBot, open_card: Card) -> None:
    engine = FakeEngine()
    engine.errors[PutSettings] = StoreFull("The disk is full.", "Make room.")
    card = open_card(engine)
    card.on.click()
    qtbot.waitUntil(lambda: card.said == "The disk is full. Make room.")
    assert not card.on.isChecked()


@pytest.mark.parametrize(
    ("weekends", "said"),
    [
        (False, "From and to are the same, so it is never quiet."),
        (True, "keep still all Saturday and Sunday;"),
    ],
)
def test_equal_times_are_no_quiet(weekends: bool, said: str) -> None:
    assert said in quiet_words(kept(to="22:00", weekends=weekends))


def test_this_computers_zone_is_known() -> None:
    now = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert now.astimezone(local_zone()).utcoffset() == now.astimezone().utcoffset()
