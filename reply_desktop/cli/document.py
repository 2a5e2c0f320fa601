"""Reads YAML and TOML into one kind of tree whose every value knows where in the file it stands.

Scalars stay the text they were written as: YAML 1.1 would take `9:00` for 540 and `no` for false.
"""

import difflib
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import yaml

from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.notification import plain

LONGEST_FILE = 1_000_000
"""Characters; a plan is written by a person."""

_LINES_SEARCHED = 1000
_SHORT = 4
_TAGS = ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "seq", "map")
"""What YAML gives plain values by itself (YAML 1.1 types)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A value and where it stands: a text, a list, a table, or None where nothing was written."""

    value: "str | list[Part] | dict[str, Part] | None"
    where: Callable[[], str]

    def wrong(self, what: str, todo: str = "") -> InvalidInput:
        """The error that names the place."""
        return InvalidInput(f"{self.where()}: {what}", todo)

    def table(self, allowed: Collection[str], name: str) -> "dict[str, Part]":
        """The keys that were given a value. Raises InvalidInput for a key that is not among those allowed."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.wrong(f"{name} must have keys of its own.", f"Allowed are {', '.join(allowed)}.")
        for key, part in self.value.items():
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, 1, 0.5)
                hint = f"Did you mean {near[0]}? " if near else ""
                raise part.wrong(
                    f"{name} has no key “{plain(key, 40)}”.", f"{hint}Allowed are {', '.join(allowed)}."
                )
        return {key: part for key, part in self.value.items() if part.value is not None}

    def items(self, name: str) -> "list[Part]":
        """The list's values. Raises InvalidInput when it is no list."""
        if not isinstance(self.value, list):
            raise self.wrong(f"{name} must be a list.")
        return self.value

    def text(self, name: str) -> str:
        """The text as written. Raises InvalidInput for a list or a table."""
        if not isinstance(self.value, str):
            raise self.wrong(f"{name} must be a text.")
        return self.value


def read_document(path: Path) -> Part:
    """The file's tree; `.toml` is TOML, all else YAML. Raises InvalidInput with the line of a mistake."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read(LONGEST_FILE + 1)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not a text file in UTF-8.") from None
    # Counted and not asked for: a device or a pipe has no size, and may never end.
    if len(text) > LONGEST_FILE:
        raise InvalidInput(f"{path} is too large to be a sequence file.")
    text = text.replace("\r\n", "\n")
    return read_toml(text, path.name) if path.suffix.lower() == ".toml" else read_yaml(text, path.name)


def read_yaml(text: str, name: str) -> Part:
    """The tree of a YAML text. Raises InvalidInput with the line of a mistake."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return Part(None, lambda: name) if node is None else _from_node(node, name, {})
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise InvalidInput(
            f"{name}{line} is not YAML: {plain(error.problem or 'it cannot be read')}.",
            "Mind spaces at the beginning of lines and quotes.",
        ) from None
    except yaml.YAMLError:
        raise InvalidInput(f"{name} has characters YAML does not allow.") from None
    except RecursionError:
        raise InvalidInput(f"{name} is nested too deeply.") from None


def read_toml(text: str, name: str) -> Part:
    """The tree of a TOML text. Raises InvalidInput with the line of a mistake."""
    try:
        return _from_toml(tomllib.loads(text), name, text, ())
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{name} is not TOML: {plain(str(error))}.") from None
    except RecursionError:
        raise InvalidInput(f"{name} is nested too deeply.") from None


def write_yaml(document: Mapping[str, Any]) -> str:
    """The document as YAML text, in its own order, which `read_yaml` reads back to the same."""
    text: str = yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


def _from_node(node: yaml.Node, name: str, known: dict[int, Part]) -> Part:
    # An alias is the same node again: kept, a file of a few lines cannot grow to gigabytes here.
    if id(node) in known:
        return known[id(node)]
    line = node.start_mark.line + 1

    def where() -> str:
        return f"{name}, line {line}"

    if node.tag.removeprefix("tag:yaml.org,2002:") not in _TAGS:
        raise InvalidInput(f"{where()}: the tag {plain(node.tag, 60)} is not used here.", "Take it out.")
    if isinstance(node, yaml.ScalarNode):
        part = known[id(node)] = Part(None if node.tag.endswith(":null") else node.value, where)
        return part
    if isinstance(node, yaml.SequenceNode):
        items: list[Part] = []
        part = known[id(node)] = Part(items, where)
        items.extend(_from_node(one, name, known) for one in node.value)
        return part
    table: dict[str, Part] = {}
    part = known[id(node)] = Part(table, where)
    for key, value in node.value:
        at = f"{name}, line {key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode):
            raise InvalidInput(f"{at}: a key must be a word.")
        if key.value in table:
            raise InvalidInput(f"{at}: “{plain(key.value, 40)}” is there twice.", "Take one out.")
        made = _from_node(value, name, known)
        # Where the key stands, which is what a person looks for.
        table[key.value] = Part(made.value, lambda at=at: at)  # type: ignore[misc]
    return part


def _from_toml(value: Any, name: str, text: str, path: tuple[str | int, ...]) -> Part:
    def where() -> str:
        line = _line(text, path)
        return name if line is None else f"{name}, line {line}"

    if isinstance(value, dict):
        return Part({k: _from_toml(v, name, text, (*path, k)) for k, v in value.items()}, where)
    if isinstance(value, list):
        return Part([_from_toml(v, name, text, (*path, i)) for i, v in enumerate(value)], where)
    if isinstance(value, bool):
        return Part(str(value).lower(), where)
    if isinstance(value, (datetime, date, time)):
        return Part(value.isoformat(), where)
    return Part(str(value), where)


def _line(text: str, path: tuple[str | int, ...]) -> int | None:
    """The line where a value begins: the first that, with those before it, makes the value appear."""
    lines = text.split("\n")
    if not path or len(lines) > _LINES_SEARCHED:
        return None
    begins = 1
    for count in range(1, len(lines) + 1):
        try:
            found: Any = tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        try:
            for step in path:
                found = found[step]
        except (KeyError, IndexError):
            begins = count + 1
        else:
            return begins
    return None


class _Dumper(yaml.SafeDumper):
    """Lists inside lists are indented, and texts of several lines stand as they are read."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def text(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    def row(self, items: Sequence[Any]) -> yaml.SequenceNode:
        short = all(isinstance(one, (int, float)) or len(str(one)) <= _SHORT for one in items)
        return self.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=short)


_Dumper.add_representer(str, _Dumper.text)
_Dumper.add_representer(list, _Dumper.row)
