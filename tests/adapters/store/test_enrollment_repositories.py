from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.store.enrollment_repositories import (
    _Enrollment,
    _Import,
    _Prospect,
    _Suppression,
)
from reply_desktop.adapters.store.sql import Statement
from reply_desktop.domain.enrollment import Enrollment, EnrollmentState, FinishReason
from reply_desktop.domain.errors import AlreadyExists, NotFound
from reply_desktop.domain.prospect import Prospect, Suppression, SuppressionReason
from reply_desktop.domain.sequence_rows import PROSPECT_SORTS, ProspectFilter
from reply_desktop.domain.touch import TouchState
from reply_desktop.services.sequence_ports import BegunImport
from tests.adapters.store.nouns import (
    a_prospect,
    a_sequence,
    a_touch,
    an_enrollment,
    enrollments,
    prospects,
)
from tests.adapters.store.plans import plan
from tests.fakes.clock import START

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)

ACTIVE: dict[str, Any] = {
    "state": EnrollmentState.ACTIVE,
    "account_id": "a",
    "done": 1,
    "last_sent_at": START - HOUR,
}


def enroll(store: SqliteStore, *chosen: Enrollment) -> None:
    with store.begin() as unit:
        unit.enrollments.add_many(chosen)
        unit.commit()


# Prospects


@given(prospects)
def test_a_prospect_comes_back_as_it_was(shared: SqliteStore, prospect: Prospect) -> None:
    with shared.begin() as unit:
        unit.prospects.put_many([prospect])
        assert unit.prospects.get("p") == prospect
        assert unit.prospects.find(f" {prospect.email}\n") == prospect


def test_a_known_prospect_gets_the_new_fields_and_keeps_the_rest(store: SqliteStore) -> None:
    with store.begin() as unit:
        unit.prospects.put_many([a_prospect("p", "Ann@X.example", city="Bonn", company="Acme")])
        later = Prospect("p", "ann@x.example", START + HOUR, {"city": "Köln"})
        unit.prospects.put_many([later, a_prospect("q")])
        assert unit.prospects.get("p") == Prospect("p", "Ann@X.example", START, {"city": "Köln"})
        assert unit.prospects.get("q") == a_prospect("q")
        assert unit.prospects.get("gone") is None


def test_an_address_is_one_prospects(store: SqliteStore) -> None:
    with store.begin() as unit:
        unit.prospects.put_many([a_prospect("p", "ann.müller@x.example")])
        with pytest.raises(AlreadyExists, match="address"):
            unit.prospects.put_many([a_prospect("q", " ANN.MÜLLER@X.example")])


def test_which_addresses_are_known(store: SqliteStore) -> None:
    with store.begin() as unit:
        everyone = [a_prospect(f"p{n}", f"P{n}@X.example") for n in range(25_000)]
        unit.prospects.put_many(everyone)
        found = unit.prospects.known([f"p{n}@x.EXAMPLE" for n in range(0, 50_000, 2)])
        assert found == {f"p{n}@x.example": everyone[n] for n in range(0, 25_000, 2)}
        assert unit.prospects.known([]) == {}
        assert unit.prospects.find("nobody@x.example") is None


def test_a_sequence_knows_the_fields_of_its_prospects(peopled: SqliteStore) -> None:
    reads = peopled.reads.sequences
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t"))
        unit.prospects.put_many([a_prospect("p1", city="Bonn"), a_prospect("p2", city="", Company="Acme")])
        unit.enrollments.add_many([an_enrollment(1), an_enrollment(3)])
        unit.commit()
    assert (reads.fields("s"), reads.fields("t")) == (["city"], [])
    with peopled.begin() as unit:
        unit.enrollments.add_many([an_enrollment(2)])
        unit.prospects.put_many([a_prospect("p3", **{'odd "name"': "x"}), a_prospect("p4", phone="1")])
        unit.commit()
    assert (reads.fields("s"), reads.fields("t")) == (["Company", "city", 'odd "name"'], [])


# Enrollments


@given(enrollments, enrollments)
def test_an_enrollment_comes_back_as_it_was(
    shared: SqliteStore, before: Enrollment, after: Enrollment
) -> None:
    with shared.begin() as unit:
        unit.sequences.add(a_sequence())
        unit.prospects.put_many([a_prospect()])
        unit.enrollments.add_many([before])
        assert unit.enrollments.get("e") == unit.enrollments.find("s", "p") == before
        unit.enrollments.save(after)
        assert unit.enrollments.get("e") == replace(after, ordinal=before.ordinal)


