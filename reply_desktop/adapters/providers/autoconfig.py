"""Finds the mail servers of an address: common providers, DNS SRV (RFC 6186, 8314), autoconfig documents."""

import logging
import queue
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from urllib.parse import quote, urljoin

from reply_desktop.adapters.http import Transport, TransportFault, is_own_computer, is_safe_url
from reply_desktop.adapters.mail import ascii_domain
from reply_desktop.adapters.providers import mail_hosts
from reply_desktop.domain.address import domain_of, parse_address
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.provider import Provider

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_log = logging.getLogger(__name__)

DEADLINE_S: Final = 8.0
"""For all look-ups together, in seconds: somebody waits at a dialog."""
DNS_S: Final = 3.0
"""For one DNS look-up, in seconds."""
MAX_DOCUMENT: Final = 256 * 1024
"""Largest autoconfig document read, in bytes."""
MAX_REDIRECTS: Final = 3

_HOST: Final = re.compile(r"(?=.{1,253}$)(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?!-|\d+$)[a-z0-9-]{2,63}(?<!-)")
_SRV: Final = (
    ("_submissions._tcp", "smtp", Security.TLS),
    ("_submission._tcp", "smtp", Security.STARTTLS),
    ("_imaps._tcp", "imap", Security.TLS),
    ("_imap._tcp", "imap", Security.STARTTLS),
)
"""Services, the preferred first (RFC 8314 §3.3)."""
_SOCKET_TYPES: Final = {"SSL": Security.TLS, "STARTTLS": Security.STARTTLS}
_BY_PASSWORD: Final = frozenset({"password-cleartext", "plain", "password-encrypted", "secure"})

T = TypeVar("T")
Fetch = Callable[[str], bytes | None]
"""The document at an https address; None when there is none or it cannot be had."""


