"""Every known answer has its meaning, and no other answer ever asks for a sign-in or blames somebody."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain import answers
from reply_desktop.domain.answers import (
    AADSTS,
    API_REASONS,
    ERRORS,
    FAULT_WORDS,
    FAULTS,
    SUBTYPES,
    Answer,
    Fault,
    Where,
    authorize_answer,
    classify,
    codes_in,
    provider_text,
    token_answer,
)
from reply_desktop.domain.causes import CAUSES, Cause, Who
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import OutcomeKind

GOOGLE, MICROSOFT, OTHER = Provider.GOOGLE, Provider.MICROSOFT, Provider.OTHER
DAY = 86_400.0
PASSING = {OutcomeKind.TRANSIENT}


def refused(provider: Provider, error: str, status: int = 400, **more: object) -> Answer:
    body = {"error": error, **more}
    return token_answer(provider, status, body)


def cause_of(answer: Answer) -> Cause | None:
    return classify(answer).cause


# The fact page's table of Google errors, row by row.
GOOGLE_ROWS = [
    (refused(GOOGLE, "invalid_grant", error_description="Bad Request"), Cause.GRANT_REVOKED),
    (
        refused(GOOGLE, "invalid_grant", error_description="Token has been expired or revoked."),
        Cause.GRANT_REVOKED,
    ),
    (refused(GOOGLE, "invalid_grant", error_subtype="invalid_rapt"), Cause.SIGN_IN_FREQUENCY),
    (refused(GOOGLE, "invalid_grant", error_subtype="rapt_required"), Cause.SIGN_IN_FREQUENCY),
    (
        refused(GOOGLE, "invalid_grant", error_description="reauth related error (invalid_rapt)"),
        Cause.SIGN_IN_FREQUENCY,
    ),
    (
        refused(GOOGLE, "invalid_grant", error_description="The account has been deleted"),
        Cause.ACCOUNT_DISABLED,
    ),
    (refused(GOOGLE, "invalid_client", 401), Cause.APP_REJECTED),
    (refused(GOOGLE, "deleted_client", 401), Cause.APP_DELETED),
    (refused(GOOGLE, "disabled_client", 401), Cause.APP_DELETED),
    (refused(GOOGLE, "unauthorized_client", 401), Cause.APP_REJECTED),
    (refused(GOOGLE, "invalid_scope"), Cause.APP_MISCONFIGURED),
    (
        refused(GOOGLE, "invalid_request", error_description="client_secret is missing."),
        Cause.APP_REJECTED,
    ),
    (refused(GOOGLE, "admin_policy_enforced"), Cause.ADMIN_POLICY),
    (authorize_answer(GOOGLE, {"error": "access_denied"}), Cause.CONSENT_MISSING),
    (authorize_answer(GOOGLE, {"error": "admin_policy_enforced"}), Cause.ADMIN_POLICY),
    (authorize_answer(GOOGLE, {"error": "org_internal"}), Cause.APP_MISCONFIGURED),
    (authorize_answer(GOOGLE, {"error": "disallowed_useragent"}), Cause.APP_MISCONFIGURED),
    (authorize_answer(GOOGLE, {"error": "redirect_uri_mismatch"}), Cause.APP_MISCONFIGURED),
    (authorize_answer(GOOGLE, {"error": "invalid_request"}), Cause.APP_MISCONFIGURED),
    (authorize_answer(GOOGLE, {"error": "deleted_client"}), Cause.APP_DELETED),
    (Answer(GOOGLE, Where.API, 401, reason="authError", is_json=True), Cause.PROOF_STALE),
    (
        Answer(GOOGLE, Where.API, 403, reason="insufficientPermissions", is_json=True),
        Cause.SCOPE_MISSING,
    ),
    (
        Answer(GOOGLE, Where.API, 403, reason="ACCESS_TOKEN_SCOPE_INSUFFICIENT", is_json=True),
        Cause.SCOPE_MISSING,
    ),
    (Answer(GOOGLE, Where.API, 403, reason="rateLimitExceeded", is_json=True), Cause.THROTTLED),
    (Answer(GOOGLE, Where.API, 403, reason="userRateLimitExceeded", is_json=True), Cause.THROTTLED),
    (Answer(GOOGLE, Where.API, 403, reason="quotaExceeded", is_json=True), Cause.THROTTLED),
    (Answer(GOOGLE, Where.API, 429, is_json=True), Cause.THROTTLED),
    (Answer(GOOGLE, Where.API, 403, reason="accessNotConfigured", is_json=True), Cause.API_OFF),
    (Answer(GOOGLE, Where.API, 403, reason="SERVICE_DISABLED", is_json=True), Cause.API_OFF),
    (Answer(GOOGLE, Where.API, 403, reason="domainPolicy", is_json=True), Cause.ADMIN_POLICY),
    (
        Answer(
            GOOGLE,
            Where.API,
            400,
            reason="failedPrecondition",
            description="Mail service not enabled",
            is_json=True,
        ),
        Cause.MAILBOX_DISABLED,
    ),
]


@pytest.mark.parametrize(("answer", "cause"), GOOGLE_ROWS)
def test_google_rows(answer: Answer, cause: Cause) -> None:
    assert cause_of(answer) is cause


# Code by code, as the fact page groups them; each with the kind of outcome the page's "Fix" column gives.
U, A, O, T = OutcomeKind.LOST, OutcomeKind.BLOCKED, OutcomeKind.BLOCKED, OutcomeKind.TRANSIENT  # noqa: E741
MICROSOFT_CODES = [
    (16000, A, Cause.ACCOUNT_NOT_FOUND),
    (50020, A, Cause.ACCOUNT_NOT_FOUND),
    (90072, A, Cause.ACCOUNT_NOT_FOUND),
    (50034, A, Cause.ACCOUNT_NOT_FOUND),
    (50053, A, Cause.ACCOUNT_LOCKED),
    (50055, U, Cause.PASSWORD_EXPIRED),
    (50144, U, Cause.PASSWORD_EXPIRED),
    (50056, U, Cause.SIGN_IN_REQUIRED),
    (50057, A, Cause.ACCOUNT_DISABLED),
    (50058, U, Cause.SIGN_IN_REQUIRED),
    (50059, O, Cause.APP_MISCONFIGURED),
    (90002, O, Cause.APP_MISCONFIGURED),
    (50072, U, Cause.MFA_REQUIRED),
    (50079, U, Cause.MFA_REQUIRED),
    (50074, U, Cause.MFA_REQUIRED),
    (50076, U, Cause.MFA_REQUIRED),
    (50078, U, Cause.MFA_REQUIRED),
    (50085, U, Cause.SIGN_IN_REQUIRED),
    (50087, T, Cause.PROVIDER_TROUBLE),
    (50088, T, Cause.PROVIDER_TROUBLE),
    (50089, U, Cause.SIGN_IN_REQUIRED),
    (50097, A, Cause.DEVICE_POLICY),
    (50127, A, Cause.DEVICE_POLICY),
    (50129, A, Cause.DEVICE_POLICY),
    (50105, A, Cause.NOT_ASSIGNED),
    (50125, U, Cause.SIGN_IN_REQUIRED),
    (50126, U, Cause.SIGN_IN_REQUIRED),
    (50131, A, Cause.ADMIN_POLICY),
    (53003, A, Cause.ADMIN_POLICY),
    (50132, U, Cause.PASSWORD_CHANGED),
    (50133, U, Cause.PASSWORD_CHANGED),
    (50135, U, Cause.PASSWORD_CHANGED),
    (50158, U, Cause.SIGN_IN_REQUIRED),
    (50173, U, Cause.PASSWORD_CHANGED),
    (50177, A, Cause.ADMIN_POLICY),
    (50178, A, Cause.ADMIN_POLICY),
    (50194, O, Cause.APP_MISCONFIGURED),
    (50196, T, Cause.THROTTLED),
    (500011, A, Cause.ADMIN_CONSENT),
    (500021, A, Cause.ADMIN_POLICY),
    (500022, A, Cause.ADMIN_POLICY),
    (500212, A, Cause.ADMIN_POLICY),
    (500213, A, Cause.ADMIN_POLICY),
    (500208, A, Cause.ACCOUNT_NOT_FOUND),
    (53000, A, Cause.DEVICE_POLICY),
    (53001, A, Cause.DEVICE_POLICY),
    (53002, A, Cause.DEVICE_POLICY),
    (53004, A, Cause.USER_RISK),
    (53011, A, Cause.USER_RISK),
    (530032, A, Cause.ADMIN_POLICY),
    (530035, A, Cause.ADMIN_POLICY),
    (54005, U, Cause.SIGN_IN_REQUIRED),
    (65001, U, Cause.CONSENT_MISSING),
    (65004, U, Cause.CONSENT_MISSING),
    (65005, O, Cause.APP_MISCONFIGURED),
    (650052, O, Cause.APP_MISCONFIGURED),
    (650054, O, Cause.APP_MISCONFIGURED),
    (650056, O, Cause.APP_MISCONFIGURED),
    (650057, O, Cause.APP_MISCONFIGURED),
    (70000, U, Cause.GRANT_REVOKED),
    (70001, O, Cause.APP_DELETED),
    (7000112, O, Cause.APP_DELETED),
    (70002, O, Cause.APP_REJECTED),
    (7000215, O, Cause.APP_REJECTED),
    (7000222, O, Cause.APP_REJECTED),
    (70003, O, Cause.APP_MISCONFIGURED),
    (70004, O, Cause.APP_MISCONFIGURED),
    (70011, O, Cause.APP_MISCONFIGURED),
    (70008, U, Cause.GRANT_EXPIRED),
    (70012, T, Cause.PROVIDER_TROUBLE),
    (90006, T, Cause.PROVIDER_TROUBLE),
    (90012, T, Cause.PROVIDER_TROUBLE),
    (90024, T, Cause.PROVIDER_TROUBLE),
    (90033, T, Cause.PROVIDER_TROUBLE),
    (90055, T, Cause.THROTTLED),
    (90090, T, Cause.PROVIDER_TROUBLE),
    (70043, U, Cause.SIGN_IN_FREQUENCY),
    (70044, U, Cause.SIGN_IN_FREQUENCY),
    (70046, U, Cause.SIGN_IN_REQUIRED),
    (700003, A, Cause.DEVICE_POLICY),
    (700005, O, Cause.APP_MISCONFIGURED),
    (700011, O, Cause.APP_REJECTED),
    (700016, O, Cause.APP_REJECTED),
    (700020, U, Cause.SIGN_IN_REQUIRED),
    (700022, O, Cause.APP_MISCONFIGURED),
    (28000, O, Cause.APP_MISCONFIGURED),
    (700025, O, Cause.APP_MISCONFIGURED),
    (700054, O, Cause.APP_MISCONFIGURED),
    (700082, U, Cause.GRANT_EXPIRED),
    (700084, U, Cause.GRANT_EXPIRED),
    (7000218, O, Cause.APP_NOT_PUBLIC),
    (80001, T, Cause.PROVIDER_TROUBLE),
    (80002, T, Cause.PROVIDER_TROUBLE),
    (80005, T, Cause.PROVIDER_TROUBLE),
    (80007, T, Cause.PROVIDER_TROUBLE),
    (80013, T, Cause.PROVIDER_TROUBLE),
    (80014, T, Cause.PROVIDER_TROUBLE),
    (90009, O, Cause.APP_MISCONFIGURED),
    (90094, A, Cause.ADMIN_CONSENT),
    (90095, A, Cause.ADMIN_CONSENT),
    (135010, U, Cause.SIGN_IN_REQUIRED),
    (135011, A, Cause.DEVICE_POLICY),
    (900144, O, Cause.APP_MISCONFIGURED),
    (9002313, O, Cause.APP_MISCONFIGURED),
    (9002332, A, Cause.ACCOUNT_NOT_FOUND),
    (1000031, A, Cause.ADMIN_POLICY),
]


def test_every_microsoft_code_of_the_fact_page_is_in_the_table() -> None:
    assert {code for code, _, _ in MICROSOFT_CODES} == set(AADSTS)


@pytest.mark.parametrize(("code", "kind", "cause"), MICROSOFT_CODES)
def test_microsoft_codes(code: int, kind: OutcomeKind, cause: Cause) -> None:
    error = answers.ONLY_WITH.get(code, "invalid_grant")
    found = classify(refused(MICROSOFT, error, error_codes=[code]))
    assert (found.cause, found.kind) == (cause, kind)


@pytest.mark.parametrize("code", AADSTS)
def test_a_code_never_makes_an_app_error_a_lost_grant(code: int) -> None:
    for error in ("invalid_client", "unauthorized_client", "invalid_request", "invalid_scope"):
        assert classify(refused(MICROSOFT, error, 401, error_codes=[code])).kind is not OutcomeKind.LOST


@pytest.mark.parametrize("code", AADSTS)
def test_a_code_alone_never_overrules_passing_trouble(code: int) -> None:
    for error in ("temporarily_unavailable", "server_error", "something_new"):
        assert classify(refused(MICROSOFT, error, error_codes=[code])).kind is OutcomeKind.TRANSIENT


def test_a_malformed_refresh_token_does_not_blame_the_app() -> None:
    assert cause_of(refused(MICROSOFT, "invalid_grant", error_codes=[9002313])) is Cause.GRANT_REVOKED


def test_an_unknown_code_leaves_the_error_its_plain_meaning() -> None:
    assert cause_of(refused(MICROSOFT, "invalid_grant", error_codes=[424242])) is Cause.GRANT_REVOKED
    assert cause_of(refused(MICROSOFT, "interaction_required", error_codes=[1])) is Cause.SIGN_IN_REQUIRED


def test_codes_mean_nothing_at_google() -> None:
    assert cause_of(refused(GOOGLE, "invalid_grant", error_codes=[53003])) is Cause.GRANT_REVOKED


@pytest.mark.parametrize(
    ("error", "who"),
    [
        ("invalid_grant", Who.YOU),
        ("interaction_required", Who.YOU),
        ("login_required", Who.YOU),
        ("consent_required", Who.YOU),
        ("admin_policy_enforced", Who.ADMIN),
        ("invalid_client", Who.APP_OWNER),
        ("deleted_client", Who.APP_OWNER),
        ("unauthorized_client", Who.APP_OWNER),
    ],
)
@pytest.mark.parametrize("provider", [GOOGLE, MICROSOFT])
def test_who_must_act(provider: Provider, error: str, who: Who) -> None:
    cause = cause_of(refused(provider, error))
    assert cause is not None and CAUSES[cause].who is who


@pytest.mark.parametrize(
    ("suberror", "cause"),
    [
        ("bad_token", Cause.GRANT_REVOKED),
        ("token_expired", Cause.GRANT_EXPIRED),
        ("basic_action", Cause.SIGN_IN_REQUIRED),
        ("additional_action", Cause.SIGN_IN_REQUIRED),
        ("message_only", Cause.ADMIN_POLICY),
        ("consent_required", Cause.CONSENT_MISSING),
        ("user_password_expired", Cause.PASSWORD_EXPIRED),
        ("protection_policy_required", Cause.DEVICE_POLICY),
        ("device_authentication_failed", Cause.DEVICE_POLICY),
    ],
)
def test_microsoft_suberrors(suberror: str, cause: Cause) -> None:
    assert cause_of(refused(MICROSOFT, "invalid_grant", suberror=suberror)) is cause
    assert suberror in SUBTYPES[MICROSOFT]


def test_a_code_is_believed_before_a_suberror() -> None:
    answer = refused(MICROSOFT, "invalid_grant", suberror="bad_token", error_codes=[50076])
    assert cause_of(answer) is Cause.MFA_REQUIRED


@pytest.mark.parametrize(
    ("reason", "cause"), sorted((reason, cause) for reason, cause in API_REASONS[MICROSOFT].items())
)
def test_graph_reasons(reason: str, cause: Cause) -> None:
    assert cause_of(Answer(MICROSOFT, Where.API, 403, reason=reason, is_json=True)) is cause


def test_microsoft_refusals_in_the_browser() -> None:
    def came(error: str, description: str = "") -> Cause | None:
        return cause_of(authorize_answer(MICROSOFT, {"error": error, "error_description": description}))

    assert came("access_denied", "AADSTS65004: User declined to consent.") is Cause.CONSENT_MISSING
    assert came("access_denied", "AADSTS90094: Admin consent is required.") is Cause.ADMIN_CONSENT
    assert came("consent_required") is Cause.CONSENT_MISSING
    assert came("login_required", "AADSTS50058: no session") is Cause.SIGN_IN_REQUIRED
    assert came("server_error") is Cause.PROVIDER_TROUBLE
    assert came("temporarily_unavailable") is Cause.PROVIDER_TROUBLE
    assert came("unauthorized_client", "AADSTS700016: not found") is Cause.APP_REJECTED
    assert came("interaction_required", "AADSTS53003: blocked") is Cause.ADMIN_POLICY


# No answer, or not the provider's
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("provider", Provider)
def test_no_fault_of_the_network_asks_for_a_sign_in(provider: Provider, fault: Fault) -> None:
    found = classify(Answer(provider, Where.TRANSPORT, transport_fault=fault))
    if fault is Fault.INSECURE:
        assert found.cause is Cause.APP_MISCONFIGURED
    else:
        assert found.kind is OutcomeKind.TRANSIENT
    assert set(FAULTS) == set(FAULT_WORDS) == set(Fault)


@pytest.mark.parametrize("fault", [Fault.DNS, Fault.ROUTE])
def test_this_computer_offline_is_told_from_one_host_unreachable(fault: Fault) -> None:
    offline = Answer(GOOGLE, Where.TRANSPORT, transport_fault=fault)
    assert cause_of(offline) is Cause.OFFLINE
    assert cause_of(replace(offline, elsewhere=True)) is Cause.UNREACHABLE


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.TIMEOUT, Fault.RESET, Fault.PROXY])
def test_a_host_that_is_there_and_silent_is_unreachable(fault: Fault) -> None:
    assert cause_of(Answer(GOOGLE, Where.TRANSPORT, transport_fault=fault)) is Cause.UNREACHABLE


def test_tls_and_clock_are_named() -> None:
    assert cause_of(Answer(GOOGLE, Where.TRANSPORT, transport_fault=Fault.TLS)) is Cause.TLS_REJECTED
    assert cause_of(Answer(GOOGLE, Where.TRANSPORT, transport_fault=Fault.TLS_CLOCK)) is Cause.CLOCK_WRONG


@pytest.mark.parametrize("where", [Where.TOKEN, Where.API])
@pytest.mark.parametrize("status", [500, 502, 503, 504, 529, 599])
@pytest.mark.parametrize("is_json", [True, False])
def test_5xx_is_the_providers_own_trouble_whatever_it_says(where: Where, status: int, is_json: bool) -> None:
    answer = Answer(GOOGLE, where, status, error="invalid_grant", is_json=is_json, retry_after_s=7.0)
    assert classify(answer).cause is Cause.PROVIDER_TROUBLE
    assert classify(answer).retry_after_s == 7.0


@pytest.mark.parametrize("where", [Where.TOKEN, Where.API])
def test_429_is_throttling_whatever_it_says(where: Where) -> None:
    answer = Answer(MICROSOFT, where, 429, error="invalid_grant", is_json=True, retry_after_s=120.0)
    assert classify(answer).cause is Cause.THROTTLED
    assert classify(answer).retry_after_s == 120.0


@pytest.mark.parametrize("status", [200, 204, 301, 302, 307, 511])
def test_a_page_instead_of_json_is_a_portal(status: int) -> None:
    answer = Answer(GOOGLE, Where.TOKEN, status, error="invalid_grant")
    assert cause_of(answer) is Cause.PORTAL


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_that_is_not_json_proves_nothing(status: int) -> None:
    assert cause_of(token_answer(GOOGLE, status, None)) is Cause.UNKNOWN_ANSWER


def test_an_error_under_200_proves_nothing() -> None:
    assert cause_of(refused(GOOGLE, "invalid_grant", 200)) is Cause.UNKNOWN_ANSWER


def test_json_without_an_error_proves_nothing() -> None:
    assert cause_of(token_answer(GOOGLE, 400, {})) is Cause.UNKNOWN_ANSWER
    assert cause_of(token_answer(GOOGLE, 400, {"error": {"code": 400}})) is Cause.UNKNOWN_ANSWER
    assert cause_of(token_answer(GOOGLE, 400, {"error": "access_denied"})) is Cause.UNKNOWN_ANSWER


@pytest.mark.parametrize("off_s", [-3600.0, 301.0, 86_400.0])
def test_a_wrong_clock_is_named_before_a_sign_in_is_asked_for(off_s: float) -> None:
    answer = replace(refused(GOOGLE, "invalid_grant"), clock_off_s=off_s)
    assert cause_of(answer) is Cause.CLOCK_WRONG
    assert cause_of(replace(answer, clock_off_s=299.0)) is Cause.GRANT_REVOKED
    assert cause_of(replace(refused(GOOGLE, "invalid_client"), clock_off_s=off_s)) is Cause.APP_REJECTED


# What only the app knows
@pytest.mark.parametrize(
    ("age_days", "cause"),
    [(6.0, Cause.GRANT_REVOKED), (6.99, Cause.TESTING_MODE_ENDED), (7.0, Cause.TESTING_MODE_ENDED),
     (7.5, Cause.TESTING_MODE_ENDED), (40.0, Cause.TESTING_MODE_ENDED)],
)  # fmt: skip
def test_testing_mode_ends_a_google_grant_after_seven_days(age_days: float, cause: Cause) -> None:
    dead = refused(GOOGLE, "invalid_grant")
    assert cause_of(replace(dead, testing=True, grant_age_s=age_days * DAY)) is cause
    assert cause_of(replace(dead, announced_life_s=7 * DAY, grant_age_s=age_days * DAY)) is cause
    assert cause_of(replace(dead, grant_age_s=age_days * DAY)) is Cause.GRANT_REVOKED
    at_microsoft = replace(dead, provider=MICROSOFT, testing=True, grant_age_s=age_days * DAY)
    assert cause_of(at_microsoft) is Cause.GRANT_REVOKED


def test_consent_given_for_a_time_ends_with_it() -> None:
    dead = replace(refused(GOOGLE, "invalid_grant"), announced_life_s=30 * DAY)
    assert cause_of(replace(dead, grant_age_s=30 * DAY)) is Cause.GRANT_EXPIRED
    assert cause_of(replace(dead, grant_age_s=10 * DAY)) is Cause.GRANT_REVOKED


def test_a_code_that_is_not_redeemed_is_not_a_lost_grant_of_old() -> None:
    answer = replace(refused(GOOGLE, "invalid_grant"), exchange=True, testing=True, grant_age_s=8 * DAY)
    assert cause_of(answer) is Cause.SIGN_IN_REQUIRED


def test_claims_go_on_to_the_next_sign_in_and_stay_out_of_repr() -> None:
    challenge = '{"access_token":{"nbf":{"essential":true}}}'
    answer = refused(MICROSOFT, "interaction_required", error_codes=[50076], claims=challenge)
    assert classify(answer).claims == challenge
    assert "essential" not in repr(answer)
    assert classify(replace(answer, http_status=503)).claims is None


# Mail servers (their own tables are in mail_answers): what they say of an access token proves nothing.
@pytest.mark.parametrize(
    ("provider", "code", "enhanced", "text", "cause"),
    [
        (OTHER, 535, "5.7.8", "Username and Password not accepted", Cause.WRONG_PASSWORD),
        (GOOGLE, 535, "5.7.8", "Username and Password not accepted", Cause.PROOF_STALE),
        (GOOGLE, 535, "5.7.1", "", Cause.PROOF_STALE),
        (MICROSOFT, 535, "5.7.3", "Authentication unsuccessful", Cause.PROOF_STALE),
        (MICROSOFT, 535, "5.7.139", "SmtpClientAuthentication is disabled for the Tenant",
         Cause.SMTP_AUTH_OFF),
        (MICROSOFT, 535, "5.7.139", "SmtpClientAuthentication is disabled for the Mailbox",
         Cause.SMTP_AUTH_OFF),
        (MICROSOFT, 535, "5.7.139", "user is locked by your organization's security defaults policy",
         Cause.SMTP_AUTH_OFF),
        (MICROSOFT, 535, "5.7.139", "the request did not meet the criteria", Cause.ADMIN_POLICY),
        (MICROSOFT, 530, "5.7.57", "Client not authenticated to send mail", Cause.SMTP_AUTH_OFF),
        (GOOGLE, 454, "4.7.0", "Temporary authentication failure", Cause.PROVIDER_TROUBLE),
    ],
)  # fmt: skip
def test_smtp_rows(provider: Provider, code: int, enhanced: str | None, text: str, cause: Cause) -> None:
    answer = Answer(provider, Where.SMTP, smtp_code=code, enhanced_code=enhanced, description=text)
    assert cause_of(answer) is cause


@pytest.mark.parametrize(
    ("provider", "reason", "text", "cause"),
    [
        (OTHER, "AUTHENTICATIONFAILED", "nope", Cause.WRONG_PASSWORD),
        (OTHER, "UNAVAILABLE", "Authentication failed: backend down", Cause.PROVIDER_TROUBLE),
        (MICROSOFT, None, "NO AUTHENTICATE failed.", Cause.PROOF_STALE),
        (MICROSOFT, None, "BAD User is authenticated but not connected.", Cause.MAIL_ACCESS_OFF),
        (OTHER, None, "Something new", Cause.UNKNOWN_ANSWER),
    ],
)
def test_imap_rows(provider: Provider, reason: str | None, text: str, cause: Cause) -> None:
    assert cause_of(Answer(provider, Where.IMAP, reason=reason, description=text)) is cause


# Nothing else
KNOWN = {*ERRORS, *answers.AUTHORIZE_ERRORS}
unknown_text = st.text(max_size=60).filter(lambda text: text not in KNOWN)


@given(
    provider=st.sampled_from([GOOGLE, MICROSOFT]),
    where=st.sampled_from([Where.TOKEN, Where.AUTHORIZE, Where.TRANSPORT]),
    status=st.none() | st.integers(min_value=-1, max_value=1000),
    error=st.none() | unknown_text,
    codes=st.lists(st.integers() | st.sampled_from(sorted(AADSTS)), max_size=4),
    subtype=st.none() | st.text(max_size=20) | st.sampled_from(sorted(SUBTYPES[MICROSOFT])),
    reason=st.none() | st.text(max_size=20),
    description=st.none() | st.text(max_size=400),
    is_json=st.booleans(),
)
def test_garbage_is_never_a_reason_to_sign_in_or_to_blame(
    provider: Provider,
    where: Where,
    status: int | None,
    error: str | None,
    codes: list[int],
    subtype: str | None,
    reason: str | None,
    description: str | None,
    is_json: bool,
) -> None:
    answer = Answer(
        provider,
        where,
        http_status=status,
        error=error,
        error_codes=tuple(codes),
        subtype=subtype,
        reason=reason,
        description=description,
        is_json=is_json,
    )
    assert classify(answer).kind in PASSING


@given(
    provider=st.sampled_from([GOOGLE, MICROSOFT]),
    status=st.integers(min_value=100, max_value=599),
    reason=st.text(max_size=20).filter(lambda text: text not in API_REASONS[GOOGLE]),
    description=st.text(max_size=100),
)
def test_garbage_from_an_api_is_never_a_reason_either(
    provider: Provider, status: int, reason: str, description: str
) -> None:
    answer = Answer(provider, Where.API, status, reason=reason, description=description, is_json=True)
    assert classify(answer).kind in PASSING


@given(
    body=st.dictionaries(
        st.sampled_from(["error", "error_description", "error_codes", "suberror", "claims"]),
        st.none() | st.integers() | st.lists(st.none() | st.text() | st.integers()) | unknown_text,
    ),
    status=st.integers(min_value=100, max_value=599),
)
def test_any_json_object_can_be_read(body: dict[str, object], status: int) -> None:
    assert classify(token_answer(MICROSOFT, status, body)).kind in PASSING


@given(error=st.sampled_from(sorted(ERRORS)), status=st.integers(min_value=500, max_value=599))
def test_a_known_error_under_a_5xx_is_passing(error: str, status: int) -> None:
    assert classify(refused(GOOGLE, error, status)).kind in PASSING


# The provider's own text
def test_the_text_names_the_error_once() -> None:
    answer = refused(GOOGLE, "invalid_grant", error_description="Token has been expired or revoked.")
    assert provider_text(answer) == "invalid_grant: Token has been expired or revoked."
    again = refused(GOOGLE, "invalid_grant", error_description="invalid_grant: gone")
    assert provider_text(again) == "invalid_grant: gone"
    assert provider_text(token_answer(GOOGLE, 503, None)) == "HTTP status 503"
    assert provider_text(Answer(GOOGLE, Where.TRANSPORT)) is None


def test_the_text_is_one_line_and_short() -> None:
    answer = refused(GOOGLE, "invalid_grant", error_description="a\r\nb\u202e " + "word " * 200)
    text = provider_text(answer)
    assert text is not None and len(text) <= 300
    assert "\n" not in text and "\u202e" not in text and text.endswith("…")


def test_microsofts_trace_id_survives_the_cut() -> None:
    said = (
        "AADSTS50173: The provided grant has expired due to it being revoked. " + "More words. " * 60 +
        "Trace ID: f3cac613-d5ed-454b-abd4-a487a7f28800 "
        "Correlation ID: 1dae1d49-c950-4fad-9e97-62ae3d11ebf3 Timestamp: 2020-10-05 13:08:18Z"
    )  # fmt: skip
    text = provider_text(refused(MICROSOFT, "invalid_grant", error_description=said))
    assert text is not None and len(text) <= 300
    assert "AADSTS50173" in text
    assert "f3cac613-d5ed-454b-abd4-a487a7f28800" in text and "13:08:18Z" in text
    assert codes_in(said) == (50173,)


SECRETS = [
    "ya29.a0AfB_byDeadBeef1234567890abcdefGHIJKL",
    "1//0gAbCdEfGhIjKlMnOpQrStUvWxYz-0123456789",
    "4/0AX4XfWjAbCdEfGh0123456789ijkl",
    "GOCSPX-a1B2c3D4e5F6g7H8i9J0k1L2",
    "eyJ0eXAiOiJKV1QiLCJhbGciOi.JSUzI1NiJ9xyz0.AbC_123",
    "0.AXoA1a2b3c4d5e6f7g8h9i0jklmnop",
    "M.C529_BAY.0.U.-CrPw!abc123DEF456ghi789",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("shape", ["{}", "token={} was refused", '{{"refresh_token":"{}"}}', "Bearer {}"])
def test_tokens_are_taken_out_of_the_text(secret: str, shape: str) -> None:
    text = provider_text(refused(GOOGLE, "invalid_grant", error_description=shape.format(secret)))
    assert text is not None
    for part in (secret, secret[:24], secret[-16:]):
        assert part not in text


def test_known_secrets_are_taken_out_whatever_they_look_like() -> None:
    answer = replace(
        refused(GOOGLE, "invalid_grant", error_description="no use for correcthorse here"),
        secrets=("correcthorse", "no"),
    )
    assert provider_text(answer) == "invalid_grant: no use for [removed] here"
    assert "correcthorse" not in repr(replace(answer, description=None))


@pytest.mark.parametrize(
    "harmless",
    [
        "The provided authorization code or refresh token has expired due to inactivity.",
        "Enable it by visiting https://console.developers.google.com/apis/api/gmail.googleapis.com/overview"
        "?project=881234567890 then retry.",
        "The OAuth client was not found: 1234567890-abcdef0123.apps.googleusercontent.com",
        "'client_assertion' or 'client_secret' is needed",
        "See https://login.microsoftonline.com/error?code=7000218",
        "Scope https://www.googleapis.com/auth/gmail.send was not granted",
    ],
)
def test_plain_words_are_kept(harmless: str) -> None:
    answer = Answer(GOOGLE, Where.TOKEN, 400, description=harmless, is_json=True)
    assert provider_text(answer) == harmless


@given(st.text(max_size=500))
def test_any_text_can_be_shown(text: str) -> None:
    shown = provider_text(Answer(MICROSOFT, Where.TOKEN, 400, description=text, is_json=True))
    assert shown is None or (len(shown) <= 300 and "\n" not in shown)


@pytest.mark.parametrize(
    ("provider", "status", "reason", "text", "told", "wait"),
    [
        (GOOGLE, 403, "dailyLimitExceeded", "Daily Limit Exceeded", None, 3600.0),
        (GOOGLE, 403, "quotaExceeded", "Quota exceeded", None, 3600.0),
        (GOOGLE, 429, "rateLimitExceeded", "Daily user sending limit exceeded", None, 3600.0),
        (GOOGLE, 429, "userRateLimitExceeded", "User-rate limit exceeded.", None, None),
        (GOOGLE, 403, "userRateLimitExceeded", "User Rate Limit Exceeded", 42.0, 42.0),
        (MICROSOFT, 429, "ErrorExceededMessageLimit", "The user exceeded the limit.", None, 3600.0),
        (MICROSOFT, 403, "ErrorExceededMessageLimit", "The user exceeded the limit.", 7.0, 7.0),
        (MICROSOFT, 403, "ErrorSubmissionQuotaExceeded", "No", None, 3600.0),
        (MICROSOFT, 507, "ErrorQuotaExceeded", "The mailbox is full.", None, None),
        (MICROSOFT, 403, "ErrorQuotaExceeded", "The mailbox is full.", None, 3600.0),
        (MICROSOFT, 429, "ApplicationThrottled", "Over its MailboxConcurrency limit.", 10.0, 10.0),
        (MICROSOFT, 429, "ApplicationThrottled", "Over its MailboxConcurrency limit.", None, None),
        (GOOGLE, 503, "backendError", "Sending limit service is down", None, None),
    ],
)
def test_a_sending_limit_that_names_no_end_rests_an_hour(
    provider: Provider, status: int, reason: str, text: str, told: float | None, wait: float | None
) -> None:
    answer = Answer(
        provider,
        Where.API,
        http_status=status,
        reason=reason,
        description=text,
        is_json=True,
        retry_after_s=told,
    )
    outcome = classify(answer)
    assert outcome.kind is OutcomeKind.TRANSIENT and outcome.retry_after_s == wait
