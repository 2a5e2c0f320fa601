"""Steps and their delays as people say them, and the ready-made pieces of a message. Plain text, no Qt."""

import html
import re
from typing import Final

from reply_desktop.domain.sequence import Step
from reply_desktop.ui.words import count

FALLBACK: Final = '{{ first_name or "there" }}'

_TAG: Final = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})", re.DOTALL)
_UNITS: Final = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def length_words(seconds: float) -> str:
    """“3 days 4 hours”; “0 minutes” when there is none."""
    rest, parts = int(seconds), []
    for size, name in _UNITS:
        whole, rest = divmod(rest, size)
        if whole:
            parts.append(count(whole, name))
    return " ".join(parts) or "0 minutes"


def delay_words(step: Step) -> str:
    """When a step follows: “First”, “3 days later”."""
    if step.number == 1:
        return "First"
    if step.after_s < 60:
        return "At once after it"
    return f"{length_words(step.after_s)} later"


def subject_words(step: Step) -> str:
    """The step's subject, or what an empty one means."""
    if step.subject.strip():
        return step.subject.strip()
    return "No subject yet" if step.number == 1 else "Reply in the thread"


def field_tag(name: str) -> str:
    """A merge field as it is written in a message."""
    return f"{{{{ {name} }}}}"


def as_html(text: str) -> str:
    """Plain text as HTML paragraphs; merge fields stay as they are."""
    escaped = "".join(
        piece if _TAG.fullmatch(piece) else html.escape(piece, quote=False) for piece in _TAG.split(text)
    )
    paragraphs = [part.strip("\n") for part in re.split(r"\n\s*\n", escaped)]
    return "\n".join("<p>" + part.replace("\n", "<br>\n") + "</p>" for part in paragraphs if part.strip())
