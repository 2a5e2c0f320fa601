"""A sequence's row in words: what is wrong, what is next, what tooltips and screen readers tell."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reply_desktop.domain.problem import Problem
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.states import Color
from reply_desktop.ui.sequences_columns import (
    PROBLEM_WORDS,
    SEQUENCE_COLUMNS,
    PreparedSequence,
    SequenceCol,
    done_of,
    trouble_words,
)
from tests.fakes.engine import NOW, few_sequences, sequence_row

GREEN, ORANGE, RED, SCHEDULED, DRAFT = few_sequences()


def test_every_problem_and_every_column_has_words() -> None:
    assert set(PROBLEM_WORDS) == set(Problem)
    assert len(SEQUENCE_COLUMNS) == len(SequenceCol) and all(one.title for one in SEQUENCE_COLUMNS)


def test_a_row_in_short() -> None:
    assert PreparedSequence(ORANGE, NOW).texts == (
        "On",
        "Spring outreach",
        "Active",
        "200 of 1,200",
        "1,290",
        "2",
        "31",
        "in 4 min",
        "ana@brightfield.example and 1 more",
    )
    assert PreparedSequence(DRAFT, NOW).texts[SequenceCol.PROGRESS] == "–"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (GREEN, None),
        (ORANGE, ("ben@brightfield.example cannot send", Color.ORANGE)),
        (RED, ("No account can send", Color.RED)),
        (DRAFT, ("No prospects yet", Color.ORANGE)),
        (replace(RED, problem=None), ("ben@brightfield.example cannot send", Color.RED)),
        (
            replace(ORANGE, accounts_out=("a@x.example", "b@x.example", "c@x.example")),
            ("a@x.example and 2 more cannot send", Color.ORANGE),
        ),
    ],
)
def test_what_is_wrong_is_one_line_in_its_colour(row: object, said: object) -> None:
    assert trouble_words(row) == said  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "text", "tip"),
    [
        (GREEN, "in 4 min", "3 Mar 2026, 10:04:00 UTC"),
        (SCHEDULED, "in 12 min", "Begins 3 Mar 2026, 10:12:00 UTC"),
        (DRAFT, "–", "Nothing is planned"),
        (replace(GREEN, next_send_at=NOW - timedelta(seconds=1)), "now", "3 Mar 2026, 09:59:59 UTC"),
        (replace(GREEN, status=SequenceStatus.PAUSED), "–", "Nothing is planned"),
    ],
)
def test_what_is_next(row: object, text: str, tip: str) -> None:
    prepared = PreparedSequence(row, NOW)  # type: ignore[arg-type]
    assert prepared.texts[SequenceCol.NEXT] == text and prepared.tip(SequenceCol.NEXT).startswith(tip)


def test_the_switch_and_the_name_tell_why() -> None:
    prepared = PreparedSequence(ORANGE, NOW)
    assert prepared.tip(SequenceCol.TOGGLE) == ORANGE.tooltip
    assert prepared.tip(SequenceCol.NAME) == f"Spring outreach\n{ORANGE.tooltip}"
    assert prepared.accessible(SequenceCol.TOGGLE).startswith(
        "Spring outreach: Active, orange: Sending goes on"
    )
    assert prepared.accessible(SequenceCol.NAME) == "Spring outreach. ben@brightfield.example cannot send"


def test_the_counts_are_told_whole() -> None:
    prepared = PreparedSequence(ORANGE, NOW)
    assert prepared.tip(SequenceCol.PROGRESS) == (
        "1,200 prospects: 700 waiting, 298 active, 2 in doubt, 200 finished"
    )
    assert prepared.tip(SequenceCol.SENT) == "1,290 mails sent, 88 of them in the last 24 hours"
    assert prepared.tip(SequenceCol.REPLIED) == "31 replied, 8 bounced"
    assert "not known" in prepared.tip(SequenceCol.DOUBT)
    assert prepared.accessible(SequenceCol.DOUBT) == "2 in doubt"
    assert prepared.accessible(SequenceCol.SENT) == "1,290 sent, 88 in 24 h"
    assert prepared.accessible(SequenceCol.PROGRESS) == "200 of 1,200 done"


def test_accounts_are_listed_with_those_that_are_out() -> None:
    assert PreparedSequence(ORANGE, NOW).tip(SequenceCol.ACCOUNTS) == (
        "ana@brightfield.example\nben@brightfield.example: cannot send"
    )
    many = sequence_row(1, "M", accounts=tuple(f"a{n}@x.example" for n in range(30)))
    assert PreparedSequence(many, NOW).tip(SequenceCol.ACCOUNTS).endswith("a19@x.example\nand 10 more")
    none = PreparedSequence(sequence_row(1, "N", accounts=()), NOW)
    assert none.texts[SequenceCol.ACCOUNTS] == "–" and "No sending account" in none.tip(SequenceCol.ACCOUNTS)


def test_a_hostile_name_is_one_short_line() -> None:
    text = PreparedSequence(sequence_row(1, "a\n\u202eb" + "x" * 500), NOW).texts[SequenceCol.NAME]
    assert len(text) <= 200 and "\n" not in text and "\u202e" not in text


def test_progress_of_nobody_is_none() -> None:
    assert done_of(DRAFT) == 0.0 and done_of(GREEN) == 0.25
