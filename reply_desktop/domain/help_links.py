"""Pages that help with an account's trouble: which one, what its button says, its exact address."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from reply_desktop.domain.answers import codes_in
from reply_desktop.domain.causes import CAUSES, Cause, Link
from reply_desktop.domain.grant import MailServers
from reply_desktop.domain.provider import PERSONAL_MICROSOFT, Provider
from reply_desktop.domain.provider_setup import MICROSOFT_REDIRECT

GOOGLE_MAIL: Final = frozenset({"gmail.com", "googlemail.com"})
"""Domains whose Google mailboxes belong to a person and have no administrator."""


class Page(StrEnum):
    """What a page is for; the address follows from the `Site`."""

    CONNECTED_APPS = "connected_apps"
    STATUS = "status"
    ERROR_LOOKUP = "error_lookup"
    CONSOLE = "console"
    AUDIENCE = "audience"
    API = "api"
    ADMIN_CONSENT = "admin_consent"
    ADMIN_APPS = "admin_apps"
    ADMIN_POLICIES = "admin_policies"
    ADMIN_USERS = "admin_users"
    SMTP_AUTH = "smtp_auth"
    APP_PASSWORD = "app_password"  # noqa: S105 - a page's name
    SECURITY = "security"


@dataclass(frozen=True, slots=True)
class HelpLink:
    """A page to open: what the button says, and the https address."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Site:
    """Whose account it is, and as much of the app registration as is known; nothing in it is secret.

    `provider_error`: the provider's own text, for its codes. `scopes`: what the app asks for.
    """

    provider: Provider
    address: str
    provider_error: str | None = None
    client_id: str | None = None
    authority: str | None = None
    graph_url: str | None = None
    scopes: tuple[str, ...] = ()
    servers: MailServers | None = None

    @property
    def domain(self) -> str:
        """The address's domain, lower case."""
        return self.address.rpartition("@")[2].lower()

    @property
    def has_admin(self) -> bool:
        """Whether an organisation stands behind the mailbox, as far as its address tells."""
        return self.domain not in GOOGLE_MAIL | PERSONAL_MICROSOFT


def connected_apps_page(provider: Provider, address: str) -> str | None:
    """The provider's own page listing apps with access, opened at the right account where it can be.

    None for mailboxes without such a page. Sources: Google account help "third-party connections",
    Microsoft support article on apps and permissions.
    """
    if provider is Provider.GOOGLE:
        return f"https://myaccount.google.com/connections?authuser={quote(address, safe='@')}"
    if provider is Provider.MICROSOFT:
        if address.rpartition("@")[2].lower() in PERSONAL_MICROSOFT:
            return "https://account.microsoft.com/privacy/app-access"
        return "https://myapps.microsoft.com/"
    return None


def error_lookup_page(provider_error: str | None) -> str:
    """Microsoft's page about the first AADSTS code in a text; its search form where there is none.

    Source: entra-docs reference-error-codes.md.
    """
    codes = codes_in(provider_error)
    page = "https://login.microsoftonline.com/error"
    return f"{page}?code={codes[0]}" if codes else page


def admin_consent_page(site: Site) -> str | None:
    """Where an administrator approves the app for the whole organisation; None without a client ID.

    The tenant is the registration's own, else the one the address's domain names: the shared ones let a
    personal account in, which cannot approve. After the approval the browser is sent to the registered
    address, where nothing listens then. Source: entra-docs v2-admin-consent.md.
    """
    if site.provider is not Provider.MICROSOFT or not site.client_id or not site.has_admin:
        return None
    said = urlsplit(site.authority or _MICROSOFT)
    tenant = said.path.strip("/")
    if tenant in _SHARED:
        tenant = site.domain
    asked = {"client_id": site.client_id, "scope": " ".join(site.scopes), "redirect_uri": MICROSOFT_REDIRECT}
    query = urlencode(asked, quote_via=quote, safe=":/")
    return f"https://{said.hostname}/{quote(tenant, safe='')}/v2.0/adminconsent?{query}"


_MICROSOFT: Final = "https://login.microsoftonline.com/common"
_SHARED: Final = frozenset({"", "common", "organizations", "consumers"})

_APP_PASSWORDS: Final = (
    (("gmail.com", "googlemail.com", "google.com"), "https://myaccount.google.com/apppasswords"),
    (("yahoo.com", "aol.com"), "https://login.yahoo.com/account/security/app-passwords"),
    (("me.com", "icloud.com"), "https://account.apple.com/account/manage"),
    (("fastmail.com",), "https://app.fastmail.com/settings/security/apps"),
    (("zoho.com", "zoho.eu"), "https://accounts.zoho.com/home#security/app_password"),
    (("outlook.com", "live.com", "hotmail.com"), "https://account.live.com/proofs/manage/additional"),
)
"""Ends of mail servers' names, and where their customers make app passwords. From the providers' help."""


def _app_password(site: Site) -> str | None:
    host = site.servers.smtp.host.lower() if site.servers else site.domain
    found = (
        page for ends, page in _APP_PASSWORDS if any(host == end or host.endswith(f".{end}") for end in ends)
    )
    return next(found, None)


