"""Finding servers: which answer counts, what is not believed, and that somebody waiting gets an answer."""

import http.server
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.adapters.http import Transport
from reply_desktop.adapters.providers.autoconfig import (
    Autoconfig,
    DnsResolver,
    Srv,
    fetch_by,
    servers_in,
)
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.provider import Provider
from reply_desktop.services import ports
from tests.harness.waiting import wait_until

DATABASE = "https://db.example/v1.1"
ADDRESS = "anna@firm.example"
OWN = "https://autoconfig.firm.example/mail/config-v1.1.xml"
WELL_KNOWN = "https://firm.example/.well-known/autoconfig/mail/config-v1.1.xml"


class Web:
    """Documents by address, and what was asked for."""

    def __init__(self, documents: dict[str, bytes] | None = None) -> None:
        self.documents = documents or {}
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes | None:
        self.asked.append(url)
        return self.documents.get(url)


class Dns:
    """Records by name."""

    def __init__(self, srv: dict[str, list[Srv]] | None = None, mx: Sequence[str] = ()) -> None:
        self._srv, self._mx = srv or {}, mx

    def srv(self, name: str) -> Sequence[Srv]:
        return self._srv.get(name, [])

    def mx(self, domain: str) -> Sequence[str]:
        return self._mx


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    wait_until(
        lambda: not [thread for thread in threading.enumerate() if thread.name == "server-search"],
        "end of the look-ups",
    )


def find(web: Web | None = None, dns: Dns | None = None, address: str = ADDRESS) -> MailServers | None:
    search: ports.Autoconfig = Autoconfig(DATABASE, web or Web(), dns or Dns())
    return search(address)


def document(
    smtp: str = "smtp.firm.example:465/SSL",
    imap: str | None = "imap.firm.example:993/SSL",
    user: str = "%EMAILADDRESS%",
    extra: str = "",
    ways: Sequence[str] = ("password-cleartext",),
) -> bytes:
    def server(tag: str, kind: str, told: str) -> str:
        host, _, rest = told.partition(":")
        port, _, security = rest.partition("/")
        listed = "".join(f"<authentication>{way}</authentication>" for way in ways)
        return (
            f'<{tag} type="{kind}"><hostname>{host}</hostname><port>{port}</port>'
            f"<socketType>{security}</socketType>{listed}<username>{user}</username></{tag}>"
        )

    inner = (server("incomingServer", "imap", imap) if imap else "") + extra
    inner += server("outgoingServer", "smtp", smtp)
    return (
        f'<clientConfig version="1.1"><emailProvider id="x">{inner}</emailProvider></clientConfig>'.encode()
    )


def tls(host: str, port: int = 465) -> MailServer:
    return MailServer(host, port, Security.TLS)


def starttls(host: str, port: int = 587) -> MailServer:
    return MailServer(host, port, Security.STARTTLS)


FOUND = MailServers(tls("smtp.firm.example"), tls("imap.firm.example", 993))

# Where answers come from


def test_common_providers_are_known_without_asking_anybody() -> None:
    web = Web()
    assert find(web, address="Anna@WEB.de") == MailServers(
        tls("smtp.web.de"), tls("imap.web.de", 993), "anna"
    )
    assert web.asked == []


@pytest.mark.parametrize("url", [OWN, WELL_KNOWN, f"{DATABASE}/firm.example"])
def test_documents_are_found_wherever_they_lie(url: str) -> None:
    web = Web({url: document()})
    assert find(web) == FOUND
    assert set(web.asked) == {OWN, WELL_KNOWN, f"{DATABASE}/firm.example"}


def test_the_address_itself_is_told_to_nobody() -> None:
    web = Web()
    find(web)
    assert not [url for url in web.asked if "anna" in url]


def test_srv_records() -> None:
    found = find(
        dns=Dns(
            {
                "_submission._tcp.firm.example": [Srv(0, 1, 587, "mail.firm.example.")],
                "_imaps._tcp.firm.example": [
                    Srv(20, 9, 993, "backup.firm.example."),
                    Srv(10, 1, 993, "second.firm.example."),
                    Srv(10, 5, 993, "Mail.Firm.example."),
                ],
                "_imap._tcp.firm.example": [Srv(0, 1, 143, "mail.firm.example.")],
            }
        )
    )
    assert found == MailServers(starttls("mail.firm.example"), tls("mail.firm.example", 993))


