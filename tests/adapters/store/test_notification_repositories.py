"""What the bell holds and what was told where: kept as it was, found by an index, dropped when over."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.store.notification_repositories import _Announcement, _Notification
from reply_desktop.adapters.store.sql import Statement
from reply_desktop.domain.announcement import Announced, Announcement, AnnouncementState
from reply_desktop.domain.errors import AlreadyExists, NotFound
from reply_desktop.domain.notification import Notification, NotificationKind
from tests.adapters.store.nouns import a_notification, an_account, notifications
from tests.adapters.store.plans import plan
from tests.fakes.clock import START

HOUR = timedelta(hours=1)
S = AnnouncementState


@given(notifications)
def test_a_notification_comes_back_as_it_was(shared: SqliteStore, notification: Notification) -> None:
    with shared.begin() as unit:
        unit.notifications.add(notification)
        assert unit.notifications.get("n") == notification
        assert unit.notifications.of_key(notification.key) == notification


def test_the_newest_of_a_key_is_the_last_added_where_times_are_equal(store: SqliteStore) -> None:
    with store.begin() as unit:
        for name in ("z", "a", "m"):
            unit.notifications.add(a_notification(name))
        unit.notifications.add(a_notification("other", key="other", at=START + timedelta(1)))
        newest = unit.notifications.of_key("e")
        assert newest is not None
        assert newest.id == "m"
        assert unit.notifications.of_key("nothing") is None


def test_reading_and_withdrawing(store: SqliteStore) -> None:
    later = START + timedelta(seconds=5)
    with store.begin() as unit:
        for name in ("a", "b", "c"):
            unit.notifications.add(a_notification(name, key=name))
        assert unit.notifications.unread() == 3
        unit.notifications.mark_read([], later)
        assert unit.notifications.unread() == 3
        unit.notifications.mark_read(["a", "not there"], later)
        assert unit.notifications.unread() == 2
        unit.notifications.mark_read(None, later + timedelta(1))
        assert unit.notifications.unread() == 0
        unit.notifications.withdraw("b", later)
        unit.notifications.withdraw("b", later + timedelta(1))
        first, second = unit.notifications.of_key("a"), unit.notifications.of_key("b")
    assert first == a_notification("a", key="a", read_at=later)
    assert second == a_notification("b", key="b", read_at=later + timedelta(1), withdrawn_at=later)


def test_the_bells_history_outlives_the_account(store: SqliteStore) -> None:
    with store.begin() as unit:
        unit.accounts.add(an_account())
        unit.commit()
    with store.begin() as unit:
        unit.notifications.add(a_notification())
        unit.accounts.remove("a")
        unit.commit()
    with store.read() as unit:
        assert unit.notifications.of_key("e") == a_notification()


def test_the_newest_of_a_kind_and_those_that_last(store: SqliteStore) -> None:
    with store.begin() as unit:
        assert unit.notifications.newest_of(NotificationKind.ACCOUNT_LOST) is None
        first, second = a_notification("n1"), a_notification("n2", at=START + HOUR)
        other = a_notification("n3", kind=NotificationKind.APP_FAULT, at=START + 2 * HOUR)
        for one in (second, first, other):
            unit.notifications.add(one)
        assert unit.notifications.newest_of(NotificationKind.ACCOUNT_LOST) == second
        assert unit.notifications.open([NotificationKind.ACCOUNT_LOST]) == [first, second]
        unit.notifications.withdraw("n1", START)
        assert unit.notifications.open(list(NotificationKind)) == [second, other]


def test_a_reminder_is_due_until_it_is_put_off_or_the_trouble_is_over(store: SqliteStore) -> None:
    with store.begin() as unit:
        unit.notifications.add(a_notification("n1", remind_at=START + HOUR, read_at=START))
        unit.notifications.add(a_notification("n2", remind_at=START + 2 * HOUR))
        unit.notifications.add(a_notification("n3"))
        assert unit.notifications.next_reminder_at() == START + HOUR
        assert [one.id for one in unit.notifications.to_remind(START + HOUR)] == ["n1"]
        unit.notifications.remind("n1", 1, START + 8 * HOUR, unread=True)
        again = unit.notifications.get("n1")
        assert again is not None
        assert (again.reminded, again.remind_at, again.read_at) == (1, START + 8 * HOUR, None)
        unit.notifications.remind("n2", 0, START + 9 * HOUR, unread=False)
        assert unit.notifications.next_reminder_at() == START + 8 * HOUR
        unit.notifications.withdraw("n1", START)
        assert [one.id for one in unit.notifications.to_remind(START + 99 * HOUR)] == ["n2"]


def test_putting_a_reminder_off_leaves_what_was_read_read(store: SqliteStore) -> None:
    with store.begin() as unit:
        unit.notifications.add(a_notification("n1", read_at=START))
        unit.notifications.remind("n1", 0, None, unread=False)
        kept = unit.notifications.get("n1")
        assert kept is not None and kept.read_at == START


ANNOUNCEMENTS = [
    Announcement("n1", "tray", START),
    Announcement("n1", "tray", START + HOUR, 1, S.TOLD, told_at=START + HOUR),
    Announcement("n1", "email", START + HOUR),
    Announcement("n2", "email", START, 0, S.TELLING, 2, "mark", "a", START),
    Announcement("n2", "team:x", START + HOUR, tries=3),
]


@pytest.fixture
def told(store: SqliteStore) -> SqliteStore:
    with store.begin() as unit:
        unit.notifications.add(a_notification("n1"))
        unit.notifications.add(a_notification("n2", at=START + HOUR))
        for one in ANNOUNCEMENTS:
            unit.announcements.add(one)
        unit.commit()
    return store


def test_announcements_come_back_as_they_were(told: SqliteStore) -> None:
    with told.read() as unit:
        assert unit.announcements.of("n1") == sorted(
            ANNOUNCEMENTS[:3], key=lambda one: (one.channel, one.number)
        )
        assert unit.announcements.of("n2") == ANNOUNCEMENTS[3:]
        assert unit.announcements.telling() == [
            Announced(ANNOUNCEMENTS[3], a_notification("n2", at=START + HOUR))
        ]
        assert unit.announcements.of_batch("email", "mark") == unit.announcements.telling()
        assert unit.announcements.of_batch("tray", "mark") == unit.announcements.of_batch("email", "") == []
        assert unit.announcements.channels() == ["email", "team:x", "tray"]


def test_what_is_due_and_when_the_next_is(told: SqliteStore) -> None:
    with told.begin() as unit:
        assert unit.announcements.due("email", START, 10) == []
        assert unit.announcements.next_due_at("email") == START + HOUR
        assert unit.announcements.due("email", START + HOUR, 10) == [
            Announced(ANNOUNCEMENTS[2], a_notification("n1"))
        ]
        assert unit.announcements.due("email", START + HOUR, 10, {NotificationKind.APP_FAULT}) == []
        assert unit.announcements.waiting("email") == 1
        told_now = replace(ANNOUNCEMENTS[2], state=S.TOLD, batch="b", route="a", told_at=START, tries=1)
        unit.announcements.save(told_now)
        assert told_now in unit.announcements.of("n1")
        assert unit.announcements.next_due_at("email") is None and unit.announcements.waiting("email") == 0


def test_messages_of_a_day_are_counted_by_their_mark(told: SqliteStore) -> None:
    later = START + HOUR
    with told.begin() as unit:
        for name, batch, state, told_at in (
            ("n3", "mark", S.TELLING, START),
            ("n4", "other", S.IN_DOUBT, later),
            ("n5", None, S.WAITING, None),
        ):
            unit.notifications.add(a_notification(name))
            unit.announcements.add(Announcement(name, "email", START, 0, state, 1, batch, None, told_at))
        assert unit.announcements.batches_since("email", START - HOUR) == [START, later]
        assert unit.announcements.batches_since("email", START) == [later]


@pytest.mark.parametrize(
    ("of_notification", "left"), [(True, ["email", "team:x"]), (False, ["team:x", "tray"])]
)
def test_what_waits_is_dropped_and_what_was_told_stays(
    told: SqliteStore, of_notification: bool, left: list[str]
) -> None:
    with told.begin() as unit:
        unit.notifications.add(a_notification("n3"))
        unit.announcements.add(Announcement("n3", "email", START))
        if of_notification:
            unit.announcements.drop("n1")
        else:
            unit.announcements.drop_channel("email")
        assert unit.announcements.channels() == left
        assert ANNOUNCEMENTS[1] in unit.announcements.of("n1")
        assert unit.announcements.telling()[0].announcement == ANNOUNCEMENTS[3]


def test_what_is_not_there_or_there_twice_is_refused(told: SqliteStore) -> None:
    with told.begin() as unit, pytest.raises(AlreadyExists):
        unit.announcements.add(ANNOUNCEMENTS[0])
    with told.begin() as unit, pytest.raises(NotFound):
        unit.announcements.save(replace(ANNOUNCEMENTS[0], number=7))


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (_Notification.newest_of, "ix_notifications_kind_at"),
        (_Notification.to_remind, "ix_notifications_remind_at"),
        (_Notification.next_reminder, "ix_notifications_remind_at"),
        (_Announcement.due, "ix_announcements_waiting"),
        (_Announcement.next_due, "ix_announcements_waiting"),
        (_Announcement.waiting, "ix_announcements_waiting"),
        (_Announcement.channels, "ix_announcements_waiting"),
        (_Announcement.telling, "ix_announcements_telling"),
        (_Announcement.batches, "ix_announcements_channel_told_at"),
        (_Announcement.of_batch, "ix_announcements_channel_told_at"),
    ],
)
def test_looking_for_work_reads_an_index(
    store: SqliteStore, path: Path, statement: Statement, index: str
) -> None:
    assert index in plan(path, statement)
