"""The sandbox panel: every lever reaches the sandbox, its state is shown, and its silence is said."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox import process
from reply_desktop.sandbox.control import CONTROLS, EVERYWHERE, Control, Level, MailboxState
from reply_desktop.ui.sandbox_panel import APPS, FIRST, REASSURANCE, WORLD, SandboxPanel
from tests.ui.sandbox_world import FakeSandbox

ANA, GINA = "ana@harbor.example", "gina@lantern.example"


@pytest.fixture
def open_panel(qtbot: QtBot) -> Iterator[Callable[[FakeSandbox], SandboxPanel]]:
    opened: list[SandboxPanel] = []

    def make(sandbox: FakeSandbox) -> SandboxPanel:
        panel = SandboxPanel(sandbox, poll_ms=20)  # type: ignore[arg-type]
        opened.append(panel)
        qtbot.addWidget(panel)
        panel.resize(900, 700)
        panel.show()
        qtbot.waitUntil(lambda: len(panel.rows) == len(sandbox.mailboxes))
        return panel

    yield make
    for panel in opened:
        panel.close_down()


Open = Callable[[FakeSandbox], SandboxPanel]


def test_it_says_that_nothing_is_real(open_panel: Open) -> None:
    assert open_panel(FakeSandbox()).note.text() == REASSURANCE


@pytest.mark.parametrize("control", FIRST)
def test_what_happens_once_to_a_mailbox(qtbot: QtBot, open_panel: Open, control: Control) -> None:
    sandbox = FakeSandbox()
    panel = open_panel(sandbox)
    panel.rows[ANA].buttons[control].click()
    qtbot.waitUntil(lambda: sandbox.done == [("apply", control, ANA)])


def test_what_lasts_is_shown_and_ended(qtbot: QtBot, open_panel: Open) -> None:
    sandbox = FakeSandbox()
    panel = open_panel(sandbox)
    action = panel.rows[ANA].actions_by[Control.ADMIN_BLOCK]
    action.trigger()
    qtbot.waitUntil(lambda: panel.rows[ANA]._state.text() == "1 sign-in alive · block by policy")
    assert action.isChecked()
    action.trigger()
    qtbot.waitUntil(lambda: panel.rows[ANA]._state.text() == "1 sign-in alive")
    assert sandbox.done[-1] == ("clear", Control.ADMIN_BLOCK, ANA)


@pytest.mark.parametrize("control", WORLD)
def test_everything_at_once(qtbot: QtBot, open_panel: Open, control: Control) -> None:
    sandbox = FakeSandbox()
    panel = open_panel(sandbox)
    switch = panel.switches[control, EVERYWHERE]
    switch.click()
    qtbot.waitUntil(lambda: (control, EVERYWHERE) in sandbox.force and panel.restore.isEnabled())
    switch.click()
    qtbot.waitUntil(lambda: not sandbox.force)
    qtbot.waitUntil(lambda: not switch.isChecked() and not panel.restore.isEnabled())


def test_every_lever_offered_makes_sense() -> None:
    for control in WORLD:
        assert Level.WORLD in CONTROLS[control].levels
    for control in APPS:
        assert Level.PROVIDER in CONTROLS[control].levels
    for control in FIRST:
        assert Level.MAILBOX in CONTROLS[control].levels
        assert not CONTROLS[control].lasting


def test_each_provider_has_its_own_levers(open_panel: Open) -> None:
    panel = open_panel(FakeSandbox())
    assert set(panel.rows[ANA].buttons) == {Control.REMOVE_ACCESS, Control.CHANGE_PASSWORD}
    assert set(panel.rows[GINA].buttons) == {Control.CHANGE_PASSWORD}
    assert Control.MFA_REQUIRED in panel.rows["dana@fjord.example"].actions_by
    assert Control.MFA_REQUIRED not in panel.rows[ANA].actions_by
    assert (Control.API_OFF, "google") in panel.switches
    assert (Control.API_OFF, "microsoft") not in panel.switches


def test_restore_ends_all(qtbot: QtBot, open_panel: Open) -> None:
    sandbox = FakeSandbox()
    sandbox.apply(Control.OFFLINE)
    sandbox.apply(Control.CLIENT_DELETED, "google")
    sandbox.apply(Control.ADMIN_BLOCK, ANA)
    panel = open_panel(sandbox)
    qtbot.waitUntil(panel.switches[Control.CLIENT_DELETED, "google"].isChecked)
    panel.restore.click()
    qtbot.waitUntil(lambda: not panel.switches[Control.OFFLINE, EVERYWHERE].isChecked())
    assert sandbox.force == {}


def test_a_password_mailbox_gives_its_password(qtbot: QtBot, open_panel: Open) -> None:
    panel = open_panel(FakeSandbox())
    panel.rows[GINA].more.menu().actions()[-1].trigger()
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text() == f"password-of-{GINA}")


def test_mailboxes_come_and_go(qtbot: QtBot, open_panel: Open) -> None:
    sandbox = FakeSandbox()
    panel = open_panel(sandbox)
    del sandbox.mailboxes[ANA]
    sandbox.mailboxes["new@x.example"] = MailboxState("new@x.example", Provider.GOOGLE, "", "work", 0)
    qtbot.waitUntil(lambda: set(panel.rows) == set(sandbox.mailboxes))
    assert panel.rows["new@x.example"]._state.text() == "no sign-in"


def test_a_refusal_and_a_silence_are_said(qtbot: QtBot, open_panel: Open) -> None:
    sandbox = FakeSandbox()
    panel = open_panel(sandbox)
    sandbox.refuse = "That mailbox has no password."
    panel.rows[ANA].buttons[Control.CHANGE_PASSWORD].click()
    qtbot.waitUntil(panel.refusal.isVisible)
    assert panel.refusal.text() == "That mailbox has no password."
    sandbox.gone = True
    qtbot.waitUntil(lambda: panel.note.text().startswith("The sandbox does not answer."))
    sandbox.gone = False
    qtbot.waitUntil(lambda: panel.note.text() == REASSURANCE)
    assert panel.refusal.isVisible()
    sandbox.refuse = ""
    panel.rows[ANA].buttons[Control.CHANGE_PASSWORD].click()
    assert not panel.refusal.isVisible()


def test_out_of_view_it_rests(qtbot: QtBot, open_panel: Open) -> None:
    panel = open_panel(FakeSandbox())
    assert panel._poll.isActive()
    panel.hide()
    assert not panel._poll.isActive()


def test_every_control_has_a_name_of_its_own(open_panel: Open) -> None:
    panel = open_panel(FakeSandbox())
    names = [
        button.accessibleName() or button.text()
        for button in panel.findChildren(QAbstractButton)
        if button.isVisible()
    ]
    assert all(names)
    assert len(names) == len(set(names))


def test_the_tab_key_goes_from_top_to_bottom(qtbot: QtBot, open_panel: Open) -> None:
    panel = open_panel(FakeSandbox())

    def heights() -> list[int]:
        found: list[int] = []
        stop: QWidget | None = panel
        while stop is not None and stop is not panel.mail.forget:
            if stop.isVisible() and stop.focusPolicy() & Qt.FocusPolicy.TabFocus:
                found.append(stop.mapTo(panel, stop.rect().center()).y())
            stop = stop.nextInFocusChain()
        return found

    # The layout comes with the events after the first look.
    qtbot.waitUntil(lambda: len(heights()) > 10 and heights() == sorted(heights()))


def test_the_real_sandbox_obeys(qtbot: QtBot, tmp_path: Path) -> None:
    sandbox = process.start(tmp_path)
    control = sandbox.control()
    panel = SandboxPanel(control, poll_ms=50)
    qtbot.addWidget(panel)
    panel.show()
    try:
        qtbot.waitUntil(lambda: bool(panel.rows), timeout=15_000)
        address = next(one for one, row in panel.rows.items() if row.provider is Provider.GOOGLE)
        panel.rows[address].actions_by[Control.ADMIN_BLOCK].trigger()
        panel.switches[Control.OFFLINE, EVERYWHERE].click()
        qtbot.waitUntil(lambda: "block by policy" in panel.rows[address]._state.text(), timeout=15_000)
        qtbot.waitUntil(panel.switches[Control.OFFLINE, EVERYWHERE].isChecked, timeout=15_000)
        panel.restore.click()
        qtbot.waitUntil(lambda: control.state().conditions == (), timeout=15_000)
    finally:
        panel.close_down()
        process.stop(tmp_path)
