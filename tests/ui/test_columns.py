"""Which columns fit, and what a row says."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.rows import SORTS
from reply_desktop.domain.states import State
from reply_desktop.ui import words
from reply_desktop.ui.columns import COLUMNS, Col, Prepared, fitting
from tests.fakes.engine import NOW, few, row

WIDTHS = {col: COLUMNS[col].least(lambda text: 6 * len(text)) for col in Col}
EVERY = frozenset(Col)


@pytest.mark.parametrize("width", range(340, 2400, 37))
def test_columns_fill_the_width_exactly_or_are_the_least(width: int) -> None:
    given = fitting(width, EVERY, WIDTHS)
    assert {Col.STATUS, Col.ACTION, Col.ADDRESS} <= set(given)
    assert sum(given.values()) == max(width, sum(WIDTHS[c] for c in (Col.STATUS, Col.ACTION, Col.ADDRESS)))


def test_the_least_important_column_goes_first() -> None:
    whole = sum(WIDTHS.values())
    assert set(fitting(whole, EVERY, WIDTHS)) == EVERY
    assert EVERY - set(fitting(whole - 1, EVERY, WIDTHS)) == {Col.NEXT}


def test_hidden_columns_stay_hidden_and_own_widths_stay() -> None:
    given = fitting(3000, EVERY - {Col.STRIP, Col.ADDRESS}, WIDTHS, frozenset({Col.CAUSE}))
    assert Col.STRIP not in given and Col.ADDRESS in given
    assert given[Col.CAUSE] == WIDTHS[Col.CAUSE]


def test_every_sort_has_its_column() -> None:
    assert {column.sort for column in COLUMNS if column.sort} == set(SORTS)


def test_a_row_says_everything_in_words() -> None:
    ben = Prepared(few()[1], NOW)
    assert ben.texts == (
        "Expired",
        "Reconnect",
        "ben@brightfield.example",
        "Google",
        "Access was removed or has expired",
        "2 h ago",
        "in 52 min",
        "Spring outreach",
        "14 / 50",
        "Last 30 days: 27 green, 2 orange, 1 red",
    )
    ana = Prepared(few()[0], NOW)
    assert ana.texts[Col.USED_BY] == "Spring outreach +1"
    assert ana.texts[Col.ACTION] == ana.texts[Col.CAUSE] == ""


def test_no_cell_is_silent_to_a_screen_reader() -> None:
    rows = [*few(), row(9, "n@x.example", state=State.NEW), row(10, "p@x.example", state=State.PAUSED)]
    for one in rows:
        prepared = Prepared(one, NOW)
        assert all(prepared.accessible(col) for col in Col)
    assert Prepared(few()[1], NOW).accessible(Col.ACTION) == "Reconnect ben@brightfield.example"


def test_tooltips_tell_more() -> None:
    ben = Prepared(few()[1], NOW)
    assert "UTC" in (ben.tip(Col.PROVEN) or "")
    assert "no longer accepts" in (ben.tip(Col.CAUSE) or "")
    assert ben.tip(Col.ACTION) == "Reconnect: ben@brightfield.example"
    never = Prepared(replace(few()[0], proven_at=None, next_check_at=None, used_by=()), NOW)
    assert never.tip(Col.PROVEN) == "Never proven"
    assert never.tip(Col.NEXT) == "No check is planned"
    assert never.tip(Col.USED_BY) == "No sequence uses this account"
    assert never.tip(Col.CAUSE) is None and never.tip(Col.ACTION) is None


def test_a_foreseen_end_stands_in_the_row_with_its_date_and_in_the_tooltip_with_its_reason() -> None:
    soon = NOW + timedelta(hours=30)
    warned = replace(
        few()[0], state=State.AT_RISK, cause=Cause.SIGN_IN_ENDS,
        deadline_at=soon, deadline_cause=Cause.SIGN_IN_ENDS,
    )  # fmt: skip
    prepared = Prepared(warned, NOW)
    assert prepared.texts[Col.CAUSE] == f"Sign-in ends about {words.moment(soon, NOW)}"
    assert prepared.accessible(Col.ACTION) == f"Reconnect {warned.address}"
    reason, ends = (prepared.tip(Col.CAUSE) or "").split("\n")
    assert "about the same time" in reason and words.exact(soon) in ends
    green = Prepared(replace(warned, state=State.CONNECTED, cause=None), NOW)
    assert green.texts[Col.CAUSE] == "" and words.exact(soon) in (green.tip(Col.CAUSE) or "")


def test_a_check_under_way_is_said() -> None:
    assert Prepared(replace(few()[0], checking=True), NOW).texts[Col.NEXT] == "checking…"


def test_an_unknown_state_has_no_button() -> None:
    blocked = row(1, "a@x.example", state=State.BLOCKED, cause=Cause.APP_REJECTED)
    assert Prepared(blocked, NOW).action is None
