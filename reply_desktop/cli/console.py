"""What a command writes: answers on standard output, everything else on standard error."""

import json
import re
import shutil
import textwrap
from types import MappingProxyType
from typing import Any, Final, TextIO

from reply_desktop.domain.notification import plain

MARKS: Final = MappingProxyType({"green": "●", "orange": "▲", "red": "✖", "grey": "○"})
"""Colour → its shape, so that status is never told by colour alone."""

_WIDTH = 60
_LONGEST = 10_000
_NARROWEST, _USUAL, _WIDEST = 40, 80, 100
"""Columns that text is folded to."""
_BEGINNING = re.compile(r" *\d+\. | *[^\s:][^:]{0,24}: +| *")
"""What the further lines of a folded one stand below: after the name in front, else the indent and number."""


class Console:
    """One command's outputs."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err

    def print(self, text: str) -> None:
        """One answer on standard output; what its encoding has not becomes a question mark."""
        encoding = self._out.encoding or "utf-8"
        self._out.write(text.encode(encoding, "replace").decode(encoding) + "\n")

    def fold(self, text: str) -> None:
        """Print a line that is for reading, over as many as it takes; links and commands stay whole."""
        if " " not in text.strip() or text.lstrip().startswith("reply-desktop "):
            self.print(text)
            return
        columns = shutil.get_terminal_size().columns if self.is_screen() else _USUAL
        beginning = _BEGINNING.match(text)
        assert beginning is not None
        self.print(
            textwrap.fill(
                text,
                max(_NARROWEST, min(columns, _WIDEST)),
                subsequent_indent=" " * beginning.end(),
                break_long_words=False,
                break_on_hyphens=False,
            )
        )

    def is_screen(self) -> bool:
        """Whether the answer is read where it is printed, and goes into no file or program."""
        return self._out.isatty()

    def json(self, document: dict[str, Any]) -> None:
        """The answer as JSON."""
        # A console or file of another encoding still gets JSON that anybody can read.
        wide = (self._out.encoding or "utf-8").lower().replace("_", "-") == "utf-8"
        self.print(json.dumps(document, ensure_ascii=not wide, indent=2))

    def say(self, text: str) -> None:
        """One line on standard error, whatever is quoted in it."""
        self._err.write(plain(text, _LONGEST) + "\n")
        self._err.flush()

    def progress(self, text: str, *, over: bool) -> None:
        """A line that the next one overwrites; nothing where nobody looks."""
        if self._err.isatty():
            self._err.write(f"\r{text:<{_WIDTH}}" + ("\n" if over else ""))
            self._err.flush()
