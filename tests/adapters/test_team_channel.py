"""Team channels on real servers: what arrives, what does not, why, and that no secret ever shows."""

import inspect
import json
import logging
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.adapters import team_channel
from reply_desktop.adapters.team_channel import THREAD, AppriseSender, harmless
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.services.alert_ports import Handed, HandedState
from tests.harness.web import (
    ProxyServer,
    Reply,
    Request,
    Serve,
    WebServer,
    free_port,
    hang_up,
    server_context,
)

TOLD, REFUSED, IN_DOUBT = HandedState.TOLD, HandedState.REFUSED, HandedState.IN_DOUBT

SLACK = ("T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7QQ")
DISCORD = ("417421629812345678", "JHMHI8qBe7bk2ZwO5U711o3dV_js-abcdef")
TELEGRAM = ("123456789", "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw")
TEAMS = ("643e69f83c8944438d68119179a10a64", "KODuebWbDGYFr0z0eu-6Rj8aUKz7108W3wrNJZxFE5A")
TEAMS_HOST = "prod-161.westeurope.logic.azure.com"
TEAMS_URL = (
    f"https://{TEAMS_HOST}:443/workflows/{TEAMS[0]}/triggers/manual/paths/invoke"
    f"?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={TEAMS[1]}"
)
SLACK_URL = f"https://hooks.slack.com/services/{'/'.join(SLACK)}"
DISCORD_URL = f"https://discord.com/api/webhooks/{'/'.join(DISCORD)}"
TELEGRAM_URL = f"tgram://{TELEGRAM[0]}:{TELEGRAM[1]}/-1001234567"

KNOWN: list[tuple[str, str, str, tuple[str, ...]]] = [
    (SLACK_URL, "Slack", "slack://…", SLACK),
    (f"slack://{'/'.join(SLACK)}/#ops", "Slack", "slack://…", SLACK),
    ("slack://xoxb-1234-1234-4ddbc191d40ee098cbaae6f3523ada2d/#ops", "Slack", "slack://…", ("4ddbc191d40ee098",)),
    (TEAMS_URL, "Microsoft Teams", f"workflow://{TEAMS_HOST}:443", TEAMS),
    (f"workflows://{TEAMS_HOST}/{TEAMS[0]}/{TEAMS[1]}/", "Microsoft Teams", f"workflows://{TEAMS_HOST}", TEAMS),
    (DISCORD_URL, "Discord", "discord://…", DISCORD),
    (DISCORD_URL.replace("discord", "canary.discord"), "Discord", "discord://…", DISCORD),
    (f"discord://{'/'.join(DISCORD)}", "Discord", "discord://…", DISCORD),
    (TELEGRAM_URL, "Telegram", "tgram://…", TELEGRAM),
    ("gchat://AAAAsp4ce/k1234567/t0ken99999", "Google Chat", "gchat://…", ("AAAAsp4ce", "k1234567", "t0ken99999")),
    ("mmosts://chat.example.com/3ccdd113474722377935511fc85d3dd4", "Mattermost", "mmosts://chat.example.com", ("3ccdd113474722377",)),
    ("rockets://user:s3cretpass@chat.example.com/#ops", "Rocket.Chat", "rockets://chat.example.com", ("s3cretpass",)),
    ("ntfys://my-s3cret-topic", "ntfy", "ntfys://…", ("s3cret",)),
    ("pagerduty://1nt3grat10nk3yABCDEFGH@A1BRTD4JD5/", "Pager Duty", "pagerduty://…", ("A1BRTD4JD5", "1nt3grat10nk3y")),
    ("https://prod-1.westus.logic.azure.com/workflows/1/triggers/http/paths/invoke?sig=K3Y99", "Webhook", "https://prod-1.westus.logic.azure.com", ("K3Y99",)),
    ("https://hooks.example.com/in/S3CRETpath?key=K3Y99", "Webhook", "https://hooks.example.com", ("S3CRETpath", "K3Y99")),
    ("https://user:p4ssw0rd@hooks.example.com:8443/in", "Webhook", "https://hooks.example.com:8443", ("p4ssw0rd",)),
    ("jsons://hooks.example.com/in/S3CRETpath?+X-Key=K3Y99", "Webhook", "jsons://hooks.example.com", ("S3CRETpath", "K3Y99")),
]  # fmt: skip


