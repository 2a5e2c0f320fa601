"""Log files of one process, from which every secret is taken out before a line is written."""

import logging
import logging.handlers
import os
import re
import sys
import threading
import time
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Final

REMOVED: Final = "[removed]"
MAX_BYTES: Final = 2_000_000
"""Of one log file; then it is put aside."""
KEPT: Final = 4
"""Files put aside that are kept."""

MAX_TEXT: Final = 20_000
"""Characters of a message or an exception that are written."""

VENDORS: Final = (
    "aiosmtpd",
    "alembic",
    "apprise",
    "apscheduler",
    "asyncio",
    "authlib",
    "charset_normalizer",
    "dns",
    "google",
    "google_auth_oauthlib",
    "httpcore",
    "httpx",
    "keyring",
    "mail.debug",
    "mail.log",
    "msal",
    "oauthlib",
    "oidc_provider_mock",
    "requests",
    "requests_oauthlib",
    "secretstorage",
    "sqlalchemy",
    "urllib3",
    "werkzeug",
)
"""Loggers of libraries. Below WARNING several of them write tokens, codes and whole answers."""

_ALWAYS: Final = (
    r"[\w-]*token|[\w-]*secret|[\w-]*password|passwd|passphrase|pass|pwd|[\w-]*verifier|[\w-]*assertion"
    r"|nonce|client_info|session_state|rapt|cookie|set-cookie|api[_-]?key"
)
"""Names whose values are secrets whatever they look like."""
_MOSTLY: Final = r"(?:(?:auth|authorization|device|user)[_-]?)?code|(?:oauth[_-]?)?state|sig"
"""Names whose values are secrets unless they are plain words or small numbers (a state, an exit code)."""

_NAMED: Final = re.compile(
    rf"(?is)(?:(?<![a-z0-9_-])|(?<=%[0-9a-f][0-9a-f])|(?<=\\u0026))(?P<name>(?P<always>{_ALWAYS})|{_MOSTLY})"
    r"(?P<gap>\\*[\"']?\s*(?:=>|[:=]|%3d)\s*(?:(?!\[removed\])[\[(])?\s*b?)"
    r"(?:(?P<escape>\\*)(?P<quote>[\"'])(?P<quoted>.*?)(?:(?<!\\)(?P=escape)(?P=quote)|\Z)"
    r"|(?P<bare>[^\s&]+))"
)
_HEADER: Final = re.compile(
    r"(?i)(?P<name>(?:proxy-)?authorization|(?:set-)?cookie)(?P<gap>\\*[\"']?\s*[:=]\s*(?:b?\\*[\"'])?)"
    r"(?P<value>[^\"'\r\n]+)"
)
_SCHEME: Final = re.compile(r"(?i)\b(?P<scheme>bearer|basic|negotiate)(?P<gap>\s+)(?P<value>[\w.~+/=%-]{6,})")
_SASL: Final = re.compile(r"(?i)\b(AUTH(?:ENTICATE)?\s+[A-Z0-9-]{4,16}\s+)(?!command\b|=)([\w+/=]{6,})")
_SPOKEN: Final = re.compile(
    r"(?i)\b(?P<name>state|code|token|verifier)(?P<gap>\s+)(?P<value>[\w.~+/%-]{12,}=*)(?=[\s.,;'\")\]}]|\Z)"
)
_SHAPED: Final = re.compile(
    r"eyJ[\w-]{6,}(?:\.[\w-]*)*"
    r"|ya29\.[\w.-]+"
    r"|\b1(?:/|%2[fF]){2}[\w.-]{10,}"
    r"|\b4(?:/|%2[fF])[\w.-]{10,}"
    r"|GOCSPX-[\w-]+"
    r"|\b[01]\.A[\w.-]{16,}"
    r"|\bM\.[A-Z]\d+_[\w.!*$-]+"
    r"|\bEw[A-Z][\w+/%=-]{16,}"
    r"|[\w.~-]{3}\dQ~[\w.~-]{20,}"
)
"""Tokens, codes and client secrets of Google and Microsoft, known by their beginnings."""
_WEBHOOK: Final = re.compile(
    r"(?i)(?P<kept>"
    # Addresses of team channels: whoever knows one can write there.
    r"\bhttps?://(?:hooks\.slack(?:-gov)?\.com|(?:\w+\.)?discord(?:app)?\.com/api/webhooks|api\.telegram\.org"
    r"|chat\.googleapis\.com|[\w.-]+\.(?:logic\.azure|webhook\.office|(?:power|apps)platform)\.[\w.-]+)(?::\d+)?/"
    # As Apprise writes them: the token may stand where others have the host.
    r"|(?<![\w+.-])(?!(?:https?|wss?|file|sqlite|reply-desktop)://)[a-z][a-z0-9+-]*://"
    # As urllib3 quotes the address of a request that failed.
    r"|\bwith url: /|\(url=https?://[^/\s]+/"
    r")(?P<value>[^\s\"'<>()\[\]]+)"
)
_SIGNED_IN: Final = re.compile(r"(?i)(?P<kept>\bhttps?://)(?P<value>[^\s/?#@\"']+)(?=@)")
_RUN: Final = re.compile(r"[\w~+=-]{24,}", re.ASCII)
_WORD: Final = re.compile(r"[a-z][a-z_-]{0,14}|\d{1,6}|AADSTS\d+")
_NOTHING: Final = frozenset({"None", "True", "False", "null", "true", "false", REMOVED})
_CONTROL: Final = {number: f"\\x{number:02x}" for number in (*range(9), *range(11, 32), 127)} | {10: "\\n"}


