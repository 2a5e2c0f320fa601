"""What SMTP and IMAP servers' answers to a password mean: tables of codes and phrases, a safe default. Pure.

A temporary answer (SMTP 4xx, IMAP UNAVAILABLE and the like) never blames the password, whatever its words
say. An unknown answer never asks for a new one.
"""

import re
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.notification import plain
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.states import OutcomeKind

PHRASES: Final = (
    # QQ gives all its reasons in one breath.
    ("service is not open, password is incorrect", Cause.WRONG_PASSWORD),
    ("application-specific password", Cause.APP_PASSWORD_REQUIRED),
    ("app-specific password", Cause.APP_PASSWORD_REQUIRED),
    ("application password", Cause.APP_PASSWORD_REQUIRED),
    ("app password", Cause.APP_PASSWORD_REQUIRED),
    ("parol prilozheniya", Cause.APP_PASSWORD_REQUIRED),
    ("use authorization code", Cause.APP_PASSWORD_REQUIRED),
    ("smtpclientauthentication is disabled", Cause.SMTP_AUTH_OFF),
    ("basic authentication is disabled", Cause.SMTP_AUTH_OFF),
    ("basic authentication is not supported", Cause.SMTP_AUTH_OFF),
    ("security defaults policy", Cause.SMTP_AUTH_OFF),
    ("did not meet the criteria", Cause.ADMIN_POLICY),
    ("does not meet the criteria", Cause.ADMIN_POLICY),
    ("conditional access", Cause.ADMIN_POLICY),
    ("does not have access rights to this service", Cause.MAIL_ACCESS_OFF),
    ("not enabled for imap", Cause.MAIL_ACCESS_OFF),
    ("imap access is disabled", Cause.MAIL_ACCESS_OFF),
    ("imap is disabled", Cause.MAIL_ACCESS_OFF),
    ("imap service is not", Cause.MAIL_ACCESS_OFF),
    ("smtp access is disabled", Cause.MAIL_ACCESS_OFF),
    ("user has no permission", Cause.MAIL_ACCESS_OFF),
    ("authenticated but not connected", Cause.MAIL_ACCESS_OFF),
    ("too many bad auth", Cause.ACCOUNT_LOCKED),
    ("too many failed", Cause.ACCOUNT_LOCKED),
    ("too many login failures", Cause.ACCOUNT_LOCKED),
    ("account is locked", Cause.ACCOUNT_LOCKED),
    ("account has been locked", Cause.ACCOUNT_LOCKED),
    ("account is temporarily locked", Cause.ACCOUNT_LOCKED),
    ("log in via your web browser", Cause.ACCOUNT_LOCKED),
    ("log in with your web browser", Cause.ACCOUNT_LOCKED),
    ("web login required", Cause.ACCOUNT_LOCKED),
    ("account is disabled", Cause.ACCOUNT_DISABLED),
    ("account has been disabled", Cause.ACCOUNT_DISABLED),
    ("account disabled", Cause.ACCOUNT_DISABLED),
    ("account is suspended", Cause.ACCOUNT_DISABLED),
    ("account suspended", Cause.ACCOUNT_DISABLED),
    ("user disabled", Cause.ACCOUNT_DISABLED),
    ("issue a starttls", Cause.ENCRYPTION_MISSING),
    ("credentials were incorrect", Cause.WRONG_PASSWORD),
    ("password expired", Cause.WRONG_PASSWORD),
    ("password has expired", Cause.WRONG_PASSWORD),
    ("too many login attempts", Cause.THROTTLED),
    ("too many simultaneous", Cause.THROTTLED),
    ("too many connections", Cause.THROTTLED),
    ("concurrent connections limit", Cause.THROTTLED),
    ("bandwidth limits", Cause.THROTTLED),
    ("sender thread limit", Cause.THROTTLED),
    ("rate limit", Cause.THROTTLED),
)
"""Words in a server's text, lower case, that say more than its code; the first that fits counts.

Sources: Gmail SMTP errors (support.google.com/a/answer/3726730), Exchange authenticated SMTP submission
(learn.microsoft.com), and the servers' texts as people quote them in mail clients' issue trackers.
"""

PASSING_PHRASES: Final = (
    "temporar",
    "try again",
    "try later",
    "unavailable",
    "internal error",
    "internal server error",
    "server error",
    "system error",
    "timed out",
    "timeout",
    "is busy",
)
"""Words that make an IMAP refusal without a response code a passing one."""

SMTP_ENHANCED: Final = MappingProxyType(
    {
        "5.2.1": Cause.MAILBOX_DISABLED,
        "5.7.3": Cause.WRONG_PASSWORD,
        "5.7.8": Cause.WRONG_PASSWORD,
        "5.7.9": Cause.APP_PASSWORD_REQUIRED,
        "5.7.11": Cause.ENCRYPTION_MISSING,
        "5.7.13": Cause.ACCOUNT_DISABLED,
        "5.7.14": Cause.ACCOUNT_LOCKED,
        "5.7.30": Cause.SMTP_AUTH_OFF,
        "5.7.57": Cause.SMTP_AUTH_OFF,
        "5.7.139": Cause.SMTP_AUTH_OFF,
    }
)
"""Enhanced codes of a refused sign-in. Sources: RFC 4954 §6, RFC 5248, Gmail, Exchange."""

