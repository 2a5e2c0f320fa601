"""Reasons are weighed by what our own record says, and every one says what speaks for it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.account import Account
from reply_desktop.domain.case import Case, Peer
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import OutcomeKind
from reply_desktop.domain.suspects import SUSPECTS, Candidate, Reason, Weight, candidates
from tests.domain.diagnosing import NOW, account, ago, case, episode

LIKELY, POSSIBLE, UNLIKELY = Weight


def found(of: Case) -> dict[Reason, Candidate]:
    return {one.reason: one for one in candidates(of)}


def likely(of: Case) -> set[Reason]:
    return {one.reason for one in candidates(of) if one.weight is LIKELY}


def others(count: int, domain: str, provider: Provider = Provider.GOOGLE) -> tuple[Peer, ...]:
    return tuple(
        Peer(f"p{number}@{domain}", provider, Cause.GRANT_REVOKED, ago(hours=2)) for number in range(count)
    )


def test_a_sudden_end_of_one_account_is_a_persons_act() -> None:
    of = case()
    assert likely(of) == {Reason.ACCESS_REMOVED, Reason.PASSWORD_CHANGED}
    assert "3 minutes before" in found(of)[Reason.ACCESS_REMOVED].why
    assert (
        found(of)[Reason.UNUSED].weight is UNLIKELY and "not for want of use" in found(of)[Reason.UNUSED].why
    )


def test_seven_days_after_the_sign_in_it_is_testing_mode() -> None:
    of = case(account(granted_at=ago(days=7, hours=3)))
    assert likely(of) == {Reason.TESTING_MODE}
    assert found(of)[Reason.TESTING_MODE].why.startswith("It was signed in 7 days and 1 hour before")
    assert candidates(of)[0].reason is Reason.TESTING_MODE


@pytest.mark.parametrize(("days", "said"), [(3, "only"), (30, "older than 7 days")])
def test_testing_mode_is_ruled_out_by_other_ages(days: int, said: str) -> None:
    one = found(case(account(granted_at=ago(days=days))))[Reason.TESTING_MODE]
    assert one.weight is UNLIKELY and said in one.why


def test_an_end_that_nobody_watched_is_only_possible() -> None:
    of = case(account(granted_at=ago(days=12), proven_at=ago(days=11)))
    assert found(of)[Reason.TESTING_MODE].weight is POSSIBLE
    assert found(of)[Reason.ACCESS_REMOVED].weight is POSSIBLE


def test_the_third_time_after_a_day_looks_like_a_rule() -> None:
    of = case(None, episode(ago(hours=27), ago(hours=26)), episode(ago(hours=52), ago(hours=51)))
    one = found(of)[Reason.SESSION_POLICY]
    assert one.weight is LIKELY and "third time, each about 1 day after the sign-in" in one.why
    assert found(of)[Reason.ACCESS_REMOVED].weight is POSSIBLE


def test_the_third_time_after_a_week_is_testing_mode_and_no_rule() -> None:
    of = case(
        account(granted_at=ago(days=7, hours=2)),
        episode(ago(days=8), ago(days=7, hours=2)),
        episode(ago(days=16), ago(days=15)),
    )
    assert likely(of) == {Reason.TESTING_MODE} and "third time" in found(of)[Reason.TESTING_MODE].why


def test_a_persons_own_mailbox_has_no_administrator() -> None:
    reasons = found(case(account(address="ana@gmail.com")))
    assert Reason.ADMIN_ENDED not in reasons and Reason.SESSION_POLICY not in reasons


def test_a_whole_organisation_at_once_is_its_administrator() -> None:
    of = case(peers=others(4, "brightfield.example"))
    assert Reason.ADMIN_ENDED in likely(of) and "p0@brightfield.example" in found(of)[Reason.ADMIN_ENDED].why
    assert found(of)[Reason.ACCESS_REMOVED].weight is UNLIKELY


def test_being_refused_again_is_no_removed_access() -> None:
    of = case(account(granted_at=ago(minutes=10), proven_at=None))
    assert found(of)[Reason.ACCESS_REMOVED].weight is UNLIKELY
    assert Reason.ADMIN_ENDED in likely(of)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"proven_at": ago(days=200), "granted_at": ago(days=300)}, Reason.UNUSED),
        ({"deadline_at": ago(hours=2)}, Reason.ANNOUNCED_END),
        ({"generation": 120}, Reason.TOO_MANY_GRANTS),
    ],
)
def test_what_the_record_proves_is_likely(fields: dict[str, Any], reason: Reason) -> None:
    assert reason in likely(case(account(**fields)))


def test_an_announced_end_that_is_still_to_come_was_not_it() -> None:
    of = case(account(deadline_at=NOW + timedelta(days=3)))
    assert found(of)[Reason.ANNOUNCED_END].weight is UNLIKELY


def password(**fields: Any) -> Account:
    servers = MailServers(MailServer(fields.pop("host", "mx.x.example"), 465, Security.TLS))
    return account(Cause.WRONG_PASSWORD, provider=Provider.OTHER, servers=servers, **fields)


def test_a_password_that_worked_was_changed() -> None:
    of = case(password())
    assert likely(of) == {Reason.PASSWORD_CHANGED}
    assert found(of)[Reason.MISTYPED].weight is UNLIKELY


def test_a_password_that_never_worked_was_mistyped() -> None:
    of = case(password(proven_at=None, granted_at=None))
    assert likely(of) == {Reason.MISTYPED} and found(of)[Reason.USER_NAME].weight is POSSIBLE


def test_servers_known_for_app_passwords_are_named() -> None:
    of = case(password(host="smtp.gmail.com"))
    assert Reason.APP_PASSWORD in likely(of) and "smtp.gmail.com" in found(of)[Reason.APP_PASSWORD].text


def test_when_other_providers_fail_too_it_is_this_computer() -> None:
    down = account(Cause.UNREACHABLE)
    elsewhere = Peer("c@x.example", Provider.MICROSOFT, Cause.UNREACHABLE, ago(hours=2))
    here = Peer("d@x.example", Provider.GOOGLE, Cause.UNREACHABLE, ago(hours=2))
    assert likely(case(down, peers=(elsewhere, here))) == {Reason.THIS_COMPUTER}
    assert likely(case(down, peers=(here,))) == {Reason.PROVIDER_SIDE}
    assert likely(case(down)) == set()


def every() -> Iterable[tuple[Cause, Provider]]:
    return [(cause, provider) for cause in Cause for provider in Provider]


@pytest.mark.parametrize(("cause", "provider"), every())
def test_every_reason_is_whole_and_the_likeliest_comes_first(cause: Cause, provider: Provider) -> None:
    listed = candidates(case(account(cause, provider=provider)))
    order = [list(Weight).index(one.weight) for one in listed]
    assert order == sorted(order) and len({one.reason for one in listed}) == len(listed)
    for one in listed:
        for text in (one.text, one.why):
            assert text.endswith(".") and "{" not in text and text == text.strip()


def test_only_causes_that_are_in_doubt_have_reasons() -> None:
    assert all(CAUSES[cause].kind is not OutcomeKind.WARNING for cause in SUSPECTS)


times = st.one_of(st.none(), st.timedeltas(timedelta(), timedelta(days=400)).map(lambda back: NOW - back))


@given(
    st.sampled_from(sorted(SUSPECTS)),
    st.sampled_from(Provider),
    times,
    times,
    times,
    times,
    st.integers(0, 500),
)
def test_whatever_the_record_holds_it_is_weighed(
    cause: Cause, provider: Provider, granted: Any, proven: Any, checked: Any, deadline: Any, generation: int
) -> None:
    of = account(
        cause, provider=provider, granted_at=granted, proven_at=proven, checked_at=checked,
        deadline_at=deadline, generation=generation,
    )  # fmt: skip
    listed = candidates(case(of, episode(ago(days=9), ago(days=8)), episode(ago(days=20), ago(days=19))))
    assert all(one.why and one.weight in Weight for one in listed)
    assert (
        candidates(case(of, episode(ago(days=9), ago(days=8)), episode(ago(days=20), ago(days=19)))) == listed
    )
