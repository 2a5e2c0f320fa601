"""Posts to Slack, Teams, Telegram, webhooks and more through Apprise, quietly and as plain text.

Apprise is loaded at the first use: it costs a quarter of a second and finds its services by their files.
"""

import ipaddress
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType, ModuleType
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.notification import plain, plain_sentence
from reply_desktop.logs import REMOVED, redact
from reply_desktop.services.alert_ports import Handed, HandedState

_log = logging.getLogger(__name__)

MOST_CHARACTERS: Final = 4096
"""Of a URL; those of Power Automate have about 400."""
TIMEOUT_S: Final = 10.0
TOTAL_S: Final = 60.0
THREAD: Final = "team-channel"
"""Name of the threads that post."""

_APP: Final = "Reply Desktop"
_EXAMPLE: Final = "Paste the webhook's address from the service's page, or an Apprise URL such as slack://…"
_OTHER: Final = "Choose another service, for example Slack, Teams, Telegram or a webhook."

_REFUSED: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        schema: told
        for schemas, told in (
            (
                "dbus kde qt glib gio gnome macosx windows growl blink1 syslog rsyslog",
                ("shows messages on one computer and reaches no team.", _OTHER),
            ),
            (
                "mailto mailtos acs azure o365 brevo deltachat deltachats groundmail mailersend mailgun "
                "pingram postmark resend sendgrid sendpulse ses smtp2go sparkpost",
                ("sends e-mail, which is no team channel.", "Set up alert e-mail instead."),
            ),
            (
                "amqp amqps aprs dapnet irc ircs mqtt mqtts nostr smpp smpps xmpp xmpps",
                ("does not go over the web, so nobody could tell what became of a message.", _OTHER),
            ),
            ("fcm vapid", ("reads a key from a file of this computer.", _OTHER)),
            (
                "bluesky bsky instagram mastodon mastodons misskey misskeys reddit strmlabs toot toots tweet "
                "twitter x",
                ("is public: anybody could read which account is in trouble.", _OTHER),
            ),
            (
                "msteams",
                (
                    "is the old kind of Teams webhook, which Microsoft has switched off.",
                    "Make a new one in Teams with Workflows, “Post to a channel when a webhook request is "
                    "received”.",
                ),
            ),
        )
        for schema in schemas.split()
    }
)
"""Kinds of Apprise URLs that are no team channel: why, and what to do."""

_TELEGRAM: Final = "Use tgram://bot token/chat id."
_MISTAKEN: Final = (
    (re.compile(r"(?:^|\.)(?:webhook|outlook)\.office(?:365)?\.com$"), *_REFUSED["msteams"]),
    (
        re.compile(r"^teams\.(?:microsoft|live|cloud\.microsoft)(?:\.com)?$"),
        "is a page of Microsoft Teams, not a webhook's address.",
        _REFUSED["msteams"][1],
    ),
    (
        re.compile(r"^api\.telegram\.org$"),
        "is Telegram's programming interface, not a channel's address.",
        _TELEGRAM,
    ),
    (
        re.compile(r"^(?:t|telegram)\.me$|(?:^|(?<!api)\.)telegram\.org$"),
        "is a page of Telegram, not a channel's address.",
        _TELEGRAM,
    ),
    (
        re.compile(r"(?:^|(?<!hooks)\.)slack\.com$"),
        "is a page of Slack, not a webhook's address.",
        "Make an Incoming Webhook at api.slack.com/apps and copy its address.",
    ),
    (
        re.compile(r"^(?:chat|mail)\.google\.com$"),
        "is a page of Google Chat, not a webhook's address.",
        "In the space: Apps & integrations → Webhooks; copy the address from there.",
    ),
    (
        re.compile(r"^open\.feishu\.cn$"),
        "is Feishu, which takes no plain webhook's messages.",
        "Use feishu://token.",
    ),
    (
        re.compile(r"^oapi\.dingtalk\.com$"),
        "is DingTalk, which takes no plain webhook's messages.",
        "Use dingtalk://token, or dingtalk://secret@token.",
    ),
)
"""Hosts whose addresses people copy and that cannot work as webhooks."""

