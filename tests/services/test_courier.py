"""Alerts reach e-mail and team channels once, by the first way that is open, whatever dies in between."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.alert_words import News
from reply_desktop.domain.announcement import Announcement, AnnouncementState, Channel
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.notification import Notification, NotificationKind
from reply_desktop.domain.preferences import EMAIL_CAP, EMAIL_TO, QUIET
from reply_desktop.domain.states import State
from reply_desktop.services.alert_ports import Handed, HandedState, NotNow
from reply_desktop.services.courier import ASKED_S, DAY_S, LADDER_S, LOOK_AGAIN_S, SETTLE_S, Courier
from tests.fakes.world import World

MINUTE = timedelta(minutes=1)
TOLD, REFUSED, IN_DOUBT = (Handed(state, state.value) for state in HandedState)


class KilledError(BaseException):
    """The engine died here."""


class FakeMessenger:
    """Gives the scripted ends, then TOLD for ever.

    `dies`: in which moment of handing over the engine does. `away`: it cannot be looked for anything.
    """

    def __init__(self) -> None:
        self.ways: Sequence[str] = ("ben",)
        self.ends: list[Handed] = []
        self.handed: list[tuple[str, str, list[str]]] = []
        self.there: bool | None = None
        self.looked: list[tuple[str, str]] = []
        self.dies = ""
        self.away = False

    def routes(self, channel: str, news: Sequence[Notification]) -> Sequence[str]:
        return self.ways

    def hand(self, channel: str, route: str, batch: str, news: Sequence[News]) -> Handed:
        if self.dies == "before":
            raise KilledError
        self.handed.append((route, batch, [one.address or one.notification.key for one in news]))
        if self.dies == "after":
            raise KilledError
        return self.ends.pop(0) if self.ends else TOLD

    def find(self, channel: str, route: str, batch: str, since: datetime) -> bool | None:
        if self.away:
            raise NotNow
        self.looked.append((route, batch))
        return self.there


class Desk:
    """A world with a courier that carries on the spot."""

    def __init__(self) -> None:
        self.world = World()
        self.mail, self.team = FakeMessenger(), FakeMessenger()
        self.put(EMAIL_TO, "me@example.com")
        self.restart()

    def restart(self) -> None:
        """Another engine on the same database."""
        world = self.world
        world.settings.team = lambda: ("ops",)
        self.courier = Courier(
            world.store, world.announcer, {Channel.EMAIL: self.mail, Channel.TEAM: self.team},
            world.settings.preferences, world.bus, world.clock, world.tasks, world.new_id,
        )  # fmt: skip

    def put(self, name: str, value: object) -> None:
        self.world.settings.put({name: json.dumps(value)})

    def lose(self, *names: str) -> None:
        for name in names:
            self.world.add(name)
            before = self.world.account(name)
            after = replace(before, state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
            self.world.ledger.change(before, after)

    def mend(self, name: str) -> None:
        before = self.world.account(name)
        self.world.ledger.change(before, replace(before, state=State.CONNECTED, cause=None))

    def pass_time(self, seconds: float = 60.0) -> None:
        self.world.clock.advance(seconds)
        self.courier.tick()

    def mails(self) -> list[Announcement]:
        return [one for one in self.world.store.tables.announcements.values() if one.channel == "email"]

    def states(self) -> list[str]:
        return [one.state.value for one in self.mails()]

    def bell(self) -> list[Notification]:
        """What the bell says of alerts that were not sent."""
        entries = self.world.store.tables.notifications.values()
        return [one for one in entries if one.kind is NotificationKind.ALERT_UNSENT]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_fifty_accounts_of_one_minute_are_one_message_on_each_channel(desk: Desk) -> None:
    names = [f"a{number}" for number in range(50)]
    for name in names:
        desk.lose(name)
        desk.world.clock.advance(1)
    desk.courier.tick()
    assert desk.mail.handed == []
    desk.pass_time(10)
    for messenger in (desk.mail, desk.team):
        ((_, _, told),) = messenger.handed
        assert told == [f"{name}@example.com" for name in names]
    desk.pass_time(DAY_S)
    assert len(desk.mail.handed) == 1 and set(desk.states()) == {"told"}


def test_it_says_when_it_wants_to_look_again(desk: Desk) -> None:
    assert desk.courier.tick() is None
    desk.lose("ana")
    assert desk.courier.tick() == desk.world.clock.now() + MINUTE


def test_what_was_mended_meanwhile_is_not_told(desk: Desk) -> None:
    desk.lose("ana", "ben")
    desk.mend("ana")
    desk.pass_time()
    ((_, _, told),) = desk.mail.handed
    assert told == ["ben@example.com"]


def test_what_is_no_longer_wanted_is_not_told(desk: Desk) -> None:
    desk.lose("ana")
    desk.put(EMAIL_TO, "")
    desk.pass_time()
    assert desk.mail.handed == [] and desk.states() == ["dropped"]


def test_another_way_is_tried_at_once(desk: Desk) -> None:
    desk.mail.ways, desk.mail.ends = ("ben", "relay"), [REFUSED]
    desk.lose("ana")
    desk.pass_time()
    assert [route for route, _, _ in desk.mail.handed] == ["ben", "relay"]
    assert desk.states() == ["told"] and desk.bell() == []


def test_without_a_way_it_waits_the_bell_says_so_once_and_it_goes_when_one_opens(desk: Desk) -> None:
    desk.mail.ways = ()
    desk.lose("ana")
    for _ in range(5):
        desk.pass_time(LOOK_AGAIN_S)
    assert desk.states() == ["waiting"]
    (entry,) = desk.bell()
    assert "1 waiting" in entry.title and "no relay" in entry.text and entry.withdrawn_at is None
    desk.mail.ways = ("relay",)
    desk.courier.look_again()
    desk.courier.tick()
    assert desk.states() == ["told"]
    (entry,) = desk.bell()
    assert entry.withdrawn_at is not None and len(desk.world.of(events.NotificationWithdrawn)) == 1


def test_a_way_that_opens_while_it_is_seen_as_closed_is_looked_for_at_once(desk: Desk) -> None:
    def opens_meanwhile(channel: str, news: Sequence[Notification]) -> Sequence[str]:
        desk.mail.routes = lambda channel, news: ("relay",)  # type: ignore[method-assign]
        desk.courier.look_again()
        return ()

    desk.mail.routes = opens_meanwhile  # type: ignore[method-assign]
    desk.lose("ana")
    desk.pass_time()
    assert desk.states() == ["waiting"]
    desk.courier.tick()
    assert desk.states() == ["told"]


def test_that_it_waits_is_no_trouble_once_there_is_nothing_to_tell(desk: Desk) -> None:
    desk.mail.ways = ()
    desk.lose("ana")
    desk.pass_time()
    assert len(desk.bell()) == 1
    desk.mend("ana")
    desk.courier.tick()
    (entry,) = desk.bell()
    assert entry.withdrawn_at is not None


def test_refusals_are_tried_ever_more_rarely_and_told_with_their_reason(desk: Desk) -> None:
    desk.mail.ends = [REFUSED] * 6
    desk.lose("ana")
    desk.pass_time()
    at = [desk.world.clock.now()]
    while len(desk.mail.handed) < 6:
        seen = len(desk.mail.handed)
        desk.pass_time(30)
        if len(desk.mail.handed) > seen:
            at.append(desk.world.clock.now())
    waits = [(after - before).total_seconds() for before, after in pairwise(at)]
    assert waits == [*LADDER_S, LADDER_S[-1]]
    (entry,) = desk.bell()
    assert "refused" in entry.text
    desk.pass_time(LADDER_S[-1])
    assert desk.states() == ["told"]


def test_the_daily_cap_holds_over_restarts_and_what_waits_goes_as_one(desk: Desk) -> None:
    desk.put(EMAIL_CAP, 2)
    desk.world.announcer.zone = lambda: ZoneInfo("Asia/Tokyo")
    for number in range(5):
        desk.lose(f"a{number}")
        desk.pass_time(120)
        desk.restart()
    assert len(desk.mail.handed) == 2
    (entry,) = desk.bell()
    assert "2 went out in the last 24 hours" in entry.text and "The next goes at 18:02." in entry.text
    desk.pass_time(DAY_S)
    assert [len(told) for _, _, told in desk.mail.handed] == [1, 1, 3]


def test_a_line_that_broke_leaves_it_in_doubt_and_the_bell_says_so(desk: Desk) -> None:
    desk.mail.ends = [IN_DOUBT]
    desk.lose("ana")
    for _ in range(3):
        desk.pass_time(DAY_S)
        desk.restart()
    assert len(desk.mail.handed) == 1 and desk.states() == ["in_doubt"]
    (entry,) = desk.bell()
    assert "may not have arrived" in entry.title and "ana@example.com" in entry.text


@pytest.mark.parametrize(("there", "handed"), [(True, 1), (False, 2)])
def test_a_line_that_broke_is_no_doubt_where_the_message_can_be_looked_for(
    desk: Desk, there: bool, handed: int
) -> None:
    desk.mail.ends, desk.mail.there = [IN_DOUBT], there
    desk.lose("ana")
    for _ in range(3):
        desk.pass_time(SETTLE_S)
    assert desk.states() == ["told"] and desk.bell() == []
    assert len(desk.mail.handed) == handed and len({batch for _, batch, _ in desk.mail.handed}) == 1


@pytest.mark.parametrize("end", ["mended", "read"])
def test_a_doubt_is_no_trouble_once_it_was_read_or_all_it_is_about_is_over(desk: Desk, end: str) -> None:
    desk.mail.ends = [IN_DOUBT]
    desk.lose("ana", "ben")
    desk.pass_time()
    desk.mend("ana")
    desk.courier.tick()
    assert [entry.withdrawn_at for entry in desk.bell()] == [None]
    if end == "mended":
        desk.mend("ben")
    else:
        with desk.world.store.begin() as unit:
            unit.notifications.mark_read([desk.bell()[0].id], desk.world.clock.now())
            unit.commit()
    desk.courier.tick()
    (entry,) = desk.bell()
    assert entry.withdrawn_at is not None


MOMENTS = [
    # (dies, whether it is found afterwards, messages handed over in the end, how the announcement ends)
    ("before", True, 0, "told"),
    ("before", False, 1, "told"),
    ("before", None, 0, "in_doubt"),
    ("after", True, 1, "told"),
    ("after", False, 2, "told"),
    ("after", None, 1, "in_doubt"),
]


@pytest.mark.parametrize(("dies", "there", "handed", "ends"), MOMENTS)
def test_an_engine_that_dies_while_handing_over(
    desk: Desk, dies: str, there: bool | None, handed: int, ends: str
) -> None:
    desk.lose("ana")
    desk.mail.dies = dies
    with pytest.raises(KilledError):
        desk.pass_time()
    (announcement,) = desk.mails()
    assert announcement.state is AnnouncementState.TELLING
    desk.mail.dies, desk.mail.there = "", there
    desk.restart()
    for _ in range(3):
        desk.pass_time(SETTLE_S)
    assert len(desk.mail.handed) == handed and desk.states() == [ends]
    marks = {batch for _, batch, _ in desk.mail.handed} | {batch for _, batch in desk.mail.looked}
    assert marks == {announcement.batch}, "the same mark, so that a receiver knows it again"
    assert len(desk.bell()) == (ends == "in_doubt")


def dies_telling(desk: Desk) -> None:
    """An engine that dies in the midst of the first e-mail, and another one."""
    desk.lose("ana")
    desk.mail.dies = "before"
    with pytest.raises(KilledError):
        desk.pass_time()
    desk.mail.dies = ""
    desk.restart()


@pytest.mark.parametrize("there", [True, False])
def test_what_cannot_be_looked_for_at_once_is_looked_for_when_a_way_opens(desk: Desk, there: bool) -> None:
    dies_telling(desk)
    desk.mail.away = True
    desk.pass_time(SETTLE_S)
    assert desk.states() == ["telling"] and desk.bell() == []
    desk.mail.away, desk.mail.there = False, there
    desk.courier.look_again()
    desk.pass_time(0)
    assert desk.states() == ["told"] and len(desk.mail.handed) == (not there)


def test_what_cannot_be_looked_for_in_an_hour_is_in_doubt(desk: Desk) -> None:
    dies_telling(desk)
    # As long as a computer may be off, which is nobody's trouble with the provider.
    desk.world.clock.advance(ASKED_S)
    desk.mail.away = True
    for _ in range(int(ASKED_S / LOOK_AGAIN_S)):
        desk.pass_time(LOOK_AGAIN_S)
        assert desk.states() == ["telling"]
    desk.pass_time(LOOK_AGAIN_S)
    assert desk.states() == ["in_doubt"] and len(desk.bell()) == 1


def test_each_time_the_line_breaks_there_is_an_hour_to_learn_of_it(desk: Desk) -> None:
    real = desk.mail.hand

    def breaks(channel: str, route: str, batch: str, news: Sequence[News]) -> Handed:
        desk.mail.away = True
        real(channel, route, batch, news)
        return IN_DOUBT

    desk.mail.hand, desk.mail.there = breaks, False  # type: ignore[method-assign]
    desk.lose("ana")
    desk.pass_time()
    for _ in range(2):
        desk.pass_time(ASKED_S * 2 / 3)
        desk.mail.away = False
        desk.courier.look_again()
        desk.courier.tick()
    assert len(desk.mail.handed) == 3 and desk.states() == ["telling"] and desk.bell() == []
    desk.pass_time(ASKED_S * 2 / 3)
    assert desk.states() == ["telling"] and desk.bell() == []


def test_news_does_not_wait_for_what_cannot_be_looked_for(desk: Desk) -> None:
    dies_telling(desk)
    desk.mail.away = True
    desk.lose("ben")
    desk.pass_time(SETTLE_S)
    ((_, _, told),) = desk.mail.handed
    assert told == ["ben@example.com"] and desk.states() == ["telling", "told"]


@pytest.mark.parametrize("away", [True, False])
def test_news_does_not_wait_for_the_next_look(desk: Desk, away: bool) -> None:
    dies_telling(desk)
    desk.mail.away, desk.mail.there = away, False
    desk.courier.tick()
    desk.lose("ben")
    desk.pass_time()
    (_, first, told), *_ = desk.mail.handed
    assert told == ["ben@example.com"] and desk.states() == ["telling", "told"]
    desk.mail.away = False
    desk.pass_time(LOOK_AGAIN_S)
    (_, second, told) = desk.mail.handed[-1]
    assert told == ["ana@example.com"] and desk.states() == ["told", "told"] and first != second


def test_a_look_at_what_may_have_arrived_brings_no_try_before_its_time(desk: Desk) -> None:
    dies_telling(desk)
    desk.mail.away, desk.mail.ends = True, [REFUSED] * 9
    desk.lose("ben")
    desk.pass_time()
    tries = []
    for _ in range(60):
        tries.append(len(desk.mail.handed))
        desk.pass_time()
    # At once, then after 1, 5, 15 minutes and every hour, while it is looked every 5 minutes.
    assert [tries.count(number) for number in (1, 2, 3)] == [1, 5, 15]


@pytest.mark.parametrize("killed", [True, False])
def test_what_ends_while_it_is_handed_over_and_refused_is_not_told_later(desk: Desk, killed: bool) -> None:
    desk.lose("ana")
    real = desk.mail.hand

    def hand(channel: str, route: str, batch: str, news: Sequence[News]) -> Handed:
        desk.mend("ana")
        if killed:
            raise KilledError
        return REFUSED

    desk.mail.hand, desk.mail.there = hand, False  # type: ignore[method-assign]
    if killed:
        with pytest.raises(KilledError):
            desk.pass_time()
    else:
        desk.pass_time()
    desk.mail.hand = real  # type: ignore[method-assign]
    desk.restart()
    for _ in range(3):
        desk.pass_time(LADDER_S[-1])
    assert desk.mail.handed == [] and desk.states() == ["dropped"] and desk.bell() == []


def test_that_it_works_again_is_not_told_where_the_trouble_was_refused(desk: Desk) -> None:
    real = desk.team.hand

    def hand(channel: str, route: str, batch: str, news: Sequence[News]) -> Handed:
        desk.mend("ana")
        return REFUSED

    desk.team.hand = hand  # type: ignore[method-assign]
    desk.lose("ana")
    desk.pass_time()
    desk.team.hand = real  # type: ignore[method-assign]
    desk.pass_time()
    assert desk.team.handed == []
    desk.lose("ben")
    desk.pass_time()
    desk.mend("ben")
    desk.pass_time()
    assert len(desk.team.handed) == 2, "what was told has its end told too"


def test_one_that_may_still_show_up_is_looked_for_again_before_it_goes_again(desk: Desk) -> None:
    desk.lose("ana")
    desk.mail.dies, desk.mail.there = "after", False
    with pytest.raises(KilledError):
        desk.pass_time()
    desk.mail.dies = ""
    desk.restart()
    desk.pass_time(SETTLE_S / 2)
    assert len(desk.mail.looked) == 1 and len(desk.mail.handed) == 1
    desk.mail.there = True
    desk.pass_time(SETTLE_S)
    assert len(desk.mail.handed) == 1 and desk.states() == ["told"]


def test_a_crash_as_the_end_is_noted_tells_nothing_twice(desk: Desk) -> None:
    desk.lose("ana")
    desk.mail.there = True
    real = desk.mail.hand

    def hand(channel: str, route: str, batch: str, news: Sequence[News]) -> Handed:
        handed = real(channel, route, batch, news)
        desk.world.store.fail_next_commit = KilledError()
        return handed

    desk.mail.hand = hand  # type: ignore[method-assign]
    with pytest.raises(KilledError):
        desk.pass_time()
    desk.mail.hand = real  # type: ignore[method-assign]
    desk.restart()
    desk.pass_time(SETTLE_S)
    assert len(desk.mail.handed) == 1 and desk.states() == ["told"]


def test_channels_do_not_wait_for_one_another(desk: Desk) -> None:
    desk.mail.ways = ()
    desk.lose("ana")
    desk.pass_time()
    assert len(desk.team.handed) == 1


def test_an_engine_that_runs_once_waits_for_no_companions(desk: Desk) -> None:
    desk.lose("ana", "ben")
    desk.courier.drain()
    for messenger in (desk.mail, desk.team):
        ((_, _, told),) = messenger.handed
        assert told == ["ana@example.com", "ben@example.com"]
    desk.courier.drain()
    desk.pass_time()
    assert len(desk.mail.handed) == 1


def test_an_engine_that_runs_once_forgets_what_waits_no_more(desk: Desk) -> None:
    desk.mail.ways = ()
    desk.lose("ana")
    desk.courier.drain()
    assert [entry.withdrawn_at for entry in desk.bell()] == [None]
    desk.mend("ana")
    desk.courier.drain()
    (entry,) = desk.bell()
    assert entry.withdrawn_at is not None


def test_an_engine_that_runs_once_keeps_quiet_hours(desk: Desk) -> None:
    desk.put(QUIET, {"on": True, "from": "08:00", "to": "10:00", "weekends": False})
    desk.lose("ana")
    desk.courier.drain()
    assert desk.mail.handed == [] and len(desk.team.handed) == 1


def test_a_stopping_engine_begins_nothing(desk: Desk) -> None:
    desk.lose("ana")
    desk.courier.stop()
    desk.pass_time()
    assert desk.mail.handed == [] and desk.states() == ["waiting"]


def test_a_fault_of_our_own_is_logged_and_the_next_turn_goes_on(desk: Desk, expect_log: object) -> None:
    expect_log("fault of the app's own")  # type: ignore[operator]
    desk.lose("ana")
    real = desk.mail.routes

    def broken(channel: str, news: Sequence[Notification]) -> Sequence[str]:
        raise RuntimeError

    desk.mail.routes = broken  # type: ignore[method-assign]
    desk.pass_time()
    desk.mail.routes = real  # type: ignore[method-assign]
    desk.pass_time(LADDER_S[0])
    assert desk.states() == ["told"]


@pytest.mark.parametrize(
    ("end", "state"), [(TOLD, "told"), (REFUSED, "waiting"), (IN_DOUBT, "telling")], ids=lambda one: str(one)
)
def test_a_message_that_our_own_end_cuts_off_is_no_news(desk: Desk, end: Handed, state: str) -> None:
    def ends(channel: str, route: str, batch: str, news: Sequence[News]) -> Handed:
        desk.courier.stop()
        return end

    desk.mail.hand, desk.mail.ways = ends, ("ben", "relay")  # type: ignore[method-assign]
    desk.lose("ana")
    desk.pass_time()
    assert desk.states() == [state] and desk.bell() == []


def test_an_engine_that_ends_takes_nothing_up(desk: Desk) -> None:
    def ends(channel: str, news: Sequence[Notification]) -> Sequence[str]:
        desk.courier.stop()
        return ("ben",)

    desk.mail.routes = ends  # type: ignore[method-assign]
    desk.lose("ana")
    desk.pass_time()
    assert desk.states() == ["waiting"] and desk.mail.handed == [] and desk.bell() == []
