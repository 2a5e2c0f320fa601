"""One keep-alive connection: urllib3's, with every failure told apart and no wait that cannot be ended.

Loaded with the first request only: urllib3 is no part of a quick start.
"""

import errno
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from ipaddress import ip_address
from time import monotonic
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url
from urllib3.util.wait import wait_for_write

from reply_desktop.domain.answers import Fault

_SLICE_S: Final = 0.2
"""How long the end of the app may go unnoticed while a connection is being made, in seconds."""

_FAULTS: Final = {
    errno.ECONNREFUSED: Fault.REFUSED,
    errno.ETIMEDOUT: Fault.TIMEOUT,
    errno.ECONNRESET: Fault.RESET,
    errno.ENETUNREACH: Fault.ROUTE,
    errno.ENETDOWN: Fault.ROUTE,
    errno.EHOSTUNREACH: Fault.ROUTE,
    errno.EADDRNOTAVAIL: Fault.ROUTE,
}
_TELLING: Final = (Fault.REFUSED, Fault.RESET, Fault.TIMEOUT, Fault.ROUTE)
"""Of several addresses' failures the most telling one first."""

_NOT_YET_VALID: Final = 9
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID."""

_AddrInfo = tuple[Any, ...]


class ConnectFailed(Exception):
    """No connection came about, so nothing of the request was sent."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class _Cancellable(HTTPConnection):
    """What both kinds of connection share: who may end them, and how failures are named."""

    ended: Callable[[], bool] = staticmethod(lambda: False)
    handle: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        until = monotonic() + float(self.timeout or 0)
        try:
            made = _reach(self._dns_host, self.port, until, self.ended)
        except ConnectFailed as failed:
            if self.proxy is not None and failed.fault in (Fault.REFUSED, Fault.RESET, Fault.TIMEOUT):
                raise ConnectFailed(Fault.PROXY) from None
            raise
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.settimeout(max(until - monotonic(), 0.1))
        # TLS takes the socket over while it shakes hands; until then this second handle can end it.
        self.handle = made.dup()
        return made

    def _tunnel(self) -> None:
        try:
            super()._tunnel()
        except (OSError, http.client.HTTPException, HTTPError, ValueError):
            raise ConnectFailed(Fault.PROXY) from None

    def connect(self) -> None:
        """Connect, through proxy and TLS where they are due. Raises ConnectFailed."""
        try:
            super().connect()
        except ConnectFailed:
            raise
        except ssl.SSLCertVerificationError as error:
            clock = error.verify_code == _NOT_YET_VALID
            raise ConnectFailed(Fault.TLS_CLOCK if clock else Fault.TLS) from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise ConnectFailed(Fault.RESET) from None
        except TimeoutError:
            raise ConnectFailed(Fault.TIMEOUT) from None
        except (ssl.SSLError, HTTPError, ValueError):
            raise ConnectFailed(Fault.TLS) from None
        except (OSError, http.client.HTTPException):
            raise ConnectFailed(Fault.RESET) from None
        finally:
            self._let_go()
        if self.ended():
            raise ConnectFailed(Fault.CLOSED)

    def end(self) -> None:
        """Let whoever waits on this connection return at once; safe from any thread."""
        sock = self.handle or getattr(self.sock, "socket", self.sock)
        if isinstance(sock, socket.socket):
            # Not the method of ssl's own sockets, which would take TLS away under the reading thread.
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _let_go(self) -> None:
        handle, self.handle = self.handle, None
        if handle is not None:
            handle.close()


class SecureConnection(_Cancellable, HTTPSConnection):
    """A connection under TLS."""


class PlainConnection(_Cancellable):
    """A connection in the clear: to this computer itself only, which the transport sees to."""


def make_connection(
    host: str,
    port: int,
    *,
    context: ssl.SSLContext | None,
    timeout_s: float,
    ended: Callable[[], bool],
    proxy: str | None = None,
    proxy_headers: dict[str, str] | None = None,
) -> SecureConnection | PlainConnection:
    """A connection, not yet connected; `proxy` is an address without credentials in it."""
    made: SecureConnection | PlainConnection
    if context is None:
        made = PlainConnection(host, port, timeout=timeout_s)
    elif proxy is None:
        made = SecureConnection(host, port, timeout=timeout_s, ssl_context=context)
    else:
        gate = parse_url(proxy)
        made = SecureConnection(
            gate.host or "",
            gate.port or (443 if gate.scheme == "https" else 8080),
            timeout=timeout_s,
            ssl_context=context,
            proxy=gate,
            proxy_config=ProxyConfig(context, False, None, None),
        )
        made.set_tunnel(host, port, headers=proxy_headers, scheme=gate.scheme or "http")
    made.ended = ended
    made.auto_open = 0
    return made


def _reach(host: str, port: int, until: float, ended: Callable[[], bool]) -> socket.socket:
    """A connected socket to the first address that takes it; the time left is shared among them."""
    addresses = _look_up(host, port, until, ended)
    faults: set[Fault] = set()
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        share = (until - monotonic()) / (len(addresses) - number)
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError:
            faults.add(Fault.ROUTE)
            continue
        try:
            _dial(sock, address, monotonic() + share, ended)
        except ConnectFailed as failed:
            sock.close()
            if failed.fault is Fault.CLOSED:
                raise
            faults.add(failed.fault)
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise ConnectFailed(next((fault for fault in _TELLING if fault in faults), Fault.DNS))


def _dial(sock: socket.socket, address: Any, until: float, ended: Callable[[], bool]) -> None:
    sock.setblocking(False)
    code = sock.connect_ex(address)
    if code in (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY):
        while not wait_for_write(sock, timeout=min(_SLICE_S, max(until - monotonic(), 0.0))):
            if ended():
                raise ConnectFailed(Fault.CLOSED)
            if monotonic() >= until:
                raise ConnectFailed(Fault.TIMEOUT)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise ConnectFailed(_FAULTS.get(code, Fault.RESET))


def _look_up(host: str, port: int, until: float, ended: Callable[[], bool]) -> Sequence[_AddrInfo]:
    """The host's addresses. Looking up a name cannot be interrupted, so another thread waits for it."""
    try:
        numeric = bool(ip_address(host.strip("[]")))
    except ValueError:
        numeric = False
    answer: Future[Sequence[_AddrInfo]] = Future()

    def ask() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)

    if numeric:
        ask()
    else:
        threading.Thread(target=ask, name="name-look-up", daemon=True).start()
    while True:
        try:
            return answer.result(min(_SLICE_S, max(until - monotonic(), 0.0)))
        except TimeoutError:
            if ended():
                raise ConnectFailed(Fault.CLOSED) from None
            if monotonic() >= until:
                raise ConnectFailed(Fault.DNS) from None
        except (OSError, UnicodeError):
            raise ConnectFailed(Fault.DNS) from None