_FORMS: Final = (
    (r"hooks\.slack(?:-gov)?\.com", "Slack", "https://hooks.slack.com/services/T…/B…/secret…", True),
    (r"(?:.+\.)?discord(?:app)?\.com", "Discord", "https://discord.com/api/webhooks/…/secret…", True),
    (
        r".+\.(?:logic\.azure\.[a-z]+|(?:power|apps)platform(?:\.[a-z0-9-]+){1,3})",
        "Microsoft Teams",
        "https://….logic.azure.com/workflows/…/triggers/manual/paths/invoke?sig=…",
        False,
    ),
    (
        r"chat\.googleapis\.com",
        "Google Chat",
        "https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=…",
        True,
    ),
    (
        r"webexapis\.com|api\.ciscospark\.com",
        "Cisco Webex Teams",
        "https://webexapis.com/v1/webhooks/incoming/secret…",
        True,
    ),
    (r"inbots\.zoom\.us", "Zoom", "https://inbots.zoom.us/incoming/hook/…?token=…", True),
    (
        r"open\.larksuite\.com",
        "Lark (Feishu)",
        "https://open.larksuite.com/open-apis/bot/v2/hook/secret…",
        True,
    ),
    (r"qyapi\.weixin\.qq\.com", "WeCom Bot", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…", True),
    (r"ntfy\.sh", "ntfy", "https://ntfy.sh/topic…", True),
)
"""Hosts of known services, the service, its addresses' form, and whether it has no other."""

_NAMES: Final = MappingProxyType(
    {
        "json": "Webhook", "jsons": "Webhook", "form": "Webhook", "forms": "Webhook", "xml": "Webhook",
        "xmls": "Webhook", "workflow": "Microsoft Teams", "workflows": "Microsoft Teams",
    }
)  # fmt: skip
"""Services that people know by another name than Apprise's."""

_RENEW: Final = "It refused the secret in the address: add the channel again with a new one."
_ADVICE: Final = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: _RENEW,
        HTTPStatus.FORBIDDEN: _RENEW,
        HTTPStatus.NOT_FOUND: "The webhook or chat is gone: make a new one and add the channel again.",
        HTTPStatus.GONE: "The webhook is gone: make a new one and add the channel again.",
        HTTPStatus.TOO_MANY_REQUESTS: "It wants fewer messages.",
    }
)

_CRASH: Final = "raised an exception."
"""The end of Apprise's record about a service whose code failed, perhaps after the message was out."""
_CRASHED: Final = Handed(HandedState.IN_DOUBT, "answered in no known way; the message may have arrived.")

_PREVIEW: Final = re.compile(r"^(https://)(?:canary|ptb)\.(?=discord(?:app)?\.com/)")
"""Discord's preview apps, which put their own name into the addresses they show."""
_HOST_TEMPLATE: Final = re.compile(r"\{schema\}://(?:[^/]*@)?\{host\}")
_STATUS: Final = re.compile(r"\b(?:error|code|status)\W{0,4}([1-5]\d\d)\b")
_PING: Final = re.compile(r"@(?=(?:all|channel|everyone|here|online|room|team|topic)\b)|(?<![\w.+-])@", re.I)
_OUTER_LINE: Final = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_SIGNS: Final = str.maketrans({"<": "‹", ">": "›", "*": "∗", "`": "´", "~": "∼"})


def harmless(text: str) -> str:
    """The text such that no service pings anybody or formats anything for it.

    Names and provider texts come from outside. Services differ in what they interpret even in what they
    call plain text (Discord always reads Markdown and @everyone, Mattermost and Zulip too; Slack and Google
    Chat read <!channel> and <users/all>; Telegram reads HTML), and an escape that one honours is shown by
    the next. So the signs themselves give way to their look-alikes: ‹ › ∗ ´ ∼ for < > * ` ~, ＠ for an @
    that does not stand in an e-mail address or that names a crowd, ＿ for a _ at a word's edge, ¦ for
    doubled bars, ＃ at the beginning of a line; brackets are kept apart from the parenthesis that would make
    them a link. Addresses stay as they are, and no invisible character is put in.
    """
    lines = [plain(line, 1000) for line in text.splitlines()]
    changed = "\n".join(f"＃{line[1:]}" if line.startswith("#") else line for line in lines).strip()
    changed = _PING.sub("＠", changed.translate(_SIGNS))
    changed = _OUTER_LINE.sub("＿", changed)
    return changed.replace("||", "¦¦").replace("](", "] (").replace("][", "] [")


@dataclass(slots=True)
class _Heard:
    """What Apprise logged of one message: it tells its reasons nowhere else."""

    sent: bool = False
    status: int | None = None
    broken: Handed | None = None
    said: list[str] = field(default_factory=list)


_heard: Final[ContextVar[_Heard | None]] = ContextVar("reply_desktop_apprise_heard", default=None)


