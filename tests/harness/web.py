"""Small HTTP servers on free loopback ports that answer as a test says, rudely if it says so."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    import trustme


@dataclass(frozen=True)
class Request:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The body's or, without one, the query's fields."""
        text = self.body.decode() if self.body else urlsplit(self.path).query
        return dict(parse_qsl(text, keep_blank_values=True))


@dataclass(frozen=True)
class Reply:
    """What to answer. `raw` takes the connection over instead."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: Callable[[socket.socket], None] | None = None


Answering = Callable[[Request], Reply]
Serve = Callable[..., "WebServer"]
"""Starts a server that ends with the test: `serve(answer, tls)`."""


def said(body: object, status: int = 200, **headers: str) -> Reply:
    """A JSON answer; underscores in header names stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json", **named})


def page(text: str = "<html><body>Welcome to our guests' network</body></html>", status: int = 200) -> Reply:
    """An HTML answer."""
    return Reply(status, text.encode(), {"Content-Type": "text/html"})


def hang_up(sock: socket.socket) -> None:
    """Close without a word."""
    sock.shutdown(socket.SHUT_RDWR)


class WebServer:
    """Answers each request by `answer` (which may be replaced), and remembers all of them.

    `clock` may be replaced too; it is what the answers' `Date` tells.
    """

    def __init__(self, answer: Answering, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.answer = answer
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.requests: list[Request] = []
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        owner = self

        class Server(ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = False
            block_on_close = True

            def get_request(self) -> tuple[socket.socket, Any]:
                sock, address = super().get_request()
                with owner._lock:
                    owner.connections += 1
                    owner._open.add(sock)
                return sock, address

            def finish_request(self, request: Any, client_address: Any) -> None:
                if tls is not None:
                    with owner._lock:
                        owner._open.discard(request)
                    request = tls.wrap_socket(request, server_side=True)
                    with owner._lock:
                        owner._open.add(request)
                try:
                    super().finish_request(request, client_address)
                finally:
                    with owner._lock:
                        owner._open.discard(request)
                    request.close()

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that break off are what these servers are for."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, body)
                with owner._lock:
                    owner.requests.append(request)
                reply = owner.answer(request)
                if reply.raw is not None:
                    self.close_connection = True
                    reply.raw(self.connection)
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return self.handle_any
                raise AttributeError(name)

            def date_time_string(self, timestamp: float | None = None) -> str:
                return format_datetime(owner.clock(), usegmt=True)

            def log_message(self, *args: object) -> None:
                """Nobody reads it."""

        self._server = Server((host, 0), Handler)
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def hang_up_all(self) -> None:
        """Break every open connection, as a server does that restarts."""
        with self._lock:
            held = list(self._open)
        for sock in held:
            try:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        """Stop, and wait until nothing runs any more."""
        self._server.shutdown()
        self.hang_up_all()
        self._thread.join()
        self._server.server_close()


class ProxyServer:
    """A CONNECT proxy that leads everything to one server, and remembers what it was asked for."""

    def __init__(self, serve: Serve, to: WebServer, status: int = 200) -> None:
        self.asked: list[Request] = []
        self._to = to
        self._status = status
        self.server: WebServer = serve(self._answer)

    def _answer(self, request: Request) -> Reply:
        self.asked.append(request)
        return Reply(raw=self._pass_on) if self._status == 200 else Reply(self._status)

    def _pass_on(self, sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self._to.port)) as there:
            back = threading.Thread(target=pump, args=(there, sock))
            back.start()
            pump(sock, there)
            back.join()


def pump(one: socket.socket, other: socket.socket) -> None:
    """Carry everything that one side says over to the other, to the end."""
    try:
        while data := one.recv(65_536):
            other.sendall(data)
    except OSError:
        pass
    try:
        other.shutdown(socket.SHUT_WR)
    except OSError:
        return


def server_context(cert: "trustme.LeafCert") -> ssl.SSLContext:
    """A TLS context for a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    return context


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
