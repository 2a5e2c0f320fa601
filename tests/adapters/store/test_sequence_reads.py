import itertools
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.store.sequence_reads import (
    SqliteSequenceReads,
    _due,
    _first_due,
    _list,
    _log_entry,
    _log_statements,
    _prospect_rows,
    _sent,
    _sent_since,
)
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.enrollment import FINISH_WORDS, Enrollment, EnrollmentState, FinishReason
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.prospect import Suppression, SuppressionReason
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.sequence_rows import (
    PROSPECT_SORTS,
    LogFilter,
    ProspectFilter,
    ProspectRow,
    SequenceRow,
    SuppressionRow,
)
from reply_desktop.domain.states import Color, State
from reply_desktop.domain.touch import TouchState
from reply_desktop.domain.window import SendingWindow
from reply_desktop.services.ports import DueCount
from tests.adapters.store.nouns import (
    a_prospect,
    a_sequence,
    a_touch,
    an_account,
    an_enrollment,
    an_entry,
)
from tests.adapters.store.plans import plan
from tests.fakes.clock import START, FakeClock

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def enroll(store: SqliteStore, *chosen: Enrollment) -> None:
    with store.begin() as unit:
        unit.enrollments.add_many(chosen)
        unit.commit()


def lose(store: SqliteStore, *account_ids: str) -> None:
    """The access of these accounts was removed."""
    with store.begin() as unit:
        for account_id in account_ids:
            account = unit.accounts.get(account_id)
            assert account is not None
            unit.accounts.save(replace(account, state=State.EXPIRED, cause=Cause.GRANT_REVOKED))
        unit.commit()


def the_row(store: SqliteStore) -> SequenceRow:
    (row,) = store.reads.sequences.rows(["s"])
    return row


# Sequences


def test_a_row_carries_what_the_sequence_is(peopled: SqliteStore) -> None:
    enroll(peopled, an_enrollment(1), an_enrollment(2, due_at=START + HOUR))
    row = the_row(peopled)
    assert row == SequenceRow(
        "s",
        "Sequence s",
        SequenceStatus.RUNNING,
        Color.GREEN,
        row.tooltip,
        None,
        ("a@example.com", "b@example.com"),
        (),
        prospects=2,
        waiting=2,
        active=0,
        in_doubt=0,
        finished=0,
        replied=0,
        bounced=0,
        sent=0,
        sent_24h=0,
        next_send_at=START,
        start_at=None,
    )
    assert "a@example.com" in row.tooltip


def test_the_toggle_tells_at_once_of_accounts_that_are_out(peopled: SqliteStore) -> None:
    enroll(peopled, an_enrollment(1))
    lose(peopled, "a")
    orange = the_row(peopled)
    assert (orange.indicator, orange.problem, orange.accounts_out) == (Color.ORANGE, None, ("a@example.com",))
    assert "a@example.com" in orange.tooltip
    assert orange.next_send_at == START
    lose(peopled, "b")
    red = the_row(peopled)
    assert (red.indicator, red.problem) == (Color.RED, Problem.NO_ACCOUNT_CAN_SEND)
    assert red.accounts_out == ("a@example.com", "b@example.com")
    assert red.next_send_at is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"accounts": ()}, Problem.NO_ACCOUNTS),
        ({"steps": ()}, Problem.NO_STEPS),
        ({"window": SendingWindow(())}, Problem.WINDOW_EMPTY),
        ({"status": SequenceStatus.DRAFT, "steps": ()}, Problem.NO_STEPS),
        ({"status": SequenceStatus.FINISHED, "steps": ()}, None),
        ({}, None),
    ],
)
def test_a_row_names_what_is_missing_whatever_was_found_last(
    peopled: SqliteStore, changes: dict[str, Any], problem: Problem | None
) -> None:
    enroll(peopled, an_enrollment(1))
    with peopled.begin() as unit:
        unit.sequences.save(a_sequence(**{"accounts": ("a",), "problem": Problem.NO_PROSPECTS} | changes))
        unit.commit()
    assert the_row(peopled).problem is problem


