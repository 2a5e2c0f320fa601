"""The forecast adds up, keeps every limit and window, and its work grows no faster than its mails."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reply_desktop.domain.forecast import Due, SendingAccount, SendingSequence, forecast
from reply_desktop.domain.pace import Pace
from reply_desktop.domain.sequence import Ramp, SequenceStatus
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence_rows import Forecast, ForecastCell
from reply_desktop.domain.window import SendingWindow
from tests.harness.work import calls_of

NOW = datetime(2026, 3, 2, 12, 17, 3, tzinfo=UTC)  # a Monday
NOON = NOW.replace(minute=0, second=0)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ALWAYS = SendingWindow((1, 2, 3, 4, 5, 6, 7), time(), time())


def account(name: str, limit: int = 1000, **given: object) -> SendingAccount:
    fields: dict[str, object] = {"can_send": True, "pace": Pace(name), **given}
    return SendingAccount(name, f"{name}@x.example", limit=limit, **fields)  # type: ignore[arg-type]


def sequence(name: str = "s", accounts: Sequence[str] = ("a",), **given: object) -> SendingSequence:
    fields: dict[str, object] = {"window": ALWAYS, "gap_s": (60.0, 60.0), **given}
    counted = fields.pop("counted", {})
    return SendingSequence(
        MailSequence(name, name, NOW, SequenceStatus.RUNNING, tuple(accounts), **fields),  # type: ignore[arg-type]
        counted,  # type: ignore[arg-type]
    )


def told(seen: Forecast) -> dict[str, list[tuple[int, int]]]:
    """Address → (hour, count), to read."""
    cells: dict[str, list[tuple[int, int]]] = {}
    for cell in seen.cells:
        cells.setdefault(cell.account, []).append(((cell.at - seen.begins_at) // HOUR, cell.count))
    return cells


def total(seen: Forecast) -> int:
    return sum(cell.count for cell in seen.cells) + seen.held + seen.beyond


def test_nothing_due_nothing_told() -> None:
    assert forecast([], [sequence()], [account("a")], NOW) == Forecast(NOON, 24, (), 0, None, 0, 0)


def test_mail_leaves_a_gap_apart_from_now_on() -> None:
    seen = forecast([Due("s", "a", NOW - HOUR, 100)], [sequence()], [account("a")], NOW)
    assert told(seen) == {"a@x.example": [(0, 43), (1, 57)]}
    assert (seen.late, seen.held, seen.beyond) == (100, 0, 0)
    assert seen.late_until == NOW + 99 * MINUTE


def test_what_is_due_later_leaves_later() -> None:
    dues = [Due("s", "a", NOON + 55 * MINUTE, 1), Due("s", "a", NOON + 3 * HOUR, 2)]
    seen = forecast(dues, [sequence()], [account("a")], NOW)
    assert told(seen) == {"a@x.example": [(0, 1), (3, 2)]}
    assert (seen.late, seen.late_until) == (0, None)


def test_what_is_due_after_the_end_is_not_told() -> None:
    dues = [Due("s", "a", NOON + 24 * HOUR, 5), Due("s", "a", NOON + 24 * HOUR - MINUTE, 1)]
    assert total(forecast(dues, [sequence()], [account("a")], NOW)) == 1


def test_an_account_that_is_out_holds_its_own_mail_and_new_ones_go_to_the_others() -> None:
    accounts = [account("a", can_send=False), account("b")]
    dues = [Due("s", "a", NOW, 7), Due("s", None, NOW, 5), Due("s", "gone", NOW, 2)]
    seen = forecast(dues, [sequence(accounts=("a", "b"))], accounts, NOW)
    assert told(seen) == {"b@x.example": [(0, 5)]}
    assert (seen.held, seen.beyond) == (9, 0)


def test_without_any_account_all_is_held() -> None:
    seen = forecast([Due("s", None, NOW - HOUR, 5)], [sequence()], [account("a", can_send=False)], NOW)
    assert (seen.cells, seen.held, seen.late, seen.late_until) == ((), 5, 0, None)


def test_new_prospects_are_shared_evenly() -> None:
    accounts = [account("a"), account("b"), account("c")]
    seen = forecast([Due("s", None, NOW, 90)], [sequence(accounts=("a", "b", "c"))], accounts, NOW)
    assert Counter({cell.account: cell.count for cell in seen.cells}) == {
        "a@x.example": 30, "b@x.example": 30, "c@x.example": 30,
    }  # fmt: skip


def test_no_gap_still_shares_evenly() -> None:
    accounts = [account("a"), account("b", limit=10), account("c")]
    given_ = sequence(accounts=("a", "b", "c"), gap_s=(0.0, 0.0))
    assert told(forecast([Due("s", None, NOW, 90)], [given_], accounts, NOW)) == {
        "a@x.example": [(0, 40)],
        "b@x.example": [(0, 10)],
        "c@x.example": [(0, 40)],
    }


def test_follow_ups_come_before_new_prospects() -> None:
    dues = [Due("s", None, NOW - HOUR, 100), Due("s", "a", NOW - MINUTE, 5)]
    seen = forecast(dues, [sequence()], [account("a", limit=5)], NOW)
    assert (seen.beyond, seen.late, seen.late_until) == (100, 5, NOW + 4 * MINUTE)


@pytest.mark.parametrize("daily_limit", [None, 10])
def test_two_sequences_on_one_account_are_no_faster_and_neither_keeps_it_from_the_other(
    daily_limit: int | None,
) -> None:
    dues = [Due("s", "a", NOW, 500), Due("t", "a", NOW, 500)]
    one = sequence("s", gap_s=(180.0, 180.0), daily_limit=daily_limit)
    other = sequence("t", gap_s=(180.0, 180.0))
    alone, both = (
        forecast(dues[1:], [other], [account("a")], NOW),
        forecast(dues, [one, other], [account("a")], NOW),
    )
    assert both.cells == alone.cells
    assert both.beyond == alone.beyond + 500


def test_a_sequence_with_little_to_send_is_not_kept_waiting_by_one_with_much() -> None:
    dues = [Due("s", "a", NOW - HOUR, 5), Due("t", "a", NOW, 500)]
    given_ = [sequence("t", gap_s=(300.0, 300.0)), sequence("s", gap_s=(300.0, 300.0))]
    seen = forecast(dues, given_, [account("a")], NOW)
    assert seen.late_until is not None
    assert seen.late_until - NOW <= timedelta(minutes=5 * 10)


def test_the_window_keeps_mail_in_and_the_rest_goes_beyond() -> None:
    window = SendingWindow(opens=time(9), closes=time(13))
    seen = forecast([Due("s", "a", NOW, 500)], [sequence(window=window)], [account("a")], NOW)
    assert told(seen) == {"a@x.example": [(0, 43), (21, 60), (22, 60), (23, 60)]}
    assert seen.beyond == 500 - 223


def test_a_scheduled_sequence_begins_when_it_is_to() -> None:
    given_ = sequence(start_at=NOW + HOUR)
    given_ = replace(given_, sequence=replace(given_.sequence, status=SequenceStatus.SCHEDULED))
    assert told(forecast([Due("s", "a", NOW, 3)], [given_], [account("a")], NOW)) == {"a@x.example": [(1, 3)]}


def test_a_sequence_that_is_off_or_not_given_is_left_out() -> None:
    off = replace(sequence(), sequence=replace(sequence().sequence, status=SequenceStatus.PAUSED))
    seen = forecast([Due("s", "a", NOW, 3), Due("t", "a", NOW, 3)], [off], [account("a")], NOW)
    assert total(seen) == 0


@pytest.mark.parametrize(
    "pace",
    [Pace("a", free_at=NOW + 2 * HOUR), Pace("a", held_until=NOW + 2 * HOUR)],
)
def test_gap_and_hold_are_waited_for(pace: Pace) -> None:
    seen = forecast([Due("s", "a", NOW, 1)], [sequence()], [account("a", pace=pace)], NOW)
    assert told(seen) == {"a@x.example": [(2, 1)]}


def test_a_full_account_goes_on_when_its_oldest_mail_stops_counting() -> None:
    counted = [NOW - 23 * HOUR + index * MINUTE for index in range(10, -1, -1)]
    seen = forecast([Due("s", "a", NOW, 30)], [sequence()], [account("a", limit=11, counted=counted)], NOW)
    assert told(seen) == {"a@x.example": [(1, 11)]}
    assert seen.beyond == 19


def test_the_limit_of_a_sequence_is_its_own() -> None:
    dues = [Due("s", "a", NOW, 30), Due("t", "a", NOW, 30)]
    counted = {"a": [NOW - HOUR, NOW - 23 * HOUR]}
    given_ = [sequence("s", daily_limit=5, counted=counted), sequence("t")]
    seen = forecast(dues, given_, [account("a")], NOW, 12)
    assert sum(cell.count for cell in seen.cells) == 34, "three, and a fourth when the oldest stops counting"
    assert seen.beyond == 26


def test_warming_up_lets_more_go_on_the_second_day() -> None:
    given_ = sequence(ramp=Ramp(5, 3))
    pace = Pace("a", first_sent_at=NOW - 22 * HOUR)
    counted = [NOW - 22 * HOUR] * 5
    seen = forecast([Due("s", "a", NOW, 30)], [given_], [account("a", pace=pace, counted=counted)], NOW)
    assert told(seen) == {"a@x.example": [(2, 8)]}


def test_warming_up_lets_go_before_the_oldest_mail_stops_counting() -> None:
    pace = Pace("a", first_sent_at=NOW - 47 * HOUR)
    given_ = account("a", pace=pace, counted=[NOW - HOUR, NOW - 2 * HOUR])
    seen = forecast([Due("s", "a", NOW, 30)], [sequence(ramp=Ramp(1, 1))], [given_], NOW, 12)
    assert told(seen) == {"a@x.example": [(1, 1)]}


def test_a_week_ahead_counts_each_day_anew() -> None:
    seen = forecast([Due("s", "a", NOW, 300)], [sequence()], [account("a", limit=40)], NOW, 24 * 7)
    assert sum(cell.count for cell in seen.cells) == 280
    assert seen.beyond == 20


NAMES = "abc"
sevens = st.sampled_from([1, 2, 7, 25])
moments = st.integers(-300, 30 * 60).map(lambda minutes: NOW + minutes * MINUTE)
dues_ = st.lists(
    st.builds(Due, st.sampled_from("stz"), st.none() | st.sampled_from("abcx"), moments, sevens), max_size=12
)
accounts_ = st.tuples(
    *(
        st.builds(
            account,
            st.just(name),
            st.sampled_from([0, 1, 5, 30]),
            can_send=st.booleans(),
            counted=st.lists(st.integers(0, 1439), max_size=8).map(
                lambda ago: [NOW - one * MINUTE for one in sorted(ago)]
            ),
            pace=st.builds(Pace, st.just(name), free_at=st.none() | moments),
        )
        for name in NAMES
    )
)
windows_ = st.sampled_from(
    [
        ALWAYS,
        SendingWindow(opens=time(9, 7), closes=time(14, 23)),
        SendingWindow((2,), time(0), time(3), "Australia/Lord_Howe"),
        SendingWindow(days=()),
    ]
)
sequences_ = st.tuples(
    *(
        st.builds(
            sequence,
            st.just(name),
            st.lists(st.sampled_from(NAMES), unique=True),
            window=windows_,
            gap_s=st.sampled_from([(0.0, 0.0), (30.0, 90.0), (600.0, 1500.0)]),
            daily_limit=st.none() | st.sampled_from([1, 10]),
            ramp=st.none() | st.just(Ramp(2, 2)),
        )
        for name in "st"
    )
)


@settings(max_examples=100, deadline=None)
@given(dues_, accounts_, sequences_, st.sampled_from([1, 24, 60]))
def test_it_adds_up_and_keeps_to_limits_and_windows(
    dues: list[Due],
    accounts: tuple[SendingAccount, ...],
    sequences: tuple[SendingSequence, ...],
    hours: int,
) -> None:
    seen = forecast(dues, sequences, accounts, NOW, hours)
    by_id = {one.sequence.id: one.sequence for one in sequences}
    known = [due for due in dues if due.sequence_id in by_id and due.at < NOON + hours * HOUR]
    assert total(seen) == sum(due.count for due in known)
    assert seen.late <= sum(due.count for due in known if due.at < NOW)
    assert seen.late_until is None or NOW <= seen.late_until < NOON + hours * HOUR
    assert len({(cell.at, cell.account) for cell in seen.cells}) == len(seen.cells)
    for one in accounts:
        sent = {cell.at: cell.count for cell in seen.cells if cell.account == one.address}
        assert one.can_send or not sent
        for at in sent:
            # Cells are an hour wide, so what lies wholly within 24 hours is what can be judged.
            assert sum(count for when, count in sent.items() if at <= when <= at + 23 * HOUR) <= one.limit
            span = [at + minute * MINUTE for minute in range(60)]
            assert any(_may(by_id[due.sequence_id], due, one, moment) for due in known for moment in span)
            assert (
                one.pace.free_at is None or one.pace.free_at < at + HOUR or one.pace.free_at > NOW + 24 * HOUR
            )
        if hours <= 24:
            counted = sum(when > NOW for when in (at + 24 * HOUR for at in one.counted))
            assert sum(sent.values()) <= max(one.limit - counted, 0) + counted


def _may(sequence: MailSequence, due: Due, account: SendingAccount, moment: datetime) -> bool:
    theirs = due.account_id == account.id or (due.account_id is None and account.id in sequence.accounts)
    return theirs and sequence.window.is_open(moment) and due.at <= moment


@pytest.mark.parametrize("limit", [50, 2000])
def test_ten_thousand_mails_and_fifty_accounts_are_no_more_than_ten_times_the_work_of_a_thousand(
    limit: int,
) -> None:
    names = [f"a{index}" for index in range(50)]
    accounts = [account(name, limit) for name in names]
    sequences = [sequence(f"s{index}", names[index * 10 : index * 10 + 10]) for index in range(5)]

    def look_ahead(mails: int) -> None:
        dues = [
            Due(
                f"s{index % 5}",
                names[index % 5 * 10 + index % 10] if index % 3 else None,
                NOW + index % 1440 * MINUTE,
                1,
            )
            for index in range(mails)
        ]
        seen = forecast(dues, sequences, accounts, NOW)
        assert total(seen) == sum(due.count for due in dues if due.at < NOON + 24 * HOUR)

    assert calls_of(lambda: look_ahead(10_000)) <= 10 * calls_of(lambda: look_ahead(1_000))


def test_cells_come_by_hour_then_in_the_order_of_the_accounts() -> None:
    dues = [Due("s", "b", NOW, 1), Due("s", "a", NOW, 1), Due("s", "b", NOW + HOUR, 1)]
    seen = forecast(dues, [sequence(accounts=("b", "a"))], [account("b"), account("a")], NOW)
    assert seen.cells == (
        ForecastCell(NOON, "b@x.example", 1),
        ForecastCell(NOON, "a@x.example", 1),
        ForecastCell(NOON + HOUR, "b@x.example", 1),
    )
