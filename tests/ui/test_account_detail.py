"""The detail pane: truth, steps, history, and what can be done."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountRow
from reply_desktop.domain.states import State
from reply_desktop.ui.account_detail import AccountPane
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.words import moment
from tests.fakes.engine import FakeEngine, few, row
from tests.harness.settling import settle


class Desk:
    def __init__(self, qtbot: QtBot, bridge: Bridge, engine: FakeEngine) -> None:
        self.qtbot, self.bridge, self.engine = qtbot, bridge, engine
        self.opened: list[str] = []
        self.pane = AccountPane(bridge, lambda: engine.now, lambda url: not self.opened.append(url))  # type: ignore[func-returns-value]
        qtbot.addWidget(self.pane)
        self.pane.resize(400, 900)
        self.pane.show()

    def show(self, account: str | AccountRow) -> None:
        shown = self.engine.rows[account] if isinstance(account, str) else account
        self.engine.rows[shown.id] = shown
        self.pane.show_account(shown)
        self.qtbot.waitUntil(lambda: self.pane.detail is not None and self.pane.detail.row.id == shown.id)
        QApplication.processEvents()

    def text(self) -> str:
        QApplication.processEvents()
        shown = [one for one in self.pane.findChildren(QLabel) if one.isVisibleTo(self.pane)]
        return "\n".join(one.text() for one in shown)


@pytest.fixture
def desk(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Desk:
    engine = FakeEngine(few())
    return Desk(qtbot, open_bridge(engine), engine)


def test_a_red_account_says_what_why_who_and_how(desk: Desk) -> None:
    desk.show("a2")
    text = desk.text()
    for said in (
        "ben@brightfield.example",
        "Expired",
        "Access was removed or has expired. Google no longer accepts",
        "You can fix this.",
        "Press Reconnect and choose ben@brightfield.example in the browser.",
        "Last proven 2 h ago",
        "See your address",
        "Send mail as you",
        "27 green, 2 orange, 1 red",
        "Used by “Spring outreach”.",
    ):
        assert said in text, said
    assert desk.pane.mend.isVisible() and desk.pane.mend.text() == "Reconnect"


def test_a_foreseen_end_is_told_with_its_date_and_how_sure_it_is(desk: Desk) -> None:
    soon = desk.engine.now + timedelta(hours=30)
    warned = replace(
        desk.engine.rows["a1"], state=State.AT_RISK, cause=Cause.SIGN_IN_ENDS,
        deadline_at=soon, deadline_cause=Cause.SIGN_IN_ENDS,
    )  # fmt: skip
    desk.show(warned)
    assert f"sign-in ends about {moment(soon, desk.engine.now)}" in desk.text()
    assert desk.pane.mend.isVisible() and desk.pane.mend.text() == "Reconnect"
    desk.show(replace(warned, cause=Cause.CONSENT_ENDS, deadline_cause=Cause.CONSENT_ENDS))
    assert f"sign-in ends {moment(soon, desk.engine.now)}" in desk.text()
    desk.show(replace(warned, state=State.EXPIRED, cause=Cause.GRANT_REVOKED))
    assert "sign-in ends" not in desk.text()


def test_a_green_account_is_calm(desk: Desk) -> None:
    desk.show("a1")
    assert not desk.pane.mend.isVisible() and not desk.pane.cause.isVisible()
    assert not desk.pane.details.isVisible() and "You can fix this." not in desk.text()


def test_the_providers_own_text_is_behind_details_plain_and_selectable(desk: Desk) -> None:
    nasty = "<b>invalid_grant</b> &amp; <img src=x>"
    desk.show(replace(desk.engine.rows["a2"], provider_error=nasty))
    quote = desk.pane.provider_text
    assert not quote.isVisible()
    desk.pane.details.toggle.click()
    assert quote.isVisible() and quote.toPlainText() == nasty and quote.isReadOnly()
    assert quote.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByKeyboard


def test_every_label_is_plain_text(desk: Desk) -> None:
    desk.show("a2")
    rich = [
        one.text()
        for one in desk.pane.findChildren(QLabel)
        if one.textFormat() is not Qt.TextFormat.PlainText
    ]
    assert [text for text in rich if text] == []


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_is_shown_whole(desk: Desk, cause: Cause) -> None:
    states = {
        "transient": State.AT_RISK,
        "warning": State.AT_RISK,
        "lost": State.EXPIRED,
        "blocked": State.BLOCKED,
    }
    desk.show(row(2, "ben@brightfield.example", state=states[CAUSES[cause].kind], cause=cause))
    assert "{" not in desk.text()
    for step in range(len(CAUSES[cause].steps)):
        assert f"{step + 1}." in desk.text()


def test_a_change_is_shown_at_once_and_other_accounts_do_not_disturb(desk: Desk) -> None:
    desk.show("a2")
    desk.engine.push(m.RowsChanged((desk.engine.rows["a1"],)))
    desk.engine.change("a2", state=State.CONNECTED, cause=None, provider_error=None)
    desk.qtbot.waitUntil(lambda: desk.pane.state.text() == "Connected")
    assert not desk.pane.mend.isVisible() and desk.pane.title.text() == "ben@brightfield.example"


def test_the_history_tells_beginning_cause_and_end(desk: Desk) -> None:
    desk.show("a2")
    text = desk.text()
    assert "Cannot reach Google" in text and "for 60 min" not in text
    assert "for 1 h; worked again by itself" in text
    assert "since" in text


def test_times_are_said_anew(desk: Desk) -> None:
    desk.show("a1")
    assert "Last proven 1 min ago" in desk.text()
    desk.engine.now += timedelta(minutes=10)
    desk.pane.refresh_times()
    assert "Last proven 11 min ago" in desk.text()


@pytest.mark.parametrize(
    ("account", "said"), [("a2", "What happened, and how to mend it"), ("a1", "How this account stands")]
)
def test_the_diagnosis_is_one_click_away(desk: Desk, account: str, said: str) -> None:
    desk.show(account)
    assert desk.pane.diagnose.text() == said
    with desk.qtbot.waitSignal(desk.pane.diagnosis_wanted) as wanted:
        desk.pane.diagnose.click()
    assert wanted.args == [account]


def test_the_approval_link_is_found_in_the_diagnosis(desk: Desk) -> None:
    state, cause = State.BLOCKED, Cause.ADMIN_CONSENT
    desk.show(row(2, "b@x.example", provider=Provider.MICROSOFT, state=state, cause=cause))
    assert desk.pane.help.text() == "Get the approval link"
    with desk.qtbot.waitSignal(desk.pane.diagnosis_wanted):
        desk.pane.help.click()


def test_the_error_code_is_looked_up_by_its_number(desk: Desk) -> None:
    said = "invalid_grant: AADSTS53003: blocked"
    desk.show(
        row(
            2,
            "b@x.example",
            provider=Provider.MICROSOFT,
            state=State.BLOCKED,
            cause=Cause.ADMIN_POLICY,
            provider_error=said,
        )
    )
    desk.pane.help.click()
    assert desk.opened == ["https://login.microsoftonline.com/error?code=53003"]


def test_mending_and_checking_are_asked_for(desk: Desk) -> None:
    desk.show("a2")
    with desk.qtbot.waitSignal(desk.pane.mend_wanted) as mend:
        desk.pane.mend.click()
    with desk.qtbot.waitSignal(desk.pane.check_wanted) as check:
        desk.pane.check.click()
    assert mend.args == ["a2"] and check.args == [("a2",)]


def test_pages_open_in_the_browser(desk: Desk) -> None:
    desk.show("a2")
    desk.pane.apps.click()
    assert desk.opened == ["https://myaccount.google.com/connections?authuser=ben@brightfield.example"]
    assert not desk.pane.help.isVisible()
    desk.show("a4")
    desk.pane.help.click()
    assert desk.opened[-1] == "https://status.cloud.microsoft/"
    desk.show("a5")
    assert not desk.pane.apps.isVisible() and desk.pane.edit.isVisible()


def test_app_trouble_leads_to_the_settings(desk: Desk) -> None:
    desk.show(row(2, "ben@brightfield.example", state=State.BLOCKED, cause=Cause.APP_REJECTED))
    assert desk.pane.help.text() == "Open Settings → Providers"
    with desk.qtbot.waitSignal(desk.pane.providers_wanted):
        desk.pane.help.click()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (m.TestSent(None, None, False), "The test message was accepted."),
        (m.TestSent(None, None, True), "It is not known whether the test message went out."),
        (
            m.TestSent("grant_revoked", "535 no", False),
            "was not sent. Access was removed or has expired. The provider said: 535 no",
        ),
    ],
)
def test_a_test_message_is_reported_truthfully(desk: Desk, answer: m.TestSent, said: str) -> None:
    desk.engine.answers[m.SendTest] = answer
    desk.show("a1")
    desk.pane.test.click()
    assert "Sending a test message" in desk.pane.result.text() and not desk.pane.test.isEnabled()
    desk.qtbot.waitUntil(lambda: said in desk.pane.result.text())
    assert desk.pane.test.isEnabled() and desk.engine.of(m.SendTest) == [m.SendTest("a1")]


def test_what_the_engine_refuses_is_told_here(desk: Desk) -> None:
    desk.engine.errors[m.SendTest] = InvalidInput("ana is paused, so it sends nothing.")
    desk.show("a1")
    desk.pane.test.click()
    desk.qtbot.waitUntil(lambda: "ana is paused" in desk.pane.result.text())


def test_pause_and_resume(desk: Desk) -> None:
    desk.show("a1")
    desk.pane.pause.click()
    desk.qtbot.waitUntil(lambda: desk.engine.of(m.PauseAccounts) == [m.PauseAccounts(("a1",))])
    desk.engine.change("a1", state=State.PAUSED)
    desk.qtbot.waitUntil(lambda: desk.pane.pause.text() == "Resume")
    assert not desk.pane.check.isEnabled()
    desk.pane.pause.click()
    desk.qtbot.waitUntil(lambda: desk.engine.of(m.ResumeAccounts) == [m.ResumeAccounts(("a1",))])


def test_removing_asks_in_place_and_says_what_is_lost(desk: Desk) -> None:
    desk.show("a1")
    desk.pane.remove.click()
    assert desk.pane.confirm.isVisible() and desk.engine.of(m.RemoveAccounts) == []
    text = desk.text()
    assert "Remove ana@brightfield.example?" in text and "“Spring outreach” and “Partners” lose it" in text
    assert "on all devices" in text
    desk.pane.confirm.keep.click()
    assert not desk.pane.confirm.isVisible() and desk.engine.of(m.RemoveAccounts) == []
    desk.pane.remove.click()
    desk.pane.confirm._revoke.setChecked(True)
    with desk.qtbot.waitSignal(desk.pane.closed):
        desk.pane.confirm.go.click()
    assert desk.engine.of(m.RemoveAccounts) == [m.RemoveAccounts(("a1",), True)]


def test_a_password_account_has_no_access_to_end(desk: Desk) -> None:
    desk.show("a5")
    desk.pane.remove.click()
    assert not desk.pane.confirm._revoke.isVisible()
    assert "smtp.lindholm.example" in desk.text()


def test_another_account_starts_afresh(desk: Desk) -> None:
    desk.show("a2")
    desk.pane.details.toggle.click()
    desk.pane.remove.click()
    desk.show("a1")
    assert not desk.pane.confirm.isVisible() and not desk.pane.details.toggle.isChecked()


def test_several_accounts_are_paused_together(desk: Desk) -> None:
    desk.pane.show_several(("a1", "a3"))
    assert "2 accounts chosen" in desk.text()
    desk.pane._pause_many(True)
    desk.qtbot.waitUntil(lambda: desk.engine.of(m.PauseAccounts) == [m.PauseAccounts(("a1", "a3"))])
    desk.pane.ask_to_remove()
    assert "Remove 2 accounts?" in desk.text()
    desk.pane.confirm_many.go.click()
    settle(desk.qtbot, desk.bridge)
    assert set(desk.engine.rows) == {"a2", "a4", "a5"}


def test_the_question_about_several_names_the_sequences_that_lose_them(desk: Desk) -> None:
    desk.pane.show_several(("a2", "a3", "a4"))
    desk.pane.ask_to_remove()
    wanted = "Remove 3 accounts? Their history goes too. “Partners” and “Spring outreach” lose senders."
    desk.qtbot.waitUntil(lambda: desk.pane.confirm_many.text() == wanted)


def test_the_daily_limit_is_set_in_place(desk: Desk) -> None:
    desk.show("a2")
    assert desk.pane.limit.field.value() == 50 and "14 mails sent in the last 24 hours." in desk.text()
    desk.pane.limit.field.setValue(80)
    desk.pane.limit.save.click()
    desk.qtbot.waitUntil(lambda: "At most 80 mails in 24 hours from now on." in desk.text())
    assert desk.engine.of(m.SetDailyLimit) == [m.SetDailyLimit(("a2",), 80)]
    assert not desk.pane.limit.save.isEnabled()
    desk.show("a1")
    assert desk.pane.limit.field.value() == 50


def test_a_limit_that_is_refused_stays_to_be_mended(desk: Desk) -> None:
    desk.engine.errors[m.SetDailyLimit] = InvalidInput("That is too many.", "Take at most 2,000.")
    desk.show("a2")
    desk.pane.limit.field.setValue(9999)
    desk.pane.limit.save.click()
    desk.qtbot.waitUntil(lambda: "That is too many. Take at most 2,000." in desk.text())
    assert desk.pane.limit.field.value() == 9999 and desk.pane.limit.save.isEnabled()


def test_a_test_is_not_sent_twice_and_names_the_account_it_was_of(desk: Desk) -> None:
    desk.engine.mute = {m.SendTest}
    desk.show("a2")
    desk.pane.test.click()
    desk.qtbot.waitUntil(lambda: bool(desk.engine.held))
    desk.engine.change("a2", checking=True)
    desk.qtbot.waitUntil(lambda: not desk.pane.check.isEnabled())
    assert not desk.pane.test.isEnabled()
    desk.show(row(8, "olga@northwind.example", provider=Provider.MICROSOFT))
    desk.engine.answers[m.SendTest] = m.TestSent(Cause.UNREACHABLE, None, False)
    desk.engine.answer_held()
    desk.qtbot.waitUntil(desk.pane.test.isEnabled)
    assert "Microsoft" not in desk.pane.result.text() and "Google" in desk.pane.result.text()


def test_several_accounts_get_one_limit(desk: Desk) -> None:
    desk.pane.show_several(("a1", "a3"))
    desk.pane.limit_many.field.setValue(30)
    desk.pane.limit_many.save.click()
    desk.qtbot.waitUntil(lambda: desk.engine.of(m.SetDailyLimit) == [m.SetDailyLimit(("a1", "a3"), 30)])


def test_an_account_never_signed_in(desk: Desk) -> None:
    desk.show(row(7, "new@x.example", provider=Provider.MICROSOFT, state=State.NEW))
    assert desk.pane.mend.text() == "Sign in" and "Never proven" in desk.text()
    assert not desk.pane.check.isEnabled() and not desk.pane.test.isEnabled()


def test_escape_closes(desk: Desk) -> None:
    desk.show("a1")
    with desk.qtbot.waitSignal(desk.pane.closed):
        desk.qtbot.keyClick(desk.pane, Qt.Key.Key_Escape)