def test_tls_is_preferred_to_starttls() -> None:
    records = {
        "_submission._tcp.firm.example": [Srv(0, 1, 587, "a.firm.example.")],
        "_submissions._tcp.firm.example": [Srv(0, 1, 465, "b.firm.example.")],
    }
    assert find(dns=Dns(records)) == MailServers(tls("b.firm.example"))


def test_srv_may_lead_to_a_provider_everybody_knows() -> None:
    records = {"_submissions._tcp.firm.example": [Srv(0, 1, 465, "smtp.fastmail.com.")]}
    assert find(dns=Dns(records)) == MailServers(tls("smtp.fastmail.com"))


@pytest.mark.parametrize(
    "target",
    ["mail.evil.example.", "firm.example.evil.example.", "notfirm.example.", "mail", "-x.firm.example.", ""],
)
def test_srv_into_another_domain_is_not_believed(target: str) -> None:
    records = {"_submissions._tcp.firm.example": [Srv(0, 1, 465, target)]}
    assert find(dns=Dns(records)) is None


def test_imap_alone_is_nothing_to_send_from() -> None:
    assert find(dns=Dns({"_imaps._tcp.firm.example": [Srv(0, 1, 993, "mail.firm.example.")]})) is None


def test_mx_of_a_common_hoster() -> None:
    found = find(dns=Dns(mx=["mx1.mail.ovh.net", "mx2.mail.ovh.net"]))
    assert found == MailServers(tls("ssl0.ovh.net"), tls("ssl0.ovh.net", 993))


def test_the_surest_answer_counts() -> None:
    records = {"_submissions._tcp.firm.example": [Srv(0, 1, 465, "srv.firm.example.")]}
    dns_, web = Dns(records, ["mx1.mail.ovh.net"]), Web()
    order = []
    for url, host in ((WELL_KNOWN, "c.firm.example"), (OWN, "b.firm.example"), (None, "srv.firm.example")):
        if url:
            web.documents[url] = document(f"{host}:465/SSL", None)
            order.append((find(web, Dns(mx=["mx1.mail.ovh.net"])), host))
        else:
            order.append((find(web, dns_), host))
    web.documents[f"{DATABASE}/firm.example"] = document("db.firm.example:465/SSL", None)
    order.append((find(web, dns_), "db.firm.example"))
    assert [found and found.smtp.host for found, _ in order] == [host for _, host in order]


def test_nothing_anywhere_is_none() -> None:
    assert find() is None


@pytest.mark.parametrize("address", ["not an address", "a@b", "a@b..example"])
def test_no_address_is_an_error(address: str) -> None:
    with pytest.raises(InvalidInput):
        find(address=address)


@pytest.mark.parametrize("address", ["a@192.0.2.1", "a@192.0.22.11", "a@x_y.example"])
def test_odd_domains_are_asked_about_nowhere(address: str) -> None:
    web = Web()
    with suppress(InvalidInput):
        assert find(web, address=address) is None
    assert [url for url in web.asked if "192.0" in url or "_" in url] == []


def test_international_domains_are_asked_in_punycode() -> None:
    url = "https://autoconfig.xn--bcher-kva.example/mail/config-v1.1.xml"
    web = Web({url: document("mail.%EMAILDOMAIN%:465/SSL", None, "%EMAILLOCALPART%")})
    assert find(web, address="anna@bücher.example") == MailServers(
        tls("mail.xn--bcher-kva.example"), None, "anna"
    )


# Google and Microsoft


@pytest.mark.parametrize(
    ("address", "mx", "provider"),
    [
        ("a@gmail.com", [], Provider.GOOGLE),
        ("a@outlook.com", [], Provider.MICROSOFT),
        (ADDRESS, ["aspmx.l.google.com"], Provider.GOOGLE),
        (ADDRESS, ["gateway.example", "firm-example.mail.protection.outlook.com"], Provider.MICROSOFT),
        (ADDRESS, ["mx.firm.example"], None),
        (ADDRESS, [], None),
        ("a@web.de", ["aspmx.l.google.com"], None),
    ],
)
def test_the_provider_to_use_instead(address: str, mx: list[str], provider: Provider | None) -> None:
    search = Autoconfig(DATABASE, Web({OWN: document()}), Dns(mx=mx))
    assert search.suggested_provider(address) is provider
    if provider:
        assert search(address) is None


