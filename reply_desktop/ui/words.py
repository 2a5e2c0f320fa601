"""Times, counts and names as people say them, and an account's words ready to show. Plain text, no Qt."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Final

from reply_desktop.domain.causes import CAUSES, Cause, Words, words
from reply_desktop.domain.deadline import ROUGH
from reply_desktop.domain.episode import ENDING_WORDS, Ending
from reply_desktop.domain.grant import MailServers
from reply_desktop.domain.notification import plain
from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.domain.rows import AccountRow, EpisodeRow
from reply_desktop.domain.states import STATE_WORDS, OutcomeKind, State

Clock = Callable[[], datetime]
"""Now, as an aware UTC time."""

NAME_LENGTH: Final = 60
"""Letters of each name in a list of several."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_THE_SERVER: Final = "the mail server"
_DAYS: Final = {"g": "green", "o": "orange", "r": "red"}


def utc_now() -> datetime:
    """The window's clock."""
    return datetime.now(UTC)


def count(number: int, noun: str, plural: str | None = None) -> str:
    """“1 account”, “2 accounts”, “10,000 accounts”."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def span(seconds: float) -> str:
    """A length of time in its greatest unit: “40 s”, “3 min”, “2 h”, “5 days”."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86_400:
        return f"{whole // 3600} h"
    return count(whole // 86_400, "day")


def ago(at: datetime | None, now: datetime) -> str:
    """“just now”, “3 min ago”, “2 days ago”, then the date; “never” without a time."""
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 7 * 86_400:
        return f"{span(seconds)} ago"
    return date(at, now)


def until(at: datetime | None, now: datetime) -> str:
    """“in 4 min”, “now” when due; “–” without a time."""
    if at is None:
        return "–"
    seconds = (at - now).total_seconds()
    if seconds <= 0:
        return "now"
    return f"in {span(seconds)}" if seconds >= 60 else "in a moment"


def date(at: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """The local day: “3 Mar”, with the year when it is another one."""
    local = at.astimezone(zone)
    day = f"{local.day} {_MONTHS[local.month - 1]}"
    return day if local.year == now.astimezone(zone).year else f"{day} {local.year}"


def moment(at: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """The local day and minute: “3 Mar, 14:05”."""
    return f"{date(at, now, zone)}, {at.astimezone(zone):%H:%M}"


def exact(at: datetime | None, zone: tzinfo | None = None) -> str:
    """Local time to the second, and UTC beside it."""
    if at is None:
        return ""
    local, utc = at.astimezone(zone), at.astimezone(UTC)
    day = f"{local.day} {_MONTHS[local.month - 1]} {local.year}"
    if local.utcoffset() == utc.utcoffset():
        return f"{day}, {utc:%H:%M:%S} UTC"
    utc_day = "" if utc.date() == local.date() else f"{utc.day} {_MONTHS[utc.month - 1]}, "
    return f"{day}, {local:%H:%M:%S} ({utc_day}{utc:%H:%M:%S} UTC)"


def countdown(seconds: float) -> str:
    """Time left as “9:41”."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def quoted(name: str) -> str:
    """“Spring outreach”, cut so that `few` leaves both its marks."""
    return f"“{plain(name, NAME_LENGTH - 2)}”"


def few(names: Sequence[str], total: int | None = None, shown: int = 2) -> str:
    """“ana@…, ben@… and 3 more”."""
    total = len(names) if total is None else total
    head = [plain(name, NAME_LENGTH) for name in names[:shown]]
    rest = total - len(head)
    if rest <= 0:
        return " and ".join(head) if len(head) <= 2 else ", ".join(head)
    return f"{', '.join(head)} and {rest:,} more"


def state_words(row: AccountRow) -> str:
    """The state in a word or two."""
    return STATE_WORDS[row.state]


def provider_words(row: AccountRow, servers: MailServers | None = None) -> str:
    """How the account's provider is called inside a sentence."""
    if row.provider is Provider.OTHER:
        return servers.smtp.host if servers else _THE_SERVER
    return PROVIDER_NAMES[row.provider]


def cause_words(row: AccountRow, servers: MailServers | None = None) -> Words | None:
    """What is wrong with the account in plain words, or None when there is nothing to say."""
    if row.cause is None:
        return None
    name = provider_words(row, servers)
    told = words(row.cause, row.address, name)
    if name != _THE_SERVER:
        return told
    steps = tuple(_sentence(step) for step in told.steps)
    return replace(told, short=_sentence(told.short), explanation=_sentence(told.explanation), steps=steps)


def _sentence(text: str) -> str:
    """The text with “the mail server” capitalised where it begins a sentence."""
    begun = _THE_SERVER[:1].upper() + _THE_SERVER[1:]
    whole = begun + text[len(begun) :] if text.startswith(_THE_SERVER) else text
    return whole.replace(f". {_THE_SERVER}", f". {begun}")


def end_words(row: AccountRow, now: datetime, zone: tzinfo | None = None) -> str | None:
    """When the account's sign-in ends: “Sign-in ends about 3 Mar, 14:05”; None when that is not known."""
    if row.deadline_at is None or row.needs_person:
        return None
    name = "Unused sign-in" if row.deadline_cause is Cause.IDLE_ENDS else "Sign-in"
    verb = "ends" if row.deadline_at > now else "was to end"
    about = "about " if row.deadline_cause in ROUGH else ""
    return f"{name} {verb} {about}{moment(row.deadline_at, now, zone)}"


def wrong_words(row: AccountRow, now: datetime | None = None) -> str:
    """What is wrong in one line; empty for an account that is well. `now`: utc_now() when left out."""
    foreseen = row.cause is not None and CAUSES[row.cause].kind is OutcomeKind.WARNING
    unused = row.state is State.PAUSED and row.cause is None and row.deadline_cause is Cause.IDLE_ENDS
    if foreseen or unused:
        ends = end_words(row, now or utc_now())
        if ends is not None:
            return ends
    told = cause_words(row)
    if told is not None:
        return told.short
    return "Sign in to start" if row.state is State.NEW else ""


def mend_words(row: AccountRow) -> str | None:
    """What the button that mends this account says, or None when it has none."""
    if row.offers_reconnect:
        return "Sign in" if row.state is State.NEW else "Reconnect"
    if not row.can_reconnect and row.needs_person:
        return "Edit credentials"
    return None


def strip_words(strip: str) -> str:
    """The 30-day strip in words."""
    known = [day for day in strip if day in _DAYS]
    if not known:
        return "No checks in the last 30 days"
    parts = [f"{known.count(letter)} {name}" for letter, name in _DAYS.items() if known.count(letter)]
    return f"Last {count(len(strip), 'day')}: {', '.join(parts)}"


def scope_words(scope: str) -> str | None:
    """What a scope lets the app do; None for those that say nothing to a person."""
    bare = scope.rpartition("/")[2] if "://" in scope else scope
    for name in (scope, bare):
        if name in _SCOPES:
            return _SCOPES[name]
    return f"Other permission: {plain(scope, 80)}"


_SCOPES: Final[dict[str, str | None]] = {
    "https://mail.google.com/": "Read, write and send all mail",
    "gmail.send": "Send mail as you",
    "gmail.readonly": "Read your mail",
    "gmail.modify": "Read and change your mail",
    "gmail.metadata": "See who wrote to you and when, not the text",
    "Mail.Send": "Send mail as you",
    "Mail.Read": "Read your mail",
    "Mail.ReadWrite": "Read and change your mail",
    "SMTP.Send": "Send mail as you",
    "IMAP.AccessAsUser.All": "Read your mail",
    "User.Read": "See your name and address",
    "email": "See your address",
    "userinfo.email": "See your address",
    "openid": None,
    "profile": None,
    "userinfo.profile": None,
    "offline_access": "Stay signed in until you remove access",
}


def granted_words(row: AccountRow) -> list[str]:
    """What the person granted, each thing once."""
    told = [text for scope in row.granted_scopes if (text := scope_words(scope))]
    return list(dict.fromkeys(told))


def episode_words(episode: EpisodeRow, address: str, provider_name: str, now: datetime) -> tuple[str, str]:
    """(what happened, when and how it ended) of one stretch of trouble."""
    short = _sentence(words(episode.cause, address, provider_name).short)
    began = moment(episode.started_at, now)
    if episode.ended_at is None:
        return short, f"since {began}"
    lasted = span((episode.ended_at - episode.started_at).total_seconds())
    ending = ENDING_WORDS[Ending(episode.ending)] if episode.ending else "over"
    return short, f"{began}, for {lasted}; {ending}"


PAGE_SAID: Final[dict[Provider, tuple[tuple[str, Cause], ...]]] = {
    Provider.GOOGLE: (
        ("“Access blocked … has not completed the Google verification process”", Cause.NOT_A_TESTER),
        ("“Access blocked … can only be used within its organization”", Cause.APP_MISCONFIGURED),
        ("“Access … is restricted by policies within your organization”", Cause.ADMIN_POLICY),
        ("“redirect_uri_mismatch”", Cause.APP_MISCONFIGURED),
        ("“The OAuth client was not found” or “invalid_client”", Cause.APP_REJECTED),
        ("“The OAuth client was deleted”", Cause.APP_DELETED),
    ),
    Provider.MICROSOFT: (
        ("“Need admin approval” or “Approval required”", Cause.ADMIN_CONSENT),
        ("“You cannot access this right now” (AADSTS53003)", Cause.ADMIN_POLICY),
        ("“… is not assigned to a role for the application” (AADSTS50105)", Cause.NOT_ASSIGNED),
        ("“… does not exist in tenant” (AADSTS50020, AADSTS50034)", Cause.ACCOUNT_NOT_FOUND),
        ("“Set up your device to get access” (AADSTS53000, AADSTS50097)", Cause.DEVICE_POLICY),
        ("“Your account has been locked” (AADSTS50053)", Cause.ACCOUNT_LOCKED),
        ("“Your account is disabled” (AADSTS50057)", Cause.ACCOUNT_DISABLED),
        ("“The redirect URI … does not match” (AADSTS50011)", Cause.APP_MISCONFIGURED),
        ("“Application … was not found in the directory” (AADSTS700016)", Cause.APP_REJECTED),
    ),
}
"""Errors that only the provider's page shows and never sends back: what it says, and the cause it means.

Sources: Google's native-app guide, error codes; entra-docs reference-error-codes.
"""
