"""Team channels as the person sets them, and as the courier uses them: the address stays in the vault."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from reply_desktop.domain import events
from reply_desktop.domain.alert_words import News
from reply_desktop.domain.announcement import Announcement, AnnouncementState, team_channel
from reply_desktop.domain.errors import (
    AlreadyExists,
    InvalidInput,
    NotFound,
    ReplyDesktopError,
    VaultLocked,
)
from reply_desktop.domain.notification import Notification, NotificationKind, Severity
from reply_desktop.domain.rows import TeamChannelRow
from reply_desktop.services.alert_ports import Handed, HandedState
from reply_desktop.services.team_channels import LONGEST_NAME, MOST, SETTING, TeamChannels
from tests.fakes.clock import START
from tests.fakes.world import World

URL = "slack://T1/B2/s3cretToken"
TOLD, REFUSED, IN_DOUBT = HandedState.TOLD, HandedState.REFUSED, HandedState.IN_DOUBT


class FakeSender:
    """TeamSender that refuses addresses with `bad` in them and answers what it is told."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, str, str]] = []
        self.answer = Handed(TOLD)
        self.on_post: Callable[[], object] = lambda: None

    def examine(self, url: str) -> tuple[str, str, str]:
        if "bad" in url:
            raise InvalidInput("This address cannot be used.", "Copy it again.")
        return url.strip(), "Slack", "slack://…"

    def post(self, url: str, title: str, text: str) -> Handed:
        self.posts.append((url, title, text))
        self.on_post()
        return self.answer


class Room:
    """Team channels on fakes."""

    def __init__(self) -> None:
        self.world = World()
        self.sender = FakeSender()
        self.changes: list[list[str]] = []
        self.team = TeamChannels(
            self.world.store, self.world.vault, self.world.bus, self.world.clock, self.sender,
            lambda news: (f"{len(news)} news", news[0].notification.title), self.world.new_id,
        )  # fmt: skip
        self.team.on_change = lambda: self.changes.append([row.name for row in self.team.rows()])

    def pushed(self) -> list[tuple[TeamChannelRow, ...]]:
        found = self.world.of(events.TeamChannelsChanged)
        return [one.rows for one in found if isinstance(one, events.TeamChannelsChanged)]

    def hand(self, channel_id: str) -> Handed:
        return self.team.hand(team_channel(channel_id), channel_id, "batch", [NEWS])


NOTICE = Notification(
    "n1", "e1", NotificationKind.ACCOUNT_LOST, Severity.CRITICAL, "ana cannot send", "Why.", START
)
NEWS = News(NOTICE)


@pytest.fixture
def room() -> Room:
    return Room()


def test_there_are_none_until_one_is_added(room: Room) -> None:
    assert room.team.rows() == [] and room.team.enabled_ids() == ()
    assert SETTING not in room.world.store.tables.settings


def test_an_added_channel_is_on_and_everybody_looks_again(room: Room) -> None:
    rows = room.team.add("  #ops ", f" {URL} ")
    assert rows == [TeamChannelRow("id1", "#ops", "Slack", "slack://…", True)] == room.team.rows()
    assert room.team.enabled_ids() == ("id1",)
    assert room.changes == [["#ops"]] and room.pushed() == [tuple(rows)]


def test_the_address_is_kept_sealed_for_this_channel_alone(room: Room) -> None:
    rows = room.team.add("#ops", URL)
    text = room.world.store.tables.settings[SETTING]
    assert "s3cretToken" not in text and "s3cretToken" not in repr((rows, room.world.events))
    sealed = json.loads(text)[0]["sealed"]
    assert room.world.settings.any_sealed() is not None, "a lost key is noticed"
    room.team.add("#dev", URL + "2")
    kept = json.loads(room.world.store.tables.settings[SETTING])
    kept[1]["sealed"] = sealed
    with room.world.store.begin() as unit:
        unit.settings.put(SETTING, json.dumps(kept))
        unit.commit()
    assert room.hand("id2").state is REFUSED and room.sender.posts == []


