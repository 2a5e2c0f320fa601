"""The doors to the network: loopback listeners that can really go offline, and HTTP/1.1 in front of Flask.

HTTP is uvicorn's protocol class (keep-alive, pipelining, time-outs) driven without uvicorn's own server,
whose main loop wakes ten times a second and which cannot refuse, reset or drop connections on demand.
The stand-ins' Flask apps are called in the event loop: they compute for a millisecond and never wait.
What has to wait or break is written into a `Fate` and carried out here.
"""

import asyncio
import contextlib
import io
import logging
import socket
import ssl
import struct
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, cast
from weakref import WeakSet

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import Control
from reply_desktop.sandbox.world import World

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""The only hosts these servers answer to, so that no web page can reach them under a name of its own."""

KEEP_ALIVE_S = 75
"""How long an idle connection is kept, in seconds."""

_log = logging.getLogger(__name__)
# It tells of callers that hang up or send rubbish; what fails here is logged here.
logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)

_MOST_BODY = 40 * 1024 * 1024
_RESET = struct.pack("ii", 1, 0)

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]


@dataclass(slots=True)
class Fate:
    """What shall befall the answer: a wait in seconds, and whether the connection is dropped instead."""

    delay_s: float = 0.0
    drop: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, whole."""

    method: str
    path: str
    query: str
    scheme: str
    headers: Headers
    body: bytes
    server: tuple[str, int]
    fate: Fate

    def header(self, name: str) -> str:
        """The first header of this name (lower case), or empty."""
        wanted = name.encode()
        return next((value.decode("latin-1") for key, value in self.headers if key == wanted), "")


Handler = Callable[[Request], Awaitable[Answer]]


def drop(transport: asyncio.BaseTransport | None) -> None:
    """Break the connection at once, as a network failure does: the peer sees a reset."""
    if transport is None:
        return
    peer = transport.get_extra_info("socket")
    if peer is not None:
        with contextlib.suppress(OSError):
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


class _Wire(H11Protocol):
    """One HTTP connection; lets the request know its transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {"transport": transport}


class HttpServer:
    """Makes HTTP connections that end in one handler, for any number of listeners."""

    def __init__(self, handler: Handler, provider: Provider | None, world: World) -> None:
        self._handler = handler
        self._provider = provider
        self._world = world
        self._state = ServerState()
        self._config = Config(
            app=self._serve,
            http=_Wire,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        self._config.load()

    def __call__(self) -> asyncio.Protocol:
        """A protocol for one new connection."""
        return _Wire(config=self._config, server_state=self._state, app_state={})

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        body = bytearray()
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            body += event.get("body", b"")
            if len(body) > _MOST_BODY or not event.get("more_body"):
                break
        fate = Fate()
        request = Request(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            scope["scheme"],
            scope["headers"],
            bytes(body),
            scope["server"],
            fate,
        )
        if len(body) > _MOST_BODY:
            answer = plain(413, "Too large")
        elif request.header("host").rpartition(":")[0] not in LOOPBACK_NAMES:
            answer = plain(421, "Not a name of this server")
        else:
            answer = await self._answered(request)
        if fate.delay_s:
            await asyncio.sleep(fate.delay_s)
        if fate.drop:
            drop(scope["state"]["transport"])
            await receive()
            return
        status, headers, content = answer
        if not any(name == b"content-length" for name, _ in headers):
            headers = [*headers, (b"content-length", str(len(content)).encode())]
        headers = [*headers, (b"date", self._date())]
        if len(body) > _MOST_BODY:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _answered(self, request: Request) -> Answer:
        try:
            return await self._handler(request)
        except Exception:
            _log.exception("A stand-in failed at %s %s", request.method, request.path)
            return plain(500, "The sandbox failed; its log says why.")

    def _date(self) -> bytes:
        now = self._world.now()
        if self._provider and (skew := self._world.find(Control.CLOCK_SKEW, self._provider)):
            now += timedelta(seconds=float(skew.params["seconds"]))
        return format_datetime(now.replace(microsecond=0), usegmt=True).encode()


def plain(status: int, text: str) -> Answer:
    """A short text answer."""
    return status, [(b"content-type", b"text/plain; charset=utf-8")], text.encode()


def wsgi_handler(app: Callable[..., Iterable[bytes]]) -> Handler:
    """The handler that asks a WSGI app (PEP 3333), which finds its `Fate` as `sandbox.fate`."""

    async def handle(request: Request) -> Answer:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], None]:
            started[:] = [(status, headers)]
            return lambda _: None

        chunks = app(_environ(request), start)
        try:
            content = b"".join(chunks)
        finally:
            if close := getattr(chunks, "close", None):
                close()
        status, headers = started[0]
        pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return int(status[:3]), pairs, content

    return handle


def _environ(request: Request) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.encode().decode("latin-1"),
        "QUERY_STRING": request.query,
        "SERVER_NAME": request.server[0],
        "SERVER_PORT": str(request.server[1]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": request.header("content-type"),
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "sandbox.fate": request.fate,
    }
    for name, value in request.headers:
        key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
        # The body is here whole, however it came.
        if key not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"):
            text = value.decode("latin-1")
            environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


class _Resetter(asyncio.Protocol):
    """Accepts a connection and resets it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        drop(transport)