@dataclass(frozen=True, slots=True, order=True)
class Srv:
    """One SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


class Resolver(Protocol):
    """DNS look-ups. Both give nothing when there is nothing or DNS does not answer."""

    def srv(self, name: str) -> Sequence[Srv]: ...
    def mx(self, domain: str) -> Sequence[str]:
        """Hosts that take mail for the domain, the preferred first, lower case, without the last dot."""


class Autoconfig:
    """Looks in all places at once and takes the most trustworthy answer; carries out the port of its name.

    `autoconfig_url` is the base of a database of autoconfig documents by domain (Mozilla's). Documents come
    over https only (http only from this computer), and servers without encryption are passed over.
    """

    def __init__(
        self,
        autoconfig_url: str,
        fetch: Fetch,
        resolver: Resolver | None = None,
        *,
        deadline_s: float = DEADLINE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._resolver = resolver or DnsResolver()
        self._autoconfig_url = autoconfig_url.rstrip("/")
        self._deadline_s = deadline_s
        self._monotonic = monotonic

    def __call__(self, address: str) -> MailServers | None:
        """The servers of this address, or None; within 8 s.

        None too for mailboxes at Google and Microsoft, which are connected by consent: see
        `suggested_provider`. Raises InvalidInput when it is no mail address.
        """
        address = parse_address(address)
        domain = _wire_domain(address)
        if known := mail_hosts.host_of_domain(domain):
            return known.servers(address)
        if not _HOST.fullmatch(domain) or mail_hosts.single_click_of_domain(domain):
            return None
        database = f"{self._autoconfig_url}/{quote(domain)}"
        own = (
            f"https://autoconfig.{domain}/mail/config-v1.1.xml",
            f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
        )
        search = _Search(self._monotonic() + self._deadline_s, self._monotonic)
        for url in (database, *own):
            search.begin(url, partial(self._read, url, address))
        search.begin("mx", partial(self._resolver.mx, domain))
        for name, _, _ in _SRV:
            search.begin(name, partial(self._resolver.srv, f"{name}.{domain}"))
        # The database is written by people and comes over https: the surest, and mostly the quickest.
        found: MailServers | None = search.result(database, None)
        hosts: Sequence[str] = () if found else search.result("mx", ())
        if not found and not any(map(mail_hosts.single_click_of_mx, hosts)):
            found = (
                self._by_srv(search, domain)
                or search.result(own[0], None)
                or search.result(own[1], None)
                or next(
                    (known.servers(address) for known in map(mail_hosts.host_of_mx, hosts) if known), None
                )
            )
        return None if found and mail_hosts.is_single_click_server(found.smtp.host) else found

    def suggested_provider(self, address: str) -> Provider | None:
        """Google or Microsoft, if that is where the address has its mailbox, by its domain or its MX records.

        Raises InvalidInput when it is no mail address.
        """
        domain = _wire_domain(parse_address(address))
        if mail_hosts.host_of_domain(domain):
            return None
        if kind := mail_hosts.single_click_of_domain(domain):
            return kind
        search = _Search(self._monotonic() + DNS_S, self._monotonic)
        search.begin("mx", partial(self._resolver.mx, domain))
        hosts: Sequence[str] = search.result("mx", ())
        return next(filter(None, map(mail_hosts.single_click_of_mx, hosts)), None)

    def _by_srv(self, search: "_Search", domain: str) -> MailServers | None:
        """Servers by SRV records; a user's password is not sent wherever unsigned DNS says.

        RFC 6186 §6 wants the user asked about a target in another domain; here it counts only if it lies in
        the address's domain or belongs to a provider of the table.
        """
        found: dict[str, MailServer] = {}
        for name, kind, security in _SRV:
            records: Sequence[Srv] = search.result(name, ())
            for each in sorted(records, key=lambda record: (record.priority, -record.weight)):
                host = each.target.rstrip(".").lower()
                fit = _HOST.fullmatch(host) and 0 < each.port < 65536
                if fit and (mail_hosts.within(host, domain) or mail_hosts.is_known_host(host)):
                    found.setdefault(kind, MailServer(host, each.port, security))
        return MailServers(found["smtp"], found.get("imap")) if "smtp" in found else None

    def _read(self, url: str, address: str) -> MailServers | None:
        if not is_safe_url(url):
            return None
        document = self._fetch(url)
        return servers_in(document, address) if document and len(document) <= MAX_DOCUMENT else None


class _Search:
    """Look-ups side by side, each in a thread that may outlive the deadline, but not its own time-outs."""

    def __init__(self, until: float, monotonic: Callable[[], float]) -> None:
        self._until = until
        self._monotonic = monotonic
        self._answers: dict[str, queue.SimpleQueue[object]] = {}
        self._known: dict[str, object] = {}

    def begin(self, name: str, look_up: Callable[[], object]) -> None:
        """Start a look-up; whatever goes wrong in it means that nothing was found."""
        answer: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._answers[name] = answer

        def run() -> None:
            try:
                answer.put(look_up())
            except Exception as error:
                _log.debug("Looking up %s failed: %s", name, type(error).__name__)
                answer.put(None)

        threading.Thread(target=run, name="server-search", daemon=True).start()

    def result(self, name: str, default: T) -> T:
        """What was found; the default when nothing was, or the deadline passed."""
        if name not in self._known:
            left = self._until - self._monotonic()
            try:
                self._known[name] = self._answers[name].get(timeout=max(left, 0.0))
            except queue.Empty:
                self._known[name] = None
        found = self._known[name]
        return default if found is None else found  # type: ignore[return-value]


class DnsResolver:
    """A `Resolver` that asks the computer's own name servers."""

    def __init__(self, nameservers: Sequence[str] = (), port: int = 53, *, lifetime_s: float = DNS_S) -> None:
        self._nameservers = list(nameservers)
        self._port = port
        self._lifetime_s = lifetime_s

    def srv(self, name: str) -> Sequence[Srv]:
        """SRV records of a service; a target of "." means that it is not offered (RFC 2782)."""
        found = (Srv(r.priority, r.weight, r.port, r.target.to_text()) for r in self._ask(name, "SRV"))
        return [each for each in found if each.target != "."]

    def mx(self, domain: str) -> Sequence[str]:
        """MX hosts; "." means that the domain takes no mail (RFC 7505)."""
        found = sorted((r.preference, r.exchange.to_text()) for r in self._ask(domain, "MX"))
        return [host.rstrip(".").lower() for _, host in found if host != "."]

    def _ask(self, name: str, kind: str) -> Iterable[Any]:
        import dns.exception
        import dns.resolver

        try:
            resolver = dns.resolver.Resolver(configure=not self._nameservers)
            if self._nameservers:
                resolver.nameservers = self._nameservers
                resolver.port = self._port
            return list(resolver.resolve(f"{name}.", kind, lifetime=self._lifetime_s, search=False))
        except (dns.exception.DNSException, OSError, ValueError) as error:
            _log.debug("No %s records of %s: %s", kind, name, type(error).__name__)
            return ()


def fetch_by(transport: Transport) -> Fetch:
    """A `Fetch` over the app's own transport; follows a few redirects, but none away from https."""

    def fetch(url: str) -> bytes | None:
        for _ in range(1 + MAX_REDIRECTS):
            if not is_safe_url(url):
                return None
            try:
                answer = transport.request("GET", url, headers={"Accept": "application/xml, text/xml"})
            except TransportFault:
                return None
            if answer.status == 200:
                return answer.data
            place = answer.headers.get("location") if answer.status in (301, 302, 303, 307, 308) else None
            if not place:
                return None
            before, url = url, urljoin(url, place)
            if before.startswith("https:") and not url.startswith("https:"):
                return None
        return None

    return fetch


def servers_in(document: bytes, address: str) -> MailServers | None:
    """The servers an autoconfig document (Mozilla's clientConfig 1.1) names for an address.

    None when it is no such document, or names no SMTP server with encryption and a password.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(document, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    provider = root.find("emailProvider") if root.tag == "clientConfig" else None
    if provider is None:
        return None
    smtp = _first(provider, "outgoingServer", "smtp", address)
    if smtp is None:
        return None
    imap = _first(provider, "incomingServer", "imap", address)
    server, user = smtp
    return MailServers(server, imap[0] if imap else None, None if user == address else user)


def _first(provider: "Element", tag: str, kind: str, address: str) -> tuple[MailServer, str] | None:
    """The first server of this kind that can be used, and the user name it wants."""
    for each in provider.findall(tag):
        security = _SOCKET_TYPES.get(_text(each, "socketType").upper())
        ways = {(way.text or "").strip().lower() for way in each.findall("authentication")}
        if each.get("type") != kind or security is None or (ways and not ways & _BY_PASSWORD):
            continue
        host = _filled(_text(each, "hostname"), address).rstrip(".").lower()
        port = _text(each, "port")
        named = _HOST.fullmatch(host) or is_own_computer(host)
        if named and port.isascii() and port.isdigit() and 0 < int(port) < 65536:
            wanted = _text(each, "username")
            user = _filled(wanted, address) if "%" in wanted else address
            return MailServer(host, int(port), security), user
    return None


def _filled(text: str, address: str) -> str:
    local, _, domain = address.rpartition("@")
    for place, value in (("ADDRESS", address), ("LOCALPART", local), ("DOMAIN", ascii_domain(domain))):
        text = text.replace(f"%EMAIL{place}%", value)
    return text


def _text(element: "Element", tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _wire_domain(address: str) -> str:
    return ascii_domain(domain_of(address))
