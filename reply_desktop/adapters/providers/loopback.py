"""The loopback listener that takes the browser's answer at the end of a sign-in (RFC 8252 §7.3, §8.3)."""

import asyncio
import contextlib
import errno
import hmac
import html
import logging
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Template
from typing import Final
from urllib.parse import parse_qsl

from reply_desktop.config import APP_NAME
from reply_desktop.domain.errors import ConsentFailed

_log = logging.getLogger(__name__)

LINGER_S: Final = 2.0
"""How long the result page stays to be had after `close`, when the browser has not fetched it yet."""
REQUEST_S: Final = 10.0
"""How long a client may take to send its request, in seconds."""
MAX_REQUEST: Final = 64 * 1024
"""Largest request head in bytes; cookies of other local servers come along to `localhost`."""
MAX_CLIENTS: Final = 64
"""Connections at a time; one more and the oldest that has not finished its request is dropped."""
MAX_EARLY: Final = 8
"""Answers held back while nobody has said yet which state is expected."""

_PORT_TRIES: Final = 16
_FAREWELL_S: Final = 0.5
_BACKLOG: Final = 128
_NO_IPV6: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)

_HEADERS: Final = (
    "Content-Type: text/html; charset=utf-8",
    "Cache-Control: no-store",
    "Referrer-Policy: no-referrer",
    "X-Content-Type-Options: nosniff",
    "Cross-Origin-Resource-Policy: same-origin",
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Connection: close",
)

_REASONS: Final = {
    200: "OK",
    303: "See Other",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}

