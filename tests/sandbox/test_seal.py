"""Sealed tokens: read by their sandbox alone, and as long as the providers' are."""

import pytest

from reply_desktop.sandbox.seal import Seal

NOTE = {"g": "0123456789abcdef", "x": 1_795_000_000.5}


def test_a_note_comes_back() -> None:
    seal = Seal(b"k" * 32)
    token = seal.write("1//0", NOTE, 104)
    assert seal.read("1//0", token) == NOTE
    assert token != seal.write("1//0", NOTE, 104)
    assert "0123456789abcdef" not in token


@pytest.mark.parametrize("length", [104, 218, 1_150, 1_800])
def test_a_token_is_as_long_as_asked(length: int) -> None:
    assert abs(len(Seal(b"k" * 32).write("EwA", NOTE, length)) - length) <= 3


@pytest.mark.parametrize("token", ["", "1//0", "1//0%%%", "1//0" + "A" * 100, "1//0" + "ä" * 9])
def test_what_it_did_not_write_is_nothing(token: str) -> None:
    assert Seal(b"k" * 32).read("1//0", token) is None


def test_another_key_prefix_or_a_changed_letter_is_nothing() -> None:
    token = Seal(b"k" * 32).write("1//0", NOTE, 104)
    assert Seal(b"j" * 32).read("1//0", token) is None
    assert Seal(b"k" * 32).read("ya29", "ya29" + token[4:]) is None
    assert Seal(b"k" * 32).read("1//0", token[:50] + ("A" if token[50] != "A" else "B") + token[51:]) is None
