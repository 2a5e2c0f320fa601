"""What every command's words are made with."""

import argparse


def add(
    parsers: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    """A command or action of this name; `text` says in one line what it does."""
    return parsers.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")


def with_json(parser: argparse._ActionsContainer) -> None:
    """The command can answer in JSON."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def some_or_all(text: str) -> int:
    """How many are wanted, 0 for all. Raises ArgumentTypeError, which names the option beside it."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return int(text)
