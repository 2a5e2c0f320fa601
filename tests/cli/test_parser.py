"""Every documented command is understood; anything else is refused."""

import argparse
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from reply_desktop.cli import parser

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")

GOOD = [
    [],
    ["--sandbox", "--data-dir", "/x", "--hidden"],
    ["accounts", "list", "--json"],
    ["accounts", "add", "google", "--login-hint", "a@b.cc"],
    ["accounts", "add", "microsoft", "--json"],
    ["accounts", "add", "other", "--address", "a@b.cc", "--smtp-host", "h", "--smtp-port", "465",
     "--smtp-security", "tls", "--imap-host", "h", "--imap-port", "993", "--imap-security", "tls", "--password-stdin"],
    ["accounts", "reconnect", "a@b.cc"],
    ["accounts", "reconnect", "a@b.cc", "--reading"],
    ["accounts", "add", "google", "--reading"],
    ["accounts", "pause", "a@b.cc"],
    ["accounts", "resume", "a@b.cc"],
    ["accounts", "remove", "a@b.cc", "--revoke"],
    ["accounts", "password", "a@b.cc", "--password-stdin", "--json"],
    ["check"],
    ["check", "a@b.cc", "c@d.ee", "--json"],
    ["providers", "list"],
    ["providers", "set", "google", "client_secret.json"],
    ["providers", "set", "microsoft", "--client-id", "x", "--authority", "https://a", "--graph", "https://g"],
    ["providers", "test", "google"],
    ["worker", "--once"],
    ["doctor", "--json"],
    ["export"],
    ["backup", "x.db"],
    ["restore", "x.db"],
    ["stop"],
]  # fmt: skip


@pytest.mark.parametrize("argv", GOOD, ids=" ".join)
def test_understood(argv: list[str]) -> None:
    args = parser.build().parse_args(argv)
    assert args.command == (argv[0] if argv and not argv[0].startswith("-") else None)


@pytest.mark.parametrize(
    "argv",
    [
        ["accounts"],
        ["nonsense"],
        ["accounts", "add", "other", "--address", "a@b.cc"],
        ["accounts", "password", "a@b.cc"],
        ["accounts", "add", "other", "--address", "a@b.cc", "--smtp-port", "99999", "--password-stdin"],
        ["providers", "set", "google"],
        ["check", "--bogus"],
        ["check", "--\x1b[31mred"],
    ],
    ids=" ".join,
)
def test_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser.build().parse_args(argv)
    assert caught.value.code == 64
    err = capsys.readouterr().err
    assert "usage:" in err and "\x1b" not in err


def test_worker_takes_the_folder_before_or_after() -> None:
    for argv in (["--sandbox", "--data-dir", "/x", "worker"], ["worker", "--data-dir", "/x", "--sandbox"]):
        args = parser.build().parse_args(argv)
        assert args.sandbox and str(args.data_dir) == "/x"


def commands(of: argparse.ArgumentParser, *said: str) -> Iterator[tuple[str, set[str]]]:
    """Every command there is: its words, and its options."""
    actions = of._actions
    inner = next((one for one in actions if isinstance(one, argparse._SubParsersAction)), None)
    if inner is not None:
        for word, below in inner.choices.items():
            yield from commands(below, *said, word)
    else:
        shown = [one for one in actions if one.help != argparse.SUPPRESS]
        yield " ".join(said), {name for one in shown for name in one.option_strings} - {"-h", "--help"}


def documented() -> Iterator[tuple[str, set[str]]]:
    """Every command in the table of the page, `pause|resume` being two."""
    rows = [line.split(" | ")[0] for line in PAGE.split("## ")[0].splitlines() if line.startswith("| `")]
    for text in re.findall(r"`([^`]+)`", " ".join(rows)):
        words = []
        for word in text.replace("\\|", "|").split():
            if not re.fullmatch(r"[a-z|-]+", word) or word.startswith("--"):
                break
            words.append(word.split("|"))
        for said in product(*words):
            yield " ".join(said), set(re.findall(r"--[a-z-]+", text))


def test_the_page_of_commands_has_every_command_with_its_options() -> None:
    there = dict(commands(parser.build()))
    # Which provider is tested is an argument, though the page writes it like a command.
    there |= {f"providers test {name}": there["providers test"] for name in ("google", "microsoft")}
    del there["providers test"]
    assert dict(documented()) == there
