"""Mail servers of common providers, as data: by the domain of an address, and by where its mail is delivered.

Checked against Mozilla's autoconfig database (github.com/thunderbird/autoconfig, March 2026); mailbox.org,
Infomaniak, IONOS, Zoho for organisations, Private Email and Hostinger against their own help pages.
"""

import re
from dataclasses import dataclass
from typing import Final

from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.provider import Provider


@dataclass(frozen=True, slots=True)
class MailHost:
    """One provider's servers. `mx`: ends of the host names that take mail for its customers' own domains."""

    domains: tuple[str, ...]
    smtp: MailServer
    imap: MailServer
    mx: tuple[str, ...] = ()
    user_is_local_part: bool = False

    def servers(self, address: str) -> MailServers:
        """The servers for one of its addresses."""
        user = address.rpartition("@")[0] if self.user_is_local_part else None
        return MailServers(self.smtp, self.imap, user)


def _tls(host: str, port: int = 465) -> MailServer:
    return MailServer(host, port, Security.TLS)


def _starttls(host: str, port: int = 587) -> MailServer:
    return MailServer(host, port, Security.STARTTLS)


def _imap(host: str) -> MailServer:
    return MailServer(host, 993, Security.TLS)


def _zoho(domain: str) -> tuple[MailHost, MailHost]:
    """Zoho keeps each region's mailboxes apart, and personal ones apart from organisations'."""
    personal = (f"zoho.{domain}", f"zohomail.{domain}")
    return (
        MailHost(personal, _tls(f"smtp.zoho.{domain}"), _imap(f"imap.zoho.{domain}")),
        MailHost((), _tls(f"smtppro.zoho.{domain}"), _imap(f"imappro.zoho.{domain}"), (f"zoho.{domain}",)),
    )


