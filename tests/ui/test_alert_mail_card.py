"""Alert e-mail in the settings: the address, the daily cap, how it stands, the test."""

import json
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.errors import InvalidInput, StoreFull
from reply_desktop.domain.grant import MailServer, Security
from reply_desktop.domain.preferences import EMAIL_CAP, EMAIL_TO, MOST_EMAILS
from reply_desktop.domain.rows import AccountRow, AlertMailRow, RelayRow
from reply_desktop.domain.states import State
from reply_desktop.ui.alert_mail_card import AlertMailCard, mail_words
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.preferences import Preferences
from tests.fakes.engine import FakeEngine, few, row
from tests.harness.settling import activate, settle

Open = Callable[[FakeEngine], Bridge]
ANA = "ana@brightfield.example"
NO_WAY = "No account can send, and no relay is set up. Reconnect an account, or add a relay below."
RELAY = RelayRow(MailServer("smtp.relay.example", 465, Security.TLS), "ana", ANA, True)


@pytest.fixture
def open_card(qtbot: QtBot, open_bridge: Open) -> Callable[[FakeEngine], AlertMailCard]:
    def opened(engine: FakeEngine) -> AlertMailCard:
        bridge = open_bridge(engine)
        card = AlertMailCard(bridge, Preferences(bridge))
        qtbot.addWidget(card)
        card.resize(720, 600)
        card.show()
        settle(qtbot, bridge)
        return card

    return opened


Card = Callable[[FakeEngine], AlertMailCard]


def told(card: AlertMailCard) -> list[str]:
    return [label.text() for label in card._status.findChildren(QLabel) if label.text()]


def with_address() -> FakeEngine:
    engine = FakeEngine(few())
    engine.settings = {EMAIL_TO: json.dumps(ANA)}
    engine.change_mail(to=ANA)
    return engine


# The address


def test_the_address_is_kept_as_the_field_is_left(qtbot: QtBot, open_card: Card) -> None:
    engine = FakeEngine(few())
    card = open_card(engine)
    activate(qtbot, card)
    card.to.setFocus()
    QTest.keyClicks(card.to, "  Ops@Acme.example ")
    assert engine.of(m.PutSettings) == []
    QTest.keyClick(card.to, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: engine.of(m.PutSettings) == [m.PutSettings({EMAIL_TO: '"ops@acme.example"'})])
    assert card.to.text() == "ops@acme.example"
    assert card.test.isEnabled()


def test_what_is_no_address_is_said_and_not_kept(qtbot: QtBot, open_card: Card) -> None:
    engine = with_address()
    card = open_card(engine)
    activate(qtbot, card)
    card.to.setFocus()
    card.to.selectAll()
    QTest.keyClicks(card.to, "nobody")
    card.cap.setFocus()
    assert card.wrong.text() == "“nobody” is not a mail address. Write it like name@example.com."
    assert card.wrong.isVisible()
    assert card.to.accessibleDescription() == card.wrong.text()
    card.test.click()
    assert engine.of(m.TestAlertMail) == []
    card.to.setFocus()
    QTest.keyClicks(card.to, "x")
    assert not card.wrong.isVisible()
    assert engine.of(m.PutSettings) == []


def test_an_emptied_field_ends_e_mail(qtbot: QtBot, open_card: Card) -> None:
    engine = with_address()
    card = open_card(engine)
    assert card.to.text() == ANA
    card.to.clear()
    card.to.editingFinished.emit()
    qtbot.waitUntil(lambda: engine.settings[EMAIL_TO] == '""')
    assert not card.test.isEnabled()


def test_a_connected_account_is_offered_while_there_is_none(qtbot: QtBot, open_card: Card) -> None:
    engine = FakeEngine(few())
    card = open_card(engine)
    qtbot.waitUntil(card.offer.isVisible)
    assert card.offer.text() == f"Use {ANA}"
    card.offer.click()
    qtbot.waitUntil(lambda: engine.settings.get(EMAIL_TO) == json.dumps(ANA))
    assert card.to.text() == ANA
    assert not card.offer.isVisible()


@pytest.mark.parametrize("rows", [[], [row(1, "a@x.example", state=State.EXPIRED)]])
def test_without_a_connected_account_none_is_offered(
    qtbot: QtBot, open_card: Card, rows: list[AccountRow]
) -> None:
    assert not open_card(FakeEngine(rows)).offer.isVisible()


def test_an_address_that_is_not_kept_is_taken_back(qtbot: QtBot, open_card: Card) -> None:
    engine = FakeEngine(few())
    engine.errors[m.PutSettings] = StoreFull("The disk is full.", "Make room.")
    card = open_card(engine)
    card.offer.click()
    qtbot.waitUntil(lambda: card.said == "The disk is full. Make room.")
    assert card.to.text() == ""


# The cap


def test_the_cap_is_kept_once_it_was_typed(qtbot: QtBot, open_card: Card) -> None:
    engine = with_address()
    card = open_card(engine)
    activate(qtbot, card)
    assert (card.cap.value(), card.cap.minimum(), card.cap.maximum()) == (10, 1, MOST_EMAILS)
    card.cap.setFocus()
    card.cap.selectAll()
    QTest.keyClicks(card.cap, "25")
    assert engine.of(m.PutSettings) == []
    QTest.keyClick(card.cap, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: engine.of(m.PutSettings) == [m.PutSettings({EMAIL_CAP: "25"})])