class _Ears(logging.Handler):
    """Hears Apprise's records for the message being posted, from whatever thread it is posted in.

    The exception that a service met is still current while it logs; only its kind is kept.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Take from the record what tells the outcome."""
        heard = _heard.get()
        if heard is None:
            return
        message = record.getMessage()
        if record.levelno < logging.WARNING:
            heard.sent = heard.sent or message.startswith("Sent ")
            return
        broken = _CRASHED if message.endswith(_CRASH) else _broken(sys.exc_info()[1])
        heard.broken = broken or heard.broken
        if found := _STATUS.search(message):
            heard.status = int(found[1])
        heard.said.append(message)


_EARS: Final = _Ears()
_loading: Final = threading.Lock()


def _apprise() -> ModuleType:
    """Apprise with all its services."""
    with _loading, warnings.catch_warnings():
        # Some service asks for a module that Python gives up, and does without it where it is gone.
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise
        from apprise import manager_plugins

        services: Any = manager_plugins.NotificationManager
        services().load_modules()
    return apprise


class AppriseSender:
    """Implements `TeamSender`. Safe to use from many threads; each call blocks on the network.

    `timeout_s` holds for the connection and again for each wait for an answer; after `total_s` nobody waits
    any longer, however slowly the answer drips in. Its thread then waits alone, and keeps no process from
    ending.
    """

    def __init__(self, *, timeout_s: float = TIMEOUT_S, total_s: float = TOTAL_S) -> None:
        self._timeout_s = timeout_s
        self._total_s = total_s
        self._changed = threading.Condition()
        self._hung: set[str] = set()
        self._closed = False
        # Its messages may hold whole addresses, and those are secrets: nothing of it reaches our logs.
        log = logging.getLogger("apprise")
        log.propagate = False
        log.setLevel(logging.INFO)
        log.addHandler(_EARS)

    def close(self) -> None:
        """Post no more; whoever waits for an answer waits no longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def examine(self, url: str) -> tuple[str, str, str]:
        """The URL to store, the service's name, and an address without secrets.

        Takes Apprise URLs and the https addresses that services show; an https address that no service
        claims is a webhook that gets JSON, unless it is at a known service's host. Raises InvalidInput,
        without any part of the URL but its host.
        """
        text = url.strip()
        parts = _split(text)
        _refuse_scheme(parts)
        options = {name.lower(): value.lower() for name, value in parse_qsl(parts.query)}
        service = _service(text)
        if service is None or _is_raw(text, service):
            _refuse_part(parts)
        if service is None:
            raise InvalidInput(f"The {parts.scheme}:// address is not complete or not known.", _EXAMPLE)
        if not _is_raw(text, service):
            if options.get("verify", "yes") in ("no", "false", "off", "0"):
                raise InvalidInput(
                    "verify=no would send the secret to whoever answers.", "Leave verify out of the address."
                )
            if "template" in options:
                raise InvalidInput(
                    "template= reads a file of this computer.", "Leave template out of the address."
                )
        web = parts.scheme in ("http", "https")
        _refuse_plain(service.schema if web else parts.scheme, service)
        return text, _name(service), _address(text, service)

    def post(self, url: str, title: str, text: str) -> Handed:
        """Post plain text, as one message without attachments. Never raises."""
        try:
            service = _service(url)
        except Exception as error:
            _warn(error)
            service = None
        if service is None:
            return Handed(HandedState.REFUSED, "Its address can no longer be used: add the channel again.")
        name = _name(service)
        ended: list[Handed] = []

        def run() -> None:
            handed = self._post(service, url, harmless(title), harmless(text))
            with self._changed:
                ended.append(handed)
                self._hung.discard(url)
                self._changed.notify_all()

        with self._changed:
            if self._closed:
                return Handed(HandedState.REFUSED, "The app is ending.")
            if url in self._hung:
                return Handed(HandedState.REFUSED, f"{name} still answers an earlier message.")
            threading.Thread(target=run, name=THREAD, daemon=True).start()
            if self._changed.wait_for(lambda: ended or self._closed, self._total_s) and ended:
                return ended[0]
            self._hung.add(url)
        return Handed(HandedState.IN_DOUBT, f"{name} took too long to answer; the message may have arrived.")

    def _post(self, service: Any, url: str, title: str, text: str) -> Handed:
        apprise = _apprise()
        name = _name(service)
        try:
            _make_strict(service, self._timeout_s)
            way = apprise.Apprise(asset=service.asset)
            way.add(service)
            with _listening() as heard:
                if way.notify(body=text, title=title, body_format=apprise.NotifyFormat.TEXT):
                    return Handed(HandedState.TOLD)
        except Exception as error:
            _warn(error)
            return Handed(_CRASHED.state, f"The service {_CRASHED.said}")
        said = _why(name, heard, url)
        if heard.sent:
            return Handed(HandedState.IN_DOUBT, f"Only a part of its chats got the message. {said}")
        in_doubt = heard.status == HTTPStatus.GATEWAY_TIMEOUT or (
            heard.broken is not None and heard.broken.state is HandedState.IN_DOUBT
        )
        return Handed(HandedState.IN_DOUBT if in_doubt else HandedState.REFUSED, said)


def _warn(error: Exception) -> None:
    # Apprise's services are many and by many hands; what they raise may quote the address.
    _log.warning("Apprise failed with %s", type(error).__name__)


@contextmanager
def _listening() -> Iterator[_Heard]:
    heard = _Heard()
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def _split(text: str) -> SplitResult:
    """The parts of a URL. Raises InvalidInput when it is none."""
    if not text:
        raise InvalidInput("A team channel needs an address.", _EXAMPLE)
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput(f"The address has more than {MOST_CHARACTERS} characters.", _EXAMPLE)
    if any(not sign.isprintable() or sign.isspace() for sign in text):
        raise InvalidInput("The address holds blanks or control characters.", "Copy it again, as one line.")
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        raise InvalidInput("This is no address: it does not begin with https:// or the like.", _EXAMPLE)
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - it is looked at only here, and raises when it is no number
    except ValueError:
        # Apprise's own addresses may have a colon within a token.
        parts = SplitResult(text.partition("://")[0].lower(), "", "", "", "")
    return parts


def _refuse_scheme(parts: SplitResult) -> None:
    if parts.scheme in _REFUSED:
        what, todo = _REFUSED[parts.scheme]
        raise InvalidInput(f"{parts.scheme}:// {what}", todo)
    if parts.scheme not in ("http", "https"):
        return
    host = parts.hostname or ""
    if not host:
        raise InvalidInput("The address names no host.", _EXAMPLE)
    if parts.scheme == "http" and not _is_loopback(host):
        raise InvalidInput(
            "http:// would send the secret and the news in the open.", "Use the https:// address."
        )
    for pattern, what, todo in _MISTAKEN:
        if pattern.search(host):
            raise InvalidInput(f"{host} {what}", todo)


def _refuse_part(parts: SplitResult) -> None:
    """Refuse what is no address of the service at whose host it is."""
    for host, name, example, is_only in _FORMS:
        if not re.fullmatch(host, parts.hostname or ""):
            continue
        form, copied = urlsplit(example), f"Copy all of it; it looks like {example}"
        given, wanted = _segments(parts), _segments(form)
        asked = [one for one, _ in parse_qsl(form.query) if one not in dict(parse_qsl(parts.query))]
        strange = any(one != other for one, other in zip(given, wanted, strict=False) if "…" not in other)
        lacking = "/".join(wanted[len(given) :]) if is_only else ""
        lacking += "".join(f"{'&' if number else '?'}{one}=…" for number, one in enumerate(asked))
        if lacking and not (strange and is_only):
            raise InvalidInput(f"This {name} address lacks {lacking.lstrip('?')}.", copied)
        if is_only:
            raise InvalidInput(f"{name} takes no messages at this address.", copied)


def _segments(parts: SplitResult) -> list[str]:
    return [one for one in parts.path.split("/") if one]


def _refuse_plain(schema: str, service: Any) -> None:
    schemas = _listed(service.protocol) | _listed(service.secure_protocol)
    if refused := sorted(schemas & _REFUSED.keys()):
        what, todo = _REFUSED[refused[0]]
        raise InvalidInput(f"{refused[0]}:// {what}", todo)
    if schema in _listed(service.protocol) and not _is_loopback(service.host or ""):
        secure = sorted(_listed(service.secure_protocol))
        raise InvalidInput(
            f"{schema}:// would send the secret and the news in the open.",
            f"Use {secure[0]}:// instead." if secure else _OTHER,
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _listed(schemas: str | tuple[str, ...] | list[str] | None) -> set[str]:
    return {schemas} if isinstance(schemas, str) else set(schemas or ())


def _service(url: str) -> Any:
    """Apprise's object for the URL, None when it has none."""
    apprise = _apprise()
    # No pictures from Apprise's site, and nothing of it kept on this computer.
    asset = apprise.AppriseAsset(
        app_id=_APP,
        app_desc=_APP,
        app_url="",
        image_url_mask="",
        image_url_logo="",
        image_path_mask=False,
        http_redirects=False,
        interpret_emojis=False,
        language="en",
        # It would wait for its threads at the end of the process: we have one of our own.
        service_timeout=0,
        storage_mode="memory",
    )
    service: Any = apprise.Apprise.instantiate(_PREVIEW.sub(r"\1", url), asset=asset)
    if service is None and url.startswith(("https://", "http://")):
        service = _webhook(url, asset)
    return service


