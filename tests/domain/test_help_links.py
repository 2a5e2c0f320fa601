"""Every link leads to the right page: https, the right account, the right code, the right tenant."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain.causes import CAUSES, Cause, Link
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.help_links import Page, Site, cause_link, connected_apps_page, help_link
from reply_desktop.domain.provider import Provider

CLIENT = "c1d2e3f4-0000-4000-8000-000000000000"
SCOPES = ("https://graph.microsoft.com/Mail.Send", "https://graph.microsoft.com/User.Read")


def site(provider: Provider, address: str = "ana@brightfield.example", **fields: object) -> Site:
    return Site(provider, address, **fields)  # type: ignore[arg-type]


def url(page: Page, at: Site) -> str:
    link = help_link(page, at)
    assert link is not None
    return link.url


def test_the_connected_apps_page_opens_at_the_right_account() -> None:
    page = connected_apps_page(Provider.GOOGLE, "ana+x&y@gmail.com")
    assert page is not None and parse_qs(urlsplit(page).query) == {"authuser": ["ana+x&y@gmail.com"]}
    personal = connected_apps_page(Provider.MICROSOFT, "Ana@Outlook.com")
    work = connected_apps_page(Provider.MICROSOFT, "ana@brightfield.example")
    assert personal != work and personal and work
    assert connected_apps_page(Provider.OTHER, "ana@x.example") is None


def test_the_error_lookup_carries_the_code() -> None:
    said = "invalid_grant: AADSTS7000218: The request body must contain AADSTS50020."
    link = cause_link(Cause.ADMIN_POLICY, site(Provider.MICROSOFT, provider_error=said))
    assert link is not None and link.url == "https://login.microsoftonline.com/error?code=7000218"
    bare = cause_link(Cause.ADMIN_POLICY, site(Provider.MICROSOFT))
    assert bare is not None and bare.url == "https://login.microsoftonline.com/error"
    assert cause_link(Cause.ADMIN_POLICY, site(Provider.GOOGLE)) is None


@pytest.mark.parametrize(
    ("authority", "host", "tenant"),
    [
        (None, "login.microsoftonline.com", "brightfield.example"),
        ("https://login.microsoftonline.com/common", "login.microsoftonline.com", "brightfield.example"),
        (
            "https://login.microsoftonline.us/organizations/",
            "login.microsoftonline.us",
            "brightfield.example",
        ),
        ("https://login.microsoftonline.com/contoso.example", "login.microsoftonline.com", "contoso.example"),
    ],
)
def test_the_approval_link_names_tenant_client_and_permissions(
    authority: str | None, host: str, tenant: str
) -> None:
    at = site(Provider.MICROSOFT, client_id=CLIENT, authority=authority, scopes=SCOPES)
    link = cause_link(Cause.ADMIN_CONSENT, at)
    assert link is not None
    parts = urlsplit(link.url)
    assert (parts.scheme, parts.hostname, parts.path) == ("https", host, f"/{tenant}/v2.0/adminconsent")
    assert parse_qs(parts.query) == {
        "client_id": [CLIENT],
        "scope": [" ".join(SCOPES)],
        "redirect_uri": ["http://localhost/microsoft"],
    }


@pytest.mark.parametrize(
    "at",
    [
        site(Provider.MICROSOFT),
        site(Provider.MICROSOFT, "ana@outlook.com", client_id=CLIENT),
        site(Provider.GOOGLE, client_id=CLIENT),
    ],
)
def test_there_is_no_approval_where_nobody_could_give_it(at: Site) -> None:
    assert cause_link(Cause.ADMIN_CONSENT, at) is None


def test_the_console_opens_at_the_project_and_at_the_registration() -> None:
    google = site(Provider.GOOGLE, client_id="123456789012-abc.apps.googleusercontent.com")
    audience = cause_link(Cause.TESTING_MODE_ENDED, google)
    assert audience and audience.url == "https://console.cloud.google.com/auth/audience?project=123456789012"
    api = cause_link(Cause.API_OFF, site(Provider.GOOGLE, client_id="odd"))
    assert api and api.url == "https://console.cloud.google.com/apis/library/gmail.googleapis.com"
    entra = cause_link(Cause.APP_NOT_PUBLIC, site(Provider.MICROSOFT, client_id=CLIENT))
    assert entra and entra.url.endswith(f"/appId/{CLIENT}")


@pytest.mark.parametrize(
    ("host", "found"),
    [("smtp.gmail.com", True), ("smtp.mail.me.com", True), ("notgmail.com", False), ("mx.x.example", False)],
)
def test_app_passwords_are_made_where_the_server_is(host: str, found: bool) -> None:
    servers = MailServers(MailServer(host, 465, Security.TLS))
    link = help_link(Page.APP_PASSWORD, site(Provider.OTHER, servers=servers))
    assert (link is not None) is found


@given(
    st.sampled_from(Page),
    st.sampled_from(Provider),
    st.text(max_size=40),
    st.one_of(st.none(), st.text(max_size=40)),
    st.one_of(st.none(), st.text(max_size=60)),
)
def test_whatever_is_known_links_are_https_and_whole(
    page: Page, provider: Provider, address: str, client_id: str | None, error: str | None
) -> None:
    link = help_link(page, Site(provider, address, error, client_id, scopes=SCOPES))
    if link is not None:
        parts = urlsplit(link.url)
        assert parts.scheme == "https" and parts.hostname and link.label
        assert not any(c.isspace() or ord(c) < 32 or ord(c) > 126 for c in link.url)


def test_every_kind_of_link_but_the_settings_has_a_page_somewhere() -> None:
    at = {
        provider: site(provider, client_id=CLIENT, provider_error="AADSTS53003", scopes=SCOPES)
        for provider in Provider
    }
    for cause, row in CAUSES.items():
        found = [cause_link(cause, one) for one in at.values()]
        assert any(found) is (row.link not in (None, Link.PROVIDERS_SETTINGS)), cause
    assert cause_link(None, at[Provider.GOOGLE]) is None
