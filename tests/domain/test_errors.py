"""Errors say what and what to do, and cross the channel as what they were."""

import pytest

from reply_desktop.domain import errors
from reply_desktop.domain.errors import ERRORS, ReplyDesktopError


def test_every_error_has_its_code() -> None:
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, ReplyDesktopError)
    }
    assert set(ERRORS.values()) == kinds
    assert len(ERRORS) == len(kinds)


@pytest.mark.parametrize("kind", ERRORS.values())
def test_text(kind: type[ReplyDesktopError]) -> None:
    error = kind("It is broken.", "Mend it.")
    assert (str(error), error.what, error.todo) == ("It is broken. Mend it.", "It is broken.", "Mend it.")
    assert str(kind("It is broken.")) == "It is broken."
