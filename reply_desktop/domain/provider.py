"""The mail providers, their names, and the pages where people see what they granted."""

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


def connected_apps_page(provider: Provider, address: str) -> str | None:
    """The provider's own page listing apps with access, opened at the right account where it can be.

    None for mailboxes without such a page. Sources: Google account help "third-party connections",
    Microsoft support article on apps and permissions.
    """
    domain = address.rpartition("@")[2].lower()
    if provider is Provider.GOOGLE:
        return f"https://myaccount.google.com/connections?authuser={address}"
    if provider is Provider.MICROSOFT:
        if domain in PERSONAL_MICROSOFT:
            return "https://account.microsoft.com/privacy/app-access"
        return "https://myapps.microsoft.com/"
    return None
