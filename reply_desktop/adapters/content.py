"""Turns a step into one prospect's message: merge fields by jinja2, kept to what cannot do harm, then MIME.

Steps may name fields, choose between texts and use the filters below. They cannot loop, call, compute or
reach into anything, so a message is never much longer than its step and its fields.
"""

import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, wraps
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Template, TemplateError, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.filters import do_title
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reply_desktop.adapters import mail
from reply_desktop.adapters.html_text import html_as_text
from reply_desktop.domain.enrollment import Thread
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.merge_field import ALWAYS_THERE, field_name, near
from reply_desktop.domain.notification import plain
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.sequence import Step
from reply_desktop.domain.sequence_rows import Rendered
from reply_desktop.services.sequence_ports import Composed

LONGEST: Final = 200_000
"""Most characters of a body, as written and as rendered."""
LONGEST_SUBJECT: Final = 500
"""Most characters of a subject; readers show about 70."""

_ALLOWED: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.CondExpr,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Compare,
    nodes.Operand,
    nodes.Assign,
)
_SAID: Final = MappingProxyType(
    {
        nodes.For: "{% for %}",
        nodes.Call: "brackets after a name",
        nodes.Getattr: "a dot after a name",
        nodes.Getitem: "[ ] after a name",
        nodes.Sub: "a minus sign",
        nodes.Concat: "~",
    }
)
"""What people would call the commonest things that steps cannot have."""

_TESTS: Final = frozenset({"defined", "undefined"})
_FAULTS: Final = (TemplateError, RecursionError, MemoryError, SyntaxError, ValueError, OverflowError)
"""What reading a template can raise: jinja's own, and Python's on one that is nested absurdly deep."""
_TAG: Final = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_WORDS: Final = re.compile(r"[\w .&/'’#-]+")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f]")
_HALF: Final = re.compile("[\ud800-\udfff]")
_BARE_TEXT: Final = re.compile(r"""(\w+)\s*\|\s*(["'])(.*?)\2""")


class _Gap(Undefined):
    """A field that is not there or empty. Counts as false; whoever writes it out leaves a problem behind."""

    __slots__ = ("_problems",)

    def __init__(self, problem: str, problems: list[str]) -> None:
        super().__init__(hint=problem)
        self._problems = problems

    def __str__(self) -> str:
        if self._undefined_message not in self._problems:
            self._problems.append(self._undefined_message)
        return ""

    def __len__(self) -> int:
        raise UndefinedError(self._undefined_message)

    def __iter__(self) -> Iterator[Any]:
        raise UndefinedError(self._undefined_message)

    __hash__ = Undefined.__hash__


def _default(value: object, instead: object = "", _also_blank: bool = True) -> object:
    """The value, or what stands in for a field that is not there or blank."""
    return instead if isinstance(value, Undefined) or not str(value).strip() else value


def _replace(value: str, old: str, new: str) -> str:
    length = len(value) + value.count(old) * (len(new) - len(old))
    if length > LONGEST:
        raise OverflowError("the text would become too long")
    return value.replace(old, new)


def _truncate(value: str, length: int = 80) -> str:
    return value if len(value) <= length else value[: max(0, length - 1)].rstrip() + "…"


def _int(value: str) -> int:
    return int(value) if re.fullmatch(r"\s*[-+]?[0-9]{1,18}\s*", value, re.ASCII) else 0


def _on_text(change: Callable[..., object]) -> Callable[..., object]:
    """The filter for fields that are there; a gap stays one, so that `default` may come after."""

    @wraps(change)
    def changed(value: object, *rest: object) -> object:
        return value if isinstance(value, Undefined) else change(str(value), *rest)

    return changed


_CHANGES: Final[Mapping[str, Callable[..., object]]] = MappingProxyType(
    {
        "capitalize": str.capitalize,
        "first_word": lambda value: next(iter(value.split()), ""),
        "int": _int,
        "length": len,
        "lower": str.lower,
        "replace": _replace,
        "title": do_title,
        "trim": str.strip,
        "truncate": _truncate,
        "upper": str.upper,
        "urlencode": lambda value: quote(value, safe=""),
    }
)
FILTERS: Final[Mapping[str, Callable[..., object]]] = MappingProxyType(
    {name: _on_text(change) for name, change in _CHANGES.items()} | {"default": _default, "d": _default}
)
"""All that may stand after a | in a step."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A template that was read: ready to fill in, and the fields it names in their order."""

    template: Template
    fields: tuple[str, ...]


