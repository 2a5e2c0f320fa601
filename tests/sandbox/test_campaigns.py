"""The sandbox's own sequences: people no two alike, fields that are there, mail that is soon seen to leave."""

import csv
import re

import pytest

from reply_desktop.domain.address import parse_address
from reply_desktop.domain.merge_field import ALWAYS_THERE, field_name
from reply_desktop.sandbox.campaigns import CAMPAIGNS, Campaign


@pytest.mark.parametrize("campaign", CAMPAIGNS, ids=lambda one: one.name)
def test_every_field_a_step_names_is_in_the_file(campaign: Campaign) -> None:
    header, *rows = list(csv.reader(campaign.csv().splitlines()))
    there = {field_name(name) for name in header} | set(ALWAYS_THERE)
    sequence = campaign.sequence(("a1",))
    for step in sequence.steps:
        assert set(re.findall(r"{{ (\w+) }}", step.subject + step.body)) <= there
    assert len(rows) == campaign.people and all(all(row) for row in rows)
    assert all(parse_address(row[0]) == row[0] for row in rows)


def test_nobody_is_in_two_sequences() -> None:
    people = [row.partition(",")[0] for one in CAMPAIGNS for row in one.csv().splitlines()[1:]]
    assert len(people) == len(set(people)) == 60


def test_mail_leaves_within_seconds_at_any_hour() -> None:
    for campaign in CAMPAIGNS:
        sequence = campaign.sequence(("a1",))
        assert (sequence.window.days, sequence.window.opens, sequence.window.closes) == (
            (1, 2, 3, 4, 5, 6, 7),
            sequence.window.closes,
            sequence.window.opens,
        )
        assert sequence.gap_s[1] < 10 and [step.number for step in sequence.steps] == [1, 2, 3]
        assert sequence.steps[0].after_s == 0 and all(
            60 <= step.after_s <= 600 for step in sequence.steps[1:]
        )
        assert not any(step.subject for step in sequence.steps[1:]), "follow-ups stay in the thread"
