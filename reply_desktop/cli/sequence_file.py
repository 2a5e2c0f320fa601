"""Sequence files: a sequence as a person writes, reviews and keeps it, in YAML or TOML.

The format is told in docs/sequence-files.md.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from reply_desktop.cli.document import Part, read_document, write_yaml
from reply_desktop.domain.address import parse_address
from reply_desktop.domain.durations import HOW, parse_duration, write_duration
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.sequence import Ramp, Step, Stranded, StrandedKind
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence_checks import (
    MAX_DAILY_LIMIT,
    MAX_GAP_S,
    check_sequence,
    knows_timezone,
    timezone_hint,
)
from reply_desktop.domain.window import SendingWindow

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

KEYS: Final = (
    "name", "accounts", "window", "start", "gap_s", "daily_limit", "ramp", "stranded", "sender_name",
    "unsubscribe", "stop_on_reply", "steps",
)  # fmt: skip
WINDOW_KEYS: Final = ("days", "from", "to", "timezone")
RAMP_KEYS: Final = ("first", "step")
STEP_KEYS: Final = ("after", "subject", "body", "html")

_TIME: Final = re.compile(r"\d{1,2}:\d\d(?::\d\d)?", re.ASCII)
_FLAGS: Final = dict.fromkeys(("true", "yes", "on"), True) | dict.fromkeys(("false", "no", "off"), False)


@dataclass(frozen=True, slots=True)
class Start:
    """When a sequence is to begin; `at` is aware UTC, None means at once."""

    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file says: the sequence, its accounts by address, and when it starts, if the file says so."""

    sequence: MailSequence
    start: Start | None = None


def read_plan(path: Path, now: datetime) -> Plan:
    """The plan in a file. Raises InvalidInput naming file, line and key, and what is allowed there."""
    return plan_of(read_document(path), now)


def plan_of(root: Part, now: datetime) -> Plan:
    """The plan a document holds; raises as `read_plan`."""
    keys = root.table(KEYS, "A sequence")
    if "name" not in keys:
        raise root.wrong("The sequence has no name.", "Begin with a line like “name: Spring outreach”.")
    read: dict[str, Any] = {key: read(keys[key]) for key, read in _READERS.items() if key in keys}
    start = _placed(keys["start"], "start", lambda text: parse_start(text, now)) if "start" in keys else None
    sequence = MailSequence(id="", created_at=now, **read)
    try:
        check_sequence(sequence)
    except InvalidInput as error:
        raise root.wrong(error.what, error.todo) from None
    return Plan(sequence, start)


def parse_start(text: str, now: datetime) -> Start:
    """`now`, `+15m`, or an ISO 8601 time, which without an offset is this computer's.

    Raises InvalidInput for anything else, and for a time that is over.
    """
    trimmed = text.strip()
    if trimmed.lower() == "now":
        return Start()
    if trimmed.startswith("+"):
        return Start(now + timedelta(seconds=parse_duration(trimmed[1:])))
    try:
        at = datetime.fromisoformat(trimmed).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidInput(
            f"“{trimmed[:40]}” is not a time to start.",
            "Write now, +15m, or a time like 2026-03-02T09:00+01:00.",
        ) from None
    if at < now - timedelta(minutes=1):
        raise InvalidInput(f"{trimmed} is over.", "Choose a time to come, or now.")
    return Start(at)


def write_plan(plan: Plan) -> str:
    """The plan as YAML that `read_plan` reads back to the same."""
    one = plan.sequence
    document: dict[str, Any] = {
        "name": one.name,
        "accounts": list(one.accounts),
        "window": {
            "days": [DAYS[day - 1] for day in one.window.days],
            "from": _clock(one.window.opens),
            "to": _clock(one.window.closes),
            "timezone": one.window.timezone,
        },
    }
    if plan.start is not None:
        document["start"] = "now" if plan.start.at is None else plan.start.at.isoformat(timespec="seconds")
    document["gap_s"] = [int(s) if s == int(s) else s for s in one.gap_s]
    if one.daily_limit is not None:
        document["daily_limit"] = one.daily_limit
    if one.ramp is not None:
        document["ramp"] = {"first": one.ramp.first, "step": one.ramp.step}
    document["stranded"] = one.stranded.kind.value + (
        f":{write_duration(one.stranded.after_s)}" if one.stranded.kind is StrandedKind.MOVE_AFTER else ""
    )
    document |= {
        "sender_name": one.sender_name,
        "unsubscribe": one.unsubscribe,
        "stop_on_reply": one.stop_on_reply,
        "steps": [
            ({"after": write_duration(step.after_s)} if step.number > 1 else {})
            | ({"subject": step.subject} if step.subject else {})
            | ({"html": True} if step.html else {})
            | {"body": step.body}
            for step in one.steps
        ],
    }
    return write_yaml(document)


