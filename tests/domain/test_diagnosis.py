"""The whole diagnosis: every cause, state and provider tells what, when, who and how."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.account import Account
from reply_desktop.domain.case import Record
from reply_desktop.domain.causes import Cause, Who
from reply_desktop.domain.diagnosis import Diagnosis, code_of, diagnose, history
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.states import Color, State
from tests.domain.diagnosing import NOW, account, ago, episode, record
from tests.fakes.sequences import sequence_row


def of(made: Record) -> Diagnosis:
    return diagnose(made, NOW)


@pytest.mark.parametrize("provider", list(Provider))
@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_is_told_whole(cause: Cause, provider: Provider) -> None:
    made = of(record(account(cause, provider=provider, provider_error="said so")))
    assert made.headline and made.happened and made.who_fixes and made.steps and not made.is_fine
    for text in (made.headline, *made.happened, made.who_fixes, made.history):
        assert "{" not in text and (text[0] == text[0].upper() or text.startswith("ana@"))
    assert bool(made.outlook) is (made.state is State.AT_RISK)
    assert made.noticed_at == ago(hours=2) and isinstance(made.who, Who)


@pytest.mark.parametrize("provider", list(Provider))
def test_an_account_that_is_well_says_so(provider: Provider) -> None:
    made = of(Record(account(None, provider=provider)))
    assert made.is_fine and made.headline == "Nothing is wrong" and made.noticed_at is None
    assert made.steps == () and made.candidates == () and made.who is None and made.outlook
    assert "proved" in made.happened[0]


@pytest.mark.parametrize("state", [State.NEW, State.SIGNING_IN, State.PAUSED])
def test_states_without_checks_are_explained(state: State) -> None:
    made = of(Record(replace(account(None), state=state)))
    assert not made.is_fine and "ana@brightfield.example" in made.happened[0] and made.steps


def test_a_paused_account_tells_what_was_noted_of_it() -> None:
    made = of(record(replace(account(Cause.PASSWORD_CHANGED), state=State.PAUSED)))
    assert made.headline == "Paused by you" and len(made.happened) >= 2
    assert [step.action for step in made.steps][:2] == ["resume", "reconnect"]


@pytest.mark.parametrize(
    "known",
    [
        account(None, state=State.NEW, granted_at=None, proven_at=None),
        account(Cause.GRANT_REVOKED, state=State.PAUSED),
        account(Cause.ADMIN_POLICY, state=State.PAUSED),
    ],
)
def test_no_end_is_told_of_a_sign_in_that_is_none(known: Account) -> None:
    assert of(record(known)).outlook == ""


def test_google_does_not_tell_and_the_text_does_not_guess() -> None:
    made = of(record(account(provider_error="invalid_grant: Bad Request")))
    assert "does not say why" in made.happened[0] and "Likely reasons" not in made.happened[0]
    assert made.candidates and made.provider_code == "invalid_grant" and made.code_url is None


def test_microsoft_names_the_reason_and_its_code_is_looked_up() -> None:
    made = of(
        record(
            account(
                Cause.NOT_ASSIGNED,
                provider=Provider.MICROSOFT,
                provider_error="invalid_grant: AADSTS50105: not assigned",
            )
        )
    )
    assert made.happened[-1] == "Microsoft 365 named the reason itself."
    assert (made.provider_code, made.code_url) == (
        "AADSTS50105",
        "https://login.microsoftonline.com/error?code=50105",
    )


def test_being_refused_again_is_said() -> None:
    made = of(record(account(granted_at=ago(minutes=10), proven_at=None)))
    assert "Signing in anew did not help: it was refused again." in made.happened


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("invalid_grant: AADSTS65001: consent", "AADSTS65001"),
        ("535 5.7.139 Authentication unsuccessful", "535 5.7.139"),
        ("535-5.7.8 Username and Password not accepted", "535-5.7.8"),
        ("invalid_grant: Bad Request", "invalid_grant"),
        ("deleted_client", "deleted_client"),
        ("HTTP status 503", "503"),
        ("connect timed out", None),
        (None, None),
    ],
)
def test_the_code_in_the_text(text: str | None, code: str | None) -> None:
    assert code_of(text) == code


def test_the_last_thirty_days_in_a_line() -> None:
    past = (episode(ago(days=3), ago(days=3, hours=-4)), episode(ago(days=9), ago(days=9, hours=-1)))
    old = episode(ago(days=60), ago(days=59))
    said = history(record(None, *past, old), NOW)
    assert said == "3 problems in 30 days, 2 mended by reconnecting, the longest 4 hours"
    assert history(Record(account(None), (old,)), NOW) == "No problem in the last 30 days"
    assert history(Record(account()), NOW) == "No problem in the last 30 days"


def test_what_the_sequences_do_meanwhile() -> None:
    rows = tuple(
        replace(sequence_row(number, name), status=status, indicator=color, tooltip=tip)
        for number, (name, status, color, tip) in enumerate(
            (
                ("Goes", SequenceStatus.RUNNING, Color.GREEN, ""),
                ("Limps", SequenceStatus.RUNNING, Color.ORANGE, ""),
                ("Stands", SequenceStatus.RUNNING, Color.RED, "Processing cannot begin: none.\nmore"),
                ("Off", SequenceStatus.PAUSED, Color.GREY, ""),
            )
        )
    )
    made = of(replace(record(), sequences=rows)).meanwhile
    assert [one.color for one in made] == [Color.GREEN, Color.ORANGE, Color.RED, Color.GREY]
    assert made[2].text == "It stands still. Processing cannot begin: none."
    assert "nothing is missed" in made[3].text


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (Cause.TESTING_MODE_ENDS, "Testing mode"),
        (Cause.CONSENT_ENDS, "announced when"),
        (Cause.SIGN_IN_ENDS, "about the same time"),
        (None, "announced when"),
    ],
)
def test_a_known_end_is_explained(cause: Cause | None, said: str) -> None:
    ends = account(None, deadline_at=NOW + timedelta(days=1), deadline_cause=cause)
    assert said in of(Record(ends)).outlook


@given(st.text(max_size=400), st.sampled_from(Provider), st.sampled_from(Cause))
def test_any_text_of_the_provider_is_only_quoted(text: str, provider: Provider, cause: Cause) -> None:
    made = of(record(account(cause, provider=provider, provider_error=text)))
    assert made.provider_text == text
    assert made.code_url is None or made.code_url.startswith("https://login.microsoftonline.com/error?code=")
