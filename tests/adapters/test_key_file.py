import base64
import json
import sys
from pathlib import Path

import pytest

from reply_desktop.adapters.key_file import SCRYPT_N, read_key, write_key
from reply_desktop.domain.errors import InvalidInput, VaultLocked, VaultUnavailable

KEY = bytes(range(32))
PASSPHRASE = "correct horse"
CHEAP = 1 << 10


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A key file under PASSPHRASE, cheap to open."""
    write_key(tmp_path / "vault.key", KEY, PASSPHRASE, n=CHEAP)
    return tmp_path / "vault.key"


def test_the_key_comes_back_by_its_passphrase(path: Path) -> None:
    assert read_key(path, PASSPHRASE) == KEY


@pytest.mark.parametrize("wrong", ["", "correct hors", "correct horse ", "Correct horse", "\ud800 broken"])
def test_a_wrong_passphrase_is_locked_and_loses_nothing(path: Path, wrong: str) -> None:
    before = path.read_bytes()
    with pytest.raises(VaultLocked, match="not the passphrase") as told:
        read_key(path, wrong)
    assert told.value.__cause__ is None
    assert path.read_bytes() == before


def test_the_file_is_private_and_holds_neither_key_nor_passphrase(path: Path) -> None:
    content = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert PASSPHRASE not in content
    assert base64.b64encode(KEY).decode() not in content
    assert KEY.hex() not in content


def test_the_default_cost_is_that_of_today(tmp_path: Path) -> None:
    write_key(tmp_path / "vault.key", KEY, PASSPHRASE)
    stored = json.loads((tmp_path / "vault.key").read_text())
    assert stored["n"] == SCRYPT_N >= 1 << 17
    assert (stored["r"], stored["p"]) == (8, 1)
    assert read_key(tmp_path / "vault.key", PASSPHRASE) == KEY


def test_writing_twice_gives_another_salt(path: Path) -> None:
    first = json.loads(path.read_text())
    write_key(path, KEY, PASSPHRASE, n=CHEAP)
    second = json.loads(path.read_text())
    assert {first[name] for name in ("salt", "nonce", "sealed")}.isdisjoint(second.values())


def test_eight_characters_are_the_least(path: Path) -> None:
    with pytest.raises(InvalidInput, match="too short") as told:
        write_key(path, bytes(32), "1234567", n=CHEAP)
    assert "8" in told.value.todo
    assert read_key(path, PASSPHRASE) == KEY
    write_key(path, bytes(32), "12345678", n=CHEAP)
    assert read_key(path, "12345678") == bytes(32)


def test_the_same_passphrase_typed_on_another_system(path: Path) -> None:
    write_key(path, KEY, "Zürich über Å", n=CHEAP)
    assert read_key(path, "Zu\u0308rich u\u0308ber \u212b") == KEY


def altered(path: Path, **fields: object) -> Path:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return path


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1 << 40},
        {"n": 0},
        {"n": 1000},
        {"n": "many"},
        {"r": 10_000},
        {"p": 1 << 30},
        {"version": 2},
        {"kdf": "plain"},
        {"what": "something else"},
        {"salt": "&"},
        {"nonce": ""},
        {"sealed": 7},
    ],
    ids=str,
)
def test_a_file_that_makes_no_sense_is_damaged_and_costs_nothing(
    path: Path, fields: dict[str, object]
) -> None:
    with pytest.raises(VaultUnavailable, match="cannot be read") as told:
        read_key(altered(path, **fields), PASSPHRASE)
    assert not isinstance(told.value, VaultLocked)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", b'{"nonce": null, "sealed": null}'])
def test_a_file_that_is_none_of_ours_is_damaged(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(VaultUnavailable, match="cannot be read"):
        read_key(path, PASSPHRASE)


def test_a_missing_file_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(VaultUnavailable, match="cannot be read"):
        read_key(tmp_path / "vault.key", PASSPHRASE)


@pytest.mark.parametrize("name", ["salt", "sealed"])
def test_tampered_parts_do_not_open(path: Path, name: str) -> None:
    part = bytearray(base64.b64decode(json.loads(path.read_text())[name]))
    part[0] ^= 1
    with pytest.raises(VaultLocked):
        read_key(altered(path, **{name: base64.b64encode(part).decode()}), PASSPHRASE)


@pytest.mark.skipif(sys.platform != "linux", reason="this place is Linux's")
def test_a_place_that_cannot_be_written_is_told_in_words() -> None:
    with pytest.raises(VaultUnavailable, match="cannot be written"):
        write_key(Path("/proc/self/vault.key"), KEY, PASSPHRASE, n=CHEAP)