@pytest.fixture
def sender(direct: None) -> AppriseSender:
    return AppriseSender(timeout_s=5.0)


@pytest.fixture(autouse=True)
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[str], None]]:
    """Checks at the end that none of the secrets named to it was logged at any level, by anybody."""
    caplog.set_level(logging.DEBUG)
    secrets: list[str] = []
    lines: list[str] = []

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.name}: {self.format(record)}")

    reader = Reader()
    logging.getLogger().addHandler(reader)
    yield secrets.append
    logging.getLogger().removeHandler(reader)
    assert [line for line in lines if line.startswith("apprise")] == []
    ours = [line for line in lines if not line.startswith("urllib3.")]
    assert [secret for secret in secrets if secret in "".join(ours)] == []


def refused(sender: AppriseSender, url: str) -> str:
    """Why the address is not taken, in words without a part of it that is secret."""
    with pytest.raises(InvalidInput) as raised:
        sender.examine(url)
    shown = repr(raised.value) + str(raised.value)
    assert raised.value.todo
    assert not any(secret in shown for secret in ("S3CRET", *SLACK, *DISCORD))
    return raised.value.what


def in_order(answers: list[Reply]) -> Callable[[Request], Reply]:
    return lambda _request: answers.pop(0) if len(answers) > 1 else answers[0]


def ok(_request: Request) -> Reply:
    return Reply(200, b"ok")