def test_a_database_that_leads_to_google_leads_nowhere() -> None:
    assert find(Web({f"{DATABASE}/firm.example": document("smtp.gmail.com:465/SSL")})) is None


# Documents


def test_plain_servers_are_passed_over() -> None:
    assert servers_in(document("smtp.firm.example:25/plain"), ADDRESS) is None
    plain = '<outgoingServer type="smtp"><hostname>a.firm.example</hostname><port>25</port>'
    plain += "<socketType>plain</socketType></outgoingServer>"
    assert servers_in(document(extra=plain), ADDRESS) == FOUND
    assert servers_in(document(imap="imap.firm.example:143/plain"), ADDRESS) == MailServers(FOUND.smtp)


@pytest.mark.parametrize(
    ("ways", "found"),
    [
        (("OAuth2", "password-cleartext"), True),
        (("password-encrypted",), True),
        ((), True),
        (("OAuth2",), False),
        (("GSSAPI", "NTLM"), False),
        (("none",), False),
    ],
)
def test_only_servers_that_take_a_password(ways: Sequence[str], found: bool) -> None:
    assert servers_in(document(ways=ways), ADDRESS) == (FOUND if found else None)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("%EMAILADDRESS%", None),
        ("%EMAILLOCALPART%", "anna"),
        ("%EMAILLOCALPART%.%EMAILDOMAIN%", "anna.firm.example"),
        ("", None),
        ("your user name", None),
    ],
)
def test_user_names(user: str, expected: str | None) -> None:
    found = servers_in(document(user=user), ADDRESS)
    assert found is not None
    assert found.user == expected


def test_servers_on_this_computer() -> None:
    found = servers_in(document("localhost:2525/STARTTLS", "127.0.0.1:1143/STARTTLS"), ADDRESS)
    assert found == MailServers(starttls("localhost", 2525), starttls("127.0.0.1", 1143))


def test_starttls_and_other_kinds_of_server() -> None:
    pop = '<incomingServer type="pop3"><hostname>pop.firm.example</hostname></incomingServer>'
    found = servers_in(document("smtp.firm.example:587/starttls", extra=pop), ADDRESS)
    assert found == MailServers(starttls("smtp.firm.example"), FOUND.imap)


@pytest.mark.parametrize(
    "smtp",
    ["bad host:465/SSL", "a.example:0/SSL", "a.example:99999/SSL", "a.example:x/SSL", "a.example:²/SSL"],
)
def test_nonsense_servers_are_passed_over(smtp: str) -> None:
    assert servers_in(document(smtp), ADDRESS) is None


BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<clientConfig><emailProvider>&b;</emailProvider></clientConfig>"""
LEAK = b"""<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<clientConfig><emailProvider>&a;</emailProvider></clientConfig>"""


ENTITY = b'<!DOCTYPE clientConfig [<!ENTITY h "smtp.firm.example">]>' + document("&h;:465/SSL")


@pytest.mark.parametrize(
    "said",
    [
        ENTITY,
        BOMB,
        LEAK,
        b"",
        b"<html><body>Sign in to the guest network</body></html>",
        b"<!doctype html><p>Not found",
        b"<clientConfig/>",
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="no-such"?><clientConfig/>',
        b"<a>" * 10_000,
    ],
)
def test_what_is_no_document_is_nothing(said: bytes) -> None:
    assert servers_in(said, ADDRESS) is None


@given(said=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_bytes_whatever_raise(said: bytes) -> None:
    servers_in(said, ADDRESS)


def test_a_huge_document_is_not_read() -> None:
    assert find(Web({OWN: document() + b" " * 300_000})) is None


# Time and trouble


class Hanging(Web, Dns):
    """Answers only when let go."""

    def __init__(self) -> None:
        Web.__init__(self)
        Dns.__init__(self)
        self.go = threading.Event()

    def __call__(self, url: str) -> bytes | None:
        self.go.wait(30)
        return None

    def mx(self, domain: str) -> Sequence[str]:
        self.go.wait(30)
        return ()


def test_somebody_waiting_gets_an_answer_in_time() -> None:
    hanging = Hanging()
    try:
        search = Autoconfig(DATABASE, hanging, hanging, deadline_s=0.05)
        assert search(ADDRESS) is None
        records = {"_submissions._tcp.firm.example": [Srv(0, 1, 465, "mail.firm.example.")]}
        partly = Autoconfig(DATABASE, hanging, Dns(records), deadline_s=0.05)
        assert partly(ADDRESS) == MailServers(tls("mail.firm.example"))
    finally:
        hanging.go.set()


def test_a_good_answer_is_not_kept_waiting_for_the_others() -> None:
    hanging = Hanging()
    try:
        web = Web({f"{DATABASE}/firm.example": document()})
        search = Autoconfig(DATABASE, lambda url: web(url) or hanging(url), hanging, deadline_s=30)
        assert search(ADDRESS) == FOUND
    finally:
        hanging.go.set()


def test_a_broken_look_up_is_nothing_found() -> None:
    class Broken(Dns):
        def mx(self, domain: str) -> Sequence[str]:
            raise RuntimeError("what")

    def broken(url: str) -> bytes | None:
        if url.startswith(DATABASE):
            raise OSError("what")
        return document() if url == OWN else None

    assert Autoconfig(DATABASE, broken, Broken())(ADDRESS) == FOUND


@pytest.mark.parametrize("base", ["http://db.example/v1.1", "ftp://db.example", "file:///etc", "nonsense"])
def test_a_database_without_https_is_not_asked(base: str) -> None:
    web = Web({f"{base}/firm.example": document()})
    assert Autoconfig(base, web, Dns())(ADDRESS) is None


def test_a_database_on_this_computer_may_be_plain() -> None:
    web = Web({"http://127.0.0.1:8025/firm.example": document()})
    assert Autoconfig("http://127.0.0.1:8025/", web, Dns())(ADDRESS) == FOUND


# The real ways out


@contextmanager
def name_server(records: dict[tuple[str, str], list[str]]) -> Iterator[int]:
    """A name server on loopback; gives its port."""
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            asked, client = line.recvfrom(4096)
            if asked == b"end":
                return
            query = dns.message.from_wire(asked)
            question = query.question[0]
            kind = dns.rdatatype.to_text(question.rdtype)
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.RA
            found = records.get((question.name.to_text(), kind))
            if found:
                reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
            line.sendto(reply.to_wire(), client)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield line.getsockname()[1]
    finally:
        line.sendto(b"end", line.getsockname())
        thread.join()
        line.close()


def test_real_dns() -> None:
    records = {
        ("firm.example.", "MX"): ["20 b.firm.example.", "10 A.firm.example."],
        ("none.example.", "MX"): ["0 ."],
        ("_submissions._tcp.firm.example.", "SRV"): ["5 6 465 mail.firm.example."],
        ("_imaps._tcp.firm.example.", "SRV"): ["0 0 0 ."],
    }
    with name_server(records) as port:
        resolver = DnsResolver(["127.0.0.1"], port)
        assert resolver.mx("firm.example") == ["a.firm.example", "b.firm.example"]
        assert resolver.mx("none.example") == []
        assert resolver.mx("other.example") == []
        assert resolver.srv("_submissions._tcp.firm.example") == [Srv(5, 6, 465, "mail.firm.example.")]
        assert resolver.srv("_imaps._tcp.firm.example") == []


def test_dns_that_does_not_answer_is_nothing_found() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        assert DnsResolver(["127.0.0.1"], deaf.getsockname()[1], lifetime_s=0.05).mx("firm.example") == []


class Pages(http.server.BaseHTTPRequestHandler):
    """A few pages."""

    def do_GET(self) -> None:
        pages = {
            "/doc": (200, {}),
            "/moved": (302, {"Location": "/doc"}),
            "/round": (301, {"Location": "/round"}),
        }
        status, headers = pages.get(self.path, (404, {}))
        body = document() if status == 200 else b"no"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def test_documents_over_the_apps_own_transport() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        transport = Transport()
        try:
            base = f"http://127.0.0.1:{server.server_port}"
            fetch = fetch_by(transport)
            assert fetch(f"{base}/doc") == document()
            assert fetch(f"{base}/moved") == document()
            assert fetch(f"{base}/round") is None
            assert fetch(f"{base}/gone") is None
            assert fetch("http://db.example/doc") is None
        finally:
            transport.close()
            server.shutdown()
            thread.join()
        assert fetch(f"{base}/doc") is None