SMTP_CODES: Final = MappingProxyType(
    {
        525: Cause.ACCOUNT_DISABLED,
        526: Cause.WRONG_PASSWORD,
        534: Cause.APP_PASSWORD_REQUIRED,
        535: Cause.WRONG_PASSWORD,
        538: Cause.ENCRYPTION_MISSING,
    }
)
"""Reply codes of a refused sign-in without a known enhanced code. Sources: RFC 4954 §6, RFC 5248; 526 is
NetEase's."""

MESSAGE_ENHANCED: Final = MappingProxyType(
    {
        "5.1.8": Cause.ADMIN_POLICY,
        "5.7.57": Cause.SMTP_AUTH_OFF,
        "5.7.501": Cause.ADMIN_POLICY,
        "5.7.502": Cause.ADMIN_POLICY,
        "5.7.503": Cause.ADMIN_POLICY,
        "5.7.708": Cause.ADMIN_POLICY,
        "5.7.750": Cause.ADMIN_POLICY,
    }
)
"""Enhanced codes that refuse the sender and not just one message. Sources: Gmail SMTP errors; Exchange
Online NDR codes (learn.microsoft.com, non-delivery-reports-in-exchange-online)."""

LIMIT_WAIT_S: Final = 3600.0
"""How long to rest after a sending limit that does not say when it ends, in seconds: the limits count rolling
24 hours, so a part of them is free again before the day is over (support.google.com/a/answer/166852)."""

LIMIT_ENHANCED: Final = frozenset({"4.7.28", "5.1.90", "5.4.5", "5.7.232", "5.7.233", "5.7.705"})
"""Enhanced codes of a sending limit. 4.7.28, 5.4.5: Gmail SMTP errors (support.google.com/a/answer/3726730);
5.1.90 recipients a day, 5.7.232 and 5.7.233 external recipients of the tenant, 5.7.705 the tenant's
threshold: Exchange Online NDR codes."""

LIMIT_PHRASES: Final = (
    "user sending limit",
    "user sending quota",
    "sending quota",
    "sending limit",
    "submission quota",
    "submissionquotaexceeded",
    "exceeded message limit",
    "daily limit for message recipients",
    "daily message limit",
)
"""Words of a sending limit, lower case, be it over SMTP or a mail API. Sources: Gmail SMTP errors; Exchange's
554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException, and its NDR texts."""

MESSAGE_PHRASES: Final = (
    ("too many messages", Cause.THROTTLED),
    ("rate limit", Cause.THROTTLED),
    ("bad outbound sender", Cause.ADMIN_POLICY),
)
"""Words of a refused message that are about the sender, lower case."""

IMAP_CODES: Final = MappingProxyType(
    {
        "AUTHENTICATIONFAILED": Cause.WRONG_PASSWORD,
        "AUTHORIZATIONFAILED": Cause.MAIL_ACCESS_OFF,
        "EXPIRED": Cause.WRONG_PASSWORD,
        "PRIVACYREQUIRED": Cause.ENCRYPTION_MISSING,
        "CONTACTADMIN": Cause.ADMIN_POLICY,
        "NOPERM": Cause.MAIL_ACCESS_OFF,
        "WEBALERT": Cause.ACCOUNT_LOCKED,
        "UNAVAILABLE": Cause.PROVIDER_TROUBLE,
        "SERVERBUG": Cause.PROVIDER_TROUBLE,
        "INUSE": Cause.PROVIDER_TROUBLE,
        "IN-USE": Cause.PROVIDER_TROUBLE,
        "LIMIT": Cause.THROTTLED,
        "CLIENTBUG": Cause.UNKNOWN_ANSWER,
        "CANNOT": Cause.UNKNOWN_ANSWER,
        "CORRUPTION": Cause.PROVIDER_TROUBLE,
    }
)
"""Response codes of a refused sign-in. Source: RFC 5530 §3; WEBALERT is Gmail's."""

IMAP_STATUS: Final = MappingProxyType(
    {
        "OK": None,
        "PREAUTH": None,
        "NO": Cause.WRONG_PASSWORD,
        "BYE": Cause.PROVIDER_TROUBLE,
        "BAD": Cause.UNKNOWN_ANSWER,
    }
)
"""What the bare status of an answer to a sign-in means. Source: RFC 3501 §6.2.2, §6.2.3, §7.1."""

_VAGUE: Final = frozenset({"", "ALERT", "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED"})
"""Response codes beside which the server's words say more."""

