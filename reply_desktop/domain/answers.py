"""What a provider's answer means: every known answer as data, and a safe default for all others. Pure.

Two rules hold everywhere. `error` is the contract (RFC 6749 §5.2); AADSTS codes, subtypes and phrases only
choose the cause within what `error` allows. And nothing that is not a well-formed refusal by the provider
itself (network, TLS, clock, 429, 5xx, a page instead of JSON, an unknown answer) ever asks for a new sign-in.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.deadline import TESTING_DAYS
from reply_desktop.domain.mail_answers import LIMIT_WAIT_S, imap_outcome, is_sending_limit, smtp_outcome
from reply_desktop.domain.notification import plain
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.provider import SINGLE_CLICK, Provider
from reply_desktop.domain.states import OutcomeKind


class Where(StrEnum):
    """Which door of the provider answered."""

    TOKEN = "token"  # noqa: S105 - a door's name
    AUTHORIZE = "authorize"
    API = "api"
    SMTP = "smtp"
    IMAP = "imap"
    TRANSPORT = "transport"


class Fault(StrEnum):
    """Why there was no answer at all."""

    DNS = "dns"
    """The host's name could not be looked up."""
    ROUTE = "route"
    """No way to the host from this computer: no network, or none that leads there."""
    REFUSED = "refused"
    """The host refuses connections."""
    TIMEOUT = "timeout"
    """No connection or no answer in time."""
    TLS = "tls"
    """The host's certificate is not trusted, or no secure connection came about."""
    TLS_CLOCK = "tls_clock"
    """The host's certificate is not valid yet by this computer's clock."""
    PROXY = "proxy"
    """The proxy could not be reached or would not connect."""
    RESET = "reset"
    """The connection broke."""
    PROTOCOL = "protocol"
    """What came back was not HTTP."""
    TOO_LARGE = "too_large"
    """The answer was larger than any answer of a provider is."""
    INSECURE = "insecure"
    """Our own refusal: the address is not https, so nothing was sent to it."""
    CLOSED = "closed"
    """The app is ending."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a provider in its own terms; what it did not say stays None or empty.

    `reason` is an API's own code (Gmail `reason`, Graph `code`) or IMAP's response code (RFC 5530);
    `enhanced_code` SMTP's (RFC 3463). `subtype` is Google's `error_subtype` or Microsoft's `suberror`.
    `elsewhere`: another host answered just now, so this computer is online. `exchange`: an authorization
    code was being redeemed, so no stored grant is in question. `clock_off_s`: how far the provider's clock
    is from this computer's, in seconds. `grant_age_s` and `announced_life_s`: age of the grant and the life
    the provider announced for it, in seconds; `testing`: the project is known to be in Testing status.
    `secrets` are taken out of any text; they and `claims` stay out of `repr`.
    """

    provider: Provider
    where: Where
    http_status: int | None = None
    error: str | None = None
    error_codes: tuple[int, ...] = ()
    subtype: str | None = None
    reason: str | None = None
    description: str | None = None
    smtp_code: int | None = None
    enhanced_code: str | None = None
    retry_after_s: float | None = None
    is_json: bool = False
    transport_fault: Fault | None = None
    elsewhere: bool = False
    claims: str | None = field(default=None, repr=False)
    exchange: bool = False
    clock_off_s: float | None = None
    grant_age_s: float | None = None
    announced_life_s: float | None = None
    testing: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)


CLOCK_TOLERANCE_S: Final = 300.0
"""A clock further off than this may itself be the reason of a refusal, in seconds."""

FAULTS: Final = MappingProxyType(
    {
        Fault.DNS: Cause.OFFLINE,
        Fault.ROUTE: Cause.OFFLINE,
        Fault.REFUSED: Cause.UNREACHABLE,
        Fault.TIMEOUT: Cause.UNREACHABLE,
        Fault.TLS: Cause.TLS_REJECTED,
        Fault.TLS_CLOCK: Cause.CLOCK_WRONG,
        Fault.PROXY: Cause.UNREACHABLE,
        Fault.RESET: Cause.UNREACHABLE,
        Fault.PROTOCOL: Cause.PORTAL,
        Fault.TOO_LARGE: Cause.PORTAL,
        Fault.INSECURE: Cause.APP_MISCONFIGURED,
        Fault.CLOSED: Cause.UNREACHABLE,
    }
)
"""No answer → cause."""

