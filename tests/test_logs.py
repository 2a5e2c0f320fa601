"""Nothing secret survives in a log, whoever wrote it and wherever it stands; all else stays readable."""

import base64
import io
import json
import logging
import os
import re
import stat
import string
import subprocess
import sys
import threading
import urllib.parse
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from reply_desktop import logs
from reply_desktop.logs import REMOVED, Redaction, VendorFloor, quiet_vendor_logs, redact

URLSAFE = string.ascii_letters + string.digits + "-_"


def runs(alphabet: str, low: int, high: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=low, max_size=high)


SHAPED = st.one_of(
    runs(URLSAFE, 40, 200).map(lambda rest: f"ya29.{rest}"),
    runs(URLSAFE, 40, 120).map(lambda rest: f"1//0{rest}"),
    runs(URLSAFE, 30, 90).map(lambda rest: f"4/0A{rest}"),
    runs(URLSAFE, 20, 30).map(lambda rest: f"GOCSPX-{rest}"),
    runs(URLSAFE, 30, 300).map(lambda rest: f"0.A{rest}"),
    runs(URLSAFE, 30, 300).map(lambda rest: f"1.A{rest}"),
    runs(URLSAFE, 30, 80).map(lambda rest: f"M.C512_BAY.2.U.{rest}"),
    runs(URLSAFE, 30, 200).map(lambda rest: f"EwB{rest}"),
    runs(URLSAFE, 34, 34).map(lambda rest: f"{rest[:3]}8Q~{rest[3:]}"),
    st.tuples(runs(URLSAFE, 20, 60), runs(URLSAFE, 40, 200), runs(URLSAFE, 20, 60)).map(
        lambda parts: f"eyJ{parts[0]}.{parts[1]}.{parts[2]}"
    ),
)
"""Secrets known by their looks: never to survive anywhere."""
OPAQUE = st.one_of(runs(URLSAFE, 16, 128), runs(string.ascii_letters, 16, 16), runs(string.hexdigits, 16, 64))
"""Verifiers, states, client secrets and refresh tokens of no known form: not to survive where they are named."""
PASSWORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, categories=["L", "N", "P", "S"]), min_size=8
)

FORM = "grant_type=authorization_code&code={0}&redirect_uri=http%3A%2F%2F127.0.0.1%3A4711&code_verifier={0}"
VENDOR_LINES: list[Callable[[str], str]] = [
    lambda s: f"Generated new state {s}.",
    lambda s: f"Re-using previously supplied state {s}.",
    lambda s: (
        f'Encoding `client_id` "x.apps" with `client_secret` as Basic auth credentials. client_secret={s}'
    ),
    lambda s: "Request url was https://oauth2.googleapis.com/token?" + urllib.parse.urlencode({"code": s}),
    lambda s: f"Request headers were {{'User-Agent': 'x', 'Authorization': 'Basic {s}', 'Accept': '*/*'}}",
    lambda s: f"Request headers were {{'Authorization': 'Bearer {s}'}}",
    lambda s: "Request body was " + FORM.format(urllib.parse.quote(s, safe="")),
    lambda s: "Request body was " + FORM.format(s),
    lambda s: (
        f"Prepared refresh token request body grant_type=refresh_token&refresh_token={s}&client_secret={s}"
    ),
    lambda s: f"Adding auto refresh credentials {{'client_id': 'x', 'client_secret': '{s}'}}.",
    lambda s: (
        "Response headers were {} and content " + json.dumps({"access_token": s, "id_token": s}, indent=2)
    ),
    lambda s: "content " + json.dumps({"refresh_token": s, "scope": "openid email", "expires_in": 3599}),
    lambda s: "content " + json.dumps(json.dumps({"refresh_token": s, "token_type": "Bearer"})),
    lambda s: f"Obtained token {{'access_token': '{s}', 'expires_in': 3599, 'token_type': 'Bearer'}}.",
    lambda s: f"Adding token {{'refresh_token': '{s}', 'id_token': '{s}'}} to request.",
    lambda s: f"Supplying headers {{'Authorization': b'Bearer {s}'}} and data None",
    lambda s: f"Got auth response: {{'code': ['{s}'], 'state': ['{s}'], 'session_state': '{s}'}}",
    lambda s: f"Got auth response: {{'code': '{s}', 'client_info': '{s}'}}",
    lambda s: f'"GET /?state={s}&code={s}&scope=openid HTTP/1.1" 200 -',
    lambda s: f"Open a browser on this device to visit: https://login.example/authorize?state={s}&nonce={s}",
    lambda s: f"https://127.0.0.1:4711/google?iss=https%3A%2F%2Faccounts.google.com&code={s}#",
    lambda s: f"next=http%3A%2F%2F127.0.0.1%2F%3Fcode%3D{s}",
    lambda s: f"https://x.example/?a=1\\u0026code={s}",
    lambda s: f'https://oauth2.googleapis.com:443 "POST /token?refresh_token={s} HTTP/1.1" 400 None',
    lambda s: f"Token exchange failed: client_assertion={s}; client_secret = {s}",
    lambda s: f"TokenSet(refresh_token='{s}', access_token='{s}', scopes=())",
    lambda s: f"Password(password='{s}')",
    lambda s: f"Authorization: Bearer {s}",
    lambda s: f"> POST /token\r\nauthorization: Basic {s}\r\ncookie: sid={s}",
    lambda s: f"set-cookie: session={s}; Path=/; HttpOnly",
    lambda s: f"MSALRuntime error, rapt: {s}",
    lambda s: f"X-Api-Key ignored, api_key={s}",
]
"""Lines as the vendor libraries write them at DEBUG (their sources, see facts on them), and our own slips."""
PASSWORD_LINES: list[Callable[[str], str]] = [
    lambda s: f"_handle_client readline: b'AUTH PLAIN {base64.b64encode(s.encode()).decode()}\\r\\n'",
    lambda s: f"> b'KBLN1 AUTHENTICATE PLAIN {base64.b64encode(s.encode()).decode()}'",
    lambda s: f"login with {json.dumps({'user': 'anna', 'password': s})}",
    lambda s: f"password={urllib.parse.quote(s, safe='')}&user=anna",
    lambda s: f"Proxy-Authorization: Basic {base64.b64encode(s.encode()).decode()}",
]
AROUND = st.sampled_from(
    [
        "{}",
        "2026 {} end",
        "a\n{}\nb",
        "[{}]",
        "Nobody: {}",
        "x" * 50 + " {}",
        "code=200 state=connected {} token=None",
    ]
)


