"""What a record says of when the trouble began, how long grants live, and who else has it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.case import Peer, named, sentence, span
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.provider import Provider
from tests.domain.diagnosing import NOW, account, ago, case, episode


def test_the_beginning_is_the_lasting_episodes() -> None:
    of = case()
    assert of.began_at == of.failed_at == ago(hours=2)
    assert (of.unused_s, of.is_watched, of.refused_again) == (180.0, True, False)
    assert of.grant_age_s == timedelta(days=40, hours=-2).total_seconds()


def test_an_account_that_is_well_has_no_beginning() -> None:
    assert case(account(None)).began_at is None


def test_a_sign_in_during_the_trouble_was_refused_again() -> None:
    of = case(account(granted_at=ago(minutes=10), proven_at=None))
    assert of.refused_again and of.failed_at == ago(minutes=5) and of.last_good_at == ago(minutes=10)
    assert of.grant_age_s == 300.0


def test_what_was_never_seen_working_has_no_last_good_time() -> None:
    of = case(account(granted_at=None, proven_at=None))
    assert of.last_good_at is None and of.unused_s is None and of.grant_age_s is None and not of.is_watched


def test_only_ends_between_proof_and_failure_fit() -> None:
    of = case(account(proven_at=ago(days=3)))
    assert of.may_have_ended(ago(days=2)) and of.may_have_ended(ago(hours=1, minutes=30))
    assert not of.may_have_ended(ago(days=4)) and not of.may_have_ended(NOW)


def test_a_rhythm_is_two_lives_alike_and_says_how_often() -> None:
    daily = case(None, episode(ago(hours=27), ago(hours=26)), episode(ago(hours=52), ago(hours=51)))
    assert daily.lives_s == (24 * 3600.0, 24 * 3600.0)
    assert daily.rhythm and (daily.rhythm.life_s, daily.rhythm.times) == (86_400.0, 3)
    uneven = case(None, episode(ago(hours=27), ago(hours=26)), episode(ago(hours=152), ago(hours=151)))
    assert uneven.rhythm is None
    assert case(None, episode(ago(hours=27), ago(hours=26))).rhythm is None


def test_short_lives_are_no_rhythm() -> None:
    tried = case(None, episode(ago(hours=4), ago(hours=3)), episode(ago(hours=6), ago(hours=5)))
    assert tried.lives_s == () and tried.rhythm is None


def test_those_lost_together_are_of_the_same_kind_and_time() -> None:
    peers = (
        Peer("ben@brightfield.example", Provider.GOOGLE, Cause.GRANT_REVOKED, ago(hours=2)),
        Peer("eva@other.example", Provider.GOOGLE, Cause.PASSWORD_CHANGED, ago(hours=2, minutes=20)),
        Peer("fox@brightfield.example", Provider.GOOGLE, Cause.GRANT_REVOKED, ago(hours=5)),
        Peer("gus@brightfield.example", Provider.GOOGLE, Cause.UNREACHABLE, ago(hours=2)),
    )
    of = case(peers=peers)
    assert of.same_provider == peers[:2] and of.same_domain == peers[:1]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (7 * 86_400 + 3600, "7 days and 1 hour"),
        (86_400, "1 day"),
        (86_400 + 60, "1 day"),
        (3 * 3600 + 120, "3 hours and 2 minutes"),
        (180, "3 minutes"),
        (185, "3 minutes"),
        (40, "40 seconds"),
        (0, "a moment"),
        (-5, "a moment"),
    ],
)
def test_spans_in_their_two_greatest_units(seconds: float, said: str) -> None:
    assert span(seconds) == said


@given(st.floats(min_value=0, max_value=1e9))
def test_a_span_is_never_empty_and_has_at_most_two_units(seconds: float) -> None:
    assert span(seconds) and span(seconds).count(" and ") <= 1 and "0 " not in f" {span(seconds)}"[:3]


def test_names_and_sentences() -> None:
    assert named("abcde") == "a, b, c and 2 more" and named("ab") == "a, b"
    assert sentence("the mail server said. the mail server") == "The mail server said. The mail server"
    assert sentence("ana@x.example was") == "ana@x.example was"