FAULT_WORDS: Final = MappingProxyType(
    {
        Fault.DNS: "The name {host} could not be looked up.",
        Fault.ROUTE: "There is no network that leads to {host}.",
        Fault.REFUSED: "{host} refused the connection.",
        Fault.TIMEOUT: "{host} did not answer in time.",
        Fault.TLS: "The secure connection to {host} was not accepted.",
        Fault.TLS_CLOCK: "The certificate of {host} is not valid yet by this computer's clock.",
        Fault.PROXY: "The proxy did not connect to {host}.",
        Fault.RESET: "{host} broke the connection.",
        Fault.PROTOCOL: "What answered for {host} does not speak HTTP.",
        Fault.TOO_LARGE: "{host} sent far more than was asked for.",
        Fault.INSECURE: "The address of {host} does not start with https://, so nothing was sent.",
        Fault.CLOSED: "The app is ending.",
    }
)
"""No answer → what to say of it; shown under Details."""

_USER: Final = frozenset(OutcomeKind)
_APP: Final = frozenset({OutcomeKind.BLOCKED, OutcomeKind.TRANSIENT})
_PASSING: Final = frozenset({OutcomeKind.TRANSIENT})


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One value of `error`: its cause, and the kinds of outcome that codes and phrases may make of it."""

    cause: Cause
    may_become: frozenset[OutcomeKind]


ERRORS: Final = MappingProxyType(
    {
        # The person must sign in again.
        "invalid_grant": ErrorRow(Cause.GRANT_REVOKED, _USER),
        "interaction_required": ErrorRow(Cause.SIGN_IN_REQUIRED, _USER),
        "login_required": ErrorRow(Cause.SIGN_IN_REQUIRED, _USER),
        "account_selection_required": ErrorRow(Cause.SIGN_IN_REQUIRED, _USER),
        "consent_required": ErrorRow(Cause.CONSENT_MISSING, _USER),
        # The administrator must act.
        "admin_policy_enforced": ErrorRow(Cause.ADMIN_POLICY, _APP),
        # The owner of the app registration must act.
        "invalid_client": ErrorRow(Cause.APP_REJECTED, _APP),
        "unauthorized_client": ErrorRow(Cause.APP_REJECTED, _APP),
        "deleted_client": ErrorRow(Cause.APP_DELETED, _APP),
        "disabled_client": ErrorRow(Cause.APP_DELETED, _APP),
        "invalid_scope": ErrorRow(Cause.APP_MISCONFIGURED, _APP),
        "invalid_request": ErrorRow(Cause.APP_MISCONFIGURED, _APP),
        "invalid_resource": ErrorRow(Cause.APP_MISCONFIGURED, _APP),
        "invalid_tenant": ErrorRow(Cause.APP_MISCONFIGURED, _APP),
        "invalid_instance": ErrorRow(Cause.APP_MISCONFIGURED, _APP),
        "org_internal": ErrorRow(Cause.APP_MISCONFIGURED, _APP),
        "redirect_uri_mismatch": ErrorRow(Cause.APP_MISCONFIGURED, _APP),
        "disallowed_useragent": ErrorRow(Cause.APP_MISCONFIGURED, _APP),
        "unsupported_grant_type": ErrorRow(Cause.APP_MISCONFIGURED, _APP),
        "unsupported_response_type": ErrorRow(Cause.APP_MISCONFIGURED, _APP),
        # Nobody: it passes.
        "temporarily_unavailable": ErrorRow(Cause.PROVIDER_TROUBLE, _PASSING),
        "server_error": ErrorRow(Cause.PROVIDER_TROUBLE, _PASSING),
        "internal_failure": ErrorRow(Cause.PROVIDER_TROUBLE, _PASSING),
        "slow_down": ErrorRow(Cause.THROTTLED, _PASSING),
        "rate_limit_exceeded": ErrorRow(Cause.THROTTLED, _PASSING),
    }
)
"""`error` of the token endpoint and of the browser's answer. Sources: RFC 6749 §4.1.2.1 and §5.2, OpenID
Connect Core §3.1.2.6, Google native-app guide, Microsoft reference-error-codes."""

AUTHORIZE_ERRORS: Final = MappingProxyType({"access_denied": ErrorRow(Cause.CONSENT_MISSING, _USER)})
"""Values of `error` that mean this in the browser's answer only."""

_UNKNOWN_ERROR: Final = ErrorRow(Cause.UNKNOWN_ANSWER, _PASSING)


