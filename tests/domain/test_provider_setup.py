"""The consoles' steps name everything that must be set, and the clouds are told apart."""

from urllib.parse import urlsplit

import pytest

from reply_desktop.domain.provider import Provider
from reply_desktop.domain.provider_setup import CLOUDS, MICROSOFT_REDIRECT, SETUP_STEPS, TENANT, cloud_of


def test_every_single_click_provider_has_steps() -> None:
    assert set(SETUP_STEPS) == {Provider.GOOGLE, Provider.MICROSOFT}


@pytest.mark.parametrize(
    ("provider", "wanted"),
    [
        (Provider.GOOGLE, {"openid", "https://www.googleapis.com/auth/gmail.send"}),
        (Provider.MICROSOFT, {"http://localhost/microsoft", "Mail.Send", "User.Read"}),
    ],
)
def test_the_exact_values_are_there(provider: Provider, wanted: set[str]) -> None:
    assert wanted <= {value for step in SETUP_STEPS[provider] for value in step.values}


def test_what_people_forget_is_said() -> None:
    said = {provider: " ".join(step.text for step in steps) for provider, steps in SETUP_STEPS.items()}
    for word in ("Gmail API", "Desktop app", "In production", "7 days", "Internal"):
        assert word in said[Provider.GOOGLE]
    for word in ("Allow public client flows to Yes", "Mobile and desktop applications", "no port"):
        assert word in said[Provider.MICROSOFT]


def test_pages_are_the_consoles_own() -> None:
    hosts = {urlsplit(step.page).netloc for steps in SETUP_STEPS.values() for step in steps if step.page}
    assert hosts == {"console.cloud.google.com", "entra.microsoft.com"}


def test_the_redirect_has_no_port_and_is_localhost() -> None:
    parts = urlsplit(MICROSOFT_REDIRECT)
    assert (parts.scheme, parts.netloc, parts.path) == ("http", "localhost", "/microsoft")


@pytest.mark.parametrize("number", range(len(CLOUDS)))
def test_each_preset_is_recognised(number: int) -> None:
    cloud = CLOUDS[number]
    tenant = "contoso.example" if TENANT in cloud.authority else ""
    authority = cloud.authority.replace(TENANT, tenant)
    assert cloud_of(authority, cloud.graph_url) == (number, tenant)
    assert cloud_of(authority + "/", cloud.graph_url + "/") == (number, tenant)


def test_nothing_set_is_the_first_preset() -> None:
    assert cloud_of(None, None) == (0, "")


@pytest.mark.parametrize(
    ("authority", "graph_url"),
    [
        ("https://127.0.0.1:8443/common", None),
        ("https://login.microsoftonline.com/a/b", None),
        ("https://login.microsoftonline.com/", None),
        ("https://login.microsoftonline.us/organizations", "https://graph.microsoft.com"),
    ],
)
def test_other_addresses_are_no_preset(authority: str, graph_url: str | None) -> None:
    assert cloud_of(authority, graph_url) == (None, "")
