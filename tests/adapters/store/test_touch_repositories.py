from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.store.touch_repositories import _Touch
from reply_desktop.domain.enrollment import Thread
from reply_desktop.domain.errors import AlreadyExists, NotFound
from reply_desktop.domain.pace import Pace
from reply_desktop.domain.touch import COUNTS_AS_SENT, Touch, TouchState
from tests.adapters.store.nouns import a_sequence, a_touch, an_enrollment, paces, touches
from tests.adapters.store.plans import plan
from tests.fakes.clock import START

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@pytest.fixture
def enrolled(peopled: SqliteStore) -> SqliteStore:
    """Prospects p1 to p5 are in the sequence s."""
    with peopled.begin() as unit:
        unit.enrollments.add_many([an_enrollment(number) for number in range(1, 6)])
        unit.commit()
    return peopled


# Touches


@given(touches, touches)
def test_a_touch_comes_back_as_it_was(shared: SqliteStore, before: Touch, after: Touch) -> None:
    with shared.begin() as unit:
        unit.touches.add(before)
        assert unit.touches.get("t") == unit.touches.of("e", "step1") == before
        unit.touches.save(after)
        assert unit.touches.get("t") == after


def test_there_is_one_touch_for_each_step_of_an_enrollment(enrolled: SqliteStore) -> None:
    with enrolled.begin() as unit:
        unit.touches.add(a_touch())
        with pytest.raises(AlreadyExists, match="step"):
            unit.touches.add(a_touch("other"))
        unit.touches.add(a_touch("second", step_id="step2"))
        unit.touches.add(a_touch("other's", "se2"))
        assert unit.touches.of("se1", "step3") is None


def test_a_touch_that_is_gone_cannot_be_saved(enrolled: SqliteStore) -> None:
    with enrolled.begin() as unit:
        assert unit.touches.get("t") is None
        with pytest.raises(NotFound, match="removed"):
            unit.touches.save(a_touch())


def test_half_a_surrogate_pair_from_a_provider_does_not_stop_a_save(enrolled: SqliteStore) -> None:
    with enrolled.begin() as unit:
        unit.touches.add(a_touch(error="cut \ud83d", message_id="<\udfff@x>"))
        kept = unit.touches.get("t")
        assert kept is not None
        assert (kept.error, kept.message_id) == ("cut ?", "<?@x>")


def test_what_is_being_sent_and_in_doubt_the_oldest_first(enrolled: SqliteStore) -> None:
    with enrolled.begin() as unit:
        for number, state in enumerate(TouchState, start=1):
            unit.touches.add(a_touch(f"{state} late", f"se{number}", state=state))
            early = {"state": state, "reserved_at": START - DAY}
            unit.touches.add(a_touch(f"{state} early", f"se{number}", "step2", **early))
        assert [one.id for one in unit.touches.being_sent()] == ["sending early", "sending late"]
        assert [one.id for one in unit.touches.in_doubt()] == ["in_doubt early", "in_doubt late"]
        of_five = {one.id for one in unit.touches.in_doubt("se5")}
        assert of_five == {"in_doubt early", "in_doubt late"}
        assert unit.touches.in_doubt("se1") == []


def test_counts_take_what_went_out_or_may_have_within_the_time(enrolled: SqliteStore) -> None:
    with enrolled.begin() as unit:
        unit.sequences.add(a_sequence("t"))
        for number, state in enumerate(TouchState):
            unit.touches.add(
                a_touch(f"{state}", f"se{number}", state=state, reserved_at=START - number * SECOND)
            )
        unit.touches.add(a_touch("edge", "se1", "step2", reserved_at=START - DAY))
        unit.touches.add(a_touch("other sequence", "te1", sequence_id="t"))
        unit.touches.add(a_touch("other account", "se2", "step2", account_id="b"))
        since = START - DAY
        assert unit.touches.counted_since("a", since) == len(COUNTS_AS_SENT) + 1
        assert unit.touches.counted_since("a", since, "s") == len(COUNTS_AS_SENT)
        assert unit.touches.counted_since("a", since, "t") == 1
        assert unit.touches.counted_since("a", since - SECOND) == len(COUNTS_AS_SENT) + 2
        assert unit.touches.counted_since("c", since) == 0
        newest = [START, START, START - SECOND, START - 4 * SECOND]
        assert unit.touches.counted_times("a", since, 10) == newest
        assert unit.touches.counted_times("a", since, 2) == newest[:2]
        assert unit.touches.counted_times("a", since, 10, "s") == newest[1:]