def with_known_steps(written: MailSequence, stored: MailSequence) -> MailSequence:
    """The written sequence in place of the stored one: its id and revision, and its steps' ids.

    Files hold no ids of steps. Unchanged steps are found by what they say, changed ones by their place
    between those, so that prospects stay at the step they had got to.
    """
    before, after = [_said(step) for step in stored.steps], [_said(step) for step in written.steps]
    ids = [""] * len(after)
    for _, a1, a2, b1, b2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for old, new in zip(range(a1, a2), range(b1, b2), strict=False):
            ids[new] = stored.steps[old].id
    steps = tuple(replace(step, id=known) for step, known in zip(written.steps, ids, strict=True))
    return replace(written, id=stored.id, revision=stored.revision, steps=steps)


def _said(step: Step) -> tuple[str, str, bool]:
    return step.subject, step.body, step.html


def _placed(part: Part, name: str, read: Callable[[str], Any]) -> Any:
    """What `read` makes of the text; its error gets the place."""
    try:
        return read(part.text(name))
    except InvalidInput as error:
        raise part.wrong(error.what, error.todo) from None


def _duration(part: Part, name: str) -> float:
    return float(_placed(part, name, parse_duration))


def _whole(part: Part, name: str, most: int) -> int:
    text = part.text(name).strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:12]) <= most):
        raise part.wrong(f"{name} cannot be “{text[:40]}”.", f"Allowed are 1 to {most:,}.")
    return int(text)


def _flag(name: str) -> Callable[[Part], bool]:
    def read(part: Part) -> bool:
        text = part.text(name)
        flag = _FLAGS.get(text.strip().lower())
        if flag is None:
            raise part.wrong(f"{name} cannot be “{text[:40]}”.", "Allowed are true and false.")
        return flag

    return read


def _accounts(part: Part) -> tuple[str, ...]:
    return tuple(_placed(one, "An account", parse_address) for one in part.items("accounts"))


def _gap(part: Part) -> tuple[float, float]:
    both = part.items("gap_s")
    if len(both) != 2:
        raise part.wrong("gap_s needs two numbers.", "Give the least and the most, like [120, 300].")
    gap = (_seconds(both[0]), _seconds(both[1]))
    if not gap[0] <= gap[1] <= MAX_GAP_S:
        raise part.wrong("gap_s is out of range.", "Give the least first and the most second, 0 to 86400.")
    return gap


def _seconds(part: Part) -> float:
    text = part.text("gap_s").strip()
    try:
        return float(text) if text.replace(".", "", 1).isdecimal() else parse_duration(text)
    except (ValueError, InvalidInput):
        raise part.wrong(f"“{text[:40]}” is not a number of seconds.", HOW) from None


def _ramp(part: Part) -> Ramp:
    keys = part.table(RAMP_KEYS, "ramp")
    if len(keys) != len(RAMP_KEYS):
        raise part.wrong("ramp needs first and step.", "Write it like {first: 10, step: 5}.")
    return Ramp(
        _whole(keys["first"], "first", MAX_DAILY_LIMIT), _whole(keys["step"], "step", MAX_DAILY_LIMIT)
    )


