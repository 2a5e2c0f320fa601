"""The transport: one way out, https only, every failure told apart, nothing leaked, nothing stuck."""

import logging
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from reply_desktop.adapters import http
from reply_desktop.adapters.http import (
    Response,
    Transport,
    TransportFault,
    clock_off_s,
    fault_answer,
    is_own_computer,
    is_safe_url,
    retry_after_s,
    trusting_context,
)
from reply_desktop.domain.answers import Fault, classify
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.provider import Provider
from tests.harness.web import (
    ProxyServer,
    Reply,
    Request,
    Serve,
    free_port,
    hang_up,
    page,
    said,
    server_context,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("direct")


def echo(request: Request) -> Reply:
    return said({"method": request.method, "path": request.path, "body": request.body.decode()})


def fault_of(transport: Transport, url: str, **more: object) -> TransportFault:
    with pytest.raises(TransportFault) as caught:
        transport.request("POST", url, body=b"refresh_token=1//verysecret", **more)  # type: ignore[arg-type]
    assert "verysecret" not in str(caught.value) and "verysecret" not in repr(caught.value)
    return caught.value


# Plain use
def test_a_request_over_tls_and_its_answer(transport: Transport, serve: Serve, tls: ssl.SSLContext) -> None:
    server = serve(echo, tls)
    answer = transport.request("POST", f"{server.url}/token?a=1", body=b"x=2", headers={"X-One": "1"})
    assert answer.status == answer.status_code == 200
    assert answer.json() == {"method": "POST", "path": "/token?a=1", "body": "x=2"}
    assert answer.headers["content-type"] == "application/json"
    request = server.requests[0]
    assert request.headers["x-one"] == "1"
    assert request.headers["user-agent"].startswith("ReplyDesktop/")
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert "200" in repr(answer) and "POST" not in repr(answer)


def test_connections_are_kept_and_used_again(transport: Transport, serve: Serve, tls: ssl.SSLContext) -> None:
    server = serve(echo, tls)
    for _ in range(5):
        transport.request("GET", server.url)
    assert server.connections == 1


def test_fresh_means_a_new_connection(transport: Transport, serve: Serve, tls: ssl.SSLContext) -> None:
    server = serve(echo, tls)
    transport.request("GET", server.url)
    transport.request("GET", server.url, fresh=True)
    assert server.connections == 2


def test_one_tls_context_is_made_and_shared(transport: Transport, serve: Serve, tls: ssl.SSLContext) -> None:
    first = transport.ssl_context
    server = serve(echo, tls)
    transport.request("GET", server.url, fresh=True)
    assert transport.ssl_context is first


def test_many_threads_at_once(transport: Transport, serve: Serve, tls: ssl.SSLContext) -> None:
    server = serve(echo, tls)
    wrong: list[object] = []

    def ask(number: int) -> None:
        for turn in range(10):
            body = f"{number}-{turn}".encode()
            said_back = transport.request("POST", server.url, body=body).json()
            if said_back is None or said_back["body"] != body.decode():
                wrong.append((number, turn, said_back))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert server.connections <= 16 and len(server.requests) == 160


def test_redirects_are_not_followed(transport: Transport, serve: Serve) -> None:
    other = serve(echo)
    server = serve(lambda _: Reply(307, headers={"Location": other.url}))
    assert transport.request("POST", server.url, body=b"refresh_token=x").status == 307
    assert other.requests == []


def test_json_is_an_object_or_nothing() -> None:
    assert Response(200, {}, b'{"a": 1}').json() == {"a": 1}
    for body in (b"[1]", b"", b"<html>", b'"text"', b"\xff\xfe", b"[" * 100_000):
        assert Response(200, {}, body).json() is None
    with pytest.raises(http.HttpError):
        Response(503, {}, b"").raise_for_status()
    Response(200, {}, b"").raise_for_status()


# https only
@pytest.mark.parametrize(
    "url",
    [
        "http://oauth2.googleapis.com/token",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://localhost@example.com/",
        "https://user:word@example.com/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "https:///nohost",
        "https://exa mple.com/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com:99999/",
        "https://[::1/",
        "//example.com/",
        "",
    ],
)
def test_insecure_endpoint_is_refused_before_a_byte_goes_out(transport: Transport, url: str) -> None:
    assert not is_safe_url(url)
    fault = fault_of(transport, url)
    assert fault.fault is Fault.INSECURE and not fault.sent
    assert "word" not in str(fault)


def test_plain_http_goes_to_this_computer_only(transport: Transport, serve: Serve) -> None:
    server = serve(echo)
    assert transport.request("GET", server.url).status == 200
    assert transport.request("GET", f"http://localhost:{server.port}/").status == 200
    assert all(map(is_own_computer, ("127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LocalHost.")))
    assert not any(map(is_own_computer, ("127.0.0.1.nip.io", "10.0.0.1", "example.com", "")))


# Why no answer came
def test_a_refused_connection(transport: Transport) -> None:
    fault = fault_of(transport, f"https://127.0.0.1:{free_port()}/")
    assert fault.fault is Fault.REFUSED and not fault.sent


def test_a_name_that_cannot_be_looked_up(transport: Transport) -> None:
    fault = fault_of(transport, "https://no-such-host.invalid/")
    assert fault.fault is Fault.DNS and not fault.sent
    assert classify(fault_answer(Provider.GOOGLE, fault)).cause is Cause.OFFLINE


def test_one_host_missing_while_another_answers_is_not_offline(transport: Transport, serve: Serve) -> None:
    transport.request("GET", serve(echo).url)
    fault = fault_of(transport, "https://no-such-host.invalid/")
    assert fault.elsewhere
    assert classify(fault_answer(Provider.GOOGLE, fault)).cause is Cause.UNREACHABLE


def test_a_name_server_that_does_not_answer_is_given_up_in_time(
    ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def silent(*_: object, **__: object) -> list[object]:
        answered.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    fault = fault_of(Transport(ca_file, connect_timeout_s=0.3), "https://slow.example.test/")
    answered.set()
    assert fault.fault is Fault.DNS


def test_a_server_that_does_not_shake_hands_is_given_up_in_time(ca_file: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"https://127.0.0.1:{deaf.getsockname()[1]}/"
        fault = fault_of(Transport(ca_file, connect_timeout_s=0.3), url)
    assert fault.fault is Fault.TIMEOUT and not fault.sent


def test_a_server_that_does_not_answer_is_given_up_in_time(
    ca_file: str, serve: Serve, tls: ssl.SSLContext
) -> None:
    done = threading.Event()

    def wait(_: socket.socket) -> None:
        done.wait(20)

    server = serve(lambda _: Reply(raw=wait), tls)
    fault = fault_of(Transport(ca_file, read_timeout_s=0.3), server.url)
    done.set()
    assert fault.fault is Fault.TIMEOUT and fault.sent


def test_an_answer_in_drops_is_given_up_in_time(ca_file: str, serve: Serve) -> None:
    done = threading.Event()

    def drip(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not done.wait(0.02):
            sock.sendall(b"x")

    server = serve(lambda _: Reply(raw=drip))
    fault = fault_of(Transport(ca_file, body_timeout_s=0.3), server.url)
    done.set()
    assert fault.fault is Fault.TIMEOUT


def test_a_connection_that_breaks_after_the_request(transport: Transport, serve: Serve) -> None:
    fault = fault_of(transport, serve(lambda _: Reply(raw=hang_up)).url)
    assert fault.fault is Fault.RESET and fault.sent


def test_a_connection_that_breaks_within_the_answer(transport: Transport, serve: Serve) -> None:
    def half(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        hang_up(sock)

    fault = fault_of(transport, serve(lambda _: Reply(raw=half)).url)
    assert fault.fault is Fault.RESET and fault.sent


def test_something_that_is_not_http(transport: Transport, serve: Serve) -> None:
    fault = fault_of(transport, serve(lambda _: Reply(raw=lambda sock: sock.sendall(b"SSH-2.0-x\r\n"))).url)
    assert fault.fault is Fault.PROTOCOL


def test_a_plain_server_on_a_tls_port(transport: Transport, serve: Serve) -> None:
    server = serve(echo)
    fault = fault_of(transport, f"https://127.0.0.1:{server.port}/")
    assert fault.fault is Fault.TLS and not fault.sent and server.requests == []


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_without_end_is_cut_off(ca_file: str, serve: Serve, chunked: bool) -> None:
    def pour(sock: socket.socket) -> None:
        length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 100000000"
        part = b"10000\r\n" + b"x" * 65_536 + b"\r\n" if chunked else b"x" * 65_536
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n")
        try:
            for _ in range(1000):
                sock.sendall(part)
        except OSError:
            return

    fault = fault_of(Transport(ca_file, max_body=300_000), serve(lambda _: Reply(raw=pour)).url)
    assert fault.fault is Fault.TOO_LARGE


# TLS
def test_a_certificate_of_an_unknown_authority_is_refused(transport: Transport, serve: Serve) -> None:
    stranger = server_context(trustme.CA().issue_cert("127.0.0.1"))
    server = serve(echo, stranger)
    fault = fault_of(transport, server.url)
    assert fault.fault is Fault.TLS and not fault.sent and server.requests == []


def test_a_certificate_of_another_host_is_refused(
    transport: Transport, serve: Serve, authority: trustme.CA
) -> None:
    server = serve(echo, server_context(authority.issue_cert("login.example.test")))
    assert fault_of(transport, server.url).fault is Fault.TLS and server.requests == []


def test_a_certificate_of_the_future_points_at_the_clock(
    transport: Transport, serve: Serve, authority: trustme.CA
) -> None:
    later = datetime.now(UTC) + timedelta(days=30)
    cert = authority.issue_cert("127.0.0.1", not_before=later, not_after=later + timedelta(days=1))
    fault = fault_of(transport, serve(echo, server_context(cert)).url)
    assert fault.fault is Fault.TLS_CLOCK
    assert classify(fault_answer(Provider.GOOGLE, fault)).cause is Cause.CLOCK_WRONG


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environments_certificates_are_honoured(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, tls: ssl.SSLContext, ca_file: str, variable: str
) -> None:
    server = serve(echo, tls)
    assert fault_of(Transport(), server.url).fault is Fault.TLS
    monkeypatch.setenv(variable, ca_file)
    transport = Transport()
    assert transport.request("GET", server.url).status == 200
    transport.close()


def test_a_bundle_that_cannot_be_read_is_told_and_left_out(
    tmp_path: Path, expect_log: Callable[[str], None]
) -> None:
    expect_log("REQUESTS_CA_BUNDLE names a file of certificates that cannot be read")
    expect_log("SSL_CERT_FILE names a file")
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    context = trusting_context(
        None, {"REQUESTS_CA_BUNDLE": str(tmp_path / "gone.pem"), "SSL_CERT_FILE": str(empty)}
    )
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname


def test_a_folder_of_certificates_is_taken(tmp_path: Path) -> None:
    assert trusting_context(None, {"REQUESTS_CA_BUNDLE": str(tmp_path)}).verify_mode is ssl.CERT_REQUIRED


def test_an_own_authority_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"gone\.pem cannot be read"):
        trusting_context(str(tmp_path / "gone.pem"), {})


def test_old_tls_is_not_spoken(transport: Transport) -> None:
    assert transport.ssl_context.minimum_version >= ssl.TLSVersion.TLSv1_2


# Connections that died meanwhile
def test_a_kept_connection_that_the_server_closed_is_replaced(
    transport: Transport, serve: Serve, tls: ssl.SSLContext
) -> None:
    server = serve(echo, tls)
    transport.request("GET", server.url)
    server.hang_up_all()
    assert transport.request("POST", server.url, body=b"again").json() is not None
    assert server.connections == 2


def test_a_kept_connection_that_breaks_under_the_request_is_replaced_once(
    transport: Transport, serve: Serve
) -> None:
    server = serve(echo)
    transport.request("GET", server.url)
    broken: list[Request] = []

    def break_first(request: Request) -> Reply:
        broken.append(request)
        return Reply(raw=hang_up) if len(broken) == 1 else echo(request)

    server.answer = break_first
    assert transport.request("POST", server.url, body=b"x").status == 200
    assert len(broken) == 2


def test_a_fresh_request_is_never_sent_twice(transport: Transport, serve: Serve) -> None:
    server = serve(lambda _: Reply(raw=hang_up))
    assert fault_of(transport, server.url, fresh=True).fault is Fault.RESET
    assert len(server.requests) == 1


@pytest.mark.parametrize("slept", [False, True])
def test_old_idle_connections_are_not_trusted(ca_file: str, serve: Serve, slept: bool) -> None:
    """Also after resume from sleep, when the monotonic clock stood still."""
    now = [1000.0, 1000.0]
    server = serve(echo)
    transport = Transport(ca_file, monotonic=lambda: now[0], wall=lambda: now[1])
    transport.request("GET", server.url)
    now[1 if slept else 0] += 61
    transport.request("GET", server.url)
    transport.request("GET", server.url)
    transport.close()
    assert server.connections == 2


def test_renew_forgets_kept_connections(transport: Transport, serve: Serve) -> None:
    server = serve(echo)
    transport.request("GET", server.url)
    transport.renew()
    transport.request("GET", server.url)
    assert server.connections == 2


def test_a_server_that_closes_after_each_answer(transport: Transport, serve: Serve) -> None:
    server = serve(lambda request: Reply(200, request.body, {"Connection": "close"}))
    for _ in range(3):
        assert transport.request("POST", server.url, body=b"x").data == b"x"
    assert server.connections == 3


# The end
@pytest.mark.parametrize("stage", ["look-up", "handshake", "answer"])
def test_close_ends_pending_requests_at_once(
    ca_file: str, serve: Serve, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    waiting, done = threading.Event(), threading.Event()

    def silent(*_: object, **__: object) -> list[object]:
        waiting.set()
        done.wait()
        return []

    def hold(_: socket.socket) -> None:
        waiting.set()
        done.wait()

    transport = Transport(ca_file)
    faults: list[TransportFault] = []
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        if stage == "look-up":
            monkeypatch.setattr(socket, "getaddrinfo", silent)
            url = "https://slow.example.test/"
        elif stage == "handshake":
            url = f"https://127.0.0.1:{deaf.getsockname()[1]}/"
        else:
            url = serve(lambda _: Reply(raw=hold)).url
        thread = threading.Thread(target=lambda: faults.append(fault_of(transport, url)))
        thread.start()
        with ExitStack() as held:
            if stage == "handshake":
                assert held.enter_context(deaf.accept()[0]).recv(1)
            else:
                assert waiting.wait(10)
            transport.close()
            thread.join(10)
        done.set()
    assert [fault.fault for fault in faults] == [Fault.CLOSED]


def test_nothing_is_sent_after_close(transport: Transport, serve: Serve) -> None:
    server = serve(echo)
    transport.request("GET", server.url)
    transport.close()
    transport.close()
    assert fault_of(transport, server.url).fault is Fault.CLOSED
    assert len(server.requests) == 1


# Proxies
def test_https_proxy_is_used_and_its_password_stays_out_of_the_logs(
    ca_file: str,
    serve: Serve,
    tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(echo, tls)
    proxy = ProxyServer(serve, server)
    monkeypatch.setenv("HTTPS_PROXY", f"http://ana:p%40ssw0rd@127.0.0.1:{proxy.server.port}")
    transport = Transport(ca_file)
    for _ in range(2):
        answer = transport.request("POST", "https://login.example.test/token", body=b"x")
        assert answer.status == 200
    transport.close()
    assert [(asked.method, asked.path) for asked in proxy.asked] == [("CONNECT", "login.example.test:443")]
    assert proxy.asked[0].headers["proxy-authorization"] == "Basic YW5hOnBAc3N3MHJk"
    assert server.requests[0].headers["host"] == "login.example.test"
    assert "proxy-authorization" not in server.requests[0].headers
    assert "ssw0rd" not in caplog.text and "YW5hOn" not in caplog.text


@pytest.mark.parametrize(("variable", "value"), [("NO_PROXY", "example.test"), ("NO_PROXY", "*")])
def test_no_proxy_is_honoured(
    ca_file: str, serve: Serve, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    proxy = ProxyServer(serve, serve(echo))
    monkeypatch.setenv("HTTPS_PROXY", proxy.server.url)
    monkeypatch.setenv(variable, value)
    assert fault_of(Transport(ca_file), "https://no-such-host.example.test/").fault is Fault.DNS
    assert proxy.asked == []


def test_this_computer_is_never_asked_for_by_proxy(
    ca_file: str, serve: Serve, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    transport = Transport(ca_file)
    assert transport.request("GET", serve(echo, tls).url).status == 200
    assert transport.request("GET", serve(echo).url).status == 200
    transport.close()


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_refuses(
    ca_file: str, serve: Serve, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    proxy = ProxyServer(serve, serve(echo), status)
    monkeypatch.setenv("HTTPS_PROXY", f"http://ana:secret@127.0.0.1:{proxy.server.port}")
    fault = fault_of(Transport(ca_file), "https://login.example.test/")
    assert fault.fault is Fault.PROXY and not fault.sent
    assert "secret" not in str(fault)


def test_a_proxy_that_is_down(ca_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{free_port()}")
    assert fault_of(Transport(ca_file), "https://login.example.test/").fault is Fault.PROXY


def test_a_proxy_of_an_unknown_kind_is_told_without_its_address(
    ca_file: str, monkeypatch: pytest.MonkeyPatch, expect_log: Callable[[str], None]
) -> None:
    expect_log(r"^WARNING \S+ The proxy setting cannot be used: only http:// and https:// proxies")
    monkeypatch.setenv("HTTPS_PROXY", "socks5://ana:secret@127.0.0.1:1080")
    assert fault_of(Transport(ca_file), "https://login.example.test/").fault is Fault.PROXY


def test_the_certificate_behind_a_proxy_is_checked_too(
    ca_file: str, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(echo, server_context(trustme.CA().issue_cert("login.example.test")))
    proxy = ProxyServer(serve, server)
    monkeypatch.setenv("HTTPS_PROXY", proxy.server.url)
    assert fault_of(Transport(ca_file), "https://login.example.test/").fault is Fault.TLS
    assert server.requests == []


def test_a_proxy_under_tls(
    ca_file: str, serve: Serve, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(echo, tls)
    proxy = ProxyServer(lambda answer: serve(answer, tls), server)
    monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{proxy.server.port}")
    transport = Transport(ca_file)
    assert transport.request("GET", "https://login.example.test/").status == 200
    transport.close()


# Small things
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("Mon, 02 Mar 2026 09:02:00 GMT", 120.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("²", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": text}, NOW) == seconds


def test_clock_off() -> None:
    assert clock_off_s({"date": "Mon, 02 Mar 2026 10:00:00 GMT"}, NOW) == 3600.0
    assert clock_off_s({"date": "yesterday"}, NOW) is None
    assert clock_off_s({}, NOW) is None


def test_a_page_is_an_answer_like_any_other(transport: Transport, serve: Serve) -> None:
    answer = transport.request("GET", serve(lambda _: page()).url)
    assert answer.json() is None and "guests" in answer.text