@pytest.mark.parametrize(("url", "service", "address", "secrets"), KNOWN)
def test_a_channel_is_known_and_shown_without_its_secret(
    sender: AppriseSender,
    url: str,
    service: str,
    address: str,
    secrets: tuple[str, ...],
    everything_logged: Callable[[str], None],
) -> None:
    for secret in secrets:
        everything_logged(secret)
    assert sender.examine(f"  {url}\n") == (url, service, address)
    assert not any(secret in service + address for secret in secrets)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("", "needs an address"),
        ("   ", "needs an address"),
        ("hooks.slack.com/services/S3CRET", "does not begin"),
        ("javascript:S3CRET", "does not begin"),
        ("https://example.com/S3CRET x", "blanks or control"),
        ("https://example.com/S3\x00CRET", "blanks or control"),
        ("https://example.com/S3‮CRET", "blanks or control"),
        ("https://example.com/" + "S3CRET" * 1000, "more than 4096"),
        ("https:///S3CRET", "names no host"),
        ("http://hooks.example.com/S3CRET", "in the open"),
        ("json://hooks.example.com/S3CRET", "in the open"),
        ("mmost://chat.example.com/3ccdd113474722377935511fc85d3dd4", "in the open"),
        ("ntfy://S3CRET", "in the open"),
        ("nonsense://S3CRET/S3CRET", "not complete or not known"),
        ("slack://S3CRET", "not complete or not known"),
        ("tgram://S3CRET", "not complete or not known"),
        ("jsons://", "not complete or not known"),
        ("https://ex ample.com/S3CRET", "blanks"),
        ("https://[::1/S3CRET", "names no host"),
        ("jsons://example.com/S3CRET?verify=no", "verify=no"),
        (f"slack://{'/'.join(SLACK)}?template=/etc/passwd", "template="),
        (f"{DISCORD_URL}?template=/etc/passwd", "template="),
        ("mailto://user:S3CRET@example.com", "e-mail"),
        ("MAILTO://user:S3CRET@example.com", "e-mail"),
        ("sendgrid://S3CRET:from@example.com/to@example.com", "e-mail"),
        ("dbus://", "one computer"),
        ("gnome://", "one computer"),
        ("windows://", "one computer"),
        ("macosx://", "one computer"),
        ("syslog://", "one computer"),
        ("smpp://user:S3CRET@example.com/1/2", "not go over the web"),
        ("mqtts://example.com/S3CRET", "not go over the web"),
        ("fcm://project@S3CRET/device/?keyfile=/etc/passwd", "file of this computer"),
        ("toots://S3CRET@example.com", "is public"),
        ("msteams://a/S3CRET/b", "switched off"),
        ("https://contoso.webhook.office.com/webhookb2/S3CRET", "switched off"),
        ("https://api.telegram.org/bot1:S3CRET/sendMessage", "programming interface"),
        ("file:///etc/passwd", "not complete or not known"),
        ("exec://S3CRET", "not complete or not known"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_channel_is_refused_in_words(
    sender: AppriseSender, url: str, what: str, everything_logged: Callable[[str], None]
) -> None:
    everything_logged("S3CRET")
    assert what in refused(sender, url)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("https://hooks.slack.com/services/S3CRET/", "This Slack address lacks B…/secret…"),
        ("https://hooks.slack.com/services/S3CRET/B1", "This Slack address lacks secret…"),
        ("https://hooks.slack.com", "This Slack address lacks services/T…/B…/secret…"),
        ("https://hooks.slack-gov.com/services/S3CRET", "This Slack address lacks B…/secret…"),
        ("https://hooks.slack.com/triggers/S3CRET", "Slack takes no messages at this address."),
        ("https://hooks.slack.com:8443/services/T1/B1/S3CRET", "Slack takes no messages at this address."),
        ("https://hooks.slack.com/services/T1/B1/S3CRET/more", "Slack takes no messages at this address."),
        ("https://acme.slack.com/archives/S3CRET", "acme.slack.com is a page of Slack"),
        ("https://discord.com/api/webhooks/417421629812345678", "This Discord address lacks secret…"),
        ("https://ptb.discord.com/api/webhooks/417421629812345678", "This Discord address lacks secret…"),
        ("https://discord.com/channels/1/S3CRET", "Discord takes no messages at this address."),
        (TEAMS_URL.partition("&sig")[0], "This Microsoft Teams address lacks sig=…"),
        (TEAMS_URL.partition("?")[0], "This Microsoft Teams address lacks sig=…"),
        (f"https://{TEAMS_HOST}/workflows/S3CRET", "This Microsoft Teams address lacks sig=…"),
        ("https://a.b.powerplatform.com/powerautomate/S3CRET", "This Microsoft Teams address lacks sig=…"),
        ("https://teams.microsoft.com/l/channel/S3CRET", "is a page of Microsoft Teams"),
        ("https://t.me/S3CRET", "t.me is a page of Telegram"),
        ("https://chat.googleapis.com/v1/spaces/S3CRET/messages?key=S3CRET", "lacks token=…"),
        ("https://chat.googleapis.com/v1/spaces/S3CRET", "lacks messages?key=…&token=…"),
        ("https://mail.google.com/chat/u/0/#chat/space/S3CRET", "is a page of Google Chat"),
        ("https://webexapis.com/v1/webhooks/incoming", "This Cisco Webex Teams address lacks secret…"),
        ("https://inbots.zoom.us/incoming/hook/S3CRET", "This Zoom address lacks token=…"),
        ("https://open.larksuite.com/open-apis/bot/v2/hook", "This Lark (Feishu) address lacks secret…"),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send", "This WeCom Bot address lacks key=…"),
        ("https://ntfy.sh/", "This ntfy address lacks topic…"),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/S3CRET", "open.feishu.cn is Feishu"),
        ("https://oapi.dingtalk.com/robot/send?access_token=S3CRET", "oapi.dingtalk.com is DingTalk"),
    ],
)  # fmt: skip
def test_a_known_services_address_is_no_webhook_of_ones_own(
    sender: AppriseSender, url: str, what: str, everything_logged: Callable[[str], None]
) -> None:
    everything_logged("S3CRET")
    assert what in refused(sender, url)


def test_the_forms_that_are_shown_are_taken(sender: AppriseSender) -> None:
    for _, name, example, whole in team_channel._FORMS:
        url = re.sub(r"…", "12345678", example.replace("T…", "T123").replace("B…", "B123"))
        service = sender.examine(url)[1]
        assert service == name or not whole, (url, service)


