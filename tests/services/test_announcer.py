"""What is told where and when, decided as the news is written; what is over goes untold."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.account import Account
from reply_desktop.domain.announcement import Announcement, AnnouncementState, Channel
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.notification import Notification, NotificationKind
from reply_desktop.domain.preferences import (
    ALERT_CHOICES,
    DEFAULTS,
    EMAIL_TO,
    QUIET,
    REMINDERS,
    TRAY_ALERTS,
)
from reply_desktop.domain.states import State
from tests.fakes.clock import START
from tests.fakes.world import World

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NIGHT = {"on": True, "from": "08:00", "to": "10:00", "weekends": False}
"""The world begins at nine."""


@pytest.fixture
def world() -> World:
    made = World()
    made.settings.team = lambda: ("ops",)
    put(made, EMAIL_TO, "me@example.com")
    return made


def put(world: World, name: str, value: object) -> None:
    world.settings.put({name: json.dumps(value)})


def lose(world: World, name: str = "ana", cause: Cause = Cause.GRANT_REVOKED) -> Notification:
    if name not in world.store.tables.accounts:
        world.add(name)
    before = world.account(name)
    world.ledger.change(before, replace(before, state=State.EXPIRED, cause=cause))
    return list(world.store.tables.notifications.values())[-1]


def mend(world: World, name: str = "ana") -> None:
    before = world.account(name)
    now = world.clock.now()
    after = replace(before, state=State.CONNECTED, cause=None, granted_at=now, proven_at=now)
    world.ledger.change(before, after)


def told(world: World, notice: Notification) -> dict[str, Announcement]:
    found = [one for one in world.store.tables.announcements.values() if one.notification_id == notice.id]
    return {f"{one.channel}#{one.number}": one for one in found}


def handed(world: World, notice: Notification) -> None:
    """The channels tell what waits."""
    for place, one in world.store.tables.announcements.items():
        if one.notification_id == notice.id:
            world.store.tables.announcements[place] = replace(one, state=AnnouncementState.TOLD)


def test_a_lost_account_is_told_at_once_on_the_desktop_and_after_its_companions_elsewhere(
    world: World,
) -> None:
    notice = lose(world)
    assert {where: one.due_at for where, one in told(world, notice).items()} == {
        "tray#0": START,
        "email#0": START + MINUTE,
        "team:ops#0": START + MINUTE,
    }
    (raised,) = world.of(events.NotificationRaised)
    assert raised.notification.id == notice.id  # type: ignore[attr-defined]
    assert notice.remind_at == START + HOUR and notice.group == notice.id


def test_what_comes_within_a_minute_shares_its_group_and_its_mail(world: World) -> None:
    first = lose(world, "ana")
    world.clock.advance(59)
    second = lose(world, "ben")
    world.clock.advance(2)
    third = lose(world, "cleo")
    assert (second.group, third.group) == (first.id, third.id)
    assert told(world, second)["email#0"].due_at == told(world, first)["email#0"].due_at
    assert told(world, third)["email#0"].due_at == world.clock.now() + MINUTE


def test_a_group_does_not_go_on_for_ever(world: World) -> None:
    first = lose(world, "a0")
    for number in range(1, 5):
        world.clock.advance(30)
        lose(world, f"a{number}")
    groups = [one.group for one in world.store.tables.notifications.values()]
    assert groups.count(first.id) == 3


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [
        (TRAY_ALERTS, False, {"email#0", "team:ops#0"}),
        (EMAIL_TO, "", {"tray#0", "team:ops#0"}),
        (ALERT_CHOICES, {"lost": ["email"]}, {"email#0"}),
        (ALERT_CHOICES, {"lost": []}, set()),
        (ALERT_CHOICES, {"recovered": []}, {"tray#0", "email#0", "team:ops#0"}),
    ],
)
def test_the_person_chooses_the_channels_and_the_bell_has_it_anyway(
    world: World, name: str, value: object, left: set[str]
) -> None:
    put(world, name, value)
    notice = lose(world)
    assert set(told(world, notice)) == left
    assert len(world.of(events.NotificationRaised)) == 1


def test_quiet_hours_hold_desktop_and_mail_back_and_nothing_else(world: World) -> None:
    put(world, QUIET, NIGHT)
    notice = lose(world)
    assert {where: one.due_at for where, one in told(world, notice).items()} == {
        "tray#0": START + HOUR,
        "email#0": START + HOUR,
        "team:ops#0": START + MINUTE,
    }
    assert len(world.of(events.NotificationRaised)) == 1


def test_what_is_over_before_it_is_told_goes_untold_and_so_does_its_end(world: World) -> None:
    put(world, QUIET, NIGHT)
    notice = lose(world)
    mend(world)
    assert {one.state for one in told(world, notice).values()} == {AnnouncementState.DROPPED}
    over = list(world.store.tables.notifications.values())[-1]
    assert over.kind is NotificationKind.ACCOUNT_RECOVERED and told(world, over) == {}


def test_the_end_is_told_where_the_trouble_was_and_never_by_mail(world: World) -> None:
    handed(world, lose(world))
    mend(world)
    over = list(world.store.tables.notifications.values())[-1]
    assert set(told(world, over)) == {"tray#0", "team:ops#0"}
    assert over.withdrawn_at is not None


def test_another_cause_is_another_episode_and_told_anew(world: World) -> None:
    first = lose(world)
    handed(world, first)
    second = lose(world, cause=Cause.PASSWORD_CHANGED)
    assert second.key != first.key
    assert set(told(world, second)) == {"tray#0", "email#0", "team:ops#0"}


def remind(world: World) -> list[str]:
    with world.store.begin() as unit:
        reminded = world.announcer.remind(unit, world.clock.now())
        unit.commit()
    return reminded


def test_it_is_told_again_on_the_desktop_alone_and_unread_again(world: World) -> None:
    notice = lose(world)
    handed(world, notice)
    with world.store.begin() as unit:
        unit.notifications.mark_read(None, START)
        unit.commit()
    world.clock.advance(HOUR - timedelta(seconds=1))
    assert remind(world) == []
    world.clock.advance(1)
    assert remind(world) == [notice.id] and remind(world) == []
    again = told(world, notice)["tray#1"]
    assert (again.state, again.due_at) == (AnnouncementState.WAITING, world.clock.now())
    kept = world.store.tables.notifications[notice.id]
    assert (kept.reminded, kept.read_at, kept.remind_at) == (1, None, START + 8 * HOUR)
    assert set(told(world, notice)) == {"tray#0", "tray#1", "email#0", "team:ops#0"}


def test_days_of_sleep_are_one_reminder(world: World) -> None:
    notice = lose(world)
    handed(world, notice)
    world.clock.advance(timedelta(days=3, hours=2))
    assert remind(world) == [notice.id]
    kept = world.store.tables.notifications[notice.id]
    assert (kept.reminded, kept.remind_at) == (1, START + timedelta(days=3, hours=8))


def test_troubles_of_one_minute_are_reminded_of_together(world: World) -> None:
    first = lose(world, "ana")
    world.clock.advance(40)
    second = lose(world, "ben")
    for notice in (first, second):
        handed(world, notice)
    world.clock.advance(HOUR - timedelta(seconds=40))
    assert remind(world) == [first.id, second.id]
    for notice in (first, second):
        handed(world, notice)
    world.clock.advance(40)
    assert remind(world) == [], "the second is reminded of twice in a minute"


def test_what_was_never_shown_is_not_shown_twice_for_the_reminder(world: World) -> None:
    notice = lose(world)
    world.clock.advance(HOUR)
    assert remind(world) == [notice.id]
    assert set(told(world, notice)) == {"tray#0", "email#0", "team:ops#0"}


@pytest.mark.parametrize(("name", "value"), [(REMINDERS, False), (TRAY_ALERTS, False)])
def test_who_wants_no_reminders_gets_none(world: World, name: str, value: object) -> None:
    notice = lose(world)
    handed(world, notice)
    put(world, name, value)
    world.clock.advance(HOUR)
    assert remind(world) == []
    kept = world.store.tables.notifications[notice.id]
    assert kept.reminded == 0 and kept.remind_at is not None and kept.remind_at > world.clock.now()


def test_what_is_mended_is_not_reminded_of(world: World) -> None:
    handed(world, lose(world))
    mend(world)
    world.clock.advance(timedelta(days=2))
    assert remind(world) == []


def test_an_address_given_later_hears_of_what_still_lasts(world: World) -> None:
    put(world, EMAIL_TO, "")
    lasting = lose(world, "ana")
    lose(world, "ben")
    mend(world, "ben")
    put(world, EMAIL_TO, "me@example.com")
    for _ in range(2):
        with world.store.begin() as unit:
            world.announcer.address_given(unit, world.clock.now())
            unit.commit()
    mailed = [one for one in world.store.tables.announcements.values() if one.channel == Channel.EMAIL]
    assert [(one.notification_id, one.due_at) for one in mailed] == [(lasting.id, START)]


def test_a_crash_before_the_commit_tells_nothing_and_leaves_nothing_to_tell(world: World) -> None:
    world.add("ana")
    world.store.fail_next_commit = RuntimeError("killed here")
    ana: Account = world.account()
    with pytest.raises(RuntimeError):
        world.ledger.change(ana, replace(ana, state=State.EXPIRED, cause=Cause.GRANT_REVOKED))
    assert world.events == [] and world.store.tables.announcements == {}


def test_settings_nobody_can_use_do_not_keep_news_back(world: World, expect_log: object) -> None:
    with world.store.begin() as unit:
        unit.settings.put(QUIET, "{}")
        unit.commit()
    world.settings.team_changed()
    expect_log("defaults hold")  # type: ignore[operator]
    notice = lose(world)
    assert told(world, notice)["tray#0"].due_at == START and DEFAULTS[EMAIL_TO] == ""


def test_an_address_taken_back_and_given_again_hears_of_what_still_lasts(world: World) -> None:
    notice = lose(world)
    with world.store.begin() as unit:
        unit.announcements.save(replace(told(world, notice)["email#0"], state=AnnouncementState.DROPPED))
        unit.commit()
    world.clock.advance(HOUR)
    with world.store.begin() as unit:
        world.announcer.address_given(unit, world.clock.now())
        unit.commit()
    mailed = told(world, notice)["email#0"]
    assert (mailed.state, mailed.due_at) == (AnnouncementState.WAITING, START + HOUR)


@pytest.mark.parametrize(
    ("before", "after", "tray", "email"),
    [
        (NIGHT, {**NIGHT, "on": False}, timedelta(0), MINUTE),
        (NIGHT, {**NIGHT, "to": "09:30"}, HOUR / 2, HOUR / 2),
        ({**NIGHT, "on": False}, NIGHT, HOUR, HOUR),
        ({**NIGHT, "on": False}, {**NIGHT, "from": "03:00", "to": "04:00"}, timedelta(0), MINUTE),
    ],
)
def test_what_waits_keeps_the_quiet_hours_of_now(
    world: World, before: object, after: object, tray: timedelta, email: timedelta
) -> None:
    put(world, QUIET, before)
    notice = lose(world)
    put(world, QUIET, after)
    with world.store.begin() as unit:
        world.announcer.quiet_changed(unit, START)
        unit.commit()
    due_at = {where: one.due_at - START for where, one in told(world, notice).items()}
    assert due_at == {"tray#0": tray, "email#0": email, "team:ops#0": MINUTE}
