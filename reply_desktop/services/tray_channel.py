"""What the desktop is to show: pushed when its time comes, given out to one window, once for each telling."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from reply_desktop.domain import events
from reply_desktop.domain.announcement import Announced, AnnouncementState, Channel
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.services.announcer import Announcer
from reply_desktop.services.bus import Bus
from reply_desktop.services.ports import Clock, Store, UnitOfWork

SHOWN: Final = 500
"""Most alerts looked at together; a window merges them into one anyway."""


class TrayChannel:
    """Desktop alerts on the engine's side.

    A window takes an alert before it shows it. Should it die right then, the alert stays untold on the
    desktop, where bell, banner and tray icon tell of it, and the next reminder does: better than telling
    twice, as nobody can ask a desktop what it has shown.
    """

    def __init__(self, store: Store, announcer: Announcer, bus: Bus, clock: Clock) -> None:
        self._store = store
        self._announcer = announcer
        self._bus = bus
        self._clock = clock
        self._pushed: set[tuple[str, int]] = set()

    def due(self) -> list[NotificationRow]:
        """What is to be shown now and was claimed by nobody."""
        with self._store.read() as unit:
            due = self._due(unit)
        return self._store.reads.notification_rows([one.notification.id for one in due])

    def claim(self, ids: Sequence[str]) -> list[str]:
        """Give these out to be shown; those withdrawn or claimed meanwhile are left out."""
        now = self._clock.now()
        asked = set(ids)
        given = []
        with self._store.begin(durable=True) as unit:
            for one in self._due(unit):
                if one.notification.id in asked:
                    told = replace(one.announcement, state=AnnouncementState.TOLD, told_at=now)
                    unit.announcements.save(told)
                    given.append(one.notification.id)
            if given:
                unit.commit()
        return given

    def tick(self) -> datetime | None:
        """Push what has come due; gives when the next will."""
        now = self._clock.now()
        with self._store.read() as unit:
            due = self._due(unit)
            next_at = unit.announcements.next_due_at(Channel.TRAY)
        fresh = {(one.notification.id, one.announcement.number) for one in due}
        new, self._pushed = fresh - self._pushed, fresh
        if new:
            rows = self._store.reads.notification_rows([notification_id for notification_id, _ in new])
            self._bus.publish([events.AlertsDue(tuple(rows))])
        # What is due and claimed by nobody waits for a window, which asks by itself.
        return next_at if next_at is not None and next_at > now else None

    def _due(self, unit: UnitOfWork) -> list[Announced]:
        """What is due. What the person no longer wants to hear of here waits for another mind."""
        wanted = self._announcer.wanted_kinds(Channel.TRAY)
        return unit.announcements.due(Channel.TRAY, self._clock.now(), SHOWN, wanted)