class Listener:
    """One port on the loopback, which can be open, refuse, or reset, and keeps its number in between.

    `host` is the name clients use: for `localhost` the port is taken on 127.0.0.1 and, where there is
    one, on ::1, because some systems try that first and wait long for a refusal.
    """

    def __init__(
        self,
        name: str,
        provider: Provider | None,
        factory: Callable[[], asyncio.BaseProtocol],
        *,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.name = name
        self.provider = provider
        self.host = host
        self.port = 0
        self._factory = factory
        self._tls = tls
        self._connections: WeakSet[asyncio.BaseProtocol] = WeakSet()
        self._reserved: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._mode = "refused"

    def reserve(self, port: int) -> None:
        """Take this port, or a free one when it is not to be had. Raises OSError when none is."""
        try:
            first = _bound(socket.AF_INET, "127.0.0.1", port)
        except OSError:
            first = _bound(socket.AF_INET, "127.0.0.1", 0)
        self.port = first.getsockname()[1]
        self._reserved = [first]
        if self.host == "localhost":
            with contextlib.suppress(OSError):
                self._reserved.append(_bound(socket.AF_INET6, "::1", self.port))

    async def become(self, mode: str) -> None:
        """Be `open` and serve, `refused` as if nobody were there, or `reset`: accept, then reset at once."""
        if mode == self._mode:
            return
        self._refuse()
        if mode == "open":
            await self._listen(self._connect, self._tls)
        elif mode == "reset":
            await self._listen(_Resetter, None)
        self._mode = mode

    def _refuse(self) -> None:
        """Break every connection and refuse new ones, but keep the port from others."""
        families = [each.family for server in self._servers for each in server.sockets]
        self._end_servers()
        for family in families:
            host = "127.0.0.1" if family == socket.AF_INET else "::1"
            self._reserved.append(_bound(family, host, self.port))

    def close(self) -> None:
        """Break every connection and give the port up."""
        self._end_servers()
        for each in self._reserved:
            each.close()
        self._reserved.clear()

    def _end_servers(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()
        self.break_connections()

    def break_connections(self) -> None:
        """Reset every connection that is open."""
        for connection in list(self._connections):
            drop(getattr(connection, "transport", None))

    async def _listen(self, factory: Callable[[], asyncio.BaseProtocol], tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        for bound in self._reserved:
            # asyncio wants its own type of protocol, which every factory here makes.
            make = cast("Callable[[], asyncio.Protocol]", factory)
            self._servers.append(await loop.create_server(make, sock=bound, ssl=tls))
        self._reserved.clear()

    def _connect(self) -> asyncio.BaseProtocol:
        made = self._factory()
        self._connections.add(made)
        return made


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    """A socket that owns the port and does not listen yet, so the system refuses connections to it."""
    # Named, because asyncio sends small answers at once (TCP_NODELAY) only where it sees TCP.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setblocking(False)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made
