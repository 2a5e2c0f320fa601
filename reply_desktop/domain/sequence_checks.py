"""What a sequence must keep to before it can be saved, whichever front made it. Pure."""

import difflib
import zoneinfo
from itertools import pairwise
from typing import Final

from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.sequence import Sequence, Step, StrandedKind

MAX_NAME: Final = 100
MAX_SENDER_NAME: Final = 100
MAX_STEPS: Final = 20
MAX_WAIT_S: Final = 366 * 86400.0
"""Longest wait between two steps, and longest grace of a stranded prospect, in seconds."""
MAX_GAP_S: Final = 86400.0
MAX_DAILY_LIMIT: Final = 10_000
"""No provider lets a mailbox send more in a day."""
MAX_SUBJECT: Final = 500
"""Characters; readers show about 70."""
MAX_BODY: Final = 200_000


def check_sequence(sequence: Sequence) -> None:
    """Raises InvalidInput that names the setting, or the step by its number, and what is allowed."""
    if not sequence.name or len(sequence.name) > MAX_NAME or not sequence.name.isprintable():
        raise InvalidInput(
            "The sequence needs a name that can be shown.",
            f"Give it one of 1 to {MAX_NAME} characters, on one line.",
        )
    if len(sequence.sender_name) > MAX_SENDER_NAME or not sequence.sender_name.isprintable():
        raise InvalidInput(
            "The sender's name is too long or has a line break in it.",
            f"Use up to {MAX_SENDER_NAME} characters.",
        )
    if len(set(sequence.accounts)) != len(sequence.accounts):
        raise InvalidInput("A sending account is there twice.", "Take one out.")
    _check_pace(sequence)
    _check_window(sequence)
    if len(sequence.steps) > MAX_STEPS:
        raise InvalidInput(f"{len(sequence.steps)} steps are too many.", f"Use up to {MAX_STEPS}.")
    for number, step in enumerate(sequence.steps, 1):
        _check_step(number, step)


def _check_pace(sequence: Sequence) -> None:
    least, most = sequence.gap_s
    # A comparison with not-a-number is false, so each is asked for what it must be.
    if not 0 <= least <= most <= MAX_GAP_S:
        raise InvalidInput(
            f"A gap of {least:g} to {most:g} seconds cannot be kept.",
            "Give the least first and the most second, 0 to 86,400 seconds.",
        )
    limit, ramp = sequence.daily_limit, sequence.ramp
    if limit is not None and not 1 <= limit <= MAX_DAILY_LIMIT:
        raise InvalidInput(f"A daily limit of {limit} makes no sense.", f"Use 1 to {MAX_DAILY_LIMIT:,}.")
    if ramp and not (1 <= ramp.first <= MAX_DAILY_LIMIT and 1 <= ramp.step <= MAX_DAILY_LIMIT):
        raise InvalidInput(
            f"Warming up with {ramp.first} mails and {ramp.step} more a day makes no sense.",
            f"Use 1 to {MAX_DAILY_LIMIT:,} for both.",
        )
    stranded = sequence.stranded
    if stranded.kind is StrandedKind.MOVE_AFTER and not 0 <= stranded.after_s <= MAX_WAIT_S:
        raise InvalidInput(
            "The time after which stranded prospects move is out of range.", "Use up to a year."
        )


def _check_window(sequence: Sequence) -> None:
    window = sequence.window
    if not window.days or any(not 1 <= day <= 7 for day in window.days):
        raise InvalidInput("The sending window has no day in it.", "Choose at least one day.")
    if any(one >= other for one, other in pairwise(window.days)):
        raise InvalidInput(
            "The days of the sending window are not in order.", "Give each once, Monday first."
        )
    # 00:00 as the end is midnight at the day's end.
    if window.closes <= window.opens and any(
        (window.closes.hour, window.closes.minute, window.closes.second)
    ):
        raise InvalidInput(
            f"The sending window ends at {window.closes:%H:%M}, before it begins at {window.opens:%H:%M}.",
            "It cannot go past midnight; use 00:00 as the end for the whole day.",
        )
    if not knows_timezone(window.timezone):
        raise InvalidInput(f"“{window.timezone[:60]}” is not a time zone.", timezone_hint(window.timezone))


def knows_timezone(name: str) -> bool:
    """Whether this computer knows the IANA time zone."""
    try:
        zoneinfo.ZoneInfo(name)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


def timezone_hint(name: str) -> str:
    """What to write in place of a time zone nobody knows."""
    near = difflib.get_close_matches(name, zoneinfo.available_timezones(), 1, 0.6)
    return f"Did you mean {near[0]}?" if near else "Write it like Europe/Berlin or UTC."


def _check_step(number: int, step: Step) -> None:
    if not 0 <= step.after_s <= MAX_WAIT_S:
        raise InvalidInput(f"Step {number} waits too long or less than nothing.", "Use 0 to 366 days.")
    if number == 1 and not step.subject.strip():
        raise InvalidInput("Step 1 has no subject.", "Only later steps may go without: they reply to it.")
    if len(step.subject) > MAX_SUBJECT or "\n" in step.subject or "\r" in step.subject:
        raise InvalidInput(
            f"The subject of step {number} is too long or has a line break in it.", "Keep it on one line."
        )
    if not step.body.strip():
        raise InvalidInput(f"Step {number} has no text.", "Write what the mail is to say.")
    if len(step.body) > MAX_BODY:
        raise InvalidInput(f"The text of step {number} is too long.", f"Use up to {MAX_BODY:,} characters.")