def test_everything_let_through_goes_by_requests_whose_outcome_can_be_heard() -> None:
    team_channel._apprise()
    from apprise.manager_plugins import NotificationManager

    manager: Any = NotificationManager()
    schemas = list(manager.schemas())
    assert len(schemas) > 150
    deaf = []
    for schema in schemas:
        plugin = manager[schema]
        if schema in team_channel._REFUSED or not plugin.enabled:
            continue
        modules = [inspect.getmodule(base) for base in plugin.__mro__ if "plugins." in base.__module__]
        text = "".join(inspect.getsource(module) for module in modules if module)
        if not re.search(r"requests\.(post|put|get|request)\b", text) or "allow_redirects" not in text:
            deaf.append(schema)
    assert deaf == []
    gone = [schema for schema in team_channel._REFUSED if schema not in schemas and schema != "msteams"]
    assert gone == []


@pytest.mark.parametrize("scheme", ["http", "json"])
def test_a_webhook_gets_the_news_as_json(sender: AppriseSender, serve: Serve, scheme: str) -> None:
    server = serve(ok)
    url, service, address = sender.examine(f"{scheme}://127.0.0.1:{server.port}/in/abc")
    assert (service, address) == ("Webhook", f"{scheme}://127.0.0.1:{server.port}")
    assert sender.post(url, "anna@example.com cannot send", "One line.\nAnother.") == Handed(TOLD)
    (request,) = server.requests
    body = json.loads(request.body)
    assert request.method == "POST" and request.path == "/in/abc"
    assert (body["title"], body["message"]) == ("anna@example.com cannot send", "One line.\nAnother.")
    assert body["attachments"] == []
    assert request.headers["user-agent"] == "Reply Desktop"


@pytest.mark.parametrize(
    "path",
    [
        "/a%2Fb/c%20d/e%2Bf?x=1&sig=a%2Bb%2Fc%3D&sig=2&e=",
        "/in/",
        "/in",
        "/x//y/~me/@z/a&b?Key=UPPER&method=get&verify=no&template=%2Fetc&rto=1",
        "/%25?+a=b&-c=d&:e=f",
    ],
)
def test_a_webhooks_address_is_used_to_the_letter(sender: AppriseSender, serve: Serve, path: str) -> None:
    server = serve(ok)
    url, _, _ = sender.examine(f"http://u:p%40w@127.0.0.1:{server.port}{path}")
    assert sender.post(url, "t", "b").state is TOLD
    assert server.requests[0].path == path
    assert server.requests[0].headers["authorization"] == "Basic dTpwQHc="


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        (200, TOLD, ""),
        (204, TOLD, ""),
        (302, REFUSED, "Webhook answered 302: it sends messages elsewhere, where they do not go."),
        (400, REFUSED, "Webhook answered 400 Bad Request."),
        (401, REFUSED, "Webhook answered 401 Unauthorized. It refused the secret"),
        (404, REFUSED, "Webhook answered 404 Not Found. The webhook or chat is gone"),
        (429, REFUSED, "Webhook answered 429 Too Many Requests. It wants fewer messages."),
        (500, REFUSED, "Webhook answered 500 Internal Server Error."),
        (504, IN_DOUBT, "Webhook answered 504 Gateway Timeout."),
        (599, REFUSED, "Webhook answered 599."),
    ],
)
def test_the_answer_tells_what_became_of_it(
    sender: AppriseSender,
    serve: Serve,
    status: int,
    state: HandedState,
    said: str,
    everything_logged: Callable[[str], None],
) -> None:
    everything_logged("S3CRETpath")
    elsewhere = serve(ok)
    server = serve(lambda _: Reply(status, b"S3CRETpath", {"Location": f"{elsewhere.url}/S3CRETpath"}))
    handed = sender.post(f"http://127.0.0.1:{server.port}/S3CRETpath", "title", "text")
    assert handed.state is state and handed.said.startswith(said) and bool(handed.said) == bool(said)
    assert "S3CRET" not in repr(handed) and "\n" not in handed.said
    assert len(server.requests) == 1 and elsewhere.requests == []


def test_what_an_address_asks_for_does_not_loosen_anything(sender: AppriseSender, serve: Serve) -> None:
    elsewhere = serve(ok)
    server = serve(lambda _: Reply(307, b"", {"Location": elsewhere.url}))
    options = "redirect=yes&retry=3&wait=9&optional=yes&cto=900&rto=900&emojis=yes"
    handed = sender.post(f"json://127.0.0.1:{server.port}/?{options}", "title", "text")
    assert handed.state is REFUSED
    assert len(server.requests) == 1 and elsewhere.requests == []


