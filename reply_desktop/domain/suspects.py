"""Why it may have happened, where the provider does not tell: reasons weighed by what our own record says."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.case import Case, is_near, many, named, sentence, span
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.deadline import IDLE_LIFE, TESTING_DAYS
from reply_desktop.domain.help_links import Page, help_link
from reply_desktop.domain.notification import plain
from reply_desktop.domain.provider import SINGLE_CLICK, Provider

MOST_GRANTS: Final = 100
"""Living grants Google keeps for one account and client ID. Source: Google identity protocols oauth2."""
ALONE: Final = 3
"""So many others lost at once are no accident."""


class Weight(StrEnum):
    """How much speaks for a reason."""

    LIKELY = "likely"
    POSSIBLE = "possible"
    UNLIKELY = "unlikely"


WEIGHT_WORDS: Final = MappingProxyType(
    {Weight.LIKELY: "Likely", Weight.POSSIBLE: "Possible", Weight.UNLIKELY: "Unlikely"}
)


class Reason(StrEnum):
    """Every reason that is weighed; the value is the stable code used in JSON."""

    ACCESS_REMOVED = "access_removed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason's name
    TESTING_MODE = "testing_mode"
    ANNOUNCED_END = "announced_end"
    SESSION_POLICY = "session_policy"
    ADMIN_ENDED = "admin_ended"
    UNUSED = "unused"
    TOO_MANY_GRANTS = "too_many_grants"
    MISTYPED = "mistyped"
    APP_PASSWORD = "app_password"  # noqa: S105 - a reason's name
    USER_NAME = "user_name"
    THIS_COMPUTER = "this_computer"
    PROVIDER_SIDE = "provider_side"
    SECURITY_SOFTWARE = "security_software"
    CLOCK = "clock"
    ACCESS_POLICY = "access_policy"
    APP_NOT_TRUSTED = "app_not_trusted"
    LICENCE = "licence"
    CLOSED = "closed"
    TOO_MUCH_MAIL = "too_much_mail"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One reason it may be: its words, how much speaks for it, and what in our record says so."""

    reason: Reason
    text: str
    weight: Weight
    why: str


Weighed = tuple[Weight, str]
_LIKELY, _POSSIBLE, _UNLIKELY = Weight


@dataclass(frozen=True, slots=True)
class Suspect:
    """A reason before it is weighed. `{address}`, `{provider}` are filled in; `weigh` None: leave it out."""

    reason: Reason
    text: str
    weigh: Callable[[Case], Weighed | None]
    providers: Collection[Provider] = frozenset(Provider)


def candidates(case: Case) -> tuple[Candidate, ...]:
    """The reasons worth naming for the present cause, the likeliest first; none where it says all itself."""
    cause = case.account.cause
    found = []
    for suspect in SUSPECTS.get(cause, ()) if cause else ():
        weighed = suspect.weigh(case) if case.provider in suspect.providers else None
        if weighed is not None:
            weight, why = weighed
            found.append(Candidate(suspect.reason, case.fill(suspect.text), weight, sentence(why)))
    return tuple(sorted(found, key=lambda one: list(Weight).index(one.weight)))


# Evidence


def _before(case: Case) -> str:
    """How long before the trouble the grant was known to work."""
    return span(case.unused_s or 0.0)


def _is_explained(case: Case) -> bool:
    """Whether something else than a person's act explains the end."""
    rules = (_announced, _unused, _policy, _admin, *((_testing,) if case.provider is Provider.GOOGLE else ()))
    return any((weighed := rule(case)) is not None and weighed[0] is _LIKELY for rule in rules)


def _removed(case: Case) -> Weighed:
    if case.refused_again:
        return _UNLIKELY, "Signing in anew was refused too, and that gives access again."
    if len(case.same_provider) >= ALONE:
        others = many(len(case.same_provider), "other account")
        return _UNLIKELY, f"{others} of {case.name} stopped at the same time."
    if _is_explained(case):
        return _POSSIBLE, "It cannot be ruled out, but something else fits better."
    if case.is_watched:
        return _LIKELY, f"It worked {_before(case)} before and then stopped at once, alone."
    return _POSSIBLE, f"It was last seen working {_before(case)} before, so the moment is not known."


