"""What fronts hear of sequences: gathered, once, with rows as they are after it all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reply_desktop.domain import events, log_texts
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.states import Color, State
from reply_desktop.services.sequence_feed import NAMED, News
from tests.fakes.sending import SendingWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SendingWorld]:
    world = SendingWorld(tmp_path)
    world.account("a")
    yield world
    world.close()


def told(world: SendingWorld) -> list[events.Event]:
    """What is told once the gathering is over."""
    world.events.clear()
    world.later.run()
    return [*world.events]


def test_many_mails_are_one_event_of_each_kind(world: SendingWorld) -> None:
    world.sequence(prospects=5)
    world.tick()
    assert len(world.later.waiting) == 1
    log, prospects, sequences, account = told(world)
    assert isinstance(log, events.LogAdded)
    assert [entry.kind for entry in log.entries] == ["sent"] * 5 + ["finished"]
    assert [entry.id for entry in log.entries] == sorted(entry.id for entry in log.entries)
    assert isinstance(prospects, events.ProspectsChanged) and len(prospects.enrollment_ids) == 5
    assert isinstance(sequences, events.SequencesChanged)
    (row,) = sequences.rows
    assert (row.sent, row.finished, row.status) == (5, 5, SequenceStatus.FINISHED)
    assert isinstance(account, events.AccountChanged) and account.row.sent_today == 5
    assert told(world) == []


def test_more_prospects_than_can_be_named(world: SendingWorld) -> None:
    world.sequence()
    news = News()
    for number in range(NAMED + 1):
        news.prospect("spring", f"e{number}")
    world.feed.publish(news)
    world.feed.publish(News(many={"autumn"}))
    changed = [one for one in told(world) if isinstance(one, events.ProspectsChanged)]
    assert [(one.sequence_id, one.enrollment_ids) for one in changed] == [("autumn", ()), ("spring", ())]


def test_an_account_that_changes_colour_changes_its_sequences(world: SendingWorld) -> None:
    world.sequence()
    world.sequence("autumn", accounts=[])
    told(world)
    world.set_state("a", State.EXPIRED, Cause.WRONG_PASSWORD)
    (changed,) = told(world)
    assert isinstance(changed, events.SequencesChanged)
    assert [(row.id, row.indicator) for row in changed.rows] == [("spring", Color.RED)]


def test_a_check_that_changes_nothing_is_not_told(world: SendingWorld) -> None:
    world.sequence()
    told(world)
    world.health.check_now("a")
    assert world.later.waiting == []


def test_a_removed_account_changes_all(world: SendingWorld) -> None:
    world.sequence()
    told(world)
    with world.store.read() as unit:
        account = unit.accounts.get("a")
    assert account is not None
    world.ledger.remove(account)
    (changed,) = told(world)
    assert isinstance(changed, events.SequencesChanged) and changed.rows[0].accounts == ()


def test_trouble_of_the_moment_lies_over_the_rows_of_those_that_are_on(world: SendingWorld) -> None:
    world.sequence()
    world.sequence("off", status=SequenceStatus.PAUSED)
    world.feed.trouble("The disk is full.")
    (changed,) = told(world)
    assert isinstance(changed, events.SequencesChanged)
    assert {row.id: row.indicator for row in changed.rows} == {"off": Color.GREY, "spring": Color.RED}
    assert world.feed.rows(["spring"])[0].tooltip.startswith("The disk is full.")
    world.feed.trouble("The disk is full.")
    assert world.later.waiting == []
    world.feed.trouble(None)
    assert world.feed.rows(["spring"])[0].indicator is Color.GREEN


def test_closed_it_says_nothing(world: SendingWorld) -> None:
    world.sequence()
    world.feed.changed("spring", enrollments=["e"])
    world.feed.close()
    assert told(world) == []
    world.feed.changed("spring")
    assert world.later.waiting == []


def test_news_is_written_with_the_change_it_tells_of(world: SendingWorld) -> None:
    world.sequence()
    news = News()
    news.say(log_texts.started("spring", world.clock.now()))
    with world.store.begin() as unit:
        news.write(unit)
    assert world.log() == []
    with world.store.begin() as unit:
        news.write(unit)
        unit.commit()
    assert [entry.id for entry in world.log()] == [entry.id for entry in news.entries] != [0]
