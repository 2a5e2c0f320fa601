"""Prospects, and the addresses that must never be written to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Prospect:
    """A person written to. `fields` are the merge fields by name, all text. Times aware UTC."""

    id: str
    email: str
    created_at: datetime
    fields: Mapping[str, str] = field(default_factory=dict)


class SuppressionReason(StrEnum):
    """Why an address must never be written to."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ADDED = "added"
    """The person put it on the list."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that no sequence writes to, whoever imports it."""

    email: str
    reason: SuppressionReason
    at: datetime
    note: str = ""