MAIL_HOSTS: Final = (
    MailHost(
        (
            "yahoo.com",
            "yahoo.ca",
            "yahoo.de",
            "yahoo.it",
            "yahoo.fr",
            "yahoo.es",
            "yahoo.se",
            "yahoo.co.in",
            "yahoo.co.uk",
            "yahoo.co.nz",
            "yahoo.com.au",
            "yahoo.com.ar",
            "yahoo.com.br",
            "yahoo.com.mx",
            "ymail.com",
            "myyahoo.com",
            "rocketmail.com",
        ),
        _tls("smtp.mail.yahoo.com"),
        _imap("imap.mail.yahoo.com"),
    ),
    MailHost(
        (
            "aol.com",
            "aim.com",
            "aol.de",
            "aol.it",
            "aol.fr",
            "aol.es",
            "aol.co.uk",
            "netscape.net",
            "verizon.net",
        ),
        _tls("smtp.aol.com"),
        _imap("imap.aol.com"),
    ),
    MailHost(
        ("icloud.com", "me.com", "mac.com"),
        _starttls("smtp.mail.me.com"),
        _imap("imap.mail.me.com"),
        ("mail.icloud.com",),
    ),
    MailHost(
        ("fastmail.com", "fastmail.fm", "messagingengine.com"),
        _tls("smtp.fastmail.com"),
        _imap("imap.fastmail.com"),
        ("messagingengine.com",),
    ),
    MailHost(
        ("gmx.net", "gmx.de", "gmx.at", "gmx.ch", "gmx.eu", "gmx.org", "gmx.info"),
        _tls("mail.gmx.net"),
        _imap("imap.gmx.net"),
    ),
    MailHost(
        (
            "gmx.com",
            "gmx.us",
            "gmx.co.uk",
            "gmx.es",
            "gmx.fr",
            "gmx.ca",
            "gmx.it",
            "gmx.pt",
            "gmx.se",
            "gmx.ie",
        ),
        _tls("mail.gmx.com"),
        _imap("imap.gmx.com"),
    ),
    MailHost(("web.de",), _tls("smtp.web.de"), _imap("imap.web.de"), user_is_local_part=True),
    MailHost(
        ("mail.com", "email.com", "post.com", "usa.com", "consultant.com", "engineer.com", "europe.com"),
        _tls("smtp.mail.com"),
        _imap("imap.mail.com"),
    ),
    *_zoho("com"),
    *_zoho("eu"),
    *_zoho("in"),
    *_zoho("com.au"),
    *_zoho("jp"),
    MailHost(
        ("yandex.ru", "yandex.com", "yandex.net", "yandex.by", "yandex.kz", "yandex.ua", "ya.ru", "narod.ru"),
        _tls("smtp.yandex.com"),
        _imap("imap.yandex.com"),
        ("mx.yandex.net", "mx.yandex.ru"),
    ),
    MailHost(
        ("mail.ru", "inbox.ru", "list.ru", "bk.ru"),
        _tls("smtp.mail.ru"),
        _imap("imap.mail.ru"),
        ("emx.mail.ru",),
    ),
    MailHost(("rambler.ru",), _tls("smtp.rambler.ru"), _imap("imap.rambler.ru")),
    MailHost(("mailbox.org",), _tls("smtp.mailbox.org"), _imap("imap.mailbox.org"), ("mailbox.org",)),
    MailHost(
        ("posteo.de", "posteo.net", "posteo.org", "posteo.eu", "posteo.at", "posteo.ch", "posteo.com"),
        _tls("posteo.de"),
        _imap("posteo.de"),
    ),
    MailHost(
        ("online.de", "onlinehome.de", "sofort-start.de"),
        _tls("smtp.1und1.de"),
        _imap("imap.1und1.de"),
        ("kundenserver.de", "schlund.de"),
    ),
    MailHost((), _starttls("smtp.ionos.com"), _imap("imap.ionos.com"), ("ionos.com",)),
    MailHost((), _starttls("smtp.ionos.de"), _imap("imap.ionos.de"), ("ionos.de",)),
    MailHost((), _starttls("smtp.ionos.fr"), _imap("imap.ionos.fr"), ("ionos.fr",)),
    MailHost(("ovh.net",), _tls("ssl0.ovh.net"), _imap("ssl0.ovh.net"), ("mail.ovh.net",)),
    MailHost(("gandi.net",), _tls("mail.gandi.net"), _imap("mail.gandi.net"), ("mail.gandi.net",)),
    MailHost(
        ("ik.me", "ikmail.com"),
        _tls("mail.infomaniak.com"),
        _imap("mail.infomaniak.com"),
        ("infomaniak.ch", "infomaniak.com"),
    ),
    MailHost(("strato.de",), _tls("smtp.strato.de"), _imap("imap.strato.de"), ("rzone.de",)),
    MailHost((), _tls("mail.your-server.de"), _imap("mail.your-server.de"), ("your-server.de",)),
    MailHost((), _tls("sslout.df.eu"), _imap("sslin.df.eu"), ("ispgateway.de",)),
    MailHost((), _tls("secure.emailsrvr.com"), _imap("secure.emailsrvr.com"), ("emailsrvr.com",)),
    MailHost((), _tls("smtpout.secureserver.net"), _imap("imap.secureserver.net"), ("secureserver.net",)),
    MailHost((), _tls("mail.privateemail.com"), _imap("mail.privateemail.com"), ("privateemail.com",)),
    MailHost((), _tls("smtp.hostinger.com"), _imap("imap.hostinger.com"), ("hostinger.com",)),
    MailHost(("one.com",), _tls("send.one.com"), _imap("imap.one.com"), ("one.com",)),
    MailHost(("t-online.de", "magenta.de"), _tls("securesmtp.t-online.de"), _imap("secureimap.t-online.de")),
    MailHost(
        ("vodafonemail.de", "arcor.de", "kabelmail.de"),
        _tls("smtp.vodafonemail.de"),
        _imap("imap.vodafonemail.de"),
    ),
    MailHost(("a1.net", "aon.at"), _starttls("securemail.a1.net"), _imap("securemail.a1.net")),
    MailHost(("bluewin.ch",), _tls("smtpauths.bluewin.ch"), _imap("imaps.bluewin.ch")),
    MailHost(("comcast.net",), _tls("smtp.comcast.net"), _imap("imap.comcast.net")),
    MailHost(
        ("att.net", "sbcglobal.net", "bellsouth.net", "ameritech.net", "pacbell.net"),
        _tls("smtp.mail.att.net"),
        _imap("imap.mail.att.net"),
    ),
    MailHost(("earthlink.net",), _starttls("smtpauth.earthlink.net"), _imap("imap.earthlink.net")),
    MailHost(("btinternet.com",), _tls("mail.btinternet.com"), _imap("mail.btinternet.com")),
    MailHost(("orange.fr", "wanadoo.fr"), _tls("smtp.orange.fr"), _imap("imap.orange.fr")),
    MailHost(("free.fr",), _tls("smtp.free.fr"), _imap("imap.free.fr"), user_is_local_part=True),
    MailHost(("sfr.fr", "neuf.fr", "club-internet.fr"), _tls("smtp.sfr.fr"), _imap("imap.sfr.fr")),
    MailHost(("laposte.net",), _tls("smtp.laposte.net"), _imap("imap.laposte.net"), user_is_local_part=True),
    MailHost(
        ("libero.it", "iol.it", "blu.it", "inwind.it", "giallo.it"),
        _tls("smtp.libero.it"),
        _imap("imapmail.libero.it"),
    ),
    MailHost(("virgilio.it",), _tls("out.virgilio.it"), _imap("in.virgilio.it")),
    MailHost(("tiscali.it",), _tls("smtp.tiscali.it"), _imap("imap.tiscali.it")),
    MailHost(
        ("kpnmail.nl", "kpnplanet.nl", "planet.nl", "hetnet.nl", "xs4all.nl"),
        _tls("smtp.kpnmail.nl"),
        _imap("imap.kpnmail.nl"),
    ),
    MailHost(("ziggo.nl", "home.nl", "chello.nl"), _starttls("smtp.ziggo.nl"), _imap("imap.ziggo.nl")),
    MailHost(("skynet.be", "proximus.be"), _starttls("relay.proximus.be"), _imap("imap.proximus.be")),
    MailHost(("seznam.cz", "email.cz", "post.cz"), _tls("smtp.seznam.cz"), _imap("imap.seznam.cz")),
    MailHost(
        ("onet.pl", "onet.eu", "op.pl", "vp.pl"), _tls("smtp.poczta.onet.pl"), _imap("imap.poczta.onet.pl")
    ),
    MailHost(("wp.pl",), _tls("smtp.wp.pl"), _imap("imap.wp.pl"), user_is_local_part=True),
    MailHost(("sapo.pt",), _tls("smtp.sapo.pt"), _imap("imap.sapo.pt")),
    MailHost(("naver.com",), _tls("smtp.naver.com"), _imap("imap.naver.com")),
    MailHost(("daum.net",), _tls("smtp.daum.net"), _imap("imap.daum.net")),
    MailHost(("qq.com",), _tls("smtp.qq.com"), _imap("imap.qq.com")),
    MailHost(("163.com",), _tls("smtp.163.com"), _imap("imap.163.com")),
    MailHost(("126.com",), _tls("smtp.126.com"), _imap("imap.126.com")),
    MailHost(("yeah.net",), _tls("smtp.yeah.net"), _imap("imap.yeah.net")),
)
"""One row per provider. Proton Mail is missing on purpose: it lets mail programs in only through a program of
its own on this computer."""

