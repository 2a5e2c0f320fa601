"""Frames of the channel: one JSON object each, checked against the message classes when read.

A frame is {"id": number or null, "kind": …, "name": class name, "body": fields}. Replies and failures carry
the id of their request; events have none.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache, partial
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from reply_desktop.channel.messages import EVENTS, REQUESTS, Failure, Request
from reply_desktop.channel.wire import MAX_FRAME
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.notification import plain

UNKNOWN_REQUEST: Final = "unknown_request"
"""Code of the failure that answers a request of a name the engine does not know."""

Kind = Literal["request", "reply", "failure", "event"]

_CLASSES: Final[dict[str, dict[str, type]]] = {
    "request": REQUESTS,
    "reply": {kind.Answer.__name__: kind.Answer for kind in REQUESTS.values() if issubclass(kind, Request)},
    "failure": {Failure.__name__: Failure},
    "event": EVENTS,
}


class Unreadable(InvalidInput):
    """A frame that is not what it should be. `id` is its request's, or None when not even that can be told.

    Names the field at fault and never its value, which may be a secret.
    """

    def __init__(self, what: str, *, frame_id: int | None = None, code: str = InvalidInput.code) -> None:
        super().__init__(what)
        self.id = frame_id
        self.code = code


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that was read: `message` is an instance of the class of that name."""

    id: int | None
    kind: Kind
    message: Any


class _Outer(msgspec.Struct, frozen=True):
    id: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None
    kind: Kind
    name: Annotated[str, msgspec.Meta(max_length=100)]
    body: msgspec.Raw


class _Written(msgspec.Struct, frozen=True):
    id: int | None
    kind: Kind
    name: str
    body: Any


_encoder: Final = msgspec.json.Encoder()
_outer: Final = msgspec.json.Decoder(_Outer)


def encode(kind: Kind, message: object, frame_id: int | None = None) -> bytes:
    """The frame of a message. Raises InvalidInput when it cannot be written or is longer than MAX_FRAME."""
    name = type(message).__name__
    if _CLASSES[kind].get(name) is not type(message):
        raise InvalidInput(f"{name} is not a {kind} of the channel.")
    try:
        data = _encoder.encode(_Written(frame_id, kind, name, message))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        # The library's text can quote the value, so only its kind is told.
        raise InvalidInput(f"{name} cannot be sent: {type(error).__name__}.") from None
    if len(data) > MAX_FRAME:
        raise InvalidInput(f"{name} is too long to be sent.", "Ask for less at once.")
    return data


def decode(data: bytes | bytearray) -> Frame:
    """The message in a frame. Raises Unreadable naming the field that is wrong."""
    try:
        outer = _outer.decode(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"This is not a frame of the channel: {_reason(error)}") from None
    kind = _CLASSES[outer.kind].get(outer.name)
    if kind is None:
        raise Unreadable(
            f"The {outer.kind} “{plain(outer.name)}” is not known.",
            frame_id=outer.id,
            code=UNKNOWN_REQUEST,
        )
    read, look = _reader(kind)
    try:
        message = read(outer.body)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{outer.name} cannot be read: {_reason(error)}", frame_id=outer.id) from None
    where = look(message) if look is not None else None
    if where is not None:
        raise Unreadable(
            f"{outer.name} cannot be read: Expected a time in UTC - at `${where}`", frame_id=outer.id
        )
    return Frame(outer.id, outer.kind, message)


def _reason(error: Exception) -> str:
    return plain(str(error)) if isinstance(error, msgspec.MsgspecError) else type(error).__name__


_Look = Callable[[Any], str | None]
"""Gives the path to the first time that is not UTC, or None."""


@cache
def _reader(kind: type) -> tuple[Callable[[Any], Any], _Look | None]:
    return msgspec.json.Decoder(kind).decode, _utc_look(kind)


def _utc_look(hint: Any) -> _Look | None:
    """A check that every time inside is UTC, which the classes cannot say; None where there is no time.

    None itself passes: where it may not stand, the decoder has refused it before.
    """
    if hint is datetime:
        return _look_at_time
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        found = {each.name: look for each in fields(hint) if (look := _utc_look(hints[each.name]))}
        return partial(_look_at_fields, found) if found else None
    inner = [look for look in map(_utc_look, get_args(hint)) if look]
    if not inner:
        return None
    if get_origin(hint) in (Union, UnionType) and len(inner) == 1:
        return inner[0]
    if get_origin(hint) is tuple and get_args(hint)[-1] is Ellipsis:
        return partial(_look_at_each, inner[0])
    raise TypeError(f"Times inside {hint} are not looked at; teach it here.")


def _look_at_time(value: datetime | None) -> str | None:
    return None if value is None or value.tzinfo is UTC else ""


def _look_at_fields(looks: dict[str, _Look], message: Any) -> str | None:
    if message is not None:
        for name, look in looks.items():
            where = look(getattr(message, name))
            if where is not None:
                return f".{name}{where}"
    return None


def _look_at_each(look: _Look, values: Any) -> str | None:
    for number, value in enumerate(values or ()):
        where = look(value)
        if where is not None:
            return f"[{number}]{where}"
    return None
