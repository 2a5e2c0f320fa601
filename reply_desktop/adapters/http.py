"""The one way out to the providers: pooled keep-alive connections under one TLS context, shared by all.

google-auth and msal are handed this transport, so that neither opens connections of its own. It speaks https
only, plain http to this computer itself excepted; follows no redirect; and tells apart why no answer came.
"""

import http.client
import json
import logging
import os
import ssl
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from reply_desktop import __version__
from reply_desktop.domain.answers import FAULT_WORDS, Answer, Fault, Where
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.provider import Provider

if TYPE_CHECKING:
    from reply_desktop.adapters.connection import PlainConnection, SecureConnection

    Connection = SecureConnection | PlainConnection

_log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 10.0
"""For looking up the name, connecting, the proxy and the TLS handshake together, in seconds."""
READ_TIMEOUT_S: Final = 30.0
"""For each wait for the other side, in seconds."""
BODY_TIMEOUT_S: Final = 60.0
"""For a whole answer that comes in drops, in seconds."""
MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes of the largest answer taken in; a provider's answers have a few thousand."""
MAX_IDLE_S: Final = 60.0
"""Older idle connections are not used again: servers and routers drop them, at times without a word."""
MAX_IDLE: Final = 128
"""Idle connections kept to one host."""
ELSEWHERE_S: Final = 60.0
"""How long an answer of another host counts as proof that this computer is online, in seconds."""


class TransportFault(Exception):
    """No answer came. `sent`: the request may have reached the other side all the same.

    Its text names the host and the kind of failure only.
    """

    def __init__(self, fault: Fault, host: str, *, sent: bool = False, elsewhere: bool = False) -> None:
        super().__init__(FAULT_WORDS[fault].replace("{host}", host))
        self.fault = fault
        self.host = host
        self.sent = sent
        self.elsewhere = elsewhere


class HttpError(Exception):
    """An answer with a status of 400 or more, for libraries that ask `raise_for_status`."""