def _stranded(part: Part) -> Stranded:
    kind, colon, grace = part.text("stranded").strip().partition(":")
    if kind not in tuple(StrandedKind) or bool(colon) != (kind == StrandedKind.MOVE_AFTER):
        raise part.wrong(
            f"stranded cannot be “{part.text('stranded')[:40]}”.",
            "Allowed are wait, move_after:2h (or another time), and move_unstarted.",
        )
    after_s = _placed(part, "stranded", lambda _: parse_duration(grace)) if colon else 0.0
    return Stranded(StrandedKind(kind), after_s)


def _window(part: Part) -> SendingWindow:
    keys = part.table(WINDOW_KEYS, "window")
    window = SendingWindow()
    if "days" in keys:
        window = replace(window, days=_days(keys["days"]))
    if "from" in keys:
        window = replace(window, opens=_time(keys["from"], "from"))
    if "to" in keys:
        window = replace(window, closes=_time(keys["to"], "to"))
    if "timezone" in keys:
        zone = keys["timezone"].text("timezone").strip()
        if not knows_timezone(zone):
            raise keys["timezone"].wrong(f"“{zone[:60]}” is not a time zone.", timezone_hint(zone))
        window = replace(window, timezone=zone)
    return window


def _days(part: Part) -> tuple[int, ...]:
    if isinstance(part.value, str):
        # “mon-fri”, and one day alone.
        ends = [_day(Part(word, part.where)) for word in part.value.split("-", 1)]
        if ends[0] > ends[-1]:
            raise part.wrong(f"{part.value[:40]} goes over the end of the week.", "List the days.")
        return tuple(range(ends[0], ends[-1] + 1))
    days = {_day(one) for one in part.items("days")}
    if not days:
        raise part.wrong("days is empty.", f"Allowed are {', '.join(DAYS)}.")
    return tuple(sorted(days))


def _day(part: Part) -> int:
    word = part.text("A day").strip().lower()
    for number, day in enumerate(_WEEK, 1):
        if len(word) >= 2 and day.startswith(word):
            return number
    raise part.wrong(f"“{word[:40]}” is not a day.", f"Allowed are {', '.join(DAYS)}, and a span: mon-fri.")


def _time(part: Part, name: str) -> time:
    text = part.text(name).strip()
    if text == "24:00":
        return time(0)
    if _TIME.fullmatch(text):
        try:
            return time.fromisoformat(f"{text:0>5}" if text.count(":") == 1 else f"{text:0>8}")
        except ValueError:
            pass
    raise part.wrong(f"{name} cannot be “{text[:40]}”.", "Write a time of day like 9:00 or 17:30.")


def _steps(part: Part) -> tuple[Step, ...]:
    return tuple(_step(number, one) for number, one in enumerate(part.items("steps"), 1))


def _step(number: int, part: Part) -> Step:
    keys = part.table(STEP_KEYS, f"Step {number}")
    if "body" not in keys:
        raise part.wrong(f"Step {number} has no body.", "Write what the mail is to say.")
    if "after" not in keys and number > 1:
        raise part.wrong(f"Step {number} does not say after how long.", "Add a line like “after: 3d”.")
    after_s = _duration(keys["after"], "after") if "after" in keys else 0.0
    if number == 1 and after_s:
        raise keys["after"].wrong("Step 1 waits for no step before it.", "Leave “after” out there.")
    return Step(
        id="",
        number=number,
        after_s=after_s,
        subject=keys["subject"].text("subject") if "subject" in keys else "",
        body=keys["body"].text("body"),
        html=_flag("html")(keys["html"]) if "html" in keys else False,
    )


_READERS: Final[Mapping[str, Callable[[Part], Any]]] = {
    "name": lambda part: part.text("name").strip(),
    "accounts": _accounts,
    "window": _window,
    "gap_s": _gap,
    "daily_limit": lambda part: _whole(part, "daily_limit", MAX_DAILY_LIMIT),
    "ramp": _ramp,
    "stranded": _stranded,
    "sender_name": lambda part: part.text("sender_name"),
    "unsubscribe": _flag("unsubscribe"),
    "stop_on_reply": _flag("stop_on_reply"),
    "steps": _steps,
}
"""Key of the file, which is the field's name too → what reads it."""


def _clock(at: time) -> str:
    return at.isoformat("seconds" if at.second else "minutes")
