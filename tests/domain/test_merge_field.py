"""Headers become names that the template language can read, each its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.merge_field import ALWAYS_THERE, field_name, field_names, near


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("First Name", "first_name"),
        ("  first_name ", "first_name"),
        ("E-Mail", "e_mail"),
        ("Straße / Nr.", "strasse_nr"),
        ("名前", "名前"),
        ("1st contact", "field_1st_contact"),
        ("if", "field_if"),
        ("Self", "field_self"),
        ("{{ company }}", "company"),
        ("__x__", "x"),
        ("", ""),
        (" -- ", ""),
        ("😀", ""),
    ],
)
def test_a_header_becomes_a_name(header: str, name: str) -> None:
    assert field_name(header) == name


@given(st.text(max_size=100))
def test_a_name_can_be_read_and_stays_as_it_is(header: str) -> None:
    name = field_name(header)
    assert not name or name.isidentifier()
    assert field_name(name) == name


@given(st.lists(st.text(max_size=12), max_size=12))
def test_no_name_comes_twice(headers: list[str]) -> None:
    names = field_names(headers)
    assert len({*names, *ALWAYS_THERE}) == len(headers) + len(ALWAYS_THERE)
    assert all(name.isidentifier() for name in names)


def test_twins_and_nameless_columns_are_numbered() -> None:
    assert field_names(["Name", "name", "", "Sender", "Email", "NAME"]) == [
        "name",
        "name_2",
        "column_3",
        "sender_2",
        "email_2",
        "name_3",
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("firstname", "first_name"),
        ("frist_name", "first_name"),
        ("First_Name", "first_name"),
        ("compny", "company"),
        ("company", None),
        ("weather", None),
    ],
)
def test_a_mistyped_name_finds_the_one_it_means(name: str, meant: str | None) -> None:
    assert near(name, ["first_name", "last_name", "company"]) == meant