def _rows(table: Mapping[Cause, Iterable[int]]) -> Mapping[int, Cause]:
    return MappingProxyType({code: cause for cause, codes in table.items() for code in codes})


AADSTS: Final = _rows(
    {
        Cause.GRANT_REVOKED: (70000,),
        # 700084: a registration of type SPA; signing in again helps for a day each time.
        Cause.GRANT_EXPIRED: (70008, 700082, 700084),
        Cause.PASSWORD_CHANGED: (50132, 50133, 50135, 50173),
        Cause.PASSWORD_EXPIRED: (50055, 50144),
        Cause.SIGN_IN_FREQUENCY: (70043, 70044),
        Cause.MFA_REQUIRED: (50072, 50074, 50076, 50078, 50079),
        Cause.SIGN_IN_REQUIRED: (
            *(50056, 50058, 50085, 50089, 50125, 50126, 50158),
            *(54005, 70046, 135010, 700020),
        ),
        Cause.CONSENT_MISSING: (65001, 65004),
        Cause.ADMIN_POLICY: (
            *(50131, 50177, 50178, 53003, 500021, 500022, 500212, 500213),
            *(530032, 530035, 1000031),
        ),
        Cause.ADMIN_CONSENT: (90094, 90095, 500011),
        Cause.NOT_ASSIGNED: (50105,),
        Cause.ACCOUNT_DISABLED: (50057,),
        Cause.ACCOUNT_LOCKED: (50053,),
        Cause.ACCOUNT_NOT_FOUND: (16000, 50020, 50034, 90072, 500208, 9002332),
        Cause.DEVICE_POLICY: (50097, 50127, 50129, 53000, 53001, 53002, 135011, 700003),
        Cause.USER_RISK: (53004, 53011),
        Cause.APP_REJECTED: (70002, 700011, 700016, 7000215, 7000222),
        Cause.APP_DELETED: (70001, 7000112),
        Cause.APP_NOT_PUBLIC: (7000218,),
        Cause.APP_MISCONFIGURED: (
            *(28000, 50059, 50194, 65005, 70003, 70004, 70011, 90002, 90009),
            *(650052, 650054, 650056, 650057, 700005, 700022, 700025, 700054, 900144, 9002313),
        ),
        Cause.THROTTLED: (50196, 90055),
        Cause.PROVIDER_TROUBLE: (
            *(50087, 50088, 70012, 90006, 90012, 90024, 90033, 90090),
            *(80001, 80002, 80005, 80007, 80013, 80014),
        ),
    }
)
"""Microsoft's codes. Source: entra-docs reference-error-codes.md and the issues named in the fact page."""

ONLY_WITH: Final = MappingProxyType({900144: "invalid_request", 9002313: "invalid_request"})
"""Codes that count beside this `error` only: with invalid_grant they speak of the token, not of the app
(AzureAD/microsoft-authentication-library-for-android#558)."""

SUBTYPES: Final = MappingProxyType(
    {
        Provider.GOOGLE: {
            "invalid_rapt": Cause.SIGN_IN_FREQUENCY,
            "rapt_required": Cause.SIGN_IN_FREQUENCY,
        },
        Provider.MICROSOFT: {
            "bad_token": Cause.GRANT_REVOKED,
            "token_expired": Cause.GRANT_EXPIRED,
            "basic_action": Cause.SIGN_IN_REQUIRED,
            "additional_action": Cause.SIGN_IN_REQUIRED,
            "message_only": Cause.ADMIN_POLICY,
            "consent_required": Cause.CONSENT_MISSING,
            "user_password_expired": Cause.PASSWORD_EXPIRED,
            "protection_policy_required": Cause.DEVICE_POLICY,
            "device_authentication_failed": Cause.DEVICE_POLICY,
        },
    }
)
"""`error_subtype` and `suberror`. Sources: Google session control help 9368756, MSAL classification."""

PHRASES: Final = MappingProxyType(
    {
        Provider.GOOGLE: (
            ("invalid_rapt", Cause.SIGN_IN_FREQUENCY),
            ("rapt_required", Cause.SIGN_IN_FREQUENCY),
            ("account has been deleted", Cause.ACCOUNT_DISABLED),
            ("account has been disabled", Cause.ACCOUNT_DISABLED),
            ("account is disabled", Cause.ACCOUNT_DISABLED),
            ("disabled_user", Cause.ACCOUNT_DISABLED),
            ("not a valid email or user id", Cause.ACCOUNT_DISABLED),
            ("admin_policy_enforced", Cause.ADMIN_POLICY),
            ("client_secret is missing", Cause.APP_REJECTED),
            ("reasonable timeframe", Cause.CLOCK_WRONG),
        ),
        Provider.MICROSOFT: (),
    }
)
"""Words in Google's description, lower case: it has no codes. Sources: as the fact page §1.3, §1.4."""

