"""How outcomes and moves change an account."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain import account as accounts
from reply_desktop.domain import states, timing
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.deadline import KnownEnd, is_outlived
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import COLORS, Color, OutcomeKind, State

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OLD = NOW - timedelta(days=2)


def an_account(state: State = State.CONNECTED, **given_: object) -> Account:
    fields: dict[str, object] = {"generation": 1, "proven_at": OLD, "granted_at": OLD, **given_}
    return Account("a1", Provider.GOOGLE, "ana@example.com", OLD, state, **fields)  # type: ignore[arg-type]


def ends_in(left: timedelta, cause: Cause, **given_: object) -> Account:
    """One whose grant began ten days ago and ends so long from now."""
    fields = {"granted_at": NOW - timedelta(days=10), **given_}
    return an_account(deadline_at=NOW + left, deadline_cause=cause, **fields)  # type: ignore[arg-type]


def apply(account: Account, outcome: Outcome, generation: int = 1) -> Account:
    return accounts.apply(account, outcome, generation, NOW, used=False, chance=0.5)


stored = st.builds(
    lambda state, cause, failures: an_account(state, cause=cause, failures=failures),
    st.sampled_from(states.STORED),
    st.none() | st.sampled_from(Cause),
    st.integers(0, 20),
)
outcomes = st.builds(
    Outcome,
    cause=st.none() | st.sampled_from(Cause),
    provider_error=st.none() | st.just("x"),
    retry_after_s=st.none() | st.floats(0, 1e6),
)


def test_proof_is_green_and_clears_the_cause() -> None:
    after = apply(an_account(State.AT_RISK, cause=Cause.UNREACHABLE, failures=4), PROVEN)
    assert (after.state, after.cause, after.proven_at, after.failures) == (State.CONNECTED, None, NOW, 0)


def test_passing_trouble_keeps_the_old_proof_and_climbs_the_ladder() -> None:
    after = apply(an_account(), Outcome(Cause.UNREACHABLE))
    assert (after.state, after.cause, after.proven_at, after.failures) == (
        State.AT_RISK, Cause.UNREACHABLE, OLD, 1,
    )  # fmt: skip
    assert after.next_check_at == NOW + timedelta(seconds=3)
    assert apply(after, Outcome(Cause.UNREACHABLE)).next_check_at == NOW + timedelta(seconds=5)


def test_passing_trouble_does_not_hide_why_a_person_is_needed() -> None:
    red = an_account(State.EXPIRED, cause=Cause.GRANT_REVOKED, provider_error="said so")
    after = apply(red, Outcome(Cause.UNREACHABLE, "timeout"))
    assert (after.state, after.cause, after.provider_error) == (State.EXPIRED, Cause.GRANT_REVOKED, "said so")
    assert after.next_check_at is not None and after.next_check_at - NOW >= timedelta(seconds=300)


def test_late_answer_of_an_old_grant_is_dropped() -> None:
    account = an_account(generation=2)
    assert apply(account, Outcome(Cause.GRANT_REVOKED), generation=1) is account


def test_paused_takes_no_outcome() -> None:
    account = an_account(State.PAUSED)
    assert apply(account, PROVEN) is account


def test_proof_with_a_near_end_is_orange_with_its_cause() -> None:
    account = ends_in(timedelta(hours=20), Cause.TESTING_MODE_ENDS, granted_at=NOW - timedelta(days=6))
    after = apply(account, PROVEN)
    assert (after.state, after.cause, after.proven_at) == (State.AT_RISK, Cause.TESTING_MODE_ENDS, NOW)
    assert after.known_end == account.known_end


def test_an_end_far_off_leaves_the_proof_green() -> None:
    after = apply(ends_in(timedelta(days=3), Cause.SIGN_IN_ENDS), PROVEN)
    assert (after.state, after.cause) == (State.CONNECTED, None)
    assert after.deadline_cause is Cause.SIGN_IN_ENDS


@pytest.mark.parametrize("cause", [Cause.SIGN_IN_ENDS, Cause.TESTING_MODE_LIKELY, Cause.CONSENT_ENDS])
def test_a_grant_that_outlives_its_end_is_warned_of_no_more(cause: Cause) -> None:
    late = ends_in(-timedelta(hours=6), cause)
    assert apply(late, PROVEN).cause is cause
    outlived = ends_in(-timedelta(hours=13), cause)
    after = apply(outlived, PROVEN)
    assert (after.state, after.cause, after.known_end) == (State.CONNECTED, None, None)


def test_silence_says_nothing_of_an_end() -> None:
    late = ends_in(-timedelta(days=3), Cause.SIGN_IN_ENDS)
    assert apply(late, Outcome(Cause.UNREACHABLE)).known_end == late.known_end


def test_weeks_out_of_reach_show_when_the_grant_ends_of_disuse() -> None:
    used = NOW - timedelta(days=170)
    away = an_account(State.AT_RISK, cause=Cause.OFFLINE, proven_at=used, granted_at=used)
    after = apply(away, Outcome(Cause.OFFLINE))
    assert after.known_end == KnownEnd(used + timedelta(days=180), Cause.IDLE_ENDS)
    assert (after.state, after.cause) == (State.AT_RISK, Cause.OFFLINE)
    assert apply(after, PROVEN).known_end is None
    shortly = replace(away, proven_at=NOW - timedelta(days=20))
    assert apply(shortly, Outcome(Cause.OFFLINE)).known_end is None
    password = replace(away, provider=Provider.OTHER)
    assert apply(password, Outcome(Cause.OFFLINE)).known_end is None


def test_what_a_refresh_announces_is_the_end_unless_an_earlier_one_is_known() -> None:
    green = an_account()
    announced = KnownEnd(NOW + timedelta(days=5), Cause.CONSENT_ENDS)
    assert accounts.foresee(green, announced).known_end == announced
    assert accounts.foresee(green, None) is green
    moved = KnownEnd(NOW + timedelta(days=9), Cause.CONSENT_ENDS)
    assert accounts.foresee(accounts.foresee(green, announced), moved).known_end == moved
    learnt = ends_in(timedelta(days=1), Cause.SIGN_IN_ENDS)
    assert accounts.foresee(learnt, announced) is learnt
    assert accounts.foresee(learnt, None) is learnt


def paused(**given_: object) -> Account:
    used = NOW - timedelta(days=40)
    return an_account(State.PAUSED, **{"proven_at": used, "granted_at": used, "checked_at": used, **given_})


def test_a_paused_account_kept_alive_stays_paused() -> None:
    after = accounts.kept_alive(paused(cause=Cause.ADMIN_POLICY, provider_error="no"), PROVEN, 1, NOW)
    assert (after.state, after.cause, after.provider_error) == (State.PAUSED, None, None)
    assert (after.proven_at, after.checked_at, after.next_check_at) == (NOW, NOW, None)


def test_a_refusal_is_noted_beside_a_paused_account_and_never_asked_for_again() -> None:
    after = accounts.kept_alive(paused(), Outcome(Cause.GRANT_REVOKED, "said so"), 1, NOW)
    assert (after.state, after.cause, after.provider_error) == (State.PAUSED, Cause.GRANT_REVOKED, "said so")
    assert after.proven_at == paused().proven_at and after.checked_at == NOW
    assert not accounts.is_due_alive(after, 0.0, NOW + timedelta(days=50))
    blocked = accounts.kept_alive(paused(), Outcome(Cause.ADMIN_POLICY), 1, NOW)
    assert accounts.is_due_alive(blocked, 0.0, NOW + timedelta(days=2))


def test_passing_trouble_leaves_a_paused_account_until_its_end_is_near() -> None:
    after = accounts.kept_alive(paused(), Outcome(Cause.OFFLINE), 1, NOW)
    assert after == replace(paused(), checked_at=NOW)
    used = NOW - timedelta(days=77)
    away = paused(proven_at=used, granted_at=used)
    ending = accounts.kept_alive(replace(away, provider=Provider.MICROSOFT), Outcome(Cause.OFFLINE), 1, NOW)
    assert ending.known_end == KnownEnd(used + timedelta(days=90), Cause.IDLE_ENDS)
    assert ending.cause is None
    assert accounts.kept_alive(ending, PROVEN, 1, NOW).known_end is None


def test_keeping_alive_changes_no_account_that_goes_on_or_has_a_newer_grant() -> None:
    green = an_account()
    assert accounts.kept_alive(green, PROVEN, 1, NOW) is green
    newer = paused(generation=2)
    assert accounts.kept_alive(newer, PROVEN, 1, NOW) is newer


@pytest.mark.parametrize(
    ("account", "due"),
    [
        (paused(), True),
        (paused(proven_at=NOW - timedelta(days=13)), False),
        (paused(proven_at=None), True),
        (paused(checked_at=NOW - timedelta(hours=23)), False),
        (paused(checked_at=NOW - timedelta(hours=25)), True),
        (paused(generation=0, proven_at=None, granted_at=None), False),
        (replace(paused(), provider=Provider.OTHER), False),
        (replace(paused(), state=State.AT_RISK), False),
    ],
)
def test_which_accounts_are_kept_alive(account: Account, due: bool) -> None:
    assert accounts.is_due_alive(account, 0.0, NOW) is due


def test_wrong_password_is_not_tried_again_by_itself() -> None:
    other = replace(an_account(), provider=Provider.OTHER)
    assert apply(other, Outcome(Cause.WRONG_PASSWORD)).next_check_at is None


def test_connect_is_unproven_and_due_at_once() -> None:
    red = an_account(State.EXPIRED, cause=Cause.GRANT_REVOKED, failures=3, claims="c")
    after = accounts.connect(red, subject="s", scopes=("send",), now=NOW)
    assert (after.state, after.cause, after.generation, after.next_check_at) == (
        State.AT_RISK, Cause.UNPROVEN, 2, NOW,
    )  # fmt: skip
    assert (after.id, after.address, after.claims, after.proven_at) == (red.id, red.address, None, None)


def test_pause_and_resume() -> None:
    paused = accounts.pause(an_account())
    assert (paused.state, paused.next_check_at) == (State.PAUSED, None)
    assert accounts.resume(paused, NOW).cause is Cause.UNPROVEN
    never = accounts.pause(an_account(State.NEW, generation=0))
    assert accounts.resume(never, NOW).state is State.NEW
    green = an_account()
    assert accounts.resume(green, NOW) is green


def test_stale_proof_is_never_green() -> None:
    aged = accounts.age(an_account(proven_at=NOW - timedelta(seconds=timing.FRESH_S + 1)), NOW)
    assert (aged.state, aged.cause, aged.next_check_at) == (State.AT_RISK, Cause.PROOF_STALE, NOW)
    fresh = an_account(proven_at=NOW)
    assert accounts.age(fresh, NOW) is fresh


@given(stored, outcomes)
def test_green_means_proven_now(account: Account, outcome: Outcome) -> None:
    after = apply(account, outcome)
    if after.state is State.CONNECTED and account.state is not State.CONNECTED:
        assert after.proven_at == NOW and outcome.proves


@given(stored, outcomes)
def test_a_red_row_always_has_a_cause_of_its_own(account: Account, outcome: Outcome) -> None:
    after = apply(account, outcome)
    if COLORS[after.state] is Color.RED and after.state is not account.state:
        assert after.cause is outcome.cause
        assert after.cause is not None
        assert CAUSES[after.cause].kind in (OutcomeKind.LOST, OutcomeKind.BLOCKED)


@given(
    stored,
    outcomes,
    st.timedeltas(timedelta(days=-400), timedelta(days=400)),
    st.none() | st.sampled_from(Cause),
    st.none() | st.timedeltas(timedelta(), timedelta(days=400)),
)
def test_no_proof_leaves_an_end_standing_that_it_refutes(
    account: Account, outcome: Outcome, left: timedelta, cause: Cause | None, age: timedelta | None
) -> None:
    granted_at = None if age is None else NOW - age
    account = replace(account, deadline_at=NOW + left, deadline_cause=cause, granted_at=granted_at)
    end = apply(account, outcome).known_end
    if outcome.proves and account.state is not State.PAUSED:
        assert end is None or not is_outlived(end, granted_at, NOW)


@given(stored, outcomes)
def test_identity_history_and_grant_survive_every_outcome(account: Account, outcome: Outcome) -> None:
    after = apply(account, outcome)
    for name in (
        "id",
        "provider",
        "address",
        "created_at",
        "generation",
        "subject",
        "granted_at",
        "daily_limit",
    ):
        assert getattr(after, name) == getattr(account, name)
