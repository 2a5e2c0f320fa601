"""The vault: one key from the OS keyring, or from a file under a passphrase, seals all credentials."""

import base64
import binascii
import hmac
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from reply_desktop.adapters import key_file
from reply_desktop.adapters.sealing import KEY_BYTES, Sealer, new_key
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput, ReplyDesktopError, VaultLocked, VaultUnavailable
from reply_desktop.files import create_private

_log = logging.getLogger(__name__)

SERVICE: Final = "Reply Desktop"
"""Under this name the key stands in the keyring; the user name tells one data folder from another."""

PASSPHRASE_FILE: Final = "REPLY_DESKTOP_PASSPHRASE_FILE"  # noqa: S105 - an environment variable's name
"""Names a file with the passphrase, for an engine that nobody sits in front of."""

OPEN, LOCKED, KEY_MISSING = "open", "locked", "key_missing"
NO_KEYRING, NEEDS_PASSPHRASE = "no_keyring", "needs_passphrase"

_UNFIT: Final = ("keyring.backends.null", "keyring.backends.fail", "keyring.backends.chainer", "keyrings.alt")
"""Back ends that forget, refuse, or write plain text; a chain that is left over is an empty one."""


class VaultKeyMissing(VaultLocked):
    """There are sealed credentials, and the key that fits them is not where it was. Nothing is deleted."""

    cause = Cause.VAULT_KEY_MISSING


class PassphraseNeeded(VaultLocked):
    """The key lies in a file under a passphrase, which the person has not given yet."""

    cause = Cause.VAULT_PASSPHRASE


class Backend(Protocol):
    """What is used of a keyring's back end."""

    def get_password(self, service: str, username: str, /) -> str | None: ...
    def set_password(self, service: str, username: str, password: str, /) -> None: ...


def system_backends() -> list[Backend]:
    """The back ends `keyring` would use, the best first. Looks anew each time: a daemon may be back."""
    if sys.platform != "darwin":
        # Its macOS part looks for three libraries of macOS everywhere, with ldconfig, gcc and ld.
        sys.modules.setdefault("keyring.backends.macOS.api", None)  # type: ignore[arg-type]
    import keyring.core
    from keyring.backend import get_all_keyring
    from keyring.backends.chainer import ChainerBackend

    vars(get_all_keyring).pop("saved_result", None)
    keyring.core.init_backend()
    chosen = keyring.core.get_keyring()
    return [*chosen.backends] if isinstance(chosen, ChainerBackend) else [chosen]


def name_of(backend: Backend) -> str:
    """Module and class of a back end, as the person and the log are told."""
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def is_fit(backend: Backend) -> bool:
    """Whether a back end keeps secrets, and keeps them secret."""
    name = name_of(backend)
    return not any(name.startswith(unfit + ".") for unfit in _UNFIT) and "plaintext" not in name.lower()


@dataclass(frozen=True, slots=True)
class _Finding:
    """What looking for the key brought. `by_itself`: it may come right without the person."""

    status: str
    what: str
    todo: str = ""
    backend: str = ""
    by_itself: bool = False
    sealer: Sealer | None = field(default=None, repr=False)

    @property
    def error(self) -> VaultUnavailable:
        return _ERRORS[self.status](self.what, self.todo)


_ERRORS: Final[Mapping[str, type[VaultUnavailable]]] = MappingProxyType(
    {
        LOCKED: VaultLocked,
        NEEDS_PASSPHRASE: PassphraseNeeded,
        KEY_MISSING: VaultKeyMissing,
        NO_KEYRING: VaultUnavailable,
    }
)
_UNASKED: Final = _Finding(LOCKED, "The keyring has not been asked yet.")
_WAITING: Final = _Finding(
    LOCKED, "The keyring waits to be unlocked; nothing is lost.", "Answer the keyring's window."
)


class _Look:
    """One look for the key, on a thread of its own because a keyring may wait for the person."""

    def __init__(self, find: Callable[[], _Finding], started_at: float) -> None:
        self.find = find
        self.started_at = started_at
        self.over = threading.Event()


