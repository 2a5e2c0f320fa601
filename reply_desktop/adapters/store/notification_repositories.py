"""The bell's entries of one unit of work, and on which channels each was told."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam, case, func, literal_column, select

from reply_desktop.adapters.store import records, tables
from reply_desktop.adapters.store.repositories import is_among, listed
from reply_desktop.adapters.store.sql import Runner, Statement, known_time, to_time, to_us
from reply_desktop.domain.announcement import Announced, Announcement, AnnouncementState
from reply_desktop.domain.errors import NotFound
from reply_desktop.domain.notification import Notification, NotificationKind
from reply_desktop.services.alert_ports import ALL_KINDS

_notifications = tables.notifications.c
_announcements = tables.announcements.c

_BY_TIME = (_notifications.at, tables.as_added)


class _Notification:
    _all = select(*records.NOTIFICATION)
    add = Statement(tables.notifications.insert())
    get = Statement(_all.where(_notifications.id == bindparam("id")))
    of_key = Statement(
        _all.where(_notifications.key == bindparam("key"))
        .order_by(_notifications.at.desc(), tables.as_added.desc())
        .limit(1)
    )
    newest_of = Statement(
        _all.where(_notifications.kind == bindparam("kind"))
        .order_by(_notifications.at.desc(), tables.as_added.desc())
        .limit(1)
    )
    open = Statement(
        _all.where(is_among(_notifications.kind, "kinds"), _notifications.withdrawn_at.is_(None)).order_by(
            *_BY_TIME
        )
    )
    _remembered = _notifications.remind_at.is_not(None)
    to_remind = Statement(
        _all.where(_remembered, _notifications.remind_at <= bindparam("until")).order_by(*_BY_TIME)
    )
    next_reminder = Statement(select(func.min(_notifications.remind_at)).where(_remembered))
    remind = Statement(
        tables.notifications.update()
        .where(_notifications.id == bindparam("the_id"))
        .values(
            reminded=bindparam("times"),
            remind_at=bindparam("next_at"),
            read_at=case((bindparam("anew"), literal_column("NULL")), else_=_notifications.read_at),
        )
    )
    withdraw = Statement(
        tables.notifications.update()
        .where(_notifications.id == bindparam("the_id"), _notifications.withdrawn_at.is_(None))
        .values(withdrawn_at=bindparam("now"), remind_at=None)
    )
    _read = (
        tables.notifications.update().where(_notifications.read_at.is_(None)).values(read_at=bindparam("now"))
    )
    mark_all_read = Statement(_read)
    mark_read = Statement(_read.where(is_among(_notifications.id, "ids")))
    unread = Statement(
        select(func.count()).select_from(tables.notifications).where(_notifications.read_at.is_(None))
    )


class SqliteNotifications:
    """The bell's history."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def add(self, notification: Notification) -> None:
        """Keep a new entry."""
        self._runner.change(_Notification.add, **records.notification_values(notification))

    def get(self, notification_id: str) -> Notification | None:
        """The entry with this id."""
        return self._first(_Notification.get, id=notification_id)

    def of_key(self, key: str) -> Notification | None:
        """The newest entry about this episode or fault."""
        return self._first(_Notification.of_key, key=key)

    def newest_of(self, kind: NotificationKind) -> Notification | None:
        """The newest entry of this kind."""
        return self._first(_Notification.newest_of, kind=kind.value)

    def open(self, kinds: Collection[NotificationKind]) -> list[Notification]:
        """Those of these kinds that are not withdrawn, oldest first."""
        return self._all(_Notification.open, kinds=listed(kind.value for kind in kinds))

    def to_remind(self, until: datetime) -> list[Notification]:
        """Those whose next reminder is due by then, oldest first."""
        return self._all(_Notification.to_remind, until=to_us(until))

    def next_reminder_at(self) -> datetime | None:
        """When the next reminder is due, if any."""
        ((at,),) = self._runner.rows(_Notification.next_reminder)
        return to_time(at)

    def remind(self, notification_id: str, reminded: int, remind_at: datetime | None, unread: bool) -> None:
        """Keep how often it was told again and when next; `unread`: it counts as not read again."""
        self._runner.change(
            _Notification.remind,
            the_id=notification_id,
            times=reminded,
            next_at=to_us(remind_at),
            anew=unread,
        )

    def withdraw(self, notification_id: str, at: datetime) -> None:
        """Note that the trouble was over at that time; the first such note stays."""
        self._runner.change(_Notification.withdraw, the_id=notification_id, now=to_us(at))

    def mark_read(self, ids: Sequence[str] | None, at: datetime) -> None:
        """Mark these entries read, or all of them (None)."""
        if ids is None:
            self._runner.change(_Notification.mark_all_read, now=to_us(at))
        else:
            self._runner.change(_Notification.mark_read, now=to_us(at), ids=listed(ids))

    def unread(self) -> int:
        """How many entries nobody has read."""
        ((count,),) = self._runner.rows(_Notification.unread)
        return int(count)

    def _first(self, statement: Statement, **values: object) -> Notification | None:
        return next(iter(self._all(statement, **values)), None)

    def _all(self, statement: Statement, **values: object) -> list[Notification]:
        return [records.notification_of(row) for row in self._runner.rows(statement, **values)]


