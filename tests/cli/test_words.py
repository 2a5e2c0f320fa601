"""What is written wrongly is named, with the command it belongs to."""

import argparse
from collections.abc import Callable

import pytest

from reply_desktop.cli import parser
from reply_desktop.cli.words import delimiter, number, port, some_or_all


def test_what_is_left_over_is_told_where_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser.build().parse_args(["check", "--bogus"])
    assert capsys.readouterr().err.startswith("usage: reply-desktop check ")


@pytest.mark.parametrize(
    ("argv", "missing"),
    [
        (["accounts", "diagnose", ""], "ADDRESS"),
        (["accounts", "pause", "a@b.cc", " "], "ADDRESS"),
        (["accounts", "add", "google", "--login-hint", ""], "--login-hint"),
        (["check", ""], "ADDRESS"),
        (["providers", "set", "microsoft", "--client-id", "\t"], "--client-id"),
        (["backup", ""], "FILE"),
        (["--data-dir", "", "check"], "--data-dir"),
        (["sequences", "show", ""], "SEQ"),
        (["sequences", "start", "Spring", "--at", ""], "--at"),
        (["suppressions", "add", ""], "EMAIL"),
        (["forecast", ""], "SEQ"),
        (["notifications", "read", ""], "ID"),
        (["notifications", "channel", "test", ""], "NAME"),
    ],
)
def test_what_is_empty_is_named(argv: list[str], missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser.build().parse_args(argv)
    assert caught.value.code == 64
    assert f"error: argument {missing}: must not be empty\n" in capsys.readouterr().err


def test_what_may_be_empty_is_taken() -> None:
    args = parser.build().parse_args(["suppressions", "add", "a@b.cc", "--note", ""])
    assert args.note == ""
    assert parser.build().parse_args(["suppressions", "list", "--text", ""]).text == ""


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (number, "-5", -5),
        (some_or_all, "0", 0),
        (port, "65535", 65535),
        (delimiter, ";", ";"),
        (delimiter, "tab", "\t"),
        (delimiter, "\\t", "\t"),
        (delimiter, " ", " "),
    ],
)
def test_taken(kind: Callable[[str], object], text: str, value: object) -> None:
    assert kind(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (number, "many"),
        (number, "1.5"),
        (number, "9" * 5000),
        (some_or_all, "-1"),
        (port, "0"),
        (port, "65536"),
        (delimiter, ""),
        (delimiter, "ab"),
    ],
)
def test_not_taken(kind: Callable[[str], object], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as told:
        kind(text)
    assert len(str(told.value)) < 80
