"""What tells the person is put together: news and new ways wake it, settings reach it, nothing loads early."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.announcement import AnnouncementState
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.grant import MailServer, Security
from reply_desktop.domain.notification import NotificationKind
from reply_desktop.domain.preferences import ALERT_CHOICES, EMAIL_CAP, EMAIL_TO, QUIET, REMINDERS, THEME
from reply_desktop.domain.states import State
from reply_desktop.engine.alert_parts import LazyAlertComposer, LazyTeamSender, build_alerts
from tests.fakes.world import World

ME = "me@home.example"
HOUR = timedelta(hours=1)


class Told:
    """Alert parts on fakes. `calls` counts how often they asked to be ticked."""

    def __init__(self) -> None:
        world = self.world = World()
        self.parts = build_alerts(
            world.store, world.vault, world.credentials, world.providers, world.health, world.settings,
            world.announcer, world.bus, world.clock, world.tasks, lambda: UTC, world.new_id,
        )  # fmt: skip
        self.calls = 0
        self.parts.on_change = self._count
        world.bus.listen(self.parts.on_event)

    def _count(self) -> None:
        self.calls += 1

    def calls_of(self, deed: Callable[[], object]) -> int:
        """How often a tick is asked for while this is done."""
        before = self.calls
        deed()
        return self.calls - before

    def put(self, name: str, value: object) -> None:
        self.world.settings.put({name: json.dumps(value)})

    def turn(self, name: str, state: State, cause: Cause | None = None) -> None:
        before = self.world.account(name)
        self.world.ledger.change(before, replace(before, state=state, cause=cause))

    def lose(self, name: str) -> None:
        if name not in self.world.store.tables.accounts:
            self.world.add(name)
        self.turn(name, State.EXPIRED, Cause.GRANT_REVOKED)

    def pass_time(self, seconds: float = 60.0) -> object:
        self.world.clock.advance(seconds)
        return self.parts.tick()

    @property
    def subjects(self) -> list[str]:
        """Of the alert e-mails that went out, by account or relay."""
        sent = [*self.world.google.sent, *self.world.other.sent]
        return [str(message_from_bytes(one, policy=policy.default)["Subject"]) for one in sent]

    def states(self, channel: str) -> list[str]:
        every = self.world.store.tables.announcements.values()
        return [one.state.value for one in every if one.channel == channel]


@pytest.fixture
def told() -> Told:
    return Told()


def test_news_and_its_end_ask_for_a_tick(told: Told) -> None:
    assert told.calls_of(lambda: told.lose("ana")) >= 1
    row = told.world.store.reads.notifications(1)[0]
    raised, withdrawn = events.NotificationRaised(row), events.NotificationWithdrawn(row.id, row.key)
    for event, calls in ((raised, 1), (withdrawn, 1), (events.AlertsDue((row,)), 0)):
        assert told.calls_of(lambda: told.world.bus.publish([event])) == calls  # noqa: B023 - called at once


def test_an_account_that_can_send_again_is_a_way_for_what_waits(told: Told) -> None:
    told.put(EMAIL_TO, ME)
    for name in ("ana", "ben"):
        told.lose(name)
    told.pass_time()
    assert told.subjects == [] and told.states("email") == ["waiting"] * 2
    told.pass_time(1)
    told.turn("ben", State.CONNECTED)
    told.parts.tick()
    assert told.subjects == ["ana@example.com cannot send"], "it waits though there is a way"
    assert told.states("email") == ["told", "dropped"]


def test_only_an_account_that_could_not_send_before_opens_a_way(told: Told) -> None:
    told.world.add("ben")
    assert told.calls_of(lambda: told.turn("ben", State.CONNECTED)) == 0
    assert told.calls_of(lambda: told.turn("ben", State.PAUSED)) == 0
    assert told.calls_of(lambda: told.turn("ben", State.CONNECTED)) == 1


def test_a_vault_that_opens_is_a_way_for_what_waits(told: Told) -> None:
    told.put(EMAIL_TO, ME)
    for name in ("ana", "ben"):
        told.world.add(name)
    told.world.vault.locked = True
    told.lose("ana")
    told.pass_time()
    assert told.subjects == []
    told.world.vault.locked = False
    assert told.calls_of(lambda: told.world.bus.publish([events.VaultChanged("open")])) == 1
    told.parts.tick()
    assert told.subjects == ["ana@example.com cannot send"]


@pytest.mark.parametrize("way", ["setting", "start"])
def test_an_address_given_later_is_told_what_lasts_once(told: Told, way: str) -> None:
    told.world.add("ben")
    told.lose("ana")
    told.lose("over")
    told.turn("over", State.CONNECTED)
    told.pass_time()
    if way == "setting":
        assert told.calls_of(lambda: told.put(EMAIL_TO, ME)) == 1
    else:
        # As though the engine had died between the setting and what follows from it.
        told.world.settings.on_put = lambda names: None
        told.put(EMAIL_TO, ME)
        told.parts.mail_what_lasts()
    told.pass_time(0)
    assert told.subjects == ["ana@example.com cannot send"]
    told.put(EMAIL_TO, "me@work.example")
    told.parts.mail_what_lasts()
    told.pass_time()
    assert len(told.subjects) == 1, "another address is told again"


def test_e_mail_chosen_later_is_told_what_lasts(told: Told) -> None:
    told.put(EMAIL_TO, ME)
    told.put(ALERT_CHOICES, {"lost": ["tray"]})
    told.world.add("ben")
    told.lose("ana")
    told.pass_time()
    assert told.subjects == []
    told.put(ALERT_CHOICES, {"lost": ["tray", "email"]})
    told.pass_time(0)
    assert told.subjects == ["ana@example.com cannot send"]


def test_without_an_address_nothing_is_noted_for_e_mail(told: Told) -> None:
    told.lose("ana")
    told.parts.mail_what_lasts()
    told.put(EMAIL_TO, "")
    assert told.states("email") == []


@pytest.mark.parametrize(
    ("name", "value", "tells"),
    [(EMAIL_CAP, 3, 1), (EMAIL_TO, ME, 1), (ALERT_CHOICES, {}, 1), (REMINDERS, False, 1), (THEME, "dark", 0)],
)
def test_settings_of_alerts_are_told_to_fronts(told: Told, name: str, value: object, tells: int) -> None:
    assert told.calls_of(lambda: told.put(name, value)) == tells
    rows = [event.mail for event in told.world.events if isinstance(event, events.AlertMailChanged)]
    assert len(rows) == tells
    if name == EMAIL_CAP:
        assert rows[0].daily_cap == 3


def test_quiet_hours_that_end_early_let_what_waits_go(told: Told) -> None:
    night = {"on": True, "from": "08:00", "to": "10:00", "weekends": False}
    told.put(QUIET, night)
    told.lose("ana")
    assert told.parts.tray.due() == []
    assert told.calls_of(lambda: told.put(QUIET, {**night, "on": False})) == 1
    assert len(told.parts.tray.due()) == 1


def test_a_higher_cap_lets_what_waits_go(told: Told) -> None:
    told.put(EMAIL_TO, ME)
    told.put(EMAIL_CAP, 1)
    told.world.add("ben")
    for name in ("ana", "cleo"):
        told.lose(name)
        told.pass_time()
        told.pass_time()
    assert told.subjects == ["ana@example.com cannot send"]
    assert told.states("email") == ["told", "waiting"]
    told.put(EMAIL_CAP, 2)
    told.parts.tick()
    assert told.subjects[1:] == ["cleo@example.com cannot send"]


def test_the_end_of_a_turn_is_told_with_how_alert_mail_stands(told: Told) -> None:
    told.put(EMAIL_TO, ME)
    told.world.add("ben")
    told.lose("ana")
    told.world.events.clear()
    assert told.calls_of(told.pass_time) == 1
    (changed,) = [event for event in told.world.events if isinstance(event, events.AlertMailChanged)]
    assert (changed.mail.waiting, changed.mail.sent_today) == (0, 1)


def test_a_relay_and_a_team_channel_are_ways_at_once(told: Told) -> None:
    told.put(EMAIL_TO, ME)
    told.lose("ana")
    told.pass_time()
    server = MailServer("relay.example", 587, Security.STARTTLS)
    assert told.calls_of(lambda: told.parts.mail.put_relay(server, "alerts@relay.example")) == 1
    told.parts.tick()
    assert told.subjects == ["ana@example.com cannot send"]
    assert told.calls_of(lambda: told.parts.team.add("#ops", "json://127.0.0.1:9/ops")) == 1
    (channel,) = told.parts.team.rows()
    assert told.world.settings.preferences().team == (channel.id,)
    told.lose("ben")
    assert told.states(f"team:{channel.id}") == ["waiting"]
    told.parts.team.switch(channel.id, False)
    assert told.world.settings.preferences().team == ()


def test_a_tick_tells_what_is_due_and_says_when_next(told: Told) -> None:
    assert told.parts.tick() is None
    told.lose("ana")
    lost_at = told.world.clock.now()
    told.put(EMAIL_TO, ME)
    told.world.add("ben")
    assert told.pass_time(0) == lost_at + HOUR
    assert told.pass_time(HOUR.total_seconds()) == lost_at + 8 * HOUR
    (row,) = [
        row for row in told.world.store.reads.notifications(9) if row.kind is NotificationKind.ACCOUNT_LOST
    ]
    assert row.reminded == 1
    assert told.states("tray") == [AnnouncementState.WAITING.value], "the first was not shown yet"


def test_nothing_heavy_is_loaded_before_there_is_something_to_send(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from reply_desktop.config import Config;"
        "from reply_desktop.engine.build import build;"
        f"parts = build(Config(Path({str(tmp_path)!r})));"
        "parts.alerts.mail_what_lasts(); parts.alerts.tick(); parts.alerts.mail.row(); parts.close();"
        "heavy = {'apprise', 'requests', 'tzlocal', 'reply_desktop.adapters.mail',"
        " 'reply_desktop.adapters.team_channel', 'reply_desktop.adapters.providers.other'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_is_lazy_is_what_it_stands_for(told: Told) -> None:
    composer = LazyAlertComposer()
    own_id = composer.message_id("ana@example.com", "mark-1")
    raw = composer.alert(
        "ana@example.com", ME, "Subject", "text", "<p>text</p>", told.world.clock.now(), "mark-1"
    )
    letter = message_from_bytes(raw, policy=policy.default)
    assert (letter["Message-ID"], letter["To"], letter["Auto-Submitted"]) == (own_id, ME, "auto-generated")
    sender = LazyTeamSender()
    assert sender.examine("json://127.0.0.1:9/ops")[2] == "json://127.0.0.1:9"
    with pytest.raises(InvalidInput):
        sender.examine("mailto://example.com")


@pytest.mark.parametrize("used_before", [True, False])
def test_a_team_sender_that_was_closed_posts_nothing(used_before: bool) -> None:
    sender, url = LazyTeamSender(), "json://127.0.0.1:9/ops"
    if used_before:
        sender.examine(url)
    sender.close()
    assert sender.post(url, "title", "text").said == "The app is ending."


def test_what_ends_hands_nothing_more_over(told: Told) -> None:
    told.put(EMAIL_TO, ME)
    told.world.add("ben")
    told.turn("ben", State.CONNECTED)
    told.lose("ana")
    told.parts.stop()
    told.pass_time()
    assert told.subjects == [] and told.states("email") == ["waiting"]