class _Wrong(Exception):
    """A template that cannot be used: in which line, and why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.why = why


class Content:
    """Composer of messages; see `services.sequence_ports.Composer`. Safe to use from many threads."""

    def __init__(self) -> None:
        self._plain, self._html = _environment(html=False), _environment(html=True)
        self._read: Callable[[str, bool], _Read] = lru_cache(128)(self._read_anew)

    def fields_of(self, step: Step) -> tuple[str, ...]:
        """Merge fields a step names, in their order, without those that are always there.

        Raises InvalidInput with the line and what stands in it where the subject or the body is wrong.
        """
        found = [
            *self._checked(step.subject, False, f"Subject of step {step.number}").fields,
            *self._checked(step.body, step.html, f"Step {step.number}").fields,
        ]
        return tuple(dict.fromkeys(name for name in found if name not in ALWAYS_THERE))

    def render(
        self, step: Step, prospect: Prospect, *, sender: str, sender_name: str, thread: Thread
    ) -> Rendered:
        """The step for this prospect. What is missing or wrong is in `problems`; nothing raises for it.

        An empty subject becomes “Re: ” and the thread's. What is rendered besides problems is for looking
        at only.
        """
        problems: list[str] = []
        values = {
            **prospect.fields,
            "email": prospect.email,
            "sender": sender,
            "sender_name": sender_name,
        }
        if step.subject.strip():
            subject = self._filled(step.subject, False, f"Subject of step {step.number}", values, problems)
        else:
            subject = mail.reply_subject(thread.subject)
        subject = _one_line(subject)
        body = self._filled(step.body, step.html, f"Step {step.number}", values, problems)
        text = _as_text(body, problems) if step.html else body
        if not problems:
            problems += _shortcomings(step, subject, text)
        return Rendered(subject, text, body if step.html else None, tuple(problems))

    def compose(
        self,
        rendered: Rendered,
        *,
        sender: str,
        sender_name: str,
        recipient: str,
        now: datetime,
        marker: str,
        thread: Thread,
        unsubscribe: bool,
    ) -> Composed:
        """The message, CRLF line ends. It joins the thread when its subject is the thread's (but for “Re:”).

        Raises InvalidInput for addresses or headers that cannot be, and for a step that has problems.
        """
        if rendered.problems:
            raise InvalidInput(rendered.problems[0])
        joins = mail.same_thread(rendered.subject, thread.subject)
        mime = mail.compose(
            sender,
            recipient,
            rendered.subject,
            rendered.text,
            now,
            marker,
            sender_name=sender_name,
            html=rendered.html,
            answers=thread.message_ids if joins else (),
            unsubscribe=unsubscribe,
        )
        return Composed(mime, mail.message_id(sender, marker))

    def _checked(self, text: str, html: bool, where: str) -> _Read:
        try:
            return self._read(text, html)
        except _Wrong as wrong:
            raise _told(wrong, text, where) from None

    def _filled(
        self, text: str, html: bool, where: str, values: Mapping[str, str], problems: list[str]
    ) -> str:
        """The text with its fields; what keeps it from being sent is added to `problems`."""
        try:
            read = self._checked(text, html, where)
            return _clean("".join(_pieces(read, _context(read.fields, values, problems))))
        except InvalidInput as error:
            problems.append(str(error))
        except _Wrong as wrong:
            problems.append(wrong.why if wrong.line == 0 else str(_told(wrong, text, where)))
        return ""

    def _read_anew(self, text: str, html: bool) -> _Read:
        if len(text) > LONGEST:
            raise _Wrong(1, f"it is longer than {LONGEST:,} characters")
        environment = self._html if html else self._plain
        try:
            tree = environment.parse(text)
            _check(tree)
            undeclared = find_undeclared_variables(tree)
            names = [node.name for node in tree.find_all(nodes.Name) if node.name in undeclared]
            read = _Read(environment.from_string(text), tuple(dict.fromkeys(names)))
        except TemplateSyntaxError as error:
            raise _Wrong(error.lineno, error.message or "it cannot be read") from None
        except _FAULTS:
            raise _Wrong(1, "it cannot be read") from None
        # What fails whatever the fields hold (“employees > 5”: a text is no number) is told before any mail.
        for _ in _pieces(read, dict.fromkeys(read.fields, "1")):
            pass
        return read


def _environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=html, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True, cache_size=0
    )
    environment.globals.clear()
    environment.filters = dict(FILTERS)
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    return environment


def _check(tree: nodes.Template) -> None:
    """Raise _Wrong for anything steps cannot have."""
    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, _ALLOWED):
            said = _SAID.get(type(node), f"“{type(node).__name__.lower()}”")
            raise _Wrong(node.lineno, f"a step cannot have {said} there")
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise _Wrong(node.lineno, f"there is no “| {node.name}”; there are {', '.join(sorted(FILTERS))}")
        if isinstance(node, nodes.Test) and node.name not in _TESTS:
            raise _Wrong(node.lineno, f"there is no test “is {node.name}”")
        if isinstance(node, nodes.Assign) and not isinstance(node.target, nodes.Name):
            raise _Wrong(node.lineno, "only one name can be set at a time")
        if isinstance(node, nodes.Name) and node.name == "self":
            raise _Wrong(node.lineno, "“self” is no field")
        waiting.extend(node.iter_child_nodes())


def _context(names: Iterable[str], values: Mapping[str, str], problems: list[str]) -> dict[str, object]:
    """What the names stand for: the fields' values, or gaps that tell what to do about them."""
    return {
        name: value if (value := values.get(name, "")).strip() else _Gap(_gap(name, values), problems)
        for name in names
    }