class _Announcement:
    _columns = records.ANNOUNCEMENT
    _with_news = (
        select(*_columns, *records.NOTIFICATION)
        .join_from(
            tables.announcements,
            tables.notifications,
            _announcements.notification_id == _notifications.id,
        )
        .order_by(*_BY_TIME, _announcements.channel)
    )
    # Literals, as only these let the partial indexes serve.
    _waiting = _announcements.state == literal_column("'waiting'")
    _telling = _announcements.state == literal_column("'telling'")
    _of_channel = _announcements.channel == bindparam("channel")
    add = Statement(tables.announcements.insert())
    save = Statement(
        tables.announcements.update()
        .where(
            _announcements.notification_id == bindparam("to_notification_id"),
            _announcements.channel == bindparam("to_channel"),
            _announcements.number == bindparam("to_number"),
        )
        .values(
            {
                name: bindparam(f"to_{name}")
                for name in ("state", "due_at", "tries", "batch", "route", "told_at")
            }
        )
    )
    of = Statement(
        select(*_columns)
        .where(_announcements.notification_id == bindparam("id"))
        .order_by(_announcements.channel, _announcements.number)
    )
    due = Statement(
        _with_news.where(
            _waiting,
            _of_channel,
            _announcements.due_at <= bindparam("now"),
            is_among(_notifications.kind, "kinds"),
        ).limit(bindparam("limit"))
    )
    waiting = Statement(select(func.count()).select_from(tables.announcements).where(_waiting, _of_channel))
    channels = Statement(
        select(_announcements.channel).where(_waiting).distinct().order_by(_announcements.channel)
    )
    next_due = Statement(select(func.min(_announcements.due_at)).where(_waiting, _of_channel))
    telling = Statement(_with_news.where(_telling))
    of_batch = Statement(_with_news.where(_of_channel, _announcements.batch == bindparam("batch")))
    batches = Statement(
        select(func.min(_announcements.told_at))
        .where(
            _of_channel,
            _announcements.told_at > bindparam("since"),
            _announcements.state.in_([literal_column(f"'{one}'") for one in ("telling", "told", "in_doubt")]),
        )
        .group_by(_announcements.batch)
        .order_by(func.min(_announcements.told_at))
    )
    drop = Statement(
        tables.announcements.update()
        .where(_announcements.notification_id == bindparam("the_id"), _waiting)
        .values(state=AnnouncementState.DROPPED.value)
    )
    drop_channel = Statement(
        tables.announcements.update()
        .where(_waiting, _announcements.channel == bindparam("the_channel"))
        .values(state=AnnouncementState.DROPPED.value)
    )


class SqliteAnnouncements:
    """What was, or is to be, told on which channel."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def add(self, announcement: Announcement) -> None:
        """Keep a new one. Raises AlreadyExists, or NotFound when its notification is not there."""
        self._runner.change(_Announcement.add, **records.announcement_values(announcement))

    def save(self, announcement: Announcement) -> None:
        """Keep state, times, tries, batch and route. Raises NotFound when it is not there."""
        values = {f"to_{name}": value for name, value in records.announcement_values(announcement).items()}
        if not self._runner.change(_Announcement.save, **values):
            raise NotFound("That announcement is not there any more.")

    def of(self, notification_id: str) -> list[Announcement]:
        """All of one notification, by channel and number."""
        return [
            records.announcement_of(row) for row in self._runner.rows(_Announcement.of, id=notification_id)
        ]

    def due(
        self, channel: str, now: datetime, limit: int, kinds: Collection[NotificationKind] = ALL_KINDS
    ) -> list[Announced]:
        """Waiting ones about news of these kinds whose time has come, the oldest news first."""
        rows = self._runner.rows(
            _Announcement.due, channel=channel, now=to_us(now), limit=limit, kinds=listed(kinds)
        )
        return [_announced(row) for row in rows]

    def waiting(self, channel: str) -> int:
        """How many wait for this channel, due or not."""
        ((count,),) = self._runner.rows(_Announcement.waiting, channel=channel)
        return int(count)

    def channels(self) -> list[str]:
        """Channels that something waits for, by name."""
        return self._runner.column(_Announcement.channels)

    def next_due_at(self, channel: str) -> datetime | None:
        """When the next waiting one is due, if any waits."""
        ((at,),) = self._runner.rows(_Announcement.next_due, channel=channel)
        return to_time(at)

    def telling(self) -> list[Announced]:
        """Those being handed over, the oldest news first."""
        return [_announced(row) for row in self._runner.rows(_Announcement.telling)]

    def of_batch(self, channel: str, batch: str) -> list[Announced]:
        """Those that one message told, the oldest news first."""
        rows = self._runner.rows(_Announcement.of_batch, channel=channel, batch=batch)
        return [_announced(row) for row in rows]

    def batches_since(self, channel: str, since: datetime) -> list[datetime]:
        """When messages went, or may have gone, to a channel since then, the oldest first."""
        return [
            known_time(at)
            for at in self._runner.column(_Announcement.batches, channel=channel, since=to_us(since))
        ]

    def drop(self, notification_id: str) -> None:
        """Let whatever of it still waits go untold."""
        self._runner.change(_Announcement.drop, the_id=notification_id)

    def drop_channel(self, channel: str) -> None:
        """Let whatever still waits for this channel go untold."""
        self._runner.change(_Announcement.drop_channel, the_channel=channel)


def _announced(row: Sequence[object]) -> Announced:
    cut = len(records.ANNOUNCEMENT)
    return Announced(records.announcement_of(row[:cut]), records.notification_of(row[cut:]))
