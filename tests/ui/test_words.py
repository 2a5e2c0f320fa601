"""Times, counts and names in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import EpisodeRow
from reply_desktop.domain.states import Color, State
from reply_desktop.ui import words
from tests.fakes.engine import NOW, SERVERS, few, row

EAST = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("past", "said"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=-30), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=3, seconds=59), "3 min ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
        (timedelta(days=14), "17 Feb"),
        (timedelta(days=90), "3 Dec 2025"),
    ],
)
def test_ago(past: timedelta, said: str) -> None:
    assert words.ago(NOW - past, NOW) == said


def test_no_time_is_said_too() -> None:
    assert words.ago(None, NOW) == "never"
    assert words.until(None, NOW) == "–"
    assert words.exact(None) == ""


def test_until() -> None:
    assert words.until(NOW + timedelta(minutes=4, seconds=10), NOW) == "in 4 min"
    assert words.until(NOW + timedelta(seconds=20), NOW) == "in a moment"
    assert words.until(NOW - timedelta(seconds=1), NOW) == "now"


def test_exact_gives_local_time_and_utc() -> None:
    at = datetime(2026, 3, 3, 20, 5, 9, tzinfo=UTC)
    assert words.exact(at, UTC) == "3 Mar 2026, 20:05:09 UTC"
    assert words.exact(at, EAST) == "4 Mar 2026, 05:05:09 (3 Mar, 20:05:09 UTC)"


def test_countdown_never_goes_below_zero() -> None:
    assert [words.countdown(s) for s in (600, 59.9, -3)] == ["10:00", "0:59", "0:00"]


def test_counts_and_lists_of_names() -> None:
    assert words.count(1, "account") == "1 account"
    assert words.count(10_000, "account") == "10,000 accounts"
    assert words.few(["a@x.example"]) == "a@x.example"
    assert words.few(["a", "b"]) == "a and b"
    assert words.few(["a", "b", "c", "d"]) == "a, b and 2 more"
    assert words.few(["a", "b"], total=50) == "a, b and 48 more"


def test_an_other_account_has_the_mail_server_for_provider() -> None:
    other = row(
        1, "eva@x.example", provider=Provider.OTHER, state=State.AT_RISK, cause=Cause.PROVIDER_TROUBLE
    )
    told = words.cause_words(other)
    assert told is not None
    assert told.short == "The mail server has trouble"
    assert told.explanation.startswith("The mail server answered")
    known = words.cause_words(other, SERVERS)
    assert known is not None and known.short == "smtp.lindholm.example has trouble"


def test_every_cause_has_one_line_for_every_provider() -> None:
    for provider in Provider:
        for cause in Cause:
            told = words.wrong_words(row(1, "a@x.example", provider=provider, cause=cause))
            assert told and "{" not in told and told[0].isupper(), (provider, cause)


def test_a_foreseen_end_is_told_with_its_date() -> None:
    soon = NOW + timedelta(hours=30)
    warned = row(
        1, "a@x.example", state=State.AT_RISK, cause=Cause.CONSENT_ENDS,
        deadline_at=soon, deadline_cause=Cause.CONSENT_ENDS,
    )  # fmt: skip
    when = words.moment(soon, NOW)
    assert words.wrong_words(warned, NOW) == f"Sign-in ends {when}"
    assert words.wrong_words(warned, soon) == f"Sign-in was to end {when}"
    learnt = replace(warned, cause=Cause.SIGN_IN_ENDS, deadline_cause=Cause.SIGN_IN_ENDS)
    assert words.wrong_words(learnt, NOW) == f"Sign-in ends about {when}"
    assert words.mend_words(learnt) == "Reconnect"
    unused = replace(warned, state=State.PAUSED, cause=None, deadline_cause=Cause.IDLE_ENDS)
    assert words.wrong_words(unused, NOW) == f"Unused sign-in ends about {when}"
    assert words.mend_words(unused) is None
    assert words.wrong_words(replace(warned, state=State.CONNECTED, cause=None), NOW) == ""
    assert words.end_words(replace(warned, state=State.EXPIRED, cause=Cause.GRANT_REVOKED), NOW) is None
    assert words.end_words(warned, NOW, EAST) == f"Sign-in ends {words.moment(soon, NOW, EAST)}"


def test_what_mends_an_account() -> None:
    assert words.mend_words(row(1, "a@x.example")) is None
    assert words.mend_words(row(1, "a@x.example", state=State.NEW)) == "Sign in"
    dead = row(1, "a@x.example", state=State.EXPIRED, cause=Cause.GRANT_REVOKED)
    assert words.mend_words(dead) == "Reconnect"
    assert words.mend_words(replace(dead, provider=Provider.OTHER)) == "Edit credentials"
    blocked = row(1, "a@x.example", state=State.BLOCKED, cause=Cause.ADMIN_POLICY)
    assert words.mend_words(blocked) is None


def test_the_strip_is_also_told_in_words() -> None:
    assert words.strip_words("-" * 30) == "No checks in the last 30 days"
    assert words.strip_words("-" * 10 + "g" * 17 + "oor") == "Last 30 days: 17 green, 2 orange, 1 red"


def test_scopes_in_plain_words() -> None:
    assert words.granted_words(few()[0]) == ["See your address", "Send mail as you"]
    assert words.scope_words("https://graph.microsoft.com/Mail.Send") == "Send mail as you"
    assert words.scope_words("calendar.all") == "Other permission: calendar.all"
    assert words.scope_words("openid") is None


def test_an_episode_in_words() -> None:
    lasting = EpisodeRow(Cause.UNREACHABLE, Color.ORANGE, NOW - timedelta(minutes=5), None, None, None)
    short, when = words.episode_words(lasting, "a@x.example", "Google", NOW)
    assert short == "Cannot reach Google" and when.startswith("since ")
    over = replace(lasting, ended_at=NOW, ending="check_succeeded")
    assert words.episode_words(over, "a@x.example", "Google", NOW)[1].endswith(
        "for 5 min; worked again by itself"
    )


def test_pages_seen_in_the_browser_mean_causes_somebody_else_must_fix() -> None:
    for said in words.PAGE_SAID.values():
        assert len({text for text, _ in said}) == len(said)
        assert all(cause in CAUSES for _, cause in said)
