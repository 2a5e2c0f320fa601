"""Every control of every page, pane and dialog tells assistive technology what it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QPushButton, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.config import Config
from reply_desktop.domain import events
from reply_desktop.domain.grant import MailServer, Security
from reply_desktop.domain.preferences import EMAIL_TO
from reply_desktop.domain.rows import RelayRow, TeamChannelRow
from reply_desktop.ui.account_detail import AccountPane
from reply_desktop.ui.accounts_page import AccountsPage
from reply_desktop.ui.add_other_dialog import OtherPane
from reply_desktop.ui.autostart import DesktopEntry
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.connect_dialog import Stage
from reply_desktop.ui.controls import name_box
from reply_desktop.ui.diagnosis_page import DiagnosisPage
from reply_desktop.ui.front import Front
from reply_desktop.ui.import_dialog import ImportDialog
from reply_desktop.ui.main_window import ACCOUNTS, SEQUENCES, MainWindow
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.remembered import Remembered
from reply_desktop.ui.sandbox_panel import SandboxPanel
from reply_desktop.ui.sequence_page import TABS, SequencePage
from reply_desktop.ui.sequence_toggle import StartAt
from reply_desktop.ui.settings_general import GeneralPage
from reply_desktop.ui.settings_notifications import NotificationsPage
from reply_desktop.ui.settings_providers import OTHER_ADDRESS, ProvidersPage
from tests.fakes.engine import (
    NOW,
    SERVERS,
    FakeEngine,
    few,
    few_log,
    few_sequences,
    import_report,
    prospects,
)
from tests.harness.names import controls, unnamed
from tests.harness.settling import settle
from tests.ui.sandbox_world import FakeSandbox


class Room:
    """Where a page is opened."""

    def __init__(self, qtbot: QtBot, engine: FakeEngine, bridge: Bridge, folder: Path) -> None:
        self.qtbot, self.engine, self.bridge, self.folder = qtbot, engine, bridge, folder

    def show(self, page: QWidget) -> None:
        self.qtbot.addWidget(page)
        page.resize(1200, 800)
        page.show()
        settle(self.qtbot, self.bridge)


@pytest.fixture
def room(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge], tmp_path: Path) -> Room:
    engine = FakeEngine(few(), sequences=few_sequences())
    engine.sequences.enroll("s2", prospects(60))
    engine.sequences.log = few_log()
    return Room(qtbot, engine, open_bridge(engine), tmp_path)


def window(room: Room, page: str) -> QWidget:
    made = MainWindow(Remembered(None), sandbox=True)
    room.qtbot.addWidget(made, before_close_func=lambda one: setattr(one, "leaving", True))
    front = Front(made, room.bridge, Remembered(None), clock=lambda: NOW, open_in_browser=lambda url: True)
    made.open_page(page)
    room.show(made)
    front.bell.click()
    return made


def account(room: Room) -> QWidget:
    pane = AccountPane(room.bridge, lambda: NOW, lambda url: True)
    room.show(pane)
    pane.show_account(room.engine.rows["a2"])
    pane.ask_to_remove()
    pane.details.toggle.setChecked(True)
    return pane


def accounts(room: Room) -> QWidget:
    pane = AccountPane(room.bridge, lambda: NOW, lambda url: True)
    room.show(pane)
    pane.show_several(("a1", "a2"))
    pane.ask_to_remove()
    return pane


def sign_in(room: Room) -> QWidget:
    page = AccountsPage(room.bridge, lambda: NOW, lambda url: True)
    room.show(page)
    page.mend("a2")
    room.qtbot.waitUntil(lambda: page.connect_pane.stage is Stage.WAITING)
    page.connect_pane._on_cancel()
    return page


def other(room: Room) -> QWidget:
    pane = OtherPane(room.bridge)
    room.show(pane)
    pane.begin(room.engine.rows["a5"], SERVERS)
    return pane


def diagnosis(room: Room) -> QWidget:
    page = DiagnosisPage(room.bridge, lambda: NOW, lambda url: True)
    room.show(page)
    page.open_account("a2")
    return page


def sequence(room: Room, tab: str) -> QWidget:
    page = SequencePage(room.bridge, lambda: NOW, lambda url: True)
    room.show(page)
    page.open_sequence("s2", tab)
    room.qtbot.waitUntil(lambda: page.detail is not None)
    page.draft.change(replace(page.draft.now, name="Else"), "Change the name")
    if tab == "prospects":
        settle(room.qtbot, room.bridge)
        page.prospects.table.selectAll()
    return page


def an_import(room: Room) -> QWidget:
    dialog = ImportDialog(room.bridge, "s2", "Spring outreach")
    room.show(dialog)
    dialog.take("/home/ana/prospects.csv")
    return dialog


def import_end(room: Room) -> QWidget:
    dialog = ImportDialog(room.bridge, "s2", "Spring outreach")
    room.show(dialog)
    dialog.take("/home/ana/prospects.csv")
    settle(room.qtbot, room.bridge)
    dialog._on_go()
    settle(room.qtbot, room.bridge)
    room.engine.push(events.ImportProgress("i1", 1280, 1280, import_report()))
    return dialog


def start_at(room: Room) -> QWidget:
    dialog = StartAt("Spring outreach", lambda: NOW)
    room.show(dialog)
    return dialog


def notifications(room: Room) -> QWidget:
    room.engine.settings = {EMAIL_TO: '"ana@brightfield.example"'}
    server = MailServer("smtp.relay.example", 587, Security.STARTTLS)
    room.engine.change_mail(relay=RelayRow(server, "ana", "a@relay.example", True))
    room.engine.team = (TeamChannelRow("t1", "Sales", "Slack", "hooks.slack.com", True),)
    page = NotificationsPage(room.bridge, Preferences(room.bridge), clock=lambda: NOW, zone=UTC)
    room.show(page)
    page.mail.more.toggle.setChecked(True)
    page.mail.relay.remove.click()
    page.team.rows["t1"].remove.click()
    page.team.add.click()
    return page


def providers(room: Room) -> QWidget:
    page = ProvidersPage(room.bridge, open_in_browser=lambda url: True)
    room.show(page)
    page.microsoft.cloud.setCurrentText(OTHER_ADDRESS)
    return page


def general(room: Room) -> QWidget:
    entry = DesktopEntry(["x"], room.folder)
    page = GeneralPage(
        room.bridge, Preferences(room.bridge), Config(room.folder), None, entry, clock=lambda: NOW
    )
    room.show(page)
    return page


def sandbox(room: Room) -> QWidget:
    panel = SandboxPanel(FakeSandbox())  # type: ignore[arg-type]
    room.show(panel)
    return panel


PLACES: dict[str, Callable[[Room], QWidget]] = {
    "the accounts": lambda room: window(room, ACCOUNTS),
    "the sequences": lambda room: window(room, SEQUENCES),
    "an account": account,
    "several accounts": accounts,
    "a sign-in": sign_in,
    "an other account": other,
    "a diagnosis": diagnosis,
    **{f"a sequence's {tab}": lambda room, tab=tab: sequence(room, tab) for tab in TABS},  # type: ignore[misc]
    "an import": an_import,
    "an import's end": import_end,
    "a start": start_at,
    "the notifications": notifications,
    "the providers": providers,
    "general settings": general,
    "the sandbox": sandbox,
}


@pytest.mark.parametrize("place", PLACES)
def test_every_control_says_what_it_is(room: Room, place: str) -> None:
    page = PLACES[place](room)
    settle(room.qtbot, room.bridge)
    assert controls(page)
    assert unnamed(page) == []


@pytest.mark.parametrize("kind", [QLineEdit, QPushButton, QSpinBox])
def test_what_has_no_name_is_found(qtbot: QtBot, kind: type[QWidget]) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    one = kind(page)
    assert unnamed(page) == [f"{kind.__name__} in QWidget"]
    one.setAccessibleName("One")
    assert unnamed(page) == []


def test_a_box_needs_more_than_what_is_chosen_in_it(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    form, one, other = QFormLayout(page), QComboBox(), QComboBox()
    for box in (one, other):
        box.addItem("TLS")
        form.addRow(box)
    assert len(unnamed(page)) == 2
    name_box(one, "Security")
    title = QLabel("Security", page)
    title.setBuddy(other)
    assert unnamed(page) == []
