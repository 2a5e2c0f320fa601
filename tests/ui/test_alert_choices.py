"""The grid of what is told where: every choice has its cells, each cell is kept, none but the offered."""

import json
from collections.abc import Callable

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import PutSettings
from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.errors import StoreFull
from reply_desktop.domain.notification_rules import CHOICE_WORDS, CHOICES, RULES, default_choices
from reply_desktop.domain.preferences import ALERT_CHOICES, OTHER_ACCOUNTS, REMINDERS, TRAY_ALERTS
from reply_desktop.ui.alert_choices import CHANNELS, MEANINGS, ChoicesCard
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.preferences import Preferences
from tests.fakes.engine import FakeEngine
from tests.harness.settling import activate

Open = Callable[[FakeEngine], Bridge]


class Tray(QObject):
    available_changed = Signal(bool)
    available = True


@pytest.fixture
def open_card(qtbot: QtBot, open_bridge: Open) -> Callable[..., ChoicesCard]:
    def opened(engine: FakeEngine, tray: Tray | None = None) -> ChoicesCard:
        card = ChoicesCard(Preferences(open_bridge(engine)), tray)  # type: ignore[arg-type]
        qtbot.addWidget(card)
        card.show()
        return card

    return opened


Card = Callable[..., ChoicesCard]


def test_words_and_columns_are_whole() -> None:
    assert MEANINGS.keys() == CHOICE_WORDS.keys() == CHOICES.keys()
    assert CHANNELS.keys() == set(Channel)


def test_every_offered_cell_and_no_other_can_be_chosen(open_card: Card) -> None:
    offered = {(choice, channel) for choice, kinds in CHOICES.items() for channel in RULES[kinds[0]].offered}
    card = open_card(FakeEngine())
    assert card.boxes.keys() == offered | {(REMINDERS, Channel.TRAY)}


def test_every_cell_says_what_it_is(open_card: Card) -> None:
    card = open_card(FakeEngine())
    assert card.boxes["lost", Channel.EMAIL].accessibleName() == "E-mail: an account cannot send"
    assert card.boxes[REMINDERS, Channel.TRAY].accessibleName() == "Desktop: still not fixed"
    labels = {one.accessibleName(): one for one in card.grid.findChildren(QLabel) if one.accessibleName()}
    why = labels["E-mail: it works again, not offered"]
    assert why.text() == "–"
    assert why.toolTip() == "One e-mail per problem is enough."
    assert "keeps everything" in labels["Bell: an account cannot send, always"].toolTip()
    assert sum(name.endswith(", always") for name in labels) == len(CHOICES) + 1


def test_what_is_kept_is_shown(qtbot: QtBot, open_card: Card) -> None:
    engine = FakeEngine()
    engine.settings = {
        ALERT_CHOICES: json.dumps({"lost": ["tray"]}),
        REMINDERS: "false",
        OTHER_ACCOUNTS: "true",
    }
    card = open_card(engine)
    qtbot.waitUntil(card.options[OTHER_ACCOUNTS].box.isChecked)
    assert card.boxes["lost", Channel.TRAY].isChecked()
    assert not card.boxes["lost", Channel.EMAIL].isChecked()
    assert not card.boxes[REMINDERS, Channel.TRAY].isChecked()
    # What the kept value does not name follows the table.
    assert card.boxes["deadline", Channel.EMAIL].isChecked()
    assert engine.of(PutSettings) == []


@pytest.mark.parametrize(
    ("choice", "channel"), [(choice, channel) for choice in CHOICES for channel in sorted(Channel)]
)
def test_a_cell_is_kept_at_once_and_alone(
    qtbot: QtBot, open_card: Card, choice: str, channel: Channel
) -> None:
    engine = FakeEngine()
    card = open_card(engine)
    box = card.boxes.get((choice, channel))
    if box is None:
        assert channel not in RULES[CHOICES[choice][0]].offered
        return
    before = default_choices()
    box.click()
    wanted = {**before, choice: sorted(set(before[choice]) ^ {channel.value})}
    qtbot.waitUntil(lambda: json.loads(engine.settings.get(ALERT_CHOICES, "0")) == wanted)
    box.click()
    qtbot.waitUntil(lambda: json.loads(engine.settings[ALERT_CHOICES]) == before)


@pytest.mark.parametrize(("name", "kept"), [(TRAY_ALERTS, "false"), (OTHER_ACCOUNTS, "true")])
def test_a_switch_is_kept_at_once(qtbot: QtBot, open_card: Card, name: str, kept: str) -> None:
    engine = FakeEngine()
    card = open_card(engine)
    card.options[name].box.click()
    qtbot.waitUntil(lambda: engine.of(PutSettings) == [PutSettings({name: kept})])


def test_reminders_are_switched_by_the_keyboard(qtbot: QtBot, open_card: Card) -> None:
    engine = FakeEngine()
    card = open_card(engine)
    activate(qtbot, card)
    box = card.boxes[REMINDERS, Channel.TRAY]
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: engine.of(PutSettings) == [PutSettings({REMINDERS: "false"})])


def test_without_desktop_alerts_their_column_rests(open_card: Card) -> None:
    card = open_card(FakeEngine())
    card.options[TRAY_ALERTS].box.click()
    assert not card.test.isEnabled()
    assert card.states["Desktop"].text() == "switched off"
    assert {channel for (_, channel), box in card.boxes.items() if not box.isEnabled()} == {Channel.TRAY}
    assert card.boxes["lost", Channel.TRAY].isChecked()


def test_a_choice_that_is_not_kept_is_taken_back_and_said(qtbot: QtBot, open_card: Card) -> None:
    engine = FakeEngine()
    engine.errors[PutSettings] = StoreFull("The disk is full.", "Make room.")
    card = open_card(engine)
    card.boxes["lost", Channel.EMAIL].click()
    qtbot.waitUntil(lambda: card.said == "The disk is full. Make room.")
    assert card.boxes["lost", Channel.EMAIL].isChecked()
    engine.errors.clear()
    card.boxes["lost", Channel.EMAIL].click()
    qtbot.waitUntil(lambda: ALERT_CHOICES in engine.settings)
    assert card.said == ""


def test_a_desktop_without_tray_is_told(open_card: Card) -> None:
    tray = Tray()
    card = open_card(FakeEngine(), tray)
    assert card.said == ""
    tray.available_changed.emit(False)
    assert "no tray icons" in card.said
    tray.available_changed.emit(True)
    assert card.said == ""
