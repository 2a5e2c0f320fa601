"""The report on an account's trouble that a person sends to an administrator: plain text, no secret in it."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from reply_desktop.domain.case import ASKED_SCOPES, Case, Record
from reply_desktop.domain.diagnosis import Diagnosis
from reply_desktop.domain.mending import DiagnosisStep, admin_steps
from reply_desktop.domain.notification import plain
from reply_desktop.domain.provider import PROVIDER_NAMES, SINGLE_CLICK, Provider
from reply_desktop.domain.states import STATE_WORDS

_TRACES: Final = (
    ("Trace ID", r"Trace ID:\s*([0-9a-fA-F-]{36})"),
    ("Correlation ID", r"Correlation ID:\s*([0-9a-fA-F-]{36})"),
    ("Provider's time", r"Timestamp:\s*(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ?)"),
)
"""How an administrator finds the refusal. Source: entra-docs reference-error-codes.md."""
_DEFAULT_AUTHORITY: Final = "https://login.microsoftonline.com/common"


def report(diagnosis: Diagnosis, record: Record, app: str, clean: Callable[[str], str]) -> str:
    """The report, a fact to a line. `app`: name and version.

    `clean` takes secrets out of a text; everything that came from outside goes through it. Links are made
    here from what is no secret, and stay whole.
    """
    case = Case(record, diagnosis.made_at)
    facts = [line for line in _facts(diagnosis, case, app, clean) if line[1]]
    width = max(len(name) for name, _ in facts) + 1
    lines = [f"{name + ':':{width}} {value}" for name, value in facts]
    for title, told in (
        ("What happened", (clean(text) for text in diagnosis.happened)),
        ("Reasons weighed", _reasons(diagnosis, clean)),
        ("What the administrator can do", _steps(admin_steps(case), clean)),
    ):
        lines += _part(title, told)
    return "\n".join(lines) + "\n"


def _facts(
    diagnosis: Diagnosis, case: Case, app: str, clean: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    record, account = case.record, case.account
    said = clean(plain(diagnosis.provider_text or "", 1000))
    yield "Report of", app
    yield "Made", _utc(diagnosis.made_at)
    yield "Account", clean(plain(account.address, 254))
    yield "Provider", PROVIDER_NAMES[account.provider]
    if account.servers is not None:
        yield "Mail server", clean(f"{account.servers.smtp.host}:{account.servers.smtp.port}")
    if account.provider is Provider.MICROSOFT:
        yield "Authority", clean(plain(record.authority or _DEFAULT_AUTHORITY, 200))
    if account.provider in SINGLE_CLICK:
        yield "Client ID", clean(plain(record.client_id or "not known", 200))
        yield "Permissions asked", " ".join(ASKED_SCOPES[account.provider])
        yield "Permissions given", clean(plain(" ".join(account.scopes), 1000)) or "none"
    yield "State", STATE_WORDS[account.state]
    yield "Cause", f"{account.cause} ({clean(diagnosis.headline)})" if account.cause else "none"
    yield "Code", clean(diagnosis.provider_code or "")
    yield "About the code", diagnosis.code_url or ""
    for name, pattern in _TRACES:
        found = re.search(pattern, diagnosis.provider_text or "", re.ASCII)
        yield name, found[1] if found else ""
    yield "Provider said", said
    yield "Signed in", _utc(account.granted_at)
    yield "Last proof", _utc(account.proven_at) or "never"
    yield "First failure", _utc(diagnosis.noticed_at)
    yield "Last check", _utc(account.checked_at)
    yield "Known end", _utc(account.deadline_at)
    yield "History", diagnosis.history


def _reasons(diagnosis: Diagnosis, clean: Callable[[str], str]) -> Iterator[str]:
    for one in diagnosis.candidates:
        yield f"{one.weight}: {clean(one.text)} {clean(one.why)}"


def _steps(listed: Iterable[DiagnosisStep], clean: Callable[[str], str]) -> Iterator[str]:
    for step in listed:
        yield clean(step.text)
        if step.url:
            yield f"  {step.url}"


def _part(title: str, told: Iterable[str]) -> list[str]:
    lines = [f"  {line}" for line in told]
    return ["", f"{title}:", *lines] if lines else []


def _utc(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else ""
