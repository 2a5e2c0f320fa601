"""The table of common providers: well-formed, without contradictions, and found by domain and by MX."""

import re
from collections import Counter

import pytest

from reply_desktop.adapters.providers import mail_hosts
from reply_desktop.adapters.providers.mail_hosts import MAIL_HOSTS, SINGLE_CLICK_DOMAINS, MailHost
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.provider import Provider

ROWS = pytest.mark.parametrize("row", MAIL_HOSTS, ids=lambda row: row.smtp.host)


@ROWS
def test_ports_and_security_go_together(row: MailHost) -> None:
    usual = {465: Security.TLS, 587: Security.STARTTLS, 993: Security.TLS}
    for server in (row.smtp, row.imap):
        assert usual[server.port] is server.security
        assert re.fullmatch(r"[a-z0-9.-]+\.[a-z]+", server.host)
    assert row.smtp.port != 993
    assert row.imap.port == 993
    assert row.domains or row.mx


@ROWS
def test_every_domain_and_mx_leads_back_to_its_row(row: MailHost) -> None:
    for domain in row.domains:
        assert mail_hosts.host_of_domain(domain) is row
        assert mail_hosts.single_click_of_domain(domain) is None
    for end in row.mx:
        assert mail_hosts.host_of_mx(f"mx1.{end}") is row
        assert mail_hosts.host_of_mx(f"not{end}") is not row
        assert mail_hosts.single_click_of_mx(f"mx1.{end}") is None
    assert mail_hosts.is_known_host(row.smtp.host)
    assert mail_hosts.is_known_host(row.imap.host)


def test_no_domain_is_named_twice() -> None:
    named = Counter(domain for row in MAIL_HOSTS for domain in row.domains)
    named += Counter(domain for domains in SINGLE_CLICK_DOMAINS.values() for domain in domains)
    assert [domain for domain, times in named.items() if times > 1] == []


def test_the_common_ones_are_there() -> None:
    common = "yahoo.com icloud.com fastmail.com gmx.net web.de zoho.com yandex.ru mail.ru aol.com mailbox.org"
    more = (
        "posteo.de ovh.net gandi.net t-online.de comcast.net orange.fr free.fr libero.it seznam.cz naver.com"
    )
    for domain in f"{common} {more} qq.com 163.com".split():
        assert mail_hosts.host_of_domain(domain), domain


def test_user_names_as_the_provider_wants_them() -> None:
    web, yahoo = mail_hosts.host_of_domain("web.de"), mail_hosts.host_of_domain("yahoo.com")
    assert web and yahoo
    assert web.servers("anna@web.de").user == "anna"
    assert yahoo.servers("anna@yahoo.com") == MailServers(
        MailServer("smtp.mail.yahoo.com", 465, Security.TLS),
        MailServer("imap.mail.yahoo.com", 993, Security.TLS),
    )


@pytest.mark.parametrize(
    ("domain", "provider"),
    [
        ("gmail.com", Provider.GOOGLE),
        ("outlook.com", Provider.MICROSOFT),
        ("outlook.de", Provider.MICROSOFT),
        ("hotmail.co.uk", Provider.MICROSOFT),
        ("live.com.au", Provider.MICROSOFT),
        ("outlook.company.com", None),
        ("myoutlook.com", None),
        ("example.com", None),
    ],
)
def test_personal_mailboxes_of_single_click_providers(domain: str, provider: Provider | None) -> None:
    assert mail_hosts.single_click_of_domain(domain) is provider


@pytest.mark.parametrize(
    ("mx", "provider"),
    [
        ("aspmx.l.google.com", Provider.GOOGLE),
        ("alt1.aspmx.l.google.com", Provider.GOOGLE),
        ("smtp.google.com", Provider.GOOGLE),
        ("aspmx2.googlemail.com", Provider.GOOGLE),
        ("example-com.mail.protection.outlook.com", Provider.MICROSOFT),
        ("example-com.a-v1.mx.microsoft", Provider.MICROSOFT),
        ("example-com.mail.protection.office365.us", Provider.MICROSOFT),
        ("example-com.mail.protection.partner.outlook.cn", Provider.MICROSOFT),
        ("google.com.evil.example", None),
        ("notgoogle.com", None),
    ],
)
def test_hosted_domains_of_single_click_providers(mx: str, provider: Provider | None) -> None:
    assert mail_hosts.single_click_of_mx(mx) is provider


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("smtp.zoho.com.au", True),
        ("mail.com.au", False),
        ("com.au", False),
        ("evil.example", False),
        ("smtp.gmx.net.evil.example", False),
    ],
)
def test_only_real_hosts_of_the_table_are_known(host: str, known: bool) -> None:
    assert mail_hosts.is_known_host(host) is known
