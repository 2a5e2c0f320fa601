"""What the bell shows as one: grouping, order, counts and names; what is built only when it is looked at."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.ui.bell_entries import TOGETHER, UNFOLDED, Entry, Together, about, blocks, ordered
from tests.fakes.engine import NOW


def row(number: int, **fields: object) -> NotificationRow:
    made = NotificationRow(
        f"n{number}",
        f"k{number}",
        NotificationKind.ACCOUNT_LOST,
        Severity.CRITICAL,
        f"account{number}@acme.example cannot send",
        "Access was removed or has expired.",
        NOW - timedelta(minutes=number),
        f"a{number}",
        read=False,
        withdrawn=False,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def group(number: int, **fields: object) -> list[NotificationRow]:
    return [row(one, group="n1", **fields) for one in range(1, number + 1)]


def test_unread_first_then_the_newest() -> None:
    rows = [row(4, read=True), row(1, read=True), row(3), row(2)]
    assert [one.id for one in ordered(rows)] == ["n2", "n3", "n1", "n4"]


@pytest.mark.parametrize("number", [TOGETHER - 1, TOGETHER])
def test_from_three_on_they_are_one(number: int) -> None:
    assert len(blocks(group(number))) == (1 if number >= TOGETHER else number)


def test_trouble_and_its_end_are_not_mixed() -> None:
    lost, again = (
        group(3),
        [
            row(10 + one, group="n1", kind=NotificationKind.ACCOUNT_RECOVERED, severity=Severity.INFO)
            for one in range(3)
        ],
    )
    assert [one.title for one in blocks([*lost, *again])] == [
        "3 accounts cannot send",
        "3 accounts work again",
    ]


def test_an_account_that_comes_and_goes_is_counted_once() -> None:
    again = [
        row(10 + one, group="n1", account_id=f"a{one % 2}", title=f"b{one % 2}@x.example") for one in range(4)
    ]
    (made,) = blocks(again)
    assert (made.title, made.names) == ("2 accounts cannot send", "b0@x.example and b1@x.example")
    (made,) = blocks([replace(one, withdrawn=one.account_id == "a0") for one in again])
    assert (made.title, made.names) == ("1 account cannot send", "b1@x.example")


def test_one_unread_brings_its_whole_group_to_the_top() -> None:
    old = [replace(one, read=one.id != "n3", at=one.at - timedelta(days=2)) for one in group(3)]
    assert [one.key for one in blocks([*old, row(9, read=True)])] == ["n1/account_lost", "n9"]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(NotificationKind), st.booleans(), st.booleans()),
        max_size=25,
    )
)
def test_no_row_is_lost_or_shown_twice(drawn: list[tuple[int, NotificationKind, bool, bool]]) -> None:
    rows = [
        row(number, group=f"g{within}" if within else "", kind=kind, read=read, withdrawn=withdrawn)
        for number, (within, kind, read, withdrawn) in enumerate(drawn)
    ]
    shown = blocks(rows)
    assert sorted(one.id for block in shown for one in block.rows) == sorted(one.id for one in rows)
    assert len({block.key for block in shown}) == len(shown)
    unread = [bool(block.unread) for block in shown]
    assert unread == sorted(unread, reverse=True)
    for block in shown:
        assert block.title
        assert block.names


def test_a_group_counts_those_still_open() -> None:
    (some,) = blocks([*group(5), row(7, group="n1", withdrawn=True)])
    assert (some.title, some.open) == ("5 accounts cannot send", 5)
    assert some.names == "account1@acme.example, account2@acme.example, account3@acme.example and 2 more"
    (over,) = blocks(group(4, withdrawn=True))
    assert (over.title, over.open) == ("4 accounts could not send", 0)
    (again,) = blocks(
        group(3, withdrawn=True, severity=Severity.INFO, kind=NotificationKind.ACCOUNT_RECOVERED)
    )
    assert (again.title, again.open) == ("3 accounts work again", 3)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("ana@acme.example cannot send", "ana@acme.example"),
        ("ana@acme.example: sign-in ends soon, by 7 Mar", "ana@acme.example"),
        ("Google: the app was deleted", "Google: the app was deleted"),
    ],
)
def test_an_entry_is_named_after_its_address(title: str, name: str) -> None:
    assert about(row(1, title=title)) == name


Show = Callable[[list[NotificationRow]], Together]


@pytest.fixture
def show(qtbot: QtBot) -> Show:
    def shown(rows: list[NotificationRow]) -> Together:
        made = Together(lambda row: None, lambda ids: None)
        qtbot.addWidget(made)
        made.show_block(blocks(rows)[0], lambda: NOW)
        made.show()
        return made

    return shown


def test_nothing_is_built_before_it_is_unfolded(show: Show) -> None:
    made = show(group(50))
    assert made.entries == {}
    made.toggle.click()
    assert len(made.entries) == UNFOLDED
    assert made.more.text() == f"Show {UNFOLDED} more"
    while made.more.isVisible():
        made.more.click()
    assert list(made.entries) == [f"n{one}" for one in range(1, 51)]
    made.toggle.click()
    assert not made.entries["n1"].isVisible()


def test_what_is_unfolded_follows_and_keeps_its_place(show: Show) -> None:
    rows = group(4)
    made = show(rows)
    made.toggle.click()
    entries = dict(made.entries)
    rows[0] = replace(rows[0], read=True, withdrawn=True)
    made.show_block(blocks(rows)[0], lambda: NOW)
    assert list(made.entries.items()) == list(entries.items())
    assert made.entries["n1"].accessibleName().endswith("It is over.")
    made.show_block(blocks(rows[1:])[0], lambda: NOW)
    assert "n1" not in made.entries


@pytest.mark.parametrize(
    ("reminded", "said"),
    [(0, "1 min ago"), (1, "1 min ago · reminded once"), (3, "1 min ago · reminded 3 times")],
)
def test_reminders_are_counted(qtbot: QtBot, reminded: int, said: str) -> None:
    made = Entry(lambda row: None)
    qtbot.addWidget(made)
    made.show_row(row(1, reminded=reminded), lambda: NOW)
    assert said in [label.text() for label in made.findChildren(QLabel)]


@pytest.mark.parametrize("kind", NotificationKind)
def test_every_kind_has_its_sign(qtbot: QtBot, kind: NotificationKind) -> None:
    made = Entry(lambda row: None)
    qtbot.addWidget(made)
    made.show_row(row(1, kind=kind), lambda: NOW)
    assert not made._sign.pixmap().isNull()


def test_what_ends_soon_looks_otherwise_than_what_ended(qtbot: QtBot) -> None:
    made = Entry(lambda row: None)
    qtbot.addWidget(made)
    pictures = []
    for severity in Severity:
        made.show_row(row(1, severity=severity), lambda: NOW)
        pictures.append(made._sign.pixmap().toImage())
    assert all(one != other for number, one in enumerate(pictures) for other in pictures[:number])
