"""What alerts say: one account by name, several by number, reminders with “still”, long names cut."""

from dataclasses import replace

import pytest

from reply_desktop.domain.notification import NotificationKind, Severity
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.ui.alert_words import worded
from tests.fakes.engine import NOW

Kind = NotificationKind


def news(number: int, kind: Kind = Kind.ACCOUNT_LOST, address: str = "") -> NotificationRow:
    address = address or f"u{number}@acme.example"
    titles = {
        Kind.ACCOUNT_LOST: f"{address} cannot send",
        Kind.ACCOUNT_RECOVERED: f"{address} works again",
        Kind.DEADLINE_NEAR: f"{address}: the sign-in ends, by 5 Mar 10:00 UTC",
        Kind.ALERT_UNSENT: "Alert e-mail was not sent",
    }
    severity = Severity.INFO if kind is Kind.ACCOUNT_RECOVERED else Severity.CRITICAL
    account = None if kind is Kind.ALERT_UNSENT else f"a{number}"
    return NotificationRow(
        f"n{number}", f"e{number}", kind, severity, titles[kind], "Text.", NOW, account, False, False
    )


ADDRESSES = {f"a{number}": f"u{number}@acme.example" for number in range(60)}
LOST = [news(number) for number in range(4)]
NEAR = [news(number, Kind.DEADLINE_NEAR) for number in (7, 8)]
GOOD = [news(number, Kind.ACCOUNT_RECOVERED) for number in range(2)]


@pytest.mark.parametrize(
    ("told", "still", "title", "text"),
    [
        (LOST[:1], False, "u0@acme.example cannot send", "Text."),
        (LOST[:1], True, "u0@acme.example still cannot send", "Text."),
        (GOOD[:1], False, "u0@acme.example works again", "Text."),
        (NEAR[:1], True, "Still: u7@acme.example: the sign-in ends, by 5 Mar 10:00 UTC", "Text."),
        (
            LOST,
            False,
            "4 accounts need you",
            "u0@acme.example, u1@acme.example, u2@acme.example and 1 more cannot send.",
        ),
        (LOST[:2], True, "2 accounts still need you", "u0@acme.example and u1@acme.example cannot send."),
        (GOOD, False, "2 accounts work again", "u0@acme.example and u1@acme.example."),
        (
            NEAR,
            False,
            "2 sign-ins end soon",
            "u7@acme.example and u8@acme.example need you before that.",
        ),
        (
            [*LOST[:1], *NEAR[:1]],
            False,
            "2 accounts need you",
            "u0@acme.example cannot send; sign-in ends soon: u7@acme.example.",
        ),
        (
            [LOST[0], news(9, Kind.ALERT_UNSENT)],
            True,
            "2 problems still need you",
            "u0@acme.example cannot send; Alert e-mail was not sent",
        ),
    ],
)
def test_words(told: list[NotificationRow], still: bool, title: str, text: str) -> None:
    assert worded(told, ADDRESSES, still=still) == (title, text)


def test_without_addresses_the_titles_speak() -> None:
    title, text = worded(LOST, {})
    assert title == "4 problems need you"
    assert (
        text
        == "u0@acme.example cannot send; u1@acme.example cannot send; u2@acme.example cannot send and 1 more"
    )
    assert worded(GOOD, {})[0] == "Working again"


@pytest.mark.parametrize("still", [False, True])
def test_a_name_too_long_is_cut_and_not_what_is_the_matter(still: bool) -> None:
    row = news(1, address="x" * 500 + "@acme.example")
    for title in (row.title, row.title[:299] + "…"):
        said, _ = worded([replace(row, title=title)], {}, still=still)
        assert said == "x" * 71 + "…" + (" still cannot send" if still else " cannot send")
    assert len(said) <= 100


def test_two_news_of_one_account_are_two_problems() -> None:
    title, text = worded([LOST[0], replace(NEAR[0], account_id="a0")], ADDRESSES)
    assert title == "2 problems need you"
    assert text == "u0@acme.example cannot send; u7@acme.example: the sign-in ends, by 5 Mar 10:00 UTC"
