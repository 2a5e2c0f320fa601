"""Where the pictures and the style sheet lie: in the source tree, in a wheel, or in a frozen app."""

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "_resources", _PACKAGE.parent / "resources")


@cache
def resource(name: str) -> Path:
    """The path of one resource, as `icons/check.svg`. Raises FileNotFoundError when it was not shipped."""
    for place in _PLACES:
        if (path := place / name).is_file():
            return path
    raise FileNotFoundError(f"{name} was not shipped with this app")
