"""When alerts are raised, merged, changed and withdrawn; the desktop itself is a fake here."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import ClaimAlerts, GetAccounts, ListAlerts
from reply_desktop.domain import events
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import EngineUnavailable, NotFound
from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.preferences import TRAY_ALERTS
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.domain.states import State
from reply_desktop.ui.alert_surface import DEFAULT, Alert
from reply_desktop.ui.alerts import MANY, Alerts
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.preferences import Preferences
from reply_desktop.ui.tray_picture import Look, picture
from tests.fakes.engine import NOW, FakeEngine, few, row

Open = Callable[[FakeEngine], Bridge]


class Surface(QObject):
    """Stands for the notification daemon: keeps what it is told to show."""

    activated = Signal(str, str, str)
    closed = Signal(object)
    refused = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.visible: dict[str, Alert] = {}
        self.shown: list[Alert] = []
        self.broken = False

    def show(self, alert: Alert) -> None:
        if self.broken:
            self.refused.emit(alert)
            return
        self.visible[alert.key] = alert
        self.shown.append(alert)

    def withdraw(self, key: str) -> None:
        self.visible.pop(key, None)

    @property
    def titles(self) -> list[str]:
        return [alert.title for alert in self.visible.values()]


class Bubbles(QObject):
    """Stands for the tray's own messages."""

    message_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[str, str]] = []

    def show_message(self, title: str, text: str) -> None:
        self.shown.append((title, text))


class Desk:
    """Alerts over a fake engine, with short waits; `dbus` False leaves the tray's own messages only."""

    def __init__(self, bridge: Bridge, engine: FakeEngine, *, dbus: bool = True, together_ms: int = 60_000):
        self.engine, self.surface, self.bubbles = engine, Surface(), Bubbles()
        self.preferences = Preferences(bridge)
        self.alerts = Alerts(
            bridge,
            self.preferences,
            self.bubbles,  # type: ignore[arg-type]
            self.surface if dbus else None,  # type: ignore[arg-type]
            first_ms=5,
            merge_ms=20,
            together_ms=together_ms,
        )

    def lose(self, *accounts: str) -> None:
        for account in accounts:
            self.engine.alert(lost(self.engine, account))

    def mend(self, account: str) -> None:
        self.engine.withdraw(lost(self.engine, account))
        self.engine.alert(mended(self.engine, account))


def lost(engine: FakeEngine, account: str) -> NotificationRow:
    return NotificationRow(
        f"n-{account}",
        f"e-{account}",
        NotificationKind.ACCOUNT_LOST,
        Severity.CRITICAL,
        f"{engine.rows[account].address} cannot send",
        "Access was removed or has expired. Press Reconnect.",
        NOW,
        account,
        read=False,
        withdrawn=False,
    )


def mended(engine: FakeEngine, account: str) -> NotificationRow:
    return replace(
        lost(engine, account),
        id=f"m-{account}",
        kind=NotificationKind.ACCOUNT_RECOVERED,
        severity=Severity.INFO,
        title=f"{engine.rows[account].address} works again",
        text="The provider proved the connection just now.",
    )