@given(line=st.sampled_from(VENDOR_LINES), secret=st.one_of(SHAPED, OPAQUE), around=AROUND)
@example(line=VENDOR_LINES[0], secret="kQxWvTzRbNmLpJhG", around="{}")
def test_no_secret_survives_in_any_vendors_line(line: Callable[[str], str], secret: str, around: str) -> None:
    assert_gone(secret, redact(around.replace("{}", line(secret))))


@given(line=st.sampled_from(PASSWORD_LINES), secret=PASSWORDS, around=AROUND)
@example(line=PASSWORD_LINES[2], secret='with"quote\\', around="{}")
def test_no_password_survives(line: Callable[[str], str], secret: str, around: str) -> None:
    assume(secret not in REMOVED and "removed" not in secret)
    cleaned = redact(around.replace("{}", line(secret)))
    for form in (secret, urllib.parse.quote(secret, safe=""), base64.b64encode(secret.encode()).decode()):
        assert form not in cleaned


@given(
    before=st.sampled_from(["", "x ", "(", '"', "=", "/", "&x=", "\n"]),
    secret=SHAPED,
    after=st.sampled_from(["", " y", ")", '"', "\n"]),
)
def test_tokens_are_known_by_their_looks_anywhere(before: str, secret: str, after: str) -> None:
    assert_gone(secret, redact(f"{before}{secret}{after}"))
    quoted = urllib.parse.quote(secret, safe="")
    assert_gone(quoted, redact(f"{before}{quoted}{after}"))


CHANNELS: list[Callable[[str], str]] = [
    lambda s: f"posting to https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/{s}",
    lambda s: f"https://hooks.slack.com:443/workflows/T05/Ft07/{s} failed",
    lambda s: f"(https://discord.com/api/webhooks/417421629812345678/{s})",
    lambda s: f"GET https://api.telegram.org/bot123456789:{s}/getMe",
    lambda s: f"https://prod-1.westeurope.logic.azure.com:443/workflows/x/paths/invoke?sv=1.0&sig={s}",
    lambda s: f"https://default1.2.environment.api.powerplatform.com:443/workflows/{s}/x",
    lambda s: f"https://chat.googleapis.com/v1/spaces/A/messages?key={s}&token={s}",
    lambda s: f"https://contoso.webhook.office.com/webhookb2/{s}",
    lambda s: f"Could not load Slack URL: slack://{s}/A1BRTD4JD/x",
    lambda s: f"'tgram://123456789:{s}/-1001234567'",
    lambda s: f"jsons://hooks.example.com/in/{s}?method=POST",
    lambda s: f"https://anna:{s}@hooks.example.com/in",
    lambda s: (
        f"HTTPSConnectionPool(host='hooks.example.com', port=443): Max retries exceeded with url: /in/{s} "
        "(Caused by NewConnectionError())"
    ),
    lambda s: f"Failed to parse headers (url=https://hooks.example.com:443/in/{s}): broken",
]
"""Addresses of team channels as we, Apprise, requests and urllib3 may write them."""