@given(
    st.lists(st.tuples(st.sampled_from(TouchState), st.integers(0, 10), st.sampled_from("ab")), max_size=12)
)
def test_counts_are_those_of_the_times(shared: SqliteStore, drawn: list[tuple[TouchState, int, str]]) -> None:
    with shared.begin() as unit:
        for number, (state, age, account) in enumerate(drawn):
            at = START - age * SECOND
            unit.touches.add(
                a_touch(f"{number}", f"e{number}", state=state, account_id=account, reserved_at=at)
            )
        for age in range(12):
            since = START - age * SECOND
            expected = sorted(
                (
                    START - younger * SECOND
                    for state, younger, account in drawn
                    if account == "a" and state in COUNTS_AS_SENT and younger < age
                ),
                reverse=True,
            )
            assert unit.touches.counted_times("a", since, 99) == expected
            assert unit.touches.counted_since("a", since) == len(expected)


def test_replies_find_their_touch(enrolled: SqliteStore) -> None:
    with enrolled.begin() as unit:
        for number, thread in ((1, "g1"), (2, "g2"), (3, "g1")):
            enrollment = unit.enrollments.get(f"se{number}")
            assert enrollment is not None
            account = "b" if number == 3 else "a"
            unit.enrollments.save(
                an_enrollment(number, account_id=account, thread=Thread("Hello", ("<m1>",), thread))
            )
            unit.touches.add(a_touch(f"t{number}", f"se{number}", message_id=f"<{number}@x>"))
        unit.touches.add(a_touch("t4", "se1", "step2", reserved_at=START + DAY))

        def ids(found: list[Touch]) -> list[str]:
            return [one.id for one in found]

        assert sorted(ids(unit.touches.by_message_ids(["<1@x>", "<3@x>", "<9@x>"]))) == ["t1", "t3"]
        assert sorted(ids(unit.touches.by_markers(["t2", "t4", "gone"]))) == ["t2", "t4"]
        assert ids(unit.touches.by_threads("a", ["g1", "g9"])) == ["t1", "t4"]
        assert ids(unit.touches.by_threads("b", ["g1"])) == ["t3"]
        assert unit.touches.by_message_ids([]) == unit.touches.by_threads("a", []) == []


SORTED = ("open", "by_threads")
"""Statements that give a few rows by age."""


@pytest.mark.parametrize("name", [one for one in vars(_Touch) if not one.startswith("_") and one != "add"])
def test_every_question_is_answered_by_an_index(store: SqliteStore, path: Path, name: str) -> None:
    told = plan(path, getattr(_Touch, name))
    assert "SEARCH touches USING" in told
    assert "SCAN touches" not in told
    assert name in SORTED or "TEMP B-TREE" not in told
    if name.startswith(("counted", "times")):
        assert "COVERING INDEX ix_touches_counted " in told


# Paces and inbox marks


@given(paces, paces)
def test_a_pace_comes_back_as_it_was_saved_last(shared: SqliteStore, before: Pace, after: Pace) -> None:
    with shared.begin() as unit:
        assert unit.paces.get("a") == Pace("a")
        unit.paces.save(before)
        assert unit.paces.get("a") == before
        unit.paces.save(after)
        assert unit.paces.get("a") == after
        assert unit.paces.get("b") == Pace("b")


def test_inbox_marks(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        assert unit.inbox_marks.get("a") is None
        unit.inbox_marks.put("a", None, START)
        assert unit.inbox_marks.get("a") == (None, START)
        unit.inbox_marks.put("a", "history-7", START + DAY)
        assert unit.inbox_marks.get("a") == ("history-7", START + DAY)
        assert unit.inbox_marks.get("b") is None


def test_pace_and_mark_go_with_their_account(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        unit.paces.save(Pace("a", free_at=START))
        unit.inbox_marks.put("a", "x", START)
        unit.accounts.remove("a")
        assert unit.paces.get("a") == Pace("a")
        assert unit.inbox_marks.get("a") is None
        with pytest.raises(NotFound, match="account"):
            unit.paces.save(Pace("a", free_at=START))
        with pytest.raises(NotFound, match="account"):
            unit.inbox_marks.put("a", "x", START)