class KeyringVault:
    """Implements the port `Vault`, safe to use from many threads.

    The key is read once and kept in memory. While a keyring has not answered, the vault is locked and nobody
    waits for it longer than the first callers do; when it answers, `on_change` tells. A key is made only
    where nothing is sealed yet, or by `start_over`.
    """

    def __init__(
        self,
        file: Path,
        *,
        entry: str,
        any_sealed: Callable[[], bytes | None],
        on_change: Callable[[str], None] | None = None,
        backends: Callable[[], Iterable[Backend]] = system_backends,
        monotonic: Callable[[], float] = time.monotonic,
        wait_s: float = 5.0,
        retry_s: float = 30.0,
        scrypt_n: int = key_file.SCRYPT_N,
    ) -> None:
        """Asks neither keyring nor file yet.

        `file`: where the key lies under a passphrase; it goes before the keyring. `entry`: the key's user
        name in the keyring, of this data folder alone. `any_sealed`: what was sealed last, if anything is; on
        any thread. `on_change` gets the status whenever it or its text changes, in order, on a thread of its
        own. `wait_s`: how long the first callers wait for a look at the keyring. `retry_s`: after how long
        one that was not there is looked for again. `scrypt_n`: cost of a new key file.
        """
        if not entry:
            raise ValueError("a key needs a user name of its own")
        self.on_change = on_change
        self._file = file
        self._entry = entry
        self._any_sealed = any_sealed
        self._backends = backends
        self._monotonic = monotonic
        self._wait_s = wait_s
        self._retry_s = retry_s
        self._scrypt_n = scrypt_n
        self._finding = _UNASKED
        self._look: _Look | None = None
        self._again_at: float | None = None
        self._closed = False
        self._news: deque[str] = deque()
        self._telling = False
        self._lock = threading.Lock()
        self._deciding = threading.Lock()

    @property
    def status(self) -> str:
        """A value of the channel's VaultStatus; `locked` until the key was first looked for."""
        return self._finding.status

    @property
    def text(self) -> str:
        """The status in words, with the one thing to do."""
        return f"{self._finding.what} {self._finding.todo}".strip()

    @property
    def backend(self) -> str:
        """Where the key lies: class of the keyring's back end, or the key file. Empty when not known."""
        return self._finding.backend

    @property
    def opens_with(self) -> str:
        """What opens the sign-ins in a copy of the database; said of the copy."""
        if self._file.exists():
            return f"your passphrase and the key file {self._file}, which is no part of it"
        return "this computer's keyring"

    def seal(self, account_id: str, plain: bytes) -> bytes:
        """Sealed bytes bound to the account id.

        Raises VaultLocked, VaultKeyMissing (a VaultLocked) or VaultUnavailable.
        """
        return self._ready().seal(account_id, plain)

    def open(self, account_id: str, sealed: bytes) -> bytes:
        """What was sealed for this account. Raises as `seal`, and InvalidInput if damaged or another's."""
        return self._ready().open(account_id, sealed)

    def open_now(self) -> None:
        """Look for the key for the first time, waiting as the first callers do. Never raises."""
        with suppress(VaultUnavailable):
            self._ready()

    def try_again(self) -> str:
        """Look for the key again, unless a look is under way, and give the status."""
        if self._finding.sealer is None:
            self._wait_for(self._looking(self._find))
        return self.status

    def unlock(self, passphrase: str) -> None:
        """Open with the passphrase; where there is no key at all, the first one makes the key file.

        Raises VaultLocked for a wrong passphrase or when the key is elsewhere, InvalidInput for a new one
        that is too short, VaultUnavailable for a damaged file.
        """
        with self._deciding:
            if self._finding.sealer is not None:
                return
            finding = self._in_file(passphrase) if self._file.exists() else self._first_key_file(passphrase)
            self._settle(finding)
        if finding.sealer is None:
            raise finding.error

    def change_passphrase(self, old: str, new: str) -> None:
        """Seal the key file under another passphrase. Raises as `unlock`."""
        with self._deciding:
            if not self._file.exists():
                raise InvalidInput("The key lies in the keyring: there is no passphrase to change.")
            key_file.write_key(self._file, key_file.read_key(self._file, old), new, n=self._scrypt_n)

    def start_over(self, passphrase: str | None = None) -> None:
        """Make a new key, in the keyring or under a passphrase. What the old one sealed stays shut.

        An old key file is kept aside. Raises InvalidInput when the vault is open, and as `unlock`.
        """
        with self._deciding:
            if self._finding.sealer is not None:
                raise InvalidInput("The sign-ins can be opened: there is no need to start over.")
            if passphrase is None:
                self._wait_for(self._looking(self._anew_in_keyring))
            else:
                self._settle(self._new_key_file(passphrase))
            if self._finding.sealer is None:
                raise self._finding.error
        _log.warning("The vault started over with a new key in %s", self.backend)

    def close(self) -> None:
        """Forget the key; a keyring that still waits for the person is not waited for."""
        with self._lock:
            self._closed = True
            self._finding = _Finding(LOCKED, "The app is closing.")

    # Looking, and waiting for what it brings

    def _ready(self) -> Sealer:
        sealer = self._finding.sealer
        if sealer is None:
            again = self._again_at is not None and self._monotonic() >= self._again_at
            look = self._look
            self._wait_for(self._looking(self._find) if look is None or again else look)
            finding = self._finding
            if finding.sealer is None:
                raise finding.error
            sealer = finding.sealer
        return sealer

    def _looking(self, find: Callable[[], _Finding]) -> _Look:
        with self._lock:
            if self._closed:
                raise self._finding.error
            look = self._look
            if look is not None and not look.over.is_set():
                return look
            self._again_at = None
            self._look = look = _Look(find, self._monotonic())
        threading.Thread(target=self._run, args=(look,), name="vault", daemon=True).start()
        return look

    def _run(self, look: _Look) -> None:
        try:
            finding = look.find()
        except ReplyDesktopError as error:
            finding = _Finding(LOCKED, error.what, error.todo)
        except Exception:
            _log.exception("The vault's key could not be looked for")
            finding = _Finding(
                LOCKED, "The keyring could not be asked; nothing is lost.", "Try again.", by_itself=True
            )
        if finding.by_itself:
            self._again_at = self._monotonic() + self._retry_s
        self._settle(finding, look)

    def _wait_for(self, look: _Look) -> None:
        if not look.over.wait(max(0.0, look.started_at + self._wait_s - self._monotonic())):
            self._settle(_WAITING, look)

    def _settle(self, finding: _Finding, look: _Look | None = None) -> None:
        """Take what was found, by a look or by the person; never shuts an open vault."""
        with self._lock:
            late = finding is _WAITING and look is not None and look.over.is_set()
            if not (late or self._closed or self._finding.sealer is not None):
                if (self._finding.status, self._finding.what) != (finding.status, finding.what):
                    self._news.append(finding.status)
                self._finding = finding
            if look is not None and finding is not _WAITING:
                look.over.set()
            if self._telling or not self._news:
                return
            self._telling = True
        # On a thread of its own: the caller may hold what the listener wants, a unit of work for instance.
        threading.Thread(target=self._tell, name="vault-news", daemon=True).start()

    def _tell(self) -> None:
        while True:
            with self._lock:
                if not self._news:
                    self._telling = False
                    return
                status = self._news.popleft()
            _log.info("The vault is %s; key in: %s", status, self.backend or "nowhere")
            try:
                if self.on_change is not None:
                    self.on_change(status)
            except Exception:
                _log.exception("A listener to the vault failed")

    # Where the key may be

    def _find(self) -> _Finding:
        if self._file.exists():
            return self._in_file_unattended()
        if self._any_sealed() is None and (passphrase := _passphrase_of_environment()) is not None:
            return self._new_key_file(passphrase)
        backends, trouble = self._fit_backends()
        return self._in_keyring(backends) if trouble is None else trouble

    def _fit_backends(self) -> tuple[list[Backend], _Finding | None]:
        try:
            backends = [*self._backends()]
        except Exception as error:
            # A back end of PYTHON_KEYRING_BACKEND or keyringrc.cfg that cannot be loaded or used here.
            _log.info("The keyring that is set up cannot be used: %s", type(error).__name__)
            backends = []
        if backends and is_fit(backends[0]):
            return [one for one in backends if is_fit(one)], None
        return [], self._without_keyring(name_of(backends[0]) if backends else "")

    def _in_keyring(self, backends: list[Backend]) -> _Finding:
        from keyring.errors import KeyringLocked

        sealed = self._any_sealed()
        locked = silent = misfit = False
        for backend in backends:
            try:
                stored = backend.get_password(SERVICE, self._entry)
            except KeyringLocked:
                locked = True
            except Exception as error:
                _log.info("%s does not answer: %s", name_of(backend), type(error).__name__)
                silent = True
            else:
                sealer = _sealer_of(stored)
                if sealer is not None and (sealed is None or sealer.fits(sealed)):
                    return _opened(backend, sealer)
                misfit = misfit or sealer is not None
            if sealed is None:
                # The first one is where a new key would lie; only a key in use is looked for in the others.
                break
        first = name_of(backends[0])
        if locked:
            return _Finding(
                LOCKED, "The keyring is locked; nothing is lost.", "Unlock it and press Try again.", first
            )
        if sealed is None:
            return self._silent(first) if silent else self._make(backends)
        if silent:
            return self._silent(first)
        return _Finding(
            KEY_MISSING,
            "The keyring holds another key than the one your sign-ins need."
            if misfit
            else "The key to your sign-ins is not in the keyring any more.",
            "Restore the keyring, or start over and reconnect every account.",
            first,
        )

    def _make(self, backends: list[Backend]) -> _Finding:
        from keyring.errors import KeyringLocked

        key = new_key()
        text = base64.b64encode(key).decode()
        for backend in backends:
            name = name_of(backend)
            try:
                backend.set_password(SERVICE, self._entry, text)
                if hmac.compare_digest(backend.get_password(SERVICE, self._entry) or "", text):
                    return _opened(backend, Sealer(key))
            except NotImplementedError:
                continue
            except KeyringLocked:
                return _Finding(LOCKED, "The keyring is locked.", "Unlock it and press Try again.", name)
            except Exception as error:
                _log.info("%s takes no key: %s", name, type(error).__name__)
            return self._without_keyring(name)
        return self._without_keyring(name_of(backends[0]))

    def _silent(self, backend: str) -> _Finding:
        if self._any_sealed() is None:
            return self._without_keyring(backend)
        return _Finding(
            LOCKED,
            "The keyring that holds the key does not answer; nothing is lost.",
            "Sign in to the desktop that has it; the app looks again by itself.",
            backend,
            by_itself=True,
        )

    def _without_keyring(self, refused: str) -> _Finding:
        if self._any_sealed() is not None:
            return self._silent(refused)
        return _Finding(
            NO_KEYRING,
            "This computer has no keyring that is fit for secrets"
            + (f" ({refused} is not used)." if refused else "."),
            "Choose a passphrase; it is asked for after every start.",
            refused,
            by_itself=True,
        )

    def _in_file_unattended(self) -> _Finding:
        place = str(self._file)
        try:
            passphrase = _passphrase_of_environment()
            if passphrase is not None:
                return self._in_file(passphrase)
        except VaultLocked as error:
            return _Finding(NEEDS_PASSPHRASE, error.what, error.todo, place)
        except VaultUnavailable as error:
            return _Finding(KEY_MISSING, error.what, error.todo, place)
        return _Finding(NEEDS_PASSPHRASE, "Your sign-ins are locked with a passphrase.", "Enter it.", place)

    def _in_file(self, passphrase: str) -> _Finding:
        sealer = Sealer(key_file.read_key(self._file, passphrase))
        sealed = self._any_sealed()
        if sealed is not None and not sealer.fits(sealed):
            return _Finding(
                KEY_MISSING,
                f"The key in {self._file} is not the one your sign-ins need.",
                "Restore that file, or start over and reconnect every account.",
                str(self._file),
            )
        return self._opened_file(sealer)

    def _first_key_file(self, passphrase: str) -> _Finding:
        if self._any_sealed() is not None:
            raise VaultLocked(
                "The key to your sign-ins lies in a keyring, not under a passphrase; nothing is lost.",
                "Unlock the keyring and press Try again.",
            )
        return self._new_key_file(passphrase)

    def _new_key_file(self, passphrase: str) -> _Finding:
        key = new_key()
        self._copy_file_aside()
        key_file.write_key(self._file, key, passphrase, n=self._scrypt_n)
        return self._opened_file(Sealer(key))

    def _anew_in_keyring(self) -> _Finding:
        backends, trouble = self._fit_backends()
        finding = self._make(backends) if trouble is None else trouble
        if finding.sealer is not None:
            self._copy_file_aside()
            self._file.unlink(missing_ok=True)
        return finding

    def _copy_file_aside(self) -> None:
        if self._file.exists():
            number = 1 + sum(1 for _ in self._file.parent.glob(f"{self._file.name}.old*"))
            aside = self._file.with_name(f"{self._file.name}.old{number}")
            create_private(aside)
            aside.write_bytes(self._file.read_bytes())

    def _opened_file(self, sealer: Sealer) -> _Finding:
        return _Finding(
            OPEN, "Your sign-ins are sealed with a passphrase.", "", str(self._file), sealer=sealer
        )


def _opened(backend: Backend, sealer: Sealer) -> _Finding:
    return _Finding(
        OPEN,
        "Your sign-ins are sealed with a key in this computer's keyring.",
        "",
        name_of(backend),
        sealer=sealer,
    )


def _sealer_of(stored: str | None) -> Sealer | None:
    try:
        key = base64.b64decode(stored or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return Sealer(key) if len(key) == KEY_BYTES else None


def _passphrase_of_environment() -> str | None:
    """The passphrase of an unattended engine, if one is named. Raises VaultLocked when it cannot be read."""
    name = os.environ.get(PASSPHRASE_FILE)
    if not name:
        return None
    try:
        return Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeError):
        raise VaultLocked(
            f"The passphrase file {name} cannot be read; nothing is lost.", f"Check {PASSPHRASE_FILE}."
        ) from None