def _webhook(url: str, asset: Any) -> Any:
    """A JSON webhook for exactly this address: Apprise would read its path and query in a way of its own."""
    apprise = _apprise()
    parts = urlsplit(url)
    try:
        host = (parts.hostname or "").encode("idna").decode()
    except UnicodeError:
        return None
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    service: Any = apprise.Apprise.instantiate(f"json{parts.scheme[4:]}://{host}{port}/", asset=asset)
    if service is not None:
        service.fullpath = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        service.user = unquote(parts.username) if parts.username else None
        service.password = unquote(parts.password) if parts.password else None
    return service


def _is_raw(url: str, service: Any) -> bool:
    return url.startswith(("https://", "http://")) and service.schema in ("json", "jsons")


def _make_strict(service: Any, timeout_s: float) -> None:
    """What an address must not decide: one try, one message, no redirects, checked certificates."""
    apprise = _apprise()
    service.redirects = False
    service.verify_certificate = True
    service.socket_connect_timeout = service.socket_read_timeout = timeout_s
    service.retry = 0
    service.optional = False
    service.interpret_emojis = False
    service.overflow_mode = apprise.OverflowMode.TRUNCATE


def _name(service: Any) -> str:
    return _NAMES.get(service.schema) or plain(str(service.service_name), 60)


