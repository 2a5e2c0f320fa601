"""Reminders come when they are due, each published once, and nothing is asked in between."""

from dataclasses import replace
from datetime import timedelta

from reply_desktop.domain import events
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.states import State
from reply_desktop.services.reminders import Reminders
from tests.fakes.clock import START
from tests.fakes.world import World

HOUR = timedelta(hours=1)


def test_the_next_time_is_told_and_the_reminder_published_after_its_commit() -> None:
    world = World()
    reminders = Reminders(world.store, world.announcer, world.bus, world.clock)
    assert reminders.tick() is None
    world.add("ana")
    ana = world.account()
    world.ledger.change(ana, replace(ana, state=State.EXPIRED, cause=Cause.GRANT_REVOKED))
    assert reminders.tick() == START + HOUR
    world.events.clear()
    commits = len(world.store.commits)
    world.clock.advance(HOUR)
    assert reminders.tick() == START + 8 * HOUR
    (raised,) = world.of(events.NotificationRaised)
    assert raised.notification.reminded == 1 and not raised.notification.read  # type: ignore[attr-defined]
    assert len(world.store.commits) == commits + 1
    assert reminders.tick() == START + 8 * HOUR and len(world.store.commits) == commits + 1