@given(line=st.sampled_from(CHANNELS), secret=OPAQUE, around=AROUND)
def test_no_address_of_a_team_channel_survives(line: Callable[[str], str], secret: str, around: str) -> None:
    assert_gone(secret, redact(around.replace("{}", line(secret))))


@pytest.mark.parametrize(
    "line",
    [
        "https://hooks.example.com/status answered 404",
        "opened sqlite:///home/anna/reply.db",
        "reply-desktop://accounts/anna/details",
        "file:///home/anna/report.txt",
        "https://www.googleapis.com/auth/gmail.send",
        "see https://discord.com/developers/docs",
    ],
)
def test_addresses_that_are_no_secret_stay(line: str) -> None:
    assert redact(line) == line


def assert_gone(secret: str, cleaned: str) -> None:
    """Neither the secret nor a telling part of it is left."""
    assert secret not in cleaned
    for at in range(len(secret) - 12):
        assert secret[at : at + 12] not in cleaned, cleaned


@pytest.mark.parametrize(
    "line",
    [
        "The engine serves /home/anna/.local/share/reply-desktop",
        "anna@example.com: connected -> expired (grant_revoked)",
        "HTTP status_code=200, error_code: 50076, exit code=4, code=404",
        "state=at_risk cause=unreachable",
        "Account 1f0c2d3e4b5a69788796a5b4c3d2e1f0 is due at 2026-03-02T09:00:00Z",
        "correlation 3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "AADSTS700016: Application not found. Trace code AADSTS700016",
        "token_uri=https://oauth2.googleapis.com/token token_type=Bearer",
        "token endpoint https://login.microsoftonline.com/common/oauth2/v2.0/token",
        "https://autoconfig.thunderbird.net/v1.1/firm.example",
        "535 5.7.8 Username and Password not accepted",
        "basic authentication is disabled",
        "AUTH PLAIN command failed",
        "No token: None, password=None, {'code': None}",
        "12 of 34 accounts checked in 0.56 s",
        "ConnectionResetError: [Errno 104] Connection reset by peer",
        "the state machine of the connection",
    ],
)
def test_what_is_no_secret_stays_readable(line: str) -> None:
    assert redact(line) == line


@given(st.text(max_size=300))
def test_any_text_can_be_cleaned(text: str) -> None:
    redact(text)