def test_a_sequence_without_open_prospects_says_so(peopled: SqliteStore) -> None:
    assert the_row(peopled).problem is Problem.NO_PROSPECTS
    enroll(peopled, an_enrollment(1, state=EnrollmentState.FINISHED, due_at=None))
    row = the_row(peopled)
    assert (row.problem, row.prospects, row.finished, row.next_send_at) == (Problem.NO_PROSPECTS, 1, 1, None)


@pytest.mark.parametrize(
    ("changes", "due", "expected"),
    [
        ({}, START - HOUR, START),
        ({}, START + HOUR, START + HOUR),
        ({}, None, None),
        ({"status": SequenceStatus.PAUSED}, START, None),
        ({"status": SequenceStatus.SCHEDULED, "start_at": START + HOUR}, START, START + HOUR),
        ({"window": SendingWindow((1,), time(11), time(12))}, START, START + 2 * HOUR),
        ({"window": SendingWindow((2,), time(11), time(12))}, START, START + DAY + 2 * HOUR),
    ],
)
def test_when_the_next_mail_leaves(
    peopled: SqliteStore, changes: dict[str, Any], due: Any, expected: Any
) -> None:
    enroll(peopled, an_enrollment(1, due_at=due))
    with peopled.begin() as unit:
        unit.sequences.save(a_sequence(accounts=("a",), **changes))
        unit.commit()
    assert the_row(peopled).next_send_at == expected


def test_rows_by_name_or_in_the_order_asked_for(store: SqliteStore) -> None:
    with store.begin() as unit:
        for one, name in (("1", "beta"), ("2", "Alpha"), ("3", "gamma")):
            unit.sequences.add(a_sequence(one, name))
        unit.commit()
    reads = store.reads.sequences
    assert [row.name for row in reads.rows()] == ["Alpha", "beta", "gamma"]
    assert [row.name for row in reads.rows(["3", "gone", "1"])] == ["gamma", "beta"]
    assert reads.rows([]) == []


histories = st.lists(
    st.tuples(
        st.sampled_from("st"),
        st.sampled_from(EnrollmentState),
        st.sampled_from(FinishReason),
        st.none() | st.tuples(st.sampled_from(TouchState), st.integers(0, 48)),
    ),
    max_size=9,
)


@given(histories)
def test_counts_add_up(shared: SqliteStore, drawn: list[Any]) -> None:
    with shared.begin() as unit:
        for one in "st":
            unit.sequences.add(a_sequence(one, accounts=("a",)))
        unit.prospects.put_many([a_prospect(f"p{n}") for n in range(len(drawn))])
        for number, (one, state, reason, touch) in enumerate(drawn):
            ended = reason if state is EnrollmentState.FINISHED else None
            unit.enrollments.add_many([an_enrollment(number, one, state=state, finish_reason=ended)])
            if touch is not None:
                of: dict[str, Any] = {
                    "sequence_id": one,
                    "state": touch[0],
                    "reserved_at": START - touch[1] * HOUR,
                }
                unit.touches.add(a_touch(f"{number}", f"{one}e{number}", **of))
        # As the unit sees it, without a commit: the next example finds nothing again.
        rows = SqliteSequenceReads(lambda: nullcontext(unit._runner), lambda: START).rows()
    assert [row.id for row in rows] == ["s", "t"]
    for row in rows:
        mine = [(state, reason, touch) for one, state, reason, touch in drawn if one == row.id]
        in_each = [sum(state is which for state, _, _ in mine) for which in EnrollmentState]
        assert [row.waiting, row.active, row.in_doubt, row.finished] == in_each
        assert row.prospects == len(mine) == row.waiting + row.active + row.in_doubt + row.finished
        reasons = [reason for state, reason, _ in mine if state is EnrollmentState.FINISHED]
        assert row.replied == reasons.count(FinishReason.REPLIED)
        assert row.bounced == reasons.count(FinishReason.BOUNCED)
        ages = [touch[1] for _, _, touch in mine if touch and touch[0] is TouchState.SENT]
        assert (row.sent, row.sent_24h) == (len(ages), sum(age < 24 for age in ages))


# Prospects


