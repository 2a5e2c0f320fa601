"""Every step can be carried out: its button does what its words name, for every cause and provider."""

from dataclasses import replace

import pytest

from reply_desktop.domain.causes import CAUSES, Cause, Who
from reply_desktop.domain.mending import (
    ACTION_WORDS,
    ADMIN_STEPS,
    AGAIN,
    EXTRA,
    STEPS,
    Action,
    DiagnosisStep,
    admin_steps,
    steps,
    who_fixes,
)
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import OutcomeKind, State
from reply_desktop.domain.suspects import Reason, candidates
from tests.domain.diagnosing import account, ago, case

EVERY = [(cause, provider) for cause in Cause for provider in Provider]


def told(
    cause: Cause | None, provider: Provider = Provider.GOOGLE, **fields: object
) -> tuple[DiagnosisStep, ...]:
    of = case(account(cause, provider=provider, **fields))
    return steps(of, candidates(of))


def actions(listed: tuple[DiagnosisStep, ...]) -> list[Action]:
    return [step.action for step in listed if step.action]


@pytest.mark.parametrize(("cause", "provider"), EVERY)
def test_every_cause_has_steps_that_can_be_carried_out(cause: Cause, provider: Provider) -> None:
    listed = told(cause, provider)
    assert listed and len(set(listed)) == len(listed)
    for step in listed:
        assert step.text.endswith(".") and "{" not in step.text
        assert (step.label is not None) is (step.action is not None or step.url is not None)
        assert step.action is None or step.url is None
        assert step.url is None or step.url.startswith("https://")
    if provider is Provider.OTHER:
        assert Action.RECONNECT not in actions(listed)


@pytest.mark.parametrize(("cause", "provider"), EVERY)
def test_a_button_that_a_step_names_is_beside_it(cause: Cause, provider: Provider) -> None:
    for step in told(cause, provider):
        named = {one for one, label in ACTION_WORDS.items() if f"ress {label}" in step.text}
        assert not named or step.action in named, step


@pytest.mark.parametrize("cause", [one for one in Cause if CAUSES[one].kind is OutcomeKind.LOST])
@pytest.mark.parametrize("provider", list(Provider))
def test_what_is_lost_is_mended_in_the_app(cause: Cause, provider: Provider) -> None:
    assert {Action.RECONNECT, Action.EDIT_CREDENTIALS} & set(actions(told(cause, provider)))


@pytest.mark.parametrize("cause", [one for one in Cause if CAUSES[one].who is Who.ADMIN])
def test_what_an_administrator_mends_begins_with_the_report(cause: Cause) -> None:
    listed = told(cause, Provider.MICROSOFT)
    assert listed[0].action is Action.COPY_REPORT and listed[-1].action is Action.CHECK
    theirs = admin_steps(case(account(cause, provider=Provider.MICROSOFT)))
    assert theirs and all(step.url is None or step.hand_on for step in theirs)
    assert any(step.text in one.text for step in theirs for one in listed)


@pytest.mark.parametrize("cause", [one for one in Cause if CAUSES[one].app_level])
def test_trouble_of_the_registration_asks_for_no_sign_in(cause: Cause) -> None:
    assert actions(told(cause))[:1] != [Action.RECONNECT]


def test_testing_mode_leads_to_the_projects_audience_page() -> None:
    listed = told(Cause.GRANT_REVOKED, granted_at=ago(days=7, hours=3))
    assert listed[0].action is Action.RECONNECT
    assert listed[1].url == "https://console.cloud.google.com/auth/audience"
    assert "In production" in listed[1].text and "Testing mode end all the same" in listed[1].text


def test_google_revoked_names_the_connected_apps_of_that_account() -> None:
    pages = [step.url for step in told(Cause.GRANT_REVOKED)]
    assert "https://myaccount.google.com/connections?authuser=ana@brightfield.example" in pages


def test_a_box_that_was_not_ticked_is_nobodys_removing_the_app() -> None:
    listed = told(Cause.SCOPE_MISSING)
    assert "leave every box ticked" in listed[0].text and not any("removes" in step.text for step in listed)
    assert listed[1].url == "https://myaccount.google.com/connections?authuser=ana@brightfield.example"


def test_a_page_that_the_provider_lacks_is_left_out() -> None:
    assert any(step.url for step in told(Cause.UNREACHABLE))
    assert not any(step.url for step in told(Cause.UNREACHABLE, Provider.OTHER))


@pytest.mark.parametrize(
    ("state", "action"),
    [(State.PAUSED, Action.RESUME), (State.NEW, Action.RECONNECT), (State.SIGNING_IN, None)],
)
def test_a_state_has_its_own_step(state: State, action: Action | None) -> None:
    of = case(replace(account(None), state=state))
    assert [step.action for step in steps(of, ())] == [action]


def test_nothing_is_to_be_done_about_an_account_that_is_well() -> None:
    of = case(account(None))
    assert steps(of, ()) == () and admin_steps(of) == () and who_fixes(of, ()) == ""


def test_who_else_must_act_is_said() -> None:
    of = case(account(granted_at=ago(days=7, hours=3)))
    said = who_fixes(of, candidates(of))
    assert said == f"You can fix this. {AGAIN[Reason.TESTING_MODE]}"


def test_the_tables_name_what_there_is() -> None:
    assert set(ADMIN_STEPS) <= set(Cause) and set(STEPS) <= set(Cause)
    assert set(EXTRA) | set(AGAIN) <= set(Reason) and set(ACTION_WORDS) == set(Action)
