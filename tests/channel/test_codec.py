"""Frames: every message survives the way, everything else is refused by name and path."""

import json
import pickle
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, time
from enum import Enum
from types import UnionType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reply_desktop.channel import codec
from reply_desktop.channel import messages as m
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountFilter
from tests.fakes.engine import row

ANSWERS = {kind.Answer.__name__: kind.Answer for kind in m.REQUESTS.values()}  # type: ignore[attr-defined]
ALL: list[tuple[codec.Kind, type]] = [
    *(("request", kind) for kind in m.REQUESTS.values()),
    *(("reply", kind) for kind in ANSWERS.values()),
    *(("event", kind) for kind in m.EVENTS.values()),
    ("failure", m.Failure),
]

PLAIN = {
    str: st.text(max_size=20),
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(timezones=st.just(UTC)),
    time: st.times(),
    type(None): st.none(),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Every value a field of this type may have."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if is_dataclass(hint):
        assert isinstance(hint, type)
        hints = typing.get_type_hints(hint)
        return st.builds(hint, **{each.name: values(hints[each.name]) for each in fields(hint)})
    if origin is typing.Literal:
        return st.sampled_from(inner)
    if origin in (typing.Union, UnionType):
        return st.one_of(*map(values, inner))
    if origin is tuple and inner[-1] is Ellipsis:
        return st.lists(values(inner[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, inner))
    if origin in (dict, Mapping):
        return st.dictionaries(values(inner[0]), values(inner[1]), max_size=3)
    raise AssertionError(f"this test cannot make a {hint}")


@pytest.mark.parametrize(("kind", "message_class"), ALL, ids=lambda each: getattr(each, "__name__", each))
def test_every_message_survives_the_way(kind: codec.Kind, message_class: type) -> None:
    @settings(max_examples=40)
    @given(values(message_class), st.none() | st.integers(0, 2**63 - 1))
    def survives(message: Any, number: int | None) -> None:
        frame = codec.decode(codec.encode(kind, message, number))
        assert frame == codec.Frame(number, kind, message)
        assert type(frame.message) is message_class

    survives()


def test_the_frame_is_plain_json() -> None:
    at = datetime(2026, 3, 2, 8, 0, 0, 250, tzinfo=UTC)
    data = codec.encode("request", m.ListNotifications(before=at), 7)
    assert json.loads(data) == {
        "id": 7,
        "kind": "request",
        "name": "ListNotifications",
        "body": {"limit": 100, "before": "2026-03-02T08:00:00.000250Z"},
    }


def frame(name: str, body: object, kind: str = "request", number: object = 1) -> bytes:
    return json.dumps({"id": number, "kind": kind, "name": name, "body": body}).encode()


OK_ROW = json.loads(codec.encode("event", m.RowsChanged((row(1, "a@x.example"),))))["body"]["rows"][0]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (frame("GetAccounts", {"ids": ["a", 3]}), "GetAccounts cannot be read: Expected `str`, got `int` - at `$.ids[1]`"),
        (frame("GetAccounts", {}), "Object missing required field `ids`"),
        (frame("GetAccounts", {"ids": "a"}), "Expected `array`, got `str` - at `$.ids`"),
        (frame("ListAccounts", {"wanted": {"states": ["green"]}}), "at `$.wanted.states[0]`"),
        (frame("ListAccounts", {"wanted": {"descending": 1}}), "Expected `bool`, got `int` - at `$.wanted.descending`"),
        (frame("AddOther", {"address": "a", "password": "p", "servers": {"smtp": {"host": "h", "port": "25"}}}), "at `$.servers.smtp.port`"),
        (frame("PutSettings", {"values": {"a": 1}}), "Expected `str`, got `int` - at `$.values[...]`"),
        (frame("ListNotifications", {"before": "yesterday"}), "at `$.before`"),
        (frame("ListNotifications", {"before": "2026-03-02T08:00:00"}), "Expected a time in UTC - at `$.before`"),
        (frame("ListNotifications", {"before": "2026-03-02T08:00:00+01:00"}), "Expected a time in UTC - at `$.before`"),
        (frame("Hello", [1]), "Expected `object`, got `array`"),
        (frame("SummaryChanged", {"summary": {"counts": {"green": 1}}}, "event", None), "Invalid enum value 'green'"),
        (
            frame("RowsChanged", {"rows": [OK_ROW, OK_ROW | {"proven_at": "2026-03-02T08:00:00"}]}, "event", None),
            "RowsChanged cannot be read: Expected a time in UTC - at `$.rows[1].proven_at`",
        ),
        (
            frame("AccountDetail", {"row": OK_ROW | {"next_check_at": "2026-03-02T08:00:00"}, "episodes": [], "created_at": "2026-03-02T08:00:00Z", "granted_at": None, "servers": None}, "reply"),
            "AccountDetail cannot be read: Expected a time in UTC - at `$.row.next_check_at`",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_path(data: bytes, told: str) -> None:
    with pytest.raises(codec.Unreadable) as caught:
        codec.decode(data)
    assert told in str(caught.value)
    assert caught.value.id in (1, None)
    assert caught.value.code == "invalid_input"


def test_a_field_added_later_is_no_fault() -> None:
    assert codec.decode(frame("NetworkHint", {"what": "up", "since": 3})).message == m.NetworkHint("up")


@pytest.mark.parametrize("name", ["FormatDisk", "RowsChanged", "Done", "Failure", "os.system", ""])
def test_an_unknown_request_is_told_apart(name: str) -> None:
    with pytest.raises(codec.Unreadable, match="is not known") as caught:
        codec.decode(frame(name, {}, number=9))
    assert (caught.value.code, caught.value.id) == ("unknown_request", 9)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"id":1,"kind":"request","name":"Hello","body":' + b"[" * 100_000,
        b"\xff\xfe\x00",
        frame("Hello", {}, kind="order"),
        frame("Hello", {}, number=-1),
        frame("Hello", {}, number=2**63),
        frame("Hello", {}, number="1"),
        frame("x" * 101, {}),
        pickle.dumps(m.Done()),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(codec.Unreadable, match="not a frame of the channel") as caught:
        codec.decode(data)
    assert caught.value.id is None


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_frame_or_unreadable(data: bytes) -> None:
    try:
        codec.decode(data)
    except codec.Unreadable as error:
        assert len(str(error)) < 500


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_frame_is_a_frame_or_unreadable(data: st.DataObject) -> None:
    good = bytearray(codec.encode("request", m.ListAccounts(AccountFilter(text="müller")), 3))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        codec.decode(good)
    except codec.Unreadable as error:
        assert len(str(error)) < 500


def test_a_secret_is_never_in_the_error() -> None:
    servers = MailServers(MailServer("h", 25, Security.TLS))
    body = json.loads(codec.encode("request", m.AddOther("a@x.example", servers, "hunter2"), 1))["body"]
    for wrong in ({"password": ["hunter2"]}, {"password": {"hunter2": 1}}, {"address": 1}):
        with pytest.raises(codec.Unreadable) as caught:
            codec.decode(frame("AddOther", body | wrong))
        assert "hunter2" not in f"{caught.value!r} {caught.value}"
    with pytest.raises(InvalidInput) as refused:
        codec.encode("request", m.AddOther("a@x.example", servers, "hunter2\ud800"), 1)
    assert "hunter2" not in f"{refused.value!r} {refused.value} {refused.value.__cause__}"
    assert str(refused.value) == "AddOther cannot be sent: UnicodeEncodeError."


def test_more_than_16_mib_is_not_written() -> None:
    fits = m.Exported("x" * (16 * 1024 * 1024 - 100))
    assert codec.decode(codec.encode("reply", fits, 1)).message == fits
    with pytest.raises(InvalidInput, match="Exported is too long to be sent"):
        codec.encode("reply", m.Exported("x" * 16 * 1024 * 1024), 1)


@pytest.mark.parametrize(
    ("kind", "message"),
    [("event", m.Done()), ("request", m.Done()), ("reply", m.Failure("error", "no")), ("event", object())],
)
def test_what_is_no_message_of_that_kind_is_not_written(kind: codec.Kind, message: object) -> None:
    with pytest.raises(InvalidInput, match=f"is not a {kind} of the channel"):
        codec.encode(kind, message)


def test_enums_and_keys_come_back_as_themselves() -> None:
    data = codec.encode("request", m.ClearProvider(Provider.OTHER), 1)
    message = codec.decode(data).message
    assert message.provider is Provider.OTHER