API_REASONS: Final = MappingProxyType(
    {
        Provider.GOOGLE: {
            "authError": Cause.PROOF_STALE,
            "insufficientPermissions": Cause.SCOPE_MISSING,
            "ACCESS_TOKEN_SCOPE_INSUFFICIENT": Cause.SCOPE_MISSING,
            "rateLimitExceeded": Cause.THROTTLED,
            "userRateLimitExceeded": Cause.THROTTLED,
            "quotaExceeded": Cause.THROTTLED,
            "dailyLimitExceeded": Cause.THROTTLED,
            "RATE_LIMIT_EXCEEDED": Cause.THROTTLED,
            "accessNotConfigured": Cause.API_OFF,
            "SERVICE_DISABLED": Cause.API_OFF,
            "domainPolicy": Cause.ADMIN_POLICY,
            "backendError": Cause.PROVIDER_TROUBLE,
            "invalidArgument": Cause.MESSAGE_REFUSED,
        },
        Provider.MICROSOFT: {
            "InvalidAuthenticationToken": Cause.PROOF_STALE,
            "ErrorAccessDenied": Cause.SCOPE_MISSING,
            "ApplicationThrottled": Cause.THROTTLED,
            "TooManyRequests": Cause.THROTTLED,
            "activityLimitReached": Cause.THROTTLED,
            "ErrorExceededMessageLimit": Cause.THROTTLED,
            "ErrorSubmissionQuotaExceeded": Cause.THROTTLED,
            "ErrorQuotaExceeded": Cause.THROTTLED,
            "MailboxNotEnabledForRESTAPI": Cause.MAILBOX_DISABLED,
            "MailboxNotSupportedForRESTAPI": Cause.MAILBOX_DISABLED,
            "ErrorNonExistentMailbox": Cause.MAILBOX_DISABLED,
            "ErrorAccountSuspend": Cause.ACCOUNT_LOCKED,
            "ErrorMessageSubmissionBlocked": Cause.ACCOUNT_LOCKED,
            "ErrorSendAsDenied": Cause.MESSAGE_REFUSED,
            "ErrorMimeContentInvalidBase64String": Cause.MESSAGE_REFUSED,
            "ErrorMimeContentInvalid": Cause.MESSAGE_REFUSED,
            "ErrorInvalidRecipients": Cause.MESSAGE_REFUSED,
            "ErrorMessageSizeExceeded": Cause.MESSAGE_REFUSED,
            "serviceNotAvailable": Cause.PROVIDER_TROUBLE,
            "ErrorMailboxStoreUnavailable": Cause.PROVIDER_TROUBLE,
            "ErrorServerBusy": Cause.THROTTLED,
        },
    }
)
"""Reasons of the mail APIs. Sources: Gmail handle-errors guide, Graph error and throttling pages."""

LIMIT_REASONS: Final = frozenset(
    {
        "dailyLimitExceeded",
        "quotaExceeded",
        "ErrorExceededMessageLimit",
        "ErrorSubmissionQuotaExceeded",
        "ErrorQuotaExceeded",
    }
)
"""Reasons of a limit used up for hours, not seconds. Sources: as for API_REASONS, and EWS ResponseCode."""

API_PHRASES: Final = MappingProxyType(
    {
        Provider.GOOGLE: (("mail service not enabled", Cause.MAILBOX_DISABLED),),
        Provider.MICROSOFT: (),
    }
)

HTTP: Final = MappingProxyType(
    {
        401: Cause.PROOF_STALE,
        407: Cause.UNREACHABLE,
        408: Cause.PROVIDER_TROUBLE,
        413: Cause.MESSAGE_REFUSED,
        425: Cause.PROVIDER_TROUBLE,
        429: Cause.THROTTLED,
        511: Cause.PORTAL,
    }
)
"""Status codes that mean the same whatever the body says; 401 and 413 count at an API only."""