def test_a_prospect_is_in_a_sequence_once(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t"))
        unit.enrollments.add_many([an_enrollment(1), an_enrollment(1, "t")])
        with pytest.raises(AlreadyExists, match="sequence already"):
            unit.enrollments.add_many([an_enrollment(2, prospect_id="p1")])
        assert unit.enrollments.find("s", "p2") is None


@pytest.mark.parametrize("gone", [{"sequence_id": "t"}, {"prospect_id": "p"}, {"account_id": "x"}])
def test_what_an_enrollment_refers_to_must_be_there(peopled: SqliteStore, gone: dict[str, Any]) -> None:
    with peopled.begin() as unit, pytest.raises(NotFound):
        unit.enrollments.add_many([replace(an_enrollment(1), **gone)])


def test_an_enrollment_that_is_gone_cannot_be_saved(peopled: SqliteStore) -> None:
    with peopled.begin() as unit, pytest.raises(NotFound, match="prospect"):
        unit.enrollments.save(an_enrollment(1))


def test_who_is_enrolled_and_who_came_last(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        assert unit.enrollments.last_ordinal("s") == 0
        unit.sequences.add(a_sequence("t"))
        unit.enrollments.add_many([an_enrollment(n) for n in (1, 7, 3)])
        unit.enrollments.add_many([an_enrollment(8, "t")])
        assert unit.enrollments.enrolled("s", ["p1", "p2", "p7", "p8", "gone"]) == {"p1", "p7"}
        assert unit.enrollments.enrolled("s", []) == set()
        assert (unit.enrollments.last_ordinal("s"), unit.enrollments.last_ordinal("t")) == (7, 8)


def test_the_next_of_an_account_is_the_one_due_the_longest(peopled: SqliteStore) -> None:
    enroll(
        peopled,
        an_enrollment(1, account_id="a", due_at=START + SECOND),
        an_enrollment(2, account_id="a", due_at=START - SECOND, ordinal=20),
        an_enrollment(3, account_id="a", due_at=START - SECOND),
        an_enrollment(4, account_id="b", due_at=START - HOUR),
        an_enrollment(5, due_at=START - HOUR),
        an_enrollment(6, account_id="a", due_at=None),
    )
    with peopled.read() as unit:
        found = unit.enrollments.next_pinned("s", "a", START)
        assert found is not None
        assert found.id == "se3"
        assert unit.enrollments.next_pinned("s", "a", START - HOUR) is None
        assert unit.enrollments.next_pinned("s", "c", START) is None
        assert unit.enrollments.next_due_at("s", "a") == START - SECOND
        assert unit.enrollments.next_due_at("s", "b") == START - HOUR
        assert unit.enrollments.next_due_at("s", "c") is None


def test_the_next_without_an_account_is_the_first_that_came(peopled: SqliteStore) -> None:
    enroll(
        peopled,
        an_enrollment(1, due_at=START + HOUR),
        an_enrollment(2, due_at=START),
        an_enrollment(3, due_at=START - HOUR),
        an_enrollment(4, account_id="a", due_at=START - 2 * HOUR),
        an_enrollment(5, due_at=None),
    )
    with peopled.read() as unit:
        found = [unit.enrollments.next_unpinned("s", START + SECOND * n) for n in (-3601, -1, 0, 3600)]
        assert [one and one.id for one in found] == [None, "se3", "se2", "se1"]
        assert unit.enrollments.next_due_at("s", None) == START - HOUR
        assert unit.enrollments.next_unpinned("t", START) is None
        assert unit.enrollments.next_due_at("t", None) is None


def test_how_many_are_late(peopled: SqliteStore) -> None:
    enroll(
        peopled,
        an_enrollment(1, account_id="a"),
        an_enrollment(2, account_id="a", due_at=START + SECOND),
        an_enrollment(3, account_id="b"),
        an_enrollment(4),
        an_enrollment(5, due_at=None),
    )
    with peopled.read() as unit:
        assert unit.enrollments.late("s", None, START) == 3
        assert unit.enrollments.late("s", ["a"], START) == 1
        assert unit.enrollments.late("s", ["a", "b", "c"], START + SECOND) == 3
        assert unit.enrollments.late("s", [], START) == 0
        assert unit.enrollments.late("s", None, START - SECOND) == 0


def test_the_stranded_are_open_and_nothing_of_theirs_is_on_its_way(peopled: SqliteStore) -> None:
    finished: dict[str, Any] = {
        "state": EnrollmentState.FINISHED,
        "finish_reason": FinishReason.STOPPED,
        "due_at": None,
    }
    enroll(
        peopled,
        an_enrollment(1, account_id="a"),
        an_enrollment(2, **ACTIVE | {"due_at": START - HOUR}),
        an_enrollment(3, **ACTIVE | {"due_at": None}),
        an_enrollment(4, account_id="a", state=EnrollmentState.IN_DOUBT, due_at=None),
        an_enrollment(5, account_id="a", **finished),
        an_enrollment(6, account_id="b"),
        an_enrollment(7),
    )
    with peopled.read() as unit:

        def stranded(*, unstarted: bool, limit: int = 10) -> list[str]:
            return [one.id for one in unit.enrollments.stranded("s", "a", unstarted=unstarted, limit=limit)]

        assert stranded(unstarted=False) == ["se2", "se1"]
        assert stranded(unstarted=False, limit=1) == ["se2"]
        assert stranded(unstarted=True) == ["se1"]


def test_which_accounts_have_somebody_pinned_to_them(peopled: SqliteStore) -> None:
    done: dict[str, Any] = {"state": EnrollmentState.FINISHED, "finish_reason": FinishReason.STOPPED}
    enroll(
        peopled,
        an_enrollment(1, account_id="a", due_at=None, **done),
        an_enrollment(2, account_id="b", due_at=None, **done),
        an_enrollment(3, account_id="b"),
        an_enrollment(4),
    )
    with peopled.read() as unit:
        assert unit.enrollments.pinned_to(["a", "b", "gone"]) == {"b"}
        assert unit.enrollments.pinned_to(["a"]) == unit.enrollments.pinned_to([]) == set()


def test_how_many_are_open_and_which_of_an_address(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t"))
        for number, state in enumerate(EnrollmentState, start=1):
            unit.enrollments.add_many([an_enrollment(number, state=state)])
        unit.enrollments.add_many([an_enrollment(4, "t")])
        assert (unit.enrollments.open_count("s"), unit.enrollments.open_count("t")) == (3, 1)
        assert unit.enrollments.open_count("gone") == 0
        assert [one.id for one in unit.enrollments.open_of(" P1@prospect.example")] == ["se1"]
        assert [one.id for one in unit.enrollments.open_of("p4@prospect.example")] == ["te4"]
        assert unit.enrollments.open_of("nobody@prospect.example") == []


def due_times(store: SqliteStore) -> dict[str, datetime | None]:
    with store.read() as unit:
        found = [unit.enrollments.get(f"se{number}") for number in range(1, 10)]
    return {one.id: one.due_at for one in found if one is not None}


def test_after_an_edit_the_next_step_is_due_anew(peopled: SqliteStore) -> None:
    enroll(
        peopled,
        an_enrollment(1, **ACTIVE | {"due_at": START + HOUR}),
        an_enrollment(2, **ACTIVE | {"due_at": None}),
        an_enrollment(3, **ACTIVE | {"done": 2}),
        an_enrollment(4),
        an_enrollment(5, **ACTIVE | {"state": EnrollmentState.FINISHED, "due_at": None}),
        an_enrollment(6, **ACTIVE | {"due_at": None}),
        an_enrollment(7, **ACTIVE | {"state": EnrollmentState.IN_DOUBT, "due_at": None}),
        an_enrollment(8, **ACTIVE | {"due_at": START + SECOND}),
        an_enrollment(9, **ACTIVE),
    )
    with peopled.begin() as unit:
        for number, state in ((6, TouchState.SENDING), (7, TouchState.IN_DOUBT), (8, TouchState.DEFERRED)):
            unit.touches.add(a_touch(f"t{number}", f"se{number}", "step2", state=state))
        unit.touches.add(a_touch("t9", "se9", "step1", state=TouchState.SENT))
        assert unit.enrollments.reschedule("s", 1, 7200.0) == 3
        unit.commit()
    moved = START + HOUR
    assert due_times(peopled) == {
        "se1": moved,
        "se2": moved,
        "se3": START,
        "se4": START,
        "se5": None,
        "se6": None,
        "se7": None,
        "se8": START + SECOND,
        "se9": moved,
    }
    with peopled.begin() as unit:
        assert unit.enrollments.reschedule("s", 1, None) == 3
        assert unit.enrollments.reschedule("t", 1, 5.0) == 0
        unit.commit()
    assert [one for one, at in due_times(peopled).items() if at is None] == [
        "se1",
        "se2",
        "se5",
        "se6",
        "se7",
        "se9",
    ]


def test_after_an_edit_prospects_are_where_they_were(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t"))
        unit.enrollments.add_many([an_enrollment(n, done=n) for n in (1, 2, 3, 4)])
        unit.enrollments.add_many([an_enrollment(1, "t", done=1)])
        assert unit.enrollments.renumber("s", {1: 2, 2: 1, 3: 0}) == 3
        found = [unit.enrollments.get(f"se{n}") for n in (1, 2, 3, 4)]
        assert [one and one.done for one in found] == [2, 1, 0, 4]
        other = unit.enrollments.get("te1")
        assert other is not None
        assert other.done == 1
        assert unit.enrollments.renumber("s", {}) == 0


def test_after_an_edit_those_who_have_had_it_all_are_done(peopled: SqliteStore) -> None:
    enroll(
        peopled,
        an_enrollment(1, **ACTIVE, note="Waits."),
        an_enrollment(2, **ACTIVE | {"done": 2}),
        an_enrollment(3, **ACTIVE | {"done": 2, "due_at": None}),
        an_enrollment(4, **ACTIVE | {"done": 3}, note="Waits."),
        an_enrollment(5, **ACTIVE | {"done": 2, "state": EnrollmentState.IN_DOUBT}),
    )
    with peopled.begin() as unit:
        unit.touches.add(a_touch("t3", "se3", "step3", state=TouchState.SENDING))
        assert unit.enrollments.finish_done("s", 2, FinishReason.COMPLETED, START) == 2
        assert unit.enrollments.finish_done("s", 2, FinishReason.COMPLETED, START) == 0
        done = unit.enrollments.get("se4")
        assert done == an_enrollment(
            4,
            **ACTIVE
            | {"done": 3, "state": EnrollmentState.FINISHED, "due_at": None}
            | {"finish_reason": FinishReason.COMPLETED, "finished_at": START},
        )
        assert unit.enrollments.get("se1") == an_enrollment(1, **ACTIVE, note="Waits.")
        sending, doubtful = unit.enrollments.get("se3"), unit.enrollments.get("se5")
        assert sending is not None
        assert sending.state is EnrollmentState.ACTIVE
        assert doubtful is not None
        assert doubtful.state is EnrollmentState.IN_DOUBT


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (_Enrollment.next_pinned, "ix_enrollments_pinned (account_id=? AND sequence_id=? AND due_at<?)"),
        (_Enrollment.next_unpinned, "ix_enrollments_unpinned (sequence_id=? AND ordinal<?)"),
        (_Enrollment.pinned_due_at, "COVERING INDEX ix_enrollments_pinned (account_id=? AND sequence_id=?"),
        (_Enrollment.unpinned_due_at, "ix_enrollments_unpinned_due_at (sequence_id=?"),
        (
            _Enrollment.shown_unpinned_due_at,
            "COVERING INDEX ix_enrollments_due_at (sequence_id=?",
        ),
        (_Enrollment.late, "COVERING INDEX ix_enrollments_due_at (sequence_id=? AND due_at<?)"),
        (_Enrollment.late_of, "COVERING INDEX ix_enrollments_pinned (account_id=? AND sequence_id=?"),
        (_Enrollment.stranded, "ix_enrollments_pinned (account_id=? AND sequence_id=?"),
        (
            _Enrollment.pinned_to,
            "COVERING INDEX ix_enrollments_pinned (account_id=? AND sequence_id=? AND due_at>?)",
        ),
        (_Enrollment.last_ordinal, "COVERING INDEX ix_enrollments_ordinal (sequence_id=?)"),
        (_Enrollment.count, "COVERING INDEX ix_enrollments_ordinal (sequence_id=? AND ordinal<?)"),
        (
            _Enrollment.count_finished,
            "COVERING INDEX ix_enrollments_progress (sequence_id=? AND <expr>=?)",
        ),
        (_Import.taken, "ix_enrollments_ordinal (sequence_id=? AND ordinal>?)"),
        (_Import.give_up, "sqlite_autoindex_enrollments_1 (id=?)"),
        (_Import.forget, "uq_enrollments_prospect_id_sequence_id (prospect_id=?)"),
        (_Import.apply, "sqlite_autoindex_import_fields_1 (prospect_id=?)"),
        (_Enrollment.open_of, "uq_enrollments_prospect_id_sequence_id (prospect_id=?)"),
        (_Enrollment.save, "sqlite_autoindex_enrollments_1 (id=?)"),
        (_Enrollment.find, "uq_enrollments_prospect_id_sequence_id (prospect_id=? AND sequence_id=?)"),
        (_Enrollment.enrolled, "COVERING INDEX uq_enrollments_prospect_id_sequence_id"),
        (_Prospect.known, "uq_prospects_email_key (email_key=?)"),
        (_Suppression.among, "sqlite_autoindex_suppressions_1 (email_key=?)"),
    ],
    ids=lambda one: one.split()[0] if isinstance(one, str) else "",
)
def test_every_question_is_answered_by_an_index(
    store: SqliteStore, path: Path, statement: Statement, index: str
) -> None:
    told = plan(path, statement)
    assert index in told
    assert "SCAN enrollments" not in told
    assert "TEMP B-TREE" not in told


@given(
    st.lists(
        st.tuples(st.none() | st.sampled_from("ab"), st.none() | st.integers(-5, 5)), min_size=1, max_size=12
    ),
    st.integers(-6, 6),
)
def test_whom_to_write_to_next_as_told_by_python(
    shared: SqliteStore, drawn: list[tuple[str | None, int | None]], offset: int
) -> None:
    chosen = [
        an_enrollment(n, account_id=account, due_at=None if due is None else START + due * SECOND)
        for n, (account, due) in enumerate(drawn, start=1)
    ]
    now = START + offset * SECOND
    with shared.begin() as unit:
        unit.sequences.add(a_sequence())
        unit.prospects.put_many([a_prospect(f"p{n}") for n in range(1, len(drawn) + 1)])
        unit.enrollments.add_many(chosen)
        have = [(one.due_at, one.ordinal, one) for one in chosen if one.due_at is not None]
        for account in (None, "a", "b"):
            times = [at for at, _, one in have if one.account_id == account]
            assert unit.enrollments.next_due_at("s", account) == min(times, default=None)
        due = [(at, ordinal, one) for at, ordinal, one in have if at <= now]
        _, pinned = min(
            ((at, ordinal) for at, ordinal, one in due if one.account_id == "a"), default=(None, None)
        )
        found = unit.enrollments.next_pinned("s", "a", now)
        assert (found and found.ordinal) == pinned
        unpinned = min((ordinal for _, ordinal, one in due if one.account_id is None), default=None)
        first = unit.enrollments.next_unpinned("s", now)
        assert (first and first.ordinal) == unpinned
        assert unit.enrollments.late("s", None, now) == len(due)


# Imports


def taking(store: SqliteStore, *, already: bool = True) -> None:
    """An import into s is under way, of p2 new there and of q, who was not known before."""
    with store.begin() as unit:
        if already:
            unit.enrollments.add_many([an_enrollment(1)])
        last = unit.imports.begin("s", START + SECOND)
        assert last == (1 if already else 0)
        unit.imports.take(
            [Prospect("q", "Q@x.example", START + SECOND, {"city": "Köln"})],
            [an_enrollment(last + 1, prospect_id="p2"), an_enrollment(last + 2, prospect_id="q")],
            [a_prospect("p2", a_prospect("p2").email, city="Bonn")],
        )
        unit.commit()


def seen(store: SqliteStore) -> list[str]:
    """Enrollment ids of s as each list and count sees them, which all agree."""
    reads = store.reads.sequences
    lists = [
        reads.prospect_ids(ProspectFilter("s", sort=sort, text=text, states=states))
        for sort in PROSPECT_SORTS
        for text in ("", "example")
        for states in ((), tuple(EnrollmentState))
    ]
    found = sorted(lists[0])
    (row,) = reads.rows(["s"])
    (due,) = [sum(one.count for one in reads.due_counts("s", START))]
    with store.read() as unit:
        emails = ("p1@prospect.example", "p2@prospect.example", "q@x.example")
        assert {one.id for email in emails for one in unit.enrollments.open_of(email)} == {*found}
        assert unit.enrollments.open_count("s") == len(found)
        assert unit.enrollments.late("s", None, START) == len(found)
        assert unit.enrollments.next_due_at("s", None) == (START if found else None)
        first = unit.enrollments.next_unpinned("s", START)
        assert (first and first.id) == next(iter(found), None)
    assert [sorted(one) for one in lists] == [found] * len(lists)
    assert (row.prospects, due) == (len(found), len(found))
    return found


@pytest.mark.parametrize("already", [True, False])
def test_what_an_import_takes_is_seen_by_nobody_until_it_is_finished(
    peopled: SqliteStore, already: bool
) -> None:
    taking(peopled, already=already)
    before = ["se1"] if already else []
    assert seen(peopled) == before
    with peopled.begin() as unit:
        unit.imports.decide("s", ["city"], "Two came.")
        unit.commit()
    assert seen(peopled) == before
    with peopled.begin() as unit:
        assert unit.imports.begun() == BegunImport("s", START + SECOND, "Two came.")
        assert unit.prospects.find("p2@prospect.example") == a_prospect("p2")
        assert unit.imports.apply(1)
        assert not unit.imports.apply(1)
        assert unit.prospects.find("p2@prospect.example") == a_prospect("p2", city="Bonn")
        unit.imports.finish("s")
        assert unit.imports.begun() is None
        unit.commit()
    assert len(seen(peopled)) == len(before) + 2
    assert peopled.reads.sequences.fields("s") == ["city"]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_what_an_import_has_taken_can_be_taken_back(peopled: SqliteStore, most: int) -> None:
    taking(peopled)
    steps = 0
    more = True
    while more:
        with peopled.begin() as unit:
            more = unit.imports.undo("s", most)
            unit.commit()
        steps += 1
        assert seen(peopled) == ["se1"]
    assert steps == {1: 3, 2: 2, 3: 1}[most]
    with peopled.begin() as unit:
        assert not unit.imports.undo("s", most)
        assert unit.imports.begun() is None
        assert unit.prospects.find("q@x.example") is None
        assert unit.prospects.find("p2@prospect.example") == a_prospect("p2")
        assert unit.enrollments.last_ordinal("s") == 1
        assert not unit.imports.apply(1)
        assert unit.prospects.find("p2@prospect.example") == a_prospect("p2")
    assert peopled.reads.sequences.fields("s") == []


def test_taking_back_spares_whom_others_enrolled_or_made(peopled: SqliteStore) -> None:
    taking(peopled)
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t"))
        unit.enrollments.add_many([an_enrollment(1, "t", prospect_id="q")])
        assert not unit.imports.undo("s", 10)
        assert unit.prospects.find("q@x.example") is not None
        assert unit.enrollments.open_count("t") == 1
        unit.commit()


def test_an_import_into_a_sequence_that_is_removed_leaves_nothing_to_finish(peopled: SqliteStore) -> None:
    taking(peopled)
    with peopled.begin() as unit:
        unit.sequences.remove("s")
        assert unit.imports.begun() is None
        with pytest.raises(NotFound):
            unit.imports.decide("s", [], "")
        with pytest.raises(NotFound):
            unit.imports.finish("s")
        assert not unit.imports.undo("s", 1)
        unit.commit()
    with peopled.begin() as unit, pytest.raises(NotFound):
        unit.imports.begin("s", START)
    with peopled.begin() as unit, pytest.raises(NotFound):
        unit.imports.take([], [an_enrollment(1)], [])
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t"))
        unit.imports.begin("t", START)
        assert not unit.imports.apply(1), "what the other would have changed is forgotten"


# Suppressions


def test_suppressions(store: SqliteStore) -> None:
    first = Suppression("Ann@X.example", SuppressionReason.UNSUBSCRIBED, START, "by mail")
    with store.begin() as unit:
        assert not unit.suppressions.has("ann@x.example")
        assert unit.suppressions.put(first)
        assert not unit.suppressions.put(
            replace(first, email=" ANN@x.example", reason=SuppressionReason.ADDED)
        )
        assert unit.suppressions.has(" ann@X.EXAMPLE ")
        unit.suppressions.put(Suppression("bob@x.example", SuppressionReason.BOUNCED, START))
        assert unit.suppressions.among(["ANN@x.example", "eve@x.example"]) == {"ann@x.example"}
        assert unit.suppressions.among([]) == set()
        unit.suppressions.remove("ANN@x.example")
        unit.suppressions.remove("never there")
        assert unit.suppressions.among(["ann@x.example", "bob@x.example"]) == {"bob@x.example"}
        unit.commit()
    rows, total = store.reads.sequences.suppressions("", 10, 0)
    assert [(row.email, row.reason) for row in rows] == [("bob@x.example", SuppressionReason.BOUNCED)]
    assert total == 1
