from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.store.sequence_repositories import _Log, _Sequence
from reply_desktop.domain.errors import AlreadyExists, NotFound
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.sequence import ON, Sequence, SequenceStatus
from reply_desktop.domain.sequence_rows import LogFilter, ProspectFilter
from reply_desktop.domain.touch import TouchState
from tests.adapters.store.nouns import (
    a_sequence,
    a_step,
    a_touch,
    an_enrollment,
    an_entry,
    entries,
    sequences,
)
from tests.adapters.store.plans import plan
from tests.fakes.clock import START, FakeClock

HOUR = timedelta(hours=1)


# Sequences


@given(sequences)
def test_a_sequence_comes_back_as_it_was_added(shared: SqliteStore, sequence: Sequence) -> None:
    with shared.begin() as unit:
        unit.sequences.add(sequence)
        assert unit.sequences.get("s") == sequence
        assert unit.sequences.all() == [sequence]
        assert unit.sequences.find(f" {sequence.name.upper()} ") in (sequence, None)
        assert unit.sequences.find(sequence.name) == sequence


@given(sequences, sequences)
def test_a_sequence_comes_back_as_it_was_saved(
    shared: SqliteStore, before: Sequence, after: Sequence
) -> None:
    with shared.begin() as unit:
        unit.sequences.add(before)
        unit.sequences.save(after)
        assert unit.sequences.get("s") == after
        assert unit.sequences.stamp("s") == (after.status, after.revision, after.problem)


def test_saving_what_another_unit_loaded_writes_it_all(peopled: SqliteStore) -> None:
    changed = a_sequence(accounts=("c",), steps=(a_step(1, id="new"), a_step(2, id="step1")))
    with peopled.begin() as unit:
        unit.sequences.save(changed)
        unit.commit()
    with peopled.read() as unit:
        assert unit.sequences.get("s") == changed


def test_a_sequence_that_is_not_there(store: SqliteStore) -> None:
    with store.begin() as unit:
        assert unit.sequences.get("s") is None
        assert unit.sequences.stamp("s") is None
        assert unit.sequences.find("Sequence s") is None
        assert unit.sequences.all() == []
        unit.sequences.remove("s")
        with pytest.raises(NotFound, match="“Sequence s”"):
            unit.sequences.save(a_sequence())


