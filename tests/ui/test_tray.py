"""What the tray says: words, menu and signals, without a panel."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from reply_desktop.channel.messages import GetSummary, PauseSending
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AppFault
from reply_desktop.domain.states import State
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.tray import TOOLTIP_LENGTH, Tray, look, tooltip, trouble
from reply_desktop.ui.tray_picture import Look
from tests.fakes.engine import NOW, FakeEngine, few, few_sequences, many, row

Open = Callable[[FakeEngine], Bridge]

FAULT = AppFault("google:app_deleted", Provider.GOOGLE, Cause.APP_DELETED, None, NOW - timedelta(hours=1), 3)


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ((), "Reply Desktop: no accounts yet"),
        ((State.CONNECTED,), "Your account is connected"),
        ((State.CONNECTED,) * 5, "All 5 accounts connected"),
        ((State.CONNECTED, State.AT_RISK), "Reply Desktop: 1 at risk, 1 connected"),
        ((State.PAUSED, State.NEW), "Reply Desktop: 1 not signed in, 1 paused"),
    ],
)
def test_the_line_when_nobody_needs_the_person(states: tuple[State, ...], said: str) -> None:
    engine = FakeEngine(row(n, f"a{n}@acme.example", state=state) for n, state in enumerate(states))
    assert tooltip(engine.summary()) == said


def test_the_line_names_who_needs_the_person() -> None:
    rows = few()
    assert tooltip(FakeEngine(rows).summary()) == (
        "ben@brightfield.example needs you: Access was removed or has expired"
    )
    rows[0] = replace(rows[0], state=State.BLOCKED, cause=Cause.ADMIN_POLICY)
    assert tooltip(FakeEngine(rows).summary()) == (
        "2 accounts need you: ana@brightfield.example and ben@brightfield.example"
    )
    assert tooltip(FakeEngine(many(110)).summary()).endswith(" and 18 more")


def test_an_app_fault_is_told_once_and_its_accounts_not_at_all() -> None:
    engine = FakeEngine(
        row(n, f"a{n}@acme.example", state=State.BLOCKED, cause=Cause.APP_DELETED) for n in range(3)
    )
    engine.faults = (FAULT,)
    assert tooltip(engine.summary()) == "Google: App registration was deleted. 3 accounts affected."
    lines, left = trouble(engine.summary())
    assert [line.fault for line in lines] == [FAULT]
    engine.faults = (AppFault("vault", None, Cause.VAULT_LOCKED, None, NOW, 0),)
    assert tooltip(engine.summary()) == "Keyring is locked."
    assert left == 0


def test_without_the_engine_nothing_is_claimed() -> None:
    assert look(None) == Look()
    assert tooltip(None) == "Reply Desktop: the background service is not running"
    assert trouble(None) == ([], 0)


def test_a_hostile_address_stays_one_short_line() -> None:
    bad = row(1, "x" * 500 + "\n\u202e@acme.example", state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
    engine = FakeEngine([bad])
    assert len(tooltip(engine.summary())) <= TOOLTIP_LENGTH
    assert "\n" not in tooltip(engine.summary())
    assert len(trouble(engine.summary())[0][0].text) < 140


def test_the_picture_follows_the_worst_state() -> None:
    assert look(FakeEngine(few()).summary()) == Look(State.EXPIRED, 1)
    assert look(FakeEngine(few()[:1]).summary()) == Look(State.CONNECTED, 0)
    assert look(FakeEngine().summary()) == Look()


def menu_of(tray: Tray) -> list[QAction]:
    return [action for action in tray._menu.actions() if not action.isSeparator()]


def texts(tray: Tray) -> list[str]:
    return [action.text() for action in menu_of(tray)]


def test_the_menu_leads_to_what_is_wrong(qtbot: QtBot, open_bridge: Open) -> None:
    rows = few()
    rows[0] = replace(rows[0], state=State.BLOCKED, cause=Cause.ADMIN_POLICY, address="a&b@acme.example")
    engine = FakeEngine(rows)
    engine.faults = (FAULT,)
    tray = Tray(open_bridge(engine))
    qtbot.waitUntil(lambda: len(menu_of(tray)) == 6)
    fault, blocked, expired, check, opened, quitting = menu_of(tray)
    assert fault.text() == "Google: App registration was deleted. 3 accounts affected."
    assert blocked.text().startswith("a&&b@acme.example – ")
    assert expired.text() == "Reconnect ben@brightfield.example – Access was removed or has expired"
    for action, signal, carried in (
        (fault, tray.fault_asked, [FAULT.key]),
        (blocked, tray.account_asked, ["a1"]),
        (expired, tray.reconnect_asked, ["a2"]),
        (check, tray.check_asked, []),
        (opened, tray.open_asked, []),
        (quitting, tray.quit_asked, []),
    ):
        with qtbot.waitSignal(signal) as heard:
            action.trigger()
        assert heard.args == carried


def test_ten_lines_and_the_rest_as_a_number(qtbot: QtBot, open_bridge: Open) -> None:
    tray = Tray(open_bridge(FakeEngine(many(1100))))
    qtbot.waitUntil(lambda: len(menu_of(tray)) == 14)
    assert texts(tray)[10] == "and 190 more…"
    with qtbot.waitSignal(tray.accounts_asked):
        menu_of(tray)[10].trigger()


def test_the_menu_follows_recovery_and_a_lost_engine(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine(few())
    tray = Tray(open_bridge(engine))
    qtbot.waitUntil(lambda: texts(tray)[0].startswith("Reconnect ben@"))
    engine.change("a2", state=State.CONNECTED, cause=None)
    qtbot.waitUntil(lambda: texts(tray)[0] == "Reply Desktop: 1 at risk, 4 connected")
    assert not menu_of(tray)[0].isEnabled()
    engine.stop()
    qtbot.waitUntil(lambda: "not running" in texts(tray)[0])
    assert not menu_of(tray)[1].isEnabled()
    engine.up = True
    qtbot.waitUntil(lambda: "connected" in texts(tray)[0])


def test_a_change_that_shows_nothing_new_leaves_the_menu_alone(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine(few())
    tray = Tray(bridge := open_bridge(engine))
    qtbot.waitUntil(lambda: texts(tray)[0].startswith("Reconnect ben@"))
    before = menu_of(tray)[0]
    with qtbot.waitSignal(bridge.summary_changed):
        engine.change("a2", sent_today=7)
    assert menu_of(tray)[0] is before
    assert len(engine.of(GetSummary)) == 1


def test_sending_can_be_paused_and_resumed_where_a_sequence_is_on(qtbot: QtBot, open_bridge: Open) -> None:
    engine = FakeEngine(few()[:1], sequences=few_sequences())
    tray = Tray(open_bridge(engine))
    qtbot.waitUntil(lambda: "Pause sending" in texts(tray))
    assert texts(tray)[1:] == ["Check now", "Pause sending", "Open", "Quit"]
    menu_of(tray)[2].trigger()
    qtbot.waitUntil(lambda: "Resume sending" in texts(tray))
    menu_of(tray)[2].trigger()
    qtbot.waitUntil(lambda: "Pause sending" in texts(tray))
    assert engine.of(PauseSending) == [PauseSending(True), PauseSending(False)]
    engine.stop()
    qtbot.waitUntil(lambda: not menu_of(tray)[2].isEnabled())
    engine.sequences.rows.clear()
    engine.up = True
    qtbot.waitUntil(lambda: texts(tray)[1:] == ["Check now", "Open", "Quit"])


def test_without_a_tray_it_says_so(qtbot: QtBot, open_bridge: Open) -> None:
    tray = Tray(open_bridge(FakeEngine(few())))
    tray.show()
    assert tray.available is False
    tray.show_message("Nobody", "sees this")
    tray.hide()
