"""How secrets are sealed: AES-256-GCM under one key, bound to whose they are and to the key they need."""

import hashlib
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reply_desktop.domain.errors import InvalidInput

KEY_BYTES: Final = 32

_VERSION: Final = b"\x01"
_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_NONCE_AT: Final = len(_VERSION) + _ID_BYTES
_SEALED_AT: Final = _NONCE_AT + _NONCE_BYTES


class Sealer:
    """Seals and opens with one key; safe to use from many threads. The key is in no `repr`.

    Sealed bytes: version (1), id of the key (8), nonce (12), ciphertext, tag (16). Version, key and owner are
    authenticated with it, so that sealed bytes cannot be moved to another account.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._head = _VERSION + hashlib.sha256(b"reply-desktop key id\0" + key).digest()[:_ID_BYTES]

    def seal(self, owner: str, plain: bytes) -> bytes:
        """The plain bytes sealed for this owner."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return self._head + nonce + self._cipher.encrypt(nonce, plain, self._head + owner.encode())

    def open(self, owner: str, sealed: bytes) -> bytes:
        """What was sealed for this owner. Raises InvalidInput, quoting nothing, for anything else."""
        if len(sealed) >= _SEALED_AT + _TAG_BYTES and self.fits(sealed):
            nonce, ciphertext = sealed[_NONCE_AT:_SEALED_AT], sealed[_SEALED_AT:]
            try:
                return self._cipher.decrypt(nonce, ciphertext, self._head + owner.encode())
            except InvalidTag:
                pass
        raise InvalidInput("What is stored of this sign-in cannot be opened.", "Reconnect the account.")

    def fits(self, sealed: bytes) -> bool:
        """Whether these bytes were sealed with this very key."""
        return sealed.startswith(self._head)


def new_key() -> bytes:
    """A fresh random key."""
    return secrets.token_bytes(KEY_BYTES)