_PAGE: Final = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title – $app</title>
<style>
:root { --page: #f4f5f7; --card: #ffffff; --line: #dfe2e7; --ink: #1b1f24; --soft: #59626e;
  --good: #1a7f4b; --bad: #c02b33; --calm: #59626e; }
@media (prefers-color-scheme: dark) {
  :root { --page: #16181c; --card: #202329; --line: #343942; --ink: #eceef1; --soft: #a3abb6;
    --good: #4cc38a; --bad: #ff7a80; --calm: #a3abb6; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px;
  background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { width: 100%; max-width: 460px; padding: 40px 36px 32px; text-align: center; background: var(--card);
  border: 1px solid var(--line); border-radius: 14px; overflow-wrap: anywhere; }
svg { width: 56px; height: 56px; color: var(--$tone); }
h1 { margin: 18px 0 8px; font-size: 22px; line-height: 1.3; font-weight: 600; }
p { margin: 0 0 10px; text-wrap: balance; }
footer { margin-top: 24px; padding-top: 18px; border-top: 1px solid var(--line); color: var(--soft);
  font-size: 14px; }
</style>
</head>
<body>
<main>
<svg viewBox="0 0 56 56" fill="none" stroke="currentColor" stroke-width="4" stroke-linecap="round"
  stroke-linejoin="round" aria-hidden="true"><circle cx="28" cy="28" r="25"/>$mark</svg>
<h1>$title</h1>
$text
<footer>$app · You can close this page.</footer>
</main>
</body>
</html>
"""
)

_MARKS: Final = {
    "good": '<path d="M17 29l8 8 15-17"/>',
    "bad": '<path d="M20 20l16 16M36 20L20 36"/>',
    "calm": '<path d="M28 25v14M28 17v.1"/>',
}


def page(title: str, text: str, tone: str) -> bytes:
    """A small page of its own: no script, nothing loaded from elsewhere, plain text escaped.

    `tone` is "good", "bad" or "calm"; each line of `text` becomes a paragraph.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return _PAGE.substitute(
        title=html.escape(title),
        text="\n".join(f"<p>{html.escape(line)}</p>" for line in lines),
        tone=tone,
        mark=_MARKS[tone],
        app=html.escape(APP_NAME),
    ).encode("utf-8", "replace")


_STRAY: Final = page(
    "Nothing to see here",
    f"{APP_NAME} waits at this address for the end of a sign-in, and this was not it.",
    "calm",
)
_FOREIGN: Final = page(
    "This is not the sign-in that is open",
    f"The page belongs to another sign-in, perhaps an older one. Nothing was changed.\n"
    f"Go on with the newest sign-in page, or start again in {APP_NAME}.",
    "calm",
)
_CLOSED: Final = page(
    "This sign-in was closed",
    f"It was stopped in {APP_NAME}. Look there how the account stands.",
    "calm",
)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What goes back to one request."""

    status: int
    body: bytes
    location: str | None = None

    def to_bytes(self, *, with_body: bool) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {_REASONS[self.status]}", *_HEADERS]
        lines.append(f"Content-Length: {len(self.body)}")
        if self.location is not None:
            lines.append(f"Location: {self.location}")
        if self.status == 405:
            lines.append("Allow: GET")
        head = "\r\n".join(lines).encode("ascii") + b"\r\n\r\n"
        return head + self.body if with_body else head


@dataclass(frozen=True, slots=True)
class _Request:
    """The parts of a request that matter here; the query is kept out of `repr`."""

    method: str
    target: str
    hosts: tuple[str, ...]

    def __repr__(self) -> str:
        return f"_Request({self.method!r})"


def _parse(head: bytes) -> _Request | None:
    """The request, or None when it is no HTTP/1 request for a path."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        return None
    fields = [line.partition(":") for line in lines if line]
    hosts = tuple(value.strip().lower() for name, _, value in fields if name.lower() == "host")
    return _Request(words[0], words[1], hosts)


def _parameters(query: str) -> dict[str, str] | None:
    """The query's parameters; None when one comes twice (RFC 6749 §3.1) or there are absurdly many."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=64)
    except ValueError:
        return None
    return dict(pairs) if len({name for name, _ in pairs}) == len(pairs) else None


def _open(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    """A listening socket; nobody else may share its port."""
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family is socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        opened.bind((address, port))
        opened.listen(_BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened


def _open_both(
    open_one: Callable[[socket.AddressFamily, str, int], socket.socket] = _open,
) -> list[socket.socket]:
    """Sockets on 127.0.0.1 and, where the machine has IPv6, on the same port of ::1.

    Browsers may take `localhost` for either address, so a port is used only when both are ours.
    """
    for _ in range(_PORT_TRIES):
        first = open_one(socket.AF_INET, "127.0.0.1", 0)
        if not socket.has_ipv6:
            return [first]
        try:
            return [first, open_one(socket.AF_INET6, "::1", first.getsockname()[1])]
        except OSError as error:
            if error.errno in _NO_IPV6:
                return [first]
            first.close()
            if error.errno != errno.EADDRINUSE:
                raise
        except BaseException:
            first.close()
            raise
    raise OSError(errno.EADDRINUSE, "no port is free on both 127.0.0.1 and ::1")


class LoopbackListener:
    """Waits on a free loopback port for the browser's answer to one sign-in; a `ConsentListener`.

    One thread serves all connections, so a slow or silent client holds up nobody. The answer is met with a
    redirect to a page of our own, which takes code and state out of the address bar and the history without
    a script; that page is held back until `show` or `close` says how it really ended.

    `host` is `127.0.0.1` or `localhost`, as registered with the provider; `path` begins with a slash.
    Raises ConsentFailed when no port can be opened.
    """

    def __init__(
        self, host: str, path: str, *, linger_s: float = LINGER_S, request_s: float = REQUEST_S
    ) -> None:
        if host not in ("127.0.0.1", "localhost") or not path.startswith("/"):
            raise ValueError("a consent listener is for a path on 127.0.0.1 or localhost")
        try:
            self._sockets = _open_both() if host == "localhost" else [_open(socket.AF_INET, "127.0.0.1", 0)]
        except OSError as error:
            raise ConsentFailed(
                f"No local port can be opened for the sign-in ({error.strerror}).",
                "Check security software on this computer, then try again.",
            ) from None
        self._host = f"{host}:{self._sockets[0].getsockname()[1]}"
        self._path = path
        self._done_path = f"{path.rstrip('/')}/done/{secrets.token_urlsafe(6)}"
        self.redirect_uri = f"http://{self._host}{path}"
        self._linger_s = linger_s
        self._request_s = request_s

        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._answer: Mapping[str, str] | None = None
        self._closed = False

        # All below belongs to the listener's own thread.
        self._expected: bytes | None = None
        self._expecting = asyncio.Event()
        self._early = 0
        self._answered = False
        self._page: bytes | None = None
        self._shown = asyncio.Event()
        self._delivered = asyncio.Event()
        self._closing = asyncio.Event()
        self._clients: dict[asyncio.Task[None], socket.socket] = {}
        self._reading: dict[asyncio.Task[None], socket.socket] = {}
        self._holding: set[asyncio.Task[None]] = set()

        # Not the platform's own loop: the one of Windows cannot watch plain sockets.
        self._loop = asyncio.SelectorEventLoop()
        self._loop.set_exception_handler(_on_loop_error)
        self._lingers = False
        self._settled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="consent-listener", daemon=True)
        self._thread.start()

    def wait(self, expected_state: str, timeout_s: float) -> Mapping[str, str] | None:
        """The answer's parameters once one with the right state came; None after `close` or time-out.

        Blocks; an answer is handed out once.
        """
        self._post(lambda: self._expect(expected_state))
        self._woken.wait(timeout_s)
        with self._lock:
            answer, self._answer = self._answer, None
            return None if self._closed else answer

    def show(self, title: str, text: str, *, good: bool) -> None:
        """Tell the browser how it ended; it may be gone already. Does not block."""
        shown = page(title, text, "good" if good else "bad")
        self._post(lambda: self._give(shown))

    def close(self) -> None:
        """Stop listening and let `wait` return; safe from any thread, more than once.

        On return the port is free and the thread gone, unless a result was shown that the browser has not
        fetched yet: that page stays to be had for up to `linger_s`, without holding up the caller.
        """
        with self._lock:
            self._closed = True
        self._woken.set()
        self._post(self._closing.set)
        self._settled.wait()
        if not self._lingers:
            self._thread.join()

    def _post(self, run: Callable[[], object]) -> None:
        # The loop is closed once the thread is done; then there is nothing left to tell it.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(run)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        finally:
            for each in self._sockets:
                each.close()
            self._settled.set()
            self._woken.set()

    async def _serve(self) -> None:
        for each in self._sockets:
            each.setblocking(False)
            self._loop.add_reader(each, self._on_knock, each)
        try:
            await self._closing.wait()
            self._give(_CLOSED)
            self._expecting.set()
            # Clients that were held back are served in this one turn of the loop.
            await asyncio.sleep(0)
            self._lingers = self._answered and not self._delivered.is_set()
            self._settled.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._linger_s if self._lingers else _FAREWELL_S):
                    if self._lingers:
                        await self._delivered.wait()
                    elif self._holding:
                        await asyncio.wait(self._holding)
        finally:
            for each in self._sockets:
                self._loop.remove_reader(each)
            for task in self._clients:
                task.cancel()

    def _expect(self, state: str) -> None:
        self._expected = state.encode()
        self._expecting.set()

    def _give(self, shown: bytes) -> None:
        if self._page is None:
            self._page = shown
            self._shown.set()

    def _on_knock(self, listening: socket.socket) -> None:
        try:
            client, _ = listening.accept()
        except OSError:
            # The client is gone again, or the process is out of descriptors: the next knock may do better.
            return
        client.setblocking(False)
        while len(self._reading) >= MAX_CLIENTS:
            self._drop(next(iter(self._reading)))
        task = self._loop.create_task(self._converse(client))
        self._clients[task] = self._reading[task] = client
        task.add_done_callback(self._on_client_done)

    def _drop(self, task: asyncio.Task[None]) -> None:
        del self._reading[task]
        task.cancel()

    def _on_client_done(self, task: asyncio.Task[None]) -> None:
        self._reading.pop(task, None)
        self._holding.discard(task)
        self._clients.pop(task).close()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # Its text might quote the request, so only the kind of error is told.
            level = logging.DEBUG if isinstance(error, OSError) else logging.WARNING
            _log.log(level, "A client of the consent listener ended with %s", type(error).__name__)

    async def _converse(self, client: socket.socket) -> None:
        task = asyncio.current_task()
        assert task is not None
        async with asyncio.timeout(self._request_s):
            head = await self._read_head(client)
        if head is None:
            return
        del self._reading[task]
        self._holding.add(task)
        request = _parse(head)
        answer = _Answer(431, b"") if len(head) > MAX_REQUEST else await self._answer_to(request)
        with_body = request is None or request.method != "HEAD"
        await self._loop.sock_sendall(client, answer.to_bytes(with_body=with_body))
        client.shutdown(socket.SHUT_WR)
        if request is not None and request.target == self._done_path and answer.status == 200:
            self._delivered.set()
        self._holding.discard(task)
        # Closing with unread bytes would reset the connection, and the answer could be lost with it.
        async with asyncio.timeout(_FAREWELL_S):
            while await self._loop.sock_recv(client, MAX_REQUEST):
                pass

    async def _read_head(self, client: socket.socket) -> bytes | None:
        """What came up to the empty line, or more than MAX_REQUEST bytes; None when the client hung up."""
        head = b""
        while len(head) <= MAX_REQUEST:
            part = await self._loop.sock_recv(client, MAX_REQUEST)
            if not part:
                return None
            head += part
            end = head.find(b"\r\n\r\n")
            if end >= 0:
                return head[:end]
        return head

    async def _answer_to(self, request: _Request | None) -> _Answer:
        if request is None:
            return _Answer(400, _STRAY)
        if request.hosts != (self._host,):
            _log.debug("Refused a request for another host name")
            return _Answer(403, _STRAY)
        if request.method != "GET":
            return _Answer(405, _STRAY)
        path, _, query = request.target.partition("?")
        if path == self._done_path and self._answered:
            await self._shown.wait()
            assert self._page is not None
            return _Answer(200, self._page)
        if path != self._path:
            return _Answer(404, _STRAY)
        return await self._take(_parameters(query))

    async def _take(self, parameters: dict[str, str] | None) -> _Answer:
        """Meet the redirect: the first with the right state is the answer, all others change nothing."""
        if not parameters or "state" not in parameters or not ("code" in parameters or "error" in parameters):
            return _Answer(400, _STRAY)
        if not self._expecting.is_set():
            if self._early >= MAX_EARLY:
                return _Answer(503, _STRAY)
            self._early += 1
            await self._expecting.wait()
            self._early -= 1
        if self._expected is None:
            return _Answer(400, _CLOSED)
        if not hmac.compare_digest(parameters["state"].encode("utf-8", "replace"), self._expected):
            _log.debug("Ignored an answer with another state")
            return _Answer(400, _FOREIGN)
        if not self._answered:
            self._answered = True
            with self._lock:
                self._answer = parameters
            self._woken.set()
        return _Answer(303, b"", self._done_path)


def _on_loop_error(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    # The context may quote what a client sent, so only the kind of error is told.
    _log.warning("The consent listener met %s", type(context.get("exception")).__name__)
