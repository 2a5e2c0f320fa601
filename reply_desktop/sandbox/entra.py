"""Entra's error codes: what each answers at the token endpoint, and the shape of the body.

Source: learn.microsoft.com, "Microsoft Entra authentication & authorization error codes" (`error` is the
contract, codes and texts may change); the `suberror` pairs are from public issue reports.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

MFA_CLAIMS: Final = (
    '{"access_token":{"capolids":{"essential":true,"values":["5f2bd1f5-f0b1-4ed3-9d4c-4fb43ba77bd1"]}}}'
)
"""The claims challenge that comes with 50076; to be handed on to the sign-in."""


@dataclass(frozen=True, slots=True)
class EntraRow:
    """One code: the text, and the `error` and `suberror` that go with it."""

    text: str
    error: str = "invalid_grant"
    suberror: str = ""
    status: int = 400


_I = "interaction_required"
_C = "invalid_client"

ENTRA: Final[Mapping[int, EntraRow]] = MappingProxyType(
    {
        16000: EntraRow(
            "Either multiple user identities are available, or the account is not supported.", _I
        ),
        28000: EntraRow(
            "The value for the input parameter scope holds more than one resource.", "invalid_request"
        ),
        50020: EntraRow("User account does not exist in the tenant and cannot access the application in it."),
        50034: EntraRow("The user account does not exist in the directory."),
        50053: EntraRow("The account is locked: too many sign-ins with an incorrect user name or password."),
        50055: EntraRow("The password is expired.", suberror="user_password_expired"),
        50056: EntraRow(
            "Invalid or null password: the password does not exist in the directory for this user."
        ),
        50057: EntraRow("The user account is disabled."),
        50058: EntraRow("A silent sign-in request was sent but no user is signed in.", "login_required"),
        50059: EntraRow("No tenant-identifying information found in the request.", "invalid_request"),
        50072: EntraRow("You must enroll in multi-factor authentication to continue.", _I, "basic_action"),
        50074: EntraRow("Strong authentication is required.", _I, "basic_action"),
        50076: EntraRow(
            "Due to a configuration change made by your administrator, or because you moved to a new "
            "location, you must use multi-factor authentication to access the resource.",
            suberror="basic_action",
        ),
        50078: EntraRow("Presented multi-factor authentication has expired.", suberror="basic_action"),
        50079: EntraRow("You must enroll in multi-factor authentication.", _I, "basic_action"),
        50087: EntraRow(
            "A transient error occurred during strong authentication.", "temporarily_unavailable"
        ),
        50088: EntraRow(
            "The limit on telephone calls for authentication is reached.", "temporarily_unavailable"
        ),
        50089: EntraRow("Authentication failed because the flow token expired."),
        50097: EntraRow("Device authentication is required.", _I, "additional_action"),
        50105: EntraRow("The signed-in user is not assigned to a role for the application."),
        50125: EntraRow("Sign-in was interrupted because of a password reset or registration.", _I),
        50126: EntraRow("Error validating credentials due to invalid username or password."),
        50127: EntraRow("The user must install a broker app to access this content.", _I),
        50129: EntraRow("The device is not workplace joined.", _I),
        50131: EntraRow("The request was blocked by conditional access conditions."),
        50132: EntraRow("The session is not valid due to password expiration or a recent password change."),
        50133: EntraRow("The session is not valid due to password expiration or a recent password change."),
        50135: EntraRow("A password change is required due to account risk."),
        50144: EntraRow("The user's Active Directory password has expired."),
        50158: EntraRow("An external security challenge was not satisfied.", _I),
        50173: EntraRow(
            "The provided grant has expired due to it being revoked, a fresh auth token is needed. "
            "The user might have changed or reset their password.",
            suberror="bad_token",
        ),
        50177: EntraRow("The external challenge is not supported for guest users."),
        50178: EntraRow("Session control is not supported for guest users."),
        50194: EntraRow(
            "The application is not configured as a multi-tenant application.", "invalid_request"
        ),
        50196: EntraRow("The server terminated an operation because it met a client request loop."),
        53000: EntraRow(
            "The device is not in the required state: it must be compliant.", suberror="message_only"
        ),
        53001: EntraRow(
            "The device is not in the required state: it must be joined.", suberror="message_only"
        ),
        53002: EntraRow("The application used is not an approved application.", suberror="message_only"),
        53003: EntraRow(
            "Access has been blocked by Conditional Access policies. The access policy does not allow token "
            "issuance.",
            suberror="message_only",
        ),
        53004: EntraRow("Proof-up is blocked due to risk."),
        53011: EntraRow("The user is blocked due to risk on the home tenant."),
        54005: EntraRow("The OAuth2 authorization code was already redeemed."),
        65001: EntraRow(
            "The user or administrator has not consented to use the application. Send an interactive "
            "authorization request for this user and resource.",
            suberror="consent_required",
        ),
        65004: EntraRow("The user declined to consent to access the app.", "access_denied"),
        65005: EntraRow("The application required resource access list does not contain the resource."),
        70000: EntraRow(
            "The request was denied because one or more scopes requested are unauthorized or expired. The "
            "user must first sign in and grant the client application access to the requested scope.",
        ),
        70001: EntraRow("The application is disabled.", "unauthorized_client"),
        70002: EntraRow("The client secret does not match.", _C, status=401),
        70008: EntraRow(
            "The provided authorization code or refresh token has expired due to inactivity.",
            suberror="token_expired",
        ),
        70011: EntraRow("The provided value for the input parameter 'scope' is not valid.", "invalid_scope"),
        70012: EntraRow("A server error occurred while authenticating a personal account.", "server_error"),
        70043: EntraRow(
            "The refresh token has expired or is invalid due to sign-in frequency checks by policy.",
            suberror="token_expired",
        ),
        70044: EntraRow(
            "The session has expired or is invalid due to sign-in frequency checks.", suberror="token_expired"
        ),
        80001: EntraRow("The authentication agent is unable to connect to Active Directory."),
        80002: EntraRow("The authentication agent's password validation request timed out."),
        80007: EntraRow("The authentication agent is unable to validate the user's password."),
        90002: EntraRow(
            "The tenant was not found. Check that the tenant id or domain is right.", "invalid_request"
        ),
        90006: EntraRow("The service is temporarily unavailable.", "temporarily_unavailable"),
        90009: EntraRow(
            "The application is requesting a token for itself. Use its app identifier as resource."
        ),
        90012: EntraRow("The request timed out.", "temporarily_unavailable"),
        90024: EntraRow(
            "The request budget is exceeded; a transient error occurred.", "temporarily_unavailable"
        ),
        90033: EntraRow("A transient error has occurred. Try again.", "temporarily_unavailable"),
        90072: EntraRow("The user account from the identity provider does not exist in the tenant."),
        90094: EntraRow("Administrator consent is required.", "consent_required"),
        90095: EntraRow("Administrator consent is required; a request can be sent.", "consent_required"),
        135011: EntraRow("The device used during the authentication is disabled."),
        500011: EntraRow("The resource principal was not found in the tenant.", "invalid_resource"),
        500021: EntraRow("Access to the tenant is denied by tenant restrictions."),
        500112: EntraRow("The reply address does not match the one given when the code was requested."),
        501481: EntraRow("The Code_Verifier does not match the code_challenge of the authorization request."),
        530032: EntraRow("The request was blocked by security policy.", suberror="message_only"),
        530035: EntraRow("Access has been blocked by security defaults.", suberror="message_only"),
        700003: EntraRow("The device object was not found in the tenant."),
        700016: EntraRow("The application was not found in the directory.", "unauthorized_client"),
        700020: EntraRow("Interaction required.", _I),
        700025: EntraRow(
            "The client is public so neither assertion nor secret should be presented.", _C, status=401
        ),
        700082: EntraRow(
            "The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.",
            suberror="token_expired",
        ),
        700084: EntraRow(
            "The refresh token was issued to a single page app and has a fixed, limited lifetime."
        ),
        7000112: EntraRow("The application is disabled.", "unauthorized_client"),
        7000215: EntraRow("An invalid client secret was provided.", _C, status=401),
        7000218: EntraRow(
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            _C,
            status=401,
        ),
        7000222: EntraRow("The provided client secret keys are expired.", _C, status=401),
        9002313: EntraRow("Invalid request. The request is malformed or invalid.", "invalid_request"),
        9002332: EntraRow("The application is only for use by organisation accounts.", "invalid_request"),
        900144: EntraRow("The request body must contain a parameter that is missing.", "invalid_request"),
        1000031: EntraRow("The application cannot be accessed at this time. Contact your administrator."),
    }
)
"""The codes the sandbox knows words for."""


def entra_error(
    code: int,
    now: datetime,
    correlation_id: str = "",
    *,
    text: str = "",
    error: str = "",
    suberror: str = "",
    claims: str = "",
) -> tuple[int, dict[str, Any]]:
    """The HTTP status and body of one refusal. Codes without a row answer `invalid_grant`."""
    row = ENTRA.get(code, EntraRow("The request was refused."))
    trace_id, correlation_id = str(uuid.uuid4()), correlation_id or str(uuid.uuid4())
    stamp = f"{now:%Y-%m-%d %H:%M:%S}Z"
    body: dict[str, Any] = {
        "error": error or row.error,
        "error_description": f"AADSTS{code}: {text or row.text} "
        f"Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {stamp}",
        "error_codes": [code],
        "timestamp": stamp,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    }
    if suberror or row.suberror:
        body["suberror"] = suberror or row.suberror
    if claims:
        body["claims"] = claims
    return row.status, body