def _address(url: str, service: Any) -> str:
    """Where it goes: the host where the address really has one, else only the kind.

    Most services write a token where others have the host, and Apprise's own private form shows a token's
    ends and an ordinary webhook's whole path.
    """
    scheme = url.partition("://")[0].lower()
    if scheme in ("http", "https") and not _is_raw(url, service):
        scheme = service.schema
    if not all(map(_HOST_TEMPLATE.match, service.templates)) or not service.host:
        return f"{scheme}://…"
    port = f":{service.port}" if service.port else ""
    return plain(f"{scheme}://{service.host}{port}", 120)


def _broken(error: BaseException | None) -> Handed | None:
    """What a failure on the way means; None when it was none. Words follow the service's name."""
    import requests
    from urllib3.exceptions import MaxRetryError

    if not isinstance(error, requests.RequestException):
        return None
    if isinstance(error, requests.exceptions.SSLError):
        return Handed(HandedState.REFUSED, "has a certificate that this computer does not trust.")
    if isinstance(error, requests.exceptions.ProxyError):
        return Handed(HandedState.REFUSED, "could not be reached through the proxy.")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return Handed(HandedState.REFUSED, "could not be reached in time.")
    if isinstance(error, requests.exceptions.ReadTimeout):
        return Handed(HandedState.IN_DOUBT, "did not answer in time; the message may have arrived.")
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return Handed(HandedState.REFUSED, "has an address that cannot be used.")
    if (
        isinstance(error, requests.ConnectionError)
        and error.args
        and isinstance(error.args[0], MaxRetryError)
    ):
        return Handed(HandedState.REFUSED, "could not be reached.")
    return Handed(HandedState.IN_DOUBT, "broke off before it answered; the message may have arrived.")


def _why(name: str, heard: _Heard, url: str) -> str:
    """Why a message did not arrive, in one line without any part of the secret."""
    if heard.broken is not None:
        return f"{name} {heard.broken.said}"
    if heard.status is None:
        said = _without(heard.said[-1], url) if heard.said else "no reason was given"
        return plain_sentence(f"{name} did not take the message: {said}", 200)
    if heard.status < HTTPStatus.MULTIPLE_CHOICES:
        return f"{name} answered, but did not take the message."
    if heard.status < HTTPStatus.BAD_REQUEST:
        return f"{name} answered {heard.status}: it sends messages elsewhere, where they do not go."
    try:
        status = HTTPStatus(heard.status)
    except ValueError:
        return f"{name} answered {heard.status}."
    return f"{name} answered {status.value} {status.phrase}. {_ADVICE.get(status, '')}".strip()


def _without(text: str, url: str) -> str:
    rest = url.partition("://")[2]
    for part in sorted({rest, *re.split(r"[/?&=@:#,;]", rest)}, key=len, reverse=True):
        for form in (part, unquote(part)):
            if len(form) > 3:
                text = text.replace(form, REMOVED)
    return redact(text)
