from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.adapters.sealing import KEY_BYTES, Sealer, new_key
from reply_desktop.domain.errors import InvalidInput

KEY = bytes(range(32))
owners = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(owners, st.binary(max_size=3000))
def test_what_was_sealed_comes_back_for_its_owner(owner: str, plain: bytes) -> None:
    sealed = Sealer(KEY).seal(owner, plain)
    assert Sealer(KEY).open(owner, sealed) == plain
    assert len(sealed) == len(plain) + 37
    assert len(plain) < 8 or plain not in sealed


def test_the_same_bytes_are_never_sealed_alike() -> None:
    sealer = Sealer(KEY)
    assert len({sealer.seal("a", b"token") for _ in range(1000)}) == 1000


@given(st.data())
def test_tampered_bytes_are_refused(data: st.DataObject) -> None:
    sealed = bytearray(Sealer(KEY).seal("a", b"1//secret-refresh-token"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidInput) as told:
        Sealer(KEY).open("a", bytes(sealed))
    assert "secret" not in str(told.value)
    assert told.value.__cause__ is None


@given(st.binary(max_size=80))
def test_anything_else_is_refused(noise: bytes) -> None:
    sealer = Sealer(KEY)
    for sealed in (noise, sealer.seal("a", b"")[: len(noise) % 37]):
        with pytest.raises(InvalidInput, match="cannot be opened"):
            sealer.open("a", sealed)


def test_sealed_for_another_account_is_refused() -> None:
    sealed = Sealer(KEY).seal("ann", b"token")
    with pytest.raises(InvalidInput):
        Sealer(KEY).open("bob", sealed)


def test_another_key_is_told_from_damage() -> None:
    sealed = Sealer(KEY).seal("a", b"token")
    assert Sealer(KEY).fits(sealed)
    assert not Sealer(bytes(32)).fits(sealed)
    with pytest.raises(InvalidInput):
        Sealer(bytes(32)).open("a", sealed)


def test_the_key_is_not_in_repr_and_not_in_what_is_sealed() -> None:
    sealer = Sealer(KEY)
    assert repr(KEY) not in repr(sealer) + repr(vars(sealer))
    assert KEY not in sealer.seal("a", b"")


def test_one_sealer_serves_many_threads() -> None:
    sealer = Sealer(new_key())

    def there_and_back(number: int) -> bool:
        plain = number.to_bytes(4, "big") * 200
        return sealer.open(str(number), sealer.seal(str(number), plain)) == plain

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(there_and_back, range(2000)))


def test_keys_are_random_and_whole() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {KEY_BYTES}
