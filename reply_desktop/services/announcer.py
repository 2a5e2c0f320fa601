"""Decides, as news is written, on which channels it is told and when; what is over goes untold."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from reply_desktop.domain import events, notification_rules
from reply_desktop.domain.announcement import (
    TELLING_STATES,
    Announcement,
    AnnouncementState,
    Channel,
    kind_of,
    team_channel,
)
from reply_desktop.domain.notification import Notification, NotificationKind
from reply_desktop.domain.notification_rules import RULES, TROUBLE, wanted_channels
from reply_desktop.domain.preferences import Preferences
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.services.ports import UnitOfWork

COMPANIONS: Final = timedelta(seconds=max(rule.merge_s for rule in RULES.values()))
"""Longest that news waits for what is to be told with it."""

_WAITING: Final = AnnouncementState.WAITING
_STILL_IN_QUIET_HOURS: Final = frozenset({Channel.TRAY, Channel.EMAIL})
_EVER: Final = datetime.max.replace(tzinfo=UTC)


class Announcer:
    """Writes notifications, and what is to be told of them, into the caller's unit of work.

    So the news, and that it is still to be told, are kept or lost together, whatever dies. `wants` gives the
    person's preferences; `zone` the time zone of this computer, whose wall clock quiet hours go by.
    """

    def __init__(self, wants: Callable[[], Preferences], zone: Callable[[], tzinfo]) -> None:
        self._wants = wants
        self.zone = zone

    def tell(
        self,
        unit: UnitOfWork,
        notice: Notification,
        sequence_id: str | None = None,
        over: Notification | None = None,
    ) -> list[events.Event]:
        """Keep news and give what to publish after the commit. `over`: the trouble whose end this tells.

        An end is told where its trouble was told, and nowhere else.
        """
        wants = self._wants()
        opened = self._group(unit, notice)
        lasts = notice.kind in TROUBLE
        notice = replace(
            notice,
            group=opened.id,
            withdrawn_at=None if lasts else notice.at,
            remind_at=notification_rules.remind_at(notice.kind, notice.at, 0) if lasts else None,
        )
        unit.notifications.add(notice)
        for channel in self._channels(unit, notice, over, wants):
            due_at = self._due_at(channel, notice, opened, wants)
            unit.announcements.add(Announcement(notice.id, channel, due_at))
        return [events.NotificationRaised(NotificationRow.of(notice, sequence_id))]

    def withdraw(
        self, unit: UnitOfWork, key: str, now: datetime
    ) -> tuple[Notification | None, list[events.Event]]:
        """Note that the trouble with this key is over: (what was told of it, what to publish)."""
        told = unit.notifications.of_key(key)
        if told is None or told.withdrawn_at is not None or told.kind not in TROUBLE:
            return None, []
        unit.notifications.withdraw(told.id, now)
        unit.announcements.drop(told.id)
        return told, [events.NotificationWithdrawn(told.id, key)]

    def remind(self, unit: UnitOfWork, now: datetime) -> list[str]:
        """Tell again what lasts too long; gives the ids of what is told again.

        Once for all the times that have come: a computer that slept for days is not scolded for each.
        """
        due = unit.notifications.to_remind(now)
        if not due:
            return []
        wants = self._wants()
        until = now + timedelta(seconds=max(RULES[notice.kind].merge_s for notice in due))
        reminded = []
        for notice in unit.notifications.to_remind(until):
            on = wants.reminders and Channel.TRAY in self._wanted(notice.kind, wants)
            times = notice.reminded + on
            unit.notifications.remind(notice.id, times, _next_reminder(notice, until), unread=on)
            if on:
                reminded.append(notice.id)
                known = unit.announcements.of(notice.id)
                # What still waits for a window, or for the end of quiet hours, is told then: that is enough.
                if not any(one.channel == Channel.TRAY and one.state is _WAITING for one in known):
                    due_at = self._loud_at(now, wants)
                    unit.announcements.add(Announcement(notice.id, Channel.TRAY, due_at, times))
        return reminded

    def address_given(self, unit: UnitOfWork, now: datetime) -> None:
        """Alert e-mail has somewhere to go from now on: troubles that last are told there too."""
        wants = self._wants()
        for notice in unit.notifications.open(TROUBLE):
            if Channel.EMAIL not in self._wanted(notice.kind, wants):
                continue
            known = [one for one in unit.announcements.of(notice.id) if one.channel == Channel.EMAIL]
            mailed = Announcement(notice.id, Channel.EMAIL, self._loud_at(now, wants))
            if not known:
                unit.announcements.add(mailed)
            elif known[0].state is AnnouncementState.DROPPED:
                unit.announcements.save(mailed)

    def quiet_changed(self, unit: UnitOfWork, now: datetime) -> None:
        """What waits keeps the quiet hours that hold from now on, not those of when it was noted."""
        wants = self._wants()
        for channel, ahead in ((Channel.TRAY, timedelta(0)), (Channel.EMAIL, COMPANIONS)):
            for one in unit.announcements.due(channel, _EVER, unit.announcements.waiting(channel)):
                at = min(max(one.announcement.due_at, now), now + ahead)
                unit.announcements.save(replace(one.announcement, due_at=self._loud_at(at, wants)))

    def _group(self, unit: UnitOfWork, notice: Notification) -> Notification:
        """The first of those raised together with it; itself when it opens a group."""
        newest = unit.notifications.newest_of(notice.kind)
        opened = unit.notifications.get(newest.group or newest.id) if newest else None
        if opened is None:
            return notice
        age_s = (notice.at - opened.at).total_seconds()
        return opened if 0 <= age_s <= RULES[notice.kind].merge_s else notice

    def _channels(
        self, unit: UnitOfWork, notice: Notification, over: Notification | None, wants: Preferences
    ) -> Sequence[str]:
        wanted = self._keys(self._wanted(notice.kind, wants), wants)
        if notice.kind in TROUBLE:
            return wanted
        told = {
            announcement.channel
            for announcement in (unit.announcements.of(over.id) if over else ())
            if announcement.state in TELLING_STATES
        }
        return [channel for channel in wanted if channel in told]

    @staticmethod
    def _wanted(kind: NotificationKind, wants: Preferences) -> frozenset[Channel]:
        channels = wanted_channels(kind, wants.chosen)
        if not wants.tray:
            channels -= {Channel.TRAY}
        if not wants.email_to:
            channels -= {Channel.EMAIL}
        return channels

    @staticmethod
    def _keys(channels: frozenset[Channel], wants: Preferences) -> list[str]:
        single = [str(channel) for channel in Channel if channel in channels and channel is not Channel.TEAM]
        team = map(team_channel, wants.team) if Channel.TEAM in channels else ()
        return [*single, *team]

    def wanted_kinds(self, channel: str) -> frozenset[NotificationKind]:
        """What the person wants to hear of on that channel, as things stand now."""
        wants = self._wants()
        return frozenset(
            kind for kind in NotificationKind if channel in self._keys(self._wanted(kind, wants), wants)
        )

    def _due_at(
        self, channel: str, notice: Notification, opened: Notification, wants: Preferences
    ) -> datetime:
        kind = kind_of(channel)
        at = notice.at
        if kind is not Channel.TRAY:
            # What has been sent cannot be added to, so that it waits for its companions.
            at = opened.at + timedelta(seconds=RULES[notice.kind].merge_s)
        return self._loud_at(at, wants) if kind in _STILL_IN_QUIET_HOURS else at

    def _loud_at(self, at: datetime, wants: Preferences) -> datetime:
        return (wants.quiet.end(at, self.zone()) if wants.quiet else None) or at


def _next_reminder(notice: Notification, until: datetime) -> datetime | None:
    """When it is told again after that time."""
    number, at = notice.reminded, notice.remind_at
    while at is not None and at <= until:
        number += 1
        at = notification_rules.remind_at(notice.kind, notice.at, number)
    return at