def classify(answer: Answer) -> Outcome:
    """What an answer that was no success means. Total: any answer at all has an outcome."""
    cause = _cause(answer)
    kind = CAUSES[cause].kind
    return Outcome(
        cause,
        provider_error=provider_text(answer),
        retry_after_s=_wait(answer, cause) if kind is OutcomeKind.TRANSIENT else None,
        claims=answer.claims if kind is not OutcomeKind.TRANSIENT else None,
    )


def token_answer(
    provider: Provider,
    http_status: int,
    body: Mapping[str, object] | None,
    *,
    where: Where = Where.TOKEN,
) -> Answer:
    """The error body of a token endpoint (RFC 6749 §5.2) as an answer; None when it was not a JSON object.

    Fields of a wrong type count as not said.
    """
    said = body or {}
    codes = said.get("error_codes")
    description = _text(said.get("error_description"))
    return Answer(
        provider,
        where,
        http_status=http_status,
        error=_text(said.get("error")),
        error_codes=tuple(code for code in codes if type(code) is int)
        if isinstance(codes, list)
        else codes_in(description),
        subtype=_text(said.get("error_subtype")) or _text(said.get("suberror")),
        description=description,
        is_json=body is not None,
        claims=_text(said.get("claims")),
    )


def authorize_answer(provider: Provider, said: Mapping[str, str]) -> Answer:
    """The error the browser brought back (RFC 6749 §4.1.2.1) as an answer."""
    description = said.get("error_description")
    return Answer(
        provider,
        Where.AUTHORIZE,
        error=said.get("error"),
        error_codes=codes_in(description),
        subtype=said.get("error_subtype") or said.get("error_subcode"),
        description=description,
        claims=said.get("claims"),
    )


def codes_in(text: str | None) -> tuple[int, ...]:
    """The AADSTS codes named in a text, in order."""
    return tuple(int(code) for code in re.findall(r"AADSTS(\d{4,9})\b", text or "", re.ASCII))


def provider_text(answer: Answer, limit: int = 300) -> str | None:
    """The provider's own text: one line of at most `limit` characters, without anything like a secret.

    Microsoft's trace id and time, which an administrator needs, are kept whole at the end.
    """
    text = answer.description or ""
    for secret in answer.secrets:
        if len(secret) >= 6:
            text = text.replace(secret, _REMOVED)
    text = without_secrets(text)
    error = without_secrets(answer.error or answer.reason or "")
    if error and error.casefold() not in text.casefold():
        text = f"{error}: {text}" if text else error
    if not text:
        if answer.http_status is None or answer.where is Where.TRANSPORT:
            return None
        text = f"HTTP status {answer.http_status}"
    head, trace, tail = text.partition("Trace ID:")
    if trace:
        tail = plain(trace + tail, limit // 2)
        return f"{plain(head, limit - len(tail) - 1)} {tail}".strip()
    return plain(text, limit) or None


_REMOVED: Final = "[removed]"
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"(?i)\b(code|state|password|assertion|code_verifier|client_secret|(?:\w+_)?token|bearer|secret)"
    r"(\"?\s*[=:]\s*\"?|\s+)(?!AADSTS)(?=\S*\d)[^\s\"'&,;]{8,}"
)
_RUN: Final = re.compile(r"[A-Za-z0-9_~+/=.!*$%\-]{20,}")


def without_secrets(text: str) -> str:
    """The text with everything that looks like a token, a code or a secret taken out.

    Kept: GUIDs (trace ids), host names, and words without digits.
    """

    def judge(found: re.Match[str]) -> str:
        run = found.group()
        bare = run.rstrip("=").rpartition("=")[2].strip("./")
        harmless = (
            not any(c.isdigit() for c in run)
            or not any(c.isalpha() for c in bare)
            or _GUID.fullmatch(bare)
            or bare.endswith(".apps.googleusercontent.com")
        )
        return run if harmless else _REMOVED

    return _RUN.sub(judge, _NAMED.sub(lambda found: f"{found[1]}{found[2]}{_REMOVED}", text))


def _wait(answer: Answer, cause: Cause) -> float | None:
    """The wait that was asked for; a sending limit that names none has one all the same."""
    if answer.retry_after_s is not None or cause is not Cause.THROTTLED:
        return answer.retry_after_s
    limit = answer.reason in LIMIT_REASONS or is_sending_limit(answer.description or "")
    return LIMIT_WAIT_S if limit else None


