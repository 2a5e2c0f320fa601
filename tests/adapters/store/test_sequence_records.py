from dataclasses import fields

import pytest
from hypothesis import given

from reply_desktop.adapters.store import sequence_records as records
from reply_desktop.adapters.store import sequence_tables as tables
from reply_desktop.domain.enrollment import Enrollment, Thread
from reply_desktop.domain.log_entry import LogEntry
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.sequence import Sequence
from reply_desktop.domain.touch import Touch
from tests.adapters.store.nouns import (
    a_prospect,
    an_entry,
    enrollments,
    entries,
    prospects,
    sequences,
    touches,
)

STORABLE = (str, int, float, bool, type(None))


def names(noun: type) -> set[str]:
    return {field.name for field in fields(noun)}


def test_every_field_has_its_column() -> None:
    assert {column.name for column in records.SEQUENCE} == names(Sequence) - {"accounts", "steps"}
    assert {column.name for column in records.PROSPECT} == names(Prospect)
    assert {column.name for column in records.TOUCH} == names(Touch)
    assert {column.name for column in records.LOG} == names(LogEntry)
    assert {column.name for column in records.ENROLLMENT} == (
        names(Enrollment) - {"thread"} | (names(Thread))
    )


@given(sequences, prospects, enrollments, touches, entries)
def test_values_are_what_sqlite_can_hold_and_fill_every_column(
    sequence: Sequence, prospect: Prospect, enrollment: Enrollment, touch: Touch, entry: LogEntry
) -> None:
    for values, table in (
        (records.sequence_values(sequence), tables.sequences),
        (records.prospect_values(prospect), tables.prospects),
        (records.enrollment_values(enrollment) | {"email_key": ""}, tables.enrollments),
        (records.touch_values(touch), tables.touches),
        (records.entry_values(entry) | {"id": 0}, tables.log),
    ):
        assert values.keys() == set(table.c.keys())
        assert all(type(value) in STORABLE for value in values.values())


@pytest.mark.parametrize(("one", "other"), [("Spring", " SPRING "), ("Straße", "STRASSE"), ("Ü", "ü")])
def test_names_are_alike_without_regard_to_case(one: str, other: str) -> None:
    assert records.name_key(one) == records.name_key(other)


def test_half_a_surrogate_pair_in_a_merge_field_does_not_stop_an_import() -> None:
    values = records.prospect_values(a_prospect(city="cut \ud83d", state="Überlingen"))
    assert records.fields_of(str(values["fields"])) == {"city": "cut ?", "state": "Überlingen"}


def test_a_search_in_the_log_looks_in_text_account_and_prospect() -> None:
    values = records.entry_values(
        an_entry("Access WAS removed.", account="Ann@X.example", prospect="bob@y.example")
    )
    assert values["sought"] == "access was removed.\nann@x.example\nbob@y.example"
