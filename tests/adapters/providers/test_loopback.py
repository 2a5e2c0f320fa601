"""The consent listener against real sockets: everything a browser, a scanner or a stranger may send."""

import contextlib
import http.client
import logging
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reply_desktop.adapters.providers import loopback
from reply_desktop.adapters.providers.loopback import LoopbackListener
from tests.harness.waiting import wait_until

PATH = "/google"
STATE = "state-of-this-attempt"
ANSWER = f"{PATH}?state={STATE}&code=4%2F0AbCd-secret&scope=openid%20email"
DEADLINE_S = 10.0

Opened = Callable[..., LoopbackListener]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens listeners; after the test each is closed, and then no thread of theirs may be left."""
    made: list[LoopbackListener] = []

    # Most tests fetch no page, so none need stay to be had.
    def make(host: str = "127.0.0.1", path: str = PATH, **limits: float) -> LoopbackListener:
        made.append(LoopbackListener(host, path, **{"linger_s": 0.02, **limits}))
        return made[-1]

    yield make
    for each in made:
        each.close()
    wait_until(lambda: not listener_threads(), "end of the listeners' threads")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as made:
        yield made


def listener_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "consent-listener"]


def port_of(listener: LoopbackListener) -> int:
    return int(listener.redirect_uri.split(":")[2].split("/")[0])


class Reply:
    """One HTTP answer."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.text = answer.read().decode()


def ask(
    listener: LoopbackListener,
    target: str,
    method: str = "GET",
    host: str | None = None,
    body: bytes | None = None,
    address: str = "127.0.0.1",
) -> Reply:
    """One request on a connection of its own; redirects are not followed."""
    connection = http.client.HTTPConnection(address, port_of(listener), timeout=DEADLINE_S)
    try:
        named = listener.redirect_uri.removeprefix("http://").partition("/")[0] if host is None else host
        connection.request(method, target, body=body, headers={"Host": named})
        return Reply(connection.getresponse())
    finally:
        connection.close()


def browse(listener: LoopbackListener, target: str) -> Reply:
    """One request as a browser does it: a redirect is followed and its page waited for."""
    reply = ask(listener, target)
    return ask(listener, reply.headers["Location"]) if reply.status == 303 else reply


def raw(listener: LoopbackListener, sent: bytes) -> bytes:
    """What comes back for these bytes until the listener hangs up."""
    with socket.create_connection(("127.0.0.1", port_of(listener)), timeout=DEADLINE_S) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while part := client.recv(65536):
                got += part
        return got


def refuses(port: int, address: str = "127.0.0.1") -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as client:
        client.settimeout(DEADLINE_S)
        return client.connect_ex((address, port)) != 0


def waiting(
    pool: ThreadPoolExecutor, listener: LoopbackListener, timeout_s: float = DEADLINE_S
) -> Future[Mapping[str, str] | None]:
    return pool.submit(listener.wait, STATE, timeout_s)


def still_waits(answer: Future[Any]) -> bool:
    return not answer.done()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_answer_comes_through_and_the_browser_hears_how_it_ended(
    opened: Opened, pool: ThreadPoolExecutor, host: str
) -> None:
    listener = opened(host, linger_s=DEADLINE_S)
    answer = waiting(pool, listener)
    tab = pool.submit(browse, listener, ANSWER)
    assert answer.result(DEADLINE_S) == {
        "state": STATE,
        "code": "4/0AbCd-secret",
        "scope": "openid email",
    }
    assert not tab.done()
    listener.show("Connected", "anna@example.com is connected.", good=True)
    listener.close()
    page = tab.result(DEADLINE_S)
    assert page.status == 200
    assert "anna@example.com is connected." in page.text


