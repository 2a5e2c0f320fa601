"""The key under a passphrase, in a file: for computers without a keyring."""

import base64
import binascii
import errno
import hashlib
import json
import secrets
import unicodedata
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reply_desktop.adapters.sealing import KEY_BYTES
from reply_desktop.domain.errors import InvalidInput, StoreFull, VaultLocked, VaultUnavailable
from reply_desktop.files import write_private

MIN_PASSPHRASE: Final = 8
"""The shortest passphrase that is taken, in characters."""

SCRYPT_N: Final = 1 << 17
"""Cost of one guess: 128 MiB and about 0.4 s (OWASP password storage: scrypt N=2^17, r=8, p=1)."""

_R, _P = 8, 1
_MAX_N: Final = 1 << 20
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_WHAT: Final = "reply-desktop vault key"


def write_key(path: Path, key: bytes, passphrase: str, *, n: int = SCRYPT_N) -> None:
    """Write the key sealed under the passphrase: 0600, and whole or not at all.

    Raises InvalidInput for a short passphrase, StoreFull and VaultUnavailable when it cannot be written.
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise InvalidInput("That passphrase is too short.", f"Use at least {MIN_PASSPHRASE} characters.")
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    head = {"what": _WHAT, "version": 1, "kdf": "scrypt", "n": n, "r": _R, "p": _P, "salt": _text(salt)}
    sealed = AESGCM(_derived(passphrase, salt, n, _R, _P)).encrypt(nonce, key, _bound(head))
    content = json.dumps(head | {"nonce": _text(nonce), "sealed": _text(sealed)}, indent=1)
    try:
        write_private(path, content)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(f"The disk is full: {path} cannot be kept.", "Make room on the disk.") from None
        raise VaultUnavailable(
            f"{path} cannot be written: {error.strerror}.", "Check the disk and the folder."
        ) from None


def read_key(path: Path, passphrase: str) -> bytes:
    """The key. Raises VaultLocked for a wrong passphrase, VaultUnavailable for a damaged file."""
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
        nonce, sealed = _bytes(head.pop("nonce")), _bytes(head.pop("sealed"))
        salt, n, r, p = _bytes(head["salt"]), int(head["n"]), int(head["r"]), int(head["p"])
        fits = head["what"] == _WHAT and head["version"] == 1 and head["kdf"] == "scrypt"
        if not fits or len(nonce) != _NONCE_BYTES or not (1 < n <= _MAX_N and 0 < r <= 32 and 0 < p <= 16):
            raise ValueError
        derived = _derived(passphrase, salt, n, r, p)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise VaultUnavailable(
            f"The key file {path} cannot be read.", "Restore it from a backup of the data folder."
        ) from None
    try:
        key = AESGCM(derived).decrypt(nonce, sealed, _bound(head))
    except InvalidTag:
        raise VaultLocked("That is not the passphrase; nothing is lost.", "Try again.") from None
    assert len(key) == KEY_BYTES
    return key


def _derived(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # The same passphrase typed on another system may come in another normal form (NIST SP 800-63B §5.1.1.2).
    normal = unicodedata.normalize("NFKC", passphrase).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(normal, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r * p, dklen=KEY_BYTES)


def _bound(head: dict[str, object]) -> bytes:
    return json.dumps(head, sort_keys=True).encode()


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
