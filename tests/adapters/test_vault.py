import base64
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.vault import (
    PASSPHRASE_FILE,
    SERVICE,
    Backend,
    KeyringVault,
    VaultKeyMissing,
    is_fit,
    name_of,
)
from reply_desktop.channel.messages import VaultStatus
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput, VaultLocked, VaultUnavailable
from reply_desktop.services.ports import Vault
from tests.adapters.store.nouns import an_account
from tests.fakes.clock import FakeClock
from tests.fakes.keyring import FakeBackend, Forgetful, Prompting, ReadOnly, gone, locked, refusing

ENTRY = "/home/ann/.local/share/reply-desktop"
PASSPHRASE = "correct horse"
SECRET = b"1//0-refresh-token"


class Room:
    """A data folder with what lies in it, and the vaults opened on it."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.folder = folder
        self.clock = clock
        self.file = folder / "vault.key"
        self.sealed: bytes | None = None
        self.changes: list[str] = []
        self.changed = threading.Condition()

    def vault(
        self, *backends: Backend, wait_s: float = 30.0, find: Callable[[], Sequence[Backend]] | None = None
    ) -> KeyringVault:
        return KeyringVault(
            self.file,
            entry=ENTRY,
            any_sealed=lambda: self.sealed,
            on_change=self._on_change,
            backends=find or (lambda: backends),
            monotonic=self.clock.monotonic,
            wait_s=wait_s,
            scrypt_n=1 << 10,
        )

    def wait_for(self, *changes: str) -> None:
        """Until the vaults have told exactly this, from the first on."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.changes) >= len(changes), 30)
            assert self.changes == [*changes]

    def _on_change(self, status: str) -> None:
        with self.changed:
            self.changes.append(status)
            self.changed.notify_all()


@pytest.fixture
def room(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Room:
    """An empty data folder."""
    monkeypatch.delenv(PASSPHRASE_FILE, raising=False)
    return Room(tmp_path, clock)


def key_in(backend: FakeBackend) -> bytes:
    ((place, text),) = backend.kept.items()
    assert place == (SERVICE, ENTRY)
    return base64.b64decode(text)


# A keyring that works


def test_the_key_is_made_once_and_read_once(room: Room) -> None:
    backend = FakeBackend()
    vault: Vault = room.vault(backend)
    sealed = vault.seal("a", SECRET)
    assert vault.open("a", sealed) == SECRET
    assert backend.writes == 1
    reads = backend.reads
    for _ in range(50):
        vault.open("a", vault.seal("a", SECRET))
    assert backend.reads == reads
    room.sealed = sealed
    room.wait_for("open")
    later = room.vault(backend)
    assert later.open("a", sealed) == SECRET
    assert backend.writes == 1
    assert backend.reads == reads + 1
    room.wait_for("open", "open")
    assert later.status == VaultStatus.OPEN
    assert later.backend == "tests.fakes.keyring.FakeBackend"


def test_size_limit_only_the_44_characters_of_the_key_go_into_the_keyring(room: Room) -> None:
    backend = FakeBackend()
    room.vault(backend).seal("a", b"x" * 100_000)
    assert [len(text) for text in backend.kept.values()] == [44]
    assert len(key_in(backend)) == 32


def test_each_data_folder_has_a_key_of_its_own(room: Room) -> None:
    with pytest.raises(ValueError, match="user name"):
        KeyringVault(room.file, entry="", any_sealed=lambda: None)


class CredentialManager:
    """What `win32ctypes` gives of Windows: at most 2,560 bytes a credential, which is UTF-16."""

    CRED_TYPE_GENERIC = 1
    CRED_PERSIST_ENTERPRISE = 3

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, object]] = {}

    def CredRead(self, Type: int, TargetName: str) -> dict[str, object]:  # noqa: N803 - its own names
        if TargetName not in self.kept:
            raise WindowsError1168
        return dict(self.kept[TargetName])

    def CredWrite(self, credential: dict[str, object], flags: int) -> None:
        blob = str(credential["CredentialBlob"]).encode("utf-16-le")
        assert len(blob) <= 2560, "1783, 'The stub received bad data'"
        self.kept[str(credential["TargetName"])] = {**credential, "CredentialBlob": blob}