def test_an_answer_may_come_before_anybody_waits(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened()
    tab = pool.submit(browse, listener, ANSWER)
    assert listener.wait(STATE, DEADLINE_S) is not None
    listener.show("Connected", "Done.", good=True)
    assert "Done." in tab.result(DEADLINE_S).text


@pytest.mark.parametrize(
    "target", ["/favicon.ico", "/", "/robots.txt", "/apple-touch-icon.png", "/google/done/"]
)
def test_favicon_does_not_eat_the_redirect(opened: Opened, pool: ThreadPoolExecutor, target: str) -> None:
    listener = opened()
    answer = waiting(pool, listener)
    assert ask(listener, target).status == 404
    assert still_waits(answer)
    assert ask(listener, ANSWER).status == 303
    assert answer.result(DEADLINE_S) is not None


@pytest.mark.parametrize(
    ("target", "method", "status"),
    [
        (ANSWER, "HEAD", 405),
        (ANSWER, "POST", 405),
        (ANSWER, "PUT", 405),
        (ANSWER, "OPTIONS", 405),
        (ANSWER.replace(PATH, "/microsoft", 1), "GET", 404),
        (ANSWER.replace(PATH, "/google/", 1), "GET", 404),
        (PATH, "GET", 400),
        (f"{PATH}?code=4%2F0AbCd", "GET", 400),
        (f"{PATH}?state=&code=4%2F0AbCd", "GET", 400),
        (f"{PATH}?state=of-an-older-attempt&code=4%2F0AbCd", "GET", 400),
        (f"{PATH}?state={STATE}x&code=4%2F0AbCd", "GET", 400),
        (f"{PATH}?state={STATE}", "GET", 400),
        (f"{PATH}?state={STATE}&state={STATE}&code=4%2F0AbCd", "GET", 400),
        (f"{PATH}?state={STATE}&code=a&code=b", "GET", 400),
        (f"{PATH}?state={STATE}&code=a&" + "&".join(f"x{n}=1" for n in range(80)), "GET", 400),
    ],
)
def test_stray_requests_are_answered_and_ignored(
    opened: Opened, pool: ThreadPoolExecutor, target: str, method: str, status: int
) -> None:
    listener = opened()
    answer = waiting(pool, listener)
    reply = ask(listener, target, method, body=b"state=x&code=y" if method == "POST" else None)
    assert reply.status == status
    assert "onnected" not in reply.text
    assert still_waits(answer)
    ask(listener, ANSWER)
    assert answer.result(DEADLINE_S) is not None


def test_addresses_within_the_answer_stay_as_they_are(opened: Opened, pool: ThreadPoolExecutor) -> None:
    """google-auth-oauthlib's own listener makes httpss of every https in them."""
    listener = opened()
    answer = waiting(pool, listener)
    scope, issuer = "openid https://www.googleapis.com/auth/gmail.send", "https://accounts.google.com"
    ask(listener, f"{ANSWER.partition('&scope')[0]}&{urlencode({'scope': scope, 'iss': issuer})}")
    told = answer.result(DEADLINE_S)
    assert told is not None and (told["scope"], told["iss"]) == (scope, issuer)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "localhost:{port}", "127.0.0.1", "[::1]:{port}", ""]
)
def test_dns_rebinding_is_refused(opened: Opened, pool: ThreadPoolExecutor, host: str) -> None:
    listener = opened()
    answer = waiting(pool, listener)
    assert ask(listener, ANSWER, host=host.format(port=port_of(listener))).status == 403
    assert still_waits(answer)
    listener.close()
    assert answer.result(DEADLINE_S) is None


def test_a_host_name_is_taken_in_any_case(opened: Opened) -> None:
    listener = opened("localhost")
    assert ask(listener, "/x", host=f"LocalHost:{port_of(listener)}").status == 404


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET http://127.0.0.1/google?code=a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET //[::/google HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /google HTTP/2\r\n\r\n",
        f"GET {ANSWER} HTTP/1.1\r\n\r\n".encode(),
        f"GET {ANSWER} HTTP/1.1\r\nHost: 127.0.0.1:1\r\nHost: 127.0.0.1:2\r\n\r\n".encode(),
        b"",
    ],
)
def test_garbage_is_survived(opened: Opened, pool: ThreadPoolExecutor, sent: bytes) -> None:
    listener = opened()
    answer = waiting(pool, listener)
    assert raw(listener, sent)[:15] in (b"HTTP/1.1 400 Bad", b"HTTP/1.1 403 Fo", b"HTTP/1.1 400 Ba", b"")
    assert still_waits(answer)
    ask(listener, ANSWER)
    assert answer.result(DEADLINE_S) is not None


