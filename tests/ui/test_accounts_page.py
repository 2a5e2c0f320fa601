"""The page of email accounts: what leads where, what is asked, what stays."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import NotFound
from reply_desktop.domain.events import ProviderChanged
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountRow
from reply_desktop.domain.states import State
from reply_desktop.ui.accounts_page import AccountsPage
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.connect_dialog import Stage
from tests.fakes.engine import FakeEngine, few, many, row
from tests.harness.names import unnamed
from tests.harness.pages import OpenedPage
from tests.harness.settling import activate, settle

Open = Callable[..., OpenedPage]
INTERACTIVE = (QAbstractButton, QLineEdit, QComboBox)


def shown(page: AccountsPage) -> QWidget | None:
    return page.panes.currentWidget() if page.panes.isVisible() else None


def begun(engine: FakeEngine, number: int) -> bool:
    return len(engine.of(m.BeginConsent)) == number


def expired(number: int) -> list[AccountRow]:
    return [row(n, f"n{n}@x.example", state=State.EXPIRED, cause=Cause.GRANT_REVOKED) for n in range(number)]


# What stands in place of the table


def test_without_accounts_it_shows_the_first_steps(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(FakeEngine())
    assert page.stack.currentWidget() is page.first_steps
    assert not page.filter.isVisible() and not page.check_button.isVisible()
    page.first_steps.choices[Provider.GOOGLE].click()
    qtbot.waitUntil(lambda: page.connect_pane.stage is Stage.WAITING)
    assert page.links == ["https://login.example/authorize?n=1"]


def test_an_unconfigured_provider_leads_to_its_settings(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine(configured=False)
    page = open_page(engine)
    assert "client ID" in page.first_steps.choices[Provider.GOOGLE].accessibleDescription()
    with qtbot.waitSignal(page.providers_wanted) as wanted:
        page.first_steps.choices[Provider.GOOGLE].click()
    assert wanted.args == [Provider.GOOGLE] and page.links == []
    engine.configured[Provider.GOOGLE] = True
    engine.push(ProviderChanged(Provider.GOOGLE))
    google = page.first_steps.choices[Provider.GOOGLE]
    qtbot.waitUntil(lambda: "client ID" not in google.accessibleDescription())


def test_a_filter_that_finds_nothing_says_so_and_is_cleared(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(FakeEngine(few()))
    QTest.keyClicks(page.filter.text, "zzz")
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.nothing_found)
    page.nothing_found.clear_button.click()
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.table)
    assert page.filter.text.text() == "" and page.model.rowCount() == 5


# Filtering


def test_typing_asks_once_it_stands_still(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)
    before = len(engine.of(m.ListAccounts))
    QTest.keyClicks(page.filter.text, "northwind")
    qtbot.waitUntil(lambda: page.model.rowCount() == 2)
    assert len(engine.of(m.ListAccounts)) - before == 1


def test_chips_count_and_filter(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(FakeEngine(few()))
    chips = {state: chip.text() for state, chip in page.filter.chips.items() if chip.isVisible()}
    assert chips == {
        State.EXPIRED: "Expired  1",
        State.AT_RISK: "At risk  1",
        State.CONNECTED: "Connected  3",
    }
    page.filter.chips[State.EXPIRED].click()
    qtbot.waitUntil(lambda: page.model.ids == ("a2",))
    page.filter.chips[State.AT_RISK].click()
    qtbot.waitUntil(lambda: page.model.ids == ("a2", "a4"))


def test_the_last_account_of_a_state_leaving_it_keeps_its_pressed_chip(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)
    page.filter.chips[State.EXPIRED].click()
    qtbot.waitUntil(lambda: page.model.ids == ("a2",))
    engine.change("a2", state=State.CONNECTED, cause=None)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.nothing_found)
    assert page.filter.chips[State.EXPIRED].isVisible()


def test_providers_filter(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(FakeEngine(few()))
    page.filter.provider.setCurrentIndex(page.filter.provider.findData("microsoft"))
    qtbot.waitUntil(lambda: page.model.ids == ("a4", "a3"))


# Details


def test_a_click_opens_the_detail_and_arrows_follow(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(FakeEngine(few()))
    assert shown(page) is None
    where = page.table.visualRect(page.model.index(2, 2)).center()
    QTest.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert shown(page) is page.detail and page.detail.row is not None and page.detail.row.id == "a1"
    QTest.keyClick(page.table, Qt.Key.Key_Down)
    assert page.detail.row.id == "a3"
    QTest.keyClick(page.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert page.detail.several.isVisible()
    page.detail.close_button.click()
    assert shown(page) is None


def test_a_link_from_outside_opens_an_account_the_filter_hides(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(FakeEngine(few()))
    QTest.keyClicks(page.filter.text, "ana")
    qtbot.waitUntil(lambda: page.model.ids == ("a1",))
    page.open_account("a4")
    qtbot.waitUntil(lambda: page.detail.row is not None and page.detail.row.id == "a4")
    assert page.table.selected_ids() == ("a4",) and not page.filter.is_narrowed


def test_an_account_far_down_is_brought_into_view(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(FakeEngine(many(5_000)))
    far = page.model.ids[4_200]
    page.open_account(far)
    qtbot.waitUntil(lambda: page.detail.row is not None and page.detail.row.id == far)
    assert page.table.visualRect(page.model.index(4_200, 2)).intersects(page.table.viewport().rect())


@pytest.mark.parametrize("filtered", [False, True])
def test_a_link_to_a_removed_account_says_so_once(qtbot: QtBot, open_page: Open, filtered: bool) -> None:
    page = open_page(FakeEngine(few()))
    if filtered:
        QTest.keyClicks(page.filter.text, "ana")
        qtbot.waitUntil(lambda: page.model.ids == ("a1",))
    with qtbot.waitSignal(page.gone):
        page.open_account("nobody")
    assert page.table.selected_ids() == () and shown(page) is None
    gone = QSignalSpy(page.gone)
    with qtbot.waitSignal(page.model.loaded):
        page.model.reload()
    settle(qtbot, page._bridge)
    assert gone.count() == 0


def test_the_end_of_an_earlier_link_does_not_end_a_later_one(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(FakeEngine(few()))
    page._to_show = "a4"
    page._on_not_there("nobody", NotFound("There is no account nobody.", "Look again."))
    page.model.reload()
    qtbot.waitUntil(lambda: page.detail.row is not None and page.detail.row.id == "a4")


def test_mending_a_removed_account_says_so(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(FakeEngine(few()))
    with qtbot.waitSignal(page.gone):
        page.reconnect(("nobody",))
    assert shown(page) is None


def test_removing_the_account_in_view_closes_the_detail(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)
    page.open_account("a1")
    engine.push_removed("a1")
    qtbot.waitUntil(lambda: shown(page) is None and page.model.rowCount() == 4)


# Mending


def test_the_rows_button_begins_the_sign_in(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)
    page.table.action_wanted.emit("a2")
    qtbot.waitUntil(lambda: page.connect_pane.stage is Stage.WAITING)
    assert shown(page) is page.connect_pane and engine.of(m.BeginConsent) == [m.BeginConsent(account="a2")]


def test_a_sign_in_under_way_is_not_clicked_away(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)
    page.mend("a2")
    qtbot.waitUntil(lambda: page.connect_pane.stage is Stage.WAITING)
    where = page.table.visualRect(page.model.index(3, 2)).center()
    QTest.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert shown(page) is page.connect_pane and engine.of(m.CancelConsent) == []


def test_closing_the_pane_gives_the_sign_in_up(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)
    page.mend("a2")
    qtbot.waitUntil(lambda: page.connect_pane.stage is Stage.WAITING)
    page.connect_pane.close_button.click()
    qtbot.waitUntil(lambda: engine.of(m.CancelConsent) == [m.CancelConsent("c1")])
    assert shown(page) is None


def test_a_mended_row_shines_and_its_detail_follows(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)
    page.mend("a2")
    qtbot.waitUntil(lambda: page.connect_pane.stage is Stage.WAITING)
    engine.change("a2", state=State.CONNECTED, cause=None)
    engine.end_consent("connected", "ben@brightfield.example is connected.", account_id="a2")
    qtbot.waitUntil(lambda: page.table.glow("a2") > 0)
    page.connect_pane.closed.emit()
    assert shown(page) is page.detail and page.detail.row is not None and page.detail.row.id == "a2"


def test_a_new_account_shines_when_it_appears(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)
    page.add(Provider.GOOGLE)
    qtbot.waitUntil(lambda: page.connect_pane.stage is Stage.WAITING)
    engine.end_consent("connected", "zoe@x.example is connected.", account_id="a9")
    new = row(9, "zoe@x.example")
    engine.rows["a9"] = new
    engine.change("a9")
    qtbot.waitUntil(lambda: page.table.glow("a9") > 0)


def test_a_password_account_opens_its_form(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine([*few()[:4], replace(few()[4], state=State.EXPIRED, cause=Cause.WRONG_PASSWORD)])
    page = open_page(engine)
    page.table.action_wanted.emit("a5")
    qtbot.waitUntil(lambda: shown(page) is page.other)
    assert (
        page.other.smtp.host.text() == "smtp.lindholm.example"
        and page.other.title.text() == "Edit credentials"
    )


def test_reconnect_all_runs_over_every_red_account(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine([*expired(3), row(8, "b@x.example", state=State.BLOCKED, cause=Cause.ADMIN_POLICY)])
    page = open_page(engine)
    assert page.mend_button.isVisible() and page.mend_button.text() == "Reconnect all (3)"
    page.run._next.setInterval(0)
    page.mend_button.click()
    for number in range(3):
        qtbot.waitUntil(partial(begun, engine, number + 1))
        qtbot.waitUntil(lambda: page.connect_pane.stage is Stage.WAITING)
        engine.end_consent("connected", "…", account_id=f"a{number}")
    qtbot.waitUntil(lambda: not page.run.is_running)
    assert [one.account for one in engine.of(m.BeginConsent)] == ["a0", "a1", "a2"]
    assert shown(page) is None


def test_the_better_way_for_a_google_mailbox(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(FakeEngine(few()))
    page.add(Provider.OTHER)
    assert shown(page) is page.other
    page.other.better_wanted.emit(Provider.GOOGLE)
    qtbot.waitUntil(lambda: page.connect_pane.stage is Stage.WAITING)
    assert shown(page) is page.connect_pane


def test_a_saved_password_account_is_shown(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)
    page.add(Provider.OTHER)
    page.other.address.setText("kim@x.example")
    page.other.smtp.host.setText("smtp.x.example")
    page.other.password.setText("p")
    page.other.save()
    qtbot.waitUntil(lambda: page.detail.row is not None and page.detail.row.address == "kim@x.example")
    assert shown(page) is page.detail


# Checking and the rest


def test_check_all_or_only_the_chosen(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)
    assert page.check_button.text() == "Check all"
    page.check_button.click()
    settle(qtbot, page._bridge)
    assert not page.check_button.isEnabled()
    page.check_line._end("over")
    page.table.select_ids({"a1", "a3"}, "a1")
    assert page.check_button.text() == "Check 2 accounts"
    QTest.keyClick(page.table, Qt.Key.Key_F5)
    settle(qtbot, page._bridge)
    assert engine.of(m.CheckAccounts) == [m.CheckAccounts(), m.CheckAccounts(("a1", "a3"))]


def test_the_menu_offers_what_fits(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)

    def texts(*ids: str) -> list[str]:
        menu = page.context_menu(ids)
        return [action.text() for action in menu.actions() if action.text()]

    assert texts("a2") == ["Reconnect", "Details", "Check now", "Pause", "Copy address", "Remove…"]
    assert texts("a1", "a3") == ["Details", "Check now", "Pause", "Copy addresses", "Remove…"]
    engine.change("a3", state=State.PAUSED)
    settle(qtbot, page._bridge)
    qtbot.waitUntil(lambda: "Resume" in texts("a1", "a3"))


def test_keys_find_open_and_remove(qtbot: QtBot, open_page: Open) -> None:
    engine = FakeEngine(few())
    page = open_page(engine)
    activate(qtbot, page)
    page.table.setFocus()
    page.table.select_ids({"a1"}, "a1")
    QTest.keyClick(page.table, Qt.Key.Key_Delete)
    assert page.detail.confirm.isVisible() and engine.of(m.RemoveAccounts) == []
    QTest.keyClick(page.table, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.filter.text.hasFocus()
    QTest.keyClick(page.filter.text, Qt.Key.Key_Down)
    assert page.table.hasFocus()


def test_the_keyboard_reaches_every_control(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(FakeEngine(few()), size=(1400, 1400))
    page.open_account("a2")
    qtbot.waitUntil(lambda: page.detail.detail is not None)
    activate(qtbot, page)
    page.table.setFocus()
    reached: set[QWidget] = set()
    for _ in range(80):
        widget = QApplication.focusWidget()
        assert widget is not None
        reached.add(widget)
        QTest.keyClick(widget, Qt.Key.Key_Tab)
        if QApplication.focusWidget() is page.table:
            break
    wanted = {
        one
        for kind in INTERACTIVE
        for one in page.findChildren(kind)
        if one.isVisible() and one.isEnabled() and one.focusPolicy() & Qt.FocusPolicy.TabFocus
    }
    assert wanted - reached == set(), [(type(one).__name__, one.accessibleName()) for one in wanted - reached]
    unreachable = [
        one
        for one in page.findChildren(QAbstractButton)
        if one.isVisible() and one.isEnabled() and not one.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    # What clears or decorates a search field belongs to the field, whose keys do the same.
    assert [one for one in unreachable if not isinstance(one.parentWidget(), QLineEdit)] == []


@pytest.mark.parametrize("place", ["table", "detail", "connect", "question", "other", "empty"])
def test_every_control_has_a_name(qtbot: QtBot, open_page: Open, place: str) -> None:
    page = open_page(FakeEngine([] if place == "empty" else few()))
    if place == "detail":
        page.open_account("a2")
    elif place in ("connect", "question"):
        page.mend("a2")
        qtbot.waitUntil(lambda: page.connect_pane.stage is Stage.WAITING)
        if place == "question":
            page.connect_pane._on_cancel()
    elif place == "other":
        page.add(Provider.OTHER)
    settle(qtbot, page._bridge)
    assert unnamed(page) == []


def test_with_little_room_the_toolbar_keeps_its_names(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(FakeEngine(expired(2)), size=(480, 600))
    assert page.check_button.text() == "" and page.check_button.accessibleName() == "Check all"
    assert not page.mend_button.isVisible()
    page.resize(600, 600)
    qtbot.waitUntil(lambda: page.check_button.text() == "Check all")
    assert not page.mend_button.isVisible()
    page.resize(1200, 600)
    qtbot.waitUntil(page.mend_button.isVisible)
    assert page.mend_button.text() == "Reconnect all (2)"


def test_nothing_is_left_connected_after_the_page_is_gone(
    qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]
) -> None:
    engine = FakeEngine(few())
    bridge = open_bridge(engine)
    page = AccountsPage(bridge, lambda: engine.now, lambda url: True)
    page.show()
    qtbot.waitUntil(lambda: page.model.is_loaded)
    page.open_account("a2")
    settle(qtbot, bridge)
    page.close()
    page.deleteLater()
    QApplication.sendPostedEvents(None, 52)
    engine.change("a2", state=State.CONNECTED, cause=None)
    engine.push_removed("a1")
    engine.end_consent("connected", "…", account_id="a2")
    with qtbot.waitSignal(bridge.engine_changed, check_params_cb=lambda state: state is EngineState.RUNNING):
        engine.stop()
        engine.up = True
    settle(qtbot, bridge)


def test_it_ticks_only_while_it_is_seen(qtbot: QtBot, open_page: Open) -> None:
    page = open_page(FakeEngine(few()))
    assert page._times.isActive()
    page.hide()
    assert not page._times.isActive()