def _of(google: str | None, microsoft: str | None) -> Callable[[Site], str | None]:
    pages = {Provider.GOOGLE: google, Provider.MICROSOFT: microsoft}
    return lambda site: pages.get(site.provider)


def _google(page: str) -> Callable[[Site], str | None]:
    """A page of Google's console, opened at the project whose number the client ID begins with."""

    def found(site: Site) -> str | None:
        if site.provider is not Provider.GOOGLE:
            return None
        number = re.match(r"(\d{6,20})-", site.client_id or "", re.ASCII)
        return f"{page}?project={number[1]}" if number else page

    return found


def _console(site: Site) -> str | None:
    if site.provider is Provider.MICROSOFT and site.client_id:
        app = quote(site.client_id, safe="")
        return f"{_ENTRA}Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Authentication/appId/{app}"
    return _CONSOLES(site) or _google("https://console.cloud.google.com/auth/clients")(site)


_ENTRA: Final = "https://entra.microsoft.com/#view/"
_CONSOLES: Final = _of(None, f"{_ENTRA}Microsoft_AAD_RegisteredApps/ApplicationsListBlade")

_PAGES: Final[MappingProxyType[Page, tuple[str, Callable[[Site], str | None]]]] = MappingProxyType(
    {
        Page.CONNECTED_APPS: (
            "Open the connected-apps page",
            lambda site: connected_apps_page(site.provider, site.address),
        ),
        Page.STATUS: (
            "Open the status page",
            _of("https://www.google.com/appsstatus/dashboard/", "https://status.cloud.microsoft/"),
        ),
        Page.ERROR_LOOKUP: (
            "Look up the error code",
            lambda site: (
                error_lookup_page(site.provider_error) if site.provider is Provider.MICROSOFT else None
            ),
        ),
        Page.CONSOLE: ("Open the app console", _console),
        Page.AUDIENCE: (
            "Open the project's audience page",
            _google("https://console.cloud.google.com/auth/audience"),
        ),
        Page.API: (
            "Open the Gmail API's page",
            _google("https://console.cloud.google.com/apis/library/gmail.googleapis.com"),
        ),
        Page.ADMIN_CONSENT: ("Open the approval page", admin_consent_page),
        Page.ADMIN_APPS: (
            "Open the administrator's list of apps",
            _of(
                "https://admin.google.com/ac/owl/list?tab=configuredApps",
                f"{_ENTRA}Microsoft_AAD_IAM/StartboardApplicationsMenuBlade/~/AppAppsPreview",
            ),
        ),
        Page.ADMIN_POLICIES: (
            "Open the administrator's policies",
            _of(
                "https://admin.google.com/ac/security/reauth/admin-tools",
                f"{_ENTRA}Microsoft_AAD_ConditionalAccess/ConditionalAccessBlade/~/Policies",
            ),
        ),
        Page.ADMIN_USERS: (
            "Open the administrator's list of users",
            _of("https://admin.google.com/ac/users", "https://admin.microsoft.com/#/users"),
        ),
        Page.SMTP_AUTH: (
            "Read how SMTP sign-in is allowed",
            lambda site: (
                "https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/"
                "authenticated-client-smtp-submission"
            ),
        ),
        Page.APP_PASSWORD: ("Make an app password", _app_password),
        Page.SECURITY: (
            "Open the account's security page",
            lambda site: (
                None
                if site.provider is Provider.OTHER
                else _of(
                    f"https://myaccount.google.com/security?authuser={quote(site.address, safe='@')}",
                    "https://mysignins.microsoft.com/security-info"
                    if site.has_admin
                    else "https://account.microsoft.com/security",
                )(site)
            ),
        ),
    }
)

_OF_LINK: Final = MappingProxyType(
    {
        Link.CONNECTED_APPS: Page.CONNECTED_APPS,
        Link.ADMIN_CONSENT: Page.ADMIN_CONSENT,
        Link.ERROR_LOOKUP: Page.ERROR_LOOKUP,
        Link.APP_CONSOLE: Page.CONSOLE,
        Link.STATUS_PAGE: Page.STATUS,
    }
)
_OF_CAUSE: Final = MappingProxyType(
    {
        Cause.TESTING_MODE_ENDS: Page.AUDIENCE,
        Cause.TESTING_MODE_LIKELY: Page.AUDIENCE,
        Cause.TESTING_MODE_ENDED: Page.AUDIENCE,
        Cause.NOT_A_TESTER: Page.AUDIENCE,
        Cause.API_OFF: Page.API,
    }
)
"""Causes mended at one page of the app console."""


def help_link(page: Page, site: Site) -> HelpLink | None:
    """The page for this account; None where there is none, or too little is known to name it."""
    label, address = _PAGES[page]
    url = address(site)
    return HelpLink(label, url) if url else None


def page_of(cause: Cause) -> Page | None:
    """Which kind of page helps with this cause, if any does."""
    link = CAUSES[cause].link
    return _OF_CAUSE.get(cause, _OF_LINK.get(link)) if link else None


def cause_link(cause: Cause | None, site: Site) -> HelpLink | None:
    """The page that helps with this cause, where there is one."""
    page = page_of(cause) if cause else None
    return help_link(page, site) if page else None
