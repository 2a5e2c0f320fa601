"""The frame of settings pages: readable width, true height, one place for words."""

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from reply_desktop.domain.errors import NotFound
from reply_desktop.ui.controls import wrapped
from reply_desktop.ui.page import WIDTH, Card, Option, Page


def test_cards_are_as_wide_as_reads_well_and_no_higher_than_they_must(qtbot: QtBot) -> None:
    page = Page("Title", "About")
    qtbot.addWidget(page)
    cards = [Card(f"Card {number}", "Some words about it.") for number in range(3)]
    for card in cards:
        card.body.addWidget(wrapped("many words " * 40))
        page.add(card)
    page.resize(1200, 600)
    page.show()
    assert {card.width() for card in cards} == {WIDTH}
    page.resize(500, 600)
    qtbot.waitUntil(lambda: cards[0].width() < 500)
    inside = page.area.widget()
    assert inside is not None
    bottom = cards[-1].mapTo(inside, cards[-1].rect().bottomLeft()).y()
    assert inside.height() - bottom < 60


def test_a_card_says_one_thing_at_a_time(qtbot: QtBot) -> None:
    card = Card("Title")
    qtbot.addWidget(card)
    card.show()
    assert card.said == ""
    card.tell("Done.", "green")
    card.refused(NotFound("It is gone.", "Look again."))
    assert card.said == "It is gone. Look again."
    notes = [label for label in card.findChildren(QLabel) if label.text() == card.said]
    assert notes[0].isVisible()
    card.tell("")
    assert not notes[0].isVisible()


def test_an_option_tells_only_what_the_person_chose(qtbot: QtBot) -> None:
    option = Option("Title", "What it means")
    qtbot.addWidget(option)
    heard: list[bool] = []
    option.box.toggled.connect(heard.append)
    option.put(True)
    assert (option.box.isChecked(), heard) == (True, [])
    option.box.click()
    assert heard == [False]
    assert option.box.accessibleDescription() == "What it means"