FAULT = NotificationRow(
    "n-fault",
    "google:app_deleted",
    NotificationKind.APP_FAULT,
    Severity.CRITICAL,
    "Google: App registration was deleted",
    "Restore the client.",
    NOW + timedelta(seconds=1),
    None,
    read=False,
    withdrawn=False,
)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(
        row(n, f"{name}@acme.example", state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
        for n, name in enumerate(("ana", "ben", "cy", "dee"))
    )


@pytest.fixture
def desk(open_bridge: Open, engine: FakeEngine) -> Desk:
    return Desk(open_bridge(engine), engine)


def test_one_account_is_one_alert_with_its_buttons(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0")
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    (alert,) = desk.surface.shown
    assert (alert.title, alert.critical, alert.passing) == ("ana@acme.example cannot send", True, False)
    assert alert.actions == (("reconnect", "Reconnect"), ("details", "Details"))
    assert alert.picture is not None


def test_no_reconnect_button_where_signing_in_again_does_not_help(qtbot: QtBot, desk: Desk) -> None:
    desk.engine.rows["a0"] = replace(desk.engine.rows["a0"], state=State.BLOCKED, cause=Cause.ADMIN_POLICY)
    desk.lose("a0")
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    assert desk.surface.shown[0].actions == (("details", "Details"),)


def test_an_engine_that_cannot_answer_costs_the_button_not_the_alert(qtbot: QtBot, desk: Desk) -> None:
    desk.engine.errors[GetAccounts] = NotFound("Gone.")
    desk.lose("a0")
    qtbot.waitUntil(lambda: desk.surface.titles == ["ana@acme.example cannot send"])


def test_several_at_once_are_one_alert(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0", "a1", "a2", "a3")
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    (alert,) = desk.surface.shown
    assert alert.title == "4 accounts need you"
    assert alert.text == "ana@acme.example, ben@acme.example, cy@acme.example and 1 more cannot send."
    assert alert.actions == (("reconnect", "Reconnect"), ("details", "Details"))


def test_one_more_within_the_minute_changes_the_same_alert(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0")
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 1)
    desk.lose("a1")
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 2)
    assert desk.surface.titles == ["2 accounts need you"]


def test_one_more_later_is_an_alert_of_its_own(qtbot: QtBot, open_bridge: Open, engine: FakeEngine) -> None:
    desk = Desk(open_bridge(engine), engine, together_ms=1)
    desk.lose("a0")
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 1)
    desk.lose("a1")
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 2)
    assert desk.surface.titles == ["ana@acme.example cannot send", "ben@acme.example cannot send"]