@settings(max_examples=60)
@given(sent=st.binary(max_size=400), headed=st.booleans())
def test_no_bytes_whatever_end_the_wait(sent: bytes, headed: bool) -> None:
    listener = LoopbackListener("127.0.0.1", PATH)
    try:
        raw(listener, (b"GET /google?" if headed else b"") + sent + b"\r\n\r\n")
        assert listener.wait(STATE, 0) is None
        assert ask(listener, "/x").status == 404
    finally:
        listener.close()


def test_a_huge_request_is_refused(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened()
    answer = waiting(pool, listener)
    got = raw(listener, b"GET /google?code=" + b"a" * (2 * loopback.MAX_REQUEST))
    assert got.startswith(b"HTTP/1.1 431 ") or got == b""
    assert still_waits(answer)
    ask(listener, ANSWER)
    assert answer.result(DEADLINE_S) is not None


def test_cookies_of_other_local_servers_do_no_harm(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened("localhost")
    answer = waiting(pool, listener)
    head = f"GET {ANSWER} HTTP/1.1\r\nHost: localhost:{port_of(listener)}\r\nCookie: "
    assert raw(listener, head.encode() + b"c=" + b"x" * 40_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 303 ")
    assert answer.result(DEADLINE_S) is not None


def test_slow_clients_do_not_hold_up_the_answer(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened()
    answer = waiting(pool, listener)
    with contextlib.ExitStack() as clients:
        for _ in range(loopback.MAX_CLIENTS + 20):
            slow = socket.create_connection(("127.0.0.1", port_of(listener)), timeout=DEADLINE_S)
            clients.enter_context(slow).sendall(b"GET /goo")
        assert ask(listener, ANSWER).status == 303
        assert answer.result(DEADLINE_S) is not None


def test_one_client_too_many_costs_the_oldest_its_place(opened: Opened) -> None:
    listener = opened()
    with contextlib.ExitStack() as clients:
        slow = [
            clients.enter_context(
                socket.create_connection(("127.0.0.1", port_of(listener)), timeout=DEADLINE_S)
            )
            for _ in range(loopback.MAX_CLIENTS + 1)
        ]
        assert slow[0].recv(1) == b""
        slow[1].sendall(b"GET /x HTTP/1.1\r\n\r\n")
        assert slow[1].recv(8) == b"HTTP/1.1"


def test_a_silent_client_is_dropped(opened: Opened) -> None:
    listener = opened(request_s=0.05)
    with socket.create_connection(("127.0.0.1", port_of(listener)), timeout=DEADLINE_S) as silent:
        silent.sendall(b"GET ")
        assert silent.recv(100) == b""


def test_second_code_is_ignored(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened()
    answer = waiting(pool, listener)
    tabs = [pool.submit(browse, listener, ANSWER)]
    assert answer.result(DEADLINE_S) == {
        "state": STATE,
        "code": "4/0AbCd-secret",
        "scope": "openid email",
    }
    again = f"{PATH}?state={STATE}&code=another"
    assert ask(listener, again).status == 303
    assert listener.wait(STATE, 0) is None
    tabs.append(pool.submit(browse, listener, again))
    listener.show("Connected", "The first one counts.", good=True)
    assert ["The first one counts." in tab.result(DEADLINE_S).text for tab in tabs] == [True, True]


def test_denial_page_does_not_say_done(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened()
    tab = pool.submit(browse, listener, f"{PATH}?error=access_denied&state={STATE}")
    assert listener.wait(STATE, DEADLINE_S) == {"error": "access_denied", "state": STATE}
    listener.show("Not connected", "Access was not granted, so nothing was changed.", good=False)
    page = tab.result(DEADLINE_S).text
    assert "Access was not granted" in page
    for untrue in ("onnected.", "completed", "success", "Done", "done."):
        assert untrue not in page
    assert loopback._MARKS["bad"] in page
    assert loopback._MARKS["good"] not in page


def test_a_sign_in_closed_without_a_word_does_not_say_done(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened(linger_s=DEADLINE_S)
    tab = pool.submit(browse, listener, ANSWER)
    assert listener.wait(STATE, DEADLINE_S) is not None
    listener.close()
    page = tab.result(DEADLINE_S).text
    assert "This sign-in was closed" in page
    assert loopback._MARKS["good"] not in page


def test_the_code_leaves_the_address_bar(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened()
    redirect = pool.submit(ask, listener, ANSWER)
    assert listener.wait(STATE, DEADLINE_S) is not None
    first = redirect.result(DEADLINE_S)
    assert first.status == 303
    assert first.headers["Location"].startswith("/google/done/")
    assert "?" not in first.headers["Location"]
    listener.show("Connected", "Done.", good=True)
    page = ask(listener, first.headers["Location"])
    for reply in (first, page):
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        policy = reply.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
        assert "frame-ancestors 'none'" in policy
    assert "secret" not in page.text


def test_the_result_is_not_to_be_had_without_its_address(opened: Opened) -> None:
    listener = opened()
    listener.show("Connected", "anna@example.com", good=True)
    assert ask(listener, f"{PATH}/done").status == 404
    assert ask(listener, listener._done_path).status == 404


class Tags(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


HARMLESS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "svg",
    "circle",
    "path",
    "h1",
    "p",
    "footer",
}


@given(title=st.text(max_size=60), text=st.text(max_size=200), good=st.booleans())
def test_what_a_provider_says_is_never_markup(title: str, text: str, good: bool) -> None:
    tags = Tags()
    tags.feed(loopback.page(title, text, "good" if good else "bad").decode())
    assert tags.tags <= HARMLESS
    assert not {name for name in tags.attributes if name.startswith("on") or name in ("src", "href")}


def test_markup_is_shown_as_text() -> None:
    shown = loopback.page("<script>x</script>", "a & b\n<img src=x onerror=y>", "bad").decode()
    assert "&lt;script&gt;" in shown
    assert "<p>a &amp; b</p>\n<p>&lt;img src=x onerror=y&gt;</p>" in shown


def test_a_browser_that_is_gone_is_no_error(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened(linger_s=0.05)
    with socket.create_connection(("127.0.0.1", port_of(listener)), timeout=DEADLINE_S) as tab:
        tab.sendall(f"GET {ANSWER} HTTP/1.1\r\nHost: 127.0.0.1:{port_of(listener)}\r\n\r\n".encode())
        assert listener.wait(STATE, DEADLINE_S) is not None
    listener.show("Connected", "Done.", good=True)
    listener.close()
    wait_until(lambda: not listener_threads(), "end of the listener")


def test_the_page_stays_to_be_had_shortly_after_close(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened(linger_s=DEADLINE_S)
    place = pool.submit(ask, listener, ANSWER)
    assert listener.wait(STATE, DEADLINE_S) is not None
    listener.show("Connected", "Better late.", good=True)
    listener.close()
    assert "Better late." in ask(listener, place.result(DEADLINE_S).headers["Location"]).text
    wait_until(lambda: not listener_threads(), "end of the listener, as its page is delivered")
    assert refuses(port_of(listener))


def test_close_from_another_thread_frees_the_port(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened("localhost")
    answer = waiting(pool, listener, timeout_s=600)
    assert still_waits(answer)
    pool.submit(listener.close).result(DEADLINE_S)
    assert answer.result(DEADLINE_S) is None
    assert not listener_threads()
    port = port_of(listener)
    assert refuses(port)
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))
    with socket.socket(socket.AF_INET6) as again:
        again.bind(("::1", port))


def test_close_with_clients_hanging_on_leaves_nothing(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened()
    with contextlib.ExitStack() as clients:
        hanging = [
            clients.enter_context(
                socket.create_connection(("127.0.0.1", port_of(listener)), timeout=DEADLINE_S)
            )
            for _ in range(5)
        ]
        hanging[0].sendall(b"GET /go")
        early = pool.submit(ask, listener, ANSWER)
        ask(listener, "/x")
        listener.close()
        assert not listener_threads()
        assert [client.recv(10) for client in hanging] == [b""] * 5
    with contextlib.suppress(OSError, http.client.HTTPException):
        assert "This sign-in was closed" in early.result(DEADLINE_S).text


def test_close_may_be_called_often_and_from_many_threads(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened()
    for each in [pool.submit(listener.close) for _ in range(8)]:
        each.result(DEADLINE_S)
    listener.close()
    listener.show("Too late", "Nobody listens.", good=False)
    assert listener.wait(STATE, DEADLINE_S) is None


def test_time_out_gives_nothing(opened: Opened) -> None:
    assert opened().wait(STATE, 0.01) is None


def test_early_answers_are_held_back_only_so_many(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened()
    with contextlib.ExitStack() as clients:
        for _ in range(loopback.MAX_EARLY):
            early = socket.create_connection(("127.0.0.1", port_of(listener)), timeout=DEADLINE_S)
            host = listener.redirect_uri.removeprefix("http://").partition("/")[0]
            clients.enter_context(early).sendall(
                f"GET {PATH}?state=guess&code=x HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
            )
        ask(listener, "/all-above-are-read-by-now")
        wait_until(lambda: listener._early == loopback.MAX_EARLY, "answers held back")
        assert ask(listener, ANSWER).status == 503


def test_binds_loopback_only(opened: Opened) -> None:
    for host in ("127.0.0.1", "localhost"):
        port = port_of(opened(host))
        own = listening_addresses(port)
        assert own <= {"127.0.0.1", "::1"}
        assert ("::1" in own) == (host == "localhost")
        for family, address in other_addresses():
            with socket.socket(family) as client:
                client.settimeout(DEADLINE_S)
                assert client.connect_ex((address, port)) != 0


def listening_addresses(port: int) -> set[str]:
    """Local addresses on which this machine listens on the port, as the kernel says."""
    found = set()
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path("/proc/net", name).read_text().splitlines()[1:]:
            address, number = line.split()[1].split(":")
            if int(number, 16) == port and line.split()[3] == "0A":
                words = bytes.fromhex(address)
                packed = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
                found.add(socket.inet_ntop(family, packed))
    return found


def other_addresses() -> list[tuple[socket.AddressFamily, str]]:
    found = []
    for family, goal in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
            probe.connect((goal, 9))
            found.append((family, probe.getsockname()[0]))
    return found


def test_localhost_means_both_addresses_and_one_port(opened: Opened, pool: ThreadPoolExecutor) -> None:
    listener = opened("localhost")
    assert listener.redirect_uri.startswith("http://localhost:")
    answer = waiting(pool, listener)
    assert ask(listener, "/x").status == 404
    assert ask(listener, ANSWER, address="::1").status == 303
    assert answer.result(DEADLINE_S) is not None


def test_a_port_taken_on_ipv6_is_not_used() -> None:
    """Half a `localhost` would lose answers of browsers that try ::1 first."""
    refused: list[int] = []

    def open_or_refuse(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
        if family is socket.AF_INET6 and not refused:
            refused.append(port)
            raise OSError(98, "Address already in use")
        return loopback._open(family, address, port)

    both = loopback._open_both(open_or_refuse)
    try:
        assert both[0].getsockname()[1] == both[1].getsockname()[1] != refused[0]
    finally:
        for each in both:
            each.close()


def test_every_listener_has_a_port_of_its_own(opened: Opened) -> None:
    assert len({port_of(opened()) for _ in range(5)}) == 5


@pytest.mark.parametrize(("host", "path"), [("0.0.0.0", "/x"), ("example.com", "/x"), ("127.0.0.1", "x")])
def test_only_loopback_can_be_asked_for(host: str, path: str) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1 or localhost"):
        LoopbackListener(host, path)


def test_nothing_of_the_answer_is_logged(
    opened: Opened, pool: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    listener = opened()
    answer = waiting(pool, listener)
    for target in (ANSWER.replace(STATE, "wrong-state"), ANSWER, f"/other{ANSWER}"):
        ask(listener, target)
        ask(listener, target, host="evil.example")
    assert answer.result(DEADLINE_S) is not None
    listener.close()
    assert "secret" not in caplog.text
    assert "state-of" not in caplog.text
    assert "wrong-state" not in caplog.text
    assert "secret" not in repr(loopback._parse(f"GET {ANSWER} HTTP/1.1".encode()))


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium here")
def test_a_real_browser_shows_the_result(opened: Opened, pool: ThreadPoolExecutor, tmp_path: Path) -> None:
    listener = opened("localhost", linger_s=DEADLINE_S)
    browser = pool.submit(
        subprocess.run,
        [
            "chromium",
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--password-store=basic",
            f"--user-data-dir={tmp_path}",
            "--dump-dom",
            listener.redirect_uri.replace(PATH, ANSWER),
        ],
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert listener.wait(STATE, 60) is not None
    listener.show("Connected", "anna@example.com is connected.", good=True)
    listener.close()
    assert "anna@example.com is connected." in browser.result(60).stdout.decode()