def some_prospects() -> list[Enrollment]:
    """Enrollments of every state and a few reasons, accounts and times, in no order."""
    chosen = itertools.product(EnrollmentState, (None, "a", "b"), (None, FinishReason.REPLIED))
    return [
        an_enrollment(
            number * 37 % 101,
            state=state,
            account_id=account,
            finish_reason=reason if state is EnrollmentState.FINISHED else None,
            due_at=START + (number * 13 % 7) * SECOND if number % 4 else None,
            last_sent_at=START - (number * 17 % 5) * SECOND if number % 3 else None,
        )
        for number, (state, account, reason) in enumerate(chosen)
    ]


def email_of(number: int) -> str:
    return f"Person{number * 53 % 101:03}@{'Über' if number % 2 else 'Example'}.com"


def in_order(chosen: list[Enrollment], wanted: ProspectFilter) -> list[str]:
    """The same told by Python."""
    text = wanted.text.strip().casefold()
    found = [
        one
        for one in chosen
        if (not wanted.states or one.state in wanted.states)
        and (not wanted.reasons or one.finish_reason in wanted.reasons)
        and wanted.account in (None, one.account_id)
        and text in email_of(one.ordinal).casefold()
    ]
    keys: dict[str, Callable[[Enrollment], Any]] = {
        "ordinal": lambda one: one.ordinal,
        "email": lambda one: email_of(one.ordinal).casefold(),
        "state": lambda one: ([*EnrollmentState].index(one.state), one.finish_reason or "", one.ordinal),
        "due_at": lambda one: (one.due_at, one.ordinal),
        "last_sent_at": lambda one: (one.last_sent_at, one.ordinal),
    }
    lacks = [
        one for one in found if wanted.sort in ("due_at", "last_sent_at") and not getattr(one, wanted.sort)
    ]
    have = sorted(
        (one for one in found if one not in lacks), key=keys[wanted.sort], reverse=wanted.descending
    )
    lacks.sort(key=lambda one: one.ordinal, reverse=wanted.descending)
    return [one.id for one in have + lacks]


@pytest.fixture(scope="module")
def listed(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[SqliteStore, list[Enrollment]]]:
    """A store with some prospects in the sequence `list`, and one in another."""
    store = SqliteStore(tmp_path_factory.mktemp("listed") / "reply.db", FakeClock())
    chosen = [replace(one, sequence_id="list") for one in some_prospects()]
    with store.begin() as unit:
        for name in "ab":
            unit.accounts.add(an_account(name))
        unit.sequences.add(a_sequence("list"))
        unit.sequences.add(a_sequence("other"))
        unit.prospects.put_many([a_prospect(one.prospect_id, email_of(one.ordinal)) for one in chosen])
        unit.enrollments.add_many(chosen)
        unit.enrollments.add_many([replace(chosen[0], id="other's", sequence_id="other")])
        unit.commit()
    yield store, chosen
    store.close()


@pytest.mark.parametrize("sort", PROSPECT_SORTS)
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize(
    "narrowed",
    [
        ProspectFilter("list"),
        ProspectFilter("list", text=" ÜBER"),
        ProspectFilter("list", text="%"),
        ProspectFilter("list", states=(EnrollmentState.FINISHED, EnrollmentState.WAITING)),
        ProspectFilter("list", reasons=(FinishReason.REPLIED, FinishReason.BOUNCED)),
        ProspectFilter("list", account="a"),
        ProspectFilter("list", "example", (EnrollmentState.FINISHED,), (FinishReason.REPLIED,), "b"),
        ProspectFilter("list", account="nobody"),
    ],
    ids=lambda one: f"{one.text}{'+'.join([*one.states, *one.reasons])}{one.account or ''}",
)
def test_the_list_is_filtered_and_sorted(
    listed: tuple[SqliteStore, list[Enrollment]], sort: str, descending: bool, narrowed: ProspectFilter
) -> None:
    store, chosen = listed
    wanted = replace(narrowed, sort=sort, descending=descending)
    assert store.reads.sequences.prospect_ids(wanted) == in_order(chosen, wanted)


def test_a_sort_that_is_none_is_refused(store: SqliteStore) -> None:
    with pytest.raises(InvalidInput, match="last_sent_at"):
        store.reads.sequences.prospect_ids(ProspectFilter("s", sort="id; DROP TABLE prospects"))