def _cause(answer: Answer) -> Cause:
    if answer.transport_fault is not None or answer.where is Where.TRANSPORT:
        return _of_fault(answer)
    if answer.where in (Where.SMTP, Where.IMAP):
        return _of_mail(answer)
    cause = _of_page(answer)
    if cause is None:
        cause = _of_api(answer) if answer.where is Where.API else _of_error(answer)
    if CAUSES[cause].kind is OutcomeKind.LOST and not _clock_fits(answer):
        return Cause.CLOCK_WRONG
    return cause


def _of_fault(answer: Answer) -> Cause:
    if answer.transport_fault is None:
        return Cause.UNREACHABLE
    cause = FAULTS[answer.transport_fault]
    return Cause.UNREACHABLE if cause is Cause.OFFLINE and answer.elsewhere else cause


def _of_page(answer: Answer) -> Cause | None:
    """The cause that status or form alone decide, before anybody reads what is said."""
    status = answer.http_status
    if answer.where is Where.AUTHORIZE or (status is None and answer.is_json):
        return None
    if status is None:
        return Cause.UNKNOWN_ANSWER
    at_api = answer.where is Where.API
    if status in HTTP and (at_api or status not in (401, 413)):
        return HTTP[status]
    if status >= 500:
        return Cause.PROVIDER_TROUBLE
    if status < 400:
        return Cause.UNKNOWN_ANSWER if answer.is_json else Cause.PORTAL
    return None if answer.is_json else Cause.UNKNOWN_ANSWER


def _of_error(answer: Answer) -> Cause:
    error = answer.error or ""
    row = ERRORS.get(error, _UNKNOWN_ERROR)
    if answer.where is Where.AUTHORIZE:
        row = AUTHORIZE_ERRORS.get(error, row)
    for hint in _hints(answer):
        if CAUSES[hint].kind in row.may_become:
            return hint
    if row.cause is not Cause.GRANT_REVOKED:
        return row.cause
    if answer.exchange:
        return Cause.SIGN_IN_REQUIRED
    return _of_age(answer)


def _hints(answer: Answer) -> Iterable[Cause]:
    """What codes, subtype and words say of the cause, the surest first."""
    if answer.provider is Provider.MICROSOFT:
        for code in answer.error_codes:
            if code in AADSTS and ONLY_WITH.get(code, answer.error) == answer.error:
                yield AADSTS[code]
    subtype = SUBTYPES.get(answer.provider, {}).get(answer.subtype or "")
    if subtype is not None:
        yield subtype
    yield from _said(PHRASES.get(answer.provider, ()), answer.description)


def _of_age(answer: Answer) -> Cause:
    """Google names no reason of a dead grant; its age and announced end tell two of them."""
    hour, day = 3600.0, 86_400.0
    age, life = answer.grant_age_s, answer.announced_life_s
    if age is None:
        return Cause.GRANT_REVOKED
    testing = answer.testing or (life is not None and life <= TESTING_DAYS * day + hour)
    if answer.provider is Provider.GOOGLE and testing and age >= TESTING_DAYS * day - hour:
        return Cause.TESTING_MODE_ENDED
    if life is not None and age >= life - hour:
        return Cause.GRANT_EXPIRED
    return Cause.GRANT_REVOKED


def _of_api(answer: Answer) -> Cause:
    named = API_REASONS.get(answer.provider, {}).get(answer.reason or "")
    if named is not None:
        return named
    return next(iter(_said(API_PHRASES.get(answer.provider, ()), answer.description)), Cause.UNKNOWN_ANSWER)


def _of_mail(answer: Answer) -> Cause:
    text = answer.description or ""
    if answer.where is Where.SMTP:
        said = smtp_outcome(answer.smtp_code or 0, answer.enhanced_code, text)
    else:
        said = imap_outcome(f"NO [{answer.reason}] {text}" if answer.reason else text)
    return _for_token(answer, said.cause or Cause.UNKNOWN_ANSWER)


def _for_token(answer: Answer, cause: Cause) -> Cause:
    """A mail server that refuses an access token proves nothing: only the token endpoint knows."""
    by_password = cause in (Cause.WRONG_PASSWORD, Cause.APP_PASSWORD_REQUIRED)
    return Cause.PROOF_STALE if answer.provider in SINGLE_CLICK and by_password else cause


def _clock_fits(answer: Answer) -> bool:
    return answer.clock_off_s is None or abs(answer.clock_off_s) <= CLOCK_TOLERANCE_S


def _said(phrases: Iterable[tuple[str, Cause]], text: str | None) -> Iterable[Cause]:
    lower = (text or "").casefold()
    return (cause for phrase, cause in phrases if phrase in lower)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
