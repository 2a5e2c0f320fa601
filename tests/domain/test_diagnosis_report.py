"""The report holds what an administrator needs, and nothing that opens a mailbox."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.diagnosis import diagnose
from reply_desktop.domain.diagnosis_report import report
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.mending import admin_steps
from reply_desktop.domain.provider import Provider
from reply_desktop.logs import redact
from tests.domain.diagnosing import NOW, account, case, record

SAID = (
    "invalid_grant: AADSTS7000218: no secret. Trace ID: 6b7a1f7c-0d33-4f5e-9f4b-3c2d1e0f9a00 Correlation ID: "
    "11111111-2222-4333-8444-555555555555 Timestamp: 2026-03-03 08:00:01Z"
)


def written(
    cause: Cause | None, provider: Provider = Provider.MICROSOFT, said: str = SAID, **fields: object
) -> str:
    of = record(account(cause, provider=provider, provider_error=said if cause else None, **fields))
    return report(diagnose(of, NOW), of, "Reply Desktop 9.9", redact)


def test_an_administrator_finds_the_refusal_by_it() -> None:
    text = written(Cause.ADMIN_CONSENT)
    for said in (
        "Reply Desktop 9.9",
        "2026-03-03 10:00:00 UTC",
        "ana@brightfield.example",
        "https://login.microsoftonline.com/common",
        "c1d2e3f4-0000-4000-8000-000000000000",
        "Mail.Send User.Read",
        "admin_consent (Administrator must approve the app)",
        "AADSTS7000218",
        "https://login.microsoftonline.com/error?code=7000218",
        "6b7a1f7c-0d33-4f5e-9f4b-3c2d1e0f9a00",
        "11111111-2222-4333-8444-555555555555",
        "2026-03-03 08:00:01Z",
        "Last proof:        2026-03-03 07:57:00 UTC",
        "First failure:     2026-03-03 08:00:00 UTC",
        "https://login.microsoftonline.com/brightfield.example/v2.0/adminconsent?client_id=",
    ):
        assert said in text, said


def test_a_google_administrator_is_led_to_the_api_controls() -> None:
    text = written(Cause.ADMIN_POLICY, Provider.GOOGLE, "admin_policy_enforced")
    assert "https://admin.google.com/ac/owl/list" in text and "Trusted" in text


def test_a_password_account_has_its_server_and_no_client() -> None:
    servers = MailServers(MailServer("mx.x.example", 465, Security.TLS))
    text = written(Cause.SMTP_AUTH_OFF, Provider.OTHER, "535 5.7.139 disabled", servers=servers)
    assert "mx.x.example:465" in text and "Client ID" not in text
    assert "authenticated-client-smtp-submission" in text


def test_an_account_that_is_well_has_a_report_too() -> None:
    text = written(None)
    assert "Cause:" in text and "none" in text and "What the administrator can do" not in text


def test_facts_that_are_not_known_leave_no_empty_line() -> None:
    assert not any(
        line.rstrip().endswith(":") and not line.startswith("W") for line in written(None).splitlines()
    )


@pytest.mark.parametrize("provider", list(Provider))
@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_can_be_reported(cause: Cause, provider: Provider) -> None:
    text = written(cause, provider)
    assert "{" not in text and text.endswith("\n") and cause.value in text


@pytest.mark.parametrize("provider", list(Provider))
@pytest.mark.parametrize("cause", list(Cause))
def test_every_link_stands_whole_at_the_end_of_a_line(cause: Cause, provider: Provider) -> None:
    of = record(account(cause, provider=provider, provider_error=SAID))
    ends = [line.split()[-1] for line in report(diagnose(of, NOW), of, "R", redact).splitlines() if line]
    links = [step.url for step in admin_steps(case(of.account)) if step.url]
    assert all(link in ends for link in links)


_LETTERS = st.text("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_", min_size=30, max_size=60)
_SECRETS = st.one_of(
    _LETTERS.map(lambda tail: f"ya29.{tail}"),
    _LETTERS.map(lambda tail: f"1//0{tail}"),
    _LETTERS.map(lambda tail: f"GOCSPX-{tail}"),
    _LETTERS.map(lambda tail: f"eyJ0eXAi{tail}.{tail}"),
    _LETTERS.map(lambda tail: f"M.C5_BAY.{tail}"),
)
_AROUND = st.sampled_from(
    (
        "{}",
        "refresh_token={}",
        'code: "{}" was refused',
        "Authorization: Bearer {}",
        "state {} and password={}",
    )
)


@settings(max_examples=60)
@given(
    _SECRETS, _AROUND, st.sampled_from(Provider), st.sampled_from(("error", "scopes", "client", "authority"))
)
def test_a_secret_planted_anywhere_is_not_in_the_report(
    secret: str, around: str, provider: Provider, where: str
) -> None:
    planted = around.format(secret, secret)
    of = record(
        account(
            Cause.GRANT_REVOKED,
            provider=provider,
            provider_error=planted if where == "error" else "invalid_grant",
            scopes=(planted,) if where == "scopes" else (),
        )
    )
    of = replace(
        of,
        client_id=planted if where == "client" else of.client_id,
        authority=planted if where == "authority" else None,
    )
    assert secret not in report(diagnose(of, NOW), of, "Reply Desktop 9.9", redact)
