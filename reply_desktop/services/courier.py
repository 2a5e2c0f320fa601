"""Carries alerts to e-mail and team channels: each once, by whatever way is open, and nothing is lost."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

from reply_desktop.domain import events, news
from reply_desktop.domain.alert_words import News
from reply_desktop.domain.announcement import Announced, Announcement, AnnouncementState, Channel, kind_of
from reply_desktop.domain.errors import EngineUnavailable
from reply_desktop.domain.notification import Notification, NotificationKind
from reply_desktop.domain.notification_rules import TROUBLE
from reply_desktop.domain.preferences import Preferences
from reply_desktop.domain.states import CAN_SEND
from reply_desktop.services.alert_ports import Handed, HandedState, Messenger, NotNow
from reply_desktop.services.announcer import COMPANIONS, Announcer
from reply_desktop.services.bus import Bus
from reply_desktop.services.ports import Clock, Store, Tasks, UnitOfWork

_log = logging.getLogger(__name__)

TOGETHER: Final = 1000
"""Most news in one message."""
LADDER_S: Final = (60.0, 300.0, 900.0, 3600.0)
"""Waits after the first, second, … time that no way carried a message, in seconds."""
LOOK_AGAIN_S: Final = 300.0
"""How long until a way is looked for again where there was none, in seconds."""
SETTLE_S: Final = 120.0
"""How long a message that was being handed over may take to be seen among the sent ones, in seconds."""
ASKED_S: Final = 3600.0
"""How long it is tried to learn what became of a message while that cannot be told, in seconds."""
DAY_S: Final = 24 * 3600.0

_S = AnnouncementState
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class Courier:
    """Looks for due announcements and hands them over, one message at a time for each channel.

    What is about to be handed over is noted durably first, with its mark and its way. Should the engine die
    or the line break in between, the message is looked for afterwards: found, it was told; surely not there,
    it goes again under the same mark; where nobody can tell, it stays in doubt, and the bell says so.
    """

    def __init__(
        self,
        store: Store,
        announcer: Announcer,
        messengers: Mapping[Channel, Messenger],
        wants: Callable[[], Preferences],
        bus: Bus,
        clock: Clock,
        tasks: Tasks,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._announcer = announcer
        self._messengers = messengers
        self._wants = wants
        self._bus = bus
        self._clock = clock
        self._tasks = tasks
        self._new_id = new_id
        self._busy: set[str] = set()
        self._waits = _Waits()
        self._asked_since: dict[str, datetime] = {}
        self._stopping = False
        self._lock = threading.Lock()
        self.on_end: Callable[[str], None] = lambda channel: None
        """Called when a channel's turn is over: how it stands may be another, and more may be due."""

    def stop(self) -> None:
        """Hand nothing more over."""
        self._stopping = True

    def look_again(self) -> None:
        """A way may have opened: forget how long was to be waited."""
        with self._lock:
            self._waits = _Waits()

    @property
    def busy(self) -> frozenset[str]:
        """Channels whose turn it is just now."""
        with self._lock:
            return frozenset(self._busy)

    def tick(self) -> datetime | None:
        """Begin whatever is due, in the background; gives when something next is."""
        now = self._clock.now()
        with self._store.read() as unit:
            unknown = {one.announcement.channel for one in unit.announcements.telling()}
            due_at = {
                channel: at
                for channel in unit.announcements.channels()
                if channel != Channel.TRAY and (at := unit.announcements.next_due_at(channel)) is not None
            }
        self._forget_past()
        times, ready = [], []
        with self._lock:
            look_at, carry_at = self._waits.look_at, self._waits.carry_at
            turns = [(channel, look_at.get(channel, now)) for channel in unknown]
            turns += [(channel, max(at, carry_at.get(channel, now))) for channel, at in due_at.items()]
            for channel, at in turns:
                if channel in self._busy:
                    continue
                if at > now:
                    times.append(at)
                elif not self._stopping:
                    self._busy.add(channel)
                    ready.append(channel)
        for channel in ready:
            self._begin(channel)
        return min(times, default=None)

    def drain(self) -> None:
        """Hand over all that waits and end with it: no companions come to an engine that ends."""
        with self._store.read() as unit:
            channels = {channel for channel in unit.announcements.channels() if channel != Channel.TRAY}
            channels |= {one.announcement.channel for one in unit.announcements.telling()}
        for channel in sorted(channels):
            self._turn(channel, ahead=COMPANIONS)
        self._forget_past()

    def _begin(self, channel: str) -> None:
        try:
            self._tasks.submit(lambda: self._turn(channel))
        except EngineUnavailable:
            # The engine is ending.
            with self._lock:
                self._busy.discard(channel)

    def _turn(self, channel: str, ahead: timedelta = timedelta(0)) -> None:
        """One channel's turn, with what is due `ahead` of its time too."""
        # Should a way open meanwhile, there are other waits, and what is noted in these counts no more.
        waits = self._waits
        try:
            self._settle_unknown(channel, waits)
            if waits.carry_at.get(channel, _LONG_AGO) <= self._clock.now():
                self._put_off(waits.carry_at, channel, self._carry(channel, ahead, waits))
        except Exception:
            _log.exception("Alerts could not be carried by a fault of the app's own")
            for times in (waits.look_at, waits.carry_at):
                self._put_off(times, channel, LADDER_S[0])
        finally:
            with self._lock:
                self._busy.discard(channel)
            self.on_end(channel)

    def _put_off(self, times: dict[str, datetime], channel: str, wait_s: float) -> None:
        with self._lock:
            if wait_s:
                times[channel] = self._clock.now() + timedelta(seconds=wait_s)
            else:
                times.pop(channel, None)

    # What may have arrived

    def _settle_unknown(self, channel: str, waits: "_Waits") -> None:
        """Find out what became of messages whose end is not known, and note when to look again."""
        with self._store.read() as unit:
            found = [one for one in unit.announcements.telling() if one.announcement.channel == channel]
        messages = groupby(sorted(found, key=_message), key=_message)
        waits_s = [self._settle(channel, route, batch, list(told)) for (route, batch), told in messages]
        self._put_off(waits.look_at, channel, min((one for one in waits_s if one), default=0.0))

    def _settle(self, channel: str, route: str, batch: str, told: Sequence[Announced]) -> float:
        """One message; how long until it is looked for again, in seconds."""
        now = self._clock.now()
        since = min(one.announcement.told_at or now for one in told)
        try:
            there = self._messengers[kind_of(channel)].find(channel, route, batch, since)
        except NotNow:
            asked_since = self._asked_since.setdefault(batch, now)
            if (now - asked_since).total_seconds() < ASKED_S:
                return LOOK_AGAIN_S
            there = None
        left_s = SETTLE_S - (now - since).total_seconds()
        if there is False and left_s > 0:
            return left_s
        self._asked_since.pop(batch, None)
        ends = {True: HandedState.TOLD, False: HandedState.REFUSED, None: HandedState.IN_DOUBT}
        # Should it show up after all, the receiver knows it by its mark: that stays the same.
        self._end(channel, told, Handed(ends[there]), keep_batch=True)
        return 0.0

    # What is due

    def _carry(self, channel: str, ahead: timedelta, waits: "_Waits") -> float:
        """Hand over one message with all that is due; how long to wait before the next look, in seconds."""
        now = self._clock.now()
        messenger = self._messengers[kind_of(channel)]
        due = self._due(channel, now + ahead)
        if not due:
            return 0.0
        if (full_until := self._full_until(channel, now)) is not None:
            at = full_until.astimezone(self._announcer.zone())
            limit = "went out in the last 24 hours, the most you allow in Settings → Notifications."
            self._say_unsent(channel, f"{self._wants().email_cap} {limit} The next goes at {at:%H:%M}.")
            return (full_until - now).total_seconds()
        said = _NO_WAY[kind_of(channel)]
        for route in messenger.routes(channel, [one.notification for one in due]):
            taken = [] if self._stopping else self._take(channel, due, route, ahead)
            if not taken:
                return 0.0
            batch = taken[0].announcement.batch
            assert batch is not None
            handed = messenger.hand(channel, route, batch, self._news(taken))
            if handed.state is HandedState.IN_DOUBT:
                # Perhaps it was our own end that broke the line: the next engine looks.
                if not self._stopping:
                    self._settle_unknown(channel, waits)
                return 0.0
            self._end(channel, taken, handed)
            if handed.state is HandedState.TOLD:
                return 0.0
            said = handed.said or said
        if self._stopping:
            return 0.0
        due = self._due(channel, self._clock.now() + ahead)
        if not due:
            return 0.0
        self._say_unsent(channel, said)
        tries = max(one.announcement.tries for one in due)
        return LADDER_S[min(tries, len(LADDER_S)) - 1] if tries else LOOK_AGAIN_S

    def _due(self, channel: str, now: datetime) -> list[Announced]:
        """What is due there, without what the person no longer wants to hear of there."""
        with self._store.read() as unit:
            due = unit.announcements.due(channel, now, TOGETHER)
        wanted = self._announcer.wanted_kinds(channel)
        unwanted = [one for one in due if one.notification.kind not in wanted]
        if unwanted:
            with self._store.begin() as unit:
                for one in unwanted:
                    unit.announcements.save(replace(one.announcement, state=_S.DROPPED))
                unit.commit()
        return [one for one in due if one not in unwanted]

    def _full_until(self, channel: str, now: datetime) -> datetime | None:
        """Until when no more e-mail may go out."""
        if kind_of(channel) is not Channel.EMAIL:
            return None
        with self._store.read() as unit:
            went = unit.announcements.batches_since(channel, now - timedelta(seconds=DAY_S))
        over = len(went) - self._wants().email_cap
        return went[over] + timedelta(seconds=DAY_S) if over >= 0 else None

    def _take(self, channel: str, due: Sequence[Announced], route: str, ahead: timedelta) -> list[Announced]:
        """Note durably what is about to be handed over; those withdrawn meanwhile are left out."""
        now = self._clock.now()
        wanted = {one.notification.id for one in due}
        batch = (
            next((one.announcement.batch for one in due if one.announcement.batch), None) or self._new_id()
        )
        taken = []
        with self._store.begin(durable=True) as unit:
            for one in unit.announcements.due(channel, now + ahead, TOGETHER):
                if one.notification.id in wanted:
                    about_to = replace(
                        one.announcement,
                        state=_S.TELLING,
                        tries=one.announcement.tries + 1,
                        batch=batch,
                        route=route,
                        told_at=now,
                    )
                    unit.announcements.save(about_to)
                    taken.append(replace(one, announcement=about_to))
            unit.commit()
        return taken

    def _end(
        self, channel: str, taken: Sequence[Announced], handed: Handed, *, keep_batch: bool = False
    ) -> None:
        """Note what became of a message."""
        happened: list[events.Event] = []
        with self._store.begin(durable=True) as unit:
            for one in taken:
                is_over = _is_over(unit, one.notification)
                ended = _ended(one.announcement, handed.state, keep_batch, is_over)
                unit.announcements.save(ended)
                if ended.state is _S.DROPPED:
                    _drop_end(unit, one.notification, channel)
            if handed.state is HandedState.TOLD:
                _, happened = self._announcer.withdraw(unit, _unsent(channel), self._clock.now())
            elif handed.state is HandedState.IN_DOUBT:
                happened = self._tell_in_doubt(unit, channel, taken)
            unit.commit()
        self._bus.publish(happened)

    # What the bell says of it

    def _say_unsent(self, channel: str, why: str) -> None:
        """Say in the bell, once, that something waits."""
        key = _unsent(channel)
        with self._store.begin() as unit:
            told = unit.notifications.of_key(key)
            if told is not None and told.withdrawn_at is None:
                return
            waiting = unit.announcements.waiting(channel)
            title = f"{_WORDS[kind_of(channel)]} cannot be sent: {waiting:,} waiting"
            notice = news.about_unsent(key, title, why, self._clock.now(), self._new_id)
            happened = self._announcer.tell(unit, notice)
            unit.commit()
        self._bus.publish(happened)

    def _forget_past(self) -> None:
        """Withdraw what was said of messages and is no trouble any more."""
        with self._store.read() as unit:
            said = unit.notifications.open([NotificationKind.ALERT_UNSENT])
            past = [notice.key for notice in said if _is_past(unit, notice)]
        if not past:
            return
        happened: list[events.Event] = []
        with self._store.begin() as unit:
            for key in past:
                happened += self._announcer.withdraw(unit, key, self._clock.now())[1]
            unit.commit()
        self._bus.publish(happened)

    def _tell_in_doubt(
        self, unit: UnitOfWork, channel: str, taken: Sequence[Announced]
    ) -> list[events.Event]:
        about = taken[0].notification.title
        rest = f" and {len(taken) - 1:,} more" if len(taken) > 1 else ""
        notice = news.about_unsent(
            f"{channel}{_DOUBT}{taken[0].announcement.batch}",
            f"{_WORDS[kind_of(channel)]} may not have arrived",
            f"The connection broke while it was sent: {about}{rest}. It is not sent again, so that "
            "nothing comes twice.",
            self._clock.now(),
            self._new_id,
        )
        return self._announcer.tell(unit, notice)

    def _news(self, taken: Sequence[Announced]) -> list[News]:
        with self._store.read() as unit:
            able = frozenset(unit.accounts.ids(states=tuple(CAN_SEND)))
            return [_one_news(unit, one.notification, able) for one in taken]