SINGLE_CLICK_DOMAINS: Final = {
    Provider.GOOGLE: ("gmail.com", "googlemail.com"),
    Provider.MICROSOFT: ("outlook.com", "hotmail.com", "live.com", "msn.com", "windowslive.com"),
}
"""Domains of personal mailboxes that are connected by consent."""

_PERSONAL_MICROSOFT: Final = re.compile(r"(?:outlook|hotmail|live)\.(?:com?\.)?[a-z]{2,3}")
"""Their national forms, such as `outlook.de` and `hotmail.co.uk`."""

SINGLE_CLICK_MX: Final = {
    Provider.GOOGLE: ("google.com", "googlemail.com"),
    Provider.MICROSOFT: (
        "mail.protection.outlook.com",
        "olc.protection.outlook.com",
        "mx.microsoft",
        "protection.office365.us",
        "protection.partner.outlook.cn",
    ),
}
"""Ends of the host names that take mail for domains hosted at Google Workspace and Microsoft 365."""


def within(host: str, domain: str) -> bool:
    """Whether the host is the domain itself or lies in it."""
    return host == domain or host.endswith(f".{domain}")


def host_of_domain(domain: str) -> MailHost | None:
    """The provider whose own addresses end in this domain."""
    return next((each for each in MAIL_HOSTS if domain in each.domains), None)


def host_of_mx(mx: str) -> MailHost | None:
    """The provider that takes mail at this host."""
    return next((each for each in MAIL_HOSTS if any(within(mx, end) for end in each.mx)), None)


def single_click_of_domain(domain: str) -> Provider | None:
    """Google or Microsoft, if the domain is one of their personal ones."""
    if _PERSONAL_MICROSOFT.fullmatch(domain):
        return Provider.MICROSOFT
    return next((kind for kind, known in SINGLE_CLICK_DOMAINS.items() if domain in known), None)


def single_click_of_mx(mx: str) -> Provider | None:
    """Google or Microsoft, if mail for the domain is delivered there."""
    return next(
        (kind for kind, ends in SINGLE_CLICK_MX.items() if any(within(mx, end) for end in ends)), None
    )


def is_single_click_server(host: str) -> bool:
    """Whether this is a mail server of Google or Microsoft."""
    return any(within(host, end) for end in ("gmail.com", "googlemail.com", "office365.com", "outlook.com"))


def is_known_host(host: str) -> bool:
    """Whether a server belongs to a provider of the table."""
    return any(within(host, end) for end in _KNOWN)


def _own(host: str) -> str:
    """The provider's own domain: the last two labels, three below a registry like `com.au`."""
    labels = host.split(".")
    return ".".join(labels[-3:] if labels[-2] in ("com", "co") else labels[-2:])


_KNOWN: Final = frozenset(_own(server.host) for each in MAIL_HOSTS for server in (each.smtp, each.imap))
