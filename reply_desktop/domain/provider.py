"""The mail providers and their names."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Provider(StrEnum):
    """Who runs the mailbox."""

    GOOGLE = "google"
    MICROSOFT = "microsoft"
    OTHER = "other"


PROVIDER_NAMES: Final = MappingProxyType(
    {Provider.GOOGLE: "Google", Provider.MICROSOFT: "Microsoft 365", Provider.OTHER: "Other"}
)

SINGLE_CLICK: Final = frozenset({Provider.GOOGLE, Provider.MICROSOFT})
"""Providers whose accounts are connected, and mended, by consent in the browser."""

PERSONAL_MICROSOFT: Final = frozenset({"outlook.com", "hotmail.com", "live.com", "msn.com"})
"""Domains whose mailboxes are personal Microsoft accounts."""