@dataclass(frozen=True, slots=True)
class _Waits:
    """By channel: when to look for what may have arrived, and when the next message may be tried."""

    look_at: dict[str, datetime] = field(default_factory=dict)
    carry_at: dict[str, datetime] = field(default_factory=dict)


def _one_news(unit: UnitOfWork, notice: Notification, able: AbstractSet[str]) -> News:
    """The news with all its words need. `able`: ids of the accounts that can send."""
    account = unit.accounts.get(notice.account_id) if notice.account_id else None
    entries = [(unit.sequences.get(entry.sequence_id), entry.id) for entry in unit.log.of_key(notice.key)]
    told = [(sequence, entry_id) for sequence, entry_id in entries if sequence is not None]
    return News(
        notice,
        account.address if account else None,
        account.provider if account else None,
        notice.at,
        tuple((sequence.id, sequence.name, entry_id) for sequence, entry_id in told),
        frozenset(sequence.id for sequence, _ in told if able.isdisjoint(sequence.accounts)),
        account.cause if account else None,
    )


def _message(one: Announced) -> tuple[str, str]:
    return one.announcement.route or "", one.announcement.batch or ""


def _is_past(unit: UnitOfWork, said: Notification) -> bool:
    """Whether nobody needs to know any more what the bell says of a message.

    Of one that waits: nothing waits. Of one in doubt: the person read it, or all it told of is over.
    """
    channel, _, batch = said.key.partition(_DOUBT)
    if batch:
        told = [one.notification for one in unit.announcements.of_batch(channel, batch)]
        return said.read_at is not None or all(one.withdrawn_at is not None for one in told)
    channel = said.key.removesuffix(_UNSENT)
    being_told = {one.announcement.channel for one in unit.announcements.telling()}
    return not unit.announcements.waiting(channel) and channel not in being_told


