"""Team channels in the settings: added, switched, tested, removed; their URL is nowhere to be read."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.rows import TeamChannelRow
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.team_channels_card import EXAMPLES, TeamChannelsCard
from tests.fakes.engine import NOW, FakeEngine
from tests.harness.settling import activate, settle

Open = Callable[[FakeEngine], Bridge]
SALES = TeamChannelRow("t1", "Sales", "Slack", "hooks.slack.com", True, None, NOW)
OPS = TeamChannelRow("t2", "Ops", "Teams", "x.logic.azure.com", False, "It answered 410: gone.")
URL = "https://hooks.slack.com/services/T0/B0/s3cret"


@pytest.fixture
def open_card(qtbot: QtBot, open_bridge: Open) -> Callable[[FakeEngine], TeamChannelsCard]:
    def opened(engine: FakeEngine) -> TeamChannelsCard:
        bridge = open_bridge(engine)
        card = TeamChannelsCard(bridge, lambda: NOW)
        qtbot.addWidget(card)
        card.resize(720, 500)
        card.show()
        settle(qtbot, bridge)
        return card

    return opened


Card = Callable[[FakeEngine], TeamChannelsCard]


def with_two() -> FakeEngine:
    engine = FakeEngine()
    engine.team = (SALES, OPS)
    return engine


def test_without_any_it_says_so(open_card: Card) -> None:
    card = open_card(FakeEngine())
    assert card.empty.isVisible()
    assert card.empty.text() == "Off until you add one."
    assert not card.form.isVisible()


def test_each_says_what_it_is_and_its_trouble(open_card: Card) -> None:
    card = open_card(with_two())
    assert not card.empty.isVisible()
    sales, ops = card.rows["t1"], card.rows["t2"]
    assert (sales.name.text(), sales.box.isChecked(), sales.trouble.isVisible()) == ("Sales", True, False)
    assert sales.about.text().startswith("Slack · hooks.slack.com · last told 3 Mar, ")
    assert ops.about.text() == "Teams · x.logic.azure.com · off"
    assert ops.trouble.text().replace("\u200b", "") == "It answered 410: gone."
    assert [one.accessibleName() for one in (ops.box, ops.test, ops.remove)] == [
        "Tell Ops",
        "Test Ops",
        "Remove Ops",
    ]
    assert "gone" in ops.box.accessibleDescription()


def test_one_is_added(qtbot: QtBot, open_card: Card) -> None:
    engine = FakeEngine()
    card = open_card(engine)
    activate(qtbot, card)
    card.add.click()
    assert not card.add.isVisible()
    QTest.keyClicks(card.form.name, "Sales")
    QTest.keyClick(card.form.name, Qt.Key.Key_Tab)
    assert card.form.url.hasFocus()
    card.form.url.setText(f" {URL} ")
    QTest.keyClick(card.form.url, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: list(card.rows) == ["t1"])
    assert engine.of(m.AddTeamChannel) == [m.AddTeamChannel("Sales", URL)]
    qtbot.waitUntil(lambda: card.said == "Sales is told from now on. Press Test to see a message arrive.")
    assert not card.form.isVisible()
    assert card.form.url.text() == ""
    assert card.add.hasFocus()


def test_the_url_cannot_be_read_or_copied(qtbot: QtBot, open_card: Card) -> None:
    card = open_card(FakeEngine())
    activate(qtbot, card)
    card.add.click()
    field = card.form.url
    assert field.echoMode() is QLineEdit.EchoMode.Password
    field.setText(URL)
    QGuiApplication.clipboard().setText("before")
    field.setFocus()
    field.selectAll()
    for keys in (QKeySequence.StandardKey.Copy, QKeySequence.StandardKey.Cut):
        QTest.keySequence(field, QKeySequence(keys))
    assert QGuiApplication.clipboard().text() == "before"
    card.form.cancel.click()
    assert field.text() == ""
    field.undo()
    assert field.text() == ""


@pytest.mark.parametrize(
    ("name", "url", "said"), [("", URL, "The name is missing."), ("Sales", " ", "The URL is missing.")]
)
def test_what_is_missing_is_said(open_card: Card, name: str, url: str, said: str) -> None:
    engine = FakeEngine()
    card = open_card(engine)
    card.add.click()
    card.form.name.setText(name)
    card.form.url.setText(url)
    card.form.add.click()
    assert said in card.form.said.text()
    assert engine.of(m.AddTeamChannel) == []


def test_a_refused_url_is_told_at_the_form(qtbot: QtBot, open_card: Card) -> None:
    engine = FakeEngine()
    engine.errors[m.AddTeamChannel] = InvalidInput("No service has such a URL.", "Paste it whole.")
    card = open_card(engine)
    card.add.click()
    card.form.name.setText("Sales")
    card.form.url.setText("x")
    card.form.add.click()
    assert not card.form.add.isEnabled()
    qtbot.waitUntil(card.form.said.isVisible)
    assert card.form.said.text().replace("\u200b", "") == "No service has such a URL. Paste it whole."
    assert (card.form.name.text(), card.form.url.text()) == ("Sales", "x")
    assert card.form.add.isEnabled()
    assert card.form.isVisible()


def test_one_is_switched(qtbot: QtBot, open_card: Card) -> None:
    engine = with_two()
    card = open_card(engine)
    card.rows["t2"].box.click()
    qtbot.waitUntil(lambda: engine.team[1].enabled)
    assert engine.of(m.SwitchTeamChannel) == [m.SwitchTeamChannel("t2", True)]
    engine.errors[m.SwitchTeamChannel] = InvalidInput("It is gone.", "")
    card.rows["t1"].box.click()
    qtbot.waitUntil(lambda: card.said.strip() == "It is gone.")
    assert card.rows["t1"].box.isChecked()


def test_one_is_tested(qtbot: QtBot, open_card: Card) -> None:
    engine = with_two()
    card = open_card(engine)
    card.rows["t1"].test.click()
    assert card.said == "Telling Sales…"
    assert not card.rows["t1"].test.isEnabled()
    qtbot.waitUntil(lambda: card.said == "The channel took the message.")
    assert card.rows["t1"].test.isEnabled()
    engine.errors[m.TestTeamChannel] = InvalidInput("It answered 410.", "Make a new URL.")
    card.rows["t2"].test.click()
    qtbot.waitUntil(lambda: card.said == "It answered 410. Make a new URL.")
    assert engine.of(m.TestTeamChannel) == [m.TestTeamChannel("t1"), m.TestTeamChannel("t2")]


def test_nothing_is_asked_any_more_of_one_that_was_removed_elsewhere(qtbot: QtBot, open_card: Card) -> None:
    engine = with_two()
    card = open_card(engine)
    activate(qtbot, card)
    card.rows["t1"].remove.click()
    engine.change_team((OPS,))
    qtbot.waitUntil(lambda: not card.question.isVisible())
    assert card.add.hasFocus()
    card.rows["t2"].remove.click()
    engine.change_team((OPS, SALES))
    settle(qtbot, card._bridge)
    assert card.question.isVisible()


def test_one_is_removed_after_a_question(qtbot: QtBot, open_card: Card) -> None:
    engine = with_two()
    card = open_card(engine)
    activate(qtbot, card)
    card.rows["t1"].remove.click()
    assert card.question.keep.hasFocus()
    card.question.keep.click()
    assert card.rows["t1"].remove.hasFocus()
    card.rows["t1"].remove.click()
    card.question.yes.click()
    qtbot.waitUntil(lambda: list(card.rows) == ["t2"])
    assert engine.of(m.RemoveTeamChannel) == [m.RemoveTeamChannel("t1")]
    assert card.add.hasFocus()


def test_it_follows_what_changes_and_keeps_the_focus(qtbot: QtBot, open_card: Card) -> None:
    engine = with_two()
    card = open_card(engine)
    activate(qtbot, card)
    card.rows["t2"].box.setFocus()
    engine.change_team((OPS,))
    qtbot.waitUntil(lambda: list(card.rows) == ["t2"])
    assert card.rows["t2"].box.hasFocus()
    engine.change_team(())
    qtbot.waitUntil(card.empty.isVisible)
    assert card.add.hasFocus()


def test_examples_hold_no_secret() -> None:
    for service, url in EXAMPLES:
        assert service
        assert "://" in url