def test_recovery_withdraws_and_is_told_once(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0")
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    desk.mend("a0")
    qtbot.waitUntil(lambda: desk.surface.titles == ["ana@acme.example works again"])
    alert = desk.surface.shown[-1]
    assert (alert.critical, alert.passing, alert.actions) == (False, True, (("details", "Details"),))
    assert len(desk.surface.shown) == 2


def test_a_merged_alert_shrinks_as_accounts_come_back(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0", "a1", "a2")
    qtbot.waitUntil(lambda: desk.surface.titles == ["3 accounts need you"])
    desk.mend("a0")
    desk.mend("a1")
    qtbot.waitUntil(lambda: desk.surface.titles == ["cy@acme.example cannot send", "2 accounts work again"])
    assert desk.surface.shown[-1].text == "ana@acme.example and ben@acme.example."
    desk.mend("a2")
    qtbot.waitUntil(lambda: desk.surface.titles[-1] == "cy@acme.example works again")
    assert "cy@acme.example cannot send" not in desk.surface.titles


def test_trouble_over_before_it_was_told_is_not_told(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0", "a1")
    desk.engine.withdraw(lost(desk.engine, "a0"))
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    assert desk.surface.titles == ["ben@acme.example cannot send"]


def test_a_dismissed_alert_does_not_come_back_with_the_next_news(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0")
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    desk.surface.closed.emit(desk.surface.shown[0])
    desk.lose("a1")
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 2)
    assert desk.surface.shown[1].title == "ben@acme.example cannot send"
    assert desk.surface.shown[1].key != desk.surface.shown[0].key


def test_an_alert_put_away_while_it_is_changed_is_there_still(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0")
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 1)
    desk.lose("a1")
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 2)
    first, second = desk.surface.shown
    desk.surface.closed.emit(first)
    with qtbot.waitSignal(desk.alerts.reconnect_all_asked) as heard:
        desk.surface.activated.emit(second.key, "reconnect", "")
    assert heard.args == [("a0", "a1")]
    desk.engine.withdraw(lost(desk.engine, "a0"))
    desk.engine.withdraw(lost(desk.engine, "a1"))
    qtbot.waitUntil(lambda: desk.surface.visible == {})


def test_news_that_came_as_the_alert_was_put_away_is_still_told(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0")
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 1)
    group = desk.alerts._groups[desk.surface.shown[0].key]
    desk.lose("a1", "a2")
    qtbot.waitUntil(lambda: len(group.all) == 3)
    desk.surface.closed.emit(desk.surface.shown[0])
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 2)
    assert desk.surface.shown[1].title == "2 accounts need you"
    assert desk.surface.shown[1].text == "ben@acme.example and cy@acme.example cannot send."


@pytest.mark.parametrize(
    ("lose", "action", "signal", "carried"),
    [
        (("a0",), "reconnect", "reconnect_asked", ["a0"]),
        (("a0",), "details", "account_asked", ["a0"]),
        (("a0",), DEFAULT, "account_asked", ["a0"]),
        (("a0", "a1"), "reconnect", "reconnect_all_asked", [("a0", "a1")]),
        (("a0", "a1"), DEFAULT, "accounts_asked", []),
    ],
)
def test_what_the_person_presses_opens_the_right_place(
    qtbot: QtBot, desk: Desk, lose: tuple[str, ...], action: str, signal: str, carried: list[str]
) -> None:
    desk.lose(*lose)
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    with qtbot.waitSignal(getattr(desk.alerts, signal)) as heard:
        desk.surface.activated.emit(desk.surface.shown[0].key, action, "")
    assert heard.args == carried


def test_an_app_fault_opens_its_settings(qtbot: QtBot, desk: Desk) -> None:
    desk.engine.alert(FAULT)
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    assert desk.surface.shown[0].actions == (("details", "Details"),)
    with qtbot.waitSignal(desk.alerts.fault_asked) as heard:
        desk.surface.activated.emit(desk.surface.shown[0].key, "details", "")
    assert heard.args == [FAULT.key]


def test_faults_and_accounts_together_are_problems(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0")
    desk.engine.alert(FAULT)
    qtbot.waitUntil(lambda: desk.surface.titles == ["2 problems need you"])
    assert desk.surface.shown[-1].text == "ana@acme.example cannot send; Google: App registration was deleted"


def test_switched_off_alerts_are_silent_and_taken_away(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0")
    qtbot.waitUntil(lambda: bool(desk.surface.visible))
    desk.preferences.put(TRAY_ALERTS, False)
    assert desk.surface.visible == {}
    desk.lose("a1")
    desk.preferences.put(TRAY_ALERTS, True)
    desk.lose("a2")
    qtbot.waitUntil(lambda: bool(desk.surface.visible))
    assert len(desk.surface.shown) == 2


# Claiming


def test_it_is_claimed_right_before_it_is_shown(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0", "a1")
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    asked = [request for request in desk.engine.asked if isinstance(request, GetAccounts | ClaimAlerts)]
    assert asked[:2] == [GetAccounts(("a0", "a1")), ClaimAlerts(("n-a0", "n-a1"))]
    assert desk.engine.alerts == {}


def test_what_another_window_shows_is_not_shown_here(qtbot: QtBot, desk: Desk) -> None:
    desk.engine.push(events.AlertsDue((lost(desk.engine, "a0"),)))
    qtbot.waitUntil(lambda: bool(desk.engine.of(ClaimAlerts)))
    desk.lose("a1")
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    assert desk.surface.titles == ["ben@acme.example cannot send"]


def test_only_what_was_given_counts(qtbot: QtBot, desk: Desk) -> None:
    desk.engine.push(events.AlertsDue((lost(desk.engine, "a3"),)))
    desk.lose("a0", "a1")
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    assert desk.surface.titles == ["2 accounts need you"]


def test_what_happened_while_no_window_was_there_is_shown(
    qtbot: QtBot, open_bridge: Open, engine: FakeEngine
) -> None:
    engine.alert(lost(engine, "a0"), lost(engine, "a1"))
    desk = Desk(open_bridge(engine), engine)
    qtbot.waitUntil(lambda: desk.surface.titles == ["2 accounts need you"])
    engine.push(events.AlertsDue((lost(engine, "a0"),)))
    qtbot.waitUntil(lambda: len(engine.of(ClaimAlerts)) == 2)
    desk.lose("a2")
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 2)
    assert desk.surface.titles == ["3 accounts need you"]


def test_what_was_read_before_a_window_came_is_not_said_any_more(
    qtbot: QtBot, open_bridge: Open, engine: FakeEngine
) -> None:
    engine.alert(replace(lost(engine, "a0"), read=True), lost(engine, "a1"))
    desk = Desk(open_bridge(engine), engine)
    qtbot.waitUntil(lambda: desk.surface.titles == ["ben@acme.example cannot send"])
    assert engine.alerts == {}


def test_an_engine_lost_in_between_costs_nothing_and_doubles_nothing(qtbot: QtBot, desk: Desk) -> None:
    engine = desk.engine
    desk.lose("a0")
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    engine.mute = {ClaimAlerts}
    desk.lose("a1")
    qtbot.waitUntil(lambda: bool(engine.held))
    # The link of an engine that died answers all that was asked of it with an error.
    engine.errors[ClaimAlerts] = EngineUnavailable("The background service stopped.")
    engine.stop()
    engine.answer_held()
    engine.mute.clear()
    engine.errors.clear()
    engine.up = True
    qtbot.waitUntil(lambda: len(engine.of(ListAlerts)) == 2)
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 2)
    assert desk.surface.titles == ["2 accounts need you"]


def test_alerts_that_could_not_be_claimed_are_asked_for_again(
    qtbot: QtBot, open_bridge: Open, engine: FakeEngine
) -> None:
    engine.errors = {ClaimAlerts: NotFound("Odd."), ListAlerts: NotFound("Odd.")}
    desk = Desk(open_bridge(engine), engine, together_ms=30)
    desk.lose("a0")
    qtbot.waitUntil(lambda: len(engine.of(ListAlerts)) > 1 and bool(engine.of(ClaimAlerts)))
    assert desk.surface.shown == []
    engine.errors.clear()
    qtbot.waitUntil(lambda: desk.surface.titles == ["ana@acme.example cannot send"])


def test_what_is_withdrawn_while_it_is_claimed_is_not_shown(qtbot: QtBot, desk: Desk) -> None:
    desk.engine.mute = {ClaimAlerts}
    desk.lose("a0", "a1")
    qtbot.waitUntil(lambda: bool(desk.engine.held))
    with qtbot.waitSignal(desk.alerts._bridge.notification_withdrawn):
        desk.engine.withdraw(lost(desk.engine, "a0"))
    desk.engine.alerts["n-a0"] = lost(desk.engine, "a0")
    desk.engine.answer_held()
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    assert desk.surface.titles == ["ben@acme.example cannot send"]


def test_what_is_claimed_as_the_alert_is_put_away_is_still_told(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0")
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    desk.engine.mute = {ClaimAlerts}
    desk.lose("a1")
    qtbot.waitUntil(lambda: bool(desk.engine.held))
    desk.surface.closed.emit(desk.surface.shown[0])
    desk.engine.answer_held()
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 2)
    assert desk.surface.shown[1].title == "ben@acme.example cannot send"
    assert desk.surface.shown[1].key != desk.surface.shown[0].key


def test_after_many_at_once_it_is_asked_whether_there_are_more(
    qtbot: QtBot, open_bridge: Open, engine: FakeEngine
) -> None:
    rows = [replace(lost(engine, "a0"), id=f"n-{n}", account_id=None) for n in range(MANY)]
    desk = Desk(open_bridge(engine), engine)
    engine.alert(*rows)
    qtbot.waitUntil(lambda: desk.surface.titles == [f"{MANY} problems need you"])
    qtbot.waitUntil(lambda: len(engine.of(ListAlerts)) == 2)


# Told again


def test_a_reminder_changes_the_alert_that_is_still_there(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0")
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    desk.engine.alert(replace(lost(desk.engine, "a0"), reminded=1))
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 2)
    first, again = desk.surface.shown
    assert (again.key, again.title, again.fresh) == (first.key, "ana@acme.example still cannot send", True)


def test_a_reminder_after_the_alert_was_put_away_is_a_new_one(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0", "a1")
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    desk.surface.closed.emit(desk.surface.shown[0])
    desk.engine.alert(*(replace(lost(desk.engine, one), reminded=2) for one in ("a0", "a1")))
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 2)
    assert desk.surface.shown[1].title == "2 accounts still need you"
    assert desk.surface.shown[1].key != desk.surface.shown[0].key


def test_news_among_reminders_is_no_reminder(qtbot: QtBot, desk: Desk) -> None:
    desk.engine.alert(replace(lost(desk.engine, "a0"), reminded=1), lost(desk.engine, "a1"))
    qtbot.waitUntil(lambda: desk.surface.titles == ["2 accounts need you"])
    desk.engine.withdraw(lost(desk.engine, "a1"))
    qtbot.waitUntil(lambda: desk.surface.titles == ["ana@acme.example still cannot send"])
    assert desk.surface.shown[-1].fresh is False


# Kinds of their own


def test_what_will_end_is_orange_and_not_urgent(qtbot: QtBot, desk: Desk) -> None:
    row = replace(lost(desk.engine, "a0"), kind=NotificationKind.DEADLINE_NEAR, severity=Severity.WARNING)
    desk.engine.alert(replace(row, title="ana@acme.example: the sign-in ends, by 5 Mar 10:00 UTC"))
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    (alert,) = desk.surface.shown
    assert (alert.critical, alert.passing) == (False, False)
    assert alert.title == "ana@acme.example: the sign-in ends, by 5 Mar 10:00 UTC"
    assert alert.picture == picture(Look(State.AT_RISK), 64)


def test_alerts_that_did_not_go_out_lead_to_where_they_are_set(qtbot: QtBot, desk: Desk) -> None:
    unsent = replace(
        FAULT, id="n-u", key="email:relay", kind=NotificationKind.ALERT_UNSENT, severity=Severity.WARNING
    )
    desk.engine.alert(unsent)
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    with qtbot.waitSignal(desk.alerts.fault_asked) as heard:
        desk.surface.activated.emit(desk.surface.shown[0].key, DEFAULT, "")
    assert heard.args == ["email:relay"]


def test_switched_off_alerts_are_not_even_claimed(qtbot: QtBot, desk: Desk) -> None:
    desk.preferences.put(TRAY_ALERTS, False)
    with qtbot.waitSignal(desk.alerts._bridge.alerts_due):
        desk.engine.alert(lost(desk.engine, "a0"))
    assert desk.alerts._groups == {}
    desk.preferences.put(TRAY_ALERTS, True)
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    assert desk.engine.of(ClaimAlerts) == [ClaimAlerts(("n-a0",))]


def test_a_refused_alert_goes_to_the_tray(qtbot: QtBot, desk: Desk) -> None:
    desk.surface.broken = True
    desk.lose("a0")
    qtbot.waitUntil(lambda: bool(desk.bubbles.shown))
    assert desk.bubbles.shown[0][0] == "ana@acme.example cannot send"
    with qtbot.waitSignal(desk.alerts.account_asked) as heard:
        desk.bubbles.message_clicked.emit()
    assert heard.args == ["a0"]


def test_a_refused_change_that_tells_nothing_new_is_no_message_of_the_tray(qtbot: QtBot, desk: Desk) -> None:
    desk.surface.broken = True
    desk.lose("a0", "a1")
    qtbot.waitUntil(lambda: len(desk.bubbles.shown) == 1)
    with qtbot.waitSignal(desk.surface.refused) as refused:
        desk.engine.withdraw(lost(desk.engine, "a0"))
    assert refused.args[0].title == "ben@acme.example cannot send"
    assert len(desk.bubbles.shown) == 1


def test_without_a_bus_the_tray_tells_and_shows_no_markup(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine(few())
    desk = Desk(open_bridge(engine), engine, dbus=False)
    bad = replace(lost(engine, "a2"), text="<a href='x'>click</a>")
    engine.alert(bad)
    qtbot.waitUntil(lambda: bool(desk.bubbles.shown))
    assert desk.bubbles.shown == [("ben@brightfield.example cannot send", "‹a href='x'›click‹/a›")]
    desk.mend("a2")
    qtbot.waitUntil(lambda: len(desk.bubbles.shown) == 2)
    assert desk.bubbles.shown[1][0] == "ben@brightfield.example works again"


def test_a_test_alert_shows_that_alerts_arrive(qtbot: QtBot, desk: Desk) -> None:
    desk.alerts.show_test()
    assert desk.surface.titles == ["Alerts arrive"]
    desk.surface.broken = True
    desk.alerts.show_test()
    assert [title for title, _ in desk.bubbles.shown] == ["Alerts arrive"]
    desk.surface.activated.emit("test", DEFAULT, "")


def test_a_test_alert_without_a_bus_is_a_bubble(qtbot: QtBot, open_bridge: Open, engine: FakeEngine) -> None:
    desk = Desk(open_bridge(engine), engine, dbus=False)
    desk.alerts.show_test()
    assert len(desk.bubbles.shown) == 1