def _gap(name: str, values: Mapping[str, str]) -> str:
    if name == "sender_name":
        return "{{ sender_name }} is empty; give the sequence a sender's name."
    empty = f"{{{{ {name} }}}} is empty for {plain(values['email'])}"
    meant = None if name in values else near(name, values)
    if meant is not None:
        return f"{empty}; did you mean {{{{ {meant} }}}}?"
    return f"{empty}; write {{{{ {name} | default('your team') }}}} or fill it in."


def _pieces(read: _Read, context: Mapping[str, object]) -> Iterator[str]:
    """What the template gives, piece by piece. Raises _Wrong; line 0: the problem names no place."""
    length = 0
    try:
        for piece in read.template.generate(**context):
            length += len(piece)
            if length > LONGEST:
                raise _Wrong(0, f"The message would be longer than {LONGEST:,} characters.")
            yield piece
    except _Wrong:
        raise
    except UndefinedError as error:
        raise _Wrong(0, error.message or "A field is empty.") from None
    except Exception as error:
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == "<template>" and frame.lineno
        ]
        raise _Wrong(
            lines[-1] if lines else 1, f"it cannot be worked out ({plain(str(error), 120)})"
        ) from None


def _told(wrong: _Wrong, text: str, where: str) -> InvalidInput:
    """The error in words: where, what stands there, why, and what was most likely meant."""
    lines = text.splitlines() or [""]
    there = lines[min(wrong.line, len(lines)) - 1]
    place = f"{where}, line {wrong.line}" if len(lines) > 1 else where
    return InvalidInput(f"{place} (“{plain(there, 80)}”): {plain(wrong.why).rstrip('.')}.", _meant(there))


def _meant(line: str) -> str:
    """What to write instead of what stands in this line, if that can be guessed."""
    for inside in _TAG.findall(line):
        if re.search("[“”„‘’«»]", inside):
            return 'Use straight quotes (") inside {{ }}.'
        bare = _BARE_TEXT.fullmatch(inside)
        if bare is not None:
            return f'Write {{{{ {field_name(bare[1])} | default("{bare[3]}") }}}}.'
        name, bar, rest = (part.strip() for part in inside.partition("|"))
        if _WORDS.fullmatch(name) and not name.isidentifier() and field_name(name):
            return f"Write {{{{ {field_name(name)}{f' {bar} {rest}' if bar else ''} }}}}."
    return "Check what stands between {{ and }} there."


def _clean(text: str) -> str:
    """Text with plain line ends and without characters that only steer devices."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _one_line(text: str) -> str:
    """A subject: what would break it into lines becomes a space."""
    return " ".join(text.replace("\t", " ").splitlines()).strip()


def _as_text(html: str, problems: list[str]) -> str:
    try:
        return html_as_text(html)
    except (RecursionError, ValueError):
        problems.append("The HTML cannot be read; take it apart into simpler pieces.")
        return ""


def _shortcomings(step: Step, subject: str, text: str) -> Iterator[str]:
    """What keeps a message from being sent though every field is there."""
    if not subject:
        yield f"Step {step.number} has no subject, and there is no mail before it to reply to."
    if len(subject) > LONGEST_SUBJECT:
        yield f"The subject would be longer than {LONGEST_SUBJECT} characters."
    if not text.strip():
        yield f"Step {step.number} has no text."
    if _HALF.search(subject + text):
        yield f"Step {step.number} has characters that cannot be sent."
