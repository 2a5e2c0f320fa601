"""Names of merge fields: what a column header becomes, and what a mistyped name may have meant. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

ALWAYS_THERE: Final = ("email", "sender", "sender_name")
"""Fields every message has: the prospect's address, the sending account's, and the sender's name."""

_NO_NAMES: Final = frozenset(
    (
        "and",
        "else",
        "elif",
        "endif",
        "false",
        "for",
        "if",
        "in",
        "is",
        "none",
        "not",
        "or",
        "self",
        "set",
        "true",
    )
)
"""Words with a meaning of their own inside `{{ }}` and `{% %}`."""

_LONGEST: Final = 60


def field_name(header: str) -> str:
    """The merge field a header becomes: “First Name” → `first_name`; "" when there is nothing to name.

    Letters of any script stay; what the template language could not read as a name is changed.
    """
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", header).casefold())
    # NFKC once more: Python reads identifiers so, and casefolding can undo it.
    name = unicodedata.normalize("NFKC", "_".join(words)).strip("_")[:_LONGEST].rstrip("_")
    if not name:
        return ""
    if name in _NO_NAMES or not name.isidentifier():
        name = f"field_{name}"
    return name if name.isidentifier() else ""


def field_names(headers: Iterable[str]) -> list[str]:
    """A name for each header, none twice and none that is always there; nameless ones are numbered from 1."""
    taken = set(ALWAYS_THERE)
    names = []
    for number, header in enumerate(headers, start=1):
        wanted = field_name(header) or f"column_{number}"
        name, count = wanted, 1
        while name in taken:
            count += 1
            name = f"{wanted}_{count}"
        taken.add(name)
        names.append(name)
    return names


def near(name: str, known: Iterable[str]) -> str | None:
    """The known field a mistyped name most likely means, if any is near."""
    wanted = field_name(name)
    spelled = {one.replace("_", ""): one for one in known}
    found = get_close_matches(wanted.replace("_", ""), spelled, n=1, cutoff=0.75)
    return spelled[found[0]] if found and spelled[found[0]] != name else None
