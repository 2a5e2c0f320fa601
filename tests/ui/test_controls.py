"""The small parts screens are made of."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QButtonGroup, QLabel, QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.domain.states import STATE_WORDS, State
from reply_desktop.ui.controls import (
    TIP_LETTERS,
    Choice,
    Disclosure,
    Elided,
    Flow,
    Note,
    Quote,
    StateMark,
    button,
    clear,
    column,
    icon_button,
    numbered,
    tip_text,
    wrapped,
)


def test_buttons_say_what_they_do(qtbot: QtBot) -> None:
    pressed: list[bool] = []
    made = button("Save & close", lambda: pressed.append(True), kind="primary", icon="check")
    qtbot.addWidget(made)
    assert made.text() == "Save && close" and not made.icon().isNull()
    made.click()
    assert pressed == [True]
    icon = icon_button("close", "Close pane")
    qtbot.addWidget(icon)
    assert icon.accessibleName() == icon.toolTip() == "Close pane"
    assert icon.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_markup_is_never_read(qtbot: QtBot) -> None:
    for made in (wrapped("<b>x</b>"), Elided("<b>x</b>"), Note("<b>x</b>"), numbered(1, "<b>x</b>")):
        qtbot.addWidget(made)
        labels = [made] if isinstance(made, QLabel) else made.findChildren(QLabel)
        assert all(one.textFormat() is Qt.TextFormat.PlainText for one in labels if one.text())


@pytest.mark.parametrize(
    ("text", "tip"),
    [
        ("Short.\nTwo lines.", "Short.\nTwo lines."),
        ("<b>x</b> & co\ny", "<p>&lt;b&gt;x&lt;/b&gt; &amp; co<br>y</p>"),
        ("&lt;b&gt;", "<p>&amp;lt;b&amp;gt;</p>"),
        ("", ""),
    ],
)
def test_a_tip_says_what_is_written_and_nothing_else(text: str, tip: str) -> None:
    assert tip_text(text) == tip


def test_a_long_tip_is_broken_into_lines() -> None:
    lines = tip_text("word " * 60 + "\n\n" + "x" * 200).split("\n")
    assert all(len(one) <= TIP_LETTERS for one in lines) and "" in lines
    assert "".join("".join(lines).split()) == "word" * 60 + "x" * 200


def test_a_long_line_is_cut_and_told_whole(qtbot: QtBot) -> None:
    made = Elided("name" * 120 + "@x.example", mode=Qt.TextElideMode.ElideMiddle)
    qtbot.addWidget(made)
    made.resize(160, 20)
    assert made.shown().endswith("example") and "…" in made.shown() and made.minimumSizeHint().width() < 50
    made.resize(9_000, 20)
    assert made.shown() == made.text()
    made.grab()


def test_state_marks_name_every_state(qtbot: QtBot) -> None:
    made = StateMark()
    qtbot.addWidget(made)
    for state in State:
        made.put(state)
        assert made.text() == STATE_WORDS[state]


def test_a_disclosure_opens_and_closes(qtbot: QtBot) -> None:
    body = Quote("Text")
    made = Disclosure("Details", body)
    qtbot.addWidget(made)
    made.show()
    assert not body.isVisible()
    made.toggle.click()
    assert body.isVisible() and "shown" in made.toggle.accessibleDescription()
    made.toggle.click()
    assert not body.isVisible()


def test_a_quote_grows_with_its_text_up_to_a_limit(qtbot: QtBot) -> None:
    made = Quote("Text")
    qtbot.addWidget(made)
    made.resize(300, 40)
    made.show()
    made.put("one line")
    low = made.height()
    made.put("many lines\n" * 100)
    assert low < made.height() < 300


def test_a_choice_is_chosen_by_its_words(qtbot: QtBot) -> None:
    host = QWidget()
    qtbot.addWidget(host)
    group = QButtonGroup(host)
    box = column(host)
    made = [Choice(text, group, number) for number, text in enumerate(("one", "two"))]
    for one in made:
        box.addWidget(one)
    host.show()
    QTest.mouseClick(made[1], Qt.MouseButton.LeftButton, pos=QPoint(made[1].width() - 4, 8))
    assert group.checkedId() == 1 and made[1].radio.accessibleName() == "two"


@pytest.fixture
def flowing(qtbot: QtBot) -> Callable[[int], tuple[QWidget, list[QWidget]]]:
    def made(width: int) -> tuple[QWidget, list[QWidget]]:
        host = QWidget()
        qtbot.addWidget(host)
        flow = Flow(host, 8)
        parts = []
        for _ in range(4):
            part = QWidget()
            part.setFixedSize(QSize(100, 30))
            flow.addWidget(part)
            parts.append(part)
        host.resize(width, 200)
        host.show()
        return host, parts

    return made


def test_a_flow_goes_on_in_the_next_line(flowing: Callable[[int], tuple[QWidget, list[QWidget]]]) -> None:
    host, parts = flowing(330)
    assert [part.y() for part in parts] == [0, 0, 0, 38]
    layout = host.layout()
    assert layout is not None
    assert layout.heightForWidth(330) == 68 and layout.heightForWidth(2_000) == 30
    parts[1].hide()
    assert layout.heightForWidth(330) == 30


def test_a_flow_mirrors(flowing: Callable[[int], tuple[QWidget, list[QWidget]]]) -> None:
    host, parts = flowing(330)
    host.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    host.resize(331, 200)
    QTest.qWait(5)
    assert parts[0].x() > parts[1].x() > parts[2].x()


def test_clear_lets_everything_go(qtbot: QtBot) -> None:
    host = QWidget()
    qtbot.addWidget(host)
    box = column(host)
    inner = column()
    inner.addWidget(QLabel("a"))
    box.addLayout(inner)
    box.addWidget(QLabel("b"))
    box.addStretch(1)
    clear(box)
    assert box.count() == 0
    QTest.qWait(5)
    assert host.findChildren(QLabel) == []