# How it stands


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"to": ""}, [("muted", "Nobody is told by e-mail until there is an address.")]),
        (
            {},
            [
                ("green", "Goes out through ana@b.example."),
                ("muted", "2 of 10 e-mails sent in the last 24 hours."),
            ],
        ),
        (
            {"waiting": 1},
            [
                ("green", "Goes out through ana@b.example. 1 alert waits."),
                ("muted", "2 of 10 e-mails sent in the last 24 hours."),
            ],
        ),
        (
            {"through": None, "waiting": 3},
            [
                ("orange", f"{NO_WAY} 3 alerts wait."),
                ("muted", "2 of 10 e-mails sent in the last 24 hours."),
            ],
        ),
        (
            {"through": None, "relay": RELAY},
            [
                (
                    "orange",
                    "No account can send, and the relay cannot be used. Reconnect an account, or check its "
                    "settings below.",
                ),
                ("muted", "2 of 10 e-mails sent in the last 24 hours."),
            ],
        ),
        (
            {"through": "smtp.relay.example", "relay": RELAY},
            [
                ("green", "Goes out through the relay smtp.relay.example."),
                ("muted", "2 of 10 e-mails sent in the last 24 hours."),
            ],
        ),
        (
            {"sent_today": 10, "trouble": "535 refused\u202e"},
            [
                ("green", "Goes out through ana@b.example."),
                ("orange", "10 of 10 e-mails sent in the last 24 hours; more wait."),
                ("red", "535 refused"),
            ],
        ),
    ],
)
def test_how_it_stands_in_words(fields: dict[str, object], words: list[tuple[str, str]]) -> None:
    canned: dict[str, object] = {"to": ANA, "through": "ana@b.example", "relay": None, "waiting": 0}
    row = AlertMailRow(**(canned | {"sent_today": 2, "daily_cap": 10} | fields))  # type: ignore[arg-type]
    assert [(tone, text.replace("\u200b", "")) for tone, text in mail_words(row)] == words


def test_it_follows_what_changes(qtbot: QtBot, open_card: Card) -> None:
    engine = with_address()
    card = open_card(engine)
    qtbot.waitUntil(lambda: len(told(card)) == 2)
    engine.change_mail(through=None, waiting=3)
    qtbot.waitUntil(lambda: f"{NO_WAY} 3 alerts wait." in told(card))


def test_it_is_asked_anew_whenever_it_is_looked_at(qtbot: QtBot, open_card: Card) -> None:
    engine = with_address()
    card = open_card(engine)
    card.hide()
    engine.alert_mail = AlertMailRow(ANA, None, None, 7, 0, 10)
    card.show()
    qtbot.waitUntil(lambda: f"{NO_WAY} 7 alerts wait." in told(card))


# The test


def test_a_test_e_mail_says_how_it_went(qtbot: QtBot, open_card: Card) -> None:
    engine = with_address()
    engine.mute = {m.TestAlertMail}
    card = open_card(engine)
    card.test.click()
    qtbot.waitUntil(lambda: bool(engine.held))
    assert card.said == "Sending…"
    assert not card.test.isEnabled()
    engine.answer_held()
    qtbot.waitUntil(lambda: card.said == f"Sent to {ANA} through {ANA}.")
    assert card.test.isEnabled()
    engine.mute = set()
    engine.errors[m.TestAlertMail] = InvalidInput("No account can send.", "Add a relay.")
    card.test.click()
    qtbot.waitUntil(lambda: card.said == "No account can send. Add a relay.")
    assert card.test.isEnabled()


def test_the_test_waits_until_the_address_is_kept(qtbot: QtBot, open_card: Card) -> None:
    """The engine carries out many requests at a time: it could still go to the address before."""
    engine = with_address()
    engine.mute = {m.PutSettings}
    card = open_card(engine)
    card.to.setText("ops@acme.example")
    card.test.click()
    qtbot.waitUntil(lambda: engine.of(m.PutSettings) == [m.PutSettings({EMAIL_TO: '"ops@acme.example"'})])
    assert engine.of(m.TestAlertMail) == [] and card.said == "Sending…"
    engine.answer_held()
    qtbot.waitUntil(lambda: len(engine.of(m.TestAlertMail)) == 1)
    qtbot.waitUntil(card.test.isEnabled)


def test_an_address_that_is_not_kept_is_not_tested(qtbot: QtBot, open_card: Card) -> None:
    engine = with_address()
    engine.errors[m.PutSettings] = StoreFull("The disk is full.", "Make room.")
    card = open_card(engine)
    card.test.click()
    qtbot.waitUntil(lambda: card.said == "The disk is full. Make room.")
    assert engine.of(m.TestAlertMail) == [] and card.test.isEnabled()


def test_what_is_changed_meanwhile_does_not_offer_a_second_test(qtbot: QtBot, open_card: Card) -> None:
    engine = with_address()
    engine.mute = {m.TestAlertMail}
    card = open_card(engine)
    card.test.click()
    qtbot.waitUntil(lambda: bool(engine.held))
    card.cap.setValue(3)
    assert not card.test.isEnabled() and card.said == "Sending…"
    engine.answer_held()
    qtbot.waitUntil(card.test.isEnabled)
