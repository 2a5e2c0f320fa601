"""Ends of grants that can be known beforehand."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reply_desktop.domain.causes import Cause
from reply_desktop.domain.grant import TokenSet
from reply_desktop.domain.provider import Provider

TESTING_DAYS: Final = 7
"""Life of a Google grant in a project in Testing status, in days (Google Cloud help 15549945)."""


@dataclass(frozen=True, slots=True)
class KnownEnd:
    """When a grant ends (UTC), and why."""

    at: datetime
    cause: Cause


def known_end(provider: Provider, tokens: TokenSet) -> KnownEnd | None:
    """The end the provider announced with this grant, if any.

    Google announces an end only for time-limited consent; one of at most seven days is Testing mode's.
    """
    at = tokens.refresh_expires_at
    if at is None:
        return None
    short = tokens.issued_at is not None and at - tokens.issued_at <= timedelta(days=TESTING_DAYS, hours=1)
    if provider is Provider.GOOGLE and short:
        return KnownEnd(at, Cause.TESTING_MODE_ENDS)
    return KnownEnd(at, Cause.CONSENT_ENDS)
