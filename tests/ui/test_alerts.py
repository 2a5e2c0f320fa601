"""When alerts are raised, merged, changed and withdrawn; the desktop itself is a fake here."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import GetAccounts
from reply_desktop.domain import events
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import NotFound
from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.preferences import RECOVERY, TRAY_ALERTS
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.domain.states import State
from reply_desktop.ui.alerts import Alerts
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.dbus_alerts import DEFAULT, Alert
from reply_desktop.ui.preferences import Preferences
from tests.fakes.engine import NOW, FakeEngine, few, row

Open = Callable[[FakeEngine], Bridge]


class Surface(QObject):
    """Stands for the notification daemon: keeps what it is told to show."""

    activated = Signal(str, str, str)
    closed = Signal(str, bool)
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.visible: dict[str, Alert] = {}
        self.shown: list[Alert] = []
        self.broken = False

    def show(self, alert: Alert) -> None:
        if self.broken:
            self.refused.emit(alert.key)
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
        self.shown: list[tuple[str, str, bool]] = []

    def show_message(self, title: str, text: str, *, critical: bool) -> None:
        self.shown.append((title, text, critical))


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
            self.engine.push(events.NotificationRaised(lost(self.engine, account)))

    def mend(self, account: str) -> None:
        self.engine.push(events.NotificationWithdrawn(f"n-{account}", f"e-{account}"))
        self.engine.push(events.NotificationRaised(mended(self.engine, account)))


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
    desk.engine.push(events.NotificationWithdrawn("n-a0", "e-a0"))
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    assert desk.surface.titles == ["ben@acme.example cannot send"]


def test_a_dismissed_alert_does_not_come_back_with_the_next_news(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0")
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    desk.surface.closed.emit(desk.surface.shown[0].key, True)
    desk.lose("a1")
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 2)
    assert desk.surface.shown[1].title == "ben@acme.example cannot send"
    assert desk.surface.shown[1].key != desk.surface.shown[0].key


def test_news_that_came_as_the_alert_was_put_away_is_still_told(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0")
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 1)
    group = desk.alerts._groups[desk.surface.shown[0].key]
    desk.lose("a1", "a2")
    qtbot.waitUntil(lambda: len(group.news) == 3)
    desk.surface.closed.emit(desk.surface.shown[0].key, True)
    qtbot.waitUntil(lambda: len(desk.surface.shown) == 2)
    assert desk.surface.shown[1].title == "2 accounts need you"
    assert desk.surface.shown[1].text == "ben@acme.example and cy@acme.example cannot send."


@pytest.mark.parametrize(
    ("lose", "action", "signal", "carried"),
    [
        (("a0",), "reconnect", "reconnect_asked", ["a0"]),
        (("a0",), "details", "account_asked", ["a0"]),
        (("a0",), DEFAULT, "account_asked", ["a0"]),
        (("a0", "a1"), "reconnect", "reconnect_all_asked", []),
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
    desk.engine.push(events.NotificationRaised(FAULT))
    qtbot.waitUntil(lambda: bool(desk.surface.shown))
    assert desk.surface.shown[0].actions == (("details", "Details"),)
    with qtbot.waitSignal(desk.alerts.fault_asked) as heard:
        desk.surface.activated.emit(desk.surface.shown[0].key, "details", "")
    assert heard.args == [FAULT.key]


def test_faults_and_accounts_together_are_problems(qtbot: QtBot, desk: Desk) -> None:
    desk.lose("a0")
    desk.engine.push(events.NotificationRaised(FAULT))
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


def test_recovery_notices_can_be_off_alone(qtbot: QtBot, desk: Desk) -> None:
    desk.preferences.put(RECOVERY, False)
    desk.lose("a0")
    qtbot.waitUntil(lambda: bool(desk.surface.visible))
    desk.mend("a0")
    desk.lose("a1")
    qtbot.waitUntil(lambda: desk.surface.titles == ["ben@acme.example cannot send"])
    assert not any(alert.passing for alert in desk.surface.shown)


def test_a_refused_alert_goes_to_the_tray(qtbot: QtBot, desk: Desk) -> None:
    desk.surface.broken = True
    desk.lose("a0")
    qtbot.waitUntil(lambda: bool(desk.bubbles.shown))
    assert desk.bubbles.shown[0][0] == "ana@acme.example cannot send"
    with qtbot.waitSignal(desk.alerts.account_asked) as heard:
        desk.bubbles.message_clicked.emit()
    assert heard.args == ["a0"]


def test_without_a_bus_the_tray_tells_and_shows_no_markup(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine(few())
    desk = Desk(open_bridge(engine), engine, dbus=False)
    bad = replace(lost(engine, "a2"), text="<a href='x'>click</a>")
    engine.push(events.NotificationRaised(bad))
    qtbot.waitUntil(lambda: bool(desk.bubbles.shown))
    assert desk.bubbles.shown == [("ben@brightfield.example cannot send", "‹a href='x'›click‹/a›", True)]
    desk.mend("a2")
    qtbot.waitUntil(lambda: len(desk.bubbles.shown) == 2)
    assert desk.bubbles.shown[1][0] == "ben@brightfield.example works again"


def test_a_test_alert_shows_that_alerts_arrive(qtbot: QtBot, desk: Desk) -> None:
    desk.alerts.show_test()
    assert desk.surface.titles == ["Alerts arrive"]
    desk.surface.broken = True
    desk.alerts.show_test()
    assert [title for title, _, _ in desk.bubbles.shown] == ["Alerts arrive"]
    desk.surface.activated.emit("test", DEFAULT, "")


def test_a_test_alert_without_a_bus_is_a_bubble(qtbot: QtBot, open_bridge: Open, engine: FakeEngine) -> None:
    desk = Desk(open_bridge(engine), engine, dbus=False)
    desk.alerts.show_test()
    assert len(desk.bubbles.shown) == 1
