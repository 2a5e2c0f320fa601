"""What a removed sequence leaves is cleared part by part, and nobody sees it before."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.store.leftover_repositories import _Leftover
from reply_desktop.adapters.store.sql import Statement
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.prospect import Suppression, SuppressionReason
from reply_desktop.domain.touch import TouchState
from tests.adapters.store.nouns import a_sequence, a_touch, an_enrollment, an_entry
from tests.adapters.store.plans import plan
from tests.fakes.clock import START


@pytest.fixture
def removed(peopled: SqliteStore) -> SqliteStore:
    """s is removed: p1 to p4 were in it, p4 in t too; a mail to p1 is on its way, p3's log entry is in both."""
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t", accounts=("a",)))
        unit.enrollments.add_many(
            [
                *(replace(an_enrollment(n), account_id="a") for n in range(1, 5)),
                an_enrollment(4, "t"),
            ]
        )
        unit.touches.add(a_touch("flying", "se1", state=TouchState.SENDING, message_id="<flying>"))
        unit.touches.add(a_touch("doubt", "se2", state=TouchState.IN_DOUBT))
        unit.touches.add(a_touch("failed", "se3", state=TouchState.FAILED))
        unit.touches.add(a_touch("old", "se3", "step2", reserved_at=START - timedelta(days=2)))
        unit.touches.add(a_touch("other", "te4", sequence_id="t"))
        unit.log.add([an_entry(sequence_id=one, key="k", prospect="p3@prospect.example") for one in "sst"])
        unit.suppressions.put(Suppression("p1@prospect.example", SuppressionReason.UNSUBSCRIBED, START))
        unit.commit()
    with peopled.begin() as unit:
        unit.sequences.remove("s")
        unit.commit()
    return peopled


def test_nobody_sees_it_before_it_is_cleared(removed: SqliteStore) -> None:
    with removed.read() as unit:
        assert unit.prospects.get("p1") is not None
        assert [unit.enrollments.get(f"se{n}") for n in range(1, 5)] == [None] * 4
        assert unit.enrollments.open_of("p1@prospect.example") == []
        assert [one.id for one in unit.enrollments.open_of("p4@prospect.example")] == ["te4"]
        assert unit.enrollments.pinned_to(["a"]) == set()
        assert (unit.touches.being_sent(), unit.touches.in_doubt()) == ([], [])
        assert unit.touches.in_doubt("se2") == unit.touches.by_message_ids(["<flying>"]) == []
        assert [one.sequence_id for one in unit.log.of_key("k")] == ["t"]
        assert unit.sequences.get("s") is None
        assert unit.sequences.stamp("s") is None
        assert unit.sequences.find("Sequence s") is None
        assert [one.id for one in unit.sequences.on()] == ["t"]
        assert unit.sequences.using("a") == ["t"]
    assert [one.sequence_id for one in removed.reads.sequences.due_counts(None, START)] == ["t"]


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_it_is_cleared_part_by_part_but_for_what_others_have(removed: SqliteStore, most: int) -> None:
    more, parts, before = True, 0, 9
    while more:
        with removed.begin() as unit:
            more = unit.leftovers.clear(most)
            unit.commit()
        with removed.read() as unit:
            left = sum(unit.prospects.get(f"p{n}") is not None for n in range(1, 10))
        assert before - left <= most
        before, parts = left, parts + 1
    assert parts >= 4 / most
    with removed.begin() as unit:
        assert [unit.prospects.get(f"p{n}") is not None for n in range(1, 5)] == [False, False, False, True]
        assert unit.enrollments.get("te4") is not None
        kept = [unit.touches.get(one) is not None for one in ("flying", "doubt", "failed", "old", "other")]
        assert kept == [True, True, False, False, True]
        assert unit.log.last("t", [LogKind.SENT]) is not None
        assert unit.suppressions.has("p1@prospect.example")
        unit.touches.save(a_touch("flying", "se1", state=TouchState.SENT))
        assert unit.touches.counted_since("a", START - timedelta(days=1)) == 3
        # The name, and the id, are free again.
        unit.sequences.add(a_sequence("s"))
        assert unit.enrollments.last_ordinal("s") == 0
        assert unit.log.last("s", [LogKind.SENT]) is None


def test_prospects_in_no_sequence_are_found_and_forgotten(removed: SqliteStore) -> None:
    with removed.begin() as unit:
        assert unit.leftovers.unseen_prospects("", 3) == ["p5", "p6", "p7"]
        assert unit.leftovers.unseen_prospects("p7", 3) == ["p8", "p9"]
        unit.leftovers.forget_prospects(["p4", "p5", "p9", "gone"])
        there = [n for n in range(1, 10) if unit.prospects.get(f"p{n}") is not None]
        assert there == [1, 2, 3, 4, 6, 7, 8]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (_Leftover.enrolled, "ix_enrollments_ordinal (sequence_id=?)"),
        (_Leftover.give_up, "sqlite_autoindex_enrollments_1 (id=?)"),
        (_Leftover.forget_touches_of, "uq_touches_enrollment_id_step_id (enrollment_id=?)"),
        (_Leftover.forget_log, "COVERING INDEX ix_log_sequence_id_kind (sequence_id=?)"),
        (_Leftover.unseen_prospects, "sqlite_autoindex_prospects_1 (id>?)"),
        (_Leftover.spent_touches, "sqlite_autoindex_touches_1 (id>?)"),
        (_Leftover.forget_prospects, "uq_enrollments_prospect_id_sequence_id (prospect_id=?)"),
        (_Leftover.forget_touches, "sqlite_autoindex_touches_1 (id=?)"),
    ],
    ids=lambda one: one.split()[0] if isinstance(one, str) else "",
)
def test_every_question_is_answered_by_an_index(
    store: SqliteStore, path: Path, statement: Statement, index: str
) -> None:
    told = plan(path, statement)
    assert index in told
    assert "TEMP B-TREE" not in told