@pytest.mark.parametrize("sort", PROSPECT_SORTS)
@pytest.mark.parametrize("descending", [True, False])
def test_every_sort_reads_an_index_and_not_the_rows(
    store: SqliteStore, path: Path, sort: str, descending: bool
) -> None:
    none = {"text": False, "states": False, "reasons": False, "account": False, "importing": False}
    told = plan(path, _list(sort, descending, **none))
    assert "SEARCH enrollments USING COVERING INDEX" in told
    assert "TEMP B-TREE" not in told
    for narrowed in none:
        assert "COVERING INDEX" in plan(path, _list(sort, descending, **none | {narrowed: True}))


def test_a_row_carries_what_the_prospect_is(peopled: SqliteStore) -> None:
    doubtful: dict[str, Any] = {
        "state": EnrollmentState.IN_DOUBT,
        "account_id": "a",
        "due_at": None,
        "done": 1,
    }
    ended: dict[str, Any] = {
        "state": EnrollmentState.FINISHED,
        "finish_reason": FinishReason.REPLIED,
        "due_at": None,
    }
    with peopled.begin() as unit:
        unit.prospects.put_many([a_prospect("p1", city="Bonn")])
        unit.enrollments.add_many(
            [
                an_enrollment(1, **doubtful, note="The connection broke.", last_sent_at=START - DAY),
                an_enrollment(2),
                an_enrollment(3, **ended),
                an_enrollment(4, **ended, note="She wrote back."),
            ]
        )
        unit.touches.add(a_touch("t1", "se1"))
        unit.touches.add(a_touch("t2", "se1", "step2", state=TouchState.IN_DOUBT))
        unit.commit()
    first, second, third, fourth = peopled.reads.sequences.prospect_rows(["se1", "se2", "gone", "se3", "se4"])
    assert first == ProspectRow(
        "se1",
        "p1@prospect.example",
        {"city": "Bonn"},
        EnrollmentState.IN_DOUBT,
        None,
        "The connection broke.",
        "a@example.com",
        1,
        2,
        START - DAY,
        None,
        "t2",
    )
    assert (second.account, second.reason, second.due_at, second.touch_in_doubt) == (None, "", START, None)
    assert third.reason == FINISH_WORDS[FinishReason.REPLIED]
    assert fourth.reason == "She wrote back."


def test_rows_come_in_the_order_asked_for(listed: tuple[SqliteStore, list[Enrollment]]) -> None:
    store, chosen = listed
    wanted = [one.id for one in reversed(chosen)] * 30
    assert [row.id for row in store.reads.sequences.prospect_rows(wanted)] == wanted
    assert store.reads.sequences.prospect_rows([]) == []


# Log