def test_nobody_there_is_surely_not_told(sender: AppriseSender) -> None:
    handed = sender.post(f"http://127.0.0.1:{free_port()}/S3CRET", "title", "text")
    assert handed == Handed(REFUSED, "Webhook could not be reached.")


def test_a_name_that_does_not_resolve_is_surely_not_told(sender: AppriseSender) -> None:
    handed = sender.post("https://nowhere.invalid/S3CRET", "title", "text")
    assert handed == Handed(REFUSED, "Webhook could not be reached.")


def test_a_line_that_breaks_before_the_answer_leaves_doubt(sender: AppriseSender, serve: Serve) -> None:
    server = serve(lambda _: Reply(raw=hang_up))
    handed = sender.post(f"http://127.0.0.1:{server.port}/S3CRET", "title", "text")
    assert handed == Handed(IN_DOUBT, "Webhook broke off before it answered; the message may have arrived.")
    assert len(server.requests) == 1


def silent(until: threading.Event) -> Reply:
    def wait(_sock: socket.socket) -> None:
        until.wait(20)

    return Reply(raw=wait)


def test_a_server_that_does_not_answer_in_time_leaves_doubt(direct: None, serve: Serve) -> None:
    over = threading.Event()
    server = serve(lambda _: silent(over))
    handed = AppriseSender(timeout_s=0.2).post(f"http://127.0.0.1:{server.port}/S3CRET", "title", "text")
    over.set()
    assert handed == Handed(IN_DOUBT, "Webhook did not answer in time; the message may have arrived.")