@pytest.mark.parametrize("name", ["", "   ", "\x00\x1b", "x" * (LONGEST_NAME + 1)])
def test_a_name_has_one_to_sixty_characters(room: Room, name: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 60 characters"):
        room.team.add(name, URL)
    assert room.team.rows() == [] and room.changes == []


def test_a_name_is_shown_as_one_plain_line(room: Room) -> None:
    assert room.team.add("a\n‮b  c" + "x" * 55, URL)[0].name == "a b c" + "x" * 55


@pytest.mark.parametrize(
    ("name", "url", "error"),
    [
        ("#OPS", "slack://other", AlreadyExists),
        ("#dev", URL, AlreadyExists),
        ("#dev", "bad://s3cretToken", InvalidInput),
    ],
)
def test_what_is_taken_or_unusable_is_refused_and_nothing_changes(
    room: Room, name: str, url: str, error: type[ReplyDesktopError]
) -> None:
    room.team.add("#ops", URL)
    before = room.team.rows()
    with pytest.raises(error) as refused:
        room.team.add(name, url)
    assert "s3cretToken" not in repr(refused.value) and refused.value.todo
    assert room.team.rows() == before and len(room.changes) == 1


def test_there_are_at_most_twenty(room: Room) -> None:
    for number in range(MOST):
        room.team.add(f"#{number}", f"{URL}{number}")
    with pytest.raises(InvalidInput, match="which is the most"):
        room.team.add("#more", URL)
    assert len(room.team.rows()) == MOST
    room.team.remove("#7")
    assert room.team.add("#more", URL)[-1].name == "#more"


def test_nothing_is_added_while_the_vault_is_locked(room: Room) -> None:
    room.world.vault.locked = True
    with pytest.raises(VaultLocked):
        room.team.add("#ops", URL)
    assert room.team.rows() == [] and room.changes == []


@pytest.mark.parametrize("by", ["id1", "#ops", "#OPS"])
def test_a_channel_is_switched_by_its_id_or_name(room: Room, by: str) -> None:
    room.team.add("#ops", URL)
    room.team.add("#dev", URL + "2")
    rows = room.team.switch(by, False)
    assert [row.enabled for row in rows] == [False, True] and room.team.enabled_ids() == ("id2",)
    assert room.pushed()[-1] == tuple(rows) and len(room.changes) == 3
    room.team.switch(by, True)
    assert room.team.enabled_ids() == ("id1", "id2")


def test_a_removed_channel_takes_its_secret_and_what_waits_with_it(room: Room) -> None:
    room.team.add("#ops", URL)
    waiting = Announcement("n1", team_channel("id1"), START)
    with room.world.store.begin() as unit:
        unit.notifications.add(NOTICE)
        unit.announcements.add(waiting)
        unit.commit()
    assert room.team.remove("#ops") == [] and room.changes[-1] == []
    assert SETTING not in room.world.store.tables.settings
    with room.world.store.read() as unit:
        assert [one.state for one in unit.announcements.of("n1")] == [AnnouncementState.DROPPED]
    assert room.hand("id1") == Handed(REFUSED, "This team channel was removed.")


def test_an_unknown_channel_is_named(room: Room) -> None:
    room.team.add("#ops", URL)
    asked: list[Callable[[str], object]] = [
        room.team.remove, room.team.test, lambda name: room.team.switch(name, True),
    ]  # fmt: skip
    for ask in asked:
        with pytest.raises(NotFound, match="no team channel “#dev”"):
            ask("#dev")
    assert len(room.team.rows()) == 1


def test_there_is_a_way_while_it_is_on_and_the_vault_is_open(room: Room) -> None:
    room.team.add("#ops", URL)
    channel = team_channel("id1")
    assert room.team.routes(channel, [NOTICE]) == ("id1",)
    assert room.team.routes(team_channel("id2"), [NOTICE]) == ()
    room.world.vault.locked = True
    assert room.team.routes(channel, [NOTICE]) == ()
    room.world.vault.locked = False
    room.team.switch("id1", False)
    assert room.team.routes(channel, [NOTICE]) == ()


def test_what_was_told_is_kept_and_shown(room: Room) -> None:
    room.team.add("#ops", URL)
    room.world.clock.advance(timedelta(hours=1))
    assert room.hand("id1") == Handed(TOLD)
    assert room.sender.posts == [(URL, "1 news", "ana cannot send")]
    (row,) = room.team.rows()
    assert row.told_at == START + timedelta(hours=1) and row.trouble is None
    assert room.pushed()[-1] == (row,)
    assert len(room.changes) == 1, "what was told changes nobody's preferences"


@pytest.mark.parametrize("state", [REFUSED, IN_DOUBT])
def test_trouble_is_kept_until_a_message_arrives(room: Room, state: HandedState) -> None:
    room.team.add("#ops", URL)
    room.hand("id1")
    told_at = room.team.rows()[0].told_at
    room.world.clock.advance(60.0)
    room.sender.answer = Handed(state, "Slack answered 404 Not Found.")
    assert room.hand("id1") == Handed(state, "#ops: Slack answered 404 Not Found.")
    (row,) = room.team.rows()
    assert (row.trouble, row.told_at) == ("Slack answered 404 Not Found.", told_at)
    room.sender.answer = Handed(TOLD)
    room.hand("id1")
    assert room.team.rows()[0].trouble is None


def test_a_locked_vault_refuses_in_words(room: Room) -> None:
    room.team.add("#ops", URL)
    room.world.vault.locked = True
    handed = room.hand("id1")
    assert handed == Handed(REFUSED, "#ops: The keyring is locked. Unlock it.")
    assert room.sender.posts == []


def test_a_channel_removed_while_it_is_told_stays_removed(room: Room) -> None:
    room.team.add("#ops", URL)
    room.sender.on_post = lambda: room.team.remove("#ops")
    assert room.hand("id1").state is TOLD
    assert room.team.rows() == []


def test_nobody_can_tell_what_became_of_a_message(room: Room) -> None:
    room.team.add("#ops", URL)
    assert room.team.find(team_channel("id1"), "id1", "batch", START) is None


@pytest.mark.parametrize("enabled", [True, False])
def test_a_test_message_goes_out_and_says_where(room: Room, enabled: bool) -> None:
    room.team.add("#ops", URL)
    room.team.switch("#ops", enabled)
    assert room.team.test("#ops") == "Sent to “#ops” (Slack)."
    ((url, title, _),) = room.sender.posts
    assert url == URL and "test" in title
    assert room.team.rows()[0].told_at == START


@pytest.mark.parametrize(("state", "said"), [(REFUSED, "did not arrive"), (IN_DOUBT, "may not have arrived")])
def test_a_test_message_that_fails_says_why(room: Room, state: HandedState, said: str) -> None:
    room.team.add("#ops", URL)
    room.sender.answer = Handed(state, "Slack answered 404 Not Found.")
    with pytest.raises(InvalidInput) as failed:
        room.team.test("id1")
    assert said in failed.value.what and failed.value.todo == "Slack answered 404 Not Found."
    assert room.team.rows()[0].trouble == "Slack answered 404 Not Found."


def test_a_test_message_waits_for_the_vault(room: Room) -> None:
    room.team.add("#ops", URL)
    room.world.vault.locked = True
    with pytest.raises(VaultLocked):
        room.team.test("#ops")


def news_of(news: Sequence[News]) -> tuple[str, str]:
    return "t", "b"


def test_what_is_stored_is_found_again_by_the_next_engine(room: Room) -> None:
    room.team.add("#ops", URL)
    room.hand("id1")
    again = TeamChannels(
        room.world.store, room.world.vault, room.world.bus, room.world.clock, room.sender, news_of,
        room.world.new_id,
    )  # fmt: skip
    assert again.rows() == room.team.rows()
    assert again.hand(team_channel("id1"), "id1", "b", [NEWS]).state is TOLD


def test_what_changes_while_a_change_is_told_is_told_last(room: Room) -> None:
    room.team.add("#ops", URL)

    def switch_off() -> None:
        room.team.on_change = lambda: None
        room.team.switch("#ops", False)

    room.team.on_change = switch_off
    assert not room.team.switch("#ops", True)[0].enabled
    assert not room.pushed()[-1][0].enabled
