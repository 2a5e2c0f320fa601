"""What a command writes: answers on standard output, everything else on standard error."""

import json
from types import MappingProxyType
from typing import Any, Final, TextIO

MARKS: Final = MappingProxyType({"green": "●", "orange": "▲", "red": "✖", "grey": "○"})
"""Colour → its shape, so that status is never told by colour alone."""

_WIDTH = 60


class Console:
    """One command's outputs."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err

    def print(self, text: str) -> None:
        """One answer on standard output; what its encoding has not becomes a question mark."""
        encoding = self._out.encoding or "utf-8"
        self._out.write(text.encode(encoding, "replace").decode(encoding) + "\n")

    def json(self, document: dict[str, Any]) -> None:
        """The answer as JSON."""
        # A console or file of another encoding still gets JSON that anybody can read.
        wide = (self._out.encoding or "utf-8").lower().replace("_", "-") == "utf-8"
        self.print(json.dumps(document, ensure_ascii=not wide, indent=2))

    def say(self, text: str) -> None:
        """One line on standard error."""
        self._err.write(text + "\n")
        self._err.flush()

    def progress(self, text: str, *, over: bool) -> None:
        """A line that the next one overwrites; nothing where nobody looks."""
        if self._err.isatty():
            self._err.write(f"\r{text:<{_WIDTH}}" + ("\n" if over else ""))
            self._err.flush()
