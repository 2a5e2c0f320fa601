"""What every command's words are made with."""

import argparse
import re
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

from reply_desktop.domain.notification import plain

MISUNDERSTOOD: Final = 64
"""Exit code for words that are no command (EX_USAGE of sysexits.h), which no finding of `check` has."""

_LONGEST = 1000
_LAST_PORT = 65535
_NUMBER = re.compile(r"-?[0-9]{1,9}")


class Parser(argparse.ArgumentParser):
    """A command's words. What is given as a value must not be empty, unless the argument has a type."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register("type", None, given)

    def add_subparsers(self, **kwargs: Any) -> Any:
        """The commands below this one; what follows their names is theirs to look at."""
        made = super().add_subparsers(**kwargs)
        made.type = str
        return made

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Nothing is left over for the command above, which could not say how this one is written."""
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"not understood: {' '.join(rest)}")
        return found, rest

    def error(self, message: str) -> NoReturn:
        """End with how it is written, and what of it was not understood."""
        self.print_usage(sys.stderr)
        self.exit(MISUNDERSTOOD, f"{self.prog}: error: {plain(message, _LONGEST)}\n")


def given(text: str) -> str:
    """The text. Raises ArgumentTypeError, which names the argument beside it, when there is none."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def given_path(text: str) -> Path:
    """The path. Raises as `given`: an empty one would be the folder one happens to be in."""
    return Path(given(text))


def add(
    parsers: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    """A command or action of this name; `text` says in one line what it does."""
    return parsers.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")


def with_json(parser: argparse._ActionsContainer) -> None:
    """The command can answer in JSON."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def number(text: str) -> int:
    """A whole number. Raises ArgumentTypeError, which names the option beside it."""
    if not _NUMBER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"“{plain(text, 20)}” is no whole number up to 999999999")
    return int(text)


def some_or_all(text: str) -> int:
    """How many are wanted, 0 for all. Raises as `number`."""
    if (found := number(text)) < 0:
        raise argparse.ArgumentTypeError(f"{found} is no number from 0 on")
    return found


def port(text: str) -> int:
    """A server's port. Raises as `number`."""
    if not 1 <= (found := number(text)) <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{found} is no port from 1 to {_LAST_PORT}")
    return found


def delimiter(text: str) -> str:
    """What stands between columns: one character, or the word tab. Raises as `number`."""
    found = "\t" if text in ("\\t", "tab") else text
    if len(found) != 1:
        raise argparse.ArgumentTypeError("must be one character, or tab")
    return found