def redact(text: str) -> str:
    """The text without what is, or looks like, a token, a code, a verifier, a secret or a password."""
    if len(text) > MAX_TEXT:
        # Whole lines of the end, where a traceback tells the error; half a line might begin within a secret.
        end = text[-MAX_TEXT // 2 :].partition("\n")[2]
        text = f"{text[: MAX_TEXT // 2]}… (cut here)\n{end}"
    text = _HEADER.sub(lambda found: f"{found['name']}{found['gap']}{REMOVED}", text)
    text = _NAMED.sub(_named, text)
    text = _SCHEME.sub(_spoken, text)
    text = _SASL.sub(lambda found: f"{found[1]}{REMOVED}", text)
    text = _SPOKEN.sub(_spoken, text)
    text = _SHAPED.sub(REMOVED, text)
    text = _WEBHOOK.sub(lambda found: f"{found['kept']}{REMOVED}", text)
    text = _SIGNED_IN.sub(lambda found: f"{found['kept']}{REMOVED}", text)
    return _RUN.sub(_run, text)


def _named(found: re.Match[str]) -> str:
    value = found["quoted"] if found["quote"] else found["bare"].rstrip(".,;:)]}>'\"")
    if not value or value in _NOTHING or (found["always"] is None and _WORD.fullmatch(value)):
        return found[0]
    quote = f"{found['escape']}{found['quote']}" if found["quote"] else ""
    return f"{found['name']}{found['gap']}{quote}{REMOVED}{quote}"


def _spoken(found: re.Match[str]) -> str:
    first, gap, value = found.groups()
    harmless = _WORD.fullmatch(value) or (value.isalpha() and value.islower())
    return found[0] if harmless else f"{first}{gap}{REMOVED}"


def _run(found: re.Match[str]) -> str:
    run = found[0]
    mixed = any(map(str.isdigit, run)) and any(map(str.islower, run)) and any(map(str.isupper, run))
    return REMOVED if mixed else run


class Redaction(logging.Filter):
    """Takes secrets out of a record: message, arguments, exception and stack. For handlers.

    The record itself is changed, so that no other handler can write what this one would not. Control
    characters in the message are written out, so that nobody can forge a second line.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """True: every record is let through, once it is clean."""
        if getattr(record, "is_clean", False):
            return True
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = f"{record.msg} {record.args}"
        record.msg = redact(message).translate(_CONTROL)
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = _PLAIN.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        record.is_clean = True
        return True


class VendorFloor(logging.Filter):
    """Lets records of libraries through from WARNING on only, whatever level their loggers were given."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may be written."""
        return record.levelno >= logging.WARNING or not record.name.startswith(_VENDOR_NAMES)


_PLAIN: Final = logging.Formatter()
_VENDOR_NAMES: Final = tuple(f"{name}." for name in VENDORS) + VENDORS


class _UtcFormatter(logging.Formatter):
    """One line a record: time in UTC, level, logger, message; exceptions on the lines below."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-8s %(name)s: %(message)s")
        self.default_time_format = "%Y-%m-%dT%H:%M:%S"
        self.default_msec_format = "%s.%03dZ"

    converter = staticmethod(time.gmtime)


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A rotating file that only its owner can read, from its first byte on."""

    def _open(self) -> TextIOWrapper:
        def private(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        return open(self.baseFilename, "a", encoding=self.encoding, opener=private)


def set_up(folder: Path, role: str, level: int = logging.INFO) -> None:
    """Begin logging to `folder`/`role`.log, and WARNING and above to standard error too.

    Called once at the start of a process; a second call replaces the first. Errors nobody caught are logged
    as well. `folder` is made, for its owner alone, where it is missing. Raises OSError when that fails.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        _PrivateFile(folder / f"{role}.log", maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8")
    ]
    # An app without a console has no standard error.
    if sys.stderr is not None:
        console = logging.StreamHandler(sys.stderr)
        console.setLevel(logging.WARNING)
        handlers.append(console)
    root = logging.getLogger()
    for old in [each for each in root.handlers if each.formatter.__class__ is _UtcFormatter]:
        root.removeHandler(old)
        old.close()
    for each in handlers:
        each.setFormatter(_UtcFormatter())
        each.addFilter(VendorFloor())
        each.addFilter(Redaction())
        root.addHandler(each)
    root.setLevel(level)
    logging.captureWarnings(True)
    quiet_vendor_logs()
    sys.excepthook = _on_uncaught
    threading.excepthook = _on_uncaught_in_thread


def quiet_vendor_logs() -> None:
    """Keep libraries from even making records below WARNING.

    It also keeps google-auth from cutting its logger off from ours: it does so to loggers without a level.
    """
    for name in VENDORS:
        logging.getLogger(name).setLevel(logging.WARNING)


def _on_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(__name__).critical("Nobody caught this error", exc_info=(kind, error, trace))


def _on_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit or args.exc_value is None:
        return
    name = args.thread.name if args.thread else "?"
    logging.getLogger(__name__).critical(
        "Nobody caught this error in thread %s",
        name,
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
    )
