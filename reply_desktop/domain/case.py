"""What our own record says of one account's trouble: when it began, how long grants live, who else has it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import Final

from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.episode import Ending
from reply_desktop.domain.help_links import Site
from reply_desktop.domain.learnt_end import SHORTEST
from reply_desktop.domain.notification import provider_name
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import EpisodeRow
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.domain.states import Color, OutcomeKind

SLACK: Final = timedelta(hours=1)
"""An end that falls so near to when the trouble was noticed may be its reason."""
AT_ONCE: Final = timedelta(minutes=30)
"""Accounts lost within this were lost together."""
HISTORY: Final = timedelta(days=30)
"""How far back problems are counted."""
LIVES: Final = 5
"""Grants looked back at for a rhythm."""

ASKED_SCOPES: Final = {
    Provider.GOOGLE: ("openid", "email", "https://www.googleapis.com/auth/gmail.send"),
    Provider.MICROSOFT: ("Mail.Send", "User.Read"),
    Provider.OTHER: (),
}
"""What the app asks for at a sign-in without the permission to read; Microsoft's names are Graph's."""
THE_SERVER: Final = "the mail server"
"""How a provider is called whose server's name is not known."""
_GRAPH: Final = "https://graph.microsoft.com"


@dataclass(frozen=True, slots=True)
class Peer:
    """Another account in trouble, since when (UTC)."""

    address: str
    provider: Provider
    cause: Cause
    since: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """All we know of an account without asking anybody. `episodes` newest first.

    `sequences`: those that send from it. `peers`: other accounts in trouble now. Nothing in it is secret.
    """

    account: Account
    episodes: tuple[EpisodeRow, ...] = ()
    sequences: tuple[SequenceRow, ...] = ()
    peers: tuple[Peer, ...] = ()
    client_id: str | None = None
    authority: str | None = None
    graph_url: str | None = None


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Sign-ins that ended again and again after the same time: so long each lived (seconds), so often."""

    life_s: float
    times: int


@dataclass(frozen=True)
class Case:
    """A record read at one moment (UTC): what follows from it about the trouble that lasts."""

    record: Record
    read_at: datetime

    @property
    def account(self) -> Account:
        """The account."""
        return self.record.account

    @property
    def provider(self) -> Provider:
        """Its provider."""
        return self.account.provider

    @cached_property
    def name(self) -> str:
        """How its provider is called in texts."""
        if self.provider is Provider.OTHER and self.account.servers is None:
            return THE_SERVER
        return provider_name(self.account)

    def fill(self, text: str) -> str:
        """The text with `{address}` and `{provider}` filled in, beginning as a sentence does."""
        filled = text.replace("{address}", self.account.address).replace("{provider}", self.name)
        return sentence(filled)

    @cached_property
    def site(self) -> Site:
        """What addresses of helpful pages follow from."""
        scopes = ASKED_SCOPES[self.provider]
        if self.provider is Provider.MICROSOFT:
            graph = (self.record.graph_url or _GRAPH).rstrip("/")
            scopes = tuple(f"{graph}/{scope}" for scope in scopes)
        return Site(
            self.provider,
            self.account.address,
            self.account.provider_error,
            self.record.client_id,
            self.record.authority,
            self.record.graph_url,
            scopes,
            self.account.servers,
        )

    @cached_property
    def began_at(self) -> datetime | None:
        """When the trouble was first noticed; None when there is none."""
        if self.account.cause is None:
            return None
        lasting = next((one for one in self.record.episodes if one.ended_at is None), None)
        return lasting.started_at if lasting else self.account.checked_at

    @cached_property
    def refused_again(self) -> bool:
        """Whether the person signed in anew while the trouble lasted, and was refused all the same."""
        granted_at = self.account.granted_at
        return bool(self.began_at and granted_at and granted_at > self.began_at)

    @cached_property
    def failed_at(self) -> datetime:
        """When the present grant was first known not to work."""
        if self.refused_again or self.began_at is None:
            return self.account.checked_at or self.read_at
        return self.began_at

    @cached_property
    def last_good_at(self) -> datetime | None:
        """The last time before the trouble at which the grant is known to have worked."""
        known = (self.account.proven_at, self.account.granted_at)
        return max((at for at in known if at and at <= self.failed_at), default=None)

    @cached_property
    def grant_age_s(self) -> float | None:
        """How old the grant was when the trouble was noticed, in seconds."""
        granted_at = self.account.granted_at
        return None if granted_at is None else max(0.0, (self.failed_at - granted_at).total_seconds())

    @cached_property
    def unused_s(self) -> float | None:
        """How long the grant had not been used when the trouble was noticed, in seconds."""
        return None if self.last_good_at is None else (self.failed_at - self.last_good_at).total_seconds()

    @cached_property
    def is_watched(self) -> bool:
        """Whether the moment of the end is known to a day: the app ran and checked."""
        return self.unused_s is not None and self.unused_s <= 86_400

    def may_have_ended(self, at: datetime) -> bool:
        """Whether an end at this time fits what was seen before and after."""
        since = self.last_good_at or self.account.created_at
        return since - SLACK <= at <= self.failed_at + SLACK

    @cached_property
    def lives_s(self) -> tuple[float, ...]:
        """How long the last grants lived from one sign-in to the next loss, oldest first, in seconds."""
        lost = [
            one
            for one in reversed(self.record.episodes)
            if one.color is Color.RED and CAUSES[one.cause].kind is OutcomeKind.LOST
        ]
        lives = [
            (later.started_at - earlier.ended_at).total_seconds()
            for earlier, later in pairwise(lost)
            if earlier.ended_at is not None and earlier.ending == Ending.RECONNECTED
        ]
        return tuple(life for life in lives if life >= SHORTEST.total_seconds())[-LIVES:]

    @cached_property
    def rhythm(self) -> Rhythm | None:
        """The rhythm in which sign-ins end, where at least two in a row lived equally long."""
        usual = median(self.lives_s[-2:]) if len(self.lives_s) >= 2 else 0.0
        alike: list[float] = []
        for life in reversed(self.lives_s):
            if not is_near(life, usual):
                break
            alike.append(life)
        return Rhythm(median(alike), len(alike) + 1) if len(alike) >= 2 else None

    def together(self, same: Callable[[Peer], bool]) -> tuple[Peer, ...]:
        """Other accounts that got into the same kind of trouble at the same time."""
        began_at, cause = self.began_at, self.account.cause
        if began_at is None or cause is None:
            return ()
        kind = CAUSES[cause].kind
        return tuple(
            peer
            for peer in self.record.peers
            if abs(peer.since - began_at) <= AT_ONCE and CAUSES[peer.cause].kind is kind and same(peer)
        )

    @cached_property
    def same_provider(self) -> tuple[Peer, ...]:
        """Accounts of the same provider lost together with this one."""
        return self.together(lambda peer: peer.provider is self.provider)

    @cached_property
    def same_domain(self) -> tuple[Peer, ...]:
        """Accounts of the same organisation lost together with this one."""
        return self.together(lambda peer: peer.address.rpartition("@")[2].lower() == self.site.domain)


def is_near(life_s: float, usual_s: float) -> bool:
    """Whether two lives are alike: within a tenth, or within an hour for those of a day and more."""
    return abs(life_s - usual_s) <= max(usual_s * 0.1, 3600.0 if usual_s >= 86_400 else 0.0)


def sentence(text: str) -> str:
    """The text with “the mail server” capitalised where a sentence begins; all else stays as it is."""
    begun = THE_SERVER[:1].upper() + THE_SERVER[1:]
    whole = begun + text[len(begun) :] if text.startswith(THE_SERVER) else text
    return whole.replace(f". {THE_SERVER}", f". {begun}")


def span(seconds: float) -> str:
    """A length of time in its two greatest units: “7 days and 1 hour”, “3 minutes”, “40 seconds”."""
    left = max(0, int(seconds))
    parts = []
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        number, left = divmod(left, size)
        if number:
            parts.append(many(number, unit))
        if len(parts) == 2 or (parts and unit == "minute") or (parts and not number):
            break
    return " and ".join(parts) or "a moment"


def many(number: int, noun: str) -> str:
    """“1 account”, “2 accounts”."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def named(addresses: Iterable[str], shown: int = 3) -> str:
    """The first few names, and how many more there are."""
    listed = list(addresses)
    rest = len(listed) - shown
    head = ", ".join(listed[:shown])
    return f"{head} and {rest:,} more" if rest > 0 else head
