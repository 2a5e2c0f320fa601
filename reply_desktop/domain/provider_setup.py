"""How a person gets a client ID from a provider's console: the same words for screen and README."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.provider import Provider


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One step. `page`: where it is done. `values`: what must be entered there, exactly so."""

    text: str
    page: str | None = None
    values: tuple[str, ...] = ()


MICROSOFT_REDIRECT: Final = "http://localhost/microsoft"
"""The redirect address to register: Entra ignores the port of localhost, the path counts (entra-docs
reply-url.md)."""

SETUP_STEPS: Final = MappingProxyType(
    {
        Provider.GOOGLE: (
            SetupStep(
                "Create a project in the Google Cloud console; any name will do.",
                "https://console.cloud.google.com/projectcreate",
            ),
            SetupStep(
                "Open the Gmail API in that project and press Enable.",
                "https://console.cloud.google.com/apis/library/gmail.googleapis.com",
            ),
            SetupStep(
                "Under Google Auth Platform press Get started. As audience choose Internal when all "
                "mailboxes belong to your own Google Workspace organisation, else External.",
                "https://console.cloud.google.com/auth/overview",
            ),
            SetupStep(
                "Under Data access press Add or remove scopes, add these three, then Update and Save.",
                "https://console.cloud.google.com/auth/scopes",
                (
                    "openid",
                    "https://www.googleapis.com/auth/userinfo.email",
                    "https://www.googleapis.com/auth/gmail.send",
                ),
            ),
            SetupStep(
                "External only: under Audience press Publish app, so that the status is In production. In "
                "Testing every sign-in ends after 7 days and only listed test users may sign in.",
                "https://console.cloud.google.com/auth/audience",
            ),
            SetupStep(
                "Under Clients press Create client and choose the application type Desktop app.",
                "https://console.cloud.google.com/auth/clients",
            ),
            SetupStep(
                "Press Download JSON at once, because the secret is shown only this one time, and drop the "
                "client_secret….json file here."
            ),
        ),
        Provider.MICROSOFT: (
            SetupStep(
                "In the Microsoft Entra admin center open App registrations and press New registration; any "
                "name will do.",
                "https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/CreateApplicationBlade",
            ),
            SetupStep(
                "As supported account types choose Accounts in any organizational directory and personal "
                "Microsoft accounts. With a narrower choice, pick the same one here under Who may sign in."
            ),
            SetupStep(
                "As redirect URI choose the platform Public client/native (mobile & desktop), enter this "
                "address, and press Register. It needs no port.",
                None,
                (MICROSOFT_REDIRECT,),
            ),
            SetupStep(
                "Under Authentication check that the address stands below Mobile and desktop applications, "
                "set Allow public client flows to Yes, and save."
            ),
            SetupStep(
                "Under API permissions press Add a permission, Microsoft Graph, Delegated permissions, and "
                "add these two. Where your organisation asks for it, press Grant admin consent.",
                None,
                ("Mail.Send", "User.Read"),
            ),
            SetupStep("On the Overview page copy the Application (client) ID and paste it here."),
        ),
    }
)
"""Steps as the consoles stand in 2026. Sources: Google Cloud help 15544987, 15549257, 15549945; entra-docs
quickstart-register-app, reply-url.md, error 7000218."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """Whom a Microsoft registration lets in. `{tenant}` in the authority is filled in by the person."""

    name: str
    authority: str
    graph_url: str


_GRAPH: Final = "https://graph.microsoft.com"

CLOUDS: Final = (
    Cloud("Work, school and personal accounts", "https://login.microsoftonline.com/common", _GRAPH),
    Cloud("Work and school accounts only", "https://login.microsoftonline.com/organizations", _GRAPH),
    Cloud("Personal accounts only", "https://login.microsoftonline.com/consumers", _GRAPH),
    Cloud("One tenant…", "https://login.microsoftonline.com/{tenant}", _GRAPH),
    Cloud("US Government", "https://login.microsoftonline.us/organizations", "https://graph.microsoft.us"),
    Cloud(
        "US Government (DoD)",
        "https://login.microsoftonline.us/organizations",
        "https://dod-graph.microsoft.us",
    ),
    Cloud(
        "China (21Vianet)",
        "https://login.partner.microsoftonline.cn/organizations",
        "https://microsoftgraph.chinacloudapi.cn",
    ),
)
"""Presets for Settings → Providers. Sources: learn.microsoft.com, entra/identity-platform
authentication-national-cloud and graph/deployments."""

TENANT: Final = "{tenant}"


def cloud_of(authority: str | None, graph_url: str | None) -> tuple[int | None, str]:
    """(which preset these addresses are, the tenant in them); None for addresses of no preset."""
    wanted = (authority or CLOUDS[0].authority).rstrip("/")
    graph = (graph_url or CLOUDS[0].graph_url).rstrip("/")
    for number, cloud in enumerate(CLOUDS):
        if (cloud.authority, cloud.graph_url) == (wanted, graph):
            return number, ""
    for number, cloud in enumerate(CLOUDS):
        head, named, _ = cloud.authority.partition(TENANT)
        tenant = wanted.removeprefix(head)
        if named and wanted.startswith(head) and tenant and "/" not in tenant and graph == cloud.graph_url:
            return number, tenant
    return None, ""