class Response:
    """One answer, wholly read. Fits what both google-auth and msal expect of a response.

    `headers` have lower-case names. The body is kept out of `repr`.
    """

    __slots__ = ("data", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.status = status
        self.headers = headers
        self.data = data

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.data)} bytes)"

    @property
    def status_code(self) -> int:
        return self.status

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")

    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object; None when it is anything else."""
        try:
            said = json.loads(self.data)
        except (ValueError, RecursionError):
            return None
        return said if isinstance(said, dict) else None

    def raise_for_status(self) -> None:
        """Raises HttpError for a status of 400 or more."""
        if self.status >= 400:
            raise HttpError(f"HTTP status {self.status}")


@dataclass(frozen=True, slots=True)
class _Target:
    secure: bool
    host: str
    port: int
    path: str
    host_header: str


@dataclass(frozen=True, slots=True)
class _Proxy:
    url: str
    headers: dict[str, str] = field(repr=False)


@dataclass(slots=True)
class _Idle:
    connection: "Connection"
    monotonic: float
    wall: float


class Transport:
    """Sends requests over kept connections. Thread-safe; nothing is opened before the first request.

    `ca_file`: one more certificate authority to trust. Proxies are those of the environment (HTTPS_PROXY,
    NO_PROXY) or, where it names none, of macOS and Windows; this computer itself is never asked for by proxy.
    """

    def __init__(
        self,
        ca_file: str | None = None,
        *,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        body_timeout_s: float = BODY_TIMEOUT_S,
        max_body: int = MAX_BODY,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._ca_file = ca_file
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._body_timeout_s = body_timeout_s
        self._max_body = max_body
        self._monotonic = monotonic
        self._wall = wall
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._context_lock = threading.Lock()
        self._idle: dict[tuple[bool, str, int], list[_Idle]] = {}
        self._busy: set[Connection] = set()
        self._answered: dict[str, float] = {}
        self._closed = False

    @property
    def ssl_context(self) -> ssl.SSLContext:
        """The one TLS context: made once, since reading the trust store costs some 20 ms of CPU."""
        context = self._context
        if context is None:
            with self._context_lock:
                if self._context is None:
                    self._context = trusting_context(self._ca_file)
                context = self._context
        return context

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        fresh: bool = False,
    ) -> Response:
        """Send one request and read the whole answer. Raises TransportFault when none comes.

        `fresh`: on a new connection. Otherwise a kept connection that turns out to be dead is replaced once,
        and the request sent again: what must not be sent twice is to be sent fresh.
        """
        try:
            target = _target(url)
        except ValueError:
            raise TransportFault(Fault.INSECURE, _shown_host(url)) from None
        kept = None if fresh else self._take(target)
        if kept is not None:
            try:
                return self._exchange(kept, target, method, headers, body)
            except TransportFault as fault:
                if fault.fault is not Fault.RESET:
                    raise
        return self._exchange(self._open(target), target, method, headers, body)

    def renew(self) -> None:
        """Forget kept connections: the network changed, or the computer slept."""
        with self._lock:
            kept = [idle.connection for held in self._idle.values() for idle in held]
            self._idle.clear()
            self._answered.clear()
        for connection in kept:
            connection.close()

    def close(self) -> None:
        """Let all pending requests fail at once and take no more. Safe from any thread, more than once."""
        with self._lock:
            self._closed = True
            busy = list(self._busy)
        for connection in busy:
            connection.end()
        self.renew()

    def _is_closed(self) -> bool:
        return self._closed

    def _take(self, target: _Target) -> "Connection | None":
        """The kept connection used last, if it is young enough and the other side did not close it."""
        while True:
            with self._lock:
                held = self._idle.get((target.secure, target.host, target.port))
                if not held or self._closed:
                    return None
                idle = held.pop()
                connection = idle.connection
                self._busy.add(connection)
            age = max(self._monotonic() - idle.monotonic, abs(self._wall() - idle.wall))
            if age <= MAX_IDLE_S and connection.is_connected:
                return connection
            self._drop(connection)

    def _open(self, target: _Target) -> "Connection":
        from reply_desktop.adapters.connection import ConnectFailed, make_connection

        proxy = _proxy_for(target)
        connection = make_connection(
            target.host,
            target.port,
            context=self.ssl_context if target.secure else None,
            timeout_s=self._connect_timeout_s,
            ended=self._is_closed,
            proxy=proxy.url if proxy else None,
            proxy_headers=proxy.headers if proxy else None,
        )
        with self._lock:
            self._busy.add(connection)
        try:
            if self._closed:
                raise ConnectFailed(Fault.CLOSED)
            connection.connect()
        except ConnectFailed as failed:
            self._drop(connection)
            raise self._fault(failed.fault, target) from None
        except BaseException:
            self._drop(connection)
            raise
        connection.timeout = self._read_timeout_s
        return connection

    def _exchange(
        self,
        connection: "Connection",
        target: _Target,
        method: str,
        headers: Mapping[str, str] | None,
        body: bytes | None,
    ) -> Response:
        from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError, SSLError

        sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Host": target.host_header}
        if headers:
            sent.update((name, value) for name, value in headers.items() if value is not None)
        try:
            connection.request(method, target.path, body=body, headers=sent, preload_content=False)
            answer = connection.getresponse()
            data = self._read(answer, target)
        except (TimeoutError, ReadTimeoutError):
            self._drop(connection)
            raise self._fault(Fault.TIMEOUT, target, sent=True) from None
        except TransportFault:
            self._drop(connection)
            raise
        except (http.client.RemoteDisconnected, http.client.IncompleteRead, OSError):
            self._drop(connection)
            raise self._fault(Fault.RESET, target, sent=True) from None
        except http.client.HTTPException:
            self._drop(connection)
            raise self._fault(Fault.PROTOCOL, target, sent=True) from None
        except (ProtocolError, SSLError):
            self._drop(connection)
            raise self._fault(Fault.RESET, target, sent=True) from None
        except HTTPError:
            self._drop(connection)
            raise self._fault(Fault.PROTOCOL, target, sent=True) from None
        except (ValueError, AttributeError):
            # How ssl and http.client fail when `close` takes the connection away under them.
            self._drop(connection)
            if not self._closed:
                raise
            raise self._fault(Fault.CLOSED, target, sent=True) from None
        except BaseException:
            self._drop(connection)
            raise
        self._give_back(connection, target)
        return Response(answer.status, {name.lower(): value for name, value in answer.headers.items()}, data)

    def _read(self, answer: Any, target: _Target) -> bytes:
        length = answer.length_remaining
        if length is not None and length <= 65_536:
            whole: bytes = answer.read()
            return whole
        until = self._monotonic() + self._body_timeout_s
        parts: list[bytes] = []
        size = 0
        while part := answer.read1(65_536):
            parts.append(part)
            size += len(part)
            if size > self._max_body:
                raise self._fault(Fault.TOO_LARGE, target, sent=True)
            if self._monotonic() > until:
                raise self._fault(Fault.TIMEOUT, target, sent=True)
        return b"".join(parts)

    def _give_back(self, connection: "Connection", target: _Target) -> None:
        now = self._monotonic()
        with self._lock:
            self._busy.discard(connection)
            self._answered[target.host] = now
            held = self._idle.setdefault((target.secure, target.host, target.port), [])
            if not (connection.is_closed or self._closed or len(held) >= MAX_IDLE):
                held.append(_Idle(connection, now, self._wall()))
                return
        connection.close()

    def _drop(self, connection: "Connection") -> None:
        with self._lock:
            self._busy.discard(connection)
        connection.close()

    def _fault(self, fault: Fault, target: _Target, *, sent: bool = False) -> TransportFault:
        if self._closed:
            fault = Fault.CLOSED
        now = self._monotonic()
        with self._lock:
            elsewhere = any(
                host != target.host and now - at <= ELSEWHERE_S for host, at in self._answered.items()
            )
        return TransportFault(fault, target.host, sent=sent, elsewhere=elsewhere)


USER_AGENT: Final = f"ReplyDesktop/{__version__}"


def trusting_context(ca_file: str | None, environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """A TLS context for clients: certificates and host names are checked, TLS 1.2 at least.

    Trusted is the bundle that REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE names, else the operating
    system's store; `ca_file` comes on top. A bundle that cannot be read is told in the log and left out.
    Raises InvalidInput when `ca_file` cannot be read.
    """
    context = _of_bundle(environ) or _of_system()
    # Debian's own Python leaves it to OpenSSL's settings; those may also ask for more.
    if context.minimum_version < ssl.TLSVersion.TLSv1_2:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError):
            raise InvalidInput(
                f"The certificate file {ca_file} cannot be read.", "Check that it is a PEM file."
            ) from None
    return context


def is_own_computer(host: str) -> bool:
    """Whether the host is this computer itself, by its name or its address."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_safe_url(url: str) -> bool:
    """Whether requests may go there: https, or plain http to this computer itself."""
    try:
        _target(url)
    except ValueError:
        return False
    return True


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """The wait that `Retry-After` asks for, in seconds (RFC 9110 §10.2.3); None without a usable one."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    at = _date(said)
    return max((at - now).total_seconds(), 0.0) if at is not None else None


def clock_off_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """How far the answer's `Date` is ahead of this computer's clock, in seconds; None without one."""
    at = _date(headers.get("date", ""))
    return (at - now).total_seconds() if at is not None else None


def fault_answer(provider: Provider, fault: TransportFault) -> Answer:
    """A missing answer in the terms of the answer table."""
    return Answer(
        provider,
        Where.TRANSPORT,
        transport_fault=fault.fault,
        description=str(fault),
        elsewhere=fault.elsewhere,
    )


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


@lru_cache(maxsize=128)
def _target(url: str) -> _Target:
    """Where a URL leads. Raises ValueError for one that nothing may be sent to."""
    if not url.isascii() or any(c <= " " or c in "\\\x7f" for c in url):
        raise ValueError("not an address")
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    secure = parts.scheme == "https"
    if not host or parts.username is not None or parts.password is not None:
        raise ValueError("not an address")
    if not secure and not (parts.scheme == "http" and is_own_computer(host)):
        raise ValueError("not https")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    name = f"[{host}]" if ":" in host else host
    header = name if port is None else f"{name}:{port}"
    return _Target(secure, host, port or (443 if secure else 80), path, header)


def _shown_host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "this address"
    except ValueError:
        return "this address"


def _proxy_for(target: _Target) -> _Proxy | None:
    """The proxy for a host, read anew for each connection: laptops change networks."""
    if not target.secure or is_own_computer(target.host):
        return None
    proxies = getproxies()
    said = proxies.get("https") or proxies.get("all")
    if not said or proxy_bypass(f"{target.host}:{target.port}"):
        return None
    try:
        parts = urlsplit(said if "://" in said else f"http://{said}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if not host or parts.scheme not in ("http", "https"):
        # The address itself may hold a password, so it is not told.
        _log.warning("The proxy setting cannot be used: only http:// and https:// proxies are spoken to.")
        raise TransportFault(Fault.PROXY, target.host)
    headers = {}
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Proxy-Authorization"] = f"Basic {b64encode(credentials).decode()}"
    name = f"[{host}]" if ":" in host else host
    return _Proxy(f"{parts.scheme}://{name}" + (f":{port}" if port else ""), headers)


def _of_bundle(environ: Mapping[str, str]) -> ssl.SSLContext | None:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        bundle = environ.get(variable)
        if not bundle:
            continue
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if Path(bundle).is_dir():
                context.load_verify_locations(capath=bundle)
            else:
                context.load_verify_locations(cafile=bundle)
        except (OSError, ssl.SSLError):
            _log.warning("%s names a file of certificates that cannot be read: %s", variable, bundle)
            continue
        return context
    return None


def _of_system() -> ssl.SSLContext:
    paths = ssl.get_default_verify_paths()
    if sys.platform not in ("win32", "darwin") and (paths.cafile or paths.capath):
        # OpenSSL's own paths are the system's store here; truststore would read it again for each connection.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_default_verify_paths()
        return context
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