def _password(case: Case) -> Weighed:
    weight, why = _removed(case)
    ends = "A change of the password ends sign-ins that can send mail."
    return weight, f"{ends} {why}" if weight is _LIKELY else why


def _testing(case: Case) -> Weighed | None:
    granted_at, age_s = case.account.granted_at, case.grant_age_s
    if granted_at is None or age_s is None:
        return None
    rhythm = case.rhythm
    if rhythm is not None and is_near(rhythm.life_s, TESTING_DAYS * 86_400):
        return (
            _LIKELY,
            f"It is the {_nth(rhythm.times)} time, each about {TESTING_DAYS} days after the sign-in.",
        )
    age = f"It was signed in {span(age_s)} before"
    ends = f"Testing mode ends sign-ins after {TESTING_DAYS} days"
    if case.may_have_ended(granted_at + timedelta(days=TESTING_DAYS)):
        if case.is_watched:
            return _LIKELY, f"{age}: {ends}."
        return _POSSIBLE, f"{age}, and it was not watched when the {TESTING_DAYS} days were over."
    if age_s < TESTING_DAYS * 86_400:
        return _UNLIKELY, f"{age} only: {ends}."
    return _UNLIKELY, f"It still worked when the sign-in was older than {TESTING_DAYS} days."


def _announced(case: Case) -> Weighed:
    deadline_at = case.account.deadline_at
    if deadline_at is None:
        return _UNLIKELY, f"{case.name} announced no end when you signed in."
    if case.may_have_ended(deadline_at):
        return _LIKELY, f"{case.name} announced an end for just that time when you signed in."
    return _UNLIKELY, f"The end that {case.name} announced was not reached yet."


def _unused(case: Case) -> Weighed | None:
    limit, unused_s = IDLE_LIFE.get(case.provider), case.unused_s
    if limit is None or unused_s is None:
        return None
    if unused_s >= limit.total_seconds():
        return _LIKELY, f"It had not been used for {span(unused_s)}; {case.name} allows {limit.days} days."
    return _UNLIKELY, f"It was used {span(unused_s)} before: it was not for want of use."


def _policy(case: Case) -> Weighed | None:
    if not case.site.has_admin:
        return None
    rhythm = case.rhythm
    testing = case.provider is Provider.GOOGLE and rhythm and is_near(rhythm.life_s, TESTING_DAYS * 86_400)
    if rhythm is not None and not testing:
        each = f"each about {span(rhythm.life_s)} after the sign-in"
        return _LIKELY, f"It is the {_nth(rhythm.times)} time, {each}: that looks like a rule."
    if case.account.cause is Cause.SIGN_IN_FREQUENCY:
        return _LIKELY, f"{case.name} named it."
    return _POSSIBLE, "Such a rule would show by happening again after the same time."


def _admin(case: Case) -> Weighed | None:
    if not case.site.has_admin:
        return None
    if case.same_domain:
        others = named(plain(peer.address, 60) for peer in case.same_domain)
        return _LIKELY, f"Others of {case.site.domain} stopped at the same time: {others}."
    if case.refused_again:
        return _LIKELY, "Signing in anew was refused too."
    return _POSSIBLE, f"No other account of {case.site.domain} stopped at the same time."


def _too_many(case: Case) -> Weighed:
    signed_in = case.account.generation
    times = f"This app signed in {many(signed_in, 'time')}"
    if signed_in >= MOST_GRANTS:
        return _LIKELY, f"{times}; {case.name} keeps {MOST_GRANTS}."
    if signed_in >= MOST_GRANTS // 4:
        return _POSSIBLE, f"{times}, and other copies of it count too."
    return _UNLIKELY, f"{times}; {case.name} keeps {MOST_GRANTS} for one client ID."


def _server_password(case: Case) -> Weighed:
    if case.last_good_at is None:
        return _UNLIKELY, "It has not worked from this app yet."
    return _LIKELY, f"The same password worked {_before(case)} before."


def _mistyped(case: Case) -> Weighed:
    if case.last_good_at is None:
        return _LIKELY, "It has not worked from this app yet."
    return _UNLIKELY, f"What is stored worked {_before(case)} before."


def _own_password(case: Case) -> Weighed:
    """Two-step verification needs a password of its own for each app."""
    if help_link(Page.APP_PASSWORD, case.site) is not None:
        return _LIKELY, f"{case.name} wants one from every app once two-step verification is on."
    return _POSSIBLE, "Many mail servers want one once two-step verification is on."


