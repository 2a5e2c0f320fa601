"""The sign-in pane: browser, waiting, every ending, and what the provider's page said."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QRadioButton, QWidget
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import BeginConsent, CancelConsent
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.consent import ConsentEnd
from reply_desktop.domain.errors import ConsentFailed
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import State
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.connect_dialog import ConnectPane, Stage
from reply_desktop.ui.words import PAGE_SAID
from tests.fakes.engine import FakeEngine, few


class Desk:
    """A sign-in pane over an engine, with a browser that takes notes."""

    def __init__(self, qtbot: QtBot, bridge: Bridge, engine: FakeEngine) -> None:
        self.qtbot, self.engine = qtbot, engine
        self.opened: list[str] = []
        self.opens = True
        self.now = engine.now
        self.ends: list[tuple[ConsentEnd, str | None]] = []
        self.pane = ConnectPane(bridge, lambda: self.now, self._open)
        self.pane.ended.connect(lambda end, one: self.ends.append((end, one)))
        qtbot.addWidget(self.pane)
        self.pane.resize(400, 700)
        self.pane.show()

    def _open(self, url: str) -> bool:
        self.opened.append(url)
        return self.opens

    def begin(self, account: str = "a2") -> None:
        self.pane.begin(Provider.GOOGLE, self.engine.rows[account])
        self.until(Stage.WAITING)

    def until(self, stage: Stage) -> None:
        self.qtbot.waitUntil(lambda: self.pane.stage is stage)

    def text(self) -> str:
        QApplication.processEvents()
        shown = [one for one in self.pane.findChildren(QLabel) if one.isVisibleTo(self.pane)]
        return "\n".join(one.text() for one in shown)

    def press(self, text: str) -> None:
        QApplication.processEvents()
        found = [one for one in self.pane.findChildren(QPushButton) if one.text() == text and visible(one)]
        assert len(found) == 1, [one.text() for one in self.pane.findChildren(QPushButton)]
        found[0].click()


def visible(widget: QWidget) -> bool:
    return widget.isVisibleTo(widget.window())


@pytest.fixture
def desk(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Iterator[Desk]:
    engine = FakeEngine(few())
    yield Desk(qtbot, open_bridge(engine), engine)


def test_the_browser_opens_and_the_pane_says_who_is_expected(desk: Desk) -> None:
    desk.begin()
    assert desk.opened == ["https://login.example/authorize?n=1"]
    assert desk.engine.of(BeginConsent) == [BeginConsent(account="a2")]
    assert "Finish in your browser" in desk.text()
    assert "ben@brightfield.example" in desk.text()
    assert "Time left 10:00" in desk.text()


def test_a_new_account_names_the_provider_only(desk: Desk) -> None:
    desk.pane.begin(Provider.MICROSOFT)
    desk.until(Stage.WAITING)
    assert desk.engine.of(BeginConsent) == [BeginConsent(Provider.MICROSOFT)]
    assert desk.pane.title.text() == "Add a Microsoft 365 account"


def test_time_runs_down(desk: Desk) -> None:
    desk.begin()
    desk.now += timedelta(seconds=19)
    desk.pane._on_tick()
    assert "Time left 9:41" in desk.text()


def test_the_link_can_be_copied_and_opened_again(desk: Desk) -> None:
    desk.begin()
    desk.press("Copy link")
    assert QGuiApplication.clipboard().text() == desk.opened[0]
    assert "Link copied" in desk.text()
    desk.press("Open again")
    assert desk.opened == [desk.opened[0]] * 2


def test_a_browser_that_does_not_open_is_told(desk: Desk) -> None:
    desk.opens = False
    desk.begin()
    assert "The browser did not open" in desk.text()


def test_success_is_told_and_nothing_stays_open(desk: Desk) -> None:
    desk.begin()
    desk.engine.end_consent("connected", "ben@brightfield.example is connected.", account_id="a2")
    desk.until(Stage.ENDED)
    assert "ben@brightfield.example is connected." in desk.text()
    assert desk.ends == [(ConsentEnd.CONNECTED, "a2")] and not desk.pane.is_open


def test_the_wrong_account_is_named_beside_the_right_one(desk: Desk) -> None:
    desk.begin()
    desk.engine.end_consent(
        "wrong_account", "…", expected="ben@brightfield.example", got="carla.mendes@northwind.example"
    )
    desk.until(Stage.ENDED)
    said = "You chose carla.mendes@northwind.example, but ben@brightfield.example was expected. Nothing was stored."
    assert said in desk.text()
    desk.press("Try again")
    desk.until(Stage.WAITING)
    assert len(desk.opened) == 2


@pytest.mark.parametrize("end", [ConsentEnd.DENIED, ConsentEnd.SCOPE_MISSING, ConsentEnd.FAILED])
def test_other_endings_tell_the_engines_words_and_offer_another_try(desk: Desk, end: ConsentEnd) -> None:
    desk.begin()
    desk.engine.end_consent(end.value, "What happened, in words.")
    desk.until(Stage.ENDED)
    assert "What happened, in words." in desk.text()
    desk.press("Try again")
    desk.until(Stage.WAITING)


def test_cancelling_asks_what_the_page_said_and_passes_it_on(desk: Desk) -> None:
    desk.begin()
    desk.press("Cancel sign-in…")
    assert desk.engine.of(CancelConsent) == []
    choices = desk.pane.findChildren(QRadioButton)
    assert len(choices) == 1 + len(PAGE_SAID[Provider.GOOGLE])
    named = [one for one in choices if "policies within your organization" in one.accessibleName()]
    named[0].click()
    desk.press("Cancel sign-in")
    desk.qtbot.waitUntil(lambda: bool(desk.engine.of(CancelConsent)))
    assert desk.engine.of(CancelConsent) == [CancelConsent("c1", Cause.ADMIN_POLICY)]
    assert "Blocked by your organisation" in desk.text()
    assert "administrator must act" in desk.text()


def test_cancelling_without_an_error_changes_nothing(desk: Desk) -> None:
    desk.begin()
    desk.press("Cancel sign-in…")
    desk.press("Cancel sign-in")
    desk.qtbot.waitUntil(lambda: desk.engine.of(CancelConsent) == [CancelConsent("c1")])
    assert "Nothing was changed." in desk.text()
    assert desk.ends == [(ConsentEnd.CANCELLED, None)]


def test_one_may_go_on_waiting(desk: Desk) -> None:
    desk.begin()
    desk.press("Cancel sign-in…")
    desk.press("Go on waiting")
    assert desk.pane.stage is Stage.WAITING and desk.engine.of(CancelConsent) == []


def test_a_sign_in_that_succeeds_during_the_question_counts(desk: Desk) -> None:
    desk.begin()
    desk.press("Cancel sign-in…")
    desk.engine.end_consent("connected", "ben@brightfield.example is connected.", account_id="a2")
    desk.until(Stage.ENDED)
    assert desk.ends == [(ConsentEnd.CONNECTED, "a2")]


def test_running_out_of_time_asks_too(desk: Desk) -> None:
    desk.begin()
    desk.engine.end_consent("timed_out", "…")
    desk.until(Stage.ASKING)
    assert "took too long" in desk.text() and not desk.pane.is_open
    choices = desk.pane.findChildren(QRadioButton)
    next(one for one in choices if "redirect_uri" in one.accessibleName()).click()
    desk.press("Show what helps")
    assert "App registration is not set up right" in desk.text()
    assert desk.engine.of(CancelConsent) == []


def test_an_unconfigured_provider_leads_to_the_settings(desk: Desk) -> None:
    desk.engine.configured[Provider.GOOGLE] = False
    desk.pane.begin(Provider.GOOGLE)
    desk.until(Stage.ENDED)
    with desk.qtbot.waitSignal(desk.pane.providers_wanted) as wanted:
        desk.press("Open Providers")
    assert wanted.args == [Provider.GOOGLE]


def test_what_cannot_begin_says_why(desk: Desk) -> None:
    desk.engine.errors[BeginConsent] = ConsentFailed("Google cannot be reached.", "Check the connection.")
    desk.pane.begin(Provider.GOOGLE, desk.engine.rows["a2"])
    desk.until(Stage.ENDED)
    assert "Google cannot be reached." in desk.text() and "Check the connection." in desk.text()
    assert desk.opened == []


def test_leaving_gives_the_sign_in_up(desk: Desk) -> None:
    desk.begin()
    desk.pane.leave()
    desk.qtbot.waitUntil(lambda: desk.engine.of(CancelConsent) == [CancelConsent("c1")])
    assert desk.pane.stage is Stage.IDLE


def test_hiding_the_window_leaves_the_sign_in_open(desk: Desk) -> None:
    desk.begin()
    desk.pane.hide()
    desk.qtbot.wait(20)
    assert desk.pane.is_open and desk.engine.of(CancelConsent) == []


def test_a_new_sign_in_gives_the_older_one_up(desk: Desk) -> None:
    desk.begin()
    desk.pane.begin(Provider.MICROSOFT, desk.engine.rows["a4"])
    desk.qtbot.waitUntil(lambda: len(desk.opened) == 2)
    assert desk.engine.of(CancelConsent) == [CancelConsent("c1")]
    desk.engine.change("a2", state=State.EXPIRED)
    assert desk.pane.stage is Stage.WAITING


def test_the_end_of_somebody_elses_sign_in_is_none_of_ours(desk: Desk) -> None:
    desk.begin()
    desk.engine._consents = 99
    desk.engine.end_consent("connected", "other")
    desk.qtbot.wait(20)
    assert desk.pane.stage is Stage.WAITING


def test_an_end_that_overtakes_the_beginning_counts(desk: Desk) -> None:
    desk.engine.mute = {BeginConsent}
    desk.pane.begin(Provider.GOOGLE, desk.engine.rows["a2"])
    desk.qtbot.waitUntil(lambda: bool(desk.engine.held))
    desk.engine._consents = 1
    desk.engine.end_consent("failed", "It failed at once.")
    desk.engine._consents = 0
    desk.qtbot.wait(10)
    desk.engine.answer_held()
    desk.until(Stage.ENDED)
    assert "It failed at once." in desk.text() and desk.opened == []


def test_a_lost_engine_ends_the_sign_in_in_words(desk: Desk) -> None:
    desk.begin()
    desk.engine.stop()
    desk.until(Stage.ENDED)
    assert "background service stopped" in desk.text()


def test_a_guided_run_shows_where_it_is(desk: Desk) -> None:
    desk.pane.begin(Provider.GOOGLE, desk.engine.rows["a2"], run=(2, 5))
    desk.until(Stage.WAITING)
    assert "2 of 5" in desk.text()
    with desk.qtbot.waitSignal(desk.pane.skipped):
        desk.press("Skip this one")
    with desk.qtbot.waitSignal(desk.pane.stopped):
        desk.press("Stop")
