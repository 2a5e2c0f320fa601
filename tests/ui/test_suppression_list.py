"""The suppression list: looked through, added to, taken from."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.prospect import SuppressionReason
from reply_desktop.domain.sequence_rows import SuppressionRow
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.suppression_list import REASONS, SuppressionCard
from tests.fakes.engine import NOW, FakeEngine
from tests.harness.settling import settle


@pytest.fixture
def shown(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> tuple[SuppressionCard, FakeEngine]:
    engine = FakeEngine()
    card = SuppressionCard(open_bridge(engine), lambda: NOW)
    qtbot.addWidget(card)
    card.resize(700, 500)
    card.show()
    qtbot.waitUntil(lambda: card.table.rowCount() == 1)
    return card, engine


def test_every_reason_has_its_words() -> None:
    assert set(REASONS) == set(SuppressionReason)


def test_it_says_who_why_and_since_when(shown: tuple[SuppressionCard, FakeEngine]) -> None:
    card, _ = shown
    cells = [card.table.item(0, at) for at in range(4)]
    assert [one.text() for one in cells if one] == [
        "out@birch.example", "Asked to get no more mail", "3 Mar", "Asked by e-mail.",
    ]  # fmt: skip
    assert card.total.text() == "1 address"


def test_addresses_are_added_each_once(qtbot: QtBot, shown: tuple[SuppressionCard, FakeEngine]) -> None:
    card, engine = shown
    assert not card.add_button.isEnabled()
    card.new.setPlainText("a@x.example, b@x.example\n a@x.example;c@x.example\n")
    card.add_button.click()
    qtbot.waitUntil(lambda: card.table.rowCount() == 4)
    assert engine.of(m.AddSuppressions)[0].emails == ("a@x.example", "b@x.example", "c@x.example")
    assert card.new.toPlainText() == "" and "3 addresses are written to no more" in card.said


def test_an_address_is_taken_off(qtbot: QtBot, shown: tuple[SuppressionCard, FakeEngine]) -> None:
    card, engine = shown
    assert not card.remove_button.isEnabled()
    card.table.selectRow(0)
    card.remove_button.click()
    qtbot.waitUntil(lambda: card.table.rowCount() == 0)
    assert engine.of(m.RemoveSuppressions) == [m.RemoveSuppressions(("out@birch.example",))]
    assert "can be written to again" in card.said and not card.remove_button.isEnabled()


def test_it_is_searched_by_the_engine(qtbot: QtBot, shown: tuple[SuppressionCard, FakeEngine]) -> None:
    card, engine = shown
    QTest.keyClicks(card.text, "zzz")
    qtbot.waitUntil(lambda: card.table.rowCount() == 0)
    assert engine.of(m.ListSuppressions)[-1].text == "zzz"


def test_a_longer_list_says_how_long_it_is(qtbot: QtBot, shown: tuple[SuppressionCard, FakeEngine]) -> None:
    card, engine = shown
    row = SuppressionRow("a@x.example", SuppressionReason.BOUNCED, NOW, "")
    engine.answers[m.ListSuppressions] = m.SuppressionList((row, replace(row, email="b@x.example")), 90_000)
    card.refresh()
    qtbot.waitUntil(lambda: card.total.text() == "the newest 2 of 90,000 addresses")


def test_a_refusal_keeps_what_was_typed(qtbot: QtBot, shown: tuple[SuppressionCard, FakeEngine]) -> None:
    card, engine = shown
    engine.errors[m.AddSuppressions] = InvalidInput("“nobody” is no e-mail address.", "Correct it.")
    card.new.setPlainText("nobody")
    card.add_button.click()
    qtbot.waitUntil(lambda: "no e-mail address" in card.said)
    assert card.new.toPlainText() == "nobody"


def test_without_the_engine_nothing_can_be_changed(
    qtbot: QtBot, shown: tuple[SuppressionCard, FakeEngine]
) -> None:
    card, engine = shown
    card.new.setPlainText("a@x.example")
    assert card.add_button.isEnabled()
    engine.stop()
    qtbot.waitUntil(lambda: not card.add_button.isEnabled())
    engine.up = True
    qtbot.waitUntil(card.add_button.isEnabled)
    settle(qtbot, card._bridge)
