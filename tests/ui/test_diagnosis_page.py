"""The page of one account's diagnosis: told whole, acted on, followed live, and never a secret copied."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountRow
from reply_desktop.domain.states import State
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.diagnosis_page import DiagnosisPage
from tests.domain.diagnosing import STATES
from tests.fakes.engine import NOW, FakeEngine, few, few_sequences, row
from tests.harness.settling import activate, settle

SAID = "invalid_grant: AADSTS90094: needs an administrator"


class Desk:
    def __init__(self, qtbot: QtBot, bridge: Bridge, engine: FakeEngine) -> None:
        self.qtbot, self.bridge, self.engine = qtbot, bridge, engine
        self.opened: list[str] = []
        self.opens = True
        self.page = DiagnosisPage(bridge, lambda: engine.now, self._open)
        qtbot.addWidget(self.page)
        self.page.resize(1000, 900)
        self.page.show()

    def _open(self, url: str) -> bool:
        self.opened.append(url)
        return self.opens

    def show(self, account: str | AccountRow) -> None:
        shown = self.engine.rows[account] if isinstance(account, str) else account
        self.engine.rows[shown.id] = shown
        self.page.open_account(shown.id)
        settle(self.qtbot, self.bridge)
        QApplication.processEvents()

    def text(self) -> str:
        QApplication.processEvents()
        shown = [one for one in self.page.findChildren(QLabel) if one.isVisibleTo(self.page)]
        return "\n".join(one.text() for one in shown)

    def button(self, text: str, number: int = 0) -> QPushButton:
        found = [
            one
            for one in self.page.findChildren(QPushButton)
            if one.isVisibleTo(self.page) and one.text() == text
        ]
        return found[number]


@pytest.fixture
def desk(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Desk:
    engine = FakeEngine(few(), sequences=few_sequences())
    return Desk(qtbot, open_bridge(engine), engine)


def blocked() -> AccountRow:
    return row(
        6,
        "olga@northwind.example",
        provider=Provider.MICROSOFT,
        state=State.BLOCKED,
        cause=Cause.ADMIN_CONSENT,
        provider_error=SAID,
    )


def test_a_lost_account_is_told_whole(desk: Desk) -> None:
    desk.engine.granted["a2"] = NOW - timedelta(days=7, hours=3)
    desk.show("a2")
    text = desk.text()
    for said in (
        "ben@brightfield.example",
        "Expired",
        "does not say why",
        "Likely",
        "Testing mode",
        "Possible",
        "Unlikely",
        "It happens again every 7 days until the owner of the app registration acts.",
        "1.",
        "Meanwhile",
        "For your administrator",
    ):
        assert said in text, said
    assert desk.page.quote.toPlainText() == "invalid_grant: Token has been expired or revoked."
    assert desk.page.report.toPlainText() == desk.page.made.report  # type: ignore[union-attr]


def test_a_green_account_is_calm(desk: Desk) -> None:
    desk.show("a1")
    text = desk.text()
    assert "Nothing is wrong" in text and "How it stands" in text and "The next check is in 4 min." in text
    for card in (desk.page.why, desk.page.how, desk.page.said):
        assert not card.isVisible()


@pytest.mark.parametrize("provider", list(Provider))
def test_every_cause_has_its_steps_and_buttons(desk: Desk, provider: Provider) -> None:
    for cause in Cause:
        state = STATES[CAUSES[cause].kind]
        desk.show(row(9, "kim@x.example", provider=provider, state=state, cause=cause, provider_error=SAID))
        made = desk.page.made
        assert made is not None and made.cause is cause
        for step in made.steps:
            assert step.text in desk.text()
            assert step.label is None or desk.button(step.label)


def test_the_steps_are_done_through_the_same_doors(desk: Desk) -> None:
    desk.show("a2")
    with desk.qtbot.waitSignal(desk.page.mend_wanted) as mend:
        desk.button("Reconnect").click()
    assert mend.args == ["a2"]
    desk.button("Open the connected-apps page").click()
    assert desk.opened == ["https://myaccount.google.com/connections?authuser=ben@brightfield.example"]
    with desk.qtbot.waitSignal(desk.page.back) as back:
        desk.page.back_button.click()
    assert back.args == ["a2"]


def test_the_approval_link_is_opened_or_copied_to_hand_on(desk: Desk) -> None:
    desk.show(blocked())
    desk.button("Open the approval page").click()
    desk.button("Copy the link").click()
    assert QGuiApplication.clipboard().text() == desk.opened[0]
    assert "/northwind.example/v2.0/adminconsent?client_id=" in desk.opened[0]
    desk.button("Look up AADSTS90094").click()
    assert desk.opened[1] == "https://login.microsoftonline.com/error?code=90094"


def test_other_steps(desk: Desk) -> None:
    desk.show(row(7, "a@x.example", provider=Provider.GOOGLE, state=State.BLOCKED, cause=Cause.APP_REJECTED))
    with desk.qtbot.waitSignal(desk.page.providers_wanted) as wanted:
        desk.button("Open Settings → Providers").click()
    assert wanted.args == [Provider.GOOGLE]
    desk.show(row(8, "b@x.example", state=State.PAUSED))
    desk.button("Resume").click()
    settle(desk.qtbot, desk.bridge)
    assert desk.engine.of(m.ResumeAccounts) == [m.ResumeAccounts(("a8",))]
    desk.show(blocked())
    desk.button("Check now", 1).click()
    settle(desk.qtbot, desk.bridge)
    assert desk.engine.of(m.CheckAccounts) == [m.CheckAccounts(("a6",))]


def test_a_browser_that_does_not_open_leaves_the_address(desk: Desk) -> None:
    desk.opens = False
    desk.show("a2")
    desk.button("Open the connected-apps page").click()
    assert "The browser did not open. The page is https://myaccount" in desk.text()


def test_a_sequence_leads_to_its_log(desk: Desk) -> None:
    desk.show("a1")
    assert desk.page.made is not None and desk.page.made.meanwhile
    with desk.qtbot.waitSignal(desk.page.sequence_wanted) as wanted:
        desk.button(desk.page.made.meanwhile[0].name).click()
    assert wanted.args == [desk.page.made.meanwhile[0].sequence_id]


def test_the_clipboard_and_the_file_get_the_redacted_report_only(desk: Desk, tmp_path: Path) -> None:
    secret = "ya29.a0AfB_byC1234567890abcdefghij"
    desk.show(replace(desk.engine.rows["a2"], provider_error=f"invalid_grant: token {secret} refused"))
    desk.page.copy_button.click()
    copied = QGuiApplication.clipboard().text()
    assert "ben@brightfield.example" in copied and secret not in copied and "[removed]" in copied
    desk.page.save_to(str(tmp_path / "r.txt"))
    assert (tmp_path / "r.txt").read_text(encoding="utf-8") == copied
    desk.page.save_to(str(tmp_path / "no" / "r.txt"))
    assert "cannot be written" in desk.page.admin.said


def test_turning_green_is_said_calmly(desk: Desk) -> None:
    desk.show("a2")
    desk.engine.change("a2", state=State.CONNECTED, cause=None, provider_error=None, proven_at=NOW)
    desk.qtbot.waitUntil(lambda: "It works again." in desk.text())
    assert "Nothing is wrong" in desk.text() and not desk.page.how.isVisible()


def test_a_check_under_way_is_not_asked_for_twice_and_not_said_of_another_account(desk: Desk) -> None:
    desk.show("a2")
    desk.engine.change("a2", checking=True)
    settle(desk.qtbot, desk.bridge)
    assert desk.page.check_button.text() == "Checking…" and not desk.page.check_button.isEnabled()
    desk.show("a1")
    assert desk.page.check_button.text() == "Check now" and desk.page.check_button.isEnabled()


def test_what_is_the_same_stays_as_it_is_under_the_hands(desk: Desk, qtbot: QtBot) -> None:
    desk.show("a2")
    activate(qtbot, desk.page)
    mend = desk.button("Reconnect")
    mend.setFocus()
    desk.engine.change("a2", checking=True)
    desk.engine.change("a2", next_check_at=NOW + timedelta(minutes=50), checking=False)
    settle(qtbot, desk.bridge)
    assert desk.button("Reconnect") is mend and mend.hasFocus()
    assert "The next check is in 50 min." in desk.text()


def test_changes_of_others_ask_nothing_and_hidden_pages_wait(desk: Desk) -> None:
    desk.show("a2")
    asked = len(desk.engine.of(m.GetDiagnosis))
    desk.engine.change("a1", sent_today=3)
    settle(desk.qtbot, desk.bridge)
    desk.page.hide()
    desk.engine.change("a2", sent_today=3)
    settle(desk.qtbot, desk.bridge)
    assert len(desk.engine.of(m.GetDiagnosis)) == asked
    desk.page.show()
    settle(desk.qtbot, desk.bridge)
    assert len(desk.engine.of(m.GetDiagnosis)) == asked + 1


def test_times_are_said_anew(desk: Desk) -> None:
    desk.show("a1")
    desk.engine.now += timedelta(minutes=10)
    desk.page.refresh_times()
    assert "(11 min ago)" in desk.text()


def test_a_removed_account_leaves_a_word(desk: Desk) -> None:
    desk.show("a2")
    desk.engine.push_removed("a2")
    desk.qtbot.waitUntil(lambda: "This account was removed." in desk.text())
    assert not any(card.isVisible() for card in desk.page.cards)
    desk.page.open_account("nobody")
    settle(desk.qtbot, desk.bridge)
    assert "This account was removed." in desk.text()


def test_an_engine_that_is_away_is_said_and_comes_back(desk: Desk) -> None:
    desk.show("a2")
    desk.engine.stop()
    desk.qtbot.waitUntil(lambda: "may be out of date" in desk.text())
    desk.engine.up = True
    desk.qtbot.waitUntil(lambda: "may be out of date" not in desk.text(), timeout=5000)
    settle(desk.qtbot, desk.bridge)
    assert "Expired" in desk.text() and desk.page.check_button.isEnabled()


def test_what_cannot_be_told_is_said(desk: Desk) -> None:
    desk.engine.errors[m.GetDiagnosis] = InvalidInput("That is not possible.", "Try later.")
    desk.show("a2")
    assert "That is not possible. Try later." in desk.text()


@pytest.mark.parametrize("account", ["a1", "a2", "a6"])
def test_keyboard_and_screen_reader_reach_everything(desk: Desk, account: str) -> None:
    desk.engine.rows["a6"] = blocked()
    desk.show(account)
    controls = [
        one
        for kind in (QAbstractButton, QPlainTextEdit)
        for one in desk.page.findChildren(kind)
        if one.isVisibleTo(desk.page)
    ]
    assert controls
    for one in controls:
        named = one.accessibleName() or (one.text() if isinstance(one, QAbstractButton) else "")
        assert named, one
        assert one.focusPolicy() & Qt.FocusPolicy.TabFocus, named
    rich = [one for one in desk.page.findChildren(QLabel) if one.textFormat() is not Qt.TextFormat.PlainText]
    assert [one.text() for one in rich if one.text()] == []


def test_texts_from_outside_do_not_push_the_page_wider(desk: Desk) -> None:
    long = replace(
        desk.engine.rows["a2"], address="x" * 200 + "@" + "y" * 60 + ".example", provider_error="z" * 900
    )
    desk.show(long)
    assert desk.page.minimumSizeHint().width() < 700
    inside = desk.page.area.widget()
    assert isinstance(inside, QWidget) and inside.width() <= desk.page.area.width()
