"""Client ids of a company's build."""

from pathlib import Path

import pytest

from reply_desktop.adapters.baked import baked_settings
from reply_desktop.domain.provider import Provider


def baked(tmp_path: Path, text: str) -> object:
    (tmp_path / "baked").mkdir()
    (tmp_path / "baked" / "providers.json").write_text(text)
    return baked_settings(tmp_path)


def test_a_checkout_has_none(tmp_path: Path) -> None:
    assert baked_settings() == {} and baked_settings(tmp_path) == {}


def test_read(tmp_path: Path) -> None:
    found = baked(tmp_path, '{"microsoft": {"client_id": "m"}, "google": {"client_id": "g"}}')
    assert {kind: one.client_id for kind, one in found.items()} == {  # type: ignore[attr-defined]
        Provider.MICROSOFT: "m",
        Provider.GOOGLE: "g",
    }


@pytest.mark.parametrize(
    "text", ["{", '{"gogle": {"client_id": "x"}}', '{"google": {"clientid": "x"}}', "[]"]
)
def test_a_typing_error_is_not_taken_for_nothing(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError):
        baked(tmp_path, text)
