"""Spans of time as people write them: “3d 4h”, “90m”. Pure."""

import re
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.errors import InvalidInput

UNITS_S: Final = MappingProxyType({"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1})
"""Unit → its length in seconds."""

HOW: Final = "Write it like 3d 4h, 90m or 45s (w, d, h, m, s)."

_ONE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*(w|d|h|min|m|s)", re.ASCII | re.IGNORECASE)
_ALL = re.compile(rf"(?:{_ONE.pattern}\s*)+", re.ASCII | re.IGNORECASE)


def parse_duration(text: str) -> float:
    """The span in seconds; “0” needs no unit. Raises InvalidInput for anything else without one."""
    trimmed = text.strip()
    if trimmed == "0":
        return 0.0
    if not _ALL.fullmatch(trimmed):
        raise InvalidInput(f"“{trimmed[:40]}” is not a span of time.", HOW)
    return sum(float(number) * UNITS_S[unit.lower()[0]] for number, unit in _ONE.findall(trimmed))


def write_duration(seconds: float) -> str:
    """The span as `parse_duration` reads it, in the largest units that fit, exact to the microsecond."""
    whole, rest = divmod(round(seconds * 1_000_000), 1_000_000)
    words = []
    for unit, size in list(UNITS_S.items())[1:-1]:
        count, whole = divmod(whole, size)
        if count:
            words.append(f"{count}{unit}")
    if whole or rest:
        words.append(f"{whole}.{rest:06}".rstrip("0").rstrip(".") + "s")
    return " ".join(words) or "0"
