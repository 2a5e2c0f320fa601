"""The window put together: what leads where."""

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AppFault, NotificationRow
from reply_desktop.domain.states import State
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.connect_dialog import Stage
from reply_desktop.ui.diagnosis_page import DiagnosisPage
from reply_desktop.ui.front import Front
from reply_desktop.ui.main_window import (
    ACCOUNTS,
    DIAGNOSIS,
    NOTIFICATIONS,
    PROVIDERS,
    SEQUENCE,
    SEQUENCES,
    MainWindow,
)
from reply_desktop.ui.remembered import Remembered
from tests.fakes.engine import NOW, FakeEngine, few, few_sequences, row
from tests.harness.names import unnamed
from tests.harness.pages import OneSequence
from tests.harness.settling import settle

Make = Callable[[FakeEngine], Front]


class Providers(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Provider] = []

    def show_provider(self, provider: Provider) -> None:
        self.shown.append(provider)


class Notifications(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def show_part(self, channel: str) -> None:
        self.shown.append(channel)


@pytest.fixture
def make(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Make:
    def made(engine: FakeEngine) -> Front:
        bridge = open_bridge(engine)
        window = MainWindow(Remembered(None))
        qtbot.addWidget(window, before_close_func=lambda one: setattr(one, "leaving", True))
        front = Front(
            window, bridge, Remembered(None), clock=lambda: engine.now, open_in_browser=lambda url: True
        )
        window.add_page(PROVIDERS, Providers)
        window.add_page(SEQUENCE, OneSequence)
        window.open_page(ACCOUNTS)
        window.show()
        qtbot.waitUntil(lambda: front.accounts.model.is_loaded)
        settle(qtbot, bridge)
        return front

    return made


def press(front: Front, text: str) -> None:
    next(one for one in front.banners.findChildren(QAbstractButton) if one.text() == text).click()


def test_the_banner_leads_to_the_sign_in(qtbot: QtBot, make: Make) -> None:
    front = make(FakeEngine(few()))
    front.window.add_page("general", QWidget)
    front.window.open_page("general")
    press(front, "Reconnect")
    qtbot.waitUntil(lambda: front.accounts.connect_pane.stage is Stage.WAITING)
    assert front.window.current == ACCOUNTS


def test_app_trouble_leads_to_the_providers(make: Make) -> None:
    engine = FakeEngine([row(1, "a@x.example", state=State.BLOCKED, cause=Cause.APP_DELETED)])
    engine.faults = (AppFault("google", Provider.GOOGLE, Cause.APP_DELETED, None, NOW, 1),)
    front = make(engine)
    press(front, "Open Providers")
    assert front.window.current == PROVIDERS


def test_an_unconfigured_provider_is_brought_into_view(make: Make) -> None:
    front = make(FakeEngine(configured=False))
    front.accounts.add(Provider.MICROSOFT)
    page = front.window.stack.currentWidget()
    assert isinstance(page, Providers) and page.shown == [Provider.MICROSOFT]


def test_deep_links_show_the_window(qtbot: QtBot, make: Make) -> None:
    front = make(FakeEngine(few()))
    front.window.hide()
    front.open_account("a4")
    assert front.window.isVisible() and front.accounts.table.selected_ids() == ("a4",)
    front.reconnect("a2")
    qtbot.waitUntil(lambda: front.accounts.connect_pane.stage is Stage.WAITING)


@pytest.mark.parametrize("door", ["open_account", "reconnect"])
def test_a_removed_account_is_said_to_be_so(qtbot: QtBot, make: Make, door: str) -> None:
    front = make(FakeEngine(few()))
    getattr(front, door)("nobody")
    qtbot.waitUntil(lambda: "This account was removed." in front.banners.texts())
    assert front.window.current == ACCOUNTS


def test_a_removed_sequence_is_said_to_be_so_over_the_list(qtbot: QtBot, make: Make) -> None:
    front = make(FakeEngine(few(), sequences=few_sequences()))
    front.window.add_page(SEQUENCE, front._sequence)
    front.open_sequence("nobody", "log", 5)
    qtbot.waitUntil(lambda: "This sequence was removed." in front.banners.texts())
    assert front.window.current == SEQUENCES


def test_the_diagnosis_opens_from_the_pane_and_from_outside(qtbot: QtBot, make: Make) -> None:
    front = make(FakeEngine(few(), sequences=few_sequences()))
    front.open_account("a2")
    front.accounts.detail.diagnose.click()
    assert front.window.current == DIAGNOSIS
    page = front.window.stack.currentWidget()
    assert isinstance(page, DiagnosisPage) and page.account_id == "a2"
    qtbot.waitUntil(lambda: page.made is not None)
    page.back_button.click()
    assert front.window.current == ACCOUNTS and front.accounts.table.selected_ids() == ("a2",)
    front.window.hide()
    front.open_diagnosis("a4")
    assert front.window.isVisible() and page.account_id == "a4"
    page.sequence_wanted.emit("s2")
    assert front.window.current == SEQUENCE and opened(front)[-1] == ("s2", "log", None, None)
    front.open_diagnosis("a2")
    page.mend_wanted.emit("a2")
    qtbot.waitUntil(lambda: front.accounts.connect_pane.stage is Stage.WAITING)
    assert front.window.current == ACCOUNTS


def test_checking_all_works_with_and_without_a_window(qtbot: QtBot, make: Make) -> None:
    engine = FakeEngine(few())
    front = make(engine)
    front.check_all()
    qtbot.waitUntil(lambda: front.accounts.check_line.is_running)
    front.window.hide()
    front.check_all()
    settle(qtbot, front.bridge)
    assert engine.of(m.CheckAccounts) == [m.CheckAccounts()] * 2


def test_what_nobody_else_tells_is_told_in_a_line(qtbot: QtBot, make: Make) -> None:
    engine = FakeEngine(few())
    engine.errors[m.PauseAccounts] = InvalidInput("That cannot be paused.", "Try another.")
    front = make(engine)
    front.bridge.ask(m.PauseAccounts(("a1",)))
    qtbot.waitUntil(lambda: "That cannot be paused. Try another." in front.banners.texts())


def opened(front: Front) -> list[tuple[object, ...]]:
    page = front.window.stack.currentWidget()
    assert isinstance(page, OneSequence)
    return page.opened


def test_a_newcomer_sees_accounts_and_later_what_was_left(make: Make) -> None:
    front = make(FakeEngine(few(), sequences=few_sequences()))
    front.open_first()
    assert front.window.current == ACCOUNTS
    front.open_sequences()
    front.window.remember()
    front.open_accounts()
    front._remembered = front.window._remembered
    front.open_first()
    assert front.window.current == SEQUENCES


def test_a_sequence_opens_from_the_list_and_from_outside(qtbot: QtBot, make: Make) -> None:
    front = make(FakeEngine(few(), sequences=few_sequences()))
    front.open_sequences()
    qtbot.waitUntil(lambda: bool(front.sequences.model.ids))
    front.sequences.table.opened.emit("s2")
    assert front.window.current == SEQUENCE and opened(front) == [("s2", "steps", None, None)]
    front.window.hide()
    front.open_sequence("s3", "log", 17)
    assert front.window.isVisible() and opened(front)[-1] == ("s3", "log", 17, None)
    front.window.open_sequences()
    assert front.window.stack.currentWidget() is front.sequences


def test_the_bells_details_lead_to_the_entry_in_the_log(qtbot: QtBot, make: Make) -> None:
    engine = FakeEngine(few(), sequences=few_sequences())
    engine.notifications = [
        NotificationRow(
            "n1", "a2:grant_revoked", NotificationKind.ACCOUNT_LOST, Severity.CRITICAL, "ben cannot send",
            "Access was removed.", NOW, "a2", read=False, withdrawn=False, sequence_id="s2",
        )
    ]  # fmt: skip
    front = make(engine)
    front.bell.open_panel()
    panel = front.bell.panel
    assert panel is not None
    qtbot.waitUntil(lambda: bool(panel._entries))
    panel._entries["n1"].buttons()[0].click()
    assert opened(front) == [("s2", "log", None, "a2:grant_revoked")]


def test_the_banner_names_the_sequences_a_red_account_is_used_by(qtbot: QtBot, make: Make) -> None:
    front = make(FakeEngine(few(), sequences=few_sequences()))
    qtbot.waitUntil(lambda: any("“Partners” sends nothing." in one for one in front.banners.texts()))


def test_the_first_account_is_added_from_the_empty_list(make: Make) -> None:
    front = make(FakeEngine())
    front.open_sequences()
    front.sequences.account_wanted.emit()
    assert front.window.current == ACCOUNTS


def footer(front: Front) -> str:
    return "\n".join(one.text() for one in front.window.findChildren(QLabel))


def test_the_footer_tells_service_number_and_last_check(qtbot: QtBot, make: Make) -> None:
    engine = FakeEngine(few())
    front = make(engine)
    qtbot.waitUntil(lambda: "5 accounts · last check 1 min ago" in footer(front))
    assert "Background service running" in footer(front)
    engine.stop()
    qtbot.waitUntil(lambda: "Background service restarting…" in footer(front))


def test_nothing_ticks_while_nobody_looks(make: Make) -> None:
    front = make(FakeEngine(few()))
    assert front._footer_timer.isActive()
    front.window.hide()
    assert not front._footer_timer.isActive() and not front.accounts._times.isActive()
    front.window.show()
    assert front._footer_timer.isActive()


def test_quit_is_in_the_menu(qtbot: QtBot, make: Make) -> None:
    front = make(FakeEngine())
    more = next(one for one in front.window.findChildren(QAbstractButton) if one.accessibleName() == "More")
    actions = more.menu().actions()  # type: ignore[attr-defined]
    with qtbot.waitSignal(front.quit_wanted):
        next(one for one in actions if "Quit" in one.text()).trigger()


def test_every_control_of_the_whole_window_has_a_name(make: Make) -> None:
    front = make(FakeEngine(few()))
    assert unnamed(front.window) == []


@pytest.mark.parametrize(
    ("key", "page", "part"),
    [
        ("email:ana@brightfield.example", NOTIFICATIONS, ["email"]),
        ("team:t1", NOTIFICATIONS, ["team"]),
        ("google:app_deleted", PROVIDERS, []),
        ("vault", PROVIDERS, []),
    ],
)
def test_what_the_bell_tells_of_is_opened_where_it_is_mended(
    make: Make, key: str, page: str, part: list[str]
) -> None:
    front = make(FakeEngine(few()))
    notifications = Notifications()
    front.window.add_page(NOTIFICATIONS, lambda: notifications)
    front.bell.fault_asked.emit(key)
    assert front.window.current == page
    assert notifications.shown == part


def test_the_bell_leads_to_where_e_mail_is_set_up(make: Make) -> None:
    front = make(FakeEngine(few()))
    notifications = Notifications()
    front.window.add_page(NOTIFICATIONS, lambda: notifications)
    front.bell.notifications_asked.emit()
    assert front.window.current == NOTIFICATIONS
    assert notifications.shown == ["email"]
