"""Choosing sending accounts: those used first, what is wrong with some, and whose replies cannot be seen."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import State
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.senders_card import NAMED, SenderCol, SendersCard
from reply_desktop.ui.sequence_draft import Draft
from tests.fakes.engine import NOW, FakeEngine, few, many, sender_row, sequence
from tests.harness.settling import settle

Show = Callable[..., SendersCard]


@pytest.fixture
def show(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Show:
    def shown(engine: FakeEngine, accounts: tuple[str, ...] = ("a1", "a2")) -> SendersCard:
        bridge = open_bridge(engine)
        draft = Draft(bridge)
        draft.begin(sequence(2, "Spring outreach", accounts=accounts))
        made = SendersCard(bridge, lambda: NOW, draft)
        qtbot.addWidget(made)
        made.resize(720, 600)
        made.show()
        made.open()
        made.put(engine.sequences.senders)
        qtbot.waitUntil(
            lambda: made.model.is_loaded and (not made.model.ids or made.model.prepared(0) is not None)
        )
        settle(qtbot, bridge)
        return made

    return shown


def texts(card: SendersCard) -> list[str]:
    return [one.text() for one in card._notes.findChildren(QLabel) if one.text() and one.isVisible()]


def buttons(card: SendersCard) -> dict[str, QPushButton]:
    return {one.accessibleName() or one.text(): one for one in card._notes.findChildren(QPushButton)}


def test_the_accounts_in_use_come_first(show: Show) -> None:
    card = show(FakeEngine(few()), ("a5",))
    assert card.model.ids[0] == "a5" and len(card.model.ids) == 5
    assert card.chosen.text() == "1 account chosen"


def test_click_and_space_turn_an_account_on_and_off(show: Show) -> None:
    card = show(FakeEngine(few()))
    where = card.table.visualRect(card.model.index(2, SenderCol.USED)).center()
    QTest.mouseClick(card.table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert list(card._draft.now.accounts) == ["a1", "a2", "a3"]
    card.table.select_ids({"a1"}, "a1")
    QTest.keyClick(card.table, Qt.Key.Key_Space)
    assert list(card._draft.now.accounts) == ["a2", "a3"]
    role = Qt.ItemDataRole.CheckStateRole
    assert [card.model.index(row, SenderCol.USED).data(role) for row in range(3)] == [
        Qt.CheckState.Unchecked, Qt.CheckState.Checked, Qt.CheckState.Checked,
    ]  # fmt: skip
    card._draft.stack.undo()
    assert card._draft.now.accounts == ("a1", "a2", "a3")
    # What is chosen keeps its place until the list is opened again.
    assert card.model.ids[:3] == ("a1", "a2", "a3")


def test_an_account_that_is_out_says_why_and_what_to_do(qtbot: QtBot, show: Show) -> None:
    card = show(FakeEngine(few()))
    told = "ben@brightfield.example: Access was removed or has expired. Press Reconnect. 23 prospects wait for it."
    assert told in texts(card)
    with qtbot.waitSignal(card.account_wanted) as wanted:
        buttons(card)["Open the account ben@brightfield.example"].click()
    assert wanted.args == ["a2"]
    card.toggle("a2")
    assert told not in texts(card) and not card._notes.isVisible()


def test_unseen_replies_are_said_and_can_be_allowed(qtbot: QtBot, show: Show) -> None:
    card = show(FakeEngine(few()))
    assert any(one.startswith("Cannot see replies to ben@brightfield.example") for one in texts(card))
    with qtbot.waitSignal(card.reading_wanted) as wanted:
        buttons(card)["Allow reading for ben@brightfield.example"].click()
    assert wanted.args == ["a2"]


def test_news_without_a_change_leaves_the_buttons_alone(show: Show) -> None:
    card = show(FakeEngine(few()))
    before = buttons(card)
    assert before
    card.put(tuple(replace(one) for one in card.model.senders.values()))
    assert all(buttons(card)[name] is button for name, button in before.items())


def test_a_password_account_needs_its_imap_server_instead(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(few())
    engine.sequences.senders = (
        sender_row("a5", "eva@lindholm.example", provider=Provider.OTHER, reads=False),
    )
    card = show(engine, ("a5",))
    with qtbot.waitSignal(card.account_wanted) as wanted:
        buttons(card)["Add the IMAP server of eva@lindholm.example"].click()
    assert wanted.args == ["a5"]


def test_many_accounts_that_are_out_are_counted(show: Show) -> None:
    engine = FakeEngine(many(40))
    out = tuple(f"a{number}" for number in range(10))
    engine.sequences.senders = tuple(sender_row(one, f"{one}@x.example", state=State.EXPIRED) for one in out)
    card = show(engine, out)
    assert f"{10 - NAMED} more accounts cannot send." in texts(card)
    assert sum(name.startswith("Open the account") for name in buttons(card)) == NAMED


def test_ten_thousand_accounts_are_searched_by_the_engine(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(many(10_000))
    card = show(engine, ())
    assert card.model.rowCount() == 10_000
    QTest.keyClicks(card.text, "eva.dahl003")
    qtbot.waitUntil(lambda: 0 < card.model.rowCount() < 10)


def test_cells_say_everything_to_a_screen_reader(show: Show) -> None:
    card = show(FakeEngine(few()))
    role = Qt.ItemDataRole.AccessibleTextRole
    for row in range(5):
        assert all(card.model.index(row, col).data(role) for col in SenderCol)
    assert card.model.index(0, SenderCol.USED).data(role) == "Used: ana@brightfield.example"
    tip = card.model.index(1, SenderCol.WRONG).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "Access was removed or has expired. Press Reconnect."


def test_changes_of_accounts_are_shown(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(few())
    card = show(engine)
    engine.change("a3", state=State.PAUSED)
    row = card.model.ids.index("a3")
    qtbot.waitUntil(lambda: card.model.index(row, SenderCol.STATE).data() == "Paused")
    engine.push_removed("a4")
    qtbot.waitUntil(lambda: len(card.model.ids) == 4)


def test_without_accounts_it_says_where_to_add_one(show: Show) -> None:
    card = show(FakeEngine(), ())
    assert card.none.isVisible() and not card.table.isVisible()


def test_copy_and_painting(show: Show) -> None:
    card = show(FakeEngine(few()))
    card.table.select_ids({"a1", "a2"}, "a1")
    QTest.keyClick(card.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "ana@brightfield.example\nben@brightfield.example"
    box = card.table.visualRect(card.model.index(0, SenderCol.USED))
    on = card.table.viewport().grab(box).toImage()
    card.toggle("a1")
    assert card.table.viewport().grab(box).toImage() != on