@pytest.fixture
def logged(peopled: SqliteStore) -> SqliteStore:
    """Nine entries, of three kinds and two accounts, and one of another sequence."""
    kinds = (LogKind.SENT, LogKind.ACCOUNT_OUT, LogKind.REPLIED)
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t"))
        unit.log.add(
            an_entry(
                f"Entry {number}, ÜBER",
                kind=kinds[number % 3],
                account="ab"[number % 2] + "@example.com",
                prospect=f"p{number}@prospect.example",
                key=f"key{number % 4}",
            )
            for number in range(9)
        )
        unit.log.add([an_entry("Entry of t", sequence_id="t", key="key0")])
        unit.commit()
    return peopled


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (LogFilter("s"), [8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (LogFilter("s", (LogKind.SENT, LogKind.REPLIED)), [8, 6, 5, 3, 2, 0]),
        (LogFilter("s", text=" über"), [8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (LogFilter("s", text="P3@"), [3]),
        (LogFilter("s", text="b@EXAMPLE"), [7, 5, 3, 1]),
        (LogFilter("s", account="a@example.com"), [8, 6, 4, 2, 0]),
        (LogFilter("s", (LogKind.SENT,), "entry", "a@example.com"), [6, 0]),
        (LogFilter("s", text="nothing"), []),
    ],
)
def test_the_log_is_filtered_newest_first_page_by_page(
    logged: SqliteStore, wanted: LogFilter, numbers: list[int]
) -> None:
    reads = logged.reads.sequences
    texts = [f"Entry {number}, ÜBER" for number in numbers]
    whole = reads.log(wanted, 100, 0)
    assert ([entry.text for entry in whole.entries], whole.total) == (texts, len(texts))
    assert reads.log(wanted, 2, 1).entries == whole.entries[1:3]
    assert reads.log(wanted, 2, 1).total == whole.total
    for offset, entry in enumerate(whole.entries):
        assert reads.log_offset(wanted, entry.id, None) == offset
        assert reads.log(wanted, 1, offset).entries == (entry,)


def test_an_entry_is_found_by_its_key_only_where_it_passes(logged: SqliteStore) -> None:
    reads = logged.reads.sequences
    assert reads.log_offset(LogFilter("s"), None, "key0") == 0
    assert reads.log_offset(LogFilter("s"), None, "key3") == 1
    assert reads.log_offset(LogFilter("t"), None, "key0") == 0
    assert reads.log_offset(LogFilter("s", (LogKind.SENT,)), None, "key0") == 2
    assert reads.log_offset(LogFilter("s", account="a@example.com"), None, "key1") is None
    assert reads.log_offset(LogFilter("s"), None, "unknown") is None
    of_another = reads.log(LogFilter("t"), 1, 0).entries[0]
    assert reads.log_offset(LogFilter("s"), of_another.id, None) is None


# Forecast and suppressions


def test_what_is_due_by_the_minute(peopled: SqliteStore) -> None:
    with peopled.begin() as unit:
        unit.sequences.add(a_sequence("t"))
        unit.commit()
    enroll(
        peopled,
        an_enrollment(1, due_at=START + SECOND),
        an_enrollment(2, due_at=START + 59 * SECOND),
        an_enrollment(3, due_at=START + 60 * SECOND, account_id="a"),
        an_enrollment(4, due_at=START, account_id="a"),
        an_enrollment(5, due_at=START - DAY),
        an_enrollment(6, due_at=START + HOUR),
        an_enrollment(7, due_at=None),
        an_enrollment(8, "t"),
    )
    of_s = [
        DueCount("s", None, START - DAY, 1),
        DueCount("s", None, START, 2),
        DueCount("s", "a", START, 1),
        DueCount("s", "a", START + 60 * SECOND, 1),
    ]
    reads = peopled.reads.sequences
    assert reads.due_counts("s", START + HOUR - SECOND) == of_s
    assert reads.due_counts(None, START + HOUR - SECOND) == [*of_s, DueCount("t", None, START, 1)]
    assert reads.due_counts("gone", START + HOUR) == []


def test_the_suppression_list_newest_first_page_by_page(store: SqliteStore) -> None:
    with store.begin() as unit:
        for number in range(5):
            unit.suppressions.put(
                Suppression(f"P{number}@X.example", SuppressionReason.BOUNCED, START + number * SECOND, "550")
            )
        unit.commit()
    reads = store.reads.sequences
    rows, total = reads.suppressions("", 2, 1)
    assert [row.email for row in rows] == ["P3@X.example", "P2@X.example"]
    assert total == 5
    assert reads.suppressions(" p1@x ", 10, 0) == (
        [SuppressionRow("P1@X.example", SuppressionReason.BOUNCED, START + SECOND, "550")],
        1,
    )
    assert reads.suppressions("nobody", 10, 0) == ([], 0)


# Indices


def test_what_is_asked_often_reads_an_index(store: SqliteStore, path: Path) -> None:
    assert "ix_touches_sent (sequence_id=?)" in plan(path, _sent)
    assert "COVERING INDEX ix_touches_sent (sequence_id=? AND reserved_at>?)" in plan(path, _sent_since)
    assert "COVERING INDEX ix_enrollments_due_at" in plan(path, _first_due.whole)
    assert "COVERING INDEX ix_enrollments_due_at (sequence_id=? AND due_at<?)" in plan(path, _due.whole)
    assert "SCAN enrollments" not in plan(path, _prospect_rows)
    page, count, newer = (plan(path, one) for one in _log_statements(False, False, False))
    assert "COVERING INDEX ix_log_sequence_id " in page
    assert "TEMP B-TREE" not in page
    assert "COVERING INDEX" in count
    assert "COVERING INDEX ix_log_sequence_id (sequence_id=? AND id>?)" in newer
    assert "ix_log_key (key=?)" in plan(path, _log_entry(False, False, False, by_key=True))
