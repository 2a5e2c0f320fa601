"""The messages are a closed set: every class is listed once, frozen, and shows no secret."""

from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.domain.events import Event

ALL: list[type[Any]] = [*m.REQUESTS.values(), *m.EVENTS.values()]
SECRET = ("password", "passphrase", "client_secret_json", "url")
ENGINE_ONLY = {"AccountChanged", "EpisodeOpened", "EpisodeClosed"}
"""Events that stay in the engine: rows go out gathered, episodes as notifications."""


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_message_is_a_frozen_record(kind: type[Any]) -> None:
    assert is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", m.REQUESTS.values(), ids=lambda kind: kind.__name__)
def test_every_request_names_the_answer_its_type_promises(kind: type[Any]) -> None:
    (base,) = kind.__orig_bases__
    assert get_args(base) == (kind.Answer,)
    assert "Answer" not in {each.name for each in fields(kind)}


def test_every_request_of_the_module_is_listed() -> None:
    defined = {
        name
        for name, value in vars(m).items()
        if isinstance(value, type) and issubclass(value, m.Request) and value is not m.Request
    }
    assert set(m.REQUESTS) == defined


def test_every_event_goes_out_or_is_known_to_stay() -> None:
    assert set(m.EVENTS) == {kind.__name__ for kind in get_args(Event)} - ENGINE_ONLY | {"RowsChanged"}


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_secrets_are_kept_out_of_repr(kind: type[Any]) -> None:
    for each in fields(kind):
        assert each.repr is (each.name not in SECRET), each.name
        assert each.name in get_type_hints(kind)