_ENHANCED: Final = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?=\s|$|;)", re.ASCII)
_IMAP: Final = re.compile(
    r"\s*(?:(?P<status>OK|NO|BAD|BYE|PREAUTH)\b\s*)?(?:\[(?P<code>[A-Z0-9-]+)(?:\s[^\]]*)?\])?", re.IGNORECASE
)


def enhanced_code(text: str) -> str | None:
    """The enhanced status code an SMTP answer's text begins with, such as "5.7.8" (RFC 2034)."""
    found = _ENHANCED.match(text)
    return found[1] if found else None


def smtp_outcome(code: int, enhanced: str | None, text: str) -> Outcome:
    """What an SMTP server's answer means up to and including the sign-in. Total.

    `code` is the reply code, `enhanced` its enhanced status code if any, `text` what the server said.
    """
    if 200 <= code < 400:
        return PROVEN
    said = _phrase(PHRASES, text)
    if 400 <= code < 500:
        return _outcome(_passing(said), code, enhanced, text)
    if not 500 <= code < 600:
        return _outcome(Cause.UNKNOWN_ANSWER, code, enhanced, text)
    cause = said or SMTP_ENHANCED.get(enhanced or "") or SMTP_CODES.get(code) or Cause.UNKNOWN_ANSWER
    return _outcome(cause, code, enhanced, text)


def smtp_message_outcome(code: int, enhanced: str | None, text: str) -> Outcome:
    """What an SMTP server's answer to MAIL, RCPT or DATA means, after a good sign-in. Total.

    A refusal that is about this one message or its recipient says nothing about the account:
    MESSAGE_REFUSED. A used up sending limit is about the account: THROTTLED, with how long to rest.
    """
    if 200 <= code < 400:
        return PROVEN
    if 400 <= code < 600 and (enhanced in LIMIT_ENHANCED or is_sending_limit(text)):
        return replace(_outcome(Cause.THROTTLED, code, enhanced, text), retry_after_s=LIMIT_WAIT_S)
    said = _phrase(MESSAGE_PHRASES, text)
    if 400 <= code < 500:
        return _outcome(_passing(said or _phrase(PHRASES, text)), code, enhanced, text)
    if not 500 <= code < 600:
        return _outcome(Cause.UNKNOWN_ANSWER, code, enhanced, text)
    if code == 503:
        return _outcome(Cause.PROVIDER_TROUBLE, code, enhanced, text)
    if code in SMTP_CODES or code == 530:
        return smtp_outcome(code, enhanced, text)
    cause = said or MESSAGE_ENHANCED.get(enhanced or "") or Cause.MESSAGE_REFUSED
    return _outcome(cause, code, enhanced, text)


def imap_outcome(text: str) -> Outcome:
    """What an IMAP server's answer to a sign-in means. Total.

    `text` is the answer without its tag: "NO [AUTHENTICATIONFAILED] Authentication failed." A bare NO to a
    sign-in means refused credentials (RFC 3501 §6.2.3), unless its words tell of a passing trouble.
    """
    found = _IMAP.match(text)
    status = (found["status"] or "" if found else "").upper()
    code = (found["code"] or "" if found else "").upper()
    if status in ("OK", "PREAUTH"):
        return PROVEN
    cause = None if code in _VAGUE else IMAP_CODES.get(code)
    cause = cause or _phrase(PHRASES, text) or IMAP_CODES.get(code)
    if cause is None and any(phrase in text.casefold() for phrase in PASSING_PHRASES):
        cause = Cause.PROVIDER_TROUBLE
    if status == "BYE":
        cause = _passing(cause)
    return Outcome(cause or IMAP_STATUS.get(status) or Cause.UNKNOWN_ANSWER, plain(text) or None)


def imap_reading_outcome(text: str) -> Outcome:
    """What an IMAP server's refusal of a command after a good sign-in means: it never blames the password.

    `text` as in `imap_outcome`.
    """
    outcome = imap_outcome(text)
    return (
        outcome if outcome.cause is not Cause.WRONG_PASSWORD else replace(outcome, cause=Cause.UNKNOWN_ANSWER)
    )


def is_sending_limit(text: str) -> bool:
    """Whether a provider's words tell of a sending limit that is used up."""
    lower = " ".join(text.casefold().split())
    return any(phrase in lower for phrase in LIMIT_PHRASES)


def _passing(cause: Cause | None) -> Cause:
    """The cause if it is a passing one, else the server's own trouble."""
    kind = CAUSES[cause].kind if cause else None
    return cause if cause and kind is OutcomeKind.TRANSIENT else Cause.PROVIDER_TROUBLE


def _phrase(phrases: tuple[tuple[str, Cause], ...], text: str) -> Cause | None:
    lower = " ".join(text.casefold().split())
    return next((cause for phrase, cause in phrases if phrase in lower), None)


def _outcome(cause: Cause, code: int, enhanced: str | None, text: str) -> Outcome:
    before = "" if code < 0 else f"{code} "
    if enhanced and enhanced not in text:
        before += f"{enhanced} "
    return Outcome(cause, plain(before + text) or None)
