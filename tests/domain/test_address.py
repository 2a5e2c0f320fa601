"""Addresses people type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.address import domain_of, parse_address, same_mailbox
from reply_desktop.domain.errors import InvalidInput

GOOD = {
    " Ana@Example.COM ": "ana@example.com",
    "o'brien+tag@mail.example.co.uk": "o'brien+tag@mail.example.co.uk",
    "jürgen@bücher.example": "jürgen@bücher.example",
    "a.b-c_d@xn--bcher-kva.example": "a.b-c_d@xn--bcher-kva.example",
}

BAD = [
    "",
    "ana",
    "@example.com",
    "ana@",
    "ana@example",
    "a b@example.com",
    "ana@exa mple.com",
    "ana@-x.example",
    ".ana@example.com",
    "ana.@example.com",
    "a..b@example.com",
    "ana@example..com",
    "ana@example.com\r\nBcc: x@y.zz",
    "<ana@example.com>",
    "ana@example.com,ben@example.com",
    "a" * 65 + "@example.com",
    "a@" + "b" * 250 + ".com",
    "ana\x00@example.com",
    "ana\u2028x@example.com",
    "jürgen<x>@example.com",
    "\u202eana@example.com",
]


@pytest.mark.parametrize(("typed", "meant"), GOOD.items())
def test_good(typed: str, meant: str) -> None:
    assert parse_address(typed) == meant


@pytest.mark.parametrize("typed", BAD)
def test_bad_is_named_and_told_how_to_mend(typed: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_address(typed)
    assert caught.value.what and caught.value.todo


def test_nothing_is_said_to_be_missing() -> None:
    with pytest.raises(InvalidInput, match="The mail address is missing"):
        parse_address(" ")


@given(st.text(max_size=80))
def test_anything_parses_or_is_refused_and_never_holds_a_line_break(typed: str) -> None:
    try:
        address = parse_address(typed)
    except InvalidInput:
        return
    assert "\n" not in address and "\r" not in address and " " not in address
    assert parse_address(address) == address


def test_same_mailbox_ignores_case_only() -> None:
    assert same_mailbox("Ana@Example.com", " ana@example.com")
    assert not same_mailbox("a.na@example.com", "ana@example.com")
    assert domain_of("Ana@Example.COM") == "example.com"