class WindowsError1168(Exception):
    """Not found."""

    winerror = 1168
    funcname = "CredRead"


def test_windows_keeps_the_keys_of_two_data_folders_apart(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the second user of a service moves the first one's password under another name."""
    from keyring.backends import Windows

    manager = CredentialManager()
    monkeypatch.setattr(Windows, "win32cred", manager, raising=False)
    monkeypatch.setattr(Windows, "pywintypes", SimpleNamespace(error=WindowsError1168), raising=False)
    backend = Windows.WinVaultKeyring.__new__(Windows.WinVaultKeyring)
    entries = [ENTRY, ENTRY + "-sandbox", r"C:\Users\Änn\AppData\Local\reply-desktop"]
    sealed = {}
    for entry in entries:
        vault = folder_vault(tmp_path, entry, backend)
        sealed[entry] = vault.seal("a", SECRET)
        vault.close()
    assert len(manager.kept) == 3
    for entry in (*entries, *reversed(entries)):
        vault = folder_vault(tmp_path, entry, backend, sealed[entry])
        assert vault.open("a", sealed[entry]) == SECRET
        vault.close()


def folder_vault(folder: Path, entry: str, backend: Backend, held: bytes | None = None) -> KeyringVault:
    return KeyringVault(
        folder / "vault.key", entry=entry, any_sealed=lambda: held, backends=lambda: [backend]
    )


def test_sealed_for_another_account_is_refused(room: Room) -> None:
    vault = room.vault(FakeBackend())
    with pytest.raises(InvalidInput, match="cannot be opened"):
        vault.open("bob", vault.seal("ann", SECRET))


def test_many_threads_at_the_start_make_one_key(room: Room) -> None:
    backend = FakeBackend()
    vault = room.vault(backend)
    sealed: list[bytes] = []
    threads = [threading.Thread(target=lambda: sealed.append(vault.seal("a", SECRET))) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(sealed) == 32
    assert {vault.open("a", one) for one in sealed} == {SECRET}
    assert backend.writes == 1
    room.wait_for("open")


def test_the_status_before_anybody_asked(room: Room) -> None:
    backend = FakeBackend()
    vault = room.vault(backend)
    assert vault.status == VaultStatus.LOCKED
    assert (vault.backend, backend.reads, room.changes) == ("", 0, [])
    vault.open_now()
    assert vault.status == VaultStatus.OPEN


# Back ends that are not fit


class PlaintextKeyring(FakeBackend):
    """Stands where keyrings.alt puts the class of that name."""


PlaintextKeyring.__module__ = "keyrings.alt.file"


class OtherPlaintext(FakeBackend):
    """Says what it is by its name alone."""


def real(name: str) -> Backend:
    from keyring.core import load_keyring

    return load_keyring(name)


@pytest.mark.parametrize(
    "backend",
    [
        pytest.param(lambda: real("keyring.backends.null.Keyring"), id="null"),
        pytest.param(lambda: real("keyring.backends.fail.Keyring"), id="fail"),
        pytest.param(PlaintextKeyring, id="keyrings.alt"),
        pytest.param(OtherPlaintext, id="plaintext"),
    ],
)
def test_null_and_plaintext_backends_are_refused(room: Room, backend: Callable[[], Backend]) -> None:
    unfit = backend()
    assert not is_fit(unfit)
    vault = room.vault(unfit)
    with pytest.raises(VaultUnavailable) as told:
        vault.seal("a", SECRET)
    assert not isinstance(told.value, VaultLocked) and told.value.cause is Cause.VAULT_NONE
    assert vault.status == VaultStatus.NO_KEYRING
    assert vault.backend == name_of(unfit)
    assert name_of(unfit) in vault.text
    assert "passphrase" in vault.text
    assert not getattr(unfit, "kept", None)
    assert not room.file.exists()


def test_a_chain_whose_first_is_unfit_is_refused(room: Room) -> None:
    good = FakeBackend()
    vault = room.vault(PlaintextKeyring(), good)
    vault.open_now()
    assert vault.status == VaultStatus.NO_KEYRING
    assert good.reads == 0


def test_in_a_chain_the_unfit_are_passed_over(room: Room) -> None:
    good, plain = FakeBackend(), PlaintextKeyring()
    plain.kept[SERVICE, ENTRY] = base64.b64encode(bytes(32)).decode()
    room.vault(good, plain).seal("a", SECRET)
    assert good.writes == 1
    assert plain.reads == 0


def test_a_chain_keeps_the_key_in_the_first_that_can_write(room: Room) -> None:
    first, second = ReadOnly(), FakeBackend()
    vault = room.vault(first, second)
    room.sealed = vault.seal("a", SECRET)
    assert len(key_in(second)) == 32
    assert room.vault(first, second).open("a", room.sealed) == SECRET


def test_a_key_in_use_is_found_when_another_desktop_puts_another_keyring_first(room: Room) -> None:
    kwallet, secret_service = FakeBackend(), FakeBackend()
    room.sealed = room.vault(kwallet).seal("a", SECRET)
    vault = room.vault(secret_service, kwallet)
    assert vault.open("a", room.sealed) == SECRET
    assert secret_service.writes == 0


def test_at_the_first_start_only_the_first_keyring_matters(room: Room) -> None:
    first, second = FakeBackend(), FakeBackend(locked)
    room.vault(first, second).seal("a", SECRET)
    assert (first.writes, second.reads) == (1, 0)


def test_write_read_verify_a_backend_that_forgets_is_not_used(room: Room) -> None:
    backend = Forgetful()
    vault = room.vault(backend)
    with pytest.raises(VaultUnavailable):
        vault.seal("a", SECRET)
    assert backend.writes == 1
    assert vault.status == VaultStatus.NO_KEYRING


def test_a_keyring_that_takes_nothing(room: Room) -> None:
    backend = FakeBackend()

    def hurdle() -> None:
        if backend.writes:
            refusing()

    backend.hurdle = hurdle
    vault = room.vault(backend)
    vault.open_now()
    assert vault.status == VaultStatus.NO_KEYRING


def test_no_backend_at_all_and_one_that_cannot_be_loaded(room: Room) -> None:
    def broken() -> Sequence[Backend]:
        raise ModuleNotFoundError("No module named 'somewhere'")

    for vault in (room.vault(), room.vault(find=broken)):
        vault.open_now()
        assert vault.status == VaultStatus.NO_KEYRING


# Locked, silent, and back


def test_locked_keyring_is_not_signed_out(room: Room) -> None:
    backend = FakeBackend()
    room.sealed = room.vault(backend).seal("a", SECRET)
    room.wait_for("open")
    backend.hurdle = locked
    vault = room.vault(backend)
    with pytest.raises(VaultLocked, match="nothing is lost") as told:
        vault.open("a", room.sealed)
    assert told.value.cause is Cause.VAULT_LOCKED
    assert vault.status == VaultStatus.LOCKED
    assert backend.writes == 1
    backend.hurdle = None
    with pytest.raises(VaultLocked):
        vault.open("a", room.sealed)
    assert vault.try_again() == VaultStatus.OPEN
    assert vault.open("a", room.sealed) == SECRET
    room.wait_for("open", "locked", "open")


def test_a_locked_keyring_is_not_asked_again_without_the_person(room: Room) -> None:
    backend = FakeBackend(locked)
    vault = room.vault(backend)
    for _ in range(5):
        with pytest.raises(VaultLocked):
            vault.seal("a", SECRET)
        room.clock.advance(3600)
    assert backend.reads == 1


def test_a_prompt_of_the_keyring_keeps_nobody_waiting(room: Room) -> None:
    backend = Prompting()
    room.sealed = b"something"
    vault = room.vault(backend, wait_s=0.05)
    with pytest.raises(VaultLocked, match="waits to be unlocked"):
        vault.seal("a", SECRET)
    assert backend.asked.is_set()
    room.clock.advance(0.05)
    for _ in range(3):
        with pytest.raises(VaultLocked):
            vault.seal("a", SECRET)
    assert vault.try_again() == VaultStatus.LOCKED
    assert backend.reads == 1
    room.wait_for("locked")
    backend.dismiss()


def test_a_late_answer_of_the_keyring_opens_the_vault_and_tells(room: Room) -> None:
    backend = Prompting()
    vault = room.vault(backend, wait_s=0.0)
    vault.open_now()
    assert vault.status == VaultStatus.LOCKED
    backend.answer()
    room.wait_for("locked", "open")
    assert vault.open("a", vault.seal("a", SECRET)) == SECRET


def test_a_dismissed_prompt_leaves_it_locked_until_the_person_tries_again(room: Room) -> None:
    backend = Prompting()
    vault = room.vault(backend, wait_s=0.0)
    vault.open_now()
    backend.dismiss()
    room.wait_for("locked", "locked")
    assert vault.status == VaultStatus.LOCKED
    assert "Try again" in vault.text
    assert backend.reads == 1


def test_daemon_gone_and_back(room: Room) -> None:
    backend = FakeBackend()
    room.sealed = room.vault(backend).seal("a", SECRET)
    room.wait_for("open")
    backend.hurdle = gone
    vault = room.vault(backend)
    for _ in range(3):
        with pytest.raises(VaultLocked, match="does not answer; nothing is lost"):
            vault.open("a", room.sealed)
    assert backend.writes == 1
    reads = backend.reads
    backend.hurdle = None
    room.clock.advance(29)
    with pytest.raises(VaultLocked):
        vault.open("a", room.sealed)
    assert backend.reads == reads
    room.clock.advance(1)
    assert vault.open("a", room.sealed) == SECRET
    room.wait_for("open", "locked", "open")


def test_a_keyring_that_vanished_is_locked_and_no_reason_for_a_new_key(room: Room) -> None:
    backend = FakeBackend()
    room.sealed = room.vault(backend).seal("a", SECRET)
    vault = room.vault()
    with pytest.raises(VaultLocked, match="nothing is lost"):
        vault.seal("a", SECRET)
    assert vault.status == VaultStatus.LOCKED
    with pytest.raises(VaultLocked, match="lies in a keyring"):
        vault.unlock(PASSPHRASE)
    assert not room.file.exists()


@pytest.mark.expect_log("could not be looked for")
def test_a_fault_of_the_database_is_no_lost_key(room: Room) -> None:
    def fails() -> bytes | None:
        raise OSError("disk on fire")

    vault = KeyringVault(room.file, entry=ENTRY, any_sealed=fails, backends=lambda: [FakeBackend()])
    with pytest.raises(VaultLocked, match="nothing is lost"):
        vault.seal("a", SECRET)


# The key is missing


@pytest.mark.parametrize("reset", ["empty", "other key", "nonsense"])
def test_key_missing_never_makes_a_new_key_silently(room: Room, reset: str) -> None:
    backend = FakeBackend()
    room.sealed = room.vault(backend).seal("a", SECRET)
    kept = dict(backend.kept)
    if reset == "empty":
        backend.kept.clear()
    else:
        value = base64.b64encode(bytes(32)).decode() if reset == "other key" else "?" * 44
        backend.kept[SERVICE, ENTRY] = value
    before = dict(backend.kept)
    vault = room.vault(backend)
    with pytest.raises(VaultKeyMissing) as told:
        vault.open("a", room.sealed)
    assert told.value.cause is Cause.VAULT_KEY_MISSING
    assert told.value.code == "vault_locked"
    assert vault.status == VaultStatus.KEY_MISSING
    with pytest.raises(VaultLocked):
        vault.seal("b", SECRET)
    assert backend.kept == before
    backend.kept.update(kept)
    assert vault.try_again() == VaultStatus.OPEN
    assert vault.open("a", room.sealed) == SECRET


@pytest.mark.expect_log("started over")
def test_start_over_makes_a_new_key_and_the_old_sign_ins_stay_shut(room: Room) -> None:
    backend = FakeBackend()
    room.sealed = room.vault(backend).seal("a", SECRET)
    backend.kept.clear()
    vault = room.vault(backend)
    vault.open_now()
    vault.start_over()
    assert vault.status == VaultStatus.OPEN
    with pytest.raises(InvalidInput, match="cannot be opened") as told:
        vault.open("a", room.sealed)
    assert told.value.todo == "Reconnect the account."
    room.sealed = vault.seal("a", b"new")
    assert room.vault(backend).open("a", room.sealed) == b"new"


@pytest.mark.expect_log("started over")
def test_start_over_without_a_keyring_takes_a_passphrase(room: Room) -> None:
    room.sealed = room.vault(FakeBackend()).seal("a", SECRET)
    vault = room.vault()
    with pytest.raises(VaultLocked):
        vault.start_over()
    vault.start_over(PASSPHRASE)
    room.sealed = vault.seal("a", b"new")
    later = room.vault()
    later.unlock(PASSPHRASE)
    assert later.open("a", room.sealed) == b"new"


def test_start_over_is_refused_while_nothing_is_wrong(room: Room) -> None:
    backend = FakeBackend()
    vault = room.vault(backend)
    sealed = vault.seal("a", SECRET)
    with pytest.raises(InvalidInput):
        vault.start_over()
    assert vault.open("a", sealed) == SECRET
    assert backend.writes == 1


# Under a passphrase


def test_the_first_passphrase_makes_the_key_file(room: Room) -> None:
    vault = room.vault()
    vault.open_now()
    assert vault.status == VaultStatus.NO_KEYRING and vault.opens_with == "this computer's keyring"
    with pytest.raises(InvalidInput, match="too short"):
        vault.unlock("short")
    assert not room.file.exists()
    vault.unlock(PASSPHRASE)
    assert vault.status == VaultStatus.OPEN
    assert vault.backend == str(room.file) and f"passphrase and the key file {room.file}" in vault.opens_with
    assert room.file.stat().st_mode & 0o777 == 0o600
    room.sealed = vault.seal("a", SECRET)
    room.wait_for("no_keyring", "open")

    later = room.vault()
    later.open_now()
    assert later.status == VaultStatus.NEEDS_PASSPHRASE
    with pytest.raises(VaultLocked, match="locked with a passphrase") as told:
        later.open("a", room.sealed)
    assert told.value.cause is Cause.VAULT_PASSPHRASE
    with pytest.raises(VaultLocked, match="not the passphrase"):
        later.unlock("wrong horse")
    assert later.status == VaultStatus.NEEDS_PASSPHRASE
    later.unlock(PASSPHRASE)
    later.unlock("no matter what, it is open")
    assert later.open("a", room.sealed) == SECRET
    room.wait_for("no_keyring", "open", "needs_passphrase", "open")


def test_the_key_file_goes_before_a_keyring_that_came_later(room: Room) -> None:
    room.vault().unlock(PASSPHRASE)
    backend = FakeBackend()
    vault = room.vault(backend)
    vault.open_now()
    assert vault.status == VaultStatus.NEEDS_PASSPHRASE
    assert backend.reads == 0


def test_a_passphrase_while_the_keyring_still_asks(room: Room) -> None:
    backend = Prompting()
    vault = room.vault(backend, wait_s=0.0)
    vault.open_now()
    vault.unlock(PASSPHRASE)
    sealed = vault.seal("a", SECRET)
    backend.answer()
    for thread in threading.enumerate():
        if thread.name == "vault":
            thread.join(30)
    assert vault.open("a", sealed) == SECRET
    assert vault.backend == str(room.file)


def test_change_passphrase(room: Room) -> None:
    vault = room.vault()
    vault.unlock(PASSPHRASE)
    room.sealed = vault.seal("a", SECRET)
    with pytest.raises(VaultLocked):
        vault.change_passphrase("wrong horse", "another horse")
    with pytest.raises(InvalidInput):
        vault.change_passphrase(PASSPHRASE, "short")
    vault.change_passphrase(PASSPHRASE, "another horse")
    later = room.vault()
    with pytest.raises(VaultLocked):
        later.unlock(PASSPHRASE)
    later.unlock("another horse")
    assert later.open("a", room.sealed) == SECRET


def test_there_is_no_passphrase_to_change_in_a_keyring(room: Room) -> None:
    vault = room.vault(FakeBackend())
    vault.open_now()
    with pytest.raises(InvalidInput, match="keyring"):
        vault.change_passphrase(PASSPHRASE, "another horse")


def test_a_key_file_that_does_not_fit_is_key_missing(room: Room) -> None:
    room.sealed = room.vault(FakeBackend()).seal("a", SECRET)
    other = Room(room.folder, room.clock)
    other.vault().unlock(PASSPHRASE)
    vault = room.vault()
    with pytest.raises(VaultKeyMissing):
        vault.unlock(PASSPHRASE)
    assert vault.status == VaultStatus.KEY_MISSING


@pytest.mark.expect_log("started over")
def test_starting_over_keeps_the_old_key_file_aside(room: Room) -> None:
    first = room.vault()
    first.unlock(PASSPHRASE)
    room.sealed = first.seal("a", SECRET)
    old = room.file.read_bytes()
    vault = room.vault()
    vault.start_over("another horse")
    aside = room.folder / "vault.key.old1"
    assert aside.read_bytes() == old
    assert aside.stat().st_mode & 0o777 == 0o600
    backend = FakeBackend()
    again = room.vault(backend)
    again.start_over()
    assert not room.file.exists()
    assert (room.folder / "vault.key.old2").exists()
    assert len(key_in(backend)) == 32


# Unattended


@pytest.fixture
def passphrase_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file the environment names, with the passphrase and a line's end."""
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    monkeypatch.setenv(PASSPHRASE_FILE, str(path))
    return path


def test_an_unattended_engine_makes_and_opens_the_key_file(room: Room, passphrase_file: Path) -> None:
    os.environ[PASSPHRASE_FILE] = str(passphrase_file)
    made = room.vault(FakeBackend(locked))
    sealed = room.sealed = made.seal("a", SECRET)
    assert made.backend == str(room.file)
    assert room.vault().open("a", sealed) == SECRET
    os.environ.pop(PASSPHRASE_FILE)
    by_hand = room.vault()
    with pytest.raises(VaultLocked):
        by_hand.open("a", sealed)
    by_hand.unlock(PASSPHRASE)
    assert by_hand.open("a", sealed) == SECRET


def test_an_unattended_engine_whose_key_is_in_the_keyring(room: Room, passphrase_file: Path) -> None:
    backend = FakeBackend()
    os.environ.pop(PASSPHRASE_FILE)
    room.sealed = room.vault(backend).seal("a", SECRET)
    os.environ[PASSPHRASE_FILE] = str(passphrase_file)
    assert room.vault(backend).open("a", room.sealed) == SECRET
    assert not room.file.exists()


@pytest.mark.parametrize("fault", ["wrong", "missing", "not text"])
def test_an_unattended_engine_with_a_wrong_passphrase_asks(
    room: Room, passphrase_file: Path, fault: str
) -> None:
    room.vault().unlock(PASSPHRASE)
    os.environ[PASSPHRASE_FILE] = str(passphrase_file)
    if fault == "missing":
        passphrase_file.unlink()
    else:
        passphrase_file.write_bytes(b"wrong horse" if fault == "wrong" else b"\xff\xfe\xff")
    vault = room.vault()
    vault.open_now()
    assert vault.status == VaultStatus.NEEDS_PASSPHRASE
    assert "nothing is lost" in vault.text
    vault.unlock(PASSPHRASE)


def test_a_damaged_key_file_is_key_missing(room: Room, passphrase_file: Path) -> None:
    os.environ[PASSPHRASE_FILE] = str(passphrase_file)
    room.file.write_text("{}")
    vault = room.vault()
    with pytest.raises(VaultKeyMissing, match="cannot be read"):
        vault.seal("a", SECRET)
    assert vault.status == VaultStatus.KEY_MISSING


# Listeners, and the end


def test_a_listener_may_use_the_vault_and_news_come_in_order(room: Room) -> None:
    backend = FakeBackend(locked)
    vault = room.vault(backend)
    hear = vault.on_change
    assert hear is not None

    def listen(status: str) -> None:
        if status == "locked":
            backend.hurdle = None
            vault.try_again()
        hear(status)

    vault.on_change = listen
    vault.open_now()
    room.wait_for("locked", "open")


@pytest.mark.expect_log("listener to the vault failed")
def test_a_listener_that_fails_harms_nobody(room: Room) -> None:
    vault = room.vault(FakeBackend())

    heard = threading.Event()

    def fail(_: str) -> None:
        heard.set()
        raise ZeroDivisionError

    vault.on_change = fail
    assert vault.open("a", vault.seal("a", SECRET)) == SECRET
    assert heard.wait(30)
    for thread in threading.enumerate():
        if thread.name == "vault-news":
            thread.join(30)


def test_a_listener_that_waits_for_a_caller_of_the_vault_is_no_deadlock(room: Room) -> None:
    backend = Prompting()
    room.sealed = b"something"
    vault = room.vault(backend, wait_s=0.05)
    database = threading.Lock()
    failed = threading.Event()

    def listen(_: str) -> None:
        with database:
            pass

    def caller_inside_a_unit_of_work() -> None:
        with database, pytest.raises(VaultLocked):
            vault.seal("a", SECRET)
        failed.set()

    vault.on_change = listen
    threads = [threading.Thread(target=caller_inside_a_unit_of_work, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert backend.asked.wait(30)
    room.clock.advance(1)
    assert failed.wait(10)
    backend.dismiss()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_a_closed_vault_forgets_the_key_and_asks_nobody(room: Room) -> None:
    backend = FakeBackend()
    vault = room.vault(backend)
    sealed = vault.seal("a", SECRET)
    reads = backend.reads
    vault.close()
    with pytest.raises(VaultLocked, match="closing"):
        vault.open("a", sealed)
    with pytest.raises(VaultLocked):
        vault.try_again()
    assert backend.reads == reads


# The computer


@pytest.mark.skipif(sys.platform == "darwin", reason="there the library looks for what is its own")
def test_looking_for_keyrings_starts_no_program() -> None:
    look = """
import sys
started = []
sys.addaudithook(lambda event, _: started.append(event) if event == "subprocess.Popen" else None)
from reply_desktop.adapters.vault import system_backends
assert system_backends()
print(started)
"""
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Secrets


def test_secrets_are_in_no_repr_log_or_error(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    backend = FakeBackend()
    vault = room.vault(backend)
    room.sealed = vault.seal("a", SECRET)
    room.wait_for("open")
    key = key_in(backend)
    told = [repr(vault), repr(vars(vault)), repr(vault._finding), vault.text, caplog.text]
    for damaged in (room.sealed[:-1] + b"x", b"", SECRET):
        with pytest.raises(InvalidInput) as error:
            vault.open("a", damaged)
        told += [repr(error.value), str(error.value)]
    everything = "\n".join(told)
    for secret in (SECRET.decode(), base64.b64encode(key).decode(), key.hex(), repr(key)):
        assert secret not in everything
    assert "tests.fakes.keyring.FakeBackend" in caplog.text


def test_the_plain_bytes_of_the_database_hold_no_secret(room: Room, clock: FakeClock) -> None:
    path = room.folder / "data" / "reply.db"
    store = SqliteStore(path, clock)
    backend = FakeBackend()
    vault = room.vault(backend)
    for n in range(20):
        with store.begin(durable=True) as unit:
            unit.accounts.add(an_account(f"{n}"))
            unit.grants.put(f"{n}", 1, vault.seal(f"{n}", SECRET))
            unit.grants.put(f"{n}", 1, vault.seal(f"{n}", SECRET + b"-rotated"))
            unit.commit()
    store.backup(room.folder / "mine.db")
    written = b"".join(one.read_bytes() for one in [*path.parent.iterdir(), room.folder / "mine.db"])
    store.close()
    written += path.read_bytes()
    assert b"19@example.com" in written
    for secret in (
        SECRET,
        key_in(backend),
        base64.b64encode(key_in(backend)),
        key_in(backend).hex().encode(),
    ):
        assert secret not in written


def test_importing_the_vault_loads_no_keyring() -> None:
    code = "import sys, reply_desktop.adapters.vault; print('keyring' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"
