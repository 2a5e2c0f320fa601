"""How outcomes and moves change an account."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain import account as accounts
from reply_desktop.domain import states, timing
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import COLORS, Color, OutcomeKind, State

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OLD = NOW - timedelta(days=2)


def an_account(state: State = State.CONNECTED, **given_: object) -> Account:
    fields: dict[str, object] = {"generation": 1, "proven_at": OLD, "granted_at": OLD, **given_}
    return Account("a1", Provider.GOOGLE, "ana@example.com", OLD, state, **fields)  # type: ignore[arg-type]


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
    account = an_account(deadline_at=NOW + timedelta(hours=20), deadline_cause=Cause.TESTING_MODE_ENDS)
    after = apply(account, PROVEN)
    assert (after.state, after.cause, after.proven_at) == (State.AT_RISK, Cause.TESTING_MODE_ENDS, NOW)


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