def _user_name(case: Case) -> Weighed:
    if case.last_good_at is None:
        return _POSSIBLE, "Some servers want a user name that is not the address."
    return _UNLIKELY, "The same user name worked before."


def _computer(case: Case) -> Weighed:
    others = case.together(lambda peer: peer.provider is not case.provider)
    if others:
        return _LIKELY, f"{many(len(others), 'account')} of other providers cannot be reached either."
    if case.account.cause is Cause.OFFLINE:
        return _LIKELY, "Not even the provider's name could be looked up, or no network leads there."
    return _POSSIBLE, "No account of another provider has this trouble at the moment."


def _provider_side(case: Case) -> Weighed:
    if case.together(lambda peer: peer.provider is not case.provider):
        return _UNLIKELY, "Other providers cannot be reached either."
    if case.same_provider:
        count = many(len(case.same_provider), "other account")
        return _LIKELY, f"{count} of {case.name} got into it at the same time, and no other provider did."
    return _POSSIBLE, "Only this account is affected at the moment."


def _always(weight: Weight, why: str) -> Callable[[Case], Weighed]:
    return lambda case: (weight, why.replace("{provider}", case.name))


def _if_admin(weight: Weight, why: str) -> Callable[[Case], Weighed | None]:
    return lambda case: (weight, why.replace("{provider}", case.name)) if case.site.has_admin else None


def _sent_much(case: Case) -> Weighed:
    return (
        _POSSIBLE,
        f"At most {many(case.account.daily_limit, 'mail')} in 24 hours may leave it by its limit here.",
    )


def _nth(number: int) -> str:
    return {2: "second", 3: "third", 4: "fourth", 5: "fifth"}.get(number, f"{number}th")


_GOOGLE, _MICROSOFT, _OTHER = (frozenset({one}) for one in Provider)

_ACCESS_REMOVED: Final = Suspect(
    Reason.ACCESS_REMOVED,
    "Access was removed on the connected-apps page of {address}.",
    _removed,
    SINGLE_CLICK,
)
_PASSWORD_CHANGED: Final = Suspect(
    Reason.PASSWORD_CHANGED, "The password of {address} was changed or reset.", _password, SINGLE_CLICK
)
_ADMIN_ENDED: Final = Suspect(
    Reason.ADMIN_ENDED,
    "An administrator ended the sign-ins, or blocked the app, for {address}.",
    _admin,
    SINGLE_CLICK,
)
_SESSION_POLICY: Final = Suspect(
    Reason.SESSION_POLICY,
    "Your organisation asks everybody to sign in again after a set time.",
    _policy,
    SINGLE_CLICK,
)
_UNUSED: Final = Suspect(Reason.UNUSED, "The sign-in was not used for too long.", _unused, SINGLE_CLICK)
_TESTING: Final = Suspect(
    Reason.TESTING_MODE,
    "The Google project behind the client ID is in Testing mode, where every sign-in ends after 7 days.",
    _testing,
    _GOOGLE,
)
_ANNOUNCED: Final = Suspect(
    Reason.ANNOUNCED_END, "You granted access for a limited time, and it is over.", _announced, _GOOGLE
)
_TOO_MANY: Final = Suspect(
    Reason.TOO_MANY_GRANTS,
    "The same client ID signed in to {address} so often that the oldest sign-ins ended.",
    _too_many,
    _GOOGLE,
)
_MAIL_PASSWORD: Final = (
    Suspect(Reason.PASSWORD_CHANGED, "The password was changed at the provider.", _server_password, _OTHER),
    Suspect(Reason.MISTYPED, "The password was not entered as it is.", _mistyped, _OTHER),
    Suspect(
        Reason.APP_PASSWORD,
        "{provider} wants a password made for this app, or the one you made was removed.",
        _own_password,
        _OTHER,
    ),
    Suspect(Reason.USER_NAME, "The user name is not the right one.", _user_name, _OTHER),
)
_NOT_REACHED: Final = (
    Suspect(
        Reason.THIS_COMPUTER, "This computer's network, VPN, proxy or firewall is in the way.", _computer
    ),
    Suspect(Reason.PROVIDER_SIDE, "{provider} has trouble of its own.", _provider_side),
)

