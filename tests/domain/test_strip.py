import string
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import example, given
from hypothesis import strategies as st

from reply_desktop.domain.states import Color
from reply_desktop.domain.strip import DAYS, Span, first_day, strip

NOW = datetime(2026, 3, 31, 15, 30, tzinfo=UTC)
FIRST, LAST = datetime(2026, 2, 20), datetime(2026, 4, 2)  # noqa: DTZ001 - Hypothesis adds the zone
times = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
spans = st.lists(st.builds(Span, st.sampled_from(Color), times, st.none() | times), max_size=6)


def slowly(now: datetime, granted_at: datetime | None, troubles: list[Span]) -> str:
    """The same told day by day, as a person would look it up."""
    letters = ""
    for back in reversed(range(DAYS)):
        day = (now - timedelta(days=back)).date()
        seen = {
            span.color
            for span in troubles
            if span.started_at.date()
            <= day
            <= (day if span.ended_at is None else max(span.ended_at, span.started_at).date())
        }
        if Color.RED in seen:
            letters += "r"
        elif Color.ORANGE in seen:
            letters += "o"
        else:
            letters += "g" if granted_at is not None and granted_at.date() <= day else "-"
    return letters


@given(st.none() | times, spans)
@example(None, [])
@example(NOW, [Span(Color.RED, NOW, None)])
@example(NOW, [Span(Color.RED, NOW, NOW - timedelta(days=3))])
def test_every_letter_is_the_worst_that_touched_its_day(
    granted_at: datetime | None, troubles: list[Span]
) -> None:
    told = strip(NOW, granted_at, troubles)
    assert len(told) == DAYS
    assert set(told) <= set("gor-")
    assert told == slowly(NOW, granted_at, troubles)


@given(st.none() | times, spans, spans)
def test_more_trouble_never_makes_a_day_look_better(
    granted_at: datetime | None, some: list[Span], more: list[Span]
) -> None:
    rank = "-gor".index
    fewer, all_of_them = strip(NOW, granted_at, some), strip(NOW, granted_at, some + more)
    assert all(rank(after) >= rank(before) for before, after in zip(fewer, all_of_them, strict=True))


def test_a_healthy_month_and_the_days_before_the_first_grant() -> None:
    assert strip(NOW, NOW - timedelta(days=400), []) == "g" * 30
    assert strip(NOW, NOW - timedelta(days=9), []) == "-" * 20 + "g" * 10
    assert strip(NOW, None, []) == "-" * 30


def test_days_are_counted_in_utc_whatever_the_zone_of_now() -> None:
    tokyo = timezone(timedelta(hours=9))
    late = datetime(2026, 4, 1, 0, 30, tzinfo=tokyo)
    assert first_day(late) == datetime(2026, 3, 2, tzinfo=UTC)
    assert strip(late, late, [Span(Color.ORANGE, late, None)]) == "-" * 29 + "o"


def test_trouble_that_ended_before_the_strip_begins_is_not_on_it() -> None:
    old = Span(Color.RED, NOW - timedelta(days=90), first_day(NOW) - timedelta(microseconds=1))
    assert strip(NOW, NOW - timedelta(days=90), [old]) == "g" * 30
    assert set(string.ascii_letters) & set(strip(NOW, None, [old])) == set()
