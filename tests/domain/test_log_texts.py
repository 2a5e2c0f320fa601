"""What logs say: plain sentences that name the account, the prospect and what to do."""

import inspect
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reply_desktop.domain import log_texts
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.log_entry import LogEntry
from reply_desktop.domain.log_texts import Rest
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Sequence
from reply_desktop.domain.states import State
from reply_desktop.domain.window import SendingWindow

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANA = Account("a", Provider.GOOGLE, "ana@example.com", NOW, State.EXPIRED, Cause.GRANT_REVOKED)
VALUES: dict[str, Any] = {
    "sequence_id": "s", "sequence": Sequence("s", "Spring", NOW), "account": "ana@example.com",
    "address": "ana@example.com", "prospect": "pat@there.example", "rest": Rest(("ben@example.com",), 1),
    "key": "k", "now": NOW, "moves": True, "count": 3, "error": "450 slow", "until": NOW + timedelta(hours=4),
    "limit": 50, "late": 23, "by": timedelta(hours=-1), "since": NOW, "step": 2, "why": Cause.THROTTLED,
    "said": "5.1.1", "stops": True, "blind": ["ana@example.com"], "hard": True,
}  # fmt: skip

MAKERS = [
    make
    for name, make in inspect.getmembers(log_texts, inspect.isfunction)
    if not name.startswith("_") and inspect.signature(make).return_annotation is LogEntry
]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_every_entry_is_whole_sentences_on_one_line(make: Any) -> None:
    given = {
        name: ANA if parameter.annotation is Account else VALUES[name]
        for name, parameter in inspect.signature(make).parameters.items()
    }
    if make in (log_texts.failed, log_texts.in_doubt):
        given["why"] = "it was refused."
    entry = make(**given)
    assert entry.at == NOW and entry.sequence_id == "s"
    assert entry.text[0].isupper() or "@" in entry.text.split()[0] or entry.text[0].isdigit()
    assert entry.text.isprintable() and "  " not in entry.text and entry.text.rstrip()[-1] in ".:"
    for name in ("account", "prospect"):
        said = getattr(entry, name)
        assert said is None or "@" in said


def test_an_account_out_says_why_what_to_do_and_how_it_goes_on() -> None:
    text = log_texts.account_out("s", ANA, Rest(("ben@example.com",), 1), "k", NOW).text
    assert "ana@example.com cannot send" in text and "Reconnect" in text
    assert text.endswith("Sending goes on from ben@example.com.")
    many = log_texts.account_out("s", ANA, Rest(("b@x", "c@x", "d@x"), 9), "k", NOW).text
    assert many.endswith("b@x, c@x, d@x and 6 more.")
    assert "stands still" in log_texts.account_out("s", ANA, Rest((), 0), None, NOW).text
    paused = replace(ANA, state=State.PAUSED, cause=None)
    assert "you paused it" in log_texts.account_out("s", paused, Rest((), 0), None, NOW).text
    new = replace(ANA, state=State.NEW, cause=None)
    assert "not signed in" in log_texts.account_out("s", new, Rest((), 0), None, NOW).text


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=5), "1 minute"),
        (timedelta(minutes=44), "44 minutes"),
        (timedelta(hours=4, minutes=5), "4 hours"),
        (timedelta(days=3), "3 days"),
    ],
)
def test_spans_are_rounded_as_people_do(length: timedelta, said: str) -> None:
    assert (
        log_texts.repaced("s", 23, NOW + length, None, NOW).text
        == f"23 late mails leave over the next {said}."
    )


def test_times_are_those_of_the_sequences_window() -> None:
    berlin = Sequence("s", "Spring", NOW, window=SendingWindow(timezone="Europe/Berlin"))
    late = NOW.replace(hour=23, minute=30)
    there = "at 2026-03-03 00:30 (Europe/Berlin)"
    for entry in (
        log_texts.provider_limit(berlin, ANA, None, late, NOW),
        log_texts.limit_reached(berlin, "a@x", 50, late, NOW),
        log_texts.deferred(berlin, 1, ANA, "p@x", Cause.THROTTLED, None, late, "k", NOW),
        log_texts.disk_full(berlin, late, NOW),
    ):
        assert there in entry.text


def test_text_from_outside_is_plain() -> None:
    text = log_texts.failed("s", 1, "a@x", "p@x", "bad\n\u202etext\x00", "k", NOW).text
    assert text.isprintable() and "\u202e" not in text