SUSPECTS: Final = MappingProxyType(
    {
        Cause.GRANT_REVOKED: (
            _TESTING,
            _ANNOUNCED,
            _ACCESS_REMOVED,
            _PASSWORD_CHANGED,
            _SESSION_POLICY,
            _ADMIN_ENDED,
            _UNUSED,
            _TOO_MANY,
        ),
        Cause.GRANT_EXPIRED: (_ANNOUNCED, _UNUSED, _SESSION_POLICY),
        Cause.TESTING_MODE_ENDED: (_TESTING,),
        Cause.PASSWORD_CHANGED: (_PASSWORD_CHANGED, _ADMIN_ENDED),
        Cause.SIGN_IN_FREQUENCY: (_SESSION_POLICY,),
        Cause.SIGN_IN_REQUIRED: (_SESSION_POLICY, _PASSWORD_CHANGED, _ADMIN_ENDED),
        Cause.CONSENT_MISSING: (_ACCESS_REMOVED, _ADMIN_ENDED),
        Cause.WRONG_PASSWORD: _MAIL_PASSWORD,
        Cause.UNREACHABLE: _NOT_REACHED,
        Cause.OFFLINE: _NOT_REACHED[:1],
        Cause.TLS_REJECTED: (
            Suspect(
                Reason.SECURITY_SOFTWARE,
                "A virus scanner or a company proxy opens secure connections and shows its own certificate.",
                _always(_LIKELY, "The certificate shown is not one this computer trusts."),
            ),
            Suspect(
                Reason.CLOCK,
                "This computer's date is wrong.",
                _always(_POSSIBLE, "Certificates count for certain dates only."),
            ),
            Suspect(
                Reason.PROVIDER_SIDE,
                "The certificate of {provider} has run out.",
                _always(_POSSIBLE, "Small servers forget to renew."),
                _OTHER,
            ),
        ),
        Cause.ADMIN_POLICY: (
            Suspect(
                Reason.ACCESS_POLICY,
                "A Conditional Access policy refuses this place, this computer or this kind of app.",
                _always(_LIKELY, "{provider} refused the sign-in by policy, not by password."),
                _MICROSOFT,
            ),
            Suspect(
                Reason.APP_NOT_TRUSTED,
                "The administrator restricts which apps may use Gmail, and does not trust this one yet.",
                _if_admin(_LIKELY, "{provider} refused the app, not the person."),
                _GOOGLE,
            ),
        ),
        Cause.ACCOUNT_DISABLED: (
            Suspect(
                Reason.CLOSED,
                "The person left, or the account was suspended or deleted.",
                _always(_LIKELY, "{provider} says that the account is not active."),
            ),
            Suspect(
                Reason.LICENCE,
                "Its licence ended.",
                _if_admin(_POSSIBLE, "An account without a licence may be switched off."),
                SINGLE_CLICK,
            ),
        ),
        Cause.MAILBOX_DISABLED: (
            Suspect(
                Reason.LICENCE,
                "The account has no licence with a mailbox, or the mail service is off for it.",
                _if_admin(_LIKELY, "Signing in works, and only the mailbox is missing."),
            ),
        ),
        Cause.ACCOUNT_LOCKED: (
            Suspect(
                Reason.MISTYPED,
                "Somebody, or another program, tried a wrong password too often.",
                _always(_LIKELY, "It is the usual reason of a lock; this app does not try again by itself."),
            ),
            Suspect(
                Reason.TOO_MUCH_MAIL,
                "{provider} took the amount or the kind of mail for abuse.",
                _sent_much,
            ),
        ),
        Cause.THROTTLED: (
            Suspect(Reason.TOO_MUCH_MAIL, "More mail left {address} than {provider} allows.", _sent_much),
            Suspect(Reason.PROVIDER_SIDE, "{provider} slows everybody down.", _provider_side),
        ),
        Cause.PROVIDER_TROUBLE: (_NOT_REACHED[1],),
    }
)
"""Causes that leave room for reasons, and those reasons. Sources: the providers' pages on why grants end
(Google identity protocols oauth2 #expiration, Google Cloud help 15549945, Workspace help 9368756, entra-docs
refresh-tokens.md), and mail servers' texts as in `mail_answers`."""