def test_a_name_is_given_once_without_regard_to_case(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t", "Frühling"))
        with pytest.raises(AlreadyExists, match="“ FRÜHLING”"):
            unit.sequences.add(a_sequence("u", " FRÜHLING"))
        with pytest.raises(AlreadyExists, match="“frühling”"):
            unit.sequences.save(a_sequence(name="frühling", accounts=("a", "b")))
        unit.sequences.save(a_sequence("t", "frühling"))
        found = unit.sequences.find("FRÜHLING")
        assert found is not None
        assert (found.id, found.name) == ("t", "frühling")


def test_an_account_that_is_gone_cannot_send(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        with pytest.raises(NotFound, match="account"):
            unit.sequences.add(a_sequence("t", accounts=("gone",)))
        with pytest.raises(NotFound, match="account"):
            unit.sequences.save(a_sequence(accounts=("a", "gone")))


def test_those_that_are_on(store: SqliteStore) -> None:
    with store.begin() as unit:
        for status in SequenceStatus:
            unit.sequences.add(a_sequence(status, status=status))
        assert [one.id for one in unit.sequences.all()] == sorted(SequenceStatus)
        assert [one.id for one in unit.sequences.on()] == sorted(ON)


def test_who_uses_an_account(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t", "A first", accounts=("a",), status=SequenceStatus.SCHEDULED))
        unit.sequences.add(a_sequence("u", accounts=("a", "c"), status=SequenceStatus.PAUSED))
        assert unit.sequences.using("a") == ["t", "s"]
        assert unit.sequences.using("c") == []
        assert [unit.accounts.is_used(one) for one in "abc"] == [True, True, False]


def test_turns_are_kept_when_the_accounts_change(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        assert unit.sequences.last_assigned("s") == {}
        unit.sequences.assign("s", "a", START)
        unit.sequences.assign("s", "b", START + HOUR)
        unit.sequences.assign("s", "c", START)
        assert unit.sequences.last_assigned("s") == {"a": START, "b": START + HOUR}
        before = unit.sequences.get("s")
        assert before is not None
        unit.sequences.save(replace(before, accounts=("c", "b")))
        assert unit.sequences.last_assigned("s") == {"b": START + HOUR}
        after = unit.sequences.get("s")
        assert after is not None
        assert after.accounts == ("c", "b")


def test_removing_an_account_takes_it_from_its_sequences(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        unit.enrollments.add_many([an_enrollment(1, account_id="a"), an_enrollment(2, account_id="b")])
        unit.touches.add(a_touch())
        unit.accounts.remove("a")
        unit.commit()
    with peopled.read() as unit:
        found = unit.sequences.get("s")
        assert found is not None
        assert found.accounts == ("b",)
        orphan, kept = unit.enrollments.get("se1"), unit.enrollments.get("se2")
        assert orphan is not None
        assert orphan.account_id is None
        assert kept is not None
        assert kept.account_id == "b"
        assert unit.touches.get("t") == a_touch()


def test_a_removed_step_leaves_its_touches(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        unit.enrollments.add_many([an_enrollment(1)])
        unit.touches.add(a_touch())
        unit.sequences.save(a_sequence(steps=(a_step(1, id="step2"),)))
        assert unit.touches.of("se1", "step1") == a_touch()


def test_removing_a_sequence_removes_all_of_it_and_no_other(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t"))
        for one in "st":
            unit.enrollments.add_many([an_enrollment(1, one)])
            unit.touches.add(a_touch("of " + one, f"{one}e1", sequence_id=one, state=TouchState.FAILED))
            unit.log.add([an_entry(sequence_id=one)])
        unit.sequences.remove("s")
        unit.commit()
    with peopled.read() as unit:
        assert [one.id for one in unit.sequences.all()] == ["t"]
        assert unit.enrollments.get("se1") is None
        assert unit.enrollments.get("te1") is not None
        assert unit.log.last("s", [LogKind.SENT]) is None
        assert unit.log.last("t", [LogKind.SENT]) is not None
        assert unit.touches.by_markers(["of s"]) == []
        assert len(unit.touches.by_markers(["of t"])) == 1
        assert unit.prospects.get("p1") is not None
    assert [row.id for row in peopled.reads.sequences.rows()] == ["t"]
    assert peopled.reads.sequences.prospect_ids(ProspectFilter("s")) == []
    assert peopled.reads.sequences.prospect_rows(["se1"]) == []
    assert peopled.reads.sequences.log(LogFilter("s"), 10, 0).total == 0
    with peopled.begin() as unit:
        unit.sequences.add(replace(a_sequence("u"), name=a_sequence("s").name))
        with pytest.raises(NotFound):
            unit.sequences.save(a_sequence("s"))


def test_what_a_removed_sequence_sent_counts_on_for_a_day(peopled: SqliteStore, clock: FakeClock) -> None:
    day = timedelta(days=1)
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t"))
        unit.enrollments.add_many([an_enrollment(number) for number in range(1, 7)])
        for number, (state, age) in enumerate(
            [
                (TouchState.SENT, HOUR),
                (TouchState.SENDING, HOUR),
                (TouchState.IN_DOUBT, HOUR),
                (TouchState.SENT, day),
                (TouchState.DEFERRED, HOUR),
                (TouchState.FAILED, HOUR),
            ],
            start=1,
        ):
            touch = a_touch(
                f"t{number}", f"se{number}", state=state, reserved_at=START - age, message_id="<m>"
            )
            unit.touches.add(touch)
        unit.sequences.remove("s")
        while unit.leftovers.clear(4):
            pass
        assert unit.touches.counted_since("a", START - day) == 3
        assert [unit.touches.get(f"t{n}") is not None for n in range(1, 7)] == [True] * 3 + [False] * 3
        # Only the counts know of them: there is nobody to go on with.
        assert (unit.touches.being_sent(), unit.touches.in_doubt()) == ([], [])
        assert unit.touches.by_message_ids(["<m>"]) == unit.touches.by_markers(["t1"]) == []
        assert unit.leftovers.spent_touches("", 10) == []
        # One that was on its way is settled all the same.
        unit.touches.save(a_touch("t2", "se2", state=TouchState.DEFERRED, reserved_at=START - HOUR))
        assert unit.touches.counted_since("a", START - day) == 2
        unit.commit()
    clock.advance(day)
    with peopled.begin() as unit:
        spent = unit.leftovers.spent_touches("", 10)
        assert spent == ["t1", "t2", "t3"]
        assert unit.leftovers.spent_touches("t1", 1) == ["t2"]
        unit.leftovers.forget_touches(spent)
        assert [unit.touches.get(f"t{n}") for n in range(1, 7)] == [None] * 6


# Log


@given(entries)
def test_an_entry_comes_back_as_it_was_with_an_id(shared: SqliteStore, entry: LogEntry) -> None:
    with shared.begin() as unit:
        unit.sequences.add(a_sequence())
        (kept,) = unit.log.add([entry])
        assert kept == replace(entry, id=kept.id)
        assert unit.log.last("s", [entry.kind]) == kept
        assert unit.log.last("s", [entry.kind], entry.account) == kept


def test_ids_grow_and_are_never_given_again(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t"))
        first, second = unit.log.add([an_entry(), an_entry(sequence_id="t")])
        unit.sequences.remove("t")
        (third,) = unit.log.add([an_entry()])
        assert 0 < first.id < second.id < third.id


def test_the_newest_of_some_kinds_and_an_account(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        out = an_entry(kind=LogKind.ACCOUNT_OUT, account="a@example.com")
        kept = unit.log.add(
            [
                out,
                replace(out, kind=LogKind.ACCOUNT_BACK),
                replace(out, account="b@example.com"),
                an_entry(),
            ]
        )
        kinds = (LogKind.ACCOUNT_OUT, LogKind.ACCOUNT_BACK)
        assert unit.log.last("s", kinds) == kept[2]
        assert unit.log.last("s", kinds, "a@example.com") == kept[1]
        assert unit.log.last("s", kinds, "c@example.com") is None
        assert unit.log.last("s", ()) is None
        assert unit.log.last("t", kinds) is None


def test_an_entry_of_a_sequence_that_is_gone_is_refused(store: SqliteStore) -> None:
    with store.begin() as unit, pytest.raises(NotFound, match="sequence"):
        unit.log.add([an_entry()])


def test_what_is_asked_often_is_found_by_an_index(store: SqliteStore, path: Path) -> None:
    for statement in (
        _Sequence.get,
        _Sequence.find,
        _Sequence.using,
        _Sequence.last_assigned,
        _Sequence.assign,
        _Log.last,
        _Log.last_of_account,
    ):
        told = plan(path, statement)
        assert "SEARCH" in told
        assert "SCAN" not in told
