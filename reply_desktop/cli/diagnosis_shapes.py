"""A diagnosis on the command line: its stable JSON, and the lines a person reads."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from reply_desktop.cli.shapes import iso
from reply_desktop.domain.case import span
from reply_desktop.domain.diagnosis import Diagnosis
from reply_desktop.domain.mending import Action
from reply_desktop.domain.suspects import WEIGHT_WORDS

_COMMANDS = {
    Action.RECONNECT: "accounts reconnect {address}",
    Action.CHECK: "check {address}",
    Action.EDIT_CREDENTIALS: "accounts password {address} --password-stdin",
    Action.PROVIDERS_SETTINGS: "providers set --help",
    Action.RESUME: "accounts resume {address}",
    Action.COPY_REPORT: "accounts diagnose {address} --report",
}
"""What to type where the window has a button."""


def diagnosis(made: Diagnosis) -> dict[str, Any]:
    """One diagnosis, as `accounts diagnose --json` gives it."""
    return {
        "account_id": made.account_id,
        "address": made.address,
        "provider": made.provider.value,
        "state": made.state.value,
        "cause": made.cause.value if made.cause else None,
        "headline": made.headline,
        "happened": list(made.happened),
        "is_fine": made.is_fine,
        "noticed_at": iso(made.noticed_at),
        "proven_at": iso(made.proven_at),
        "next_check_at": iso(made.next_check_at),
        "deadline_at": iso(made.deadline_at),
        "made_at": iso(made.made_at),
        "candidates": [
            {"reason": one.reason.value, "text": one.text, "weight": one.weight.value, "why": one.why}
            for one in made.candidates
        ],
        "who_fixes": made.who.value if made.who else None,
        "who_fixes_text": made.who_fixes or None,
        "steps": [
            {"text": step.text, "action": step.action.value if step.action else None, "url": step.url}
            for step in made.steps
        ],
        "provider_error": made.provider_text,
        "provider_code": made.provider_code,
        "code_url": made.code_url,
        "history": made.history,
        "outlook": made.outlook,
        "sequences": [
            {"id": one.sequence_id, "name": one.name, "color": one.color.value, "text": one.text}
            for one in made.meanwhile
        ],
        "report": made.report,
    }


def lines(made: Diagnosis, now: datetime) -> Iterator[str]:
    """The diagnosis as text, part by part; what is too long for a screen is folded by who prints it."""
    yield f"{made.address}: {made.headline}"
    yield from (f"  {text}" for text in made.happened)
    yield f"  {_times(made, now)}"
    if made.candidates:
        yield from ("", "Reasons it may have:")
        for one in made.candidates:
            yield f"  {WEIGHT_WORDS[one.weight]}: {one.text} ({one.why})"
    if made.steps:
        yield ""
        yield f"{'How to mend it' if made.cause else 'What to do'}: {made.who_fixes}".rstrip()
    for number, step in enumerate(made.steps, 1):
        yield f"  {number}. {step.text}"
        command = _COMMANDS.get(step.action) if step.action else None
        if command:
            yield f"     reply-desktop {command.format(address=made.address)}"
        if step.url:
            yield f"     {step.url}"
    if made.provider_text:
        yield ""
        yield f"The provider said: {made.provider_text}"
        if made.code_url:
            yield f"  {made.code_url}"
    if made.meanwhile:
        yield from ("", "Meanwhile:")
        yield from (f"  {one.name}: {one.text}" for one in made.meanwhile)
    yield ""
    yield f"{made.history}. {made.outlook}".rstrip()


def _times(made: Diagnosis, now: datetime) -> str:
    parts = ["Never proven" if made.proven_at is None else f"Last proven {_ago(made.proven_at, now)}"]
    if made.noticed_at is not None:
        parts.append(f"noticed {_ago(made.noticed_at, now)}")
    if made.deadline_at is not None:
        parts.append(f"known end {iso(made.deadline_at)}")
    return ", ".join(parts) + "."


def _ago(at: datetime, now: datetime) -> str:
    return f"{span((now - at).total_seconds())} ago"