def test_long_lines_are_cut_and_cleaned() -> None:
    """Made to let careless expressions run for ever: the end of this test is what it proves."""
    parts = ["a", "token", '"', "code='", "%3D", "-_", "eyJa.", "state ", "authorization:", "\\"]
    for part in parts:
        assert len(redact(part * 1_000_000)) < 2 * logs.MAX_TEXT
    for part in parts:
        redact(part * (logs.MAX_TEXT // len(part)))


# The filter and the files


def record(
    message: str, *args: Any, level: int = logging.DEBUG, name: str = "x", **more: Any
) -> logging.LogRecord:
    made = logging.LogRecord(name, level, __file__, 1, message, args, None)
    made.__dict__.update(more)
    return made


def failure(text: str) -> Any:
    try:
        raise ValueError(text) from KeyError(text)
    except ValueError:
        return sys.exc_info()


SECRET = "ya29.a0AfH6SMBx-verysecret_1234567890"


def test_message_arguments_exception_and_stack_are_cleaned() -> None:
    made = record(
        "got %s",
        SECRET,
        exc_info=failure(SECRET),
        stack_info=f"Stack: {SECRET}",
    )
    assert Redaction().filter(made)
    written = logging.Formatter().format(made)
    assert "verysecret" not in written
    assert written.startswith(f"got {REMOVED}\n")
    assert written.count("Traceback") == 1
    assert made.args is None


def test_the_end_of_a_long_traceback_is_kept() -> None:
    cleaned = redact("\n".join(f"line {number} of many" for number in range(10_000)) + "\nValueError: this")
    assert cleaned.startswith("line 0 of many\n")
    assert cleaned.endswith("\nline 9999 of many\nValueError: this")
    assert len(cleaned) < logs.MAX_TEXT + 100


def test_a_secret_split_between_message_and_argument_is_cleaned() -> None:
    made = record("password=%s", "hunter2hunter2")
    Redaction().filter(made)
    assert made.getMessage() == f"password={REMOVED}"


def test_arguments_that_do_not_fit_are_cleaned_too() -> None:
    made = record("no place for it", SECRET)
    Redaction().filter(made)
    assert "verysecret" not in made.getMessage()


def test_cleaning_twice_changes_nothing_more() -> None:
    for line in (*VENDOR_LINES, *PASSWORD_LINES):
        once = redact(line("opaque-Secret_0123456789-and-more"))
        assert redact(once) == once


def test_objects_as_messages_are_cleaned() -> None:
    made = record({"access_token": SECRET})  # type: ignore[arg-type]
    Redaction().filter(made)
    assert made.getMessage() == f"{{'access_token': '{REMOVED}'}}"


def test_nobody_forges_a_second_line() -> None:
    made = record("name: %s", "x\r\n2026-01-01T00:00:00.000Z CRITICAL root: forged\x1b[31m\x00")
    Redaction().filter(made)
    assert made.getMessage().isprintable()
    assert "\\n2026" in made.getMessage()


@pytest.fixture
def untouched() -> Iterator[None]:
    """Puts back all of the process's logging that `set_up` changes."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook
    levels = {name: logging.getLogger(name).level for name in logs.VENDORS}
    yield
    logging.captureWarnings(False)
    for each in [each for each in root.handlers if each not in before[0]]:
        root.removeHandler(each)
        each.close()
    root.setLevel(before[1])
    sys.excepthook, threading.excepthook = before[2], before[3]
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("untouched")
def test_lines_are_private_dated_in_utc_and_clean(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "logs"
    logs.set_up(folder, "engine", logging.DEBUG)
    logging.getLogger("reply_desktop.probe").info("access_token=%s for %s", SECRET, "anna@example.com")
    file = folder / "engine.log"
    line = file.read_text(encoding="utf-8")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO     reply_desktop\.probe: "
        r"access_token=\[removed\] for anna@example\.com\n",
        line,
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.usefixtures("untouched")
def test_files_put_aside_stay_private(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        logs.set_up(tmp_path, "engine")
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.handlers.RotatingFileHandler):
                handler.maxBytes = 200
        for number in range(20):
            logging.getLogger("reply_desktop.probe").info("line number %d is neither short nor long", number)
    finally:
        os.umask(old)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 1 + logs.KEPT
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}


@pytest.mark.usefixtures("untouched")
def test_a_second_set_up_replaces_the_first(tmp_path: Path) -> None:
    logs.set_up(tmp_path, "one")
    logs.set_up(tmp_path, "two")
    logging.getLogger("reply_desktop.probe").info("once")
    assert (tmp_path / "one.log").read_text() == ""
    assert (tmp_path / "two.log").read_text().count("once") == 1


@pytest.mark.usefixtures("untouched")
def test_debug_of_vendors_never_reaches_a_handler(tmp_path: Path) -> None:
    logs.set_up(tmp_path, "engine", logging.DEBUG)
    for name in (
        "msal.oauth2cli.authcode",
        "requests_oauthlib.oauth2_session",
        "urllib3.connectionpool",
        "google.auth",
    ):
        logger = logging.getLogger(name)
        logger.debug("nothing of this")
        # Somebody, or the library itself, may turn it on again.
        logger.setLevel(logging.DEBUG)
        try:
            logger.info("nor of this")
        finally:
            logger.setLevel(logging.NOTSET)
    logging.getLogger("googly").info("this is somebody else")
    written = (tmp_path / "engine.log").read_text()
    assert "this is somebody else" in written
    assert "of this" not in written


def test_the_floor_lets_warnings_through() -> None:
    assert VendorFloor().filter(record("x", level=logging.WARNING, name="msal.application"))
    assert not VendorFloor().filter(record("x", level=logging.INFO, name="msal.application"))
    assert VendorFloor().filter(record("x", name="reply_desktop.msal"))


@pytest.mark.usefixtures("untouched")
@pytest.mark.expect_log("Nobody caught this error")
def test_errors_nobody_caught_are_logged_clean(tmp_path: Path) -> None:
    logs.set_up(tmp_path, "engine")
    sys.excepthook(*failure(f"refresh_token={SECRET}"))

    def fail() -> None:
        raise ValueError(f"refresh_token={SECRET}")

    thread = threading.Thread(target=fail, name="failing")
    thread.start()
    thread.join()
    ended = threading.Thread(target=sys.exit, name="leaving")
    ended.start()
    ended.join()
    written = (tmp_path / "engine.log").read_text()
    assert written.count("CRITICAL") == 2
    assert "thread failing" in written
    assert "leaving" not in written
    assert "fail()" not in written or "raise ValueError" in written
    assert "verysecret" not in written


@pytest.mark.usefixtures("untouched")
@pytest.mark.expect_log("Scope has changed")
def test_warnings_of_libraries_are_logged_clean(tmp_path: Path) -> None:
    logs.set_up(tmp_path, "engine")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        logging.captureWarnings(True)
        warnings.warn(f"Scope has changed: access_token={SECRET}", stacklevel=1)
        logging.captureWarnings(False)
    written = (tmp_path / "engine.log").read_text()
    assert "Scope has changed" in written
    assert "verysecret" not in written


def test_a_process_of_its_own_tells_the_console_warnings_only(tmp_path: Path) -> None:
    script = f"""
import logging, pathlib
from reply_desktop import logs
logs.set_up(pathlib.Path({str(tmp_path)!r}), "probe")
logging.getLogger("a").info("quiet")
logging.getLogger("a").warning("loud password=%s", "hunter2hunter2")
raise RuntimeError("client_secret={SECRET}")
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "quiet" not in ended.stderr
    assert f"loud password={REMOVED}" in ended.stderr
    assert "RuntimeError" in ended.stderr
    assert "verysecret" not in ended.stderr + (tmp_path / "probe.log").read_text()
    assert "quiet" in (tmp_path / "probe.log").read_text()


def test_a_process_without_console_works(tmp_path: Path) -> None:
    script = f"""
import sys, logging, pathlib
sys.stderr = None
from reply_desktop import logs
logs.set_up(pathlib.Path({str(tmp_path)!r}), "window")
logging.getLogger("a").error("told")
"""
    subprocess.run([sys.executable, "-c", script], timeout=60, check=True)
    assert "told" in (tmp_path / "window.log").read_text()


@pytest.mark.usefixtures("untouched")
def test_what_the_google_flow_really_logs_at_debug_is_cleaned() -> None:
    """The library itself, made to say all it can, with the floor taken away."""
    import requests
    import requests_oauthlib  # type: ignore[import-untyped]

    secrets_ = {
        "access_token": "plainlookingaccess0Token" * 3,
        "refresh_token": "opaque-refresh_Token-" * 3,
        "id_token": "opaqueIdentity0" * 5,
    }

    class Answers(requests.adapters.BaseAdapter):
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            answer = requests.Response()
            answer.status_code = 200
            answer.request = request
            answer.headers["Content-Type"] = "application/json"
            body = {**secrets_, "expires_in": 3599, "token_type": "Bearer", "scope": "openid"}
            answer.raw = io.BytesIO(json.dumps(body).encode())
            return answer

        def close(self) -> None:
            """Nothing is open."""

    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(Redaction())
    quiet_vendor_logs()
    loud = [logging.getLogger(name) for name in ("requests_oauthlib", "oauthlib")]
    for logger in loud:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
    try:
        session = requests_oauthlib.OAuth2Session(
            "client.apps", redirect_uri="http://127.0.0.1:1/google", scope=["openid"]
        )
        session.mount("https://", Answers())
        _, state = session.authorization_url("https://accounts.example/auth")
        session.fetch_token(
            "https://accounts.example/token",
            code="opaqueCodeOfTheirs0123",
            code_verifier="verifierOfOurs" * 4,
            client_secret="opaqueClientSecret99",
        )
        session.refresh_token(
            "https://accounts.example/token", client_id="c", client_secret="opaqueClientSecret99"
        )
        session.get("https://api.example/me")
        session.close()
    finally:
        for logger in loud:
            logger.removeHandler(handler)
    said = written.getvalue()
    assert "Obtained token" in said
    for secret in (
        *secrets_.values(),
        state,
        "opaqueCodeOfTheirs0123",
        "verifierOfOurs",
        "opaqueClientSecret99",
    ):
        assert secret not in said
    assert base64.b64encode(b"client.apps:opaqueClientSecret99").decode() not in said
