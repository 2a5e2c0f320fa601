"""What a prospect's row says, in texts and shapes."""

from itertools import pairwise

import pytest

from reply_desktop.domain.enrollment import EnrollmentState, FinishReason
from reply_desktop.domain.sequence_rows import PROSPECT_SORTS
from reply_desktop.ui.prospect_columns import PROSPECT_COLUMNS, PreparedProspect, ProspectCol, state_look
from tests.fakes.engine import NOW, prospect_row

EVERY = [
    *(prospect_row(1, state=state) for state in EnrollmentState if state is not EnrollmentState.FINISHED),
    *(prospect_row(2, state=EnrollmentState.FINISHED, finish_reason=why) for why in FinishReason),
]


def test_every_sort_is_one_the_engine_knows() -> None:
    assert {one.sort for one in PROSPECT_COLUMNS if one.sort} == set(PROSPECT_SORTS) - {"ordinal"}


def test_a_row_says_how_far_it_is_and_why() -> None:
    doubt = prospect_row(6, state=EnrollmentState.IN_DOUBT, account="ana@x.example")
    told = PreparedProspect(doubt, NOW)
    assert told.texts == (
        "In doubt", "p00006@company6.example", "1 of 3", "It may or may not have been sent.", "ana@x.example",
        "7 h ago", "–",
    )  # fmt: skip


@pytest.mark.parametrize("row", EVERY, ids=lambda row: f"{row.state} {row.finish_reason}")
def test_no_cell_is_silent_to_a_screen_reader(row: object) -> None:
    prepared = PreparedProspect(row, NOW)  # type: ignore[arg-type]
    assert all(prepared.accessible(col) for col in ProspectCol)


def test_states_are_told_apart_without_colour() -> None:
    looks = sorted((PreparedProspect(row, NOW).texts[0], state_look(row)[0]) for row in EVERY)
    assert all(one[0] != other[0] for one, other in pairwise(looks))


def test_tooltips_tell_fields_and_exact_times() -> None:
    told = PreparedProspect(prospect_row(2), NOW)
    assert told.tip(ProspectCol.EMAIL) == "p00002@company2.example\nfirst_name: María\ncompany: Company 2"
    assert "UTC" in (told.tip(ProspectCol.LAST) or "")
    waiting = PreparedProspect(prospect_row(3, state=EnrollmentState.WAITING, due_at=None), NOW)
    assert waiting.tip(ProspectCol.LAST) == "Nothing was sent yet"
    assert waiting.tip(ProspectCol.NEXT) == "Nothing is planned"


def test_markup_and_line_breaks_in_a_name_stay_text() -> None:
    row = prospect_row(1, email="a\nb@x.example", reason="<b>no</b>\u202e")
    told = PreparedProspect(row, NOW)
    assert told.texts[ProspectCol.EMAIL] == "a b@x.example" and told.texts[ProspectCol.REASON] == "<b>no</b>"