def _is_over(unit: UnitOfWork, notice: Notification) -> bool:
    """Whether the trouble ended while it was being told."""
    now = unit.notifications.get(notice.id)
    return now is not None and now.kind in TROUBLE and now.withdrawn_at is not None


def _drop_end(unit: UnitOfWork, notice: Notification, channel: str) -> None:
    """Where the trouble was not told after all, that it is over is not told either."""
    newest = unit.notifications.of_key(notice.key)
    if newest is not None and newest.kind not in TROUBLE:
        for one in unit.announcements.of(newest.id):
            if one.channel == channel and one.state is _S.WAITING:
                unit.announcements.save(replace(one, state=_S.DROPPED))


def _ended(announcement: Announcement, state: HandedState, keep_batch: bool, is_over: bool) -> Announcement:
    if state is HandedState.REFUSED:
        waits = replace(announcement, told_at=None, batch=announcement.batch if keep_batch else None)
        return replace(waits, state=_S.DROPPED if is_over else _S.WAITING)
    return replace(announcement, state=_S.TOLD if state is HandedState.TOLD else _S.IN_DOUBT)


def _unsent(channel: str) -> str:
    return channel + _UNSENT


_UNSENT: Final = ":unsent"
_DOUBT: Final = ":doubt:"
_WORDS: Final = {Channel.EMAIL: "Alert e-mail", Channel.TEAM: "The alert to your team"}
_NO_WAY: Final = {
    Channel.EMAIL: "No account can send, and no relay is set up in Settings → Notifications.",
    Channel.TEAM: "Its address is sealed in the vault, which is locked. Unlock it, and the alert goes.",
}
