"""The vault on a real GNOME keyring, and on the desktops where there is none."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reply_desktop.adapters.vault import KeyringVault, VaultKeyMissing
from reply_desktop.domain.errors import VaultLocked, VaultUnavailable
from tests.fakes.clock import FakeClock
from tests.harness.keyring import SessionKeyring
from tests.harness.private_keyring import PrivateKeyring, is_installed

pytestmark = [
    pytest.mark.skipif(not is_installed(), reason="needs dbus-daemon and gnome-keyring"),
    # keyring leaves its connection to the garbage collector when the collection is locked.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]

SECRET = b"1//0-refresh-token"
SECRET_SERVICE = "keyring.backends.SecretService.Keyring"


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateKeyring]:
    """A bus of its own, which this process uses; the keyring's daemon is not started."""
    private = PrivateKeyring(tmp_path / "session")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", private.address)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    yield private
    private.close()


class Engine:
    """The vaults of one data folder, one after another, as the engine is started again."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.folder = folder
        self.clock = clock
        self.sealed: bytes | None = None

    def vault(self) -> KeyringVault:
        return KeyringVault(
            self.folder / "vault.key",
            entry=str(self.folder),
            any_sealed=lambda: self.sealed,
            monotonic=self.clock.monotonic,
            wait_s=20.0,
            scrypt_n=1 << 10,
        )


@pytest.fixture
def engine(tmp_path: Path, clock: FakeClock) -> Engine:
    """An empty data folder."""
    return Engine(tmp_path, clock)


def test_the_key_lies_in_the_secret_service_under_the_folders_name(
    keyring: PrivateKeyring, engine: Engine, tmp_path: Path
) -> None:
    keyring.start()
    vault = engine.vault()
    engine.sealed = vault.seal("a", SECRET)
    assert vault.backend == SECRET_SERVICE
    session = SessionKeyring()
    (item,) = session.items
    session._bus.close()
    assert (item["service"], item["username"]) == ("Reply Desktop", str(tmp_path))
    assert engine.vault().open("a", engine.sealed) == SECRET
    files = [one for one in keyring.home.rglob("*") if one.is_file()]
    assert files
    assert not any(SECRET in one.read_bytes() for one in files)


def test_locked_keyring_is_not_signed_out(keyring: PrivateKeyring, engine: Engine) -> None:
    keyring.start()
    engine.sealed = engine.vault().seal("a", SECRET)
    keyring.kill()
    keyring.start(unlock=False)
    vault = engine.vault()
    with pytest.raises(VaultLocked, match="locked; nothing is lost") as told:
        vault.open("a", engine.sealed)
    assert not isinstance(told.value, VaultKeyMissing)
    assert (vault.status, vault.backend) == ("locked", SECRET_SERVICE)
    keyring.kill()
    keyring.start()
    assert vault.try_again() == "open"
    assert vault.open("a", engine.sealed) == SECRET


def test_daemon_gone_and_back(keyring: PrivateKeyring, engine: Engine) -> None:
    keyring.start()
    engine.sealed = engine.vault().seal("a", SECRET)
    keyring.kill()
    vault = engine.vault()
    with pytest.raises(VaultLocked, match="does not answer; nothing is lost"):
        vault.open("a", engine.sealed)
    keyring.start()
    with pytest.raises(VaultLocked):
        vault.open("a", engine.sealed)
    engine.clock.advance(30)
    assert vault.open("a", engine.sealed) == SECRET


def test_daemon_gone_while_the_vault_is_open(keyring: PrivateKeyring, engine: Engine) -> None:
    keyring.start()
    vault = engine.vault()
    sealed = vault.seal("a", SECRET)
    keyring.kill()
    assert vault.open("a", sealed) == SECRET


def test_no_keyring_at_the_first_start_offers_a_passphrase(keyring: PrivateKeyring, engine: Engine) -> None:
    vault = engine.vault()
    with pytest.raises(VaultUnavailable) as told:
        vault.seal("a", SECRET)
    assert not isinstance(told.value, VaultLocked)
    assert (vault.status, vault.backend) == ("no_keyring", "keyring.backends.fail.Keyring")
    vault.unlock("correct horse")
    assert vault.open("a", vault.seal("a", SECRET)) == SECRET


def test_no_bus_at_all(keyring: PrivateKeyring, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/at/all")
    vault = engine.vault()
    vault.open_now()
    assert vault.status == "no_keyring"
    engine.sealed = b"sealed where there was a keyring"
    later = engine.vault()
    with pytest.raises(VaultLocked, match="nothing is lost"):
        later.seal("a", SECRET)


def test_a_keyring_that_was_emptied_is_key_missing(keyring: PrivateKeyring, engine: Engine) -> None:
    keyring.start()
    engine.sealed = engine.vault().seal("a", SECRET)
    session = SessionKeyring()
    session.clear()
    vault = engine.vault()
    with pytest.raises(VaultKeyMissing):
        vault.open("a", engine.sealed)
    assert session.items == []
    session._bus.close()


@pytest.mark.parametrize("name", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"])
def test_null_backend_is_refused(
    keyring: PrivateKeyring, engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    keyring.start()
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
    vault = engine.vault()
    with pytest.raises(VaultUnavailable):
        vault.seal("a", SECRET)
    assert (vault.status, vault.backend) == ("no_keyring", name)


@pytest.mark.parametrize("name", ["nowhere.to.be.Found", "keyring.backends.macOS.Keyring", "Keyring", ""])
def test_a_backend_that_cannot_be_loaded_is_no_crash(
    keyring: PrivateKeyring, engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
    vault = engine.vault()
    vault.open_now()
    assert vault.status == "no_keyring"


PLAINTEXT = '''
import json, os, pathlib
from keyring.backend import KeyringBackend
from keyring.compat import properties

class PlaintextKeyring(KeyringBackend):
    """What keyrings.alt 5 brings: a file anybody can read, chosen by itself where nothing better is."""
    path = pathlib.Path(os.environ["HOME"]) / "keyring_pass.cfg"
    @properties.classproperty
    def priority(cls):
        return 0.5
    def get_password(self, service, username):
        return json.loads(self.path.read_text()).get(username) if self.path.exists() else None
    def set_password(self, service, username, password):
        self.path.write_text(json.dumps({username: password}))
'''

CHILD = """
import sys
from pathlib import Path
from reply_desktop.adapters.vault import KeyringVault
vault = KeyringVault(Path(sys.argv[1]) / "vault.key", entry="e", any_sealed=lambda: None, wait_s=20)
vault.open_now()
print(vault.status, vault.backend)
"""


@pytest.mark.parametrize("with_daemon", [False, True])
@pytest.mark.parametrize("forced", [False, True])
def test_plaintext_backend_is_refused(
    keyring: PrivateKeyring, tmp_path: Path, with_daemon: bool, forced: bool
) -> None:
    if with_daemon:
        keyring.start()
    site = tmp_path / "site"
    (site / "keyrings" / "alt").mkdir(parents=True)
    (site / "keyrings" / "alt" / "file.py").write_text(PLAINTEXT)
    (site / "keyrings.alt-5.0.2.dist-info").mkdir()
    (site / "keyrings.alt-5.0.2.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: keyrings.alt\nVersion: 5.0.2\n"
    )
    (site / "keyrings.alt-5.0.2.dist-info" / "entry_points.txt").write_text(
        "[keyring.backends]\nfile = keyrings.alt.file\n"
    )
    env = keyring.env | {"PYTHONPATH": str(site)}
    if forced:
        env["PYTHON_KEYRING_BACKEND"] = "keyrings.alt.file.PlaintextKeyring"
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        env=env,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    fits = with_daemon and not forced
    assert done.stdout.split() == (
        ["open", SECRET_SERVICE] if fits else ["no_keyring", "keyrings.alt.file.PlaintextKeyring"]
    )
    assert not (keyring.home / "keyring_pass.cfg").exists()
