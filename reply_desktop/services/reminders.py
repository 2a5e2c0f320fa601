"""Tells again what lasts: after an hour, after eight, then every day until it is mended."""

from datetime import datetime

from reply_desktop.domain import events
from reply_desktop.services.announcer import Announcer
from reply_desktop.services.bus import Bus
from reply_desktop.services.ports import Clock, Store


class Reminders:
    """Looks for troubles whose next reminder is due. The count and what is told are one commit."""

    def __init__(self, store: Store, announcer: Announcer, bus: Bus, clock: Clock) -> None:
        self._store = store
        self._announcer = announcer
        self._bus = bus
        self._clock = clock

    def tick(self) -> datetime | None:
        """Remind of what is due; gives when the next is."""
        now = self._clock.now()
        with self._store.read() as unit:
            next_at = unit.notifications.next_reminder_at()
        if next_at is None or next_at > now:
            return next_at
        with self._store.begin() as unit:
            reminded = self._announcer.remind(unit, now)
            next_at = unit.notifications.next_reminder_at()
            unit.commit()
        rows = self._store.reads.notification_rows(reminded)
        self._bus.publish([events.NotificationRaised(row) for row in rows])
        return next_at
