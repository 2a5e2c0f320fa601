"""Every cause has words a person can act on."""

import re

import pytest

from reply_desktop.domain.causes import CAUSES, WHO_WORDS, Cause, Who, words
from reply_desktop.domain.states import OutcomeKind


def test_every_cause_has_one_row() -> None:
    assert set(CAUSES) == set(Cause)
    assert set(WHO_WORDS) == set(Who)


@pytest.mark.parametrize("cause", Cause)
def test_words_are_filled_short_and_plain(cause: Cause) -> None:
    told = words(cause, "ana@example.com", "Google")
    for text in (told.short, told.explanation, told.who_fixes, *told.steps):
        assert text
        assert not re.search(r"[{}<>]|  ", text)
        assert "AADSTS" not in text and "invalid_grant" not in text and "gcloud" not in text
    assert len(told.short) <= 60
    assert told.steps
    assert all(text.endswith(".") for text in (told.explanation, *told.steps))


@pytest.mark.parametrize(
    "cause", [cause for cause, row in CAUSES.items() if row.kind is OutcomeKind.TRANSIENT]
)
def test_passing_trouble_asks_for_no_sign_in_first(cause: Cause) -> None:
    assert "Reconnect" not in CAUSES[cause].steps[0]


@pytest.mark.parametrize("cause", [cause for cause, row in CAUSES.items() if row.who is Who.NOBODY])
def test_that_it_mends_itself_is_said_once(cause: Cause) -> None:
    told = words(cause, "ana@example.com", "Google")
    said = " ".join((told.who_fixes, *told.steps))
    assert len(re.findall(r"Nothing to do|need not act|by itself", said)) == 1


@pytest.mark.parametrize("cause", [cause for cause, row in CAUSES.items() if row.app_level])
def test_app_level_trouble_never_means_each_account_must_sign_in(cause: Cause) -> None:
    assert CAUSES[cause].kind is not OutcomeKind.LOST


@pytest.mark.parametrize("cause", [cause for cause, row in CAUSES.items() if row.kind is OutcomeKind.LOST])
def test_lost_names_reconnect_or_credentials(cause: Cause) -> None:
    assert any("Reconnect" in step or "Edit credentials" in step for step in CAUSES[cause].steps)


def test_kind_ok_has_no_cause() -> None:
    assert all(row.kind is not OutcomeKind.OK for row in CAUSES.values())


def test_braces_in_an_address_are_not_filled_in() -> None:
    told = words(Cause.WRONG_MAILBOX, "{address}@example.com", "Google")
    assert "{address}@example.com" in told.explanation
