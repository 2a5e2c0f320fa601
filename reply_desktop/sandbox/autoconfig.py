"""Mozilla-style autoconfig for the sandbox's Other domains (wiki.mozilla.org, Thunderbird:Autoconfiguration).

Answers `/v1.1/{domain}` like the public database, and `/mail/config-v1.1.xml?emailaddress=` like a
provider's own host.
"""

from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control, Door
from reply_desktop.sandbox.serve import Answer, Listener, Request, plain
from reply_desktop.sandbox.visits import Visits
from reply_desktop.sandbox.world import World

_SERVER = """    <{tag} type="{type}">
      <hostname>{host}</hostname>
      <port>{port}</port>
      <socketType>{socket}</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </{tag}>"""


class Autoconfig:
    """Tells mail programs where the Other servers are."""

    def __init__(self, world: World, visits: Visits, servers: dict[str, Listener]) -> None:
        self._world = world
        self._visits = visits
        self._servers = servers

    async def handle(self, request: Request) -> Answer:
        """One request."""
        asked = parse_qs(request.query).get("emailaddress", [""])[0].rpartition("@")[2]
        domain = (asked or request.path.rpartition("/")[2]).lower()
        if slow := self._world.find(Control.LATENCY, Provider.OTHER, None, Door.AUTOCONFIG):
            request.fate.delay_s = float(slow.params["ms"]) / 1000
        answer = self._answer(request.path, domain)
        self._visits.note(Provider.OTHER, Door.AUTOCONFIG, None, answer[0], "autoconfig")
        return answer

    def _answer(self, path: str, domain: str) -> Answer:
        html = [(b"content-type", b"text/html; charset=utf-8")]
        if self._world.find(Control.PORTAL, Provider.OTHER, None, Door.AUTOCONFIG):
            return 200, html, b"<!doctype html><title>Welcome to the guest network</title>"
        if trouble := self._world.find(Control.SERVER_TROUBLE, Provider.OTHER, None, Door.AUTOCONFIG):
            return int(trouble.params["status"]), html, b"<!doctype html><title>Error</title>"
        domains = {each.domain for each in self._world.mailboxes(Provider.OTHER)}
        if domain not in domains or not path.startswith(("/v1.1/", "/mail/config-v1.1.xml")):
            return plain(404, "Not found")
        return 200, [(b"content-type", b"text/xml; charset=utf-8")], self._document(domain).encode()

    def _document(self, domain: str) -> str:
        servers = "\n".join(
            _SERVER.format(
                tag="incomingServer" if kind == "imap" else "outgoingServer",
                type=kind,
                host=listener.host,
                port=listener.port,
                socket=socket,
            )
            for kind, name, socket in (
                ("imap", "imap_tls", "SSL"),
                ("imap", "imap", "STARTTLS"),
                ("smtp", "smtp", "STARTTLS"),
                ("smtp", "smtp_tls", "SSL"),
            )
            if (listener := self._servers[name])
        )
        name = escape(domain)
        return f"""<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="{name}">
    <domain>{name}</domain>
    <displayName>Sandbox mail of {name}</displayName>
    <displayShortName>Sandbox</displayShortName>
{servers}
  </emailProvider>
</clientConfig>
"""
