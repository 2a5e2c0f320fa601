"""The switch: its looks, its words, its question when to start, and that only the engine moves it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import QDateTime, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.domain.states import Color, Shape
from reply_desktop.ui.sequence_toggle import (
    INDICATOR_SHAPES,
    SIZE,
    LaunchMenu,
    SequenceToggle,
    StartAt,
    paint_toggle,
    toggle_words,
)
from tests.fakes.engine import NOW, few_sequences, sequence_row

ON, OFF = sequence_row(1, "Spring"), sequence_row(1, "Spring", status=SequenceStatus.PAUSED)


@pytest.fixture
def toggle(qtbot: QtBot) -> Callable[[SequenceRow], SequenceToggle]:
    window = QWidget()
    window.resize(200, 100)
    qtbot.addWidget(window)
    window.show()

    def made(row: SequenceRow) -> SequenceToggle:
        toggle = SequenceToggle(lambda: NOW, window)
        toggle.put(row)
        toggle.resize(toggle.sizeHint())
        toggle.show()
        return toggle

    return made


def menu_of(toggle: QWidget) -> LaunchMenu:
    return next(one for one in toggle.findChildren(QMenu) if isinstance(one, LaunchMenu))


def drawn(row: SequenceRow, **look: bool) -> QImage:
    image = QImage(SIZE, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    paint_toggle(painter, QRectF(0, 0, SIZE.width(), SIZE.height()), row, **look)
    painter.end()
    return image


def test_shapes_tell_the_colours_apart() -> None:
    assert dict(INDICATOR_SHAPES) == {
        Color.GREEN: Shape.DISC,
        Color.ORANGE: Shape.TRIANGLE,
        Color.RED: Shape.CROSS,
        Color.GREY: Shape.RING,
    }


def test_every_state_and_every_hand_looks_different(qapp: object) -> None:
    looks = [drawn(row) for row in few_sequences()]
    looks += [drawn(ON, mirrored=True), drawn(ON, focused=True), drawn(ON, enabled=False)]
    looks += [drawn(OFF, hovered=True), drawn(OFF, mirrored=True)]
    for place, one in enumerate(looks):
        assert one not in looks[:place], place


def test_the_words_for_a_screen_reader_are_whole_and_one_line() -> None:
    assert toggle_words(few_sequences()[1]) == (
        "Spring outreach: Active, orange: Sending goes on from 1 of 2 accounts. ben@brightfield.example: "
        "access was removed or has expired. Press Reconnect under Settings → Email accounts."
    )
    assert toggle_words(sequence_row(1, "A", tooltip="")) == "A: Active, green"
    assert toggle_words(sequence_row(1, "<b>\u202eA</b>\n", tooltip="")) == "<b>A</b>: Active, green"
    assert len(toggle_words(sequence_row(1, "A" * 500, tooltip=""))) < 250


def test_turning_off_asks_to_pause_and_moves_nothing(
    qtbot: QtBot, toggle: Callable[[SequenceRow], SequenceToggle]
) -> None:
    made = toggle(ON)
    assert made.isChecked() and made.accessibleName().startswith("Spring: Active, green")
    with qtbot.waitSignal(made.pause_wanted):
        QTest.mouseClick(made, Qt.MouseButton.LeftButton)
    assert made.isChecked()
    with qtbot.waitSignal(made.pause_wanted):
        QTest.keyClick(made, Qt.Key.Key_Space)
    made.put(OFF)
    assert not made.isChecked()


def test_assistive_technology_may_toggle_it(
    qtbot: QtBot, toggle: Callable[[SequenceRow], SequenceToggle]
) -> None:
    made = toggle(ON)
    with qtbot.waitSignal(made.pause_wanted):
        made.toggle()
    assert made.isChecked()


def test_without_a_sequence_it_can_do_nothing(qtbot: QtBot) -> None:
    made = SequenceToggle()
    qtbot.addWidget(made)
    with qtbot.assertNotEmitted(made.pause_wanted):
        made.click()
    assert not made.isEnabled()
    made.grab()


@pytest.mark.parametrize(("name", "sent"), [("soon", [None, False]), ("now", [None, True])])
def test_turning_on_asks_when(
    qtbot: QtBot, toggle: Callable[[SequenceRow], SequenceToggle], name: str, sent: list[object]
) -> None:
    made = toggle(OFF)
    made.click()
    menu = menu_of(made)
    assert [one.text() for one in menu.actions()] == [
        "Go on in about 15 minutes",
        "Go on now",
        "At a time…",
    ]
    with qtbot.waitSignal(made.launch_wanted) as wanted:
        getattr(menu, name).trigger()
    assert wanted.args == sent
    menu.close()


def test_a_draft_starts_and_does_not_go_on(toggle: Callable[[SequenceRow], SequenceToggle]) -> None:
    made = toggle(few_sequences()[-1])
    made.click()
    assert menu_of(made).now.text() == "Start now"
    menu_of(made).close()


def test_a_time_is_chosen_on_the_persons_clock_and_told_in_utc(
    qtbot: QtBot, toggle: Callable[[SequenceRow], SequenceToggle]
) -> None:
    made = toggle(OFF)
    made.click()
    menu_of(made).at.trigger()
    (asked,) = made.window().findChildren(StartAt)
    wanted = NOW + timedelta(days=2, minutes=30)
    asked.moment.setDateTime(QDateTime.fromSecsSinceEpoch(round(wanted.timestamp())))
    with qtbot.waitSignal(made.launch_wanted) as sent:
        asked.go.click()
    assert sent.args == [wanted, False]


def test_a_time_that_passes_while_the_dialog_is_open_means_now(qtbot: QtBot) -> None:
    now = [NOW]
    asked = StartAt("x" * 500, lambda: now[0])
    qtbot.addWidget(asked)
    assert asked.moment.minimumDateTime().toSecsSinceEpoch() == round(NOW.timestamp())
    now[0] = NOW + timedelta(days=9)
    chosen: list[datetime] = []
    asked.chosen.connect(chosen.append)
    asked.go.click()
    assert chosen == [NOW + timedelta(days=9)] and chosen[0].tzinfo is UTC
