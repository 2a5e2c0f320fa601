"""Desktop alerts are given out once, to one window, and wait for one that comes later."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.announcement import Announcement, Channel
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.notification import Notification, NotificationKind, Severity
from reply_desktop.domain.preferences import ALERT_CHOICES, QUIET
from reply_desktop.domain.states import State
from reply_desktop.services.tray_channel import SHOWN, TrayChannel
from tests.fakes.clock import START
from tests.fakes.world import World

HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def tray(world: World) -> TrayChannel:
    return TrayChannel(world.store, world.announcer, world.bus, world.clock)


def lose(world: World, name: str) -> str:
    world.add(name)
    before = world.account(name)
    world.ledger.change(before, replace(before, state=State.EXPIRED, cause=Cause.GRANT_REVOKED))
    return list(world.store.tables.notifications)[-1]


def test_it_waits_for_a_window_and_is_given_out_once(world: World, tray: TrayChannel) -> None:
    first, second = lose(world, "ana"), lose(world, "ben")
    assert [row.id for row in tray.due()] == [first, second]
    world.store.commits.clear()
    assert tray.claim([first, "unknown"]) == [first]
    assert world.store.commits == [True], "durable before it is shown"
    assert tray.claim([first]) == []
    assert [row.id for row in TrayChannel(world.store, world.announcer, world.bus, world.clock).due()] == [
        second
    ]


def test_what_was_withdrawn_is_not_given_out(world: World, tray: TrayChannel) -> None:
    lost = lose(world, "ana")
    ana = world.account()
    world.ledger.change(ana, replace(ana, state=State.CONNECTED, cause=None))
    assert tray.due() == [] and tray.claim([lost]) == []


def test_the_end_of_quiet_hours_pushes_what_they_held_back_once(world: World, tray: TrayChannel) -> None:
    world.settings.put({QUIET: '{"on": true, "from": "08:00", "to": "10:00", "weekends": false}'})
    lost = [lose(world, "ana"), lose(world, "ben")]
    assert tray.due() == [] and tray.claim(lost) == []
    assert tray.tick() == START + HOUR and world.of(events.AlertsDue) == []
    world.clock.advance(HOUR)
    for _ in range(3):
        assert tray.tick() is None
    (due,) = world.of(events.AlertsDue)
    assert [row.id for row in due.rows] == lost  # type: ignore[attr-defined]
    assert tray.claim(lost) == lost


def test_what_the_person_no_longer_wants_waits_for_another_mind(world: World, tray: TrayChannel) -> None:
    lost = lose(world, "ana")
    world.settings.put({ALERT_CHOICES: '{"lost": ["email"]}'})
    tray.tick()
    assert tray.due() == [] and tray.claim([lost]) == [] and world.of(events.AlertsDue) == []
    world.settings.put({ALERT_CHOICES: '{"lost": ["tray"]}'})
    tray.tick()
    assert len(world.of(events.AlertsDue)) == 1 and tray.claim([lost]) == [lost]


def test_what_is_not_wanted_stands_before_nothing_that_is(world: World, tray: TrayChannel) -> None:
    with world.store.begin() as unit:
        for number in range(SHOWN):
            name = f"near-{number}"
            notice = Notification(
                name, name, NotificationKind.DEADLINE_NEAR, Severity.WARNING, "Ends soon", "", START
            )
            unit.notifications.add(notice)
            unit.announcements.add(Announcement(name, Channel.TRAY, START))
        unit.commit()
    world.settings.put({ALERT_CHOICES: '{"deadline": ["email"]}'})
    lost = lose(world, "ana")
    tray.tick()
    (due,) = world.of(events.AlertsDue)
    assert [row.id for row in due.rows] == [lost]  # type: ignore[attr-defined]
    assert [row.id for row in tray.due()] == [lost] and tray.claim([lost]) == [lost]
    world.settings.put({ALERT_CHOICES: '{"deadline": ["tray"]}'})
    assert len(tray.due()) == SHOWN