@pytest.fixture
def dripping(direct: None, serve: Serve) -> Iterator[WebServer]:
    """A server whose answers never end."""
    over = threading.Event()

    def drip(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not over.wait(0.05):
            sock.sendall(b"x")

    yield serve(lambda _: Reply(raw=drip))
    over.set()


def test_nobody_waits_for_an_answer_that_drips(dripping: WebServer) -> None:
    sender = AppriseSender(timeout_s=5.0, total_s=0.3)
    url = f"http://127.0.0.1:{dripping.port}/"
    handed = sender.post(url, "title", "text")
    assert handed == Handed(IN_DOUBT, "Webhook took too long to answer; the message may have arrived.")
    assert sender.post(url, "title", "text") == Handed(REFUSED, "Webhook still answers an earlier message.")
    assert len(dripping.requests) == 1, "one that hangs is enough"


def test_one_that_ended_at_last_is_posted_to_again(direct: None, serve: Serve) -> None:
    over = threading.Event()
    server = serve(lambda _: Reply(204) if over.is_set() else silent(over))
    sender = AppriseSender(timeout_s=60.0, total_s=0.0)
    url = f"http://127.0.0.1:{server.port}/"
    for _ in range(2):
        before = threading.enumerate()
        assert sender.post(url, "title", "text").state is IN_DOUBT
        (late,) = (one for one in threading.enumerate() if one.name == THREAD and one not in before)
        over.set()
        late.join()
    assert len(server.requests) == 2


def test_the_end_waits_for_no_answer(dripping: WebServer) -> None:
    sender = AppriseSender(timeout_s=3600.0, total_s=3600.0)
    url = f"http://127.0.0.1:{dripping.port}/"
    handed: list[Handed] = []
    posting = threading.Thread(target=lambda: handed.append(sender.post(url, "title", "text")))
    came = threading.Event()
    drip = dripping.answer

    def answer(request: Request) -> Reply:
        came.set()
        return drip(request)

    dripping.answer = answer
    posting.start()
    came.wait()
    sender.close()
    posting.join()
    assert handed[0].state is IN_DOUBT
    assert sender.post(url, "title", "text") == Handed(REFUSED, "The app is ending.")


POSTING = """
import sys
from reply_desktop.adapters.team_channel import AppriseSender
print(AppriseSender(timeout_s=3600.0, total_s=1.0).post(sys.argv[1], "title", "text").state.value)
"""


@pytest.mark.slow
def test_a_process_ends_though_an_answer_drips(dripping: WebServer) -> None:
    url = f"http://127.0.0.1:{dripping.port}/"
    done = subprocess.run([sys.executable, "-c", POSTING, url], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "in_doubt\n", "")
    assert len(dripping.requests) == 1


def test_an_unknown_certificate_is_refused_before_anything_is_said(
    sender: AppriseSender, serve: Serve, tls: ssl.SSLContext
) -> None:
    server = serve(ok, tls)
    handed = sender.post(f"https://127.0.0.1:{server.port}/S3CRET", "title", "text")
    assert handed == Handed(REFUSED, "Webhook has a certificate that this computer does not trust.")
    assert server.requests == []


def test_an_address_that_no_longer_fits_is_refused(sender: AppriseSender) -> None:
    assert sender.post("slack://S3CRET", "title", "text") == Handed(
        REFUSED, "Its address can no longer be used: add the channel again."
    )


def test_posts_at_the_same_time_do_not_hear_each_other(sender: AppriseSender, serve: Serve) -> None:
    good, bad = serve(ok), serve(lambda _: Reply(404))
    states: dict[int, list[HandedState]] = {good.port: [], bad.port: []}

    def post(server: WebServer) -> None:
        for _ in range(5):
            states[server.port].append(sender.post(f"http://127.0.0.1:{server.port}/", "t", "b").state)

    threads = [threading.Thread(target=post, args=(server,)) for server in (good, bad, good, bad)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert set(states[good.port]) == {TOLD} and set(states[bad.port]) == {REFUSED}


HOSTILE = (
    "@everyone <!channel> <@U123> <users/all> @here bob@here.com **b** __u__ _i_ `c` ||s|| ~~x~~ "
    "[click](https://evil.example) <b>bold</b> <at id=all> anna_maria@example.com"
)


@pytest.fixture
def the_internet(
    serve: Serve, authority: trustme.CA, ca_file: str, direct: None, monkeypatch: pytest.MonkeyPatch
) -> WebServer:
    """One server that is Slack, Discord, Telegram and Teams, by a proxy and a certificate as in a company."""
    names = ("hooks.slack.com", "slack.com", "discord.com", "api.telegram.org", TEAMS_HOST)
    server = serve(ok, server_context(authority.issue_cert(*names)))
    monkeypatch.setenv("HTTPS_PROXY", ProxyServer(serve, server).server.url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
    return server


SERVICES: list[tuple[str, Reply, str]] = [
    (SLACK_URL, Reply(200, b"ok"), f"/services/{'/'.join(SLACK)}"),
    (TEAMS_URL, Reply(202), "/workflows/"),
    (DISCORD_URL, Reply(204), f"/api/webhooks/{'/'.join(DISCORD)}"),
    (TELEGRAM_URL, Reply(200, b'{"ok":true}'), f"/bot{TELEGRAM[0]}:{TELEGRAM[1]}/sendMessage"),
]


@pytest.mark.parametrize(("url", "answer", "path"), SERVICES)
def test_what_the_services_get_neither_pings_nor_formats(
    the_internet: WebServer, url: str, answer: Reply, path: str
) -> None:
    the_internet.answer = in_order([answer])
    sender = AppriseSender()
    stored, _, _ = sender.examine(url)
    assert sender.post(stored, HOSTILE, HOSTILE) == Handed(TOLD)
    (request,) = the_internet.requests
    assert request.path.startswith(path)
    body = request.body.decode()
    strings = list(texts_of(json.loads(body)))
    text = "\n".join(strings)
    assert "anna_maria" in text.replace("\\_", "_") and "evil.example" in text.replace("\\", "")
    for sign in ("@everyone", "@here", "<!", "<@", "<users", "<at", "**", "__", "`", "||", "~~", "]("):
        assert sign not in text, (sign, text)
    assert not re.search(r"(?<!\w)_\w", text.replace("\\_", "")), text
    assert "apprise" not in body.lower()


def texts_of(value: object) -> Iterator[str]:
    """The strings of a payload that hold what we told; a service's own tags around the title are its own."""
    if isinstance(value, dict):
        for one in value.values():
            yield from texts_of(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts_of(one)
    elif isinstance(value, str) and "evil" in value:
        yield value


@pytest.mark.parametrize(
    ("url", "answer", "said"),
    [
        (SLACK_URL, Reply(404, b"no_service"), "Slack answered 404 Not Found. The webhook or chat is gone"),
        (SLACK_URL, Reply(200, b"no"), "Slack answered, but did not take the message."),
        (SLACK_URL, Reply(500, b"S3CRET"), "Slack answered 500 Internal Server Error."),
        (DISCORD_URL, Reply(401, b"{}"), "Discord answered 401 Unauthorized."),
        (TELEGRAM_URL, Reply(401, b'{"ok":false,"description":"Unauthorized"}'), "Telegram answered 401 Unauthorized."),
        (TEAMS_URL, Reply(400, b"{}"), "Microsoft Teams answered 400 Bad Request."),
        ("slack://xoxb-1234-1234-4ddbc191d40ee098cbaae6f3523ada2d/#ops", Reply(200, b'{"ok":false,"error":"x"}'), "Slack answered, but did not take"),
    ],
)  # fmt: skip
def test_a_services_refusal_is_told_by_name(
    the_internet: WebServer, url: str, answer: Reply, said: str, everything_logged: Callable[[str], None]
) -> None:
    for secret in (SLACK[2], DISCORD[1], TELEGRAM[1], TEAMS[1], "4ddbc191d40ee098"):
        everything_logged(secret)
    the_internet.answer = in_order([answer])
    handed = AppriseSender(timeout_s=2.0).post(url, "title", "text")
    assert handed.state is REFUSED and handed.said.startswith(said), handed
    assert not any(secret in repr(handed) for secret in (SLACK[2], DISCORD[1], TELEGRAM[1], TEAMS[1]))


def test_a_half_told_channel_is_in_doubt_so_that_nobody_is_told_twice(the_internet: WebServer) -> None:
    the_internet.answer = in_order([Reply(200, b"ok"), Reply(404, b"channel_not_found")])
    handed = AppriseSender().post(f"slack://{'/'.join(SLACK)}/#one/#two", "title", "text")
    assert handed.state is IN_DOUBT and "Only a part" in handed.said
    assert len(the_internet.requests) == 2


def test_a_proxy_that_refuses_is_named(direct: None, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = ProxyServer(serve, serve(ok), status=403)
    monkeypatch.setenv("HTTPS_PROXY", proxy.server.url)
    handed = AppriseSender().post(SLACK_URL, "title", "text")
    assert handed == Handed(REFUSED, "Slack could not be reached through the proxy.")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("anna@example.com cannot send", "anna@example.com cannot send"),
        ("first.last+tag@sub.example.org", "first.last+tag@sub.example.org"),
        ("a_b_c@example.com", "a_b_c@example.com"),
        ("@everyone", "＠everyone"),
        ("x@everyone.com", "x＠everyone.com"),
        ("bob@HERE", "bob＠HERE"),
        ("hi @bob", "hi ＠bob"),
        ("@allison", "＠allison"),
        ("anna@allison.example", "anna@allison.example"),
        ("<!channel>", "‹!channel›"),
        ("# big", "＃ big"),
        ("issue #5", "issue #5"),
        ("__x__ _y_", "＿＿x＿＿ ＿y＿"),
        ("a||b | c", "a¦¦b | c"),
        ("[a](b) [c][d]", "[a] (b) [c] [d]"),
        ("one\ntwo\r\nthree", "one\ntwo\nthree"),
        ("    indented\tcode", "indented code"),
        ("a‮b\x00c", "ab c"),
    ],
)
def test_signs_give_way_to_their_look_alikes(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text(st.sampled_from("@<>*_`~|[](#ab.\n \x00‮￼é") | st.characters(), max_size=60))
def test_no_text_pings_or_formats_and_nothing_is_lost(text: str) -> None:
    changed = harmless(text)
    assert not set(changed) & set("<>*`~\r\x00‮​‌‍⁠﻿") - set(text) and not set(changed) & set("<>*`~")
    assert "](" not in changed and "||" not in changed
    assert not re.search(r"@(everyone|here|channel|all)\b", changed, re.I)
    assert not re.search(r"(?:^|\s)@", changed)
    assert harmless(changed) == changed
    assert [sign for sign in changed if sign.isalnum()] == [sign for sign in text if sign.isalnum()]
