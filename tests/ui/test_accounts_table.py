"""The table's hands and eyes: buttons in rows, keys, selection kept by account, columns that make room."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import ListAccounts
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.states import State
from reply_desktop.ui.accounts_table import AccountsTable
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.columns import COLUMNS, Col
from reply_desktop.ui.list_model import IndexModel
from tests.fakes.engine import NOW, FakeEngine, few, many
from tests.harness.settling import activate

Show = Callable[..., AccountsTable]


@pytest.fixture
def show(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Iterator[Show]:
    def shown(engine: FakeEngine, width: int = 1240, height: int = 420) -> AccountsTable:
        bridge = open_bridge(engine)
        table = AccountsTable(IndexModel(bridge, lambda: NOW, bridge))
        qtbot.addWidget(table)
        table.resize(width, height)
        table.show()
        qtbot.waitUntil(lambda: table.model_.prepared(0) is not None)
        return table

    yield shown


def button(table: AccountsTable, row: int) -> QPoint:
    return table.visualRect(table.model_.index(row, Col.ACTION)).center()


def test_a_click_on_the_rows_button_asks_for_that_account(qtbot: QtBot, show: Show) -> None:
    table = show(FakeEngine(few()))
    with qtbot.waitSignal(table.action_wanted) as wanted:
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=button(table, 0))
    assert wanted.args == ["a2"]
    assert table.selected_ids() == ()


def test_a_press_that_leaves_the_button_does_nothing(qtbot: QtBot, show: Show) -> None:
    table = show(FakeEngine(few()))
    with qtbot.assertNotEmitted(table.action_wanted):
        QTest.mousePress(table.viewport(), Qt.MouseButton.LeftButton, pos=button(table, 0))
        QTest.mouseRelease(table.viewport(), Qt.MouseButton.LeftButton, pos=button(table, 3))


def test_a_row_that_is_well_has_no_button(qtbot: QtBot, show: Show) -> None:
    table = show(FakeEngine(few()))
    with qtbot.assertNotEmitted(table.action_wanted):
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=button(table, 3))
    assert table.selected_ids() == (table.id_at(3),)


def test_the_button_shows_hover_and_press(show: Show) -> None:
    table = show(FakeEngine(few()))
    looks = [table.grab().toImage()]
    QTest.mouseMove(table.viewport(), button(table, 0))
    QApplication.processEvents()
    looks.append(table.grab().toImage())
    QTest.mousePress(table.viewport(), Qt.MouseButton.LeftButton, pos=button(table, 0))
    looks.append(table.grab().toImage())
    assert table.viewport().cursor().shape() is Qt.CursorShape.PointingHandCursor
    assert looks[0] != looks[1] != looks[2]


def test_keys_reach_the_button_and_the_account(qtbot: QtBot, show: Show) -> None:
    table = show(FakeEngine(few()))
    activate(qtbot, table)
    table.setFocus()
    qtbot.waitUntil(table.hasFocus)
    QTest.keyClick(table, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(table, Qt.Key.Key_Right)
    assert table.currentIndex().column() == Col.ACTION and table.has_button_focus(0)
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Return):
        with qtbot.waitSignal(table.action_wanted) as wanted:
            QTest.keyClick(table, key)
        assert wanted.args == ["a2"]
    QTest.keyClick(table, Qt.Key.Key_Right)
    with qtbot.waitSignal(table.opened) as opened:
        QTest.keyClick(table, Qt.Key.Key_Return)
    assert opened.args == ["a2"] and table.selected_ids() == ("a2",)


def test_copy_gives_the_chosen_addresses(show: Show) -> None:
    table = show(FakeEngine(few()))
    table.select_ids({"a1", "a2"}, "a1")
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "ben@brightfield.example\nana@brightfield.example"


def test_selection_and_scroll_stay_with_the_accounts(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(many(2_000))
    table = show(engine)
    green = [one for one in table.model_.ids if engine.rows[one].state is State.CONNECTED]
    table.show_account(green[700])
    table.select_ids({green[700], green[701]}, green[700])
    qtbot.waitUntil(lambda: table.model_.account(green[700]) is not None)
    scroll = table.verticalScrollBar().value()
    moved = table.model_.rows_of({green[700]})
    # The last green account turns red and moves to the top: everything below shifts by one.
    engine.change(green[-1], state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
    qtbot.waitUntil(lambda: table.model_.rows_of({green[700]}) != moved, timeout=3000)
    assert set(table.selected_ids()) == {green[700], green[701]}
    assert table.current_id() == green[700]
    assert table.verticalScrollBar().value() == scroll


def test_a_chosen_account_that_goes_is_no_longer_chosen(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(few())
    table = show(engine)
    table.select_ids({"a1", "a3"}, "a1")
    with qtbot.waitSignal(table.selection_changed):
        engine.push_removed("a1")
    assert table.selected_ids() == ("a3",)


def test_titles_sort_by_the_engine(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(few())
    table = show(engine)
    header = table.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(Col.ADDRESS) + 20, 10)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: table.model_.ids[0] == "a1")
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: table.model_.ids[0] == "a5")
    assert engine.of(ListAccounts)[-1].wanted.descending
    assert header.sortIndicatorSection() == Col.ADDRESS
    QTest.mouseClick(
        header.viewport(),
        Qt.MouseButton.LeftButton,
        pos=QPoint(header.sectionViewportPosition(Col.USED_BY) + 5, 10),
    )
    assert table.model_.wanted.sort == "address"


def test_columns_make_room(show: Show) -> None:
    table = show(FakeEngine(few()), width=1500)
    assert all(not table.isColumnHidden(col) for col in Col)
    table.resize(500, 400)
    assert [col for col in Col if not table.isColumnHidden(col)] == [Col.STATUS, Col.ACTION, Col.ADDRESS]
    assert table.horizontalHeader().length() == table.viewport().width()


def test_the_look_is_kept_and_taken_back(show: Show) -> None:
    table = show(FakeEngine(few()))
    table.horizontalHeader().resizeSection(Col.PROVIDER, 300)
    table.want_column(Col.STRIP, False)
    table.sort_by("address", False)
    other = show(FakeEngine(few()))
    other.take_look(table.look())
    assert other.look() == table.look()
    assert other.columnWidth(Col.PROVIDER) == 300 and other.isColumnHidden(Col.STRIP)
    other.usual_columns()
    assert not other.own_widths and not other.isColumnHidden(Col.STRIP)


def test_a_spoilt_look_is_passed_over(show: Show) -> None:
    table = show(FakeEngine(few()))
    table.take_look({"widths": {"nothing": 9, "provider": 99_999}, "hidden": ["x"], "sort": "colour"})
    assert table.look()["widths"] == {} and table.model_.wanted.sort == "severity"


def test_without_the_engine_the_button_sleeps(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(few())
    table = show(engine)
    engine.stop()
    qtbot.waitUntil(lambda: table.model_.stale)
    with qtbot.assertNotEmitted(table.action_wanted):
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=button(table, 0))


def test_a_mended_row_shines_and_stops(qtbot: QtBot, show: Show) -> None:
    table = show(FakeEngine(few()))
    assert table.glow("a2") == 0.0
    table.flash("a2")
    assert table.glow("a2") > 0.9
    table._glowing["a2"] = 0.0
    qtbot.waitUntil(lambda: not table._shine.isActive())
    assert table.glow("a2") == 0.0


def test_right_to_left_mirrors_the_cells(show: Show) -> None:
    table = show(FakeEngine(few()))
    table.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    QApplication.processEvents()
    status = table.visualRect(table.model_.index(0, Col.STATUS))
    address = table.visualRect(table.model_.index(0, Col.ADDRESS))
    assert status.left() > address.right() - 1
    table.grab()


def test_everything_is_reached_by_assistive_technology(show: Show) -> None:
    table = show(FakeEngine(few()))
    role = Qt.ItemDataRole.AccessibleTextRole
    for row in range(5):
        for col in Col:
            assert table.model_.index(row, col).data(role), COLUMNS[col].key
    assert table.accessibleName() == "Email accounts"


def test_ten_thousand_rows_are_chosen_at_once(qtbot: QtBot, show: Show) -> None:
    table = show(FakeEngine(many(10_000)))
    table.selectAll()
    assert len(table.selected_ids()) == 10_000
    assert table.model_.rowCount() == 10_000


def test_a_very_long_address_is_cut_in_the_middle(qtbot: QtBot, show: Show) -> None:
    engine = FakeEngine(few())
    long = "n" * 470 + "@northwind.example.example"
    engine.rows["a1"] = replace(engine.rows["a1"], address=long)
    table = show(engine)
    index = table.model_.index(table.model_.ids.index("a1"), Col.ADDRESS)
    assert index.data(Qt.ItemDataRole.ToolTipRole) == long
    table.grab()
    shown = [cut for (text, _, middle), cut in table._delegate._elided.items() if text == long and middle]
    assert shown and shown[0].startswith("nnn") and shown[0].endswith("example") and "…" in shown[0]


def test_it_is_idle_when_nothing_happens(qtbot: QtBot, show: Show) -> None:
    table = show(FakeEngine(few()))
    assert table.model_._bridge.engine is EngineState.RUNNING
    assert not table._shine.isActive() and not table._relayout.isActive()
